//! Other people's programs, run as somebody that they accept.

use std::fs::Permissions;
use std::io::{Error, ErrorKind, Read as _, Result, Seek as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::certificates::Certified;

/// The first of these folders, or else of the search path, that has all these programs.
pub(crate) fn find(places: Vec<PathBuf>, programs: &[&str], package: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let complete = |place: &PathBuf| programs.iter().all(|program| place.join(program).is_file());
    places.into_iter().chain(std::env::split_paths(&path)).find(complete).ok_or_else(|| {
        let missing = programs.join(" and ");
        Error::new(ErrorKind::NotFound, format!("{missing} not installed: apt-get install {package}"))
    })
}

pub(crate) fn is_root() -> Result<bool> {
    Ok(Command::new("id").arg("-u").output()?.stdout.trim_ascii() == b"0")
}

/// The program, run as `user` when the tests run as root: database servers refuse root.
pub(crate) fn unprivileged(program: &Path, user: &str) -> Result<Command> {
    let mut command;
    if is_root()? {
        command = Command::new("setpriv");
        command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg("--clear-groups");
        command.arg(program);
    } else {
        command = Command::new(program);
    }
    command.current_dir("/");
    Ok(command)
}

/// Gives a directory to `user` when the tests run as root.
pub(crate) fn hand_over(directory: &Path, user: &str) -> Result<()> {
    if is_root()? { run(Command::new("chown").arg(user).arg(directory)) } else { Ok(()) }
}

/// Writes a certificate and its key into a folder where `user` alone can read them: their paths.
pub(crate) fn write_certified(folder: &Path, certified: &Certified, user: &str) -> Result<[PathBuf; 2]> {
    let paths = [folder.join("server.crt"), folder.join("server.key")];
    for (path, text) in paths.iter().zip([&certified.certificate, &certified.key]) {
        std::fs::write(path, text)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        hand_over(path, user)?;
    }
    Ok(paths)
}

pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Runs a program to its end. What it said is in the error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    // A server that inherited the pipes would keep them open: what it says goes to a file.
    let said = tempfile::tempfile()?;
    let status = command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said.try_clone()?).status()?;
    if status.success() {
        return Ok(());
    }
    let mut text = String::new();
    (&said).rewind()?;
    (&said).read_to_string(&mut text)?;
    Err(Error::other(format!("{} failed: {text}", command.get_program().display())))
}
