//! The unit that is moved.

/// Which half of the work: deciding, or carrying out what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Handling cases and deciding (myndighetsutövning).
    Myndighet,
    /// Carrying out decided interventions (utförande).
    Utforare,
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
