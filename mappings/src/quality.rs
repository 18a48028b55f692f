//! The policy for quality work as data: who gets the rows of a rule, whether they stand on a work list, what
//! the owner does in the source system, and how much it matters.
//!
//! `quality/*.toml` beside the model. A rule without a policy goes to the owner that [`ReasonCode::owner`]
//! names, and stands on the work list when its rows are flagged or held back; what was normalised or
//! repaired needs nobody.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::document::{Reporter, Section, read_document};
use crate::mapping::Action;
use crate::owner::Owner;
use crate::reject::ReasonCode;

/// How much a rule matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Has to be decided before the move of the unit.
    High,
    /// Ought to be corrected before the move.
    #[default]
    Middle,
    /// For information.
    Low,
}

impl Weight {
    /// Every weight with its name in policy files, which people read as well.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("hög", Self::High), ("medel", Self::Middle), ("låg", Self::Low)];

    /// The name in policy files and on lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::High => "hög",
            Self::Middle => "medel",
            Self::Low => "låg",
        }
    }
}

/// What the policy says about one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulePolicy {
    /// Who gets the rows, when it is not the rule's own owner.
    pub owner: Option<Owner>,
    /// Whether rows stand on a work list; `None`: as their action says.
    pub listed: Option<bool>,
    /// What the owner does in the source system, in Swedish, when it is not the general advice.
    pub advice: Option<String>,
    /// How much it matters.
    pub weight: Weight,
}

/// The policy for all rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QualityPolicy {
    rules: BTreeMap<ReasonCode, RulePolicy>,
}

impl QualityPolicy {
    /// What the policy says about a rule, if anything.
    #[must_use]
    pub fn rule(&self, reason: ReasonCode) -> Option<&RulePolicy> {
        self.rules.get(&reason)
    }

    /// Who gets the rows of a rule.
    #[must_use]
    pub fn owner(&self, reason: ReasonCode) -> Owner {
        self.rule(reason).and_then(|rule| rule.owner).unwrap_or_else(|| reason.owner())
    }

    /// How much a rule matters.
    #[must_use]
    pub fn weight(&self, reason: ReasonCode) -> Weight {
        self.rule(reason).map(|rule| rule.weight).unwrap_or_default()
    }

    /// Whether a row of a rule with this action stands on a work list.
    #[must_use]
    pub fn is_listed(&self, reason: ReasonCode, action: Action) -> bool {
        let by_action = match action {
            Action::Flag | Action::Quarantine | Action::Stop => true,
            Action::Norm | Action::Fix | Action::Merge | Action::Exclude => false,
        };
        self.rule(reason).and_then(|rule| rule.listed).unwrap_or(by_action)
    }

    /// Reads one file and adds what it says.
    pub(crate) fn add(&mut self, file: &str, text: &str) -> Vec<Diagnostic> {
        let mut report = Reporter::new(file);
        read_document(text, &mut report, |root, report| {
            for mut section in root.sections("rule", report) {
                let Some((reason, policy)) = read_rule(&mut section, report) else { continue };
                if self.rules.insert(reason, policy).is_some() {
                    let message = format!("rule {reason} has two policies");
                    report.error("BRON-M070", &section.span, message, "again");
                }
            }
        });
        report.found
    }
}

fn read_rule(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<(ReasonCode, RulePolicy)> {
    let code = section.required_text("code", report);
    let owner = section.text("owner", report);
    let listed = section.bool("listed", report);
    let advice = section.text("advice", report).map(|advice| advice.text);
    let weight = section.text("weight", report);
    section.finish(report);
    let code = code?;
    let reason = ReasonCode::parse(&code.text);
    if reason.is_none() {
        report.unknown("BRON-M070", &code, "rule", ReasonCode::ALL.iter().map(|reason| reason.code()));
    }
    let owner = owner.and_then(|name| {
        let known = Owner::ALL.into_iter().find(|owner| owner.code() == name.text);
        if known.is_none() {
            report.unknown("BRON-M070", &name, "owner", Owner::ALL.iter().map(|owner| owner.code()));
        }
        known
    });
    let weight = weight.and_then(|name| {
        let known = Weight::ALL.iter().find(|(known, _)| *known == name.text);
        if known.is_none() {
            report.unknown("BRON-M070", &name, "weight", Weight::ALL.iter().map(|(known, _)| *known));
        }
        known.map(|(_, weight)| *weight)
    });
    Some((reason?, RulePolicy { owner, listed, advice, weight: weight.unwrap_or_default() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (QualityPolicy, Vec<&'static str>) {
        let mut policy = QualityPolicy::default();
        let found = policy.add("quality/q.toml", &format!("format = 1\n{text}"));
        (policy, found.iter().map(|one| one.code).collect())
    }

    #[test]
    fn a_policy_overrides_what_the_rule_and_the_action_say() {
        let (policy, found) =
            read("[[rule]]\ncode = \"D10\"\nowner = \"SDF\"\nlisted = false\nweight = \"låg\"");
        assert_eq!(found, [""; 0]);
        let reason = ReasonCode::BirthDayDiffers;
        assert_eq!((policy.owner(reason), policy.weight(reason)), (Owner::Sdf, Weight::Low));
        assert!(!policy.is_listed(reason, Action::Flag));
        let other = ReasonCode::CheckDigit;
        assert_eq!((policy.owner(other), policy.weight(other)), (other.owner(), Weight::Middle));
        assert!(policy.is_listed(other, Action::Flag) && policy.is_listed(other, Action::Stop));
        assert!(!policy.is_listed(other, Action::Norm) && !policy.is_listed(other, Action::Exclude));
    }

    #[test]
    fn mistakes_are_reported() {
        for mistake in [
            "[[rule]]\ncode = \"D99\"",
            "[[rule]]\ncode = \"D01\"\nowner = \"ALLA\"",
            "[[rule]]\ncode = \"D01\"\nweight = \"tung\"",
            "[[rule]]\ncode = \"D01\"\n[[rule]]\ncode = \"D01\"",
        ] {
            assert_eq!(read(mistake).1, ["BRON-M070"], "{mistake}");
        }
        assert_eq!(read("[[rule]]\nowner = \"SDF\"").1, ["BRON-M004"]);
    }
}
