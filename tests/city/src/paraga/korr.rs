//! Corrections of visits after the month was closed. They come in the files of later months, up to half a
//! year after the visit, and do not care about changes of the format in between.

use super::Paraga;
use super::era::Era;
use super::month::{Broken, Files, broken, free_text};
use super::visit::Visit;
use crate::calendar::{Month, Stamp, TODAY};
use crate::error::Error;
use crate::rng::Rng;

const REASONS: [&str; 4] = ["glömt stämpla", "systemfel", "kund inlagd", "fel tagg på dörren"];
/// Months after the visit in which corrections are still accepted.
const LATEST: i32 = 7;

/// A correction of one of a visit's times, and perhaps of that correction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Correction {
    /// `Falt`: `FaktStart` or `FaktSlut`.
    field: &'static str,
    from: Stamp,
    to: Stamp,
    then: Option<Stamp>,
}

/// A correction that is still to come.
pub(super) struct Pending {
    utforare: u32,
    due: Month,
    besok: i64,
    correction: Correction,
}

impl Correction {
    /// A correction of a visit that was made, most often of when it ended.
    pub(super) fn draw(visit: &Visit, rng: &mut Rng) -> Option<Self> {
        let (start, end) = visit.made?;
        if rng.chance(250, 1_000) {
            let to = start.plus_minutes(rng.between(1, 3));
            return Some(Self { field: "FaktStart", from: start, to, then: None });
        }
        let to = end.plus_minutes(rng.between(1, 25));
        let then = rng.chance(200, 1_000).then(|| to.plus_minutes(rng.between(1, 5)));
        Some(Self { field: "FaktSlut", from: end, to, then })
    }

    /// When the visit ended after everything was corrected, if its end was.
    pub(super) fn end(&self) -> Option<Stamp> {
        (self.field == "FaktSlut").then(|| self.then.unwrap_or(self.to))
    }

    /// The correction that the last visit of an era gets in the first month of the next one.
    pub(super) fn across(end: Stamp) -> Self {
        Self { field: "FaktSlut", from: end, to: end.plus_minutes(4), then: None }
    }
}

impl Paraga<'_> {
    /// Writes a correction into the files of the visit's month, or keeps it for a later one.
    pub(super) fn correct(
        &mut self,
        files: &mut Files,
        besok: i64,
        correction: Correction,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let wait = if rng.chance(400, 1_000) { rng.between(1, 4) } else { 0 };
        match self.delivery(files.month, wait) {
            Some(due) => {
                self.pending.push(Pending { utforare: files.utforare, due, besok, correction });
                Ok(())
            }
            None => {
                let end = correction.from.plus_minutes(rng.between(600, 7_000));
                self.write_correction(files, besok, correction, end.min(Stamp::at(TODAY, 23, 59)), rng)
            }
        }
    }

    /// The next month with files so many months later, unless that is none or too late.
    fn delivery(&self, month: Month, wait: i32) -> Option<Month> {
        let later = self.months.iter().copied().find(|later| *later >= month.plus(wait))?;
        (wait > 0 && later <= month.plus(LATEST)).then_some(later)
    }

    /// Keeps the correction of an era's last visit for the first month of the next era.
    pub(super) fn correct_across(&mut self, files: &Files, last: Option<(i64, Stamp)>) {
        let next = self.delivery(files.month, 1).filter(|next| Era::of(*next) != files.era);
        if let (Some(due), Some((besok, end))) = (next, last) {
            let correction = Correction::across(end);
            self.pending.push(Pending { utforare: files.utforare, due, besok, correction });
        }
    }

    /// Writes the corrections that are due in this month.
    pub(super) fn write_due(&mut self, files: &mut Files) -> Result<(), Error> {
        let is_due = |pending: &Pending| pending.utforare == files.utforare && pending.due <= files.month;
        let (due, rest) = std::mem::take(&mut self.pending).into_iter().partition(is_due);
        self.pending = rest;
        for Pending { besok, correction, .. } in due {
            let index = u64::try_from(self.korr_id).unwrap_or(0);
            let mut rng = Rng::keyed(self.city.seed, "korr", index);
            let day = files.month.day(rng.between(2, 28));
            let at = Stamp::at(day, rng.between(8, 16), rng.between(0, 59));
            self.write_correction(files, besok, correction, at, &mut rng)?;
        }
        Ok(())
    }

    fn write_correction(
        &mut self,
        files: &mut Files,
        besok: i64,
        correction: Correction,
        at: Stamp,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let quotas = &mut self.quotas;
        let broken =
            broken(true, [&mut quotas.korr_separator, &mut quotas.korr_newline, &mut quotas.korr_lost]);
        let file = &mut files.korr;
        if let Some(broken) = broken {
            self.ledger.mark(("D68", super::SYSTEM, "korr", broken.action()), file.next_key());
        }
        self.korr_id += 1;
        file.number(self.korr_id);
        file.number(besok);
        file.text(correction.field);
        file.time(Some(correction.from));
        file.time(Some(correction.to));
        let reason = rng.pick(&REASONS);
        free_text(file, reason, &["ringt samordnare", "se mejl", "klart"], broken, rng);
        if broken != Some(Broken::Lost) {
            file.text("SAMORD");
            file.time(Some(at));
        }
        file.end_row()?;
        // What was lost is not corrected again.
        let next = correction.then.filter(|_| broken != Some(Broken::Lost));
        if let (Some(to), Some(due)) = (next, self.delivery(files.month, rng.between(1, 2))) {
            let correction = Correction { from: correction.to, to, then: None, ..correction };
            self.pending.push(Pending { utforare: files.utforare, due, besok, correction });
        }
        Ok(())
    }
}
