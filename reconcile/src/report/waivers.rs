//! What became of findings since the reconciliation before, and which differences people have accepted.

use crate::findings::{FindingCounts, FindingsBefore};
use crate::summary::Summary;
use crate::waivers::WaiverState;

use super::number::{count, plural};
use super::{Labels, Language};

/// What became of findings.
pub(super) struct SinceView {
    /// How many are new, persist and are resolved.
    pub(super) counts: String,
    /// What they are compared with.
    pub(super) before: String,
}

/// `None` when there is no finding, and was none.
pub(super) fn since(summary: &Summary, language: Language) -> Option<SinceView> {
    let found = summary.findings;
    if found.is_empty() && summary.findings_before.is_none() {
        return None;
    }
    Some(match language {
        Language::Sv => SinceView { counts: counts(found), before: before(summary.findings_before.as_ref()) },
        Language::En => SinceView {
            counts: counts_in_english(found),
            before: before_in_english(summary.findings_before.as_ref()),
        },
    })
}

fn counts(found: FindingCounts) -> String {
    let mut counts = vec![
        plural(u128::from(found.new), "nytt", "nya"),
        format!("{} kvarstår", count(found.persisting)),
        plural(u128::from(found.resolved), "åtgärdat", "åtgärdade"),
    ];
    if found.in_flight > 0 {
        let rows = plural(u128::from(found.in_flight), "rad", "rader");
        counts.push(format!("{rows} ändrades under jämförelsen"));
    }
    if found.waived > 0 {
        counts.push(plural(u128::from(found.waived), "godkänt", "godkända"));
    }
    counts.join(", ")
}

fn counts_in_english(found: FindingCounts) -> String {
    let parts = [
        (found.new, "new", true),
        (found.persisting, "persisting", true),
        (found.resolved, "resolved", true),
        (found.in_flight, "changed while they were compared", false),
        (found.waived, "accepted", false),
    ];
    let told = parts.into_iter().filter(|(number, _, always)| *always || *number > 0);
    told.map(|(number, what, _)| format!("{} {what}", count(number))).collect::<Vec<_>>().join(", ")
}

fn before(before: Option<&FindingsBefore>) -> String {
    let Some(FindingsBefore { run, unreadable }) = before else {
        return "(första avstämningen)".to_owned();
    };
    match unreadable {
        None => format!("jämfört med avstämningen av körning {run}"),
        Some(why) => {
            format!(
                "(fynden från avstämningen av körning {run} kan inte läsas, så alla räknas som nya: {why})"
            )
        }
    }
}

fn before_in_english(before: Option<&FindingsBefore>) -> String {
    let Some(FindingsBefore { run, unreadable }) = before else {
        return "(the first reconciliation)".to_owned();
    };
    match unreadable {
        None => format!("since the reconciliation of run {run}"),
        Some(_) => format!("(the findings of run {run} cannot be read, so all count as new)"),
    }
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
