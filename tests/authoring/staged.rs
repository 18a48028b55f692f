//! The city's tables as the transformation sees them: mapped in the test itself, with the city's own lookups.

use std::collections::BTreeMap;
use std::path::Path;

use bron_extract::{MANIFEST_FILE, Manifest, table_dir};
use bron_mappings::{
    Batch, BatchSchema, Column, ColumnBuilder, ColumnType, IdentityDecisions, InstallationSecret, Mapping,
    MappingSet, Value,
};
use bron_transform::{
    EntityRow, Lookups, Need, PersonTable, PersonsBuilder, Plan, SourceText, SourceTexts, apply, needs,
};

use crate::support::{fresh_city, only_run, run_project};

/// Any secret does: ids only have to differ.
pub(super) const SECRET: InstallationSecret = InstallationSecret::new([7; 32]);

/// One staged table as one batch, by system and table.
type Staged = BTreeMap<(String, String), Batch>;

/// A city that has been extracted.
pub(super) struct StagedCity {
    pub(super) set: MappingSet,
    staged: Staged,
    lookups: Lookups,
}

/// The rows of the model by the readable key of their source record.
pub(super) type RowsByKey = BTreeMap<String, Vec<EntityRow>>;

impl StagedCity {
    pub(super) fn new() -> Self {
        let project = fresh_city();
        run_project("extract", &project.dir).expect(&[0]);
        let run = only_run(&project.dir);
        let (set, found) = MappingSet::parse(&super::mapping_files(&project.dir.join("mappings")));
        assert_eq!(found, []);
        let staged = staged_tables(&set, &run);
        let lookups = lookups(&set, &staged);
        Self { set, staged, lookups }
    }

    /// The mappings whose table the city has, each with its rows.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&Mapping, &Batch)> {
        let staged = |mapping: &Mapping| self.staged.get(&(mapping.system.clone(), mapping.table.clone()));
        self.set.mappings.iter().filter_map(move |mapping| Some((mapping, staged(mapping)?)))
    }

    /// Maps the rows of a table, of which the first stands at the beginning of the staged table.
    pub(super) fn map(&self, mapping: &Mapping, batch: &Batch) -> RowsByKey {
        let plan = Plan::new(&self.set, mapping, batch.schema(), &SECRET).unwrap();
        let done = apply(&plan, &self.lookups, batch, 0);
        let mut rows = RowsByKey::new();
        for (name, batch) in &done.entities {
            let entity = self.set.model.entity(name).unwrap();
            let keys = batch.cells_named("src_key").unwrap();
            for at in 0..batch.rows() {
                let key = keys.text(at).unwrap().to_owned();
                rows.entry(key).or_default().push(EntityRow::of(entity, batch, at));
            }
        }
        rows
    }
}

fn staged_tables(set: &MappingSet, run: &Path) -> Staged {
    let mut staged = Staged::new();
    let of_needs = needs(&set.mappings, |_| false);
    let of_needs = of_needs.iter().map(Need::source);
    let of_mappings = set.mappings.iter().map(|mapping| (mapping.system.as_str(), mapping.table.as_str()));
    for (system, table) in of_mappings.chain(of_needs) {
        let dir = table_dir(run, system, table);
        let Ok(manifest) = Manifest::load(&dir.join(MANIFEST_FILE)) else { continue };
        let batches = manifest.read(&dir, None, usize::MAX).unwrap();
        let rows: Vec<SourceTexts> = batches.flat_map(|batch| source_rows(&batch.unwrap())).collect();
        let batch = table_of(manifest.schema.columns(), &rows);
        staged.insert((system.to_owned(), table.to_owned()), batch);
    }
    staged
}

/// Every row of a table, by column.
pub(super) fn source_rows(batch: &Batch) -> Vec<SourceTexts> {
    let columns = batch.schema().columns();
    let text = |value| match value {
        Value::Text(text) => SourceText::Text(text.to_owned()),
        Value::Bytes(bytes) => SourceText::Bytes(bytes.to_vec()),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::Id(_) => {
            unreachable!("staged columns are text or bytes")
        }
    };
    let row = |at: usize| {
        let cells = columns.iter().enumerate();
        cells.filter_map(move |(column, named)| {
            Some((named.name.clone(), text(batch.cells(column).value(at)?)))
        })
    };
    (0..batch.rows()).map(|at| row(at).collect()).collect()
}

/// A table of these columns and rows.
pub(super) fn table_of(columns: &[Column], rows: &[SourceTexts]) -> Batch {
    let arrays = columns.iter().map(|column| {
        let mut builder = ColumnBuilder::new(column.kind, rows.len());
        for row in rows {
            builder.push(row.get(&column.name).map(|text| match (text, column.kind) {
                (SourceText::Text(text), _) => Value::Text(text),
                // The function `bytes` reads text as well, and what it gives is written as bytes.
                (SourceText::Bytes(bytes), ColumnType::Text) => Value::Text(str::from_utf8(bytes).unwrap()),
                (SourceText::Bytes(bytes), _) => Value::Bytes(bytes),
            }));
        }
        builder.finish()
    });
    let schema = BatchSchema::new(columns.iter().map(|column| (column.name.clone(), column.kind)));
    Batch::new(&schema, arrays.collect(), rows.len()).unwrap()
}

fn lookups(set: &MappingSet, staged: &Staged) -> Lookups {
    let mut lookups = Lookups::new(Some("2024-12-31".to_owned()));
    let mut persons = PersonsBuilder::new(&SECRET, &IdentityDecisions::default());
    for mapping in &set.mappings {
        let batch = staged.get(&(mapping.system.clone(), mapping.table.clone()));
        if let (Some(table), Some(batch)) = (PersonTable::new(set, mapping).unwrap(), batch) {
            persons.add(&table, batch);
        }
    }
    lookups.set_persons(Some(persons.finish()));
    for need in needs(&set.mappings, |_| false) {
        let (system, table) = need.source();
        let Some(batch) = staged.get(&(system.to_owned(), table.to_owned())) else { continue };
        for pass in need.passes(u64::try_from(batch.rows()).unwrap()) {
            let mut gathering = need.gather(set, &lookups, pass).unwrap();
            gathering.add(batch);
            let found = gathering.finish();
            lookups.add(need.clone(), found);
        }
    }
    lookups
}
