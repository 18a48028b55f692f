//! The statements that a transaction writes with: names are quoted and values bound here.

use std::collections::btree_map::Entry;

use bron_mappings::ColumnType;

use super::super::catalog::{self, TdsColumn};
use super::super::state::{Bound, unfit};
use super::super::{quoted, schema_of, time_of};
use super::{GivenRow, MssqlWriting};
use crate::error::{Error, ErrorKind};
use crate::found::{FoundRow, FoundValue};
use crate::selection::{KnownTable, Selectable, no_table};

impl MssqlWriting<'_> {
    /// What the catalog says of a table whose rows can be named.
    pub(super) fn known(&mut self, table: &str) -> Result<&KnownTable<TdsColumn>, Error> {
        let (schema, time) = (schema_of(&self.writer.access), time_of(&self.writer.access));
        let Self { connected, known, .. } = self;
        match known.entry(table.to_owned()) {
            Entry::Occupied(found) => Ok(found.into_mut()),
            Entry::Vacant(vacant) => {
                let doing = format!("table {table}");
                let found = connected
                    .run(time, &doing, async |session| catalog::table(session, &schema, table).await)?;
                if let Some(error) = unfit(&connected.place, table, found.as_ref()) {
                    return Err(error);
                }
                Ok(vacant.insert(found.ok_or_else(|| no_table(&connected.place, table))?))
            }
        }
    }

    /// The columns that an update gives values to; those values are added to what is bound.
    pub(super) fn assignments(
        &mut self,
        table: &str,
        values: &GivenRow,
        bound: &mut Vec<Bound>,
    ) -> Result<Vec<String>, Error> {
        self.refuse_unknown(table, values.keys())?;
        let known = self.known(table)?;
        let is_given = |column: &&TdsColumn| {
            let name = &column.column().name;
            values.contains_key(name) && !known.key.contains(name) && !column.is_the_servers()
        };
        let given = known.columns.iter().filter(is_given);
        let assigned = given.map(|column| {
            let value = bind(column, given_value(values, column), bound);
            format!("{} = {value}", quoted(&column.column().name))
        });
        Ok(assigned.collect())
    }

    pub(super) fn refuse_unknown<'n>(
        &mut self,
        table: &str,
        mut names: impl Iterator<Item = &'n String>,
    ) -> Result<(), Error> {
        let place = self.connected.place.clone();
        let known = self.known(table)?;
        match names.find(|name| known.named(name).is_none()) {
            Some(name) => {
                Err(Error::new(ErrorKind::Drift, format!("{place}: table {table} has no column {name}")))
            }
            None => Ok(()),
        }
    }

    /// Each column of a key with the value that it has there already.
    pub(super) fn assigned_key(
        &mut self,
        table: &str,
        key: &FoundRow,
        bound: &mut Vec<Bound>,
    ) -> Result<Vec<String>, Error> {
        let known = self.known(table)?;
        let assigned = known.key_columns().map(|column| {
            let name = &column.column().name;
            format!("{} = {}", quoted(name), bind(column, key.get(name), bound))
        });
        Ok(assigned.collect())
    }

    pub(super) fn name_of(&self, table: &str) -> String {
        format!("{}.{}", quoted(&schema_of(&self.writer.access)), quoted(table))
    }

    /// The condition on `p` that a key is met by; its values are added to what is bound.
    pub(super) fn found_by(
        &mut self,
        table: &str,
        key: &FoundRow,
        bound: &mut Vec<Bound>,
    ) -> Result<String, Error> {
        let place = self.connected.place.clone();
        let known = self.known(table)?;
        let mut conditions = Vec::new();
        for column in known.key_columns() {
            let name = &column.column().name;
            let missing = || {
                Error::new(ErrorKind::Drift, format!("{place}: table {table}: key column {name} is missing"))
            };
            let value = key.get(name).ok_or_else(missing)?;
            conditions.push(format!("p.{} = {}", quoted(name), bind(column, Some(value), bound)));
        }
        Ok(conditions.join(" AND "))
    }

    /// What change tracking says of the last change of `p`, as a value in a statement.
    pub(super) fn last_of(&mut self, table: &str, what: &str) -> Result<String, Error> {
        let name = self.name_of(table);
        let key = &self.known(table)?.key;
        let columns: Vec<String> = key.iter().map(|name| quoted(name)).collect();
        let values: Vec<String> = columns.iter().map(|name| format!("p.{name}")).collect();
        let version =
            format!("CHANGETABLE(VERSION {name}, ({}), ({}))", columns.join(", "), values.join(", "));
        Ok(format!("(SELECT v.{what} FROM {version} AS v)"))
    }

    /// The statements that make a row and give its key. The key goes through a variable: a table with triggers gives
    /// nothing back by itself.
    pub(super) fn insertion(&mut self, table: &str, row: &GivenRow) -> Result<(String, Vec<Bound>), Error> {
        let (name, context) = (self.name_of(table), self.context.clone());
        let known = self.known(table)?;
        let is_given =
            |column: &&TdsColumn| row.contains_key(&column.column().name) && !column.is_the_servers();
        let given: Vec<&TdsColumn> = known.columns.iter().filter(is_given).collect();
        let mut bound = Vec::new();
        let values: Vec<String> =
            given.iter().map(|column| bind(column, given_value(row, column), &mut bound)).collect();
        let columns: Vec<String> = given.iter().map(|column| quoted(&column.column().name)).collect();
        let (columns, values) = match columns.is_empty() {
            true => (String::new(), "DEFAULT VALUES".to_owned()),
            false => (format!("({})", columns.join(", ")), format!("VALUES ({})", values.join(", "))),
        };
        let key: Vec<(String, &TdsColumn)> =
            known.key_columns().map(|column| (quoted(&column.column().name), column)).collect();
        let declared: Vec<String> =
            key.iter().map(|(name, column)| format!("{name} {}", column.column().declared_type)).collect();
        let inserted: Vec<String> = key.iter().map(|(name, _)| format!("INSERTED.{name}")).collect();
        let told: Vec<String> = key.iter().map(|(_, column)| column.value()).collect();
        let counts = given.iter().any(|column| column.is_counted());
        let (on, off) = match counts {
            true => (format!("SET IDENTITY_INSERT {name} ON; "), format!("SET IDENTITY_INSERT {name} OFF; ")),
            false => (String::new(), String::new()),
        };
        let statement = format!(
            "DECLARE @made TABLE({}); {on}{context} INSERT INTO {name}{columns} OUTPUT {} INTO @made {values}; \
             {off}SELECT {} FROM @made",
            declared.join(", "),
            inserted.join(", "),
            told.join(", ")
        );
        Ok((statement, bound))
    }
}

fn given_value<'g>(row: &'g GivenRow, column: &TdsColumn) -> Option<&'g FoundValue> {
    row.get(&column.column().name).and_then(Option::as_ref)
}

/// Adds a value to what is bound, and gives the SQL that the column takes.
fn bind(column: &TdsColumn, value: Option<&FoundValue>, bound: &mut Vec<Bound>) -> String {
    let for_bytes = column.column().kind == ColumnType::Bytes;
    let Some(value) = value else {
        // Bound, it would have no type.
        return "NULL".to_owned();
    };
    bound.push(match value {
        FoundValue::Bytes(bytes) => Bound::Bytes(bytes.clone()),
        FoundValue::Text(text) if for_bytes => Bound::Bytes(text.clone().into_bytes()),
        FoundValue::Text(text) => Bound::Text(column.notation(text)),
    });
    column.assigned(bound.len(), matches!(value, FoundValue::Bytes(_)))
}
