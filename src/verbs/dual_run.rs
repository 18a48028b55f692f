//! `bron dual-run`: both worlds side by side.

mod jobs;

use std::path::Path;

pub(super) use jobs::read as read_jobs;

use crate::args::DualRunVerb;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;

/// Does what was asked.
pub(super) fn run(verb: &DualRunVerb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        DualRunVerb::Jobs(arguments) => jobs::run(arguments, printer),
    }
}

/// The project that a verb works in.
pub(super) fn project_of(verb: &DualRunVerb) -> &Path {
    match verb {
        DualRunVerb::Jobs(arguments) => &arguments.project,
    }
}
