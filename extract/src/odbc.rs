//! Whatever has an ODBC driver, as a source.

mod catalog;
mod connection_string;
mod dialect;
mod driver;
mod facts;
mod form;
mod literal;
mod reader;
mod refusal;
mod row_set;

use std::mem;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bron_mappings::{Digest, DigestBuilder, Sensitive};
use odbc_api::{Connection, ConnectionOptions, Cursor, Error as OdbcError, environment};

use self::catalog::{Catalog, KnownColumn, Listed, Scope};
use self::connection_string::ConnectionString;
use self::dialect::Dialect;
use self::driver::Places;
use self::reader::{OdbcRows, Query, run};
use self::refusal::Place;
use crate::access::{Access, Manners};
use crate::error::{Error, ErrorKind};
use crate::found::RowTaker;
use crate::intake::TableRows;
use crate::pace::Pace;
use crate::postgres::WRITTEN_ANEW;
use crate::selection::{KnownTable, Selectable, not_listed};
use crate::source::{Consistency, Source, TableReader, TableSchema};
use crate::span::{Batching, Span};

/// The longest wait for a server to let us in.
const LOGIN_SECONDS: u32 = 30;
const BEGINNING: &str = "beginning to read";

/// Tells the time. Only fingerprints are made of it.
type Clock = fn() -> SystemTime;

/// A connection through an ODBC driver.
///
/// The driver manager is part of the program; the driver is a file on this machine, found by the connection
/// string's `Driver` or `DSN`.
///
/// **One moment.** With PostgreSQL, MariaDB, MySQL and SQLite, and with SQL Server where the database allows snapshot
/// isolation, all reads happen in one read-only transaction that sees one moment; [`Source::fingerprint`] ends it
/// and begins the next. With any other system [`Source::consistency`] says that there is no such moment.
///
/// **Fingerprint.** The content cannot be asked of an unknown driver without reading all of it, so each
/// fingerprint is new: it is made of the time of the reading, and never comes again.
///
/// **Values** are those that the other connectors give, as far as the driver tells types: exact numbers with the
/// digits of their declared scale, approximate ones in the shortest form that reads back as the same value, bits as
/// `0` and `1`, moments with a fraction only when it is not zero, identifiers (`uuid`) in lower case and SQL Server's
/// in upper case, binary columns as bytes. A value that is not UTF-8, or bytes in a text column, is kept aside. NULL
/// and empty text stay apart.
/// SQLite's driver gives approximate numbers with 15 digits and a blob in a column that does not declare one as the
/// text `X'…'`; [`SqliteSource`](crate::SqliteSource) has neither limit.
///
/// **Nothing is cut off.** Buffers are made for the declared lengths; a value that fills its buffer makes the
/// statement be run again and read value by value. If its rows are not the same then, the reading fails with
/// [`ErrorKind::Busy`].
///
/// **Order.** Rows come in the order of the primary key, texts by their bytes where the system is a known one; those of
/// a table without a key in the order of all columns, or of all that the system can sort by, in the database's own
/// order.
///
/// The methods block.
pub struct OdbcSource {
    place: Place,
    driver_file: PathBuf,
    connection: Option<Connection<'static>>,
    /// The connection string as the driver got it.
    text: Sensitive<String>,
    password: Option<Sensitive<String>>,
    scope: Scope,
    manners: Manners,
    consistency: Consistency,
    clock: Clock,
    pace: Pace,
}

impl OdbcSource {
    /// Loads the driver, connects and fixes the first point in time. `connection_string` is that of the access's
    /// locator; it holds no password.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] when there is no such driver, data source or database, [`ErrorKind::Unreadable`] when the
    /// driver cannot be loaded, [`ErrorKind::Connection`] when no server answers, [`ErrorKind::Permission`] when it
    /// does not let the user in, [`ErrorKind::Settings`] when the connection string makes no sense.
    pub fn open(access: &Access, connection_string: &Sensitive<String>) -> Result<Self, Error> {
        Self::open_at(access, connection_string, &Places::of_this_machine(), SystemTime::now)
    }

