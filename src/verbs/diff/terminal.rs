//! The document for a terminal. Colours are taken away where the output is no terminal.

use std::fmt::Write as _;

use bron_reconcile::difference::{
    Count, Difference, Effect, EntityEffect, Entry, EntryEffect, FieldEffect, FileText, Line, LineKind,
    Moves, Piece, Side, words,
};

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const CYAN: &str = "\x1b[36m";
/// Words that just one version has.
const MARK: &str = "\x1b[7m";
const UNMARK: &str = "\x1b[27m";
const PLAIN: &str = "\x1b[0m";

/// The whole document.
pub(super) fn text(document: &Difference) -> String {
    let mut out = String::new();
    write_document(&mut out, document).expect("writing to a String cannot fail");
    out
}

fn write_document(out: &mut String, document: &Difference) -> std::fmt::Result {
    let entries = &document.entries;
    writeln!(out, "{BOLD}{}{PLAIN}", headline(entries))?;
    for (name, side) in [("before", &document.before), ("after ", &document.after)] {
        let Side { name: told, revision, digest, files } = side;
        let revision = revision.as_ref().map(|id| format!(", revision {id}")).unwrap_or_default();
        writeln!(out, "{name} {told} ({files} files, digest {}{revision})", &digest[..12.min(digest.len())])?;
    }
    let mut risk = "";
    for entry in entries {
        if entry.risk.name != risk {
            risk = entry.risk.name;
            writeln!(out, "\n{BOLD}{}{PLAIN}", risk.to_uppercase())?;
        }
        write_entry(out, entry)?;
    }
    if let Some(effect) = &document.effect {
        write_effect(out, effect)?;
    }
    for file in &document.texts {
        write_file(out, file)?;
    }
    Ok(())
}

fn headline(entries: &[Entry]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for entry in entries {
        match counts.last_mut() {
            Some((risk, count)) if *risk == entry.risk.name => *count += 1,
            _ => counts.push((entry.risk.name, 1)),
        }
    }
    let parts: Vec<String> = counts.iter().map(|(risk, count)| format!("{count} {risk}")).collect();
    match entries.len() {
        0 => "nothing means anything else".to_owned(),
        1 => format!("1 change in meaning: {}", parts.join(", ")),
        many => format!("{many} changes in meaning: {}", parts.join(", ")),
    }
}

fn write_entry(out: &mut String, entry: &Entry) -> std::fmt::Result {
    writeln!(out, "{:>3}  {}", entry.number, entry.en)?;
    let places: Vec<String> = [&entry.before, &entry.after]
        .into_iter()
        .flatten()
        .map(|excerpt| match excerpt.line {
            Some(line) => format!("{}:{line}", excerpt.file),
            None => excerpt.file.clone(),
        })
        .collect();
    let places = if places.windows(2).any(|pair| pair[0] == pair[1]) { &places[..1] } else { &places[..] };
    writeln!(out, "     {DIM}{}{PLAIN}", places.join(" → "))?;
    match (&entry.before, &entry.after) {
        (Some(old), Some(new)) => {
            let (old, new) = words(&old.text, &new.text);
            write_statement(out, '-', RED, &old)?;
            write_statement(out, '+', GREEN, &new)?;
        }
        (before, after) => {
            for (sign, colour, excerpt) in [('-', RED, before), ('+', GREEN, after)] {
                if let Some(excerpt) = excerpt {
                    let piece = Piece { text: excerpt.text.clone(), marked: false };
                    write_statement(out, sign, colour, &[piece])?;
                }
            }
        }
    }
    if let Some((_, hint)) = &entry.hint {
        writeln!(out, "     {hint}")?;
    }
    if !entry.orphans.is_empty() {
        writeln!(out, "     concerns the mappings {}", entry.orphans.join(", "))?;
    }
    if let Some(effect) = &entry.effect {
        writeln!(out, "     effect: {}", effect_line(effect))?;
    }
    Ok(())
}

