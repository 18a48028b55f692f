//! What loading a run will do to a target, said beforehand; and whether that is still what it will do.
//!
//! A plan is made by reading only. It names everything that its figures follow from by digest: the mapping files, the
//! code lists, the sources, and the rows that the target holds. Carrying it out begins by making it once more: what
//! does not come to the same is not begun.

mod differences;
mod document;
mod text;

use std::collections::BTreeMap;

use bron_extract::RowHasher;
use bron_load::{ErrorKind, Sink};
use bron_mappings::{Artefact, Batch, BatchReader, BatchSchema, DigestBuilder, Entity, ReadError};
use bron_reconcile::rows::{self, FindingKind};

pub(crate) use self::document::LoadPlan;
use self::document::{PlannedEntity, PlannedTable, Written};
use super::Chain;
use super::refused::Refused;
use super::retirement::of_part;
use crate::failure::{Class, Exit, Failure};

impl Chain<'_> {
    /// Says what loading the run will do. The target is only read, and one that does not exist is empty.
    pub(crate) fn load_plan(&self) -> Result<LoadPlan, Failure> {
        let mut sink = self.target_to_read()?;
        let (mut entities, mut state) = (BTreeMap::new(), DigestBuilder::new("bron/plan-target/1"));
        let refused = match &mut sink {
            Some(sink) => self.refused_before(sink.as_mut())?,
            None => Refused::default(),
        };
        let stage = self.printer.stage("plan", u64::try_from(self.entities().len()).unwrap_or(0));
        for entity in self.entities() {
            self.go_on()?;
            stage.now(&entity.name);
            let found = match &mut sink {
                Some(sink) => self.compare_with_target(entity, sink.as_mut(), &refused, &mut state)?,
                None => None,
            };
            self.plan_entity(entity, found.as_ref(), &mut entities)?;
            stage.step();
        }
        let (mut due, mut already) = (Vec::new(), Vec::new());
        if let Some(sink) = &mut sink {
            due = self.due(sink.as_mut())?;
            already = self.written(sink.as_mut())?;
        }
        for due in &due {
            let planned = entities.entry((due.entity.clone(), due.system.clone())).or_default();
            planned.kept += due.kept;
            for (because, rows) in &due.retired {
                *planned.retire.entry(because.code().to_owned()).or_default() += rows;
            }
        }
        if let Err(stop) = self.stop_when_too_many_retired(&due) {
            self.printer.say(&format!("carrying out this plan will be stopped: {stop}"));
            self.printer.say(&format!("hint: {}", stop.hint.unwrap_or_default()));
        }
        let named = entities.into_iter().map(|((entity, system), planned)| PlannedEntity {
            entity,
            system,
            ..planned
        });
        Ok(LoadPlan {
            entities: named.collect(),
            already,
            tables: self.planned_tables()?,
            target: state.finish().to_string(),
            ..self.inputs()
        })
    }

    /// What the figures of a plan follow from, apart from the target.
    fn inputs(&self) -> LoadPlan {
        let texts = |digests: &BTreeMap<String, bron_mappings::Digest>| {
            digests.iter().map(|(name, digest)| (name.clone(), digest.to_string())).collect()
        };
        LoadPlan {
            format: Artefact::LoadPlan.newest(),
            run: self.run.id.clone(),
            mapping_digest: self.run.mapping_digest.clone(),
            code_lists: texts(self.set.code_digests()),
            as_of: self.settings.as_of.clone(),
            sources: texts(&super::contents(&self.fingerprints, self.decisions)),
            accepted: self.settings.accept.clone(),
            ..LoadPlan::default()
        }
    }

    /// Refuses a plan that was made of other mapping files, sources or another day of reading.
    pub(crate) fn require_inputs(&self, plan: &LoadPlan) -> Result<(), Failure> {
        let differences = plan.inputs_differ(&self.inputs());
        if differences.is_empty() { Ok(()) } else { Err(not_the_plan(&differences)) }
    }

    /// Refuses a plan whose target is not what it was, or that would not come to the same any more. A plan that this
    /// target has begun with is gone on with.
    pub(crate) fn require_plan(&self, plan: &LoadPlan) -> Result<(), Failure> {
        if self.has_begun()? {
            return Ok(());
        }
        let differences = plan.differences(&self.load_plan()?);
        if differences.is_empty() { Ok(()) } else { Err(not_the_plan(&differences)) }
    }

    /// Whether the last run that changed the target is this one, by this plan.
    fn has_begun(&self) -> Result<bool, Failure> {
        let Some(mut sink) = self.target_to_read()? else { return Ok(false) };
        let last = sink.runs()?.pop();
        Ok(last.is_some_and(|last| {
            last.load_run_id == self.run.id && last.plan.is_some() && last.plan == self.plan
        }))
    }

    /// In what the receipts of the target are not what was planned, if in anything.
    pub(crate) fn not_as_planned(&self, plan: &LoadPlan) -> Result<Option<String>, Failure> {
        let done = match self.target_to_read()? {
            Some(mut sink) => self.written(sink.as_mut())?,
            None => Vec::new(),
        };
        let differences = plan.not_done(&done);
        Ok((!differences.is_empty()).then(|| differences::listed(&differences)))
    }

    /// What the target has refused of this run; nothing when it has no control tables.
    fn refused_before(&self, sink: &mut dyn Sink) -> Result<Refused, Failure> {
        if sink.runs()?.is_empty() { Ok(Refused::default()) } else { self.refused(sink) }
    }

    fn target_to_read(&self) -> Result<Option<Box<dyn Sink>>, Failure> {
        if self.settings.target.is_absent() {
            return Ok(None);
        }
        let mut sink = self.settings.reader()?;
        sink.claim(&self.installation_mark())?;
        Ok(Some(sink))
    }

    /// Compares the rows that the run gives of an entity with those of the target, by source system: how many are new
    /// and how many are others. Nothing when the target has no such table.
    fn compare_with_target(
        &self,
        entity: &Entity,
        sink: &mut dyn Sink,
        refused: &Refused,
        state: &mut DigestBuilder,
    ) -> Result<Option<BTreeMap<String, Found>>, Failure> {
        match sink.count(entity) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Drift => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        match sink.being_made(entity)? {
            Some(run) if run == self.run.id => return Err(begun_already(&self.settings.again())),
            // Loading starts it over.
            Some(_) => return Ok(None),
            None => {}
        }
        let mut found: BTreeMap<String, Found> = BTreeMap::new();
        let refused = refused.ids(&entity.name);
        let mut hasher = None;
        let actual = Hashed { inner: sink.read(entity, None)?, hasher: &mut hasher };
        let expected = self.expected(entity)?;
        rows::compare(entity, expected, Box::new(actual), &mut |_, _| true, &mut |finding| {
            let of_system = found.entry(finding.src_system).or_default();
            let is_refused = refused.contains(&finding.entity_id);
            match finding.kind {
                FindingKind::Missing | FindingKind::Differs { .. } if is_refused => of_system.refused += 1,
                FindingKind::Missing => of_system.new += 1,
                FindingKind::Differs { .. } => of_system.other += 1,
                FindingKind::Unexpected
                | FindingKind::Repeated
                | FindingKind::Nameless { .. }
                | FindingKind::Dangling { .. }
                | FindingKind::NotRestored { .. } => {}
            }
        })?;
        // A table without rows and one that is not made yet are the same.
        if let Some(hasher) = hasher {
            state.part(entity.name.as_bytes()).part(hasher.finish().as_bytes());
        }
        Ok(Some(found))
    }

    /// Adds what becomes of the rows that the run gives of an entity.
    fn plan_entity(
        &self,
        entity: &Entity,
        found: Option<&BTreeMap<String, Found>>,
        planned: &mut BTreeMap<(String, String), PlannedEntity>,
    ) -> Result<(), Failure> {
        let mut given: BTreeMap<String, u64> = BTreeMap::new();
        for mapping in self.produced_by() {
            for (origin, rows) in self.record_of(mapping)?.ledger.produced() {
                if origin.entity == entity.name {
                    *given.entry(origin.system.clone()).or_default() += rows;
                }
            }
        }
        for (system, rows) in given {
            let Found { new, other, refused } = match found {
                Some(found) => found.get(&system).copied().unwrap_or_default(),
                None => Found { new: rows, ..Found::default() },
            };
            let planned = planned.entry((entity.name.clone(), system)).or_default();
            planned.insert += new;
            planned.update += other;
            planned.refused += refused;
            planned.unchanged += rows.saturating_sub(new).saturating_sub(other).saturating_sub(refused);
        }
        Ok(())
    }

    /// What became of the rows of each source table.
    fn planned_tables(&self) -> Result<Vec<PlannedTable>, Failure> {
        let mut tables = Vec::new();
        for mapping in self.produced_by() {
            for (name, balance) in self.record_of(mapping)?.ledger.tables()? {
                tables.push(PlannedTable {
                    system: name.system,
                    table: name.table,
                    read: balance.read,
                    loaded: balance.loaded,
                    merged: balance.merged,
                    left_out: balance.excluded,
                    held_back: balance.quarantined,
                });
            }
        }
        tables.sort_by(|a, b| (&a.system, &a.table).cmp(&(&b.system, &b.table)));
        Ok(tables)
    }

    /// What the receipts of the run say was written, by entity and system.
    fn written(&self, sink: &mut dyn Sink) -> Result<Vec<Written>, Failure> {
        let systems: BTreeMap<&str, &str> =
            self.produced_by().map(|mapping| (mapping.id.as_str(), mapping.system.as_str())).collect();
        let mut written: BTreeMap<(String, String), Written> = BTreeMap::new();
        for (part, counts) in sink.receipts(&self.run.id)? {
            let mapping = part.part.rsplit_once('/').map_or("", |(mapping, _)| mapping);
            let system = systems.get(mapping).copied().unwrap_or_default();
            let entry = written.entry((part.entity.clone(), system.to_owned()));
            let entry = entry.or_insert_with(|| Written {
                entity: part.entity.clone(),
                system: system.to_owned(),
                ..Written::default()
            });
            entry.changes.add(&of_part(&part, counts));
        }
        Ok(written.into_values().collect())
    }
}

