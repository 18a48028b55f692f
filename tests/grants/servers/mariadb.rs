//! Accounts of a MariaDB server.

use bron_servers::MariaDbServer;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

use super::{Project, extract, granted, grants, only, staged};
use crate::relocation::mariadb::into_mariadb;
use crate::support::{block_on, run};

/// The database that the system lies in.
const DATABASE: &str = "legacy";

/// Runs statements as a user; the number of the server's refusal otherwise.
fn execute(server: &MariaDbServer, user: &str, statement: &str) -> Result<(), u16> {
    let address = format!("mysql://{user}:{user}@127.0.0.1:{}/{DATABASE}", server.port());
    block_on(async {
        let mut connection = MySqlConnection::connect(&address).await.unwrap();
        let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await;
        done.map(drop).map_err(|error| {
            let refused = error.into_database_error().unwrap();
            refused.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().unwrap().number()
        })
    })
}

fn project(server: &MariaDbServer, system: &str, user: &str) -> Project {
    let address = format!("mysql://{user}@127.0.0.1:{}/{DATABASE}", server.port());
    only(system, &address, Some(user))
}

fn served(system: &str) -> (MariaDbServer, Project) {
    let server = MariaDbServer::start().unwrap();
    let owner = project(&server, system, "bron");
    let database = owner.dir.join(format!("legacy/{system}.sqlite"));
    into_mariadb(&database, &server, DATABASE);
    server.execute("CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'reader'").unwrap();
    (server, owner)
}

#[test]
fn a_reader_reads_the_same_as_the_owner_and_nothing_else() {
    let (server, owner) = served("paraply");
    extract(&owner).expect(&[0]);
    let text = grants(&owner.dir, &["--dialect", "mysql", "--role", "reader@127.0.0.1"]);
    let reader = project(&server, "paraply", "reader");
    extract(&reader).expect(&[1]);
    for _ in 0..2 {
        server.execute(&text).unwrap();
    }
    extract(&reader).expect(&[0]);
    assert_eq!(staged(&owner, "paraply"), staged(&reader, "paraply"));
    assert!(staged(&reader, "paraply").len() > 20);

    server.execute(&format!("CREATE TABLE {DATABASE}.HEMLIG (id bigint)")).unwrap();
    let left = text.lines().find_map(left_alone).expect("some column is left alone");
    let first = &granted(&text, '`')[0];
    let (table, column) = (&first.table, &first.column);
    for statement in [
        "SELECT * FROM HEMLIG".to_owned(),
        format!("SELECT `{}` FROM `{}`", left.1, left.0),
        format!("UPDATE `{table}` SET `{column}` = NULL"),
        format!("DELETE FROM `{table}`"),
        format!("DROP TABLE `{table}`"),
        "CREATE TABLE ny (id bigint)".to_owned(),
    ] {
        let refused = execute(&server, "reader", &statement);
        assert!(matches!(refused, Err(1142 | 1143)), "{statement}: {refused:?}");
    }
}

/// A table of the line and a column that may be seen and not read.
fn left_alone(line: &str) -> Option<(String, String)> {
    let (read, seen) = line.strip_prefix("GRANT SELECT (")?.split_once("), REFERENCES (")?;
    let (seen, rest) = seen.split_once(") ON ")?;
    let read: Vec<&str> = read.split(", ").collect();
    let left = seen.split(", ").find(|column| !read.contains(column))?;
    let table = rest.split(" TO ").next()?.rsplit('.').next()?;
    Some((table.trim_matches('`').to_owned(), left.trim_matches('`').to_owned()))
}

#[test]
fn no_column_that_is_granted_can_be_done_without() {
    let (server, owner) = served("schemos");
    let text = grants(&owner.dir, &["--dialect", "mysql", "--role", "reader@127.0.0.1"]);
    server.execute(&text).unwrap();
    let reader = project(&server, "schemos", "reader");
    extract(&reader).expect(&[0]);
    // One column in eight, of every table with so many.
    for column in granted(&text, '`').iter().step_by(8) {
        let (table, name) = (&column.table, &column.column);
        let right = format!("SELECT (`{name}`) ON {DATABASE}.`{table}`");
        server.execute(&format!("REVOKE {right} FROM reader@127.0.0.1")).unwrap();
        let ran = extract(&reader).expect(&[1]);
        assert!(ran.stderr.contains(&format!("table {table}: the user may not read this")), "{}", ran.stderr);
        let doctor = run(["doctor", "--project", reader.dir.to_str().unwrap()]).expect(&[1]);
        assert!(doctor.stdout.contains(&format!("{table}.{name}")), "{table}.{name}: {}", doctor.stdout);
        server.execute(&format!("GRANT {right} TO reader@127.0.0.1")).unwrap();
    }
    extract(&reader).expect(&[0]);
}
