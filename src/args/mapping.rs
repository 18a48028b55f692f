//! What may be typed after `bron mapping`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::SourceArguments;

/// The tools for the author of mappings.
#[derive(Debug, Subcommand)]
pub(crate) enum MappingVerb {
    /// Write the files of a mapping folder in their canonical form
    Fmt(FmtArguments),
    /// Say what of the sources is mapped, which fields are filled, and which codes occur
    Coverage(FolderArguments),
    /// Say which fields can be written back to the legacy columns, and what is lost
    Invert(FolderArguments),
    /// Print the statements that create the target's tables, with indexes and their meaning
    Ddl(DdlArguments),
    /// Write JSON Schemas by which an editor completes and checks the files
    Schema(SchemaArguments),
    /// Write the handbook: what the files say, in Swedish, as pages to read, print and sign
    Docs(DocsArguments),
    /// Write mapping files to start from for a source that nobody has described
    Scaffold(ScaffoldArguments),
}

/// Arguments of `bron mapping scaffold`.
#[derive(Debug, Args)]
pub(crate) struct ScaffoldArguments {
    #[command(flatten)]
    pub(crate) source: SourceArguments,
    /// What the system is to be called in mapping files and keys: a to z, 0 to 9 and _
    #[arg(long, value_name = "NAME")]
    pub(crate) system: String,
    /// The mapping folder: a new one, or one that has the model and lacks the system. Nothing is overwritten
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
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

/// Where mapping files lie: in a folder, or in a project.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct FolderArguments {
    /// The project whose mapping files are read
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// A folder of mapping files
    #[arg(long, value_name = "DIR")]
    pub(crate) mappings: Option<PathBuf>,
}

/// Arguments of `bron mapping schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaArguments {
    #[command(flatten)]
    pub(crate) folder: FolderArguments,
    /// One kind of file; all of them unless told
    #[arg(long, value_enum, required_unless_present = "out")]
    pub(crate) kind: Option<FileKind>,
    /// Write KIND.schema.json into this directory instead of printing one schema
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Arguments of `bron mapping docs`.
#[derive(Debug, Args)]
pub(crate) struct DocsArguments {
    #[command(flatten)]
    pub(crate) folder: FolderArguments,
    /// The directory that the pages are written into
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// The kinds of TOML file in a mapping folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileKind {
    /// SYSTEM/TABLE.toml
    Mapping,
    /// model/*.toml
    Model,
    /// SYSTEM/system.toml
    System,
    /// controls/*.toml
    Control,
    /// quality/*.toml
    Quality,
    /// retention/*.toml
    Retention,
}
