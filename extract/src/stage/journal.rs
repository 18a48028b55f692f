//! How far the staging of a table has come, so that a later one goes on from there.
//!
//! Beside the parts lies a step for every one of them, or for several: `progress-00000.json` says which parts became
//! whole with it, what the account was then, and from which mark reading goes on. The mark itself is a row of a small
//! part of its own, `mark-00000-00000.parquet`: it may be personal data, and is kept as rows are. A step is written
//! after everything that it names; steps and marks go when the manifest is there. Both are sealed when the run has a
//! key: what they say goes into the manifest.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use bron_mappings::{Artefact, Batch, BatchSchema, ColumnBuilder, ColumnType, Digest, DigestBuilder, Value};
use serde::{Deserialize, Serialize};

use super::StageRequest;
use crate::atomic;
use crate::error::{Error, ErrorKind};
use crate::ledger::TableLedger;
use crate::parts::{PartEntry, PartOptions, PartWriter, read_part};
use crate::span::Mark;

const STEP: &str = "progress";
const MARK: &str = "mark";
/// Why a step can always be written.
const KEYS: &str = "every key of a step is text";

/// What was finished.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) parts: Vec<PartEntry>,
    pub(super) unreadable: Vec<PartEntry>,
    /// The account of the rows in those parts.
    pub(super) ledger: TableLedger,
    /// The mark behind the last of them; none where nothing was finished.
    pub(super) mark: Option<Mark>,
}

/// A file of the journal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepFile {
    format: u32,
    /// The digest of the step as it is written: damage may leave good JSON.
    #[serde(with = "crate::manifest::digest_text")]
    content: Digest,
    step: Step,
}

impl StepFile {
    fn new(step: Step) -> Self {
        Self { format: Artefact::Journal.newest(), content: step.digest(), step }
    }

    /// The step of a file that holds what was written.
    fn parse(text: &[u8]) -> Option<Step> {
        let Self { content, step, .. } = serde_json::from_slice(text).ok()?;
        (content == step.digest()).then_some(step)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    ledger: TableLedger,
    /// What the parts are made of; see [`made_of`].
    #[serde(with = "crate::manifest::digest_text")]
    made_of: Digest,
    mark: PartEntry,
    /// The parts that have become whole since the step before.
    parts: Vec<PartEntry>,
    unreadable: Vec<PartEntry>,
}

impl Step {
    fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).expect(KEYS))
    }
}

/// The journal of one table.
pub(super) struct Journal {
    dir: PathBuf,
    options: PartOptions,
    made_of: Digest,
    steps: usize,
    parts: usize,
    unreadable: usize,
}

impl Journal {
    /// The journal of a request, and what an earlier one of the same origin says was finished. A journal that is not
    /// whole, or of another origin, counts for nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Format`] when a newer program noted it.
    pub(super) fn open(
        request: &StageRequest<'_>,
        origin: &BTreeMap<String, String>,
    ) -> Result<(Self, Progress), Error> {
        let mut journal = Self {
            dir: request.dir.to_owned(),
            options: request.parts.clone(),
            made_of: made_of(request, origin),
            steps: 0,
            parts: 0,
            unreadable: 0,
        };
        let progress = journal.read()?.unwrap_or_default();
        if progress.mark.is_none() {
            journal.steps = 0;
        }
        (journal.parts, journal.unreadable) = (progress.parts.len(), progress.unreadable.len());
        Ok((journal, progress))
    }

    fn read(&mut self) -> Result<Option<Progress>, Error> {
        let mut progress = Progress::default();
        let mut mark = None;
        while let Ok(bytes) = fs::read(self.dir.join(self.step_file())) {
            let Some(text) = self.opened(bytes) else { return Ok(None) };
            Artefact::Journal.require_in_text(&self.dir.join(self.step_file()).display(), &text)?;
            let step = StepFile::parse(&text).filter(|step| step.made_of == self.made_of);
            let Some(step) = step else { return Ok(None) };
            progress.parts.extend(step.parts);
            progress.unreadable.extend(step.unreadable);
            (progress.ledger, mark) = (step.ledger, Some(step.mark));
            self.steps += 1;
        }
        progress.mark = mark.and_then(|mark| self.read_mark(&mark));
        Ok(progress.mark.is_some().then_some(progress))
    }

