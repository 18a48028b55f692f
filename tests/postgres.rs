//! The same project in PostgreSQL: the same rows, the same verdict.

use bron_servers::PostgresServer;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::incremental::{migrate, second_snapshot};
use crate::support::{Ran, block_on, bron, fresh_city, migrated_city, run_project, sqlite, sqlite_rows};

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
    let accept = ["--accept", "schemos/absence", "--accept", "schemos/planned_visit"];
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
