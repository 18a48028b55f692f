//! What kind of identifier a value is: personnummer, samordningsnummer, one of the reservnummer, an
//! organisationsnummer, a sentinel or nothing that is known.
//!
//! [`classify`] is a pure function of the value. It never rejects: the check digit and the calendar
//! are attributes of the answer and have no part in the choice of kind, so that a mistyped
//! personnummer stays a personnummer that can be found and corrected. A century that the value does
//! not state is inferred by [`infer_century`] from the row it came with, never from the day on
//! which the program runs.

mod calendar;
mod canonical;
mod century;
mod form;
mod format;
mod hsa_id;
mod kind;
mod luhn;
mod sentinel;
#[cfg(test)]
mod tests;
mod work_copy;

use std::fmt;

use canonical::Compact;
use form::Form;
use work_copy::{Layout, Separator, WorkCopy};

pub use canonical::Canonical12;
pub use century::{CenturyEvidence, CenturyInference, infer_century};
pub use hsa_id::HsaId;
pub use kind::IdentifierKind;
pub use luhn::luhn_check_digit;
pub use sentinel::{SENTINELS, Sentinel, SentinelPattern};

/// The outcome of one check on an identifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CheckOutcome {
    /// The check was made and holds.
    Ok,
    /// The check was made and does not hold.
    Fail,
    /// Identifiers of this kind have nothing to check, or the part to check is marked as unknown.
    NotApplicable,
}

/// What the century of a [`Canonical12`] rests on, strongest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CenturySource {
    /// The value has twelve characters.
    Explicit,
    /// The value has ten, and a plus sign that says the person is in the year of turning 100 or
    /// past it.
    Separator,
    /// Another row with the same source key has the same birth date in twelve characters.
    SameKey,
    /// The date of the value's own row leaves one century only.
    RowDate,
    /// Ten characters and no plus sign: [`infer_century`] has to find out.
    Unknown,
    /// The identifier has no birth date, or is none at all.
    NotApplicable,
}

/// A classified value. Made by [`classify`] only; the caller keeps the verbatim text.
///
/// It holds personal data, so `Debug` shows the kind and the checks and none of the characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identifier {
    /// What the value is.
    pub kind: IdentifierKind,
    /// The twelve-character form; `None` while the century is unknown, and for kinds that have no
    /// such form.
    pub canonical: Option<Canonical12>,
    /// What the century in `canonical` rests on.
    pub century: CenturySource,
    /// Whether the check digit is right. It never covers the century.
    pub luhn: CheckOutcome,
    /// Whether the date in the number exists. Without a century, one century in which it exists is
    /// enough.
    pub calendar: CheckOutcome,
    compact: Compact,
}

impl Identifier {
    /// The letters and digits of the value, in upper case, without blanks and separators; empty
    /// when the value has characters that stand in no identifier. Of an LMA-nummer, the eight
    /// digits of the case. Personal data.
    pub fn compact(&self) -> &str {
        self.compact.as_str()
    }

