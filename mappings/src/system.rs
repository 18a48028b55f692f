//! What a source system is called and, for systems that deliver files, how the files are laid out.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::document::{Reporter, Section, read_document};

/// One source system, described by `<system>/system.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// The name in mapping files and keys.
    pub name: String,
    /// The name for people.
    pub label: String,
    /// The tables of a system that delivers CSV files; empty for a database.
    pub csv: Vec<CsvTable>,
    /// How files were written, in the order of time.
    pub dialects: Vec<CsvDialect>,
    /// Tables that are not migrated, each with the reason.
    pub ignored_tables: BTreeMap<String, String>,
}

/// One kind of file, read as one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvTable {
    /// The table's name.
    pub name: String,
    /// The pattern of file names: `besok_{period}_{utforare}.csv`. Each capture becomes a column.
    pub files: String,
    /// Every column that some dialect has.
    pub columns: Vec<String>,
    /// The columns that some dialects lack.
    pub optional: Vec<String>,
    /// The one column whose text may hold a separator or a line break that was not quoted.
    pub free_text: Option<String>,
    /// The captures that are equal in two deliveries of the same file. Two files with the same content are
    /// one delivery only when these agree as well; without any, when all captures agree. A table whose rows
    /// themselves name the sender needs only the period.
    pub same_delivery: Vec<String>,
}

/// How the files of a period were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvDialect {
    /// The name, which rows carry in the column `_dialekt`.
    pub name: String,
    /// The last `{period}` that is written so; the last dialect has none.
    pub until: Option<String>,
    /// The encoding, by its WHATWG label.
    pub encoding: String,
    /// The character between fields.
    pub separator: u8,
    /// Whether fields may be quoted.
    pub quoting: bool,
    /// Whether lines end with CR LF; otherwise with LF alone.
    pub crlf: bool,
    /// Whether files begin with a byte order mark.
    pub bom: bool,
}

impl System {
    /// Reads a system file.
    #[must_use]
    pub fn parse(file: &str, text: &str) -> (Option<Self>, Vec<Diagnostic>) {
        let mut report = Reporter::new(file);
        let system = read_document(text, &mut report, read_system);
        let usable = report.found.is_empty();
        (system.filter(|_| usable), report.found)
    }
}

fn read_system(root: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<System> {
    let name = root.required_text("system", report)?.text;
    let label = root.required_text("label", report)?.text;
    let mut ignored = root.section("ignored_tables", report);
    let ignored_tables = ignored.as_mut().map_or_else(BTreeMap::new, |section| {
        section.scalars(report).into_iter().map(|(table, reason)| (table.text, reason.text)).collect()
    });
    let csv =
        root.sections("table", report).iter_mut().filter_map(|section| read_table(section, report)).collect();
    let dialects = root
        .sections("dialect", report)
        .iter_mut()
        .filter_map(|section| read_dialect(section, report))
        .collect();
    Some(System { name, label, csv, dialects, ignored_tables })
}

fn read_table(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<CsvTable> {
    let name = section.required_text("name", report);
    let files = section.required_text("files", report);
    let columns = section.texts("columns", report).unwrap_or_default();
    if columns.is_empty() {
        report.error("BRON-M004", &section.span, "`columns` is missing here", "incomplete");
    }
    let optional = section.texts("optional", report).unwrap_or_default();
    let free_text = section.text("free_text", report);
    let same_delivery = section.texts("same_delivery", report).unwrap_or_default();
    for column in optional.iter().chain(&free_text) {
        if !columns.iter().any(|known| known.text == column.text) {
            report.unknown("BRON-M010", column, "column", columns.iter().map(|known| known.text.as_str()));
        }
    }
    section.finish(report);
    let texts = |placed: Vec<crate::document::Placed>| placed.into_iter().map(|placed| placed.text).collect();
    Some(CsvTable {
        name: name?.text,
        files: files?.text,
        columns: texts(columns),
        optional: texts(optional),
        free_text: free_text.map(|column| column.text),
        same_delivery: texts(same_delivery),
    })
}

fn read_dialect(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<CsvDialect> {
    let name = section.required_text("name", report);
    let until = section.text("until", report).map(|placed| placed.text);
    let encoding = section.required_text("encoding", report);
    let separator = section.required_text("separator", report);
    if let Some(placed) = separator.as_ref().filter(|placed| placed.text.len() != 1) {
        report.error("BRON-M005", &placed.span, "a separator is one ASCII character", "not one character");
    }
    let quoting = section.bool("quoting", report).unwrap_or(true);
    let crlf = section.bool("crlf", report).unwrap_or(false);
    let bom = section.bool("bom", report).unwrap_or(false);
    section.finish(report);
    let separator = separator?.text.as_bytes().first().copied()?;
    Some(CsvDialect { name: name?.text, until, encoding: encoding?.text, separator, quoting, crlf, bom })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAGA: &str = r#"
format = 1
system = "paraga"
label = "ParaGå"

[ignored_tables]
personal = "byggs upp ur pass"

[[table]]
name = "besok"
files = "besok_{period}_{utforare}.csv"
columns = ["BesokId", "Latitud"]
optional = ["Latitud"]

[[dialect]]
name = "v1"
until = "201505"
encoding = "windows-1252"
separator = ";"
quoting = false
crlf = true
"#;

    #[test]
    fn a_file_system_is_read_whole() {
        let (system, found) = System::parse("system.toml", PARAGA);
        assert_eq!(found, []);
        let system = system.unwrap();
        assert_eq!(system.csv[0].optional, ["Latitud"]);
        assert_eq!(system.dialects[0].separator, b';');
        assert_eq!(system.ignored_tables["personal"], "byggs upp ur pass");
    }

    #[test]
    fn every_mistake_is_reported_at_its_place() {
        let text = PARAGA.replace("optional", "optinal").replace("\";\"", "\";;\"").replace("label", "lable");
        let (system, found) = System::parse("system.toml", &text);
        assert!(system.is_none());
        let messages: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
        assert!(messages.contains(&"`label` is missing here"), "{messages:?}");
    }
}
