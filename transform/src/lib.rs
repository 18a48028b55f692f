//! Turns staged rows into rows of the information model.
//!
//! Pure and total: a mapping, lookups and a batch go in; entity rows, rejects and a balance come out.
//! No clock, no input or output, no failure: a bad value is a reject.
//!
//! 1. [`needs`] says which lookups the mappings ask for; the caller gathers each from its staged table and
//!    collects them in [`Lookups`].
//! 2. [`Plan::new`] makes a mapping ready for the schema of its table.
//! 3. [`apply`] maps one batch, [`apply_all`] several on all threads. A [`Comparison`] maps each batch by two
//!    versions of a mapping and tells what differs and why.
//! 4. [`IdentityBuilder`] links the records of persons that came over, or asks people about them.
//! 5. [`RetentionBuilder`] says of every personal file when it is due to be destroyed, and what exempts it.
//! 6. An [`Inverter`] writes rows of the model back into the columns of their source row, where that can be done; a
//!    [`Restorer`] says what each field of a row tells of them.
//! 7. [`Ties`] say which rows a row rests on and which rest on it, so that a few rows can be mapped as they would be
//!    among all others.
//! 8. A [`Profiler`] counts what the rules of a mapping met in the rows, and which codes occur.
//!
//! Invariants: every row has one fate and the [`Balance`] adds up; the result does not depend on how a
//! table is cut into batches or on the number of threads.

mod apply;
mod balance;
mod calendar;
mod derived;
mod effect;
mod examples;
#[cfg(test)]
mod fixture;
mod functions;
mod identity;
mod inverse;
mod lookups;
mod output;
mod plan;
mod profile;
mod retention;
mod row;
mod rules;

pub use apply::{Place, Standing, Transformed, apply, apply_all, apply_and_tell, places};
pub use balance::{Balance, Dimension, Fate, Tally};
pub use calendar::{iso_date, iso_time};
pub use derived::BRIDGE_SYSTEM;
pub use effect::{
    CauseEffect, Comparison, ComparisonSide, EntityEffect, FieldEffect, FieldExample, MOST_VALUES, Moves,
    RowExample, Shown, TableEffect, ValueCounts,
};
pub use examples::{run_examples, text_of};
pub use functions::{
    AcrossRows, BeginAcross, Build, Cell, CheckFn, FieldFn, Function, FunctionExample, Inverse, InvertFn,
    Outcome, REGISTRY_VERSION, SettingError, Settings, find, registry,
};
pub use identity::{IDENTITY_TABLE, Identity, IdentityBuilder};
pub use inverse::{
    ColumnWay, EntityRow, FieldWay, Inverter, Kept, KeyOf, Put, Refusal, Restorer, RowRestorer, SourceText,
    SourceTexts, WayBack, Written,
};
pub use lookups::{
    Asked, Filter, Found, Gathering, Lookups, Made, Need, Pass, PersonTable, Persons, PersonsBuilder, RowSet,
    Term, Ties, needs,
};
pub use output::reject_schema;
pub use plan::{Plan, PlanError};
pub use profile::{CodeCounts, MOST_CODES, Profiler, RuleProfile};
pub use retention::{ASSESSMENT_ENTITY, Assessments, RETENTION_TABLE, RetentionBuilder};
pub use rules::check_rules;
