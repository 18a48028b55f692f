//! References between rows of the target: where each leads, and what explains one that leads nowhere.

use std::collections::BTreeMap;

use bron_load::Sink;
use bron_mappings::{Action, Batch, Entity, EntityId, FieldType, Mapping, Rule, SourceKey, key_values};
use bron_reconcile::references::{Lacking, ReferenceCounts};
use bron_reconcile::rows::Finding;
use bron_transform::BRIDGE_SYSTEM;

use super::spool::Spool;
use super::target_rows::{Gathered, Origins};
use crate::chain::Chain;
use crate::chain::refused::Refused;
use crate::failure::Failure;

/// The entity whose rows stand for records that the source refers to and does not have, and its fields: what the
/// record would have been, and the system, the table and the key where it should be.
const STAND_IN: (&str, [&str; 4]) =
    ("saknad_post", ["entitet", "kalla_system", "kalla_tabell", "kalla_nyckel"]);

/// The field by which every row refers to the body that answers for it.
const BODY: &str = "namnd_id";

/// What finding a row of the target takes.
pub(super) const WHERE_FROM: [&str; 4] = ["src_system", "src_table", "src_key", "mapping_id"];

/// A field that refers to rows of an entity that this project fills.
pub(super) struct Link {
    pub(super) field: String,
    /// The entity.
    pub(super) target: String,
}

/// Where a reference leads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To rows that this project loads.
    Here,
    /// Into a system that the project does not have.
    Elsewhere,
    /// The row itself is not of this project.
    NotOurs,
}

/// The references of one entity's rows.
pub(super) struct EntityLinks<'c> {
    chain: &'c Chain<'c>,
    entity: &'c Entity,
    links: Vec<Link>,
}

impl<'c> EntityLinks<'c> {
    pub(super) fn of(chain: &'c Chain<'c>, entity: &'c Entity) -> Self {
        let filled = chain.entities();
        let links = entity.fields.iter().filter_map(|field| match &field.kind {
            FieldType::Ref { entity } if filled.iter().any(|one| one.name == *entity) => {
                Some(Link { field: field.name.clone(), target: entity.clone() })
            }
            FieldType::Ref { .. }
            | FieldType::Id
            | FieldType::Text
            | FieldType::Code
            | FieldType::Date
            | FieldType::Time
            | FieldType::Int
            | FieldType::Ore
            | FieldType::Minutes
            | FieldType::Bool
            | FieldType::Bytes
            | FieldType::Decimal { .. } => None,
        });
        Self { chain, entity, links: links.collect() }
    }

    pub(super) fn entity(&self) -> &str {
        &self.entity.name
    }

    pub(super) fn fields(&self) -> &[Link] {
        &self.links
    }

    /// Where the reference leads in rows that come from the table.
    pub(super) fn leads(&self, link: &Link, system: &str, table: &str) -> Way {
        if self.chain.is_other_system(system) {
            return Way::NotOurs;
        }
        let body = self.chain.set.model.responsible_body.as_ref();
        let to_body = body.filter(|_| link.field == BODY).map(|body| body.system.as_str());
        let to = to_body.or_else(|| {
            let mapping = self.chain.set.mapping(system, table)?;
            let targets = mapping.targets.iter().filter(|target| target.entity == self.entity.name);
            let mut rules = targets.flat_map(|target| &target.fields).filter(|rule| rule.field == link.field);
            rules.find_map(|rule| match &rule.rule {
                Rule::Ref { system, .. } => system.as_deref(),
                Rule::Id { .. } | Rule::Function { .. } | Rule::Codes { .. } | Rule::Const(_) => None,
            })
        });
        if to.is_some_and(|to| self.chain.is_other_system(to)) { Way::Elsewhere } else { Way::Here }
    }
}

