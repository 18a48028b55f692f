//! The lens over a synthetic city, beside the engine that maps whole tables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use bron_city::{CityPlan, generate};
use bron_extract::{Source as _, SqliteSource};
use bron_mappings::{Batch, EntityId, IdentityDecisions, InstallationSecret, MappingSet, SourceKey, Value};
use bron_transform::{Lookups, PersonTable, PersonsBuilder, Plan, SourceText, SourceTexts, apply, needs};

use super::*;
use crate::change::{Change, Image, Mark};
use crate::lens::Translated;

const SECRET: InstallationSecret = InstallationSecret::new([7; 32]);
const AS_OF: &str = "2024-12-31";
const SYSTEMS: [&str; 3] = ["paraply", "warna", "vodok"];

/// The shipped mapping files of these systems.
fn shipped() -> MappingSet {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    let mut files = BTreeMap::new();
    for folder in ["model", "codes", "retention", "quality"].into_iter().chain(SYSTEMS) {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
            files.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    MappingSet::parse(&files).0
}

/// A city as it is staged.
struct City {
    set: MappingSet,
    tables: BTreeMap<Table, Vec<Batch>>,
}

static CITY: LazyLock<City> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let plan = CityPlan { persons: 2, seed: 11 };
    generate(&plan, dir.path(), &dir.path().join("truth.json"), &mut |_| {}).unwrap();
    let mut tables = BTreeMap::new();
    for system in SYSTEMS {
        let mut source = SqliteSource::open(&dir.path().join(format!("{system}.sqlite"))).unwrap();
        for schema in source.tables().unwrap() {
            let read = source.read(&schema, 4096).unwrap();
            let batches: Vec<Batch> = read.map(|batch| batch.unwrap()).collect();
            tables.insert((system.to_owned(), schema.name.clone()), batches);
        }
    }
    City { set: shipped(), tables }
});

fn image(batch: &Batch, row: usize) -> Image {
    let texts = batch.schema().columns().iter().enumerate().filter_map(|(at, column)| {
        let text = match batch.cells(at).value(row)? {
            Value::Text(text) => SourceText::Text(text.to_owned()),
            Value::Bytes(bytes) => SourceText::Bytes(bytes.to_vec()),
            Value::Bool(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Date(_)
            | Value::Time(_)
            | Value::Id(_) => unreachable!("sources have texts and bytes"),
        };
        Some((column.name.clone(), text))
    });
    Image::new(texts.collect::<SourceTexts>())
}

impl City {
    fn schemas(&self) -> BTreeMap<Table, BatchSchema> {
        let with_rows = self.tables.iter().filter(|(_, batches)| !batches.is_empty());
        with_rows.map(|(table, batches)| (table.clone(), batches[0].schema().clone())).collect()
    }

    fn lens(&self) -> MappedLens<'_, RememberedRows> {
        let terms = LensTerms {
            schemas: self.schemas(),
            as_of: Some(AS_OF.to_owned()),
            decisions: IdentityDecisions::default(),
            carriers: Vec::new(),
        };
        MappedLens::new(&self.set, &SECRET, terms, RememberedRows::default()).unwrap()
    }

    /// Every row of the city as a change, in the order of the tables.
    fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for ((system, table), batches) in &self.tables {
            let Some(mapping) = self.set.mapping(system, table) else { continue };
            for batch in batches {
                for row in 0..batch.rows() {
                    let values = mapping.key.iter().map(|key| batch.cells_named(&key.name)?.text(row));
                    let key = SourceKey::new(system, table, values);
                    changes.push(change(key, 1, Some(image(batch, row))));
                }
            }
        }
        changes
    }

    /// What mapping all tables at once gives, by the source row.
    fn mapped_at_once(&self) -> BTreeMap<SourceKey, BTreeMap<SourceKey, Image>> {
        let mappings = || {
            self.set
                .mappings
                .iter()
                .filter(|one| self.tables.contains_key(&(one.system.clone(), one.table.clone())))
        };
        let of = |(system, table): (&str, &str)| {
            self.tables.get(&(system.to_owned(), table.to_owned())).into_iter().flatten()
        };
        let mut lookups = Lookups::new(Some(AS_OF.to_owned()));
        let mut persons = PersonsBuilder::new(&SECRET, &IdentityDecisions::default());
        for mapping in mappings() {
            if let Some(table) = PersonTable::new(&self.set, mapping).unwrap() {
                let table = table.read_on(Some(AS_OF));
                of((&mapping.system, &mapping.table)).for_each(|batch| persons.add(&table, batch));
            }
        }
        lookups.set_persons(Some(persons.finish()));
        for need in needs(mappings(), |_| true) {
            for pass in need.passes(0) {
                let mut gathering = need.gather(&self.set, &lookups, pass).unwrap();
                of(need.source()).for_each(|batch| gathering.add(batch));
                let found = gathering.finish();
                lookups.add(need.clone(), found);
            }
        }
        let mut all = BTreeMap::new();
        for mapping in mappings() {
            let mut first_row = 0;
            for batch in of((&mapping.system, &mapping.table)) {
                let plan = Plan::new(&self.set, mapping, batch.schema(), &SECRET).unwrap();
                for (name, rows) in apply(&plan, &lookups, batch, first_row).entities {
                    let entity = self.set.model.entity(&name).unwrap();
                    for row in 0..rows.rows() {
                        let key = rows.cells_named("src_key").unwrap().text(row).unwrap();
                        let values = SourceKey::values_of(key).unwrap();
                        let values = values.iter().map(Option::as_deref);
                        let key = SourceKey::new(&mapping.system, &mapping.table, values);
                        let id = EntityId::from_bytes(rows.cells_named("id").unwrap().id(row).unwrap());
                        let rows = model_image(entity, &rows, row, &|id| id);
                        all.entry(key).or_insert_with(BTreeMap::new).insert(model_key(&name, &id), rows);
                    }
                }
                first_row += u64::try_from(batch.rows()).unwrap();
            }
        }
        all
    }
}

