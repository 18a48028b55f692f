//! The same project in PostgreSQL: the same rows, the same verdict.

use std::collections::BTreeMap;

use bron_servers::PostgresServer;
use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::incremental::{migrate, second_snapshot};
use crate::support::{
    Project, Ran, block_on, bron, fresh_city, migrated_city, run_project, run_target_digest, sqlite,
    sqlite_rows, tiny_city,
};

fn with_target(verb: &str, project: &std::path::Path, url: &str) -> Ran {
    let mut command = bron();
    command.args([verb, "--output", "json", "--project"]).arg(project).args(["--target", url]);
    Ran::from(command.output().unwrap())
}

#[test]
fn a_project_loads_into_postgresql_with_the_same_result() {
    let server = PostgresServer::start().expect("the server's programs are installed");
    let project = fresh_city();
    let sqlite = run_project("migrate", &project.dir).expect(&[0, 3]);
    let postgres = with_target("migrate", &project.dir, &server.url());
    assert_eq!(sqlite.code, postgres.code, "{}", postgres.stderr);
    let (sqlite, postgres) = (sqlite.json(), postgres.json());
    assert_eq!(sqlite["summary"], postgres["summary"]);
    assert_eq!(postgres["findings_total"], 0);
    assert_eq!(postgres["work"]["load"]["reused"], 0);
    let again = with_target("migrate", &project.dir, &server.url()).expect(&[0, 3]).json();
    assert_eq!(again["no_op"], true);
}

/// Every table with its rows in the order of their text, as digests; but for the list of runs, which knows the time.
fn digests(server: &PostgresServer) -> BTreeMap<String, String> {
    block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
                      AND relkind = 'r' AND relname <> 'bron_run'";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
        let mut digests = BTreeMap::new();
        for table in tables {
            let digest = format!(
                "SELECT count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') \
                 FROM \"{table}\" AS t"
            );
            let digest = sqlx::query_scalar(AssertSqlSafe(digest)).fetch_one(&mut connection).await.unwrap();
            digests.insert(table, digest);
        }
        digests
    })
}

