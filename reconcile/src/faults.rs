//! Which faults each direction can see.
//!
//! | Fault | Conservation | Controls | Rows | Round trip |
//! |---|---|---|---|---|
//! | A row lost between staging and target | yes | yes | yes | no |
//! | A row lost while reading, before staging | yes, by the source's own count | only against a third party | no | no |
//! | A row loaded twice, or from nowhere | yes | yes | yes | no |
//! | A wrong amount or time in one row | no | yes | yes | only what has a way back |
//! | Two wrong amounts that cancel, in different periods | no | yes | yes | only what has a way back |
//! | Two wrong amounts that cancel, in the same period | no | no | yes | only what has a way back |
//! | A wrong text, code or date in one row | no | only where it groups | yes | only what has a way back |
//! | Values swapped between two rows of one period | no | no | yes | only what has a way back |
//! | A value in the target that cannot be read | no | in what is added up | yes | only what has a way back |
//! | A fault in the transform's program | no | in what is counted or added up | no | only what has a way back |
//! | A mapping rule that says the wrong thing | no | in what is counted or added up | no | no |
//! | A change in the source after it was read | no | no | no | no |
//! | A fault in the source itself | no | no | no | no, quality marks point at it |
//!
//! The table is also data, so that the report can print it: a reader who sees "equal" should see at the
//! same time what that does not mean.

/// Whether a direction sees a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// Always.
    Yes,
    /// Under a condition that the fault's note states.
    Partly,
    /// Never.
    No,
}

impl Sight {
    /// The answer in Swedish.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Yes => "Ser",
            Self::Partly => "Ser delvis",
            Self::No => "Ser inte",
        }
    }
}

/// A kind of fault and what sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The fault, in Swedish.
    pub label: &'static str,
    /// Conservation's sight.
    pub conservation: Sight,
    /// The controls' sight.
    pub controls: Sight,
    /// The row comparison's sight.
    pub rows: Sight,
    /// The round trip's sight.
    pub round_trip: Sight,
    /// The condition, or what else helps, in Swedish; may be empty.
    pub note: &'static str,
}

const fn fault(label: &'static str, sights: [Sight; 4], note: &'static str) -> Fault {
    let [conservation, controls, rows, round_trip] = sights;
    Fault { label, conservation, controls, rows, round_trip, note }
}

use Sight::{No, Partly, Yes};

/// Every kind of fault in the table above, in its order.
pub const FAULTS: &[Fault] = &[
    fault("En rad har tappats på väg till målet", [Yes, Yes, Yes, No], ""),
    fault(
        "En rad har tappats redan när källan lästes",
        [Yes, Partly, No, No],
        "Källans egen räkning avslöjar det, liksom en tredje parts summa, till exempel Agressos bunt, och \
         jämförelsen med förra läsningen.",
    ),
    fault("En rad har lästs in två gånger, eller saknar källa", [Yes, Yes, Yes, No], ""),
    fault("Fel belopp eller tid i en rad", [No, Yes, Yes, Partly], ""),
    fault(
        "Två fel som tar ut varandra, i olika perioder",
        [No, Yes, Yes, Partly],
        "Därför jämförs varje period för sig.",
    ),
    fault(
        "Två fel som tar ut varandra, i samma period",
        [No, No, Yes, Partly],
        "Därför jämförs varje rad för sig.",
    ),
    fault(
        "Fel text, kod eller datum i en rad",
        [No, Partly, Yes, Partly],
        "Summorna ser det bara när uppgiften avgör vilken period raden hör till.",
    ),
    fault("Uppgifter har bytt plats mellan två rader i samma period", [No, No, Yes, Partly], ""),
    fault(
        "Ett värde i målet går inte att läsa",
        [No, Partly, Yes, Partly],
        "Summorna ser det i de fält som summeras.",
    ),
    fault(
        "Fel i programmet som omvandlar",
        [No, Partly, No, Partly],
        "Summorna räknas av en egen del som inte känner omvandlingen. Tur och retur ser det som går att ställa \
         tillbaka. I övrigt: granska stickprov.",
    ),
    fault(
        "Mappningen säger fel sak",
        [No, Partly, No, No],
        "Reglerna måste läsas och godkännas av verksamheten. Stickprov hjälper.",
    ),
    fault(
        "Källan har ändrats efter läsningen",
        [No, No, No, No],
        "Hanteras av dubbeldriften, som följer ändringar.",
    ),
    fault(
        "Uppgiften var fel redan i källan",
        [No, No, No, No],
        "Kvalitetsmärkena pekar ut sådant som går att se.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_see_what_the_controls_cannot_and_every_blind_spot_has_a_note() {
        let hidden = FAULTS.iter().filter(|fault| fault.rows == No && fault.controls != Yes);
        assert!(FAULTS.iter().any(|fault| fault.rows == No && fault.round_trip == Partly));
        assert!(hidden.into_iter().all(|fault| !fault.note.is_empty()));
        assert_eq!(FAULTS.len(), 13);
    }
}
