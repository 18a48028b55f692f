//! Reads generated cities back and finds every defect again, from the data alone.

mod databases;
mod exports;
mod paraply;
mod planning;
mod visits;
mod vodok;
mod warna;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Row};
use tempfile::TempDir;

use crate::numbers::is_allowed;
use crate::{Action, CityPlan, ErrorKind, Truth, generate};

/// A city on disk.
struct City {
    dir: TempDir,
    truth: Truth,
}

impl City {
    fn new(persons: u32, seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (legacy, truth) = (dir.path().join("legacy"), dir.path().join("truth.json"));
        let plan = CityPlan { persons, seed };
        let truth = generate(&plan, &legacy, &truth, &mut |_| {}).unwrap();
        Self { dir, truth }
    }

    fn legacy(&self) -> PathBuf {
        self.dir.path().join("legacy")
    }

    /// The first column of a query as texts; NULL becomes an empty text.
    fn query(&self, system: &str, sql: &str) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let path = self.legacy().join(format!("{system}.sqlite"));
        let rows: Vec<SqliteRow> = runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(path).read_only(true);
            let mut connection = options.connect().await.unwrap();
            sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await.unwrap()
        });
        let text = |row: &SqliteRow| row.get::<Option<String>, _>(0).unwrap_or_default();
        rows.iter().map(text).collect()
    }

    fn number(&self, system: &str, sql: &str) -> u64 {
        let sql = format!("SELECT CAST(({sql}) AS TEXT)");
        self.query(system, &sql)[0].parse().unwrap()
    }

    /// The keys in the truth; panics when the truth has none.
    fn keys(&self, id: &str, table: &str, action: Action) -> Vec<String> {
        let defect = self.truth.defect(id, table, action);
        let defect = defect.unwrap_or_else(|| panic!("no {id} in {table}"));
        assert_eq!(defect.count, u64::try_from(defect.keys.len()).unwrap());
        assert!(defect.count > 0);
        defect.keys.clone()
    }

    /// Asserts that the keys found are the keys in the truth, in any order.
    fn expect(&self, id: &str, table: &str, action: Action, mut found: Vec<String>) {
        let mut keys = self.keys(id, table, action);
        keys.sort();
        found.sort();
        assert_eq!(found, keys, "{id} in {table}, {} persons", self.truth.persons);
    }
}

/// The two cities that every check looks at.
fn cities() -> &'static [City; 2] {
    static CITIES: OnceLock<[City; 2]> = OnceLock::new();
    CITIES.get_or_init(|| [City::new(60, 1), City::new(300, 42)])
}

/// A digest of every file below a directory, by path.
fn digests(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut digests = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), PathBuf::from(entry.file_name()));
        if path.is_dir() {
            let below = self::digests(&path).into_iter();
            digests.extend(below.map(|(below, digest)| (name.join(below), digest)));
        } else {
            let digest = blake3::hash(&std::fs::read(&path).unwrap()).to_string();
            digests.insert(name, digest);
        }
    }
    digests
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let (one, two, other) = (City::new(25, 9), City::new(25, 9), City::new(25, 10));
    let first = digests(one.dir.path());
    assert!(first.len() > 90);
    assert_eq!(first, digests(two.dir.path()));
    let changed = digests(other.dir.path());
    for name in [
        "legacy/paraply.sqlite",
        "legacy/vodok.sqlite",
        "legacy/warna.sqlite",
        "legacy/schemos.sqlite",
        "truth.json",
    ] {
        let name = Path::new(name);
        assert_ne!(first.get(name).unwrap(), changed.get(name).unwrap());
    }
}

#[test]
fn nothing_is_left_over_beside_the_named_files() {
    for city in cities() {
        let mut names: Vec<String> = std::fs::read_dir(city.legacy())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["agresso", "paraga", "paraply.sqlite", "schemos.sqlite", "vodok.sqlite", "warna.sqlite"]
        );
    }
}

#[test]
fn truth_json_is_the_truth() {
    for city in cities() {
        let text = std::fs::read_to_string(city.dir.path().join("truth.json")).unwrap();
        let read: Truth = serde_json::from_str(&text).unwrap();
        assert_eq!(read, city.truth);
        assert_eq!(read.format, 1);
    }
}

#[test]
fn truth_holds_no_person_number() {
    for city in cities() {
        let truth = std::fs::read_to_string(city.dir.path().join("truth.json")).unwrap();
        let sql = "SELECT PNR FROM PERSON WHERE length(PNR) = 12 AND PNR NOT LIKE 'X%'";
        for number in city.query("paraply", sql) {
            assert!(!truth.contains(&number));
        }
    }
}

