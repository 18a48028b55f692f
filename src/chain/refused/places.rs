//! Refused ids → the source rows behind them: their keys out of the entity parts, their place in the balance out of
//! what is staged.

use std::collections::{BTreeMap, BTreeSet};

use bron_load::Refusal;
use bron_mappings::{Batch, Entity, EntityId, Mapping, SourceKey};
use bron_reconcile::conservation::Dimension;
use bron_transform::{Lookups, Place, Plan, places};

use super::{RefusedRow, part_of};
use crate::chain::{Chain, StagedTable, StagedTables};
use crate::failure::Failure;

/// What is read of the entity rows.
const FIELDS: [&str; 4] = ["id", "src_key", "namnd", "skyddad"];

/// What an entity row says of the source row that it was made from.
struct Behind {
    key: String,
    namnd: String,
    protected: bool,
}

impl Chain<'_> {
    /// The refused rows of one mapping with where they come from, in the order of entity and id.
    pub(super) fn locate_refused(
        &self,
        mapping: &Mapping,
        staged: &StagedTables,
        refusals: &[&Refusal],
    ) -> Result<Vec<RefusedRow>, Failure> {
        let behind = self.behind(mapping, refusals)?;
        let keys = behind.values().map(|row| row.key.as_str()).collect();
        let table = staged.get(&(mapping.system.clone(), mapping.table.clone()));
        let places = table.map(|table| self.places(mapping, staged, table, &keys)).transpose()?;
        let cells = self.record_of(mapping)?.ledger;
        let mut rows = Vec::with_capacity(refusals.len());
        for refusal in refusals {
            let lost =
                || Failure::safety(format!("{}: refused row {} was never made", mapping.id, refusal.id));
            let Behind { key, namnd, protected } =
                behind.get(&(refusal.entity.as_str(), refusal.id)).ok_or_else(lost)?;
            let (system, table) = (mapping.system.clone(), mapping.table.clone());
            let (at, unit) = match &places {
                Some(places) => {
                    let Place { dimension, unit, .. } = places.get(key).ok_or_else(lost)?.clone();
                    let (area, namnd, year) = (dimension.area, dimension.namnd, dimension.year);
                    (Dimension { system, table, area, namnd, year }, unit)
                }
                // What the bridge makes of the rows of others is counted by nämnd, or in one cell.
                None => {
                    let alone = Dimension { system, table, ..Dimension::default() };
                    let of_namnd = Dimension { namnd: namnd.clone(), ..alone.clone() };
                    let is_counted = cells.cells().contains_key(&of_namnd);
                    (if is_counted { of_namnd } else { alone }, String::new())
                }
            };
            rows.push(RefusedRow {
                at,
                key: key.clone(),
                unit,
                protected: *protected,
                entity: refusal.entity.clone(),
                id: refusal.id,
                reason: refusal.reason().code().to_owned(),
                sqlstate: refusal.sqlstate.clone(),
                constraint: refusal.constraint.clone(),
            });
        }
        rows.sort_by(|one, other| (&one.entity, one.id).cmp(&(&other.entity, other.id)));
        Ok(rows)
    }

    /// These fields of the refused rows of an entity, out of what was made: the target has no such rows.
    pub(in crate::chain) fn refused_parents(
        &self,
        entity: &Entity,
        fields: &[String],
        ids: &BTreeSet<EntityId>,
    ) -> Result<Vec<Batch>, Failure> {
        let given = fields.iter().map(String::as_str).filter(|field| *field != "id");
        let columns: Vec<&str> = ["id"].into_iter().chain(given).collect();
        let mut found = Vec::new();
        for mapping in self.produced_by() {
            if mapping.targets.iter().all(|target| target.entity != entity.name) {
                continue;
            }
            let dir = self.entity_dir(mapping, &entity.name);
            for batch in self.manifest(&dir)?.read(&dir, Some(&columns), self.settings.batch_rows)? {
                let batch = batch?;
                let cells = batch.cells_named("id");
                let id = |row: usize| cells.and_then(|cells| cells.id(row)).map(EntityId::from_bytes);
                let is_lost = |row: &usize| id(*row).is_some_and(|id| ids.contains(&id));
                let rows: Vec<usize> = (0..batch.rows()).filter(is_lost).collect();
                if !rows.is_empty() {
                    found.push(batch.pick(&rows));
                }
            }
        }
        Ok(found)
    }

    /// Looks the refused ids up in the parts that they came in.
    fn behind<'r>(
        &self,
        mapping: &Mapping,
        refusals: &[&'r Refusal],
    ) -> Result<BTreeMap<(&'r str, EntityId), Behind>, Failure> {
        let mut wanted: BTreeMap<(&str, &str), BTreeSet<EntityId>> = BTreeMap::new();
        for refusal in refusals {
            let (_, file) = part_of(&refusal.part)?;
            wanted.entry((refusal.entity.as_str(), file)).or_default().insert(refusal.id);
        }
        let mut found = BTreeMap::new();
        for ((entity, file), ids) in wanted {
            let dir = self.entity_dir(mapping, entity);
            let manifest = self.manifest(&dir)?;
            let part = manifest.parts.iter().find(|part| part.file.trim_end_matches(".parquet") == file);
            let part = part.ok_or_else(|| {
                Failure::safety(format!("{}: the target names part {file}, which is not there", mapping.id))
            })?;
            for batch in manifest.read_part(&dir, part, Some(&FIELDS), self.settings.batch_rows)? {
                let batch = batch?;
                let [id, key, namnd, protected] = FIELDS.map(|field| batch.cells_named(field));
                for row in 0..batch.rows() {
                    let id = id.and_then(|cells| cells.id(row)).map(EntityId::from_bytes);
                    let Some(id) = id.filter(|id| ids.contains(id)) else { continue };
                    let text = |cells: Option<bron_mappings::Cells<'_>>| {
                        cells.and_then(|cells| cells.text(row)).unwrap_or_default().to_owned()
                    };
                    let protected = protected.and_then(|cells| cells.value(row));
                    let protected = protected == Some(bron_mappings::Value::Bool(true));
                    found.insert((entity, id), Behind { key: text(key), namnd: text(namnd), protected });
                }
            }
        }
        Ok(found)
    }

    /// The places of loaded rows with these keys. Only the parts that hold one of them are read whole.
    fn places(
        &self,
        mapping: &Mapping,
        staged: &StagedTables,
        table: &StagedTable,
        keys: &BTreeSet<&str>,
    ) -> Result<BTreeMap<String, Place>, Failure> {
        let plan = Plan::new(&self.set, mapping, &table.manifest.schema, &self.settings.secret)
            .map_err(|error| Failure::config(error.to_string()))?;
        let lookups = self.lookups_of(mapping, staged)?;
        let mut found = BTreeMap::new();
        let mut first_row = 0;
        for part in &table.manifest.parts {
            self.go_on()?;
            let rows = self.rows_with_keys(mapping, table, part, keys)?;
            if !rows.is_empty() {
                self.places_in(&plan, &lookups, table, part, (first_row, &rows), &mut found)?;
            }
            first_row += part.rows;
        }
        Ok(found)
    }

    /// The rows of a staged part that have one of these keys.
    pub(in crate::chain) fn rows_with_keys(
        &self,
        mapping: &Mapping,
        table: &StagedTable,
        part: &bron_extract::PartEntry,
        keys: &BTreeSet<&str>,
    ) -> Result<BTreeSet<u64>, Failure> {
        let columns: Vec<&str> = mapping.key.iter().map(|origin| origin.name.as_str()).collect();
        if columns.iter().any(|column| table.manifest.schema.index_of(column).is_none()) {
            // The key is made of what other rows say: every row is asked.
            return Ok((0..part.rows).collect());
        }
        let mut rows = BTreeSet::new();
        let mut place = 0;
        let batches = table.manifest.read_part(&table.dir, part, Some(&columns), self.settings.batch_rows)?;
        for batch in batches {
            let batch = batch?;
            let cells: Vec<_> = columns.iter().filter_map(|column| batch.cells_named(column)).collect();
            for row in 0..batch.rows() {
                let values = cells.iter().map(|cells| cells.text(row));
                let key = SourceKey::new(&mapping.system, &mapping.table, values).text();
                if keys.contains(key.expose().as_str()) {
                    rows.insert(place);
                }
                place += 1;
            }
        }
        Ok(rows)
    }

    fn places_in(
        &self,
        plan: &Plan,
        lookups: &Lookups,
        table: &StagedTable,
        part: &bron_extract::PartEntry,
        (first_row, rows): (u64, &BTreeSet<u64>),
        found: &mut BTreeMap<String, Place>,
    ) -> Result<(), Failure> {
        let mut place = 0;
        for batch in table.manifest.read_part(&table.dir, part, None, self.settings.batch_rows)? {
            let batch = batch?;
            for row in 0..batch.rows() {
                if rows.contains(&place) {
                    let placed = places(plan, lookups, &batch.slice(row, 1), first_row + place);
                    found.extend(placed.into_iter().map(|place| (place.key.expose().clone(), place)));
                }
                place += 1;
            }
        }
        Ok(())
    }
}
