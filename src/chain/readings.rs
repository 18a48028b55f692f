//! What is read of sources that go on changing: now, or as it was read last.

use std::collections::BTreeMap;
use std::mem;

use bron_extract::{Consistency, ErrorKind, StageRequest, StagedBefore, adopt_table, table_dir};
use bron_mappings::{Artefact, Digest};
use bron_reconcile::summary::SystemReading;

use super::earlier::{drift_meanwhile, is_reading};
use super::formats::{list_in, numbered};
use super::reconciliation::SUMMARY_FILE;
use super::run::{Content, Run};
use super::{Chain, pause, vaults};
use crate::failure::{Failure, whole};
use crate::patience::persist;
use crate::printer::Printer;
use crate::project::OpenSource;
use crate::settings::Settings;

/// How each system was read, as JSON.
pub(super) const READINGS_FILE: &str = "readings.json";

/// Which content of live sources a verb works on. Files are always read as they lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// What is there now.
    Now,
    /// What was read last: a production system is not read again for every change of a mapping.
    LastRead,
    /// What was read last when nothing came of it yet, else what is there now.
    Unfinished,
}

/// The digests that name the content of the sources, and whether live ones stand for what was read before.
pub(super) fn fingerprints(
    settings: &Settings,
    printer: &Printer,
    sources: &mut BTreeMap<String, OpenSource>,
    moment: Moment,
) -> Result<(BTreeMap<String, Digest>, bool), Failure> {
    let last = Run::last_reading(settings, is_reading);
    let again = match moment {
        Moment::Now => false,
        Moment::LastRead => true,
        Moment::Unfinished => last.as_ref().is_some_and(|last| !is_finished(settings, last)),
    };
    let again = again && sources.keys().any(|system| settings.is_live(system));
    let mut fingerprints = BTreeMap::new();
    for (system, open) in sources {
        let read_before = last.as_ref().and_then(|last| last.sources.get(system));
        let stands = again && settings.is_live(system);
        let fingerprint = match read_before.filter(|_| stands) {
            Some(digest) => *digest,
            None if stands => {
                let problem = format!("system {system} has not been read yet");
                return Err(Failure::config(problem).hint("run `bron extract` first"));
            }
            None => fingerprint(settings, printer, system, open)?,
        };
        fingerprints.insert(system.clone(), fingerprint);
    }
    Ok((fingerprints, again))
}

/// Fixes the point at which a system is read, and names its content.
pub(super) fn fingerprint(
    settings: &Settings,
    printer: &Printer,
    system: &str,
    open: &mut OpenSource,
) -> Result<Digest, Failure> {
    let OpenSource { source, tries, .. } = open;
    let fixed = persist(tries, system, |line, time| pause(printer, line, time), || source.fingerprint());
    fixed.map_err(|error| Failure::of_source(system, error, &settings.again()))
}

/// Whether some run, by whatever mapping files, compared the content of this reading to its end.
fn is_finished(settings: &Settings, reading: &Content) -> bool {
    let runs = Run::staged(&settings.runs());
    let mut live = reading.sources.iter().filter(|(system, _)| settings.is_live(system));
    live.any(|(system, content)| {
        let mut same = runs.iter().filter(|run| run.has(system, Some(content)));
        same.any(|run| run.dir.join(SUMMARY_FILE).is_file())
    })
}

