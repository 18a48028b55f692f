//! A dashboard for Grafana that shows every metric.

use serde_json::{Value, json};

/// How a panel shows its metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A line over time.
    Line,
    /// The last value, large.
    Number,
    /// A table of the last values.
    Table,
    /// What was so when.
    Timeline,
}

/// One panel.
struct Panel {
    title: &'static str,
    form: Form,
    /// The unit, as Grafana names it.
    unit: &'static str,
    /// Expressions, each with the text of its legend.
    shows: &'static [(&'static str, &'static str)],
}

/// Panels under one heading.
struct Row {
    title: &'static str,
    panels: &'static [Panel],
}

const fn panel(
    title: &'static str,
    form: Form,
    unit: &'static str,
    shows: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel { title, form, unit, shows }
}

use Form::{Line, Number, Table, Timeline};

const ROWS: [Row; 5] = [
    Row {
        title: "Läget nu",
        panels: &[
            panel("Bron arbetar", Number, "bool_yes_no", &[("bron_bridge_alive", "arbetar")]),
            panel(
                "Vägen tillbaka är öppen",
                Number,
                "bool_yes_no",
                &[("bron_scope_rollback_available", "{{scope}}")],
            ),
            panel("Nästa steg", Table, "none", &[("bron_scope_next_action == 1", "{{scope}}: {{action}}")]),
            panel(
                "Ägare och fas",
                Table,
                "none",
                &[
                    ("bron_scope_owner == 1", "{{scope}}: {{owner}}"),
                    ("bron_scope_phase == 1", "{{scope}}: {{phase}}"),
                    ("bron_scope_epoch", "{{scope}}: epok"),
                    ("bron_scope_iteration", "{{scope}}: omgång"),
                ],
            ),
            panel(
                "Stegen: tid sedan de kom vidare",
                Line,
                "s",
                &[("bron_stage_age_seconds", "{{stage}}"), ("bron_stage_limit_seconds", "{{stage}}: gräns")],
            ),
        ],
    },
    Row {
        title: "Strömmarna",
        panels: &[
            panel(
                "Eftersläpning, båda hållen",
                Line,
                "s",
                &[("bron_stream_lag_seconds", "{{direction}} {{source}}")],
            ),
            panel(
                "Eftersläpningen är känd",
                Number,
                "bool_yes_no",
                &[("bron_stream_lag_known", "{{direction}} {{source}}")],
            ),
            panel(
                "Versioner efter",
                Line,
                "none",
                &[("bron_stream_versions_behind", "{{direction}} {{source}}")],
            ),
            panel(
                "Tid tills källan glömmer",
                Line,
                "s",
                &[("bron_stream_headroom_seconds", "{{direction}} {{source}}")],
            ),
            panel(
                "Ekon som stoppats per sekund",
                Line,
                "none",
                &[("rate(bron_stream_echoes_total[5m])", "{{direction}} {{source}}")],
            ),
            panel("Journalens djup", Line, "none", &[("bron_journal_depth", "delar")]),
            panel("Äldsta i journalen", Line, "s", &[("bron_journal_oldest_seconds", "ålder")]),
        ],
    },
    Row {
        title: "Konflikter och skillnader",
        panels: &[
            panel("Parkerade personer och ärenden", Line, "none", &[("bron_scope_parked_keys", "{{scope}}")]),
            panel(
                "Konflikter per timme, efter slag",
                Line,
                "none",
                &[("increase(bron_scope_conflicts_total[1h])", "{{scope}} {{class}}")],
            ),
            panel(
                "Skrivet i fel värld",
                Line,
                "none",
                &[("increase(bron_scope_ownership_violations_total[1h])", "{{scope}}")],
            ),
            panel(
                "Skillnader mellan världarna",
                Line,
                "none",
                &[("bron_scope_mismatches", "{{scope}} {{difference}}")],
            ),
        ],
    },
    Row {
        title: "Grindar och vägen tillbaka",
        panels: &[
            panel(
                "Grindar som släpper igenom",
                Timeline,
                "bool_yes_no",
                &[("bron_scope_gate_open", "{{scope}} {{gate}}")],
            ),
            panel("Bevisens ålder", Line, "s", &[("bron_scope_gate_age_seconds", "{{scope}} {{gate}}")]),
            panel(
                "Varför vägen tillbaka är stängd",
                Table,
                "none",
                &[("bron_scope_rollback_unavailable == 1", "{{scope}}: {{reason}}")],
            ),
            panel("Dagar med vägen tillbaka öppen", Number, "d", &[("bron_scope_reverse_days", "{{scope}}")]),
        ],
    },
    Row {
        title: "Jobben",
        panels: &[
            panel(
                "Körningar per dygn, efter hur de slutade",
                Line,
                "none",
                &[("increase(bron_job_runs_total[1d]) > 0", "{{job}} {{ending}}")],
            ),
            panel("Tid sedan jobbet lyckades", Line, "s", &[("bron_job_success_age_seconds", "{{job}}")]),
            panel("Så lång tid tog det", Line, "s", &[("bron_job_took_seconds", "{{job}}")]),
            panel("Försenade", Line, "s", &[("bron_job_late_seconds", "{{job}}")]),
            panel(
                "Arbetar och väntar på beslut",
                Timeline,
                "bool_yes_no",
                &[("bron_job_running", "{{job}} arbetar"), ("bron_job_halted", "{{job}} väntar på beslut")],
            ),
        ],
    },
];

