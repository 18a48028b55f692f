//! The translation through the mappings, both ways.
//!
//! *The way there* maps rows with the engine that maps whole tables, over a world of few rows: the changed rows, the
//! rows that their rules read, and the rows that stand beside them in an order. Which those are follows from the
//! [`Ties`] of the mappings. What comes out is, byte for byte, what mapping all tables gives for the same source rows.
//! A row that rests on a changed one is found by the same ties, and mapped anew when anything of it comes out
//! otherwise.
//!
//! *The way back* writes rows of the model into the columns of the legacy row that they were made from, with the
//! complement: the legacy row as it was, kept when it was mapped. What was written is mapped again at once, and every
//! field that does not come back as it was is named as lost ([`Translated::lost`]). A row that was born in the new
//! model gets a legacy key of its own, and keeps its id in the new model for good.
//!
//! Followed change by change: every row that a mapping makes, with all that its rules read of other rows (parents,
//! neighbours, counts and sums, rules over several rows) and with the protection of its person, which is that of all
//! records of the same human.
//!
//! Not followed change by change, because they are made of all rows at once: links between persons and questions about
//! them (`identity_link`), and the dates at which files are due to be destroyed. They are made anew by a run over all
//! tables. Of a table in which one key has several rows, as in monthly snapshots, the last state of the key is the row;
//! that a key is repeated is only seen by a run over all tables.

mod columns;
mod forward;
mod image;
mod known;
mod losses;
mod reverse;
#[cfg(test)]
mod tests;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{
    BatchSchema, Digest, EntityId, IdentityDecisions, InstallationSecret, Mapping, MappingSet, SourceKey,
};
use bron_transform::{Inverter, PersonTable, Plan, PlanError, REGISTRY_VERSION, Ties};

use crate::change::{Change, MODEL_SYSTEM, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::lens::{Agreed, Lens, Translated};
use crate::scope::Side;
use forward::Pending;
pub use image::{model_image, model_row};
pub use known::{Born, Known, KnownRow, RememberedRows};
pub use losses::Loss;

/// The name that a scope has where the source says nothing of an area or a nämnd: rows that belong to all.
pub const SHARED_SCOPE: &str = "gemensamt";

/// A table of a legacy system: system and table.
pub(crate) type Table = (String, String);

/// What the lens is made of beside the mappings.
#[derive(Clone, Debug, Default)]
pub struct LensTerms {
    /// The columns of every table that is followed, as extraction finds them, in the order of the source: the sum over
    /// a source row counts them all.
    pub schemas: BTreeMap<Table, BatchSchema>,
    /// The day that the sources are read as of, `YYYY-MM-DD`: what `@as_of` gives.
    pub as_of: Option<String>,
    /// What named persons have decided about records of persons.
    pub decisions: IdentityDecisions,
    /// The systems that carry out decided interventions; every other decides.
    pub carriers: Vec<String>,
}

/// One mapping, made ready for both ways.
struct Way<'s> {
    mapping: &'s Mapping,
    plan: Plan,
    persons: Option<PersonTable>,
}

/// Translates through a set of mappings, with a store of what is known of other rows.
pub struct MappedLens<'s, K> {
    set: &'s MappingSet,
    secret: InstallationSecret,
    terms: LensTerms,
    ties: Ties,
    ways: BTreeMap<Table, Way<'s>>,
    inverters: BTreeMap<Table, Inverter<'s>>,
    known: K,
    /// Rows that were born in the new model: by the id that their legacy key gives, the id that they have.
    born: BTreeMap<EntityId, EntityId>,
    /// The other way round.
    derived: BTreeMap<EntityId, EntityId>,
    /// The legacy rows of rows that were born in the new model, by the id that they have.
    homes: BTreeMap<EntityId, SourceKey>,
    /// What the last translation found out about rows, until it is applied.
    pending: BTreeMap<SourceKey, Pending>,
    /// The states that it was about.
    covered: BTreeSet<(SourceKey, Version)>,
}

