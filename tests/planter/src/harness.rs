//! Plants damage: several workers, each with projects of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, Result};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bron_outside::{Draw, Kind, Place, Program};
use bron_servers::PostgresServer;
use tempfile::TempDir;

use crate::city::{City, Ground};
use crate::damages::Damage;
use crate::record::{Control, Record};
use crate::trial::{Outcome, Planted, look_at, plant, undo};

/// The persons of each city. A city of more has more to plant in and takes longer.
pub const CITIES: [u64; 4] = [1, 2, 3, 2];

/// One planting that is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// What is planted.
    pub damage: &'static Damage,
    /// In what.
    pub target: Kind,
    /// The number of the planting.
    pub number: u64,
}

/// The program under trial with the cities that damage is planted in. Everything that it writes is gone when it is
/// dropped.
#[derive(Debug)]
pub struct Harness {
    cities: Vec<City>,
    seed: u64,
    // Servers write into the folder until they are stopped, so they come first.
    server: Option<PostgresServer>,
    folder: TempDir,
}

/// Where one worker plants.
struct Bench<'h> {
    harness: &'h Harness,
    worker: usize,
    grounds: BTreeMap<usize, Ground>,
}

impl Harness {
    /// Makes as many of the [`CITIES`] under a seed with the program at `bron`, on a server as well when that is asked
    /// for.
    ///
    /// # Errors
    /// When a city cannot be migrated, or its sound target is not found sound.
    pub fn new(bron: &Path, seed: u64, cities: usize, on_a_server: bool) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bron-planter-").tempdir()?;
        // Servers run as users of their own and have to get through to their folders.
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let server = on_a_server.then(PostgresServer::start).transpose()?;
        let program = Program(bron.to_owned());
        let build = |(number, persons): (usize, &u64)| {
            let place = folder.path().join(format!("city_{number}"));
            City::build(&program, &place, (*persons, city_seed(seed, number)), server.as_ref())
        };
        let cities = CITIES.iter().take(cities.max(1)).enumerate().map(build).collect::<Result<_>>()?;
        Ok(Self { cities, seed, server, folder })
    }

    /// Does these jobs with so many workers, but for those that the record has.
    ///
    /// # Errors
    /// When a planting cannot be done. One that is not seen exactly is in the record and no error.
    pub fn run(&self, jobs: &[Job], workers: usize, record: &Record) -> Result<()> {
        let next = AtomicUsize::new(0);
        let work = |worker: usize| -> Result<()> {
            let mut bench = Bench { harness: self, worker, grounds: BTreeMap::new() };
            while let Some(job) = jobs.get(next.fetch_add(1, Ordering::SeqCst)) {
                if !record.has(job) {
                    record.add(bench.trial(job)?)?;
                }
            }
            Ok(())
        };
        self.with_workers(workers, &work)
    }

    /// Plants each of these and undoes it with statements: nothing may be seen then.
    ///
    /// # Errors
    /// When it cannot be done. A target that is not found sound again is in the record and no error.
    pub fn controls(&self, jobs: &[Job], workers: usize, record: &Record) -> Result<()> {
        let next = AtomicUsize::new(0);
        let work = |worker: usize| -> Result<()> {
            let mut bench = Bench { harness: self, worker, grounds: BTreeMap::new() };
            while let Some(job) = jobs.get(next.fetch_add(1, Ordering::SeqCst)) {
                if !record.is_controlled(job) {
                    record.add_control(bench.control(job)?)?;
                }
            }
            Ok(())
        };
        self.with_workers(workers, &work)
    }

    fn with_workers(&self, workers: usize, work: &(dyn Fn(usize) -> Result<()> + Sync)) -> Result<()> {
        thread::scope(|scope| {
            let workers: Vec<_> =
                (0..workers.max(1)).map(|worker| scope.spawn(move || work(worker))).collect();
            let ended = workers
                .into_iter()
                .map(|worker| worker.join().map_err(|_| Error::other("a worker panicked"))?);
            ended.collect::<Result<Vec<()>>>().map(|_| ())
        })
    }
}

/// The seed of a city.
pub(crate) fn city_seed(seed: u64, number: usize) -> u64 {
    seed.wrapping_mul(100).wrapping_add(u64::try_from(number).unwrap_or(u64::MAX))
}

impl Bench<'_> {
    /// The sound target of a city, and the project beside it.
    fn lay(&mut self, city: usize, target: Kind) -> Result<Place> {
        let Self { harness, worker, grounds } = self;
        let of = &harness.cities[city];
        let ground = match grounds.entry(city) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                let folder = harness.folder.path().join(format!("worker_{worker}_{city}"));
                // A worker of an earlier set may have left its ground there.
                if folder.exists() {
                    fs::remove_dir_all(&folder)?;
                }
                new.insert(of.ground(&folder)?)
            }
        };
        match (target, &harness.server) {
            (Kind::Sqlite, _) => of.in_file(ground),
            (Kind::Postgres, Some(server)) => of.in_database(server, &format!("worker_{worker}")),
            (Kind::Postgres, None) => Err(Error::other("the cities are on no server")),
        }
    }

    /// Plants in the first city, from the one that is this number's turn, that has a place for the damage.
    fn planted(&mut self, job: &Job) -> Result<(usize, Place, Planted)> {
        let cities = self.harness.cities.len();
        let turn = usize::try_from(job.number).unwrap_or(0) % cities;
        let purpose = format!("{} {}", job.damage.name, job.target.name());
        for city in (0..cities).map(|step| (turn + step) % cities) {
            let place = self.lay(city, job.target)?;
            let mut draw = Draw::new(self.harness.seed, &purpose, job.number);
            let planted = plant(job.damage, &place, &mut draw);
            let named = |error: Error| Error::other(format!("{purpose} {}: {error}", job.number));
            if let Some(planted) = planted.map_err(named)? {
                return Ok((city, place, planted));
            }
        }
        Err(Error::other(format!("{purpose}: no city has a place for it")))
    }

    fn trial(&mut self, job: &Job) -> Result<Outcome> {
        let (city, place, planted) = self.planted(job)?;
        let (sight, faults) = look_at(&planted, &self.grounds[&city], &place)?;
        Ok(Outcome {
            seed: self.harness.seed,
            damage: job.damage.name.to_owned(),
            target: job.target,
            number: job.number,
            city,
            what: planted.plan.what,
            asked: sight.asked,
            saw: sight.saw,
            faults,
        })
    }

    fn control(&mut self, job: &Job) -> Result<Control> {
        let (city, place, planted) = self.planted(job)?;
        undo(&planted, &place)?;
        let sight = self.grounds[&city].sight(&place)?;
        let (damage, target) = (job.damage.name.to_owned(), job.target);
        Ok(Control { damage, target, sound: sight == self.harness.cities[city].sound })
    }
}
