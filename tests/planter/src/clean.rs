//! Cities that nobody damaged: nothing may be found in them.

use std::fs;
use std::io::{Error, Result};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::sight::Sight;

/// The most persons of such a city.
const PERSONS: u64 = 6;

/// A city in which something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// The seed of the city.
    pub seed: u64,
    /// Its persons.
    pub persons: u64,
    /// What was said.
    pub said: String,
}

/// How many persons the city with this seed has.
const fn persons(seed: u64) -> u64 {
    1 + seed % PERSONS
}

/// Makes cities with the seeds from `first` on, takes each through the whole chain, and gives those in which something
/// was found, by seed.
///
/// # Errors
/// When a city cannot be made.
pub fn clean(bron: &Path, first: u64, cities: u64, workers: usize) -> Result<Vec<Unclear>> {
    let folder = tempfile::Builder::new().prefix("bron-clean-").tempdir()?;
    let (next, found) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let work = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            if number >= cities {
                return Ok(());
            }
            let seed = first + number;
            let place = folder.path().join(seed.to_string());
            if let Some(said) = migrate(bron, &place, seed)? {
                let unclear = Unclear { seed, persons: persons(seed), said };
                found.lock().unwrap_or_else(PoisonError::into_inner).push(unclear);
            }
            fs::remove_dir_all(&place)?;
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers.max(1)).map(|_| scope.spawn(work)).collect();
        let ended =
            workers.into_iter().map(|worker| worker.join().map_err(|_| Error::other("a worker panicked"))?);
        ended.collect::<Result<Vec<()>>>()
    })?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|unclear| unclear.seed);
    Ok(found)
}

/// Takes a city through the whole chain. What was said when it is not what must be said.
fn migrate(bron: &Path, place: &Path, seed: u64) -> Result<Option<String>> {
    let ran = Command::new(bron)
        .args(["demo", "--quiet", "--output", "json", "--persons", &persons(seed).to_string()])
        .args(["--seed", &seed.to_string(), "--out"])
        .arg(place)
        .env_remove("BRON_TARGET")
        .output()?;
    let said = String::from_utf8_lossy(&ran.stdout);
    let code = ran.status.code().unwrap_or(-1);
    let Ok(sight) = Sight::read(code, &said) else {
        return Ok(Some(format!("code {code}: {}", String::from_utf8_lossy(&ran.stderr))));
    };
    Ok((!is_expected(&sight, &said)?).then(|| format!("{sight:?}")))
}

/// Whether nothing was found, and the verdict is the one for the rows that wait.
fn is_expected(sight: &Sight, said: &str) -> Result<bool> {
    let document: serde_json::Value = serde_json::from_str(said).map_err(Error::other)?;
    let tables = document["summary"]["tables"].as_array().ok_or_else(|| Error::other("no tables"))?;
    let held = tables.iter().filter_map(|table| table["quarantined"].as_object());
    let waits = held.flat_map(|reasons| reasons.values()).any(|rows| rows.as_u64() > Some(0));
    let (verdict, codes) = if waits { ("lika_med_karantan", &[0, 3][..]) } else { ("lika", &[0][..]) };
    Ok(sight.is_clear() && sight.verdict == verdict && codes.contains(&sight.code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(verdict: &str, held: u64) -> String {
        format!(
            r#"{{"verdict": "{verdict}", "findings": [], "unproven": [], "imbalances": [], "summary": {{
            "tables": [{{"quarantined": {{"D01": {held}}}}}], "controls": [], "references": {{"dangling": 0}},
            "secrecy": {{"unequal": []}}, "rows": {{"missing": 0, "unexpected": 0, "differs": 0, "nameless": 0}},
            "round_trip": {{"fields": [{{"differs": 0}}]}}}}}}"#
        )
    }

    #[test]
    fn the_verdict_must_be_the_one_for_the_rows_that_wait() {
        for (verdict, code, held, expected) in [
            ("lika", 0, 0, true),
            ("lika_med_karantan", 3, 2, true),
            ("lika_med_karantan", 0, 2, true),
            ("lika", 0, 2, false),
            ("lika_med_karantan", 0, 0, false),
            ("lika", 3, 0, false),
            ("ej_bevisat", 2, 0, false),
        ] {
            let said = said(verdict, held);
            let sight = Sight::read(code, &said).unwrap();
            assert_eq!(is_expected(&sight, &said).unwrap(), expected, "{verdict} {code} {held}");
        }
    }
}
