//! What a mapping must not say because the engine would answer with silence: a lookup that is never found,
//! a key that is always NULL.

use bron_mappings::{ColumnType, Origin};

use super::{PlanError, Planner};

impl Planner<'_> {
    /// Refuses a mapping that names what cannot be known at its place.
    pub(super) fn refuse_unusable(&self) -> Result<(), PlanError> {
        self.refuse_typed_columns()?;
        if let Some(problem) = self.mapping.lookup_problems().into_iter().next() {
            return Err(self.error(problem.message));
        }
        self.refuse_lookups_by_nothing()?;
        self.mapping.key.iter().try_for_each(|origin| self.refuse_foreign(origin))
    }

    /// Columns arrive as found: a column of another type would not count in the sum of a row.
    fn refuse_typed_columns(&self) -> Result<(), PlanError> {
        let columns = self.schema.columns().iter().filter(|column| !column.name.starts_with('_'));
        let typed = columns.into_iter().find(|one| !matches!(one.kind, ColumnType::Text | ColumnType::Bytes));
        typed
            .map_or(Ok(()), |one| Err(self.error(format!("column `{}` is neither text nor bytes", one.name))))
    }

    fn refuse_lookups_by_nothing(&self) -> Result<(), PlanError> {
        let parents = self.mapping.parents.iter().map(|parent| (&parent.name, &parent.on));
        let aggregates = self.mapping.aggregates().map(|aggregate| (&aggregate.name, &aggregate.on));
        match parents.chain(aggregates).find(|(_, on)| on.is_empty()) {
            Some((name, _)) => Err(self.error(format!("`{name}` is found by no column"))),
            None => Ok(()),
        }
    }

    /// The key of a record is made of columns of the table itself.
    fn refuse_foreign(&self, origin: &Origin) -> Result<(), PlanError> {
        let name = &origin.name;
        let own =
            origin.parent().is_none() && !name.starts_with('@') && self.mapping.lookup(origin).is_none();
        if own {
            return Ok(());
        }
        Err(self.error(format!("the key of a record reads `{name}`, no column of the table")))
    }
}
