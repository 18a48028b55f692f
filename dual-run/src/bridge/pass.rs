//! One cut, from what it says to what comes of it.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{Digest, SourceKey};

use super::{Bridge, Parked, ParkedRow, Standing};
use crate::change::{Change, Cut, CutId, Image, Mark, Stream, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::follower::AppliedRow;
use crate::lens::{Agreed, Translated};
use crate::ownership::{Owner, Ownership};
use crate::protocol::{
    Arrival, Conflict, ConflictClass, Event, Origin, Outcome, Sighting, arrival, judge, last_states,
};
use crate::scope::Scope;

/// What came of a cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The cut.
    pub cut: CutId,
    /// How it ended in the follower; `None` when nothing had to be sent there.
    pub outcome: Option<Outcome>,
    /// Rows of the follower that were written.
    pub written: u64,
    /// Changes that were writes of the bridge itself, come round.
    pub echoes: u64,
    /// Changes that the side had derived by itself.
    pub derived: u64,
    /// Changes that were earlier than what had been applied.
    pub late: u64,
    /// Rows that were parked, or still are.
    pub parked: u64,
    /// Conflicts that were kept, by class.
    pub kept: BTreeMap<ConflictClass, u64>,
    /// Conflicts that were resolved without a person, by class.
    pub resolved: BTreeMap<ConflictClass, u64>,
}

/// What becomes of a translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its rows are written.
    Write,
    /// It is noted and not written: its side derived it.
    Note,
    /// It is parked.
    Park(Parked),
    /// It is left out: nothing that this side owns follows from it.
    Skip,
}

/// One translation in a pass.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// The change; `None` for a row that only rests on one.
    pub(super) change: Option<Change>,
    pub(super) translated: Translated,
    pub(super) fate: Fate,
}

/// A cut that is being dealt with.
pub(super) struct Pass {
    pub(super) id: CutId,
    pub(super) from: Owner,
    pub(super) stream: Stream,
    /// Whether the rows were journaled again: read for a seed, or let go.
    pub(super) is_again: bool,
    /// Whether the cut tells of nothing: whoever deals with it once more does nothing wrong.
    pub(super) is_empty: bool,
    pub(super) items: Vec<Item>,
    /// Rows that came to nothing before they were translated, with their versions.
    pub(super) settled: Vec<(SourceKey, Version)>,
    /// Rows that were let go and have been gone past since.
    pub(super) late: Vec<Change>,
    pub(super) standing: BTreeMap<String, Standing>,
    pub(super) blocked: BTreeSet<String>,
    pub(super) conflicts: Vec<Conflict>,
    /// Rows of the follower that were met otherwise than agreed, and may be written over.
    pub(super) met: BTreeMap<SourceKey, Option<Image>>,
    /// Rows of the follower that were joined from what both sides say.
    pub(super) merged: BTreeMap<SourceKey, Image>,
    pub(super) report: Report,
}

