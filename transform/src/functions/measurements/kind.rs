//! The kinds of measured values and what they can be.

use super::reading::Reading;

/// Bounds of a number in tenths, both of them possible.
type Bounds = (i128, i128);

/// A kind of measured value.
#[derive(Debug)]
pub(super) struct Kind {
    name: &'static str,
    first: Bounds,
    /// Of the second number, for values of two.
    second: Option<Bounds>,
}

/// Bounds that hold for every living person, so that a value outside them was written or measured wrongly.
///
/// | Kind | Number | Bounds |
/// |---|---|---|
/// | `TEMP` | temperature of the body | 30-44 °C |
/// | `VIKT` | weight of a grown-up | 20-400 kg |
/// | `LANGD` | height | 50-230 cm |
/// | `PULS` | pulse | 20-250 a minute |
/// | `BT` | blood pressure, systolic/diastolic | 50-300 / 20-200 mmHg |
/// | `BGLUK` | glucose in blood | 0.5-60 mmol/l |
/// | `SAT` | oxygen saturation | 50-100 % |
const KINDS: [Kind; 7] = [
    Kind { name: "TEMP", first: (300, 440), second: None },
    Kind { name: "VIKT", first: (200, 4_000), second: None },
    Kind { name: "LANGD", first: (500, 2_300), second: None },
    Kind { name: "PULS", first: (200, 2_500), second: None },
    Kind { name: "BT", first: (500, 3_000), second: Some((200, 2_000)) },
    Kind { name: "BGLUK", first: (5, 600), second: None },
    Kind { name: "SAT", first: (500, 1_000), second: None },
];

impl Kind {
    /// The kind with this name, in any mixture of capitals and small letters.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
    }

    /// Whether a number lies outside the bounds. A second number counts for values of two only.
    pub(super) fn is_outside(&self, reading: Reading<'_>) -> bool {
        const TENTH: i128 = 100_000;
        let [first, second] = reading.in_millionths();
        let outside = |number: i128, (low, high): Bounds| !(low * TENTH..=high * TENTH).contains(&number);
        first.is_some_and(|number| outside(number, self.first))
            || second.zip(self.second).is_some_and(|(number, bounds)| outside(number, bounds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(kind: &str, text: &str) -> bool {
        Kind::find(kind).unwrap().is_outside(Reading::of(text).unwrap())
    }

    #[test]
    fn the_bounds_themselves_are_possible() {
        for (kind, low, high) in [
            ("TEMP", "30", "44"),
            ("VIKT", "20", "400"),
            ("LANGD", "50", "230"),
            ("PULS", "20", "250"),
            ("BT", "50/20", "300/200"),
            ("BGLUK", "0,5", "60"),
            ("SAT", "50", "100"),
        ] {
            assert!(!outside(kind, low) && !outside(kind, high), "{kind}");
        }
    }

    #[test]
    fn what_lies_beyond_is_not() {
        for (kind, low, high) in [
            ("TEMP", "29.9", "44.1"),
            ("VIKT", "19,99", "400,01"),
            ("LANGD", "49", "231"),
            ("PULS", "19", "251"),
            ("BT", "49/80", "120/201"),
            ("BGLUK", "0,49", "60,000001"),
            ("SAT", "49", "101 %"),
            ("bt", "301", "-120"),
        ] {
            assert!(outside(kind, low) && outside(kind, high), "{kind}");
        }
    }
}
