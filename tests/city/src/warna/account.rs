//! What a guardian reports each year, the fee for it, the documents, and what happened meanwhile.

use crate::calendar::{Day, Stamp, TODAY};
use crate::error::Error;
use crate::prose;
use crate::rng::Rng;
use crate::sqlite::{money, row};

use super::duty::Duty;
use super::{DOKUMENT, HANDELSE, REDOVISNING, Warna, next, seen};

/// Days from a report to its review, at most.
const REVIEWED_WITHIN: i32 = 250;

/// A report: its kind, the year it is about, the day it came in.
struct Report {
    kind: &'static str,
    year: i32,
    received: Day,
}

impl Warna<'_> {
    /// An inventory within two months, accounts by 1 March for each year before, a last account within two
    /// months of the end.
    pub(super) fn write_accounts(&mut self, duty: &Duty, rng: &mut Rng) -> Result<(), Error> {
        let received = seen(duty.from.plus(rng.between(10, 60)));
        if let Some(received) = received {
            self.write_account(duty, &Report { kind: "FÖRT", year: duty.from.year(), received }, rng)?;
        }
        let last = duty.to.unwrap_or(TODAY);
        for year in duty.from.year()..=last.year() {
            self.write_events(duty, year, rng)?;
            let whole = year < last.year();
            if let Some(received) = seen(Day::of(year + 1, 1, 10).plus(rng.between(0, 70))).filter(|_| whole)
            {
                self.write_account(duty, &Report { kind: "ÅR", year, received }, rng)?;
            }
        }
        match duty.to.and_then(|to| seen(to.plus(rng.between(10, 60)))) {
            Some(received) => {
                let year = last.year();
                self.write_account(duty, &Report { kind: "SLUT", year, received }, rng)
            }
            None => Ok(()),
        }
    }

    fn write_account(&mut self, duty: &Duty, report: &Report, rng: &mut Rng) -> Result<(), Error> {
        let id = next(&mut self.ids.account);
        let Report { kind, year, received } = *report;
        let reviewed = seen(received.plus(rng.between(20, REVIEWED_WITHIN)));
        let remark = reviewed.map(|_| ["UA", "MA", "KK"][rng.weighted(&[80, 12, 8])]);
        let fee = reviewed.filter(|_| kind != "FÖRT").map(|_| i64::from(rng.between(20, 160)) * 10_000);
        let fee = fee.map(|ore| if rng.chance(100, 1_000) { ore + 2_550 } else { ore });
        let row =
            row![id, duty.id, year, kind, received.iso(), reviewed.map(Day::iso), remark, fee.map(money),];
        self.db.push(REDOVISNING, row)?;
        self.write_document(duty, report, rng)?;
        match reviewed.filter(|_| fee.is_some()) {
            Some(day) => self.write_decision(duty, "ARV", "12 kap. 16 § FB", day, "B"),
            None => Ok(()),
        }
    }

    /// The report as it was scanned: some kilobytes that nobody looks into.
    fn write_document(&mut self, duty: &Duty, report: &Report, rng: &mut Rng) -> Result<(), Error> {
        let id = next(&mut self.ids.document);
        let name = match report.kind {
            "FÖRT" => "Förteckning".to_owned(),
            "SLUT" => "Sluträkning".to_owned(),
            _ => format!("Årsräkning {}", report.year),
        };
        let (format, magic) = rng.pick(&[("PDF", "%PDF-1.4\n"), ("PDF", "%PDF-1.4\n"), ("TIF", "II*\0")]);
        let length = rng.between(300, 3_000);
        let scanned = (0..length).map(|_| u8::try_from(rng.below(256)).unwrap_or(0));
        let content: Vec<u8> = magic.bytes().chain(scanned).collect();
        let created = Stamp::at(report.received, rng.between(8, 16), rng.between(0, 59)).small();
        self.db.push(DOKUMENT, row![id, duty.id, name, format, created, content])
    }

    fn write_events(&mut self, duty: &Duty, year: i32, rng: &mut Rng) -> Result<(), Error> {
        let first = duty.from.max(Day::of(year, 1, 1));
        let last = duty.to.unwrap_or(TODAY).min(Day::of(year, 12, 31));
        for _ in 0..rng.between(1, 6) {
            let day = first.plus(rng.between(0, (last.0 - first.0).max(0)));
            let at = Stamp::at(day, rng.between(8, 16), rng.between(0, 59)).small();
            let (kind, length) = (rng.pick(&["ANT", "TEL", "BRV", "BES"]), rng.between(60, 360));
            let id = next(&mut self.ids.event);
            self.db.push(HANDELSE, row![id, duty.id, at, kind, prose::note(rng, length)])?;
        }
        Ok(())
    }
}
