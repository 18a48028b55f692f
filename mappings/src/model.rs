//! The information model as data: entities, fields, references, protection.

mod parse;
mod validity;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::batch::{BatchSchema, ColumnType};
use crate::diagnostic::Span;

pub use validity::Validity;

/// How carefully a value has to be handled when it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProtectionClass {
    /// Says nothing about a person: a code, an organisation, a sum.
    Open,
    /// Identifies or describes a person.
    Personal,
    /// Sensitive by law: health, social circumstances, protected addresses, free text about a person.
    Secret,
}

impl ProtectionClass {
    /// Every class with its name in model files.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("oppen", Self::Open), ("person", Self::Personal), ("kanslig", Self::Secret)];
}

/// The type of a field of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// The entity's own id.
    Id,
    /// The id of a row of another entity.
    Ref {
        /// The entity that is referred to.
        entity: String,
    },
    /// Free text.
    Text,
    /// A code of the new model.
    Code,
    /// A calendar date.
    Date,
    /// A local wall time, to the microsecond.
    Time,
    /// A whole number.
    Int,
    /// An amount in öre.
    Ore,
    /// A duration in minutes.
    Minutes,
    /// True or false.
    Bool,
    /// Bytes, never altered.
    Bytes,
    /// An exact decimal number.
    Decimal {
        /// Digits after the decimal point.
        scale: i8,
    },
}

impl FieldType {
    /// The column type that carries the field.
    #[must_use]
    pub const fn column(&self) -> ColumnType {
        match self {
            Self::Id | Self::Ref { .. } => ColumnType::Id,
            Self::Text | Self::Code => ColumnType::Text,
            Self::Date => ColumnType::Date,
            Self::Time => ColumnType::Time,
            Self::Int | Self::Ore | Self::Minutes => ColumnType::Int,
            Self::Bool => ColumnType::Bool,
            Self::Bytes => ColumnType::Bytes,
            Self::Decimal { scale } => ColumnType::Decimal { scale: *scale },
        }
    }

    /// The name in model files.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Ref { .. } => "ref",
            Self::Text => "text",
            Self::Code => "code",
            Self::Date => "date",
            Self::Time => "time",
            Self::Int => "int",
            Self::Ore => "ore",
            Self::Minutes => "minutes",
            Self::Bool => "bool",
            Self::Bytes => "bytes",
            Self::Decimal { .. } => "decimal",
        }
    }
}

/// One field of an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name, also the column's name in the target.
    pub name: String,
    /// The type.
    pub kind: FieldType,
    /// Whether every row must have a value.
    pub required: bool,
    /// The name in Swedish, for people.
    pub label: String,
    /// What the field means, in Swedish.
    pub about: String,
    /// How carefully the value has to be handled.
    pub protection: ProtectionClass,
}

/// One entity: a table of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// The name, also the table's name in the target.
    pub name: String,
    /// The name in Swedish, for people.
    pub label: String,
    /// What one row stands for, in Swedish.
    pub about: String,
    /// The rule by which rows are kept and removed, by name.
    pub retention: String,
    /// The secrecy class every row carries as `sekretess_klass`.
    pub sekretess_klass: String,
    /// Which fields say when a row holds and when it was known; `None` for an entity that states no period.
    pub validity: Option<Validity>,
    /// The date and time fields that say when something happened in a personal file; none when rows are no
    /// events of one.
    pub event: Vec<String>,
    /// The reference by which a row belongs to a personal file: to the file itself, or to a row of an entity
    /// that has such a reference; `None` when rows belong to no file.
    pub akt: Option<String>,
    /// The fields: `id`, then the entity's own, then the shared ones (see [`Entity::shared_fields`]).
    pub fields: Vec<Field>,
    pub(crate) schema: BatchSchema,
    /// The file and the place in it.
    pub(crate) file: String,
    pub(crate) span: Span,
}

