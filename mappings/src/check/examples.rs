//! The check of the examples: there are as many as the business has approved, and they name columns that are
//! there.

use super::Checker;
use crate::document::{Placed, Reporter};

impl Checker<'_> {
    pub(super) fn examples(&self, report: &mut Reporter<'_>) {
        if self.mapping.examples.is_empty() {
            report.error("BRON-M033", &(0..0), "the mapping has no [[example]]", "show at least one row");
        }
        self.approved_examples(report);
        self.example_columns(report);
    }

    /// An example that only shows what another shows too is missed by its number alone.
    fn approved_examples(&self, report: &mut Reporter<'_>) {
        let Some(approved) = &self.mapping.approved_examples else { return };
        let there = self.mapping.examples.len();
        if usize::try_from(approved.number).is_ok_and(|number| number == there) {
            return;
        }
        let message = format!("the mapping has {there} [[example]], approved are {}", approved.number);
        let help = "put back the example that is gone; who adds or removes one changes the number with the \
                    decision, so that no example comes or goes unseen";
        report.push("BRON-M056", &approved.span, message, "another number", Some(help.to_owned()));
    }

    fn example_columns(&self, report: &mut Reporter<'_>) {
        let columns = self.tables.and_then(|tables| tables.get(&self.mapping.table));
        for example in &self.mapping.examples {
            for column in example.source.keys() {
                if columns.is_some_and(|columns| !columns.contains(column)) {
                    let placed = Placed { text: column.clone(), span: example.span.clone() };
                    report.unknown(
                        "BRON-M010",
                        &placed,
                        "column",
                        columns.into_iter().flatten().map(String::as_str),
                    );
                }
            }
        }
    }
}
