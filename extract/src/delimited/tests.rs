mod hostile;

use bron_mappings::{Batch, CsvDialect};
use proptest::prelude::*;

use super::*;
use crate::ledger::{BROKEN_ROW, DUPLICATE_FILE, TableLedger};
use crate::source::UnreadableRow;

fn dialect(name: &str, encoding: &str, quoting: bool, crlf: bool) -> CsvDialect {
    CsvDialect { quoting, crlf, ..CsvDialect::new(name, encoding, b';') }
}

/// A table `besok` with the columns id;anm;tid and GPS in old files; `anm` is free text.
fn system(dialects: Vec<CsvDialect>) -> System {
    let columns = ["id", "anm", "tid", "gps"].map(str::to_owned).to_vec();
    let table = CsvTable {
        optional: vec!["gps".to_owned()],
        free_text: Some("anm".to_owned()),
        same_delivery: vec!["period".to_owned()],
        ..CsvTable::new("besok", "besok_{period}_{utforare}.csv", columns)
    };
    System::of_files(vec![table], dialects, std::collections::BTreeMap::new())
}

fn plain() -> System {
    system(vec![dialect("v1", "utf-8", false, false)])
}

fn quoted_system() -> System {
    system(vec![dialect("v1", "utf-8", true, true)])
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

pub(super) struct Outcome {
    batches: Vec<Batch>,
    pub(super) ledger: TableLedger,
    pub(super) unreadable: Vec<UnreadableRow>,
}

impl Outcome {
    fn column(&self, name: &str) -> Vec<Option<String>> {
        let cells = self.batches.iter().map(|batch| batch.cells_named(name).unwrap());
        cells.flat_map(|cells| (0..cells.len()).map(move |row| cells.text(row).map(str::to_owned))).collect()
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.column(name).into_iter().map(|text| text.unwrap_or("NULL".to_owned())).collect()
    }

    pub(super) fn bad_lines(&self) -> Vec<u64> {
        self.unreadable.iter().map(|row| row.line).collect()
    }
}

pub(super) fn read_with(dir: &Path, system: &System, batch_rows: usize) -> Result<Outcome, Error> {
    let mut source = CsvSource::open(dir, system)?;
    let table = source.tables()?.remove(0);
    let mut reader = source.read(&table, batch_rows)?;
    let (mut batches, mut unreadable) = (Vec::new(), Vec::new());
    while let Some(batch) = reader.next() {
        batches.push(batch.map_err(Error::from_reader)?);
        unreadable.extend(reader.take_unreadable());
    }
    unreadable.extend(reader.take_unreadable());
    let ledger = reader.ledger();
    assert!(ledger.is_balanced());
    Ok(Outcome { batches, ledger, unreadable })
}

fn read_one(system: &System, text: &[u8]) -> Result<Outcome, Error> {
    let dir = folder(&[("besok_2015_a.csv", text)]);
    read_with(dir.path(), system, 1000)
}

fn refused(system: &System, text: &[u8]) -> (ErrorKind, String) {
    let error = read_one(system, text).err().expect("the file is refused");
    (error.kind(), error.to_string())
}

#[test]
fn rows_carry_where_they_come_from() {
    let dir = folder(&[
        ("besok_202001_b.csv", "\u{feff}tid;anm;id\r\n08:00;Åsa ;7\r\n".as_bytes()),
        ("besok_201501_a.csv", b"id;anm;tid;gps\r\n1;\xe5 \xf6;;59\r\n2;;x;\r\n"),
        (".DS_Store", b"x"),
    ]);
    let mut old = dialect("gammal", "windows-1252", false, true);
    old.until = Some("201912".to_owned());
    let found = read_with(dir.path(), &system(vec![old, dialect("ny", "utf-8", true, true)]), 1000).unwrap();
    assert_eq!(found.texts("id"), ["1", "2", "7"]);
    assert_eq!(found.texts("anm"), ["å ö", "", "Åsa "]);
    assert_eq!(found.texts("tid"), ["", "x", "08:00"]);
    assert_eq!(found.texts("gps"), ["59", "", "NULL"]);
    assert_eq!(found.texts("_fil"), ["besok_201501_a.csv", "besok_201501_a.csv", "besok_202001_b.csv"]);
    assert_eq!(found.texts("_rad"), ["2", "3", "2"]);
    assert_eq!(found.texts("_dialekt"), ["gammal", "gammal", "ny"]);
    assert_eq!(found.texts("_period"), ["201501", "201501", "202001"]);
    assert_eq!(found.texts("_utforare"), ["a", "a", "b"]);
    assert_eq!(found.texts("_lagad"), ["NULL", "NULL", "NULL"]);
    assert_eq!((found.ledger.read, found.ledger.staged), (3, 3));
    assert_eq!(found.ledger.files.iter().map(|file| file.rows).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn surplus_fields_go_back_into_the_free_text() {
    for system in [plain(), system(vec![dialect("v1", "utf-8", true, false)])] {
        let found = read_one(&system, b"id;anm;tid\n1;a;b;;c;08\n2;ok;09\n;;;\n").unwrap();
        assert_eq!(found.texts("anm"), ["a;b;;c", "ok", ";"]);
        assert_eq!(found.texts("tid"), ["08", "09", ""]);
        assert_eq!(found.texts("_lagad"), ["D68", "NULL", "D68"]);
        assert_eq!(found.ledger.repaired[BROKEN_ROW], 2);
        assert_eq!(found.ledger.repaired_at[1].line, 4);
    }
}

#[test]
fn a_broken_line_is_joined_within_the_free_text() {
    for system in [plain(), system(vec![dialect("v1", "utf-8", true, false)])] {
        let found = read_one(&system, b"id;anm;tid\n1;first\n\nlast;08\n2;ok;09\n3;\n;10\n").unwrap();
        assert_eq!(found.texts("anm"), ["first\n\nlast", "ok", "\n"]);
        assert_eq!(found.texts("tid"), ["08", "09", "10"]);
        assert_eq!(found.texts("_rad"), ["2", "5", "6"]);
        assert_eq!((found.ledger.read, found.ledger.staged, found.ledger.repaired[BROKEN_ROW]), (3, 3, 2));
    }
}

#[test]
fn what_has_no_single_reading_is_kept_aside() {
    // In order: too short without a rest, a break outside the free text, a stray rest, a lone blank line.
    let text = b"id;anm;tid;gps\n1;cut\n2;ok;08;x\n3;a;09\n;y\n\n4;ok;10;z\n5\n";
    let found = read_one(&plain(), text).unwrap();
    assert_eq!(found.texts("id"), ["2", "4"]);
    assert_eq!(found.bad_lines(), [2, 4, 5, 6, 8]);
    assert_eq!(found.unreadable[0].raw, b"1;cut\n");
    assert_eq!(found.ledger.quarantined[BROKEN_ROW], 5);
    assert_eq!((found.ledger.read, found.ledger.staged), (7, 2));
    assert_eq!(found.ledger.quarantined_at[4].line, 8);
}

#[test]
fn without_a_free_text_nothing_is_repaired() {
    let mut system = plain();
    system.csv[0].free_text = None;
    let found = read_one(&system, b"id;anm;tid\n1;a;b;08\n2;a\nb;09\n3;ok;10\n").unwrap();
    assert_eq!((found.texts("id"), found.bad_lines()), (vec!["3".to_owned()], vec![2, 3, 4]));
}

#[test]
fn a_whole_row_is_never_the_rest_of_another() {
    let mut system = plain();
    system.csv[0].free_text = Some("id".to_owned());
    let found = read_one(&system, b"id;anm;tid\nstray\n1;a;08\n").unwrap();
    assert_eq!((found.texts("id"), found.bad_lines()), (vec!["1".to_owned()], vec![2]));
}

#[test]
fn quoted_fields_follow_the_rules_of_quoting() {
    let text = "id;anm;tid\r\n\"1\";\"a;\"\"b\"\"\r\n\nc\";08\r\n2;\"\";\"x\"\r\n3;5\" rör;09\r\n";
    let found = read_one(&quoted_system(), text.as_bytes()).unwrap();
    assert_eq!(found.texts("anm"), ["a;\"b\"\r\n\nc", "", "5\" rör"]);
    assert_eq!(found.texts("_lagad"), ["NULL", "NULL", "NULL"]);
    assert_eq!(found.texts("_rad"), ["2", "5", "6"]);
}

#[test]
fn stray_quotation_marks_are_text_in_the_free_text_and_nowhere_else() {
    let text = "id;anm;tid\r\n1;\"open;08\r\n2;\"a \"b\" c\";09\r\n3;\"x;y;\"10\"\r\n\"4;ok;11\r\n\
                5;\"first\r\nlast;12\r\n6;ok;\"13\r\n";
    let found = read_one(&quoted_system(), text.as_bytes()).unwrap();
    assert_eq!(found.texts("id"), ["1", "2", "3", "5"]);
    assert_eq!(found.texts("anm"), ["\"open", "a \"b\" c", "\"x;y", "\"first\nlast"]);
    assert_eq!(found.texts("tid"), ["08", "09", "10", "12"]);
    assert_eq!(found.ledger.repaired[BROKEN_ROW], 4);
    assert_eq!(found.bad_lines(), [5, 8]);
}

#[test]
fn nul_bytes_and_spaces_are_kept() {
    let found = read_one(&plain(), b"id;anm;tid\n 1 ;\0\t;\r\n").unwrap();
    assert_eq!(
        (found.texts("id"), found.texts("anm"), found.texts("tid")),
        (vec![" 1 ".into()], vec!["\0\t".into()], vec!["\r".into()])
    );
}

#[test]
fn a_file_delivered_twice_is_read_once() {
    let text = b"id;anm;tid\n1;a;08\nbroken\n2;a;09\n";
    let other = b"id;anm;tid\n3;a;08\n";
    let dir = folder(&[("besok_2015_a.csv", text), ("besok_2015_b.csv", other), ("besok_2015_c.csv", text)]);
    let found = read_with(dir.path(), &plain(), 1000).unwrap();
    assert_eq!(found.texts("id"), ["1", "2", "3"]);
    assert_eq!(found.ledger.excluded[DUPLICATE_FILE], 3);
    assert_eq!((found.ledger.read, found.ledger.staged), (7, 3));
    assert_eq!(found.ledger.files[2].same_as.as_deref(), Some("besok_2015_a.csv"));
    assert_eq!(found.bad_lines(), [3]);
}

#[test]
fn two_senders_may_say_the_same() {
    let text = b"id;anm;tid\n1;a;08\n";
    let dir = folder(&[("besok_2015_a.csv", text), ("besok_2015_b.csv", text)]);
    let mut system = plain();
    system.csv[0].same_delivery.clear();
    let found = read_with(dir.path(), &system, 1000).unwrap();
    assert_eq!(found.texts("id"), ["1", "1"]);
    assert!(found.ledger.excluded.is_empty());
}

#[test]
fn a_snapshot_that_says_the_same_in_another_period_is_read() {
    let text = b"id;anm;tid\n1;a;08\n";
    let dir = folder(&[("besok_2014_a.csv", text), ("besok_2015_a.csv", text), ("besok_2015_b.csv", text)]);
    let found = read_with(dir.path(), &plain(), 1000).unwrap();
    assert_eq!(found.texts("id"), ["1", "1"]);
    assert_eq!(found.ledger.excluded[DUPLICATE_FILE], 1);
}

#[test]
fn bytes_that_do_not_fit_the_encoding_stop_before_the_first_row() {
    let latin = system(vec![dialect("v1", "windows-1252", false, false)]);
    let (kind, text) = refused(&plain(), b"id;anm;tid\n1;\xc3\xa5;08\n2;\xe5;09\n");
    assert_eq!(kind, ErrorKind::Encoding);
    assert!(
        text.contains("besok_2015_a.csv") && text.contains("line 3, column 3 (byte offset 21)"),
        "{text}"
    );
    for bytes in ["\u{feff}id;anm;tid\n", "id;anm;tid\n1;å;\n"] {
        let (kind, text) = refused(&latin, bytes.as_bytes());
        assert!(kind == ErrorKind::Encoding && text.contains("wrong encoding"), "{text}");
    }
    assert_eq!(read_one(&latin, b"id;anm;tid\n1;a;\n").unwrap().texts("id"), ["1"]);
    // A damaged value does not make a file UTF-8.
    assert_eq!(read_one(&latin, b"id;anm;tid\n1;\xc3\xa5;\xe5\n").unwrap().texts("anm"), ["Ã¥"]);
    let hebrew = system(vec![dialect("v1", "iso-8859-8", false, false)]);
    let (kind, text) = refused(&hebrew, b"id;anm;tid\n1;\xa1;\n");
    assert!(kind == ErrorKind::Encoding && text.contains("line 2, column anm"), "{text}");
}

#[test]
fn a_file_without_an_end_is_truncated() {
    for (bytes, line) in [
        (&b""[..], "line 1"),
        (b"\xEF\xBB\xBF", "line 1"),
        (b"id;anm;tid", "line 1"),
        (b"id;anm;tid\n1;a;08\n2;b;0", "line 3"),
        (b"id;anm;tid\n1;\xc3", "line 2"),
    ] {
        let (kind, text) = refused(&plain(), bytes);
        assert!(
            kind == ErrorKind::Truncated && text.contains(line) && text.contains("besok_2015_a.csv"),
            "{text}"
        );
    }
}

#[test]
fn another_header_is_drift() {
    for (header, expected) in [
        ("id;anm", "missing columns: tid"),
        ("id;anm;tid;extra", "unknown columns at positions: 4"),
        ("id;anm;Tid", "missing columns: tid; unknown columns at positions: 3"),
        ("id;anm;tid;tid", "column tid stands twice"),
        ("id;anm;tid;", "unknown columns"),
        ("1;Anna Andersson;08:00", "this is not the header of table besok"),
        ("id;anm;tid\r", "CR LF"),
    ] {
        let (kind, text) = refused(&plain(), format!("{header}\n").as_bytes());
        assert!(kind == ErrorKind::Drift && text.contains(expected) && text.contains("line 1"), "{text}");
        assert!(!text.contains("Anna"), "{text}");
    }
}

#[test]
fn a_folder_holds_nothing_but_known_files() {
    let dir = folder(&[("besok_2015_a.csv", b"id;anm;tid\n"), ("ny_2015.csv", b"x"), ("läs mig.txt", b"x")]);
    fs::create_dir(dir.path().join("besok_2015_folder.csv")).unwrap();
    let error = CsvSource::open(dir.path(), &plain()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Drift);
    assert!(error.to_string().ends_with("besok_2015_folder.csv, läs mig.txt, ny_2015.csv"), "{error}");
    let error = CsvSource::open(&dir.path().join("none"), &plain()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Missing);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let dir = folder(&[("besok_2015_a.csv", b"id;anm;tid\n")]);
    let refused = |change: fn(&mut System)| {
        let mut system = plain();
        change(&mut system);
        CsvSource::open(dir.path(), &system).err().unwrap().kind()
    };
    assert_eq!(refused(|system| system.csv[0].files = "besok_{period.csv".to_owned()), ErrorKind::Settings);
    assert_eq!(refused(|system| system.csv[0].files = "besok_{fil}_{x}.csv".to_owned()), ErrorKind::Settings);
    assert_eq!(refused(|system| system.csv.push(system.csv[0].clone())), ErrorKind::Settings);
    assert_eq!(refused(|system| system.dialects[0].until = Some("2014".to_owned())), ErrorKind::Settings);
    assert_eq!(refused(|system| system.dialects[0].encoding = "ebcdic".to_owned()), ErrorKind::Settings);
}

#[test]
fn a_file_that_changes_between_the_passes_may_be_tried_again() {
    let dir = folder(&[("besok_2015_a.csv", b"id;anm;tid\n1;a;08\n")]);
    let mut source = CsvSource::open(dir.path(), &plain()).unwrap();
    source.fingerprint().unwrap();
    fs::write(dir.path().join("besok_2015_a.csv"), b"id;anm;tid\n1;a;08\n2;b;09\n").unwrap();
    let table = source.tables().unwrap().remove(0);
    let error = source.read(&table, 10).unwrap().find_map(Result::err).unwrap();
    let error = Error::from_reader(error);
    assert!(error.kind() == ErrorKind::Busy && error.is_retryable(), "{error}");
    source.fingerprint().unwrap();
    assert_eq!(source.read(&table, 10).unwrap().map(|batch| batch.unwrap().rows()).sum::<usize>(), 2);
}

#[test]
fn the_fingerprint_covers_content_names_and_settings() {
    let print = |dir: &Path, system: &System| CsvSource::open(dir, system).unwrap().fingerprint().unwrap();
    let dir = folder(&[("besok_2015_a.csv", b"id;anm;tid\n1;a;08\n")]);
    let first = print(dir.path(), &plain());
    assert_eq!(print(dir.path(), &plain()), first);
    assert_ne!(print(dir.path(), &system(vec![dialect("v1", "utf-8", true, false)])), first);
    let renamed = folder(&[("besok_2015_b.csv", b"id;anm;tid\n1;a;08\n")]);
    assert_ne!(print(renamed.path(), &plain()), first);
    fs::write(dir.path().join("besok_2015_a.csv"), b"id;anm;tid\n1;a;09\n").unwrap();
    assert_ne!(print(dir.path(), &plain()), first);
}

#[test]
fn only_the_columns_asked_for_are_given() {
    let dir = folder(&[("besok_2015_a.csv", b"id;anm;tid\n1;a;08\n")]);
    let mut source = CsvSource::open(dir.path(), &plain()).unwrap();
    let mut table = source.tables().unwrap().remove(0);
    table.columns.retain(|column| ["_rad", "tid"].contains(&column.name.as_str()));
    let batch = source.read(&table, 10).unwrap().next().unwrap().unwrap();
    assert_eq!(batch.schema().columns().len(), 2);
    assert_eq!(batch.cells(0).text(0), Some("08"));
    table.columns[0].name = "hemlig".to_owned();
    assert_eq!(source.read(&table, 10).err().unwrap().kind(), ErrorKind::Drift);
}

#[test]
fn nothing_but_damage_does_not_pile_up() {
    let text = ["id;anm;tid\n".to_owned(), "x\n".repeat(20_000)].concat();
    let dir = folder(&[("besok_2015_a.csv", text.as_bytes())]);
    let mut source = CsvSource::open(dir.path(), &plain()).unwrap();
    let table = source.tables().unwrap().remove(0);
    let mut reader = source.read(&table, 1000).unwrap();
    let mut sizes = Vec::new();
    while let Some(batch) = reader.next() {
        assert_eq!(batch.unwrap().rows(), 0);
        sizes.push(reader.take_unreadable().len());
    }
    sizes.push(reader.take_unreadable().len());
    assert_eq!(sizes.iter().sum::<usize>(), 20_000);
    assert!(sizes.iter().all(|size| *size <= 4096));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn well_formed_quoted_files_are_read_as_the_csv_crate_writes_them(
        rows in prop::collection::vec(prop::collection::vec("[a;\"åö\n\r ]{0,6}", 3), 0..30),
        batch_rows in 1_usize..12,
    ) {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(b';')
            .quote_style(csv::QuoteStyle::Always)
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        writer.write_record(["id", "anm", "tid"]).unwrap();
        rows.iter().for_each(|row| writer.write_record(row).unwrap());
        let dir = folder(&[("besok_2015_a.csv", &writer.into_inner().unwrap())]);
        let found = read_with(dir.path(), &quoted_system(), batch_rows).unwrap();
        prop_assert_eq!(found.unreadable.len(), 0);
        prop_assert!(found.ledger.repaired.is_empty());
        for (index, name) in ["id", "anm", "tid"].into_iter().enumerate() {
            let expected: Vec<String> = rows.iter().map(|row| row[index].clone()).collect();
            prop_assert_eq!(found.texts(name), expected);
        }
    }

    #[test]
    fn any_bytes_give_rows_or_unreadable_lines_and_lose_nothing(
        lines in prop::collection::vec("[a;\"\r ]{0,9}", 0..40),
        quoting in any::<bool>(),
        crlf in any::<bool>(),
    ) {
        let text = format!("id;anm;tid\n{}", lines.iter().map(|line| format!("{line}\n")).collect::<String>());
        let dir = folder(&[("besok_2015_a.csv", text.as_bytes())]);
        let system = system(vec![dialect("v1", "utf-8", quoting, crlf)]);
        let found = read_with(dir.path(), &system, 7).unwrap();
        let whole = read_with(dir.path(), &system, 1000).unwrap();
        prop_assert_eq!(found.texts("anm"), whole.texts("anm"));
        prop_assert_eq!(found.ledger.read, found.ledger.staged + u64::try_from(found.unreadable.len()).unwrap());
        // Each physical line belongs to exactly one row or is unreadable: they come in order, without a gap.
        let starts = found.texts("_rad").into_iter().map(|line| line.parse::<u64>().unwrap());
        let mut starts: Vec<u64> = starts.chain(found.bad_lines()).collect();
        starts.sort_unstable();
        prop_assert!(starts.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(starts.first().copied(), (!lines.is_empty()).then_some(2));
    }
}
