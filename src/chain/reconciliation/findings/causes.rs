//! Why findings are there, as far as the run noted something about their source keys.

use std::collections::BTreeMap;

use bron_extract::MANIFEST_FILE;
use bron_mappings::{Action, Batch, Mapping, ReasonCode};
use bron_reconcile::findings::{Cause, KeyMark};
use bron_reconcile::rows::Finding;

use crate::chain::Chain;
use crate::failure::Failure;

/// What is read of a mark.
const MARK: [&str; 4] = ["src_key", "action", "reason", "field"];

impl Chain<'_> {
    /// The causes of these findings, in their order. What the run noted about each of their source tables is read once;
    /// memory holds the findings and nothing else.
    pub(super) fn causes(&self, findings: &[Finding]) -> Result<Vec<Cause>, Failure> {
        let mut causes = vec![Cause::Unexplained; findings.len()];
        let mut tables: BTreeMap<(&str, &str), BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
        for (number, finding) in findings.iter().enumerate() {
            let keys = tables.entry((&finding.src_system, &finding.src_table)).or_default();
            keys.entry(finding.src_key.expose()).or_default().push(number);
        }
        for ((system, table), keys) in tables {
            self.go_on()?;
            let mut mappings = self.produced_by();
            let Some(mapping) = mappings.find(|one| one.system == system && one.table == table) else {
                continue;
            };
            self.marks_on(mapping, &mut |key, mark| {
                for number in keys.get(key).into_iter().flatten() {
                    if let Some(cause) = mark.explains(&findings[*number].kind) {
                        let known = &mut causes[*number];
                        *known = cause.min(std::mem::take(known));
                    }
                }
            })?;
        }
        Ok(causes)
    }

    /// Hands over every mark of a source table with the key of its row: those of the transform, then those of the
    /// target.
    pub(in crate::chain) fn marks_on(
        &self,
        mapping: &Mapping,
        each: &mut dyn FnMut(&str, &KeyMark),
    ) -> Result<(), Failure> {
        for (dir, by_target) in [(self.rejects_dir(mapping), false), (self.refused_dir(mapping), true)] {
            if !dir.join(MANIFEST_FILE).is_file() {
                continue;
            }
            let manifest = self.manifest(&dir)?;
            for batch in manifest.read(&dir, Some(&MARK), self.settings.batch_rows)? {
                let batch = batch?;
                for row in 0..batch.rows() {
                    if let Some((key, mark)) = mark(&batch, row, by_target) {
                        each(key, &mark);
                    }
                }
            }
        }
        Ok(())
    }
}

fn mark(batch: &Batch, row: usize, by_target: bool) -> Option<(&str, KeyMark)> {
    let text = |name: &str| batch.cells_named(name).and_then(|cells| cells.text(row)).unwrap_or_default();
    let [key, action, reason, field] = MARK.map(text);
    let (action, reason) = (Action::parse(action)?, ReasonCode::parse(reason)?);
    Some((key, KeyMark { action, reason, field: field.to_owned(), by_target }))
}
