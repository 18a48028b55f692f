//! Staged rows that the quarantine asks for: those that it keeps, and those that it looks for.

use std::collections::{BTreeMap, BTreeSet};

use bron_load::quarantine::{Collection, Payload, mask_of, record_id};
use bron_mappings::{Batch, EntityId, FEWEST_SHOWN, InstallationSecret, Mapping, SourceKey, Value};

use crate::chain::quality::is_plain;
use crate::chain::{Chain, StagedTable};
use crate::failure::Failure;

/// A column with more texts than these holds no codes.
const MOST_CODES: usize = 10_000;
/// A longer text is no code.
const LONGEST_CODE: usize = 32;

/// A row that is to be kept.
pub(super) struct WantedRow {
    pub(super) id: EntityId,
    /// The column whose text no code list knows.
    pub(super) code: Option<String>,
}

/// The rows of one table that are wanted.
#[derive(Default)]
pub(super) struct Wanted {
    rows: BTreeMap<String, Vec<WantedRow>>,
    looked_for: BTreeSet<EntityId>,
    met: BTreeMap<EntityId, u64>,
}

impl Wanted {
    pub(super) fn want(&mut self, key: &str, row: WantedRow) {
        self.rows.entry(key.to_owned()).or_default().push(row);
    }

    pub(super) fn look_for(&mut self, records: impl Iterator<Item = EntityId>) {
        self.looked_for.extend(records);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.looked_for.is_empty()
    }

    pub(super) fn is_looked_for(&self, record: &EntityId) -> bool {
        self.looked_for.contains(record)
    }

    /// How many rows the staged table has of a record that is looked for.
    pub(super) fn rows_of(&self, record: &EntityId) -> u64 {
        self.met.get(record).copied().unwrap_or_default()
    }

    /// Reads the table once.
    pub(super) fn read(
        &mut self,
        chain: &Chain<'_>,
        mapping: &Mapping,
        table: &StagedTable,
        collection: &mut Collection<'_>,
    ) -> Result<(), Failure> {
        // Without rows to keep, the key says all that is asked for.
        let key: Vec<&str> = mapping.key.iter().map(|origin| origin.name.as_str()).collect();
        let columns = self.rows.is_empty().then_some(key.as_slice());
        let mut codes = Codes::of(self);
        let mut kept = Kept::default();
        for batch in table.manifest.read(&table.dir, columns, chain.settings.batch_rows)? {
            chain.go_on()?;
            let batch = batch?;
            codes.count(&batch);
            for row in 0..batch.rows() {
                let key = key_text(mapping, &batch, row);
                if let Some(wanted) = self.rows.get(&key) {
                    let columns = texts(&batch, row);
                    let number =
                        kept.next(&chain.settings.secret, [&mapping.system, &mapping.table, &key], &columns);
                    keep(chain, wanted, number, &columns, collection)?;
                    codes.note(wanted, &batch, row);
                }
                if !self.looked_for.is_empty() {
                    let record = record_id(&chain.settings.secret, &mapping.system, &mapping.table, &key);
                    if self.looked_for.contains(&record) {
                        *self.met.entry(record).or_default() += 1;
                    }
                }
            }
        }
        for (key, (_, content)) in &kept.0 {
            for one in self.rows.get(key).into_iter().flatten() {
                collection.keep_content(&one.id, content)?;
            }
        }
        codes.keep(collection)
    }
}

/// The rows that were kept, by key: how many there are, and a keyed print of all of them. Which of the rows with one
/// key a reason is about cannot be told by the key, so an item keeps them all.
#[derive(Default)]
struct Kept(BTreeMap<String, (u32, EntityId)>);

impl Kept {
    /// Counts a row in; says how many with its key came before it.
    fn next(
        &mut self,
        secret: &InstallationSecret,
        [system, table, key]: [&str; 3],
        columns: &[(String, Option<String>)],
    ) -> u32 {
        let before = self.0.get(key).copied();
        let so_far = before.map(|(_, content)| content.to_string()).unwrap_or_default();
        let texts = columns.iter().flat_map(|(name, text)| [Some(name.as_str()), text.as_deref()]);
        let parts = [Some(so_far.as_str())].into_iter().chain(texts);
        let row = SourceKey::new(system, table, parts);
        let number = before.map_or(0, |(rows, _)| rows);
        let content = EntityId::derive(secret, "quarantine-content", &row);
        self.0.insert(key.to_owned(), (number.saturating_add(1), content));
        number
    }
}

