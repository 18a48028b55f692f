//! A staged table that becomes part of another run without its source.

use std::path::Path;

use bron_mappings::BatchSchema;

use super::{StageRequest, finished, finished_here, origin, unreadable_options, unreadable_schema};
use crate::atomic;
use crate::error::Error;
use crate::hashing::file_digest;
use crate::manifest::{MANIFEST_FILE, Manifest};
use crate::parts::{PartEntry, PartOptions, PartWriter, read_part};
use crate::vault::Vault;

/// A table that was staged before, perhaps by another run.
#[derive(Clone, Copy, Debug)]
pub struct StagedBefore<'a> {
    /// The directory of the table.
    pub dir: &'a Path,
    /// How that run keeps its rows.
    pub vault: Option<&'a Vault>,
}

/// Takes over the table as it was staged before, when that was made from the same source, with the same columns
/// and the same cut. The files are linked, not copied, unless one of the runs has a key or large values lie beside
/// the parts: then the rows are read, proven and written again as this run keeps them. Says whether it was.
///
/// # Errors
/// [`Storage`](crate::ErrorKind::Storage) when the files cannot be linked or written, those of
/// [`PartReader`](crate::PartReader) when a file is not what its manifest names or the rows cannot be read, and
/// [`Corrupt`](crate::ErrorKind::Corrupt) when the rows that were written are not those of the manifest. The directory
/// does then not count as finished.
pub fn adopt_table(request: &StageRequest<'_>, from: StagedBefore<'_>) -> Result<bool, Error> {
    let (origin, schema) = (origin(request), request.table.batch_schema());
    let vault = request.parts.vault.as_ref();
    if finished_here(request, &origin)?.is_some() {
        return Ok(true);
    }
    let Some(manifest) = finished(from.dir, from.vault, &origin, &schema)? else { return Ok(false) };
    let parts = || manifest.parts.iter().chain(&manifest.unreadable);
    // Before anything is removed: what is damaged there is read again here, perhaps from where an earlier try ended.
    for part in parts() {
        let path = from.dir.join(&part.file);
        if file_digest(&path)? != part.stored {
            return Err(not_the_same(&path));
        }
    }
    atomic::renew_directory(request.dir)?;
    let is_sealed = |vault: Option<&Vault>| vault.is_some_and(Vault::is_sealed);
    if is_sealed(vault) || is_sealed(from.vault) || parts().any(|part| !part.blobs.is_empty()) {
        write_again(request, from, &manifest)?;
        return Ok(true);
    }
    // The manifest goes last: until it is there the directory does not count as finished.
    for file in parts().map(|part| part.file.as_str()).chain([MANIFEST_FILE]) {
        let to = request.dir.join(file);
        std::fs::hard_link(from.dir.join(file), &to).map_err(|error| Error::writing(&to, error))?;
    }
    Ok(true)
}

/// Writes the rows of another run's table as this run keeps them.
fn write_again(request: &StageRequest<'_>, from: StagedBefore<'_>, before: &Manifest) -> Result<(), Error> {
    let copied = |schema: &BatchSchema, entries: &[PartEntry], options: PartOptions| {
        let mut writer = PartWriter::new(request.dir, schema, options)?;
        for entry in entries {
            let rows = read_part(from.dir, schema, entry, None, request.batch_rows)?.within(from.vault);
            for batch in rows {
                writer.push(&batch.map_err(Error::from_reader)?)?;
            }
            // Unreadable lines are cut where the rows are.
            writer.cut()?;
        }
        let written = writer.finish()?;
        let content = |parts: &[PartEntry]| parts.iter().map(|part| part.content).collect::<Vec<_>>();
        if content(&written.parts) == content(entries) { Ok(written) } else { Err(not_the_same(from.dir)) }
    };
    let written = copied(&before.schema, &before.parts, request.parts.clone())?;
    if written.content != before.content {
        return Err(not_the_same(from.dir));
    }
    let lines = unreadable_options(request.parts.vault.as_ref());
    let unreadable = copied(&unreadable_schema(), &before.unreadable, lines)?;
    let mut manifest = Manifest::new(&before.table, before.origin.clone(), &before.schema, written);
    manifest.ledger.clone_from(&before.ledger);
    manifest.unreadable = unreadable.parts;
    manifest.save(request.dir)
}

fn not_the_same(path: &Path) -> Error {
    Error::corrupt(path, "does not hold the rows that its manifest names", None)
}
