//! Into delimited files.

use std::fmt::Write as _;
use std::path::Path;

use super::{Column, Kind, Table, tables};
use crate::support::sqlite_rows;

/// How text is written into files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8 with a byte order mark.
    Utf8,
    /// The code page of Western Europe.
    Windows1252,
}

impl Encoding {
    const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// The bytes of a text, `None` when it has a character that the encoding does not.
    fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(format!("\u{feff}{text}").into_bytes()),
            Self::Windows1252 => text.chars().map(windows_1252).collect(),
        }
    }
}

/// The byte of a character. Where Latin-1 has control characters, the code page has these.
fn windows_1252(character: char) -> Option<u8> {
    const FROM_0X80: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    let place = FROM_0X80.chars().position(|known| known == character);
    match place {
        Some(place) => u8::try_from(place + 0x80).ok(),
        None => u8::try_from(u32::from(character)).ok().filter(|byte| !(0x80..0xa0).contains(byte)),
    }
}

/// Writes the tables of an SQLite database into a folder, a file for each, rows in the order of the key. Gives the
/// lines that describe the files, and the names of the tables that the encoding has no characters for: those are in
/// no file.
pub(crate) fn into_files(database: &Path, folder: &Path, encoding: Encoding) -> (String, Vec<String>) {
    std::fs::create_dir_all(folder).unwrap();
    let mut described = format!(
        "\n[[dialect]]\nname = \"fil\"\nencoding = \"{}\"\nseparator = \";\"\nquoting = true\nbom = {}\n",
        encoding.name(),
        encoding == Encoding::Utf8
    );
    let mut left_out = Vec::new();
    for table in tables(database) {
        match encoding.encode(&delimited(database, &table)) {
            Some(bytes) => std::fs::write(folder.join(format!("{}.csv", table.name)), bytes).unwrap(),
            None => left_out.push(table.name.clone()),
        }
        let names: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        write!(
            described,
            "\n[[table]]\nname = \"{0}\"\nfiles = \"{0}.csv\"\ncolumns = [{1}]\n",
            table.name,
            names.join(", ")
        )
        .unwrap();
    }
    (described, left_out)
}

/// A table as a file: NULL is empty, bytes are hexadecimal digits.
fn delimited(database: &Path, table: &Table) -> String {
    let value = |column: &Column| match column.kind {
        Kind::Bytes => format!("hex(\"{}\")", column.name),
        Kind::Whole | Kind::Text => format!("CAST(\"{}\" AS TEXT)", column.name),
    };
    let values: Vec<String> = table.columns.iter().map(value).collect();
    let order = table.key().into_iter().map(|column| format!("\"{}\", ", column.name)).collect::<String>();
    let rows = format!("SELECT {} FROM \"{}\" ORDER BY {order}rowid", values.join(", "), table.name);
    let quoted = |value: &str| format!("\"{}\"", value.replace('"', "\"\""));
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let mut text = format!("{}\n", names.join(";"));
    for row in sqlite_rows(database, &rows) {
        let fields: Vec<String> =
            row.iter().map(|value| quoted(value.as_deref().unwrap_or_default())).collect();
        writeln!(text, "{}", fields.join(";")).unwrap();
    }
    text
}
