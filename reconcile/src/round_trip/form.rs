//! Reads a staged text and a told one far enough to say whether they are the same but for what the form loses.
//!
//! These readers are written for the comparison alone. They are stricter than the rules that read the source: a text
//! that they cannot read agrees with nothing but itself.

use bron_mappings::TextForm;

/// Whether two texts are the same in this form.
pub(super) fn agrees(form: TextForm, staged: &str, told: &str) -> bool {
    let both = |read: fn(&str) -> Option<String>| {
        let read = |text| read(text).filter(|read| !read.is_empty());
        read(staged).is_some_and(|staged| read(told) == Some(staged))
    };
    staged == told
        || match form {
            TextForm::Copy | TextForm::Text => false,
            TextForm::Number => both(number),
            TextForm::Amount => both(amount),
            TextForm::Day => both(day),
            TextForm::Month => both(month),
            TextForm::Moment => both(moment),
            TextForm::Identifier => same_identifier(staged, told),
        }
}

/// Whether a staged text says nothing.
pub(super) fn is_empty(form: TextForm, staged: Option<&str>) -> bool {
    match (form, staged) {
        (_, None) => true,
        (TextForm::Copy, Some(_)) => false,
        (TextForm::Identifier, Some(text)) => letters_and_digits(text).is_empty(),
        (_, Some(text)) => text.is_empty(),
    }
}

/// Sign, whole part without leading zeros and decimals without trailing ones.
fn number(text: &str) -> Option<String> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, decimals) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.is_empty() || !plain(whole) || !plain(decimals) {
        return None;
    }
    let (whole, decimals) = (whole.trim_start_matches('0'), decimals.trim_end_matches('0'));
    let sign = if whole.is_empty() && decimals.is_empty() { "" } else { sign };
    Some(format!("{sign}{whole}.{decimals}"))
}

/// The amount as a number: blanks, the unit and marks between thousands gone, the minus in front.
fn amount(text: &str) -> Option<String> {
    let mut digits: String = text.chars().filter(|one| !matches!(one, ' ' | '\u{a0}' | '\u{202f}')).collect();
    digits = digits.replace('\u{2212}', "-");
    let lower = digits.to_ascii_lowercase();
    for unit in ["kr", ":-"] {
        if lower.ends_with(unit) {
            digits.truncate(digits.len() - unit.len());
        }
    }
    if let Some(before) = digits.strip_suffix('-') {
        digits = format!("-{before}");
    }
    if digits.contains(',') {
        digits = digits.replace('.', "");
    }
    number(&digits)
}

/// The eight digits of a date, and what stands after it.
fn dated(text: &str) -> Option<(String, &str)> {
    let bytes = text.as_bytes();
    let dashed = bytes.get(4) == Some(&b'-');
    let length = if dashed { 10 } else { 8 };
    let (date, rest) = text.split_at_checked(length)?;
    let marked = !dashed || date.as_bytes().get(7) == Some(&b'-');
    let digits: String = date.chars().filter(char::is_ascii_digit).collect();
    (marked && digits.len() == 8).then_some((digits, rest))
}

fn day(text: &str) -> Option<String> {
    let (digits, rest) = dated(text)?;
    (rest.is_empty() || rest.starts_with([' ', 'T'])).then_some(digits)
}

