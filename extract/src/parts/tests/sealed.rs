use std::fs;

use bron_mappings::{ColumnBuilder, Value};

use crate::hashing::file_digest;
use crate::keys::RunKey;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::parts::*;

/// A text that stands in every tenth row, and nowhere in a sealed file.
const CANARY: &str = "Hemliga Vägen 1, 19990104-0000";

fn sample(rows: usize) -> Batch {
    let schema =
        BatchSchema::new([("namn".to_owned(), ColumnType::Text), ("bild".to_owned(), ColumnType::Bytes)]);
    let mut columns = [ColumnType::Text, ColumnType::Bytes].map(|kind| ColumnBuilder::new(kind, rows));
    for row in 0..rows {
        let text = if row % 10 == 0 { CANARY.to_owned() } else { format!("rad {row}") };
        columns[0].push(Some(Value::Text(&text)));
        columns[1].push((row % 3 > 0).then_some(Value::Bytes(CANARY.as_bytes())));
    }
    Batch::new(&schema, columns.map(|mut column| column.finish()).into(), rows).unwrap()
}

fn sealed(root: &Path, run: &str) -> Vault {
    Vault::sealed(root, run, RunKey::new([7; 32]))
}

fn write(dir: &Path, batch: &Batch, vault: Option<Vault>) -> Manifest {
    let options = PartOptions { rows_per_part: 100, row_group_rows: 30, vault, ..PartOptions::default() };
    let mut writer = PartWriter::new(dir, batch.schema(), options).unwrap();
    writer.push(batch).unwrap();
    let manifest = Manifest::new("T", [].into(), batch.schema(), writer.finish().unwrap());
    manifest.save(dir).unwrap();
    manifest
}