impl<'s, K: Known> MappedLens<'s, K> {
    /// Makes every mapping of the set ready whose table is given.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when a mapping cannot be used for its table, and what the store says.
    pub fn new(set: &'s MappingSet, secret: &InstallationSecret, terms: LensTerms, known: K) -> Result<Self> {
        let (mut ways, mut inverters) = (BTreeMap::new(), BTreeMap::new());
        for mapping in &set.mappings {
            let table = (mapping.system.clone(), mapping.table.clone());
            let Some(schema) = terms.schemas.get(&table) else { continue };
            let plan = Plan::new(set, mapping, schema, secret).map_err(|error| unusable(&error))?;
            let persons = PersonTable::new(set, mapping).map_err(|error| unusable(&error))?;
            let persons = persons.map(|persons| persons.read_on(terms.as_of.as_deref()));
            inverters.insert(
                table.clone(),
                Inverter::new(set, mapping, secret).map_err(|error| unusable(&error))?,
            );
            ways.insert(table, Way { mapping, plan, persons });
        }
        let ties = Ties::new(set, secret, &terms.decisions);
        let mut lens = Self {
            set,
            secret: secret.clone(),
            terms,
            ties,
            ways,
            inverters,
            born: BTreeMap::new(),
            derived: BTreeMap::new(),
            homes: BTreeMap::new(),
            pending: BTreeMap::new(),
            covered: BTreeSet::new(),
            known,
        };
        for born in lens.known.born()? {
            lens.note(&born);
        }
        Ok(lens)
    }

    /// What is known of other rows.
    #[must_use]
    pub const fn known(&self) -> &K {
        &self.known
    }

    /// Gives the store back.
    #[must_use]
    pub fn into_known(self) -> K {
        self.known
    }

    fn note(&mut self, born: &Born) {
        self.born.insert(born.derived, born.id);
        self.derived.insert(born.id, born.derived);
        self.homes.insert(born.id, born.key.clone());
    }

    /// What both worlds last agreed on of a row of either.
    fn agreed_on(&mut self, key: &SourceKey) -> Result<Agreed> {
        let found = if key.system() == MODEL_SYSTEM {
            let terms = BTreeSet::from([self.model_term(key)]);
            let homes: Vec<SourceKey> = self.known.offering(&terms)?.into_iter().collect();
            let known = self.known.rows(&homes)?.into_iter().flatten();
            known.filter_map(|mut known| known.became.remove(key)).next()
        } else {
            self.known.rows(std::slice::from_ref(key))?.into_iter().flatten().find_map(|known| known.image)
        };
        Ok(found.map_or(Agreed::Absent, Agreed::Row))
    }

    fn side(&self, system: &str) -> Side {
        let carries = self.terms.carriers.iter().any(|carrier| carrier == system);
        if carries { Side::Utforare } else { Side::Myndighet }
    }
}

impl<K: Known> Lens for MappedLens<'_, K> {
    fn mapping_version(&self) -> Digest {
        self.set.digest(REGISTRY_VERSION)
    }

    /// One translation for each row that changed, of its last state, and one for each row that comes out otherwise
    /// because of it, at the greatest version of the changes. A state older than the one that is known is passed over.
    fn forward(&mut self, changes: &[Change]) -> Result<Vec<Translated>> {
        self.pending.clear();
        self.translate_forward(changes)
    }

    /// One translation for each row of the model that changed. Of several rows that one legacy row became, the first
    /// by its key carries the legacy row, the others carry nothing.
    fn reverse(&mut self, changes: &[Change]) -> Result<Vec<Translated>> {
        self.pending.clear();
        self.translate_back(changes)
    }

    fn agreed(&mut self, keys: &[SourceKey]) -> Result<Vec<Agreed>> {
        keys.iter().map(|key| self.agreed_on(key)).collect()
    }

    fn applied(&mut self, changes: &[Change], translated: &[Translated]) -> Result<()> {
        if !forward::covered(changes).is_subset(&self.covered) {
            let back = changes.first().is_some_and(|change| change.key.system() == MODEL_SYSTEM);
            if back {
                self.reverse(changes)?
            } else {
                self.forward(changes)?
            };
        }
        self.keep(translated)
    }
}

fn unusable(error: &PlanError) -> Error {
    Error::new(ErrorKind::Config, error.to_string())
}

/// The key of a row of the model.
pub(crate) fn model_key(entity: &str, id: &EntityId) -> SourceKey {
    SourceKey::new(MODEL_SYSTEM, entity, [Some(id.to_string().as_str())])
}

/// The id in the key of a row of the model.
pub(crate) fn model_id(key: &SourceKey) -> Option<EntityId> {
    EntityId::parse(key.values().first().copied().flatten()?)
}
