//! What stands against a write, in ten classes.

use std::fmt;

use bron_mappings::SourceKey;

use crate::change::{CutId, Image, Stream, Version};
use crate::follower::Expected;
use crate::scope::Scope;

/// The classes. The first five are those that every bidirectional replication knows; the others come from owning data
/// scope by scope and from a model that changes on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConflictClass {
    /// A row that is to be inserted is there already, and says something else.
    InsertRowExists,
    /// A row that is to be changed is not as it was left.
    UpdateRowExists,
    /// A row that is to be changed is gone.
    UpdateRowMissing,
    /// A row that is to be deleted is not as it was left.
    DeleteRowExists,
    /// A row that is to be deleted is gone.
    DeleteRowMissing,
    /// The side that does not own the row wrote it.
    OwnershipViolation,
    /// Another row holds a value that only one may hold.
    UniqueCollision,
    /// The write was made under an ownership that has ended.
    StaleEpoch,
    /// The change touches fields that the other world cannot hold and nobody has accepted to lose.
    MappingLoss,
    /// The row was moved between scopes by a side that did not own it where it was.
    ScopeHandover,
}

impl ConflictClass {
    /// All classes, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::InsertRowExists,
        Self::UpdateRowExists,
        Self::UpdateRowMissing,
        Self::DeleteRowExists,
        Self::DeleteRowMissing,
        Self::OwnershipViolation,
        Self::UniqueCollision,
        Self::StaleEpoch,
        Self::MappingLoss,
        Self::ScopeHandover,
    ];

    /// The name that stores, metrics and lists use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InsertRowExists => "insert_row_exists",
            Self::UpdateRowExists => "update_row_exists",
            Self::UpdateRowMissing => "update_row_missing",
            Self::DeleteRowExists => "delete_row_exists",
            Self::DeleteRowMissing => "delete_row_missing",
            Self::OwnershipViolation => "ownership_violation",
            Self::UniqueCollision => "unique_collision",
            Self::StaleEpoch => "stale_epoch",
            Self::MappingLoss => "mapping_loss",
            Self::ScopeHandover => "scope_handover",
        }
    }

    /// The class of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

impl fmt::Display for ConflictClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A conflict that is kept for a person, with both images. What the owner says stands meanwhile. Holds personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The class.
    pub class: ConflictClass,
    /// The way the change travelled.
    pub stream: Stream,
    /// The cut that brought it.
    pub cut: CutId,
    /// The changed row.
    pub cause: SourceKey,
    /// Its version. A conflict is the same when stream, cause, version, class and row are.
    pub version: Version,
    /// The row that the conflict is about: the follower's, or the changed row itself.
    pub row: SourceKey,
    /// The person or case that is parked with it.
    pub aggregate: String,
    /// The scope, when it could be told.
    pub scope: Option<Scope>,
    /// What the side that owns the row says of it.
    pub owners: Option<Image>,
    /// What the other side says.
    pub others: Option<Image>,
    /// What more is to be said, without values: the name of the constraint, the fields that would be lost.
    pub detail: String,
}

/// What a write met.
#[derive(Clone, Copy, Debug)]
pub struct Encounter<'a> {
    /// What was expected.
    pub expected: &'a Expected,
    /// What was to be written; `None` for a delete.
    pub after: Option<&'a Image>,
    /// What stands there; `None` when there is no row.
    pub current: Option<&'a Image>,
    /// The constraint that refused, when it was not the row's content.
    pub constraint: Option<&'a str>,
}

/// What becomes of an encounter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// What stands there is what was to be written: both sides said the same, and nothing is kept but the count of
    /// the class.
    IgnoreEqual(ConflictClass),
    /// A conflict of this class: [`crate::merge`] may still resolve it; else it is kept.
    Keep(ConflictClass),
}

/// The class of what a write met.
#[must_use]
pub fn classify(met: &Encounter<'_>) -> Decided {
    if met.constraint.is_some() {
        return Decided::Keep(ConflictClass::UniqueCollision);
    }
    let class = match (met.expected, met.after, met.current) {
        (Expected::Absent, Some(_), _) => ConflictClass::InsertRowExists,
        (Expected::Content(_), Some(_), Some(_)) => ConflictClass::UpdateRowExists,
        (Expected::Content(_), Some(_), None) => ConflictClass::UpdateRowMissing,
        (Expected::Absent | Expected::Content(_), None, Some(_)) => ConflictClass::DeleteRowExists,
        (Expected::Absent | Expected::Content(_), None, None) => ConflictClass::DeleteRowMissing,
    };
    if met.after == met.current { Decided::IgnoreEqual(class) } else { Decided::Keep(class) }
}

#[cfg(test)]
mod tests {
    use bron_transform::{SourceText, SourceTexts};

    use super::*;

    fn image(text: &str) -> Image {
        Image::new(SourceTexts::from([("A".to_owned(), SourceText::Text(text.to_owned()))]))
    }

    #[test]
    fn names_lead_back_to_their_classes() {
        for class in ConflictClass::ALL {
            assert_eq!(ConflictClass::named(class.name()), Some(class));
        }
        assert_eq!(ConflictClass::named("last_writer_wins"), None);
    }

    #[test]
    fn l1_what_a_write_meets_has_its_class() {
        let there = Expected::Content(image("left").digest());
        let (after, other) = (image("after"), image("other"));
        let met = |expected, after, current, constraint| {
            classify(&Encounter { expected, after, current, constraint })
        };
        let keep = Decided::Keep;
        let (some, none) = (Some(&after), None::<&Image>);
        assert_eq!(met(&Expected::Absent, some, Some(&other), None), keep(ConflictClass::InsertRowExists));
        assert_eq!(met(&there, some, Some(&other), None), keep(ConflictClass::UpdateRowExists));
        assert_eq!(met(&there, some, None, None), keep(ConflictClass::UpdateRowMissing));
        assert_eq!(met(&there, none, Some(&other), None), keep(ConflictClass::DeleteRowExists));
        assert_eq!(met(&there, some, none, Some("uq")), keep(ConflictClass::UniqueCollision));
        let equal = Decided::IgnoreEqual;
        assert_eq!(met(&there, some, some, None), equal(ConflictClass::UpdateRowExists));
        assert_eq!(met(&Expected::Absent, some, some, None), equal(ConflictClass::InsertRowExists));
        assert_eq!(met(&there, none, None, None), equal(ConflictClass::DeleteRowMissing));
    }
}
