//! The SQLite target: one file, write-ahead log, every commit flushed to the disk.

mod finish;
mod read;
mod refusals;
mod retire;
mod still;
#[cfg(test)]
mod tests;
mod together;
mod write;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bron_mappings::{Artefact, Batch, BatchReader, Digest, Entity, EntityId, Model};
use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::runtime::Runtime;

use crate::admission::admit;
use crate::control_format;
use crate::error::{Error, ErrorKind, Result};
use crate::finished::Finished;
use crate::history::{self, Beginning, Ending, Retirement, RunEntry, require_retirable};
use crate::isolation::Given;
use crate::layout::{Dialect, FoundColumn, Layout};
use crate::refusal::Refusal;
use crate::runtime::runtime;
use crate::sink::{
    Access, Counts, IdRange, Moment, PartId, Receipt, RunIds, Sink, chosen, require_claim,
    require_same_entity,
};
use crate::sql;
use crate::unreadable::Collector;
use still::Still;

const PAGE_BYTES: u32 = 8192;
/// Negative means kibibytes: 64 MiB, so that the upper part of a large table's tree stays in memory.
const CACHE: &str = "-65536";
/// Pages in the log, 128 MiB, before they are folded into the file: a page that several transactions change is then
/// written there once, and the log does not grow beyond that and one transaction.
const CHECKPOINT_PAGES: &str = "16384";
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Rows that the database's thread may be ahead of the reader.
const ROWS_AHEAD: usize = 1024;

/// A SQLite file as a target.
pub(crate) struct SqliteSink {
    runtime: Runtime,
    /// Taken when the sink is dropped.
    connection: Option<SqliteConnection>,
    path: PathBuf,
    access: Access,
    /// Set when the file is read without locks because nobody else had it open.
    still: Option<Still>,
    /// The entities of which the table was found to hold rows that are written again: those parts are written one by
    /// one from then on.
    held: BTreeSet<String>,
    /// Whether one moment is read, see [`Sink::hold`].
    holding: bool,
}

impl SqliteSink {
    pub(crate) fn open(path: &Path, access: Access) -> Result<Self> {
        let runtime = runtime()?;
        require_place(path, access)?;
        let (connection, still) = connected(&runtime, path, access)?;
        Ok(Self {
            runtime,
            connection: Some(connection),
            path: path.to_owned(),
            access,
            still,
            held: BTreeSet::new(),
            holding: false,
        })
    }

    /// The runtime and the connection, which is made again when the file was written since.
    fn parts(&mut self) -> Result<(&Runtime, &mut SqliteConnection)> {
        if self.still.as_ref().is_some_and(Still::is_broken) {
            // Another connection would read another moment.
            if self.holding {
                self.require_still()?;
            }
            self.connection = None;
        }
        if self.connection.is_none() {
            let (connection, still) = connected(&self.runtime, &self.path, self.access)?;
            (self.connection, self.still) = (Some(connection), still);
        }
        Ok((&self.runtime, self.connection.as_mut().expect("the connection was made just before")))
    }

    fn require_still(&self) -> Result<()> {
        self.still.as_ref().map_or(Ok(()), Still::require)
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}

impl SqliteSink {
    /// Writes a part, or the rows of it that were refused.
    fn put(
        &mut self,
        entity: &Entity,
        part: &PartId,
        (batch, again): (&Batch, bool),
        run: &RunIds,
    ) -> Result<Receipt> {
        let place = self.place();
        self.access.require_write().map_err(|error| error.at(&place))?;
        require_same_entity(entity, part)?;
        let layout = Layout::of(entity)?;
        let known = admit(entity, &layout, batch, Dialect::Sqlite)?;
        let given = Given { batch, known, again };
        let (runtime, connection) = self.parts()?;
        let written = runtime.block_on(write::part(connection, &layout, part, given, run));
        if written.is_err() {
            // A trigger can end the transaction behind the driver's back: the next call begins anew.
            self.connection = None;
        }
        written.map_err(|error| error.at(&place))
    }
}

impl Drop for SqliteSink {
    /// Closes the file before the sink is gone, so that the log is folded into it.
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // A failure leaves the log beside the file, and the next open reads both.
            let _ = self.runtime.block_on(connection.close());
        }
    }
}

