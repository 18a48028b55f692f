//! Who owns what, by epoch: entries are only added.

use bron_mappings::Digest;
use jiff::Timestamp;

use super::connection::{Connection, Row, Value, stored, strange, values};
use super::{Store, moment};
use crate::error::{Error, ErrorKind, Result};
use crate::ownership::{Epoch, Owner, Ownership};
use crate::scope::{Scope, Side};

/// Stands for every nämnd, every entity or every group of attributes in a [`Share`].
pub const ANY: &str = "*";

const CURRENT: &str = "SELECT area, namnd, side, entity, attributes, epoch, owner, since, decided_by, evidence \
     FROM bridge_ownership WHERE area = $1 AND namnd = $2 AND side = $3 AND entity = $4 AND attributes = $5 \
     ORDER BY epoch DESC LIMIT 1";
const LIST: &str = "SELECT area, namnd, side, entity, attributes, epoch, owner, since, decided_by, evidence \
     FROM bridge_ownership ORDER BY area, namnd, side, entity, attributes, epoch";
const INSERT: &str = "INSERT INTO bridge_ownership (area, namnd, side, entity, attributes, epoch, owner, since, \
     decided_by, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// A part of the information that has one owner. What several areas share has entries of its own, down to a group of
/// attributes of one entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// The verksamhetsområde.
    pub area: String,
    /// The nämnd, or [`ANY`].
    pub namnd: String,
    /// The side.
    pub side: Side,
    /// The entity, or [`ANY`].
    pub entity: String,
    /// The group of attributes, or [`ANY`].
    pub attributes: String,
}

/// Who decided, when, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// When.
    pub at: Timestamp,
    /// Who, as people are named in sign-offs.
    pub by: String,
    /// The digest of the evidence that the decision rests on.
    pub evidence: Digest,
}

/// Who owns a share since an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnershipEntry {
    /// The share.
    pub share: Share,
    /// The owner, and since which epoch.
    pub ownership: Ownership,
    /// The decision.
    pub decided: Decided,
}

impl Share {
    /// Everything of a scope.
    #[must_use]
    pub fn of(scope: &Scope) -> Self {
        let Scope { area, namnd, side } = scope.clone();
        Self { area, namnd, side, entity: ANY.to_owned(), attributes: ANY.to_owned() }
    }

    /// How exactly this says what is meant, when it covers it: the more exact of two shares counts. Attributes count
    /// for more than the entity, and that for more than the nämnd, so that no two shares are equally exact.
    fn exactness(&self, scope: &Scope, entity: &str, attributes: &str) -> Option<[bool; 3]> {
        let part = |mine: &str, wanted: &str| match mine {
            ANY => Some(false),
            mine => (mine == wanted).then_some(true),
        };
        let is_same = self.area == scope.area && self.side == scope.side;
        let exactness = [
            part(&self.attributes, attributes)?,
            part(&self.entity, entity)?,
            part(&self.namnd, &scope.namnd)?,
        ];
        is_same.then_some(exactness)
    }

    fn values(&self) -> Vec<Value> {
        let Self { area, namnd, side, entity, attributes } = self;
        values![area.as_str(), namnd.as_str(), side.name(), entity.as_str(), attributes.as_str()]
    }
}

fn read(row: &Row) -> Result<OwnershipEntry> {
    let side = row.text(2)?;
    let side = [Side::Myndighet, Side::Utforare].into_iter().find(|one| one.name() == side);
    Ok(OwnershipEntry {
        share: Share {
            area: row.text(0)?,
            namnd: row.text(1)?,
            side: side.ok_or_else(strange)?,
            entity: row.text(3)?,
            attributes: row.text(4)?,
        },
        ownership: Ownership {
            epoch: Epoch::after(row.count(5)?),
            owner: Owner::named(&row.text(6)?).ok_or_else(strange)?,
        },
        decided: Decided { at: moment(row.int(7)?)?, by: row.text(8)?, evidence: row.digest(9)? },
    })
}

fn current(connection: &mut Connection, share: &Share) -> Result<Option<OwnershipEntry>> {
    connection.row(CURRENT, share.values())?.as_ref().map(read).transpose()
}

impl Store {
    /// Who owns a share now; `None` when nobody has decided it.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn ownership(&mut self, share: &Share) -> Result<Option<OwnershipEntry>> {
        current(&mut self.connection, share)
    }

    /// Every decision about ownership, by share and epoch.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn ownerships(&mut self) -> Result<Vec<OwnershipEntry>> {
        self.connection.rows(LIST, Vec::new())?.iter().map(read).collect()
    }

    /// Who owns a group of attributes of an entity in a scope: the entry of the most exact share that covers it. `None`
    /// when none does.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn owner_of(
        &mut self,
        scope: &Scope,
        entity: &str,
        attributes: &str,
    ) -> Result<Option<OwnershipEntry>> {
        // In the order of shares and epochs: of equally exact entries, which are of one share, the last counts.
        let covering = self.ownerships()?.into_iter().filter_map(|entry| {
            entry.share.exactness(scope, entity, attributes).map(|exactness| (exactness, entry))
        });
        Ok(covering.max_by_key(|(exactness, _)| *exactness).map(|(_, entry)| entry))
    }

    /// Gives a share an owner, under the condition that the epoch is still the one that the caller knows (`None`:
    /// nobody has decided yet). The same decision once more changes nothing.
    ///
    /// # Errors
    /// Kind `Fenced` when another epoch is in force, `Refused` when `to` is not of a later one.
    pub fn set_ownership(
        &mut self,
        share: &Share,
        known: Option<Epoch>,
        to: Ownership,
        decided: &Decided,
    ) -> Result<()> {
        self.write_record(|connection, _| {
            let found = current(connection, share)?;
            let is_repeated =
                |entry: &OwnershipEntry| entry.ownership == to && entry.decided.evidence == decided.evidence;
            if found.as_ref().is_some_and(is_repeated) {
                return Ok(());
            }
            let epoch = found.map(|entry| entry.ownership.epoch);
            if epoch != known {
                let number = epoch.map_or_else(|| "none".to_owned(), |epoch| epoch.changes().to_string());
                let text = format!("the ownership was decided meanwhile: the epoch in force is {number}");
                return Err(Error::new(ErrorKind::Fenced, text));
            }
            if known.is_some_and(|known| to.epoch <= known) {
                let text = "an ownership follows only one of an earlier epoch";
                return Err(Error::new(ErrorKind::Refused, text));
            }
            let mut values = share.values();
            values.extend(values![
                stored(to.epoch.changes())?,
                to.owner.name(),
                decided.at.as_microsecond(),
                decided.by.as_str(),
                decided.evidence,
            ]);
            connection.execute(INSERT, values).map(|_| ())
        })
    }
}
