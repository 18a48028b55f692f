//! One cut, one transaction.

use bron_mappings::DigestBuilder;

use super::control::{
    FIND_OFFSET, FIND_OWNERSHIP, MAKE_OFFSET, MAKE_OWNERSHIP, MOVE_OFFSET, NOTE_RECEIPT, SUPERSEDE,
};
use super::line::{Bound, Line, Values, text, whole};
use super::rows::Rows;
use super::table::Tables;
use crate::change::{CutId, Stream};
use crate::error::{Error, ErrorKind, Result};
use crate::follower::{Applied, ApplyWork, Met};
use crate::ownership::{Epoch, Owner, Ownership};
use crate::scope::Scope;

/// What comes of a step of an attempt.
pub(super) type Tried<T> = std::result::Result<T, Stop>;

/// Why an attempt did not come to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The driver gave up: the error, and what it was about.
    Driver(sqlx::Error, String),
    /// A statement about many rows did not write as many.
    Miscounted,
    /// Something else.
    Other(Error),
}

impl Stop {
    pub(super) fn driver(error: sqlx::Error, about: &str) -> Self {
        Self::Driver(error, about.to_owned())
    }

    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Driver(error, about) => Error::of(&error, about),
            Self::Miscounted => {
                Error::new(ErrorKind::Database, "a statement wrote fewer or more rows than it was given")
            }
            Self::Other(error) => error,
        }
    }

    /// What the database says against the row, when it is about one: the name of the constraint, else the SQLSTATE.
    pub(super) fn objection(&self) -> Option<String> {
        let (error, about) = match self {
            Self::Driver(error, about) => (error, about),
            Self::Miscounted => return Some(String::new()),
            Self::Other(_) => return None,
        };
        let judged = bron_load::Error::of(error, about.clone());
        let (sqlstate, constraint) = judged.objection()?;
        Some(if constraint.is_empty() { format!("SQLSTATE {sqlstate}") } else { constraint.to_owned() })
    }

    /// Whether the database gave the transaction up for another one's sake.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Driver(error, about) => {
                bron_load::Error::of(error, about.clone()).kind() == bron_load::ErrorKind::Busy
            }
            Self::Miscounted | Self::Other(_) => false,
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Applies a cut in one transaction. `careful` tries every row alone, so that each one that the database refuses is
/// known; without it the first refusal ends the attempt.
pub(super) async fn attempt<L: Line>(
    line: &mut L,
    tables: &Tables,
    work: &ApplyWork,
    careful: bool,
) -> Tried<Applied> {
    let failed = |error| Stop::driver(error, "the transaction of a cut");
    line.begin(careful).await.map_err(failed)?;
    let done = within(line, tables, work, careful).await;
    match &done {
        Ok(Applied::Committed) => line.script("COMMIT").await.map_err(failed)?,
        Ok(Applied::Already | Applied::Conflicts(_) | Applied::StaleEpoch(..)) => {
            line.script("ROLLBACK").await.map_err(failed)?;
        }
        // The connection is dropped, and the transaction with it.
        Err(_) => {}
    }
    done
}

async fn within<L: Line>(line: &mut L, tables: &Tables, work: &ApplyWork, careful: bool) -> Tried<Applied> {
    let tag = format!("{}/{}/{}", work.stream.source, work.stream.from.name(), work.cut.0);
    line.mark(Some(&tag)).await.map_err(|error| Stop::driver(error, "the mark of the bridge"))?;
    if hold_offset(line, &work.stream).await?.is_some_and(|offset| offset >= work.cut) {
        return Ok(Applied::Already);
    }
    if let Some((scope, ownership)) = stale(line, work).await? {
        return Ok(Applied::StaleEpoch(scope, ownership));
    }
    let mut rows = Rows::new(line, tables, &work.stream);
    let by_sets = if careful { None } else { L::write_sets(&mut rows, work).await? };
    let met = match by_sets {
        Some(met) => met,
        None => one_by_one(&mut rows, work, careful).await?,
    };
    if !met.is_empty() {
        return Ok(Applied::Conflicts(met));
    }
    receipts(&mut rows, work).await?;
    let line = rows.line;
    let cut =
        i64::try_from(work.cut.0).map_err(|_| Error::new(ErrorKind::Config, "a cut is 2^63 or more"))?;
    let mut values = of_stream(&work.stream);
    values.push(Bound::Whole(cut));
    line.execute(MOVE_OFFSET, values).await.map_err(|error| Stop::driver(error, "table bridge_offset"))?;
    line.mark(None).await.map_err(|error| Stop::driver(error, "the mark of the bridge"))?;
    Ok(Applied::Committed)
}

