//! Rows that did not come over: listed, shown to whoever may see them, decided about, and run again.

use std::ffi::OsStr;
use std::io::{Cursor, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use serde_json::Value;
use zip::write::SimpleFileOptions;

use crate::support::{Project, Ran, fresh_city, migrated_city, run, runs, sqlite, sqlite_count, sqlite_rows};

/// The columns of the workbook in which people write, as Excel names them.
const ENTRY: [&str; 5] = ["Q", "R", "S", "T", "U"];

/// Runs `bron quarantine` on a project and asks for JSON.
fn quarantine<I: AsRef<OsStr>>(project: &Project, arguments: impl IntoIterator<Item = I>) -> Ran {
    let arguments = arguments.into_iter().map(|one| one.as_ref().to_owned());
    let place = ["--project".into(), project.dir.clone().into_os_string(), "--output".into(), "json".into()];
    run(["quarantine".into()].into_iter().chain(arguments).chain(place))
}

fn items(project: &Project, arguments: &[&str]) -> Vec<Value> {
    let listed = quarantine(project, [&["list"], arguments].concat()).expect(&[0]).json();
    listed["items"].as_array().unwrap().clone()
}

fn id(item: &Value) -> String {
    item["id"].as_str().unwrap().to_owned()
}

/// A city in which the addresses of one kind have a code that nobody has mapped and that holds their rows back, and
/// the key of whoever may read rows. Says how many they are.
fn city_with_an_unknown_code() -> (Project, PathBuf, u64) {
    let project = fresh_city();
    let key = Identity::generate();
    let identity = project.dir.join("identity.txt");
    std::fs::write(&identity, key.to_string().expose_secret()).unwrap();
    std::fs::write(project.dir.join("readers.txt"), format!("# läsare\n{}\n", key.to_public())).unwrap();
    let settings = project.dir.join("bron.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text + "\n[quarantine]\nrecipients = [\"file:readers.txt\"]\n").unwrap();
    replace(
        &project.dir.join("mappings/paraply/ADRESS.toml"),
        &[
            (
                "codes = \"adresstyp\", on_unknown = \"flag\"",
                "codes = \"adresstyp\", on_unknown = \"quarantine\"",
            ),
            ("marks  = [\"D18\"]", "quarantined = \"D18\""),
            ("adress = { typ = \"\", typ_verbatim = \"Q\", co = \"c/o Granne\" }\n", ""),
        ],
    );
    let database = project.dir.join("legacy/paraply.sqlite");
    let rows = sqlite(&database, &["UPDATE ADRESS SET TYP = 'TF' WHERE TYP = 'T'"]);
    assert!(rows > 10, "{rows} rows");
    run([OsStr::new("migrate"), OsStr::new("--project"), project.dir.as_os_str()]).expect(&[3]);
    (project, identity, rows)
}

fn replace(path: &Path, changes: &[(&str, &str)]) {
    let mut text = std::fs::read_to_string(path).unwrap();
    for (before, after) in changes {
        assert!(text.contains(before), "{} has no {before}", path.display());
        text = text.replacen(before, after, 1);
    }
    std::fs::write(path, text).unwrap();
}

/// Writes texts into the entry cells of rows of the second sheet of a workbook, as somebody in Excel does.
fn fill(workbook: &Path, rows: &Range<u32>, texts: [&str; 5]) {
    const SHEET: &str = "xl/worksheets/sheet2.xml";
    let mut book = zip::ZipArchive::new(Cursor::new(std::fs::read(workbook).unwrap())).unwrap();
    let mut filled = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..book.len() {
        let mut file = book.by_index(at).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        if name == SHEET {
            let mut sheet = String::from_utf8(bytes).unwrap();
            for row in rows.clone() {
                for (column, text) in ENTRY.iter().zip(texts) {
                    let start = sheet.find(&format!("<c r=\"{column}{row}\"")).expect("the cell is there");
                    let end = start + sheet[start..].find("/>").unwrap() + 2;
                    let cell = format!("<c r=\"{column}{row}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
                    sheet.replace_range(start..end, &cell);
                }
            }
            bytes = sheet.into_bytes();
        }
        filled.start_file(name, SimpleFileOptions::default()).unwrap();
        filled.write_all(&bytes).unwrap();
    }
    std::fs::write(workbook, filled.finish().unwrap().into_inner()).unwrap();
}

fn summary(project: &Project, run: &str) -> Value {
    let path = runs(&project.dir).into_iter().find(|dir| dir.ends_with(run)).unwrap().join("summary.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The items of a summary by state.
fn in_state(summary: &Value, state: &str) -> u64 {
    let lines = summary["quarantine"]["lines"].as_array().unwrap();
    lines.iter().filter_map(|line| line["states"][state].as_u64()).sum()
}

/// Fails when the states of a summary do not add up to its items, or its rows are not those of the balance.
#[track_caller]
fn expect_every_item_and_row_counted(found: &Value) {
    let states: u64 = found["quarantine"]["lines"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|line| line["states"].as_object().unwrap().values().map(|items| items.as_u64().unwrap()))
        .sum();
    assert_eq!(found["quarantine"]["items"], states);
    let held: u64 = found["tables"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|table| {
            table["quarantined"].as_object().unwrap().values().map(|rows| rows.as_u64().unwrap())
        })
        .sum();
    assert_eq!(found["quarantine"]["rows"], held);
}

/// Adds a line to the list of kinds of addresses, as the engineer does after a decision.
fn add_code(project: &Project, line: &str) {
    let list = project.dir.join("mappings/codes/adresstyp.csv");
    let text = std::fs::read_to_string(&list).unwrap();
    std::fs::write(&list, text + line + "\n").unwrap();
    replace(
        &project.dir.join("mappings/paraply/system.toml"),
        &[("adresstyp                = 4", "adresstyp = 5")],
    );
}

#[test]
fn a_reason_is_decided_in_a_workbook_mended_in_the_mapping_and_gone_after_the_replay() {
    let (project, _, rows) = city_with_an_unknown_code();
    let held = items(&project, &["--reason", "D18"]);
    let protected = items(&project, &["--reason", "D18", "--protected"]);
    assert_eq!(u64::try_from(held.len() + protected.len()).unwrap(), rows);
    assert!(
        held.iter().all(|item| item["owner"] == "FF" && item["field"] == "typ" && item["protected"] == false)
    );
    let book = project.dir.join("beslut.xlsx");
    let exported = quarantine(
        &project,
        [OsStr::new("export"), book.as_os_str(), OsStr::new("--owner"), OsStr::new("FF")],
    );
    let exported = exported.expect(&[0]).json();
    assert_eq!(
        (&exported["items"], &exported["protected_not_exported"]),
        (&held.len().into(), &(!protected.is_empty()).into())
    );
    let import = || quarantine(&project, [OsStr::new("import"), book.as_os_str()]);
    assert_eq!(import().expect(&[0]).json()["decided"], 0);

    let untouched = std::fs::read(&book).unwrap();
    fill(&book, &(2..4), ["kanske", "", "", "processägare", "tillfällig adress"]);
    let refused = import().expect(&[1]).json();
    let problems = refused["done"]["problems"].as_array().unwrap();
    let told: Vec<_> =
        problems.iter().map(|one| (one["row"].as_u64().unwrap(), one["column"].as_str().unwrap())).collect();
    assert_eq!(told, [(2, "Beslut"), (2, "Beslutat av"), (3, "Beslut"), (3, "Beslutat av")]);
    assert!(items(&project, &["--state", "map"]).is_empty());

    std::fs::write(&book, &untouched).unwrap();
    let last = u32::try_from(held.len()).unwrap() + 1;
    fill(&book, &(2..last + 1), ["mappa så", "tillfallig", "Eva Ek", "processägare", "tillfällig adress"]);
    assert_eq!(import().expect(&[0]).json()["decided"], held.len());
    let again = import().expect(&[0]).json();
    assert_eq!((&again["decided"], &again["there_already"]), (&0.into(), &held.len().into()));
    std::fs::write(&book, &untouched).unwrap();
    fill(&book, &(2..3), ["vänta", "", "Bo Berg", "handläggare", "äldre arbetsbok"]);
    let stale = import().expect(&[1]).json();
    assert!(stale["done"]["problems"][0]["rule"].as_str().unwrap().contains("decided about since"));

    // The decision says which line the code list lacks; with it every row comes over.
    let decided = items(&project, &["--decision", "map"]);
    assert_eq!(decided.len(), held.len());
    assert_eq!(decided[0]["code_line"]["file"], "codes/adresstyp.csv");
    let line = decided[0]["code_line"]["line"].as_str().unwrap().to_owned();
    assert_eq!(line, "paraply,TF,tillfallig,Tillfällig adress,equal,,,unchecked,,");
    add_code(&project, &line);
    let replayed = quarantine(&project, ["replay", "--reason", "D18"]).expect(&[0, 3]).json();
    let outcome = &replayed["outcome"];
    assert_eq!((&outcome["loaded"], &outcome["same_reason"]), (&held.len().into(), &0.into()));
    assert_eq!(replayed["protected_not_told"], !protected.is_empty());
    assert_eq!(items(&project, &["--state", "loaded"]).len(), held.len());
    let found = summary(&project, replayed["run"].as_str().unwrap());
    assert_eq!(in_state(&found, "loaded"), rows);
    expect_every_item_and_row_counted(&found);
    let report = std::fs::read_to_string(project.dir.join("report/index.html")).unwrap();
    assert!(
        report.contains("Vad som är beslutat om karantänen")
            && report.contains(&format!("{rows} har lästs in efteråt"))
    );
    let again = quarantine(&project, ["replay"]).expect(&[0, 3]).json();
    assert_eq!((&again["outcome"]["loaded"], &again["parts_loaded"]), (&0.into(), &0.into()));
}

#[test]
fn a_row_is_shown_to_whoever_holds_a_key_and_says_why_after_that_was_noted() {
    let (project, identity, _) = city_with_an_unknown_code();
    let item = id(&items(&project, &["--reason", "D18"])[0]);
    let masked = quarantine(&project, ["show", &item[..13]]).expect(&[0]).json();
    assert!(masked.get("row").is_none() && masked["row_kept"] == true);
    let kind = masked["columns"].as_array().unwrap().iter().find(|column| column["column"] == "TYP").unwrap();
    assert_eq!((kind["class"].as_str(), kind["length"].as_u64()), (Some("letters"), Some(2)));
    let show = |item: &str, identity: &Path, more: &[&str]| {
        let who = ["--person", "Eva Ek", "--role", "samordnare", "--purpose", "rättning av kod"];
        let first = [OsStr::new("show"), OsStr::new(item), OsStr::new("--identity"), identity.as_os_str()];
        quarantine(&project, first.into_iter().chain(who.iter().chain(more).map(OsStr::new)))
    };
    let other = project.dir.join("other.txt");
    std::fs::write(&other, Identity::generate().to_string().expose_secret()).unwrap();
    assert!(show(&item, &other, &[]).expect(&[1]).stderr.contains("not sealed to this identity"));
    let shown = show(&item, &identity, &[]).expect(&[0]).json();
    let row = shown["opened_rows"][0].as_array().unwrap();
    assert!(row.iter().any(|column| column["column"] == "TYP" && column["text"] == "TF"));
    let log = shown["log"].as_array().unwrap();
    assert_eq!(
        log.iter().filter(|event| event["what"] == "shown").count(),
        1,
        "who could not read is not noted"
    );
    assert_eq!(log.last().unwrap()["text"], "rättning av kod");
    // What cannot be noted is not shown.
    let store = project.dir.join("quarantine.db");
    sqlite(&store, &["CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'full'); END"]);
    let refused = show(&item, &identity, &[]).expect(&[1]);
    assert!(!refused.stdout.contains("TF") && refused.stderr.contains("trigger refused"));
    sqlite(&store, &["DROP TRIGGER full"]);
    for protected in items(&project, &["--protected", "--all"]) {
        let item = id(&protected);
        assert!(show(&item, &identity, &[]).expect(&[1]).stderr.contains("protected person"));
        show(&item, &identity, &["--protected"]).expect(&[0]);
    }
    let line =
        items(&project, &["--reason", "D68"]).iter().find(|item| item["stage"] == "reading").map(id).unwrap();
    assert!(show(&line, &identity, &[]).expect(&[1]).stderr.contains("may be about a protected person"));
    assert_eq!(
        show(&line, &identity, &["--protected"]).expect(&[0]).json()["opened_rows"][0][0]["column"],
        "rad"
    );
}

#[test]
fn what_becomes_of_a_decision_is_told_by_the_next_run() {
    let project = migrated_city();
    let held = items(&project, &[]);
    let of = |reason: &str| held.iter().filter(|item| item["reason"] == reason).map(id).collect::<Vec<_>>();
    let (wrong, orphans) = (of("D24"), of("D79"));
    assert!(!wrong.is_empty() && !orphans.is_empty());
    let decide = |ids: &[String], decision: &str| {
        let who = ["--person", "Eva Ek", "--role", "samordnare", "--note", "efter samtal"];
        let ids = ids.iter().map(String::as_str);
        let arguments = ["decide", "--decision", decision].into_iter().chain(ids).chain(who);
        quarantine(&project, arguments)
    };
    assert_eq!(decide(&wrong, "correct").expect(&[0]).json()["decided"], wrong.len());
    decide(&orphans, "accept").expect(&[0]);
    decide(&orphans, "map").expect(&[1]);
    // One row is taken away, and the others are as they were.
    let database = project.dir.join("legacy/paraply.sqlite");
    let key = |id: &String| held.iter().find(|item| item["id"] == **id).unwrap()["key"].as_str().unwrap();
    let gone =
        format!("DELETE FROM JOURNAL WHERE {} = {}", key_column(&database, "JOURNAL"), key(&orphans[0]));
    assert_eq!(sqlite(&database, &[gone.as_str()]), 1);
    let replayed = quarantine(&project, ["replay"]).expect(&[0, 2, 3]).json();
    assert_eq!((&replayed["outcome"]["gone"], &replayed["outcome"]["new"]), (&1.into(), &0.into()));
    let states = |state: &str| items(&project, &["--state", state]).iter().map(id).collect::<Vec<_>>();
    assert_eq!(states("again"), wrong);
    assert_eq!((states("gone"), states("accept")), (vec![orphans[0].clone()], orphans[1..].to_vec()));
    let found = summary(&project, replayed["run"].as_str().unwrap());
    assert_eq!(in_state(&found, "again"), u64::try_from(wrong.len()).unwrap());
    assert!(decide(&orphans[..1], "wait").expect(&[1]).stderr.contains("no longer held back"));
}

fn key_column(database: &Path, table: &str) -> String {
    let rows = sqlite_rows(database, &format!("SELECT name FROM pragma_table_info('{table}') WHERE pk = 1"));
    rows[0][0].clone().unwrap()
}

#[test]
fn nothing_is_there_before_the_first_run_and_the_log_is_only_added_to() {
    let project = fresh_city();
    let none = quarantine(&project, ["list"]).expect(&[1]);
    assert!(none.stderr.contains("no quarantine yet") && none.stderr.contains("bron migrate"));
    let project = migrated_city();
    let store = project.dir.join("quarantine.db");
    let events = sqlite_count(&store, "SELECT count(*) FROM event");
    run([OsStr::new("reconcile"), OsStr::new("--project"), project.dir.as_os_str()]).expect(&[0, 3]);
    assert_eq!(sqlite_count(&store, "SELECT count(*) FROM event"), events, "the same run says nothing new");
    assert!(events > 0);
    sqlite(&store, &["UPDATE meta SET value = '2' WHERE name = 'format'"]);
    let newer = quarantine(&project, ["list"]).expect(&[1]);
    assert!(newer.stderr.contains("a newer program wrote it"), "{}", newer.stderr);
}