    fn read_mark(&self, entry: &PartEntry) -> Option<Mark> {
        let rows = read_part(&self.dir, &mark_schema(), entry, Some(&[MARK]), 1).ok()?;
        let rows = rows.within(self.options.vault.as_ref());
        let batches = rows.collect::<Result<Vec<Batch>, _>>().ok()?;
        Mark::parse(batches.first()?.cells(0).text(0)?)
    }

    /// The text of the step in turn; nothing when the file is not what the run sealed there.
    fn opened(&self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        match &self.options.vault {
            Some(vault) => vault.open(&self.dir, &self.step_file(), bytes).ok(),
            None => Some(bytes),
        }
    }

    /// The name of the file of the step in turn.
    fn step_file(&self) -> String {
        format!("{STEP}-{:05}.json", self.steps)
    }

    /// Forgets everything that was noted.
    pub(super) fn clear(&mut self) -> Result<(), Error> {
        (self.steps, self.parts, self.unreadable) = (0, 0, 0);
        self.remove()
    }

    /// Removes the files of the journal.
    pub(super) fn remove(&self) -> Result<(), Error> {
        atomic::remove_named(&self.dir, |name| {
            name.starts_with(&format!("{STEP}-")) || super::is_part(name, MARK)
        })
    }

    /// Notes that these parts are whole and that reading goes on from `mark`. Returning means durable.
    pub(super) fn note(
        &mut self,
        parts: &[PartEntry],
        unreadable: &[PartEntry],
        ledger: TableLedger,
        mark: &Mark,
    ) -> Result<(), Error> {
        let step = Step {
            ledger,
            made_of: self.made_of,
            mark: self.write_mark(mark)?,
            parts: parts[self.parts..].to_vec(),
            unreadable: unreadable[self.unreadable..].to_vec(),
        };
        let mut text = serde_json::to_vec_pretty(&StepFile::new(step)).expect(KEYS);
        let file = self.step_file();
        if let Some(vault) = &self.options.vault {
            text = vault.seal(&self.dir, &file, text)?;
        }
        atomic::write(&self.dir.join(file), &text)?;
        self.steps += 1;
        (self.parts, self.unreadable) = (parts.len(), unreadable.len());
        Ok(())
    }

    fn write_mark(&self, mark: &Mark) -> Result<PartEntry, Error> {
        let prefix = format!("{MARK}-{:05}", self.steps);
        let options = PartOptions { prefix, sort_by: None, ..self.options.clone() };
        let mut column = ColumnBuilder::new(ColumnType::Text, 1);
        column.push(Some(Value::Text(&mark.to_text())));
        let refused = |_| Error::new(ErrorKind::Settings, "a mark is no row");
        let row = Batch::new(&mark_schema(), vec![column.finish()], 1).map_err(refused)?;
        let mut writer = PartWriter::new(&self.dir, &mark_schema(), options)?;
        writer.push(&row)?;
        let mut written = writer.finish()?;
        // An unkeyed digest of one value can be guessed: what proves the mark is the digest of its file.
        let entry = written.parts.remove(0);
        Ok(PartEntry { content: entry.stored, ..entry })
    }
}

fn mark_schema() -> BatchSchema {
    BatchSchema::new([(MARK.to_owned(), ColumnType::Text)])
}

/// The digest of all that decides which rows a table gives, in which order and in which parts: with another one, marks
/// and parts have no meaning.
fn made_of(request: &StageRequest<'_>, origin: &BTreeMap<String, String>) -> Digest {
    let mut digest = DigestBuilder::new("bron.stage.journal.1");
    for (name, value) in origin {
        digest.part(name.as_bytes()).part(value.as_bytes());
    }
    let table = request.table;
    digest.part(table.name.as_bytes());
    for column in &table.columns {
        digest.part(format!("{column:?}").as_bytes());
    }
    for column in &table.key_unique {
        digest.part(column.as_bytes());
    }
    digest.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_the_first_format_counts_for_nothing_and_is_no_error() {
        let text = include_bytes!("../../../tests/cases/formats/progress.json");
        assert!(Artefact::Journal.require_in_text(&"progress", text).is_ok());
        assert!(StepFile::parse(text).is_none(), "nothing proves that it is what was written");
    }
}
