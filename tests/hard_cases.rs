//! The named hard cases, each in the migrated target: courses of events that a migration easily gets
//! wrong, with the behaviour that the business requires. The worked examples are here too (`golden_…`).
//!
//! The rows are written by the synthetic city, which tells their keys in the truth; every query names them.

mod decisions;
mod deliveries;
mod files;
mod identity;
mod money;
mod sums;
mod visits;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use bron_city::Truth;
use bron_extract::{MANIFEST_FILE, Manifest};

use crate::support::{Project, migrated_city, only_run, sqlite_rows};

/// The city that every case reads, with its truth.
struct City {
    project: Project,
    truth: Truth,
}

fn city() -> &'static City {
    static CITY: OnceLock<City> = OnceLock::new();
    CITY.get_or_init(|| {
        let project = migrated_city();
        let text = std::fs::read_to_string(project.dir.join("truth.json")).unwrap();
        City { truth: serde_json::from_str(&text).unwrap(), project }
    })
}

/// One named case.
struct Case {
    parts: &'static BTreeMap<String, String>,
}

fn case(name: &str) -> Case {
    Case { parts: city().truth.cases.get(name).unwrap_or_else(|| panic!("the city has no case {name}")) }
}

impl Case {
    /// The source key of a part.
    #[track_caller]
    fn key(&self, part: &str) -> &'static str {
        self.parts.get(part).unwrap_or_else(|| panic!("the case has no part {part}"))
    }

    /// The rows of a query, each as its texts joined with blanks and NULL as `-`; `{part}` stands for the part's
    /// key in quotes.
    #[track_caller]
    fn rows(&self, query: &str) -> Vec<String> {
        let filled = self.parts.iter().fold(query.to_owned(), |query, (part, key)| {
            query.replace(&format!("{{{part}}}"), &format!("'{key}'"))
        });
        assert!(!filled.contains('{'), "a part is missing in {filled}");
        let rows = sqlite_rows(&target(), &as_text(&filled));
        let line = |row: Vec<Option<String>>| {
            let texts: Vec<String> =
                row.into_iter().map(|text| text.unwrap_or_else(|| "-".to_owned())).collect();
            texts.join(" ")
        };
        rows.into_iter().map(line).collect()
    }

    /// The marks of the rows that came of a part's row in the table.
    #[track_caller]
    fn marks(&self, entity: &str, table: &str, part: &str) -> Vec<String> {
        self.rows(&format!(
            "SELECT dq_flags FROM {entity} WHERE src_system = 'paraply' AND src_table = '{table}' AND \
            src_key = {{{part}}}"
        ))
    }
}

/// The marks of the run about the row with this key, each as `action reason namnd skyddad`.
#[track_caller]
fn rejects(table: &str, key: &str) -> Vec<String> {
    let dir = only_run(&city().project.dir).join("rejects").join(format!("paraply-{table}"));
    let manifest = Manifest::load(&dir.join(MANIFEST_FILE)).unwrap();
    let columns = ["src_key", "action", "reason", "namnd", "skyddad"];
    let mut found = Vec::new();
    for batch in manifest.read(&dir, Some(&columns), 1_000).unwrap() {
        let batch = batch.unwrap();
        for row in (0..batch.rows()).filter(|row| batch.cells(0).text(*row) == Some(key)) {
            let texts = (1..columns.len())
                .map(|column| batch.cells(column).text(row).filter(|text| !text.is_empty()).unwrap_or("-"));
            found.push(texts.collect::<Vec<_>>().join(" "));
        }
    }
    found
}

fn target() -> PathBuf {
    city().project.dir.join("target.sqlite")
}

/// The query with every column as text.
fn as_text(query: &str) -> String {
    let list = query.trim_start().strip_prefix("SELECT ").and_then(|rest| rest.split_once(" FROM "));
    let (columns, rest) = list.expect("a query selects columns from a table");
    let (distinct, columns) =
        columns.strip_prefix("DISTINCT ").map_or(("", columns), |columns| ("DISTINCT ", columns));
    let mut depth = 0_u32;
    let ends = |letter: char| {
        depth = match letter {
            '(' => depth + 1,
            ')' => depth - 1,
            _ => depth,
        };
        letter == ',' && depth == 0
    };
    let texts: Vec<String> = columns.split(ends).map(|column| format!("CAST({column} AS TEXT)")).collect();
    format!("SELECT {distinct}{} FROM {rest}", texts.join(", "))
}
