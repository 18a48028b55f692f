//! The rows, the marks and the balance of the assessments.

use std::ops::Range;

use bron_mappings::{EntityId, ReasonCode, SourceKey};
use sha2::{Digest as _, Sha256};

use super::{ASSESSMENT_ENTITY, Assessment, RETENTION_TABLE, RetentionBuilder};
use crate::apply::{Trace, Transformed};
use crate::balance::{Balance, Dimension};
use crate::calendar::iso_date;
use crate::derived::{self, BRIDGE_SYSTEM, Cell, Row};

pub(super) fn transformed(
    builder: &RetentionBuilder<'_>,
    files: Range<usize>,
    mapping_version: &str,
) -> Transformed {
    let entity = builder.model.entity(ASSESSMENT_ENTITY).expect("a builder is made only for such a model");
    let mut balance = Balance::default();
    let (mut rows, mut marks) = (Vec::new(), Vec::new());
    for akt in &builder.akter[files] {
        let assessment = builder.assess(akt);
        let reason = reason(&assessment);
        let at = Dimension { namnd: akt.namnd.clone(), ..Dimension::default() };
        let tally = balance.tallies.entry(at).or_default();
        tally.fanout += 1;
        if let Some(reason) = reason {
            *tally.marked.entry(reason).or_default() += 1;
            marks.push(mark(&assessment, reason));
        }
        rows.push(derived::shared(
            entity,
            RETENTION_TABLE,
            row(builder, &assessment, reason),
            mapping_version,
        ));
    }
    let entities = vec![(entity.name.clone(), derived::batch(entity.schema(), &rows))];
    Transformed { entities, rejects: derived::rejects(&marks), balance, trace: Trace::default() }
}

const fn reason(assessment: &Assessment<'_>) -> Option<ReasonCode> {
    match (assessment.overdue, assessment.exemption) {
        (true, None) => Some(ReasonCode::PastRetention),
        (true, Some(_)) => Some(ReasonCode::RetentionExempt),
        (false, _) => None,
    }
}

fn mark(assessment: &Assessment<'_>, reason: ReasonCode) -> Row {
    let akt = assessment.akt;
    let mut mark = derived::mark(RETENTION_TABLE, akt.key.clone(), reason);
    mark.insert("namnd", Cell::Text(akt.namnd.clone()));
    if akt.protected {
        mark.insert("skyddad", Cell::Text("1".to_owned()));
    }
    mark
}

fn row(builder: &RetentionBuilder<'_>, assessment: &Assessment<'_>, reason: Option<ReasonCode>) -> Row {
    let akt = assessment.akt;
    let name = SourceKey::new(BRIDGE_SYSTEM, RETENTION_TABLE, [Some(akt.key.as_str())]);
    let text = |text: &str| Cell::Text(text.to_owned());
    let mut row = Row::from([
        ("id", Cell::Id(EntityId::derive(&builder.secret, ASSESSMENT_ENTITY, &name))),
        ("personakt_id", Cell::Id(EntityId::from_bytes(akt.id))),
        ("forfallen", Cell::Bool(assessment.overdue)),
        ("pagar", Cell::Bool(akt.open)),
        ("disposition", text(assessment.disposition.code())),
        ("forklaring", Cell::Text(explanation(builder, assessment))),
        ("src_key", text(&akt.key)),
        ("src_row_sha256", Cell::Bytes(Sha256::digest(name.as_bytes()).to_vec())),
        ("skyddad", Cell::Bool(akt.protected)),
        ("dq_flags", text(reason.map_or("", ReasonCode::code))),
    ]);
    let optional = [
        ("person_id", akt.person.map(|id| Cell::Id(EntityId::from_bytes(id)))),
        ("namnd", Some(akt.namnd.as_str()).filter(|namnd| !namnd.is_empty()).map(text)),
        ("regel", assessment.rule.map(|rule| text(&rule.name))),
        ("regelversion", assessment.rule.map(|rule| text(&rule.version))),
        ("sista_handelse", akt.last.map(|(day, _)| Cell::Date(day))),
        ("sista_handelse_kalla", akt.last.map(|(_, source)| text(&builder.sources[source]))),
        ("gallras_fran", assessment.from.map(Cell::Date)),
        ("senast_gallrad", assessment.latest.map(Cell::Date)),
        ("undantag", assessment.exemption.map(|at| text(&builder.rules.exemptions[at].name))),
    ];
    row.extend(optional.into_iter().filter_map(|(column, cell)| Some((column, cell?))));
    row
}

/// How the days were counted, in Swedish.
fn explanation(builder: &RetentionBuilder<'_>, assessment: &Assessment<'_>) -> String {
    let Some(rule) = assessment.rule else { return "Ingen regel är känd för aktens lag.".to_owned() };
    let mut text = format!("{}: {}.", rule.lagrum, rule.label);
    if assessment.akt.open {
        text.push_str(" Ett ärende i akten pågår.");
    }
    for (what, day) in [("Får gallras från", assessment.from), ("Ska vara gallrad", assessment.latest)] {
        if let Some(day) = day {
            text.push_str(&format!(" {what} {}.", iso_date(day)));
        }
    }
    if let Some(at) = assessment.exemption {
        let exemption = &builder.rules.exemptions[at];
        text.push_str(&format!(" Undantag enligt {}: {}.", exemption.lagrum, exemption.label));
    }
    text
}
