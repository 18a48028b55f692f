//! What a driver says about the tables of a database.

use std::collections::BTreeMap;

use bron_mappings::ColumnType;
use odbc_api::parameter::VarCharArray;
use odbc_api::{ColumnsRow, Connection, Error as OdbcError};

use super::dialect::Dialect;
use super::form::{Declared, Finish, Form, is_readable};
use super::literal::Literal;
use super::refusal::{Place, record};
use crate::error::{Error, ErrorKind};
use crate::selection::{KnownTable, Selectable};
use crate::source::{SourceColumn, TableSchema};
use crate::span::KeyValue;

const DOING: &str = "reading the schema";
const KINDS: &str = "TABLE,VIEW";

/// Which part of a database is read.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// The catalog that the connection is in; empty where there are none.
    pub(super) catalog: String,
    /// The schema; none where any is taken.
    pub(super) schema: Option<String>,
    pub(super) dialect: Dialect,
    /// What names are quoted with, where the driver can.
    pub(super) quote: Option<char>,
}

/// A column, and how to read it.
pub(super) struct KnownColumn {
    pub(super) form: Form,
    column: SourceColumn,
    /// Its name as SQL text.
    quoted: String,
    /// What orders rows by it as a part of the primary key.
    order: String,
    /// How the system reads a value of it in a statement.
    literal: Literal,
    /// Whether its values can be read at all.
    is_readable: bool,
}

impl KnownColumn {
    /// Refuses columns of a table whose values cannot be read.
    pub(super) fn check(place: &Place, known: &[Self], wanted: &TableSchema) -> Result<(), Error> {
        let is_wanted = |known: &&Self| wanted.columns.iter().any(|column| column.name == known.column.name);
        match known.iter().filter(is_wanted).find(|known| !known.is_readable) {
            None => Ok(()),
            Some(Self { column, .. }) => {
                let SourceColumn { name, declared_type, .. } = column;
                let problem = format!(
                    "column {name} has the type {declared_type}, which cannot be read: leave it out of the mapping, \
                     or convert it in a view"
                );
                Err(place.error(ErrorKind::Unreadable, &format!("table {}", wanted.name), &problem))
            }
        }
    }
}

impl Selectable for KnownColumn {
    fn column(&self) -> &SourceColumn {
        &self.column
    }

    fn value(&self) -> String {
        match self.form.finish {
            // Servers write a FLOAT with six digits, and a DOUBLE with all that it takes.
            Finish::Real32 => format!("{} + 0e0", self.quoted),
            Finish::Written | Finish::WrittenInUtc => format!("CAST({} AS text)", self.quoted),
            Finish::Money => format!("CAST({} AS numeric)", self.quoted),
            Finish::AsIs
            | Finish::Moment
            | Finish::MomentInUtc
            | Finish::Scale(_)
            | Finish::Real64
            | Finish::Bit
            | Finish::LowerCase
            | Finish::UpperCase => self.quoted.clone(),
        }
    }

    fn order_in_key(&self) -> String {
        self.order.clone()
    }

    fn order_by_text(&self) -> String {
        self.quoted.clone()
    }

    fn value_in_mark(&self) -> Option<String> {
        (self.literal != Literal::None).then(|| self.value())
    }

    fn mark_as_sql(&self, value: &KeyValue) -> Option<String> {
        match value {
            KeyValue::Text(text) => self.literal.of(text),
            KeyValue::Whole(_) | KeyValue::Real(_) | KeyValue::Bytes(_) => None,
        }
    }
}

/// A table as it can be read.
pub(super) struct Listed {
    /// What SQL calls it.
    pub(super) from: String,
    pub(super) table: KnownTable<KnownColumn>,
}

/// Asks a driver about its tables.
pub(super) struct Catalog<'a> {
    pub(super) connection: &'a Connection<'static>,
    pub(super) place: &'a Place,
    pub(super) scope: &'a Scope,
}

