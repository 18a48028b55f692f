//! One trial's own project and target, and the questions that every trial asks of them.

use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use bron_outside::{Ended, Look, Place, Program, Receipts, last_words, said};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::check::{Broken, Picture, Reference};
use crate::files::{holding, unfinished};
use crate::program::{Injection, Work};

/// How often a look is tried again, and how long is waited in between: a server may be coming up again.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);
/// How long a program may go on after one of its threads could not be woken.
const LONGEST_UNWOKEN: Duration = Duration::from_secs(10);
/// How strace marks a call that it made to go wrong.
const INJECTED: &str = "(INJECTED)";

/// A project and a target that one trial may do with as it likes.
pub(crate) struct Ground {
    pub(crate) program: Program,
    pub(crate) reference: Arc<Reference>,
    pub(crate) work: Work,
    /// What the work exits with when nothing is wrong.
    pub(crate) code: i32,
    pub(crate) project: PathBuf,
    /// Where the target is.
    pub(crate) place: Place,
    /// How the program gets there: the same, or a line on which things go wrong.
    pub(crate) way: Place,
    pub(crate) canaries: Vec<String>,
    /// What the observer has seen.
    pub(crate) acknowledged: Receipts,
}

impl Ground {
    pub(crate) fn start(&self) -> Result<Child> {
        self.program.start(self.work.verb(), &self.project, Some(&self.way))
    }

    pub(crate) fn start_with(&self, injection: &Injection) -> Result<Child> {
        injection.start(&self.program, self.work, &self.project, &self.way)
    }

