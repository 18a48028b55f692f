//! MySQL and MariaDB databases as sources.

pub(crate) mod catalog;
mod facts;
pub(crate) mod form;
mod reader;
mod refusal;

use std::collections::BTreeMap;
use std::time::Duration;

use bron_mappings::{Digest, DigestBuilder};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlSslMode};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use tokio::runtime::Runtime;

use self::refusal::meaning;
use crate::access::{Access, ServerAddress};
use crate::error::{Error, ErrorKind};
use crate::found::RowTaker;
use crate::hashing::unrepeatable;
use crate::intake::TableRows;
use crate::pace::Pace;
pub(crate) use crate::quoting::in_backticks as quoted;
use crate::refusal::refused;
use crate::runtime::runtime;
use crate::selection::{Reading, not_listed};
use crate::source::{Consistency, Source, TableReader, TableSchema};
use crate::span::{Batching, Span};
use crate::trust::check_authorities;

pub(crate) const USUAL_PORT: u16 = 3306;
/// The server waits this long for a reader that is held to a pace, instead of its usual minute.
const PATIENCE_OF_THE_SERVER: u32 = 3600;

/// A read-only connection to a MySQL or MariaDB database.
///
/// All reads happen in one transaction, `REPEATABLE READ, READ ONLY, WITH CONSISTENT SNAPSHOT`;
/// [`Source::fingerprint`] ends it and begins the next. Tables of engines without transactions have no snapshot:
/// a database with such a table cannot claim one moment, and [`Source::consistency`] names them.
///
/// The fingerprint is the position in the binary log that MariaDB gives for a snapshot. A server that gives none
/// cannot say whether anything changed: its fingerprint is then another each time.
///
/// Rows come in the order of the primary key, texts by their bytes in UTF-8; tables and views without a key in
/// the order of the texts of all their columns. Texts are read as they are stored and decoded here, so that what
/// a wrong character set has done to them is seen and not guessed at. `0000-00-00` is text like any other date.
/// `TIMESTAMP` is in UTC and with ` +00:00` behind it. Binary types travel as bytes.
///
/// The methods block and must not be called from asynchronous code.
pub struct MysqlSource {
    access: Access,
    address: ServerAddress,
    runtime: Runtime,
    connection: MySqlConnection,
    /// The position in the binary log that belongs to the snapshot, where the server gives one.
    position: Option<String>,
    /// Tables whose engine knows no transactions.
    without_snapshot: Vec<String>,
    /// What the last [`Source::fingerprint`] gave.
    fingerprint: Option<Digest>,
    pace: Pace,
}

impl MysqlSource {
    /// Connects and fixes the first point in time.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Connection`] when no server answers, [`crate::ErrorKind::Permission`] when it does not
    /// let the user in, [`crate::ErrorKind::Settings`] when its certificate cannot be trusted.
    pub fn open(access: &Access, address: &ServerAddress) -> Result<Self, Error> {
        let options = access.to_mysql(address)?;
        let runtime = runtime()?;
        let connection = runtime
            .block_on(MySqlConnection::connect_with(&options))
            .map_err(|error| refused(&place(address), "connecting", error, meaning))?;
        let (position, without_snapshot) = (None, Vec::new());
        let mut source = Self {
            access: access.clone(),
            address: address.clone(),
            runtime,
            connection,
            position,
            without_snapshot,
            fingerprint: None,
            pace: Pace::new(access.manners.rows_per_second),
        };
        source.be_gentle()?;
        source.begin()?;
        Ok(source)
    }

    fn run(&mut self, statement: String) -> Result<(), Error> {
        let Self { runtime, connection, address, .. } = self;
        let done = runtime.block_on(connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))));
        done.map(drop).map_err(|error| refused(&place(address), "beginning to read", error, meaning))
    }

    fn ask(&mut self, statement: &'static str) -> Result<Vec<MySqlRow>, Error> {
        let Self { runtime, connection, address, .. } = self;
        let rows = runtime.block_on(sqlx::query(statement).fetch_all(connection));
        rows.map_err(|error| refused(&place(address), "beginning to read", error, meaning))
    }

    /// Tells the server what this session may take. The two servers disagree on the name of the longest time.
    fn be_gentle(&mut self) -> Result<(), Error> {
        let version: String =
            self.ask("SELECT version()")?.first().and_then(|row| row.try_get(0).ok()).unwrap_or_default();
        let manners = self.access.manners;
        let whole_seconds = |time: Duration| time.as_secs() + u64::from(time.subsec_nanos() > 0);
        let lock = whole_seconds(manners.lock_timeout).max(1);
        let longest = manners.statement_timeout.unwrap_or_default();
        let longest = if version.contains("MariaDB") {
            format!("max_statement_time = {}.{:03}", longest.as_secs(), longest.subsec_millis())
        } else {
            format!("max_execution_time = {}", longest.as_millis())
        };
        self.run(format!(
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET SESSION {longest}, \
             lock_wait_timeout = {lock}, innodb_lock_wait_timeout = {lock}, \
             net_write_timeout = {PATIENCE_OF_THE_SERVER}"
        ))
    }

    /// Whether the transaction is still open. MySQL cannot be asked: there it counts as gone.
    fn stands(&mut self) -> bool {
        let open = self.ask("SELECT CAST(@@in_transaction AS SIGNED)");
        open.is_ok_and(|rows| {
            rows.first().is_some_and(|row| row.try_get::<i64, _>(0).is_ok_and(|open| open == 1))
        })
    }

    /// The digest that names the content at the point, a new one where the server cannot say whether it changed.
    fn digest(&self) -> Digest {
        const DOMAIN: &str = "bron.source.mysql.1";
        let Some(position) = self.position.as_ref().filter(|_| self.without_snapshot.is_empty()) else {
            return unrepeatable(DOMAIN);
        };
        let mut digest = DigestBuilder::new(DOMAIN);
        digest.part(position.as_bytes()).part(self.address.database.as_bytes());
        digest.finish()
    }

    /// Ends the transaction and begins one that sees what is there now.
    fn begin(&mut self) -> Result<(), Error> {
        self.run("ROLLBACK".to_owned())?;
        self.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY".to_owned())?;
        let text = |row: &MySqlRow, index: usize| row.try_get::<String, _>(index).unwrap_or_default();
        let found = self.ask("SHOW STATUS LIKE 'binlog_snapshot_%'")?;
        let position: Vec<String> =
            found.iter().map(|row| text(row, 1)).filter(|value| !value.is_empty()).collect();
        self.position = None;
        if position.len() >= 2 {
            let server = self.ask("SELECT concat_ws('/', @@hostname, @@port, @@server_id, @@datadir)")?;
            let server = server.first().map(|row| text(row, 0)).unwrap_or_default();
            self.position = Some(format!("{server} {}", position.join(" ")));
        }
        let tables = self.ask(
            "SELECT CAST(t.table_name AS CHAR) FROM information_schema.tables t \
             JOIN information_schema.engines e ON e.engine = t.engine \
             WHERE t.table_schema = database() AND t.table_type = 'BASE TABLE' AND e.transactions <> 'YES' \
             ORDER BY 1",
        )?;
        self.without_snapshot = tables.iter().map(|row| text(row, 0)).collect();
        Ok(())
    }
}

