//! The findings of the project's reconciliation before this one.
//!
//! Which one that is stands in a number that every reconciliation of a project counts on, and not in the time of day.
//! Its findings are set aside before the new ones are written, because it may have been about the same run. The record
//! is written when everything else of a reconciliation has been: one that was cut short leaves no trace, and the next
//! compares with the same one before.

use std::path::{Path, PathBuf};

use bron_extract::{MANIFEST_FILE, Manifest, Vault};
use bron_mappings::Artefact;
use bron_reconcile::findings::FindingsBefore;
use serde::{Deserialize, Serialize};

use super::sorted::{Merged, SortedRuns, Sorter};
use super::stored::{self, StoredFinding};
use super::{FINDINGS, RECORD_FILE};
use crate::chain::run::{Run, write_json};
use crate::chain::{Chain, vaults};
use crate::failure::{Class, Failure};

/// Where findings are set aside, in the directory of the run, and the record of them.
const ASIDE: &str = "findings-before";
const ASIDE_RECORD: &str = "findings-before.json";

/// What a reconciliation left: written last.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Record {
    format: u32,
    run: String,
    /// The place among the reconciliations of the project's runs, from 1; 0 for one of the first format.
    sequence: u64,
}

impl Record {
    /// The record in a directory of a run; one of the first format is known by its list of findings.
    fn of(dir: &Path, run: &str) -> Option<Self> {
        if let Some(record) = Self::read(&dir.join(RECORD_FILE)) {
            return Some(record);
        }
        let findings = Manifest::load(&dir.join(FINDINGS).join(MANIFEST_FILE)).ok()?;
        let first = Self { format: Artefact::Findings.oldest(), run: run.to_owned(), sequence: 0 };
        (!stored::is_newest(&findings.schema)).then_some(first)
    }

    fn read(path: &Path) -> Option<Self> {
        serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
    }
}

/// The reconciliation before.
pub(super) struct Before {
    /// Which it is; `None` for the first of a project.
    pub(super) told: Option<FindingsBefore>,
    /// Its findings, where they can be read.
    findings: Option<SortedRuns>,
    /// The record that this reconciliation will leave.
    next: Record,
    dir: PathBuf,
}

impl Before {
    /// Finds the reconciliation before and sets its findings aside.
    pub(super) fn set_aside(chain: &Chain<'_>) -> Result<Self, Failure> {
        let (dir, run) = (chain.run.dir.clone(), &chain.run.id);
        let aside = Record::read(&dir.join(ASIDE_RECORD)).filter(|_| !dir.join(RECORD_FILE).exists());
        let own = aside.clone().or_else(|| Record::of(&dir, run));
        let other = latest(&chain.settings.runs(), &dir);
        let own = own.filter(|own| other.as_ref().is_none_or(|(_, other)| own.sequence >= other.sequence));
        let sequence = match (&own, &other) {
            (Some(own), _) => own.sequence.max(1),
            (None, Some((_, other))) => other.sequence + 1,
            (None, None) => 1,
        };
        let next = Record { format: Artefact::Findings.newest(), run: run.clone(), sequence };
        let mut before = Self { told: None, findings: None, next, dir };
        match (own, other) {
            (Some(_), _) if aside.is_some() => {
                let set_aside = SortedRuns::open(&before.dir.join(ASIDE), &chain.run.vault);
                before.take(chain, run, set_aside)?;
            }
            (Some(own), _) => {
                let (from, vault) = (before.dir.clone(), chain.run.vault.clone());
                let copied = before.copy(chain, (&from, run), &vault);
                before.take(chain, run, copied)?;
                write_json(&before.dir.join(ASIDE_RECORD), &own)?;
            }
            (None, Some((from, other))) => {
                remove(&before.dir.join(ASIDE_RECORD))?;
                let copied = vaults::of(chain.settings, &from, &other.run)
                    .and_then(|vault| before.copy(chain, (&from, &other.run), &vault));
                before.take(chain, &other.run, copied)?;
            }
            (None, None) => {}
        }
        remove(&before.dir.join(RECORD_FILE))?;
        Ok(before)
    }

