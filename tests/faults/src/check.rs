//! What must hold after a fault, and at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use bron_outside::{Receipts, Rows};
use serde::{Deserialize, Serialize};

/// What does not hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// Rows or receipts that were acknowledged, or belong to the result, and are not there.
    pub lost: u64,
    /// Rows that are there more often than in the result of an undisturbed run.
    pub duplicated: u64,
    /// Rows of another source system that are not as they were.
    pub touched: u64,
    /// Everything that is wrong, one text each; no text holds a value of a row.
    pub findings: Vec<String>,
}

impl Broken {
    /// Whether everything holds.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Something that is none of rows.
    pub(crate) fn finding(text: impl Into<String>) -> Self {
        Self { findings: vec![text.into()], ..Self::default() }
    }

    fn lost(&mut self, count: u64, text: &str) {
        self.note(count, text, |broken| &mut broken.lost);
    }

    fn note(&mut self, count: u64, text: &str, number: impl Fn(&mut Self) -> &mut u64) {
        if count > 0 {
            *number(self) += count;
            self.findings.push(format!("{text}: {count}"));
        }
    }
}

impl AddAssign for Broken {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.touched += other.touched;
        self.findings.extend(other.findings);
    }
}

/// What an undisturbed run makes of a target.
#[derive(Debug)]
pub(crate) struct Reference {
    /// The run that is disturbed.
    pub(crate) run: String,
    /// The tables of entities.
    pub(crate) entities: BTreeSet<String>,
    /// What other systems had in the target before.
    pub(crate) foreign: Rows,
    /// What the target held before.
    pub(crate) before: Rows,
    /// What it holds in the end.
    pub(crate) end: Rows,
    /// The receipts of the run.
    pub(crate) receipts: Receipts,
}

/// What a target holds, seen at one moment.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) rows: Rows,
    pub(crate) receipts: Receipts,
    /// The rows of each entity that the run wrote.
    pub(crate) written: BTreeMap<String, u64>,
}

fn count(number: usize) -> u64 {
    u64::try_from(number).expect("what is in memory is counted in 64 bits")
}

/// How many of `wanted` are missing in `found`; both are sorted, and what is there twice counts twice.
fn missing(wanted: &[String], found: &[String]) -> u64 {
    let mut left = found.iter().peekable();
    let absent = wanted.iter().filter(|text| {
        while left.next_if(|found| found < text).is_some() {}
        left.next_if(|found| found == text).is_none()
    });
    count(absent.count())
}

fn of<'r>(rows: &'r Rows, table: &str) -> &'r [String] {
    rows.get(table).map_or(&[], Vec::as_slice)
}

impl Reference {
    /// What must hold whenever the program is not at work: what was acknowledged is there, rows and receipts go
    /// together, every row is one that the target had or will have, and other systems' rows are as they were.
    pub(crate) fn after_a_fault(&self, acknowledged: &Receipts, found: &Picture) -> Broken {
        let mut broken = Broken::default();
        for (part, rows) in &acknowledged.parts {
            if found.receipts.parts.get(part) != Some(rows) {
                broken.lost(
                    (*rows).max(1),
                    &format!("rows of {} {} that were acknowledged are not", part.0, part.1),
                );
            }
        }
        let mut receipted: BTreeMap<&str, u64> = BTreeMap::new();
        for ((entity, _), rows) in &found.receipts.parts {
            *receipted.entry(entity).or_default() += rows;
        }
        for entity in &self.entities {
            let receipted = receipted.get(entity.as_str()).copied().unwrap_or(0);
            let written = found.written.get(entity).copied().unwrap_or(0);
            broken.lost(receipted.saturating_sub(written), &format!("{entity}: receipts without their rows"));
            let more = written.saturating_sub(receipted);
            broken.note(more, &format!("{entity}: rows without a receipt"), |broken| &mut broken.duplicated);
            let mut known = [of(&self.before, entity), of(&self.end, entity)].concat();
            known.sort();
            let strange = missing(of(&found.rows, entity), &known);
            if strange > 0 {
                broken
                    .findings
                    .push(format!("{entity}: rows that are neither of before nor of the end: {strange}"));
            }
        }
        broken += self.of_others(&found.rows);
        broken
    }

