//! The families of faults.

mod calls;
mod kills;
mod lines;
mod power;
mod servers;
mod space;

pub(crate) use lines::through;
pub(crate) use power::{Disk, cut};

use std::io::Result;

use bron_outside::{Draw, Kind};
use serde::{Deserialize, Serialize};

use crate::bench::Bench;
use crate::check::Broken;
use crate::ground::Ground;

/// A family of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// SIGKILL at a random time, up to four times in a trial.
    Kill,
    /// SIGKILL, ENOSPC or EIO at the Nth system call that makes something durable or sends something.
    Call,
    /// A file system without room: under the project, the target file or the data of the server.
    Space,
    /// A server that stops as in a power cut, ends connections, or does not answer in time.
    Server,
    /// A line to a server that is cut after any byte, or between a COMMIT and its answer.
    Line,
    /// A power cut: what had reached the disk at some moment, and nothing else.
    Power,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Kill, Self::Call, Self::Space, Self::Server, Self::Line, Self::Power];

    /// Its name on the command line and in figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Call => "call",
            Self::Space => "space",
            Self::Server => "server",
            Self::Line => "line",
            Self::Power => "power",
        }
    }

    /// Whether it can strike a target of this kind.
    #[must_use]
    pub const fn strikes(self, kind: Kind) -> bool {
        match (self, kind) {
            (Self::Kill | Self::Call | Self::Space, _)
            | (Self::Power, Kind::Sqlite)
            | (Self::Server | Self::Line, Kind::Postgres) => true,
            (Self::Server | Self::Line, Kind::Sqlite) | (Self::Power, Kind::Postgres) => false,
        }
    }

    /// Why it cannot be tried on this machine; nothing when it can.
    pub(crate) fn missing(self) -> Option<&'static str> {
        match self {
            Self::Space if !space::is_possible() => Some("mounting a small file system takes root"),
            Self::Power if !power::is_possible() => Some("mounting a loop device takes root"),
            Self::Kill | Self::Call | Self::Space | Self::Server | Self::Line | Self::Power => None,
        }
    }
}

/// What one trial came to.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    /// What was done, in short.
    pub(crate) fault: String,
    /// How many faults struck while the program was at work.
    pub(crate) struck: u64,
    /// Parts and rows that were acknowledged before the last fault.
    pub(crate) acknowledged: (u64, u64),
    pub(crate) broken: Broken,
}

/// Runs the trial with this number.
pub(crate) fn trial(bench: &mut Bench, family: Family, kind: Kind, seed: u64, number: u64) -> Result<Tried> {
    let mut draw = Draw::new(seed, &format!("{} {}", family.name(), kind.name()), number);
    match family {
        Family::Kill => kills::trial(bench, kind, &mut draw),
        Family::Call => calls::trial(bench, kind, seed, number),
        Family::Space => space::trial(bench, kind, &mut draw),
        Family::Server => servers::trial(bench, &mut draw),
        Family::Line => lines::trial(bench, &mut draw),
        Family::Power => cut(bench, &mut draw, Disk::Honest),
    }
}

/// What every trial ends with: the fault is over, the target is looked at, the work is run again, and the result is
/// compared.
pub(crate) fn settle(bench: &Bench, mut ground: Ground, tried: &mut Tried) -> Result<()> {
    tried.broken += ground.inspect()?;
    note_acknowledged(tried, &ground);
    tried.broken += ground.resume()?;
    tried.broken += ground.finish()?;
    bench.clear(&ground)
}

pub(crate) fn note_acknowledged(tried: &mut Tried, ground: &Ground) {
    let parts = u64::try_from(ground.acknowledged.parts.len()).unwrap_or(u64::MAX);
    tried.acknowledged = (parts, ground.acknowledged.rows());
}
