//! Private database servers for tests: each in a temporary directory, on a free port of 127.0.0.1, gone when
//! dropped; and a line to them on which things go wrong.
//!
//! Only for tests: they flush nothing to the disk and let everybody on this machine in.

mod mariadb;
mod postgres;
mod programs;
mod proxy;

pub use mariadb::MariaDbServer;
pub use postgres::PostgresServer;
pub use proxy::Proxy;
