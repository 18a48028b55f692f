//! A TOML document with the place of every key, read so that one mistake does not hide the next.
//!
//! A [`Section`] is a table that remembers which of its keys were asked for. What was never asked for
//! is an unknown key, and an unknown key is an error: a setting that nobody reads is silent data loss.

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::artefact::Artefact;
use crate::diagnostic::{Diagnostic, Severity, Span, nearest};

/// Text with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// Collects what is wrong with one file.
pub(crate) struct Reporter<'a> {
    pub(crate) file: &'a str,
    pub(crate) found: Vec<Diagnostic>,
}

impl<'a> Reporter<'a> {
    pub(crate) const fn new(file: &'a str) -> Self {
        Self { file, found: Vec::new() }
    }

    pub(crate) fn error(&mut self, code: &'static str, span: &Span, message: impl Into<String>, label: &str) {
        self.push(code, span, message.into(), label, None);
    }

    /// An unknown name, with the nearest known one as help.
    pub(crate) fn unknown<'n>(
        &mut self,
        code: &'static str,
        name: &Placed,
        what: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        let help = match nearest(&name.text, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "nothing is known here".to_owned(),
            None => format!("known: {}", known.join(", ")),
        };
        self.push(code, &name.span, format!("unknown {what} `{}`", name.text), "not known", Some(help));
    }

    pub(crate) fn push(
        &mut self,
        code: &'static str,
        span: &Span,
        message: String,
        label: &str,
        help: Option<String>,
    ) {
        self.found.push(Diagnostic {
            code,
            severity: Severity::Error,
            file: self.file.to_owned(),
            span: span.clone(),
            message,
            label: label.to_owned(),
            help,
        });
    }
}

/// Parses a document and hands its root to `read`; syntax errors are reported, and reading goes on
/// with what could be understood.
pub(crate) fn read_document<T>(
    text: &str,
    report: &mut Reporter<'_>,
    read: impl FnOnce(&mut Section<'_, '_>, &mut Reporter<'_>) -> T,
) -> T {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        report.error("BRON-M001", &span, error.message().to_owned(), "not TOML");
    }
    let span = root.span();
    let table = root.into_inner();
    let mut section = Section::new(&table, 0..span.end.min(1));
    let format = section.int("format", report);
    if let Some(format) = format {
        let judged = Artefact::MappingFile.require(&"the file", u64::try_from(format).unwrap_or(0));
        if let Err(unknown) = judged {
            report.error("BRON-M002", &section.span_of("format"), unknown.to_string(), "another format");
        }
    } else {
        report.error("BRON-M002", &section.span, "the file must begin with `format = 1`", "no format");
    }
    let value = read(&mut section, report);
    section.finish(report);
    value
}

/// A table of the document.
pub(crate) struct Section<'t, 'i> {
    table: &'t DeTable<'i>,
    pub(crate) span: Span,
    asked: BTreeSet<String>,
}

impl<'t, 'i> Section<'t, 'i> {
    pub(crate) const fn new(table: &'t DeTable<'i>, span: Span) -> Self {
        Self { table, span, asked: BTreeSet::new() }
    }

