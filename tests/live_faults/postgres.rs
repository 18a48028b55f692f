//! PostgreSQL.

use bron_servers::PostgresServer;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::runtime::Runtime;

use super::database;
use super::scenarios::{Live, what_does_not_pass_is_told, what_passes_is_tried_again};
use crate::relocation::postgres::into_postgres;

pub(super) struct Served(pub(super) PostgresServer);

/// A connection of somebody else.
struct Other {
    runtime: Runtime,
    connection: PgConnection,
}

impl Other {
    fn new(server: &PostgresServer) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(PgConnection::connect(&server.url())).unwrap();
        Self { runtime, connection }
    }

    fn execute(&mut self, statements: &str) {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        self.runtime.block_on(statements.execute(&mut self.connection)).unwrap();
    }
}

impl Served {
    pub(super) fn new() -> Self {
        let served = Self(PostgresServer::start().unwrap());
        into_postgres(&database(), &served.0, "public");
        served.execute("CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
        served
    }
}

impl Live for Served {
    fn port(&self) -> u16 {
        self.0.port()
    }

    fn terms(&self, port: u16) -> String {
        format!("address = \"postgres://reader@127.0.0.1:{port}/postgres\"")
    }

    fn begins(&self, table: &str) -> String {
        format!("FROM \"public\".\"{table}\" LIMIT 0")
    }

    fn asks(&self, table: &str) -> String {
        format!("FROM \"public\".\"{table}\" ORDER BY")
    }

    fn execute(&self, statements: &str) {
        Other::new(&self.0).execute(statements);
    }

    fn kill(&self) {
        self.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'");
    }

    fn write(&self, number: u32) {
        self.execute(&format!("CREATE SCHEMA annat{number}"));
    }

    fn lock(&self) -> Box<dyn Send> {
        let mut other = Other::new(&self.0);
        other.execute("BEGIN; LOCK TABLE \"HANDELSE\" IN ACCESS EXCLUSIVE MODE");
        Box::new(other)
    }

    fn restart(&mut self) {
        self.0.restart().unwrap();
    }

    fn rights(&self) -> [String; 2] {
        ["REVOKE SELECT ON \"HANDELSE\" FROM reader", "GRANT SELECT ON \"HANDELSE\" TO reader"]
            .map(str::to_owned)
    }

    fn types(&self) -> [String; 2] {
        ["numeric(20)", "bigint"]
            .map(|kind| format!("ALTER TABLE \"HANDELSE\" ALTER COLUMN uppdrag_id TYPE {kind}"))
    }
}

#[test]
fn what_passes_is_tried_again_with_postgresql() {
    what_passes_is_tried_again(&mut Served::new());
}

#[test]
fn what_does_not_pass_is_told_with_postgresql() {
    what_does_not_pass_is_told(&mut Served::new());
}
