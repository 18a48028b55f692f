//! No value of any person in what is printed, and in none of the files that are not rows or lists for people: every
//! number, name, address and text about somebody in the city's sources is looked for.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

use bron_extract::MANIFEST_FILE;
use serde_json::Value;

use crate::support::{Project, fresh_city, read_from, run, sqlite, sqlite_rows, walk};

/// The folders of a run that hold rows, which are personal: those that a key seals.
const ROWS: [&str; 8] =
    ["staged", "entities", "rejects", "findings", "quality", "vanished", "altered", "blobs"];
/// What is generated with the sources and says what was planted there.
const TRUTH: &str = "truth.json";

/// Parts of the names of columns whose values are about somebody.
const ABOUT_PEOPLE: [&str; 19] = [
    "pnr",
    "persnr",
    "personnr",
    "gammalt",
    "nytt",
    "namn",
    "name",
    "gata",
    "street",
    "adress",
    "email",
    "epost",
    "tel",
    "text",
    "anmarkning",
    "problem",
    "uppgift",
    "anledning",
    "konto",
];
/// Tables that say what codes and units are called, which is about nobody.
const ABOUT_NOBODY: [&str; 8] =
    ["KODTAB", "NAMND", "ENHET", "VARDENHET", "SOKORD", "unit", "change_log", "DOKUMENT"];

