//! The seam to a target, whatever database it is.

use bron_mappings::{Batch, BatchReader, Digest, Entity, EntityId, Model};

use crate::error::{Error, ErrorKind, Result};
use crate::finished::Finished;
use crate::history::{Beginning, Ending, Retirement, RunEntry};
use crate::layout::Layout;
use crate::postgres::PostgresSink;
use crate::refusal::Refusal;
use crate::sqlite::SqliteSink;
use crate::target::{Place, Target};
use crate::terms::Terms;

/// The most rows of a batch that [`Sink::read`] gives.
pub(crate) const READ_ROWS: usize = 4096;

/// The runs that a written row belongs to. Both ids follow from content, never from a clock, so that the
/// same run again has the same ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunIds {
    /// The run that extracted the row.
    pub extract_run_id: String,
    /// The run that writes the row.
    pub load_run_id: String,
}

/// One part of one entity within a load run: what a receipt is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartId {
    /// The entity.
    pub entity: String,
    /// The name of the part, such as `paraply/beslut/part-00003`; unique within the entity and the load run. What
    /// stands before the last slash is the mapping that the rows come from; parts without one are of one mapping.
    /// A row never goes from one mapping to another.
    pub part: String,
    /// The digest of the part's rows.
    pub content: Digest,
}

impl PartId {
    /// What the names of all parts of the same mapping begin with: everything up to the last slash, and the slash.
    pub(crate) fn family(&self) -> &str {
        self.part.rfind('/').map_or("", |slash| &self.part[..=slash])
    }
}

/// What became of the rows of a part; `rows` is the sum of the others. A part either writes rows or retires them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The rows of the part.
    pub rows: u64,
    /// Rows that were not there before.
    pub inserted: u64,
    /// Rows that were there with other content.
    pub updated: u64,
    /// Rows that were there with the same content, and were left alone.
    pub unchanged: u64,
    /// Rows that the target did not take for what they hold; see [`Sink::refused`].
    pub refused: u64,
    /// Rows that were there, and were moved to the history.
    pub retired: u64,
}

impl Counts {
    /// The counts of a receipt: what is in no other count was retired.
    pub(crate) const fn of_receipt(
        rows: u64,
        inserted: u64,
        updated: u64,
        unchanged: u64,
        refused: u64,
    ) -> Self {
        let written = inserted.saturating_add(updated).saturating_add(unchanged).saturating_add(refused);
        Self { rows, inserted, updated, unchanged, refused, retired: rows.saturating_sub(written) }
    }

    /// The counts of a part after those of its rows that were refused have been tried again.
    pub(crate) fn after_another_try(self, again: Self) -> Self {
        Self {
            rows: self.rows,
            inserted: self.inserted + again.inserted,
            updated: self.updated + again.updated,
            unchanged: self.unchanged + again.unchanged,
            refused: again.refused,
            retired: self.retired,
        }
    }

    /// Adds the counts of other rows of the same part.
    pub(crate) fn add(&mut self, other: Self) {
        let Self { rows, inserted, updated, unchanged, refused, retired } = other;
        self.rows += rows;
        self.inserted += inserted;
        self.updated += updated;
        self.unchanged += unchanged;
        self.refused += refused;
        self.retired += retired;
    }
}

/// Proof that the rows of a part are durable in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// This call wrote them.
    Written(Counts),
    /// An earlier call of the same run had written them; the counts are those of that call.
    Replayed(Counts),
}

impl Receipt {
    /// The counts, whichever call made them.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        match self {
            Self::Written(counts) | Self::Replayed(counts) => *counts,
        }
    }
}

/// A range of ids in the order of their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdRange {
    /// The first id of the range; without it the range starts at the least.
    pub from: Option<EntityId>,
    /// The first id after the range; without it the range ends at the greatest.
    pub to: Option<EntityId>,
}

/// What is known about a moment that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The moment is one of many: others may write behind it.
    Passing,
    /// Nobody else has the target open; if somebody does before it is released, reading fails.
    Still,
}

/// A target that rows are written to and read back from. One connection; several sinks may write to the
/// same target at the same time.
///
/// The calls block. They must not be made from inside an asynchronous task.
pub trait Sink: Send {
    /// Creates the tables of `entities` and the control tables where they do not exist, and verifies those
    /// that do. A sink that was opened with [`read_only`] only verifies.
    ///
    /// # Errors
    /// Kind `Drift`, listing the columns, when a table is not that of the model; then nothing is changed.
    /// Kind `Config` for an entity that the model does not have or a name the target cannot take.
    fn prepare(&mut self, model: &Model, entities: &[&str]) -> Result<()>;

