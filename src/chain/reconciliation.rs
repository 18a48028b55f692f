//! Run and target → findings, summary and report.

mod areas;
mod cases;
mod evidence;
mod findings;
mod id_runs;
mod links;
mod looks;
mod part;
mod publication;
mod receipts;
mod round_trip;
mod scope;
mod scratch;
mod secrecy;
mod spool;
mod target_rows;
mod waivers;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bron_load::Sink;
use bron_mappings::{Batch, BatchReader, Digest, Entity, Pseudonym, SourceKey};
use bron_reconcile::conservation::{Balance, Dimension, Imbalance, Ledger, Origin, SourceTable};
use bron_reconcile::report::{Labels, ShownFinding};
use bron_reconcile::rows::{Finding, RowCounts};
use bron_reconcile::scope::Scope;
use bron_reconcile::summary::{Evidence, MissingDelivery, Summary, Verdict, unproven};
use bron_reconcile::{controls, rows};
use bron_transform::BRIDGE_SYSTEM;

pub(crate) use self::evidence::{control_columns, control_fields};
pub(super) use self::findings::RECORD_FILE as FINDINGS_FILE;
pub(crate) use self::findings::StoredFinding;
pub(super) use self::findings::last_reconciled;
pub(crate) use self::looks::Looks;
pub(crate) use self::publication::Publication;
pub(crate) use self::scope::{Limit, SampleSize, Shares};
pub(crate) use self::waivers::{WAIVERS_FILE, text as waivers_text};

use self::evidence::ControlTables;
use self::findings::FindingsFile;
use self::links::EntityLinks;
use self::looks::Ground;
use self::part::{Part, all_fields};
use self::publication::Told;
use self::receipts::Loads;
use self::scope::Covered;
pub(super) use self::target_rows::Origins;
use self::target_rows::{Gathered, Observed};
use super::refused::{Refused, Without};
use super::{Chain, StagedTables, files};
use crate::failure::{Exit, Failure};
use crate::signoffs::Compared;

/// What a reconciliation came to, in the directory of its run.
pub(crate) const SUMMARY_FILE: &str = "summary.json";

/// The rows of a part that are held while parts are merged: small, because all parts of an entity are
/// open at the same time.
const MERGE_ROWS: usize = 512;

/// The fields that say where a row comes from, as far as an entity has them.
const ORIGIN_FIELDS: [&str; 5] = ["src_system", "src_table", "src_key", "kalla_a", "kalla_b"];

/// What a reconciliation came to.
pub(crate) struct Outcome {
    pub(crate) summary: Summary,
    pub(crate) imbalances: Vec<Imbalance>,
    pub(crate) findings: Vec<ShownFinding>,
    pub(crate) unproven: Vec<String>,
    pub(crate) report: PathBuf,
    /// What can be signed of it.
    pub(crate) made: Compared,
    pub(crate) exit: Exit,
}

