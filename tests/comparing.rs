//! `bron compare`: two tables wherever they lie, and what it says of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ran, run, sqlite};

/// Two SQLite files, made by statements.
struct Files {
    dir: TempDir,
}

impl Files {
    fn new(left: &[&str], right: &[&str]) -> Self {
        let files = Self { dir: tempfile::tempdir().unwrap() };
        for (name, statements) in [("left.db", left), ("right.db", right)] {
            let path = files.path(name);
            fs::write(&path, "").unwrap();
            sqlite(&path, statements);
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn locators(&self) -> [String; 2] {
        ["left.db", "right.db"].map(|name| format!("sqlite:{}", self.path(name).display()))
    }

    fn run(&self, more: &[&str]) -> Ran {
        let [left, right] = self.locators();
        let arguments = ["compare", &left, &right];
        run(arguments.iter().chain(more))
    }

    fn json(&self, code: i32, more: &[&str]) -> Value {
        let more: Vec<&str> = more.iter().copied().chain(["--output", "json"]).collect();
        self.run(&more).expect(&[code]).json()
    }
}

const KUNDER: &str = "CREATE TABLE kunder (id INTEGER PRIMARY KEY, namn TEXT, saldo NUMERIC)";

#[test]
fn equal_differing_and_unproven_tables_have_a_verdict_and_an_exit_code_each() {
    let rows = "INSERT INTO kunder VALUES (4711, 'Åsa', 1.5), (4712, NULL, 2)";
    let other = "INSERT INTO kunder VALUES (4711, 'Åsa ', 1.5), (4713, '', 2)";
    let equal = Files::new(&[KUNDER, rows], &[KUNDER, rows]);
    let text = equal.run(&[]).expect(&[0]).stdout;
    assert!(
        text.contains("EQUAL: 1 of 1 tables") && text.contains("2 rows left, 2 right; 2 compared by id"),
        "{text}"
    );
    assert_eq!(equal.json(0, &[])["verdict"], "equal");

    let differs = Files::new(&[KUNDER, rows], &[KUNDER, other]);
    let text = differs.run(&[]).expect(&[2]).stdout;
    for line in [
        "left row 1, right row 1: differs in namn",
        "left row 2: only on the left",
        "right row 2: only on the right",
        "1 rows differ in namn",
        "2 of 3 compared columns are equal",
        "DIFFERS: 1 of 1 tables differ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("471"), "a key is printed only when it is asked for: {text}");
    let text = differs.run(&["--show-keys"]).expect(&[2]).stdout;
    assert!(text.contains("id=4711 (left row 1, right row 1): differs in namn"), "{text}");
    let columns = differs.json(0, &["--columns", "saldo", "--key", "saldo"]);
    assert_eq!(columns["tables"][0]["comparison"]["columns_left_out"], serde_json::json!(["id", "namn"]));
    assert!(!differs.json(2, &[]).to_string().contains("471"));

    let alone = Files::new(&[KUNDER, "CREATE TABLE extra (id INTEGER PRIMARY KEY)"], &[KUNDER]);
    let told = alone.json(2, &[]);
    assert_eq!((&told["verdict"], &told["tables_only_left"][0]), (&"not_proven".into(), &"extra".into()));
    assert_eq!(alone.json(0, &["--table", "kunder"])["verdict"], "equal");
    assert_eq!(alone.run(&["--table", "saknas"]).code, Some(1));
}

#[test]
fn what_proves_nothing_is_said_before_the_rows_and_is_never_equal() {
    let files = Files::new(
        &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER, c TEXT)",
            "INSERT INTO t VALUES (1, 'x', 2, 'y')",
        ],
        &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, d TEXT)",
            "INSERT INTO t VALUES (1, 'x', '2', 'y')",
        ],
    );
    let ran = files.run(&[]).expect(&[2]);
    assert!(
        ran.stderr.contains("t.b: INTEGER and TEXT are compared as text, which proves no equality"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("t.c: only the left side") && ran.stderr.contains("t.d: only the right side")
    );
    assert!(ran.stdout.contains("NOT PROVEN"), "{}", ran.stdout);
    assert_eq!(files.json(0, &["--columns", "a"])["verdict"], "equal");
}

#[test]
fn values_of_several_types_in_one_column_prove_nothing() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, v, b BLOB)";
    let files = |left: &str, right: &str| Files::new(&[table, left], &[table, right]).json(2, &[]);
    let told = files(
        "INSERT INTO t VALUES (1, 1, NULL), (2, 'a', NULL)",
        "INSERT INTO t VALUES (1, '1', NULL), (2, 'a', NULL)",
    );
    assert_eq!(told["verdict"], "not_proven");
    let told = files("INSERT INTO t VALUES (1, NULL, x'61')", "INSERT INTO t VALUES (1, NULL, 'a')");
    assert_eq!(
        (&told["verdict"], &told["tables"][0]["comparison"]["columns"][2]["proof"]),
        (&"not_proven".into(), &"as_text".into())
    );
    let whole = Files::new(
        &[table, "INSERT INTO t VALUES (1, 1, x'61')"],
        &[table, "INSERT INTO t VALUES (1, 1, x'61')"],
    );
    assert_eq!(whole.json(0, &[])["verdict"], "equal");
}