fn change(key: SourceKey, version: u64, after: Option<Image>) -> Change {
    Change { key, version: Version { major: version, minor: 0 }, after, before: None, mark: Mark::None }
}

fn forward(lens: &mut MappedLens<'_, RememberedRows>, changes: &[Change]) -> Vec<Translated> {
    let told = lens.forward(changes).unwrap();
    lens.applied(changes, &told).unwrap();
    told
}

/// What the lens knows that rows became.
fn became(lens: &MappedLens<'_, RememberedRows>) -> BTreeMap<SourceKey, BTreeMap<SourceKey, Image>> {
    let rows = lens.known().all().iter().filter(|(_, known)| !known.became.is_empty());
    rows.map(|(key, known)| (key.clone(), known.became.clone())).collect()
}

fn require_same(
    found: &BTreeMap<SourceKey, BTreeMap<SourceKey, Image>>,
    expected: &BTreeMap<SourceKey, BTreeMap<SourceKey, Image>>,
) {
    let mut different = BTreeMap::new();
    for key in found.keys().chain(expected.keys()).collect::<BTreeSet<_>>() {
        let (one, other) = (found.get(key), expected.get(key));
        if one != other {
            let fields =
                one.into_iter().flatten().zip(other.into_iter().flatten()).flat_map(|((_, a), (_, b))| {
                    let names = a.columns().keys().chain(b.columns().keys());
                    names
                        .filter(|name| a.columns().get(*name) != b.columns().get(*name))
                        .cloned()
                        .collect::<BTreeSet<_>>()
                });
            let said = (one.map(BTreeMap::len), other.map(BTreeMap::len), fields.collect::<BTreeSet<_>>());
            *different.entry((key.table().to_owned(), said)).or_insert(0) += 1;
        }
    }
    assert!(different.is_empty(), "{} rows, {different:?}", expected.len());
}

fn pseudorandom(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % u64::try_from(below).unwrap()).unwrap()
    }
}

fn shuffled(mut changes: Vec<Change>, seed: u64) -> Vec<Change> {
    let mut draw = pseudorandom(seed);
    for at in (1..changes.len()).rev() {
        changes.swap(at, draw(at + 1));
    }
    changes
}

#[test]
fn a_city_that_is_seeded_by_chunks_is_the_city_that_is_mapped_at_once() {
    let city = &*CITY;
    let mut lens = city.lens();
    let changes = city.changes();
    for chunk in changes.chunks(700) {
        forward(&mut lens, chunk);
    }
    let expected = city.mapped_at_once();
    assert!(expected.len() > 2000, "{} of {} rows become something", expected.len(), changes.len());
    require_same(&became(&lens), &expected);
}

