//! What is open on the work lists, and what became of it since the run before.
//!
//! A mark is the same mark in both runs when its table, the row's key, the rule and the field are the same.
//! What is in the later run only is new, in both is left, in the earlier only is resolved: corrected in the
//! source, or judged otherwise by a changed rule.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A mark on a row of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Issue {
    /// The row's key.
    pub key: String,
    /// The rule's code.
    pub rule: String,
    /// The entity and field that is meant; empty for the whole row.
    pub field: String,
    /// What was done with the row.
    pub action: String,
    /// The code of the owner on whose list it stands.
    pub owner: String,
    /// The area of work.
    pub area: String,
    /// The nämnd.
    pub namnd: String,
    /// The year of the row.
    pub year: String,
    /// The organisational unit.
    pub unit: String,
    /// Whether the row is about a protected person: then it stands on no list.
    pub protected: bool,
    /// The run in which it was seen first.
    pub since: String,
}

/// How a mark stands against the run before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Only in this run.
    New,
    /// In both.
    Persisting,
    /// Only in the run before.
    Resolved,
}

/// Compares the marks of one table with those of the run before, in the order of key, rule and field. Each
/// mark is handed over once, with what this run says about it; what was seen before keeps the run in which it
/// was seen first.
pub fn compare(mut current: Vec<Issue>, mut previous: Vec<Issue>, mut each: impl FnMut(Standing, Issue)) {
    for side in [&mut current, &mut previous] {
        side.sort();
        side.dedup_by(|later, earlier| name(later) == name(earlier));
    }
    let mut previous = previous.into_iter().peekable();
    for mut issue in current {
        while let Some(resolved) = previous.next_if(|earlier| name(earlier) < name(&issue)) {
            each(Standing::Resolved, resolved);
        }
        match previous.next_if(|earlier| name(earlier) == name(&issue)) {
            Some(earlier) => {
                issue.since = earlier.since;
                each(Standing::Persisting, issue);
            }
            None => each(Standing::New, issue),
        }
    }
    previous.for_each(|resolved| each(Standing::Resolved, resolved));
}

fn name(issue: &Issue) -> (&str, &str, &str) {
    (&issue.key, &issue.rule, &issue.field)
}

/// Counts of marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityCounts {
    /// In this run: new and left.
    pub open: u64,
    /// Not in the run before.
    pub new: u64,
    /// In the run before as well.
    pub persisting: u64,
    /// In the run before only.
    pub resolved: u64,
    /// Those of the open ones that are about protected persons and stand on no list.
    pub protected: u64,
}

impl QualityCounts {
    fn count(&mut self, standing: Standing, protected: bool) {
        match standing {
            Standing::New => self.new += 1,
            Standing::Persisting => self.persisting += 1,
            Standing::Resolved => self.resolved += 1,
        }
        if standing != Standing::Resolved {
            self.open += 1;
            self.protected += u64::from(protected);
        }
    }

    fn add(&mut self, other: Self) {
        self.open += other.open;
        self.new += other.new;
        self.persisting += other.persisting;
        self.resolved += other.resolved;
        self.protected += other.protected;
    }
}

/// Where marks are counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QualityPlace {
    /// The owner's code.
    pub owner: String,
    /// The rule's code.
    pub rule: String,
    /// The nämnd.
    pub namnd: String,
    /// The area of work.
    pub area: String,
}

/// Counts per rule, owner, nämnd and area, while a run is gone through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QualityTally {
    cells: BTreeMap<QualityPlace, QualityCounts>,
}

impl QualityTally {
    /// Counts one mark.
    pub fn count(&mut self, standing: Standing, issue: &Issue) {
        let Issue { owner, rule, namnd, area, .. } = issue.clone();
        let place = QualityPlace { owner, rule, namnd, area };
        self.cells.entry(place).or_default().count(standing, issue.protected);
    }

    /// Every place with its counts.
    pub fn cells(&self) -> impl Iterator<Item = (&QualityPlace, &QualityCounts)> {
        self.cells.iter()
    }

    /// The counts per owner and rule, without the places: what may be shared.
    #[must_use]
    pub fn lines(&self) -> Vec<QualityLine> {
        let mut lines: BTreeMap<(&str, &str), QualityCounts> = BTreeMap::new();
        for (place, counts) in &self.cells {
            lines.entry((&place.owner, &place.rule)).or_default().add(*counts);
        }
        let line = |((owner, rule), counts): ((&str, &str), QualityCounts)| QualityLine {
            owner: owner.to_owned(),
            rule: rule.to_owned(),
            counts,
        };
        lines.into_iter().map(line).collect()
    }
}

/// The counts of one rule on the list of one owner, over the whole city.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityLine {
    /// The owner's code.
    pub owner: String,
    /// The rule's code.
    pub rule: String,
    /// The counts.
    #[serde(flatten)]
    pub counts: QualityCounts,
}

/// The work that is open, and the trend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// The run that this one is compared with; absent for the first run of a project, whose marks all count
    /// as new.
    pub previous: Option<String>,
    /// Per owner and rule.
    pub lines: Vec<QualityLine>,
}

/// Files that are treated alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionLine {
    /// What is proposed: `flytta`, `arkivera_och_gallra` or `hall_for_beslut`.
    pub disposition: String,
    /// The exemption; empty for none.
    pub exemption: String,
    /// Whether their time has passed.
    pub overdue: bool,
    /// How many files.
    pub files: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(key: &str, rule: &str, since: &str) -> Issue {
        let (key, rule, since) = (key.to_owned(), rule.to_owned(), since.to_owned());
        Issue { key, rule, since, owner: "SDF".to_owned(), ..Issue::default() }
    }

    fn compared(current: Vec<Issue>, previous: Vec<Issue>) -> Vec<(Standing, String, String, String)> {
        let mut found = Vec::new();
        compare(current, previous, |standing, one| found.push((standing, one.key, one.rule, one.since)));
        found
    }

    #[test]
    fn marks_are_new_left_or_resolved_and_keep_the_run_they_were_seen_in_first() {
        let current = vec![issue("3", "D01", "b"), issue("1", "D01", "b"), issue("1", "D14", "b")];
        let previous = vec![issue("2", "D01", "a"), issue("1", "D01", "a"), issue("9", "D01", "a")];
        let text = |standing, key: &str, rule: &str, since: &str| {
            (standing, key.to_owned(), rule.to_owned(), since.to_owned())
        };
        assert_eq!(
            compared(current, previous),
            [
                text(Standing::Persisting, "1", "D01", "a"),
                text(Standing::New, "1", "D14", "b"),
                text(Standing::Resolved, "2", "D01", "a"),
                text(Standing::New, "3", "D01", "b"),
                text(Standing::Resolved, "9", "D01", "a"),
            ]
        );
    }

    #[test]
    fn a_mark_counts_once_and_lines_add_up_over_places() {
        let twice = vec![issue("1", "D01", "b"), issue("1", "D01", "b")];
        assert_eq!(compared(twice, Vec::new()).len(), 1);
        let mut tally = QualityTally::default();
        for (namnd, standing) in
            [("714", Standing::New), ("715", Standing::Persisting), ("715", Standing::Resolved)]
        {
            let one = Issue { namnd: namnd.to_owned(), protected: true, ..issue("1", "D01", "b") };
            tally.count(standing, &one);
        }
        assert_eq!(tally.cells().count(), 2);
        let counts = QualityCounts { open: 2, new: 1, persisting: 1, resolved: 1, protected: 2 };
        let line = QualityLine { owner: "SDF".to_owned(), rule: "D01".to_owned(), counts };
        assert_eq!(tally.lines(), [line]);
    }
}
