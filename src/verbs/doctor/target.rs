//! The target: whether it answers, whose it is and what may be done there.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use bron_load::{Target, TargetFacts, examine, read_only};

use super::check::Area;
use super::deadline::Deadline;
use super::machine::{folder_of, may_write};
use crate::chain::installation_mark;
use crate::failure::{Failure, whole};
use crate::settings::Pieces;

/// The address of the role that makes tables, in `[target]`.
const DDL_ADDRESS: &str = "ddl_address";

/// What a target says.
struct Answer {
    facts: Result<Option<TargetFacts>, bron_load::Error>,
    /// Whether there is something to ask.
    there: bool,
    /// Whether nobody else has claimed it; `None` when there is no secret to ask with, or nothing to ask.
    claim: Option<Result<(), bron_load::Error>>,
}

/// A target that is being asked.
pub(super) struct Asking<'a> {
    target: &'a Result<Target, Failure>,
    answer: Option<Receiver<Answer>>,
    others: Vec<Other<'a>>,
}

/// Another role on the target that is being asked.
struct Other<'a> {
    /// The key in `[target]` that its address stands under.
    key: &'static str,
    target: &'a Result<Target, Failure>,
    answer: Option<Receiver<Result<Option<TargetFacts>, bron_load::Error>>>,
}

/// Begins to ask the target.
pub(super) fn ask(pieces: &Pieces) -> Asking<'_> {
    let answer = pieces.target.as_ref().ok().map(|target| {
        let (said, answer) = channel();
        let (target, mark) = (target.clone(), pieces.secret.as_ref().ok().map(installation_mark));
        thread::spawn(move || {
            let facts = examine(&target);
            let there = match &target {
                Target::Sqlite(path) => path.exists(),
                Target::Postgres(_) => facts.is_ok(),
            };
            let claim = mark.filter(|_| there);
            let claim = claim.map(|mark| read_only(&target).and_then(|mut sink| sink.claim(&mark)));
            // Nobody listens any more when the time is up.
            let _ = said.send(Answer { facts, there, claim });
        });
        answer
    });
    let others = pieces.other_roles.iter().map(|(key, target)| {
        let answer = target.as_ref().ok().map(|target| {
            let ((said, answer), target) = (channel(), target.clone());
            thread::spawn(move || said.send(examine(&target)));
            answer
        });
        Other { key, target, answer }
    });
    Asking { target: &pieces.target, answer, others: others.collect() }
}

/// Waits for the answer and judges it.
pub(super) fn judge(asking: Asking<'_>, deadline: Deadline, area: &mut Area<'_>) {
    for other in &asking.others {
        judge_role(other, deadline, area);
    }
    let has_definer = asking.others.iter().any(|other| other.key == DDL_ADDRESS);
    let (target, answer) = match (asking.target, asking.answer) {
        (Ok(target), Some(answer)) => (target, answer),
        (Ok(_), None) => return,
        (Err(failure), _) => {
            area.fails("settings", failure.message.clone(), "mend `target` in bron.toml");
            return;
        }
    };
    let Some(answer) = deadline.hear(&answer) else {
        area.fails(
            "reached",
            format!("{target}: no answer in time; `--patience` waits longer"),
            "is the server on, and does every firewall let this machine through?",
        );
        return;
    };
    let there = answer.there;
    match (answer.facts, target) {
        (Ok(Some(facts)), _) => judge_server(&facts, target, has_definer, area),
        (Ok(None), Target::Sqlite(path)) => judge_file(path, area),
        (Ok(None), Target::Postgres(_)) => {}
        (Err(error), _) => {
            area.fails("reached", whole(&error), "look at `target` in bron.toml and at the server");
        }
    }
    match answer.claim {
        Some(Ok(())) => area.fine("owner", "this installation's, or nobody's yet"),
        Some(Err(error)) => {
            area.fails("owner", whole(&error), "name another target, or use the secret it was made with");
        }
        None if !there && matches!(target, Target::Sqlite(_)) => area.fine("owner", "nobody's yet"),
        None if !there => area.unknown("owner", "the target was not reached"),
        None => area.unknown("owner", "it takes the secret to tell"),
    }
}

/// Whether the role behind another address than that of the rows is let in, and may do its own work and no more.
fn judge_role(other: &Other<'_>, deadline: Deadline, area: &mut Area<'_>) {
    let key = other.key;
    let (target, answer) = match (other.target, &other.answer) {
        (Ok(target), Some(answer)) => (target, answer),
        (Ok(_), None) => return,
        (Err(failure), _) => {
            area.fails(key, failure.message.clone(), format!("mend `{key}` of `[target]` in bron.toml"));
            return;
        }
    };
    let advice = "give the role the rights that `bron grants --target` prints";
    match deadline.hear(answer) {
        None => area.fails(key, format!("{target}: no answer in time"), "`--patience` waits longer"),
        Some(Err(error)) => {
            area.fails(key, whole(&error), format!("look at `{key}` in bron.toml and at the server"));
        }
        Some(Ok(None)) => area.look(key, "is a file, which has no roles", format!("leave `{key}` out")),
        Some(Ok(Some(facts))) if key == DDL_ADDRESS && !facts.may_create => {
            area.fails(key, "the role may not create tables", advice);
        }
        Some(Ok(Some(facts))) if key != DDL_ADDRESS && facts.may_create => {
            area.look(key, "the role only reads, and may create tables", advice);
        }
        Some(Ok(Some(_))) => area.fine(key, format!("{target}: the role may do its work")),
    }
}

fn judge_server(facts: &TargetFacts, target: &Target, has_definer: bool, area: &mut Area<'_>) {
    area.fine("reached", format!("{target}, {}", facts.product));
    match &facts.encryption {
        Some(how) if facts.checked => area.fine("encryption", format!("TLS ({how}), certificate checked")),
        Some(how) => area.look(
            "encryption",
            format!("TLS ({how}), but the certificate is not checked"),
            "write `sslmode=verify-full` and `sslrootcert=` in the address",
        ),
        // To other machines plain text is refused before anything is said.
        None => area.fine("encryption", "not asked for: the server is this machine"),
    }
    if facts.may_create {
        area.fine(
            "may create",
            "the user may create tables; loading needs no such right once they are there",
        );
    } else if has_definer {
        area.fine("may create", "the user may not create tables; the role of `ddl_address` does");
    } else if facts.tables == 0 {
        let advice = "make them with `bron mapping ddl`, with the rights that `bron grants --target` prints";
        area.fails("may create", "there are no tables, and the user may not create any", advice);
    } else {
        area.fine("may create", format!("the user may not create tables; {} are there", facts.tables));
    }
}

fn judge_file(path: &Path, area: &mut Area<'_>) {
    let folder = folder_of(path);
    let writable = if path.exists() { may_write(path) && may_write(folder) } else { may_write(folder) };
    if writable {
        let state = if path.exists() { "is there" } else { "will be made" };
        area.fine("may write", format!("{} {state}", path.display()));
    } else {
        let found = format!("{} cannot be written by this user", path.display());
        area.fails("may write", found, "give this user the right to write the file and its folder");
    }
}