impl Chain<'_> {
    /// Compares the target with the staged sources from every direction and writes what was found.
    /// Nothing of an earlier reconciliation is trusted.
    pub(crate) fn reconcile(&self) -> Result<Outcome, Failure> {
        self.reconcile_within(&Limit::None, Looks::default())
    }

    /// Reconciles, with the comparison row by row and the round trip limited to some rows, and looks again at what
    /// differs.
    pub(crate) fn reconcile_within(&self, limit: &Limit, looks: Looks) -> Result<Outcome, Failure> {
        let steps = u64::try_from(self.entities().len()).unwrap_or(0) + 1;
        let stage = self.printer.stage("reconcile", steps);
        let mut sink = self.settings.reader()?;
        sink.claim(&self.installation_mark())?;
        let (waivers, today) = (waivers::read(&self.settings.project, &self.set.model)?, waivers::today());
        let namnder = self.namnder(sink.as_mut())?;
        let staged = self.staged()?;
        let refused = self.refused(sink.as_mut())?;
        let ledger = self.ledger(&staged, &refused, &namnder)?;
        let scoped = self.scoped(limit, sink.as_mut())?;
        let mut findings = FindingsFile::create(self)?;
        let ground =
            Ground { staged: &staged, refused: &refused, ledger: &ledger, namnder: &namnder, scope: &scoped };
        let mut examined = self.examine(&ground, looks, sink.as_mut(), &mut findings, &stage)?;
        let covered = Covered { scoped: &scoped, moving: &examined.moving };
        let settled = findings.settle(&waivers, &today, &examined.controls, &covered)?;
        if settled.accepted.has_rows() {
            examined.secrecy =
                self.secrecy_beside_accepted(&ground, looks, sink.as_mut(), &settled.accepted)?;
        }
        let scope = scoped.looked_at(examined.looked_at());
        let (deliveries, snapshot) = (self.missing_deliveries()?, self.snapshot()?);
        let mut left_out = self.left_out(&staged, &deliveries);
        left_out.extend(scope.as_ref().map(Scope::unproven));
        left_out.extend(examined.unproven.iter().cloned());
        left_out.extend(snapshot.unproven());
        left_out.extend(self.unproven_receipts(sink.as_mut())?);
        let evidence = Evidence {
            imbalances: Some(&examined.imbalances),
            controls: Some(&examined.controls),
            entities: Some(&examined.compared),
            references: Some(examined.references),
            secrecy: Some(&examined.secrecy),
            round_trip: Some(&examined.round_trip),
            refused: &refused.lines(),
            accepted: Some(&settled.accepted),
            unproven: &left_out,
        };
        let mut summary = Summary::new(&self.run.id, &self.run.mapping_digest, &ledger, &evidence)?;
        (summary.deliveries, summary.snapshot) = (deliveries, snapshot);
        settled.tell(&mut summary);
        (summary.readings, summary.changes) = (self.readings()?, self.loaded(sink.as_mut())?);
        (summary.findings.in_flight, summary.scope) = (examined.in_flight, scope);
        let labels = self.labels(namnder.clone());
        stage.now("lists");
        (summary.quality, summary.retention) = self.quality(&refused, &labels)?;
        stage.now("quarantine");
        summary.quarantine = self.collect_quarantine(&staged, sink.as_mut(), &summary, &labels)?;
        let unproven = unproven(&summary, &evidence);
        stage.now("report");
        let told = Told {
            summary: &summary,
            imbalances: &examined.imbalances,
            unproven: &unproven,
            findings: &settled.shown,
            labels: &labels,
        };
        let (report, made) = self.tell(&ground, sink.as_mut(), &told)?;
        let findings = settled.shown.clone();
        settled.commit()?;
        let exit = self.exit(&summary);
        let imbalances = examined.imbalances;
        Ok(Outcome { summary, imbalances, findings, unproven, report, made, exit })
    }

    /// What was never read, as Swedish sentences.
    fn left_out(&self, staged: &StagedTables, deliveries: &[MissingDelivery]) -> Vec<String> {
        let mut left_out = self.missing_systems();
        left_out.extend(deliveries.iter().filter_map(MissingDelivery::unproven));
        left_out.extend(files::unproven(staged));
        left_out
    }

    /// Compares some rows of an entity, and gathers what passes by when all of them are read.
    fn compare(
        &self,
        entity: &Entity,
        sink: &mut dyn Sink,
        (refused, loads): (&Refused, &Loads),
        part: &Part,
        gathered: Option<&mut Gathered>,
        found: &mut dyn FnMut(Finding, Option<Digest>) -> Result<(), Failure>,
    ) -> Result<RowCounts, Failure> {
        let ids = refused.ids(&entity.name);
        let expected = self.expected(entity)?.into_iter();
        let expected = expected.map(|rows| part.of(Without::leaving_out(rows, &ids))).collect();
        let links = EntityLinks::of(self, entity);
        let mut problem = None;
        let mut foreign: BTreeMap<Origin, u64> = BTreeMap::new();
        let mut elsewhere = |batch: &Batch, row: usize| {
            let is_foreign = self.is_of_another_project(loads, entity, batch, row);
            if is_foreign {
                *foreign.entry(origin(&entity.name, batch, row)).or_default() += 1;
            }
            is_foreign
        };
        let mut sort_out = |finding, seen| {
            if let Err(error) = found(finding, seen) {
                problem.get_or_insert(error);
            }
        };
        let actual = part.read(sink, entity, &all_fields(entity))?;
        let counts = match gathered {
            None => rows::compare_seen(entity, expected, actual, &mut elsewhere, &mut sort_out)?,
            Some(gathered) => {
                let observed = Box::new(Observed::new(&links, actual, gathered));
                let counts = rows::compare_seen(entity, expected, observed, &mut elsewhere, &mut sort_out)?;
                gathered.forget(foreign);
                counts
            }
        };
        problem.map_or(Ok(counts), Err)
    }

    /// Gathers what the rows of an entity say of themselves, without comparing them.
    fn gather(
        &self,
        entity: &Entity,
        sink: &mut dyn Sink,
        loads: &Loads,
        gathered: &mut Gathered,
    ) -> Result<(), Failure> {
        let links = EntityLinks::of(self, entity);
        let known = links.fields().iter().map(|link| link.field.as_str()).chain(ORIGIN_FIELDS);
        let known: BTreeSet<&str> = known.collect();
        let fields: Vec<&str> =
            all_fields(entity).into_iter().filter(|field| known.contains(field)).collect();
        let reader = sink.read_fields(entity, &fields, None)?;
        let mut foreign: BTreeMap<Origin, u64> = BTreeMap::new();
        for batch in Observed::new(&links, reader, gathered) {
            let batch = batch?;
            for row in (0..batch.rows()).filter(|row| self.is_of_another_project(loads, entity, &batch, *row))
            {
                *foreign.entry(origin(&entity.name, &batch, row)).or_default() += 1;
            }
        }
        gathered.forget(foreign);
        Ok(())
    }

    /// The parts of an entity: each is sorted by id, so merging them gives the entity in order.
    pub(super) fn expected(&self, entity: &Entity) -> Result<Vec<Box<dyn BatchReader>>, Failure> {
        let mut readers: Vec<Box<dyn BatchReader>> = Vec::new();
        for mapping in self.produced_by() {
            if mapping.targets.iter().all(|target| target.entity != entity.name) {
                continue;
            }
            let dir = self.entity_dir(mapping, &entity.name);
            let manifest = self.manifest(&dir)?;
            for part in &manifest.parts {
                readers.push(Box::new(manifest.read_part(&dir, part, None, MERGE_ROWS)?));
            }
        }
        Ok(readers)
    }

    /// Every row that was read, by what became of it: in transform, after that in the target, and before it in
    /// extraction.
    fn ledger(
        &self,
        staged: &StagedTables,
        refused: &Refused,
        namnder: &BTreeMap<String, String>,
    ) -> Result<Ledger, Failure> {
        let mut ledger = Ledger::new();
        for mapping in self.produced_by() {
            let table = staged.get(&(mapping.system.clone(), mapping.table.clone()));
            let mut made = self.record_of(mapping)?.ledger;
            refused.account(&mut made, mapping, table.is_some())?;
            ledger.merge(&with_known_namnder(&made, namnder)?)?;
            let Some(extraction) = table.and_then(|table| table.manifest.ledger.as_ref()) else { continue };
            let outside: u64 = extraction.excluded.values().chain(extraction.quarantined.values()).sum();
            let balance = Balance {
                read: outside,
                excluded: extraction.excluded.clone(),
                quarantined: extraction.quarantined.clone(),
                ..Balance::default()
            };
            if outside > 0 {
                let (system, table) = (mapping.system.clone(), mapping.table.clone());
                ledger.add(Dimension { system, table, ..Dimension::default() }, &balance)?;
            }
        }
        Ok(ledger)
    }

    /// How many rows the extraction met in each mapped table.
    fn extracted(&self, staged: &StagedTables) -> BTreeMap<SourceTable, u64> {
        let tables = self.mappings().map(|mapping| {
            let manifest = &staged[&(mapping.system.clone(), mapping.table.clone())].manifest;
            let read = manifest.ledger.as_ref().map_or(manifest.rows, |ledger| ledger.read);
            (SourceTable { system: mapping.system.clone(), table: mapping.table.clone() }, read)
        });
        tables.collect()
    }

    /// Evaluates the controls whose sources are in this project, or those of them with these names.
    fn controls(
        &self,
        staged: &StagedTables,
        sink: &mut dyn Sink,
        refused: &Refused,
        namnder: &BTreeMap<String, String>,
        only: Option<&BTreeSet<String>>,
    ) -> Result<Vec<controls::ControlRow>, Failure> {
        let all = controls::parse(self.controls.iter().map(|(file, text)| (file.as_str(), text.as_str())))?;
        // A control of a system that the project does not have says nothing about this project.
        let here: Vec<controls::Control> = all
            .into_iter()
            .filter(|control| {
                control.source_tables().iter().all(|(system, _)| self.sources.contains_key(*system))
                    && only.is_none_or(|only| only.contains(&control.name))
            })
            .map(controls::Control::of_its_systems)
            .collect();
        let mut tables = ControlTables::new(self, (staged, refused), sink, &here);
        let mut rows = Vec::new();
        for control in &here {
            self.go_on()?;
            tables.begin(control);
            let found = controls::evaluate(control, &mut tables)?;
            rows.extend(found.into_iter().map(|row| self.with_shareable_key(row, namnder)));
        }
        Ok(rows)
    }

    /// A key is a month, a year, a number of a batch or a nämnd; a text of the source that is something else could
    /// be about a person, and is named by a pseudonym.
    fn with_shareable_key(
        &self,
        mut row: controls::ControlRow,
        namnder: &BTreeMap<String, String>,
    ) -> controls::ControlRow {
        const LONGEST_NUMBER: usize = 9;
        let (key, side) =
            row.key.split_once(", i ").map_or((row.key.as_str(), None), |(key, side)| (key, Some(side)));
        let digits = key.bytes().filter(u8::is_ascii_digit).count();
        let plain = key.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && digits <= LONGEST_NUMBER;
        let known = namnder.contains_key(key) || controls::FIXED_KEYS.contains(&key);
        if !plain && !key.is_empty() && !known {
            let record = SourceKey::new("bron", &row.name, [Some(key)]);
            let pseudonym = Pseudonym::derive(&self.settings.secret, &record);
            row.key = side.map_or_else(|| pseudonym.to_string(), |side| format!("{pseudonym}, i {side}"));
        }
        row
    }

    fn missing_systems(&self) -> Vec<String> {
        let mapped = self.set.mappings.iter().map(|mapping| mapping.system.as_str());
        let mut missing: Vec<&str> = mapped.filter(|system| !self.sources.contains_key(*system)).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
            .into_iter()
            .map(|system| format!("Systemet {system} är mappat men ingår inte i projektet."))
            .collect()
    }

    /// The names of the bodies that answer for rows, by code, as the target holds them.
    fn namnder(&self, sink: &mut dyn Sink) -> Result<BTreeMap<String, String>, Failure> {
        let mut names = BTreeMap::new();
        let body = self.set.model.responsible_body.as_ref();
        let Some((body, entity)) = body.zip(body.and_then(|body| self.set.model.entity(&body.entity))) else {
            return Ok(names);
        };
        let fields = ["kod", "namn", "src_system", "src_table"];
        let here = self.entities().iter().any(|known| known.name == entity.name);
        if !here || fields.iter().any(|field| entity.field(field).is_none()) {
            return Ok(names);
        }
        for batch in sink.read_fields(entity, &fields, None)? {
            let batch = batch?;
            let columns = fields.map(|field| batch.cells_named(field));
            for row in 0..batch.rows() {
                let [code, name, system, table] =
                    columns.map(|cells| cells.and_then(|cells| cells.text(row)));
                let from_body = system == Some(&body.system) && table == Some(&body.table);
                if let (Some(code), Some(name), true) = (code, name, from_body) {
                    names.insert(code.to_owned(), name.to_owned());
                }
            }
        }
        Ok(names)
    }

    fn labels(&self, namnder: BTreeMap<String, String>) -> Labels {
        let terms = self.set.codes.get("verksamhetsomrade");
        let terms = terms.into_iter().flat_map(|list| list.entries());
        Labels {
            systems: self
                .set
                .systems
                .iter()
                .map(|(name, system)| (name.clone(), system.label.clone()))
                .chain([(BRIDGE_SYSTEM.to_owned(), "Paraplybron".to_owned())])
                .collect(),
            entities: self
                .set
                .model
                .entities
                .iter()
                .map(|(name, one)| (name.clone(), one.label.clone()))
                .collect(),
            areas: terms.map(|(_, _, entry)| (entry.target.clone(), entry.term.clone())).collect(),
            namnder,
        }
    }

    fn exit(&self, summary: &Summary) -> Exit {
        let read: u128 = summary.tables.iter().map(|table| u128::from(table.read)).sum();
        let limit = u128::from(self.settings.quarantine_limit_ppm);
        match summary.verdict {
            Verdict::Skillnader | Verdict::EjBevisat => Exit::Differences,
            Verdict::GodkandaSkillnader => Exit::Quarantine,
            Verdict::LikaMedKarantan if summary.waiting() * 1_000_000 > limit * read => Exit::Quarantine,
            Verdict::LikaMedKarantan | Verdict::Lika => Exit::Clean,
        }
    }
}

/// Where a row of an entity comes from.
fn origin(entity: &str, batch: &Batch, row: usize) -> Origin {
    let text =
        |name: &str| batch.cells_named(name).and_then(|cells| cells.text(row)).unwrap_or_default().to_owned();
    Origin { entity: entity.to_owned(), system: text("src_system"), table: text("src_table") }
}

/// The ledger with one name for every nämnd that nobody knows: what stands there instead is text of the
/// source, and could be about a person.
fn with_known_namnder(ledger: &Ledger, namnder: &BTreeMap<String, String>) -> Result<Ledger, Failure> {
    const UNKNOWN: &str = "okänd";
    let mut known = Ledger::new();
    for (at, balance) in ledger.cells() {
        let mut at = at.clone();
        if !at.namnd.is_empty() && !namnder.contains_key(&at.namnd) {
            UNKNOWN.clone_into(&mut at.namnd);
        }
        known.add(at, balance)?;
    }
    for (origin, &rows) in ledger.produced() {
        known.add_produced(origin.clone(), rows)?;
    }
    Ok(known)
}