impl Sink for SqliteSink {
    fn prepare(&mut self, model: &Model, entities: &[&str]) -> Result<()> {
        let layouts = chosen(model, entities)?.into_iter().map(Layout::of).collect::<Result<Vec<_>>>()?;
        let (place, access) = (self.place(), self.access);
        let (runtime, connection) = self.parts()?;
        runtime.block_on(prepare(connection, &layouts, access)).map_err(|error| error.at(&place))
    }

    fn claim(&mut self, installation: &str) -> Result<()> {
        let (place, access) = (self.place(), self.access);
        let (runtime, connection) = self.parts()?;
        runtime.block_on(claim(connection, installation, access)).map_err(|error| error.at(&place))?;
        self.require_still()
    }

    fn finish(&mut self, model: &Model, entities: &[&str], _run: &RunIds) -> Result<Finished> {
        let (place, entities) = (self.place(), chosen(model, entities)?);
        self.access.require_write().map_err(|error| error.at(&place))?;
        let (runtime, connection) = self.parts()?;
        let keyed =
            runtime.block_on(finish::indexes(connection, &entities)).map_err(|error| error.at(&place))?;
        Ok(Finished { keyed, ..Finished::default() })
    }

    fn write(&mut self, entity: &Entity, part: &PartId, batch: &Batch, run: &RunIds) -> Result<Receipt> {
        self.put(entity, part, (batch, false), run)
    }

    fn write_refused(
        &mut self,
        entity: &Entity,
        part: &PartId,
        batch: &Batch,
        run: &RunIds,
    ) -> Result<Receipt> {
        self.put(entity, part, (batch, true), run)
    }

    fn register(&mut self, run: &RunIds, beginning: &Beginning) -> Result<u64> {
        let place = self.place();
        self.access.require_write().map_err(|error| error.at(&place))?;
        let (runtime, connection) = self.parts()?;
        runtime.block_on(retire::register(connection, run, beginning)).map_err(|error| error.at(&place))
    }

    fn runs(&mut self) -> Result<Vec<RunEntry>> {
        let place = self.place();
        let (runtime, connection) = self.parts()?;
        runtime.block_on(retire::runs(connection)).map_err(|error| error.at(&place))
    }

    fn endings(&mut self, entity: &Entity, id: &EntityId) -> Result<Vec<Ending>> {
        let layout = Layout::of(entity)?;
        let place = self.place();
        let (runtime, connection) = self.parts()?;
        let found = runtime.block_on(retire::endings(connection, &layout, id));
        let found = found.map_err(|error| error.at(&place))?;
        self.require_still()?;
        Ok(found)
    }

    fn retire(
        &mut self,
        entity: &Entity,
        part: &PartId,
        ids: &[EntityId],
        because: &Retirement,
        run: &RunIds,
    ) -> Result<Receipt> {
        let place = self.place();
        self.access.require_write().map_err(|error| error.at(&place))?;
        require_same_entity(entity, part)?;
        let layout = Layout::of(entity)?;
        require_retirable(&layout, because)?;
        let (runtime, connection) = self.parts()?;
        let retired = retire::part(connection, &layout, part, ids, because, run);
        runtime.block_on(retired).map_err(|error| error.at(&place))
    }

    fn parts_at_once(&self) -> usize {
        together::PARTS
    }

    fn write_together(
        &mut self,
        entity: &Entity,
        parts: &[(PartId, Batch)],
        run: &RunIds,
    ) -> Result<Vec<Receipt>> {
        let layout = Layout::of(entity)?;
        let is_sound = |(part, batch): &(PartId, Batch)| {
            require_same_entity(entity, part).is_ok()
                && admit(entity, &layout, batch, Dialect::Sqlite).is_ok_and(|known| known.is_empty())
        };
        if self.access == Access::Write
            && parts.len() > 1
            && !self.held.contains(&entity.name)
            && parts.iter().all(is_sound)
        {
            let (runtime, connection) = self.parts()?;
            let written = runtime.block_on(together::parts(connection, &layout, parts, run));
            match written {
                Ok(Some(receipts)) => return Ok(receipts),
                // What is wrong with which row is found out one by one.
                Err(error) if error.kind() != ErrorKind::Data && error.answer().is_none() => {
                    return Err(error.at(&self.place()));
                }
                Ok(None) => {}
                // As for a part that is written alone.
                Err(_) => self.connection = None,
            }
            self.held.insert(entity.name.clone());
        }
        parts.iter().map(|(part, batch)| self.write(entity, part, batch, run)).collect()
    }

