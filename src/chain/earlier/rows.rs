//! The rows of one table in two readings → the keys that are gone and those whose texts are altered.

use std::path::PathBuf;

use bron_extract::{MANIFEST_FILE, Manifest, PartReader, PartWriter, atomic, table_dir};
use bron_mappings::{Batch, BatchSchema, ColumnBuilder, ColumnType, Mapping, Value};
use bron_reconcile::snapshot::{Change, Later, LogRule, Logged, Pass, TableChanges, Watch};

use super::Earlier;
use crate::chain::{Chain, StagedTable, StagedTables};
use crate::failure::Failure;

/// Where the keys that are gone lie, in a run.
pub(super) const VANISHED: &str = "vanished";
/// Where the keys of altered texts lie, in a run.
pub(super) const ALTERED: &str = "altered";

/// Rows that are compared at a time; a larger table is gone through in several passes.
const ROWS_PER_PASS: u64 = 1_000_000;

/// The most keys that a message names; the file names all.
const NAMED: usize = 20;

const COLUMNS: [&str; 5] = ["src_system", "src_table", "src_key", "explained", "previous"];

impl Earlier {
    /// Whether the table was staged then.
    fn has(&self, mapping: &Mapping) -> bool {
        table_dir(&self.dir, &mapping.system, &mapping.table).join(MANIFEST_FILE).is_file()
    }

    /// The table as it was staged then; `None` when it was not, or when nobody can open it any more.
    pub(super) fn staged(&self, system: &str, table: &str) -> Result<Option<StagedTable>, Failure> {
        let dir = table_dir(&self.dir, system, table);
        let Some(vault) = self.vault.as_ref().filter(|_| dir.join(MANIFEST_FILE).is_file()) else {
            return Ok(None);
        };
        let manifest = Manifest::open(&dir, vault)?;
        Ok(Some(StagedTable { dir, manifest }))
    }
}

/// Reads these columns of a staged table, as far as they were staged.
fn read(table: &StagedTable, columns: &[&str], batch_rows: usize) -> Result<PartReader, Failure> {
    let there: Vec<&str> = columns.iter().copied().filter(|name| has(table, name)).collect();
    Ok(table.manifest.read(&table.dir, Some(&there), batch_rows)?)
}

fn has(table: &StagedTable, column: &str) -> bool {
    table.manifest.schema.index_of(column).is_some()
}

impl Chain<'_> {
    /// Compares one table with the reading before, and gives the first keys of altered texts as messages may name
    /// them.
    pub(super) fn compare_rows(
        &self,
        mapping: &Mapping,
        staged: &StagedTables,
        earlier: &Earlier,
    ) -> Result<(TableChanges, Vec<String>), Failure> {
        let (system, table) = (mapping.system.clone(), mapping.table.clone());
        let mut changes = TableChanges { system, table, compared: true, ..TableChanges::default() };
        let later = &staged[&(mapping.system.clone(), mapping.table.clone())];
        let Some(before) = earlier.staged(&mapping.system, &mapping.table)? else {
            changes.compared = !earlier.has(mapping);
            return Ok((changes, Vec::new()));
        };
        let same = before.manifest.content == later.manifest.content;
        if same && before.manifest.schema == later.manifest.schema {
            return Ok((changes, Vec::new()));
        }
        let watch = Watch::new(mapping, LogRule::all(&self.set, mapping));
        let readable = watch.later_columns().iter().all(|column| has(later, column));
        changes.compared = readable && watch.earlier_columns().iter().all(|column| has(&before, column));
        if !changes.compared {
            return Ok((changes, Vec::new()));
        }
        let mut comparison = Comparison {
            chain: self,
            watch: &watch,
            logged: self.logged(&watch, staged)?,
            vanished: KeyFile::new(self, mapping, VANISHED, &earlier.run),
            altered: KeyFile::new(self, mapping, ALTERED, &earlier.run),
            changes,
            named: Vec::new(),
        };
        let rows = before.manifest.rows.max(later.manifest.rows);
        let of = u32::try_from(rows / ROWS_PER_PASS + 1).unwrap_or(u32::MAX);
        for number in 0..of {
            self.go_on()?;
            comparison.pass(Pass { number, of }, &before, later)?;
        }
        comparison.finish()
    }

    /// What the logs of the system say was deleted.
    fn logged(&self, watch: &Watch<'_>, staged: &StagedTables) -> Result<Logged, Failure> {
        let mut logged = Logged::default();
        for rule in watch.logs() {
            let name = (rule.log.system.clone(), rule.log.table.clone());
            let Some(table) = staged.get(&name) else { continue };
            let columns: Vec<&str> = rule.columns().into_iter().collect();
            for batch in read(table, &columns, self.settings.batch_rows)? {
                logged.add(rule, &batch?)?;
            }
        }
        Ok(logged)
    }
}

