//! A power cut: what had reached the disk at one moment is looked at as if the machine had come up again with it.
//!
//! Project and target lie in a file system of their own on a loop device, over a file. While the program stands still
//! the file is copied: it holds what the file system wrote to its device, and nothing that was only in memory. Each
//! copy is checked, mounted in the place of the original, looked at, and the work is run again on it.

use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use bron_outside::{Draw, Kind, Look, Receipts, walk};
use rustix::process::{Pid, Signal, kill_process};

use super::{Tried, note_acknowledged};
use crate::bench::Bench;
use crate::check::Broken;
use crate::ground::Ground;
use crate::program::{Injection, Work, wait};
use crate::stage::Start;

/// Room for a project and its target.
const BYTES: u64 = 24 << 20;
/// Moments of one run that are looked at.
const MOMENTS: u64 = 4;
/// One in so many trials runs the whole chain.
const WHOLE: u64 = 4;
/// What a part that is finished is known by, and how many of the newest may not have been waited for yet: tables are
/// read side by side.
const FINISHED: &str = "manifest.json";
const NEWEST: usize = 4;
/// How long to wait until every thread stands still.
const LOOKS: u32 = 2000;

/// What the disk does with what it is told to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    /// It keeps it.
    Honest,
    /// It says that it does: no call to flush reaches it. For the negative control.
    Deaf,
}

/// A moment at which the power was cut.
struct Moment {
    image: PathBuf,
    acknowledged: Receipts,
    /// Files of the run that were finished, with their bytes.
    finished: Vec<(PathBuf, Vec<u8>)>,
}

/// A file system over a file. Unmounted when dropped.
struct Device<'f> {
    folder: &'f Path,
}

impl<'f> Device<'f> {
    fn mount(image: &Path, folder: &'f Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        call(Command::new("mount").args(["-o", "loop"]).arg(image).arg(folder), &[0])?;
        Ok(Self { folder })
    }
}

impl Drop for Device<'_> {
    fn drop(&mut self) {
        // A child that was just killed may still be there for a moment.
        for _ in 0..50 {
            if call(Command::new("umount").arg(self.folder), &[0]).is_ok() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        drop(call(Command::new("umount").arg("--lazy").arg(self.folder), &[0]));
    }
}

fn call(command: &mut Command, codes: &[i32]) -> Result<()> {
    let done = command.output()?;
    if done.status.code().is_some_and(|code| codes.contains(&code)) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    Err(Error::other(format!("{}: {said}", command.get_program().display())))
}

fn format(image: &Path) -> Result<()> {
    fs::File::create(image)?.set_len(BYTES)?;
    call(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(image), &[0])
}

/// Whether file systems over files can be mounted here.
pub(super) fn is_possible() -> bool {
    let Ok(folder) = tempfile::tempdir() else { return false };
    let image = folder.path().join("image");
    format(&image).is_ok() && Device::mount(&image, &folder.path().join("tried")).is_ok()
}

/// Cuts the power at some moments of one run and looks at each of them.
pub(crate) fn cut(bench: &mut Bench, draw: &mut Draw, disk: Disk) -> Result<Tried> {
    let start = *draw.one_of(&Start::ALL);
    let work = if draw.below(WHOLE) == 0 && disk == Disk::Honest { Work::Migrate } else { Work::Load };
    let (folder, image) = (bench.folder.join("disk"), bench.folder.join("disk.image"));
    format(&image)?;
    let device = Device::mount(&image, &folder)?;
    let mut ground = bench.lay_in(&folder, &folder, Kind::Sqlite, start, work)?;
    call(Command::new("sync").arg("--file-system").arg(&folder), &[0])?;
    let pause = bench.lasts(Kind::Sqlite, start, work) / 5;
    let moments = run(&mut ground, draw, disk, pause, &image)?;
    drop(device);
    let text = format!("{} {}, {} moments", start.name(), work.verb(), moments.len());
    let mut tried = Tried { fault: text, ..Tried::default() };
    for moment in moments {
        tried.struck += 1;
        let found = look(&mut ground, moment, &folder, disk)?;
        tried.broken += found;
        note_acknowledged(&mut tried, &ground);
    }
    fs::remove_file(image)?;
    Ok(tried)
}