    /// Writes down that the target belongs to the installation with this mark, and verifies that it does. The
    /// mark is keyed with the installation's secret: another secret gives every record another id, and two
    /// cities in one target could not be told apart. A sink that was opened with [`read_only`] only verifies,
    /// and finds nothing wrong with a target that nobody has claimed. Comes after [`Sink::prepare`].
    ///
    /// # Errors
    /// Kind `Config` when the target belongs to another installation; then nothing is changed.
    fn claim(&mut self, installation: &str) -> Result<()>;

    /// Begins the load of these entities: what makes writing slow, or lets the order of the parts matter, is taken
    /// off their tables. In PostgreSQL a table without rows loses its primary key and the indexes on its references,
    /// and is filled by COPY alone; until [`Sink::finish`] it belongs to this load run. A table that another run
    /// left so is started over, together with its receipts. The foreign keys from and to the tables are taken off.
    /// Tables that the user may not alter stay as they are, and so do those of a SQLite file.
    ///
    /// The sink keeps other loads from the unfinished tables until it finishes or is dropped; the parts are
    /// written by this or any other sink. Without this call parts are written to the tables as they are. Comes after
    /// [`Sink::prepare`]; may be called again for the same run, which goes on.
    ///
    /// # Errors
    /// Kind `Busy` when another load is making one of the tables, or somebody else holds on to them for longer than
    /// [`Terms::lock_timeout`].
    fn begin(&mut self, model: &Model, entities: &[&str], run: &RunIds) -> Result<()> {
        chosen(model, entities).map(|_| run).map(drop)
    }

    /// Whether the order in which the parts of an entity are written decides which of its rows are refused, so that
    /// they may not be written side by side: the target's own rules compare rows with each other, or run code. Always
    /// `false` for a file, which has one writer.
    ///
    /// # Errors
    /// What the database says.
    fn is_order_sensitive(&mut self, entity: &Entity) -> Result<bool> {
        Layout::of(entity).map(|_| false)
    }

    /// Ends the load of these entities, after every part was written: primary keys and the indexes on references are
    /// put on the tables that [`Sink::begin`] took them from, then the foreign keys, each where every row keeps it. A
    /// finish that was interrupted is called again and goes on; one with nothing to do changes nothing. A SQLite file
    /// gets the indexes on references that it lacks.
    ///
    /// No row is changed or deleted for a constraint: a reference that leads nowhere leaves its foreign key out.
    ///
    /// # Errors
    /// Kind `Data` when rows of several parts have the same id, with their number and the least id; kind `Busy` when
    /// another run is making one of the tables.
    fn finish(&mut self, model: &Model, entities: &[&str], run: &RunIds) -> Result<Finished> {
        chosen(model, entities).map(|_| run).map(|_| Finished::default())
    }

    /// Writes the rows of a part. They need not be sorted, but sorted by id is fastest. When it returns,
    /// rows, refusals and receipt are durable; when it fails, none of them is there.
    ///
    /// A row that cannot be stored for what it holds is refused, and the others are written: a row without a
    /// required value, with a value that the target cannot hold (a date outside the years 1 to 9999; U+0000 in
    /// PostgreSQL), or one that a constraint, a domain or a trigger of the target is against, also where the
    /// constraint is deferred to the end of the transaction; also one that a trigger leaves out. What the target
    /// held of such a row stays as it was.
    ///
    /// A row that was there with other content is overwritten, unless this run or another source system
    /// wrote it. (A row that this run found unchanged still carries the run that wrote it, so a later part
    /// of the same run can overwrite it; the next run then refuses.) When a row was overwritten, the
    /// receipts of other runs for the entity and the mapping are superseded: running such a run again writes again.
    ///
    /// # Errors
    /// Kind `Data` when an id is in the batch twice, a row may not be overwritten, or the part has a receipt
    /// of this run for other content. Otherwise what the database says; see [`Error::is_retryable`].
    fn write(&mut self, entity: &Entity, part: &PartId, batch: &Batch, run: &RunIds) -> Result<Receipt>;

    /// Tries the rows again that the target refused of a part that this run has written: the row that they refer to
    /// may have come since, or the target may demand less. `batch` holds all of them and no other. When none of
    /// them is taken, nothing is written and the receipt is [`Receipt::Replayed`]; else the receipt has the counts of
    /// the whole part.
    ///
    /// # Errors
    /// As [`Sink::write`]; also kind `Data` when the part has no receipt of this run.
    fn write_refused(
        &mut self,
        entity: &Entity,
        part: &PartId,
        batch: &Batch,
        run: &RunIds,
    ) -> Result<Receipt>;

