//! The differences that people have accepted, as the project states them.

use std::io::ErrorKind;
use std::path::Path;

use bron_mappings::{Model, Waivers};

use crate::failure::Failure;

/// Where a project states them.
pub(crate) const WAIVERS_FILE: &str = "waivers.toml";

/// Where the people who accept live: a day ends there.
const TIME_ZONE: &str = "Europe/Stockholm";

/// The text of the file; `None` where there is none.
pub(crate) fn text(project: &Path) -> Result<Option<String>, Failure> {
    let path = project.join(WAIVERS_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::config(format!("cannot read {}: {error}", path.display()))),
    }
}

/// The accepted differences of a project; none without the file.
pub(super) fn read(project: &Path, model: &Model) -> Result<Waivers, Failure> {
    let Some(text) = text(project)? else { return Ok(Waivers::default()) };
    let (waivers, found) = Waivers::parse(WAIVERS_FILE, &text, model);
    if found.is_empty() {
        return Ok(waivers);
    }
    let mut failure = Failure::config(format!("{} mistakes in {WAIVERS_FILE}", found.len()))
        .hint("nothing was compared; correct the file and reconcile again");
    failure.diagnostics = found;
    Err(failure)
}

/// The day by which waivers end, `YYYY-MM-DD`.
pub(super) fn today() -> String {
    let now = jiff::Timestamp::now();
    now.in_tz(TIME_ZONE).map_or_else(|_| now.to_string(), |now| now.date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_is_a_day() {
        let today = today();
        assert_eq!(today.parse::<jiff::civil::Date>().unwrap().to_string(), today);
    }

    #[test]
    fn a_project_without_the_file_accepts_nothing_and_a_mistake_is_told() {
        let project = tempfile::tempdir().unwrap();
        assert_eq!(read(project.path(), &Model::default()).unwrap(), Waivers::default());
        std::fs::write(project.path().join(WAIVERS_FILE), "format = 1\n[[waiver]]\nid = \"a\"\n").unwrap();
        let failure = read(project.path(), &Model::default()).unwrap_err();
        assert!(!failure.diagnostics.is_empty() && failure.message.contains(WAIVERS_FILE));
        std::fs::write(project.path().join(WAIVERS_FILE), "format = 2\n").unwrap();
        assert!(read(project.path(), &Model::default()).is_err());
    }
}
