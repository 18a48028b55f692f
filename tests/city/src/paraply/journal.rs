//! Journal notes.

use crate::calendar::{Stamp, TODAY};
use crate::error::Error;
use crate::population::Person;
use crate::prose;
use crate::rng::Rng;
use crate::sqlite::row;
use crate::truth::Action;

use super::arende::Akt;
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
}

impl Paraply<'_> {
    pub(super) fn write_notes(&mut self, person: &Person, akter: &[Akt]) -> Result<(), Error> {
        if akter.is_empty() {
            return Ok(());
        }
        let mut rng = self.stream("JOURNAL", person);
        let count = if writes_much(person) { rng.between(800, 1_040) } else { rng.between(10, 88) };
        for _ in 0..count {
            let akt = rng.pick_ref(akter);
            self.write_note(akt, &mut rng)?;
        }
        Ok(())
    }

    /// Writes a note; one in a hundred and fifty is marked as wrong and corrected by the next one (H22).
    fn write_note(&mut self, akt: &Akt, rng: &mut Rng) -> Result<(), Error> {
        let last = akt.closed.unwrap_or(TODAY);
        let day = akt.opened.plus(rng.between(0, last.0 - akt.opened.0));
        let at = Stamp::at(day, rng.between(8, 16), rng.between(0, 59));
        let young = TODAY.0 - day.0 <= DAYS_TO_SIGN;
        // Young notes may be unsigned without fault; a note from the edge of the period is always signed.
        let old = TODAY.0 - day.0 > DAYS_TO_SIGN + 2;
        let overdue = old && self.quotas.note_unsigned.strikes();
        if overdue {
            self.mark("D48", "JOURNAL", Action::Flag, self.ids.journal + 1);
        }
        let unsigned = overdue || (young && day.0 < TODAY.0 && rng.chance(200, 1_000));
        let wrong = !unsigned && old && rng.chance(7, 1_000);
        let note = Written { at, unsigned, corrects: None, wrong };
        let id = self.write_written(akt, note, rng)?;
        if wrong {
            let correction = Written { corrects: Some(id), wrong: false, ..note };
            self.write_written(akt, correction, rng)?;
        }
        Ok(())
    }

    fn write_written(&mut self, akt: &Akt, written: Written, rng: &mut Rng) -> Result<i64, Error> {
        let id = next(&mut self.ids.journal);
        let end_of_city = Stamp::at(TODAY, 23, 0);
        let latest = if rng.chance(9, 10) { 240 } else { 2_880 };
        let minutes = rng.between(0, latest);
        let typed = written.at.plus_minutes(minutes).plus_ms(rng.between(0, 59_999)).min(end_of_city);
        let signed = typed.plus_minutes(rng.between(0, 600)).min(end_of_city.plus_minutes(30));
        let author = self.handler(rng);
        let case = rng.chance(800, 1_000).then(|| rng.pick_ref(&akt.cases).id);
        let length = rng.between(120, 960);
        let text = prose::note(rng, length);
        let text = if rng.chance(50, 1_000) { prose::rtf(&text) } else { text };
        let row = row![
            id,
            akt.id,
            case,
            written.at.small(),
            typed.full(),
            author.clone(),
            (!written.unsigned).then(|| signed.full()),
            (!written.unsigned).then_some(author),
            rng.pick(&HEADINGS),
            rng.pick(&["JA", "TE", "BE", "HA"]),
            written.corrects,
            written.wrong,
            "N",
            text,
        ];
        self.db.push(JOURNAL, row)?;
        Ok(id)
    }
}
