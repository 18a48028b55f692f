//! Why a finding is there, as far as the run knows.

use std::fmt;

use bron_mappings::{Action, ReasonCode};
use serde::{Deserialize, Serialize};

use crate::rows::FindingKind;

/// What the run knows about why a finding is there. Of several causes the one named first here counts.
///
/// A cause helps whoever looks into the finding; it takes nothing away from the verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "reason", rename_all = "snake_case")]
pub enum Cause {
    /// The row was being written while it was compared.
    InFlight,
    /// The source row is held back, for this reason code: it waits in quarantine.
    HeldBack(String),
    /// The target refused what the source row became, for this reason code.
    Refused(String),
    /// A rule with this reason code left the source row out, or let another row stand for it.
    Rule(String),
    /// A code of the source row has no counterpart: the mark with this reason code.
    UnmappedCode(String),
    /// The source row, in the fields of the finding, has a defect: the mark with this reason code.
    SourceDefect(String),
    /// Nothing that the run knows explains it.
    #[default]
    Unexplained,
}

impl Cause {
    /// The name in files.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InFlight => "in_flight",
            Self::HeldBack(_) => "held_back",
            Self::Refused(_) => "refused",
            Self::Rule(_) => "rule",
            Self::UnmappedCode(_) => "unmapped_code",
            Self::SourceDefect(_) => "source_defect",
            Self::Unexplained => "unexplained",
        }
    }

    /// The name in Swedish.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::InFlight => "Raden ändrades under jämförelsen",
            Self::HeldBack(_) => "Källraden är i karantän",
            Self::Refused(_) => "Målet tog inte emot raden",
            Self::Rule(_) => "Källraden är utelämnad eller sammanslagen enligt regel",
            Self::UnmappedCode(_) => "Källraden har en kod utan motsvarighet",
            Self::SourceDefect(_) => "Källraden har ett fel",
            Self::Unexplained => "Oförklarat: förlorat eller ändrat",
        }
    }

    /// The reason code behind it; empty where there is none.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::HeldBack(reason)
            | Self::Refused(reason)
            | Self::Rule(reason)
            | Self::UnmappedCode(reason)
            | Self::SourceDefect(reason) => reason,
            Self::InFlight | Self::Unexplained => "",
        }
    }

    /// The cause with this name and reason code; what nobody knows explains nothing.
    #[must_use]
    pub fn parse(code: &str, reason: &str) -> Self {
        let reason = reason.to_owned();
        match code {
            "in_flight" => Self::InFlight,
            "held_back" => Self::HeldBack(reason),
            "refused" => Self::Refused(reason),
            "rule" => Self::Rule(reason),
            "unmapped_code" => Self::UnmappedCode(reason),
            "source_defect" => Self::SourceDefect(reason),
            _ => Self::Unexplained,
        }
    }
}

impl fmt::Display for Cause {
    /// The name in Swedish, with the reason code and what it means.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())?;
        match ReasonCode::parse(self.reason()) {
            Some(reason) => write!(f, " ({reason}: {})", reason.label()),
            None => Ok(()),
        }
    }
}

/// What the run noted about a source key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyMark {
    /// What was done with the row.
    pub action: Action,
    /// Why.
    pub reason: ReasonCode,
    /// The field of the model that is meant; empty for the whole row.
    pub field: String,
    /// Whether it was the target that said so.
    pub by_target: bool,
}

impl KeyMark {
    /// What the mark says about a finding on a row of the same source key; `None` when it says nothing about it.
    ///
    /// A row that is missing, or there without need, is explained by what keeps its source row out, and fields by marks
    /// on them. A mark on the row as a whole explains no field, but for that of a parent which is not in the source:
    /// what it refers to cannot be there.
    #[must_use]
    pub fn explains(&self, kind: &FindingKind) -> Option<Cause> {
        let reason = self.reason.code().to_owned();
        let of_fields = match kind {
            FindingKind::Missing | FindingKind::Unexpected | FindingKind::Repeated => {
                return self.keeps_out(kind, reason);
            }
            FindingKind::Differs { fields } | FindingKind::Dangling { fields } => fields,
            // What is not given back is named by columns of the source, and a mark by a field of the model.
            FindingKind::Nameless { .. } | FindingKind::NotRestored { .. } => return None,
        };
        let is_orphan =
            matches!(kind, FindingKind::Dangling { .. }) && self.reason == ReasonCode::OrphanParent;
        let is_meant = is_orphan || of_fields.contains(&self.field);
        match self.action {
            Action::Flag if is_meant && is_about_a_code(self.reason) => Some(Cause::UnmappedCode(reason)),
            Action::Flag if is_meant => Some(Cause::SourceDefect(reason)),
            Action::Flag
            | Action::Norm
            | Action::Fix
            | Action::Quarantine
            | Action::Stop
            | Action::Merge
            | Action::Exclude => None,
        }
    }

