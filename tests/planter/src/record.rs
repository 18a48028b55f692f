//! What came out of plantings, and the table of what each direction saw.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Result;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bron_outside::{Journal, Kind};
use serde::{Deserialize, Serialize};

use crate::damages::Damage;
use crate::harness::Job;
use crate::sight::Direction;
use crate::trial::Outcome;

/// A damage that was planted and undone again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// The kind of damage.
    pub damage: String,
    /// The kind of target.
    pub target: Kind,
    /// Whether nothing was seen afterwards that was not seen before.
    pub sound: bool,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Planted(Outcome),
    Undone { seed: u64, control: Control },
}

/// Sums over the plantings of one kind of damage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Plantings.
    pub planted: u64,
    /// Those among them that were seen, and located to the exact rows and fields.
    pub exact: u64,
    /// How many of them each direction saw; directions that were not asked every time are not there.
    pub saw: BTreeMap<Direction, u64>,
}

/// What came out so far, under one seed.
#[derive(Debug)]
pub struct Record {
    seed: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    outcomes: BTreeMap<(String, Kind, u64), Outcome>,
    controls: BTreeMap<(String, Kind), Control>,
    journal: Journal<Line>,
}

impl Record {
    /// A record under a seed. With a file, what stands there under the same seed counts, and what comes out is added.
    ///
    /// # Errors
    /// When the file cannot be read or written, or holds something else.
    pub fn open(seed: u64, file: Option<&Path>) -> Result<Self> {
        let (lines, journal) = Journal::open(file)?;
        let mut kept = Kept { journal, ..Kept::default() };
        for line in lines {
            match line {
                Line::Planted(one) if one.seed == seed => kept.take(one),
                Line::Undone { seed: of, control } if of == seed => kept.take_control(control),
                Line::Planted(_) | Line::Undone { .. } => {}
            }
        }
        Ok(Self { seed, kept: Mutex::new(kept) })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, outcome: Outcome) -> Result<()> {
        let line = Line::Planted(outcome.clone());
        let mut kept = self.kept();
        kept.journal.write(&line)?;
        kept.take(outcome);
        Ok(())
    }

    pub(crate) fn add_control(&self, control: Control) -> Result<()> {
        let line = Line::Undone { seed: self.seed, control: control.clone() };
        let mut kept = self.kept();
        kept.journal.write(&line)?;
        kept.take_control(control);
        Ok(())
    }

    pub(crate) fn has(&self, job: &Job) -> bool {
        self.kept().outcomes.contains_key(&(job.damage.name.to_owned(), job.target, job.number))
    }

    pub(crate) fn is_controlled(&self, job: &Job) -> bool {
        self.kept().controls.contains_key(&(job.damage.name.to_owned(), job.target))
    }

    /// The plantings, by damage, target and number.
    #[must_use]
    pub fn outcomes(&self) -> Vec<Outcome> {
        self.kept().outcomes.values().cloned().collect()
    }

    /// The damages that were undone again.
    #[must_use]
    pub fn controls(&self) -> Vec<Control> {
        self.kept().controls.values().cloned().collect()
    }

    /// The sums of one kind of damage, over all targets.
    #[must_use]
    pub fn figures(&self, damage: &Damage) -> Figures {
        let kept = self.kept();
        let of = kept.outcomes.values().filter(|one| one.damage == damage.name);
        let mut figures = Figures::default();
        let mut asked = BTreeMap::<Direction, u64>::new();
        for one in of {
            figures.planted += 1;
            figures.exact += u64::from(one.faults.is_empty());
            for direction in &one.asked {
                *asked.entry(*direction).or_default() += 1;
                *figures.saw.entry(*direction).or_default() += u64::from(one.saw.contains(direction));
            }
        }
        figures.saw.retain(|direction, _| asked[direction] == figures.planted);
        figures
    }

