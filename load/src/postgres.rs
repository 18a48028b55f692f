//! The PostgreSQL target: binary COPY into a staging table, one set-based merge, the receipt in the same
//! transaction.

mod decode;
mod encode;
mod finishing;
mod opening;
mod read;
mod refusals;
mod retire;
#[cfg(test)]
#[cfg(feature = "postgres-tests")]
mod tests;
mod write;

use std::collections::BTreeSet;
use std::time::Duration;

use bron_mappings::{Artefact, Batch, BatchReader, Digest, Entity, EntityId, Model};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::runtime::Runtime;

use crate::admission::admit;
use crate::control_format;
use crate::error::{Error, ErrorKind, Result};
use crate::finished::Finished;
use crate::history::{self, Beginning, Ending, Retirement, RunEntry, require_retirable};
use crate::isolation::Given;
use crate::layout::{Dialect, FoundColumn, Layout, Reference};
use crate::refusal::Refusal;
use crate::runtime::runtime;
use crate::sink::{
    Access, Counts, IdRange, Moment, PartId, Receipt, RunIds, Sink, chosen, require_claim,
    require_same_entity,
};
use crate::sql;
use crate::terms::Terms;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How often, and how long apart, a lost server is asked what became of a commit.
const SETTLE_ATTEMPTS: u32 = 10;
const SETTLE_PAUSE: Duration = Duration::from_secs(1);

/// A PostgreSQL database as a target.
pub(crate) struct PostgresSink {
    runtime: Runtime,
    session: Session,
}

impl PostgresSink {
    pub(crate) fn open(
        options: PgConnectOptions,
        place: &str,
        access: Access,
        terms: &Terms,
    ) -> Result<Self> {
        let runtime = runtime()?;
        let options = options.application_name("bron").disable_statement_logging();
        let mut session = Session {
            options,
            place: place.to_owned(),
            access,
            terms: terms.clone(),
            connection: None,
            staged: BTreeSet::new(),
            usable: false,
            holding: false,
        };
        runtime.block_on(session.connection())?;
        Ok(Self { runtime, session })
    }
}

impl PostgresSink {
    /// Writes a part, or the rows of it that were refused.
    fn put(
        &mut self,
        entity: &Entity,
        part: &PartId,
        (batch, again): (&Batch, bool),
        run: &RunIds,
    ) -> Result<Receipt> {
        let Self { runtime, session } = self;
        session.access.require_write().map_err(|error| error.at(&session.place))?;
        require_same_entity(entity, part)?;
        let layout = Layout::of(entity)?;
        let known = admit(entity, &layout, batch, Dialect::Postgres)?;
        let given = Given { batch, known, again };
        runtime
            .block_on(write::part(session, &layout, part, given, run))
            .map_err(|error| session.after(error))
    }
}

/// A connection that is made again when it was lost.
struct Session {
    options: PgConnectOptions,
    place: String,
    access: Access,
    terms: Terms,
    connection: Option<PgConnection>,
    /// The entities whose staging tables this connection has.
    staged: BTreeSet<String>,
    /// Cleared while a reader is at work: a reader that is dropped early leaves rows in the connection.
    usable: bool,
    /// Whether one moment is read, see [`Sink::hold`]. Only this connection can see it.
    holding: bool,
}

impl Session {
    async fn connection(&mut self) -> Result<&mut PgConnection> {
        if !self.usable || self.connection.is_none() {
            if self.holding {
                let text = "the connection is lost, and with it the moment at which the target was read";
                return Err(Error::new(ErrorKind::Connection, text).at(&self.place));
            }
            self.connection = None;
            self.staged.clear();
            let connected = connect(&self.options, self.access, &self.terms).await;
            let connection = self.connection.insert(connected.map_err(|error| error.at(&self.place))?);
            format(connection).await.map_err(|error| error.at(&self.place))?;
            self.usable = true;
        }
        Ok(self.connection.as_mut().expect("the connection was made just before"))
    }

    /// The connection, made again when it was cut while nobody used it.
    async fn awake(&mut self) -> Result<&mut PgConnection> {
        if let Some(connection) = &mut self.connection
            && connection.ping().await.is_err()
        {
            self.usable = false;
        }
        self.connection().await
    }

