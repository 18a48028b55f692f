//! What the reconciliation sees beside the rows: the target put back, rows that others write meanwhile, and a part of
//! all rows.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bron_extract::{MANIFEST_FILE, Manifest, PartOptions, PartWriter};
use bron_mappings::{Batch, ColumnBuilder, Value as Cell};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::support::{
    Project, Ran, block_on, bron, migrated_city, only_run, run_project, sqlite, sqlite_rows, walk,
};

fn reconcile(project: &Project, more: &[&str]) -> Ran {
    let mut command = bron();
    command.args(["reconcile", "--output", "json", "--project"]).arg(&project.dir).args(more);
    Ran::from(command.output().unwrap())
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn an_untouched_target_is_put_back_without_a_difference() {
    let project = migrated_city();
    let document = run_project("reconcile", &project.dir).expect(&[0, 3]).json();
    let round_trip = &document["summary"]["round_trip"];
    assert_eq!(
        (number(&round_trip["differs"]), number(&round_trip["alone"])),
        (0, 0),
        "{}",
        unequal(round_trip)
    );
    let fields = round_trip["fields"].as_array().unwrap();
    let proven = fields.iter().filter(|field| field["compared"].as_u64() > Some(0)).count();
    let untold = fields.iter().filter(|field| field["not_invertible_because"].is_string());
    assert!(untold.clone().all(|field| field["compared"] == 0));
    println!("{} rows put back, {proven} of {} columns", round_trip["rows"], fields.len());
    assert!(number(&round_trip["rows"]) > 10_000 && proven * 3 > fields.len() * 2);
    let page = std::fs::read_to_string(project.dir.join("report/index.html")).unwrap();
    assert!(page.contains("Tur och retur") && page.contains("går inte att återställa: "));
    assert!(!only_run(&project.dir).join("round-trip").exists(), "nothing is left behind");
}

fn unequal(round_trip: &Value) -> String {
    let fields = round_trip["fields"].as_array().unwrap();
    let unequal = fields.iter().filter(|field| field["differs"] != 0);
    unequal.map(|field| format!("{} {}: {}\n", field["mapping"], field["column"], field["differs"])).collect()
}

/// Changes one text in what the transformation made of a table, as a fault in its program would, and gives the id.
fn transform_wrongly(project: &Project, artefact: &str, field: &str, text: &str) -> String {
    let dir = only_run(&project.dir).join("entities").join(artefact);
    let manifest = Manifest::load(&dir.join(MANIFEST_FILE)).unwrap();
    let options = PartOptions { sort_by: Some("id".to_owned()), ..PartOptions::default() };
    let batches: Vec<Batch> = manifest.read(&dir, None, 1 << 20).unwrap().map(Result::unwrap).collect();
    for path in walk(&dir) {
        std::fs::remove_file(path).unwrap();
    }
    let mut writer = PartWriter::new(&dir, &manifest.schema, options).unwrap();
    let mut changed = None;
    for batch in &batches {
        let at = batch.schema().index_of(field).unwrap();
        let row = (0..batch.rows()).find(|row| batch.cells(at).text(*row).is_some());
        let row = row.filter(|_| changed.is_none());
        let columns = batch.schema().columns().iter().enumerate().map(|(column, named)| {
            let mut cells = ColumnBuilder::new(named.kind, batch.rows());
            for place in 0..batch.rows() {
                let is_it = column == at && Some(place) == row;
                cells.push(if is_it { Some(Cell::Text(text)) } else { batch.cells(column).value(place) });
            }
            cells.finish()
        });
        let altered = Batch::new(batch.schema(), columns.collect(), batch.rows()).unwrap();
        if let Some(row) = row {
            let id = altered.cells_named("id").unwrap().id(row).unwrap();
            changed = Some(bron_mappings::EntityId::from_bytes(id).to_string());
        }
        writer.push(&altered).unwrap();
    }
    let written = writer.finish().unwrap();
    Manifest::new(&manifest.table, manifest.origin.clone(), &manifest.schema, written).save(&dir).unwrap();
    changed.unwrap()
}

#[test]
fn a_fault_in_the_transformation_is_seen_where_there_is_a_way_back() {
    let project = migrated_city();
    let id = transform_wrongly(&project, "adress/paraply-ADRESS", "gata", "Fel gata 1");
    let target = project.dir.join("target.sqlite");
    sqlite(&target, &[&format!("UPDATE adress SET gata = 'Fel gata 1' WHERE id = '{id}'")]);
    let document = run_project("reconcile", &project.dir).expect(&[2]).json();
    assert_eq!(document["summary"]["rows"]["differs"], 0, "row by row the target is what the mappings gave");
    let round_trip = &document["summary"]["round_trip"];
    assert_eq!((number(&round_trip["differs"]), number(&round_trip["alone"])), (1, 1));
    let found = document["findings"].as_array().unwrap();
    assert_eq!(found.len(), 1);
    let what = [&found[0]["kind"], &found[0]["entity_id"], &found[0]["fields"][0]];
    assert_eq!(what, ["not_restored", id.as_str(), "GATA"]);
}

#[test]
fn what_is_wrong_row_by_row_as_well_is_one_finding() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    let changed =
        "UPDATE adress SET gata = gata || ' ' WHERE id = (SELECT min(id) FROM adress WHERE gata <> '')";
    assert_eq!(sqlite(&target, &[changed]), 1);
    let document = run_project("reconcile", &project.dir).expect(&[2]).json();
    let round_trip = &document["summary"]["round_trip"];
    assert_eq!((number(&round_trip["differs"]), number(&round_trip["alone"])), (1, 0));
    assert_eq!(document["findings_total"], 1);
}

