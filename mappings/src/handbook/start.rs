//! The first page.

use askama::Template;

use super::html::Html;
use super::model::areas;
use super::{Book, LISTS, MODEL, QUESTIONS, START, Shell, questions, render, system_page};
use crate::mapping::Mapping;

/// A system in the table of systems.
struct SystemLine {
    link: Html,
    tables: usize,
    ignored_tables: usize,
    fields: usize,
    ignored: usize,
    examples: usize,
    questions: usize,
}

#[derive(Template)]
#[template(path = "handbook-start.html")]
struct Page {
    shell: Shell,
    model: &'static str,
    lists: &'static str,
    open: &'static str,
    systems: Vec<SystemLine>,
    areas: Vec<(String, Vec<Html>)>,
    entities: usize,
    code_lists: usize,
    code_lines: usize,
    tables: usize,
    questions: usize,
}

/// The page.
pub(super) fn page(book: &Book<'_>) -> String {
    let areas = areas(book).into_iter().map(|(area, entities)| {
        (area, entities.into_iter().map(|entity| book.entity(&entity.name)).collect())
    });
    render(&Page {
        shell: book.shell("Mappningshandbok", START),
        model: MODEL,
        lists: LISTS,
        open: QUESTIONS,
        systems: book.systems().into_iter().map(|name| system_line(book, name)).collect(),
        areas: areas.collect(),
        entities: book.set.model.entities.len(),
        code_lists: book.set.codes.len(),
        code_lines: book.set.codes.values().map(|list| list.entries().count()).sum(),
        tables: book.set.mappings.len(),
        questions: questions::groups(book).iter().map(|(_, questions)| questions.len()).sum(),
    })
}

fn system_line(book: &Book<'_>, name: &str) -> SystemLine {
    let rules = |mapping: &Mapping| mapping.targets.iter().map(|target| target.fields.len()).sum::<usize>();
    let ignored_tables = book.set.systems.get(name).map_or(0, |system| system.ignored_tables.len());
    let label = book.set.systems.get(name).map_or(name, |system| system.label.as_str());
    let open = book.mappings(name).flat_map(|mapping| questions::of_mapping(book, mapping));
    let open: Vec<questions::Question> = open.collect();
    SystemLine {
        link: Html::default().link(&system_page(name), label),
        tables: book.mappings(name).count(),
        ignored_tables,
        fields: book.mappings(name).map(rules).sum(),
        ignored: book.mappings(name).map(|mapping| mapping.ignored.len()).sum(),
        examples: book.mappings(name).map(|mapping| mapping.examples.len()).sum(),
        questions: questions::distinct(&open),
    }
}
