//! One month of one utförare: the four files, and the planned visits behind them.

use std::fs;

use super::era::{Era, INSATS_HEADER, KORR_HEADER, KUND_HEADER};
use super::file::ExportFile;
use super::kund::{Kund, KundDefect, utforare_id};
use super::visit::{self, TimeDefect, Visit};
use super::{Paraga, SYSTEM};
use crate::calendar::{Month, Stamp, TODAY};
use crate::error::Error;
use crate::names;
use crate::organisation::is_private;
use crate::population::Person;
use crate::rng::Rng;
use crate::schemos::Planned;
use crate::truth::{Action, Quota};

/// The files of one month and utförare.
struct Files {
    era: Era,
    utforare: u32,
    id: String,
    month: Month,
    besok: ExportFile,
    insats: ExportFile,
    kund: ExportFile,
    korr: ExportFile,
}

/// How a row breaks (D68).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    /// An unquoted separator in its free text: one field too many.
    Separator,
    /// A line break in its free text: two physical lines.
    Newline,
    /// Its last two fields are lost.
    Lost,
}

const REASONS: [&str; 4] = ["glömt stämpla", "systemfel", "kund inlagd", "fel tagg på dörren"];

impl Paraga<'_> {
    pub(super) fn write_month(
        &mut self,
        month: Month,
        era: Era,
        utforare: u32,
        per_kund: i32,
    ) -> Result<(), Error> {
        let mut files = self.open(month, era, utforare)?;
        let kunder = std::mem::take(&mut self.kunder);
        let active =
            kunder.iter().enumerate().filter(|(_, kund)| kund.utforare == utforare && kund.is_active(month));
        for (place, kund) in active {
            self.write_kund(&mut files, kund)?;
            self.write_visits(&mut files, place, kund, per_kund)?;
        }
        self.kunder = kunder;
        self.close(files)
    }

    fn open(&self, month: Month, era: Era, utforare: u32) -> Result<Files, Error> {
        let id = utforare_id(utforare);
        let create = |kind: &str, period: String, header| {
            let name = format!("{kind}_{period}_{id}.csv");
            ExportFile::create(self.directory, name, era, header)
        };
        let day = month.last_day().number();
        Ok(Files {
            besok: create("besok", month.compact(), era.besok_header())?,
            insats: create("insats", month.compact(), INSATS_HEADER)?,
            kund: create("kund", month.compact(), KUND_HEADER)?,
            korr: create("korr", day.to_string(), KORR_HEADER)?,
            era,
            utforare,
            id,
            month,
        })
    }

    fn close(&mut self, files: Files) -> Result<(), Error> {
        let (name, rows, lines) = (files.besok.name.clone(), files.besok.rows, files.besok.data_lines());
        for (kind, file) in
            [("besok", files.besok), ("insats", files.insats), ("kund", files.kund), ("korr", files.korr)]
        {
            self.account(kind, &file.name, file.rows, file.data_lines());
            file.finish()?;
        }
        if rows > 0 && self.quotas.delivered_twice.strikes() {
            self.deliver_again(&name, rows, lines)?;
        }
        Ok(())
    }

    fn account(&mut self, kind: &str, name: &str, rows: u64, lines: u64) {
        self.rows += rows;
        self.ledger.count(SYSTEM, kind, rows);
        self.ledger.count_lines(kind, lines);
        self.ledger.file(format!("{SYSTEM}/{name}"), rows);
    }

    /// D66: the same bytes under another name.
    fn deliver_again(&mut self, name: &str, rows: u64, lines: u64) -> Result<(), Error> {
        let again = name.replace(".csv", "omsand.csv");
        fs::copy(self.directory.join(name), self.directory.join(&again))
            .map_err(Error::io(again.as_str()))?;
        self.account("besok", &again, rows, lines);
        let place = ("D66", SYSTEM, "besok", Action::Exclude);
        self.ledger.mark(place, format!("{again}|{rows}"));
        Ok(())
    }

    fn write_kund(&mut self, files: &mut Files, kund: &Kund) -> Result<(), Error> {
        let person = person(&self.city.persons, kund);
        let whole = kund.defect.is_none() && !person.is_protected();
        let quotas = &mut self.quotas;
        let broken =
            broken(whole, [&mut quotas.kund_separator, &mut quotas.kund_newline, &mut quotas.kund_lost]);
        let file = &mut files.kund;
        let key = format!("{}:{}", file.name, file.next_line());
        if let Some(broken) = broken {
            self.ledger.mark(("D68", SYSTEM, "kund", broken.action()), key);
        } else if let Some(defect) = kund.defect {
            let (id, action) = match defect {
                KundDefect::CheckDigit => ("D01", Action::Flag),
                KundDefect::Reserve => ("D05", Action::Norm),
            };
            self.ledger.mark((id, SYSTEM, "kund", action), key);
        }
        let mut rng = Rng::keyed(self.city.seed, "kund/address", person.index.into());
        let (first, last) = person.name(self.city.seed);
        let street = names::street(&mut rng);
        let postcode = format!("12{:03}", rng.between(0, 999));
        file.text(&kund.number);
        file.text(&kund.pnr);
        if person.is_protected() {
            ["Skyddad", "", "", ""].iter().for_each(|field| file.text(field));
        } else {
            file.text(&format!("{first} {last}"));
            free_text(file, &street, &["lgh 1102", "port B", "2 tr"], broken, &mut rng);
            file.text(&postcode);
            file.text("STOCKHOLM");
        }
        file.text(&files.id);
        file.text(if person.is_protected() { "J" } else { "N" });
        if broken != Some(Broken::Lost) {
            file.text(&kund.from.day(1).iso());
            let ended = kund.to <= files.month && kund.to < TODAY.month();
            file.text(&if ended { kund.to.last_day().iso() } else { String::new() });
        }
        file.end_row()
    }

    fn write_visits(
        &mut self,
        files: &mut Files,
        place: usize,
        kund: &Kund,
        per_kund: i32,
    ) -> Result<(), Error> {
        let index = u64::from(kund.person) << 16 | u64::try_from(files.month.0).unwrap_or(0);
        let mut rng = Rng::keyed(self.city.seed, "visits", index);
        let count = rng.between(per_kund * 8 / 10, per_kund * 12 / 10 + 1).max(1);
        for number in 0..count {
            let defect = self.quotas.visit_time.strikes().then(|| {
                let line = files.besok.next_line();
                let key = format!("{}:{line}", files.besok.name);
                self.ledger.mark(("D58", SYSTEM, "besok", Action::Flag), key);
                rng.pick(&[TimeDefect::Backwards, TimeDefect::TooLong])
            });
            let visit = visit::draw(files.month, number, count, defect, &mut rng);
            self.besok_id += 1;
            self.write_besok(files, kund, &visit, &mut rng)?;
            self.write_insatser(files, &visit, &mut rng)?;
            if visit.made.is_some() && rng.chance(8, 1_000) {
                self.write_korr(files, &visit, &mut rng)?;
            }
            self.plan(place, files, &visit, &mut rng)?;
        }
        Ok(())
    }

    fn write_besok(
        &mut self,
        files: &mut Files,
        kund: &Kund,
        visit: &Visit,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let era = files.era;
        let helper = self.schemos.employee_of(files.utforare, rng);
        let second = self.schemos.employee_of(files.utforare, rng);
        let receipt = receipt(era, visit, rng);
        let file = &mut files.besok;
        file.number(self.besok_id);
        file.text(&kund.number);
        file.text(personnr(kund, rng));
        file.text(&files.id);
        file.text(&format!("P{helper:05}"));
        file.text(&if visit.double { format!("P{second:05}") } else { String::new() });
        file.time(Some(visit.plan_start));
        file.time(Some(visit.plan_end));
        file.time(visit.made.map(|(start, _)| start));
        file.time(visit.made.map(|(_, end)| end));
        file.text(receipt);
        file.text(if visit.made.is_some() && rng.chance(50, 1_000) { "M" } else { receipt });
        let tagged = era.has_tag() && receipt == "N";
        file.text(&if tagged { format!("T{:06}", kund.person + 1) } else { String::new() });
        if era.has_position() {
            let located = visit.made.is_some() && receipt == "T";
            let position = |degrees: i32, part: i32| {
                if located { format!("{degrees},{part:04}") } else { String::new() }
            };
            file.text(&position(59, rng.between(2_300, 4_100)));
            file.text(&position(18, rng.between(100, 1_900)));
        }
        file.text(if visit.double { "J" } else { "N" });
        file.text(if visit.made.is_some() { "UTF" } else { "AVB" });
        file.text(if visit.made.is_some() {
            ""
        } else {
            rng.pick(&["kund ej hemma", "kund inlagd", "avbokat"])
        });
        file.text(if rng.chance(970, 1_000) { "J" } else { "N" });
        let edited = rng.chance(30, 1_000);
        file.text(if edited { "SAMORD" } else { "" });
        file.time(edited.then(|| later(visit.plan_end, rng)));
        file.end_row()
    }

    fn write_insatser(&mut self, files: &mut Files, visit: &Visit, rng: &mut Rng) -> Result<(), Error> {
        let file = &mut files.insats;
        let count = i32::try_from(rng.weighted(&[25, 40, 25, 10]) + 1).unwrap_or(1);
        for line in 1..=count {
            let planned = visit.minutes / count;
            let done = visit.made.is_some() && rng.chance(970, 1_000);
            file.number(self.besok_id);
            file.number(line.into());
            file.text(visit::draw_insats(rng));
            file.number(planned.into());
            file.number(if done { (planned + rng.between(-3, 4)).max(1).into() } else { 0 });
            file.text(if done { "J" } else { "N" });
            file.text(if done { "" } else { "avböjt" });
            file.end_row()?;
        }
        Ok(())
    }

    /// A late correction of the time a visit ended.
    fn write_korr(&mut self, files: &mut Files, visit: &Visit, rng: &mut Rng) -> Result<(), Error> {
        let quotas = &mut self.quotas;
        let broken =
            broken(true, [&mut quotas.korr_separator, &mut quotas.korr_newline, &mut quotas.korr_lost]);
        let file = &mut files.korr;
        if let Some(broken) = broken {
            let key = format!("{}:{}", file.name, file.next_line());
            self.ledger.mark(("D68", SYSTEM, "korr", broken.action()), key);
        }
        self.korr_id += 1;
        let end = visit.made.map_or(visit.plan_end, |(_, end)| end);
        file.number(self.korr_id);
        file.number(self.besok_id);
        file.text("FaktSlut");
        file.time(Some(end));
        file.time(Some(end.plus_minutes(rng.between(1, 25))));
        let reason = rng.pick(&REASONS);
        free_text(file, reason, &["ringt samordnare", "se mejl", "klart"], broken, rng);
        if broken != Some(Broken::Lost) {
            file.text("SAMORD");
            file.time(Some(later(visit.plan_end, rng)));
        }
        file.end_row()
    }

    /// The visit as it was planned in SchemOS, and one more in ten that was never made.
    fn plan(&mut self, place: usize, files: &Files, visit: &Visit, rng: &mut Rng) -> Result<(), Error> {
        let planned = Planned {
            customer: i64::try_from(place).unwrap_or(0) + 1,
            unit: files.utforare,
            start: visit.plan_start,
            end: visit.plan_end,
            double: visit.double,
            besok: Some(self.besok_id),
            made: visit.made.is_some(),
        };
        self.schemos.write_planned(&planned, rng)?;
        if rng.chance(100, 1_000) {
            let unmade = Planned { besok: None, made: false, double: false, ..planned };
            self.schemos.write_planned(&unmade, rng)?;
        }
        Ok(())
    }
}

