//! Which records of persons are one human, and which perhaps are: the rows of `identity_link` and
//! `match_candidate` that no source table has.
//!
//! A link rests on one of three things: equal valid national numbers where neither side is protected, an
//! explicit reference in a source, or a named person's decision. Everything else is a question to people, a
//! `match_candidate`, with a score that says what it is made of. Nothing here is ever guessed:
//!
//! - A number links only when it is a personnummer or samordningsnummer with a right check digit, an
//!   existing date and a certain century, when its periods meet, and when few records have it: a number of
//!   many is a stand-in. A reservnummer never links.
//! - A human with any mark of protection in any source is taken out before anything is compared, so no
//!   comparison can lead from an old identity to a new one.
//! - Two different valid personnummer are two humans, however alike the rest is. Likeness of numbers counts
//!   for nothing, so twins one digit apart never meet.
//!
//! An undone link stays as a row that says who undid it and when.

mod candidates;
mod links;
mod names;
mod output;
mod records;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use bron_mappings::{
    Batch, EntityId, IdentityDecisions, InstallationSecret, Model, PairDecision, Protection,
};

use crate::apply::Transformed;
use crate::lookups::{PersonTable, Persons};
use candidates::{Candidate, Method, Score};
use links::Link;
use records::{Open, Records};

pub use output::IDENTITY_TABLE;

/// Gathers the records that are in the target and what the sources say about them.
pub struct IdentityBuilder<'p> {
    secret: InstallationSecret,
    persons: &'p Persons,
    records: Records,
}

/// Two records, by their places: the smaller in canonical order first.
type Pair = (u32, u32);

/// The links and the questions of a run.
pub struct Identity {
    secret: InstallationSecret,
    records: Records,
    levels: Vec<Option<Protection>>,
    links: BTreeMap<Pair, Link>,
    candidates: BTreeMap<Pair, Candidate>,
    idle: usize,
}

impl fmt::Debug for IdentityBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityBuilder")
    }
}

impl fmt::Debug for Identity {
    /// Prints counts, never a record.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} links, {} candidates)", self.links.len(), self.candidates.len())
    }
}

impl<'p> IdentityBuilder<'p> {
    /// A builder over finished persons. `loaded` are the ids of the `person` rows that were made: a record
    /// that is held back or left out takes no part.
    #[must_use]
    pub fn new(secret: &InstallationSecret, persons: &'p Persons, loaded: Vec<EntityId>) -> Self {
        Self { secret: secret.clone(), persons, records: Records::new(loaded) }
    }

    /// Adds the rows of a batch of a table of persons or of links, in staged order.
    pub fn add(&mut self, table: &PersonTable, batch: &Batch) {
        self.records.add(&self.secret, self.persons, table, batch);
    }

    /// The links and the questions, in the light of what people have decided.
    #[must_use]
    pub fn finish(self, decisions: &IdentityDecisions) -> Identity {
        self.finish_with(decisions, &mut candidates::compare)
    }

    /// As [`IdentityBuilder::finish`], with the comparison in the caller's hands.
    fn finish_with(
        self,
        decisions: &IdentityDecisions,
        compare: &mut dyn FnMut(Method, &Open, &Open) -> Option<Score>,
    ) -> Identity {
        let Self { secret, persons, records } = self;
        let decided = records.decided(persons, decisions);
        let levels = records.all().map(|record| persons.protection(&record.id)).collect::<Vec<_>>();
        let humans = records.all().map(|record| persons.human(&record.id)).collect::<Vec<_>>();
        let mut links = links::from_sources(&records, &levels);
        let candidates = candidates::find(&records, &humans, &decided, compare);
        let used = links::apply_decisions(&records, &levels, &decided, &candidates, &mut links);
        let idle = decisions.pairs().len() - used;
        Identity { secret, records, levels, links, candidates, idle }
    }
}

impl Identity {
    /// How many decided pairs have no effect: a record is not in the target, or has the highest protection,
    /// or there is nothing to undo.
    #[must_use]
    pub const fn idle_decisions(&self) -> usize {
        self.idle
    }

    /// The rows of both entities, the marks of open questions, and a balance of a table that has no rows
    /// of its own.
    #[must_use]
    pub fn transformed(&self, model: &Model, mapping_version: &str) -> Transformed {
        output::transformed(self, model, mapping_version)
    }
}

/// What was decided about pairs of records that are here.
type Decided<'d> = BTreeMap<Pair, PairDecision<'d>>;
