//! Builds the columns of entity rows and of rejects.

use std::borrow::Cow;

use bron_mappings::{
    Action, Batch, BatchSchema, ColumnBuilder, ColumnType, Entity, FieldType, ReasonCode, Sensitive, Value,
};

use crate::balance::Dimension;
use crate::functions::Cell;
use crate::plan::Plan;

/// The values that every row made from one source row ends with.
pub(crate) struct SharedValues<'a> {
    pub(crate) dimension: &'a Dimension,
    pub(crate) namnd_id: Option<[u8; 16]>,
    pub(crate) protected: bool,
    pub(crate) flags: &'a str,
    pub(crate) key: &'a Sensitive<Cow<'a, str>>,
    pub(crate) sha256: [u8; 32],
}

/// One of the columns that every entity ends with.
enum Shared {
    Area,
    Namnd,
    NamndId,
    Protected,
    Flags,
    Verbatim,
    Key,
    Sha256,
    /// The same in every row, and so written when the number of rows is known.
    Constant(String),
}

impl Shared {
    fn new(plan: &Plan, entity: &Entity, name: &str) -> Self {
        match name {
            "verksamhetsomrade" => Self::Area,
            "namnd" => Self::Namnd,
            "namnd_id" => Self::NamndId,
            "sekretess_klass" => {
                Self::Constant(plan.sekretess.as_ref().unwrap_or(&entity.sekretess_klass).clone())
            }
            "skyddad" => Self::Protected,
            "dq_flags" => Self::Flags,
            "verbatim" => Self::Verbatim,
            "src_system" => Self::Constant(plan.system.clone()),
            "src_table" => Self::Constant(plan.table.clone()),
            "src_key" => Self::Key,
            "src_row_sha256" => Self::Sha256,
            "mapping_id" => Self::Constant(plan.mapping_id.clone()),
            "mapping_version" => Self::Constant(plan.mapping_version.clone()),
            other => unreachable!("{other} is not a shared field of the model"),
        }
    }

    fn push(&self, column: &mut ColumnBuilder, values: &SharedValues<'_>, verbatim: Option<&str>) {
        let given = |text| Some(Value::Text(text)).filter(|_| !text.is_empty());
        column.push(match self {
            Self::Area => given(values.dimension.area.as_str()),
            Self::Namnd => given(values.dimension.namnd.as_str()),
            Self::NamndId => values.namnd_id.map(Value::Id),
            Self::Protected => Some(Value::Bool(values.protected)),
            Self::Flags => Some(Value::Text(values.flags)),
            Self::Verbatim => verbatim.map(Value::Text),
            Self::Key => Some(Value::Text(values.key.expose())),
            Self::Sha256 => Some(Value::Bytes(&values.sha256)),
            Self::Constant(_) => return,
        });
    }
}

/// Builds the rows of one entity.
pub(crate) struct EntityBuilder<'p> {
    entity: &'p Entity,
    columns: Vec<ColumnBuilder>,
    shared: Vec<Shared>,
    rows: usize,
}

impl<'p> EntityBuilder<'p> {
    pub(crate) fn new(plan: &Plan, entity: &'p Entity, rows: usize) -> Self {
        let columns = entity.schema().columns().iter().map(|column| ColumnBuilder::new(column.kind, rows));
        let shared = Entity::shared_fields();
        let shared = shared.iter().map(|field| Shared::new(plan, entity, &field.name));
        Self { entity, columns: columns.collect(), shared: shared.collect(), rows: 0 }
    }

    /// Adds a row: the entity's own cells, what every row of the source row ends with, and the texts of
    /// the source that this row keeps.
    pub(crate) fn push(
        &mut self,
        cells: &[Option<Cell<'_>>],
        shared: &SharedValues<'_>,
        verbatim: Option<&str>,
    ) {
        let (own, rest) = self.columns.split_at_mut(cells.len());
        for ((column, cell), field) in own.iter_mut().zip(cells).zip(&self.entity.fields) {
            column.push(cell.as_ref().map(|cell| column_value(&field.kind, cell)));
        }
        for (column, kind) in rest.iter_mut().zip(&self.shared) {
            kind.push(column, shared, verbatim);
        }
        self.rows += 1;
    }

    pub(crate) fn finish(mut self) -> (String, Batch) {
        let own = self.columns.len() - self.shared.len();
        let mut columns: Vec<_> = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        for (column, shared) in columns[own..].iter_mut().zip(&self.shared) {
            if let Shared::Constant(text) = shared {
                *column = ColumnBuilder::repeated(text, self.rows);
            }
        }
        let batch =
            Batch::new(self.entity.schema(), columns, self.rows).expect("every column got one value a row");
        (self.entity.name.clone(), batch)
    }
}

/// The cell as a value of a column of this type.
fn column_value<'c>(kind: &FieldType, cell: &'c Cell<'_>) -> Value<'c> {
    debug_assert!(matches!(cell, Cell::Id(_)) == matches!(kind, FieldType::Id | FieldType::Ref { .. }));
    match cell {
        Cell::Text(text) => Value::Text(text),
        Cell::Bytes(bytes) => Value::Bytes(bytes),
        Cell::Bool(truth) => Value::Bool(*truth),
        Cell::Int(number) => Value::Int(*number),
        Cell::Decimal(number) => Value::Decimal(*number),
        Cell::Date(days) => Value::Date(*days),
        Cell::Time(micros) => Value::Time(*micros),
        Cell::Id(id) => Value::Id(*id),
    }
}

const REJECT_COLUMNS: [&str; 11] = [
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
];

/// The columns of rejects, all text: where the row comes from and its key, what was done and why, the
/// field when one is meant, the dimension, the organisational unit on whose work list the row stands, and
/// `1` when the person that the row is about is protected, else an empty text.
#[must_use]
pub fn reject_schema() -> BatchSchema {
    BatchSchema::new(REJECT_COLUMNS.map(|name| (name.to_owned(), ColumnType::Text)))
}

/// What was done with a row or a field of it, and why.
#[derive(Clone, Copy)]
pub(crate) struct Mark<'a> {
    pub(crate) action: Action,
    pub(crate) reason: ReasonCode,
    /// The field, or empty when the whole row is meant.
    pub(crate) field: &'a str,
}

/// The row that a reject is about.
pub(crate) struct RejectPlace<'a> {
    pub(crate) key: &'a Sensitive<Cow<'a, str>>,
    pub(crate) dimension: &'a Dimension,
    pub(crate) unit: &'a str,
    pub(crate) protected: bool,
}

pub(crate) struct RejectBuilder {
    columns: Vec<ColumnBuilder>,
    rows: usize,
}

impl RejectBuilder {
    pub(crate) fn new() -> Self {
        Self { columns: REJECT_COLUMNS.map(|_| ColumnBuilder::new(ColumnType::Text, 0)).into(), rows: 0 }
    }

    /// The rejects so far.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn push(&mut self, plan: &Plan, place: &RejectPlace<'_>, mark: Mark<'_>) {
        let RejectPlace { key, dimension, unit, protected } = place;
        let values = [
            plan.system.as_str(),
            &plan.table,
            key.expose(),
            mark.action.name(),
            mark.reason.code(),
            mark.field,
            &dimension.area,
            &dimension.namnd,
            &dimension.year,
            unit,
            if *protected { "1" } else { "" },
        ];
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(Some(Value::Text(value)));
        }
        self.rows += 1;
    }

    pub(crate) fn finish(mut self) -> Batch {
        let columns = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        Batch::new(&reject_schema(), columns, self.rows).expect("every column got one value a row")
    }
}
