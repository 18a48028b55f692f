//! The first thing a reader sees.

use crate::conservation::Imbalance;
use crate::summary::{Summary, Verdict};

use super::Language;
use super::number::{count, plural};

/// A figure beside the verdict.
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) number: String,
}

/// How many things differ, over all directions.
pub(super) fn differences(summary: &Summary, imbalances: &[Imbalance]) -> u128 {
    let rows = summary.rows;
    let found = [rows.missing, rows.unexpected, rows.differs, rows.nameless, summary.references.dangling]
        .map(u128::from)
        .iter()
        .sum::<u128>();
    let lists = imbalances.len() + summary.unequal_controls().count();
    let put_back = summary.round_trip.as_ref().map_or(0, |round_trip| u128::from(round_trip.alone));
    found + put_back + u128::try_from(lists).expect("a length fits 128 bits")
}

/// The verdict in one sentence.
pub(super) fn headline(summary: &Summary, imbalances: &[Imbalance], language: Language) -> String {
    let held = summary.quarantined();
    match summary.verdict {
        Verdict::Lika => language.say("Klart att godkänna: allt stämmer.").to_owned(),
        Verdict::LikaMedKarantan => match language {
            Language::Sv => {
                let held = plural(held, "rad väntar", "rader väntar");
                format!("Det som förts över stämmer. {held} på ert beslut.")
            }
            Language::En => {
                let held = plural(held, "row waits", "rows wait");
                format!("What was carried over agrees. {held} for your decision.")
            }
        },
        Verdict::GodkandaSkillnader => {
            let found = u128::from(summary.accepted);
            match language {
                Language::Sv => {
                    let found = plural(found, "skillnad", "skillnader");
                    format!("Inte lika: {found}, och alla är godkända.")
                }
                Language::En => {
                    let found = plural(found, "difference", "differences");
                    format!("Not equal: {found}, and all are accepted.")
                }
            }
        }
        Verdict::Skillnader => {
            let found = differences(summary, imbalances).saturating_sub(u128::from(summary.accepted)).max(1);
            match language {
                Language::Sv => {
                    format!("Stopp: {} måste förklaras.", plural(found, "skillnad", "skillnader"))
                }
                Language::En => {
                    format!("Stop: {} must be explained.", plural(found, "difference", "differences"))
                }
            }
        }
        Verdict::EjBevisat => language.say("Inte bevisat: avstämningen är inte fullständig.").to_owned(),
    }
}

/// What the verdict means, in one or two sentences.
pub(super) const fn explanation(summary: &Summary) -> &'static str {
    match summary.verdict {
        Verdict::Lika => {
            "Varje rad som lästes ur källorna finns i målet eller är utelämnad enligt en beslutad regel. Alla rader, \
             summor och antal är lika."
        }
        Verdict::LikaMedKarantan => {
            "Alla rader, summor och antal som jämförts är lika. Rader i karantän har inte förts över: för dem behövs \
             ett beslut, se avsnitt 2."
        }
        Verdict::GodkandaSkillnader => {
            "Målet är inte lika källorna. Allt som skiljer är godkänt av namngivna personer till en bestämd dag, se \
             Godkända avvikelser. Inget annat skiljer."
        }
        Verdict::Skillnader => {
            "Minst en rad, summa eller balans är inte lika. Flytten kan inte godkännas förrän varje skillnad är \
             förklarad eller rättad."
        }
        Verdict::EjBevisat if summary.accepted > 0 => {
            "De skillnader som är kända är godkända, men allt har inte jämförts. Det som inte är jämfört räknas aldrig \
             som lika."
        }
        Verdict::EjBevisat => {
            "Ingen skillnad är känd, men allt har inte jämförts. Det som inte är jämfört räknas aldrig som lika."
        }
    }
}

pub(super) fn facts(summary: &Summary, imbalances: &[Imbalance]) -> Vec<Fact> {
    let sum = |part: fn(&crate::summary::TableSummary) -> u64| -> u128 {
        summary.tables.iter().map(part).map(u128::from).sum()
    };
    let facts = [
        ("lästa rader", sum(|table| table.read)),
        ("inlästa", sum(|table| table.loaded)),
        ("i karantän", summary.quarantined()),
        ("jämförda rader i målet", u128::from(summary.rows.compared)),
        ("skillnader", differences(summary, imbalances)),
    ];
    let accepted = Some(("varav godkända", u128::from(summary.accepted))).filter(|(_, number)| *number > 0);
    let facts = facts.into_iter().chain(accepted);
    facts.map(|(label, number)| Fact { label, number: count(number) }).collect()
}
