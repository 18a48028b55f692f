//! What may be typed after `bron mapping`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The tools for the author of mappings.
#[derive(Debug, Subcommand)]
pub(crate) enum MappingVerb {
    /// Write the files of a mapping folder in their canonical form
    Fmt(FmtArguments),
}

/// Arguments of `bron mapping fmt`.
#[derive(Debug, Args)]
pub(crate) struct FmtArguments {
    /// The mapping folder
    #[arg(long, value_name = "DIR", default_value = "mappings")]
    pub(crate) mappings: PathBuf,
    /// Write nothing; name the files that are not canonical and fail when there are any
    #[arg(long)]
    pub(crate) check: bool,
}
