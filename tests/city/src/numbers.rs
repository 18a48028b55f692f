//! Person numbers that no real person can hold.
//!
//! A number is either one of the numbers Skatteverket publishes for tests (born 1976-2013, birth
//! number 238 for a woman or 239 for a man, right check digit) or it has birth number 000, which is
//! never assigned. Everything that is meant to be wrong has birth number 000 as well.

use crate::calendar::Day;

/// Dates and birth numbers that have the shape of the published test numbers and are not among them;
/// without the check digit, so that no whole number stands here.
const NOT_PUBLISHED: [&str; 25] = [
    "19760101238",
    "19800101238",
    "19800101239",
    "19891220238",
    "19900101239",
    "19900102239",
    "19900104238",
    "19900104239",
    "19900105239",
    "19900106238",
    "19900106239",
    "19900108238",
    "19900108239",
    "19900109239",
    "19900113238",
    "20001218238",
    "20010303239",
    "20011104238",
    "20021016238",
    "20021227238",
    "20050509238",
    "20070911239",
    "20071228238",
    "20101211238",
    "20111230238",
];

/// The birth number that is never assigned.
const NEVER: u32 = 0;

/// Luhn's check digit over digits and letters' values, weights 2, 1, 2, … from the left.
pub(crate) fn check_digit(values: impl Iterator<Item = u32>) -> u32 {
    let sum: u32 = values
        .enumerate()
        .map(|(place, value)| {
            let weighted = if place % 2 == 0 { value * 2 } else { value };
            weighted / 10 + weighted % 10
        })
        .sum();
    (10 - sum % 10) % 10
}

fn digits(text: &str) -> impl Iterator<Item = u32> + '_ {
    text.chars().filter_map(|letter| letter.to_digit(10))
}

/// `YYYYMMDDNNNC` from parts, with the check digit over the nine digits after the century.
fn from_parts(date: (i32, i32, i32), birth_number: u32) -> String {
    let (year, month, day) = date;
    let mut number = format!("{year:04}{month:02}{day:02}{birth_number:03}");
    let check = check_digit(digits(&number[2..]));
    number.push(char::from_digit(check, 10).unwrap_or('0'));
    number
}

/// Whether only the persons of the named cases are born on the day, so that no other number falls on it.
pub(crate) fn is_set_aside(day: Day) -> bool {
    matches!(day.civil(), (1931 | 1969 | 1995 | 2015, 2, _) | (2012, 2, 29))
}

/// Skatteverket's test number of the day, 239 for a man and 238 for a woman. The day must have one.
pub(crate) fn published(birth: Day, man: bool) -> String {
    from_parts(birth.civil(), if man { 239 } else { 238 })
}

/// A personnummer with birth number 000, born on the day.
pub(crate) fn never_assigned(birth: Day) -> String {
    from_parts(birth.civil(), NEVER)
}

/// A samordningsnummer: the day of birth plus 60.
pub(crate) fn samordningsnummer(birth: Day) -> String {
    let (year, month, day) = birth.civil();
    from_parts((year, month, day + 60), NEVER)
}

/// A date that is in no calendar, 30 February, with a right check digit.
pub(crate) fn impossible_date(birth: Day) -> String {
    from_parts((birth.year(), 2, 30), NEVER)
}

/// The number with its check digit moved by `1..=9`, so that it is surely wrong.
pub(crate) fn wrong_check_digit(number: &str, by: u32) -> String {
    let (head, last) = number.split_at(number.len() - 1);
    let wrong = (digits(last).next().unwrap_or(0) + by.clamp(1, 9)) % 10;
    format!("{head}{wrong}")
}

/// Region Stockholm's reservnummer `99yyyyNNNNNC`; the check digit covers characters 5-11 only.
pub(crate) fn reserve_stockholm(year: i32, serial: u32) -> String {
    let head = format!("99{year:04}{serial:05}");
    let check = check_digit(digits(&head[4..]));
    format!("{head}{check}")
}

/// The old Carelink reservnummer: the day of birth plus 31, so that it is 32-59.
pub(crate) fn reserve_carelink(birth: Day) -> String {
    let (year, month, day) = birth.civil();
    from_parts((year, month, day.min(28) + 31), NEVER)
}

/// Västra Götaland's reservnummer `yyyymmddGggC`: a letter for the sex (here K, value 5), then two digits.
pub(crate) fn reserve_vgr(birth: Day, serial: u32) -> String {
    let (year, month, day) = birth.civil();
    let date = format!("{year:04}{month:02}{day:02}");
    let group = 6 + serial % 74;
    let values = digits(&date[2..]).chain([5, group / 10, group % 10]);
    let check = check_digit(values);
    format!("{date}K{group:02}{check}")
}

/// The values that clerks type when there is no number: never a person.
pub(crate) const SENTINELS: [&str; 4] = ["0000000000", "9999999999", "191212121212", "XXXXXXXXXXXX"];

