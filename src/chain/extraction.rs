//! Sources → staged tables.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use bron_extract::{
    Locator, Manifest, PartOptions, Source, StageRequest, TableSchema, missing_files, stage_table_by,
    table_dir,
};
use bron_mappings::{Artefact, Digest, Mapping, ReasonCode};
use bron_reconcile::summary::MissingDelivery;
use bron_transform::{Need, needs};

use super::formats::{list_in, numbered};
use super::lanes::{self, Hooks, Order, Outcome};
use super::run::Run;
use super::{Chain, STOP, Work, contents, files};
use crate::failure::Failure;
use crate::patience::wait;
use crate::project::OpenSource;
use crate::settings::Settings;

/// The files that were expected and not delivered, as JSON.
pub(super) const DELIVERIES_FILE: &str = "deliveries.json";

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
        self.tell_drivers();
        loop {
            let (earlier, drift) = self.compare_schema()?;
            let wanted = self.wanted_tables()?;
            if let Some(work) = self.stage_tables(&wanted)? {
                self.compare_readings(earlier.as_ref(), drift)?;
                return Ok(work);
            }
            let content = contents(&self.fingerprints, self.decisions);
            self.run = self.run.followed_by(Run::open(self.settings, &self.set, &content)?)?;
        }
    }

    /// Makes what was read last of live sources part of this run, without asking them; of files there is nothing
    /// to do.
    pub(crate) fn take_over(&mut self) -> Result<(), Failure> {
        if self.again { self.extract().map(drop) } else { Ok(()) }
    }

    /// Stages these tables, each with these columns. `None` when a system lost the point that was read and may have
    /// changed since: what the chain knows of it is then the new content, which is that of another run.
    pub(super) fn stage_tables(&mut self, wanted: &[(String, TableSchema)]) -> Result<Option<Work>, Failure> {
        let runs = Run::staged(&self.settings.runs());
        let mut adopted = Work::default();
        let mut to_read: BTreeMap<&str, Vec<&TableSchema>> = BTreeMap::new();
        for (system, table) in wanted {
            self.go_on()?;
            let dir = table_dir(&self.run.dir, system, &table.name);
            if self.adopt(
                &runs,
                &request(self.settings, &self.run, system, self.fingerprints[system], table, &dir),
            )? {
                adopted.count(true);
            } else if self.again && self.settings.is_live(system) {
                return Err(self.not_read(system, &table.name));
            } else {
                to_read.entry(system).or_default().push(table);
            }
        }
        let Outcome { work, lost, failures } = self.read_tables(&to_read, adopted.reused);
        if let Some(((system, table), error)) = failures.into_iter().next() {
            let place = format!("{system}/{table}");
            return Err(Failure::of_source(&place, error, &self.settings.again()));
        }
        self.go_on()?;
        if !lost.is_empty() {
            self.take_new_points(lost)?;
            return Ok(None);
        }
        for ((system, table), staged) in &self.staged_tables(wanted)? {
            if let Some(ledger) = &staged.manifest.ledger {
                files::tell(self.printer, system, table, ledger);
            }
        }
        self.note_readings(&runs)?;
        self.note_deliveries()?;
        Ok(Some(Work { done: work.done, reused: adopted.reused + work.reused }))
    }

    /// Reads these tables from their systems, several at once. So many others need not be read.
    fn read_tables(&mut self, tables: &BTreeMap<&str, Vec<&TableSchema>>, others: u64) -> Outcome {
        let Self { settings, printer, run, fingerprints, sources, .. } = self;
        let (settings, printer, fingerprints) = (*settings, *printer, &*fingerprints);
        let wanted: usize = tables.values().map(Vec::len).sum();
        let steps = others + u64::try_from(wanted).unwrap_or(0);
        let progress = printer.stage("extract", steps);
        progress.at(others, steps);
        let stage = |source: &mut dyn Source, readers: usize, system: &str, table: &TableSchema| {
            let dir = table_dir(&run.dir, system, &table.name);
            let request = request(settings, run, system, fingerprints[system], table, &dir);
            let place = format!("{system}/{}", table.name);
            let staged = progress.during(&place, || stage_table_by(source, readers, &request))?;
            progress.step();
            Ok(staged.reused)
        };
        let pause = |line: &str, time: Duration, goes_on: &dyn Fn() -> bool| {
            progress.aside(|| printer.say(line));
            wait(time, goes_on);
        };
        let asked_to_stop = || STOP.load(Ordering::SeqCst);
        let hooks = Hooks { stage: &stage, pause: &pause, asked_to_stop: &asked_to_stop };
        let orders = sources.iter_mut().filter_map(|(system, open)| {
            let OpenSource { source, tries, .. } = open;
            let tables = tables.get(system.as_str())?.clone();
            let (fingerprint, readers) = (fingerprints[system], settings.systems[system].readers);
            Some(Order { system, source: source.as_mut(), fingerprint, readers, tries, tables })
        });
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        lanes::read(orders.collect(), workers, &hooks)
    }

    /// Tells the operator which drivers were loaded: the name of one may mean several files.
    fn tell_drivers(&self) {
        for (system, open) in &self.sources {
            if let Some(file) = open.source.driver() {
                self.printer.say(&format!("{system} is read through {}", file.display()));
            }
        }
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
        self.run.write_json(DELIVERIES_FILE, &numbered(Artefact::Deliveries, &missing))
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
        let mut deliveries: Vec<MissingDelivery> = list_in(&text).map_err(|error| unusable(&error))?;
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
        self.staged_tables(&self.wanted_tables()?)
    }

    /// These tables, as they lie staged in the run.
    pub(super) fn staged_tables(&self, wanted: &[(String, TableSchema)]) -> Result<StagedTables, Failure> {
        let mut staged = BTreeMap::new();
        for (system, table) in wanted {
            let dir = table_dir(&self.run.dir, system, &table.name);
            let manifest = self.manifest_made_by("extract", &dir)?;
            staged.insert((system.clone(), table.name.clone()), StagedTable { dir, manifest });
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
        self.needs_of(self.mappings())
    }

    /// The lookups that these mappings ask for.
    pub(super) fn needs_of<'m>(&self, mappings: impl IntoIterator<Item = &'m Mapping>) -> Vec<Need> {
        let unique = |mapping: &Mapping| {
            self.table(mapping).is_ok_and(|table| {
                let key: BTreeSet<&str> = mapping.key.iter().map(|origin| origin.name.as_str()).collect();
                !table.key_unique.is_empty()
                    && table.key_unique.iter().all(|column| key.contains(column.as_str()))
            })
        };
        let needs = needs(mappings, unique);
        needs.into_iter().filter(|need| self.sources.contains_key(need.source().0)).collect()
    }
}

fn request<'r>(
    settings: &Settings,
    run: &Run,
    system: &'r str,
    fingerprint: Digest,
    table: &'r TableSchema,
    dir: &'r Path,
) -> StageRequest<'r> {
    let batch_rows = settings.batch_rows;
    let parts = PartOptions { rows_per_part: settings.part_rows, ..run.part_options() };
    StageRequest { system, table, fingerprint, dir, batch_rows, parts }
}

fn missing_table(system: &str, table: &str) -> Failure {
    Failure::new(
        crate::failure::Exit::Drift,
        crate::failure::Class::Config,
        format!("{system} has no table {table}"),
    )
}
