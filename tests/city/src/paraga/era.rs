//! The three eras of the export: what the columns, the bytes and the dates look like.

use crate::calendar::Month;

/// An era of the export format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// 2014-01 to 2015-05: positions by GPS, Windows-1252, nothing quoted.
    One,
    /// 2015-06 to 2019-12: NFC tags instead of positions, otherwise the same.
    Two,
    /// From 2020-01: UTF-8 with a byte order mark, ISO times, quoting, and visit numbers
    /// begin again, a few below where they ended.
    Three,
}

impl Era {
    pub(crate) fn of(month: Month) -> Self {
        if month < Month::of(2015, 6) {
            Self::One
        } else if month < Month::of(2020, 1) {
            Self::Two
        } else {
            Self::Three
        }
    }

    pub(crate) fn is_utf8(self) -> bool {
        self == Self::Three
    }

    pub(crate) fn has_position(self) -> bool {
        self == Self::One
    }

    pub(crate) fn has_tag(self) -> bool {
        self != Self::One
    }

    /// Between the date and the time.
    pub(crate) fn time_separator(self) -> char {
        if self.is_utf8() { 'T' } else { ' ' }
    }

    pub(crate) fn besok_header(self) -> &'static str {
        if self.has_position() {
            "BesokId;KundNr;Personnr;UtforareId;PersonalId;PersonalId2;\
             PlanStart;PlanSlut;FaktStart;FaktSlut;KvittStartTyp;KvittSlutTyp;TagId;\
             Latitud;Longitud;Dubbel;Status;AvbOrsak;Godkand;AndradAv;AndradTid"
        } else {
            "BesokId;KundNr;Personnr;UtforareId;PersonalId;PersonalId2;\
             PlanStart;PlanSlut;FaktStart;FaktSlut;KvittStartTyp;KvittSlutTyp;TagId;\
             Dubbel;Status;AvbOrsak;Godkand;AndradAv;AndradTid"
        }
    }
}

/// The header of `insats` files.
pub(crate) const INSATS_HEADER: &str = "BesokId;RadNr;InsatsKod;PlanMin;UtfMin;Utford;Orsak";
/// The header of `korr` files.
pub(crate) const KORR_HEADER: &str = "KorrId;BesokId;Falt;Fran;Till;Anledning;Av;Tid";
/// The header of `kund` files.
pub(crate) const KUND_HEADER: &str =
    "KundNr;Personnr;Namn;Adress;Postnr;Ort;Kommun;UtforareId;Skyddad;From;Tom";
/// The header of `personal` files.
pub(crate) const PERSONAL_HEADER: &str = "PersonalId;HsaId;Namn;UtforareId;From;Tom";
/// The header of `franvaro` files.
pub(crate) const FRANVARO_HEADER: &str = "KundNr;UtforareId;Typ;From;Tom";
/// The header of `kontroll` files.
pub(crate) const KONTROLL_HEADER: &str = "Period;UtforareId;AntalBesok;SummaUtfMin";
