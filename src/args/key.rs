//! What may be typed after `bron key`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The keys that runs are sealed with.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyVerb {
    /// List the runs of a project: sealed or plain, how old, past retention or not
    List(KeyListArguments),
    /// Draw a new key and write it to a file that only its owner may read
    New(KeyNewArguments),
    /// Destroy the key of a run: nobody can read its rows after that
    Shred(KeyShredArguments),
}

/// Arguments of `bron key list`.
#[derive(Debug, Args)]
pub(crate) struct KeyListArguments {
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

/// Arguments of `bron key new`.
#[derive(Debug, Args)]
pub(crate) struct KeyNewArguments {
    /// The file to write; a file that is there is left alone
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The project in whose audit log that is noted, where the directory is one
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

/// Arguments of `bron key shred`.
#[derive(Debug, Args)]
pub(crate) struct KeyShredArguments {
    /// The run: its id, or so much of it that no other run begins the same way
    #[arg(value_name = "RUN", required_unless_present = "overdue", conflicts_with = "overdue")]
    pub(crate) run: Option<String>,
    /// Every sealed run that is past the retention of the project
    #[arg(long)]
    pub(crate) overdue: bool,
    /// Do it; without this the runs are named and nothing is destroyed
    #[arg(long)]
    pub(crate) yes: bool,
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}
