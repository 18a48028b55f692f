//! The way back from a value to the source's text.

use bron_mappings::FunctionKind;

use super::{Cell, Function, Outcome, Settings};

/// Writes the text from which a function reads a value, given the settings of the rule.
///
/// It keeps two laws. *Put-get*: the text that it writes reads as the same value, without a mark.
/// *Get-put*: a text in the canonical form, which is the form that it writes, comes back as it was. `None`
/// says that no text reads as this value without a mark.
pub type InvertFn = fn(&Settings<'_>, &Cell<'_>) -> Option<String>;

/// Whether the source's text follows from the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inverse {
    /// It does, in the canonical form of the function: [`Function::invert`] writes it.
    Exact,
    /// It does not: what is lost, in one line.
    Lossy(&'static str),
    /// There is no value: the function is a check.
    None,
}

impl Function {
    /// Whether the source's text follows from the function's value.
    #[must_use]
    pub const fn inverse(&self) -> Inverse {
        match (self.spec.kind, self.invert) {
            (FunctionKind::Check, _) => Inverse::None,
            (FunctionKind::Field(_), Some(_)) => Inverse::Exact,
            (FunctionKind::Field(_), None) => Inverse::Lossy(self.spec.inverse),
        }
    }
}

/// The text, when a function of one text reads it as this value, without a mark.
pub(super) fn reads_as(read: impl Fn(&str) -> Outcome<'_>, text: String, value: &Cell<'_>) -> Option<String> {
    let same = matches!(read(&text), Outcome::Value(found) if found == *value);
    same.then_some(text)
}

/// The value itself, when it is text that reads as itself, without a mark. The empty text is NULL.
pub(super) fn same_text(read: impl Fn(&str) -> Outcome<'_>, value: &Cell<'_>) -> Option<String> {
    let Cell::Text(text) = value else { return None };
    if text.is_empty() { None } else { reads_as(read, text.to_string(), value) }
}
