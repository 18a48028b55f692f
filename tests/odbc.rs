//! The same city through an ODBC driver: the same rows, the same verdict.

use crate::support::{expect_the_same_rows, fresh_city, read_from, run_project, through_odbc};

#[test]
fn a_city_comes_over_through_odbc_as_it_does_without() {
    let plain = fresh_city();
    let expected = run_project("migrate", &plain.dir).expect(&[0, 3]);
    let project = fresh_city();
    for system in ["paraply", "schemos"] {
        let database = project.dir.join(format!("legacy/{system}.sqlite"));
        read_from(&project.dir, system, &through_odbc(&database));
    }
    let over = run_project("migrate", &project.dir).expect(&[0, 3]);
    assert_eq!(over.code, expected.code);
    for system in ["paraply", "schemos"] {
        let told = |line: &&str| line.starts_with(&format!("{system} is read through /"));
        let line = over.stderr.lines().find(told).unwrap_or_else(|| panic!("{}", over.stderr));
        assert!(line.ends_with("/libsqlite3odbc.so"), "{line}");
    }
    expect_the_same_rows(&plain, &project);
}
