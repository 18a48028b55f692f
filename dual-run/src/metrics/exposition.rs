//! Samples as text, in the forms that Prometheus reads.

use std::fmt::Write as _;

use super::registry::{Kind, METRICS, Metric, Unit};
use super::samples::{Quantity, Sample};

/// A form of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// The text format of Prometheus, version 0.0.4; also what the textfile collector of `node_exporter` reads.
    Prometheus,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Exposition {
    /// What it is called on the network.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Samples as text. They come in the order of the metrics; a metric without a sample is left out.
#[must_use]
pub fn exposition(samples: &[Sample<'_>], form: Exposition) -> String {
    let mut text = String::new();
    for metric in &METRICS {
        let mut here = samples.iter().filter(|sample| sample.metric == metric).peekable();
        if here.peek().is_some() {
            describe(&mut text, metric, form);
        }
        here.for_each(|sample| line(&mut text, sample));
    }
    if form == Exposition::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn describe(text: &mut String, metric: &Metric, form: Exposition) {
    // A counter of OpenMetrics is a family whose name lacks the ending of its samples.
    let family = match form {
        Exposition::Prometheus => metric.name,
        Exposition::OpenMetrics => metric.name.strip_suffix("_total").unwrap_or(metric.name),
    };
    let kind = match metric.kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
    };
    let mut add = |what: &str, value: &str| {
        writeln!(text, "# {what} {family} {value}").expect("writing to a String cannot fail");
    };
    add("HELP", metric.help);
    add("TYPE", kind);
    if form == Exposition::OpenMetrics && metric.unit == Unit::Seconds {
        add("UNIT", "seconds");
    }
}

fn line(text: &mut String, sample: &Sample<'_>) {
    text.push_str(sample.metric.name);
    for (place, label) in sample.labels.iter().enumerate() {
        let begin = if place == 0 { '{' } else { ',' };
        let (name, value) = (label.name().name(), escaped(&label.value()));
        write!(text, "{begin}{name}=\"{value}\"").expect("writing to a String cannot fail");
    }
    if !sample.labels.is_empty() {
        text.push('}');
    }
    let written = match sample.quantity {
        Quantity::Count(count) => writeln!(text, " {count}"),
        Quantity::Time(time) => writeln!(text, " {}.{:03}", time.as_secs(), time.subsec_millis()),
    };
    written.expect("writing to a String cannot fail");
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::Duration;

    use super::super::samples::samples;
    use super::super::status::tests::scope_status;
    use super::super::status::{BridgeStatus, Direction, Heartbeat, JobStatus, JournalStatus, StreamStatus};
    use super::super::{Gate, GateStatus, Stage};
    use super::*;
    use crate::jobs::JobName;
    use crate::phase::Phase;
    use crate::scope::Scope;

    /// A status in which everything has a value.
    fn full() -> BridgeStatus {
        let second = Some(Duration::from_millis(1250));
        let gate = GateStatus { is_open: true, age: second, limit: Duration::from_secs(60) };
        let mut scope = scope_status(Phase::Armed);
        scope.gates = Gate::ALL.into_iter().map(|one| (one, gate)).collect();
        let stream = StreamStatus { lag: second, headroom: second, ..StreamStatus::default() };
        let job = JobStatus { since_success: second, took: second, ..JobStatus::default() };
        let beat = Heartbeat { age: second, limit: Duration::from_secs(60) };
        BridgeStatus {
            streams: BTreeMap::from([((Direction::Forward, "paraply".to_owned()), stream)]),
            journal: Some(JournalStatus { depth: 7, oldest: Duration::from_secs(3) }),
            scopes: BTreeMap::from([(Scope::parse("EB/SDN03/myndighet").unwrap(), scope)]),
            stages: BTreeMap::from([(Stage::Capture, beat)]),
            jobs: BTreeMap::from([(JobName::parse("natt").unwrap(), job)]),
        }
    }

    #[test]
    fn every_metric_is_told_once_it_has_a_value() {
        let status = full();
        let told: BTreeSet<&str> = samples(&status).iter().map(|sample| sample.metric.name).collect();
        assert_eq!(told, METRICS.iter().map(|metric| metric.name).collect());
    }

    #[test]
    fn the_text_has_its_heads_its_labels_and_its_values() {
        let status = full();
        let text = exposition(&samples(&status), Exposition::Prometheus);
        for line in [
            "# HELP bron_bridge_alive 1 when every stage at work here has got on in time.",
            "# TYPE bron_stream_echoes_total counter",
            "bron_bridge_alive 1",
            "bron_stream_lag_seconds{direction=\"forward\",source=\"paraply\"} 1.250",
            "bron_journal_depth 7",
            "bron_scope_gate_open{scope=\"EB/SDN03/myndighet\",gate=\"g1_lag\"} 1",
            "bron_scope_phase{scope=\"EB/SDN03/myndighet\",phase=\"armed\"} 1",
            "bron_scope_phase{scope=\"EB/SDN03/myndighet\",phase=\"halted\"} 0",
            "bron_job_runs_total{job=\"natt\",ending=\"failed_safety\"} 0",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in:\n{text}");
        }
        let heads = text.lines().filter(|line| line.starts_with("# TYPE")).count();
        assert_eq!(heads, METRICS.len(), "each metric is described once");
        let series: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(series.iter().collect::<BTreeSet<_>>().len(), series.len(), "no series comes twice");
    }

    #[test]
    fn open_metrics_names_families_and_units_and_ends() {
        let status = full();
        let text = exposition(&samples(&status), Exposition::OpenMetrics);
        assert!(text.contains("# TYPE bron_stream_echoes counter\nbron_stream_echoes_total{"), "{text}");
        assert!(text.contains("# UNIT bron_stream_lag_seconds seconds\n"));
        assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
    }

    #[test]
    fn c10_what_nobody_can_tell_has_no_value_and_is_not_a_lag_of_zero() {
        let mut status = full();
        let key = (Direction::Forward, "paraply".to_owned());
        status.streams.insert(key, StreamStatus::default());
        let text = exposition(&samples(&status), Exposition::Prometheus);
        assert!(!text.contains("bron_stream_lag_seconds"), "no lag is not a lag of zero");
        assert!(text.contains("bron_stream_lag_known{direction=\"forward\",source=\"paraply\"} 0"));
    }

    #[test]
    fn p7_a_name_that_could_be_a_person_number_is_not_shown() {
        let mut status = full();
        let scope = Scope::parse("EB/20000101-0008/myndighet").unwrap();
        status.scopes.insert(scope, scope_status(Phase::Planned));
        let key = (Direction::Reverse, "a\"b\\c\nd".to_owned());
        status.streams.insert(key, StreamStatus::default());
        let text = exposition(&samples(&status), Exposition::Prometheus);
        assert!(!text.contains("20000101") && text.contains("scope=\"withheld\""));
        assert!(text.contains("source=\"a\\\"b\\\\c\\nd\""), "{text}");
    }
}
