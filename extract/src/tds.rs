//! SQL Server databases as sources.

mod catalog;
mod changes;
mod facts;
mod form;
mod moment;
mod point;
mod reader;
mod refusal;
mod state;
mod writer;

use std::time::Duration;

use bron_mappings::Digest;
use tiberius::error::Error as Refusal;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel, Row, ToSql};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use self::catalog::TdsColumn;
use self::point::Point;
use self::reader::{Deadline, TdsRows};
use self::refusal::{ends_transaction, refused};
use crate::access::{Access, Locator, ServerAddress};
use crate::error::{Error, ErrorKind};
use crate::found::RowTaker;
use crate::intake::TableRows;
use crate::pace::Pace;
use crate::runtime::runtime;
use crate::selection::{KnownTable, Reading, Selectable, Selected, even_marks, not_listed, unknown_mark};
use crate::source::{Consistency, Source, TableReader, TableSchema};
use crate::span::{Batching, Mark, Span};
use crate::trust::check_authorities;

pub use self::changes::{
    ChangedRow, KeyedRow, MssqlChanges, TrackedChanges, TrackedChunk, TrackingSetup, tracking_setup,
};
pub use self::state::{DatabaseLife, TrackedTable, TrackingState};
pub use self::writer::{GivenRow, LastChange, MssqlWriter, MssqlWriting, WriteOutcome};

pub(crate) const USUAL_PORT: u16 = 1433;
pub(crate) const USUAL_SCHEMA: &str = "dbo";
/// How long a server may take to let the user in.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// How long a statement of a connection that follows or writes may take when the settings say nothing.
const USUAL_TIME: Duration = Duration::from_secs(300);

/// A read-only connection to a SQL Server database.
///
/// The reads see one point in time: that of the database snapshot which the settings name, else that of one
/// transaction with SNAPSHOT isolation, in which the change-tracking version is read first;
/// [`Source::fingerprint`] ends it and begins the next. Where the database allows neither,
/// [`Source::consistency`] says so, and each statement sees what is committed when it comes to a row. A
/// transaction that is held open makes the server keep old versions of rows: read at night, or from a database
/// snapshot.
///
/// The fingerprint of a database snapshot is its name and when it was made. That of a transaction is the
/// change-tracking version with the shape of the tables, if every table of the schema is tracked and none is a view;
/// else nothing on the server says whether anything changed, and the fingerprint is another each time.
///
/// Rows come in the order of the primary key, texts in it by their code units; tables and views without a key in
/// the order of all their columns. A `money` is read as an exact number. Texts in UTF-16 are read as they are
/// stored and decoded here, so that broken ones cost a row and not the table. `binary`, `image` and `rowversion`
/// travel as bytes. Columns of the types `sql_variant` and `xml` and of types of the CLR can be described, not read.
///
/// The connection says that it only reads (`ApplicationIntent=ReadOnly`), gives way in deadlocks and waits for locks
/// no longer than it may. One that broke, or whose statement took too long, is not used again: the point in time
/// is gone with it, and the next [`Source::fingerprint`] makes another. A refused statement leaves the transaction
/// open, whatever the server's own settings say. [`Source::resume`] asks the server whether the transaction is open
/// still, or the database snapshot the one that it was.
///
/// The methods block and must not be called from asynchronous code.
pub struct MssqlSource {
    access: Access,
    address: ServerAddress,
    connected: Connected,
    point: Point,
    pace: Pace,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    /// Reading the source: any copy of the database that the server offers to readers will do.
    ReadOnly,
    /// Following or writing: the database that is written to.
    ReadWrite,
}

/// The state of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// It is as it was.
    Whole,
    /// The connection broke, or the transaction did.
    Lost,
}

/// A connection.
struct Connected {
    runtime: Runtime,
    session: Session,
    line: Line,
    place: String,
}

/// What the server knows of a connection.
struct Session(Client<Compat<TcpStream>>);

