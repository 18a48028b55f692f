//! What a comparison finds.

use bron_mappings::{Batch, BatchSchema, Digest, DigestBuilder, EntityId, Sensitive, UNREADABLE};

use super::cursor::{Cursor, RowId};
use crate::round_trip::PutBack;

/// What stands before the place of a row that has no id.
const PLACE: &str = "rad ";

/// What kind of difference a finding is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// The source says that there should be a row; the target has none.
    Missing,
    /// The target has a row that nothing in the source explains.
    Unexpected,
    /// Both have the row and these fields differ, in the order of the model.
    Differs {
        /// The names of the fields.
        fields: Vec<String>,
    },
    /// The source gives more than one row with this id.
    Repeated,
    /// The stored id of a row of the target is none.
    Nameless {
        /// The row's place, from 1, in the order in which the target gives the entity's rows.
        place: u64,
    },
    /// The row refers to rows that are not there and that nothing explains.
    Dangling {
        /// The names of the fields.
        fields: Vec<String>,
    },
    /// Put back, the row tells something else than its source row says.
    NotRestored {
        /// The names of the columns of the source row, ordered.
        columns: Vec<String>,
    },
}

impl FindingKind {
    /// The name of the kind in files, and part of every finding's id.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unexpected => "unexpected",
            Self::Differs { .. } => "differs",
            Self::Repeated => "repeated",
            Self::Nameless { .. } => "nameless",
            Self::Dangling { .. } => "dangling",
            Self::NotRestored { .. } => "not_restored",
        }
    }

    /// The name of the kind in Swedish.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Missing => "Saknas i målet",
            Self::Unexpected => "Finns bara i målet",
            Self::Differs { .. } => "Skiljer i innehåll",
            Self::Repeated => "Upprepad i källan",
            Self::Nameless { .. } => "Har inget giltigt id",
            Self::Dangling { .. } => "Hänvisar till rad som saknas",
            Self::NotRestored { .. } => "Ger inte tillbaka källans uppgift",
        }
    }

    /// The kind with this name, from the fields and the name of the row as [`Finding::row_name`] gives it; `None` for
    /// what is no kind.
    #[must_use]
    pub fn parse(code: &str, fields: Vec<String>, row_name: &str) -> Option<Self> {
        Some(match code {
            "missing" => Self::Missing,
            "unexpected" => Self::Unexpected,
            "differs" => Self::Differs { fields },
            "repeated" => Self::Repeated,
            "nameless" => Self::Nameless { place: row_name.strip_prefix(PLACE)?.parse().ok()? },
            "dangling" => Self::Dangling { fields },
            "not_restored" => Self::NotRestored { columns: fields },
            _ => return None,
        })
    }

    /// The fields that differ or refer to nothing, or the columns that are not given back; none for the other kinds.
    #[must_use]
    pub fn fields(&self) -> &[String] {
        match self {
            Self::Differs { fields } | Self::Dangling { fields } | Self::NotRestored { columns: fields } => {
                fields
            }
            Self::Missing | Self::Unexpected | Self::Repeated | Self::Nameless { .. } => &[],
        }
    }
}

/// One row that is not as it should be. The same fault has the same [`Finding::id`] in every run, so that
/// runs can be told apart by what is new, what is gone and what remains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The digest over entity, row id, kind and fields; further rows of the same id and kind count too.
    pub id: Digest,
    /// What is wrong.
    pub kind: FindingKind,
    /// The entity of the information model.
    pub entity: String,
    /// The row's id; noughts when the row has none.
    pub entity_id: EntityId,
    /// The source system behind the row.
    pub src_system: String,
    /// The source table behind the row.
    pub src_table: String,
    /// The row's key in the source; may be personal data.
    pub src_key: Sensitive<String>,
    /// The mapping that made, or should have made, the row.
    pub rule: String,
}

impl Finding {
    /// A row of the batch, which has been read back with its id, whose fields refer to nothing.
    #[must_use]
    pub fn dangling(entity: &str, batch: &Batch, row: usize, fields: Vec<String>) -> Self {
        let id = batch.cells_named("id").and_then(|ids| ids.id(row)).unwrap_or_default();
        let kind = FindingKind::Dangling { fields };
        Self::of(entity, digest(entity, id, &kind, 0), (kind, id), batch, row)
    }

