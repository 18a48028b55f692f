//! Runs the examples that every mapping file carries.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{
    Batch, ColumnBuilder, ColumnType, Diagnostic, Example, FieldType, IdentityDecisions, InstallationSecret,
    Lookup, Mapping, MappingSet, Origin, PROTECTION, ReasonCode, Severity, Value,
};

use crate::apply::{Transformed, apply};
use crate::lookups::{Lookups, PersonTable, PersonsBuilder, text_schema};
use crate::plan::{Plan, PlanError};

/// Any secret does: an example never names an id.
const EXAMPLE_SECRET: [u8; 32] = [0; 32];

/// In an example, the text that stands for "there is an id".
const SOME_ID: &str = "*";

/// Runs the examples of every mapping. Call it when the static check found nothing. A mapping that cannot
/// be made ready is reported once, at its first example.
#[must_use]
pub fn run_examples(set: &MappingSet) -> Vec<Diagnostic> {
    set.mappings.iter().flat_map(|mapping| run_mapping(set, mapping)).collect()
}

fn run_mapping(set: &MappingSet, mapping: &Mapping) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for example in &mapping.examples {
        match run_example(set, mapping, example) {
            Ok(problems) => {
                found.extend(problems.iter().map(|problem| diagnostic(mapping, example, problem)));
            }
            Err(error) => {
                found.push(diagnostic(mapping, example, &error.to_string()));
                break;
            }
        }
    }
    found
}

fn diagnostic(mapping: &Mapping, example: &Example, problem: &str) -> Diagnostic {
    Diagnostic {
        code: "BRON-M050",
        severity: Severity::Error,
        file: mapping.file.clone(),
        span: example.span.clone(),
        message: format!("the example \"{}\" does not hold: {problem}", example.about),
        label: "this example".to_owned(),
        help: None,
    }
}

fn run_example(set: &MappingSet, mapping: &Mapping, example: &Example) -> Result<Vec<String>, PlanError> {
    let batch = example_batch(mapping, example);
    let secret = InstallationSecret::new(EXAMPLE_SECRET);
    let plan = Plan::new(set, mapping, batch.schema(), &secret)?;
    let mut lookups = Lookups::new(None);
    if let Some(table) = PersonTable::new(set, mapping)? {
        let mut persons = PersonsBuilder::new(&secret, &IdentityDecisions::default());
        persons.add(&table, &batch);
        lookups.set_persons(Some(persons.finish()));
    }
    let done = apply(&plan, &lookups, &batch, 0);
    let mut problems = given_problems(mapping, example);
    problems.extend(fate_problems(example, &done));
    if example.quarantined.is_none() {
        problems.extend(row_problems(set, example, &done));
    }
    Ok(problems)
}

/// A text that no rule reads proves nothing: its name is misspelt.
fn given_problems(mapping: &Mapping, example: &Example) -> Vec<String> {
    let read: BTreeSet<&str> = mapping.origins().map(|origin| origin.name.as_str()).collect();
    let unread = example.given.keys().filter(|name| !read.contains(name.as_str()));
    unread.map(|name| format!("no rule reads the given `{name}`")).collect()
}

/// One row with every column that some rule reads; what the example does not name is NULL. Codes of lists are
/// looked up and first texts are found, unless the example gives them.
fn example_batch(mapping: &Mapping, example: &Example) -> Batch {
    let made = |origin: &&Origin| matches!(mapping.lookup(origin), Some(at) if is_made(&mapping.lookups[at]));
    let read = mapping.origins().filter(|origin| !made(origin));
    let mut texts: BTreeMap<String, Option<&str>> = read.map(|origin| (origin.name.clone(), None)).collect();
    // The row's own protection is known from the row, so only a given text stands in for it.
    texts.remove(PROTECTION);
    for (name, text) in example.source.iter().chain(&example.given) {
        texts.insert(name.clone(), Some(text));
    }
    let names: Vec<String> = texts.keys().cloned().collect();
    let columns = texts.values().map(|text| {
        let mut column = ColumnBuilder::new(ColumnType::Text, 1);
        column.push(text.map(Value::Text));
        column.finish()
    });
    Batch::new(&text_schema(&names), columns.collect(), 1).expect("one text for each column")
}

/// Whether a lookup is made of the row and of code lists alone.
const fn is_made(lookup: &Lookup) -> bool {
    matches!(lookup, Lookup::Code(_) | Lookup::First(_))
}

fn fate_problems(example: &Example, done: &Transformed) -> Vec<String> {
    let mut problems = Vec::new();
    let tally = done.balance.tallies.values().next().cloned().unwrap_or_default();
    let held = tally.quarantined.keys().next().copied();
    let name = |reason: Option<ReasonCode>| reason.map_or("not held back", ReasonCode::code);
    if held != example.quarantined {
        problems.push(format!("the row is {}, expected {}", name(held), name(example.quarantined)));
    }
    if let Some(expected) = &example.marks {
        let expected: BTreeSet<ReasonCode> = expected.iter().copied().collect();
        let marks: BTreeSet<ReasonCode> = tally.marked.keys().copied().collect();
        let list = |marks: &BTreeSet<ReasonCode>| {
            let codes: Vec<&str> = marks.iter().map(|mark| mark.code()).collect();
            format!("[{}]", codes.join(", "))
        };
        if marks != expected {
            problems.push(format!("the marks are {}, expected {}", list(&marks), list(&expected)));
        }
    }
    problems
}

fn row_problems(set: &MappingSet, example: &Example, done: &Transformed) -> Vec<String> {
    let mut problems = Vec::new();
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    for (entity, expected) in &example.expected {
        let row = used.entry(entity).or_default();
        let batch = done.entities.iter().find(|(name, _)| name == entity).map(|(_, batch)| batch);
        match batch.filter(|batch| *row < batch.rows()) {
            None => problems.push(format!("there is no row number {} of `{entity}`", *row + 1)),
            Some(batch) => {
                for (field, text) in expected {
                    problems.extend(field_problem(set, entity, batch, *row, field, text));
                }
            }
        }
        *row += 1;
    }
    problems
}

fn field_problem(
    set: &MappingSet,
    entity: &str,
    batch: &Batch,
    row: usize,
    field: &str,
    expected: &str,
) -> Option<String> {
    let Some(known) = set.model.entity(entity).and_then(|entity| entity.field(field)) else {
        return Some(format!("`{entity}` has no field `{field}`"));
    };
    let value = batch.cells_named(field).and_then(|cells| cells.value(row));
    let text = value.map_or_else(String::new, |value| text_of(&known.kind, value));
    let holds = match value {
        Some(Value::Id(_)) => expected == SOME_ID || expected == text,
        _ => text == expected,
    };
    (!holds).then(|| format!("`{entity}.{field}` is \"{text}\", expected \"{expected}\""))
}

/// A value as an example writes it: dates and times in ISO form, a decimal number with its scale.
#[must_use]
pub fn text_of(kind: &FieldType, value: Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_owned(),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Decimal(number) => decimal_text(kind, number),
        Value::Date(days) => crate::calendar::iso_date(days),
        Value::Time(micros) => crate::calendar::iso_time(micros),
        Value::Id(id) => bron_mappings::EntityId::from_bytes(id).to_string(),
    }
}

fn decimal_text(kind: &FieldType, number: i128) -> String {
    let scale =
        if let FieldType::Decimal { scale } = kind { usize::try_from(*scale).unwrap_or(0) } else { 0 };
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests;
