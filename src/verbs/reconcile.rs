//! `bron reconcile`: is the target what the sources said?

use bron_reconcile::report::{DisplayKey, ShownFinding, text};
use serde_json::{Value, json};

use crate::args::ReconcileArguments;
use crate::chain::{Chain, Moment, Outcome};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::settings::Settings;

/// The most findings that the text names; the JSON document and the file name more.
const NAMED: usize = 20;

/// Reconciles the project's run with the target and writes the report.
pub(super) fn run(arguments: &ReconcileArguments, printer: &Printer) -> Result<Exit, Failure> {
    let settings = Settings::resolve(&arguments.chain)?;
    let mut chain = Chain::open(&settings, printer, Moment::LastRead)?;
    chain.run.begin("reconcile")?;
    chain.take_over()?;
    let outcome = chain.reconcile_within(&arguments.limit(), arguments.looks())?;
    chain.run.end()?;
    printer.result(&document(&outcome), &lines(&outcome));
    Ok(outcome.exit)
}

/// What was found, as the JSON document of the verb.
pub(super) fn document(outcome: &Outcome) -> Value {
    json!({
        "run": outcome.summary.run,
        "verdict": outcome.summary.verdict,
        "summary": outcome.summary,
        "findings": outcome.findings.iter().map(finding_json).collect::<Vec<_>>(),
        "findings_total": outcome.findings_total,
        "unproven": outcome.unproven,
        "report": outcome.report,
    })
}

fn finding_json(shown: &ShownFinding) -> Value {
    let ShownFinding { finding, key } = shown;
    json!({
        "id": finding.id.to_string(),
        "kind": finding.kind.code(),
        "entity": finding.entity,
        "entity_id": finding.row_name(),
        "system": finding.src_system,
        "table": finding.src_table,
        "key": key_text(key),
        "fields": finding.kind.fields(),
        "mapping": finding.rule,
    })
}

fn key_text(key: &DisplayKey) -> Option<String> {
    match key {
        DisplayKey::Plain(key) => Some(key.clone()),
        DisplayKey::Pseudonym(pseudonym) => Some(pseudonym.to_string()),
        DisplayKey::Hidden => None,
    }
}

/// What was found, for people.
pub(super) fn lines(outcome: &Outcome) -> String {
    let mut lines = vec![text(&outcome.summary)];
    for ShownFinding { finding, key } in outcome.findings.iter().take(NAMED) {
        let fields = finding.kind.fields().join(", ");
        lines.push(format!(
            "  {} {} {} {}/{} {} {fields}",
            finding.kind.code(),
            finding.entity,
            finding.row_name(),
            finding.src_system,
            finding.src_table,
            key_text(key).unwrap_or_default(),
        ));
    }
    let named = u64::try_from(outcome.findings.len().min(NAMED)).unwrap_or(u64::MAX);
    if outcome.findings_total > named {
        lines.push(format!(
            "  … och {} till, se runs/{}/findings",
            outcome.findings_total - named,
            outcome.summary.run
        ));
    }
    for files in &outcome.summary.deliveries {
        lines.push(format!(
            "  D67 {}/{} inte levererat: {}",
            files.system,
            files.table,
            files.missing.join(", ")
        ));
    }
    lines.push(format!("rapport: {}", outcome.report.display()));
    lines.join("\n")
}
