//! The rows of SchemOS in named cases.

use super::{CUSTOMER, PLANNED_VISIT, Schemos, UNIT};
use crate::calendar::Stamp;
use crate::cases::{EVERYWHERE_KUND, FIRST_KEY, UTFORARE};
use crate::error::Error;
use crate::organisation::orgnr_of;
use crate::sqlite::{Value, row};

/// The only unit of the cases.
const CASE_UNIT: i64 = FIRST_KEY;
/// The customer who has a code name (H1). All planned visits of the cases are this customer's.
const CODE_NAME: i64 = FIRST_KEY + 100;

impl Schemos<'_> {
    /// Writes the unit and the customer of the cases: a code name, a `KundNr` and nothing else that tells who it
    /// is.
    pub(crate) fn write_case_unit(&mut self) -> Result<String, Error> {
        let row = row![CASE_UNIT, UTFORARE, "Hemtjänsten 91", Value::Null, orgnr_of(0), 1_i64];
        self.db.push(UNIT, row)?;
        let (number, deleted) = (None::<i64>, None::<i64>);
        let row = row![CODE_NAME, EVERYWHERE_KUND, None::<i64>, number, "Kund 09100", deleted];
        self.db.push(CUSTOMER, row)?;
        Ok(CODE_NAME.to_string())
    }

    /// Writes the plan of a visit of the cases, under the visit's number.
    pub(crate) fn write_case_plan(
        &mut self,
        besok: i64,
        (start, end): (Stamp, Stamp),
        double: bool,
    ) -> Result<(), Error> {
        let updated = start.plus_minutes(-1_440).small();
        let row = row![
            besok,
            CODE_NAME,
            CASE_UNIT,
            start.small(),
            end.small(),
            5_i64,
            double,
            "import",
            besok,
            "done",
            updated,
            None::<i64>,
        ];
        self.db.push(PLANNED_VISIT, row)
    }
}
