//! Arguments of `bron reconcile`.

use clap::{Args, ValueEnum};

use super::ChainArguments;

/// Arguments of `bron reconcile`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReconcileArguments {
    #[command(flatten)]
    pub(crate) chain: ChainArguments,
    #[command(flatten)]
    pub(crate) report: ReportArguments,
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