/// Loads what is staged with so many connections.
fn load(project: &Project, server: &PostgresServer, connections: usize) -> BTreeMap<String, String> {
    let settings = project.dir.join("bron.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with("target "));
    let mut kept: String = kept.map(|line| format!("{line}\n")).collect();
    kept.push_str(&format!("\n[target]\naddress = \"target.sqlite\"\nconnections = {connections}\n"));
    std::fs::write(&settings, kept).unwrap();
    with_target("load", &project.dir, &server.url()).expect(&[0]);
    std::fs::write(&settings, text).unwrap();
    digests(server)
}

/// A city that is mapped, in parts so small that every connection gets several.
fn mapped_city(part_rows: u32) -> Project {
    let project = fresh_city();
    let settings = project.dir.join("bron.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text.replacen("target ", &format!("part_rows = {part_rows}\ntarget "), 1))
        .unwrap();
    for stage in ["extract", "transform"] {
        run_project(stage, &project.dir).expect(&[0]);
    }
    project
}

#[test]
fn rows_and_receipts_are_the_same_whatever_the_number_of_connections() {
    let project = mapped_city(64);
    let servers = [PostgresServer::start().unwrap(), PostgresServer::start().unwrap()];
    let one = load(&project, &servers[0], 1);
    let eight = load(&project, &servers[1], 8);
    assert!(one.len() > 20);
    assert_eq!(one, eight);
    // The way of a table that is there already gives the same rows too.
    block_on(async {
        let mut connection = PgConnection::connect(&servers[0].url()).await.unwrap();
        let forget = "DELETE FROM bron_receipt; INSERT INTO bron_schema VALUES ('@unchecked:beslut', 'r')";
        sqlx::raw_sql(forget).execute(&mut connection).await.unwrap();
    });
    let mut again = load(&project, &servers[0], 3);
    assert_ne!(again.remove("bron_receipt"), one.get("bron_receipt").cloned(), "no row was inserted");
    let mut rows = one;
    rows.remove("bron_receipt");
    assert_eq!(again, rows);
}

#[test]
fn what_is_refused_is_the_same_whatever_the_number_of_connections() {
    let project = mapped_city(16);
    let mappings = project.dir.join("mappings");
    let mut definitions = bron();
    definitions.args(["mapping", "ddl", "--dialect", "postgres", "--mappings"]).arg(mappings);
    let definitions = Ran::from(definitions.output().unwrap()).expect(&[0]).stdout;
    let mut found = Vec::new();
    for connections in [1, 8] {
        let server = PostgresServer::start().unwrap();
        block_on(async {
            let mut connection = PgConnection::connect(&server.url()).await.unwrap();
            // Sixteen rows at most can be there, and most parts have several of each sort.
            let rule = "CREATE UNIQUE INDEX stadens_regel ON utbetalning (left(md5(id::text), 1))";
            for statement in [definitions.as_str(), rule] {
                sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
            }
        });
        let held = load(&project, &server, connections);
        assert!(!held["bron_refused"].starts_with("0 "), "{held:?}");
        found.push(held);
    }
    assert_eq!(found[0], found[1]);
}

#[test]
fn what_postgresql_refuses_is_held_back_as_in_a_file() {
    let server = PostgresServer::start().expect("the server's programs are installed");
    let project = fresh_city();
    let whole = with_target("migrate", &project.dir, &server.url()).expect(&[0, 3]).json();
    block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        for statement in [
            // Without regard to the foreign keys.
            "SET session_replication_role = replica; DELETE FROM beslut; DELETE FROM utbetalning; \
             DELETE FROM bron_receipt; SET session_replication_role = origin",
            "ALTER TABLE beslut ADD CONSTRAINT stadens_villkor CHECK (id::text NOT LIKE '0%')",
            "CREATE FUNCTION kontroll() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF NEW.id::text LIKE '1%' THEN RAISE 'hemligt'; END IF; RETURN NEW; END $$",
            "CREATE CONSTRAINT TRIGGER sist AFTER INSERT ON utbetalning DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION kontroll()",
        ] {
            sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
        }
    });
    let document = with_target("migrate", &project.dir, &server.url()).expect(&[3]).json();
    assert_eq!(document["verdict"], "lika_med_karantan");
    assert_eq!(document["findings_total"], 0);
    let lines = document["summary"]["refused"].as_array().unwrap();
    let named = |constraint: &str| -> u64 {
        let lines = lines.iter().filter(|line| line["constraint"] == constraint);
        lines.filter_map(|line| line["rows"].as_u64()).sum()
    };
    let (checked, raised) = (named("stadens_villkor"), named("kontroll"));
    assert!(checked > 0 && raised > 0, "{lines:?}");
    let compared = |document: &Value| document["summary"]["rows"]["compared"].as_u64().unwrap();
    assert_eq!(compared(&document), compared(&whole) - checked - raised);
    let again = with_target("migrate", &project.dir, &server.url()).expect(&[3]).json();
    assert_eq!(again["no_op"], true);
    assert_eq!(again["summary"], document["summary"]);
}

/// The texts of a query's one column.
fn texts(server: &PostgresServer, query: &str) -> Vec<String> {
    block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_all(&mut connection).await.unwrap()
    })
}

