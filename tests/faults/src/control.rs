//! Negative controls: what the harness must find out. Each spoils something as a faulty program, a faulty disk or a
//! careless operator would, and then asks what the trials ask.

use std::fs;
use std::io::Result;

use bron_outside::{Draw, Kind, Place};
use serde::{Deserialize, Serialize};

use crate::bench::Bench;
use crate::check::Broken;
use crate::families::{Disk, Family, cut, through};
use crate::ground::Ground;
use crate::program::{Injection, Work, wait};
use crate::stage::Start;

/// How often a control is tried again whose fault came before anything was acknowledged.
const TRIES: u64 = 12;

/// What a negative control came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// The family whose trials it controls.
    pub family: Family,
    /// The kind of target.
    pub kind: Kind,
    /// What was spoiled.
    pub name: String,
    /// Whether the harness found it out. When it did not, the trials of the family prove nothing.
    pub found: bool,
}

/// What is spoiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoiled {
    RowLost,
    RowTwice,
    RowOfOthers,
    ReceiptLost,
    AcknowledgedEarly,
    LogDeleted,
    NotResumed,
    FileLeft,
    NotSealed,
    DiskDeaf,
    ServerForgets,
    NothingInjected,
}

impl Spoiled {
    const fn name(self) -> &'static str {
        match self {
            Self::RowLost => "a row that a receipt speaks for is deleted",
            Self::RowTwice => "a row is there under two ids",
            Self::RowOfOthers => "a row of another system is changed",
            Self::ReceiptLost => "a receipt is deleted in the end",
            Self::AcknowledgedEarly => "a part is acknowledged before its commit",
            Self::LogDeleted => "the write-ahead log is deleted after a kill",
            Self::NotResumed => "the work is not run again",
            Self::FileLeft => "a temporary file is left in the run",
            Self::NotSealed => "the run is not sealed",
            Self::DiskDeaf => "no call to flush reaches the disk",
            Self::ServerForgets => "the server comes up without what it had committed",
            Self::NothingInjected => "the fault lies behind the last call",
        }
    }
}

/// What is spoiled for a family, with a kind of target.
fn of(family: Family, kind: Kind) -> Vec<Spoiled> {
    let mut spoiled = match family {
        Family::Kill => vec![
            Spoiled::RowLost,
            Spoiled::RowTwice,
            Spoiled::RowOfOthers,
            Spoiled::ReceiptLost,
            Spoiled::NotResumed,
            Spoiled::FileLeft,
            Spoiled::NotSealed,
        ],
        Family::Call => vec![Spoiled::NothingInjected, Spoiled::AcknowledgedEarly, Spoiled::NotResumed],
        Family::Space => vec![Spoiled::RowLost, Spoiled::NotResumed],
        Family::Server => vec![Spoiled::ServerForgets],
        Family::Line => vec![Spoiled::AcknowledgedEarly],
        Family::Power => vec![Spoiled::DiskDeaf],
    };
    if kind == Kind::Sqlite && matches!(family, Family::Kill | Family::Call) {
        spoiled.push(Spoiled::LogDeleted);
    }
    spoiled
}

/// Runs the negative controls of a family.
pub(crate) fn controls(bench: &mut Bench, family: Family, kind: Kind, seed: u64) -> Result<Vec<Control>> {
    let mut controls = Vec::new();
    for spoiled in of(family, kind) {
        let mut draw = Draw::new(seed, spoiled.name(), 0);
        let found = is_found(bench, kind, spoiled, &mut draw)?;
        controls.push(Control { family, kind, name: spoiled.name().to_owned(), found });
    }
    Ok(controls)
}

