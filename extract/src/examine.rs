//! What a source says about itself when it is asked and not read.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use bron_mappings::System;

use crate::access::{Access, Locator, ServerAddress};
use crate::error::{Error, ErrorKind};
use crate::grants::TableNeed;
use crate::source::{Consistency, TableSchema};
use crate::{MssqlSource, MysqlSource, OdbcSource, PostgresSource, mysql, postgres, tds};

/// An answer, or why there is none.
pub type Asked<T> = Result<T, Error>;

/// What a source that let us in says about itself.
#[derive(Debug)]
pub struct Facts {
    /// Its tables.
    pub tables: Asked<Vec<TableSchema>>,
    /// What would hold reads of it together.
    pub consistency: Consistency,
    /// What is needed and cannot be read; empty when all of it can.
    pub unread: Asked<Vec<Unread>>,
    /// What only a server can say.
    pub server: Option<ServerFacts>,
}

/// What a server says about itself, the connection and the account.
#[derive(Debug)]
pub struct ServerFacts {
    /// The product and its version.
    pub product: Asked<String>,
    /// How the connection is kept from listeners.
    pub encryption: Asked<Encryption>,
    /// What its clock shows.
    pub clock: Asked<ServerClock>,
    /// The time zone of its clock, in its own words.
    pub time_zone: Asked<String>,
    /// The character set and the collation of the database.
    pub texts: Asked<String>,
    /// What the account may do beyond reading; empty when it may only read.
    pub beyond_reading: Asked<Vec<String>>,
    /// What else is worth knowing before a long reading.
    pub remarks: Vec<String>,
}

/// How a connection is kept from listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    Plain,
    /// By TLS.
    Tls {
        /// The version and the cipher, where the driver or the server says them.
        how: Option<String>,
        /// Whether the server had to prove that it is the one that the address names.
        checked: bool,
    },
}

/// What a clock elsewhere shows, and when it was asked.
#[derive(Clone, Copy, Debug)]
pub struct ServerClock {
    /// Milliseconds since 1970 in UTC.
    pub shown: i64,
    /// When the answer came.
    pub asked: Instant,
}

impl ServerClock {
    pub(crate) fn shows(shown: i64) -> Self {
        Self { shown, asked: Instant::now() }
    }
}

/// Something that a reading needs and cannot read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The table.
    pub table: String,
    /// The column; `None` when it is the whole table.
    pub column: Option<String>,
    /// Why, in words.
    pub why: String,
}

/// A connection that answers questions.
pub(crate) trait Asker {
    /// The rows of an answer, each value as text, NULL as empty text.
    fn rows(&mut self, question: &str) -> Result<Vec<Vec<String>>, Error>;

    /// A column as SQL text.
    fn column(&self, name: &str) -> Result<String, Error>;

    /// A table as SQL text.
    fn table(&self, name: &str) -> Result<String, Error>;

    /// The one value of an answer.
    fn value(&mut self, question: &str) -> Result<String, Error> {
        let first = self.rows(question)?.into_iter().next().and_then(|row| row.into_iter().next());
        first.ok_or_else(|| Error::new(ErrorKind::Database, "the server gave no answer"))
    }
}

/// What cannot be read of the columns that are needed. The columns that a table is sorted by are among them. No row is
/// asked for.
pub(crate) fn unread(
    asker: &mut dyn Asker,
    tables: &[TableSchema],
    needs: &[TableNeed],
) -> Result<Vec<Unread>, Error> {
    let mut found = Vec::new();
    for need in needs {
        let Some(known) = tables.iter().find(|table| table.name == need.table) else {
            let why = "it is not there, or the account may not see it".to_owned();
            found.push(Unread { table: need.table.clone(), column: None, why });
            continue;
        };
        let mut columns: Vec<&String> = need.read.iter().collect();
        columns.extend(known.key_unique.iter().filter(|column| !need.read.contains(*column)));
        let Some(refusal) = refusal(asker, &need.table, &columns)? else { continue };
        let before = found.len();
        for column in &columns {
            if let Some(refusal) = self::refusal(asker, &need.table, &[column])? {
                let (table, column) = (need.table.clone(), Some((*column).clone()));
                found.push(Unread { table, column, why: refusal.to_string() });
            }
        }
        if found.len() == before {
            found.push(Unread { table: need.table.clone(), column: None, why: refusal.to_string() });
        }
    }
    Ok(found)
}

/// Why these columns cannot be read; `None` when they can. A connection that breaks is an error.
fn refusal(asker: &mut dyn Asker, table: &str, columns: &[&String]) -> Result<Option<Error>, Error> {
    let listed = columns.iter().map(|column| asker.column(column)).collect::<Result<Vec<_>, _>>()?;
    let listed = if listed.is_empty() { "NULL".to_owned() } else { listed.join(", ") };
    let question = format!("SELECT {listed} FROM {} WHERE 1 = 0", asker.table(table)?);
    match asker.rows(&question) {
        Ok(_) => Ok(None),
        Err(error) if error.is_retryable() => Err(error),
        Err(error) => Ok(Some(error)),
    }
}

/// A fact that this kind of source cannot tell.
pub(crate) fn untold<T>(why: &str) -> Asked<T> {
    Err(Error::new(ErrorKind::Settings, why))
}

