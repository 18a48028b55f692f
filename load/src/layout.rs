//! How an entity of the model lies in a table of the target.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bron_mappings::{ColumnType, Entity, FieldType, Model};

use crate::error::{Error, ErrorKind, Result};
use crate::sql;

/// The key column of every table.
pub(crate) const ID: &str = "id";
/// The two columns after the entity's own: the runs that extracted the row and that wrote it.
pub(crate) const RUN_COLUMNS: [&str; 2] = ["extract_run_id", "load_run_id"];
/// The field that says which source system a row came from.
pub(crate) const SOURCE_SYSTEM: &str = "src_system";
/// Table names with this prefix are the bridge's own.
const RESERVED_PREFIX: &str = "bron_";
/// PostgreSQL cuts names after 63 bytes; the staging tables add a prefix to the entity's name.
const LONGEST_NAME: usize = 48;
const LARGEST_SCALE: i8 = 38;

/// The database systems that can be a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// SQLite 3, one file.
    Sqlite,
    /// PostgreSQL 13 or later.
    Postgres,
}

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayoutColumn {
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
    pub(crate) required: bool,
}

/// A column that holds ids of rows of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reference {
    pub(crate) table: String,
    pub(crate) column: String,
    pub(crate) target: String,
}

impl Reference {
    /// The references of a model, by table in the order of their names and then as the entity has them.
    pub(crate) fn all(model: &Model) -> Vec<Self> {
        model.entities.values().flat_map(Self::of).collect()
    }

    /// The references of an entity.
    pub(crate) fn of(entity: &Entity) -> impl Iterator<Item = Self> {
        entity.fields.iter().filter_map(|field| match &field.kind {
            FieldType::Ref { entity: target } => {
                let (table, column) = (entity.name.clone(), field.name.clone());
                Some(Self { table, column, target: target.clone() })
            }
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
            | FieldType::Decimal { .. } => None,
        })
    }

    /// Whether rows of one of these tables refer, or are referred to.
    pub(crate) fn touches(&self, tables: &BTreeSet<String>) -> bool {
        tables.contains(&self.table) || tables.contains(&self.target)
    }
}

/// A table as the model wants it: `id`, then the other fields. The run columns are not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) table: String,
    pub(crate) columns: Vec<LayoutColumn>,
    field_types: Vec<&'static str>,
}

impl Layout {
    /// The layout of an entity, with every name and scale checked.
    pub(crate) fn of(entity: &Entity) -> Result<Self> {
        let layout = Self::unchecked(entity);
        layout.problem().map_or(Ok(layout), |problem| {
            Err(Error::new(ErrorKind::Config, format!("entity {}: {problem}", entity.name)))
        })
    }

    /// The layout with the id, these fields and these run columns only, for reading.
    pub(crate) fn only(mut self, fields: &[&str]) -> Result<Self> {
        for name in RUN_COLUMNS.into_iter().filter(|name| fields.contains(name)) {
            self.columns.push(LayoutColumn { name: name.to_owned(), kind: ColumnType::Text, required: true });
            self.field_types.push("text");
        }
        let known = |name: &&&str| self.columns.iter().any(|column| column.name == **name);
        if let Some(unknown) = fields.iter().find(|name| !known(name)) {
            let text = format!("entity {} has no field named {unknown}", self.table);
            return Err(Error::new(ErrorKind::Config, text));
        }
        let kept = |name: &str| name == ID || fields.contains(&name);
        let types = self.columns.iter().zip(self.field_types).filter(|(column, _)| kept(&column.name));
        self.field_types = types.map(|(_, kind)| kind).collect();
        self.columns.retain(|column| kept(&column.name));
        Ok(self)
    }

    /// The layout of an entity whose names nobody has checked.
    pub(crate) fn unchecked(entity: &Entity) -> Self {
        let column = |field: &bron_mappings::Field| LayoutColumn {
            name: field.name.clone(),
            kind: field.kind.column(),
            required: field.required || field.name == ID,
        };
        Self {
            table: entity.name.clone(),
            columns: entity.fields.iter().map(column).collect(),
            field_types: entity.fields.iter().map(|field| field.kind.name()).collect(),
        }
    }

