//! The way back: from rows of the model to the columns of the source row that they were made from.
//!
//! An [`Inverter`] is made for one mapping. [`Inverter::fields`] and [`Inverter::columns`] say what can be
//! written back without any row; [`Inverter::put`] writes one source row back.
//!
//! Laws, with `apply` for the way there:
//! - *Put-get*: what is written reads as the value that was to be written. A value that no text reads as is
//!   refused, and never written as something near it.
//! - *Get-put*: with what was kept of the source row ([`Kept`]), a row that nobody changed comes back text for
//!   text, also where a value does not tell its text. Without it the text kept in `verbatim` comes back where
//!   there is one, and else the canonical text of the value.
//! - Where something is lost, writing is stable: what was written, read and written again is the same.
//!
//! A [`Restorer`] says of one row of the model, field by field, what its source row must have said.
//!
//! What a rule reads from another row, from a list of rows or from several columns at once is not written. A
//! caller that keeps the source row is told when such a field was changed, and so is one whose constant was.

mod codes;
mod put;
mod restore;
mod survey;
#[cfg(test)]
mod tests;
mod writer;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{Batch, Entity, InstallationSecret, Mapping, MappingSet, Value};

use crate::functions::Cell;
use crate::plan::PlanError;
pub use restore::{Restorer, RowRestorer};
use survey::SurveyedTarget;
use writer::Writer;

/// Whether something of the model can be written back to the source, and why not or with what loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayBack {
    /// It can: every value that its rule gives without a mark has a text that reads as this value, in the
    /// canonical form of the rule.
    Exact,
    /// It can, and this is lost: a text was chosen among several, or rows exist of which the field says nothing.
    Lossy(String),
    /// It cannot, for this reason.
    NotWritable(String),
}

/// The way back of one field of one target of the mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldWay {
    /// The place of the target in the mapping, from 0.
    pub target: usize,
    /// The entity.
    pub entity: String,
    /// The field.
    pub field: String,
    /// The columns that are written from it; none when it cannot be written.
    pub columns: Vec<String>,
    /// Whether it can.
    pub way: WayBack,
}

/// The way back to one column of the source table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnWay {
    /// The column.
    pub column: String,
    /// The best way of the fields that write it; a column that none writes says why.
    pub way: WayBack,
}

/// A text or the bytes of one column of a source row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceText {
    /// Text, as every column but those of files has it.
    Text(String),
    /// Bytes: of a column of bytes, and of one of text that the function `bytes` reads, which holds the text in
    /// UTF-8.
    Bytes(Vec<u8>),
}

/// What a source row says, by column; a column that is not there is NULL. Texts of other rows that rules read
/// may stand here too, by their origin (`akt.PERS_ID`); one that is not there is not known.
pub type SourceTexts = BTreeMap<String, SourceText>;

/// One row of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityRow {
    /// The entity.
    pub entity: String,
    /// The values, the shared fields among them; a field that is not there is NULL.
    pub fields: BTreeMap<String, Cell<'static>>,
}

impl EntityRow {
    /// A row of a batch that carries columns of the entity. A column that the entity has not is passed over.
    #[must_use]
    pub fn of(entity: &Entity, batch: &Batch, row: usize) -> Self {
        let fields = entity.fields.iter().filter_map(|field| {
            let value = batch.cells_named(&field.name)?.value(row)?;
            Some((field.name.clone(), owned(value)))
        });
        Self { entity: entity.name.clone(), fields: fields.collect() }
    }

    /// The text of a field; empty when it is NULL or no text.
    fn text(&self, field: &str) -> &str {
        if let Some(Cell::Text(text)) = self.fields.get(field) { text } else { "" }
    }
}

/// What was kept when a source row was mapped: the row, and the rows of the model that it became.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// The source row.
    pub texts: &'a SourceTexts,
    /// What it became.
    pub rows: &'a [EntityRow],
}