    /// The code of `person_identifier.typ` in the target model: one of `pnr`, `samordning`,
    /// `reserv_sthlm`, `reserv_vgr`, `reserv_ovrig`, `nrid`, `lma`, `lokal`, `okand`.
    ///
    /// An impossible date makes any kind `okand` (`D03`): the number was never issued to anybody.
    pub fn target_code(&self) -> &'static str {
        match self.calendar {
            CheckOutcome::Fail => "okand",
            CheckOutcome::Ok | CheckOutcome::NotApplicable => self.kind.target_code(),
        }
    }

    /// True for a personnummer or samordningsnummer of twelve digits with a right check digit and a
    /// date that exists: the only identifiers whose equality may link two records of persons. A
    /// samordningsnummer with an unknown day or month has no date that could exist.
    ///
    /// A ten-digit value, with or without a plus sign, has to pass [`infer_century`] first, which
    /// knows its row; then the form found is classified and asked.
    pub fn is_valid_national(&self) -> bool {
        self.kind.is_national()
            && self.luhn == CheckOutcome::Ok
            && self.calendar == CheckOutcome::Ok
            && self.century == CenturySource::Explicit
    }

    /// The date in the number as (year, month, day), with the 60 of a samordningsnummer and the 3
    /// of a national reservnummer taken off. `None` when the century is unknown or the date does
    /// not exist.
    ///
    /// It need not be the day of birth: since 2009 a personnummer may carry another day of the same
    /// month.
    pub fn birth_date(&self) -> Option<(u16, u8, u8)> {
        let canonical = self.canonical.filter(|_| self.calendar == CheckOutcome::Ok)?;
        let form = Form::of_canonical(&canonical);
        let century = form.birth_century(self.kind)?;
        Some((calendar::full_year(century, form.year_of_century()), form.month(), form.calendar_day()))
    }

    /// The third digit of the birth number, odd for men and even for women, of a personnummer or
    /// samordningsnummer. It is the sex registered when the number was assigned, which a person may
    /// have changed since.
    pub fn sex_digit(&self) -> Option<u8> {
        let digit = *self.compact.bytes().iter().nth_back(1)?;
        (self.kind.is_national() && digit.is_ascii_digit()).then(|| digit - b'0')
    }

    /// A value that has no form to check: empty, a sentinel, an LMA-nummer or no identifier.
    fn without_form(kind: IdentifierKind, compact: Compact) -> Self {
        Self {
            kind,
            canonical: None,
            century: CenturySource::NotApplicable,
            luhn: CheckOutcome::NotApplicable,
            calendar: CheckOutcome::NotApplicable,
            compact,
        }
    }

    fn with_form(form: &Form, separator: Separator, compact: Compact) -> Self {
        let kind = kind::of_form(form, separator);
        if kind == IdentifierKind::Invalid {
            return Self::without_form(kind, compact);
        }
        let (form, century) = century::settle(kind, form, separator);
        Self {
            kind,
            canonical: form.canonical(),
            century,
            luhn: form.luhn(kind),
            calendar: form.calendar(kind),
            compact,
        }
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identifier")
            .field("kind", &self.kind)
            .field("century", &self.century)
            .field("luhn", &self.luhn)
            .field("calendar", &self.calendar)
            .finish_non_exhaustive()
    }
}

/// Says what `verbatim` is. Total and pure: every text has an answer, and always the same one.
///
/// The steps, in this order: a work copy without blanks and with every kind of hyphen as `-`, and of a
/// spreadsheet's `="…"` the inside only; empty values; sentinels; Region Stockholm's twelve digits from
/// `99`; an organisationsnummer by its `16` or its third digit of 2 or more; letters in the last four;
/// digits by month and day. Check digit and calendar are computed last, as attributes.
///
/// ```
/// use bron_mappings::{CheckOutcome, IdentifierKind, classify};
///
/// let identifier = classify("991981000010");
/// assert_eq!((identifier.kind, identifier.luhn), (IdentifierKind::ReservSthlm, CheckOutcome::Ok));
/// assert_eq!(classify("212000-0142").kind, IdentifierKind::Organisationsnummer);
/// ```
pub fn classify(verbatim: &str) -> Identifier {
    let Some(copy) = WorkCopy::read(verbatim) else {
        return Identifier::without_form(IdentifierKind::Invalid, Compact::default());
    };
    if copy.is_empty() {
        return Identifier::without_form(IdentifierKind::Empty, copy.compact);
    }
    if copy.has_separators_only() || sentinel::find(copy.compact.bytes()).is_some() {
        return Identifier::without_form(IdentifierKind::Sentinel, copy.compact);
    }
    match copy.layout() {
        Layout::Twelve(century, tail) => {
            Identifier::with_form(&Form::new(Some(century), tail), Separator::Absent, copy.compact)
        }
        Layout::Ten(tail, separator) => {
            Identifier::with_form(&Form::new(None, tail), separator, copy.compact)
        }
        Layout::Dossier(number) => Identifier::without_form(IdentifierKind::Lma, number),
        Layout::Other => Identifier::without_form(IdentifierKind::Invalid, copy.compact),
    }
}
