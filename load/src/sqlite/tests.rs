//! The contract, and what only a file can do.

use std::path::Path;

use bron_mappings::UNREADABLE;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

use super::SqliteSink;
use crate::contract::{Home, all, batch, found, insats, model, part, prepared, refused, row, run};
use crate::interleaving::Stoppable;
use crate::sink::Access;
use crate::{Dialect, ErrorKind, Moment, Sink, Target, ddl, open, read_only};

/// A directory with a file in it.
struct FileHome(TempDir);

impl FileHome {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("stad.db")
    }

    fn with<T>(&self, work: impl AsyncFnOnce(&mut SqliteConnection) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(self.path()).create_if_missing(true);
            let mut connection = options.connect().await.unwrap();
            let result = work(&mut connection).await;
            connection.close().await.unwrap();
            result
        })
    }
}

impl Home for FileHome {
    fn target(&self) -> Target {
        Target::Sqlite(self.path())
    }

    fn execute(&self, sql: &'static str) {
        self.with(async |connection| sqlx::raw_sql(sql).execute(connection).await.map(|_| ())).unwrap();
    }

    fn texts(&self, sql: &'static str) -> Vec<String> {
        self.with(async |connection| sqlx::query_scalar(sql).fetch_all(connection).await).unwrap()
    }
}

crate::contract::every_case!(FileHome::new());

impl Stoppable for FileHome {
    const STOP: &'static str = "CREATE TRIGGER stop BEFORE INSERT ON bron_receipt \
         BEGIN SELECT RAISE(ABORT, 'stopped'); END";
    const GO_ON: &'static str = "DROP TRIGGER stop";
}

#[test]
fn four_systems_share_a_table() {
    crate::interleaving::holds(100, 5000, FileHome::new);
}

#[test]
fn cells_that_were_corrupted_by_hand_are_named() {
    let home = FileHome::new();
    let model = model();
    let rows: Vec<_> = (1..=4).map(|number| row(number, "text")).collect();
    prepared(&home, &model)
        .write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r1"))
        .unwrap();
    home.execute(
        "UPDATE insats SET beskrivning = CAST(x'ff' AS TEXT), belopp_ore = 'tolv', aktiv = 2, start = '2020-02-30', \
         registrerad = '2020-01-01', andel = '1.5', fil = 'x', foregaende_id = 'x' WHERE id LIKE '0001%'",
    );
    home.execute("UPDATE insats SET belopp_ore = 1.5, beskrivning = x'41' WHERE id LIKE '0002%'");
    home.execute("UPDATE insats SET id = upper(id) WHERE id LIKE '0003%'");
    let mut sink = open(&home.target()).unwrap();
    let unreadable = insats(&model).fields.len();
    let read: Vec<String> = all(sink.as_mut(), &model, None)
        .iter()
        .map(|(batch, at)| {
            assert_eq!(batch.schema().columns()[unreadable].name, UNREADABLE);
            let named = batch.cells(unreadable).text(*at).unwrap_or("").to_owned();
            for name in named.split_terminator(',') {
                assert!(batch.cells_named(name).unwrap().is_null(*at));
            }
            named
        })
        .collect();
    // The digits of the third id have no letters that upper() could change.
    let expected = [
        "beskrivning,belopp_ore,aktiv,start,registrerad,andel,fil,foregaende_id",
        "beskrivning,belopp_ore",
        "",
        "",
    ];
    assert_eq!(read, expected);
    home.execute("UPDATE insats SET id = 'ABCDEF80-8080-8080-8080-808080808080' WHERE id LIKE '0004%'");
    home.execute("UPDATE insats SET id = x'00' WHERE id LIKE '0003%'");
    let read = all(sink.as_mut(), &model, None);
    let named: Vec<_> =
        read.iter().map(|(batch, at)| batch.cells(unreadable).text(*at).unwrap_or("")).collect();
    assert_eq!(named[2..], ["id", "id"]);
}

#[test]
fn a_corrupted_cell_is_written_anew() {
    let home = FileHome::new();
    let model = model();
    let batch = batch(&model, &[row(1, "A"), row(2, "b")]);
    let mut sink = prepared(&home, &model);
    sink.write(insats(&model), &part("p", "a"), &batch, &run("r1")).unwrap();
    home.execute("UPDATE insats SET beskrivning = x'41' WHERE id LIKE '0001%'");
    let receipt = sink.write(insats(&model), &part("p", "a"), &batch, &run("r2")).unwrap();
    assert_eq!((receipt.counts().updated, receipt.counts().unchanged), (1, 1));
}

