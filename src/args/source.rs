//! What may be typed after `bron source`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The tools for sources that nobody has described.
#[derive(Debug, Subcommand)]
pub(crate) enum SourceVerb {
    /// List tables, columns and keys. Reads no row
    Inspect(DescribeArguments),
    /// Read the rows and say what each column holds: counts and shapes, and no value of any person
    Profile(DescribeArguments),
    /// Compare a source with its last reading and with the mapping files, and say what would stop an extract
    Drift(DriftArguments),
}

/// Which source.
#[derive(Debug, Args)]
pub(crate) struct SourceArguments {
    /// A source named in bron.toml, or sqlite:PATH, csv:DIR, postgres://…, mysql://…, mssql://…, odbc:…
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// The project whose bron.toml names the source
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
    /// Only these tables; all when none is named
    #[arg(long = "table", value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
}

/// Arguments of `bron source inspect` and `bron source profile`.
#[derive(Debug, Args)]
pub(crate) struct DescribeArguments {
    #[command(flatten)]
    pub(crate) source: SourceArguments,
    /// Write a page in Swedish as well
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write a workbook in Swedish as well
    #[arg(long, value_name = "FILE")]
    pub(crate) excel: Option<PathBuf>,
}

/// Arguments of `bron source drift`.
#[derive(Debug, Args)]
pub(crate) struct DriftArguments {
    /// A source named in bron.toml
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// The project whose last reading and mapping files the source is compared with
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
    /// Read the rows too: count them, and name codes that the last reading did not have
    #[arg(long)]
    pub(crate) values: bool,
    /// Write a page in Swedish as well
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}
