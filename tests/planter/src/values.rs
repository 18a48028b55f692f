//! What faulty programs, faulty lines and careless people make of a value. Each gives nothing for a value that it
//! cannot be done to.

use bron_outside::Draw;

/// The letters with marks of Swedish, and each as a letter and a mark.
const COMPOSED: [(char, &str); 6] = [
    ('å', "a\u{30a}"),
    ('ä', "a\u{308}"),
    ('ö', "o\u{308}"),
    ('Å', "A\u{30a}"),
    ('Ä', "A\u{308}"),
    ('Ö', "O\u{308}"),
];
/// Latin letters, and Cyrillic ones that look the same.
const LOOK_ALIKES: [(char, char); 6] =
    [('a', 'а'), ('e', 'е'), ('o', 'о'), ('p', 'р'), ('A', 'А'), ('E', 'Е')];
/// Where many fields of old systems end.
const FIELD_END: usize = 255;

/// One of the characters that are wanted becomes something else.
fn at_one(
    value: &str,
    draw: &mut Draw,
    wanted: impl Fn(char) -> bool,
    becomes: impl Fn(char) -> String,
) -> Option<String> {
    let places: Vec<(usize, char)> = value.char_indices().filter(|(_, letter)| wanted(*letter)).collect();
    if places.is_empty() {
        return None;
    }
    let (at, letter) = *draw.one_of(&places);
    Some(format!("{}{}{}", &value[..at], becomes(letter), &value[at + letter.len_utf8()..]))
}

pub(crate) fn letter_changed(value: &str, draw: &mut Draw) -> Option<String> {
    at_one(value, draw, char::is_alphabetic, |letter| if letter == 'x' { "y" } else { "x" }.to_owned())
}

pub(crate) fn look_alike(value: &str, draw: &mut Draw) -> Option<String> {
    let other =
        |letter: char| LOOK_ALIKES.iter().find(|(latin, _)| *latin == letter).map(|(_, other)| *other);
    at_one(
        value,
        draw,
        |letter| other(letter).is_some(),
        |letter| other(letter).unwrap_or(letter).to_string(),
    )
}

pub(crate) fn zero_width(value: &str, draw: &mut Draw) -> Option<String> {
    at_one(value, draw, |_| true, |letter| format!("{letter}\u{200b}"))
}

pub(crate) fn letters_lost(value: &str) -> Option<String> {
    let lost: String = value.chars().map(|letter| if letter.is_ascii() { letter } else { '?' }).collect();
    (lost != value).then_some(lost)
}

pub(crate) fn mojibake(value: &str) -> Option<String> {
    (!value.is_ascii()).then(|| value.bytes().map(char::from).collect())
}

pub(crate) fn decomposed(value: &str) -> Option<String> {
    let parts = |letter: char| {
        let known = COMPOSED.iter().find(|(composed, _)| *composed == letter);
        known.map_or_else(|| letter.to_string(), |(_, parts)| (*parts).to_owned())
    };
    let parts: String = value.chars().map(parts).collect();
    (parts != value).then_some(parts)
}

pub(crate) fn truncated(value: &str) -> Option<String> {
    value.char_indices().nth(FIELD_END).map(|(end, _)| value[..end].to_owned())
}

pub(crate) fn case_changed(value: &str) -> Option<String> {
    let upper = value.to_uppercase();
    let other = if upper == value { value.to_lowercase() } else { upper };
    (other != value).then_some(other)
}

pub(crate) fn line_break_changed(value: &str) -> Option<String> {
    let other =
        if value.contains("\r\n") { value.replace("\r\n", "\n") } else { value.replace('\n', "\r\n") };
    (other != value).then_some(other)
}

/// Two neighbouring digits that differ change places.
pub(crate) fn digits_exchanged(value: &str, draw: &mut Draw) -> Option<String> {
    let digits = value.as_bytes();
    // A nought that comes first would make a number of another length.
    let may = |at: &usize| {
        let (one, other) = (digits[*at], digits[*at + 1]);
        one.is_ascii_digit() && other.is_ascii_digit() && one != other && other != b'0'
    };
    let places: Vec<usize> = (0..digits.len().saturating_sub(1)).filter(may).collect();
    if places.is_empty() {
        return None;
    }
    let at = *draw.one_of(&places);
    Some(format!("{}{}{}{}", &value[..at], &value[at + 1..at + 2], &value[at..=at], &value[at + 2..]))
}

