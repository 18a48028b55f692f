//! What may be typed after `bron audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The audit log of a project.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditVerb {
    /// Print the entries: who did what, when, and with what result
    Log(AuditLogArguments),
    /// Say whether any entry was altered, taken away, added or moved
    Verify(AuditVerifyArguments),
    /// Print how far the log has come, to be kept where nobody can change it together with the log
    Checkpoint(AuditCheckpointArguments),
    /// Draw entries for a spot check, the same ones for the same seed, and note that it was done
    Sample(AuditSampleArguments),
}

/// Arguments of `bron audit log`.
#[derive(Debug, Args)]
pub(crate) struct AuditLogArguments {
    /// Only entries whose action is this one or begins with it: `signoff`, `quarantine.decide`
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: Option<String>,
    /// Only the last N of them
    #[arg(long, value_name = "N")]
    pub(crate) last: Option<usize>,
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

/// Arguments of `bron audit verify`.
#[derive(Debug, Args)]
pub(crate) struct AuditVerifyArguments {
    /// A checkpoint that was kept elsewhere: what `bron audit checkpoint` printed, or a file of signoffs/
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Vec<PathBuf>,
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

/// Arguments of `bron audit checkpoint`.
#[derive(Debug, Args)]
pub(crate) struct AuditCheckpointArguments {
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

/// Arguments of `bron audit sample`.
#[derive(Debug, Args)]
pub(crate) struct AuditSampleArguments {
    /// What the draw follows from; choose it when the entries are there already
    #[arg(long, value_name = "S")]
    pub(crate) seed: u64,
    /// How many entries are drawn
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) n: u32,
    /// Who checks
    #[arg(long, value_name = "NAME")]
    pub(crate) person: String,
    /// In which role
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: String,
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}
