//! What `bron source` prints for people, and the sheets of its workbook.

use std::fmt::Write;

use bron_extract::profile::{ColumnProfile, Distinct, Reference, Shape, TableProfile};
use bron_extract::{DamagedColumn, Sniffed, TableSchema};
use bron_reconcile::worklist::Sheet;

/// The codes that the text names; JSON and workbook name all.
const NAMED_CODES: usize = 8;

/// The tables and their columns.
pub(super) fn inspected(tables: &[TableSchema], verdicts: &[Sniffed]) -> String {
    let mut text = String::new();
    for file in verdicts {
        let sure = if file.is_convincing() { "sure" } else { "NOT SURE" };
        line(&mut text, &format!("{}: {sure}: {}", file.file, file.grounds()));
    }
    for table in tables {
        let key = if table.key_unique.is_empty() { "no key".to_owned() } else { table.key_unique.join(", ") };
        let TableSchema { name, columns, rows_estimate, .. } = table;
        line(&mut text, &format!("{name}: about {rows_estimate} rows, {} columns, {key}", columns.len()));
        for column in columns {
            line(&mut text, &format!("  {:<30} {}", column.name, column.declared_type));
        }
    }
    text
}

/// What the columns hold.
pub(super) fn profiled(tables: &[TableProfile], references: &[Reference]) -> String {
    let mut text = String::new();
    for table in tables {
        line(&mut text, &format!("{}: {} rows, {} unreadable", table.table, table.rows, table.unreadable));
        for column in &table.columns {
            line(&mut text, &format!("  {:<24} {}", column.name, facts(column).join(" · ")));
        }
        for DamagedColumn { column, damage, from, to, values, rows } in &table.damaged {
            let when = if from == to { from.clone() } else { format!("{from} to {to}") };
            line(&mut text, &format!("  {column}, {when}: {values} of {rows} values have {damage}"));
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
    counted(column.misread, "misread");
    counted(column.control_characters, "with control characters");
    counted(column.padded, "padded with blanks");
    facts.push(shapes(column));
    if let Some((first, last)) = column.years {
        facts.push(format!("{first} to {last}"));
    }
    if let Some(lengths) = column.lengths {
        facts.push(format!(
            "{} to {} long, {} at the longest",
            lengths.shortest, lengths.longest, lengths.at_longest
        ));
    }
    if let Some(codes) = &column.codes {
        let named = codes.iter().take(NAMED_CODES).map(|one| format!("{} {}", one.code, one.rows));
        let mut named = named.collect::<Vec<_>>().join(", ");
        let more = codes.len().saturating_sub(NAMED_CODES);
        if more > 0 {
            named.push_str(&format!(", and {more} more"));
        }
        facts.push(format!("codes {named}"));
    }
    if column.suppressed.codes > 0 {
        facts.push(format!("{} codes seen fewer than five times", column.suppressed.codes));
    }
    facts.retain(|fact| !fact.is_empty());
    facts
}

fn shapes(column: &ColumnProfile) -> String {
    let shape = |(shape, count): (&Shape, &u64)| format!("{count} {}", looks(*shape));
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

/// A sheet of columns, one of codes and one of guessed references.
pub(super) fn sheets(tables: &[TableProfile], references: &[Reference]) -> Vec<Sheet> {
    let mut columns = sheet(
        "Columns",
        &[
            "Table",
            "Column",
            "Declared type",
            "Rows",
            "Values",
            "Different",
            "NULL",
            "Empty",
            "Looks like",
            "Facts",
        ],
    );
    let mut codes = sheet("Codes", &["Table", "Column", "Code", "Rows"]);
    for table in tables {
        for column in &table.columns {
            columns.rows.push(vec![
                table.table.clone(),
                column.name.clone(),
                column.declared_type.clone(),
                table.rows.to_string(),
                column.values.to_string(),
                distinct(column.distinct),
                column.nulls.to_string(),
                column.empties.to_string(),
                shapes(column),
                facts(column).join("; "),
            ]);
            let of_column = column.codes.iter().flatten().map(|one| {
                vec![table.table.clone(), column.name.clone(), one.code.clone(), one.rows.to_string()]
            });
            codes.rows.extend(of_column);
        }
    }
    let mut guessed = sheet("References", &["Table", "Column", "To table", "To column", "Found", "Compared"]);
    guessed.rows.extend(references.iter().map(|one| {
        let texts = [&one.table, &one.column, &one.to_table, &one.to_column].map(String::clone);
        texts.into_iter().chain([one.found.to_string(), one.compared.to_string()]).collect()
    }));
    let mut damaged = sheet("Damage", &["Table", "Column", "From", "To", "Damage", "Values", "Rows"]);
    damaged.rows.extend(tables.iter().flat_map(|table| {
        table.damaged.iter().map(|one| {
            let texts = [&table.table, &one.column, &one.from, &one.to].map(String::clone);
            texts
                .into_iter()
                .chain([one.damage.to_owned(), one.values.to_string(), one.rows.to_string()])
                .collect()
        })
    }));
    vec![columns, codes, guessed, damaged]
}

fn sheet(name: &str, header: &[&str]) -> Sheet {
    let header = header.iter().map(|head| (*head).to_owned()).collect();
    Sheet { name: name.to_owned(), header, rows: Vec::new() }
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a String does not fail");
}
