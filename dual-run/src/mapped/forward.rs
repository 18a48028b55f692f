//! The way there.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use bron_extract::MALFORMED_VALUE;
use bron_mappings::{EntityId, SourceKey};
use bron_transform::{Fate, Standing, Term, Transformed, apply_and_tell};

use super::columns::is_misfit;
use super::known::{Known, KnownRow};
use super::world::{Explored, World, table_of};
use super::{MappedLens, SHARED_SCOPE, Table, Way, model_image, model_key};
use crate::change::{Change, Image, Version};
use crate::error::Result;
use crate::lens::Translated;
use crate::scope::Scope;

/// What a translation found out about a legacy row, until it is applied.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) version: Version,
    pub(super) offers: BTreeSet<Term>,
    pub(super) asks: BTreeSet<Term>,
    pub(super) scope: Scope,
    pub(super) aggregate: String,
    /// The row of the owner by which the translation goes: the row itself on the way there.
    pub(super) cause: SourceKey,
    pub(super) state: State,
}

/// What is to be known of a row once it is applied.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// On the way there: the row as it is now, where it changed; it becomes what is applied.
    There(Option<Option<Image>>),
    /// On the way back: the row as it was written, and the rows of the model as they are now.
    Back(Option<Image>, BTreeMap<SourceKey, Image>),
}

/// Rows whose translation is asked for, with what was known of them.
#[derive(Default)]
pub(super) struct Focus<'c> {
    /// In the order in which they are told.
    pub(super) order: Vec<SourceKey>,
    pub(super) before: BTreeMap<SourceKey, KnownRow>,
    /// The rows that changed, as they are now.
    pub(super) changed: BTreeMap<SourceKey, (Version, Option<&'c Image>)>,
}

/// What one row became.
pub(super) struct Became {
    pub(super) standing: Standing,
    pub(super) rows: BTreeMap<SourceKey, Image>,
}

