//! Reads conditions.

use super::origin;
use crate::diagnostic::Span;
use crate::document::{Placed, Reporter, Section};
use crate::mapping::{Condition, ConditionTest, Day};

/// Reads `when`: one condition or a list of them. None means all rows.
pub(super) fn read_when(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Vec<Condition> {
    let mut conditions = section.sections("when", report);
    conditions.iter_mut().filter_map(|condition| read_condition(condition, report)).collect()
}

fn read_condition(when: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<Condition> {
    let column = when.required_text("column", report);
    let is = when.text("is", report);
    let texts = |values: Vec<Placed>| values.into_iter().map(|value| value.text).collect();
    let within = when.texts("in", report).map(texts);
    let outside = when.texts("not_in", report).map(texts);
    let dates = read_dates(when, report);
    when.finish(report);
    let test = match (is.as_ref().map(|is| is.text.as_str()), within, outside, dates) {
        (Some("present"), None, None, None) => Some(ConditionTest::Present),
        (Some("absent"), None, None, None) => Some(ConditionTest::Absent),
        (None, Some(values), None, None) => Some(ConditionTest::In(values)),
        (None, None, Some(values), None) => Some(ConditionTest::NotIn(values)),
        (None, None, None, Some(dates)) => Some(dates),
        _ => {
            report_question(&when.span, report);
            None
        }
    };
    Some(Condition { origin: origin(column?), test: test? })
}

fn report_question(span: &Span, report: &mut Reporter<'_>) {
    let message = "a condition has one of `is = \"present\"`, `is = \"absent\"`, `in = […]`, `not_in = […]`, \
                   and `from` or `before` or both";
    report.error("BRON-M028", span, message, "not one question");
}

/// The days of a condition about dates, when it is one.
fn read_dates(when: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<ConditionTest> {
    let asked = when.has("from") || when.has("before");
    let mut day = |key: &str| {
        let placed = when.text(key, report)?;
        let day = Day::read(&placed.text).filter(|_| placed.text.len() == "2015-01-26".len());
        if day.is_none() {
            report.error("BRON-M005", &placed.span, "expected a day such as 2015-01-26", "no such day");
        }
        day
    };
    let (from, before) = (day("from"), day("before"));
    asked.then_some(ConditionTest::Dates { from, before })
}
