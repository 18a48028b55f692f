//! Every finding of a reconciliation, what became of it since the one before, why it may be there and who accepts it;
//! and the first of them for people.

mod before;
mod causes;
mod sorted;
mod stored;

use std::path::PathBuf;

use bron_extract::{MANIFEST_FILE, Manifest, PartWriter, atomic};
use bron_mappings::{Pseudonym, SourceKey, Waivers};
use bron_reconcile::controls::ControlRow;
use bron_reconcile::findings::{FindingCounts, FindingState, FindingsBefore, Step, merge};
use bron_reconcile::report::{DisplayKey, LISTED_FINDINGS, ShownFinding};
use bron_reconcile::rows::Finding;
use bron_reconcile::summary::Summary;
use bron_reconcile::waivers::{Accepted, WaiverLine, WaiverState, WaiverTally};

use self::before::Before;
pub(in crate::chain) use self::before::last_reconciled;
use self::sorted::{SortedRuns, Sorter};
pub(crate) use self::stored::StoredFinding;
use super::scope::Covered;
use crate::chain::Chain;
use crate::failure::Failure;

/// Where findings lie, in the directory of a run, and in there those that only the reconciliation before had.
const FINDINGS: &str = "findings";
const RESOLVED: &str = "resolved";

/// What says that the findings of a run are those of a reconciliation that was done.
pub(in crate::chain) const RECORD_FILE: &str = "findings.json";

/// Where findings wait to be sorted, in the directory of a run.
const UNSORTED: &str = "findings-unsorted";

/// Findings whose causes are looked up together: what the run noted is read once for so many.
const CAUSES_AT_ONCE: usize = 65_536;

/// Findings that are written at a time.
const ROWS_AT_ONCE: usize = 4_096;

/// The state of a finding of the reconciliation before that this one did not look for.
const NOT_COMPARED: &str = "not_compared";

/// Collects findings. Memory does not grow with their number.
pub(super) struct FindingsFile<'c> {
    chain: &'c Chain<'c>,
    before: Before,
    waiting: Vec<Finding>,
    sorter: Sorter,
}

/// What findings came to.
pub(super) struct Settled {
    counts: FindingCounts,
    /// The reconciliation that they were compared with; `None` where neither found anything.
    told: Option<FindingsBefore>,
    waivers: Vec<WaiverLine>,
    pub(super) accepted: Accepted,
    /// The first of them.
    pub(super) shown: Vec<ShownFinding>,
    before: Before,
}

impl<'c> FindingsFile<'c> {
    /// Sets aside what the reconciliation before found, and begins a new list.
    pub(super) fn create(chain: &'c Chain<'c>) -> Result<Self, Failure> {
        let before = Before::set_aside(chain)?;
        atomic::renew_directory(&chain.run.dir.join(FINDINGS))?;
        let sorter = Sorter::create(&chain.run.dir.join(UNSORTED), &chain.run.vault)?;
        Ok(Self { chain, before, waiting: Vec::new(), sorter })
    }

    /// Takes a finding, in any order.
    pub(super) fn push(&mut self, finding: Finding) -> Result<(), Failure> {
        self.waiting.push(finding);
        if self.waiting.len() >= CAUSES_AT_ONCE {
            self.explain()?;
        }
        Ok(())
    }

    fn explain(&mut self) -> Result<(), Failure> {
        let findings = std::mem::take(&mut self.waiting);
        let causes = self.chain.causes(&findings)?;
        for (finding, cause) in findings.iter().zip(&causes) {
            self.sorter.push(StoredFinding::new(finding, cause, &self.chain.run.id))?;
        }
        Ok(())
    }

    /// Compares the findings with those of the reconciliation before, holds waivers against them and the controls, and
    /// writes them. `today` is the day by which waivers end. A finding that is gone is resolved where it was looked
    /// for, and stays on the list where it was not.
    pub(super) fn settle(
        mut self,
        waivers: &Waivers,
        today: &str,
        controls: &[ControlRow],
        covered: &Covered<'_>,
    ) -> Result<Settled, Failure> {
        self.explain()?;
        let Self { chain, before, sorter, .. } = self;
        let found = sorter.finish()?;
        let tally = tally(waivers, today, controls, &found)?;
        let mut lists = Lists::create(chain, tally)?;
        for step in merge(found.iter()?, before.iter()?, StoredFinding::order) {
            lists.take(step?, covered)?;
        }
        let settled = lists.finish(before, covered)?;
        let unsorted = chain.run.dir.join(UNSORTED);
        std::fs::remove_dir_all(&unsorted)
            .map_err(|error| Failure::config(format!("cannot remove {}: {error}", unsorted.display())))?;
        Ok(settled)
    }
}

impl Settled {
    /// Notes what findings came to in the summary.
    pub(super) fn tell(&self, summary: &mut Summary) {
        (summary.findings, summary.findings_before) = (self.counts, self.told.clone());
        summary.waivers.clone_from(&self.waivers);
    }

    /// Makes this reconciliation the one that the next is compared with. Comes when everything else is written.
    pub(super) fn commit(self) -> Result<(), Failure> {
        self.before.commit()
    }
}

/// Waivers, once everything that they may be about has been counted.
fn tally<'w>(
    waivers: &'w Waivers,
    today: &'w str,
    controls: &[ControlRow],
    found: &SortedRuns,
) -> Result<WaiverTally<'w>, Failure> {
    let mut tally = WaiverTally::new(waivers, today);
    tally.judge_controls(controls);
    if tally.is_about_rows() {
        for one in found.iter()? {
            tally.count(&one?.finding()?);
        }
    }
    Ok(tally)
}

