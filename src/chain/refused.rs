//! Rows that the target refused → the artefact `refused/` of the run, and what follows from it for every count.
//!
//! Which rows were refused stands in the target, in the same transaction as the receipts of their parts. From that and
//! from what is staged the artefact can be made at any time, and is made anew when it is not that of the target: a
//! run can be loaded into several targets. So a kill between the two leaves no trace.

mod again;
mod places;
mod without;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bron_extract::{Manifest, PartWriter, atomic};
use bron_load::{Refusal, Sink};
use bron_mappings::{
    Action, Artefact, Batch, BatchSchema, ColumnBuilder, ColumnType, Digest, DigestBuilder, EntityId,
    Mapping, Value,
};
use bron_reconcile::conservation::{Dimension, Ledger, Origin};
use bron_reconcile::summary::RefusedLine;
use serde::{Deserialize, Serialize};

use super::Chain;
use super::run::write_json;
use crate::failure::Failure;

pub(super) use without::Without;

const DIRECTORY: &str = "refused";

/// The columns of the artefact, all text: those of rejects, and what was refused by what.
const COLUMNS: [&str; 15] = [
    "system",
    "table",
    "src_key",
    "action",
    "reason",
    "field",
    "verksamhetsomrade",
    "namnd",
    "year",
    "unit",
    "skyddad",
    "entity",
    "entity_id",
    "sqlstate",
    "constraint",
];

/// What the artefact was made of: written last, so that an artefact without it is made again.
#[derive(Serialize, Deserialize)]
struct Record {
    format: u32,
    /// The digest of what the target says it refused.
    refusals: String,
    /// The mappings whose rows are among them.
    mappings: Vec<String>,
}

/// A row that the target refused, and the source row that it was made from.
pub(super) struct RefusedRow {
    at: Dimension,
    key: String,
    unit: String,
    protected: bool,
    entity: String,
    id: EntityId,
    reason: String,
    sqlstate: String,
    constraint: String,
}

/// What the target refused of a run, by mapping, in the order of entity and id.
#[derive(Default)]
pub(super) struct Refused(BTreeMap<String, Vec<RefusedRow>>);

impl Chain<'_> {
    /// What the target refused. Brings the artefact up to date.
    pub(super) fn refused(&self, sink: &mut dyn Sink) -> Result<Refused, Failure> {
        let refusals = sink.refused(&self.run_ids().load_run_id)?;
        let dir = self.run.dir.join(DIRECTORY);
        if refusals.is_empty() {
            if dir.exists() {
                atomic::renew_directory(&dir)?;
            }
            return Ok(Refused::default());
        }
        let digest = digest(&refusals).to_string();
        let path = record_path(&dir);
        let record = self.unseal::<Record>(Artefact::RefusedRecord, &path)?;
        let record = match record.filter(|record| record.refusals == digest) {
            Some(record) => record,
            None => self.write_refused(&dir, &refusals, digest)?,
        };
        let mut refused = Refused::default();
        for id in record.mappings {
            let rows = self.read_refused(self.mapping_named(&id)?)?;
            refused.0.insert(id, rows);
        }
        Ok(refused)
    }

    fn write_refused(&self, dir: &Path, refusals: &[Refusal], digest: String) -> Result<Record, Failure> {
        atomic::renew_directory(dir)?;
        let mut by_mapping: BTreeMap<&str, Vec<&Refusal>> = BTreeMap::new();
        for refusal in refusals {
            let (mapping, _) = part_of(&refusal.part)?;
            by_mapping.entry(mapping).or_default().push(refusal);
        }
        let staged = self.staged()?;
        let origin = BTreeMap::from([("refusals".to_owned(), digest.clone())]);
        for (id, refusals) in &by_mapping {
            self.go_on()?;
            let mapping = self.mapping_named(id)?;
            let rows = self.locate_refused(mapping, &staged, refusals)?;
            let dir = self.refused_dir(mapping);
            atomic::create_directory(&dir)?;
            let mut writer = PartWriter::new(&dir, &schema(), self.run.part_options())?;
            for rows in rows.chunks(self.settings.batch_rows.max(1)) {
                writer.push(&batch(rows))?;
            }
            Manifest::new(DIRECTORY, origin.clone(), &schema(), writer.finish()?).save(&dir)?;
        }
        let mappings = by_mapping.into_keys().map(str::to_owned).collect();
        let record = Record { format: Artefact::RefusedRecord.newest(), refusals: digest, mappings };
        let path = record_path(dir);
        write_json(&path, &self.sealed(&path, &record)?)?;
        Ok(record)
    }

    fn read_refused(&self, mapping: &Mapping) -> Result<Vec<RefusedRow>, Failure> {
        let dir = self.refused_dir(mapping);
        let mut rows = Vec::new();
        for batch in self.manifest_made_by("load", &dir)?.read(&dir, None, self.settings.batch_rows)? {
            let batch = batch?;
            for row in 0..batch.rows() {
                rows.push(
                    RefusedRow::read(&batch, row)
                        .ok_or_else(|| Failure::safety(format!("{}: a refused row has no id", mapping.id)))?,
                );
            }
        }
        Ok(rows)
    }

    /// The directory of what the target refused of the rows of one source table.
    pub(super) fn refused_dir(&self, mapping: &Mapping) -> PathBuf {
        self.run.dir.join(DIRECTORY).join(self.artefact(mapping))
    }

    fn mapping_named(&self, id: &str) -> Result<&Mapping, Failure> {
        self.produced_by().find(|mapping| mapping.id == id).ok_or_else(|| {
            Failure::safety(format!("the target names rows of {id}, which is no mapping of this project"))
        })
    }
}

