//! A project whose visits are mapped and staged, and only want to be loaded.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::program::{Ran, run};
use crate::visits::{Edition, Visits};

/// The folder of a project, removed when dropped.
pub(crate) struct Project {
    folder: TempDir,
    /// Removed when dropped.
    _visits: Visits,
}

impl Project {
    /// Makes the visits and brings them as far as loading.
    pub(crate) fn staged(rows: u64, edition: Edition, connections: Option<u32>) -> Self {
        let visits = Visits::write(rows, edition);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let connections = connections.map_or_else(String::new, |most| format!("connections = {most}\n"));
        let settings = format!(
            "format = 1\nsecret = \"file:secret.key\"\nmappings = \"{}\"\n\
             [target]\naddress = \"unused.sqlite\"\n{connections}\
             [system.visits]\nkind = \"csv\"\npath = \"{}\"\n",
            mappings().display(),
            visits.folder().display(),
        );
        fs::write(folder.path().join("bron.toml"), settings).expect("the settings can be written");
        fs::write(folder.path().join("secret.key"), "5".repeat(64)).expect("the secret can be written");
        let project = Self { folder, _visits: visits };
        for verb in ["extract", "transform"] {
            run(&mut project.bron(verb));
        }
        project
    }

    /// Loads what is staged into a target.
    pub(crate) fn load(&self, target: &str) -> Ran {
        run(self.bron("load").args(["--target", target]))
    }

    /// The statements that make the tables.
    pub(crate) fn definitions(&self) -> String {
        let mut bron = Command::new(env!("CARGO_BIN_EXE_bron"));
        bron.args(["mapping", "ddl", "--dialect", "postgres", "--mappings"]).arg(mappings());
        let printed = bron.output().expect("the program starts").stdout;
        String::from_utf8(printed).expect("statements are text")
    }

    fn bron(&self, verb: &str) -> Command {
        let mut bron = Command::new(env!("CARGO_BIN_EXE_bron"));
        bron.args([verb, "--quiet", "--project"]).arg(self.folder.path()).stdout(Stdio::null());
        bron
    }
}

fn mappings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/extraction/mappings")
}