#[test]
fn sixty_persons_have_every_table_and_every_defect() {
    for city in cities() {
        let seed = city.truth.seed;
        for (table, rows) in &city.truth.rows {
            assert!(*rows > 0, "{table} is empty with seed {seed}");
        }
        for id in [
            "D01",
            "D02",
            "D03",
            "D04",
            "D05",
            "D11",
            "D13",
            "D18",
            "D21",
            "D21_unparsed",
            "D23",
            "D24",
            "D36",
            "D42",
            "D48",
            "D52",
            "D53",
            "D54",
            "D55",
            "D56",
            "D57",
            "D58",
            "D66",
            "D68",
        ] {
            assert!(city.truth.defects.iter().any(|defect| defect.id == id), "{id} with seed {seed}");
        }
    }
}

#[test]
fn one_person_is_a_city_too() {
    let city = City::new(1, 1);
    // The named cases are in every city.
    assert!(city.number("paraply", "SELECT COUNT(*) FROM PERSON WHERE PERS_ID < 9000000") < 8);
    assert!(city.truth.rows["paraply/BERAK"] > 0);
    assert!(city.truth.rows["paraga/besok"] > 100);
}

#[test]
fn a_city_that_cannot_be_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let truth = dir.path().join("truth.json");
    for persons in [0, 60_001, u32::MAX] {
        let plan = CityPlan { persons, seed: 1 };
        let error = generate(&plan, dir.path(), &truth, &mut |_| {}).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Plan);
        assert!(!error.is_retryable());
    }
}

#[test]
fn what_is_there_is_not_overwritten_but_leavings_are_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let truth = dir.path().join("truth.json");
    let plan = CityPlan { persons: 20, seed: 1 };
    std::fs::write(dir.path().join("paraply.sqlite.part"), "half a file").unwrap();
    std::fs::create_dir(dir.path().join("paraga.part")).unwrap();
    generate(&plan, dir.path(), &truth, &mut |_| {}).unwrap();
    let error = generate(&plan, dir.path(), &truth, &mut |_| {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Occupied);
    assert_eq!(error.to_string(), "something is already there: paraply.sqlite");
}

#[test]
fn progress_ends_at_its_goal_in_every_step() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = BTreeMap::new();
    let plan = CityPlan { persons: 20, seed: 1 };
    let truth = generate(&plan, dir.path(), &dir.path().join("truth.json"), &mut |progress| {
        last.insert(progress.step, progress);
    });
    let truth = truth.unwrap();
    assert_eq!(last.len(), 4);
    assert!(last.values().all(|progress| progress.done == progress.of));
    let rows: u64 = last.values().map(|progress| progress.rows).sum();
    // The batches of payments are written after the last person.
    let after = truth.rows["paraply/AGRUT"] + truth.rows["agresso/verifikat"];
    assert_eq!(rows + after, truth.total_rows());
}

#[test]
fn every_number_is_one_that_nobody_holds() {
    for city in cities() {
        let mut numbers = city.query("paraply", "SELECT PNR FROM PERSON WHERE length(PNR) = 12");
        numbers.extend(city.query("schemos", "SELECT pnr FROM customer WHERE pnr IS NOT NULL"));
        numbers.extend(city.query("schemos", "SELECT pnr FROM employee"));
        let patients = "SELECT REPLACE(PERSNR, '-', '') FROM PATIENT WHERE length(PERSNR) >= 12";
        numbers.extend(city.query("vodok", patients));
        numbers.extend(city.query("vodok", "SELECT GAMMALT FROM PAT_IDBYTE"));
        numbers.extend(city.query("warna", "SELECT pnr FROM HUVUDMAN WHERE pnr IS NOT NULL"));
        numbers.extend(city.query("warna", "SELECT pnr FROM STALLFORETRADARE WHERE pnr IS NOT NULL"));
        for row in exports::rows(city, "kund") {
            numbers.push(row.fields[1].trim_matches(['=', '"']).to_owned());
        }
        for number in numbers.iter().filter(|number| number.is_ascii() && !number.contains('K')) {
            assert!(is_allowed(number), "a number that may be somebody's");
        }
        // Ten digits: the birth number is in the same place from the end.
        for number in city.query("paraply", "SELECT PNR FROM PERSON WHERE length(PNR) = 10") {
            let century = if number.as_str() < "25" { "20" } else { "19" };
            assert!(is_allowed(&format!("{century}{number}")) || number == "9999999999");
        }
    }
}