    /// Gives the run its place among those that change the target, and the number of that place. The run that began
    /// last keeps its place; after another one it gets a new one. Comes before the first part that is written: a run
    /// that nobody registered gets its place with its first part.
    ///
    /// # Errors
    /// What the database says; kind `Drift` when the control tables are missing.
    fn register(&mut self, run: &RunIds, beginning: &Beginning) -> Result<u64>;

    /// The runs that have written to the target, in their places; none when there are no control tables.
    ///
    /// # Errors
    /// What the database says.
    fn runs(&mut self) -> Result<Vec<RunEntry>>;

    /// When the row with this id was replaced or retired, first to last; none when the target keeps no history of the
    /// entity.
    ///
    /// # Errors
    /// What the database says; kind `Corrupt` when the history names a reason that is none.
    fn endings(&mut self, entity: &Entity, id: &EntityId) -> Result<Vec<Ending>>;

    /// Moves the rows with these ids to the history of their entity, with a receipt as for a part that is written;
    /// the part's content is [`Retirement::content`]. When it returns, that is durable; when it fails, nothing was
    /// changed. The receipts of other runs for the entity and the mapping are superseded.
    ///
    /// # Errors
    /// Kind `Data` when an id is not that of a row which an earlier run of the bridge loaded from the named table of
    /// the named system, or the part has a receipt of this run for other ids. Otherwise what the database says; see
    /// [`Error::is_retryable`].
    fn retire(
        &mut self,
        entity: &Entity,
        part: &PartId,
        ids: &[EntityId],
        because: &Retirement,
        run: &RunIds,
    ) -> Result<Receipt>;
    /// The most parts that are worth giving to [`Sink::write_together`] at once. Small: all their rows are in memory.
    fn parts_at_once(&self) -> usize {
        1
    }

    /// Writes several parts of an entity, each as [`Sink::write`] does, with the same receipts and the same rows. What
    /// is new altogether may be written in one transaction, in the order of all ids.
    ///
    /// # Errors
    /// As [`Sink::write`]; the parts before the one at fault may have been written, with their receipts.
    fn write_together(
        &mut self,
        entity: &Entity,
        parts: &[(PartId, Batch)],
        run: &RunIds,
    ) -> Result<Vec<Receipt>> {
        parts.iter().map(|(part, batch)| self.write(entity, part, batch, run)).collect()
    }

    /// The receipts of a load run that still prove what the tables hold, sorted by entity and part.
    ///
    /// # Errors
    /// What the database says; kind `Drift` when the control tables are missing.
    fn receipts(&mut self, load_run_id: &str) -> Result<Vec<(PartId, Counts)>>;

    /// The rows that the target refused of the parts of a load run whose receipts still prove what the tables
    /// hold, sorted by entity, part and id. No value of a row is among them. A target that was made before there
    /// were refusals has none.
    ///
    /// # Errors
    /// What the database says; kind `Drift` when the control tables are missing.
    fn refused(&mut self, load_run_id: &str) -> Result<Vec<Refusal>>;

    /// Reads the rows of an entity in the order of the bytes of their ids, as one consistent picture, in
    /// batches of at most 4096 rows. The columns are the entity's and, last,
    /// [`UNREADABLE`](bron_mappings::UNREADABLE); the cell of a field named there is NULL. A row whose id is
    /// unreadable comes where its stored id sorts.
    ///
    /// # Errors
    /// Kind `Drift` when the table is not that of the entity; otherwise what the database says, also later
    /// from the reader.
    fn read<'a>(
        &'a mut self,
        entity: &'a Entity,
        range: Option<IdRange>,
    ) -> Result<Box<dyn BatchReader + 'a>> {
        let fields: Vec<&str> = entity.fields.iter().map(|field| field.name.as_str()).collect();
        self.read_fields(entity, &fields, range)
    }

    /// Reads as [`Sink::read`], but the id and these fields only, in the order of the entity. The columns
    /// `extract_run_id` and `load_run_id`, which no entity has among its fields, can be asked for as well.
    ///
    /// # Errors
    /// As [`Sink::read`]; also kind `Config` for a field that the entity does not have.
    fn read_fields<'a>(
        &'a mut self,
        entity: &'a Entity,
        fields: &[&str],
        range: Option<IdRange>,
    ) -> Result<Box<dyn BatchReader + 'a>>;

    /// Holds on to one moment: until [`Sink::release`] everything that is read is as it was when this was called,
    /// whatever others write meanwhile. Nobody is kept from writing.
    ///
    /// # Errors
    /// What the database says; after a lost connection every reading fails with kind `Connection` until the moment is
    /// released, since no other connection can see it.
    fn hold(&mut self) -> Result<Moment>;

    /// Lets go of the moment that [`Sink::hold`] holds, if any.
    ///
    /// # Errors
    /// What the database says.
    fn release(&mut self) -> Result<()>;

    /// Whether the target has a table for an entity, whatever its columns are.
    ///
    /// # Errors
    /// What the database says.
    fn holds(&mut self, entity: &Entity) -> Result<bool>;

    /// The load run that has begun to fill the table of an entity and has not finished it, if one has. The table was
    /// empty then, it cannot be read until it is finished, and [`Sink::begin`] of another run starts it over. A SQLite
    /// file has no such tables.
    ///
    /// # Errors
    /// What the database says.
    fn being_made(&mut self, entity: &Entity) -> Result<Option<String>> {
        let _ = entity;
        Ok(None)
    }

    /// The number of rows of an entity.
    ///
    /// # Errors
    /// What the database says; kind `Drift` when there is no such table.
    fn count(&mut self, entity: &Entity) -> Result<u64>;
}

