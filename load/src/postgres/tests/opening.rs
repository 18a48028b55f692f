//! The first load of a table without its key, and what is put on afterwards.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bron_mappings::{Batch, EntityId, Model, Value};
use bron_servers::PostgresServer;

use super::{CUT_AFTER, CUT_BEFORE, PASS, Relay};
use crate::contract::{Home, Row, all, batch, insats, model, part, prepared, row, run, swallow};
use crate::{Counts, Dangling, ErrorKind, Finished, Receipt, Sink, Target, Terms, open, open_on, read_only};

const NAMES: [&str; 1] = ["insats"];
const KEYS: &str = "SELECT conname::text FROM pg_constraint WHERE conrelid = 'insats'::regclass \
                    AND contype IN ('p', 'f') ORDER BY 1";
const INDEXES: &str = "SELECT indexname::text FROM pg_indexes WHERE tablename = 'insats' ORDER BY 1";
const ROWS: &str = "SELECT beskrivning || ' ' || load_run_id FROM insats ORDER BY id, 1";
const STATES: &str = "SELECT entity FROM bron_schema WHERE entity LIKE '@un%' ORDER BY 1";

/// A sink that has begun the load `load`.
fn begun(server: &PostgresServer, model: &Model, load: &str) -> Box<dyn Sink> {
    let mut sink = prepared(server, model);
    sink.begin(model, &NAMES, &run(load)).unwrap();
    sink
}

fn write(sink: &mut dyn Sink, model: &Model, name: &str, rows: &[Row<'_>], load: &str) -> Receipt {
    sink.write(insats(model), &part(name, name), &batch(model, rows), &run(load)).unwrap()
}

fn inserted(rows: u64) -> Counts {
    Counts { rows, inserted: rows, ..Counts::default() }
}

/// A row whose reference leads to another row.
fn referring(number: u16, to: u16) -> Row<'static> {
    let mut row = row(number, "a");
    row.own[7] = Some(Value::Id(super::row(to, "").id));
    row
}

#[test]
fn a_table_without_rows_is_filled_without_its_key() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    let mut sink = begun(&server, &model, "r1");
    assert!(server.texts(KEYS).is_empty() && server.texts(INDEXES).is_empty());
    let rows: Vec<Row<'_>> = (0..300).map(|number| row(number, "a")).collect();
    let first = write(sink.as_mut(), &model, "p1", &rows[..200], "r1");
    assert_eq!(first, Receipt::Written(inserted(200)));
    assert_eq!(write(sink.as_mut(), &model, "p1", &rows[..200], "r1"), Receipt::Replayed(inserted(200)));
    write(sink.as_mut(), &model, "p2", &rows[200..], "r1");
    let unfinished = read_only(&server.target()).unwrap().read(insats(&model), None).err().unwrap();
    assert_eq!(unfinished.kind(), ErrorKind::Busy);
    assert!(unfinished.to_string().contains("load run r1 has begun to fill it"), "{unfinished}");

    let finished = sink.finish(&model, &NAMES, &run("r1")).unwrap();
    let expected = Finished { keyed: vec!["insats".to_owned()], references: 1, ..Finished::default() };
    assert_eq!(finished, expected);
    assert_eq!(server.texts(KEYS), ["insats_foregaende_id_fk", "insats_pkey"]);
    assert_eq!(server.texts(INDEXES), ["insats_foregaende_id_ix", "insats_namnd_id_ix", "insats_pkey"]);
    assert!(server.texts(STATES).is_empty());
    assert_eq!(all(sink.as_mut(), &model, None).len(), 300);
    assert_eq!(
        sink.finish(&model, &NAMES, &run("r1")).unwrap(),
        Finished::default(),
        "nothing is left to do"
    );
}

#[test]
fn the_same_rows_come_the_slow_way_and_the_fast_way() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    let rows: Vec<Row<'_>> = (0..50).map(|number| row(number, "å")).collect();
    let mut sink = begun(&server, &model, "r1");
    write(sink.as_mut(), &model, "p", &rows, "r1");
    sink.finish(&model, &NAMES, &run("r1")).unwrap();
    let receipt = write(sink.as_mut(), &model, "q", &rows, "r2");
    assert_eq!(receipt.counts(), Counts { rows: 50, unchanged: 50, ..Counts::default() });
}

