//! MariaDB.

use bron_servers::MariaDbServer;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::runtime::Runtime;

use super::scenarios::{Dialect, Live, what_does_not_pass_is_told, what_passes_is_tried_again};

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
        let options = options.username("bron").password("bron").database("bron");
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
        let dialect = Dialect { quote: '`', types: ["bigint", "longblob", "longtext"], bytes: ["x''", "''"] };
        let mut other = Other::new(&served.0);
        other.execute("SET sql_mode = 'NO_BACKSLASH_ESCAPES'");
        let mut grants = "CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'bron'".to_owned();
        for (table, statements) in dialect.tables() {
            other.execute(&statements);
            grants = format!("{grants}; GRANT SELECT ON bron.`{table}` TO reader@'127.0.0.1'");
        }
        served.0.execute(&grants).unwrap();
        served
    }
}

impl Live for Served {
    fn port(&self) -> u16 {
        self.0.port()
    }

    fn terms(&self, port: u16) -> String {
        format!("address = \"mysql://reader@127.0.0.1:{port}/bron\"\npassword = \"file:password\"")
    }

    fn begins(&self, table: &str) -> String {
        self.asks(table)
    }

    fn asks(&self, table: &str) -> String {
        format!("FROM `{table}` ORDER BY")
    }

    fn execute(&self, statements: &str) {
        self.0.execute(&format!("USE bron; {statements}")).unwrap();
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
            "REVOKE SELECT ON bron.HANDELSE FROM reader@'127.0.0.1'",
            "GRANT SELECT ON bron.HANDELSE TO reader@'127.0.0.1'",
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
