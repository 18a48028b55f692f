//! The fourth direction: what the target holds, put back into the columns of the source row, against the source row
//! as it was staged.
//!
//! Whoever knows the rules says of each row of the target what its fields tell about their source row
//! ([`Restored`]); here that is held against the staged texts, by code that knows no rule. A column that no field
//! tells anything about is named with the reason and never counted as equal. Values are compared in their
//! [`TextForm`](bron_mappings::TextForm): what the rule itself loses may differ, everything else counts.
//!
//! The staged rows come in the order of their keys, so memory stays flat however many rows there are.

mod form;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bron_mappings::{
    Batch, BatchReader, BatchSchema, EntityId, IdSeries, InstallationSecret, ReadError, Restored,
    RestoredField, RestoredForm, SourceKey, Value,
};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::rows::Finding;
use form::agrees;

/// What putting the target back came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundTripSummary {
    /// Rows of the target that were put back.
    pub rows: u64,
    /// Those of them that tell something else than their source row says.
    pub differs: u64,
    /// Those of them that no other direction found: row by row they are what the transformation gives, so the fault
    /// lies in it. Only these are findings of their own.
    pub alone: u64,
    /// Source rows of which the target holds nothing: held back, merged, left out or refused. The other directions
    /// say whether one of them is missing.
    pub absent: u64,
    /// Every column of every mapped table, in the order of the mappings and the columns' names.
    pub fields: Vec<RoundTripField>,
}

/// What came of one column of a source table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundTripField {
    /// The mapping, `system/TABLE`.
    pub mapping: String,
    /// The column.
    pub column: String,
    /// Records whose text follows from the target and was compared.
    pub compared: u64,
    /// Those of them where the target tells another text.
    pub differs: u64,
    /// Why no text of the column can be put back, in Swedish; nothing where texts can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_invertible_because: Option<String>,
}

impl RoundTripSummary {
    /// Whether everything that could be put back is what the source said. Says nothing where nothing was put back.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.differs == 0
    }

    /// Adds what another table came to.
    pub fn add(&mut self, table: Self) {
        let Self { rows, differs, alone, absent, fields } = table;
        self.rows += rows;
        self.differs += differs;
        self.alone += alone;
        self.absent += absent;
        self.fields.extend(fields);
    }

    /// Counts a finding that no other direction has.
    pub const fn stands_alone(&mut self) {
        self.alone += 1;
    }

    /// Takes back a finding that turned out to be none: the row was being changed while it was read.
    pub fn settle(&mut self, finding: &Finding) {
        self.differs = self.differs.saturating_sub(1);
        let columns = finding.kind.fields();
        let of_row = |one: &&mut RoundTripField| one.mapping == finding.rule && columns.contains(&one.column);
        for field in self.fields.iter_mut().filter(of_row) {
            field.differs = field.differs.saturating_sub(1);
        }
    }
}

/// A row of the target, and what its fields say about the source row.
#[derive(Clone, Debug)]
pub struct ToldRow {
    /// The entity.
    pub entity: String,
    /// The row's id.
    pub id: EntityId,
    /// What is said, each with its place among the fields that the comparison was made with.
    pub said: Vec<(usize, Restored)>,
}

/// The table whose rows are put back.
#[derive(Clone, Copy, Debug)]
pub struct PutBack<'a> {
    /// The mapping's id.
    pub mapping: &'a str,
    /// The source system.
    pub system: &'a str,
    /// The source table.
    pub table: &'a str,
    /// The columns of the key, in order.
    pub key: &'a [&'a str],
    /// The fields that tell something.
    pub fields: &'a [RestoredField],
    /// The columns that none tells about, with the reason in Swedish.
    pub untold: &'a BTreeMap<String, String>,
}

/// Gives the rows of the target that were made of the record with this key, and what they say about this staged row.
/// It is asked in the order of the keys, and again for each further row with the same key; the rows are the same then,
/// in the same order.
pub type Tell<'t> = dyn FnMut(&str, &Batch, usize) -> Result<Vec<ToldRow>, ReadError> + 't;

