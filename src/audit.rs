//! The audit log of a project: every act is noted there, durably, before it shows.
//!
//! [`during`] is for work that has a beginning and an end, [`note`] for an act that is over as soon as it is noted.
//! Both fail with exit code 6 when the log cannot be written, and then nothing was done.

mod log;

use std::path::Path;

use bron_mappings::may_name_a_person;
use bron_reconcile::audit::{Act, Actor, Checkpoint, Object, Outcome};
use serde_json::Value;

use crate::chain::Chain;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::settings::Settings;
use crate::signoffs::{COMPARISON, Compared};

pub(crate) use log::{AUDIT_FILE, Read, checkpoint, read, write_checkpoint};

/// A longer reason is a document, and belongs elsewhere.
const LONGEST_TEXT: usize = 1000;

/// An act of whoever runs the program.
pub(crate) fn act(action: &str) -> Act {
    let user = user();
    Act::new(Actor { sub: user.clone(), role: None, user }, action)
}

/// An act of a named person.
pub(crate) fn act_of(person: &str, role: &str, action: &str) -> Act {
    let role = Some(role.trim().to_owned());
    Act::new(Actor { sub: person.trim().to_owned(), role, user: user() }, action)
}

/// What an act is about.
pub(crate) fn object(kind: &str, id: impl Into<String>) -> Option<Object> {
    Some(Object { kind: kind.to_owned(), id: id.into() })
}

/// The user of the operating system: the name, where this machine knows it, and the number.
pub(crate) fn user() -> String {
    let number = rustix::process::getuid().as_raw().to_string();
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    });
    name.map_or_else(|| format!("uid {number}"), |name| format!("{name} ({number})"))
}

/// Notes an act that has no end of its own. Returning means that the entry is durable.
pub(crate) fn note(project: &Path, act: Act) -> Result<Checkpoint, Failure> {
    note_all(project, vec![act])
}

/// Notes several such acts together.
pub(crate) fn note_all(project: &Path, acts: Vec<Act>) -> Result<Checkpoint, Failure> {
    append(project, acts.into_iter().map(|act| Act { result: Outcome::Noted, ..act }).collect())
}

/// Work that is under way and noted.
pub(crate) struct Noted {
    /// What its end will say: whatever comes out meanwhile is filled in.
    pub(crate) end: Act,
    /// How far the log had come when the work began.
    pub(crate) checkpoint: Checkpoint,
    /// What is to be printed when the end is noted.
    told: Option<(Value, String)>,
}

impl Noted {
    /// Hands over the result of the verb: it is printed when the end is noted.
    pub(crate) fn tell(&mut self, document: Value, text: String) {
        self.told = Some((document, text));
    }

    /// The run that is worked on.
    pub(crate) fn works_on(&mut self, chain: &Chain<'_>) {
        self.end.run = Some(chain.run.id.clone());
        self.end.mapping_hash = Some(chain.run.mapping_digest.clone());
    }

    /// The comparison that came out: its report, its summary, and the accepted deviations that it knew.
    pub(crate) fn compared(&mut self, compared: &Compared) {
        self.end.report_hash = Some(compared.report.clone());
        self.end.object = object(COMPARISON, compared.comparison.as_str());
    }
}

/// Notes that work begins, does it, notes what came of it, and prints what the work told.
pub(crate) fn during(
    project: &Path,
    act: Act,
    printer: &Printer,
    work: impl FnOnce(&mut Noted) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    during_all(project, vec![act], printer, work)
}

/// The same for several acts that are one piece of work: each has its own beginning, and they end together.
pub(crate) fn during_all(
    project: &Path,
    acts: Vec<Act>,
    printer: &Printer,
    work: impl FnOnce(&mut Noted) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let Some(first) = acts.first().cloned() else { return Ok(Exit::Clean) };
    let count = u64::try_from(acts.len()).expect("a length fits 64 bits");
    let checkpoint = append(project, acts)?;
    let about = Some(checkpoint.entries + 1 - count);
    let object = first.object.clone().filter(|_| count == 1);
    let end = Act { about, object, reason: None, ..first };
    let mut noted = Noted { end, checkpoint, told: None };
    let done = work(&mut noted);
    let result = outcome(match &done {
        Ok(exit) => *exit,
        Err(failure) => failure.exit,
    });
    let ended = append(project, vec![Act { result, ..noted.end }]);
    let exit = done?;
    ended.map_err(|failure| failure.about("the work was done and its end not noted"))?;
    if let Some((document, text)) = noted.told {
        printer.result(&document, &text);
    }
    Ok(exit)
}

const fn outcome(exit: Exit) -> Outcome {
    match exit {
        Exit::Clean => Outcome::Done,
        Exit::Failed => Outcome::Failed,
        Exit::Differences => Outcome::Differences,
        Exit::Quarantine => Outcome::HeldBack,
        Exit::NotSigned => Outcome::NotSigned,
        Exit::Drift => Outcome::Drift,
        Exit::SafetyStop => Outcome::SafetyStop,
        Exit::Interrupted => Outcome::Interrupted,
    }
}

/// Notes what the operator accepts of a reading.
pub(crate) fn note_accepted(settings: &Settings) -> Result<(), Failure> {
    if settings.accept.is_empty() {
        return Ok(());
    }
    settings.accept.iter().try_for_each(|table| require_writable(table))?;
    let accepted =
        settings.accept.iter().map(|table| Act { object: object("table", table), ..act("accept") });
    note_all(&settings.project, accepted.collect()).map(|_| ())
}

fn append(project: &Path, acts: Vec<Act>) -> Result<Checkpoint, Failure> {
    for act in &acts {
        act.written().try_for_each(require_writable)?;
    }
    log::append(project, acts)
}

/// Refuses a text that must not stand in a log that nobody can clean.
pub(crate) fn require_writable(text: &str) -> Result<(), Failure> {
    if may_name_a_person(text) {
        return Err(Failure::config("a text has something with the form of a person number")
            .hint("write no personal data: the audit log is never cleaned"));
    }
    if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) {
        return Err(Failure::config(format!(
            "a text for the audit log is one line of at most {LONGEST_TEXT} characters"
        )));
    }
    Ok(())
}
