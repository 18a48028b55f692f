//! Made-up visits, as files and in databases.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

/// The columns with their types in a database.
pub(crate) const COLUMNS: [(&str, &str); 13] = [
    ("besok_id", "bigint PRIMARY KEY"),
    ("kund_nr", "varchar(10)"),
    ("personnr", "varchar(12)"),
    ("utforare_id", "varchar(6)"),
    ("personal_id", "varchar(8)"),
    ("plan_start", "timestamp"),
    ("plan_slut", "timestamp"),
    ("fakt_start", "timestamp"),
    ("fakt_slut", "timestamp"),
    ("kvitt_start", "varchar(2)"),
    ("kvitt_slut", "varchar(2)"),
    ("status", "varchar(4)"),
    ("anmarkning", "varchar(200)"),
];

/// The visits of a month.
const PER_FILE: u64 = 100_000;
const DAYS: u64 = 28;
const FIRST_YEAR: u64 = 2013;
/// Rows that one statement inserts: 13 times as many values are fewer than a statement of SQLite may have.
const PER_STATEMENT: u64 = 500;

/// Which visits differ from those of the first edition.
#[derive(Clone, Copy)]
pub(crate) enum Edition {
    /// None.
    First,
    /// Every tenth has another remark, as in a later snapshot.
    TenthChanged,
    /// The one in the middle has the remark [`REFUSED`].
    OneRefused,
}

/// A remark that a table may refuse.
pub(crate) const REFUSED: &str = "FEL";

/// A folder with the visits, removed when dropped.
pub(crate) struct Visits {
    folder: TempDir,
    rows: u64,
    edition: Edition,
}

impl Visits {
    /// Writes so many visits as monthly files.
    pub(crate) fn write(rows: u64, edition: Edition) -> Self {
        let visits = Self { folder: tempfile::tempdir().expect("a temporary folder"), rows, edition };
        fs::create_dir(visits.folder()).expect("a folder can be made");
        for month in 0..rows.div_ceil(PER_FILE) {
            let mut file = BufWriter::new(File::create(visits.file(month)).expect("a file can be made"));
            writeln!(file, "{}", names(";")).expect("the file can be written");
            for visit in visits.of_month(month) {
                writeln!(file, "{}", visit.join(";")).expect("the file can be written");
            }
            file.flush().expect("the file can be written");
        }
        visits
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The folder of the monthly files, and of nothing else.
    pub(crate) fn folder(&self) -> PathBuf {
        self.scratch().join("csv")
    }

    /// A folder for other files.
    pub(crate) fn scratch(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.scratch().join("visits.sqlite")
    }

    fn file(&self, month: u64) -> PathBuf {
        self.folder().join(format!("besok_{}{:02}.csv", FIRST_YEAR + month / 12, month % 12 + 1))
    }

    fn of_month(&self, month: u64) -> impl Iterator<Item = [String; COLUMNS.len()]> {
        let last = self.rows.min((month + 1) * PER_FILE);
        (month * PER_FILE..last).map(|index| self.visit(index + 1))
    }

    fn visit(&self, id: u64) -> [String; COLUMNS.len()] {
        let mut visit = visit(id);
        let remark = match self.edition {
            Edition::TenthChanged if id.is_multiple_of(10) => Some("Rättad i efterhand"),
            Edition::OneRefused if id == self.rows / 2 => Some(REFUSED),
            Edition::First | Edition::TenthChanged | Edition::OneRefused => None,
        };
        if let (Some(remark), Some(last)) = (remark, visit.last_mut()) {
            remark.clone_into(last);
        }
        visit
    }

    /// Makes the table in the database of a PostgreSQL server.
    pub(crate) fn copy_to_postgres(&self, url: &str) {
        psql(url, &format!("CREATE TABLE besok ({})", declared()), Stdio::null());
        for month in 0..self.rows.div_ceil(PER_FILE) {
            let file = File::open(self.file(month)).expect("the file was written");
            psql(url, "COPY besok FROM STDIN (FORMAT csv, DELIMITER ';', HEADER)", file.into());
        }
        psql(url, "VACUUM ANALYZE besok", Stdio::null());
    }

    /// Makes the table in an SQLite file.
    pub(crate) fn copy_to_sqlite(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(self.insert()).expect("the visits can be inserted");
    }

    async fn insert(&self) -> Result<(), sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(self.database()).create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let created = format!("PRAGMA synchronous = OFF; CREATE TABLE besok ({}); BEGIN", declared());
        connection.execute(AssertSqlSafe(created)).await?;
        for first in (0..self.rows).step_by(usize::try_from(PER_STATEMENT).expect("the number is small")) {
            let visits = first..self.rows.min(first + PER_STATEMENT);
            let row = format!("({})", vec!["nullif(?, '')"; COLUMNS.len()].join(", "));
            let rows = vec![row; visits.clone().count()].join(", ");
            let mut statement = sqlx::query(AssertSqlSafe(format!("INSERT INTO besok VALUES {rows}")));
            for value in visits.flat_map(|index| self.visit(index + 1)) {
                statement = statement.bind(value);
            }
            statement.execute(&mut connection).await?;
        }
        connection.execute("COMMIT").await?;
        connection.close().await
    }
}

/// The names of the columns.
pub(crate) fn names(separator: &str) -> String {
    COLUMNS.map(|(name, _)| name).join(separator)
}

fn declared() -> String {
    COLUMNS.map(|(name, kind)| format!("{name} {kind}")).join(", ")
}

/// Runs a statement. A plain file is its input.
fn psql(url: &str, statement: &str, input: Stdio) {
    let mut psql = Command::new("psql");
    psql.args(["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--command", statement, url]);
    let ended = psql.stdin(input).status().expect("psql is installed");
    assert!(ended.success(), "psql failed");
}

/// The texts of a visit. Months have 28 days, and the numbers of persons a birth number that nobody has.
fn visit(id: u64) -> [String; COLUMNS.len()] {
    let (month, of_month) = ((id - 1) / PER_FILE, (id - 1) % PER_FILE);
    let day =
        format!("{}-{:02}-{:02}", FIRST_YEAR + month / 12, month % 12 + 1, of_month * DAYS / PER_FILE + 1);
    let customer = id * 7919 % 9000;
    let (hour, minute) = (7 + id % 14, id * 13 % 60);
    let at =
        |minute: u64, second: u64| format!("{day} {:02}:{:02}:{second:02}", hour + minute / 60, minute % 60);
    let late = id * 31 % 17;
    let receipt = |number: u64| if number.is_multiple_of(9) { "M" } else { "T" }.to_owned();
    let remark = if id.is_multiple_of(8) {
        format!("Åt frukost, gick ut en stund {}", id % 100)
    } else {
        String::new()
    };
    [
        id.to_string(),
        format!("K{:05}", 10_000 + customer),
        format!(
            "19{:02}{:02}{:02}000{}",
            20 + customer % 40,
            1 + customer % 12,
            1 + customer % 28,
            customer % 10
        ),
        format!("U{:03}", customer % 90),
        format!("P{:04}", id * 17 % 4000),
        at(minute, 0),
        at(minute + 30, 0),
        at(minute + late, id % 60),
        at(minute + late + 20 + id % 20, id * 7 % 60),
        receipt(id),
        receipt(id / 2),
        if id.is_multiple_of(50) { "AVB" } else { "UTF" }.to_owned(),
        remark,
    ]
}
