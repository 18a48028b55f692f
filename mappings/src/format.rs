//! The one way to write a TOML file of a mapping folder, so that two versions differ only where they
//! mean something else.

use std::fmt::Write as _;

use toml_edit::{Array, Decor, DocumentMut, Item, RawString, Table, Value};

use crate::diagnostic::{Diagnostic, Severity};

/// The longest line that a list is written on.
const WIDTH: usize = 120;

/// The order of the sections of a mapping file, as the documentation names them. What is not named here
/// keeps its place behind the others.
const SECTIONS: [&str; 10] =
    ["source", LOOKUPS[0], "person", "scope", "immutable", "exclude", "check", "target", "ignore", "example"];

/// Lookups may read lookups that stand before them, so their order among each other is theirs.
const LOOKUPS: [&str; 9] =
    ["parent", "neighbour", "count", "sum", "minutes", "earliest", "latest", "first", "code"];

/// Writes a file of a mapping folder in its canonical form: sections in the documented order, one blank
/// line before each, the `=` of a block in one column, lists on one line where they fit. Comments stay with
/// what they stand above. What the file means does not change, and a canonical file does not change.
///
/// # Errors
/// The diagnostic `BRON-M001` when the text is not TOML.
pub fn format_toml(file: &str, text: &str) -> Result<String, Box<Diagnostic>> {
    let mut document: DocumentMut = text.parse().map_err(|error| Box::new(not_toml(file, &error)))?;
    if document.contains_key("mapping") {
        order_sections(document.as_table_mut());
    }
    let trailing = comments(document.trailing().as_str().unwrap_or_default());
    format_table(document.as_table_mut(), true);
    document.set_trailing(if trailing.is_empty() { trailing } else { format!("\n{trailing}") });
    let text = document.to_string();
    Ok(text.trim_start_matches('\n').to_owned())
}

fn not_toml(file: &str, error: &toml_edit::TomlError) -> Diagnostic {
    Diagnostic {
        code: "BRON-M001",
        severity: Severity::Error,
        file: file.to_owned(),
        span: error.span().unwrap_or(0..0),
        message: "this is not TOML".to_owned(),
        label: error.message().to_owned(),
        help: None,
    }
}

/// Gives every table the place that belongs to its section; tables of one section keep their order.
fn order_sections(root: &mut Table) {
    let mut places: Vec<(usize, isize)> = Vec::new();
    each_section(root, &mut |name, position, _| places.push((rank(name), position)));
    places.sort_unstable();
    places.dedup();
    each_section(root, &mut |name, position, set| {
        let place = places.binary_search(&(rank(name), position)).unwrap_or_default();
        set(isize::try_from(place).unwrap_or(isize::MAX));
    });
}

fn rank(section: &str) -> usize {
    let section = if LOOKUPS.contains(&section) { LOOKUPS[0] } else { section };
    SECTIONS.iter().position(|known| *known == section).unwrap_or(SECTIONS.len())
}

/// Gives a table its place in the file.
type Move<'t> = &'t mut dyn FnMut(isize);

