//! The statements that `bron mapping ddl` prints make a target that a load accepts.

use crate::support::{fresh_city, run, run_project, sqlite, sqlite_count};

/// The statements for the shipped model.
fn printed(dialect: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/mappings");
    run(["mapping", "ddl", "--dialect", dialect, "--mappings", folder]).expect(&[0]).stdout
}

#[test]
fn what_is_printed_for_sqlite_is_loaded_into() {
    let project = fresh_city();
    let target = project.dir.join("target.sqlite");
    let ddl = printed("sqlite");
    assert!(ddl.contains("-- beslut: Beslut.") && ddl.contains("Skydd: kanslig"), "the meaning stands there");
    std::fs::write(&target, "").unwrap();
    sqlite(&target, &[&ddl, &ddl]);
    let indexes = "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name LIKE '%_ix'";
    let made = sqlite_count(&target, indexes);
    assert!(made > 50, "{made} indexes");
    let document = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    assert_eq!(document["findings_total"], 0);
    assert_eq!(sqlite_count(&target, indexes), made, "loading leaves them alone");
}

#[cfg(feature = "postgres-tests")]
#[test]
fn what_is_printed_for_postgresql_is_loaded_into() {
    use bron_servers::PostgresServer;
    use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

    use crate::support::{Ran, bron};

    let server = PostgresServer::start().expect("the server's programs are installed");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run_statements = |text: String| {
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&server.url()).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
        });
    };
    run_statements(printed("postgres"));
    run_statements(printed("postgres"));
    let project = fresh_city();
    let mut command = bron();
    command.args(["migrate", "--output", "json", "--project"]).arg(&project.dir);
    let ran = Ran::from(command.args(["--target", &server.url()]).output().unwrap()).expect(&[0, 3]);
    assert_eq!(ran.json()["findings_total"], 0);
    let comment = runtime.block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        let query = "SELECT col_description('person'::regclass, ordinal_position::int) FROM information_schema.columns \
            WHERE table_name = 'person' AND column_name = 'skyddad'";
        sqlx::query(query).fetch_one(&mut connection).await.unwrap().get::<String, _>(0)
    });
    assert_eq!(comment, "Skyddad. Någon källa skyddar personen som raden gäller. Skydd: kanslig");
}
