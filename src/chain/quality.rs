//! Rejects of this run and of the run before → the lists that people work with, and what they come to.

mod lists;
mod marks;
mod retention;

use std::path::PathBuf;

use bron_extract::{MANIFEST_FILE, Manifest, PartWriter, Vault, atomic};
use bron_mappings::{Batch, BatchSchema, ColumnBuilder, ColumnType, Mapping, Value};
use bron_reconcile::quality::{Issue, Quality, QualityTally, RetentionLine, Standing, compare};
use bron_reconcile::report::Labels;

use self::lists::Lists;
pub(super) use self::lists::is_plain;
use self::marks::COLUMNS;
use super::refused::Refused;
use super::{Chain, vaults};
use crate::failure::{Class, Failure};

/// Where lists lie, in a run and in the project.
const LISTS: &str = "worklists";

/// Marks that are compared at a time; a larger table is gone through in several passes.
const MARKS_PER_PASS: u64 = 500_000;

impl Chain<'_> {
    /// Writes the work lists and the lists for the archive, and says what they come to.
    pub(super) fn quality(
        &self,
        refused: &Refused,
        labels: &Labels,
    ) -> Result<(Quality, Vec<RetentionLine>), Failure> {
        let earlier = self.marks_before()?;
        let dir = self.run.dir.join(LISTS);
        atomic::renew_directory(&dir)?;
        let mut lists = Lists::new(self, labels, dir.clone());
        let mut tally = QualityTally::default();
        for mapping in self.produced_by() {
            self.go_on()?;
            let before =
                earlier.as_ref().map(|before| before.of(&self.artefact(mapping))).transpose()?.flatten();
            let mut found = FoundMarks::create(self, mapping)?;
            self.compare_marks(mapping, refused, before.as_ref(), |standing, issue| {
                tally.count(standing, &issue);
                if standing == Standing::Resolved {
                    return Ok(());
                }
                lists.push(mapping, standing, &issue)?;
                found.push(&issue)
            })?;
            found.finish()?;
        }
        lists.finish(&tally)?;
        let retention = self.retention_lists(&dir, labels)?;
        lists::copy(&dir, &self.settings.project.join(LISTS))?;
        let previous = earlier.map(|before| before.run);
        Ok((Quality { previous, lines: tally.lines() }, retention))
    }

    /// The run before this one, when its marks can still be read.
    fn marks_before(&self) -> Result<Option<MarksBefore>, Failure> {
        let Some((run, dir)) = self.run.earlier(&self.settings.runs()) else { return Ok(None) };
        match vaults::of(self.settings, &dir, &run) {
            Ok(vault) => Ok(Some(MarksBefore { run, dir, vault })),
            Err(failure) if failure.class == Class::Config => {
                self.printer.say(&format!("the marks of run {run} are not compared: {}", failure.message));
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Hands over every mark of a table that needs somebody, with how it stands against the run before.
    fn compare_marks(
        &self,
        mapping: &Mapping,
        refused: &Refused,
        before: Option<&KeptMarks>,
        mut each: impl FnMut(Standing, Issue) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let rejects = self.rejects_dir(mapping);
        let rows = self.manifest(&rejects)?.rows;
        let old = before.map_or(0, |before| before.manifest.rows);
        let passes = (rows + old) / MARKS_PER_PASS + 1;
        for pass in 0..passes {
            let mut current = self.current_marks(&rejects, (pass, passes))?;
            if refused.has(mapping) {
                current.extend(self.current_marks(&self.refused_dir(mapping), (pass, passes))?);
            }
            let previous = match before {
                Some(before) => before.read((pass, passes), self.settings.batch_rows)?,
                None => Vec::new(),
            };
            let mut problem = None;
            compare(current, previous, |standing, issue| {
                if problem.is_none() {
                    problem = each(standing, issue).err();
                }
            });
            problem.map_or(Ok(()), Err)?;
        }
        Ok(())
    }
}

/// The run whose marks those of this run are compared with.
struct MarksBefore {
    run: String,
    dir: PathBuf,
    vault: Vault,
}

impl MarksBefore {
    /// The marks of one table; `None` when the run kept none.
    fn of(&self, artefact: &str) -> Result<Option<KeptMarks>, Failure> {
        let dir = self.dir.join("quality").join(artefact);
        if !dir.join(MANIFEST_FILE).is_file() {
            return Ok(None);
        }
        let manifest = Manifest::open(&dir, &self.vault)?;
        Ok(Some(KeptMarks { dir, manifest }))
    }
}

/// The marks of a table, as an earlier run kept them.
struct KeptMarks {
    dir: PathBuf,
    manifest: Manifest,
}

/// The marks of a table, kept for the comparison with the run after this one.
struct FoundMarks<'c> {
    chain: &'c Chain<'c>,
    dir: PathBuf,
    schema: BatchSchema,
    writer: PartWriter,
    waiting: Vec<Issue>,
}

impl<'c> FoundMarks<'c> {
    fn create(chain: &'c Chain<'c>, mapping: &Mapping) -> Result<Self, Failure> {
        let dir = chain.run.dir.join("quality").join(chain.artefact(mapping));
        atomic::renew_directory(&dir)?;
        let schema = BatchSchema::new(COLUMNS.map(|name| (name.to_owned(), ColumnType::Text)));
        let writer = PartWriter::new(&dir, &schema, chain.run.part_options())?;
        Ok(Self { chain, dir, schema, writer, waiting: Vec::new() })
    }

    fn push(&mut self, issue: &Issue) -> Result<(), Failure> {
        self.waiting.push(issue.clone());
        if self.waiting.len() >= self.chain.settings.batch_rows {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let rows = std::mem::take(&mut self.waiting);
        let columns = COLUMNS.iter().enumerate().map(|(at, _)| {
            let mut column = ColumnBuilder::new(ColumnType::Text, rows.len());
            for issue in &rows {
                column.push(Some(Value::Text(marks::texts(issue)[at])));
            }
            column.finish()
        });
        let batch = Batch::new(&self.schema, columns.collect(), rows.len());
        Ok(self.writer.push(&batch.expect("every column got one value a row"))?)
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.flush()?;
        let origin = [("run".to_owned(), self.chain.run.id.clone())].into();
        Ok(Manifest::new("quality", origin, &self.schema, self.writer.finish()?).save(&self.dir)?)
    }
}
