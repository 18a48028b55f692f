//! Statements of mapping files in one canonical spelling.
//!
//! Every function takes its struct apart without `..`, so a part that the language gains does not compile
//! before it has a spelling here.

use std::collections::BTreeMap;

use crate::mapping::{
    Check, Condition, ConditionTest, Example, Exclusion, FieldRule, Immutable, Origin, Rule, Scope, Target,
};
use crate::reject::ReasonCode;

/// An inline table in the making: `{ a = "x", b = 1 }`.
#[derive(Default)]
pub(super) struct Inline(Vec<(String, String)>);

impl Inline {
    pub(super) fn with(mut self, key: &str, value: String) -> Self {
        self.0.push((key.to_owned(), value));
        self
    }

    pub(super) fn maybe(self, key: &str, value: Option<String>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(super) fn finish(&self) -> String {
        let pairs: Vec<String> = self.0.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
    }

    /// One `key = value` on each line.
    pub(super) fn lines(&self) -> String {
        self.0.iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join("\n")
    }
}

/// A basic string.
pub(super) fn text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for one in text.chars() {
        match one {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// A key: bare where it may be.
pub(super) fn key(name: &str) -> String {
    let bare = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '-');
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { text(name) }
}

pub(super) fn texts<'t>(items: impl IntoIterator<Item = &'t str>) -> String {
    let items: Vec<String> = items.into_iter().map(text).collect();
    format!("[{}]", items.join(", "))
}

pub(super) fn table(map: &BTreeMap<String, String>) -> String {
    map.iter().fold(Inline::default(), |inline, (name, value)| inline.with(&key(name), text(value))).finish()
}

fn reasons(codes: &[ReasonCode]) -> String {
    texts(codes.iter().map(|code| code.code()))
}

/// The name of an origin. Its place in the file means nothing.
pub(super) fn origin(origin: &Origin) -> String {
    let Origin { name, span: _ } = origin;
    text(name)
}

pub(super) fn origins(origins: &[Origin]) -> String {
    texts(origins.iter().map(|Origin { name, span: _ }| name.as_str()))
}

/// One origin as a text, several as an array.
fn from(inputs: &[Origin]) -> String {
    if let [one] = inputs { origin(one) } else { origins(inputs) }
}

/// Which of this row's texts equals which column of another table.
pub(super) fn on(pairs: &[(Origin, Origin)]) -> String {
    let mut pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(own, other)| (own.name.as_str(), other.name.as_str())).collect();
    pairs.sort_unstable();
    pairs.iter().fold(Inline::default(), |inline, (own, other)| inline.with(&key(own), text(other))).finish()
}

fn condition(condition: &Condition) -> String {
    let Condition { origin: column, test } = condition;
    let inline = Inline::default().with("column", origin(column));
    let values = |values: &[String]| texts(values.iter().map(String::as_str));
    match test {
        ConditionTest::Present => inline.with("is", text("present")),
        ConditionTest::Absent => inline.with("is", text("absent")),
        ConditionTest::In(any) => inline.with("in", values(any)),
        ConditionTest::NotIn(none) => inline.with("not_in", values(none)),
        ConditionTest::Dates { from, before } => inline
            .maybe("from", from.map(|day| text(&day.to_string())))
            .maybe("before", before.map(|day| text(&day.to_string()))),
    }
    .finish()
}

/// Conditions that must all hold, so that their order means nothing; empty when there are none.
pub(super) fn when(conditions: &[Condition]) -> String {
    let mut texts: Vec<String> = conditions.iter().map(condition).collect();
    texts.sort_unstable();
    match &mut texts[..] {
        [] => String::new(),
        [one] => std::mem::take(one),
        several => format!("[{}]", several.join(", ")),
    }
}

pub(super) fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn arguments(arguments: &BTreeMap<String, String>) -> Option<String> {
    (!arguments.is_empty()).then(|| table(arguments))
}

