//! Agresso: what the city's accounts hold of the payments that Paraply sent, a third party's view.
//!
//! One file per month of payment, `agresso/verifikat_{period}.csv`: UTF-8, CRLF, `;`, with the columns
//! `Verifikat;Bunt;Belopp;Datum;Status`, one line per sent payment. Status is `B` (paid) or `A` (refused).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::calendar::{Day, Month};
use crate::error::Error;
use crate::truth::Ledger;

const SYSTEM: &str = "agresso";
const KIND: &str = "verifikat";
const HEADER: &[u8] = b"Verifikat;Bunt;Belopp;Datum;Status\r\n";

/// A payment that Paraply sent to the accounts.
#[derive(Debug)]
pub(crate) struct Voucher {
    /// `UTBET.AGRVER`.
    pub(crate) number: String,
    /// `UTBET.BUNT`.
    pub(crate) bunt: i64,
    pub(crate) amount_ore: i64,
    pub(crate) day: Day,
    /// Whether the accounts paid it; refused otherwise.
    pub(crate) paid: bool,
}

/// Takes vouchers as they are sent, in any order of days.
pub(crate) trait Vouchers {
    fn take(&mut self, voucher: &Voucher) -> Result<(), Error>;
}

struct Period {
    out: BufWriter<File>,
    rows: u64,
}

/// The files while they are written: one open file per month, at most 240.
pub(crate) struct Agresso {
    part: PathBuf,
    path: PathBuf,
    periods: BTreeMap<Month, Period>,
}

impl Agresso {
    /// Creates `agresso` below the directory, under a temporary name until [`Agresso::finish`].
    pub(crate) fn create(directory: &Path) -> Result<Self, Error> {
        let part = directory.join("agresso.part");
        if part.exists() {
            std::fs::remove_dir_all(&part).map_err(Error::io(SYSTEM))?;
        }
        std::fs::create_dir(&part).map_err(Error::io(SYSTEM))?;
        Ok(Self { part, path: directory.join(SYSTEM), periods: BTreeMap::new() })
    }

    /// Gives the files their names and counts them.
    pub(crate) fn finish(mut self, ledger: &mut Ledger) -> Result<(), Error> {
        for (month, period) in &mut self.periods {
            period.out.flush().map_err(Error::io(SYSTEM))?;
            ledger.count(SYSTEM, KIND, period.rows);
            ledger.file(format!("{SYSTEM}/{}", file_name(*month)), period.rows);
        }
        std::fs::rename(&self.part, &self.path).map_err(Error::io(SYSTEM))
    }

    fn period(&mut self, month: Month) -> Result<&mut Period, Error> {
        if !self.periods.contains_key(&month) {
            let file = File::create(self.part.join(file_name(month))).map_err(Error::io(SYSTEM))?;
            let mut out = BufWriter::new(file);
            out.write_all(HEADER).map_err(Error::io(SYSTEM))?;
            self.periods.insert(month, Period { out, rows: 0 });
        }
        Ok(self.periods.get_mut(&month).expect("the month was inserted when it was missing"))
    }
}

impl Vouchers for Agresso {
    fn take(&mut self, voucher: &Voucher) -> Result<(), Error> {
        let Voucher { number, bunt, amount_ore, day, paid } = voucher;
        let (kronor, ore) = (amount_ore / 100, amount_ore % 100);
        let status = if *paid { "B" } else { "A" };
        let period = self.period(day.month())?;
        period.rows += 1;
        write!(period.out, "{number};{bunt};{kronor}.{ore:02};{};{status}\r\n", day.iso())
            .map_err(Error::io(SYSTEM))
    }
}

fn file_name(month: Month) -> String {
    format!("{KIND}_{}.csv", month.compact())
}
