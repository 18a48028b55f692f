use std::collections::BTreeMap;
use std::fs;

use bron_mappings::{CsvDialect, CsvTable, System};

use super::*;
use crate::delimited::CsvSource;
use crate::ledger::BROKEN_ROW;
use crate::sqlite::SqliteSource;

fn system() -> System {
    let columns = ["id", "anm", "tid"].map(str::to_owned).to_vec();
    let table = CsvTable {
        free_text: Some("anm".to_owned()),
        same_delivery: vec!["period".to_owned()],
        ..CsvTable::new("besök", "besok_{period}.csv", columns)
    };
    let dialect = CsvDialect { quoting: false, crlf: true, ..CsvDialect::new("v1", "windows-1252", b';') };
    System::of_files(vec![table], vec![dialect], BTreeMap::new())
}

/// Two files with repaired and unreadable lines among good ones.
fn deliver(dir: &Path) {
    for (file, first) in [("besok_201501.csv", 0), ("besok_201502.csv", 3000)] {
        let mut bytes = b"id;anm;tid\r\n".to_vec();
        for id in first..first + 2500 {
            match id % 100 {
                7 => bytes.extend_from_slice(format!("{id};a;b;08\r\n").as_bytes()),
                8 => bytes.extend_from_slice(format!("{id};a\r\nb;08\r\n").as_bytes()),
                9 => bytes.extend_from_slice(b"total\r\n"),
                _ => bytes.extend_from_slice(&[format!("{id};").as_bytes(), b"\xe5;09\r\n"].concat()),
            }
        }
        fs::write(dir.join(file), bytes).unwrap();
    }
}

fn stage(source: &mut dyn Source, dir: &Path, batch_rows: usize) -> Result<Staged, Error> {
    let fingerprint = source.fingerprint()?;
    let table = source.tables()?.remove(0);
    let parts = PartOptions { rows_per_part: 1000, row_group_rows: 300, ..PartOptions::default() };
    stage_table(
        source,
        &StageRequest { system: "paraga", table: &table, fingerprint, dir, batch_rows, parts },
    )
}

fn stage_files(from: &Path, dir: &Path, batch_rows: usize) -> Result<Staged, Error> {
    stage(&mut CsvSource::open(from, &system())?, dir, batch_rows)
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries.map(|one| (one.file_name().into_string().unwrap(), fs::read(one.path()).unwrap())).collect()
}

#[test]
fn any_batch_size_stages_the_same_bytes() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    deliver(from.path());
    let expected = to.path().join("65536");
    stage_files(from.path(), &expected, 65_536).unwrap();
    let expected = files(&expected);
    let names: Vec<&str> = expected.keys().map(String::as_str).collect();
    assert_eq!(names[..2], ["manifest.json", "part-00000.parquet"]);
    assert_eq!((names.len(), names[6]), (7, "unreadable-00000.parquet"));
    for batch_rows in [1, 7, 1000] {
        let dir = to.path().join(batch_rows.to_string());
        stage_files(from.path(), &dir, batch_rows).unwrap();
        assert!(files(&dir) == expected, "batches of {batch_rows} rows");
    }
}

#[test]
fn any_batch_size_stages_the_same_bytes_from_a_database() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("legacy.db");
    crate::sqlite::tests::execute(
        &mut crate::sqlite::tests::writer(&path),
        "CREATE TABLE t (ID INTEGER PRIMARY KEY, NAMN TEXT, BILD BLOB);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         INSERT INTO t SELECT i, CASE WHEN i % 500 = 0 THEN x'ff' ELSE 'namn ' || i END, zeroblob(i % 9) FROM n;",
    );
    let mut source = SqliteSource::open(&path).unwrap();
    let dirs = [1, 7, 1000, 65_536].map(|batch_rows| {
        let to = dir.path().join(batch_rows.to_string());
        let staged = stage(&mut source, &to, batch_rows).unwrap();
        assert_eq!((staged.manifest.rows, staged.manifest.unreadable[0].rows), (2994, 6));
        files(&to)
    });
    assert!(dirs.iter().all(|other| *other == dirs[0]));
}