fn write_statement(out: &mut String, sign: char, colour: &str, pieces: &[Piece]) -> std::fmt::Result {
    let text: String = pieces.iter().map(marked).collect();
    for line in text.split('\n') {
        writeln!(out, "     {colour}{sign} {line}{PLAIN}")?;
    }
    Ok(())
}

/// A piece, marked on every line that it reaches.
fn marked(piece: &Piece) -> String {
    if !piece.marked {
        return piece.text.clone();
    }
    let lines: Vec<String> = piece.text.split('\n').map(|line| format!("{MARK}{line}{UNMARK}")).collect();
    lines.join("\n")
}

fn effect_line(effect: &EntryEffect) -> String {
    let EntryEffect { source_rows, moves, fields } = effect;
    if *source_rows == 0 {
        return "no row".to_owned();
    }
    let plural = |count: u64, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let (rows, values) = (plural(*source_rows, "source row"), plural(*fields, "value"));
    format!("{rows}; target rows: {}; {values}", moves_line(moves))
}

fn moves_line(moves: &Moves) -> String {
    let Moves { appear, disappear, change } = moves;
    format!("{change} change, {appear} appear, {disappear} disappear")
}

fn write_effect(out: &mut String, effect: &Effect) -> std::fmt::Result {
    let as_of = if effect.as_of.is_empty() { String::new() } else { format!(", as of {}", effect.as_of) };
    writeln!(out, "\n{BOLD}EFFECT{PLAIN} on the staged rows of run {}{as_of}", effect.run)?;
    for table in effect.tables.iter().filter(|table| table.touched > 0) {
        writeln!(
            out,
            "{BOLD}{}{PLAIN}: {} of {} source rows",
            table.mapping, table.touched, table.source_rows
        )?;
        for fate in &table.fates {
            writeln!(out, "  {} rows: {} → {}", fate.rows, fate.before, fate.after)?;
        }
        for entity in table.entities.iter().filter(|entity| entity.moves != Moves::default()) {
            write_entity(out, entity)?;
        }
    }
    if effect.tables.iter().all(|table| table.touched == 0) {
        writeln!(out, "no row differs")?;
    }
    for table in &effect.not_measured {
        writeln!(out, "not measured: {} ({})", table.mapping, table.reason)?;
    }
    if effect.unexplained != EntryEffect::default() {
        writeln!(out, "explained by no change: {}", effect_line(&effect.unexplained))?;
    }
    Ok(())
}

fn write_entity(out: &mut String, entity: &EntityEffect) -> std::fmt::Result {
    writeln!(out, "  {}: {}, {} alike", entity.entity, moves_line(&entity.moves), entity.unchanged)?;
    for field in &entity.fields {
        write_field(out, field)?;
    }
    Ok(())
}

fn write_field(out: &mut String, field: &FieldEffect) -> std::fmt::Result {
    let protected = if field.protected { ", values not shown" } else { "" };
    writeln!(out, "    {}: {} rows{protected}", field.field, field.changed)?;
    let named = |value: &Option<String>| value.as_ref().map_or_else(|| "(none)".to_owned(), Clone::clone);
    for value in &field.values {
        let (before, after) = (named(&value.before), named(&value.after));
        writeln!(out, "      {before} → {after}: {}", count(value.rows))?;
    }
    if field.other_values != Count::Number(0) {
        writeln!(out, "      other values: {}", count(field.other_values))?;
    }
    if let Some(sums) = field.sums {
        writeln!(out, "      sum in {}: {} → {}", sums.unit, sums.before, sums.after)?;
    }
    Ok(())
}

fn count(count: Count) -> String {
    match count {
        Count::Number(rows) => rows.to_string(),
        Count::Few => "<5".to_owned(),
        Count::Hidden => "hidden".to_owned(),
    }
}

