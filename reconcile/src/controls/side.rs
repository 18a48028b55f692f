//! One side of a control: rows to sums by key.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{Batch, Cells, ReadError, SourceKey, UNREADABLE, Value};

use super::held::HeldPass;
use super::lookup::{KeyColumns, Lookup};
use super::period::{key_of, text_of};
use super::{By, Join, Only, SourceSide, TargetSide, measure};
use crate::error::{Error, ErrorKind};

/// The key of controls that do not group.
pub(super) const ALL: &str = "alla";

/// The sum under one key, and the rows whose amount cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) sum: i128,
    pub(super) unreadable: i128,
}

impl Tally {
    fn add(&mut self, amount: Amount) -> Result<(), Error> {
        let overflow = || Error::new(ErrorKind::Overflow, "the sum of a control leaves 128 bits");
        match amount {
            Amount::Of(number) => self.sum = self.sum.checked_add(number).ok_or_else(overflow)?,
            Amount::Unreadable => self.unreadable += 1,
            Amount::Missing => {}
        }
        Ok(())
    }
}

/// What a row adds.
#[derive(Clone, Copy)]
enum Amount {
    Of(i128),
    Missing,
    Unreadable,
}

/// The sums of one side by key.
pub(super) type Tallies = BTreeMap<String, Tally>;

pub(super) fn column_of<'a>(batch: &'a Batch, table: &str, column: &str) -> Result<Cells<'a>, Error> {
    batch.cells_named(column).ok_or_else(|| {
        Error::new(ErrorKind::Columns, format!("{table} has no column {column}, which a control reads"))
    })
}

pub(super) fn read_error(table: &str, error: ReadError) -> Error {
    Error::caused(ErrorKind::Reader, format!("{table} could not be read for a control"), error)
}

/// Adds the rows of a source batch to `all`, and those held back to `held` as well.
pub(super) fn add_source(
    side: &SourceSide,
    parents: Option<&Lookup>,
    batch: &Batch,
    held_rows: &mut HeldPass,
    all: &mut Tallies,
    held: &mut Tallies,
) -> Result<(), Error> {
    let filter = Filter::of(batch, &side.table, &side.only)?;
    let groups = Groups::of(batch, &side.table, side.by.as_ref(), side.join.as_ref(), parents)?;
    let amounts = side.sum.as_ref().map(|column| column_of(batch, &side.table, column)).transpose()?;
    let key =
        side.key.iter().map(|column| column_of(batch, &side.table, column)).collect::<Result<Vec<_>, _>>()?;
    for row in 0..batch.rows() {
        // Asked for every row, also one that does not count: a row met twice must be told from its copy.
        let is_held = !held_rows.is_empty() && {
            let values = key.iter().map(|cells| cells.text(row));
            held_rows.meet(SourceKey::new(&side.system, &side.table, values).text().expose())
        };
        if filter.keeps(row) {
            let amount = amounts.map_or(Amount::Of(1), |cells| source_amount(side, cells, row));
            groups.add(all, row, amount)?;
            if is_held {
                groups.add(held, row, amount)?;
            }
        }
    }
    Ok(())
}

fn source_amount(side: &SourceSide, cells: Cells<'_>, row: usize) -> Amount {
    match (cells.value(row), side.format) {
        (None, _) => Amount::Missing,
        (Some(Value::Text("")), _) if side.empty_is_missing => Amount::Missing,
        (Some(Value::Text(text)), Some(format)) => {
            measure::read(format, text).map_or(Amount::Unreadable, Amount::Of)
        }
        (Some(_), _) => Amount::Unreadable,
    }
}

/// Adds the rows of a target batch to `all`.
pub(super) fn add_target(
    side: &TargetSide,
    parents: Option<&Lookup>,
    batch: &Batch,
    all: &mut Tallies,
) -> Result<(), Error> {
    let filter = Filter::of(batch, &side.entity, &side.only)?;
    let groups = Groups::of(batch, &side.entity, side.by.as_ref(), side.join.as_ref(), parents)?;
    let sum = side.sum.as_deref();
    let amounts = sum.map(|field| column_of(batch, &side.entity, field)).transpose()?;
    let unreadable = batch.cells_named(UNREADABLE);
    for row in (0..batch.rows()).filter(|&row| filter.keeps(row)) {
        let names = unreadable.and_then(|cells| cells.text(row)).unwrap_or_default();
        let amount = match amounts.map(|cells| cells.value(row)) {
            None => Amount::Of(1),
            Some(_) if names.split(',').any(|name| Some(name) == sum) => Amount::Unreadable,
            Some(None) => Amount::Missing,
            Some(Some(Value::Int(number))) => Amount::Of(i128::from(number)),
            Some(Some(_)) => Amount::Unreadable,
        };
        groups.add(all, row, amount)?;
    }
    Ok(())
}

/// The conditions of a side, resolved for one batch.
struct Filter<'a>(Vec<(Cells<'a>, Test<'a>)>);

enum Test<'a> {
    /// Whether the value is one of these.
    Listed(BTreeSet<&'a str>, bool),
    /// Whether there is a value.
    Present(bool),
}

impl<'a> Filter<'a> {
    fn of(batch: &'a Batch, table: &str, only: &'a [Only]) -> Result<Self, Error> {
        let conditions = only.iter().map(|only| {
            let listed = only.within.as_ref().or(only.not_in.as_ref());
            let test = match (listed, only.present) {
                (None, Some(present)) => Test::Present(present),
                (listed, _) => {
                    let values = listed.into_iter().flatten().map(String::as_str).collect();
                    Test::Listed(values, only.within.is_some())
                }
            };
            Ok((column_of(batch, table, &only.column)?, test))
        });
        conditions.collect::<Result<_, _>>().map(Self)
    }

    fn keeps(&self, row: usize) -> bool {
        self.0.iter().all(|(cells, test)| match test {
            Test::Present(wanted) => cells.is_null(row) != *wanted,
            Test::Listed(values, wanted) => {
                let listed = match cells.value(row) {
                    None => false,
                    Some(Value::Text(text)) => values.contains(text),
                    Some(other) => values.contains(text_of(other).as_str()),
                };
                listed == *wanted
            }
        })
    }
}

/// Where the group key of a row comes from.
enum Groups<'a> {
    None,
    Own(&'a By, Cells<'a>),
    Parent(KeyColumns<'a>, &'a Lookup),
}

impl<'a> Groups<'a> {
    fn of(
        batch: &'a Batch,
        table: &str,
        by: Option<&'a By>,
        join: Option<&'a Join>,
        parents: Option<&'a Lookup>,
    ) -> Result<Self, Error> {
        match (by, join, parents) {
            (Some(_), Some(join), Some(parents)) => {
                Ok(Self::Parent(KeyColumns::of(batch, table, &join.on)?, parents))
            }
            (Some(by), _, _) => Ok(Self::Own(by, column_of(batch, table, &by.column)?)),
            (None, _, _) => Ok(Self::None),
        }
    }

    fn add(&self, tallies: &mut Tallies, row: usize, amount: Amount) -> Result<(), Error> {
        match self {
            Self::None => tally(tallies, ALL).add(amount),
            Self::Own(by, cells) => tally(tallies, &key_of(by.slice, cells.value(row))).add(amount),
            Self::Parent(key, parents) => tally(tallies, parents.group(key.at(row).as_deref())).add(amount),
        }
    }
}

fn tally<'a>(tallies: &'a mut Tallies, key: &str) -> &'a mut Tally {
    if !tallies.contains_key(key) {
        tallies.insert(key.to_owned(), Tally::default());
    }
    tallies.get_mut(key).expect("it was just put there")
}
