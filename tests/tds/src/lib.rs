//! A small SQL Server for tests: the wire protocol (TDS 7.4) in front of an SQLite database.
//!
//! It knows nothing of the code that it tests, so that a mistake cannot be made on both sides. What a client gets is
//! what Microsoft's protocol documentation says: every type with its own bytes, answers in packets of the agreed
//! size, errors with the server's numbers. The part of T-SQL that is understood is small and strict: **a statement
//! that is not understood is an error and never an empty answer.**
//!
//! - Transactions without SNAPSHOT isolation look anew at every statement, as READ COMMITTED does; those with it see
//!   the point of their first read.
//! - Change tracking is made of triggers; a version belongs to a commit, and an operation is relative to the version
//!   asked for, as on the server.
//! - `varchar` has the collation Finnish_Swedish_CI_AS: code page 1252, comparisons that ignore case (of ASCII only)
//!   and blanks at the end.
//! - An identity column is the whole key of its table. `OUTPUT INSERTED … INTO @table` gives what it counted up.
//! - What SQL Server has no statement for is done through [`Server`]: retention, clean-up, time that passes, backups.
//! - What goes wrong, goes wrong on demand; see [`Fault`].
//! - With a certificate the server speaks TLS 1.2 and nothing else, inside the packets of the protocol.
//!
//! What is left out: integrated logins, several answers at a time, cursors, procedures but those that an ODBC
//! driver asks for tables, `rowversion` that counts by itself, sums and comparisons of fractions. A client that calls
//! a statement off in the middle of its rows gets the rest of them before it is told so.
//!
//! ```
//! use bron_tds::{Fault, Server};
//!
//! let server = Server::builder()
//!     .script("CREATE TABLE KLIENT(ID int PRIMARY KEY, Namn nvarchar(50))")
//!     .script("INSERT INTO KLIENT VALUES (1, N'Åsa')")
//!     .fault(Fault::deadlock().on("FROM KLIENT"))
//!     .start()?;
//! assert!(server.addr().ip().is_loopback());
//! # Ok::<(), std::io::Error>(())
//! ```

mod catalog;
mod codepage;
mod engine;
mod error;
mod expression;
mod fault;
mod functions;
mod kind;
mod lexer;
mod line;
mod login;
mod moment;
mod neighbour;
mod packet;
mod parser;
mod request;
mod select;
mod server;
mod session;
mod shared;
mod statement;
mod system_procedures;
mod token;
mod tracking;
mod value;
mod views;
mod wire;

pub use fault::Fault;
pub use login::Login;
pub use neighbour::Neighbour;
pub use server::{Backup, Builder, Server};

#[cfg(test)]
mod tests;
