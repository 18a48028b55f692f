//! Where change tracking has been read to, and whether it can be read from there.

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::{DatabaseLife, TrackedTable, TrackingState};
use serde::{Deserialize, Serialize};

use super::FollowedTable;
use crate::capture::{Incarnation, Position, Validity};
use crate::error::{Error, ErrorKind, Result};

/// How much of the retention may pass before a position is written anew though nothing changed: one part in so many.
const REFRESH: u64 = 100;
/// What the retention counts as for that when changes are kept for ever, in seconds.
const FOR_EVER: u64 = 14 * 86_400;

/// What a [`Position`] of change tracking says. Numbers, names and ids of the database: nothing of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// Every change up to this version has been read.
    pub(super) version: u64,
    life: Life,
    /// The number in the bridge's bookmark.
    bookmark: Option<u64>,
    /// A moment, by the server's clock, at which nothing followed the version: seconds since 1970.
    clock: i64,
    tables: BTreeMap<String, Noted>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Life {
    database: i32,
    fork: Option<String>,
    made: Option<String>,
    bookmark: Option<String>,
}

/// What a table was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Noted {
    shape: String,
    since: Option<String>,
}

impl Life {
    pub(super) fn of(life: &DatabaseLife) -> Self {
        let DatabaseLife { database, fork, made, bookmark } = life.clone();
        Self { database, fork, made, bookmark }
    }

    fn read(&self) -> DatabaseLife {
        let Self { database, fork, made, bookmark } = self.clone();
        DatabaseLife { database, fork, made, bookmark }
    }

    pub(super) fn incarnation(&self) -> Incarnation {
        Incarnation(serde_json::to_string(self).expect("numbers and texts can be written as JSON"))
    }
}

impl Place {
    pub(super) fn of(position: &Position) -> Result<Self> {
        let problem = |_| Error::new(ErrorKind::Config, "the position is not one of change tracking");
        serde_json::from_str(&position.0).map_err(problem)
    }

    /// Where a stream stands that has read everything that there is.
    pub(super) fn at(state: &TrackingState, version: u64) -> Self {
        let noted = |(name, table): (&String, &TrackedTable)| {
            (name.clone(), Noted { shape: table.shape.to_string(), since: table.since.clone() })
        };
        Self {
            version,
            life: Life::of(&state.life),
            bookmark: state.bookmark,
            clock: state.clock,
            tables: state.tables.iter().map(noted).collect(),
        }
    }

    pub(super) fn position(&self) -> Position {
        Position(serde_json::to_string(self).expect("numbers and texts can be written as JSON"))
    }

    /// Where the next poll begins: here, when nothing but a little time has passed.
    pub(super) fn after(self, state: &TrackingState, version: u64) -> Self {
        let next = Self::at(state, version);
        let patience = state.retention.unwrap_or(FOR_EVER) / REFRESH;
        let passed = u64::try_from(next.clock.saturating_sub(self.clock)).unwrap_or(0);
        let same = Self { clock: self.clock, ..next.clone() } == self;
        if same && passed < patience { self } else { next }
    }

    /// Whether the changes after this place can be read from a database in this state.
    pub(super) fn validity(&self, state: &TrackingState, tables: &[FollowedTable]) -> Validity {
        let went_back = self.bookmark.is_some_and(|seen| state.bookmark.is_none_or(|now| now < seen));
        if !self.life.read().may_be(&state.life) || went_back {
            return Validity::Rewound;
        }
        let Some(current) = state.current else { return silent("the database tracks no changes") };
        if current < self.version {
            return Validity::Rewound;
        }
        let mut expired = BTreeSet::new();
        let mut drifted = false;
        for FollowedTable { name, .. } in tables {
            let Some(table) = state.tables.get(name) else {
                drifted = true;
                continue;
            };
            let Some(min_valid) = table.min_valid else {
                return silent(&format!("change tracking is off for table {name}, or may not be seen"));
            };
            let Some(noted) = self.tables.get(name) else {
                // Nobody has read it up to here.
                expired.insert(name.clone());
                continue;
            };
            if noted.since.is_some() && table.since.is_some() && noted.since != table.since {
                return Validity::Rewound;
            }
            drifted |= noted.shape != table.shape.to_string();
            if min_valid > self.version {
                expired.insert(name.clone());
            }
        }
        if drifted {
            return Validity::Drift { schema: state.schema() };
        }
        if !expired.is_empty() {
            return Validity::Expired { tables: expired.into_iter().collect() };
        }
        Validity::Valid { headroom_seconds: self.headroom(state, current) }
    }

    fn headroom(&self, state: &TrackingState, current: u64) -> Option<u64> {
        let age = u64::try_from(state.clock.saturating_sub(self.clock)).unwrap_or(0);
        let age = if current == self.version { 0 } else { age };
        state.retention.map(|kept| kept.saturating_sub(age))
    }
}

fn silent(reason: &str) -> Validity {
    Validity::Silent { reason: reason.to_owned() }
}

/// The error of a poll that may not be made.
pub(super) fn refusal(validity: Validity) -> Option<Error> {
    Some(match validity {
        Validity::Valid { .. } => return None,
        Validity::Expired { tables } => {
            let problem = "the source no longer has what follows the position, for";
            Error::new(ErrorKind::Expired, format!("{problem} {}", tables.join(", ")))
        }
        Validity::Rewound => Error::new(ErrorKind::Rewound, "the source has gone back in time"),
        Validity::Drift { .. } => {
            Error::new(ErrorKind::Drift, "the tables of the source are not what they were")
        }
        Validity::Silent { reason } => {
            Error::new(ErrorKind::Drift, format!("the source records no changes: {reason}"))
        }
    })
}
