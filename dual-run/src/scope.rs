//! The unit that is moved.

use std::fmt;

/// Which half of the work: deciding, or carrying out what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Handling cases and deciding (myndighetsutövning).
    Myndighet,
    /// Carrying out decided interventions (utförande).
    Utforare,
}

impl Side {
    /// The name that stores, settings and the command line use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Myndighet => "myndighet",
            Self::Utforare => "utforare",
        }
    }
}

/// The unit that moves as a whole: one area of work in one nämnd, on one side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The verksamhetsområde, as the code of the new model.
    pub area: String,
    /// The code of the nämnd.
    pub namnd: String,
    /// The side.
    pub side: Side,
}

impl Scope {
    /// Reads the form that [`Scope`] is shown in; `None` when the text is not of that form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (area, namnd, side) = (parts.next()?, parts.next()?, parts.next()?);
        let side = [Side::Myndighet, Side::Utforare].into_iter().find(|one| one.name() == side)?;
        let is_whole = parts.next().is_none() && !area.is_empty() && !namnd.is_empty();
        is_whole.then(|| Self { area: area.to_owned(), namnd: namnd.to_owned(), side })
    }

    /// The scope without its area, as tables of ownership name it: `SDN03/myndighet`.
    #[must_use]
    pub fn unit(&self) -> String {
        format!("{}/{}", self.namnd, self.side.name())
    }
}

/// `ekonomiskt-bistand/SDN03/myndighet`: the area, the nämnd and the side.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.area, self.namnd, self.side.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_reads_as_it_is_shown() {
        let text = "ekonomiskt-bistand/SDN03/myndighet";
        assert_eq!(Scope::parse(text).unwrap().to_string(), text);
        assert_eq!(Scope::parse(text).unwrap().unit(), "SDN03/myndighet");
        for wrong in ["", "a/b", "a/b/c", "a//myndighet", "a/b/utforare/d"] {
            assert!(Scope::parse(wrong).is_none(), "{wrong}");
        }
    }
}
