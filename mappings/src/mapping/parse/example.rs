//! Reads the examples of a mapping file.

use std::collections::BTreeMap;

use crate::document::{Reporter, Section};
use crate::mapping::{ApprovedExamples, Example, Target};
use crate::reject::ReasonCode;

pub(super) fn read_approved(
    root: &mut Section<'_, '_>,
    report: &mut Reporter<'_>,
) -> Option<ApprovedExamples> {
    let span = root.span_of("examples");
    if !root.has("examples") {
        report.error("BRON-M004", &span, "`examples` is missing here", "how many are approved?");
    }
    let number = root.int("examples", report)?;
    let number = u32::try_from(number).ok();
    if number.is_none() {
        report.error("BRON-M005", &span, "expected a number of examples", "out of range");
    }
    Some(ApprovedExamples { number: number?, span })
}

pub(super) fn read_example(
    section: &mut Section<'_, '_>,
    targets: &[Target],
    report: &mut Reporter<'_>,
) -> Option<Example> {
    let about = section.required_text("about", report);
    let source = texts(section, "source", report);
    let given = texts(section, "given", report);
    let marks = section.texts("marks", report).map(|marks| {
        let known = |text: &str| ReasonCode::parse(text);
        for mark in marks.iter().filter(|mark| known(&mark.text).is_none()) {
            report.unknown("BRON-M026", mark, "reason", ReasonCode::ALL.iter().map(|reason| reason.code()));
        }
        marks.iter().filter_map(|mark| known(&mark.text)).collect()
    });
    let quarantined = section.has("quarantined").then(|| super::read_reason(section, "quarantined", report));
    let mut expected = Vec::new();
    for target in targets {
        if expected.iter().any(|(entity, _): &(String, _)| *entity == target.entity) {
            continue;
        }
        for mut row in section.sections(&target.entity, report) {
            let fields =
                row.scalars(report).into_iter().map(|(field, value)| (field.text, value.text)).collect();
            expected.push((target.entity.clone(), fields));
        }
    }
    section.finish(report);
    Some(Example {
        about: about?.text,
        source,
        given,
        marks,
        quarantined: quarantined.flatten(),
        expected,
        span: section.span.clone(),
    })
}

fn texts(section: &mut Section<'_, '_>, key: &str, report: &mut Reporter<'_>) -> BTreeMap<String, String> {
    section.section(key, report).map_or_else(BTreeMap::new, |mut table| {
        table.scalars(report).into_iter().map(|(name, value)| (name.text, value.text)).collect()
    })
}
