//! Who may read what: rows per nämnd, class of secrecy and protection, before and after (D80).
//!
//! Secrecy holds between the nämnder of the city, so a row that names another nämnd, a weaker class or a person
//! without its protection can be read by somebody who may not. The balance is counted over the rows that the sources
//! gave and over the rows of the target, each side read for itself, and takes no part in the comparison of rows. Each
//! cell also carries a digest of its rows, because two rows that changed places leave every count as it was.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{Batch, DigestBuilder, Value};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// The fields that say who may read a row. Every entity has them.
pub const SECRECY_FIELDS: [&str; 4] = ["namnd", "namnd_id", "sekretess_klass", "skyddad"];

/// What stands for a nämnd or a class that nobody knows: it is a text of a source, or of whoever altered the target.
const UNKNOWN: &str = "okänd";

/// The rows of one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Held {
    rows: u64,
    /// The sum of a digest per row: the same for every order of the rows.
    digest: u128,
}

/// The cells of one entity and nämnd, by class; without and with protection.
type Classes = BTreeMap<String, [Held; 2]>;

/// Rows by who may read them. Memory grows with the cells and not with the rows.
#[derive(Clone, Debug, Default)]
pub struct SecrecyTally {
    cells: BTreeMap<String, BTreeMap<String, Classes>>,
}

impl SecrecyTally {
    /// Counts rows of an entity, but for those that `elsewhere` says are another project's. A value that cannot be
    /// read protects nobody.
    ///
    /// # Errors
    /// [`ErrorKind::Columns`] when the id or one of [`SECRECY_FIELDS`] is not there.
    pub fn add(
        &mut self,
        entity: &str,
        batch: &Batch,
        elsewhere: impl Fn(usize) -> bool,
    ) -> Result<(), Error> {
        let cells = |name: &str| {
            let missing =
                || Error::new(ErrorKind::Columns, format!("entity {entity} was read without {name}"));
            batch.cells_named(name).ok_or_else(missing)
        };
        let id = cells("id")?;
        let [namnd, namnd_id, class, protected] = SECRECY_FIELDS.map(cells);
        let (namnd, namnd_id, class, protected) = (namnd?, namnd_id?, class?, protected?);
        let namnder = self.cells.entry(entity.to_owned()).or_default();
        for row in (0..batch.rows()).filter(|row| !elsewhere(*row)) {
            let names = [namnd.text(row).unwrap_or_default(), class.text(row).unwrap_or_default()];
            let is_protected = protected.value(row) == Some(Value::Bool(true));
            let mut digest = DigestBuilder::new("bron/secrecy/1");
            for id in [id.id(row), namnd_id.id(row)] {
                digest.part(id.as_ref().map_or(&[][..], |id| id.as_slice()));
            }
            digest.part(names[0].as_bytes()).part(names[1].as_bytes()).part(&[u8::from(is_protected)]);
            let held = &mut entry(entry(namnder, names[0]), names[1])[usize::from(is_protected)];
            held.rows += 1;
            held.digest = held.digest.wrapping_add(number(digest.finish().as_bytes()));
        }
        Ok(())
    }

    /// The rows by what may be told of their cell.
    fn told(&self, known: &KnownNames<'_>) -> BTreeMap<Cell, Held> {
        let mut told: BTreeMap<Cell, Held> = BTreeMap::new();
        for (entity, namnder) in &self.cells {
            for (namnd, classes) in namnder {
                for (class, both) in classes {
                    for (protected, held) in [false, true].into_iter().zip(both) {
                        let name = |names: &BTreeSet<&str>, code: &str| {
                            if code.is_empty() || names.contains(code) { code } else { UNKNOWN }.to_owned()
                        };
                        let cell = Cell {
                            entity: entity.clone(),
                            namnd: name(&known.namnder, namnd),
                            sekretess_klass: name(&known.classes, class),
                            skyddad: protected,
                        };
                        let sum = told.entry(cell).or_default();
                        sum.rows += held.rows;
                        sum.digest = sum.digest.wrapping_add(held.digest);
                    }
                }
            }
        }
        told.retain(|_, held| held.rows > 0);
        told
    }
}

fn entry<'m, V: Default>(map: &'m mut BTreeMap<String, V>, key: &str) -> &'m mut V {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), V::default());
    }
    map.get_mut(key).expect("the key was put in above")
}

fn number(digest: &[u8; 32]) -> u128 {
    let (half, _) = digest.split_at(16);
    u128::from_be_bytes(half.try_into().expect("half of 32 bytes is 16 bytes"))
}

/// The names that may be shown; every other text of a cell shows as unknown.
#[derive(Clone, Debug, Default)]
pub struct KnownNames<'a> {
    /// The codes of nämnder.
    pub namnder: BTreeSet<&'a str>,
    /// The classes of secrecy.
    pub classes: BTreeSet<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    entity: String,
    namnd: String,
    sekretess_klass: String,
    skyddad: bool,
}

/// What the balance came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrecy {
    /// Rows that the sources gave.
    pub rows: u64,
    /// Cells that were compared.
    pub cells: u64,
    /// Cells that differ, by entity, nämnd, class and protection.
    pub unequal: Vec<SecrecyDifference>,
}