impl Broken {
    fn action(self) -> Action {
        match self {
            Self::Separator | Self::Newline => Action::Fix,
            Self::Lost => Action::Quarantine,
        }
    }
}

fn broken(may: bool, quotas: [&mut Quota; 3]) -> Option<Broken> {
    if !may {
        return None;
    }
    let [separator, newline, lost] = quotas.map(Quota::strikes);
    let hits = [(separator, Broken::Separator), (newline, Broken::Newline), (lost, Broken::Lost)];
    hits.into_iter().find(|(hit, _)| *hit).map(|(_, broken)| broken)
}

/// Writes the one free text of a row, broken if it is to be. In the third era some whole texts hold a
/// separator too, and are quoted as they should be.
fn free_text(file: &mut ExportFile, text: &str, tails: &[&str], broken: Option<Broken>, rng: &mut Rng) {
    let tail = rng.pick(tails);
    match broken {
        Some(Broken::Separator) => file.raw(&format!("{text}; {tail}")),
        Some(Broken::Newline) => file.raw(&format!("{text}\r\n{tail}")),
        Some(Broken::Lost) | None => file.free(text, tail, rng.chance(100, 1_000)),
    }
}

fn person<'a>(persons: &'a [Person], kund: &Kund) -> &'a Person {
    &persons[usize::try_from(kund.person).expect("a place in the city fits usize")]
}

/// `besok.Personnr`: twelve digits, ten where the century is certain, or nothing. A wrong number stays in
/// the file of kunder.
fn personnr<'a>(kund: &'a Kund, rng: &mut Rng) -> &'a str {
    let kind = rng.weighted(&[60, 20, 20]);
    let certain = kund.pnr.as_str() >= "1925";
    match kind {
        _ if kund.defect.is_some() && !is_private(kund.utforare) => "",
        0 => &kund.pnr,
        1 if certain => &kund.pnr[2..],
        _ => "",
    }
}

/// How a visit was receipted: by telephone while positions were used, then by tag; sometimes by hand.
fn receipt(era: Era, visit: &Visit, rng: &mut Rng) -> &'static str {
    let usual = if era.has_tag() { "N" } else { "T" };
    let drawn = rng.pick(&[usual, usual, usual, usual, usual, usual, usual, usual, "M", "A"]);
    if visit.made.is_some() { drawn } else { "S" }
}

/// Some days later, but never after the city's last day.
fn later(time: Stamp, rng: &mut Rng) -> Stamp {
    time.plus_minutes(rng.between(600, 7_000)).min(Stamp::at(TODAY, 23, 59))
}
