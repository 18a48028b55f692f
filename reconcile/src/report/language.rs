//! The language of a page. Texts stand in Swedish where they are used; what they are in English stands in one table.

mod english;

use serde::{Deserialize, Serialize};

use english::english;

/// A language that reports are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Swedish, the language of the business.
    #[default]
    Sv,
    /// English. Names that the business gives its own things, such as nämnder and code lists, stay Swedish.
    En,
}

impl Language {
    /// The code by which HTML names it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sv => "sv",
            Self::En => "en",
        }
    }

    /// A Swedish text in this language; as it is where nobody has said what it is in it.
    #[must_use]
    pub fn say(self, swedish: &str) -> &str {
        match self {
            Self::Sv => swedish,
            Self::En => english(swedish).unwrap_or(swedish),
        }
    }
}

/// The key under which a template finds its language.
pub(crate) const LANGUAGE: &str = "language";

/// What templates call.
#[expect(unreachable_pub, reason = "the macro makes public what it makes of a filter")]
pub(crate) mod filters {
    use super::{LANGUAGE, Language};

    /// A Swedish text in the language of the page.
    #[askama::filter_fn]
    pub(crate) fn t(text: impl std::fmt::Display, values: &dyn askama::Values) -> askama::Result<String> {
        let language = askama::get_value::<Language>(values, LANGUAGE).copied().unwrap_or_default();
        Ok(language.say(&text.to_string()).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The texts that templates say, and no others: their literals before the filter.
    fn said() -> BTreeSet<String> {
        const TEMPLATES: [&str; 20] = [
            include_str!("../../templates/report.html"),
            include_str!("../../templates/report/andringar.html"),
            include_str!("../../templates/report/balans.html"),
            include_str!("../../templates/report/fordelning.html"),
            include_str!("../../templates/report/gallring.html"),
            include_str!("../../templates/report/godkannande.html"),
            include_str!("../../templates/report/granser.html"),
            include_str!("../../templates/report/inte-med.html"),
            include_str!("../../templates/report/kontroller.html"),
            include_str!("../../templates/report/kvalitet.html"),
            include_str!("../../templates/report/lasningar.html"),
            include_str!("../../templates/report/macros.html"),
            include_str!("../../templates/report/marken.html"),
            include_str!("../../templates/report/normalisering.html"),
            include_str!("../../templates/report/objekt.html"),
            include_str!("../../templates/report/rader.html"),
            include_str!("../../templates/report/round_trip.html"),
            include_str!("../../templates/report/sekretess.html"),
            include_str!("../../templates/report/stickprov.html"),
            include_str!("../../templates/report/waivers.html"),
        ];
        let pieces = TEMPLATES.iter().flat_map(|template| template.split("\"|t"));
        let literal = |piece: &str| piece.rsplit_once('"').map(|(_, text)| text.to_owned());
        let found: BTreeSet<String> = pieces.filter_map(literal).collect();
        // What stands behind the last filter of a template is no text of it.
        found
            .into_iter()
            .filter(|text| !text.contains(['<', '{', '}', '=', '>']) || text.contains("”<5”"))
            .collect()
    }

    #[test]
    fn every_text_of_a_template_has_an_english_one() {
        let lacking: Vec<String> = said().into_iter().filter(|text| english(text).is_none()).collect();
        assert_eq!(lacking, [""; 0]);
        assert!(said().len() > 150, "only {} texts were found", said().len());
    }

    #[test]
    fn every_reason_proposal_owner_and_fault_has_an_english_text() {
        use bron_mappings::{Disposition, Owner, ReasonCode};
        let reasons = ReasonCode::ALL.iter().flat_map(|reason| {
            let advice = crate::report::advice(reason.code());
            [reason.label(), advice.proposal]
        });
        let faults = crate::faults::FAULTS.iter().flat_map(|fault| [fault.label, fault.note]);
        let others = Owner::ALL.iter().map(|owner| owner.label());
        let others = others.chain(Disposition::ALL.iter().map(|(_, one)| one.label()));
        let all = reasons.chain(faults).chain(others).filter(|text| !text.is_empty());
        let lacking: Vec<&str> = all.filter(|text| english(text).is_none()).collect();
        assert_eq!(lacking, [""; 0]);
    }

    #[test]
    fn no_text_is_empty_or_there_twice() {
        let mut seen = BTreeSet::new();
        for (swedish, english) in english::entries() {
            assert!(!swedish.trim().is_empty() && !english.trim().is_empty(), "{swedish}: {english}");
            assert!(seen.insert(swedish), "{swedish} is there twice");
        }
    }

    #[test]
    fn a_text_that_nobody_has_translated_stays() {
        assert_eq!((Language::En.say("Lika"), Language::Sv.say("Lika")), ("Equal", "Lika"));
        assert_eq!(Language::En.say("Skarpnäcks stadsdelsnämnd"), "Skarpnäcks stadsdelsnämnd");
    }
}
