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

/// Sets the target of a project to a server on which each role has an address of its own.
fn with_three_addresses(project: &Project, server: &PostgresServer) {
    let settings = project.dir.join("bron.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let mut text: String =
        text.lines().filter(|line| !line.starts_with("target ")).map(|line| format!("{line}\n")).collect();
    let [dml, ddl, read] = ["dml", "ddl", "read"].map(|role| address(server, &format!("stad_{role}")));
    std::fs::write(project.dir.join("reader"), read).unwrap();
    text.push_str(&format!("\n[target]\naddress = \"{dml}\"\nddl_address = \"{ddl}\"\n"));
    text.push_str("read_address = \"file:reader\"\nconnections = 3\nlock_timeout_seconds = 5\n");
    std::fs::write(settings, text).unwrap();
}

#[test]
fn three_roles_do_the_whole_work_from_an_empty_database() {
    let (server, project) = (PostgresServer::start().unwrap(), fresh_city());
    let roles = "CREATE ROLE stad_ddl LOGIN; CREATE ROLE stad_dml LOGIN; CREATE ROLE stad_read LOGIN; \
                 REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC";
    execute(&server, "bron", roles).unwrap();
    with_three_addresses(&project, &server);
    let dir = project.dir.to_str().unwrap();
    let told = run(["doctor", "--project", dir]).expect(&[1]).stdout;
    assert!(told.contains("ddl_address") && told.contains("may not create tables"), "{told}");
    let text = grants(&project.dir, &["--dialect", "postgres", "--target", "--role", "stad"]);
    let (before, _) = text.split_once("-- The tables are made by").unwrap();
    execute(&server, "bron", before).unwrap();
    let told = run(["doctor", "--project", dir]).stdout;
    assert!(told.contains("the role of `ddl_address` does") && told.contains("read_address"), "{told}");

    let migrated = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    assert_eq!(migrated["findings_total"], 0);
    assert_eq!(run_project("migrate", &project.dir).expect(&[0, 3]).json()["no_op"], true);
    // Every table has its key, and every one belongs to the role that makes tables.
    for wrong in [
        "SELECT FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' \
         AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)",
        "SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' \
         AND relowner <> 'stad_ddl'::regrole",
        "SELECT FROM bron_schema WHERE entity LIKE '@un%'",
    ] {
        // Divided by zero where there is such a thing.
        execute(&server, "bron", &format!("SELECT 1 / (SELECT (NOT EXISTS ({wrong}))::integer)")).unwrap();
    }
    for (role, statement) in [
        ("stad_read", "UPDATE person SET id = id"),
        ("stad_dml", "DELETE FROM bron_schema"),
        ("stad_dml", "UPDATE bron_history_person SET id = id"),
        ("stad_dml", "DELETE FROM bron_history_person"),
        ("stad_dml", "DELETE FROM person"),
        ("stad_dml", "TRUNCATE person"),
        ("stad_dml", "ALTER TABLE person DROP CONSTRAINT person_pkey"),
    ] {
        assert_eq!(execute(&server, role, statement), Err("42501".to_owned()), "{role}: {statement}");
    }
}
