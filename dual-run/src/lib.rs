//! Keeps both worlds correct while areas move one at a time.
//!
//! The city moves without a big bang: for a long time some scopes are owned by the legacy systems and
//! others by the new model, and every fact has exactly one owner at every moment. This crate holds the
//! words for that: what is moved ([`Scope`]), who may write ([`Owner`], [`Ownership`]) and how far a
//! scope has come ([`Phase`]).
//!
//! A change travels so: a [`ChangeSource`] tells of it in a [`Cut`]; the [`Journal`] takes the cut; a [`Lens`]
//! translates it; a [`Follower`] applies it. Each is a trait, so that the same bridge runs against real databases and
//! against simulated ones.
//!
//! Invariants:
//! - One owner at a time: a write is accepted by the owner only, and carries the [`Epoch`] of the
//!   ownership it was made under. A write of an older epoch is refused.
//! - A phase changes only along [`Phase::next`]; nothing becomes [`Phase::Finalized`] by the passing of
//!   time.

mod bridge;
mod capture;
pub mod case_index;
mod change;
mod error;
mod follower;
mod followers;
pub mod jobs;
mod journal;
mod lens;
mod mapped;
pub mod metrics;
mod ownership;
mod phase;
mod protocol;
mod scope;
pub mod store;

pub use bridge::{
    Bridge, Parked, ParkedRow, Parking, Release, Report, Seeded, Settings, Standing, Turn, World,
};
pub use capture::change_tracking::{ChangeTracking, FollowedTable, bridge_context};
pub use capture::{
    Budget, CapturedTable, ChangeSource, Finding, FindingKind, Guarantee, Incarnation, Order, Overlap,
    PolledSource, Position, Swept, TriggerLog, Validity, Watermark, sweep,
};
pub use change::{Change, Chunk, Cut, CutId, Image, MODEL_SYSTEM, Mark, Stream, Version};
pub use error::{Error, ErrorKind, Result};
pub use follower::{Applied, AppliedRow, ApplyWork, Delivery, Expected, Follower, Met, RowWrite};
pub use followers::{Followed, LegacyTable, PostgresFollower, SqliteFollower};
pub use journal::Journal;
pub use lens::{Agreed, Lens, Translated};
pub use mapped::{
    Born, Known, KnownRow, LensTerms, Loss, MappedLens, RememberedRows, SHARED_SCOPE, model_image, model_row,
};
pub use ownership::{Epoch, Owner, Ownership, OwnershipError, OwnershipRow, OwnershipTable};
pub use phase::{HaltReason, Phase};
pub use protocol::{
    Arrival, Board, Canary, Chronicle, Conflict, ConflictClass, Course, Decided, Direction, Encounter, Entry,
    Event, FieldGroups, Freeze, FreezeCalendar, FreezeError, Gate, Handover, Illegal, Next, NoRollback,
    Obstacle, Occurrence, Origin, Outcome, Override, Reading, Recurrence, Refused, ReverseState, Role,
    Sighting, Signature, Step, Verb, Verdict, Violation, Waiver, Window, accepts, arrival, classify, judge,
    last_states, merge, rollback,
};
pub use scope::{Scope, Side};
