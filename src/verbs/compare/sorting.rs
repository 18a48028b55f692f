//! Puts the rows of a side into the order of the key, in files that are gone when it is done.
//!
//! The files are sealed with a key that is drawn for this comparison and lies in memory only: what a process that is
//! killed leaves behind can be read by nobody.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use bron_extract::{MasterKey, PartOptions, PartWriter, Vault, Written, draw_run_key, read_parts};
use bron_mappings::{Batch, BatchReader, BatchSchema, Batches, ReadError};
use bron_reconcile::tables::{Merged, Plan, Side, merged, sorted};

/// Rows are sorted in memory up to this size of their texts and bytes.
const RUN_BYTES: usize = 32 << 20;
/// And up to this many of them.
const RUN_ROWS: usize = 1 << 18;
/// The most runs that are read at once; more are merged to one before that.
const RUNS: usize = 64;
/// Rows of a run that are in memory at a time.
const BATCH_ROWS: usize = 1024;
/// What the vault calls its run.
const NAME: &str = "sorting";

/// The rows of a side on their way into order.
pub(super) struct Sorting<'p> {
    plan: &'p Plan,
    schema: BatchSchema,
    scratch: Scratch,
    vault: Vault,
    runs: Vec<Written>,
    /// How many runs were ever written.
    count: usize,
    /// Sorted batches that are no run yet.
    pending: Vec<Batch>,
    pending_rows: usize,
    pending_bytes: usize,
}

impl<'p> Sorting<'p> {
    /// Sorts the rows of a side in files below a directory.
    pub(super) fn below(
        dir: &Path,
        side: Side,
        plan: &'p Plan,
        schema: &BatchSchema,
    ) -> Result<Self, ReadError> {
        let scratch = Scratch::below(dir, side)?;
        let key = draw_run_key(&scratch.0, NAME, &MasterKey::draw()?)?;
        let vault = Vault::sealed(&scratch.0, NAME, key);
        Ok(Self {
            plan,
            schema: schema.clone(),
            scratch,
            vault,
            runs: Vec::new(),
            count: 0,
            pending: Vec::new(),
            pending_rows: 0,
            pending_bytes: 0,
        })
    }

    /// Adds rows.
    pub(super) fn add(&mut self, batch: &Batch) -> Result<(), ReadError> {
        self.pending_rows += batch.rows();
        self.pending_bytes += batch.record().get_array_memory_size();
        self.pending.push(sorted(self.plan, batch));
        if self.pending_rows >= RUN_ROWS || self.pending_bytes >= RUN_BYTES { self.end_run() } else { Ok(()) }
    }

    /// All rows in the order of the key.
    pub(super) fn finish(&mut self) -> Result<Merged<'_>, ReadError> {
        self.end_run()?;
        while self.runs.len() > RUNS {
            let together: Vec<Written> = self.runs.drain(..RUNS).collect();
            let run = self.write(self.merge(&together)?)?;
            self.count += 1;
            self.runs.push(run);
        }
        self.merge(&self.runs)
    }

    /// Writes what is pending as a run.
    fn end_run(&mut self) -> Result<(), ReadError> {
        (self.pending_rows, self.pending_bytes) = (0, 0);
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(());
        }
        let reader = |batch| -> Box<dyn BatchReader> {
            Box::new(Batches::new(self.schema.clone(), std::iter::once(Ok(batch))))
        };
        let readers = pending.into_iter().map(reader).collect();
        let run = self.write(merged(self.plan, &self.schema, readers, BATCH_ROWS)?)?;
        self.count += 1;
        self.runs.push(run);
        Ok(())
    }

    fn write(&self, rows: Merged<'_>) -> Result<Written, ReadError> {
        let options = PartOptions {
            row_group_rows: BATCH_ROWS * 4,
            prefix: format!("run-{:05}", self.count),
            vault: Some(self.vault.clone()),
            ..PartOptions::default()
        };
        let mut writer = PartWriter::new(&self.scratch.0, &self.schema, options)?;
        for batch in rows {
            writer.push(&batch?)?;
        }
        Ok(writer.finish()?)
    }

    fn merge(&self, runs: &[Written]) -> Result<Merged<'_>, ReadError> {
        let reader = |run: &Written| -> Result<Box<dyn BatchReader>, ReadError> {
            let parts = read_parts(&self.scratch.0, &self.schema, &run.parts, None, BATCH_ROWS)?;
            Ok(Box::new(parts.within(Some(&self.vault))))
        };
        let readers = runs.iter().map(reader).collect::<Result<Vec<_>, _>>()?;
        merged(self.plan, &self.schema, readers, BATCH_ROWS)
    }
}

/// A directory that only its owner can look into, and that is gone when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn below(dir: &Path, side: Side) -> Result<Self, ReadError> {
        for number in 0_u32.. {
            let name = format!("bron-compare-{}-{}-{number}", std::process::id(), side.name());
            let path = dir.join(name);
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                // A process that was killed had the same number.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(format!("{}: {error}", path.display()).into()),
            }
        }
        Err(format!("{} has no room for another directory", dir.display()).into())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left takes room and cannot be read.
        let _ = fs::remove_dir_all(&self.0);
    }
}
