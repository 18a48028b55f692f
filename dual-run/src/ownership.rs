//! Who may write.

mod table;

use serde::{Deserialize, Serialize};

pub use table::{OwnershipError, OwnershipRow, OwnershipTable};

/// The world whose copy is the truth for a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// The legacy systems; the new model follows.
    Legacy,
    /// The new model; the legacy systems follow.
    New,
}

impl Owner {
    /// The other world, which follows.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Legacy => Self::New,
            Self::New => Self::Legacy,
        }
    }

    /// The name that stores and settings use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::New => "new",
        }
    }

    /// The world of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Legacy, Self::New].into_iter().find(|owner| owner.name() == name)
    }
}

/// Counts the changes of ownership of a scope. A write carries the epoch it was made under, so a writer
/// that woke up late cannot write into an ownership that has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch after so many changes of ownership.
    #[must_use]
    pub const fn after(changes: u64) -> Self {
        Self(changes)
    }

    /// How many changes of ownership came before.
    #[must_use]
    pub const fn changes(self) -> u64 {
        self.0
    }

    /// The epoch after this one.
    ///
    /// # Panics
    /// After 2^64 changes of ownership.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("a scope changes its owner fewer than 2^64 times"))
    }
}

/// The owner of a scope, and since which epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ownership {
    /// Who may write.
    pub owner: Owner,
    /// Since when, in changes of ownership.
    pub epoch: Epoch,
}

impl Ownership {
    /// A scope that has never moved: the legacy systems own it.
    #[must_use]
    pub fn original() -> Self {
        Self { owner: Owner::Legacy, epoch: Epoch::default() }
    }

    /// The other world takes over.
    #[must_use]
    pub const fn handed_over(self) -> Self {
        Self { owner: self.owner.other(), epoch: self.epoch.next() }
    }

    /// Whether a write made by `owner` under `epoch` may be accepted.
    #[must_use]
    pub fn accepts(self, owner: Owner, epoch: Epoch) -> bool {
        self.owner == owner && self.epoch == epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_of_the_present_epoch_may_write() {
        let before = Ownership::original();
        let after = before.handed_over();
        assert!(before.accepts(Owner::Legacy, before.epoch));
        assert!(!after.accepts(Owner::Legacy, before.epoch));
        assert!(!after.accepts(Owner::New, before.epoch), "a write of an older epoch is refused");
        assert!(after.accepts(Owner::New, after.epoch));
        assert_eq!(after.handed_over().owner, Owner::Legacy);
        assert!(after.handed_over().epoch > after.epoch);
    }
}
