pub(crate) mod resuming;

use std::collections::BTreeMap;
use std::fs;

use bron_mappings::{CsvDialect, CsvTable, System};

use super::*;
use crate::delimited::CsvSource;
use crate::keys::RunKey;
use crate::ledger::BROKEN_ROW;
use crate::parts::read_parts;
use crate::parts::tests::files;
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

#[test]
fn any_batch_size_stages_the_same_bytes() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    deliver(from.path());
    let expected = to.path().join("65536");
    stage_files(from.path(), &expected, 65_536).unwrap();
    let expected = files(&expected);
    let names: Vec<&str> = expected.keys().map(String::as_str).collect();
    assert_eq!(names[..2], ["manifest.json", "part-00000.parquet"]);
    assert_eq!(
        (names.len(), names[6], names[10]),
        (11, "unreadable-00000.parquet", "unreadable-00004.parquet")
    );
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
        let unreadable: Vec<u64> = staged.manifest.unreadable.iter().map(|part| part.rows).collect();
        assert_eq!((staged.manifest.rows, unreadable), (2994, vec![2, 2, 2]));
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
    let lines = read_parts(to.path(), &schema, &manifest.unreadable, None, 100).unwrap();
    let batch = lines.map(Result::unwrap).next().unwrap();
    // The repaired row with the number 8 takes up two lines of the file.
    assert_eq!(batch.cells(1).int(0), Some(12));
    assert_eq!(manifest.unreadable.iter().map(|part| part.rows).sum::<u64>(), 50);
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
    let before = StagedBefore { dir: &first, vault: None };
    assert!(adopt_table(&request(fingerprint, &second), before).unwrap());
    assert_eq!(Manifest::load(&second.join(MANIFEST_FILE)).unwrap(), made.manifest);
    assert!(stage(&mut source, &second, 64).unwrap().reused);
    let other = staged.path().join("other");
    assert!(!adopt_table(&request(Digest::of(b"another"), &other), before).unwrap());
    assert!(!other.exists());
}

#[test]
fn reading_files_goes_on_behind_every_part() {
    let from = tempfile::tempdir().unwrap();
    deliver(from.path());
    // The same content in another month is read, in the same month it would be left out.
    fs::copy(from.path().join("besok_201501.csv"), from.path().join("besok_201503.csv")).unwrap();
    let open = || -> Box<dyn Source + Send> {
        let mut source = CsvSource::open(from.path(), &system()).unwrap();
        source.fingerprint().unwrap();
        Box::new(source)
    };
    resuming::check(&open, "besök", "", 700, 1);
}

fn stage_as(dir: &Path, from: &Path, fingerprint: &[u8]) -> Result<Staged, Error> {
    stage_within(None, dir, from, fingerprint)
}

fn stage_within(vault: Option<&Vault>, dir: &Path, from: &Path, fingerprint: &[u8]) -> Result<Staged, Error> {
    let mut source = CsvSource::open(from, &system())?;
    let table = source.tables()?.remove(0);
    let vault = vault.cloned();
    let parts = PartOptions { rows_per_part: 1000, row_group_rows: 300, vault, ..PartOptions::default() };
    let fingerprint = Digest::of(fingerprint);
    let request = StageRequest { system: "paraga", table: &table, fingerprint, dir, batch_rows: 64, parts };
    stage_table(&mut source, &request)
}

/// Stages up to the middle of the second file, and makes the files whole again.
fn stage_half(dir: &Path, from: &Path) {
    stage_half_within(None, dir, from);
}

fn stage_half_within(vault: Option<&Vault>, dir: &Path, from: &Path) {
    let second = from.join("besok_201502.csv");
    let good = fs::read(&second).unwrap();
    fs::write(&second, b"id;anm;fel\r\n").unwrap();
    stage_within(vault, dir, from, b"x").unwrap_err();
    fs::write(&second, good).unwrap();
}

