//! What damage is planted in: small cities that are migrated, read again after somebody changed something, and migrated
//! again, so that the target has a history.

use std::fs;
use std::io::{Error, Result};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use bron_outside::{Look, Place, Program, copy_folder};
use bron_servers::PostgresServer;

use crate::sight::Sight;

/// What verbs exit with that came to their end: equal, not everything comparable, more held back than the limit.
pub(crate) const DONE: [i32; 3] = [0, 2, 3];
/// How often a database is made from another one that somebody is just leaving.
const TRIES: u32 = 100;

/// What somebody changed in the sources between two readings, by file.
const CHANGES: [(&str, &str); 2] = [
    (
        "warna.sqlite",
        "UPDATE STALLFORETRADARE SET utbildad = 1 - utbildad; UPDATE REDOVISNING SET anmarkning = 'Kompletterad'",
    ),
    ("paraply.sqlite", "UPDATE ADRESS SET GATA = 'Nygatan 1'; UPDATE UPPFOLJ SET TEXT = 'Uppföljt på nytt'"),
];

/// A city whose target is as it should be.
#[derive(Debug)]
pub(crate) struct City {
    pub(crate) program: Program,
    project: PathBuf,
    /// The database of its server that damage is not planted in.
    database: Option<String>,
    /// What a reconciliation says of the target as it should be.
    pub(crate) sound: Sight,
}

impl City {
    /// Makes a city in a folder that is not there. With a server, the target is in a database of it as well.
    pub(crate) fn build(
        program: &Program,
        folder: &Path,
        (persons, seed): (u64, u64),
        server: Option<&PostgresServer>,
    ) -> Result<Self> {
        program.city(folder, persons, seed)?;
        let database = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let database = server.and(database);
        if let (Some(server), Some(name)) = (server, &database) {
            administer(server, &format!("CREATE DATABASE {name}"))?;
        }
        let place = server.zip(database.as_ref()).map(|(server, name)| address(server, name));
        let load = || -> Result<()> {
            program.must("migrate", folder, None, &DONE)?;
            place.as_ref().map_or(Ok(0), |place| program.must("load", folder, Some(place), &DONE)).map(|_| ())
        };
        load()?;
        for (file, sql) in CHANGES {
            let mut source = Look::at(&Place::File(folder.join("legacy").join(file)))?;
            source.execute(sql)?;
            source.close()?;
        }
        load()?;
        let sound = Sight::take(program, folder, None)?;
        if !sound.is_clear() {
            return Err(Error::other(format!("a city of {persons} persons, seed {seed}: {sound:?}")));
        }
        if let Some(place) = &place {
            let there = Sight::take(program, folder, Some(place))?;
            if there != sound {
                return Err(Error::other(format!("on a server a sound target is another: {there:?}")));
            }
        }
        Ok(Self { program: program.clone(), project: folder.to_owned(), database, sound })
    }

    /// A project of its own for somebody who plants damage, in a folder that is not there. What is only read is shared.
    pub(crate) fn ground(&self, folder: &Path) -> Result<Ground> {
        fs::create_dir_all(folder)?;
        for name in ["legacy", "mappings"] {
            symlink(self.project.join(name), folder.join(name))?;
        }
        for name in ["bron.toml", "secret.key"] {
            fs::copy(self.project.join(name), folder.join(name))?;
        }
        copy_folder(&self.project.join("runs"), &folder.join("runs"))?;
        Ok(Ground { program: self.program.clone(), project: folder.to_owned() })
    }

    /// The sound target as a file in the project of a ground.
    pub(crate) fn in_file(&self, ground: &Ground) -> Result<Place> {
        let path = ground.project.join("target.sqlite");
        for kind in ["sqlite-wal", "sqlite-shm"] {
            let beside = path.with_extension(kind);
            if beside.is_file() {
                fs::remove_file(beside)?;
            }
        }
        fs::copy(self.project.join("target.sqlite"), &path)?;
        Ok(Place::File(path))
    }

    /// The sound target as a database with this name, in the place of one that may be there.
    pub(crate) fn in_database(&self, server: &PostgresServer, name: &str) -> Result<Place> {
        let from = self.database.as_ref().ok_or_else(|| Error::other("the city is on no server"))?;
        administer(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
        let mut last = Ok(());
        for _ in 0..TRIES {
            last = administer(server, &format!("CREATE DATABASE {name} TEMPLATE {from}"));
            if last.is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        last.map(|()| address(server, name))
    }
}

/// A project that damage is planted beside.
#[derive(Debug)]
pub(crate) struct Ground {
    program: Program,
    project: PathBuf,
}

impl Ground {
    /// What a reconciliation says of the target at this place.
    pub(crate) fn sight(&self, place: &Place) -> Result<Sight> {
        Sight::take(&self.program, &self.project, Some(place))
    }
}

fn administer(server: &PostgresServer, sql: &str) -> Result<()> {
    let mut look = Look::at(&Place::Server(server.url()))?;
    look.execute(sql)?;
    look.close()
}

fn address(server: &PostgresServer, database: &str) -> Place {
    let url = server.url();
    Place::Server(format!("{}/{database}", url.trim_end_matches("/postgres")))
}
