//! `bron reconcile`: is the target what the sources said?

mod explain;

use bron_reconcile::conservation::Imbalance;
use bron_reconcile::report::{DisplayKey, Language, ShownFinding, text};
use serde_json::{Value, json};

use crate::args::{LanguageName, ReconcileArguments, ReconcileVerb, ReportArguments};
use crate::audit;
use crate::chain::{Chain, Moment, Outcome, Publication};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::settings::Settings;

/// The most findings that the text names; the JSON document and the file name more.
const NAMED: usize = 20;

/// Reconciles the project's run with the target and writes the report.
pub(super) fn run(arguments: &ReconcileArguments, printer: &Printer) -> Result<Exit, Failure> {
    match &arguments.verb {
        Some(ReconcileVerb::Explain(explained)) => explain::run(explained, printer),
        None => reconcile(arguments, printer),
    }
}

fn reconcile(arguments: &ReconcileArguments, printer: &Printer) -> Result<Exit, Failure> {
    let settings = Settings::resolve(&arguments.chain)?;
    if arguments.report.protected {
        audit::note(&settings.project, audit::act("report.unmask"))?;
    }
    audit::during(&settings.project, audit::act("reconcile"), printer, |noted| {
        let mut chain = Chain::open(&settings, printer, Moment::LastRead)?;
        chain.publication = publication(&arguments.report);
        noted.works_on(&chain);
        chain.run.begin("reconcile", Some(&noted.checkpoint))?;
        chain.take_over()?;
        let outcome = chain.reconcile_within(&arguments.limit(), arguments.looks())?;
        noted.compared(&outcome.made);
        chain.run.end()?;
        noted.tell(document(&outcome), lines(&outcome));
        Ok(outcome.exit)
    })
}

fn publication(arguments: &ReportArguments) -> Publication {
    let ReportArguments { lang, testers, testers_seed: seed, protected } = *arguments;
    let language = match lang {
        LanguageName::Sv => Language::Sv,
        LanguageName::En => Language::En,
    };
    Publication { language, testers: testers.into(), seed, protected }
}

/// What was found, as the JSON document of the verb.
pub(super) fn document(outcome: &Outcome) -> Value {
    json!({
        "run": outcome.summary.run,
        "verdict": outcome.summary.verdict,
        "summary": outcome.summary,
        "imbalances": outcome.imbalances.iter().map(imbalance_json).collect::<Vec<_>>(),
        "findings": outcome.findings.iter().map(finding_json).collect::<Vec<_>>(),
        "findings_total": outcome.summary.findings.total(),
        "unproven": outcome.unproven,
        "report": outcome.report,
    })
}

/// An equation that does not hold. Counts that leave 64 bits are told as the greatest that does not.
fn imbalance_json(imbalance: &Imbalance) -> Value {
    let count = |rows: u128| u64::try_from(rows).unwrap_or(u64::MAX);
    json!({
        "equation": imbalance.rule.code(),
        "system": imbalance.system,
        "table": imbalance.table,
        "part": imbalance.part,
        "expected": count(imbalance.expected),
        "found": count(imbalance.found),
    })
}

fn finding_json(shown: &ShownFinding) -> Value {
    let ShownFinding { finding, key, state, first_seen, cause, waiver } = shown;
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
        "state": state,
        "first_seen": first_seen,
        "cause": cause,
        "waiver": waiver,
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
    for ShownFinding { finding, key, state, cause, .. } in outcome.findings.iter().take(NAMED) {
        let fields = finding.kind.fields().join(", ");
        lines.push(format!(
            "  {} {} {} {}/{} {} {fields}; {}; {cause}",
            finding.kind.code(),
            finding.entity,
            finding.row_name(),
            finding.src_system,
            finding.src_table,
            key_text(key).unwrap_or_default(),
            state.label().to_lowercase(),
        ));
    }
    let named = u64::try_from(outcome.findings.len().min(NAMED)).unwrap_or(u64::MAX);
    let total = outcome.summary.findings.total();
    if total > named {
        lines.push(format!("  … och {} till, se runs/{}/findings", total - named, outcome.summary.run));
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
