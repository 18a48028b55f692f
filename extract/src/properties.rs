//! What holds for every input, however broken it is.
//!
//! Each function takes bytes that nobody has looked at, and panics when one of its promises is broken. The tests call
//! them with the seeds under `tests/cases/fuzz/` and with inputs that are made up; the targets under `extract/fuzz/`
//! call them for as long as somebody lets them run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bron_mappings::{Cells, ControlField, ControlLine, CsvDialect, CsvTable, LinePlace, System};

use crate::charset::Charset;
use crate::damage::Damage;
use crate::delimited::{CsvSource, SniffedFolder, described_tables};
use crate::error::{Error, ErrorKind};
use crate::ledger::TableLedger;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::source::{Source, UnreadableRow};

/// The file that [`delimited`] and [`sniffed`] write into their folder.
const FILE: &str = "besok_2015_a.csv";
const HEADER: &[u8] = b"id;anm;tid\n";
const ENCODINGS: [&str; 6] = ["utf-8", "windows-1252", "cp850", "cp437", "iso646-se", "iso-8859-8"];

/// A delimited file is read to its end or refused, the same way whatever the size of a batch; its ledger adds up,
/// each of its lines is part of one row or kept aside byte for byte, and without quotation the fields of a row are its
/// lines, byte for byte.
///
/// The first byte of `input` chooses the dialect, the others are the file. `folder` is written to.
///
/// # Panics
/// When one of this does not hold, or the folder cannot be written to.
pub fn delimited(folder: &Path, input: &[u8]) {
    let Some((choice, body)) = input.split_first() else { return };
    let choice = Choice::new(*choice);
    let file = if choice.header { [HEADER, body].concat() } else { body.to_vec() };
    fs::write(folder.join(FILE), &file).expect("the folder can be written to");
    let system = choice.system();
    let whole = read(folder, &system, 1000);
    for batch_rows in [1, 3] {
        assert_eq!(read(folder, &system, batch_rows), whole, "the size of a batch counts");
    }
    if let Ok(found) = whole {
        found.check_ledger();
        let end = u64::from(choice.last_line);
        found.check_lines(&file, choice.header.then_some(&choice), end);
    }
}

/// What the first byte of an input says.
struct Choice {
    encoding: &'static str,
    quoting: bool,
    crlf: bool,
    free_text: bool,
    last_line: bool,
    header: bool,
}

impl Choice {
    fn new(byte: u8) -> Self {
        Self {
            encoding: ENCODINGS[usize::from(byte & 7) % ENCODINGS.len()],
            quoting: byte & 8 != 0,
            crlf: byte & 16 != 0,
            free_text: byte & 32 != 0,
            last_line: byte & 64 != 0,
            header: byte & 128 == 0,
        }
    }

    fn system(&self) -> System {
        let columns = ["id", "anm", "tid"].map(str::to_owned).to_vec();
        let table = CsvTable {
            free_text: self.free_text.then(|| "anm".to_owned()),
            ..CsvTable::new("besok", "besok_{period}_{utforare}.csv", columns)
        };
        let (quoting, crlf) = (self.quoting, self.crlf);
        let dialect = CsvDialect { quoting, crlf, ..CsvDialect::new("v1", self.encoding, b';') };
        let mut system = System::of_files(vec![table], vec![dialect], BTreeMap::new());
        if self.last_line {
            let fields = ["S", "{rows}", "{sum:tid}"].map(ControlField::parse);
            system.control_lines.push(ControlLine {
                table: "besok".to_owned(),
                place: LinePlace::Last,
                fields: fields.into_iter().flatten().collect(),
                from: None,
                until: None,
            });
        }
        system
    }

    fn charset(&self) -> Charset {
        Charset::named(self.encoding).expect("every encoding of the list is known")
    }
}

/// A table that was read to its end.
#[derive(Debug, PartialEq)]
struct Found {
    rows: Vec<FoundRow>,
    unreadable: Vec<UnreadableRow>,
    ledger: TableLedger,
}

#[derive(Debug, PartialEq)]
struct FoundRow {
    line: u64,
    /// The values of id, anm and tid.
    fields: [String; 3],
}

fn read(folder: &Path, system: &System, batch_rows: usize) -> Result<Found, (ErrorKind, String)> {
    read_to_end(folder, system, batch_rows).map_err(|error| (error.kind(), error.to_string()))
}

