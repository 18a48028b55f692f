//! The index of cases over both worlds: whoever answers at night (socialjouren) finds every case of a person by one
//! search, whichever world it is handled in.
//!
//! It is read only and made anew from what both worlds hold. Three rules are its own:
//!
//! - A person is known by a keyed digest of the whole identifier and by nothing else: the index holds no number, no
//!   name and no text about anybody.
//! - Each case is told once, by the world that owns its scope. What only the follower has is told as well, and as such:
//!   a case is never hidden because a copy is late.
//! - A protected person is found only by whoever asks for protected persons. To everybody else the answer is that of a
//!   person who has no case. Protection only rises: one row that says so is enough, whichever world it comes from.
//!
//! Whoever asks is noted before the answer; that is the duty of the caller, who knows the person asking.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bron_mappings::{Digest, DigestBuilder, InstallationSecret, classify};
use jiff::civil::Date;

use crate::ownership::{Owner, Ownership};
use crate::scope::Scope;

/// What the key of the index is derived for.
const PURPOSE: &str = "bron/case-index/1";

/// A person, as the index knows one. It says nothing to whoever has no key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersonKey(Digest);

impl PersonKey {
    /// The key of the person with an identifier, in whichever way it is written: with or without a mark, of a person or
    /// a coordination number, or a reserve number.
    ///
    /// `None` when the text is no identifier, or leaves the century open: two persons must not be one.
    #[must_use]
    pub fn of(secret: &InstallationSecret, identifier: &str) -> Option<Self> {
        let whole = classify(identifier).canonical?;
        let mut digest = DigestBuilder::new(PURPOSE);
        Some(Self(digest.part(&secret.key_for(PURPOSE)).part(whole.as_str().as_bytes()).finish()))
    }

    /// The beginning of the digest, for people and logs.
    #[must_use]
    pub fn short(&self) -> String {
        self.0.short()
    }
}

/// A case as one world tells of it. It names nobody: the contact is a unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CaseRow {
    /// The case, by the id that both worlds know it by.
    pub case: String,
    /// The area, the nämnd and the side that handle it.
    pub scope: Scope,
    /// The world that tells.
    pub world: Owner,
    /// The system that it is handled in.
    pub system: String,
    /// Where the case stands, as the code of the new model.
    pub status: String,
    /// The unit that knows more; `None` when the case has none.
    pub contact: Option<String>,
    /// The last day on which something happened in it; `None` when nothing has.
    pub last_event: Option<Date>,
}

/// A case that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundCase {
    /// What is told of it.
    pub row: CaseRow,
    /// Whether the world that owns the scope lacks it, so that what is told may be old.
    pub is_copy_alone: bool,
}

/// Which persons whoever asks may find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Those without protection.
    Open,
    /// All, by an explicit look-up that is noted as such.
    Protected,
}

#[derive(Clone, Debug, Default)]
struct Person {
    is_protected: bool,
    cases: BTreeMap<String, FoundCase>,
}

/// The index.
#[derive(Clone, Debug, Default)]
pub struct CaseIndex {
    owners: BTreeMap<Scope, Ownership>,
    persons: BTreeMap<PersonKey, Person>,
}

impl CaseIndex {
    /// An index without cases. A scope that nobody names has never moved: the legacy systems own it.
    #[must_use]
    pub fn new(owners: BTreeMap<Scope, Ownership>) -> Self {
        Self { owners, persons: BTreeMap::new() }
    }

    /// Notes that a person is protected, in any system of either world.
    pub fn protect(&mut self, person: PersonKey) {
        self.persons.entry(person).or_default().is_protected = true;
    }

    /// Adds what one world tells of a case. The order in which rows are added is of no consequence.
    pub fn add(&mut self, person: PersonKey, row: CaseRow) {
        let owner = self.owners.get(&row.scope).map_or(Owner::Legacy, |ownership| ownership.owner);
        let told = FoundCase { is_copy_alone: row.world != owner, row };
        let cases = &mut self.persons.entry(person).or_default().cases;
        // What the owner tells comes before every copy, and of two rows of the same kind one is always taken.
        let is_better =
            |known: &FoundCase| (told.is_copy_alone, &told.row) < (known.is_copy_alone, &known.row);
        if cases.get(&told.row.case).is_none_or(is_better) {
            cases.insert(told.row.case.clone(), told);
        }
    }

    /// The cases of a person, the latest first. Nobody can tell an unknown person, one without a case and one that may
    /// not be seen apart.
    #[must_use]
    pub fn find(&self, person: &PersonKey, sight: Sight) -> Vec<&FoundCase> {
        let known = self.persons.get(person);
        let seen = known.filter(|person| !person.is_protected || sight == Sight::Protected);
        let mut cases: Vec<&FoundCase> = seen.into_iter().flat_map(|person| person.cases.values()).collect();
        cases.sort_by(|one, other| (other.row.last_event, &one.row).cmp(&(one.row.last_event, &other.row)));
        cases
    }
}