/// What is to be written into one column; `None` is NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// This, and nothing is lost.
    Exact(Option<SourceText>),
    /// This, and the text says what is lost.
    Lossy(Option<SourceText>, String),
    /// Nothing, for this reason; the source keeps what it has.
    NotWritable(String),
}

/// A value of the model that cannot be written back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The entity of the row.
    pub entity: String,
    /// The field; empty when it is the whole row.
    pub field: String,
    /// Why. Never holds a value of the row.
    pub reason: String,
}

/// One source row, written back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Put {
    /// Every column that the mapping reads or leaves out.
    pub columns: BTreeMap<String, Written>,
    /// What is not written; empty when the source says afterwards what the rows say.
    pub refused: Vec<Refusal>,
}

/// Finds the `src_key` of a row of the model by its entity and its id; `None` when there is no such row.
pub type KeyOf<'k> = dyn Fn(&str, [u8; 16]) -> Option<String> + 'k;

/// The way back of one mapping.
pub struct Inverter<'a> {
    mapping: &'a Mapping,
    secret: InstallationSecret,
    targets: Vec<SurveyedTarget<'a>>,
    writers: Vec<Writer<'a>>,
    fields: Vec<FieldWay>,
    columns: Vec<ColumnWay>,
}

impl<'a> Inverter<'a> {
    /// Surveys the rules of a mapping.
    ///
    /// # Errors
    /// [`PlanError`] when the mapping cannot be made ready, as [`crate::Plan::new`] says.
    pub fn new(
        set: &'a MappingSet,
        mapping: &'a Mapping,
        secret: &InstallationSecret,
    ) -> Result<Self, PlanError> {
        let mut inverter = Self {
            mapping,
            secret: secret.clone(),
            targets: Vec::new(),
            writers: Vec::new(),
            fields: Vec::new(),
            columns: Vec::new(),
        };
        survey::survey(set, &mut inverter)?;
        Ok(inverter)
    }

    /// The way back of every field that a rule fills, in the order of the mapping.
    #[must_use]
    pub fn fields(&self) -> &[FieldWay] {
        &self.fields
    }

    /// The way back to every column that the mapping reads or leaves out, in the order of their names.
    #[must_use]
    pub fn columns(&self) -> &[ColumnWay] {
        &self.columns
    }

    /// The columns of the table itself that the mapping reads or leaves out, without those that the extraction
    /// added.
    fn own_columns(&self) -> BTreeSet<&'a str> {
        let read = self.mapping.own_columns(self.mapping.origins()).into_iter();
        let all = read.chain(self.mapping.ignored.keys().map(String::as_str));
        all.filter(|column| !column.starts_with('_')).collect()
    }
}

/// A value of a batch, borrowed from it.
const fn borrowed(value: Value<'_>) -> Cell<'_> {
    match value {
        Value::Text(text) => Cell::Text(Cow::Borrowed(text)),
        Value::Bytes(bytes) => Cell::Bytes(Cow::Borrowed(bytes)),
        Value::Bool(truth) => Cell::Bool(truth),
        Value::Int(number) => Cell::Int(number),
        Value::Decimal(number) => Cell::Decimal(number),
        Value::Date(days) => Cell::Date(days),
        Value::Time(micros) => Cell::Time(micros),
        Value::Id(id) => Cell::Id(id),
    }
}

/// A value of a batch, on its own.
fn owned(value: Value<'_>) -> Cell<'static> {
    match borrowed(value) {
        Cell::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
        Cell::Bytes(bytes) => Cell::Bytes(Cow::Owned(bytes.into_owned())),
        Cell::Bool(truth) => Cell::Bool(truth),
        Cell::Int(number) => Cell::Int(number),
        Cell::Decimal(number) => Cell::Decimal(number),
        Cell::Date(days) => Cell::Date(days),
        Cell::Time(micros) => Cell::Time(micros),
        Cell::Id(id) => Cell::Id(id),
    }
}
