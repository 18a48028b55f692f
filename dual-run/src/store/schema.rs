//! The tables, and how they came to be what they are: one list of statements for every format.

use std::fmt::Display;

use bron_mappings::Artefact;
use sqlx::AssertSqlSafe;

use super::connection::{Connection, Row, values};
use crate::error::{Error, ErrorKind, Result};

/// What makes each format of the one before, from nothing to the newest. Written for SQLite; see [`spoken`].
pub(super) const FORMATS: [&[&str]; 1] = [&[
    // The format of the tables, the name of the store, its wrapped key.
    "CREATE TABLE bridge_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    // How far the journal has come: the one row that every journaled cut moves on.
    "CREATE TABLE bridge_head (one INTEGER PRIMARY KEY CHECK (one = 1), cut INTEGER NOT NULL, seq INTEGER NOT NULL, \
     hash BLOB NOT NULL) STRICT",
    "CREATE TABLE bridge_cut (cut INTEGER PRIMARY KEY, source TEXT NOT NULL, origin TEXT NOT NULL, \
     incarnation TEXT NOT NULL, position_from TEXT NOT NULL, position_next TEXT NOT NULL, \
     complete_major INTEGER NOT NULL, complete_minor INTEGER NOT NULL, schema_digest BLOB NOT NULL, \
     mapping_version BLOB NOT NULL, captured_at INTEGER NOT NULL, first_seq INTEGER NOT NULL, \
     changes INTEGER NOT NULL, prev_hash BLOB NOT NULL, hash BLOB NOT NULL) STRICT",
    "CREATE INDEX bridge_cut_of_stream ON bridge_cut (source, origin, cut)",
    "CREATE TABLE bridge_change (seq INTEGER PRIMARY KEY, cut INTEGER NOT NULL, row_key BLOB NOT NULL, \
     major INTEGER NOT NULL, minor INTEGER NOT NULL, op TEXT NOT NULL, marked INTEGER NOT NULL, after_hash BLOB, \
     payload_hash BLOB NOT NULL, payload BLOB, prev_hash BLOB NOT NULL, hash BLOB NOT NULL, scope TEXT, \
     purge INTEGER) STRICT",
    "CREATE TABLE bridge_purge (purge INTEGER PRIMARY KEY, area TEXT, through INTEGER NOT NULL, \
     captured_before INTEGER, at INTEGER NOT NULL, decided_by TEXT NOT NULL, changes INTEGER NOT NULL, \
     seqs BLOB NOT NULL, prev_hash BLOB NOT NULL, hash BLOB NOT NULL) STRICT",
    "CREATE TABLE bridge_stream (source TEXT NOT NULL, origin TEXT NOT NULL, incarnation TEXT NOT NULL, \
     position TEXT NOT NULL, cut INTEGER, PRIMARY KEY (source, origin)) STRICT",
    "CREATE TABLE bridge_incarnation (source TEXT NOT NULL, origin TEXT NOT NULL, number INTEGER NOT NULL, \
     incarnation TEXT NOT NULL, position TEXT NOT NULL, after_cut INTEGER NOT NULL, at INTEGER NOT NULL, \
     decided_by TEXT NOT NULL, PRIMARY KEY (source, origin, number)) STRICT",
    "CREATE TABLE bridge_bookmark (source TEXT PRIMARY KEY, bookmark TEXT NOT NULL, at INTEGER NOT NULL) STRICT",
    "CREATE TABLE bridge_cursor (source TEXT NOT NULL, origin TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, \
     PRIMARY KEY (source, origin, name)) STRICT",
    "CREATE TABLE bridge_ownership (area TEXT NOT NULL, namnd TEXT NOT NULL, side TEXT NOT NULL, \
     entity TEXT NOT NULL, attributes TEXT NOT NULL, epoch INTEGER NOT NULL, owner TEXT NOT NULL, \
     since INTEGER NOT NULL, decided_by TEXT NOT NULL, evidence BLOB NOT NULL, \
     PRIMARY KEY (area, namnd, side, entity, attributes, epoch)) STRICT",
    "CREATE TABLE bridge_phase (scope TEXT NOT NULL, number INTEGER NOT NULL, phase TEXT NOT NULL, \
     iteration INTEGER NOT NULL, since INTEGER NOT NULL, decided_by TEXT NOT NULL, evidence BLOB NOT NULL, \
     PRIMARY KEY (scope, number)) STRICT",
    "CREATE TABLE bridge_step (scope TEXT NOT NULL, iteration INTEGER NOT NULL, way TEXT NOT NULL, \
     attempt INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, \
     tries INTEGER NOT NULL, begun INTEGER NOT NULL, ended INTEGER, evidence BLOB, \
     PRIMARY KEY (scope, iteration, way, attempt, number)) STRICT",
    "CREATE TABLE bridge_rollback (scope TEXT NOT NULL, number INTEGER NOT NULL, available INTEGER NOT NULL, \
     reason TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, PRIMARY KEY (scope, number)) STRICT",
    "CREATE TABLE bridge_gate (scope TEXT NOT NULL, gate TEXT NOT NULL, is_open INTEGER NOT NULL, \
     reading TEXT NOT NULL, evidence BLOB NOT NULL, taken_at INTEGER NOT NULL, PRIMARY KEY (scope, gate)) STRICT",
    "CREATE TABLE bridge_approval (scope TEXT NOT NULL, number INTEGER NOT NULL, role TEXT NOT NULL, \
     person TEXT NOT NULL, evidence BLOB NOT NULL, at INTEGER NOT NULL, expires INTEGER NOT NULL, \
     revoked_at INTEGER, PRIMARY KEY (scope, number)) STRICT",
    // Legacy rows as they were mapped last, and the terms by which others find them or they find others.
    "CREATE TABLE bridge_kept (row_key BLOB PRIMARY KEY, cut INTEGER NOT NULL, gone INTEGER NOT NULL, \
     payload BLOB NOT NULL) STRICT",
    "CREATE INDEX bridge_kept_gone ON bridge_kept (cut) WHERE gone = 1",
    "CREATE TABLE bridge_term (term BLOB NOT NULL, asks INTEGER NOT NULL, row_key BLOB NOT NULL, \
     PRIMARY KEY (term, asks, row_key)) STRICT",
    "CREATE INDEX bridge_term_of_row ON bridge_term (row_key)",
    "CREATE TABLE bridge_born (model BLOB PRIMARY KEY, legacy BLOB NOT NULL UNIQUE, payload BLOB NOT NULL, \
     at INTEGER NOT NULL) STRICT",
    "CREATE TABLE bridge_range (source TEXT NOT NULL, source_table TEXT NOT NULL, next INTEGER NOT NULL, \
     beyond INTEGER NOT NULL, PRIMARY KEY (source, source_table)) STRICT",
    // What waits, why it waits, and what people say to it.
    "CREATE TABLE bridge_aggregate (aggregate TEXT PRIMARY KEY, owner_stands INTEGER NOT NULL, \
     since INTEGER NOT NULL) STRICT",
    "CREATE TABLE bridge_parked (source TEXT NOT NULL, origin TEXT NOT NULL, row_key BLOB NOT NULL, \
     aggregate TEXT NOT NULL, scope TEXT, major INTEGER NOT NULL, minor INTEGER NOT NULL, reason TEXT NOT NULL, \
     payload BLOB NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, times INTEGER NOT NULL, \
     PRIMARY KEY (source, origin, row_key)) STRICT",
    "CREATE INDEX bridge_parked_aggregate ON bridge_parked (aggregate)",
    "CREATE TABLE bridge_conflict (number INTEGER PRIMARY KEY, source TEXT NOT NULL, origin TEXT NOT NULL, \
     cause BLOB NOT NULL, major INTEGER NOT NULL, minor INTEGER NOT NULL, class TEXT NOT NULL, row_key BLOB NOT NULL, \
     cut INTEGER NOT NULL, aggregate TEXT NOT NULL, scope TEXT, detail TEXT NOT NULL, payload BLOB NOT NULL, \
     first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, times INTEGER NOT NULL, state TEXT NOT NULL, \
     decided_by TEXT NOT NULL, second TEXT NOT NULL, note BLOB, decided_at INTEGER, until INTEGER, \
     UNIQUE (source, origin, cause, major, minor, class, row_key)) STRICT",
    "CREATE INDEX bridge_conflict_scope ON bridge_conflict (scope, state)",
    "CREATE TABLE bridge_budget (scope TEXT NOT NULL, day TEXT NOT NULL, parked INTEGER NOT NULL, \
     changes INTEGER NOT NULL, PRIMARY KEY (scope, day)) STRICT",
    "CREATE TABLE bridge_lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, token INTEGER NOT NULL, \
     until INTEGER NOT NULL) STRICT",
    "CREATE TABLE bridge_job (number INTEGER PRIMARY KEY, name TEXT NOT NULL, started INTEGER NOT NULL, \
     ended INTEGER, outcome TEXT) STRICT",
    "CREATE INDEX bridge_job_name ON bridge_job (name, number)",
]];

