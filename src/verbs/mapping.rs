//! `bron mapping`: tools for the author of mappings.

mod coverage;
mod ddl;
mod docs;
mod fmt;
mod invert;
mod scaffold;
mod schema;

use std::path::PathBuf;

use crate::args::{
    DdlArguments, DocsArguments, FmtArguments, FolderArguments, MappingVerb, ScaffoldArguments,
    SchemaArguments,
};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::verbs::mappings_of;

/// Does what was asked.
pub(super) fn run(verb: &MappingVerb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        MappingVerb::Fmt(arguments) => fmt::run(arguments, printer),
        MappingVerb::Coverage(arguments) => coverage::run(arguments, printer),
        MappingVerb::Invert(arguments) => invert::run(arguments, printer),
        MappingVerb::Ddl(arguments) => ddl::run(arguments, printer),
        MappingVerb::Schema(arguments) => schema::run(arguments, printer),
        MappingVerb::Docs(arguments) => docs::run(arguments, printer),
        MappingVerb::Scaffold(arguments) => scaffold::run(arguments, printer),
    }
}

/// The folder of mapping files that the arguments name, if any.
pub(super) fn folder_of(verb: &MappingVerb) -> Option<PathBuf> {
    match verb {
        MappingVerb::Fmt(FmtArguments { mappings, .. }) | MappingVerb::Ddl(DdlArguments { mappings, .. }) => {
            Some(mappings.clone())
        }
        MappingVerb::Coverage(folder) | MappingVerb::Invert(folder) => Some(folder.path_or_usual()),
        MappingVerb::Schema(SchemaArguments { folder, .. }) => folder.path(),
        MappingVerb::Docs(DocsArguments { folder, .. }) => Some(folder.path_or_usual()),
        MappingVerb::Scaffold(ScaffoldArguments { out, .. }) => Some(out.clone()),
    }
}

impl FolderArguments {
    /// The folder, when one is named.
    fn path(&self) -> Option<PathBuf> {
        self.mappings.clone().or_else(|| self.project.as_deref().map(mappings_of))
    }

    /// The folder, or `mappings` beside us when none is named.
    fn path_or_usual(&self) -> PathBuf {
        self.path().unwrap_or_else(|| PathBuf::from("mappings"))
    }
}
