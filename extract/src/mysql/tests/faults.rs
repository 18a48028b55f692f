//! What goes wrong between the moment that is read and the reading.

use super::*;

#[test]
fn a_table_that_may_not_be_read_is_told_from_one_that_is_gone() {
    let (server, _) = server(
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY);
         CREATE USER other@'127.0.0.1' IDENTIFIED BY 'bron'; GRANT SELECT ON bron.t TO other@'127.0.0.1';
         GRANT SELECT ON bron.u TO other@'127.0.0.1'",
    );
    let mut source = open(&access(&server, "other")).unwrap();
    let [t, u] = ["t", "u"].map(|name| table(&mut source, name));
    execute(&server, "REVOKE SELECT ON bron.t FROM other@'127.0.0.1'; DROP TABLE u");
    for (gone, kind) in [(&t, ErrorKind::Permission), (&u, ErrorKind::Drift)] {
        let error = source.read(gone, 10).err().unwrap();
        assert_eq!((error.kind(), error.is_retryable()), (kind, false), "{error}");
        assert!(error.to_string().contains(&format!("table {}", gone.name)), "{error}");
    }
}

#[test]
fn a_table_that_was_altered_is_read_at_another_moment_or_not_at_all() {
    let (server, mut source) = server(
        "CREATE TABLE t (id int PRIMARY KEY, s varchar(10)); INSERT INTO t VALUES (1, 'a');
         CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (1)",
    );
    let [t, u] = ["t", "u"].map(|name| table(&mut source, name));
    let point = source.fingerprint().unwrap();
    execute(&server, "ALTER TABLE t MODIFY s varchar(20); ALTER TABLE u ENGINE = InnoDB, ALGORITHM = COPY");
    let error = source.read(&t, 10).err().unwrap();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Drift, false), "{error}");
    assert!(error.to_string().ends_with("column s is varchar(20) now and was varchar(10)"), "{error}");
    let error = read_table(&mut source, &u, 10).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Outdated, true), "{error}");
    assert_eq!(source.resume().unwrap(), point, "the transaction stands, and so does what else it sees");
    source.fingerprint().unwrap();
    assert_eq!(read_table(&mut source, &u, 10).unwrap().ledger.staged, 1);
}

#[test]
fn the_point_stands_for_as_long_as_the_connection() {
    let (server, mut source) = server("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    let point = source.fingerprint().unwrap();
    execute(&server, "INSERT INTO t VALUES (2)");
    assert_eq!(source.resume().unwrap(), point);
    assert_eq!(read(&mut source, "t", 10).unwrap().ledger.staged, 1);
    server.execute("KILL USER bron@'127.0.0.1'").unwrap();
    assert!(source.tables().unwrap_err().is_retryable());
    assert_ne!(source.resume().unwrap(), point, "something was written since");
    assert_eq!(read(&mut source, "t", 10).unwrap().ledger.staged, 2);
    let point = source.fingerprint().unwrap();
    server.execute("KILL USER bron@'127.0.0.1'").unwrap();
    assert_eq!(source.resume().unwrap(), point, "nothing was written since");
}
