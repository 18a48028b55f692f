//! Documents of a file, and the log of who looked at what.

use crate::calendar::{Stamp, TODAY};
use crate::error::Error;
use crate::prose;
use crate::rng::Rng;
use crate::sqlite::row;

use super::person::Life;
use super::{DOKUMENT, LOGG, Paraply, next};

const TEMPLATES: [&str; 4] = ["BESLUTSMEDDELANDE", "UTREDNING", "KALLELSE", "BREV"];

impl Paraply<'_> {
    pub(super) fn write_documents(&mut self, life: &Life<'_>) -> Result<(), Error> {
        let mut rng = self.stream("DOKUMENT", life.person);
        for akt in &life.akter {
            let last = akt.closed.unwrap_or(TODAY);
            for _ in 0..rng.weighted(&[40, 35, 25]) {
                let day = akt.opened.plus(rng.between(0, last.0 - akt.opened.0));
                let at = Stamp::at(day, rng.between(8, 16), rng.between(0, 59));
                let case = rng.chance(700, 1_000).then(|| rng.pick_ref(&akt.cases).id);
                let by = self.handler(&mut rng);
                let (format, content) = content(&mut rng);
                let row = row![
                    next(&mut self.ids.dokument),
                    akt.id,
                    case,
                    rng.pick(&TEMPLATES),
                    rng.between(1, 3),
                    at.plus_ms(rng.between(0, 59_999)).full(),
                    by,
                    rng.chance(850, 1_000),
                    format,
                    content,
                ];
                self.db.push(DOKUMENT, row)?;
            }
        }
        Ok(())
    }

    pub(super) fn write_log(&mut self, life: &Life<'_>) -> Result<(), Error> {
        let mut rng = self.stream("LOGG", life.person);
        for akt in &life.akter {
            let last = akt.closed.unwrap_or(TODAY);
            for _ in 0..rng.between(1, 3) {
                let day = akt.opened.plus(rng.between(0, last.0 - akt.opened.0));
                let at = Stamp::at(day, rng.between(7, 18), rng.between(0, 59));
                let function = rng.pick(&["PERVIS", "AKTVIS", "JRNSKR", "BESUTS"]);
                let file = (function != "PERVIS").then_some(akt.id);
                let by = self.handler(&mut rng);
                let time = at.plus_ms(rng.between(0, 59_999)).full();
                let id = next(&mut self.ids.logg);
                self.db.push(LOGG, row![id, time, by, function, life.person.pers_id(), file])?;
            }
        }
        Ok(())
    }
}

/// A small document: most are RTF, of the others only the first bytes are as they should be.
fn content(rng: &mut Rng) -> (&'static str, Vec<u8>) {
    let length = rng.between(100, 400);
    let text = prose::note(rng, length);
    let binary = |head: &[u8]| [head, text.as_bytes()].concat();
    match rng.weighted(&[75, 10, 10, 5]) {
        0 => ("RTF", prose::rtf(&text).into_bytes()),
        1 => ("DOC", binary(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0, 0])),
        2 => ("PDF", binary(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")),
        _ => ("TIF", binary(&[0x49, 0x49, 0x2a, 0, 8, 0, 0, 0])),
    }
}
