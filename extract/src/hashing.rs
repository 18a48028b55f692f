//! Digests of files and of rows.

use std::fs::File;
use std::io::{self, Read, Write};
use std::mem;
use std::ops::Range;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow_array::{Array as _, ArrayRef};
use bron_mappings::{Batch, BatchSchema, Cells, Digest, DigestBuilder};

use crate::error::Error;
use crate::manifest::type_name;

const CHUNK: usize = 256 << 10;

static CALLS: AtomicU64 = AtomicU64::new(0);

fn finish(hasher: &blake3::Hasher) -> Digest {
    Digest::parse(&hasher.finalize().to_hex()).expect("64 hexadecimal digits are a digest")
}

/// A digest that no other call gives: the fingerprint of a source that cannot say whether anything changed.
pub(crate) fn unrepeatable(domain: &str) -> Digest {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let count = CALLS.fetch_add(1, Ordering::Relaxed);
    let mut digest = DigestBuilder::new(domain);
    digest.part(&now.to_be_bytes()).part(&process::id().to_be_bytes()).part(&count.to_be_bytes());
    digest.finish()
}

/// BLAKE3 of the bytes of a file.
pub(crate) fn file_digest(path: &Path) -> Result<Digest, Error> {
    let mut input = File::open(path).map_err(|error| Error::reading(path, error))?;
    each_chunk(&mut input, |_| {}).map_err(|error| Error::reading(path, error))
}

/// Shows every chunk of `input` to `visit` and gives the digest of all of them.
pub(crate) fn each_chunk(input: &mut impl Read, mut visit: impl FnMut(&[u8])) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match input.read(&mut chunk) {
            Ok(0) => return Ok(finish(&hasher)),
            Ok(count) => {
                hasher.update(&chunk[..count]);
                visit(&chunk[..count]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A reader that keeps the digest of what passed through it.
pub(crate) struct HashingReader<R> {
    inner: R,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl<R: Read> HashingReader<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, hasher: blake3::Hasher::new(), bytes: 0 }
    }

    pub(crate) fn digest(&self) -> Digest {
        finish(&self.hasher)
    }

    pub(crate) fn passed(&self) -> u64 {
        self.bytes
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.bytes += u64::try_from(count).expect("a buffer is shorter than 2^64 bytes");
        Ok(count)
    }
}

/// A writer that keeps the digest of what passed through it.
pub(crate) struct HashingWriter<W> {
    inner: W,
    hasher: blake3::Hasher,
}

impl<W: Write> HashingWriter<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, hasher: blake3::Hasher::new() }
    }

    pub(crate) fn digest(&self) -> Digest {
        finish(&self.hasher)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The digest of rows, cell by cell, that knows nothing of files, parts or batches.
///
/// ```text
/// columns   u32 BE number, then per column: text of the name, text of the type
/// text      u32 BE length, bytes
/// cell      0x00                              NULL
///           0x01, u32 BE length, bytes        a value; numbers big-endian, ids as their 16 bytes
/// ```
pub struct RowHasher(blake3::Hasher);

impl RowHasher {
    /// Starts the digest of rows with these columns.
    #[must_use]
    pub fn new(schema: &BatchSchema) -> Self {
        let mut head = b"bron.rows.1\n".to_vec();
        push_length(&mut head, schema.columns().len());
        for column in schema.columns() {
            push_bytes(&mut head, column.name.as_bytes());
            push_bytes(&mut head, type_name(column.kind).as_bytes());
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&head);
        Self(hasher)
    }

    /// Adds the rows of a batch with the same columns.
    pub fn add(&mut self, batch: &Batch) {
        each_run(batch, |cells| {
            self.0.update(cells);
        });
    }

    /// Adds the same rows to two digests.
    pub(crate) fn add_to_both(&mut self, other: &mut Self, batch: &Batch) {
        each_run(batch, |cells| {
            self.0.update(cells);
            other.0.update(cells);
        });
    }

    /// The digest of the rows so far.
    #[must_use]
    pub fn finish(&self) -> Digest {
        finish(&self.0)
    }
}

/// So many rows are encoded at a time: what they take fits the caches that are near.
const ROWS: usize = 256;

/// Shows the encoded cells of all rows to `visit`, many rows at a time.
///
/// The cells of a row stand beside each other, those of a column lie behind each other: to go from column to column
/// for every row waits for memory at each. So the cells of many rows are encoded column by column, each at its place.
fn each_run(batch: &Batch, mut visit: impl FnMut(&[u8])) {
    let columns: Vec<Column<'_>> =
        (0..batch.schema().columns().len()).map(|index| Column::new(batch, index)).collect();
    let mut run = Run::default();
    for first in (0..batch.rows()).step_by(ROWS) {
        let rows = first..batch.rows().min(first + ROWS);
        run.begin(rows.len());
        columns.iter().for_each(|column| column.encode(&rows, &mut run, Pass::Size));
        run.lay_out();
        columns.iter().for_each(|column| column.encode(&rows, &mut run, Pass::Put));
        if run.bytes.len() >= CHUNK {
            visit(&run.bytes);
            run.bytes.clear();
        }
    }
    visit(&run.bytes);
}

struct Column<'b> {
    cells: Cells<'b>,
    array: &'b ArrayRef,
}

