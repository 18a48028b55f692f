//! One run: a world, what happens in it, and whether both sides say the same in the end.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use bron_dual_run::{
    ApplyWork, Bridge, Budget, ConflictClass, Direction, Error, ErrorKind, Event, FieldGroups, Image, Next,
    Occurrence, Outcome, Owner, Phase, Release, Settings, Stream, Turn, Version, accepts,
};
use bron_mappings::SourceKey;

use crate::database::{Database, Sabotage};
use crate::faults::Faults;
use crate::lens::{Known, ToyLens};
use crate::operator::Affairs;
use crate::parts::{FollowerEnd, Holder, Source, Store, Telling};
use crate::random::Random;
use crate::toy::{City, Person, Rows, UNITS, id, in_legacy, in_the_model, text, without_derived};
use crate::users::{Act, Deed, draw, perform, trespass, unit_of};

/// How many things happen in a run before it comes to rest.
const TICKS: u64 = 400;
/// After how many turns a bridge that has nothing to do must have noticed.
const PATIENCE: usize = 400;

/// What happened in a run, or in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs.
    pub runs: u64,
    /// What people did.
    pub deeds: u64,
    /// Cuts of the journal.
    pub cuts: u64,
    /// Transactions that the bridge committed.
    pub commits: u64,
    /// Switches that were completed.
    pub switches: u64,
    /// Reverts that were completed.
    pub reverts: u64,
    /// Hand-overs that were cancelled.
    pub cancelled: u64,
    /// Times that the bridge was killed.
    pub kills: u64,
    /// Conflicts that were kept.
    pub conflicts: u64,
    /// Writes of somebody who may not write.
    pub trespasses: u64,
    /// Work that arrived late or again.
    pub delayed: u64,
}

impl Tally {
    /// Counts the end of a hand-over.
    pub(crate) fn note(&mut self, direction: Direction, end: Next) {
        match (end, direction) {
            (Next::Completed, Direction::Switch) => self.switches += 1,
            (Next::Completed, Direction::Revert) => self.reverts += 1,
            (Next::Cancelled | Next::Perform(_) | Next::Inquire | Next::Undo(_), _) => self.cancelled += 1,
        }
    }

    /// Adds what happened in another run.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.deeds += other.deeds;
        self.cuts += other.cuts;
        self.commits += other.commits;
        self.switches += other.switches;
        self.reverts += other.reverts;
        self.cancelled += other.cancelled;
        self.kills += other.kills;
        self.conflicts += other.conflicts;
        self.trespasses += other.trespasses;
        self.delayed += other.delayed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} runs, {} deeds, {} cuts, {} commits, {} switches, {} reverts, {} hand-overs cancelled, {} kills, \
             {} deliveries late or again, {} trespasses, {} conflicts kept",
            self.runs,
            self.deeds,
            self.cuts,
            self.commits,
            self.switches,
            self.reverts,
            self.cancelled,
            self.kills,
            self.delayed,
            self.trespasses,
            self.conflicts
        )
    }
}

/// A run that went wrong. The seed tells the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.why)
    }
}

impl std::error::Error for Failure {}

/// How much of what happened has been told.
#[derive(Clone, Debug, Default)]
struct Told {
    logs: [usize; 2],
    cuts: usize,
    conflicts: usize,
    parked: String,
    phases: String,
}

/// Everything that outlives a bridge.
pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) city: City,
    pub(crate) legacy: Rc<RefCell<Database>>,
    pub(crate) new: Rc<RefCell<Database>>,
    pub(crate) store: Rc<RefCell<Store>>,
    pub(crate) faults: Rc<RefCell<Faults>>,
    pub(crate) affairs: BTreeMap<String, Affairs>,
    /// Transactions that passed the fence and are not committed, with the units that they write in.
    pub(crate) open: Vec<(Act, BTreeSet<String>)>,
    pub(crate) trace: Vec<Event>,
    pub(crate) tally: Tally,
    pub(crate) sabotage: Sabotage,
    /// How often in a thousand steps a hand-over is asked to cancel, and how often the operator's program dies.
    pub(crate) impatience: u64,
    pub(crate) stumbles: u64,
    /// Whether the bridge is not told when the ownership changes.
    pub(crate) sleepy: bool,
    known: Rc<RefCell<Known>>,
    delayed: Rc<RefCell<Vec<ApplyWork>>>,
    settings: Settings,
    telling: [Telling; 2],
    delays: u64,
    wild: BTreeMap<(Owner, SourceKey), Image>,
    may_trespass: bool,
    sees_everything: bool,
    /// The last error of the bridge.
    last: String,
    /// Where the seed stands: the table, and the last key.
    seed_at: Option<(usize, Option<SourceKey>)>,
    told: Told,
}

