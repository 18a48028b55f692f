//! The ways in which an identifier is written for people.

use super::calendar;
use super::century::earlier_century;
use super::form::Form;
use super::kind::IdentifierKind;
use super::{Identifier, classify};

/// The age in the year of which the hyphen becomes a plus sign.
const AGE_OF_PLUS: i32 = 100;

impl Identifier {
    /// The identifier in full: `YYYYMMDD-NNNC`, for kinds that are written in one piece
    /// `99yyyyNNNNNC` and `NN-NNNNNN` for an LMA-nummer. Classifying it again gives the same kind,
    /// canonical form and checks. `None` while the century is unknown, and for values that are no
    /// identifier.
    pub fn format_long(&self) -> Option<String> {
        if self.kind == IdentifierKind::Lma {
            return Some(format!("{}-{}", &self.compact()[..2], &self.compact()[2..8]));
        }
        let canonical = self.canonical.as_ref()?.as_str();
        if matches!(self.kind, IdentifierKind::ReservSthlm | IdentifierKind::Nrid) {
            return Some(canonical.to_owned());
        }
        Some(format!("{}-{}", &canonical[..8], &canonical[8..]))
    }

    /// The identifier as the everyday eleven characters, `YYMMDD-NNNC`, with `+` for the hyphen
    /// when `reference_year` is the year in which the person turns 100 or a later one; an
    /// organisationsnummer as `NNNNNN-NNNN`.
    ///
    /// `None` for kinds that need all twelve characters, while the century is unknown, and where
    /// the short form would be read back as another kind or another century.
    pub fn format_short(&self, reference_year: i32) -> Option<String> {
        let canonical = self.canonical?;
        let sign = if self.kind == IdentifierKind::Organisationsnummer {
            '-'
        } else {
            self.sign_in(reference_year)?
        };
        let tail = &canonical.as_str()[2..];
        let short = format!("{}{sign}{}", &tail[..6], &tail[6..]);
        (classify(&short).kind == self.kind).then_some(short)
    }

    fn sign_in(&self, reference_year: i32) -> Option<char> {
        let form = Form::of_canonical(self.canonical.as_ref()?);
        let century = form.birth_century(self.kind)?;
        let birth_year = calendar::full_year(century, form.year_of_century());
        if reference_year.saturating_sub(i32::from(birth_year)) < AGE_OF_PLUS {
            return Some('-');
        }
        (earlier_century(form.year_of_century()) == century).then_some('+')
    }
}
