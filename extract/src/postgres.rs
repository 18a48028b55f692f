//! PostgreSQL databases as sources.

pub(crate) mod catalog;
pub(crate) mod copy_text;
mod facts;
mod reader;
mod refusal;

use std::collections::BTreeMap;
use std::time::Duration;

use bron_mappings::{Digest, DigestBuilder};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use tokio::runtime::Runtime;

use crate::access::{Access, ServerAddress};
use crate::error::{Error, ErrorKind};
use crate::found::RowTaker;
use crate::intake::TableRows;
use crate::pace::Pace;
use crate::refusal::refused;
use crate::runtime::runtime;
use crate::selection::{KnownTable, Reading, Selectable, even_marks, no_table, unknown_mark};
use crate::source::{Consistency, Source, TableReader, TableSchema};
use crate::span::{Batching, Mark, Span};
use crate::trust::check_authorities;

pub(crate) use self::catalog::written_anew;
use self::refusal::meaning;
pub(crate) use crate::quoting::in_quotes as quoted;

pub(crate) const USUAL_PORT: u16 = 5432;
/// What errors say of a table whose rows older transactions cannot see any more.
pub(crate) const WRITTEN_ANEW: &str =
    "it was written anew after the moment that is read, as TRUNCATE and some forms of ALTER TABLE do";
pub(crate) const USUAL_SCHEMA: &str = "public";

/// A read-only connection to a PostgreSQL database.
///
/// All reads happen in one transaction, `REPEATABLE READ, READ ONLY`; [`Source::fingerprint`] ends it and begins
/// the next. The transaction's snapshot is exported, so that [`Source::beside`] gives further connections that
/// read other tables at the same time and at the same moment, while this one lives. The fingerprint names the
/// snapshot and not the content: it changes with every transaction of the cluster that may have written something,
/// so an unchanged fingerprint proves unchanged rows without reading them. A table that was written anew after the
/// snapshot, which would look empty, is refused.
///
/// Rows come in the order of the primary key, texts by their bytes; tables and views without a key in the order
/// of the texts of all their columns. The server makes the text of each value: exact numbers with the digits
/// that are stored, truth as `0` and `1`, `timestamp with time zone` in UTC and with ` +00:00` behind it, other
/// types as the server writes them. `bytea` travels as bytes.
///
/// The methods block and must not be called from asynchronous code.
pub struct PostgresSource {
    access: Access,
    address: ServerAddress,
    schema: String,
    runtime: Runtime,
    connection: PgConnection,
    point: Point,
    pace: Pace,
}

/// The snapshot that the transaction reads.
#[derive(Clone, Default)]
struct Point {
    /// The name under which other transactions can take it on.
    exported: String,
    /// The transactions that it sees, as the server writes them.
    seen: String,
    /// The cluster, its timeline and the database.
    place: String,
}

impl Point {
    fn digest(&self, schema: &str) -> Digest {
        let mut digest = DigestBuilder::new("bron.source.postgres.1");
        digest.part(self.place.as_bytes()).part(self.seen.as_bytes()).part(schema.as_bytes());
        digest.finish()
    }
}

impl PostgresSource {
    /// Connects and fixes the first point in time.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Connection`] when no server answers, [`crate::ErrorKind::Permission`] when it does not
    /// let the user in, [`crate::ErrorKind::Settings`] when its certificate cannot be trusted.
    pub fn open(access: &Access, address: &ServerAddress) -> Result<Self, Error> {
        let mut source = Self::connect(access, address)?;
        source.begin()?;
        Ok(source)
    }

    fn connect(access: &Access, address: &ServerAddress) -> Result<Self, Error> {
        let options = access.to_postgres(address)?;
        let runtime = runtime()?;
        let connection = runtime
            .block_on(PgConnection::connect_with(&options))
            .map_err(|error| refused(&place(address), "connecting", error, meaning))?;
        Ok(Self {
            access: access.clone(),
            address: address.clone(),
            schema: access.schema.clone().unwrap_or_else(|| USUAL_SCHEMA.to_owned()),
            runtime,
            connection,
            point: Point::default(),
            pace: Pace::new(access.manners.rows_per_second),
        })
    }

    fn run(&mut self, statement: String) -> Result<(), Error> {
        let Self { runtime, connection, address, .. } = self;
        let done = runtime.block_on(connection.execute(AssertSqlSafe(statement)));
        done.map(drop).map_err(|error| refused(&place(address), "beginning to read", error, meaning))
    }