    /// A row of the target that does not give back what the record with this key says in these columns.
    #[must_use]
    pub fn not_restored(
        table: &PutBack<'_>,
        key: &str,
        (entity, id): (&str, EntityId),
        columns: Vec<String>,
    ) -> Self {
        let kind = FindingKind::NotRestored { columns };
        Self {
            id: digest(entity, *id.as_bytes(), &kind, 0),
            entity: entity.to_owned(),
            entity_id: id,
            src_system: table.system.to_owned(),
            src_table: table.table.to_owned(),
            src_key: Sensitive::new(key.to_owned()),
            rule: table.mapping.to_owned(),
            kind,
        }
    }

    /// How people name the row: its id, or its place when it has none.
    #[must_use]
    pub fn row_name(&self) -> String {
        match self.kind {
            FindingKind::Nameless { place } => format!("{PLACE}{place}"),
            FindingKind::Missing
            | FindingKind::Unexpected
            | FindingKind::Differs { .. }
            | FindingKind::Repeated
            | FindingKind::Dangling { .. }
            | FindingKind::NotRestored { .. } => self.entity_id.to_string(),
        }
    }

    fn of(entity: &str, id: Digest, (kind, row_id): (FindingKind, RowId), batch: &Batch, row: usize) -> Self {
        let text = |name: &str| {
            let cells = batch.cells_named(name);
            cells.and_then(|cells| cells.text(row)).unwrap_or_default().to_owned()
        };
        Self {
            id,
            entity: entity.to_owned(),
            entity_id: EntityId::from_bytes(row_id),
            src_system: text("src_system"),
            src_table: text("src_table"),
            src_key: Sensitive::new(text("src_key")),
            rule: text("mapping_id"),
            kind,
        }
    }
}

fn digest(entity: &str, row_id: RowId, kind: &FindingKind, times: u64) -> Digest {
    let mut digest = DigestBuilder::new("bron/finding/1");
    digest.part(entity.as_bytes()).part(&row_id).part(kind.code().as_bytes());
    for field in kind.fields() {
        digest.part(field.as_bytes());
    }
    if let FindingKind::Nameless { place } = kind {
        digest.part(&place.to_be_bytes());
    }
    if times > 0 {
        digest.part(&times.to_be_bytes());
    }
    digest.finish()
}

/// Makes findings and hands them on.
pub(super) struct Recorder<'a> {
    entity: &'a str,
    schema: &'a BatchSchema,
    sink: &'a mut dyn FnMut(Finding, Option<Digest>),
    before: Option<(RowId, &'static str)>,
    times: u64,
}

impl<'a> Recorder<'a> {
    pub(super) const fn new(
        entity: &'a str,
        schema: &'a BatchSchema,
        sink: &'a mut dyn FnMut(Finding, Option<Digest>),
    ) -> Self {
        Self { entity, schema, sink, before: None, times: 0 }
    }

    pub(super) fn field_name(&self, column: usize) -> String {
        self.schema.columns().get(column).map_or_else(|| UNREADABLE.to_owned(), |column| column.name.clone())
    }

    /// Reports a row of the batch that the cursor holds.
    pub(super) fn record(&mut self, kind: FindingKind, at: &Cursor<'_>, row: usize, seen: Option<Digest>) {
        let row_id = at.id_at(row).expect("a finding is about a row of the batch");
        let batch = at.batch().expect("a finding is about a row of the batch");
        self.report((kind, seen), row_id, batch, row);
    }

    /// Reports a row of a batch by this id, with what the target held.
    pub(super) fn report(
        &mut self,
        (kind, seen): (FindingKind, Option<Digest>),
        row_id: RowId,
        batch: &Batch,
        row: usize,
    ) {
        let now = (row_id, kind.code());
        self.times = if self.before == Some(now) { self.times + 1 } else { 0 };
        self.before = Some(now);
        let id = digest(self.entity, row_id, &kind, self.times);
        (self.sink)(Finding::of(self.entity, id, (kind, row_id), batch, row), seen);
    }
}
