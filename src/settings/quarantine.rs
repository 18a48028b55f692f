//! Who may read the rows in the quarantine.

use std::path::Path;

use bron_load::quarantine::Recipients;
use serde::Deserialize;

use crate::failure::{Failure, whole};

/// `[quarantine]` of the project file, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuarantineFile {
    #[serde(default)]
    recipients: Vec<String>,
}

/// The public keys that the project names: `age1…` each, or `file:PATH` for a file of them, relative to the project.
pub(super) fn recipients(project: &Path, file: &QuarantineFile) -> Result<Recipients, Failure> {
    let mut recipients = Recipients::default();
    for (entry, number) in file.recipients.iter().zip(1_u32..) {
        let (text, place) = match entry.strip_prefix("file:") {
            Some(path) => {
                let path = project.join(path);
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    Failure::config(format!("cannot read {} for `recipients`: {error}", path.display()))
                })?;
                (text, path.display().to_string())
            }
            None => (entry.clone(), format!("recipient {number} of [quarantine]")),
        };
        let parsed = Recipients::parse(&text);
        let keys = parsed.map_err(|error| Failure::config(whole(&error)).about(&place))?;
        if keys.is_empty() {
            // Rows that nobody can read would be lost for whoever decides, and nobody would know.
            return Err(Failure::config("names nobody: there is no public key of age in it").about(&place));
        }
        recipients.extend(keys);
    }
    Ok(recipients)
}