    /// Whether the transaction is still the one that sees the point.
    fn stands(&mut self) -> bool {
        let asked = sqlx::query_scalar::<_, String>("SELECT pg_current_snapshot()::text");
        let seen = self.runtime.block_on(asked.fetch_one(&mut self.connection));
        seen.is_ok_and(|seen| seen == self.point.seen)
    }

    /// Ends the transaction and begins one that sees what is there now.
    fn begin(&mut self) -> Result<(), Error> {
        self.run("ROLLBACK".to_owned())?;
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned())?;
        let Self { runtime, connection, address, point, .. } = self;
        let asked = sqlx::query(
            "SELECT pg_export_snapshot(), pg_current_snapshot()::text, \
             concat_ws('/', s.system_identifier, c.timeline_id, d.oid) \
             FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d \
             WHERE d.datname = current_database()",
        );
        let found = runtime.block_on(asked.fetch_one(connection));
        let text = |row: &sqlx::postgres::PgRow, index: usize| row.try_get::<String, _>(index);
        *point = found
            .and_then(|row| {
                Ok(Point { exported: text(&row, 0)?, seen: text(&row, 1)?, place: text(&row, 2)? })
            })
            .map_err(|error| refused(&place(address), "beginning to read", error, meaning))?;
        Ok(())
    }

    /// What the catalog says of a table, and what SQL calls it.
    fn known(&mut self, table: &str) -> Result<(KnownTable<catalog::PostgresColumn>, String), Error> {
        let Self { address, runtime, connection, schema, .. } = self;
        let place = place(address);
        let known = runtime.block_on(catalog::table(connection, schema, table));
        let known = known.map_err(|error| refused(&place, &format!("table {table}"), error, meaning))?;
        let known = known.ok_or_else(|| no_table(&place, table))?;
        Ok((known, format!("{}.{}", quoted(schema), quoted(table))))
    }
}

impl Access {
    /// What the driver is told to reach a PostgreSQL server on these terms. Transactions only read unless they are
    /// begun as ones that write.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when the authorities that the address names cannot be used.
    pub fn to_postgres(&self, address: &ServerAddress) -> Result<PgConnectOptions, Error> {
        check_authorities(address)?;
        Ok(options(self, address))
    }
}

/// What the driver is told. Every setting that changes how values are written or how long the server waits for
/// us is stated, so that the server's own defaults have no say.
fn options(access: &Access, address: &ServerAddress) -> PgConnectOptions {
    let milliseconds = |time: Option<Duration>| time.unwrap_or_default().as_millis().to_string();
    let manners = &access.manners;
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&address.host)
        .port(address.port.unwrap_or(USUAL_PORT))
        .database(&address.database)
        .application_name("bron")
        .ssl_mode(if access.allows_plain_text(address) { PgSslMode::Prefer } else { PgSslMode::VerifyFull })
        .options([
            ("default_transaction_read_only", "on"),
            ("statement_timeout", &milliseconds(manners.statement_timeout)),
            ("lock_timeout", &milliseconds(Some(manners.lock_timeout))),
            ("idle_in_transaction_session_timeout", "0"),
            ("bytea_output", "hex"),
            ("IntervalStyle", "iso_8601"),
            // In our literals a backslash is a backslash.
            ("standard_conforming_strings", "on"),
        ]);
    if let Some(user) = &address.user {
        options = options.username(user.expose());
    }
    if let Some(password) = &access.password {
        options = options.password(password.expose());
    }
    if let Some(authorities) = &address.authorities {
        options = options.ssl_root_cert(authorities);
    }
    options
}

impl Source for PostgresSource {
    fn tables(&mut self) -> Result<Vec<TableSchema>, Error> {
        let Self { address, runtime, connection, schema, .. } = self;
        runtime
            .block_on(catalog::tables(connection, schema))
            .map_err(|error| refused(&place(address), "reading the schema", error, meaning))
    }

    fn fingerprint(&mut self) -> Result<Digest, Error> {
        match self.begin() {
            // A connection that broke is not used again.
            Err(error) if error.kind() == ErrorKind::Connection => {
                *self = Self::open(&self.access, &self.address)?;
            }
            begun => begun?,
        }
        Ok(self.point.digest(&self.schema))
    }

