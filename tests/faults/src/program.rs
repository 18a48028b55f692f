//! The program under trial, as a child: undisturbed, killed, or with a system call that goes wrong.

use std::fs::File;
use std::io::{Error, Result};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::look::Place;

/// What a program exits with when it panicked.
const PANIC: i32 = 101;
/// How many lines of what the program said are told.
const LAST_LINES: usize = 4;

/// The verbs that are disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// Writes what is mapped already.
    Load,
    /// The whole chain.
    Migrate,
}

impl Work {
    pub(crate) const fn verb(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Migrate => "migrate",
        }
    }
}

/// What a system call does instead of its work.
#[derive(Clone, Debug)]
pub(crate) struct Injection {
    /// The calls, as strace names them.
    pub(crate) calls: String,
    /// What happens, as strace says it, such as `error=EIO:when=3`.
    pub(crate) fault: String,
}

/// How a child came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With this exit code.
    Code(i32),
    /// Killed from outside.
    Killed,
    /// By a fault of its own: a panic, or a signal that a program gives itself.
    Crashed,
}

impl Ended {
    fn of(status: ExitStatus) -> Self {
        const KILL: i32 = 9;
        match (status.code(), status.signal()) {
            (_, Some(KILL)) => Self::Killed,
            // A shell's way of saying it, which strace has too.
            (Some(code), _) if code == 128 + KILL => Self::Killed,
            (Some(PANIC), _) | (None, _) => Self::Crashed,
            (Some(code), _) => Self::Code(code),
        }
    }
}

/// The program.
#[derive(Clone, Debug)]
pub(crate) struct Program(pub(crate) PathBuf);

impl Program {
    /// Runs a verb on a project that writes to this place. What it says lands in a file beside the project.
    pub(crate) fn run(&self, work: &str, project: &Path, place: Option<&Place>) -> Result<Ended> {
        self.start(work, project, place)?.wait().map(Ended::of)
    }

    /// As [`Program::run`], and fails when it exits with any other code than these.
    pub(crate) fn must(
        &self,
        work: &str,
        project: &Path,
        place: Option<&Place>,
        codes: &[i32],
    ) -> Result<i32> {
        match self.run(work, project, place)? {
            Ended::Code(code) if codes.contains(&code) => Ok(code),
            other @ (Ended::Code(_) | Ended::Killed | Ended::Crashed) => {
                Err(Error::other(format!("{work} ended with {other:?}: {}", last_words(project))))
            }
        }
    }

    pub(crate) fn start(&self, work: &str, project: &Path, place: Option<&Place>) -> Result<Child> {
        self.tell(Command::new(&self.0), work, project, place)?.spawn()
    }

    /// Starts a verb of which some system calls go wrong. Every call of these kinds is noted beside the project.
    pub(crate) fn start_with(
        &self,
        injection: &Injection,
        work: &str,
        project: &Path,
        place: &Place,
    ) -> Result<Child> {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-y", "-qq", "-o"]).arg(project.with_extension("calls"));
        strace.arg("-e").arg(format!("trace={}", injection.calls));
        strace.arg("-e").arg(format!("inject={}:{}", injection.calls, injection.fault)).arg(&self.0);
        self.tell(strace, work, project, Some(place))?.spawn()
    }

    /// How often each thread makes a call of these kinds, at the most: as far as the Nth call is worth trying.
    pub(crate) fn count(&self, calls: &str, work: &str, project: &Path, place: &Place) -> Result<u64> {
        let log = project.with_extension("calls");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o"]).arg(&log).arg("-e").arg(format!("trace={calls}")).arg(&self.0);
        self.tell(strace, work, project, Some(place))?.spawn()?.wait()?;
        let log = std::fs::read_to_string(log)?;
        let mut by_thread = std::collections::BTreeMap::<&str, u64>::new();
        for line in log.lines().filter(|line| line.contains('(') && !line.contains("resumed>")) {
            *by_thread.entry(line.split(' ').next().unwrap_or_default()).or_default() += 1;
        }
        Ok(by_thread.values().copied().max().unwrap_or(0))
    }

    fn tell(
        &self,
        mut command: Command,
        work: &str,
        project: &Path,
        place: Option<&Place>,
    ) -> Result<Command> {
        command.arg(work).args(["--quiet", "--output", "json", "--project"]).arg(project);
        if let Some(place) = place {
            command.args(["--target", &place.argument()]);
        }
        command.env_remove("BRON_TARGET").stdin(Stdio::null());
        command.stdout(File::create(project.with_extension("out"))?);
        command.stderr(File::create(project.with_extension("err"))?);
        Ok(command)
    }
}

/// Waits for a child.
pub(crate) fn wait(child: &mut Child) -> Result<Ended> {
    child.wait().map(Ended::of)
}

/// What the program said last about a project.
pub(crate) fn said(project: &Path) -> String {
    let read = |kind| std::fs::read_to_string(project.with_extension(kind)).unwrap_or_default();
    format!("{}{}", read("out"), read("err"))
}

/// The end of what it said: its error.
pub(crate) fn last_words(project: &Path) -> String {
    let said = said(project);
    let lines: Vec<&str> = said.trim_end().lines().rev().take(LAST_LINES).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