fn month(text: &str) -> Option<String> {
    let digits = match text.split_once('-') {
        Some((year, month)) if year.len() == 4 => format!("{year}{month}"),
        Some(_) => return None,
        None => text.to_owned(),
    };
    (digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// Date, hours, minutes, seconds and parts of a second without trailing zeros.
fn moment(text: &str) -> Option<String> {
    let (date, rest) = dated(text)?;
    let clock = rest.strip_prefix([' ', 'T'])?;
    let (clock, part) = clock.split_once('.').unwrap_or((clock, ""));
    let pieces: Vec<&str> = clock.split(':').collect();
    let two = |piece: &str| piece.len() == 2 && piece.bytes().all(|byte| byte.is_ascii_digit());
    if !(2..=3).contains(&pieces.len()) || !pieces.iter().all(|piece| two(piece)) {
        return None;
    }
    let seconds = pieces.get(2).copied().unwrap_or("00");
    if !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(format!("{date} {}{}{seconds}.{}", pieces[0], pieces[1], part.trim_end_matches('0')))
}

fn letters_and_digits(text: &str) -> String {
    text.chars().filter(|one| one.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether both are the same letters and digits, but for the two digits of a century before ten others.
fn same_identifier(staged: &str, told: &str) -> bool {
    const WITH_CENTURY: usize = 12;
    let (staged, told) = (letters_and_digits(staged), letters_and_digits(told));
    let without = |text: &str| {
        (text.len() == WITH_CENTURY && text.is_ascii()).then(|| text[WITH_CENTURY - 10..].to_owned())
    };
    !staged.is_empty() && (staged == told || without(&told).is_some_and(|told| told == staged))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_form_loses_may_differ_and_nothing_else() {
        use TextForm::{Amount, Copy, Day, Identifier, Moment, Month, Number, Text};
        for (form, staged, told, same) in [
            (Copy, "a", "a", true),
            (Copy, "a ", "a", false),
            (Text, "e\u{301}", "é", false),
            (Number, "007", "7", true),
            (Number, "12,50", "12.5", true),
            (Number, ".5", "0.50", true),
            (Number, "-0", "0", true),
            (Number, "12.5", "125", false),
            (Number, "-5", "5", false),
            (Number, "1 000", "1000", false),
            (Amount, "7 320,50", "7320.50", true),
            (Amount, "1.234,50 kr", "1234.50", true),
            (Amount, "250:-", "250.00", true),
            (Amount, "100,00-", "-100.00", true),
            (Amount, "6120.0000", "6120.00", true),
            (Amount, "6120.0000", "61.20", false),
            (Amount, "1\u{a0}234\u{202f}567,8", "1234567.80", true),
            (Day, "20141002", "2014-10-02", true),
            (Day, "2014-10-02 13:45:00.123", "2014-10-02", true),
            (Day, "2014-10-02", "2014-02-10", false),
            (Day, "2014-10-02x", "2014-10-02", false),
            (Month, "2014-10", "201410", true),
            (Month, "201411", "201410", false),
            (Moment, "2020-03-01T07:05", "2020-03-01 07:05:00", true),
            (Moment, "2014-10-02 13:45:00.120", "2014-10-02 13:45:00.12", true),
            (Moment, "2014-10-02 13:45", "2014-10-02 14:45:00", false),
            (Moment, "2014-10-02", "2014-10-02 00:00:00", false),
            (Identifier, "760101-0007", "197601010007", true),
            (Identifier, "=\"197601010007\"", "197601010007", true),
            (Identifier, "760101-0000", "197601010007", false),
            (Identifier, "197601010007", "7601010007", false),
        ] {
            assert_eq!(agrees(form, staged, told), same, "{form:?} {staged} {told}");
        }
    }

    #[test]
    fn what_cannot_be_read_agrees_with_itself_alone() {
        for form in [TextForm::Number, TextForm::Amount, TextForm::Day, TextForm::Month, TextForm::Moment] {
            for text in ["", "-", ".", "kr", "igår", "å-å-å-å-å"] {
                assert!(agrees(form, text, text), "{form:?}");
                assert!(!agrees(form, text, "?"), "{form:?}");
            }
        }
        assert!(!agrees(TextForm::Identifier, "--", "..") && !agrees(TextForm::Number, "-", "."));
    }

    #[test]
    fn a_copy_tells_null_from_an_empty_text() {
        assert!(is_empty(TextForm::Copy, None) && !is_empty(TextForm::Copy, Some("")));
        assert!(is_empty(TextForm::Text, Some("")) && !is_empty(TextForm::Text, Some(" ")));
        assert!(is_empty(TextForm::Identifier, Some(" - ")));
    }
}
