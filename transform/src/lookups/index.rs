//! Keys and their places, found without comparing more keys than one or two.

use std::fmt;

/// Texts, each with the place at which it came: 0 for the first, 1 for the next new one.
///
/// The hash decides only where a key lies in memory, never what is found or in which order. A short key, as
/// nearly all are, lies in the slot itself, so that finding it touches memory in one place.
#[derive(Default)]
pub(crate) struct KeyIndex {
    keys: usize,
    /// Every key that is too long for a slot, one after the other.
    long: String,
    /// Where each of these ends in `long`.
    long_ends: Vec<usize>,
    /// A power of two long, and never more than half full.
    slots: Vec<Slot>,
}

/// The longest key that lies in its slot, in bytes.
const MOST_SHORT: usize = 11;

/// Stands in place of the length of a key that does not lie in its slot.
const LONG: u32 = 0xFF;

/// A key as it lies in a slot: as two numbers, because they are compared and hashed in one step.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Head {
    /// The first eight bytes of the key, filled up with zeros. Of a long key half of its hash, and below it its
    /// number among the long keys.
    low: u64,
    /// The length of the key in the highest byte, and the other three bytes of the key. Of a long key [`LONG`]
    /// and a part of its hash.
    high: u32,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    head: Head,
    /// One more than the place of the key; 0 when the slot is empty.
    place_after: u32,
}

/// A key as it is searched for.
struct Probe<'k> {
    key: &'k str,
    hash: u64,
    /// The head of the slot of the key; of a long one without its number.
    head: Head,
}

impl<'k> Probe<'k> {
    fn new(key: &'k str) -> Self {
        let bytes = key.as_bytes();
        if bytes.len() > MOST_SHORT {
            let hash = hash_of_long(bytes);
            let head = Head { low: hash >> 32 << 32, high: LONG << 24 | lower_half(hash) >> 8 };
            return Self { key, hash, head };
        }
        let (first, rest) = bytes.split_at(bytes.len().min(8));
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let length = u32::try_from(bytes.len()).expect("it is short");
        let head = Head { low: word(first), high: length << 24 | lower_half(word(rest)) };
        Self { key, hash: head.hash(), head }
    }
}

impl Head {
    const fn is_long(&self) -> bool {
        self.high >> 24 == LONG
    }

    /// The number of a long key among the long ones.
    fn long_number(&self) -> usize {
        usize::try_from(lower_half(self.low)).expect("32 bits fit a usize")
    }

    /// The hash of a short key.
    fn hash(&self) -> u64 {
        mix(self.low ^ FIRST, u64::from(self.high) ^ SECOND)
    }

    /// Whether the heads of two long keys agree in all that both have of the hash.
    const fn is_like(&self, other: &Self) -> bool {
        self.high == other.high && self.low >> 32 == other.low >> 32
    }
}

impl KeyIndex {
    /// The number of keys.
    pub(crate) const fn len(&self) -> usize {
        self.keys
    }

    /// The place of a key.
    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        place_of(self.slots[self.slot(&Probe::new(key))])
    }

    /// The place of a key, and whether the key is new.
    ///
    /// # Panics
    /// When there are 2^32 keys.
    pub(crate) fn insert(&mut self, key: &str) -> (usize, bool) {
        if self.slots.len() < 2 * (self.keys + 1) {
            self.grow();
        }
        let mut probe = Probe::new(key);
        let slot = self.slot(&probe);
        if let Some(place) = place_of(self.slots[slot]) {
            return (place, false);
        }
        if probe.head.is_long() {
            let number = u32::try_from(self.long_ends.len()).expect("there are fewer than 2^32 keys");
            probe.head.low |= u64::from(number);
            self.long.push_str(key);
            self.long_ends.push(self.long.len());
        }
        self.keys += 1;
        let place_after = u32::try_from(self.keys).expect("there are fewer than 2^32 keys");
        self.slots[slot] = Slot { head: probe.head, place_after };
        (self.keys - 1, true)
    }

    fn grow(&mut self) {
        const FEWEST: usize = 16;
        let larger = vec![Slot::default(); (2 * self.slots.len()).max(FEWEST)];
        for old in std::mem::replace(&mut self.slots, larger) {
            if old.place_after > 0 {
                let mut slot = self.first_slot(self.hash_of(&old.head));
                while self.slots[slot].place_after > 0 {
                    slot = (slot + 1) & (self.slots.len() - 1);
                }
                self.slots[slot] = old;
            }
        }
    }

    fn hash_of(&self, head: &Head) -> u64 {
        if head.is_long() { hash_of_long(self.long_key(head.long_number()).as_bytes()) } else { head.hash() }
    }

    fn long_key(&self, number: usize) -> &str {
        let start = if number == 0 { 0 } else { self.long_ends[number - 1] };
        &self.long[start..self.long_ends[number]]
    }

    fn first_slot(&self, hash: u64) -> usize {
        let last = u64::try_from(self.slots.len() - 1).expect("memory is smaller than 2^64 bytes");
        usize::try_from(hash & last).expect("it is smaller than a usize")
    }

    /// The slot that holds the key, or the empty one where it belongs.
    fn slot(&self, probe: &Probe<'_>) -> usize {
        let mut slot = self.first_slot(probe.hash);
        while !self.ends_search(&self.slots[slot], probe) {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }

    fn ends_search(&self, slot: &Slot, probe: &Probe<'_>) -> bool {
        if slot.place_after == 0 {
            return true;
        }
        if !probe.head.is_long() {
            return slot.head == probe.head;
        }
        slot.head.is_like(&probe.head) && self.long_key(slot.head.long_number()) == probe.key
    }
}

