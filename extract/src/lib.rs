//! Reads the legacy sources and writes the staged parts.
//!
//! A [`Source`] lists its tables and gives the rows of one of them as batches, exactly as found: text
//! stays text, nothing is trimmed, typed or defaulted. [`stage_table`] writes such a table as Parquet
//! parts with a [`Manifest`] beside them, the one artefact format of the whole chain.
//!
//! Invariants:
//! - A source is only ever read: no type that reads has a way to write to one. One type writes, [`MssqlWriter`]: it
//!   exists for the way back from the new model alone, and has no interface in common with those that read.
//! - No row disappears. What cannot be read as a row is kept byte for byte beside the parts and
//!   counted, and the [`TableLedger`] adds up: read = staged + quarantined + excluded.
//! - The same source gives the same bytes, whatever the batch size, however many connections read it, and wherever
//!   the reading was cut off and gone on with.
//! - A file is either there whole or not there: it is written under another name, synced, renamed.
//! - Memory does not grow with the size of a table.
//! - No error and no ledger carries a value of a row.
//! - What a run with a key has written opens with that key and in its own place, and nowhere else.

mod access;
pub mod atomic;
mod batches;
mod charset;
mod cipher;
mod damage;
mod delimited;
mod error;
mod examine;
mod found;
mod grants;
mod hashing;
mod image;
mod intake;
mod keys;
mod ledger;
mod manifest;
mod mysql;
mod odbc;
mod pace;
mod parts;
mod postgres;
pub mod profile;
#[cfg(any(test, feature = "properties"))]
pub mod properties;
mod quoting;
mod record_seal;
mod refusal;
mod runtime;
mod selection;
mod source;
mod span;
mod sqlite;
mod stage;
mod tds;
mod trust;
mod vault;

pub use access::{Access, Locator, Manners, ServerAddress};
pub use damage::{Damage, DamageKind, DamagedColumn, damaged_columns};
pub use delimited::{
    CsvSource, MissingFiles, Share, Sniffed, SniffedFolder, delivered_files, described_tables, is_on_its_way,
    missing_files,
};
pub use error::{Error, ErrorKind};
pub use examine::{Asked, Encryption, Facts, ServerClock, ServerFacts, Unread};
pub use found::{FoundRow, FoundValue};
pub use grants::{GrantDialect, ReadingRights, TableNeed, reading_grants};
pub use hashing::RowHasher;
pub use image::{ImageTable, ImageText};
pub use keys::{
    KEY_FILE, KeyState, MasterKey, RECEIPT_FILE, Receipt, RunKey, UNKNOWN_KEY, WrappedKey, destroy_run_key,
    draw_run_key, key_state,
};
pub use ledger::{
    BROKEN_ROW, CONTROL_TOTALS, ControlNote, DUPLICATE_FILE, LineNote, MALFORMED_VALUE, SourceFile,
    TableLedger,
};
pub use manifest::{MANIFEST_FILE, Manifest};
pub use mysql::MysqlSource;
pub use odbc::OdbcSource;
pub use parts::{PartEntry, PartOptions, PartReader, PartWriter, Written, read_part, read_parts};
pub use postgres::PostgresSource;
pub use quoting::{in_backticks, in_quotes};
pub use record_seal::RecordSeal;
pub use selection::rows_behind;
pub use source::{Consistency, Source, SourceColumn, TableReader, TableSchema, UnreadableRow};
pub use span::{AtLeast, Batching, Mark, RowMarks, Span};
pub use sqlite::SqliteSource;
pub use stage::{
    StageRequest, Staged, StagedBefore, adopt_table, file_safe, stage_table, stage_table_beside,
    stage_table_by, table_dir, unreadable_schema,
};
pub use tds::{
    ChangedRow, DatabaseLife, GivenRow, KeyedRow, LastChange, MssqlChanges, MssqlSource, MssqlWriter,
    MssqlWriting, TrackedChanges, TrackedChunk, TrackedTable, TrackingSetup, TrackingState, WriteOutcome,
    tracking_setup,
};
pub use vault::Vault;
