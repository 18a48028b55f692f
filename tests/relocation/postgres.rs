//! Onto a PostgreSQL server.

use std::path::Path;

use bron_servers::PostgresServer;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{Dialect, tables};
use crate::support::block_on;

const POSTGRES: Dialect =
    Dialect { quote: '"', text: "text", key_text: "text", bytes: "bytea", digits: "''\\x", storage: "" };

/// Runs statements on a PostgreSQL server.
pub(crate) fn on_postgres(server: &PostgresServer, statements: &[String]) {
    block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut connection).await.unwrap();
        }
    });
}

/// Writes the tables of an SQLite database into a new schema of PostgreSQL.
pub(crate) fn into_postgres(database: &Path, server: &PostgresServer, schema: &str) {
    let mut statements =
        vec![format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\""), format!("SET search_path = \"{schema}\"")];
    for table in tables(database) {
        statements.extend(POSTGRES.statements(database, &table));
    }
    on_postgres(server, &statements);
}
