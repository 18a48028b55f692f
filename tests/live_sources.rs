//! A system that is a server's database comes over as one that is a file, and what was read once is not read again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use bron_servers::PostgresServer;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::{
    Project, expect_the_same_rows, fresh_city, read_from, run_project, sqlite_count, sqlite_rows,
};

/// Rows that one statement inserts.
const ROWS: usize = 500;

fn execute(server: &PostgresServer, statements: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.unwrap();
    });
}

/// The columns of a table: name, type as PostgreSQL calls it, place in the primary key.
fn columns(database: &Path, table: &str) -> Vec<(String, &'static str, u32)> {
    let query = format!("SELECT name, type, CAST(pk AS TEXT) FROM pragma_table_info('{table}') ORDER BY cid");
    let column = |row: Vec<Option<String>>| {
        let [name, kind, key] = <[Option<String>; 3]>::try_from(row).unwrap().map(Option::unwrap);
        let kind = match kind.as_str() {
            "INTEGER" => "bigint",
            "BLOB" => "bytea",
            _ => "text",
        };
        (name, kind, key.parse().unwrap())
    };
    sqlite_rows(database, &query).into_iter().map(column).collect()
}

/// Writes the tables of an SQLite database into PostgreSQL, in another order than they have.
fn copy_to_postgres(database: &Path, server: &PostgresServer) {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    for table in sqlite_rows(database, tables).into_iter().filter_map(|mut row| row.remove(0)) {
        let columns = columns(database, &table);
        let mut keys: Vec<_> = columns.iter().filter(|(_, _, place)| *place > 0).collect();
        keys.sort_by_key(|(_, _, place)| *place);
        let mut created: Vec<String> =
            columns.iter().map(|(name, kind, _)| format!("\"{name}\" {kind}")).collect();
        if !keys.is_empty() {
            let keys: Vec<String> = keys.iter().map(|(name, ..)| format!("\"{name}\"")).collect();
            created.push(format!("PRIMARY KEY ({})", keys.join(", ")));
        }
        let mut statements = format!("CREATE TABLE \"{table}\" ({});\n", created.join(", "));
        let literal = |(name, kind, _): &(String, &str, u32)| match *kind {
            "bytea" => format!("'''\\x' || hex(\"{name}\") || ''''"),
            _ => format!("quote(CAST(\"{name}\" AS TEXT))"),
        };
        let literals: Vec<String> = columns
            .iter()
            .map(|column| {
                format!("CASE WHEN \"{}\" IS NULL THEN 'NULL' ELSE {} END", column.0, literal(column))
            })
            .collect();
        let rows = format!("SELECT {} FROM \"{table}\" ORDER BY rowid DESC", literals.join(" || ', ' || "));
        let rows: Vec<String> =
            sqlite_rows(database, &rows).into_iter().filter_map(|mut row| row.remove(0)).collect();
        for rows in rows.chunks(ROWS) {
            writeln!(statements, "INSERT INTO \"{table}\" VALUES ({});", rows.join("), (")).unwrap();
        }
        execute(server, &statements);
    }
}

/// The city, with Paraply on a server.
fn city_on_a_server() -> (Project, PostgresServer) {
    let project = fresh_city();
    let server = PostgresServer::start().unwrap();
    copy_to_postgres(&project.dir.join("legacy/paraply.sqlite"), &server);
    read_from(&project.dir, "paraply", &format!("address = \"{}\"", server.url()));
    (project, server)
}

/// The digest of the staged rows of every table of Paraply, by table.
fn staged(project: &Project) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for run in std::fs::read_dir(project.dir.join("runs")).unwrap() {
        let system = run.unwrap().path().join("staged/paraply");
        for table in std::fs::read_dir(system).unwrap() {
            let table = table.unwrap();
            let manifest = std::fs::read_to_string(table.path().join("manifest.json")).unwrap();
            let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
            let name = table.file_name().to_string_lossy().into_owned();
            found.insert(name, manifest["content"].as_str().unwrap().to_owned());
        }
    }
    found
}

fn runs(project: &Project) -> usize {
    std::fs::read_dir(project.dir.join("runs")).unwrap().count()
}

#[test]
fn a_server_gives_the_same_rows_and_the_same_target_as_a_file() {
    let (on_server, _server) = city_on_a_server();
    let in_file = fresh_city();
    run_project("migrate", &in_file.dir).expect(&[0, 3]);
    run_project("migrate", &on_server.dir).expect(&[0, 3]);
    let (left, right) = (staged(&in_file), staged(&on_server));
    // A file gives rows in the order in which it keeps them: that of a key of one whole number, or its own.
    let database = in_file.dir.join("legacy/paraply.sqlite");
    let keeps_the_order = |table: &str| {
        let columns = columns(&database, table);
        let mut key = columns.iter().filter(|(_, _, place)| *place > 0);
        key.next().is_some_and(|(_, kind, _)| *kind == "bigint") && key.next().is_none()
    };
    let different = left.iter().filter(|(table, content)| right.get(*table) != Some(content));
    let different: Vec<&String> =
        different.map(|(table, _)| table).filter(|table| keeps_the_order(table)).collect();
    assert!(different.is_empty(), "staged differently: {different:?}");
    assert!(left.keys().filter(|table| keeps_the_order(table)).count() > 20);
    expect_the_same_rows(&in_file, &on_server);
}

#[test]
fn what_was_read_is_worked_on_until_the_source_is_read_again() {
    let (project, server) = city_on_a_server();
    run_project("extract", &project.dir).expect(&[0]);
    execute(&server, "UPDATE \"PERSON\" SET \"ENAMN\" = 'Nyström'");
    run_project("transform", &project.dir).expect(&[0]);
    // A changed mapping is another run, and still the same reading.
    let model = project.dir.join("mappings/model/person.toml");
    let text = std::fs::read_to_string(&model).unwrap();
    std::fs::write(&model, text.replacen("label     = \"", "label     = \"Ny ", 1)).unwrap();
    for verb in ["transform", "load", "reconcile"] {
        run_project(verb, &project.dir).expect(&[0, 3]);
    }
    let new_name = "SELECT COUNT(*) FROM namn WHERE efternamn = 'Nyström'";
    let target = project.dir.join("target.sqlite");
    assert_eq!(sqlite_count(&target, new_name), 0, "the source was read again");
    let before = runs(&project);
    run_project("migrate", &project.dir).expect(&[0, 2, 3]);
    assert_eq!(runs(&project), before + 1, "a finished reading is followed by a new one");
    assert!(sqlite_count(&target, new_name) > 0, "the source was not read again");
}