/// Rows of one system that the target has not, and that it has with other content.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    new: u64,
    other: u64,
    /// Rows of both kinds that the target has refused of this run.
    refused: u64,
}

fn begun_already(again: &str) -> Failure {
    let message = "the load of this run has begun, and its tables cannot be read before it is finished";
    Failure::new(Exit::Failed, Class::Data, message).hint(format!("go on with: {again}"))
}

fn not_the_plan(differences: &[String]) -> Failure {
    let message =
        format!("this is not what was planned: {}; nothing was changed", differences::listed(differences));
    Failure::new(Exit::Drift, Class::Data, message).hint("make a new plan with --plan FILE, and read it")
}

/// A reader that keeps the digest of the rows that pass through it.
struct Hashed<'a, 'h> {
    inner: Box<dyn BatchReader + 'a>,
    hasher: &'h mut Option<RowHasher>,
}

impl Iterator for Hashed<'_, '_> {
    type Item = Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.inner.next();
        if let Some(Ok(batch)) = &batch
            && batch.rows() > 0
        {
            self.hasher.get_or_insert_with(|| RowHasher::new(batch.schema())).add(batch);
        }
        batch
    }
}

impl BatchReader for Hashed<'_, '_> {
    fn schema(&self) -> &BatchSchema {
        self.inner.schema()
    }
}
