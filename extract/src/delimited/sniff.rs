//! How files that nobody has described may be read: a verdict with what it rests on.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use bron_mappings::{CsvDialect, CsvTable, Digest, DigestBuilder, System};
use serde::Serialize;

use super::fields::{FieldSpan, Quotes, Record, Shape, split};
use super::scan::{BYTE_ORDER_MARK, START, other_kind};
use super::{CsvSource, arrived};
use crate::charset::Charset;
use crate::error::{Error, ErrorKind};
use crate::profile::Shape as Looks;
use crate::selection::no_table;
use crate::source::{Consistency, Source, TableReader, TableSchema};
use crate::span::{Batching, Span};

/// A file is judged by its beginning, this many bytes.
const SAMPLE: u64 = 1 << 20;
/// Lines whose fields are counted.
const LINES: usize = 500;
/// The most digits of a name of a column that is a number, such as a year.
const LONGEST_NUMBER: usize = 4;
/// The most digits in any other name: a day has as many as eight, a person number more.
const MOST_DIGITS: usize = 7;
/// The name of a dialect that a file shows itself.
const SNIFFED: &str = "gissad";
const SEPARATORS: [u8; 4] = [b';', b'\t', b',', b'|'];

/// How one file may be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sniffed {
    /// The name of the file.
    pub file: String,
    /// The encoding, as a dialect names it.
    pub encoding: String,
    /// The bytes outside ASCII that are Swedish letters in this encoding, of all such bytes. None of none when
    /// there is only ASCII, in which most encodings are the same.
    pub letters: Share,
    /// The character between fields.
    pub separator: char,
    /// The lines that have as many fields as the first, of all that were looked at.
    pub lines: Share,
    /// Whether fields are quoted.
    pub quoting: bool,
    /// Whether lines end with CR LF.
    pub crlf: bool,
    /// Whether the file begins with a byte order mark.
    pub bom: bool,
    /// The names in the first line.
    pub columns: Vec<String>,
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The part.
    pub found: u64,
    /// The whole.
    pub of: u64,
}

impl Share {
    /// Whether nine in ten or more were found.
    #[must_use]
    pub fn is_convincing(self) -> bool {
        self.found * 10 >= self.of * 9
    }

    fn text(self) -> String {
        format!("{}/{}", self.found, self.of)
    }
}

/// A folder of files that nobody has described. Every table is read as the verdict on its files says.
///
/// Files whose names differ in parts with digits only, and that have the same columns and dialect, are one table.
/// Hidden files are passed over.
pub struct SniffedFolder {
    verdicts: Vec<Sniffed>,
    tables: Vec<(String, CsvSource)>,
}

impl SniffedFolder {
    /// Looks at every file of a folder.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] when there is no such folder, [`ErrorKind::Settings`] when it holds no file,
    /// [`ErrorKind::Drift`] when the first line of a file does not name columns, and those of [`CsvSource::open`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let files = arrived(folder)?.into_iter().filter(|(_, path)| path.is_file());
        let verdicts = files.map(|(name, path)| sniff(name, &path)).collect::<Result<Vec<_>, _>>()?;
        if verdicts.is_empty() {
            return Err(Error::new(ErrorKind::Settings, format!("{} holds no files", folder.display())));
        }
        let names: BTreeSet<&str> = verdicts.iter().map(|one| one.file.as_str()).collect();
        let tables = groups(&verdicts).into_iter().map(|group| {
            let mine: BTreeSet<&str> = group.iter().map(|one| one.file.as_str()).collect();
            let system = system(&group, names.difference(&mine).copied());
            Ok((system.csv[0].name.clone(), CsvSource::open(folder, &system)?))
        });
        let tables = tables.collect::<Result<Vec<_>, Error>>()?;
        Ok(Self { tables, verdicts })
    }

    /// How each file was taken, by name.
    #[must_use]
    pub fn verdicts(&self) -> &[Sniffed] {
        &self.verdicts
    }
}

