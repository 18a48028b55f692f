//! What may be typed after `bron ops`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What the machines around the program need.
#[derive(Debug, Subcommand)]
pub(crate) enum OpsVerb {
    /// Print units for systemd: one service that runs all jobs, or a service and a timer for each
    Systemd(SystemdArguments),
    /// Print a dashboard for Grafana
    Grafana,
    /// Print alerting rules for Prometheus
    Alerts(AlertsArguments),
}

/// Arguments of `bron ops systemd`.
#[derive(Debug, Args)]
pub(crate) struct SystemdArguments {
    /// The project: the directory that holds bron.toml and jobs.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
    /// A service and a timer for each job, in the place of one service for all
    #[arg(long)]
    pub(crate) timers: bool,
    /// Who the services run as: a user who owns the project
    #[arg(long, value_name = "NAME", default_value = "bron")]
    pub(crate) user: String,
    /// Where the program lies on the machine of the services
    #[arg(long, value_name = "FILE", default_value = "/usr/local/bin/bron")]
    pub(crate) program: PathBuf,
    /// Write the units into this directory, which is made, in the place of printing them
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Arguments of `bron ops alerts`.
#[derive(Debug, Args)]
pub(crate) struct AlertsArguments {
    /// Where docs/operations.md can be read; alerts lead to its headings
    #[arg(long, value_name = "URL", default_value = "docs/operations.md")]
    pub(crate) runbook: String,
}
