//! Reads marks: those of a run out of its rejects, those of an earlier run as it kept them.

use std::path::Path;

use bron_mappings::{Action, Batch, Digest, ReasonCode};
use bron_reconcile::quality::Issue;

use super::KeptMarks;
use crate::chain::Chain;
use crate::failure::Failure;

/// The columns of kept marks.
pub(super) const COLUMNS: [&str; 11] = [
    "src_key",
    "reason",
    "field",
    "action",
    "owner",
    "verksamhetsomrade",
    "namnd",
    "year",
    "unit",
    "skyddad",
    "since",
];

/// The texts of a mark, in the order of the columns.
pub(super) fn texts(issue: &Issue) -> [&str; 11] {
    let Issue { key, rule, field, action, owner, area, namnd, year, unit, protected, since } = issue;
    [key, rule, field, action, owner, area, namnd, year, unit, if *protected { "1" } else { "" }, since]
}

/// One pass of several over a table: by the key, so that a mark and its like are in the same pass.
type Pass = (u64, u64);

fn is_in(pass: Pass, key: &str) -> bool {
    let (number, passes) = pass;
    if passes == 1 {
        return true;
    }
    let digest = Digest::of(key.as_bytes());
    let [first, second, third, fourth, ..] = *digest.as_bytes();
    u64::from(u32::from_be_bytes([first, second, third, fourth])) % passes == number
}

impl Chain<'_> {
    /// The marks of this run that need somebody.
    pub(super) fn current_marks(&self, dir: &Path, pass: Pass) -> Result<Vec<Issue>, Failure> {
        let mut found = Vec::new();
        for batch in self.manifest(dir)?.read(dir, None, self.settings.batch_rows)? {
            let batch = batch?;
            let texts = Texts::new(&batch)?;
            for row in 0..batch.rows() {
                let key = texts.get("src_key", row);
                let known =
                    ReasonCode::parse(texts.get("reason", row)).zip(Action::parse(texts.get("action", row)));
                let Some((reason, action)) = known.filter(|_| is_in(pass, key)) else { continue };
                if self.set.quality.is_listed(reason, action) {
                    let owner = self.set.quality.owner(reason).code();
                    found.push(texts.issue(row, owner, self.run_name()));
                }
            }
        }
        Ok(found)
    }

    /// The run as lists name it: the day up to which the sources were read, and the run's id.
    fn run_name(&self) -> String {
        let id = &self.run.id;
        self.settings.as_of.as_ref().map_or_else(|| id.clone(), |day| format!("{day} ({id})"))
    }
}

impl KeptMarks {
    /// The marks that an earlier run kept.
    pub(super) fn read(&self, pass: Pass, batch_rows: usize) -> Result<Vec<Issue>, Failure> {
        let mut found = Vec::new();
        for batch in self.manifest.read(&self.dir, None, batch_rows)? {
            let batch = batch?;
            let texts = Texts::new(&batch)?;
            for row in (0..batch.rows()).filter(|row| is_in(pass, texts.get("src_key", *row))) {
                let since = texts.get("since", row).to_owned();
                found.push(texts.issue(row, texts.get("owner", row), since));
            }
        }
        Ok(found)
    }
}

/// The texts of a batch, by column and row; empty where there is none.
struct Texts<'b>(&'b Batch);

impl<'b> Texts<'b> {
    /// A mark without its protection must not reach a list, so every column has to be there.
    fn new(batch: &'b Batch) -> Result<Self, Failure> {
        let made_here = ["owner", "since"];
        let mut wanted = COLUMNS.iter().filter(|name| !made_here.contains(name));
        match wanted.find(|name| batch.cells_named(name).is_none()) {
            None => Ok(Self(batch)),
            Some(missing) => Err(Failure::safety(format!("marks have no column {missing}"))),
        }
    }

    fn get(&self, column: &str, row: usize) -> &str {
        self.0.cells_named(column).and_then(|cells| cells.text(row)).unwrap_or_default()
    }

    fn issue(&self, row: usize, owner: &str, since: String) -> Issue {
        let own = |column: &str| self.get(column, row).to_owned();
        Issue {
            key: own("src_key"),
            rule: own("reason"),
            field: own("field"),
            action: own("action"),
            owner: owner.to_owned(),
            area: own("verksamhetsomrade"),
            namnd: own("namnd"),
            year: own("year"),
            unit: own("unit"),
            protected: self.get("skyddad", row) == "1",
            since,
        }
    }
}
