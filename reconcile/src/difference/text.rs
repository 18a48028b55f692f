//! Which lines and which words of a text changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

/// Unchanged lines that are shown around changed ones.
const CONTEXT: usize = 3;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether just this part of a changed line differs.
    pub marked: bool,
}

/// Which version has a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LineKind {
    /// Both.
    Same,
    /// The earlier one.
    Old,
    /// The later one.
    New,
}

/// One line, without its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Which version has it.
    pub kind: LineKind,
    /// Its number in the earlier version, counted from 1.
    pub old: Option<usize>,
    /// Its number in the later version, counted from 1.
    pub new: Option<usize>,
    /// Its parts.
    pub pieces: Vec<Piece>,
}

/// Changed lines that lie near each other, with what is around them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hunk {
    /// The first line and the number of lines, in the earlier version.
    pub old: (usize, usize),
    /// The first line and the number of lines, in the later version.
    pub new: (usize, usize),
    /// The lines.
    pub lines: Vec<Line>,
}

/// A file whose text differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileText {
    /// The path.
    pub file: String,
    /// Whether only the later version has it, or only the earlier one, or both.
    pub kind: LineKind,
    /// The changed places.
    pub hunks: Vec<Hunk>,
}

/// The files that differ, with their changed lines, in the order of their paths.
#[must_use]
pub fn files(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<FileText> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let texts = differing.map(|name| {
        let (old, new) = (before.get(name), after.get(name));
        let kind = match (old, new) {
            (None, _) => LineKind::New,
            (_, None) => LineKind::Old,
            (Some(_), Some(_)) => LineKind::Same,
        };
        let text = |text: Option<&'_ String>| text.map_or("", String::as_str).to_owned();
        FileText { file: name.clone(), kind, hunks: hunks(&text(old), &text(new)) }
    });
    texts.collect()
}

fn hunks(old: &str, new: &str) -> Vec<Hunk> {
    let diff = TextDiff::from_lines(old, new);
    let groups = diff.grouped_ops(CONTEXT);
    let hunks = groups.iter().map(|group| {
        // Without a deadline the same texts give the same lines on any machine.
        let changes = group.iter().flat_map(|op| diff.iter_inline_changes_deadline(op, None));
        let lines: Vec<Line> = changes
            .map(|change| Line {
                kind: match change.tag() {
                    ChangeTag::Equal => LineKind::Same,
                    ChangeTag::Delete => LineKind::Old,
                    ChangeTag::Insert => LineKind::New,
                },
                old: change.old_index().map(|at| at + 1),
                new: change.new_index().map(|at| at + 1),
                pieces: pieces(change.values().iter().map(|(marked, text)| (*marked, *text))),
            })
            .collect();
        let range = |number: fn(&Line) -> Option<usize>| {
            let numbers = || lines.iter().filter_map(number);
            (numbers().min().unwrap_or(0), numbers().count())
        };
        Hunk { old: range(|line| line.old), new: range(|line| line.new), lines }
    });
    hunks.collect()
}

/// Joins neighbours of one kind, and leaves the end of the line out.
fn pieces<'t>(values: impl Iterator<Item = (bool, &'t str)>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (marked, text) in values {
        let text = text.trim_end_matches(['\n', '\r']);
        match pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.marked == marked => last.text.push_str(text),
            _ => pieces.push(Piece { text: text.to_owned(), marked }),
        }
    }
    pieces
}

/// Two statements as parts, those marked that only one of them has.
#[must_use]
pub fn words(before: &str, after: &str) -> (Vec<Piece>, Vec<Piece>) {
    let diff = TextDiff::from_unicode_words(before, after);
    let side = |other: ChangeTag| {
        let mut pieces: Vec<Piece> = Vec::new();
        for change in diff.iter_all_changes().filter(|change| change.tag() != other) {
            let marked = change.tag() != ChangeTag::Equal;
            match pieces.last_mut() {
                Some(last) if last.marked == marked => last.text.push_str(change.value()),
                _ => pieces.push(Piece { text: change.value().to_owned(), marked }),
            }
        }
        pieces
    };
    (side(ChangeTag::Insert), side(ChangeTag::Delete))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn only_changed_files_and_lines_near_a_change_are_shown() {
        let lines: Vec<String> = (1..=20).map(|number| format!("rad {number} ord\n")).collect();
        let old = lines.concat();
        let new = old.replace("rad 10 ord", "rad 10 annat");
        let found = files(&map(&[("a", &old), ("b", "lika\n")]), &map(&[("a", &new), ("b", "lika\n")]));
        assert_eq!(found.len(), 1);
        let hunk = &found[0].hunks[0];
        assert_eq!((hunk.old, hunk.new, hunk.lines.len()), ((7, 7), (7, 7), 8));
        let changed: Vec<&Line> = hunk.lines.iter().filter(|line| line.kind != LineKind::Same).collect();
        assert_eq!((changed[0].kind, changed[0].old, changed[0].new), (LineKind::Old, Some(10), None));
        let marked: Vec<&str> = changed
            .iter()
            .flat_map(|line| line.pieces.iter().filter(|piece| piece.marked).map(|piece| piece.text.as_str()))
            .collect();
        assert_eq!(marked, ["ord", "annat"]);
    }

    #[test]
    fn files_come_and_go() {
        let found = files(&map(&[("a", "x\n")]), &map(&[("b", "y")]));
        let kinds: Vec<_> = found.iter().map(|file| (file.file.as_str(), file.kind)).collect();
        assert_eq!(kinds, [("a", LineKind::Old), ("b", LineKind::New)]);
        assert_eq!(found[1].hunks[0].lines[0].pieces, [Piece { text: "y".to_owned(), marked: false }]);
        assert_eq!((found[1].hunks[0].old, found[1].hunks[0].new), ((0, 0), (1, 1)));
    }

    #[test]
    fn the_words_of_a_statement_are_told_apart() {
        let (old, new) = words("{ from = \"A\", fn = \"date\" }", "{ from = \"A\", fn = \"time\" }");
        let marked = |pieces: &[Piece]| -> Vec<String> {
            pieces.iter().filter(|piece| piece.marked).map(|piece| piece.text.clone()).collect()
        };
        assert_eq!((marked(&old), marked(&new)), (vec!["date".to_owned()], vec!["time".to_owned()]));
        let whole: String = new.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(whole, "{ from = \"A\", fn = \"time\" }");
    }
}
