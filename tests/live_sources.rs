//! A system that is a server's database comes over as one that is a file, and what was read once is not read again.

use bron_servers::PostgresServer;

use crate::relocation::postgres::{into_postgres, on_postgres};
use crate::support::{
    Project, expect_the_same_rows, fresh_city, only_run, read_from, run_project, runs, sqlite_count, staged,
};

/// The city, with Paraply on a server.
fn city_on_a_server() -> (Project, PostgresServer) {
    let project = fresh_city();
    let server = PostgresServer::start().unwrap();
    into_postgres(&project.dir.join("legacy/paraply.sqlite"), &server, "public");
    read_from(&project.dir, "paraply", &format!("address = \"{}\"", server.url()));
    (project, server)
}

#[test]
fn a_server_gives_the_same_rows_and_the_same_target_as_a_file() {
    let (on_server, _server) = city_on_a_server();
    let in_file = fresh_city();
    run_project("migrate", &in_file.dir).expect(&[0, 3]);
    run_project("migrate", &on_server.dir).expect(&[0, 3]);
    let [left, right] = [&in_file, &on_server].map(|project| staged(&only_run(&project.dir), "paraply"));
    let different = left.iter().filter(|(table, content)| right.get(*table) != Some(content));
    let different: Vec<&String> = different.map(|(table, _)| table).collect();
    assert!(different.is_empty(), "staged differently: {different:?}");
    assert!(left.len() > 25);
    expect_the_same_rows(&in_file, &on_server);
}

#[test]
fn what_was_read_is_worked_on_until_the_source_is_read_again() {
    let (project, server) = city_on_a_server();
    run_project("extract", &project.dir).expect(&[0]);
    on_postgres(&server, &["UPDATE \"PERSON\" SET \"ENAMN\" = 'Nyström'".to_owned()]);
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
    let before = runs(&project.dir).len();
    run_project("migrate", &project.dir).expect(&[0, 2, 3]);
    assert_eq!(runs(&project.dir).len(), before + 1, "a finished reading is followed by a new one");
    assert!(sqlite_count(&target, new_name) > 0, "the source was not read again");
}
