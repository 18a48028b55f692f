//! `bron ops`: what the machines around the program need, to be looked over and put in place by whoever runs them.

mod alerts;
mod grafana;
mod systemd;

use std::path::Path;

use crate::args::OpsVerb;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;

/// Does what was asked.
pub(super) fn run(verb: &OpsVerb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        OpsVerb::Systemd(arguments) => systemd::run(arguments, printer),
        OpsVerb::Grafana => {
            let dashboard = grafana::dashboard();
            printer.result(&dashboard, &format!("{dashboard:#}"));
            Ok(Exit::Clean)
        }
        OpsVerb::Alerts(arguments) => {
            let rules = alerts::rules(&arguments.runbook);
            printer.result(&rules, &alerts::yaml(&rules));
            Ok(Exit::Clean)
        }
    }
}

/// The project whose job file a verb reads.
pub(super) fn project_of(verb: &OpsVerb) -> Option<&Path> {
    match verb {
        OpsVerb::Systemd(arguments) => Some(&arguments.project),
        OpsVerb::Grafana | OpsVerb::Alerts(_) => None,
    }
}
