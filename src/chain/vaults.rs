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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::ChainArguments;

    /// The settings of a project with this key of the staging; `None` for none.
    fn settings(project: &Path, key: Option<&str>) -> Settings {
        std::fs::write(project.join("secret.key"), "0".repeat(64)).unwrap();
        let mut text = "format = 1\nsecret = \"file:secret.key\"\ntarget = \"t.sqlite\"\n".to_owned();
        if let Some(key) = key {
            std::fs::write(project.join("staging.key"), key.repeat(64)).unwrap();
            text.push_str("[staging]\nkey = \"file:staging.key\"\n");
        }
        std::fs::write(project.join("bron.toml"), text).unwrap();
        let arguments = ChainArguments { project: project.to_owned(), target: None, batch_rows: None };
        Settings::resolve(&arguments).unwrap()
    }

    fn refusal(opened: Result<Vault, Failure>) -> String {
        let failure = opened.unwrap_err();
        assert!(failure.hint.is_some(), "{failure}");
        failure.message
    }

    #[test]
    fn a_run_is_sealed_from_its_beginning_or_not_at_all() {
        let guard = tempfile::tempdir().unwrap();
        let (sealed, plain) = (guard.path().join("sealed"), guard.path().join("plain"));
        for dir in [&sealed, &plain] {
            std::fs::create_dir(dir).unwrap();
        }
        let keyed = settings(guard.path(), Some("a"));
        assert!(own(&keyed, &sealed, "s").unwrap().is_sealed());
        std::fs::create_dir(sealed.join("staged")).unwrap();
        assert!(own(&keyed, &sealed, "s").unwrap().is_sealed());
        assert!(of(&keyed, &sealed, "s").unwrap().is_sealed());
        assert!(
            refusal(own(&settings(guard.path(), Some("b")), &sealed, "s")).contains("was sealed with key")
        );

        let unkeyed = settings(guard.path(), None);
        assert!(refusal(own(&unkeyed, &sealed, "s")).contains("names no key"));
        assert!(!own(&unkeyed, &plain, "p").unwrap().is_sealed());
        std::fs::create_dir(plain.join("staged")).unwrap();
        assert!(refusal(own(&keyed, &plain, "p")).contains("was begun without a key"));
        assert!(!of(&keyed, &plain, "p").unwrap().is_sealed(), "an earlier run is read as it lies");
    }

    #[test]
    fn a_run_whose_key_was_destroyed_stays_closed() {
        let guard = tempfile::tempdir().unwrap();
        let keyed = settings(guard.path(), Some("a"));
        let dir = guard.path().join("run");
        std::fs::create_dir(&dir).unwrap();
        own(&keyed, &dir, "r").unwrap();
        bron_extract::destroy_run_key(&dir, "2024-12-31T12:00:00Z").unwrap();
        for opened in [own(&keyed, &dir, "r"), of(&keyed, &dir, "r")] {
            assert!(refusal(opened).contains("was destroyed on 2024-12-31T12:00:00Z"));
        }
    }

    #[test]
    fn a_secret_gives_every_purpose_a_key_of_its_own() {
        let guard = tempfile::tempdir().unwrap();
        let secret = settings(guard.path(), None).secret;
        assert_ne!(secret.key_for("a"), secret.key_for("b"));
        assert_eq!(secret.key_for("a"), secret.key_for("a"));
    }
}
