//! Entity parts → target rows, each part once.
//!
//! Several connections write at once, each on a thread of its own that also reads and decodes its parts. What comes
//! into the target, and the receipts for it, do not depend on how many they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use bron_extract::{Manifest, PartEntry};
use bron_load::{Finished, PartId, RunIds, Sink, Target};
use bron_mappings::{Batch, Entity, EntityId, InstallationSecret, Mapping, SourceKey};

use bron_reconcile::summary::RefusedLine;

use super::refused::Refused;
use super::retirement::Due;
use super::{Chain, STOP, Work};
use crate::failure::{Class, Exit, Failure};
use crate::printer::Printer;
use crate::settings::Settings;

/// What the targets of the installation with this secret are marked with: keyed, so that it says nothing about the
/// secret.
pub(crate) fn installation_mark(secret: &InstallationSecret) -> String {
    let key = SourceKey::new("bron", "installation", [Some("target")]);
    EntityId::derive(secret, "installation", &key).to_string()
}

/// The name by which the target knows a part of a mapping's rows.
fn part_name(mapping: &Mapping, file: &str) -> String {
    format!("{}/{}", mapping.id, file.trim_end_matches(".parquet"))
}

impl Chain<'_> {
    /// The identity of this run in the target.
    pub(crate) fn run_ids(&self) -> RunIds {
        RunIds { extract_run_id: self.run.id.clone(), load_run_id: self.run.id.clone() }
    }

    /// What the installation's targets are marked with.
    pub(crate) fn installation_mark(&self) -> String {
        installation_mark(&self.settings.secret)
    }

    /// The entities that this project makes rows of, ordered by name.
    pub(crate) fn entities(&self) -> Vec<&Entity> {
        let mut names: Vec<&str> = self
            .produced_by()
            .flat_map(|mapping| &mapping.targets)
            .map(|target| target.entity.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter_map(|name| self.set.model.entity(name)).collect()
    }

    /// The mappings in the order in which their rows are loaded: what says who may read goes first, so that a
    /// load that was cut short never leaves in the target what a reader must not see.
    pub(super) fn in_load_order(&self) -> Vec<&Mapping> {
        let mut mappings: Vec<&Mapping> = self.produced_by().collect();
        mappings.sort_by_key(|mapping| self.load_place(mapping));
        mappings
    }

    fn load_place(&self, mapping: &Mapping) -> usize {
        let system = self.set.systems.get(&mapping.system);
        system.map_or(usize::MAX, |system| system.load_place(&mapping.table))
    }

    /// Writes every part that the target has no receipt for, and ends the load: keys, indexes and references hold for
    /// every row.
    pub(crate) fn load(&self) -> Result<Work, Failure> {
        let mut definer = self.open_target()?;
        let deliveries = self.deliveries()?;
        let run = self.run_ids();
        let load = Load { settings: self.settings, run: &run, deliveries: &deliveries };
        let due = self.due(self.settings.reader()?.as_mut())?;
        self.stop_when_too_many_retired(&due)?;
        self.begin(definer.as_mut(), &load, &due)?;
        let (written, mut work) = self.write_missing(definer.as_mut(), &load)?;
        self.try_refused(&written, &mut work)?;
        self.retire(definer.as_mut(), &due, &mut work)?;
        self.finish(definer.as_mut(), &load, !written.is_empty())?;
        tell_refused(self.printer, &self.refused(definer.as_mut())?);
        Ok(work)
    }

    /// The target with the tables of the model, which are this installation's.
    fn open_target(&self) -> Result<Box<dyn Sink>, Failure> {
        let mut definer = self.settings.definer()?;
        definer.prepare(&self.set.model, &names(&self.entities()))?;
        definer.claim(&self.installation_mark())?;
        Ok(definer)
    }

    /// Begins the load of every entity that something is to happen to: parts are missing, rows are due, refused rows
    /// are tried again, or a load was interrupted. Without any, the run gets no place in the target.
    fn begin(&self, definer: &mut dyn Sink, load: &Load<'_>, due: &[Due]) -> Result<(), Failure> {
        let written = load.missing(definer)?.into_iter().map(|job| load.entity(job).name.clone());
        let retired = due.iter().filter(|due| due.rows() > 0).map(|due| due.entity.clone());
        let mut open: BTreeSet<String> = written.chain(retired).collect();
        open.extend(definer.refused(&load.run.load_run_id)?.into_iter().map(|refusal| refusal.entity));
        for entity in self.entities() {
            if definer.being_made(entity)?.is_some() {
                open.insert(entity.name.clone());
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        self.register(definer)?;
        let open: Vec<&str> = open.iter().map(String::as_str).collect();
        Ok(definer.begin(&self.set.model, &open, load.run)?)
    }

    /// Writes the parts without a receipt, and gives each by entity and name. What another run had left unfinished was
    /// started over together with its receipts, so this is asked after the beginning.
    fn write_missing(
        &self,
        definer: &mut dyn Sink,
        load: &Load<'_>,
    ) -> Result<(BTreeSet<(String, String)>, Work), Failure> {
        let missing = load.missing(definer)?;
        let stage = self.printer.stage("load", as_count(missing.len()));
        load.write(definer, &missing, &|job| {
            stage.now(&load.deliveries[job.delivery].mapping.id);
            stage.step();
        })?;
        let work =
            Work { done: as_count(missing.len()), reused: as_count(load.jobs().len() - missing.len()) };
        let written = missing.into_iter().map(|job| load.id(job)).map(|part| (part.entity, part.part));
        Ok((written.collect(), work))
    }

    /// Ends the load, and verifies that nobody has started over what it wrote.
    fn finish(&self, definer: &mut dyn Sink, load: &Load<'_>, has_written: bool) -> Result<(), Failure> {
        let finished = definer.finish(&self.set.model, &names(&self.entities()), load.run)?;
        tell(self.printer, &finished, has_written);
        if load.missing(definer)?.is_empty() {
            return Ok(());
        }
        let text = "another load has started tables over that this one wrote into";
        Err(Failure::new(Exit::Failed, Class::Retryable, text)
            .hint(format!("go on with: {}", self.settings.again())))
    }

    /// Whether the target has a receipt for every part of the run.
    pub(super) fn is_loaded(&self, sink: &mut dyn Sink) -> Result<bool, Failure> {
        let (run, deliveries) = (self.run_ids(), self.deliveries()?);
        let load = Load { settings: self.settings, run: &run, deliveries: &deliveries };
        Ok(load.missing(sink)?.is_empty())
    }

    /// The parts of the run that are to be in the target, each with the number of its rows.
    pub(super) fn parts(&self) -> Result<Vec<(PartId, u64)>, Failure> {
        let (run, deliveries) = (self.run_ids(), self.deliveries()?);
        let load = Load { settings: self.settings, run: &run, deliveries: &deliveries };
        let part = |job: Job| (load.id(job), deliveries[job.delivery].manifest.parts[job.part].rows);
        Ok(load.jobs().into_iter().map(part).collect())
    }

    /// What is to be in the target, in the order in which it is loaded.
    fn deliveries(&self) -> Result<Vec<Delivery<'_>>, Failure> {
        let mut deliveries = Vec::new();
        for mapping in self.in_load_order() {
            let place = self.load_place(mapping);
            for name in self.record_of(mapping)?.entities {
                let entity = self.set.model.entity(&name).expect("the record was made with this model");
                let dir = self.entity_dir(mapping, &name);
                let manifest = self.manifest(&dir)?;
                deliveries.push(Delivery { place, mapping, entity, dir, manifest });
            }
        }
        Ok(deliveries)
    }
}

fn names<'e>(entities: &[&'e Entity]) -> Vec<&'e str> {
    entities.iter().map(|entity| entity.name.as_str()).collect()
}