impl Session {
    /// The rows of a statement.
    async fn ask(&mut self, statement: &str, parameters: &[&dyn ToSql]) -> Result<Vec<Row>, Refusal> {
        self.0.query(statement, parameters).await?.into_first_result().await
    }

    /// The rows of the last answer to statements: triggers may give answers of their own before it.
    async fn ask_last(&mut self, statements: &str, parameters: &[&dyn ToSql]) -> Result<Vec<Row>, Refusal> {
        let answers = self.0.query(statements, parameters).await?.into_results().await?;
        Ok(answers.into_iter().next_back().unwrap_or_default())
    }

    /// Statements of our own, without parameters and rows.
    async fn tell(&mut self, statements: &str) -> Result<(), Refusal> {
        self.0.simple_query(statements).await?.into_results().await.map(drop)
    }
}

impl Connected {
    fn new(access: &Access, address: &ServerAddress, intent: Intent) -> Result<Self, Error> {
        check_authorities(address)?;
        let place = place(address);
        let runtime = runtime()?;
        let client = runtime.block_on(async {
            let work = connect(access, address, intent);
            let late = || Refusal::Io { kind: std::io::ErrorKind::TimedOut, message: String::new() };
            tokio::time::timeout(HANDSHAKE, work).await.map_err(|_| late()).flatten()
        });
        let session = client.map(Session).map_err(|error| refused(&place, "connecting", error))?;
        let mut connected = Self { runtime, session, line: Line::Whole, place };
        let lock_timeout = access.manners.lock_timeout.as_millis();
        connected.tell(&format!(
            "SET NOCOUNT ON; SET XACT_ABORT OFF; SET LOCK_TIMEOUT {lock_timeout}; SET DEADLOCK_PRIORITY LOW; \
             SET TEXTSIZE 2147483647; SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
        ))?;
        Ok(connected)
    }

    /// A statement of our own, without parameters and rows.
    fn tell(&mut self, statement: &str) -> Result<(), Error> {
        self.run(None, "beginning to read", async |session| session.tell(statement).await)
    }

    /// Does something on the connection within the time that a statement may take.
    fn run<T>(
        &mut self,
        time: Option<Duration>,
        doing: &str,
        work: impl AsyncFnOnce(&mut Session) -> Result<T, Refusal>,
    ) -> Result<T, Error> {
        self.check(doing)?;
        let Self { runtime, session, .. } = self;
        let done = runtime.block_on(async { Deadline::after(time).hold(work(session)).await });
        match done {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => {
                if ends_transaction(&error) {
                    self.line = Line::Lost;
                }
                Err(refused(&self.place, doing, error))
            }
            None => {
                self.line = Line::Lost;
                Err(timed_out(&self.place, doing))
            }
        }
    }

    /// Refuses to go on where the point in time is gone. What a table that was left still sends is read past by
    /// the driver.
    fn check(&self, doing: &str) -> Result<(), Error> {
        match self.line {
            Line::Whole => Ok(()),
            Line::Lost => {
                let problem = "the connection broke before, and the point in time is gone with it";
                Err(Error::new(ErrorKind::Connection, format!("{}: {doing}: {problem}", self.place)))
            }
        }
    }
}

/// The error about a statement that took too long.
fn timed_out(place: &str, doing: &str) -> Error {
    Error::new(ErrorKind::Busy, format!("{place}: {doing}: it took longer than the settings allow"))
}

async fn connect(
    access: &Access,
    address: &ServerAddress,
    intent: Intent,
) -> Result<Client<Compat<TcpStream>>, Refusal> {
    let port = address.port.unwrap_or(USUAL_PORT);
    let stream = TcpStream::connect((address.host.trim_matches(['[', ']']), port)).await?;
    stream.set_nodelay(true)?;
    Client::connect(config(access, address, intent), stream.compat_write()).await
}

