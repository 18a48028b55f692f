//! `bron reconcile explain`: one record's whole story, for people and for machines.

use bron_load::quarantine::{Event, Item};
use bron_load::{Ended, Ending};
use bron_mappings::ReasonCode;
use bron_reconcile::findings::{FindingState, KeyMark};
use bron_reconcile::rows::FindingKind;
use serde_json::{Value, json};

use crate::args::ExplainArguments;
use crate::chain::{Chain, Explained, Shown, StoredFinding, Story, told};
use crate::failure::{Done, Exit, Failure};
use crate::printer::Printer;
use crate::settings::Settings;
use crate::verbs::quarantine::{event_json, event_text, item_json, plain};

/// Stands for a value that is not shown.
const HIDDEN: &str = "●●●";

/// Tells the story of the record, or names those that fit.
pub(super) fn run(arguments: &ExplainArguments, printer: &Printer) -> Result<Exit, Failure> {
    let settings = Settings::resolve(&arguments.chain)?;
    let chain = Chain::over_latest(&settings, printer)?;
    match chain.explain(&arguments.key)? {
        Explained::Nothing => {
            Err(Failure::config("no record of the run, of its findings or of the target fits KEY"))
        }
        Explained::Several(names) => Err(several(&names)),
        Explained::One(story) => {
            printer.result(&document(&story), &text(&story));
            let has_findings = story.findings.iter().any(is_open);
            Ok(if has_findings { Exit::Differences } else { Exit::Clean })
        }
    }
}

fn several(names: &[(String, String)]) -> Failure {
    let records = names.iter().map(|(table, key)| json!({ "table": table, "key": key }));
    let lines: Vec<String> = names.iter().map(|(table, key)| format!("  {table}/{}", plain(key))).collect();
    let document = json!({ "records": records.collect::<Vec<_>>() });
    let done = Done { document, text: lines.join("\n") };
    Failure::config(format!("{} records fit KEY", names.len()))
        .hint("name one of them as SYSTEM/TABLE/KEY")
        .having_done(done)
}

/// Whether the last reconciliation had the finding.
fn is_open(finding: &StoredFinding) -> bool {
    finding.state != "resolved"
}

fn document(story: &Story) -> Value {
    let Story { run, same_rules, mapping, key, protected, .. } = story;
    let rows = story.rows.iter().map(|row| {
        let fields = row.fields.iter().map(|field| {
            json!({
                "label": field.label,
                "given": field.given,
                "held": field.held,
                "differs": field.differs,
                "rule": some(&field.rule),
            })
        });
        json!({
            "entity": row.entity,
            "id": row.id.to_string(),
            "given": row.is_given,
            "in_target": row.is_held,
            "written_by": row.written_by,
            "fields": fields.collect::<Vec<_>>(),
            "history": row.history.iter().map(ending_json).collect::<Vec<_>>(),
        })
    });
    let references = story.references.iter().map(|one| {
        json!({
            "entity": one.entity,
            "field": one.field,
            "to": one.to,
            "id": one.id.to_string(),
            "in_target": one.is_held,
        })
    });
    let referring = story.referring.iter().map(|one| {
        let ids: Vec<String> = one.ids.iter().map(ToString::to_string).collect();
        json!({ "entity": one.entity, "field": one.field, "rows": one.rows, "first": ids, "grounds": one.grounds })
    });
    json!({
        "run": run,
        "same_rules": same_rules,
        "mapping": mapping,
        "key": key,
        "protected": protected,
        "source": story.source,
        "marks": story.marks.iter().map(mark_json).collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
        "references": references.collect::<Vec<_>>(),
        "referred_by": referring.collect::<Vec<_>>(),
        "findings": story.findings.iter().map(finding_json).collect::<Vec<_>>(),
        "quarantine": story.quarantine.iter().map(quarantine_json).collect::<Vec<_>>(),
    })
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn ending_json(ending: &Ending) -> Value {
    let Ending { written_by, ended_by, because, ordinal } = ending;
    json!({ "written_by": written_by, "ended_by": ended_by, "because": because.code(), "ordinal": ordinal })
}

fn mark_json(mark: &KeyMark) -> Value {
    json!({
        "action": mark.action.name(),
        "reason": mark.reason.code(),
        "field": some(&mark.field),
        "by_target": mark.by_target,
    })
}

fn finding_json(finding: &StoredFinding) -> Value {
    json!({
        "id": finding.finding,
        "kind": finding.kind,
        "entity": finding.entity,
        "entity_id": finding.row,
        "fields": finding.fields.split(',').filter(|field| !field.is_empty()).collect::<Vec<_>>(),
        "state": finding.state,
        "first_seen": finding.first_seen,
        "last_seen": finding.last_seen,
        "cause": finding.cause(),
        "waiver": some(&finding.waiver),
    })
}

fn quarantine_json((item, log): &(Item, Vec<Event>)) -> Value {
    let mut document = item_json(item);
    document["log"] = log.iter().map(event_json).collect();
    document
}

/// The story, from the source to the decisions.
fn text(story: &Story) -> String {
    let mut lines = vec![format!("{} {}, körning {}", story.mapping, plain(&story.key), story.run)];
    if story.protected {
        lines.push("Posten gäller en person med skydd: inga värden visas.".to_owned());
    }
    if !story.same_rules {
        lines.push(
            "Mappningsfilerna har ändrats sedan körningen: reglerna nedan är de nya, inte de som användes."
                .to_owned(),
        );
    }
    lines.extend(source_lines(story));
    lines.extend(section("Märken", story.marks.iter().map(mark_text)));
    lines.extend(row_lines(story));
    lines.extend(section(
        "Hänvisar till",
        story.references.iter().map(|one| {
            let held = if one.is_held { "finns i målet" } else { "finns inte i målet" };
            format!("{}.{} → {} {}, {held}", one.entity, one.field, one.to, one.id)
        }),
    ));
    lines.extend(section(
        "Hänvisas till från",
        story.referring.iter().map(|one| {
            let grounds: Vec<&str> = one.grounds.iter().map(String::as_str).collect();
            let grounds =
                if grounds.is_empty() { String::new() } else { format!(", grund {}", grounds.join(", ")) };
            let ids: Vec<String> = one.ids.iter().map(ToString::to_string).collect();
            let more = if one.rows > u64::try_from(ids.len()).unwrap_or(u64::MAX) { " …" } else { "" };
            format!("{}.{}: {} rader{grounds}: {}{more}", one.entity, one.field, one.rows, ids.join(" "))
        }),
    ));
    lines.push("Fynd".to_owned());
    if story.findings.is_empty() {
        lines.push("  inga".to_owned());
    }
    lines.extend(story.findings.iter().map(finding_text));
    for (item, log) in &story.quarantine {
        let finding = &item.finding;
        lines.push(format!("Karantän {}: {}, {}", finding.id, finding.reason, told(item.state)));
        lines.extend(log.iter().map(|event| format!("  {}", event_text(event))));
    }
    lines.join("\n")
}

/// A heading with lines, or nothing.
fn section(title: &str, lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = lines.map(|line| format!("  {line}")).collect();
    if !found.is_empty() {
        found.insert(0, title.to_owned());
    }
    found
}

fn source_lines(story: &Story) -> Vec<String> {
    let mut lines = Vec::new();
    for (row, number) in story.source.iter().zip(1_u32..) {
        lines.push(if story.source.len() > 1 {
            format!("Källrad {number} av {} med nyckeln", story.source.len())
        } else {
            "Källrad".to_owned()
        });
        if !story.protected {
            lines.extend(row.iter().map(|column| format!("  {} = {}", plain(&column.name), shown(column))));
        }
    }
    if story.source.is_empty() {
        lines.push("Källrad: ingen i körningen".to_owned());
    }
    lines
}

fn row_lines(story: &Story) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &story.rows {
        let place = match (row.is_given, row.is_held) {
            (true, true) => "given av källan, finns i målet",
            (true, false) => "given av källan, SAKNAS i målet",
            (false, true) => "finns i målet, INTE given av källan",
            (false, false) => "varken given av källan eller i målet",
        };
        lines.push(format!("{} ({}) {}: {place}", row.label, row.entity, row.id));
        lines.extend(row.written_by.iter().map(|run| format!("  inläst av körning {run}")));
        for field in &row.fields {
            let value = match (&field.given, &field.held) {
                (Some(given), Some(held)) if field.differs => {
                    format!("SKILJER: källan ger {}, målet har {}", shown(given), shown(held))
                }
                (_, Some(one)) | (Some(one), None) => shown(one),
                (None, None) => String::new(),
            };
            let rule = if field.rule.is_empty() { String::new() } else { format!("  [{}]", field.rule) };
            lines.push(format!("  {} = {value}{rule}", field.label));
        }
        lines.extend(row.history.iter().map(ending_text));
    }
    lines
}