const IS_MADE: &str = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'bridge_meta'";
const IS_MADE_ON_SERVER: &str = "SELECT count(*) FROM information_schema.tables \
     WHERE table_schema = current_schema() AND table_name = 'bridge_meta'";
const READ_META: &str = "SELECT value FROM bridge_meta WHERE name = $1";
const WRITE_META: &str = "INSERT INTO bridge_meta (name, value) VALUES ($1, $2) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const BEGIN_HEAD: &str = "INSERT INTO bridge_head (one, cut, seq, hash) VALUES (1, 0, 0, $1)";

/// A statement of [`FORMATS`] as the database wants it: PostgreSQL has other names for whole numbers and bytes, and is
/// always strict.
fn spoken(statement: &str, is_server: bool) -> String {
    if !is_server {
        return statement.to_owned();
    }
    statement.replace(" INTEGER", " BIGINT").replace(" BLOB", " BYTEA").replace(") STRICT", ")")
}

/// The format of the tables; 0 when there are none.
///
/// # Errors
/// Kind `Drift` when a newer program made them.
pub(super) fn found(connection: &mut Connection) -> Result<u32> {
    let is_made = if connection.is_server() { IS_MADE_ON_SERVER } else { IS_MADE };
    if connection.number(is_made, Vec::new())? == 0 {
        return Ok(0);
    }
    let format = meta(connection, "format")?.and_then(|text| text.parse().ok()).unwrap_or(0);
    require(&connection.place(), format)?;
    Ok(format)
}

