//! Faults on demand: the built program is run on a small city and disturbed in every way that a disk, a machine, a
//! server or a line to it can disturb it; then it is run again, and its target is compared with that of a run that
//! nothing disturbed.
//!
//! The harness stands outside. It knows the command line, the files of a project and the tables of a target, and
//! none of the code that it tries: it finds the mistakes of whatever program it is given.
//!
//! What counts as *acknowledged* is what anybody who looks at the target can see: a receipt in `bron_receipt`. An
//! observer with a connection of its own reads receipts while the program works and once more right before the
//! fault. Whatever it saw must be there afterwards, receipt and rows, whatever happened.
//!
//! - [`Harness::try_family`] runs trials of one [`Family`] against one [`Kind`] of target. A trial follows from the
//!   seed, the family, the kind of target and its number, so that each can be run again alone.
//! - [`Harness::control`] runs the negative controls of a family: a target or a run that was spoiled on purpose. A
//!   control that is not found out means that the trials of the family prove nothing.
//! - [`Record`] keeps what came out, a line for each trial, so that a set that was stopped goes on.

mod bench;
mod check;
mod control;
mod draw;
mod families;
mod files;
mod ground;
mod harness;
mod look;
mod program;
mod record;
mod stage;

pub use check::Broken;
pub use control::Control;
pub use families::Family;
pub use harness::Harness;
pub use look::Kind;
pub use record::{Figures, Outcome, Record};