#[test]
fn later_snapshots_leave_the_same_history_in_both() {
    let server = PostgresServer::start().expect("the server's programs are installed");
    let project = migrated_city();
    let (file, target) = (project.dir.join("legacy/schemos.sqlite"), project.dir.join("target.sqlite"));
    with_target("migrate", &project.dir, &server.url()).expect(&[0, 3]);
    let url = server.url();
    let (first, plan) = (std::fs::read(&file).unwrap(), project.dir.join("plan.json"));
    let plan = plan.to_str().unwrap();
    let tables = ["schemos/absence", "schemos/planned_visit", "schemos/change_log"];
    let accept = tables.map(|table| ["--accept", table]).concat();
    for snapshot in 0..3 {
        match snapshot {
            0 => drop(second_snapshot(&file)),
            1 => drop(sqlite(&file, &["DELETE FROM planned_visit WHERE id % 5 = 0"])),
            _ => std::fs::write(&file, &first).unwrap(),
        }
        let of_file = migrate(&project.dir, &accept).expect(&[0, 2, 3]).json();
        let planned = [&accept[..], &["--target", &url, "--plan", plan]].concat();
        migrate(&project.dir, &planned).expect(&[0]);
        let apply = ["--target", url.as_str(), "--apply", plan];
        let of_server = migrate(&project.dir, &apply).expect(&[0, 2, 3]).json();
        assert_eq!(of_file["summary"]["changes"], of_server["summary"]["changes"], "snapshot {snapshot}");
        // Of the visits that are gone the source still lists the tasks, which is told.
        assert_eq!(of_file["findings_total"], of_server["findings_total"], "snapshot {snapshot}");
        assert_eq!(migrate(&project.dir, &apply).expect(&[0, 2, 3]).json()["no_op"], true);
    }
    let tables =
        "SELECT table_name::text FROM information_schema.tables WHERE table_name LIKE 'bron_history_%'";
    let (mut rows, mut compared) = (0, 0);
    for table in texts(&server, &format!("{tables} ORDER BY 1")) {
        let query = format!(
            "SELECT CAST(id AS text) || load_run_id || ended_by_run || ended_because || CAST(ended_ordinal AS text) \
             FROM {table} ORDER BY 1"
        );
        let in_file = sqlite_rows(&target, &query);
        let in_server = texts(&server, &query);
        rows += in_server.len();
        assert_eq!(in_file.into_iter().flatten().flatten().collect::<Vec<_>>(), in_server, "{table}");
        compared += 1;
    }
    println!("{rows} rows of {compared} histories are the same in SQLite and in PostgreSQL");
    assert!(rows > 20 && compared > 20, "{rows} rows, {compared} tables");
}

/// The texts that a statement gives.
fn rows(url: &str, statement: &str) -> Vec<String> {
    block_on(async {
        let mut connection = PgConnection::connect(url).await.expect("the server answers");
        let rows = sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_all(&mut connection).await;
        rows.expect("the statement is right")
    })
}

/// The digest of everything that a target holds.
fn digest(project: &Project, url: &str) -> String {
    let told = run_target_digest(project, &["--target", url]).expect(&[0]).json();
    told["digest"].as_str().unwrap().to_owned()
}

#[test]
fn a_target_has_the_digest_of_the_same_rows_elsewhere() {
    let server = PostgresServer::start().expect("the server's programs are installed");
    let project = tiny_city();
    run_project("migrate", &project.dir).expect(&[0, 3]);
    let sqlite = digest(&project, project.dir.join("target.sqlite").to_str().unwrap());
    for (threads, batch_rows) in [("1", "1"), ("2", "7"), ("4", "1000"), ("8", "25000")] {
        let name = format!("digest_{threads}");
        rows(&server.url(), &format!("CREATE DATABASE {name}"));
        let url = format!("{}{name}", server.url().trim_end_matches("postgres"));
        let other = tiny_city();
        let mut command = bron();
        command.args(["migrate", "--quiet", "--batch-rows", batch_rows, "--project"]).arg(&other.dir);
        command.args(["--target", &url]).env("RAYON_NUM_THREADS", threads);
        Ran::from(command.output().unwrap()).expect(&[0, 3]);
        assert_eq!(digest(&other, &url), sqlite, "{threads} threads, {batch_rows} rows");
    }
}

#[test]
fn loading_twice_writes_no_row() {
    let server = PostgresServer::start().expect("the server's programs are installed");
    let project = tiny_city();
    with_target("migrate", &project.dir, &server.url()).expect(&[0, 3]);
    // Every row of every table with the transaction that wrote it.
    let written = || {
        let tables = rows(&server.url(), "SELECT relname::text FROM pg_stat_user_tables ORDER BY relname");
        let of = |table: &String| {
            let query = format!("SELECT xmin::text || ' ' || ctid::text FROM \"{table}\" ORDER BY ctid");
            (table.clone(), rows(&server.url(), &query))
        };
        tables.iter().map(of).collect::<Vec<_>>()
    };
    let before = written();
    assert!(before.iter().map(|(_, rows)| rows.len()).sum::<usize>() > 50);
    assert_eq!(with_target("load", &project.dir, &server.url()).expect(&[0]).json()["done"], 0);
    assert!(written() == before, "a row was written again");
}
