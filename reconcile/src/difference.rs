//! What an auditor reads before a change of the mapping files is approved: every difference in meaning,
//! what it does to rows, and the text. The caller compares; here it becomes one document, as JSON and as
//! one page of HTML without scripts.
//!
//! Everything is plain data, so that this crate knows neither how mappings are compared nor how rows are
//! made. Counts that could point at a person are hidden before they come into these structs: see
//! [`counts`].

mod count;
mod page;
#[cfg(test)]
mod tests;
mod text;

use serde::Serialize;

pub use count::{Count, counts};
pub use page::html;
pub use text::{FileText, Hunk, Line, LineKind, Piece, files, words};

/// The whole comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The earlier version.
    pub before: Side,
    /// The later version.
    pub after: Side,
    /// Every difference in meaning, the gravest first.
    pub entries: Vec<Entry>,
    /// What the differences do to rows, where that was asked for.
    pub effect: Option<Effect>,
    /// The files whose text differs.
    pub texts: Vec<FileText>,
}

/// One version of the mapping files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// As the caller named it: a directory, or a revision and a path.
    pub name: String,
    /// The full id of the revision, for files that were read from a history.
    pub revision: Option<String>,
    /// The digest of all files with the version of the function registry: what a run names as its mapping.
    pub digest: String,
    /// The number of files.
    pub files: usize,
}

/// A name in documents and its Swedish word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The name in documents.
    pub name: &'static str,
    /// The word for people.
    pub label: &'static str,
}

/// One difference in meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number in this comparison, counted from 1.
    pub number: usize,
    /// What it can do harm to.
    pub risk: Named,
    /// Which part of the files it is in.
    pub kind: Named,
    /// Whether it was added, removed or changed.
    pub act: Named,
    /// The mapping, list, entity, system or control that it is about.
    pub place: String,
    /// The key of the part that changed; empty for all of it.
    pub aspect: &'static str,
    /// In one Swedish line.
    pub sv: String,
    /// In one English line.
    pub en: String,
    /// What it may be instead, in Swedish and English.
    pub hint: Option<(String, String)>,
    /// What the earlier version says.
    pub before: Option<Excerpt>,
    /// What the later version says.
    pub after: Option<Excerpt>,
    /// Mappings that a change of the model leaves without their field.
    pub orphans: Vec<String>,
    /// What it does to rows, where that was asked for and could be counted.
    pub effect: Option<EntryEffect>,
}

/// What one version says, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// The file.
    pub file: String,
    /// The line, where it is known.
    pub line: Option<usize>,
    /// The statement, in the mapping language.
    pub text: String,
}

/// What one difference does to rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EntryEffect {
    /// Source rows for which something differs because of it.
    pub source_rows: u64,
    /// Target rows.
    #[serde(flatten)]
    pub moves: Moves,
    /// Fields of target rows.
    pub fields: u64,
}

/// Target rows that differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Moves {
    /// Rows that come.
    pub appear: u64,
    /// Rows that go.
    pub disappear: u64,
    /// Rows with another value in some field.
    pub change: u64,
}

/// What the differences do to the rows of one extraction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// The run whose staged rows were mapped.
    pub run: String,
    /// The day on which the sources were read; may be empty.
    pub as_of: String,
    /// By source table, those first where something differs.
    pub tables: Vec<TableEffect>,
    /// Tables whose rows could not be mapped by one of the versions, each with the reason.
    pub not_measured: Vec<NotMeasured>,
    /// Target rows by area and nämnd, small counts hidden.
    pub places: Vec<PlaceEffect>,
    /// What no difference explains.
    pub unexplained: EntryEffect,
}

/// A table whose effect is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotMeasured {
    /// `system/TABLE`.
    pub mapping: String,
    /// Why.
    pub reason: String,
}

/// What differs in the rows of one source table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableEffect {
    /// `system/TABLE`.
    pub mapping: String,
    /// Rows that were mapped by both versions.
    pub source_rows: u64,
    /// Rows for which something differs.
    pub touched: u64,
    /// Source rows of which something else becomes.
    pub fates: Vec<FateEffect>,
    /// By entity of the model.
    pub entities: Vec<EntityEffect>,
}

/// Source rows of which something else becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FateEffect {
    /// What became of them: `loaded`, `quarantine D24`, `no mapping` and so on.
    pub before: String,
    /// What becomes of them.
    pub after: String,
    /// The same in Swedish.
    pub sv: (String, String),
    /// How many.
    pub rows: u64,
}

/// What differs in the rows of one entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EntityEffect {
    /// The entity.
    pub entity: String,
    /// Its name in Swedish.
    pub label: String,
    /// Rows that differ.
    #[serde(flatten)]
    pub moves: Moves,
    /// Rows that are alike.
    pub unchanged: u64,
    /// The fields that differ.
    pub fields: Vec<FieldEffect>,
    /// Some of the rows that come and go.
    pub examples: Vec<RowExample>,
}

/// What differs in one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldEffect {
    /// The field.
    pub field: String,
    /// Its name in Swedish.
    pub label: String,
    /// Whether its values describe a person, so that none is shown.
    pub protected: bool,
    /// Rows where it differs.
    pub changed: u64,
    /// The most usual pairs of old and new values; empty when the values are many or protected.
    pub values: Vec<ValueCount>,
    /// Rows with other pairs than those.
    pub other_values: Count,
    /// For amounts and durations: the sums of the rows that differ, with their unit.
    pub sums: Option<Sums>,
    /// Some of the rows.
    pub examples: Vec<FieldExample>,
}

/// How often one value became another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValueCount {
    /// The old value; null for none.
    pub before: Option<String>,
    /// The new value; null for none.
    pub after: Option<String>,
    /// In how many rows.
    pub rows: Count,
}

/// Sums before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// `ore` or `minutes`.
    pub unit: &'static str,
    /// Over the rows that differ, in the earlier version.
    pub before: i64,
    /// Over the same rows, in the later version.
    pub after: i64,
}

/// One row as an example of a field. A key that can name a person is a pseudonym.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldExample {
    /// The key of the source record, or its pseudonym.
    pub key: String,
    /// The old value; null for none.
    pub before: Value,
    /// The new value; null for none.
    pub after: Value,
}

/// A value of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// None.
    Empty,
    /// As it is.
    Plain(String),
    /// There is one, and it describes a person.
    Masked,
}

/// What stands for a value that describes a person.
pub(crate) const MASK: &str = "•••";

impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_none(),
            Self::Plain(text) => serializer.serialize_str(text),
            Self::Masked => serializer.serialize_str(MASK),
        }
    }
}

/// One target row that comes or goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowExample {
    /// The key of the source record, or its pseudonym.
    pub key: String,
    /// Whether it comes; otherwise it goes.
    pub appears: bool,
    /// What became of the source row, in Swedish.
    pub before: String,
    /// What becomes of it, in Swedish.
    pub after: String,
}

/// Target rows of one area and nämnd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceEffect {
    /// The area's code; empty where the rows have none.
    pub area: String,
    /// The nämnd's code; empty where the rows have none.
    pub namnd: String,
    /// Rows that come.
    pub appear: Count,
    /// Rows that go.
    pub disappear: Count,
    /// Rows with another value in some field.
    pub change: Count,
}
