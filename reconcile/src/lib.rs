//! Proves that what the target holds is what the sources said.
//!
//! The question is answered from independent directions, and each answer says which direction gave it:
//! [`conservation`] (every row that was read went somewhere), [`controls`] (counts and sums per period and batch,
//! computed without the transform), [`rows`] (every field of every row), [`round_trip`] (the target put back into
//! the columns of the source) and [`references`] (every reference leads to a row). [`secrecy`] asks apart from them
//! who may read what, and [`snapshot`] what became of the source since it was read before. [`scope`] is what a
//! partial comparison looked at. [`summary`] draws the conclusion, [`report`] tells people, and [`faults`] says
//! what no direction can see. [`difference`] tells an auditor what a change of the mapping files means before any
//! row is loaded. [`page`] is the form of pages that only list, such as the description of a source. [`tables`]
//! compares two tables of the same shape, whoever filled them: no mapping, no model. [`findings`] says what became
//! of each finding since the reconciliation before and why it may be there, and [`waivers`] which differences
//! people have accepted.
//! [`quarantine`] is what people decided about rows that were held back, and [`decision_sheet`] the workbook in which
//! they do. [`audit`] is the log of who did what, and [`signoff`] whether what somebody signed still holds.
//! [`sample`] draws cases for people to look at, who alone can say whether the rules are right.
//!
//! Invariants:
//! - No file, clock, environment or network: the caller hands over readers and texts and writes results.
//! - Memory does not grow with the number of rows, except for a control's parent keys and held keys, and for the
//!   ids that references name and the target lacks.
//! - Nothing is normalised before it is compared, and what was not compared is never called equal.
//! - Errors, summaries and reports carry counts and names, never a value of a row; a source key is
//!   [`bron_mappings::Sensitive`] and a report shows one only when the caller says that it may.

pub mod audit;
mod columns;
pub mod conservation;
pub mod controls;
pub mod decision_sheet;
pub mod difference;
mod error;
pub mod faults;
pub mod findings;
pub mod page;
pub mod quality;
pub mod quarantine;
pub mod references;
pub mod report;
pub mod round_trip;
pub mod rows;
pub mod sample;
pub mod scope;
pub mod secrecy;
pub mod signoff;
pub mod snapshot;
pub mod summary;
pub mod tables;
pub mod waivers;
pub mod worklist;

pub use error::{Error, ErrorKind};
