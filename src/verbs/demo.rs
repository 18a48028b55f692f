//! `bron demo`: a synthetic city, the whole chain, a report to open.

use std::fmt::Write as _;
use std::path::Path;

use bron_city::{CityPlan, generate};
use bron_extract::atomic;
use bron_mappings::{Digest, ReasonCode};
use serde_json::json;

use super::migrate::migrate;
use crate::args::{ChainArguments, DemoArguments};
use crate::failure::{Class, Exit, Failure};
use crate::printer::Printer;
use crate::settings::{PROJECT_FILE, Settings};

include!(concat!(env!("OUT_DIR"), "/shipped_mappings.rs"));

/// The files of the information model that the program carries, by path.
pub(super) fn shipped_model() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    SHIPPED_MAPPINGS.iter().filter(|(path, _)| path.starts_with("model/"))
}

/// The day on which the city's systems were read; nothing in them is later.
const AS_OF: &str = "2024-12-31";

/// Where the city's systems lie, below the project.
const LEGACY: &str = "legacy";

/// A system of the city: its name, and its entry in the project file.
struct LegacySystem {
    name: String,
    kind: &'static str,
    file: String,
}

/// Builds the city in a new directory and, unless told otherwise, migrates it.
pub(super) fn run(arguments: &DemoArguments, printer: &Printer) -> Result<Exit, Failure> {
    let DemoArguments { out, persons, seed, generate_only } = arguments;
    require_empty(out)?;
    let legacy = out.join(LEGACY);
    atomic::create_directory(&legacy)?;
    let stage = printer.stage("generate", u64::from(*persons));
    let plan = CityPlan { persons: *persons, seed: *seed };
    let truth = generate(&plan, &legacy, &out.join("truth.json"), &mut |progress| {
        stage.now(progress.step);
        stage.at(progress.done, progress.of);
    });
    let truth =
        truth.map_err(|error| Failure::new(Exit::Failed, Class::Data, crate::failure::whole(&error)))?;
    drop(stage);
    let rows: u64 = truth.rows.values().sum();
    let systems = legacy_systems(&legacy)?;
    printer.say(&format!("generate   {persons} persons, {rows} rows in {} legacy systems", systems.len()));
    let withheld = truth.defects.iter().filter(|defect| defect.id == ReasonCode::MissingFile.code());
    let withheld: Vec<(&str, &str)> = withheld
        .flat_map(|defect| defect.keys.iter().map(|file| (defect.system.as_str(), file.as_str())))
        .collect();
    write_project(out, *seed, &systems, &withheld)?;
    if *generate_only {
        let text = format!("a city lies in {}; go on with: bron migrate --project {0}", out.display());
        printer.result(&json!({ "project": out, "rows": rows }), &text);
        return Ok(Exit::Clean);
    }
    let project = ChainArguments { project: out.clone(), target: None, batch_rows: None };
    migrate(&Settings::resolve(&project)?, printer)
}

fn require_empty(out: &Path) -> Result<(), Failure> {
    let holds_something = std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
    if holds_something {
        return Err(Failure::config(format!("{} is not empty", out.display()))
            .hint(format!("name a new directory, or go on with: bron migrate --project {}", out.display())));
    }
    Ok(())
}

/// What the city wrote, in the order of names: a database is a system of its name, and so is a folder of files.
fn legacy_systems(legacy: &Path) -> Result<Vec<LegacySystem>, Failure> {
    let cannot = |error| Failure::config(format!("cannot read {}: {error}", legacy.display()));
    let mut systems = Vec::new();
    for entry in std::fs::read_dir(legacy).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let text = |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
        let (Some(name), Some(file)) = (text(path.file_stem()), text(path.file_name())) else { continue };
        let kind = if path.is_dir() { "csv" } else { "sqlite" };
        systems.push(LegacySystem { name, kind, file });
    }
    systems.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(systems)
}

/// Writes the mapping files, the secret and, last, the project file: a directory without it is no project.
fn write_project(
    out: &Path,
    seed: u64,
    systems: &[LegacySystem],
    withheld: &[(&str, &str)],
) -> Result<(), Failure> {
    for (path, text) in SHIPPED_MAPPINGS {
        let path = out.join("mappings").join(path);
        atomic::create_directory(path.parent().expect("a mapping file lies in a folder"))?;
        atomic::write(&path, text.as_bytes())?;
    }
    // A demo is repeatable, so its secret follows from the seed; a real installation draws its own.
    let secret = Digest::of(format!("bron demo {seed}").as_bytes());
    let key = out.join("secret.key");
    atomic::write_private(&key, format!("{secret}\n").as_bytes())?;
    Ok(atomic::write(&out.join(PROJECT_FILE), project_file(systems, withheld).as_bytes())?)
}

/// The project file; it says of the files that the city withholds that the project goes on without them.
fn project_file(systems: &[LegacySystem], withheld: &[(&str, &str)]) -> String {
    let mut text = format!(
        "# A synthetic city. Edit a file under mappings/ and run: bron migrate --project .\n\
         format = 1\n\
         as_of  = \"{AS_OF}\"\n\
         secret = \"file:secret.key\"\n\
         target = \"target.sqlite\"\n"
    );
    for LegacySystem { name, kind, file } in systems {
        write!(text, "\n[system.{name}]\nkind = \"{kind}\"\npath = \"{LEGACY}/{file}\"\n")
            .expect("writing to a String cannot fail");
        let files: Vec<String> = withheld
            .iter()
            .filter(|(system, _)| system == name)
            .map(|(_, file)| format!("\"{file}\""))
            .collect();
        if !files.is_empty() {
            writeln!(text, "not_delivered = [{}]", files.join(", "))
                .expect("writing to a String cannot fail");
        }
    }
    text
}
