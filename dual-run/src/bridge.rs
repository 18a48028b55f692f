//! The bridge itself: from what a source tells of to what the follower holds.
//!
//! A [`Bridge`] stands between one legacy system and the new model. What it does is cut into turns, each of which can
//! be interrupted anywhere and done again: a turn reads the source and journals what it finds, or takes the next
//! journaled cut, translates it, decides and applies it in one transaction. It keeps nothing in memory that it could
//! not find out again: where the follower stands is asked of the follower, where the source stands of the journal.
//!
//! Both ways are always read. On the side that follows nothing should be captured but what the bridge wrote; what else
//! is captured there is somebody's who may not write, and is kept for a person to decide about ([`Parking`]).
//!
//! Invariants:
//! - A change is applied only when the side it was made on owns the scope of its row, under the epoch that the follower
//!   itself has, and only where the follower still holds what both worlds last agreed on.
//! - What cannot be applied parks its aggregate, the person or case, and everything of it that comes after; the rest
//!   flows. A parked image gives way to a later one of the same row.
//! - A cut is applied whole or not at all, the parked rows of it aside, and the parked rows are recorded before.

mod parking;
mod pass;
mod plan;
mod release;

use std::collections::{BTreeMap, BTreeSet};

pub use parking::{Parked, ParkedRow, Parking, Release, Standing};
pub use pass::Report;

use bron_mappings::{Digest, SourceKey};

use crate::capture::{Budget, ChangeSource, Incarnation, Position};
use crate::change::{Change, Cut, CutId, Mark, Stream, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::follower::Follower;
use crate::journal::Journal;
use crate::lens::Lens;
use crate::ownership::{Owner, OwnershipTable};
use crate::protocol::{Event, FieldGroups};

/// One of the two worlds: a database that is read and written.
pub struct World<'a> {
    /// The name of the stream of changes that are captured here.
    pub stream: Stream,
    /// The database, as a source of changes.
    pub source: &'a mut dyn ChangeSource,
    /// The database, as a follower.
    pub follower: &'a mut dyn Follower,
    /// The life of the database that the stream was begun in; another one is [`ErrorKind::Rewound`]. `None` takes the
    /// first that is seen.
    pub incarnation: Option<Incarnation>,
    /// The schema that the mappings were made for; another one is [`ErrorKind::Drift`]. `None` takes the first that is
    /// seen.
    pub schema: Option<Digest>,
}

/// What the bridge is told beforehand.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How much a poll brings.
    pub budget: Budget,
    /// Columns that a database derives by itself, by table: what changes only in them is carried nowhere.
    pub derived: BTreeMap<String, BTreeSet<String>>,
    /// Groups of attributes that may have owners of their own.
    pub groups: FieldGroups,
    /// Fields whose loss the business has accepted.
    pub accepted_losses: BTreeSet<String>,
    /// The fencing token of the lease under which this bridge works.
    pub token: u64,
}

/// What a turn did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: the source has nothing new up to this version, and every cut is applied.
    Idle(Version),
    /// A cut was journaled.
    Journaled(CutId),
    /// A cut was applied, or came to nothing.
    Applied(Report),
}

/// What was read of a table for a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeded {
    /// The cut that holds the rows; none when there were none.
    pub cut: Option<CutId>,
    /// The last key, after which the seed goes on.
    pub last: Option<SourceKey>,
    /// Whether rows follow.
    pub more: bool,
}

/// What a bridge knows of a stream and could find out again.
#[derive(Clone, Debug, Default)]
struct Reach {
    /// Whether the follower has been asked where it stands.
    is_known: bool,
    /// The last cut that is dealt with.
    dealt: Option<CutId>,
    /// How far the last poll was complete, and the schema it found.
    polled: Option<(Version, Digest)>,
}

/// The bridge between two worlds. One process drives it, under a lease.
pub struct Bridge<'a> {
    legacy: World<'a>,
    new: World<'a>,
    journal: &'a mut dyn Journal,
    lens: &'a mut dyn Lens,
    parking: &'a mut dyn Parking,
    settings: &'a Settings,
    ownership: OwnershipTable,
    reach: BTreeMap<Owner, Reach>,
    trace: Vec<Event>,
}