impl<K: Known> MappedLens<'_, K> {
    pub(super) fn translate_forward(&mut self, changes: &[Change]) -> Result<Vec<Translated>> {
        let mut focus = self.focus(changes)?;
        let (world, explored) = self.settle(&mut focus)?;
        let greatest = focus.changed.values().map(|(version, _)| *version).max().unwrap_or_default();
        let mut became = self.mapped(&world, &explored, &focus);
        self.covered = covered(changes);
        let mut told = Vec::new();
        for key in std::mem::take(&mut focus.order) {
            let one = became.remove(&key);
            let (translated, is_quiet) = self.tell(&key, one, &focus, greatest);
            let state = focus.changed.get(&key).map(|(_, after)| after.cloned());
            self.note_pending(&key, &translated, &explored, State::There(state));
            if !is_quiet {
                told.push(translated);
            }
        }
        Ok(told)
    }

    /// The last state of each row that changed, unless a later one is known.
    fn focus<'c>(&mut self, changes: &'c [Change]) -> Result<Focus<'c>> {
        let ordered = last_of(changes);
        let keys: Vec<SourceKey> = ordered.iter().map(|change| change.key.clone()).collect();
        let mut focus = Focus::default();
        for (change, known) in ordered.into_iter().zip(self.known.rows(&keys)?) {
            if known.as_ref().is_some_and(|known| known.version > change.version) {
                continue;
            }
            focus.order.push(change.key.clone());
            focus.changed.insert(change.key.clone(), (change.version, change.after.as_ref()));
            focus.before.extend(known.map(|known| (change.key.clone(), known)));
        }
        Ok(focus)
    }

    /// Completes the world around rows, and adds the rows that rest on them, until nothing else can come out otherwise.
    pub(super) fn settle<'c>(&mut self, focus: &mut Focus<'c>) -> Result<(World<'c>, Explored)> {
        let mut world = World::default();
        for (key, (_, after)) in &focus.changed {
            if let Some(image) = after {
                world.add(key.clone(), Cow::Borrowed(*image), true);
            }
        }
        let changed: BTreeSet<SourceKey> = focus.changed.keys().cloned().collect();
        let mut followed = BTreeSet::new();
        loop {
            let explored = self.explore(&mut world, &changed)?;
            let terms = self.touched(focus, &explored);
            let terms: BTreeSet<Term> = terms.into_iter().filter(|term| followed.insert(*term)).collect();
            let resting: Vec<SourceKey> =
                self.known.asking(&terms)?.into_iter().filter(|key| !focus.is_among(key)).collect();
            let mut is_done = true;
            for (key, known) in resting.iter().zip(self.known.rows(&resting)?) {
                let Some(known) = known else { continue };
                let Some(image) = known.image.clone() else { continue };
                world.add(key.clone(), Cow::Owned(image), true);
                focus.order.push(key.clone());
                focus.before.insert(key.clone(), known);
                is_done = false;
            }
            if is_done {
                return Ok((world, explored));
            }
        }
    }

    /// The terms by which rows find what is otherwise now: all of a row that changed, and of a row that rests on one
    /// those that it did not offer before, or does not offer any more.
    fn touched(&self, focus: &Focus<'_>, explored: &Explored) -> BTreeSet<Term> {
        let mut touched = BTreeSet::new();
        for key in &focus.order {
            let now = explored.offers(key);
            let known = focus.before.get(key);
            let before = known.map(|known| known.offers.clone()).unwrap_or_default();
            if focus.changed.contains_key(key) {
                touched.extend(before.union(&now));
            } else {
                let model = self.model_terms(known.map(|known| &known.became));
                let before: BTreeSet<Term> = before.difference(&model).copied().collect();
                touched.extend(before.symmetric_difference(&now));
            }
        }
        touched
    }

    /// The terms by which rows of the model find their legacy row.
    fn model_terms(&self, became: Option<&BTreeMap<SourceKey, Image>>) -> BTreeSet<Term> {
        became.into_iter().flat_map(BTreeMap::keys).map(|row| self.model_term(row)).collect()
    }

    pub(super) fn model_term(&self, row: &SourceKey) -> Term {
        Term::new(&self.secret, &[b"model", row.as_bytes()])
    }

    /// What the rows in focus become.
    pub(super) fn mapped(
        &self,
        world: &World<'_>,
        explored: &Explored,
        focus: &Focus<'_>,
    ) -> BTreeMap<SourceKey, Became> {
        let wanted: BTreeSet<Table> = focus.order.iter().map(table_of).collect();
        let mut became = BTreeMap::new();
        for table in wanted {
            if let (Some(way), Some(_)) = (self.ways.get(&table), world.batch(&table)) {
                let rows = self.mapped_table(way, world, explored, &table);
                became.extend(rows.into_iter().filter(|(key, _)| focus.is_among(key)));
            }
        }
        became
    }

    fn mapped_table(
        &self,
        way: &Way<'_>,
        world: &World<'_>,
        explored: &Explored,
        table: &Table,
    ) -> Vec<(SourceKey, Became)> {
        let Some(batch) = world.batch(table) else { return Vec::new() };
        let (done, standings) = apply_and_tell(&way.plan, &explored.lookups, batch, 0);
        let Transformed { entities, .. } = done;
        let places: BTreeMap<String, usize> =
            standings.iter().enumerate().map(|(at, one)| (one.key.expose().clone(), at)).collect();
        let mut rows = vec![BTreeMap::new(); standings.len()];
        let named = |id: EntityId| self.born.get(&id).copied().unwrap_or(id);
        for (name, batch) in &entities {
            let Some(entity) = self.set.model.entity(name) else { continue };
            let (Some(ids), Some(keys)) = (batch.cells_named("id"), batch.cells_named("src_key")) else {
                continue;
            };
            for row in 0..batch.rows() {
                let place = keys.text(row).and_then(|key| places.get(key));
                if let (Some(place), Some(id)) = (place, ids.id(row)) {
                    let id = named(EntityId::from_bytes(id));
                    rows[*place].insert(model_key(name, &id), model_image(entity, batch, row, &named));
                }
            }
        }
        let became = standings.into_iter().zip(rows).map(|(standing, rows)| Became { standing, rows });
        world.keys(table).into_iter().cloned().zip(became).collect()
    }

    /// Tells what became of a row, and whether nothing is otherwise than before.
    fn tell(
        &self,
        key: &SourceKey,
        became: Option<Became>,
        focus: &Focus<'_>,
        greatest: Version,
    ) -> (Translated, bool) {
        let before = focus.before.get(key);
        let changed = focus.changed.get(key);
        let known: BTreeMap<SourceKey, Image> = before.map(|known| known.became.clone()).unwrap_or_default();
        let parked = became.as_ref().and_then(|became| self.parked(key, changed, became.standing.fate));
        let (scope, aggregate) = match &became {
            Some(became) => (self.scope_of(key, became), self.aggregate_of(key, became)),
            None => before.map_or_else(
                || (self.shared_scope(key), self.own_aggregate(key)),
                |known| (known.scope.clone(), known.aggregate.clone()),
            ),
        };
        let now = became.map(|became| became.rows).unwrap_or_default();
        // A row that was held back before and is so still has been told of; one that was not is told.
        let is_as_before = if parked.is_some() { known.is_empty() } else { now == known };
        let is_quiet = changed.is_none() && is_as_before;
        let rows = if parked.is_some() {
            BTreeMap::new()
        } else {
            let gone = known.into_keys().filter(|row| !now.contains_key(row)).map(|row| (row, None));
            let gone: Vec<_> = gone.collect();
            now.into_iter().map(|(row, image)| (row, Some(image))).chain(gone).collect()
        };
        let moved_from = before
            .filter(|known| known.scope != scope && !known.became.is_empty())
            .map(|known| known.scope.clone());
        let version = changed.map_or(greatest, |(version, _)| *version);
        let told = Translated {
            cause: key.clone(),
            version,
            aggregate,
            scope,
            moved_from,
            rows,
            parked,
            lost: Vec::new(),
        };
        (told, is_quiet)
    }

    /// Why a row is held back.
    fn parked(
        &self,
        key: &SourceKey,
        changed: Option<&(Version, Option<&Image>)>,
        fate: Fate,
    ) -> Option<String> {
        let schema = self.terms.schemas.get(&table_of(key))?;
        if changed.and_then(|(_, after)| *after).is_some_and(|image| is_misfit(schema, image)) {
            return Some(MALFORMED_VALUE.to_owned());
        }
        match fate {
            Fate::Loaded | Fate::Merged(_) | Fate::Excluded(_) => None,
            Fate::Quarantined(reason) | Fate::Stopped(reason) => Some(reason.code().to_owned()),
        }
    }

    fn scope_of(&self, key: &SourceKey, became: &Became) -> Scope {
        let dimension = &became.standing.dimension;
        let said = |text: &String| if text.is_empty() { SHARED_SCOPE.to_owned() } else { text.clone() };
        let side = self.side(key.system());
        Scope { area: said(&dimension.area), namnd: said(&dimension.namnd), side }
    }

    fn shared_scope(&self, key: &SourceKey) -> Scope {
        let side = self.side(key.system());
        Scope { area: SHARED_SCOPE.to_owned(), namnd: SHARED_SCOPE.to_owned(), side }
    }

    /// The person that a row is about, else the file that it belongs to, else itself.
    fn aggregate_of(&self, key: &SourceKey, became: &Became) -> String {
        if let Some(person) = became.standing.persons.first() {
            return format!("person/{person}");
        }
        let akt = became.rows.iter().find_map(|(row, image)| {
            let field = self.set.model.entity(row.table())?.akt.as_ref()?;
            match image.columns().get(field)? {
                bron_transform::SourceText::Text(id) => Some(format!("akt/{id}")),
                bron_transform::SourceText::Bytes(_) => None,
            }
        });
        akt.unwrap_or_else(|| self.own_aggregate(key))
    }

    fn own_aggregate(&self, key: &SourceKey) -> String {
        format!("rad/{}", EntityId::derive(&self.secret, "rad", key))
    }

    /// Notes what was found out about a row, until it is applied.
    pub(super) fn note_pending(
        &mut self,
        key: &SourceKey,
        translated: &Translated,
        explored: &Explored,
        state: State,
    ) {
        let offers = explored.offers(key);
        let asks = explored.asks(key, &|id| self.ties.of_record(id));
        let (scope, aggregate) = (translated.scope.clone(), translated.aggregate.clone());
        let (version, cause) = (translated.version, translated.cause.clone());
        let pending = Pending { version, offers, asks, scope, aggregate, cause, state };
        self.pending.insert(key.clone(), pending);
    }

    /// Keeps what was found out about rows.
    pub(super) fn keep(&mut self, translated: &[Translated]) -> Result<()> {
        let told: BTreeMap<&SourceKey, &Translated> =
            translated.iter().map(|one| (&one.cause, one)).collect();
        let pending = std::mem::take(&mut self.pending);
        let keys: Vec<SourceKey> = pending.keys().cloned().collect();
        let mut rows = BTreeMap::new();
        for ((key, pending), known) in pending.into_iter().zip(self.known.rows(&keys)?) {
            let told = told.get(&pending.cause).filter(|one| one.parked.is_none());
            let known_version = known.as_ref().map(|known| known.version);
            let (image, mut became) = known.map(|known| (known.image, known.became)).unwrap_or_default();
            let (image, version) = match pending.state {
                State::There(None) => (image, known_version.unwrap_or_default()),
                State::There(Some(now)) => (now, pending.version),
                State::Back(..) if told.is_none() => continue,
                State::Back(now, rows) => {
                    became = rows;
                    (now, known_version.unwrap_or_default())
                }
            };
            if key == pending.cause {
                for (row, image) in told.into_iter().flat_map(|one| &one.rows) {
                    match image {
                        Some(image) => drop(became.insert(row.clone(), image.clone())),
                        None => drop(became.remove(row)),
                    }
                }
            }
            let mut offers = pending.offers;
            offers.extend(self.model_terms(Some(&became)));
            let (asks, scope, aggregate) = (pending.asks, pending.scope, pending.aggregate);
            rows.insert(key, KnownRow { version, image, offers, asks, became, scope, aggregate });
        }
        self.known.keep(rows)
    }
}

/// The states that a translation is about.
pub(super) fn covered(changes: &[Change]) -> BTreeSet<(SourceKey, Version)> {
    changes.iter().map(|change| (change.key.clone(), change.version)).collect()
}

/// The last of the changes of each row, in their order.
pub(super) fn last_of(changes: &[Change]) -> Vec<&Change> {
    let mut last: BTreeMap<&SourceKey, (usize, &Change)> = BTreeMap::new();
    for (place, change) in changes.iter().enumerate() {
        let known = last.entry(&change.key).or_insert((place, change));
        if change.version >= known.1.version {
            *known = (place, change);
        }
    }
    let mut ordered: Vec<(usize, &Change)> = last.into_values().collect();
    ordered.sort_by_key(|(place, _)| *place);
    ordered.into_iter().map(|(_, change)| change).collect()
}

impl Focus<'_> {
    fn is_among(&self, key: &SourceKey) -> bool {
        self.changed.contains_key(key) || self.before.contains_key(key)
    }
}
