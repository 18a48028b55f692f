//! The first direction: every row that was read went somewhere, and it is known where.
//!
//! `read = loaded + merged + excluded(reason) + quarantined(reason)`, in every cell of
//! (source table, area, nämnd, year) and not only in total, because totals hide errors that cancel.
//! There is no bucket for "other". Three more equations tie the cells to what was counted elsewhere:
//! the extraction's own count per table, the rows that the transform made per entity, and the rows
//! that the target holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// One cell of the ledger. An empty text means that the row does not say: a shared code table has no
/// nämnd, a person no year.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// The source system.
    pub system: String,
    /// The source table.
    pub table: String,
    /// The area of work (`verksamhetsomrade`), as a code.
    pub area: String,
    /// The nämnd that was responsible then, as a code.
    pub namnd: String,
    /// The year, four digits.
    pub year: String,
}

/// What became of the rows of one cell, in source rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// Rows read from the staged source.
    pub read: u64,
    /// Rows that gave at least one row of the target.
    pub loaded: u64,
    /// Rows folded into a row that another source row gave.
    pub merged: u64,
    /// Rows left out by a scope rule, by reason code.
    pub excluded: BTreeMap<String, u64>,
    /// Rows held back until somebody decides, by reason code; among them those of which the target refused what
    /// they became, in whole or in part.
    pub quarantined: BTreeMap<String, u64>,
    /// Those of the rows held back whose rule guards the technical or legal integrity of the move, by reason
    /// code. They are counted in `quarantined` too, and take no part in the equation on their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stopped: BTreeMap<String, u64>,
    /// Quality marks set on rows that came over, by reason code. A row may carry several; they take no
    /// part in the equation.
    pub flagged: BTreeMap<String, u64>,
    /// Rows of the target that the loaded rows gave, over all entities.
    pub fanout: u64,
}

impl Balance {
    /// The rows whose fate is known: the right-hand side of the equation.
    #[must_use]
    pub fn accounted(&self) -> u128 {
        u128::from(self.loaded) + u128::from(self.merged) + total(&self.excluded) + total(&self.quarantined)
    }

    /// Adds another balance to this one.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`] when a count leaves 64 bits; the balance is then of no use.
    pub fn add(&mut self, other: &Self) -> Result<(), Error> {
        add_to(&mut self.read, other.read)?;
        add_to(&mut self.loaded, other.loaded)?;
        add_to(&mut self.merged, other.merged)?;
        add_to(&mut self.fanout, other.fanout)?;
        add_each(&mut self.excluded, &other.excluded)?;
        add_each(&mut self.quarantined, &other.quarantined)?;
        add_each(&mut self.stopped, &other.stopped)?;
        add_each(&mut self.flagged, &other.flagged)
    }
}

fn too_many_refused() -> Error {
    Error::new(ErrorKind::Overflow, "more rows are refused than were made")
}

fn total(counts: &BTreeMap<String, u64>) -> u128 {
    counts.values().copied().map(u128::from).sum()
}

fn add_to(sum: &mut u64, more: u64) -> Result<(), Error> {
    *sum =
        sum.checked_add(more).ok_or_else(|| Error::new(ErrorKind::Overflow, "a row count leaves 64 bits"))?;
    Ok(())
}

fn add_each(sums: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) -> Result<(), Error> {
    more.iter().try_for_each(|(reason, &count)| add_to(sums.entry(reason.clone()).or_default(), count))
}

/// A table of a source system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceTable {
    /// The source system.
    pub system: String,
    /// The table.
    pub table: String,
}

/// The rows of one entity that came from one source table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The entity of the information model.
    pub entity: String,
    /// The source system, the `src_system` of the rows.
    pub system: String,
    /// The source table, the `src_table` of the rows.
    pub table: String,
}

/// Every cell of a run, and the rows that the transform made per entity and source table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "LedgerFile", into = "LedgerFile")]
pub struct Ledger {
    cells: BTreeMap<Dimension, Balance>,
    produced: BTreeMap<Origin, u64>,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub const fn new() -> Self {
        Self { cells: BTreeMap::new(), produced: BTreeMap::new() }
    }

