//! The tables of a follower, and how their values are texts.

use std::collections::BTreeMap;

use bron_load::Dialect;
use bron_mappings::{ColumnType, Entity, Model, SourceKey};
use bron_transform::{SourceText, SourceTexts};

use super::line::Bound;
use crate::change::{Image, MODEL_SYSTEM};
use crate::error::{Error, ErrorKind, Result};

/// A legacy table that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyTable {
    /// The system, as keys name it.
    pub system: String,
    /// The table.
    pub table: String,
    /// The columns of the key, in the order of the mapping.
    pub key: Vec<String>,
}

/// The tables of a follower.
#[derive(Clone, Debug)]
pub enum Followed {
    /// Those of the new model, as loading has made them.
    Model(Vec<Entity>),
    /// Those of legacy systems, in one database.
    Legacy(Vec<LegacyTable>),
}

impl Followed {
    /// All tables of a model.
    #[must_use]
    pub fn model(model: &Model) -> Self {
        Self::Model(model.entities.values().cloned().collect())
    }
}

/// What the values of a column are, beside plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Bytes,
    /// `true` and `false`.
    Truth,
    /// A whole number of the model.
    Whole,
    /// A moment of the model.
    Moment,
    /// `0` and `1`, as extraction has them.
    Bit,
    /// An amount of money with the digits of the server's language.
    Money,
    /// An approximate number.
    Real,
    /// A moment with its zone.
    Utc,
}

/// One column as the database describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) name: String,
    /// The type, without its width.
    pub(super) declared: String,
    pub(super) is_textual: bool,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) described: Described,
    pub(super) form: Form,
}

/// One table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) system: String,
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// Where the columns of the key stand.
    pub(super) key: Vec<usize>,
}

impl Table {
    /// A table of the model, with the columns that the database has.
    pub(super) fn of_model(entity: &Entity, found: &[Described]) -> Result<Self> {
        let columns = entity.fields.iter().map(|field| {
            let form = match field.kind.column() {
                ColumnType::Text | ColumnType::Decimal { .. } | ColumnType::Date | ColumnType::Id => {
                    Form::Text
                }
                ColumnType::Bytes => Form::Bytes,
                ColumnType::Bool => Form::Truth,
                ColumnType::Int => Form::Whole,
                ColumnType::Time => Form::Moment,
            };
            let described = found.iter().find(|column| column.name == field.name).cloned();
            let described = described.ok_or_else(|| missing(&entity.name, &field.name))?;
            Ok(Column { described, form })
        });
        let (system, name) = (MODEL_SYSTEM.to_owned(), entity.name.clone());
        Ok(Self { system, name, columns: columns.collect::<Result<_>>()?, key: vec![0] })
    }

    /// A legacy table, with the columns that the database has.
    pub(super) fn of_legacy(table: &LegacyTable, found: Vec<Described>) -> Result<Self> {
        let key = table.key.iter().map(|name| {
            found.iter().position(|column| column.name == *name).ok_or_else(|| missing(&table.table, name))
        });
        let key = key.collect::<Result<_>>()?;
        let columns = found.into_iter().map(|described| {
            let form = match described.declared.as_str() {
                "bytea" => Form::Bytes,
                "boolean" => Form::Bit,
                "money" => Form::Money,
                "real" | "double precision" => Form::Real,
                "timestamp with time zone" => Form::Utc,
                _ => Form::Text,
            };
            Column { described, form }
        });
        let (system, name) = (table.system.clone(), table.table.clone());
        Ok(Self { system, name, columns: columns.collect(), key })
    }

    pub(super) fn is_of_model(&self) -> bool {
        self.system == MODEL_SYSTEM
    }

