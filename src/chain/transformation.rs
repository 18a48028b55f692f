//! Staged tables → entity parts, rejects and balances.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bron_extract::{ErrorKind, Manifest, PartOptions, PartWriter, atomic};
use bron_mappings::{Artefact, Batch, Mapping};
use bron_reconcile::conservation::{self, Dimension, Ledger, Origin};
use bron_transform::{Balance, Lookups, Plan, Tally, Transformed, apply_all, reject_schema};
use serde::{Deserialize, Serialize};

use super::formats::sound_manifest;
use super::run::write_json;
use super::{Chain, StagedTable, Work};
use crate::failure::Failure;

/// Batches that are mapped at the same time: enough for every thread, few enough to keep memory flat.
const WINDOW: usize = 4;

/// What one source table became: written last, so a table without it is mapped again.
#[derive(Serialize, Deserialize)]
pub(crate) struct TableRecord {
    format: u32,
    pub(crate) system: String,
    pub(crate) table: String,
    pub(crate) mapping_version: String,
    /// The entities, in the order of the mapping.
    pub(crate) entities: Vec<String>,
    pub(crate) ledger: Ledger,
}

impl TableRecord {
    pub(super) fn new(
        chain: &Chain<'_>,
        mapping: &Mapping,
        entities: Vec<String>,
        balance: Balance,
        produced: BTreeMap<String, u64>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            format: Artefact::TableRecord.newest(),
            system: mapping.system.clone(),
            table: mapping.table.clone(),
            mapping_version: chain.set.version(mapping, bron_transform::REGISTRY_VERSION),
            entities,
            ledger: ledger(mapping, balance, produced)?,
        })
    }
}

impl Chain<'_> {
    /// Maps every staged table that has not been mapped in this run.
    pub(crate) fn transform(&self) -> Result<Work, Failure> {
        self.snapshot()?;
        let staged = self.staged()?;
        let mut work = Work::default();
        let mut open: Vec<&Mapping> = Vec::new();
        for mapping in self.produced_by() {
            if self.record(mapping)?.is_none() {
                open.push(mapping);
            }
        }
        let is_open = |mapping: &Mapping| open.iter().any(|one| one.id == mapping.id);
        let identities = self.identities.as_ref().filter(|one| is_open(&one.mapping));
        let retention = self.retention.as_ref().filter(|mapping| is_open(mapping));
        let open: Vec<&Mapping> = self.mappings().filter(|mapping| is_open(mapping)).collect();
        let todo = open.len() + usize::from(identities.is_some()) + usize::from(retention.is_some());
        let stage = self.printer.stage("transform", u64::try_from(todo).unwrap_or(0));
        work.reused = u64::try_from(self.produced_by().count() - todo).unwrap_or(0);
        if todo == 0 {
            return Ok(work);
        }
        stage.now("lookups");
        let mut lookups = Lookups::default();
        if open.is_empty() && identities.is_some() {
            lookups.set_persons(self.persons(&staged)?);
        } else if !open.is_empty() {
            lookups = self.lookups(&staged)?;
        }
        for mapping in open {
            self.go_on()?;
            stage.now(&mapping.id);
            let table = &staged[&(mapping.system.clone(), mapping.table.clone())];
            TableTransformation::new(self, mapping, table, &lookups)?.run()?;
            work.done += 1;
            stage.step();
        }
        if let (Some(identities), Some(persons)) = (identities, lookups.persons()) {
            stage.now(&identities.mapping.id);
            self.identify(identities, &staged, persons)?;
            work.done += 1;
            stage.step();
        }
        if let Some(retention) = retention {
            stage.now(&retention.id);
            self.assess_retention(retention)?;
            work.done += 1;
            stage.step();
        }
        Ok(work)
    }

    /// The record of a mapped table, when it is whole and belongs to the mapping as it is now. One that is not
    /// what was written is an error: the balance rests on it.
    pub(crate) fn record(&self, mapping: &Mapping) -> Result<Option<TableRecord>, Failure> {
        let record = self.unseal::<TableRecord>(Artefact::TableRecord, &self.record_path(mapping))?;
        let Some(record) = record else { return Ok(None) };
        let version = self.set.version(mapping, bron_transform::REGISTRY_VERSION);
        let dirs = record.entities.iter().map(|entity| self.entity_dir(mapping, entity));
        for dir in dirs.chain([self.rejects_dir(mapping)]) {
            if !is_whole(&dir)? {
                return Ok(None);
            }
        }
        Ok((record.mapping_version == version).then_some(record))
    }

    /// The record of a table that an earlier stage must have mapped.
    pub(crate) fn record_of(&self, mapping: &Mapping) -> Result<TableRecord, Failure> {
        let record = self.record(mapping)?;
        record.ok_or_else(|| {
            Failure::config(format!("{} has not been transformed", mapping.id))
                .hint("run `bron transform` first")
        })
    }

    /// Writes the record of a mapped table: last, so that what it names is whole.
    pub(super) fn write_record(&self, mapping: &Mapping, record: &TableRecord) -> Result<(), Failure> {
        let path = self.record_path(mapping);
        atomic::create_directory(path.parent().expect("the record lies in a directory"))?;
        write_json(&path, &self.sealed(&path, record)?)
    }

    fn record_path(&self, mapping: &Mapping) -> PathBuf {
        self.run.dir.join("transformed").join(format!("{}.json", artefact_name(mapping)))
    }

    /// The directory of the rows of one entity that come from one source table.
    pub(crate) fn entity_dir(&self, mapping: &Mapping, entity: &str) -> PathBuf {
        self.run.dir.join("entities").join(entity).join(artefact_name(mapping))
    }

    /// The name of the artefacts of one source table.
    pub(super) fn artefact(&self, mapping: &Mapping) -> String {
        artefact_name(mapping)
    }

    /// The directory of the rejects of one source table.
    pub(crate) fn rejects_dir(&self, mapping: &Mapping) -> PathBuf {
        self.run.dir.join("rejects").join(artefact_name(mapping))
    }

    /// The manifest of an artefact that an earlier stage made.
    pub(crate) fn manifest(&self, dir: &std::path::Path) -> Result<Manifest, Failure> {
        self.manifest_made_by("transform", dir)
    }

    /// The manifest of an artefact that this verb makes.
    pub(super) fn manifest_made_by(&self, verb: &str, dir: &std::path::Path) -> Result<Manifest, Failure> {
        Manifest::open(dir, &self.run.vault).map_err(|error| {
            let is_missing = error.kind() == ErrorKind::Missing;
            let failure = Failure::from(error);
            if is_missing { failure.hint(format!("run `bron {verb}` first")) } else { failure }
        })
    }
}

