//! Staged tables → what rules know beyond their own row.

use bron_extract::PartReader;
use bron_transform::{AcrossBuilder, CensusBuilder, CensusSlice, Lookups, Need, ParentTable, SumTable};

use super::{Chain, StagedTable, StagedTables};
use crate::failure::Failure;

impl Chain<'_> {
    /// Gathers every lookup. Each reads only the columns it asks for.
    pub(crate) fn lookups(&self, staged: &StagedTables) -> Result<Lookups, Failure> {
        let mut lookups = Lookups::new(self.settings.as_of.clone());
        for need in self.needs() {
            self.go_on()?;
            self.lookup(&need, staged, &mut lookups)?;
        }
        Ok(lookups)
    }

    fn lookup(&self, need: &Need, staged: &StagedTables, lookups: &mut Lookups) -> Result<(), Failure> {
        match need {
            Need::Parent { key, columns, .. } => {
                let mut builder = ParentTable::builder(key.clone(), columns.clone());
                for batch in self.needed(need, staged)? {
                    builder.add(&batch?);
                }
                lookups.add_parent(need.clone(), builder.finish());
            }
            Need::Sum { key, value, minus, .. } => {
                let mut builder = SumTable::builder(key.clone(), value.clone(), minus.clone());
                for batch in self.needed(need, staged)? {
                    builder.add(&batch?);
                }
                lookups.add_sum(need.clone(), builder.finish());
            }
            Need::Census { key, latest, .. } => {
                for slice in CensusSlice::of_table(find(need, staged)?.manifest.rows) {
                    let mut builder = CensusBuilder::new(key.clone(), *latest, slice);
                    for batch in self.needed(need, staged)? {
                        builder.add(&batch?);
                    }
                    lookups.add_rows(need.clone(), builder.finish());
                }
            }
            Need::Across { system, table, check } => {
                let mapping = self.set.mapping(system, table).expect("a need names a mapping of the set");
                let mut builder = AcrossBuilder::new(&mapping.checks[*check]);
                for batch in self.needed(need, staged)? {
                    builder.add(&batch?);
                }
                lookups.add_rows(need.clone(), builder.finish());
            }
        }
        Ok(())
    }

    fn needed(&self, need: &Need, staged: &StagedTables) -> Result<PartReader, Failure> {
        let table = find(need, staged)?;
        let columns = need.columns(&self.set);
        let mut columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        columns.sort_unstable();
        columns.dedup();
        Ok(table.manifest.read(&table.dir, Some(&columns), self.settings.batch_rows)?)
    }
}

fn find<'s>(need: &Need, staged: &'s StagedTables) -> Result<&'s StagedTable, Failure> {
    let (system, table) = need.source();
    let found = staged.get(&(system.to_owned(), table.to_owned()));
    found.ok_or_else(|| Failure::config(format!("{system}/{table} is read by a mapping but is not staged")))
}
