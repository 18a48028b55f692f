//! A finding as it stands in a file of findings.

use std::cmp::Ordering;

use bron_mappings::{Batch, BatchSchema, ColumnBuilder, ColumnType, Digest, EntityId, Sensitive, Value};
use bron_reconcile::findings::{Cause, FindingState};
use bron_reconcile::rows::{Finding, FindingKind};

use crate::failure::Failure;

/// The columns, all text. The first format ended with `mapping`.
const COLUMNS: [&str; 15] = [
    "finding",
    "kind",
    "entity",
    "entity_id",
    "src_system",
    "src_table",
    "src_key",
    "fields",
    "mapping",
    "state",
    "first_seen",
    "last_seen",
    "cause",
    "reason",
    "waiver",
];

/// The state of a finding that only the reconciliation before had.
pub(super) const RESOLVED: &str = "resolved";

/// One row of the file.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct StoredFinding {
    /// The number of the finding, 64 hexadecimal digits.
    pub(crate) finding: String,
    pub(crate) kind: String,
    pub(crate) entity: String,
    /// The row's id, or its place when it has none.
    pub(crate) row: String,
    pub(crate) system: String,
    pub(crate) table: String,
    pub(crate) key: Sensitive<String>,
    /// The names of the fields, with commas between them.
    pub(crate) fields: String,
    pub(crate) mapping: String,
    /// The code of [`FindingState`], or `resolved`, `not_compared` or `in_flight`.
    pub(crate) state: String,
    /// The run in which it was seen first.
    pub(crate) first_seen: String,
    /// The run in which it was seen last.
    pub(crate) last_seen: String,
    pub(crate) cause: String,
    /// The reason code of the cause.
    pub(crate) reason: String,
    /// The waiver that accepts it.
    pub(crate) waiver: String,
}

impl StoredFinding {
    /// A finding that this run has, as long as nobody knows whether it is new.
    pub(in crate::chain::reconciliation) fn new(finding: &Finding, cause: &Cause, run: &str) -> Self {
        Self {
            finding: finding.id.to_string(),
            kind: finding.kind.code().to_owned(),
            entity: finding.entity.clone(),
            row: finding.row_name(),
            system: finding.src_system.clone(),
            table: finding.src_table.clone(),
            key: finding.src_key.clone(),
            fields: finding.kind.fields().join(","),
            mapping: finding.rule.clone(),
            state: FindingState::New.code().to_owned(),
            first_seen: run.to_owned(),
            last_seen: run.to_owned(),
            cause: cause.code().to_owned(),
            reason: cause.reason().to_owned(),
            waiver: String::new(),
        }
    }

    /// A row of a batch of any format; what the format did not have is empty.
    pub(super) fn read(batch: &Batch, row: usize) -> Self {
        let mut texts = COLUMNS.map(|name| {
            let cells = batch.cells_named(name);
            cells.and_then(|cells| cells.text(row)).unwrap_or_default().to_owned()
        });
        let mut texts = texts.iter_mut().map(std::mem::take);
        let mut next = || texts.next().unwrap_or_default();
        Self {
            finding: next(),
            kind: next(),
            entity: next(),
            row: next(),
            system: next(),
            table: next(),
            key: Sensitive::new(next()),
            fields: next(),
            mapping: next(),
            state: next(),
            first_seen: next(),
            last_seen: next(),
            cause: next(),
            reason: next(),
            waiver: next(),
        }
    }

    fn texts(&self) -> [&str; COLUMNS.len()] {
        [
            &self.finding,
            &self.kind,
            &self.entity,
            &self.row,
            &self.system,
            &self.table,
            self.key.expose(),
            &self.fields,
            &self.mapping,
            &self.state,
            &self.first_seen,
            &self.last_seen,
            &self.cause,
            &self.reason,
            &self.waiver,
        ]
    }