/// Tells the operator what the end of the load found.
fn tell(printer: &Printer, finished: &Finished, has_written: bool) {
    for dangling in &finished.dangling {
        printer.say(&format!("no foreign key on {dangling}"));
    }
    if finished.left_to_another {
        printer.say("another load is at work: it puts on the foreign keys when it ends");
    }
    if has_written && !finished.unaltered.is_empty() {
        let tables = finished.unaltered.len();
        printer.say(&format!(
            "{tables} tables belong to another role: their keys, indexes and foreign keys stay as they are"
        ));
    }
}

/// Tells the operator how many rows the target refused, and for what.
fn tell_refused(printer: &Printer, refused: &Refused) {
    for line in refused.lines() {
        let RefusedLine { system, table, entity, reason, constraint, rows } = line;
        let constraint = if constraint.is_empty() { String::new() } else { format!(" by {constraint}") };
        printer.say(&format!(
            "load       {rows} rows of {entity} from {system}/{table} were refused{constraint} ({reason})"
        ));
    }
}

fn as_count(number: usize) -> u64 {
    u64::try_from(number).expect("a number of parts fits")
}

/// The rows of one entity that come from one source table.
struct Delivery<'a> {
    /// Everything of a place is loaded before anything of the next.
    place: usize,
    mapping: &'a Mapping,
    entity: &'a Entity,
    dir: PathBuf,
    manifest: Manifest,
}

