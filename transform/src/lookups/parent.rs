//! Rows of another table, found by key, and by time when the rows of a key have periods.

use bron_mappings::Batch;

use super::index::KeyIndex;
use super::moment::{end_of_period, start_of_period};
use super::texts::{TextTable, TextTableBuilder};
use super::{Answer, Filter, Gather, columns_of, join_key, slot, text_at};

/// The rows of one table by key.
#[derive(Debug)]
pub(crate) struct ParentTable {
    keys: KeyIndex,
    /// Without periods the first row of a key is its only one, and has the place of the key.
    periods: Option<Periods>,
    texts: TextTable,
}

/// The rows of each key, by the start of their periods.
#[derive(Debug)]
struct Periods {
    /// For each key the place of its first row in `rows`, and after the last key the number of rows.
    starts: Vec<u32>,
    rows: Vec<PeriodRow>,
}

/// A row and its period in microseconds; rows of a key stand by start and then as staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PeriodRow {
    key: u32,
    start: i64,
    row: u32,
    end: i64,
}

impl ParentTable {
    /// The place of the row with this key: the first one, or of those whose period holds the moment, when it
    /// is made wider by `slack` microseconds at both ends, the one that began last.
    pub(crate) fn find<'t>(
        &self,
        key: impl IntoIterator<Item = Option<&'t str>>,
        at: Option<i64>,
        slack: i64,
    ) -> Option<usize> {
        let key = self.keys.find(&join_key(key)?)?;
        let Some(periods) = &self.periods else { return Some(key) };
        let at = at?;
        let rows = periods.of_key(key);
        let begun = rows.partition_point(|row| row.start <= at.saturating_add(slack));
        let lasts = |row: &&PeriodRow| row.end >= at.saturating_sub(slack);
        rows[..begun].iter().rev().find(lasts).map(|row| place(row.row))
    }

    pub(crate) const fn texts(&self) -> &TextTable {
        &self.texts
    }
}

impl Periods {
    fn of_key(&self, key: usize) -> &[PeriodRow] {
        &self.rows[place(self.starts[key])..place(self.starts[key + 1])]
    }
}

fn place(slot: u32) -> usize {
    usize::try_from(slot).expect("32 bits fit a usize")
}

/// Gathers a [`ParentTable`].
pub(super) struct ParentGather {
    key: Vec<String>,
    when: Filter,
    columns: Vec<String>,
    period: Option<(String, String)>,
    keys: KeyIndex,
    rows: Vec<PeriodRow>,
    texts: TextTableBuilder,
}

impl ParentGather {
    pub(super) fn new(
        key: Vec<String>,
        when: Filter,
        columns: Vec<String>,
        period: Option<(String, String)>,
    ) -> Self {
        let texts = TextTable::builder(columns.clone());
        Self { key, when, columns, period, keys: KeyIndex::default(), rows: Vec::new(), texts }
    }

    fn finish_periods(&mut self) -> Periods {
        self.rows.sort_unstable();
        let mut starts = Vec::with_capacity(self.keys.len() + 1);
        for (at, row) in self.rows.iter().enumerate() {
            while starts.len() <= place(row.key) {
                starts.push(slot(at));
            }
        }
        starts.resize(self.keys.len() + 1, slot(self.rows.len()));
        Periods { starts, rows: std::mem::take(&mut self.rows) }
    }
}

impl Gather for ParentGather {
    /// A row with NULL or an empty text in its key is nobody's parent, nor is one whose period cannot be
    /// read.
    fn add(&mut self, batch: &Batch) {
        let key = columns_of(batch, &self.key);
        let values = columns_of(batch, &self.columns);
        let period = self.period.as_ref().map(|(from, to)| [from, to].map(|name| batch.cells_named(name)));
        let when: Vec<_> = self.when.iter().map(|(name, test)| (batch.cells_named(name), test)).collect();
        for row in 0..batch.rows() {
            if !when.iter().all(|(cells, test)| test.holds(text_at(cells.as_ref(), row))) {
                continue;
            }
            let Some(name) = join_key(key.iter().map(|cells| text_at(cells.as_ref(), row))) else { continue };
            let kept = match &period {
                None => self.keys.insert(&name).1,
                Some([from, to]) => {
                    let start = start_of_period(text_at(from.as_ref(), row));
                    let end = end_of_period(text_at(to.as_ref(), row));
                    start.zip(end).is_some_and(|(start, end)| {
                        let key = slot(self.keys.insert(&name).0);
                        self.rows.push(PeriodRow { key, start, end, row: slot(self.texts.rows()) });
                        true
                    })
                }
            };
            if kept {
                self.texts.push(values.iter().map(|cells| text_at(cells.as_ref(), row)));
            }
        }
    }

    fn finish(mut self: Box<Self>) -> Answer {
        let periods = self.period.is_some().then(|| self.finish_periods());
        Answer::Parents(ParentTable { keys: self.keys, periods, texts: self.texts.finish() })
    }
}
