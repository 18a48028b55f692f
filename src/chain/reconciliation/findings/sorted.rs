//! Findings in the order of their names, in whatever order and number they come.
//!
//! What does not fit in memory goes to parts of the run, each sorted, and sealed where the run is: findings hold keys
//! of records. Reading merges the parts.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::path::{Path, PathBuf};

use bron_extract::{Manifest, PartOptions, PartReader, PartWriter, Vault, atomic};

use super::stored::{self, StoredFinding};
use crate::failure::Failure;

/// Findings that are sorted in memory: a part.
const ROWS_PER_PART: usize = 65_536;

/// Findings of a part that are held while parts are merged, because all parts are open at the same time.
const MERGE_ROWS: usize = 512;

/// Sorts findings into the parts of a directory.
pub(super) struct Sorter {
    dir: PathBuf,
    writer: PartWriter,
    waiting: Vec<StoredFinding>,
}

/// The parts of a directory, each sorted.
pub(super) struct SortedRuns {
    dir: PathBuf,
    manifest: Manifest,
}

impl Sorter {
    /// Begins in an empty directory of the run.
    pub(super) fn create(dir: &Path, vault: &Vault) -> Result<Self, Failure> {
        atomic::renew_directory(dir)?;
        let options = PartOptions {
            rows_per_part: ROWS_PER_PART,
            row_group_rows: MERGE_ROWS * 16,
            vault: Some(vault.clone()),
            ..PartOptions::default()
        };
        let writer = PartWriter::new(dir, &stored::schema(), options)?;
        Ok(Self { dir: dir.to_owned(), writer, waiting: Vec::new() })
    }

    pub(super) fn push(&mut self, finding: StoredFinding) -> Result<(), Failure> {
        self.waiting.push(finding);
        if self.waiting.len() >= ROWS_PER_PART {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.waiting.sort_by(StoredFinding::order);
        Ok(self.writer.push(&stored::batch(&std::mem::take(&mut self.waiting)))?)
    }

    pub(super) fn finish(mut self) -> Result<SortedRuns, Failure> {
        if !self.waiting.is_empty() {
            self.flush()?;
        }
        let written = self.writer.finish()?;
        let manifest = Manifest::new("findings", [].into(), &stored::schema(), written);
        manifest.save(&self.dir)?;
        Ok(SortedRuns { dir: self.dir, manifest })
    }
}

impl SortedRuns {
    /// What a sorter finished earlier.
    pub(super) fn open(dir: &Path, vault: &Vault) -> Result<Self, Failure> {
        Ok(Self { dir: dir.to_owned(), manifest: Manifest::open(dir, vault)? })
    }

    pub(super) const fn rows(&self) -> u64 {
        self.manifest.rows
    }

    /// Every finding, in order.
    pub(super) fn iter(&self) -> Result<Merged, Failure> {
        let mut merged = Merged { runs: Vec::new(), heads: BinaryHeap::new() };
        for part in &self.manifest.parts {
            let reader = self.manifest.read_part(&self.dir, part, None, MERGE_ROWS)?;
            merged.runs.push(Run { reader, rows: VecDeque::new() });
        }
        for number in 0..merged.runs.len() {
            merged.fill(number)?;
        }
        Ok(merged)
    }
}

/// A part that is being read.
struct Run {
    reader: PartReader,
    rows: VecDeque<StoredFinding>,
}

/// The findings of all parts, merged.
pub(super) struct Merged {
    runs: Vec<Run>,
    /// The next name of each part that has one.
    heads: BinaryHeap<Reverse<([String; 4], usize)>>,
}

impl Merged {
    /// Puts the next name of a part among the heads; reads on where its rows are used up.
    fn fill(&mut self, number: usize) -> Result<(), Failure> {
        let run = &mut self.runs[number];
        while run.rows.is_empty() {
            let Some(batch) = run.reader.next() else { return Ok(()) };
            let batch = batch?;
            run.rows.extend((0..batch.rows()).map(|row| StoredFinding::read(&batch, row)));
        }
        if let Some(next) = run.rows.front() {
            self.heads.push(Reverse((next.name().map(str::to_owned), number)));
        }
        Ok(())
    }
}

impl Iterator for Merged {
    type Item = Result<StoredFinding, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((_, number)) = self.heads.pop()?;
        let finding = self.runs[number].rows.pop_front()?;
        Some(self.fill(number).map(|()| finding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(number: usize) -> StoredFinding {
        // 7 919 is prime, so that the numbers are gone through in another order than theirs.
        let number = number * 7_919 % 150_001;
        StoredFinding {
            entity: if number < 70_000 { "beslut" } else { "person" }.to_owned(),
            row: format!("{number:08}"),
            finding: format!("f{number}"),
            ..StoredFinding::default()
        }
    }

    #[test]
    fn many_findings_come_out_sorted_through_several_parts() {
        let guard = tempfile::tempdir().unwrap();
        let vault = Vault::plain(guard.path(), "r", [1; 32]);
        let dir = guard.path().join("findings");
        let mut sorter = Sorter::create(&dir, &vault).unwrap();
        for number in 0..150_001 {
            sorter.push(finding(number)).unwrap();
        }
        let sorted = sorter.finish().unwrap();
        assert_eq!((sorted.rows(), sorted.manifest.parts.len()), (150_001, 3));
        let again = SortedRuns::open(&dir, &vault).unwrap();
        for runs in [sorted, again] {
            let rows: Vec<String> = runs.iter().unwrap().map(|one| one.unwrap().row).collect();
            assert_eq!(rows.len(), 150_001);
            assert!(rows.is_sorted() && rows[7] == "00000007");
        }
    }

    #[test]
    fn no_findings_are_an_empty_list() {
        let guard = tempfile::tempdir().unwrap();
        let vault = Vault::plain(guard.path(), "r", [1; 32]);
        let sorted = Sorter::create(&guard.path().join("findings"), &vault).unwrap().finish().unwrap();
        assert_eq!((sorted.rows(), sorted.iter().unwrap().count()), (0, 0));
    }
}
