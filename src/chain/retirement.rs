//! Rows of the target that the run does not give any more → the history, each with its reason.
//!
//! The ids of the run's entity parts are merged with an ordered read of the target. What only the target has, and an
//! earlier run loaded from a table of this project, is due to be retired. Rows of other systems, other projects and
//! other hands are not looked at twice, and the target checks once more.

mod changes;
mod completeness;
mod fates;
mod given;

use std::collections::{BTreeMap, BTreeSet};

use bron_load::{Beginning, Ended, IdRange, PartId, Receipt, Retirement, Sink};
use bron_mappings::{Entity, EntityId, Mapping};
use bron_transform::BRIDGE_SYSTEM;

pub(super) use self::changes::of_part;
use self::completeness::Completeness;
use self::given::GivenIds;
use super::reconciliation::Origins;
use super::{Chain, StagedTables, Work, run};
use crate::failure::Failure;

/// Rows that are looked into at a time: few enough for memory, enough that a table is seldom gone through twice.
const ROWS_AT_ONCE: usize = 65_536;
/// Rows that are retired in one transaction.
const ROWS_PER_PART: usize = 8_192;

/// What is read of the target, as far as the entity has it: whose the row is, and what the bridge's own rows name.
const FIELDS: [&str; 6] = ["src_system", "src_table", "src_key", "kalla_a", "kalla_b", "load_run_id"];

/// System and table that rows come from.
type Origin = (String, String);

/// The rows of one entity and one source table that the target holds and the run does not give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) entity: String,
    pub(crate) system: String,
    pub(crate) table: String,
    /// Rows that the target holds of the entity from the table.
    pub(crate) held: u64,
    /// Rows to be retired, by reason.
    pub(crate) retired: BTreeMap<Ended, u64>,
    /// Rows that stay, because what was read is not known to be everything.
    pub(crate) kept: u64,
}

impl Due {
    /// The rows to be retired.
    pub(crate) fn rows(&self) -> u64 {
        self.retired.values().sum()
    }
}

/// A row of the target that nothing of the run explains.
struct Candidate {
    id: EntityId,
    origin: Origin,
    key: String,
}

/// What one look into the target found.
struct Look {
    candidates: Vec<Candidate>,
    /// Rows by where they come from: few, so that looking one up needs no copy of its name.
    held: Vec<(Origin, u64)>,
    /// The last row that was looked at, when there are more.
    more_after: Option<EntityId>,
}

impl Look {
    fn count(&mut self, system: &str, table: &str) {
        let known = self.held.iter_mut().find(|(origin, _)| origin.0 == system && origin.1 == table);
        match known {
            Some((_, rows)) => *rows += 1,
            None => self.held.push(((system.to_owned(), table.to_owned()), 1)),
        }
    }
}

/// Everything that finding such rows takes.
struct Search<'c> {
    chain: &'c Chain<'c>,
    /// The mapping of each source table whose rows may be retired.
    owners: BTreeMap<Origin, &'c Mapping>,
    /// The runs that wrote to the target.
    writers: BTreeSet<String>,
    staged: StagedTables,
    completeness: Completeness,
}

