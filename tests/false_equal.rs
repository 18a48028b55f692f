//! Different values that a comparison somewhere calls equal are stored for real and compared: `bron compare` names the
//! key and the column of each, and calls no value different from itself.

mod stores;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::support::{Ran, run};
use stores::{Files, Sqlite, Store};

/// The corpus, as its file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    pair: Vec<Pair>,
    same: Vec<Pair>,
    table: Vec<Table>,
}

/// Two values of one column.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    name: String,
    #[serde(default)]
    rule: String,
    #[serde(rename = "type")]
    kind: String,
    left: Option<String>,
    right: Option<String>,
    only: Option<Vec<String>>,
    #[serde(default)]
    pad: usize,
}

/// Two tables of texts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    rule: String,
    columns: Vec<String>,
    #[serde(default = "yes")]
    key: bool,
    #[serde(default)]
    rows_before: u32,
    left: Vec<Vec<String>>,
    right: Vec<Vec<String>>,
    differences: BTreeSet<Told>,
}

const fn yes() -> bool {
    true
}

/// A difference: its kind, the key with commas between, the columns with commas between.
type Told = (String, String, String);

/// A table to be stored.
pub(crate) struct Made {
    pub(crate) name: String,
    /// Names and types, in PostgreSQL's words.
    pub(crate) columns: Vec<(String, String)>,
    /// Whether the first column is the key.
    pub(crate) key: bool,
    pub(crate) left: Vec<Row>,
    pub(crate) right: Vec<Row>,
    expected: BTreeSet<Told>,
}

type Row = Vec<Option<String>>;

fn corpus() -> Corpus {
    toml::from_str(include_str!("false_equal/pairs.toml")).unwrap()
}

/// The tables of the corpus as this store can hold them: one for each type, and the whole ones.
fn tables(store: &dyn Store) -> Vec<Made> {
    let corpus = corpus();
    let mut by_type: BTreeMap<String, Made> = BTreeMap::new();
    let all = corpus.pair.iter().map(|pair| (pair, true)).chain(corpus.same.iter().map(|pair| (pair, false)));
    for ((pair, differs), id) in all.zip(1_u32..) {
        let held = pair.only.as_ref().is_none_or(|only| only.iter().any(|name| name == store.name()));
        // Where everything is text, two spellings are two values.
        let one_value_twice = !differs && pair.left != pair.right && store.name() == "files";
        if !held
            || one_value_twice
            || !store.can_hold(&pair.kind, pair.left.is_none() || pair.right.is_none())
        {
            continue;
        }
        let table = by_type.entry(pair.kind.clone()).or_insert_with(|| Made {
            name: name_of(&pair.kind),
            columns: vec![("id".to_owned(), "int4".to_owned()), ("v".to_owned(), pair.kind.clone())],
            key: true,
            left: Vec::new(),
            right: Vec::new(),
            expected: BTreeSet::new(),
        });
        let padded =
            |value: &Option<String>| value.as_ref().map(|value| format!("{}{value}", "å".repeat(pair.pad)));
        table.left.push(vec![Some(id.to_string()), padded(&pair.left)]);
        table.right.push(vec![Some(id.to_string()), padded(&pair.right)]);
        if differs {
            table.expected.insert(("differs".to_owned(), id.to_string(), "v".to_owned()));
        }
    }
    by_type.into_values().chain(corpus.table.into_iter().map(Table::made)).collect()
}

/// A table for a type. Without digits: files whose names differ in digits alone are one table.
fn name_of(kind: &str) -> String {
    let letter = |one: char| match one.to_digit(10) {
        Some(digit) => char::from(b'a' + u8::try_from(digit).unwrap()),
        None => one,
    };
    format!("t_{}", kind.replace(['(', ','], "_").replace(')', "").chars().map(letter).collect::<String>())
}

