//! The way back.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{EntityId, Mapping, Rule, SourceKey, Target};
use bron_transform::{Cell, EntityRow, Fate, Kept, Put, SourceText, WayBack, Written};

use super::forward::{Focus, State, covered, last_of};
use super::image::{model_row, with};
use super::known::{Born, Known, KnownRow};
use super::world::table_of;
use super::{MappedLens, SHARED_SCOPE, model_id, model_key};
use crate::change::{Change, Image};
use crate::error::Result;
use crate::lens::Translated;
use crate::scope::Scope;

/// Fields that say how a row came to be, and are never written back.
const OF_THE_MOVE: [&str; 8] = [
    "namnd_id",
    "sekretess_klass",
    "skyddad",
    "dq_flags",
    "verbatim",
    "src_row_sha256",
    "mapping_id",
    "mapping_version",
];

/// Fields that name the legacy row.
const HOME: [&str; 3] = ["src_system", "src_table", "src_key"];

/// The rows of the model that changed and that one legacy row is made of.
struct Group<'c> {
    key: SourceKey,
    /// In the order of the keys.
    changes: BTreeMap<SourceKey, &'c Change>,
    known: Option<KnownRow>,
}

/// What a group comes to.
struct Home {
    /// The rows of the model as they are now.
    state: BTreeMap<SourceKey, Image>,
    /// The legacy row as it shall be, or why it cannot be.
    row: std::result::Result<Option<Image>, String>,
    lost: Vec<String>,
}

impl<'s, K: Known> MappedLens<'s, K> {
    pub(super) fn translate_back(&mut self, changes: &[Change]) -> Result<Vec<Translated>> {
        self.covered = covered(changes);
        let (mut groups, mut told) = self.groups(changes)?;
        let keys: Vec<SourceKey> = groups.iter().map(|group| group.key.clone()).collect();
        for (group, known) in groups.iter_mut().zip(self.known.rows(&keys)?) {
            group.known = known;
        }
        let mut homes = Vec::with_capacity(groups.len());
        for group in &groups {
            homes.push(self.home(group)?);
        }
        self.read_back(&groups, &mut homes, &mut told)?;
        Ok(told)
    }

