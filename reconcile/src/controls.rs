//! The second direction: counts and sums that the business knows, computed on the source as extracted
//! and on the target as read back, by code that knows nothing of mappings or transform.
//!
//! A control is data: a source table, what to count or add up there, by which period or batch, and the
//! same for an entity of the target. Rows held back (in quarantine, left out, folded into another) are
//! computed in the same way from the same source rows, so that for each period
//! `difference = source - held - target`, and zero is the only acceptable difference. Every key is
//! reported and not only the total, because errors in two periods can cancel.
//!
//! Sums are exact: öre and minutes as whole numbers, checked for overflow. A text that cannot be read as
//! an amount never counts as zero: it is counted apart and reported as a difference of its own.

mod evaluate;
mod file;
mod held;
mod keys;
mod lookup;
mod measure;
mod period;
mod side;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use evaluate::{ControlRow, Tables, evaluate};
pub use file::parse;
pub use held::HeldKeys;
pub use keys::CONTROL;

/// The keys that a control itself writes, where the rows have none to group by. Every other key is text of
/// the source.
pub const FIXED_KEYS: &[&str] =
    &[side::ALL, period::NO_PERIOD, period::NO_VALUE, period::NO_PARENT, lookup::MANY_PARENTS];

/// The unit of a control's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Rows, persons, visits.
    Antal,
    /// Öre.
    Ore,
    /// Minutes.
    Minuter,
}

/// How the text of a source column states an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Kronor with a decimal point and up to four decimals, as SQL Server prints `money`; read as öre. An
    /// amount with parts of an öre cannot be read.
    Money4,
    /// Kronor with a decimal comma and at most two decimals, thousands apart by blanks or not at all; read as
    /// öre.
    Comma,
    /// A whole number of minutes.
    Minutes,
    /// A whole number of öre.
    Ore,
    /// A whole number.
    Number,
}

/// Which part of a column's value is the key that a control groups by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slice {
    /// The value as it stands.
    #[default]
    Whole,
    /// The year: the first four digits of a text, the year of a date or time.
    Year,
    /// The month as `YYYY-MM`, from a text that starts `YYYYMM` or `YYYY-MM`, or from a date or time.
    Month,
}

/// What a control groups by.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct By {
    /// The source column, or the field of the entity.
    #[serde(alias = "field")]
    pub column: String,
    /// Which part of the value.
    #[serde(default)]
    pub slice: Slice,
    /// Whether the column is the joined parent's and not the row's own.
    #[serde(default)]
    pub joined: bool,
}

/// A condition on rows: exactly one test of a column. All conditions of a side must hold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// The source column, or the field of the entity.
    #[serde(alias = "field")]
    pub column: String,
    /// The values that count. NULL is none of them.
    #[serde(default, rename = "in")]
    pub within: Option<Vec<String>>,
    /// The values that do not count. NULL is none of them, so rows without a value count.
    #[serde(default)]
    pub not_in: Option<Vec<String>>,
    /// Whether the rows that count are those with a value, or those without.
    #[serde(default)]
    pub present: Option<bool>,
}

/// A parent table from which a grouping column comes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The parent: a source table of the same system, or an entity of the target.
    #[serde(alias = "entity")]
    pub table: String,
    /// The columns of the row that name its parent.
    pub on: Vec<String>,
    /// The parent's key columns, in the same order.
    pub key: Vec<String>,
}

/// The source's side of a control.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSide {
    /// The source system.
    pub system: String,
    /// The table.
    pub table: String,
    /// The key columns in the order of the mapping, by which held rows are recognised.
    pub key: Vec<String>,
    /// The column to add up; without it rows are counted.
    pub sum: Option<String>,
    /// How the column states amounts; belongs to `sum`.
    pub format: Option<Format>,
    /// Whether an empty text means that no amount is given, as in files that cannot write NULL. Otherwise
    /// it is an amount that cannot be read.
    #[serde(default)]
    pub empty_is_missing: bool,
    /// What to group by; without it there is one key for all rows.
    pub by: Option<By>,
    /// Which rows count.
    #[serde(default)]
    pub only: Vec<Only>,
    /// A parent table for `by`.
    pub join: Option<Join>,
}

