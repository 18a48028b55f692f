//! The files of ParaGå: parsed again by another reader, with each defect found from the text alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{City, cities};
use crate::Action::{Exclude, Fix, Flag, Norm, Quarantine, Stop};

/// Every kind of file.
const KINDS: [&str; 7] = ["besok", "insats", "kund", "korr", "personal", "franvaro", "kontroll"];

/// A line of a file, split at its separators.
pub(super) struct Line {
    pub(super) file: String,
    pub(super) number: u64,
    /// How many fields the header has.
    width: usize,
    pub(super) fields: Vec<String>,
}

impl Line {
    pub(super) fn key(&self) -> String {
        format!("{}:{}", self.file, self.number)
    }
}

/// The names of the files of one kind, in order.
pub(super) fn files(city: &City, kind: &str) -> Vec<String> {
    let directory = std::fs::read_dir(city.legacy().join("paraga")).unwrap();
    let names = directory.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.filter(|name| name.starts_with(kind)).collect();
    names.into_iter().collect()
}

/// The text of a file, read as its era writes it.
fn text(city: &City, name: &str) -> String {
    let bytes = std::fs::read(city.legacy().join("paraga").join(name)).unwrap();
    match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(utf8) => {
            assert!(&name[name.find('_').unwrap() + 1..][..6] >= "202001");
            String::from_utf8(utf8.to_vec()).unwrap()
        }
        None => encoding_rs::WINDOWS_1252.decode(&bytes).0.into_owned(),
    }
}

fn lines(city: &City, kind: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    for name in files(city, kind) {
        let text = text(city, &name);
        assert!(text.ends_with("\r\n"));
        // The reader counts a line feed to the line after it.
        let text = text.replace("\r\n", "\n");
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader.delimiter(b';').flexible(true).has_headers(false).from_reader(text.as_bytes());
        let mut width = 0;
        for record in reader.into_records() {
            let record = record.unwrap();
            let number = record.position().unwrap().line();
            if number == 1 {
                width = record.len();
                continue;
            }
            let fields = record.iter().map(str::to_owned).collect();
            lines.push(Line { file: name.clone(), number, width, fields });
        }
    }
    lines
}

/// The lines that are whole.
pub(super) fn rows(city: &City, kind: &str) -> Vec<Line> {
    lines(city, kind).into_iter().filter(|line| line.fields.len() == line.width).collect()
}

#[test]
fn every_kind_of_file_has_the_rows_and_lines_that_the_truth_says() {
    for city in cities() {
        for kind in KINDS {
            let name = format!("paraga/{kind}");
            let lines = lines(city, kind);
            assert_eq!(u64::try_from(lines.len()).unwrap(), city.truth.physical_lines[&name]);
            // A row split in two has two lines; whole rows and rows with lost or surplus fields have one.
            let tails = split(&lines).len();
            assert_eq!(u64::try_from(lines.len() - tails).unwrap(), city.truth.rows[&name]);
            let prefix = format!("{name}_");
            let files = city.truth.files.iter().filter(|file| file.path.starts_with(&prefix));
            assert_eq!(files.map(|file| file.rows).sum::<u64>(), city.truth.rows[&name]);
        }
    }
}

/// The first lines of rows that a line break splits: together with the next line they have one field more
/// than the header.
fn split(lines: &[Line]) -> Vec<&Line> {
    let pairs = lines.windows(2).filter(|pair| {
        let both = pair[0].fields.len() + pair[1].fields.len();
        pair[0].file == pair[1].file && both == pair[0].width + 1 && pair[1].fields.len() < pair[1].width
    });
    pairs.map(|pair| &pair[0]).collect()
}

#[test]
fn broken_rows_are_exactly_the_planted_ones() {
    for city in cities() {
        for kind in ["kund", "korr"] {
            let lines = lines(city, kind);
            let split: Vec<String> = split(&lines).into_iter().map(Line::key).collect();
            let surplus = lines.iter().filter(|line| line.fields.len() == line.width + 1).map(Line::key);
            let fixed: Vec<String> = surplus.chain(split.clone()).collect();
            city.expect("D68", kind, Fix, fixed);
            let two_lost = lines.iter().filter(|line| line.fields.len() == line.width - 2);
            let lost: Vec<String> = two_lost.map(Line::key).filter(|key| !split.contains(key)).collect();
            city.expect("D68", kind, Quarantine, lost);
        }
        for kind in ["besok", "insats", "personal", "franvaro", "kontroll"] {
            assert!(lines(city, kind).iter().all(|line| line.fields.len() == line.width));
        }
    }
}

#[test]
fn second_deliveries_are_exactly_the_planted_ones() {
    for city in cities() {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let mut found = Vec::new();
        let mut names = files(city, "besok");
        names.sort_by_key(|name| (name.len(), name.clone()));
        for name in names {
            let text = text(city, &name);
            let rows = text.lines().count() - 1;
            if seen.insert(text, name.clone()).is_some() && rows > 0 {
                found.push(format!("{name}|{rows}"));
            }
        }
        city.expect("D66", "besok", Exclude, found);
    }
}

