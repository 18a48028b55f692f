//! What somebody still has to answer.

use std::collections::BTreeSet;

use askama::Template;

use super::html::Html;
use super::{Book, MODEL, QUESTIONS, Shell, entity_page, list_page, render, table_place};
use crate::codes::{CodeList, CodeStatus};
use crate::mapping::Mapping;
use crate::retention::LegalStatus;

/// One question, with where it is.
#[derive(Clone)]
pub(super) struct Question {
    /// What the question is about: the same list asks the same question wherever it is used.
    pub(super) about: String,
    pub(super) place: Html,
    pub(super) text: Html,
}

/// The questions of a source table: lists with lines that nobody has approved, and a decision without a day.
pub(super) fn of_mapping(book: &Book<'_>, mapping: &Mapping) -> Vec<Question> {
    let place = Html::default().link(&table_place(&mapping.system, &mapping.table), &mapping.table);
    let mut questions = Vec::new();
    if !names_a_day(&mapping.decision) {
        let text = Html::of("Beslutet bakom reglerna har inget datum: ”").text(&mapping.decision).text("”");
        questions.push(Question { about: mapping.id.clone(), place: place.clone(), text });
    }
    let lists: BTreeSet<&str> = mapping.code_lists().map(|(list, ..)| list).collect();
    for list in lists.into_iter().filter_map(|list| book.set.codes.get(list)) {
        let open = open_lines(list, Some(&mapping.system));
        if open > 0 {
            let text = Html::of("Kodlistan ").link(&list_page(&list.name), &list.name);
            let rows = if open == 1 { "rad" } else { "rader" };
            let text = text.text(&format!(" har {open} {rows} för systemet som ingen har godkänt"));
            questions.push(Question { about: list.name.clone(), place: place.clone(), text });
        }
    }
    questions
}

/// Whether a text holds a day as `YYYY-MM-DD`.
fn names_a_day(text: &str) -> bool {
    text.as_bytes().windows(10).any(|window| {
        window.iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    })
}

/// The lines of a list that nobody has approved; those of a system and of every system when one is named.
pub(super) fn open_lines(list: &CodeList, system: Option<&str>) -> usize {
    let about = |of: &str| system.is_none_or(|system| of.is_empty() || of == system);
    list.entries().filter(|(of, _, entry)| about(of) && entry.status != CodeStatus::Approved).count()
}

/// The questions of code lists.
pub(super) fn of_lists(book: &Book<'_>) -> Vec<Question> {
    let open =
        book.set.codes.values().map(|list| (list, open_lines(list, None))).filter(|(_, open)| *open > 0);
    let question = |(list, open): (&CodeList, usize)| Question {
        about: list.name.clone(),
        place: Html::default().link(&list_page(&list.name), &list.name),
        text: unapproved(book, list, open),
    };
    open.map(question).collect()
}

fn unapproved(book: &Book<'_>, list: &CodeList, open: usize) -> Html {
    let text = Html::of(&format!("{open} av {} rader är inte godkända", list.entries().count()));
    let used = super::codes::used(book, &list.name);
    if used.is_empty() { text } else { text.text("; används av ").add(&used) }
}

/// How many different questions there are.
pub(super) fn distinct<'q>(questions: impl IntoIterator<Item = &'q Question>) -> usize {
    questions.into_iter().map(|question| question.about.as_str()).collect::<BTreeSet<_>>().len()
}

/// The questions of the model: entities that no table makes, and rules of retention that nobody has confirmed.
pub(super) fn of_model(book: &Book<'_>) -> Vec<Question> {
    let mut questions = Vec::new();
    for entity in book.set.model.entities.values() {
        let place = Html::default().link(&entity_page(&entity.name), &entity.label);
        if !book.set.retention.is_empty() && !book.set.retention.rules.contains_key(&entity.retention) {
            let text = Html::of("Gallringsregeln ").name(&entity.retention).text(" är inte beskriven");
            questions.push(Question { about: entity.name.clone(), place, text });
        }
    }
    for versions in book.set.retention.rules.values() {
        for rule in versions.iter().filter(|rule| rule.status == LegalStatus::Unchecked) {
            let place = Html::default().link(MODEL, "Gallring");
            let text = format!("Regeln {} ({}, {}) är inte bekräftad", rule.name, rule.lagrum, rule.version);
            questions.push(Question { about: text.clone(), place, text: Html::of(&text) });
        }
    }
    questions
}

#[derive(Template)]
#[template(path = "handbook-questions.html")]
struct Page {
    shell: Shell,
    total: usize,
    groups: Vec<(String, Vec<Question>)>,
}

/// The page of all open questions.
pub(super) fn page(book: &Book<'_>) -> String {
    let groups = groups(book);
    let total = groups.iter().map(|(_, questions)| questions.len()).sum();
    render(&Page { shell: book.shell("Öppna frågor", QUESTIONS), total, groups })
}

/// All questions by where they belong, each once: what a list asks stands under lists. Groups without a
/// question are left out.
pub(super) fn groups(book: &Book<'_>) -> Vec<(String, Vec<Question>)> {
    let systems = book.systems().into_iter().map(|system| {
        let questions = book.mappings(system).flat_map(|mapping| of_mapping(book, mapping));
        let questions = questions.filter(|question| !book.set.codes.contains_key(&question.about)).collect();
        (book.system_label(system).to_owned(), questions)
    });
    let lists = ("Kodlistor".to_owned(), of_lists(book));
    let model = ("Informationsmodellen och gallringen".to_owned(), of_model(book));
    systems
        .chain([lists, model])
        .filter(|(_, questions): &(String, Vec<Question>)| !questions.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_has_a_day() {
        assert!(names_a_day("Hemtjänstgruppen 2024-04-23, punkt 6"));
        assert!(!names_a_day("Beslutsmöte i april 2024") && !names_a_day("") && !names_a_day("2024-0423-1"));
    }
}
