//! What may be typed after `bron source`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The tools for sources that nobody has described.
#[derive(Debug, Subcommand)]
pub(crate) enum SourceVerb {
    /// List tables, columns and keys. Reads no row
    Inspect(SourceArguments),
    /// Read the rows and say what each column holds: counts and shapes, and no value of any person
    Profile(ProfileArguments),
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

/// Arguments of `bron source profile`.
#[derive(Debug, Args)]
pub(crate) struct ProfileArguments {
    #[command(flatten)]
    pub(crate) source: SourceArguments,
    /// Write a workbook as well
    #[arg(long, value_name = "FILE")]
    pub(crate) excel: Option<PathBuf>,
}
