//! Differences that named people have accepted for a time, as data.
//!
//! `waivers.toml` in a project's directory begins with `format = 1` and holds one `[[waiver]]` for each. A waiver is
//! about rows of one entity that differ in one way, or about one key of one control. It names who accepted what, why,
//! and until when; nothing is accepted for longer than a year. What says who may read a row, and which person a row is
//! about, cannot be accepted as different.

mod parse;

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::document::{Reporter, read_document};
use crate::mapping::PERSON_ENTITY;
use crate::model::{Entity, Model};

/// The fields that say who may read a row, or how the person behind it is protected. A difference in one of them is
/// never accepted.
pub const NEVER_WAIVED: [&str; 7] =
    ["namnd", "namnd_id", "sekretess_klass", "skyddad", "skydd", "skydd_verbatim", "skydd_hogsta"];

/// In which way the accepted rows differ. A row without an id, and one that the sources give twice, cannot be
/// accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaivedKind {
    /// The target lacks the row.
    Missing,
    /// Only the target has the row.
    Unexpected,
    /// Fields of the row differ.
    Differs,
    /// Fields of the row refer to rows that are not there.
    Dangling,
}

impl WaivedKind {
    /// Every kind with its name in the file, which is also that of the finding.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("missing", Self::Missing),
        ("unexpected", Self::Unexpected),
        ("differs", Self::Differs),
        ("dangling", Self::Dangling),
    ];

    /// The name in the file.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unexpected => "unexpected",
            Self::Differs => "differs",
            Self::Dangling => "dangling",
        }
    }

    /// Whether such a finding is about fields.
    #[must_use]
    pub const fn has_fields(self) -> bool {
        matches!(self, Self::Differs | Self::Dangling)
    }
}

/// Which of the rows are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaiverLimit {
    /// Those of the findings with these numbers, 64 hexadecimal digits each.
    Findings(BTreeSet<String>),
    /// All of them, as long as they are no more than so many.
    AtMost(u64),
}

/// Rows that are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaivedRows {
    /// The entity.
    pub entity: String,
    /// In which way they differ.
    pub kind: WaivedKind,
    /// The fields that may differ, or refer to nothing; a row of which another field does so is not meant. Empty for
    /// kinds without fields.
    pub fields: BTreeSet<String>,
    /// The source system of the rows; `None` for all.
    pub system: Option<String>,
    /// The source table of the rows; `None` for all.
    pub table: Option<String>,
    /// Which of them.
    pub limit: WaiverLimit,
}

/// What is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaiverSubject {
    /// Rows that differ.
    Rows(WaivedRows),
    /// The difference of one key of one control, in the control's unit: exactly this one.
    Control {
        /// The name of the control.
        name: String,
        /// The key, as reports show it.
        key: String,
        /// `source - held - target`.
        difference: i64,
    },
}

/// An accepted difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// The name, unique in the file.
    pub id: String,
    /// What is accepted.
    pub subject: WaiverSubject,
    /// Why, in Swedish.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who approved it.
    pub approved_by: String,
    /// The day on which it was approved, `YYYY-MM-DD`.
    pub approved_on: String,
    /// The last day on which it holds, `YYYY-MM-DD`; at most a year after it was approved.
    pub expires: String,
}

impl Waiver {
    /// Whether the waiver holds on a day, `YYYY-MM-DD`.
    #[must_use]
    pub fn holds_on(&self, day: &str) -> bool {
        self.expires.as_str() >= day
    }
}

/// Every accepted difference of a project, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waivers(Vec<Waiver>);

impl Waivers {
    /// Reads the file. What has a mistake is left out, and every mistake is a diagnostic: a file with one must not be
    /// used. Names of entities and fields are those of the model.
    #[must_use]
    pub fn parse(file: &str, text: &str, model: &Model) -> (Self, Vec<Diagnostic>) {
        let mut report = Reporter::new(file);
        let waivers = read_document(text, &mut report, |root, report| {
            let mut known = parse::Known::default();
            let sections = root.sections("waiver", report);
            sections
                .into_iter()
                .filter_map(|mut section| parse::waiver(&mut section, model, &mut known, report))
                .collect()
        });
        (Self(waivers), report.found)
    }

    /// The waivers, in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Waiver] {
        &self.0
    }
}

/// Whether the field says which person a row is about.
fn names_a_person(entity: &Entity, field: &str) -> bool {
    entity.referred(field) == Some(PERSON_ENTITY)
}

#[cfg(test)]
mod tests;