/// A name that is safe in every file system and tells system and table.
fn artefact_name(mapping: &Mapping) -> String {
    format!("{}-{}", bron_extract::file_safe(&mapping.system), bron_extract::file_safe(&mapping.table))
}

/// Whether a directory holds its manifest and every part that the manifest names.
fn is_whole(dir: &std::path::Path) -> Result<bool, Failure> {
    let manifest = sound_manifest(dir)?;
    Ok(manifest.is_some_and(|manifest| manifest.parts.iter().all(|part| dir.join(&part.file).is_file())))
}

struct TableTransformation<'c> {
    chain: &'c Chain<'c>,
    mapping: &'c Mapping,
    table: &'c StagedTable,
    lookups: &'c Lookups,
    plan: Plan,
    writers: BTreeMap<String, PartWriter>,
    rejects: PartWriter,
    balance: Balance,
    produced: BTreeMap<String, u64>,
}

impl<'c> TableTransformation<'c> {
    fn new(
        chain: &'c Chain<'c>,
        mapping: &'c Mapping,
        table: &'c StagedTable,
        lookups: &'c Lookups,
    ) -> Result<Self, Failure> {
        let plan = Plan::new(&chain.set, mapping, &table.manifest.schema, &chain.settings.secret)
            .map_err(|error| Failure::config(error.to_string()))?;
        let mut writers = BTreeMap::new();
        let sorted = PartOptions { sort_by: Some("id".to_owned()), ..chain.run.part_options() };
        for entity in plan.entities() {
            let dir = chain.entity_dir(mapping, &entity.name);
            atomic::renew_directory(&dir)?;
            writers.insert(entity.name.clone(), PartWriter::new(&dir, entity.schema(), sorted.clone())?);
        }
        let dir = chain.rejects_dir(mapping);
        atomic::renew_directory(&dir)?;
        let rejects = PartWriter::new(&dir, &reject_schema(), chain.run.part_options())?;
        let (balance, produced) = (Balance::default(), BTreeMap::new());
        Ok(Self { chain, mapping, table, lookups, plan, writers, rejects, balance, produced })
    }

