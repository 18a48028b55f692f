//! The rights that reading a source takes, as statements for its administrator.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::{mysql, postgres, tds};

/// What a reading asks of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableNeed {
    /// The table.
    pub table: String,
    /// The columns whose values are read.
    pub read: BTreeSet<String>,
    /// The columns that are left where they are. Only their names have to be seen, so that a column that came or went
    /// is noticed.
    pub left: BTreeSet<String>,
}

/// The systems whose rights can be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantDialect {
    /// SQL Server.
    Mssql,
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
}

/// Who is to read what.
#[derive(Clone, Debug)]
pub struct ReadingRights<'a> {
    /// The role or user; for MySQL `NAME` or `NAME@HOST`.
    pub role: &'a str,
    /// The database, where it is known.
    pub database: Option<&'a str>,
    /// The schema; `dbo` and `public` by default, not known to MySQL.
    pub schema: Option<&'a str>,
    /// The tables.
    pub tables: &'a [TableNeed],
    /// Whether the versions of SQL Server's change tracking are to be seen as well, by which an unchanged database is
    /// known.
    pub change_tracking: bool,
}

/// The statements that let a role read the columns of `rights` and nothing else. They can be run again. Making the role
/// and its password stands before them as comments, for nobody's password belongs into a file.
#[must_use]
pub fn reading_grants(dialect: GrantDialect, rights: &ReadingRights<'_>) -> String {
    match dialect {
        GrantDialect::Mssql => for_mssql(rights),
        GrantDialect::Postgres => for_postgres(rights),
        GrantDialect::Mysql => for_mysql(rights),
    }
}