impl Chain<'_> {
    /// Goes over to the points that took the place of lost ones, and names what they show. Stops when the tables of a
    /// system are others than before.
    pub(super) fn take_new_points(&mut self, lost: BTreeMap<String, Digest>) -> Result<(), Failure> {
        let (printer, again) = (self.printer, self.settings.again());
        for (system, mut digest) in lost {
            printer.say(&format!(
                "{system}: the moment that was read is lost, and the content may have changed since; all of its tables \
                 are read again"
            ));
            let open = self.sources.get_mut(&system).expect("only open sources are read");
            let OpenSource { source, tables, tries } = open;
            let mut at_first = true;
            let found = persist(
                tries,
                &system,
                |line, time| pause(printer, line, time),
                || {
                    if !mem::replace(&mut at_first, false) {
                        digest = source.fingerprint()?;
                    }
                    source.tables()
                },
            );
            let found = found.map_err(|error| Failure::of_source(&system, error, &again))?;
            if let Some(stop) = drift_meanwhile(&system, tables, &found, &again) {
                return Err(stop);
            }
            *tables = found;
            self.fingerprints.insert(system, digest);
        }
        Ok(())
    }

    /// Takes a table over from one of these runs, if it staged it from the same content. Says whether it is there now.
    /// Damage to an earlier run is told, and keeps nobody from reading the source.
    pub(super) fn adopt(&self, runs: &[Content], request: &StageRequest<'_>) -> Result<bool, Failure> {
        for run in runs.iter().filter(|run| run.has(request.system, Some(&request.fingerprint))) {
            // What nobody can open any more, or only with another key, cannot be taken over.
            let Ok(vault) = vaults::of(self.settings, &run.dir, &run.run) else { continue };
            let dir = table_dir(&run.dir, request.system, &request.table.name);
            match adopt_table(request, StagedBefore { dir: &dir, vault: Some(&vault) }) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Missing) => {
                    let (system, table, run) = (request.system, &request.table.name, &run.run);
                    let what = whole(&error);
                    self.printer.say(&format!("{system}/{table} is not taken over from run {run}: {what}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    /// The failure of a table that would have to be read again when it may not be.
    pub(super) fn not_read(&self, system: &str, table: &str) -> Failure {
        let problem =
            format!("{system}/{table} was not read, or not with all the columns that the mappings want");
        let project = self.settings.project.display();
        Failure::config(problem).hint(format!("read the sources again: bron extract --project {project}"))
    }

    /// Notes how each system was read. What stands for an earlier reading is noted as it was then.
    pub(super) fn note_readings(&self, runs: &[Content]) -> Result<(), Failure> {
        let mut readings = Vec::new();
        for (system, open) in &self.sources {
            let is_again = self.again && self.settings.is_live(system);
            let before = is_again.then(|| self.reading_before(runs, system)).flatten();
            let now = || {
                let before = self.readings().unwrap_or_default();
                let before = before.iter().find(|one| one.system == *system).map_or(0, |one| one.retries);
                reading(system, &open.source.consistency(), before + u64::from(open.tries.made()))
            };
            readings.push(before.unwrap_or_else(now));
        }
        self.run.write_json(READINGS_FILE, &numbered(Artefact::Readings, &readings))
    }

    fn reading_before(&self, runs: &[Content], system: &str) -> Option<SystemReading> {
        let same = runs.iter().filter(|run| run.has(system, self.fingerprints.get(system)));
        let noted = same.filter_map(|run| std::fs::read_to_string(run.dir.join(READINGS_FILE)).ok());
        let mut noted = noted.filter_map(|text| list_in::<SystemReading>(&text).ok());
        noted.find_map(|readings| readings.into_iter().find(|one| one.system == system))
    }

    /// How each system was read.
    pub(super) fn readings(&self) -> Result<Vec<SystemReading>, Failure> {
        let path = self.run.dir.join(READINGS_FILE);
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
        let readings = text.and_then(|text| list_in(&text).map_err(|error| error.to_string()));
        readings.map_err(|error| {
            Failure::config(format!("cannot use {}: {error}", path.display()))
                .hint("run `bron extract` first")
        })
    }
}

fn reading(system: &str, consistency: &Consistency, retries: u64) -> SystemReading {
    let (how, at, why_not) = match consistency {
        Consistency::Point { how, at } => (Some((*how).to_owned()), at.clone(), None),
        Consistency::None { why } => (None, String::new(), Some(why.clone())),
    };
    SystemReading { system: system.to_owned(), how, at, why_not, retries }
}
