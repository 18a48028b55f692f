//! Damage on demand: a migrated target is damaged in every way that a faulty program, a faulty line or a careless
//! person can damage it, one way at a time, and the built program is asked what it sees of it.
//!
//! The harness stands outside. It knows the command line, the files of a project and the tables of a target, and none
//! of the code that it tries. What entities and columns there are it reads from the target's own notes, so that a
//! damage fits every entity that the model has.
//!
//! - [`Harness::run`] plants damage: each planting follows from the seed, the kind of damage, the kind of target and
//!   its number, so that each can be done again alone. A planting is seen *exactly* when the verdict and the exit code
//!   say so and the findings name the very rows and fields, no more and no fewer.
//! - [`Harness::controls`] plants and undoes it by SQL again: nothing may be seen then. A sound target is asked for at
//!   the beginning, too: a program that always cries would be found out.
//! - [`Record`] keeps what came out, a line for each, and makes the table of what each direction saw.
//! - [`clean`] takes cities that nobody damaged through the whole chain.

mod city;
mod clean;
mod damages;
mod harness;
mod plan;
mod record;
mod scene;
mod shape;
mod sight;
mod table;
mod trial;
mod values;

pub use bron_outside::Kind;
pub use clean::{Unclear, clean};
pub use damages::Damage;
pub use harness::{CITIES, Harness, Job};
pub use record::{Control, Figures, Record};
pub use sight::Direction;
pub use trial::Outcome;