    fn open_at(
        access: &Access,
        connection_string: &Sensitive<String>,
        places: &Places,
        clock: Clock,
    ) -> Result<Self, Error> {
        if access.snapshot.is_some() {
            let problem =
                "`snapshot` is not for ODBC: name the snapshot as the database in the connection string";
            return Err(Error::new(ErrorKind::Settings, problem));
        }
        let mut parts = ConnectionString::parse(connection_string.expose())?;
        let driver_file = places.resolve(&mut parts)?;
        let file = driver_file.to_string_lossy().into_owned();
        let name =
            driver_file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        for (keyword, value) in Dialect::driver_settings(&name) {
            parts.default(keyword, value);
        }
        let place = Place::new(&name);
        let password = access.password.clone();
        let text = Sensitive::new(parts.text(&file, plain(password.as_ref())));
        let connection =
            connect(text.expose()).map_err(|error| place.not_connected(&error, plain(password.as_ref())))?;
        let system = system_of(&connection, &place)?;
        let dialect = Dialect::of(&system);
        let schema = access.schema.clone().or_else(|| dialect.usual_schema().map(str::to_owned));
        let catalog = connection.current_catalog().unwrap_or_default();
        let quote = connection.identifier_quote_char().ok().flatten();
        let mut source = Self {
            place,
            driver_file,
            connection: Some(connection),
            text,
            password,
            scope: Scope { catalog, schema, dialect, quote },
            manners: access.manners,
            consistency: Consistency::None { why: String::new() },
            clock,
            pace: Pace::new(access.manners.rows_per_second),
        };
        source.set_up(&system)?;
        source.begin()?;
        Ok(source)
    }

    fn connection(&self) -> &Connection<'static> {
        self.connection.as_ref().expect("the connection goes only when the source does")
    }

    /// Says what the server has to know, and finds out whether it can show one moment.
    fn set_up(&mut self, system: &str) -> Result<(), Error> {
        let dialect = self.scope.dialect;
        for statement in dialect.settings(&self.manners) {
            self.execute(&statement)?;
        }
        let mut refusal = None;
        if let Some((question, meaning)) = dialect.allows_snapshots()
            && self.answer(question, BEGINNING)?.as_deref() != Some("1")
        {
            refusal = Some(meaning.to_owned());
        }
        self.consistency = match (dialect.snapshot(), refusal) {
            (Some(snapshot), None) => Consistency::Point { how: snapshot.how, at: String::new() },
            (Some(_), Some(why)) => Consistency::None { why },
            (None, _) => {
                Consistency::None { why: format!("the ODBC connector knows no snapshot of {system}") }
            }
        };
        if let Consistency::Point { .. } = self.consistency {
            if let Some(statement) = dialect.use_snapshots() {
                self.execute(statement)?;
            }
            let manual = self.connection().set_autocommit(false);
            manual.map_err(|error| self.place.refused(BEGINNING, &error))?;
        }
        Ok(())
    }

    /// Connects anew. The old connection, and the point in time that it saw, is given up.
    fn reconnect(&mut self) -> Result<(), Error> {
        let connection = connect(self.text.expose())
            .map_err(|error| self.place.not_connected(&error, plain(self.password.as_ref())))?;
        let system = system_of(&connection, &self.place)?;
        self.close();
        self.connection = Some(connection);
        self.set_up(&system)
    }

    /// Ends the transaction. A connection that cannot even do that is left to the end of the process: to close it
    /// would be a panic in the driver's wrapper.
    fn close(&mut self) {
        if let Some(connection) = self.connection.take()
            && connection.rollback().is_err()
        {
            mem::forget(connection);
        }
    }

    /// Refuses to read a table whose rows the transaction cannot see any more.
    fn check_as_it_was(&self, from: &str, doing: &str) -> Result<(), Error> {
        let Consistency::Point { .. } = self.consistency else { return Ok(()) };
        let Some([lock, question]) = self.scope.dialect.is_as_it_was(from) else { return Ok(()) };
        self.answer(&lock, doing)?;
        match self.answer(&question, doing)?.as_deref() {
            Some("0") => Ok(()),
            _ => Err(self.place.error(ErrorKind::Outdated, doing, WRITTEN_ANEW)),
        }
    }

    /// Ends the transaction and begins one that sees what is there now.
    fn begin(&mut self) -> Result<(), Error> {
        if let (Consistency::Point { .. }, Some(snapshot)) =
            (&self.consistency, self.scope.dialect.snapshot())
        {
            self.connection().rollback().map_err(|error| self.place.refused(BEGINNING, &error))?;
            self.execute(snapshot.begin)?;
        }
        Ok(())
    }

    fn execute(&self, statement: &str) -> Result<(), Error> {
        let done = run(self.connection(), statement, None);
        let cursor = done.map_err(|error| self.place.refused(BEGINNING, &error))?;
        // Some drivers do not close a statement whose rows nobody has read.
        if let Some(mut cursor) = cursor {
            while cursor.next_row().map_err(|error| self.place.refused(BEGINNING, &error))?.is_some() {}
        }
        Ok(())
    }

    /// The first value of the first row. `doing` says what it is asked for.
    fn answer(&self, question: &str, doing: &str) -> Result<Option<String>, Error> {
        let refused = |error: OdbcError| self.place.refused(doing, &error);
        let Some(mut cursor) = run(self.connection(), question, None).map_err(refused)? else {
            return Ok(None);
        };
        let Some(mut row) = cursor.next_row().map_err(refused)? else { return Ok(None) };
        let mut text = Vec::new();
        let is_there = row.get_text(1, &mut text).map_err(refused)?;
        Ok(is_there.then(|| String::from_utf8_lossy(&text).into_owned()))
    }

    fn catalog(&self) -> Catalog<'_> {
        Catalog { connection: self.connection(), place: &self.place, scope: &self.scope }
    }
}

