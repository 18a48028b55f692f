//! What a named function gives.

use std::borrow::Cow;

use bron_mappings::{Action, ReasonCode};

/// A value of a field, borrowed from the source's text where it can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Text or a code.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// True or false.
    Bool(bool),
    /// A whole number, öre or minutes.
    Int(i64),
    /// A decimal number, unscaled.
    Decimal(i128),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds of local wall time since 1970-01-01 00:00.
    Time(i64),
    /// The id of a row; only references give it, no function does.
    Id([u8; 16]),
}

/// The outcome of a function for one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// The source says nothing.
    Null,
    /// The value, from which the source's text can be told.
    Value(Cell<'a>),
    /// The value, or NULL, with a mark; the source's text is kept beside it.
    Marked {
        /// The value.
        value: Option<Cell<'a>>,
        /// [`Action::Norm`], [`Action::Fix`] or [`Action::Flag`].
        action: Action,
        /// The mark.
        reason: ReasonCode,
    },
    /// The text cannot be read; the rule's own policy decides.
    Bad(ReasonCode),
}

impl<'a> Outcome<'a> {
    /// Borrowed or owned text as a plain value.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Value(Cell::Text(text.into()))
    }

    /// A value with a mark.
    #[must_use]
    pub const fn marked(value: Option<Cell<'a>>, action: Action, reason: ReasonCode) -> Self {
        Self::Marked { value, action, reason }
    }

    /// A one-line form for tables of examples: `null`, the value, `value [fix D13]`, `bad felformat`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Value(value) => value.describe(),
            Self::Marked { value, action, reason } => {
                let value = value.as_ref().map_or_else(|| "null".to_owned(), Cell::describe);
                format!("{value} [{} {reason}]", action.name())
            }
            Self::Bad(reason) => format!("bad {reason}"),
        }
    }
}

impl Cell<'_> {
    /// The value as text: dates and times in ISO form, numbers in decimal, bytes in hexadecimal, a
    /// decimal number unscaled.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Text(text) => text.to_string(),
            Self::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::Bool(truth) => truth.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Decimal(number) => number.to_string(),
            Self::Date(days) => crate::calendar::iso_date(*days),
            Self::Time(micros) => crate::calendar::iso_time(*micros),
            Self::Id(id) => bron_mappings::EntityId::from_bytes(*id).to_string(),
        }
    }
}