struct Comparison<'c, 'm> {
    chain: &'c Chain<'c>,
    watch: &'c Watch<'m>,
    logged: Logged,
    vanished: KeyFile<'c>,
    altered: KeyFile<'c>,
    changes: TableChanges,
    named: Vec<String>,
}

impl Comparison<'_, '_> {
    fn pass(&mut self, pass: Pass, before: &StagedTable, later: &StagedTable) -> Result<(), Failure> {
        let batch_rows = self.chain.settings.batch_rows;
        let mut rows = Later::new(self.watch, pass);
        let columns: Vec<&str> = self.watch.later_columns().into_iter().collect();
        for batch in read(later, &columns, batch_rows)? {
            rows.add(&batch?)?;
        }
        rows.finish();
        let columns = self.watch.earlier_columns().into_iter().chain(self.watch.explaining_columns());
        let columns: std::collections::BTreeSet<&str> = columns.collect();
        let columns: Vec<&str> = columns.into_iter().collect();
        for batch in read(before, &columns, batch_rows)? {
            let mut found = Vec::new();
            rows.compare(&batch?, &self.logged, &mut |change| found.push(change))?;
            found.into_iter().try_for_each(|change| self.note(change))?;
        }
        Ok(())
    }

    fn note(&mut self, change: Change) -> Result<(), Failure> {
        match change {
            Change::Vanished { key, explained } => {
                self.changes.vanished += 1;
                self.changes.explained += u64::from(explained);
                self.vanished.push(key.expose(), explained).map(drop)
            }
            Change::Altered { key } => {
                self.changes.altered += 1;
                let shown = self.altered.push(key.expose(), false)?;
                if self.named.len() < NAMED {
                    self.named.push(shown);
                }
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<(TableChanges, Vec<String>), Failure> {
        let Self { vanished, altered, changes, mut named, .. } = self;
        vanished.finish()?;
        altered.finish()?;
        if u64::try_from(named.len()).unwrap_or(u64::MAX) < changes.altered {
            named.push("…".to_owned());
        }
        Ok((changes, named))
    }
}

/// Keys of one table, as lists may show them. There is no file without keys.
struct KeyFile<'c> {
    chain: &'c Chain<'c>,
    mapping: &'c Mapping,
    dir: PathBuf,
    previous: String,
    writer: Option<PartWriter>,
}

impl<'c> KeyFile<'c> {
    fn new<'m: 'c>(chain: &'c Chain<'c>, mapping: &'m Mapping, kind: &str, previous: &str) -> Self {
        let dir = chain.run.dir.join(kind).join(chain.artefact(mapping));
        Self { chain, mapping, dir, previous: previous.to_owned(), writer: None }
    }

    /// Adds a key, and gives it as it is shown.
    fn push(&mut self, key: &str, explained: bool) -> Result<String, Failure> {
        let shown = self.chain.shown_key(self.mapping, key);
        let texts = [
            self.mapping.system.as_str(),
            self.mapping.table.as_str(),
            shown.as_str(),
            if explained { "1" } else { "" },
            self.previous.as_str(),
        ];
        let columns = texts.map(|text| {
            let mut column = ColumnBuilder::new(ColumnType::Text, 1);
            column.push(Some(Value::Text(text)));
            column.finish()
        });
        let batch = Batch::new(&schema(), columns.into(), 1).expect("one value for each column");
        if self.writer.is_none() {
            atomic::renew_directory(&self.dir)?;
            self.writer = Some(PartWriter::new(&self.dir, &schema(), self.chain.run.part_options())?);
        }
        let writer = self.writer.as_mut().expect("the writer was made above");
        writer.push(&batch)?;
        Ok(shown)
    }

    fn finish(self) -> Result<(), Failure> {
        let Some(writer) = self.writer else { return Ok(()) };
        let origin = [("run".to_owned(), self.chain.run.id.clone())].into();
        Ok(Manifest::new(VANISHED, origin, &schema(), writer.finish()?).save(&self.dir)?)
    }
}

fn schema() -> BatchSchema {
    BatchSchema::new(COLUMNS.map(|name| (name.to_owned(), ColumnType::Text)))
}
