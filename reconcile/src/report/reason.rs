//! Reasons in plain language: what it is, what we propose, who decides.

use std::collections::BTreeMap;

use bron_mappings::ReasonCode;

use crate::summary::{Summary, TableSummary};

use super::number::count;

/// Who owns the rows that a rule points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// The district administration: its coordinators know the cases.
    Sdf,
    /// The central administration: owner of a process.
    Ff,
    /// The provider of a service.
    Utf,
    /// The nurse who is responsible for health care.
    Mas,
    /// Finance.
    Eko,
    /// Information security and data protection.
    Dso,
    /// The migration's own team.
    Proj,
}

impl Owner {
    /// The short name that work lists use.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sdf => "SDF",
            Self::Ff => "FF",
            Self::Utf => "UTF",
            Self::Mas => "MAS",
            Self::Eko => "EKO",
            Self::Dso => "DSO",
            Self::Proj => "PROJ",
        }
    }

    /// The name in Swedish.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Sdf => "Stadsdelsförvaltningen",
            Self::Ff => "Fackförvaltningen, processägare",
            Self::Utf => "Utföraren",
            Self::Mas => "Medicinskt ansvarig sjuksköterska",
            Self::Eko => "Ekonomi",
            Self::Dso => "Dataskyddsombud, informationssäkerhet",
            Self::Proj => "Flyttprojektet",
        }
    }
}

/// What is proposed for the rows of a reason, and who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The proposal, in Swedish.
    pub proposal: &'static str,
    /// Who decides.
    pub owner: Owner,
}

const fn of(owner: Owner, proposal: &'static str) -> Advice {
    Advice { proposal, owner }
}

/// By reason code, in the order of the data-quality catalogue.
const ADVICE: &[(&str, Advice)] = &[
    ("D01", of(Owner::Sdf, "Kontrollera mot folkbokföringen och rätta i källan före flytten.")),
    (
        "D02",
        of(Owner::Sdf, "Ange seklet i källan. Personen kopplas inte ihop med andra förrän det är gjort."),
    ),
    ("D03", of(Owner::Sdf, "Rätta numret i källan, eller ange att det är ett lokalt nummer.")),
    ("D04", of(Owner::Sdf, "Ta reda på vem personen är. Platshållare kopplas aldrig ihop.")),
    ("D05", of(Owner::Sdf, "Förs över som reservnummer. Inget behöver göras.")),
    ("D13", of(Owner::Proj, "Den rättade texten visas bredvid. Källans text är oförändrad.")),
    ("D14", of(Owner::Sdf, "Skriv om texten i källan om rätt lydelse är känd.")),
    ("D18", of(Owner::Ff, "Bestäm vad koden betyder och lägg till den i kodlistan.")),
    ("D21", of(Owner::Ff, "Tolkat till vedertagen form. Källans skrivsätt är sparat.")),
    ("D21_oparsad", of(Owner::Ff, "Avgör vilket lagrum som avses och komplettera kodlistan.")),
    ("D23", of(Owner::Proj, "Förs över som tills vidare. Källans datum är sparat.")),
    ("D24", of(Owner::Sdf, "Rätta datumen i källan. Utbetalningar hålls tillbaka tills det är gjort.")),
    ("D36", of(Owner::Eko, "Det sparade resultatet gäller. Granska skillnaden mot posterna.")),
    ("D38", of(Owner::Eko, "Bestäm beloppet i hela öre. Inget avrundas utan beslut.")),
    ("D42", of(Owner::Eko, "Granska om utbetalningen är dubbel. Den förs över som den är.")),
    ("D48", of(Owner::Sdf, "Signera i källan. Anteckningen förs över osignerad.")),
    (
        "D58",
        of(
            Owner::Utf,
            "Rätta tiderna med utföraren. Besöket är märkt så att det kan lämnas utanför timsummor.",
        ),
    ),
    ("D66", of(Owner::Proj, "Den andra leveransen utelämnas. Inget behöver göras.")),
    ("D68", of(Owner::Proj, "Begär filen på nytt av utföraren, eller rätta raden för hand.")),
    ("D79", of(Owner::Sdf, "Ange vilken nämnd som ansvarar, eller återskapa posten som saknas.")),
    ("felformat", of(Owner::Proj, "Avgör hur värdet ska läsas, och komplettera mappningen.")),
    ("saknas", of(Owner::Sdf, "Komplettera uppgiften i källan.")),
    ("upprepad_nyckel", of(Owner::Proj, "Avgör vilken av posterna som gäller.")),
    ("ersatt_av_senare", of(Owner::Proj, "Den senare leveransen gäller. Inget behöver göras.")),
    ("utanfor_omfattning", of(Owner::Ff, "Beslutad avgränsning. Kontrollera att antalet är rimligt.")),
];

const UNKNOWN: Advice = of(Owner::Proj, "Utred vad orsaken innebär.");

/// What is proposed for the rows of a reason. A code that the catalogue does not have goes to the
/// migration's own team.
#[must_use]
pub fn advice(code: &str) -> Advice {
    ADVICE.iter().find(|(known, _)| *known == code).map_or(UNKNOWN, |(_, advice)| *advice)
}

/// Rows and the table they are in.
type Places = Vec<(u64, String)>;

/// A reason and its rows, over all tables.
pub(super) struct ReasonView {
    pub(super) code: String,
    pub(super) label: String,
    pub(super) total: String,
    /// Where, the largest count first: "paraply/BESLUT 12".
    pub(super) places: Vec<String>,
    pub(super) proposal: &'static str,
    pub(super) owner: &'static str,
    pub(super) owner_label: &'static str,
}

/// The reasons of one kind, the largest first.
pub(super) fn held(
    summary: &Summary,
    counts: fn(&TableSummary) -> &BTreeMap<String, u64>,
) -> Vec<ReasonView> {
    let mut places: BTreeMap<&str, Places> = BTreeMap::new();
    for table in &summary.tables {
        for (code, &rows) in counts(table).iter().filter(|(_, rows)| **rows > 0) {
            places.entry(code).or_default().push((rows, format!("{}/{}", table.system, table.table)));
        }
    }
    let total = |places: &Places| places.iter().map(|(rows, _)| u128::from(*rows)).sum::<u128>();
    let mut reasons: Vec<(u128, &str, Places)> =
        places.into_iter().map(|(code, places)| (total(&places), code, places)).collect();
    reasons.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(other.1)));
    reasons.into_iter().map(|(total, code, places)| view(total, code, places)).collect()
}

fn view(total: u128, code: &str, mut places: Places) -> ReasonView {
    places.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    let Advice { proposal, owner } = advice(code);
    ReasonView {
        code: code.to_owned(),
        label: ReasonCode::parse(code).map_or_else(|| code.to_owned(), |reason| reason.label().to_owned()),
        total: count(total),
        places: places.into_iter().map(|(rows, place)| format!("{place} {}", count(rows))).collect(),
        proposal,
        owner: owner.code(),
        owner_label: owner.label(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_advice_of_its_own() {
        let without: Vec<&str> = ReasonCode::ALL
            .iter()
            .map(|reason| reason.code())
            .filter(|code| advice(code) == UNKNOWN)
            .collect();
        assert_eq!(without, [""; 0]);
    }
}
