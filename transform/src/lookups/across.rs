//! Rules over several rows of one table: the same thing again within some days.

use std::collections::BTreeMap;

use bron_mappings::{Batch, Check, Condition};

use super::{RowSet, columns_of, join_key, text_at};
use crate::calendar::parse_date_part;

/// Finds the rows that repeat an earlier row of the same group within a number of days. The first input
/// of the check is the date, the others make the group; a row without a date or with an empty part of
/// the group repeats nothing.
pub struct AcrossBuilder {
    columns: Vec<String>,
    when: Option<Condition>,
    days: Option<i32>,
    next_row: u64,
    seen: Vec<(Box<str>, i32, u64)>,
}

const DEFAULT_DAYS: i32 = 7;

/// The argument `days` of a check over several rows.
pub(crate) fn days_between(arguments: &BTreeMap<String, String>) -> Result<i32, String> {
    let days = arguments.get("days").map_or(Some(DEFAULT_DAYS), |days| days.parse().ok());
    days.filter(|days| *days >= 0).ok_or_else(|| "`days` is not a whole number of days from 0 on".to_owned())
}

impl AcrossBuilder {
    /// Gathers rows for a check whose function works across rows. With an argument `days` that cannot be
    /// read nothing is found, and [`crate::Plan::new`] refuses the mapping before a row is mapped.
    #[must_use]
    pub fn new(check: &Check) -> Self {
        Self {
            columns: check.inputs.iter().map(|origin| origin.name.clone()).collect(),
            when: check.when.clone(),
            days: days_between(&check.arguments).ok(),
            next_row: 0,
            seen: Vec::new(),
        }
    }

    /// Adds the rows of a batch, in staged order.
    pub fn add(&mut self, batch: &Batch) {
        let cells = columns_of(batch, &self.columns);
        let asked = self.when.as_ref().map(|when| batch.cells_named(&when.origin.name));
        for row in 0..batch.rows() {
            let place = self.next_row;
            self.next_row += 1;
            let meant = self.when.as_ref().zip(asked.as_ref());
            if meant.is_some_and(|(when, cells)| !when.holds(text_at(cells.as_ref(), row))) {
                continue;
            }
            let Some((date, group)) = cells.split_first() else { continue };
            let Some(date) = text_at(date.as_ref(), row).and_then(parse_date_part) else { continue };
            if let Some(key) = join_key(group.iter().map(|cells| text_at(cells.as_ref(), row))) {
                self.seen.push((key.into_owned().into_boxed_str(), date, place));
            }
        }
    }

    /// The rows that repeat an earlier one.
    #[must_use]
    pub fn finish(mut self) -> RowSet {
        let Some(days) = self.days else { return RowSet::default() };
        self.seen.sort_unstable();
        let repeats =
            self.seen.windows(2).filter(|pair| pair[0].0 == pair[1].0 && pair[1].1 - pair[0].1 <= days);
        RowSet::new(repeats.map(|pair| pair[1].2).collect())
    }
}