#[test]
fn what_a_sealed_run_finished_is_sealed_and_counts_only_as_the_run_wrote_it() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    deliver(from.path());
    let vault = Vault::sealed(to.path(), "r", RunKey::new([1; 32]));
    let dir = to.path().join("expected");
    let expected = stage_within(Some(&vault), &dir, from.path(), b"x").unwrap().manifest;
    for is_forged in [false, true] {
        let dir = to.path().join(is_forged.to_string());
        stage_half_within(Some(&vault), &dir, from.path());
        let part = || fs::read(dir.join("part-00000.parquet")).unwrap();
        let before = part();
        let file = "progress-00000.json";
        let stored = fs::read(dir.join(file)).unwrap();
        let text = String::from_utf8(vault.open(&dir, file, stored.clone()).unwrap()).unwrap();
        assert!(String::from_utf8_lossy(&stored).find("part-").is_none() && text.contains("\"D68\""));
        if is_forged {
            fs::write(dir.join(file), text.replace("\"D68\"", "\"D66\"")).unwrap();
        }
        let whole = stage_within(Some(&vault), &dir, from.path(), b"x").unwrap().manifest;
        assert_eq!(part() != before, is_forged, "each sealing gives other bytes");
        assert_eq!((whole.content, whole.ledger), (expected.content, expected.ledger.clone()));
    }
}

/// The last file of a kind. How many steps of the journal there are depends on how soon each part was whole.
fn last_named(dir: &Path, prefix: &str) -> Option<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(prefix)).max()
}

#[test]
fn what_was_finished_and_then_damaged_is_made_anew() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    deliver(from.path());
    let expected = to.path().join("expected");
    stage_as(&expected, from.path(), b"x").unwrap();
    let expected = files(&expected);
    for damage in ["part-00001", "progress-", "mark-", "unreadable-00000"] {
        let dir = to.path().join(damage);
        stage_half(&dir, from.path());
        let damaged = dir.join(last_named(&dir, damage).unwrap());
        let mut bytes = fs::read(&damaged).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        fs::write(&damaged, bytes).unwrap();
        stage_as(&dir, from.path(), b"x").unwrap();
        assert!(files(&dir) == expected, "{damage}");
    }
}

#[test]
fn a_step_that_says_something_else_in_good_json_counts_for_nothing() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    deliver(from.path());
    let [expected, dir] = ["expected", "damaged"].map(|name| to.path().join(name));
    stage_as(&expected, from.path(), b"x").unwrap();
    stage_half(&dir, from.path());
    let step = dir.join("progress-00000.json");
    let text = fs::read_to_string(&step).unwrap();
    let other = text.replace("\"D68\"", "\"D66\"");
    assert_ne!(text, other);
    fs::write(&step, other).unwrap();
    stage_as(&dir, from.path(), b"x").unwrap();
    assert!(files(&dir) == files(&expected));
}

#[test]
fn what_was_finished_of_other_content_counts_for_nothing() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    deliver(from.path());
    stage_half(to.path(), from.path());
    assert!(last_named(to.path(), "progress-").is_some());
    // With the journal of the other content reading would begin in the second file.
    fs::remove_file(from.path().join("besok_201501.csv")).unwrap();
    assert_eq!(stage_as(to.path(), from.path(), b"y").unwrap().manifest.rows, 2475);
}

#[test]
fn large_values_are_taken_over_with_the_table_that_names_them() {
    let guard = tempfile::tempdir().unwrap();
    let path = guard.path().join("legacy.db");
    crate::sqlite::tests::execute(
        &mut crate::sqlite::tests::writer(&path),
        "CREATE TABLE t (ID INTEGER PRIMARY KEY, BILD BLOB);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
         INSERT INTO t SELECT i, CASE WHEN i % 2 THEN zeroblob(70000) ELSE x'01' END FROM n;",
    );
    let mut source = SqliteSource::open(&path).unwrap();
    let fingerprint = source.fingerprint().unwrap();
    let table = source.tables().unwrap().remove(0);
    let vaults = ["a", "b"].map(|run| Vault::plain(&guard.path().join(run), run, [3; 32]));
    let dirs = vaults.each_ref().map(|vault| table_dir(vault.root(), "paraply", "t"));
    let request = |at: usize| StageRequest {
        system: "paraply",
        table: &table,
        fingerprint,
        dir: &dirs[at],
        batch_rows: 64,
        parts: PartOptions { vault: Some(vaults[at].clone()), ..PartOptions::default() },
    };
    let made = stage_table(&mut source, &request(0)).unwrap().manifest;
    assert!(made.parts.iter().all(|part| part.blobs == ["BILD"]));
    let stored: u64 =
        fs::read_dir(&dirs[0]).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(stored < 70_000, "{stored} bytes for 35 million");
    assert!(adopt_table(&request(1), StagedBefore { dir: &dirs[0], vault: Some(&vaults[0]) }).unwrap());
    assert!(files(&dirs[0]) == files(&dirs[1]));
    fs::remove_dir_all(vaults[0].root()).unwrap();
    let taken = Manifest::open(&dirs[1], &vaults[1]).unwrap();
    assert_eq!(taken.to_json(), made.to_json());
    let rows = taken.read(&dirs[1], None, 300).unwrap().map(|batch| batch.unwrap().rows());
    assert_eq!(rows.sum::<usize>(), 1000);
}

