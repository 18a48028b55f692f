//! The extraction before this one → what is another than it was, told before anything is mapped.
//!
//! A run is compared with the reading that the project made last before the run began. A reading counts once it was
//! itself compared and nothing stopped it: what stopped one run stops the next as well, until it is explained.

mod rows;

use std::collections::BTreeSet;
use std::path::PathBuf;

use bron_extract::{Locator, SourceColumn, TableSchema, Vault};
use bron_mappings::{Artefact, DigestBuilder};
use bron_reconcile::snapshot::{ColumnShape, Drift, DriftKind, Snapshot, TableChanges, TableShape, drift};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::rows::{ALTERED, VANISHED};
use super::formats::require_known_formats;
use super::{Chain, Run, StagedTable, StagedTables, vaults};
use crate::failure::{Class, Exit, Failure};
use crate::project::OpenSource;
use crate::settings::Settings;

/// The tables and columns of the sources, as they were read.
pub(super) const SCHEMA_FILE: &str = "schema.json";
/// What the comparison came to. Without it nothing is mapped.
pub(super) const SNAPSHOT_FILE: &str = "snapshot.json";

#[derive(Serialize, Deserialize)]
struct StoredSchema {
    format: u32,
    tables: Vec<TableShape>,
}

#[derive(Serialize, Deserialize)]
struct StoredSnapshot {
    format: u32,
    /// The digest of what was compared.
    compared: String,
    snapshot: Snapshot,
}

/// A reading that this one is compared with.
pub(super) struct Earlier {
    run: String,
    dir: PathBuf,
    tables: Vec<TableShape>,
    /// How it keeps its rows; `None` when nobody can open them any more, or only with another key.
    vault: Option<Vault>,
}

impl Earlier {
    fn open(settings: &Settings, (run, dir): (String, PathBuf)) -> Option<Self> {
        let StoredSchema { format: _, tables } = read(&dir.join(SCHEMA_FILE))?;
        let vault = vaults::of(settings, &dir, &run).ok();
        Some(Self { run, dir, tables, vault })
    }
}

fn read<T: DeserializeOwned>(path: &std::path::Path) -> Option<T> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

/// Whether the directory of a run holds a reading that others may be compared with.
pub(super) fn is_reading(dir: &std::path::Path) -> bool {
    dir.join(SCHEMA_FILE).is_file() && dir.join(SNAPSHOT_FILE).is_file()
}

/// Tells a mistake in the mapping files from a source that is no longer the one they were written for: when tables
/// or columns came or went since the last reading, that is the failure, with the mistakes it led to.
pub(super) fn or_drift<'s>(
    settings: &Settings,
    sources: impl IntoIterator<Item = (&'s String, &'s OpenSource)>,
    failure: Failure,
) -> Failure {
    let last = Run::last_reading(settings, is_reading)
        .and_then(|last| Earlier::open(settings, (last.run, last.dir)));
    let Some(Earlier { run, tables, .. }) = last else { return failure };
    // Of files it is the mapping files that say what they hold.
    let describes_itself = |shape: &TableShape| {
        let system = settings.systems.get(&shape.system);
        system.is_some_and(|system| !matches!(system.access.locator, Locator::Csv(_)))
    };
    let [before, after] = [tables, shapes(sources)]
        .map(|shapes| shapes.into_iter().filter(describes_itself).collect::<Vec<_>>());
    let mut drift = drift(&before, &after);
    drift.retain(|one| one.kind.is_of_columns());
    if drift.is_empty() {
        return failure;
    }
    let mut stop = stop_for_drift(&run, &drift, "");
    stop.hint = Some("bring the mapping files up to date until `bron check` is clean".to_owned());
    stop.diagnostics = failure.diagnostics;
    stop
}

/// The failure of a system whose tables are others than they were when the run began; `None` when they are not.
pub(super) fn drift_meanwhile(
    system: &str,
    before: &[TableSchema],
    after: &[TableSchema],
    again: &str,
) -> Option<Failure> {
    let [before, after] = [before, after].map(|tables| shapes_of(system, tables).collect::<Vec<_>>());
    let found = drift(&before, &after);
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    let message = format!("D70: while {system} was read, {}; nothing was mapped", told.join(", "));
    let failure = Failure::new(Exit::Drift, Class::Data, message);
    let hint = "see that the mapping files still fit the source, with `bron check`, then read it again: ";
    (!found.is_empty()).then(|| failure.hint(format!("{hint}{again}")))
}

fn stop_for_drift(run: &str, drift: &[Drift], again: &str) -> Failure {
    let told: Vec<String> = drift.iter().map(ToString::to_string).collect();
    let message = format!("D70: since the reading of run {run}, {}; no row was read", told.join(", "));
    Failure::new(Exit::Drift, Class::Data, message)
        .hint(format!("see that the rules of the column still read it, then accept it: {again}"))
}

/// What the last reading of a project noted of one of its systems.
pub(crate) struct LastReading {
    earlier: Earlier,
    system: String,
}

