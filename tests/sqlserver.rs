//! Records that lie in a SQL Server become the same rows of the model as those in a file.

use std::fs;
use std::path::Path;

use bron_tds::{Fault, Server};
use toml::Table;

use crate::support::{Project, expect_the_same_rows, fresh_city, only_run, read_from, run_project};

/// Puts the databases of a project behind servers, and the servers' addresses into its settings.
fn served(project: &Path) -> Vec<Server> {
    let table: Table = fs::read_to_string(project.join("bron.toml")).unwrap().parse().unwrap();
    let mut servers = Vec::new();
    for (name, system) in table["system"].as_table().unwrap() {
        let (kind, path) = (system["kind"].as_str().unwrap(), system["path"].as_str().unwrap());
        if kind == "sqlite" {
            let server = Server::builder().database(&project.join(path)).name(name).login("bron", "lösen");
            let server = server.start().unwrap();
            let port = server.addr().port();
            let address = format!("address = \"mssql://bron@127.0.0.1:{port}/{name}\"");
            read_from(project, name, &format!("{address}\npassword = \"file:password\"\nretries = 0"));
            servers.push(server);
        }
    }
    fs::write(project.join("password"), "lösen\n").unwrap();
    servers
}

fn migrated(project: &Project) -> serde_json::Value {
    run_project("migrate", &project.dir).expect(&[0, 3]).json()
}

#[test]
fn the_city_comes_over_the_same_from_sql_server() {
    let (file, other) = (fresh_city(), fresh_city());
    let servers = served(&other.dir);
    assert!(servers.len() >= 2, "only {} systems are databases", servers.len());
    let (from_file, from_server) = (migrated(&file), migrated(&other));
    assert_eq!(from_file["findings_total"], from_server["findings_total"]);
    expect_the_same_rows(&file, &other);
    for server in servers {
        assert!(server.logins().iter().all(|login| login.read_only));
    }
}

#[test]
fn a_server_that_breaks_off_is_said_and_nothing_is_lost() {
    let project = fresh_city();
    let servers = served(&project.dir);
    servers[0].fault(Fault::cut_after_rows(3).on("ORDER BY").skip(12));
    let broken = run_project("migrate", &project.dir).expect(&[1]);
    assert!(broken.stderr.contains("mssql://127.0.0.1"), "{}", broken.stderr);
    assert!(!broken.stderr.contains("lösen"));
    assert_eq!(migrated(&project)["findings_total"], 0);
}

#[test]
fn a_server_that_shows_no_moment_is_named_in_what_the_run_leaves() {
    let project = fresh_city();
    let servers = served(&project.dir);
    let spared = servers.iter().find(|server| server.logins().is_empty()).unwrap();
    spared.allow_snapshot_isolation(false).unwrap();
    let summary = migrated(&project);
    let of = |reading: &serde_json::Value| [&reading["how"], &reading["why_not"]].map(|text| text.is_null());
    let readings = summary["summary"]["readings"].as_array().unwrap();
    let without: Vec<_> = readings.iter().filter(|reading| of(reading) == [true, false]).collect();
    assert_eq!(without.len(), 1, "{readings:?}");
    assert!(readings.iter().filter(|reading| of(reading) == [false, true]).count() + 1 == readings.len());
    let run = only_run(&project.dir);
    let noted = fs::read_to_string(run.join("readings.json")).unwrap();
    assert!(noted.contains("does not allow SNAPSHOT isolation"), "{noted}");
    let report = fs::read_to_string(project.dir.join("report/index.html")).unwrap();
    assert!(report.contains("databasen tillåter inte SNAPSHOT-isolering"));
}
