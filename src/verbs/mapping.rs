//! `bron mapping`: tools for the author of mappings.

mod coverage;
mod ddl;
mod fmt;
mod invert;

use crate::args::MappingVerb;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;

/// Does what was asked.
pub(super) fn run(verb: &MappingVerb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        MappingVerb::Fmt(arguments) => fmt::run(arguments, printer),
        MappingVerb::Coverage(arguments) => coverage::run(arguments, printer),
        MappingVerb::Invert(arguments) => invert::run(arguments, printer),
        MappingVerb::Ddl(arguments) => ddl::run(arguments, printer),
    }
}