    /// Gives up a connection after a failure that may have cut it.
    fn after(&mut self, error: Error) -> Error {
        if error.kind() == ErrorKind::Connection {
            self.usable = false;
        }
        error.at(&self.place)
    }
}

impl Sink for PostgresSink {
    fn prepare(&mut self, model: &Model, entities: &[&str]) -> Result<()> {
        let layouts = chosen(model, entities)?.into_iter().map(Layout::of).collect::<Result<Vec<_>>>()?;
        let Self { runtime, session } = self;
        let access = session.access;
        let prepared =
            runtime.block_on(async { prepare(session.connection().await?, &layouts, access).await });
        prepared.map_err(|error| session.after(error))
    }

    fn claim(&mut self, installation: &str) -> Result<()> {
        let Self { runtime, session } = self;
        let access = session.access;
        let claimed =
            runtime.block_on(async { claim(session.connection().await?, installation, access).await });
        claimed.map_err(|error| session.after(error))
    }

    fn begin(&mut self, model: &Model, entities: &[&str], run: &RunIds) -> Result<()> {
        let layouts = chosen(model, entities)?.into_iter().map(Layout::of).collect::<Result<Vec<_>>>()?;
        let Self { runtime, session } = self;
        session.access.require_write().map_err(|error| error.at(&session.place))?;
        let references = Reference::all(model);
        let begun = runtime.block_on(async {
            opening::begin(session.connection().await?, &layouts, &references, run).await
        });
        begun.map_err(|error| session.after(error))
    }

    fn is_order_sensitive(&mut self, entity: &Entity) -> Result<bool> {
        let layout = Layout::of(entity)?;
        let Self { runtime, session } = self;
        let compares = runtime.block_on(async {
            let query = sqlx::query_scalar::<_, bool>(sql::postgres::IS_ORDER_SENSITIVE).bind(&layout.table);
            let found = query.fetch_optional(session.awake().await?).await;
            found.map_err(|error| Error::of(&error, format!("table {}", layout.table)))
        });
        compares.map(|found| found.unwrap_or(false)).map_err(|error| session.after(error))
    }

    fn finish(&mut self, model: &Model, entities: &[&str], run: &RunIds) -> Result<Finished> {
        let layouts = chosen(model, entities)?.into_iter().map(Layout::of).collect::<Result<Vec<_>>>()?;
        let Self { runtime, session } = self;
        session.access.require_write().map_err(|error| error.at(&session.place))?;
        let (references, with_foreign_keys) = (Reference::all(model), session.terms.foreign_keys);
        let finished = runtime.block_on(async {
            // The parts may have taken hours, and this connection had nothing to do meanwhile.
            let connection = session.awake().await?;
            finishing::finish(connection, &layouts, &references, run, with_foreign_keys).await
        });
        finished.map_err(|error| session.after(error))
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
        let Self { runtime, session } = self;
        session.access.require_write().map_err(|error| error.at(&session.place))?;
        let begun =
            runtime.block_on(async { retire::register(session.awake().await?, run, beginning).await });
        begun.map_err(|error| session.after(error))
    }

    fn runs(&mut self) -> Result<Vec<RunEntry>> {
        let Self { runtime, session } = self;
        let runs = runtime.block_on(async { retire::runs(session.awake().await?).await });
        runs.map_err(|error| session.after(error))
    }

    fn endings(&mut self, entity: &Entity, id: &EntityId) -> Result<Vec<Ending>> {
        let layout = Layout::of(entity)?;
        let Self { runtime, session } = self;
        let found = runtime.block_on(async { retire::endings(session.awake().await?, &layout, id).await });
        found.map_err(|error| session.after(error))
    }

    fn retire(
        &mut self,
        entity: &Entity,
        part: &PartId,
        ids: &[EntityId],
        because: &Retirement,
        run: &RunIds,
    ) -> Result<Receipt> {
        let Self { runtime, session } = self;
        session.access.require_write().map_err(|error| error.at(&session.place))?;
        require_same_entity(entity, part)?;
        let layout = Layout::of(entity)?;
        require_retirable(&layout, because)?;
        let retired = retire::part(session, &layout, part, ids, because, run);
        runtime.block_on(retired).map_err(|error| session.after(error))
    }