/// How a value comes to be.
pub(super) fn rule(rule: &Rule) -> Inline {
    let part = |part: &Option<String>| part.as_deref().map(text);
    match rule {
        Rule::Id { key, part: told } => Inline::default().with("id", origins(key)).maybe("part", part(told)),
        Rule::Ref { entity, entity_span: _, system, table, key, part: told } => Inline::default()
            .with("ref", text(entity))
            .with("from", origins(key))
            .maybe("system", system.as_deref().map(text))
            .with("table", text(table))
            .maybe("part", part(told)),
        Rule::Function { name, name_span: _, inputs, arguments: told } => {
            Inline::default().with("from", from(inputs)).with("fn", text(name)).maybe("with", arguments(told))
        }
        Rule::Codes { list, list_span: _, input, date, fallback } => Inline::default()
            .with("from", origin(input))
            .with("codes", text(list))
            .maybe("date", date.as_ref().map(origin))
            .maybe("fallback", fallback.as_deref().map(text)),
        Rule::Const(value) => Inline::default().with("const", text(value)),
    }
}

/// The rule of a field with its policies.
pub(super) fn field(field: &FieldRule) -> String {
    let FieldRule { field: _, span: _, rule: how, when: rows, required, on_bad, default } = field;
    rule(how)
        .maybe("when", filled(when(rows)))
        .maybe("required", required.then(|| "true".to_owned()))
        .with("on_bad", text(on_bad.name()))
        .maybe("default", default.as_deref().map(text))
        .finish()
}

/// The parts of a scope by name; a part that is not given is empty.
pub(super) fn scope(scope: &Scope) -> [(&'static str, String); 5] {
    let Scope { area, namnd, unit, year, sekretess } = scope;
    let rule = |one: &Option<FieldRule>| one.as_ref().map(field).unwrap_or_default();
    [
        ("area", rule(area)),
        ("namnd", rule(namnd)),
        ("unit", rule(unit)),
        ("year", year.as_ref().map(origin).unwrap_or_default()),
        ("sekretess", sekretess.as_deref().map(text).unwrap_or_default()),
    ]
}

pub(super) fn immutable(immutable: &Immutable) -> String {
    let Immutable { columns, when: rows } = immutable;
    Inline::default().with("columns", origins(columns)).maybe("when", filled(when(rows))).finish()
}

pub(super) fn exclusion(exclusion: &Exclusion) -> String {
    let Exclusion { reason, about, when: rows } = exclusion;
    Inline::default()
        .with("reason", text(reason.code()))
        .with("about", text(about))
        .with("when", when(rows))
        .lines()
}

/// What a check asks: its function and what it reads.
pub(super) fn question(check: &Check) -> String {
    let Check { rule: _, function, function_span: _, inputs, arguments: told, action: _, when: _, span: _ } =
        check;
    Inline::default()
        .with("fn", text(function))
        .with("from", origins(inputs))
        .maybe("with", arguments(told))
        .finish()
}

pub(super) fn check(check: &Check) -> String {
    let Check { rule, function, function_span: _, inputs, arguments: told, action, when: rows, span: _ } =
        check;
    Inline::default()
        .with("rule", text(rule.code()))
        .with("fn", text(function))
        .with("from", origins(inputs))
        .maybe("with", arguments(told))
        .with("action", text(action.name()))
        .maybe("when", filled(when(rows)))
        .lines()
}

pub(super) fn target(target: &Target) -> String {
    let Target { entity, entity_span: _, when: rows, fields } = target;
    let head = Inline::default().with("entity", text(entity)).maybe("when", filled(when(rows))).lines();
    let rules = fields.iter().map(|rule| format!("{} = {}", key(&rule.field), field(rule)));
    std::iter::once(head).chain(rules).collect::<Vec<_>>().join("\n")
}

/// What an example asks for, without what it says to people.
pub(super) fn example(example: &Example) -> String {
    let Example { about: _, source, given, marks, quarantined, expected, span: _ } = example;
    let inline = Inline::default()
        .with("source", table(source))
        .maybe("given", (!given.is_empty()).then(|| table(given)))
        .maybe("marks", marks.as_ref().map(|marks| reasons(marks)))
        .maybe("quarantined", quarantined.map(|reason| text(reason.code())));
    expected.iter().fold(inline, |inline, (entity, row)| inline.with(&key(entity), table(row))).lines()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_keys_are_spelt_as_toml_reads_them() {
        for one in ["plain", "with \"quotes\" and \\", "two\nlines\tand\r", "åäö", ""] {
            let document: toml::Table = format!("{} = {}", key(one), text(one)).parse().unwrap();
            assert_eq!(document[one].as_str(), Some(one));
        }
        assert_eq!(Inline::default().finish(), "{}");
        assert_eq!(key("arende.AKT_ID"), "\"arende.AKT_ID\"");
    }
}
