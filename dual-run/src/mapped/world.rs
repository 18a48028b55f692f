//! The few rows among which rows are mapped: all that their rules read, and nothing that changes what they give.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{Batch, EntityId, Mapping, SourceKey};
use bron_transform::{Asked, Lookups, Need, Persons, PersonsBuilder, Term, needs};

use super::columns::batch_of;
use super::known::Known;
use super::{MappedLens, Table, Way, unusable};
use crate::change::Image;
use crate::error::Result;

/// The values of a key: rows stand in the order of their texts by bytes, as extraction reads them.
type Order = Vec<Option<String>>;

/// A row of the world.
struct Placed<'c> {
    key: SourceKey,
    image: Cow<'c, Image>,
    /// Whether its own rules are followed, and not only its columns read.
    is_whole: bool,
}

#[derive(Default)]
struct PlacedTable<'c> {
    rows: BTreeMap<Order, Placed<'c>>,
    /// The rows as columns, while none was added since.
    batch: Option<Batch>,
}

/// Rows of several tables.
#[derive(Default)]
pub(super) struct World<'c> {
    tables: BTreeMap<Table, PlacedTable<'c>>,
}

/// What was found out about the rows of a world that is complete.
pub(super) struct Explored {
    /// What their rules know of other rows.
    pub(super) lookups: Lookups,
    asked: BTreeMap<SourceKey, Asked>,
    /// What each row offers by its columns alone.
    by_columns: BTreeMap<SourceKey, BTreeSet<Term>>,
    /// What each row of a table of persons offers.
    persons: BTreeMap<SourceKey, BTreeSet<Term>>,
    /// The rows that offer a term of persons.
    of_person: BTreeMap<Term, Vec<SourceKey>>,
    /// The rows that stand beside each other.
    beside: BTreeMap<Term, Vec<SourceKey>>,
}

pub(super) fn table_of(key: &SourceKey) -> Table {
    (key.system().to_owned(), key.table().to_owned())
}

fn order_of(key: &SourceKey) -> Order {
    key.values().into_iter().map(|value| value.map(str::to_owned)).collect()
}

impl<'c> World<'c> {
    /// Adds a row; whether something is otherwise now.
    pub(super) fn add(&mut self, key: SourceKey, image: Cow<'c, Image>, is_whole: bool) -> bool {
        let table = self.tables.entry(table_of(&key)).or_default();
        let order = order_of(&key);
        if let Some(placed) = table.rows.get_mut(&order) {
            let becomes_whole = is_whole && !placed.is_whole;
            placed.is_whole |= is_whole;
            return becomes_whole;
        }
        table.batch = None;
        table.rows.insert(order, Placed { key, image, is_whole });
        true
    }

    fn holds(&self, key: &SourceKey) -> bool {
        self.tables.get(&table_of(key)).is_some_and(|table| table.rows.contains_key(&order_of(key)))
    }

    /// The keys of a table's rows, in order.
    pub(super) fn keys(&self, table: &Table) -> Vec<&SourceKey> {
        self.tables.get(table).into_iter().flat_map(|table| table.rows.values()).map(|row| &row.key).collect()
    }

    /// The rows of a table as columns, in order.
    pub(super) fn batch(&self, table: &Table) -> Option<&Batch> {
        self.tables.get(table)?.batch.as_ref()
    }
}

impl Explored {
    /// What a row offers: by its columns, by its place among others, and to those who ask about its person.
    pub(super) fn offers(&self, key: &SourceKey) -> BTreeSet<Term> {
        let beside = self.asked.get(key).map(|asked| &asked.beside);
        let all = [self.by_columns.get(key), beside, self.persons.get(key)];
        all.into_iter().flatten().flatten().copied().collect()
    }

    /// Everything that a row rests on, also by way of the rows beside it.
    pub(super) fn asks(&self, key: &SourceKey, person: &dyn Fn(&EntityId) -> Term) -> BTreeSet<Term> {
        let mut asks = BTreeSet::new();
        let (mut open, mut met) = (vec![key], BTreeSet::from([key]));
        while let Some(key) = open.pop() {
            let Some(asked) = self.asked.get(key) else { continue };
            asks.extend(&asked.rows);
            for id in &asked.persons {
                self.human(person(id), &mut asks);
            }
            for term in &asked.beside {
                if asks.insert(*term) {
                    let beside = self.beside.get(term).into_iter().flatten();
                    open.extend(beside.filter(|other| met.insert(*other)));
                }
            }
        }
        asks
    }