    fn receipts(&mut self, load_run_id: &str) -> Result<Vec<(PartId, Counts)>> {
        let Self { runtime, session } = self;
        let listed: Result<Vec<_>> = runtime.block_on(async {
            let connection = session.awake().await?;
            let is_old = columns(connection, sql::refusals::TABLE).await?.is_empty();
            let list = if is_old { sql::LIST_RECEIPTS_OF_OLD } else { sql::LIST_RECEIPTS };
            let rows = sqlx::query(list).bind(load_run_id).fetch_all(connection).await;
            let rows = rows.map_err(|error| Error::of(&error, "bron_receipt"))?;
            rows.iter().map(listed_receipt).collect()
        });
        listed.map_err(|error| session.after(error))
    }

    fn refused(&mut self, load_run_id: &str) -> Result<Vec<Refusal>> {
        let Self { runtime, session } = self;
        let listed = runtime.block_on(async { refusals::list(session.awake().await?, load_run_id).await });
        listed.map_err(|error| session.after(error))
    }

    fn read_fields<'a>(
        &'a mut self,
        entity: &'a Entity,
        fields: &[&str],
        range: Option<IdRange>,
    ) -> Result<Box<dyn BatchReader + 'a>> {
        let layout = Layout::of(entity)?;
        let Self { runtime, session } = self;
        let verified = runtime.block_on(async { verify(session.connection().await?, &layout).await });
        verified.map_err(|error| session.after(error))?;
        Ok(Box::new(read::PostgresReader::open(runtime, session, layout.only(fields)?, range)?))
    }

    fn hold(&mut self) -> Result<Moment> {
        self.release()?;
        let Self { runtime, session } = self;
        let begun = runtime.block_on(async {
            let connection = session.awake().await?;
            for statement in sql::postgres::HOLD {
                let done = sqlx::raw_sql(statement).execute(&mut *connection).await;
                done.map_err(|error| Error::of(&error, "no moment can be held"))?;
            }
            Ok(())
        });
        begun.map_err(|error| session.after(error))?;
        session.holding = true;
        Ok(Moment::Passing)
    }

    fn release(&mut self) -> Result<()> {
        let Self { runtime, session } = self;
        if !std::mem::take(&mut session.holding) || !session.usable {
            return Ok(());
        }
        let ended = runtime.block_on(async {
            let ended = sqlx::raw_sql("ROLLBACK").execute(session.connection().await?).await;
            ended.map_err(|error| Error::of(&error, "the moment cannot be released"))
        });
        ended.map(drop).map_err(|error| session.after(error))
    }

    fn holds(&mut self, entity: &Entity) -> Result<bool> {
        let layout = Layout::of(entity)?;
        let Self { runtime, session } = self;
        let found = runtime.block_on(async { columns(session.connection().await?, &layout.table).await });
        found.map(|found| !found.is_empty()).map_err(|error| session.after(error))
    }

    fn being_made(&mut self, entity: &Entity) -> Result<Option<String>> {
        let Self { runtime, session } = self;
        let found = runtime.block_on(async { unfinished(session.connection().await?, &entity.name).await });
        found.map_err(|error| session.after(error))
    }

    fn count(&mut self, entity: &Entity) -> Result<u64> {
        let layout = Layout::of(entity)?;
        let Self { runtime, session } = self;
        let counted = runtime.block_on(async {
            let counted =
                sqlx::query_scalar(sql::count(&layout.table)).fetch_one(session.connection().await?).await;
            counted.map(whole).map_err(|error| Error::of(&error, format!("table {}", layout.table)))
        });
        counted.map_err(|error| session.after(error))
    }
}

