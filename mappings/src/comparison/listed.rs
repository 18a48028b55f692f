//! Compares what files list by name: controls, rules of retention, policies of quality. The files are read as
//! TOML and no further: what an entry means is known to its reader alone.

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

/// A folder whose files list what others read: the controls of reconciliation, the rules of retention, the
/// policy of quality work.
struct Folder {
    path: &'static str,
    /// The array of tables.
    list: &'static str,
    /// The keys that together name an entry.
    names: &'static [&'static str],
    kind: Kind,
    risk: Risk,
    words: (&'static str, &'static str),
    /// The keys of an entry, with the words for each. A key beside them is compared as well.
    keys: &'static [(&'static str, &'static str, &'static str)],
}

const FOLDERS: [Folder; 3] = [
    Folder {
        path: "controls",
        list: "control",
        names: &["name"],
        kind: Kind::Control,
        risk: Risk::Money,
        words: ("kontrollen", "control"),
        keys: &KEYS,
    },
    Folder {
        path: "quality",
        list: "rule",
        names: &["code"],
        kind: Kind::Policy,
        risk: Risk::Meaning,
        words: ("kvalitetsregeln", "quality rule"),
        keys: &[],
    },
    Folder {
        path: "retention",
        list: "rule",
        names: &["name", "valid_from"],
        kind: Kind::Retention,
        risk: Risk::Meaning,
        words: ("gallringsregeln", "retention rule"),
        keys: &[],
    },
];

/// An entry and the file it stands in.
struct Listed {
    file: String,
    table: Table,
}

pub(super) fn compare(collector: &mut Collector<'_>) {
    for folder in &FOLDERS {
        compare_folder(collector, folder);
    }
}

fn compare_folder(collector: &mut Collector<'_>, folder: &Folder) {
    let (before, after) = (collector.before, collector.after);
    let (old, new) = (listed(before, folder), listed(after, folder));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let (sv, en) = folder.words;
        let topic = Topic {
            subject: Subject::Listed { folder: folder.path, name: name.clone() },
            phrase: Sentence::new(format!("{sv} {name}"), format!("{en} {name}")),
            kind: folder.kind,
            risk: folder.risk,
        };
        let (old, new) = (old.get(name), new.get(name));
        let old = old.map(|one| item(before, folder, name, one));
        let new = new.map(|one| item(after, folder, name, one));
        collector.item(&topic, old.as_ref(), new.as_ref());
    }
}

/// The entries of a version by name. A file that is not TOML is one entry of its own, by its path.
fn listed(version: Version<'_>, folder: &Folder) -> BTreeMap<String, Listed> {
    let mut found = BTreeMap::new();
    let inside = |path: &str| path.split_once('/').is_some_and(|(first, _)| first == folder.path);
    for (file, text) in version.files.iter().filter(|(path, _)| inside(path)) {
        let whole = |text: &str| Table::from_iter([("text".to_owned(), Value::String(text.to_owned()))]);
        let document: Table = text.parse().unwrap_or_else(|_| whole(text));
        for (key, value) in document {
            let tables = match value.as_array() {
                Some(items) if key == folder.list => items.clone(),
                _ => vec![Value::Table(Table::from_iter([(key, value)]))],
            };
            for table in tables {
                let Value::Table(table) = table else { continue };
                let entry = Listed { file: file.clone(), table: Table::new() };
                found.entry(name_of(&table, folder, file)).or_insert(entry).table.extend(table);
            }
        }
    }
    found
}

fn name_of(table: &Table, folder: &Folder, file: &str) -> String {
    let names: Vec<&str> =
        folder.names.iter().filter_map(|key| table.get(*key).and_then(Value::as_str)).collect();
    if names.is_empty() { file.to_owned() } else { names.join(" ") }
}

fn item(version: Version<'_>, folder: &Folder, name: &str, listed: &Listed) -> Item {
    let Listed { file, table } = listed;
    let said = |key: &str| table.get(key).map(value).unwrap_or_default();
    let label = ("benämningen på", "the label of");
    let mut aspects = vec![Aspect::new("label", Kind::Label, Risk::Form, said("label"), label)];
    for (key, sv, en) in folder.keys {
        aspects.push(Aspect::new(key, folder.kind, folder.risk, said(key), (sv, en)));
    }
    let known = |key: &str| {
        key == "label" || folder.names.contains(&key) || folder.keys.iter().any(|(known, ..)| *known == key)
    };
    let rest: Table = table
        .iter()
        .filter(|(key, _)| !known(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let rest = value(&Value::Table(rest));
    aspects.push(Aspect::new("", folder.kind, folder.risk, rest, ("innehållet i", "the content of")));
    let first = name.split(' ').next().unwrap_or(name);
    let line = line_of(version, file, 0, folder.names[0], first);
    Item { file: file.clone(), line, whole: lines(table), aspects }
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