#[test]
fn rows_in_any_order_become_the_same() {
    let city = &*CITY;
    let mut lens = city.lens();
    let mut parked = BTreeSet::new();
    for chunk in shuffled(city.changes(), 5).chunks(900) {
        let told = forward(&mut lens, chunk);
        parked.extend(told.into_iter().filter(|one| one.parked.is_some()).map(|one| one.cause));
    }
    let expected = city.mapped_at_once();
    // A row that was mapped before what holds it back was known keeps what it became, and is told to be held back.
    let (found, held): (BTreeMap<_, _>, BTreeMap<_, _>) =
        became(&lens).into_iter().partition(|(key, _)| expected.contains_key(key));
    assert!(held.keys().all(|key| parked.contains(key)), "{} rows are held back", held.len());
    require_same(&found, &expected);
}

/// A seeded lens, made once.
fn seeded() -> MappedLens<'static, RememberedRows> {
    static KNOWN: LazyLock<RememberedRows> = LazyLock::new(|| {
        let mut lens = CITY.lens();
        forward(&mut lens, &CITY.changes());
        lens.into_known()
    });
    let city = &*CITY;
    let terms = LensTerms { schemas: city.schemas(), as_of: Some(AS_OF.to_owned()), ..LensTerms::default() };
    MappedLens::new(&city.set, &SECRET, terms, KNOWN.clone()).unwrap()
}

/// The city after changes.
fn changed_city(changes: &[Change]) -> City {
    let mut rows: BTreeMap<Table, BTreeMap<Vec<Option<String>>, Image>> = BTreeMap::new();
    for change in CITY.changes().iter().chain(changes) {
        let of_table =
            rows.entry((change.key.system().to_owned(), change.key.table().to_owned())).or_default();
        let order = change.key.values().into_iter().map(|value| value.map(str::to_owned)).collect();
        match &change.after {
            Some(image) => drop(of_table.insert(order, image.clone())),
            None => drop(of_table.remove(&order)),
        }
    }
    let schemas = CITY.schemas();
    let tables = rows.into_iter().map(|(table, rows)| {
        let batch = columns::batch_of(&schemas[&table], &rows.values());
        (table, vec![batch])
    });
    City { set: CITY.set.clone(), tables: tables.collect() }
}

/// Changes of a few rows each: a row gone, or a text of it taken from another row of its table.
fn drawn_changes(seed: u64, count: usize) -> Vec<Change> {
    let all = CITY.changes();
    let mut by_table: BTreeMap<(&str, &str), Vec<&Change>> = BTreeMap::new();
    for change in &all {
        by_table.entry((change.key.system(), change.key.table())).or_default().push(change);
    }
    let tables: Vec<_> = by_table.values().collect();
    let mut draw = pseudorandom(seed);
    let mut drawn = BTreeMap::new();
    for version in 2..u64::try_from(count).unwrap() + 2 {
        let rows = tables[draw(tables.len())];
        let (one, other) = (rows[draw(rows.len())], rows[draw(rows.len())]);
        let (Some(image), Some(from)) = (&one.after, &other.after) else { continue };
        let key = CITY.set.mapping(one.key.system(), one.key.table()).unwrap().key.clone();
        let names: Vec<&String> =
            from.columns().keys().filter(|name| !key.iter().any(|key| key.name == **name)).collect();
        let after = (draw(8) > 0 && !names.is_empty()).then(|| {
            let name = names[draw(names.len())];
            let mut texts = image.columns().clone();
            texts.insert(name.clone(), from.columns()[name].clone());
            Image::new(texts)
        });
        drawn.insert(one.key.clone(), change(one.key.clone(), version, after));
    }
    drawn.into_values().collect()
}

#[test]
fn what_rests_on_a_changed_row_is_mapped_anew() {
    let mut lens = seeded();
    let changes = drawn_changes(3, 60);
    let told: usize = changes.chunks(7).map(|chunk| forward(&mut lens, chunk).len()).sum();
    assert!(told > changes.len(), "{told} rows for {} changes", changes.len());
    let expected = changed_city(&changes).mapped_at_once();
    // A row that is held back keeps what it became before, until a person decides.
    let held = |key: &SourceKey| !expected.contains_key(key);
    let found: BTreeMap<_, _> = became(&lens).into_iter().filter(|(key, _)| !held(key)).collect();
    require_same(&found, &expected);
}