/// What is done with the cells of a column.
#[derive(Clone, Copy)]
enum Pass {
    /// Their sizes are added to those of their rows.
    Size,
    /// They are written.
    Put,
}

impl<'b> Column<'b> {
    fn new(batch: &'b Batch, index: usize) -> Self {
        Self { cells: batch.cells(index), array: batch.record().column(index) }
    }

    fn encode(&self, rows: &Range<usize>, run: &mut Run, pass: Pass) {
        match self.cells {
            Cells::Text(array) => self.each(rows, run, pass, |row| array.value(row).as_bytes()),
            Cells::Bytes(array) => self.each(rows, run, pass, |row| array.value(row)),
            Cells::Bool(array) => self.each(rows, run, pass, |row| [u8::from(array.value(row))]),
            Cells::Int(array) => self.each(rows, run, pass, |row| array.value(row).to_be_bytes()),
            Cells::Decimal(array) => self.each(rows, run, pass, |row| array.value(row).to_be_bytes()),
            Cells::Date(array) => self.each(rows, run, pass, |row| array.value(row).to_be_bytes()),
            Cells::Time(array) => self.each(rows, run, pass, |row| array.value(row).to_be_bytes()),
            Cells::Id(array) => self.each(rows, run, pass, |row| array.value(row)),
        }
    }

    #[inline]
    fn each<V: AsRef<[u8]>>(
        &self,
        rows: &Range<usize>,
        run: &mut Run,
        pass: Pass,
        value: impl Fn(usize) -> V,
    ) {
        let nulls = self.array.nulls();
        for (at, row) in rows.clone().enumerate() {
            let value = match nulls {
                Some(nulls) if nulls.is_null(row) => None,
                Some(_) | None => Some(value(row)),
            };
            let value = value.as_ref().map(AsRef::as_ref);
            match pass {
                Pass::Size => run.places[at] += size(value),
                Pass::Put => run.put(at, value),
            }
        }
    }
}

/// What stands before the bytes of a value.
const HEAD: usize = 5;

/// The size of an encoded cell.
fn size(value: Option<&[u8]>) -> usize {
    value.map_or(1, |bytes| HEAD + bytes.len())
}

/// The encoded cells of some rows.
#[derive(Default)]
struct Run {
    bytes: Vec<u8>,
    /// Of each row that is being encoded: its size at first, then where its next cell goes.
    places: Vec<usize>,
}

impl Run {
    fn begin(&mut self, rows: usize) {
        self.places.clear();
        self.places.resize(rows, 0);
    }

    /// Makes the sizes of the rows places, behind the rows before them.
    fn lay_out(&mut self) {
        let mut end = self.bytes.len();
        for place in &mut self.places {
            end += mem::replace(place, end);
        }
        self.bytes.resize(end, 0);
    }

    #[inline]
    fn put(&mut self, row: usize, value: Option<&[u8]>) {
        let place = &mut self.places[row];
        let cell = &mut self.bytes[*place..*place + size(value)];
        *place += cell.len();
        match value {
            None => cell[0] = 0,
            Some(value) => {
                let [a, b, c, d] = length_of(value.len());
                cell[..HEAD].copy_from_slice(&[1, a, b, c, d]);
                copy(&mut cell[HEAD..], value);
            }
        }
    }
}