/// The files that are one table each, in the order of their first.
fn groups(verdicts: &[Sniffed]) -> Vec<Vec<&Sniffed>> {
    let mut groups: Vec<Vec<&Sniffed>> = Vec::new();
    for file in verdicts {
        match groups.iter_mut().find(|group| group.iter().all(|other| other.is_like(file))) {
            Some(group) => group.push(file),
            None => groups.push(vec![file]),
        }
    }
    // A pattern that also fits the files of another kind cannot stand for one of them.
    let of_pattern = |wanted: &str| groups.iter().filter(|group| pattern(&group[0].file) == wanted).count();
    let apart = groups.iter().map(|group| {
        if of_pattern(&pattern(&group[0].file)) > 1 {
            group.iter().map(|file| vec![*file]).collect()
        } else {
            vec![group.clone()]
        }
    });
    apart.flatten().collect()
}

/// The system of which these files are the only table.
fn system<'n>(group: &[&Sniffed], others: impl Iterator<Item = &'n str>) -> System {
    // In a file of nothing but ASCII most encodings look alike; another file settles it.
    let first = group.iter().find(|file| file.letters.of > 0).unwrap_or(&group[0]);
    let (name, files) = match group {
        [alone] => (stem(&alone.file).to_owned(), alone.file.clone()),
        several => {
            let pattern = pattern(&several[0].file);
            let literal = stem(&pattern).split('_').filter(|part| !part.starts_with('{'));
            (literal.collect::<Vec<_>>().join("_"), pattern)
        }
    };
    let table = CsvTable::new(&name, &files, first.columns.clone());
    let ignored = others.map(|other| (stem(other).to_owned(), String::new())).collect();
    let quoting = group.iter().any(|file| file.quoting);
    System::of_files(vec![table], vec![CsvDialect { quoting, ..first.dialect(SNIFFED) }], ignored)
}

fn stem(file: &str) -> &str {
    file.split_once('.').map_or(file, |(stem, _)| stem)
}

/// The name of a file with a capture for each part that holds digits.
fn pattern(file: &str) -> String {
    let (stem, end) = file.split_at(stem(file).len());
    let part = |(place, part): (usize, &str)| {
        if part.contains(|one: char| one.is_ascii_digit()) {
            format!("{{del{place}}}")
        } else {
            part.to_owned()
        }
    };
    stem.split('_').enumerate().map(part).collect::<Vec<_>>().join("_") + end
}

impl Sniffed {
    /// The way in which the file was written, as a dialect of this name.
    #[must_use]
    pub fn dialect(&self, name: &str) -> CsvDialect {
        CsvDialect {
            quoting: self.quoting,
            crlf: self.crlf,
            bom: self.bom,
            ..CsvDialect::new(name, &self.encoding, u8::try_from(self.separator).unwrap_or(b';'))
        }
    }

    /// The dialect, when nine in ten letters and lines bear it out.
    pub(super) fn certain_dialect(&self, path: &Path) -> Result<CsvDialect, Error> {
        if self.is_convincing() {
            return Ok(self.dialect(SNIFFED));
        }
        let Self { encoding, separator, quoting, crlf, .. } = self;
        let problem = format!(
            "{}: its dialect is not sure ({}): look at the file and declare a [[dialect]] for it in system.toml, \
             perhaps encoding = \"{encoding}\", separator = {separator:?}, quoting = {quoting}, crlf = {crlf}, \
             and name it as `dialect` of the table",
            path.display(),
            self.grounds()
        );
        Err(Error::new(ErrorKind::Settings, problem))
    }

    /// Whether nine in ten letters and lines bear the verdict out.
    #[must_use]
    pub fn is_convincing(&self) -> bool {
        self.letters.is_convincing() && self.lines.is_convincing()
    }

    /// The verdict and what it rests on, in one line.
    #[must_use]
    pub fn grounds(&self) -> String {
        let Self { encoding, separator, letters, lines, quoting, crlf, bom, .. } = self;
        let quoted = if *quoting { ", quoted" } else { "" };
        let end = if *crlf { "CR LF" } else { "LF" };
        let mark = if *bom { ", byte order mark" } else { "" };
        let (letters, lines) = (letters.text(), lines.text());
        format!(
            "{encoding}, fields between {separator:?}{quoted}, {end}{mark}; letters {letters}, lines {lines}"
        )
    }