/// What the driver is told.
fn config(access: &Access, address: &ServerAddress, intent: Intent) -> Config {
    let mut config = Config::new();
    config.host(&address.host);
    config.port(address.port.unwrap_or(USUAL_PORT));
    config.database(access.snapshot.as_ref().unwrap_or(&address.database));
    config.application_name("bron");
    config.readonly(intent == Intent::ReadOnly);
    config.encryption(if access.allows_plain_text(address) {
        EncryptionLevel::NotSupported
    } else {
        EncryptionLevel::Required
    });
    if let Some(authorities) = &address.authorities {
        config.trust_cert_ca(authorities.display());
    }
    let user = address.user.as_ref().map_or("", |user| user.expose().as_str());
    let password = access.password.as_ref().map_or("", |password| password.expose().as_str());
    config.authentication(AuthMethod::sql_server(user, password));
    // Our own clock holds the time of a statement, its rows included.
    config.command_timeout(None);
    config.handshake_timeout(Some(HANDSHAKE));
    config
}

/// A name as SQL text. The only place where names from a database or a mapping enter a statement.
pub(crate) fn quoted(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// The address of the SQL Server that an access names.
fn server_of(access: &Access) -> Result<&ServerAddress, Error> {
    if let Locator::Mssql(address) = &access.locator {
        return Ok(address);
    }
    Err(Error::new(ErrorKind::Settings, format!("{}: this is no SQL Server", access.locator)))
}

/// The schema whose tables are meant.
fn schema_of(access: &Access) -> String {
    access.schema.clone().unwrap_or_else(|| USUAL_SCHEMA.to_owned())
}

/// The longest that a statement of a connection which follows or writes may take: what the settings say, and never
/// for ever.
fn time_of(access: &Access) -> Option<Duration> {
    Some(access.manners.statement_timeout.unwrap_or(USUAL_TIME))
}

/// The server, as errors name it.
fn place(address: &ServerAddress) -> String {
    format!("mssql://{address}")
}

impl MssqlSource {
    /// Connects and fixes the first point in time.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`] when no server answers, [`ErrorKind::Permission`] when it does not let the user
    /// in, [`ErrorKind::Settings`] when it does not encrypt, when its certificate cannot be trusted or when what the
    /// settings call a database snapshot is none.
    pub fn open(access: &Access, address: &ServerAddress) -> Result<Self, Error> {
        let mut connected = Connected::new(access, address, Intent::ReadOnly)?;
        let point = Point::fix(&mut connected, access)?;
        let pace = Pace::new(access.manners.rows_per_second);
        Ok(Self { access: access.clone(), address: address.clone(), connected, point, pace })
    }

    fn schema(&self) -> String {
        schema_of(&self.access)
    }

    /// Whether the following reads see the point in time; where they do not, the connection is given up.
    fn stands(&mut self) -> bool {
        let stands = self.point.stands(&mut self.connected, &self.access);
        if !stands {
            self.connected.line = Line::Lost;
        }
        stands
    }

    /// What the catalog says of a table, and what SQL calls it.
    fn known(&mut self, table: &str) -> Result<(KnownTable<TdsColumn>, String), Error> {
        let (schema, time) = (self.schema(), self.access.manners.statement_timeout);
        let doing = format!("table {table}");
        let known = self
            .connected
            .run(time, &doing, async |session| catalog::table(session, &schema, table).await)?;
        let from = format!("{}.{}", quoted(&schema), quoted(table));
        if let Some(known) = known {
            return Ok((known, from));
        }
        let asked = format!("SELECT count(*) FROM {from} WHERE 1 = 0");
        let answer = self.connected.run(time, &doing, async |session| session.ask(&asked, &[]).await);
        Err(not_listed(&self.connected.place, table, answer))
    }
}

impl Source for MssqlSource {
    fn tables(&mut self) -> Result<Vec<TableSchema>, Error> {
        let (schema, time) = (self.schema(), self.access.manners.statement_timeout);
        self.connected
            .run(time, "reading the schema", async |session| catalog::tables(session, &schema).await)
    }

    fn fingerprint(&mut self) -> Result<Digest, Error> {
        if !self.stands() {
            self.connected = Connected::new(&self.access, &self.address, Intent::ReadOnly)?;
        } else if self.point.is_transaction() {
            self.connected.tell("ROLLBACK; SET TRANSACTION ISOLATION LEVEL READ COMMITTED")?;
        }
        let point = Point::fix(&mut self.connected, &self.access);
        if point.is_err() {
            // A transaction may have begun, which is not that of the point before.
            self.connected.line = Line::Lost;
        }
        self.point = point?;
        Ok(self.point.fingerprint())
    }

    fn resume(&mut self) -> Result<Digest, Error> {
        if self.stands() { Ok(self.point.fingerprint()) } else { self.fingerprint() }
    }

    fn consistency(&self) -> Consistency {
        self.point.consistency()
    }

    fn beside(&mut self) -> Result<Option<Box<dyn Source + Send>>, Error> {
        // A transaction cannot be shared, a database snapshot can.
        if self.access.snapshot.is_none() {
            return Ok(None);
        }
        let other = Self::open(&self.access, &self.address)?;
        if other.point.fingerprint() != self.point.fingerprint() {
            let problem =
                "the database snapshot was made anew, and the point in time is gone with the one before";
            return Err(Error::new(ErrorKind::Outdated, format!("{}: {problem}", self.connected.place)));
        }
        Ok(Some(Box::new(Self { pace: self.pace.clone(), ..other })))
    }

    fn read_span<'a>(
        &'a mut self,
        table: &TableSchema,
        span: &Span,
        batching: Batching,
    ) -> Result<Box<dyn TableReader + 'a>, Error> {
        let (place, doing) = (self.connected.place.clone(), format!("table {}", table.name));
        let (known, from) = self.known(&table.name)?;
        let selection = known.select(&place, &from, table, span)?;
        let unread = |(_, value): &(_, &Selected<'_, TdsColumn>)| !value.column.is_readable();
        if let Some((unread, _)) = table.columns.iter().zip(&selection.values).find(unread) {
            let problem = format!(
                "{place}: table {}: column {} has the type {}, which cannot be read: leave it out of the mapping, or \
                 convert it in a view",
                table.name, unread.name, unread.declared_type
            );
            return Err(Error::new(ErrorKind::Unreadable, problem));
        }
        let forms = selection.values.iter().map(|value| value.column.form()).collect();
        let deadline = Deadline::after(self.access.manners.statement_timeout);
        let name = self.address.database.clone();
        let Connected { runtime, session, line, .. } = &mut self.connected;
        let asked = session.0.simple_query(selection.statement);
        let stream = match runtime.block_on(async { deadline.hold(asked).await }) {
            Some(Ok(stream)) => stream,
            Some(Err(error)) => {
                if ends_transaction(&error) {
                    *line = Line::Lost;
                }
                return Err(refused(&place, &doing, error));
            }
            None => {
                *line = Line::Lost;
                return Err(timed_out(&place, &doing));
            }
        };
        let reading = Reading { name, place, doing, forms };
        let taker = RowTaker::new(reading.name.clone(), &table.columns).keyed(selection.key);
        let rows = TdsRows::new(runtime, stream, line, reading, taker, self.pace.begin(), deadline);
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
        let span = Span { after: after.cloned(), ..Span::default() };
        let rows = known.condition(&span).ok_or_else(|| unknown_mark(&self.connected.place, &table.name))?;
        let end = |function: &str| format!("CAST({function}({number}) AS bigint)");
        let ends = format!("SELECT {}, {} FROM {from}{rows}", end("MIN"), end("MAX"));
        let (time, doing) = (self.access.manners.statement_timeout, format!("table {}", table.name));
        let ends = self.connected.run(time, &doing, async |session| {
            let rows = session.ask(&ends, &[]).await?;
            let Some(row) = rows.first() else { return Ok((None, None)) };
            Ok((row.try_get::<i64, _>(0)?, row.try_get::<i64, _>(1)?))
        })?;
        let (Some(first), Some(last)) = ends else { return Ok(Vec::new()) };
        Ok(even_marks(first, last, table.rows_estimate, rows_each))
    }
}

#[cfg(test)]
pub(crate) mod tests;
