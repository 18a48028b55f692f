//! What a name that somebody typed may mean.

use std::collections::BTreeSet;

use bron_extract::{MANIFEST_FILE, Manifest};
use bron_load::{IdRange, Sink};
use bron_mappings::{Batch, Entity, EntityId, Mapping, Sensitive, SourceKey};

use super::RecordName;
use crate::chain::Chain;
use crate::chain::reconciliation::StoredFinding;
use crate::failure::Failure;

/// The fewest digits by which a finding can be named.
const FEWEST_DIGITS: usize = 8;

/// The digits of a pseudonym, after `p-`.
const PSEUDONYM_DIGITS: usize = 16;

/// Where a row comes from.
const ORIGIN: [&str; 3] = ["src_system", "src_table", "src_key"];

/// What a name fits.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) records: BTreeSet<RecordName>,
    /// Rows that are known to be theirs, by entity.
    pub(crate) ids: BTreeSet<(String, EntityId)>,
}

impl Chain<'_> {
    pub(super) fn find_records(&self, name: &str, sink: &mut dyn Sink) -> Result<Found, Failure> {
        let name = name.trim();
        let mut parts = name.splitn(3, '/');
        if let (Some(system), Some(table), Some(key)) = (parts.next(), parts.next(), parts.next()) {
            return self.find_by_key(system, table, key);
        }
        let lower = name.to_ascii_lowercase();
        if let Some(id) = EntityId::parse(&lower) {
            return self.find_by_id(id, sink);
        }
        if is_pseudonym(&lower) {
            let mut found = Found::default();
            for mapping in self.mappings_here() {
                self.find_by_pseudonym(mapping, &lower, &mut found)?;
            }
            return Ok(found);
        }
        let is_digits = lower.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_digits && lower.len() >= FEWEST_DIGITS {
            return self.find_by_finding(&lower);
        }
        Err(Failure::config("KEY names no record").hint(
            "write SYSTEM/TABLE/KEY, the id of a row, a pseudonym as reports show it (p-…), or the number of a finding \
             or its first 8 digits",
        ))
    }

    fn find_by_key(&self, system: &str, table: &str, key: &str) -> Result<Found, Failure> {
        let Some(mapping) = self.mapping_here(system, table) else {
            return Err(Failure::config(format!("{system}/{table} is no mapped table of this project")));
        };
        let mut found = Found::default();
        if is_pseudonym(key) {
            self.find_by_pseudonym(mapping, key, &mut found)?;
        } else {
            found.records.insert(record(mapping, key));
        }
        Ok(found)
    }

    /// A row of the target; or one that the target lacks, as a finding or the run itself names it.
    fn find_by_id(&self, id: EntityId, sink: &mut dyn Sink) -> Result<Found, Failure> {
        let mut found = Found::default();
        for entity in self.entities_here() {
            if !sink.holds(entity)? {
                continue;
            }
            for batch in sink.read_fields(entity, &ORIGIN, Some(only(&id)))? {
                let batch = batch?;
                for row in 0..batch.rows() {
                    found.take(origin(&batch, row), &entity.name, id);
                }
            }
        }
        let text = id.to_string();
        self.each_finding(&mut |one| {
            if one.row == text {
                found.take(named(&one), &one.entity, id);
            }
        })?;
        if found.records.is_empty() {
            self.find_in_parts(id, &mut found)?;
        }
        Ok(found)
    }

    fn find_in_parts(&self, id: EntityId, found: &mut Found) -> Result<(), Failure> {
        for mapping in self.mappings_here() {
            for entity in entities_of(mapping) {
                for batch in self.made(mapping, entity, &["id", "src_key"])? {
                    let batch = batch?;
                    let [ids, keys] = ["id", "src_key"].map(|name| batch.cells_named(name));
                    let row = (0..batch.rows())
                        .find(|row| ids.as_ref().and_then(|ids| ids.id(*row)) == Some(*id.as_bytes()));
                    if let Some(key) = row.and_then(|row| keys.as_ref()?.text(row)) {
                        found.take(record(mapping, key), entity, id);
                    }
                }
            }
        }
        Ok(())
    }

    /// The keys of a table whose pseudonym this is: all of them are tried, because there is no way back from one.
    fn find_by_pseudonym(&self, mapping: &Mapping, name: &str, found: &mut Found) -> Result<(), Failure> {
        let mut try_key = |key: &str| {
            if self.shown_key(mapping, key) == name {
                found.records.insert(record(mapping, key));
            }
        };
        let columns: Vec<&str> = mapping.key.iter().map(|origin| origin.name.as_str()).collect();
        let staged = self.staged_here(mapping)?;
        let has_key = |column: &&str| {
            staged.as_ref().is_some_and(|table| table.manifest.schema.index_of(column).is_some())
        };
        if let Some(table) = staged.as_ref().filter(|_| columns.iter().all(has_key)) {
            for batch in table.manifest.read(&table.dir, Some(&columns), self.settings.batch_rows)? {
                let batch = batch?;
                let cells: Vec<_> = columns.iter().filter_map(|column| batch.cells_named(column)).collect();
                for row in 0..batch.rows() {
                    let values = cells.iter().map(|cells| cells.text(row));
                    try_key(SourceKey::new(&mapping.system, &mapping.table, values).text().expose());
                }
            }
            return Ok(());
        }
        for entity in entities_of(mapping) {
            for batch in self.made(mapping, entity, &["src_key"])? {
                let batch = batch?;
                let keys = batch.cells_named("src_key");
                (0..batch.rows()).filter_map(|row| keys.as_ref()?.text(row)).for_each(&mut try_key);
            }
        }
        Ok(())
    }

    fn find_by_finding(&self, digits: &str) -> Result<Found, Failure> {
        let mut found = Found::default();
        self.each_finding(&mut |one| {
            if one.finding.starts_with(digits) {
                match EntityId::parse(&one.row) {
                    Some(id) => found.take(named(&one), &one.entity, id),
                    None => drop(found.records.insert(named(&one))),
                }
            }
        })?;
        Ok(found)
    }

    /// Every entity that mappings of the project fill.
    pub(super) fn entities_here(&self) -> Vec<&Entity> {
        let names: BTreeSet<&str> = self.mappings_here().flat_map(entities_of).collect();
        names.into_iter().filter_map(|name| self.set.model.entity(name)).collect()
    }

    /// These columns of the rows of an entity that a mapping made; nothing where it was not mapped in the run.
    pub(super) fn made(
        &self,
        mapping: &Mapping,
        entity: &str,
        columns: &[&str],
    ) -> Result<impl Iterator<Item = Result<Batch, Failure>> + use<>, Failure> {
        let reader = match self.made_parts(mapping, entity)? {
            Some((dir, manifest)) => Some(manifest.read(&dir, Some(columns), self.settings.batch_rows)?),
            None => None,
        };
        Ok(reader.into_iter().flatten().map(|batch| batch.map_err(Failure::from)))
    }

    pub(super) fn made_parts(
        &self,
        mapping: &Mapping,
        entity: &str,
    ) -> Result<Option<(std::path::PathBuf, Manifest)>, Failure> {
        let dir = self.entity_dir(mapping, entity);
        if !dir.join(MANIFEST_FILE).is_file() {
            return Ok(None);
        }
        let manifest = Manifest::open(&dir, &self.run.vault)?;
        Ok(Some((dir, manifest)))
    }
}