impl Catalog<'_> {
    /// The tables and views by name. ODBC has no estimate of their rows that costs nothing: it is 0.
    pub(super) fn tables(&self) -> Result<Vec<TableSchema>, Error> {
        let mut schemas: BTreeMap<String, String> = BTreeMap::new();
        for (schema, name) in self.names()? {
            if let Some(other) = schemas.insert(name.clone(), schema.clone()).filter(|other| *other != schema)
            {
                let problem =
                    format!("table {name} is in {other} and in {schema}: name one of them in `schema`");
                return Err(self.place.error(ErrorKind::Settings, DOING, &problem));
            }
        }
        let mut tables = Vec::with_capacity(schemas.len());
        for name in schemas.into_keys() {
            if let Some(listed) = self.table(&name)? {
                tables.push(listed.table.schema(name, 0));
            }
        }
        Ok(tables)
    }

    /// The statement that asks for a table that the driver does not list, and reads no row.
    pub(super) fn probe(&self, name: &str) -> Result<String, Error> {
        let schema = self.scope.schema.as_deref().filter(|schema| !schema.is_empty());
        let schema = schema.map(|schema| self.quoted(schema)).transpose()?;
        let from = schema.into_iter().chain([self.quoted(name)?]).collect::<Vec<_>>().join(".");
        Ok(format!("SELECT 1 FROM {from} WHERE 1 = 0"))
    }

    fn pattern(&self) -> &str {
        self.scope.schema.as_deref().unwrap_or(self.scope.dialect.any_schema())
    }

    /// A schema is a pattern to drivers, so others than the one asked for may come.
    fn is_in_scope(&self, schema: &str) -> bool {
        schema.is_empty() || self.scope.schema.as_ref().is_none_or(|wanted| wanted == schema)
    }

    fn names(&self) -> Result<Vec<(String, String)>, Error> {
        let rows = self.connection.tables(&self.scope.catalog, self.pattern(), "%", KINDS);
        let mut names = Vec::new();
        for row in rows.map_err(|error| self.refused(&error))? {
            let row = row.map_err(|error| self.refused(&error))?;
            let (schema, name) = (self.text(&row.schema)?, self.text(&row.table)?);
            if self.is_in_scope(&schema) {
                names.push((schema, name));
            }
        }
        Ok(names)
    }

    /// One table, `None` when there is none of this name.
    pub(super) fn table(&self, name: &str) -> Result<Option<Listed>, Error> {
        // The name is a pattern too.
        let rows = self.connection.columns(&self.scope.catalog, self.pattern(), name, "%");
        let mut found: Vec<(i32, KnownColumn)> = Vec::new();
        let mut schema = String::new();
        for row in rows.map_err(|error| self.refused(&error))? {
            let row = row.map_err(|error| self.refused(&error))?;
            let of_schema = self.text(&row.schema)?;
            if self.text(&row.table)? == name && self.is_in_scope(&of_schema) {
                schema = of_schema;
                found.push((row.ordinal_position, self.column(&row)?));
            }
        }
        if found.is_empty() {
            return Ok(None);
        }
        found.sort_by_key(|(position, _)| *position);
        let columns = found.into_iter().map(|(_, known)| known).collect();
        let key = self.key(&schema, name)?;
        let mut from = self.quoted(name)?;
        if !schema.is_empty() {
            from = format!("{}.{from}", self.quoted(&schema)?);
        }
        Ok(Some(Listed { from, table: KnownTable { columns, key } }))
    }

    fn column(&self, row: &ColumnsRow) -> Result<KnownColumn, Error> {
        let declared_type = self.text(&row.type_name)?;
        let declared = Declared {
            code: row.data_type,
            name: &declared_type,
            size: row.column_size.into_opt().and_then(|size| usize::try_from(size).ok()),
            scale: row.decimal_digits.into_opt().and_then(|digits| usize::try_from(digits).ok()),
        };
        let (form, literal) =
            (Form::of(declared, self.scope.dialect), Literal::of_column(declared, self.scope.dialect));
        let kind: ColumnType = form.kind();
        let name = self.text(&row.column_name)?;
        let quoted = self.quoted(&name)?;
        let by_bytes = self.scope.dialect.by_bytes(&quoted, &declared_type, row.data_type);
        let order = by_bytes.unwrap_or_else(|| quoted.clone());
        let is_readable = is_readable(row.data_type, self.scope.dialect);
        let nullable = nullable(row.nullable);
        let column = SourceColumn { name, declared_type, kind, nullable };
        Ok(KnownColumn { form, column, quoted, order, literal, is_readable })
    }

    /// The primary key; none where the driver cannot say.
    fn key(&self, schema: &str, table: &str) -> Result<Vec<String>, Error> {
        let given = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
        let (catalog, schema) = (given(&self.scope.catalog), given(schema));
        let rows = match self.connection.primary_keys(catalog.as_deref(), schema.as_deref(), table) {
            Ok(rows) => rows,
            Err(error) if says_unsupported(&error) => return Ok(Vec::new()),
            Err(error) => return Err(self.refused(&error)),
        };
        let mut key: Vec<(i16, String)> = Vec::new();
        for row in rows {
            let row = row.map_err(|error| self.refused(&error))?;
            key.push((row.key_seq, self.text(&row.column)?));
        }
        key.sort_unstable();
        Ok(key.into_iter().map(|(_, name)| name).collect())
    }

    /// A name as SQL text. The only place where names from a database or a mapping enter a statement.
    pub(super) fn quoted(&self, name: &str) -> Result<String, Error> {
        if let Some(quote) = self.scope.quote {
            let doubled = format!("{quote}{quote}");
            return Ok(format!("{quote}{}{quote}", name.replace(quote, &doubled)));
        }
        let simple = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(simple) {
            return Ok(name.to_owned());
        }
        let problem = format!("the driver has no way to quote the name {name}");
        Err(self.place.error(ErrorKind::Settings, DOING, &problem))
    }

    fn refused(&self, error: &OdbcError) -> Error {
        self.place.refused(DOING, error)
    }

    /// A name, which must have come whole and in UTF-8.
    fn text<const ROOM: usize>(&self, found: &VarCharArray<ROOM>) -> Result<String, Error> {
        let text = if found.is_complete() { found.as_str().ok() } else { None };
        let text = text.map(|text| text.unwrap_or_default().to_owned());
        text.ok_or_else(|| self.place.error(ErrorKind::Unreadable, DOING, "a name is too long or not UTF-8"))
    }
}

/// What a driver answers of a column's NULLs: 0 is none, 1 may be; 2 is that it does not know.
const fn nullable(answer: i16) -> Option<bool> {
    match answer {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// Whether the driver has no such function.
fn says_unsupported(error: &OdbcError) -> bool {
    record(error).is_some_and(|record| matches!(record.state.as_str(), "IM001" | "HYC00"))
}
