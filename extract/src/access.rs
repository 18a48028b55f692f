//! Where a source is, who reads it, and how gently.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use bron_mappings::{Sensitive, System};
use url::{Host, Url};

use crate::delimited::CsvSource;
use crate::error::{Error, ErrorKind};
use crate::mysql::MysqlSource;
use crate::odbc::OdbcSource;
use crate::postgres::PostgresSource;
use crate::source::Source;
use crate::sqlite::SqliteSource;
use crate::tds::MssqlSource;

/// A source and the terms on which it is read.
#[derive(Clone, Debug)]
pub struct Access {
    /// Where it is.
    pub locator: Locator,
    /// The password of the user that the locator names, where the server asks for one.
    pub password: Option<Sensitive<String>>,
    /// The schema whose tables are read, where a database has several: `dbo` and `public` by default.
    pub schema: Option<String>,
    /// The database snapshot to read instead of the live database, where the server has such a thing.
    pub snapshot: Option<String>,
    /// What the source is spared.
    pub manners: Manners,
    /// Whether a server on another machine may be spoken to in plain text. For development only.
    pub plain_text: bool,
}

/// What a production system is spared while it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manners {
    /// The longest that a statement may take, the time in which its rows are read included; none by default.
    pub statement_timeout: Option<Duration>,
    /// The longest wait for somebody else's lock.
    pub lock_timeout: Duration,
    /// The most rows that are read in a second, by all connections that read one moment; as many as come by default.
    pub rows_per_second: Option<u32>,
}

impl Default for Manners {
    fn default() -> Self {
        Self { statement_timeout: None, lock_timeout: Duration::from_secs(5), rows_per_second: None }
    }
}

/// Where a source is. Prints without user and password.
#[derive(Clone, PartialEq, Eq)]
pub enum Locator {
    /// An SQLite database file.
    Sqlite(PathBuf),
    /// A folder of delimited files.
    Csv(PathBuf),
    /// A PostgreSQL database.
    Postgres(ServerAddress),
    /// A MySQL or MariaDB database.
    Mysql(ServerAddress),
    /// A SQL Server database.
    Mssql(ServerAddress),
    /// Whatever an ODBC connection string names.
    Odbc(Sensitive<String>),
}

/// The address of a database on a server.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// The name or number of the machine.
    pub host: String,
    /// The port; the kind of server has a usual one.
    pub port: Option<u16>,
    /// The database.
    pub database: String,
    /// The user who reads.
    pub user: Option<Sensitive<String>>,
    /// A file with certificate authorities that may have signed the server's certificate, beside those of this
    /// machine: the option `ca=PATH` of the address.
    pub authorities: Option<PathBuf>,
}

impl Locator {
    /// Reads `sqlite:PATH`, `csv:DIR`, `postgres://USER@HOST:PORT/DATABASE`, the same with `mysql` or `mssql`, or
    /// `odbc:CONNECTION STRING`.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when it is none of these, or holds a password: it would be seen in lists of
    /// processes and in histories. The text is not repeated.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (scheme, rest) = text.split_once(':').ok_or_else(unknown)?;
        let path = || {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if path.is_empty() { Err(settings("the address names no file")) } else { Ok(PathBuf::from(path)) }
        };
        match scheme {
            "sqlite" => path().map(Self::Sqlite),
            "csv" => path().map(Self::Csv),
            "postgres" | "postgresql" => ServerAddress::parse(text).map(Self::Postgres),
            "mysql" | "mariadb" => ServerAddress::parse(text).map(Self::Mysql),
            "mssql" | "sqlserver" => ServerAddress::parse(text).map(Self::Mssql),
            "odbc" if !rest.is_empty() => Ok(Self::Odbc(Sensitive::new(rest.to_owned()))),
            _ => Err(unknown()),
        }
    }

    /// Whether the source goes on changing while nobody looks: what was read once may never be there again.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        match self {
            Self::Sqlite(_) | Self::Csv(_) => false,
            Self::Postgres(_) | Self::Mysql(_) | Self::Mssql(_) | Self::Odbc(_) => true,
        }
    }
}

fn unknown() -> Error {
    settings("a source is sqlite:PATH, csv:DIR, postgres://…, mysql://…, mssql://… or odbc:CONNECTION STRING")
}

fn settings(problem: impl Into<String>) -> Error {
    Error::new(ErrorKind::Settings, problem)
}

impl ServerAddress {
    /// Reads `SCHEME://USER@HOST:PORT/DATABASE?ca=PATH`.
    fn parse(text: &str) -> Result<Self, Error> {
        // The parser's own words may quote the address.
        let url = Url::parse(text).map_err(|_| settings("the address of the source was not understood"))?;
        if url.password().is_some() {
            return Err(settings("the address of a source holds no password: name it in `password`"));
        }
        let mut authorities = None;
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "ca" => authorities = Some(PathBuf::from(value.as_ref())),
                other => return Err(settings(format!("the address has an unknown option: {other}"))),
            }
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| settings("the address of the source names no machine"))?;
        let database = url.path().trim_start_matches('/');
        if database.is_empty() || database.contains('/') {
            return Err(settings("the address of the source names no database"));
        }
        Ok(Self {
            host: decoded(host)?,
            port: url.port(),
            database: decoded(database)?,
            user: Some(url.username())
                .filter(|user| !user.is_empty())
                .map(decoded)
                .transpose()?
                .map(Sensitive::new),
            authorities,
        })
    }

    /// Whether the server is this machine, so that nothing is sent over a network.
    #[must_use]
    pub fn is_here(&self) -> bool {
        match Host::parse(&self.host) {
            Ok(Host::Domain(name)) => {
                name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
            Ok(Host::Ipv4(address)) => address.is_loopback(),
            Ok(Host::Ipv6(address)) => address.is_loopback(),
            Err(_) => false,
        }
    }
}

