//! Reasons in plain language: what it is, what we propose, who decides.

mod proposal;

use std::collections::BTreeMap;

use bron_mappings::{Owner, ReasonCode};

use crate::summary::{Summary, TableSummary};

use super::number::count;
use proposal::proposal;

/// What is proposed for the rows of a reason, and who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The proposal, in Swedish.
    pub proposal: &'static str,
    /// Who decides.
    pub owner: Owner,
}

const UNKNOWN: Advice = Advice { proposal: "Utred vad orsaken innebär.", owner: Owner::Proj };

/// What is proposed for the rows of a reason. A code that the catalogue does not have goes to the
/// migration's own team.
#[must_use]
pub fn advice(code: &str) -> Advice {
    let known = ReasonCode::parse(code).zip(proposal(code));
    known.map_or(UNKNOWN, |(reason, proposal)| Advice { proposal, owner: reason.owner() })
}

/// Rows and the table they are in.
type Places = Vec<(u64, String)>;

/// A reason and its rows, over all tables.
pub(super) struct ReasonView {
    pub(super) code: String,
    pub(super) label: String,
    pub(super) total: String,
    /// Where, the largest count first: "paraply/BESLUT 12".
    pub(super) places: Vec<String>,
    pub(super) proposal: &'static str,
    pub(super) owner: &'static str,
    pub(super) owner_label: &'static str,
}

/// The reasons of one kind, the largest first.
pub(super) fn held(
    summary: &Summary,
    counts: fn(&TableSummary) -> &BTreeMap<String, u64>,
) -> Vec<ReasonView> {
    let mut places: BTreeMap<&str, Places> = BTreeMap::new();
    for table in &summary.tables {
        for (code, &rows) in counts(table).iter().filter(|(_, rows)| **rows > 0) {
            places.entry(code).or_default().push((rows, format!("{}/{}", table.system, table.table)));
        }
    }
    let total = |places: &Places| places.iter().map(|(rows, _)| u128::from(*rows)).sum::<u128>();
    let mut reasons: Vec<(u128, &str, Places)> =
        places.into_iter().map(|(code, places)| (total(&places), code, places)).collect();
    reasons.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(other.1)));
    reasons.into_iter().map(|(total, code, places)| view(total, code, places)).collect()
}

/// A reason on the page of an area, with what is told of its rows.
pub(super) fn of_area(code: &str, total: String) -> ReasonView {
    ReasonView { total, ..view(0, code, Vec::new()) }
}

fn view(total: u128, code: &str, mut places: Places) -> ReasonView {
    places.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    let Advice { proposal, owner } = advice(code);
    ReasonView {
        code: code.to_owned(),
        label: ReasonCode::parse(code).map_or_else(|| code.to_owned(), |reason| reason.label().to_owned()),
        total: count(total),
        places: places.into_iter().map(|(rows, place)| format!("{place} {}", count(rows))).collect(),
        proposal,
        owner: owner.code(),
        owner_label: owner.label(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_advice_of_its_own() {
        let without: Vec<&str> = ReasonCode::ALL
            .iter()
            .map(|reason| reason.code())
            .filter(|code| advice(code) == UNKNOWN)
            .collect();
        assert_eq!(without, [""; 0]);
    }
}