/// A whole number becomes another one.
pub(crate) fn number(value: &str, change: impl Fn(i64) -> Option<i64>) -> Option<String> {
    let other = change(value.parse().ok()?)?;
    (other.to_string() != value).then(|| other.to_string())
}

/// One more or one less.
pub(crate) fn off_by_one(value: &str, draw: &mut Draw) -> Option<String> {
    let step = if draw.below(2) == 0 { 1 } else { -1 };
    number(value, |number| number.checked_add(step))
}

/// A hundred times as much, or as little where that leaves nothing over.
pub(crate) fn decimal_shifted(value: &str, draw: &mut Draw) -> Option<String> {
    let down = draw.below(2) == 0;
    number(value, |number| {
        if down && number != 0 && number % 100 == 0 { Some(number / 100) } else { number.checked_mul(100) }
    })
}

/// The parts of a day, or of a moment: year, month, day, and the rest.
fn dated(value: &str) -> Option<(&str, u32, u32, &str)> {
    let (date, rest) = value.split_at_checked(10)?;
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((year, month, day, rest))
}

pub(crate) fn day_and_month_exchanged(value: &str) -> Option<String> {
    let (year, month, day, rest) = dated(value)?;
    (day <= 12 && day != month).then(|| format!("{year}-{day:02}-{month:02}{rest}"))
}

/// A day later, or earlier at the end of a month.
pub(crate) fn day_off(value: &str) -> Option<String> {
    let (year, month, day, rest) = dated(value)?;
    let other = if day < 28 { day + 1 } else { day - 1 };
    Some(format!("{year}-{month:02}-{other:02}{rest}"))
}

/// The day that stands for none in old systems.
pub(crate) fn sentinel(value: &str) -> Option<String> {
    let (.., rest) = dated(value)?;
    let other = format!("1900-01-01{rest}");
    (other != value).then_some(other)
}

/// The century before.
pub(crate) fn century_lost(value: &str) -> Option<String> {
    let (year, month, day, rest) = dated(value)?;
    let early = year.parse::<u32>().ok()?.checked_sub(100)?;
    // Not every leap year has one a century before.
    ((month, day) != (2, 29)).then(|| format!("{early:04}-{month:02}-{day:02}{rest}"))
}

/// The clock of a moment, and what stands around it.
fn clock(value: &str) -> Option<(&str, u32, u32, &str)> {
    let (date, rest) = value.split_at_checked(11)?;
    let (hour, minute) = (rest.get(..2)?.parse().ok()?, rest.get(3..5)?.parse().ok()?);
    Some((date, hour, minute, &rest[5..]))
}

/// An hour later: a moment of one zone read as one of another.
pub(crate) fn hour_shifted(value: &str) -> Option<String> {
    let (date, hour, minute, rest) = clock(value)?;
    let other = if hour < 23 { hour + 1 } else { hour - 1 };
    Some(format!("{date}{other:02}:{minute:02}{rest}"))
}

/// A minute later, or earlier at the end of an hour.
pub(crate) fn minute_off(value: &str) -> Option<String> {
    let (date, hour, minute, rest) = clock(value)?;
    let other = if minute < 59 { minute + 1 } else { minute - 1 };
    Some(format!("{date}{hour:02}:{other:02}{rest}"))
}

/// The time of day is lost.
pub(crate) fn midnight(value: &str) -> Option<String> {
    let (date, ..) = clock(value)?;
    let other = format!("{date}00:00:00");
    (!value.starts_with(&other)).then_some(other)
}

/// The month that a day or a moment lies in.
pub(crate) fn month(value: &str) -> &str {
    value.get(..7).unwrap_or(value)
}

/// Either truth value becomes the other, as either database writes it.
pub(crate) fn flipped(value: &str) -> Option<String> {
    const PAIRS: [(&str, &str); 4] = [("0", "1"), ("1", "0"), ("true", "false"), ("false", "true")];
    PAIRS.iter().find(|(one, _)| *one == value).map(|(_, other)| (*other).to_owned())
}

/// One letter of a text in hexadecimal bytes becomes another of the same length. Only letters of ASCII are touched, so
/// that the bytes stay a text.
pub(crate) fn letter_in_bytes(digits: &str, draw: &mut Draw) -> Option<String> {
    let pairs = (0..digits.len() / 2).map(|at| (2 * at, digits.get(2 * at..2 * at + 2).unwrap_or_default()));
    let letters =
        pairs.filter(|(_, pair)| u8::from_str_radix(pair, 16).is_ok_and(|byte| byte.is_ascii_lowercase()));
    let places: Vec<(usize, &str)> = letters.collect();
    if places.is_empty() {
        return None;
    }
    let (at, pair) = *draw.one_of(&places);
    // The letters x and y.
    let other = if pair == "78" { "79" } else { "78" };
    Some(format!("{}{other}{}", &digits[..at], &digits[at + 2..]))
}