    /// Whether two files can be parts of one table.
    fn is_like(&self, other: &Self) -> bool {
        let encoding = self.encoding == other.encoding || self.letters.of == 0 || other.letters.of == 0;
        let mut dialect = other.dialect(SNIFFED);
        dialect.encoding.clone_from(&self.encoding);
        dialect.quoting = self.quoting;
        let same = self.columns == other.columns && encoding && self.dialect(SNIFFED) == dialect;
        same && pattern(&self.file) == pattern(&other.file) && pattern(&self.file) != self.file
    }
}

/// Looks at the beginning of a file.
pub(super) fn sniff(file: String, path: &Path) -> Result<Sniffed, Error> {
    let mut sample = Vec::new();
    let read = File::open(path).and_then(|open| open.take(SAMPLE).read_to_end(&mut sample));
    let count = read.map_err(|error| Error::reading(path, error))?;
    if let Some(kind) = other_kind(&sample[..sample.len().min(START)]) {
        return Err(Error::new(ErrorKind::Encoding, format!("{}: this is {kind}", path.display())));
    }
    let bom = sample.starts_with(BYTE_ORDER_MARK);
    let text = if bom { &sample[BYTE_ORDER_MARK.len()..] } else { &sample[..] };
    let whole = u64::try_from(count).is_ok_and(|count| count < SAMPLE);
    let (encoding, letters) = encoding_of(text, bom, whole);
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').take(LINES + 1).collect();
    // The last piece is empty, or the beginning of a line.
    lines.pop();
    let crlf = !lines.is_empty() && lines.iter().all(|line| line.ends_with(b"\r"));
    let lines: Vec<&[u8]> = lines.into_iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
    let (separator, share, quoting) = separator_of(&lines);
    let charset = Charset::named(encoding).expect("a verdict names a known encoding");
    let columns = lines.first().and_then(|line| header(line, separator, charset));
    let columns = columns.ok_or_else(|| {
        let problem = format!("{}, line 1: the first line does not name columns", path.display());
        Error::new(ErrorKind::Drift, problem)
    })?;
    let encoding = encoding.to_owned();
    let separator = char::from(separator);
    Ok(Sniffed { file, encoding, letters, separator, lines: share, quoting, crlf, bom, columns })
}

/// The encoding in which most bytes outside ASCII are Swedish letters.
fn encoding_of(text: &[u8], bom: bool, whole: bool) -> (&'static str, Share) {
    const ONE_BYTE: [(&str, &[u8]); 2] = [
        ("windows-1252", b"\xe5\xe4\xf6\xc5\xc4\xd6\xe9\xc9\xfc\xdc"),
        ("cp850", b"\x86\x84\x94\x8f\x8e\x99\x82\x90\x81\x9a"),
    ];
    let high: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii()).collect();
    let of = u64::try_from(high.len()).unwrap_or(u64::MAX);
    // A sample may end within a character.
    let is_utf8 = match std::str::from_utf8(text) {
        Ok(_) => true,
        Err(error) => !whole && error.error_len().is_none(),
    };
    if is_utf8 && (bom || of > 0) {
        return ("utf-8", Share { found: of, of });
    }
    if of == 0 {
        let letters = seven_bit_letters(text);
        let encoding = if letters.is_convincing() && letters.found > 0 { "iso646-se" } else { "utf-8" };
        return (encoding, if encoding == "utf-8" { Share { found: 0, of: 0 } } else { letters });
    }
    let count = |letters: &[u8]| {
        let found = high.iter().filter(|byte| letters.contains(byte)).count();
        u64::try_from(found).unwrap_or(u64::MAX)
    };
    let [web, page] = ONE_BYTE.map(|(name, letters)| (name, Share { found: count(letters), of }));
    if page.1.found > web.1.found { page } else { web }
}

/// Brackets and bars with a letter on both sides, of all brackets and bars.
fn seven_bit_letters(text: &[u8]) -> Share {
    let mut share = Share { found: 0, of: 0 };
    for around in text.windows(3) {
        if matches!(around[1], b'{' | b'}' | b'|' | b'[' | b']' | b'\\') {
            let beside = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'{' | b'}' | b'|');
            share.of += 1;
            share.found += u64::from(beside(around[0]) && beside(around[2]));
        }
    }
    share
}

