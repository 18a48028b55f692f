//! Staged tables → what rules know beyond their own row.

use bron_extract::PartReader;
use bron_mappings::Mapping;
use bron_transform::{Lookups, Need};

use super::{Chain, StagedTable, StagedTables};
use crate::failure::Failure;

impl Chain<'_> {
    /// Gathers every lookup, in the order of the needs. Each reads only the columns it asks for.
    pub(crate) fn lookups(&self, staged: &StagedTables) -> Result<Lookups, Failure> {
        self.gathered(self.needs(), staged)
    }

    /// Gathers the lookups of one mapping.
    pub(super) fn lookups_of(&self, mapping: &Mapping, staged: &StagedTables) -> Result<Lookups, Failure> {
        self.gathered(self.needs_of([mapping]), staged)
    }

    fn gathered(&self, needs: Vec<Need>, staged: &StagedTables) -> Result<Lookups, Failure> {
        let mut lookups = Lookups::new(self.settings.as_of.clone());
        lookups.set_persons(self.persons(staged)?);
        for need in needs {
            self.lookup(&need, staged, &mut lookups)?;
        }
        Ok(lookups)
    }

    fn lookup(&self, need: &Need, staged: &StagedTables, lookups: &mut Lookups) -> Result<(), Failure> {
        for pass in need.passes(find(need, staged)?.manifest.rows) {
            self.go_on()?;
            let unusable = |error: bron_transform::PlanError| Failure::config(error.to_string());
            let mut gathering = need.gather(&self.set, lookups, pass).map_err(unusable)?;
            for batch in self.needed(need, staged)? {
                gathering.add(&batch?);
            }
            let found = gathering.finish();
            lookups.add(need.clone(), found);
        }
        Ok(())
    }

    fn needed(&self, need: &Need, staged: &StagedTables) -> Result<PartReader, Failure> {
        let table = find(need, staged)?;
        let columns = need.columns(&self.set);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        Ok(table.manifest.read(&table.dir, Some(&columns), self.settings.batch_rows)?)
    }
}

fn find<'s>(need: &Need, staged: &'s StagedTables) -> Result<&'s StagedTable, Failure> {
    let (system, table) = need.source();
    let found = staged.get(&(system.to_owned(), table.to_owned()));
    found.ok_or_else(|| Failure::config(format!("{system}/{table} is read by a mapping but is not staged")))
}
