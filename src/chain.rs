//! Which artefact feeds which stage: the order of the work and nothing of the work itself.
//!
//! A run is named by its content: the mapping files, the sources as they lie, the day of reading and the
//! installation. Everything it makes lies in `runs/<id>/`; every artefact there is whole or absent, so a
//! run that was killed goes on where it stopped, and a run that is complete has nothing left to do.

mod coverage;
mod derived;
mod earlier;
mod effect;
mod explain;
mod extraction;
mod files;
mod formats;
mod identity;
mod keeping;
mod lanes;
mod loading;
mod lookups;
mod plan;
mod quality;
mod quarantine;
mod readings;
mod reconciliation;
mod refused;
mod retention;
mod retirement;
mod run;
mod seal;
mod transformation;
mod vaults;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bron_mappings::{Digest, Mapping, MappingSet};

use crate::failure::Failure;
use crate::patience::wait;
use crate::printer::Printer;
use crate::project::{OpenSource, check_files, known_tables, mapping_files, open_sources, require_as_of};
use crate::settings::Settings;

pub(crate) use coverage::{Profiles, profiles, unlisted_codes};
pub(crate) use earlier::{LastReading, shapes};
pub(crate) use effect::{Measured, measure};
pub(crate) use explain::{Explained, Shown, Story};
pub(crate) use extraction::{StagedTable, StagedTables};
use formats::require_known_formats;
pub(crate) use formats::sound_manifest;
use identity::Identities;
pub(crate) use keeping::{Kept, Standing, kept_runs, shred};
pub(crate) use loading::installation_mark;
pub(crate) use plan::LoadPlan;
pub(crate) use quarantine::{QUARANTINE_FILE, told};
pub(crate) use readings::Moment;
pub(crate) use reconciliation::{
    Limit, Looks, Outcome, Publication, SUMMARY_FILE, SampleSize, Shares, StoredFinding, WAIVERS_FILE,
    control_columns, control_fields, waivers_text,
};
pub(crate) use run::{Run, noted, now, witnessed};
pub(crate) use vaults::destroyed as key_destroyed;

/// Set when the operator asks to stop.
pub(crate) static STOP: AtomicBool = AtomicBool::new(false);

/// Everything that the stages share.
pub(crate) struct Chain<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) printer: &'a Printer,
    pub(crate) set: MappingSet,
    pub(crate) controls: BTreeMap<String, String>,
    pub(crate) sources: BTreeMap<String, OpenSource>,
    pub(crate) fingerprints: BTreeMap<String, Digest>,
    /// The digest of what people have decided about persons, which is content as well.
    decisions: Option<Digest>,
    /// Whether live sources stand for what was read of them before.
    again: bool,
    /// What makes `bron/identitet`; absent when no mapping says which rows are persons.
    identities: Option<Identities>,
    /// What makes `bron/gallring`; absent when the project has no personal files.
    retention: Option<Mapping>,
    pub(crate) run: Run,
    /// The digest of the plan that is carried out, if any.
    pub(crate) plan: Option<String>,
    /// What is wanted of the report.
    pub(crate) publication: Publication,
}

/// The content that names a run.
fn contents(fingerprints: &BTreeMap<String, Digest>, decisions: Option<Digest>) -> BTreeMap<String, Digest> {
    let decisions = decisions.map(|decisions| (identity::NAME.to_owned(), decisions));
    fingerprints.clone().into_iter().chain(decisions).collect()
}

/// Tells the operator of a source that cannot be read yet, and waits. Says whether to go on.
fn pause(printer: &Printer, line: &str, time: Duration) -> bool {
    printer.say(line);
    wait(time, || !STOP.load(Ordering::SeqCst))
}

/// What a stage did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// Artefacts or parts made now.
    pub(crate) done: u64,
    /// Artefacts or parts that were already there.
    pub(crate) reused: u64,
}

impl Work {
    pub(crate) fn count(&mut self, reused: bool) {
        if reused {
            self.reused += 1;
        } else {
            self.done += 1;
        }
    }
}

impl<'a> Chain<'a> {
    /// Checks the project and opens its run. Nothing is read from a source before the check is clean.
    pub(crate) fn open(
        settings: &'a Settings,
        printer: &'a Printer,
        moment: Moment,
    ) -> Result<Self, Failure> {
        require_known_formats(&settings.runs())?;
        let files = mapping_files(&settings.mappings)?;
        let parsed = MappingSet::parse(&files);
        let mut sources = open_sources(settings, &parsed.0, |line, time| pause(printer, line, time))?;
        let checked = check_files(files, parsed, &known_tables(&sources)).usable();
        let (set, files) = checked.map_err(|failure| earlier::or_drift(settings, &sources, failure))?;
        require_as_of(settings, &set)?;
        let (fingerprints, again) = readings::fingerprints(settings, printer, &mut sources, moment)?;
        let here = set.mappings.iter().filter(|mapping| sources.contains_key(&mapping.system));
        let (identities, decisions) = Identities::open(&settings.project, here)?.unzip();
        let here = set.mappings.iter().filter(|mapping| sources.contains_key(&mapping.system));
        let retention = retention::open(&set, settings.as_of.as_deref(), here);
        let decisions = decisions.flatten();
        let run = Run::open(settings, &set, &contents(&fingerprints, decisions))?;
        let controls = files.into_iter().filter(|(path, _)| path.starts_with("controls/")).collect();
        Ok(Self {
            settings,
            printer,
            set,
            controls,
            sources,
            fingerprints,
            decisions,
            again,
            identities,
            retention,
            run,
            plan: None,
            publication: Publication::default(),
        })
    }

    /// The mappings of the systems that this project has.
    pub(crate) fn mappings(&self) -> impl Iterator<Item = &Mapping> {
        self.set.mappings.iter().filter(|mapping| self.sources.contains_key(&mapping.system))
    }

    /// Every mapping that rows of the target name as theirs: those of the sources, that of the links and
    /// questions about persons, and that of the retention of files.
    pub(crate) fn produced_by(&self) -> impl Iterator<Item = &Mapping> {
        let identities = self.identities.iter().map(|identities| &identities.mapping);
        self.mappings().chain(identities).chain(&self.retention)
    }

    /// Whether nothing is read of live sources now: what was read of them before stands for them.
    pub(crate) const fn reads_nothing_new(&self) -> bool {
        self.again
    }

    /// Stops here when the operator asked for it. Everything made so far stays.
    pub(crate) fn go_on(&self) -> Result<(), Failure> {
        if STOP.load(Ordering::SeqCst) {
            return Err(Failure::interrupted(&self.settings.again()));
        }
        Ok(())
    }
}