    fn problem(&self) -> Option<String> {
        let columns = &self.columns;
        if !sql::is_identifier(&self.table) || self.table.len() > LONGEST_NAME {
            return Some(
                "the name must be at most 48 of a-z, 0-9 and _, and not start with a digit".to_owned(),
            );
        }
        if self.table.starts_with(RESERVED_PREFIX) {
            return Some("names that start with bron_ are reserved".to_owned());
        }
        if columns.len() < 2 || columns[0].name != ID || columns[0].kind != ColumnType::Id {
            return Some("the first field must be the id, and there must be another".to_owned());
        }
        columns.iter().enumerate().find_map(|(index, column)| {
            let name = &column.name;
            if !sql::is_identifier(name) || name.len() > LONGEST_NAME {
                Some(format!(
                    "field {name}: the name must be at most 48 of a-z, 0-9 and _, and not start with a digit"
                ))
            } else if RUN_COLUMNS.contains(&name.as_str()) {
                Some(format!("field {name}: the name is reserved"))
            } else if columns[..index].iter().any(|other| other.name == *name) {
                Some(format!("field {name}: the name is there twice"))
            } else {
                match column.kind {
                    ColumnType::Decimal { scale } if !(0..=LARGEST_SCALE).contains(&scale) => {
                        Some(format!("field {name}: the scale must be between 0 and 38"))
                    }
                    ColumnType::Decimal { .. }
                    | ColumnType::Text
                    | ColumnType::Bytes
                    | ColumnType::Bool
                    | ColumnType::Int
                    | ColumnType::Date
                    | ColumnType::Time
                    | ColumnType::Id => None,
                }
            }
        })
    }

    /// The names of the fields' columns, without the run columns.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The names of the columns whose values are the row's content: all fields but the id.
    pub(crate) fn content(&self) -> impl Iterator<Item = &str> + Clone {
        self.names().skip(1)
    }

    pub(crate) fn has_source_system(&self) -> bool {
        self.names().any(|name| name == SOURCE_SYSTEM)
    }

    /// The layout as text, one line for each field: what `bron_schema` remembers. It tells apart what the
    /// columns of a target cannot, such as a date and a text in SQLite.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (column, field_type) in self.columns.iter().zip(&self.field_types) {
            let _ = write!(text, "{} {field_type}", column.name);
            if let ColumnType::Decimal { scale } = column.kind {
                let _ = write!(text, " {scale}");
            }
            text.push_str(if column.required { " required\n" } else { "\n" });
        }
        text
    }

    /// What is different in a table that is already there; empty when it is the table of this layout. A table that is
    /// not `keyed` is in the middle of its first load, and its key is not there yet.
    pub(crate) fn drift(
        &self,
        found: &[FoundColumn],
        remembered: Option<&str>,
        dialect: Dialect,
        keyed: bool,
    ) -> Vec<String> {
        let found: BTreeMap<&str, &FoundColumn> =
            found.iter().map(|column| (column.name.as_str(), column)).collect();
        let mut differences = Vec::new();
        let mut expected = BTreeMap::new();
        for column in &self.columns {
            expected.insert(column.name.as_str(), (sql::column_type(column.kind, dialect), column.required));
        }
        for name in RUN_COLUMNS {
            expected.insert(name, (sql::column_type(ColumnType::Text, dialect), true));
        }
        for (name, (kind, required)) in &expected {
            match found.get(name) {
                None => differences.push(format!("{name} is missing")),
                Some(column) if column.kind != *kind => {
                    differences.push(format!("{name} is {} and should be {kind}", column.kind));
                }
                Some(column) if column.required != *required => {
                    differences
                        .push(format!("{name} should {}allow NULL", if *required { "not " } else { "" }));
                }
                Some(column) if column.key != (keyed && *name == ID) => {
                    differences.push(format!(
                        "{name} is{} in the primary key",
                        if column.key { "" } else { " not" }
                    ));
                }
                Some(_) => {}
            }
        }
        let strangers = found.keys().filter(|name| !expected.contains_key(*name));
        differences.extend(strangers.map(|name| format!("{name} is not in the model")));
        if differences.is_empty() {
            differences.extend(remembered.map(|text| self.forgotten(text)).unwrap_or_default());
        }
        differences
    }

    fn forgotten(&self, remembered: &str) -> Vec<String> {
        let wanted = self.text();
        let gone = remembered.lines().filter(|line| !wanted.lines().any(|other| other == *line));
        gone.map(|line| format!("was made as `{line}`, which the model no longer says")).collect()
    }

    /// The error for these differences.
    pub(crate) fn drift_error(&self, differences: &[String]) -> Error {
        let text = format!("table {} is not that of the model: {}", self.table, differences.join("; "));
        Error::new(ErrorKind::Drift, text)
    }
}

/// A column of a table that is already there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundColumn {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) required: bool,
    pub(crate) key: bool,
}
