//! Files that nobody should have delivered, each with exactly what becomes of it: `tests/cases/hostile/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bron_mappings::{ControlField, ControlLine, CsvDialect, CsvTable, LinePlace, System};
use serde::Deserialize;

use super::{Outcome, read_with};
use crate::damage::DamageKind;
use crate::error::{Error, ErrorKind};
use crate::ledger::BROKEN_ROW;

/// The names of the families and how many files each has at the least.
const FAMILIES: [(&str, usize); 10] = [
    ("encodings", 75),
    ("quotes", 25),
    ("newlines", 18),
    ("headers", 20),
    ("ragged", 20),
    ("delimiters", 12),
    ("contents", 25),
    ("sizes", 8),
    ("controls", 20),
    ("kinds", 14),
];

#[derive(Deserialize)]
struct Family {
    case: Vec<Case>,
}

/// One file. Texts may hold `\n`, `\r`, `\t`, `\0`, `\\`, `\xE5` for a byte, `\u{2028}` for a character, and
/// `\{text*1000}` for a text many times over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What is wrong with the file.
    name: String,
    bytes: String,
    #[serde(default = "file_name")]
    file: String,
    #[serde(default = "encoding")]
    encoding: String,
    #[serde(default = "separator")]
    separator: char,
    #[serde(default)]
    quoting: bool,
    #[serde(default)]
    crlf: bool,
    /// Whether the file itself shows its dialect.
    #[serde(default)]
    sniff: bool,
    /// Whether the table has no column with free text.
    #[serde(default)]
    strict: bool,
    /// The fields of the declared first line.
    #[serde(default)]
    first: Vec<String>,
    /// The fields of the declared last line.
    #[serde(default)]
    last: Vec<String>,
    /// The rows: id, anm and tid, in the order of the file.
    #[serde(default)]
    rows: Vec<[String; 3]>,
    /// The lines that are kept aside.
    #[serde(default)]
    unreadable: Vec<u64>,
    /// The lines where rows begin that were put together again.
    #[serde(default)]
    repaired: Vec<u64>,
    /// The damage of columns, as `2 lost`.
    #[serde(default)]
    damaged: BTreeMap<String, String>,
    /// What control lines say wrongly, as `rows: 3 for 2`.
    #[serde(default)]
    controls: Vec<String>,
    /// The kind of the error, where the file is refused.
    refused: Option<String>,
    /// Words of the error.
    #[serde(default)]
    says: String,
}

fn file_name() -> String {
    "besok_2015_a.csv".to_owned()
}

fn encoding() -> String {
    "utf-8".to_owned()
}

fn separator() -> char {
    ';'
}