/// Columns of the dashboard's grid, and how large a panel is in it.
const WIDE: usize = 24;
const PANEL_WIDE: usize = 8;
const PANEL_HIGH: usize = 7;

/// The dashboard, in the form that Grafana imports.
pub(super) fn dashboard() -> Value {
    let (mut panels, mut top) = (Vec::new(), 0);
    for row in &ROWS {
        let place = json!({ "h": 1, "w": WIDE, "x": 0, "y": top });
        let id = panels.len() + 1;
        panels.push(json!({ "id": id, "type": "row", "title": row.title, "gridPos": place, "panels": [] }));
        top += 1;
        for (number, panel) in row.panels.iter().enumerate() {
            let across = number % (WIDE / PANEL_WIDE);
            let down = number / (WIDE / PANEL_WIDE);
            let (x, y) = (across * PANEL_WIDE, top + down * PANEL_HIGH);
            let place = json!({ "h": PANEL_HIGH, "w": PANEL_WIDE, "x": x, "y": y });
            panels.push(shown(panel, panels.len() + 1, &place));
        }
        top += row.panels.len().div_ceil(WIDE / PANEL_WIDE) * PANEL_HIGH;
    }
    json!({
        "title": "Paraplybron",
        "uid": "paraplybron",
        "tags": ["paraplybron"],
        "timezone": "browser",
        "schemaVersion": 39,
        "editable": true,
        "refresh": "30s",
        "time": { "from": "now-24h", "to": "now" },
        "templating": { "list": [{
            "name": "source_of_metrics",
            "label": "Datakälla",
            "type": "datasource",
            "query": "prometheus",
        }] },
        "panels": panels,
    })
}

fn shown(panel: &Panel, id: usize, place: &Value) -> Value {
    let source = json!({ "type": "prometheus", "uid": "${source_of_metrics}" });
    let is_now = matches!(panel.form, Number | Table);
    let targets = panel.shows.iter().zip('A'..).map(|((expression, legend), letter)| {
        json!({
            "refId": letter.to_string(),
            "expr": expression,
            "legendFormat": legend,
            "instant": is_now,
            "range": !is_now,
            "datasource": source,
        })
    });
    let kind = match panel.form {
        Line => "timeseries",
        Number => "stat",
        Table => "bargauge",
        Timeline => "state-timeline",
    };
    json!({
        "id": id,
        "type": kind,
        "title": panel.title,
        "gridPos": place,
        "datasource": source,
        "fieldConfig": { "defaults": { "unit": panel.unit }, "overrides": [] },
        "targets": targets.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bron_dual_run::metrics::{LabelName, METRICS};

    use super::super::alerts;
    use super::*;

    /// The names of metrics in an expression.
    fn metrics(expression: &str) -> BTreeSet<&str> {
        let words = expression.split(|one: char| !one.is_ascii_alphanumeric() && one != '_');
        words.filter(|word| word.starts_with("bron_")).collect()
    }

    fn shows() -> impl Iterator<Item = (&'static str, &'static str)> {
        ROWS.iter().flat_map(|row| row.panels).flat_map(|panel| panel.shows).copied()
    }

    #[test]
    fn dashboard_and_alerts_know_no_other_metrics_and_the_dashboard_shows_every_one() {
        let known: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        let shown: BTreeSet<&str> = shows().flat_map(|(expression, _)| metrics(expression)).collect();
        assert_eq!(shown, known);
        let told: BTreeSet<&str> = alerts::expressions().flat_map(metrics).collect();
        assert!(told.is_subset(&known) && told.len() > 10, "{told:?}");
    }

    #[test]
    fn a_legend_names_labels_of_its_metric_and_tells_all_of_them() {
        for (expression, legend) in shows() {
            let metric = METRICS.iter().find(|metric| metrics(expression).contains(metric.name)).unwrap();
            let named: BTreeSet<&str> = legend
                .split("{{")
                .skip(1)
                .filter_map(|rest| rest.split_once("}}"))
                .map(|(name, _)| name)
                .collect();
            let labels: BTreeSet<&str> = metric.labels.iter().map(|label| LabelName::name(*label)).collect();
            assert_eq!(named, labels, "{expression}");
        }
    }

    #[test]
    fn panels_have_ids_of_their_own_and_do_not_lie_on_each_other() {
        let dashboard = dashboard();
        let panels = dashboard["panels"].as_array().unwrap();
        let number = |panel: &Value, name: &str| panel["gridPos"][name].as_u64().unwrap();
        let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
        for panel in panels {
            assert!(ids.insert(panel["id"].as_u64().unwrap()));
            let (x, y, w, h) =
                (number(panel, "x"), number(panel, "y"), number(panel, "w"), number(panel, "h"));
            assert!(x + w <= 24);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{}", panel["title"]);
            }
        }
        assert_eq!(panels.len(), ROWS.len() + ROWS.iter().map(|row| row.panels.len()).sum::<usize>());
    }
}