#[test]
fn an_older_state_and_the_same_state_again_change_nothing() {
    let mut lens = seeded();
    let before = lens.known().all().clone();
    let changes: Vec<Change> = CITY.changes().into_iter().take(300).collect();
    forward(&mut lens, &changes);
    assert!(*lens.known().all() == before, "the same again");
    let older: Vec<Change> =
        changes.iter().take(50).map(|known| change(known.key.clone(), 0, None)).collect();
    assert_eq!(forward(&mut lens, &older), []);
    assert!(*lens.known().all() == before);
}

/// A row of the model that nobody changed is put back as its legacy row was, text for text (get-put).
#[test]
fn every_row_of_the_city_is_put_back_as_it_was() {
    let mut lens = seeded();
    let known = lens.known().all().clone();
    let (mut changes, mut homes) = (Vec::new(), Vec::new());
    for (key, row) in known.iter().filter(|(_, row)| !row.became.is_empty()) {
        let (model, image) = row.became.first_key_value().unwrap();
        changes.push(change(model.clone(), 9, Some(image.clone())));
        homes.push((key.clone(), row.image.clone()));
    }
    let told = lens.reverse(&changes).unwrap();
    let by_cause: BTreeMap<&SourceKey, &Translated> = told.iter().map(|one| (&one.cause, one)).collect();
    for (change, (key, image)) in changes.iter().zip(homes) {
        let one = by_cause[&change.key];
        assert_eq!(one.parked, None, "{}", key.table());
        assert!(one.rows == BTreeMap::from([(key.clone(), image)]), "{}", key.table());
        assert_eq!(one.lost, [""; 0], "{}", key.table());
    }
    lens.applied(&changes, &told).unwrap();
    assert!(*lens.known().all() == known, "nothing is known otherwise");
}

/// What is put back reads as what was put, but for the fields that are named as lost (put-get): every field of a
/// sample of rows takes the value that another row has.
#[test]
fn what_is_put_back_reads_as_what_was_put() {
    let (mut there, mut back) = (seeded(), seeded());
    let known = there.known().all().clone();
    let mut by_entity: BTreeMap<String, Vec<(SourceKey, SourceKey, Image)>> = BTreeMap::new();
    for (key, row) in &known {
        for (model, image) in &row.became {
            let rows = by_entity.entry(model.table().to_owned()).or_default();
            rows.push((key.clone(), model.clone(), image.clone()));
        }
    }
    let (mut put, mut lossless, mut parked) = (0, 0, 0);
    for (name, rows) in &by_entity {
        let entity = CITY.set.model.entity(name).unwrap();
        let own = entity.fields.len() - bron_mappings::Entity::shared_fields().len();
        for (place, field) in entity.fields[1..own].iter().enumerate() {
            let (home, model, image) = &rows[place * 7 % rows.len()];
            let differs =
                |other: &Image| other.columns().get(&field.name) != image.columns().get(&field.name);
            let Some((.., other)) = rows.iter().find(|(.., other)| differs(other)) else { continue };
            let value = other.columns().get(&field.name).cloned();
            let now = Image::new(image::with(image.columns().clone(), &field.name, value));
            let told = back.reverse(&[change(model.clone(), 9, Some(now.clone()))]).unwrap();
            let [one] = &told[..] else { panic!("one change, {} translations", told.len()) };
            put += 1;
            if one.parked.is_some() {
                parked += 1;
                continue;
            }
            let legacy = one.rows[home].clone();
            let again = there.forward(&[change(home.clone(), 9, legacy)]).unwrap();
            let again = again.iter().find(|one| one.cause == *home).unwrap().rows[model].clone().unwrap();
            let lost = one.lost.contains(&format!("{name}.{}", field.name));
            lossless += u32::from(!lost);
            let is_there = again.columns().get(&field.name) == now.columns().get(&field.name);
            assert_eq!(is_there, !lost, "{name}.{}", field.name);
        }
    }
    assert!(lossless > 100 && put > 200, "{put} fields put, {lossless} came back, {parked} were refused");
}