pub(crate) async fn connect(
    options: &PgConnectOptions,
    access: Access,
    terms: &Terms,
) -> Result<PgConnection> {
    let failed = |error: sqlx::Error| Error::of(&error, "the server cannot be used");
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options)).await;
    let mut connection = connecting
        .map_err(|_| Error::new(ErrorKind::Connection, "the server did not answer within 30 seconds"))?
        .map_err(failed)?;
    let encoding: String =
        sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut connection).await.map_err(failed)?;
    if encoding != "UTF8" {
        let text = format!("the database's encoding is {encoding}, and only UTF8 holds every text");
        return Err(Error::new(ErrorKind::Config, text));
    }
    let settings = match access {
        Access::Read => "SET default_transaction_read_only = on",
        // What is reported as written must survive the server's crash, whatever the role's default says.
        Access::Write => {
            "SELECT set_config('synchronous_commit', 'on', false) \
             WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        }
    };
    sqlx::raw_sql(settings).execute(&mut connection).await.map_err(failed)?;
    if access == Access::Write {
        sqlx::raw_sql(sql::postgres::FOR_BATCHES).execute(&mut connection).await.map_err(failed)?;
    }
    let limits = [("statement_timeout", terms.statement_timeout), ("lock_timeout", Some(terms.lock_timeout))];
    for (name, limit) in limits.into_iter().filter_map(|(name, limit)| Some((name, limit?))) {
        let set = sqlx::query(sql::postgres::SET).bind(name).bind(format!("{}ms", limit.as_millis()));
        set.execute(&mut connection).await.map_err(failed)?;
    }
    Ok(connection)
}

