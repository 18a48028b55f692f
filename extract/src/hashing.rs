//! Digests of files and of rows.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow_array::Array as _;
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
pub(crate) struct RowHasher(blake3::Hasher);

impl RowHasher {
    pub(crate) fn new(schema: &BatchSchema) -> Self {
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

    pub(crate) fn add(&mut self, batch: &Batch) {
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

    pub(crate) fn finish(&self) -> Digest {
        finish(&self.0)
    }
}

/// Shows the encoded cells of all rows to `visit`, many at a time.
fn each_run(batch: &Batch, mut visit: impl FnMut(&[u8])) {
    let columns = batch.schema().columns().len();
    let columns: Vec<_> =
        (0..columns).map(|index| (batch.cells(index), batch.record().column(index).nulls())).collect();
    let mut run = Run::default();
    for row in 0..batch.rows() {
        for (cells, nulls) in &columns {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                run.push_null();
            } else {
                run.push_cell(cells, row);
            }
        }
        if run.filled >= CHUNK {
            visit(run.bytes());
            run.filled = 0;
        }
    }
    visit(run.bytes());
}

/// Encoded cells that wait to be digested.
#[derive(Default)]
struct Run {
    /// As long as its room; what counts are the first bytes.
    buffer: Vec<u8>,
    filled: usize,
}

impl Run {
    /// What stands before the bytes of a value.
    const HEAD: usize = 5;
    /// So many bytes are copied of a value that has not more: a number that is always the same needs no loop and no
    /// call. Those that are too many are overwritten by the next cell.
    const SHORT: usize = 32;

    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    #[inline]
    fn room(&mut self, bytes: usize) -> &mut [u8] {
        if self.buffer.len() - self.filled < bytes {
            self.buffer.resize(self.filled + bytes + CHUNK, 0);
        }
        &mut self.buffer[self.filled..]
    }

    fn push_null(&mut self) {
        self.room(1)[0] = 0;
        self.filled += 1;
    }

    /// Adds a cell that is not NULL.
    #[inline]
    fn push_cell(&mut self, cells: &Cells<'_>, row: usize) {
        match cells {
            Cells::Text(array) => self.push_stored(array.value_data(), array.value_offsets(), row),
            Cells::Bytes(array) => self.push_stored(array.value_data(), array.value_offsets(), row),
            Cells::Bool(array) => self.push_value(&[u8::from(array.value(row))]),
            Cells::Int(array) => self.push_value(&array.value(row).to_be_bytes()),
            Cells::Decimal(array) => self.push_value(&array.value(row).to_be_bytes()),
            Cells::Date(array) => self.push_value(&array.value(row).to_be_bytes()),
            Cells::Time(array) => self.push_value(&array.value(row).to_be_bytes()),
            Cells::Id(array) => self.push_value(array.value(row)),
        }
    }

    /// Adds a value of a column whose values lie one behind the other in a store.
    #[inline]
    fn push_stored(&mut self, store: &[u8], offsets: &[i32], row: usize) {
        let place = |at: usize| usize::try_from(offsets[at]).expect("offsets are never negative");
        self.push_slice(store, place(row), place(row + 1));
    }

    fn push_value(&mut self, bytes: &[u8]) {
        self.push_slice(bytes, 0, bytes.len());
    }

    /// Adds a value that lies in a store.
    #[inline]
    fn push_slice(&mut self, store: &[u8], start: usize, end: usize) {
        let length = end - start;
        let [a, b, c, d] = length_of(length);
        let room = self.room(Self::HEAD + length.max(Self::SHORT));
        let (head, room) = room.split_at_mut(Self::HEAD);
        head.copy_from_slice(&[1, a, b, c, d]);
        match store.get(start..start + Self::SHORT) {
            Some(more) if length <= Self::SHORT => room[..Self::SHORT].copy_from_slice(more),
            Some(_) | None => room[..length].copy_from_slice(&store[start..end]),
        }
        self.filled += Self::HEAD + length;
    }
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
        let long = "x".repeat(CHUNK);
        let lengths = [0, 1, 31, 32, 33, 64, 5, CHUNK, 7];
        let values: Vec<Option<&str>> =
            lengths.iter().map(|length| long.get(..*length)).chain([None, Some("x")]).collect();
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