/// Each day of a range once, in an order that looks random.
#[derive(Debug, Clone)]
pub(crate) struct DayPool {
    first: Day,
    slots: u32,
    offset: u32,
    taken: u32,
}

/// A prime larger than any pool here, so that steps of it visit every slot before the first again.
const STEP: u64 = 1_000_003;

impl DayPool {
    /// The days `first..=last`, started at a place that depends on the offset.
    pub(crate) fn new(first: Day, last: Day, offset: u32) -> Self {
        Self::with_slots(first, last, 1, offset)
    }

    fn with_slots(first: Day, last: Day, per_day: u32, offset: u32) -> Self {
        let days = u32::try_from(last.0 - first.0 + 1).unwrap_or(0);
        Self { first, slots: days * per_day, offset, taken: 0 }
    }

    fn next_slot(&mut self) -> Option<u32> {
        if self.taken >= self.slots {
            return None;
        }
        let place = u64::from(self.taken) * STEP + u64::from(self.offset);
        self.taken += 1;
        u32::try_from(place % u64::from(self.slots)).ok()
    }

    fn day(&self, index: u32) -> Day {
        self.first.plus(i32::try_from(index).expect("a pool holds at most a century of days"))
    }

    /// The next unused day.
    pub(crate) fn take(&mut self) -> Option<Day> {
        self.next_slot().map(|slot| self.day(slot))
    }
}

/// The published test numbers, each once.
#[derive(Debug, Clone)]
pub(crate) struct PublishedPool(DayPool);

impl PublishedPool {
    pub(crate) fn new(offset: u32) -> Self {
        let (first, last) = (Day::of(1976, 1, 1), Day::of(2013, 12, 31));
        Self(DayPool::with_slots(first, last, 2, offset))
    }

    /// The next unused number with its day of birth and whether it is a man's.
    pub(crate) fn take(&mut self) -> Option<(Day, bool, String)> {
        loop {
            let slot = self.0.next_slot()?;
            let man = slot % 2 == 1;
            let birth = self.0.day(slot / 2);
            let number = published(birth, man);
            if !NOT_PUBLISHED.contains(&&number[..11]) && !is_set_aside(birth) {
                return Some((birth, man, number));
            }
        }
    }
}

/// Whether a twelve-digit number may stand in a fixture; used by the tests of every system.
#[cfg(test)]
pub(crate) fn is_allowed(number: &str) -> bool {
    let birth_number = &number[8..11];
    if birth_number == "000" || number.starts_with("99") || SENTINELS.contains(&number) {
        return true;
    }
    let right = check_digit(digits(&number[2..11])) == digits(&number[11..]).next().unwrap();
    let published =
        ("19760101".."20140101").contains(&&number[..8]) && !NOT_PUBLISHED.contains(&&number[..11]);
    right && published && matches!(birth_number, "238" | "239")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn region_stockholms_own_examples_have_the_right_check_digit() {
        assert_eq!(reserve_stockholm(1981, 1), "991981000010");
        assert_eq!(reserve_stockholm(1945, 2), "991945000023");
        assert_eq!(reserve_stockholm(1993, 3), "991993000032");
    }

    #[test]
    fn published_numbers_are_unique_and_all_27_735_but_those_set_aside() {
        let mut pool = PublishedPool::new(5);
        let mut seen = BTreeSet::new();
        while let Some((_, man, number)) = pool.take() {
            assert!(is_allowed(&number));
            assert_eq!(man, number.as_bytes()[10] % 2 == 1);
            assert!(seen.insert(number));
        }
        let aside = (0..13_880).filter(|day| is_set_aside(Day::of(1976, 1, 1).plus(*day))).count();
        assert_eq!(seen.len(), 2 * (13_880 - aside) - 25);
    }

    #[test]
    fn a_pool_gives_each_day_once_and_then_none() {
        let (first, last) = (Day::of(1915, 1, 1), Day::of(1957, 12, 31));
        let mut pool = DayPool::new(first, last, 99);
        let mut seen = BTreeSet::new();
        while let Some(day) = pool.take() {
            assert!((first..=last).contains(&day));
            assert!(seen.insert(day));
        }
        assert_eq!(seen.len(), 15_706);
    }

    #[test]
    fn the_wrong_numbers_are_wrong_in_one_way() {
        let day = Day::of(1960, 5, 4);
        let valid = never_assigned(day);
        for by in 1..=9 {
            let wrong = wrong_check_digit(&valid, by);
            assert_ne!(wrong, valid);
            assert_eq!(wrong[..11], valid[..11]);
        }
        let impossible = impossible_date(day);
        assert_eq!(&impossible[4..8], "0230");
        assert_eq!(check_digit(digits(&impossible[2..11])), digits(&impossible[11..]).next().unwrap());
        assert_eq!(&samordningsnummer(day)[6..8], "64");
        assert_eq!(&reserve_carelink(day)[6..8], "35");
        assert_eq!(&reserve_vgr(day, 3)[..11], "19600504K09");
    }
}
