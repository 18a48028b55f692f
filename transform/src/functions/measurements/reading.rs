//! The numbers of a measured value.

use super::super::numbers::decimal_number;

/// The most decimals that are told apart when a value is compared with bounds.
const FINEST: usize = 6;

/// A text that is one number, or two with a slash between, with a unit after it or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading<'t> {
    first: &'t str,
    second: Option<&'t str>,
    /// One number with a point or no decimal mark, and nothing else.
    plain: bool,
}

impl<'t> Reading<'t> {
    /// Reads a text; `None` when it has no number, or more than one reading: `<5`, `ca 5`, `5-6`, `2 av 10`.
    pub(super) fn of(text: &'t str) -> Option<Self> {
        let (first, rest) = number_at_start(text.trim())?;
        let (second, rest) = match rest.trim_start().strip_prefix('/') {
            Some(after) if number_at_start(after.trim_start()).is_some() => {
                number_at_start(after.trim_start()).map(|(second, rest)| (Some(second), rest))?
            }
            Some(_) | None => (None, rest),
        };
        let unit = rest.trim();
        if !is_unit(unit) {
            return None;
        }
        let plain = first.len() == text.len() && !first.contains(',');
        Some(Self { first, second, plain })
    }

    /// Whether the text is a number as a program writes it.
    pub(super) fn is_plain(self) -> bool {
        self.plain
    }

    /// The first number as a whole number of its last place, when it has no more decimals than that.
    pub(super) fn first(self, scale: usize) -> Option<i128> {
        decimal_number(self.first, scale)
    }

    /// The second number, as [`Self::first`].
    pub(super) fn second(self, scale: usize) -> Option<i128> {
        decimal_number(self.second?, scale)
    }

    /// Both numbers in millionths; `None` for one that is missing or finer.
    pub(super) fn in_millionths(self) -> [Option<i128>; 2] {
        [self.first(FINEST), self.second(FINEST)]
    }
}

/// A number at the front of a text, and what follows it.
fn number_at_start(text: &str) -> Option<(&str, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let sign = usize::from(text.starts_with('-'));
    let whole = digits(&text[sign..]);
    if whole == 0 {
        return None;
    }
    let mut end = sign + whole;
    if text[end..].starts_with(['.', ',']) {
        let fraction = digits(&text[end + 1..]);
        end += if fraction > 0 { 1 + fraction } else { 0 };
    }
    Some(text.split_at(end))
}

/// Whether nothing follows the number, or something that holds no other number and does not start like one
/// that goes on.
fn is_unit(text: &str) -> bool {
    let starts = |character: char| character.is_alphabetic() || matches!(character, '%' | '°' | 'º');
    let goes_on = |character: char| !character.is_ascii_digit();
    text.is_empty() || (text.starts_with(starts) && text.chars().all(goes_on))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<(i128, Option<i128>, bool)> {
        let reading = Reading::of(text)?;
        Some((reading.first(1)?, reading.second(1), reading.is_plain()))
    }

    #[test]
    fn one_number_or_two_are_read() {
        assert_eq!(read("36.8"), Some((368, None, true)));
        assert_eq!(read("-3"), Some((-30, None, true)));
        assert_eq!(read("36,8"), Some((368, None, false)));
        assert_eq!(read(" 36.8"), Some((368, None, false)));
        assert_eq!(read("36,8°C"), Some((368, None, false)));
        assert_eq!(read("97 %"), Some((970, None, false)));
        assert_eq!(read("120/80"), Some((1200, Some(800), false)));
        assert_eq!(read("120 / 80 mmHg"), Some((1200, Some(800), false)));
        assert_eq!(read("7.2 mmol/l"), Some((72, None, false)));
    }

    #[test]
    fn a_text_with_other_readings_is_not_read() {
        for text in [
            "", "-", "<5", ">30", "ca 5", "5-6", "5+", "2 av 10", "1 000", "36.8.1", "5.", "5 ,", "120/", "x",
        ] {
            assert_eq!(Reading::of(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_failure(text in "\\PC*|[-0-9,./ a-z%<>]{0,16}") {
            let _ = Reading::of(&text).map(Reading::in_millionths);
        }
    }
}
