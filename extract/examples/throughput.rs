//! Measures how fast tables are staged: `throughput <rows> <directory>`.
//!
//! Makes an SQLite database and a folder of CSV files with made-up visits in the directory, stages both and
//! says how many rows per second went through, from the source to synced parts.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use bron_extract::{CsvSource, PartOptions, Source, SqliteSource, StageRequest, stage_table, table_dir};
use bron_mappings::{CsvDialect, CsvTable, System};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};

const COLUMNS: [&str; 10] = [
    "BesokId",
    "KundNr",
    "Personnr",
    "UtforareId",
    "PlanStart",
    "PlanSlut",
    "FaktStart",
    "FaktSlut",
    "Status",
    "Anm",
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let rows: u32 = arguments.get(1).ok_or("the number of rows is missing")?.parse()?;
    let dir = Path::new(arguments.get(2).ok_or("the directory is missing")?);
    fs::create_dir_all(dir.join("csv"))?;
    let database = dir.join("legacy.db");
    if !database.exists() {
        make_database(&database, rows)?;
        make_files(&dir.join("csv"), rows)?;
    }
    measure("sqlite", dir, || Ok(Box::new(SqliteSource::open(&database)?)))?;
    measure("csv", dir, || Ok(Box::new(CsvSource::open(&dir.join("csv"), &system())?)))
}

type Opened = Result<Box<dyn Source>, bron_extract::Error>;

fn measure(name: &str, dir: &Path, open: impl Fn() -> Opened) -> Result<(), Box<dyn Error>> {
    let to = table_dir(dir, name, "besok");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    let start = Instant::now();
    let mut source = open()?;
    let fingerprint = source.fingerprint()?;
    let printed = start.elapsed();
    let table = source.tables()?.remove(0);
    let parts = PartOptions::default();
    let request =
        StageRequest { system: name, table: &table, fingerprint, dir: &to, batch_rows: 8192, parts };
    let staged = stage_table(source.as_mut(), &request)?;
    let took = start.elapsed();
    let per_second = u128::from(staged.manifest.rows) * 1000 / took.as_millis().max(1);
    let line = format!(
        "{name}: {} rows of {} columns in {} ms (fingerprint {} ms): {per_second} rows/s\n",
        staged.manifest.rows,
        table.columns.len(),
        took.as_millis(),
        printed.as_millis()
    );
    std::io::stdout().write_all(line.as_bytes())?;
    Ok(())
}

fn make_database(path: &Path, rows: u32) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let columns = COLUMNS
        .map(|name| format!("{name} TEXT"))
        .join(", ")
        .replace("BesokId TEXT", "BesokId INTEGER PRIMARY KEY");
    let statement = format!(
        "CREATE TABLE besok ({columns});
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO besok SELECT i, 'K' || (i % 9000), '19121212' || '0000', i % 90, '2015-03-01 08:00',
         '2015-03-01 08:30', '2015-03-01 08:02', '2015-03-01 08:' || (i % 60), 'U', \
         'Åsa hjälpte till med frukost ' || i FROM n;"
    );
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        connection.execute(AssertSqlSafe(statement)).await?;
        connection.close().await
    })?;
    Ok(())
}

fn make_files(dir: &Path, rows: u32) -> Result<(), Box<dyn Error>> {
    for month in 1..=12 {
        let mut file = BufWriter::new(File::create(dir.join(format!("besok_2015{month:02}_a.csv")))?);
        file.write_all(COLUMNS.join(";").as_bytes())?;
        file.write_all(b"\r\n")?;
        for id in (1..=rows).filter(|id| id % 12 + 1 == month) {
            write!(
                file,
                "{id};K{};191212120000;{};2015-03-01 08:00;2015-03-01 08:30;2015-03-01 08:02;",
                id % 9000,
                id % 90
            )?;
            write!(file, "2015-03-01 08:{};U;", id % 60)?;
            file.write_all(b"\xc5sa hj\xe4lpte till med frukost\r\n")?;
        }
        file.flush()?;
    }
    Ok(())
}

fn system() -> System {
    let table = CsvTable {
        free_text: Some("Anm".to_owned()),
        same_delivery: vec!["period".to_owned()],
        ..CsvTable::new("besok", "besok_{period}_{utforare}.csv", COLUMNS.map(str::to_owned).to_vec())
    };
    let dialect = CsvDialect { quoting: false, crlf: true, ..CsvDialect::new("v1", "windows-1252", b';') };
    System::of_files(vec![table], vec![dialect], BTreeMap::new())
}