fn shown(one: &Shown) -> String {
    match (&one.value, &one.class) {
        (Some(value), _) => plain(value),
        (None, Some(class)) => match one.length {
            None => class.clone(),
            Some(length) => format!("{HIDDEN} ({class}, {length} tecken)"),
        },
        (None, None) => HIDDEN.to_owned(),
    }
}

fn ending_text(ending: &Ending) -> String {
    let because = match ending.because {
        Ended::Replaced => "ersatt",
        Ended::Gone => "borta ur källan",
        Ended::HeldBack => "lagd i karantän",
        Ended::LeftOut => "utelämnad enligt regel",
        Ended::Merged => "sammanslagen med en annan post",
        Ended::NotGiven => "ges inte längre av mappningen",
    };
    let Ending { written_by, ended_by, .. } = ending;
    format!("  historik: raden från körning {written_by} {because} av körning {ended_by}")
}

fn mark_text(mark: &KeyMark) -> String {
    let field = if mark.field.is_empty() { String::new() } else { format!(", fält {}", mark.field) };
    let by = if mark.by_target { ", av målet" } else { "" };
    let KeyMark { action, reason, .. } = mark;
    format!("{} {reason} {}{field}{by}", action.name(), ReasonCode::label(*reason))
}

fn finding_text(finding: &StoredFinding) -> String {
    let kind = FindingKind::parse(&finding.kind, Vec::new(), &finding.row);
    let kind = kind.as_ref().map_or("Okänt slag", |kind| kind.label());
    let fields = if finding.fields.is_empty() { String::new() } else { format!(" ({})", finding.fields) };
    let number: String = finding.finding.chars().take(12).collect();
    if !is_open(finding) {
        let StoredFinding { first_seen, last_seen, .. } = finding;
        return format!("  {number} {kind}{fields}: åtgärdat, sett i körning {first_seen} till {last_seen}");
    }
    let state = match finding.state.as_str() {
        "not_compared" => format!("inte jämfört på nytt, sett i körning {}", finding.last_seen),
        state if state == FindingState::Persisting.code() => {
            format!("kvarstår sedan körning {}", finding.first_seen)
        }
        _ => "nytt".to_owned(),
    };
    let waiver = if finding.waiver.is_empty() {
        String::new()
    } else {
        format!(", godkänd avvikelse {}", finding.waiver)
    };
    format!("  {number} {kind}{fields}: {state}{waiver}. {}", finding.cause())
}
