//! Code lists.

use std::collections::BTreeSet;

use askama::Template;

use super::html::Html;
use super::questions::open_lines;
use super::{Book, LISTS, Shell, list_page, render, table_place};
use crate::codes::{CodeEntry, CodeList, CodeStatus, Equivalence};

#[derive(Template)]
#[template(path = "handbook-lists.html")]
struct Overview {
    shell: Shell,
    lists: Vec<ListLine>,
}

struct ListLine {
    link: Html,
    lines: usize,
    open: usize,
    used: Html,
}

#[derive(Template)]
#[template(path = "handbook-list.html")]
struct Page {
    shell: Shell,
    name: String,
    used: Html,
    open: usize,
    scoped: bool,
    lines: Vec<Line>,
}

struct Line {
    system: String,
    place: String,
    code: String,
    term: String,
    target: String,
    equivalence: &'static str,
    period: String,
    status: &'static str,
    open: bool,
    note: String,
}

/// All lists.
pub(super) fn overview(book: &Book<'_>) -> String {
    let line = |list: &CodeList| ListLine {
        link: Html::default().link(&list_page(&list.name), &list.name),
        lines: list.entries().count(),
        open: open_lines(list, None),
        used: used(book, &list.name),
    };
    let lists = book.set.codes.values().map(line).collect();
    render(&Overview { shell: book.shell("Kodlistor", LISTS), lists })
}

/// One list.
pub(super) fn page(book: &Book<'_>, list: &CodeList) -> String {
    let lines: Vec<Line> =
        list.entries().map(|(system, code, entry)| line(book, system, code, entry)).collect();
    render(&Page {
        shell: book.shell(&format!("Kodlistan {}", list.name), &list_page(&list.name)),
        name: list.name.clone(),
        used: used(book, &list.name),
        open: open_lines(list, None),
        scoped: lines.iter().any(|line| !line.place.is_empty()),
        lines,
    })
}

/// The source tables whose rules use a list.
pub(super) fn used(book: &Book<'_>, list: &str) -> Html {
    let mappings = book.set.mappings.iter();
    let using = mappings.filter(|mapping| mapping.code_lists().any(|(other, ..)| other == list));
    let mut seen = BTreeSet::new();
    let links = using.filter(|mapping| seen.insert(&mapping.id)).map(|mapping| {
        let label = format!("{}: {}", book.system_label(&mapping.system), mapping.table);
        Html::default().link(&table_place(&mapping.system, &mapping.table), &label)
    });
    Html::join(&links.collect::<Vec<_>>(), ", ", ", ")
}

fn line(book: &Book<'_>, system: &str, code: &str, entry: &CodeEntry) -> Line {
    let CodeEntry { area, namnd, target, term, equivalence, status, reviewer, note, .. } = entry;
    let (status, open) = match status {
        CodeStatus::Approved => ("Godkänd", false),
        CodeStatus::Unchecked => ("Inte granskad", true),
        CodeStatus::Flagged => ("Ifrågasatt", true),
    };
    let place: Vec<String> = [(area, "område"), (namnd, "nämnd")]
        .into_iter()
        .filter(|(value, _)| !value.is_empty())
        .map(|(value, word)| format!("{word} {value}"))
        .collect();
    let note: Vec<&str> =
        [reviewer.as_str(), note.as_str()].into_iter().filter(|text| !text.is_empty()).collect();
    Line {
        system: if system.is_empty() { "alla".to_owned() } else { label(book, system) },
        place: place.join(", "),
        code: code.to_owned(),
        term: term.clone(),
        target: target.clone(),
        equivalence: equivalence_word(*equivalence),
        period: period(entry),
        status,
        open,
        note: note.join(": "),
    }
}

fn label(book: &Book<'_>, system: &str) -> String {
    book.set.systems.get(system).map_or_else(|| system.to_owned(), |system| system.label.clone())
}

const fn equivalence_word(equivalence: Equivalence) -> &'static str {
    match equivalence {
        Equivalence::Equal => "betyder detsamma",
        Equivalence::Wider => "den nya koden är vidare",
        Equivalence::Narrower => "den nya koden är snävare",
        Equivalence::Inexact => "betydelserna överlappar",
        Equivalence::Unmatched => "saknar motsvarighet",
    }
}

fn period(entry: &CodeEntry) -> String {
    match (&entry.valid_from, &entry.valid_to) {
        (None, None) => "alltid".to_owned(),
        (Some(from), None) => format!("från {from}"),
        (None, Some(to)) => format!("till och med {to}"),
        (Some(from), Some(to)) => format!("{from} till och med {to}"),
    }
}