fn rows(reader: PartReader) -> Result<Batch, Error> {
    let schema = bron_mappings::BatchReader::schema(&reader).clone();
    let records: Result<Vec<RecordBatch>, Error> =
        reader.map(|batch| batch.map(|batch| batch.record().clone()).map_err(Error::from_reader)).collect();
    Ok(Batch::from_record(&concat_batches(schema.arrow(), &records?).unwrap()).unwrap())
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn the_same_rows_have_the_same_digests_with_and_without_a_key() {
    let guard = tempfile::tempdir().unwrap();
    let batch = sample(250);
    let dirs = ["plain", "first", "second"].map(|name| guard.path().join(name));
    let plain = write(&dirs[0], &batch, None);
    let first = write(&dirs[1], &batch, Some(sealed(guard.path(), "r1")));
    let second = write(&dirs[2], &batch, Some(sealed(guard.path(), "r1")));
    assert_eq!(plain.content, first.content);
    for (plain, sealed) in plain.parts.iter().zip(&first.parts) {
        assert_eq!((plain.content, plain.rows, &plain.file), (sealed.content, sealed.rows, &sealed.file));
        assert_ne!(plain.stored, sealed.stored);
    }
    assert_ne!(first.parts[0].stored, second.parts[0].stored, "sealing draws a nonce");
    assert_eq!(first.digest(), second.digest());

    let vault = sealed(guard.path(), "r1");
    let opened = Manifest::open(&dirs[1], &vault).unwrap();
    assert_eq!(rows(opened.read(&dirs[1], None, 33).unwrap()).unwrap(), batch);
    let names = rows(opened.read(&dirs[1], Some(&["namn"]), 33).unwrap()).unwrap();
    assert_eq!(names.rows(), 250);
    let one = rows(opened.read_part(&dirs[1], &opened.parts[1], None, 33).unwrap()).unwrap();
    assert_eq!(one, batch.slice(100, 100));
}

#[test]
fn no_value_stands_in_a_sealed_file() {
    let guard = tempfile::tempdir().unwrap();
    let plain = write(&guard.path().join("plain"), &sample(50), None);
    let found = fs::read(guard.path().join("plain").join(&plain.parts[0].file)).unwrap();
    assert!(holds(&found, "namn"), "a plain part names its columns");
    let manifest = write(&guard.path().join("sealed"), &sample(50), Some(sealed(guard.path(), "r1")));
    let found = fs::read(guard.path().join("sealed").join(&manifest.parts[0].file)).unwrap();
    assert!(!holds(&found, CANARY) && !holds(&found, "namn"));
}

#[test]
fn a_part_opens_in_its_own_place_only() {
    let guard = tempfile::tempdir().unwrap();
    let dir = guard.path().join("staged/paraply/PERSON");
    let batch = sample(250);
    let manifest = write(&dir, &batch, Some(sealed(guard.path(), "r1")));
    let read = |dir: &Path, entry: &PartEntry, vault: &Vault| {
        rows(read_part(dir, batch.schema(), entry, None, 100).unwrap().within(Some(vault)))
    };
    let entry = &manifest.parts[0];
    assert!(read(&dir, entry, &sealed(guard.path(), "r1")).is_ok());
    let corrupt = |found: Result<Batch, Error>| assert_eq!(found.unwrap_err().kind(), ErrorKind::Corrupt);

    let elsewhere = guard.path().join("staged/paraply/BARN");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::copy(dir.join(&entry.file), elsewhere.join(&entry.file)).unwrap();
    corrupt(read(&elsewhere, entry, &sealed(guard.path(), "r1")));
    let renamed = PartEntry { file: manifest.parts[1].file.clone(), ..entry.clone() };
    fs::copy(dir.join(&entry.file), elsewhere.join(&renamed.file)).unwrap();
    corrupt(read(&elsewhere, &renamed, &sealed(guard.path(), "r1")));
    corrupt(read(&dir, entry, &sealed(guard.path(), "r2")));
    corrupt(read(&dir, entry, &Vault::sealed(guard.path(), "r1", RunKey::new([8; 32]))));

    let without = rows(read_part(&dir, batch.schema(), entry, None, 100).unwrap()).unwrap_err();
    assert_eq!(without.kind(), ErrorKind::Settings);
    let outside = PartWriter::new(
        guard.path(),
        batch.schema(),
        PartOptions { vault: Some(sealed(&dir, "r1")), ..PartOptions::default() },
    );
    assert_eq!(
        outside.and_then(|mut writer| writer.push(&batch).and(writer.finish())).unwrap_err().kind(),
        ErrorKind::Settings
    );
}

#[test]
fn a_plain_part_is_no_stand_in_for_a_sealed_one() {
    let guard = tempfile::tempdir().unwrap();
    let batch = sample(20);
    let plain = write(guard.path(), &batch, None);
    let reader = read_part(guard.path(), batch.schema(), &plain.parts[0], None, 100).unwrap();
    let error = rows(reader.within(Some(&sealed(guard.path(), "r1")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(
        Manifest::open(guard.path(), &sealed(guard.path(), "r1")).unwrap_err().kind(),
        ErrorKind::Corrupt
    );
}

#[test]
fn every_flipped_byte_and_every_cut_is_found_before_a_row_is_given() {
    let guard = tempfile::tempdir().unwrap();
    let batch = sample(30);
    for (name, vault) in [("plain", None), ("sealed", Some(sealed(guard.path(), "r1")))] {
        let dir = guard.path().join(name);
        let manifest = write(&dir, &batch, vault.clone());
        let path = dir.join(&manifest.parts[0].file);
        let good = fs::read(&path).unwrap();
        let check = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let mut reader = manifest.read(&dir, Some(&["namn"]), 10).unwrap();
            let first = reader.next().unwrap();
            assert_eq!(Error::from_reader(first.unwrap_err()).kind(), ErrorKind::Corrupt);
            assert!(reader.next().is_none());
        };
        for at in (0..good.len()).step_by(7) {
            let mut flipped = good.clone();
            flipped[at] ^= 0x10;
            check(&flipped);
        }
        for length in [0, 3, good.len() / 2, good.len() - 1] {
            check(&good[..length]);
        }
    }
}

#[test]
fn without_the_manifest_a_flipped_byte_is_found_or_has_no_effect() {
    let guard = tempfile::tempdir().unwrap();
    let batch = sample(30);
    let vault = sealed(guard.path(), "r1");
    let manifest = write(guard.path(), &batch, Some(vault.clone()));
    let path = guard.path().join(&manifest.parts[0].file);
    let good = fs::read(&path).unwrap();
    // Lengths that stand in front of sealed blocks, and the description of the cipher, are not sealed themselves.
    let (mut found, mut flips) = (0, 0);
    for at in (0..good.len()).step_by(11) {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        fs::write(&path, &flipped).unwrap();
        let forged = PartEntry { stored: file_digest(&path).unwrap(), ..manifest.parts[0].clone() };
        let reader =
            read_part(guard.path(), batch.schema(), &forged, None, 100).unwrap().within(Some(&vault));
        let read = rows(reader);
        flips += 1;
        found += usize::from(read.is_err());
        assert!(read.is_err() || read.unwrap() == batch, "byte {at}");
    }
    assert!(found * 4 > flips * 3, "{found} of {flips}");
}

#[test]
fn an_edited_or_moved_manifest_is_refused() {
    let guard = tempfile::tempdir().unwrap();
    let vault = sealed(guard.path(), "r1");
    let (dir, other) = (guard.path().join("a"), guard.path().join("b"));
    write(&dir, &sample(250), Some(vault.clone()));
    let good = fs::read_to_string(dir.join(MANIFEST_FILE)).unwrap();
    assert!(good.contains("\"format\": 2") && good.contains("\"seal\""));
    let digits = good.split("\"content\": \"").nth(1).unwrap()[..8].to_owned();
    for edited in [
        good.replace("\"table\": \"T\"", "\"table\": \"U\""),
        good.replacen(&digits, "00000000", 1),
        good.replace("\"origin\": {}", "\"origin\": {\"a\": \"b\"}"),
        good.replacen("\"seal\": \"", "\"seal\": \"0", 1),
        good.lines().filter(|line| !line.contains("\"seal\"")).collect::<Vec<_>>().join("\n"),
    ] {
        assert_ne!(edited, good);
        fs::write(dir.join(MANIFEST_FILE), edited).unwrap();
        assert_eq!(Manifest::open(&dir, &vault).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    fs::write(dir.join(MANIFEST_FILE), &good).unwrap();
    assert!(Manifest::open(&dir, &vault).is_ok());
    fs::rename(&dir, &other).unwrap();
    assert_eq!(Manifest::open(&other, &vault).unwrap_err().kind(), ErrorKind::Corrupt);
    let plain = Vault::plain(guard.path(), "r1", [0; 32]);
    assert_eq!(Manifest::open(&other, &plain).unwrap_err().kind(), ErrorKind::Settings);
}

/// Rows of which every second has the same large document, and one a document of its own.
fn documents(rows: usize) -> Batch {
    let schema =
        BatchSchema::new([("id".to_owned(), ColumnType::Int), ("dok".to_owned(), ColumnType::Bytes)]);
    let mut columns = [ColumnType::Int, ColumnType::Bytes].map(|kind| ColumnBuilder::new(kind, rows));
    let (shared, own) = (CANARY.repeat(3000), CANARY.repeat(2500));
    for row in 0..rows {
        columns[0].push(Some(Value::Int(i64::try_from(row).unwrap())));
        columns[1].push(match row {
            0 => None,
            1 => Some(Value::Bytes(own.as_bytes())),
            2 => Some(Value::Bytes(b"")),
            _ if row % 2 == 0 => Some(Value::Bytes(shared.as_bytes())),
            _ => Some(Value::Bytes(b"kort")),
        });
    }
    Batch::new(&schema, columns.map(|mut column| column.finish()).into(), rows).unwrap()
}

fn blobs(root: &Path) -> Vec<PathBuf> {
    let Ok(dirs) = fs::read_dir(root.join("blobs")) else { return Vec::new() };
    let files = dirs.flat_map(|dir| fs::read_dir(dir.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

#[test]
fn a_large_value_is_kept_once_and_read_in_its_place() {
    let guard = tempfile::tempdir().unwrap();
    let batch = documents(250);
    let whole = write(&guard.path().join("whole"), &batch, None);
    for (run, is_sealed) in [("plain", false), ("sealed", true)] {
        let root = guard.path().join(run);
        let vault = if is_sealed { sealed(&root, run) } else { Vault::plain(&root, run, [3; 32]) };
        let dir = root.join("staged");
        let manifest = write(&dir, &batch, Some(vault.clone()));
        assert_eq!((manifest.content, manifest.parts[0].content), (whole.content, whole.parts[0].content));
        assert_eq!(manifest.parts[0].blobs, ["dok"]);
        let files = blobs(&root);
        assert_eq!(files.len(), 2, "one file for each document");
        for file in &files {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            assert_ne!(name, Digest::of(CANARY.repeat(3000).as_bytes()).to_string());
            assert_eq!(holds(&fs::read(file).unwrap(), CANARY), !is_sealed);
        }
        let opened = Manifest::open(&dir, &vault).unwrap();
        assert_eq!(rows(opened.read(&dir, None, 33).unwrap()).unwrap(), batch);
        assert_eq!(rows(opened.read(&dir, Some(&["id"]), 33).unwrap()).unwrap().rows(), 250);
        let chosen = rows(opened.read(&dir, Some(&["dok", "id"]), 33).unwrap()).unwrap();
        assert_eq!(chosen.cells(0).value(1), batch.cells(1).value(1));

        let good = fs::read(&files[0]).unwrap();
        let error = |bytes: Option<&[u8]>| {
            match bytes {
                Some(bytes) => fs::write(&files[0], bytes).unwrap(),
                None => fs::remove_file(&files[0]).unwrap(),
            }
            rows(opened.read(&dir, Some(&["dok"]), 33).unwrap()).unwrap_err().kind()
        };
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 1;
        assert_eq!(error(Some(&flipped)), ErrorKind::Corrupt);
        assert_eq!(error(Some(&good[..good.len() - 1])), ErrorKind::Corrupt);
        assert_eq!(error(Some(&fs::read(&files[1]).unwrap())), ErrorKind::Corrupt, "a swapped value");
        assert_eq!(error(None), ErrorKind::Corrupt, "a value that is gone");
    }
}

#[test]
fn a_damaged_large_value_that_an_earlier_process_left_is_made_anew() {
    let guard = tempfile::tempdir().unwrap();
    let batch = documents(20);
    for is_sealed in [false, true] {
        let root = guard.path().join(is_sealed.to_string());
        let vault = || if is_sealed { sealed(&root, "r") } else { Vault::plain(&root, "r", [3; 32]) };
        write(&root.join("first"), &batch, Some(vault()));
        for file in blobs(&root) {
            let bytes = fs::read(&file).unwrap();
            fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        }
        let again = root.join("again");
        let manifest = write(&again, &batch, Some(vault()));
        assert_eq!(rows(manifest.read(&again, None, 33).unwrap()).unwrap(), batch);
    }
}

#[test]
fn what_a_sealed_manifest_shows_of_the_same_rows_is_never_the_same() {
    let guard = tempfile::tempdir().unwrap();
    let (dir, vault) = (guard.path().join("t"), sealed(guard.path(), "r1"));
    let shown = || {
        let manifest = write(&dir, &sample(1), Some(vault.clone()));
        let shown = Manifest::load(&dir.join(MANIFEST_FILE)).unwrap();
        assert_ne!(
            shown.content, shown.parts[0].content,
            "the whole and its only part have masks of their own"
        );
        assert_eq!(Manifest::open(&dir, &vault).unwrap(), manifest);
        [shown.content, shown.parts[0].content, manifest.content]
    };
    let (first, second) = (shown(), shown());
    assert_eq!(first[2], second[2]);
    assert!(first[0] != second[0] && first[1] != second[1]);
    assert!(!first[..2].contains(&first[2]));
}

#[test]
fn small_values_stay_in_the_part_and_the_part_is_as_without_a_vault() {
    let guard = tempfile::tempdir().unwrap();
    let (bare, kept) = (guard.path().join("bare"), guard.path().join("kept"));
    write(&bare, &sample(50), None);
    let manifest = write(&kept, &sample(50), Some(Vault::plain(guard.path(), "r1", [3; 32])));
    assert!(manifest.parts[0].blobs.is_empty() && blobs(guard.path()).is_empty());
    for file in [MANIFEST_FILE, "part-00000.parquet"] {
        assert!(fs::read(bare.join(file)).unwrap() == fs::read(kept.join(file)).unwrap(), "{file}");
    }
}
