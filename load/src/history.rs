//! What the target said before: the rows that a run replaced or retired, and the order of the runs.
//!
//! Every entity has a history table beside its own, `bron_history_<entity>`: the columns of the entity and both run
//! columns as they were, then the run that ended the row, why, and that run's place in `bron_run`. A row is moved
//! there in the transaction that changes it, so a target holds every row that it ever held, and how long it did.
//!
//! The fields of the model say when a statement held and when the source knew it. The history says what the target
//! held, and after which run.

use bron_mappings::{Digest, DigestBuilder, EntityId};

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Dialect, FoundColumn, Layout, RUN_COLUMNS};
use crate::sql;

/// Why a row of the target ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// A later run wrote other content of the same record.
    Replaced,
    /// The record is not in the source any more (D72).
    Gone,
    /// The record is there, and is now held back.
    HeldBack,
    /// The record is there, and a rule now leaves it out.
    LeftOut,
    /// The record is there, and is now folded into another.
    Merged,
    /// The record is there, and the rules do not make this row of it any more.
    NotGiven,
}

impl Ended {
    /// Every reason with its code, as `ended_because` and the names of parts have it.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("replaced", Self::Replaced),
        ("gone", Self::Gone),
        ("held_back", Self::HeldBack),
        ("left_out", Self::LeftOut),
        ("merged", Self::Merged),
        ("not_given", Self::NotGiven),
    ];

    /// The code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::Gone => "gone",
            Self::HeldBack => "held_back",
            Self::LeftOut => "left_out",
            Self::Merged => "merged",
            Self::NotGiven => "not_given",
        }
    }

    /// The reason with this code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == code).map(|(_, ended)| *ended)
    }
}

/// Why rows are retired, and whose they are: nothing but rows that the bridge loaded from this table of this system
/// is touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retirement {
    /// The source system, as rows have it in `src_system`.
    pub system: String,
    /// The source table, as rows have it in `src_table`.
    pub table: String,
    /// Why.
    pub because: Ended,
}

impl Retirement {
    /// The digest that stands for the retirement of these ids, in this order.
    #[must_use]
    pub fn content(&self, ids: &[EntityId]) -> Digest {
        let mut digest = DigestBuilder::new("bron/retired/1");
        digest.part(self.system.as_bytes()).part(self.table.as_bytes()).part(self.because.code().as_bytes());
        for id in ids {
            digest.part(id.as_bytes());
        }
        digest.finish()
    }
}

/// One time that a row of the target ended. The row as it was stands in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The run that had written the row.
    pub written_by: String,
    /// The run that ended it.
    pub ended_by: String,
    /// Why.
    pub because: Ended,
    /// The place of the run that ended it, see [`RunEntry::ordinal`].
    pub ordinal: u64,
}

/// The columns of an entity's table behind those of the entity: the runs that read and that wrote the row.
pub const ROW_RUNS: [&str; 2] = RUN_COLUMNS;

/// The columns of a history table behind those of the row as it was: the run that ended it, the code of [`Ended`], and
/// the run's place.
pub const ROW_ENDED: [&str; 3] = ["ended_by_run", "ended_because", "ended_ordinal"];

/// The name of the history table of an entity, which holds every row that the entity's table held before.
#[must_use]
pub fn history_table(entity: &str) -> String {
    sql::history::name(entity)
}

/// What a run says of itself when it begins to change a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beginning {
    /// The day that the run's sources are read as of, `YYYY-MM-DD`.
    pub as_of: Option<String>,
    /// When the run began, as the caller's clock has it. No result depends on it.
    pub began: Option<String>,
    /// The digest of the plan that is carried out.
    pub plan: Option<String>,
}

/// A run that has written to the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEntry {
    /// The run's place among those that changed the target, from 1. A run that was loaded, followed by another and
    /// loaded again has two places. 0 for runs of before places were noted.
    pub ordinal: u64,
    /// The run.
    pub load_run_id: String,
    /// The digest of the plan that it carried out, if any.
    pub plan: Option<String>,
}

