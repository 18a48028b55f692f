//! A file system without room.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

use bron_outside::{Draw, Ended, Kind};
use rustix::fs::statvfs;

use super::{Tried, settle};
use crate::bench::Bench;
use crate::program::{Work, wait};
use crate::stage::Start;

/// The size of the file system under a project or a target file, and under the data of a server.
const SMALL: &str = "48m";
const OF_SERVER: &str = "256m";
/// Least and most room that is left, in KiB: the most is more than a load of the city takes.
const LEAST: u64 = 8;
const DOUBLINGS: u64 = 9;

/// A file system in memory with a size of its own. Gone when dropped.
pub(crate) struct Mount {
    folder: PathBuf,
}

impl Mount {
    fn new(folder: &Path, size: &str) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={size},mode=0755"))
            .arg("bron-faults")
            .arg(folder)
            .output()?;
        if done.status.success() {
            Ok(Self { folder: folder.to_owned() })
        } else {
            Err(Error::new(ErrorKind::PermissionDenied, String::from_utf8_lossy(&done.stderr).into_owned()))
        }
    }

    /// Fills it until so many bytes are left.
    fn leave(&self, bytes: u64) -> Result<()> {
        let room = statvfs(&self.folder)?;
        let free = room.f_bavail * room.f_frsize;
        let ballast = vec![0; usize::try_from(free.saturating_sub(bytes)).map_err(Error::other)?];
        fs::write(self.folder.join("ballast"), ballast)
    }

    fn relieve(&self) -> Result<()> {
        fs::remove_file(self.folder.join("ballast"))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Nothing is left to do for a trial that ends: a lazy unmounting waits for whoever is still there.
        drop(Command::new("umount").arg("--lazy").arg(&self.folder).output());
    }
}

/// Whether file systems can be mounted here.
pub(super) fn is_possible() -> bool {
    let Ok(folder) = tempfile::tempdir() else { return false };
    Mount::new(&folder.path().join("tried"), "1m").is_ok()
}

pub(super) fn trial(bench: &mut Bench, kind: Kind, draw: &mut Draw) -> Result<Tried> {
    match kind {
        Kind::Sqlite => of_files(bench, draw),
        Kind::Postgres => of_server(bench, draw),
    }
}

fn room(draw: &mut Draw) -> u64 {
    let least = (LEAST << 10) << draw.below(DOUBLINGS);
    least + draw.below(least)
}

fn of_files(bench: &mut Bench, draw: &mut Draw) -> Result<Tried> {
    let folder = bench.folder.join("small");
    let mount = Mount::new(&folder, SMALL)?;
    let start = *draw.one_of(&Start::ALL);
    let elsewhere = bench.folder.clone();
    let (place, project, target) = *draw.one_of(&[
        ("the project", &folder, &elsewhere),
        ("the target", &elsewhere, &folder),
        ("both", &folder, &folder),
    ]);
    let work = if place == "the target" { Work::Load } else { Work::Migrate };
    let ground = bench.lay_in(project, target, Kind::Sqlite, start, work)?;
    let room = room(draw);
    mount.leave(room)?;
    let text = format!("{} {}, {} KiB left for {place}", start.name(), work.verb(), room >> 10);
    let mut tried = Tried { fault: text, ..Tried::default() };
    let ended = wait(&mut ground.start()?)?;
    mount.relieve()?;
    tried.struck = u64::from(ended != Ended::Code(ground.code));
    tried.broken += ground.ended(ended)?;
    settle(bench, ground, &mut tried)?;
    Ok(tried)
}

/// A server of its own in a small file system, for one trial: what a full disk leaves of it stays with it.
fn of_server(bench: &Bench, draw: &mut Draw) -> Result<Tried> {
    let folder = bench.folder.join("served");
    let mount = Mount::new(&folder, OF_SERVER)?;
    let start = *draw.one_of(&Start::ALL);
    let own = bench.folder.join("beside");
    let mut small = Bench::new(&bench.stage, &own, Kind::Postgres, Some(&folder))?;
    let ground = small.lay(Kind::Postgres, start, Work::Load)?;
    let room = room(draw);
    small.administer("CHECKPOINT")?;
    mount.leave(room)?;
    let text = format!("{} load, {} KiB left for the server", start.name(), room >> 10);
    let mut tried = Tried { fault: text, ..Tried::default() };
    let ended = wait(&mut ground.start()?)?;
    mount.relieve()?;
    tried.struck = u64::from(ended != Ended::Code(ground.code));
    tried.broken += ground.ended(ended)?;
    small.served().restart()?;
    settle(&small, ground, &mut tried)?;
    drop(small);
    fs::remove_dir_all(own)?;
    Ok(tried)
}
