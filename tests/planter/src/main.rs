//! Plants damage and prints what each direction saw of it as a table of Markdown.
//!
//! ```console
//! $ cargo build --release && cargo run --release -p bron-planter -- full --out planted.jsonl
//! ```

use std::io::{Error, Result, Write as _, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bron_outside::{Asked, answer, beside, wrong};
use bron_planter::{CITIES, Damage, Harness, Job, Kind, Outcome, Record, clean};

const USAGE: &str = "\
bron-planter full    [--count N] [--on-server N] [--only DAMAGE]... [OPTIONS]  plant every kind of damage
bron-planter replay  DAMAGE NUMBER [--target TARGET] [OPTIONS]                 plant one again
bron-planter clean   [--cities N] [OPTIONS]                                    cities that nobody damaged
bron-planter table   FILE [--seed N] [--into PAGE]                             the table of what came out
bron-planter list                                                              the kinds of damage

  --bron PATH        the program; beside this one unless told
  --seed N           what the plantings follow from; 1 unless told
  --workers N        plantings at a time; 2 unless told
  --out FILE         a line of JSON for each planting; a set that was stopped goes on there
  --count N          of each kind in SQLite files; 50 unless told
  --on-server N      of each kind in PostgreSQL databases; 10 unless told
  --only DAMAGE      a kind of damage; may be given again
  --target TARGET    sqlite or postgres; sqlite unless told
  --cities N         how many cities; 100 clean ones, 4 to plant in unless told
  --into PAGE        the page that takes the table up, between its marks

Exit codes: 0 all was seen exactly; 1 something was not; 64 the command line was not understood.
";
const OPTIONS: [&str; 10] = [
    "--bron",
    "--seed",
    "--workers",
    "--out",
    "--count",
    "--on-server",
    "--only",
    "--target",
    "--cities",
    "--into",
];
/// What the table stands between in a page.
const MARKS: [&str; 2] = ["<!-- planted -->\n", "<!-- end of planted -->\n"];

/// What was asked for.
struct Wanted {
    asked: Asked,
    bron: PathBuf,
    seed: u64,
    workers: usize,
}

impl Wanted {
    fn read(words: impl Iterator<Item = String>) -> Result<Self> {
        let asked = Asked::read(words, &OPTIONS)?;
        Ok(Self {
            bron: asked.path("--bron").map_or_else(beside, Ok)?,
            seed: asked.number("--seed", 1)?,
            workers: usize::try_from(asked.number("--workers", 2)?).map_err(|_| wrong("too many workers"))?,
            asked,
        })
    }

    /// How many cities damage is planted in.
    fn cities(&self) -> Result<usize> {
        let all = u64::try_from(CITIES.len()).map_err(Error::other)?;
        let cities = self.asked.number("--cities", all)?.clamp(1, all);
        usize::try_from(cities).map_err(Error::other)
    }

    fn damages(&self) -> Result<Vec<&'static Damage>> {
        let only = self.asked.all("--only");
        let named = only.iter().map(|name| damage(name)).collect::<Result<Vec<_>>>()?;
        Ok(if named.is_empty() { Damage::all().collect() } else { named })
    }
}

fn damage(name: &str) -> Result<&'static Damage> {
    Damage::named(name).ok_or_else(|| wrong(format!("there is no damage {name}")))
}

fn target(asked: &Asked) -> Result<Kind> {
    let Some(name) = asked.all("--target").last() else { return Ok(Kind::Sqlite) };
    let known = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    known.ok_or_else(|| wrong(format!("there is no target {name}")))
}

fn full(wanted: &Wanted) -> Result<bool> {
    let counts = [
        (Kind::Sqlite, wanted.asked.number("--count", 50)?),
        (Kind::Postgres, wanted.asked.number("--on-server", 10)?),
    ];
    let damages = wanted.damages()?;
    let (mut jobs, mut controls) = (Vec::new(), Vec::new());
    for (target, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        for damage in damages.iter().copied().filter(|damage| damage.strikes(target)) {
            jobs.extend((0..count).map(|number| Job { damage, target, number }));
            controls.push(Job { damage, target, number: 0 });
        }
    }
    // One of each kind, then the next of each: a set that is stopped says something of every kind.
    jobs.sort_by_key(|job| job.number);
    let record = Record::open(wanted.seed, wanted.asked.path("--out").as_deref())?;
    writeln!(stderr(), "{} plantings of {} kinds, {} controls", jobs.len(), damages.len(), controls.len())?;
    let harness = Harness::new(&wanted.bron, wanted.seed, wanted.cities()?, counts[1].1 > 0)?;
    harness.run(&jobs, wanted.workers, &record)?;
    harness.controls(&controls, wanted.workers, &record)?;
    told(&record)
}

