//! What happened to a row: the unit that is captured, journaled and applied.

use std::collections::BTreeMap;
use std::fmt;

use bron_mappings::{Digest, DigestBuilder, SourceKey};
use bron_transform::{SourceText, SourceTexts};

use crate::capture::{Incarnation, Position};
use crate::ownership::Owner;

/// Orders the states of a row: of two, the one with the higher version is the later. Total within one
/// [`Incarnation`] of a source, and given by the database that the change was committed in, never by a clock.
///
/// `major` orders transactions (the version of change tracking, the `xid8` of PostgreSQL, the sequence of a log);
/// `minor` orders within one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The place among transactions.
    pub major: u64,
    /// The place within the transaction.
    pub minor: u64,
}

/// The system name that keys of the new model carry, where those of a legacy row carry the system.
pub const MODEL_SYSTEM: &str = "bron-model";

/// One row as text and bytes by column; a column that is not there is NULL. Holds personal data: it is never printed.
///
/// A legacy row has its columns as extraction finds them. A row of the new model has the fields of its entity, each
/// as the text that the target's own capture gives (dates as ISO 8601, booleans as `true`/`false`, ids as lower-case
/// UUID, numbers in plain decimal).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Image(SourceTexts);

impl Image {
    /// A row of these columns.
    #[must_use]
    pub fn new(columns: SourceTexts) -> Self {
        Self(columns)
    }

    /// The columns that are not NULL.
    #[must_use]
    pub const fn columns(&self) -> &SourceTexts {
        &self.0
    }

    /// The columns, given away.
    #[must_use]
    pub fn into_columns(self) -> SourceTexts {
        self.0
    }

    /// The digest of the content: the same for the same columns and values, whatever order they came in. It tells two
    /// states of a row apart and must not leave the databases and the journal: a short text can be guessed from it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut builder = DigestBuilder::new("dual-run image 1");
        for (column, value) in &self.0 {
            builder.part(column.as_bytes());
            match value {
                SourceText::Text(text) => builder.part(b"t").part(text.as_bytes()),
                SourceText::Bytes(bytes) => builder.part(b"b").part(bytes),
            };
        }
        builder.finish()
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({} columns)", self.0.len())
    }
}

/// Who made a change, as far as the source can tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Nothing says that the bridge made it.
    #[default]
    None,
    /// It carries the mark of the bridge and the cut it was applied under. A mark alone proves nothing: it may have
    /// leaked, or hide a person's edit that came before it; see [`crate::Change::mark`].
    Bridge(String),
}

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The row: system and table as its source names them, [`MODEL_SYSTEM`] and entity for a row of the new model.
    pub key: SourceKey,
    /// The state's place in the order.
    pub version: Version,
    /// The row as it is after the change; `None` when it is gone.
    pub after: Option<Image>,
    /// The row as it was, where the source tells ([`crate::Guarantee::before_image`]).
    pub before: Option<Image>,
    /// Whether it carries the mark of the bridge. The mark is one of three layers against loops: direction, mark and
    /// content; no layer is trusted alone.
    pub mark: Mark,
}

/// One way that changes travel: from the owner of a source to the other world.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream {
    /// The source that is captured, by the name that the settings give it: `paraply`, or `model`.
    pub source: String,
    /// Where the changes are made: those of the legacy systems travel forward, those of the new model back.
    pub from: Owner,
}

/// Everything that a poll found: consistent over all tables of the source, never split when applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The way it travels.
    pub stream: Stream,
    /// The life of the source that the versions belong to.
    pub incarnation: Incarnation,
    /// Where the poll began.
    pub from: Position,
    /// Where the next one begins. Advances also when nothing changed.
    pub next: Position,
    /// Every change up to here is in this cut or an earlier one.
    pub complete_through: Version,
    /// The digest of the schema of the tables at the time.
    pub schema: Digest,
    /// The changes, in the order of their versions; within one version parents come before children.
    pub changes: Vec<Change>,
}

/// The place of a cut in the journal, from 1, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CutId(pub u64);

/// Rows of one table that were read as they stood at a version: what a seed is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The version that the rows are valid at.
    pub at: Version,
    /// The rows, in the order of their keys.
    pub rows: BTreeMap<SourceKey, Image>,
    /// Whether rows follow.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_tells_text_from_bytes_and_null_from_nothing_written() {
        let of = |column: &str, value: SourceText| {
            Image::new(SourceTexts::from([(column.to_owned(), value)])).digest()
        };
        let text = of("NAMN", SourceText::Text("a".to_owned()));
        assert_ne!(text, of("NAMN", SourceText::Bytes(b"a".to_vec())));
        assert_ne!(of("NAMN", SourceText::Text(String::new())), Image::default().digest());
        assert_eq!(text, of("NAMN", SourceText::Text("a".to_owned())));
    }

    #[test]
    fn an_image_does_not_print_what_it_holds() {
        let image =
            Image::new(SourceTexts::from([("NAMN".to_owned(), SourceText::Text("Hemlig".to_owned()))]));
        assert_eq!(format!("{image:?}"), "Image(1 columns)");
    }
}