/// The entry that a run has when it begins: its own, when nothing was loaded since; else a new one.
pub(crate) fn continues<'e>(last: Option<&'e RunEntry>, load_run_id: &str) -> Option<&'e RunEntry> {
    last.filter(|entry| entry.load_run_id == load_run_id)
}

/// Refuses rows that cannot be retired: of an entity that does not say where its rows come from, or by a run that
/// replaces them.
pub(crate) fn require_retirable(layout: &Layout, retirement: &Retirement) -> Result<()> {
    let known = ["src_system", "src_table"].iter().all(|name| layout.names().any(|column| column == *name));
    if known && retirement.because != Ended::Replaced {
        return Ok(());
    }
    let text = format!("rows of entity {} cannot be retired: nothing says whose they are", layout.table);
    Err(Error::new(ErrorKind::Config, text))
}

/// The error when some of the ids are not rows that may be retired. Nothing was changed.
pub(crate) fn not_ours(layout: &Layout, retirement: &Retirement, asked: u64, found: u64) -> Error {
    let Retirement { system, table, because: _ } = retirement;
    let others = asked.abs_diff(found);
    let text = format!(
        "entity {}: {others} of {asked} rows were to be retired and are not rows that an earlier run of the bridge \
         loaded from {system}/{table}; nothing was changed",
        layout.table
    );
    Error::new(ErrorKind::Data, text)
}

/// The error when rows were not kept as they were before they were overwritten. Nothing was changed.
pub(crate) fn not_kept(layout: &Layout, kept: u64, updated: u64) -> Error {
    let text = format!(
        "entity {}: {updated} rows were to be overwritten and {kept} were kept as they were: somebody else wrote to \
         the table; nothing was changed",
        layout.table
    );
    Error::new(ErrorKind::Busy, text)
}

/// Refuses a history table that is not that of the entity.
pub(crate) fn verify(layout: &Layout, found: &[FoundColumn], dialect: Dialect) -> Result<()> {
    let expected = sql::history::columns(layout, dialect);
    let is_there = |(name, kind): &(String, String)| {
        found.iter().any(|column| column.name == *name && column.kind == *kind)
    };
    let missing: Vec<&str> =
        expected.iter().filter(|column| !is_there(column)).map(|(name, _)| name.as_str()).collect();
    if missing.is_empty() && found.len() == expected.len() {
        return Ok(());
    }
    let table = sql::history::name(&layout.table);
    let text = if missing.is_empty() {
        format!("table {table} has columns that entity {} does not have", layout.table)
    } else {
        format!(
            "table {table} is not that of the model: {} is missing or of another type",
            missing.join(", ")
        )
    };
    Err(Error::new(ErrorKind::Drift, text))
}

/// The names of the columns of a row as it was: the entity's and both run columns.
pub(crate) fn kept_columns(layout: &Layout) -> impl Iterator<Item = &str> + Clone {
    layout.names().chain(RUN_COLUMNS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_back() {
        for (code, ended) in Ended::ALL {
            assert_eq!((ended.code(), Ended::parse(code)), (*code, Some(*ended)));
        }
        assert_eq!(Ended::parse("lost"), None);
    }

    #[test]
    fn what_is_retired_and_why_is_the_content_of_a_part() {
        let retirement = |because| Retirement { system: "a".to_owned(), table: "T".to_owned(), because };
        let ids = [EntityId::from_bytes([1; 16]), EntityId::from_bytes([2; 16])];
        let gone = retirement(Ended::Gone).content(&ids);
        assert_eq!(gone, retirement(Ended::Gone).content(&ids));
        assert_ne!(gone, retirement(Ended::Merged).content(&ids));
        assert_ne!(gone, retirement(Ended::Gone).content(&ids[..1]));
    }

    #[test]
    fn a_run_goes_on_with_its_place_unless_another_came_between() {
        let entry = |run: &str| RunEntry { ordinal: 3, load_run_id: run.to_owned(), plan: None };
        assert!(continues(Some(&entry("a")), "a").is_some());
        assert!(continues(Some(&entry("b")), "a").is_none() && continues(None, "a").is_none());
    }
}