#[test]
fn a_load_that_was_interrupted_goes_on_and_another_run_starts_over() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    drop(begun(&server, &model, "r1"));
    write(begun(&server, &model, "r1").as_mut(), &model, "p1", &[row(1, "a")], "r1");
    let mut sink = begun(&server, &model, "r1");
    write(sink.as_mut(), &model, "p2", &[row(2, "b")], "r1");
    assert_eq!(server.texts(ROWS), ["a r1", "b r1"], "the same run goes on");
    let other = sink.finish(&model, &NAMES, &run("r2")).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Busy);
    drop(sink);

    let mut sink = begun(&server, &model, "r2");
    assert!(server.texts(ROWS).is_empty() && sink.receipts("r1").unwrap().is_empty());
    let stale = sink.write(insats(&model), &part("p3", "c"), &batch(&model, &[row(3, "c")]), &run("r1"));
    assert_eq!(stale.unwrap_err().kind(), ErrorKind::Busy);
    write(sink.as_mut(), &model, "p1", &[row(1, "ny")], "r2");
    sink.finish(&model, &NAMES, &run("r2")).unwrap();
    assert_eq!(server.texts(ROWS), ["ny r2"]);
}

#[test]
fn nobody_takes_a_table_from_a_load_that_is_at_work() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    let mut first = begun(&server, &model, "r1");
    write(first.as_mut(), &model, "p", &[row(1, "a")], "r1");
    let hasty = Terms { lock_timeout: Duration::from_millis(50), ..Terms::default() };
    let mut second = open_on(&server.target(), &hasty).unwrap();
    second.prepare(&model, &NAMES).unwrap();
    let refused = second.begin(&model, &NAMES, &run("r2")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Busy);
    assert!(refused.to_string().contains("table insats: another load is making it"), "{refused}");
    first.finish(&model, &NAMES, &run("r1")).unwrap();
    second.begin(&model, &NAMES, &run("r2")).unwrap();
    assert_eq!(server.texts(ROWS), ["a r1"], "a table with its key is not started over");
}

#[test]
fn a_finish_that_was_interrupted_goes_on() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    let mut sink = begun(&server, &model, "r1");
    write(sink.as_mut(), &model, "p", &[row(1, "a")], "r1");
    sink.finish(&model, &NAMES, &run("r1")).unwrap();
    // As it is when the key is there and the foreign key not yet, or not yet known to hold.
    for undone in [
        "ALTER TABLE insats DROP CONSTRAINT insats_foregaende_id_fk",
        "ALTER TABLE insats DROP CONSTRAINT insats_foregaende_id_fk; ALTER TABLE insats ADD CONSTRAINT \
         insats_foregaende_id_fk FOREIGN KEY (foregaende_id) REFERENCES insats (id) NOT VALID",
    ] {
        server.execute(undone);
        server.execute("INSERT INTO bron_schema VALUES ('@unchecked:insats', 'r1')");
        assert_eq!(sink.finish(&model, &NAMES, &run("r1")).unwrap().references, 1);
        let valid = "SELECT convalidated::text FROM pg_constraint WHERE conname = 'insats_foregaende_id_fk'";
        assert_eq!(server.texts(valid), ["true"]);
        assert!(server.texts(STATES).is_empty());
    }
}

#[test]
fn a_connection_that_was_cut_during_the_load_is_made_again() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    let mut sink = begun(&server, &model, "r1");
    write(open(&server.target()).unwrap().as_mut(), &model, "p", &[row(1, "a")], "r1");
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bron'");
    assert_eq!(sink.finish(&model, &NAMES, &run("r1")).unwrap().keyed, ["insats"]);
}

#[test]
fn an_id_of_two_parts_is_found_when_the_key_is_built() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    let mut sink = begun(&server, &model, "r1");
    write(sink.as_mut(), &model, "p1", &[row(1, "a"), row(2, "hemligt"), row(3, "c")], "r1");
    write(sink.as_mut(), &model, "p2", &[row(2, "hemligt"), row(3, "d")], "r1");
    let error = sink.finish(&model, &NAMES, &run("r1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    let least = EntityId::from_bytes(row(2, "").id).to_string();
    assert!(error.to_string().contains("2 rows have an id") && error.to_string().contains(&least), "{error}");
    assert!(!error.to_string().contains("hemligt"));
    assert_eq!(server.texts(ROWS).len(), 5, "no row is deleted for the key");
}

#[test]
fn a_reference_that_leads_nowhere_leaves_its_foreign_key_out() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    let mut sink = begun(&server, &model, "r1");
    write(sink.as_mut(), &model, "p", &[referring(1, 9), referring(2, 1), referring(3, 8)], "r1");
    let finished = sink.finish(&model, &NAMES, &run("r1")).unwrap();
    let [entity, field, target] = ["insats", "foregaende_id", "insats"].map(str::to_owned);
    assert_eq!(finished.dangling, [Dangling { entity, field, target, rows: 2 }]);
    assert_eq!(server.texts(KEYS), ["insats_pkey"]);

    // A later load brings what was missing, in parts that refer to each other.
    sink.begin(&model, &NAMES, &run("r2")).unwrap();
    write(sink.as_mut(), &model, "q", &[referring(8, 9)], "r2");
    write(sink.as_mut(), &model, "r", &[referring(9, 9)], "r2");
    let finished = sink.finish(&model, &NAMES, &run("r2")).unwrap();
    assert_eq!((finished.references, finished.dangling), (1, Vec::new()));
    assert_eq!(server.texts(KEYS), ["insats_foregaende_id_fk", "insats_pkey"]);

    // The next one takes it off before its first row.
    sink.begin(&model, &NAMES, &run("r3")).unwrap();
    assert_eq!(server.texts(KEYS), ["insats_pkey"]);
    write(sink.as_mut(), &model, "s", &[referring(20, 21)], "r3");
    assert_eq!(sink.finish(&model, &NAMES, &run("r3")).unwrap().dangling[0].rows, 1);
}

