//! Private database servers for tests: each in a temporary directory, on a free port of 127.0.0.1, gone when
//! dropped.
//!
//! Only for tests: they flush nothing to the disk and let everybody on this machine in.

mod certificates;
mod mariadb;
mod postgres;
mod programs;

pub use certificates::{Authority, Certified};
pub use mariadb::MariaDbServer;
pub use postgres::PostgresServer;
