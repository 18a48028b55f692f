//! The point in time that the reads of a SQL Server database see.

use bron_mappings::{Digest, DigestBuilder};
use tiberius::error::Error as Refusal;
use tiberius::{ColumnData, Row};

use super::refusal::ends_transaction;
use super::{Connected, Line, USUAL_SCHEMA};
use crate::access::Access;
use crate::error::{Error, ErrorKind};
use crate::hashing::unrepeatable;
use crate::source::Consistency;

const DOMAIN: &str = "bron.source.mssql.1";

/// The database of the connection, and what holds reads of it together.
const DATABASE: &str = "\
    SELECT d.name, d.snapshot_isolation_state, d.source_database_id, d.create_date, \
           CAST(SERVERPROPERTY('ServerName') AS nvarchar(128)) \
    FROM sys.databases AS d WHERE d.name = DB_NAME()";

/// What tells one life of a database from the one after a restore.
const LIFE: &str = "\
    SELECT r.recovery_fork_guid FROM sys.database_recovery_status AS r WHERE r.database_id = DB_ID()";

/// The shape of every table of the schema and how it is tracked; a table that is not has no first version.
const SHAPE: &str = "\
    SELECT o.name, t.begin_version, t.min_valid_version, c.column_id, c.name, c.system_type_id, c.max_length, \
           c.precision, c.scale \
    FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
    JOIN sys.columns AS c ON c.object_id = o.object_id \
    LEFT JOIN sys.change_tracking_tables AS t ON t.object_id = o.object_id \
    WHERE s.name = @P1 AND o.type IN ('U', 'V') AND o.is_ms_shipped = 0 ORDER BY o.object_id, c.column_id";

/// How the reads are held together.
enum Held {
    /// By a database snapshot of this name.
    DatabaseSnapshot(String),
    /// By a transaction, begun at this change-tracking version if there is one.
    Transaction(Option<i64>),
    /// By nothing.
    Nothing,
}

/// A point in time, or the lack of one.
pub(super) struct Point {
    held: Held,
    /// The digest that names the content, a new one when the server cannot say whether anything changed.
    fingerprint: Digest,
}

impl Point {
    /// `identity` is what the fingerprint is made of; `None` when the server cannot say whether anything changed.
    fn new(held: Held, identity: Option<Vec<Vec<u8>>>) -> Self {
        let fingerprint = identity.map_or_else(
            || unrepeatable(DOMAIN),
            |identity| {
                let mut digest = DigestBuilder::new(DOMAIN);
                for part in &identity {
                    digest.part(part);
                }
                digest.finish()
            },
        );
        Self { held, fingerprint }
    }

    /// Fixes the point that the following statements see.
    pub(super) fn fix(connected: &mut Connected, access: &Access) -> Result<Self, Error> {
        let doing = "beginning to read";
        let time = access.manners.statement_timeout;
        let database = connected.run(time, doing, async |session| {
            let rows = session.ask(DATABASE, &[]).await?;
            rows.into_iter().next().ok_or(Refusal::Protocol("the server does not list this database".into()))
        })?;
        let failed = |error| super::refused(&connected.place, doing, error);
        let allows_snapshots = database.try_get::<u8, _>(1).map_err(failed)?.unwrap_or(0) == 1;
        let is_snapshot = database.try_get::<i32, _>(2).map_err(failed)?.is_some();
        let about: Vec<Vec<u8>> = parts(database);
        if let Some(name) = &access.snapshot {
            if !is_snapshot {
                let problem = format!("{}: {name} is no database snapshot", connected.place);
                return Err(Error::new(ErrorKind::Settings, problem));
            }
            return Ok(Self::new(Held::DatabaseSnapshot(name.clone()), Some(about)));
        }
        if !allows_snapshots {
            return Ok(Self::new(Held::Nothing, None));
        }
        // Whoever may not ask for it reads as well; only nobody knows then whether anything changed.
        let life = connected.run(time, doing, async |session| match session.ask(LIFE, &[]).await {
            Err(error) if !ends_transaction(&error) => Ok(None),
            answer => answer.map(Some),
        })?;
        connected.tell("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION")?;
        let schema = access.schema.as_deref().unwrap_or(USUAL_SCHEMA);
        let (version, shape) = connected.run(time, doing, async |session| {
            let version = session.ask("SELECT CHANGE_TRACKING_CURRENT_VERSION()", &[]).await?;
            let version = version.first().map(|row| row.try_get::<i64, _>(0)).transpose()?.flatten();
            Ok((version, session.ask(SHAPE, &[&schema]).await?))
        })?;
        let tracked = shape.iter().all(|row| matches!(row.try_get::<i64, _>(1), Ok(Some(_))));
        let life = life.filter(|rows| !rows.is_empty() && tracked);
        let identity = life.zip(version).map(|(life, version)| {
            let rows = life.into_iter().chain(shape).flat_map(parts);
            about.into_iter().chain([version.to_string().into_bytes()]).chain(rows).collect()
        });
        Ok(Self::new(Held::Transaction(version), identity))
    }

    /// Whether the statements of the connection see this point still. Who cannot be asked does not.
    pub(super) fn stands(&self, connected: &mut Connected, access: &Access) -> bool {
        if connected.line == Line::Lost {
            return false;
        }
        match &self.held {
            // Another one may have been made under the same name.
            Held::DatabaseSnapshot(_) => {
                Self::fix(connected, access).is_ok_and(|now| now.fingerprint == self.fingerprint)
            }
            Held::Transaction(_) => {
                let time = access.manners.statement_timeout;
                let open = connected.run(time, "beginning to read", async |session| {
                    let rows = session.ask("SELECT @@TRANCOUNT", &[]).await?;
                    rows.first().map(|row| row.try_get::<i32, _>(0)).transpose()
                });
                open.is_ok_and(|open| open.flatten() == Some(1))
            }
            Held::Nothing => true,
        }
    }

    pub(super) fn is_transaction(&self) -> bool {
        matches!(self.held, Held::Transaction(_))
    }

    pub(super) fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    pub(super) fn consistency(&self) -> Consistency {
        match &self.held {
            Held::DatabaseSnapshot(name) => Consistency::Point { how: "database snapshot", at: name.clone() },
            Held::Transaction(version) => {
                let at = version.map(|version| format!("change-tracking version {version}"));
                Consistency::Point { how: "snapshot transaction", at: at.unwrap_or_default() }
            }
            Held::Nothing => Consistency::None {
                why: "the database does not allow SNAPSHOT isolation, and the settings name no database snapshot"
                    .to_owned(),
            },
        }
    }
}

/// The values of a row of the catalog, told apart; only compared, never read.
fn parts(row: Row) -> Vec<Vec<u8>> {
    row.into_iter().map(|value: ColumnData<'static>| format!("{value:?}").into_bytes()).collect()
}