impl Pass {
    fn new(id: CutId, cut: &Cut) -> Self {
        let (from, stream) = (cut.stream.from, cut.stream.clone());
        let (is_again, is_empty) = (cut.from == cut.next, cut.changes.is_empty());
        let report = Report {
            cut: id,
            outcome: None,
            written: 0,
            echoes: 0,
            derived: 0,
            late: 0,
            parked: 0,
            kept: BTreeMap::new(),
            resolved: BTreeMap::new(),
        };
        let (items, settled, late, conflicts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (standing, blocked) = (BTreeMap::new(), BTreeSet::new());
        let (met, merged) = (BTreeMap::new(), BTreeMap::new());
        Self {
            id,
            from,
            stream,
            is_again,
            is_empty,
            items,
            settled,
            late,
            standing,
            blocked,
            conflicts,
            met,
            merged,
            report,
        }
    }

    /// How an aggregate stood when the pass began.
    pub(super) fn standing(&self, aggregate: &str) -> Standing {
        self.standing.get(aggregate).copied().unwrap_or(Standing::Free)
    }

    /// Parks every item of an aggregate that is blocked.
    pub(super) fn block(&mut self) {
        for item in &mut self.items {
            let is_blocked = self.blocked.contains(&item.translated.aggregate);
            if is_blocked && matches!(item.fate, Fate::Write | Fate::Note) {
                item.fate = Fate::Park(Parked::Behind);
            }
        }
    }

    /// Keeps a conflict about a row, and blocks its aggregate.
    pub(super) fn keep(&mut self, at: usize, class: ConflictClass, row: &SourceKey, said: Said) {
        let Some(item) = self.items.get_mut(at) else {
            return;
        };
        item.fate = Fate::Park(Parked::Conflict(class));
        self.blocked.insert(item.translated.aggregate.clone());
        self.record(at, class, row, said);
    }

    /// Keeps a conflict about a row that is decided already: nothing is blocked by it.
    pub(super) fn record(&mut self, at: usize, class: ConflictClass, row: &SourceKey, said: Said) {
        let Some(item) = self.items.get(at) else {
            return;
        };
        *self.report.kept.entry(class).or_default() += 1;
        self.conflicts.push(Conflict {
            class,
            stream: self.stream.clone(),
            cut: self.id,
            cause: item.translated.cause.clone(),
            version: item.translated.version,
            row: row.clone(),
            aggregate: item.translated.aggregate.clone(),
            scope: Some(item.translated.scope.clone()),
            owners: said.owners,
            others: said.others,
            detail: said.detail,
        });
    }

    fn parked_rows(&self, known: &BTreeMap<SourceKey, Image>) -> Vec<ParkedRow> {
        let parked = self.items.iter().filter_map(|item| match &item.fate {
            Fate::Park(why) => Some((item, why.clone())),
            Fate::Write | Fate::Note | Fate::Skip => None,
        });
        let row = |(item, why): (&Item, Parked)| {
            let translated = &item.translated;
            let change = item.change.clone().or_else(|| {
                // A row that rests on a parked one is tried again as it was last known.
                let after = known.get(&translated.cause).cloned()?;
                let (key, version) = (translated.cause.clone(), translated.version);
                Some(Change { key, version, after: Some(after), before: None, mark: Mark::None })
            })?;
            Some(ParkedRow {
                stream: self.stream.clone(),
                aggregate: translated.aggregate.clone(),
                scope: Some(translated.scope.clone()),
                change,
                why,
            })
        };
        parked.filter_map(row).collect()
    }
}

/// What both sides say of a row that there is a conflict about.
#[derive(Default)]
pub(super) struct Said {
    pub(super) owners: Option<Image>,
    pub(super) others: Option<Image>,
    pub(super) detail: String,
}

impl Bridge<'_> {
    /// Deals with a cut of the journal.
    pub(super) fn deal_with(&mut self, id: CutId, cut: &Cut, pinned: Digest) -> Result<Report> {
        let mapping = self.lens.mapping_version();
        if pinned != mapping {
            let (was, is) = (pinned.short(), mapping.short());
            let context =
                format!("cut {} was journaled under mappings {was}, and these are mappings {is}", id.0);
            return Err(Error::new(ErrorKind::Refused, context));
        }
        let mut pass = Pass::new(id, cut);
        let mut against = self.judge_cut(&mut pass, cut)?;
        if !against.is_empty() && self.catch_up(cut.stream.from.other())? {
            // What looked like somebody's was the bridge's own.
            pass = Pass::new(id, cut);
            against = self.judge_cut(&mut pass, cut)?;
        }
        for (at, class) in against {
            if class != ConflictClass::MappingLoss {
                self.confirm_owner(&pass, at)?;
            }
            self.keep_against(&mut pass, at, class)?;
        }
        match self.apply(&mut pass)? {
            Some(Outcome::Already) => self.found_applied(pass, cut),
            Some(Outcome::Committed | Outcome::StaleEpoch) | None => self.finish(pass),
        }
    }

    /// Decides what becomes of the changes of a cut, and names the items that are conflicts by themselves.
    fn judge_cut(&mut self, pass: &mut Pass, cut: &Cut) -> Result<Vec<(usize, ConflictClass)>> {
        let (changes, derived) = self.sift(pass, last_states(&cut.changes))?;
        let late = std::mem::take(&mut pass.late);
        let late = self.translated(pass.from, &late)?.into_iter().map(|translated| translated.aggregate);
        let late: BTreeSet<String> = late.collect();
        self.translate(pass, changes)?;
        for item in &mut pass.items {
            if item.change.as_ref().is_some_and(|change| derived.contains(&change.key)) {
                item.fate = Fate::Note;
            }
        }
        // An aggregate was let go also when nothing was left to apply of it.
        self.find_standing(pass, &late)?;
        let against = self.decide_fates(pass);
        self.skip_outdated_moves(pass)?;
        Ok(against)
    }