fn place_of(slot: Slot) -> Option<usize> {
    usize::try_from(slot.place_after).expect("32 bits fit a usize").checked_sub(1)
}

fn hash_of_long(key: &[u8]) -> u64 {
    let (words, rest) = key.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let length = u64::try_from(key.len()).expect("memory is smaller than 2^64 bytes");
    let words = words.iter().chain([&last]);
    words.fold(length ^ FIRST, |hash, word| mix(hash ^ u64::from_le_bytes(*word), SECOND))
}

/// Odd numbers without a pattern: the digits of the golden ratio and of the square root of 3.
const FIRST: u64 = 0x9E37_79B9_7F4A_7C15;
const SECOND: u64 = 0xBB67_AE85_84CA_A73B;

/// The product of two numbers, its upper half folded into its lower one, so that every bit counts everywhere.
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let half = |wide: u128| u64::try_from(wide & u128::from(u64::MAX)).expect("it is 64 bits long");
    half(product) ^ half(product >> 64)
}

fn lower_half(word: u64) -> u32 {
    u32::try_from(word & u64::from(u32::MAX)).expect("it is 32 bits long")
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
        for long in ["", "en nyckel som är för lång för sin plats "] {
            let mut index = KeyIndex::default();
            for number in 0..5_000 {
                assert_eq!(index.insert(&format!("{long}{number}")), (number, true));
            }
            for number in 0..5_000 {
                assert_eq!(index.find(&format!("{long}{number}")), Some(number));
                assert_eq!(index.insert(&format!("{long}{number}")), (number, false));
            }
            assert_eq!((index.find(&format!("{long}5000")), index.len()), (None, 5_000));
        }
    }

    #[test]
    fn keys_of_every_length_and_with_zeros_are_told_apart() {
        let mut index = KeyIndex::default();
        let keys = |fill: &str| (0..40).map(|length| fill.repeat(length)).collect::<Vec<_>>();
        let keys: Vec<String> = keys("a").into_iter().chain(keys("\0").into_iter().skip(1)).collect();
        for (place, key) in keys.iter().enumerate() {
            assert_eq!(index.insert(key), (place, true), "{} bytes", key.len());
        }
        for (place, key) in keys.iter().enumerate() {
            assert_eq!(index.find(key), Some(place), "{} bytes", key.len());
        }
    }

    /// Keys that begin their search at one slot are all found: the first slot is taken by another key.
    #[test]
    fn keys_of_one_slot_stand_side_by_side() {
        let first = |key: &str| Probe::new(key).hash & 15;
        let wanted = first("0");
        let long = (0..).map(|number| format!("en lång nyckel med nummer {number}"));
        let short = (0..).map(|number: u32| number.to_string());
        let same = |key: &String| first(key) == wanted;
        let keys: Vec<String> = short.filter(same).take(4).chain(long.filter(same).take(3)).collect();
        let mut index = KeyIndex::default();
        for (place, key) in keys.iter().enumerate() {
            assert_eq!(index.insert(key), (place, true));
        }
        assert_eq!(index.slots.len(), 16, "none of them made the index grow");
        for (place, key) in keys.iter().enumerate() {
            assert_eq!(index.find(key), Some(place));
        }
    }

    proptest! {
        #[test]
        fn it_answers_as_an_ordered_map_does(
            keys in proptest::collection::vec("[ab]{0,3}|\\PC{0,4}|[ab]{9,14}|a{20}[ab]{0,3}", 0..200)
        ) {
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