#[test]
fn a_row_that_is_born_in_the_model_gets_a_key_and_keeps_its_id() {
    let mut lens = seeded();
    let known = lens.known().all().clone();
    let home = known.iter().find(|(key, row)| key.table() == "AVGIFT" && row.became.len() == 1);
    let (home, row) = home.expect("the city has fees");
    let image = row.became.values().next().unwrap();
    let born = EntityId::from_bytes([3; 16]);
    let entity = row.became.keys().next().unwrap().table().to_owned();
    let mut texts = image.columns().clone();
    texts.insert("id".to_owned(), SourceText::Text(born.to_string()));
    texts.insert("src_key".to_owned(), SourceText::Text(String::new()));
    let key = model_key(&entity, &born);
    let changes = [change(key.clone(), 1, Some(Image::new(texts)))];
    let told = lens.reverse(&changes).unwrap();
    assert!(told[0].parked.as_ref().is_some_and(|why| why.contains("no key is reserved")));
    let mut remembered = lens.into_known();
    remembered.reserve(home.system(), home.table(), 900_000, 900_001);
    let terms = LensTerms { schemas: CITY.schemas(), as_of: Some(AS_OF.to_owned()), ..LensTerms::default() };
    let mut lens = MappedLens::new(&CITY.set, &SECRET, terms, remembered).unwrap();
    let told = lens.reverse(&changes).unwrap();
    assert_eq!(told[0].parked, None);
    let (legacy, image) = told[0].rows.first_key_value().unwrap();
    assert_eq!(legacy.values(), [Some("900000")]);
    assert_eq!(lens.reverse(&changes).unwrap(), told, "the key is given once");
    lens.applied(&changes, &told).unwrap();
    // The legacy system owns again, and its row is captured: it is the same row of the model.
    let again = lens.forward(&[change(legacy.clone(), 2, image.clone())]).unwrap();
    assert!(again[0].rows.contains_key(&key));
    assert_eq!(lens.agreed(&[key, legacy.clone()]).unwrap().len(), 2);
}

#[test]
fn what_the_way_back_loses_is_listed() {
    let lens = seeded();
    let losses = lens.losses();
    assert!(
        losses.iter().any(|loss| loss.columns.is_empty())
            && losses.iter().any(|loss| !loss.columns.is_empty())
    );
    let table = ("paraply".to_owned(), "BESLUT".to_owned());
    let demanded =
        BTreeMap::from([(table.clone(), BTreeSet::from(["BESL_ID".to_owned(), "OKAND".to_owned()]))]);
    let unfilled = lens.unfilled(&demanded);
    assert_eq!(unfilled, [(table, "OKAND".to_owned(), "no rule reads the column".to_owned())]);
}

#[test]
fn p1_a_row_that_cannot_be_read_is_parked_and_a_later_state_takes_its_place() {
    let mut lens = seeded();
    let known = lens.known().all().clone();
    let (key, row) =
        known.iter().find(|(key, row)| key.table() == "JOURNAL" && !row.became.is_empty()).unwrap();
    let good = row.image.clone().unwrap();
    let broken = image::with(good.columns().clone(), "RUBRIK", Some(SourceText::Bytes(vec![0xff])));
    let told = forward(&mut lens, &[change(key.clone(), 2, Some(Image::new(broken)))]);
    assert_eq!(told[0].parked.as_deref(), Some("felformat"));
    assert!(told[0].rows.is_empty() && told[0].aggregate.starts_with("person/"));
    assert!(lens.known().all()[key].became == row.became, "what it became stands until a person decides");
    let told = forward(&mut lens, &[change(key.clone(), 3, Some(good))]);
    assert_eq!((&told[0].parked, told[0].rows.len()), (&None, row.became.len()));
    let gone = forward(&mut lens, &[change(key.clone(), 4, None)]);
    assert!(gone[0].rows.values().all(Option::is_none) && gone[0].rows.len() == row.became.len());
}

#[test]
fn a_row_that_moves_to_another_scope_says_where_it_was() {
    let mut lens = seeded();
    let rows: Vec<Change> = CITY.changes().into_iter().filter(|one| one.key.table() == "ARENDE").collect();
    let (one, others) = rows.split_first().unwrap();
    let before = lens.known().all()[&one.key].scope.clone();
    let texts = one.after.as_ref().unwrap().columns();
    let moved = others.iter().flat_map(|other| {
        let other = other.after.as_ref().unwrap().columns();
        other.iter().filter(|(name, text)| name.as_str() != "AR_ID" && texts.get(*name) != Some(text))
    });
    let told = moved.into_iter().find_map(|(name, text)| {
        let after = image::with(texts.clone(), name, Some(text.clone()));
        let told = lens.forward(&[change(one.key.clone(), 2, Some(Image::new(after)))]).unwrap();
        told.into_iter().find(|told| told.cause == one.key && told.moved_from.is_some())
    });
    let told = told.expect("some column decides the scope");
    assert_eq!(told.moved_from, Some(before.clone()));
    assert!(told.scope != before && crate::Scope::parse(&told.scope.to_string()) == Some(told.scope));
}
