//! Runs seeds of the simulation, or one again.
//!
//! ```console
//! $ cargo run --release -p bron-simulation -- run --seeds 100000
//! $ cargo run --release -p bron-simulation -- replay 4711
//! ```

use std::io::{Result, Write as _, stderr, stdout};
use std::process::ExitCode;

use bron_simulation::{Sabotage, Tally, replay, run};

const USAGE: &str = "\
bron-simulation run [--seeds N] [--from SEED] [--break PART]
    runs seeds; 1000 from 0 unless told; with a part broken on purpose: NoEpochCheck, NoOffset, NoPrecondition,
    NoLedger, NoDrain, NoWait, NoEchoes, NoParking
bron-simulation replay SEED
    runs one again and says what happened

Exit codes: 0 every run came to rest with both worlds equal; 1 one did not; 64 the command line was not understood.
";

/// What was asked for.
enum Asked {
    Run { from: u64, seeds: u64, sabotage: Sabotage },
    Replay(u64),
}

fn read(words: &[String]) -> Option<Asked> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["replay", seed] => seed.parse().ok().map(Asked::Replay),
        ["run", options @ ..] => {
            let (mut from, mut seeds, mut sabotage) = (0, 1_000, Sabotage::None);
            for option in options.chunks(2) {
                match option {
                    ["--seeds", number] => seeds = number.parse().ok()?,
                    ["--break", part] => sabotage = Sabotage::named(part)?,
                    ["--from", number] => from = number.parse().ok()?,
                    _ => return None,
                }
            }
            Some(Asked::Run { from, seeds, sabotage })
        }
        _ => None,
    }
}

fn answer(asked: &Asked) -> Result<ExitCode> {
    let (from, seeds, sabotage) = match asked {
        Asked::Run { from, seeds, sabotage } => (*from, *seeds, *sabotage),
        Asked::Replay(seed) => return tell(*seed),
    };
    let (mut tally, mut failed) = (Tally::default(), 0_u64);
    for seed in from..from.saturating_add(seeds) {
        match run(seed, sabotage) {
            Ok(one) => tally.add(&one),
            Err(failure) => {
                failed += 1;
                writeln!(stderr(), "{failure}")?;
            }
        }
    }
    writeln!(stdout(), "{tally}; {failed} failed")?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(seed: u64) -> Result<ExitCode> {
    let (ended, story) = replay(seed);
    for line in story {
        writeln!(stdout(), "{line}")?;
    }
    match ended {
        Ok(tally) => writeln!(stdout(), "{tally}").map(|()| ExitCode::SUCCESS),
        Err(failure) => writeln!(stderr(), "{failure}").map(|()| ExitCode::FAILURE),
    }
}

fn main() -> Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match read(&words) {
        Some(asked) => answer(&asked),
        None => {
            stderr().write_all(USAGE.as_bytes())?;
            Ok(ExitCode::from(64))
        }
    }
}