    fn keeps_out(&self, kind: &FindingKind, reason: String) -> Option<Cause> {
        if self.by_target {
            return Some(Cause::Refused(reason));
        }
        match self.action {
            Action::Quarantine | Action::Stop if is_about_a_code(self.reason) => {
                Some(Cause::UnmappedCode(reason))
            }
            Action::Quarantine | Action::Stop => Some(Cause::HeldBack(reason)),
            Action::Merge | Action::Exclude => Some(Cause::Rule(reason)),
            Action::Flag if *kind == FindingKind::Repeated && self.reason == ReasonCode::RepeatedKey => {
                Some(Cause::SourceDefect(reason))
            }
            Action::Flag | Action::Norm | Action::Fix => None,
        }
    }
}

/// Whether the reason is that a code means nothing, or nothing on its day.
const fn is_about_a_code(reason: ReasonCode) -> bool {
    matches!(reason, ReasonCode::UnknownCode | ReasonCode::UnknownPeriod | ReasonCode::UnmappedTerm)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(action: Action, reason: ReasonCode, field: &str) -> KeyMark {
        KeyMark { action, reason, field: field.to_owned(), by_target: false }
    }

    fn differs(field: &str) -> FindingKind {
        FindingKind::Differs { fields: vec![field.to_owned()] }
    }

    #[test]
    fn a_missing_row_is_explained_by_what_keeps_its_source_row_out() {
        let said = |mark: KeyMark| mark.explains(&FindingKind::Missing);
        let held = mark(Action::Quarantine, ReasonCode::EndBeforeStart, "till");
        assert_eq!(said(held.clone()), Some(Cause::HeldBack("D24".to_owned())));
        assert_eq!(said(KeyMark { by_target: true, ..held }), Some(Cause::Refused("D24".to_owned())));
        let code = mark(Action::Stop, ReasonCode::UnknownCode, "");
        assert_eq!(said(code), Some(Cause::UnmappedCode("D18".to_owned())));
        for action in [Action::Merge, Action::Exclude] {
            let left_out = mark(action, ReasonCode::RepeatedFile, "");
            assert_eq!(said(left_out), Some(Cause::Rule("D66".to_owned())));
        }
        for action in [Action::Flag, Action::Norm, Action::Fix] {
            assert_eq!(said(mark(action, ReasonCode::CheckDigit, "")), None, "such a row came over");
        }
    }

    #[test]
    fn a_field_is_explained_by_marks_on_it_and_not_by_those_on_the_whole_row() {
        let flag = |field: &str| mark(Action::Flag, ReasonCode::SubOre, field);
        let defect = Some(Cause::SourceDefect("D38".to_owned()));
        assert_eq!(flag("belopp").explains(&differs("belopp")), defect);
        assert_eq!(flag("").explains(&differs("belopp")), None);
        let orphan = mark(Action::Flag, ReasonCode::OrphanParent, "");
        let dangling = FindingKind::Dangling { fields: vec!["arende_id".to_owned()] };
        assert_eq!(orphan.explains(&dangling), Some(Cause::SourceDefect("D79".to_owned())));
        assert_eq!(orphan.explains(&differs("arende_id")), None);
        assert_eq!(flag("datum").explains(&differs("belopp")), None);
        assert_eq!(flag("belopp").explains(&FindingKind::Nameless { place: 1 }), None);
        let code = mark(Action::Flag, ReasonCode::UnknownPeriod, "status");
        assert_eq!(code.explains(&differs("status")), Some(Cause::UnmappedCode("D20".to_owned())));
        let repaired = mark(Action::Fix, ReasonCode::Mojibake, "namn");
        assert_eq!(repaired.explains(&differs("namn")), None, "the sources give what was repaired");
        let held = mark(Action::Quarantine, ReasonCode::SubOre, "");
        assert_eq!(held.explains(&differs("belopp")), None, "another row of the key was held back");
    }

    #[test]
    fn a_cause_comes_back_from_its_name_and_the_strongest_comes_first() {
        let reason = "D24".to_owned();
        let causes = [
            Cause::InFlight,
            Cause::HeldBack(reason.clone()),
            Cause::Refused(reason.clone()),
            Cause::Rule(reason.clone()),
            Cause::UnmappedCode(reason.clone()),
            Cause::SourceDefect(reason),
            Cause::Unexplained,
        ];
        for cause in &causes {
            assert_eq!(Cause::parse(cause.code(), cause.reason()), *cause);
        }
        assert!(causes.is_sorted());
        assert_eq!(Cause::parse("något", "D24"), Cause::Unexplained);
        let text = causes[1].to_string();
        assert_eq!(text, "Källraden är i karantän (D24: Slutdatum före startdatum)");
    }
}
