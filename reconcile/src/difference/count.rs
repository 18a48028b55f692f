//! Counts of breakdowns, which could point at a person when they are small.

use serde::{Serialize, Serializer};

use crate::report::suppress::{Shown, suppress};

/// A count as a breakdown shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// As it is.
    Number(u64),
    /// One to four.
    Few,
    /// Hidden, because a hidden count beside it could be worked out from it.
    Hidden,
}

impl Default for Count {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Few => serializer.serialize_str("<5"),
            Self::Hidden => serializer.serialize_str("hidden"),
        }
    }
}

impl From<Shown> for Count {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Number(number) => Self::Number(number),
            Shown::Few => Self::Few,
            Shown::Hidden => Self::Hidden,
        }
    }
}

/// The counts of one breakdown whose sum is known, with those under five hidden. A single hidden count
/// would be the sum minus the rest, so a second goes with it.
#[must_use]
pub fn counts(parts: &[u64]) -> Vec<Count> {
    let table: Vec<[u64; 1]> = parts.iter().map(|part| [*part]).collect();
    suppress(&table).into_iter().map(|[shown]| shown.into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_count_does_not_follow_from_the_others() {
        use Count::{Few, Hidden, Number};
        assert_eq!(counts(&[100, 20, 3]), [Number(100), Hidden, Few]);
        assert_eq!(counts(&[100, 2, 3]), [Number(100), Few, Few]);
        assert_eq!(counts(&[100, 20]), [Number(100), Number(20)]);
        assert_eq!(counts(&[3]), [Few]);
        assert_eq!(counts(&[]), []);
        assert_eq!(serde_json::to_string(&[Few, Hidden, Number(7)]).unwrap(), "[\"<5\",\"hidden\",7]");
    }
}