impl LastReading {
    /// The last reading that nothing stopped and that had the system; `None` before there is one.
    pub(crate) fn of(settings: &Settings, system: &str) -> Result<Option<Self>, Failure> {
        require_known_formats(&settings.runs())?;
        let last = Run::last_reading(settings, is_reading);
        let last = last.and_then(|last| Earlier::open(settings, (last.run, last.dir)));
        let Some(mut earlier) = last else { return Ok(None) };
        earlier.tables.retain(|shape| shape.system == system);
        Ok((!earlier.tables.is_empty()).then(|| Self { earlier, system: system.to_owned() }))
    }

    /// The run that holds it.
    pub(crate) fn run(&self) -> &str {
        &self.earlier.run
    }

    /// The tables of the system, as they were declared.
    pub(crate) fn tables(&self) -> &[TableShape] {
        &self.earlier.tables
    }

    /// A table as it was staged then; `None` when it was not, or when nobody can open it any more.
    pub(crate) fn staged(&self, table: &str) -> Result<Option<StagedTable>, Failure> {
        self.earlier.staged(&self.system, table)
    }
}

/// The tables of open sources, as a reading notes them.
pub(crate) fn shapes<'s>(sources: impl IntoIterator<Item = (&'s String, &'s OpenSource)>) -> Vec<TableShape> {
    let shapes = sources.into_iter().flat_map(|(system, open)| shapes_of(system, &open.tables));
    let mut shapes: Vec<TableShape> = shapes.collect();
    shapes.sort();
    shapes
}

fn shapes_of(system: &str, tables: &[TableSchema]) -> impl Iterator<Item = TableShape> {
    let column = |column: &SourceColumn| ColumnShape {
        name: column.name.clone(),
        declared_type: column.declared_type.clone(),
        nullable: column.nullable,
    };
    tables.iter().map(move |table| TableShape {
        system: system.to_owned(),
        table: table.name.clone(),
        columns: table.columns.iter().map(column).collect(),
        key: Some(table.key_unique.clone()),
    })
}