/// The tables of a seed.
const TABLES: [&str; 3] = ["PERSON", "KONTAKT", "ARENDE"];

/// Runs a seed.
///
/// # Errors
/// With what is wrong.
pub fn run(seed: u64, sabotage: Sabotage) -> Result<Tally, Failure> {
    World::new(seed, sabotage).live().map_err(|why| Failure { seed, why })
}

/// Runs a seed, and tells what happened in it, line by line.
pub fn replay(seed: u64) -> (Result<Tally, Failure>, Vec<String>) {
    let world = World::new(seed, Sabotage::None);
    let faults = Rc::clone(&world.faults);
    faults.borrow_mut().write_story();
    let ended = world.live().map_err(|why| Failure { seed, why });
    let story = faults.borrow_mut().take_story();
    (ended, story)
}

impl World {
    fn new(seed: u64, sabotage: Sabotage) -> Self {
        let mut random = Random::new(seed);
        let faults = Rc::new(RefCell::new(Faults::new(random.next())));
        let lines = *random.pick(&[0, 5, 30]);
        let kills = *random.pick(&[0, 2, 10]);
        faults.borrow_mut().set(lines, kills);
        let tellings = [Telling::Log, Telling::Net, Telling::Overlap];
        let telling = [*random.pick(&tellings), *random.pick(&tellings)];
        let mut legacy = Database::new(Owner::Legacy, sabotage);
        let mut city = City::new();
        for person in 0..random.below(4) {
            let (given, family) = (format!("g{person}"), format!("f{person}"));
            let unit = (*random.pick(&UNITS)).to_owned();
            let phone = random.happens(500).then(|| format!("08-{person}"));
            let note = format!("n{person}");
            city.insert(person, Person { given, family, unit, phone, note, cases: BTreeMap::new() });
        }
        legacy.write(in_legacy(&city).into_iter().map(|(key, row)| (key, Some(row))).collect());
        let derived = BTreeMap::from([("PERSON".to_owned(), BTreeSet::from(["SALDO".to_owned()]))]);
        let settings = Settings {
            budget: Budget { changes: *random.pick(&[1, 3, 100]) },
            derived,
            groups: FieldGroups::default(),
            accepted_losses: BTreeSet::new(),
            token: 0,
        };
        let delays = *random.pick(&[0, 20, 100]);
        let sees_everything = (lines, kills, delays) == (0, 0, 0);
        Self {
            city,
            legacy: Rc::new(RefCell::new(legacy)),
            new: Rc::new(RefCell::new(Database::new(Owner::New, sabotage))),
            store: Rc::default(),
            faults,
            affairs: UNITS.iter().map(|unit| ((*unit).to_owned(), Affairs::default())).collect(),
            open: Vec::new(),
            trace: Vec::new(),
            tally: Tally { runs: 1, ..Tally::default() },
            sabotage,
            impatience: *random.pick(&[0, 20]),
            stumbles: *random.pick(&[0, 100]),
            sleepy: random.happens(300),
            known: Rc::default(),
            delayed: Rc::default(),
            settings,
            telling,
            delays,
            sees_everything,
            last: String::new(),
            wild: BTreeMap::new(),
            may_trespass: random.happens(250),
            seed_at: None,
            told: Told::default(),
            random,
        }
    }

    /// The database of a world.
    pub(crate) const fn database(&self, world: Owner) -> &Rc<RefCell<Database>> {
        match world {
            Owner::Legacy => &self.legacy,
            Owner::New => &self.new,
        }
    }

    fn live(mut self) -> Result<Tally, String> {
        self.begin_seed();
        let mut ticks = 0;
        while ticks < TICKS {
            self.session(|world, bridge| {
                while ticks < TICKS {
                    ticks += 1;
                    if world.tick(bridge)? {
                        return Ok(());
                    }
                }
                Ok(())
            })?;
        }
        self.come_to_rest()?;
        self.judge()?;
        Ok(self.tally)
    }