impl Found {
    fn take(&mut self, record: RecordName, entity: &str, id: EntityId) {
        self.records.insert(record);
        self.ids.insert((entity.to_owned(), id));
    }
}

/// The entities that a mapping fills, each once.
pub(super) fn entities_of(mapping: &Mapping) -> BTreeSet<&str> {
    mapping.targets.iter().map(|target| target.entity.as_str()).collect()
}

/// The range of one id.
pub(super) fn only(id: &EntityId) -> IdRange {
    let next = u128::from_be_bytes(*id.as_bytes()).checked_add(1);
    IdRange { from: Some(*id), to: next.map(|next| EntityId::from_bytes(next.to_be_bytes())) }
}

fn is_pseudonym(text: &str) -> bool {
    let digits = text.strip_prefix("p-").unwrap_or_default();
    digits.len() == PSEUDONYM_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn record(mapping: &Mapping, key: &str) -> RecordName {
    RecordName {
        system: mapping.system.clone(),
        table: mapping.table.clone(),
        key: Sensitive::new(key.to_owned()),
    }
}

fn named(finding: &StoredFinding) -> RecordName {
    RecordName { system: finding.system.clone(), table: finding.table.clone(), key: finding.key.clone() }
}

fn origin(batch: &Batch, row: usize) -> RecordName {
    let text = |name: &str| {
        let cells = batch.cells_named(name);
        cells.and_then(|cells| cells.text(row)).unwrap_or_default().to_owned()
    };
    let [system, table, key] = ORIGIN.map(text);
    RecordName { system, table, key: Sensitive::new(key) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_one_id() {
        let id = |last| EntityId::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        assert_eq!(only(&id(7)), IdRange { from: Some(id(7)), to: Some(id(8)) });
        assert_eq!(only(&EntityId::from_bytes([255; 16])).to, None);
    }

    #[test]
    fn a_pseudonym_is_known_by_its_form() {
        assert!(is_pseudonym("p-0123456789abcdef"));
        for other in ["p-0123", "0123456789abcdef", "p-0123456789abcdeg", "x-0123456789abcdef"] {
            assert!(!is_pseudonym(other), "{other}");
        }
    }
}