impl Chain<'_> {
    /// Notes the tables and columns of the sources, and stops when a column has another type than at the reading
    /// before and nobody has accepted it (D70). What came or went was accounted for: the mapping files name every
    /// table and every column, and they have been checked.
    pub(super) fn compare_schema(&self) -> Result<(Option<Earlier>, Vec<Drift>), Failure> {
        self.refuse_unknown_acceptance()?;
        let tables = shapes(&self.sources);
        let earlier = self.run.earlier_reading(&self.settings.runs(), is_reading);
        let earlier = earlier.and_then(|earlier| Earlier::open(self.settings, earlier));
        let found = earlier.as_ref().map_or_else(Vec::new, |earlier| drift(&earlier.tables, &tables));
        if let Some(earlier) = &earlier {
            let passed = self
                .stored_snapshot()
                .map(|stored| stored.snapshot)
                .filter(|snapshot| snapshot.previous.as_ref() == Some(&earlier.run));
            let accepted = |one: &Drift| {
                let name = format!("{}/{}", one.system, one.table);
                let before = passed.as_ref().is_some_and(|snapshot| snapshot.drift.contains(one));
                before || self.settings.accept.contains(&name)
            };
            let retyped = found.iter().filter(|one| one.kind == DriftKind::Retyped && !accepted(one));
            let retyped: Vec<Drift> = retyped.cloned().collect();
            if let Some(first) = retyped.first() {
                let again = self.accepting(&first.system, &first.table);
                return Err(stop_for_drift(&earlier.run, &retyped, &again));
            }
        }
        self.run
            .write_json(SCHEMA_FILE, &StoredSchema { format: Artefact::SourceSchema.newest(), tables })?;
        Ok((earlier, found))
    }

    /// Compares the staged tables with those of the reading before, and notes what it came to.
    pub(super) fn compare_readings(
        &self,
        earlier: Option<&Earlier>,
        drift: Vec<Drift>,
    ) -> Result<(), Failure> {
        let staged = self.staged()?;
        if self.stands_for(earlier)? {
            return Ok(());
        }
        let compared = self.compared(earlier, &staged)?;
        let known = self.stored_snapshot().filter(|stored| stored.compared == compared);
        if known.is_some() && self.settings.accept.is_empty() {
            return Ok(());
        }
        for name in [VANISHED, ALTERED] {
            let dir = self.run.dir.join(name);
            if dir.is_dir() {
                bron_extract::atomic::renew_directory(&dir)?;
            }
        }
        let mut snapshot = Snapshot { drift, ..Snapshot::default() };
        if let Some(earlier) = earlier {
            snapshot.previous = Some(earlier.run.clone());
            snapshot.tables = self.compare_tables(&staged, earlier)?;
        }
        let format = Artefact::Snapshot.newest();
        self.run.write_json(SNAPSHOT_FILE, &StoredSnapshot { format, compared, snapshot })
    }

    /// Whether the comparison with this reading was done while its rows could be read, and they cannot any more: then
    /// what it came to stands, with what the operator accepts of it now.
    fn stands_for(&self, earlier: Option<&Earlier>) -> Result<bool, Failure> {
        let Some(earlier) = earlier.filter(|earlier| earlier.vault.is_none()) else { return Ok(false) };
        let run = &earlier.run;
        self.printer
            .say(&format!("the rows of run {run} cannot be read any more and are not compared again"));
        let stored = self.stored_snapshot();
        let Some(mut stored) = stored.filter(|stored| stored.snapshot.previous.as_ref() == Some(run)) else {
            return Ok(false);
        };
        for table in &mut stored.snapshot.tables {
            table.accepted = self.accepts(run, &table.system, &table.table);
        }
        self.run.write_json(SNAPSHOT_FILE, &stored)?;
        Ok(true)
    }

    /// The tables in which something changed. Stops when a text that may not change has changed and nobody has
    /// accepted it (D51); what is gone (D72) is noted.
    fn compare_tables(&self, staged: &StagedTables, earlier: &Earlier) -> Result<Vec<TableChanges>, Failure> {
        let stage = self.printer.stage("compare", u64::try_from(staged.len()).unwrap_or(0));
        let (mut tables, mut stopped) = (Vec::new(), Vec::new());
        for mapping in self.mappings() {
            self.go_on()?;
            stage.now(&mapping.id);
            let (mut changes, keys) = self.compare_rows(mapping, staged, earlier)?;
            if !changes.is_quiet() {
                changes.accepted = self.accepts(&earlier.run, &mapping.system, &mapping.table);
                if changes.altered > 0 && !changes.accepted {
                    stopped.push((changes.clone(), keys.join(", ")));
                }
                tables.push(changes);
            }
            stage.step();
        }
        let Some((first, _)) = stopped.first() else {
            tables.sort_by(|a, b| (&a.system, &a.table).cmp(&(&b.system, &b.table)));
            return Ok(tables);
        };
        let told: Vec<String> = stopped
            .iter()
            .map(|(one, keys)| format!("{} of {}/{} (keys {keys})", one.altered, one.system, one.table))
            .collect();
        let (run, told) = (&earlier.run, told.join(", "));
        let again = self.accepting(&first.system, &first.table);
        Err(Failure::safety(format!(
            "D51: texts that may not change are not what they were in run {run}: {told}; nothing was loaded"
        ))
        .hint(format!("find out in the source who changed them; once it is explained, accept it: {again}")))
    }

    /// What the comparison of this run with the reading before came to.
    pub(super) fn snapshot(&self) -> Result<Snapshot, Failure> {
        let stored = self.stored_snapshot().map(|stored| stored.snapshot);
        stored.ok_or_else(|| {
            Failure::config("the sources have not been compared with the reading before")
                .hint("run `bron extract` first")
        })
    }

    fn stored_snapshot(&self) -> Option<StoredSnapshot> {
        read(&self.run.dir.join(SNAPSHOT_FILE))
    }

    /// The digest of everything that the comparison reads: of the same there is nothing new to tell.
    fn compared(&self, earlier: Option<&Earlier>, staged: &StagedTables) -> Result<String, Failure> {
        let mut digest = DigestBuilder::new("bron/readings/1");
        digest.part(self.run.mapping_digest.as_bytes());
        for table in staged.values() {
            digest.part(table.manifest.digest().as_bytes());
        }
        for mapping in self.mappings() {
            let before = earlier.map(|earlier| earlier.staged(&mapping.system, &mapping.table));
            let before = before.transpose()?.flatten();
            digest.part(
                before.map_or_else(String::new, |table| table.manifest.digest().to_string()).as_bytes(),
            );
        }
        Ok(digest.finish().to_string())
    }

    /// Whether the operator accepts what changed in a table, now or when the run was compared before.
    fn accepts(&self, earlier: &str, system: &str, table: &str) -> bool {
        let before = self.stored_snapshot().map(|stored| stored.snapshot);
        let before = before.filter(|snapshot| snapshot.previous.as_deref() == Some(earlier));
        let tables = before.iter().flat_map(|snapshot| &snapshot.tables);
        let accepted =
            tables.filter(|one| one.accepted).any(|one| one.system == system && one.table == table);
        accepted || self.settings.accept.contains(&format!("{system}/{table}"))
    }

    fn accepting(&self, system: &str, table: &str) -> String {
        format!("bron migrate --project {} --accept {system}/{table}", self.settings.project.display())
    }

    /// A slip of the pen must not look like an acceptance.
    fn refuse_unknown_acceptance(&self) -> Result<(), Failure> {
        let tables = self.sources.iter().flat_map(|(system, open)| {
            open.tables.iter().map(move |table| format!("{system}/{}", table.name))
        });
        let tables: BTreeSet<String> = tables.collect();
        match self.settings.accept.iter().find(|name| !tables.contains(*name)) {
            Some(unknown) => {
                Err(Failure::config(format!("--accept {unknown}: the project has no such table")))
            }
            None => Ok(()),
        }
    }
}
