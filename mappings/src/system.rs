//! What a source system is called and, for systems that deliver files, how the files are laid out.

mod control_line;

use std::collections::BTreeMap;

pub use self::control_line::{ControlField, ControlLine, LinePlace, Says};
use crate::diagnostic::{Diagnostic, Span};
use crate::document::{Placed, Reporter, Section, read_document};

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
    /// Which files must have been delivered.
    pub expectations: Vec<Expectation>,
    /// The lines with which the senders say how much their files hold.
    pub control_lines: Vec<ControlLine>,
    /// A file that was changed less than this many seconds ago is taken to be on its way still. `None`: nobody
    /// asks when a file was changed.
    pub settled_after: Option<u32>,
    /// Tables that are not migrated, each with the reason.
    pub ignored_tables: BTreeMap<String, String>,
    /// Tables that are loaded before every other table of every system, in this order: what says who may
    /// read must be in the target before what it protects.
    pub load_first: Vec<String>,
    /// How many lines about the system the code lists have that its mappings read, by list.
    pub code_lists: BTreeMap<String, ApprovedLines>,
}

/// How many lines about a system the business has approved in a code list: the system's own, and those
/// about every system. A line that is added or removed without the number is a mistake, so that no code
/// comes or goes unseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedLines {
    /// The number.
    pub number: u32,
    /// The place of the number in the file.
    pub span: Span,
}

/// Files that belong together: where one kind was delivered, another must have been too (D67).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The table that must have a file.
    pub table: String,
    /// The captures of file names that say which file: the month, the sender.
    pub per: Vec<String>,
    /// The table whose files say where one is expected.
    pub given: String,
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
    /// The dialect of all files of the table, by name, whatever their period; [`CsvTable::SNIFF`] finds it file by
    /// file.
    pub dialect: Option<String>,
}

impl CsvTable {
    /// The name of no dialect: the files themselves show how they are written.
    pub const SNIFF: &'static str = "sniff";

    /// A table of files that all have these columns, in the dialect of their period.
    #[must_use]
    pub fn new(name: &str, files: &str, columns: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            files: files.to_owned(),
            columns,
            optional: Vec::new(),
            free_text: None,
            same_delivery: Vec::new(),
            dialect: None,
        }
    }
}

/// How the files of a period were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvDialect {
    /// The name, which rows carry in the column `_dialekt`.
    pub name: String,
    /// The pattern of the names of the only files that are written so. Such a dialect goes before those for all
    /// files.
    pub files: Option<String>,
    /// The first `{period}` that is written so; from the beginning unless told.
    pub from: Option<String>,
    /// The last `{period}` that is written so; the last dialect has none.
    pub until: Option<String>,
    /// The encoding: a WHATWG label, `cp437`, `cp850` or `iso646-se` (seven bits with Swedish letters).
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

impl CsvDialect {
    /// A dialect for every period and file: fields may be quoted, lines end with LF, no byte order mark.
    #[must_use]
    pub fn new(name: &str, encoding: &str, separator: u8) -> Self {
        Self {
            name: name.to_owned(),
            files: None,
            from: None,
            until: None,
            encoding: encoding.to_owned(),
            separator,
            quoting: true,
            crlf: false,
            bom: false,
        }
    }
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

    /// A system without a name that delivers files of these kinds, all in these dialects.
    #[must_use]
    pub fn of_files(
        csv: Vec<CsvTable>,
        dialects: Vec<CsvDialect>,
        ignored_tables: BTreeMap<String, String>,
    ) -> Self {
        Self {
            name: String::new(),
            label: String::new(),
            csv,
            dialects,
            expectations: Vec::new(),
            control_lines: Vec::new(),
            settled_after: None,
            ignored_tables,
            load_first: Vec::new(),
            code_lists: BTreeMap::new(),
        }
    }

    /// The place of a table among those that are loaded first, or after all of them.
    #[must_use]
    pub fn load_place(&self, table: &str) -> usize {
        self.load_first.iter().position(|first| first == table).unwrap_or(usize::MAX)
    }
}

