//! Values that are too large for a part: each is kept once in the run, and parts name it.
//!
//! A journal document or a picture is often attached to many rows. Its bytes lie in
//! `blobs/<first two digits>/<name>` of the run, packed with Zstandard and sealed when the run has a key. The name is
//! a digest of the bytes, keyed so that nobody can ask whether the run holds a document that they have.
//!
//! In a column that has such a value in some row of a part, every value of the part has a byte in front: 0 and the
//! value itself, or 1 and the 32 bytes of the name.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::{fs, io};

use arrow_array::{ArrayRef, BinaryArray, RecordBatch};
use bron_mappings::{Batch, Cells, Digest};

use crate::atomic;
use crate::error::{Error, ErrorKind};
use crate::vault::Vault;

/// The size in bytes from which a value is kept apart.
const LARGE: usize = 64 << 10;

const BLOBS: &str = "blobs";
const HERE: u8 = 0;
const APART: u8 = 1;

/// Keeps the large values of a batch apart, durably. Gives the columns as the part holds them, and the names of those
/// that were changed.
pub(super) fn set_aside(vault: &Vault, batch: &Batch) -> Result<(RecordBatch, Vec<String>), Error> {
    let mut columns: Vec<ArrayRef> = batch.record().columns().to_vec();
    let mut changed = Vec::new();
    for (index, column) in batch.schema().columns().iter().enumerate() {
        let Cells::Bytes(values) = batch.cells(index) else { continue };
        if !values.iter().flatten().any(|value| value.len() >= LARGE) {
            continue;
        }
        let marked = values.iter().map(|value| value.map(|value| marked(vault, value)).transpose());
        columns[index] = Arc::new(BinaryArray::from_iter(marked.collect::<Result<Vec<_>, Error>>()?));
        changed.push(column.name.clone());
    }
    Ok((record(batch, columns), changed))
}

/// Puts large values back where a part names them; `blobs` are the columns that have a byte in front.
pub(super) fn put_back(
    vault: Option<&Vault>,
    part: &Path,
    blobs: &[String],
    batch: &Batch,
) -> Result<Batch, Error> {
    let mut columns: Vec<ArrayRef> = batch.record().columns().to_vec();
    for (index, column) in batch.schema().columns().iter().enumerate() {
        let Cells::Bytes(values) = batch.cells(index) else { continue };
        if blobs.contains(&column.name) {
            let whole = values.iter().map(|value| value.map(|value| whole(vault, part, value)).transpose());
            columns[index] = Arc::new(BinaryArray::from_iter(whole.collect::<Result<Vec<_>, Error>>()?));
        }
    }
    Ok(Batch::from_record(&record(batch, columns)).expect("only values were exchanged"))
}

fn record(batch: &Batch, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(batch.record().schema(), columns).expect("only values were exchanged")
}

fn marked(vault: &Vault, value: &[u8]) -> Result<Vec<u8>, Error> {
    if value.len() < LARGE {
        return Ok([&[HERE], value].concat());
    }
    let name = vault.name_of(value);
    keep(vault, &name, value)?;
    Ok([&[APART], name.as_bytes().as_slice()].concat())
}

fn whole(vault: Option<&Vault>, part: &Path, value: &[u8]) -> Result<Vec<u8>, Error> {
    match value.split_first() {
        Some((&HERE, value)) => Ok(value.to_vec()),
        Some((&APART, name)) => {
            let vault = vault.ok_or_else(|| {
                let problem = format!("{} names large values of a run that is not open", part.display());
                Error::new(ErrorKind::Settings, problem)
            })?;
            let name = <[u8; 32]>::try_from(name).map(|name| blake3::Hash::from(name).to_hex());
            let name = name.ok().and_then(|name| Digest::parse(&name));
            fetch(vault, &name.ok_or_else(|| misnamed(part))?)
        }
        Some(_) | None => Err(misnamed(part)),
    }
}

fn misnamed(part: &Path) -> Error {
    Error::corrupt(part, "names a large value in a way that is not known", None)
}

/// The directory and the name of the file of a value.
fn place(vault: &Vault, name: &Digest) -> (PathBuf, String) {
    let name = name.to_string();
    (vault.root().join(BLOBS).join(&name[..2]), name)
}

/// Keeps a value, once. One that an earlier process left is proven before it is relied on.
fn keep(vault: &Vault, name: &Digest, value: &[u8]) -> Result<(), Error> {
    let (dir, file) = place(vault, name);
    let path = dir.join(&file);
    let mut whole = vault.whole_blobs().lock().unwrap_or_else(PoisonError::into_inner);
    if whole.contains(name) {
        return Ok(());
    }
    if !path.is_file() || fetch(vault, name).is_err() {
        atomic::create_directory(&dir)?;
        let packed = zstd::encode_all(value, 1).map_err(|error| Error::writing(&path, error))?;
        atomic::write(&path, &vault.seal(&dir, &file, packed)?)?;
    }
    whole.insert(*name);
    Ok(())
}

fn fetch(vault: &Vault, name: &Digest) -> Result<Vec<u8>, Error> {
    let (dir, file) = place(vault, name);
    let path = dir.join(&file);
    let stored = fs::read(&path).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            // It was there before the part was: this is damage, and only making the run again mends it.
            Error::corrupt(&path, "is gone, and a part of the run names it", Some(error.into()))
        } else {
            Error::reading(&path, error)
        }
    })?;
    let packed = vault.open(&dir, &file, stored)?;
    let value = zstd::decode_all(packed.as_slice())
        .map_err(|error| Error::corrupt(&path, "cannot be unpacked", Some(error.into())))?;
    if vault.name_of(&value) == *name {
        Ok(value)
    } else {
        Err(Error::corrupt(&path, "does not hold the value that it is named for", None))
    }
}
