//! The kinds of identifier and the rules that tell them apart.

use super::calendar::BIRTH_CENTURIES;
use super::form::{Form, ORGANISATION_PREFIX};
use super::work_copy::Separator;

/// What an identifier is. The choice rests on the characters alone, never on the check digit or the
/// calendar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum IdentifierKind {
    /// Personnummer, 18 § folkbokföringslagen: month 01-12, day 01-31.
    Personnummer,
    /// Samordningsnummer, lag (2022:1697): as a personnummer with 60 added to the day. An unknown
    /// day is 60, an unknown month 00.
    Samordningsnummer,
    /// Reservnummer of Region Stockholm, `99yyyyNNNNNC`.
    ReservSthlm,
    /// Reservnummer of Västra Götalandsregionen, `yyyymmddGggC` with G one of K, M, X and gg
    /// 06-89.
    ReservVgr,
    /// Reservnummer of Region Värmland: S, one of F, U, X, P, L, a digit, and a letter or a digit
    /// that is not 0.
    ReservVarmland,
    /// Reservnummer of Region Västerbotten, E or A and three digits. Its numbers with R and K look
    /// like interim numbers and are classified as such.
    ReservVasterbotten,
    /// Reservnummer of Carelink (later Inera) and of Region Halland: digits with a day of 32-59.
    ReservCarelink,
    /// Reservnummer whose issuer its shape does not tell: a birth date and four characters with a
    /// letter among them.
    ReservOvrig,
    /// National reservnummer (NRID): two letters and two digits or three letters and one digit,
    /// after a birth date with 3, 6, 9 … added to the century; 00 for an unknown birth date. Also
    /// twelve digits with a month of 20-99.
    Nrid,
    /// Interim number: one of T, R, S, U, W, X, J, K, L, M, N in place of the first digit of the
    /// birth number.
    Interim,
    /// TF-nummer, a number that a municipality gives to a person without a personnummer: `TF` and
    /// two digits in the last four.
    TfNummer,
    /// Organisationsnummer: third digit 2 or more, or twelve digits from `16`.
    Organisationsnummer,
    /// Number of an asylum seeker's LMA-kort, `NN-NNNNNN`.
    Lma,
    /// A value that stands for nobody; see [`SENTINELS`](super::SENTINELS).
    Sentinel,
    /// No value, or blanks.
    Empty,
    /// None of the others.
    Invalid,
}

impl IdentifierKind {
    /// The code of the kind, in lower case, for reports and reason texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Personnummer => "personnummer",
            Self::Samordningsnummer => "samordningsnummer",
            Self::ReservSthlm => "reserv_sthlm",
            Self::ReservVgr => "reserv_vgr",
            Self::ReservVarmland => "reserv_varmland",
            Self::ReservVasterbotten => "reserv_vasterbotten",
            Self::ReservCarelink => "reserv_carelink",
            Self::ReservOvrig => "reserv_ovrig",
            Self::Nrid => "nrid",
            Self::Interim => "interim",
            Self::TfNummer => "tf_nummer",
            Self::Organisationsnummer => "organisationsnummer",
            Self::Lma => "lma",
            Self::Sentinel => "sentinel",
            Self::Empty => "empty",
            Self::Invalid => "invalid",
        }
    }

    /// The code of `person_identifier.typ` for this kind, the calendar left aside.
    pub(super) fn target_code(self) -> &'static str {
        match self {
            Self::Personnummer => "pnr",
            Self::Samordningsnummer => "samordning",
            Self::ReservSthlm => "reserv_sthlm",
            Self::ReservVgr => "reserv_vgr",
            Self::ReservVarmland
            | Self::ReservVasterbotten
            | Self::ReservCarelink
            | Self::ReservOvrig
            | Self::Interim => "reserv_ovrig",
            Self::Nrid => "nrid",
            Self::Lma => "lma",
            Self::TfNummer | Self::Sentinel => "lokal",
            Self::Organisationsnummer | Self::Empty | Self::Invalid => "okand",
        }
    }

    /// True for the two numbers that Skatteverket assigns to persons.
    pub(super) fn is_national(self) -> bool {
        matches!(self, Self::Personnummer | Self::Samordningsnummer)
    }
}

