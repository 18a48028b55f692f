//! The contract, and what only a server can do.

mod opening;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use bron_mappings::{Digest, Value};

use crate::contract::{
    Home, Row, all, batch, constrained, found, gone, id, insats, model, part, prepared, referring, refused,
    retire, row, run, swallow,
};
use crate::interleaving::Stoppable;
use crate::{Counts, Dialect, Ended, ErrorKind, Receipt, Target, ddl, open};
use bron_servers::PostgresServer;

impl Home for PostgresServer {
    fn target(&self) -> Target {
        Target::parse(&self.url()).unwrap()
    }

    fn execute(&self, sql: &'static str) {
        with(self, async |connection| sqlx::raw_sql(sql).execute(connection).await.map(|_| ())).unwrap();
    }

    fn texts(&self, sql: &'static str) -> Vec<String> {
        with(self, async |connection| sqlx::query_scalar(sql).fetch_all(connection).await).unwrap()
    }
}

fn with<T>(server: &PostgresServer, work: impl AsyncFnOnce(&mut PgConnection) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        work(&mut connection).await
    })
}

crate::contract::every_case!(PostgresServer::start().unwrap());

/// A database whose tables are gone when the next one is made of the same server.
struct Emptied<'s>(&'s PostgresServer);

impl<'s> Emptied<'s> {
    fn new(server: &'s PostgresServer) -> Self {
        server.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        Self(server)
    }
}

impl Home for Emptied<'_> {
    fn target(&self) -> Target {
        self.0.target()
    }

    fn execute(&self, sql: &'static str) {
        self.0.execute(sql);
    }

    fn texts(&self, sql: &'static str) -> Vec<String> {
        self.0.texts(sql)
    }
}

impl Stoppable for Emptied<'_> {
    const STOP: &'static str = "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NEW; END $$; \
         CREATE TRIGGER stop BEFORE INSERT ON bron_receipt FOR EACH ROW EXECUTE FUNCTION stop()";
    const GO_ON: &'static str = "DROP TRIGGER stop ON bron_receipt; DROP FUNCTION stop()";
}

#[test]
fn four_systems_share_a_table() {
    let server = PostgresServer::start().unwrap();
    crate::interleaving::holds(15, 400, || Emptied::new(&server));
}

#[test]
fn values_that_the_model_does_not_have_are_named() {
    let server = PostgresServer::start().unwrap();
    let model = model();
    let mut sink = prepared(&server, &model);
    sink.write(insats(&model), &part("p", "a"), &batch(&model, &[row(1, "a"), row(2, "b")]), &run("r1"))
        .unwrap();
    server.execute(
        "UPDATE insats SET start = 'infinity', registrerad = '-infinity', andel = 'NaN' WHERE belopp_ore = 1",
    );
    let read = all(sink.as_mut(), &model, None);
    let named: Vec<_> =
        read.iter().map(|(batch, at)| batch.cells(batch.schema().columns().len() - 1).text(*at)).collect();
    assert_eq!(named, [Some("start,registrerad,andel"), None]);
    let receipt =
        sink.write(insats(&model), &part("p", "a"), &batch(&model, &[row(1, "a")]), &run("r2")).unwrap();
    assert_eq!(receipt.counts().updated, 1);
}

#[test]
fn a_text_with_nul_is_refused_before_the_server_is_asked() {
    let server = PostgresServer::start().unwrap();
    let rows = [row(1, "a"), row(2, "hem\0ligt"), row(3, "b")];
    let listed = refused(prepared(&server, &model()).as_mut(), &rows);
    assert_eq!(listed, [found(2, "22021", "bron:nul")]);
}

