//! The parts of an identifier with ten or twelve characters, and the checks on them.

use super::CheckOutcome;
use super::calendar::{self, BIRTH_CENTURIES};
use super::canonical::Canonical12;
use super::kind::IdentifierKind;
use super::luhn::luhn_check_digit;

/// The first two of twelve characters in front of an organisationsnummer.
pub(super) const ORGANISATION_PREFIX: u8 = 16;

/// The lowest prefix of a national reservnummer with a known birth date: 19 + 3.
const FIRST_NRID_PREFIX: u8 = 22;
/// The prefix of a national reservnummer without a birth date.
const NRID_WITHOUT_DATE: u8 = 0;

/// A day in a samordningsnummer is the day of birth and this.
const SAMORDNING_DAY_OFFSET: u8 = 60;

/// Century, birth date and last four. The birth date has digits only; the last four may have
/// letters.
#[derive(Clone, Copy)]
pub(super) struct Form {
    century: Option<[u8; 2]>,
    tail: [u8; 10],
}

impl Form {
    pub(super) fn new(century: Option<[u8; 2]>, tail: [u8; 10]) -> Self {
        Self { century, tail }
    }

    pub(super) fn of_canonical(canonical: &Canonical12) -> Self {
        let [first, second, tail @ ..] = *canonical.bytes();
        Self::new(Some([first, second]), tail)
    }

    /// The same form in another century (18, 19 …).
    pub(super) fn in_century(self, century: u8) -> Self {
        Self { century: Some([b'0' + century / 10 % 10, b'0' + century % 10]), ..self }
    }

    pub(super) fn canonical(&self) -> Option<Canonical12> {
        self.century.map(|century| Canonical12::new(century, &self.tail))
    }

    /// The first two of twelve characters as a number.
    pub(super) fn century(&self) -> Option<u8> {
        self.century.map(|[tens, ones]| number(tens, ones))
    }

    pub(super) fn year_of_century(&self) -> u8 {
        number(self.tail[0], self.tail[1])
    }

    pub(super) fn month(&self) -> u8 {
        number(self.tail[2], self.tail[3])
    }

    /// The day as written, with whatever the kind of identifier adds to it.
    pub(super) fn day(&self) -> u8 {
        number(self.tail[4], self.tail[5])
    }

    /// The day without the 60 of a samordningsnummer; 0 when it is unknown.
    pub(super) fn calendar_day(&self) -> u8 {
        let day = self.day();
        day.checked_sub(SAMORDNING_DAY_OFFSET).unwrap_or(day)
    }

    pub(super) fn last_four(&self) -> &[u8; 4] {
        self.tail.last_chunk::<4>().expect("ten characters are more than four")
    }

    pub(super) fn has_letters(&self) -> bool {
        !self.last_four().iter().all(u8::is_ascii_digit)
    }

    pub(super) fn has_nrid_prefix(&self) -> bool {
        self.century().is_some_and(|century| century == NRID_WITHOUT_DATE || century >= FIRST_NRID_PREFIX)
    }

    /// The century of birth; `None` when the value has none, also when it has a national
    /// reservnummer's 00.
    pub(super) fn birth_century(&self, kind: IdentifierKind) -> Option<u8> {
        let century = self.century()?;
        if kind != IdentifierKind::Nrid {
            return Some(century);
        }
        let series = century.checked_sub(FIRST_NRID_PREFIX)?;
        // 22 is 19, 23 is 20, 24 is 18, and then over again: each new series adds another 3.
        Some(BIRTH_CENTURIES[usize::from((series + 1) % 3)])
    }

    /// Whether the check digit is right, by the rule of the kind.
    pub(super) fn luhn(&self, kind: IdentifierKind) -> CheckOutcome {
        let covered = match kind {
            IdentifierKind::Personnummer
            | IdentifierKind::Samordningsnummer
            | IdentifierKind::ReservCarelink
            | IdentifierKind::Organisationsnummer
            | IdentifierKind::Interim
            | IdentifierKind::ReservVgr => &self.tail[..9],
            // Characters 5-11 of twelve.
            IdentifierKind::ReservSthlm => &self.tail[2..9],
            IdentifierKind::ReservVarmland
            | IdentifierKind::ReservVasterbotten
            | IdentifierKind::ReservOvrig
            | IdentifierKind::Nrid
            | IdentifierKind::TfNummer
            | IdentifierKind::Lma
            | IdentifierKind::Sentinel
            | IdentifierKind::Empty
            | IdentifierKind::Invalid => return CheckOutcome::NotApplicable,
        };
        let mut values = [0; 9];
        for (value, byte) in values.iter_mut().zip(covered) {
            *value = digit_value(*byte, kind);
        }
        check(luhn_check_digit(&values[..covered.len()]) + b'0' == self.tail[9])
    }

    /// Whether the date in the number exists, by the rule of the kind.
    pub(super) fn calendar(&self, kind: IdentifierKind) -> CheckOutcome {
        match kind {
            IdentifierKind::Personnummer
            | IdentifierKind::Interim
            | IdentifierKind::TfNummer
            | IdentifierKind::ReservVgr
            | IdentifierKind::ReservVarmland
            | IdentifierKind::ReservVasterbotten
            | IdentifierKind::ReservOvrig => self.date(kind, self.day()),
            IdentifierKind::Samordningsnummer if self.month() == 0 || self.calendar_day() == 0 => {
                CheckOutcome::NotApplicable
            }
            IdentifierKind::Samordningsnummer => self.date(kind, self.calendar_day()),
            IdentifierKind::Nrid if self.has_letters() && self.birth_century(kind).is_some() => {
                self.date(kind, self.day())
            }
            IdentifierKind::Nrid
            | IdentifierKind::ReservCarelink
            | IdentifierKind::ReservSthlm
            | IdentifierKind::Organisationsnummer
            | IdentifierKind::Lma
            | IdentifierKind::Sentinel
            | IdentifierKind::Empty
            | IdentifierKind::Invalid => CheckOutcome::NotApplicable,
        }
    }

    fn date(&self, kind: IdentifierKind, day: u8) -> CheckOutcome {
        let (year, month) = (self.year_of_century(), self.month());
        check(match self.birth_century(kind) {
            Some(century) => {
                BIRTH_CENTURIES.contains(&century)
                    && calendar::date_exists(calendar::full_year(century, year), month, day)
            }
            None => calendar::date_exists_in_some_century(year, month, day),
        })
    }
}

fn check(holds: bool) -> CheckOutcome {
    if holds { CheckOutcome::Ok } else { CheckOutcome::Fail }
}

/// The number that two digits make.
fn number(tens: u8, ones: u8) -> u8 {
    (tens - b'0') * 10 + (ones - b'0')
}

/// What a character counts as in the check digit. Letters are only ever in the first place of the
/// last four here.
fn digit_value(byte: u8, kind: IdentifierKind) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'K' if kind == IdentifierKind::ReservVgr => 5,
        b'M' if kind == IdentifierKind::ReservVgr => 7,
        b'X' if kind == IdentifierKind::ReservVgr => 8,
        _ => 1,
    }
}
