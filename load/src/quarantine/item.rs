//! What stands in the quarantine, in closed vocabularies.

use std::fmt;

use bron_mappings::{EntityId, InstallationSecret, SourceKey};

macro_rules! vocabulary {
    ($(#[doc = $doc:literal])+ $type:ident {
        $($(#[doc = $note:literal])+ $name:ident = $code:literal, $label:literal;)+
    }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $type { $($(#[doc = $note])+ $name,)+ }

        impl $type {
            /// Every one, in the order in which people read them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in the store, in JSON and on the command line.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What the business side reads, in Swedish.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// The one with this code.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.code() == text)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}

vocabulary! {
    /// Where in the chain a row was held back.
    Stage {
        /// It could not be read as a row at all.
        Reading = "reading", "läsning";
        /// A rule of the mapping held it back.
        Mapping = "mapping", "omvandling";
        /// The target refused it.
        Loading = "loading", "inläsning";
    }
}

vocabulary! {
    /// What a named person decided about an item.
    Decision {
        /// The row stays out.
        Accept = "accept", "godta";
        /// The row is corrected in the source system.
        Correct = "correct", "rätta i källan";
        /// The value means this code of the new model.
        Map = "map", "mappa så";
        /// Nothing is decided yet, and somebody knows about it.
        Wait = "wait", "vänta";
    }
}

vocabulary! {
    /// Where an item stands.
    State {
        /// Nobody has decided.
        Open = "open", "öppen";
        /// The row stays out, by decision.
        Accepted = "accept", "godtagen";
        /// The source is to be corrected, by decision.
        ToCorrect = "correct", "rättas i källan";
        /// A code is to be mapped, by decision.
        ToMap = "map", "mappas";
        /// Somebody decided to wait.
        Waiting = "wait", "väntar";
        /// It was to be corrected or mapped, and a later run held it back for the same reason.
        Again = "again", "samma orsak igen";
        /// The row came over after all.
        Loaded = "loaded", "inläst efteråt";
        /// The row is no longer in the source.
        Gone = "gone", "finns inte längre i källan";
        /// A rule of scope leaves the row out.
        LeftOut = "left_out", "utanför omfattningen";
        /// The row is held back for another reason now, which is an item of its own.
        OtherReason = "other_reason", "annan orsak";
    }
}

impl Decision {
    /// The state of an item with this decision.
    #[must_use]
    pub const fn state(self) -> State {
        match self {
            Self::Accept => State::Accepted,
            Self::Correct => State::ToCorrect,
            Self::Map => State::ToMap,
            Self::Wait => State::Waiting,
        }
    }

    /// Whether the decision promises that the next run no longer holds the row back.
    pub(crate) const fn promises_change(self) -> bool {
        match self {
            Self::Correct | Self::Map => true,
            Self::Accept | Self::Wait => false,
        }
    }
}

impl State {
    /// Whether the row is held back now, for this reason.
    #[must_use]
    pub const fn is_held(self) -> bool {
        match self {
            Self::Open | Self::Accepted | Self::ToCorrect | Self::ToMap | Self::Waiting | Self::Again => true,
            Self::Loaded | Self::Gone | Self::LeftOut | Self::OtherReason => false,
        }
    }
}

/// A row that a run held back, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The item's id, see [`item_id`].
    pub id: EntityId,
    /// What names the record, whatever the reason, see [`record_id`].
    pub record: EntityId,
    /// The source system.
    pub system: String,
    /// The source table.
    pub table: String,
    /// The record's key as lists show it: a pseudonym where it could name a person.
    pub key: String,
    /// Where the row was held back.
    pub stage: Stage,
    /// The reason code.
    pub reason: String,
    /// The entity and the field that is meant; empty for the whole row.
    pub field: String,
    /// The entity whose table refused the row; empty for other stages.
    pub entity: String,
    /// The constraint that refused it; empty for other stages.
    pub constraint: String,
    /// The SQLSTATE that the server gave; empty for other stages.
    pub sqlstate: String,
    /// The mapping and its version: whose rule it is.
    pub rule: String,
    /// The code of the owner who decides.
    pub owner: String,
    /// The area of work; empty where nobody knows it.
    pub area: String,
    /// The code of the nämnd; empty where nobody knows it.
    pub namnd: String,
    /// The year of the row, or empty.
    pub year: String,
    /// Whether the row is about a protected person.
    pub protected: bool,
}

/// An item of the quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What the run said that saw it last.
    pub finding: Finding,
    /// The run that saw it first.
    pub first_run: String,
    /// The run that saw it last.
    pub last_run: String,
    /// How many rows of the source it stands for: more than one where a key is there several times.
    pub rows: u64,
    /// Where it stands.
    pub state: State,
    /// The latest decision; it outlives the state that it led to.
    pub decision: Option<Decision>,
    /// The code of the new model that the decision names; empty for none.
    pub maps_to: String,
    /// The code of the source that no line of its list knows, when so many rows have it that it names nobody; else
    /// empty.
    pub code: String,
    /// The code that the latest decision to map was about; empty for other decisions, and where the code was not
    /// told.
    pub decided_code: String,
    /// Goes up with each decision, and whenever a run changed its state, its field or its row: whoever decides says
    /// what they looked at.
    pub version: u64,
    /// What the values of the row look like, see [`super::mask_of`]; empty when the row was not staged.
    pub mask: Vec<super::MaskedColumn>,
    /// Whether its rows lie sealed in the store.
    pub has_payload: bool,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number: lines are in the order of their numbers.
    pub number: u64,
    /// When, as UTC.
    pub at: String,
    /// What: `found`, `decided`, `shown`, or the code of the state that a run led to.
    pub kind: String,
    /// The run behind it; empty for what a person did before any run was collected.
    pub run: String,
    /// The decision, for `decided`.
    pub decision: Option<Decision>,
    /// The code that the decision names; empty for none.
    pub maps_to: String,
    /// The code of the source that a decision to map was about; empty for none.
    pub code: String,
    /// Who; empty for what a run did.
    pub person: String,
    /// In which role.
    pub role: String,
    /// The note of a decision, or the purpose for which the row was shown.
    pub text: String,
}

/// The id of the item about a record, held back at a stage for a reason in one place: the field whose rule held it
/// back, or the constraint of the target. Keyed with the installation's secret, so that it names nobody and is the
/// same in every run.
#[must_use]
pub fn item_id(
    secret: &InstallationSecret,
    [system, table, key]: [&str; 3],
    stage: Stage,
    [reason, place]: [&str; 2],
) -> EntityId {
    let parts = [key, stage.code(), reason, place].map(Some);
    EntityId::derive(secret, "quarantine-item", &SourceKey::new(system, table, parts))
}

/// The name of a record in the quarantine, keyed in the same way.
#[must_use]
pub fn record_id(secret: &InstallationSecret, system: &str, table: &str, key: &str) -> EntityId {
    EntityId::derive(secret, "quarantine-record", &SourceKey::new(system, table, [Some(key)]))
}