#[test]
fn domains_triggers_and_deferred_constraints_refuse_their_rows() {
    let server = PostgresServer::start().unwrap();
    let mut sink = constrained(&server, "CONSTRAINT en UNIQUE (beskrivning) DEFERRABLE INITIALLY DEFERRED");
    server.execute(
        "CREATE DOMAIN pengar AS bigint CHECK (VALUE < 100); CREATE DOMAIN kronor AS pengar CONSTRAINT jamn NOT NULL;
         ALTER TABLE insats ALTER belopp_ore TYPE kronor;
         CREATE FUNCTION kontroll() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF NEW.andel = -7 THEN RAISE 'hemligt %', NEW.beskrivning; END IF;
           IF NEW.andel = -8 THEN RAISE 'hemligt' USING ERRCODE = 'SK001', CONSTRAINT = 'stadens_regel'; END IF;
           RETURN NEW; END $$;
         CREATE TRIGGER fore BEFORE INSERT OR UPDATE ON insats FOR EACH ROW EXECUTE FUNCTION kontroll();
         CREATE FUNCTION sist() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF NEW.start = date '1970-01-10' THEN RAISE 'hemligt'; END IF; RETURN NEW; END $$;
         CREATE CONSTRAINT TRIGGER sist AFTER INSERT ON insats DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW EXECUTE FUNCTION sist()",
    );
    let mut rows: Vec<Row<'_>> = (1..60).map(|number| row(number, "a")).collect();
    let texts: Vec<String> = (1..60).map(|number| format!("text {number}")).collect();
    for (row, text) in rows.iter_mut().zip(&texts) {
        row.own[0] = Some(Value::Text(text));
        row.own[5] = Some(Value::Decimal(0));
    }
    rows[4].own[0] = Some(Value::Text("text 2"));
    rows[5].own[5] = Some(Value::Decimal(-70_000));
    rows[6].own[5] = Some(Value::Decimal(-80_000));
    rows[10].own[1] = Some(Value::Int(100));
    rows[11].own[1] = None;
    let expected = [
        found(5, "23505", "en"),
        found(6, "P0001", "kontroll"),
        found(7, "SK001", "stadens_regel"),
        found(9, "P0001", "sist"),
        found(11, "23514", "pengar_check"),
        found(12, "23502", ""),
    ];
    assert_eq!(refused(sink.as_mut(), &rows), expected);
    prepared(&server, &model());
}

#[test]
fn a_row_too_large_for_an_index_is_refused() {
    let server = PostgresServer::start().unwrap();
    let mut sink = constrained(&server, "CONSTRAINT en UNIQUE (beskrivning)");
    // What repeats nothing does not compress: an index holds no value of more than a third of its page.
    let long: String = (0..400_u32).map(|number| Digest::of(&number.to_be_bytes()).to_string()).collect();
    let rows = [row(1, "a"), row(2, &long), row(3, "b")];
    assert_eq!(refused(sink.as_mut(), &rows), [found(2, "54000", "")]);
}

#[test]
fn what_is_no_fault_of_a_row_stays_an_error() {
    let server = PostgresServer::start().unwrap();
    let model = model();
    let mut sink = prepared(&server, &model);
    server.execute(
        "CREATE FUNCTION spar() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           INSERT INTO finns_inte VALUES (1); RETURN NEW; END $$;
         CREATE TRIGGER spar BEFORE INSERT ON insats FOR EACH ROW EXECUTE FUNCTION spar()",
    );
    let rows = [row(1, "hemligt")];
    let error = sink.write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Drift);
    let shown = format!("{error} {}", std::error::Error::source(&error).unwrap());
    assert!(!shown.contains("hemligt"), "{shown}");
    assert_eq!((sink.count(insats(&model)).unwrap(), sink.refused("r1").unwrap().len()), (0, 0));
}

#[test]
fn unchanged_rows_are_not_even_locked() {
    let server = PostgresServer::start().unwrap();
    let model = model();
    let mut sink = prepared(&server, &model);
    let rows: Vec<Row<'_>> = (0..100).map(|number| row(number, "a")).collect();
    sink.write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r1")).unwrap();
    let versions = "SELECT DISTINCT xmin::text || '/' || xmax::text FROM insats";
    let before = server.texts(versions);
    sink.write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r2")).unwrap();
    assert_eq!(server.texts(versions), before);
    assert_eq!(before.len(), 1);
}

#[test]
fn the_definitions_can_be_run_as_they_are_printed() {
    let server = PostgresServer::start().unwrap();
    let model = model();
    let text: &'static str = Box::leak(ddl(&model, Dialect::Postgres).into_boxed_str());
    server.execute(text);
    prepared(&server, &model).prepare(&model, &["insats", "order"]).unwrap();
}

#[test]
fn a_server_without_tls_is_refused_where_tls_is_demanded() {
    let server = PostgresServer::start().unwrap();
    let target = Target::parse(&format!("{}?sslmode=require", server.url())).unwrap();
    assert_eq!(open(&target).err().unwrap().kind(), ErrorKind::Config);
}