    /// Leaves out changes that seem to move a row out of the hands of this side, where the row does not stand so any
    /// more: the state is one from before the other side handed the row over, told late.
    fn skip_outdated_moves(&mut self, pass: &mut Pass) -> Result<()> {
        if pass.is_again {
            return Ok(());
        }
        let gives_away = |item: &Item| {
            let owner = self.owner_of(pass.from, &item.translated.scope, &item.translated);
            item.fate == Fate::Write
                && item.translated.moved_from.is_some()
                && owner.is_some_and(|found| found.owner != pass.from)
        };
        let moves: Vec<usize> = (0..pass.items.len()).filter(|at| gives_away(&pass.items[*at])).collect();
        let changed = moves.iter().filter_map(|at| pass.items[*at].change.as_ref());
        let keys: Vec<SourceKey> = changed.map(|change| change.key.clone()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let now = self.world(pass.from).follower.current(&keys)?;
        let now: BTreeMap<SourceKey, Option<Image>> = keys.into_iter().zip(now).collect();
        let is_outdated = |item: &Item| {
            item.change.as_ref().is_some_and(|change| now.get(&change.key) != Some(&change.after))
        };
        let outdated = moves.iter().map(|at| &pass.items[*at]).filter(|item| is_outdated(item));
        let outdated: BTreeSet<String> = outdated.map(|item| item.translated.aggregate.clone()).collect();
        for at in moves {
            let item = &mut pass.items[at];
            let rests = item.change.is_none() && outdated.contains(&item.translated.aggregate);
            if rests || is_outdated(item) {
                item.fate = Fate::Skip;
            }
        }
        Ok(())
    }

    /// Takes echoes and late arrivals out; names the changes that a side derived by itself.
    fn sift(&mut self, pass: &mut Pass, changes: Vec<Change>) -> Result<(Vec<Change>, BTreeSet<SourceKey>)> {
        let keys = keys_of(&changes);
        let agreed = self.lens.agreed(&keys)?;
        let now = self.stands_now(pass.from, &changes, &agreed)?;
        let from = pass.from;
        let ledger = self.ledger(from, &pass.stream, &keys)?;
        let (mut left, mut derived) = (Vec::new(), BTreeSet::new());
        for (change, agreed) in changes.into_iter().zip(&agreed) {
            let last = ledger.get(&change.key).map(|row| row.version);
            match arrival(last, change.version) {
                Arrival::New => {}
                // What is journaled again is tried again.
                Arrival::Again if pass.is_again => {}
                Arrival::Again | Arrival::Late => {
                    pass.report.late += 1;
                    if pass.is_again {
                        pass.late.push(change);
                    }
                    continue;
                }
            }
            if pass.is_again {
                left.push(change);
                continue;
            }
            match self.origin(from, from, &change, agreed, now.get(&change.key)) {
                Origin::Own | Origin::Foreign => left.push(change),
                Origin::Echo | Origin::Superseded => pass.report.echoes += 1,
                Origin::Derived => {
                    pass.report.derived += 1;
                    let says_the_same = matches!(
                        (agreed, &change.after),
                        (Agreed::Row(agreed), Some(after)) if agreed == after
                    ) || change.after.is_none();
                    if says_the_same {
                        pass.settled.push((change.key.clone(), change.version));
                    } else {
                        derived.insert(change.key.clone());
                        left.push(change);
                    }
                }
            }
        }
        Ok((left, derived))
    }

    fn origin(
        &self,
        from: Owner,
        owner: Owner,
        change: &Change,
        agreed: &Agreed,
        now: Option<&Option<Image>>,
    ) -> Origin {
        let none = BTreeSet::new();
        judge(&Sighting {
            from,
            owner,
            mark: &change.mark,
            after: change.after.as_ref(),
            agreed,
            now: now.map(Option::as_ref),
            derived: self.settings.derived.get(change.key.table()).unwrap_or(&none),
        })
    }

    /// How rows stand on their own side, of which a marked change says something else than was agreed.
    fn stands_now(
        &mut self,
        from: Owner,
        changes: &[Change],
        agreed: &[Agreed],
    ) -> Result<BTreeMap<SourceKey, Option<Image>>> {
        let is_doubtful = |(change, agreed): &(&Change, &Agreed)| {
            let said = match agreed {
                Agreed::Unknown => return false,
                Agreed::Absent => None,
                Agreed::Row(image) => Some(image),
            };
            matches!(change.mark, Mark::Bridge(_)) && said != change.after.as_ref()
        };
        let doubtful = changes.iter().zip(agreed).filter(is_doubtful).map(|(change, _)| change.key.clone());
        let keys: Vec<SourceKey> = doubtful.collect();
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let now = self.world(from).follower.current(&keys)?;
        Ok(keys.into_iter().zip(now).collect())
    }

    /// What the ledger of the follower has of rows.
    pub(super) fn ledger(
        &mut self,
        from: Owner,
        stream: &Stream,
        keys: &[SourceKey],
    ) -> Result<BTreeMap<SourceKey, AppliedRow>> {
        let rows = self.world(from.other()).follower.applied(stream, keys)?;
        Ok(keys.iter().cloned().zip(rows).filter_map(|(key, row)| Some((key, row?))).collect())
    }

    /// Translates the changes. What rests on a changed row keeps the version that was applied of it: its own changes
    /// may still be on their way, and must not be taken for late.
    fn translate(&mut self, pass: &mut Pass, changes: Vec<Change>) -> Result<()> {
        let translated = self.translated(pass.from, &changes)?;
        let mut by_key: BTreeMap<SourceKey, Change> =
            changes.into_iter().map(|change| (change.key.clone(), change)).collect();
        pass.items = translated
            .into_iter()
            .map(|translated| Item {
                change: by_key.remove(&translated.cause),
                translated,
                fate: Fate::Write,
            })
            .collect();
        let resting = pass.items.iter().filter(|item| item.change.is_none());
        let resting: Vec<SourceKey> = resting.map(|item| item.translated.cause.clone()).collect();
        let ledger = self.ledger(pass.from, &pass.stream, &resting)?;
        for item in pass.items.iter_mut().filter(|item| item.change.is_none()) {
            let row = ledger.get(&item.translated.cause);
            item.translated.version = row.map_or_else(Version::default, |row| row.version);
        }
        Ok(())
    }

    /// Translates changes that were made by `from`.
    pub(super) fn translated(&mut self, from: Owner, changes: &[Change]) -> Result<Vec<Translated>> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        match from {
            Owner::Legacy => self.lens.forward(changes),
            Owner::New => self.lens.reverse(changes),
        }
    }