/// Interim letters; each counts as the digit 1 in the check digit.
const INTERIM_LETTERS: &[u8] = b"TRSUWXJKLMN";
/// Letters that Region Västerbotten puts first in the last four.
const VASTERBOTTEN_LETTERS: &[u8] = b"REKA";
/// Letters that the national reservnummer leaves out, because they are easily misread.
const NOT_IN_NRID: &[u8] = b"IOQVW";

/// The kind of a value with ten or twelve characters.
pub(super) fn of_form(form: &Form, separator: Separator) -> IdentifierKind {
    if form.has_letters() {
        return with_letters(form);
    }
    let third_digit_of_two_or_more = form.month() >= 20;
    match form.century() {
        Some(99) => IdentifierKind::ReservSthlm,
        Some(ORGANISATION_PREFIX) => IdentifierKind::Organisationsnummer,
        None if third_digit_of_two_or_more && separator != Separator::Plus => {
            IdentifierKind::Organisationsnummer
        }
        None if third_digit_of_two_or_more => IdentifierKind::Invalid,
        Some(_) | None => by_month_and_day(form.month(), form.day()),
    }
}

fn by_month_and_day(month: u8, day: u8) -> IdentifierKind {
    match (month, day) {
        (1..=12, 1..=31) => IdentifierKind::Personnummer,
        (0..=12, 60..=91) => IdentifierKind::Samordningsnummer,
        (1..=12, 32..=59) => IdentifierKind::ReservCarelink,
        (20..=99, _) => IdentifierKind::Nrid,
        _ => IdentifierKind::Invalid,
    }
}

/// The narrower pattern goes first: K, M and X are interim letters as well, but Västra
/// Götalandsregionen always has 06-89 after them. A value without its century is of the same kind
/// as with it; only the national reservnummer cannot be told without.
fn with_letters(form: &Form) -> IdentifierKind {
    let [first, second, third, last] = *form.last_four();
    let digits_follow = [second, third, last].iter().all(u8::is_ascii_digit);
    if digits_follow && matches!(first, b'K' | b'M' | b'X') && is_vgr_serial(second, third) {
        return IdentifierKind::ReservVgr;
    }
    if digits_follow && INTERIM_LETTERS.contains(&first) {
        return IdentifierKind::Interim;
    }
    if is_nrid(form) {
        return IdentifierKind::Nrid;
    }
    if is_varmland(form) {
        return IdentifierKind::ReservVarmland;
    }
    if digits_follow && VASTERBOTTEN_LETTERS.contains(&first) {
        return IdentifierKind::ReservVasterbotten;
    }
    if (first, second) == (b'T', b'F') && third.is_ascii_digit() && last.is_ascii_digit() {
        return IdentifierKind::TfNummer;
    }
    if is_dated(form) {
        return IdentifierKind::ReservOvrig;
    }
    IdentifierKind::Invalid
}

/// 06-79 for known sex, 80-89 for unknown.
fn is_vgr_serial(second: u8, third: u8) -> bool {
    (*b"06"..=*b"89").contains(&[second, third])
}

fn is_nrid(form: &Form) -> bool {
    let letter = |byte: u8| byte.is_ascii_uppercase() && !NOT_IN_NRID.contains(&byte);
    let [first, second, third, last] = *form.last_four();
    form.has_nrid_prefix()
        && letter(first)
        && letter(second)
        && (letter(third) || third.is_ascii_digit())
        && last.is_ascii_digit()
}

fn is_varmland(form: &Form) -> bool {
    let [first, second, third, last] = *form.last_four();
    first == b'S'
        && matches!(second, b'F' | b'U' | b'X' | b'P' | b'L')
        && third.is_ascii_digit()
        && matches!(last, b'A'..=b'Z' | b'1'..=b'9')
}

/// A month and a day as in a personnummer, in a century in which people are born or in none.
fn is_dated(form: &Form) -> bool {
    form.century().is_none_or(|century| BIRTH_CENTURIES.contains(&century))
        && (1..=12).contains(&form.month())
        && (1..=31).contains(&form.day())
}
