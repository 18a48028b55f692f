//! `bron mapping`: tools for the author of mappings.

mod fmt;

use crate::args::MappingVerb;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;

/// Does what was asked.
pub(super) fn run(verb: &MappingVerb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        MappingVerb::Fmt(arguments) => fmt::run(arguments, printer),
    }
}
