//! What runs are kept, for how long, and the end of their keys.

use std::path::{Path, PathBuf};

use bron_extract::{KEY_FILE, KeyState, Receipt, destroy_run_key, key_state};
use jiff::Timestamp;

use super::run::{Run, lock, now};
use crate::failure::Failure;
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
    /// The key was destroyed. `whole` is false when the destruction was cut short and has to be completed.
    Destroyed { receipt: Receipt, whole: bool },
}

/// Every run of the project that lies in this directory, in the order in which they were begun. Needs no key.
pub(crate) fn kept_runs(project: &Path) -> Result<Vec<Kept>, Failure> {
    let limit = retention_days(project)?;
    let today = Timestamp::now();
    let kept = Run::all(&runs(project)).into_iter().map(|(dir, run, begun)| {
        let standing = match key_state(&dir)? {
            KeyState::Absent => Standing::Plain,
            KeyState::Wrapped(key) => Standing::Sealed(key.sealed_by),
            KeyState::Destroyed(receipt) => {
                Standing::Destroyed { receipt, whole: !dir.join(KEY_FILE).exists() }
            }
        };
        let age_days = begun.as_deref().and_then(|begun| days_since(begun, today));
        let past = limit.zip(age_days).is_some_and(|(limit, age)| age >= i64::from(limit));
        let overdue = past && !matches!(standing, Standing::Destroyed { whole: true, .. });
        Ok(Kept { run, dir, begun, age_days, standing, overdue })
    });
    kept.collect()
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
}
