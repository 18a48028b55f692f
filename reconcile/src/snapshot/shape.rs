//! Tables as their sources describe them, and what is another than it was (D70).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A table as its source described it when it was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableShape {
    /// The source system.
    pub system: String,
    /// The table.
    pub table: String,
    /// The columns in the order of the source, ignored ones among them.
    pub columns: Vec<ColumnShape>,
}

/// A column as its source describes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnShape {
    /// The name.
    pub name: String,
    /// The type as declared, verbatim; empty when the source declares none.
    pub declared_type: String,
}

/// One way in which a table is another than at the extraction before. The order of columns is none of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// The source system.
    pub system: String,
    /// The table.
    pub table: String,
    /// The column; empty when the whole table came or went.
    pub column: String,
    /// What happened.
    pub kind: DriftKind,
    /// The declared type before; empty for what is new.
    pub before: String,
    /// The declared type now; empty for what is gone.
    pub after: String,
}

/// What happened to a table or to a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// It was there and is not.
    Gone,
    /// It is there and was not.
    New,
    /// It is declared with another type.
    Retyped,
}

impl DriftKind {
    /// What happened, in Swedish.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Gone => "borttagen",
            Self::New => "ny",
            Self::Retyped => "annan typ",
        }
    }
}

impl fmt::Display for Drift {
    /// Names the place and what happened, such as `paraply/PERSON.PNR was char(12) and is int`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { system, table, column, kind, before, after } = self;
        write!(f, "{system}/{table}")?;
        if !column.is_empty() {
            write!(f, ".{column}")?;
        }
        let typed = |text: &str| if text.is_empty() { "without a type".to_owned() } else { text.to_owned() };
        match kind {
            DriftKind::Gone => write!(f, " is gone"),
            DriftKind::New => write!(f, " is new"),
            DriftKind::Retyped => write!(f, " was {} and is {}", typed(before), typed(after)),
        }
    }
}

/// Everything that is another than it was, by system, table and column. A system that only one side has says
/// nothing: a project may be given one more source, or one less.
#[must_use]
pub fn drift(before: &[TableShape], after: &[TableShape]) -> Vec<Drift> {
    let (old, new) = (by_name(before), by_name(after));
    let has = |shapes: &[TableShape], system: &str| shapes.iter().any(|shape| shape.system == system);
    let whole = |(system, table): (&str, &str), kind| Drift {
        system: system.to_owned(),
        table: table.to_owned(),
        column: String::new(),
        kind,
        before: String::new(),
        after: String::new(),
    };
    let mut found = Vec::new();
    for (name, columns) in &old {
        match new.get(name) {
            Some(now) => columns_of(*name, columns, now, &mut found),
            None if has(after, name.0) => found.push(whole(*name, DriftKind::Gone)),
            None => {}
        }
    }
    let added = new.keys().filter(|name| !old.contains_key(*name) && has(before, name.0));
    found.extend(added.map(|name| whole(*name, DriftKind::New)));
    found.sort();
    found
}

type Columns<'s> = BTreeMap<&'s str, &'s str>;

fn by_name(shapes: &[TableShape]) -> BTreeMap<(&str, &str), Columns<'_>> {
    shapes
        .iter()
        .map(|shape| {
            let columns = shape.columns.iter();
            let columns = columns.map(|column| (column.name.as_str(), column.declared_type.as_str()));
            ((shape.system.as_str(), shape.table.as_str()), columns.collect())
        })
        .collect()
}

fn columns_of((system, table): (&str, &str), old: &Columns<'_>, new: &Columns<'_>, found: &mut Vec<Drift>) {
    let mut push = |column: &str, kind, before: &str, after: &str| {
        found.push(Drift {
            system: system.to_owned(),
            table: table.to_owned(),
            column: column.to_owned(),
            kind,
            before: before.to_owned(),
            after: after.to_owned(),
        });
    };
    for (column, before) in old {
        match new.get(column) {
            None => push(column, DriftKind::Gone, before, ""),
            Some(after) if after != before => push(column, DriftKind::Retyped, before, after),
            Some(_) => {}
        }
    }
    for (column, after) in new.iter().filter(|(column, _)| !old.contains_key(*column)) {
        push(column, DriftKind::New, "", after);
    }
}