/// Prints what a record holds, and whether everything was seen exactly.
fn told(record: &Record) -> Result<bool> {
    writeln!(stdout(), "{}", record.markdown())?;
    let blurred: Vec<Outcome> = record.outcomes().into_iter().filter(|one| !one.faults.is_empty()).collect();
    for one in &blurred {
        let Outcome { damage, target, number, seed, what, faults, .. } = one;
        writeln!(stdout(), "FAILED: {damage} in {what}")?;
        for fault in faults {
            writeln!(stdout(), "  {fault}")?;
        }
        writeln!(
            stdout(),
            "  bron-planter replay {damage} {number} --target {} --seed {seed}",
            target.name()
        )?;
    }
    let unsound: Vec<_> = record.controls().into_iter().filter(|control| !control.sound).collect();
    for control in &unsound {
        let target = control.target.name();
        writeln!(stdout(), "FAILED: {} undone again in {target} left something to be found", control.damage)?;
    }
    Ok(blurred.is_empty() && unsound.is_empty())
}

fn replay(wanted: &Wanted) -> Result<bool> {
    let [_, name, number] = wanted.asked.words.as_slice() else { return Err(wrong("replay DAMAGE NUMBER")) };
    let (damage, target) = (damage(name)?, target(&wanted.asked)?);
    if !damage.strikes(target) {
        return Err(wrong(format!("{name} cannot be planted in {}", target.name())));
    }
    let number = number.parse().map_err(|_| wrong("a planting has a number"))?;
    let record = Record::open(wanted.seed, None)?;
    let harness = Harness::new(&wanted.bron, wanted.seed, wanted.cities()?, target == Kind::Postgres)?;
    harness.run(&[Job { damage, target, number }], 1, &record)?;
    for outcome in record.outcomes() {
        writeln!(stdout(), "{}", serde_json::to_string_pretty(&outcome).map_err(Error::other)?)?;
    }
    Ok(record.outcomes().iter().all(|outcome| outcome.faults.is_empty()))
}

fn clean_cities(wanted: &Wanted) -> Result<bool> {
    let cities = wanted.asked.number("--cities", 100)?;
    let unclear = clean(&wanted.bron, wanted.seed, cities, wanted.workers)?;
    for one in &unclear {
        writeln!(stdout(), "FAILED: bron demo --persons {} --seed {}: {}", one.persons, one.seed, one.said)?;
    }
    let clear = cities - u64::try_from(unclear.len()).map_err(Error::other)?;
    writeln!(stdout(), "{clear} of {cities} cities without a finding")?;
    Ok(unclear.is_empty())
}

/// Prints the table of a set, or puts it into a page.
fn table(wanted: &Wanted, file: &Path) -> Result<bool> {
    if !file.is_file() {
        return Err(wrong(format!("{} is no file", file.display())));
    }
    let record = Record::open(wanted.seed, Some(file))?;
    let Some(page) = wanted.asked.path("--into") else { return told(&record) };
    let text = std::fs::read_to_string(&page)?;
    let parts =
        text.split_once(MARKS[0]).and_then(|(before, rest)| Some((before, rest.split_once(MARKS[1])?.1)));
    let (before, after) = parts.ok_or_else(|| wrong(format!("{} has no marks", page.display())))?;
    std::fs::write(&page, format!("{before}{}{}{}{after}", MARKS[0], record.markdown(), MARKS[1]))?;
    Ok(true)
}

fn list() -> Result<bool> {
    for damage in Damage::all() {
        writeln!(stdout(), "{:<26} {}", damage.name, damage.label)?;
    }
    Ok(true)
}

fn run() -> Result<bool> {
    let wanted = Wanted::read(std::env::args().skip(1))?;
    let words: Vec<&str> = wanted.asked.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["full"] => full(&wanted),
        ["replay", ..] => replay(&wanted),
        ["clean"] => clean_cities(&wanted),
        ["table", file] => table(&wanted, Path::new(file)),
        ["list"] => list(),
        _ => Err(wrong("what is to be done?")),
    }
}

fn main() -> ExitCode {
    answer(run(), USAGE)
}