    fn run(mut self) -> Result<(), Failure> {
        let mut window: Vec<(u64, Batch)> = Vec::with_capacity(WINDOW);
        let mut first_row = 0;
        for batch in self.table.manifest.read(&self.table.dir, None, self.chain.settings.batch_rows)? {
            let batch = batch?;
            let rows = u64::try_from(batch.rows()).expect("a batch has fewer than 2^64 rows");
            window.push((first_row, batch));
            first_row += rows;
            if window.len() == WINDOW {
                self.flush(&mut window)?;
            }
        }
        self.flush(&mut window)?;
        self.finish()
    }

    fn flush(&mut self, window: &mut Vec<(u64, Batch)>) -> Result<(), Failure> {
        self.chain.go_on()?;
        for done in apply_all(&self.plan, self.lookups, window) {
            self.write(done)?;
        }
        window.clear();
        Ok(())
    }

    fn write(&mut self, done: Transformed) -> Result<(), Failure> {
        for (entity, batch) in &done.entities {
            let rows = u64::try_from(batch.rows()).expect("a batch has fewer than 2^64 rows");
            *self.produced.entry(entity.clone()).or_default() += rows;
            self.writers
                .get_mut(entity)
                .expect("a writer was made for every entity of the plan")
                .push(batch)?;
        }
        self.rejects.push(&done.rejects)?;
        self.balance.merge(done.balance);
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        let Self { chain, mapping, table, plan, writers, rejects, balance, produced, .. } = self;
        let rows = balance.rows();
        if rows != table.manifest.rows {
            let read = table.manifest.rows;
            return Err(Failure::safety(format!(
                "{}: {read} rows were staged, {rows} have a fate",
                mapping.id
            )));
        }
        let origin = BTreeMap::from([
            ("staged".to_owned(), table.manifest.digest().to_string()),
            ("mapping".to_owned(), chain.run.mapping_digest.clone()),
        ]);
        for (entity, writer) in writers {
            let dir = chain.entity_dir(mapping, &entity);
            let schema =
                chain.set.model.entity(&entity).expect("the plan's entities are the model's").schema();
            Manifest::new(&entity, origin.clone(), schema, writer.finish()?).save(&dir)?;
        }
        Manifest::new("rejects", origin, &reject_schema(), rejects.finish()?)
            .save(&chain.rejects_dir(mapping))?;
        let entities = plan.entities().iter().map(|entity| entity.name.clone()).collect();
        chain.write_record(mapping, &TableRecord::new(chain, mapping, entities, balance, produced)?)
    }
}

/// The balance of a table in the words of reconciliation.
fn ledger(mapping: &Mapping, balance: Balance, produced: BTreeMap<String, u64>) -> Result<Ledger, Failure> {
    let mut ledger = Ledger::new();
    for (at, tally) in balance.tallies {
        let (system, table) = (mapping.system.clone(), mapping.table.clone());
        let dimension = Dimension { system, table, area: at.area, namnd: at.namnd, year: at.year };
        ledger.add(dimension, &counts(tally))?;
    }
    for (entity, rows) in produced {
        let (system, table) = (mapping.system.clone(), mapping.table.clone());
        ledger.add_produced(Origin { entity, system, table }, rows)?;
    }
    Ok(ledger)
}

fn counts(tally: Tally) -> conservation::Balance {
    let codes = |counts: BTreeMap<bron_mappings::ReasonCode, u64>| {
        counts.into_iter().map(|(reason, count)| (reason.code().to_owned(), count)).collect()
    };
    conservation::Balance {
        read: tally.read,
        loaded: tally.loaded,
        merged: tally.merged,
        excluded: codes(tally.excluded),
        quarantined: codes(tally.quarantined),
        stopped: codes(tally.stopped),
        flagged: codes(tally.marked),
        fanout: tally.fanout,
    }
}