impl Chain<'_> {
    /// The rows that the target holds and the run does not give, by entity, system and table. A table that a load has
    /// begun to fill was empty then: nothing of it is due.
    pub(crate) fn due(&self, reader: &mut dyn Sink) -> Result<Vec<Due>, Failure> {
        let search = Search::new(self, reader)?;
        let mut due = Vec::new();
        // A run gives every row that it wrote itself.
        if search.writers.iter().all(|run| *run == self.run.id) {
            return Ok(due);
        }
        for entity in self.entities() {
            if reader.being_made(entity)?.is_some() {
                continue;
            }
            let mut found: BTreeMap<Origin, Due> = BTreeMap::new();
            search.each(entity, reader, &mut |held, judged| {
                for (origin, rows) in held {
                    entry(&mut found, entity, origin).held += rows;
                }
                for (candidate, because) in judged {
                    let due = entry(&mut found, entity, &candidate.origin);
                    match because {
                        Some(because) => *due.retired.entry(*because).or_default() += 1,
                        None => due.kept += 1,
                    }
                }
                Ok(())
            })?;
            due.extend(found.into_values().filter(|due| due.rows() + due.kept > 0));
        }
        Ok(due)
    }

    /// Stops before a row is changed when more of a table would be retired than the project allows, unless the
    /// operator accepts it. The bridge's own rows follow those that they are made of.
    pub(super) fn stop_when_too_many_retired(&self, due: &[Due]) -> Result<(), Failure> {
        let limit = u128::from(self.settings.retire_limit_percent);
        let before = self.snapshot()?.tables;
        let accepted = |due: &Due| {
            let stored = before
                .iter()
                .any(|table| table.accepted && table.system == due.system && table.table == due.table);
            stored || self.settings.accept.contains(&format!("{}/{}", due.system, due.table))
        };
        let too_many = |due: &&Due| {
            u128::from(due.rows()) * 100 > limit * u128::from(due.held) && due.system != BRIDGE_SYSTEM
        };
        let stopped: Vec<&Due> = due.iter().filter(too_many).filter(|due| !accepted(due)).collect();
        let Some(first) = stopped.first() else { return Ok(()) };
        let told: Vec<String> = stopped.iter().map(|due| told(due)).collect();
        let message = format!(
            "more than {limit} % of a table would be retired: {}; no row was changed",
            told.join(", ")
        );
        let again = format!("{} --accept {}/{}", self.settings.again(), first.system, first.table);
        Err(Failure::safety(message).hint(format!(
            "find out why the rows are not given any more; once it is explained, accept it: {again}"
        )))
    }

    /// Gives the run its place in the target.
    pub(super) fn register(&self, sink: &mut dyn Sink) -> Result<(), Failure> {
        let beginning = Beginning {
            as_of: self.settings.as_of.clone(),
            began: Some(run::now()),
            plan: self.plan.clone(),
        };
        sink.register(&self.run_ids(), &beginning)?;
        Ok(())
    }

    /// Moves what is due to the history: what says who may read goes last. The rows are read on a connection of its
    /// own: a reading that stops early costs its connection, and `sink` keeps other loads away.
    pub(super) fn retire(&self, sink: &mut dyn Sink, due: &[Due], work: &mut Work) -> Result<(), Failure> {
        for one in due.iter().filter(|due| due.kept > 0) {
            let (entity, system, table, kept) = (&one.entity, &one.system, &one.table, one.kept);
            self.printer.say(&format!(
                "{entity}: {kept} rows from {system}/{table} are not given any more and stay: not everything was read"
            ));
        }
        if due.iter().all(|due| due.rows() == 0) {
            return Ok(());
        }
        let mut reader = self.settings.reader()?;
        let search = Search::new(self, reader.as_mut())?;
        let order: Vec<Origin> = self.in_load_order().into_iter().map(origin).collect();
        let place = |due: &Due| order.iter().position(|one| *one == (due.system.clone(), due.table.clone()));
        let mut entities: Vec<(Option<usize>, &str)> =
            due.iter().filter(|due| due.rows() > 0).map(|due| (place(due), due.entity.as_str())).collect();
        entities.sort_unstable_by(|one, other| other.cmp(one));
        let mut seen = BTreeSet::new();
        entities.retain(|(_, entity)| seen.insert(*entity));
        for (_, name) in entities {
            let entity = self.set.model.entity(name).expect("what is due is of the model's entities");
            search.each(entity, reader.as_mut(), &mut |_, judged| {
                let mut groups: BTreeMap<(&Origin, Ended), Vec<EntityId>> = BTreeMap::new();
                for (candidate, because) in judged {
                    let Some(because) = because else { continue };
                    groups.entry((&candidate.origin, *because)).or_default().push(candidate.id);
                }
                groups.into_iter().try_for_each(|((origin, because), ids)| {
                    self.retire_rows(sink, entity, search.owners[origin], because, &ids, work)
                })
            })?;
        }
        Ok(())
    }

    fn retire_rows(
        &self,
        sink: &mut dyn Sink,
        entity: &Entity,
        mapping: &Mapping,
        because: Ended,
        ids: &[EntityId],
        work: &mut Work,
    ) -> Result<(), Failure> {
        let retirement = Retirement { system: mapping.system.clone(), table: mapping.table.clone(), because };
        let of_mapping = format!("{}/retired-", mapping.id);
        let receipts = sink.receipts(&self.run.id)?;
        let done = receipts
            .iter()
            .filter(|(part, _)| part.entity == entity.name && part.part.starts_with(&of_mapping));
        let first = done.count();
        for (index, ids) in ids.chunks(ROWS_PER_PART).enumerate() {
            self.go_on()?;
            let part = PartId {
                entity: entity.name.clone(),
                part: format!("{of_mapping}{:05}-{}", first + index, because.code()),
                content: retirement.content(ids),
            };
            let receipt = sink.retire(entity, &part, ids, &retirement, &self.run_ids())?;
            work.count(matches!(receipt, Receipt::Replayed(_)));
        }
        Ok(())
    }
}

