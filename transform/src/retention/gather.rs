//! Reads the rows of entities for what they say about files.

use std::collections::BTreeMap;

use bron_mappings::{Batch, Cells, Entity, ExemptionGround, Value};

use super::{Akt, FILE_ENTITY, PERSON_ENTITY, RetentionBuilder};
use crate::calendar::MICROS_PER_DAY;

/// A way to a file has at most this many references; a longer one would be a circle.
const LONGEST_WAY: usize = 8;

impl<'m> RetentionBuilder<'m> {
    /// The entities to add, in this order: the files, the persons, then each entity after the one that it
    /// hangs from.
    #[must_use]
    pub fn steps(&self) -> Vec<&'m str> {
        let mut ways: Vec<(usize, &str)> = self
            .model
            .entities
            .values()
            .filter_map(|entity| Some((self.way(entity)?, entity.name.as_str())))
            .collect();
        ways.sort_unstable();
        [FILE_ENTITY, PERSON_ENTITY].into_iter().chain(ways.into_iter().map(|(_, name)| name)).collect()
    }

    /// How many references lead from a row of the entity to its file.
    fn way(&self, entity: &Entity) -> Option<usize> {
        let mut at = entity;
        for steps in 1..=LONGEST_WAY {
            let next = at.referred(at.akt.as_deref()?)?;
            if next == FILE_ENTITY {
                return Some(steps);
            }
            at = self.model.entity(next)?;
        }
        None
    }

    /// The columns that are read of an entity.
    #[must_use]
    pub fn columns(&self, entity: &str) -> Vec<String> {
        let Some(entity) = self.model.entity(entity) else { return Vec::new() };
        let mut wanted: Vec<&str> = vec!["id"];
        if entity.name == FILE_ENTITY {
            wanted.extend([
                "person_id",
                "gallring_regel",
                "namnd",
                "skyddad",
                "src_system",
                "src_table",
                "src_key",
            ]);
        }
        wanted.extend(entity.akt.as_deref());
        wanted.extend(entity.event.iter().map(String::as_str));
        wanted.extend(self.end_of(entity));
        for exemption in &self.rules.exemptions {
            match &exemption.ground {
                ExemptionGround::Rows { entity: of, field, .. } if *of == entity.name => wanted.push(field),
                ExemptionGround::BornOn { fields, .. } if entity.name == PERSON_ENTITY => {
                    wanted.extend(fields.iter().map(String::as_str));
                }
                ExemptionGround::Rows { .. }
                | ExemptionGround::BornOn { .. }
                | ExemptionGround::WhileKept { .. } => {}
            }
        }
        let known = entity.schema().columns().iter().map(|column| column.name.clone());
        known.filter(|name| wanted.contains(&name.as_str())).collect()
    }

    /// The end of an entity whose open rows keep a file in use.
    fn end_of<'e>(&self, entity: &'e Entity) -> Option<&'e str> {
        let validity = entity.validity.as_ref().filter(|_| self.rules.while_open.contains(&entity.name));
        validity.and_then(|validity| validity.to.as_deref())
    }

    /// Adds rows of an entity.
    pub fn add(&mut self, entity: &str, batch: &Batch) {
        let Some(entity) = self.model.entity(entity) else { return };
        match entity.name.as_str() {
            PERSON_ENTITY => self.add_persons(batch),
            FILE_ENTITY => {
                let first = self.akter.len();
                self.add_files(batch);
                let files: Vec<Option<usize>> = (first..self.akter.len()).map(Some).collect();
                self.add_events(entity, batch, &files);
            }
            _ => {
                let files = self.files_of(entity, batch);
                self.add_events(entity, batch, &files);
                self.add_grounds(entity, batch, &files);
                self.add_places(entity, batch, &files);
            }
        }
    }

    fn add_files(&mut self, batch: &Batch) {
        let text = |name: &str, row: usize| {
            let cells = batch.cells_named(name);
            cells.and_then(|cells| cells.text(row)).unwrap_or_default().to_owned()
        };
        let exemptions = self.rules.exemptions.len();
        for row in 0..batch.rows() {
            let id = batch.cells_named("id").and_then(|cells| cells.id(row)).unwrap_or_default();
            let person = batch.cells_named("person_id").and_then(|cells| cells.id(row));
            let key = ["src_system", "src_table", "src_key"].map(|name| text(name, row)).join("/");
            let protected = batch.cells_named("skyddad").and_then(|cells| cells.value(row));
            self.places.entry(FILE_ENTITY).or_default().insert(id, self.akter.len());
            self.wanted.extend(person);
            self.akter.push(Akt {
                id,
                person,
                namnd: text("namnd", row),
                key,
                rule: text("gallring_regel", row),
                protected: matches!(protected, Some(Value::Bool(true))),
                last: None,
                open: false,
                grounds: vec![false; exemptions],
                kept: vec![None; exemptions],
            });
        }
    }

    fn add_persons(&mut self, batch: &Batch) {
        let Some(ids) = batch.cells_named("id") else { return };
        let mut fields: Vec<&str> = Vec::new();
        for exemption in &self.rules.exemptions {
            if let ExemptionGround::BornOn { fields: named, .. } = &exemption.ground {
                fields.extend(named.iter().map(String::as_str));
            }
        }
        let cells: Vec<Cells<'_>> = fields.iter().filter_map(|field| batch.cells_named(field)).collect();
        for row in 0..batch.rows() {
            let Some(id) = ids.id(row).filter(|id| self.wanted.contains(id)) else { continue };
            let days = cells.iter().filter_map(|cells| day(cells.value(row)));
            self.born.entry(id).or_default().extend(days);
        }
    }

    /// The file of each row.
    fn files_of(&self, entity: &Entity, batch: &Batch) -> Vec<Option<usize>> {
        let field = entity.akt.as_deref().unwrap_or_default();
        let places = entity.referred(field).and_then(|parent| self.places.get(parent));
        let Some((cells, places)) = batch.cells_named(field).zip(places) else {
            return vec![None; batch.rows()];
        };
        (0..batch.rows()).map(|row| cells.id(row).and_then(|id| places.get(&id).copied())).collect()
    }

    fn add_events(&mut self, entity: &Entity, batch: &Batch, files: &[Option<usize>]) {
        let kept: Vec<usize> = self.kept_by(entity);
        for field in &entity.event {
            let Some(cells) = batch.cells_named(field) else { continue };
            let source = self.source(format!("{}.{field}", entity.name));
            for (row, &file) in files.iter().enumerate() {
                let Some((file, day)) = file.zip(day(cells.value(row))) else { continue };
                let akt = &mut self.akter[file];
                let later = akt.last.is_none_or(|(last, of)| {
                    day > last || (day == last && self.sources[source] < self.sources[of])
                });
                if later {
                    akt.last = Some((day, source));
                }
                for &at in &kept {
                    akt.kept[at] = akt.kept[at].max(Some(day));
                }
            }
        }
    }

    fn source(&mut self, name: String) -> usize {
        self.sources.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.sources.push(name);
            self.sources.len() - 1
        })
    }

    /// The exemptions by which files wait for rows of this entity.
    fn kept_by(&self, entity: &Entity) -> Vec<usize> {
        let all = self.rules.exemptions.iter().enumerate();
        let waits = all.filter(|(_, one)| match &one.ground {
            ExemptionGround::WhileKept { rule } => *rule == entity.retention,
            ExemptionGround::Rows { .. } | ExemptionGround::BornOn { .. } => false,
        });
        waits.map(|(at, _)| at).collect()
    }

    fn add_grounds(&mut self, entity: &Entity, batch: &Batch, files: &[Option<usize>]) {
        let end = self.end_of(entity).and_then(|end| batch.cells_named(end));
        for (row, file) in files.iter().enumerate() {
            if let (Some(file), Some(end)) = (*file, &end) {
                self.akter[file].open |= end.is_null(row);
            }
        }
        for (at, exemption) in self.rules.exemptions.iter().enumerate() {
            let ExemptionGround::Rows { entity: of, field, codes } = &exemption.ground else { continue };
            if *of != entity.name {
                continue;
            }
            let cells = batch.cells_named(field);
            for (row, file) in files.iter().enumerate() {
                let code = cells.as_ref().and_then(|cells| cells.text(row));
                let named = codes.is_empty() || code.is_some_and(|code| codes.iter().any(|one| one == code));
                if let Some(file) = file.filter(|_| named) {
                    self.akter[file].grounds[at] = true;
                }
            }
        }
    }

    /// Remembers the file of each row when rows of other entities hang from this one.
    fn add_places(&mut self, entity: &'m Entity, batch: &Batch, files: &[Option<usize>]) {
        let hangs = |other: &Entity| {
            other.akt.as_deref().and_then(|field| other.referred(field)) == Some(entity.name.as_str())
        };
        if !self.model.entities.values().any(hangs) {
            return;
        }
        let Some(ids) = batch.cells_named("id") else { return };
        let places: &mut BTreeMap<[u8; 16], usize> = self.places.entry(&entity.name).or_default();
        let known = files.iter().enumerate().filter_map(|(row, file)| ids.id(row).zip(*file));
        places.extend(known);
    }
}

/// The day of a date or a time.
fn day(value: Option<Value<'_>>) -> Option<i32> {
    match value? {
        Value::Date(days) => Some(days),
        Value::Time(micros) => i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok(),
        Value::Text(_)
        | Value::Bytes(_)
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Id(_) => None,
    }
}
