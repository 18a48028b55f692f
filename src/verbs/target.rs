//! `bron target`: what a target holds, without naming anybody.

use bron_load::{ContentDigest, Sink, content};
use bron_mappings::{Digest, DigestBuilder, Entity, Model};
use serde_json::{Value, json};

use crate::args::{ChainArguments, TargetDigestArguments, TargetVerb};
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::project::checked_folder;
use crate::settings::Settings;

/// Does what was asked.
pub(super) fn run(verb: &TargetVerb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        TargetVerb::Digest(arguments) => digest(arguments, printer),
    }
}

/// An entity and what its table holds.
type Held<'m> = (&'m Entity, ContentDigest);

fn digest(arguments: &TargetDigestArguments, printer: &Printer) -> Result<Exit, Failure> {
    let TargetDigestArguments { project, target, entity } = arguments;
    let chain = ChainArguments { project: project.clone(), target: target.clone(), batch_rows: None };
    let settings = Settings::resolve(&chain)?;
    let (set, _) = checked_folder(&settings.mappings)?.usable()?;
    let wanted = wanted(&set.model, entity)?;
    let mut sink = settings.reader()?;
    let held = held(sink.as_mut(), wanted, !entity.is_empty(), printer)?;
    let whole = whole(&held);
    let document = json!({
        "target": settings.target.to_string(),
        "digest": whole.to_string(),
        "entities": held.iter().map(entity_json).collect::<Vec<_>>(),
    });
    printer.result(&document, &lines(&held, &whole));
    let is_readable = held.iter().all(|(_, held)| held.unreadable == 0);
    Ok(if is_readable { Exit::Clean } else { Exit::Differences })
}

/// The entities with these names, or all, by name.
fn wanted<'m>(model: &'m Model, names: &[String]) -> Result<Vec<&'m Entity>, Failure> {
    if let Some(unknown) = names.iter().find(|name| model.entity(name).is_none()) {
        return Err(Failure::config(format!("the model has no entity named {unknown}")));
    }
    let is_wanted = |entity: &&Entity| names.is_empty() || names.contains(&entity.name);
    Ok(model.entities.values().filter(is_wanted).collect())
}

/// What the tables hold. One that is not there is left out, unless it was asked for by name: reading it says so.
fn held<'m>(
    sink: &mut dyn Sink,
    entities: Vec<&'m Entity>,
    are_named: bool,
    printer: &Printer,
) -> Result<Vec<Held<'m>>, Failure> {
    let stage = printer.stage("digest", u64::try_from(entities.len()).unwrap_or(0));
    let mut held = Vec::new();
    for entity in entities {
        stage.now(&entity.name);
        if are_named || sink.holds(entity)? {
            held.push((entity, content(sink, entity)?));
        }
        stage.step();
    }
    Ok(held)
}

/// One digest for all: of the name and the digest of each entity that has rows, so that a table without rows and a
/// table that was never made are the same.
fn whole(held: &[Held<'_>]) -> Digest {
    let mut digest = DigestBuilder::new("bron/target/1");
    for (entity, content) in held.iter().filter(|(_, content)| content.rows > 0) {
        digest.part(entity.name.as_bytes()).part(content.digest.as_bytes());
    }
    digest.finish()
}

fn entity_json((entity, content): &Held<'_>) -> Value {
    let ContentDigest { rows, unreadable, digest } = content;
    json!({ "entity": entity.name, "rows": rows, "unreadable": unreadable, "digest": digest.to_string() })
}

fn lines(held: &[Held<'_>], whole: &Digest) -> String {
    let widest = held.iter().map(|(entity, _)| entity.name.len()).max().unwrap_or(0);
    let line = |(entity, content): &Held<'_>| {
        let ContentDigest { rows, unreadable, digest } = content;
        let damaged = match unreadable {
            0 => String::new(),
            rows => format!("  {rows} rows hold values that are not of their field's type"),
        };
        format!("{digest}  {:<widest$}  {rows} rows{damaged}", entity.name)
    };
    let lines = held.iter().map(line).chain([format!("{whole}  all entities")]);
    lines.collect::<Vec<_>>().join("\n")
}
