//! One moment while others write, through every driver, and none where the system has none.

use std::path::Path;

use bron_servers::{MariaDbServer, PostgresServer};
use bron_tds::Server;
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use super::*;
use crate::runtime::runtime;
use crate::source::tests::transfers::{Moments, Transfer, accounts, expect_one_moment, expect_torn};

fn source(access: &Access) -> Box<dyn Source> {
    Box::new(open(access).unwrap())
}

fn in_one_transaction(transfer: &Transfer) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("BEGIN; {}; COMMIT", transfer.join("; ")))
}

/// Through the driver as well: two copies of SQLite in one process do not see each other's locks.
fn sqlite_mover(path: &Path) -> impl FnMut(&Transfer) {
    let access = sqlite::at(path);
    let file = open(&access).unwrap().driver_file.display().to_string();
    let connection = connect(&format!("Driver={file};Database={}", path.display())).unwrap();
    connection.set_autocommit(false).unwrap();
    move |transfer| {
        for statement in transfer {
            run(&connection, statement, None).unwrap();
        }
        connection.commit().unwrap();
    }
}

fn postgres_mover(server: &PostgresServer) -> impl FnMut(&Transfer) {
    let runtime = runtime().unwrap();
    let mut connection = runtime.block_on(PgConnection::connect(&server.url())).unwrap();
    move |transfer| {
        let statements = sqlx::raw_sql(in_one_transaction(transfer));
        runtime.block_on(statements.execute(&mut connection)).unwrap();
    }
}

fn mariadb_mover(server: &MariaDbServer) -> impl FnMut(&Transfer) {
    let runtime = runtime().unwrap();
    let address = format!("mysql://bron:bron@127.0.0.1:{}/bron", server.port());
    let mut connection = runtime.block_on(MySqlConnection::connect(&address)).unwrap();
    move |transfer| {
        let statements = sqlx::raw_sql(in_one_transaction(transfer));
        runtime.block_on(statements.execute(&mut connection)).unwrap();
    }
}

fn tds_mover(server: &Server) -> impl FnMut(&Transfer) {
    move |transfer| {
        server.run(&format!("BEGIN TRANSACTION; {}; COMMIT", transfer.join("; "))).unwrap();
    }
}

#[test]
fn nobody_sees_half_a_transfer_through_the_driver_of_sqlite() {
    let statements = accounts("").join("; ");
    let (_dir, path) = sqlite::database(&format!("PRAGMA journal_mode = WAL; {statements}"));
    let access = sqlite::at(&path);
    expect_one_moment("odbc, SQLite's driver", || source(&access), || sqlite_mover(&path));
    expect_torn("odbc, SQLite's driver", Moments::Two, || source(&access), || sqlite_mover(&path));
}

#[test]
fn nobody_sees_half_a_transfer_through_the_driver_of_postgres() {
    let server = PostgresServer::start().unwrap();
    postgres::work(&server, &accounts("").join("; "));
    let access = access(&server.odbc("bron", "postgres"), None);
    expect_one_moment("odbc, PostgreSQL's driver", || source(&access), || postgres_mover(&server));
    expect_torn("odbc, PostgreSQL's driver", Moments::Two, || source(&access), || postgres_mover(&server));
}

#[test]
fn nobody_sees_half_a_transfer_through_the_driver_of_mariadb() {
    let server = MariaDbServer::start().unwrap();
    server.execute(&format!("USE bron; {}", accounts("").join("; "))).unwrap();
    let access = access(&server.odbc("bron", "bron"), Some("bron"));
    expect_one_moment("odbc, MariaDB's driver", || source(&access), || mariadb_mover(&server));
    expect_torn("odbc, MariaDB's driver", Moments::Two, || source(&access), || mariadb_mover(&server));
}

#[test]
fn nobody_sees_half_a_transfer_through_freetds() {
    let server = Server::builder().script(&accounts("").join("; ")).start().unwrap();
    let access = tds::at(&server);
    expect_one_moment("odbc, FreeTDS", || source(&access), || tds_mover(&server));
    server.allow_snapshot_isolation(false).unwrap();
    assert!(matches!(source(&access).consistency(), Consistency::None { .. }));
    expect_torn("odbc, FreeTDS, no snapshots", Moments::One, || source(&access), || tds_mover(&server));
}
