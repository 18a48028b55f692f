//! What became of findings since the reconciliation before, and which differences people have accepted.

use crate::summary::Summary;
use crate::waivers::WaiverState;

use super::Labels;
use super::number::{count, plural};

/// What became of findings.
pub(super) struct SinceView {
    /// How many are new, persist and are resolved.
    pub(super) counts: String,
    /// What they are compared with.
    pub(super) before: String,
}

/// `None` when there is no finding, and was none.
pub(super) fn since(summary: &Summary) -> Option<SinceView> {
    let found = summary.findings;
    if found.is_empty() && summary.findings_before.is_none() {
        return None;
    }
    let mut counts = vec![
        plural(u128::from(found.new), "nytt", "nya"),
        format!("{} kvarstår", count(found.persisting)),
        plural(u128::from(found.resolved), "åtgärdat", "åtgärdade"),
    ];
    if found.in_flight > 0 {
        counts.push(format!(
            "{} ändrades under jämförelsen",
            plural(u128::from(found.in_flight), "rad", "rader")
        ));
    }
    if found.waived > 0 {
        counts.push(plural(u128::from(found.waived), "godkänt", "godkända"));
    }
    let before = match &summary.findings_before {
        None => "(första avstämningen)".to_owned(),
        Some(before) => match &before.unreadable {
            None => format!("jämfört med avstämningen av körning {}", before.run),
            Some(why) => format!(
                "(fynden från avstämningen av körning {} kan inte läsas, så alla räknas som nya: {why})",
                before.run
            ),
        },
    };
    Some(SinceView { counts: counts.join(", "), before })
}

/// An accepted difference.
pub(super) struct WaiverView {
    pub(super) id: String,
    pub(super) entity: String,
    pub(super) label: String,
    pub(super) rows: String,
    pub(super) reason: String,
    pub(super) owner: String,
    pub(super) approved_by: String,
    pub(super) expires: String,
    pub(super) state: &'static str,
    /// Whether it accepts what it is about.
    pub(super) is_in_force: bool,
}

pub(super) fn lines(summary: &Summary, labels: &Labels) -> Vec<WaiverView> {
    let view = |line: &crate::waivers::WaiverLine| WaiverView {
        id: line.id.clone(),
        entity: Labels::name(&labels.entities, &line.entity).to_owned(),
        label: line.label.clone(),
        rows: count(line.rows),
        reason: line.reason.clone(),
        owner: line.owner.clone(),
        approved_by: line.approved_by.clone(),
        expires: line.expires.clone(),
        state: line.state.label(),
        is_in_force: line.state == WaiverState::InForce,
    };
    summary.waivers.iter().map(view).collect()
}