/// Runs the work and copies what is on the disk at some moments.
fn run(
    ground: &mut Ground,
    draw: &mut Draw,
    disk: Disk,
    pause: Duration,
    image: &Path,
) -> Result<Vec<Moment>> {
    let mut child = match disk {
        Disk::Honest => ground.start()?,
        Disk::Deaf => ground
            .start_with(&Injection { calls: "fsync,fdatasync".to_owned(), fault: "retval=0".to_owned() })?,
    };
    let mut moments = Vec::new();
    for number in 0..MOMENTS {
        let share = u32::try_from(draw.below(2000)).expect("below two thousand");
        sleep(pause * share / 1000);
        let Some(program) = stop(&child, disk)? else { break };
        let looked = ground.watch();
        let copy = image.with_extension(format!("cut-{number}"));
        if looked.is_ok() && child.try_wait()?.is_none() {
            fs::copy(image, &copy)?;
            let acknowledged = ground.acknowledged.clone();
            let finished = if disk == Disk::Honest { finished(&ground.project)? } else { Vec::new() };
            moments.push(Moment { image: copy, acknowledged, finished });
        }
        let _ = kill_process(program, Signal::CONT);
    }
    wait(&mut child)?;
    Ok(moments)
}

/// Stops every thread of the program; nothing when it has come to its end.
fn stop(child: &Child, disk: Disk) -> Result<Option<Pid>> {
    let mut pid = child.id().to_string();
    if disk == Disk::Deaf {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let Some(traced) = children.split_whitespace().next() else { return Ok(None) };
        pid = traced.to_owned();
    }
    let Some(program) = pid.parse().ok().and_then(Pid::from_raw) else { return Ok(None) };
    if kill_process(program, Signal::STOP).is_err() {
        return Ok(None);
    }
    for _ in 0..LOOKS {
        match stands_still(&pid) {
            Some(true) => return Ok(Some(program)),
            Some(false) => sleep(Duration::from_millis(1)),
            None => return Ok(None),
        }
    }
    Err(Error::other("the program does not stand still"))
}

/// Whether no thread of a process runs; nothing when it has ended.
fn stands_still(pid: &str) -> Option<bool> {
    let mut still = true;
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        let Ok(state) = fs::read_to_string(task.path().join("stat")) else { continue };
        let state = state.rsplit(") ").next().and_then(|rest| rest.chars().next());
        match state {
            Some('Z' | 'X') => return None,
            state => still &= matches!(state, Some('T' | 't')),
        }
    }
    Some(still)
}

/// The finished files of a run, but the newest.
fn finished(project: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let files = walk(&project.join("runs"))?.into_iter().filter(|path| path.ends_with(FINISHED));
    let dated = files.map(|path| Ok((fs::metadata(&path)?.modified()?, path)));
    let mut dated: Vec<(SystemTime, PathBuf)> = dated.collect::<Result<_>>()?;
    dated.sort();
    dated.truncate(dated.len().saturating_sub(NEWEST));
    dated.into_iter().map(|(_, path)| Ok((path.clone(), fs::read(path)?))).collect()
}

/// What does not hold when the machine comes up with what had reached the disk.
fn look(ground: &mut Ground, moment: Moment, folder: &Path, disk: Disk) -> Result<Broken> {
    call(Command::new("e2fsck").arg("-fp").arg(&moment.image), &[0, 1])?;
    let device = Device::mount(&moment.image, folder)?;
    let mut broken = Broken::default();
    for (path, bytes) in moment.finished {
        if fs::read(&path).ok() != Some(bytes) {
            let path = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            broken += Broken::finding(format!("{path} was finished and is not there"));
        }
    }
    ground.acknowledged = moment.acknowledged;
    broken += ground.inspect()?;
    let mut file = Look::at(&ground.place)?;
    if file.texts("PRAGMA integrity_check")?.concat() != ["ok"] {
        broken += Broken::finding("the file of the target is damaged");
    }
    file.close()?;
    if disk == Disk::Honest {
        broken += ground.resume()?;
        broken += ground.finish()?;
    }
    drop(device);
    fs::remove_file(moment.image)?;
    Ok(broken)
}
