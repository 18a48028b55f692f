//! Onto a MariaDB server.

use std::path::Path;

use bron_servers::MariaDbServer;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

use super::{Dialect, tables};
use crate::support::block_on;

/// With a collation in which neither case nor the order of bytes counts.
const MARIADB: Dialect = Dialect {
    quote: '`',
    text: "longtext",
    key_text: "varchar(150)",
    bytes: "longblob",
    digits: "x''",
    storage: " CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci",
};

/// Writes the tables of an SQLite database into a new database of MariaDB, which the user `bron` may read.
pub(crate) fn into_mariadb(database: &Path, server: &MariaDbServer, name: &str) {
    server.execute(&format!("CREATE DATABASE {name}; GRANT ALL ON {name}.* TO bron@'127.0.0.1'")).unwrap();
    let address = format!("mysql://bron:bron@127.0.0.1:{}/{name}", server.port());
    // A backslash is a backslash, as it is in SQLite.
    let mut statements = vec!["SET sql_mode = 'NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'".to_owned()];
    for table in tables(database) {
        statements.extend(MARIADB.statements(database, &table));
    }
    block_on(async {
        let mut connection = MySqlConnection::connect(&address).await.unwrap();
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        }
    });
}
