//! What became of the evidence since it was signed, in words.

use std::collections::{BTreeMap, BTreeSet};

use super::Bound;

/// The most tables of a system that are named one by one.
const NAMED: usize = 5;

/// What is no longer as it was, in Swedish, one clause each: "kodlistan kon har ändrats sedan dess". Empty when
/// everything is the same.
#[must_use]
pub fn changes(then: &Bound, now: &Bound) -> Vec<String> {
    let mut told = Vec::new();
    for (path, fate) in compared(&then.files, &now.files) {
        told.push(format!("{} har {} sedan dess", named(path), fate.words()));
    }
    told.extend(of_tables(&then.staged, &now.staged));
    told.extend(of_file("de godkända avvikelserna (waivers.toml)", &then.waivers, &now.waivers));
    if then.run != now.run {
        told.push(format!("projektet står nu på körning {} i stället för {}", now.run, then.run));
    }
    if now.summary.is_none() {
        told.push(format!("körning {} är inte avstämd", now.run));
        return told;
    }
    told.extend(of_file("rapporten", &then.report, &now.report));
    for (name, fate) in compared(&then.beside, &now.beside) {
        // A form of the report that was not there when it was signed was not signed either, and takes nothing away.
        if fate != Fate::Came {
            told.push(format!("rapporten som {name} har {} sedan dess", fate.words()));
        }
    }
    told.extend(of_file("avstämningens sammanfattning (summary.json)", &then.summary, &now.summary));
    told
}

/// What became of a file that the project may have or not.
fn of_file(name: &str, then: &Option<String>, now: &Option<String>) -> Option<String> {
    let fate = match (then, now) {
        (None, Some(_)) => Fate::Came,
        (Some(_), None) => Fate::Went,
        (then, now) if then != now => Fate::Changed,
        (None, None) | (Some(_), Some(_)) => return None,
    };
    Some(format!("{name} har {} sedan dess", fate.words()))
}

/// What became of one thing among many.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Changed,
    Came,
    Went,
}

impl Fate {
    const fn words(self) -> &'static str {
        match self {
            Self::Changed => "ändrats",
            Self::Came => "tillkommit",
            Self::Went => "tagits bort",
        }
    }
}

fn compared<'b>(
    then: &'b BTreeMap<String, String>,
    now: &'b BTreeMap<String, String>,
) -> Vec<(&'b str, Fate)> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let fate = |name: &'b String| {
        let fate = match (then.get(name), now.get(name)) {
            (Some(_), None) => Fate::Went,
            (None, _) => Fate::Came,
            (Some(then), Some(now)) if then != now => Fate::Changed,
            (Some(_), Some(_)) => return None,
        };
        Some((name.as_str(), fate))
    };
    names.into_iter().filter_map(fate).collect()
}

/// What people call a mapping file.
fn named(path: &str) -> String {
    let Some((folder, file)) = path.rsplit_once('/') else { return format!("filen {path}") };
    let name = file.rsplit_once('.').map_or(file, |(name, _)| name);
    match (folder, file) {
        ("codes", _) => format!("kodlistan {name}"),
        ("controls", _) => format!("kontrollerna i {name}"),
        ("model", _) => format!("informationsmodellen {name}"),
        ("quality", _) => format!("kvalitetsreglerna i {name}"),
        ("retention", _) => format!("gallringsreglerna i {name}"),
        (system, "system.toml") => format!("beskrivningen av {system}"),
        _ => format!("mappningen {folder}/{name}"),
    }
}

/// The tables whose rows are others, system by system.
fn of_tables(then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let mut by_system: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, _) in compared(then, now) {
        let (system, table) = name.split_once('/').unwrap_or((name, ""));
        by_system.entry(system).or_default().push(table);
    }
    let told = by_system.into_iter().map(|(system, tables)| {
        let shown = tables[..tables.len().min(NAMED)].join(", ");
        let more = match tables.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" och {more} till"),
        };
        format!("källdata ur {system} har ändrats sedan dess: {shown}{more}")
    });
    told.collect()
}