fn require(place: &dyn Display, format: u32) -> Result<()> {
    let judged = Artefact::BridgeStore.require(place, format.into());
    judged.map_err(|unknown| Error::new(ErrorKind::Drift, unknown.to_string()))
}

/// Brings the tables to the newest of `formats`, in the transaction that the caller has begun. Gives the format that
/// was found.
pub(super) fn migrate(connection: &mut Connection, formats: &[&[&str]]) -> Result<u32> {
    let from = found(connection)?;
    let passed = usize::try_from(from).expect("a format is a small number");
    for statement in formats.iter().skip(passed).copied().flatten() {
        let sql = AssertSqlSafe(spoken(statement, connection.is_server()));
        connection.execute(sql, Vec::new())?;
    }
    if passed < formats.len() {
        set_meta(connection, "format", &formats.len().to_string())?;
    }
    if from == 0 {
        connection.execute(BEGIN_HEAD, values![super::chain::BEGINNING])?;
    }
    Ok(from)
}

pub(super) fn meta(connection: &mut Connection, name: &str) -> Result<Option<String>> {
    connection.row(READ_META, values![name])?.as_ref().map(|row: &Row| row.text(0)).transpose()
}

pub(super) fn set_meta(connection: &mut Connection, name: &str, value: &str) -> Result<()> {
    connection.execute(WRITE_META, values![name, value]).map(|_| ())
}
