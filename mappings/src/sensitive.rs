//! Values that must not reach a log, an error or a file by accident.

use std::fmt;

/// A code, a length or another value of a column that fewer rows have could point at a person: it is counted, and
/// neither shown nor kept.
pub const FEWEST_SHOWN: u64 = 5;

/// A value of personal data. It can be used, compared and moved, but not printed or serialised:
/// [`fmt::Debug`] redacts it, and there is neither `Display` nor `Serialize`.
///
/// ```compile_fail
/// let number = bron_mappings::Sensitive::new(String::from("value"));
/// println!("{number}");
/// ```
/// ```compile_fail
/// let number = bron_mappings::Sensitive::new(String::from("value"));
/// let text = toml::Value::try_from(number);
/// ```
/// ```
/// let number = bron_mappings::Sensitive::new(String::from("value"));
/// assert_eq!(format!("{number:?}"), "[skyddad uppgift]");
/// assert_eq!(number.expose(), "value");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Gives the value to code that has to work on it. Every call is a place to review.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[skyddad uppgift]")
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}