    fn take(&mut self, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.asked.insert(key.to_owned());
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// The place of a key's value, or of the section when the key is absent.
    pub(crate) fn span_of(&self, key: &str) -> Span {
        let found = self.table.iter().find(|(name, _)| name.get_ref() == key);
        found.map_or_else(|| self.span.clone(), |(_, value)| value.span())
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// The keys that stand in the section, with their places, in the order of the alphabet.
    pub(crate) fn keys(&self) -> Vec<Placed> {
        self.table
            .iter()
            .map(|(name, _)| Placed { text: name.get_ref().to_string(), span: name.span() })
            .collect()
    }

    pub(crate) fn text(&mut self, key: &str, report: &mut Reporter<'_>) -> Option<Placed> {
        let value = self.take(key)?;
        placed_text(value, report)
    }

    /// A text that must be there; reports when it is not.
    pub(crate) fn required_text(&mut self, key: &str, report: &mut Reporter<'_>) -> Option<Placed> {
        if !self.has(key) {
            self.asked.insert(key.to_owned());
            report.error("BRON-M004", &self.span, format!("`{key}` is missing here"), "incomplete");
            return None;
        }
        self.text(key, report).filter(|placed| {
            let filled = !placed.text.trim().is_empty();
            if !filled {
                report.error("BRON-M004", &placed.span, format!("`{key}` is empty"), "say something here");
            }
            filled
        })
    }

    pub(crate) fn int(&mut self, key: &str, report: &mut Reporter<'_>) -> Option<i64> {
        let value = self.take(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
        if number.is_none() {
            wrong_type(value, "a whole number", report);
        }
        number
    }

    pub(crate) fn bool(&mut self, key: &str, report: &mut Reporter<'_>) -> Option<bool> {
        let value = self.take(key)?;
        if let DeValue::Boolean(truth) = value.get_ref() {
            return Some(*truth);
        }
        wrong_type(value, "true or false", report);
        None
    }

    /// A text or an array of texts.
    pub(crate) fn texts(&mut self, key: &str, report: &mut Reporter<'_>) -> Option<Vec<Placed>> {
        let value = self.take(key)?;
        match value.get_ref().as_array() {
            Some(items) => Some(items.iter().filter_map(|item| placed_text(item, report)).collect()),
            None => placed_text(value, report).map(|text| vec![text]),
        }
    }

    pub(crate) fn section(&mut self, key: &str, report: &mut Reporter<'_>) -> Option<Section<'t, 'i>> {
        let value = self.take(key)?;
        if let DeValue::Table(table) = value.get_ref() {
            return Some(Section::new(table, value.span()));
        }
        wrong_type(value, "a table", report);
        None
    }

    /// An array of tables; one table alone counts as an array of one.
    pub(crate) fn sections(&mut self, key: &str, report: &mut Reporter<'_>) -> Vec<Section<'t, 'i>> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        if let Some(items) = value.get_ref().as_array() {
            return items.iter().filter_map(|item| table_item(item, report)).collect();
        }
        table_item(value, report).into_iter().collect()
    }

    /// A value as text whatever its simple type: 771, true and "771" read as they are written.
    pub(crate) fn scalar(&mut self, key: &str, report: &mut Reporter<'_>) -> Option<Placed> {
        let value = self.take(key)?;
        let simple = value.get_ref();
        let text = simple
            .as_str()
            .map(str::to_owned)
            .or_else(|| simple.as_integer().map(ToString::to_string))
            .or_else(|| simple.as_bool().map(|truth| truth.to_string()));
        if text.is_none() {
            wrong_type(value, "a text, a whole number or true/false", report);
        }
        Some(Placed { text: text?, span: value.span() })
    }

    /// Every key of the section as text; used for free-form tables.
    pub(crate) fn scalars(&mut self, report: &mut Reporter<'_>) -> Vec<(Placed, Placed)> {
        let keys = self.keys();
        keys.into_iter().filter_map(|key| self.scalar(&key.text, report).map(|value| (key, value))).collect()
    }

    /// Reports every key that nobody asked for.
    pub(crate) fn finish(&self, report: &mut Reporter<'_>) {
        for key in self.keys() {
            if !self.asked.contains(&key.text) {
                report.unknown("BRON-M003", &key, "key", self.asked.iter().map(String::as_str));
            }
        }
    }
}

fn table_item<'t, 'i>(item: &'t Spanned<DeValue<'i>>, report: &mut Reporter<'_>) -> Option<Section<'t, 'i>> {
    if let DeValue::Table(table) = item.get_ref() {
        return Some(Section::new(table, item.span()));
    }
    wrong_type(item, "a table", report);
    None
}

fn placed_text(value: &Spanned<DeValue<'_>>, report: &mut Reporter<'_>) -> Option<Placed> {
    if let DeValue::String(text) = value.get_ref() {
        return Some(Placed { text: text.to_string(), span: value.span() });
    }
    wrong_type(value, "a text", report);
    None
}

fn wrong_type(value: &Spanned<DeValue<'_>>, expected: &str, report: &mut Reporter<'_>) {
    report.error("BRON-M005", &value.span(), format!("expected {expected}"), "has another type");
}
