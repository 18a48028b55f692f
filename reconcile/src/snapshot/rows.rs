//! Which rows are gone and which texts are altered. Memory is bounded by the rows of one pass.

use std::collections::BTreeSet;

use bron_mappings::{Batch, Cells, Condition, DigestBuilder, Mapping, Sensitive, SourceKey, Value};

use super::evidence::{LogRule, Logged, deletion_marks, require};
use crate::error::Error;

/// A digest that tells rows of one table apart. It never leaves the process.
pub(super) type Short = [u8; 16];

/// One of several passes over a table: by the key, so that a row is met in the same pass in both extractions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The pass, from 0.
    pub number: u32,
    /// How many there are, at least 1.
    pub of: u32,
}

impl Pass {
    fn has(self, key: Short) -> bool {
        let [first, second, third, fourth, ..] = key;
        u32::from_be_bytes([first, second, third, fourth]) % self.of.max(1) == self.number
    }
}

/// What is compared of a table: its keys, and the texts that may not change.
#[derive(Clone, Debug)]
pub struct Watch<'m> {
    mapping: &'m Mapping,
    marks: BTreeSet<&'m str>,
    logs: Vec<LogRule<'m>>,
}

/// What happened to a row since the extraction before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is gone (D72).
    Vanished {
        /// The key, as target rows carry it.
        key: Sensitive<String>,
        /// Whether the source itself says that it was deleted.
        explained: bool,
    },
    /// A text that was not to change is another (D51).
    Altered {
        /// The key.
        key: Sensitive<String>,
    },
}

impl<'m> Watch<'m> {
    /// Compares the rows of one mapping; `logs` are the rules of [`LogRule::all`].
    #[must_use]
    pub fn new(mapping: &'m Mapping, logs: Vec<LogRule<'m>>) -> Self {
        Self { mapping, marks: deletion_marks(mapping), logs }
    }

    /// The columns that the comparison needs of the later extraction: those that name a row, and the texts that may
    /// not change.
    #[must_use]
    pub fn later_columns(&self) -> BTreeSet<&'m str> {
        let texts = self.mapping.immutable.iter().flat_map(|one| &one.columns);
        self.mapping.key.iter().chain(texts).map(|origin| origin.name.as_str()).collect()
    }

    /// The rules by which logs explain why a row is gone.
    #[must_use]
    pub fn logs(&self) -> &[LogRule<'m>] {
        &self.logs
    }

    /// The columns that the comparison needs of the earlier extraction: those of the later one, and what says
    /// whether a text was final.
    #[must_use]
    pub fn earlier_columns(&self) -> BTreeSet<&'m str> {
        let when = self.mapping.immutable.iter().flat_map(|one| &one.when);
        let when = when.map(|condition| condition.origin.name.as_str());
        self.later_columns().into_iter().chain(when).collect()
    }

    /// The columns of the earlier extraction that may explain why a row is gone. Without them nothing is explained.
    #[must_use]
    pub fn explaining_columns(&self) -> BTreeSet<&'m str> {
        self.logs.iter().flat_map(LogRule::row_columns).chain(self.marks.iter().copied()).collect()
    }

    fn key_of(&self, batch: &Batch, row: usize) -> SourceKey {
        let cells = |name: &str| batch.cells_named(name);
        let texts: Vec<Option<String>> = self
            .mapping
            .key
            .iter()
            .map(|origin| cells(&origin.name).and_then(|cells| cells.text(row)).map(str::to_owned))
            .collect();
        SourceKey::new(&self.mapping.system, &self.mapping.table, texts.iter().map(Option::as_deref))
    }

    /// The digest of the texts that may not change; the same for every row of a table without such texts.
    fn texts_of(&self, batch: &Batch, row: usize) -> Short {
        let columns = self.mapping.immutable.iter().flat_map(|one| &one.columns);
        let cells: Vec<Option<Cells<'_>>> = columns.map(|origin| batch.cells_named(&origin.name)).collect();
        short(cells.iter().map(|cells| cells.as_ref().and_then(|cells| bytes(cells.value(row)?))))
    }

    /// Whether the texts of the row were final.
    fn is_final(&self, batch: &Batch, row: usize) -> bool {
        let holds = |condition: &Condition| {
            let cells = batch.cells_named(&condition.origin.name);
            condition.holds(cells.and_then(|cells| cells.text(row)))
        };
        self.mapping.immutable.as_ref().is_some_and(|one| one.when.iter().all(holds))
    }

    fn is_marked(&self, batch: &Batch, row: usize) -> bool {
        let text = |column: &&str| batch.cells_named(column).and_then(|cells| cells.text(row));
        self.marks.iter().any(|column| text(column).is_some_and(|text| !text.is_empty()))
    }
}

