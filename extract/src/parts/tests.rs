mod sealed;

use std::collections::BTreeMap;
use std::fs::{self, File};

use bron_mappings::{BatchReader, ColumnBuilder, Value};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use super::*;

/// `rows` rows of every column type, the same for the same seed.
fn sample(rows: usize, seed: u64) -> Batch {
    use ColumnType::{Bool, Bytes, Date, Decimal, Id, Int, Text, Time};
    let kinds = [Text, Bytes, Bool, Int, Decimal { scale: 2 }, Date, Time, Id];
    let schema = BatchSchema::new(kinds.into_iter().enumerate().map(|(at, kind)| (format!("c{at}"), kind)));
    let mut columns: Vec<ColumnBuilder> =
        kinds.into_iter().map(|kind| ColumnBuilder::new(kind, rows)).collect();
    for row in 0..rows {
        let noise = *blake3::hash(format!("{seed}/{row}").as_bytes()).as_bytes();
        let text = format!("Åsa {}", noise[0] % 7);
        let small = i32::from(noise[1]);
        let values = [
            Value::Text(&text),
            Value::Bytes(&noise[..usize::from(noise[2] % 20)]),
            Value::Bool(noise[3] > 99),
            Value::Int(i64::from(small) - 100),
            Value::Decimal(i128::from(small) * 1_000_000_007),
            Value::Date(small - 200),
            Value::Time(i64::from(small) * 1_000_000),
            Value::Id([noise[4] % 50; 16]),
        ];
        for (index, (column, value)) in columns.iter_mut().zip(values).enumerate() {
            column.push((noise[10 + index] > 25).then_some(value));
        }
    }
    Batch::new(&schema, columns.iter_mut().map(ColumnBuilder::finish).collect(), rows).unwrap()
}

fn options(rows_per_part: usize) -> PartOptions {
    PartOptions { rows_per_part, row_group_rows: 16, ..PartOptions::default() }
}

fn write(dir: &Path, batch: &Batch, cuts: &[usize], options: PartOptions) -> Written {
    let mut writer = PartWriter::new(dir, batch.schema(), options).unwrap();
    let (mut offset, mut cut) = (0, cuts.iter().cycle());
    while offset < batch.rows() {
        let rows = cut.next().unwrap().min(&(batch.rows() - offset)).to_owned();
        writer.push(&batch.slice(offset, rows)).unwrap();
        offset += rows;
    }
    writer.finish().unwrap()
}

/// The files of a directory with their bytes, by name.
pub(crate) fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries.map(|one| (one.file_name().into_string().unwrap(), fs::read(one.path()).unwrap())).collect()
}

fn read_all(reader: impl BatchReader) -> Batch {
    let schema = reader.schema().clone();
    let records: Vec<RecordBatch> = reader.map(|batch| batch.unwrap().record().clone()).collect();
    Batch::from_record(&concat_batches(schema.arrow(), &records).unwrap()).unwrap()
}

fn read_error(dir: &Path, schema: &BatchSchema, entries: &[PartEntry], columns: Option<&[&str]>) -> Error {
    let mut reader = read_parts(dir, schema, entries, columns, 10).unwrap();
    let error = reader.by_ref().find_map(Result::err).expect("the damage is found");
    assert!(reader.next().is_none(), "a reader that failed has ended");
    Error::from_reader(error)
}

#[test]
fn parts_that_are_made_in_the_background_are_the_same() {
    let (here, behind) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (rows, rows_per_part) in [(0, 10), (9, 10), (10, 10), (250, 10), (250, 33)] {
        let batch = sample(rows, 3);
        let expected = write(here.path(), &batch, &[7], options(rows_per_part));
        let mut writer =
            PartWriter::new(behind.path(), batch.schema(), options(rows_per_part)).unwrap().in_background();
        writer.push(&batch).unwrap();
        assert_eq!(writer.finish().unwrap(), expected);
        assert_eq!(files(behind.path()), files(here.path()), "{rows} rows");
    }
}

#[test]
fn a_part_that_cannot_be_made_in_the_background_is_an_error_and_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("parts");
    let batch = sample(100, 3);
    let mut writer = PartWriter::new(&gone, batch.schema(), options(10)).unwrap().in_background();
    fs::remove_dir(&gone).unwrap();
    assert_eq!(writer.push(&batch).unwrap_err().kind(), ErrorKind::Storage);
    assert_eq!(writer.push(&batch).unwrap_err().kind(), ErrorKind::Storage);
    assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::Storage);
}

