//! The sources: whether each answers, lets us in and may be read.

mod judgement;

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use bron_extract::{Access, Asked, ErrorKind, Facts, Locator, TableNeed, TableSchema};
use bron_mappings::{MappingSet, System, Tables};

use self::judgement::judge_facts;
use super::check::{Area, Check};
use super::deadline::Deadline;
use super::machine;
use crate::failure::whole;
use crate::settings::{Pieces, SystemSettings};

/// What a row takes in all artefacts of a run together, where no run has shown it yet.
const BYTES_OF_A_ROW: u64 = 500;
/// How many times the size of its files a source takes in all artefacts of a run together.
const TIMES_ITS_SIZE: u64 = 4;

/// What a source says, one after the other.
enum Answer {
    Reached(Option<(String, Asked<Duration>)>),
    Facts(Box<Asked<Facts>>),
}

/// A source that is being asked.
pub(super) struct Asking {
    name: String,
    described: Option<System>,
    needs: usize,
    columns: usize,
    answers: Option<Receiver<Answer>>,
}

impl Asking {
    /// How many seconds its files must have been left alone, where its description says so.
    pub(super) fn settled_after(&self) -> Option<u32> {
        self.described.as_ref().and_then(|described| described.settled_after)
    }
}

/// What the sources said of their tables.
pub(super) struct Answers {
    /// The columns of the tables of each source that answered.
    pub(super) tables: Tables,
    /// About how many bytes a run of them may take, where all of them answered.
    pub(super) expected: Option<u64>,
}

/// Begins to ask every source, all at the same time.
pub(super) fn ask(
    pieces: &Pieces,
    set: &MappingSet,
    wanted: &BTreeMap<String, Vec<TableNeed>>,
    patience: u64,
) -> Vec<Asking> {
    let asking = pieces.systems.iter().map(|(name, system)| {
        let described = set.systems.get(name).cloned();
        let needs = wanted.get(name).cloned().unwrap_or_default();
        let columns = needs.iter().map(|need| need.read.len()).sum();
        let (count, kept) = (needs.len(), described.clone());
        let answers = system.as_ref().ok().map(|system| {
            let (access, patience) = (system.access.clone(), Duration::from_secs(patience));
            begin(access, described, needs, patience)
        });
        Asking { name: name.clone(), described: kept, needs: count, columns, answers }
    });
    asking.collect()
}

/// Asks a source on a thread of its own: one that never answers is left behind when the program ends.
fn begin(
    access: Access,
    described: Option<System>,
    needs: Vec<TableNeed>,
    patience: Duration,
) -> Receiver<Answer> {
    let (said, answers) = channel();
    thread::spawn(move || {
        let reached = access.reach(patience);
        let silent = matches!(reached, Some((_, Err(_))));
        // Nobody listens any more when the time is up.
        let _ = said.send(Answer::Reached(reached));
        if !silent {
            let _ = said.send(Answer::Facts(Box::new(access.facts(described.as_ref(), &needs))));
        }
    });
    answers
}

/// Waits for the answers and judges them.
pub(super) fn judge(
    asked: Vec<Asking>,
    pieces: &Pieces,
    deadline: Deadline,
    checks: &mut Vec<Check>,
) -> Answers {
    let mut found = Answers { tables: Tables::new(), expected: Some(0) };
    for asking in asked {
        let place = match &pieces.systems[&asking.name] {
            Ok(system) => format!("{}  {}", asking.name, system.access.locator),
            Err(_) => asking.name.clone(),
        };
        let mut area = Area::new(place, checks);
        let facts = match &pieces.systems[&asking.name] {
            Ok(system) => hear(&asking, system, deadline, &mut area),
            Err(failure) => {
                area.fails("settings", failure.message.clone(), "mend it in bron.toml or where it points to");
                None
            }
        };
        let tables = facts.and_then(|facts| facts.tables.ok());
        let expected = tables.as_ref().zip(pieces.systems[&asking.name].as_ref().ok());
        let expected = expected.map(|(tables, system)| expected_bytes(tables, &system.access.locator));
        found.expected = found.expected.zip(expected).map(|(sum, bytes)| sum.saturating_add(bytes));
        if let Some(tables) = tables {
            let columns = tables
                .into_iter()
                .map(|table| (table.name, table.columns.into_iter().map(|column| column.name).collect()));
            found.tables.insert(asking.name, columns.collect());
        }
    }
    found
}

/// About how many bytes a run of a source may take in all its artefacts.
fn expected_bytes(tables: &[TableSchema], locator: &Locator) -> u64 {
    let rows = || tables.iter().map(|table| table.rows_estimate).sum::<u64>();
    match locator {
        Locator::Sqlite(path) | Locator::Csv(path) => machine::size(path).saturating_mul(TIMES_ITS_SIZE),
        Locator::Postgres(_) | Locator::Mysql(_) | Locator::Mssql(_) | Locator::Odbc(_) => {
            rows().saturating_mul(BYTES_OF_A_ROW)
        }
    }
}

/// What a source answers in time.
fn hear(asking: &Asking, system: &SystemSettings, deadline: Deadline, area: &mut Area<'_>) -> Option<Facts> {
    let answers = asking.answers.as_ref()?;
    let late = "no answer in time; `--patience` waits longer";
    let advice = "is the server on, and does every firewall let this machine through?";
    match deadline.hear(answers) {
        Some(Answer::Reached(Some((name, Ok(time))))) => {
            area.fine("reached", format!("{name} in {} ms", time.as_millis()));
        }
        Some(Answer::Reached(Some((name, Err(error))))) => {
            area.fails("reached", format!("{name}: {}", whole(&error)), advice);
            return None;
        }
        Some(Answer::Reached(None) | Answer::Facts(_)) => {}
        None => {
            area.fails("reached", late, advice);
            return None;
        }
    }
    let Some(Answer::Facts(asked)) = deadline.hear(answers) else {
        area.fails("let in", late, "the server took the connection and said nothing: look at its log");
        return None;
    };
    match *asked {
        Ok(facts) => {
            judge_facts(&facts, asking, system, area);
            Some(facts)
        }
        Err(error) => {
            area.fails("let in", whole(&error), on_refusal(error.kind()));
            if let (Locator::Csv(folder), ErrorKind::Busy) = (&system.access.locator, error.kind()) {
                machine::judge_files(folder, asking.settled_after(), area);
            }
            None
        }
    }
}

fn on_refusal(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Permission => "look at the user in `address` and at what `password` names",
        ErrorKind::Settings => {
            "look at `address`: its name must be in the certificate, `?ca=` names who signed it"
        }
        ErrorKind::Missing => "look at the path or the database in bron.toml",
        ErrorKind::Busy => "try again when whoever is at work there is done",
        ErrorKind::Connection => "try again; look at the server's log",
        ErrorKind::Drift => "bring the mapping files up to date with the source",
        ErrorKind::Unreadable
        | ErrorKind::Encoding
        | ErrorKind::Truncated
        | ErrorKind::Corrupt
        | ErrorKind::Storage
        | ErrorKind::Database
        | _ => "look at the source and its settings",
    }
}