fn plain(password: Option<&Sensitive<String>>) -> Option<&str> {
    password.map(|password| password.expose().as_str())
}

fn connect(text: &str) -> Result<Connection<'static>, OdbcError> {
    let options = ConnectionOptions { login_timeout_sec: Some(LOGIN_SECONDS), packet_size: None };
    environment()?.connect_with_connection_string(text, options)
}

/// The name that the driver gives the database system.
fn system_of(connection: &Connection<'static>, place: &Place) -> Result<String, Error> {
    connection.database_management_system_name().map_err(|error| place.refused(BEGINNING, &error))
}

/// The statements that read the columns of `wanted`, the best order of rows first, and how to read what they give.
fn queries(place: &Place, listed: Listed, wanted: &TableSchema, span: &Span) -> Result<Vec<Query>, Error> {
    let Listed { from, table: mut known } = listed;
    KnownColumn::check(place, &known.columns, wanted)?;
    let name = |known: &KnownColumn| known.column().name.clone();
    let mut wanted = wanted.clone();
    if wanted.columns.is_empty() {
        // A table may be read for its number of rows alone. Not every system can select a mere NULL.
        let first = known.columns.iter().find(|one| known.key.contains(&name(one))).or(known.columns.first());
        wanted.columns.extend(first.map(|known| known.column().clone()));
    }
    let query = |known: &KnownTable<KnownColumn>| -> Result<Query, Error> {
        let selection = known.select(&place.to_string(), &from, &wanted, span)?;
        let forms = selection.values.iter().map(|value| value.column.form).collect();
        let (text, key) = (selection.statement, selection.key);
        Ok(Query { text, doing: format!("table {}", wanted.name), forms, key })
    };
    let mut queries = vec![query(&known)?];
    let sortable: Vec<String> = known.columns.iter().filter(|known| known.form.sorts).map(name).collect();
    if known.key.is_empty() && !sortable.is_empty() && sortable.len() < known.columns.len() {
        // An order, but not one that tells all rows apart.
        known.key = sortable;
        queries.push(Query { key: Vec::new(), ..query(&known)? });
    }
    Ok(queries)
}

impl Source for OdbcSource {
    fn tables(&mut self) -> Result<Vec<TableSchema>, Error> {
        self.catalog().tables()
    }

    fn fingerprint(&mut self) -> Result<Digest, Error> {
        self.begin()?;
        let now = (self.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut digest = DigestBuilder::new("bron.source.odbc.1");
        digest.part(&now.as_nanos().to_be_bytes());
        Ok(digest.finish())
    }

    /// Nothing tells whether the transaction survived in the driver and on the server: both begin anew.
    fn resume(&mut self) -> Result<Digest, Error> {
        self.reconnect()?;
        self.fingerprint()
    }

    fn consistency(&self) -> Consistency {
        self.consistency.clone()
    }

    fn driver(&self) -> Option<&Path> {
        Some(&self.driver_file)
    }

    fn read_span<'a>(
        &'a mut self,
        table: &TableSchema,
        span: &Span,
        batching: Batching,
    ) -> Result<Box<dyn TableReader + 'a>, Error> {
        let source: &'a Self = self;
        let Self { place, manners, pace, .. } = source;
        let listed = source.catalog().table(&table.name)?;
        let doing = format!("table {}", table.name);
        let Some(listed) = listed else {
            let answer = source.answer(&source.catalog().probe(&table.name)?, &doing);
            return Err(not_listed(&place.to_string(), &table.name, answer));
        };
        source.check_as_it_was(&listed.from, &doing)?;
        let mut queries = queries(place, listed, table, span)?.into_iter();
        let catalog = &source.scope.catalog;
        let origin = if catalog.is_empty() { place.to_string() } else { catalog.clone() };
        loop {
            let query =
                queries.next().expect("every refusal but that of the last query is followed by another");
            let taker = RowTaker::new(origin.clone(), &table.columns).keyed(query.key.clone());
            match OdbcRows::open(source.connection(), place, query, taker, *manners, pace.begin()) {
                Ok(rows) => return Ok(Box::new(TableRows::new(rows, table, span, batching))),
                // Not every type can be sorted by.
                Err(error) if error.kind() == ErrorKind::Database && queries.len() > 0 => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for OdbcSource {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
#[cfg(feature = "odbc-tests")]
mod tests;
