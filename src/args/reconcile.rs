//! What may be typed after `bron reconcile`.

use clap::{Args, Subcommand};

use super::ChainArguments;

/// Arguments of `bron reconcile`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ReconcileArguments {
    #[command(subcommand)]
    pub(crate) verb: Option<ReconcileVerb>,
    #[command(flatten)]
    pub(crate) chain: ChainArguments,
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
