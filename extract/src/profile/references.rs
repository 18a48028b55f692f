//! Which columns may name rows of other tables.

use serde::Serialize;

use super::{ColumnProfile, TableProfile};

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
/// key or contains that of the table. What names rows is no code, and its profile shows none from here on.
pub fn references(tables: &mut [TableProfile]) -> Vec<Reference> {
    let found = guesses(tables);
    for table in tables {
        for column in &mut table.columns {
            let names_rows = table.key.contains(&column.name)
                || found.iter().any(|one| one.table == table.table && one.column == column.name);
            if names_rows {
                column.codes = None;
            }
        }
    }
    found
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
    let [key] = table.key.as_slice() else { return None };
    Some((table, table.columns.iter().find(|column| &column.name == key)?))
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
