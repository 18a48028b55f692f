//! What may be typed after `bron reconcile`.

use clap::{Args, Subcommand, ValueEnum};

use super::ChainArguments;

/// Arguments of `bron reconcile`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ReconcileArguments {
    #[command(subcommand)]
    pub(crate) verb: Option<ReconcileVerb>,
    #[command(flatten)]
    pub(crate) chain: ChainArguments,
    #[command(flatten)]
    pub(crate) report: ReportArguments,
}

/// What else can be done about a reconciliation.
#[derive(Debug, Subcommand)]
pub(crate) enum ReconcileVerb {
    /// Tell one record's whole story: source, rules, target, history, findings and decisions, masked
    Explain(ExplainArguments),
}

/// Arguments of `bron reconcile explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The record: SYSTEM/TABLE/KEY, the id of one of its rows, a pseudonym as reports show it (p-…), or the number of
    /// a finding or its first 8 digits
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) chain: ChainArguments,
}

/// What is wanted of the report.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportArguments {
    /// Write the pages in this language as well; Swedish ones are always written
    #[arg(long, value_enum, default_value_t = LanguageName::Sv)]
    pub(crate) lang: LanguageName,
    /// How many cases are drawn for people to look at, for the city and for each area
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(0..=200))]
    pub(crate) testers: u16,
    /// The seed of the draw: the same seed draws the same cases as long as they are there
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) testers_seed: u64,
    /// Write report/protected as well: pages that show the values of the cases, readable to the owner of the files only
    #[arg(long)]
    pub(crate) protected: bool,
}

/// The languages of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LanguageName {
    /// Swedish
    Sv,
    /// English
    En,
}
