//! The century of an identifier that was written with ten characters.

use std::fmt;
use std::ops::RangeInclusive;

use super::calendar::{self, BIRTH_CENTURIES};
use super::canonical::Canonical12;
use super::form::Form;
use super::kind::IdentifierKind;
use super::work_copy::Separator;
use super::{CenturySource, CheckOutcome, Identifier, classify};

/// Nobody in the register is older, and nobody has a negative age.
const OLDEST_AGE: i32 = 115;

/// The first year of birth in the register: personnummer came in 1947, and nobody was older than
/// 115 then.
///
/// With it the register spans 1832-2031, so two digits name exactly two years. A plus sign means
/// the earlier one; that would cease to be true in 2032, when the first person born in 1932 turns
/// 100, years after the source systems.
const FIRST_BIRTH_YEAR: u16 = 1832;

/// What the row that an identifier came with says about the person's age.
///
/// The twelve-digit number is personal data, so `Debug` says only whether there is one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CenturyEvidence<'a> {
    /// The row's own date of registration or decision as (year, month, day). Never the date of the
    /// run, and not a database's default date.
    pub row_date: Option<(i32, u8, u8)>,
    /// The ages in whole years that the verksamhetsområde allows at that date, such as 0-20 for
    /// barn och unga.
    pub area_ages: Option<RangeInclusive<u16>>,
    /// The identifier of another row with the same person key in the same source.
    pub twelve_digit_of_same_key: Option<&'a str>,
}

impl fmt::Debug for CenturyEvidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CenturyEvidence")
            .field("row_date", &self.row_date)
            .field("area_ages", &self.area_ages)
            .field("has_twelve_digit_of_same_key", &self.twelve_digit_of_same_key.is_some())
            .finish()
    }
}

/// The answer of [`infer_century`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CenturyInference {
    /// One century is left, and this is what says so.
    Certain(Canonical12, CenturySource),
    /// Two centuries are possible, the earlier one first. Both are kept, the row is flagged
    /// `CENTURY_AMBIGUOUS`, and the identifier links no records (`D02`).
    Ambiguous([Canonical12; 2]),
    /// The identifier has no century to find, or the row is older than any person who could hold
    /// it.
    None,
}

/// Finds the century of an identifier.
///
/// The evidence is asked in this order, and the first that decides wins: the twelve characters of
/// the value itself; a plus sign; another row with the same key and the same birth date in twelve
/// digits; the date of the row, at which nobody is unborn or older than 115 and, if two centuries
/// are still left, the ages that the area allows. An area's ages never exclude the last candidate,
/// since areas do make exceptions. A plus sign that contradicts the row's date decides nothing.
/// Ages are compared by month, because the day in a personnummer need not be the day of birth.
pub fn infer_century(identifier: &Identifier, evidence: &CenturyEvidence<'_>) -> CenturyInference {
    let plus = match (identifier.century, identifier.canonical) {
        (CenturySource::NotApplicable, _) => return CenturyInference::None,
        (CenturySource::Separator, Some(canonical)) => Some(canonical),
        (source, Some(canonical)) => return CenturyInference::Certain(canonical, source),
        (_, None) => None,
    };
    let Ok(tail) = <[u8; 10]>::try_from(identifier.compact().as_bytes()) else {
        return CenturyInference::None;
    };
    let candidate = Candidate { form: Form::new(None, tail), kind: identifier.kind };
    if let Some(canonical) = plus.filter(|_| candidate.plus_agrees_with(evidence.row_date)) {
        return CenturyInference::Certain(canonical, CenturySource::Separator);
    }
    if let Some(canonical) = candidate.century_of_same_key(evidence) {
        return CenturyInference::Certain(canonical, CenturySource::SameKey);
    }
    match evidence.row_date {
        Some(row_date) if plus.is_none() => candidate.by_row_date(row_date, evidence.area_ages.as_ref()),
        Some(_) | None => candidate.both_in_register(),
    }
}

/// Settles the century as far as the value itself does, and says what it rests on.
pub(super) fn settle(kind: IdentifierKind, form: &Form, separator: Separator) -> (Form, CenturySource) {
    let has_birth_century = match kind {
        IdentifierKind::Personnummer
        | IdentifierKind::Samordningsnummer
        | IdentifierKind::ReservCarelink
        | IdentifierKind::ReservVgr
        | IdentifierKind::ReservVarmland
        | IdentifierKind::ReservVasterbotten
        | IdentifierKind::ReservOvrig
        | IdentifierKind::Interim
        | IdentifierKind::TfNummer => true,
        IdentifierKind::Nrid => form.has_letters() && form.birth_century(kind).is_some(),
        IdentifierKind::ReservSthlm
        | IdentifierKind::Organisationsnummer
        | IdentifierKind::Lma
        | IdentifierKind::Sentinel
        | IdentifierKind::Empty
        | IdentifierKind::Invalid => false,
    };
    match (has_birth_century, form.century(), separator) {
        (true, Some(_), _) => (*form, CenturySource::Explicit),
        (true, None, Separator::Plus) => {
            (form.in_century(earlier_century(form.year_of_century())), CenturySource::Separator)
        }
        (true, None, Separator::Hyphen | Separator::Absent) => (*form, CenturySource::Unknown),
        (false, _, _) if kind == IdentifierKind::Organisationsnummer => {
            (form.in_century(super::form::ORGANISATION_PREFIX), CenturySource::NotApplicable)
        }
        (false, _, _) => (*form, CenturySource::NotApplicable),
    }
}

