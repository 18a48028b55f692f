//! What a mapping says about persons: which rows are records of persons, which are about one, and which
//! say that two records are one human.

use super::{Condition, Origin};
use crate::diagnostic::Span;

/// The entity whose rows are records of persons.
pub const PERSON_ENTITY: &str = "person";

/// The origin that gives the protection of the person that a row is about.
pub const PROTECTION: &str = "@skydd";

/// The `[person]` section of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonRule {
    /// Each row is a record of a person.
    Record(Box<PersonRecord>),
    /// Each row is about the person of another record.
    About(PersonKey),
    /// Each row says that two records are one human.
    Link(PersonLink),
}

/// Rows that are records of persons. It reads columns of the table itself and nothing else, because it is
/// read before any row is mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRecord {
    /// The texts of the key of the row's `person`.
    pub key: Vec<Origin>,
    /// The number that the record has.
    pub number: Option<PersonNumber>,
    /// How protected the record says that the person is.
    pub protection: Option<PersonProtection>,
    /// The name.
    pub name: Option<PersonName>,
    /// The registered date of birth, which need not be the one in the number.
    pub birth: Option<Origin>,
    /// Other records of the same human that the row itself names.
    pub refers_to: Vec<PersonReference>,
    /// The place of the key in the file.
    pub span: Span,
}

/// The number of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonNumber {
    /// The text of the number, in any form.
    pub from: Origin,
    /// The row's own date, which can settle the century of ten digits.
    pub date: Option<Origin>,
    /// The first day, `YYYY-MM-DD`, on which a row of the table can have been written. With the day the sources were
    /// read it settles the century of ten digits that name one year of birth at either day.
    pub since: Option<String>,
    /// The first day on which the record had the number.
    pub valid_from: Option<Origin>,
    /// The last day on which the record had the number.
    pub valid_to: Option<Origin>,
}

/// How a record says that its person is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonProtection {
    /// The source's code.
    pub from: Origin,
    /// The code list, whose target codes are those of [`crate::Protection`].
    pub list: String,
    /// The place of the list's name in the file.
    pub list_span: Span,
    /// The code that stands in for one that the list does not know; without it the highest there is.
    pub fallback: Option<String>,
}

/// The name of a person, as the source divides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonName {
    /// Given name and family name in two columns.
    Split {
        /// The given name.
        given: Origin,
        /// The family name.
        family: Origin,
    },
    /// The whole name in one column.
    Whole(Origin),
}

/// The key of a record of a person, perhaps of another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonKey {
    /// The system of the record, when it is not this one.
    pub system: Option<String>,
    /// The table of the record.
    pub table: String,
    /// The place of the table's name in the file.
    pub table_span: Span,
    /// The texts of the record's key, in order.
    pub from: Vec<Origin>,
}

/// An explicit reference from one record to another of the same human.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonReference {
    /// The other record.
    pub person: PersonKey,
    /// What the reference rests on: the `grund` of an `identity_link`.
    pub ground: String,
}

/// Rows that say that two records of one table are one human.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonLink {
    /// The system of the records, when it is not this one.
    pub system: Option<String>,
    /// The table of both records.
    pub table: String,
    /// The place of the table's name in the file.
    pub table_span: Span,
    /// The texts of the key of one record.
    pub a: Vec<Origin>,
    /// The texts of the key of the other.
    pub b: Vec<Origin>,
    /// What the link rests on: the `grund` of an `identity_link`.
    pub ground: String,
    /// The rows that are such a link: those for which all of these hold.
    pub when: Vec<Condition>,
}

impl PersonRule {
    /// Every origin that the section reads.
    #[must_use]
    pub fn origins(&self) -> Vec<&Origin> {
        match self {
            Self::Record(record) => record.origins(),
            Self::About(person) => person.from.iter().collect(),
            Self::Link(link) => {
                let when = link.when.iter().map(|when| &when.origin);
                link.a.iter().chain(&link.b).chain(when).collect()
            }
        }
    }

    /// The origins that say which records a row is, is about or joins: all that `@skydd` rests on in the row
    /// itself.
    pub fn whose(&self) -> impl Iterator<Item = &Origin> {
        let (one, other) = match self {
            Self::Record(record) => (&record.key[..], &[][..]),
            Self::About(person) => (&person.from[..], &[][..]),
            Self::Link(link) => (&link.a[..], &link.b[..]),
        };
        one.iter().chain(other).filter(|origin| origin.name != PROTECTION)
    }

    /// The record's own part of the section, when rows are records.
    #[must_use]
    pub fn record(&self) -> Option<&PersonRecord> {
        match self {
            Self::Record(record) => Some(record),
            Self::About(_) | Self::Link(_) => None,
        }
    }
}

impl PersonRecord {
    fn origins(&self) -> Vec<&Origin> {
        let number = self.number.iter().flat_map(PersonNumber::origins);
        let name = self.name.iter().flat_map(|name| match name {
            PersonName::Split { given, family } => vec![given, family],
            PersonName::Whole(whole) => vec![whole],
        });
        let references = self.refers_to.iter().flat_map(|reference| &reference.person.from);
        self.key
            .iter()
            .chain(number)
            .chain(self.protection.iter().map(|protection| &protection.from))
            .chain(name)
            .chain(&self.birth)
            .chain(references)
            .collect()
    }
}

impl PersonNumber {
    fn origins(&self) -> impl Iterator<Item = &Origin> {
        std::iter::once(&self.from).chain(&self.date).chain(&self.valid_from).chain(&self.valid_to)
    }
}