/// The words of a text, in their order.
fn words(text: &str) -> Vec<&str> {
    text.split(|one: char| !one.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

/// The values that are looked for, each as the words it begins with.
pub(crate) struct Canaries(BTreeSet<String>);

/// The words of a value that are looked for. More of a text says nothing more.
const MOST_WORDS: usize = 5;

impl Canaries {
    /// The values about people in the sources of a project.
    pub(crate) fn of(project: &Path) -> Self {
        let legacy = project.join("legacy");
        let mut values = Vec::new();
        for system in ["paraply", "vodok", "schemos", "warna"] {
            values.extend(of_database(&legacy.join(format!("{system}.sqlite"))));
        }
        values.extend(of_files(&legacy.join("paraga")));
        let numbers =
            values.iter().filter(|value| value.len() == 12 && value.bytes().all(|one| one.is_ascii_digit()));
        // A date of birth alone is in many other numbers.
        let short: Vec<String> = numbers.map(|number| number[2..].to_owned()).collect();
        values.extend(short);
        let mappings = walk(&project.join("mappings"));
        let known: Vec<String> = mappings.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        Self::new(values, &known.join("\n"))
    }

    /// Takes the values that are long enough to be told from other words; `known` are texts that name nobody.
    fn new(values: impl IntoIterator<Item = String>, known: &str) -> Self {
        let mut found = BTreeSet::new();
        for value in values {
            let words = words(&value);
            let first = &words[..words.len().min(MOST_WORDS)];
            let told = first.join(" ");
            if told.chars().count() >= 5 && first.iter().any(|word| word.chars().count() >= 4) {
                found.insert(told);
            }
        }
        let mut canaries = Self(found);
        for name in canaries.within(known) {
            canaries.0.remove(&name);
        }
        canaries
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Those that stand in the bytes of a file, between any others: as they lie or in what is packed in them.
    pub(crate) fn within_bytes(&self, bytes: &[u8]) -> BTreeSet<String> {
        let mut by_first: BTreeMap<u8, Vec<&String>> = BTreeMap::new();
        for text in &self.0 {
            by_first.entry(text.as_bytes()[0]).or_default().push(text);
        }
        let mut found = BTreeSet::new();
        for bytes in unpacked(bytes) {
            for at in 0..bytes.len() {
                let texts = by_first.get(&bytes[at]).into_iter().flatten();
                found.extend(texts.filter(|text| bytes[at..].starts_with(text.as_bytes())).copied().cloned());
            }
        }
        found
    }

    /// Those that stand in a text.
    fn within(&self, text: &str) -> BTreeSet<String> {
        let words = words(text);
        let mut found = BTreeSet::new();
        for at in 0..words.len() {
            let mut told = String::new();
            for word in words[at..].iter().take(MOST_WORDS) {
                if !told.is_empty() {
                    told.push(' ');
                }
                told.push_str(word);
                if self.0.contains(&told) {
                    found.insert(told.clone());
                }
            }
        }
        found
    }

    /// Fails, without printing a value, when one stands in a text.
    #[track_caller]
    pub(crate) fn expect_none(&self, place: &str, text: &str) {
        let found = self.within(text);
        let shapes: Vec<String> = found.iter().map(|one| shape(one)).collect();
        assert!(found.is_empty(), "{place} has values of persons: {shapes:?}");
    }
}

/// The bytes of a file, and what is packed in them.
fn unpacked(bytes: &[u8]) -> Vec<Vec<u8>> {
    const PACKED: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    let mut seen = vec![bytes.to_vec()];
    for at in (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&PACKED)) {
        let mut unpacked = Vec::new();
        if let Ok(packed) = zstd::stream::read::Decoder::with_buffer(&bytes[at..]) {
            // What follows the frame is not packed: an error after it says nothing.
            drop(std::io::copy(&mut packed.single_frame(), &mut unpacked));
        }
        seen.push(unpacked);
    }
    seen
}

/// A value with its letters and digits taken away: enough to find where it comes from.
fn shape(value: &str) -> String {
    let masked = value.chars().map(|one| match one {
        one if one.is_ascii_digit() => '9',
        one if one.is_uppercase() => 'X',
        one if one.is_alphabetic() => 'x',
        other => other,
    });
    masked.collect()
}

/// The values about people in a database.
fn of_database(path: &Path) -> Vec<String> {
    let tables = sqlite_rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'");
    let mut values = Vec::new();
    for table in
        tables.into_iter().flatten().flatten().filter(|table| !ABOUT_NOBODY.contains(&table.as_str()))
    {
        let columns = sqlite_rows(path, &format!("SELECT name FROM pragma_table_info('{table}')"));
        for column in columns.into_iter().flatten().flatten() {
            let lower = column.to_lowercase();
            if lower != "namnd" && ABOUT_PEOPLE.iter().any(|part| lower.contains(part)) {
                let query = format!("SELECT DISTINCT CAST(\"{column}\" AS TEXT) FROM \"{table}\"");
                values.extend(sqlite_rows(path, &query).into_iter().flatten().flatten());
            }
        }
    }
    values
}

/// The values about people in a folder of files, as far as their bytes are UTF-8.
fn of_files(folder: &Path) -> Vec<String> {
    let mut values = Vec::new();
    for path in walk(folder) {
        let bytes = std::fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default().trim_start_matches('\u{feff}');
        let separator = if header.contains(';') { ';' } else { '\t' };
        let about: Vec<usize> = header
            .split(separator)
            .enumerate()
            .filter(|(_, name)| ABOUT_PEOPLE.iter().any(|part| name.to_lowercase().contains(part)))
            .map(|(at, _)| at)
            .collect();
        for line in lines {
            let fields: Vec<&str> = line.split(separator).collect();
            let whole = |value: &&&str| !value.contains('\u{fffd}');
            values.extend(
                about.iter().filter_map(|at| fields.get(*at)).filter(whole).map(|one| (*one).to_owned()),
            );
        }
    }
    values
}

/// The text of a file; of a workbook that of all its parts.
pub(crate) fn text_of(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    if path.extension() != Some(OsStr::new("xlsx")) {
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut book = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    for at in 0..book.len() {
        book.by_index(at).unwrap().read_to_string(&mut text).unwrap();
        text.push('\n');
    }
    text
}

/// Whether a file within a project or a run holds rows. A manifest only says how many there are.
pub(crate) fn holds_rows(inside: &Path) -> bool {
    let among_rows = inside.iter().any(|part| ROWS.iter().any(|name| part == OsStr::new(name)));
    among_rows && !inside.ends_with(MANIFEST_FILE)
}

/// The files of a project that are neither rows nor the list of what was planted.
fn evidence(project: &Path) -> Vec<PathBuf> {
    let is_row = |path: &Path| {
        let inside = path.strip_prefix(project).unwrap();
        let kind = path.extension().and_then(OsStr::to_str).unwrap_or_default();
        holds_rows(inside)
            || inside.starts_with("legacy")
            || inside.starts_with("mappings")
            || inside == Path::new(TRUTH)
            || matches!(kind, "sqlite" | "sqlite-wal" | "sqlite-shm")
    };
    walk(project).into_iter().filter(|path| !is_row(path)).collect()
}

struct Scan {
    canaries: Canaries,
    runs: usize,
}

impl Scan {
    /// Runs the program and looks at everything that it prints.
    #[track_caller]
    fn run(&mut self, arguments: &[&str]) -> i32 {
        let ran = run(arguments);
        self.canaries.expect_none(&format!("stdout of {arguments:?}"), &ran.stdout);
        self.canaries.expect_none(&format!("stderr of {arguments:?}"), &ran.stderr);
        self.runs += 1;
        ran.code.expect("no run is killed")
    }

    /// Runs a verb in both forms of output.
    #[track_caller]
    fn both(&mut self, arguments: &[&str]) -> i32 {
        self.run(arguments);
        self.run(&[arguments, &["--output", "json"]].concat())
    }
}

#[test]
fn nobody_is_named_outside_the_rows() {
    let project = fresh_city();
    let mut scan = Scan { canaries: Canaries::of(&project.dir), runs: 0 };
    assert!(scan.canaries.count() > 500, "only {} values to look for", scan.canaries.count());
    let place = project.dir.to_str().unwrap().to_owned();
    for system in ["paraply", "vodok", "schemos", "warna", "paraga", "agresso"] {
        let page = |verb: &str, kind: &str| format!("{place}/{verb}-{system}.{kind}");
        for verb in ["inspect", "profile"] {
            let (html, excel) = (page(verb, "html"), page(verb, "xlsx"));
            let arguments = ["source", verb, system, "--project", &place, "--html", &html, "--excel", &excel];
            assert_eq!(scan.both(&arguments), 0);
        }
        let draft = format!("{place}/draft");
        scan.run(&["mapping", "scaffold", system, "--project", &place, "--system", system, "--out", &draft]);
    }
    scan.run(&["check", "--mappings", &format!("{place}/draft")]);
    for verb in ["check", "extract", "transform", "load", "reconcile"] {
        scan.run(&[verb, "--project", &place]);
    }
    scan.run(&["reconcile", "--project", &place, "--lang", "en", "--testers", "40"]);
    scan.both(&["migrate", "--project", &place]);
    scan.both(&["source", "drift", "paraply", "--project", &place, "--values"]);
    held_back(&mut scan, &place);
    signed(&mut scan, &place);
    damage(&project, &mut scan, &place);
    let files = evidence(&project.dir);
    assert!(files.iter().any(|path| path.ends_with("run.json")) && files.len() > 40, "{} files", files.len());
    for path in files {
        scan.canaries.expect_none(&path.display().to_string(), &text_of(&path));
    }
    assert!(scan.runs > 30);
}

/// Rows that were held back are listed, shown, decided about and run again; what is written of them lies among the
/// evidence.
fn held_back(scan: &mut Scan, place: &str) {
    let list = ["quarantine", "list", "--project", place];
    assert_eq!(scan.both(&list), 0);
    scan.both(&[&list[..], &["--protected", "--all"]].concat());
    let items: Value =
        serde_json::from_str(&run([&list[..], &["--output", "json"]].concat()).stdout).unwrap();
    let items = items["items"].as_array().unwrap();
    assert!(items.len() > 10);
    for item in items {
        assert_eq!(scan.both(&["quarantine", "show", item["id"].as_str().unwrap(), "--project", place]), 0);
    }
    let first = items[0]["id"].as_str().unwrap();
    let decision = ["--decision", "wait", "--person", "Någon", "--role", "roll", "--note", "sett"];
    assert_eq!(scan.both(&[&["quarantine", "decide", first, "--project", place], &decision[..]].concat()), 0);
    for (file, more) in [("beslut.xlsx", &[][..]), ("skyddade.xlsx", &["--protected"])] {
        let book = format!("{place}/{file}");
        assert_eq!(scan.run(&[&["quarantine", "export", &book, "--project", place], more].concat()), 0);
        assert_eq!(scan.both(&["quarantine", "import", &book, "--project", place]), 0);
    }
    scan.both(&["quarantine", "replay", "--project", place]);
}

/// What is signed names nobody but those who sign, nor does the log of all that.
fn signed(scan: &mut Scan, place: &str) {
    scan.both(&["reconcile", "--project", place]);
    let by = ["--person", "Någon", "--role", "roll", "--project", place];
    assert_eq!(scan.run(&[&["signoff", "request", "--area", "EB"], &by[..]].concat()), 0);
    assert_eq!(scan.run(&[&["signoff", "sign", "--area", "EB"], &by[..]].concat()), 0);
    assert_eq!(scan.both(&["signoff", "show", "--project", place]), 0);
    for verb in ["log", "verify", "checkpoint"] {
        assert_eq!(scan.both(&["audit", verb, "--project", place]), 0);
    }
    assert_eq!(scan.run(&[&["audit", "sample", "--seed", "1", "--n", "5"], &by[..]].concat()), 0);
}

/// What goes wrong is said without naming anybody either.
fn damage(project: &Project, scan: &mut Scan, place: &str) {
    let database = project.dir.join("legacy/paraply.sqlite");
    sqlite(
        &database,
        &[
            "DELETE FROM BESLUT WHERE BESL_ID % 3 = 0",
            "UPDATE JOURNAL SET TEXT = TEXT || ' tillagt' WHERE SIGNDAT IS NOT NULL AND SIGNDAT <> ''",
        ],
    );
    let html = format!("{place}/drift.html");
    scan.both(&["source", "drift", "paraply", "--project", place, "--values", "--html", &html]);
    assert_ne!(scan.both(&["migrate", "--project", place]), 0);
    sqlite(&database, &["DROP TABLE HANDL", "ALTER TABLE PERSON RENAME COLUMN ENAMN TO EFTERNAMN"]);
    scan.both(&["source", "drift", "paraply", "--project", place]);
    assert_ne!(scan.both(&["extract", "--project", place]), 0);
    // A file that ends in the middle of a row, and one that is no database.
    let mut files = walk(&project.dir.join("legacy/paraga"));
    files.sort();
    for path in files.iter().take(3) {
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() * 2 / 3]).unwrap();
    }
    scan.run(&["source", "profile", "paraga", "--project", place]);
    let bytes = std::fs::read(&database).unwrap();
    std::fs::write(&database, &bytes[..bytes.len() / 2]).unwrap();
    for verb in ["profile", "inspect"] {
        scan.both(&["source", verb, "paraply", "--project", place]);
    }
    assert_ne!(scan.both(&["migrate", "--project", place]), 0);
    // A server that is not there, by a user with a password.
    std::fs::write(project.dir.join("password"), "hemligt\n").unwrap();
    read_from(
        &project.dir,
        "vodok",
        "address = \"postgres://reader@127.0.0.1:1/vodok\"\npassword = \"file:password\"\nplain_text = true",
    );
    assert_ne!(scan.both(&["extract", "--project", place]), 0);
    std::fs::remove_file(project.dir.join("password")).unwrap();
}

#[test]
fn the_scan_finds_what_is_there() {
    let project = fresh_city();
    let canaries = Canaries::of(&project.dir);
    let number = canaries.0.iter().find(|one| one.len() == 12 && one.bytes().all(|one| one.is_ascii_digit()));
    let planted = format!("error: row {} is wrong", number.unwrap());
    assert_eq!(canaries.within(&planted).len(), 1);
    let street = canaries.0.iter().find(|one| one.contains("gatan ") || one.contains("vägen ")).unwrap();
    assert_eq!(canaries.within(&format!("<td>{street}</td>")).len(), 1);
    let bytes = std::fs::read(project.dir.join("legacy/paraply.sqlite")).unwrap();
    assert!(
        canaries.within(&String::from_utf8_lossy(&bytes)).len() > 20,
        "the rows themselves are full of them"
    );
}
