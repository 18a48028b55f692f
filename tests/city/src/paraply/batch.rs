//! Batches to the receiving systems: each must add up, except the ones that do not (D43).

use crate::calendar::{Day, Stamp};
use crate::error::Error;
use crate::sqlite::{money, row};
use crate::truth::Action;

use super::{AGRUT, Paraply};

/// What a batch carries, the last digit of `BUNT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    Payments,
    Requisitions,
    Invoices,
    Debits,
    /// What the named cases send, apart from everything else.
    Cases,
    /// A batch that does not add up, with a few payments, invoices or debits of its own.
    WrongPayments,
    WrongInvoices,
    WrongDebits,
}

impl Load {
    /// The last digit of `BUNT`.
    pub(super) fn digit(self) -> i64 {
        match self {
            Self::Payments => 1,
            Self::Requisitions => 2,
            Self::Invoices => 3,
            Self::Debits => 4,
            Self::Cases => 5,
            Self::WrongPayments => 7,
            Self::WrongInvoices => 8,
            Self::WrongDebits => 9,
        }
    }

    fn is_wrong(self) -> bool {
        match self {
            Self::WrongPayments | Self::WrongInvoices | Self::WrongDebits => true,
            Self::Payments | Self::Requisitions | Self::Invoices | Self::Debits | Self::Cases => false,
        }
    }
}

/// What a batch must add up to.
#[derive(Debug, Default)]
pub(super) struct Batch {
    rows: i64,
    sum: i64,
    wrong: bool,
}

impl Paraply<'_> {
    /// Puts a row into the batch of the day, and returns `BUNT`. A row of a wrong batch is marked.
    pub(super) fn add_to_batch(
        &mut self,
        day: Day,
        load: Load,
        amount: i64,
        (table, key): (&'static str, i64),
    ) -> i64 {
        let bunt = day.number() * 10 + load.digit();
        let batch = self.batches.entry(bunt).or_default();
        batch.rows += 1;
        batch.sum += amount;
        batch.wrong = load.is_wrong();
        if batch.wrong {
            self.mark("D43", table, Action::Stop, key);
        }
        bunt
    }

    /// Writes one row per batch: all its rows counted, the paid ones summed.
    pub(super) fn write_batches(&mut self) -> Result<(), Error> {
        for (bunt, batch) in std::mem::take(&mut self.batches) {
            let system = if bunt % 10 == 2 { "LI" } else { "AG" };
            let date = bunt / 10;
            let part = |value: i64| i32::try_from(value).unwrap_or(1);
            let day = Day::of(part(date / 10_000), part(date / 100 % 100), part(date % 100));
            let created = Stamp::at(day, 18, 0).small();
            let file = format!("AGRUT_{date}_{system}{}.TXT", bunt % 10);
            // One kind of wrong batch has a row too few, the others a krona too much.
            let (rows, sum) = match (batch.wrong, bunt % 10) {
                (false, _) => (batch.rows, batch.sum),
                (true, 7) => (batch.rows + 1, batch.sum),
                (true, _) => (batch.rows, batch.sum + 100),
            };
            if batch.wrong {
                self.mark("D43", "AGRUT", Action::Stop, bunt);
            }
            self.db.push(AGRUT, row![bunt, system, created, rows, money(sum), file, "J"])?;
        }
        Ok(())
    }
}
