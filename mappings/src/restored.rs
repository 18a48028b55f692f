//! What a row of the target says about the source row that it was made from.
//!
//! This is the seam of the round trip: the way back says it, and the reconciliation holds it against the source row
//! as it was staged, by code of its own.

use crate::entity_id::EntityId;

/// How a text that follows from a value tells the text from which the value was read: what is lost on the way there
/// and may therefore differ, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TextForm {
    /// Nothing is lost: byte for byte, and NULL is not an empty text.
    Copy,
    /// NULL and an empty text are one; else byte for byte.
    Text,
    /// A number: lost are zeros at either end and whether the decimal mark is a point or a comma.
    Number,
    /// An amount: as a number; lost are also the marks between thousands, the unit and the place of the minus.
    Amount,
    /// A day: lost are the hyphens and a time of day written with it.
    Day,
    /// A month: lost is the hyphen.
    Month,
    /// A day and a time: lost are what stands between the two, seconds that are noughts, and trailing zeros of parts
    /// of a second.
    Moment,
    /// A number of a person or an organisation: lost are everything but letters and digits, and whether two digits
    /// of the century stood before it.
    Identifier,
}

/// What kind of thing is said about the columns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestoredForm {
    /// A text of one column.
    Text(TextForm),
    /// The bytes of one column.
    Bytes,
    /// Which record the texts of the columns name, in their order, as a row of this entity.
    Record {
        /// The entity.
        entity: String,
        /// The source system of the record.
        system: String,
        /// The source table of the record.
        table: String,
        /// What tells rows of the entity apart that come from one record.
        part: Option<String>,
    },
}

/// A field from which columns of the source row are put back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RestoredField {
    /// The entity.
    pub entity: String,
    /// The field.
    pub field: String,
    /// The columns of the source table, those of a record in the order of its key.
    pub columns: Vec<String>,
    /// What kind of thing is said.
    pub form: RestoredForm,
}

/// What the value of one field says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Restored {
    /// Nothing: the value does not tell the text, or only rows that are not like this one have it.
    Untold,
    /// The columns are empty.
    Empty,
    /// The column holds exactly this text, which the row keeps beside the value.
    Kept(String),
    /// The column holds one of these texts.
    OneOf {
        /// The texts, at least one unless it may be empty.
        texts: Vec<String>,
        /// Whether the column may be empty instead.
        or_empty: bool,
    },
    /// The column holds these bytes, a column of text their text in UTF-8.
    Bytes(Vec<u8>),
    /// The columns name the record whose row has this id.
    Record(EntityId),
    /// No text reads as the value, so no source row can have said it.
    Impossible,
}
