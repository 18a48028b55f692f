//! Every shipped mapping, written back: the rows of the city go to the model and back to their columns.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{Batch, Mapping, SourceKey};
use bron_transform::{
    Cell, EntityRow, FieldWay, Inverter, Kept, Put, SourceText, SourceTexts, WayBack, Written,
};

use super::staged::{RowsByKey, SECRET, StagedCity, source_rows, table_of};

/// The rows of a table that take part: every defect of the city is among them.
const MOST_ROWS: usize = 1500;

/// The most rows of a table whose fields are changed one after the other.
const MOST_CHANGED: usize = 40;

/// The `src_key` of every row of the model, by entity and id.
type Keys = BTreeMap<(String, Vec<u8>), String>;

fn id_of(row: &EntityRow) -> Vec<u8> {
    let Some(Cell::Id(id)) = row.fields.get("id") else { panic!("a row has an id") };
    id.to_vec()
}

/// One table: its source rows, and what those that were loaded became.
struct Table<'c> {
    city: &'c StagedCity,
    mapping: &'c Mapping,
    batch: Batch,
    inverter: Inverter<'c>,
    sources: Vec<SourceTexts>,
    /// The readable key of each source row; none for a key that several rows have.
    names: Vec<Option<String>>,
    mapped: RowsByKey,
}

impl<'c> Table<'c> {
    fn new(city: &'c StagedCity, mapping: &'c Mapping, batch: &'c Batch) -> Self {
        let batch = batch.slice(0, batch.rows().min(MOST_ROWS));
        let sources = source_rows(&batch);
        let name = |row: &SourceTexts| {
            let texts = mapping.key.iter().map(|origin| match row.get(&origin.name) {
                Some(SourceText::Text(text)) => Some(text.as_str()),
                Some(SourceText::Bytes(_)) | None => None,
            });
            SourceKey::new(&mapping.system, &mapping.table, texts).text().expose().clone()
        };
        let names: Vec<String> = sources.iter().map(name).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        names.iter().for_each(|name| *counts.entry(name).or_default() += 1);
        let once = names.iter().map(|name| (counts[name.as_str()] == 1).then(|| name.clone())).collect();
        Self {
            city,
            mapping,
            inverter: Inverter::new(&city.set, mapping, &SECRET).unwrap(),
            names: once,
            mapped: city.map(mapping, &batch),
            batch,
            sources,
        }
    }

    /// The loaded rows, by their place in the table.
    fn loaded(&self) -> impl Iterator<Item = (usize, &[EntityRow])> {
        let named = self.names.iter().enumerate();
        named.filter_map(|(at, name)| Some((at, self.mapped.get(name.as_ref()?)?.as_slice())))
    }

    fn mapped_again(&self, sources: &[SourceTexts]) -> RowsByKey {
        self.city.map(self.mapping, &table_of(self.batch.schema().columns(), sources))
    }

    /// The fields that can be written.
    fn writable(&self) -> impl Iterator<Item = &FieldWay> {
        self.inverter.fields().iter().filter(|field| !matches!(field.way, WayBack::NotWritable(_)))
    }
}

/// The source row with what was written in its place.
fn overwritten(source: &SourceTexts, put: &Put) -> SourceTexts {
    let mut row = source.clone();
    for (column, written) in &put.columns {
        match written {
            Written::Exact(Some(text)) | Written::Lossy(Some(text), _) => {
                drop(row.insert(column.clone(), text.clone()));
            }
            Written::Exact(None) | Written::Lossy(None, _) => drop(row.remove(column)),
            Written::NotWritable(_) => {}
        }
    }
    row
}

struct Figures {
    rows: usize,
    changed: usize,
    refused: usize,
    held: usize,
    wrong: Vec<String>,
}

#[test]
fn every_row_of_the_city_goes_to_the_model_and_back() {
    let city = StagedCity::new();
    let tables: Vec<Table<'_>> =
        city.tables().map(|(mapping, batch)| Table::new(&city, mapping, batch)).collect();
    assert_eq!(tables.len(), city.set.mappings.len(), "the city has a table for every mapping");
    let mut keys = Keys::new();
    for row in tables.iter().flat_map(|table| table.mapped.values().flatten()) {
        let Some(Cell::Text(key)) = row.fields.get("src_key") else { panic!("a row has a key") };
        keys.insert((row.entity.clone(), id_of(row)), key.to_string());
    }
    let key_of = |entity: &str, id: [u8; 16]| keys.get(&(entity.to_owned(), id.to_vec())).cloned();
    let mut figures = Figures { rows: 0, changed: 0, refused: 0, held: 0, wrong: Vec::new() };
    for table in &tables {
        unchanged(table, &key_of, &mut figures);
        alone(table, &key_of, &mut figures);
        changed(table, &key_of, &mut figures);
    }
    let Figures { rows, changed, refused, held, wrong } = figures;
    println!("{rows} rows written back; {changed} changes written, {refused} refused, {held} rows held back");
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
    assert!(rows > 5000 && changed > 5000 && refused + held < changed, "{rows} {changed} {refused} {held}");
}

type KeyOf<'k> = &'k dyn Fn(&str, [u8; 16]) -> Option<String>;

/// Get-put: with what was kept, a row that nobody changed comes back text for text.
fn unchanged(table: &Table<'_>, keys: KeyOf<'_>, figures: &mut Figures) {
    for (at, rows) in table.loaded() {
        let texts = &table.sources[at];
        let put = table.inverter.put(rows, Some(Kept { texts, rows }), keys);
        figures.rows += 1;
        if !put.refused.is_empty() || overwritten(texts, &put) != *texts {
            figures.wrong.push(format!("{} row {at}: get-put {:?}", table.mapping.id, put.refused));
        }
    }
}