#[test]
fn a_database_of_another_encoding_is_refused() {
    let server = PostgresServer::start().unwrap();
    server.execute("CREATE DATABASE gammal TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
    let target = Target::parse(&server.url().replace("/postgres", "/gammal")).unwrap();
    assert_eq!(open(&target).err().unwrap().kind(), ErrorKind::Config);
}

#[test]
fn a_server_that_went_away_is_worth_another_try() {
    let server = PostgresServer::start().unwrap();
    let model = model();
    let mut sink = prepared(&server, &model);
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bron'");
    let rows = batch(&model, &[row(1, "a")]);
    let error = sink.write(insats(&model), &part("p", "a"), &rows, &run("r1")).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(matches!(
        sink.write(insats(&model), &part("p", "a"), &rows, &run("r1")).unwrap(),
        Receipt::Written(_)
    ));
    drop(server);
    assert!(sink.count(insats(&model)).unwrap_err().is_retryable());
}

/// What the relay does when it sees a COMMIT.
const PASS: u8 = 0;
const CUT_BEFORE: u8 = 1;
const CUT_AFTER: u8 = 2;

impl Relay {
    fn target(&self) -> Target {
        Target::parse(&format!("postgres://bron@127.0.0.1:{}/postgres", self.port)).unwrap()
    }
}

/// Relays connections to the server, and can lose one on either side of a COMMIT.
struct Relay {
    port: u16,
    fault: Arc<AtomicU8>,
}

impl Relay {
    fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let fault = Arc::new(AtomicU8::new(PASS));
        let seen = Arc::clone(&fault);
        std::thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                let (mut answers, mut answered) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut answers, &mut answered));
                let fault = Arc::clone(&seen);
                std::thread::spawn(move || relay(client, server, &fault));
            }
        });
        Self { port, fault }
    }
}

fn relay(mut client: TcpStream, mut server: TcpStream, fault: &AtomicU8) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let bytes = &buffer[..length];
        let fault = if bytes.windows(7).any(|word| word == b"COMMIT\0") {
            fault.swap(PASS, Ordering::SeqCst)
        } else {
            PASS
        };
        if fault != PASS {
            // The answer is lost first, so that the client cannot hear of a commit that was done.
            let _ = client.shutdown(Shutdown::Both);
        }
        if fault == CUT_BEFORE || server.write_all(bytes).is_err() {
            break;
        }
        if fault == CUT_AFTER {
            // The commit is given time to be done: its answer goes nowhere.
            std::thread::sleep(std::time::Duration::from_millis(300));
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}

#[test]
fn a_commit_without_an_answer_is_settled_by_its_receipt() {
    let server = PostgresServer::start().unwrap();
    let model = model();
    drop(prepared(&server, &model));
    let relay = Relay::start(server.port());
    let mut sink = open(&relay.target()).unwrap();
    let rows = batch(&model, &[row(1, "a")]);

    relay.fault.store(CUT_AFTER, Ordering::SeqCst);
    let receipt = sink.write(insats(&model), &part("p1", "a"), &rows, &run("r1")).unwrap();
    assert!(matches!(receipt, Receipt::Written(_)));
    assert_eq!(relay.fault.load(Ordering::SeqCst), PASS, "the connection was cut");
    assert_eq!(sink.receipts("r1").unwrap().len(), 1);

    relay.fault.store(CUT_BEFORE, Ordering::SeqCst);
    let rows = batch(&model, &[row(2, "b")]);
    let error = sink.write(insats(&model), &part("p2", "b"), &rows, &run("r1")).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(relay.fault.load(Ordering::SeqCst), PASS, "the connection was cut");
    assert_eq!(sink.count(insats(&model)).unwrap(), 1);
    let receipt = sink.write(insats(&model), &part("p2", "b"), &rows, &run("r1")).unwrap();
    assert!(matches!(receipt, Receipt::Written(_)));
}

#[test]
fn another_try_without_an_answer_is_not_taken_for_the_first_one() {
    let server = PostgresServer::start().unwrap();
    let model = model();
    drop(constrained(&server, "CONSTRAINT dit FOREIGN KEY (foregaende_id) REFERENCES insats (id)"));
    let relay = Relay::start(server.port());
    let mut sink = open(&relay.target()).unwrap();
    let rows = [referring(1, 7), row(2, "b"), referring(3, 8)];
    sink.write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r1")).unwrap();
    sink.write(insats(&model), &part("q", "a"), &batch(&model, &[row(7, "c")]), &run("r1")).unwrap();
    let lost = batch(&model, &[rows[0], rows[2]]);

    relay.fault.store(CUT_BEFORE, Ordering::SeqCst);
    let error = sink.write_refused(insats(&model), &part("p", "a"), &lost, &run("r1")).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(relay.fault.load(Ordering::SeqCst), PASS, "the connection was cut");
    assert_eq!((sink.count(insats(&model)).unwrap(), sink.refused("r1").unwrap().len()), (2, 2));

    relay.fault.store(CUT_AFTER, Ordering::SeqCst);
    let receipt = sink.write_refused(insats(&model), &part("p", "a"), &lost, &run("r1")).unwrap();
    let expected = Counts { rows: 3, inserted: 2, refused: 1, ..Counts::default() };
    assert_eq!(receipt, Receipt::Written(expected));
    assert_eq!((sink.count(insats(&model)).unwrap(), sink.refused("r1").unwrap().len()), (3, 1));
}

