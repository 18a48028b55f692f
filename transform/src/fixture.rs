//! What the tests of the engine share: a small model with a field of every type, mappings given as text,
//! tables given as text, and rows read back as text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bron_mappings::{
    Batch, BatchSchema, ColumnBuilder, ColumnType, Diagnostic, EntityId, InstallationSecret, Mapping,
    MappingSet, Value,
};

use crate::apply::{Transformed, apply};
use crate::calendar::{iso_date, iso_time};
use crate::lookups::{Lookups, needs};
use crate::plan::{Plan, PlanError};

pub(crate) const SECRET: InstallationSecret = InstallationSecret::new([7; 32]);

const MODEL: &str = r#"
format = 1

[responsible_body]
entity = "organisation"
system = "s"
table  = "NAMND"

[[entity]]
name      = "rad"
label     = "Rad"
about     = "En rad med ett fält av varje typ"
retention = "sol-12-1"
sekretess = "osl_26_1"
fields    = [
  { name = "annan_id", type = "ref", entity = "annan", label = "Annan" },
  { name = "text", type = "text", label = "Text" },
  { name = "kod", type = "code", label = "Kod" },
  { name = "datum", type = "date", label = "Datum" },
  { name = "tid", type = "time", label = "Tid" },
  { name = "tal", type = "int", label = "Tal" },
  { name = "ore", type = "ore", label = "Belopp" },
  { name = "minuter", type = "minutes", label = "Minuter" },
  { name = "sant", type = "bool", label = "Sant" },
  { name = "byte", type = "bytes", label = "Byte" },
  { name = "decimal", type = "decimal", scale = 2, label = "Decimaltal" },
]

[[entity]]
name      = "annan"
label     = "Annan"
about     = "En annan rad"
retention = "sol-12-1"
sekretess = "osl_25_1"
fields    = [{ name = "datum", type = "date", label = "Datum" }]

[[entity]]
name      = "organisation"
label     = "Organisation"
about     = "En organisation"
retention = "bevaras"
sekretess = "offentlig"
"#;

const CODES: &str = "system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n\
    s,A,alfa,Alfa,equal,,,approved,x,\n\
    s,P,forr,Förr,equal,,2009-12-31,approved,x,\n\
    s,P,sedan,Sedan,equal,2010-01-01,,approved,x,\n\
    s,U,,Utan motsvarighet,unmatched,,,approved,x,\n";

/// The head of a mapping of the table T, whose key is ID.
pub(crate) const HEAD: &str = "format = 1\nmapping = \"s/T\"\nowner = \"o\"\ndecision = \"d\"\nexamples = 0\n\
    [source]\nsystem = \"s\"\ntable = \"T\"\nkey = [\"ID\"]\n";

/// A mapping set of one mapping: [`HEAD`] and these lines.
pub(crate) fn set(lines: &str) -> MappingSet {
    set_of(&format!("{HEAD}{lines}"))
}

/// A mapping set of one mapping file.
pub(crate) fn set_of(mapping: &str) -> MappingSet {
    parse(mapping, &[])
}

/// A mapping set of one mapping, [`HEAD`] and these lines, and other files.
pub(crate) fn set_with(lines: &str, others: &[(&str, &str)]) -> MappingSet {
    parse(&format!("{HEAD}{lines}"), others)
}

/// The files of a mapping set of one mapping file.
pub(crate) fn files_of(mapping: &str) -> BTreeMap<String, String> {
    let files = [
        ("model/m.toml", MODEL),
        ("codes/typ.csv", CODES),
        ("s/system.toml", "format = 1\nsystem = \"s\"\nlabel = \"S\"\n"),
        ("s/T.toml", mapping),
    ];
    BTreeMap::from(files.map(|(path, text)| (path.to_owned(), text.to_owned())))
}

