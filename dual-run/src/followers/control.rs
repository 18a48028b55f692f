//! The tables of the bridge in a follower.

use bron_load::Dialect;

/// The statements that create the tables where they do not exist. The cut 0 is none; a ledger entry without content is
/// a tombstone. Keys are the canonical bytes of source keys.
pub(super) const fn tables(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Sqlite => &[
            "CREATE TABLE IF NOT EXISTS bridge_offset (source TEXT NOT NULL, origin TEXT NOT NULL, \
             cut INTEGER NOT NULL, PRIMARY KEY (source, origin)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS bridge_applied (source TEXT NOT NULL, origin TEXT NOT NULL, \
             cause BLOB NOT NULL, target BLOB NOT NULL, major INTEGER NOT NULL, minor INTEGER NOT NULL, content BLOB, \
             PRIMARY KEY (source, origin, cause, target)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS bridge_ownership (area TEXT NOT NULL, namnd TEXT NOT NULL, \
             side TEXT NOT NULL, owner TEXT NOT NULL, epoch INTEGER NOT NULL, \
             PRIMARY KEY (area, namnd, side)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS bridge_origin (tag TEXT)",
        ],
        Dialect::Postgres => &[
            "CREATE TABLE IF NOT EXISTS bridge_offset (source text NOT NULL, origin text NOT NULL, \
             cut bigint NOT NULL, PRIMARY KEY (source, origin))",
            "CREATE TABLE IF NOT EXISTS bridge_applied (source text NOT NULL, origin text NOT NULL, \
             cause bytea NOT NULL, target bytea NOT NULL, major bigint NOT NULL, minor bigint NOT NULL, content bytea, \
             PRIMARY KEY (source, origin, cause, target))",
            "CREATE TABLE IF NOT EXISTS bridge_ownership (area text NOT NULL, namnd text NOT NULL, \
             side text NOT NULL, owner text NOT NULL, epoch bigint NOT NULL, PRIMARY KEY (area, namnd, side))",
        ],
    }
}

/// For PostgreSQL: the entries of many rows of the owner, `$3`, each with its place among them from 1.
pub(super) const FIND_APPLIED_MANY: &str = "SELECT k.place, a.target, a.major, a.minor, a.content \
     FROM unnest($3::bytea[]) WITH ORDINALITY AS k(cause, place) JOIN bridge_applied AS a ON a.cause = k.cause \
     AND a.source = $1 AND a.origin = $2 ORDER BY k.place, a.target";
/// For PostgreSQL: where entries are staged.
pub(super) const STAGE_APPLIED: &str = "CREATE TEMP TABLE IF NOT EXISTS bridge_stage_of_ledger (cause bytea, \
     target bytea, major bigint, minor bigint, content bytea) ON COMMIT DELETE ROWS";
/// Takes entries there.
pub(super) const COPY_APPLIED: &str =
    "COPY pg_temp.bridge_stage_of_ledger (cause, target, major, minor, content) FROM STDIN (FORMAT binary)";
/// Notes them all, as [`NOTE_APPLIED`] does one.
pub(super) const NOTE_APPLIED_MANY: &str = "INSERT INTO bridge_applied \
     (source, origin, cause, target, major, minor, content) \
     SELECT $1, $2, cause, target, major, minor, content FROM pg_temp.bridge_stage_of_ledger \
     ON CONFLICT (source, origin, cause, target) DO UPDATE \
     SET major = excluded.major, minor = excluded.minor, content = excluded.content \
     WHERE bridge_applied.major < excluded.major \
     OR (bridge_applied.major = excluded.major AND bridge_applied.minor <= excluded.minor)";

/// Makes room for the offset of a stream.
pub(super) const MAKE_OFFSET: &str = "INSERT INTO bridge_offset (source, origin, cut) VALUES ($1, $2, 0) \
     ON CONFLICT (source, origin) DO NOTHING";
/// The offset of a stream.
pub(super) const FIND_OFFSET: &str = "SELECT cut FROM bridge_offset WHERE source = $1 AND origin = $2";
/// Moves the offset on.
pub(super) const MOVE_OFFSET: &str = "UPDATE bridge_offset SET cut = $3 WHERE source = $1 AND origin = $2";

/// The ledger's entries of a row of the owner.
pub(super) const FIND_APPLIED: &str = "SELECT target, major, minor, content FROM bridge_applied \
     WHERE source = $1 AND origin = $2 AND cause = $3 ORDER BY target";
/// Notes what was written; an older version never takes the place of a newer.
pub(super) const NOTE_APPLIED: &str = "INSERT INTO bridge_applied \
     (source, origin, cause, target, major, minor, content) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (source, origin, cause, target) DO UPDATE \
     SET major = excluded.major, minor = excluded.minor, content = excluded.content \
     WHERE bridge_applied.major < excluded.major \
     OR (bridge_applied.major = excluded.major AND bridge_applied.minor <= excluded.minor)";

/// Notes that the legacy systems own a scope that nobody has said anything about.
pub(super) const MAKE_OWNERSHIP: &str = "INSERT INTO bridge_ownership (area, namnd, side, owner, epoch) \
     VALUES ($1, $2, $3, $4, 0) ON CONFLICT (area, namnd, side) DO NOTHING";
/// Who owns a scope.
pub(super) const FIND_OWNERSHIP: &str =
    "SELECT owner, epoch FROM bridge_ownership WHERE area = $1 AND namnd = $2 AND side = $3";
/// Writes who owns a scope, unless a later epoch stands there, or another owner of the same.
pub(super) const SET_OWNERSHIP: &str = "INSERT INTO bridge_ownership (area, namnd, side, owner, epoch) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (area, namnd, side) DO UPDATE \
     SET owner = excluded.owner, epoch = excluded.epoch WHERE bridge_ownership.epoch < excluded.epoch \
     OR (bridge_ownership.epoch = excluded.epoch AND bridge_ownership.owner = excluded.owner)";

/// Gives the run of a stream the next place among those that changed the target.
pub(super) const NUMBER_RUN: &str = "INSERT INTO bron_run (ordinal, load_run_id, extract_run_id) \
     SELECT coalesce(max(ordinal), 0) + 1, $1, $1 FROM bron_run";
/// The place that a run got last.
pub(super) const FIND_ORDINAL: &str = "SELECT max(ordinal) FROM bron_run WHERE load_run_id = $1";
/// The receipts of other runs for parts of a mapping no longer prove what the table holds.
pub(super) const SUPERSEDE: &str = "UPDATE bron_receipt SET superseded = 1 WHERE entity = $1 AND load_run_id <> $2 \
     AND superseded = 0 AND substr(part, 1, length($3)) = $3 AND substr(part, length($3) + 1) NOT LIKE '%/%'";
/// The receipt of the bridge for rows of a mapping: the sums of all that it wrote.
pub(super) const NOTE_RECEIPT: &str = "INSERT INTO bron_receipt (load_run_id, entity, part, content, extract_run_id, \
     row_count, inserted, updated, unchanged, superseded) VALUES ($1, $2, $3, $4, $1, $5, $6, $7, 0, 0) \
     ON CONFLICT (load_run_id, entity, part) DO UPDATE SET content = excluded.content, \
     row_count = bron_receipt.row_count + excluded.row_count, inserted = bron_receipt.inserted + excluded.inserted, \
     updated = bron_receipt.updated + excluded.updated, superseded = 0";
