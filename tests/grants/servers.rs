//! The rights, given to accounts of real servers.

use std::collections::BTreeMap;
use std::fs;

use super::grants;
use crate::support::{self, Project, Ran, fresh_city, only_run, run_project};

mod mariadb;
mod postgres;

/// A project that reads this system alone, from this address.
fn only(system: &str, address: &str, password: Option<&str>) -> Project {
    let project = fresh_city();
    let path = project.dir.join("bron.toml");
    let settings = fs::read_to_string(&path).unwrap();
    let (before, _) = settings.split_once("[system.").unwrap();
    let mut text = format!("{before}[system.{system}]\naddress = \"{address}\"\n");
    if let Some(password) = password {
        fs::write(project.dir.join("password"), password).unwrap();
        text.push_str("password = \"file:password\"\n");
    }
    fs::write(path, text).unwrap();
    project
}

/// Reads the project's system anew.
fn extract(project: &Project) -> Ran {
    if project.dir.join("runs").exists() {
        fs::remove_dir_all(project.dir.join("runs")).unwrap();
    }
    run_project("extract", &project.dir)
}

/// The digests of the staged rows of the project's system, by table.
fn staged(project: &Project, system: &str) -> BTreeMap<String, String> {
    support::staged(&only_run(&project.dir), system)
}

/// A column that may be read.
struct Granted {
    table: String,
    column: String,
}

/// The columns that the statements let be read, in their order.
fn granted(text: &str, quote: char) -> Vec<Granted> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("GRANT SELECT (")) {
        let (columns, rest) = line["GRANT SELECT (".len()..].split_once(')').unwrap();
        let on = rest.rsplit_once(" ON ").unwrap().1;
        let table = on.split(" TO ").next().unwrap().rsplit('.').next().unwrap().trim_matches(quote);
        let columns = columns.split(", ").map(|column| column.trim_matches(quote).to_owned());
        found.extend(columns.map(|column| Granted { table: table.to_owned(), column }));
    }
    found
}