    fn receipts(&mut self, load_run_id: &str) -> Result<Vec<(PartId, Counts)>> {
        let place = self.place();
        let (runtime, connection) = self.parts()?;
        let rows = runtime.block_on(async {
            let is_old = columns(connection, sql::refusals::TABLE).await?.is_empty();
            let list = if is_old { sql::LIST_RECEIPTS_OF_OLD } else { sql::LIST_RECEIPTS };
            let rows = sqlx::query(list).bind(load_run_id).fetch_all(connection).await;
            rows.map_err(|error| Error::of(&error, "bron_receipt"))
        });
        let rows = rows.map_err(|error| error.at(&place))?;
        self.require_still()?;
        rows.iter().map(|row| listed_receipt(row).map_err(|error| error.at(&place))).collect()
    }

    fn refused(&mut self, load_run_id: &str) -> Result<Vec<Refusal>> {
        let place = self.place();
        let (runtime, connection) = self.parts()?;
        let listed = runtime.block_on(refusals::list(connection, load_run_id));
        let listed = listed.map_err(|error| error.at(&place))?;
        self.require_still()?;
        Ok(listed)
    }

    fn read_fields<'a>(
        &'a mut self,
        entity: &'a Entity,
        fields: &[&str],
        range: Option<IdRange>,
    ) -> Result<Box<dyn BatchReader + 'a>> {
        let layout = Layout::of(entity)?;
        let place = self.place();
        let (runtime, connection) = self.parts()?;
        runtime.block_on(verify(connection, &layout)).map_err(|error| error.at(&place))?;
        let Self { runtime, connection, still, .. } = self;
        let connection = connection.as_mut().expect("the connection was used just before");
        let layout = layout.only(fields)?;
        let rows = read::rows(connection, &layout, range.unwrap_or_default());
        Ok(Box::new(read::SqliteReader::new(runtime, rows, still.as_ref(), Collector::new(layout), place)))
    }

    fn hold(&mut self) -> Result<Moment> {
        self.release()?;
        let place = self.place();
        let (runtime, connection) = self.parts()?;
        // A transaction sees the file as it is when it first reads from it.
        let begun = runtime.block_on(async {
            sqlx::query("BEGIN").execute(&mut *connection).await?;
            sqlx::query("SELECT count(*) FROM sqlite_schema").fetch_one(connection).await
        });
        begun.map_err(|error| Error::of(&error, format!("{place}: no moment can be held")))?;
        self.holding = true;
        Ok(if self.still.is_some() { Moment::Still } else { Moment::Passing })
    }

    fn release(&mut self) -> Result<()> {
        if std::mem::take(&mut self.holding)
            && let Some(connection) = &mut self.connection
        {
            let place = self.path.display();
            let ended = self.runtime.block_on(sqlx::query("ROLLBACK").execute(connection));
            ended.map_err(|error| Error::of(&error, format!("{place}: the moment cannot be released")))?;
        }
        Ok(())
    }

    fn holds(&mut self, entity: &Entity) -> Result<bool> {
        let layout = Layout::of(entity)?;
        let place = self.place();
        let (runtime, connection) = self.parts()?;
        let found = runtime.block_on(columns(connection, &layout.table)).map_err(|error| error.at(&place))?;
        self.require_still()?;
        Ok(!found.is_empty())
    }

    fn count(&mut self, entity: &Entity) -> Result<u64> {
        let layout = Layout::of(entity)?;
        let place = self.place();
        let (runtime, connection) = self.parts()?;
        let counted = runtime.block_on(sqlx::query_scalar(sql::count(&layout.table)).fetch_one(connection));
        let rows: i64 =
            counted.map_err(|error| Error::of(&error, format!("{place}: table {}", layout.table)))?;
        self.require_still()?;
        Ok(whole(rows))
    }
}

