//! Keys and their places, found without comparing more keys than one or two.

use std::fmt;
use std::hash::{DefaultHasher, Hasher as _};

/// Texts, each with the place at which it came: 0 for the first, 1 for the next new one.
///
/// The hash decides only where a key lies in memory, never what is found or in which order.
#[derive(Default)]
pub(crate) struct KeyIndex {
    /// Every key, one after the other.
    texts: String,
    /// Where each key ends in `texts`.
    ends: Vec<usize>,
    /// A power of two long, and never more than half full.
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    hash: u64,
    /// One more than the place of the key; 0 when the slot is empty.
    place_after: usize,
}

impl KeyIndex {
    /// The number of keys.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The place of a key.
    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        self.slots[self.slot(key, hash(key))].place_after.checked_sub(1)
    }

    /// The place of a key, and whether the key is new.
    pub(crate) fn insert(&mut self, key: &str) -> (usize, bool) {
        if self.slots.len() < 2 * (self.len() + 1) {
            self.grow();
        }
        let hash = hash(key);
        let slot = self.slot(key, hash);
        if let Some(place) = self.slots[slot].place_after.checked_sub(1) {
            return (place, false);
        }
        self.texts.push_str(key);
        self.ends.push(self.texts.len());
        self.slots[slot] = Slot { hash, place_after: self.len() };
        (self.len() - 1, true)
    }

    fn grow(&mut self) {
        const FEWEST: usize = 16;
        let larger = vec![Slot::default(); (2 * self.slots.len()).max(FEWEST)];
        for old in std::mem::replace(&mut self.slots, larger) {
            if let Some(place) = old.place_after.checked_sub(1) {
                let slot = self.slot(self.key(place), old.hash);
                self.slots[slot] = old;
            }
        }
    }

    fn key(&self, place: usize) -> &str {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.texts[start..self.ends[place]]
    }

    /// The slot that holds the key, or the empty one where it belongs.
    fn slot(&self, key: &str, hash: u64) -> usize {
        let slots = u64::try_from(self.slots.len()).expect("memory is smaller than 2^64 bytes");
        let mut slot = usize::try_from(hash % slots).expect("it is smaller than a usize");
        while !self.ends_search(self.slots[slot], key, hash) {
            slot = (slot + 1) % self.slots.len();
        }
        slot
    }

    fn ends_search(&self, slot: Slot, key: &str, hash: u64) -> bool {
        slot.place_after.checked_sub(1).is_none_or(|place| slot.hash == hash && self.key(place) == key)
    }
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(key.as_bytes());
    hasher.finish()
}

impl fmt::Debug for KeyIndex {
    /// Prints the number of keys, never a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyIndex({} keys)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_index_finds_nothing_and_shows_nothing() {
        let mut index = KeyIndex::default();
        assert_eq!(index.find(""), None);
        assert_eq!(index.insert("hemlig"), (0, true));
        assert_eq!(format!("{index:?}"), "KeyIndex(1 keys)");
    }

    #[test]
    fn many_keys_keep_their_places() {
        let mut index = KeyIndex::default();
        for number in 0..5_000 {
            assert_eq!(index.insert(&number.to_string()), (number, true));
        }
        for number in 0..5_000 {
            assert_eq!(index.find(&number.to_string()), Some(number));
            assert_eq!(index.insert(&number.to_string()), (number, false));
        }
        assert_eq!((index.find("5000"), index.len()), (None, 5_000));
    }

    proptest! {
        #[test]
        fn it_answers_as_an_ordered_map_does(keys in proptest::collection::vec("[ab]{0,3}|\\PC{0,4}", 0..200)) {
            let (mut index, mut model) = (KeyIndex::default(), BTreeMap::new());
            for key in &keys {
                let next = model.len();
                let new = !model.contains_key(key);
                let place = *model.entry(key.clone()).or_insert(next);
                prop_assert_eq!(index.insert(key), (place, new));
            }
            for (key, place) in &model {
                prop_assert_eq!(index.find(key), Some(*place));
            }
            prop_assert_eq!(index.find("no such key"), None);
        }
    }
}
