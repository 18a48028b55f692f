//! Kunder: who gets home help, from whom and when.

use crate::calendar::{Day, Month};
use crate::numbers;
use crate::organisation::is_private;
use crate::population::{Person, Population};
use crate::rng::Rng;
use crate::truth::Quota;
use crate::vodok::reserve;

/// What is wrong with `kund.Personnr`, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KundDefect {
    /// D01: the check digit is wrong.
    CheckDigit,
    /// D05: a reservnummer stands as if it were a personnummer.
    Reserve,
}

/// A kund of one utförare.
pub(super) struct Kund {
    /// The person's place in the city.
    pub(super) person: u32,
    /// `KundNr`: an own number with a municipal utförare, the personnummer with a private one.
    pub(super) number: String,
    /// `kund.Personnr`.
    pub(super) pnr: String,
    pub(super) defect: Option<KundDefect>,
    pub(super) utforare: u32,
    pub(super) from: Month,
    pub(super) to: Month,
    /// The day of the month `from` on which help began.
    pub(super) day: i32,
}

impl Kund {
    pub(super) fn is_active(&self, month: Month) -> bool {
        self.from <= month && month <= self.to
    }

    /// The first day of help.
    pub(super) fn first_day(&self) -> Day {
        self.from.day(self.day)
    }

    /// In how many of the months the kund gets help.
    pub(super) fn months(&self, months: &[Month]) -> u64 {
        let active = months.iter().filter(|month| self.is_active(**month)).count();
        u64::try_from(active).unwrap_or(0)
    }
}

/// `UtforareId`, which also ends every file name.
pub(super) fn utforare_id(utforare: u32) -> String {
    format!("U{:02}", utforare + 1)
}

/// Plans the kunder, in the order of the persons.
pub(super) fn plan_kunder(city: &Population, months: &[Month], utforare: u32) -> Vec<Kund> {
    let mut check_digit = Quota::new(city.seed, "D01/kund", 8_000, 1);
    let mut reserved = Quota::new(city.seed, "D05/kund", 16_000, 1);
    let mut kunder: Vec<Kund> = Vec::new();
    for person in city.persons.iter().filter(|person| person.kund) {
        let ordinal = u32::try_from(kunder.len()).unwrap_or(0);
        let mut rng = Rng::keyed(city.seed, "kund", person.index.into());
        let mut kund = plan_kund(person, ordinal, utforare, months, &mut rng);
        // A wrong number of a private utförare would be the key of every visit as well.
        if !is_private(kund.utforare) {
            if check_digit.strikes() {
                kund.defect = Some(KundDefect::CheckDigit);
                kund.pnr = numbers::wrong_check_digit(&kund.pnr, 1 + rng.below(9));
            } else if reserved.strikes() {
                kund.defect = Some(KundDefect::Reserve);
                kund.pnr = reserve(person.index, &mut rng);
            }
        }
        kunder.push(kund);
    }
    kunder
}

fn plan_kund(person: &Person, ordinal: u32, utforare: u32, months: &[Month], rng: &mut Rng) -> Kund {
    let pnr = person.clean.clone().unwrap_or_default();
    let utforare = ordinal % utforare;
    let number = if is_private(utforare) { pnr.clone() } else { format!("K{:06}", ordinal + 1) };
    let first = Day::of(2014, 1, 1).month();
    let last = Day::of(2024, 12, 31).month();
    let (from, to) = if months.len() < 100 {
        (first, last)
    } else {
        let length = rng.between(24, 72);
        let from = first.plus(rng.between(1 - length, last.0 - first.0)).max(first);
        (from, from.plus(length).min(last))
    };
    let day = rng.between(1, 28);
    Kund { person: person.index, number, pnr, defect: None, utforare, from, to, day }
}
