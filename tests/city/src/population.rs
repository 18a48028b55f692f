//! Who lives in the city: decided once per person, before any system is written.
//!
//! The plan of a person is about a hundred bytes and is the only thing that grows with the city
//! while rows are written.

use crate::calendar::Day;
use crate::codes::Area;
use crate::names;
use crate::numbers::{self, DayPool, PublishedPool};
use crate::organisation::DISTRICTS;
use crate::rng::Rng;

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

/// The first twenty persons, so that the smallest cities have one of everything.
const FIRST: [Kind; 20] = [
    Kind::Elder,
    Kind::Wrong(NumberDefect::CheckDigit),
    Kind::Wrong(NumberDefect::Century),
    Kind::Elder,
    Kind::Wrong(NumberDefect::Calendar),
    Kind::Wrong(NumberDefect::Sentinel),
    Kind::Elder,
    Kind::Adult,
    Kind::Middle,
    Kind::Samordning,
    Kind::Adult,
    Kind::Child,
    Kind::Elder,
    Kind::Adult,
    Kind::Elder,
    Kind::Elder,
    Kind::Reserve,
    Kind::NoNumber,
    Kind::Elder,
    Kind::Adult,
];

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
    /// The person this one is a second record of, and whose name it bears.
    pub(crate) refers_to: Option<u32>,
}

impl Person {
    /// `PERSON.PERS_ID`.
    pub(crate) fn pers_id(&self) -> i64 {
        i64::from(self.index) + 1
    }

    /// First and last name, undamaged.
    pub(crate) fn name(&self, seed: u64) -> (&'static str, String) {
        let bearer = self.refers_to.unwrap_or(self.index);
        let mut rng = Rng::keyed(seed, "name", bearer.into());
        let marked = self.mojibake || bearer.is_multiple_of(3);
        (names::first(&mut rng, self.man), names::last(&mut rng, marked))
    }

    /// Whether the person's whereabouts must not be shown.
    pub(crate) fn is_protected(&self) -> bool {
        !self.protection.is_empty()
    }
}

/// The pools of numbers that are left.
struct Pools {
    published: PublishedPool,
    elder: DayPool,
    middle: DayPool,
    late: DayPool,
    child: DayPool,
    ambiguous: DayPool,
    samordning: DayPool,
    reserve: u32,
}

impl Pools {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::keyed(seed, "pools", 0);
        let mut pool = |first, last| DayPool::new(first, last, rng.below(1_000_000));
        Self {
            elder: pool(Day::of(1915, 1, 1), Day::of(1957, 12, 31)),
            middle: pool(Day::of(1958, 1, 1), Day::of(1975, 12, 31)),
            late: pool(Day::of(1976, 1, 1), Day::of(2004, 12, 31)),
            ambiguous: pool(Day::of(2005, 1, 1), Day::of(2012, 12, 31)),
            child: pool(Day::of(2014, 1, 1), Day::of(2024, 5, 31)),
            samordning: pool(Day::of(1950, 1, 1), Day::of(2003, 12, 31)),
            published: PublishedPool::new(rng.below(1_000_000)),
            reserve: 0,
        }
    }

    /// A reservnummer: what a person gets when the other pools are empty. There are 100 000 per year.
    fn reserve(&mut self) -> Identity {
        self.reserve += 1;
        let number = numbers::reserve_stockholm(2016, self.reserve);
        Identity { birth: Day::of(1980, 1, 1), man: false, number: Some(number), pnr_type: "R" }
    }

    fn never_assigned(&mut self, day: Option<Day>) -> Identity {
        match day {
            Some(birth) => {
                let number = numbers::never_assigned(birth);
                Identity { birth, man: false, number: Some(number), pnr_type: "P" }
            }
            None => self.reserve(),
        }
    }

    fn published(&mut self) -> Identity {
        match self.published.take() {
            Some((birth, man, number)) => Identity { birth, man, number: Some(number), pnr_type: "P" },
            None => {
                let day = self.late.take();
                self.never_assigned(day)
            }
        }
    }

    fn identity(&mut self, kind: Kind, rng: &mut Rng) -> Identity {
        match kind {
            Kind::Elder => {
                let day = self.elder.take();
                self.never_assigned(day)
            }
            Kind::Middle => {
                let day = self.middle.take();
                self.never_assigned(day)
            }
            Kind::Adult => self.published(),
            Kind::Child => {
                let day = self.child.take();
                self.never_assigned(day)
            }
            Kind::Samordning => match self.samordning.take() {
                Some(birth) => {
                    let number = numbers::samordningsnummer(birth);
                    Identity { birth, man: false, number: Some(number), pnr_type: "S" }
                }
                None => self.reserve(),
            },
            Kind::Reserve => self.reserve(),
            Kind::NoNumber => Identity {
                birth: Day::of(1970, 1, 1).plus(rng.between(0, 10_000)),
                man: rng.chance(1, 2),
                number: None,
                pnr_type: "O",
            },
            Kind::Wrong(defect) => self.wrong(defect, rng),
        }
    }

    fn wrong(&mut self, defect: NumberDefect, rng: &mut Rng) -> Identity {
        let day = match defect {
            NumberDefect::Century => self.ambiguous.take(),
            NumberDefect::CheckDigit | NumberDefect::Calendar | NumberDefect::Sentinel => self.middle.take(),
        };
        let birth = day.unwrap_or(Day::of(1958, 3, 4));
        let right = numbers::never_assigned(birth);
        let number = match defect {
            NumberDefect::CheckDigit => numbers::wrong_check_digit(&right, 1 + rng.below(9)),
            NumberDefect::Century => right[2..].to_owned(),
            NumberDefect::Calendar => numbers::impossible_date(birth),
            NumberDefect::Sentinel => (rng.pick(&numbers::SENTINELS)).to_owned(),
        };
        Identity { birth, man: false, number: Some(number), pnr_type: "P" }
    }
}

