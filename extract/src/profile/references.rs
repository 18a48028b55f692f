//! Which columns may name rows of other tables.

use serde::Serialize;

use super::codes::names_people;
use super::sketch::Sketch;
use super::{ColumnProfile, Shape, TableProfile};

/// Fewer different values than this say nothing about a reference.
const ENOUGH: u64 = 3;

/// A column whose values are, nearly all, keys of another table, and whose name says so too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// The table with the column.
    pub table: String,
    /// The column.
    pub column: String,
    /// The table whose rows it may name.
    pub to_table: String,
    /// The key of that table.
    pub to_column: String,
    /// Of the different values that were compared, those that are keys there.
    pub found: u64,
    /// The different values that were compared.
    pub compared: u64,
}

/// The references that the profiles of a source's tables suggest, in the order of the tables. A guess rests on
/// the values, of which at least nine in ten are keys of the other table, and on the name, which is that of the
/// key or contains that of the table. What names rows is no code, and neither is what names people, whatever the
/// column is called: their profiles show none from here on.
pub fn references(tables: &mut [TableProfile]) -> Vec<Reference> {
    let found = guesses(tables);
    let people = keys_of_people(tables);
    for table in tables {
        for column in &mut table.columns {
            let names_rows = table.key.contains(&column.name)
                || found.iter().any(|one| one.table == table.table && one.column == column.name);
            let names_people =
                column.codes.is_some() && people.iter().any(|key| is_within(&column.sketch, key));
            if names_rows || names_people {
                column.forget_codes();
            }
        }
    }
    found
}

/// The values of the keys of tables about people, where the keys are words: user names, signatures. A small number
/// is in every numbered table's key, and says nothing.
fn keys_of_people(tables: &[TableProfile]) -> Vec<Sketch> {
    let about_people = |table: &&TableProfile| {
        let identifies = |column: &ColumnProfile| {
            let number = |shape: &Shape| matches!(shape, Shape::Personnummer | Shape::Samordningsnummer);
            column.shapes.keys().any(number) || names_people(&column.name)
        };
        table.columns.iter().any(identifies)
    };
    let words = |column: &&ColumnProfile| {
        matches!(column.usual_shape(), Some(Shape::Word | Shape::Text)) && column.distinct.count() >= ENOUGH
    };
    let keys = tables.iter().filter(about_people).flat_map(|table| {
        let names = if table.key.is_empty() { &table.unique } else { &table.key };
        table.columns.iter().filter(|column| names.contains(&column.name)).filter(words)
    });
    keys.map(|column| column.sketch.clone()).collect()
}

/// Whether nearly all values of one column are values of another.
fn is_within(values: &Sketch, key: &Sketch) -> bool {
    let (found, compared) = values.found_in(key);
    compared > 0 && found * 10 >= compared * 9
}

fn guesses(tables: &[TableProfile]) -> Vec<Reference> {
    let mut found = Vec::new();
    for table in tables {
        for column in &table.columns {
            let keys = tables.iter().filter(|other| other.table != table.table).filter_map(single_key);
            found.extend(keys.filter_map(|(to, key)| guess(table, column, to, key)));
        }
    }
    found
}

/// The table with its key, when the key is one column.
fn single_key(table: &TableProfile) -> Option<(&TableProfile, &ColumnProfile)> {
    let key = table.key_or_guess();
    let [key] = key.as_slice() else { return None };
    Some((table, table.column(key)?))
}

fn guess(
    table: &TableProfile,
    column: &ColumnProfile,
    to: &TableProfile,
    key: &ColumnProfile,
) -> Option<Reference> {
    let (name, key_name) = (column.name.to_lowercase(), key.name.to_lowercase());
    // A key named `id` says nothing; then the table's name must be in the column's.
    let named = (name.ends_with(&key_name) && key_name != "id") || name.contains(&to.table.to_lowercase());
    if !named || column.distinct.count() < ENOUGH {
        return None;
    }
    let (found, compared) = column.sketch.found_in(&key.sketch);
    (compared >= ENOUGH && found * 10 >= compared * 9).then(|| Reference {
        table: table.table.clone(),
        column: column.name.clone(),
        to_table: to.table.clone(),
        to_column: key.name.clone(),
        found,
        compared,
    })
}
