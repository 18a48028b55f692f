//! The same records give the same staged rows, whatever they are read from and through.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bron_extract::{MANIFEST_FILE, Manifest, read_parts};
use bron_mappings::{Cells, Column, ColumnType, Value};
use bron_servers::{MariaDbServer, PostgresServer};
use bron_tds::Server;

use crate::relocation::files::{Encoding, into_files};
use crate::relocation::mariadb::into_mariadb;
use crate::relocation::postgres::into_postgres;
use crate::support::{self, Project, copy, only_run, run_project, small_city, through_odbc};

/// The systems of the city that are databases.
const SYSTEMS: [&str; 4] = ["paraply", "schemos", "vodok", "warna"];

/// The tables of several rows without a primary key: an SQLite file gives their rows as they lie, servers in the order
/// of their values. The rows are the same.
const WITHOUT_KEY: [&str; 1] = ["vodok/SOKORD"];

/// A staged table: the digest of its rows in their order, and the rows, by column.
struct Staged {
    content: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Option<Vec<u8>>>>,
}

/// The staged tables by `system/TABLE`.
type City = BTreeMap<String, Staged>;

/// Reads the systems of a copy of the city as `lines` say, and gives what was staged.
fn staged(project: &Project, lines: impl Fn(&str) -> String) -> City {
    let path = project.dir.join("bron.toml");
    let settings = fs::read_to_string(&path).unwrap();
    let (head, _) = settings.split_once("[system.").unwrap();
    let systems = SYSTEMS.map(|system| format!("[system.{system}]\n{}\n", lines(system)));
    fs::write(&path, format!("{head}{}", systems.concat())).unwrap();
    fs::write(project.dir.join("password"), "bron\n").unwrap();
    run_project("extract", &project.dir).expect(&[0]);
    let mut city = City::new();
    let run = only_run(&project.dir);
    for system in SYSTEMS {
        for (table, content) in support::staged(&run, system) {
            let loaded = Staged::load(&run.join("staged").join(system).join(&table), content);
            city.insert(format!("{system}/{table}"), loaded);
        }
    }
    city
}

impl Staged {
    fn load(dir: &Path, content: String) -> Self {
        let manifest = Manifest::load(&dir.join(MANIFEST_FILE)).unwrap();
        let columns = manifest.schema.columns().to_vec();
        let mut rows = Vec::new();
        for batch in read_parts(dir, &manifest.schema, &manifest.parts, None, 1000).unwrap() {
            let batch = batch.unwrap();
            let cells: Vec<Cells<'_>> = (0..columns.len()).map(|at| batch.cells(at)).collect();
            rows.extend((0..batch.rows()).map(|row| cells.iter().map(|cells| bytes(cells, row)).collect()));
        }
        Self { content, columns, rows }
    }

    /// The values of these columns.
    fn only(&self, columns: &[Column]) -> Vec<Vec<Option<Vec<u8>>>> {
        let place = |name: &str| self.columns.iter().position(|column| column.name == name).unwrap();
        let places: Vec<usize> = columns.iter().map(|column| place(&column.name)).collect();
        self.rows.iter().map(|row| places.iter().map(|place| row[*place].clone()).collect()).collect()
    }

    fn sorted(&self) -> Vec<&Vec<Option<Vec<u8>>>> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort();
        rows
    }
}

fn bytes(cells: &Cells<'_>, row: usize) -> Option<Vec<u8>> {
    match cells.value(row) {
        Some(Value::Bytes(bytes)) => Some(bytes.to_vec()),
        other => {
            assert!(matches!(other, None | Some(Value::Text(_))), "nothing else is staged");
            cells.text(row).map(|text| text.as_bytes().to_vec())
        }
    }
}

/// Panics unless two readings gave the same rows, and the same bytes but for the tables that are allowed to come in
/// another order and do.
fn expect_the_same(through: &str, expected: &City, found: &City, other_order: &[&str]) {
    assert!(expected.len() > 60, "{}", expected.len());
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{through}");
    let mut different = BTreeSet::new();
    for (name, table) in expected {
        assert!(found[name].sorted() == table.sorted(), "{through}: the rows of {name} are others");
        if found[name].content != table.content {
            different.insert(name.as_str());
        }
    }
    assert_eq!(different, other_order.iter().copied().collect(), "{through}: in another order");
}

fn odbc(connection: &str, more: &str) -> String {
    format!("address = \"odbc:{connection}\"\n{more}")
}

#[test]
fn sqlite_gives_the_same_natively_and_through_its_driver() {
    let city = small_city();
    let native =
        staged(&copy(&city), |system| format!("kind = \"sqlite\"\npath = \"legacy/{system}.sqlite\""));
    let through = copy(&city);
    let file = |system: &str| through.dir.join(format!("legacy/{system}.sqlite"));
    let driver = staged(&through, |system| through_odbc(&file(system)));
    expect_the_same("SQLite's driver", &native, &driver, &WITHOUT_KEY);
}