    /// Asks how the aggregates of a pass stand, and these others.
    fn find_standing(&mut self, pass: &mut Pass, others: &BTreeSet<String>) -> Result<()> {
        let mut aggregates: BTreeSet<&str> =
            pass.items.iter().map(|item| item.translated.aggregate.as_str()).collect();
        aggregates.extend(others.iter().map(String::as_str));
        let aggregates: Vec<&str> = aggregates.into_iter().collect();
        if aggregates.is_empty() {
            return Ok(());
        }
        let standing = self.parking.standing(&aggregates)?;
        for (aggregate, standing) in aggregates.into_iter().zip(standing) {
            if standing == Standing::Parked {
                pass.blocked.insert(aggregate.to_owned());
            }
            pass.standing.insert(aggregate.to_owned(), standing);
        }
        Ok(())
    }

    /// Who owns the row of a translation: of the entity in its scope.
    pub(super) fn owner_of(&self, from: Owner, scope: &Scope, translated: &Translated) -> Option<Ownership> {
        let entity = match from {
            Owner::Legacy => translated.rows.keys().next().map(SourceKey::table),
            Owner::New => Some(translated.cause.table()),
        };
        self.ownership.resolve(scope, entity, None)
    }

    fn decide_fates(&self, pass: &mut Pass) -> Vec<(usize, ConflictClass)> {
        let mut against = Vec::new();
        for (at, item) in pass.items.iter_mut().enumerate() {
            let translated = &item.translated;
            if let Some(reason) = &translated.parked {
                item.fate = Fate::Park(Parked::Reason(reason.clone()));
                pass.blocked.insert(translated.aggregate.clone());
                continue;
            }
            let Some(now) = self.owner_of(pass.from, &translated.scope, translated) else {
                item.fate = Fate::Park(Parked::Reason("scope-without-owner".to_owned()));
                pass.blocked.insert(translated.aggregate.clone());
                continue;
            };
            let moved = translated.moved_from.as_ref();
            let before = moved.and_then(|scope| self.owner_of(pass.from, scope, translated)).unwrap_or(now);
            let is_change = item.change.is_some();
            if item.fate == Fate::Note {
                continue;
            }
            if before.owner != pass.from {
                // Whoever moves a row out of a scope must own it there.
                let class = if before.owner == now.owner {
                    ConflictClass::OwnershipViolation
                } else {
                    ConflictClass::ScopeHandover
                };
                if is_change {
                    against.push((at, class));
                } else {
                    item.fate = Fate::Skip;
                }
                continue;
            }
            let unaccepted = |field: &&String| !self.settings.accepted_losses.contains(*field);
            if translated.lost.iter().any(|field| unaccepted(&field)) {
                against.push((at, ConflictClass::MappingLoss));
            }
        }
        against
    }