async fn one_by_one<L: Line>(rows: &mut Rows<'_, L>, work: &ApplyWork, careful: bool) -> Tried<Vec<Met>> {
    let mut met = Vec::new();
    let failed = |error| Stop::driver(error, "a savepoint");
    for (place, write) in work.writes.iter().enumerate() {
        if careful {
            rows.line.script("SAVEPOINT bridge_row").await.map_err(failed)?;
        }
        match rows.write(place, write).await {
            Ok(found) => met.extend(found),
            Err(stop) if careful => {
                let Some(constraint) = stop.objection() else { return Err(stop) };
                // A trigger that rolls everything back leaves no savepoint to go back to.
                if rows.line.script("ROLLBACK TO SAVEPOINT bridge_row").await.is_err() {
                    return Err(stop);
                }
                met.push(Met { write: place, current: None, constraint: Some(constraint) });
            }
            Err(stop) => return Err(stop),
        }
        if careful {
            rows.line.script("RELEASE SAVEPOINT bridge_row").await.map_err(failed)?;
        }
    }
    if met.is_empty() {
        for (cause, version) in &work.settled {
            rows.note(cause, cause, *version, None).await?;
        }
    }
    Ok(met)
}

/// The first scope of the work that is under another ownership than the work was read under. Those that are not are
/// held until the transaction ends.
async fn stale<L: Line>(line: &mut L, work: &ApplyWork) -> Tried<Option<(Scope, Ownership)>> {
    let mut epochs: Vec<&(Scope, Epoch)> = work.epochs.iter().collect();
    // Two transactions that hold several scopes hold them in the same order.
    epochs.sort();
    for (scope, epoch) in epochs {
        let ownership = held(line, scope).await?;
        if !ownership.accepts(work.stream.from, *epoch) {
            return Ok(Some((scope.clone(), ownership)));
        }
    }
    Ok(None)
}

fn of_stream(stream: &Stream) -> Vec<Bound> {
    vec![Bound::text(&stream.source), Bound::text(stream.from.name())]
}

fn of_scope(scope: &Scope) -> Vec<Bound> {
    vec![Bound::text(&scope.area), Bound::text(&scope.namnd), Bound::text(scope.side.name())]
}

/// The offset of a stream, which nobody else moves until the transaction ends.
async fn hold_offset<L: Line>(line: &mut L, stream: &Stream) -> Tried<Option<CutId>> {
    let failed = |error| Stop::driver(error, "table bridge_offset");
    line.execute(MAKE_OFFSET, of_stream(stream)).await.map_err(failed)?;
    let found = line.fetch(&locking::<L>(FIND_OFFSET, "UPDATE"), of_stream(stream)).await.map_err(failed)?;
    Ok(cut_of(&found))
}

/// The offset of a stream as it stands.
pub(super) async fn offset<L: Line>(line: &mut L, stream: &Stream) -> Tried<Option<CutId>> {
    let found = line.fetch(FIND_OFFSET, of_stream(stream)).await;
    Ok(cut_of(&found.map_err(|error| Stop::driver(error, "table bridge_offset"))?))
}

fn cut_of(found: &[Values]) -> Option<CutId> {
    let cut = whole(found.first()?.first()?.as_ref());
    u64::try_from(cut).ok().filter(|cut| *cut > 0).map(CutId)
}