/// Whether a sink may change its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It may.
    Write,
    /// It may not, and neither creates nor locks anything.
    Read,
}

impl Access {
    pub(crate) fn require_write(self) -> Result<()> {
        match self {
            Self::Write => Ok(()),
            Self::Read => Err(Error::new(ErrorKind::Permission, "the target was opened for reading only")),
        }
    }
}

/// Opens a target for writing. A SQLite file is created when its directory exists.
///
/// # Errors
/// Kind `Config` for an address that is refused, `Storage` or `Permission` for a file that cannot be
/// opened, `Corrupt` for one that is not a database, `Connection` for a server that is not reached.
pub fn open(target: &Target) -> Result<Box<dyn Sink>> {
    open_on(target, &Terms::default())
}

/// Opens a target for writing on these terms.
///
/// # Errors
/// As [`open`].
pub fn open_on(target: &Target, terms: &Terms) -> Result<Box<dyn Sink>> {
    open_for(target, Access::Write, terms)
}

/// Opens a target for reading: nothing is created or altered, and the file may be read-only.
///
/// # Errors
/// As [`open`]; also kind `Config` for a file that does not exist.
pub fn read_only(target: &Target) -> Result<Box<dyn Sink>> {
    read_only_on(target, &Terms::default())
}

/// Opens a target for reading on these terms.
///
/// # Errors
/// As [`read_only`].
pub fn read_only_on(target: &Target, terms: &Terms) -> Result<Box<dyn Sink>> {
    open_for(target, Access::Read, terms)
}

fn open_for(target: &Target, access: Access, terms: &Terms) -> Result<Box<dyn Sink>> {
    Ok(match target.place()? {
        Place::File(path) => Box::new(SqliteSink::open(path, access)?),
        Place::Server(options) => Box::new(PostgresSink::open(*options, &target.to_string(), access, terms)?),
    })
}

/// The entities of the model with these names.
pub(crate) fn chosen<'m>(model: &'m Model, names: &[&str]) -> Result<Vec<&'m Entity>> {
    let find = |name: &&str| {
        model
            .entity(name)
            .ok_or_else(|| Error::new(ErrorKind::Config, format!("the model has no entity named {name}")))
    };
    names.iter().map(find).collect()
}

/// What the mark that was found in a target says about its use by the installation with `mark`.
pub(crate) fn require_claim(found: Option<&str>, mark: &str) -> Result<()> {
    match found {
        Some(found) if found != mark => Err(Error::new(
            ErrorKind::Config,
            "the target belongs to another installation: its ids were made with another secret",
        )),
        Some(_) | None => Ok(()),
    }
}

/// Refuses a part of another entity.
pub(crate) fn require_same_entity(entity: &Entity, part: &PartId) -> Result<()> {
    if entity.name == part.entity {
        return Ok(());
    }
    let text = format!("part {} of entity {} was given with rows of {}", part.part, part.entity, entity.name);
    Err(Error::new(ErrorKind::Data, text))
}

/// The error when the refused rows of a part are tried again that was never written.
pub(crate) fn never_written(part: &PartId) -> Error {
    let text = format!(
        "entity {}: {} has no receipt of this run, so nothing of it was refused",
        part.entity, part.part
    );
    Error::new(ErrorKind::Data, text)
}

/// What an earlier receipt of the same part says about writing it now.
pub(crate) fn replayed(part: &PartId, content: &str, counts: Counts) -> Result<Receipt> {
    if Digest::parse(content) == Some(part.content) {
        return Ok(Receipt::Replayed(counts));
    }
    let text = format!("entity {}: {} has a receipt of this run for other rows", part.entity, part.part);
    Err(Error::new(ErrorKind::Data, text))
}
