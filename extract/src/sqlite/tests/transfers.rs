//! One moment while others write.

use super::*;
use crate::source::tests::transfers::{Moments, Transfer, accounts, expect_one_moment, expect_torn};

fn bank() -> (tempfile::TempDir, PathBuf) {
    database(&format!("PRAGMA journal_mode = WAL; {}", accounts("").join("; ")))
}

fn open(path: &Path) -> Box<dyn Source> {
    Box::new(SqliteSource::open(path).unwrap())
}

/// Somebody else with the file open.
fn mover(path: &Path) -> impl FnMut(&Transfer) {
    let mut connection = writer(path);
    // Whoever opens the file holds it for a moment.
    execute(&mut connection, "PRAGMA busy_timeout = 60000");
    move |transfer| execute(&mut connection, &format!("BEGIN IMMEDIATE; {}; COMMIT", transfer.join("; ")))
}

#[test]
fn nobody_sees_half_a_transfer() {
    let (_dir, path) = bank();
    expect_one_moment("sqlite", || open(&path), || mover(&path));
}

#[test]
fn two_moments_show_half_a_transfer() {
    let (_dir, path) = bank();
    expect_torn("sqlite", Moments::Two, || open(&path), || mover(&path));
}