#[test]
fn only_values_that_come_again_are_put_into_a_dictionary() {
    let schema = BatchSchema::new(["same", "each", "none"].map(|name| (name.to_owned(), ColumnType::Text)));
    let mut columns = [(); 3].map(|()| ColumnBuilder::new(ColumnType::Text, 0));
    for row in 0..1000 {
        columns[0].push(Some(Value::Text("UTF")));
        columns[1].push(Some(Value::Text(&row.to_string())));
        columns[2].push(None);
    }
    let columns = columns.iter_mut().map(ColumnBuilder::finish).collect();
    let batch = Batch::new(&schema, columns, 1000).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let written = write(dir.path(), &batch, &[1000], PartOptions::default());
    let file = File::open(dir.path().join(&written.parts[0].file)).unwrap();
    let found = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let group = found.metadata().row_group(0);
    let dictionaries = [0, 1, 2].map(|index| group.column(index).dictionary_page_offset().is_some());
    assert_eq!(dictionaries, [true, false, true]);
    let read = read_all(read_parts(dir.path(), &schema, &written.parts, None, 100).unwrap());
    assert_eq!(read, batch);
}

#[test]
fn what_is_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let batch = sample(250, 1);
    let written = write(dir.path(), &batch, &[33], options(100));
    assert_eq!(written.rows, 250);
    assert_eq!(written.parts.iter().map(|part| part.rows).collect::<Vec<_>>(), [100, 100, 50]);
    assert_eq!(written.parts[2].file, "part-00002.parquet");
    for batch_rows in [1, 7, 1000] {
        let reader = read_parts(dir.path(), batch.schema(), &written.parts, None, batch_rows).unwrap();
        assert_eq!(read_all(reader), batch);
    }
    let one = read_part(dir.path(), batch.schema(), &written.parts[1], None, 1000).unwrap();
    assert_eq!(read_all(one), batch.slice(100, 100));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_batches_that_were_pushed_do_not_show(
        rows in 0_usize..150,
        seed in 0_u64..50,
        cuts in prop::collection::vec(1_usize..90, 1..5),
        bytes_per_part in prop::sample::select(vec![60, 700, 1 << 20]),
        sorted in any::<bool>(),
    ) {
        let sort_by = sorted.then(|| "c7".to_owned());
        let options = PartOptions { bytes_per_part, sort_by, ..options(64) };
        let batch = sample(rows, seed);
        let (whole, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let expected = write(whole.path(), &batch, &[1000], options.clone());
        prop_assert_eq!(write(cut.path(), &batch, &cuts, options), expected);
        prop_assert!(files(whole.path()) == files(cut.path()), "the files differ");
    }
}

#[test]
fn large_values_end_a_part_after_the_row_that_fills_it() {
    let dir = tempfile::tempdir().unwrap();
    let schema = BatchSchema::new([("t".to_owned(), ColumnType::Text)]);
    let mut column = ColumnBuilder::new(ColumnType::Text, 9);
    for length in [10, 10, 100, 5, 95, 1, 0, 0, 3] {
        column.push(Some(Value::Text(&"x".repeat(length))));
    }
    let batch = Batch::new(&schema, vec![column.finish()], 9).unwrap();
    let options = PartOptions { bytes_per_part: 100, ..PartOptions::default() };
    let written = write(dir.path(), &batch, &[1000], options);
    assert_eq!(written.parts.iter().map(|part| part.rows).collect::<Vec<_>>(), [3, 2, 4]);
}

#[test]
fn the_table_digest_does_not_depend_on_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let batch = sample(120, 2);
    let contents = [7, 64, 1000].map(|rows| write(dir.path(), &batch, &[50], options(rows)).content);
    assert_eq!(contents[0], contents[1]);
    assert_eq!(contents[1], contents[2]);
    assert_ne!(contents[0], write(dir.path(), &sample(120, 3), &[50], options(7)).content);
}

#[test]
fn each_part_is_sorted_by_id_and_equal_ids_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let batch = sample(200, 4);
    let written =
        write(dir.path(), &batch, &[9], PartOptions { sort_by: Some("c7".to_owned()), ..options(100) });
    for (part, start) in written.parts.iter().zip([0, 100]) {
        let found = read_all(read_part(dir.path(), batch.schema(), part, None, 1000).unwrap());
        let mut order: Vec<usize> = (start..start + 100).collect();
        order.sort_by_key(|row| batch.cells(7).id(*row));
        let expected: Vec<_> =
            order.iter().map(|row| (batch.cells(7).id(*row), batch.cells(1).value(*row))).collect();
        let got: Vec<_> = (0..100).map(|row| (found.cells(7).id(row), found.cells(1).value(row))).collect();
        assert_eq!(got, expected);
    }
}

