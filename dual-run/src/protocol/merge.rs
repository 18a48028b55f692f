//! Rows whose groups of fields have different owners.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::Image;

/// Which group of attributes each column of a table or field of an entity belongs to: contact details, folkbokföring.
/// What is named nowhere belongs to the group of the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldGroups(BTreeMap<String, BTreeMap<String, String>>);

impl FieldGroups {
    /// The name of the group of everything that is in no other.
    pub const REST: &'static str = "rest";

    /// Groups by column by table.
    #[must_use]
    pub const fn new(groups: BTreeMap<String, BTreeMap<String, String>>) -> Self {
        Self(groups)
    }

    /// The group of a column.
    #[must_use]
    pub fn group(&self, table: &str, column: &str) -> &str {
        self.0.get(table).and_then(|columns| columns.get(column)).map_or(Self::REST, String::as_str)
    }

    /// The groups that are named for a table.
    #[must_use]
    pub fn of(&self, table: &str) -> BTreeSet<&str> {
        self.0.get(table).into_iter().flat_map(|columns| columns.values().map(String::as_str)).collect()
    }
}

/// Joins two images that were made from `base` independently, when each side changed only groups that it may change:
/// `ours` those for which `may_write` holds, `theirs` the others. `None` when a side changed a group of the other's:
/// then a person decides.
#[must_use]
pub fn merge(
    base: &Image,
    ours: &Image,
    theirs: &Image,
    group: impl Fn(&str) -> String,
    may_write: impl Fn(&str) -> bool,
) -> Option<Image> {
    let columns: BTreeSet<&String> =
        [base, ours, theirs].into_iter().flat_map(|image| image.columns().keys()).collect();
    let mut merged = theirs.columns().clone();
    for column in columns {
        let of = |image: &Image| image.columns().get(column).cloned();
        let (was, our, their) = (of(base), of(ours), of(theirs));
        let is_ours = may_write(&group(column));
        let (owners, others) = if is_ours { (&our, &their) } else { (&their, &our) };
        if *others != was && others != owners {
            return None;
        }
        if is_ours {
            match our {
                Some(value) => merged.insert(column.clone(), value),
                None => merged.remove(column),
            };
        }
    }
    Some(Image::new(merged))
}

#[cfg(test)]
mod tests {
    use bron_transform::{SourceText, SourceTexts};

    use super::*;

    fn image(columns: &[(&str, &str)]) -> Image {
        let text =
            |(column, value): &(&str, &str)| ((*column).to_owned(), SourceText::Text((*value).to_owned()));
        Image::new(columns.iter().map(text).collect::<SourceTexts>())
    }

    fn groups() -> FieldGroups {
        let contact = [("telefon".to_owned(), "kontakt".to_owned())];
        FieldGroups::new(BTreeMap::from([("person".to_owned(), BTreeMap::from(contact))]))
    }

    fn merged(ours: &[(&str, &str)], theirs: &[(&str, &str)]) -> Option<Image> {
        let base = image(&[("namn", "a"), ("telefon", "1")]);
        let groups = groups();
        let group = |column: &str| groups.group("person", column).to_owned();
        merge(&base, &image(ours), &image(theirs), group, |group| group == FieldGroups::REST)
    }

    #[test]
    fn disjoint_groups_of_one_owner_each_are_joined() {
        let joined = merged(&[("namn", "b"), ("telefon", "1")], &[("namn", "a"), ("telefon", "2")]);
        assert_eq!(joined, Some(image(&[("namn", "b"), ("telefon", "2")])));
        let emptied = merged(&[("telefon", "1")], &[("namn", "a")]);
        assert_eq!(emptied, Some(Image::default()));
    }

    #[test]
    fn a_change_in_the_other_sides_group_is_for_a_person() {
        assert_eq!(merged(&[("namn", "b"), ("telefon", "3")], &[("namn", "a"), ("telefon", "2")]), None);
        assert_eq!(merged(&[("namn", "b"), ("telefon", "1")], &[("namn", "c"), ("telefon", "1")]), None);
        let same = [("namn", "b"), ("telefon", "1")];
        assert!(merged(&same, &same).is_some(), "both said the same");
    }

    #[test]
    fn what_is_named_nowhere_is_the_rest() {
        assert_eq!(groups().group("person", "namn"), FieldGroups::REST);
        assert_eq!(groups().of("person"), BTreeSet::from(["kontakt"]));
        assert!(groups().of("beslut").is_empty());
    }
}
