//! Which rows of a part the target refuses: all others are written.
//!
//! Rows are tried in chunks, each within a savepoint. A part without a bad row is one chunk, so it costs one try. A
//! chunk that is refused is cut where the database names the row, else in halves, until the row stands alone; behind a
//! refused row chunks begin small and grow. So a single bad row costs about three times its part and nothing else, and
//! a part in which every row is bad costs one try a row, without the logarithm that plain halving would take. Rows
//! tried in all, however many are bad: at most eight for each row of the part.
//!
//! Rows whose reference is not met are tried once more behind the others, as long as that helps: the row that they
//! refer to may stand behind them in the part.

use bron_mappings::Batch;

use crate::error::{Error, Result};
use crate::refusal::{Answer, Objection};
use crate::sink::Counts;

/// Writes rows so that it can be undone.
pub(crate) trait Trial {
    /// Writes the rows, all or none of them. What is written is checked now, also by constraints that the database
    /// would check when the transaction ends.
    ///
    /// # Errors
    /// An error with an [`Error::answer`] when the database refuses a row; then the transaction goes on as if the rows
    /// had never been given. Any other error ends the transaction.
    async fn attempt(&mut self, rows: &Batch) -> Result<Counts>;
}

/// Rows of a part that are to be written.
#[derive(Clone)]
pub(crate) struct Given<'a> {
    pub(crate) batch: &'a Batch,
    /// The rows that are not even tried, by their place, in order.
    pub(crate) known: Vec<(usize, Objection)>,
    /// Whether they are those that the target refused when the part was written.
    pub(crate) again: bool,
}

/// What became of the rows of a part.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Isolated {
    /// The counts of all rows.
    pub(crate) counts: Counts,
    /// The refused rows by their place in the part, in order.
    pub(crate) refused: Vec<(usize, Objection)>,
}

impl Isolated {
    /// What became of a part of which these counts were written and these rows, in order, were refused.
    pub(crate) fn of(mut counts: Counts, refused: Vec<(usize, Objection)>) -> Self {
        counts.refused = u64::try_from(refused.len()).expect("a batch has fewer than 2^64 rows");
        counts.rows += counts.refused;
        Self { counts, refused }
    }
}

/// Writes the rows of a part except those that the target refuses.
pub(crate) async fn isolate(trial: &mut impl Trial, given: Given<'_>) -> Result<Isolated> {
    let Given { batch, known, again: _ } = given;
    let mut open: Vec<usize> = (0..batch.rows()).collect();
    open.retain(|row| known.binary_search_by_key(row, |(known, _)| *known).is_err());
    let (mut counts, mut refused) = (Counts::default(), known);
    loop {
        let written_before = counts.rows;
        let found = Pass::new(batch, &open).run(trial, &mut counts).await?;
        let (later, settled): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|(_, objection)| objection.may_pass_later());
        refused.extend(settled);
        if later.is_empty() || counts.rows == written_before {
            refused.extend(later);
            break;
        }
        open = later.into_iter().map(|(row, _)| row).collect();
    }
    refused.sort_unstable();
    Ok(Isolated::of(counts, refused))
}

/// One walk over rows, in order.
struct Pass<'a> {
    batch: &'a Batch,
    rows: &'a [usize],
    at: usize,
    /// How many rows to try next, when nothing narrower is known.
    size: usize,
    /// The end of the rows of which one is known to be refused.
    window: usize,
    /// The row that the database has named, and what it said.
    named: Option<(usize, Objection)>,
    refused: Vec<(usize, Objection)>,
}

impl<'a> Pass<'a> {
    fn new(batch: &'a Batch, rows: &'a [usize]) -> Self {
        Self { batch, rows, at: 0, size: rows.len(), window: 0, named: None, refused: Vec::new() }
    }

    async fn run(mut self, trial: &mut impl Trial, counts: &mut Counts) -> Result<Vec<(usize, Objection)>> {
        while self.at < self.rows.len() {
            if let Some((_, objection)) = self.named.take_if(|(place, _)| *place == self.at) {
                self.refuse(objection);
                continue;
            }
            let end = self.end();
            match trial.attempt(&self.batch.pick(&self.rows[self.at..end])).await {
                Ok(written) => {
                    counts.add(written);
                    self.accept(end);
                }
                Err(error) => self.narrow(end, error)?,
            }
        }
        Ok(self.refused)
    }

    /// The end of the rows to try: before the row that was named, half of those of which one is bad, or as many as
    /// went well the last time and as many again.
    fn end(&self) -> usize {
        let left = self.window.saturating_sub(self.at);
        match &self.named {
            Some((place, _)) => *place,
            None if left > 0 => self.at + (left / 2).max(1),
            None => (self.at + self.size).min(self.rows.len()),
        }
    }

    fn accept(&mut self, end: usize) {
        self.size = (end - self.at).saturating_mul(2);
        self.at = end;
    }

    fn refuse(&mut self, objection: Objection) {
        self.refused.push((self.rows[self.at], objection));
        self.at += 1;
        self.size = 1;
        self.window = 0;
    }

    fn narrow(&mut self, end: usize, error: Error) -> Result<()> {
        let Some(Answer { objection, place }) = error.answer().cloned() else { return Err(error) };
        if end - self.at == 1 {
            self.refuse(objection);
            return Ok(());
        }
        self.window = end;
        let named = place.map(|place| self.at + place).filter(|place| *place < end);
        self.named = named.map(|place| (place, objection));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