    /// All terms of the human that a term of a record belongs to.
    fn human(&self, record: Term, terms: &mut BTreeSet<Term>) {
        let mut open = vec![record];
        while let Some(term) = open.pop() {
            if terms.insert(term) {
                let rows = self.of_person.get(&term).into_iter().flatten();
                open.extend(rows.filter_map(|row| self.persons.get(row)).flatten());
            }
        }
    }
}

impl<K: Known> MappedLens<'_, K> {
    /// Completes a world: adds rows until none is missing that the rules of a whole row read. `changed` are rows whose
    /// state in the store is no longer the last; they are in the world already, or gone.
    pub(super) fn explore(
        &mut self,
        world: &mut World<'_>,
        changed: &BTreeSet<SourceKey>,
    ) -> Result<Explored> {
        let (mut fetched, mut persons) = (BTreeSet::new(), BTreeMap::new());
        let (mut lookups, mut gathered) = (Lookups::new(self.terms.as_of.clone()), BTreeSet::new());
        loop {
            let grown = self.fill(world);
            self.read_persons(world, &mut persons);
            self.gather(world, &mut lookups, (&grown, &mut gathered))?;
            let asked = self.asked(world, &lookups);
            let beside: BTreeSet<Term> = asked.values().flat_map(|asked| &asked.beside).copied().collect();
            let rows = asked.values().flat_map(|asked| asked.rows.iter().copied());
            let named = asked.values().flat_map(|asked| &asked.persons).map(|id| self.ties.of_record(id));
            let wanted = rows.chain(named).chain(persons.values().flatten().copied());
            let wanted: BTreeSet<Term> =
                wanted.chain(beside.iter().copied()).filter(|term| fetched.insert(*term)).collect();
            if !self.fetch(world, (&wanted, &beside), changed)? {
                let by_columns = self.offered_by_columns(world);
                return Ok(Explored::new(lookups, asked, by_columns, persons));
            }
        }
    }

    /// Adds the rows that offer what is wanted; whether something is otherwise now.
    fn fetch(
        &mut self,
        world: &mut World<'_>,
        (wanted, beside): (&BTreeSet<Term>, &BTreeSet<Term>),
        changed: &BTreeSet<SourceKey>,
    ) -> Result<bool> {
        if wanted.is_empty() {
            return Ok(false);
        }
        let found = self.known.offering(wanted)?;
        let found: Vec<SourceKey> = found.into_iter().filter(|key| !changed.contains(key)).collect();
        let mut is_other = false;
        for (key, known) in found.iter().zip(self.known.rows(&found)?) {
            let Some(known) = known else { continue };
            let is_whole = !known.offers.is_disjoint(beside);
            if let Some(image) = known.image.filter(|_| is_whole || !world.holds(key)) {
                is_other |= world.add(key.clone(), Cow::Owned(image), is_whole);
            }
        }
        Ok(is_other)
    }

    /// Makes columns of the tables that got rows, and names these tables.
    fn fill(&self, world: &mut World<'_>) -> BTreeSet<Table> {
        let mut grown = BTreeSet::new();
        for (table, placed) in &mut world.tables {
            if let (None, Some(schema)) = (&placed.batch, self.terms.schemas.get(table)) {
                placed.batch = Some(batch_of(schema, &placed.rows.values().map(|row| row.image.as_ref())));
                grown.insert(table.clone());
            }
        }
        grown
    }

    /// What rows offer by their columns alone.
    fn offered_by_columns(&self, world: &World<'_>) -> BTreeMap<SourceKey, BTreeSet<Term>> {
        let mut offered = BTreeMap::new();
        for (table, placed) in &world.tables {
            if let Some(batch) = &placed.batch {
                let terms = self.ties.offered(&table.0, &table.1, batch);
                offered.extend(placed.rows.values().map(|row| row.key.clone()).zip(terms));
            }
        }
        offered
    }

    /// What the rows of tables of persons offer.
    fn read_persons(&self, world: &World<'_>, known: &mut BTreeMap<SourceKey, BTreeSet<Term>>) {
        for (table, way) in &self.ways {
            let (Some(persons), Some(batch)) = (&way.persons, world.batch(table)) else { continue };
            let new: Vec<(usize, &SourceKey)> = world
                .keys(table)
                .into_iter()
                .enumerate()
                .filter(|(_, key)| !known.contains_key(*key))
                .collect();
            let picked = batch.pick(&new.iter().map(|(at, _)| *at).collect::<Vec<usize>>());
            let terms = self.ties.of_persons(persons, &picked);
            known.extend(new.into_iter().zip(terms).map(|((_, key), terms)| (key.clone(), terms)));
        }
    }

    /// What the rules of whole rows know of other rows. What was gathered before stands, unless its table has grown
    /// or it rests on what others gathered.
    fn gather(
        &self,
        world: &World<'_>,
        lookups: &mut Lookups,
        (grown, gathered): (&BTreeSet<Table>, &mut BTreeSet<Need>),
    ) -> Result<()> {
        let has_grown = |way: &(&Table, &Way<'_>)| way.1.persons.is_some() && grown.contains(way.0);
        if lookups.persons().is_none() || self.ways.iter().any(|way| has_grown(&way)) {
            lookups.set_persons(self.humans(world));
        }
        for need in needs(self.whole_mappings(world), |_| true) {
            let table = (need.source().0.to_owned(), need.source().1.to_owned());
            let by_rules = matches!(need, Need::Neighbour { .. } | Need::Across { .. });
            if !gathered.insert(need.clone()) && !by_rules && !grown.contains(&table) {
                continue;
            }
            let batch = world.batch(&table);
            let rows = batch.map_or(0, Batch::rows);
            lookups.forget(&need);
            for pass in need.passes(u64::try_from(rows).expect("memory holds fewer than 2^64 rows")) {
                let found = {
                    let gathering = need.gather(self.set, lookups, pass);
                    let mut gathering = gathering.map_err(|error| unusable(&error))?;
                    batch.into_iter().for_each(|batch| gathering.add(batch));
                    gathering.finish()
                };
                lookups.add(need.clone(), found);
            }
        }
        Ok(())
    }

    /// How protected the humans are whose records are in the world; `None` when no mapping says which rows are records.
    fn humans(&self, world: &World<'_>) -> Option<Persons> {
        self.ways.values().any(|way| way.persons.is_some()).then(|| {
            let mut builder = PersonsBuilder::new(&self.secret, &self.terms.decisions);
            for (table, way) in &self.ways {
                if let (Some(persons), Some(batch)) = (&way.persons, world.batch(table)) {
                    builder.add(persons, batch);
                }
            }
            builder.finish()
        })
    }

    fn whole_mappings(&self, world: &World<'_>) -> Vec<&Mapping> {
        let is_whole = |table: &Table| {
            world.tables.get(table).is_some_and(|placed| placed.rows.values().any(|row| row.is_whole))
        };
        self.ways.iter().filter(|(table, _)| is_whole(table)).map(|(_, way)| way.mapping).collect()
    }

    /// What the whole rows ask.
    fn asked(&self, world: &World<'_>, lookups: &Lookups) -> BTreeMap<SourceKey, Asked> {
        let mut asked = BTreeMap::new();
        for (table, placed) in &world.tables {
            let (Some(way), Some(batch)) = (self.ways.get(table), &placed.batch) else { continue };
            if placed.rows.values().any(|row| row.is_whole) {
                let rows = placed.rows.values().zip(self.ties.asked(&way.plan, lookups, batch, 0));
                asked.extend(rows.filter(|(row, _)| row.is_whole).map(|(row, one)| (row.key.clone(), one)));
            }
        }
        asked
    }
}

impl Explored {
    fn new(
        lookups: Lookups,
        asked: BTreeMap<SourceKey, Asked>,
        by_columns: BTreeMap<SourceKey, BTreeSet<Term>>,
        persons: BTreeMap<SourceKey, BTreeSet<Term>>,
    ) -> Self {
        let mut of_person: BTreeMap<Term, Vec<SourceKey>> = BTreeMap::new();
        for (key, terms) in &persons {
            for term in terms {
                of_person.entry(*term).or_default().push(key.clone());
            }
        }
        let mut beside: BTreeMap<Term, Vec<SourceKey>> = BTreeMap::new();
        for (key, asked) in &asked {
            for term in &asked.beside {
                beside.entry(*term).or_default().push(key.clone());
            }
        }
        Self { lookups, asked, by_columns, persons, of_person, beside }
    }
}
