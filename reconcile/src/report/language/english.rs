//! The table of texts, `texts/english.txt`: each entry is a Swedish line and its English line, with an empty line
//! between entries.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The Swedish and the English lines of the table, in its order.
pub(super) fn entries() -> impl Iterator<Item = (&'static str, &'static str)> {
    let table = include_str!("../../../texts/english.txt");
    table.split("\n\n").map(|entry| entry.trim_end().split_once('\n').unwrap_or((entry, "")))
}

static ENGLISH: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| entries().collect());

/// A Swedish text in English, where the table has it.
pub(super) fn english(swedish: &str) -> Option<&'static str> {
    ENGLISH.get(swedish).copied()
}
