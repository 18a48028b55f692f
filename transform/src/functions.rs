//! The closed registry of named functions: one file per function or per family of one domain term.
//!
//! A function is pure and total. It is built once per rule ([`Build`]), so that its arguments are read
//! before the first row, and then called per row with the texts that the rule names.

mod amounts;
mod code_page;
mod comparisons;
mod copies;
mod counts;
mod dates;
mod identifiers;
mod intervals;
mod inverse;
mod lagrum;
mod local_time;
mod measurements;
mod name;
mod numbers;
mod outcome;
mod parts;
mod periods;
mod rendering;
mod repeats;
mod server_time;
mod spreadsheets;
mod test_persons;
#[cfg(test)]
mod tests;
mod texts;
mod truth;
mod visits;

use std::collections::BTreeMap;

use bron_mappings::{FunctionSpec, ReasonCode};

use crate::lookups::RowSet;

pub(crate) use copies::sha256_text;
pub(crate) use identifiers::valid_national;
pub use inverse::{Inverse, InvertFn};
pub use outcome::{Cell, Outcome};

/// The version of the registry: part of every mapping digest. It grows when a function gives another
/// value for the same text.
pub const REGISTRY_VERSION: u32 = 2;

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

    /// An argument that is a whole number from 0 on; `None` when the rule does not give it.
    fn number(&self, name: &str) -> Result<Option<u16>, SettingError> {
        let read =
            |text: &str| text.parse().map_err(|_| format!("`{name}` is a whole number from 0 to 65535"));
        self.argument(name).map(read).transpose()
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
    AcrossRows(fn(&Settings<'_>) -> Result<BeginAcross, SettingError>),
}

/// A function that finds the rows of a table that break a rule, when it is shown all of them in staged order.
pub trait AcrossRows: Send {
    /// Shows the texts of the row at this place of the staged table.
    fn add(&mut self, place: u64, texts: &[Option<&str>]);

    /// What the row with these texts shares with rows that can decide about it: whether a row breaks the rule follows
    /// from the rows that share a tie with it, or with a row that does, and so on. No other row of the table counts.
    fn ties(&self, texts: &[Option<&str>]) -> Vec<String>;

    /// The rows that break the rule.
    fn finish(self: Box<Self>) -> RowSet;
}

/// Begins to go through a table.
pub type BeginAcross = Box<dyn Fn() -> Box<dyn AcrossRows> + Send + Sync>;

/// One row of a function's table of examples: the texts that go in, and what comes out in the form of
/// [`Outcome::describe`], or `true` when a check is broken and `false` when it holds.
///
/// The function is built with the arguments [`Function::with`], and for a field with two decimals.
pub type FunctionExample = (&'static [Option<&'static str>], &'static str);

/// A named function.
pub struct Function {
    /// The signature and the documentation.
    pub spec: FunctionSpec,
    /// How it is made ready.
    pub build: Build,
    /// Writes the source's text from a value, for functions from whose value it follows.
    pub invert: Option<InvertFn>,
    /// The arguments of the examples.
    pub with: &'static [(&'static str, &'static str)],
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
    texts::ADDRESS_IN_TEXT,
    comparisons::ALL_EQUAL,
    counts::AT_LEAST,
    identifiers::BIRTH_DATE,
    identifiers::BIRTH_DAY_DIFFERS,
    truth::BOOL,
    copies::BYTES,
    texts::DAMAGED_TEXT,
    dates::DATE,
    numbers::DECIMAL,
    periods::DERIVED_END,
    comparisons::DIFFERS,
    visits::DOUBLE_REGISTERED,
    dates::DURATION_MINUTES,
    intervals::ENDS_BEFORE_START,
    comparisons::ENDS_WITH,
    amounts::EXCEEDS,
    spreadsheets::EXCEL_ARTEFACT,
    parts::FIRST_PRESENT,
    local_time::FOLD,
    comparisons::HOLDS,
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
    periods::IMPLAUSIBLE_DATE,
    numbers::INT,
    truth::IS_PRESENT,
    parts::JOIN,
    spreadsheets::KOMMUNKOD,
    lagrum::LAGRUM,
    lagrum::LAGRUM_NOT_IN_FORCE,
    periods::LATER_THAN,
    measurements::MEASUREMENT,
    measurements::MEASUREMENT_IMPLAUSIBLE,
    measurements::MEASUREMENT_SECOND,
    numbers::MINUTES,
    dates::MONTH,
    name::NAME,
    name::NAME_READING,
    amounts::NEGATIVE,
    amounts::NOT_THE_SUM,
    periods::OPEN_AND_FOLLOWED,
    dates::OPEN_END_DATE,
    dates::OPEN_END_TIME,
    amounts::ORE,
    amounts::ORE_DIFFERENCE,
    comparisons::ORPHAN,
    periods::OUTSIDE_PERIOD,
    periods::OVERLAPS_NEXT,
    truth::PRESENT,
    repeats::REFERS_IN_A_CIRCLE,
    rendering::RENDERING,
    repeats::REPEATS_WITHIN,
    server_time::SERVER_TIME,
    identifiers::SEX_CONTRADICTS,
    copies::SHA256,
    counts::SHARE_ABOVE,
    identifiers::SHARED_NUMBER,
    parts::SLICE,
    test_persons::TEST_PERSON,
    copies::TEXT,
    dates::TIME,
    identifiers::TWO_HUMANS,
    amounts::UNEQUAL_ORE,
    rendering::UNREADABLE_MARKUP,
    intervals::UNSIGNED_LONGER_THAN,
    local_time::UTC_TIME,
    intervals::VISIT_LENGTH,
    local_time::VISIT_MINUTES,
    visits::VISITS_OVERLAP,
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
