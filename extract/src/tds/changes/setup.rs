//! What an administrator does once so that a SQL Server database can be followed, and written back to.

use std::fmt::Write as _;

use super::super::state::BOOKMARK;
use super::super::{USUAL_SCHEMA, quoted};
use crate::grants::in_comment;

/// The fewest days that changes are to be kept: as long as a follower may stand still without losing its place.
const FEWEST_DAYS: u32 = 14;

/// What is to be followed, and by whom.
#[derive(Clone, Debug)]
pub struct TrackingSetup<'a> {
    /// The schema; `dbo` by default.
    pub schema: Option<&'a str>,
    /// The tables, each with a primary key.
    pub tables: &'a [String],
    /// How many days changes are kept; at least 14.
    pub days: u32,
    /// The role or user that follows.
    pub follower: &'a str,
    /// The role or user that writes back, where there is one yet.
    pub writer: Option<&'a str>,
    /// What the bridge's bookmark in the database is called: another name for every database that is set up.
    pub bookmark: &'a str,
}

/// The statements that switch change tracking and SNAPSHOT isolation on, make the bridge's bookmark and give the
/// rights. They may be run again, change nothing in the rows of any table, and are followed by those that take them
/// back, as a comment.
#[must_use]
pub fn tracking_setup(setup: &TrackingSetup<'_>) -> String {
    let schema = quoted(setup.schema.unwrap_or(USUAL_SCHEMA));
    let tables: Vec<String> =
        setup.tables.iter().map(|table| format!("{schema}.{}", quoted(table))).collect();
    let (bookmark, days) = (format!("{schema}.{}", quoted(BOOKMARK)), setup.days.max(FEWEST_DAYS));
    let mut text = format!(
        "-- Run in the database as db_owner. Changes are kept for {days} days; versions of rows that somebody is\n\
         -- still reading lie in tempdb. No row is changed.\n\
         ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON;\n\
         IF NOT EXISTS (SELECT 1 FROM sys.change_tracking_databases WHERE database_id = DB_ID())\n    \
         ALTER DATABASE CURRENT SET CHANGE_TRACKING = ON (CHANGE_RETENTION = {days} DAYS, AUTO_CLEANUP = ON);\n"
    );
    for table in &tables {
        let _ = writeln!(
            text,
            "IF NOT EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID({name}))\n    \
             ALTER TABLE {table} ENABLE CHANGE_TRACKING;",
            name = literal(table)
        );
    }
    let _ = write!(
        text,
        "-- One row by which the bridge knows a restored backup.\n\
         IF OBJECT_ID({name}) IS NULL\n    \
         CREATE TABLE {bookmark} ([life] nvarchar(128) NOT NULL PRIMARY KEY, [number] bigint NOT NULL);\n\
         IF NOT EXISTS (SELECT 1 FROM {bookmark})\n    \
         INSERT INTO {bookmark} ([life], [number]) VALUES ({life}, 0);\n",
        name = literal(&bookmark),
        life = literal(setup.bookmark)
    );
    rights(&mut text, setup, &tables, &bookmark);
    let _ = writeln!(text, "-- To take it back:");
    for table in &tables {
        let _ = writeln!(text, "--   ALTER TABLE {} DISABLE CHANGE_TRACKING;", in_comment(table));
    }
    let _ = writeln!(text, "--   ALTER DATABASE CURRENT SET CHANGE_TRACKING = OFF;");
    let _ = writeln!(text, "--   DROP TABLE {};", in_comment(&bookmark));
    text
}

fn rights(text: &mut String, setup: &TrackingSetup<'_>, tables: &[String], bookmark: &str) {
    let follower = quoted(setup.follower);
    let _ = writeln!(
        text,
        "-- The branch of the database's history, which a restore makes anew, is seen with a right on the server:\n\
         --   GRANT VIEW ANY DEFINITION TO {};",
        in_comment(&follower)
    );
    for table in tables {
        let seen = "SELECT, VIEW DEFINITION, VIEW CHANGE TRACKING";
        let _ = writeln!(text, "GRANT {seen} ON OBJECT::{table} TO {follower};");
        if let Some(writer) = setup.writer.map(quoted) {
            let _ = writeln!(text, "GRANT {seen}, INSERT, UPDATE, DELETE ON OBJECT::{table} TO {writer};");
        }
    }
    let _ = writeln!(text, "GRANT SELECT ON OBJECT::{bookmark} TO {follower};");
    if let Some(writer) = setup.writer.map(quoted) {
        let _ = writeln!(text, "GRANT SELECT, UPDATE ON OBJECT::{bookmark} TO {writer};");
    }
}

fn literal(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup<'a>(tables: &'a [String], writer: Option<&'a str>) -> TrackingSetup<'a> {
        TrackingSetup { schema: None, tables, days: 3, follower: "följ", writer, bookmark: "a'b" }
    }

    #[test]
    fn whoever_follows_may_write_nothing() {
        let tables = ["KLIENT".to_owned()];
        let text = tracking_setup(&setup(&tables, None));
        assert!(!["INSERT,", "UPDATE", "DELETE"].iter().any(|right| text.contains(right)), "{text}");
        let follower =
            "GRANT SELECT, VIEW DEFINITION, VIEW CHANGE TRACKING ON OBJECT::[dbo].[KLIENT] TO [följ];";
        assert!(text.lines().any(|line| line == follower), "{text}");
        assert!(text.contains("CHANGE_RETENTION = 14 DAYS"), "fewer days than that are too few: {text}");
        let text = tracking_setup(&setup(&tables, Some("skriv")));
        assert!(text.contains("INSERT, UPDATE, DELETE ON OBJECT::[dbo].[KLIENT] TO [skriv];"), "{text}");
    }

    #[test]
    fn no_name_leaves_its_place() {
        let tables = ["A] TO public; --\nDROP TABLE B".to_owned(), "C'D".to_owned()];
        let text = tracking_setup(&setup(&tables, Some("x]y")));
        assert!(text.contains("N'[dbo].[C''D]'") && text.contains("N'a''b'"), "{text}");
        assert!(text.contains("[A]] TO public; --\nDROP TABLE B]"), "{text}");
        let comments = text.lines().filter(|line| line.starts_with("--   ALTER TABLE"));
        assert_eq!(comments.filter(|line| line.ends_with(';')).count(), 2, "{text}");
    }
}