#[test]
fn columns_come_in_the_order_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let batch = sample(30, 5);
    let written = write(dir.path(), &batch, &[30], options(20));
    let reader =
        read_parts(dir.path(), batch.schema(), &written.parts, Some(&["c3", "c0", "c3"]), 8).unwrap();
    let found = read_all(reader);
    for (index, name) in ["c3", "c0", "c3"].into_iter().enumerate() {
        assert_eq!(found.schema().columns()[index].name, name);
        for row in 0..30 {
            assert_eq!(found.cells(index).value(row), batch.cells_named(name).unwrap().value(row));
        }
    }
    let none = read_parts(dir.path(), batch.schema(), &written.parts, Some(&[]), 8).unwrap();
    assert_eq!(none.map(|batch| batch.unwrap().rows()).sum::<usize>(), 30);
    let error = read_parts(dir.path(), batch.schema(), &written.parts, Some(&["c9"]), 8).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Settings);
}

#[test]
fn no_rows_are_no_parts() {
    let dir = tempfile::tempdir().unwrap();
    let batch = sample(0, 0);
    let written = write(dir.path(), &batch, &[1], options(10));
    assert_eq!(written.parts, []);
    assert!(read_parts(dir.path(), batch.schema(), &[], None, 10).unwrap().next().is_none());
}

#[test]
fn every_changed_byte_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let batch = sample(40, 6);
    let written = write(dir.path(), &batch, &[40], options(40));
    let path = dir.path().join(&written.parts[0].file);
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(97).chain([good.len() - 1]) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, bad).unwrap();
        for columns in [None, Some(&["c0"][..])] {
            let error = read_error(dir.path(), batch.schema(), &written.parts, columns);
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(error.to_string().contains("part-00000.parquet"));
        }
    }
}

#[test]
fn another_part_in_its_place_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (batch, other) = (sample(40, 7), sample(40, 8));
    let good = write(&dir.path().join("a"), &batch, &[40], options(40)).parts.remove(0);
    let bad = write(&dir.path().join("b"), &other, &[40], options(40)).parts.remove(0);
    let dir = dir.path().join("b");
    // The digest of the file is right in each case: what is left has to be found by the rows.
    let cases = [PartEntry { content: good.content, ..bad.clone() }, PartEntry { rows: 39, ..bad.clone() }];
    for entry in cases {
        assert_eq!(read_error(&dir, batch.schema(), &[entry], None).kind(), ErrorKind::Corrupt);
    }
    let narrower = BatchSchema::new([("c0".to_owned(), ColumnType::Text)]);
    assert_eq!(read_error(&dir, &narrower, &[bad], None).kind(), ErrorKind::Corrupt);
    let gone = PartEntry { file: "part-00009.parquet".to_owned(), ..good };
    assert_eq!(read_error(&dir, batch.schema(), &[gone], None).kind(), ErrorKind::Missing);
}

#[test]
fn a_full_disk_is_said_to_be_full() {
    let mut full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = write_parquet(&mut full, sample(100, 9).record(), 100, None).unwrap_err();
    let error = Error::writing_part(Path::new("/run/part-00000.parquet"), error);
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("disk is full") && error.to_string().contains("part-00000"));
}

#[test]
fn mistakes_of_the_caller_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let batch = sample(3, 10);
    let refused = |options| PartWriter::new(dir.path(), batch.schema(), options).err().unwrap().kind();
    assert_eq!(refused(options(0)), ErrorKind::Settings);
    assert_eq!(refused(PartOptions { sort_by: Some("c0".to_owned()), ..options(9) }), ErrorKind::Settings);
    assert_eq!(refused(PartOptions { sort_by: Some("none".to_owned()), ..options(9) }), ErrorKind::Settings);
    let other = BatchSchema::new([("x".to_owned(), ColumnType::Int)]);
    let mut writer = PartWriter::new(dir.path(), &other, options(9)).unwrap();
    assert_eq!(writer.push(&batch).unwrap_err().kind(), ErrorKind::Settings);
}

#[test]
fn a_part_holds_no_value_outside_its_columns() {
    let dir = tempfile::tempdir().unwrap();
    let batch = sample(40, 11);
    write(dir.path(), &batch, &[40], options(40));
    let file = File::open(dir.path().join("part-00000.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let groups = reader.metadata().row_groups();
    assert_eq!(groups.len(), 3);
    assert!(groups.iter().flat_map(|group| group.columns()).all(|column| column.statistics().is_none()));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
}
