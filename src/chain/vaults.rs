//! How runs keep their rows: the key of this run, drawn when it is new, and those of the runs before it.

use std::path::Path;

use bron_extract::{KeyState, Receipt, Vault, draw_run_key, key_state};

use crate::failure::Failure;
use crate::settings::Settings;

/// How the run keeps its rows. A run that holds none yet is sealed when the project names a key; one that was begun
/// without a key does not get one later, because what it holds already would stay plain.
pub(super) fn own(settings: &Settings, dir: &Path, run: &str) -> Result<Vault, Failure> {
    let state = key_state(dir)?;
    let new_key = settings.staging_key.as_ref().filter(|_| state == KeyState::Absent);
    match new_key {
        None => kept(settings, dir, run, state),
        Some(master) if dir.join("staged").exists() => {
            let problem = format!(
                "run {run} was begun without a key, and the project names key {}",
                master.fingerprint()
            );
            let again = format!("to seal it, remove {} and migrate again", dir.display());
            Err(Failure::config(problem).hint(again))
        }
        Some(master) => Ok(Vault::sealed(dir, run, draw_run_key(dir, run, master)?)),
    }
}

/// How a run that was begun before keeps its rows.
pub(super) fn of(settings: &Settings, dir: &Path, run: &str) -> Result<Vault, Failure> {
    kept(settings, dir, run, key_state(dir)?)
}

fn kept(settings: &Settings, dir: &Path, run: &str, state: KeyState) -> Result<Vault, Failure> {
    match state {
        KeyState::Absent => Ok(Vault::plain(dir, run, settings.secret.key_for("bron/blob-names/1"))),
        KeyState::Destroyed(receipt) => Err(destroyed(dir, run, &receipt)),
        KeyState::Wrapped(wrapped) => {
            let Some(master) = &settings.staging_key else {
                let by = wrapped.sealed_by;
                let problem = format!("run {run} was sealed with key {by}, and the project names no key");
                return Err(Failure::config(problem).hint(NAME_THE_KEY));
            };
            let key = wrapped.open(dir, run, master).map_err(Failure::from);
            let key = key.map_err(|failure| match failure.hint {
                Some(_) => failure,
                None => failure.hint(NAME_THE_KEY),
            })?;
            Ok(Vault::sealed(dir, run, key))
        }
    }
}

const NAME_THE_KEY: &str = "name the key that the run was sealed with: `key` under [staging] in bron.toml";

/// The failure of a run whose rows nobody can read any more.
pub(crate) fn destroyed(dir: &Path, run: &str, receipt: &Receipt) -> Failure {
    let problem =
        format!("the key of run {run} was destroyed on {}; its rows cannot be read", receipt.destroyed);
    let again = format!("to read the sources anew, remove {} and migrate again", dir.display());
    Failure::config(problem).hint(again)
}