/// Holds what the target tells against the staged rows of a table, which come in the order of their readable keys by
/// bytes. Of several rows with one key the target has to tell one; which one is for the other directions to say.
///
/// Findings go to `sink` in the order of the keys, all of them.
///
/// # Errors
/// [`ErrorKind::Columns`] when the staged rows lack a column, [`ErrorKind::Order`] when they are not in the order of
/// their keys, [`ErrorKind::Reader`] when a reader fails.
pub fn compare(
    table: &PutBack<'_>,
    secret: &InstallationSecret,
    staged: &mut dyn BatchReader,
    tell: &mut Tell<'_>,
    sink: &mut dyn FnMut(Finding),
) -> Result<RoundTripSummary, Error> {
    let mut comparison = Comparison::new(table, secret, staged.schema())?;
    let mut group: Vec<(Batch, usize)> = Vec::new();
    let mut group_key: Option<String> = None;
    for batch in staged {
        let batch = batch.map_err(|error| unreadable(table, error))?;
        for row in 0..batch.rows() {
            let key = comparison.key(&batch, row);
            if group_key.as_ref() != Some(&key) {
                if group_key.as_ref().is_some_and(|before| *before > key) {
                    let text =
                        format!("the staged rows of {} are not in the order of their keys", table.mapping);
                    return Err(Error::new(ErrorKind::Order, text));
                }
                comparison.settle(group_key.as_deref(), &group, tell, sink)?;
                group.clear();
                group_key = Some(key);
            }
            group.push((batch.clone(), row));
        }
    }
    comparison.settle(group_key.as_deref(), &group, tell, sink)?;
    Ok(comparison.finish())
}

fn unreadable(table: &PutBack<'_>, error: ReadError) -> Error {
    Error::caused(ErrorKind::Reader, format!("the rows of {} could not be put back", table.mapping), error)
}

/// A field with the places of its columns.
struct Placed<'a> {
    field: &'a RestoredField,
    /// In the staged rows.
    columns: Vec<usize>,
    /// Among the columns that are counted.
    counted: Vec<usize>,
    /// What makes the id of the record that the columns name.
    ids: Option<IdSeries>,
}

struct Comparison<'a> {
    table: &'a PutBack<'a>,
    key: Vec<usize>,
    fields: Vec<Placed<'a>>,
    /// The columns that some field tells about, by name.
    columns: Vec<&'a str>,
    compared: Vec<u64>,
    differs: Vec<u64>,
    rows: u64,
    differing: u64,
    absent: u64,
}

impl<'a> Comparison<'a> {
    fn new(table: &'a PutBack<'a>, secret: &InstallationSecret, schema: &BatchSchema) -> Result<Self, Error> {
        let place = |column: &str| {
            schema.index_of(column).ok_or_else(|| {
                let text = format!("the staged rows of {} have no column {column}", table.mapping);
                Error::new(ErrorKind::Columns, text)
            })
        };
        let mut columns: Vec<&str> =
            table.fields.iter().flat_map(|field| &field.columns).map(String::as_str).collect();
        columns.retain(|column| !column.starts_with('_'));
        columns.sort_unstable();
        columns.dedup();
        let fields = table.fields.iter().map(|field| {
            let counted =
                field.columns.iter().filter_map(|column| columns.iter().position(|one| one == column));
            Ok(Placed {
                field,
                columns: field.columns.iter().map(|column| place(column)).collect::<Result<_, Error>>()?,
                counted: counted.collect(),
                ids: match &field.form {
                    RestoredForm::Record { entity, system, table, .. } => {
                        Some(IdSeries::new(secret, entity, system, table))
                    }
                    RestoredForm::Text(_) | RestoredForm::Bytes => None,
                },
            })
        });
        let fields = fields.collect::<Result<Vec<_>, Error>>()?;
        let key = table.key.iter().map(|column| place(column)).collect::<Result<_, Error>>()?;
        let (compared, differs) = (vec![0; columns.len()], vec![0; columns.len()]);
        Ok(Self { table, key, fields, columns, compared, differs, rows: 0, differing: 0, absent: 0 })
    }

    fn key(&self, batch: &Batch, row: usize) -> String {
        let texts = self.key.iter().map(|column| batch.cells(*column).text(row));
        SourceKey::new(self.table.system, self.table.table, texts).text().into_inner()
    }

