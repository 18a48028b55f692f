//! No number that a person could hold. Fixtures use person numbers with birth number 000, which is
//! never assigned, or numbers that Skatteverket publishes as test numbers: of everyone born from
//! 1976 to 2013 it publishes those with birth number 238 and 239, but for the few in
//! [`UNPUBLISHED`]. Every other number with a valid date and check digit, a coordination number
//! (day plus 60) included, may be somebody's and must not stand in the project.

use super::assert_none;
use super::tree::{self, TextFile};
use std::fs;
use std::iter;

/// The last ten digits of numbers that documentation everywhere uses and nobody holds.
const ALLOWED: [&str; 1] = [
    // "Tolvan Tolvansson", the test patient of Swedish care systems since the sixties:
    // 19121212-1212.
    "1212121212",
];

/// Birth dates and birth numbers between 1976 and 2013, of the kind 238 and 239, that Skatteverket
/// does not publish. The check digit is left out: a whole number must not stand here either.
const UNPUBLISHED: [(&str, &str); 25] = [
    ("19760101", "238"),
    ("19800101", "238"),
    ("19800101", "239"),
    ("19891220", "238"),
    ("19900101", "239"),
    ("19900102", "239"),
    ("19900104", "238"),
    ("19900104", "239"),
    ("19900105", "239"),
    ("19900106", "238"),
    ("19900106", "239"),
    ("19900108", "238"),
    ("19900108", "239"),
    ("19900109", "239"),
    ("19900113", "238"),
    ("20001218", "238"),
    ("20010303", "239"),
    ("20011104", "238"),
    ("20021016", "238"),
    ("20021227", "238"),
    ("20050509", "238"),
    ("20070911", "239"),
    ("20071228", "238"),
    ("20101211", "238"),
    ("20111230", "238"),
];

/// Characters that people and systems write between date and birth number: hyphen, plus,
/// non-breaking hyphen, en dash, minus.
const SEPARATORS: [char; 5] = ['-', '+', '\u{2011}', '\u{2013}', '\u{2212}'];

/// Digits that may be a person number: six or eight of date, four of birth number and check digit.
struct Candidate {
    date: String,
    rest: String,
    /// A plus sign between them: more than a hundred years old, where the date has no century.
    plus: bool,
}

impl Candidate {
    fn years(&self) -> Vec<u16> {
        let number = |digits: &str| digits.parse::<u16>().expect("a candidate holds digits only");
        match self.date.len() {
            8 => vec![number(&self.date[..4])],
            _ if self.plus => vec![1800 + number(&self.date[..2]), 1900 + number(&self.date[..2])],
            _ => vec![1900 + number(&self.date[..2]), 2000 + number(&self.date[..2])],
        }
    }

    /// Month and day without century, with 60 taken from the day of a coordination number.
    fn month_and_day(&self) -> (u8, u8) {
        let at = self.date.len() - 4;
        let number = |digits: &str| digits.parse::<u8>().expect("a candidate holds digits only");
        let day = number(&self.date[at + 2..]);
        (number(&self.date[at..at + 2]), if day > 60 { day - 60 } else { day })
    }

    fn ten_digits(&self) -> String {
        format!("{}{}", &self.date[self.date.len() - 6..], self.rest)
    }

    /// Whether date and check digit are right, so that a person could hold the number.
    fn looks_real(&self) -> bool {
        let (month, day) = self.month_and_day();
        let dated = self.years().iter().any(|year| (1800..2100).contains(year) && is_date(*year, month, day));
        dated && luhn_remainder(&self.ten_digits()) == 0
    }

    fn is_harmless(&self) -> bool {
        let birth_number = &self.rest[..3];
        if birth_number == "000" || ALLOWED.contains(&self.ten_digits().as_str()) {
            return true;
        }
        let born_long_ago = self.plus && self.date.len() == 6;
        let mut years = self.years().into_iter().filter(|year| (1976..=2013).contains(year));
        !born_long_ago && years.any(|year| self.is_published_in(year))
    }

    /// Whether Skatteverket publishes the number as a test number of the birth year, which must be
    /// 1976 to 2013.
    fn is_published_in(&self, year: u16) -> bool {
        let (month, day) = self.month_and_day();
        let birth_number = &self.rest[..3];
        let date = format!("{year}{month:02}{day:02}");
        date.ends_with(&self.date)
            && is_date(year, month, day)
            && matches!(birth_number, "238" | "239")
            && !UNPUBLISHED.contains(&(date.as_str(), birth_number))
    }
}

fn is_date(year: u16, month: u8, day: u8) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=last).contains(&day)
}

