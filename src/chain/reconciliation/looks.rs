//! Looks at the target until every difference is either confirmed or known to be in flight.
//!
//! Each look reads one moment of the target. What is amiss at the first is looked at again at another moment, and only
//! that: a row that differs the same way at two looks in succession is a finding, a row that is as it should be at a
//! later look was being written and is none. A row that differs, but otherwise at every look, is not known to be wrong
//! and not proven. A balance, a control or a part of who may read what differs when no look finds it equal.

mod settle;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use bron_load::{Moment, Sink};
use bron_mappings::{Digest, Entity, EntityId};
use bron_reconcile::conservation::{Imbalance, Ledger};
use bron_reconcile::controls::ControlRow;
use bron_reconcile::references::ReferenceCounts;
use bron_reconcile::round_trip::RoundTripSummary;
use bron_reconcile::rows::{Finding, FindingKind, RowCounts};
use bron_reconcile::secrecy::Secrecy;
use bron_reconcile::summary::EntitySummary;
use bron_reconcile::waivers::Accepted;

use self::settle::Flights;
use super::findings::FindingsFile;
use super::part::Part;
use super::receipts::Loads;
use super::scope::Scoped;
use super::scratch::Scratch;
use super::spool::{Spool, Spooled};
use super::target_rows::Gathered;
use crate::chain::refused::Refused;
use crate::chain::{Chain, STOP, StagedTables};
use crate::failure::Failure;
use crate::patience::wait;
use crate::printer::Stage;

/// How often the target is looked at, and after which wait again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Looks {
    /// The most looks; one means that nothing is looked at again.
    pub(crate) most: u32,
    /// The wait before each look but the first.
    pub(crate) wait: Duration,
}

impl Default for Looks {
    /// Twice, at once: the second look is another moment, and that is enough where writers commit what belongs
    /// together.
    fn default() -> Self {
        Self { most: 2, wait: Duration::ZERO }
    }
}

/// What every look is held against.
pub(super) struct Ground<'g> {
    pub(super) staged: &'g StagedTables,
    pub(super) refused: &'g Refused,
    pub(super) ledger: &'g Ledger,
    pub(super) namnder: &'g BTreeMap<String, String>,
    pub(super) scope: &'g Scoped,
}

/// What the looks came to.
pub(super) struct Examined {
    pub(super) compared: Vec<EntitySummary>,
    pub(super) imbalances: Vec<Imbalance>,
    pub(super) controls: Vec<ControlRow>,
    pub(super) references: ReferenceCounts,
    pub(super) secrecy: Secrecy,
    pub(super) round_trip: RoundTripSummary,
    /// Rows that were being written while they were compared.
    pub(super) in_flight: u64,
    /// Those of them that no look found as they should be, by entity: nothing is known of them.
    pub(super) moving: BTreeSet<(String, EntityId)>,
    /// What is not proven because it never stood still, as Swedish sentences.
    pub(super) unproven: Vec<String>,
}

impl Examined {
    /// The rows of the target that were compared, or that only the target has.
    pub(super) fn looked_at(&self) -> u64 {
        self.compared.iter().map(|one| one.compared + one.unexpected + one.elsewhere).sum()
    }
}

/// One entity whose rows were compared.
struct EntityLook<'c> {
    entity: &'c Entity,
    counts: RowCounts,
    refused: u64,
    /// Findings that are to be looked at again.
    open: Spooled,
    /// Findings that count, as the looks gave them.
    confirmed: Vec<Spooled>,
}

/// What is known after a look.
struct Known<'c> {
    entities: Vec<EntityLook<'c>>,
    imbalances: Vec<Imbalance>,
    controls: Vec<ControlRow>,
    references: ReferenceCounts,
    dangling: Spooled,
    secrecy: Secrecy,
    round_trip: RoundTripSummary,
    put_back: Spooled,
}

impl Known<'_> {
    fn is_amiss(&self) -> bool {
        self.entities.iter().any(|entity| entity.open.count > 0)
            || !self.imbalances.is_empty()
            || self.controls.iter().any(|row| row.difference != 0)
            || self.dangling.count > 0
            || !self.secrecy.is_equal()
    }
}

