//! Measures how fast a delivered file becomes batches and parts, beside a bare loop of the csv crate over it:
//! `cargo bench -p bron-extract --bench delimited -- [rows]`.
//!
//! The loop reads every record into one buffer that it uses again, and does nothing else: no encoding is checked, no
//! digest taken, nothing kept. Each figure is the best of three runs.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use bron_extract::{CsvSource, PartOptions, Source, StageRequest, stage_table, table_dir};
use bron_mappings::{CsvDialect, CsvTable, System};

const COLUMNS: [&str; 13] = [
    "BesokId",
    "KundNr",
    "Personnr",
    "UtforareId",
    "PersonalId",
    "PlanStart",
    "PlanSlut",
    "FaktStart",
    "FaktSlut",
    "KvittStartTyp",
    "Status",
    "UtfMin",
    "Anm",
];
const ROWS: u32 = 1_000_000;
const FILE: &str = "besok_202001_U01.csv";

fn main() -> Result<(), Box<dyn Error>> {
    let rows = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(ROWS);
    let dir = std::env::temp_dir().join(format!("bron-bench-delimited-{}", std::process::id()));
    let delivered = dir.join("csv");
    fs::create_dir_all(&delivered)?;
    for (name, quoting) in [("unquoted", false), ("quoted", true)] {
        make_file(&delivered.join(FILE), rows, quoting)?;
        compare(name, &dir, &delivered, quoting)?;
    }
    fs::remove_dir_all(&dir)?;
    Ok(())
}

fn compare(name: &str, dir: &Path, delivered: &Path, quoting: bool) -> Result<(), Box<dyn Error>> {
    let bytes = fs::metadata(delivered.join(FILE))?.len();
    let bare = best(|| bare_loop(&delivered.join(FILE), quoting))?;
    let batches = best(|| read_batches(delivered, quoting))?;
    let parts = best(|| stage(dir, delivered, quoting))?;
    let out = &mut std::io::stdout();
    writeln!(out, "{name}: {} rows of {} columns, {} MB", bare.1, COLUMNS.len(), bytes / 1_000_000)?;
    for (what, (took, rows)) in
        [("csv crate, bare loop", bare), ("to batches", batches), ("to synced parts", parts)]
    {
        if rows != bare.1 {
            return Err(format!("{what} has {rows} rows").into());
        }
        let hundredths = took.as_millis() * 100 / bare.0.as_millis().max(1);
        writeln!(
            out,
            "  {what:<22} {:>6} ms   {}.{:02} times the loop",
            took.as_millis(),
            hundredths / 100,
            hundredths % 100
        )?;
    }
    Ok(())
}

type Outcome = Result<u64, Box<dyn Error>>;

fn best(run: impl Fn() -> Outcome) -> Result<(Duration, u64), Box<dyn Error>> {
    let mut best: Option<(Duration, u64)> = None;
    for _ in 0..3 {
        let start = Instant::now();
        let rows = run()?;
        let took = start.elapsed();
        best = Some(best.filter(|(least, _)| *least <= took).unwrap_or((took, rows)));
    }
    best.ok_or_else(|| "nothing was measured".into())
}

fn bare_loop(path: &Path, quoting: bool) -> Outcome {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').quoting(quoting).from_path(path)?;
    let mut record = csv::ByteRecord::new();
    let mut rows = 0;
    while reader.read_byte_record(&mut record)? {
        rows += 1;
    }
    Ok(rows)
}

/// Both passes: the one that checks the file and takes its digest, and the one that reads its rows.
fn read_batches(delivered: &Path, quoting: bool) -> Outcome {
    let mut source = CsvSource::open(delivered, &system(quoting))?;
    source.fingerprint()?;
    let table = source.tables()?.remove(0);
    let mut rows = 0;
    for batch in source.read(&table, 8192)? {
        rows += u64::try_from(batch.map_err(|error| error.to_string())?.rows())?;
    }
    Ok(rows)
}

fn stage(dir: &Path, delivered: &Path, quoting: bool) -> Outcome {
    let to = table_dir(dir, "paraga", "besok");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    let mut source = CsvSource::open(delivered, &system(quoting))?;
    let fingerprint = source.fingerprint()?;
    let table = source.tables()?.remove(0);
    let parts = PartOptions::default();
    let request =
        StageRequest { system: "paraga", table: &table, fingerprint, dir: &to, batch_rows: 8192, parts };
    Ok(stage_table(&mut source, &request)?.manifest.rows)
}

fn make_file(path: &Path, rows: u32, quoting: bool) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(File::create(path)?);
    write!(file, "{}\r\n", COLUMNS.join(";"))?;
    for id in 1..=rows {
        let (customer, sender, minute) = (id % 9000, id % 90, id % 60);
        write!(file, "{id};K{customer};191212120000;U{sender:02};P{sender};2020-01-0{} 08:00;", id % 9 + 1)?;
        write!(file, "2020-01-01 08:30;2020-01-01 08:02;2020-01-01 08:{minute:02};N;U;{minute},5;")?;
        if quoting && id % 10 == 0 {
            write!(file, "\"Åsa hjälpte till; frukost\"\r\n")?;
        } else {
            write!(file, "Åsa hjälpte till med frukost\r\n")?;
        }
    }
    file.flush()?;
    Ok(())
}

fn system(quoting: bool) -> System {
    let table = CsvTable {
        free_text: Some("Anm".to_owned()),
        same_delivery: vec!["period".to_owned()],
        ..CsvTable::new("besok", "besok_{period}_{utforare}.csv", COLUMNS.map(str::to_owned).to_vec())
    };
    let dialect = CsvDialect { quoting, crlf: true, ..CsvDialect::new("v3", "utf-8", b';') };
    System::of_files(vec![table], vec![dialect], BTreeMap::new())
}