    fn resume(&mut self) -> Result<Digest, Error> {
        if self.stands() { Ok(self.point.digest(&self.schema)) } else { self.fingerprint() }
    }

    fn character_sets(&mut self, table: &TableSchema) -> Result<BTreeMap<String, String>, Error> {
        let (known, _) = self.known(&table.name)?;
        let Self { address, runtime, connection, .. } = self;
        let asked = sqlx::query_scalar::<_, String>("SELECT current_setting('server_encoding')");
        let encoding = runtime
            .block_on(asked.fetch_one(connection))
            .map_err(|error| refused(&place(address), "reading the schema", error, meaning))?;
        let textual = known.columns.iter().filter(|column| column.is_textual());
        Ok(textual.map(|column| (column.column().name.clone(), encoding.clone())).collect())
    }

    fn consistency(&self) -> Consistency {
        Consistency::Point { how: "exported snapshot", at: self.point.seen.clone() }
    }

    fn beside(&mut self) -> Result<Option<Box<dyn Source + Send>>, Error> {
        let mut other = Self::connect(&self.access, &self.address)?;
        other.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned())?;
        // The name came from the server; it is digits and dashes, and quoted all the same.
        let name = self.point.exported.replace('\'', "''");
        other.run(format!("SET TRANSACTION SNAPSHOT '{name}'")).map_err(|error| {
            let problem = "the moment that is read is gone: the connection that held it has ended";
            let place = place(&self.address);
            let gone = || Error::new(ErrorKind::Outdated, format!("{place}: beginning to read: {problem}"));
            if error.is_retryable() { error } else { gone() }
        })?;
        other.point = self.point.clone();
        other.pace = self.pace.clone();
        Ok(Some(Box::new(other)))
    }

    fn read_span<'a>(
        &'a mut self,
        table: &TableSchema,
        span: &Span,
        batching: Batching,
    ) -> Result<Box<dyn TableReader + 'a>, Error> {
        let (known, from) = self.known(&table.name)?;
        let Self { address, runtime, connection, pace, .. } = self;
        let place = place(address);
        let doing = format!("table {}", table.name);
        let failed = |error| refused(&place, &doing, error, meaning);
        if !runtime.block_on(catalog::is_as_it_was(connection, &from)).map_err(failed)? {
            return Err(Error::new(ErrorKind::Outdated, format!("{place}: {doing}: {WRITTEN_ANEW}")));
        }
        let selection = known.select(&place, &from, table, span)?;
        let copy = format!("COPY ({}) TO STDOUT", selection.statement);
        let stream = runtime.block_on(connection.copy_out_raw(&copy)).map_err(failed)?;
        let reading = Reading {
            name: address.database.clone(),
            place,
            doing,
            forms: selection.values.iter().map(catalog::form).collect(),
        };
        let taker = RowTaker::new(reading.name.clone(), &table.columns).keyed(selection.key);
        let rows = reader::PostgresRows::new(runtime, stream, reading, taker, pace.begin());
        Ok(Box::new(TableRows::new(rows, table, span, batching)))
    }

    fn ranges(
        &mut self,
        table: &TableSchema,
        after: Option<&Mark>,
        rows_each: u64,
    ) -> Result<Vec<Mark>, Error> {
        let (known, from) = self.known(&table.name)?;
        let Some(number) = known.first_of_key().filter(|column| column.is_whole_number()) else {
            return Ok(Vec::new());
        };
        let number = quoted(&number.column().name);
        let Self { address, runtime, connection, .. } = self;
        let place = place(address);
        let doing = format!("table {}", table.name);
        let failed = |error| refused(&place, &doing, error, meaning);
        let span = Span { after: after.cloned(), ..Span::default() };
        let rows = known.condition(&span).ok_or_else(|| unknown_mark(&place, &table.name))?;
        let ends = format!("SELECT min({number})::int8, max({number})::int8 FROM {from}{rows}");
        let ends = sqlx::query(AssertSqlSafe(ends)).persistent(false).fetch_one(connection);
        let ends = runtime.block_on(ends).and_then(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let (Some(first), Some(last)) = ends.map_err(failed)? else { return Ok(Vec::new()) };
        Ok(even_marks(first, last, table.rows_estimate, rows_each))
    }
}

/// The server, as errors name it.
fn place(address: &ServerAddress) -> String {
    format!("postgres://{address}")
}

#[cfg(test)]
#[cfg(feature = "postgres-tests")]
mod tests;
