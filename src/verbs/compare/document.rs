//! What is printed of a comparison.

use bron_extract::Consistency;
use bron_reconcile::tables::{DifferenceKind, Plan, Proof, TableCounts, Verdict};
use serde_json::{Value, json};

use super::differences::Shown;
use super::{Both, ComparedTable, Comparison, Outcome, TableOutcome};
use crate::args::CompareArguments;
use crate::verbs::source::{Opened, consistency_json};

/// What keeps two tables from being proven equal, as far as it is known before a row is read.
pub(super) fn warnings(plan: &Plan) -> Vec<String> {
    let table = &plan.left;
    let as_text = plan.columns.iter().filter(|column| column.proof == Proof::AsText).map(|column| {
        let (left, right) = (declared(&column.left_type), declared(&column.right_type));
        format!("{table}.{}: {left} and {right} are compared as text, which proves no equality", column.left)
    });
    let incomparable = plan.incomparable.iter().map(|(name, left, right)| {
        let (left, right) = (declared(left), declared(right));
        format!("{table}.{name}: {left} and {right} cannot be compared: one is bytes")
    });
    let alone =
        [("left", &plan.only_left), ("right", &plan.only_right)].into_iter().flat_map(|(side, names)| {
            names.iter().map(move |name| format!("{table}.{name}: only the {side} side has this column"))
        });
    as_text.chain(incomparable).chain(alone).collect()
}

/// What is said before a row is read: what keeps the tables from being proven equal, and what does not.
pub(super) fn remarks(plan: &Plan) -> Vec<String> {
    let letters = plan.columns.iter().filter_map(|column| {
        let (left, right) = column.letters.as_ref()?;
        let name = format!("{}.{}", plan.left, column.left);
        Some(format!("{name}: texts are stored in {left} and in {right}, and compared letter by letter"))
    });
    warnings(plan).into_iter().chain(letters).collect()
}

fn declared(name: &str) -> &str {
    if name.is_empty() { "no declared type" } else { name }
}

/// The result for people.
pub(super) fn text(sides: &Both, outcome: &Outcome, arguments: &CompareArguments) -> String {
    let mut lines = vec![
        format!("left   {}, {}", sides.left.name, moment(&sides.left)),
        format!("right  {}, {}", sides.right.name, moment(&sides.right)),
    ];
    for table in &outcome.compared {
        lines.push(String::new());
        lines.extend(table_lines(table, arguments));
    }
    for (side, names) in [("left", &outcome.only_left), ("right", &outcome.only_right)] {
        if !names.is_empty() {
            lines.extend([String::new(), format!("only on the {side}: {}", names.join(", "))]);
        }
    }
    lines.extend([String::new(), conclusion(outcome)]);
    lines.join("\n")
}

fn moment(side: &Opened) -> String {
    match side.source.consistency() {
        Consistency::Point { how, .. } => format!("at one moment ({how})"),
        Consistency::None { why } => format!("not at one moment: {why}"),
    }
}

fn conclusion(outcome: &Outcome) -> String {
    let count = |verdict| outcome.compared.iter().filter(|table| table.verdict() == verdict).count();
    let (equal, all) = (count(Verdict::Equal), outcome.compared.len());
    match outcome.verdict() {
        Verdict::Equal => format!("EQUAL: {all} of {all} tables, every row and every column"),
        Verdict::NotProven => {
            format!("NOT PROVEN: no difference is proven, and {equal} of {all} tables are equal")
        }
        Verdict::Differs => {
            format!("DIFFERS: {} of {all} tables differ, {equal} are equal", count(Verdict::Differs))
        }
    }
}

