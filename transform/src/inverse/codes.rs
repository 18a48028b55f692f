//! The way back through a code list.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{CodeEntry, CodeList, Equivalence};

use crate::plan::{CodeTable, Meant};

/// The groups of codes that a loss names; the rest are counted.
const MOST_GROUPS: usize = 3;

/// A code list read from the target's side.
pub(super) struct CodesBack {
    table: CodeTable,
    /// The codes of the system by the target that one of their meanings has, best meaning first.
    by_target: BTreeMap<String, Vec<String>>,
}

/// The lines that count for a system: its own, and those for every system whose code it has no line for.
fn lines_of<'l>(list: &'l CodeList, system: &str) -> Vec<(&'l str, &'l CodeEntry)> {
    let own: BTreeSet<&str> =
        list.entries().filter(|(of, ..)| *of == system).map(|(_, code, _)| code).collect();
    let counts = |of: &str, code: &str| of == system || (of.is_empty() && !own.contains(code));
    list.entries().filter(|(of, code, _)| counts(of, code)).map(|(_, code, entry)| (code, entry)).collect()
}

impl CodesBack {
    pub(super) fn new(list: &CodeList, system: &str) -> Result<Self, String> {
        let mut ranked: BTreeMap<String, BTreeSet<(Equivalence, String)>> = BTreeMap::new();
        for (code, entry) in lines_of(list, system).into_iter().filter(|(_, entry)| !entry.target.is_empty())
        {
            ranked.entry(entry.target.clone()).or_default().insert((entry.equivalence, code.to_owned()));
        }
        let codes = |ranked: BTreeSet<(Equivalence, String)>| {
            let mut codes: Vec<String> = Vec::new();
            for (_, code) in ranked {
                if !codes.contains(&code) {
                    codes.push(code);
                }
            }
            codes
        };
        let by_target = ranked.into_iter().map(|(target, ranked)| (target, codes(ranked))).collect();
        Ok(Self { table: CodeTable::new(list, system)?, by_target })
    }

    /// What a code means for a row of this area and nämnd on a day.
    pub(super) fn read(&self, code: &str, scope: (&str, &str), day: Option<i32>) -> Meant<'_> {
        self.table.find(code, scope, || day)
    }

    /// The codes that mean the target for such a row on that day, best first.
    pub(super) fn codes(&self, target: &str, scope: (&str, &str), day: Option<i32>) -> Vec<&str> {
        let meant = |code: &&str| self.read(code, scope, day) == Meant::Target(target);
        let codes = self.by_target.get(target).into_iter().flatten().map(String::as_str);
        codes.filter(meant).collect()
    }
}

/// What is lost on the way through the list, whatever the row: codes of one meaning, and codes without one.
pub(super) fn loss(list: &CodeList, system: &str) -> Option<String> {
    let lines = lines_of(list, system);
    let mut alike: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (at, (code, entry)) in lines.iter().enumerate().filter(|(_, (_, entry))| !entry.target.is_empty()) {
        for (other, of_other) in &lines[at + 1..] {
            if other != code && of_other.target == entry.target && can_meet(entry, of_other) {
                alike.entry(&entry.target).or_default().extend([*code, *other]);
            }
        }
    }
    let groups = alike.iter().map(|(target, codes)| {
        let codes: Vec<&str> = codes.iter().copied().collect();
        format!("`{target}` is {}", codes.join(" or "))
    });
    let mut lost: Vec<String> = groups.take(MOST_GROUPS).collect();
    if alike.len() > MOST_GROUPS {
        lost.push(format!("{} more targets of several codes", alike.len() - MOST_GROUPS));
    }
    let without: BTreeSet<&str> =
        lines.iter().filter(|(_, entry)| entry.target.is_empty()).map(|(code, _)| *code).collect();
    if !without.is_empty() {
        let without: Vec<&str> = without.into_iter().collect();
        lost.push(format!("an empty value is {}, or no code", without.join(" or ")));
    }
    (!lost.is_empty()).then(|| lost.join("; "))
}

/// Whether both lines can be about one row on one day.
fn can_meet(one: &CodeEntry, other: &CodeEntry) -> bool {
    let same = |a: &str, b: &str| a.is_empty() || b.is_empty() || a == b;
    let in_time = |from: &Option<String>, to: &Option<String>| match (from, to) {
        (Some(from), Some(to)) => from <= to,
        (None, _) | (_, None) => true,
    };
    same(&one.area, &other.area)
        && same(&one.namnd, &other.namnd)
        && in_time(&one.valid_from, &other.valid_to)
        && in_time(&other.valid_from, &one.valid_to)
}