#[test]
fn foreign_keys_can_be_done_without() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    drop(prepared(&server, &model));
    let terms = Terms { foreign_keys: false, ..Terms::default() };
    let mut sink = open_on(&server.target(), &terms).unwrap();
    sink.begin(&model, &NAMES, &run("r1")).unwrap();
    write(sink.as_mut(), &model, "p", &[row(1, "a")], "r1");
    assert_eq!(sink.finish(&model, &NAMES, &run("r1")).unwrap().references, 0);
    assert_eq!(server.texts(KEYS), ["insats_pkey"]);
    assert!(server.texts(STATES).is_empty());
}

#[test]
fn the_load_that_ends_last_puts_on_the_foreign_keys() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    let mut one = begun(&server, &model, "r1");
    write(one.as_mut(), &model, "p", &[row(1, "a")], "r1");
    one.finish(&model, &NAMES, &run("r1")).unwrap();
    one.begin(&model, &NAMES, &run("r1")).unwrap();
    let mut other = prepared(&server, &model);
    other.begin(&model, &[], &run("r2")).unwrap();
    assert!(one.finish(&model, &NAMES, &run("r1")).unwrap().left_to_another);
    write(one.as_mut(), &model, "q", &[referring(2, 3)], "r2");
    write(one.as_mut(), &model, "r", &[referring(3, 2)], "r2");
    assert_eq!(other.finish(&model, &[], &run("r2")).unwrap().references, 1);
    assert!(server.texts(STATES).is_empty());
}

#[test]
fn a_role_that_may_not_alter_the_tables_loads_them_as_they_are() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    drop(prepared(&server, &model));
    server.execute(
        "CREATE ROLE rader LOGIN; GRANT SELECT, INSERT, UPDATE \
         ON insats, bron_receipt, bron_refused, bron_run, bron_schema TO rader; \
         GRANT SELECT, INSERT ON bron_history_insats TO rader",
    );
    let target = Target::parse(&server.url().replace("bron@", "rader@")).unwrap();
    let mut sink = open(&target).unwrap();
    sink.prepare(&model, &NAMES).unwrap();
    sink.begin(&model, &NAMES, &run("r1")).unwrap();
    assert_eq!(server.texts(KEYS), ["insats_pkey"]);
    write(sink.as_mut(), &model, "p", &[row(1, "a")], "r1");
    assert_eq!(sink.finish(&model, &NAMES, &run("r1")).unwrap().unaltered, ["insats"]);
    drop(sink);

    // Another role begins and finishes, and this one fills the table meanwhile.
    server.execute("TRUNCATE insats, bron_receipt");
    let mut definer = begun(&server, &model, "r2");
    let receipt = write(open(&target).unwrap().as_mut(), &model, "p", &[row(1, "a")], "r2");
    assert_eq!(receipt, Receipt::Written(inserted(1)));
    assert_eq!(definer.finish(&model, &NAMES, &run("r2")).unwrap().keyed, ["insats"]);
}

#[test]
fn a_fast_commit_without_an_answer_is_settled_by_its_receipt() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    let mut definer = begun(&server, &model, "r1");
    let relay = Relay::start(server.port());
    let mut sink = open(&relay.target()).unwrap();
    let mut write =
        |name: &str, rows: &Batch| sink.write(insats(&model), &part(name, name), rows, &run("r1"));
    relay.fault.store(CUT_AFTER, Ordering::SeqCst);
    let receipt = write("p1", &batch(&model, &[row(1, "a")])).unwrap();
    assert_eq!(receipt, Receipt::Written(inserted(1)));
    assert_eq!(relay.fault.load(Ordering::SeqCst), PASS, "the connection was cut");

    relay.fault.store(CUT_BEFORE, Ordering::SeqCst);
    let rows = batch(&model, &[row(2, "b")]);
    assert!(write("p2", &rows).unwrap_err().is_retryable());
    assert_eq!(server.texts(ROWS), ["a r1"]);
    assert_eq!(write("p2", &rows).unwrap(), Receipt::Written(inserted(1)));
    definer.finish(&model, &NAMES, &run("r1")).unwrap();
    assert_eq!(server.texts(ROWS), ["a r1", "b r1"]);
}

