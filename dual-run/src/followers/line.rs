//! A connection to a follower, whatever database it is.

use bron_load::Dialect;
use bron_mappings::SourceKey;
use bron_transform::SourceText;

use super::applying::Tried;
use super::control::FIND_APPLIED;
use super::rows::{Rows, read};
use super::table::{Described, Tables};
use crate::change::{Image, Stream};
use crate::error::Result;
use crate::follower::{ApplyWork, Met};

/// A value on its way to a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Whole(i64),
    /// A list of texts, for databases that have lists.
    Texts(Vec<Option<String>>),
    /// A list of bytes.
    Blobs(Vec<Vec<u8>>),
    /// A list of numbers.
    Wholes(Vec<i64>),
}

impl Bound {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

/// What the driver answers.
pub(super) type Answered<T> = std::result::Result<T, sqlx::Error>;

/// One row, in the order of the columns that were asked for.
pub(super) type Values = Vec<Option<SourceText>>;

/// One connection.
pub(super) trait Line: Sized {
    /// Where the database is.
    type Address: Clone;
    /// How it wants to be spoken to.
    const DIALECT: Dialect;

    /// Makes a connection.
    async fn connect(address: &Self::Address) -> Result<Self>;

    /// Runs a statement; gives the number of rows that it wrote.
    async fn execute(&mut self, sql: &str, values: Vec<Bound>) -> Answered<u64>;

    /// Runs a query.
    async fn fetch(&mut self, sql: &str, values: Vec<Bound>) -> Answered<Vec<Values>>;

    /// Runs statements without parameters.
    async fn script(&mut self, sql: &'static str) -> Answered<()>;

    /// The columns of a table, in order; none when there is no such table.
    async fn columns(&mut self, table: &str) -> Answered<Vec<Described>>;

    /// Begins the transaction of a cut. `careful` has every constraint checked by the statement that breaks it.
    async fn begin(&mut self, careful: bool) -> Answered<()>;

    /// The ledger's entries of rows of the owner: target, version and content, in the order of the causes.
    async fn entries(&mut self, stream: &Stream, causes: &[SourceKey]) -> Answered<Vec<Vec<Values>>> {
        let mut all = Vec::with_capacity(causes.len());
        for cause in causes {
            let values = vec![
                Bound::text(&stream.source),
                Bound::text(stream.from.name()),
                Bound::Bytes(Some(cause.as_bytes().to_vec())),
            ];
            all.push(self.fetch(FIND_APPLIED, values).await?);
        }
        Ok(all)
    }

    /// Rows as they are, in the order of the keys.
    async fn rows(&mut self, tables: &Tables, keys: &[SourceKey]) -> Tried<Vec<Option<Image>>> {
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            all.push(read(self, tables.of(key)?, key, false).await?.into_iter().next());
        }
        Ok(all)
    }

    /// Writes the rows of a cut by sets, and notes them and what is settled in the ledger; `None`, with nothing done,
    /// when they are to be written one by one.
    async fn write_sets(_rows: &mut Rows<'_, Self>, _work: &ApplyWork) -> Tried<Option<Vec<Met>>> {
        Ok(None)
    }

    /// Marks all that follows in the transaction as made by the bridge under a cut; `None` takes the mark away.
    async fn mark(&mut self, cut: Option<&str>) -> Answered<()>;
}

/// The number that a value is.
pub(super) fn whole(value: Option<&SourceText>) -> i64 {
    match value {
        Some(SourceText::Text(text)) => text.parse().unwrap_or(0),
        Some(SourceText::Bytes(_)) | None => 0,
    }
}

/// The text that a value is.
pub(super) fn text(value: Option<&SourceText>) -> &str {
    match value {
        Some(SourceText::Text(text)) => text,
        Some(SourceText::Bytes(_)) | None => "",
    }
}

/// The bytes that a value is.
pub(super) fn bytes(value: Option<&SourceText>) -> Option<&[u8]> {
    match value {
        Some(SourceText::Bytes(bytes)) => Some(bytes),
        Some(SourceText::Text(text)) => Some(text.as_bytes()),
        None => None,
    }
}
