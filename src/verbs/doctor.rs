//! `bron doctor`: whether everything that a run needs is there, before the run.
//!
//! Every check is made even when one fails, and a source that does not answer is given up after a while. No row is
//! read and nothing is written.

mod check;
mod deadline;
mod keys;
mod machine;
mod sources;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use bron_mappings::{Diagnostic, MappingSet, Severity, check_systems};
use serde_json::json;

use self::check::{Area, Check, Verdict, text};
use self::deadline::Deadline;
use self::sources::Answers;
use crate::args::DoctorArguments;
use crate::chain::STOP;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::project::{check_files, mapping_files, no_rule_reads_as_of};
use crate::settings::Pieces;
use crate::wanted::wanted;

/// Makes every check and says what came of it.
pub(super) fn run(arguments: &DoctorArguments, printer: &Printer) -> Result<Exit, Failure> {
    let pieces = Pieces::read(&arguments.project, true)?;
    let mut checks = Vec::new();
    let files = mapping_files(&pieces.mappings);
    let parsed = MappingSet::parse(files.as_ref().unwrap_or(&BTreeMap::new()));
    let systems: BTreeSet<String> = pieces.systems.keys().cloned().collect();
    let deadline = Deadline::after(Duration::from_secs(arguments.patience));
    let asked = sources::ask(&pieces, &parsed.0, &wanted(&parsed.0, &systems), arguments.patience);
    let target = target::ask(&pieces);
    let answers = sources::judge(asked, &pieces, deadline, &mut checks);
    target::judge(target, deadline, &mut Area::new("target", &mut checks));
    if STOP.load(Ordering::SeqCst) {
        let again = format!("bron doctor --project {}", arguments.project.display());
        return Err(Failure::interrupted(&again));
    }
    let mut area = Area::new("project", &mut checks);
    match files {
        Ok(files) => judge_mappings(&pieces, files, parsed, &answers, &mut area),
        Err(failure) => {
            area.fails("mapping files", failure.message, "name their folder in `mappings` of bron.toml");
        }
    }
    keys::judge(&pieces, &mut Area::new("keys", &mut checks));
    machine::judge(
        &arguments.project,
        &pieces.runs,
        answers.expected,
        &mut Area::new("machine", &mut checks),
    );
    let count = |verdict: Verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let fails = count(Verdict::Fails);
    let document = json!({
        "fails": fails,
        "look": count(Verdict::Look),
        "unknown": count(Verdict::Unknown),
        "checks": checks.iter().map(Check::json).collect::<Vec<_>>(),
    });
    printer.result(&document, &text(&checks));
    Ok(if fails > 0 { Exit::Failed } else { Exit::Clean })
}

/// Whether the mapping files hold against the tables of the sources that answered.
fn judge_mappings(
    pieces: &Pieces,
    files: BTreeMap<String, String>,
    parsed: (MappingSet, Vec<Diagnostic>),
    answers: &Answers,
    area: &mut Area<'_>,
) {
    let mut checked = check_files(files, parsed, &answers.tables);
    let systems = pieces.systems.keys().cloned().collect();
    checked.diagnostics.extend(check_systems(&checked.set, &systems));
    let errors: Vec<_> = checked.diagnostics.iter().filter(|one| one.severity == Severity::Error).collect();
    let warnings = checked.diagnostics.len() - errors.len();
    let advice = "`bron check --project DIR` shows each with its place";
    match errors.first() {
        Some(first) => {
            let found = format!("{} errors, the first in {}: {}", errors.len(), first.file, first.message);
            area.fails("mapping files", found, advice);
        }
        None if warnings > 0 => area.look("mapping files", format!("{warnings} warnings"), advice),
        None => area.fine("mapping files", format!("{} mappings hold", checked.set.mappings.len())),
    }
    let here = |system: &str| systems.contains(system);
    if !pieces.has_as_of
        && let Err(failure) = no_rule_reads_as_of(&checked.set, here)
    {
        area.fails("as_of", failure.message, failure.hint.unwrap_or_default());
    }
}
