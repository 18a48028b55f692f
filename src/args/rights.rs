//! What may be typed after `bron doctor` and `bron grants`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `bron doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
    /// How long a source or the target may take to answer everything, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) patience: u64,
}

/// Arguments of `bron grants`.
#[derive(Debug, Args)]
pub(crate) struct GrantsArguments {
    /// The database system that the rights are written for
    #[arg(long, value_enum)]
    pub(crate) dialect: GrantsDialect,
    /// Only this source system; all that the project reads from such a server when none is named
    #[arg(long, value_name = "NAME", conflicts_with = "target")]
    pub(crate) system: Option<String>,
    /// Who gets the rights: a role or user, for MySQL NAME or NAME@HOST; with --target the beginning of three names
    #[arg(long, value_name = "NAME", default_value = "bron")]
    pub(crate) role: String,
    /// The rights on the target in the place of those on sources: creating tables, loading, reading
    #[arg(long, conflicts_with = "change_tracking")]
    pub(crate) target: bool,
    /// With SQL Server: also see the versions of change tracking, by which an unchanged database is known
    #[arg(long)]
    pub(crate) change_tracking: bool,
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

/// The database systems that know rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GrantsDialect {
    /// SQL Server
    Mssql,
    /// PostgreSQL
    Postgres,
    /// MySQL and MariaDB
    Mysql,
}