fn origin(mapping: &Mapping) -> Origin {
    (mapping.system.clone(), mapping.table.clone())
}

fn entry<'f>(found: &'f mut BTreeMap<Origin, Due>, entity: &Entity, origin: &Origin) -> &'f mut Due {
    found.entry(origin.clone()).or_insert_with(|| Due {
        entity: entity.name.clone(),
        system: origin.0.clone(),
        table: origin.1.clone(),
        held: 0,
        retired: BTreeMap::new(),
        kept: 0,
    })
}

fn told(due: &Due) -> String {
    let because: Vec<String> =
        due.retired.iter().map(|(because, rows)| format!("{rows} {}", because.code())).collect();
    let (system, table, entity) = (&due.system, &due.table, &due.entity);
    format!("{} of {} rows of {entity} from {system}/{table} ({})", due.rows(), due.held, because.join(", "))
}

/// What is done with the rows of one look: the rows by origin, and each row that is not given with why it is to be
/// retired, or nothing when it stays.
type Judge<'j> = dyn FnMut(&[(Origin, u64)], &[(Candidate, Option<Ended>)]) -> Result<(), Failure> + 'j;

impl<'c> Search<'c> {
    fn new(chain: &'c Chain<'c>, sink: &mut dyn Sink) -> Result<Self, Failure> {
        let staged = chain.staged()?;
        let completeness = Completeness::of(chain, &staged)?;
        let owners = chain.produced_by().map(|mapping| (origin(mapping), mapping)).collect();
        let writers = sink.runs()?.into_iter().map(|run| run.load_run_id).collect();
        Ok(Self { chain, owners, writers, staged, completeness })
    }

    /// Goes through the rows of an entity, many at a time, and says why each that is not given is to be retired.
    fn each(&self, entity: &Entity, sink: &mut dyn Sink, judge: &mut Judge<'_>) -> Result<(), Failure> {
        let mut after = None;
        loop {
            self.chain.go_on()?;
            let look = self.look(entity, sink, after)?;
            let judged = self.judged(look.candidates)?;
            judge(&look.held, &judged)?;
            after = look.more_after;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn look(&self, entity: &Entity, sink: &mut dyn Sink, after: Option<EntityId>) -> Result<Look, Failure> {
        let fields: Vec<&str> = FIELDS
            .into_iter()
            .filter(|name| *name == "load_run_id" || entity.field(name).is_some())
            .collect();
        let mut given = GivenIds::new(self.chain.id_readers(entity)?);
        let mut look = Look { candidates: Vec::new(), held: Vec::new(), more_after: None };
        let range = IdRange { from: after, to: None };
        for batch in sink.read_fields(entity, &fields, Some(range))? {
            let batch = batch?;
            let origins = Origins::of(&batch);
            let [writers, keys] = ["load_run_id", "src_key"].map(|name| batch.cells_named(name));
            for row in 0..batch.rows() {
                let id = batch.cells(0).id(row).map(EntityId::from_bytes);
                let Some(id) = id.filter(|id| Some(*id) != after) else { continue };
                let (system, table, _) = origins.known[origins.of_row[row]];
                look.count(system, table);
                if given.has(id)? {
                    continue;
                }
                let origin = (system.to_owned(), table.to_owned());
                let writer = writers.as_ref().and_then(|cells| cells.text(row)).unwrap_or_default();
                let is_ours = self.owners.contains_key(&origin)
                    && self.writers.contains(writer)
                    && !self.chain.is_from_elsewhere(&batch, row);
                if is_ours {
                    let key = keys.as_ref().and_then(|cells| cells.text(row)).unwrap_or_default().to_owned();
                    look.candidates.push(Candidate { id, origin, key });
                }
                if look.candidates.len() == ROWS_AT_ONCE {
                    look.more_after = Some(id);
                    return Ok(look);
                }
            }
        }
        Ok(look)
    }
}
