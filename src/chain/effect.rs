//! Staged tables and two versions of the mapping files → what differs between the rows that they make.
//! Nothing is loaded, and no artefact but staged tables is written.

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::{TableSchema, table_dir};
use bron_mappings::comparison::Change;
use bron_mappings::{Batch, BatchSchema, Digest, MappingSet};
use bron_transform::{Comparison, ComparisonSide, Lookups, Plan, TableEffect};

use super::formats::sound_manifest;
use super::identity::Identities;
use super::readings;
use super::{Chain, Publication, Run, StagedTable, StagedTables, pause};
use crate::failure::Failure;
use crate::printer::Printer;
use crate::project::{OpenSource, open_sources, require_as_of};
use crate::settings::Settings;

/// Batches that are compared at the same time.
const WINDOW: usize = 4;

/// What differs between the rows that two versions make of the same staged tables.
pub(crate) struct Measured {
    /// The run whose staged tables were mapped.
    pub(crate) run: String,
    /// The effect by mapping, `system/TABLE`.
    pub(crate) tables: BTreeMap<String, TableEffect>,
    /// Mappings of which nothing is known, each with the reason in Swedish.
    pub(crate) not_measured: BTreeMap<String, String>,
}

/// Maps the tables of the project's last extraction by both versions. Where there is none, or it lacks a
/// column that one of the versions reads, the sources are read first.
pub(crate) fn measure(
    settings: &Settings,
    printer: &Printer,
    sets: [&MappingSet; 2],
    changes: &[Change],
) -> Result<Measured, Failure> {
    for set in sets {
        require_as_of(settings, set)?;
    }
    let sources = open_sources(settings, sets[1], |line, time| pause(printer, line, time))?;
    let run = Run::latest(settings)?;
    let found = match run {
        Some(run) => {
            let mut chain = chain(settings, printer, sources, BTreeMap::new(), run);
            let wanted = wanted_by_both(&mut chain, sets)?;
            if covers(&chain, &wanted)? { Ok((chain, wanted)) } else { Err(chain.sources) }
        }
        None => Err(sources),
    };
    let (mut chain, wanted) = match found {
        Ok(found) => found,
        Err(sources) => extract_for_both(settings, printer, sets, sources)?,
    };
    let staged = chain.staged_tables(&wanted)?;
    use_set(&mut chain, sets[0])?;
    let before = chain.lookups(&staged)?;
    use_set(&mut chain, sets[1])?;
    let after = chain.lookups(&staged)?;
    Measurement { chain: &chain, staged: &staged, sets, lookups: [&before, &after], changes }.run()
}

pub(super) fn chain<'a>(
    settings: &'a Settings,
    printer: &'a Printer,
    sources: BTreeMap<String, OpenSource>,
    fingerprints: BTreeMap<String, Digest>,
    run: Run,
) -> Chain<'a> {
    let (set, controls) = (MappingSet::default(), BTreeMap::new());
    let (again, decisions, identities, retention) = (false, None, None, None);
    Chain {
        settings,
        printer,
        set,
        controls,
        sources,
        fingerprints,
        decisions,
        again,
        identities,
        retention,
        run,
        plan: None,
        publication: Publication::default(),
    }
}

/// Makes the chain read and look up as this version does. A mapping whose table the project does not have
/// is left out: nothing can be known of it.
pub(super) fn use_set(chain: &mut Chain<'_>, set: &MappingSet) -> Result<(), Failure> {
    let mut set = set.clone();
    set.mappings.retain(|mapping| {
        let tables = chain.sources.get(&mapping.system).map(|open| &open.tables);
        tables.is_some_and(|tables| tables.iter().any(|table| table.name == mapping.table))
    });
    chain.set = set;
    let identities = Identities::open(&chain.settings.project, chain.mappings())?;
    chain.identities = identities.map(|(identities, _)| identities);
    Ok(())
}

/// The tables that either version reads, with the columns of both.
fn wanted_by_both(
    chain: &mut Chain<'_>,
    sets: [&MappingSet; 2],
) -> Result<Vec<(String, TableSchema)>, Failure> {
    let mut wanted: BTreeMap<(String, String), (TableSchema, BTreeSet<String>)> = BTreeMap::new();
    for set in sets {
        use_set(chain, set)?;
        for (system, table) in chain.wanted_tables()? {
            let columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
            let whole = chain.sources[&system].tables.iter().find(|whole| whole.name == table.name);
            let whole = whole.unwrap_or(&table).clone();
            let known = wanted.entry((system, table.name)).or_insert_with(|| (whole, BTreeSet::new()));
            known.1.extend(columns);
        }
    }
    let tables = wanted.into_iter().map(|((system, _), (mut table, columns))| {
        table.columns.retain(|column| columns.contains(&column.name));
        (system, table)
    });
    Ok(tables.collect())
}

