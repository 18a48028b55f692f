//! The rules of retention as data: how long a personal file is kept, what exempts it, and what is proposed.
//!
//! `retention/*.toml` beside the model. A rule has the name that entities give as their `retention` and that
//! files give as theirs; a rule of law that changed stands in several versions, each with the day from which
//! it holds. Nothing is destroyed by a rule: it only says what is due, and people decide.

mod parse;

use std::collections::BTreeMap;

use crate::document::Placed;

/// From when the time of a rule is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetentionTrigger {
    /// From the last event itself, as for personal files.
    LastEvent,
    /// From the end of the calendar year of the last event, as for bookkeeping.
    EndOfYear,
}

impl RetentionTrigger {
    /// Every trigger with its name in rule files.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("last_event", Self::LastEvent), ("end_of_year", Self::EndOfYear)];
}

/// When destruction has to be finished after it became a duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetentionFinish {
    /// By the end of the calendar year after the one in which the duty arose.
    EndOfNextYear,
    /// Never: the time is the least for which the record is kept, and nobody has to destroy it after.
    Never,
}

impl RetentionFinish {
    /// Every end with its name in rule files.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("end_of_next_year", Self::EndOfNextYear), ("never", Self::Never)];
}

/// What is proposed for a file. Only a person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disposition {
    /// It comes over and is used as before.
    Migrate,
    /// It is delivered to the archive, and then leaves the system in use.
    ArchiveThenDrop,
    /// It came over and waits, unchanged, until the responsible body has decided.
    Hold,
}

impl Disposition {
    /// Every disposition with its name in rule files.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("migrate", Self::Migrate), ("archive_then_drop", Self::ArchiveThenDrop), ("hold", Self::Hold)];

    /// The code in the target.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Migrate => "flytta",
            Self::ArchiveThenDrop => "arkivera_och_gallra",
            Self::Hold => "hall_for_beslut",
        }
    }

    /// The meaning in Swedish, for the archive.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Migrate => "Flyttas och används som förut",
            Self::ArchiveThenDrop => "Levereras till arkivet och gallras sedan ur verksamhetssystemet",
            Self::Hold => "Har flyttats och väntar orörd på nämndens beslut",
        }
    }
}

/// Whether somebody who knows the law has confirmed a point of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LegalStatus {
    /// Confirmed.
    Approved,
    /// Not confirmed yet; lists say so.
    Unchecked,
}

impl LegalStatus {
    /// Every status with its name in rule files.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("approved", Self::Approved), ("unchecked", Self::Unchecked)];
}

/// One version of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionRule {
    /// The name that entities and files give as theirs.
    pub name: String,
    /// What the rule says, in Swedish.
    pub label: String,
    /// The law with its number in the statute book.
    pub law: String,
    /// The section of law.
    pub lagrum: String,
    /// Which version of the law, such as `SFS 2003:135`.
    pub version: String,
    /// The first day on which this version holds, as `YYYY-MM-DD`; empty: always.
    pub valid_from: String,
    /// From when the time is counted.
    pub trigger: RetentionTrigger,
    /// The time in years; `None`: kept for ever, or not decided by us.
    pub years: Option<u16>,
    /// When destruction has to be finished.
    pub finish: RetentionFinish,
    /// What is proposed for a file that is not overdue.
    pub disposition: Disposition,
    /// Whether the point of law is confirmed.
    pub status: LegalStatus,
}

/// What a file must hold to be exempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExemptionGround {
    /// A row of this entity in the file has one of these codes in this field.
    Rows {
        /// The entity.
        entity: String,
        /// Its field.
        field: String,
        /// The codes; none: every row counts.
        codes: Vec<String>,
    },
    /// The person of the file was born on one of these days of a month, by any of these fields of `person`.
    /// A person whose day of birth nobody knows counts as born on such a day: what is kept too long can be
    /// destroyed later, and not the other way round.
    BornOn {
        /// The days of the month.
        days: Vec<u8>,
        /// The date fields.
        fields: Vec<String>,
    },
    /// Rows in the file have this rule, and its time has not passed: the file waits for them.
    WhileKept {
        /// The rule's name.
        rule: String,
    },
}

/// A reason not to destroy a file that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    /// The code in the target.
    pub name: String,
    /// What it means, in Swedish.
    pub label: String,
    /// The section of law.
    pub lagrum: String,
    /// The rules that it is an exemption from.
    pub rules: Vec<String>,
    /// What a file must hold.
    pub ground: ExemptionGround,
    /// What is proposed instead.
    pub disposition: Disposition,
    /// Whether the point of law is confirmed.
    pub status: LegalStatus,
}

/// All rules of retention of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The versions of each rule, by name, the earliest first.
    pub rules: BTreeMap<String, Vec<RetentionRule>>,
    /// The exemptions, in the order of the files: the first that applies is named.
    pub exemptions: Vec<Exemption>,
    /// Entities with a period: as long as a row of one of them has no end, the file is in use and nothing is due.
    pub while_open: Vec<String>,
    /// What is proposed for a file that is overdue and not exempt.
    pub overdue: Disposition,
    pub(crate) named: NamedByRetention,
}

/// What the files of retention name, each with the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NamedByRetention {
    /// Entities and rules.
    pub(crate) things: Vec<(String, Placed)>,
    /// Fields, each with its entity.
    pub(crate) fields: Vec<(String, String, Placed)>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            rules: BTreeMap::new(),
            exemptions: Vec::new(),
            while_open: Vec::new(),
            overdue: Disposition::Hold,
            named: NamedByRetention::default(),
        }
    }
}

impl Retention {
    /// The version of a rule that holds on a day (`YYYY-MM-DD`): the last that has begun, or the first.
    #[must_use]
    pub fn rule(&self, name: &str, day: &str) -> Option<&RetentionRule> {
        let versions = self.rules.get(name)?;
        versions.iter().rev().find(|rule| rule.valid_from.as_str() <= day).or_else(|| versions.first())
    }

    /// Whether there is no rule at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}
