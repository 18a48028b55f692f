//! What has changed since the reconciliations before: a few figures of the whole city, each as a line.

use super::number::{count, signed};
use super::{Input, verdict};
use crate::controls::Unit;
use crate::summary::Summary;

/// The measures of a drawing.
const WIDTH: i128 = 120;
const HEIGHT: i128 = 24;
/// What is left free around a line, for its end.
const MARGIN: i128 = 3;

/// The figures that are followed: how they are called, in Swedish.
const MEASURES: [&str; 5] = [
    "Lästa",
    "Inlästa rader",
    "Rader i karantän i alla system",
    "Skillnader",
    "Öppna poster på arbetslistorna",
];

/// What a reconciliation came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// The run.
    pub run: String,
    /// The figures, in the order in which the report shows them.
    pub figures: [u128; 5],
}

impl Point {
    /// The figures of an earlier reconciliation, of which only the summary is left. Balances that do not add up are
    /// in no summary and are not among its differences.
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        Self { run: summary.run.clone(), figures: figures(summary, 0) }
    }
}

fn figures(summary: &Summary, imbalances: u128) -> [u128; 5] {
    let sum = |part: fn(&crate::summary::TableSummary) -> u64| -> u128 {
        summary.tables.iter().map(part).map(u128::from).sum()
    };
    [
        sum(|table| table.read),
        sum(|table| table.loaded),
        summary.quarantined(),
        verdict::differences(summary, &[]) + imbalances,
        summary.quality.lines.iter().map(|line| u128::from(line.counts.open)).sum(),
    ]
}

pub(super) struct TrendView {
    pub(super) label: &'static str,
    pub(super) before: String,
    pub(super) now: String,
    pub(super) change: String,
    /// Every value, oldest first, for who does not see the line.
    pub(super) told: String,
    /// The line, as SVG has it.
    pub(super) points: String,
    /// The end of the line.
    pub(super) last: [String; 2],
}

/// The run before; empty when there is none.
pub(super) fn before(history: &[Point]) -> &str {
    history.last().map_or("", |point| &point.run)
}

/// One line for each figure; none when nothing came before.
pub(super) fn lines(history: &[Point], input: &Input<'_>) -> Vec<TrendView> {
    let Some(last) = history.last() else { return Vec::new() };
    let imbalances = u128::try_from(input.imbalances.len()).unwrap_or(u128::MAX);
    let now = figures(input.summary, imbalances);
    let view = |(at, label): (usize, &'static str)| {
        let earlier = history.iter().map(|point| point.figures[at]);
        let values: Vec<i128> =
            earlier.chain([now[at]]).map(|value| i128::try_from(value).unwrap_or(i128::MAX)).collect();
        let change = values[values.len() - 1] - values[values.len() - 2];
        let drawn = drawn(&values);
        let told: Vec<String> = values.iter().map(|value| count(*value)).collect();
        let points: Vec<String> = drawn.iter().map(|(x, y)| format!("{x},{y}")).collect();
        let (x, y) = drawn[drawn.len() - 1];
        TrendView {
            label,
            before: count(last.figures[at]),
            now: count(now[at]),
            change: signed(Unit::Antal, change),
            told: told.join(", "),
            points: points.join(" "),
            last: [x.to_string(), y.to_string()],
        }
    };
    MEASURES.into_iter().enumerate().map(view).collect()
}

/// The values as places in the drawing: in equal steps to the right, the largest highest; all equal in the middle.
fn drawn(values: &[i128]) -> Vec<(i128, i128)> {
    let (least, most) = (values.iter().min().copied(), values.iter().max().copied());
    let (least, most) = (least.unwrap_or_default(), most.unwrap_or_default());
    let steps = i128::try_from(values.len()).unwrap_or(i128::MAX) - 1;
    let (wide, high) = (WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN);
    let place = |(at, value): (i128, &i128)| {
        let x = MARGIN + at * wide / steps.max(1);
        let y = if most == least { HEIGHT / 2 } else { MARGIN + (most - value) * high / (most - least) };
        (x, y)
    };
    (0..).zip(values).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_from_left_to_right_and_the_largest_is_highest() {
        assert_eq!(drawn(&[10, 20, 10]), [(3, 21), (60, 3), (117, 21)]);
        assert_eq!(drawn(&[7, 7]), [(3, 12), (117, 12)]);
    }
}
