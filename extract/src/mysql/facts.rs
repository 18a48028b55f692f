//! What a MySQL or MariaDB server says about itself.

use std::collections::BTreeSet;

use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, Row};

use super::refusal::meaning;
use super::{MysqlSource, place, quoted};
use crate::error::{Error, ErrorKind};
use crate::examine::{Asked, Asker, Encryption, Facts, ServerClock, ServerFacts, unread};
use crate::grants::TableNeed;
use crate::refusal::refused;
use crate::source::Source;

/// Rights that read or describe.
const READING: [&str; 8] = [
    "USAGE",
    "SELECT",
    "REFERENCES",
    "SHOW VIEW",
    "SHOW DATABASES",
    "BINLOG MONITOR",
    "REPLICATION CLIENT",
    "PROCESS",
];

impl MysqlSource {
    /// What the server says.
    pub(crate) fn facts(&mut self, needs: &[TableNeed]) -> Facts {
        let consistency = self.consistency();
        let tables = self.tables();
        let unread = unread(self, tables.as_deref().unwrap_or_default(), needs);
        Facts { tables, consistency, unread, server: Some(self.server_facts()) }
    }

    fn server_facts(&mut self) -> ServerFacts {
        let version = self.value("SELECT CAST(version() AS CHAR)");
        let product = version.map(|version| {
            let name = if version.contains("MariaDB") { "MariaDB" } else { "MySQL" };
            format!("{name} {version}")
        });
        ServerFacts {
            product,
            encryption: self.encryption(),
            clock: self.clock(),
            time_zone: self.value(
                "SELECT CAST(IF(@@global.time_zone = 'SYSTEM', @@system_time_zone, @@global.time_zone) AS CHAR)",
            ),
            texts: self
                .value("SELECT CAST(concat(@@character_set_database, ', ', @@collation_database) AS CHAR)"),
            beyond_reading: self.rows("SHOW GRANTS").map(|rows| {
                let found: BTreeSet<String> = rows.iter().flatten().flat_map(|line| beyond(line)).collect();
                found.into_iter().collect()
            }),
            remarks: Vec::new(),
        }
    }

    fn encryption(&mut self) -> Asked<Encryption> {
        let rows = self.rows("SHOW SESSION STATUS WHERE Variable_name IN ('Ssl_version', 'Ssl_cipher')")?;
        let told: Vec<String> =
            rows.into_iter().filter_map(|mut row| row.pop()).filter(|text| !text.is_empty()).collect();
        let checked = !self.access.allows_plain_text(&self.address);
        Ok(if told.is_empty() {
            Encryption::Plain
        } else {
            Encryption::Tls { how: Some(told.join(", ")), checked }
        })
    }

    fn clock(&mut self) -> Asked<ServerClock> {
        let shown = self.value("SELECT CAST(CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS CHAR)")?;
        let shown = shown.parse().map_err(|_| Error::new(ErrorKind::Database, "the clock shows no time"))?;
        Ok(ServerClock::shows(shown))
    }
}

/// What a line of `SHOW GRANTS` allows beyond reading. Nothing else of the line is kept: it may hold the digest of a
/// password.
fn beyond(line: &str) -> Vec<String> {
    let Some(rights) = line.strip_prefix("GRANT ") else { return Vec::new() };
    let rights = without_columns(rights);
    let Some((rights, _)) = rights.split_once(" ON ") else {
        return vec!["has the rights of another role".to_owned()];
    };
    let named = rights.split(',').map(str::trim).filter(|right| !READING.contains(right));
    named.map(|right| format!("has the right {right}")).collect()
}

/// The text without what stands in parentheses, where names of columns are, and without quoted names.
fn without_columns(text: &str) -> String {
    let (mut quote, mut inside) = (None, false);
    let mut kept = String::new();
    for letter in text.chars() {
        match (quote, letter) {
            (Some(open), _) => quote = Some(open).filter(|open| *open != letter),
            (None, '`' | '\'') => quote = Some(letter),
            (None, '(') => inside = true,
            (None, ')') => inside = false,
            (None, _) if !inside => kept.push(letter),
            (None, _) => {}
        }
    }
    // A blank stood between a right and its columns.
    kept.replace(" ,", ",").replace("  ", " ")
}

impl Asker for MysqlSource {
    fn rows(&mut self, question: &str) -> Result<Vec<Vec<String>>, Error> {
        let Self { runtime, connection, address, .. } = self;
        let asked = sqlx::raw_sql(AssertSqlSafe(question.to_owned()));
        let rows = runtime.block_on(asked.fetch_all(connection));
        let rows = rows.map_err(|error| refused(&place(address), "asking", error, meaning))?;
        let text = |row: &MySqlRow, at| row.try_get::<String, _>(at).unwrap_or_default();
        Ok(rows.iter().map(|row| (0..row.len()).map(|at| text(row, at)).collect()).collect())
    }

    fn column(&self, name: &str) -> Result<String, Error> {
        Ok(quoted(name))
    }

    fn table(&self, name: &str) -> Result<String, Error> {
        Ok(quoted(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_to_read_are_no_more_than_reading() {
        for line in [
            "GRANT USAGE ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*ABC'",
            "GRANT SELECT (`a`, `INSERT, ON DELETE`), REFERENCES (`b`) ON `db`.`UPDATE` TO `r`@`%`",
            "GRANT SELECT, SHOW VIEW ON `db`.* TO `r`@`%`",
        ] {
            assert_eq!(beyond(line), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn rights_to_write_are_named() {
        let line = "GRANT SELECT, INSERT (`a`), DELETE ON `db`.`t` TO `r`@`%`";
        assert_eq!(beyond(line), ["has the right INSERT", "has the right DELETE"]);
        let all = "GRANT ALL PRIVILEGES ON `db`.* TO `r`@`%` IDENTIFIED BY PASSWORD '*ABC' WITH GRANT OPTION";
        assert_eq!(beyond(all), ["has the right ALL PRIVILEGES"]);
        assert_eq!(beyond("GRANT `skriver`@`%` TO `r`@`%`"), ["has the rights of another role"]);
    }
}