fn is_found(bench: &mut Bench, kind: Kind, spoiled: Spoiled, draw: &mut Draw) -> Result<bool> {
    match spoiled {
        Spoiled::DiskDeaf => {
            for _ in 0..TRIES {
                if cut(bench, draw, Disk::Deaf)?.broken.lost > 0 {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Spoiled::ServerForgets => forgotten(bench),
        Spoiled::NothingInjected => nothing_injected(bench, kind),
        Spoiled::NotSealed => plain(bench, kind),
        Spoiled::AcknowledgedEarly if kind == Kind::Postgres => unsent(bench),
        Spoiled::RowLost
        | Spoiled::RowTwice
        | Spoiled::RowOfOthers
        | Spoiled::ReceiptLost
        | Spoiled::AcknowledgedEarly
        | Spoiled::LogDeleted
        | Spoiled::NotResumed
        | Spoiled::FileLeft => killed(bench, kind, spoiled),
    }
}

/// Kills a load when a part of it is acknowledged and another is not, spoils it, and asks. How far a load must have
/// come for that is tried out by halves: which of its calls make tables, rows and indexes is the program's business.
fn killed(bench: &mut Bench, kind: Kind, spoiled: Spoiled) -> Result<bool> {
    let calls = match kind {
        Kind::Sqlite => "pwrite64",
        Kind::Postgres => "sendto,sendmsg",
    };
    let (mut early, mut late) = (0, bench.calls(kind, Start::Fresh, Work::Load, calls)?);
    for _ in 0..TRIES {
        let place = (early + late).div_ceil(2);
        let injection =
            Injection { calls: calls.to_owned(), fault: format!("signal=SIGKILL:when={}", place.max(1)) };
        match killed_by(bench, kind, spoiled, &injection)? {
            Killed::BeforeAll => early = place,
            Killed::AfterAll => late = place,
            Killed::Between { found } => return Ok(found),
        }
    }
    Ok(false)
}

/// How far a load had come when it was killed.
enum Killed {
    /// Nothing was acknowledged.
    BeforeAll,
    /// Everything was acknowledged.
    AfterAll,
    /// Something was, and something was not.
    Between {
        /// Whether what was spoiled was found.
        found: bool,
    },
}

fn killed_by(bench: &mut Bench, kind: Kind, spoiled: Spoiled, injection: &Injection) -> Result<Killed> {
    let mut ground = bench.lay(kind, Start::Fresh, Work::Load)?;
    ground.outlast(ground.start_with(injection)?)?;
    if spoiled == Spoiled::LogDeleted {
        ground.lose_log()?;
    } else {
        ground.watch()?;
    }
    let known = ground.acknowledged.rows();
    let killed = if known == 0 {
        Killed::BeforeAll
    } else if known >= ground.reference.receipts.rows() {
        Killed::AfterAll
    } else {
        Killed::Between { found: !ask(&mut ground, spoiled)?.is_none() }
    };
    bench.clear(&ground)?;
    Ok(killed)
}

fn ask(ground: &mut Ground, spoiled: Spoiled) -> Result<Broken> {
    let run = ground.reference.run.clone();
    let with_rows = ground.acknowledged.parts.iter().find(|(_, rows)| **rows > 0);
    let one = with_rows.map_or_else(String::new, |((entity, _), _)| entity.clone());
    let column = match ground.place {
        Place::File(_) => "id",
        Place::Server(_) => "id::text",
    };
    let least = format!("(SELECT min({column}) FROM \"{one}\" WHERE load_run_id = '{run}')");
    match spoiled {
        Spoiled::RowLost => ground.spoil(&format!("DELETE FROM \"{one}\" WHERE {column} = {least}"))?,
        Spoiled::RowOfOthers => {
            ground
                .spoil("UPDATE person SET load_run_id = load_run_id || 'x' WHERE src_system = 'schemos'")?;
        }
        Spoiled::AcknowledgedEarly => {
            let missing = ground.reference.receipts.parts.iter();
            let missing: Vec<_> =
                missing.filter(|(part, _)| !ground.acknowledged.parts.contains_key(*part)).collect();
            let ahead = missing.into_iter().map(|(part, rows)| (part.clone(), *rows)).collect();
            ground.acknowledged.parts = ahead;
        }
        Spoiled::RowTwice | Spoiled::ReceiptLost | Spoiled::NotResumed | Spoiled::FileLeft => {
            return ask_in_the_end(ground, spoiled, &one, &format!("{column} = {least}"));
        }
        Spoiled::LogDeleted
        | Spoiled::NotSealed
        | Spoiled::DiskDeaf
        | Spoiled::ServerForgets
        | Spoiled::NothingInjected => {}
    }
    ground.inspect()
}

/// Spoils what stands in the end.
fn ask_in_the_end(ground: &mut Ground, spoiled: Spoiled, one: &str, chosen: &str) -> Result<Broken> {
    if spoiled == Spoiled::NotResumed {
        return ground.finish();
    }
    let resumed = ground.resume()?;
    if !resumed.is_none() {
        return Ok(Broken::default());
    }
    if spoiled == Spoiled::FileLeft {
        fs::write(ground.project.join("runs/.tmp-left"), "")?;
    } else if spoiled == Spoiled::ReceiptLost {
        ground.spoil(&format!("DELETE FROM bron_receipt WHERE entity = '{one}'"))?;
    } else {
        // The same row once more, under an id that is that of no row.
        let copy = format!("CREATE TEMP TABLE twin AS SELECT * FROM \"{one}\" WHERE {chosen}");
        let other = "UPDATE twin SET id = '00000000-0000-8000-8000-00000000abcd'";
        ground.spoil(&format!("{copy}; {other}; INSERT INTO \"{one}\" SELECT * FROM twin"))?;
    }
    ground.finish()
}

/// A server that comes up with what it held before the work began.
fn forgotten(bench: &mut Bench) -> Result<bool> {
    let mut ground = bench.lay(Kind::Postgres, Start::Fresh, Work::Load)?;
    wait(&mut ground.start()?)?;
    ground.watch()?;
    bench.put_back(&ground, Start::Fresh)?;
    bench.served().restart()?;
    let found = !ground.inspect()?.is_none();
    bench.clear(&ground)?;
    Ok(found)
}

/// A line that is cut before a COMMIT is answered, with an observer who believes that what was sent was done.
fn unsent(bench: &mut Bench) -> Result<bool> {
    let mut ground = bench.lay(Kind::Postgres, Start::Fresh, Work::Load)?;
    let proxy = through(bench, &mut ground)?;
    proxy.cut_questions_after(40_000);
    wait(&mut ground.start()?)?;
    ground.acknowledged = ground.reference.receipts.clone();
    let found = proxy.cuts() > 0 && !ground.inspect()?.is_none();
    bench.clear(&ground)?;
    Ok(found)
}

/// A fault that no call reaches must not count as one that struck.
fn nothing_injected(bench: &mut Bench, kind: Kind) -> Result<bool> {
    let ground = bench.lay(kind, Start::Fresh, Work::Load)?;
    let calls = "fsync,fdatasync,rename,pwrite64".to_owned();
    let injection = Injection { calls, fault: "signal=SIGKILL:when=60000".to_owned() };
    ground.outlast(ground.start_with(&injection)?)?;
    let reached = ground.injected()?;
    bench.clear(&ground)?;
    Ok(!reached)
}

/// A run without a key keeps rows that name persons.
fn plain(bench: &mut Bench, kind: Kind) -> Result<bool> {
    let mut ground = bench.lay(kind, Start::Fresh, Work::Migrate)?;
    let settings = ground.project.join("bron.toml");
    let text = fs::read_to_string(&settings)?.replace("key = \"file:staging.key\"\n", "");
    fs::write(settings, text.replace("retention_days = 0\n", "").replace("[staging]\n", ""))?;
    let resumed = ground.resume()?;
    let found =
        resumed.is_none() && ground.inspect()?.findings.iter().any(|text| text.contains("names a person"));
    bench.clear(&ground)?;
    Ok(found)
}
