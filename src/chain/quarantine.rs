//! What the run held back → the quarantine of the project, and what it comes to.

mod staged;
mod table;

use bron_extract::atomic;
use bron_load::Sink;
use bron_load::quarantine::{Collected, State, Store};
use bron_reconcile::quarantine::{Quarantine, QuarantineLine};
use bron_reconcile::report::Labels;
use bron_reconcile::summary::Summary;

pub(super) use self::staged::{key_text, texts};
use self::table::TableCollection;
use super::run::now;
use super::{Chain, StagedTables};
use crate::failure::Failure;

/// The quarantine of a project, beside its runs.
pub(crate) const QUARANTINE_FILE: &str = "quarantine.db";

impl Chain<'_> {
    /// Brings the quarantine up to date with this run, in one transaction. `None` while the target does not hold the
    /// run: whether a row came over is not known before.
    pub(super) fn collect_quarantine(
        &self,
        staged: &StagedTables,
        sink: &mut dyn Sink,
        summary: &Summary,
        labels: &Labels,
    ) -> Result<Option<Quarantine>, Failure> {
        if !self.is_loaded(sink)? {
            self.printer.say("quarantine not brought up to date: the target does not hold this run");
            return Ok(None);
        }
        let expected = u64::try_from(summary.quarantined()).unwrap_or(u64::MAX);
        let mut store = self.quarantine()?;
        let mut collection = store.collect(&self.run.id, &now())?;
        for mapping in self.produced_by() {
            self.go_on()?;
            let table = staged.get(&(mapping.system.clone(), mapping.table.clone()));
            TableCollection::new(self, mapping, labels, table).collect(&mut collection)?;
        }
        let done = collection.finish(expected).map_err(of_collection)?;
        self.tell_collected(&done);
        Ok(Some(summed(&done)))
    }

    /// The quarantine of the project; made where there is none.
    fn quarantine(&self) -> Result<Store, Failure> {
        atomic::create_directory(&self.settings.project)?;
        let path = self.settings.project.join(QUARANTINE_FILE);
        Ok(Store::open(&path, &self.installation_mark())?)
    }

    fn tell_collected(&self, done: &Collected) {
        if done.new + done.still == 0 && done.changed.is_empty() {
            return;
        }
        let ended: Vec<String> = done
            .changed
            .iter()
            .filter(|(state, _)| !state.is_held() || **state == State::Again)
            .map(|(state, items)| format!(", {items} {}", told(*state)))
            .collect();
        let (new, still) = (done.new, done.still);
        self.printer.say(&format!("{:<10} {new} new, {still} still there{}", "quarantine", ended.concat()));
    }
}

/// A count that does not add up is a loss: better no quarantine than that.
fn of_collection(error: bron_load::Error) -> Failure {
    if error.kind() == bron_load::ErrorKind::Data {
        Failure::safety(error.to_string()).about("the quarantine does not add up")
    } else {
        error.into()
    }
}

/// What became of items, for whoever runs the program.
pub(crate) const fn told(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Accepted => "accepted",
        State::ToCorrect => "to be corrected in the source",
        State::ToMap => "to be mapped",
        State::Waiting => "waiting",
        State::Again => "held back again for the same reason after a decision",
        State::Loaded => "loaded after all",
        State::Gone => "gone from the source",
        State::LeftOut => "left out by a rule of scope",
        State::OtherReason => "held back for another reason now",
    }
}

fn summed(done: &Collected) -> Quarantine {
    let mut lines: Vec<QuarantineLine> = Vec::new();
    for line in &done.lines {
        let (stage, state) = (line.stage.code().to_owned(), line.state.code().to_owned());
        let place = (&stage, &line.reason, &line.owner);
        match lines.iter_mut().find(|one| (&one.stage, &one.reason, &one.owner) == place) {
            Some(found) => {
                found.states.insert(state, line.items);
            }
            None => lines.push(QuarantineLine {
                stage,
                reason: line.reason.clone(),
                owner: line.owner.clone(),
                states: [(state, line.items)].into(),
            }),
        }
    }
    Quarantine { items: done.lines.iter().map(|line| line.items).sum(), rows: done.rows, lines }
}
