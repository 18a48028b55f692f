//! Whether a log is as it was written: line by line, in memory that does not grow with it.

use std::collections::BTreeMap;
use std::fmt;

use super::{Checkpoint, Entry};

/// How many bytes stand behind the last line break: what a process that was killed while it wrote has left.
#[must_use]
pub fn torn(log: &[u8]) -> usize {
    log.iter().rev().take_while(|byte| **byte != b'\n').count()
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The line is no entry.
    NoEntry,
    /// The entry is of a format that this program does not know.
    Format,
    /// The line is not what its own hash was made from.
    Altered,
    /// Entries are missing from this one up to this number.
    Missing(u64),
    /// The entry stands behind one with the same or a higher number: it was inserted, repeated or moved.
    OutOfOrder,
    /// The entry after it was written after another one with the same number.
    Replaced,
    /// A checkpoint has the number of this entry and another hash. Its name.
    NotAsWitnessed(String),
    /// A checkpoint knows entries that are not there any more. Its name and the number of entries that it knows.
    CutOff(String, u64),
}

/// Something wrong, at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The number of the entry that is not as it was written, or of the first one that is missing.
    pub entry: u64,
    /// The line of the file at which that shows, from 1.
    pub line: u64,
    /// What is wrong.
    pub damage: Damage,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entry, line, damage } = self;
        match damage {
            Damage::NoEntry => write!(f, "entry {entry}: line {line} is no entry"),
            Damage::Format => {
                write!(f, "entry {entry}: line {line} is of a format that this program does not know")
            }
            Damage::Altered => write!(f, "entry {entry}: line {line} was altered after it was written"),
            Damage::Missing(last) if last == entry => {
                write!(f, "entry {entry} is missing before line {line}")
            }
            Damage::Missing(last) => write!(f, "entries {entry} to {last} are missing before line {line}"),
            Damage::OutOfOrder => {
                write!(f, "entry {entry}: line {line} was inserted, repeated or moved")
            }
            Damage::Replaced => {
                write!(f, "entry {entry} is not the one that the entry in line {line} was written after")
            }
            Damage::NotAsWitnessed(name) => {
                write!(f, "entry {entry}: line {line} has another hash than {name}")
            }
            Damage::CutOff(name, known) => {
                write!(
                    f,
                    "entry {entry} and what followed are missing at the end: {name} knows {known} entries"
                )
            }
        }
    }
}

/// What a verification came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How far the log goes.
    pub reached: Checkpoint,
    /// What is wrong, in the order of the lines; empty when the log is as it was written.
    pub problems: Vec<Problem>,
}

/// Reads a log line by line.
#[derive(Clone, Debug)]
pub struct Verifier {
    before: Checkpoint,
    /// Whether the hash in `before` is one that the next entry must name.
    is_known: bool,
    line: u64,
    /// Checkpoints by the number of their entries, each with its name.
    witnesses: BTreeMap<u64, Vec<(String, String)>>,
    problems: Vec<Problem>,
}

impl Verifier {
    /// A verifier that compares with these checkpoints as well, each with a name for people.
    #[must_use]
    pub fn new(witnesses: impl IntoIterator<Item = (String, Checkpoint)>) -> Self {
        let mut by_number: BTreeMap<u64, Vec<(String, String)>> = BTreeMap::new();
        for (name, Checkpoint { entries, last_hash }) in witnesses {
            by_number.entry(entries).or_default().push((name, last_hash));
        }
        let mut verifier = Self {
            before: Checkpoint::start(),
            is_known: true,
            line: 0,
            witnesses: by_number,
            problems: Vec::new(),
        };
        verifier.compare_with_witnesses();
        verifier
    }

    /// Takes the next line, without its line break. Gives the entry when the line itself is sound.
    pub fn line(&mut self, line: &[u8]) -> Option<Entry> {
        self.line += 1;
        let expected = self.before.entries + 1;
        let entry = match Entry::parse(line) {
            Ok(entry) => entry,
            Err(damage) => {
                self.problem(expected, damage);
                self.before.entries = expected;
                self.is_known = false;
                return None;
            }
        };
        if entry.seq > expected {
            self.problem(expected, Damage::Missing(entry.seq - 1));
        } else if entry.seq < expected {
            self.problem(entry.seq, Damage::OutOfOrder);
        } else if self.is_known && entry.prev_hash != self.before.last_hash {
            self.problem(self.before.entries, Damage::Replaced);
        }
        self.before = entry.checkpoint();
        self.is_known = true;
        self.compare_with_witnesses();
        Some(entry)
    }

    /// Whether something wrong was found so far.
    #[must_use]
    pub fn has_found(&self) -> bool {
        !self.problems.is_empty()
    }

    /// Ends the log.
    #[must_use]
    pub fn finish(mut self) -> Report {
        let reached = self.before.entries;
        let beyond = self.witnesses.split_off(&(reached + 1));
        for (known, names) in beyond {
            for (name, _) in names {
                self.problem(reached + 1, Damage::CutOff(name, known));
            }
        }
        Report { reached: self.before, problems: self.problems }
    }

    fn compare_with_witnesses(&mut self) {
        let witnesses = self.witnesses.get(&self.before.entries).cloned().unwrap_or_default();
        for (name, hash) in witnesses {
            if hash != self.before.last_hash {
                self.problem(self.before.entries, Damage::NotAsWitnessed(name));
            }
        }
    }

    fn problem(&mut self, entry: u64, damage: Damage) {
        self.problems.push(Problem { entry, line: self.line, damage });
    }
}
