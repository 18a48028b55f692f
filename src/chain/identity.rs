//! Who is who, across all systems: what rules know of persons before rows are mapped, and the links and
//! questions that are made after.

use std::path::Path;

use bron_mappings::{Batch, Digest, EntityId, IdentityDecisions, Mapping, PERSON_ENTITY, PersonRule, Value};
use bron_transform::{IdentityBuilder, PersonTable, Persons, PersonsBuilder};

use super::{Chain, StagedTables};
use crate::failure::Failure;

/// The name of the table that no source has.
pub(super) const NAME: &str = "bron/identitet";

/// The file of decisions, in the project.
const DECISIONS: &str = "identitet/beslut.csv";

/// The mapping that the rows of no source table name as theirs.
const MAPPING: &str = r#"format   = 1
mapping  = "bron/identitet"
owner    = "informationssäkerhetssamordnare"
decision = "bara lika giltiga nationella nummer, uttryckliga hänvisningar och namngivna beslut länkar"
examples = 0
[source]
system = "bron"
table  = "identitet"
key    = ["post_a", "post_b"]
[[target]]
entity = "identity_link"
[target.fields]
id = { id = ["post_a", "post_b"] }
[[target]]
entity = "match_candidate"
[target.fields]
id = { id = ["post_a", "post_b"] }
"#;

/// Which records are persons, and what people have decided about them.
pub(crate) struct Identities {
    /// What the rows name as their mapping.
    pub(crate) mapping: Mapping,
    decisions: IdentityDecisions,
}

impl Identities {
    /// What a project has decided; `None` when no mapping says which rows are persons. The digest stands
    /// for the decisions in the name of the run.
    pub(crate) fn open<'m>(
        project: &Path,
        mappings: impl IntoIterator<Item = &'m Mapping>,
    ) -> Result<Option<(Self, Option<Digest>)>, Failure> {
        let record = |mapping: &Mapping| matches!(mapping.person, Some(PersonRule::Record(_)));
        if !mappings.into_iter().any(record) {
            return Ok(None);
        }
        let (mapping, found) = Mapping::parse("bron/identitet.toml", MAPPING);
        debug_assert!(found.is_empty(), "{found:?}");
        let mapping = mapping.expect("the text above is a mapping");
        let path = project.join(DECISIONS);
        if !path.exists() {
            return Ok(Some((Self { mapping, decisions: IdentityDecisions::default() }, None)));
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::config(format!("cannot read {}: {error}", path.display())))?;
        let (decisions, found) = IdentityDecisions::parse(DECISIONS, &text);
        if !found.is_empty() {
            let mut failure = Failure::config(format!("{} cannot be used; nothing was read", path.display()));
            failure.diagnostics = found;
            return Err(failure);
        }
        Ok(Some((Self { mapping, decisions }, Some(Digest::of(text.as_bytes())))))
    }
}

impl Chain<'_> {
    /// What rules know of persons; `None` when no mapping says which rows are persons.
    pub(crate) fn persons(&self, staged: &StagedTables) -> Result<Option<Persons>, Failure> {
        let Some(identities) = &self.identities else { return Ok(None) };
        let mut builder = PersonsBuilder::new(&self.settings.secret, &identities.decisions);
        self.each_person_table(staged, |table, batch| builder.add(table, batch))?;
        Ok(Some(builder.finish()))
    }

    /// Reads what every table of persons or links says about them, in the order of system and table.
    fn each_person_table(
        &self,
        staged: &StagedTables,
        mut read: impl FnMut(&PersonTable, &Batch),
    ) -> Result<(), Failure> {
        for mapping in self.mappings() {
            let table = PersonTable::new(&self.set, mapping);
            let Some(table) = table.map_err(|error| Failure::config(error.to_string()))? else { continue };
            let table = table.read_on(self.settings.as_of.as_deref());
            self.go_on()?;
            let staged = &staged[&(mapping.system.clone(), mapping.table.clone())];
            let columns = table.columns();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            for batch in staged.manifest.read(&staged.dir, Some(&columns), self.settings.batch_rows)? {
                read(&table, &batch?);
            }
        }
        Ok(())
    }

    /// Makes the links and the questions of the run from its records of persons.
    pub(super) fn identify(
        &self,
        identities: &Identities,
        staged: &StagedTables,
        persons: &Persons,
    ) -> Result<(), Failure> {
        let loaded = self.loaded_persons()?;
        let mut builder = IdentityBuilder::new(&self.settings.secret, persons, loaded);
        self.each_person_table(staged, |table, batch| builder.add(table, batch))?;
        let identity = builder.finish(&identities.decisions);
        if identity.idle_decisions() > 0 {
            let count = identity.idle_decisions();
            self.printer
                .say(&format!("identity   {count} decided pairs have no effect (see docs/identity.md)"));
        }
        let mapping = &identities.mapping;
        let version = self.set.version(mapping, bron_transform::REGISTRY_VERSION);
        self.write_derived(mapping, [identity.transformed(&self.set.model, &version)])
    }

    /// The ids of the rows of persons that were made.
    fn loaded_persons(&self) -> Result<Vec<EntityId>, Failure> {
        let mut loaded = Vec::new();
        for mapping in self.mappings().filter(|mapping| matches!(mapping.person, Some(PersonRule::Record(_))))
        {
            let dir = self.entity_dir(mapping, PERSON_ENTITY);
            for batch in self.manifest(&dir)?.read(&dir, Some(&["id"]), self.settings.batch_rows)? {
                let batch = batch?;
                let ids = batch.cells_named("id");
                let ids = ids.iter().flat_map(|ids| (0..batch.rows()).filter_map(|row| ids.value(row)));
                loaded.extend(ids.filter_map(|id| match id {
                    Value::Id(id) => Some(EntityId::from_bytes(id)),
                    Value::Text(_)
                    | Value::Bytes(_)
                    | Value::Bool(_)
                    | Value::Int(_)
                    | Value::Decimal(_)
                    | Value::Date(_)
                    | Value::Time(_) => None,
                }));
            }
        }
        Ok(loaded)
    }
}