fn read_system(root: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<System> {
    let name = root.required_text("system", report)?.text;
    let label = root.required_text("label", report)?.text;
    let mut ignored = root.section("ignored_tables", report);
    let ignored_tables = ignored.as_mut().map_or_else(BTreeMap::new, |section| {
        section.scalars(report).into_iter().map(|(table, reason)| (table.text, reason.text)).collect()
    });
    let load_first = root.texts("load_first", report).unwrap_or_default();
    for (place, table) in load_first.iter().enumerate() {
        if load_first[..place].iter().any(|earlier| earlier.text == table.text) {
            let message = format!("`{}` stands twice in `load_first`", table.text);
            report.error("BRON-M005", &table.span, message, "again");
        }
    }
    let load_first = load_first.into_iter().map(|table| table.text).collect();
    let mut named_dialects = Vec::new();
    let csv: Vec<CsvTable> = root
        .sections("table", report)
        .iter_mut()
        .filter_map(|section| read_table(section, &mut named_dialects, report))
        .collect();
    let expectations = root
        .sections("expect", report)
        .iter_mut()
        .filter_map(|section| read_expectation(section, &csv, report))
        .collect();
    let control_lines = root
        .sections("control_line", report)
        .iter_mut()
        .filter_map(|section| control_line::read(section, &csv, report))
        .collect();
    let settled_after = read_settled_after(root, report);
    let dialects: Vec<CsvDialect> = root
        .sections("dialect", report)
        .iter_mut()
        .filter_map(|section| read_dialect(section, report))
        .collect();
    for name in named_dialects {
        if name.text != CsvTable::SNIFF && !dialects.iter().any(|dialect| dialect.name == name.text) {
            report.unknown("BRON-M057", &name, "dialect", dialects.iter().map(|known| known.name.as_str()));
        }
    }
    let code_lists = read_code_lists(root, report);
    Some(System {
        name,
        label,
        csv,
        dialects,
        expectations,
        control_lines,
        settled_after,
        ignored_tables,
        load_first,
        code_lists,
    })
}

fn read_settled_after(root: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<u32> {
    let span = root.span_of("settled_after");
    let seconds = u32::try_from(root.int("settled_after", report)?);
    if seconds.is_err() {
        report.error("BRON-M005", &span, "expected a number of seconds", "out of range");
    }
    seconds.ok()
}

fn read_code_lists(root: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> BTreeMap<String, ApprovedLines> {
    let Some(mut section) = root.section("code_lists", report) else { return BTreeMap::new() };
    let mut lists = BTreeMap::new();
    for list in section.keys() {
        let span = section.span_of(&list.text);
        let Some(number) = section.int(&list.text, report) else { continue };
        match u32::try_from(number) {
            Ok(number) => drop(lists.insert(list.text, ApprovedLines { number, span })),
            Err(_) => report.error("BRON-M005", &span, "expected a number of lines", "out of range"),
        }
    }
    lists
}

/// Reads a kind of file; a dialect that it names goes to `dialects`, to be looked for when all are known.
fn read_table(
    section: &mut Section<'_, '_>,
    dialects: &mut Vec<Placed>,
    report: &mut Reporter<'_>,
) -> Option<CsvTable> {
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
    let dialect = section.text("dialect", report);
    dialects.extend(dialect.clone());
    section.finish(report);
    let texts = |placed: Vec<Placed>| placed.into_iter().map(|placed| placed.text).collect();
    Some(CsvTable {
        name: name?.text,
        files: files?.text,
        columns: texts(columns),
        optional: texts(optional),
        free_text: free_text.map(|column| column.text),
        same_delivery: texts(same_delivery),
        dialect: dialect.map(|placed| placed.text),
    })
}

fn read_expectation(
    section: &mut Section<'_, '_>,
    csv: &[CsvTable],
    report: &mut Reporter<'_>,
) -> Option<Expectation> {
    let table = section.required_text("table", report);
    let given = section.required_text("given", report);
    let per = section.texts("per", report).unwrap_or_default();
    if per.is_empty() {
        report.error("BRON-M004", &section.span, "`per` is missing here", "a file for each what?");
    }
    section.finish(report);
    for name in table.iter().chain(&given) {
        let Some(known) = csv.iter().find(|known| known.name == name.text) else {
            report.unknown("BRON-M034", name, "table", csv.iter().map(|known| known.name.as_str()));
            continue;
        };
        for capture in per.iter().filter(|capture| !known.files.contains(&format!("{{{}}}", capture.text))) {
            let message = format!("the names of the files of {} have no `{}`", known.name, capture.text);
            report.error("BRON-M005", &capture.span, message, "not in the pattern");
        }
    }
    let per = per.into_iter().map(|capture| capture.text).collect();
    Some(Expectation { table: table?.text, per, given: given?.text })
}

fn read_dialect(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<CsvDialect> {
    let name = section.required_text("name", report);
    let files = section.text("files", report).map(|placed| placed.text);
    let from = section.text("from", report).map(|placed| placed.text);
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
    let (name, encoding) = (name?.text, encoding?.text);
    Some(CsvDialect { name, files, from, until, encoding, separator, quoting, crlf, bom })
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
    fn a_table_names_a_dialect_that_there_is() {
        let dialect = |name: &str| {
            let named = format!("optional = [\"Latitud\"]\ndialect = \"{name}\"");
            System::parse("system.toml", &PARAGA.replace("optional = [\"Latitud\"]", &named))
        };
        for name in ["v1", CsvTable::SNIFF] {
            assert_eq!(dialect(name).0.unwrap().csv[0].dialect.as_deref(), Some(name));
        }
        assert_eq!(dialect("v2").1[0].code, "BRON-M057");
    }

    #[test]
    fn expected_files_are_named_by_captures_that_both_have() {
        let expect = |per: &str, given: &str| {
            let expect = format!("[[expect]]\ntable = \"besok\"\nper = [\"{per}\"]\ngiven = \"{given}\"\n");
            System::parse("system.toml", &PARAGA.replace("[[dialect]]", &format!("{expect}\n[[dialect]]")))
        };
        let (system, found) = expect("period", "besok");
        assert_eq!(found, []);
        let expected = Expectation {
            table: "besok".to_owned(),
            per: vec!["period".to_owned()],
            given: "besok".to_owned(),
        };
        assert_eq!(system.unwrap().expectations, [expected]);
        let (_, found) = expect("month", "kund");
        let codes: Vec<&str> = found.iter().map(|one| one.code).collect();
        assert_eq!(codes, ["BRON-M005", "BRON-M034"]);
    }

    #[test]
    fn tables_that_are_loaded_first_keep_their_order() {
        let text = PARAGA.replace("label =", "load_first = [\"sparr\", \"samtycke\"]\nlabel =");
        let system = System::parse("system.toml", &text).0.unwrap();
        let places = ["samtycke", "besok", "sparr"].map(|table| system.load_place(table));
        assert_eq!(places, [1, usize::MAX, 0]);
        let twice = text.replace("samtycke", "sparr");
        let (system, found) = System::parse("system.toml", &twice);
        assert!(system.is_none());
        assert_eq!(found[0].message, "`sparr` stands twice in `load_first`");
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
