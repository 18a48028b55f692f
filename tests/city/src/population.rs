//! Who lives in the city: decided once per person, before any system is written.
//!
//! The plan of a person is about a hundred bytes and is the only thing that grows with the city
//! while rows are written.

use std::collections::BTreeSet;

use crate::calendar::Day;
use crate::codes::Area;
use crate::names;
use crate::organisation::DISTRICTS;
use crate::rng::Rng;

mod doubles;
mod first;
mod outsiders;
mod pools;

use first::{FIRST, Twist};
pub(crate) use outsiders::Outsider;
pub(crate) use pools::{Identity, Pools};

/// What is wrong with `PERSON.PNR`, if anything. A person has at most one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberDefect {
    /// D01: the check digit is wrong.
    CheckDigit,
    /// D02: ten digits, and two centuries are possible on the day of registration.
    Century,
    /// D03: 30 February.
    Calendar,
    /// D04: a value that clerks type when there is no number.
    Sentinel,
}

/// How a record is a second one of somebody who already has one, without any reference between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DoubleKind {
    /// D07: the same number.
    Same,
    /// D06: the first record has a samordningsnummer, this one the personnummer of the same day.
    Renumbered,
    /// D07 as candidate: the same name and day of birth, and no number.
    Unnumbered,
}

/// Whose second record a record is, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Double {
    /// The place of the first record in the city.
    pub(crate) of: u32,
    pub(crate) kind: DoubleKind,
}

/// What is odd about a row of `PERSON` beside its number. A person has at most one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// D08: the registered birth and the registered sex are another human's.
    TwoHumans,
    /// D09: the registered sex contradicts the number.
    OtherSex,
    /// D10: the registered day of birth is another one of the same year.
    OtherDay,
    /// D83: a test person.
    TestPerson,
    /// D14: a letter of the name is lost.
    LostLetter,
    /// D15: blanks too many, or ones that cannot be seen, in the name.
    Blanks,
}

/// Where a person's number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Elder,
    Middle,
    Adult,
    Child,
    Samordning,
    Reserve,
    NoNumber,
    Wrong(NumberDefect),
}

/// Of the first twenty, the place of the one whom health care alone protects.
const HEALTH_CARE_PROTECTS: u32 = 18;

/// Parts of 1000 for every later person.
const SHARES: [(Kind, u32); 11] = [
    (Kind::Wrong(NumberDefect::CheckDigit), 4),
    (Kind::Wrong(NumberDefect::Century), 6),
    (Kind::Wrong(NumberDefect::Calendar), 2),
    (Kind::Wrong(NumberDefect::Sentinel), 3),
    (Kind::Elder, 200),
    (Kind::Middle, 90),
    (Kind::Adult, 565),
    (Kind::Child, 50),
    (Kind::Samordning, 50),
    (Kind::Reserve, 20),
    (Kind::NoNumber, 10),
];

/// A person as Paraply knows him or her.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// The place in the city, from 0.
    pub(crate) index: u32,
    /// `PERSON.PNR` as stored; none for persons without a number.
    pub(crate) pnr: Option<String>,
    /// The twelve-digit number when it is a right one that other systems also use.
    pub(crate) clean: Option<String>,
    /// `PERSON.PNRTYP`.
    pub(crate) pnr_type: &'static str,
    pub(crate) defect: Option<NumberDefect>,
    pub(crate) man: bool,
    /// The day of birth, when it is certain: not for numbers that are wrong in their date or their century.
    pub(crate) birth: Option<Day>,
    /// `SEKR`: J, K, F or empty.
    pub(crate) protection: &'static str,
    /// `REGDAT`.
    pub(crate) registered: Day,
    /// The index of the district; none for those who belong to none.
    pub(crate) district: Option<usize>,
    pub(crate) area: Area,
    /// A second area at the same time, for one in twenty.
    pub(crate) second_area: Option<Area>,
    /// Whether Paraply stores the name damaged (D13).
    pub(crate) mojibake: bool,
    pub(crate) patient: bool,
    pub(crate) kund: bool,
    /// Whether health care knows of a protection that Paraply does not (D11). Such a person is nobody's kund.
    pub(crate) health_care_protects: bool,
    /// The person this one is a second record of by explicit reference, and whose name it bears.
    pub(crate) refers_to: Option<u32>,
    /// The person this one is a second record of without any reference, and whose name it bears.
    pub(crate) double: Option<Double>,
    pub(crate) oddity: Option<Oddity>,
    /// Whether another record of the same human is protected and this one is not (D11).
    pub(crate) shielded: bool,
    /// Whether the person surely has, or never has, files in Paraply; by chance otherwise.
    pub(crate) client: Option<bool>,
    /// Whether the files begin as soon as the person is registered and stay open.
    pub(crate) steady: bool,
    /// Whether the person is sure to die when the files are closed.
    pub(crate) dies: bool,
}

