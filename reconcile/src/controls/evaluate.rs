//! Both sides of a control, and what lies between them.

use std::collections::BTreeSet;

use bron_mappings::{BatchReader, ReadError};
use serde::{Deserialize, Serialize};

use super::held::HeldPass;
use super::lookup::Lookup;
use super::side::{Tallies, Tally, add_source, add_target, read_error};
use super::{By, Control, HeldKeys, Join, SourceSide, TargetSide, Unit};
use crate::error::{Error, ErrorKind};

/// The dimension under which amounts that could not be read are counted.
const UNREADABLE_DIMENSION: &str = "oläsbara värden";

/// Opens what controls read. Every call gives a reader from the start.
pub trait Tables {
    /// The staged rows of a source table, as found: every column is text.
    ///
    /// # Errors
    /// What the place they are kept in says.
    fn source(&mut self, system: &str, table: &str) -> Result<Box<dyn BatchReader + '_>, ReadError>;

    /// The rows of an entity as read back from the target.
    ///
    /// # Errors
    /// What the target says.
    fn target(&mut self, entity: &str) -> Result<Box<dyn BatchReader + '_>, ReadError>;

    /// The rows of an entity that rows of the target refer to: those of the target, and those that it refused, which
    /// say of the rows below them what the target cannot.
    ///
    /// # Errors
    /// What the target says, and the place where refused rows are kept.
    fn parents(&mut self, entity: &str) -> Result<Box<dyn BatchReader + '_>, ReadError> {
        self.target(entity)
    }

    /// The keys of the rows of a source table that were held back.
    ///
    /// # Errors
    /// What the place they are kept in says.
    fn held(&mut self, system: &str, table: &str) -> Result<HeldKeys, ReadError>;
}

/// What a control found under one key. `difference = source - held - target`.
///
/// Amounts that could not be read have rows of their own, in the unit `antal` and the dimension
/// "oläsbara värden", one per side and key, so that those of one side cannot cancel those of the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlRow {
    /// The control's name.
    pub name: String,
    /// The control's name in Swedish.
    pub label: String,
    /// The unit of the numbers.
    pub unit: Unit,
    /// What the key is, in Swedish.
    pub dimension: String,
    /// The key: a month, a year, a batch.
    pub key: String,
    /// The source's number, rows held back included.
    pub source: i64,
    /// The number of the rows held back.
    pub held: i64,
    /// The target's number.
    pub target: i64,
    /// What is unexplained.
    pub difference: i64,
}

/// Evaluates one control: a row for every key that either side has, in the order of the keys.
///
/// # Errors
/// [`ErrorKind::Columns`] when a table lacks a column, [`ErrorKind::Reader`] when a reader fails,
/// [`ErrorKind::Overflow`] when a sum leaves the range of 64 bits.
pub fn evaluate(control: &Control, tables: &mut dyn Tables) -> Result<Vec<ControlRow>, Error> {
    let (source, own_held) = source_tallies(&control.source, tables)?;
    let mut held = Tallies::new();
    for side in control.source_sides().skip(1) {
        add_up(&mut held, source_tallies(side, tables)?.1);
    }
    // A third party's total that is held back states nothing, so the rows that should make it up explain nothing.
    held.extend(own_held);
    let mut target = Tallies::new();
    for side in control.target_sides() {
        add_up(&mut target, target_tallies(side, tables)?);
    }
    let keys: BTreeSet<&String> = source.keys().chain(held.keys()).chain(target.keys()).collect();
    let mut rows = Vec::with_capacity(keys.len());
    let mut unreadable = Vec::new();
    for key in keys {
        let at = |tallies: &Tallies| tallies.get(key).copied().unwrap_or_default();
        let (source, held, target) = (at(&source), at(&held), at(&target));
        rows.push(row(control, key, [source.sum, held.sum, target.sum])?);
        unreadable.extend(unreadable_rows(control, key, source, held, target)?);
    }
    rows.extend(unreadable);
    Ok(rows)
}

