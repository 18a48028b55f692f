//! One column of a parent table, by the parent's key.

use std::collections::BTreeMap;

use bron_mappings::{Batch, BatchReader, Cells, Value};

use super::period::text_of;
use super::side::{column_of, read_error};
use super::{By, Join};
use crate::controls::period::{NO_PARENT, key_of};
use crate::error::Error;

/// The key of rows whose parent is there more than once with different values.
pub(super) const MANY_PARENTS: &str = "(flera överordnade poster)";

/// From a parent's key to the group key that it gives. Groups are few, so each is held once and the
/// entries point to it.
pub(super) struct Lookup {
    groups: Vec<String>,
    by_parent: BTreeMap<Box<str>, usize>,
}

impl Lookup {
    pub(super) fn read(join: &Join, by: &By, reader: Box<dyn BatchReader + '_>) -> Result<Self, Error> {
        let mut lookup = Self { groups: Vec::new(), by_parent: BTreeMap::new() };
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let many = lookup.number(&mut numbers, MANY_PARENTS.to_owned());
        for batch in reader {
            let batch = batch.map_err(|error| read_error(&join.table, error))?;
            let group = column_of(&batch, &join.table, &by.column)?;
            let key = KeyColumns::of(&batch, &join.table, &join.key)?;
            for row in 0..batch.rows() {
                let Some(parent) = key.at(row) else { continue };
                let number = lookup.number(&mut numbers, key_of(by.slice, group.value(row)));
                let known = lookup.by_parent.entry(parent.into()).or_insert(number);
                if *known != number {
                    *known = many;
                }
            }
        }
        Ok(lookup)
    }

    fn number(&mut self, numbers: &mut BTreeMap<String, usize>, group: String) -> usize {
        *numbers.entry(group).or_insert_with_key(|group| {
            self.groups.push(group.clone());
            self.groups.len() - 1
        })
    }

    /// The group of a row with this parent. A row without a parent, or with one that is not there, has a
    /// group of its own kind, so that it is counted.
    pub(super) fn group(&self, parent: Option<&str>) -> &str {
        let number = parent.and_then(|parent| self.by_parent.get(parent));
        number.map_or(NO_PARENT, |&number| &self.groups[number])
    }
}

/// The columns of a key, as one text per row.
pub(super) struct KeyColumns<'a>(Vec<Cells<'a>>);

impl<'a> KeyColumns<'a> {
    pub(super) fn of(batch: &'a Batch, table: &str, columns: &[String]) -> Result<Self, Error> {
        columns.iter().map(|column| column_of(batch, table, column)).collect::<Result<_, _>>().map(Self)
    }

    /// The key of a row; `None` when a part is NULL, which matches nothing.
    pub(super) fn at(&self, row: usize) -> Option<String> {
        let mut key = String::new();
        for cells in &self.0 {
            let part = cells.value(row)?;
            match part {
                Value::Text(text) => push_part(&mut key, text),
                Value::Bytes(_)
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Decimal(_)
                | Value::Date(_)
                | Value::Time(_)
                | Value::Id(_) => push_part(&mut key, &text_of(part)),
            }
        }
        Some(key)
    }
}

/// Appends a part with its length before it, so that ("ab", "c") and ("a", "bc") stay apart.
fn push_part(key: &mut String, part: &str) {
    key.push_str(&part.len().to_string());
    key.push(':');
    key.push_str(part);
}
