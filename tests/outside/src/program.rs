//! The program under trial, as a child.

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

/// How a child came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code.
    Code(i32),
    /// Killed from outside.
    Killed,
    /// By a fault of its own: a panic, or a signal that a program gives itself.
    Crashed,
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
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

/// The program, where it lies.
#[derive(Clone, Debug)]
pub struct Program(pub PathBuf);

impl Program {
    /// Runs a verb on a project that writes to this place. What it says lands in a file beside the project.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn run(&self, work: &str, project: &Path, place: Option<&Place>) -> Result<Ended> {
        self.start(work, project, place)?.wait().map(Ended::from)
    }

    /// As [`Program::run`], and fails when it exits with any other code than these.
    ///
    /// # Errors
    /// As [`Program::run`]; with the end of what the program said when it came to another end.
    pub fn must(&self, work: &str, project: &Path, place: Option<&Place>, codes: &[i32]) -> Result<i32> {
        match self.run(work, project, place)? {
            Ended::Code(code) if codes.contains(&code) => Ok(code),
            other @ (Ended::Code(_) | Ended::Killed | Ended::Crashed) => {
                Err(Error::other(format!("{work} ended with {other:?}: {}", last_words(project))))
            }
        }
    }

    /// Starts a verb, see [`Program::run`].
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(&self, work: &str, project: &Path, place: Option<&Place>) -> Result<Child> {
        Self::told(Command::new(&self.0), work, project, place)?.spawn()
    }

    /// A command that ends with the path of the program, with the words that name verb, project and place.
    ///
    /// # Errors
    /// When the files of what it says cannot be made.
    pub fn told(mut command: Command, work: &str, project: &Path, place: Option<&Place>) -> Result<Command> {
        command.arg(work).args(["--quiet", "--output", "json", "--project"]).arg(project);
        if let Some(place) = place {
            command.args(["--target", &place.argument()]);
        }
        command.env_remove("BRON_TARGET").stdin(Stdio::null());
        command.stdout(File::create(project.with_extension("out"))?);
        command.stderr(File::create(project.with_extension("err"))?);
        Ok(command)
    }

    /// Makes a city in a folder that is not there or empty. What comes out of it is a project that is not migrated.
    ///
    /// # Errors
    /// With what the program said when it could not.
    pub fn city(&self, folder: &Path, persons: u64, seed: u64) -> Result<()> {
        let made = Command::new(&self.0)
            .args(["demo", "--quiet", "--generate-only", "--persons", &persons.to_string()])
            .args(["--seed", &seed.to_string(), "--out"])
            .arg(folder)
            .output()?;
        if made.status.success() {
            Ok(())
        } else {
            Err(Error::other(format!("no city: {}", String::from_utf8_lossy(&made.stderr))))
        }
    }
}

/// What the program said last about a project.
#[must_use]
pub fn said(project: &Path) -> String {
    let read = |kind| std::fs::read_to_string(project.with_extension(kind)).unwrap_or_default();
    format!("{}{}", read("out"), read("err"))
}

/// The end of what it said: its error.
#[must_use]
pub fn last_words(project: &Path) -> String {
    let said = said(project);
    let lines: Vec<&str> = said.trim_end().lines().rev().take(LAST_LINES).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
