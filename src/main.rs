//! The command line of the bridge: arguments, settings, one file per verb, printing and exit codes.

mod args;
mod audit;
mod chain;
mod diagnostics;
mod failure;
mod patience;
mod printer;
mod project;
mod settings;
mod signoffs;
mod verbs;
mod wanted;

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::Arguments;
use crate::failure::Exit;
use crate::printer::Printer;

/// The command line was not understood.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // Nothing can be said about a terminal that cannot be written to.
            let _ = error.print();
            return ExitCode::from(if asked { 0 } else { USAGE });
        }
    };
    let printer = Printer::new(arguments.output, arguments.quiet);
    if let Err(error) = ctrlc::set_handler(|| chain::STOP.store(true, Ordering::SeqCst)) {
        printer.say(&format!("warning: Ctrl-C will stop at once, not between batches: {error}"));
    }
    match verbs::run(&arguments.verb, &printer) {
        Ok(_) if printer.lost_results() => {
            printer.say("error: the result could not be written to standard output");
            ExitCode::from(Exit::Failed.code())
        }
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            let texts = verbs::mapping_texts(&arguments.verb);
            printer.failure(&failure, &|file| texts(file));
            ExitCode::from(failure.exit.code())
        }
    }
}
