//! The registers of a month: kunder, staff and absences, each as a whole snapshot.

use super::away::Away;
use super::kund::{Kund, KundDefect};
use super::month::{Broken, Files, broken, free_text};
use super::roster::Roster;
use super::{Paraga, SYSTEM};
use crate::calendar::{Stamp, TODAY};
use crate::error::Error;
use crate::population::Person;
use crate::rng::Rng;
use crate::schemos::home;
use crate::truth::Action;

/// How a row of `kund` was spoiled by a spreadsheet or by hand, if it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoiled {
    /// D78: `Kommun` lost its leading zero.
    Kommun,
    /// D78: `Personnr` is a formula.
    Formula,
    /// D26: day and month of `From` changed places.
    Swapped,
}

impl Spoiled {
    fn mark(self) -> (&'static str, Action) {
        match self {
            Self::Kommun | Self::Formula => ("D78", Action::Fix),
            Self::Swapped => ("D26", Action::Flag),
        }
    }
}

impl Paraga<'_> {
    pub(super) fn write_kund(&mut self, files: &mut Files, kund: &Kund) -> Result<(), Error> {
        let person = person(&self.city.persons, kund);
        let whole = kund.defect.is_none() && !person.is_protected();
        let quotas = &mut self.quotas;
        let broken =
            broken(whole, [&mut quotas.kund_separator, &mut quotas.kund_newline, &mut quotas.kund_lost]);
        let spoiled = if whole && broken.is_none() { self.spoil(kund) } else { None };
        let file = &mut files.kund;
        let key = file.next_key();
        let defect = match (broken, kund.defect, spoiled) {
            (Some(broken), _, _) => Some(("D68", broken.action())),
            (None, Some(KundDefect::CheckDigit), _) => Some(("D01", Action::Flag)),
            (None, Some(KundDefect::Reserve), _) => Some(("D05", Action::Norm)),
            (None, None, spoiled) => spoiled.map(Spoiled::mark),
        };
        if let Some((id, action)) = defect {
            self.ledger.mark((id, SYSTEM, "kund", action), key);
        }
        let mut rng = Rng::keyed(self.city.seed, "kund/tail", person.index.into());
        let (first, last) = person.name(self.city.seed);
        file.text(&kund.number);
        match spoiled {
            Some(Spoiled::Formula) => file.text(&format!("=\"{}\"", kund.pnr)),
            Some(Spoiled::Kommun | Spoiled::Swapped) | None => file.text(&kund.pnr),
        }
        if person.is_protected() {
            ["Skyddad", "", "", "", ""].iter().for_each(|field| file.text(field));
        } else {
            let (street, postcode) = home(self.city.seed, person);
            file.text(&format!("{first} {last}"));
            free_text(file, &street, &["lgh 1102", "port B", "2 tr"], broken, &mut rng);
            file.text(&postcode);
            file.text("STOCKHOLM");
            file.text(if spoiled == Some(Spoiled::Kommun) { "180" } else { "0180" });
        }
        file.text(&files.id);
        file.text(if person.is_protected() { "J" } else { "N" });
        if broken != Some(Broken::Lost) {
            file.text(&from(kund, spoiled));
            let ended = kund.to <= files.month && kund.to < TODAY.month();
            file.text(&if ended { kund.to.last_day().iso() } else { String::new() });
        }
        file.end_row()
    }

    /// Only a day after the twelfth shows that it changed places with the month.
    fn spoil(&mut self, kund: &Kund) -> Option<Spoiled> {
        let quotas = &mut self.quotas;
        if quotas.kommun.strikes() {
            Some(Spoiled::Kommun)
        } else if quotas.formula.strikes() {
            Some(Spoiled::Formula)
        } else if kund.day > 12 && quotas.swapped_day.strikes() {
            Some(Spoiled::Swapped)
        } else {
            None
        }
    }

    /// Writes who works for the utförare, and makes the roster of those who are there to the end.
    pub(super) fn write_staff(&mut self, files: &mut Files) -> Result<Roster, Error> {
        let (seed, utforare, month) = (self.city.seed, self.utforare, files.month);
        let here = self.schemos.staff_of(files.utforare);
        let mut roster = Roster::new(month, here.filter(|one| one.works(month)).map(|one| one.id));
        let mut leaves = Vec::new();
        for employee in self.schemos.staff_of(files.utforare) {
            if employee.left.is_some_and(|left| left.day().month() < month) {
                continue;
            }
            let file = &mut files.personal;
            file.text(&employee.number());
            file.text(&employee.hsa_id);
            file.text(&format!("{} {}", employee.first_name, employee.last_name));
            file.text(&files.id);
            file.text(&employee.hired.day().iso());
            let left = employee.left.filter(|left| left.day().month() == month);
            file.text(&left.map_or_else(String::new, |left| left.day().iso()));
            file.end_row()?;
            if let Some(leave) = employee.leave(seed, utforare, month).filter(|_| employee.works(month)) {
                let end = Stamp::at(leave.to.plus(1), 0, 0);
                roster.occupy(employee.id, Stamp::at(leave.from, 0, 0), end);
                leaves.push((employee.id, leave));
            }
        }
        for (employee, leave) in leaves {
            self.schemos.write_leave(employee, &leave)?;
        }
        Ok(roster)
    }

    /// Writes when the kund was away, if so; never during the trial.
    pub(super) fn write_away(&mut self, files: &mut Files, kund: &Kund) -> Result<Option<Away>, Error> {
        let away = Away::draw(self.city.seed, kund.person, files.month);
        let Some(away) = away.filter(|away| !files.trial && away.from >= kund.first_day()) else {
            return Ok(None);
        };
        let file = &mut files.franvaro;
        file.text(&kund.number);
        file.text(&files.id);
        file.text(away.kind);
        file.text(&away.from.iso());
        file.text(&away.to.iso());
        file.end_row()?;
        Ok(Some(away))
    }
}

/// `kund.From`.
fn from(kund: &Kund, spoiled: Option<Spoiled>) -> String {
    let text = kund.first_day().iso();
    if spoiled == Some(Spoiled::Swapped) {
        format!("{}-{}-{}", &text[..4], &text[8..], &text[5..7])
    } else {
        text
    }
}

pub(super) fn person<'a>(persons: &'a [Person], kund: &Kund) -> &'a Person {
    &persons[usize::try_from(kund.person).expect("a place in the city fits usize")]
}