/// A number and what goes with it.
struct Identity {
    birth: Day,
    man: bool,
    number: Option<String>,
    pnr_type: &'static str,
}

/// Plans every person of the city.
pub(crate) fn plan(persons: u32, seed: u64) -> Population {
    let mut pools = Pools::new(seed);
    let mut planned: Vec<Person> = Vec::new();
    for index in 0..persons {
        let person = plan_person(index, seed, &mut pools, &planned);
        planned.push(person);
    }
    let employees = plan_employees(persons, &mut pools);
    Population { seed, persons: planned, employees }
}

/// The whole plan.
pub(crate) struct Population {
    pub(crate) seed: u64,
    pub(crate) persons: Vec<Person>,
    /// The person numbers of the utförares' employees; whether each is a man's.
    pub(crate) employees: Vec<(bool, String)>,
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

fn plan_person(index: u32, seed: u64, pools: &mut Pools, earlier: &[Person]) -> Person {
    let mut rng = Rng::keyed(seed, "person", index.into());
    let early = usize::try_from(index).ok().and_then(|place| FIRST.get(place));
    let kind = early.copied().unwrap_or_else(|| {
        let weights: Vec<u32> = SHARES.iter().map(|(_, share)| *share).collect();
        SHARES[rng.weighted(&weights)].0
    });
    let identity = pools.identity(kind, &mut rng);
    let area = area_of(kind, identity.birth, &mut rng);
    let second_area = (index == 0 || rng.chance(50, 1_000)).then(|| {
        let second = if area == Area::Eb { Area::Vu } else { Area::Eb };
        if identity.birth.year() >= 1998 { Area::Fn } else { second }
    });
    let area = if index == 0 { Area::Ao } else { area };
    let refers_to = reference(kind, index, earlier, &mut rng);
    let elder = kind == Kind::Elder && identity.pnr_type == "P";
    let first = early.is_some();
    let patient = elder && (first || rng.chance(500, 1_000));
    let kund = elder && (first || rng.chance(430, 1_000));
    let clean = match kind {
        Kind::Wrong(_) => None,
        Kind::Elder
        | Kind::Middle
        | Kind::Adult
        | Kind::Child
        | Kind::Samordning
        | Kind::Reserve
        | Kind::NoNumber => identity.number.clone(),
    };
    Person {
        index,
        pnr: identity
            .number
            .map(|number| shortened(number, identity.birth, identity.pnr_type, kind, &mut rng)),
        clean,
        pnr_type: identity.pnr_type,
        defect: match kind {
            Kind::Wrong(defect) => Some(defect),
            Kind::Elder
            | Kind::Middle
            | Kind::Adult
            | Kind::Child
            | Kind::Samordning
            | Kind::Reserve
            | Kind::NoNumber => None,
        },
        man: identity.man,
        protection: protection(index, &mut rng),
        registered: registered(kind, identity.birth, &mut rng),
        district: district(area, &mut rng),
        area,
        second_area,
        mojibake: index == 7 || (!first && rng.chance(10, 1_000)),
        patient,
        kund,
        refers_to,
    }
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
    if index == 3 || rng.chance(4, 1_000) { rng.pick(&["J", "J", "K", "F"]) } else { "" }
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

/// Some samordningsnummer became personnummer: then the earlier woman's record is the same human.
fn reference(kind: Kind, index: u32, earlier: &[Person], rng: &mut Rng) -> Option<u32> {
    let previous = earlier.last()?;
    let same = kind == Kind::Samordning && (index == 9 || rng.chance(300, 1_000));
    let usable = !previous.man && previous.pnr_type == "P" && previous.defect.is_none();
    let own_name = previous.refers_to.is_none() && !previous.mojibake;
    (same && usable && own_name && !previous.is_protected()).then_some(previous.index)
}

#[cfg(test)]
mod tests;
