//! Accounts of a PostgreSQL server.

use bron_servers::PostgresServer;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{Granted, Project, extract, granted, grants, only, staged};
use crate::incremental::{migrate, second_snapshot};
use crate::relocation::postgres::into_postgres;
use crate::support::{block_on, fresh_city, run, run_project};

/// Runs statements as a user; the code of the server's refusal otherwise.
fn execute(server: &PostgresServer, user: &str, statements: &str) -> Result<(), String> {
    let address = address(server, user);
    block_on(async {
        let mut connection = PgConnection::connect(&address).await.unwrap();
        let done = sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut connection).await;
        done.map(drop).map_err(|error| match error.as_database_error() {
            Some(refused) => refused.code().unwrap_or_default().into_owned(),
            None => error.to_string(),
        })
    })
}

fn address(server: &PostgresServer, user: &str) -> String {
    format!("postgres://{user}@127.0.0.1:{}/postgres", server.port())
}

fn served(system: &str) -> (PostgresServer, Project) {
    let server = PostgresServer::start().unwrap();
    let owner = only(system, &server.url(), None);
    let database = owner.dir.join(format!("legacy/{system}.sqlite"));
    into_postgres(&database, &server, "public");
    let other = "CREATE ROLE reader LOGIN; CREATE SCHEMA annat; CREATE TABLE annat.\"HEMLIG\" (id bigint)";
    execute(&server, "bron", other).unwrap();
    (server, owner)
}

#[test]
fn a_reader_reads_the_same_as_the_owner_and_nothing_else() {
    let (server, owner) = served("paraply");
    extract(&owner).expect(&[0]);
    let text = grants(&owner.dir, &["--dialect", "postgres", "--role", "reader"]);
    let reader = only("paraply", &address(&server, "reader"), None);
    extract(&reader).expect(&[1]);
    for _ in 0..2 {
        execute(&server, "bron", &text).unwrap();
    }
    extract(&reader).expect(&[0]);
    assert_eq!(staged(&owner, "paraply"), staged(&reader, "paraply"));
    assert!(staged(&reader, "paraply").len() > 20);

    let columns = granted(&text, '"');
    let table = &columns[0].table;
    let column = &columns[0].column;
    // A table of which some column is left where it is.
    let left = table_with_more(&server, &columns);
    for statement in [
        "SELECT * FROM annat.\"HEMLIG\"".to_owned(),
        format!("SELECT * FROM \"{left}\""),
        format!("UPDATE \"{table}\" SET \"{column}\" = NULL"),
        format!("DELETE FROM \"{table}\""),
        format!("DROP TABLE \"{table}\""),
        "CREATE TABLE ny (id bigint)".to_owned(),
    ] {
        assert_eq!(execute(&server, "reader", &statement), Err("42501".to_owned()), "{statement}");
    }
}

/// The first table that has a column which is not granted.
fn table_with_more(server: &PostgresServer, columns: &[Granted]) -> String {
    let all = |table: &str| {
        let granted = columns.iter().filter(|granted| granted.table == table).count();
        let more =
            format!("SELECT 1 / (count(*) - {granted}) FROM pg_attribute WHERE attnum > 0 AND attrelid = ");
        // Divided by zero where every column is granted.
        execute(server, "bron", &format!("{more}'\"{table}\"'::regclass")).is_err()
    };
    let mut tables = columns.iter().map(|granted| &granted.table);
    tables.find(|table| !all(table)).expect("some column is left where it is").clone()
}

#[test]
fn no_column_that_is_granted_can_be_done_without() {
    let (server, owner) = served("schemos");
    let text = grants(&owner.dir, &["--dialect", "postgres", "--role", "reader"]);
    execute(&server, "bron", &text).unwrap();
    let reader = only("schemos", &address(&server, "reader"), None);
    extract(&reader).expect(&[0]);
    // One column in eight, of every table with so many.
    for column in granted(&text, '"').iter().step_by(8) {
        let (table, name) = (&column.table, &column.column);
        let right = format!("SELECT (\"{name}\") ON \"{table}\"");
        execute(&server, "bron", &format!("REVOKE {right} FROM reader")).unwrap();
        let ran = extract(&reader).expect(&[1]);
        assert!(ran.stderr.contains(&format!("table {table}: the user may not read this")), "{}", ran.stderr);
        let doctor = run(["doctor", "--project", reader.dir.to_str().unwrap()]).expect(&[1]);
        assert!(doctor.stdout.contains(&format!("{table}.{name}")), "{table}.{name}: {}", doctor.stdout);
        execute(&server, "bron", &format!("GRANT {right} TO reader")).unwrap();
    }
    extract(&reader).expect(&[0]);
}

#[test]
fn three_roles_make_load_and_compare_the_target() {
    let (server, project) = (PostgresServer::start().unwrap(), fresh_city());
    let roles = "CREATE ROLE stad_ddl LOGIN; CREATE ROLE stad_dml LOGIN; CREATE ROLE stad_read LOGIN; \
                 REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC";
    execute(&server, "bron", roles).unwrap();
    let settings = project.dir.join("bron.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let target = address(&server, "stad_dml");
    let at = text.find("target").unwrap();
    let end = at + text[at..].find('\n').unwrap();
    std::fs::write(&settings, text.replace(&text[at..end], &format!("target = \"{target}\""))).unwrap();

    let text = grants(&project.dir, &["--dialect", "postgres", "--target", "--role", "stad"]);
    let (before, after) = text.split_once("-- The tables are made by").unwrap();
    let mappings = project.dir.join("mappings");
    let ddl = run(["mapping", "ddl", "--dialect", "postgres", "--mappings", mappings.to_str().unwrap()]);
    execute(&server, "bron", before).unwrap();
    assert_eq!(execute(&server, "stad_dml", &ddl.stdout), Err("42501".to_owned()));
    execute(&server, "stad_ddl", &ddl.stdout).unwrap();
    let rights = format!("--{after}");
    execute(&server, "bron", &rights).unwrap();
    execute(&server, "bron", &rights).unwrap();

    let migrated = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    assert_eq!(migrated["findings_total"], 0);
    second_snapshot(&project.dir.join("legacy/schemos.sqlite"));
    let later = migrate(&project.dir, &["--accept", "schemos/absence"]).expect(&[0, 3]).json();
    assert_eq!(later["findings_total"], 0, "what is gone could be retired");
    let dir = project.dir.to_str().unwrap();
    let reader = address(&server, "stad_read");
    run(["reconcile", "--project", dir, "--target", &reader]).expect(&[0, 3]);
    for (role, statement) in [
        ("stad_read", "UPDATE person SET id = id"),
        ("stad_read", "DELETE FROM bron_receipt"),
        ("stad_dml", "DELETE FROM bron_history_person"),
        ("stad_dml", "UPDATE bron_history_person SET id = id"),
        ("stad_dml", "DELETE FROM bron_run"),
        ("stad_dml", "TRUNCATE person"),
        ("stad_dml", "DROP TABLE person"),
        ("stad_dml", "CREATE TABLE ny (id bigint)"),
    ] {
        assert_eq!(execute(&server, role, statement), Err("42501".to_owned()), "{role}: {statement}");
    }
}
