//! MariaDB.

use bron_servers::MariaDbServer;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::runtime::Runtime;

use super::database;
use super::scenarios::{Live, what_does_not_pass_is_told, what_passes_is_tried_again};
use crate::relocation::mariadb::into_mariadb;
use crate::relocation::tables;

/// Where the tables lie.
const DATABASE: &str = "warna";

struct Served(MariaDbServer);

/// A connection of somebody else.
struct Other {
    runtime: Runtime,
    connection: MySqlConnection,
}

impl Other {
    fn new(server: &MariaDbServer) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = MySqlConnectOptions::new().host("127.0.0.1").port(server.port());
        let options = options.username("bron").password("bron").database(DATABASE);
        let connection = runtime.block_on(MySqlConnection::connect_with(&options)).unwrap();
        Self { runtime, connection }
    }

    fn execute(&mut self, statements: &str) {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        self.runtime.block_on(statements.execute(&mut self.connection)).unwrap();
    }
}

impl Served {
    fn new() -> Self {
        let served = Self(MariaDbServer::start().unwrap());
        into_mariadb(&database(), &served.0, DATABASE);
        let grants = tables(&database()).into_iter().map(|table| {
            // For each table, so that the right to one of them can be taken away.
            format!("; GRANT SELECT ON {DATABASE}.`{}` TO reader@'127.0.0.1'", table.name)
        });
        let user = "CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'bron'";
        served.0.execute(&format!("{user}{}", grants.collect::<String>())).unwrap();
        served
    }
}

impl Live for Served {
    fn port(&self) -> u16 {
        self.0.port()
    }

    fn terms(&self, port: u16) -> String {
        format!("address = \"mysql://reader@127.0.0.1:{port}/{DATABASE}\"\npassword = \"file:password\"")
    }

    fn begins(&self, table: &str) -> String {
        self.asks(table)
    }

    fn asks(&self, table: &str) -> String {
        format!("FROM `{table}` ORDER BY")
    }

    fn execute(&self, statements: &str) {
        self.0.execute(&format!("USE {DATABASE}; {statements}")).unwrap();
    }

    fn kill(&self) {
        self.execute("KILL USER reader@'127.0.0.1'");
    }

    fn write(&self, number: u32) {
        self.execute(&format!("CREATE DATABASE annat{number}"));
    }

    fn lock(&self) -> Box<dyn Send> {
        let mut other = Other::new(&self.0);
        other.execute("LOCK TABLES `HANDELSE` WRITE");
        Box::new(other)
    }

    fn restart(&mut self) {
        self.0.restart().unwrap();
    }

    fn rights(&self) -> [String; 2] {
        [
            "REVOKE SELECT ON HANDELSE FROM reader@'127.0.0.1'",
            "GRANT SELECT ON HANDELSE TO reader@'127.0.0.1'",
        ]
        .map(str::to_owned)
    }

    fn types(&self) -> [String; 2] {
        ["decimal(20)", "bigint"].map(|kind| format!("ALTER TABLE HANDELSE MODIFY uppdrag_id {kind}"))
    }
}

#[test]
fn what_passes_is_tried_again_with_mariadb() {
    what_passes_is_tried_again(&mut Served::new());
}

#[test]
fn what_does_not_pass_is_told_with_mariadb() {
    what_does_not_pass_is_told(&mut Served::new());
}
