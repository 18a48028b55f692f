//! Runs a program and says how long it took, on the clock and of the processors, and how much memory it had.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often the kernel is asked for the memory of the process: its number only grows, so that a look shortly before
/// the end misses nothing but what came after it.
const LOOK: Duration = Duration::from_millis(5);

/// The kernel counts processor time in hundredths of a second, whatever its own clock.
const TICK: Duration = Duration::from_millis(10);

/// How long something took.
#[derive(Clone, Copy)]
pub(crate) struct Took {
    /// On the clock.
    pub(crate) clock: Duration,
    /// Of all processors together, without that of servers.
    pub(crate) processors: Duration,
}

impl Took {
    pub(crate) const MAX: Self = Self { clock: Duration::MAX, processors: Duration::MAX };

    /// The shorter times of two.
    pub(crate) fn min(self, other: Self) -> Self {
        Self { clock: self.clock.min(other.clock), processors: self.processors.min(other.processors) }
    }

    /// What this process does itself.
    pub(crate) fn of(work: impl FnOnce()) -> Self {
        let (start, before) = (Instant::now(), processor_time(Whose::Own));
        work();
        Self { clock: start.elapsed(), processors: processor_time(Whose::Own) - before }
    }
}

/// What a program took.
pub(crate) struct Ran {
    pub(crate) took: Took,
    /// The most memory that it had resident, in KiB.
    pub(crate) peak_kib: u64,
}

/// Runs a program to its end, which must be a good one. Its standard output is left to the caller.
pub(crate) fn run(command: &mut Command) -> Ran {
    let (start, before) = (Instant::now(), processor_time(Whose::OfEndedChildren));
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait().expect("the program can be waited for") {
            break ended;
        }
        peak_kib =
            fs::read_to_string(&status).ok().and_then(|text| high_water(&text)).unwrap_or(0).max(peak_kib);
        sleep(LOOK);
    };
    let clock = start.elapsed();
    let took = Took { clock, processors: processor_time(Whose::OfEndedChildren) - before };
    let mut said = String::new();
    let heard = child.stderr.take().expect("it was piped").read_to_string(&mut said);
    assert!(heard.is_ok() && ended.success(), "{} failed: {said}", command.get_program().display());
    Ran { took, peak_kib }
}

fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Whose processor time is asked for.
#[derive(Clone, Copy)]
enum Whose {
    Own,
    OfEndedChildren,
}

/// The processor time so far, of programs and of the kernel for them.
fn processor_time(whose: Whose) -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("the kernel tells about this process");
    // The name of the program, in brackets, may hold anything.
    let (_, numbers) = stat.rsplit_once(')').expect("the name is in brackets");
    let first = match whose {
        Whose::Own => 11,
        Whose::OfEndedChildren => 13,
    };
    let ticks = numbers.split_whitespace().skip(first).take(2).map(|text| text.parse::<u32>());
    ticks.map(|ticks| TICK * ticks.expect("times are numbers")).sum()
}
