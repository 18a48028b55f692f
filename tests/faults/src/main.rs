//! Runs the trials and prints their figures as a table of Markdown.
//!
//! ```console
//! $ cargo build --release && cargo run --release -p bron-faults -- full --out faults.jsonl
//! ```

use std::io::{Error, Result, Write as _, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use bron_faults::{Family, Harness, Kind, Record};
use bron_outside::{Asked, answer, beside, wrong};

const USAGE: &str = "\
bron-faults full    [--scale PERCENT] [--only FAMILY]... [OPTIONS]   run every family of faults
bron-faults replay  FAMILY TARGET NUMBER [OPTIONS]                   run one trial again

  --bron PATH        the program; beside this one unless told
  --seed N           what the trials follow from; 1 unless told
  --workers N        trials at a time; 2 unless told
  --out FILE         a line of JSON for each trial; a set that was stopped goes on there
  --scale PERCENT    of the full number of faults; 100 unless told
  --only FAMILY      kill, call, space, server, line or power; may be given again

Targets: sqlite, postgres. Exit codes: 0 all held; 1 something did not; 64 the command line was not understood.
";
const OPTIONS: [&str; 6] = ["--bron", "--seed", "--workers", "--out", "--scale", "--only"];

/// What was asked for.
struct Wanted {
    words: Vec<String>,
    bron: PathBuf,
    seed: u64,
    workers: u64,
    out: Option<PathBuf>,
    scale: u64,
    only: Vec<Family>,
}

impl Wanted {
    fn read(words: impl Iterator<Item = String>) -> Result<Self> {
        let asked = Asked::read(words, &OPTIONS)?;
        Ok(Self {
            bron: asked.path("--bron").map_or_else(beside, Ok)?,
            seed: asked.number("--seed", 1)?,
            workers: asked.number("--workers", 2)?,
            out: asked.path("--out"),
            scale: asked.number("--scale", 100)?,
            only: asked.all("--only").iter().map(|name| family(name)).collect::<Result<_>>()?,
            words: asked.words,
        })
    }

    fn wants(&self, family: Family) -> bool {
        self.only.is_empty() || self.only.contains(&family)
    }
}

fn family(name: &str) -> Result<Family> {
    let known = Family::ALL.into_iter().find(|family| family.name() == name);
    known.ok_or_else(|| wrong(format!("there is no family {name}")))
}

fn kind(name: &str) -> Result<Kind> {
    let known = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    known.ok_or_else(|| wrong(format!("there is no target {name}")))
}

/// How many faults are to strike in a full set.
const fn full(family: Family, kind: Kind) -> u64 {
    match (family, kind) {
        (Family::Kill, Kind::Sqlite) => 1500,
        (Family::Kill, Kind::Postgres) => 700,
        (Family::Call, Kind::Sqlite) => 400,
        (Family::Call, Kind::Postgres) => 300,
        (Family::Space, Kind::Sqlite) => 60,
        (Family::Space, Kind::Postgres) => 8,
        (Family::Server, _) => 150,
        (Family::Line, _) => 200,
        (Family::Power, _) => 240,
    }
}

fn run_all(asked: &Wanted) -> Result<bool> {
    let record = Record::open(asked.seed, asked.out.as_deref())?;
    let harness = Harness::new(&asked.bron, asked.workers)?;
    let mut complete = true;
    for (family, kind) in Harness::everything().into_iter().filter(|(family, _)| asked.wants(*family)) {
        let name = format!("{} {}", family.name(), kind.name());
        if let Some(why) = Harness::missing(family) {
            writeln!(stdout(), "SKIPPED: {name}: {why}")?;
            continue;
        }
        let wanted = (full(family, kind) * asked.scale).div_ceil(100);
        writeln!(stderr(), "{name}: {wanted} faults")?;
        harness.control(family, kind, &record)?;
        harness.try_family(family, kind, wanted, &record)?;
        complete &= record.figures(family, kind).struck >= wanted;
    }
    writeln!(stdout(), "{}", record.markdown())?;
    for one in record.broken() {
        let (family, kind) = (one.family.name(), one.kind.name());
        writeln!(stdout(), "FAILED: {family} {kind} {} ({}):", one.number, one.fault)?;
        for finding in one.broken.findings {
            writeln!(stdout(), "  {}", finding.trim_end())?;
        }
    }
    let blind: Vec<_> = record.controls().into_iter().filter(|control| !control.found).collect();
    for control in &blind {
        let (family, kind) = (control.family.name(), control.kind.name());
        writeln!(stdout(), "FAILED: control of {family} {kind} was not found out: {}", control.name)?;
    }
    if !complete {
        writeln!(stdout(), "FAILED: too few faults struck while the program was at work")?;
    }
    Ok(complete && blind.is_empty() && record.broken().is_empty())
}

fn replay(asked: &Wanted) -> Result<bool> {
    let [_, of, with, number] = asked.words.as_slice() else {
        return Err(wrong("replay FAMILY TARGET NUMBER"));
    };
    let (family, kind) = (family(of)?, kind(with)?);
    if !family.strikes(kind) {
        return Err(wrong(format!("{of} cannot strike {with}")));
    }
    let number = number.parse().map_err(|_| wrong("a trial has a number"))?;
    let outcome = Harness::new(&asked.bron, 1)?.replay(family, kind, asked.seed, number)?;
    writeln!(stdout(), "{}", serde_json::to_string_pretty(&outcome).map_err(Error::other)?)?;
    Ok(outcome.broken.is_none())
}

fn run() -> Result<bool> {
    let asked = Wanted::read(std::env::args().skip(1))?;
    match asked.words.first().map(String::as_str) {
        Some("full") if asked.words.len() == 1 => run_all(&asked),
        Some("replay") => replay(&asked),
        _ => Err(wrong("what is to be done?")),
    }
}

fn main() -> ExitCode {
    answer(run(), USAGE)
}