    /// What must hold in the end: every row of every table, the receipts among them, is that of an undisturbed run.
    pub(crate) fn at_the_end(&self, found: &Rows) -> Broken {
        let mut broken = Broken::default();
        let tables: BTreeSet<&String> = self.end.keys().chain(found.keys()).collect();
        for table in tables {
            let (wanted, found) = (of(&self.end, table), of(found, table));
            broken.lost(missing(wanted, found), &format!("{table}: rows missing in the end"));
            broken.note(missing(found, wanted), &format!("{table}: rows too many in the end"), |broken| {
                &mut broken.duplicated
            });
        }
        broken += self.of_others(found);
        broken
    }

    fn of_others(&self, found: &Rows) -> Broken {
        let mut broken = Broken::default();
        for (table, theirs) in &self.foreign {
            let touched = missing(theirs, of(found, table));
            let text = format!("{table}: rows of another system that are not as they were");
            broken.note(touched, &text, |broken| &mut broken.touched);
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(person: &[&str]) -> Rows {
        Rows::from([("person".to_owned(), person.iter().map(|text| (*text).to_owned()).collect())])
    }

    fn receipts(parts: &[(&str, u64)]) -> Receipts {
        let part = |(name, rows): &(&str, u64)| (("person".to_owned(), (*name).to_owned()), *rows);
        Receipts { parts: parts.iter().map(part).collect() }
    }

    fn reference() -> Reference {
        Reference {
            run: "r".to_owned(),
            entities: BTreeSet::from(["person".to_owned()]),
            foreign: rows(&["theirs"]),
            before: rows(&["old", "theirs"]),
            end: rows(&["a", "b", "new", "theirs"]),
            receipts: receipts(&[("p1", 2), ("p2", 1)]),
        }
    }

    fn picture(found: &[&str], parts: &[(&str, u64)], written: u64) -> Picture {
        let written = BTreeMap::from([("person".to_owned(), written)]);
        Picture { rows: rows(found), receipts: receipts(parts), written }
    }

    fn numbers(broken: &Broken) -> (u64, u64, u64, usize) {
        (broken.lost, broken.duplicated, broken.touched, broken.findings.len())
    }

    #[test]
    fn a_part_that_is_whole_holds() {
        let found = picture(&["a", "b", "old", "theirs"], &[("p1", 2)], 2);
        assert!(reference().after_a_fault(&receipts(&[("p1", 2)]), &found).is_none());
        assert!(reference().at_the_end(&reference().end).is_none());
    }

    #[test]
    fn every_kind_of_loss_is_found() {
        let reference = reference();
        let acknowledged = receipts(&[("p1", 2)]);
        let gone = picture(&["old", "theirs"], &[], 0);
        assert_eq!(numbers(&reference.after_a_fault(&acknowledged, &gone)), (2, 0, 0, 1));
        let half = picture(&["a", "old", "theirs"], &[("p1", 2)], 1);
        assert_eq!(numbers(&reference.after_a_fault(&acknowledged, &half)), (1, 0, 0, 1));
        let unproven = picture(&["a", "b", "old", "theirs"], &[], 2);
        assert_eq!(numbers(&reference.after_a_fault(&receipts(&[]), &unproven)), (0, 2, 0, 1));
        let strange = picture(&["a", "b", "other", "theirs"], &[("p1", 2)], 2);
        assert_eq!(numbers(&reference.after_a_fault(&acknowledged, &strange)), (0, 0, 0, 1));
        let touched = picture(&["a", "b", "old"], &[("p1", 2)], 2);
        assert_eq!(numbers(&reference.after_a_fault(&acknowledged, &touched)), (0, 0, 1, 1));
    }

    #[test]
    fn every_difference_in_the_end_is_found() {
        let reference = reference();
        assert_eq!(numbers(&reference.at_the_end(&rows(&["a", "b", "theirs"]))), (1, 0, 0, 1));
        assert_eq!(numbers(&reference.at_the_end(&rows(&["a", "a", "b", "new", "theirs"]))), (0, 1, 0, 1));
        assert_eq!(numbers(&reference.at_the_end(&rows(&["a", "b", "new"]))), (1, 0, 1, 2));
        let mut more = reference.end.clone();
        more.insert("bron_receipt".to_owned(), vec!["x".to_owned()]);
        assert_eq!(numbers(&reference.at_the_end(&more)), (0, 1, 0, 1));
    }
}