fn read_to_end(folder: &Path, system: &System, batch_rows: usize) -> Result<Found, Error> {
    let mut source = CsvSource::open(folder, system)?;
    let table = source.tables()?.remove(0);
    let mut reader = source.read(&table, batch_rows)?;
    let (mut rows, mut unreadable) = (Vec::new(), Vec::new());
    while let Some(batch) = reader.next() {
        let batch = batch.map_err(Error::from_reader)?;
        let column = |name: &str| batch.cells_named(name).expect("the table has its columns");
        let columns = ["id", "anm", "tid"].map(column);
        let lines = column("_rad");
        let text = |cells: &Cells<'_>, row: usize| cells.text(row).unwrap_or_default().to_owned();
        for row in 0..batch.rows() {
            let line = text(&lines, row).parse().expect("a line has a number");
            rows.push(FoundRow { line, fields: columns.each_ref().map(|cells| text(cells, row)) });
        }
        unreadable.extend(reader.take_unreadable());
    }
    unreadable.extend(reader.take_unreadable());
    Ok(Found { rows, unreadable, ledger: reader.ledger() })
}

impl Found {
    fn check_ledger(&self) {
        let Self { rows, unreadable, ledger } = self;
        let count = |length: usize| u64::try_from(length).expect("an input is small");
        assert!(ledger.is_balanced());
        assert_eq!(ledger.staged, count(rows.len()));
        assert_eq!(ledger.quarantined.values().sum::<u64>(), count(unreadable.len()));
        assert_eq!(ledger.files.iter().map(|file| file.rows).sum::<u64>(), ledger.read);
    }

    /// Every line but the first, and but `last` at the end, belongs to one row or is kept aside.
    fn check_lines(&self, file: &[u8], choice: Option<&Choice>, last: u64) {
        let lines: Vec<&[u8]> = file.split_inclusive(|byte| *byte == b'\n').collect();
        let end = u64::try_from(lines.len()).expect("an input is small") - last;
        let kept = self.unreadable.iter().map(|row| (row.line, None));
        let mut starts: Vec<(u64, Option<&FoundRow>)> =
            self.rows.iter().map(|row| (row.line, Some(row))).chain(kept).collect();
        starts.sort_by_key(|(line, _)| *line);
        let mut next = 2;
        for (place, (line, row)) in starts.iter().enumerate() {
            assert_eq!(*line, next, "a line belongs to nothing, or to two rows");
            next = starts.get(place + 1).map_or(end + 1, |(line, _)| *line);
            let lines = &lines[index(*line)..index(next)];
            match (row, choice) {
                (None, _) => {
                    assert_eq!(next, line + 1, "a line after one that was kept aside belongs to nothing");
                }
                (Some(row), Some(choice)) => row.check(lines, choice),
                (Some(_), None) => {}
            }
        }
        assert_eq!(next, end + 1, "lines at the end belong to nothing");
        for row in &self.unreadable {
            assert_eq!(row.raw, lines[index(row.line)], "a line was kept aside otherwise than it is");
        }
    }
}

/// The place of a 1-based line.
fn index(line: u64) -> usize {
    usize::try_from(line).expect("an input is small") - 1
}

impl FoundRow {
    /// What the lines say is what the fields say.
    fn check(&self, lines: &[&[u8]], choice: &Choice) {
        let end: &[u8] = if choice.crlf { b"\r\n" } else { b"\n" };
        let text =
            lines.iter().map(|line| line.strip_suffix(end).or(line.strip_suffix(b"\n")).unwrap_or(line));
        let text = text.collect::<Vec<_>>().join(&b'\n');
        let text = choice.charset().decode(&text).expect("the text of a row was decoded before").into_owned();
        let fields = self.fields.join(";");
        if choice.quoting {
            let bare = |text: &str| text.replace(['"', '\r', '\n'], "");
            assert_eq!(bare(&fields), bare(&text), "something was lost or made up");
        } else {
            assert_eq!(fields, text, "something was lost or made up");
        }
    }
}

/// Bytes are decoded to their end or not at all, the same way whether at once or in two pieces; an encoding with one
/// byte per character gives a character for each, and UTF-8 is what the standard says.
///
/// The first byte of `input` chooses the encoding.
///
/// # Panics
/// When one of this does not hold.
pub fn charset(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    let charset = Charset::named(ENCODINGS[usize::from(*choice) % ENCODINGS.len()]).expect("it is known");
    let text = charset.decode(bytes);
    if let Some(text) = &text {
        Damage::default().see(bytes, text, charset);
    }
    if charset.is_utf8() {
        assert_eq!(text.as_deref(), std::str::from_utf8(bytes).ok());
        return;
    }
    let (left, right) = bytes.split_at(bytes.len() / 2);
    let pieces =
        charset.decode(left).zip(charset.decode(right)).map(|(left, right)| left.into_owned() + &right);
    assert_eq!(text.as_deref(), pieces.as_deref());
    if let Some(text) = text {
        assert_eq!(text.chars().count(), bytes.len());
        for (byte, one) in bytes.iter().zip(text.chars()) {
            assert!(!charset.keeps(*byte) || one == char::from(*byte), "a separator became a letter");
        }
    }
}

