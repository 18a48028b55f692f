//! What may be typed after `bron reconcile`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::ChainArguments;
use crate::chain::{Limit, Looks, SampleSize, Shares};

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
    /// Look at a row that differs so many times before it counts, while others write to the target
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) looks: u32,
    /// Wait so long before looking again: 500ms, 2s, 1m
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub(crate) wait: Duration,
    /// Compare a sample of every entity row by row: about N rows, or N% of them. Never proves that all is equal
    #[arg(long, value_name = "N[%]", conflicts_with_all = ["since", "rolling"])]
    pub(crate) sample: Option<SampleSize>,
    /// Which sample: the same seed gives the same rows
    #[arg(long, value_name = "S", default_value_t = 1, requires = "sample")]
    pub(crate) seed: u64,
    /// Compare only the rows that were written after a run, or by runs that began on a day or later
    #[arg(long, value_name = "RUN|DATE", conflicts_with = "rolling")]
    pub(crate) since: Option<String>,
    /// Compare one share of all rows, such as 2/7; the seven together are everything
    #[arg(long, value_name = "N/T")]
    pub(crate) rolling: Option<Shares>,
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

impl ReconcileArguments {
    /// How often the target is looked at.
    pub(crate) const fn looks(&self) -> Looks {
        Looks { most: self.looks, wait: self.wait }
    }

    /// Which rows are compared.
    pub(crate) fn limit(&self) -> Limit {
        match (&self.sample, &self.since, &self.rolling) {
            (Some(size), _, _) => Limit::Sample { size: *size, seed: self.seed },
            (None, Some(since), _) => Limit::Since(since.clone()),
            (None, None, Some(shares)) => Limit::Rolling(*shares),
            (None, None, None) => Limit::None,
        }
    }
}

/// Reads a whole number with its unit.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: Option<u64> = digits.parse().ok();
    let millis = match (number, &text[digits.len()..]) {
        (Some(number), "ms") => Some(number),
        (Some(number), "s") => number.checked_mul(1000),
        (Some(number), "m") => number.checked_mul(60_000),
        (Some(_) | None, _) => None,
    };
    let millis = millis.ok_or_else(|| format!("`{text}` is no time such as 500ms, 2s or 1m"))?;
    Ok(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        for (text, millis) in [("500ms", 500), ("2s", 2000), ("1m", 60_000), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)));
        }
        for text in ["", "2", "s", "-1s", "1.5s", "1h", "1 s", "99999999999999999999s", "å"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