    /// Before somebody's write is called a stranger's, the databases are asked whether the ownership that this bridge
    /// knows is the one in force: a bridge that slept through a switch must not judge.
    fn confirm_owner(&mut self, pass: &Pass, at: usize) -> Result<()> {
        let translated = &pass.items[at].translated;
        let scopes = std::iter::once(&translated.scope).chain(&translated.moved_from);
        for scope in scopes.cloned().collect::<Vec<_>>() {
            let known = self.ownership.of(&scope).map(|known| known.epoch);
            for world in [Owner::Legacy, Owner::New] {
                let copy = self.world(world).follower.ownership(&scope)?;
                if copy.is_some_and(|copy| Some(copy.epoch) != known) {
                    let context = format!("the ownership of {scope} is not the one that this bridge knows");
                    return Err(Error::new(ErrorKind::Fenced, context));
                }
            }
        }
        Ok(())
    }

    /// Keeps a conflict that a change itself is, with what both worlds agreed on as the owner's word.
    fn keep_against(&mut self, pass: &mut Pass, at: usize, class: ConflictClass) -> Result<()> {
        let item = &pass.items[at];
        let (row, changed) = (item.translated.cause.clone(), item.change.clone());
        let agreed = self.lens.agreed(std::slice::from_ref(&row))?.pop();
        let agreed = match agreed {
            Some(Agreed::Row(image)) => Some(image),
            Some(Agreed::Absent | Agreed::Unknown) | None => None,
        };
        let after = changed.and_then(|change| change.after);
        let said = if class == ConflictClass::MappingLoss {
            let detail = item.translated.lost.join(", ");
            Said { owners: after, others: agreed, detail }
        } else {
            Said { owners: agreed, others: after, detail: String::new() }
        };
        pass.keep(at, class, &row, said);
        Ok(())
    }

