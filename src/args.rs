//! What may be typed. The texts here are the help.

mod audit;
mod compare;
mod dual_run;
mod key;
mod mapping;
mod ops;
mod quarantine;
mod reconcile;
mod rights;
mod signoff;
mod source;
mod target;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use audit::{
    AuditCheckpointArguments, AuditLogArguments, AuditSampleArguments, AuditVerb, AuditVerifyArguments,
};
pub(crate) use compare::CompareArguments;
pub(crate) use dual_run::{DualRunVerb, JobsArguments};
pub(crate) use key::{KeyListArguments, KeyNewArguments, KeyShredArguments, KeyVerb};
pub(crate) use mapping::{
    DdlArguments, DdlDialect, DocsArguments, FileKind, FmtArguments, FolderArguments, MappingVerb,
    ScaffoldArguments, SchemaArguments,
};
pub(crate) use ops::{OpsVerb, SystemdArguments};
pub(crate) use quarantine::{
    DecideArguments, DecisionName, ExportArguments, ImportArguments, ListArguments, QuarantineVerb,
    ReplayArguments, ShowArguments, StateName,
};
pub(crate) use reconcile::{
    ExplainArguments, LanguageName, ReconcileArguments, ReconcileVerb, ReportArguments,
};
pub(crate) use rights::{DoctorArguments, GrantsArguments, GrantsDialect};
pub(crate) use signoff::{
    Signatory, SignoffRequestArguments, SignoffRevokeArguments, SignoffShowArguments, SignoffSignArguments,
    SignoffVerb,
};
pub(crate) use source::{DescribeArguments, DriftArguments, SourceArguments, SourceVerb};
pub(crate) use target::{TargetDigestArguments, TargetVerb};

/// Moves Stockholm's social-care records into the new information model, and proves what came over.
#[derive(Debug, Parser)]
#[command(name = "bron", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What is printed to stdout: text for people, or one JSON document
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// Print nothing but results and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// What to do
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// The form of what is printed to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// One JSON document and nothing else
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Build a synthetic city, migrate it, prove it and write the report
    Demo(DemoArguments),
    /// Check the mapping files: every name, every column, every example
    Check(CheckArguments),
    /// Compare two versions of the mapping files by meaning, and what the difference does to rows
    Diff(DiffArguments),
    /// Compare two tables of the same shape, or all tables of two sources, row by row and cell by cell
    Compare(CompareArguments),
    /// Run the whole chain: extract, transform, load, reconcile
    Migrate(MigrateArguments),
    /// Read the sources and stage their tables
    Extract(ReadingArguments),
    /// Map the staged tables to the information model
    Transform(ChainArguments),
    /// Write the mapped rows to the target
    Load(ChainArguments),
    /// Compare the target with the sources and write the report
    Reconcile(ReconcileArguments),
    /// Tools for the author of mappings
    #[command(subcommand)]
    Mapping(MappingVerb),
    /// The keys that runs are sealed with
    #[command(subcommand)]
    Key(KeyVerb),
    /// The rows that did not come over, and what people decide about them
    #[command(subcommand)]
    Quarantine(QuarantineVerb),
    /// Who answers for what was compared, and whether that still holds
    #[command(subcommand)]
    Signoff(SignoffVerb),
    /// The log of who did what, and whether it is as it was written
    #[command(subcommand)]
    Audit(AuditVerb),
    /// What lies in a source that nobody has described
    #[command(subcommand)]
    Source(SourceVerb),
    /// What the target holds
    #[command(subcommand)]
    Target(TargetVerb),
    /// Ask whether everything that a run needs is there: servers, rights, files, disk, keys. Changes nothing
    Doctor(DoctorArguments),
    /// Print the statements that give an account the rights that the work takes, and no more
    Grants(GrantsArguments),
    /// Run both worlds side by side
    #[command(subcommand)]
    DualRun(DualRunVerb),
    /// Print what the machines around the program need: units, dashboards, alerts
    #[command(subcommand)]
    Ops(OpsVerb),
}

/// Arguments of `bron demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// The directory to create; must be empty or absent
    #[arg(long, value_name = "DIR", default_value = "bron-demo")]
    pub(crate) out: PathBuf,
    /// How many persons the city has, up to 60000
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) persons: u32,
    /// The same seed gives the same city, byte for byte
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Stop when the legacy systems are there
    #[arg(long)]
    pub(crate) generate_only: bool,
}

/// Arguments of `bron check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The project whose mappings are checked, against its sources' tables
    #[arg(long, value_name = "DIR", required_unless_present = "mappings", conflicts_with = "mappings")]
    pub(crate) project: Option<PathBuf>,
    /// A directory of mapping files alone
    #[arg(long, value_name = "DIR")]
    pub(crate) mappings: Option<PathBuf>,
    /// Fail when there are warnings
    #[arg(long)]
    pub(crate) deny_warnings: bool,
}

/// Arguments of `bron diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// The earlier version: a folder of mapping files, a project, or a git revision (REV or REV:PATH)
    #[arg(value_name = "A")]
    pub(crate) before: String,
    /// The later version, named the same way; PATH is `mappings` unless given
    #[arg(value_name = "B")]
    pub(crate) after: String,
    /// Map the staged rows of the project by both versions, without loading, and say what differs
    #[arg(long)]
    pub(crate) effect: bool,
    /// The project whose staged rows are mapped
    #[arg(long, value_name = "DIR", default_value = ".", requires = "effect")]
    pub(crate) project: PathBuf,
    /// Write a page for the auditor as well
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

/// Arguments of the verbs that read the sources of a project.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReadingArguments {
    #[command(flatten)]
    pub(crate) chain: ChainArguments,
    /// Accept what changed in a table since the reading before: types of columns (D70), rows that are gone (D72),
    /// texts that may not change (D51)
    #[arg(long, value_name = "SYSTEM/TABLE")]
    pub(crate) accept: Vec<String>,
}

/// Arguments of `bron migrate`.
#[derive(Clone, Debug, Args)]
pub(crate) struct MigrateArguments {
    #[command(flatten)]
    pub(crate) reading: ReadingArguments,
    /// Read and map, say what loading would do, write that to a file, and change nothing in the target
    #[arg(long, value_name = "FILE", conflicts_with = "apply")]
    pub(crate) plan: Option<PathBuf>,
    /// Do exactly what the plan in this file says, or nothing when it would not be that any more
    #[arg(long, value_name = "FILE")]
    pub(crate) apply: Option<PathBuf>,
}

/// Arguments of the verbs that run a project.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChainArguments {
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
    /// Another target than the project's: a file, or postgres://…
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<String>,
    /// Rows that are worked on at a time; changes memory and speed, never a result
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) batch_rows: Option<u32>,
}