    /// What findings are ordered by, the same in every run: those of a row stand together.
    pub(super) fn name(&self) -> [&str; 4] {
        [&self.entity, &self.row, &self.kind, &self.finding]
    }

    pub(super) fn order(&self, other: &Self) -> Ordering {
        self.name().cmp(&other.name())
    }

    pub(crate) fn cause(&self) -> Cause {
        Cause::parse(&self.cause, &self.reason)
    }

    /// The finding itself.
    pub(super) fn finding(&self) -> Result<Finding, Failure> {
        let fields = self.fields.split(',').filter(|field| !field.is_empty()).map(str::to_owned).collect();
        let kind = FindingKind::parse(&self.kind, fields, &self.row);
        let (Some(id), Some(kind)) = (Digest::parse(&self.finding), kind) else {
            return Err(Failure::safety("a file of findings holds a row that is no finding"));
        };
        let entity_id = EntityId::parse(&self.row).unwrap_or_else(|| EntityId::from_bytes([0; 16]));
        Ok(Finding {
            id,
            kind,
            entity: self.entity.clone(),
            entity_id,
            src_system: self.system.clone(),
            src_table: self.table.clone(),
            src_key: self.key.clone(),
            rule: self.mapping.clone(),
        })
    }
}

pub(super) fn schema() -> BatchSchema {
    BatchSchema::new(COLUMNS.map(|name| (name.to_owned(), ColumnType::Text)))
}

/// Whether a file of findings with these columns is of the newest format.
pub(super) fn is_newest(columns: &BatchSchema) -> bool {
    *columns == schema()
}

pub(super) fn batch(rows: &[StoredFinding]) -> Batch {
    let mut columns = COLUMNS.map(|_| ColumnBuilder::new(ColumnType::Text, rows.len()));
    for row in rows {
        for (column, text) in columns.iter_mut().zip(row.texts()) {
            column.push(Some(Value::Text(text)));
        }
    }
    let columns = columns.iter_mut().map(ColumnBuilder::finish).collect();
    Batch::new(&schema(), columns, rows.len()).expect("every column got one value a row")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_comes_back_from_its_row() {
        let id = EntityId::from_bytes([7; 16]);
        for (kind, entity_id) in [
            (FindingKind::Differs { fields: vec!["a".to_owned(), "b".to_owned()] }, id),
            (FindingKind::Missing, id),
            (FindingKind::Nameless { place: 3 }, EntityId::from_bytes([0; 16])),
        ] {
            let finding = Finding {
                id: Digest::of(b"1"),
                kind,
                entity: "beslut".to_owned(),
                entity_id,
                src_system: "paraply".to_owned(),
                src_table: "BESLUT".to_owned(),
                src_key: Sensitive::new("4711".to_owned()),
                rule: "paraply/BESLUT".to_owned(),
            };
            let stored = StoredFinding::new(&finding, &Cause::HeldBack("D24".to_owned()), "r1");
            let read = StoredFinding::read(&batch(&[StoredFinding::default(), stored.clone()]), 1);
            assert!(read == stored);
            assert_eq!(read.finding().unwrap(), finding);
            assert_eq!(read.cause(), Cause::HeldBack("D24".to_owned()));
        }
        assert!(StoredFinding::default().finding().is_err());
    }

    #[test]
    fn the_first_format_is_read_and_told_apart() {
        let whole = batch(&[StoredFinding { finding: "f".to_owned(), ..StoredFinding::default() }]);
        assert!(is_newest(whole.schema()));
        let old = BatchSchema::new(COLUMNS[..9].iter().map(|name| ((*name).to_owned(), ColumnType::Text)));
        let columns = (0..9).map(|at| whole.record().column(at).clone()).collect();
        let old = Batch::new(&old, columns, 1).unwrap();
        assert!(!is_newest(old.schema()));
        let read = StoredFinding::read(&old, 0);
        assert_eq!((read.finding.as_str(), read.first_seen.as_str()), ("f", ""));
    }
}
