//! Runs trials: several workers, each with a bench of its own.

use std::collections::BTreeSet;
use std::io::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use bron_outside::Kind;
use tempfile::TempDir;

use crate::bench::Bench;
use crate::control;
use crate::families::{self, Family};
use crate::record::{Outcome, Record};
use crate::stage::Stage;

/// The program under trial on its stage. Everything that it writes is gone when it is dropped.
#[derive(Debug)]
pub struct Harness {
    stage: Arc<Stage>,
    workers: u64,
    folder: TempDir,
}

impl Harness {
    /// Sets the stage for the program at `bron`, for so many workers.
    ///
    /// # Errors
    /// When the program does not run undisturbed; the text holds what it said.
    pub fn new(bron: &Path, workers: u64) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bron-faults-").tempdir()?;
        // Servers run as users of their own and have to get through to their folders.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let stage = Arc::new(Stage::build(bron, folder.path())?);
        Ok(Self { stage, workers: workers.max(1), folder })
    }

    /// Why a family cannot be tried on this machine; nothing when it can.
    #[must_use]
    pub fn missing(family: Family) -> Option<&'static str> {
        family.missing()
    }

    /// Runs trials until so many faults struck in all, those in the record included, or that many times ten were tried.
    ///
    /// # Errors
    /// When a trial cannot be run. What does not hold of the program is in the record and no error.
    pub fn try_family(&self, family: Family, kind: Kind, wanted: u64, record: &Record) -> Result<()> {
        let done = record.done(family, kind);
        let (next, most) = (AtomicU64::new(0), wanted.saturating_mul(10));
        let work = |worker: u64| -> Result<()> {
            let mut bench = None;
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if record.figures(family, kind).struck >= wanted || number >= most {
                    return Ok(());
                }
                if done.contains(&number) {
                    continue;
                }
                if bench.is_none() {
                    bench = Some(self.bench(family, kind, worker)?);
                }
                let bench = bench.as_mut().expect("it was made just before");
                record.add(trial(bench, family, kind, record.seed(), number)?)?;
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.workers).map(|worker| scope.spawn(move || work(worker))).collect();
            let ended = workers
                .into_iter()
                .map(|worker| worker.join().map_err(|_| Error::other("a worker panicked"))?);
            ended.collect::<Result<Vec<()>>>().map(|_| ())
        })
    }

    /// Runs one trial.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn replay(&self, family: Family, kind: Kind, seed: u64, number: u64) -> Result<Outcome> {
        trial(&mut self.bench(family, kind, 0)?, family, kind, seed, number)
    }

    /// Runs the negative controls of a family, unless the record has them.
    ///
    /// # Errors
    /// When a control cannot be run. One that was not found out is in the record and no error.
    pub fn control(&self, family: Family, kind: Kind, record: &Record) -> Result<()> {
        if record.is_controlled(family, kind) {
            return Ok(());
        }
        let mut bench = self.bench(family, kind, self.workers)?;
        for control in control::controls(&mut bench, family, kind, record.seed())? {
            record.add_control(control)?;
        }
        Ok(())
    }

    fn bench(&self, family: Family, kind: Kind, worker: u64) -> Result<Bench> {
        let name = format!("{}-{}-{worker}", family.name(), kind.name());
        Bench::new(&self.stage, &self.folder.path().join(name), kind, None)
    }

    /// The families that can strike something, with each kind of target that they can strike.
    #[must_use]
    pub fn everything() -> BTreeSet<(Family, Kind)> {
        let all = Family::ALL.iter().flat_map(|family| Kind::ALL.map(|kind| (*family, kind)));
        all.filter(|(family, kind)| family.strikes(*kind)).collect()
    }
}

fn trial(bench: &mut Bench, family: Family, kind: Kind, seed: u64, number: u64) -> Result<Outcome> {
    let tried = families::trial(bench, family, kind, seed, number);
    let tried = tried.map_err(|error| {
        Error::new(error.kind(), format!("{} {} {number}: {error}", family.name(), kind.name()))
    })?;
    let (parts, rows) = tried.acknowledged;
    let families::Tried { fault, struck, broken, .. } = tried;
    Ok(Outcome { seed, family, kind, number, fault, struck, parts, rows, broken })
}