impl Entity {
    /// The fields that every entity ends with: who was responsible, which secrecy, whether the person is
    /// protected, which quality marks, what was written in the source where that differs, and where the row
    /// comes from.
    ///
    /// `skyddad` is true when any record of the human that the row is about, in any source system, has a
    /// mark of protection; false also when no person is known.
    /// `src_row_sha256` is the SHA-256 of the source row as extracted; `verbatim` is a JSON object from
    /// field name to the source's text, for each field whose rule normalised, repaired or could not read it.
    #[must_use]
    pub fn shared_fields() -> Vec<Field> {
        SHARED_FIELDS.iter().map(SharedField::field).collect()
    }

    /// The columns of a batch of this entity, in the order of [`Entity::fields`].
    #[must_use]
    pub const fn schema(&self) -> &BatchSchema {
        &self.schema
    }

    /// The entity that a reference field refers to; `None` for another field.
    #[must_use]
    pub fn referred(&self, field: &str) -> Option<&str> {
        match &self.field(field)?.kind {
            FieldType::Ref { entity } => Some(entity),
            FieldType::Id
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
        }
    }

    /// The field with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// One row of the table of shared fields.
struct SharedField {
    name: &'static str,
    kind: FieldType,
    required: bool,
    label: &'static str,
    about: &'static str,
    protection: ProtectionClass,
}

impl SharedField {
    const fn new(name: &'static str, kind: FieldType, label: &'static str, about: &'static str) -> Self {
        Self { name, kind, required: false, label, about, protection: ProtectionClass::Open }
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn protected(mut self, class: ProtectionClass) -> Self {
        self.protection = class;
        self
    }

    fn field(&self) -> Field {
        Field {
            name: self.name.to_owned(),
            kind: self.kind.clone(),
            required: self.required,
            label: self.label.to_owned(),
            about: self.about.to_owned(),
            protection: self.protection,
        }
    }
}

/// `namnd_id` refers to this entity.
const ORGANISATION: &str = "organisation";

static SHARED_FIELDS: LazyLock<[SharedField; 13]> = LazyLock::new(|| {
    use FieldType::{Bool, Bytes, Code, Text};
    use ProtectionClass::{Personal, Secret};
    let organisation = FieldType::Ref { entity: ORGANISATION.to_owned() };
    [
        SharedField::new("verksamhetsomrade", Code, "Verksamhetsområde", "Området som raden hör till"),
        SharedField::new("namnd", Code, "Nämnd", "Koden för den nämnd som ansvarade då"),
        SharedField::new("namnd_id", organisation, "Nämnd (id)", "Nämnden som organisation"),
        SharedField::new("sekretess_klass", Code, "Sekretess", "Sekretessbestämmelsen som gäller").required(),
        SharedField::new("skyddad", Bool, "Skyddad", "Någon källa skyddar personen som raden gäller")
            .required()
            .protected(Secret),
        SharedField::new("dq_flags", Text, "Kvalitetsmärken", "Regler som raden bryter mot").required(),
        SharedField::new("verbatim", Text, "Ordagrant", "Källans text där den tolkats").protected(Secret),
        SharedField::new("src_system", Code, "Källsystem", "Systemet som raden kommer från").required(),
        SharedField::new("src_table", Code, "Källtabell", "Tabellen som raden kommer från").required(),
        SharedField::new("src_key", Text, "Källnyckel", "Nyckeln i källan").required().protected(Personal),
        SharedField::new("src_row_sha256", Bytes, "Kontrollsumma", "SHA-256 av raden som den lästes")
            .required()
            .protected(Secret),
        SharedField::new("mapping_id", Code, "Mappning", "Mappningen som skapade raden").required(),
        SharedField::new("mapping_version", Code, "Mappningsversion", "Mappningens version").required(),
    ]
});

/// Where the organisations that answer for a row come from: the source table whose key is the code in
/// a row's `namnd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponsibleBody {
    /// The entity of the model that holds organisations.
    pub entity: String,
    /// The source system.
    pub system: String,
    /// The source table.
    pub table: String,
}

/// The information model: every entity by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// The entities by name.
    pub entities: BTreeMap<String, Entity>,
    /// Where organisations come from; without it `namnd_id` stays empty.
    pub responsible_body: Option<ResponsibleBody>,
}

impl Model {
    /// The entity with this name.
    #[must_use]
    pub fn entity(&self, name: &str) -> Option<&Entity> {
        self.entities.get(name)
    }
}