/// A cell whose rows are not those that the sources gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecrecyDifference {
    /// The entity.
    pub entity: String,
    /// The code of the nämnd; empty for rows without one, `okänd` for one that nobody knows.
    pub namnd: String,
    /// The class of secrecy.
    pub sekretess_klass: String,
    /// Whether the rows are about a protected person.
    pub skyddad: bool,
    /// Rows that the sources gave.
    pub expected: u64,
    /// Rows that the target holds. The same number as expected means that they are other rows.
    pub found: u64,
}

impl Secrecy {
    /// Compares what the sources gave with what the target holds.
    #[must_use]
    pub fn compare(expected: &SecrecyTally, found: &SecrecyTally, known: &KnownNames<'_>) -> Self {
        let (expected, found) = (expected.told(known), found.told(known));
        let cells: BTreeSet<&Cell> = expected.keys().chain(found.keys()).collect();
        let of = |side: &BTreeMap<Cell, Held>, cell: &Cell| side.get(cell).copied().unwrap_or_default();
        let unequal = cells.iter().filter(|cell| of(&expected, cell) != of(&found, cell));
        let unequal = unequal.map(|cell| SecrecyDifference {
            entity: cell.entity.clone(),
            namnd: cell.namnd.clone(),
            sekretess_klass: cell.sekretess_klass.clone(),
            skyddad: cell.skyddad,
            expected: of(&expected, cell).rows,
            found: of(&found, cell).rows,
        });
        Self {
            rows: expected.values().map(|held| held.rows).sum(),
            cells: u64::try_from(cells.len()).unwrap_or(u64::MAX),
            unequal: unequal.collect(),
        }
    }

    /// Whether every row may be read by the same nämnd, in the same class and with the same protection.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.unequal.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use bron_mappings::{BatchSchema, ColumnBuilder, ColumnType};

    use super::*;

    type Row = (u8, &'static str, &'static str, Option<bool>);

    fn tally(rows: &[Row]) -> SecrecyTally {
        let kinds = [
            ("id", ColumnType::Id),
            ("namnd", ColumnType::Text),
            ("namnd_id", ColumnType::Id),
            ("sekretess_klass", ColumnType::Text),
            ("skyddad", ColumnType::Bool),
        ];
        let schema = BatchSchema::new(kinds.map(|(name, kind)| (name.to_owned(), kind)));
        let mut columns = kinds.map(|(_, kind)| ColumnBuilder::new(kind, rows.len()));
        for &(id, namnd, class, protected) in rows {
            let values = [
                Some(Value::Id([id; 16])),
                Some(Value::Text(namnd)),
                None,
                Some(Value::Text(class)),
                protected.map(Value::Bool),
            ];
            columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        }
        let columns = columns.iter_mut().map(ColumnBuilder::finish).collect();
        let mut tally = SecrecyTally::default();
        let batch = Batch::new(&schema, columns, rows.len()).unwrap();
        tally.add("akt", &batch, |_| false).unwrap();
        tally
    }

    fn unequal(before: &[Row], after: &[Row]) -> Vec<(String, bool, u64, u64)> {
        let known =
            KnownNames { namnder: BTreeSet::from(["702", "714"]), classes: BTreeSet::from(["osl_26_1"]) };
        let secrecy = Secrecy::compare(&tally(before), &tally(after), &known);
        assert_eq!(secrecy.rows, u64::try_from(before.len()).unwrap());
        let line = |one: SecrecyDifference| {
            (format!("{} {}", one.namnd, one.sekretess_klass), one.skyddad, one.expected, one.found)
        };
        secrecy.unequal.into_iter().map(line).collect()
    }

    const A: Row = (1, "702", "osl_26_1", Some(true));
    const B: Row = (2, "714", "osl_26_1", Some(true));

    #[test]
    fn the_same_rows_in_any_order_are_equal() {
        assert_eq!(unequal(&[A, B], &[B, A]), []);
    }

    #[test]
    fn a_row_of_another_namnd_is_told_on_both_sides() {
        let moved = (1, "714", "osl_26_1", Some(true));
        let (from, to) = (("702 osl_26_1".to_owned(), true, 1, 0), ("714 osl_26_1".to_owned(), true, 1, 2));
        assert_eq!(unequal(&[A, B], &[moved, B]), [from, to]);
    }

    #[test]
    fn rows_that_changed_places_leave_every_count_and_are_found() {
        let (a, b) = ((1, "714", "osl_26_1", Some(true)), (2, "702", "osl_26_1", Some(true)));
        let same = |namnd: &str| (format!("{namnd} osl_26_1"), true, 1, 1);
        assert_eq!(unequal(&[A, B], &[a, b]), [same("702"), same("714")]);
    }

    #[test]
    fn a_protection_that_cannot_be_read_is_lost_and_unknown_texts_are_not_shown() {
        let lost = (2, "714", "osl_26_1", None);
        let cell = |protected, expected, found| ("714 osl_26_1".to_owned(), protected, expected, found);
        assert_eq!(unequal(&[A, B], &[A, lost]), [cell(false, 0, 1), cell(true, 1, 0)]);
        let junk = (2, "Anna", "öppen", Some(true));
        let (before, after) = (cell(true, 1, 0), ("okänd okänd".to_owned(), true, 0, 1));
        assert_eq!(unequal(&[A, B], &[A, junk]), [before, after]);
    }
}
