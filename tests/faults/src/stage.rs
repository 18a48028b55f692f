//! Everything that trials begin with: a small city, two projects that share a target, and what is to come out.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

use bron_outside::{Look, Place, Program, Rows, copy_folder};

use crate::check::{Picture, Reference};
use crate::program::Work;

/// The system whose rows lie in the target already when the other one is loaded.
const OTHERS: &str = "schemos";
/// The system that is loaded while things go wrong.
const LOADED: &str = "warna";
/// What verbs exit with that came to their end: equal, not everything comparable, more held back than the limit.
const DONE: [i32; 3] = [0, 2, 3];
/// What somebody changed in the source between two readings: rows that are new, and values that are others.
const CHANGES: &str = "UPDATE STALLFORETRADARE SET utbildad = 1 - utbildad; \
     UPDATE REDOVISNING SET anmarkning = 'Kompletterad' WHERE id % 2 = 0; \
     INSERT INTO BESLUT SELECT id + 100000, uppdrag_id, typ, lagrum, datum, utfall FROM BESLUT WHERE id % 3 = 0";

/// What the target holds when a trial begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Start {
    /// Rows of another system only.
    Fresh,
    /// Those, and what an earlier run loaded from the same system: some rows are new, others changed, most the same.
    Again,
}

impl Start {
    pub(crate) const ALL: [Self; 2] = [Self::Fresh, Self::Again];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Again => "again",
        }
    }
}

/// What trials begin with.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) program: Program,
    pub(crate) folder: PathBuf,
    /// Texts about persons of the system that is loaded.
    pub(crate) canaries: Vec<String>,
    /// What the whole chain exits with.
    pub(crate) migrated: i32,
}

impl Stage {
    /// Makes the city with the program at `bron`, in a folder that is there and empty.
    pub(crate) fn build(bron: &Path, folder: &Path) -> Result<Self> {
        let program = Program(bron.to_owned());
        let city = folder.join("city");
        program.city(&city, 4, 3)?;
        let mut stage = Self { program, folder: folder.to_owned(), canaries: Vec::new(), migrated: 0 };
        stage.with_system(&city, OTHERS)?;
        stage.with_system(&city, LOADED)?;
        stage.canaries = canaries(&stage.folder.join(LOADED))?;
        stage.fill()?;
        Ok(stage)
    }

    /// A sealed project that reads one system of the city.
    fn with_system(&self, city: &Path, system: &str) -> Result<()> {
        let project = self.folder.join(system);
        // Every trial reads the same mapping files. Of other systems only those are there that must be.
        let mappings = self.folder.join(format!("{system}-mappings"));
        copy_folder(&city.join("mappings"), &mappings)?;
        if system == LOADED {
            alone(&mappings, system)?;
        }
        fs::create_dir(&project)?;
        std::os::unix::fs::symlink(&mappings, project.join("mappings"))?;
        let file = format!("{system}.sqlite");
        fs::create_dir(project.join("legacy"))?;
        fs::copy(city.join("legacy").join(&file), project.join("legacy").join(&file))?;
        fs::copy(city.join("secret.key"), project.join("secret.key"))?;
        let key = std::process::Command::new(&self.program.0)
            .args(["key", "new"])
            .arg(project.join("staging.key"))
            .output()?;
        if !key.status.success() {
            return Err(Error::other("no key"));
        }
        fs::write(
            project.join("bron.toml"),
            format!(
                "format = 1\nas_of = \"2024-12-31\"\nsecret = \"file:secret.key\"\ntarget = \"target.sqlite\"\n\n\
                 [staging]\nkey = \"file:staging.key\"\nretention_days = 0\n\n\
                 [system.{system}]\nkind = \"sqlite\"\npath = \"legacy/{file}\"\n"
            ),
        )
    }

    /// Makes what trials of either start begin with: projects before and after their rows are mapped.
    fn fill(&mut self) -> Result<()> {
        let [fresh, again] = Start::ALL.map(|start| Place::File(self.target(start)));
        let (others, loaded) = (self.folder.join(OTHERS), self.folder.join(LOADED));
        self.program.must("migrate", &others, Some(&fresh), &DONE)?;
        copy_folder(&loaded, &self.project(Start::Fresh, Work::Migrate))?;
        self.map(&loaded)?;
        copy_folder(&loaded, &self.project(Start::Fresh, Work::Load))?;
        fs::copy(self.target(Start::Fresh), self.target(Start::Again))?;
        self.migrated = self.program.must("migrate", &loaded, Some(&again), &DONE)?;
        let mut source = Look::at(&Place::File(loaded.join("legacy").join(format!("{LOADED}.sqlite"))))?;
        source.execute(CHANGES)?;
        source.close()?;
        copy_folder(&loaded, &self.project(Start::Again, Work::Migrate))?;
        self.map(&loaded)?;
        copy_folder(&loaded, &self.project(Start::Again, Work::Load))
    }

