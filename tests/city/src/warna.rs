//! Wärna: the guardians of those who cannot look after their own affairs, 2005-2024, as one SQLite file.
//!
//! The schema is invented. The system knows of no protection of persons, and writes dates as ISO does.

mod account;
mod duty;

use std::path::Path;

use crate::calendar::{Day, TODAY};
use crate::codes::Area;
use crate::error::Error;
use crate::generation::Progress;
use crate::names;
use crate::organisation::DISTRICTS;
use crate::population::{Outsider, Person, Population};
use crate::rng::Rng;
use crate::sqlite::{Database, TableSpec, row, spec};
use crate::truth::{Action, Ledger, Quota};

const SYSTEM: &str = "warna";

/// The tables, in the order of the indices below.
static TABLES: [TableSpec; 7] = [
    spec("HUVUDMAN", "id*# pnr namn adress sdn"),
    spec("STALLFORETRADARE", "id*# pnr namn utbildad#"),
    spec("UPPDRAG", "id*# huvudman_id# stf_id# typ lagrum from to forordnad_av"),
    spec("REDOVISNING", "id*# uppdrag_id# ar# typ inkommen granskad anmarkning arvode"),
    spec("BESLUT", "id*# uppdrag_id# typ lagrum datum utfall"),
    spec("HANDELSE", "id*# uppdrag_id# datum typ text"),
    spec("DOKUMENT", "id*# uppdrag_id# namn format skapad innehall%"),
];

const HUVUDMAN: usize = 0;
const STALLFORETRADARE: usize = 1;
const UPPDRAG: usize = 2;
const REDOVISNING: usize = 3;
const BESLUT: usize = 4;
const HANDELSE: usize = 5;
const DOKUMENT: usize = 6;

const FIRST_DAY: Day = Day::of(2005, 1, 1);

/// The places of the persons who are always wards: one elder, and the one elder who is always protected.
const WARDS: [u32; 2] = [0, 3];
/// The place of the person who is always a guardian.
const GUARDIAN: u32 = 8;

/// Which rows are to be wrong.
struct Quotas {
    mojibake: Quota,
    law: Quota,
    open_end: Quota,
}

/// The last number of each key.
#[derive(Debug, Default)]
struct Counters {
    ward: i64,
    duty: i64,
    account: i64,
    decision: i64,
    event: i64,
    document: i64,
}

/// The next number of a counter, from 1.
fn next(counter: &mut i64) -> i64 {
    *counter += 1;
    *counter
}

/// Somebody who looks after another's affairs.
struct Guardian {
    /// `STALLFORETRADARE.id`.
    id: i64,
    of_age: Day,
}

/// Somebody who needs that.
struct Ward {
    /// `HUVUDMAN.id`.
    id: i64,
    birth: Day,
}

/// Wärna while it is written.
struct Warna<'a> {
    city: &'a Population,
    db: Database,
    ledger: &'a mut Ledger,
    ids: Counters,
    quotas: Quotas,
    guardians: Vec<Guardian>,
}