fn bytes_of(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (one, after) = escape.split_at(1);
        rest = after;
        match one {
            "n" => bytes.push(b'\n'),
            "r" => bytes.push(b'\r'),
            "t" => bytes.push(b'\t'),
            "0" => bytes.push(0),
            "\\" => bytes.push(b'\\'),
            "x" => {
                bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
                rest = &after[2..];
            }
            "u" => {
                let (code, after) = after.strip_prefix('{').unwrap().split_once('}').unwrap();
                let one = char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap();
                bytes.extend_from_slice(one.to_string().as_bytes());
                rest = after;
            }
            "{" => {
                let (repeated, after) = after.split_once('}').unwrap();
                let (piece, times) = repeated.rsplit_once('*').unwrap();
                bytes.extend(bytes_of(piece).repeat(times.parse().unwrap()));
                rest = after;
            }
            other => panic!("no such escape: {other}"),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn text_of(text: &str) -> String {
    String::from_utf8(bytes_of(text)).unwrap()
}

impl Case {
    fn system(&self) -> System {
        let columns = ["id", "anm", "tid"].map(str::to_owned).to_vec();
        let table = CsvTable {
            free_text: (!self.strict).then(|| "anm".to_owned()),
            same_delivery: vec!["period".to_owned()],
            dialect: self.sniff.then(|| CsvTable::SNIFF.to_owned()),
            ..CsvTable::new("besok", "besok_{period}_{utforare}.csv", columns)
        };
        let separator = u8::try_from(self.separator).unwrap();
        let (quoting, crlf) = (self.quoting, self.crlf);
        let dialect = CsvDialect { quoting, crlf, ..CsvDialect::new("v1", &self.encoding, separator) };
        let mut system = System::of_files(vec![table], vec![dialect], BTreeMap::new());
        for (place, fields) in [(LinePlace::First, &self.first), (LinePlace::Last, &self.last)] {
            if !fields.is_empty() {
                system.control_lines.push(ControlLine {
                    table: "besok".to_owned(),
                    place,
                    fields: fields.iter().map(|text| ControlField::parse(text).unwrap()).collect(),
                    from: None,
                    until: None,
                });
            }
        }
        system
    }

    /// What is wrong with the outcome, as text; nothing when all is as expected.
    fn judge(&self, dir: &Path, batch_rows: usize) -> Result<(), String> {
        match (read_with(dir, &self.system(), batch_rows), &self.refused) {
            (Err(error), None) => Err(format!("refused: {:?}: {error}", error.kind())),
            (Ok(found), None) => self.judge_rows(&found),
            (Ok(_), Some(kind)) => Err(format!("read, though {kind} was expected")),
            (Err(error), Some(kind)) => {
                let kind_found = format!("{:?}", error.kind());
                let said = error.to_string();
                let fits = &kind_found == kind && said.contains(&self.says);
                // What is wrong with a dialect is said without any file.
                let placed = said.contains(&self.file) || said.starts_with("dialect v1: ");
                let retried = error.is_retryable() == (error.kind() == ErrorKind::Busy);
                if fits && placed && retried {
                    Ok(())
                } else {
                    Err(format!("refused otherwise: {kind_found}: {said}"))
                }
            }
        }
    }

    fn judge_rows(&self, found: &Outcome) -> Result<(), String> {
        let columns = ["id", "anm", "tid"].map(|name| found.texts(name));
        let rows = (0..columns[0].len()).map(|row| columns.each_ref().map(|column| column[row].clone()));
        let rows: Vec<[String; 3]> = rows.collect();
        let expected: Vec<[String; 3]> =
            self.rows.iter().map(|row| row.each_ref().map(|text| text_of(text))).collect();
        let short = |rows: &[[String; 3]]| format!("{rows:?}").chars().take(300).collect::<String>();
        check("rows", (rows == expected).then_some(()).ok_or_else(|| short(&rows)))?;
        let same = |what: &str, same: bool, found: String| check(what, same.then_some(()).ok_or(found));
        let bad = found.bad_lines();
        same("unreadable", bad == self.unreadable, format!("{bad:?}"))?;
        let marks = found.texts("_rad").into_iter().zip(found.texts("_lagad"));
        let repaired: Vec<u64> =
            marks.filter(|(_, mark)| mark == BROKEN_ROW).map(|(line, _)| line.parse().unwrap()).collect();
        same("repaired", repaired == self.repaired, format!("{repaired:?}"))?;
        let ledger = &found.ledger;
        let counts =
            [ledger.read, ledger.staged, ledger.files[0].rows].map(|count| usize::try_from(count).unwrap());
        let all = expected.len() + self.unreadable.len();
        same("ledger", counts == [all, expected.len(), all], format!("{ledger:?}"))?;
        let damage = damage_of(found);
        same("damaged", damage == self.damaged, format!("{damage:?}"))?;
        let controls: Vec<String> = ledger.files[0]
            .controls
            .iter()
            .map(|note| {
                let number = |number: &Option<String>| number.clone().unwrap_or("none".to_owned());
                format!("{}: {} for {}", note.what, number(&note.said), number(&note.found))
            })
            .collect();
        same("controls", controls == self.controls, format!("{controls:?}"))
    }
}

fn check(what: &str, found: Result<(), String>) -> Result<(), String> {
    found.map_err(|found| format!("{what}: {found}"))
}

fn damage_of(found: &Outcome) -> BTreeMap<String, String> {
    let words = [
        (DamageKind::Control, "control"),
        (DamageKind::Lost, "lost"),
        (DamageKind::Misread, "misread"),
        (DamageKind::OtherPage, "other_page"),
        (DamageKind::SevenBit, "seven_bit"),
    ];
    let damaged = found.ledger.files[0].damaged.iter().map(|(column, damage)| {
        let counts = words.iter().filter(|(kind, _)| damage.of(*kind) > 0);
        let counts: Vec<String> = counts.map(|(kind, word)| format!("{} {word}", damage.of(*kind))).collect();
        (column.clone(), counts.join(", "))
    });
    damaged.collect()
}

fn family(name: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/hostile");
    let text = fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
    toml::from_str::<Family>(&text).unwrap_or_else(|error| panic!("{name}: {error}")).case
}

/// Every case of a family, in batches of one row and of many; every byte that is kept aside is a byte of the file.
fn run(name: &str) {
    let cases = family(name);
    let mut wrong = Vec::new();
    for case in &cases {
        let dir = tempfile::tempdir().unwrap();
        let bytes = bytes_of(&case.bytes);
        fs::write(dir.path().join(&case.file), &bytes).unwrap();
        let judged = [1, 1000].map(|batch_rows| case.judge(dir.path(), batch_rows));
        wrong.extend(
            judged.into_iter().filter_map(Result::err).map(|problem| format!("{}: {problem}", case.name)),
        );
        if let Ok(found) = read_with(dir.path(), &case.system(), 1000) {
            let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            for row in &found.unreadable {
                assert_eq!(row.raw, lines[usize::try_from(row.line).unwrap() - 1], "{}", case.name);
            }
        }
    }
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

#[test]
fn the_corpus_is_as_large_as_it_should_be() {
    let mut names = std::collections::BTreeSet::new();
    for (name, least) in FAMILIES {
        let cases = family(name);
        assert!(cases.len() >= least, "{name} has {}", cases.len());
        for case in cases {
            assert!(names.insert((name, case.name.clone())), "{name}: {} stands twice", case.name);
            let says_nothing = case.refused.is_some() && case.says.is_empty();
            assert!(!says_nothing, "{name}: {} is refused without a word", case.name);
        }
    }
    assert!(names.len() >= 200, "{} files", names.len());
}

#[test]
fn texts_of_cases_are_bytes() {
    assert_eq!(bytes_of(r"a\xE5\n\u{e5}\{;x*3}\\"), b"a\xe5\n\xc3\xa5;x;x;x\\");
}

macro_rules! families {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })+
    };
}

