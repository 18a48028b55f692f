//! Which faults each direction can see.
//!
//! The report prints it: a reader who sees "equal" should see at the same time what that does not mean. What is said of
//! faults that a target can hold is held to what a harness saw that plants each of them, see
//! `docs/reconciliation.md`.

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
    /// The sight of the references.
    pub references: Sight,
    /// The sight of the balance of who may read what.
    pub secrecy: Sight,
    /// The sight of the receipts that the target keeps of the load.
    pub receipts: Sight,
    /// The round trip's sight.
    pub round_trip: Sight,
    /// The condition, or what else helps, in Swedish; may be empty.
    pub note: &'static str,
    /// The kinds of damage that are planted to try it, by name; none for what no target can hold.
    pub planted: &'static [&'static str],
}

/// The sights stand in the order of the fields.
const fn fault(
    label: &'static str,
    sights: [Sight; 7],
    note: &'static str,
    planted: &'static [&'static str],
) -> Fault {
    let [conservation, controls, rows, references, secrecy, receipts, round_trip] = sights;
    Fault { label, conservation, controls, rows, references, secrecy, receipts, round_trip, note, planted }
}

use Sight::{No, Partly, Yes};

/// Every kind of fault: first those that a target can hold, then those that came before it.
pub const FAULTS: &[Fault] = &[
    fault(
        "En rad har tappats på väg till målet",
        [Yes, Partly, Yes, Partly, Yes, No, No],
        "Summorna ser det i det som räknas, hänvisningarna när en annan rad pekar på raden.",
        &["row_dropped"],
    ),
    fault(
        "En rad har tappats, och målet säger att det vägrade ta emot den",
        [No, No, No, No, No, Yes, No],
        "Raden räknas som vägrad och står i karantänen; kvittot på inläsningen säger emot.",
        &["loss_noted_as_refusal"],
    ),
    fault(
        "En rad finns två gånger, eller saknar källa",
        [Yes, Partly, Yes, No, Yes, No, Partly],
        "Summorna ser det i det som räknas.",
        &["row_duplicated", "row_invented", "row_invented_elsewhere"],
    ),
    fault(
        "En rad har fått ett annat id, eller ett som inte går att läsa",
        [No, No, Yes, Partly, Yes, No, Partly],
        "Hänvisningarna ser det när en annan rad pekar på raden.",
        &["id_altered", "id_unreadable"],
    ),
    fault(
        "Två rader har bytt plats, eller en äldre version står i stället för raden",
        [No, Partly, Yes, No, Partly, No, Partly],
        "Varje rad finns, och antalen är rätt. Summorna ser det när raderna räknas eller summeras olika.",
        &["rows_exchanged", "stale_version"],
    ),
    fault(
        "En hänvisning pekar på fel rad, eller har tappats",
        [No, Partly, Yes, No, No, No, Partly],
        "Raden som pekas ut finns, så bara innehållet avslöjar det.",
        &["references_swapped", "person_wrong", "reference_lost"],
    ),
    fault(
        "En hänvisning pekar på en rad som inte finns",
        [No, Partly, Yes, Yes, No, No, Partly],
        "",
        &["reference_to_nothing"],
    ),
    fault(
        "Fel text i en rad, också när den ser likadan ut",
        [No, Partly, Yes, No, No, No, Partly],
        "Summorna ser det bara när texten avgör vilken grupp raden hör till.",
        &[
            "letter_changed",
            "trailing_space",
            "leading_nbsp",
            "zero_width",
            "look_alike",
            "null_to_empty",
            "empty_to_null",
            "text_lost",
            "mojibake",
            "decomposed",
            "letters_lost",
            "truncated",
            "case_changed",
            "line_break_changed",
            "journal_altered",
        ],
    ),
    fault(
        "Fel kod i en rad, eller ja för nej",
        [No, Partly, Yes, No, No, No, Partly],
        "Summorna ser det bara när uppgiften avgör vilken grupp raden hör till.",
        &["code_replaced", "code_unknown", "code_lost", "flag_flipped"],
    ),
    fault(
        "Två kolumner i en rad har bytt innehåll",
        [No, Partly, Yes, Partly, No, No, Partly],
        "Hänvisningarna ser det när kolumnerna hänvisar till olika slags rader.",
        &["columns_exchanged"],
    ),
    fault(
        "Fel datum eller klockslag i en rad",
        [No, Partly, Yes, No, No, No, Partly],
        "Summorna ser det bara när raden hamnar i en annan period.",
        &[
            "day_and_month_exchanged",
            "day_off",
            "sentinel",
            "century_lost",
            "hour_shifted",
            "minute_off",
            "time_of_day_lost",
            "end_closed",
            "end_opened",
        ],
    ),
    fault(
        "Anteckningar i en journal har bytt ordning",
        [No, Partly, Yes, No, No, No, Partly],
        "",
        &["journal_reordered"],
    ),
    fault(
        "Fel belopp eller tid i en rad",
        [No, Partly, Yes, No, No, No, Partly],
        "Summorna ser det i de fält som summeras.",
        &[
            "ore_off_by_one",
            "sign_changed",
            "decimal_shifted",
            "digits_exchanged",
            "minutes_off_by_one",
            "number_lost",
            "nought_for_nothing",
        ],
    ),
    fault(
        "Två fel som tar ut varandra, i olika perioder",
        [No, Partly, Yes, No, No, No, Partly],
        "Därför jämförs varje period för sig.",
        &["cancelling_across_periods"],
    ),
    fault(
        "Två fel som tar ut varandra, i samma period och grupp",
        [No, Partly, Yes, No, No, No, Partly],
        "Därför jämförs varje rad för sig.",
        &["cancelling_in_a_period"],
    ),
    fault(
        "Uppgifter har bytt plats mellan två rader i samma period och grupp",
        [No, Partly, Yes, No, No, No, Partly],
        "Därför jämförs varje rad för sig.",
        &["swapped_in_a_period"],
    ),
    fault(
        "Ett värde i målet går inte att läsa",
        [No, Partly, Yes, No, No, No, Partly],
        "Summorna ser det i de fält som summeras eller grupperas.",
        &["value_unreadable"],
    ),
    fault(
        "Fel nämnd, sekretess eller skydd",
        [No, Partly, Yes, No, Yes, No, Partly],
        "Summorna ser det där en nämnds rader räknas.",
        &["protection_lowered", "secrecy_changed", "namnd_changed", "namnd_moved", "namnd_lost"],
    ),
    fault(
        "Raden säger sig komma från ett annat system eller en annan tabell",
        [Yes, Partly, Yes, No, No, No, Partly],
        "",
        &["source_altered"],
    ),
    fault(
        "Fel källnyckel, mappning, kontrollsumma eller kvalitetsmärke i en rad",
        [No, Partly, Yes, No, No, No, Partly],
        "",
        &["source_key_altered", "mapping_altered", "row_digest_altered", "mark_dropped", "mark_invented"],
    ),
    fault(
        "Raden säger sig komma från en körning som målet inte känner",
        [No, No, No, Yes, No, No, No],
        "",
        &["run_altered"],
    ),
    fault(
        "Ett kvitto på inläsningen har ändrats eller tagits bort",
        [No, No, No, No, No, Yes, No],
        "Då är det inte styrkt vad som lästes in, och utslaget är ”inte bevisat”.",
        &["receipt_dropped", "receipt_altered", "receipt_miscounted", "receipt_retired"],
    ),
    fault(
        "En rad har tappats redan när källan lästes",
        [Yes, Partly, No, No, No, No, No],
        "Källans egen räkning avslöjar det, liksom en tredje parts summa, till exempel Agressos bunt, och \
         jämförelsen med förra läsningen.",
        &[],
    ),
    fault(
        "Fel i programmet som omvandlar",
        [No, Partly, No, No, No, No, Partly],
        "Summorna räknas av en egen del som inte känner omvandlingen. Tur och retur ser det som går att ställa \
         tillbaka. I övrigt: granska stickprov.",
        &[],
    ),
    fault(
        "Mappningen säger fel sak",
        [No, Partly, No, No, No, No, No],
        "Reglerna måste läsas och godkännas av verksamheten. Stickprov hjälper.",
        &[],
    ),
    fault(
        "Källan har ändrats efter läsningen",
        [No, No, No, No, No, No, No],
        "Hanteras av dubbeldriften, som följer ändringar.",
        &[],
    ),
    fault(
        "Uppgiften var fel redan i källan",
        [No, No, No, No, No, No, No],
        "Kvalitetsmärkena pekar ut sådant som går att se.",
        &[],
    ),
    fault(
        "Målets historik har ändrats",
        [No, No, No, No, No, No, No],
        "Avstämningen ser på det som målet håller nu, inte på det som det har hållit.",
        &[],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_blind_spot_of_all_directions_has_a_note() {
        for fault in FAULTS {
            let Fault { conservation, controls, rows, references, secrecy, receipts, round_trip, .. } =
                *fault;
            let is_always_seen =
                [conservation, controls, rows, references, secrecy, receipts, round_trip].contains(&Yes);
            assert!(is_always_seen || !fault.note.is_empty(), "{}", fault.label);
        }
    }

    #[test]
    fn what_a_target_can_hold_is_always_seen_by_one_direction() {
        for fault in FAULTS.iter().filter(|fault| !fault.planted.is_empty()) {
            let Fault { rows, references, receipts, .. } = *fault;
            assert!([rows, references, receipts].contains(&Yes), "{}", fault.label);
        }
        assert!(FAULTS.iter().filter(|fault| fault.planted.is_empty()).count() == 6);
    }

    #[test]
    fn a_fault_of_the_transformation_is_seen_by_the_round_trip_and_not_row_by_row() {
        assert!(FAULTS.iter().any(|fault| fault.rows == No && fault.round_trip == Partly));
    }
}
