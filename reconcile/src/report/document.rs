//! The data of the report for machines: the numbers that the pages show, and none that they do not.

use bron_mappings::Artefact;
use serde_json::{Map, Value, json};

use super::disclosure::{
    ENTITY, EXCLUDED, FLAGGED, Figures, NAMND, PARTS, QUARANTINED, ROWS, SIDES, TABLE, Told, YEAR,
};
use super::{DisplayKey, Input, LISTED_FINDINGS, Labels, Language, Tier};
use super::{areas, comparison, stickprov};
use crate::error::{Error, ErrorKind};
use crate::summary::Summary;

/// The document as text, with two blanks of indentation and a line break at the end.
pub(super) fn document(input: &Input<'_>, figures: &Figures) -> Result<String, Error> {
    let summary = input.summary;
    let document = json!({
        "format": Artefact::Report.newest(),
        "title": input.title,
        "run": summary.run,
        "mapping_digest": summary.mapping_digest,
        "as_of": input.as_of,
        "verdict": summary.verdict,
        "unproven": input.unproven,
        "tables": summary.tables,
        "entities": summary.entities,
        "controls": controls(summary),
        "references": summary.references,
        "refused": summary.refused,
        "deliveries": summary.deliveries,
        "readings": summary.readings,
        "snapshot": summary.snapshot,
        "quality": summary.quality,
        "findings": findings(input),
        "findings_since": { "counts": summary.findings, "before": summary.findings_before },
        "waivers": summary.waivers,
        "round_trip": summary.round_trip,
        "scope": summary.scope,
        "findings_total": number(comparison::findings_total(summary)),
        "per_namnd": dimension(figures, None, NAMND),
        "per_year": dimension(figures, None, YEAR),
        "areas": areas_of(input, figures),
        "sample": sample(input),
        "normalisations": input.background.normalisations.iter().map(|one| json!({
            "function": one.name, "phrase": one.phrase, "fields": one.fields, "mappings": one.mappings,
        })).collect::<Vec<_>>(),
        "history": input.background.history.iter().map(|point| json!({
            "run": point.run, "figures": point.figures.map(number),
        })).collect::<Vec<_>>(),
    });
    let refused = |error| Error::caused(ErrorKind::Report, "the report cannot be written as JSON", error);
    serde_json::to_string_pretty(&document).map(|text| text + "\n").map_err(refused)
}

/// A number; as text where it leaves 64 bits.
fn number(number: u128) -> Value {
    u64::try_from(number).map_or_else(|_| json!(number.to_string()), |number| json!(number))
}

/// A count as the pages tell it: rounded, or the text that stands in its place.
fn told(told: Told) -> Value {
    if told.is_number() { json!(told.number()) } else { json!(told.text()) }
}

/// The controls as the pages show them: small equal counts are hidden there as well.
fn controls(summary: &Summary) -> Value {
    let line = |line: &comparison::ControlLine| {
        json!({
            "key": line.key, "source": line.source, "held": line.held, "target": line.target,
            "difference": line.difference,
        })
    };
    let controls = comparison::controls(summary).into_iter().map(|control| {
        json!({
            "label": control.label,
            "unit": control.unit,
            "dimension": control.dimension,
            "total": line(&control.total),
            "unequal": control.unequal.iter().map(line).collect::<Vec<_>>(),
            "equal": control.equal.iter().map(line).collect::<Vec<_>>(),
        })
    });
    controls.collect()
}

fn findings(input: &Input<'_>) -> Value {
    let finding = |shown: &super::ShownFinding| {
        let key = match &shown.key {
            DisplayKey::Plain(key) => Some(key.clone()),
            DisplayKey::Pseudonym(pseudonym) => Some(pseudonym.to_string()),
            DisplayKey::Hidden => None,
        };
        let finding = &shown.finding;
        json!({
            "id": finding.id.to_string(),
            "kind": finding.kind.code(),
            "entity": finding.entity,
            "system": finding.src_system,
            "table": finding.src_table,
            "key": key,
            "fields": finding.kind.fields(),
            "mapping": finding.rule,
        })
    };
    input.findings.iter().take(LISTED_FINDINGS).map(finding).collect()
}

/// The counts by one dimension, those of which a number is told.
fn dimension(figures: &Figures, area: Option<&str>, by: &'static str) -> Value {
    let parts: &[&'static str] = match by {
        EXCLUDED | QUARANTINED | FLAGGED => &[ROWS],
        ENTITY => &SIDES,
        _ => &PARTS,
    };
    let mut lines = Map::new();
    for name in figures.names(area, by) {
        let counts = parts.iter().map(|part| (*part, figures.told(area, by, &name, part)));
        let counts: Vec<(&str, Told)> = counts.collect();
        if counts.iter().any(|(_, told)| told.is_number()) {
            let counts = counts.into_iter().map(|(part, count)| (part.to_owned(), told(count)));
            lines.insert(name, Value::Object(counts.collect()));
        }
    }
    Value::Object(lines)
}

fn areas_of(input: &Input<'_>, figures: &Figures) -> Value {
    let mut all = Map::new();
    for area in areas::with_page(input.labels, figures) {
        let mut one = Map::new();
        one.insert("label".to_owned(), json!(Labels::name(&input.labels.areas, area)));
        let whole = PARTS.map(|part| (part.to_owned(), told(figures.told(Some(area), "", "", part))));
        one.insert("balance".to_owned(), Value::Object(whole.into_iter().collect()));
        for by in [TABLE, NAMND, YEAR, EXCLUDED, QUARANTINED, FLAGGED, ENTITY] {
            one.insert(format!("per_{by}"), dimension(figures, Some(area), by));
        }
        all.insert(area.to_owned(), Value::Object(one));
    }
    Value::Object(all)
}

/// The cases as everybody may see them.
fn sample(input: &Input<'_>) -> Value {
    let cases = |cases: &[crate::sample::Case]| -> Value {
        let view = |case: stickprov::CaseView| {
            json!({
                "entity": case.entity,
                "place": case.place,
                "source": case.source,
                "key": case.key,
                "mapping": case.mapping,
                "fields": case.fields.iter().map(|field| json!({
                    "field": field.label, "old": field.old, "new": field.new, "rule": field.rule,
                })).collect::<Vec<_>>(),
            })
        };
        stickprov::cases(cases, input.labels, Tier::Shareable, Language::Sv).into_iter().map(view).collect()
    };
    let all = &input.background.cases;
    let areas = all.areas.iter().map(|(area, found)| (area.clone(), cases(found)));
    json!({ "seed": all.seed, "city": cases(&all.city), "areas": Value::Object(areas.collect()) })
}