async fn prepare(connection: &mut PgConnection, layouts: &[Layout], access: Access) -> Result<()> {
    if access == Access::Read {
        for layout in layouts {
            verify(connection, layout).await?;
        }
        return Ok(());
    }
    let failed = |error: sqlx::Error| Error::of(&error, "the tables cannot be created");
    let mut transaction = connection.begin().await.map_err(failed)?;
    // Two sinks that prepare at the same time would otherwise both find no table.
    sqlx::query(sql::postgres::LOCK).bind("bron:prepare").execute(&mut *transaction).await.map_err(failed)?;
    let mut has_control = true;
    for table in sql::CONTROL_TABLES {
        has_control &= !columns(&mut transaction, table).await?.is_empty();
    }
    let found = format(&mut transaction).await?;
    let mut statements = found.map_or_else(Vec::new, |from| control_format::upgrade(from, Dialect::Postgres));
    if !has_control {
        statements.splice(0..0, sql::control_tables(Dialect::Postgres));
    }
    for statement in statements {
        sqlx::query(sql::definition(statement)).execute(&mut *transaction).await.map_err(failed)?;
    }
    if found != Some(Artefact::ControlTables.newest()) {
        let number = sqlx::query(sql::WRITE_FORMAT).bind(control_format::newest());
        number.execute(&mut *transaction).await.map_err(failed)?;
    }
    for layout in layouts {
        let found = columns(&mut transaction, &layout.table).await?;
        if found.is_empty() {
            let table = sql::create_table(layout, Dialect::Postgres);
            sqlx::query(sql::definition(table)).execute(&mut *transaction).await.map_err(failed)?;
            opening::forget(&mut transaction, &layout.table).await.map_err(failed)?;
        } else {
            verify_found(&mut transaction, layout, &found).await?;
        }
        prepare_history(&mut transaction, layout).await?;
        let remember = sqlx::query(sql::WRITE_LAYOUT).bind(&layout.table).bind(layout.text());
        remember.execute(&mut *transaction).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

/// Makes the history table of an entity, or verifies the one that is there.
async fn prepare_history(connection: &mut PgConnection, layout: &Layout) -> Result<()> {
    let name = sql::history::name(&layout.table);
    let found = columns(connection, &name).await?;
    if !found.is_empty() {
        return history::verify(layout, &found, Dialect::Postgres);
    }
    let table = sql::history::create_table(layout, Dialect::Postgres);
    let failed = |error: sqlx::Error| Error::of(&error, format!("table {name}"));
    sqlx::query(sql::definition(table)).execute(&mut *connection).await.map_err(failed)?;
    // What the role gives to others by default is meant for tables whose rows change.
    let others = sqlx::query_scalar::<_, Option<String>>(sql::history::LIST_CHANGERS).bind(&name);
    for role in others.fetch_all(&mut *connection).await.map_err(failed)? {
        let revoke = sql::history::revoke_changes(&layout.table, role.as_deref());
        sqlx::query(sql::definition(revoke)).execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

/// The format of the control tables; `None` when there are none.
async fn format(connection: &mut PgConnection) -> Result<Option<u32>> {
    if columns(connection, "bron_schema").await?.is_empty() {
        return Ok(None);
    }
    let found = sqlx::query_scalar::<_, String>(sql::FIND_FORMAT).fetch_optional(connection).await;
    control_format::judged(found.map_err(|error| Error::of(&error, "bron_schema"))?.as_deref()).map(Some)
}

async fn claim(connection: &mut PgConnection, installation: &str, access: Access) -> Result<()> {
    let failed = |error: sqlx::Error| Error::of(&error, "bron_schema");
    if access == Access::Write {
        sqlx::query(sql::CLAIM).bind(installation).execute(&mut *connection).await.map_err(failed)?;
    } else if columns(connection, "bron_schema").await?.is_empty() {
        return Ok(());
    }
    let found = sqlx::query_scalar::<_, String>(sql::FIND_CLAIM).fetch_optional(connection).await;
    require_claim(found.map_err(failed)?.as_deref(), installation)
}

/// Verifies a table that is to be read. One that a load has not finished may hold a row twice.
async fn verify(connection: &mut PgConnection, layout: &Layout) -> Result<()> {
    let table = &layout.table;
    let found = columns(connection, table).await?;
    if found.is_empty() {
        return Err(Error::new(ErrorKind::Drift, format!("table {table} does not exist")));
    }
    match verify_found(connection, layout, &found).await? {
        Some(run) => Err(finishing::of_another_run(table, &run)),
        None => Ok(()),
    }
}

/// Verifies a table, and gives the load run that is making it, if one is.
async fn verify_found(
    connection: &mut PgConnection,
    layout: &Layout,
    found: &[FoundColumn],
) -> Result<Option<String>> {
    let mut remembered = None;
    if has_control(connection).await? {
        remembered = opening::remembered(connection, &layout.table).await?;
    }
    let unfinished = unfinished(connection, &layout.table).await?;
    let differences = layout.drift(found, remembered.as_deref(), Dialect::Postgres, unfinished.is_none());
    if differences.is_empty() { Ok(unfinished) } else { Err(layout.drift_error(&differences)) }
}

/// The load run that is making a table, if one is.
async fn unfinished(connection: &mut PgConnection, table: &str) -> Result<Option<String>> {
    if has_control(connection).await? {
        opening::remembered(connection, &sql::opening::unfinished(table)).await
    } else {
        Ok(None)
    }
}

/// Tables that somebody else made have no control tables beside them.
async fn has_control(connection: &mut PgConnection) -> Result<bool> {
    Ok(!columns(connection, "bron_schema").await?.is_empty())
}

async fn columns(connection: &mut PgConnection, table: &str) -> Result<Vec<FoundColumn>> {
    let failed = |error: sqlx::Error| Error::of(&error, format!("table {table}"));
    let rows = sqlx::query(sql::postgres::COLUMNS).bind(table).fetch_all(connection).await.map_err(failed)?;
    let column = |row: &PgRow| -> std::result::Result<FoundColumn, sqlx::Error> {
        Ok(FoundColumn {
            name: row.try_get(0)?,
            kind: row.try_get(1)?,
            required: row.try_get(2)?,
            key: row.try_get(3)?,
        })
    };
    rows.iter().map(|row| column(row).map_err(failed)).collect()
}

/// The counts of a receipt, in the columns from `first` on.
fn counts(row: &PgRow, first: usize) -> Result<Counts> {
    let number = |index: usize| {
        let stored = row.try_get::<i64, _>(first + index);
        stored.map(whole).map_err(|error| Error::of(&error, "bron_receipt"))
    };
    let [rows, inserted, updated, unchanged, refused] = [0, 1, 2, 3, 4].map(number);
    Ok(Counts::of_receipt(rows?, inserted?, updated?, unchanged?, refused?))
}

fn listed_receipt(row: &PgRow) -> Result<(PartId, Counts)> {
    let text =
        |index: usize| row.try_get::<String, _>(index).map_err(|error| Error::of(&error, "bron_receipt"));
    let content = Digest::parse(&text(2)?)
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, "bron_receipt holds a digest that is not one"))?;
    Ok((PartId { entity: text(0)?, part: text(1)?, content }, counts(row, 3)?))
}

/// A count that a database gives as a signed number.
fn whole(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
