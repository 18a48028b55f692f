//! The cases on a private server, and what only a server can do.

use bron_load::Target;
use bron_servers::{PostgresServer, Proxy};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use super::{Home, cause, committed, id, key, loaded, model, row, stream, work, write};
use crate::change::{CutId, Version};
use crate::follower::{Applied, Follower};
use crate::{ErrorKind, Followed, PostgresFollower};

impl Home for PostgresServer {
    fn target(&self) -> Target {
        Target::parse(&self.url()).unwrap()
    }

    fn execute(&self, sql: &'static str) {
        with(self, async |connection| sqlx::raw_sql(sql).execute(connection).await.map(drop)).unwrap();
    }

    fn texts(&self, sql: &'static str) -> Vec<String> {
        let rows = with(self, async |connection| sqlx::query(sql).fetch_all(connection).await).unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn follower(&self, followed: &Followed) -> Box<dyn Follower> {
        Box::new(PostgresFollower::open(&self.target(), followed).unwrap())
    }

    const SWALLOW: &'static str = "CREATE FUNCTION svalj() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN IF NEW.\"NAMN\" = 'borta' THEN RETURN NULL; END IF; RETURN NEW; END $$; \
         CREATE TRIGGER svalj BEFORE INSERT ON \"SAK\" FOR EACH ROW EXECUTE FUNCTION svalj()";
}

fn with<T>(server: &PostgresServer, work: impl AsyncFnOnce(&mut PgConnection) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        work(&mut connection).await
    })
}

super::every_case!(PostgresServer::start().unwrap());

#[test]
fn a1_a_commit_whose_answer_is_lost_is_found_by_the_offset() {
    let server = PostgresServer::start().unwrap();
    let followed = loaded(&server, &[]);
    let port = server.url().rsplit_once(':').unwrap().1.split('/').next().unwrap().parse().unwrap();
    let proxy = Proxy::start(port).unwrap();
    let target = Target::parse(&server.url().replace(&port.to_string(), &proxy.port().to_string())).unwrap();
    let mut follower = PostgresFollower::open(&target, &followed).unwrap();
    let first = work(1, vec![write(key(1), None, Some(row(1, "ett")), 1)]);
    proxy.cut_at("COMMIT", 0);
    let lost = follower.apply(&first).unwrap_err();
    assert_eq!((lost.kind(), proxy.cuts()), (ErrorKind::Connection, 1));
    assert_eq!(follower.offset(&stream()).unwrap(), Some(CutId(1)), "it was committed");
    assert_eq!(follower.apply(&first).unwrap(), Applied::Already);
    assert_eq!(server.texts("SELECT \"text\" FROM insats"), ["ett"]);
}

#[test]
fn a3_a_cut_that_the_server_gives_up_is_begun_again_whole() {
    let server = PostgresServer::start().unwrap();
    let followed = loaded(&server, &[]);
    server.execute(
        "CREATE SEQUENCE gang; CREATE FUNCTION krock() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN IF nextval('gang') < 3 THEN RAISE EXCEPTION USING ERRCODE = '40001'; END IF; RETURN NEW; END $$; \
         CREATE TRIGGER krock BEFORE INSERT ON insats FOR EACH ROW WHEN (NEW.\"text\" = 'två') \
         EXECUTE FUNCTION krock()",
    );
    let mut follower = server.follower(&followed);
    let writes =
        vec![write(key(1), None, Some(row(1, "ett")), 1), write(key(2), None, Some(row(2, "två")), 1)];
    committed(&mut *follower, &work(1, writes));
    assert_eq!(server.texts("SELECT \"text\" FROM insats ORDER BY 1"), ["ett", "två"]);
    assert_eq!(server.texts("SELECT last_value::text FROM gang"), ["3"]);
}

#[test]
fn a9_a_server_that_may_not_be_written_is_an_error_of_storage() {
    let server = PostgresServer::start().unwrap();
    let followed = loaded(&server, &[]);
    drop(server.follower(&followed));
    let mut follower = server.follower(&followed);
    server.execute(
        "ALTER DATABASE postgres SET default_transaction_read_only = on; \
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bron bridge'",
    );
    let first = work(1, vec![write(key(1), None, Some(row(1, "ett")), 1)]);
    assert_eq!(follower.apply(&first).unwrap_err().kind(), ErrorKind::Connection, "the line was cut");
    assert_eq!(follower.apply(&first).unwrap_err().kind(), ErrorKind::Storage);
    server.execute(
        "SET transaction_read_only = off; ALTER DATABASE postgres RESET default_transaction_read_only; \
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bron bridge'",
    );
    committed(&mut *follower, &first);
}

#[test]
fn the_mark_is_seen_by_triggers_and_ends_with_the_transaction() {
    let server = PostgresServer::start().unwrap();
    let followed = loaded(&server, &[]);
    server.execute(
        "CREATE TABLE sett (tag text); CREATE FUNCTION se() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN INSERT INTO sett VALUES (current_setting('bridge.origin', true)); RETURN NULL; END $$; \
         CREATE TRIGGER se AFTER INSERT ON insats FOR EACH ROW EXECUTE FUNCTION se()",
    );
    let mut follower = server.follower(&followed);
    committed(&mut *follower, &work(3, vec![write(key(1), None, Some(row(1, "ett")), 1)]));
    assert_eq!(server.texts("SELECT tag FROM sett"), ["paraply/legacy/3"]);
    assert_eq!(model().entities.len(), 1);
    assert_eq!(server.texts("SELECT id::text FROM insats"), [id(1).to_string()]);
}

/// The same cut, large enough for sets and made so that it is not: it leaves the same rows, history and ledger.
#[test]
fn sets_leave_what_rows_one_by_one_leave() {
    let rows: Vec<(u16, &str)> = (0..200).map(|number| (number, "först")).collect();
    let left = [false, true].map(|one_by_one| {
        let server = PostgresServer::start().unwrap();
        let followed = loaded(&server, &rows);
        let mut follower = server.follower(&followed);
        let mut writes: Vec<_> = (0..300)
            .map(|number| {
                let before = (number < 200).then(|| row(number, "först"));
                let after = match number % 4 {
                    0 if number < 200 => None,
                    1 => Some(row(number, "först")),
                    _ => Some(row(number, "sedan")),
                };
                write(key(number), before.as_ref(), after, u64::from(number) + 1)
            })
            .collect();
        if one_by_one {
            // A row that stands there twice keeps sets from being used.
            writes.push(write(key(2), Some(&row(2, "sedan")), Some(row(2, "sedan")), 3));
        }
        let mut cut = work(1, writes);
        cut.settled = vec![(cause(7), Version { major: 5, minor: 2 })];
        committed(&mut *follower, &cut);
        [
            "SELECT t::text FROM insats AS t ORDER BY id",
            "SELECT t::text FROM bron_history_insats AS t ORDER BY id",
            "SELECT t::text FROM bridge_applied AS t ORDER BY cause, target",
            "SELECT t::text FROM bron_receipt AS t ORDER BY part",
            "SELECT t::text FROM bridge_offset AS t",
        ]
        .map(|query| server.texts(query))
    });
    assert!(left[0] == left[1]);
    assert_eq!(left[0].each_ref().map(Vec::len), [250, 150, 301, 2, 1]);
}
