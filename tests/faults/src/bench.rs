//! Where a worker tries things: the stage, and a server of its own when servers are tried.

use std::collections::BTreeMap;
use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bron_outside::{Kind, Look, Place, Receipts, Rows, copy_folder};
use bron_servers::PostgresServer;

use crate::check::Reference;
use crate::ground::Ground;
use crate::program::{Work, count};
use crate::stage::{Stage, Start};

/// How often a database is made from another one that somebody is just leaving.
const TRIES: u32 = 100;

/// A worker's bench.
pub(crate) struct Bench {
    pub(crate) stage: Arc<Stage>,
    pub(crate) folder: PathBuf,
    pub(crate) server: Option<PostgresServer>,
    references: BTreeMap<(Kind, Start), Arc<Reference>>,
    /// How long work takes at present.
    lasting: BTreeMap<(Kind, Start, Work), Duration>,
    /// How often work makes calls of some kinds.
    calls: BTreeMap<(Kind, Start, Work, &'static str), u64>,
    grounds: u64,
}

impl Bench {
    /// Makes a bench in a folder of its own. The bench of servers has a server; its data lie in `data` if it is given.
    pub(crate) fn new(stage: &Arc<Stage>, folder: &Path, kind: Kind, data: Option<&Path>) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let mut bench = Self {
            stage: Arc::clone(stage),
            folder: folder.to_owned(),
            server: None,
            references: BTreeMap::new(),
            lasting: BTreeMap::new(),
            calls: BTreeMap::new(),
            grounds: 0,
        };
        match kind {
            Kind::Sqlite => bench.refer(kind, |bench, start, name| {
                let path = bench.folder.join(name).with_extension("sqlite");
                fs::copy(bench.stage.target(start), &path)?;
                Ok(Place::File(path))
            })?,
            Kind::Postgres => {
                bench.server = Some(match data {
                    Some(folder) => PostgresServer::start_in(folder)?,
                    None => PostgresServer::start()?,
                });
                bench.fill()?;
                bench.refer(kind, |bench, start, name| bench.database(name, start.name()))?;
            }
        }
        Ok(bench)
    }

    /// Makes the databases that others are copied from.
    fn fill(&self) -> Result<()> {
        let codes = [0, 2, 3];
        let fresh = self.database(Start::Fresh.name(), "template1")?;
        self.stage.program.must("load", &self.own(&self.stage.others(), "others")?, Some(&fresh), &codes)?;
        let again = self.database(Start::Again.name(), Start::Fresh.name())?;
        let first = self.own(&self.stage.project(Start::Fresh, Work::Load), "first")?;
        self.stage.program.must("load", &first, Some(&again), &codes).map(|_| ())
    }

    /// A copy of a project beside this bench.
    fn own(&self, project: &Path, name: &str) -> Result<PathBuf> {
        let own = self.folder.join(name);
        copy_folder(project, &own)?;
        Ok(own)
    }

    fn refer(&mut self, kind: Kind, make: impl Fn(&Self, Start, &str) -> Result<Place>) -> Result<()> {
        let mut foreign = Rows::new();
        for start in Start::ALL {
            let place = make(self, start, &format!("whole_{}", start.name()))?;
            if start == Start::Fresh {
                let mut look = Look::at(&place)?;
                foreign = look.rows()?;
                look.close()?;
            }
            let begun = Instant::now();
            let reference = self.stage.reference(start, &place, &foreign, &self.folder.join("whole"))?;
            for work in [Work::Load, Work::Migrate] {
                self.lasting.insert((kind, start, work), begun.elapsed());
            }
            self.references.insert((kind, start), Arc::new(reference));
        }
        Ok(())
    }

