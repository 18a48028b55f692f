//! The same city through an ODBC driver: the same rows, the same verdict.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Project, contents, fresh_city, run_project};

type Rows = Vec<Vec<Option<String>>>;

/// What the target holds, but for the name of the run that wrote it: a run through ODBC is always a new one.
fn rows(project: &Project) -> BTreeMap<String, Rows> {
    let run = fs::read_dir(project.dir.join("runs")).unwrap().next().unwrap().unwrap().file_name();
    let run = run.to_str().unwrap().get(..12).unwrap().to_owned();
    let mut tables = contents(&project.dir.join("target.sqlite"));
    // Which of its rows a code system has its key from depends on the order of reading: of the rows, or of the key.
    tables.remove("kodsystem").unwrap();
    let cells = tables.values_mut().flatten().flatten();
    cells.filter(|cell| cell.as_ref() == Some(&run)).for_each(|cell| *cell = None);
    tables
}

#[test]
fn a_city_comes_over_through_odbc_as_it_does_without() {
    let plain = fresh_city();
    let expected = run_project("migrate", &plain.dir).expect(&[0, 3]);
    let project = fresh_city();
    let file = project.dir.join("bron.toml");
    let mut settings = fs::read_to_string(&file).unwrap();
    for system in ["paraply", "schemos"] {
        let database = project.dir.join(format!("legacy/{system}.sqlite"));
        let address = format!("address = \"odbc:Driver=SQLite3;Database={}\"", database.display());
        let before = settings.len();
        let lines = format!("kind = \"sqlite\"\npath = \"legacy/{system}.sqlite\"");
        settings = settings.replace(&lines, &address);
        assert_ne!(settings.len(), before, "{system} is not in the project");
    }
    fs::write(&file, settings).unwrap();
    let through_odbc = run_project("migrate", &project.dir).expect(&[0, 3]);
    assert_eq!(through_odbc.code, expected.code);
    let (found, expected) = (rows(&project), rows(&plain));
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (table, expected) in expected {
        for (row, expected) in found[&table].iter().zip(&expected) {
            assert_eq!(row, expected, "{table}");
        }
        assert_eq!(found[&table].len(), expected.len(), "{table}");
    }
}
