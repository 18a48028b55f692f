//! One month of one utförare: its files, opened, filled and closed.

use std::fs;

use super::era::{
    Era, FRANVARO_HEADER, INSATS_HEADER, KONTROLL_HEADER, KORR_HEADER, KUND_HEADER, PERSONAL_HEADER,
};
use super::file::ExportFile;
use super::kund::utforare_id;
use super::overlap::{Made, Overlap, overlaps};
use super::roster::Roster;
use super::{Paraga, SYSTEM};
use crate::calendar::{Month, Stamp};
use crate::error::Error;
use crate::rng::Rng;
use crate::truth::{Action, Quota};

/// The files of one month and utförare.
pub(super) struct Files {
    pub(super) era: Era,
    pub(super) utforare: u32,
    pub(super) id: String,
    pub(super) month: Month,
    /// The month of trial, in which every utförare makes few visits and nothing goes wrong in them.
    pub(super) trial: bool,
    pub(super) besok: ExportFile,
    pub(super) insats: ExportFile,
    pub(super) kund: ExportFile,
    pub(super) korr: ExportFile,
    pub(super) personal: ExportFile,
    pub(super) franvaro: ExportFile,
    pub(super) kontroll: ExportFile,
    /// The sum of `UtfMin`.
    pub(super) minutes: i64,
}

/// A month of one utförare while it is written.
pub(super) struct Round {
    pub(super) files: Files,
    pub(super) roster: Roster,
    /// The visits that were made so far.
    pub(super) made: Vec<Made>,
    /// The latest visit that was made as it should be: its number and its end.
    pub(super) last: Option<(i64, Stamp)>,
}

/// How a row breaks (D68).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// An unquoted separator in its free text: one field too many.
    Separator,
    /// A line break in its free text: two physical lines.
    Newline,
    /// Its last two fields are lost.
    Lost,
}

impl Files {
    /// D67: the second utförare never delivered the visits of the trial.
    pub(super) fn is_missing(&self) -> bool {
        self.trial && self.utforare == 1
    }

    /// D69: the first utförare's control line of the trial is wrong.
    fn is_disputed(&self) -> bool {
        self.trial && self.utforare == 0
    }
}

impl Paraga<'_> {
    pub(super) fn write_month(
        &mut self,
        month: Month,
        era: Era,
        utforare: u32,
        per_kund: i32,
    ) -> Result<(), Error> {
        let mut files = self.open(month, era, utforare)?;
        let roster = self.write_staff(&mut files)?;
        self.write_due(&mut files)?;
        let mut round = Round { files, roster, made: Vec::new(), last: None };
        let kunder = std::mem::take(&mut self.kunder);
        let active =
            kunder.iter().enumerate().filter(|(_, kund)| kund.utforare == utforare && kund.is_active(month));
        for (ordinal, (place, kund)) in active.enumerate() {
            self.write_kund(&mut round.files, kund)?;
            let away = self.write_away(&mut round.files, kund)?;
            let count = match (round.files.trial, ordinal) {
                (false, _) => per_kund,
                (true, 0) => super::VISITS_ON_TRIAL,
                (true, _) => continue,
            };
            self.write_visits(&mut round, (place, kund), away.as_ref(), count)?;
        }
        self.kunder = kunder;
        self.write_clock_change(&mut round)?;
        self.close(round)
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
            personal: create("personal", month.compact(), PERSONAL_HEADER)?,
            franvaro: create("franvaro", month.compact(), FRANVARO_HEADER)?,
            kontroll: create("kontroll", month.compact(), KONTROLL_HEADER)?,
            era,
            utforare,
            id,
            month,
            trial: self.months.first() == Some(&month),
            minutes: 0,
        })
    }

    fn close(&mut self, round: Round) -> Result<(), Error> {
        let Round { mut files, made, last, .. } = round;
        for (overlap, key) in overlaps(made) {
            let id = match overlap {
                Overlap::Twice => "D59",
                Overlap::SameVisit => "D60",
            };
            self.ledger.mark((id, SYSTEM, "besok", Action::Flag), key);
        }
        self.correct_across(&files, last);
        self.write_control_line(&mut files)?;
        let (trial, missing) = (files.trial, files.is_missing());
        let (name, rows, lines) = (files.besok.name.clone(), files.besok.rows, files.besok.data_lines());
        for (kind, file) in [
            ("besok", files.besok),
            ("insats", files.insats),
            ("kontroll", files.kontroll),
            ("kund", files.kund),
            ("korr", files.korr),
            ("personal", files.personal),
            ("franvaro", files.franvaro),
        ] {
            if missing && matches!(kind, "besok" | "insats" | "kontroll") {
                self.withhold(kind, file)?;
            } else {
                self.account(kind, &file.name, file.rows, file.data_lines());
                file.finish()?;
            }
        }
        if rows > 0 && !trial && self.quotas.delivered_twice.strikes() {
            self.deliver_again(&name, rows, lines)?;
        }
        Ok(())
    }

    /// The control line: how many visits and minutes there ought to be.
    fn write_control_line(&mut self, files: &mut Files) -> Result<(), Error> {
        let rows = files.besok.rows;
        let disputed = files.is_disputed();
        if disputed {
            self.ledger.mark(("D69", SYSTEM, "kontroll", Action::Stop), files.kontroll.next_key());
            for line in 0..rows {
                let key = format!("{}:{}", files.besok.name, line + 2);
                self.ledger.mark(("D69", SYSTEM, "besok", Action::Stop), key);
            }
        }
        let file = &mut files.kontroll;
        file.text(&files.month.compact());
        file.text(&files.id);
        file.number(i64::try_from(rows).unwrap_or(i64::MAX) + i64::from(disputed));
        file.number(files.minutes);
        file.end_row()
    }

    /// D67: a file that was never delivered. Nobody expects a control line, so only the others are missed.
    fn withhold(&mut self, kind: &str, file: ExportFile) -> Result<(), Error> {
        let name = file.name.clone();
        file.finish()?;
        fs::remove_file(self.directory.join(&name)).map_err(Error::io(name.as_str()))?;
        if kind != "kontroll" {
            self.ledger.mark(("D67", SYSTEM, "besok", Action::Stop), name);
        }
        Ok(())
    }

    pub(super) fn account(&mut self, kind: &str, name: &str, rows: u64, lines: u64) {
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
}

impl Broken {
    pub(super) fn action(self) -> Action {
        match self {
            Self::Separator | Self::Newline => Action::Fix,
            Self::Lost => Action::Quarantine,
        }
    }
}

pub(super) fn broken(may: bool, quotas: [&mut Quota; 3]) -> Option<Broken> {
    if !may {
        return None;
    }
    let [separator, newline, lost] = quotas.map(Quota::strikes);
    let hits = [(separator, Broken::Separator), (newline, Broken::Newline), (lost, Broken::Lost)];
    hits.into_iter().find(|(hit, _)| *hit).map(|(_, broken)| broken)
}

/// Writes the one free text of a row, broken if it is to be. In the third era some whole texts hold a
/// separator too, and are quoted as they should be.
pub(super) fn free_text(
    file: &mut ExportFile,
    text: &str,
    tails: &[&str],
    broken: Option<Broken>,
    rng: &mut Rng,
) {
    let tail = rng.pick(tails);
    match broken {
        Some(Broken::Separator) => file.raw(&format!("{text}; {tail}")),
        Some(Broken::Newline) => file.raw(&format!("{text}\r\n{tail}")),
        Some(Broken::Lost) | None => file.free(text, tail, rng.chance(100, 1_000)),
    }
}