/// Whether every wanted table lies staged in the run with every wanted column.
pub(super) fn covers(chain: &Chain<'_>, wanted: &[(String, TableSchema)]) -> Result<bool, Failure> {
    for (system, table) in wanted {
        let manifest = sound_manifest(&table_dir(&chain.run.dir, system, &table.name))?;
        let has_all = manifest.is_some_and(|manifest| {
            table.columns.iter().all(|column| manifest.schema.index_of(&column.name).is_some())
        });
        if !has_all {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads the sources once for both versions.
fn extract_for_both<'a>(
    settings: &'a Settings,
    printer: &'a Printer,
    sets: [&MappingSet; 2],
    mut sources: BTreeMap<String, OpenSource>,
) -> Result<(Chain<'a>, Vec<(String, TableSchema)>), Failure> {
    let mut fingerprints = BTreeMap::new();
    for (system, open) in &mut sources {
        fingerprints.insert(system.clone(), readings::fingerprint(settings, printer, system, open)?);
    }
    let run = Run::open_for_both(settings, sets, &fingerprints)?;
    let mut chain = chain(settings, printer, sources, fingerprints, run);
    let wanted = wanted_by_both(&mut chain, sets)?;
    chain.run.begin("diff", None)?;
    let work = loop {
        if let Some(work) = chain.stage_tables(&wanted)? {
            break work;
        }
        chain.run = chain.run.followed_by(Run::open_for_both(settings, sets, &chain.fingerprints)?)?;
    };
    chain.run.end()?;
    printer.say(&format!("extract    {} tables, {} were there already", work.done, work.reused));
    Ok((chain, wanted))
}

/// Everything that the comparison of one table needs.
struct Measurement<'m> {
    chain: &'m Chain<'m>,
    staged: &'m StagedTables,
    sets: [&'m MappingSet; 2],
    lookups: [&'m Lookups; 2],
    changes: &'m [Change],
}

impl Measurement<'_> {
    fn run(&self) -> Result<Measured, Failure> {
        let mut tables = BTreeMap::new();
        let mut not_measured = BTreeMap::new();
        let mappings = self.sets.iter().flat_map(|set| &set.mappings);
        let names: BTreeSet<(&str, &str)> =
            mappings.map(|mapping| (mapping.system.as_str(), mapping.table.as_str())).collect();
        let stage = self.chain.printer.stage("effect", u64::try_from(names.len()).unwrap_or(0));
        for (system, table) in names {
            self.chain.go_on()?;
            let name = format!("{system}/{table}");
            stage.now(&name);
            let key = (system.to_owned(), table.to_owned());
            match self.staged.get(&key) {
                None => drop(not_measured.insert(name, "projektet har ingen sådan källtabell".to_owned())),
                Some(staged) => match self.table(&key, staged)? {
                    Ok(effect) => drop(tables.insert(name, effect)),
                    Err(reason) => drop(not_measured.insert(name, reason)),
                },
            }
            stage.step();
        }
        Ok(Measured { run: self.chain.run.id.clone(), tables, not_measured })
    }

    /// The effect on one table, or the reason why it cannot be known.
    fn table(
        &self,
        (system, table): &(String, String),
        staged: &StagedTable,
    ) -> Result<Result<TableEffect, String>, Failure> {
        let schema = &staged.manifest.schema;
        let [before, after] = match [0, 1].map(|at| self.plan(at, (system, table), schema)) {
            [Ok(before), Ok(after)] => [before, after],
            [Err(error), _] => return Ok(Err(format!("den tidigare versionen går inte att köra ({error})"))),
            [_, Err(error)] => return Ok(Err(format!("den senare versionen går inte att köra ({error})"))),
        };
        let comparison = Comparison::new(
            self.side(0, (system, table), before.as_ref()),
            self.side(1, (system, table), after.as_ref()),
            self.changes,
        );
        let mut whole = TableEffect::default();
        let mut window: Vec<(u64, Batch)> = Vec::with_capacity(WINDOW);
        let mut first_row = 0;
        for batch in staged.manifest.read(&staged.dir, None, self.chain.settings.batch_rows)? {
            let batch = batch?;
            let rows = u64::try_from(batch.rows()).expect("a batch has fewer than 2^64 rows");
            window.push((first_row, batch));
            first_row += rows;
            if window.len() == WINDOW {
                self.chain.go_on()?;
                whole.merge(comparison.batches(&window));
                window.clear();
            }
        }
        whole.merge(comparison.batches(&window));
        Ok(Ok(whole))
    }

    /// The plan of one version; `None` when it has no mapping of the table.
    fn plan(
        &self,
        at: usize,
        (system, table): (&str, &str),
        schema: &BatchSchema,
    ) -> Result<Option<Plan>, String> {
        let Some(mapping) = self.sets[at].mapping(system, table) else { return Ok(None) };
        Plan::new(self.sets[at], mapping, schema, &self.chain.settings.secret)
            .map(Some)
            .map_err(|error| error.to_string())
    }

    fn side<'s>(
        &'s self,
        at: usize,
        (system, table): (&str, &str),
        plan: Option<&'s Plan>,
    ) -> Option<ComparisonSide<'s>> {
        let (set, lookups) = (self.sets[at], self.lookups[at]);
        let (mapping, plan) = set.mapping(system, table).zip(plan)?;
        Some(ComparisonSide { set, mapping, plan, lookups })
    }
}