    /// Records what is parked, before anything is applied.
    pub(super) fn park(&mut self, pass: &mut Pass) -> Result<()> {
        let is_resting = |item: &&Item| item.change.is_none() && matches!(item.fate, Fate::Park(_));
        let resting: Vec<SourceKey> =
            pass.items.iter().filter(is_resting).map(|item| item.translated.cause.clone()).collect();
        let agreed = if resting.is_empty() { Vec::new() } else { self.lens.agreed(&resting)? };
        let known = resting.into_iter().zip(agreed).filter_map(|(key, agreed)| match agreed {
            Agreed::Row(image) => Some((key, image)),
            Agreed::Absent | Agreed::Unknown => None,
        });
        let rows = pass.parked_rows(&known.collect());
        if !rows.is_empty() || !pass.conflicts.is_empty() {
            self.parking.park(&rows, &pass.conflicts)?;
        }
        pass.report.parked = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// The cut was applied by somebody else, or by this bridge without its knowing. Work that was on its way for long
    /// may have been made when other rows were parked: what was applied is what the follower's ledger says, and not
    /// what this pass would have written.
    fn found_applied(&mut self, pass: Pass, cut: &Cut) -> Result<Report> {
        self.note_again(pass.id, cut)?;
        self.reach(pass.from).dealt = Some(pass.id);
        Ok(pass.report)
    }

    /// Has the lens take note of what was applied, and takes rows off that were parked.
    fn finish(&mut self, mut pass: Pass) -> Result<Report> {
        for item in &mut pass.items {
            for (key, row) in &mut item.translated.rows {
                if let Some(merged) = pass.merged.get(key) {
                    *row = Some(merged.clone());
                }
            }
        }
        self.note(&pass)?;
        let from = pass.from;
        self.reach(from).dealt = Some(pass.id);
        if pass.report.outcome.is_none() {
            self.trace.push(Event::Passed { from, cut: pass.id.0 });
        }
        Ok(pass.report)
    }

    fn note(&mut self, pass: &Pass) -> Result<()> {
        let done = || pass.items.iter().filter(|item| matches!(item.fate, Fate::Write | Fate::Note));
        let changes: Vec<Change> = done().filter_map(|item| item.change.clone()).collect();
        let translated: Vec<Translated> = done().map(|item| item.translated.clone()).collect();
        if !translated.is_empty() {
            self.lens.applied(&changes, &translated)?;
        }
        let applied = translated.iter().map(|one| (one.cause.clone(), one.version));
        let rows: Vec<(SourceKey, Version)> = applied.chain(pass.settled.iter().cloned()).collect();
        let standing = pass.standing.iter().filter(|(_, standing)| **standing == Standing::OwnerStands);
        let over = standing.map(|(aggregate, _)| aggregate.as_str());
        // Only the rows that were let go end it: what came before them in the journal does not.
        let is_over = |aggregate: &&str| pass.is_again && !pass.blocked.contains(*aggregate);
        let over: Vec<&str> = over.filter(is_over).collect();
        if rows.is_empty() && over.is_empty() {
            Ok(())
        } else {
            self.parking.settle(&pass.stream, &rows, &over)
        }
    }

    /// Notes the last applied cut anew, as the follower's ledger has it.
    pub(super) fn note_again(&mut self, id: CutId, cut: &Cut) -> Result<()> {
        let mut pass = Pass::new(id, cut);
        let changes = last_states(&cut.changes);
        let ledger = self.ledger(pass.from, &pass.stream, &keys_of(&changes))?;
        let is_applied =
            |change: &Change| ledger.get(&change.key).is_some_and(|row| row.version == change.version);
        self.translate(&mut pass, changes.into_iter().filter(is_applied).collect())?;
        let is_owners = |item: &Item| {
            let translated = &item.translated;
            let scope = translated.moved_from.as_ref().unwrap_or(&translated.scope);
            self.owner_of(cut.stream.from, scope, translated)
                .is_some_and(|found| found.owner == cut.stream.from)
        };
        // What the other side derived, or wrote before it lost a scope, has been gone past since.
        pass.items.retain(|item| item.translated.parked.is_none() && is_owners(item));
        self.find_standing(&mut pass, &BTreeSet::new())?;
        let (mut rows, mut causes) = (BTreeSet::new(), BTreeSet::new());
        for item in &pass.items {
            rows.extend(item.translated.rows.keys().cloned());
            causes.insert(item.translated.cause.clone());
        }
        let (rows, causes): (Vec<_>, Vec<_>) = (rows.into_iter().collect(), causes.into_iter().collect());
        let ledger = self.ledger(pass.from, &pass.stream, &causes)?;
        let current = self.world(pass.from.other()).follower.current(&rows)?;
        let current: BTreeMap<SourceKey, Option<Image>> = rows.into_iter().zip(current).collect();
        pass.items.retain_mut(|item| is_known_applied(item, &ledger, &current));
        self.note(&pass)
    }
}

/// Whether the rows of a translation were applied, with the rows as they were: what the ledger says was written counts,
/// not what somebody has made of it since.
fn is_known_applied(
    item: &mut Item,
    ledger: &BTreeMap<SourceKey, AppliedRow>,
    current: &BTreeMap<SourceKey, Option<Image>>,
) -> bool {
    let written = ledger.get(&item.translated.cause).and_then(|row| row.content);
    for (key, row) in &mut item.translated.rows {
        let stands = current.get(key).cloned().flatten();
        let was_written =
            |image: &Option<Image>| written.is_some() && image.as_ref().map(Image::digest) == written;
        if *row == stands || was_written(row) {
            continue;
        }
        if was_written(&stands) {
            *row = stands;
        } else if item.change.is_none() {
            // It rests on a changed row, and was parked when that was applied.
            return false;
        }
    }
    true
}

fn keys_of(changes: &[Change]) -> Vec<SourceKey> {
    changes.iter().map(|change| change.key.clone()).collect()
}
