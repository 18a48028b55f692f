//! Reads the legacy sources and writes the staged parts.
//!
//! A [`Source`] lists its tables and gives the rows of one of them as batches, exactly as found: text
//! stays text, nothing is trimmed, typed or defaulted. [`stage_table`] writes such a table as Parquet
//! parts with a [`Manifest`] beside them, the one artefact format of the whole chain.
//!
//! Invariants:
//! - A source is only ever read: no type here has a way to write to one.
//! - No row disappears. What cannot be read as a row is kept byte for byte beside the parts and
//!   counted, and the [`TableLedger`] adds up: read = staged + quarantined + excluded.
//! - The same source gives the same bytes, whatever the batch size, however many connections read it, and wherever
//!   the reading was cut off and gone on with.
//! - A file is either there whole or not there: it is written under another name, synced, renamed.
//! - Memory does not grow with the size of a table.
//! - No error and no ledger carries a value of a row.

mod access;
pub mod atomic;
mod batches;
mod charset;
mod delimited;
mod error;
mod found;
mod hashing;
mod intake;
mod ledger;
mod manifest;
mod mysql;
mod odbc;
mod pace;
mod parts;
mod postgres;
pub mod profile;
mod refusal;
mod runtime;
mod selection;
mod source;
mod span;
mod sqlite;
mod stage;
mod tds;

pub use access::{Access, Locator, Manners, ServerAddress};
pub use delimited::{
    CsvSource, MissingFiles, Share, Sniffed, SniffedFolder, described_tables, missing_files,
};
pub use error::{Error, ErrorKind};
pub use ledger::{BROKEN_ROW, DUPLICATE_FILE, LineNote, MALFORMED_VALUE, SourceFile, TableLedger};
pub use manifest::{MANIFEST_FILE, Manifest};
pub use mysql::MysqlSource;
pub use odbc::OdbcSource;
pub use parts::{PartEntry, PartOptions, PartReader, PartWriter, Written, read_part, read_parts};
pub use postgres::PostgresSource;
pub use source::{Consistency, Source, SourceColumn, TableReader, TableSchema, UnreadableRow};
pub use span::{Batching, Mark, RowMarks, Span};
pub use sqlite::SqliteSource;
pub use stage::{
    StageRequest, Staged, adopt_table, file_safe, stage_table, stage_table_beside, stage_table_by, table_dir,
    unreadable_schema,
};
pub use tds::MssqlSource;
