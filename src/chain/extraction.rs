//! Sources → staged tables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bron_extract::{
    Locator, MANIFEST_FILE, Manifest, StageRequest, TableSchema, missing_files, stage_table, table_dir,
};
use bron_mappings::{Mapping, ReasonCode};
use bron_reconcile::summary::MissingDelivery;
use bron_transform::{Need, needs};

use super::run::Run;
use super::{Chain, Work, files, part_options};
use crate::failure::Failure;

/// The files that were expected and not delivered, as JSON.
const DELIVERIES_FILE: &str = "deliveries.json";

/// A staged table of a run.
pub(crate) struct StagedTable {
    pub(crate) dir: PathBuf,
    pub(crate) manifest: Manifest,
}

/// The staged tables of a run, by system and table.
pub(crate) type StagedTables = BTreeMap<(String, String), StagedTable>;

impl Chain<'_> {
    /// Stages every table that a mapping or a lookup reads. Columns that no rule reads stay where they are.
    pub(crate) fn extract(&mut self) -> Result<Work, Failure> {
        let (earlier, drift) = self.compare_schema()?;
        let wanted = self.wanted_tables()?;
        let work = self.stage_tables(wanted)?;
        self.compare_readings(earlier.as_ref(), drift)?;
        Ok(work)
    }

    /// Makes what was read last of live sources part of this run, without asking them; of files there is nothing
    /// to do.
    pub(crate) fn take_over(&mut self) -> Result<(), Failure> {
        if self.again { self.extract().map(drop) } else { Ok(()) }
    }

    /// Stages these tables, each with these columns.
    pub(super) fn stage_tables(&mut self, wanted: Vec<(String, TableSchema)>) -> Result<Work, Failure> {
        let stage = self.printer.stage("extract", u64::try_from(wanted.len()).unwrap_or(0));
        let mut work = Work::default();
        let runs = Run::staged(&self.settings.runs());
        for (system, table) in wanted {
            self.go_on()?;
            stage.now(&format!("{system}/{}", table.name));
            let dir = table_dir(&self.run.dir, &system, &table.name);
            let fingerprint = self.fingerprints[&system];
            let request = StageRequest {
                system: &system,
                table: &table,
                fingerprint,
                dir: &dir,
                batch_rows: self.settings.batch_rows,
                parts: part_options(),
            };
            let adopted = self.adopt(&runs, &request)?;
            if !adopted && self.again && self.settings.is_live(&system) {
                return Err(self.not_read(&system, &table.name));
            }
            let source = self.sources.get_mut(&system).expect("wanted tables belong to open sources");
            let staged = stage_table(source.source.as_mut(), &request)?;
            work.count(staged.reused);
            if let Some(ledger) = &staged.manifest.ledger {
                files::tell(self.printer, &system, &table.name, ledger);
            }
            stage.step();
        }
        drop(stage);
        self.note_readings(&runs)?;
        self.note_deliveries()?;
        Ok(work)
    }

    /// Notes which files the systems ought to have delivered and did not (D67), and tells the operator. What
    /// was delivered is worked with; nothing is made up for the rest.
    fn note_deliveries(&self) -> Result<(), Failure> {
        let mut missing = Vec::new();
        for (name, system) in &self.settings.systems {
            let Locator::Csv(folder) = &system.access.locator else { continue };
            let Some(described) = self.set.systems.get(name) else { continue };
            for files in missing_files(folder, described)? {
                let (decided, open): (Vec<_>, Vec<_>) =
                    files.missing.iter().cloned().partition(|file| system.not_delivered.contains(file));
                self.tell_missing(name, &open, "ask the sender for them");
                self.tell_missing(name, &decided, "the project has decided to go on without");
                missing.push(MissingDelivery {
                    system: name.clone(),
                    table: files.table,
                    missing: files.missing,
                    decided,
                });
            }
        }
        self.run.write_json(DELIVERIES_FILE, &missing)
    }

    fn tell_missing(&self, system: &str, files: &[String], what: &str) {
        if !files.is_empty() {
            let (code, names) = (ReasonCode::MissingFile.code(), files.join(", "));
            self.printer.say(&format!("{code}: {system} did not deliver {names}; {what}"));
        }
    }

    /// The deliveries that the extraction missed, with what the project has decided about them by now.
    pub(crate) fn missing_deliveries(&self) -> Result<Vec<MissingDelivery>, Failure> {
        let path = self.run.dir.join(DELIVERIES_FILE);
        let unusable = |error: &dyn std::fmt::Display| {
            Failure::config(format!("cannot use {}: {error}", path.display()))
                .hint("run `bron extract` first")
        };
        let text = std::fs::read_to_string(&path).map_err(|error| unusable(&error))?;
        let mut deliveries: Vec<MissingDelivery> =
            serde_json::from_str(&text).map_err(|error| unusable(&error))?;
        for one in &mut deliveries {
            let decided = self.settings.systems.get(&one.system).map(|system| &system.not_delivered);
            let files = one.missing.iter();
            one.decided =
                files.filter(|file| decided.is_some_and(|names| names.contains(*file))).cloned().collect();
        }
        Ok(deliveries)
    }

    /// The staged tables, by system and table.
    pub(crate) fn staged(&self) -> Result<StagedTables, Failure> {
        self.staged_tables(self.wanted_tables()?)
    }

    /// These tables, as they lie staged in the run.
    pub(super) fn staged_tables(&self, wanted: Vec<(String, TableSchema)>) -> Result<StagedTables, Failure> {
        let mut staged = BTreeMap::new();
        for (system, table) in wanted {
            let dir = table_dir(&self.run.dir, &system, &table.name);
            let manifest = Manifest::load(&dir.join(MANIFEST_FILE))
                .map_err(|error| Failure::from(error).hint("run `bron extract` first"))?;
            staged.insert((system, table.name), StagedTable { dir, manifest });
        }
        Ok(staged)
    }

    /// The tables to stage, each with the columns to read, in the order of system and table.
    pub(super) fn wanted_tables(&self) -> Result<Vec<(String, TableSchema)>, Failure> {
        let lookups = self.needs();
        let mut wanted: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
        for need in &lookups {
            wanted.entry(need.source()).or_default().extend(need.columns(&self.set));
        }
        let mapped: Vec<(&Mapping, &TableSchema)> = self
            .mappings()
            .map(|mapping| Ok((mapping, self.table(mapping)?)))
            .collect::<Result<_, Failure>>()?;
        for (mapping, table) in mapped {
            let read = table.columns.iter().filter(|column| !mapping.ignored.contains_key(&column.name));
            let columns = wanted.entry((&mapping.system, &mapping.table)).or_default();
            columns.extend(read.map(|column| column.name.clone()));
        }
        let mut tables = Vec::new();
        for ((system, name), columns) in wanted {
            let Some(open) = self.sources.get(system) else { continue };
            let table = open.tables.iter().find(|table| table.name == name);
            let mut table = table.ok_or_else(|| missing_table(system, name))?.clone();
            table.columns.retain(|column| columns.contains(&column.name) || column.name.starts_with('_'));
            tables.push((system.to_owned(), table));
        }
        Ok(tables)
    }

    fn table(&self, mapping: &Mapping) -> Result<&TableSchema, Failure> {
        let tables = self.sources.get(&mapping.system).map(|open| &open.tables);
        let table = tables.and_then(|tables| tables.iter().find(|table| table.name == mapping.table));
        table.ok_or_else(|| missing_table(&mapping.system, &mapping.table))
    }

    /// The lookups that the mappings of this project's systems ask for. A key that the source itself keeps
    /// unique needs no census. A lookup into a system that the project does not have is never made, and its
    /// texts are NULL.
    pub(crate) fn needs(&self) -> Vec<Need> {
        let unique = |mapping: &Mapping| {
            self.table(mapping).is_ok_and(|table| {
                let key: BTreeSet<&str> = mapping.key.iter().map(|origin| origin.name.as_str()).collect();
                !table.key_unique.is_empty()
                    && table.key_unique.iter().all(|column| key.contains(column.as_str()))
            })
        };
        let needs = needs(self.mappings(), unique);
        needs.into_iter().filter(|need| self.sources.contains_key(need.source().0)).collect()
    }
}

fn missing_table(system: &str, table: &str) -> Failure {
    Failure::new(
        crate::failure::Exit::Drift,
        crate::failure::Class::Config,
        format!("{system} has no table {table}"),
    )
}
