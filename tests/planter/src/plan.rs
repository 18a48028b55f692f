//! What a damage is to do to a target, and what a reconciliation that sees it must say.

use std::collections::BTreeSet;
use std::io::Result;

use bron_outside::Look;

use crate::table::Kept;

/// A finding as the program tells it, without values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    /// Its kind, as `missing`.
    pub(crate) kind: String,
    pub(crate) entity: String,
    /// The row; empty for one that has no id.
    pub(crate) id: String,
    /// The fields that differ or lead nowhere.
    pub(crate) fields: BTreeSet<String>,
}

impl Found {
    pub(crate) fn row(kind: &str, entity: &str, id: &str) -> Self {
        Self::fields(kind, entity, id, [])
    }

    pub(crate) fn fields(
        kind: &str,
        entity: &str,
        id: &str,
        fields: impl IntoIterator<Item = String>,
    ) -> Self {
        let (kind, entity, id) = (kind.to_owned(), entity.to_owned(), id.to_owned());
        Self { kind, entity, id, fields: fields.into_iter().collect() }
    }
}

/// What a damage is to do.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// In short: entities, columns and ids of rows, and no value.
    pub(crate) what: String,
    pub(crate) statements: Vec<String>,
    /// The rows that it is done to: table, and which rows, before and after.
    pub(crate) touched: Vec<(String, String)>,
    /// Exactly these findings are to be made of rows.
    pub(crate) findings: BTreeSet<Found>,
    /// What is not proven any more must name this entity: a damage to what the target notes of a load.
    pub(crate) unproven: Option<String>,
}

impl Plan {
    /// A plan for rows of an entity with these ids, before and after.
    pub(crate) fn of(what: String, entity: &str, ids: &[&str]) -> Self {
        let ids: Vec<String> = ids.iter().map(|id| crate::table::text(id)).collect();
        let touched = vec![(entity.to_owned(), format!("\"id\" IN ({})", ids.join(", ")))];
        Self { what, touched, ..Self::default() }
    }

    /// Adds a statement.
    pub(crate) fn run(mut self, sql: String) -> Self {
        self.statements.push(sql);
        self
    }

    /// Adds a finding.
    pub(crate) fn expect(mut self, found: Found) -> Self {
        self.findings.insert(found);
        self
    }

    /// Does it. Gives what puts the target back; nothing when the target is as it was.
    pub(crate) fn carry_out(&self, look: &mut Look) -> Result<Option<Vec<String>>> {
        let now = |look: &mut Look| {
            let kept = self.touched.iter().map(|(table, which)| Kept::now(look, table, which));
            kept.collect::<Result<Vec<Kept>>>()
        };
        let before = now(look)?;
        for sql in &self.statements {
            look.execute(sql)?;
        }
        let after = now(look)?;
        Ok((before != after).then(|| before.iter().flat_map(Kept::undone).collect()))
    }
}
