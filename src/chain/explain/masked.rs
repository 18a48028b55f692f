//! What may be shown of a value.

use bron_load::quarantine::{MaskedColumn, mask_of};
use bron_mappings::{Entity, Field, Mapping, ProtectionClass, may_name_a_person};
use serde::Serialize;

use crate::chain::coverage::own_column;

/// A column or a field with its value, as far as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Shown {
    /// The column, or the field.
    pub(crate) name: String,
    /// The value, where it may be shown and is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    /// What the value is made of, where it may not be shown; nothing about a protected person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<String>,
    /// Its length in characters, as far as it may be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) length: Option<u64>,
}

/// How much may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Openness {
    /// The value, which says nothing about a person.
    Clear,
    /// What it is made of and how long it is.
    Masked,
    /// Nothing: the person is protected.
    Nothing,
}

impl Openness {
    /// What may be shown of a field of the model.
    pub(super) fn of_field(field: Option<&Field>, protected: bool) -> Self {
        if protected {
            return Self::Nothing;
        }
        match field {
            Some(field) if field.protection == ProtectionClass::Open => Self::Clear,
            Some(_) | None => Self::Masked,
        }
    }
}

impl Shown {
    pub(super) fn new(name: &str, text: Option<&str>, openness: Openness) -> Self {
        let nothing = Self { name: name.to_owned(), value: None, class: None, length: None };
        let openness = match text {
            Some(text) if openness == Openness::Clear && may_name_a_person(text) => Openness::Masked,
            Some(_) | None => openness,
        };
        match openness {
            Openness::Nothing => nothing,
            Openness::Clear if text.is_some() => Self { value: text.map(str::to_owned), ..nothing },
            Openness::Clear | Openness::Masked => {
                let mask = mask_of(&[(name.to_owned(), text.map(str::to_owned))]);
                let Some(MaskedColumn { class, length, .. }) = mask.into_iter().next() else {
                    return nothing;
                };
                Self { class: Some(class), length: Some(length).filter(|length| *length > 0), ..nothing }
            }
        }
    }
}

/// What may be shown of a column of a source table: it is clear when it becomes something, when all that it becomes
/// says nothing about a person, and when it is no part of a key that can be a person number.
pub(super) fn of_column<'e>(
    mapping: &Mapping,
    column: &str,
    entity: impl Fn(&str) -> Option<&'e Entity>,
    protected: bool,
) -> Openness {
    let is_read = |origin: &bron_mappings::Origin| own_column(mapping, origin) == Some(column);
    let about_persons =
        mapping.person.as_ref().is_some_and(|person| person.origins().into_iter().any(is_read));
    let of_key = mapping.personal_key && mapping.key.iter().any(is_read);
    let targets =
        mapping.targets.iter().flat_map(|target| target.fields.iter().map(move |rule| (target, rule)));
    let mut becomes = targets.filter(|(_, rule)| rule.origins().into_iter().any(is_read)).peekable();
    if protected {
        return Openness::Nothing;
    }
    let known = becomes.peek().is_some() && !about_persons && !of_key;
    let open = |(target, rule): (&bron_mappings::Target, &bron_mappings::FieldRule)| {
        let field = entity(&target.entity).and_then(|entity| entity.field(&rule.field));
        Openness::of_field(field, false) == Openness::Clear
    };
    if known && becomes.all(open) { Openness::Clear } else { Openness::Masked }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shown_masked_or_not_at_all() {
        let shown = |text, openness| Shown::new("K", text, openness);
        assert_eq!(shown(Some("EB"), Openness::Clear).value.as_deref(), Some("EB"));
        let masked = shown(Some("Anna Andersson"), Openness::Masked);
        assert_eq!((masked.value, masked.class.as_deref(), masked.length), (None, Some("text"), Some(14)));
        let number = shown(Some("19121212-0000"), Openness::Clear);
        assert_eq!((number.value, number.length), (None, Some(13)), "it has the form of a person number");
        let nothing = shown(Some("Anna"), Openness::Nothing);
        assert_eq!((nothing.value, nothing.class, nothing.length), (None, None, None));
        assert_eq!(shown(None, Openness::Clear).class.as_deref(), Some("missing"));
    }
}
