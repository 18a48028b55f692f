//! The same project in PostgreSQL: the same rows, the same verdict.

use bron_servers::PostgresServer;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{Project, Ran, block_on, bron, fresh_city, run_project, run_target_digest, tiny_city};

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
