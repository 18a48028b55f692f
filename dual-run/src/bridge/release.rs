//! Letting parked rows go.

use std::collections::BTreeMap;

use bron_mappings::SourceKey;

use super::{Bridge, Parked, ParkedRow, Release, Standing};
use crate::change::{Change, Mark, Version};
use crate::error::Result;
use crate::lens::Agreed;
use crate::ownership::Owner;
use crate::protocol::{Arrival, ConflictClass, arrival};

impl Bridge<'_> {
    /// Lets the rows of an aggregate go: they are journaled again, and the turns that follow apply them or park them
    /// anew. Under [`Release::OwnerStands`] what somebody wrote who may not write is not carried over; what the owner
    /// says of those rows is journaled instead, and written over it. Both images stay in the conflict.
    ///
    /// # Errors
    /// As [`Bridge::turn`].
    pub fn release(&mut self, aggregate: &str, how: Release) -> Result<()> {
        let mut again: BTreeMap<Owner, BTreeMap<SourceKey, Change>> = BTreeMap::new();
        let parked = self.parking.parked(aggregate)?;
        if parked.is_empty() && self.parking.standing(&[aggregate])? == [Standing::OwnerStands] {
            // It was let go, and its rows are on their way: what was decided holds until they are applied.
            return Ok(());
        }
        for row in parked {
            let from = row.stream.from;
            if how == Release::OwnerStands && is_foreign(&row) {
                for change in self.owners_word(&row)? {
                    let changes = again.entry(from.other()).or_default();
                    changes.entry(change.key.clone()).or_insert(change);
                }
            } else {
                again.entry(from).or_default().insert(row.change.key.clone(), row.change);
            }
        }
        for (from, changes) in &mut again {
            self.leave_out_late(*from, changes)?;
        }
        let how = if again.values().all(BTreeMap::is_empty) { Release::Retry } else { how };
        for (from, changes) in again {
            let mut changes: Vec<Change> = changes.into_values().collect();
            changes.sort_by_key(|change| change.version);
            self.journal_again(from, changes)?;
        }
        self.parking.release(aggregate, how)
    }

    /// Leaves out what is earlier than what has been applied since it was parked.
    fn leave_out_late(&mut self, from: Owner, changes: &mut BTreeMap<SourceKey, Change>) -> Result<()> {
        let keys: Vec<SourceKey> = changes.keys().cloned().collect();
        let stream = self.world(from).stream.clone();
        let ledger = self.ledger(from, &stream, &keys)?;
        changes.retain(|key, change| {
            arrival(ledger.get(key).map(|row| row.version), change.version) != Arrival::Late
        });
        Ok(())
    }

    /// What the owner last said of the rows behind a row that somebody else wrote.
    fn owners_word(&mut self, row: &ParkedRow) -> Result<Vec<Change>> {
        let from = row.stream.from;
        let key = std::slice::from_ref(&row.change.key);
        let probe = match self.lens.agreed(key)?.pop() {
            Some(Agreed::Row(image)) => Change { after: Some(image), ..row.change.clone() },
            Some(Agreed::Absent | Agreed::Unknown) | None => row.change.clone(),
        };
        let translated =
            self.translated(from, &[probe])?.into_iter().filter(|one| one.cause == row.change.key);
        let keys: Vec<SourceKey> = translated.flat_map(|one| one.rows.into_keys()).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let stream = self.world(from.other()).stream.clone();
        let ledger = self.ledger(from.other(), &stream, &keys)?;
        let agreed = self.lens.agreed(&keys)?;
        let word = |(key, agreed): (SourceKey, Agreed)| {
            let after = match agreed {
                Agreed::Row(image) => Some(image),
                Agreed::Absent | Agreed::Unknown => None,
            };
            let version = ledger.get(&key).map_or_else(Version::default, |row| row.version);
            Change { key, version, after, before: None, mark: Mark::None }
        };
        Ok(keys.into_iter().zip(agreed).map(word).collect())
    }
}

/// Whether the row was parked because somebody wrote it who may not.
fn is_foreign(row: &ParkedRow) -> bool {
    match &row.why {
        Parked::Conflict(class) => match class {
            ConflictClass::OwnershipViolation | ConflictClass::ScopeHandover => true,
            ConflictClass::InsertRowExists
            | ConflictClass::UpdateRowExists
            | ConflictClass::UpdateRowMissing
            | ConflictClass::DeleteRowExists
            | ConflictClass::DeleteRowMissing
            | ConflictClass::UniqueCollision
            | ConflictClass::StaleEpoch
            | ConflictClass::MappingLoss => false,
        },
        Parked::Reason(_) | Parked::Behind => false,
    }
}
