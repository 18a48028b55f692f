//! The formats of what lies in runs: judged before anything of a run is used.

use std::path::Path;

use bron_extract::{Error, ErrorKind, KEY_FILE, MANIFEST_FILE, Manifest, RECEIPT_FILE};
use bron_mappings::Artefact;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::earlier::{SCHEMA_FILE, SNAPSHOT_FILE};
use super::extraction::DELIVERIES_FILE;
use super::readings::READINGS_FILE;
use super::reconciliation::{FINDINGS_FILE, SUMMARY_FILE};
use super::run::{RUN_FILE, directories};
use crate::failure::Failure;

/// The files in the directory of a run by which runs are found, chosen and compared.
const JUDGED: [(&str, Artefact); 9] = [
    (RUN_FILE, Artefact::RunDescription),
    (SCHEMA_FILE, Artefact::SourceSchema),
    (SNAPSHOT_FILE, Artefact::Snapshot),
    (READINGS_FILE, Artefact::Readings),
    (DELIVERIES_FILE, Artefact::Deliveries),
    (FINDINGS_FILE, Artefact::Findings),
    (SUMMARY_FILE, Artefact::Summary),
    (KEY_FILE, Artefact::RunKey),
    (RECEIPT_FILE, Artefact::KeyReceipt),
];

/// Refuses to work among runs of which one has a newer format: to whom it is not there, it would be another project,
/// and what it accepted, read or proved would be asked for again.
pub(super) fn require_known_formats(runs: &Path) -> Result<(), Failure> {
    let mut dirs: Vec<_> = directories(runs).collect();
    dirs.sort();
    for dir in dirs {
        for (name, artefact) in JUDGED {
            let path = dir.join(name);
            // What cannot be read is told by whoever needs it.
            if let Ok(text) = std::fs::read(&path) {
                artefact.require_in_text(&path.display(), &text)?;
            }
        }
    }
    Ok(())
}

/// The manifest of a directory as it stands; `None` when there is none or it is damaged. One of a newer format is
/// refused.
pub(crate) fn sound_manifest(dir: &Path) -> Result<Option<Manifest>, Failure> {
    unless_damaged(Manifest::load(&dir.join(MANIFEST_FILE)))
}

/// The manifest that was found, as [`sound_manifest`] has it.
pub(super) fn unless_damaged(found: Result<Manifest, Error>) -> Result<Option<Manifest>, Failure> {
    match found {
        Ok(manifest) => Ok(Some(manifest)),
        Err(error) if error.kind() == ErrorKind::Format => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// A list with its number, as it is written.
#[derive(Serialize)]
pub(super) struct Numbered<'l, T> {
    format: u32,
    list: &'l [T],
}

pub(super) const fn numbered<T>(artefact: Artefact, list: &[T]) -> Numbered<'_, T> {
    Numbered { format: artefact.newest(), list }
}

/// A list as it lies: the first format was the list alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored<T> {
    Numbered { list: Vec<T> },
    Bare(Vec<T>),
}

/// Reads a list of any format that has been judged.
pub(super) fn list_in<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, serde_json::Error> {
    Ok(match serde_json::from_str(text)? {
        Stored::Numbered { list } | Stored::Bare(list) => list,
    })
}

#[cfg(test)]
mod tests {
    use bron_reconcile::summary::{MissingDelivery, SystemReading};
    use serde_json::{Value, json};

    use super::*;
    use crate::chain::transformation::TableRecord;

    #[test]
    fn the_first_format_of_a_list_is_read_as_the_newest_is() {
        let readings: Vec<SystemReading> =
            list_in(include_str!("../../tests/cases/formats/run/readings.json")).unwrap();
        let deliveries: Vec<MissingDelivery> =
            list_in(include_str!("../../tests/cases/formats/run/deliveries.json")).unwrap();
        assert_eq!((readings.len(), deliveries[0].missing.len()), (1, 1));
        let newest = json!(numbered(Artefact::Readings, &readings));
        assert_eq!(newest["format"], 2);
        assert_eq!(list_in::<SystemReading>(&newest.to_string()).unwrap(), readings);
        assert!(list_in::<SystemReading>("{\"format\": 2}").is_err());
    }

    #[test]
    fn a_record_of_the_first_format_is_read() {
        let stored = include_str!("../../tests/cases/formats/record.json");
        let mut stored: Value = serde_json::from_str(stored).unwrap();
        let record: TableRecord = serde_json::from_value(stored["record"].take()).unwrap();
        assert_eq!((record.system.as_str(), record.entities.len()), ("paraply", 1));
    }
}
