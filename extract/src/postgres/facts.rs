//! What a PostgreSQL server says about itself.

use sqlx::{AssertSqlSafe, Row};

use super::refusal::meaning;
use super::{PostgresSource, place, quoted};
use crate::error::{Error, ErrorKind};
use crate::examine::{Asked, Asker, Encryption, Facts, ServerClock, ServerFacts, unread};
use crate::grants::TableNeed;
use crate::refusal::refused;
use crate::source::Source;

/// A transaction that is idle for longer keeps every other from being cleaned up after.
const LONG_IDLE: &str = "\
    SELECT count(*)::text FROM pg_stat_activity WHERE state = 'idle in transaction' \
    AND xact_start < now() - interval '10 minutes' AND datname = current_database()";

impl PostgresSource {
    /// What the server says. The point in time is given up.
    pub(crate) fn facts(&mut self, needs: &[TableNeed]) -> Facts {
        let consistency = self.consistency();
        let tables = self.tables();
        // One refusal would end a transaction, and with it all further questions.
        let ended = self.run("ROLLBACK".to_owned());
        let unread = ended.and_then(|()| unread(self, tables.as_deref().unwrap_or_default(), needs));
        Facts { tables, consistency, unread, server: Some(self.server_facts()) }
    }

    fn server_facts(&mut self) -> ServerFacts {
        ServerFacts {
            product: self.value("SELECT 'PostgreSQL ' || current_setting('server_version')"),
            encryption: self.encryption(),
            clock: self.clock(),
            time_zone: self.value("SELECT current_setting('TimeZone')"),
            texts: self.value(
                "SELECT pg_encoding_to_char(encoding) || ', ' || datcollate FROM pg_database \
                 WHERE datname = current_database()",
            ),
            beyond_reading: self.beyond_reading(),
            remarks: self.remarks(),
        }
    }

    fn encryption(&mut self) -> Asked<Encryption> {
        let rows = self.rows(
            "SELECT ssl::text, concat_ws(', ', version, cipher) FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        )?;
        let checked = !self.access.allows_plain_text(&self.address);
        match rows.into_iter().next().as_deref() {
            Some([ssl, how]) if ssl == "true" => Ok(Encryption::Tls { how: Some(how.clone()), checked }),
            Some(_) => Ok(Encryption::Plain),
            None => Err(Error::new(ErrorKind::Database, "the server does not list this connection")),
        }
    }

    fn clock(&mut self) -> Asked<ServerClock> {
        let shown = self.value("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text")?;
        let shown = shown.parse().map_err(|_| Error::new(ErrorKind::Database, "the clock shows no time"))?;
        Ok(ServerClock::shows(shown))
    }

    fn beyond_reading(&mut self) -> Asked<Vec<String>> {
        let schema = self.schema.replace('\'', "''");
        let rows = self.rows(&format!(
            "SELECT 'is a superuser' FROM pg_roles WHERE rolname = current_user AND rolsuper \
             UNION ALL SELECT 'may create roles' FROM pg_roles WHERE rolname = current_user AND rolcreaterole \
             UNION ALL SELECT 'may create tables in the schema ' || nspname FROM pg_namespace \
             WHERE nspname = '{schema}' AND has_schema_privilege(oid, 'CREATE') \
             UNION ALL SELECT 'may write ' || count(*) || ' tables' FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = '{schema}' AND c.relkind IN ('r', 'p', 'v', 'f') \
             AND (has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') \
                  OR has_any_column_privilege(c.oid, 'INSERT, UPDATE')) HAVING count(*) > 0"
        ))?;
        Ok(rows.into_iter().flatten().collect())
    }

    fn remarks(&mut self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.value("SELECT pg_is_in_recovery()::text").is_ok_and(|answer| answer == "true") {
            remarks.push("the server is a replica: a long reading may be cancelled for its sake".to_owned());
        }
        if let Ok(idle) = self.value(LONG_IDLE)
            && idle != "0"
        {
            remarks.push(format!("{idle} transactions have been idle for more than 10 minutes"));
        }
        remarks
    }
}

impl Asker for PostgresSource {
    fn rows(&mut self, question: &str) -> Result<Vec<Vec<String>>, Error> {
        let Self { runtime, connection, address, .. } = self;
        let asked = sqlx::raw_sql(AssertSqlSafe(question.to_owned()));
        let rows = runtime.block_on(asked.fetch_all(connection));
        let rows = rows.map_err(|error| refused(&place(address), "asking", error, meaning))?;
        let text = |row: &sqlx::postgres::PgRow, at| row.try_get::<String, _>(at).unwrap_or_default();
        Ok(rows.iter().map(|row| (0..row.len()).map(|at| text(row, at)).collect()).collect())
    }

    fn column(&self, name: &str) -> Result<String, Error> {
        Ok(quoted(name))
    }

    fn table(&self, name: &str) -> Result<String, Error> {
        Ok(format!("{}.{}", quoted(&self.schema), quoted(name)))
    }
}