#[track_caller]
fn shows_no_digest_of_rows(text: &str, made: &Manifest) {
    let files = made.ledger.iter().flat_map(|ledger| &ledger.files).map(|file| file.content);
    let parts = made.parts.iter().chain(&made.unreadable).map(|part| part.content);
    let digests: Vec<Digest> = files.chain(parts).chain([made.content, made.digest()]).collect();
    assert_eq!(digests.len(), 2 + 5 + 5 + 2);
    for digest in digests {
        assert!(!text.contains(&digest.to_string()), "a row that somebody guesses can be compared");
    }
}

#[test]
fn a_table_is_taken_over_as_the_run_keeps_its_rows() {
    let (deliveries, guard) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    deliver(deliveries.path());
    let mut source = CsvSource::open(deliveries.path(), &system()).unwrap();
    let fingerprint = source.fingerprint().unwrap();
    let table = source.tables().unwrap().remove(0);
    let runs = ["plain", "first", "second"].map(|run| guard.path().join(run));
    let [plain, first, second] = [
        Vault::plain(&runs[0], "plain", [3; 32]),
        Vault::sealed(&runs[1], "first", RunKey::new([1; 32])),
        Vault::sealed(&runs[2], "second", RunKey::new([2; 32])),
    ];
    let dir = |vault: &Vault| table_dir(vault.root(), "paraga", "besök");
    let parts = |vault: &Vault| PartOptions {
        rows_per_part: 1000,
        row_group_rows: 300,
        vault: Some(vault.clone()),
        ..PartOptions::default()
    };
    let adopt = |vault: &Vault, from: &Vault| {
        let (dir, before) = (dir(vault), dir(from));
        let parts = parts(vault);
        let request =
            StageRequest { system: "paraga", table: &table, fingerprint, dir: &dir, batch_rows: 64, parts };
        adopt_table(&request, StagedBefore { dir: &before, vault: Some(from) })
    };
    let request = StageRequest {
        system: "paraga",
        table: &table,
        fingerprint,
        dir: &dir(&plain),
        batch_rows: 64,
        parts: parts(&plain),
    };
    let made = stage_table(&mut source, &request).unwrap().manifest;
    let original = files(&dir(&plain));
    for (vault, from) in [(&first, &plain), (&second, &first)] {
        assert!(adopt(vault, from).unwrap());
        let taken = Manifest::open(&dir(vault), vault).unwrap();
        assert_eq!((taken.content, taken.rows, &taken.ledger), (made.content, made.rows, &made.ledger));
        let contents = |entries: &[PartEntry]| {
            entries.iter().map(|entry| (entry.content, entry.rows)).collect::<Vec<_>>()
        };
        assert_eq!(contents(&taken.parts), contents(&made.parts));
        assert_eq!(contents(&taken.unreadable), contents(&made.unreadable));
        shows_no_digest_of_rows(&fs::read_to_string(dir(vault).join(MANIFEST_FILE)).unwrap(), &made);
        assert_ne!(taken.digest(), made.digest(), "what stands for the manifest elsewhere is keyed");
        assert_eq!(
            taken.read(&dir(vault), None, 300).unwrap().map(|batch| batch.unwrap().rows()).sum::<usize>(),
            4950
        );
    }
    fs::remove_dir_all(dir(&plain)).unwrap();
    assert!(adopt(&plain, &second).unwrap());
    assert!(files(&dir(&plain)) == original, "in the clear again, byte for byte");

    fs::remove_dir_all(dir(&second)).unwrap();
    let part = dir(&first).join("part-00001.parquet");
    let mut bytes = fs::read(&part).unwrap();
    bytes[100] ^= 1;
    fs::write(&part, bytes).unwrap();
    assert_eq!(adopt(&second, &first).unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(!dir(&second).join(MANIFEST_FILE).exists());

    // Files that are only linked are proven as well.
    let other = Vault::plain(&guard.path().join("other"), "other", [3; 32]);
    let part = dir(&plain).join("part-00001.parquet");
    let good = fs::read(&part).unwrap();
    fs::write(&part, &good[1..]).unwrap();
    assert_eq!(adopt(&other, &plain).unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(!dir(&other).exists(), "nothing was touched");
    fs::write(&part, good).unwrap();
    assert!(adopt(&other, &plain).unwrap());
}