#[test]
fn what_a_trigger_says_is_never_told() {
    let server = PostgresServer::start().unwrap();
    let model = model();
    let mut sink = prepared(&server, &model);
    sink.write(insats(&model), &part("p", "a"), &batch(&model, &[row(1, "hemligt")]), &run("r1")).unwrap();
    server.execute(
        "CREATE FUNCTION behall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           RAISE 'behåll %', OLD.beskrivning USING ERRCODE = 'SK001'; END $$;
         CREATE FUNCTION vanta() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           RAISE 'vänta %', OLD.beskrivning USING ERRCODE = '0A000'; END $$;
         CREATE TRIGGER behall BEFORE DELETE ON insats FOR EACH ROW EXECUTE FUNCTION behall()",
    );
    for code in ["SK001", "0A000"] {
        let error = retire(sink.as_mut(), "r2", "retired", &gone(Ended::Gone), &[id(1)]).unwrap_err();
        let shown = format!("{error} {}", std::error::Error::source(&error).unwrap());
        assert!(shown.contains(code) && !shown.contains("hemligt"), "{shown}");
        server.execute(
            "DROP TRIGGER behall ON insats; \
             CREATE TRIGGER behall BEFORE DELETE ON insats FOR EACH ROW EXECUTE FUNCTION vanta()",
        );
    }
    assert_eq!(sink.count(insats(&model)).unwrap(), 1);
}

#[test]
fn rules_that_compare_rows_or_run_code_make_the_order_matter() {
    let server = PostgresServer::start().unwrap();
    let model = model();
    let mut sink = constrained(&server, "CHECK (belopp_ore < 9), CHECK (andel IS NOT NULL)");
    assert!(!sink.is_order_sensitive(insats(&model)).unwrap());
    server.execute("CREATE UNIQUE INDEX en ON insats (beskrivning)");
    assert!(sink.is_order_sensitive(insats(&model)).unwrap());
    server.execute("DROP INDEX en; ALTER TABLE insats ADD EXCLUDE (beskrivning WITH =)");
    assert!(sink.is_order_sensitive(insats(&model)).unwrap());
    server.execute("ALTER TABLE insats DROP CONSTRAINT insats_beskrivning_excl");
    assert!(!sink.is_order_sensitive(insats(&model)).unwrap());
    swallow(&server);
    assert!(sink.is_order_sensitive(insats(&model)).unwrap());
}

#[test]
fn nobody_but_the_owner_may_change_a_history() {
    let server = PostgresServer::start().unwrap();
    server.execute(
        "CREATE ROLE \"an nan\"; ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE ON TABLES TO \"an nan\"; \
         ALTER DEFAULT PRIVILEGES GRANT DELETE, SELECT ON TABLES TO PUBLIC",
    );
    drop(prepared(&server, &model()));
    let rights = |table: &str| {
        let rights = format!(
            "SELECT coalesce(r.rolname, 'alla') || ' ' || a.privilege_type FROM pg_class c, aclexplode(c.relacl) a \
             LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE c.relname = '{table}' AND a.grantee <> c.relowner \
             ORDER BY 1"
        );
        server.texts(Box::leak(rights.into_boxed_str()))
    };
    assert_eq!(rights("bron_history_insats"), ["alla SELECT", "an nan INSERT", "an nan SELECT"]);
    assert_eq!(rights("insats").len(), 5);
}

#[test]
fn a_connection_that_was_cut_while_nobody_used_it_is_made_again() {
    let server = PostgresServer::start().unwrap();
    let model = model();
    let mut sink = prepared(&server, &model);
    sink.write(insats(&model), &part("p", "a"), &batch(&model, &[row(1, "a")]), &run("r1")).unwrap();
    let cut = || {
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bron'",
        );
    };
    cut();
    assert_eq!(sink.refused("r1").unwrap(), []);
    cut();
    assert_eq!(sink.receipts("r1").unwrap().len(), 1);
    cut();
    assert_eq!(sink.runs().unwrap().len(), 1);
    cut();
    retire(sink.as_mut(), "r2", "retired", &gone(Ended::Gone), &[id(1)]).unwrap();
}

#[test]
fn writers_in_parallel_end_as_one_would() {
    let server = PostgresServer::start().unwrap();
    let model = model();
    drop(prepared(&server, &model));
    let rows: Vec<Row<'_>> = (0..2_000).map(|number| row(number, "a")).collect();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut sink = prepared(&server, &model);
                for (number, rows) in rows.chunks(500).enumerate() {
                    let part = part(&format!("p{number}"), "a");
                    sink.write(insats(&model), &part, &batch(&model, rows), &run("r1")).unwrap();
                }
            });
        }
    });
    let mut sink = open(&server.target()).unwrap();
    assert_eq!(sink.count(insats(&model)).unwrap(), 2_000);
    let inserted: u64 = sink.receipts("r1").unwrap().iter().map(|(_, counts)| counts.inserted).sum();
    assert_eq!(inserted, 2_000);
}
