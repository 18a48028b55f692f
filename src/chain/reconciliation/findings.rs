//! The file of every finding of the row comparison, and the first of them for people.

use bron_extract::{Manifest, PartOptions, PartWriter, atomic};
use bron_mappings::{Batch, BatchSchema, ColumnBuilder, ColumnType, Pseudonym, SourceKey, Value};
use bron_reconcile::report::{DisplayKey, LISTED_FINDINGS, ShownFinding};
use bron_reconcile::rows::Finding;

use crate::chain::Chain;
use crate::failure::Failure;

const COLUMNS: [&str; 9] =
    ["finding", "kind", "entity", "entity_id", "src_system", "src_table", "src_key", "fields", "mapping"];

/// Collects findings. Memory does not grow with their number.
pub(super) struct FindingsFile<'c> {
    chain: &'c Chain<'c>,
    dir: std::path::PathBuf,
    schema: BatchSchema,
    writer: PartWriter,
    shown: Vec<ShownFinding>,
    total: u64,
}

impl<'c> FindingsFile<'c> {
    pub(super) fn create(chain: &'c Chain<'c>) -> Result<Self, Failure> {
        let dir = chain.run.dir.join("findings");
        atomic::renew_directory(&dir)?;
        let options = PartOptions { vault: Some(chain.run.vault.clone()), ..PartOptions::default() };
        let schema = BatchSchema::new(COLUMNS.map(|name| (name.to_owned(), ColumnType::Text)));
        let writer = PartWriter::new(&dir, &schema, options)?;
        Ok(Self { chain, dir, schema, writer, shown: Vec::new(), total: 0 })
    }

    pub(super) fn push(&mut self, finding: Finding) -> Result<(), Failure> {
        self.total += 1;
        self.writer.push(&self.row(&finding))?;
        if self.shown.len() < LISTED_FINDINGS {
            let key = self.display_key(&finding);
            self.shown.push(ShownFinding { finding, key });
        }
        Ok(())
    }

    fn row(&self, finding: &Finding) -> Batch {
        let values = [
            finding.id.to_string(),
            finding.kind.code().to_owned(),
            finding.entity.clone(),
            finding.row_name(),
            finding.src_system.clone(),
            finding.src_table.clone(),
            finding.src_key.expose().clone(),
            finding.kind.fields().join(","),
            finding.rule.clone(),
        ];
        let columns = values.iter().map(|value| {
            let mut column = ColumnBuilder::new(ColumnType::Text, 1);
            column.push(Some(Value::Text(value)));
            column.finish()
        });
        Batch::new(&self.schema, columns.collect(), 1).expect("one value for each column")
    }

    /// A key is shown as it is when the mapping says that it names nobody.
    fn display_key(&self, finding: &Finding) -> DisplayKey {
        let key = finding.src_key.expose();
        let mut mappings = self.chain.produced_by();
        let (system, table) = (&finding.src_system, &finding.src_table);
        match mappings.find(|mapping| mapping.system == *system && mapping.table == *table) {
            None => DisplayKey::Hidden,
            Some(mapping) if mapping.personal_key => {
                let key = SourceKey::new(&mapping.system, &mapping.table, [Some(key.as_str())]);
                DisplayKey::Pseudonym(Pseudonym::derive(&self.chain.settings.secret, &key))
            }
            Some(_) => DisplayKey::Plain(key.clone()),
        }
    }

    pub(super) fn finish(self) -> Result<(Vec<ShownFinding>, u64), Failure> {
        let origin = [("run".to_owned(), self.chain.run.id.clone())].into();
        Manifest::new("findings", origin, &self.schema, self.writer.finish()?).save(&self.dir)?;
        Ok((self.shown, self.total))
    }
}