/// The target's side of a control.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetSide {
    /// The entity of the information model.
    pub entity: String,
    /// The field to add up (a whole number: öre, minutes); without it rows are counted.
    pub sum: Option<String>,
    /// What to group by.
    pub by: Option<By>,
    /// Which rows count.
    #[serde(default)]
    pub only: Vec<Only>,
    /// A parent entity for `by`.
    pub join: Option<Join>,
}

/// One control.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// The name, unique among a run's controls.
    pub name: String,
    /// The name in Swedish, for people.
    pub label: String,
    /// The unit of the numbers.
    pub unit: Unit,
    /// What the keys are, in Swedish: `månad`, `år`, `bunt`.
    pub dimension: String,
    /// The source's side.
    pub source: SourceSide,
    /// Where the held rows are, when that is not the source's side. A third party's total (a payment
    /// batch's own sum) is the source then, and the payments held back are counted here.
    pub held: Option<SourceSide>,
    /// The target's side.
    pub target: TargetSide,
    /// Further rows that make up a third party's total, of other tables and entities.
    #[serde(default)]
    pub more: Vec<FurtherRows>,
}

/// Rows of another table that a third party's total counts too: a payment batch can hold payments, invoices
/// and debits. They are added to the control's own held rows and target rows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FurtherRows {
    /// Where the held rows are.
    pub held: SourceSide,
    /// Where the rows that came over are.
    pub target: TargetSide,
}

impl Control {
    /// Every side of source tables: the source, and where held rows are.
    pub fn source_sides(&self) -> impl Iterator<Item = &SourceSide> {
        let more = self.more.iter().map(|more| &more.held);
        std::iter::once(&self.source).chain(&self.held).chain(more)
    }

    /// Every side of entities.
    pub fn target_sides(&self) -> impl Iterator<Item = &TargetSide> {
        std::iter::once(&self.target).chain(self.more.iter().map(|more| &more.target))
    }

    /// The control with its target sides held to the rows that came of its own source systems, because other
    /// systems may fill the same entities. A side whose conditions ask about the source system stays as it is.
    #[must_use]
    pub fn of_its_systems(mut self) -> Self {
        const SYSTEM: &str = "src_system";
        let systems: BTreeSet<String> = self.source_sides().map(|side| side.system.clone()).collect();
        let more = self.more.iter_mut().map(|more| &mut more.target);
        for target in std::iter::once(&mut self.target).chain(more) {
            if target.only.iter().all(|only| only.column != SYSTEM) {
                let within = Some(systems.iter().cloned().collect());
                target.only.push(Only { column: SYSTEM.to_owned(), within, not_in: None, present: None });
            }
        }
        self
    }

    /// The source tables that the control reads, as (system, table), so that a caller can leave out the
    /// controls of systems that are not in a run, and say so.
    #[must_use]
    pub fn source_tables(&self) -> Vec<(&str, &str)> {
        let mut tables: Vec<(&str, &str)> = self
            .source_sides()
            .flat_map(|side| {
                let own = (side.system.as_str(), side.table.as_str());
                let parent = side.join.as_ref().map(|join| (side.system.as_str(), join.table.as_str()));
                std::iter::once(own).chain(parent)
            })
            .collect();
        tables.sort_unstable();
        tables.dedup();
        tables
    }

    /// The entities that the control reads, each once, in the order of the file.
    #[must_use]
    pub fn entities(&self) -> Vec<&str> {
        let mut entities: Vec<&str> = Vec::new();
        for target in self.target_sides() {
            let parent = target.join.as_ref().map(|join| join.table.as_str());
            for entity in std::iter::once(target.entity.as_str()).chain(parent) {
                if !entities.contains(&entity) {
                    entities.push(entity);
                }
            }
        }
        entities
    }
}

#[cfg(test)]
mod tests;
