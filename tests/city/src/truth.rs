//! The truth about the city: how many rows each table got and which of them are wrong, and how.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::rng::Rng;

/// What the bridge is expected to do with a defective row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Normalised without loss; the value as found is kept.
    Norm,
    /// Repaired: the right value follows from the data itself.
    Fix,
    /// Loaded, with a mark of quality for the owner's work list.
    Flag,
    /// Kept out of the target until a person decides.
    Quarantine,
    /// Not loaded, by rule, and counted.
    Exclude,
    /// Held back because technical or legal integrity is at stake; the unit does not go on without a decision.
    Stop,
}

/// One kind of defect in one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defect {
    /// `D01`…`D84` of the data-quality catalogue; `D21_unparsed` for a reference to law that nobody can read.
    pub id: String,
    /// `paraply`, `vodok`, `paraga` and so on; `bron` for pairs of records, which no system holds as such.
    pub system: String,
    /// The table, or the kind of file (`besok`, `kund`, `korr`); `identitet` for pairs of records.
    pub table: String,
    /// What is expected to happen to the rows.
    pub action: Action,
    /// How many rows (for `D66`: files) have the defect; always the number of keys.
    pub count: u64,
    /// Which rows, in the order written. In databases the key columns' values joined with `|`; in files
    /// `name:line` with the first physical line of the row, the header being line 1; for `D66`
    /// `name|rows` of the second delivery. Never a person number or a name.
    pub keys: Vec<String>,
}

/// One file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TruthFile {
    /// The path below the legacy directory, with `/`.
    pub path: String,
    /// Rows of data in it; for a database the sum over its tables.
    pub rows: u64,
}

/// Everything that is known about a generated city; `truth.json` is this structure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// The version of this format: 1.
    pub format: u32,
    /// The seed of the plan.
    pub seed: u64,
    /// The persons of the plan.
    pub persons: u32,
    /// Rows per `system/table`. For files these are rows as meant: a row that a line break splits is
    /// one row, and the rows of a file delivered twice count twice.
    pub rows: BTreeMap<String, u64>,
    /// Physical lines after the header per `paraga/kind`: a row that a line break splits is two lines.
    pub physical_lines: BTreeMap<String, u64>,
    /// Every defect, by id, system, table and action.
    pub defects: Vec<Defect>,
    /// Every file, in the order of their paths.
    pub files: Vec<TruthFile>,
    /// Named cases: what each is called, and the key of each row that plays a part in it, by the part's name.
    #[serde(default)]
    pub cases: BTreeMap<String, BTreeMap<String, String>>,
}

impl Truth {
    /// The defect with this id, table and action.
    #[must_use]
    pub fn defect(&self, id: &str, table: &str, action: Action) -> Option<&Defect> {
        self.defects
            .iter()
            .find(|defect| (defect.id.as_str(), defect.table.as_str(), defect.action) == (id, table, action))
    }

    /// All rows in all systems, second deliveries included.
    #[must_use]
    pub fn total_rows(&self) -> u64 {
        self.rows.values().sum()
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let part = path.with_extension("part");
        let file = File::create(&part).map_err(Error::io("truth"))?;
        let mut out = BufWriter::new(file);
        serde_json::to_writer_pretty(&mut out, self)
            .map_err(|cause| Error::caused(ErrorKind::Json, "truth", cause))?;
        out.write_all(b"\n").map_err(Error::io("truth"))?;
        out.flush().map_err(Error::io("truth"))?;
        std::fs::rename(&part, path).map_err(Error::io("truth"))
    }
}

/// The place of a defect: (id, system, table, action).
pub(crate) type Place = (&'static str, &'static str, &'static str, Action);

/// Collects the truth while the city is written.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    rows: BTreeMap<String, u64>,
    physical_lines: BTreeMap<String, u64>,
    defects: BTreeMap<Place, Vec<String>>,
    files: Vec<TruthFile>,
    cases: BTreeMap<String, BTreeMap<String, String>>,
}

impl Ledger {
    /// Records one defective row.
    pub(crate) fn mark(&mut self, place: Place, key: String) {
        self.defects.entry(place).or_default().push(key);
    }