fn write_file(out: &mut String, file: &FileText) -> std::fmt::Result {
    let [old, new] = match file.kind {
        LineKind::Same => [format!("a/{}", file.file), format!("b/{}", file.file)],
        LineKind::Old => [format!("a/{}", file.file), "(none)".to_owned()],
        LineKind::New => ["(none)".to_owned(), format!("b/{}", file.file)],
    };
    writeln!(out, "\n{BOLD}--- {old}\n+++ {new}{PLAIN}")?;
    for hunk in &file.hunks {
        let ((old, old_lines), (new, new_lines)) = (hunk.old, hunk.new);
        writeln!(out, "{CYAN}@@ -{old},{old_lines} +{new},{new_lines} @@{PLAIN}")?;
        for line in &hunk.lines {
            write_line(out, line)?;
        }
    }
    Ok(())
}

fn write_line(out: &mut String, line: &Line) -> std::fmt::Result {
    let text: String = line.pieces.iter().map(marked).collect();
    match line.kind {
        LineKind::Same => writeln!(out, " {text}"),
        LineKind::Old => writeln!(out, "{RED}-{text}{PLAIN}"),
        LineKind::New => writeln!(out, "{GREEN}+{text}{PLAIN}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bron_reconcile::difference::{Excerpt, Named, files};

    use super::*;

    fn document(entries: Vec<Entry>) -> Difference {
        let side = |name: &str| Side {
            name: name.to_owned(),
            revision: None,
            digest: "0123456789abcdef".to_owned(),
            files: 2,
        };
        let text = |text: &str| BTreeMap::from([("a.toml".to_owned(), text.to_owned())]);
        let texts = files(&text("x = 1\n"), &text("x = 2\n"));
        Difference { before: side("old"), after: side("new"), entries, effect: None, texts }
    }

    fn entry() -> Entry {
        let excerpt = |line, text: &str| {
            Some(Excerpt { file: "s/T.toml".to_owned(), line: Some(line), text: text.to_owned() })
        };
        Entry {
            number: 1,
            risk: Named { name: "money", label: "Pengar" },
            kind: Named { name: "rule", label: "Fältregel" },
            act: Named { name: "changed", label: "ändrad" },
            place: "s/T".to_owned(),
            aspect: "rule",
            sv: "Regeln har ändrats.".to_owned(),
            en: "The rule changed.".to_owned(),
            hint: Some(("Kan vara".to_owned(), "May be a rename.".to_owned())),
            before: excerpt(4, "{ from = \"A\" }"),
            after: excerpt(5, "{ from = \"B\" }"),
            orphans: vec!["s/U".to_owned()],
            effect: Some(EntryEffect { source_rows: 1, moves: Moves::default(), fields: 2 }),
        }
    }

    fn plain(document: &Difference) -> String {
        anstream::adapter::strip_str(&text(document)).to_string()
    }

    #[test]
    fn an_entry_says_where_what_and_which_rows() {
        let told = plain(&document(vec![entry()]));
        for part in [
            "1 change in meaning: 1 money",
            "before old (2 files, digest 0123456789ab)",
            "MONEY\n  1  The rule changed.\n     s/T.toml:4 → s/T.toml:5\n",
            "     - { from = \"A\" }\n     + { from = \"B\" }\n     May be a rename.\n",
            "concerns the mappings s/U",
            "effect: 1 source row; target rows: 0 change, 0 appear, 0 disappear; 2 values",
            "--- a/a.toml\n+++ b/a.toml\n@@ -1,1 +1,1 @@\n-x = 1\n+x = 2\n",
        ] {
            assert!(told.contains(part), "{part} is not in:\n{told}");
        }
    }

    #[test]
    fn words_that_differ_are_marked_on_every_line() {
        let marked = marked(&Piece { text: "a\nb".to_owned(), marked: true });
        assert_eq!(marked, format!("{MARK}a{UNMARK}\n{MARK}b{UNMARK}"));
        assert!(plain(&document(Vec::new())).starts_with("nothing means anything else\n"));
    }
}