    /// The life of one bridge: from taking the lease to its end.
    fn session(
        &mut self,
        live: impl FnOnce(&mut Self, &mut Bridge<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        self.tally.kills += u64::from(self.faults.borrow_mut().revive());
        let token = {
            let mut store = self.store.borrow_mut();
            store.token += 1;
            store.token
        };
        self.trace.push(Event::Started { token });
        self.faults.borrow_mut().tell(|| format!("bridge {token} starts"));
        let settings = Settings { token, ..self.settings.clone() };
        let stream = |source: &str, from| Stream { source: source.to_owned(), from };
        let streams = [stream("toy", Owner::Legacy), stream("model", Owner::New)];
        let source = |at: usize, database: &Rc<RefCell<Database>>| Source {
            database: Rc::clone(database),
            faults: Rc::clone(&self.faults),
            stream: streams[at].clone(),
            telling: self.telling[at],
            life: 1,
        };
        let end = |database: &Rc<RefCell<Database>>| FollowerEnd {
            database: Rc::clone(database),
            faults: Rc::clone(&self.faults),
            delayed: Rc::clone(&self.delayed),
            delays: self.delays,
        };
        let holder = || Holder {
            store: Rc::clone(&self.store),
            faults: Rc::clone(&self.faults),
            token,
            sabotage: self.sabotage,
        };
        let (mut legacy_source, mut new_source) = (source(0, &self.legacy), source(1, &self.new));
        let (mut legacy_end, mut new_end) = (end(&self.legacy), end(&self.new));
        let (mut journal, mut parking) = (holder(), holder());
        let forgetful = self.sabotage == Sabotage::NoEchoes;
        let mut lens = ToyLens::new(Rc::clone(&self.known), Rc::clone(&self.faults), forgetful);
        let [of_legacy, of_new] = streams;
        let side = |stream, source, follower| bron_dual_run::World {
            stream,
            source,
            follower,
            incarnation: None,
            schema: None,
        };
        let mut bridge = Bridge::new(
            side(of_legacy, &mut legacy_source, &mut legacy_end),
            side(of_new, &mut new_source, &mut new_end),
            &mut journal,
            &mut lens,
            &mut parking,
            &settings,
        );
        bridge.set_ownership(self.table());
        let lived = live(self, &mut bridge);
        self.trace.extend(bridge.take_trace());
        lived
    }

    /// Writes down what is new in the databases and the store, where somebody wants to read it.
    fn tell_news(&mut self) {
        if !self.faults.borrow().has_story() {
            return;
        }
        let mut lines = Vec::new();
        for (at, database) in [&self.legacy, &self.new].into_iter().enumerate() {
            let database = database.borrow();
            for change in &database.log()[self.told.logs[at]..] {
                let after = show(change.after.as_ref());
                let (table, id, version) = (change.key.table(), id(&change.key), change.version);
                let (major, minor, mark) = (version.major, version.minor, &change.mark);
                lines.push(format!("  {table} {id} at {major}.{minor} by {mark:?}: {after:?}"));
            }
            self.told.logs[at] = database.log().len();
        }
        let store = self.store.borrow();
        for (at, (cut, _)) in (1..).zip(&store.cuts).skip(self.told.cuts) {
            let version = |version: Version| format!("{}.{}", version.major, version.minor);
            let changes = cut.changes.iter();
            let changes =
                changes.map(|one| format!("{} {}@{}", one.key.table(), id(&one.key), version(one.version)));
            let changes: Vec<String> = changes.collect();
            lines.push(format!("  cut {at} from {}: {}", cut.stream.from.name(), changes.join(", ")));
        }
        for one in &store.conflicts[self.told.conflicts..] {
            let (row, version) = (one.row.table(), one.version.major);
            lines.push(format!("  conflict {} of {row} {} at {version}", one.class, one.aggregate));
        }
        self.told.cuts = store.cuts.len();
        self.told.conflicts = store.conflicts.len();
        for (told, now) in [
            (&mut self.told.parked, store.told()),
            (
                &mut self.told.phases,
                format!(
                    "{:?}",
                    self.affairs.values().map(|one| one.course.phase.to_string()).collect::<Vec<_>>()
                ),
            ),
        ] {
            if *told != now {
                lines.push(format!("  {now}"));
                *told = now;
            }
        }
        drop(store);
        for line in lines {
            self.faults.borrow_mut().tell(|| line);
        }
    }

    /// One thing happens; tells whether the bridge has to be started anew.
    fn tick(&mut self, bridge: &mut Bridge<'_>) -> Result<bool, String> {
        match self.random.below(100) {
            0..=34 => self.somebody_acts(),
            35..=39 => self.somebody_commits(),
            40..=74 => {
                let from = *self.random.pick(&[Owner::Legacy, Owner::New]);
                let turned = bridge.turn(from);
                return self.after(bridge, turned);
            }
            75..=79 => {
                let seeded = self.seed(bridge);
                return self.after(bridge, seeded);
            }
            80..=83 => self.deliver(bridge),
            84..=94 => {
                let unit = *self.random.pick(&UNITS);
                self.trace.extend(bridge.take_trace());
                self.operate(unit, bridge)?;
                self.trace.extend(bridge.take_trace());
                return Ok(self.faults.borrow().is_dead());
            }
            95..=96 => {
                let blocked = self.store.borrow().blocked();
                if !blocked.is_empty() {
                    let aggregate = self.random.pick(&blocked).clone();
                    let released = self.release(&aggregate, bridge);
                    return self.after(bridge, released);
                }
            }
            97 if self.may_trespass => self.somebody_trespasses(),
            98 => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    /// Judges how a call of the bridge ended: lines break and bridges die, but nothing else may go wrong.
    fn after<T: fmt::Debug>(
        &mut self,
        bridge: &mut Bridge<'_>,
        ended: Result<T, Error>,
    ) -> Result<bool, String> {
        self.trace.extend(bridge.take_trace());
        self.faults.borrow_mut().tell(|| format!("{ended:?}"));
        self.tell_news();
        match ended {
            Ok(_) => Ok(self.faults.borrow().is_dead()),
            Err(error) => {
                self.last = error.to_string();
                match error.kind() {
                    ErrorKind::Connection => Ok(self.faults.borrow().is_dead()),
                    ErrorKind::Storage | ErrorKind::Fenced => Ok(true),
                    ErrorKind::Config
                    | ErrorKind::Expired
                    | ErrorKind::Rewound
                    | ErrorKind::Drift
                    | ErrorKind::Corrupt
                    | ErrorKind::Refused
                    | ErrorKind::Database => Err(format!("the bridge fails: {error}")),
                    _ => Err(format!("the bridge fails otherwise: {error}")),
                }
            }
        }
    }

    fn somebody_acts(&mut self) {
        let Some(act) = draw(&mut self.random, &self.city, [&self.legacy, &self.new]) else {
            return;
        };
        let mut units: BTreeSet<String> =
            unit_of(act.world, &self.database(act.world).borrow(), act.person).into_iter().collect();
        let is_busy = self.open.iter().any(|(open, _)| open.person == act.person);
        match &act.deed {
            Deed::Add(person) => drop(units.insert(person.unit.clone())),
            Deed::Unit(_) if self.store.borrow().blocked().contains(&format!("p{}", act.person)) => return,
            Deed::Unit(_)
            | Deed::Name(..)
            | Deed::Phone(_)
            | Deed::Note(_)
            | Deed::Case(..)
            | Deed::Strike(_)
            | Deed::Remove
            | Deed::Garble(_) => {}
        }
        if is_busy {
            return;
        }
        if self.random.happens(150) {
            self.open.push((act, units));
        } else {
            self.perform(&act);
        }
    }

    fn perform(&mut self, act: &Act) {
        let database = Rc::clone(self.database(act.world));
        self.faults.borrow_mut().tell(|| format!("{act:?}"));
        self.tally.deeds += u64::from(perform(act, &mut self.city, &mut database.borrow_mut()));
        self.tell_news();
    }

    fn somebody_commits(&mut self) {
        if !self.open.is_empty() {
            let (act, _) = self.open.remove(0);
            self.perform(&act);
        }
    }

    fn somebody_trespasses(&mut self) {
        let world = *self.random.pick(&[Owner::Legacy, Owner::New]);
        let database = Rc::clone(self.database(world));
        let written = trespass(&mut self.random, world, &mut database.borrow_mut());
        if let Some((key, image)) = written {
            self.tally.trespasses += 1;
            self.faults.borrow_mut().tell(|| "a trespass".to_owned());
            self.wild.insert((world, key), image);
        }
    }

    /// Work that was on its way arrives.
    fn deliver(&mut self, bridge: &mut Bridge<'_>) {
        let mut delayed = self.delayed.borrow_mut();
        if delayed.is_empty() {
            return;
        }
        let count = u64::try_from(delayed.len()).unwrap_or(1);
        let work = delayed.remove(usize::try_from(self.random.below(count)).unwrap_or(0));
        drop(delayed);
        self.tally.delayed += 1;
        self.trace.extend(bridge.take_trace());
        let follower = Rc::clone(self.database(work.stream.from.other()));
        let applied = follower.borrow_mut().apply(&work);
        self.faults.borrow_mut().tell(|| format!("late: {work:?}: {applied:?}"));
        if applied == bron_dual_run::Applied::Committed {
            let epochs =
                work.epochs.iter().map(|(scope, epoch)| (scope.to_string(), epoch.changes())).collect();
            let (from, outcome) = (work.stream.from, Outcome::Committed);
            self.trace.push(Event::Applied { from, cut: work.cut.0, epochs, outcome });
        }
    }

    /// Reads on in the seed, while there is one.
    fn seed(&mut self, bridge: &mut Bridge<'_>) -> Result<(), Error> {
        if self.affairs[UNITS[0]].course.phase != Phase::Seeding {
            return Ok(());
        }
        let Some((table, after)) = self.seed_at.clone() else {
            bridge.begin(Owner::Legacy)?;
            bridge.begin(Owner::New)?;
            self.seed_at = Some((0, None));
            return Ok(());
        };
        if let Some(name) = TABLES.get(table) {
            let seeded = bridge.seed_chunk(Owner::Legacy, name, after.as_ref(), 1)?;
            self.seed_at = Some(if seeded.more { (table, seeded.last) } else { (table + 1, None) });
            return Ok(());
        }
        bridge.drain(Owner::Legacy)?;
        for unit in UNITS {
            self.occur(unit, Occurrence::Seeded);
        }
        Ok(())
    }

    /// Lets parked rows go: the owner stands where somebody else has written, else they are tried again.
    fn release(&mut self, aggregate: &str, bridge: &mut Bridge<'_>) -> Result<(), Error> {
        let foreign = [
            ConflictClass::InsertRowExists,
            ConflictClass::UpdateRowExists,
            ConflictClass::UpdateRowMissing,
            ConflictClass::DeleteRowExists,
            ConflictClass::DeleteRowMissing,
            ConflictClass::OwnershipViolation,
            ConflictClass::ScopeHandover,
        ];
        let over = self.store.borrow().has_conflict(aggregate, &foreign);
        bridge.release(aggregate, if over { Release::OwnerStands } else { Release::Retry })
    }

    /// Nothing goes wrong any more, and what was begun is ended.
    fn come_to_rest(&mut self) -> Result<(), String> {
        self.faults.borrow_mut().set(0, 0);
        (self.impatience, self.stumbles, self.delays) = (0, 0, 0);
        self.sleepy = false;
        for _ in 0..40 {
            let mut at_rest = false;
            self.session(|world, bridge| {
                at_rest = world.settle(bridge)?;
                Ok(())
            })?;
            if at_rest {
                return Ok(());
            }
        }
        let phases: Vec<String> = self.affairs.values().map(|one| one.course.phase.to_string()).collect();
        let parked = self.store.borrow().told();
        Err(format!(
            "the world does not come to rest: {parked}, {phases:?}, last {}, {} open",
            self.last,
            self.open.len()
        ))
    }

    /// One round towards rest; tells whether it is reached.
    fn settle(&mut self, bridge: &mut Bridge<'_>) -> Result<bool, String> {
        while !self.open.is_empty() && !self.is_handing_over() {
            self.somebody_commits();
        }
        while !self.delayed.borrow().is_empty() {
            self.deliver(bridge);
        }
        for _ in 0..200 {
            let seeded = self.seed(bridge);
            if self.after(bridge, seeded)? {
                return Ok(false);
            }
        }
        for unit in UNITS {
            for _ in 0..60 {
                if self.open.is_empty() || !self.is_handing_over() {
                    break;
                }
                self.somebody_commits();
            }
            while matches!(self.affairs[unit].course.phase, Phase::Switching | Phase::Reverting) {
                self.trace.extend(bridge.take_trace());
                self.go_on(unit, bridge)?;
                self.trace.extend(bridge.take_trace());
            }
        }
        for from in [Owner::Legacy, Owner::New, Owner::Legacy, Owner::New] {
            for turn in 0.. {
                let turned = bridge.turn(from);
                let is_idle = matches!(turned, Ok(Turn::Idle(_)));
                if self.after(bridge, turned)? {
                    return Ok(false);
                }
                if is_idle && turn > 3 {
                    break;
                }
                if turn > PATIENCE {
                    return Err("changes come round without end".to_owned());
                }
            }
        }
        let blocked = self.store.borrow().blocked();
        self.mend();
        for aggregate in &blocked {
            let released = self.release(aggregate, bridge);
            if self.after(bridge, released)? {
                return Ok(false);
            }
        }
        Ok(blocked.is_empty() && self.open.is_empty())
    }

    fn is_handing_over(&self) -> bool {
        self.affairs.values().any(|one| matches!(one.course.phase, Phase::Switching | Phase::Reverting))
    }

    /// People mend what cannot be understood: names without a comma, and telephones that two persons have.
    fn mend(&mut self) {
        let garbled: Vec<u64> = {
            let rows = self.legacy.borrow();
            let persons = rows.rows().iter().filter(|(key, _)| key.table() == "PERSON");
            persons.filter(|(_, row)| !text(row, "NAMN").contains(", ")).map(|(key, _)| id(key)).collect()
        };
        for person in garbled {
            let (given, family) = (format!("mended{person}"), "m".to_owned());
            self.perform_if_admitted(&Act { world: Owner::Legacy, person, deed: Deed::Name(given, family) });
        }
        let mut phones: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for (id, person) in &self.city {
            phones.entry(person.phone.clone().unwrap_or_default()).or_default().push(*id);
        }
        phones.remove("");
        for persons in phones.into_values().filter(|persons| persons.len() > 1) {
            for person in persons {
                let phone = Some(format!("08-mended-{person}"));
                for world in [Owner::Legacy, Owner::New] {
                    self.perform_if_admitted(&Act { world, person, deed: Deed::Phone(phone.clone()) });
                }
            }
        }
    }

    fn perform_if_admitted(&mut self, act: &Act) {
        let database = Rc::clone(self.database(act.world));
        let unit = unit_of(act.world, &database.borrow(), act.person);
        if unit.is_some_and(|unit| database.borrow().admits(&unit)) {
            self.perform(act);
        }
    }

    /// Whether both worlds hold what is true, and everything that happened was allowed.
    fn judge(&mut self) -> Result<(), String> {
        for (world, expected) in
            [(Owner::Legacy, in_legacy(&self.city)), (Owner::New, in_the_model(&self.city))]
        {
            let rows = without_derived(self.database(world).borrow().rows());
            if let Some(difference) = difference(&rows, &expected) {
                return Err(format!("the {} world {difference}", world.name()));
            }
        }
        let store = self.store.borrow();
        for ((world, key), image) in &self.wild {
            let is_kept = store.conflicts.iter().any(|one| one.others.as_ref() == Some(image));
            if !is_kept {
                let table = key.table();
                return Err(format!("a trespass in {table} of the {} world was not noticed", world.name()));
            }
        }
        // Where calls fail after their effect, the bridge has not seen everything that it did.
        if self.sees_everything {
            accepts(&self.trace).map_err(|violation| {
                let event = self.trace.get(violation.at);
                format!("the trace is none of the protocol: {violation}: {event:?}")
            })?;
        }
        self.tally.cuts = u64::try_from(store.cuts.len()).unwrap_or(u64::MAX);
        self.tally.conflicts = u64::try_from(store.conflicts.len()).unwrap_or(u64::MAX);
        self.tally.commits = self.legacy.borrow().commits() + self.new.borrow().commits();
        Ok(())
    }
}

fn show(row: Option<&Image>) -> Option<String> {
    row.map(Image::columns).map(|columns| format!("{columns:?}"))
}

/// The first difference between what a world holds and what is true.
fn difference(rows: &Rows, expected: &Rows) -> Option<String> {
    let keys: BTreeSet<&SourceKey> = rows.keys().chain(expected.keys()).collect();
    let key = keys.into_iter().find(|key| rows.get(*key) != expected.get(*key))?;
    Some(format!(
        "says of {} {}: {:?}, and true is {:?}",
        key.table(),
        id(key),
        show(rows.get(key)),
        show(expected.get(key))
    ))
}
