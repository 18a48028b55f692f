//! The file of the audit log: entries are added to its end, one process at a time, and synced.

use std::fs::{File, OpenOptions};
use std::io::{Error, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use bron_extract::atomic;
use bron_mappings::Artefact;
use bron_reconcile::audit::{Act, Checkpoint, Entry, Outcome, Report, Verifier, sha256, torn};

use crate::chain::now;
use crate::failure::{Class, Exit, Failure};

/// Where the log lies, below the project.
pub(crate) const AUDIT_FILE: &str = "audit/log.jsonl";

/// No entry is longer: its texts are limited.
const LONGEST_ENTRY: u64 = 64 << 10;

const VERSION: &str = concat!("bron ", env!("CARGO_PKG_VERSION"));

/// The log as it lies.
pub(crate) struct Read {
    /// The sound entries, in the order of the file.
    pub(crate) entries: Vec<Entry>,
    /// How many bytes of an unfinished entry stand at the end.
    pub(crate) torn: usize,
    /// What the verification came to.
    pub(crate) report: Report,
}

impl Read {
    /// Refuses a log that is not as it was written.
    pub(crate) fn require_sound(self, project: &Path) -> Result<Self, Failure> {
        match self.report.problems.first() {
            None => Ok(self),
            Some(problem) => Err(damaged(&project.join(AUDIT_FILE), &problem.to_string())),
        }
    }
}

/// Reads the whole log and compares it with checkpoints, each with a name for people. A project without a log has an
/// empty one.
pub(crate) fn read(
    project: &Path,
    witnesses: impl IntoIterator<Item = (String, Checkpoint)>,
) -> Result<Read, Failure> {
    let path = project.join(AUDIT_FILE);
    let bytes =
        bytes(&path).map_err(|error| Failure::config(format!("cannot read {}: {error}", path.display())))?;
    let torn = torn(&bytes);
    let mut verifier = Verifier::new(witnesses);
    let mut entries = Vec::new();
    for line in bytes[..bytes.len() - torn].split_inclusive(|byte| *byte == b'\n') {
        let line = &line[..line.len() - 1];
        Artefact::AuditLog.require_in_text(&path.display(), line)?;
        entries.extend(verifier.line(line));
    }
    Ok(Read { entries, torn, report: verifier.finish() })
}

/// The bytes of the log, while nobody writes.
fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        opened => {
            let mut file = opened?;
            file.lock_shared()?;
            file.read_to_end(&mut bytes)?;
        }
    }
    Ok(bytes)
}

/// How far the log has come, by its last entry alone.
pub(crate) fn checkpoint(project: &Path) -> Result<Checkpoint, Failure> {
    let path = project.join(AUDIT_FILE);
    match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Checkpoint::start()),
        opened => {
            let mut file = opened.map_err(|error| cannot(&path, &error))?;
            file.lock_shared().map_err(|error| cannot(&path, &error))?;
            End::of(&path, &mut file).map(|end| end.state)
        }
    }
}

/// Adds entries. Returning means that they are durable.
pub(super) fn append(project: &Path, acts: Vec<Act>) -> Result<Checkpoint, Failure> {
    let path = project.join(AUDIT_FILE);
    let mut file = open(&path).map_err(|error| cannot(&path, &error))?;
    file.lock().map_err(|error| cannot(&path, &error))?;
    let End { mut state, at, torn } = End::of(&path, &mut file)?;
    let repair = (!torn.is_empty()).then(|| repair(&state, &torn));
    let mut lines = String::new();
    for act in repair.into_iter().chain(acts) {
        let entry = Entry::after(&state, &now(), VERSION, act);
        lines.push_str(&entry.line());
        state = entry.checkpoint();
    }
    // What is left of an attempt that failed is a torn line at the worst, which the next entry tells of.
    write(&mut file, at, lines.as_bytes()).map_err(|error| cannot(&path, &error))?;
    Ok(state)
}

fn open(path: &Path) -> Result<File, Error> {
    let is_new = !path.exists();
    let dir = path.parent().expect("the log lies in a folder");
    std::fs::create_dir_all(dir)?;
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    if is_new {
        // The names of the file and of its folder must last as long as what is in it.
        for dir in [Some(dir), dir.parent()].into_iter().flatten() {
            let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
            File::open(dir)?.sync_all()?;
        }
    }
    Ok(file)
}

fn write(file: &mut File, at: u64, bytes: &[u8]) -> Result<(), Error> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)?;
    file.set_len(at + u64::try_from(bytes.len()).map_err(Error::other)?)?;
    file.sync_all()
}

/// What says that a process was killed while it wrote an entry: the act that it was about did not happen.
fn repair(state: &Checkpoint, torn: &[u8]) -> Act {
    let reason = format!("{} bytes behind entry {} were no whole entry", torn.len(), state.entries);
    Act {
        object: super::object("torn", sha256(torn)),
        reason: Some(reason),
        result: Outcome::Noted,
        ..super::act("audit.repair")
    }
}

/// The end of a log.
struct End {
    state: Checkpoint,
    /// Where the next entry begins.
    at: u64,
    /// What stands there of an entry that was not finished.
    torn: Vec<u8>,
}

