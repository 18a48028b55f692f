//! The page of a source system, for a workshop with those who know it.

use askama::Template;

use super::html::Html;
use super::questions::distinct;
use super::table::{TableView, view};
use super::{Book, Shell, render, system_page};

#[derive(Template)]
#[template(path = "handbook-system.html")]
struct Page {
    shell: Shell,
    label: String,
    name: String,
    tables: Vec<TableView>,
    ignored: Vec<(String, String)>,
    load_first: Vec<Html>,
    columns: usize,
    ignored_columns: usize,
    questions: usize,
}

/// The page.
pub(super) fn page(book: &Book<'_>, name: &str) -> String {
    let tables: Vec<TableView> = book.mappings(name).map(|mapping| view(book, mapping)).collect();
    let label = book.set.systems.get(name).map_or(name, |system| system.label.as_str());
    let system = book.set.systems.get(name);
    let first = system.into_iter().flat_map(|system| &system.load_first);
    let ignored = system.into_iter().flat_map(|system| &system.ignored_tables);
    render(&Page {
        shell: book.shell(label, &system_page(name)),
        label: label.to_owned(),
        name: name.to_owned(),
        ignored: ignored.map(|(table, reason)| (table.clone(), reason.clone())).collect(),
        load_first: first.map(|table| book.table(name, table)).collect(),
        columns: tables.iter().map(|table| table.mapped).sum(),
        ignored_columns: tables.iter().map(|table| table.ignored).sum(),
        questions: distinct(tables.iter().flat_map(|table| &table.questions)),
        tables,
    })
}
