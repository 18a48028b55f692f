//! The printed rights are enough to read, load and compare, and none of them can be done without.

use std::path::Path;

use crate::support::{fresh_city, run};

fn grants(project: &Path, arguments: &[&str]) -> String {
    let project = project.to_str().unwrap();
    let ran = run(["grants", "--project", project].iter().chain(arguments)).expect(&[0]);
    ran.stdout
}

#[test]
fn the_rights_are_those_of_the_columns_that_rules_read() {
    let project = fresh_city();
    let text = grants(&project.dir, &["--dialect", "mssql", "--system", "schemos", "--role", "läsare"]);
    let again = grants(&project.dir, &["--dialect", "mssql", "--system", "schemos", "--role", "läsare"]);
    assert_eq!(text, again);
    assert!(text.starts_with("-- What reading schemos takes, and nothing else.\n"), "{text}");
    let statements: Vec<&str> = text.lines().filter(|line| !line.starts_with("--")).collect();
    assert!(statements.len() > 4);
    for statement in &statements {
        let granted = statement.starts_with("GRANT SELECT ON OBJECT::[dbo].[") && statement.contains("] ([")
            || statement.starts_with("GRANT VIEW DEFINITION ON OBJECT::[dbo].[");
        assert!(granted && statement.ends_with(" TO [läsare];"), "{statement}");
    }
    assert!(!text.contains("GRANT VIEW CHANGE TRACKING"));
    let tracked = ["--dialect", "mssql", "--system", "schemos", "--change-tracking"];
    assert!(grants(&project.dir, &tracked).contains("GRANT VIEW CHANGE TRACKING ON OBJECT::[dbo].["));
}

#[test]
fn what_has_no_rights_is_said() {
    let project = fresh_city();
    let dir = project.dir.to_str().unwrap();
    for (arguments, told) in [
        (&["--dialect", "postgres"][..], "from a server of the kind postgres"),
        (&["--dialect", "postgres", "--system", "paraga"], "a folder of files"),
        (&["--dialect", "postgres", "--system", "nowhere"], "names no source nowhere"),
        (&["--dialect", "mssql", "--target"], "are those of PostgreSQL"),
    ] {
        let ran = run(["grants", "--project", dir].iter().chain(arguments)).expect(&[1]);
        assert!(ran.stderr.contains(told) && ran.stderr.contains("error:"), "{}", ran.stderr);
    }
}

#[cfg(all(feature = "postgres-tests", feature = "mariadb-tests"))]
mod servers;
