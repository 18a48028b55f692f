//! Where a target is, and how it may be reached.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use bron_mappings::Sensitive;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::error::{Error, ErrorKind, Result};

/// The address of a target database. Prints without user and password.
///
/// TLS to PostgreSQL: `sslmode` in the address decides. Without it, a server on this machine is asked for
/// TLS and taken without, and every other server must speak TLS. A server elsewhere with an `sslmode` that
/// allows plain text is refused. `require` encrypts; only `verify-ca` and `verify-full` also prove who
/// answers.
#[derive(Clone)]
pub enum Target {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server, as its URL. [`Target::parse`] makes sure that the URL is usable.
    Postgres(Sensitive<String>),
}

/// A target whose address has been understood.
pub(crate) enum Place<'a> {
    File(&'a Path),
    Server(Box<PgConnectOptions>),
}

impl Target {
    /// Reads an address: `postgres://…`, `postgresql://…`, `sqlite:path` or a path.
    ///
    /// # Errors
    /// Kind `Config` for an empty address, a PostgreSQL address that is not understood, or one that would
    /// send personal data over a network in plain text. The address is not repeated.
    pub fn parse(text: &str) -> Result<Self> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            options(text)?;
            return Ok(Self::Postgres(Sensitive::new(text.to_owned())));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            return Err(Error::new(ErrorKind::Config, "the target's address is empty"));
        }
        if path.contains("://") {
            return Err(Error::new(ErrorKind::Config, "a target is a file, sqlite:… or postgres://…"));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }

    /// The name of the database on a server; `None` for a file.
    #[must_use]
    pub fn database(&self) -> Option<String> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(url) => options(url.expose()).ok()?.get_database().map(str::to_owned),
        }
    }

    /// How the driver reaches the server, with the TLS that is demanded of it; `None` for a file.
    ///
    /// # Errors
    /// Kind `Config` for an address that [`Target::parse`] would refuse.
    pub fn server(&self) -> Result<Option<PgConnectOptions>> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(url) => options(url.expose()).map(Some),
        }
    }

    /// Whether the target is a file that does not exist yet.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        match self {
            Self::Sqlite(path) => !path.exists(),
            Self::Postgres(_) => false,
        }
    }

    pub(crate) fn place(&self) -> Result<Place<'_>> {
        Ok(match self {
            Self::Sqlite(path) => Place::File(path),
            Self::Postgres(url) => Place::Server(Box::new(options(url.expose())?)),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => match options(url.expose()) {
                Ok(options) => write!(
                    f,
                    "postgres://{}:{}/{}",
                    options.get_host(),
                    options.get_port(),
                    options.get_database().unwrap_or_default()
                ),
                Err(_) => f.write_str("postgres://"),
            },
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

/// The driver's options for a URL, with the TLS that the rule above demands.
fn options(url: &str) -> Result<PgConnectOptions> {
    // The driver's error may quote the address, and so the password: it is not kept.
    let parsed = PgConnectOptions::from_str(url)
        .map_err(|_| Error::new(ErrorKind::Config, "the PostgreSQL address was not understood"))?;
    let local = parsed.get_socket().is_some() || is_loopback(parsed.get_host());
    if !names_ssl_mode(url) {
        return Ok(parsed.ssl_mode(if local { PgSslMode::Prefer } else { PgSslMode::Require }));
    }
    match parsed.get_ssl_mode() {
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => Ok(parsed),
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer if local => Ok(parsed),
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => Err(Error::new(
            ErrorKind::Config,
            "the PostgreSQL address allows plain text to another machine: use sslmode=require, \
             verify-ca or verify-full",
        )),
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.starts_with('/')
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn names_ssl_mode(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split(['&', '#']).any(|pair| pair.starts_with("sslmode=") || pair.starts_with("ssl-mode="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> &'static str {
        match options(url).unwrap().get_ssl_mode() {
            PgSslMode::Disable => "disable",
            PgSslMode::Allow => "allow",
            PgSslMode::Prefer => "prefer",
            PgSslMode::Require => "require",
            PgSslMode::VerifyCa => "verify-ca",
            PgSslMode::VerifyFull => "verify-full",
        }
    }

    #[test]
    fn a_server_elsewhere_must_speak_tls() {
        assert_eq!(mode("postgres://u:p@db.example.org/x"), "require");
        assert_eq!(mode("postgres://u:p@db.example.org/x?sslmode=verify-full"), "verify-full");
        for weak in ["prefer", "allow", "disable"] {
            let url = format!("postgres://u:hemligt@db.example.org/x?sslmode={weak}");
            let error = Target::parse(&url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.to_string().contains("hemligt"));
        }
        assert!(Target::parse("postgres://u:p@127.0.0.1/x?host=db.example.org&sslmode=prefer").is_err());
    }

    #[test]
    fn a_server_on_this_machine_may_do_without() {
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            assert_eq!(mode(&format!("postgres://u@{host}:5433/x")), "prefer", "{host}");
        }
        assert_eq!(mode("postgres://u@localhost/x?sslmode=disable"), "disable");
        assert_eq!(mode("postgres://u@127.0.0.1/x?host=db.example.org"), "require");
    }

    #[test]
    fn addresses_print_without_user_and_password() {
        let target = Target::parse("postgres://svc:hemligt@localhost:5433/stad").unwrap();
        assert_eq!(target.to_string(), "postgres://localhost:5433/stad");
        assert_eq!(format!("{target:?}"), "Target(postgres://localhost:5433/stad)");
    }

    #[test]
    fn files_and_nonsense() {
        for text in ["out/stad.db", "sqlite:out/stad.db", "sqlite://out/stad.db"] {
            assert_eq!(Target::parse(text).unwrap().to_string(), "out/stad.db");
        }
        for text in ["", "sqlite:", "mysql://x/y", "postgres://[/x"] {
            assert_eq!(Target::parse(text).unwrap_err().kind(), ErrorKind::Config, "{text}");
        }
    }
}
