//! Compares the descriptions of source systems.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Kind, Risk, Sentence, Subject};
use super::collector::{Aspect, Collector, Item, Topic};
use super::notation::{self, Inline};
use crate::system::{ControlField, ControlLine, CsvDialect, CsvTable, Expectation, LinePlace, System};

pub(super) fn compare(collector: &mut Collector<'_>) {
    let (before, after) = (&collector.before.set.systems, &collector.after.set.systems);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        system(collector, name, old, new);
        if let (Some(old), Some(new)) = (old, new) {
            parts(collector, old, new);
        }
    }
}

fn system(collector: &mut Collector<'_>, name: &str, before: Option<&System>, after: Option<&System>) {
    let topic = Topic {
        subject: Subject::System { system: name.to_owned() },
        phrase: Sentence::new(format!("källsystemet {name}"), format!("source system {name}")),
        kind: Kind::Source,
        risk: Risk::Meaning,
    };
    let item = |system: &System| {
        let System {
            name,
            label,
            csv: _,
            dialects: _,
            expectations,
            control_lines,
            settled_after,
            ignored_tables: _,
            load_first,
            // Says nothing that the lines of the lists themselves do not say.
            code_lists: _,
        } = system;
        let label = notation::text(label);
        let expected: Vec<String> = expectations.iter().map(expectation_text).collect();
        let controls: Vec<String> = control_lines.iter().map(control_line_text).collect();
        let settled = settled_after.map(|seconds| seconds.to_string()).unwrap_or_default();
        let list = |texts: &[String]| {
            if texts.is_empty() { String::new() } else { notation::texts(texts.iter().map(String::as_str)) }
        };
        let aspects = vec![
            Aspect::new("label", Kind::Label, Risk::Form, label.clone(), ("benämningen på", "the label of")),
            Aspect::new(
                "expect",
                Kind::Source,
                Risk::Meaning,
                expected.join("\n"),
                ("de filer som ska finnas i", "the files expected of"),
            ),
            Aspect::new(
                "control_line",
                Kind::Source,
                Risk::Meaning,
                controls.join("\n"),
                ("kontrollraderna i filerna från", "the control lines in the files of"),
            ),
            Aspect::new(
                "settled_after",
                Kind::Source,
                Risk::Form,
                settled,
                ("väntetiden för filer från", "the time that files settle in of"),
            ),
            // What says who may read has to be in the target before what it protects.
            Aspect::new(
                "load_first",
                Kind::Source,
                Risk::Protection,
                list(load_first),
                ("det som läses in först ur", "what is loaded first of"),
            ),
        ];
        let whole = Inline::default().with("system", notation::text(name)).with("label", label).lines();
        Item { file: format!("{name}/system.toml"), line: None, whole, aspects }
    };
    collector.item(&topic, before.map(item).as_ref(), after.map(item).as_ref());
}

/// The tables, the dialects and the tables that stay, each by name.
fn parts(collector: &mut Collector<'_>, before: &System, after: &System) {
    let name = &after.name;
    let tables =
        |system: &System| system.csv.iter().map(|table| (table.name.clone(), table_text(table))).collect();
    let dialects = |system: &System| {
        system.dialects.iter().map(|dialect| (dialect.name.clone(), dialect_text(dialect))).collect()
    };
    let ignored = |system: &System| {
        let tables = system.ignored_tables.iter();
        tables.map(|(table, why)| (table.clone(), vec![("", Kind::Source, notation::text(why))])).collect()
    };
    named(collector, name, &[tables(before), tables(after)], ("filtabellen", "file table"));
    named(collector, name, &[dialects(before), dialects(after)], ("filformatet", "file dialect"));
    named(collector, name, &[ignored(before), ignored(after)], ("den utelämnade tabellen", "table left out"));
}