/// The staged types that have bytes of their own; extraction stages no other.
fn bytes(value: Value<'_>) -> Option<&[u8]> {
    match value {
        Value::Text(text) => Some(text.as_bytes()),
        Value::Bytes(bytes) => Some(bytes),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::Id(_) => None,
    }
}

/// A digest of values in order, in which a missing one is no empty one.
pub(super) fn short<'v>(values: impl Iterator<Item = Option<&'v [u8]>>) -> Short {
    let mut digest = DigestBuilder::new("bron/snapshot/1");
    for value in values {
        match value {
            Some(bytes) => digest.part(&[1]).part(bytes),
            None => digest.part(&[0]),
        };
    }
    first_half(digest.finish().as_bytes())
}

fn first_half(digest: &[u8; 32]) -> Short {
    let (half, _) = digest.split_at(16);
    half.try_into().expect("half of 32 bytes is 16 bytes")
}

/// The rows of the later extraction in one pass, by key.
#[derive(Clone, Debug)]
pub struct Later<'w, 'm> {
    watch: &'w Watch<'m>,
    pass: Pass,
    /// Key and texts, sorted once all are there.
    rows: Vec<(Short, Short)>,
    told: BTreeSet<Short>,
}

impl<'w, 'm> Later<'w, 'm> {
    /// Begins a pass.
    #[must_use]
    pub const fn new(watch: &'w Watch<'m>, pass: Pass) -> Self {
        Self { watch, pass, rows: Vec::new(), told: BTreeSet::new() }
    }

    /// Reads rows of the later extraction.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Columns`] when a column of [`Watch::later_columns`] is not there.
    pub fn add(&mut self, batch: &Batch) -> Result<(), Error> {
        for column in self.watch.later_columns() {
            require(batch, &self.watch.mapping.id, column)?;
        }
        for row in 0..batch.rows() {
            let key = short(std::iter::once(Some(self.watch.key_of(batch, row).as_bytes())));
            if self.pass.has(key) {
                self.rows.push((key, self.watch.texts_of(batch, row)));
            }
        }
        Ok(())
    }

    /// Ends the reading of the later extraction.
    pub fn finish(&mut self) {
        self.rows.sort_unstable();
        self.rows.dedup();
    }

    /// Reads rows of the earlier extraction, and tells what happened to each key of the pass, once.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Columns`] when a column of [`Watch::earlier_columns`] is not there.
    pub fn compare(
        &mut self,
        earlier: &Batch,
        logged: &Logged,
        each: &mut dyn FnMut(Change),
    ) -> Result<(), Error> {
        let watch = self.watch;
        for column in watch.earlier_columns() {
            require(earlier, &watch.mapping.id, column)?;
        }
        for row in 0..earlier.rows() {
            let key = watch.key_of(earlier, row);
            let digest = short(std::iter::once(Some(key.as_bytes())));
            if !self.pass.has(digest) {
                continue;
            }
            let from = self.rows.partition_point(|(known, _)| *known < digest);
            let now = self.rows[from..].iter().take_while(|(known, _)| *known == digest);
            let mut texts = now.map(|(_, texts)| *texts).peekable();
            let change = if texts.peek().is_none() {
                let explained = watch.is_marked(earlier, row) || logged.names(earlier, row);
                Change::Vanished { key: key.text(), explained }
            } else if watch.is_final(earlier, row) {
                let before = watch.texts_of(earlier, row);
                if texts.any(|now| now == before) {
                    continue;
                }
                Change::Altered { key: key.text() }
            } else {
                continue;
            };
            if self.told.insert(digest) {
                each(change);
            }
        }
        Ok(())
    }
}