fn table_lines(table: &ComparedTable, arguments: &CompareArguments) -> Vec<String> {
    let name = if table.left == table.right {
        table.left.clone()
    } else {
        format!("{} = {}", table.left, table.right)
    };
    let verdict = match table.verdict() {
        Verdict::Equal => "equal",
        Verdict::NotProven => "not proven",
        Verdict::Differs => "differs",
    };
    let mut lines = vec![format!("{name}: {verdict}")];
    let comparison = match &table.outcome {
        TableOutcome::NotCompared(why) => {
            lines.push(format!("  not compared: {why}"));
            return lines;
        }
        TableOutcome::Compared(comparison) => comparison,
    };
    let Comparison { plan, counts, shown, total, file, unread } = comparison.as_ref();
    lines.push(format!("  {}", rows(plan, counts)));
    lines.push(format!(
        "  {} of {} compared columns are equal{}",
        counts.equal_columns(plan),
        plan.columns.len(),
        left_out(plan)
    ));
    lines.extend(counted(plan, counts).into_iter().map(|line| format!("  {line}")));
    lines.extend(warnings(plan).into_iter().map(|line| format!("  not proven: {line}")));
    for (side, unread) in [("left", &unread.left), ("right", &unread.right)] {
        if unread.rows > 0 {
            lines.push(format!("  not proven: {} rows on the {side} cannot be read", unread.rows));
            lines.extend(unread.places.iter().map(|place| format!("    {place}")));
        }
    }
    lines.extend(shown.iter().map(|one| format!("  {}", shown_line(plan, one, arguments.show_keys))));
    let listed = u64::try_from(shown.len()).unwrap_or(u64::MAX);
    match file {
        Some(file) if *total > 0 => lines.push(format!("  all {total} in {}", file.display())),
        None if *total > listed => {
            lines.push(format!("  and {} more: --out DIR lists all of them", total - listed));
        }
        _ => {}
    }
    lines
}

fn rows(plan: &Plan, counts: &TableCounts) -> String {
    let by = if plan.whole_rows {
        "as whole rows".to_owned()
    } else {
        let key = plan.key.iter().map(|(column, _)| plan.columns[*column].left.as_str());
        format!("by {}", key.collect::<Vec<_>>().join(", "))
    };
    format!("{} rows left, {} right; {} compared {by}", counts.left, counts.right, counts.compared)
}

fn left_out(plan: &Plan) -> String {
    if plan.left_out.is_empty() {
        String::new()
    } else {
        format!("; not asked for: {}", plan.left_out.join(", "))
    }
}

/// What was counted that is not as it should be.
fn counted(plan: &Plan, counts: &TableCounts) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |rows: u64, what: &str| {
        if rows > 0 {
            lines.push(format!("{rows} {what}"));
        }
    };
    say(counts.differing, "rows differ");
    say(counts.only_left, "rows only on the left");
    say(counts.only_right, "rows only on the right");
    say(counts.repeated_left, "rows on the left share their key; not compared");
    say(counts.repeated_right, "rows on the right share their key; not compared");
    say(counts.null_key_left, "rows on the left have NULL in their key; not compared");
    say(counts.null_key_right, "rows on the right have NULL in their key; not compared");
    for column in &plan.columns {
        say(
            counts.columns.get(&column.left).copied().unwrap_or(0),
            &format!("rows differ in {}", column.left),
        );
    }
    lines
}

fn shown_line(plan: &Plan, shown: &Shown, show_keys: bool) -> String {
    let place = |side: &str, row: Option<u64>| row.map(|row| format!("{side} row {row}"));
    let places = [place("left", shown.left_row), place("right", shown.right_row)];
    let mut name = places.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if show_keys && !plan.whole_rows {
        let cells = plan.key.iter().zip(shown.key.expose());
        let cells = cells.map(|((column, _), cell)| {
            format!("{}={}", plan.columns[*column].left, cell.as_deref().unwrap_or("NULL"))
        });
        name = format!("{} ({name})", cells.collect::<Vec<_>>().join(", "));
    }
    format!("{name}: {}", what(&shown.kind))
}

