//! Numbers that are left to give: each is given once.

use std::collections::BTreeSet;

use crate::calendar::Day;
use crate::numbers::{self, DayPool, PublishedPool};
use crate::rng::Rng;

use super::{Kind, NumberDefect};

/// A number and what goes with it.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) birth: Day,
    pub(crate) man: bool,
    pub(crate) number: Option<String>,
    pub(crate) pnr_type: &'static str,
}

/// The pools of numbers that are left.
#[derive(Debug, Clone)]
pub(crate) struct Pools {
    published: PublishedPool,
    elder: DayPool,
    middle: DayPool,
    late: DayPool,
    child: DayPool,
    ambiguous: DayPool,
    samordning: DayPool,
    reserve: u32,
    /// Days whose number with birth number 000 somebody holds.
    held: BTreeSet<Day>,
}

impl Pools {
    pub(super) fn new(seed: u64) -> Self {
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
            held: BTreeSet::new(),
        }
    }

    /// A reservnummer: what a person gets when the other pools are empty. There are 100 000 per year.
    fn reserve(&mut self) -> Identity {
        self.reserve += 1;
        let number = numbers::reserve_stockholm(2016, self.reserve);
        Identity { birth: Day::of(1980, 1, 1), man: false, number: Some(number), pnr_type: "R" }
    }

    /// The next day of a pool whose number nobody holds.
    fn free(pool: &mut DayPool, held: &mut BTreeSet<Day>) -> Option<Day> {
        loop {
            let day = pool.take()?;
            if !numbers::is_set_aside(day) && held.insert(day) {
                return Some(day);
            }
        }
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

    pub(super) fn published(&mut self) -> Identity {
        match self.published.take() {
            Some((birth, man, number)) => Identity { birth, man, number: Some(number), pnr_type: "P" },
            None => {
                let day = Self::free(&mut self.late, &mut self.held);
                self.never_assigned(day)
            }
        }
    }

    /// The personnummer that a woman with a samordningsnummer of this day gets; none when it is taken.
    pub(super) fn became(&mut self, birth: Day) -> Option<Identity> {
        (!numbers::is_set_aside(birth) && self.held.insert(birth)).then(|| self.never_assigned(Some(birth)))
    }

    /// A number for somebody beside the plan: a child born 2014 or later, or anybody. None when all are given.
    pub(crate) fn relative(&mut self, young: bool) -> Option<Identity> {
        if young {
            let day = Self::free(&mut self.child, &mut self.held)?;
            return Some(self.never_assigned(Some(day)));
        }
        Some(self.published()).filter(|identity| identity.pnr_type == "P")
    }

    /// A number with birth number 000 for somebody outside Paraply, old or not; none when all are given.
    pub(super) fn outsider(&mut self, old: bool) -> Option<String> {
        let pool = if old { &mut self.elder } else { &mut self.late };
        Self::free(pool, &mut self.held).map(numbers::never_assigned)
    }

    pub(super) fn identity(&mut self, kind: Kind, rng: &mut Rng) -> Identity {
        match kind {
            Kind::Elder => {
                let day = Self::free(&mut self.elder, &mut self.held);
                self.never_assigned(day)
            }
            Kind::Middle => {
                let day = Self::free(&mut self.middle, &mut self.held);
                self.never_assigned(day)
            }
            Kind::Adult => self.published(),
            Kind::Child => {
                let day = Self::free(&mut self.child, &mut self.held);
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
        let pool = match defect {
            NumberDefect::Century => &mut self.ambiguous,
            NumberDefect::CheckDigit | NumberDefect::Calendar | NumberDefect::Sentinel => &mut self.middle,
        };
        let birth = Self::free(pool, &mut self.held).unwrap_or(Day::of(1958, 3, 4));
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