impl Person {
    /// `PERSON.PERS_ID`.
    pub(crate) fn pers_id(&self) -> i64 {
        i64::from(self.index) + 1
    }

    /// First and last name, undamaged.
    pub(crate) fn name(&self, seed: u64) -> (&'static str, String) {
        if self.oddity == Some(Oddity::TestPerson) {
            let tolvan = self.index.is_multiple_of(2);
            let (first, last) = if tolvan { ("Tolvan", "Tolvansson") } else { ("Test", "Testsson") };
            return (first, last.to_owned());
        }
        let bearer = self.refers_to.or(self.double.map(|double| double.of)).unwrap_or(self.index);
        let mut rng = Rng::keyed(seed, "name", bearer.into());
        let marked = self.mojibake || bearer.is_multiple_of(3);
        (names::first(&mut rng, self.man), names::last(&mut rng, marked))
    }

    /// Whether the person's whereabouts must not be shown.
    pub(crate) fn is_protected(&self) -> bool {
        !self.protection.is_empty()
    }

    /// Whether the row or another record of the same human is protected.
    pub(crate) fn is_hidden(&self) -> bool {
        self.is_protected() || self.shielded || self.health_care_protects
    }
}

/// Plans every person of the city.
pub(crate) fn plan(persons: u32, seed: u64) -> Population {
    let mut planner = Planner { seed, pools: Pools::new(seed), persons: Vec::new(), paired: BTreeSet::new() };
    for index in 0..persons {
        let person = planner.person(index);
        planner.persons.push(person);
    }
    let employees = plan_employees(persons, &mut planner.pools);
    let outsiders = outsiders::plan(persons, seed, &mut planner.pools);
    Population { seed, persons: planner.persons, employees, outsiders, left: planner.pools }
}

/// The whole plan.
pub(crate) struct Population {
    pub(crate) seed: u64,
    pub(crate) persons: Vec<Person>,
    /// The person numbers of the utförares' employees; whether each is a man's.
    pub(crate) employees: Vec<(bool, String)>,
    /// People whom Paraply does not know.
    pub(crate) outsiders: Vec<Outsider>,
    /// The numbers that nobody in the plan holds.
    pub(crate) left: Pools,
}

/// How many utförare a city of this size has.
pub(crate) fn utforare_count(persons: u32) -> u32 {
    (persons / 400).clamp(2, 24)
}

fn plan_employees(persons: u32, pools: &mut Pools) -> Vec<(bool, String)> {
    let count = (persons / 40).max(2 * utforare_count(persons));
    (0..count)
        .map(|_| {
            let identity = pools.published();
            (identity.man, identity.number.unwrap_or_default())
        })
        .collect()
}

/// The plan while it is made.
struct Planner {
    seed: u64,
    pools: Pools,
    persons: Vec<Person>,
    /// The persons who are one of two records of one human.
    paired: BTreeSet<u32>,
}

