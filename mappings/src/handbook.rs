//! The handbook: what the mapping files say, in Swedish, as pages that the business reads, prints and signs.
//!
//! Plain data in, pages out. Every page is one file without scripts that needs nothing from elsewhere; pages
//! lie in one folder and link to each other by name. The same mapping files give the same bytes.

mod codes;
mod columns;
mod diagram;
mod html;
mod model;
mod phrase;
mod questions;
mod start;
mod system;
mod table;
mod words;

use std::collections::BTreeMap;

use askama::Template;

use crate::function::FunctionSpec;
use crate::mapping::{FieldRule, Mapping, Target};
use crate::project::MappingSet;

pub use phrase::{general_phrase, phrase_problems};

/// The text by which a page of a handbook is told from other files of its folder.
pub const MARK: &str = "<meta name=\"generator\" content=\"bron mapping docs\">";

/// The first page.
pub const START: &str = "index.html";

/// The pages of a handbook, by file name.
///
/// `functions` is the registry of named functions and `registry_version` its version, which is part of the
/// versions that the pages state.
#[must_use]
pub fn pages(
    set: &MappingSet,
    functions: &[FunctionSpec],
    registry_version: u32,
) -> BTreeMap<String, String> {
    let book = Book::new(set, functions, registry_version);
    let mut pages = BTreeMap::new();
    pages.insert(START.to_owned(), start::page(&book));
    pages.insert(QUESTIONS.to_owned(), questions::page(&book));
    pages.insert(MODEL.to_owned(), model::overview(&book));
    pages.insert(LISTS.to_owned(), codes::overview(&book));
    for entity in set.model.entities.values() {
        pages.insert(entity_page(&entity.name), model::page(&book, entity));
    }
    for list in set.codes.values() {
        pages.insert(list_page(&list.name), codes::page(&book, list));
    }
    for system in book.systems() {
        pages.insert(system_page(system), system::page(&book, system));
    }
    pages
}

/// The rules of mapping files in words, apart from any page.
pub struct RuleWords<'a>(Book<'a>);

impl<'a> RuleWords<'a> {
    /// The words of these mapping files; `functions` is the registry of named functions.
    #[must_use]
    pub fn new(set: &'a MappingSet, functions: &'a [FunctionSpec]) -> Self {
        Self(Book::new(set, functions, 0))
    }

    /// How the value of a field comes to be, as the handbook says it: a Swedish sentence without its subject.
    #[must_use]
    pub fn of(&self, mapping: &Mapping, target: &Target, rule: &FieldRule) -> String {
        columns::field_rule(&self.0, mapping, target, rule).words()
    }
}

/// The page of open questions.
const QUESTIONS: &str = "oppna-fragor.html";

/// The overview of the model.
const MODEL: &str = "modell.html";

/// The overview of code lists.
const LISTS: &str = "kodlistor.html";

/// Where the value of a field comes from.
struct Source<'a> {
    mapping: &'a Mapping,
    target: &'a Target,
    rule: &'a FieldRule,
}

/// What all pages are made from.
struct Book<'a> {
    set: &'a MappingSet,
    functions: BTreeMap<&'a str, &'a FunctionSpec>,
    registry_version: u32,
    /// The rules of each field, by entity and field.
    sources: BTreeMap<&'a str, BTreeMap<&'a str, Vec<Source<'a>>>>,
}

impl<'a> Book<'a> {
    fn new(set: &'a MappingSet, functions: &'a [FunctionSpec], registry_version: u32) -> Self {
        let mut sources: BTreeMap<&str, BTreeMap<&str, Vec<Source<'_>>>> = BTreeMap::new();
        for mapping in &set.mappings {
            for target in &mapping.targets {
                let fields = sources.entry(&target.entity).or_default();
                for rule in &target.fields {
                    let source = Source { mapping, target, rule };
                    fields.entry(&rule.field).or_default().push(source);
                }
            }
        }
        let functions = functions.iter().map(|spec| (spec.name, spec)).collect();
        Self { set, functions, registry_version, sources }
    }

    /// The systems that have a mapping or a description, by name.
    fn systems(&self) -> Vec<&'a str> {
        let mapped = self.set.mappings.iter().map(|mapping| mapping.system.as_str());
        let mut systems: Vec<&str> = self.set.systems.keys().map(String::as_str).chain(mapped).collect();
        systems.sort_unstable();
        systems.dedup();
        systems
    }

    /// The name of a system for people.
    fn system_label(&self, system: &'a str) -> &'a str {
        self.set.systems.get(system).map_or(system, |system| system.label.as_str())
    }

    /// The mappings of a system, by table.
    fn mappings(&self, system: &str) -> impl Iterator<Item = &'a Mapping> {
        self.set.mappings.iter().filter(move |mapping| mapping.system == system)
    }

    /// The rules of a field.
    fn sources(&self, entity: &str, field: &str) -> &[Source<'a>] {
        self.sources.get(entity).and_then(|fields| fields.get(field)).map_or(&[], Vec::as_slice)
    }

    /// What stands around every page: `title` is its name, `here` its file.
    fn shell(&self, title: &str, here: &str) -> Shell {
        let mut places = vec![
            (START.to_owned(), "Start".to_owned()),
            (MODEL.to_owned(), "Informationsmodellen".to_owned()),
            (LISTS.to_owned(), "Kodlistor".to_owned()),
            (QUESTIONS.to_owned(), "Öppna frågor".to_owned()),
        ];
        let systems = self.systems();
        places
            .extend(systems.into_iter().map(|name| (system_page(name), self.system_label(name).to_owned())));
        let places =
            places.into_iter().map(|(href, label)| Place { here: href == here, href, label }).collect();
        let version = self.set.digest(self.registry_version).short();
        Shell { title: title.to_owned(), places, version }
    }
}

/// What stands around every page.
struct Shell {
    title: String,
    places: Vec<Place>,
    version: String,
}

/// A link of the menu.
struct Place {
    href: String,
    label: String,
    here: bool,
}

fn render(page: &impl Template) -> String {
    page.render().expect("a page is written to a string, which takes everything")
}

fn entity_page(entity: &str) -> String {
    format!("modell-{}.html", slug(entity))
}

fn list_page(list: &str) -> String {
    format!("kodlista-{}.html", slug(list))
}

fn system_page(system: &str) -> String {
    format!("system-{}.html", slug(system))
}

/// The place of a table on its system's page.
fn table_place(system: &str, table: &str) -> String {
    format!("{}#{}", system_page(system), table_anchor(table))
}

fn table_anchor(table: &str) -> String {
    format!("t-{}", slug(table))
}

fn field_place(entity: &str, field: &str) -> String {
    format!("{}#f-{}", entity_page(entity), slug(field))
}

/// A name as part of a file name or an anchor: letters, digits, `-` and `_` of ASCII; any other byte as
/// `.` and two hexadecimal digits.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            slug.push(char::from(byte));
        } else {
            slug.push_str(&format!(".{byte:02x}"));
        }
    }
    slug
}

#[cfg(test)]
mod tests;
