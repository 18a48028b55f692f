//! The rows of a source table that are not in the target for a known reason.

use std::fmt;

/// The keys of the rows of one source table that were held back: in quarantine, left out or folded into
/// another row. Each is the readable text of the row's source key, once per row held back, so that of a
/// row delivered twice one copy can be held. Prints only its size.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HeldKeys(Vec<Box<str>>);

impl HeldKeys {
    /// The number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no row is held back.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Into<Box<str>>> FromIterator<T> for HeldKeys {
    fn from_iter<I: IntoIterator<Item = T>>(keys: I) -> Self {
        let mut keys: Vec<Box<str>> = keys.into_iter().map(Into::into).collect();
        keys.sort_unstable();
        Self(keys)
    }
}

impl fmt::Debug for HeldKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeldKeys({})", self.len())
    }
}

/// One pass over a table, which meets each held row once. Of several rows with one key the first ones
/// are taken as held.
pub(super) struct HeldPass {
    keys: HeldKeys,
    met: Vec<bool>,
}

impl HeldPass {
    pub(super) fn new(keys: HeldKeys) -> Self {
        Self { met: vec![false; keys.len()], keys }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether the row with this key is held back.
    pub(super) fn meet(&mut self, key: &str) -> bool {
        let first = self.keys.0.partition_point(|held| **held < *key);
        let same = self.keys.0[first..].iter().take_while(|held| ***held == *key).count();
        let next = self.met[first..first + same].iter_mut().find(|met| !**met);
        next.map(|met| *met = true).is_some()
    }
}