impl Planner {
    fn person(&mut self, index: u32) -> Person {
        let mut rng = Rng::keyed(self.seed, "person", index.into());
        let early = usize::try_from(index).ok().and_then(|place| FIRST.get(place)).copied();
        let (kind, twist) =
            early.map_or_else(|| (drawn_kind(&mut rng), None), |(kind, twist)| (kind, Some(twist)));
        let identity = self.pools.identity(kind, &mut rng);
        let mut person = planned(index, kind, identity, twist, &mut rng);
        match twist {
            Some(Twist::Odd(oddity)) => person.make_odd(oddity),
            Some(Twist::Double(double)) => self.make_double(&mut person, double, &mut rng),
            Some(Twist::Shield) => self.refer(&mut person, true),
            Some(Twist::Known) if index == 9 => self.refer(&mut person, false),
            Some(_) => {}
            None => self.twist_by_chance(&mut person, kind, &mut rng),
        }
        person
    }

    /// What is odd about a later person: at most one of everything that concerns identity.
    fn twist_by_chance(&mut self, person: &mut Person, kind: Kind, rng: &mut Rng) {
        let drawn = rng.below(100_000);
        let common = matches!(kind, Kind::Adult | Kind::Middle) && person.holds_plain_number();
        if kind == Kind::Samordning && person.pnr_type == "S" {
            match drawn {
                0..1_000 => self.refer(person, true),
                1_000..30_000 => self.refer(person, false),
                _ => {}
            }
        } else if common && !person.is_protected() && !person.mojibake {
            match drawn {
                0..1_100 => self.make_double(person, DoubleKind::Same, rng),
                1_100..1_800 => self.make_double(person, DoubleKind::Renumbered, rng),
                1_800..2_300 => self.make_double(person, DoubleKind::Unnumbered, rng),
                2_300..2_370 => person.make_odd(Oddity::TwoHumans),
                2_370..2_700 => person.make_odd(Oddity::OtherSex),
                2_700..2_850 => person.make_odd(Oddity::OtherDay),
                2_850..3_000 => person.make_odd(Oddity::LostLetter),
                3_000..7_600 => person.make_odd(Oddity::Blanks),
                _ => {}
            }
        } else if person.defect == Some(NumberDefect::Sentinel) && drawn < 3_000 {
            person.make_odd(Oddity::TestPerson);
        }
    }
}

fn drawn_kind(rng: &mut Rng) -> Kind {
    let weights: Vec<u32> = SHARES.iter().map(|(_, share)| *share).collect();
    SHARES[rng.weighted(&weights)].0
}

fn planned(index: u32, kind: Kind, identity: Identity, twist: Option<Twist>, rng: &mut Rng) -> Person {
    let birth = certain_birth(kind, identity.pnr_type, identity.birth);
    let steady = match twist {
        Some(Twist::Steady(area)) => Some(area),
        _ => None,
    };
    let drawn_area = area_of(kind, identity.birth, rng);
    let area = steady.unwrap_or(if index == 0 || twist == Some(Twist::Dead) { Area::Ao } else { drawn_area });
    let second_area = (index == 0 || rng.chance(50, 1_000)).then(|| {
        let second = if area == Area::Eb { Area::Vu } else { Area::Eb };
        if identity.birth.year() >= 1998 { Area::Fn } else { second }
    });
    let elder = kind == Kind::Elder && identity.pnr_type == "P" && twist != Some(Twist::Dead);
    let known = twist == Some(Twist::Known);
    let defect = match kind {
        Kind::Wrong(defect) => Some(defect),
        Kind::Elder
        | Kind::Middle
        | Kind::Adult
        | Kind::Child
        | Kind::Samordning
        | Kind::Reserve
        | Kind::NoNumber => None,
    };
    let twisted = twist.is_some_and(|twist| twist != Twist::Known);
    let clean = if defect.is_some() { None } else { identity.number.clone() };
    let pnr = identity.number.map(|number| {
        if twisted { number } else { shortened(number, identity.birth, identity.pnr_type, kind, rng) }
    });
    let protection = if twisted { "" } else { protection(index, rng) };
    let patient = elder && (known || rng.chance(500, 1_000));
    let kund = elder && index != HEALTH_CARE_PROTECTS && (known || rng.chance(430, 1_000));
    Person {
        index,
        pnr,
        clean,
        pnr_type: identity.pnr_type,
        defect,
        man: identity.man,
        birth,
        protection,
        registered: if steady.is_some() {
            steady_start(kind, index)
        } else {
            registered(kind, identity.birth, rng)
        },
        district: district(area, rng),
        area,
        second_area: second_area.filter(|_| !twisted),
        mojibake: index == 7 || (twist.is_none() && rng.chance(10, 1_000)),
        patient,
        kund,
        health_care_protects: patient && !kund && protection.is_empty() && (known || rng.chance(10, 1_000)),
        refers_to: None,
        double: None,
        oddity: None,
        shielded: false,
        client: twist.map(|_| true),
        steady: index == 0 || steady.is_some(),
        dies: twist == Some(Twist::Dead),
    }
}

