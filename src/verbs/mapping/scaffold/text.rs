//! The text of the files. It is written plainly here and brought into its canonical form afterwards.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bron_extract::Sniffed;
use bron_extract::profile::TableProfile;
use bron_mappings::CsvDialect;

use super::assign::FieldGuess;
use super::entity::{Guess, PersonGuess, TargetGuess};
use super::files::{Dialects, Kind, dialects};
use super::likeness::folded;
use crate::verbs::source::facts;

/// Why writing never fails.
const WRITES: &str = "writing to a String does not fail";

/// The code lists that a mapping reads, by column.
pub(super) struct Rules(BTreeMap<String, String>);

impl Rules {
    /// Names the lists of a table's columns, and notes their codes in `lists`.
    pub(super) fn new(
        system: &str,
        table: &TableProfile,
        guess: &Guess,
        lists: &mut BTreeMap<String, Vec<String>>,
    ) -> Self {
        let rules = guess.targets.iter().flat_map(|target| target.fields.values());
        let columns = rules.filter_map(|rule| match rule {
            FieldGuess::Codes { column } => Some(column),
            FieldGuess::Id { .. } | FieldGuess::Ref { .. } | FieldGuess::Column { .. } => None,
        });
        let mut named = BTreeMap::new();
        for column in columns {
            let list = format!("{system}_{}_{}", folded(&table.table), folded(column));
            let codes = table.column(column).and_then(|column| column.codes.as_ref());
            let mut codes: Vec<String> = codes.into_iter().flatten().map(|one| one.code.clone()).collect();
            codes.sort();
            lists.insert(list.clone(), codes);
            named.insert(column.clone(), list);
        }
        Self(named)
    }
}

/// A text in quotes. What JSON escapes TOML escapes in the same way.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn key(name: &str) -> String {
    let bare = |one: char| one.is_ascii_alphanumeric() || one == '_' || one == '-';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// A comment of one line, whatever a source has in its names and types.
fn comment(text: &str) -> String {
    let plain = text.chars().map(|one| if one.is_control() { ' ' } else { one });
    format!("# {}\n", plain.collect::<String>())
}

/// The mapping of a table.
pub(super) fn mapping(system: &str, table: &TableProfile, guess: &Guess, rules: &Rules) -> String {
    let mut text =
        comment("Ett utkast, gissat av namn, typer och värden. Läs varje regel innan den godkänns.");
    text += &comment("Kolumner under [ignore] utan skäl återstår: mappa dem, eller skriv varför de lämnas.");
    let name = format!("{system}/{}", table.table);
    write!(
        text,
        "format = 1\nmapping = {}\nowner = \"\"\ndecision = \"\"\nexamples = 0\n\n\
         [source]\nsystem = {}\ntable = {}\nkey = {}\n",
        quoted(&name),
        quoted(system),
        quoted(&table.table),
        list(&guess.key)
    )
    .expect(WRITES);
    match &guess.person {
        Some(PersonGuess::Record { number }) => {
            write!(text, "\n[person]\nrecord = {}\n", list(&guess.key)).expect(WRITES);
            if let Some(number) = number {
                writeln!(text, "number = {{ from = {} }}", quoted(number)).expect(WRITES);
            }
        }
        Some(PersonGuess::About { table, column }) => {
            write!(
                text,
                "\n[person]\nabout = {{ table = {}, from = [{}] }}\n",
                quoted(table),
                quoted(column)
            )
            .expect(WRITES);
        }
        None => {}
    }
    for one in &guess.targets {
        target(&mut text, one, rules);
    }
    if !guess.open.is_empty() {
        text += "\n[ignore]\n";
        for name in &guess.open {
            let told = table.column(name).map(|column| facts(column, table.rows)).unwrap_or_default();
            text += &comment(&told);
            writeln!(text, "{} = \"\"", key(name)).expect(WRITES);
        }
    }
    text
}

fn target(text: &mut String, target: &TargetGuess, rules: &Rules) {
    write!(text, "\n[[target]]\nentity = {}\n\n[target.fields]\n", quoted(&target.entity)).expect(WRITES);
    for (field, rule) in &target.fields {
        let body = match rule {
            FieldGuess::Id { key } => format!("id = {}", list(key)),
            FieldGuess::Ref { entity, table, key } => {
                format!("ref = {}, from = {}, table = {}", quoted(entity), list(key), quoted(table))
            }
            FieldGuess::Column { column, function, arguments } => {
                let mut body = format!("from = {}", quoted(column));
                if let Some(function) = function {
                    write!(body, ", fn = {}", quoted(function)).expect(WRITES);
                }
                if !arguments.is_empty() {
                    write!(body, ", with = {arguments}").expect(WRITES);
                }
                body
            }
            FieldGuess::Codes { column } => {
                let list = rules.0.get(column).expect("every column with codes has a list");
                format!("from = {}, codes = {}", quoted(column), quoted(list))
            }
        };
        let held = target.required.contains(field) && !matches!(rule, FieldGuess::Id { .. });
        let more = if held { ", required = true, on_bad = \"quarantine\"" } else { "" };
        writeln!(text, "{} = {{ {body}{more} }}", key(field)).expect(WRITES);
    }
}

/// The description of the system.
pub(super) fn system(
    name: &str,
    lists: &BTreeMap<String, Vec<String>>,
    kinds: &[Kind],
    verdicts: &[Sniffed],
) -> String {
    let mut text = format!("format = 1\nsystem = {0}\nlabel = {0}\n", quoted(name));
    if !lists.is_empty() {
        text += "\n[code_lists]\n";
        for (list, codes) in lists {
            writeln!(text, "{} = {}", key(list), codes.len()).expect(WRITES);
        }
    }
    for kind in kinds {
        let (files, columns) = (quoted(&kind.pattern), list(&kind.columns));
        write!(text, "\n[[table]]\nname = {}\nfiles = {files}\ncolumns = {columns}\n", quoted(&kind.name))
            .expect(WRITES);
        if !kind.optional.is_empty() {
            writeln!(text, "optional = {}", list(&kind.optional)).expect(WRITES);
        }
    }
    if !kinds.is_empty() {
        let Dialects { dialects, others } = dialects(name, kinds, verdicts);
        for file in others {
            text += &comment(&format!("Filen {file} ser ut att vara skriven på ett annat sätt."));
        }
        dialects.iter().for_each(|one| dialect(&mut text, one));
    }
    text
}

fn dialect(text: &mut String, one: &CsvDialect) {
    let CsvDialect { name, files, from, until, encoding, separator, quoting, crlf, bom } = one;
    write!(text, "\n[[dialect]]\nname = {}\n", quoted(name)).expect(WRITES);
    for (key, value) in [("files", files), ("from", from), ("until", until)] {
        if let Some(value) = value {
            writeln!(text, "{key} = {}", quoted(value)).expect(WRITES);
        }
    }
    let separator = quoted(&char::from(*separator).to_string());
    write!(
        text,
        "encoding = {}\nseparator = {separator}\nquoting = {quoting}\ncrlf = {crlf}\nbom = {bom}\n",
        quoted(encoding)
    )
    .expect(WRITES);
}

/// A code list whose lines nobody has read yet: every code is named, and has no meaning.
pub(super) fn codes(system: &str, codes: &[String]) -> String {
    let mut text =
        "system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n".to_owned();
    for code in codes {
        let special = code.contains([',', '"', '\n', '\r']);
        let code = if special { format!("\"{}\"", code.replace('"', "\"\"")) } else { code.clone() };
        writeln!(text, "{system},{code},,,unmatched,,,unchecked,,").expect(WRITES);
    }
    text
}
