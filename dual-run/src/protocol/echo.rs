//! Whose change it is: three layers against loops, in one decision.
//!
//! A write of the bridge is captured on the side it was made, as any other. No single layer tells it apart: the
//! direction says nothing about writes from before a switch, a mark can leak into a person's session, and a text that
//! somebody typed can equal what the bridge wrote.

use std::collections::BTreeSet;

use crate::change::{Image, Mark};
use crate::lens::Agreed;
use crate::ownership::Owner;

/// Whose a captured change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The owner's: it is carried over.
    Own,
    /// The bridge's own write, come round: it is left out.
    Echo,
    /// What a trigger or a batch of that side made of the bridge's write: it says what both worlds agree on, or
    /// differs in columns that are declared to be derived. It is not carried over.
    Derived,
    /// A write of the bridge that a later one has taken the place of: it is left out.
    Superseded,
    /// Somebody's who may not write there: it is kept, and a person decides.
    Foreign,
}

/// What is known of a captured change.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// The side it was captured on.
    pub from: Owner,
    /// Who owns the scope of its row.
    pub owner: Owner,
    /// The mark it carries.
    pub mark: &'a Mark,
    /// The row after it.
    pub after: Option<&'a Image>,
    /// What both worlds last agreed on of the row.
    pub agreed: &'a Agreed,
    /// The row as it stands on that side now; asked for only when the change is marked and says something else than
    /// what was agreed.
    pub now: Option<Option<&'a Image>>,
    /// The columns of its table that the side derives by itself.
    pub derived: &'a BTreeSet<String>,
}

/// Judges by content, then by mark, then by direction.
#[must_use]
pub fn judge(sighting: &Sighting<'_>) -> Origin {
    let marked = matches!(sighting.mark, Mark::Bridge(_));
    if stands(sighting.agreed, sighting.after) {
        return if marked { Origin::Echo } else { Origin::Derived };
    }
    if differs_in_derived_only(sighting) {
        return Origin::Derived;
    }
    // Whatever stands there instead is told of by a change of its own.
    if marked && sighting.now.is_some_and(|now| now != sighting.after) {
        return Origin::Superseded;
    }
    if sighting.from == sighting.owner { Origin::Own } else { Origin::Foreign }
}

/// Whether a row is what was agreed.
fn stands(agreed: &Agreed, row: Option<&Image>) -> bool {
    match agreed {
        Agreed::Unknown => false,
        Agreed::Absent => row.is_none(),
        Agreed::Row(image) => row == Some(image),
    }
}

fn differs_in_derived_only(sighting: &Sighting<'_>) -> bool {
    let (Agreed::Row(agreed), Some(after)) = (sighting.agreed, sighting.after) else {
        return false;
    };
    differs_only_in(sighting.derived, agreed, after)
}

/// Whether two images differ in these columns and in no other.
pub(crate) fn differs_only_in(columns: &BTreeSet<String>, one: &Image, other: &Image) -> bool {
    !columns.is_empty() && differing(one, other).is_subset(&columns.iter().collect())
}

/// The columns in which two images differ.
fn differing<'a>(one: &'a Image, other: &'a Image) -> BTreeSet<&'a String> {
    let columns = one.columns().keys().chain(other.columns().keys());
    columns.filter(|column| one.columns().get(*column) != other.columns().get(*column)).collect()
}

#[cfg(test)]
mod tests {
    use bron_transform::{SourceText, SourceTexts};

    use super::*;

    fn image(name: &str, saldo: &str) -> Image {
        let text = |value: &str| SourceText::Text(value.to_owned());
        Image::new(SourceTexts::from([("NAMN".to_owned(), text(name)), ("SALDO".to_owned(), text(saldo))]))
    }

    struct Case {
        owner: Owner,
        marked: bool,
        after: Option<Image>,
        agreed: Agreed,
        now: Option<Image>,
    }

    fn judged(case: &Case) -> Origin {
        let mark = if case.marked { Mark::Bridge("7".to_owned()) } else { Mark::None };
        judge(&Sighting {
            from: Owner::New,
            owner: case.owner,
            mark: &mark,
            after: case.after.as_ref(),
            agreed: &case.agreed,
            now: Some(case.now.as_ref()),
            derived: &BTreeSet::from(["SALDO".to_owned()]),
        })
    }

    #[test]
    fn what_both_worlds_agree_on_is_an_echo_on_either_side() {
        for owner in [Owner::Legacy, Owner::New] {
            for (marked, origin) in [(true, Origin::Echo), (false, Origin::Derived)] {
                let row = image("a", "1");
                let agreed = Agreed::Row(row.clone());
                let after = Some(row.clone());
                assert_eq!(judged(&Case { owner, marked, after, agreed, now: Some(row) }), origin);
                let gone = Case { owner, marked, after: None, agreed: Agreed::Absent, now: None };
                assert_eq!(judged(&gone), origin);
            }
        }
    }

    #[test]
    fn l3_what_a_trigger_derives_is_ignored_and_what_a_batch_changes_is_flagged() {
        let case = |after: Image| Case {
            owner: Owner::Legacy,
            marked: false,
            after: Some(after.clone()),
            agreed: Agreed::Row(image("a", "1")),
            now: Some(after),
        };
        assert_eq!(judged(&case(image("a", "2"))), Origin::Derived);
        assert_eq!(judged(&case(image("b", "2"))), Origin::Foreign);
    }

    #[test]
    fn a_mark_that_leaked_hides_nobodys_edit() {
        let case = |owner, now: Image| Case {
            owner,
            marked: true,
            after: Some(image("b", "1")),
            agreed: Agreed::Row(image("a", "1")),
            now: Some(now),
        };
        assert_eq!(judged(&case(Owner::Legacy, image("b", "1"))), Origin::Foreign);
        assert_eq!(judged(&case(Owner::New, image("b", "1"))), Origin::Own);
        assert_eq!(judged(&case(Owner::Legacy, image("a", "1"))), Origin::Superseded);
        assert_eq!(judged(&case(Owner::New, image("a", "1"))), Origin::Superseded);
    }

    #[test]
    fn without_an_agreement_the_direction_decides() {
        let case = |owner| Case {
            owner,
            marked: false,
            after: Some(image("b", "1")),
            agreed: Agreed::Unknown,
            now: None,
        };
        assert_eq!(judged(&case(Owner::New)), Origin::Own);
        assert_eq!(judged(&case(Owner::Legacy)), Origin::Foreign);
    }
}
