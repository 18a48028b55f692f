//! The headings and terms that notes hang on, in two versions.

use crate::error::Error;
use crate::sqlite::{Value, row};
use crate::truth::Action;

use super::{BREAK, Day, SOKORD, Vodok};

/// The old headings, VIPS: code, text, whether the national terms have a counterpart.
const VIPS: [(&str, &str, bool); 10] = [
    ("V1", "Kommunikation", true),
    ("V2", "Andning/cirkulation", true),
    ("V3", "Nutrition", true),
    ("V4", "Elimination", true),
    ("V5", "Hud/vävnad", true),
    ("V6", "Aktivitet", true),
    ("V7", "Sömn", true),
    ("V8", "Smärta", true),
    ("V9", "Psykosocialt", false),
    ("V10", "Samordning", false),
];

/// The new tree's top headings.
const HEADINGS: [(&str, &str); 8] = [
    ("R1", "Uppmärksamhetsinformation"),
    ("R2", "Aktivitet/Delaktighet"),
    ("R3", "Kroppsfunktion/-struktur"),
    ("R4", "Omgivningsfaktorer"),
    ("R5", "Mätvärden"),
    ("R6", "Utförda bedömningar"),
    ("R7", "Hälsoplan"),
    ("R8", "Samordning/administration/planering"),
];

/// The new terms, ICF: (code, text, the heading above, from 0).
pub(super) const ICF: [(&str, &str, i64); 10] = [
    ("d3", "Kommunikation", 1),
    ("b440", "Andningsfunktioner", 2),
    ("b410", "Hjärtfunktioner", 2),
    ("d550", "Att äta", 1),
    ("b525", "Avföringsfunktioner", 2),
    ("b810", "Hudens skyddsfunktioner", 2),
    ("d450", "Att gå", 1),
    ("b134", "Sömn", 2),
    ("b280", "Smärta", 2),
    ("e310", "Närmaste familjen", 3),
];

/// `SOKID` of the first heading and of the first ICF term that has a number of its own; VIPS starts at 1.
const FIRST_HEADING: i64 = 101;
const FIRST_ICF: i64 = 201;

/// `SOKID` of a term in use on the day. A word that VIPS had too keeps its number in the new version.
pub(super) fn term_id(day: Day, place: i64) -> i64 {
    if day < BREAK { place + 1 } else { icf_id(place) }
}

fn icf_id(place: i64) -> i64 {
    let word = usize::try_from(place).ok().and_then(|place| ICF.get(place)).map(|(_, text, _)| *text);
    let kept = (1..).zip(VIPS).find(|(_, (_, text, _))| Some(*text) == word);
    kept.map_or(FIRST_ICF + place, |(id, _)| id)
}

impl Vodok<'_> {
    pub(super) fn write_terms(&mut self) -> Result<(), Error> {
        let old = Day::of(2005, 1, 1).iso();
        let (last, new) = (BREAK.plus(-1).iso(), BREAK.iso());
        for (id, (code, text, has_counterpart)) in (1_i64..).zip(VIPS) {
            if !has_counterpart {
                self.mark("D53", "SOKORD", Action::Flag, &format!("{id}|1"));
            }
            let (from, to) = (old.clone(), last.clone());
            self.db.push(SOKORD, row![id, 1, "VIPS", code, text, Value::Null, from, to])?;
        }
        for (id, (code, text)) in (FIRST_HEADING..).zip(HEADINGS) {
            let from = new.clone();
            self.db.push(SOKORD, row![id, 2, "RUB", code, text, Value::Null, from, Value::Null])?;
        }
        for (place, (code, text, above)) in (0_i64..).zip(ICF) {
            let (id, over) = (icf_id(place), FIRST_HEADING + above);
            let from = new.clone();
            self.db.push(SOKORD, row![id, 2, "ICF", code, text, over, from, Value::Null])?;
        }
        Ok(())
    }
}