    fn map(&self, project: &Path) -> Result<()> {
        self.program.must("extract", project, None, &DONE)?;
        self.program.must("transform", project, None, &DONE).map(|_| ())
    }

    /// The project that a trial copies.
    pub(crate) fn project(&self, start: Start, work: Work) -> PathBuf {
        self.folder.join(start.name()).join(work.verb())
    }

    /// The project that wrote the other system's rows.
    pub(crate) fn others(&self) -> PathBuf {
        self.folder.join(OTHERS)
    }

    /// The file that a trial copies as its target.
    pub(crate) fn target(&self, start: Start) -> PathBuf {
        self.folder.join(start.name()).with_extension("sqlite")
    }

    /// What work is expected to exit with.
    pub(crate) const fn code(&self, work: Work) -> i32 {
        match work {
            Work::Load => 0,
            Work::Migrate => self.migrated,
        }
    }

    /// Loads into a place that holds what a trial begins with, out of a copy of the project in a folder that is to be
    /// made, and keeps what comes out.
    pub(crate) fn reference(
        &self,
        start: Start,
        place: &Place,
        foreign: &Rows,
        project: &Path,
    ) -> Result<Reference> {
        let mut look = Look::at(place)?;
        let (before, known) = (look.rows()?, runs(&mut look)?);
        look.close()?;
        copy_folder(&self.project(start, Work::Load), project)?;
        self.program.must(Work::Load.verb(), project, Some(place), &DONE)?;
        fs::remove_dir_all(project)?;
        let mut look = Look::at(place)?;
        let new: Vec<String> = runs(&mut look)?.difference(&known).cloned().collect();
        let [run] = new.as_slice() else { return Err(Error::other("one run was to be loaded")) };
        let entities: BTreeSet<String> = look.entities()?.into_iter().collect();
        let foreign = foreign.iter().filter(|(table, _)| entities.contains(*table));
        let foreign: Rows = foreign.map(|(table, rows)| (table.clone(), rows.clone())).collect();
        let (end, receipts) = (look.rows()?, look.receipts(run)?);
        let picture = Picture { rows: end.clone(), receipts: receipts.clone(), written: look.written(run)? };
        look.close()?;
        let reference = Reference { run: run.clone(), entities, foreign, before, end, receipts };
        let broken = reference.after_a_fault(&reference.receipts, &picture);
        if broken.is_none() { Ok(reference) } else { Err(Error::other(format!("undisturbed: {broken:?}"))) }
    }
}

/// Takes the mapping files of all other systems away.
fn alone(mappings: &Path, system: &str) -> Result<()> {
    for entry in fs::read_dir(mappings)? {
        let folder = entry?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name == system || !folder.join("system.toml").is_file() {
            continue;
        }
        fs::remove_dir_all(&folder)?;
        let controls = mappings.join("controls").join(name + ".toml");
        if controls.is_file() {
            fs::remove_file(controls)?;
        }
    }
    Ok(())
}

/// The runs that a target has receipts of.
fn runs(look: &mut Look) -> Result<BTreeSet<String>> {
    let rows = look.texts("SELECT DISTINCT load_run_id FROM bron_receipt")?;
    Ok(rows.into_iter().flatten().collect())
}

/// Person numbers and names of the persons in the source.
fn canaries(project: &Path) -> Result<Vec<String>> {
    let mut look = Look::at(&Place::File(project.join("legacy").join(format!("{LOADED}.sqlite"))))?;
    let rows = look.texts("SELECT pnr, namn FROM HUVUDMAN UNION SELECT pnr, namn FROM STALLFORETRADARE")?;
    look.close()?;
    let long = rows.into_iter().flatten().filter(|text| text.len() >= 8);
    let texts: BTreeSet<String> = long.collect();
    if texts.len() < 4 {
        Err(Error::other("a city without persons"))
    } else {
        Ok(texts.into_iter().collect())
    }
}
