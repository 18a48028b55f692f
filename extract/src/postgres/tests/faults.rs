//! What goes wrong between the moment that is read and the reading.

use super::*;

/// Ends every connection of the bridge.
const TERMINATE: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bron'";

#[test]
fn a_table_that_was_written_anew_is_not_taken_for_an_empty_one() {
    let (_server, mut source, mut writer) = server(
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2);
         CREATE VIEW v AS SELECT id FROM t; CREATE TABLE p (id int) PARTITION BY LIST (id);
         CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); INSERT INTO p VALUES (1);
         CREATE TABLE same (id int); INSERT INTO same VALUES (1)",
    );
    source.fingerprint().unwrap();
    let [t, v, p, same] = ["t", "v", "p", "same"].map(|name| table(&mut source, name));
    source.fingerprint().unwrap();
    writer.execute("ALTER TABLE t ADD COLUMN x double precision DEFAULT random(); TRUNCATE p1");
    for gone in [&t, &v, &p] {
        let error = source.read(gone, 10).err().unwrap();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Outdated, true), "{error}");
        assert!(error.to_string().contains(&format!("table {}", gone.name)), "{error}");
    }
    assert_eq!(source.read(&same, 10).unwrap().map(|batch| batch.unwrap().rows()).sum::<usize>(), 1);
    source.fingerprint().unwrap();
    assert_eq!(read(&mut source, "v", 10).unwrap().ledger.staged, 2);
    assert_eq!(source.read(&t, 10).unwrap().map(|batch| batch.unwrap().rows()).sum::<usize>(), 2);
}

#[test]
fn a_column_of_another_type_than_listed_is_drift() {
    let (_server, mut source, mut writer) = server("CREATE TABLE t (id int PRIMARY KEY, s varchar(10))");
    let listed = table(&mut source, "t");
    writer.execute("ALTER TABLE t ALTER COLUMN s TYPE varchar(20)");
    source.fingerprint().unwrap();
    let error = source.read(&listed, 10).err().unwrap();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Drift, false), "{error}");
    assert!(
        error.to_string().ends_with("column s is character varying(20) now and was character varying(10)")
    );
}

#[test]
fn the_point_is_joined_again_for_as_long_as_it_stands() {
    let (_server, mut source, mut writer) = server("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    let point = source.fingerprint().unwrap();
    let mut beside = source.beside().unwrap().unwrap();
    writer.execute("INSERT INTO t VALUES (2)");
    assert_eq!(source.resume().unwrap(), point, "the point stands");
    assert_eq!(read(&mut *source.beside().unwrap().unwrap(), "t", 10).unwrap().ledger.staged, 1);

    writer.execute(TERMINATE);
    assert!(beside.tables().unwrap_err().is_retryable());
    assert!(source.tables().unwrap_err().is_retryable());
    assert_ne!(source.resume().unwrap(), point, "the point is gone, and something was written since");
    assert_eq!(read(&mut source, "t", 10).unwrap().ledger.staged, 2);

    let point = source.fingerprint().unwrap();
    writer.execute(TERMINATE);
    assert_eq!(source.resume().unwrap(), point, "nothing was written since");
}

#[test]
fn a_point_whose_holder_is_gone_cannot_be_joined() {
    let (_server, mut source, _) = server("CREATE TABLE t (id int)");
    source.fingerprint().unwrap();
    source.run("ROLLBACK".to_owned()).unwrap();
    let error = source.beside().err().unwrap();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Outdated, true), "{error}");
}
