//! Records that nobody can alter unseen: each carries a digest of itself, keyed with the installation's secret.
//!
//! The counts of a balance stand in a file of the run and nowhere else. Counting again would show that a file agrees
//! with the other files of the run, which whoever alters one can alter as well; the seal can only be made by the
//! installation. It covers the run and the name of the file, so that no record stands in for another.

use std::path::Path;

use bron_mappings::{Artefact, EntityId, SourceKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Chain;
use crate::failure::Failure;

/// A record as it is written.
#[derive(Serialize, Deserialize)]
pub(super) struct Sealed {
    record: Value,
    seal: String,
}

impl Chain<'_> {
    /// The record with its seal.
    pub(super) fn sealed(&self, path: &Path, record: &impl Serialize) -> Result<Sealed, Failure> {
        let record = serde_json::to_value(record).map_err(|error| {
            Failure::safety(format!("cannot express {} as JSON: {error}", path.display()))
        })?;
        Ok(Sealed { seal: self.seal(path, &record), record })
    }

    /// Reads a record. `None` when there is none, or none of this form: it is then made again. One of a newer format is
    /// refused.
    pub(super) fn unseal<T: DeserializeOwned>(
        &self,
        artefact: Artefact,
        path: &Path,
    ) -> Result<Option<T>, Failure> {
        let text = std::fs::read_to_string(path).ok();
        let Some(Sealed { record, seal }) = text.and_then(|text| serde_json::from_str(&text).ok()) else {
            return Ok(None);
        };
        artefact.require_in(&path.display(), &record)?;
        if seal != self.seal(path, &record) {
            let problem = format!("{} is not what this installation wrote", path.display());
            return Err(Failure::safety(problem)
                .hint("find out who altered it; remove the run's directory and migrate again"));
        }
        Ok(serde_json::from_value(record).ok())
    }

    /// The seal is over the canonical text: keys sorted, so that only the content counts.
    fn seal(&self, path: &Path, record: &Value) -> String {
        let name = path.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
        let text = record.to_string();
        let key =
            SourceKey::new("bron", "record", [Some(self.run.id.as_str()), Some(name), Some(text.as_str())]);
        EntityId::derive(&self.settings.secret, "record", &key).to_string()
    }
}
