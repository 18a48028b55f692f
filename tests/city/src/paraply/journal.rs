//! Journal notes.

use crate::calendar::{Day, Stamp, TODAY};
use crate::error::Error;
use crate::names;
use crate::population::Person;
use crate::prose;
use crate::rng::Rng;
use crate::sqlite::row;
use crate::truth::Action;

use super::arende::Akt;
use super::person::Life;
use super::registry::REUSED_IDS;
use super::{JOURNAL, Paraply, next};

const HEADINGS: [&str; 8] = [
    "Telefonsamtal",
    "Möte",
    "Hembesök",
    "Uppföljning",
    "Inkommen handling",
    "Planering",
    "Beslut expedierat",
    "Samverkan",
];

/// A heading of eighty characters, where the column ended.
const CUT_HEADING: &str = "Sammanställning av samtal med skola, förskola, mödravård, vårdcentral och polis o";

/// A note may wait this long for its signature before that is a defect.
const DAYS_TO_SIGN: i32 = 30;

/// One person in a hundred has a fifth of all notes.
pub(super) fn writes_much(person: &Person) -> bool {
    person.index % 100 == 7
}

/// When a note was made and what became of it.
#[derive(Clone, Copy)]
struct Written {
    at: Stamp,
    unsigned: bool,
    corrects: Option<i64>,
    wrong: bool,
    /// Whether the row is held back: because the note it corrects, or its file, is not there.
    lost: Option<Lost>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lost {
    /// D52.
    Original,
    /// D79.
    Akt,
}

impl Paraply<'_> {
    pub(super) fn write_notes(&mut self, life: &Life<'_>) -> Result<(), Error> {
        if life.akter.is_empty() {
            return Ok(());
        }
        let mut rng = self.stream("JOURNAL", life.person);
        let count = if writes_much(life.person) { rng.between(800, 1_040) } else { rng.between(10, 88) };
        for _ in 0..count {
            let akt = rng.pick_ref(&life.akter);
            self.write_note(life, akt, &mut rng)?;
        }
        Ok(())
    }

    /// Writes a note; one in a hundred and fifty is marked as wrong and corrected by the next one (H22).
    fn write_note(&mut self, life: &Life<'_>, akt: &Akt, rng: &mut Rng) -> Result<(), Error> {
        let last = akt.closed.unwrap_or(TODAY);
        let day = akt.opened.plus(rng.between(0, last.0 - akt.opened.0));
        let lost = self.lost(day);
        let day = if lost.is_none() && self.quotas.note_outside.strikes() {
            self.mark("D50", "JOURNAL", Action::Flag, self.ids.journal + 1);
            outside(akt, life.death, rng)
        } else {
            day
        };
        let at = Stamp::at(day, rng.between(8, 16), rng.between(0, 59));
        let young = TODAY.0 - day.0 <= DAYS_TO_SIGN;
        // Young notes may be unsigned without fault; a note from the edge of the period is always signed.
        let old = TODAY.0 - day.0 > DAYS_TO_SIGN + 2;
        let overdue = old && lost.is_none() && self.quotas.note_unsigned.strikes();
        if overdue {
            self.mark("D48", "JOURNAL", Action::Flag, self.ids.journal + 1);
        }
        let unsigned = overdue || (young && day.0 < TODAY.0 && rng.chance(200, 1_000));
        let within = day >= akt.opened && life.death.is_none_or(|death| day <= death);
        let wrong = !unsigned && old && within && lost.is_none() && rng.chance(7, 1_000);
        let note = Written { at, unsigned, corrects: None, wrong, lost };
        let id = self.write_written((life.person, akt), note, rng)?;
        if wrong {
            let correction = Written { corrects: Some(id), wrong: false, ..note };
            self.write_written((life.person, akt), correction, rng)?;
        }
        Ok(())
    }

    /// Whether the note's original or its file is to be missing. Not for young notes, which may be unsigned.
    fn lost(&mut self, day: Day) -> Option<Lost> {
        if TODAY.0 - day.0 <= DAYS_TO_SIGN + 2 {
            None
        } else if self.quotas.note_lost_original.strikes() {
            Some(Lost::Original)
        } else if self.quotas.note_lost_akt.strikes() {
            Some(Lost::Akt)
        } else {
            None
        }
    }