    /// The legacy rows that the changed rows belong to. A row that cannot belong to any is told at once.
    fn groups<'c>(&mut self, changes: &'c [Change]) -> Result<(Vec<Group<'c>>, Vec<Translated>)> {
        let mut groups: BTreeMap<SourceKey, Group<'c>> = BTreeMap::new();
        let mut told = Vec::new();
        let mut siblings = BTreeMap::new();
        for change in last_of(changes) {
            match self.home_of(change, &mut siblings)? {
                Ok(key) => {
                    let changes = BTreeMap::new();
                    let group =
                        groups.entry(key.clone()).or_insert_with(|| Group { key, changes, known: None });
                    group.changes.insert(change.key.clone(), change);
                }
                Err(parked) => told.push(self.homeless(change, parked)),
            }
        }
        Ok((groups.into_values().collect(), told))
    }

    /// The legacy row that a row of the model belongs to. One that was born in the new model is given one.
    fn home_of(
        &mut self,
        change: &Change,
        siblings: &mut BTreeMap<[String; 3], SourceKey>,
    ) -> Result<std::result::Result<SourceKey, Option<String>>> {
        let terms = BTreeSet::from([self.model_term(&change.key)]);
        if let Some(key) = self.known.offering(&terms)?.pop_first() {
            return Ok(Ok(key));
        }
        let Some(id) = model_id(&change.key) else { return Ok(Err(Some("the key is no id".to_owned()))) };
        if let Some(key) = self.homes.get(&id) {
            return Ok(Ok(key.clone()));
        }
        // A row that came and went unseen has nothing to leave behind.
        let Some(image) = &change.after else { return Ok(Err(None)) };
        self.birth(change.key.table(), id, image, siblings)
    }

    fn birth(
        &mut self,
        entity: &str,
        id: EntityId,
        image: &Image,
        siblings: &mut BTreeMap<[String; 3], SourceKey>,
    ) -> Result<std::result::Result<SourceKey, Option<String>>> {
        let named = HOME.map(|field| text_of(image, field).to_owned());
        let Some((mapping, target)) = self.made_by(entity, &named) else {
            return Ok(Err(Some("no single legacy table makes such a row".to_owned())));
        };
        let (system, table) = (mapping.system.clone(), mapping.table.clone());
        let [column] = &mapping.key[..] else {
            return Ok(Err(Some(format!(
                "a key of {} cannot be allocated: it has several columns",
                mapping.id
            ))));
        };
        let column = column.name.clone();
        let key = match siblings.get(&named).filter(|_| !named[2].is_empty()) {
            Some(key) => key.clone(),
            None => match self.known.allocate(&system, &table)? {
                Some(text) => SourceKey::new(&system, &table, [Some(text.as_str())]),
                None => {
                    return Ok(Err(Some(format!("no key is reserved for a new row of {system}/{table}"))));
                }
            },
        };
        let Some(derived) = self.derived_id(target, entity, &column, &key) else {
            return Ok(Err(Some("the id of the row does not follow from the key of its table".to_owned())));
        };
        siblings.insert(named, key.clone());
        let born = Born { entity: entity.to_owned(), id, derived, key: key.clone() };
        self.known.bear(&born)?;
        self.note(&born);
        Ok(Ok(key))
    }

    /// The mapping that makes rows of an entity: the one that the row names, or else the only one.
    fn made_by(&self, entity: &str, [system, table, _]: &[String; 3]) -> Option<(&'s Mapping, &'s Target)> {
        let makes = |mapping: &'_ Mapping| mapping.targets.iter().any(|target| target.entity == entity);
        let mut all = self.ways.values().map(|way| way.mapping).filter(|mapping| makes(mapping));
        let named = self.ways.get(&(system.clone(), table.clone()));
        let mapping = match named.map(|way| way.mapping).filter(|mapping| makes(mapping)) {
            Some(mapping) => mapping,
            None => all.next().filter(|_| all.next().is_none())?,
        };
        mapping.targets.iter().find(|target| target.entity == entity).map(|target| (mapping, target))
    }

    /// The id that the mapping gives the row of a legacy key.
    fn derived_id(&self, target: &Target, entity: &str, column: &str, key: &SourceKey) -> Option<EntityId> {
        target.fields.iter().find_map(|field| match &field.rule {
            Rule::Id { key: origins, part } if origins.iter().all(|origin| origin.name == column) => {
                let value = key.values().first().copied().flatten();
                let texts = origins.iter().map(|_| value).chain(part.as_deref().map(Some));
                let named = SourceKey::new(key.system(), key.table(), texts);
                Some(EntityId::derive(&self.secret, entity, &named))
            }
            Rule::Id { .. }
            | Rule::Ref { .. }
            | Rule::Function { .. }
            | Rule::Codes { .. }
            | Rule::Const(_) => None,
        })
    }

    /// The legacy row of a group as it shall be.
    fn home(&mut self, group: &Group<'_>) -> Result<Home> {
        let was = group.known.as_ref().map(|known| &known.became);
        let mut state = was.cloned().unwrap_or_default();
        for (row, change) in &group.changes {
            match &change.after {
                Some(image) => drop(state.insert(row.clone(), self.of_the_model(row, image))),
                None => drop(state.remove(row)),
            }
        }
        if state.is_empty() {
            return Ok(Home { state, row: Ok(None), lost: Vec::new() });
        }
        let (row, lost) = match self.put(group, &state)? {
            Ok((put, inherited)) => self.written(&group.key, put, inherited),
            Err(reason) => (Err(reason), Vec::new()),
        };
        Ok(Home { state, row, lost })
    }

    /// A row without the columns that the target keeps beside the fields of the model.
    fn of_the_model(&self, row: &SourceKey, image: &Image) -> Image {
        let entity = self.set.model.entity(row.table());
        let own = |name: &String| entity.is_none_or(|entity| entity.field(name).is_some());
        Image::new(
            image
                .columns()
                .iter()
                .filter(|(name, _)| own(name))
                .map(|(name, text)| (name.clone(), text.clone()))
                .collect(),
        )
    }

    /// Writes the rows of a group back, with the complement; gives the texts that the legacy row had.
    fn put(
        &mut self,
        group: &Group<'_>,
        state: &BTreeMap<SourceKey, Image>,
    ) -> Result<std::result::Result<(Put, Image), String>> {
        let was = group.known.as_ref().filter(|known| known.image.is_some());
        let read = |rows: &BTreeMap<SourceKey, Image>| {
            let rows = rows.iter().map(|(row, image)| self.entity_row(&group.key, row, image));
            rows.collect::<std::result::Result<Vec<EntityRow>, String>>()
        };
        let (now, before) =
            match (read(state), was.map_or_else(|| Ok(Vec::new()), |known| read(&known.became))) {
                (Ok(now), Ok(before)) => (now, before),
                (Err(field), _) | (_, Err(field)) => {
                    return Ok(Err(format!("{field} holds no value of its type")));
                }
            };
        let keys = self.keys_of(&now)?;
        let image = was.and_then(|known| known.image.clone()).unwrap_or_default();
        let Some(inverter) = self.inverters.get(&table_of(&group.key)) else {
            return Ok(Err("the legacy table has no mapping".to_owned()));
        };
        let kept = was.map(|_| Kept { texts: image.columns(), rows: &before });
        let key_of = |entity: &str, id: [u8; 16]| keys.get(&(entity.to_owned(), id)).cloned();
        let put = inverter.put(&now, kept, &key_of);
        Ok(Ok((put, image)))
    }

    /// A row of the model as the mapping would have made it of its legacy row.
    fn entity_row(
        &self,
        home: &SourceKey,
        row: &SourceKey,
        image: &Image,
    ) -> std::result::Result<EntityRow, String> {
        let entity = self.set.model.entity(row.table()).ok_or_else(|| format!("entity {}", row.table()))?;
        let named = |id: EntityId| self.derived.get(&id).copied().unwrap_or(id);
        let mut read =
            model_row(entity, image, &named).map_err(|field| format!("{}.{field}", entity.name))?;
        let texts = [home.system().to_owned(), home.table().to_owned(), home.text().into_inner()];
        for (field, text) in HOME.into_iter().zip(texts) {
            read.fields.insert(field.to_owned(), Cell::Text(Cow::Owned(text)));
        }
        Ok(read)
    }

    /// The legacy keys of the rows that rows refer to, by entity and by the id that the key gives.
    fn keys_of(&mut self, rows: &[EntityRow]) -> Result<BTreeMap<(String, [u8; 16]), String>> {
        let mut keys = BTreeMap::new();
        for row in rows {
            let Some(entity) = self.set.model.entity(&row.entity) else { continue };
            for (field, cell) in &row.fields {
                let (Some(other), Cell::Id(id)) = (entity.referred(field), cell) else { continue };
                let derived = EntityId::from_bytes(*id);
                let id = self.born.get(&derived).copied().unwrap_or(derived);
                let terms = BTreeSet::from([self.model_term(&model_key(other, &id))]);
                let found = self.known.offering(&terms)?.pop_first();
                let found = found.or_else(|| self.homes.get(&id).cloned());
                if let Some(home) = found {
                    keys.insert((other.to_owned(), *derived.as_bytes()), home.text().into_inner());
                }
            }
        }
        Ok(keys)
    }

    /// The legacy row that was put, or why nothing is, and the fields that stay in the model alone.
    fn written(
        &self,
        key: &SourceKey,
        put: Put,
        inherited: Image,
    ) -> (std::result::Result<Option<Image>, String>, Vec<String>) {
        let ways = self.inverters.get(&table_of(key)).map(|inverter| inverter.fields()).unwrap_or_default();
        let mut lost = Vec::new();
        for refusal in put.refused {
            let unwritable = ways.iter().any(|way| {
                (&way.entity, &way.field) == (&refusal.entity, &refusal.field)
                    && matches!(way.way, WayBack::NotWritable(_))
            });
            if !unwritable {
                let field =
                    if refusal.field.is_empty() { String::new() } else { format!(".{}", refusal.field) };
                return (Err(format!("{}{field}: {}", refusal.entity, refusal.reason)), lost);
            }
            lost.push(format!("{}.{}", refusal.entity, refusal.field));
        }
        let mut texts = inherited.into_columns();
        for (column, written) in put.columns {
            match written {
                Written::Exact(text) | Written::Lossy(text, _) => texts = with(texts, &column, text),
                Written::NotWritable(_) => {}
            }
        }
        (Ok(Some(Image::new(texts))), lost)
    }

    /// Maps what was put, as if the legacy system had written it: what does not come back as it was is lost.
    fn read_back(
        &mut self,
        groups: &[Group<'_>],
        homes: &mut [Home],
        told: &mut Vec<Translated>,
    ) -> Result<()> {
        let images: Vec<Option<Image>> =
            homes.iter().map(|home| home.row.as_ref().ok().and_then(Clone::clone)).collect();
        let mut focus = Focus::default();
        for (group, image) in groups.iter().zip(&images) {
            let version = group.known.as_ref().map(|known| known.version).unwrap_or_default();
            focus.order.push(group.key.clone());
            focus.changed.insert(group.key.clone(), (version, image.as_ref()));
            focus.before.extend(group.known.clone().map(|known| (group.key.clone(), known)));
        }
        let (world, explored) = self.settle(&mut focus)?;
        let mut became = self.mapped(&world, &explored, &focus);
        for (group, home) in groups.iter().zip(homes) {
            if let Some(became) = became.remove(&group.key) {
                if let (Ok(_), Fate::Quarantined(reason) | Fate::Stopped(reason)) =
                    (&home.row, became.standing.fate)
                {
                    home.row = Err(format!("the mapping would hold the row back: {}", reason.code()));
                }
                home.lost.extend(self.lost(&home.state, &became.rows));
            }
            home.lost.sort();
            home.lost.dedup();
            let first = told.len();
            self.tell_back(group, home, told);
            if let Ok(row) = &home.row {
                let state = State::Back(row.clone(), home.state.clone());
                let translated = told[first].clone();
                self.note_pending(&group.key, &translated, &explored, state);
            }
        }
        Ok(())
    }

    /// The fields that the model says otherwise than what comes back.
    fn lost(&self, state: &BTreeMap<SourceKey, Image>, back: &BTreeMap<SourceKey, Image>) -> Vec<String> {
        let mut lost = Vec::new();
        for (row, image) in state {
            let empty = Image::default();
            let again = back.get(row).unwrap_or(&empty);
            let Some(entity) = self.set.model.entity(row.table()) else { continue };
            let told = entity.fields.iter().map(|field| field.name.as_str());
            for field in told.filter(|field| !OF_THE_MOVE.contains(field) && !HOME.contains(field)) {
                if !is_same(entity.field(field).map(|field| &field.kind), image, again, field) {
                    lost.push(format!("{}.{field}", row.table()));
                }
            }
        }
        lost
    }

    /// Tells of each changed row of a group; the first carries the legacy row.
    fn tell_back(&self, group: &Group<'_>, home: &Home, told: &mut Vec<Translated>) {
        let known = group.known.as_ref();
        for (place, (row, change)) in group.changes.iter().enumerate() {
            let scope = self.scope_back(group, change.after.as_ref());
            let moved_from = known
                .filter(|known| known.scope != scope && !known.became.is_empty())
                .map(|known| known.scope.clone());
            let rows = match &home.row {
                Ok(image) if place == 0 => BTreeMap::from([(group.key.clone(), image.clone())]),
                Ok(_) | Err(_) => BTreeMap::new(),
            };
            let aggregate = known.map(|known| known.aggregate.clone());
            told.push(Translated {
                cause: row.clone(),
                version: change.version,
                aggregate: aggregate.unwrap_or_else(|| self.aggregate_back(row, change.after.as_ref())),
                scope,
                moved_from,
                rows,
                parked: home.row.as_ref().err().cloned(),
                lost: if place == 0 { home.lost.clone() } else { Vec::new() },
            });
        }
    }

    fn homeless(&self, change: &Change, parked: Option<String>) -> Translated {
        Translated {
            cause: change.key.clone(),
            version: change.version,
            aggregate: self.aggregate_back(&change.key, change.after.as_ref()),
            scope: self.scope_in("", change.after.as_ref()),
            moved_from: None,
            rows: BTreeMap::new(),
            parked,
            lost: Vec::new(),
        }
    }

    /// The scope that a row of the model names; that of its legacy row when it is gone.
    fn scope_back(&self, group: &Group<'_>, image: Option<&Image>) -> Scope {
        match (image, &group.known) {
            (None, Some(known)) => known.scope.clone(),
            (image, _) => self.scope_in(group.key.system(), image),
        }
    }

    fn scope_in(&self, system: &str, image: Option<&Image>) -> Scope {
        let said = |field: &str| match image.map_or("", |image| text_of(image, field)) {
            "" => SHARED_SCOPE.to_owned(),
            text => text.to_owned(),
        };
        Scope { area: said("verksamhetsomrade"), namnd: said("namnd"), side: self.side(system) }
    }

    /// The person that a row of the model refers to, else its file, else itself.
    fn aggregate_back(&self, row: &SourceKey, image: Option<&Image>) -> String {
        let entity = self.set.model.entity(row.table());
        let of = |field: &str| image.map(|image| text_of(image, field)).filter(|text| !text.is_empty());
        let person = entity.and_then(|entity| {
            let mut fields = entity.fields.iter().map(|field| field.name.as_str());
            fields.find(|field| entity.referred(field) == Some("person")).and_then(of)
        });
        let akt = entity.and_then(|entity| of(entity.akt.as_deref()?));
        let id = || model_id(row).map_or_else(String::new, |id| id.to_string());
        person.map_or_else(
            || akt.map_or_else(|| format!("rad/{}", id()), |akt| format!("akt/{akt}")),
            |person| format!("person/{person}"),
        )
    }
}

fn text_of<'i>(image: &'i Image, field: &str) -> &'i str {
    match image.columns().get(field) {
        Some(SourceText::Text(text)) => text,
        Some(SourceText::Bytes(_)) | None => "",
    }
}

/// Whether two images say the same of a field, whatever the spelling of its type.
fn is_same(kind: Option<&bron_mappings::FieldType>, one: &Image, other: &Image, field: &str) -> bool {
    let (one, other) = (one.columns().get(field), other.columns().get(field));
    one == other || kind.is_some_and(|kind| super::image::reads_same(kind, one, other))
}