/// Put-get from the rows alone: what is written reads as it did, and is written the same way once more.
fn alone(table: &Table<'_>, keys: KeyOf<'_>, figures: &mut Figures) {
    let mut sources = table.sources.clone();
    let mut puts = BTreeMap::new();
    for (at, rows) in table.loaded() {
        let put = table.inverter.put(rows, None, keys);
        sources[at] = overwritten(&table.sources[at], &put);
        puts.insert(at, put);
    }
    let again = table.mapped_again(&sources);
    for (at, rows) in table.loaded() {
        let name = table.names[at].as_ref().unwrap();
        let Some(after) = again.get(name) else {
            figures.wrong.push(format!("{} row {at}: not loaded again", table.mapping.id));
            continue;
        };
        for field in different(table, rows, after) {
            figures.wrong.push(format!("{} row {at}: {field} is another after put-get", table.mapping.id));
        }
        let put = table.inverter.put(after, None, keys);
        let same = |column: &&String| put.columns.get(*column) == puts[&at].columns.get(*column);
        for column in puts[&at].columns.keys().filter(|column| !same(column)) {
            figures.wrong.push(format!("{} row {at}: {column} is written another way", table.mapping.id));
        }
    }
}

/// The writable fields in which two versions of the rows of a source row differ.
fn different(table: &Table<'_>, rows: &[EntityRow], after: &[EntityRow]) -> Vec<String> {
    let fields: BTreeSet<(&str, &str)> =
        table.writable().map(|field| (field.entity.as_str(), field.field.as_str())).collect();
    let mut found = Vec::new();
    for row in rows {
        let other = after.iter().find(|other| other.entity == row.entity && id_of(other) == id_of(row));
        // A row that is made when another row is found comes and goes with the text by which that is found.
        if other.is_none() && depends_on_other_rows(table.mapping, &row.entity) {
            continue;
        }
        let Some(other) = other else {
            found.push(format!("{} (gone)", row.entity));
            continue;
        };
        let of_entity = fields.iter().filter(|(entity, _)| *entity == row.entity);
        let differs = of_entity.filter(|(_, field)| row.fields.get(*field) != other.fields.get(*field));
        found.extend(differs.map(|(entity, field)| format!("{entity}.{field}")));
    }
    found
}

fn depends_on_other_rows(mapping: &Mapping, entity: &str) -> bool {
    let targets = mapping.targets.iter().filter(|target| target.entity == entity);
    let mut conditions = targets.flat_map(|target| &target.when);
    conditions.any(|one| one.origin.parent().is_some() || mapping.lookup(&one.origin).is_some())
}

/// Put-get with what was kept: a field gets the value that another row has, and reads as this value after.
fn changed(table: &Table<'_>, keys: KeyOf<'_>, figures: &mut Figures) {
    let loaded: Vec<(usize, &[EntityRow])> = table.loaded().take(MOST_CHANGED).collect();
    let Some(last) = loaded.last().map(|(at, _)| *at + 1) else { return };
    for field in table.writable().filter(|field| field.field != "id") {
        let mut sources = table.sources[..last].to_vec();
        let mut wanted = Vec::new();
        for (place, (at, rows)) in loaded.iter().enumerate() {
            let (_, donor) = loaded[(place + 1) % loaded.len()];
            let Some((rows, value)) = with_value_of(field, rows, donor) else { continue };
            let kept = Kept { texts: &table.sources[*at], rows: loaded[place].1 };
            let put = table.inverter.put(&rows, Some(kept), keys);
            if put.refused.is_empty() {
                sources[*at] = overwritten(&table.sources[*at], &put);
                wanted.push((*at, value));
            } else {
                figures.refused += 1;
            }
        }
        let again = table.mapped_again(&sources);
        for (at, value) in wanted {
            let after = again.get(table.names[at].as_ref().unwrap());
            let Some(after) = after.and_then(|rows| rows.iter().find(|row| row.entity == field.entity))
            else {
                figures.held += 1;
                continue;
            };
            figures.changed += 1;
            if after.fields.get(&field.field) != value.as_ref() {
                let name = format!("{} row {at}: {}.{}", table.mapping.id, field.entity, field.field);
                figures.wrong.push(format!("{name} was not written"));
            }
        }
    }
}

/// The rows with the first one of the field's entity changed to the value that the other rows have there, and
/// the value. `None` when the value is the same, or the entity is not there once in both.
fn with_value_of(
    field: &FieldWay,
    rows: &[EntityRow],
    donor: &[EntityRow],
) -> Option<(Vec<EntityRow>, Option<Cell<'static>>)> {
    let single = |rows: &[EntityRow]| {
        let mut of_entity = (0..rows.len()).filter(|at| rows[*at].entity == field.entity);
        of_entity.next().filter(|_| of_entity.next().is_none())
    };
    let (at, from) = (single(rows)?, single(donor)?);
    let value = donor[from].fields.get(&field.field).cloned();
    if rows[at].fields.get(&field.field) == value.as_ref() {
        return None;
    }
    let mut rows = rows.to_vec();
    match value.clone() {
        Some(value) => drop(rows[at].fields.insert(field.field.clone(), value)),
        None => drop(rows[at].fields.remove(&field.field)),
    }
    Some((rows, value))
}