impl RefusedRow {
    fn texts(&self) -> [String; COLUMNS.len()] {
        let Dimension { system, table, area, namnd, year } = self.at.clone();
        let field = match self.constraint.as_str() {
            "" => self.entity.clone(),
            constraint => format!("{} ({constraint})", self.entity),
        };
        [
            system,
            table,
            self.key.clone(),
            Action::Quarantine.name().to_owned(),
            self.reason.clone(),
            field,
            area,
            namnd,
            year,
            self.unit.clone(),
            if self.protected { "1" } else { "" }.to_owned(),
            self.entity.clone(),
            self.id.to_string(),
            self.sqlstate.clone(),
            self.constraint.clone(),
        ]
    }

    fn read(batch: &Batch, row: usize) -> Option<Self> {
        let text = |name: &str| {
            batch.cells_named(name).and_then(|cells| cells.text(row)).unwrap_or_default().to_owned()
        };
        Some(Self {
            at: Dimension {
                system: text("system"),
                table: text("table"),
                area: text("verksamhetsomrade"),
                namnd: text("namnd"),
                year: text("year"),
            },
            key: text("src_key"),
            unit: text("unit"),
            protected: text("skyddad") == "1",
            entity: text("entity"),
            id: EntityId::parse(&text("entity_id"))?,
            reason: text("reason"),
            sqlstate: text("sqlstate"),
            constraint: text("constraint"),
        })
    }
}

impl Refused {
    fn rows(&self) -> impl Iterator<Item = &RefusedRow> {
        self.0.values().flatten()
    }

    /// Whether rows of a mapping are among them.
    pub(super) fn has(&self, mapping: &Mapping) -> bool {
        self.0.contains_key(&mapping.id)
    }

    /// The ids of an entity's rows.
    pub(super) fn ids(&self, entity: &str) -> BTreeSet<EntityId> {
        self.rows().filter(|row| row.entity == entity).map(|row| row.id).collect()
    }

    /// The keys of the source rows of a mapping of which a row of one of these entities was refused, each once.
    pub(super) fn keys(&self, mapping: &Mapping, entities: &BTreeSet<String>) -> BTreeSet<String> {
        let rows = self.0.get(&mapping.id).into_iter().flatten();
        rows.filter(|row| entities.contains(&row.entity)).map(|row| row.key.clone()).collect()
    }

    /// Moves the source rows of a mapping in the ledger: each is held back once, by the reason of the first of its rows
    /// that was refused, also when others of its rows are in the target. What the bridge made itself comes from no row
    /// that was read.
    pub(super) fn account(
        &self,
        ledger: &mut Ledger,
        mapping: &Mapping,
        is_read: bool,
    ) -> Result<(), Failure> {
        let mut held = BTreeSet::new();
        for row in self.0.get(&mapping.id).into_iter().flatten() {
            let Dimension { system, table, .. } = row.at.clone();
            ledger.forgo(&row.at, &Origin { entity: row.entity.clone(), system, table }, 1)?;
            if is_read && held.insert(&row.key) {
                ledger.hold_back(&row.at, &row.reason, 1)?;
            }
        }
        Ok(())
    }

    /// What was refused, counted, by system, table, entity, reason and constraint.
    pub(super) fn lines(&self) -> Vec<RefusedLine> {
        let mut lines: BTreeMap<RefusedLine, u64> = BTreeMap::new();
        for row in self.rows() {
            let line = RefusedLine {
                system: row.at.system.clone(),
                table: row.at.table.clone(),
                entity: row.entity.clone(),
                reason: row.reason.clone(),
                constraint: row.constraint.clone(),
                rows: 0,
            };
            *lines.entry(line).or_default() += 1;
        }
        lines.into_iter().map(|(line, rows)| RefusedLine { rows, ..line }).collect()
    }
}

fn record_path(dir: &Path) -> PathBuf {
    dir.join("refused.json")
}

/// The mapping and the file in the name of a part.
fn part_of(part: &str) -> Result<(&str, &str), Failure> {
    let unknown = || Failure::safety(format!("the target names part {part}, which is none of a run"));
    part.rsplit_once('/').ok_or_else(unknown)
}

fn digest(refusals: &[Refusal]) -> Digest {
    let mut digest = DigestBuilder::new("bron/refused/1");
    for Refusal { entity, part, id, sqlstate, constraint } in refusals {
        digest.part(entity.as_bytes()).part(part.as_bytes()).part(id.as_bytes());
        digest.part(sqlstate.as_bytes()).part(constraint.as_bytes());
    }
    digest.finish()
}

fn schema() -> BatchSchema {
    BatchSchema::new(COLUMNS.map(|name| (name.to_owned(), ColumnType::Text)))
}

fn batch(rows: &[RefusedRow]) -> Batch {
    let mut columns = COLUMNS.map(|_| ColumnBuilder::new(ColumnType::Text, rows.len()));
    for row in rows {
        for (column, text) in columns.iter_mut().zip(row.texts()) {
            column.push(Some(Value::Text(&text)));
        }
    }
    let columns = columns.iter_mut().map(ColumnBuilder::finish).collect();
    Batch::new(&schema(), columns, rows.len()).expect("every column got one value a row")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_the_first_format_is_read() {
        let stored = include_str!("../../tests/cases/formats/refused.json");
        let mut stored: serde_json::Value = serde_json::from_str(stored).unwrap();
        Artefact::RefusedRecord.require_in(&"refused.json", &stored["record"]).unwrap();
        let record: Record = serde_json::from_value(stored["record"].take()).unwrap();
        assert_eq!((record.format, record.mappings), (1, vec!["paraply/GAMMAL".to_owned()]));
    }
}