    /// Adds counts to a cell.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`].
    pub fn add(&mut self, dimension: Dimension, balance: &Balance) -> Result<(), Error> {
        self.cells.entry(dimension).or_default().add(balance)
    }

    /// Adds rows that the transform made of one entity from one source table.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`].
    pub fn add_produced(&mut self, origin: Origin, rows: u64) -> Result<(), Error> {
        add_to(self.produced.entry(origin).or_default(), rows)
    }

    /// Moves rows of a cell that came over in part or not at all, because the target refused rows that they became,
    /// from the loaded ones to those held back.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`] when the cell has fewer loaded rows; the ledger is then of no use.
    pub fn hold_back(&mut self, at: &Dimension, reason: &str, rows: u64) -> Result<(), Error> {
        let cell = self.cells.get_mut(at).ok_or_else(too_many_refused)?;
        cell.loaded = cell.loaded.checked_sub(rows).ok_or_else(too_many_refused)?;
        add_to(cell.quarantined.entry(reason.to_owned()).or_default(), rows)
    }

    /// Takes away rows that a cell's source rows became and that the target refused.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`] when fewer were made; the ledger is then of no use.
    pub fn forgo(&mut self, at: &Dimension, origin: &Origin, rows: u64) -> Result<(), Error> {
        let cell = self.cells.get_mut(at).ok_or_else(too_many_refused)?;
        cell.fanout = cell.fanout.checked_sub(rows).ok_or_else(too_many_refused)?;
        let produced = self.produced.get_mut(origin).ok_or_else(too_many_refused)?;
        *produced = produced.checked_sub(rows).ok_or_else(too_many_refused)?;
        Ok(())
    }

    /// Adds another ledger: the parts of a run may be counted apart, in any order.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`].
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        other.cells.iter().try_for_each(|(dimension, balance)| self.add(dimension.clone(), balance))?;
        other.produced.iter().try_for_each(|(origin, &rows)| self.add_produced(origin.clone(), rows))
    }

    /// The cells in the order of their dimensions.
    #[must_use]
    pub const fn cells(&self) -> &BTreeMap<Dimension, Balance> {
        &self.cells
    }

    /// The rows that the transform made.
    #[must_use]
    pub const fn produced(&self) -> &BTreeMap<Origin, u64> {
        &self.produced
    }

    /// The cells added up per value of `key`: per nämnd, per year and so on.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`].
    pub fn grouped<K: Ord>(&self, key: impl Fn(&Dimension) -> K) -> Result<BTreeMap<K, Balance>, Error> {
        let mut groups: BTreeMap<K, Balance> = BTreeMap::new();
        for (dimension, balance) in &self.cells {
            groups.entry(key(dimension)).or_default().add(balance)?;
        }
        Ok(groups)
    }

    /// The balance of each source table.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`].
    pub fn tables(&self) -> Result<BTreeMap<SourceTable, Balance>, Error> {
        self.grouped(|at| SourceTable { system: at.system.clone(), table: at.table.clone() })
    }

    /// Checks every equation and returns each one that does not hold, in a fixed order.
    ///
    /// `extracted` is what the extraction counted per table, `held` what the target holds per entity and
    /// source table. A table or an entity that only one side knows counts as zero on the other, so a
    /// forgotten table is found and not skipped.
    #[must_use]
    pub fn check(
        &self,
        extracted: &BTreeMap<SourceTable, u64>,
        held: &BTreeMap<Origin, u64>,
    ) -> Vec<Imbalance> {
        let mut found = self.check_cells();
        self.check_extraction(extracted, &mut found);
        self.check_fanout(&mut found);
        self.check_target(held, &mut found);
        found
    }

    fn check_cells(&self) -> Vec<Imbalance> {
        let unbalanced =
            self.cells.iter().filter(|(_, balance)| u128::from(balance.read) != balance.accounted());
        unbalanced
            .map(|(at, balance)| Imbalance {
                rule: Equation::Cell,
                system: at.system.clone(),
                table: at.table.clone(),
                part: format!("{} / {} / {}", at.area, at.namnd, at.year),
                expected: u128::from(balance.read),
                found: balance.accounted(),
            })
            .collect()
    }

    fn check_extraction(&self, extracted: &BTreeMap<SourceTable, u64>, found: &mut Vec<Imbalance>) {
        let mut sides: BTreeMap<SourceTable, (u128, u128)> = BTreeMap::new();
        for (at, balance) in &self.cells {
            let table = SourceTable { system: at.system.clone(), table: at.table.clone() };
            sides.entry(table).or_default().1 += u128::from(balance.read);
        }
        for (table, &rows) in extracted {
            sides.entry(table.clone()).or_default().0 = u128::from(rows);
        }
        found.extend(sides.into_iter().filter(|(_, (expected, read))| expected != read).map(
            |(table, (expected, read))| Imbalance {
                rule: Equation::Extraction,
                system: table.system,
                table: table.table,
                part: String::new(),
                expected,
                found: read,
            },
        ));
    }

    fn check_fanout(&self, found: &mut Vec<Imbalance>) {
        let mut sides: BTreeMap<(&str, &str), (u128, u128)> = BTreeMap::new();
        for (at, balance) in &self.cells {
            sides.entry((&at.system, &at.table)).or_default().0 += u128::from(balance.fanout);
        }
        for (origin, &rows) in &self.produced {
            sides.entry((&origin.system, &origin.table)).or_default().1 += u128::from(rows);
        }
        found.extend(sides.into_iter().filter(|(_, (cells, entities))| cells != entities).map(
            |((system, table), (expected, entities))| Imbalance {
                rule: Equation::Fanout,
                system: system.to_owned(),
                table: table.to_owned(),
                part: String::new(),
                expected,
                found: entities,
            },
        ));
    }

    fn check_target(&self, held: &BTreeMap<Origin, u64>, found: &mut Vec<Imbalance>) {
        let mut sides: BTreeMap<&Origin, (u64, u64)> = BTreeMap::new();
        for (origin, &rows) in &self.produced {
            sides.entry(origin).or_default().0 = rows;
        }
        for (origin, &rows) in held {
            sides.entry(origin).or_default().1 = rows;
        }
        found.extend(sides.into_iter().filter(|(_, (produced, rows))| produced != rows).map(
            |(origin, (produced, rows))| Imbalance {
                rule: Equation::Target,
                system: origin.system.clone(),
                table: origin.table.clone(),
                part: origin.entity.clone(),
                expected: u128::from(produced),
                found: u128::from(rows),
            },
        ));
    }
}