impl<'a> Bridge<'a> {
    /// A bridge that has done nothing yet.
    #[must_use]
    pub fn new(
        legacy: World<'a>,
        new: World<'a>,
        journal: &'a mut dyn Journal,
        lens: &'a mut dyn Lens,
        parking: &'a mut dyn Parking,
        settings: &'a Settings,
    ) -> Self {
        let (ownership, reach) = (OwnershipTable::default(), BTreeMap::new());
        Self { legacy, new, journal, lens, parking, settings, ownership, reach, trace: Vec::new() }
    }

    /// Tells the bridge who owns what, as the store has it.
    pub fn set_ownership(&mut self, ownership: OwnershipTable) {
        self.ownership = ownership;
    }

    /// What the bridge has done since it was last asked, for [`crate::accepts`].
    pub fn take_trace(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.trace)
    }

    /// One turn of one way: applies the next cut of the changes made by `from`, or reads on.
    ///
    /// # Errors
    /// As the databases, the journal, the lens and the parking give them. [`ErrorKind::Fenced`] when another bridge, or
    /// a later epoch, is in force: this one must stop. [`ErrorKind::Expired`], [`ErrorKind::Rewound`] and
    /// [`ErrorKind::Drift`] stop the scopes of the stream until a person has decided. After an error the bridge asks
    /// again where everything stands.
    pub fn turn(&mut self, from: Owner) -> Result<Turn> {
        let turn = self.try_turn(from);
        if turn.is_err() {
            self.reach.remove(&from);
        }
        turn
    }

    fn try_turn(&mut self, from: Owner) -> Result<Turn> {
        // What was written the other way must be known as such before it comes round.
        self.find_reach(from.other())?;
        self.find_reach(from)?;
        let stream = self.world(from).stream.clone();
        let dealt = self.reach(from).dealt;
        match self.journal.next_after(&stream, dealt)? {
            Some((id, cut, pinned)) => self.deal_with(id, &cut, pinned).map(Turn::Applied),
            None => self.read_on(from),
        }
    }

    /// Takes turns of one way until there is nothing more to do, and tells up to which version of the source that is.
    ///
    /// # Errors
    /// As [`Bridge::turn`].
    pub fn drain(&mut self, from: Owner) -> Result<Version> {
        loop {
            if let Turn::Idle(version) = self.turn(from)? {
                return Ok(version);
            }
        }
    }

    /// Begins a stream: from now on every change is captured. What was there before is seeded, or is known to be equal.
    /// A stream that was begun before goes on where it stands.
    ///
    /// # Errors
    /// As [`Bridge::turn`].
    pub fn begin(&mut self, from: Owner) -> Result<Position> {
        let stream = self.world(from).stream.clone();
        if let Some(position) = self.journal.position(&stream)? {
            return Ok(position);
        }
        let world = self.world(from);
        let now = world.source.now()?;
        let cut = world.source.poll(&now, Budget { changes: 1 })?;
        self.check_life(from, &cut)?;
        self.reach(from).polled = Some((cut.complete_through, cut.schema));
        self.journal_cut(from, &cut)?;
        Ok(now)
    }

    /// Reads rows of a table as they stand and journals them, to be applied as any cut: rows of a seed and changes
    /// commute. What changed before the rows were read is journaled first, so no row is older than what is known.
    ///
    /// # Errors
    /// As [`Bridge::turn`].
    pub fn seed_chunk(
        &mut self,
        from: Owner,
        table: &str,
        after: Option<&SourceKey>,
        rows: u64,
    ) -> Result<Seeded> {
        while let Turn::Journaled(_) = self.read_on(from)? {}
        let chunk = self.world(from).source.read_chunk(table, after, rows)?;
        let last = chunk.rows.keys().next_back().cloned();
        let changes = chunk.rows.into_iter().map(|(key, image)| Change {
            key,
            version: chunk.at,
            after: Some(image),
            before: None,
            mark: Mark::None,
        });
        let cut = self.journal_again(from, changes.collect())?;
        Ok(Seeded { cut, last, more: chunk.more })
    }

    fn world(&mut self, owner: Owner) -> &mut World<'a> {
        match owner {
            Owner::Legacy => &mut self.legacy,
            Owner::New => &mut self.new,
        }
    }

    fn reach(&mut self, from: Owner) -> &mut Reach {
        self.reach.entry(from).or_default()
    }

    /// Polls the source and journals what it tells of.
    fn read_on(&mut self, from: Owner) -> Result<Turn> {
        let stream = self.world(from).stream.clone();
        let Some(position) = self.journal.position(&stream)? else {
            self.begin(from)?;
            return self.read_on(from);
        };
        let budget = self.settings.budget;
        let cut = self.world(from).source.poll(&position, budget)?;
        self.check_life(from, &cut)?;
        self.reach(from).polled = Some((cut.complete_through, cut.schema));
        if cut.changes.is_empty() && cut.next == position {
            return Ok(Turn::Idle(cut.complete_through));
        }
        self.journal_cut(from, &cut).map(Turn::Journaled)
    }

    /// Whether the source is still the one that the stream was begun with.
    fn check_life(&mut self, from: Owner, cut: &Cut) -> Result<()> {
        let world = self.world(from);
        let source = &world.stream.source;
        if *world.incarnation.get_or_insert_with(|| cut.incarnation.clone()) != cut.incarnation {
            let context =
                format!("source {source} is not the one that the stream was begun with: it was restored");
            return Err(Error::new(ErrorKind::Rewound, context));
        }
        if *world.schema.get_or_insert(cut.schema) != cut.schema {
            let context = format!("the tables of source {source} are not what the mappings were made for");
            return Err(Error::new(ErrorKind::Drift, context));
        }
        Ok(())
    }

    fn journal_cut(&mut self, from: Owner, cut: &Cut) -> Result<CutId> {
        let mapping = self.lens.mapping_version();
        let id = self.journal.append(cut, mapping)?;
        self.trace.push(Event::Journaled { token: self.settings.token, from, cut: id.0 });
        Ok(id)
    }

    /// Journals rows that were read anew, or parked, as a cut that begins and ends where the stream stands.
    fn journal_again(&mut self, from: Owner, changes: Vec<Change>) -> Result<Option<CutId>> {
        if changes.is_empty() {
            return Ok(None);
        }
        if self.reach(from).polled.is_none() {
            while let Turn::Journaled(_) = self.read_on(from)? {}
        }
        let stream = self.world(from).stream.clone();
        let (position, polled) = (self.journal.position(&stream)?, self.reach(from).polled);
        let (Some(position), Some((complete_through, schema)), Some(incarnation)) =
            (position, polled, self.world(from).incarnation.clone())
        else {
            let context = format!("stream {} was not begun", stream.source);
            return Err(Error::new(ErrorKind::Refused, context));
        };
        let (from_here, next) = (position.clone(), position);
        let cut = Cut { stream, incarnation, from: from_here, next, complete_through, schema, changes };
        self.journal_cut(from, &cut).map(Some)
    }

    /// Takes note of what has been applied of a stream without the knowledge of this bridge: work that was long on its
    /// way. Tells whether there was something.
    fn catch_up(&mut self, from: Owner) -> Result<bool> {
        let stream = self.world(from).stream.clone();
        let applied = self.world(from.other()).follower.offset(&stream)?;
        let has_moved = applied > self.reach(from).dealt;
        if has_moved {
            self.reach.remove(&from);
            self.find_reach(from)?;
        }
        Ok(has_moved)
    }

    /// Asks the follower which cut it applied last, and has the lens take note of it: the bridge may have been
    /// interrupted between the two.
    fn find_reach(&mut self, from: Owner) -> Result<()> {
        if self.reach(from).is_known {
            return Ok(());
        }
        let stream = self.world(from).stream.clone();
        let dealt = self.world(from.other()).follower.offset(&stream)?;
        if let Some(CutId(cut)) = dealt {
            self.trace.push(Event::Found { from, cut });
            let before = CutId(cut.saturating_sub(1));
            match self.journal.next_after(&stream, Some(before))? {
                Some((id, cut, _)) if Some(id) == dealt => self.note_again(id, &cut)?,
                _ => {
                    let context =
                        format!("the journal does not hold the last cut of {} applied", stream.source);
                    return Err(Error::new(ErrorKind::Corrupt, context));
                }
            }
        }
        let reach = self.reach(from);
        (reach.is_known, reach.dealt) = (true, dealt);
        Ok(())
    }
}