/// Copies a slice into one of the same length. Nearly all values are short, and are copied without a loop or a call.
#[inline]
fn copy(to: &mut [u8], from: &[u8]) {
    match from.len() {
        0..4 => to.iter_mut().zip(from).for_each(|(to, from)| *to = *from),
        4..8 => copy_ends::<4>(to, from),
        8..16 => copy_ends::<8>(to, from),
        16..=32 => copy_ends::<16>(to, from),
        _ => to.copy_from_slice(from),
    }
}

/// Copies the first and the last `N` bytes of what has at most twice as many.
#[inline]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    let last = from.len() - N;
    to[..N].copy_from_slice(&from[..N]);
    to[last..last + N].copy_from_slice(&from[last..last + N]);
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&length_of(length));
}

fn length_of(length: usize) -> [u8; 4] {
    u32::try_from(length).expect("a cell of a batch is shorter than 2 GiB").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use bron_mappings::{ColumnBuilder, ColumnType, Value};

    use super::*;

    fn texts(values: &[Option<&str>]) -> Batch {
        let mut column = ColumnBuilder::new(ColumnType::Text, values.len());
        for value in values {
            column.push(value.map(Value::Text));
        }
        let schema = BatchSchema::new([("a".to_owned(), ColumnType::Text)]);
        Batch::new(&schema, vec![column.finish()], values.len()).unwrap()
    }

    fn digest(batches: &[Batch]) -> Digest {
        let mut hasher = RowHasher::new(batches[0].schema());
        for batch in batches {
            hasher.add(batch);
        }
        hasher.finish()
    }

    #[test]
    fn two_digests_of_one_pass_are_those_of_two() {
        let (first, second) = (texts(&[Some("ab"), None]), texts(&[Some("c")]));
        let mut whole = RowHasher::new(first.schema());
        whole.add(&first);
        let mut rest = RowHasher::new(first.schema());
        whole.add_to_both(&mut rest, &second);
        assert_eq!(rest.finish(), digest(std::slice::from_ref(&second)));
        assert_eq!(whole.finish(), digest(&[first, second]));
    }

    #[test]
    fn the_cut_into_batches_does_not_count_and_everything_else_does() {
        let whole = texts(&[Some("ab"), None, Some("c")]);
        let cut = digest(&[whole.slice(0, 1), whole.slice(1, 2)]);
        assert_eq!(digest(std::slice::from_ref(&whole)), cut);
        assert_ne!(cut, digest(&[texts(&[Some("a"), None, Some("bc")])]));
        assert_ne!(cut, digest(&[texts(&[Some("ab"), Some(""), Some("c")])]));
        assert_ne!(cut, digest(&[texts(&[None, Some("ab"), Some("c")])]));
    }

    #[test]
    fn values_of_every_length_are_encoded_whole() {
        let long = "0123456789abc".repeat(CHUNK / 10);
        let lengths = (0..70).chain([CHUNK, 7]).chain(0..400);
        let values: Vec<Option<&str>> =
            lengths.map(|length| long.get(..length)).chain([None, Some("x")]).collect();
        let mut expected = b"bron.rows.1\n\0\0\0\x01\0\0\0\x01a\0\0\0\x04text".to_vec();
        for value in &values {
            expected.push(u8::from(value.is_some()));
            value.iter().for_each(|text| push_bytes(&mut expected, text.as_bytes()));
        }
        assert_eq!(digest(&[texts(&values)]), Digest::of(&expected));
    }

    #[test]
    fn the_row_encoding_is_frozen() {
        let golden = "bron.rows.1\n\0\0\0\u{1}\0\0\0\u{1}a\0\0\0\u{4}text\u{1}\0\0\0\u{2}ab\0";
        assert_eq!(digest(&[texts(&[Some("ab"), None])]), Digest::of(golden.as_bytes()));
    }

    #[test]
    fn a_reader_knows_what_passed() {
        let mut reader = HashingReader::new(&b"hej"[..]);
        io::copy(&mut reader, &mut io::sink()).unwrap();
        assert_eq!((reader.digest(), reader.passed()), (Digest::of(b"hej"), 3));
    }

    #[test]
    fn a_writer_knows_what_it_wrote() {
        let mut room = [0; 3];
        let mut writer = HashingWriter::new(&mut room[..]);
        assert!(writer.write_all(b"hejsan").is_err());
        assert_eq!(writer.digest(), Digest::of(b"hej"));
    }
}