    fn write_written(
        &mut self,
        (person, akt): (&Person, &Akt),
        written: Written,
        rng: &mut Rng,
    ) -> Result<i64, Error> {
        // What is not there had a key of its own once.
        let missing = match written.lost {
            Some(Lost::Original) => Some(next(&mut self.ids.journal)),
            Some(Lost::Akt) => Some(next(&mut self.ids.akt)),
            None => None,
        };
        let id = next(&mut self.ids.journal);
        let end_of_city = Stamp::at(TODAY, 23, 0);
        let latest = if rng.chance(9, 10) { 240 } else { 2_880 };
        let minutes = rng.between(0, latest);
        let typed = written.at.plus_minutes(minutes).plus_ms(rng.between(0, 59_999)).min(end_of_city);
        let signed = typed.plus_minutes(rng.between(0, 600)).min(end_of_city.plus_minutes(30));
        let case = rng.chance(800, 1_000).then(|| rng.pick_ref(&akt.cases).id);
        let length = rng.between(120, 960);
        let text = prose::note(rng, length);
        let (heading, author, text) = match written.lost {
            Some(_) => (rng.pick(&HEADINGS).to_owned(), self.handler(rng), text),
            None => (self.heading(id, rng), self.author(id, rng), self.text(id, person, text, rng)),
        };
        match written.lost {
            Some(Lost::Original) => self.mark("D52", "JOURNAL", Action::Quarantine, id),
            Some(Lost::Akt) => self.mark("D79", "JOURNAL", Action::Quarantine, id),
            None => {}
        }
        let in_lost_akt = written.lost == Some(Lost::Akt);
        let row = row![
            id,
            missing.filter(|_| in_lost_akt).unwrap_or(akt.id),
            case.filter(|_| !in_lost_akt),
            written.at.small(),
            typed.full(),
            author.clone(),
            (!written.unsigned).then(|| signed.full()),
            (!written.unsigned).then_some(author),
            heading,
            rng.pick(&["JA", "TE", "BE", "HA"]),
            written.corrects.or(missing.filter(|_| !in_lost_akt)),
            written.wrong,
            "N",
            text,
        ];
        self.db.push(JOURNAL, row)?;
        Ok(id)
    }

    /// `RUBRIK`, cut off or with a control character (D17) where it is this row's turn.
    fn heading(&mut self, id: i64, rng: &mut Rng) -> String {
        let heading = rng.pick(&HEADINGS);
        if !self.quotas.note_heading.strikes() {
            return heading.to_owned();
        }
        self.mark("D17", "JOURNAL", Action::Flag, id);
        if rng.chance(1, 2) { CUT_HEADING.chars().take(80).collect() } else { format!("{heading}\u{1}") }
    }

    /// `SKRIVAV`: one of the ids that two persons have had (D49) where it is this row's turn.
    fn author(&mut self, id: i64, rng: &mut Rng) -> String {
        if !self.quotas.note_reused_author.strikes() {
            return self.handler(rng);
        }
        self.mark("D49", "JOURNAL", Action::Fix, id);
        rng.pick(&REUSED_IDS).to_owned()
    }

    /// The text: some as RTF (D16), some with the address of a person whose address must not be shown (D12).
    fn text(&mut self, id: i64, person: &Person, text: String, rng: &mut Rng) -> String {
        if (person.is_protected() || person.shielded) && self.quotas.note_address.strikes() {
            self.mark("D12", "JOURNAL", Action::Flag, id);
            let (street, postcode) = (names::street(rng), names::postcode(rng));
            return format!("{text} Ny adress: {street}, {postcode} Stockholm.");
        }
        if rng.chance(50, 1_000) {
            self.mark("D16", "JOURNAL", Action::Norm, id);
            return prose::rtf(&text);
        }
        text
    }
}

/// A day before the file was opened, or after the death of the person.
fn outside(akt: &Akt, death: Option<Day>, rng: &mut Rng) -> Day {
    match death {
        Some(death) if death.plus(40) < TODAY => death.plus(rng.between(1, 30)),
        _ => akt.opened.plus(-rng.between(1, 40)),
    }
}
