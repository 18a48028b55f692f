//! Findings that wait to be confirmed, with what the target held when they were made.

use std::path::PathBuf;

use bron_extract::{Manifest, PartReader, PartWriter};
use bron_mappings::{Batch, BatchSchema, ColumnBuilder, ColumnType, Digest, EntityId, Sensitive, Value};
use bron_reconcile::rows::{Finding, FindingKind};

use crate::chain::Chain;
use crate::failure::Failure;

/// Findings that are held before they are written.
const ROWS_AT_ONCE: usize = 512;

/// What a finding says, all of it text, and last what the target held.
const COLUMNS: [&str; 10] = [
    "finding",
    "kind",
    "entity",
    "entity_id",
    "src_system",
    "src_table",
    "src_key",
    "fields",
    "mapping",
    SEEN,
];
const SEEN: &str = "seen";

/// A finding, and the digest of the row of the target as it was read; nothing where there was none.
#[derive(Clone)]
pub(super) struct Suspect {
    pub(super) finding: Finding,
    pub(super) seen: Option<Digest>,
}

/// Takes findings. Memory does not grow with their number.
pub(super) struct Spool<'c> {
    chain: &'c Chain<'c>,
    dir: PathBuf,
    waiting: Vec<Suspect>,
    writer: Option<PartWriter>,
    count: u64,
}

impl<'c> Spool<'c> {
    /// Writes below the directory, which is made when it is needed.
    pub(super) const fn new(chain: &'c Chain<'c>, dir: PathBuf) -> Self {
        Self { chain, dir, waiting: Vec::new(), writer: None, count: 0 }
    }

    pub(super) fn push(&mut self, finding: Finding, seen: Option<Digest>) -> Result<(), Failure> {
        self.count += 1;
        self.waiting.push(Suspect { finding, seen });
        if self.waiting.len() >= ROWS_AT_ONCE { self.put_away() } else { Ok(()) }
    }

    fn put_away(&mut self) -> Result<(), Failure> {
        if self.writer.is_none() {
            self.writer = Some(PartWriter::new(&self.dir, &schema(), self.chain.run.part_options())?);
        }
        let rows = std::mem::take(&mut self.waiting);
        self.writer.as_mut().expect("the writer was made above").push(&batch(&rows))?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Spooled, Failure> {
        if self.writer.is_none() {
            return Ok(Spooled { count: self.count, held: self.waiting, stored: None });
        }
        let stored = self.stored()?;
        Ok(Spooled { count: self.count, held: Vec::new(), stored: Some(stored) })
    }

    fn stored(&mut self) -> Result<(PathBuf, Manifest), Failure> {
        self.put_away()?;
        let writer = self.writer.take().expect("what is put away has a writer");
        let origin = [("run".to_owned(), self.chain.run.id.clone())].into();
        Ok((self.dir.clone(), Manifest::new("findings", origin, &schema(), writer.finish()?)))
    }
}

/// Findings in the order in which they came.
pub(super) struct Spooled {
    pub(super) count: u64,
    held: Vec<Suspect>,
    stored: Option<(PathBuf, Manifest)>,
}

impl Spooled {
    pub(super) fn read(&self) -> Result<Suspects<'_>, Failure> {
        let stored = match &self.stored {
            Some((dir, manifest)) => Some(manifest.read(dir, None, ROWS_AT_ONCE)?),
            None => None,
        };
        Ok(Suspects { held: self.held.iter(), stored, batch: None })
    }

    /// The ids that the findings name, sorted, each once.
    pub(super) fn ids(&self) -> Result<Vec<EntityId>, Failure> {
        let mut ids = Vec::new();
        for suspect in self.read()? {
            ids.push(suspect?.finding.entity_id);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }
}

/// Reads findings that wait.
pub(super) struct Suspects<'s> {
    held: std::slice::Iter<'s, Suspect>,
    stored: Option<PartReader>,
    batch: Option<(Batch, usize)>,
}

impl Suspects<'_> {
    fn stored(&mut self) -> Result<Option<Suspect>, Failure> {
        loop {
            if let Some((batch, row)) = &mut self.batch
                && *row < batch.rows()
            {
                let seen = batch.cells_named(SEEN).and_then(|cells| cells.text(*row));
                let seen = seen.and_then(Digest::parse);
                let finding = read(batch, *row).ok_or_else(|| {
                    Failure::safety("a finding that was put aside cannot be read".to_owned())
                })?;
                *row += 1;
                return Ok(Some(Suspect { finding, seen }));
            }
            let Some(next) = self.stored.as_mut().and_then(Iterator::next) else { return Ok(None) };
            self.batch = Some((next?, 0));
        }
    }
}

impl Iterator for Suspects<'_> {
    type Item = Result<Suspect, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.held.next() {
            Some(held) => Some(Ok(held.clone())),
            None => self.stored().transpose(),
        }
    }
}

fn schema() -> BatchSchema {
    BatchSchema::new(COLUMNS.map(|name| (name.to_owned(), ColumnType::Text)))
}

fn batch(rows: &[Suspect]) -> Batch {
    let mut columns = COLUMNS.map(|_| ColumnBuilder::new(ColumnType::Text, rows.len()));
    for Suspect { finding, seen } in rows {
        let texts = [
            Some(finding.id.to_string()),
            Some(finding.kind.code().to_owned()),
            Some(finding.entity.clone()),
            Some(finding.row_name()),
            Some(finding.src_system.clone()),
            Some(finding.src_table.clone()),
            Some(finding.src_key.expose().clone()),
            Some(finding.kind.fields().join(",")),
            Some(finding.rule.clone()),
            seen.map(|seen| seen.to_string()),
        ];
        for (column, text) in columns.iter_mut().zip(texts) {
            column.push(text.as_deref().map(Value::Text));
        }
    }
    let columns = columns.iter_mut().map(ColumnBuilder::finish).collect();
    Batch::new(&schema(), columns, rows.len()).expect("every column got one value a row")
}

/// The finding of a row; `None` when it is none.
fn read(batch: &Batch, row: usize) -> Option<Finding> {
    let text = |name: &str| batch.cells_named(name).and_then(|cells| cells.text(row)).unwrap_or_default();
    let fields = text("fields").split(',').filter(|field| !field.is_empty()).map(str::to_owned).collect();
    let name = text("entity_id");
    Some(Finding {
        id: Digest::parse(text("finding"))?,
        kind: FindingKind::parse(text("kind"), fields, name)?,
        entity: text("entity").to_owned(),
        // A row without an id is named by its place.
        entity_id: EntityId::parse(name).unwrap_or(EntityId::from_bytes([0; 16])),
        src_system: text("src_system").to_owned(),
        src_table: text("src_table").to_owned(),
        src_key: Sensitive::new(text("src_key").to_owned()),
        rule: text("mapping").to_owned(),
    })
}
