//! What the target notes of its loads: receipts that must account for the run, and runs that its rows may name.

use std::collections::{BTreeMap, BTreeSet};

use bron_load::{Counts, PartId, Sink};
use bron_mappings::{Batch, Entity};
use bron_reconcile::rows::Finding;

use super::links::WHERE_FROM;
use super::spool::Spool;
use crate::chain::Chain;
use crate::failure::Failure;

/// The columns that say which runs read and wrote a row. No model has them among its fields.
const RUN_COLUMNS: [&str; 2] = ["extract_run_id", "load_run_id"];

/// Everything that was ever loaded, as far as the target notes it.
#[derive(Debug, Default)]
pub(super) struct Loads {
    runs: BTreeSet<String>,
    /// The entities, each with a source system that rows of it were loaded from.
    filled: BTreeSet<(String, String)>,
}

impl Loads {
    /// Reads the notes.
    pub(super) fn of(sink: &mut dyn Sink) -> Result<Self, Failure> {
        let runs = sink.runs()?.into_iter().map(|entry| entry.load_run_id).collect();
        let mut loads = Self { runs, filled: BTreeSet::new() };
        for run in &loads.runs {
            for (part, _) in sink.receipts(run)? {
                let (system, _) = part.part.split_once('/').unwrap_or((&part.part, ""));
                loads.filled.insert((part.entity, system.to_owned()));
            }
        }
        Ok(loads)
    }

    /// Whether a load has filled an entity from a source system.
    pub(super) fn filled(&self, entity: &str, system: &str) -> bool {
        self.filled.iter().any(|(filled, from)| (filled.as_str(), from.as_str()) == (entity, system))
    }

    /// The rows of a batch that name a run which the target does not know, each with the columns that do.
    pub(super) fn strange_rows(&self, batch: &Batch) -> BTreeMap<usize, Vec<String>> {
        let mut strange: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for column in RUN_COLUMNS {
            let Some(cells) = batch.cells_named(column) else { continue };
            // Long stretches of rows are of the same run.
            let mut known = None;
            for row in 0..batch.rows() {
                let run = cells.text(row).unwrap_or_default();
                if known == Some(run) {
                    continue;
                }
                if self.runs.contains(run) {
                    known = Some(run);
                } else {
                    strange.entry(row).or_default().push(column.to_owned());
                }
            }
        }
        strange
    }
}

impl Chain<'_> {
    /// Whether a row of the target that nothing here explains is another project's, and was loaded: a row that only
    /// says so is nobody's.
    pub(super) fn is_of_another_project(
        &self,
        loads: &Loads,
        entity: &Entity,
        batch: &Batch,
        row: usize,
    ) -> bool {
        let system = || batch.cells_named("src_system").and_then(|cells| cells.text(row)).unwrap_or_default();
        self.is_from_elsewhere(batch, row) && loads.filled(&entity.name, system())
    }

    /// Tells the rows that name a run which the target does not know, and counts them.
    pub(super) fn tell_strange(
        &self,
        sink: &mut dyn Sink,
        loads: &Loads,
        found: &mut Spool<'_>,
    ) -> Result<u64, Failure> {
        let mut told = 0;
        let fields: Vec<&str> = WHERE_FROM.into_iter().chain(RUN_COLUMNS).collect();
        for entity in self.entities() {
            self.go_on()?;
            for batch in sink.read_fields(entity, &fields, None)? {
                let batch = batch?;
                for (row, columns) in loads.strange_rows(&batch) {
                    told += 1;
                    found.push(Finding::dangling(&entity.name, &batch, row, columns), None)?;
                }
            }
        }
        Ok(told)
    }

    /// What is not proven because the target's receipts do not account for the run, as Swedish sentences. The receipts
    /// are what a later load goes by, and what says which rows the target refused.
    pub(super) fn unproven_receipts(&self, sink: &mut dyn Sink) -> Result<Vec<String>, Failure> {
        let receipts: BTreeMap<PartId, Counts> =
            sink.receipts(&self.run_ids().load_run_id)?.into_iter().collect();
        let mut wrong: BTreeMap<(String, String), u64> = BTreeMap::new();
        for (part, rows) in self.parts()? {
            if !receipts.get(&part).is_some_and(|counts| accounts_for(*counts, rows)) {
                let mapping = part.part.rsplit_once('/').map_or("", |(mapping, _)| mapping).to_owned();
                *wrong.entry((part.entity, mapping)).or_default() += 1;
            }
        }
        let sentence = |((entity, mapping), parts): ((String, String), u64)| {
            let parts = if parts == 1 { "en del".to_owned() } else { format!("{parts} delar") };
            format!(
                "Målet har inget kvitto som stämmer för {parts} av {entity} från {mapping}, \
                 så vad som lästes in och vad målet vägrade ta emot är inte styrkt."
            )
        };
        Ok(wrong.into_iter().map(sentence).collect())
    }
}

/// Whether the counts of a receipt say what became of every row of its part.
fn accounts_for(counts: Counts, rows: u64) -> bool {
    let told = [counts.inserted, counts.updated, counts.unchanged, counts.refused];
    let told = told.into_iter().try_fold(0_u64, u64::checked_add);
    counts.rows == rows && told == Some(rows)
}

#[cfg(test)]
mod tests {
    use bron_mappings::{BatchSchema, ColumnBuilder, ColumnType, Value};

    use super::*;

    #[test]
    fn a_receipt_must_say_what_became_of_every_row() {
        let counts = Counts { rows: 7, inserted: 3, updated: 2, unchanged: 1, refused: 1, retired: 0 };
        assert!(accounts_for(counts, 7));
        assert!(!accounts_for(counts, 8));
        for wrong in [
            Counts { rows: 8, ..counts },
            Counts { inserted: 4, ..counts },
            Counts { updated: 0, ..counts },
            Counts { unchanged: u64::MAX, ..counts },
            Counts { refused: 2, ..counts },
        ] {
            assert!(!accounts_for(wrong, 7), "{wrong:?}");
        }
    }

    #[test]
    fn rows_of_unknown_runs_are_told_with_the_columns_that_name_them() {
        let loads = Loads { runs: ["a", "b"].map(str::to_owned).into(), filled: BTreeSet::new() };
        let rows = [("a", "a"), ("a", "x"), ("b", "a"), ("", "y"), ("a", "b")];
        let schema = BatchSchema::new(RUN_COLUMNS.map(|name| (name.to_owned(), ColumnType::Text)));
        let mut columns = RUN_COLUMNS.map(|_| ColumnBuilder::new(ColumnType::Text, rows.len()));
        for (read, written) in rows {
            let [one, other] = &mut columns;
            one.push(Some(Value::Text(read)));
            other.push(Some(Value::Text(written)));
        }
        let columns = columns.iter_mut().map(ColumnBuilder::finish).collect();
        let batch = Batch::new(&schema, columns, rows.len()).unwrap();
        let both = RUN_COLUMNS.map(str::to_owned).to_vec();
        let expected = BTreeMap::from([(1, vec!["load_run_id".to_owned()]), (3, both)]);
        assert_eq!(loads.strange_rows(&batch), expected);
    }

    #[test]
    fn only_what_was_loaded_is_of_another_project() {
        let filled = BTreeSet::from([("person".to_owned(), "vodok".to_owned())]);
        let loads = Loads { runs: BTreeSet::new(), filled };
        assert!(loads.filled("person", "vodok"));
        assert!(!loads.filled("person", "okant"));
        assert!(!loads.filled("namn", "vodok"));
    }
}
