//! What can be wrong with a row, as a closed vocabulary.

use std::fmt;

use crate::key::SourceKey;
use crate::mapping::Action;

macro_rules! reason_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $label:literal;)+) => {
        /// Why a row, or one field of it, got a mark, was held back or was left out.
        ///
        /// The list is closed: reports translate each code, and a truth file can count each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ReasonCode { $($(#[doc = $doc])+ $name,)+ }

        impl ReasonCode {
            /// Every code, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code as written in mapping files, quality marks and summaries.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The meaning in Swedish, for the business side.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }
        }
    };
}

reason_codes! {
    /// The check digit of a person number is wrong.
    CheckDigit = "D01", "Kontrollsiffran i personnumret stämmer inte";
    /// A ten-digit number could belong to two centuries.
    CenturyAmbiguous = "D02", "Tiosiffrigt personnummer där seklet inte går att avgöra";
    /// The date in a person number does not exist.
    CalendarImpossible = "D03", "Personnumret innehåller ett datum som inte finns";
    /// A stand-in was entered instead of a person number.
    Sentinel = "D04", "Platshållare i stället för personnummer";
    /// A reserve number was entered where a person number is expected.
    ReserveNumber = "D05", "Reservnummer i fältet för personnummer";
    /// Text was decoded with the wrong code page at some time; a derived field is repaired.
    Mojibake = "D13", "Feltolkad teckenkodning, rättad i härlett fält";
    /// Characters were lost when the text was converted.
    LostCharacters = "D14", "Tecken har gått förlorade i texten";
    /// A code is not in the code list for its date.
    UnknownCode = "D18", "Kod som saknas i kodlistan";
    /// A section of law is spelled in another way than the canonical one.
    LagrumSpelling = "D21", "Lagrum skrivet på annat sätt än det vedertagna";
    /// A text in a field for a section of law names none.
    LagrumUnparsed = "D21_oparsad", "Text i lagrumsfältet som inte anger något lagrum";
    /// A stand-in date means an open end.
    OpenEndDate = "D23", "Platshållardatum som betyder tills vidare";
    /// An interval ends before it starts.
    EndBeforeStart = "D24", "Slutdatum före startdatum";
    /// The stored result of a calculation is not the sum of its posts.
    SumMismatch = "D36", "Beräkningens resultat är inte summan av posterna";
    /// An amount has parts of an öre.
    SubOre = "D38", "Belopp med delar av öre";
    /// The same amount was paid twice for the same month to the same account.
    RepeatedPayment = "D42", "Möjlig dubbel utbetalning";
    /// A journal note has not been signed within thirty days.
    UnsignedNote = "D48", "Osignerad journalanteckning äldre än 30 dagar";
    /// A visit ends before it starts or lasts more than a day.
    VisitLength = "D58", "Besök som slutar före start eller är längre än ett dygn";
    /// A file was delivered a second time.
    RepeatedFile = "D66", "Fil levererad två gånger";
    /// A line of a file was broken by a separator or a line break inside a text.
    BrokenLine = "D68", "Trasig rad i fil";
    /// A value does not have the form that its rule reads.
    Malformed = "felformat", "Värde som inte går att tolka";
    /// A required value is missing.
    Missing = "saknas", "Obligatorisk uppgift saknas";
    /// Two records have the same key.
    RepeatedKey = "upprepad_nyckel", "Två poster med samma nyckel";
    /// A record of a full snapshot was replaced by a later snapshot of the same record.
    Superseded = "ersatt_av_senare", "Ersatt av senare fullständig leverans";
    /// A parent record that the rule needs is not in the source.
    OrphanParent = "D79", "Posten hänvisar till en post som saknas";
    /// Left out by a scope rule of the mapping.
    OutOfScope = "utanfor_omfattning", "Utanför flyttens omfattning";
}

impl ReasonCode {
    /// The code with this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == text)
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A row, or a field of it, that got a mark, was held back or was left out. It never carries a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reject {
    /// The record.
    pub source_key: SourceKey,
    /// What the quality policy did.
    pub action: Action,
    /// Why.
    pub reason: ReasonCode,
    /// The entity and the field of the model, or empty when the whole row is meant.
    pub field: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse_back() {
        for (index, reason) in ReasonCode::ALL.iter().enumerate() {
            assert_eq!(ReasonCode::parse(reason.code()), Some(*reason));
            assert!(ReasonCode::ALL[index + 1..].iter().all(|other| other.code() != reason.code()));
        }
        assert_eq!(ReasonCode::parse("D99"), None);
    }
}