/// A query whose rows are held until the transaction ends; SQLite has one writer and holds all.
fn locking<L: Line>(query: &str, strength: &str) -> String {
    match L::DIALECT {
        bron_load::Dialect::Sqlite => query.to_owned(),
        bron_load::Dialect::Postgres => format!("{query} FOR {strength}"),
    }
}

/// Who owns a scope, held until the transaction ends.
async fn held<L: Line>(line: &mut L, scope: &Scope) -> Tried<Ownership> {
    let failed = |error| Stop::driver(error, "table bridge_ownership");
    let query = locking::<L>(FIND_OWNERSHIP, "SHARE");
    let found = line.fetch(&query, of_scope(scope)).await.map_err(failed)?;
    if let Some(ownership) = ownership_of(&found)? {
        return Ok(ownership);
    }
    let mut values = of_scope(scope);
    values.push(Bound::text(Owner::Legacy.name()));
    line.execute(MAKE_OWNERSHIP, values).await.map_err(failed)?;
    let found = line.fetch(&query, of_scope(scope)).await.map_err(failed)?;
    Ok(ownership_of(&found)?.unwrap_or_else(Ownership::original))
}

/// Who owns a scope, as it stands.
pub(super) async fn ownership<L: Line>(line: &mut L, scope: &Scope) -> Tried<Option<Ownership>> {
    let found = line.fetch(FIND_OWNERSHIP, of_scope(scope)).await;
    Ok(ownership_of(&found.map_err(|error| Stop::driver(error, "table bridge_ownership"))?)?)
}

fn ownership_of(found: &[Values]) -> Result<Option<Ownership>> {
    let Some([owner, epoch]) = found.first().map(Vec::as_slice) else { return Ok(None) };
    let owner = Owner::named(text(owner.as_ref()));
    let owner = owner.ok_or_else(|| {
        Error::new(ErrorKind::Corrupt, "table bridge_ownership names an owner that is none")
    })?;
    let epoch = u64::try_from(whole(epoch.as_ref())).unwrap_or(0);
    Ok(Some(Ownership { owner, epoch: Epoch::after(epoch) }))
}

/// Writes who owns a scope; whether no later epoch stood there.
pub(super) async fn set_ownership<L: Line>(line: &mut L, scope: &Scope, ownership: Ownership) -> Tried<bool> {
    let epoch = i64::try_from(ownership.epoch.changes());
    let epoch = epoch.map_err(|_| Error::new(ErrorKind::Config, "an epoch is 2^63 or more"))?;
    let mut values = of_scope(scope);
    values.extend([Bound::text(ownership.owner.name()), Bound::Whole(epoch)]);
    let done = line.execute(super::control::SET_OWNERSHIP, values).await;
    done.map(|rows| rows == 1).map_err(|error| Stop::driver(error, "table bridge_ownership"))
}

/// Writes the receipts of the rows of the model: a later load replaces and retires only rows that have one.
async fn receipts<L: Line>(rows: &mut Rows<'_, L>, work: &ApplyWork) -> Tried<()> {
    let failed = |error| Stop::driver(error, "table bron_receipt");
    let stored = |count: u64| Bound::Whole(i64::try_from(count).unwrap_or(i64::MAX));
    let content = DigestBuilder::new("bridge receipt 1").part(&work.cut.0.to_be_bytes()).finish();
    for ((entity, family), counts) in std::mem::take(&mut rows.written) {
        if counts.updated + counts.removed > 0 {
            let values = vec![Bound::text(&entity), Bound::text(&rows.run), Bound::text(&family)];
            rows.line.execute(SUPERSEDE, values).await.map_err(failed)?;
        }
        let values = vec![
            Bound::text(&rows.run),
            Bound::text(&entity),
            Bound::Text(Some(format!("{family}bridge"))),
            Bound::Text(Some(content.to_string())),
            stored(counts.inserted + counts.updated + counts.removed),
            stored(counts.inserted),
            stored(counts.updated),
        ];
        rows.line.execute(NOTE_RECEIPT, values).await.map_err(failed)?;
    }
    Ok(())
}