    /// What each direction saw of each kind of damage, as a table of Markdown with a sentence before it.
    #[must_use]
    pub fn markdown(&self) -> String {
        let all: Vec<(&Damage, Figures)> = Damage::all()
            .map(|damage| (damage, self.figures(damage)))
            .filter(|(_, sums)| sums.planted > 0)
            .collect();
        let asked = |direction: &Direction| all.iter().all(|(_, sums)| sums.saw.contains_key(direction));
        let directions: Vec<Direction> = Direction::ALL.into_iter().filter(asked).collect();
        let names: Vec<&str> = directions.iter().map(|direction| direction.name()).collect();
        let mut text = self.sentence();
        let mut line = |cells: &[String]| {
            writeln!(text, "| {} |", cells.join(" | ")).expect("a text takes what is written to it");
        };
        let head = ["Damage", "Planted"].into_iter().chain(names).chain(["Exactly"]);
        let head: Vec<String> = head.map(str::to_owned).collect();
        line(&head);
        line(&head.iter().map(|_| "---".to_owned()).collect::<Vec<_>>());
        for (damage, sums) in &all {
            let saw = directions.iter().map(|direction| sums.saw.get(direction).copied().unwrap_or(0));
            let numbers = std::iter::once(sums.planted).chain(saw).chain([sums.exact]);
            let cells =
                std::iter::once(damage.label.to_owned()).chain(numbers.map(|number| number.to_string()));
            line(&cells.collect::<Vec<_>>());
        }
        text
    }

    /// How much was planted, and where.
    fn sentence(&self) -> String {
        let outcomes = self.outcomes();
        let of = |target| outcomes.iter().filter(|one| one.target == target).count();
        let controls = self.controls();
        let sound = controls.iter().filter(|control| control.sound).count();
        format!(
            "Seed {}: {} plantings in SQLite files and {} in PostgreSQL databases.\n\
             {sound} of {} that were undone by SQL again left nothing to be found.\n\n",
            self.seed,
            of(Kind::Sqlite),
            of(Kind::Postgres),
            controls.len()
        )
    }
}

impl Kept {
    fn take(&mut self, outcome: Outcome) {
        self.outcomes.insert((outcome.damage.clone(), outcome.target, outcome.number), outcome);
    }

    fn take_control(&mut self, control: Control) {
        self.controls.insert((control.damage.clone(), control.target), control);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn outcome(number: u64, saw: &[Direction], faults: &[&str]) -> Outcome {
        Outcome {
            seed: 1,
            damage: "row_dropped".to_owned(),
            target: Kind::Sqlite,
            number,
            city: 0,
            what: "besok a".to_owned(),
            asked: Direction::ALL[..6].iter().copied().collect(),
            saw: saw.iter().copied().collect::<BTreeSet<_>>(),
            faults: faults.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn a_table_says_how_many_of_how_many_each_direction_saw() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let first = Record::open(1, Some(&path)).unwrap();
        first.add(outcome(0, &[Direction::Rows, Direction::Controls], &[])).unwrap();
        first.add(outcome(1, &[Direction::Rows], &["x"])).unwrap();
        let control = Control { damage: "row_dropped".to_owned(), target: Kind::Sqlite, sound: true };
        first.add_control(control).unwrap();
        let again = Record::open(1, Some(&path)).unwrap();
        let text = again.markdown();
        let table: Vec<&str> = text.lines().collect();
        assert_eq!(table[0], "Seed 1: 2 plantings in SQLite files and 0 in PostgreSQL databases.");
        assert_eq!(table[1], "1 of 1 that were undone by SQL again left nothing to be found.");
        let head = "| Damage | Planted | Conservation | Controls | Rows | References | Secrecy | Receipts | Exactly |";
        assert_eq!(table[3], head);
        assert_eq!(table[5], "| a row dropped | 2 | 0 | 1 | 2 | 0 | 0 | 0 | 1 |");
        assert_eq!(Record::open(2, Some(&path)).unwrap().outcomes(), []);
        assert!(text.lines().all(|line| line.chars().count() <= 120), "lines of documents fit a screen");
    }
}
