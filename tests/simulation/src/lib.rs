//! Tries the bridge in worlds that are made up.
//!
//! [`run`] drives the real bridge over simulated databases, lines, stores and people, all of it drawn from one seed:
//! lines break before or after a call had its effect, work arrives late or twice, the bridge and the operator's program
//! die anywhere, scopes are switched and reverted meanwhile, and in some runs somebody writes where he may not. In the
//! end, when everything is at rest, both worlds must hold exactly what the people made true, every trespass must be
//! kept with its image, and what the bridges did must be a trace that the protocol accepts. A seed that fails can be
//! replayed.
//!
//! [`Protocol`] is the model: the smallest world in which everything can still go wrong, and every state of it visited.
//!
//! So that the oracle itself is tried, parts can be broken on purpose ([`Sabotage`], [`Variant`]): each must be
//! noticed.

mod database;
mod faults;
mod lens;
mod model;
mod operator;
mod parts;
mod random;
mod run;
mod toy;
mod users;

pub use database::Sabotage;
pub use model::{Action, Protocol, State, Travelling, Variant};
pub use run::{Failure, Tally, replay, run};

#[cfg(test)]
mod tests;
