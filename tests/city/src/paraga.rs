//! ParaGå and SchemOS: home-help visits as monthly files per utförare, and the planning behind them.
//!
//! Both are written in one pass, month by month and utförare by utförare, because a planned visit names
//! the visit that came of it. The kunder are held, and of a month's visits of one utförare
//! as much as shows which of them overlap; corrections that come later wait for their month.

mod away;
mod besok;
mod cases;
mod clock;
mod era;
mod file;
mod korr;
mod kund;
mod month;
mod overlap;
mod receipts;
mod register;
mod roster;
mod visit;

use std::path::Path;

use crate::calendar::Month;
use crate::error::Error;
use crate::generation::Progress;
use crate::population::{Population, utforare_count};
use crate::schemos::Schemos;
use crate::truth::{Action, Ledger, Quota};

use era::Era;
use korr::Pending;
use kund::{Kund, plan_kunder};
use receipts::Receipts;

const SYSTEM: &str = "paraga";

/// Visits per person over the whole period.
const VISITS_PER_PERSON: u64 = 100;
/// Visits of each utförare in the month of trial, about.
const VISITS_ON_TRIAL: i32 = 4;
/// How many visits of each utförare in the third era bear the number of an earlier visit (D65).
const NUMBERS_AGAIN: i64 = 5;

/// The months a small city has files for: some in each era, with both sides of each change and an autumn
/// change of clocks.
const FEW: [Month; 12] = [
    Month::of(2014, 1),
    Month::of(2014, 10),
    Month::of(2015, 5),
    Month::of(2015, 6),
    Month::of(2016, 11),
    Month::of(2018, 3),
    Month::of(2019, 10),
    Month::of(2019, 12),
    Month::of(2020, 1),
    Month::of(2021, 7),
    Month::of(2023, 9),
    Month::of(2024, 12),
];

/// The months that a city of this size has files for.
fn months(persons: u32) -> Vec<Month> {
    let all = (Month::of(2014, 1).0..=Month::of(2024, 12).0).map(Month);
    match persons {
        0..2_000 => FEW.to_vec(),
        2_000..10_000 => all.step_by(3).collect(),
        _ => all.collect(),
    }
}

struct Quotas {
    visit_time: Quota,
    overlap: Quota,
    double: Quota,
    midnight: Quota,
    unplanned: Quota,
    in_absence: Quota,
    delivered_twice: Quota,
    korr: Quota,
    korr_separator: Quota,
    korr_newline: Quota,
    korr_lost: Quota,
    kund_separator: Quota,
    kund_newline: Quota,
    kund_lost: Quota,
    kommun: Quota,
    formula: Quota,
    swapped_day: Quota,
}

impl Quotas {
    fn new(seed: u64) -> Self {
        let quota = |purpose, per_million, first| Quota::new(seed, purpose, per_million, first);
        Self {
            visit_time: quota("D58", 2_000, 7),
            overlap: quota("D59", 8_000, 5),
            double: quota("D60", 4_000, 30),
            midnight: quota("D64", 500, 60),
            unplanned: quota("D61", 26_000, 10),
            in_absence: quota("D63", 150_000, 3),
            delivered_twice: quota("D66", 4_000, 5),
            korr: quota("korr", 8_000, 9),
            korr_separator: quota("D68/korr/separator", 500, 2),
            korr_newline: quota("D68/korr/newline", 300, 4),
            korr_lost: quota("D68/korr/lost", 200, 6),
            kund_separator: quota("D68/kund/separator", 500, 2),
            kund_newline: quota("D68/kund/newline", 300, 4),
            kund_lost: quota("D68/kund/lost", 200, 6),
            kommun: quota("D78/Kommun", 1_000, 5),
            formula: quota("D78/Personnr", 1_000, 11),
            swapped_day: quota("D26", 1_000, 3),
        }
    }
}

/// The numbers of one utförare's visits.
#[derive(Debug, Clone, Copy, Default)]
struct Series {
    /// The last number given out.
    last: i64,
    /// Where the numbers of the first two eras ended, in the third.
    ended: Option<i64>,
}

/// Both systems while they are written.
struct Paraga<'a> {
    city: &'a Population,
    directory: &'a Path,
    ledger: &'a mut Ledger,
    schemos: Schemos<'a>,
    kunder: Vec<Kund>,
    /// The months that have files, the first being the trial.
    months: Vec<Month>,
    utforare: u32,
    quotas: Quotas,
    series: Vec<Series>,
    pending: Vec<Pending>,
    receipts: Receipts,
    korr_id: i64,
    /// Rows in files so far.
    rows: u64,
}

/// Writes `paraga/*.csv` and `schemos.sqlite` below the directory.
pub(crate) fn write(
    city: &Population,
    directory: &Path,
    ledger: &mut Ledger,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, Error> {
    let part = directory.join("paraga.part");
    if part.exists() {
        std::fs::remove_dir_all(&part).map_err(Error::io(SYSTEM))?;
    }
    std::fs::create_dir(&part).map_err(Error::io(SYSTEM))?;
    let persons = u32::try_from(city.persons.len()).unwrap_or(u32::MAX);
    let utforare = utforare_count(persons);
    let months = months(persons);
    let kunder = plan_kunder(city, &months, utforare);
    let mut schemos = Schemos::create(city, directory, utforare, ledger)?;
    schemos.write_customers(kunder.iter().map(|kund| (kund.person, kund.number.as_str())))?;
    let mut paraga = Paraga {
        city,
        directory: &part,
        ledger,
        schemos,
        utforare,
        quotas: Quotas::new(city.seed),
        series: (0..utforare).map(|_| Series::default()).collect(),
        pending: Vec::new(),
        receipts: Receipts::default(),
        korr_id: 0,
        rows: 0,
        kunder,
        months,
    };
    paraga.write_cases()?;
    paraga.write_months(persons, progress)?;
    for key in std::mem::take(&mut paraga.receipts).suspicious() {
        paraga.ledger.mark(("D62", SYSTEM, "besok", Action::Flag), key);
    }
    let rows = paraga.rows + paraga.schemos.finish(paraga.ledger)?;
    std::fs::rename(&part, directory.join(SYSTEM)).map_err(Error::io(SYSTEM))?;
    Ok(rows)
}

impl Paraga<'_> {
    fn write_months(&mut self, persons: u32, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        let months = self.months.clone();
        let active: u64 = self.kunder.iter().map(|kund| kund.months(&months[1..])).sum();
        let per_kund = (u64::from(persons) * VISITS_PER_PERSON).div_ceil(active.max(1));
        let per_kund = i32::try_from(per_kund).unwrap_or(i32::MAX);
        let mut previous = Era::One;
        for (number, month) in (1_u64..).zip(&months) {
            let era = Era::of(*month);
            if era == Era::Three && previous != Era::Three {
                self.begin_numbers_again();
            }
            previous = era;
            for utforare in 0..self.utforare {
                self.write_month(*month, era, utforare, per_kund)?;
            }
            progress(Progress {
                step: SYSTEM,
                done: number,
                of: u64::try_from(months.len()).unwrap_or(u64::MAX),
                rows: self.rows + self.schemos.rows(),
            });
        }
        Ok(())
    }

    fn begin_numbers_again(&mut self) {
        for series in &mut self.series {
            series.ended = Some(series.last);
            series.last = (series.last - NUMBERS_AGAIN).max(0);
        }
    }
}
