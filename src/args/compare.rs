//! What may be typed after `bron compare`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `bron compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// A source named in bron.toml, or sqlite:PATH, csv:DIR, postgres://…, mysql://…, mssql://…, odbc:…
    #[arg(value_name = "LEFT")]
    pub(crate) left: String,
    /// The other side, named the same way
    #[arg(value_name = "RIGHT")]
    pub(crate) right: String,
    /// The project whose bron.toml names the sources
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
    /// Only this table; TABLE=OTHER when the right side calls it OTHER. All tables when none is named
    #[arg(long = "table", value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
    /// The columns that name a row; the primary key when none are named
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub(crate) key: Vec<String>,
    /// Compare whole rows, each as often as it comes, whatever key the tables have
    #[arg(long, conflicts_with = "key")]
    pub(crate) no_key: bool,
    /// Only these columns, beside the key
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Write a CSV file with every difference of each table into this directory; only its owner can read them
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print the keys of the first differences, which may be personal data
    #[arg(long)]
    pub(crate) show_keys: bool,
}
