//! What will go wrong is said before the run, with what to do about it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bron_tds::Server;
use serde_json::Value;

use crate::support::{Ran, files, fresh_city, migrated_city, read_from, run, run_project};

fn doctor(project: &Path, codes: &[i32]) -> Ran {
    run(["doctor", "--project", project.to_str().unwrap(), "--output", "json"]).expect(codes)
}

/// The checks of an area whose name begins so, by subject.
fn check<'j>(document: &'j Value, area: &str, subject: &str) -> &'j Value {
    let checks = document["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| {
        check["area"].as_str().unwrap().starts_with(area) && check["check"].as_str() == Some(subject)
    });
    found.unwrap_or_else(|| panic!("no check {area}/{subject} in {document:#}"))
}

#[test]
fn a_project_that_works_is_found_to_work_and_nothing_is_touched() {
    let project = migrated_city();
    let before = files(&project.dir);
    let document = doctor(&project.dir, &[0]).json();
    assert_eq!(files(&project.dir), before);
    assert_eq!(document["fails"], 0);
    for (area, subject) in [
        ("paraply", "let in"),
        ("paraply", "may read"),
        ("paraply", "one moment"),
        ("paraga", "files"),
        ("paraga", "files by table"),
        ("paraga", "may read"),
        ("target", "owner"),
        ("target", "may write"),
        ("project", "mapping files"),
        ("keys", "secret"),
        ("machine", "disk"),
    ] {
        let verdict = &check(&document, area, subject)["verdict"];
        assert!(verdict == "fine" || verdict == "look", "{area}/{subject}: {verdict}");
    }
    let text = run(["doctor", "--project", project.dir.to_str().unwrap()]).expect(&[0]).stdout;
    assert!(text.starts_with("agresso  csv:") && text.contains("  ✓ may read"), "{text}");
}

#[test]
fn every_check_is_made_even_when_one_fails() {
    let project = fresh_city();
    fs::remove_file(project.dir.join("legacy/schemos.sqlite")).unwrap();
    let password = "address = \"postgres://r@127.0.0.1:1/x\"\npassword = \"env:BRON_NO_SUCH_PASSWORD\"";
    read_from(&project.dir, "vodok", password);
    fs::write(project.dir.join("secret.key"), "kort\n").unwrap();
    let settings = project.dir.join("bron.toml");
    fs::write(&settings, fs::read_to_string(&settings).unwrap().replace("as_of", "# as_of")).unwrap();
    let mapping = project.dir.join("mappings/paraply/system.toml");
    fs::write(&mapping, fs::read_to_string(&mapping).unwrap().replace("label", "labell")).unwrap();
    let document = doctor(&project.dir, &[1]).json();
    for (area, subject, told) in [
        ("schemos", "let in", "does not exist"),
        ("vodok", "settings", "BRON_NO_SUCH_PASSWORD"),
        ("keys", "secret", ""),
        ("project", "as_of", "reads `@as_of`"),
        ("project", "mapping files", "errors, the first in "),
    ] {
        let check = check(&document, area, subject);
        assert_eq!(check["verdict"], "fails", "{check}");
        assert!(check["found"].as_str().unwrap().contains(told), "{check}");
        assert!(!check["advice"].as_str().unwrap().is_empty(), "{check}");
    }
    assert_eq!(check(&document, "paraply", "let in")["verdict"], "fine");
    assert!(!document.to_string().contains("kort"), "the secret is shown");
}