impl Access {
    /// The address and the usual port of a source that is reached over the network by us and not by a driver.
    fn server(&self) -> Option<(&ServerAddress, u16)> {
        match &self.locator {
            Locator::Postgres(address) => Some((address, postgres::USUAL_PORT)),
            Locator::Mysql(address) => Some((address, mysql::USUAL_PORT)),
            Locator::Mssql(address) => Some((address, tds::USUAL_PORT)),
            Locator::Sqlite(_) | Locator::Csv(_) | Locator::Odbc(_) => None,
        }
    }

    /// Whether the port of a server takes connections: the machine and the port, and how long it took. `None` where
    /// there is none to knock at. Nothing is said to the server.
    #[must_use]
    pub fn reach(&self, patience: Duration) -> Option<(String, Asked<Duration>)> {
        let (address, usual) = self.server()?;
        let port = address.port.unwrap_or(usual);
        let reached = reach(address, port, patience).map_err(|why| Error::new(ErrorKind::Connection, why));
        Some((format!("{}:{port}", address.host), reached))
    }

    /// Opens the source and asks what it says about itself, and whether `needs` can be read. Reads no row.
    ///
    /// # Errors
    /// Those of [`Access::open`]; what only one question meets stands in its place.
    pub fn facts(&self, described: Option<&System>, needs: &[TableNeed]) -> Result<Facts, Error> {
        match &self.locator {
            Locator::Postgres(address) => Ok(PostgresSource::open(self, address)?.facts(needs)),
            Locator::Mysql(address) => Ok(MysqlSource::open(self, address)?.facts(needs)),
            Locator::Mssql(address) => Ok(MssqlSource::open(self, address)?.facts(needs)),
            Locator::Odbc(connection) => Ok(OdbcSource::open(self, connection)?.facts(needs)),
            Locator::Sqlite(_) | Locator::Csv(_) => {
                let mut source = self.open(described)?;
                let (tables, consistency) = (source.tables(), source.consistency());
                // Whoever may open a file may read all of it.
                let missing = tables.as_ref().map(|tables| missing(tables, needs)).unwrap_or_default();
                Ok(Facts { tables, consistency, unread: Ok(missing), server: None })
            }
        }
    }
}

fn missing(tables: &[TableSchema], needs: &[TableNeed]) -> Vec<Unread> {
    let absent = needs.iter().filter(|need| !tables.iter().any(|table| table.name == need.table));
    let unread = |need: &TableNeed| {
        let why = "it is not there".to_owned();
        Unread { table: need.table.clone(), column: None, why }
    };
    absent.map(unread).collect()
}

fn reach(address: &ServerAddress, port: u16, patience: Duration) -> Result<Duration, String> {
    let began = Instant::now();
    let host = address.host.trim_matches(['[', ']']);
    let found =
        (host, port).to_socket_addrs().map_err(|_| "the name of the machine is not known".to_owned())?;
    let mut last = "the name of the machine has no address".to_owned();
    for address in found {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(_) => return Ok(began.elapsed()),
            Err(error) => last = format!("no connection: {error}"),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Answers as a server that lets nobody read some columns.
    struct Denying(Vec<&'static str>);

    impl Asker for Denying {
        fn rows(&mut self, question: &str) -> Result<Vec<Vec<String>>, Error> {
            if self.0.iter().any(|denied| question.contains(denied)) {
                return Err(Error::new(ErrorKind::Permission, "may not"));
            }
            Ok(Vec::new())
        }

        fn column(&self, name: &str) -> Result<String, Error> {
            Ok(format!("<{name}>"))
        }

        fn table(&self, name: &str) -> Result<String, Error> {
            Ok(format!("<{name}>"))
        }
    }

    fn table(name: &str, key: &[&str]) -> TableSchema {
        let key_unique = key.iter().map(|name| (*name).to_owned()).collect();
        TableSchema { name: name.to_owned(), columns: Vec::new(), key_unique, rows_estimate: 0 }
    }

    fn need(table: &str, read: &[&str]) -> TableNeed {
        let read = read.iter().map(|name| (*name).to_owned()).collect();
        TableNeed { table: table.to_owned(), read, left: BTreeSet::new() }
    }

    fn told(denied: Vec<&'static str>) -> Vec<(String, Option<String>)> {
        let tables = [table("A", &["ID"]), table("B", &[])];
        let needs = [need("A", &["X", "Y"]), need("B", &["Z"]), need("C", &["Z"])];
        let found = unread(&mut Denying(denied), &tables, &needs).unwrap();
        found.into_iter().map(|unread| (unread.table, unread.column)).collect()
    }

    #[test]
    fn what_cannot_be_read_is_named_to_the_column() {
        let absent = ("C".to_owned(), None);
        let column = |table: &str, column: &str| (table.to_owned(), Some(column.to_owned()));
        assert_eq!(told(vec![]), std::slice::from_ref(&absent));
        assert_eq!(told(vec!["<Y>"]), [column("A", "Y"), absent.clone()]);
        assert_eq!(told(vec!["<ID>"]), [column("A", "ID"), absent.clone()]);
        assert_eq!(told(vec!["FROM <B>"]), [column("B", "Z"), absent]);
    }

    #[test]
    fn nobody_at_a_port_is_said() {
        let access = Access::new(Locator::parse("postgres://127.0.0.1:1/x").unwrap());
        let (name, reached) = access.reach(Duration::from_secs(1)).unwrap();
        assert_eq!(name, "127.0.0.1:1");
        assert_eq!(reached.unwrap_err().kind(), ErrorKind::Connection);
        assert!(Access::new(Locator::Csv("x".into())).reach(Duration::from_secs(1)).is_none());
    }
}