#[test]
fn the_manifest_accounts_for_every_row() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    deliver(from.path());
    let staged = stage_files(from.path(), to.path(), 100).unwrap();
    assert!(!staged.reused);
    let manifest = Manifest::load(&to.path().join(MANIFEST_FILE)).unwrap();
    assert_eq!(manifest, staged.manifest);
    let ledger = manifest.ledger.clone().unwrap();
    assert_eq!((ledger.read, ledger.staged, manifest.rows), (5000, 4950, 4950));
    assert_eq!((ledger.quarantined[BROKEN_ROW], ledger.repaired[BROKEN_ROW]), (50, 100));
    assert_eq!(
        manifest.parts.iter().map(|part| part.rows).collect::<Vec<_>>(),
        [1000, 1000, 1000, 1000, 950]
    );
    let rows: usize = manifest.read(to.path(), None, 300).unwrap().map(|batch| batch.unwrap().rows()).sum();
    assert_eq!(rows, 4950);
    let schema = unreadable_schema();
    let lines = crate::parts::read_parts(to.path(), &schema, &manifest.unreadable, None, 100).unwrap();
    let batch = lines.map(Result::unwrap).next().unwrap();
    // The repaired row with the number 8 takes up two lines of the file.
    assert_eq!((batch.rows(), batch.cells(1).int(0)), (50, Some(12)));
    assert_eq!(batch.cells(4).value(0), Some(Value::Bytes(b"total\r\n")));
    let text = manifest.to_json();
    assert!(!text.contains("total"), "a manifest carries no value");
}

#[test]
fn a_finished_table_is_kept_and_a_changed_one_is_made_anew() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    deliver(from.path());
    let first = stage_files(from.path(), to.path(), 100).unwrap();
    fs::write(to.path().join(".tmp-part-00003.parquet"), b"half").unwrap();
    let again = stage_files(from.path(), to.path(), 7).unwrap();
    assert!(again.reused && again.manifest == first.manifest);
    assert!(!to.path().join(".tmp-part-00003.parquet").exists());

    fs::remove_file(to.path().join("part-00002.parquet")).unwrap();
    let rebuilt = stage_files(from.path(), to.path(), 7).unwrap();
    assert!(!rebuilt.reused && rebuilt.manifest == first.manifest);

    fs::remove_file(from.path().join("besok_201502.csv")).unwrap();
    let less = stage_files(from.path(), to.path(), 7).unwrap();
    assert!(!less.reused && less.manifest.parts.len() == 3);
    assert!(!to.path().join("part-00004.parquet").exists(), "parts of the earlier source are gone");
}

#[test]
fn a_run_that_ends_early_leaves_no_manifest_and_is_finished_by_the_next() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    deliver(from.path());
    let expected = stage_files(from.path(), to.path(), 100).unwrap().manifest;
    let good = fs::read(from.path().join("besok_201502.csv")).unwrap();
    fs::write(from.path().join("besok_201502.csv"), b"id;anm;fel\r\n").unwrap();
    let error = stage_files(from.path(), to.path(), 100).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Drift);
    assert!(!to.path().join(MANIFEST_FILE).exists());
    fs::write(from.path().join("besok_201502.csv"), good).unwrap();
    assert_eq!(stage_files(from.path(), to.path(), 100).unwrap().manifest, expected);
}

#[test]
fn names_become_safe_directories() {
    let dir = table_dir(Path::new("/run"), "paraga", "../besök 1");
    assert_eq!(dir, Path::new("/run/staged/paraga/%2E%2E%2Fbes%C3%B6k%201"));
}

#[test]
fn a_table_is_taken_over_from_where_it_was_staged_from_the_same_source() {
    let (deliveries, staged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    deliver(deliveries.path());
    let mut source = CsvSource::open(deliveries.path(), &system()).unwrap();
    let first = staged.path().join("first");
    let made = stage(&mut source, &first, 64).unwrap();
    let table = source.tables().unwrap().remove(0);
    let second = staged.path().join("second");
    let parts = PartOptions { rows_per_part: 1000, row_group_rows: 300, ..PartOptions::default() };
    let request = |fingerprint, dir| StageRequest {
        system: "paraga",
        table: &table,
        fingerprint,
        dir,
        batch_rows: 64,
        parts: parts.clone(),
    };
    let fingerprint = source.fingerprint().unwrap();
    assert!(adopt_table(&request(fingerprint, &second), &first).unwrap());
    assert_eq!(Manifest::load(&second.join(MANIFEST_FILE)).unwrap(), made.manifest);
    assert!(stage(&mut source, &second, 64).unwrap().reused);
    let other = staged.path().join("other");
    assert!(!adopt_table(&request(Digest::of(b"another"), &other), &first).unwrap());
    assert!(!other.exists());
}
