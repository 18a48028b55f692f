//! Which artefact feeds which stage: the order of the work and nothing of the work itself.
//!
//! A run is named by its content: the mapping files, the sources as they lie, the day of reading and the
//! installation. Everything it makes lies in `runs/<id>/`; every artefact there is whole or absent, so a
//! run that was killed goes on where it stopped, and a run that is complete has nothing left to do.

mod coverage;
mod derived;
mod earlier;
mod effect;
mod extraction;
mod identity;
mod loading;
mod lookups;
mod quality;
mod readings;
mod reconciliation;
mod retention;
mod run;
mod seal;
mod transformation;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use bron_extract::PartOptions;
use bron_mappings::{Digest, Mapping, MappingSet};

use crate::failure::Failure;
use crate::printer::Printer;
use crate::project::{OpenSource, check_files, known_tables, mapping_files, open_sources, require_as_of};
use crate::settings::Settings;

pub(crate) use coverage::{Profiles, profiles, unlisted_codes};
pub(crate) use earlier::{LastReading, shapes};
pub(crate) use effect::{Measured, measure};
pub(crate) use extraction::{StagedTable, StagedTables};
use identity::Identities;
pub(crate) use readings::Moment;
pub(crate) use reconciliation::{Outcome, control_columns, control_fields};
pub(crate) use run::Run;

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
    /// Whether live sources stand for what was read of them before.
    again: bool,
    /// What makes `bron/identitet`; absent when no mapping says which rows are persons.
    identities: Option<Identities>,
    /// What makes `bron/gallring`; absent when the project has no personal files.
    retention: Option<Mapping>,
    pub(crate) run: Run,
}

/// How rows are cut into parts: several parts are built at the same time, so each is kept small.
fn part_options() -> PartOptions {
    const BYTES_PER_PART: usize = 16 << 20;
    PartOptions { rows_per_part: 32_768, bytes_per_part: BYTES_PER_PART, ..PartOptions::default() }
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
        let files = mapping_files(&settings.mappings)?;
        let parsed = MappingSet::parse(&files);
        let mut sources = open_sources(settings, &parsed.0)?;
        let checked = check_files(files, parsed, &known_tables(&sources)).usable();
        let (set, files) = checked.map_err(|failure| earlier::or_drift(settings, &sources, failure))?;
        require_as_of(settings, &set)?;
        let (fingerprints, again) = readings::fingerprints(settings, &mut sources, moment)?;
        let here = set.mappings.iter().filter(|mapping| sources.contains_key(&mapping.system));
        let (identities, decisions) = Identities::open(&settings.project, here)?.unzip();
        let here = set.mappings.iter().filter(|mapping| sources.contains_key(&mapping.system));
        let retention = retention::open(&set, settings.as_of.as_deref(), here);
        let mut contents = fingerprints.clone();
        contents.extend(decisions.flatten().map(|decisions| (identity::NAME.to_owned(), decisions)));
        let run = Run::open(settings, &set, &contents)?;
        let controls = files.into_iter().filter(|(path, _)| path.starts_with("controls/")).collect();
        Ok(Self {
            settings,
            printer,
            set,
            controls,
            sources,
            fingerprints,
            again,
            identities,
            retention,
            run,
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

    /// Stops here when the operator asked for it. Everything made so far stays.
    pub(crate) fn go_on(&self) -> Result<(), Failure> {
        if STOP.load(Ordering::SeqCst) {
            let again = format!("bron migrate --project {}", self.settings.project.display());
            return Err(Failure::interrupted(&again));
        }
        Ok(())
    }
}
