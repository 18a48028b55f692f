//! What runs are kept, for how long, and the end of their keys.

use std::path::{Path, PathBuf};

use bron_extract::{KEY_FILE, KeyState, Receipt, destroy_run_key, key_state};
use jiff::Timestamp;

use super::run::{Run, lock, noted, now};
use crate::failure::{Failure, whole};
use crate::settings::{retention_days, runs};

const SECONDS_PER_DAY: i64 = 86_400;

/// A run of a project, as whoever decides about it sees it.
pub(crate) struct Kept {
    pub(crate) run: String,
    pub(crate) dir: PathBuf,
    /// When work on it began.
    pub(crate) begun: Option<String>,
    /// Whole days since then.
    pub(crate) age_days: Option<i64>,
    pub(crate) standing: Standing,
    /// Whether the project keeps it longer than it decided to.
    pub(crate) overdue: bool,
}

/// How the rows of a run are kept.
pub(crate) enum Standing {
    /// In the clear.
    Plain,
    /// Sealed, with a key that the master key of this fingerprint wraps.
    Sealed(String),
    /// Sealed, with a key that cannot be read, for this reason. It can be destroyed all the same.
    Unreadable(String),
    /// The key was destroyed. `whole` is false when the destruction was cut short and has to be completed.
    Destroyed { receipt: Receipt, whole: bool },
}

/// Every run of the project that lies in this directory, in the order in which they were begun. Needs no key. A run
/// that cannot be made out, or whose key cannot be read, is among them: it holds rows like any other.
pub(crate) fn kept_runs(project: &Path) -> Result<Vec<Kept>, Failure> {
    let limit = retention_days(project)?;
    let today = Timestamp::now();
    let all = Run::all(&runs(project)).into_iter();
    let mut kept: Vec<Kept> = all.map(|(dir, run, begun)| Kept::of(dir, run, begun, limit, today)).collect();
    kept.sort_by(|a, b| (&a.begun, &a.run).cmp(&(&b.begun, &b.run)));
    Ok(kept)
}

impl Kept {
    fn of(dir: PathBuf, run: String, begun: Option<String>, limit: Option<u32>, today: Timestamp) -> Self {
        let standing = Standing::of(&dir);
        let begun = begun.or_else(|| key_drawn(&dir));
        let age_days = begun.as_deref().and_then(|begun| days_since(begun, today));
        let past = limit.zip(age_days).is_some_and(|(limit, age)| age >= i64::from(limit));
        let overdue = past && !matches!(standing, Standing::Destroyed { whole: true, .. });
        Self { run, dir, begun, age_days, standing, overdue }
    }
}

impl Standing {
    fn of(dir: &Path) -> Self {
        match key_state(dir) {
            Ok(KeyState::Absent) => Self::Plain,
            Ok(KeyState::Wrapped(key)) => Self::Sealed(key.sealed_by),
            Ok(KeyState::Destroyed(receipt)) => {
                Self::Destroyed { receipt, whole: !dir.join(KEY_FILE).exists() }
            }
            Err(error) => Self::Unreadable(whole(&error)),
        }
    }
}

/// When the key of a run was written: when work on the run began, where the run does not say so itself.
fn key_drawn(dir: &Path) -> Option<String> {
    let written = std::fs::metadata(dir.join(KEY_FILE)).ok()?.modified().ok()?;
    Some(noted(Timestamp::try_from(written).ok()?))
}

fn days_since(begun: &str, today: Timestamp) -> Option<i64> {
    let begun: Timestamp = begun.parse().ok()?;
    Some((today.as_second() - begun.as_second()) / SECONDS_PER_DAY)
}

/// Destroys the key of a run, while no other process works on it.
pub(crate) fn shred(kept: &Kept) -> Result<Receipt, Failure> {
    let _lock = lock(&kept.dir)?;
    Ok(destroy_run_key(&kept.dir, &now())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_days_since_the_run_was_begun() {
        let today: Timestamp = "2024-12-31T12:00:00Z".parse().unwrap();
        assert_eq!(days_since("2024-12-31T11:00:00Z", today), Some(0));
        assert_eq!(days_since("2024-12-01T12:00:01Z", today), Some(29));
        assert_eq!(days_since("2024-12-01T12:00:00Z", today), Some(30));
        assert_eq!(days_since("i går", today), None);
    }

    #[test]
    fn no_run_escapes_because_a_file_of_it_cannot_be_read() {
        let project = tempfile::tempdir().unwrap();
        let settings = "format = 1\nsecret = \"file:secret.key\"\ntarget = \"t.sqlite\"\n\
                        [staging]\nretention_days = 0\n";
        std::fs::write(project.path().join("bron.toml"), settings).unwrap();
        let run = |name: &str, file: &str, text: &str| {
            let dir = project.path().join("runs").join(name);
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(dir.join(file), text).unwrap();
        };
        run("damaged", "key.json", "{");
        run("undescribed", "run.json", "{");
        run("nothing", "notes.txt", "");
        let kept = kept_runs(project.path()).unwrap();
        let found: Vec<_> = kept.iter().map(|kept| (kept.run.as_str(), kept.overdue)).collect();
        assert_eq!(found, [("undescribed", false), ("damaged", true)]);
        assert!(matches!(kept[0].standing, Standing::Plain));
        assert!(matches!(&kept[1].standing, Standing::Unreadable(why) if why.contains("key.json")));

        assert_eq!(shred(&kept[1]).unwrap().sealed_by, bron_extract::UNKNOWN_KEY);
        let kept = kept_runs(project.path()).unwrap();
        let damaged = kept.iter().find(|kept| kept.run == "damaged").unwrap();
        assert!(matches!(damaged.standing, Standing::Destroyed { whole: true, .. }) && !damaged.overdue);
    }
}