    /// Waits for a program of which calls go wrong. A thread that could not be woken may keep it waiting for ever, and
    /// no disk and no line has to do with that: it is killed then, which it must stand as well.
    pub(crate) fn outlast(&self, mut child: Child) -> Result<Ended> {
        let mut unwoken = Duration::ZERO;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Ended::from(status));
            }
            sleep(PAUSE);
            if unwoken > LONGEST_UNWOKEN {
                kill_process_group(Pid::from_child(&child), Signal::KILL)?;
                return child.wait().map(Ended::from);
            }
            if !unwoken.is_zero() || self.wakes_refused()? {
                unwoken += PAUSE;
            }
        }
    }

    /// The name of the target's database on its server; empty for a file.
    pub(crate) fn database(&self) -> &str {
        match &self.place {
            Place::Server(url) => url.rsplit('/').next().unwrap_or_default(),
            Place::File(_) => "",
        }
    }

    /// Looks which receipts are there now, as an observer beside the program does.
    pub(crate) fn watch(&mut self) -> Result<()> {
        let mut look = Look::at(&self.place)?;
        let seen = look.receipts(&self.reference.run)?;
        self.acknowledged.join(seen);
        look.close()
    }

    /// What the target holds at one moment.
    fn picture(&self) -> Result<Picture> {
        let mut look = Look::at(&self.place)?;
        look.execute(match self.place {
            Place::File(_) => "BEGIN",
            Place::Server(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        })?;
        let run = &self.reference.run;
        let (rows, receipts, written) = (look.rows()?, look.receipts(run)?, look.written(run)?);
        look.execute("COMMIT")?;
        look.close()?;
        Ok(Picture { rows, receipts, written })
    }

    /// As [`Ground::picture`], from a target that may be busy or coming up again.
    fn patient_picture(&self) -> Result<Picture> {
        let mut last = Error::other("not tried");
        for _ in 0..LOOKS {
            match self.picture() {
                Ok(picture) => return Ok(picture),
                Err(error) => last = error,
            }
            sleep(PAUSE);
        }
        Err(last)
    }

    /// What does not hold now that the program is not at work. What is found counts as acknowledged from now on: a
    /// program that starts now trusts it.
    pub(crate) fn inspect(&mut self) -> Result<Broken> {
        let found = self.patient_picture()?;
        let mut broken = self.reference.after_a_fault(&self.acknowledged, &found);
        self.acknowledged.join(found.receipts);
        broken += self.secrecy()?;
        Ok(broken)
    }

    /// What of a sealed run, or of what the program said, names somebody.
    fn secrecy(&self) -> Result<Broken> {
        let mut broken = Broken::default();
        for path in holding(&self.project.join("runs"), &self.canaries)? {
            let path = path.strip_prefix(&self.project).unwrap_or(&path).display().to_string();
            broken += Broken::finding(format!("{path} of a sealed run names a person"));
        }
        let said = said(&self.project);
        if self.canaries.iter().any(|canary| said.contains(canary)) {
            broken += Broken::finding("what was printed names a person");
        }
        Ok(broken)
    }

    /// Runs the work again, undisturbed.
    pub(crate) fn resume(&self) -> Result<Broken> {
        let ended = self.program.run(self.work.verb(), &self.project, Some(&self.place))?;
        Ok(if ended == Ended::Code(self.code) {
            Broken::default()
        } else {
            Broken::finding(format!("run again it ended with {ended:?}: {}", last_words(&self.project)))
        })
    }

    /// What is not as an undisturbed run leaves it.
    pub(crate) fn finish(&self) -> Result<Broken> {
        let mut broken = self.reference.at_the_end(&self.patient_picture()?.rows);
        for path in unfinished(&self.project)? {
            let path = path.strip_prefix(&self.project).unwrap_or(&path).display().to_string();
            broken += Broken::finding(format!("{path} was left behind"));
        }
        broken += self.secrecy()?;
        Ok(broken)
    }

    /// What does not hold of how a disturbed program ended: it may fail, and may not crash. Where a thread could not be
    /// woken it may: no disk and no line has to do with that.
    pub(crate) fn ended(&self, ended: Ended) -> Result<Broken> {
        Ok(match ended {
            Ended::Code(_) | Ended::Killed => Broken::default(),
            Ended::Crashed if self.wakes_refused()? => Broken::default(),
            Ended::Crashed => Broken::finding(format!("it crashed: {}", last_words(&self.project))),
        })
    }

    /// Whether a call of the program was made to go wrong.
    pub(crate) fn injected(&self) -> Result<bool> {
        Ok(self.calls()?.contains(INJECTED))
    }

    /// Whether a call by which one thread wakes another was made to go wrong; not where strace was not there.
    fn wakes_refused(&self) -> Result<bool> {
        let refused = |call: &str| call.contains("anon_inode:[eventfd]") && call.contains(INJECTED);
        Ok(self.noted().exists() && self.calls()?.lines().any(refused))
    }

    fn noted(&self) -> PathBuf {
        self.project.with_extension("calls")
    }

    /// The calls that strace noted.
    fn calls(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(self.noted())?).into_owned())
    }

    /// Looks into the target to spoil it: for negative controls.
    pub(crate) fn spoil(&self, sql: &str) -> Result<()> {
        let mut look = Look::at(&self.place)?;
        look.execute(sql)?;
        look.close()
    }

    /// Sees what is acknowledged, and takes the log beside the target away in which what was committed last still is.
    /// The look goes to a copy: whoever leaves a file as the last one folds its log into it. A work that was killed
    /// before it opened the target, or after it left it, has no log there to lose.
    pub(crate) fn lose_log(&mut self) -> Result<()> {
        let Place::File(path) = &self.place else { return Err(Error::other("a server's log is its own")) };
        let copy = path.with_extension("copy");
        let log = |of: &Path| PathBuf::from(format!("{}-wal", of.display()));
        if !log(path).exists() {
            return self.watch();
        }
        fs::copy(path, &copy)?;
        fs::copy(log(path), log(&copy))?;
        let mut look = Look::at(&Place::File(copy.clone()))?;
        self.acknowledged.join(look.receipts(&self.reference.run)?);
        look.close()?;
        fs::remove_file(copy)?;
        fs::remove_file(log(path))
    }
}
