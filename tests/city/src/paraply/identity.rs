//! Pairs of records that may be one human: what a person must decide, because nothing in the data does.

use crate::calendar::Day;
use crate::truth::Action;

use super::Paraply;

/// What kind of number a record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Held {
    Personnummer,
    Samordningsnummer,
    Nothing,
}

/// What tells records of one human: the name, the day of birth, and the kind of number. Records that are
/// protected, held back, or without a certain day of birth have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Face {
    name: [u8; 16],
    birth: Day,
    id: i64,
    held: Held,
}

impl Face {
    pub(super) fn new(name: (&str, &str), birth: Day, id: i64, held: Held) -> Self {
        let digest = blake3::hash(format!("{}|{}", name.0, name.1).as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&digest.as_bytes()[..16]);
        Self { name: short, birth, id, held }
    }

    /// The defect of the pair, which has the same name and day of birth.
    fn pair(self, other: Self) -> Option<&'static str> {
        match (self.held, other.held) {
            (Held::Nothing, _) | (_, Held::Nothing) => Some("D07"),
            (Held::Samordningsnummer, Held::Personnummer) => Some("D06"),
            (Held::Personnummer, Held::Samordningsnummer) => Some("D06"),
            (Held::Personnummer, Held::Personnummer) => None,
            (Held::Samordningsnummer, Held::Samordningsnummer) => None,
        }
    }
}

impl Paraply<'_> {
    /// Marks every pair of records with the same name and day of birth of which one has no number (D07), or one
    /// a samordningsnummer and the other a personnummer of that day (D06).
    pub(super) fn mark_candidates(&mut self) {
        let mut faces = std::mem::take(&mut self.faces);
        faces.sort_unstable();
        for group in faces.chunk_by(|a, b| (a.name, a.birth) == (b.name, b.birth)) {
            for (place, first) in group.iter().enumerate() {
                for second in &group[place + 1..] {
                    if let Some(id) = first.pair(*second) {
                        let key = format!("{}|{}", first.id, second.id);
                        self.ledger.mark((id, "bron", "identitet", Action::Flag), key);
                    }
                }
            }
        }
    }
}