    /// Compares the rows of the target for one key with the staged rows that have it.
    fn settle(
        &mut self,
        key: Option<&str>,
        group: &[(Batch, usize)],
        tell: &mut Tell<'_>,
        sink: &mut dyn FnMut(Finding),
    ) -> Result<(), Error> {
        let Some(key) = key else { return Ok(()) };
        let mut told = Vec::with_capacity(group.len());
        for (batch, row) in group {
            told.push(tell(key, batch, *row).map_err(|error| unreadable(self.table, error))?);
        }
        let many = |rows: usize| u64::try_from(rows).expect("a group has fewer than 2^64 rows");
        let Some(first) = told.first().filter(|rows| !rows.is_empty()) else {
            self.absent += many(group.len());
            return Ok(());
        };
        let rows = first.len();
        self.absent += many(group.len() - 1);
        let (mut compared, mut differs) = (vec![false; self.columns.len()], vec![false; self.columns.len()]);
        for at in 0..rows {
            let candidates = group.iter().zip(&told).filter_map(|((batch, row), told)| {
                let told = told.get(at)?;
                Some((told, self.differing(batch, *row, &told.said)))
            });
            let Some((told, found)) = candidates.min_by_key(|(_, found)| found.len()) else { continue };
            for (field, said) in &told.said {
                let is_told = !matches!(said, Restored::Untold);
                self.fields[*field].counted.iter().filter(|_| is_told).for_each(|at| compared[*at] = true);
            }
            found.iter().for_each(|at| differs[*at] = true);
            self.rows += 1;
            if !found.is_empty() {
                self.differing += 1;
                let columns = found.iter().map(|at| self.columns[*at].to_owned()).collect();
                sink(Finding::not_restored(self.table, key, (&told.entity, told.id), columns));
            }
        }
        let count = |totals: &mut Vec<u64>, now: Vec<bool>| {
            totals.iter_mut().zip(now).for_each(|(total, now)| *total += u64::from(now));
        };
        count(&mut self.compared, compared);
        count(&mut self.differs, differs);
        Ok(())
    }

    /// The counted columns about which something else is said than the staged row has, in order.
    fn differing(&self, batch: &Batch, row: usize, said: &[(usize, Restored)]) -> Vec<usize> {
        let wrong = said.iter().filter(|(field, said)| !self.fields[*field].agrees(batch, row, said));
        let mut columns: Vec<usize> =
            wrong.flat_map(|(field, _)| self.fields[*field].counted.iter().copied()).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    fn finish(self) -> RoundTripSummary {
        let mapping = self.table.mapping;
        let told =
            self.columns.iter().zip(self.compared.iter().zip(&self.differs)).map(|(column, counts)| {
                let (mapping, column) = (mapping.to_owned(), (*column).to_owned());
                let (&compared, &differs) = counts;
                RoundTripField { mapping, column, compared, differs, not_invertible_because: None }
            });
        let untold = self.table.untold.iter().map(|(column, reason)| RoundTripField {
            mapping: mapping.to_owned(),
            column: column.clone(),
            not_invertible_because: Some(reason.clone()),
            ..RoundTripField::default()
        });
        let mut fields: Vec<RoundTripField> = told.chain(untold).collect();
        fields.sort_by(|one, other| one.column.cmp(&other.column));
        let (rows, differs, absent) = (self.rows, self.differing, self.absent);
        RoundTripSummary { rows, differs, alone: 0, absent, fields }
    }
}

impl Placed<'_> {
    /// Whether the staged row says what the field says about it.
    fn agrees(&self, batch: &Batch, row: usize, said: &Restored) -> bool {
        let cell = |column: &usize| batch.cells(*column).value(row);
        let first = self.columns.first().and_then(cell);
        match (&self.field.form, said) {
            (_, Restored::Untold) => true,
            (_, Restored::Impossible) => false,
            (RestoredForm::Record { .. }, Restored::Empty) => {
                self.columns.iter().any(|column| text(cell(column)).is_none_or(str::is_empty))
            }
            (RestoredForm::Record { part, .. }, Restored::Record(id)) => {
                let texts = self.columns.iter().map(|column| text(cell(column)));
                let ids = self.ids.as_ref();
                ids.is_some_and(|ids| ids.derive(texts.chain(part.as_deref().map(Some))) == *id)
            }
            (RestoredForm::Bytes, Restored::Empty) => first.is_none(),
            (RestoredForm::Bytes, Restored::Bytes(bytes)) => match first {
                Some(Value::Bytes(staged)) => staged == bytes,
                Some(Value::Text(staged)) => staged.as_bytes() == bytes,
                _ => false,
            },
            (_, Restored::Kept(kept)) => text(first) == Some(kept),
            (RestoredForm::Text(form), Restored::Empty) => form::is_empty(*form, text(first)),
            (RestoredForm::Text(form), Restored::OneOf { texts, or_empty }) => {
                let staged = text(first);
                (*or_empty && form::is_empty(*form, staged))
                    || staged.is_some_and(|staged| texts.iter().any(|told| agrees(*form, staged, told)))
            }
            (
                RestoredForm::Record { .. } | RestoredForm::Bytes | RestoredForm::Text(_),
                Restored::Record(_) | Restored::Bytes(_) | Restored::OneOf { .. },
            ) => false,
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "staged columns are text or bytes")]
fn text(value: Option<Value<'_>>) -> Option<&str> {
    match value? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
