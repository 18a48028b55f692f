//! The rows of Vodok in named cases.

use crate::calendar::Day;
use crate::cases::{EVERYWHERE_BIRTH, EVERYWHERE_NAME, FIRST_KEY};
use crate::error::Error;
use crate::numbers::never_assigned;
use crate::sqlite::{Value, row};

use super::staff::unit_id;
use super::{PATIENT, VARDTILLF, Vodok};

impl Vodok<'_> {
    /// H1: the human of all systems, under a personnummer with a hyphen.
    pub(super) fn write_cases(&mut self) -> Result<(), Error> {
        let id = "V9000100".to_owned();
        let number = never_assigned(EVERYWHERE_BIRTH);
        let (date, end) = number.split_at(8);
        let (first, last) = EVERYWHERE_NAME;
        let row = row![id.clone(), format!("{date}-{end}"), first, last, "K", Value::Null, ""];
        self.db.push(PATIENT, row)?;
        let admitted = Day::of(2016, 3, 1).iso();
        let stay = row![FIRST_KEY + 100, id.clone(), unit_id(0), admitted, Value::Null, "HSL"];
        self.db.push(VARDTILLF, stay)?;
        self.ledger.case("h1", "vodok", id);
        Ok(())
    }
}
