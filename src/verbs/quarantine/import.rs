//! `bron quarantine import`: the decisions in a workbook, all of them or none.

use std::collections::BTreeMap;
use std::path::Path;

use bron_load::ErrorKind;
use bron_load::quarantine::{Decision, Entry, Item, Store};
use bron_mappings::{EntityId, may_name_a_person};
use bron_reconcile::decision_sheet::{ENTRY_COLUMNS, EnteredRow, Problem, read};
use serde_json::{Value, json};

use super::decide::acts;
use super::{open, signature};
use crate::args::ImportArguments;
use crate::audit;
use crate::failure::{Done, Exit, Failure};
use crate::printer::Printer;

/// A larger file is no workbook that people filled in.
const LARGEST: u64 = 64 << 20;

/// The heads of the columns, as rules name them.
const DECISION: &str = ENTRY_COLUMNS[0];
const MAPS_TO: &str = ENTRY_COLUMNS[1];
const PERSON: &str = ENTRY_COLUMNS[2];
const ROLE: &str = ENTRY_COLUMNS[3];
const NOTE: &str = ENTRY_COLUMNS[4];
const ITEM: &str = "Post";

/// Reads the workbook, tells everything that is wrong with it, and notes its decisions when nothing is.
pub(super) fn run(arguments: &ImportArguments, printer: &Printer) -> Result<Exit, Failure> {
    let ImportArguments { file, project } = arguments;
    let (mut store, mark) = open(project)?;
    let entered =
        read(&bytes(file)?).map_err(|error| Failure::from(error).about(&file.display().to_string()))?;
    if entered.installation != mark {
        return Err(Failure::config(format!("{} was written for another installation", file.display()))
            .hint("import it where it was exported"));
    }
    let mut checked = Checked { problems: entered.problems, ..Checked::default() };
    for row in &entered.rows {
        checked.check(&mut store, row)?;
    }
    if !checked.problems.is_empty() {
        return Err(refused(file, &checked.problems));
    }
    let entries: Vec<Entry> = checked.entries.into_values().map(|(entry, _)| entry).collect();
    if entries.is_empty() {
        let (document, text) = told(file, 0, 0);
        printer.result(&document, &text);
        return Ok(Exit::Clean);
    }
    audit::during_all(project, acts(&entries), printer, |noted| {
        let done = store.decide(&entries)?;
        let (document, text) = told(file, done.decided, done.repeated);
        noted.tell(document, text);
        Ok(Exit::Clean)
    })
}

fn told(file: &Path, decided: u64, repeated: u64) -> (Value, String) {
    let document = json!({ "file": file, "decided": decided, "there_already": repeated });
    let text = match (decided, repeated) {
        (0, 0) => "nothing to do: no row of the workbook has a decision".to_owned(),
        (0, repeated) => format!("nothing to do: all {repeated} decisions were there already"),
        (decided, 0) => format!("{decided} decided"),
        (decided, repeated) => format!("{decided} decided, {repeated} were there already"),
    };
    (document, text)
}

fn bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = |error: std::io::Error| Failure::config(format!("cannot read {}: {error}", file.display()));
    if std::fs::metadata(file).map_err(cannot)?.len() > LARGEST {
        return Err(Failure::config(format!("{} is too large for a workbook of decisions", file.display())));
    }
    std::fs::read(file).map_err(cannot)
}

/// Everything that is wrong, at once.
fn refused(file: &Path, problems: &[Problem]) -> Failure {
    let lines: Vec<String> = problems
        .iter()
        .map(|Problem { sheet, row, column, rule }| format!("{sheet}, row {row}, {column}: {rule}"))
        .collect();
    let told: Vec<Value> = problems.iter().map(problem_json).collect();
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    };
    Failure::config(format!("{} has {count}; nothing was decided", file.display()))
        .hint("mend the rows and import the workbook again")
        .having_done(Done { document: json!({ "decided": 0, "problems": told }), text: lines.join("\n") })
}

