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

/// A text of SQL as a value of a column.
fn cast(column: &Column, text: &str) -> String {
    if column.form == Form::Bytes || column.described.is_textual {
        text.to_owned()
    } else {
        format!("{text}::{}", column.described.declared)
    }
}

/// The columns of a table as texts or bytes, with the name of the table before them.
fn read_all(table: &Table, alias: &str) -> String {
    let columns = table.columns.iter().map(|column| {
        let read = read(column, Dialect::Postgres);
        format!("{alias}.{read}")
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// For PostgreSQL: reads rows by lists of the texts of their keys, each with its place in the lists from 1.
pub(super) fn select_many(table: &Table) -> String {
    let lists: Vec<String> = (1..=table.key.len()).map(|number| format!("${number}::text[]")).collect();
    let names: Vec<String> = (1..=table.key.len()).map(|number| format!("k{number}")).collect();
    let on = table.key_columns().zip(&names).map(|(column, name)| {
        format!("t.{} = {}", quoted(&column.described.name), cast(column, &format!("k.{name}")))
    });
    format!(
        "SELECT k.place, {} FROM unnest({}) WITH ORDINALITY AS k({}, place) JOIN {} AS t ON {}",
        read_all(table, "t"),
        lists.join(", "),
        names.join(", "),
        quoted(&table.name),
        on.collect::<Vec<_>>().join(" AND "),
    )
}

/// The statements that write many rows of a table of the model through a staging table, on PostgreSQL.
pub(super) struct SetStatements {
    /// Makes the staging table, which empties itself at the end of each transaction.
    pub(super) stage: String,
    /// Takes the rows into it: their place in the work, what is done with them, and their columns as texts.
    pub(super) copy: String,
    /// Tells the planner how many they are.
    pub(super) analyze: String,
    /// Reads and holds the rows that are there, each with its place in the work.
    pub(super) hold: String,
    /// Takes the rows `$1` out of the staging table: they are what they shall be.
    pub(super) leave: String,
    /// Keeps the rows that end in the history: `$1` is the run, `$2` what is done with them, `$3` why, `$4` the place.
    pub(super) keep: String,
    /// Sets all columns; `$1` is the run.
    pub(super) update: String,
    /// Inserts; `$1` is the run.
    pub(super) insert: String,
    /// Deletes.
    pub(super) delete: String,
}

impl SetStatements {
    pub(super) fn new(table: &Table) -> Self {
        let stage = format!("pg_temp.{}", quoted(&format!("bridge_stage_{}", table.name)));
        let (name, id) = (quoted(&table.name), &table.columns[0]);
        let names: Vec<String> = table.columns.iter().map(|column| quoted(&column.described.name)).collect();
        let typed = table.columns.iter().map(|column| {
            let kind = if column.form == Form::Bytes { "bytea" } else { "text" };
            format!("{} {kind}", quoted(&column.described.name))
        });
        let typed: Vec<String> = typed.collect();
        let given: Vec<String> = table
            .columns
            .iter()
            .zip(&names)
            .map(|(column, name)| cast(column, &format!("s.{name}")))
            .collect();
        let on = format!("t.{} = {}", names[0], given[0]);
        let mut set: Vec<String> =
            names.iter().zip(&given).skip(1).map(|(name, given)| format!("{name} = {given}")).collect();
        set.extend(ROW_RUNS.map(|run| format!("{} = $1", quoted(run))));
        let runs = ROW_RUNS.map(quoted).join(", ");
        let all = format!("{}, {runs}", names.join(", "));
        let kept: Vec<String> = names.iter().cloned().chain(ROW_RUNS.map(quoted)).collect();
        let of_kept: Vec<String> = kept.iter().map(|name| format!("t.{name}")).collect();
        debug_assert_eq!(id.described.name, "id");
        Self {
            stage: format!(
                "CREATE TEMP TABLE IF NOT EXISTS {} (place int, act text, {}) ON COMMIT DELETE ROWS",
                stage.trim_start_matches("pg_temp."),
                typed.join(", ")
            ),
            copy: format!("COPY {stage} (place, act, {}) FROM STDIN (FORMAT binary)", names.join(", ")),
            analyze: format!("ANALYZE {stage}"),
            hold: format!(
                "SELECT s.place::bigint, {} FROM {stage} AS s JOIN {name} AS t ON {on} ORDER BY s.place \
                 FOR UPDATE OF t",
                read_all(table, "t")
            ),
            leave: format!("DELETE FROM {stage} WHERE place = ANY ($1::bigint[])"),
            keep: format!(
                "INSERT INTO {} ({}, {}) SELECT {}, $1::text, $3::text, $4::bigint FROM {stage} AS s \
                 JOIN {name} AS t ON {on} WHERE s.act = $2::text ON CONFLICT DO NOTHING",
                quoted(&history_table(&table.name)),
                kept.join(", "),
                ROW_ENDED.map(quoted).join(", "),
                of_kept.join(", "),
            ),
            update: format!(
                "UPDATE {name} AS t SET {} FROM {stage} AS s WHERE {on} AND s.act = 'u'",
                set.join(", ")
            ),
            insert: format!(
                "INSERT INTO {name} ({all}) SELECT {}, $1::text, $1::text FROM {stage} AS s WHERE s.act = 'i' \
                 ORDER BY s.place",
                given.join(", ")
            ),
            delete: format!("DELETE FROM {name} AS t USING {stage} AS s WHERE {on} AND s.act = 'd'"),
        }
    }
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
