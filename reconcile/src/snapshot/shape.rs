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
    /// The columns of the declared key, in order; `None` where it was not noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Vec<String>>,
}

/// A column as its source describes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnShape {
    /// The name.
    pub name: String,
    /// The type as declared, verbatim; empty when the source declares none.
    pub declared_type: String,
    /// Whether it may be NULL; `None` where the source does not say, or it was not noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nullable: Option<bool>,
}

/// One way in which a table is another than at the extraction before. The order of columns is none of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// The source system.
    pub system: String,
    /// The table.
    pub table: String,
    /// The column; empty when it is about the whole table.
    pub column: String,
    /// What happened.
    pub kind: DriftKind,
    /// The declared type before, or the key; empty for what is new.
    pub before: String,
    /// The declared type now, or the key; empty for what is gone.
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
    /// The table is declared with another key.
    Rekeyed,
    /// It could not be NULL and can be.
    MadeOptional,
    /// It could be NULL and cannot be.
    MadeRequired,
}

impl DriftKind {
    /// What happened, in Swedish.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Gone => "borttagen",
            Self::New => "ny",
            Self::Retyped => "annan typ",
            Self::Rekeyed => "annan nyckel",
            Self::MadeOptional => "får vara NULL",
            Self::MadeRequired => "får inte längre vara NULL",
        }
    }

    /// Whether something is there or its values are of another kind than the rules were written for (D70); what is
    /// declared of a key or of NULL changes no value.
    #[must_use]
    pub const fn is_of_columns(self) -> bool {
        match self {
            Self::Gone | Self::New | Self::Retyped => true,
            Self::Rekeyed | Self::MadeOptional | Self::MadeRequired => false,
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
            DriftKind::Rekeyed => {
                let key = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
                write!(f, " had the key {} and has {}", key(before), key(after))
            }
            DriftKind::MadeOptional => write!(f, " could not be NULL and can be"),
            DriftKind::MadeRequired => write!(f, " could be NULL and cannot be"),
        }
    }
}

/// Everything that is another than it was, by system, table and column. A system that only one side has says
/// nothing: a project may be given one more source, or one less.
#[must_use]
pub fn drift(before: &[TableShape], after: &[TableShape]) -> Vec<Drift> {
    let (old, new) = (by_name(before), by_name(after));
    let has = |shapes: &[TableShape], system: &str| shapes.iter().any(|shape| shape.system == system);
    let whole = |(system, table): (&str, &str), kind, [before, after]: [String; 2]| Drift {
        system: system.to_owned(),
        table: table.to_owned(),
        column: String::new(),
        kind,
        before,
        after,
    };
    let mut found = Vec::new();
    for (name, shape) in &old {
        match new.get(name) {
            Some(now) => {
                columns_of(*name, &columns(shape), &columns(now), &mut found);
                if let (Some(before), Some(after)) = (&shape.key, &now.key)
                    && before != after
                {
                    let keys = [before, after].map(|key| key.join(", "));
                    found.push(whole(*name, DriftKind::Rekeyed, keys));
                }
            }
            None if has(after, name.0) => found.push(whole(*name, DriftKind::Gone, Default::default())),
            None => {}
        }
    }
    let added = new.keys().filter(|name| !old.contains_key(*name) && has(before, name.0));
    found.extend(added.map(|name| whole(*name, DriftKind::New, Default::default())));
    found.sort();
    found
}

type Columns<'s> = BTreeMap<&'s str, &'s ColumnShape>;

fn by_name(shapes: &[TableShape]) -> BTreeMap<(&str, &str), &TableShape> {
    shapes.iter().map(|shape| ((shape.system.as_str(), shape.table.as_str()), shape)).collect()
}

fn columns(shape: &TableShape) -> Columns<'_> {
    shape.columns.iter().map(|column| (column.name.as_str(), column)).collect()
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
    for (name, before) in old {
        let Some(after) = new.get(name) else {
            push(name, DriftKind::Gone, &before.declared_type, "");
            continue;
        };
        if before.declared_type != after.declared_type {
            push(name, DriftKind::Retyped, &before.declared_type, &after.declared_type);
        }
        match (before.nullable, after.nullable) {
            (Some(false), Some(true)) => push(name, DriftKind::MadeOptional, "", ""),
            (Some(true), Some(false)) => push(name, DriftKind::MadeRequired, "", ""),
            (Some(_) | None, Some(_) | None) => {}
        }
    }
    for (name, after) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        push(name, DriftKind::New, "", &after.declared_type);
    }
}
