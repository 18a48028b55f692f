//! The keys of every kind of TOML file as data, and JSON Schema (2020-12) made from them, so that an editor
//! completes and checks a file while it is written.
//!
//! A schema knows the form of a file: which keys a section has, what type each value is, which keys exclude
//! each other, and the closed vocabularies. What needs the whole folder (that a column exists, that an
//! example holds) is the check's. A test proves that a schema and the parser agree both ways.

mod mapping;
mod model;
mod policies;
mod render;
mod rules;
mod system;

use crate::function::FunctionSpec;
use crate::project::MappingSet;

pub use mapping::MAPPING;
pub use model::MODEL;
pub use policies::{QUALITY, RETENTION};
pub use render::json_schema;
pub use rules::RULE;
pub use system::SYSTEM;

/// A table of a file.
#[derive(Debug)]
pub struct Section {
    /// The name, unique in a file's schema.
    pub name: &'static str,
    /// What it says, in one line.
    pub about: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// Keys that exclude each other: exactly one of these forms is written. None: every key may stand.
    pub forms: &'static [Form],
    /// Keys that belong to one value of another key.
    pub cases: &'static [Case],
    /// What stands under keys that have no fixed names.
    pub others: Others,
}

/// One key of a section.
#[derive(Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What its value is.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
    /// What it means, in one line.
    pub about: &'static str,
}

/// One way to write a section. Keys that stand in no form of the section may stand in every one.
#[derive(Debug)]
pub struct Form {
    /// The keys that make it this form.
    pub must: &'static [&'static str],
    /// The keys that only this form has.
    pub may: &'static [&'static str],
    /// Keys that take one text and no list in this form.
    pub one: &'static [&'static str],
}

/// Keys that are there exactly when another key has a value.
#[derive(Debug)]
pub struct Case {
    /// The other key.
    pub key: &'static str,
    /// Its value.
    pub value: &'static str,
    /// The key that is then required, and otherwise not allowed.
    pub must: &'static str,
}

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// The number 1: the format of the file.
    Format,
    /// A text; not blank when the key is required.
    Text,
    /// A text of one ASCII character.
    Character,
    /// A day as `YYYY-MM-DD`.
    Day,
    /// A whole number from the first to the last.
    Whole(i64, i64),
    /// True or false.
    Truth,
    /// A text or a list of texts; at least one when the key is required.
    Texts,
    /// A list of texts, also when there is one.
    List,
    /// A text, a whole number, true or false.
    Scalar,
    /// One word of a vocabulary.
    Word(Words),
    /// Words of a vocabulary, or one alone.
    Words(Words),
    /// A table.
    Table(&'static Section),
    /// Tables, or one alone.
    Tables(&'static Section),
    /// Tables, as a list also when there is one.
    ListOf(&'static Section),
}

/// A closed vocabulary.
#[derive(Clone, Copy, Debug)]
pub enum Words {
    /// These words, each with its meaning.
    Fixed(&'static [(&'static str, &'static str)]),
    /// Reason codes.
    Reasons,
    /// Owners of work lists.
    Owners,
    /// Functions that give values.
    Functions,
    /// Functions that check.
    Checks,
    /// Entities of the model; open where no model is known.
    Entities,
    /// Code lists; open where none are known.
    Lists,
    /// Rules of retention; open where none are known.
    Retention,
}

/// What stands under keys that have no fixed names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// There are no such keys.
    None,
    /// Texts, whole numbers, true or false.
    Scalars,
    /// Whole numbers from 0 on.
    Counts,
    /// The rule of the field that the key names.
    Rules,
    /// Rows of the entity that the key names: a table of simple values, or several.
    Rows,
}

/// What a schema may name beside the keys.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary<'a> {
    /// The named functions.
    pub functions: &'a [FunctionSpec],
    /// The model, code lists and rules of retention, where a folder is known.
    pub set: Option<&'a MappingSet>,
}

impl Key {
    /// A key that must be there.
    #[must_use]
    pub const fn must(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, shape, required: true, about }
    }

    /// A key that may be there.
    #[must_use]
    pub const fn may(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, shape, required: false, about }
    }
}

impl Form {
    /// A form that these keys make, and no others.
    #[must_use]
    pub const fn of(must: &'static [&'static str]) -> Self {
        Self { must, may: &[], one: &[] }
    }

    /// The form with keys that only it has.
    #[must_use]
    pub const fn may(mut self, may: &'static [&'static str]) -> Self {
        self.may = may;
        self
    }

    /// The form with keys that take one text and no list.
    #[must_use]
    pub const fn one(mut self, one: &'static [&'static str]) -> Self {
        self.one = one;
        self
    }

    /// Whether keys are those of this form, where `all` are the keys of any form.
    #[must_use]
    pub fn fits(&self, keys: &[&str], all: &[&str]) -> bool {
        let foreign = |key: &&str| all.contains(key) && !self.must.contains(key) && !self.may.contains(key);
        self.must.iter().all(|key| keys.contains(key)) && !keys.iter().any(foreign)
    }
}

impl Section {
    /// A section in which every key may stand beside every other, and no key else.
    #[must_use]
    pub const fn of(name: &'static str, about: &'static str, keys: &'static [Key]) -> Self {
        Self { name, about, keys, forms: &[], cases: &[], others: Others::None }
    }

    /// The section with forms that exclude each other.
    #[must_use]
    pub const fn with_forms(mut self, forms: &'static [Form]) -> Self {
        self.forms = forms;
        self
    }

    /// The section with keys that belong to one value of another key.
    #[must_use]
    pub const fn with_cases(mut self, cases: &'static [Case]) -> Self {
        self.cases = cases;
        self
    }

    /// The section with keys that have no fixed names.
    #[must_use]
    pub const fn with_others(mut self, others: Others) -> Self {
        self.others = others;
        self
    }

    /// The key with this name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Shape {
    /// The section of a table or of tables.
    #[must_use]
    pub const fn section(self) -> Option<&'static Section> {
        match self {
            Self::Table(section) | Self::Tables(section) | Self::ListOf(section) => Some(section),
            Self::Format
            | Self::Text
            | Self::Character
            | Self::Day
            | Self::Whole(..)
            | Self::Truth
            | Self::Texts
            | Self::List
            | Self::Scalar
            | Self::Word(_)
            | Self::Words(_) => None,
        }
    }
}

/// The key that every file begins with.
pub const FORMAT: Key = Key::must("format", Shape::Format, "The format of the file: 1");
