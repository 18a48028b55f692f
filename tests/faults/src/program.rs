//! The program under trial with a system call that goes wrong.

use std::collections::BTreeMap;
use std::io::Result;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};

use bron_outside::{Ended, Place, Program};

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

impl Injection {
    /// Starts a verb of which some system calls go wrong. Every call of these kinds is noted beside the project.
    pub(crate) fn start(
        &self,
        program: &Program,
        work: Work,
        project: &Path,
        place: &Place,
    ) -> Result<Child> {
        let mut strace = traced(&self.calls, project);
        strace.arg("-e").arg(format!("inject={}:{}", self.calls, self.fault)).arg(&program.0);
        // A group of its own: whoever kills it kills the program and not only strace.
        Program::told(strace, work.verb(), project, Some(place))?.process_group(0).spawn()
    }
}

/// How often each thread makes a call of these kinds, at the most: as far as the Nth call is worth trying.
pub(crate) fn count(
    program: &Program,
    calls: &str,
    work: Work,
    project: &Path,
    place: &Place,
) -> Result<u64> {
    let mut strace = traced(calls, project);
    strace.arg(&program.0);
    Program::told(strace, work.verb(), project, Some(place))?.spawn()?.wait()?;
    let log = std::fs::read_to_string(project.with_extension("calls"))?;
    let mut by_thread = BTreeMap::<&str, u64>::new();
    for line in log.lines().filter(|line| line.contains('(') && !line.contains("resumed>")) {
        *by_thread.entry(line.split(' ').next().unwrap_or_default()).or_default() += 1;
    }
    Ok(by_thread.values().copied().max().unwrap_or(0))
}

fn traced(calls: &str, project: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-qq", "-o"]).arg(project.with_extension("calls"));
    strace.arg("-e").arg(format!("trace={calls}"));
    strace
}

/// Waits for a child.
pub(crate) fn wait(child: &mut Child) -> Result<Ended> {
    child.wait().map(Ended::from)
}
