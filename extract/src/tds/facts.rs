//! What a SQL Server says about itself.

use tiberius::ColumnData;
use tiberius::time::DateTime;

use super::{Connected, MssqlSource, quoted};
use crate::error::{Error, ErrorKind};
use crate::examine::{Asked, Asker, Encryption, Facts, ServerClock, ServerFacts, unread};
use crate::grants::TableNeed;
use crate::source::Source;

/// Days from 1900-01-01, where SQL Server begins to count, to 1970-01-01.
const DAYS_TO_1970: i64 = 25_567;
const DAY: i64 = 86_400_000;
/// The rights on a database that change something.
const WRITING: [&str; 6] = ["CONTROL", "ALTER", "INSERT", "UPDATE", "DELETE", "EXECUTE"];

impl MssqlSource {
    /// What the server says. The point in time is given up.
    pub(crate) fn facts(&mut self, needs: &[TableNeed]) -> Facts {
        let consistency = self.consistency();
        let tables = self.tables();
        // Some refusals end a transaction, and with it all further questions.
        let ended = if self.point.is_transaction() {
            self.connected.tell("ROLLBACK; SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        } else {
            Ok(())
        };
        let unread = ended.and_then(|()| unread(self, tables.as_deref().unwrap_or_default(), needs));
        Facts { tables, consistency, unread, server: Some(self.server_facts()) }
    }

    fn server_facts(&mut self) -> ServerFacts {
        let version = "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128))";
        let edition = "SELECT CAST(SERVERPROPERTY('Edition') AS nvarchar(128))";
        let product = self
            .value(version)
            .and_then(|version| Ok(format!("SQL Server {version}, {}", self.value(edition)?)));
        // The driver does not tell version and cipher. It refuses what is not encrypted when it must be.
        let encryption = if self.access.allows_plain_text(&self.address) {
            Encryption::Plain
        } else {
            Encryption::Tls { how: None, checked: true }
        };
        let now = self.moments();
        ServerFacts {
            product,
            encryption: Ok(encryption),
            time_zone: now.as_ref().map_or_else(
                |error| Err(Error::new(error.kind(), error.to_string())),
                |[greenwich, local]| Ok(distance(local - greenwich)),
            ),
            clock: now.map(|[greenwich, _]| ServerClock::shows(greenwich)),
            texts: self.value("SELECT d.collation_name FROM sys.databases AS d WHERE d.name = DB_NAME()"),
            beyond_reading: self.beyond_reading(),
            remarks: Vec::new(),
        }
    }

    /// The time in Greenwich and that of the server's zone, in milliseconds since 1970.
    fn moments(&mut self) -> Asked<[i64; 2]> {
        let question = "SELECT GETUTCDATE(), GETDATE()";
        let rows = self.connected.run(None, ASKING, async |session| session.ask(question, &[]).await)?;
        let moment = |at: usize| {
            let found = rows.first().and_then(|row| row.try_get::<ColumnData<'_>, _>(at).ok().flatten());
            if let Some(ColumnData::DateTime(Some(moment))) = found {
                Some(milliseconds(moment))
            } else {
                None
            }
        };
        let both = moment(0).zip(moment(1));
        both.map(|(greenwich, local)| [greenwich, local])
            .ok_or_else(|| Error::new(ErrorKind::Database, "the clock shows no time"))
    }

    fn beyond_reading(&mut self) -> Asked<Vec<String>> {
        let mut found = Vec::new();
        for right in WRITING {
            let question =
                format!("SELECT CAST(HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'{right}') AS nvarchar(10))");
            match self.value(&question)?.as_str() {
                "0" => {}
                "1" => found.push(format!("may {right} in the whole database")),
                _ => return Err(Error::new(ErrorKind::Database, "the server does not say")),
            }
        }
        Ok(found)
    }
}

const ASKING: &str = "asking";

/// Milliseconds since 1970.
pub(super) fn milliseconds(moment: DateTime) -> i64 {
    let of_day = i64::from(moment.seconds_fragments()) * 1000 / 300;
    (i64::from(moment.days()) - DAYS_TO_1970) * DAY + of_day
}

/// How far a zone is from Greenwich, to the minute.
fn distance(milliseconds: i64) -> String {
    // The two clocks may have been read in different fractions of a second.
    let minutes = (milliseconds + 30_000).div_euclid(60_000);
    let (sign, away) = (if minutes < 0 { '-' } else { '+' }, minutes.abs());
    format!("UTC{sign}{:02}:{:02}", away / 60, away % 60)
}

fn rows(connected: &mut Connected, question: &str) -> Result<Vec<Vec<String>>, Error> {
    let rows = connected.run(None, ASKING, async |session| session.ask(question, &[]).await)?;
    let text = |row: &tiberius::Row, at: usize| {
        row.try_get::<&str, _>(at).ok().flatten().unwrap_or_default().to_owned()
    };
    Ok(rows.iter().map(|row| (0..row.len()).map(|at| text(row, at)).collect()).collect())
}

impl Asker for MssqlSource {
    fn rows(&mut self, question: &str) -> Result<Vec<Vec<String>>, Error> {
        rows(&mut self.connected, question)
    }

    fn column(&self, name: &str) -> Result<String, Error> {
        Ok(quoted(name))
    }

    fn table(&self, name: &str) -> Result<String, Error> {
        Ok(format!("{}.{}", quoted(&self.schema()), quoted(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_counted_from_1970() {
        assert_eq!(milliseconds(DateTime::new(25_567, 300)), 1000);
        assert_eq!(milliseconds(DateTime::new(25_566, 0)), -DAY);
    }

    #[test]
    fn zones_are_told_to_the_minute() {
        assert_eq!(distance(3_600_003), "UTC+01:00");
        assert_eq!(distance(-12_599_997), "UTC-03:30");
    }
}
