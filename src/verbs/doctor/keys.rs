//! The keys: whether they are there, and out of others' sight.

use std::os::unix::fs::PermissionsExt as _;

use super::check::Area;
use crate::settings::Pieces;

/// What members of the file's group and everybody else may do with it.
const OTHERS: u32 = 0o077;

/// Judges the secret and the files that secrets are read from. What is in them is not shown.
pub(super) fn judge(pieces: &Pieces, area: &mut Area<'_>) {
    match &pieces.secret {
        Ok(_) => area.fine("secret", "256 bits, as it should be"),
        Err(failure) => {
            let advice = "name it in `secret`: 64 hexadecimal digits, kept as long as the target is";
            area.fails("secret", failure.message.clone(), advice);
        }
    }
    match &pieces.staging_key {
        Ok(Some(key)) => area
            .fine("staging key", format!("seals what runs keep; its fingerprint is {}", key.fingerprint())),
        Ok(None) => {
            let advice = "name a key in `[staging]`; `bron key new FILE` draws one";
            area.look("staging key", "none: runs keep the rows that they read in the clear", advice);
        }
        Err(failure) => {
            let advice = "name it in `[staging]`: 64 hexadecimal digits, as `bron key new FILE` draws them";
            area.fails("staging key", failure.message.clone(), advice);
        }
    }
    for (purpose, path) in &pieces.secret_files {
        // One that cannot be opened has been told where its content was wanted.
        let Ok(found) = std::fs::metadata(path) else { continue };
        let mode = found.permissions().mode();
        let shown = format!("{}, for the {purpose}", path.display());
        if mode & OTHERS == 0 {
            area.fine("key file", format!("{shown}: its owner alone may read it"));
        } else {
            let found = format!("{shown}: others on this machine may use it (mode {:03o})", mode & 0o777);
            area.look("key file", found, format!("chmod 600 {}", path.display()));
        }
    }
}