/// The separator by which most lines have as many fields as the first, and more than one.
fn separator_of(lines: &[&[u8]]) -> (u8, Share, bool) {
    let of = u64::try_from(lines.len()).unwrap_or(u64::MAX);
    let judged = SEPARATORS.map(|separator| {
        let mut spans: Vec<FieldSpan> = Vec::new();
        let (mut width, mut found, mut quoted) = (0, 0, false);
        for (place, line) in lines.iter().enumerate() {
            let shape = split(line, separator, true, &mut spans);
            if place == 0 {
                width = spans.len();
            }
            found += u64::from(shape == Shape::Regular && spans.len() == width);
            quoted |= spans.iter().any(|span| span.quotes == Quotes::Around);
        }
        let found = if width > 1 { found } else { 0 };
        (found, width, separator, quoted)
    });
    let best = judged.into_iter().max_by_key(|(found, width, ..)| (*found, *width));
    best.map_or((b';', Share { found: 0, of }, false), |(found, _, separator, quoted)| {
        // With one column there is nothing to separate, and every line fits.
        let found = if found == 0 { of } else { found };
        (separator, Share { found, of }, quoted)
    })
}

/// The names of the columns, when the first line says them. A line that looks like a row is none: what stands in it may
/// be about a person, and names of columns are shown to everybody.
fn header(line: &[u8], separator: u8, charset: Charset) -> Option<Vec<String>> {
    let mut spans = Vec::new();
    split(line, separator, true, &mut spans);
    let mut record = Record::default();
    spans.iter().for_each(|span| record.push(line, span));
    let names = (0..spans.len()).map(|index| charset.decode(record.field(index)).map(Cow::into_owned));
    let names: Vec<String> = names.collect::<Option<_>>()?;
    let different: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let are_names = different.len() == names.len() && names.iter().all(|name| can_be_a_name(name));
    are_names.then_some(names)
}

/// Whether a column can be called so: not what looks like a day, a number of a person or an amount.
fn can_be_a_name(text: &str) -> bool {
    match Looks::of(text) {
        Looks::Word | Looks::Text => {
            !text.contains('@') && text.bytes().filter(u8::is_ascii_digit).count() <= MOST_DIGITS
        }
        Looks::WholeNumber => text.len() <= LONGEST_NUMBER,
        Looks::Blank
        | Looks::SentinelDate
        | Looks::Date
        | Looks::CompactDate
        | Looks::Moment
        | Looks::Time
        | Looks::Personnummer
        | Looks::Samordningsnummer
        | Looks::OtherIdentifier
        | Looks::Organisationsnummer
        | Looks::DecimalPoint
        | Looks::DecimalComma
        | Looks::Markup
        | Looks::Bytes => false,
    }
}

impl Source for SniffedFolder {
    fn tables(&mut self) -> Result<Vec<TableSchema>, Error> {
        let tables = self.tables.iter_mut().map(|(_, source)| source.tables());
        Ok(tables.collect::<Result<Vec<_>, _>>()?.concat())
    }

    fn fingerprint(&mut self) -> Result<Digest, Error> {
        let mut digest = DigestBuilder::new("bron.source.sniffed.1");
        for (name, source) in &mut self.tables {
            digest.part(name.as_bytes()).part(source.fingerprint()?.as_bytes());
        }
        Ok(digest.finish())
    }

    /// Only where all files of the folder are in one encoding.
    fn character_sets(&mut self, table: &TableSchema) -> Result<BTreeMap<String, String>, Error> {
        let encodings: BTreeSet<&str> = self.verdicts.iter().map(|one| one.encoding.as_str()).collect();
        let Some(only) = encodings.first().filter(|_| encodings.len() == 1) else {
            return Ok(BTreeMap::new());
        };
        Ok(table.columns.iter().map(|column| (column.name.clone(), (*only).to_owned())).collect())
    }

    fn consistency(&self) -> Consistency {
        Consistency::Point { how: "content of files", at: String::new() }
    }

