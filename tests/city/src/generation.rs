//! Building a city: the plan, the systems in turn, and the truth last.

use std::path::Path;

use crate::agresso::Agresso;
use crate::error::{Error, ErrorKind};
use crate::truth::{Ledger, Truth};
use crate::{paraga, paraply, population, vodok, warna};

/// The most persons a city can have: there are no more numbers that nobody holds.
pub const MAX_PERSONS: u32 = 60_000;

/// What city to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CityPlan {
    /// Persons who are planned one by one, `1..=60_000`; their relatives come on top, about two for three of them.
    /// There are about 800 rows per person.
    pub persons: u32,
    /// The seed: another seed is another city, the same seed the same bytes.
    pub seed: u64,
}

/// How far the work has come. Steps follow each other; each starts from nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The system being written: `paraply`, `vodok`, `warna`, or `paraga` (with SchemOS).
    pub step: &'static str,
    /// Units done: persons, or months in the last step.
    pub done: u64,
    /// Units in all.
    pub of: u64,
    /// Rows written so far in this step.
    pub rows: u64,
}

/// Builds the city: writes the systems below `legacy_dir` (which is created when missing) and the truth
/// to `truth_path`, and returns the truth.
///
/// Files get their names when they are complete, so that an interrupted run leaves only `*.part`, which the
/// next run replaces. Must not be called from within an asynchronous runtime.
///
/// # Errors
/// [`ErrorKind::Plan`] when the number of persons is outside `1..=60_000`; [`ErrorKind::Occupied`] when one of
/// the files is already there; otherwise what the file system or SQLite refused.
pub fn generate(
    plan: &CityPlan,
    legacy_dir: &Path,
    truth_path: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Truth, Error> {
    if !(1..=MAX_PERSONS).contains(&plan.persons) {
        let context = format!("{} persons is not within 1..={MAX_PERSONS}", plan.persons);
        return Err(Error::new(ErrorKind::Plan, context));
    }
    for name in ["paraply.sqlite", "vodok.sqlite", "warna.sqlite", "schemos.sqlite", "paraga", "agresso"] {
        if legacy_dir.join(name).exists() {
            return Err(Error::new(ErrorKind::Occupied, name));
        }
    }
    if truth_path.exists() {
        return Err(Error::new(ErrorKind::Occupied, "truth"));
    }
    std::fs::create_dir_all(legacy_dir).map_err(Error::io("legacy directory"))?;
    let city = population::plan(plan.persons, plan.seed);
    let mut ledger = Ledger::default();
    let mut agresso = Agresso::create(legacy_dir)?;
    paraply::write(&city, legacy_dir, &mut agresso, &mut ledger, progress)?;
    agresso.finish(&mut ledger)?;
    vodok::write(&city, legacy_dir, &mut ledger, progress)?;
    warna::write(&city, legacy_dir, &mut ledger, progress)?;
    paraga::write(&city, legacy_dir, &mut ledger, progress)?;
    let truth = ledger.close(plan.seed, plan.persons);
    truth.write(truth_path)?;
    Ok(truth)
}