impl Table {
    fn made(self) -> Made {
        let before = (1..=self.rows_before).map(|id| {
            let id = std::iter::once(Some(id.to_string()));
            id.chain((1..self.columns.len()).map(|_| Some("lika".to_owned()))).collect()
        });
        let before: Vec<Row> = before.collect();
        let rows = |own: Vec<Vec<String>>| {
            before
                .iter()
                .cloned()
                .chain(own.into_iter().map(|row| row.into_iter().map(Some).collect()))
                .collect()
        };
        let kind = |place| if self.key && place == 0 { "int4" } else { "text" }.to_owned();
        Made {
            name: format!("w_{}", self.name),
            columns: self
                .columns
                .iter()
                .cloned()
                .enumerate()
                .map(|(place, name)| (name, kind(place)))
                .collect(),
            key: self.key,
            left: rows(self.left),
            right: rows(self.right),
            expected: self.differences,
        }
    }
}

/// What the file of a table's differences tells.
fn told(file: &Path) -> BTreeSet<Told> {
    let mut lines = csv::Reader::from_path(file).unwrap();
    let records = lines.records().map(|record| {
        let cells: Vec<String> = record.unwrap().iter().map(str::to_owned).collect();
        (cells[0].clone(), cells[6..].join(","), cells[5].clone())
    });
    records.collect()
}

fn compare(store: &dyn Store, out: &Path, more: &[String]) -> Value {
    let [left, right] = store.locators();
    let mut arguments = ["compare", &left, &right, "--output", "json", "--out"].map(str::to_owned).to_vec();
    arguments.push(out.to_str().unwrap().to_owned());
    arguments.extend_from_slice(more);
    Ran::expect(run(&arguments), &[2]).json()
}

/// Stores the corpus, compares it, and expects exactly the differences that are there. Gives how many.
fn expect_exactly(store: &mut dyn Store) -> usize {
    let made = tables(store);
    made.iter().for_each(|table| store.make(table));
    let out = tempfile::tempdir().unwrap();
    let asked = |keyed: bool| {
        let of_kind = made.iter().filter(|table| table.key == keyed);
        of_kind.flat_map(|table| ["--table".to_owned(), table.name.clone()]).collect::<Vec<_>>()
    };
    let results = if store.has_keys() {
        vec![compare(store, out.path(), &[])]
    } else {
        let keyed = asked(true).into_iter().chain(["--key".to_owned(), "id".to_owned()]).collect::<Vec<_>>();
        vec![compare(store, out.path(), &keyed), compare(store, out.path(), &asked(false))]
    };
    let results: Vec<&Value> = results.iter().flat_map(|one| one["tables"].as_array().unwrap()).collect();
    assert_eq!(results.len(), made.len());
    for table in &made {
        let result = results.iter().find(|one| one["left"] == table.name).unwrap();
        let verdict = if table.expected.is_empty() { "equal" } else { "differs" };
        assert_eq!(result["verdict"], verdict, "{}: {result:#}", table.name);
        let proofs = result["comparison"]["columns"].as_array().unwrap();
        assert!(proofs.iter().all(|column| column["proof"] == "exact"), "{result:#}");
        let file = out.path().join(format!("{}.differences.csv", table.name));
        assert_eq!(told(&file), table.expected, "{}", table.name);
    }
    made.iter().map(|table| table.expected.len()).sum()
}

#[test]
fn the_corpus_is_as_large_as_it_says() {
    let corpus = corpus();
    let names: BTreeSet<&str> =
        corpus.pair.iter().chain(&corpus.same).map(|pair| pair.name.as_str()).collect();
    assert_eq!(names.len(), corpus.pair.len() + corpus.same.len(), "a name says which pair is meant");
    assert!(corpus.pair.len() >= 60 && corpus.same.len() >= 20);
    assert!(corpus.pair.iter().all(|pair| pair.left != pair.right && !pair.rule.is_empty()));
    assert!(corpus.table.iter().all(|table| !table.rule.is_empty() && !table.differences.is_empty()));
}

#[test]
fn no_false_equal_in_sqlite() {
    assert!(expect_exactly(&mut Sqlite::new()) > 80);
}

#[test]
fn no_false_equal_in_files() {
    assert!(expect_exactly(&mut Files::new()) > 70);
}

#[cfg(feature = "postgres-tests")]
#[test]
fn no_false_equal_in_postgresql() {
    assert!(expect_exactly(&mut stores::Postgres::new()) > 110);
}

#[cfg(feature = "mariadb-tests")]
#[test]
fn no_false_equal_in_mariadb() {
    assert!(expect_exactly(&mut stores::MariaDb::new()) > 90);
}