fn parse(mapping: &str, others: &[(&str, &str)]) -> MappingSet {
    let mut files = files_of(mapping);
    files.extend(others.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    let (set, found) = MappingSet::parse(&files);
    assert_eq!(found, []);
    set
}

/// A mapping set whose one target is a `rad` with these lines as rules.
pub(crate) fn rules(fields: &str) -> MappingSet {
    set(&format!("[[target]]\nentity = \"rad\"\n[target.fields]\nid = {{ id = [\"ID\"] }}\n{fields}"))
}

/// A table: the columns' names with blanks between, and for each row its texts with `|` between, where
/// `-` is NULL.
pub(crate) fn table(columns: &str, rows: &[&str]) -> Batch {
    let rows: Vec<Vec<Option<String>>> = rows
        .iter()
        .map(|row| row.split('|').map(|text| (text != "-").then(|| text.to_owned())).collect())
        .collect();
    texts_table(&columns.split(' ').collect::<Vec<_>>(), &rows)
}

/// A table of any texts.
pub(crate) fn texts_table(columns: &[&str], rows: &[Vec<Option<String>>]) -> Batch {
    let schema = BatchSchema::new(columns.iter().map(|name| ((*name).to_owned(), ColumnType::Text)));
    let arrays = (0..columns.len()).map(|column| {
        let mut builder = ColumnBuilder::new(ColumnType::Text, rows.len());
        rows.iter().for_each(|row| builder.push(row[column].as_deref().map(Value::Text)));
        builder.finish()
    });
    Batch::new(&schema, arrays.collect(), rows.len()).unwrap()
}

/// The only mapping of a set.
pub(crate) fn only(set: &MappingSet) -> &Mapping {
    assert_eq!(set.mappings.len(), 1);
    &set.mappings[0]
}

pub(crate) fn plan(set: &MappingSet, batch: &Batch) -> Result<Plan, PlanError> {
    Plan::new(set, only(set), batch.schema(), &SECRET)
}

/// The lookups of a set over these tables, by name.
pub(crate) fn lookups(set: &MappingSet, tables: &[(&str, &Batch)]) -> Lookups {
    lookups_in_batches(set, tables, usize::MAX)
}

/// The lookups of a set over tables that come in batches of so many rows, with the columns asked for only.
pub(crate) fn lookups_in_batches(set: &MappingSet, tables: &[(&str, &Batch)], size: usize) -> Lookups {
    let mut lookups = Lookups::new(Some("2024-12-31".to_owned()));
    for need in needs(&set.mappings, |_| false) {
        let Some((_, table)) = tables.iter().find(|(name, _)| *name == need.source().1) else { continue };
        let table = only_columns(table, &need.columns(set));
        for pass in need.passes(u64::try_from(table.rows()).unwrap()) {
            let mut gathering = need.gather(set, &lookups, pass).unwrap();
            for start in (0..table.rows()).step_by(size) {
                gathering.add(&table.slice(start, size.min(table.rows() - start)));
            }
            let found = gathering.finish();
            lookups.add(need.clone(), found);
        }
    }
    lookups
}

fn only_columns(table: &Batch, columns: &[String]) -> Batch {
    let all = table.schema().columns().iter().zip(table.record().columns());
    let (kept, arrays): (Vec<_>, Vec<_>) = all
        .filter(|(column, _)| columns.contains(&column.name))
        .map(|(column, array)| ((column.name.clone(), column.kind), Arc::clone(array)))
        .unzip();
    Batch::new(&BatchSchema::new(kept), arrays, table.rows()).unwrap()
}

/// Maps a table with the only mapping of a set; `others` are the tables of its parents and sums.
pub(crate) fn run(set: &MappingSet, batch: &Batch, others: &[(&str, &Batch)]) -> Transformed {
    let tables: Vec<(&str, &Batch)> = [("T", batch)].into_iter().chain(others.iter().copied()).collect();
    apply(&plan(set, batch).unwrap(), &lookups(set, &tables), batch, 0)
}

/// A row read back: the values that are not NULL, as text, by column.
pub(crate) type Texts = BTreeMap<String, String>;

/// The rows of one entity.
pub(crate) fn rows(done: &Transformed, entity: &str) -> Vec<Texts> {
    let (_, batch) = done.entities.iter().find(|(name, _)| name == entity).unwrap();
    texts(batch)
}

/// The rows of a batch.
pub(crate) fn texts(batch: &Batch) -> Vec<Texts> {
    let columns = batch.schema().columns();
    let row = |row: usize| {
        let cell =
            |column: usize| Some((columns[column].name.clone(), text(batch.cells(column).value(row)?)));
        (0..columns.len()).filter_map(cell).collect()
    };
    (0..batch.rows()).map(row).collect()
}

fn text(value: Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_owned(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Decimal(number) => number.to_string(),
        Value::Date(days) => iso_date(days),
        Value::Time(micros) => iso_time(micros),
        Value::Id(id) => EntityId::from_bytes(id).to_string(),
    }
}

/// The rejects as `key action reason field`.
pub(crate) fn rejects(done: &Transformed) -> Vec<String> {
    let line = |row: &Texts| {
        [&row["src_key"], &row["action"], &row["reason"], &row["field"]].map(String::as_str).join(" ")
    };
    texts(&done.rejects).iter().map(|row| line(row).trim_end().to_owned()).collect()
}

/// The mappings that the project ships.
pub(crate) fn shipped() -> (MappingSet, Vec<Diagnostic>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    let mut files = BTreeMap::new();
    for folder in entries(&root) {
        let of_mappings =
            |path: &PathBuf| path.extension().is_some_and(|kind| kind == "toml" || kind == "csv");
        for path in entries(&folder).into_iter().filter(of_mappings) {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            #[expect(clippy::disallowed_methods, reason = "the tests read the files that are shipped")]
            let text = std::fs::read_to_string(&path).unwrap();
            files.insert(name, text);
        }
    }
    MappingSet::parse(&files)
}

/// What lies in a folder, and nothing for a file.
fn entries(folder: &Path) -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the tests read the files that are shipped")]
    let entries = std::fs::read_dir(folder);
    entries.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}