#[test]
fn reading_leaves_the_bytes_and_the_directory_alone() {
    let home = FileHome::new();
    let model = model();
    prepared(&home, &model)
        .write(insats(&model), &part("p", "a"), &batch(&model, &[row(1, "a")]), &run("r1"))
        .unwrap();
    let names = |directory: &Path| -> Vec<_> {
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!(names(home.0.path()), ["stad.db"], "the log was folded into the file");
    let before = std::fs::read(home.path()).unwrap();
    let mut permissions = std::fs::metadata(home.path()).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(home.path(), permissions).unwrap();
    let mut sink = read_only(&home.target()).unwrap();
    assert_eq!(all(sink.as_mut(), &model, None).len(), 1);
    drop(sink);
    assert_eq!(std::fs::read(home.path()).unwrap(), before);
    assert_eq!(names(home.0.path()), ["stad.db"]);
}

#[test]
fn a_file_that_is_written_while_it_is_read_is_not_taken_for_whole() {
    let home = FileHome::new();
    let model = model();
    let rows: Vec<_> = (0..10_000).map(|number| row(number, "a")).collect();
    prepared(&home, &model)
        .write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r1"))
        .unwrap();
    let mut reading = read_only(&home.target()).unwrap();
    let mut reader = reading.read(insats(&model), None).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().rows(), 4096);
    let mut writing = open(&home.target()).unwrap();
    writing.write(insats(&model), &part("q", "b"), &batch(&model, &[row(20_000, "b")]), &run("r1")).unwrap();
    let error = reader.next().unwrap().unwrap_err();
    assert!(error.downcast_ref::<crate::Error>().unwrap().is_retryable());
    drop(reader);
    assert_eq!(reading.count(insats(&model)).unwrap(), 10_001, "the next call sees what is there now");
    drop(writing);
    assert_eq!(all(reading.as_mut(), &model, None).len(), 10_001);
}

#[test]
fn the_file_is_made_as_promised() {
    let home = FileHome::new();
    let model = model();
    drop(prepared(&home, &model));
    assert_eq!(home.texts("SELECT CAST(page_size AS TEXT) FROM pragma_page_size"), ["8192"]);
    assert_eq!(home.texts("SELECT journal_mode FROM pragma_journal_mode"), ["wal"]);
    let tables = home.texts("SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr ORDER BY name");
    let expected =
        ["bron_history_insats", "bron_receipt", "bron_refused", "bron_run", "bron_schema", "insats"];
    assert_eq!(tables, expected);
}

#[test]
fn references_are_indexed_once_when_all_is_loaded() {
    let home = FileHome::new();
    let model = model();
    drop(prepared(&home, &model));
    let mut sink = SqliteSink::open(&home.path(), Access::Write).unwrap();
    let rows: Vec<_> = (0..3000).map(|number| row(number, "a")).collect();
    sink.write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r1")).unwrap();
    assert_eq!(sink.finish(&model, &["insats"], &run("r1")).unwrap().keyed, ["insats"]);
    assert_eq!(sink.finish(&model, &["insats"], &run("r1")).unwrap().keyed, Vec::<String>::new());
    let found = "SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE '%_ix' ORDER BY name";
    assert_eq!(home.texts(found), ["insats_foregaende_id_ix", "insats_namnd_id_ix"]);
    let receipt = sink.write(insats(&model), &part("p", "b"), &batch(&model, &[row(1, "b")]), &run("r2"));
    assert_eq!(receipt.unwrap().counts().updated, 1, "an indexed table is written as before");
    assert_eq!(
        home.texts("SELECT CAST(count(*) AS TEXT) FROM insats WHERE foregaende_id = id"),
        ["3000"],
        "the index tells the rows"
    );
    drop(sink);
    let mut reading = SqliteSink::open(&home.path(), Access::Read).unwrap();
    assert_eq!(reading.finish(&model, &["insats"], &run("r1")).unwrap_err().kind(), ErrorKind::Permission);
}

#[test]
fn places_that_cannot_hold_a_database_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| Target::Sqlite(directory.path().join(name));
    std::fs::write(directory.path().join("brev.txt"), "Hej! ".repeat(500)).unwrap();
    let kind = |result: crate::Result<Box<dyn Sink>>, text: &str| {
        let error = result.err().unwrap();
        assert!(error.to_string().contains(text), "{error}");
        error.kind()
    };
    assert_eq!(
        kind(open(&at("saknas/stad.db")), "saknas/stad.db: the directory does not exist"),
        ErrorKind::Config
    );
    assert_eq!(kind(open(&at("")), "is a directory"), ErrorKind::Config);
    assert_eq!(kind(read_only(&at("stad.db")), "the file does not exist"), ErrorKind::Config);
    assert_eq!(kind(open(&at("brev.txt")), "brev.txt"), ErrorKind::Corrupt);
    assert_eq!(kind(read_only(&at("brev.txt")), "brev.txt"), ErrorKind::Corrupt);
    assert!(!directory.path().join("stad.db").exists());
}

