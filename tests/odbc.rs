//! The same city through an ODBC driver: the same rows, the same verdict.

use std::fs;

use crate::support::{expect_the_same_rows, fresh_city, run_project};

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
    expect_the_same_rows(&plain, &project);
}
