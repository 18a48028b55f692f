//! A synthetic city: six legacy systems with the dirt of twenty-five years, and the truth about it.
//!
//! [`generate`] writes, from a seed and a number of persons, what the six systems would hold:
//!
//! | file | system | period |
//! |---|---|---|
//! | `paraply.sqlite` | cases, decisions, households, orders, payments, fees, journal notes | 2005-2024 |
//! | `agresso/*.csv` | what the accounts hold of the payments | 2005-2024 |
//! | `vodok.sqlite` | the health-care record, with a change of terms on 2015-01-26 | 2013-2024 |
//! | `warna.sqlite` | guardians, their accounts and fees | 2005-2024 |
//! | `schemos.sqlite` | planned visits, staff and shifts | 2014-2024 |
//! | `paraga/*.csv` | home-help visits in three eras of file format | 2014-2024 |
//!
//! Into them it puts defects of the kinds that such systems have, at rates per thousand rows, and writes
//! down which rows got which defect ([`Truth`]). Every schema, code and text is invented.
//!
//! * **Nobody is real.** A person number is one that Skatteverket publishes for tests, or has birth number
//!   000, which is never assigned; everything that is meant to be wrong has 000 as well. Persons with 000 are
//!   registered as women, so that the number's parity agrees.
//! * **Deterministic.** The same plan gives the same bytes; there is no clock, and nothing is dated after
//!   2024-12-31 except ends that are agreed in advance and ends that were never filled in.
//! * **Streaming.** Rows are written as they are made. What is held is the plan of each person (some hundred
//!   bytes) and the keys of defective rows.
//!
//! A city of sixty persons or more has every table and every defect at least once. Every city has the named cases
//! ([`Truth::cases`]): courses of events written by hand, about persons of their own.

mod agresso;
mod calendar;
mod cases;
mod codes;
mod error;
mod generation;
mod names;
mod norms;
mod numbers;
mod organisation;
mod paraga;
mod paraply;
mod population;
mod prose;
mod rng;
mod schemos;
mod sqlite;
mod truth;
mod vodok;
mod warna;

pub use error::{Error, ErrorKind};
pub use generation::{CityPlan, MAX_PERSONS, Progress, generate};
pub use truth::{Action, Defect, Truth, TruthFile};

#[cfg(test)]
mod tests;
