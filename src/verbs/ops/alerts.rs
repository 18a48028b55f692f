//! Alerting rules for Prometheus: what somebody must be told, in Swedish, and where to read what to do.

use serde_json::{Value, json};

/// How much an alert matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    /// Somebody is woken.
    Page,
    /// Somebody looks during the day.
    Ticket,
}

/// An alert. Its name is also the heading of its part of the runbook.
struct Alert {
    name: &'static str,
    /// When it is so.
    expression: &'static str,
    /// For how long it has to be so.
    lasts: &'static str,
    severity: Severity,
    /// What is so, in Swedish.
    summary: &'static str,
}

const fn alert(
    name: &'static str,
    severity: Severity,
    lasts: &'static str,
    expression: &'static str,
    summary: &'static str,
) -> Alert {
    Alert { name, expression, lasts, severity, summary }
}

use Severity::{Page, Ticket};

/// The alerts. A gate that closes and a conflict are no alerts of their own: they show in what follows from them.
const ALERTS: [Alert; 16] = [
    alert(
        "BronSilent",
        Page,
        "5m",
        "absent(bron_bridge_alive)",
        "Bron lämnar inga mätvärden: den är stoppad eller nås inte",
    ),
    alert(
        "BronStalled",
        Page,
        "2m",
        "bron_bridge_alive == 0",
        "Ett steg i bron har stannat fast processen lever",
    ),
    alert(
        "BronLagUnknown",
        Page,
        "5m",
        "bron_stream_lag_known == 0",
        "Ingen vet hur långt efter {{ $labels.source }} är ({{ $labels.direction }})",
    ),
    alert(
        "BronLagging",
        Ticket,
        "10m",
        "bron_stream_lag_seconds > 300",
        "Ändringar från {{ $labels.source }} är mer än fem minuter gamla när de förs över",
    ),
    alert(
        "BronHeadroomShort",
        Page,
        "0m",
        "bron_stream_headroom_seconds < 86400",
        "Om mindre än ett dygn glömmer {{ $labels.source }} ändringar som inte är hämtade",
    ),
    alert(
        "BronHeadroomShrinking",
        Ticket,
        "1h",
        "bron_stream_headroom_seconds < 7 * 86400",
        "Om mindre än en vecka glömmer {{ $labels.source }} ändringar som inte är hämtade",
    ),
    alert(
        "BronJournalBacklog",
        Ticket,
        "10m",
        "bron_journal_oldest_seconds > 600",
        "Journalen har ändringar som har väntat mer än tio minuter på att införas",
    ),
    alert(
        "BronRollbackLost",
        Page,
        "1m",
        "bron_scope_rollback_available == 0 and on (scope) bron_scope_phase{phase=\"reversing\"} == 1",
        "Vägen tillbaka är stängd för {{ $labels.scope }}",
    ),
    alert(
        "BronScopeHalted",
        Page,
        "0m",
        "bron_scope_phase{phase=\"halted\"} == 1",
        "{{ $labels.scope }} har stannat och väntar på ett beslut",
    ),
    alert(
        "BronOwnershipViolated",
        Page,
        "0m",
        "increase(bron_scope_ownership_violations_total[15m]) > 0",
        "Någon har skrivit i den värld som inte äger {{ $labels.scope }}",
    ),
    alert(
        "BronConflictsRising",
        Ticket,
        "0m",
        "increase(bron_scope_conflicts_total[1h]) > 10",
        "Fler än tio konflikter på en timme i {{ $labels.scope }} ({{ $labels.class }})",
    ),
    alert(
        "BronParked",
        Ticket,
        "1h",
        "bron_scope_parked_keys > 0",
        "Personer eller ärenden i {{ $labels.scope }} väntar på ett beslut",
    ),
    alert(
        "BronMismatch",
        Page,
        "0m",
        "bron_scope_mismatches > 0",
        "De båda världarna skiljer sig i {{ $labels.scope }} ({{ $labels.difference }})",
    ),
    alert(
        "BronJobHalted",
        Page,
        "0m",
        "bron_job_halted == 1",
        "Jobbet {{ $labels.job }} har stannat av säkerhetsskäl och väntar på ett beslut",
    ),
    alert(
        "BronJobLate",
        Ticket,
        "0m",
        "bron_job_late_seconds > 0",
        "Jobbet {{ $labels.job }} har inte börjat i tid",
    ),
    alert(
        "BronJobFailing",
        Ticket,
        "0m",
        "increase(bron_job_runs_total{ending=~\"failed_.*|timed_out|crashed|missed\"}[1h]) > 0",
        "Jobbet {{ $labels.job }} gick inte som det skulle ({{ $labels.ending }})",
    ),
];