/// The day from which a file that stays open is kept.
fn steady_start(kind: Kind, index: u32) -> Day {
    let day = i32::try_from(index).unwrap_or(0);
    if kind == Kind::Child { Day::of(2024, 6, 5) } else { Day::of(2019, 3, 1).plus(day) }
}

/// The day of birth unless the number is wrong, or is one that tells no date.
fn certain_birth(kind: Kind, pnr_type: &str, birth: Day) -> Option<Day> {
    let wrong = matches!(kind, Kind::Wrong(_));
    (!wrong && pnr_type != "R").then_some(birth)
}

/// Writes one in fifty right numbers with ten digits, where only one century is possible: a year of
/// two digits above 24 lies in the last century for every row dated before 2025.
fn shortened(number: String, birth: Day, pnr_type: &str, kind: Kind, rng: &mut Rng) -> String {
    let certain = (1925..2000).contains(&birth.year()) && pnr_type == "P";
    let wrong = matches!(kind, Kind::Wrong(_));
    if certain && !wrong && rng.chance(20, 1_000) { number[2..].to_owned() } else { number }
}

fn area_of(kind: Kind, birth: Day, rng: &mut Rng) -> Area {
    const AREAS: [Area; 7] = [Area::Eb, Area::Bu, Area::Vu, Area::Fn, Area::Sp, Area::Ao, Area::Am];
    let weights: [u32; 7] = match kind {
        Kind::Elder => [10, 0, 0, 0, 0, 90, 0],
        Kind::Samordning | Kind::Reserve | Kind::NoNumber => [70, 10, 10, 0, 10, 0, 0],
        Kind::Middle | Kind::Adult | Kind::Child | Kind::Wrong(_) => {
            if birth.year() >= 1998 {
                [0, 87, 0, 13, 0, 0, 0]
            } else if birth.year() < 1976 {
                [60, 7, 15, 8, 10, 0, 0]
            } else {
                [58, 22, 12, 4, 2, 0, 2]
            }
        }
    };
    AREAS[rng.weighted(&weights)]
}

fn protection(index: u32, rng: &mut Rng) -> &'static str {
    let drawn = index == 3 || rng.chance(4, 1_000);
    if drawn && index != HEALTH_CARE_PROTECTS { rng.pick(&["J", "J", "K", "F"]) } else { "" }
}

fn registered(kind: Kind, birth: Day, rng: &mut Rng) -> Day {
    let (first, last) = match kind {
        Kind::Elder => (Day::of(2005, 1, 1), Day::of(2013, 10, 31)),
        // Within these years both 19yy and 20yy are possible for births 2005-2012.
        Kind::Wrong(NumberDefect::Century) => (Day::of(2013, 1, 1), Day::of(2019, 12, 31)),
        Kind::Middle
        | Kind::Adult
        | Kind::Child
        | Kind::Samordning
        | Kind::Reserve
        | Kind::NoNumber
        | Kind::Wrong(_) => (birth.plus(10).max(Day::of(2005, 1, 1)), Day::of(2024, 6, 30)),
    };
    first.plus(rng.between(0, last.0 - first.0))
}

fn district(area: Area, rng: &mut Rng) -> Option<usize> {
    if area == Area::Eb && rng.chance(210, 1_000) {
        return None;
    }
    let weights: Vec<u32> = DISTRICTS.iter().map(|district| district.weight).collect();
    Some(rng.weighted(&weights))
}

#[cfg(test)]
mod tests;
