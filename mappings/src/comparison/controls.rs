//! Compares the controls of reconciliation. Their files are read as TOML and no further: what a control
//! means is known to reconciliation alone.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::Version;
use super::change::{Kind, Risk, Sentence, Subject};
use super::collector::{Aspect, Collector, Item, Topic, line_of};
use super::notation::{self, Inline};

/// The keys of a control, with the words for each. A key beside them is compared as well.
const KEYS: [(&str, &str, &str); 5] = [
    ("unit", "enheten för", "the unit of"),
    ("dimension", "indelningen av", "the dimension of"),
    ("source", "källans sida av", "the source's side of"),
    ("held", "det undantagna i", "what is held out of"),
    ("target", "målets sida av", "the target's side of"),
];

/// A control and the file it stands in.
struct Control {
    file: String,
    table: Table,
}

pub(super) fn compare(collector: &mut Collector<'_>) {
    let (before, after) = (collector.before, collector.after);
    let (old, new) = (controls(before), controls(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let topic = Topic {
            subject: Subject::Control { name: name.clone() },
            phrase: Sentence::new(format!("kontrollen {name}"), format!("control {name}")),
            kind: Kind::Control,
            risk: Risk::Money,
        };
        let (old, new) = (old.get(name), new.get(name));
        let old = old.map(|control| item(before, name, control));
        let new = new.map(|control| item(after, name, control));
        collector.item(&topic, old.as_ref(), new.as_ref());
    }
}

/// The controls of a version by name. A file that is not TOML is one control of its own, by its path.
fn controls(version: Version<'_>) -> BTreeMap<String, Control> {
    let mut controls = BTreeMap::new();
    for (file, text) in version.files.iter().filter(|(path, _)| path.starts_with("controls/")) {
        let whole = |text: &str| Table::from_iter([("text".to_owned(), Value::String(text.to_owned()))]);
        let document: Table = text.parse().unwrap_or_else(|_| whole(text));
        for (key, value) in document {
            let tables = match value.as_array() {
                Some(items) if key == "control" => items.clone(),
                _ => vec![Value::Table(Table::from_iter([(key, value)]))],
            };
            for table in tables {
                let Value::Table(table) = table else { continue };
                let name = table.get("name").and_then(Value::as_str).unwrap_or(file).to_owned();
                let control = Control { file: file.clone(), table: Table::new() };
                controls.entry(name).or_insert(control).table.extend(table);
            }
        }
    }
    controls
}

fn item(version: Version<'_>, name: &str, control: &Control) -> Item {
    let Control { file, table } = control;
    let said = |key: &str| table.get(key).map(value).unwrap_or_default();
    let label = ("benämningen på", "the label of");
    let mut aspects = vec![Aspect::new("label", Kind::Label, Risk::Form, said("label"), label)];
    for (key, sv, en) in KEYS {
        aspects.push(Aspect::new(key, Kind::Control, Risk::Money, said(key), (sv, en)));
    }
    let known = |key: &str| key == "label" || key == "name" || KEYS.iter().any(|(known, ..)| *known == key);
    let rest: Table = table
        .iter()
        .filter(|(key, _)| !known(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let rest = value(&Value::Table(rest));
    aspects.push(Aspect::new("", Kind::Control, Risk::Money, rest, ("innehållet i", "the content of")));
    Item { file: file.clone(), line: line_of(version, file, 0, "name", name), whole: lines(table), aspects }
}

fn lines(table: &Table) -> String {
    table
        .iter()
        .fold(Inline::default(), |one, (key, text)| one.with(&notation::key(key), value(text)))
        .lines()
}

/// A value in one canonical spelling: keys in the order of the alphabet, everything on one line.
fn value(given: &Value) -> String {
    match given {
        Value::String(text) => notation::text(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Datetime(moment) => moment.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(value).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => table
            .iter()
            .fold(Inline::default(), |one, (key, text)| one.with(&notation::key(key), value(text)))
            .finish(),
    }
}