#[test]
fn eras_have_their_headers_and_dates() {
    for city in cities() {
        for row in rows(city, "besok").iter().filter(|row| !row.file.contains("omsand")) {
            let month = &row.file[6..12];
            assert_eq!(row.width, if month < "201506" { 21 } else { 19 });
            let separator = if month < "202001" { " " } else { "T" };
            assert_eq!(&row.fields[6][10..11], separator);
            let start = row.fields[6].replace('-', "");
            assert_eq!(&start[..6], month, "a visit stays in its month");
            assert!(row.fields[12].is_empty() || month >= "201506", "tags came in June 2015");
        }
    }
}

#[test]
fn insatser_belong_to_visits_of_the_same_file_month() {
    let city = &cities()[0];
    let key = |row: &Line| {
        let (_, rest) = row.file.split_once('_').unwrap();
        (rest.to_owned(), row.fields[0].clone())
    };
    let visits: BTreeSet<_> = rows(city, "besok").iter().map(key).collect();
    let insatser = rows(city, "insats");
    assert!(insatser.iter().all(|row| visits.contains(&key(row))));
}

/// `Personnr` without the formula around it.
fn number(row: &Line) -> &str {
    row.fields[1].trim_start_matches("=\"").trim_end_matches('"')
}

#[test]
fn kund_numbers_are_wrong_exactly_where_planted() {
    for city in cities() {
        let reserve = |number: &str| {
            let day = number[6..8].parse::<u32>().unwrap();
            number.starts_with("99") || number.contains('K') || (32..60).contains(&day)
        };
        let rows = rows(city, "kund");
        let keys = |test: &dyn Fn(&str) -> bool| -> Vec<String> {
            rows.iter().filter(|row| test(number(row))).map(Line::key).collect()
        };
        city.expect("D05", "kund", Norm, keys(&reserve));
        let wrong = |number: &str| {
            let digits = number[2..11].chars().filter_map(|digit| digit.to_digit(10));
            let last = number[11..].parse::<u32>().unwrap();
            !reserve(number) && crate::numbers::check_digit(digits) != last
        };
        city.expect("D01", "kund", Flag, keys(&wrong));
        for row in &rows {
            let private = row.fields[7].trim_start_matches('U').parse::<u32>().unwrap().is_multiple_of(2);
            assert_eq!(row.fields[0] == number(row), private);
        }
    }
}

#[test]
fn spreadsheets_and_hands_spoiled_exactly_the_planted_rows_of_kund() {
    for city in cities() {
        let rows = rows(city, "kund");
        let keys = |test: &dyn Fn(&Line) -> bool| -> Vec<String> {
            rows.iter().filter(|row| test(row)).map(Line::key).collect()
        };
        city.expect(
            "D78",
            "kund",
            Fix,
            keys(&|row| row.fields[6].len() == 3 || number(row) != row.fields[1]),
        );
        city.expect(
            "D26",
            "kund",
            Flag,
            keys(&|row| row.fields[9].len() == 10 && &row.fields[9][5..7] > "12"),
        );
    }
}

#[test]
fn what_is_missing_and_what_does_not_add_up_is_in_the_trial_only() {
    for city in cities() {
        let delivered = |kind: &str| -> BTreeSet<String> {
            let names = files(city, kind).into_iter().filter(|name| !name.contains("omsand"));
            names.map(|name| name.split_once('_').unwrap().1.to_owned()).collect()
        };
        let kund = delivered("kund");
        let missing = ["besok", "insats"].iter().flat_map(|kind| {
            let there = delivered(kind);
            kund.iter().filter(move |name| !there.contains(*name)).map(move |name| format!("{kind}_{name}"))
        });
        city.expect("D67", "besok", Stop, missing.collect());
        let minutes = sums(city, "insats", |row| row.fields[4].parse().unwrap());
        let visits = sums(city, "besok", |_| 1);
        let mut disputed = Vec::new();
        let mut held = BTreeSet::new();
        for row in rows(city, "kontroll") {
            let place = row.file.split_once('_').unwrap().1;
            assert_eq!(place, format!("{}_{}.csv", row.fields[0], row.fields[1]));
            let sum = |sums: &BTreeMap<String, u64>| sums.get(place).copied().unwrap_or(0).to_string();
            if sum(&visits) != row.fields[2] || sum(&minutes) != row.fields[3] {
                disputed.push(row.key());
                held.insert(format!("besok_{place}"));
            }
        }
        city.expect("D69", "kontroll", Stop, disputed);
        let besok = rows(city, "besok");
        let held = besok.iter().filter(|row| held.contains(&row.file)).map(Line::key);
        let held: Vec<String> = held.collect();
        for defect in city.truth.defects.iter().filter(|defect| defect.table == "besok" && defect.id != "D69")
        {
            assert!(held.iter().all(|key| !defect.keys.contains(key)), "{} in a row held back", defect.id);
        }
        city.expect("D69", "besok", Stop, held);
    }
}

/// What the rows of a kind add up to, by period and utförare.
fn sums(city: &City, kind: &str, value: impl Fn(&Line) -> u64) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for row in rows(city, kind) {
        *sums.entry(row.file.split_once('_').unwrap().1.to_owned()).or_default() += value(&row);
    }
    sums
}