    /// The columns of the key.
    pub(super) fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().map(|at| &self.columns[*at])
    }

    /// The parameters of a row's key; `None` when it is no key of the table. NULL names no row.
    pub(super) fn key_of(&self, key: &SourceKey) -> Option<Vec<Bound>> {
        let values = key.values();
        (values.len() == self.key.len())
            .then(|| values.into_iter().map(|value| Bound::Text(value.map(str::to_owned))).collect())
    }

    /// The row that these values are, in the order of the columns.
    pub(super) fn image(&self, values: Vec<Option<SourceText>>, dialect: Dialect) -> Image {
        let columns = self.columns.iter().zip(values).filter_map(|(column, value)| {
            Some((column.described.name.clone(), read(column.form, value?, dialect)))
        });
        Image::new(columns.collect())
    }

    /// The columns of an image with their values; columns that extraction added are left out.
    ///
    /// # Errors
    /// [`ErrorKind::Drift`] when the table has no such column.
    pub(super) fn values<'t>(
        &'t self,
        texts: &SourceTexts,
        dialect: Dialect,
    ) -> Result<Vec<(&'t Column, Bound)>> {
        let own = texts.keys().filter(|name| !name.starts_with('_'));
        for name in own {
            if !self.columns.iter().any(|column| column.described.name == *name) {
                return Err(missing(&self.name, name));
            }
        }
        let wanted = self.columns.iter().filter_map(|column| {
            let text = texts.get(&column.described.name)?;
            Some((column, bound(column.form, Some(text), dialect)))
        });
        Ok(wanted.collect())
    }
}

fn missing(table: &str, column: &str) -> Error {
    Error::new(ErrorKind::Drift, format!("table {table} has no column {column}"))
}

/// A value as it is bound.
pub(super) fn bound(form: Form, text: Option<&SourceText>, dialect: Dialect) -> Bound {
    let Some(text) = text else { return Bound::Text(None) };
    match (form, text, dialect) {
        (Form::Bytes, SourceText::Bytes(bytes), _) => Bound::Bytes(Some(bytes.clone())),
        (Form::Bytes, SourceText::Text(text), Dialect::Postgres) => {
            Bound::Bytes(Some(text.clone().into_bytes()))
        }
        (_, SourceText::Bytes(bytes), _) => match String::from_utf8(bytes.clone()) {
            Ok(text) => Bound::Text(Some(text)),
            Err(_) => Bound::Bytes(Some(bytes.clone())),
        },
        (Form::Truth, SourceText::Text(text), Dialect::Sqlite) => Bound::Whole(i64::from(text == "true")),
        (Form::Whole, SourceText::Text(text), Dialect::Sqlite) => {
            text.parse().map_or_else(|_| Bound::Text(Some(text.clone())), Bound::Whole)
        }
        (Form::Moment, SourceText::Text(text), Dialect::Sqlite) => Bound::Text(Some(with_six_digits(text))),
        (_, SourceText::Text(text), _) => Bound::Text(Some(text.clone())),
    }
}

/// The fraction of a moment in the length that the tables of the model have.
fn with_six_digits(moment: &str) -> String {
    match moment.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{fraction:0<6}"),
        None => moment.to_owned(),
    }
}

/// A value as it is read.
fn read(form: Form, value: SourceText, dialect: Dialect) -> SourceText {
    let text = match value {
        SourceText::Text(text) => text,
        SourceText::Bytes(bytes) => return SourceText::Bytes(bytes),
    };
    SourceText::Text(match (form, dialect) {
        (Form::Truth, Dialect::Sqlite) => (text == "1").to_string(),
        (Form::Moment, Dialect::Sqlite) if text.contains('.') => {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        // The shortest digits that read back as the same value, without an exponent.
        (Form::Real, Dialect::Postgres) => text.parse().map_or(text, |number: f64| number.to_string()),
        (Form::Utc, Dialect::Postgres) => {
            text.strip_suffix("+00").map(|moment| format!("{moment} +00:00")).unwrap_or(text)
        }
        _ => text,
    })
}

/// Tables by system and name.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables(BTreeMap<(String, String), Table>);

impl Tables {
    pub(super) fn add(&mut self, table: Table) {
        self.0.insert((table.system.clone(), table.name.clone()), table);
    }

    /// The table of a row.
    pub(super) fn of(&self, key: &SourceKey) -> Result<&Table> {
        self.0.get(&(key.system().to_owned(), key.table().to_owned())).ok_or_else(|| {
            let text = format!("{}/{} is no table of this follower", key.system(), key.table());
            Error::new(ErrorKind::Config, text)
        })
    }
}
