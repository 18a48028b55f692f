//! The same project in PostgreSQL: the same rows, the same verdict.

use bron_servers::PostgresServer;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{Ran, block_on, bron, fresh_city, run_project};

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

#[test]
fn what_postgresql_refuses_is_held_back_as_in_a_file() {
    let server = PostgresServer::start().expect("the server's programs are installed");
    let project = fresh_city();
    let whole = with_target("migrate", &project.dir, &server.url()).expect(&[0, 3]).json();
    block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        for statement in [
            "TRUNCATE beslut, utbetalning, bron_receipt",
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
