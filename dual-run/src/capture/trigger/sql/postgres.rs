//! PostgreSQL. Transactions commit in another order than they draw numbers: a cut is what one snapshot shows and the
//! one before did not, which leaves nobody out, however long he takes, and never shows a change without those that it
//! rests on.

use bron_extract::in_quotes;

use super::{LOG, STATE, Traced, Trigger, VERSION, belonging, literal};
use crate::capture::trigger::place::Place;

/// Written by whoever writes, in whatever session: everything that changes how values become text is stated.
const SETTINGS: &str = "SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, MDY' SET timezone = 'UTC' \
     SET intervalstyle = 'iso_8601' SET extra_float_digits = 1";

/// What the catalogue says of a trigger that fires in every session, those that replay a replication among them.
const ALWAYS: &str = "A";

/// The cluster, its timeline and the database.
pub(super) const SERVER: &str = "SELECT concat_ws('/', s.system_identifier, c.timeline_id, d.oid) \
     FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d WHERE d.datname = current_database()";

pub(super) fn create_log(schema: &str) -> Vec<String> {
    let (log, state) = (qualified(schema, LOG), qualified(schema, STATE));
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {log} (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
             txid xid8 NOT NULL, tbl text NOT NULL, op text NOT NULL, \"old\" text, \"new\" text, origin text, \
             at timestamptz NOT NULL, tag text NOT NULL)"
        ),
        format!("CREATE INDEX IF NOT EXISTS bron_change_log_txid ON {log} (txid, seq)"),
        format!(
            "CREATE TABLE IF NOT EXISTS {state} (one integer PRIMARY KEY CHECK (one = 1), id text NOT NULL, \
             version bigint NOT NULL, pruned bigint NOT NULL)"
        ),
        format!(
            "INSERT INTO {state} VALUES (1, gen_random_uuid()::text, {VERSION}, 0) ON CONFLICT (one) DO NOTHING"
        ),
    ]
}

pub(super) fn exists(schema: &str) -> String {
    format!("SELECT count(*) FROM pg_tables WHERE schemaname = {} AND tablename = '{STATE}'", literal(schema))
}

pub(super) fn untrace(schema: &str, table: &str) -> Vec<String> {
    let from = qualified(schema, table);
    let name = |what| in_quotes(&belonging(table, what));
    vec![
        format!("DROP TRIGGER IF EXISTS {} ON {from}", name("row")),
        format!("DROP TRIGGER IF EXISTS {} ON {from}", name("truncate")),
        format!("DROP FUNCTION IF EXISTS {}.{}()", in_quotes(schema), name("row")),
    ]
}

pub(super) fn trace(schema: &str, table: &Traced<'_>) -> Vec<String> {
    let name = |what| in_quotes(&belonging(table.name, what));
    let (from, row, truncate) = (qualified(schema, table.name), name("row"), name("truncate"));
    let function = format!("{}.{row}", in_quotes(schema));
    vec![
        format!(
            "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {SETTINGS} \
             AS $bron${}$bron$",
            body(schema, table)
        ),
        format!(
            "CREATE TRIGGER {row} AFTER INSERT OR UPDATE OR DELETE ON {from} \
             FOR EACH ROW EXECUTE FUNCTION {function}()"
        ),
        format!(
            "CREATE TRIGGER {truncate} AFTER TRUNCATE ON {from} FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        ),
        // Also where a session says that it replays what another server did.
        format!("ALTER TABLE {from} ENABLE ALWAYS TRIGGER {row}, ENABLE ALWAYS TRIGGER {truncate}"),
    ]
}

fn body(schema: &str, table: &Traced<'_>) -> String {
    let (before, after) = (table.image.json("OLD"), table.image.json("NEW"));
    format!(
        "BEGIN INSERT INTO {} (txid, tbl, op, \"old\", \"new\", origin, at, tag) VALUES (pg_current_xact_id(), {}, \
         left(TG_OP, 1), CASE WHEN TG_OP IN ('UPDATE', 'DELETE') THEN {before} END, \
         CASE WHEN TG_OP IN ('INSERT', 'UPDATE') THEN {after} END, \
         nullif(current_setting('bridge.origin', true), ''), clock_timestamp(), gen_random_uuid()::text); \
         RETURN NULL; END",
        qualified(schema, LOG),
        literal(table.name),
    )
}

/// Their definitions are what [`installed`] says of triggers that are enabled always.
pub(super) fn triggers(schema: &str, table: &Traced<'_>) -> Vec<Trigger> {
    let body = body(schema, table);
    let trigger = |what, kind: u8| Trigger {
        name: belonging(table.name, what),
        definition: format!("{ALWAYS} {kind} {} {body}", table.name),
    };
    // Bits of pg_trigger.tgtype: 1 for each row, 4 insert, 8 delete, 16 update, 32 truncate; after, and not before.
    vec![trigger("row", 1 + 4 + 8 + 16), trigger("truncate", 32)]
}

/// Whether a trigger does not fire in every session.
pub(super) fn is_disabled(definition: &str) -> bool {
    !definition.starts_with(ALWAYS)
}

pub(super) fn installed(schema: &str) -> String {
    format!(
        "SELECT t.tgname, concat_ws(' ', t.tgenabled, t.tgtype::int, c.relname, p.prosrc) FROM pg_trigger t \
         JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_proc p ON p.oid = t.tgfoid WHERE n.nspname = {} AND starts_with(t.tgname, 'bron_capture_')",
        literal(schema)
    )
}

pub(super) fn shape(schema: &str) -> String {
    format!(
        "SELECT c.relname, a.attname, a.atttypid, a.atttypmod, i.indkey FROM pg_class c \
         JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid \
         LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
         WHERE n.nspname = {} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped \
         ORDER BY c.relname, a.attnum",
        literal(schema)
    )
}

pub(super) fn behind(place: &Place) -> String {
    let seen = place.seen.as_deref().unwrap_or("1:1:");
    let mut condition = format!(
        "txid >= pg_snapshot_xmin('{seen}'::pg_snapshot) AND NOT pg_visible_in_snapshot(txid, '{seen}')"
    );
    if let Some(within) = &place.within {
        let (until, through) = (&within.until, within.through);
        condition.push_str(&format!(" AND pg_visible_in_snapshot(txid, '{until}') AND seq > {through}"));
    }
    condition
}

/// The questions for the first number at or behind the given place in order at which no transaction has more to say,
/// unless it is the last. The first looks at a little more than is wanted; only when it finds nothing, because a
/// transaction is that large, the second looks at everything.
pub(super) fn boundaries(log: &str, behind: &str, changes: u64) -> [String; 2] {
    let near = changes.saturating_mul(2).saturating_add(1000).min(i64::MAX.unsigned_abs());
    let question = |limit: String| {
        format!(
            "SELECT seq FROM (SELECT seq, row_number() OVER so_far AS place, max(last) OVER so_far AS open_to \
             FROM (SELECT seq, (SELECT max(o.seq) FROM {log} o WHERE o.txid = one.txid) AS last FROM {log} one \
             WHERE {behind} ORDER BY seq{limit}) AS two WINDOW so_far AS (ORDER BY seq)) AS three \
             WHERE place >= {changes} AND open_to = seq AND seq < (SELECT max(seq) FROM {log} WHERE {behind}) \
             ORDER BY seq LIMIT 1"
        )
    };
    [question(format!(" LIMIT {near}")), question(String::new())]
}

fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", in_quotes(schema), in_quotes(name))
}
