//! Every statement of a follower that is not a constant is built here, and every name in it is quoted here. Values are
//! bound and never become part of a statement.

use bron_load::{Dialect, ROW_ENDED, ROW_RUNS, history_table};

use super::table::{Column, Form, Table};

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The value of a column as text or bytes.
fn read(column: &Column, dialect: Dialect) -> String {
    let name = quoted(&column.described.name);
    match (dialect, column.form) {
        (Dialect::Sqlite, _) | (Dialect::Postgres, Form::Bytes) => name,
        (Dialect::Postgres, Form::Bit) => format!("{name}::int::text"),
        (Dialect::Postgres, Form::Money) => format!("{name}::numeric::text"),
        (
            Dialect::Postgres,
            Form::Text | Form::Truth | Form::Whole | Form::Moment | Form::Real | Form::Utc,
        ) => format!("{name}::text"),
    }
}

/// A parameter as a value of a column. A text is assigned as it is: a cast to its width would cut it off.
fn written(column: &Column, number: usize, dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => format!("${number}"),
        Dialect::Postgres if column.form == Form::Bytes => format!("${number}::bytea"),
        Dialect::Postgres if column.described.is_textual => format!("${number}::text"),
        Dialect::Postgres => format!("${number}::text::{}", column.described.declared),
    }
}

/// Conditions on the key, whose parameters come after so many others.
fn of_key(table: &Table, after: usize, dialect: Dialect) -> String {
    let conditions = table.key.iter().enumerate().map(|(place, at)| {
        let column = &table.columns[*at];
        let value = written(column, after + place + 1, dialect);
        format!("{} = {value}", quoted(&column.described.name))
    });
    conditions.collect::<Vec<_>>().join(" AND ")
}

/// Reads a row by its key, and holds it when it is going to be written.
pub(super) fn select(table: &Table, dialect: Dialect, to_write: bool) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| read(column, dialect)).collect();
    let held = if to_write && dialect == Dialect::Postgres { " FOR UPDATE" } else { "" };
    let condition = of_key(table, 0, dialect);
    format!("SELECT {} FROM {} WHERE {condition}{held}", columns.join(", "), quoted(&table.name))
}

/// Inserts a row of these columns; a row of the model names the run after them.
pub(super) fn insert(table: &Table, columns: &[&Column], dialect: Dialect) -> String {
    let mut names: Vec<String> = columns.iter().map(|column| quoted(&column.described.name)).collect();
    let mut values: Vec<String> =
        columns.iter().enumerate().map(|(at, column)| written(column, at + 1, dialect)).collect();
    if table.is_of_model() {
        names.extend(ROW_RUNS.map(quoted));
        values.extend(ROW_RUNS.map(|_| format!("${}", columns.len() + 1)));
    }
    format!("INSERT INTO {} ({}) VALUES ({})", quoted(&table.name), names.join(", "), values.join(", "))
}

/// Sets these columns of a row; the parameters of the key come after them, and for a row of the model the run last.
pub(super) fn update(table: &Table, columns: &[&Column], dialect: Dialect) -> String {
    let mut set: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            format!("{} = {}", quoted(&column.described.name), written(column, at + 1, dialect))
        })
        .collect();
    if table.is_of_model() {
        let run = columns.len() + table.key.len() + 1;
        set.extend(ROW_RUNS.map(|name| format!("{} = ${run}", quoted(name))));
    }
    let condition = of_key(table, columns.len(), dialect);
    format!("UPDATE {} SET {} WHERE {condition}", quoted(&table.name), set.join(", "))
}

/// Deletes a row by its key.
pub(super) fn delete(table: &Table, dialect: Dialect) -> String {
    format!("DELETE FROM {} WHERE {}", quoted(&table.name), of_key(table, 0, dialect))
}

/// Keeps a row of the model as it is in the history: after the key come the run, why the row ends, and the run's place.
pub(super) fn keep(table: &Table, dialect: Dialect) -> String {
    let own = table.columns.iter().map(|column| column.described.name.as_str()).chain(ROW_RUNS);
    let own: Vec<String> = own.map(quoted).collect();
    let names: Vec<String> = own.iter().cloned().chain(ROW_ENDED.map(quoted)).collect();
    let after = table.key.len();
    let ordinal = if dialect == Dialect::Postgres { "::bigint" } else { "" };
    format!(
        "INSERT INTO {} ({}) SELECT {}, ${}, ${}, ${}{ordinal} FROM {} WHERE {} ON CONFLICT DO NOTHING",
        quoted(&history_table(&table.name)),
        names.join(", "),
        own.join(", "),
        after + 1,
        after + 2,
        after + 3,
        quoted(&table.name),
        of_key(table, 0, dialect),
    )
}