impl Chain<'_> {
    /// Looks at the target as often as it takes, and writes what is confirmed.
    pub(super) fn examine(
        &self,
        ground: &Ground<'_>,
        looks: Looks,
        sink: &mut dyn Sink,
        findings: &mut FindingsFile<'_>,
        stage: &Stage,
    ) -> Result<Examined, Failure> {
        let scratch = Scratch::new(self.run.dir.join("looks"));
        let mut flights = Flights::new(self)?;
        let moment = sink.hold()?;
        let mut known = self.first_look(ground, sink, &scratch, stage)?;
        sink.release()?;
        if moment == Moment::Passing {
            for look in 2..=looks.most {
                if !known.is_amiss() {
                    break;
                }
                stage.now("look again");
                wait(looks.wait, || !STOP.load(Ordering::SeqCst));
                self.go_on()?;
                sink.hold()?;
                self.look_again(ground, sink, (&scratch, look), &mut known, &mut flights)?;
                sink.release()?;
            }
        }
        let is_open = moment == Moment::Passing && looks.most > 1;
        known.settled(findings, flights, is_open)
    }

    fn first_look<'c>(
        &'c self,
        ground: &Ground<'_>,
        sink: &mut dyn Sink,
        scratch: &Scratch,
        stage: &Stage,
    ) -> Result<Known<'c>, Failure> {
        let loads = Loads::of(sink)?;
        let mut gathered = self.nothing_gathered();
        let mut entities = Vec::new();
        for entity in self.entities() {
            self.go_on()?;
            stage.now(&entity.name);
            entities.push(self.look_at(entity, (ground, &loads), sink, scratch, &mut gathered)?);
            stage.step();
        }
        stage.now("round trip");
        let mut put_back = Spool::new(self, scratch.dir("put-back"));
        let round_trip =
            self.round_trip(ground.staged, sink, ground.scope, &mut |finding| put_back.push(finding, None))?;
        stage.now("controls");
        let controls = self.controls(ground.staged, sink, ground.refused, ground.namnder, None)?;
        let imbalances = ground.ledger.check(&self.extracted(ground.staged), &gathered.held);
        stage.now("references");
        let mut dangling = Spool::new(self, scratch.dir("dangling"));
        let mut references = self.settle_references(gathered, sink, ground.refused, &mut dangling)?;
        references.dangling += self.tell_strange(sink, &loads, &mut dangling)?;
        stage.now("secrecy");
        let secrecy = self.secrecy(sink, (ground.refused, &loads), &Accepted::default(), ground.namnder)?;
        let (dangling, put_back) = (dangling.finish()?, put_back.finish()?);
        Ok(Known { entities, imbalances, controls, references, dangling, secrecy, round_trip, put_back })
    }

    fn nothing_gathered(&self) -> Gathered {
        Gathered::new(self.run.dir.join("references"))
    }

    /// Compares the rows of an entity, and gathers what passes by.
    fn look_at<'c>(
        &'c self,
        entity: &'c Entity,
        (ground, loads): (&Ground<'_>, &Loads),
        sink: &mut dyn Sink,
        scratch: &Scratch,
        gathered: &mut Gathered,
    ) -> Result<EntityLook<'c>, Failure> {
        let dir = |what: &str| scratch.dir(&format!("{what}-{}", entity.name));
        let (mut open, mut confirmed) = (Spool::new(self, dir("open")), Spool::new(self, dir("confirmed")));
        let mut found = |finding: Finding, seen: Option<Digest>| match finding.kind {
            // A row without an id is named by its place and cannot be asked for again.
            FindingKind::Nameless { .. } => confirmed.push(finding, seen),
            FindingKind::Missing
            | FindingKind::Unexpected
            | FindingKind::Differs { .. }
            | FindingKind::Repeated
            | FindingKind::Dangling { .. }
            | FindingKind::NotRestored { .. } => open.push(finding, seen),
        };
        let held_against = (ground.refused, loads);
        let counts = match ground.scope.part(&entity.name) {
            Part::All => self.compare(entity, sink, held_against, &Part::All, Some(gathered), &mut found)?,
            part @ (Part::Span(_) | Part::Ids(_)) => {
                self.gather(entity, sink, loads, gathered)?;
                self.compare(entity, sink, held_against, part, None, &mut found)?
            }
        };
        let refused = u64::try_from(ground.refused.ids(&entity.name).len()).unwrap_or(u64::MAX);
        Ok(EntityLook { entity, counts, refused, open: open.finish()?, confirmed: vec![confirmed.finish()?] })
    }

    /// Looks once more at what is amiss, at another moment.
    fn look_again<'c>(
        &'c self,
        ground: &Ground<'_>,
        sink: &mut dyn Sink,
        (scratch, look): (&Scratch, u32),
        known: &mut Known<'c>,
        flights: &mut Flights<'_>,
    ) -> Result<(), Failure> {
        let loads = Loads::of(sink)?;
        for entity in known.entities.iter_mut().filter(|entity| entity.open.count > 0) {
            self.go_on()?;
            let part = Part::Ids(entity.open.ids()?);
            let name = &entity.entity.name;
            let mut second = Spool::new(self, scratch.dir(&format!("look-{look}-{name}")));
            self.compare(
                entity.entity,
                sink,
                (ground.refused, &loads),
                &part,
                None,
                &mut |finding, seen| second.push(finding, seen),
            )?;
            let next = Spool::new(self, scratch.dir(&format!("open-{look}-{name}")));
            let mut confirmed = Spool::new(self, scratch.dir(&format!("confirmed-{look}-{name}")));
            let second = second.finish()?;
            entity.open = settle::rows(&entity.open, &second, &mut confirmed, next, flights)?;
            entity.confirmed.push(confirmed.finish()?);
        }
        if !known.imbalances.is_empty() || known.dangling.count > 0 {
            let mut gathered = self.nothing_gathered();
            for entity in self.entities() {
                self.go_on()?;
                self.gather(entity, sink, &loads, &mut gathered)?;
            }
            let found = ground.ledger.check(&self.extracted(ground.staged), &gathered.held);
            known.imbalances = settle::imbalances(&known.imbalances, found);
            let mut dangling = Spool::new(self, scratch.dir(&format!("dangling-{look}")));
            let references = self.settle_references(gathered, sink, ground.refused, &mut dangling)?;
            self.tell_strange(sink, &loads, &mut dangling)?;
            let kept = Spool::new(self, scratch.dir(&format!("dangling-kept-{look}")));
            known.dangling = settle::dangling(&known.dangling, &dangling.finish()?, kept)?;
            known.references = ReferenceCounts { dangling: known.dangling.count, ..references };
        }
        let unequal = known.controls.iter().filter(|row| row.difference != 0);
        let unequal: BTreeSet<String> = unequal.map(|row| row.name.clone()).collect();
        if !unequal.is_empty() {
            let found = self.controls(ground.staged, sink, ground.refused, ground.namnder, Some(&unequal))?;
            settle::controls(&mut known.controls, &found);
        }
        if !known.secrecy.is_equal() {
            let found = self.secrecy(sink, (ground.refused, &loads), &Accepted::default(), ground.namnder)?;
            known.secrecy = settle::secrecy(&known.secrecy, found);
        }
        Ok(())
    }

    /// Balances who may read what once more, without the rows that only one side has and that are accepted so.
    pub(super) fn secrecy_beside_accepted(
        &self,
        ground: &Ground<'_>,
        looks: Looks,
        sink: &mut dyn Sink,
        accepted: &Accepted,
    ) -> Result<Secrecy, Failure> {
        let mut look = || -> Result<(Moment, Secrecy), Failure> {
            self.go_on()?;
            let moment = sink.hold()?;
            let loads = Loads::of(sink)?;
            let found = self.secrecy(sink, (ground.refused, &loads), accepted, ground.namnder)?;
            sink.release()?;
            Ok((moment, found))
        };
        let (moment, mut known) = look()?;
        for _ in 2..=looks.most {
            if known.is_equal() || moment != Moment::Passing {
                break;
            }
            wait(looks.wait, || !STOP.load(Ordering::SeqCst));
            known = settle::secrecy(&known, look()?.1);
        }
        Ok(known)
    }
}

