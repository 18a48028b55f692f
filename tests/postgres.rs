//! The same project in PostgreSQL: the same rows, the same verdict.

use bron_servers::PostgresServer;

use crate::support::{Ran, bron, fresh_city, run_project};

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
