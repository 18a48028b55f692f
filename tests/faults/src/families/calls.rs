//! A system call that goes wrong: the Nth of its kind in a thread.

use std::io::Result;

use bron_outside::{Draw, Ended, Kind};

use super::{Tried, settle};
use crate::bench::Bench;
use crate::program::{Injection, Work};
use crate::stage::Start;

/// The calls by which files become what they are.
const FILES: [&str; 6] = [
    "pwrite64",
    "write,writev",
    "fsync,fdatasync",
    "rename,renameat,renameat2",
    "unlink,unlinkat",
    "ftruncate,fallocate",
];
/// The calls by which a server is spoken to.
const LINES: [&str; 1] = ["sendto,sendmsg"];
/// One in so many trials runs the whole chain.
const WHOLE: u64 = 4;

/// What a call does instead of its work. A plus sign: that call and every later one.
const OF_FILES: [&str; 5] = ["signal=SIGKILL", "error=ENOSPC", "error=EIO", "error=ENOSPC+", "error=EIO+"];
const OF_LINES: [&str; 3] = ["signal=SIGKILL", "error=ECONNRESET", "error=EPIPE"];

/// The trial with this number. The first trials of each kind of call and fault take places all over the run; as the
/// numbers grow every place is taken.
pub(super) fn trial(bench: &mut Bench, kind: Kind, seed: u64, number: u64) -> Result<Tried> {
    let (calls, fault) = of_number(kind, number);
    let mut draw = Draw::new(seed, &format!("call {} {calls} {fault}", kind.name()), number);
    let work = if draw.below(WHOLE) == 0 || !in_loading(kind, calls) { Work::Migrate } else { Work::Load };
    let start = *draw.one_of(&Start::ALL);
    let last = bench.calls(kind, start, work, calls)?;
    let nth = 1 + draw.below(last);
    let ground = bench.lay(kind, start, work)?;
    let (what, later) = fault.strip_suffix('+').map_or((fault, ""), |what| (what, "+"));
    let injection = Injection { calls: calls.to_owned(), fault: format!("{what}:when={nth}{later}") };
    let text = format!("{} {}, {calls} {nth} of {last}: {fault}", start.name(), work.verb());
    let mut tried = Tried { fault: text, ..Tried::default() };
    let ended = ground.outlast(ground.start_with(&injection)?)?;
    tried.struck = u64::from(ground.injected()? || ended == Ended::Killed);
    tried.broken += ground.ended(ended)?;
    settle(bench, ground, &mut tried)?;
    Ok(tried)
}

/// The kind of call and of fault that trials go through in turn.
fn of_number(kind: Kind, number: u64) -> (&'static str, &'static str) {
    let files = FILES.iter().flat_map(|calls| OF_FILES.iter().map(move |fault| (*calls, *fault)));
    let lines = LINES.iter().flat_map(|calls| OF_LINES.iter().map(move |fault| (*calls, *fault)));
    let all: Vec<_> = match kind {
        Kind::Sqlite => files.collect(),
        // The target is written by other means: half of the trials speak with the server.
        Kind::Postgres => files
            .flat_map(|file| [Some(file), None])
            .zip(lines.cycle())
            .map(|(file, line)| file.unwrap_or(line))
            .collect(),
    };
    let many = u64::try_from(all.len()).expect("a short list");
    all[usize::try_from(number % many).expect("below the length of a short list")]
}

/// Whether loading alone makes calls of this kind.
fn in_loading(kind: Kind, calls: &str) -> bool {
    match kind {
        Kind::Sqlite => calls != FILES[1],
        Kind::Postgres => LINES.contains(&calls),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_call_goes_wrong_in_every_way_in_turn() {
        let sqlite: BTreeSet<_> = (0..30).map(|number| of_number(Kind::Sqlite, number)).collect();
        assert_eq!(sqlite.len(), FILES.len() * OF_FILES.len());
        let postgres: BTreeSet<_> = (0..60).map(|number| of_number(Kind::Postgres, number)).collect();
        assert_eq!(postgres.len(), FILES.len() * OF_FILES.len() + LINES.len() * OF_LINES.len());
        let lines = (0..60).filter(|number| of_number(Kind::Postgres, *number).0 == LINES[0]).count();
        assert_eq!(lines, 30);
    }
}
