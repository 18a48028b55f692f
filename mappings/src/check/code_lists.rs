//! The check of the code lists' lengths: a line that no example shows is missed by its number alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::codes::CodeList;
use crate::diagnostic::Diagnostic;
use crate::document::{Placed, Reporter};
use crate::project::MappingSet;
use crate::system::System;

/// Every list that a system's mappings read has as many lines about the system as its description approves,
/// and the description names no list that is not there.
pub(super) fn approved_lines(set: &MappingSet) -> Vec<Diagnostic> {
    let mut read: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for mapping in &set.mappings {
        read.entry(&mapping.system).or_default().extend(mapping.code_lists().map(|(list, ..)| list));
    }
    let mut found = Vec::new();
    for system in set.systems.values() {
        let file = format!("{}/system.toml", system.name);
        let mut report = Reporter::new(&file);
        let named = system.code_lists.keys().map(String::as_str);
        let lists: BTreeSet<&str> =
            read.remove(system.name.as_str()).into_iter().flatten().chain(named).collect();
        for name in lists {
            match set.codes.get(name) {
                Some(list) => lines_of(system, list, &mut report),
                None => unknown_list(set, system, name, &mut report),
            }
        }
        found.append(&mut report.found);
    }
    found
}

/// A list that only a rule names is reported at the rule.
fn unknown_list(set: &MappingSet, system: &System, name: &str, report: &mut Reporter<'_>) {
    if let Some(approved) = system.code_lists.get(name) {
        let placed = Placed { text: name.to_owned(), span: approved.span.clone() };
        report.unknown("BRON-M018", &placed, "code list", set.codes.keys().map(String::as_str));
    }
}

fn lines_of(system: &System, list: &CodeList, report: &mut Reporter<'_>) {
    let about = |of: &str| of.is_empty() || of == system.name;
    let there = list.entries().filter(|(of, ..)| about(of)).count();
    let name = &list.name;
    let Some(approved) = system.code_lists.get(name) else {
        let message = format!("mappings read code list `{name}`, and nobody says how many lines it has");
        let help =
            format!("write `{name} = {there}` under [code_lists]: its lines about this or every system");
        report.push("BRON-K008", &(0..0), message, "no number", Some(help));
        return;
    };
    if usize::try_from(approved.number).is_ok_and(|number| number == there) {
        return;
    }
    let message =
        format!("codes/{name}.csv has {there} lines about the system, approved are {}", approved.number);
    let help = "put back the line that is gone; who adds or removes one changes the number, so that no code \
                comes or goes unseen";
    report.push("BRON-K007", &approved.span, message, "another number", Some(help.to_owned()));
}