    /// The keys of Paraply's rows of a table that are held back.
    pub(crate) fn held(&self, table: &str) -> Vec<&str> {
        let held = |place: &Place| {
            let (_, system, of, action) = place;
            *system == "paraply" && *of == table && matches!(action, Action::Quarantine | Action::Stop)
        };
        let places = self.defects.iter().filter(|(place, _)| held(place));
        places.flat_map(|(_, keys)| keys.iter().map(String::as_str)).collect()
    }

    /// Adds rows to a table or kind of file.
    pub(crate) fn count(&mut self, system: &str, table: &str, rows: u64) {
        *self.rows.entry(format!("{system}/{table}")).or_default() += rows;
    }

    /// Adds physical lines to a kind of file.
    pub(crate) fn count_lines(&mut self, kind: &str, lines: u64) {
        *self.physical_lines.entry(format!("paraga/{kind}")).or_default() += lines;
    }

    pub(crate) fn file(&mut self, path: String, rows: u64) {
        self.files.push(TruthFile { path, rows });
    }

    /// Records the row that plays a part in a named case.
    pub(crate) fn case(&mut self, case: &str, part: &str, key: String) {
        self.cases.entry(case.to_owned()).or_default().insert(part.to_owned(), key);
    }

    pub(crate) fn close(mut self, seed: u64, persons: u32) -> Truth {
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        let defects = self
            .defects
            .into_iter()
            .map(|((id, system, table, action), keys)| Defect {
                id: id.to_owned(),
                system: system.to_owned(),
                table: table.to_owned(),
                action,
                count: u64::try_from(keys.len()).expect("a count of keys fits 64 bits"),
                keys,
            })
            .collect();
        Truth {
            format: 1,
            seed,
            persons,
            rows: self.rows,
            physical_lines: self.physical_lines,
            defects,
            files: self.files,
            cases: self.cases,
        }
    }
}

/// Decides which of the rows that could have a defect do have it.
///
/// The `first` row asked about always has it, so that a small city has every defect; the others
/// have it by chance.
#[derive(Debug)]
pub(crate) struct Quota {
    rng: Rng,
    per_million: u32,
    first: u32,
    seen: u32,
}

impl Quota {
    pub(crate) fn new(seed: u64, purpose: &str, per_million: u32, first: u32) -> Self {
        Self { rng: Rng::keyed(seed, purpose, 0), per_million, first, seen: 0 }
    }

    /// Asks about one more row that could have the defect.
    pub(crate) fn strikes(&mut self) -> bool {
        self.seen = self.seen.saturating_add(1);
        let drawn = self.rng.chance(self.per_million, 1_000_000);
        drawn || self.seen == self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_strikes_its_first_row_and_then_by_chance() {
        let mut quota = Quota::new(1, "test", 4_000, 3);
        let hits: Vec<bool> = (0..100_000).map(|_| quota.strikes()).collect();
        assert!(hits[2]);
        let count = hits.iter().filter(|hit| **hit).count();
        assert!((330..470).contains(&count), "{count} of about 400");
        let mut rare = Quota::new(1, "test", 0, 2);
        let hits: Vec<bool> = (0..4).map(|_| rare.strikes()).collect();
        assert_eq!(hits, [false, true, false, false]);
    }

    #[test]
    fn the_ledger_is_sorted_and_counts_keys() {
        let mut ledger = Ledger::default();
        ledger.mark(("D24", "paraply", "BESLUT", Action::Quarantine), "9".into());
        ledger.mark(("D02", "paraply", "PERSON", Action::Flag), "1".into());
        ledger.mark(("D24", "paraply", "BESLUT", Action::Quarantine), "7".into());
        ledger.count("paraply", "BESLUT", 4);
        let truth = ledger.close(3, 20);
        assert_eq!(truth.defects[0].id, "D02");
        let beslut = truth.defect("D24", "BESLUT", Action::Quarantine).unwrap();
        assert_eq!((beslut.count, beslut.keys.as_slice()), (2, ["9".to_owned(), "7".to_owned()].as_slice()));
        assert_eq!(truth.total_rows(), 4);
    }
}