impl Access {
    /// What the driver is told to reach a MySQL or MariaDB server on these terms. The session is in UTC.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when the authorities that the address names cannot be used.
    pub fn to_mysql(&self, address: &ServerAddress) -> Result<MySqlConnectOptions, Error> {
        check_authorities(address)?;
        Ok(options(self, address))
    }
}

/// What the driver is told.
fn options(access: &Access, address: &ServerAddress) -> MySqlConnectOptions {
    let mut options = MySqlConnectOptions::new()
        .host(&address.host)
        .port(address.port.unwrap_or(USUAL_PORT))
        .database(&address.database)
        .timezone(Some("+00:00".to_owned()))
        .ssl_mode(if access.allows_plain_text(address) {
            MySqlSslMode::Preferred
        } else {
            MySqlSslMode::VerifyIdentity
        });
    if let Some(user) = &address.user {
        options = options.username(user.expose());
    }
    if let Some(password) = &access.password {
        options = options.password(password.expose());
    }
    if let Some(authorities) = &address.authorities {
        options = options.ssl_ca(authorities);
    }
    options
}

/// The server, as errors name it.
fn place(address: &ServerAddress) -> String {
    format!("mysql://{address}")
}

impl Source for MysqlSource {
    fn tables(&mut self) -> Result<Vec<TableSchema>, Error> {
        let Self { address, runtime, connection, .. } = self;
        runtime
            .block_on(catalog::tables(connection))
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
        let digest = self.digest();
        self.fingerprint = Some(digest);
        Ok(digest)
    }

    fn resume(&mut self) -> Result<Digest, Error> {
        match self.fingerprint.filter(|_| self.stands()) {
            Some(digest) => Ok(digest),
            None => self.fingerprint(),
        }
    }

    fn character_sets(&mut self, table: &TableSchema) -> Result<BTreeMap<String, String>, Error> {
        let Self { address, runtime, connection, .. } = self;
        let known = runtime
            .block_on(catalog::table(connection, &table.name))
            .map_err(|error| refused(&place(address), "reading the schema", error, meaning))?;
        let columns = known.into_iter().flat_map(|known| known.columns);
        Ok(columns.filter_map(catalog::MysqlColumn::character_set).collect())
    }

    fn consistency(&self) -> Consistency {
        if self.without_snapshot.is_empty() {
            let at = self.position.clone().unwrap_or_default();
            return Consistency::Point { how: "consistent snapshot", at };
        }
        let tables = self.without_snapshot.join(", ");
        Consistency::None { why: format!("the engine of these tables knows no transactions: {tables}") }
    }

    fn read_span<'a>(
        &'a mut self,
        table: &TableSchema,
        span: &Span,
        batching: Batching,
    ) -> Result<Box<dyn TableReader + 'a>, Error> {
        let Self { address, runtime, connection, pace, .. } = self;
        let place = place(address);
        let doing = format!("table {}", table.name);
        let failed = |error| refused(&place, &doing, error, meaning);
        let known = runtime.block_on(catalog::table(connection, &table.name)).map_err(failed)?;
        let Some(known) = known else {
            let asked = format!("SELECT 1 FROM {} LIMIT 0", quoted(&table.name));
            let answer = runtime.block_on(connection.execute(sqlx::raw_sql(AssertSqlSafe(asked))));
            return Err(not_listed(&place, &table.name, answer.map_err(failed)));
        };
        let selection = known.select(&place, &quoted(&table.name), table, span)?;
        let forms = selection.values.iter().map(catalog::form).collect();
        let reading = Reading { name: address.database.clone(), place, doing, forms };
        // The text protocol: the server makes the text of each value.
        let stream = sqlx::raw_sql(AssertSqlSafe(selection.statement)).fetch(connection);
        let taker = RowTaker::new(reading.name.clone(), &table.columns).keyed(selection.key);
        let rows = reader::MysqlRows::new(runtime, stream, reading, taker, pace.begin());
        Ok(Box::new(TableRows::new(rows, table, span, batching)))
    }
}

#[cfg(test)]
#[cfg(feature = "mariadb-tests")]
mod tests;