fn decoded(text: &str) -> Result<String, Error> {
    let text = percent_encoding::percent_decode_str(text).decode_utf8();
    text.map(String::from).map_err(|_| settings("the address of the source is not UTF-8"))
}

impl Access {
    /// Access to a source on the usual terms.
    #[must_use]
    pub fn new(locator: Locator) -> Self {
        Self {
            locator,
            password: None,
            schema: None,
            snapshot: None,
            manners: Manners::default(),
            plain_text: false,
        }
    }

    /// Whether a server may be spoken to without TLS: on this machine, or when the settings say so, and never when
    /// they name whom to trust.
    pub(crate) fn allows_plain_text(&self, address: &ServerAddress) -> bool {
        (self.plain_text || address.is_here()) && address.authorities.is_none()
    }

    /// Opens the source. `described` says how a folder's files are to be read.
    ///
    /// # Errors
    /// Those of the connector; [`ErrorKind::Settings`] when a folder's files are not described.
    pub fn open(&self, described: Option<&System>) -> Result<Box<dyn Source>, Error> {
        Ok(match &self.locator {
            Locator::Sqlite(path) => Box::new(SqliteSource::open(path)?),
            Locator::Csv(path) => {
                let described = described.ok_or_else(|| {
                    settings(format!("{} delivers files, but no system.toml describes them", path.display()))
                })?;
                Box::new(CsvSource::open(path, described)?)
            }
            Locator::Postgres(address) => Box::new(PostgresSource::open(self, address)?),
            Locator::Mysql(address) => Box::new(MysqlSource::open(self, address)?),
            Locator::Mssql(address) => Box::new(MssqlSource::open(self, address)?),
            Locator::Odbc(connection) => Box::new(OdbcSource::open(self, connection)?),
        })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.database)
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerAddress({self})")
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Csv(path) => write!(f, "csv:{}", path.display()),
            Self::Postgres(address) => write!(f, "postgres://{address}"),
            Self::Mysql(address) => write!(f, "mysql://{address}"),
            Self::Mssql(address) => write!(f, "mssql://{address}"),
            // Any part of a connection string may be a secret of some driver.
            Self::Odbc(_) => f.write_str("odbc:…"),
        }
    }
}

impl fmt::Debug for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locator({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> ServerAddress {
        match Locator::parse(text).unwrap() {
            Locator::Postgres(address) | Locator::Mysql(address) | Locator::Mssql(address) => address,
            Locator::Sqlite(_) | Locator::Csv(_) | Locator::Odbc(_) => panic!("{text} is no server"),
        }
    }

    #[test]
    fn an_address_has_its_parts() {
        let address = server("mssql://l%C3%A4sare@db.example.org:1433/paraply?ca=/etc/ca.pem");
        assert_eq!(address.to_string(), "db.example.org:1433/paraply");
        assert_eq!(address.user.unwrap().expose(), "läsare");
        assert_eq!(address.authorities, Some("/etc/ca.pem".into()));
        assert_eq!(Locator::parse("sqlite:///data/a.db").unwrap(), Locator::Sqlite("/data/a.db".into()));
        assert_eq!(Locator::parse("csv:leverans").unwrap(), Locator::Csv("leverans".into()));
    }

    #[test]
    fn a_password_in_the_address_is_refused_and_not_repeated() {
        let error = Locator::parse("postgres://u:hemligt@db.example.org/x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings);
        assert!(!error.to_string().contains("hemligt"));
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for text in ["", "paraply", "oracle://x/y", "postgres://", "mysql://db.example.org", "odbc:", "csv:"]
        {
            assert_eq!(Locator::parse(text).unwrap_err().kind(), ErrorKind::Settings, "{text}");
        }
        assert!(Locator::parse("mssql://h/d?encrypt=no").unwrap_err().to_string().contains("encrypt"));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let odbc = Locator::parse("odbc:Driver=x;UID=u;PWD=hemligt").unwrap();
        let server = Locator::parse("mysql://anna@db.example.org/x").unwrap();
        let printed = format!("{odbc} {odbc:?} {server} {server:?}");
        assert!(!printed.contains("hemligt") && !printed.contains("anna"), "{printed}");
    }

    #[test]
    fn tls_is_spoken_to_other_machines_and_where_somebody_is_trusted() {
        let cases = [
            ("postgres://localhost/x", false, true),
            ("postgres://localhost/x?ca=/etc/ca.pem", false, false),
            ("postgres://db.example.org/x", false, false),
            ("postgres://db.example.org/x", true, true),
            ("postgres://db.example.org/x?ca=/etc/ca.pem", true, false),
        ];
        for (text, plain_text, expected) in cases {
            let access = Access { plain_text, ..Access::new(Locator::parse(text).unwrap()) };
            assert_eq!(access.allows_plain_text(&server(text)), expected, "{text}, {plain_text}");
        }
    }

    #[test]
    fn this_machine_is_told_from_others() {
        for here in ["localhost", "127.0.0.1", "[::1]"] {
            assert!(server(&format!("postgres://{here}:5433/x")).is_here(), "{here}");
        }
        for there in ["db.example.org", "10.0.0.1", "127.0.0.1.example.org"] {
            assert!(!server(&format!("postgres://{there}/x")).is_here(), "{there}");
        }
    }
}