/// The earlier of the two centuries in which the register has this year: 19 for 00-31 and 18 for
/// 32-99.
pub(super) fn earlier_century(year_of_century: u8) -> u8 {
    BIRTH_CENTURIES
        .into_iter()
        .find(|century| calendar::full_year(*century, year_of_century) >= FIRST_BIRTH_YEAR)
        .expect("the last century of birth begins after the first year of birth")
}

/// An identifier of ten characters whose century is looked for.
struct Candidate {
    form: Form,
    kind: IdentifierKind,
}

impl Candidate {
    fn in_century(&self, century: u8) -> Canonical12 {
        self.form.in_century(century).canonical().expect("a form with a century has twelve characters")
    }

    /// Whether the person of a plus sign lived at the date of the row. The row can be older than
    /// the sign, which a system may have set when it wrote the value out, so that an age below 100
    /// contradicts nothing.
    fn plus_agrees_with(&self, row_date: Option<(i32, u8, u8)>) -> bool {
        let century = earlier_century(self.form.year_of_century());
        row_date.is_none_or(|row_date| overlaps(&self.ages_at(century, row_date), &(0..=OLDEST_AGE)))
    }

    /// The number of the other row counts when it is a number of the same birth date, be it a
    /// personnummer that replaced a samordningsnummer.
    fn century_of_same_key(&self, evidence: &CenturyEvidence<'_>) -> Option<Canonical12> {
        let other = classify(evidence.twelve_digit_of_same_key?);
        let other_form = Form::of_canonical(&other.canonical?);
        let date = |form: &Form| (form.year_of_century(), form.month(), form.calendar_day());
        let century = other_form.birth_century(other.kind)?;
        (other.century == CenturySource::Explicit
            && BIRTH_CENTURIES.contains(&century)
            && date(&other_form) == date(&self.form))
        .then(|| self.in_century(century))
    }

    fn by_row_date(
        &self,
        row_date: (i32, u8, u8),
        area_ages: Option<&RangeInclusive<u16>>,
    ) -> CenturyInference {
        let left_by = |allowed: &RangeInclusive<i32>| {
            let mut left = BIRTH_CENTURIES.into_iter().filter(|century| {
                self.date_exists_in(*century) && overlaps(&self.ages_at(*century, row_date), allowed)
            });
            [left.next(), left.next()]
        };
        let possible = left_by(&(0..=OLDEST_AGE));
        let expected = area_ages.map_or(possible, |ages| {
            left_by(&(i32::from(*ages.start())..=i32::from(*ages.end()).min(OLDEST_AGE)))
        });
        match (possible, expected) {
            ([Some(only), None], _) | ([Some(_), Some(_)], [Some(only), None]) => {
                CenturyInference::Certain(self.in_century(only), CenturySource::RowDate)
            }
            ([Some(earlier), Some(later)], _) => {
                CenturyInference::Ambiguous([self.in_century(earlier), self.in_century(later)])
            }
            ([None, _], _) => CenturyInference::None,
        }
    }

    /// The two years that the two digits can mean, when nothing narrows them down.
    fn both_in_register(&self) -> CenturyInference {
        let earlier = earlier_century(self.form.year_of_century());
        CenturyInference::Ambiguous([self.in_century(earlier), self.in_century(earlier + 1)])
    }

    /// 29 February is a date in some centuries only. A date that exists in none says nothing about
    /// the century.
    fn date_exists_in(&self, century: u8) -> bool {
        self.form.calendar(self.kind) != CheckOutcome::Ok
            || self.form.in_century(century).calendar(self.kind) == CheckOutcome::Ok
    }

    /// The ages that the person can have in the month of the row's date.
    fn ages_at(&self, century: u8, (year, month, _day): (i32, u8, u8)) -> RangeInclusive<i32> {
        let birth_year = calendar::full_year(century, self.form.year_of_century());
        let turning = year.saturating_sub(i32::from(birth_year));
        let before_birthday = turning.saturating_sub(1);
        let birth_month = self.form.month();
        if birth_month == 0 || birth_month == month {
            before_birthday..=turning
        } else if birth_month < month {
            turning..=turning
        } else {
            before_birthday..=before_birthday
        }
    }
}

fn overlaps(ages: &RangeInclusive<i32>, allowed: &RangeInclusive<i32>) -> bool {
    ages.end() >= allowed.start() && ages.start() <= allowed.end()
}
