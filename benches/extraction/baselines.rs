//! What others take for the same visits.

use std::fs::{self, File};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use csv::{ByteRecord, ReaderBuilder};

use crate::program::{Took, run};
use crate::visits;

/// Parses every file of a folder and does nothing with the rows.
pub(crate) fn csv_loop(folder: &Path) -> Took {
    Took::of(|| parse_all(folder))
}

fn parse_all(folder: &Path) {
    let mut record = ByteRecord::new();
    let mut fields = 0;
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be listed").path();
        let file = File::open(path).expect("the file is there");
        let mut reader = ReaderBuilder::new().delimiter(b';').from_reader(file);
        while reader.read_byte_record(&mut record).expect("the file is well formed") {
            fields += record.len();
        }
    }
    black_box(fields);
}

fn query() -> String {
    format!("SELECT {} FROM besok ORDER BY besok_id", visits::names(", "))
}

/// Copies the visits out of PostgreSQL into a file, in its binary format.
pub(crate) fn copy_to_file(url: &str, folder: &Path) -> Took {
    let file = File::create(folder.join("copied")).expect("a file can be made");
    let copy = format!("COPY ({}) TO STDOUT (FORMAT binary)", query());
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "--command", &copy, url]);
    run(psql.stdout(file)).took
}

/// The tool that writes the rows of a query through ODBC as Parquet, when it is on the path.
pub(crate) fn odbc2parquet() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|place| place.join("odbc2parquet")).find(|file| file.is_file())
}

/// Writes the visits through ODBC as Parquet.
pub(crate) fn query_to_parquet(tool: &Path, connection_string: &str, folder: &Path) -> Took {
    let mut command = Command::new(tool);
    command
        .args(["query", "--connection-string", connection_string])
        .arg(folder.join("queried"))
        .arg(query());
    run(command.stdout(Stdio::null())).took
}
