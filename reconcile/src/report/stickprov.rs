//! Cases side by side, for people who look them up.

use super::{Labels, Language, Tier};
use crate::sample::{Case, CaseField, CaseValue, LONGEST_TOLD, Mask, Stratum};

pub(super) struct CaseView {
    pub(super) entity: String,
    pub(super) key: String,
    /// Area, time and nämnd.
    pub(super) place: String,
    /// System and table.
    pub(super) source: String,
    pub(super) mapping: String,
    pub(super) fields: Vec<FieldView>,
}

pub(super) struct FieldView {
    pub(super) label: String,
    /// The columns that the rule reads, each with its value.
    pub(super) old: Vec<(String, String)>,
    pub(super) new: String,
    pub(super) rule: String,
}

pub(super) fn cases(cases: &[Case], labels: &Labels, tier: Tier, language: Language) -> Vec<CaseView> {
    cases.iter().map(|case| view(case, labels, tier, language)).collect()
}

fn view(case: &Case, labels: &Labels, tier: Tier, language: Language) -> CaseView {
    let Stratum { area, entity, era, namnd } = &case.stratum;
    let names = [Labels::name(&labels.areas, area), era, Labels::name(&labels.namnder, namnd)];
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    CaseView {
        entity: Labels::name(&labels.entities, entity).to_owned(),
        key: case.key.clone(),
        place: names.join(", "),
        source: format!("{}/{}", case.system, case.table),
        mapping: case.mapping.clone(),
        fields: case.fields.iter().map(|field| field_view(field, tier, language)).collect(),
    }
}

fn field_view(field: &CaseField, tier: Tier, language: Language) -> FieldView {
    let said = |value: &CaseValue| match tier {
        Tier::Shareable => masked(value, language),
        Tier::Protected => value.clear.expose().clone(),
    };
    FieldView {
        label: field.label.clone(),
        old: field.old.iter().map(|(column, value)| (column.clone(), said(value))).collect(),
        new: said(&field.new),
        rule: field.rule.clone(),
    }
}

/// What everybody may see of a value.
fn masked(value: &CaseValue, language: Language) -> String {
    let (of, length) = match value.mask {
        Mask::Open => return value.clear.expose().clone(),
        Mask::Made { of, length } => (language.say(of), length),
    };
    let Some(length) = length else { return of.to_owned() };
    let characters = match language {
        Language::Sv => "tecken",
        Language::En => "characters",
    };
    if length >= LONGEST_TOLD {
        return format!("{of}, {} {length} {characters}", language.say("minst"));
    }
    format!("{of}, {length} {characters}")
}

#[cfg(test)]
mod tests {
    use bron_mappings::Sensitive;

    use super::*;

    #[test]
    fn a_mask_says_what_a_value_is_made_of_and_no_more() {
        let said =
            |mask, language| masked(&CaseValue { clear: Sensitive::new("EBLF".to_owned()), mask }, language);
        assert_eq!(said(Mask::Open, Language::En), "EBLF");
        assert_eq!(said(Mask::Made { of: "siffror", length: Some(4) }, Language::Sv), "siffror, 4 tecken");
        assert_eq!(
            said(Mask::Made { of: "siffror", length: Some(40) }, Language::Sv),
            "siffror, minst 40 tecken"
        );
        assert_eq!(said(Mask::Made { of: "siffror", length: Some(4) }, Language::En), "digits, 4 characters");
        assert_eq!(said(Mask::Made { of: "saknas", length: None }, Language::En), "missing");
    }
}
