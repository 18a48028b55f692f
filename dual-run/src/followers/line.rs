//! A connection to a follower, whatever database it is.

use bron_load::Dialect;
use bron_transform::SourceText;

use super::table::Described;
use crate::error::Result;

/// A value on its way to a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Whole(i64),
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