/// One part of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Job {
    delivery: usize,
    part: usize,
}

/// The parts of a run on their way into the target.
struct Load<'a> {
    settings: &'a Settings,
    run: &'a RunIds,
    deliveries: &'a [Delivery<'a>],
}

impl Load<'_> {
    fn jobs(&self) -> Vec<Job> {
        let of = |(delivery, parts): (usize, usize)| (0..parts).map(move |part| Job { delivery, part });
        let parts = self.deliveries.iter().map(|delivery| delivery.manifest.parts.len());
        parts.enumerate().flat_map(of).collect()
    }

    fn entity(&self, job: Job) -> &Entity {
        self.deliveries[job.delivery].entity
    }

    fn id(&self, job: Job) -> PartId {
        let Delivery { mapping, entity, manifest, .. } = &self.deliveries[job.delivery];
        let part = &manifest.parts[job.part];
        PartId { entity: entity.name.clone(), part: part_name(mapping, &part.file), content: part.content }
    }

    /// The parts that the target has no receipt for.
    fn missing(&self, sink: &mut dyn Sink) -> Result<Vec<Job>, Failure> {
        let there: BTreeSet<PartId> =
            sink.receipts(&self.run.load_run_id)?.into_iter().map(|(id, _)| id).collect();
        Ok(self.jobs().into_iter().filter(|job| !there.contains(&self.id(*job))).collect())
    }

    /// The parts in groups: those of a group may be written in any order, and each group comes after the one before.
    /// Two deliveries of one entity are never in one group, so that a row of both is always written by the first. Of
    /// an entity whose order decides what is refused, `in_order`, no two parts are.
    fn waves(&self, jobs: &[Job], in_order: &BTreeSet<&str>) -> Vec<Vec<Job>> {
        let mut waves: Vec<Vec<Job>> = Vec::new();
        let (mut first, mut place) = (0, None);
        let mut waves_of: BTreeMap<&str, usize> = BTreeMap::new();
        for (number, delivery) in self.deliveries.iter().enumerate() {
            if place.replace(delivery.place) != Some(delivery.place) {
                (first, waves_of) = (waves.len(), BTreeMap::new());
            }
            let earlier = waves_of.entry(&delivery.entity.name).or_default();
            let own: Vec<Job> = jobs.iter().copied().filter(|job| job.delivery == number).collect();
            let alone = if in_order.contains(delivery.entity.name.as_str()) { 1 } else { own.len().max(1) };
            for group in own.chunks(alone) {
                let wave = first + *earlier;
                *earlier += 1;
                waves.resize_with(waves.len().max(wave + 1), Vec::new);
                waves[wave].extend(group);
            }
        }
        waves
    }

    /// The entities of these parts whose rows are refused by their order.
    fn in_order(&self, sink: &mut dyn Sink, jobs: &[Job]) -> Result<BTreeSet<&str>, Failure> {
        let entities: BTreeMap<&str, &Entity> =
            jobs.iter().map(|job| self.entity(*job)).map(|entity| (entity.name.as_str(), entity)).collect();
        let mut found = BTreeSet::new();
        for (name, entity) in entities {
            if sink.is_order_sensitive(entity)? {
                found.insert(name);
            }
        }
        Ok(found)
    }

    /// Writes these parts, several at a time where the target is a server.
    fn write(
        &self,
        definer: &mut dyn Sink,
        jobs: &[Job],
        begun: &(dyn Fn(Job) + Sync),
    ) -> Result<(), Failure> {
        let waves = self.waves(jobs, &self.in_order(definer, jobs)?);
        let widest = waves.iter().map(Vec::len).max().unwrap_or(0);
        if matches!(self.settings.target, Target::Sqlite(_)) || widest == 0 {
            let most = definer.parts_at_once();
            let deliveries = waves.iter().flat_map(|wave| wave.chunk_by(|a, b| a.delivery == b.delivery));
            let mut together = deliveries.flat_map(|jobs| jobs.chunks(most));
            return together.try_for_each(|jobs| self.write_parts(definer, jobs, begun));
        }
        let mut writers = Vec::new();
        for _ in 0..self.settings.loading.connections.min(widest) {
            writers.push(self.settings.writer()?);
        }
        waves.iter().try_for_each(|wave| self.write_wave(&mut writers, wave, begun))
    }

    /// Writes the parts of a wave on all connections. Of several failures the one of the first part is told.
    fn write_wave(
        &self,
        writers: &mut [Box<dyn Sink>],
        wave: &[Job],
        begun: &(dyn Fn(Job) + Sync),
    ) -> Result<(), Failure> {
        let next = AtomicUsize::new(0);
        let failures: Mutex<BTreeMap<Job, Failure>> = Mutex::default();
        let failures_now = || failures.lock().unwrap_or_else(PoisonError::into_inner);
        let work = |sink: &mut dyn Sink| {
            while failures_now().is_empty() {
                let Some(job) = wave.get(next.fetch_add(1, Ordering::SeqCst)) else { return };
                if let Err(failure) = self.write_parts(sink, &[*job], begun) {
                    failures_now().insert(*job, failure);
                }
            }
        };
        thread::scope(|scope| {
            let (here, beside) = writers.split_first_mut().expect("there is a connection for a part");
            for sink in beside.iter_mut().take(wave.len().saturating_sub(1)) {
                scope.spawn(|| work(sink.as_mut()));
            }
            work(here.as_mut());
        });
        let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        failures.into_values().next().map_or(Ok(()), Err)
    }

    /// Writes parts of one delivery.
    fn write_parts(
        &self,
        sink: &mut dyn Sink,
        jobs: &[Job],
        begun: &(dyn Fn(Job) + Sync),
    ) -> Result<(), Failure> {
        let Some(first) = jobs.first() else { return Ok(()) };
        if STOP.load(Ordering::SeqCst) {
            return Err(Failure::interrupted(&self.settings.again()));
        }
        let parts = jobs.iter().map(|job| {
            begun(*job);
            let Delivery { dir, manifest, .. } = &self.deliveries[job.delivery];
            Ok((self.id(*job), whole_part(manifest, dir, &manifest.parts[job.part])?))
        });
        let parts: Vec<(PartId, Batch)> = parts.collect::<Result<_, Failure>>()?;
        sink.write_together(self.entity(*first), &parts, self.run)?;
        Ok(())
    }
}

/// All rows of a part as one batch.
fn whole_part(manifest: &Manifest, dir: &Path, part: &PartEntry) -> Result<Batch, Failure> {
    let rows = usize::try_from(part.rows).unwrap_or(usize::MAX);
    // To the end: only then has the digest of the rows been compared.
    let batches: Vec<Batch> = manifest.read_part(dir, part, None, rows.max(1))?.collect::<Result<_, _>>()?;
    batches.into_iter().next().ok_or_else(|| Failure::safety(format!("{} has no rows", part.file)))
}