fn listed<'c>(columns: impl IntoIterator<Item = &'c String>, quoted: fn(&str) -> String) -> String {
    columns.into_iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

/// A name in a comment: what would end the line is left out.
pub(crate) fn in_comment(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

fn for_postgres(rights: &ReadingRights<'_>) -> String {
    let quoted = postgres::quoted;
    let role = quoted(rights.role);
    let schema = quoted(rights.schema.unwrap_or(postgres::USUAL_SCHEMA));
    let (said, place) = (in_comment(&role), in_comment(&schema));
    let mut text = format!(
        "-- Run in the database as the owner of the tables. The role is made once:\n\
         --   CREATE ROLE {said} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '…';\n\
         --   ALTER ROLE {said} SET default_transaction_read_only = on;\n\
         -- Before PostgreSQL 15 everybody may create tables: REVOKE CREATE ON SCHEMA {place} FROM PUBLIC;\n\
         -- To take back what is no longer read, run this first:\n\
         --   REVOKE ALL ON ALL TABLES IN SCHEMA {place} FROM {said};\n"
    );
    if let Some(database) = rights.database {
        let _ = writeln!(text, "GRANT CONNECT ON DATABASE {} TO {role};", quoted(database));
    }
    let _ = writeln!(text, "GRANT USAGE ON SCHEMA {schema} TO {role};");
    for need in rights.tables.iter().filter(|need| !need.read.is_empty()) {
        let columns = listed(&need.read, quoted);
        let _ = writeln!(text, "GRANT SELECT ({columns}) ON {schema}.{} TO {role};", quoted(&need.table));
    }
    text
}

fn for_mysql(rights: &ReadingRights<'_>) -> String {
    let quoted = mysql::quoted;
    let (name, host) = rights.role.split_once('@').unwrap_or((rights.role, "%"));
    let account = format!("{}@{}", quoted(name), quoted(host));
    let said = in_comment(&account);
    let database = rights.database.map_or_else(String::new, |name| format!("{}.", quoted(name)));
    let mut text = format!(
        "-- Run as an administrator. The user is made once:\n\
         --   CREATE USER {said} IDENTIFIED BY '…' REQUIRE SSL;\n\
         -- To take back what is no longer read, run this first:\n\
         --   REVOKE ALL PRIVILEGES, GRANT OPTION FROM {said};\n\
         -- MariaDB tells the place in its log, by which an unchanged database is known, only with\n\
         --   GRANT BINLOG MONITOR ON *.* TO {said};\n\
         -- REFERENCES lets keys and the names of columns be seen. It reads nothing and changes nothing.\n"
    );
    for need in rights.tables.iter().filter(|need| !need.read.is_empty()) {
        let read = listed(&need.read, quoted);
        let seen = listed(need.read.iter().chain(&need.left), quoted);
        let table = quoted(&need.table);
        let _ =
            writeln!(text, "GRANT SELECT ({read}), REFERENCES ({seen}) ON {database}{table} TO {account};");
    }
    text
}

fn for_mssql(rights: &ReadingRights<'_>) -> String {
    let quoted = tds::quoted;
    let role = quoted(rights.role);
    let schema = quoted(rights.schema.unwrap_or(tds::USUAL_SCHEMA));
    let said = in_comment(&role);
    let database = rights.database.map_or_else(|| "…".to_owned(), |name| in_comment(&quoted(name)));
    let mut text = format!(
        "-- Run in the database as db_owner. The user is made once:\n\
         --   CREATE LOGIN {said} WITH PASSWORD = N'…';\n\
         --   CREATE USER {said} FOR LOGIN {said};\n\
         -- All tables are read as of one moment if the database allows it, or from a database snapshot that the\n\
         -- project names. While a reading lasts, the server keeps old versions of rows in tempdb:\n\
         --   ALTER DATABASE {database} SET ALLOW_SNAPSHOT_ISOLATION ON;\n\
         -- VIEW DEFINITION lets keys and the names of columns be seen. It reads no row.\n"
    );
    for need in rights.tables.iter().filter(|need| !need.read.is_empty()) {
        let table = format!("OBJECT::{schema}.{}", quoted(&need.table));
        let _ = writeln!(text, "GRANT SELECT ON {table} ({}) TO {role};", listed(&need.read, quoted));
        let _ = writeln!(text, "GRANT VIEW DEFINITION ON {table} TO {role};");
        if rights.change_tracking {
            let _ = writeln!(text, "GRANT VIEW CHANGE TRACKING ON {table} TO {role};");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn needs() -> Vec<TableNeed> {
        vec![
            TableNeed { table: "KLIENT".to_owned(), read: names(&["ID", "a]b`c\"d"]), left: names(&["FRI"]) },
            TableNeed { table: "TOM".to_owned(), read: names(&[]), left: names(&["X"]) },
        ]
    }

    fn statements(dialect: GrantDialect, rights: &ReadingRights<'_>) -> Vec<String> {
        let text = reading_grants(dialect, rights);
        text.lines().filter(|line| !line.starts_with("--")).map(str::to_owned).collect()
    }

    fn rights(tables: &[TableNeed]) -> ReadingRights<'_> {
        ReadingRights { role: "bron", database: Some("db"), schema: None, tables, change_tracking: false }
    }

    #[test]
    fn sql_server_is_told_columns_and_names() {
        let needs = needs();
        let mut rights = rights(&needs);
        let select = "GRANT SELECT ON OBJECT::[dbo].[KLIENT] ([ID], [a]]b`c\"d]) TO [bron];";
        let seen = "GRANT VIEW DEFINITION ON OBJECT::[dbo].[KLIENT] TO [bron];";
        assert_eq!(statements(GrantDialect::Mssql, &rights), [select, seen]);
        rights.change_tracking = true;
        let tracked = "GRANT VIEW CHANGE TRACKING ON OBJECT::[dbo].[KLIENT] TO [bron];";
        assert_eq!(statements(GrantDialect::Mssql, &rights), [select, seen, tracked]);
    }

    #[test]
    fn postgresql_is_told_the_way_and_the_columns() {
        let needs = needs();
        let rights = ReadingRights { schema: Some("arkiv"), ..rights(&needs) };
        let expected = [
            "GRANT CONNECT ON DATABASE \"db\" TO \"bron\";",
            "GRANT USAGE ON SCHEMA \"arkiv\" TO \"bron\";",
            "GRANT SELECT (\"ID\", \"a]b`c\"\"d\") ON \"arkiv\".\"KLIENT\" TO \"bron\";",
        ];
        assert_eq!(statements(GrantDialect::Postgres, &rights), expected);
    }

    #[test]
    fn mysql_is_told_from_where() {
        let needs = needs();
        let rights = ReadingRights { role: "bron@10.0.0.7", ..rights(&needs) };
        let expected = "GRANT SELECT (`ID`, `a]b``c\"d`), REFERENCES (`ID`, `a]b``c\"d`, `FRI`) ON \
                        `db`.`KLIENT` TO `bron`@`10.0.0.7`;";
        assert_eq!(statements(GrantDialect::Mysql, &rights), [expected]);
        assert!(reading_grants(GrantDialect::Mysql, &self::rights(&needs)).contains("`bron`@`%`"));
    }

    #[test]
    fn no_name_leaves_its_comment() {
        let rights = ReadingRights { role: "a\nDROP TABLE t;", database: Some("d\nDROP"), ..rights(&[]) };
        for dialect in [GrantDialect::Mssql, GrantDialect::Mysql] {
            assert_eq!(statements(dialect, &rights), Vec::<String>::new());
        }
    }
}