/// The last sign of a digest, a version or a name becomes another.
pub(crate) fn last_changed(value: &str) -> Option<String> {
    let (at, last) = value.char_indices().next_back()?;
    Some(format!("{}{}", &value[..at], if last == '0' { '1' } else { '0' }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw() -> Draw {
        Draw::new(1, "values", 0)
    }

    #[test]
    fn texts_come_to_harm_as_they_do_in_life() {
        assert_eq!(mojibake("Åsa").as_deref(), Some("Ã\u{85}sa"));
        assert_eq!(mojibake("Asa"), None);
        assert_eq!(decomposed("Åsa").as_deref(), Some("A\u{30a}sa"));
        assert_eq!(letters_lost("Åsa ö").as_deref(), Some("?sa ?"));
        assert_eq!(truncated(&"å".repeat(300)).unwrap().chars().count(), 255);
        assert_eq!(truncated("å"), None);
        assert_eq!(case_changed("Åsa").as_deref(), Some("ÅSA"));
        assert_eq!(case_changed("ÅSA").as_deref(), Some("åsa"));
        assert_eq!(case_changed("17"), None);
        assert_eq!(line_break_changed("a\nb").as_deref(), Some("a\r\nb"));
        assert_eq!(line_break_changed("a\r\nb").as_deref(), Some("a\nb"));
        assert_eq!(letter_changed("1a2", &mut draw()).as_deref(), Some("1x2"));
        assert_eq!(letter_changed("12", &mut draw()), None);
        assert_eq!(look_alike("xa", &mut draw()).as_deref(), Some("x\u{430}"));
        assert_eq!(zero_width("å", &mut draw()).as_deref(), Some("å\u{200b}"));
        assert_eq!(letter_in_bytes("c3a561", &mut draw()).as_deref(), Some("c3a578"));
        assert_eq!(letter_in_bytes("00", &mut draw()), None);
    }

    #[test]
    fn numbers_become_other_numbers() {
        assert!(["2103", "1230"].contains(&digits_exchanged("1203", &mut draw()).unwrap().as_str()));
        assert_eq!(digits_exchanged("11", &mut draw()), None);
        assert_eq!(number("0", |number| number.checked_neg()), None);
        assert_eq!(number("-5", |number| number.checked_neg()).as_deref(), Some("5"));
        for _ in 0..8 {
            let mut draw = draw();
            assert!(["6", "8"].contains(&off_by_one("7", &mut draw).unwrap().as_str()));
            assert!(["500", "5000000"].contains(&decimal_shifted("50000", &mut draw).unwrap().as_str()));
        }
        assert_eq!(decimal_shifted("0", &mut draw()), None);
    }

    #[test]
    fn days_and_moments_become_others_that_exist() {
        assert_eq!(day_and_month_exchanged("2024-03-07").as_deref(), Some("2024-07-03"));
        assert_eq!(day_and_month_exchanged("2024-03-13"), None);
        assert_eq!(day_and_month_exchanged("2024-03-03 10:00:00"), None);
        assert_eq!(day_off("2024-02-29").as_deref(), Some("2024-02-28"));
        assert_eq!(sentinel("2024-02-29 07:10:00").as_deref(), Some("1900-01-01 07:10:00"));
        assert_eq!(century_lost("2024-02-28").as_deref(), Some("1924-02-28"));
        assert_eq!(hour_shifted("2024-02-28 23:59:59").as_deref(), Some("2024-02-28 22:59:59"));
        assert_eq!(minute_off("2024-02-28 23:59:59").as_deref(), Some("2024-02-28 23:58:59"));
        assert_eq!(midnight("2024-02-28 23:59:59").as_deref(), Some("2024-02-28 00:00:00"));
        assert_eq!(midnight("2024-02-28 00:00:00"), None);
        assert_eq!(hour_shifted("2024-02-28"), None);
        assert_eq!(month("2024-02-28"), "2024-02");
    }

    #[test]
    fn flags_and_signs_become_others() {
        assert_eq!(flipped("true").as_deref(), Some("false"));
        assert_eq!(flipped("x"), None);
        assert_eq!(last_changed("ab0").as_deref(), Some("ab1"));
        assert_eq!(last_changed("").as_deref(), None);
    }
}
