//! When each personal file may and must be destroyed: the rows of `gallringsbedomning`, which no source has.
//!
//! The time of a file runs from the last event of the whole file, in whatever system it was written. Which
//! fields are events, and by which reference a row belongs to a file, is said by the model (`event`, `akt`);
//! how long, and what exempts, by the rules of retention. Nothing is destroyed here and nothing is held
//! back: a file that is overdue came over like any other, gets a mark (`D73`, or `D74` when it is exempt),
//! and waits for the decision of its nämnd.
//!
//! Only rows that came over are events: a row that is held back says nothing until it is decided upon.
//! Memory grows with the number of files, and with the number of rows that other rows hang from.

mod due;
mod gather;
mod output;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bron_mappings::{Disposition, ExemptionGround, InstallationSecret, Model, Retention, RetentionRule};

use crate::apply::Transformed;
use crate::calendar::parse_date_part;

/// The table that the rows say they come from. No source has it.
pub const RETENTION_TABLE: &str = "gallring";

/// The entity of the rows.
pub const ASSESSMENT_ENTITY: &str = "gallringsbedomning";

const FILE_ENTITY: &str = "personakt";
const PERSON_ENTITY: &str = bron_mappings::PERSON_ENTITY;

/// What is known of a file.
struct Akt {
    id: [u8; 16],
    person: Option<[u8; 16]>,
    namnd: String,
    /// System, table and key of the source row.
    key: String,
    /// The rule's name; empty when none is known.
    rule: String,
    protected: bool,
    /// The last event and the place of its source's name.
    last: Option<(i32, usize)>,
    open: bool,
    /// By exemption: whether a row of the file is its ground.
    grounds: Vec<bool>,
    /// By exemption: the last event of the rows that the file waits for.
    kept: Vec<Option<i32>>,
}

/// Gathers the events of files, entity after entity in the order of [`RetentionBuilder::steps`].
pub struct RetentionBuilder<'m> {
    model: &'m Model,
    rules: &'m Retention,
    secret: InstallationSecret,
    as_of: i32,
    as_of_text: String,
    akter: Vec<Akt>,
    /// By entity that others hang from: the file of each row.
    places: BTreeMap<&'m str, BTreeMap<[u8; 16], usize>>,
    wanted: BTreeSet<[u8; 16]>,
    /// The days on which persons were born, by any field that an exemption reads.
    born: BTreeMap<[u8; 16], Vec<i32>>,
    /// The names of the event fields, `entity.field`.
    sources: Vec<String>,
}

/// What is due for every file.
pub struct Assessments<'m> {
    builder: RetentionBuilder<'m>,
}

impl fmt::Debug for RetentionBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RetentionBuilder({} files)", self.akter.len())
    }
}

impl fmt::Debug for Assessments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Assessments({} files)", self.builder.akter.len())
    }
}

/// What is due for one file. Days are days since 1970-01-01.
struct Assessment<'a> {
    akt: &'a Akt,
    rule: Option<&'a RetentionRule>,
    from: Option<i32>,
    latest: Option<i32>,
    exemption: Option<usize>,
    overdue: bool,
    disposition: Disposition,
}

impl<'m> RetentionBuilder<'m> {
    /// A builder for the state on a day, `YYYY-MM-DD` with or without a time; `None` when that is no day, or
    /// when the model has no files or no assessments of them.
    #[must_use]
    pub fn new(
        model: &'m Model,
        rules: &'m Retention,
        secret: &InstallationSecret,
        as_of: &str,
    ) -> Option<Self> {
        model.entity(FILE_ENTITY)?;
        model.entity(ASSESSMENT_ENTITY)?;
        let day = parse_date_part(as_of)?;
        Some(Self {
            model,
            rules,
            secret: secret.clone(),
            as_of: day,
            as_of_text: crate::calendar::iso_date(day),
            akter: Vec::new(),
            places: BTreeMap::new(),
            wanted: BTreeSet::new(),
            born: BTreeMap::new(),
            sources: Vec::new(),
        })
    }

    /// What is due for the files.
    #[must_use]
    pub const fn finish(self) -> Assessments<'m> {
        Assessments { builder: self }
    }

    fn assess<'a>(&'a self, akt: &'a Akt) -> Assessment<'a> {
        let rule = self.rules.rule(&akt.rule, &self.as_of_text);
        let disposition = rule.map_or(Disposition::Hold, |rule| rule.disposition);
        let mut found =
            Assessment { akt, rule, from: None, latest: None, exemption: None, overdue: false, disposition };
        let own = rule.zip(akt.last).and_then(|(rule, (last, _))| due::from(rule, last));
        let (Some(rule), Some(own), false) = (rule, own, akt.open) else { return found };
        let waits = self.waits_for(akt).filter(|(from, _)| *from > own);
        let from = waits.map_or(own, |(from, _)| from);
        found.from = Some(from);
        found.latest = due::latest(rule, from);
        let passed = |latest: Option<i32>| latest.is_some_and(|latest| self.as_of > latest);
        found.overdue = passed(found.latest);
        found.exemption = self.exempt(akt);
        if found.overdue {
            let exempt = found.exemption.map(|at| self.rules.exemptions[at].disposition);
            found.disposition = exempt.unwrap_or(self.rules.overdue);
        } else if passed(due::latest(rule, own)) && found.exemption.is_none() {
            found.exemption = waits.map(|(_, at)| at);
            found.disposition = waits.map_or(disposition, |(_, at)| self.rules.exemptions[at].disposition);
        }
        found
    }

    /// The exemptions from the rule of a file.
    fn exemptions(&self, akt: &Akt) -> impl Iterator<Item = (usize, &ExemptionGround)> {
        let all = self.rules.exemptions.iter().enumerate();
        let own = all.filter(|(_, one)| one.rules.contains(&akt.rule));
        own.map(|(at, one)| (at, &one.ground))
    }

    /// The last day of the other records that the file waits for, and the exemption that says so.
    fn waits_for(&self, akt: &Akt) -> Option<(i32, usize)> {
        let until = |(at, ground): (usize, &ExemptionGround)| match ground {
            ExemptionGround::WhileKept { rule } => {
                let rule = self.rules.rule(rule, &self.as_of_text)?;
                Some((due::from(rule, akt.kept[at]?)?, at))
            }
            ExemptionGround::Rows { .. } | ExemptionGround::BornOn { .. } => None,
        };
        self.exemptions(akt).filter_map(until).max_by_key(|(from, _)| *from)
    }

    /// The first exemption that keeps the file for good.
    fn exempt(&self, akt: &Akt) -> Option<usize> {
        let applies = |(at, ground): &(usize, &ExemptionGround)| match ground {
            ExemptionGround::Rows { .. } => akt.grounds[*at],
            ExemptionGround::BornOn { days, .. } => {
                let born = akt.person.and_then(|person| self.born.get(&person));
                let on = |day: &i32| days.contains(&due::day_of_month(*day));
                born.is_none_or(|born| born.is_empty() || born.iter().any(on))
            }
            ExemptionGround::WhileKept { .. } => false,
        };
        self.exemptions(akt).find(applies).map(|(at, _)| at)
    }
}

impl Assessments<'_> {
    /// How many files there are.
    #[must_use]
    pub const fn files(&self) -> usize {
        self.builder.akter.len()
    }

    /// The rows and marks of some of the files, by their places from 0, and their part of the balance.
    #[must_use]
    pub fn transformed(&self, files: std::ops::Range<usize>, mapping_version: &str) -> Transformed {
        output::transformed(&self.builder, files, mapping_version)
    }
}