/// Sum of the digits with every second doubled, from the first, modulo ten: 0 when the last digit
/// is the right check digit.
fn luhn_remainder(digits: &str) -> u32 {
    let digits = digits.chars().filter_map(|digit| digit.to_digit(10));
    let weighed = digits.zip([2, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight);
    weighed.map(|product| product / 10 + product % 10).sum::<u32>() % 10
}

/// Candidates in a line of text, each with its column counted from 1.
fn candidates(line: &str) -> Vec<(usize, Candidate)> {
    let characters: Vec<char> = line.chars().collect();
    let starts = |at: &usize| {
        let inside_word = *at > 0 && characters[at - 1].is_alphanumeric();
        characters[*at].is_ascii_digit() && !inside_word
    };
    let starts = (0..characters.len()).filter(starts);
    starts.filter_map(|at| candidate(&characters, at).map(|candidate| (at + 1, candidate))).collect()
}

fn candidate(characters: &[char], at: usize) -> Option<Candidate> {
    let run = |from: usize| -> String {
        let rest = characters.get(from..).unwrap_or_default().iter();
        rest.take_while(|character| character.is_ascii_digit()).collect()
    };
    let first = run(at);
    let end = at + first.len();
    let quoted =
        || at > 0 && "\"'`".contains(characters[at - 1]) && characters.get(end) == Some(&characters[at - 1]);
    let split =
        |length: usize| Candidate { date: first[..length].into(), rest: first[length..].into(), plus: false };
    match first.len() {
        12 => Some(split(8)),
        10 if quoted() => Some(split(6)),
        6 | 8 => {
            let separator = characters.get(end).filter(|separator| SEPARATORS.contains(separator))?;
            let rest = run(end + 1);
            let plus = *separator == '+';
            let date = first;
            (rest.len() == 4).then_some(Candidate { date, rest, plus })
        }
        _ => None,
    }
}

/// Where the file holds a number that may be somebody's. The number itself is not repeated.
fn findings(file: &TextFile) -> Vec<String> {
    let lines = file.text.lines().zip(1..);
    let found = lines.flat_map(|(line, number)| candidates(line).into_iter().zip(iter::repeat(number)));
    let real = found.filter(|((_, candidate), _)| candidate.looks_real() && !candidate.is_harmless());
    real.map(|((column, _), number)| format!("{}:{number}:{column}", file.path)).collect()
}

#[test]
fn fixtures_hold_no_number_of_a_person() {
    let findings: Vec<_> = tree::texts().iter().flat_map(findings).collect();
    assert_none(
        &findings,
        "A person may hold the number. Use birth number 000, or a birth date from 1976 to 2013 with \
         birth number 238 or 239 that Skatteverket publishes as a test number.",
    );
}

/// The rule above against the list that it stands for.
#[test]
fn the_rule_agrees_with_the_published_test_numbers() {
    let list = tree::root().join("../shared/data/skatteverket-testpersonnummer.txt");
    let Ok(published) = fs::read_to_string(list) else {
        println!("SKIPPED: foreign input: the list of published test numbers is not on this machine");
        return;
    };
    let mut published: Vec<&str> = published.lines().map(str::trim).collect();
    published.sort_unstable();
    let mut checked = 0;
    for year in 1976..=2013 {
        for (month, day) in (1..=12).flat_map(|month| (1..=31).map(move |day| (month, day))) {
            if !is_date(year, month, day) {
                continue;
            }
            for birth_number in ["238", "239"] {
                let number = with_check_digit(&format!("{year}{month:02}{day:02}"), birth_number);
                let (_, candidate) = candidates(&number).remove(0);
                let listed = published.binary_search(&number.as_str()).is_ok();
                assert_eq!(
                    candidate.is_harmless(),
                    listed,
                    "{year}-{month}-{day}, birth number {birth_number}"
                );
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 2 * 13_880);
}

/// A whole number, made here so that none stands in the source.
fn with_check_digit(date: &str, birth_number: &str) -> String {
    let open = format!("{date}{birth_number}0");
    let remainder = luhn_remainder(&open[open.len() - 10..]);
    format!("{date}{birth_number}{}", (10 - remainder) % 10)
}

/// `number` with `separator` before its last four digits.
fn parted(number: &str, separator: char) -> String {
    let (date, rest) = number.split_at(number.len() - 4);
    format!("{date}{separator}{rest}")
}

#[test]
fn numbers_that_a_person_could_hold_are_found() {
    let long = with_check_digit("19550315", "123");
    let short = long[2..].to_owned();
    let coordination = with_check_digit("19850175", "238");
    let unpublished = with_check_digit("19891220", "238");
    let aged = parted(&with_check_digit("900203", "238"), '+');
    let mut wrong = vec![long.clone(), coordination, unpublished.clone(), aged, format!("\"{short}\"")];
    wrong.extend(SEPARATORS.map(|separator| parted(&long, separator)));
    wrong.extend(SEPARATORS.map(|separator| parted(&short, separator)));
    wrong.push(parted(&unpublished[2..], '-'));
    for (at, number) in wrong.iter().enumerate() {
        let file = TextFile::sample("a.csv", format!("id;pnr\n1;{number};x\n"));
        let column = if number.starts_with('"') { 4 } else { 3 };
        assert_eq!(findings(&file), [format!("a.csv:2:{column}")], "sample {at} was let through");
    }
}

#[test]
fn harmless_numbers_pass() {
    let good = with_check_digit("19900203", "238");
    let mut right = vec![
        with_check_digit("19550315", "000"),
        parted(&with_check_digit("550315", "000"), '+'),
        with_check_digit("19850175", "000"),
        parted(&good, '-'),
        parted(&good[2..], '-'),
        format!("\"{}\"", &good[2..]),
        with_check_digit("20130203", "239"),
        "191212121212".to_owned(),
        with_check_digit("19550231", "123"),
        with_check_digit("19550315", "123").split_off(2),
        format!("{}0", with_check_digit("19550315", "123")),
        format!("a{}", with_check_digit("19550315", "123")),
    ];
    right.push(good);
    for (at, number) in right.iter().enumerate() {
        let file = TextFile::sample("a.csv", format!("id;pnr\n1;{number};x\n"));
        assert_eq!(findings(&file), Vec::<String>::new(), "sample {at} was refused");
    }
}

#[test]
fn dates_know_their_leap_years() {
    assert!(is_date(2000, 2, 29) && is_date(2012, 2, 29) && !is_date(1900, 2, 29) && !is_date(2011, 2, 29));
    assert!(is_date(2013, 12, 31) && !is_date(2013, 11, 31) && !is_date(2013, 13, 1) && !is_date(2013, 1, 0));
}
