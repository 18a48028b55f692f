//! A server that goes away, or does not answer in time.

use std::io::Result;
use std::thread::sleep;
use std::time::Duration;

use bron_outside::{Draw, Ended, Kind, Look};
use rustix::process::{Pid, Signal, kill_process};

use super::{Tried, settle};
use crate::bench::Bench;
use crate::ground::Ground;
use crate::program::{Work, wait};
use crate::stage::Start;

/// What the server does.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It stops at once, without finishing anything, and comes up again.
    Stop,
    /// It ends the program's connections.
    Terminate,
    /// A process of it stands still for longer than a statement may take.
    Still,
}

/// How long a process stands still, and how long a statement may take meanwhile.
const STILL: Duration = Duration::from_millis(150);
const STATEMENT: u32 = 50;

/// The program starts and reads its settings for about so long, in thousandths, before it connects.
const EARLIEST: u64 = 300;

pub(super) fn trial(bench: &mut Bench, draw: &mut Draw) -> Result<Tried> {
    let fault = *draw.one_of(&[Fault::Stop, Fault::Terminate, Fault::Still]);
    let start = *draw.one_of(&Start::ALL);
    let mut ground = bench.lay(Kind::Postgres, start, Work::Load)?;
    let mut tried = Tried { fault: format!("{} load, {fault:?}", start.name()), ..Tried::default() };
    if matches!(fault, Fault::Still) {
        limit(bench, &ground)?;
    }
    let lasts = bench.lasts(Kind::Postgres, start, Work::Load);
    let share = u32::try_from(EARLIEST + draw.below(1000 - EARLIEST)).expect("below a thousand");
    let mut child = ground.start()?;
    sleep(lasts * share / 1000);
    if child.try_wait()?.is_none() {
        drop(ground.watch());
    }
    let hit = child.try_wait()?.is_none() && strike(bench, &ground, fault)?;
    let was_at_work = child.try_wait()?.is_none();
    let ended = wait(&mut child)?;
    if matches!(fault, Fault::Still) {
        unlimit(&mut bench.administration()?, ground.database())?;
    }
    // Work that was done in time may have been done before the fault.
    let in_time = !was_at_work && ended == Ended::Code(ground.code);
    tried.struck = u64::from(hit && !in_time);
    tried.broken += ground.ended(ended)?;
    settle(bench, ground, &mut tried)?;
    Ok(tried)
}

/// Gives statements in the trial's database a time by which they have to be done.
fn limit(bench: &Bench, ground: &Ground) -> Result<()> {
    bench.administer(&format!("ALTER DATABASE {} SET statement_timeout = {STATEMENT}", ground.database()))
}

/// Takes the limit away again, also from work that ended before it was struck.
fn unlimit(look: &mut Look, database: &str) -> Result<()> {
    look.execute(&format!("ALTER DATABASE {database} RESET statement_timeout"))
}

/// Does it; false when the program was not connected.
fn strike(bench: &Bench, ground: &Ground, fault: Fault) -> Result<bool> {
    let database = ground.database();
    let mut look = bench.administration()?;
    let sql = format!("SELECT pid::text FROM pg_stat_activity WHERE datname = '{database}'");
    let connected = look.texts(&sql)?.concat();
    match fault {
        Fault::Stop => {
            look.close()?;
            bench.served().restart()?;
        }
        Fault::Terminate => {
            let end = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity";
            look.texts(&format!("{end} WHERE datname = '{database}'"))?;
            look.close()?;
        }
        Fault::Still => {
            unlimit(&mut look, database)?;
            look.close()?;
            let pids = connected.iter().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
            let pids: Vec<Pid> = pids.collect();
            // A process that has ended in between cannot be stopped, and need not be.
            for (signal, pause) in [(Signal::STOP, STILL), (Signal::CONT, Duration::ZERO)] {
                for pid in &pids {
                    let _ = kill_process(*pid, signal);
                }
                sleep(pause);
            }
        }
    }
    Ok(!connected.is_empty())
}