fn what(kind: &DifferenceKind) -> String {
    match kind {
        DifferenceKind::OnlyLeft => "only on the left".to_owned(),
        DifferenceKind::OnlyRight => "only on the right".to_owned(),
        DifferenceKind::Differs { columns } => format!("differs in {}", columns.join(", ")),
        DifferenceKind::Repeated { left, right } => {
            format!("{left} rows left and {right} right share this key")
        }
        DifferenceKind::NullKey { left, right } => {
            format!("{left} rows left and {right} right have NULL in this key")
        }
        DifferenceKind::Times { left, right } => format!("{left} times left, {right} times right"),
    }
}

/// The result as a JSON document.
pub(super) fn json(sides: &Both, outcome: &Outcome, arguments: &CompareArguments) -> Value {
    let side = |side: &Opened| {
        let consistency = consistency_json(&side.source.consistency());
        json!({ "source": side.name, "consistency": consistency })
    };
    json!({
        "verdict": outcome.verdict().code(),
        "left": side(&sides.left),
        "right": side(&sides.right),
        "tables": outcome.compared.iter().map(|table| table_json(table, arguments)).collect::<Vec<_>>(),
        "tables_only_left": outcome.only_left,
        "tables_only_right": outcome.only_right,
    })
}

fn table_json(table: &ComparedTable, arguments: &CompareArguments) -> Value {
    let mut document = json!({
        "left": table.left,
        "right": table.right,
        "verdict": table.verdict().code(),
    });
    match &table.outcome {
        TableOutcome::NotCompared(why) => document["not_compared"] = json!(why),
        TableOutcome::Compared(comparison) => document["comparison"] = comparison_json(comparison, arguments),
    }
    document
}

fn comparison_json(comparison: &Comparison, arguments: &CompareArguments) -> Value {
    let Comparison { plan, counts, shown, total, file, unread: _ } = comparison;
    let key: Vec<&str> = plan.key.iter().map(|(column, _)| plan.columns[*column].left.as_str()).collect();
    let unread = |side: &super::reading::Unread| json!({ "rows": side.rows, "places": side.places });
    json!({
        "key": if plan.whole_rows { Value::Null } else { json!(key) },
        "columns": plan.columns.iter().map(|column| column_json(column, counts)).collect::<Vec<_>>(),
        "columns_incomparable": plan.incomparable.iter().map(|(name, ..)| name).collect::<Vec<_>>(),
        "columns_only_left": plan.only_left,
        "columns_only_right": plan.only_right,
        "columns_left_out": plan.left_out,
        "columns_equal": counts.equal_columns(plan),
        "rows": {
            "left": counts.left,
            "right": counts.right,
            "compared": counts.compared,
            "differing": counts.differing,
            "only_left": counts.only_left,
            "only_right": counts.only_right,
            "repeated_left": counts.repeated_left,
            "repeated_right": counts.repeated_right,
            "null_key_left": counts.null_key_left,
            "null_key_right": counts.null_key_right,
        },
        "unreadable": {
            "left": unread(&comparison.unread.left),
            "right": unread(&comparison.unread.right),
        },
        "differences": total,
        "differences_file": file.as_ref().map(|file| file.display().to_string()),
        "shown": shown.iter().map(|one| shown_json(one, arguments.show_keys)).collect::<Vec<_>>(),
    })
}

fn column_json(column: &bron_reconcile::tables::ComparedColumn, counts: &TableCounts) -> Value {
    json!({
        "left": column.left,
        "right": column.right,
        "left_type": column.left_type,
        "right_type": column.right_type,
        "proof": match column.proof {
            Proof::Exact => "exact",
            Proof::AsText => "as_text",
        },
        "character_sets": column.letters.as_ref().map(|(left, right)| [left, right]),
        "differing": counts.columns.get(&column.left).copied().unwrap_or(0),
    })
}

fn shown_json(shown: &Shown, show_keys: bool) -> Value {
    let (left, right) = shown.kind.rows();
    json!({
        "difference": shown.kind.code(),
        "columns": shown.kind.columns(),
        "left_row": shown.left_row,
        "right_row": shown.right_row,
        "left_rows": left,
        "right_rows": right,
        "key": show_keys.then(|| shown.key.expose()),
    })
}