    /// Makes a database that is a copy of another.
    fn database(&self, name: &str, template: &str) -> Result<Place> {
        let mut last = Ok(());
        for _ in 0..TRIES {
            last = self.administer(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
            if last.is_ok() {
                break;
            }
            sleep(Duration::from_millis(50));
        }
        last.map(|()| Place::Server(self.address(name)))
    }

    fn address(&self, database: &str) -> String {
        let url = self.served().url();
        let server = url.trim_end_matches("/postgres");
        format!("{server}/{database}")
    }

    /// The bench's server.
    pub(crate) fn served(&self) -> &PostgresServer {
        self.server.as_ref().expect("only the bench of servers is asked for one")
    }

    /// A connection to the server, apart from the databases of trials.
    pub(crate) fn administration(&self) -> Result<Look> {
        Look::at(&Place::Server(self.served().url()))
    }

    pub(crate) fn administer(&self, sql: &str) -> Result<()> {
        let mut look = self.administration()?;
        look.execute(sql)?;
        look.close()
    }

    /// Lays out a project and a target for one trial, in the bench's own folder.
    pub(crate) fn lay(&mut self, kind: Kind, start: Start, work: Work) -> Result<Ground> {
        let folder = self.folder.clone();
        self.lay_in(&folder, &folder, kind, start, work)
    }

    /// Lays out a project in one folder and a target, if it is a file, in another.
    pub(crate) fn lay_in(
        &mut self,
        project_in: &Path,
        target_in: &Path,
        kind: Kind,
        start: Start,
        work: Work,
    ) -> Result<Ground> {
        self.grounds += 1;
        let name = format!("trial_{}", self.grounds);
        let project = project_in.join(&name);
        copy_folder(&self.stage.project(start, work), &project)?;
        let place = match kind {
            Kind::Sqlite => {
                let path = target_in.join(&name).with_extension("sqlite");
                fs::copy(self.stage.target(start), &path)?;
                Place::File(path)
            }
            Kind::Postgres => self.database(&name, start.name())?,
        };
        Ok(Ground {
            program: self.stage.program.clone(),
            reference: Arc::clone(&self.references[&(kind, start)]),
            work,
            code: self.stage.code(work),
            project,
            way: place.clone(),
            place,
            canaries: self.stage.canaries.clone(),
            acknowledged: Receipts::default(),
        })
    }

    /// Takes the ground of a trial away.
    pub(crate) fn clear(&self, ground: &Ground) -> Result<()> {
        fs::remove_dir_all(&ground.project)?;
        match &ground.place {
            Place::File(path) => {
                for kind in ["sqlite", "sqlite-wal", "sqlite-shm"] {
                    let path = path.with_extension(kind);
                    if path.is_file() {
                        fs::remove_file(path)?;
                    }
                }
                Ok(())
            }
            Place::Server(_) => self.administer(&format!("DROP DATABASE {} WITH (FORCE)", ground.database())),
        }
    }

    /// Puts the database of a trial back to what it was when the trial began.
    pub(crate) fn put_back(&self, ground: &Ground, start: Start) -> Result<()> {
        let name = ground.database();
        self.administer(&format!("DROP DATABASE {name} WITH (FORCE)"))?;
        self.database(name, start.name()).map(|_| ())
    }

    /// How often work makes calls of these kinds in one thread, at the most.
    pub(crate) fn calls(&mut self, kind: Kind, start: Start, work: Work, calls: &'static str) -> Result<u64> {
        if let Some(known) = self.calls.get(&(kind, start, work, calls)) {
            return Ok(*known);
        }
        let ground = self.lay(kind, start, work)?;
        let count = count(&ground.program, calls, work, &ground.project, &ground.place)?;
        self.clear(&ground)?;
        self.calls.insert((kind, start, work, calls), count);
        Ok(count)
    }

    /// How long work takes at present.
    pub(crate) fn lasts(&self, kind: Kind, start: Start, work: Work) -> Duration {
        self.lasting[&(kind, start, work)]
    }

    /// Learns how long work took that nothing disturbed.
    pub(crate) fn lasted(&mut self, kind: Kind, start: Start, work: Work, took: Duration) {
        self.lasting.insert((kind, start, work), took);
    }
}
