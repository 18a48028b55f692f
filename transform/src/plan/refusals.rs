//! What a mapping must not say because the engine would answer with silence: a parent that is never
//! found, a key that is always NULL.

use bron_mappings::{Check, ColumnType, Origin};

use super::{PlanError, Planner};
use crate::functions::{Build, find};

/// More parents than any chain of records has.
pub(crate) const MOST_PARENTS: usize = 8;

impl Planner<'_> {
    /// Refuses a mapping that names what cannot be known at its place.
    pub(super) fn refuse_unusable(&self) -> Result<(), PlanError> {
        self.refuse_typed_columns()?;
        self.refuse_parents()?;
        self.refuse_sums()?;
        for origin in &self.mapping.key {
            self.refuse_foreign(origin, "the key of a record")?;
        }
        self.mapping.checks.iter().try_for_each(|check| self.refuse_check(check))
    }

    /// Columns arrive as found: a column of another type would not count in the sum of a row.
    fn refuse_typed_columns(&self) -> Result<(), PlanError> {
        let columns = self.schema.columns().iter().filter(|column| !column.name.starts_with('_'));
        let typed = columns.into_iter().find(|one| !matches!(one.kind, ColumnType::Text | ColumnType::Bytes));
        typed
            .map_or(Ok(()), |one| Err(self.error(format!("column `{}` is neither text nor bytes", one.name))))
    }

    fn refuse_parents(&self) -> Result<(), PlanError> {
        let parents = &self.mapping.parents;
        if parents.len() > MOST_PARENTS {
            return Err(self.error(format!("{} parents are more than {MOST_PARENTS}", parents.len())));
        }
        for (index, parent) in parents.iter().enumerate() {
            let name = &parent.name;
            if parents[..index].iter().any(|other| other.name == *name) {
                return Err(self.error(format!("two parents are called `{name}`")));
            }
            if parent.on.is_empty() {
                return Err(self.error(format!("parent `{name}` is found by no column")));
            }
            for (own, _) in &parent.on {
                let known = |of: &str| parents[..index].iter().any(|earlier| earlier.name == of);
                if own.parent().is_some_and(|(of, _)| !known(of)) || self.is_sum(own) {
                    let found_by = &own.name;
                    return Err(self.error(format!(
                        "parent `{name}` is found by `{found_by}`, which is neither a column nor of an earlier parent"
                    )));
                }
            }
        }
        Ok(())
    }

    fn refuse_sums(&self) -> Result<(), PlanError> {
        for sum in &self.mapping.sums {
            if sum.on.is_empty() || sum.on.iter().any(|(own, _)| self.is_sum(own)) {
                let name = &sum.name;
                return Err(self.error(format!("sum `{name}` is found by another sum or by no column")));
            }
        }
        Ok(())
    }

    /// A check over several rows is answered before the rows are mapped, from their own table alone.
    fn refuse_check(&self, check: &Check) -> Result<(), PlanError> {
        let across = find(&check.function).is_some_and(|known| matches!(known.build, Build::AcrossRows));
        if !across {
            return Ok(());
        }
        let when = check.when.iter().map(|when| &when.origin);
        let what = format!("`{}`", check.function);
        check.inputs.iter().chain(when).try_for_each(|origin| self.refuse_foreign(origin, &what))
    }

    /// Refuses whatever is not a column of the table itself.
    fn refuse_foreign(&self, origin: &Origin, what: &str) -> Result<(), PlanError> {
        let own = origin.parent().is_none() && !origin.name.starts_with('@') && !self.is_sum(origin);
        let name = &origin.name;
        if own { Ok(()) } else { Err(self.error(format!("{what} reads `{name}`, no column of the table"))) }
    }

    fn is_sum(&self, origin: &Origin) -> bool {
        self.mapping.sums.iter().any(|sum| sum.name == origin.name)
    }
}
