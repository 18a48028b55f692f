//! One file per verb.

mod audit;
mod check;
mod compare;
mod demo;
mod diff;
mod doctor;
mod dual_run;
mod grants;
mod key;
mod mapping;
mod migrate;
mod ops;
mod quarantine;
mod reconcile;
mod signoff;
mod source;
mod stages;
mod target;

use std::path::{Path, PathBuf};

use crate::args::{
    ChainArguments, CheckArguments, MigrateArguments, ReadingArguments, ReconcileArguments, TargetVerb, Verb,
};
use crate::chain::WAIVERS_FILE;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::settings::PROJECT_FILE;

/// Does what was asked.
pub(crate) fn run(verb: &Verb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        Verb::Demo(arguments) => demo::run(arguments, printer),
        Verb::Check(arguments) => check::run(arguments, printer),
        Verb::Diff(arguments) => diff::run(arguments, printer),
        Verb::Compare(arguments) => compare::run(arguments, printer),
        Verb::Migrate(arguments) => migrate::run(arguments, printer),
        Verb::Extract(arguments) => stages::extract(arguments, printer),
        Verb::Transform(arguments) => stages::transform(arguments, printer),
        Verb::Load(arguments) => stages::load(arguments, printer),
        Verb::Reconcile(arguments) => reconcile::run(arguments, printer),
        Verb::Mapping(verb) => mapping::run(verb, printer),
        Verb::Key(verb) => key::run(verb, printer),
        Verb::Quarantine(verb) => quarantine::run(verb, printer),
        Verb::Signoff(verb) => signoff::run(verb, printer),
        Verb::Audit(verb) => audit::run(verb, printer),
        Verb::Source(verb) => source::run(verb, printer),
        Verb::Target(verb) => target::run(verb, printer),
        Verb::Doctor(arguments) => doctor::run(arguments, printer),
        Verb::Grants(arguments) => grants::run(arguments, printer),
        Verb::DualRun(verb) => dual_run::run(verb, printer),
        Verb::Ops(verb) => ops::run(verb, printer),
    }
}

/// Where the texts lie that diagnostics of this verb point into.
pub(crate) fn mapping_texts(verb: &Verb) -> impl Fn(&str) -> Option<String> + use<> {
    let dirs = match verb {
        Verb::Demo(_)
        | Verb::Compare(_)
        | Verb::Key(_)
        | Verb::Signoff(_)
        | Verb::Audit(_)
        | Verb::Source(_)
        | Verb::Doctor(_) => Vec::new(),
        // Diagnostics of a comparison name their file from the current directory.
        Verb::Diff(_) => vec![PathBuf::new()],
        Verb::Mapping(verb) => mapping::folder_of(verb).into_iter().collect(),
        Verb::Quarantine(verb) => quarantine::project_of(verb).map(mappings_of).into_iter().collect(),
        Verb::Check(CheckArguments { project, mappings, .. }) => {
            project.iter().map(|project| mappings_of(project)).chain(mappings.clone()).collect()
        }
        Verb::Target(TargetVerb::Digest(arguments)) => vec![mappings_of(&arguments.project)],
        Verb::Grants(arguments) => vec![mappings_of(&arguments.project)],
        // Diagnostics of a job file name it from the project.
        Verb::DualRun(verb) => vec![dual_run::project_of(verb).to_owned()],
        Verb::Ops(verb) => ops::project_of(verb).map(Path::to_owned).into_iter().collect(),
        Verb::Migrate(MigrateArguments {
            reading: ReadingArguments { chain: ChainArguments { project, .. }, .. },
            ..
        })
        | Verb::Extract(ReadingArguments { chain: ChainArguments { project, .. }, .. })
        | Verb::Transform(ChainArguments { project, .. })
        | Verb::Load(ChainArguments { project, .. })
        | Verb::Reconcile(ReconcileArguments { chain: ChainArguments { project, .. }, .. }) => {
            vec![mappings_of(project)]
        }
    };
    let waivers = project_of(verb).map(|project| project.join(WAIVERS_FILE));
    // The project file may hold a secret that does not belong there, so its text is never drawn.
    move |file: &str| {
        if file == WAIVERS_FILE {
            return waivers.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
        }
        let found =
            dirs.iter().map(|dir: &PathBuf| dir.join(file)).filter(|path| !path.ends_with(PROJECT_FILE));
        found.filter_map(|path| std::fs::read_to_string(path).ok()).next()
    }
}

/// The project whose accepted differences a verb reads.
fn project_of(verb: &Verb) -> Option<PathBuf> {
    match verb {
        Verb::Migrate(arguments) => Some(arguments.reading.chain.project.clone()),
        Verb::Reconcile(arguments) => Some(arguments.chain.project.clone()),
        Verb::Quarantine(verb) => quarantine::project_of(verb).map(Path::to_owned),
        Verb::Check(arguments) => arguments.project.clone(),
        Verb::Demo(_)
        | Verb::Compare(_)
        | Verb::Signoff(_)
        | Verb::Audit(_)
        | Verb::Diff(_)
        | Verb::Extract(_)
        | Verb::Transform(_)
        | Verb::Load(_)
        | Verb::Mapping(_)
        | Verb::Key(_)
        | Verb::Source(_)
        | Verb::Target(_)
        | Verb::Doctor(_)
        | Verb::Grants(_)
        | Verb::DualRun(_)
        | Verb::Ops(_) => None,
    }
}

/// The mapping folder of a project, or the usual one when the project's settings cannot be read.
pub(crate) fn mappings_of(project: &Path) -> PathBuf {
    let arguments = ChainArguments { project: project.to_owned(), target: None, batch_rows: None };
    crate::settings::Settings::resolve(&arguments)
        .map_or_else(|_| project.join("mappings"), |settings| settings.mappings)
}
