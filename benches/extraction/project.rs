//! A project that reads the visits from one source.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::program::{Ran, run};

/// The folder of a project, removed when dropped.
pub(crate) struct Project {
    folder: TempDir,
    rows: u64,
}

impl Project {
    /// A project whose only system is described by these lines, and holds so many visits.
    pub(crate) fn new(system: &str, rows: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mappings = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/extraction/mappings");
        let settings = format!(
            "format = 1\nsecret = \"file:secret.key\"\ntarget = \"target.sqlite\"\nmappings = \"{}\"\n\
             [system.visits]\n{system}\n",
            mappings.display()
        );
        fs::write(folder.path().join("bron.toml"), settings).expect("the settings can be written");
        fs::write(folder.path().join("secret.key"), "5".repeat(64)).expect("the secret can be written");
        Self { folder, rows }
    }

    /// Extracts everything anew.
    pub(crate) fn extract(&self) -> Ran {
        let runs = self.folder.path().join("runs");
        if runs.exists() {
            fs::remove_dir_all(&runs).expect("an earlier run can be removed");
        }
        let mut bron = Command::new(env!("CARGO_BIN_EXE_bron"));
        bron.args(["extract", "--quiet", "--project"]).arg(self.folder.path()).stdout(Stdio::null());
        let ran = run(&mut bron);
        assert_eq!(staged(&runs), self.rows, "every visit is staged");
        ran
    }
}

/// The rows that the manifest of the one run counts.
fn staged(runs: &Path) -> u64 {
    let run = fs::read_dir(runs).expect("there are runs").flatten().map(|entry| entry.path());
    let manifests: Vec<PathBuf> =
        run.map(|run| run.join("staged/visits/besok/manifest.json")).filter(|path| path.is_file()).collect();
    let text = fs::read(manifests.first().expect("a table was staged")).expect("the manifest can be read");
    let manifest: serde_json::Value = serde_json::from_slice(&text).expect("a manifest is JSON");
    manifest["rows"].as_u64().expect("a manifest counts its rows")
}