fn problem_json(problem: &Problem) -> Value {
    let Problem { sheet, row, column, rule } = problem;
    json!({ "sheet": sheet, "row": row, "column": column, "rule": rule })
}

/// Rows that were looked at.
#[derive(Default)]
struct Checked {
    /// The decisions by item, each with the place of its row.
    entries: BTreeMap<EntityId, (Entry, String)>,
    problems: Vec<Problem>,
}

impl Checked {
    fn check(&mut self, store: &mut Store, row: &EnteredRow) -> Result<(), Failure> {
        let item = match EntityId::parse(&row.item).map(|id| store.item(&id.to_string())) {
            Some(Ok(item)) => item,
            Some(Err(error)) if error.kind() != ErrorKind::Config => return Err(error.into()),
            Some(Err(_)) | None => {
                self.add(row, vec![(ITEM, "the quarantine has no such item".to_owned())]);
                return Ok(());
            }
        };
        let (entry, mut found) = entry(row, &item);
        if let Some(entry) = entry {
            if found.is_empty() {
                found.extend(
                    store.objection(&item, &entry)?.map(|problem| (DECISION, format!("the item {problem}"))),
                );
            }
            let place = format!("{}, row {}", row.sheet, row.row);
            match self.entries.get(&entry.id) {
                Some((other, there)) if !same(other, &entry) => {
                    found.push((ITEM, format!("the item has another decision in {there}")));
                }
                Some(_) => {}
                None => {
                    self.entries.insert(entry.id, (entry, place));
                }
            }
        }
        self.add(row, found);
        Ok(())
    }

    fn add(&mut self, row: &EnteredRow, found: Vec<(&str, String)>) {
        self.problems.extend(found.into_iter().map(|(column, rule)| Problem {
            sheet: row.sheet.clone(),
            row: row.row,
            column: column.to_owned(),
            rule,
        }));
    }
}

/// Whether two rows say the same about one item.
fn same(one: &Entry, other: &Entry) -> bool {
    (one.decision, &one.maps_to, &one.note) == (other.decision, &other.maps_to, &other.note)
        && (&one.by.person, &one.by.role) == (&other.by.person, &other.by.role)
}

/// The decision of a row, and what is wrong with the row itself.
fn entry(row: &EnteredRow, item: &Item) -> (Option<Entry>, Vec<(&'static str, String)>) {
    let [decision, maps_to, person, role, note] = &row.entered;
    let mut wrong = Vec::new();
    let choice = Decision::ALL.iter().copied().find(|one| one.label() == decision.to_lowercase());
    if choice.is_none() {
        let labels: Vec<&str> = Decision::ALL.iter().map(|one| one.label()).collect();
        wrong.push((DECISION, format!("is one of: {}", labels.join(", "))));
    }
    for (column, text) in [(PERSON, person), (ROLE, role), (NOTE, note)] {
        if text.is_empty() {
            wrong.push((column, "is required with a decision".to_owned()));
        }
    }
    for (column, text) in [(MAPS_TO, maps_to), (PERSON, person), (ROLE, role), (NOTE, note)] {
        if may_name_a_person(text) {
            let rule = "has something with the form of a person number: write no personal data";
            wrong.push((column, rule.to_owned()));
        }
    }
    match (choice == Some(Decision::Map), maps_to.is_empty()) {
        (true, true) => wrong.push((MAPS_TO, format!("is required with {}", Decision::Map.label()))),
        (false, false) => wrong.push((MAPS_TO, format!("stands with {} only", Decision::Map.label()))),
        (true, false) | (false, true) => {}
    }
    let version = row.version.parse::<u64>().ok();
    if version.is_none() {
        wrong.push(("Version", "the hidden column is no longer what was exported".to_owned()));
    }
    let entry = choice.map(|decision| Entry {
        id: item.finding.id,
        version: Some(version.unwrap_or_default()),
        decision,
        maps_to: maps_to.clone(),
        note: note.clone(),
        by: signature(person, role),
    });
    (entry, wrong)
}