type Parts = BTreeMap<String, Vec<(&'static str, Kind, String)>>;

fn named(collector: &mut Collector<'_>, system: &str, sides: &[Parts; 2], words: (&str, &str)) {
    let names: BTreeSet<&String> = sides.iter().flat_map(BTreeMap::keys).collect();
    for name in names {
        let topic = Topic {
            subject: Subject::System { system: system.to_owned() },
            phrase: Sentence::new(
                format!("{} {name} i {system}", words.0),
                format!("{} {name} of {system}", words.1),
            ),
            kind: Kind::Source,
            risk: Risk::Meaning,
        };
        let item = |parts: &Vec<(&'static str, Kind, String)>| {
            let said = parts.iter().filter(|(.., text)| !text.is_empty());
            let whole = said.fold(Inline::default(), |one, (key, _, text)| {
                one.with(if key.is_empty() { name } else { key }, text.clone())
            });
            let aspect = |(key, kind, text): &(&'static str, Kind, String)| {
                // A reason for leaving a table out is a text for people.
                let risk = if key.is_empty() { Risk::Form } else { Risk::Meaning };
                Aspect::new(key, *kind, risk, text.clone(), part_words(key))
            };
            Item {
                file: format!("{system}/system.toml"),
                line: None,
                whole: whole.lines(),
                aspects: parts.iter().map(aspect).collect(),
            }
        };
        let [old, new] = sides.each_ref().map(|side| side.get(name).map(item));
        collector.item(&topic, old.as_ref(), new.as_ref());
    }
}

fn part_words(key: &str) -> (&'static str, &'static str) {
    match key {
        "files" => ("filnamnen för", "the file names of"),
        "columns" => ("kolumnerna i", "the columns of"),
        "optional" => ("de valfria kolumnerna i", "the optional columns of"),
        "free_text" => ("fritextkolumnen i", "the free-text column of"),
        "same_delivery" => ("vad som är samma leverans av", "what is the same delivery of"),
        "dialect" => ("det bestämda filformatet för", "the one dialect of"),
        "from" => ("den första perioden för", "the first period of"),
        "until" => ("den sista perioden för", "the last period of"),
        "encoding" => ("teckenkodningen i", "the encoding of"),
        "separator" => ("skiljetecknet i", "the separator of"),
        "quoting" => ("bruket av citattecken i", "the quoting of"),
        "crlf" => ("radsluten i", "the line ends of"),
        "bom" => ("filhuvudet i", "the byte order mark of"),
        _ => ("skälet för", "the reason for"),
    }
}

fn expectation_text(expectation: &Expectation) -> String {
    let Expectation { table, per, given } = expectation;
    Inline::default()
        .with("table", notation::text(table))
        .with("per", notation::texts(per.iter().map(String::as_str)))
        .with("given", notation::text(given))
        .finish()
}

fn control_line_text(line: &ControlLine) -> String {
    let ControlLine { table, place, fields, from, until } = line;
    let place = match place {
        LinePlace::First => "first",
        LinePlace::Last => "last",
    };
    let fields: Vec<String> = fields.iter().map(ControlField::text).collect();
    let mut text = Inline::default()
        .with("table", notation::text(table))
        .with("place", notation::text(place))
        .with("fields", notation::texts(fields.iter().map(String::as_str)));
    for (key, period) in [("from", from), ("until", until)] {
        if let Some(period) = period {
            text = text.with(key, notation::text(period));
        }
    }
    text.finish()
}

fn table_text(table: &CsvTable) -> Vec<(&'static str, Kind, String)> {
    let CsvTable { name: _, files, columns, optional, free_text, same_delivery, dialect } = table;
    let list = |texts: &[String]| {
        if texts.is_empty() { String::new() } else { notation::texts(texts.iter().map(String::as_str)) }
    };
    [
        ("files", notation::text(files)),
        ("columns", list(columns)),
        ("optional", list(optional)),
        ("free_text", free_text.as_deref().map(notation::text).unwrap_or_default()),
        ("same_delivery", list(same_delivery)),
        ("dialect", dialect.as_deref().map(notation::text).unwrap_or_default()),
    ]
    .map(|(key, text)| (key, Kind::Source, text))
    .into()
}

fn dialect_text(dialect: &CsvDialect) -> Vec<(&'static str, Kind, String)> {
    let CsvDialect { name: _, files, from, until, encoding, separator, quoting, crlf, bom } = dialect;
    [
        ("files", files.as_deref().map(notation::text).unwrap_or_default()),
        ("from", from.as_deref().map(notation::text).unwrap_or_default()),
        ("until", until.as_deref().map(notation::text).unwrap_or_default()),
        ("encoding", notation::text(encoding)),
        ("separator", notation::text(&char::from(*separator).to_string())),
        ("quoting", quoting.to_string()),
        ("crlf", crlf.to_string()),
        ("bom", bom.to_string()),
    ]
    .map(|(key, text)| (key, Kind::Source, text))
    .into()
}