/// A connection to a file whose control tables, if it has any, are understood.
fn connected(runtime: &Runtime, path: &Path, access: Access) -> Result<(SqliteConnection, Option<Still>)> {
    let place = path.display();
    let (mut connection, still) = runtime
        .block_on(connect(path, access))
        .map_err(|error| Error::of(&error, format!("{place}: cannot be opened as a SQLite database")))?;
    runtime.block_on(format(&mut connection)).map_err(|error| error.at(&place.to_string()))?;
    Ok((connection, still))
}

/// The format of the control tables; `None` when there are none.
async fn format(connection: &mut SqliteConnection) -> Result<Option<u32>> {
    match sqlx::query_scalar::<_, String>(sql::FIND_FORMAT).fetch_optional(connection).await {
        Ok(found) => control_format::judged(found.as_deref()).map(Some),
        Err(error) => match Error::of(&error, "bron_schema") {
            missing if missing.kind() == ErrorKind::Drift => Ok(None),
            other => Err(other),
        },
    }
}

/// Says what is wrong with a place before the database says less clearly that it cannot open it.
fn require_place(path: &Path, access: Access) -> Result<()> {
    let place = path.display();
    let directory =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    if !directory.is_dir() {
        return Err(Error::new(ErrorKind::Config, format!("{place}: the directory does not exist")));
    }
    if path.is_dir() {
        return Err(Error::new(ErrorKind::Config, format!("{place}: is a directory, not a file")));
    }
    if access == Access::Read && !path.exists() {
        return Err(Error::new(ErrorKind::Config, format!("{place}: the file does not exist")));
    }
    Ok(())
}

async fn connect(
    path: &Path,
    access: Access,
) -> std::result::Result<(SqliteConnection, Option<Still>), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROWS_AHEAD)
        .pragma("cache_size", CACHE)
        .disable_statement_logging();
    if access == Access::Read {
        let options = options.read_only(true);
        // A file in write-ahead mode gets a log beside it even when it is only read, unless it is opened as
        // one that nobody writes. Whether that stayed true is looked at after each call.
        let still = Still::of(path);
        let options = if still.is_some() { options.immutable(true) } else { options };
        return Ok((touch(SqliteConnection::connect_with(&options).await?).await?, still));
    }
    let options = options
        .create_if_missing(true)
        .pragma("temp_store", "memory")
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .page_size(PAGE_BYTES)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    Ok((touch(SqliteConnection::connect_with(&options).await?).await?, None))
}

/// Reads from the file once: only then does SQLite look at what it has opened.
async fn touch(mut connection: SqliteConnection) -> std::result::Result<SqliteConnection, sqlx::Error> {
    sqlx::query("SELECT count(*) FROM sqlite_schema").fetch_one(&mut connection).await?;
    Ok(connection)
}

