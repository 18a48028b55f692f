//! What came out of trials: a line of JSON for each, and tables of figures.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Result;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bron_outside::{Journal, Kind};
use serde::{Deserialize, Serialize};

use crate::check::Broken;
use crate::control::Control;
use crate::families::Family;

/// What one trial came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The seed, the family, the kind of target and the number: what the trial follows from.
    pub seed: u64,
    /// See `seed`.
    pub family: Family,
    /// See `seed`.
    pub kind: Kind,
    /// See `seed`.
    pub number: u64,
    /// What was done, in short.
    pub fault: String,
    /// How many faults struck while the program was at work.
    pub struck: u64,
    /// Parts that were acknowledged before the last fault.
    pub parts: u64,
    /// Rows of those parts.
    pub rows: u64,
    /// What did not hold.
    pub broken: Broken,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Trial(Outcome),
    Control { seed: u64, control: Control },
}

/// Sums over the trials of a family with one kind of target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Trials that were run.
    pub trials: u64,
    /// Faults that struck.
    pub struck: u64,
    /// Parts that were acknowledged when a fault struck.
    pub parts: u64,
    /// Rows of those parts.
    pub rows: u64,
    /// Rows that were lost.
    pub lost: u64,
    /// Rows that were there twice, or too many.
    pub duplicated: u64,
    /// Rows of another system that were touched.
    pub touched: u64,
    /// Trials of which something did not hold.
    pub broken: u64,
}

/// What came out so far, under one seed.
#[derive(Debug)]
pub struct Record {
    seed: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    outcomes: BTreeMap<(Family, Kind, u64), Outcome>,
    controls: BTreeMap<(Family, Kind, String), Control>,
    journal: Journal<Line>,
}

impl Record {
    /// A record under a seed. With a file, what stands there under the same seed counts, and what comes out is added.
    ///
    /// # Errors
    /// When the file cannot be read or written, or holds something else.
    pub fn open(seed: u64, file: Option<&Path>) -> Result<Self> {
        let mut kept = Kept::default();
        let (lines, journal) = Journal::open(file)?;
        kept.journal = journal;
        for line in lines {
            match line {
                Line::Trial(one) if one.seed == seed => kept.take(one),
                Line::Control { seed: of, control } if of == seed => kept.take_control(control),
                Line::Trial(_) | Line::Control { .. } => {}
            }
        }
        Ok(Self { seed, kept: Mutex::new(kept) })
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn add(&self, outcome: Outcome) -> Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.journal.write(&Line::Trial(outcome.clone()))?;
        kept.take(outcome);
        Ok(())
    }

    pub(crate) fn add_control(&self, control: Control) -> Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.journal.write(&Line::Control { seed: self.seed, control: control.clone() })?;
        kept.take_control(control);
        Ok(())
    }

    /// The trials that are done already.
    pub(crate) fn done(&self, family: Family, kind: Kind) -> BTreeSet<u64> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let done = kept.outcomes.keys().filter(|(of, with, _)| (*of, *with) == (family, kind));
        done.map(|(.., number)| *number).collect()
    }

    /// Whether the controls of a family are done already.
    pub(crate) fn is_controlled(&self, family: Family, kind: Kind) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.controls.keys().any(|(of, with, _)| (*of, *with) == (family, kind))
    }

    /// The sums of a family with one kind of target.
    #[must_use]
    pub fn figures(&self, family: Family, kind: Kind) -> Figures {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let of = kept.outcomes.values().filter(|one| (one.family, one.kind) == (family, kind));
        of.fold(Figures::default(), |sums, one| Figures {
            trials: sums.trials + 1,
            struck: sums.struck + one.struck,
            parts: sums.parts + one.parts,
            rows: sums.rows + one.rows,
            lost: sums.lost + one.broken.lost,
            duplicated: sums.duplicated + one.broken.duplicated,
            touched: sums.touched + one.broken.touched,
            broken: sums.broken + u64::from(!one.broken.is_none()),
        })
    }

    /// The trials of which something did not hold.
    #[must_use]
    pub fn broken(&self) -> Vec<Outcome> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.outcomes.values().filter(|one| !one.broken.is_none()).cloned().collect()
    }

    /// The negative controls.
    #[must_use]
    pub fn controls(&self) -> Vec<Control> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.controls.values().cloned().collect()
    }

    /// The figures as a table of Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text =
            "| Faults | Target | Trials | Struck | Parts | Rows acknowledged | Lost | Twice | Others' | \
                        Trials that failed | Controls |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
                .to_owned();
        for (family, kind) in Family::ALL.iter().flat_map(|family| Kind::ALL.map(|kind| (*family, kind))) {
            let sums = self.figures(family, kind);
            let controls = self.controls().into_iter().filter(|one| (one.family, one.kind) == (family, kind));
            let controls: Vec<bool> = controls.map(|one| one.found).collect();
            if sums.trials == 0 && controls.is_empty() {
                continue;
            }
            let found = controls.iter().filter(|found| **found).count();
            let numbers = [
                sums.trials,
                sums.struck,
                sums.parts,
                sums.rows,
                sums.lost,
                sums.duplicated,
                sums.touched,
                sums.broken,
            ];
            let numbers = numbers.map(|number| number.to_string()).join(" | ");
            let (family, kind) = (family.name(), kind.name());
            writeln!(text, "| {family} | {kind} | {numbers} | {found} of {} found |", controls.len())
                .expect("a text takes what is written to it");
        }
        text
    }
}

impl Kept {
    fn take(&mut self, outcome: Outcome) {
        self.outcomes.insert((outcome.family, outcome.kind, outcome.number), outcome);
    }

    fn take_control(&mut self, control: Control) {
        self.controls.insert((control.family, control.kind, control.name.clone()), control);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(number: u64, lost: u64) -> Outcome {
        let broken = Broken { lost, ..Broken::default() };
        let (family, kind) = (Family::Kill, Kind::Sqlite);
        Outcome {
            seed: 1,
            family,
            kind,
            number,
            fault: "x".to_owned(),
            struck: 2,
            parts: 3,
            rows: 40,
            broken,
        }
    }

    #[test]
    fn a_record_goes_on_where_it_was_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let control = Control { family: Family::Kill, kind: Kind::Sqlite, name: "a".to_owned(), found: true };
        let first = Record::open(1, Some(&path)).unwrap();
        first.add(outcome(0, 0)).unwrap();
        first.add(outcome(5, 7)).unwrap();
        first.add_control(control).unwrap();
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"trial\":{\"se");
        std::fs::write(&path, text).unwrap();
        for _ in 0..2 {
            let again = Record::open(1, Some(&path)).unwrap();
            assert_eq!(again.done(Family::Kill, Kind::Sqlite), BTreeSet::from([0, 5]));
            assert!(again.is_controlled(Family::Kill, Kind::Sqlite));
            assert_eq!(again.broken(), [outcome(5, 7)]);
            let line = "| kill | sqlite | 2 | 4 | 6 | 80 | 7 | 0 | 0 | 1 | 1 of 1 found |";
            assert!(again.markdown().contains(line), "{}", again.markdown());
        }
        let other = Record::open(2, Some(&path)).unwrap();
        assert_eq!(other.figures(Family::Kill, Kind::Sqlite), Figures::default());
    }
}