/// Something that others do with the target over and over; each list is a transaction.
type Habit = fn(u64) -> Vec<Vec<String>>;

/// What nobody sees who reads one moment: an amount is changed and changed back, a row is taken away and put back.
fn unseen(_: u64) -> Vec<Vec<String>> {
    let amount = "UPDATE utbetalning SET belopp_ore = belopp_ore";
    let row = "WHERE id = (SELECT id FROM utbetalning ORDER BY id LIMIT 1)";
    let taken = "WHERE id = (SELECT id FROM adress ORDER BY id LIMIT 1)";
    vec![
        vec![format!("{amount} + 100 {row}"), format!("{amount} - 100 {row}")],
        vec![
            format!("CREATE TEMPORARY TABLE kept AS SELECT * FROM adress {taken}"),
            format!("DELETE FROM adress {taken}"),
            "INSERT INTO adress SELECT * FROM kept".to_owned(),
            "DROP TABLE kept".to_owned(),
        ],
    ]
}

/// What is seen by whoever looks at the right moment, and is another text every time.
fn seen(time: u64) -> Vec<Vec<String>> {
    let row = "WHERE id = (SELECT id FROM adress WHERE gata <> '' ORDER BY id DESC LIMIT 1)";
    let there = format!("UPDATE adress SET gata = gata || '~{time}' {row}");
    vec![vec![there], vec![format!("UPDATE adress SET gata = replace(gata, '~{time}', '') {row}")]]
}

/// Does these things, a transaction at a time, until the work is done.
fn beside<T>(habits: &[Habit], mut transact: impl FnMut(Vec<String>) + Send, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for time in 0_u64.. {
                for transaction in habits.iter().flat_map(|habit| habit(time)) {
                    transact(transaction);
                    std::thread::sleep(Duration::from_millis(5));
                }
                if done.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        let came = work();
        done.store(true, Ordering::SeqCst);
        writing.join().unwrap();
        came
    })
}

/// Runs transactions on a SQLite file that is open from now on, so that nobody takes it for one that stands still.
fn on_file(target: &Path) -> impl FnMut(Vec<String>) + Send + use<> {
    let options = SqliteConnectOptions::new().filename(target).busy_timeout(Duration::from_secs(30));
    let options = options.disable_statement_logging();
    let mut connection = block_on(SqliteConnection::connect_with(&options)).unwrap();
    let mut transact = move |statements: Vec<String>| {
        let all = format!("BEGIN IMMEDIATE; {}; COMMIT", statements.join("; "));
        block_on(sqlx::raw_sql(AssertSqlSafe(all)).execute(&mut connection)).unwrap();
    };
    transact(vec!["SELECT 1".to_owned()]);
    transact
}

#[test]
fn what_others_do_within_a_transaction_is_never_seen() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    let document = beside(&[unseen], on_file(&target), || reconcile(&project, &[])).expect(&[0, 3]).json();
    assert_eq!(document["findings_total"], 0);
    assert_eq!(document["summary"]["findings"], Value::Null, "nothing was in flight");
}