    /// Copies the findings of a run, which need not be sorted.
    fn copy(
        &self,
        chain: &Chain<'_>,
        (from, run): (&Path, &str),
        vault: &Vault,
    ) -> Result<SortedRuns, Failure> {
        let dir = from.join(FINDINGS);
        let manifest = Manifest::open(&dir, vault)?;
        let mut sorter = Sorter::create(&self.dir.join(ASIDE), &chain.run.vault)?;
        for batch in manifest.read(&dir, None, chain.settings.batch_rows)? {
            let batch = batch?;
            for row in 0..batch.rows() {
                let mut finding = StoredFinding::read(&batch, row);
                for seen in [&mut finding.first_seen, &mut finding.last_seen] {
                    if seen.is_empty() {
                        run.clone_into(seen);
                    }
                }
                sorter.push(finding)?;
            }
        }
        sorter.finish()
    }

    /// Takes what was set aside. Findings that nobody can read any more keep no reconciliation back.
    fn take(
        &mut self,
        chain: &Chain<'_>,
        run: &str,
        found: Result<SortedRuns, Failure>,
    ) -> Result<(), Failure> {
        let unreadable = match found {
            Ok(found) => {
                self.findings = Some(found);
                None
            }
            Err(failure) if failure.class == Class::Retryable => return Err(failure),
            Err(failure) => {
                chain
                    .printer
                    .say(&format!("the findings of run {run} are not compared: {}", failure.message));
                let why = match failure.class {
                    Class::Config => "körningens nyckel finns inte",
                    Class::Data | Class::Safety | Class::Retryable => "filerna är borta eller skadade",
                };
                Some(why.to_owned())
            }
        };
        self.told = Some(FindingsBefore { run: run.to_owned(), unreadable });
        Ok(())
    }

    /// Its findings, in order.
    pub(super) fn iter(
        &self,
    ) -> Result<impl Iterator<Item = Result<StoredFinding, Failure>> + use<>, Failure> {
        let found: Option<Merged> = self.findings.as_ref().map(SortedRuns::iter).transpose()?;
        Ok(found.into_iter().flatten())
    }

    /// Whether it had findings, or may have had.
    pub(super) fn says_something(&self) -> bool {
        self.findings.as_ref().map_or(self.told.is_some(), |found| found.rows() > 0)
    }

    /// Makes this reconciliation the one before the next.
    pub(super) fn commit(self) -> Result<(), Failure> {
        write_json(&self.dir.join(RECORD_FILE), &self.next)?;
        remove(&self.dir.join(ASIDE_RECORD))?;
        let aside = self.dir.join(ASIDE);
        if aside.exists() {
            std::fs::remove_dir_all(&aside).map_err(|error| cannot(&aside, &error))?;
        }
        Ok(())
    }
}

/// The directory of the run that was reconciled last.
pub(in crate::chain) fn last_reconciled(runs: &Path) -> Option<PathBuf> {
    latest(runs, Path::new("")).map(|(dir, _)| dir)
}

/// The latest reconciliation of the project's other runs, with the directory of its run.
fn latest(runs: &Path, own: &Path) -> Option<(PathBuf, Record)> {
    let others = Run::reconciled(runs).filter(|(dir, ..)| dir != own);
    let found = others.filter_map(|(dir, run, ended)| {
        let record = Record::of(&dir, &run)?;
        Some(((record.sequence, ended, run), (dir, record)))
    });
    found.max_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, found)| found)
}

fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(cannot(path, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::config(format!("cannot remove {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_the_newest_format_is_read_and_an_older_list_is_known_by_its_columns() {
        let guard = tempfile::tempdir().unwrap();
        assert!(Record::of(guard.path(), "r").is_none());
        let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/formats/findings.json");
        let findings = guard.path().join(FINDINGS);
        std::fs::create_dir(&findings).unwrap();
        std::fs::copy(case, findings.join(MANIFEST_FILE)).unwrap();
        let first = Record::of(guard.path(), "r").unwrap();
        assert_eq!((first.format, first.sequence, first.run.as_str()), (1, 0, "r"));
        let newest = Record { format: 2, run: "r".to_owned(), sequence: 7 };
        write_json(&guard.path().join(RECORD_FILE), &newest).unwrap();
        assert_eq!(Record::of(guard.path(), "r").unwrap().sequence, 7);
    }
}
