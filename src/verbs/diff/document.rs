//! The changes of a comparison as the document that is printed, written as a page, and handed on.

use bron_mappings::comparison::{Change, Excerpt, Sentence, Subject};
use bron_reconcile::difference::{self, Difference, Entry, Named, Side};

use super::sides::LoadedSide;

/// The document without the effect.
pub(super) fn new(sides: [&LoadedSide; 2], changes: &[Change]) -> Difference {
    let [before, after] = sides;
    Difference {
        before: side(before),
        after: side(after),
        entries: changes.iter().zip(1..).map(|(change, number)| entry(change, number)).collect(),
        effect: None,
        texts: difference::files(&before.files, &after.files),
    }
}

fn side(side: &LoadedSide) -> Side {
    Side {
        name: side.name.clone(),
        revision: side.revision.clone(),
        digest: side.digest.clone(),
        files: side.files.len(),
    }
}

fn entry(change: &Change, number: usize) -> Entry {
    let Change { risk, kind, act, subject, aspect, before, after, sentence, hint, orphans } = change;
    Entry {
        number,
        risk: Named { name: risk.name(), label: risk.label() },
        kind: Named { name: kind.name(), label: kind.label() },
        act: Named { name: act.name(), label: act.label() },
        place: place(subject),
        aspect,
        sv: sentence.sv.clone(),
        en: sentence.en.clone(),
        hint: hint.clone().map(|Sentence { sv, en }| (sv, en)),
        before: before.as_ref().map(excerpt),
        after: after.as_ref().map(excerpt),
        orphans: orphans.clone(),
        effect: None,
    }
}

fn excerpt(excerpt: &Excerpt) -> difference::Excerpt {
    let Excerpt { file, line, text } = excerpt.clone();
    difference::Excerpt { file, line, text }
}

/// The mapping, list, entity, system or control that a change is in.
fn place(subject: &Subject) -> String {
    match subject {
        Subject::Mapping { mapping }
        | Subject::Lookup { mapping, .. }
        | Subject::Person { mapping }
        | Subject::Immutable { mapping }
        | Subject::Scope { mapping, .. }
        | Subject::Exclusion { mapping, .. }
        | Subject::Check { mapping, .. }
        | Subject::Target { mapping, .. }
        | Subject::Field { mapping, .. }
        | Subject::Ignored { mapping, .. }
        | Subject::Example { mapping, .. } => mapping.clone(),
        Subject::CodeList { list } | Subject::Code { list, .. } => format!("codes/{list}"),
        Subject::Entity { entity } => format!("model/{entity}"),
        Subject::ModelField { entity, field } => format!("model/{entity}.{field}"),
        Subject::ResponsibleBody => "model".to_owned(),
        Subject::System { system } => system.clone(),
        Subject::Listed { folder, name } => format!("{folder}/{name}"),
    }
}
