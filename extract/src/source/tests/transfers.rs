//! Others move money while tables are read: the proof of connectors that all they read was there at one moment.
//!
//! A transfer takes from an account in the table `a` and gives to another in `a` and to one in `b`, in one transaction.
//! So every moment of the database has the same sum over both tables, and a reading that shows half a transfer has
//! another: more, since money only leaves `a`. Each reading waits in the middle of `a`, and again before `b`, until
//! further transfers have been committed, so that no run proves nothing.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::reading::{table, texts};
use crate::source::{Source, TableSchema};

/// Asks for [`MANY`] runs of each proof instead of [`FEW`].
const EVERY_POINT: &str = "BRON_EVERY_POINT";
const MANY: u32 = 1000;
const FEW: u32 = 50;
/// Runs between two openings of the source.
const RUNS_EACH: u32 = 10;
const ACCOUNTS: u32 = 400;
const SUM: i64 = 2 * 400 * 100;
const BATCH_ROWS: usize = 64;
/// Transfers that are committed ahead of who waits for them.
const AHEAD: usize = 2;

/// The statements of one transfer, to be carried out in one transaction.
pub(crate) type Transfer = [String; 3];

/// The statements that make both tables. `more` stands behind the columns.
pub(crate) fn accounts(more: &str) -> Vec<String> {
    let rows: Vec<String> = (1..=ACCOUNTS).map(|id| format!("({id}, 100)")).collect();
    let rows = rows.join(", ");
    let statements = ["a", "b"].map(|name| {
        let columns = "(id int NOT NULL PRIMARY KEY, kr int NOT NULL)";
        [format!("CREATE TABLE {name} {columns}{more}"), format!("INSERT INTO {name} VALUES {rows}")]
    });
    statements.concat()
}

fn transfer(number: u32) -> Transfer {
    let (from, to) = (number % ACCOUNTS + 1, (number * 7 + 3) % ACCOUNTS + 1);
    [
        format!("UPDATE a SET kr = kr - 10 WHERE id = {from}"),
        format!("UPDATE a SET kr = kr + 3 WHERE id = {to}"),
        format!("UPDATE b SET kr = kr + 7 WHERE id = {to}"),
    ]
}

/// How the two tables of a run are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moments {
    /// Both as the source holds them together, every other time by two readers where it has them.
    One,
    /// Each at a moment of its own, which is what a connector without a point does.
    Two,
}

/// What came of the runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) runs: u32,
    /// Runs with another sum than every moment of the database has.
    pub(crate) torn: u32,
    /// Runs in which a second connection read `b`.
    pub(crate) with_two_readers: u32,
}

/// Asserts that no run shows half a transfer. `open` gives the source, `begin` what carries out transfers, on a thread
/// of its own.
pub(crate) fn expect_one_moment<W: FnMut(&Transfer)>(
    connector: &str,
    open: impl FnMut() -> Box<dyn Source>,
    begin: impl FnOnce() -> W + Send,
) -> Outcome {
    let runs = if std::env::var_os(EVERY_POINT).is_some() { MANY } else { FEW };
    let outcome = watch(runs, Moments::One, connector, open, begin);
    assert_eq!((outcome.runs, outcome.torn), (runs, 0), "{connector}");
    outcome
}

/// Asserts that every run of a source without a point, or of one that is asked for a new point between the tables,
/// shows half a transfer: that the proof sees what it looks for.
pub(crate) fn expect_torn<W: FnMut(&Transfer)>(
    connector: &str,
    moments: Moments,
    open: impl FnMut() -> Box<dyn Source>,
    begin: impl FnOnce() -> W + Send,
) {
    let outcome = watch(RUNS_EACH, moments, connector, open, begin);
    assert_eq!(outcome.torn, RUNS_EACH, "{connector}");
}

fn watch<W: FnMut(&Transfer)>(
    runs: u32,
    moments: Moments,
    connector: &str,
    mut open: impl FnMut() -> Box<dyn Source>,
    begin: impl FnOnce() -> W + Send,
) -> Outcome {
    let mut outcome = Outcome::default();
    let transfers = thread::scope(|scope| {
        let (committed, seen) = sync_channel(AHEAD);
        let moving = scope.spawn(move || move_money(begin(), &committed));
        while outcome.runs < runs {
            let mut source = open();
            let [a, b] = ["a", "b"].map(|name| table(source.as_mut(), name));
            for _ in 0..RUNS_EACH.min(runs - outcome.runs) {
                outcome.take(source.as_mut(), [&a, &b], moments, &seen);
            }
        }
        drop(seen);
        moving.join().expect("whoever moves money meets no error")
    });
    let Outcome { torn, with_two_readers, .. } = outcome;
    let held = match moments {
        Moments::One => "as it holds them together",
        Moments::Two => "at two moments",
    };
    println!(
        "{connector}, {held}: {runs} runs, {with_two_readers} with two readers, {transfers} transfers meanwhile, \
         {torn} torn"
    );
    outcome
}

/// Moves money until nobody looks any more, and says how many times.
fn move_money(mut carry_out: impl FnMut(&Transfer), committed: &SyncSender<()>) -> u32 {
    let mut number = 0;
    loop {
        carry_out(&transfer(number));
        number += 1;
        if committed.send(()).is_err() {
            return number;
        }
    }
}

/// Waits until a transfer was committed that began after this was called.
fn wait(committed: &Receiver<()>) {
    while committed.try_recv().is_ok() {}
    // The first may have been committed before, and have waited to say so.
    for _ in 0..2 {
        committed.recv().expect("whoever moves money goes on");
    }
}

impl Outcome {
    fn take(
        &mut self,
        source: &mut dyn Source,
        [a, b]: [&TableSchema; 2],
        moments: Moments,
        committed: &Receiver<()>,
    ) {
        source.fingerprint().unwrap();
        let beside = if self.runs % 2 == 1 { source.beside().unwrap() } else { None };
        let in_a = sum(source, a, || wait(committed));
        if moments == Moments::Two {
            source.fingerprint().unwrap();
        }
        let in_b = match beside.filter(|_| moments == Moments::One) {
            Some(mut beside) => {
                self.with_two_readers += 1;
                wait(committed);
                sum(beside.as_mut(), b, || ())
            }
            None => {
                wait(committed);
                sum(source, b, || ())
            }
        };
        self.runs += 1;
        self.torn += u32::from(in_a + in_b != SUM);
    }
}

/// What all accounts of a table hold. Pauses behind the first batch.
fn sum(source: &mut dyn Source, table: &TableSchema, mut pause: impl FnMut()) -> i64 {
    let mut batches = Vec::new();
    for batch in source.read(table, BATCH_ROWS).unwrap() {
        batches.push(batch.unwrap());
        if batches.len() == 1 {
            pause();
        }
    }
    let held = texts(&batches, 1).into_iter().flatten().map(|text| text.parse::<i64>().unwrap());
    held.sum()
}