fn from_files(city: &Project) -> City {
    staged(&copy(city), |system| format!("kind = \"sqlite\"\npath = \"legacy/{system}.sqlite\""))
}

#[test]
fn postgres_gives_the_same_natively_and_through_its_driver() {
    let city = small_city();
    let server = PostgresServer::start().unwrap();
    for system in SYSTEMS {
        into_postgres(&city.dir.join(format!("legacy/{system}.sqlite")), &server, system);
    }
    let expected = from_files(&city);
    let native =
        staged(&copy(&city), |system| format!("address = \"{}\"\nschema = \"{system}\"", server.url()));
    expect_the_same("PostgreSQL", &expected, &native, &WITHOUT_KEY);
    let text = server.odbc("bron", "postgres");
    let driver = staged(&copy(&city), |system| odbc(&text, &format!("schema = \"{system}\"")));
    expect_the_same("PostgreSQL's driver", &expected, &driver, &WITHOUT_KEY);
}

#[test]
fn mariadb_gives_the_same_natively_and_through_its_driver() {
    let city = small_city();
    let server = MariaDbServer::start().unwrap();
    for system in SYSTEMS {
        into_mariadb(&city.dir.join(format!("legacy/{system}.sqlite")), &server, system);
    }
    let expected = from_files(&city);
    let (port, password) = (server.port(), "password = \"file:password\"");
    let native = staged(&copy(&city), |system| {
        format!("address = \"mysql://bron@127.0.0.1:{port}/{system}\"\n{password}")
    });
    expect_the_same("MariaDB", &expected, &native, &WITHOUT_KEY);
    let driver = staged(&copy(&city), |system| odbc(&server.odbc("bron", system), password));
    expect_the_same("MariaDB's driver", &expected, &driver, &WITHOUT_KEY);
}

#[test]
fn sql_server_gives_the_same_natively_and_through_its_driver() {
    let city = small_city();
    let expected = from_files(&city);
    let served = copy(&city);
    let servers = SYSTEMS.map(|system| {
        let file = served.dir.join(format!("legacy/{system}.sqlite"));
        Server::builder().database(&file).name(system).start().unwrap()
    });
    let server = |system: &str| &servers[SYSTEMS.iter().position(|one| *one == system).unwrap()];
    let password = "password = \"file:password\"";
    let native = staged(&copy(&city), |system| {
        format!("address = \"mssql://bron@{}/{system}\"\n{password}", server(system).addr())
    });
    expect_the_same("SQL Server", &expected, &native, &WITHOUT_KEY);
    let driver = staged(&copy(&city), |system| odbc(&server(system).odbc("bron", system), password));
    expect_the_same("FreeTDS", &expected, &driver, &WITHOUT_KEY);
}

/// Writes the databases of a project into files, reads those, and expects what `expected` has as a file can say it:
/// a file has no NULL, and no bytes but as digits. Gives the tables that no file holds.
fn through_files(city: &Project, expected: &City, encoding: Encoding) -> Vec<String> {
    let project = copy(city);
    let mut left_out = Vec::new();
    for system in SYSTEMS {
        let database = project.dir.join(format!("legacy/{system}.sqlite"));
        let (described, missing) = into_files(&database, &project.dir.join("files").join(system), encoding);
        let path = project.dir.join(format!("mappings/{system}/system.toml"));
        fs::write(&path, fs::read_to_string(&path).unwrap() + &described).unwrap();
        left_out.extend(missing.into_iter().map(|table| format!("{system}/{table}")));
    }
    let found = staged(&project, |system| format!("kind = \"csv\"\npath = \"files/{system}\""));
    for (name, table) in expected.iter().filter(|(name, _)| !left_out.contains(name)) {
        let rows: Vec<_> = table.rows.iter().map(|row| as_a_file_says_it(table, row)).collect();
        assert!(found[name].only(&table.columns) == rows, "the rows of {name} are others in {encoding:?}");
    }
    left_out
}

fn as_a_file_says_it(table: &Staged, row: &[Option<Vec<u8>>]) -> Vec<Option<Vec<u8>>> {
    let said = table.columns.iter().zip(row).map(|(column, value)| {
        let value = value.as_deref().unwrap_or_default();
        let digits = || value.iter().map(|byte| format!("{byte:02X}")).collect::<String>().into_bytes();
        if column.kind == ColumnType::Bytes { digits() } else { value.to_vec() }
    });
    said.map(Some).collect()
}

#[test]
fn delimited_files_give_the_same_but_null_and_bytes() {
    let city = small_city();
    let expected = from_files(&city);
    assert_eq!(through_files(&city, &expected, Encoding::Utf8), Vec::<String>::new());
    assert_eq!(through_files(&city, &expected, Encoding::Windows1252), Vec::<String>::new());
}