/// One of the equations of conservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Equation {
    /// Read rows and accounted rows of one cell.
    Cell,
    /// The extraction's count and the rows read, per table.
    Extraction,
    /// The fan-out of the cells and the rows made per entity, per table.
    Fanout,
    /// The rows made and the rows that the target holds, per entity and source table.
    Target,
}

impl Equation {
    /// The name of the equation in documents for machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cell => "cell",
            Self::Extraction => "extraction",
            Self::Fanout => "fanout",
            Self::Target => "target",
        }
    }
}

/// An equation that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Imbalance {
    /// The equation.
    pub rule: Equation,
    /// The source system.
    pub system: String,
    /// The source table.
    pub table: String,
    /// "area / nämnd / year" for a cell, the entity for [`Equation::Target`], otherwise empty.
    pub part: String,
    /// The left-hand side.
    pub expected: u128,
    /// The right-hand side.
    pub found: u128,
}

/// The ledger as a file: lists, because the keys of its maps have several parts.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LedgerFile {
    cells: Vec<Cell>,
    produced: Vec<Produced>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    dimension: Dimension,
    balance: Balance,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Produced {
    origin: Origin,
    rows: u64,
}

impl From<Ledger> for LedgerFile {
    fn from(ledger: Ledger) -> Self {
        let cells = ledger.cells.into_iter().map(|(dimension, balance)| Cell { dimension, balance });
        let produced = ledger.produced.into_iter().map(|(origin, rows)| Produced { origin, rows });
        Self { cells: cells.collect(), produced: produced.collect() }
    }
}

impl From<LedgerFile> for Ledger {
    fn from(file: LedgerFile) -> Self {
        let cells = file.cells.into_iter().map(|cell| (cell.dimension, cell.balance));
        let produced = file.produced.into_iter().map(|produced| (produced.origin, produced.rows));
        Self { cells: cells.collect(), produced: produced.collect() }
    }
}

#[cfg(test)]
mod tests;
