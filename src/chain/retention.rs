//! Which personal files are due to be destroyed, from the entities of all systems, after everything is mapped.

use bron_mappings::{Mapping, MappingSet};
use bron_transform::RetentionBuilder;

use super::Chain;
use crate::failure::Failure;

/// Files that are assessed at a time.
const FILES_PER_BATCH: usize = 8_192;

/// The mapping that the rows of no source table name as theirs.
const MAPPING: &str = r#"format   = 1
mapping  = "bron/gallring"
owner    = "arkivansvarig"
decision = "inget gallras av flytten: det förfallna förs över, listas och väntar på nämndens beslut"
examples = 0
[source]
system = "bron"
table  = "gallring"
key    = ["akt"]
[[target]]
entity = "gallringsbedomning"
[target.fields]
id = { id = ["akt"] }
"#;

/// What the rows about retention name as their mapping; `None` when the project makes no files, has no rules
/// or states no day.
pub(super) fn open<'m>(
    set: &MappingSet,
    as_of: Option<&str>,
    mappings: impl IntoIterator<Item = &'m Mapping>,
) -> Option<Mapping> {
    let makes_files = |mapping: &Mapping| mapping.targets.iter().any(|target| target.entity == "personakt");
    let here = mappings.into_iter().any(makes_files);
    let assessed = set.model.entity("gallringsbedomning").is_some() && !set.retention.is_empty();
    if !here || !assessed || as_of.is_none() {
        return None;
    }
    let (mapping, found) = Mapping::parse("bron/gallring.toml", MAPPING);
    debug_assert!(found.is_empty(), "{found:?}");
    mapping
}

impl Chain<'_> {
    /// Assesses every file of the run.
    pub(super) fn assess_retention(&self, mapping: &Mapping) -> Result<(), Failure> {
        let as_of = self.settings.as_of.as_deref().unwrap_or_default();
        let (model, rules) = (&self.set.model, &self.set.retention);
        let Some(mut builder) = RetentionBuilder::new(model, rules, &self.settings.secret, as_of) else {
            return Err(Failure::config(
                "as_of in bron.toml is no day, so nothing can be said about retention",
            ));
        };
        for entity in builder.steps() {
            let columns = builder.columns(entity);
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            let makers =
                self.mappings().filter(|mapping| mapping.targets.iter().any(|one| one.entity == entity));
            for maker in makers {
                self.go_on()?;
                let dir = self.entity_dir(maker, entity);
                for batch in self.manifest(&dir)?.read(&dir, Some(&columns), self.settings.batch_rows)? {
                    builder.add(entity, &batch?);
                }
            }
        }
        let assessments = builder.finish();
        let version = self.set.version(mapping, bron_transform::REGISTRY_VERSION);
        let files = assessments.files();
        let starts = (0..files).step_by(FILES_PER_BATCH);
        let batches = starts
            .map(|first| assessments.transformed(first..(first + FILES_PER_BATCH).min(files), &version));
        self.write_derived(mapping, batches)
    }
}