    fn read_span<'a>(
        &'a mut self,
        table: &TableSchema,
        span: &Span,
        batching: Batching,
    ) -> Result<Box<dyn TableReader + 'a>, Error> {
        let found = self.tables.iter_mut().find(|(name, _)| name == &table.name);
        let (_, source) = found.ok_or_else(|| no_table("the folder", &table.name))?;
        source.read_span(table, span, batching)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::reading::read;

    fn folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Result<SniffedFolder, Error>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
        let opened = SniffedFolder::open(dir.path());
        (dir, opened)
    }

    #[test]
    fn a_first_line_that_looks_like_a_row_names_no_columns() {
        for row in
            ["19990104-0000;Anna;Storgatan 1", "1;2024-01-31;x", "7;anna@example.org", "1;2,50;x", "12345;x"]
        {
            let (_dir, opened) = folder(&[("a.csv", format!("{row}\n{row}\n").as_bytes())]);
            let error = opened.err().unwrap().to_string();
            assert!(
                !row.split(';').filter(|field| field.len() > 3).any(|field| error.contains(field)),
                "{error}"
            );
        }
        let (_dir, opened) = folder(&[("a.csv", b"id;2014;belopp i kr\n1;2;3\n")]);
        assert_eq!(opened.unwrap().verdicts()[0].columns.len(), 3);
    }

    #[test]
    fn a_dialect_is_found_with_what_it_rests_on() {
        let cases: [(&[u8], &str, char, bool); 6] = [
            (b"id;namn\r\n1;\xc5sa\r\n2;\xd6rn\r\n", "windows-1252", ';', true),
            (b"id\tnamn\n1\t\x8fsa\n2\t\x99rn\n", "cp850", '\t', false),
            ("id,namn\n1,\"Åsa, Örn\"\n".as_bytes(), "utf-8", ',', false),
            (b"id;namn\n1;H}kan Bj|rk\n", "iso646-se", ';', false),
            (b"\xef\xbb\xbfid|namn\n1|Eva\n", "utf-8", '|', false),
            (b"id\n1\n", "utf-8", ';', false),
        ];
        for (bytes, encoding, separator, crlf) in cases {
            let (_dir, opened) = folder(&[("a.csv", bytes)]);
            let opened = opened.unwrap();
            let [found] = opened.verdicts() else { panic!("one file") };
            let facts = (found.encoding.as_str(), found.crlf, found.lines.is_convincing());
            assert_eq!(facts, (encoding, crlf, true), "{encoding}");
            assert!(found.columns.len() == 1 || found.separator == separator, "{encoding}");
            assert!(found.letters.is_convincing(), "{encoding}");
        }
    }

    #[test]
    fn monthly_files_are_one_table_and_are_read_whole() {
        let (_dir, opened) = folder(&[
            ("besok_201401_U01.csv", b"id;anm\n1;a\n"),
            ("besok_201402_U01.csv", b"id;anm\n2;\"\xe5;\xe4\"\n3;c\n"),
            ("kund.csv", b"id\tnamn\n1\tEva\n"),
        ]);
        let mut source = opened.unwrap();
        let names: Vec<String> = source.tables().unwrap().into_iter().map(|table| table.name).collect();
        assert_eq!(names, ["besok", "kund"]);
        let texts = read(&mut source, "besok", 10).unwrap().texts(1);
        assert_eq!(texts, ["a", "å;ä", "c"].map(|text| Some(text.to_owned())));
        assert_eq!(read(&mut source, "kund", 10).unwrap().texts(1), [Some("Eva".to_owned())]);
    }

    #[test]
    fn files_of_one_name_and_two_kinds_stay_apart() {
        let (_dir, opened) =
            folder(&[("b_1.csv", b"id;x\n1;2\n"), ("b_2.csv", b"id;x\n1;2\n"), ("b_3.csv", b"id,x\n1,2\n")]);
        let names: Vec<String> =
            opened.unwrap().tables().unwrap().into_iter().map(|table| table.name).collect();
        assert_eq!(names, ["b_1", "b_2", "b_3"]);
    }

    #[test]
    fn a_first_line_that_names_nothing_is_refused() {
        for bytes in [&b"id;;x\n1;2;3\n"[..], b"id;id\n1;2\n", b""] {
            let (_dir, opened) = folder(&[("a.csv", bytes)]);
            assert_eq!(opened.err().unwrap().kind(), ErrorKind::Drift);
        }
        let (_dir, opened) = folder(&[]);
        assert_eq!(opened.err().unwrap().kind(), ErrorKind::Settings);
    }
}
