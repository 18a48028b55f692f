//! What the bridge decides, apart from everything it does.
//!
//! Every rule of the bridge that can be right or wrong stands here as a function of values that are handed in, the time
//! among them. Nothing here reads a clock, a file or a database, so the same rules run in the program, in the model
//! whose every state is visited, and in the simulation.
//!
//! - [`arrival`] and [`last_states`]: which of several states of a row counts, in whatever order they arrive.
//! - [`judge`]: whether a change is the owner's, an echo of the bridge's own write, or somebody's who may not write.
//! - [`ConflictClass`], [`classify`], [`merge`]: what stands against a write, and what is decided without a person.
//! - [`Board`], [`Signature`]: the twelve gates before a switch, and who signed for them.
//! - [`FreezeCalendar`]: the days on which no unit may switch.
//! - [`Course`], [`Verb`]: the phases of a scope, and what may be asked for in each.
//! - [`Handover`]: the fifteen steps of a switch or a revert, resumed or cancelled from wherever they stopped.
//! - [`rollback`]: whether the way back is open, and if not, why.
//! - [`Chronicle`], [`accepts`]: what a bridge may be seen to do, one event after another.

mod conflict;
mod convergence;
mod echo;
mod freeze;
mod gates;
mod handover;
mod merge;
mod rollback;
mod trace;
mod verbs;

pub use conflict::{Conflict, ConflictClass, Decided, Encounter, classify};
pub use convergence::{Arrival, arrival, last_states};
pub(crate) use echo::differs_only_in;
pub use echo::{Origin, Sighting, judge};
pub use freeze::{Freeze, FreezeCalendar, FreezeError, Override, Recurrence, Window};
pub use gates::{Board, Gate, Obstacle, Reading, Role, Signature, Verdict, Waiver};
pub use handover::{Direction, Entry, Handover, Next, Refused, Step};
pub use merge::{FieldGroups, merge};
pub use rollback::{Canary, NoRollback, ReverseState, rollback};
pub use trace::{Chronicle, Event, Outcome, Violation, accepts};
pub use verbs::{Course, Illegal, Occurrence, Verb};