impl End {
    /// Reads the last whole entry and what stands behind it.
    fn of(path: &Path, file: &mut File) -> Result<Self, Failure> {
        let read = |file: &mut File| -> Result<(u64, Vec<u8>), Error> {
            let length = file.metadata()?.len();
            let from = length.saturating_sub(2 * LONGEST_ENTRY);
            file.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok((from, bytes))
        };
        let (from, bytes) = read(file).map_err(|error| cannot(path, &error))?;
        let torn = bytes[bytes.len() - torn(&bytes)..].to_vec();
        let whole = &bytes[..bytes.len() - torn.len()];
        let at = from + u64::try_from(whole.len()).expect("a length fits 64 bits");
        let Some(last) = whole.strip_suffix(b"\n") else {
            if from > 0 {
                return Err(damaged(path, "its end is no entry"));
            }
            return Ok(Self { state: Checkpoint::start(), at, torn });
        };
        let last = last.rsplit(|byte| *byte == b'\n').next().unwrap_or(last);
        Artefact::AuditLog.require_in_text(&path.display(), last)?;
        let entry =
            Entry::parse(last).map_err(|_| damaged(path, "its last entry is not what was written"))?;
        Ok(Self { state: entry.checkpoint(), at, torn })
    }
}

fn damaged(path: &Path, what: &str) -> Failure {
    Failure::safety(format!("{}: {what}", path.display()))
        .hint("nothing was done; `bron audit verify` names everything that is wrong with the log")
}

fn cannot(path: &Path, error: &Error) -> Failure {
    let message = format!("{}: cannot note what is done: {error}", path.display());
    Failure::new(Exit::SafetyStop, Class::Retryable, message)
        .hint("what cannot be noted is not done; make room or mend the file's rights and run it again")
}

/// Writes how far a log had come beside something that is handed on.
pub(crate) fn write_checkpoint(path: &Path, checkpoint: &Checkpoint) -> Result<(), Failure> {
    let document = serde_json::json!({
        "format": Artefact::AuditLog.newest(),
        "entries": checkpoint.entries,
        "last_hash": checkpoint.last_hash,
    });
    Ok(atomic::write(path, format!("{document:#}\n").as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Output;
    use crate::printer::Printer;

    fn noted(project: &Path, action: &str) -> Checkpoint {
        append(project, vec![super::super::act(action)]).unwrap()
    }

    #[test]
    fn entries_are_added_to_the_end_and_bound_to_each_other() {
        let project = tempfile::tempdir().unwrap();
        assert_eq!(checkpoint(project.path()).unwrap(), Checkpoint::start());
        let first = noted(project.path(), "migrate");
        let text = std::fs::read_to_string(project.path().join(AUDIT_FILE)).unwrap();
        let second = noted(project.path(), "reconcile");
        assert_eq!((first.entries, second.entries), (1, 2));
        assert_eq!(checkpoint(project.path()).unwrap(), second);
        let log = read(project.path(), [("first".to_owned(), first), ("second".to_owned(), second)]).unwrap();
        assert_eq!((log.entries.len(), log.torn, log.report.problems.len()), (2, 0, 0));
        let after = std::fs::read_to_string(project.path().join(AUDIT_FILE)).unwrap();
        assert!(after.starts_with(&text), "what was written stays");
    }

    #[test]
    fn what_a_kill_left_is_repaired_and_told_at_every_length() {
        let whole = tempfile::tempdir().unwrap();
        noted(whole.path(), "migrate");
        let first = std::fs::read(whole.path().join(AUDIT_FILE)).unwrap();
        noted(whole.path(), "reconcile");
        let bytes = std::fs::read(whole.path().join(AUDIT_FILE)).unwrap();
        for length in first.len() + 1..bytes.len() {
            let project = tempfile::tempdir().unwrap();
            std::fs::create_dir(project.path().join("audit")).unwrap();
            std::fs::write(project.path().join(AUDIT_FILE), &bytes[..length]).unwrap();
            let left = length - first.len();
            let log = read(project.path(), []).unwrap();
            assert_eq!((log.entries.len(), log.torn, log.report.problems.len()), (1, left, 0));
            noted(project.path(), "load");
            let log = read(project.path(), []).unwrap();
            let actions: Vec<&str> = log.entries.iter().map(|entry| entry.act.action.as_str()).collect();
            assert_eq!(actions, ["migrate", "audit.repair", "load"]);
            let reason = format!("{left} bytes behind entry 1 were no whole entry");
            assert_eq!(log.entries[1].act.reason.as_ref(), Some(&reason));
            assert_eq!((log.torn, log.report.problems.len()), (0, 0));
        }
    }

    #[test]
    fn nothing_is_added_to_a_log_whose_end_was_altered() {
        let project = tempfile::tempdir().unwrap();
        noted(project.path(), "migrate");
        let path = project.path().join(AUDIT_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("migrate", "demolish")).unwrap();
        let refused = append(project.path(), vec![super::super::act("load")]).unwrap_err();
        assert_eq!(refused.exit, Exit::SafetyStop);
        assert!(refused.message.contains("last entry"), "{}", refused.message);
        std::fs::write(&path, text.replace("\"format\":1", "\"format\":7")).unwrap();
        let newer = append(project.path(), vec![super::super::act("load")]).unwrap_err();
        assert!(newer.message.contains("audit log of format 7"), "{}", newer.message);
    }

    #[test]
    fn what_cannot_be_noted_stops_the_work_before_it_begins() {
        let project = tempfile::tempdir().unwrap();
        std::fs::write(project.path().join("audit"), "a file in its place").unwrap();
        let mut is_done = false;
        let printer = Printer::new(Output::Text, true);
        let stopped = super::super::during(project.path(), super::super::act("load"), &printer, |_| {
            is_done = true;
            Ok(Exit::Clean)
        });
        assert_eq!(stopped.unwrap_err().exit, Exit::SafetyStop);
        assert!(!is_done);
    }

    #[test]
    fn processes_that_write_at_once_leave_one_chain() {
        let project = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..25).for_each(|_| drop(noted(project.path(), "load"))));
            }
        });
        let log = read(project.path(), []).unwrap();
        assert_eq!((log.entries.len(), log.report.problems.len()), (100, 0));
    }
}
