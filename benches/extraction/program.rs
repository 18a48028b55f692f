//! Runs a program and says how long it took and how much memory it had.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often the kernel is asked for the memory of the process: its number only grows, so that a look shortly before
/// the end misses nothing but what came after it.
const LOOK: Duration = Duration::from_millis(5);

/// What a program took.
pub(crate) struct Ran {
    pub(crate) took: Duration,
    /// The most memory that it had resident, in KiB.
    pub(crate) peak_kib: u64,
}

/// Runs a program to its end, which must be a good one. Its standard output is left to the caller.
pub(crate) fn run(command: &mut Command) -> Ran {
    let start = Instant::now();
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
    let took = start.elapsed();
    let mut said = String::new();
    let heard = child.stderr.take().expect("it was piped").read_to_string(&mut said);
    assert!(heard.is_ok() && ended.success(), "{} failed: {said}", command.get_program().display());
    Ran { took, peak_kib }
}

fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
