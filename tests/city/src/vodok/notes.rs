//! Notes with their versions and signatures, the actions they tell of, and who read them.

use crate::calendar::{Day, Stamp};
use crate::error::Error;
use crate::prose;
use crate::rng::Rng;
use crate::sqlite::row;
use crate::truth::Action;

use super::staff::unit_id;
use super::terms::term_id;
use super::{ACTIONS, ATKOMSTLOGG, BREAK, JRN_ANT, KVA_ATG, Patient, SIGNATUR, Vodok, next};

/// Minutes from one version of a note to the next.
const CORRECTED_AFTER: i32 = 20;

/// What is the same in all versions of a note.
struct Note<'a> {
    patient: &'a Patient<'a>,
    /// `VTID` and the unit, from 0.
    stay: (i64, u32),
    term: i64,
    day: Day,
    at: Stamp,
    registered: Stamp,
    author: (i64, &'static str),
}

impl Vodok<'_> {
    /// The notes of one patient, each on a day of its own. The city's first patient has one on either side
    /// of the change of terms, both under the word that VIPS and ICF share.
    pub(super) fn write_notes(&mut self, patient: &Patient<'_>) -> Result<(), Error> {
        let mut rng = self.stream("JRN_ANT", patient);
        let (first, last) = (patient.first_day(), patient.last_day().plus(-1));
        let span = last.0 - first.0;
        let count = rng.between(150, 510).min(span);
        for number in 0..count {
            let day = first.plus(number * span / count);
            let place = i64::from(rng.between(0, 9));
            self.write_note(patient, day, term_id(day, place), &mut rng)?;
        }
        if patient.number == 1 {
            for day in [BREAK.plus(-1), BREAK.plus(1)] {
                self.write_note(patient, day, term_id(day, 0), &mut rng)?;
            }
        }
        Ok(())
    }

    fn write_note(&mut self, patient: &Patient<'_>, day: Day, term: i64, rng: &mut Rng) -> Result<(), Error> {
        let at = Stamp::at(day, rng.between(6, 20), rng.between(0, 59));
        let author = self.staff.working(day, rng);
        let stay = patient.stay_on(day);
        let note = Note {
            patient,
            stay: (stay.id, stay.unit),
            term,
            day,
            at,
            registered: at.plus_minutes(rng.between(0, 90)).plus_ms(rng.between(0, 59_999)),
            author: (author.id, author.profession),
        };
        let id = self.write_versions(&note, rng)?;
        if rng.chance(200, 1_000) {
            self.write_action(&note, rng.chance(850, 1_000).then_some(id), rng)?;
        }
        if rng.chance(180, 1_000) {
            self.write_access(&note, rng)?;
        }
        Ok(())
    }

    /// Writes a note and, for one in twenty-five, the versions that replaced it; one in six of those was
    /// corrected twice. Gives the key of the last version.
    ///
    /// Of a note whose original is gone only the later version is written.
    fn write_versions(&mut self, note: &Note<'_>, rng: &mut Rng) -> Result<i64, Error> {
        let gone = self.quotas.orphan.strikes();
        let replaced = gone || rng.chance(40, 1_000);
        let versions = match replaced {
            true if !gone && rng.chance(160, 1_000) => 3,
            true => 2,
            false => 1,
        };
        let mut earlier = None;
        for version in 1..=versions {
            let id = next(&mut self.ids.note);
            if gone && version == 1 {
                earlier = Some(id);
                continue;
            }
            if gone {
                self.mark("D52", "JRN_ANT", Action::Quarantine, &id);
            }
            self.write_version(note, (id, version, earlier), version < versions, rng)?;
            earlier = Some(id);
        }
        Ok(self.ids.note)
    }

    fn write_version(
        &mut self,
        note: &Note<'_>,
        (id, version, earlier): (i64, i32, Option<i64>),
        wrong: bool,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let registered = note.registered.plus_minutes(CORRECTED_AFTER * (version - 1));
        let marked = wrong.then(|| registered.plus_minutes(CORRECTED_AFTER).full());
        let length = rng.between(60, 420);
        let row = row![
            id,
            note.patient.id.clone(),
            note.stay.0,
            note.term,
            note.at.full(),
            registered.full(),
            note.author.0,
            prose::note(rng, length),
            version,
            earlier,
            marked,
            wrong.then_some(note.author.0),
        ];
        self.db.push(JRN_ANT, row)?;
        self.write_signatures(note, id, registered, rng)
    }

    /// Nearly every note is signed within a day, three in a hundred by somebody else than the author; a few
    /// are witnessed or countersigned too.
    fn write_signatures(
        &mut self,
        note: &Note<'_>,
        id: i64,
        registered: Stamp,
        rng: &mut Rng,
    ) -> Result<(), Error> {
        let day = note.day;
        if rng.chance(970, 1_000) {
            let other = rng.chance(30, 1_000);
            let signer = if other { self.staff.working(day, rng).id } else { note.author.0 };
            let signed = registered.plus_minutes(rng.between(1, 900));
            self.db.push(SIGNATUR, row![id, signer, signed.full(), "S"])?;
        }
        if rng.chance(30, 1_000) {
            let kind = if rng.chance(700, 1_000) { "V" } else { "K" };
            let (witness, seen) = (self.staff.working(day, rng).id, registered.plus_minutes(901));
            self.db.push(SIGNATUR, row![id, witness, seen.full(), kind])?;
        }
        Ok(())
    }

    /// One action in fifty has a code that is too coarse to be reported; one in two hundred has the code of
    /// a profession where that of the action should stand.
    fn write_action(&mut self, note: &Note<'_>, told_in: Option<i64>, rng: &mut Rng) -> Result<(), Error> {
        let id = next(&mut self.ids.action);
        let mut code = rng.pick(&ACTIONS).to_owned();
        if self.quotas.unreportable.strikes() {
            code.replace_range(2.., "000");
            self.mark("D53", "KVA_ATG", Action::Flag, &id);
        } else if rng.chance(5, 1_000) {
            note.author.1.clone_into(&mut code);
        }
        let status = ["U", "P", "A"][rng.weighted(&[88, 9, 3])];
        let (patient, at) = (note.patient.id.clone(), note.at.small());
        self.db.push(KVA_ATG, row![id, told_in, patient, note.stay.0, code, note.author.1, at, status])
    }

    fn write_access(&mut self, note: &Note<'_>, rng: &mut Rng) -> Result<(), Error> {
        let reader = self.staff.working(note.day, rng).id;
        let function = rng.pick(&["LÄS", "LÄS", "SKR", "SÖK", "UTS"]);
        let (time, unit) = (note.registered.plus_minutes(5).full(), unit_id(note.stay.1));
        self.db.push(ATKOMSTLOGG, row![time, reader, note.patient.id.clone(), function, unit])
    }
}
