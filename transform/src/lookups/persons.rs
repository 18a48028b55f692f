//! How protected each human is: the records of persons of all systems, joined where a source says that
//! two are one human.
//!
//! Records are one human *for protection* when they have equal valid national numbers (personnummer or
//! samordningsnummer with a right check digit, an existing date, a certain century, no stand-in) or are
//! joined by an explicit reference, a link or a named person's decision. Joining can only raise a
//! protection: the highest mark of any record counts for all of them. So more records and more links
//! never lower anybody, and nothing here depends on the order in which tables are read.

pub(crate) mod table;
#[cfg(test)]
mod tests;
mod union;

use std::collections::BTreeMap;
use std::fmt;

use bron_mappings::{
    Batch, EntityId, IdentityDecisions, InstallationSecret, PERSON_ENTITY, Protection, SourceKey,
};

pub use table::PersonTable;
use table::Told;
use union::Union;

/// The id of the `person` of a record: the name by which records are known here.
pub(crate) fn person_id<'t>(
    secret: &InstallationSecret,
    system: &str,
    table: &str,
    key: impl IntoIterator<Item = Option<&'t str>>,
) -> EntityId {
    EntityId::derive(secret, PERSON_ENTITY, &SourceKey::new(system, table, key))
}

/// Every record of a person with its human and the human's protection. Holds ids and no text of a source:
/// 21 bytes a record.
#[derive(Default)]
pub struct Persons {
    /// Ordered.
    ids: Vec<EntityId>,
    humans: Vec<u32>,
    levels: Vec<Protection>,
    /// The records that decisions name, by the name that they use.
    named: BTreeMap<String, EntityId>,
}

impl fmt::Debug for Persons {
    /// Prints the number of records, never an id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Persons({} records)", self.ids.len())
    }
}

impl Persons {
    /// The highest protection of any record of the same human; `None` when no table has the record.
    #[must_use]
    pub fn protection(&self, id: &EntityId) -> Option<Protection> {
        self.place(id).map(|place| self.levels[place])
    }

    /// A number that two records share when they are one human for protection; `None` when no table has
    /// the record. It says nothing beyond that, and another run may give other numbers.
    #[must_use]
    pub(crate) fn human(&self, id: &EntityId) -> Option<u32> {
        self.place(id).map(|place| self.humans[place])
    }

    /// The record that a decision names; `None` when no table has it.
    pub(crate) fn named(&self, name: &str) -> Option<EntityId> {
        self.named.get(name).copied()
    }

    fn place(&self, id: &EntityId) -> Option<usize> {
        self.ids.binary_search(id).ok()
    }
}

/// Gathers [`Persons`] from every table of persons and of links, in any order.
pub struct PersonsBuilder {
    secret: InstallationSecret,
    nodes: BTreeMap<EntityId, u32>,
    /// Whether a table has the record; one that is only referred to is not known.
    known: Vec<bool>,
    levels: Vec<Protection>,
    union: Union,
    /// The first record of each valid national number, as twelve digits.
    numbers: BTreeMap<u64, u32>,
    /// The records that decisions name, when they have been met.
    named: BTreeMap<String, Option<EntityId>>,
    /// The pairs that were decided to be one human.
    decided: Vec<(String, String)>,
}

impl fmt::Debug for PersonsBuilder {
    /// Prints the number of records, never a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonsBuilder({} records)", self.nodes.len())
    }
}

impl PersonsBuilder {
    /// A builder that knows nobody yet, only which records named persons have decided about.
    #[must_use]
    pub fn new(secret: &InstallationSecret, decisions: &IdentityDecisions) -> Self {
        let pairs = decisions.pairs();
        let names = pairs.keys().flat_map(|(a, b)| [a, b]);
        let same = pairs.iter().filter(|(_, decision)| decision.is_same());
        Self {
            named: names.map(|name| (name.clone(), None)).collect(),
            decided: same.map(|(pair, _)| (*pair).clone()).collect(),
            secret: secret.clone(),
            nodes: BTreeMap::new(),
            known: Vec::new(),
            levels: Vec::new(),
            union: Union::default(),
            numbers: BTreeMap::new(),
        }
    }

    /// Adds the rows of a batch of a table of persons or of links. A record may have several rows, as in
    /// monthly snapshots: every row counts, so what one of them says of protection is never forgotten.
    pub fn add(&mut self, table: &PersonTable, batch: &Batch) {
        let secret = self.secret.clone();
        let prefix = table.name_of("");
        let named =
            self.named.range(prefix.clone()..).next().is_some_and(|(name, _)| name.starts_with(&prefix));
        table.read(&secret, batch, named, |told| self.tell(told));
    }

    fn join(&mut self, a: EntityId, b: EntityId) {
        let (a, b) = (self.node(a), self.node(b));
        self.union.join(a, b);
    }

    fn tell(&mut self, told: Told) {
        match told {
            Told::Record { id, number, level, name } => {
                let node = self.node(id);
                if let Some(met) = name.and_then(|name| self.named.get_mut(&name)) {
                    *met = Some(id);
                }
                self.known[place(node)] = true;
                let known = &mut self.levels[place(node)];
                *known = (*known).max(level);
                if let Some(number) = number {
                    let first = *self.numbers.entry(number).or_insert(node);
                    self.union.join(first, node);
                }
            }
            Told::Same { a, b } => self.join(a, b),
        }
    }

    fn node(&mut self, id: EntityId) -> u32 {
        let next = u32::try_from(self.nodes.len()).expect("there are fewer records than 2^32");
        let node = *self.nodes.entry(id).or_insert(next);
        if node == next {
            self.known.push(false);
            self.levels.push(Protection::Inget);
            self.union.push();
        }
        node
    }

    /// The finished records. Numbers are forgotten.
    #[must_use]
    pub fn finish(mut self) -> Persons {
        for (a, b) in std::mem::take(&mut self.decided) {
            if let (Some(Some(a)), Some(Some(b))) = (self.named.get(&a), self.named.get(&b)) {
                self.join(*a, *b);
            }
        }
        let mut highest = self.levels.clone();
        for (node, level) in (0..).zip(&self.levels) {
            let human = &mut highest[place(self.union.find(node))];
            *human = (*human).max(*level);
        }
        let named = self.named.into_iter().filter_map(|(name, met)| Some((name, met?)));
        let mut persons = Persons { named: named.collect(), ..Persons::default() };
        for (id, node) in self.nodes {
            if self.known[place(node)] {
                let human = self.union.find(node);
                persons.ids.push(id);
                persons.humans.push(human);
                persons.levels.push(highest[place(human)]);
            }
        }
        persons
    }
}

fn place(node: u32) -> usize {
    usize::try_from(node).expect("a place in memory takes 32 bits")
}