#[test]
fn rows_in_flight_are_no_findings_and_a_planted_fault_is_one() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    let habits: [Habit; 2] = [unseen, seen];
    let looks = ["--looks", "6", "--wait", "30ms"];
    let document =
        beside(&habits, on_file(&target), || reconcile(&project, &looks)).expect(&[0, 2, 3]).json();
    assert_eq!(document["findings_total"], 0);
    assert_ne!(document["verdict"], "skillnader");
    let id = "SELECT id FROM adress WHERE gata <> '' ORDER BY id LIMIT 1 OFFSET 5";
    let id = sqlite_rows(&target, id).remove(0).remove(0).unwrap();
    sqlite(&target, &[&format!("UPDATE adress SET gata = 'x' WHERE id = '{id}'")]);
    let document = beside(&habits, on_file(&target), || reconcile(&project, &looks)).expect(&[2]).json();
    assert_eq!(document["verdict"], "skillnader");
    let found = document["findings"].as_array().unwrap();
    let found: Vec<(&str, &str)> =
        found.iter().map(|one| (one["kind"].as_str().unwrap(), one["entity_id"].as_str().unwrap())).collect();
    assert_eq!(found, [("differs", id.as_str())]);
}

#[cfg(feature = "postgres-tests")]
#[test]
fn a_server_is_read_at_one_moment_while_others_write() {
    let server = bron_servers::PostgresServer::start().expect("the server's programs are installed");
    let project = migrated_city();
    let url = server.url();
    let load = bron().args(["load", "--target", &url, "--project"]).arg(&project.dir).output().unwrap();
    Ran::from(load).expect(&[0]);
    let on_server = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut connection = runtime.block_on(sqlx::postgres::PgConnection::connect(&url)).unwrap();
        move |statements: Vec<String>| {
            let all = format!("BEGIN; {}; COMMIT", statements.join("; "));
            runtime.block_on(sqlx::raw_sql(AssertSqlSafe(all)).execute(&mut connection)).unwrap();
        }
    };
    let looks = ["--target", &url, "--looks", "6", "--wait", "30ms"];
    let habits: [Habit; 2] = [unseen, seen];
    let document = beside(&[unseen], on_server(), || reconcile(&project, &looks)).expect(&[0, 3]).json();
    assert_eq!((&document["findings_total"], &document["summary"]["findings"]), (&0.into(), &Value::Null));
    let document = beside(&habits, on_server(), || reconcile(&project, &looks)).expect(&[0, 2, 3]).json();
    assert_eq!(document["findings_total"], 0);
    let planted = "UPDATE adress SET gata = 'x' WHERE id = (SELECT id FROM adress WHERE gata <> '' \
                   ORDER BY id LIMIT 1 OFFSET 5)";
    block_on(async {
        let mut connection = sqlx::postgres::PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(planted).execute(&mut connection).await.unwrap();
    });
    let document = beside(&habits, on_server(), || reconcile(&project, &looks)).expect(&[2]).json();
    assert_eq!((&document["verdict"], &document["findings_total"]), (&"skillnader".into(), &1.into()));
}

#[test]
fn the_shares_together_are_everything() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    let whole = run_project("reconcile", &project.dir).expect(&[0, 3]).json();
    sqlite(&target, &["UPDATE adress SET gata = gata || '?' WHERE id = (SELECT max(id) FROM adress)"]);
    let (mut compared, mut put_back, mut findings) = (0, 0, 0);
    for share in ["1/3", "2/3", "3/3"] {
        let document = reconcile(&project, &["--rolling", share]).expect(&[2]).json();
        let summary = &document["summary"];
        compared += number(&summary["rows"]["compared"]);
        put_back += number(&summary["round_trip"]["rows"]);
        let here = number(&document["findings_total"]);
        findings += here;
        assert_eq!(document["verdict"], if here == 0 { "ej_bevisat" } else { "skillnader" });
        assert_eq!(number(&summary["scope"]["rows"]), number(&summary["rows"]["compared"]));
        let said = document["unproven"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one.as_str().unwrap().contains("Rad för rad är bara"));
        assert!(said, "{}", document["unproven"]);
    }
    assert_eq!(compared, number(&whole["summary"]["rows"]["compared"]));
    assert_eq!(put_back, number(&whole["summary"]["round_trip"]["rows"]));
    assert_eq!(findings, 1);
    let again = reconcile(&project, &["--rolling", "1/3"]).expect(&[2]).json();
    let shares = again["summary"]["scope"]["rolling"]["compared"].as_array().unwrap();
    assert!(shares.iter().any(|share| share["share"] == 3), "the shares before are told: {shares:?}");
}