#[test]
fn two_writers_wait_for_each_other() {
    let home = FileHome::new();
    let model = model();
    drop(prepared(&home, &model));
    std::thread::scope(|scope| {
        for writer in 0..4_u16 {
            let (home, model) = (&home, &model);
            scope.spawn(move || {
                let mut sink = open(&home.target()).unwrap();
                for number in 0..5 {
                    let number = writer * 100 + number;
                    let part = part(&format!("p{number}"), "a");
                    sink.write(insats(model), &part, &batch(model, &[row(number, "a")]), &run("r1")).unwrap();
                }
            });
        }
    });
    assert_eq!(open(&home.target()).unwrap().receipts("r1").unwrap().len(), 20);
}

#[test]
fn the_definitions_can_be_run_as_they_are_printed() {
    let home = FileHome::new();
    let model = model();
    let text: &'static str = Box::leak(ddl(&model, Dialect::Sqlite).into_boxed_str());
    home.execute(text);
    let mut sink = prepared(&home, &model);
    sink.prepare(&model, &["insats", "order"]).unwrap();
}

#[test]
fn a_trigger_refuses_its_rows_and_what_it_says_is_not_kept() {
    let home = FileHome::new();
    let mut sink = prepared(&home, &model());
    home.execute(
        "CREATE TRIGGER kontroll BEFORE INSERT ON insats WHEN NEW.belopp_ore % 100 = 7 BEGIN
           SELECT RAISE(ABORT, 'hemligt'); END;
         CREATE TRIGGER halva AFTER INSERT ON insats WHEN NEW.belopp_ore = 250 BEGIN
           SELECT RAISE(FAIL, 'hemligt'); END;",
    );
    let rows: Vec<_> = (0..300).map(|number| row(number, "a")).collect();
    let expected = [7, 107, 207, 250].map(|number| found(number, "P0001", ""));
    assert_eq!(refused(sink.as_mut(), &rows), expected);
}

#[test]
fn a_trigger_that_rolls_everything_back_stops_the_load() {
    let home = FileHome::new();
    let model = model();
    let mut sink = prepared(&home, &model);
    home.execute(
        "CREATE TRIGGER kontroll BEFORE INSERT ON insats WHEN NEW.belopp_ore = 2 BEGIN
           SELECT RAISE(ROLLBACK, 'hemligt'); END",
    );
    let rows: Vec<_> = (0..5).map(|number| row(number, "a")).collect();
    let error = sink.write(insats(&model), &part("p", "a"), &batch(&model, &rows), &run("r1")).unwrap_err();
    let shown = format!("{error} {}", std::error::Error::source(&error).unwrap());
    assert!(shown.contains("1811") && !shown.contains("hemligt"), "{shown}");
    assert_eq!((sink.count(insats(&model)).unwrap(), sink.receipts("r1").unwrap().len()), (0, 0));
    let good = batch(&model, &rows[..2]);
    sink.write(insats(&model), &part("p", "a"), &good, &run("r1")).unwrap();
}

#[test]
fn a_file_made_before_there_were_refusals_has_none_and_gets_room_for_them() {
    let home = FileHome::new();
    drop(prepared(&home, &model()));
    home.execute("DROP TABLE bron_refused");
    assert_eq!(read_only(&home.target()).unwrap().refused("r1").unwrap(), []);
    assert_eq!(prepared(&home, &model()).refused("r1").unwrap(), []);
    assert_eq!(home.texts("SELECT name FROM sqlite_schema WHERE name = 'bron_refused'").len(), 1);
}

#[test]
fn a_moment_that_nobody_disturbs_is_still_and_one_that_somebody_does_is_lost() {
    let home = FileHome::new();
    let model = model();
    prepared(&home, &model)
        .write(insats(&model), &part("p", "a"), &batch(&model, &[row(1, "a")]), &run("r1"))
        .unwrap();
    let mut sink = read_only(&home.target()).unwrap();
    assert_eq!(sink.hold().unwrap(), Moment::Still);
    assert_eq!(sink.count(insats(&model)).unwrap(), 1);
    let _writer = prepared(&home, &model);
    assert_eq!(sink.count(insats(&model)).unwrap_err().kind(), ErrorKind::Busy);
    sink.release().unwrap();
    assert_eq!(sink.hold().unwrap(), Moment::Passing);
    assert_eq!(sink.count(insats(&model)).unwrap(), 1);
}