async fn prepare(connection: &mut SqliteConnection, layouts: &[Layout], access: Access) -> Result<()> {
    if access == Access::Read {
        for layout in layouts {
            verify(connection, layout).await?;
        }
        return Ok(());
    }
    let failed = |error: sqlx::Error| Error::of(&error, "the tables cannot be created");
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let found = format(&mut transaction).await?;
    let upgrade = found.map_or_else(Vec::new, |from| control_format::upgrade(from, Dialect::Sqlite));
    for statement in sql::control_tables(Dialect::Sqlite).into_iter().chain(upgrade) {
        sqlx::query(sql::definition(statement)).execute(&mut *transaction).await.map_err(failed)?;
    }
    if found != Some(Artefact::ControlTables.newest()) {
        let number = sqlx::query(sql::WRITE_FORMAT).bind(control_format::newest());
        number.execute(&mut *transaction).await.map_err(failed)?;
    }
    for layout in layouts {
        let found = columns(&mut transaction, &layout.table).await?;
        if found.is_empty() {
            let table = sql::create_table(layout, Dialect::Sqlite);
            sqlx::query(sql::definition(table)).execute(&mut *transaction).await.map_err(failed)?;
            sqlx::query(sql::FORGET_RECEIPTS)
                .bind(&layout.table)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        } else {
            verify_found(&mut transaction, layout, &found).await?;
        }
        let history = sql::history::create_table(layout, Dialect::Sqlite);
        sqlx::query(sql::definition(history)).execute(&mut *transaction).await.map_err(failed)?;
        let found = columns(&mut transaction, &sql::history::name(&layout.table)).await?;
        history::verify(layout, &found, Dialect::Sqlite)?;
        let remember = sqlx::query(sql::WRITE_LAYOUT).bind(&layout.table).bind(layout.text());
        remember.execute(&mut *transaction).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

async fn claim(connection: &mut SqliteConnection, installation: &str, access: Access) -> Result<()> {
    let failed = |error: sqlx::Error| Error::of(&error, "bron_schema");
    if access == Access::Write {
        sqlx::query(sql::CLAIM).bind(installation).execute(&mut *connection).await.map_err(failed)?;
    }
    match sqlx::query_scalar::<_, String>(sql::FIND_CLAIM).fetch_optional(connection).await {
        Ok(found) => require_claim(found.as_deref(), installation),
        // Tables that somebody else made have no control tables beside them.
        Err(error) if Error::of(&error, "").kind() == ErrorKind::Drift => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

async fn verify(connection: &mut SqliteConnection, layout: &Layout) -> Result<()> {
    let found = columns(connection, &layout.table).await?;
    if found.is_empty() {
        return Err(Error::new(ErrorKind::Drift, format!("table {} does not exist", layout.table)));
    }
    verify_found(connection, layout, &found).await
}

async fn verify_found(
    connection: &mut SqliteConnection,
    layout: &Layout,
    found: &[FoundColumn],
) -> Result<()> {
    let remembered =
        sqlx::query_scalar(sql::FIND_LAYOUT).bind(&layout.table).fetch_optional(connection).await;
    let remembered: Option<String> = match remembered {
        Ok(remembered) => remembered,
        // Tables that somebody else made have no control tables beside them.
        Err(error) if Error::of(&error, "").kind() == ErrorKind::Drift => None,
        Err(error) => return Err(Error::of(&error, "bron_schema")),
    };
    let differences = layout.drift(found, remembered.as_deref(), Dialect::Sqlite, true);
    if differences.is_empty() { Ok(()) } else { Err(layout.drift_error(&differences)) }
}

async fn columns(connection: &mut SqliteConnection, table: &str) -> Result<Vec<FoundColumn>> {
    let failed = |error: sqlx::Error| Error::of(&error, format!("table {table}"));
    let mut rows = sqlx::query(sql::sqlite::COLUMNS).bind(table).fetch(connection);
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        found.push(FoundColumn {
            name: row.try_get(0).map_err(failed)?,
            kind: row.try_get(1).map_err(failed)?,
            required: row.try_get::<i64, _>(2).map_err(failed)? != 0,
            key: row.try_get::<i64, _>(3).map_err(failed)? != 0,
        });
    }
    Ok(found)
}

/// The counts of a receipt, in the columns from `first` on.
fn counts(row: &SqliteRow, first: usize) -> Result<Counts> {
    let number = |index: usize| {
        let stored = row.try_get::<i64, _>(first + index);
        stored
            .map(whole)
            .map_err(|_| Error::new(ErrorKind::Corrupt, "bron_receipt holds a count that is not a number"))
    };
    let [rows, inserted, updated, unchanged, refused] = [0, 1, 2, 3, 4].map(number);
    Ok(Counts::of_receipt(rows?, inserted?, updated?, unchanged?, refused?))
}

fn listed_receipt(row: &SqliteRow) -> Result<(PartId, Counts)> {
    let text = |index: usize| {
        let stored = row.try_get::<String, _>(index);
        stored.map_err(|_| Error::new(ErrorKind::Corrupt, "bron_receipt holds a name that is not a text"))
    };
    let content = Digest::parse(&text(2)?)
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, "bron_receipt holds a digest that is not one"))?;
    Ok((PartId { entity: text(0)?, part: text(1)?, content }, counts(row, 3)?))
}

/// A count that a database gives as a signed number.
fn whole(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