/// The rules as a document.
pub(super) fn rules(runbook: &str) -> Value {
    let rule = |alert: &Alert| {
        let severity = match alert.severity {
            Page => "page",
            Ticket => "ticket",
        };
        json!({
            "alert": alert.name,
            "expr": alert.expression,
            "for": alert.lasts,
            "labels": { "severity": severity },
            "annotations": {
                "summary": alert.summary,
                "runbook_url": format!("{runbook}#{}", alert.name.to_lowercase()),
            },
        })
    };
    let rules: Vec<Value> = ALERTS.iter().map(rule).collect();
    json!({ "groups": [{ "name": "paraplybron", "rules": rules }] })
}

/// The rules as Prometheus reads them. Every text stands between quotes as JSON has it, which YAML reads the same.
pub(super) fn yaml(rules: &Value) -> String {
    let mut text = String::from("groups:\n");
    for group in members(rules, "groups") {
        text.push_str(&format!("  - name: {}\n    rules:\n", group["name"]));
        for rule in members(group, "rules") {
            text.push_str(&format!("      - alert: {}\n", rule["alert"]));
            text.push_str(&format!("        expr: {}\n        for: {}\n", rule["expr"], rule["for"]));
            for part in ["labels", "annotations"] {
                text.push_str(&format!("        {part}:\n"));
                for (name, value) in rule[part].as_object().into_iter().flatten() {
                    text.push_str(&format!("          {name}: {value}\n"));
                }
            }
        }
    }
    text
}

fn members<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// The expressions of all alerts.
#[cfg(test)]
pub(super) fn expressions() -> impl Iterator<Item = &'static str> {
    ALERTS.iter().map(|alert| alert.expression)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bron_dual_run::metrics::{LabelName, METRICS};

    use super::*;

    #[test]
    fn every_alert_has_its_part_of_the_runbook_and_no_other_is_there() {
        let page = include_str!("../../../docs/operations.md");
        let told: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("### Bron")).collect();
        let known: BTreeSet<&str> =
            ALERTS.iter().filter_map(|alert| alert.name.strip_prefix("Bron")).collect();
        assert_eq!(told, known);
    }

    #[test]
    fn the_page_tells_every_metric_and_no_other() {
        let page = include_str!("../../../docs/operations.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `bron_")?.split('`').next());
        let told: BTreeSet<&str> = rows.collect();
        assert_eq!(told, METRICS.iter().filter_map(|metric| metric.name.strip_prefix("bron_")).collect());
    }

    #[test]
    fn labels_that_a_summary_names_are_those_of_the_metrics_in_its_expression() {
        for Alert { name, expression, summary, .. } in &ALERTS {
            let metric = METRICS.iter().filter(|metric| expression.contains(metric.name));
            let labels: BTreeSet<&str> =
                metric.flat_map(|metric| metric.labels).map(|label| LabelName::name(*label)).collect();
            let named = summary.split("{{ $labels.").skip(1).filter_map(|rest| rest.split_once(" }}"));
            for (label, _) in named {
                assert!(labels.contains(label), "{name}: {label}");
            }
            assert_eq!(summary.matches("{{").count(), summary.matches(" }}").count(), "{name}");
            assert!(
                !summary.ends_with('.') && summary.chars().next().is_some_and(|one| !one.is_lowercase()),
                "{name}"
            );
        }
    }

    #[test]
    fn the_text_is_the_document() {
        let rules = rules("https://example.se/operations");
        let text = yaml(&rules);
        let alerts: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("      - alert: ")).collect();
        let wanted: Vec<String> = ALERTS.iter().map(|alert| format!("\"{}\"", alert.name)).collect();
        assert_eq!(alerts, wanted);
        assert!(text.contains("runbook_url: \"https://example.se/operations#bronrollbacklost\""), "{text}");
        let quoted = text.lines().filter(|line| line.contains("expr: ")).all(|line| line.ends_with('"'));
        assert!(quoted && !text.contains('\t'));
        let names: BTreeSet<&str> = ALERTS.iter().map(|alert| alert.name).collect();
        assert_eq!(names.len(), ALERTS.len());
    }
}
