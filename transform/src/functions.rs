//! The closed registry of named functions: one file per function or per family of one domain term.
//!
//! A function is pure and total. It is built once per rule ([`Build`]), so that its arguments are read
//! before the first row, and then called per row with the texts that the rule names.

mod amounts;
mod copies;
mod dates;
mod identifiers;
mod intervals;
mod lagrum;
mod name;
mod numbers;
mod outcome;
mod parts;
mod repeats;
#[cfg(test)]
mod tests;
mod truth;

use std::collections::BTreeMap;

use bron_mappings::{FunctionSpec, ReasonCode};

pub use outcome::{Cell, Outcome};

/// The version of the registry: part of every mapping digest. It grows when a function gives another
/// value for the same text.
pub const REGISTRY_VERSION: u32 = 1;

/// What a function is told beside the columns.
pub struct Settings<'a> {
    /// The arguments of the rule (`with = { … }`).
    pub arguments: &'a BTreeMap<String, String>,
    /// Digits after the decimal point of the field, for a decimal field.
    pub scale: Option<i8>,
}

impl Settings<'_> {
    /// The text of an argument.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&str> {
        self.arguments.get(name).map(String::as_str)
    }
}

/// An argument that the function cannot use: what is wrong with it, in one line.
pub type SettingError = String;

/// A function that gives the value of a field.
pub type FieldFn = Box<dyn for<'a> Fn(&[Option<&'a str>]) -> Outcome<'a> + Send + Sync>;

/// A function that says whether a row breaks a rule.
pub type CheckFn = Box<dyn Fn(&[Option<&str>]) -> bool + Send + Sync>;

/// How a function is made ready for one rule.
#[derive(Clone, Copy)]
pub enum Build {
    /// Gives values.
    Field(fn(&Settings<'_>) -> Result<FieldFn, SettingError>),
    /// Checks one row.
    Check(fn(&Settings<'_>) -> Result<CheckFn, SettingError>),
    /// Checks a row against the other rows of its table; answered from a lookup made beforehand.
    AcrossRows,
}

/// One row of a function's table of examples: the texts that go in, and what comes out in the form of
/// [`Outcome::describe`], or `true` when a check is broken and `false` when it holds.
///
/// The function is built without arguments, and for a field with two decimals.
pub type FunctionExample = (&'static [Option<&'static str>], &'static str);

/// A named function.
pub struct Function {
    /// The signature and the documentation.
    pub spec: FunctionSpec,
    /// How it is made ready.
    pub build: Build,
    /// Examples, which are documentation and tests at once.
    pub examples: &'static [FunctionExample],
}

/// The registry, ordered by name.
#[must_use]
pub fn registry() -> &'static [Function] {
    REGISTRY
}

/// The function with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Function> {
    REGISTRY.binary_search_by(|function| function.spec.name.cmp(name)).ok().map(|index| &REGISTRY[index])
}

/// Ordered by name: [`find`] searches by halves.
static REGISTRY: &[Function] = &[
    identifiers::BIRTH_DATE,
    truth::BOOL,
    copies::BYTES,
    dates::DATE,
    numbers::DECIMAL,
    dates::DURATION_MINUTES,
    intervals::ENDS_BEFORE_START,
    parts::FIRST_PRESENT,
    identifiers::CALENDAR,
    identifiers::CALENDAR_OK,
    identifiers::CENTURY,
    identifiers::CHECK_DIGIT,
    identifiers::CHECK_DIGIT_OK,
    identifiers::KIND,
    identifiers::OID,
    identifiers::RESERVE,
    identifiers::SENTINEL,
    identifiers::VALUE,
    numbers::INT,
    truth::IS_PRESENT,
    parts::JOIN,
    lagrum::LAGRUM,
    numbers::MINUTES,
    dates::MONTH,
    name::NAME,
    dates::OPEN_END_DATE,
    dates::OPEN_END_TIME,
    amounts::ORE,
    amounts::ORE_DIFFERENCE,
    truth::PRESENT,
    repeats::REPEATS_WITHIN,
    copies::SHA256,
    parts::SLICE,
    copies::TEXT,
    dates::TIME,
    amounts::UNEQUAL_ORE,
    intervals::UNSIGNED_LONGER_THAN,
    intervals::VISIT_LENGTH,
];

/// A text that is there: neither NULL nor empty.
fn given<'a>(inputs: &[Option<&'a str>], index: usize) -> Option<&'a str> {
    inputs.get(index).copied().flatten().filter(|text| !text.is_empty())
}

/// A function of all its columns.
fn field(
    read: impl for<'a> Fn(&[Option<&'a str>]) -> Outcome<'a> + Send + Sync + 'static,
) -> Result<FieldFn, SettingError> {
    Ok(Box::new(read))
}

/// A function of one text, for which NULL and the empty text are NULL.
fn unary(
    read: impl for<'a> Fn(&'a str) -> Outcome<'a> + Send + Sync + 'static,
) -> Result<FieldFn, SettingError> {
    field(move |inputs| given(inputs, 0).map_or(Outcome::Null, &read))
}

fn check(broken: impl Fn(&[Option<&str>]) -> bool + Send + Sync + 'static) -> Result<CheckFn, SettingError> {
    Ok(Box::new(broken))
}

/// The value that was read, or the refusal of a text that has another form.
fn value_or_malformed(read: Option<Cell<'_>>) -> Outcome<'_> {
    read.map_or(Outcome::Bad(ReasonCode::Malformed), Outcome::Value)
}
