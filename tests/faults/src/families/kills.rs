//! SIGKILL at a random time.

use std::io::Result;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bron_outside::{Draw, Ended, Kind};

use super::{Tried, note_acknowledged};
use crate::bench::Bench;
use crate::ground::Ground;
use crate::program::{Work, wait};
use crate::stage::Start;

/// One in so many trials runs the whole chain; the others load what is mapped already, where the target is written.
const WHOLE: u64 = 5;
const MOST_KILLS: u64 = 4;

pub(super) fn trial(bench: &mut Bench, kind: Kind, draw: &mut Draw) -> Result<Tried> {
    let start = *draw.one_of(&Start::ALL);
    let work = if draw.below(WHOLE) == 0 { Work::Migrate } else { Work::Load };
    let mut ground = bench.lay(kind, start, work)?;
    let kills = 1 + draw.below(MOST_KILLS);
    let mut tried =
        Tried { fault: format!("{} {}, {kills} kills", start.name(), work.verb()), ..Tried::default() };
    for _ in 0..kills {
        let share = draw.below(1000);
        let watched = draw.below(2) == 0;
        let lasts = bench.lasts(kind, start, work);
        let begun = Instant::now();
        if !kill(&mut ground, lasts, share, watched)? {
            if tried.struck == 0 {
                bench.lasted(kind, start, work, begun.elapsed());
            }
            break;
        }
        tried.struck += 1;
        tried.broken += ground.inspect()?;
        note_acknowledged(&mut tried, &ground);
    }
    tried.broken += ground.resume()?;
    tried.broken += ground.finish()?;
    bench.clear(&ground)?;
    Ok(tried)
}

/// Kills after this share, in thousandths, of the time that the work lasts; false when the work was done before.
fn kill(ground: &mut Ground, lasts: Duration, share: u64, watched: bool) -> Result<bool> {
    let mut child = ground.start()?;
    let share = u32::try_from(share).expect("a share is at most a thousand");
    sleep(lasts * share / 1000);
    if watched && child.try_wait()?.is_none() {
        // A target that is not there yet or busy has acknowledged nothing more.
        drop(ground.watch());
    }
    let was_done = child.try_wait()?.is_some();
    // A child that has ended in between cannot be killed, and need not be.
    drop(child.kill());
    let ended = wait(&mut child)?;
    Ok(!was_done && ended == Ended::Killed)
}