#[test]
fn statements_and_waits_have_their_limits() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    drop(prepared(&server, &model));
    server.execute(
        "CREATE FUNCTION sakta() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); END'",
    );
    server.execute("CREATE TRIGGER sakta BEFORE INSERT ON insats EXECUTE FUNCTION sakta()");
    let terms = Terms { statement_timeout: Some(Duration::from_millis(200)), ..Terms::default() };
    let mut sink = open_on(&server.target(), &terms).unwrap();
    let slow = sink.write(insats(&model), &part("p", "p"), &batch(&model, &[row(1, "a")]), &run("r1"));
    assert!(std::error::Error::source(&slow.unwrap_err()).unwrap().to_string().contains("57014"));
    assert_eq!(sink.count(insats(&model)).unwrap(), 0);
}

#[test]
fn a_trigger_that_leaves_out_rows_of_a_first_load_is_found_out() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    let mut sink = begun(&server, &model, "r1");
    swallow(&server);
    let mut rows: Vec<Row<'_>> = (0..40).map(|number| row(number, "a")).collect();
    rows[9].own[0] = Some(Value::Text("bort"));
    let receipt = write(sink.as_mut(), &model, "p", &rows, "r1");
    let expected = Counts { rows: 40, inserted: 39, refused: 1, ..Counts::default() };
    assert_eq!(receipt, Receipt::Written(expected));
    let listed = sink.refused("r1").unwrap();
    assert_eq!((listed.len(), listed[0].constraint.as_str()), (1, "bron:swallowed"));
    assert_eq!(listed[0].id, EntityId::from_bytes(rows[9].id));
    assert_eq!(server.texts(ROWS).len(), 39);
}

#[test]
fn what_was_to_be_done_about_a_table_does_not_outlive_it() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    let mut sink = begun(&server, &model, "r1");
    write(sink.as_mut(), &model, "p", &[row(1, "a")], "r1");
    drop(sink);
    server.execute("DROP TABLE insats");
    let mut sink = prepared(&server, &model);
    assert!(server.texts(STATES).is_empty() && sink.receipts("r1").unwrap().is_empty());
    write(sink.as_mut(), &model, "p", &[row(1, "a")], "r1");
    sink.finish(&model, &NAMES, &run("r1")).unwrap();
    assert_eq!(server.texts(ROWS), ["a r1"]);
}

#[test]
fn a_key_that_somebody_has_put_on_is_left_on() {
    let (server, model) = (PostgresServer::start().unwrap(), model());
    let mut sink = begun(&server, &model, "r1");
    write(sink.as_mut(), &model, "p", &[row(1, "a")], "r1");
    server.execute("ALTER TABLE insats ADD CONSTRAINT min PRIMARY KEY (id)");
    let finished = sink.finish(&model, &NAMES, &run("r1")).unwrap();
    assert_eq!((finished.keyed.len(), finished.references), (1, 1));
    assert_eq!(server.texts(KEYS), ["insats_foregaende_id_fk", "min"]);
    assert!(server.texts(STATES).is_empty());
}

#[test]
fn a_key_that_others_stand_on_stays() {
    for stands_on_it in [
        "CREATE VIEW vy AS SELECT id, beskrivning FROM insats GROUP BY id",
        "CREATE SCHEMA annat; CREATE TABLE annat.order_rad (insats_id uuid REFERENCES insats (id))",
        // Named as the one that the bridge makes on another table.
        "CREATE TABLE egen (a uuid CONSTRAINT insats_foregaende_id_fk REFERENCES insats (id))",
    ] {
        let (server, model) = (PostgresServer::start().unwrap(), model());
        let mut sink = prepared(&server, &model);
        server.execute(stands_on_it);
        sink.begin(&model, &NAMES, &run("r1")).unwrap();
        assert_eq!(server.texts(KEYS), ["insats_pkey"], "{stands_on_it}");
        write(sink.as_mut(), &model, "p", &[row(1, "a")], "r1");
        assert_eq!(sink.finish(&model, &NAMES, &run("r1")).unwrap().references, 1);
        assert_eq!(server.texts(KEYS), ["insats_foregaende_id_fk", "insats_pkey"], "{stands_on_it}");
        assert!(server.texts(STATES).is_empty());
    }
}