/// A folder with a file that nobody has described is judged and read to its end, or refused; the verdict names columns
/// that differ, and the ledgers add up. `folder` is written to.
///
/// # Panics
/// When one of this does not hold, or the folder cannot be written to.
pub fn sniffed(folder: &Path, input: &[u8]) {
    fs::write(folder.join(FILE), input).expect("the folder can be written to");
    let Ok(mut source) = SniffedFolder::open(folder) else { return };
    let columns = &source.verdicts()[0].columns;
    let different: std::collections::BTreeSet<&String> = columns.iter().collect();
    assert_eq!(different.len(), columns.len());
    for table in source.tables().expect("the tables of an open folder are known") {
        let Ok(mut reader) = source.read(&table, 3) else { continue };
        while let Some(Ok(_)) = reader.next() {
            drop(reader.take_unreadable());
        }
        assert!(reader.ledger().is_balanced());
    }
}

/// A manifest is refused, or comes back from its own text as it was.
///
/// # Panics
/// When this does not hold.
pub fn manifest(input: &[u8]) {
    let path = Path::new(MANIFEST_FILE);
    if let Ok((manifest, _)) = Manifest::parse(path, input) {
        let text = manifest.to_json();
        let (again, _) = Manifest::parse(path, text.as_bytes()).expect("a manifest reads what it wrote");
        assert_eq!(again, manifest);
        assert_eq!(again.to_json(), text);
    }
}

/// A system file is refused with its mistakes at places in the text, or describes tables; files are then found by it or
/// it is refused as senseless. `folder` is read.
///
/// # Panics
/// When this does not hold.
pub fn system(folder: &Path, input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (system, found) = System::parse("system.toml", text);
    assert_eq!(system.is_some(), found.is_empty(), "a file is refused without a word");
    for mistake in &found {
        let span = mistake.span.clone();
        assert!(span.start <= span.end && span.end <= text.len(), "a mistake has no place in the text");
    }
    if let Some(system) = system {
        let described = described_tables(&system).map(drop).map_err(|error| error.kind());
        assert!(matches!(described, Ok(()) | Err(ErrorKind::Settings)));
        drop(CsvSource::open(folder, &system));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The seeds of a target: `tests/cases/fuzz/<target>/`.
    fn seeds(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/fuzz").join(target);
        let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort_unstable();
        assert!(paths.len() >= 4, "{target} has {} seeds", paths.len());
        paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
    }

    #[test]
    fn the_seeds_of_every_target_keep_the_promises() {
        let folder = tempfile::tempdir().unwrap();
        seeds("delimited").iter().for_each(|seed| delimited(folder.path(), seed));
        seeds("charset").iter().for_each(|seed| charset(seed));
        seeds("sniffed").iter().for_each(|seed| sniffed(folder.path(), seed));
        seeds("manifest").iter().for_each(|seed| manifest(seed));
        let empty = tempfile::tempdir().unwrap();
        seeds("system").iter().for_each(|seed| system(empty.path(), seed));
    }

    /// A seed with some of its bytes replaced, doubled or gone.
    fn damaged(target: &'static str) -> impl Strategy<Value = Vec<u8>> {
        let edit = (any::<prop::sample::Index>(), 0_u8..3, any::<u8>());
        (prop::sample::select(seeds(target)), prop::collection::vec(edit, 1..6)).prop_map(
            |(mut bytes, edits)| {
                for (place, how, byte) in edits {
                    if bytes.is_empty() {
                        break;
                    }
                    let place = place.index(bytes.len());
                    match how {
                        0 => bytes[place] = byte,
                        1 => bytes.insert(place, bytes[place]),
                        _ => drop(bytes.remove(place)),
                    }
                }
                bytes
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn files_of_separators_and_marks_lose_nothing(
            choice in any::<u8>(),
            body in prop::collection::vec(
                prop::sample::select(b"aS;;;\"\"\n\n\n\r1,\xe5\xc3\xa5 \0".to_vec()),
                0..80,
            ),
        ) {
            let folder = tempfile::tempdir().unwrap();
            delimited(folder.path(), &[vec![choice], body, b"\n".to_vec()].concat());
        }

        #[test]
        fn damaged_files_lose_nothing(input in damaged("delimited")) {
            let folder = tempfile::tempdir().unwrap();
            delimited(folder.path(), &input);
        }

        #[test]
        fn any_bytes_are_decoded_to_their_end_or_not_at_all(
            input in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            charset(&input);
        }

        #[test]
        fn damaged_files_are_judged(input in damaged("sniffed")) {
            let folder = tempfile::tempdir().unwrap();
            sniffed(folder.path(), &input);
        }

        #[test]
        fn a_damaged_manifest_is_refused_or_whole(input in damaged("manifest")) {
            manifest(&input);
        }

        #[test]
        fn a_damaged_system_file_is_refused_at_a_place(input in damaged("system")) {
            let folder = tempfile::tempdir().unwrap();
            system(folder.path(), &input);
        }
    }
}