impl Chain<'_> {
    /// Whether a source system is none of this project's. The bridge's own rows are nobody's source.
    pub(super) fn is_other_system(&self, system: &str) -> bool {
        !system.is_empty() && system != BRIDGE_SYSTEM && !self.sources.contains_key(system)
    }

    /// Whether a row of the target that nothing here explains is another project's: it came from a system that this
    /// one does not have, or the bridge made it from records of such a system.
    pub(in crate::chain) fn is_from_elsewhere(&self, batch: &Batch, row: usize) -> bool {
        let text = |name: &str| batch.cells_named(name).and_then(|cells| cells.text(row)).unwrap_or_default();
        let system = text("src_system");
        if system != BRIDGE_SYSTEM {
            return self.is_other_system(system);
        }
        // Rows about records name them as `system/table`, or begin their key so.
        let named = ["kalla_a", "kalla_b", "src_key"].map(text);
        let systems = named.iter().filter_map(|name| name.split_once('/')).map(|(system, _)| system);
        systems.into_iter().any(|system| self.is_other_system(system))
    }

    /// What became of the references: the ids that rows refer to and the target lacks are explained, or the rows that
    /// name them are findings.
    pub(super) fn settle_references(
        &self,
        gathered: Gathered,
        sink: &mut dyn Sink,
        refused: &Refused,
        found: &mut Spool<'_>,
    ) -> Result<ReferenceCounts, Failure> {
        let Gathered { references, checked, elsewhere, .. } = gathered;
        let mut lacking = references.lacking()?;
        let all = ids(&lacking);
        self.forget_stand_ins(&mut lacking, sink)?;
        self.forget_held(&mut lacking)?;
        for (entity, ids) in &mut lacking {
            let lost = refused.ids(entity);
            ids.retain(|id| !lost.contains(id));
        }
        lacking.retain(|_, ids| !ids.is_empty());
        let explained = all - ids(&lacking);
        let mut dangling = 0;
        for entity in self.entities() {
            self.go_on()?;
            dangling += self.find_dangling(entity, &lacking, sink, found)?;
        }
        Ok(ReferenceCounts { checked, elsewhere, explained, dangling })
    }

    /// Takes away what a row of the target stands for.
    fn forget_stand_ins(&self, lacking: &mut Lacking, sink: &mut dyn Sink) -> Result<(), Failure> {
        let (name, fields) = STAND_IN;
        let entity = self.entities().into_iter().find(|entity| entity.name == name);
        let Some(entity) = entity.filter(|entity| fields.iter().all(|field| entity.field(field).is_some()))
        else {
            return Ok(());
        };
        if lacking.is_empty() {
            return Ok(());
        }
        for batch in sink.read_fields(entity, &fields, None)? {
            let batch = batch?;
            let columns = fields.map(|field| batch.cells_named(field));
            for row in 0..batch.rows() {
                let [entity, system, table, key] =
                    columns.map(|cells| cells.and_then(|cells| cells.text(row)).unwrap_or_default());
                if let Some(ids) = lacking.get_mut(entity) {
                    ids.remove(&self.row_id(entity, (system, table), &key_values(key), None));
                }
            }
        }
        Ok(())
    }

    /// Takes away what is held back, left out or merged: the ids that those rows would have given.
    fn forget_held(&self, lacking: &mut Lacking) -> Result<(), Failure> {
        for mapping in self.mappings() {
            let made: Vec<(&str, Option<&str>)> = made_of_key(mapping)
                .filter(|(entity, _)| lacking.get(*entity).is_some_and(|ids| !ids.is_empty()))
                .collect();
            if made.is_empty() {
                continue;
            }
            let dir = self.rejects_dir(mapping);
            let columns = Some(&["src_key", "action"][..]);
            for batch in self.manifest(&dir)?.read(&dir, columns, self.settings.batch_rows)? {
                let batch = batch?;
                let [keys, actions] = ["src_key", "action"].map(|name| batch.cells_named(name));
                let text = |cells: &Option<bron_mappings::Cells<'_>>, row| {
                    cells.as_ref().and_then(|cells| cells.text(row)).unwrap_or_default().to_owned()
                };
                for row in 0..batch.rows() {
                    let action = Action::parse(&text(&actions, row));
                    let out = action.is_some_and(|action| {
                        action.holds_back() || matches!(action, Action::Merge | Action::Exclude)
                    });
                    if !out {
                        continue;
                    }
                    let key = key_values(&text(&keys, row));
                    for (entity, part) in &made {
                        let id = self.row_id(entity, (&mapping.system, &mapping.table), &key, *part);
                        if let Some(ids) = lacking.get_mut(*entity) {
                            ids.remove(&id);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn row_id(
        &self,
        entity: &str,
        (system, table): (&str, &str),
        key: &[Option<String>],
        part: Option<&str>,
    ) -> EntityId {
        let values = key.iter().map(Option::as_deref).chain(part.map(Some));
        EntityId::derive(&self.settings.secret, entity, &SourceKey::new(system, table, values))
    }

    /// Looks up the rows of an entity that refer to what is lacking. Returns how many do.
    fn find_dangling(
        &self,
        entity: &Entity,
        lacking: &Lacking,
        sink: &mut dyn Sink,
        found: &mut Spool<'_>,
    ) -> Result<u64, Failure> {
        let links = EntityLinks::of(self, entity);
        let asked: Vec<&Link> =
            links.fields().iter().filter(|link| lacking.contains_key(&link.target)).collect();
        if asked.is_empty() {
            return Ok(0);
        }
        let fields = asked.iter().map(|link| link.field.as_str()).chain(WHERE_FROM);
        let fields: Vec<&str> = fields.collect();
        let mut rows = 0;
        for batch in sink.read_fields(entity, &fields, None)? {
            let batch = batch?;
            for (row, fields) in dangling_rows(&batch, &links, &asked, lacking) {
                rows += 1;
                found.push(Finding::dangling(&entity.name, &batch, row, fields), None)?;
            }
        }
        Ok(rows)
    }
}

fn dangling_rows(
    batch: &Batch,
    links: &EntityLinks<'_>,
    asked: &[&Link],
    lacking: &Lacking,
) -> BTreeMap<usize, Vec<String>> {
    let origins = Origins::of(batch);
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for link in asked {
        let (Some(cells), Some(lacking)) = (batch.cells_named(&link.field), lacking.get(&link.target)) else {
            continue;
        };
        let ways = origins.known.iter().map(|(system, table, _)| links.leads(link, system, table));
        let ways: Vec<Way> = ways.collect();
        for (row, origin) in origins.of_row.iter().enumerate() {
            let id = cells.id(row).map(EntityId::from_bytes);
            if ways[*origin] == Way::Here && id.is_some_and(|id| lacking.contains(&id)) {
                found.entry(row).or_default().push(link.field.clone());
            }
        }
    }
    found
}

fn ids(lacking: &Lacking) -> u64 {
    let ids = lacking.values().map(|ids| u64::try_from(ids.len()).unwrap_or(u64::MAX));
    ids.sum()
}

/// The entities whose ids follow from the key of the source row alone, each with the part.
fn made_of_key(mapping: &Mapping) -> impl Iterator<Item = (&str, Option<&str>)> {
    mapping.targets.iter().filter_map(|target| {
        let made = target.fields.iter().find_map(|rule| match &rule.rule {
            Rule::Id { key, part } => Some((key, part.as_deref())),
            Rule::Ref { .. } | Rule::Function { .. } | Rule::Codes { .. } | Rule::Const(_) => None,
        });
        let (key, part) = made?;
        let same = key.iter().map(|origin| &origin.name).eq(mapping.key.iter().map(|origin| &origin.name));
        same.then_some((target.entity.as_str(), part))
    })
}