#[test]
fn a_file_that_is_on_its_way_is_named() {
    let project = fresh_city();
    fs::write(project.dir.join("legacy/paraga/besok_209901_U01.csv.lck"), "").unwrap();
    let document = doctor(&project.dir, &[1]).json();
    for (subject, told) in
        [("let in", "still on its way"), ("being written", "besok_209901_U01.csv.lck: named")]
    {
        let check = check(&document, "paraga", subject);
        assert_eq!(check["verdict"], "fails", "{check}");
        assert!(check["found"].as_str().unwrap().contains(told), "{check}");
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let project = fresh_city();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    read_from(&project.dir, "paraply", &format!("address = \"postgres://r@127.0.0.1:{port}/x\""));
    read_from(&project.dir, "schemos", "address = \"mysql://r@127.0.0.1:1/x\"");
    let dir = project.dir.to_str().unwrap();
    let arguments = ["doctor", "--project", dir, "--output", "json", "--patience", "5"];
    let document = run(arguments).expect(&[1]).json();
    assert_eq!(check(&document, "paraply", "reached")["verdict"], "fine");
    let silent = check(&document, "paraply", "let in");
    assert!(silent["found"].as_str().unwrap().contains("no answer in time"), "{silent}");
    let nobody = check(&document, "schemos", "reached");
    assert!(nobody["found"].as_str().unwrap().contains("127.0.0.1:1: "), "{nobody}");
    assert_eq!(check(&document, "vodok", "let in")["verdict"], "fine");
}

#[test]
fn keys_and_records_that_others_may_read_are_told() {
    let project = fresh_city();
    let key = project.dir.join("secret.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let document = doctor(&project.dir, &[0]).json();
    let told = check(&document, "keys", "key file");
    assert_eq!(told["verdict"], "look");
    assert!(told["advice"].as_str().unwrap().starts_with("chmod 600 "), "{told}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(check(&doctor(&project.dir, &[0]).json(), "keys", "key file")["verdict"], "fine");
}

#[test]
fn the_target_of_another_installation_is_told() {
    let project = migrated_city();
    fs::write(project.dir.join("secret.key"), "1".repeat(64)).unwrap();
    let document = doctor(&project.dir, &[1]).json();
    let owner = check(&document, "target", "owner");
    assert!(owner["found"].as_str().unwrap().contains("another installation"), "{owner}");
}

#[test]
fn a_sql_server_says_what_it_is_and_what_is_missing() {
    let project = fresh_city();
    let database = project.dir.join("legacy/paraply.sqlite");
    let server = Server::builder().database(&database).name("paraply").login("bron", "lösen");
    let server = server.snapshot_isolation(false).deny("PERSON").start().unwrap();
    let address = format!("address = \"mssql://bron@127.0.0.1:{}/paraply\"", server.addr().port());
    read_from(&project.dir, "paraply", &format!("{address}\npassword = \"file:password\""));
    fs::write(project.dir.join("password"), "lösen\n").unwrap();
    let ran = doctor(&project.dir, &[1]);
    assert!(!ran.stdout.contains("lösen") && !ran.stderr.contains("lösen"));
    let document = ran.json();
    let told = |subject: &str| check(&document, "paraply", subject);
    for (subject, verdict, found) in [
        ("server", "fine", "SQL Server 16.0"),
        ("encryption", "fine", "this machine"),
        ("clock", "fine", "same time"),
        ("time zone", "fine", "UTC+00:00"),
        ("texts", "fine", "Finnish_Swedish_CI_AS"),
        ("one moment", "look", "does not allow SNAPSHOT isolation"),
        ("may read", "fails", "PERSON."),
        ("reads only", "look", "may ALTER in the whole database"),
    ] {
        let check = told(subject);
        assert_eq!(check["verdict"], verdict, "{check}");
        assert!(check["found"].as_str().unwrap().contains(found), "{check}");
    }
    assert!(
        told("may read")["advice"].as_str().unwrap().contains("bron grants --dialect mssql --system paraply")
    );

    server.allow("PERSON");
    server.allow_snapshot_isolation(true).unwrap();
    for right in ["CONTROL", "ALTER", "INSERT", "UPDATE", "DELETE", "EXECUTE"] {
        server.deny(right);
    }
    let document = doctor(&project.dir, &[0]).json();
    for subject in ["one moment", "may read", "reads only"] {
        assert_eq!(check(&document, "paraply", subject)["verdict"], "fine", "{subject}");
    }
    run_project("extract", &project.dir).expect(&[0]);
}

#[cfg(feature = "postgres-tests")]
#[test]
fn a_postgresql_server_says_what_it_is() {
    let project = fresh_city();
    let server = bron_servers::PostgresServer::start().unwrap();
    read_from(&project.dir, "paraply", &format!("address = \"{}\"", server.url()));
    let settings = project.dir.join("bron.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(
        &settings,
        text.replace("target = \"target.sqlite\"", &format!("target = \"{}\"", server.url())),
    )
    .unwrap();
    let document = doctor(&project.dir, &[1]).json();
    for (area, subject, verdict, found) in [
        ("paraply", "server", "fine", "PostgreSQL "),
        ("paraply", "encryption", "fine", "this machine"),
        ("paraply", "clock", "fine", ""),
        ("paraply", "texts", "fine", "UTF8"),
        ("paraply", "one moment", "fine", "exported snapshot"),
        ("paraply", "may read", "fails", "it is not there"),
        ("paraply", "reads only", "look", "is a superuser, may create roles"),
        ("target", "reached", "fine", "PostgreSQL "),
        ("target", "may create", "fine", ""),
        ("target", "owner", "fine", ""),
    ] {
        let check = check(&document, area, subject);
        assert_eq!(check["verdict"], verdict, "{check}");
        assert!(check["found"].as_str().unwrap().contains(found), "{check}");
    }
}

#[cfg(feature = "odbc-tests")]
#[test]
fn a_source_behind_a_driver_says_what_it_can() {
    let project = fresh_city();
    let database = project.dir.join("legacy/paraply.sqlite");
    let address = crate::support::through_odbc(&database);
    read_from(&project.dir, "paraply", &address);
    let document = doctor(&project.dir, &[0]).json();
    for (subject, verdict) in [
        ("let in", "fine"),
        ("server", "fine"),
        ("encryption", "unknown"),
        ("one moment", "fine"),
        ("may read", "fine"),
        ("reads only", "unknown"),
    ] {
        assert_eq!(check(&document, "paraply", subject)["verdict"], verdict, "{subject}");
    }
    read_from(&project.dir, "paraply", &address.replace("paraply.sqlite", "vodok.sqlite"));
    let document = doctor(&project.dir, &[1]).json();
    assert_eq!(check(&document, "paraply", "may read")["verdict"], "fails");
}

#[cfg(feature = "mariadb-tests")]
#[test]
fn a_mariadb_server_says_what_it_is() {
    let project = fresh_city();
    let server = bron_servers::MariaDbServer::start().unwrap();
    server.execute("CREATE TABLE bron.utan (id int) ENGINE = MyISAM").unwrap();
    let address = format!("address = \"mysql://bron@127.0.0.1:{}/bron\"", server.port());
    read_from(&project.dir, "paraply", &format!("{address}\npassword = \"file:password\""));
    fs::write(project.dir.join("password"), "bron").unwrap();
    let document = doctor(&project.dir, &[1]).json();
    for (subject, verdict, found) in [
        ("server", "fine", "MariaDB "),
        ("encryption", "fine", "this machine"),
        ("clock", "fine", ""),
        ("texts", "fine", "utf8mb4"),
        ("one moment", "look", "utan"),
        ("reads only", "look", "has the right ALL PRIVILEGES"),
    ] {
        let check = check(&document, "paraply", subject);
        assert_eq!(check["verdict"], verdict, "{check}");
        assert!(check["found"].as_str().unwrap().contains(found), "{check}");
    }
}
