//! What may be typed after `bron dual-run`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Both worlds side by side.
#[derive(Debug, Subcommand)]
pub(crate) enum DualRunVerb {
    /// Run the jobs of jobs.toml at their times, until asked to stop
    Jobs(JobsArguments),
}

/// What runs no job has no metrics to tell.
const NO_METRICS: [&str; 4] = ["list", "check", "history", "release"];

/// Arguments of `bron dual-run jobs`.
#[derive(Debug, Args)]
pub(crate) struct JobsArguments {
    /// The project: the directory that holds bron.toml and jobs.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
    /// Run what is due now, with its further tries, and end
    #[arg(long, group = "mode")]
    pub(crate) once: bool,
    /// Run one job now, with its further tries, and end as it did; for timers
    #[arg(long, value_name = "JOB", group = "mode")]
    pub(crate) run: Option<String>,
    /// Print the jobs, where they stand and their next times. Runs nothing
    #[arg(long, group = "mode")]
    pub(crate) list: bool,
    /// Say whether jobs.toml can be used. Runs nothing
    #[arg(long, group = "mode")]
    pub(crate) check: bool,
    /// Print what the last runs came to, of one job or of all. Runs nothing
    #[arg(long, value_name = "JOB", num_args = 0..=1, default_missing_value = "", group = "mode")]
    pub(crate) history: Option<String>,
    /// Let a job run again that a safety stop halted; noted in the audit log
    #[arg(long, value_name = "JOB", group = "mode", requires = "reason")]
    pub(crate) release: Option<String>,
    /// Why it may run again
    #[arg(long, value_name = "TEXT", requires = "release")]
    pub(crate) reason: Option<String>,
    /// Serve metrics over HTTP: a port of this machine's own address, or ADDRESS:PORT
    #[arg(long, value_name = "PORT", value_parser = address, conflicts_with_all = NO_METRICS)]
    pub(crate) metrics: Option<SocketAddr>,
    /// Write metrics to a file as well, for the textfile collector of node_exporter
    #[arg(long, value_name = "FILE", conflicts_with_all = NO_METRICS)]
    pub(crate) metrics_file: Option<PathBuf>,
}

/// A port alone is one of this machine, which nobody else reaches.
fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    text.parse().map_err(|_| "this is a port such as 9188, or an address such as 127.0.0.1:9188".to_owned())
}