/// Adds the numbers of further rows, key by key.
fn add_up(all: &mut Tallies, more: Tallies) {
    for (key, tally) in more {
        let sum = all.entry(key).or_default();
        sum.sum += tally.sum;
        sum.unreadable += tally.unreadable;
    }
}

fn row(control: &Control, key: &str, [source, held, target]: [i128; 3]) -> Result<ControlRow, Error> {
    let context =
        || Error::new(ErrorKind::Overflow, format!("a sum of control {} leaves 64 bits", control.name));
    let narrow = |number: i128| i64::try_from(number).map_err(|_| context());
    let difference =
        source.checked_sub(held).and_then(|rest| rest.checked_sub(target)).ok_or_else(context)?;
    Ok(ControlRow {
        name: control.name.clone(),
        label: control.label.clone(),
        unit: control.unit,
        dimension: control.dimension.clone(),
        key: key.to_owned(),
        source: narrow(source)?,
        held: narrow(held)?,
        target: narrow(target)?,
        difference: narrow(difference)?,
    })
}

fn unreadable_rows(
    control: &Control,
    key: &str,
    source: Tally,
    held: Tally,
    target: Tally,
) -> Result<Vec<ControlRow>, Error> {
    // A third party's rows and the rows held back are different rows: only those of one table explain each other.
    let explained = if control.held.is_some() { 0 } else { held.unreadable };
    let sides = [("källan", source.unreadable, explained, 0), ("målet", 0, 0, target.unreadable)];
    let sides = sides.into_iter().filter(|(_, source, _, target)| source + target > 0);
    sides
        .map(|(side, source, held, target)| {
            let row = row(control, &format!("{key}, i {side}"), [source, held, target])?;
            Ok(ControlRow { unit: Unit::Antal, dimension: UNREADABLE_DIMENSION.to_owned(), ..row })
        })
        .collect()
}

fn source_tallies(side: &SourceSide, tables: &mut dyn Tables) -> Result<(Tallies, Tallies), Error> {
    let parents = lookup(side.join.as_ref(), side.by.as_ref(), |table| tables.source(&side.system, table))?;
    let held_keys = tables.held(&side.system, &side.table).map_err(|error| read_error(&side.table, error))?;
    let mut held_rows = HeldPass::new(held_keys);
    let reader = tables.source(&side.system, &side.table).map_err(|error| read_error(&side.table, error))?;
    let (mut all, mut held) = (Tallies::new(), Tallies::new());
    for batch in reader {
        let batch = batch.map_err(|error| read_error(&side.table, error))?;
        add_source(side, parents.as_ref(), &batch, &mut held_rows, &mut all, &mut held)?;
    }
    Ok((all, held))
}

fn target_tallies(side: &TargetSide, tables: &mut dyn Tables) -> Result<Tallies, Error> {
    let parents = lookup(side.join.as_ref(), side.by.as_ref(), |entity| tables.parents(entity))?;
    let mut all = Tallies::new();
    for batch in tables.target(&side.entity).map_err(|error| read_error(&side.entity, error))? {
        let batch = batch.map_err(|error| read_error(&side.entity, error))?;
        add_target(side, parents.as_ref(), &batch, &mut all)?;
    }
    Ok(all)
}

/// Reads the parents that a side joins, when it joins any. `open` opens the parent table.
fn lookup<'t>(
    join: Option<&Join>,
    by: Option<&By>,
    open: impl FnOnce(&str) -> Result<Box<dyn BatchReader + 't>, ReadError>,
) -> Result<Option<Lookup>, Error> {
    let (Some(join), Some(by)) = (join, by) else {
        return Ok(None);
    };
    let reader = open(&join.table).map_err(|error| read_error(&join.table, error))?;
    Lookup::read(join, by, reader).map(Some)
}