/// The lists that stay.
struct Lists<'c> {
    chain: &'c Chain<'c>,
    tally: WaiverTally<'c>,
    found: List,
    resolved: List,
    counts: FindingCounts,
    shown: Vec<ShownFinding>,
}

impl<'c> Lists<'c> {
    fn create(chain: &'c Chain<'c>, tally: WaiverTally<'c>) -> Result<Self, Failure> {
        let dir = chain.run.dir.join(FINDINGS);
        let resolved = List::create(chain, dir.join(RESOLVED))?;
        let found = List::create(chain, dir)?;
        Ok(Self { chain, tally, found, resolved, counts: FindingCounts::default(), shown: Vec::new() })
    }

    fn take(&mut self, step: Step<StoredFinding>, covered: &Covered<'_>) -> Result<(), Failure> {
        match step {
            Step::New(one) => {
                self.counts.new += 1;
                self.keep(one, FindingState::New)
            }
            Step::Persisting(mut one, earlier) => {
                self.counts.persisting += 1;
                one.first_seen = earlier.first_seen;
                self.keep(one, FindingState::Persisting)
            }
            Step::Resolved(mut earlier) if !covered.has(&earlier.finding()?) => {
                NOT_COMPARED.clone_into(&mut earlier.state);
                earlier.waiver.clear();
                self.found.push(earlier)
            }
            Step::Resolved(mut earlier) => {
                self.counts.resolved += 1;
                stored::RESOLVED.clone_into(&mut earlier.state);
                self.resolved.push(earlier)
            }
        }
    }

    fn keep(&mut self, mut one: StoredFinding, state: FindingState) -> Result<(), Failure> {
        let finding = one.finding()?;
        state.code().clone_into(&mut one.state);
        if let Some(waiver) = self.tally.judge(&finding) {
            self.counts.waived += 1;
            waiver.clone_into(&mut one.waiver);
        }
        if self.shown.len() < LISTED_FINDINGS {
            let key = self.chain.display_key(&one);
            let (first_seen, cause) = (one.first_seen.clone(), one.cause());
            let waiver = Some(one.waiver.clone()).filter(|waiver| !waiver.is_empty());
            self.shown.push(ShownFinding { finding, key, state, first_seen, cause, waiver });
        }
        self.found.push(one)
    }

    fn finish(self, before: Before, covered: &Covered<'_>) -> Result<Settled, Failure> {
        let Self { chain, tally, found, resolved, counts, shown } = self;
        resolved.finish(&chain.run.id)?;
        found.finish(&chain.run.id)?;
        let (mut waivers, accepted) = tally.finish();
        if !covered.is_whole() {
            // What such a waiver is about may be among what was not compared.
            waivers.retain(|waiver| waiver.state != WaiverState::Unused);
        }
        let says_something = counts.total() > 0 || before.says_something();
        let told = before.told.clone().filter(|_| says_something);
        Ok(Settled { counts, told, waivers, accepted, shown, before })
    }
}

/// One list, as parts of the run.
pub(super) struct List {
    dir: PathBuf,
    writer: PartWriter,
    waiting: Vec<StoredFinding>,
}

impl List {
    pub(super) fn create(chain: &Chain<'_>, dir: PathBuf) -> Result<Self, Failure> {
        let writer = PartWriter::new(&dir, &stored::schema(), chain.run.part_options())?;
        Ok(Self { dir, writer, waiting: Vec::new() })
    }

    pub(super) fn push(&mut self, one: StoredFinding) -> Result<(), Failure> {
        self.waiting.push(one);
        if self.waiting.len() >= ROWS_AT_ONCE {
            self.writer.push(&stored::batch(&std::mem::take(&mut self.waiting)))?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self, run: &str) -> Result<(), Failure> {
        if !self.waiting.is_empty() {
            self.writer.push(&stored::batch(&self.waiting))?;
        }
        let origin = [("run".to_owned(), run.to_owned())].into();
        Ok(Manifest::new("findings", origin, &stored::schema(), self.writer.finish()?).save(&self.dir)?)
    }
}

impl Chain<'_> {
    /// Hands over every finding that the last reconciliation of the run left, and then those that it no longer had.
    pub(in crate::chain) fn each_finding(&self, each: &mut dyn FnMut(StoredFinding)) -> Result<(), Failure> {
        let dir = self.run.dir.join(FINDINGS);
        for dir in [dir.clone(), dir.join(RESOLVED)] {
            if !dir.join(MANIFEST_FILE).is_file() {
                continue;
            }
            let manifest = self.manifest_made_by("reconcile", &dir)?;
            for batch in manifest.read(&dir, None, self.settings.batch_rows)? {
                let batch = batch?;
                (0..batch.rows()).for_each(|row| each(StoredFinding::read(&batch, row)));
            }
        }
        Ok(())
    }

    /// A key is shown as it is when the mapping says that it names nobody.
    fn display_key(&self, finding: &StoredFinding) -> DisplayKey {
        let key = finding.key.expose();
        let mut mappings = self.produced_by();
        let (system, table) = (&finding.system, &finding.table);
        match mappings.find(|mapping| mapping.system == *system && mapping.table == *table) {
            None => DisplayKey::Hidden,
            Some(mapping) if mapping.personal_key => {
                let key = SourceKey::new(&mapping.system, &mapping.table, [Some(key.as_str())]);
                DisplayKey::Pseudonym(Pseudonym::derive(&self.settings.secret, &key))
            }
            Some(_) => DisplayKey::Plain(key.clone()),
        }
    }
}
