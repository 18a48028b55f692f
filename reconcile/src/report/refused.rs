//! The rows that the target refused.

use bron_mappings::ReasonCode;

use crate::summary::{RefusedLine, Summary};

use super::Labels;
use super::number::count;

/// Rows of one entity that were refused for one reason.
pub(super) struct RefusedView {
    pub(super) entity: String,
    pub(super) place: String,
    pub(super) reason: String,
    pub(super) label: &'static str,
    /// What refused them; empty when nobody names it.
    pub(super) constraint: String,
    pub(super) rows: String,
}

pub(super) fn lines(summary: &Summary, labels: &Labels) -> Vec<RefusedView> {
    let view = |line: &RefusedLine| {
        let RefusedLine { system, table, entity, reason, constraint, rows } = line;
        RefusedView {
            entity: Labels::name(&labels.entities, entity).to_owned(),
            place: format!("{system}/{table}"),
            label: ReasonCode::parse(reason).map_or("", ReasonCode::label),
            reason: reason.clone(),
            constraint: constraint_text(constraint),
            rows: count(*rows),
        }
    };
    summary.refused.iter().map(view).collect()
}

/// Our own findings in words; the names of the target's constraints as they are.
fn constraint_text(constraint: &str) -> String {
    let own = match constraint {
        "bron:required" => "obligatorisk uppgift i informationsmodellen",
        "bron:calendar" => "datum utanför åren 1 till 9999",
        "bron:digits" => "fler än 38 siffror",
        "bron:nul" => "tecknet U+0000",
        "bron:swallowed" => "raden utelämnades utan besked",
        other => other,
    };
    own.to_owned()
}
