//! A load into PostgreSQL that stopped in its midst: the same run goes on with it, and another starts it over.

use std::path::Path;

use bron_servers::PostgresServer;
use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::incremental::{migrate, second_snapshot};
use crate::shared_target::with_systems;
use crate::support::{Ran, block_on, fresh_city, run, run_target_digest, tiny_city};

/// Finds the tables of loads that have not ended.
const UNFINISHED: &str = "SELECT entity FROM bron_schema WHERE entity LIKE '@unfinished:%'";

/// Lets no receipt for an entity come in, as when the disk is full.
const STOP: &str = "CREATE FUNCTION stopp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     IF NEW.entity = TG_ARGV[0] THEN RAISE 'full' USING ERRCODE = '53100'; END IF; RETURN NEW; END $$";

fn execute(server: &PostgresServer, statements: &str) {
    block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.unwrap();
    });
}

fn texts(server: &PostgresServer, query: &str) -> Vec<String> {
    block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_all(&mut connection).await.unwrap()
    })
}

fn stop_at(server: &PostgresServer, entity: &str) {
    let trigger = format!(
        "{STOP}; CREATE TRIGGER stopp BEFORE INSERT ON bron_receipt FOR EACH ROW EXECUTE FUNCTION stopp('{entity}')"
    );
    execute(server, &trigger);
}

fn go_on(server: &PostgresServer) {
    execute(server, "DROP FUNCTION stopp() CASCADE");
}

fn with_target(project: &Path, server: &PostgresServer, more: &[&str]) -> Ran {
    migrate(project, &[&["--target", server.url().as_str()], more].concat())
}

#[test]
fn an_interrupted_load_beside_another_projects_rows_goes_on() {
    let server = PostgresServer::start().expect("the server's programs are installed");
    let whole = fresh_city();
    let cases = with_systems(&whole, &["paraply", "agresso"]);
    let health = with_systems(&whole, &["vodok"]);
    with_target(&cases.dir, &server, &[]).expect(&[0, 3]);
    stop_at(&server, "hsl_anteckning");
    with_target(&health.dir, &server, &[]).expect(&[1, 6]);
    assert!(!texts(&server, UNFINISHED).is_empty());
    go_on(&server);
    let document = with_target(&health.dir, &server, &[]).expect(&[0, 3]).json();
    assert_eq!(document["findings_total"], 0);
    assert!(texts(&server, UNFINISHED).is_empty());
}

#[test]
fn a_load_of_other_content_starts_an_interrupted_one_over() {
    let server = PostgresServer::start().expect("the server's programs are installed");
    let project = tiny_city();
    let mappings = project.dir.join("mappings");
    let definition =
        run(["mapping", "ddl", "--dialect", "postgres", "--mappings", mappings.to_str().unwrap()]);
    execute(&server, &definition.expect(&[0]).stdout);
    stop_at(&server, "namn");
    with_target(&project.dir, &server, &[]).expect(&[1, 6]);
    assert!(!texts(&server, UNFINISHED).is_empty());
    let plan = project.dir.join("plan.json");
    let plan = ["--plan", plan.to_str().unwrap()];
    let begun = with_target(&project.dir, &server, &plan).expect(&[1, 6]);
    assert!(begun.stderr.contains("the load of this run has begun"), "{}", begun.stderr);

    go_on(&server);
    second_snapshot(&project.dir.join("legacy/schemos.sqlite"));
    let accept = ["--accept", "schemos/absence"];
    let planned = with_target(&project.dir, &server, &[&plan[..], &accept].concat()).expect(&[0]).json();
    let new = planned["entities"].as_array().unwrap().iter().filter_map(|one| one["insert"].as_u64());
    assert!(new.sum::<u64>() > 50, "nothing that the other run wrote counts");
    let document = with_target(&project.dir, &server, &accept).expect(&[0, 3]).json();
    assert_eq!(document["findings_total"], 0);
    migrate(&project.dir, &accept).expect(&[0, 3]);
    let digest = |more: &[&str]| run_target_digest(&project, more).expect(&[0]).json()["digest"].clone();
    let (here, there): (Value, Value) = (digest(&[]), digest(&["--target", &server.url()]));
    assert_eq!(here, there, "the target holds what one that was never interrupted holds");

    // A table that another run left, and that this one has no rows for.
    let tables = "SELECT entity FROM bron_schema WHERE entity NOT LIKE '@%' ORDER BY 1";
    let is_empty =
        |table: &String| texts(&server, &format!("SELECT 'row' FROM \"{table}\" LIMIT 1")).is_empty();
    let empty =
        texts(&server, tables).into_iter().find(is_empty).expect("a small city does not have everything");
    execute(
        &server,
        &format!(
            "ALTER TABLE \"{empty}\" DROP CONSTRAINT \"{empty}_pkey\" CASCADE; \
             INSERT INTO bron_schema VALUES ('@unfinished:{empty}', 'another')"
        ),
    );
    with_target(&project.dir, &server, &accept).expect(&[0, 3]);
    assert!(texts(&server, UNFINISHED).is_empty(), "{empty}");
}