/// Calls `visit` for every table with the section it belongs to, its place, and a way to move it.
fn each_section(root: &mut Table, visit: &mut dyn FnMut(&str, isize, Move<'_>)) {
    for (name, item) in root.iter_mut() {
        each_table(item, &mut |table| {
            let position = table.position().unwrap_or(isize::MAX);
            visit(name.get(), position, &mut |place| table.set_position(Some(place)));
        });
    }
}

fn each_table(item: &mut Item, visit: &mut dyn FnMut(&mut Table)) {
    match item {
        Item::Table(table) => {
            visit(table);
            table.iter_mut().for_each(|(_, item)| each_table(item, visit));
        }
        Item::ArrayOfTables(tables) => tables.iter_mut().for_each(|table| {
            visit(table);
            table.iter_mut().for_each(|(_, item)| each_table(item, visit));
        }),
        Item::None | Item::Value(_) => {}
    }
}

/// Formats the values of a table and the tables below it.
fn format_table(table: &mut Table, root: bool) {
    if !root {
        let above = comments(prefix(table.decor()));
        let behind = comment_behind(suffix(table.decor()));
        *table.decor_mut() = Decor::new(format!("\n{above}"), behind);
    }
    let widths = table.iter().filter(|(_, item)| item.is_value()).map(|(key, _)| shown_width(key));
    let width = widths.max().unwrap_or(0);
    for (mut key, item) in table.iter_mut() {
        match item {
            Item::Value(value) => {
                let above = comments(prefix(key.leaf_decor()));
                let pad = " ".repeat(width - shown_width(key.get()) + 1);
                *key.leaf_decor_mut() = Decor::new(above, pad);
                format_line(value, width + 3);
            }
            Item::Table(table) => format_table(table, false),
            Item::ArrayOfTables(tables) => tables.iter_mut().for_each(|table| format_table(table, false)),
            Item::None => {}
        }
    }
}

/// The columns that a key takes: quoted when it is no bare key.
fn shown_width(key: &str) -> usize {
    let bare = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    key.chars().count() + if bare { 0 } else { 2 }
}

/// Formats the value of a line whose value begins at `column`.
fn format_line(value: &mut Value, column: usize) {
    let behind = comment_behind(suffix(value.decor()));
    if let Value::Array(array) = value {
        if !holds_comments(array) {
            format_flat(value);
            let fits = column + width_of(value) <= WIDTH;
            if let (false, Value::Array(array)) = (fits, &mut *value) {
                break_lines(array);
            }
        }
    } else {
        format_flat(value);
    }
    *value.decor_mut() = Decor::new(" ", behind);
}

/// Writes a value on one line.
fn format_flat(value: &mut Value) {
    match value {
        Value::Array(array) => {
            for (index, one) in array.iter_mut().enumerate() {
                format_flat(one);
                *one.decor_mut() = Decor::new(if index == 0 { "" } else { " " }, "");
            }
            array.set_trailing("");
            array.set_trailing_comma(false);
        }
        Value::InlineTable(table) => {
            let last = table.len().saturating_sub(1);
            for (index, (mut key, one)) in table.iter_mut().enumerate() {
                format_flat(one);
                *key.leaf_decor_mut() = Decor::new(" ", " ");
                *one.decor_mut() = Decor::new(" ", if index == last { " " } else { "" });
            }
            table.set_trailing("");
            table.set_trailing_comma(false);
        }
        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

/// Writes the elements of a list on lines of their own: tables one a line, anything else as many as fit.
fn break_lines(array: &mut Array) {
    let mut filled = 0;
    for one in array.iter_mut() {
        let width = width_of(one) + 2;
        let same_line = filled > 0 && !one.is_inline_table() && filled + width <= WIDTH;
        filled = if same_line { filled + width } else { width + 2 };
        *one.decor_mut() = Decor::new(if same_line { " " } else { "\n  " }, "");
    }
    array.set_trailing("\n");
    array.set_trailing_comma(true);
}

fn width_of(value: &Value) -> usize {
    value.to_string().trim().chars().count()
}

fn holds_comments(array: &Array) -> bool {
    let raw = |decor: &Decor| prefix(decor).contains('#') || suffix(decor).contains('#');
    array.iter().any(|one| raw(one.decor()))
        || array.trailing().as_str().is_some_and(|text| text.contains('#'))
}

fn prefix(decor: &Decor) -> &str {
    decor.prefix().and_then(RawString::as_str).unwrap_or_default()
}

fn suffix(decor: &Decor) -> &str {
    decor.suffix().and_then(RawString::as_str).unwrap_or_default()
}

/// The comments above something, each on a line of its own.
fn comments(raw: &str) -> String {
    let lines = raw.lines().map(str::trim).filter(|line| line.starts_with('#'));
    lines.fold(String::new(), |mut text, line| {
        writeln!(text, "{line}").expect("writing to a String cannot fail");
        text
    })
}

/// The comment behind something on its line.
fn comment_behind(raw: &str) -> String {
    let comment = raw.trim();
    if comment.is_empty() { String::new() } else { format!(" {comment}") }
}

#[cfg(test)]
mod tests;
