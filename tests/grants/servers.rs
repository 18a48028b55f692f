//! The rights, given to accounts of real servers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::grants;
use crate::support::{Project, Ran, fresh_city, run_project, sqlite_rows};

/// Rows that one statement inserts.
const ROWS: usize = 200;

#[cfg(feature = "mariadb-tests")]
mod mariadb;
#[cfg(feature = "postgres-tests")]
mod postgres;

/// How a kind of server writes names and types.
struct Form {
    quote: char,
    /// The type of a column, by that of SQLite and whether it is part of the key.
    kind: fn(&str, bool) -> &'static str,
    /// The SQLite expression that gives a blob's literal, with `{}` for the column.
    blob: &'static str,
}

/// The statements that make the tables of an SQLite database on a server.
fn copied(database: &Path, form: &Form) -> Vec<String> {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let tables = sqlite_rows(database, tables).into_iter().filter_map(|mut row| row.remove(0));
    tables.flat_map(|table| table_statements(database, &table, form)).collect()
}

fn table_statements(database: &Path, table: &str, form: &Form) -> Vec<String> {
    let name = |name: &str| format!("{0}{name}{0}", form.quote);
    let query = format!("SELECT name, type, CAST(pk AS TEXT) FROM pragma_table_info('{table}') ORDER BY cid");
    let columns: Vec<[String; 3]> = sqlite_rows(database, &query)
        .into_iter()
        .map(|row| <[Option<String>; 3]>::try_from(row).unwrap().map(Option::unwrap))
        .collect();
    let mut parts: Vec<String> = columns
        .iter()
        .map(|[column, kind, key]| format!("{} {}", name(column), (form.kind)(kind, key != "0")))
        .collect();
    let mut keys: Vec<&[String; 3]> = columns.iter().filter(|[_, _, key]| key != "0").collect();
    keys.sort_by_key(|[_, _, key]| key.parse::<u32>().unwrap());
    if !keys.is_empty() {
        let keys: Vec<String> = keys.iter().map(|[column, ..]| name(column)).collect();
        parts.push(format!("PRIMARY KEY ({})", keys.join(", ")));
    }
    let literals: Vec<String> = columns
        .iter()
        .map(|[column, kind, _]| {
            let quoted = format!("\"{column}\"");
            let literal = match kind.as_str() {
                "BLOB" => form.blob.replace("{}", &quoted),
                _ => format!("quote(CAST({quoted} AS TEXT))"),
            };
            format!("CASE WHEN {quoted} IS NULL THEN 'NULL' ELSE {literal} END")
        })
        .collect();
    let rows = format!("SELECT {} FROM \"{table}\"", literals.join(" || ', ' || "));
    let rows: Vec<String> =
        sqlite_rows(database, &rows).into_iter().filter_map(|mut row| row.remove(0)).collect();
    let mut statements = vec![format!("CREATE TABLE {} ({})", name(table), parts.join(", "))];
    statements.extend(
        rows.chunks(ROWS).map(|rows| format!("INSERT INTO {} VALUES ({})", name(table), rows.join("), ("))),
    );
    statements
}

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

/// The digests of the staged rows, by table.
fn staged(project: &Project, system: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for run in fs::read_dir(project.dir.join("runs")).unwrap() {
        for table in fs::read_dir(run.unwrap().path().join("staged").join(system)).unwrap() {
            let table = table.unwrap();
            let manifest = fs::read_to_string(table.path().join("manifest.json")).unwrap();
            let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
            let name = table.file_name().to_string_lossy().into_owned();
            found.insert(name, manifest["content"].as_str().unwrap().to_owned());
        }
    }
    found
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
