//! What may be typed after `bron mapping`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// The tools for the author of mappings.
#[derive(Debug, Subcommand)]
pub(crate) enum MappingVerb {
    /// Write the files of a mapping folder in their canonical form
    Fmt(FmtArguments),
    /// Say what of the sources is mapped, which fields are filled, and which codes occur
    Coverage(PlaceArguments),
    /// Say which fields can be written back to the legacy columns, and what is lost
    Invert(PlaceArguments),
    /// Print the statements that create the target's tables, with indexes and their meaning
    Ddl(DdlArguments),
}

/// Where the mapping files are.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct PlaceArguments {
    /// The mapping folder
    #[arg(long, value_name = "DIR", default_value = "mappings")]
    pub(crate) mappings: PathBuf,
    /// The project whose mapping folder it is, with its sources' tables and its last staged rows
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
}

/// Arguments of `bron mapping ddl`.
#[derive(Debug, Args)]
pub(crate) struct DdlArguments {
    /// The database system
    #[arg(long, value_enum)]
    pub(crate) dialect: DdlDialect,
    /// The mapping folder
    #[arg(long, value_name = "DIR", default_value = "mappings")]
    pub(crate) mappings: PathBuf,
}

/// The database systems that can be a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DdlDialect {
    /// SQLite 3
    Sqlite,
    /// PostgreSQL 13 or later
    Postgres,
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