fn keep(
    chain: &Chain<'_>,
    wanted: &[WantedRow],
    number: u32,
    columns: &[(String, Option<String>)],
    collection: &mut Collection<'_>,
) -> Result<(), Failure> {
    let mask = mask_of(columns);
    for one in wanted {
        let sealed = chain.settings.recipients.seal(&Payload::new(&one.id, columns.to_vec()))?;
        collection.keep_row(&one.id, number, &mask, sealed.as_deref())?;
    }
    Ok(())
}

/// The columns of a row with their texts. Of a large binary value only its size is kept: it lies in the run.
pub(in crate::chain) fn texts(batch: &Batch, row: usize) -> Vec<(String, Option<String>)> {
    let text = |name: &str| {
        Some(match batch.cells_named(name)?.value(row)? {
            Value::Text(text) => text.to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Bytes(bytes) => format!("{} byte", bytes.len()),
            Value::Bool(truth) => truth.to_string(),
            // Nothing is staged as one of these.
            Value::Date(_) | Value::Decimal(_) | Value::Time(_) | Value::Id(_) => return None,
        })
    };
    let columns = batch.schema().columns().iter();
    columns.map(|column| (column.name.clone(), text(&column.name))).collect()
}

/// The key of a staged row, as marks carry it.
pub(in crate::chain) fn key_text(mapping: &Mapping, batch: &Batch, row: usize) -> String {
    let values = mapping.key.iter().map(|origin| text_of(batch, &origin.name, row));
    SourceKey::new(&mapping.system, &mapping.table, values).text().into_inner()
}

fn text_of<'b>(batch: &'b Batch, column: &str, row: usize) -> Option<&'b str> {
    match batch.cells_named(column)?.value(row)? {
        Value::Text(text) => Some(text),
        Value::Bool(_)
        | Value::Date(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Time(_)
        | Value::Id(_)
        | Value::Bytes(_) => None,
    }
}

/// The texts of columns of codes, counted.
struct Codes {
    counts: BTreeMap<String, BTreeMap<String, u64>>,
    noted: Vec<(EntityId, String, String)>,
}

impl Codes {
    fn of(wanted: &Wanted) -> Self {
        let columns = wanted.rows.values().flatten().filter_map(|row| row.code.clone());
        let counts = columns.map(|column| (column, BTreeMap::new())).collect();
        Self { counts, noted: Vec::new() }
    }

    fn count(&mut self, batch: &Batch) {
        for (column, counts) in self.counts.iter_mut() {
            for text in (0..batch.rows()).filter_map(|row| text_of(batch, column, row)) {
                if let Some(count) = counts.get_mut(text) {
                    *count += 1;
                } else if counts.len() < MOST_CODES {
                    counts.insert(text.to_owned(), 1);
                }
            }
        }
    }

    fn note(&mut self, wanted: &[WantedRow], batch: &Batch, row: usize) {
        for one in wanted {
            let Some(column) = &one.code else { continue };
            let text = text_of(batch, column, row).unwrap_or_default();
            if is_plain(text) && !text.is_empty() && text.chars().count() <= LONGEST_CODE {
                self.noted.push((one.id, column.clone(), text.to_owned()));
            }
        }
    }

    /// Keeps the codes that so many rows have that they name nobody.
    fn keep(self, collection: &mut Collection<'_>) -> Result<(), Failure> {
        for (id, column, text) in &self.noted {
            let count = self.counts.get(column).and_then(|counts| counts.get(text));
            if count.is_some_and(|count| *count >= FEWEST_SHOWN) {
                collection.keep_code(id, text)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_key_are_numbered_and_their_print_tells_any_change_of_any() {
        let secret = InstallationSecret::new([7; 32]);
        let print = |texts: &[&str]| {
            let mut kept = Kept::default();
            for (number, text) in (0_u32..).zip(texts) {
                let columns = [("SLUT".to_owned(), Some((*text).to_owned()))];
                assert_eq!(kept.next(&secret, ["paraply", "BESLUT", "1"], &columns), number);
                assert_eq!(kept.next(&secret, ["paraply", "BESLUT", "2"], &columns), number);
            }
            kept.0["1"]
        };
        assert_eq!(print(&["a", "b"]), print(&["a", "b"]));
        for other in [&["a"][..], &["a", "c"], &["c", "b"], &["b", "a"]] {
            assert_ne!(print(&["a", "b"]), print(other));
        }
    }
}
