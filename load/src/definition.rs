//! The target's definition as people read it.

use std::fmt::Write as _;

use bron_mappings::{Entity, Field, FieldType, Model, ProtectionClass};

use crate::layout::{Dialect, Layout, RUN_COLUMNS, Reference};
use crate::sql;

/// The statements that create every table of the model with its history, and the control tables `bron_receipt`,
/// `bron_refused`, `bron_run` and `bron_schema`: what [`Sink::prepare`](crate::Sink::prepare) runs. Beside them stand
/// an index on every reference, which [`Sink::finish`](crate::Sink::finish) puts on tables of PostgreSQL that it made
/// and on those of SQLite, and what each table and column means, in Swedish, with the protection of the column.
/// PostgreSQL keeps these texts with the table (`COMMENT ON`); for SQLite they are comments of the text.
///
/// The statements stand in the order of the tables' names and can be run again.
#[must_use]
pub fn ddl(model: &Model, dialect: Dialect) -> String {
    let mut text = String::new();
    for statement in sql::control_tables(dialect) {
        let _ = writeln!(text, "{statement};");
    }
    for entity in model.entities.values() {
        text.push('\n');
        if dialect == Dialect::Sqlite {
            comment_lines(entity, &mut text);
        }
        let _ = writeln!(text, "{};", sql::create_table(&Layout::unchecked(entity), dialect));
        let _ = writeln!(text, "{};", sql::history::create_table(&Layout::unchecked(entity), dialect));
        for reference in Reference::of(entity) {
            let _ = writeln!(text, "{};", sql::create_index(&reference.table, &reference.column));
        }
        if dialect == Dialect::Postgres {
            comments(entity, &mut text);
        }
    }
    text
}

fn comments(entity: &Entity, text: &mut String) {
    let table = sql::comment_on_table(&entity.name, &meaning_of_table(entity));
    let _ = writeln!(text, "{table};");
    for (column, meaning) in columns(entity) {
        let _ = writeln!(text, "{};", sql::comment_on_column(&entity.name, column, &meaning));
    }
}

fn comment_lines(entity: &Entity, text: &mut String) {
    let _ = writeln!(text, "-- {}: {}", entity.name, one_line(&meaning_of_table(entity)));
    for (column, meaning) in columns(entity) {
        let _ = writeln!(text, "--   {column}: {}", one_line(&meaning));
    }
}

/// Every column of an entity's table with its meaning.
fn columns(entity: &Entity) -> impl Iterator<Item = (&str, String)> {
    let fields = entity.fields.iter().map(|field| (field.name.as_str(), meaning_of_column(field)));
    let runs = ["Körningen som läste raden", "Körningen som skrev raden"];
    fields.chain(RUN_COLUMNS.into_iter().zip(runs.map(|text| format!("{text}. Skydd: oppen"))))
}

fn meaning_of_table(entity: &Entity) -> String {
    let Entity { label, about, sekretess_klass, .. } = entity;
    format!("{label}. {about}. Sekretess: {sekretess_klass}")
}

fn meaning_of_column(field: &Field) -> String {
    let protection = ProtectionClass::ALL.iter().find(|(_, class)| *class == field.protection);
    let protection = protection.map_or("", |(name, _)| name);
    let refers = match &field.kind {
        FieldType::Ref { entity } => format!(" Hänvisar till {entity}."),
        FieldType::Id
        | FieldType::Text
        | FieldType::Code
        | FieldType::Date
        | FieldType::Time
        | FieldType::Int
        | FieldType::Ore
        | FieldType::Minutes
        | FieldType::Bool
        | FieldType::Bytes
        | FieldType::Decimal { .. } => String::new(),
    };
    let about = if field.about == field.label { String::new() } else { format!(" {}.", field.about) };
    format!("{}.{about}{refers} Skydd: {protection}", field.label)
}

/// A comment ends where its line does.
fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}