families! { encodings quotes newlines headers ragged delimiters contents sizes controls kinds }

/// The error of a folder with these files, which are read as the cases are.
fn refused(files: &[(&str, &[u8])], change: fn(&mut System)) -> Error {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let case: Case = toml::from_str("name = \"\"\nbytes = \"\"").unwrap();
    let mut system = case.system();
    change(&mut system);
    read_with(dir.path(), &system, 10).err().expect("the folder is refused")
}

#[test]
fn nothing_is_read_while_a_file_is_on_its_way() {
    let whole: (&str, &[u8]) = ("besok_2015_a.csv", b"id;anm;tid\n1;a;08\n");
    for name in [
        "besok_2015_b.csv.part",
        "besok_2015_b.csv.PARTIAL",
        "besok_2015_b.tmp",
        "besok_2015_b.csv.filepart",
        "besok_2015_b.csv.crdownload",
        "besok_2015_a.csv.lock",
        "besok.lck",
        "besok_2015_b.csv.writing",
    ] {
        let error = refused(&[whole, (name, b"id;anm")], |_| {});
        assert!(error.kind() == ErrorKind::Busy && error.is_retryable(), "{name}: {error}");
        assert!(
            error.to_string().contains(name) && error.to_string().contains("still on its way"),
            "{error}"
        );
    }
    let error = refused(&[whole], |system| system.settled_after = Some(3600));
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("less than 3600 seconds ago"), "{error}");
}