#[test]
fn rows_that_cannot_be_read_or_named_are_never_equal() {
    let float = "CREATE TABLE t (id INTEGER PRIMARY KEY, v REAL)";
    let endless = "INSERT INTO t VALUES (1, 1.5), (2, 9e999)";
    let told = Files::new(&[float, endless], &[float, endless]).json(2, &[]);
    assert_eq!(told["verdict"], "not_proven");
    assert_eq!(told["tables"][0]["comparison"]["unreadable"]["left"]["rows"], 1);

    let table = "CREATE TABLE t (k TEXT, v TEXT)";
    let rows = "INSERT INTO t VALUES ('a', 'x'), ('a', 'y'), (NULL, 'z'), ('b', 'z')";
    let files = Files::new(&[table, rows], &[table, rows]);
    let told = files.json(2, &["--key", "k"]);
    let counted = &told["tables"][0]["comparison"]["rows"];
    assert_eq!(told["verdict"], "not_proven");
    assert_eq!([&counted["repeated_left"], &counted["null_key_right"], &counted["compared"]], [2, 1, 1]);
    assert_eq!(files.json(0, &[])["verdict"], "equal", "without a key each row stands for itself");
    assert_eq!(files.json(2, &["--key", "v"])["verdict"], "not_proven");
}

#[test]
fn every_difference_is_in_a_file_of_its_owner_in_the_order_of_the_key() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, \"k;\" TEXT)";
    let left = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) \
                INSERT INTO t SELECT i, 'a' FROM n";
    let files = Files::new(&[table, left], &[table, left, "UPDATE t SET \"k;\" = 'b' WHERE id % 3 = 0"]);
    let out = files.path("out");
    let told = files.json(2, &["--out", out.to_str().unwrap()]);
    assert_eq!(told["tables"][0]["comparison"]["differences"], 10_000);
    assert_eq!(told["tables"][0]["comparison"]["shown"].as_array().unwrap().len(), 20);
    let file = out.join("t.differences.csv");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    let expected =
        (1..=10_000).map(|row: u32| row * 3).map(|id| format!("differs,{id},{id},1,1,\"k;\",\"{id}\""));
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines, expected.collect::<Vec<_>>());
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "nothing else is left there");
    let text = files.run(&[]).expect(&[2]).stdout;
    assert!(text.contains("and 9980 more: --out DIR lists all of them"), "{text}");
}

#[test]
fn a_source_that_gives_its_rows_in_another_order_is_sorted() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, namn TEXT, kod TEXT)";
    let rows = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19999) \
                INSERT INTO t SELECT i, 'namn ' || (i * 7919 % 20000), 'k' FROM n";
    let files = Files::new(&[table, rows], &[table, rows, "UPDATE t SET kod = 'K' WHERE id = 4711"]);
    let out = files.path("out");
    let told = files.json(2, &["--key", "namn", "--out", out.to_str().unwrap()]);
    let rows = &told["tables"][0]["comparison"]["rows"];
    assert_eq!([&rows["compared"], &rows["differing"], &rows["only_left"]], [20_000, 1, 0]);
    let text = fs::read_to_string(out.join("t.differences.csv")).unwrap();
    assert!(text.contains(&format!("\"kod\",\"namn {}\"", 4711 * 7919 % 20_000)), "{text}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "the files of the sorting are gone");
    assert_eq!(files.json(0, &["--columns", "id,namn", "--key", "namn"])["verdict"], "equal");
}

#[test]
fn files_are_compared_with_files_and_with_databases() {
    let dir = tempfile::tempdir().unwrap();
    let folder = |name: &str, text: &str| {
        let folder = dir.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("kunder.csv"), text).unwrap();
        format!("csv:{}", folder.display())
    };
    let left = folder("a", "id;namn\n9;Åsa\n10;Bo\n");
    let same = folder("b", "id;namn\n10;Bo\n9;Åsa\n");
    let other = folder("c", "id;namn\n9;Åsa\n10;BO\n");
    let compare = |right: &str, more: &[&str]| {
        let arguments = ["compare", &left, right, "--output", "json"];
        run(arguments.iter().chain(more)).expect(&[0, 2]).json()
    };
    assert_eq!(compare(&same, &["--key", "id"])["verdict"], "equal");
    assert_eq!(compare(&same, &[])["verdict"], "equal");
    let told = compare(&other, &["--key", "id"]);
    assert_eq!(told["tables"][0]["comparison"]["shown"][0]["columns"][0], "namn");
    let database = dir.path().join("k.db");
    fs::write(&database, "").unwrap();
    sqlite(
        &database,
        &[
            "CREATE TABLE KUNDER (ID INTEGER PRIMARY KEY, NAMN TEXT)",
            "INSERT INTO KUNDER VALUES (9, 'Åsa'), (10, 'Bo')",
        ],
    );
    let told = compare(&format!("sqlite:{}", database.display()), &[]);
    assert_eq!(told["verdict"], "not_proven", "a file does not say that its ids are numbers");
    let rows = &told["tables"][0]["comparison"]["rows"];
    assert_eq!([&rows["compared"], &rows["differing"]], [2, 0]);
}

#[test]
fn a_side_that_cannot_be_opened_is_named() {
    let gone = Path::new("finns-inte.db").display().to_string();
    let ran = run(["compare", &format!("sqlite:{gone}"), &format!("sqlite:{gone}")]).expect(&[1]);
    assert!(ran.stderr.contains("left") && ran.stderr.contains(&gone), "{}", ran.stderr);
}
