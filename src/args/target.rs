//! What may be typed after `bron target`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What a target holds.
#[derive(Debug, Subcommand)]
pub(crate) enum TargetVerb {
    /// Print a digest of the rows of each entity: equal digests mean equal rows, in whatever database they lie
    Digest(TargetDigestArguments),
}

/// Arguments of `bron target digest`.
#[derive(Debug, Args)]
pub(crate) struct TargetDigestArguments {
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
    /// Another target than the project's: a file, or postgres://…
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<String>,
    /// Only this entity; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) entity: Vec<String>,
}