#[test]
fn a_finding_that_a_part_does_not_hold_is_neither_resolved_nor_seen_again() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    let counts = |document: &Value| {
        let counts = &document["summary"]["findings"];
        ["new", "persisting", "resolved"].map(|name| counts[name].as_u64().unwrap_or_default())
    };
    let whole = |code: i32| counts(&run_project("reconcile", &project.dir).expect(&[code]).json());
    let part = |limit: [&str; 2]| counts(&reconcile(&project, &limit).expect(&[2]).json());
    let first = "WHERE id = (SELECT min(id) FROM adress)";
    sqlite(&target, &[&format!("UPDATE adress SET gata = gata || '?' {first}")]);
    assert_eq!(whole(2), [1, 0, 0]);
    assert_eq!(part(["--rolling", "3/3"]), [0, 0, 0], "the least id is in the first share");
    let listed = Manifest::load(&only_run(&project.dir).join("findings").join(MANIFEST_FILE)).unwrap();
    assert_eq!(listed.rows, 1, "and its finding stays on the list");
    assert_eq!(part(["--rolling", "1/3"]), [0, 1, 0]);
    sqlite(&target, &[&format!("UPDATE adress SET gata = replace(gata, '?', '') {first}")]);
    assert_eq!(part(["--since", "2999-01-01"]), [0, 0, 0]);
    assert_eq!(part(["--rolling", "1/3"]), [0, 0, 1]);
    sqlite(&target, &[&format!("UPDATE adress SET gata = gata || '?' {first}")]);
    assert_eq!(part(["--sample", "100%"]), [1, 0, 0]);
    assert_eq!(whole(2), [0, 1, 0]);
}

#[test]
fn a_sample_is_the_same_for_a_seed_and_proves_no_equality() {
    let project = migrated_city();
    let sample = |seed: &str| {
        let document = reconcile(&project, &["--sample", "10%", "--seed", seed]).expect(&[2]).json();
        assert_eq!(document["verdict"], "ej_bevisat");
        assert_eq!(document["summary"]["scope"]["sample"]["size"], "10%");
        let entities = document["summary"]["entities"].as_array().unwrap().clone();
        let of: BTreeMap<String, u64> = entities
            .iter()
            .map(|one| (one["entity"].as_str().unwrap().to_owned(), number(&one["compared"])))
            .collect();
        let rows = number(&document["summary"]["scope"]["of"]) / 10;
        let compared = number(&document["summary"]["rows"]["compared"]);
        assert!(compared > rows / 2 && compared < rows * 2, "{compared} of about {rows}");
        of
    };
    assert_eq!(sample("7"), sample("7"));
    assert_ne!(sample("7"), sample("8"));
    reconcile(&project, &["--sample", "ten"]).expect(&[64]);
    reconcile(&project, &["--sample", "10", "--rolling", "1/2"]).expect(&[64]);
}

#[test]
fn what_was_written_since_is_compared() {
    let project = migrated_city();
    let run = only_run(&project.dir).file_name().unwrap().to_str().unwrap().to_owned();
    let since = |what: &str| {
        let document = reconcile(&project, &["--since", what]).expect(&[2]).json();
        assert_eq!(document["verdict"], "ej_bevisat");
        let scope = &document["summary"]["scope"];
        (number(&scope["rows"]), number(&scope["of"]))
    };
    assert_eq!(since(&run).0, 0, "no run wrote after the only one");
    let (rows, of) = since("2000-01-01");
    assert_eq!(rows, of);
    assert_eq!(since("2999-01-01").0, 0);
    reconcile(&project, &["--since", "igår"]).expect(&[1]);
}

#[test]
fn every_row_that_differs_is_listed_however_many() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    let rows = sqlite(&target, &["UPDATE journalanteckning SET dq_flags = dq_flags || '?'"]);
    let document = run_project("reconcile", &project.dir).expect(&[2]).json();
    assert_eq!(number(&document["findings_total"]), rows);
    let dir = only_run(&project.dir).join("findings");
    let manifest = Manifest::load(&dir.join(MANIFEST_FILE)).unwrap();
    assert_eq!(manifest.rows, rows);
}