impl Known<'_> {
    /// Writes what is confirmed. What is still open after more than one look is in flight and not proven; after one
    /// look it is all that is known, and counts.
    fn settled(
        self,
        findings: &mut FindingsFile<'_>,
        mut flights: Flights<'_>,
        is_open: bool,
    ) -> Result<Examined, Failure> {
        let (mut compared, mut found) = (Vec::new(), Vec::new());
        let remembers = self.put_back.count > 0;
        for mut entity in self.entities {
            if is_open {
                flights.take(&entity.open)?;
            }
            let counts = entity.write(is_open, &mut |finding| {
                found.extend(Some(finding.entity_id).filter(|_| remembers));
                findings.push(finding)
            })?;
            compared.push(EntitySummary::new(&entity.entity.name, counts).with_refused(entity.refused));
        }
        for suspect in self.dangling.read()? {
            findings.push(suspect?.finding)?;
        }
        found.sort_unstable();
        let mut round_trip = self.round_trip;
        for suspect in self.put_back.read()? {
            let finding = suspect?.finding;
            if flights.has(&finding) {
                round_trip.settle(&finding);
            } else if found.binary_search(&finding.entity_id).is_err() {
                round_trip.stands_alone();
                findings.push(finding)?;
            }
        }
        let (in_flight, moving) = flights.finish()?;
        let restless = (!moving.is_empty()).then(|| {
            let rows = moving.len();
            format!("{rows} rader i målet skrevs om vid varje jämförelse och är inte jämförda i ro.")
        });
        Ok(Examined {
            compared,
            imbalances: self.imbalances,
            controls: self.controls,
            references: self.references,
            secrecy: self.secrecy,
            round_trip,
            in_flight,
            moving,
            unproven: restless.into_iter().collect(),
        })
    }
}

impl EntityLook<'_> {
    /// Hands on what counts, and counts it: what is confirmed, and what is open unless it is in flight.
    fn write(
        &mut self,
        is_open: bool,
        into: &mut dyn FnMut(Finding) -> Result<(), Failure>,
    ) -> Result<RowCounts, Failure> {
        let counts = &mut self.counts;
        (counts.missing, counts.unexpected, counts.differs) = (0, 0, 0);
        let open = Some(&self.open).filter(|_| !is_open);
        for found in self.confirmed.iter().chain(open) {
            for suspect in found.read()? {
                let finding = suspect?.finding;
                settle::count(counts, &finding);
                into(finding)?;
            }
        }
        Ok(*counts)
    }
}
