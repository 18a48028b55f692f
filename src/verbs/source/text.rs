//! What `bron source` prints for people at a terminal.

use std::fmt::Write;

use bron_extract::profile::{
    CodeCount, ColumnProfile, Distinct, Encoding, Lengths, Reference, Shape, TableProfile, Verdict,
};
use bron_extract::{SourceColumn, TableSchema};

use super::Opened;

/// The codes that the text names; JSON and workbook name all.
const NAMED_CODES: usize = 8;

/// The tables and their columns.
pub(super) fn inspected(opened: &Opened) -> String {
    let mut text = String::new();
    for file in &opened.verdicts {
        let sure = if file.is_convincing() { "sure" } else { "NOT SURE" };
        line(&mut text, &format!("{}: {sure}: {}", file.file, file.grounds()));
    }
    for table in &opened.tables {
        let key = if table.key_unique.is_empty() { "no key".to_owned() } else { key_of(&table.key_unique) };
        let TableSchema { name, columns, rows_estimate, .. } = table;
        line(&mut text, &format!("{name}: about {rows_estimate} rows, {} columns, {key}", columns.len()));
        for SourceColumn { name, declared_type, nullable, .. } in columns {
            let null = if *nullable == Some(false) { " not null" } else { "" };
            line(&mut text, format!("  {name:<30} {declared_type}{null}").trim_end());
        }
    }
    text
}

fn key_of(columns: &[String]) -> String {
    format!("key {}", columns.join(", "))
}

/// What the columns hold.
pub(super) fn profiled(tables: &[TableProfile], references: &[Reference]) -> String {
    let mut text = String::new();
    for table in tables {
        let key = match (table.key.as_slice(), table.unique.as_slice()) {
            ([], []) => "no key".to_owned(),
            ([], unique) => format!("no declared key, unique: {}", unique.join(", ")),
            (key, _) => key_of(key),
        };
        line(
            &mut text,
            &format!("{}: {} rows, {} unreadable, {key}", table.table, table.rows, table.unreadable),
        );
        for column in &table.columns {
            line(&mut text, &format!("  {:<24} {}", column.name, facts(column).join(" · ")));
        }
        for damaged in &table.damaged {
            line(&mut text, &format!("  {damaged}"));
        }
    }
    for guess in references {
        let Reference { table, column, to_table, to_column, found, compared } = guess;
        line(
            &mut text,
            &format!(
                "{table}.{column} may name {to_table}.{to_column}: {found} of {compared} compared values"
            ),
        );
    }
    text
}

fn facts(column: &ColumnProfile) -> Vec<String> {
    let mut facts = vec![format!("{} values, {} different", column.values, distinct(column.distinct))];
    let mut counted = |count: u64, what: &str| {
        if count > 0 {
            facts.push(format!("{count} {what}"));
        }
    };
    counted(column.nulls, "NULL");
    counted(column.empties, "empty");
    counted(column.control_characters.unwrap_or(0), "with control characters");
    counted(column.padded.unwrap_or(0), "padded with blanks");
    facts.push(shapes(column));
    facts.extend(column.years.map(|(first, last)| format!("{first} to {last}")));
    facts.extend(column.sentinels.iter().map(|one| format!("stand-in {}", frequency(one))));
    facts.extend(column.lengths.as_ref().map(lengths));
    facts.extend(column.encoding.and_then(damage));
    facts.extend(column.codes.as_ref().map(|codes| named(codes)));
    if column.suppressed.codes > 0 {
        facts.push(format!("{} codes whose number is not told", column.suppressed.codes));
    }
    facts.retain(|fact| !fact.is_empty());
    facts
}

fn lengths(lengths: &Lengths) -> String {
    let Lengths { shortest, longest, cut_at, .. } = lengths;
    let cut = cut_at.map(|at| format!(", MAY BE CUT OFF at {at}")).unwrap_or_default();
    format!("{shortest} to {longest} long{cut}")
}

fn damage(encoding: Encoding) -> Option<String> {
    let counts = encoding.counts.filter(|_| encoding.verdict == Verdict::Damaged);
    let damaged = (encoding.verdict == Verdict::Damaged).then(|| "DAMAGED LETTERS".to_owned())?;
    Some(counts.map_or_else(|| damaged.clone(), |counts| format!("{damaged} in {} values", counts.damaged)))
}

fn named(codes: &[CodeCount]) -> String {
    let named = codes.iter().take(NAMED_CODES).map(frequency).collect::<Vec<_>>().join(", ");
    match codes.len().saturating_sub(NAMED_CODES) {
        0 => format!("codes {named}"),
        more => format!("codes {named}, and {more} more"),
    }
}

fn frequency(one: &CodeCount) -> String {
    one.rows.map_or_else(|| one.code.clone(), |rows| format!("{} {rows}", one.code))
}

fn shapes(column: &ColumnProfile) -> String {
    let shape = |(shape, count): (&Shape, &Option<u64>)| match count {
        Some(count) => format!("{count} {}", looks(*shape)),
        None => looks(*shape).to_owned(),
    };
    column.shapes.iter().map(shape).collect::<Vec<_>>().join(", ")
}

fn distinct(distinct: Distinct) -> String {
    match distinct {
        Distinct::Exactly(count) => count.to_string(),
        Distinct::About(count) => format!("about {count}"),
    }
}

fn looks(shape: Shape) -> &'static str {
    match shape {
        Shape::Blank => "blank",
        Shape::SentinelDate => "stand-in dates",
        Shape::Date => "dates",
        Shape::CompactDate => "dates of eight digits",
        Shape::Moment => "moments",
        Shape::Time => "times",
        Shape::Personnummer => "personnummer",
        Shape::Samordningsnummer => "samordningsnummer",
        Shape::OtherIdentifier => "other identifiers of persons",
        Shape::Organisationsnummer => "organisationsnummer",
        Shape::WholeNumber => "whole numbers",
        Shape::DecimalPoint => "numbers with a point",
        Shape::DecimalComma => "numbers with a comma",
        Shape::Markup => "formatted texts",
        Shape::Word => "words",
        Shape::Text => "texts",
        Shape::Bytes => "bytes",
    }
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a String does not fail");
}
