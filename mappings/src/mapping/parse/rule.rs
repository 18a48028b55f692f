//! Reads the rule of one field.

use super::condition::read_when;
use super::{origin, origins, read_action, read_arguments};
use crate::document::{Placed, Reporter, Section};
use crate::mapping::{Action, FieldRule, Rule};

/// The function that a rule with `from` alone means: the text as found.
const COPY: &str = "text";

pub(super) fn read_field(
    fields: &mut Section<'_, '_>,
    name: Placed,
    table: &str,
    report: &mut Reporter<'_>,
) -> Option<FieldRule> {
    let mut section = fields.section(&name.text, report)?;
    let rule = read_rule(&mut section, table, report);
    let when = read_when(&mut section, report);
    let required = section.bool("required", report).unwrap_or(false);
    let on_bad = read_action(&mut section, "on_bad", report);
    let on_unknown = read_action(&mut section, "on_unknown", report);
    let default = section.text("default", report).map(|placed| placed.text);
    section.finish(report);
    let on_bad = on_bad.or(on_unknown).unwrap_or(Action::Flag);
    if !matches!(on_bad, Action::Flag | Action::Quarantine) {
        report.error(
            "BRON-M027",
            &section.span,
            "a broken rule is `flag` or `quarantine`",
            "not a policy of a field",
        );
    }
    Some(FieldRule { field: name.text, span: name.span, rule: rule?, when, required, on_bad, default })
}

/// A dimension is the same kind of rule as a field, or just a constant text.
pub(super) fn read_dimension(
    scope: &mut Section<'_, '_>,
    key: &str,
    report: &mut Reporter<'_>,
) -> Option<FieldRule> {
    let span = scope.span_of(key);
    let mut section = scope.section(key, report)?;
    let rule = read_rule(&mut section, "", report);
    let default = section.text("default", report).map(|placed| placed.text);
    section.finish(report);
    Some(FieldRule {
        field: key.to_owned(),
        span,
        rule: rule?,
        when: Vec::new(),
        required: false,
        on_bad: Action::Flag,
        default,
    })
}

fn read_rule(section: &mut Section<'_, '_>, table: &str, report: &mut Reporter<'_>) -> Option<Rule> {
    let kinds = ["id", "ref", "const", "codes", "fn"];
    let given: Vec<&str> = kinds.into_iter().filter(|kind| section.has(kind)).collect();
    match given[..] {
        ["id"] => Some(Rule::Id { key: origins(section, "id", report), part: part(section, report) }),
        ["ref"] => read_ref(section, table, report),
        ["const"] => section.scalar("const", report).map(|placed| Rule::Const(placed.text)),
        ["codes"] => read_codes(section, report),
        ["fn"] | [] => read_function(section, report),
        _ => {
            let message = format!("a rule has one of {}", kinds.join(", "));
            report.error("BRON-M029", &section.span, message, "more than one kind of rule");
            None
        }
    }
}

fn part(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<String> {
    section.text("part", report).map(|placed| placed.text)
}

fn read_ref(section: &mut Section<'_, '_>, table: &str, report: &mut Reporter<'_>) -> Option<Rule> {
    let entity = section.required_text("ref", report);
    let key = required_origins(section, report);
    let system = section.text("system", report).map(|placed| placed.text);
    let other = section.text("table", report);
    let part = part(section, report);
    let entity = entity?;
    let table = other.map_or_else(|| table.to_owned(), |placed| placed.text);
    Some(Rule::Ref { entity_span: entity.span, entity: entity.text, system, table, key: key?, part })
}

fn required_origins(
    section: &mut Section<'_, '_>,
    report: &mut Reporter<'_>,
) -> Option<Vec<crate::mapping::Origin>> {
    let inputs = origins(section, "from", report);
    if inputs.is_empty() {
        report.error("BRON-M004", &section.span, "`from` is missing here", "from which column?");
        return None;
    }
    Some(inputs)
}

fn read_codes(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<Rule> {
    let list = section.required_text("codes", report);
    let input = section.required_text("from", report);
    let date = section.text("date", report).map(origin);
    let fallback = section.text("fallback", report).map(|placed| placed.text);
    let list = list?;
    Some(Rule::Codes { list_span: list.span, list: list.text, input: origin(input?), date, fallback })
}

fn read_function(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<Rule> {
    let name = section.text("fn", report);
    let inputs = required_origins(section, report);
    let arguments = read_arguments(section, report);
    let (name, name_span) =
        name.map_or_else(|| (COPY.to_owned(), section.span.clone()), |placed| (placed.text, placed.span));
    Some(Rule::Function { name, name_span, inputs: inputs?, arguments })
}
