//! `bron mapping schema`: what an editor has to know to complete and check the files.

use bron_extract::atomic;
use bron_mappings::schema::{self, Section, Vocabulary};
use bron_mappings::{FunctionSpec, MappingSet};
use bron_reconcile::controls;
use bron_transform::registry;
use serde_json::{Value, json};

use crate::args::{FileKind, SchemaArguments};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::project::mapping_files;

/// Prints the schema of one kind of file, or writes those of all kinds. A folder of mapping files adds its
/// entities, fields, code lists and rules of retention; it need not be without mistakes, because its author
/// is at work on it.
pub(super) fn run(arguments: &SchemaArguments, printer: &Printer) -> Result<Exit, Failure> {
    let set = arguments.folder.path().map(|dir| mapping_files(&dir)).transpose()?;
    let set = set.map(|files| MappingSet::parse(&files).0);
    let functions: Vec<FunctionSpec> = registry().iter().map(|function| function.spec).collect();
    let vocabulary = Vocabulary { functions: &functions, set: set.as_ref() };
    let kinds = FileKind::ALL.iter().filter(|(kind, ..)| arguments.kind.is_none_or(|wanted| wanted == *kind));
    if let Some(dir) = &arguments.out {
        atomic::create_directory(dir)?;
    }
    let mut written = Vec::new();
    for (_, name, section) in kinds {
        let document = schema::json_schema(section, &vocabulary);
        let Some(dir) = &arguments.out else {
            printer.result(&document, &text(&document));
            return Ok(Exit::Clean);
        };
        let path = dir.join(format!("{name}.schema.json"));
        atomic::write(&path, format!("{}\n", text(&document)).as_bytes())?;
        written.push(path.display().to_string());
    }
    printer.result(&json!({ "written": written }), &written.join("\n"));
    Ok(Exit::Clean)
}

fn text(document: &Value) -> String {
    serde_json::to_string_pretty(document).expect("a JSON value can always be written")
}

impl FileKind {
    /// Every kind with its name and its keys.
    const ALL: &'static [(Self, &'static str, &'static Section)] = &[
        (Self::Mapping, "mapping", &schema::MAPPING),
        (Self::Model, "model", &schema::MODEL),
        (Self::System, "system", &schema::SYSTEM),
        (Self::Control, "control", &controls::CONTROL),
        (Self::Quality, "quality", &schema::QUALITY),
        (Self::Retention, "retention", &schema::RETENTION),
    ];
}
