//! Reads parents, neighbours and lookups.

use super::condition::read_when;
use super::{origin, origins, read_each};
use crate::diagnostic::Span;
use crate::document::{Reporter, Section};
use crate::mapping::{
    Aggregate, AggregateKind, CodeInput, CodeLookup, Direction, FirstPresent, Lookup, Neighbour, Origin,
    OtherTable, Parent, Period,
};

/// Everything that a mapping may know beyond its own row.
pub(super) struct Lookups {
    pub(super) parents: Vec<Parent>,
    pub(super) neighbours: Vec<Neighbour>,
    pub(super) lookups: Vec<Lookup>,
}

pub(super) fn read_lookups(root: &mut Section<'_, '_>, system: &str, report: &mut Reporter<'_>) -> Lookups {
    let parents = read_each(root, "parent", report, |section, report| read_parent(section, system, report));
    let neighbours = read_each(root, "neighbour", report, read_neighbour);
    let mut lookups = Vec::new();
    for kind in ["count", "sum", "minutes", "earliest", "latest"] {
        lookups.extend(read_each(root, kind, report, |section, report| {
            read_aggregate(kind, section, system, report).map(Lookup::Aggregate)
        }));
    }
    lookups.extend(read_each(root, "code", report, read_code));
    lookups.extend(read_each(root, "first", report, read_first));
    lookups.sort_by_key(|lookup| lookup.span().start);
    Lookups { parents, neighbours, lookups }
}

fn read_name(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<String> {
    let name = section.required_text("name", report)?;
    if name.text.contains('.') || name.text.starts_with('@') {
        let message = "a name has no dot and does not begin with `@`: origins could not tell what is meant";
        report.error("BRON-M041", &name.span, message, "not a name");
    }
    Some(name.text)
}

fn read_other(
    section: &mut Section<'_, '_>,
    own_system: &str,
    report: &mut Reporter<'_>,
) -> Option<OtherTable> {
    let system = section.text("system", report);
    let (system, system_span) = system
        .map_or_else(|| (own_system.to_owned(), section.span.clone()), |placed| (placed.text, placed.span));
    let table = section.required_text("table", report)?;
    Some(OtherTable { system, system_span, table: table.text, table_span: table.span })
}

fn read_on(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Vec<(Origin, Origin)> {
    let Some(mut on) = section.section("on", report) else {
        if !section.has("on") {
            report.error("BRON-M004", &section.span, "`on` is missing here", "which columns are equal?");
        }
        return Vec::new();
    };
    let on_span = on.span.clone();
    let pairs: Vec<_> =
        on.scalars(report).into_iter().map(|(own, other)| (origin(own), origin(other))).collect();
    if pairs.is_empty() {
        report.error("BRON-M004", &on_span, "`on` is empty", "which columns are equal?");
    }
    pairs
}

fn read_parent(section: &mut Section<'_, '_>, own_system: &str, report: &mut Reporter<'_>) -> Option<Parent> {
    let name = read_name(section, report);
    let other = read_other(section, own_system, report);
    let on = read_on(section, report);
    let when = read_when(section, report);
    let asked = section.has("valid");
    let valid = section.section("valid", report).and_then(|mut valid| read_period(&mut valid, report));
    section.finish(report);
    // A period that could not be read must not become a parent without one.
    (valid.is_some() == asked).then_some(())?;
    Some(Parent { name: name?, span: section.span.clone(), other: other?, on, when, valid })
}

fn read_period(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<Period> {
    let at = section.required_text("at", report).map(origin);
    let from = section.required_text("from", report).map(origin);
    let to = section.required_text("to", report).map(origin);
    let slack = if section.has("slack_minutes") { section.int("slack_minutes", report) } else { Some(0) };
    section.finish(report);
    let slack_minutes = u32::try_from(slack?).ok();
    if slack_minutes.is_none() {
        let span = section.span_of("slack_minutes");
        report.error("BRON-M005", &span, "expected minutes from 0 on", "out of range");
    }
    Some(Period { at: at?, from: from?, to: to?, slack_minutes: slack_minutes? })
}

fn read_neighbour(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<Neighbour> {
    let name = read_name(section, report);
    let direction = section.required_text("direction", report);
    let direction = direction.and_then(|placed| match placed.text.as_str() {
        "before" => Some(Direction::Before),
        "after" => Some(Direction::After),
        _ => {
            report.unknown("BRON-M042", &placed, "direction", ["before", "after"]);
            None
        }
    });
    let group = origins(section, "group", report);
    if group.is_empty() {
        report.error("BRON-M004", &section.span, "`group` is missing here", "which rows belong together?");
    }
    let order = section.required_text("order", report).map(origin);
    let when = read_when(section, report);
    section.finish(report);
    let span = section.span.clone();
    Some(Neighbour { name: name?, span, direction: direction?, group, order: order?, when })
}

fn read_aggregate(
    kind: &str,
    section: &mut Section<'_, '_>,
    own_system: &str,
    report: &mut Reporter<'_>,
) -> Option<Aggregate> {
    let name = read_name(section, report);
    let other = read_other(section, own_system, report);
    let on = read_on(section, report);
    let when = read_when(section, report);
    let kind = match kind {
        "count" => Some(AggregateKind::Count { distinct: section.text("distinct", report).map(origin) }),
        "sum" => read_sum(section, report),
        "minutes" => read_minutes(section, report),
        "earliest" => section.required_text("value", report).map(origin).map(AggregateKind::Earliest),
        _ => section.required_text("value", report).map(origin).map(AggregateKind::Latest),
    };
    section.finish(report);
    Some(Aggregate { name: name?, span: section.span.clone(), other: other?, on, when, kind: kind? })
}

fn read_sum(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<AggregateKind> {
    let value = section.required_text("value", report).map(origin);
    let minus = section.section("minus", report).and_then(|mut minus| {
        let column = minus.required_text("column", report);
        let values = minus.texts("in", report).unwrap_or_default();
        minus.finish(report);
        Some((origin(column?), values.into_iter().map(|value| value.text).collect()))
    });
    Some(AggregateKind::Sum { value: value?, minus })
}

fn read_minutes(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<AggregateKind> {
    let from = section.required_text("from", report).map(origin);
    let to = section.required_text("to", report).map(origin);
    Some(AggregateKind::Minutes { from: from?, to: to? })
}

fn read_first(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<Lookup> {
    let name = read_name(section, report);
    let from = origins(section, "from", report);
    if from.is_empty() {
        report.error("BRON-M004", &section.span, "`from` is missing here", "which texts, in which order?");
    }
    section.finish(report);
    if from.is_empty() {
        None
    } else {
        Some(Lookup::First(FirstPresent { name: name?, span: section.span.clone(), from }))
    }
}

fn read_code(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<Lookup> {
    let name = read_name(section, report);
    let list = section.required_text("codes", report);
    let from = section.text("from", report).map(|placed| CodeInput::Origin(origin(placed)));
    let constant = section.scalar("const", report).map(|placed| CodeInput::Const(placed.text));
    let date = section.text("date", report).map(origin);
    section.finish(report);
    let code = one_of(from, constant, &section.span, report);
    let list = list?;
    Some(Lookup::Code(CodeLookup {
        name: name?,
        span: section.span.clone(),
        list: list.text,
        list_span: list.span,
        code: code?,
        date,
    }))
}

fn one_of<T>(a: Option<T>, b: Option<T>, span: &Span, report: &mut Reporter<'_>) -> Option<T> {
    if a.is_some() == b.is_some() {
        report.error("BRON-M043", span, "a code is looked up by one of `from` and `const`", "not one code");
        return None;
    }
    a.or(b)
}
