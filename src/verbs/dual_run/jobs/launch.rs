//! Runs of jobs as processes of this program.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use bron_dual_run::jobs::{Ending, FailureClass, Job, JobName, Launcher, Lease, Run};
use bron_dual_run::{Error, ErrorKind};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::service::SERVICE_VARIABLES;
use crate::failure::{Exit, Failure};

/// No document that tells of a failure is longer.
const LONGEST_DOCUMENT: u64 = 16 << 20;
/// The command line was not understood.
const USAGE: u8 = 64;

/// Begins processes of this program.
pub(super) struct Processes {
    program: PathBuf,
    project: PathBuf,
    /// Where each job's last document lies.
    folder: PathBuf,
}

impl Processes {
    pub(super) fn new(project: &Path, folder: &Path) -> Result<Self, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::config(format!("cannot tell where this program lies: {error}")))?;
        Ok(Self { program, project: project.to_owned(), folder: folder.to_owned() })
    }

    /// Where a job's last document lies.
    fn document(&self, job: &JobName) -> PathBuf {
        self.folder.join(format!("{job}.out"))
    }
}

impl Launcher for Processes {
    fn launch(&mut self, job: &Job, lease: &dyn Lease) -> Result<Box<dyn Run>, Error> {
        let path = self.document(&job.name);
        let cannot = |error| Error::because(ErrorKind::Storage, format!("cannot begin {}", job.name), error);
        let output = File::create(&path).map_err(cannot)?;
        let mut command = Command::new(&self.program);
        command.args(job.work.words()).arg("--project").arg(&self.project);
        command.args(["--output", "json", "--quiet"]);
        // What the job does not read keeps the lease for as long as it is at work.
        command.stdin(lease.to_hand_on()?.map_or_else(Stdio::null, Stdio::from)).stdout(output);
        for variable in SERVICE_VARIABLES {
            command.env_remove(variable);
        }
        let child = command.spawn().map_err(cannot)?;
        Ok(Box::new(Process { child, document: path }))
    }
}

struct Process {
    child: Child,
    document: PathBuf,
}

impl Run for Process {
    fn ended(&mut self) -> Result<Option<(Ending, Option<u8>)>, Error> {
        let ended = self.child.try_wait();
        let ended =
            ended.map_err(|error| Error::because(ErrorKind::Storage, "cannot look after a job", error))?;
        Ok(ended.map(|status| {
            let exit = exit_code(status);
            (ending(exit, || document(&self.document)), exit)
        }))
    }

    fn stop(&mut self, by_force: bool) {
        let signal = if by_force { Signal::KILL } else { Signal::TERM };
        let number = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(number) = number {
            // A process that has ended by now needs no signal.
            let _ = kill_process(number, signal);
        }
    }
}

fn exit_code(status: ExitStatus) -> Option<u8> {
    u8::try_from(status.code()?).ok()
}

/// The document that a job printed last, when it is one.
fn document(path: &Path) -> Option<Value> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(LONGEST_DOCUMENT).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// How a run ended, by its exit code and, where that leaves it open, by what it printed.
fn ending(exit: Option<u8>, document: impl FnOnce() -> Option<Value>) -> Ending {
    let Some(exit) = exit else { return Ending::Crashed };
    let is = |known: Exit| exit == known.code();
    if is(Exit::Clean) {
        return Ending::Done;
    }
    if is(Exit::Differences) || is(Exit::Quarantine) || is(Exit::NotSigned) {
        return Ending::Findings;
    }
    if is(Exit::Interrupted) {
        return Ending::Interrupted;
    }
    if exit == USAGE {
        return Ending::Failed(FailureClass::Config);
    }
    let known = is(Exit::Failed) || is(Exit::Drift) || is(Exit::SafetyStop);
    let Some(document) = document().filter(|_| known) else { return without_document(exit) };
    let Some(error) = document.get("error") else { return Ending::Findings };
    let class = error.get("class").and_then(Value::as_str).and_then(FailureClass::named);
    class.map_or_else(|| without_document(exit), Ending::Failed)
}

/// How a run ended that did not say why.
fn without_document(exit: u8) -> Ending {
    if exit == Exit::SafetyStop.code() {
        Ending::Failed(FailureClass::Safety)
    } else if exit == Exit::Drift.code() {
        Ending::Failed(FailureClass::Data)
    } else {
        Ending::Crashed
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_ending_follows_from_the_exit_code_and_the_class() {
        let of = |class: &str| Some(json!({ "error": { "class": class } }));
        for (exit, document, wanted) in [
            (Some(0), None, Ending::Done),
            (Some(2), None, Ending::Findings),
            (Some(3), None, Ending::Findings),
            (Some(4), None, Ending::Findings),
            (Some(130), None, Ending::Interrupted),
            (None, None, Ending::Crashed),
            (Some(101), None, Ending::Crashed),
            (Some(64), None, Ending::Failed(FailureClass::Config)),
            (Some(1), of("retryable"), Ending::Failed(FailureClass::Retryable)),
            (Some(1), of("data"), Ending::Failed(FailureClass::Data)),
            (Some(1), of("config"), Ending::Failed(FailureClass::Config)),
            (Some(1), Some(json!({ "checks": [] })), Ending::Findings),
            (Some(1), None, Ending::Crashed),
            (Some(5), None, Ending::Failed(FailureClass::Data)),
            (Some(6), of("retryable"), Ending::Failed(FailureClass::Retryable)),
            (Some(6), of("safety"), Ending::Failed(FailureClass::Safety)),
            (Some(6), of("unheard"), Ending::Failed(FailureClass::Safety)),
            (Some(6), None, Ending::Failed(FailureClass::Safety)),
        ] {
            assert_eq!(ending(exit, || document.clone()), wanted, "{exit:?} {document:?}");
        }
    }
}