/// Writes `warna.sqlite` below the directory.
pub(crate) fn write(
    city: &Population,
    directory: &Path,
    ledger: &mut Ledger,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, Error> {
    let quota = |purpose, per_million, first| Quota::new(city.seed, purpose, per_million, first);
    let mut warna = Warna {
        city,
        db: Database::create(directory, SYSTEM, &TABLES)?,
        ledger,
        ids: Counters::default(),
        quotas: Quotas {
            mojibake: quota("D13/STALLFORETRADARE", 20_000, 1),
            law: quota("D21/UPPDRAG", 80_000, 2),
            open_end: quota("D23/UPPDRAG", 100_000, 2),
        },
        guardians: Vec::new(),
    };
    warna.write_guardians()?;
    for outsider in city.outsiders.iter().step_by(2) {
        warna.write_ward_outside(outsider)?;
    }
    for person in &city.persons {
        warna.write_ward_of_city(person)?;
        progress(Progress {
            step: SYSTEM,
            done: u64::from(person.index) + 1,
            of: u64::try_from(city.persons.len()).unwrap_or(u64::MAX),
            rows: warna.db.rows(),
        });
    }
    let rows = warna.db.rows();
    warna.db.finish(warna.ledger)?;
    Ok(rows)
}

/// The day of birth in a twelve-digit personnummer.
fn birth(number: &str) -> Option<Day> {
    let part = |range: std::ops::Range<usize>| number.get(range)?.parse::<i32>().ok();
    Some(Day::of(part(0..4)?, part(4..6)?, part(6..8)?))
}

/// The day of birth of a person who can be known here: with a right personnummer, and no second record.
fn known(person: &Person) -> Option<Day> {
    let plain = person.pnr_type == "P" && person.refers_to.is_none();
    person.clean.as_deref().filter(|_| plain).and_then(birth)
}

fn is_guardian(seed: u64, person: &Person) -> bool {
    let drawn = Rng::keyed(seed, "STALLFORETRADARE", person.index.into()).chance(35, 1_000);
    let fits = |birth: Day| (1950..1990).contains(&birth.year()) && !person.is_protected();
    (drawn || person.index == GUARDIAN) && known(person).is_some_and(fits)
}

/// One in twelve of those with a disability and of the old, and a few others.
fn is_ward(seed: u64, person: &Person) -> bool {
    let often = matches!(person.area, Area::Fn | Area::Sp | Area::Ao);
    let share = if often { 85 } else { 20 };
    let drawn = Rng::keyed(seed, "HUVUDMAN", person.index.into()).chance(share, 1_000);
    (drawn || WARDS.contains(&person.index)) && known(person).is_some() && !is_guardian(seed, person)
}

impl Warna<'_> {
    fn mark(&mut self, id: &'static str, table: &'static str, action: Action, key: i64) {
        self.ledger.mark((id, SYSTEM, table, action), key.to_string());
    }

    /// Guardians: some are persons of the city, more are not.
    fn write_guardians(&mut self) -> Result<(), Error> {
        let city = self.city;
        for person in city.persons.iter().filter(|person| is_guardian(city.seed, person)) {
            let (first, last) = person.name(city.seed);
            self.write_guardian(person.clean.clone(), first, last)?;
        }
        for (place, outsider) in (0..).zip(&city.outsiders).skip(1).step_by(2) {
            let (first, last) = outsider_name(city.seed, place, outsider);
            self.write_guardian(outsider.number.clone(), first, last)?;
        }
        Ok(())
    }

    fn write_guardian(
        &mut self,
        number: Option<String>,
        first: &'static str,
        last: String,
    ) -> Result<(), Error> {
        let id = i64::try_from(self.guardians.len()).unwrap_or(i64::MAX) + 1;
        let mut last = last;
        if !last.is_ascii() && self.quotas.mojibake.strikes() {
            last = names::mojibake(&last);
            self.mark("D13", "STALLFORETRADARE", Action::Fix, id);
        }
        let trained = !id.unsigned_abs().is_multiple_of(4);
        let born = number.as_deref().and_then(birth).unwrap_or(Day::of(1970, 1, 1));
        self.guardians.push(Guardian { id, of_age: born.plus(18 * 366) });
        self.db.push(STALLFORETRADARE, row![id, number, format!("{first} {last}"), trained])
    }

    fn write_ward_of_city(&mut self, person: &Person) -> Result<(), Error> {
        let Some(birth) = known(person).filter(|_| is_ward(self.city.seed, person)) else {
            return Ok(());
        };
        let (first, last) = person.name(self.city.seed);
        let district = person.district.map(|place| DISTRICTS[place].sdn);
        let number = person.clean.clone();
        let hidden = person.is_protected() || person.health_care_protects;
        self.write_ward(number, birth, (first, last), (district, hidden))
    }

    fn write_ward_outside(&mut self, outsider: &Outsider) -> Result<(), Error> {
        let birth = outsider.number.as_deref().and_then(birth).unwrap_or(Day::of(1960, 1, 1));
        let place = u64::try_from(self.ids.ward).unwrap_or(0);
        let (first, last) = outsider_name(self.city.seed, 1_000_000 + place, outsider);
        let district = Rng::keyed(self.city.seed, "HUVUDMAN/sdn", place).pick_ref(&DISTRICTS).sdn;
        self.write_ward(outsider.number.clone(), birth, (first, last), (Some(district), false))
    }

    /// A ward with everything below. One who is protected has no street here either.
    fn write_ward(
        &mut self,
        number: Option<String>,
        birth: Day,
        (first, last): (&'static str, String),
        (district, hidden): (Option<&'static str>, bool),
    ) -> Result<(), Error> {
        let id = next(&mut self.ids.ward);
        let mut rng = Rng::keyed(self.city.seed, "HUVUDMAN/row", u64::try_from(id).unwrap_or(0));
        let street = if hidden { "Box 1".to_owned() } else { names::street(&mut rng) };
        let postcode = if hidden { 100 } else { rng.between(112, 168) };
        let address = format!("{street}, {postcode} {:02} STOCKHOLM", rng.between(10, 99));
        self.db.push(HUVUDMAN, row![id, number, format!("{first} {last}"), address, district])?;
        self.write_duties(&Ward { id, birth }, &mut rng)
    }
}

fn outsider_name(seed: u64, place: u64, outsider: &Outsider) -> (&'static str, String) {
    let mut rng = Rng::keyed(seed, "outsider", place);
    let marked = place % 4 == 1;
    (names::first(&mut rng, outsider.man), names::last(&mut rng, marked))
}

/// The day, when the city has come to it.
fn seen(day: Day) -> Option<Day> {
    (day <= TODAY).then_some(day)
}
