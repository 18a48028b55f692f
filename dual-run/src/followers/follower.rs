//! What every follower does in the same way.

use std::time::Duration;

use bron_mappings::{Digest, DigestBuilder, SourceKey};
use tokio::runtime::{Builder, Runtime};

use super::applying::{self, Stop, Tried};
use super::control;
use super::line::{Line, Values, bytes, whole};
use super::table::{Followed, Table, Tables};
use crate::change::{CutId, Image, Stream, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::follower::{Applied, AppliedRow, ApplyWork};
use crate::ownership::Ownership;
use crate::scope::Scope;

/// How often a cut is begun again that was given up for another transaction's sake, and how long after the first time.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// How many rows are asked for at once.
const AT_ONCE: usize = 5000;

/// A database that follows, over a connection that is made again after any failure.
pub(super) struct DatabaseFollower<L: Line> {
    runtime: Runtime,
    address: L::Address,
    /// What errors begin with.
    place: String,
    line: Option<L>,
    tables: Tables,
}

impl<L: Line> DatabaseFollower<L> {
    /// Connects, makes the tables of the bridge where they are not, and learns the tables that are followed.
    pub(super) fn open(address: L::Address, place: String, followed: &Followed) -> Result<Self> {
        let built = Builder::new_current_thread().enable_all().build();
        let runtime =
            built.map_err(|error| Error::because(ErrorKind::Storage, "the runtime does not start", error))?;
        let mut follower = Self { runtime, address, place, line: None, tables: Tables::default() };
        follower.tables =
            follower.with(async |line: &mut Lined<'_, L>, _: &Tables| line.settle(followed).await)?;
        Ok(follower)
    }

    /// Does something with the connection, and drops it when that fails.
    fn with<T>(&mut self, work: impl AsyncFnOnce(&mut Lined<'_, L>, &Tables) -> Tried<T>) -> Result<T> {
        self.attempt(work).map_err(|stop| stop.into_error().at(&self.place))
    }

    fn attempt<T>(&mut self, work: impl AsyncFnOnce(&mut Lined<'_, L>, &Tables) -> Tried<T>) -> Tried<T> {
        let Self { runtime, address, line, tables, .. } = self;
        let done = runtime.block_on(async {
            if line.is_none() {
                *line = Some(L::connect(address).await?);
            }
            let connected = line.as_mut().expect("the connection was made just before");
            work(&mut Lined(connected), tables).await
        });
        if done.is_err() {
            self.line = None;
        }
        done
    }

    pub(super) fn offset(&mut self, stream: &Stream) -> Result<Option<CutId>> {
        self.with(async |line, _| applying::offset(line.0, stream).await)
    }

    pub(super) fn applied(
        &mut self,
        stream: &Stream,
        causes: &[SourceKey],
    ) -> Result<Vec<Option<AppliedRow>>> {
        self.with(async |line, _| {
            let mut all = Vec::with_capacity(causes.len());
            for causes in causes.chunks(AT_ONCE) {
                let found = line.0.entries(stream, causes).await;
                let found = found.map_err(|error| Stop::driver(error, "table bridge_applied"))?;
                for entries in found {
                    all.push(applied_row(&entries)?);
                }
            }
            Ok(all)
        })
    }

    pub(super) fn current(&mut self, keys: &[SourceKey]) -> Result<Vec<Option<Image>>> {
        self.with(async |line, tables| {
            let mut all = Vec::with_capacity(keys.len());
            for keys in keys.chunks(AT_ONCE) {
                all.extend(line.0.rows(tables, keys).await?);
            }
            Ok(all)
        })
    }

    /// Applies a cut; begins again when the database asks for it, and row by row when it refuses one.
    pub(super) fn apply(&mut self, work: &ApplyWork) -> Result<Applied> {
        let (mut careful, mut pause) = (false, FIRST_PAUSE);
        for attempt in 1.. {
            let stop = match self
                .attempt(async |line, tables| applying::attempt(line.0, tables, work, careful).await)
            {
                Ok(applied) => return Ok(applied),
                Err(stop) => stop,
            };
            if !careful && stop.objection().is_some() {
                careful = true;
            } else if stop.is_passing() && attempt < ATTEMPTS {
                self.runtime.block_on(async { tokio::time::sleep(pause).await });
                pause *= 2;
            } else {
                return Err(stop.into_error().at(&self.place));
            }
        }
        unreachable!("the attempts are counted, and the last returns")
    }

    pub(super) fn ownership(&mut self, scope: &Scope) -> Result<Option<Ownership>> {
        self.with(async |line, _| applying::ownership(line.0, scope).await)
    }

    pub(super) fn set_ownership(&mut self, scope: &Scope, ownership: Ownership) -> Result<()> {
        let is_set = self.with(async |line, _| applying::set_ownership(line.0, scope, ownership).await)?;
        if is_set {
            return Ok(());
        }
        let text = format!("{}: a later epoch of {scope} is in force", self.place);
        Err(Error::new(ErrorKind::Fenced, text))
    }
}

/// A connection that is being used.
pub(super) struct Lined<'l, L>(pub(super) &'l mut L);

impl<L: Line> Lined<'_, L> {
    async fn settle(&mut self, followed: &Followed) -> Tried<Tables> {
        for statement in control::tables(L::DIALECT) {
            let made = self.0.script(statement).await;
            made.map_err(|error| Stop::driver(error, "the tables of the bridge cannot be made"))?;
        }
        let mut tables = Tables::default();
        match followed {
            Followed::Model(entities) => {
                for entity in entities {
                    let found = self.columns(&entity.name).await?;
                    tables.add(Table::of_model(entity, &found)?);
                }
            }
            Followed::Legacy(legacy) => {
                for table in legacy {
                    let found = self.columns(&table.table).await?;
                    tables.add(Table::of_legacy(table, found)?);
                }
            }
        }
        Ok(tables)
    }

    async fn columns(&mut self, table: &str) -> Tried<Vec<super::table::Described>> {
        let found =
            self.0.columns(table).await.map_err(|error| Stop::driver(error, &format!("table {table}")))?;
        if found.is_empty() {
            return Err(Error::new(ErrorKind::Drift, format!("table {table} does not exist")).into());
        }
        Ok(found)
    }
}

/// The ledger's entries of one row of the owner as one. Of several rows the content is the digest of all of them.
fn applied_row(found: &[Values]) -> Result<Option<AppliedRow>> {
    let corrupt = || Error::new(ErrorKind::Corrupt, "table bridge_applied holds an entry that is none");
    let mut entry: Option<AppliedRow> = None;
    let mut contents = Vec::new();
    for row in found {
        let [target, major, minor, content] = &row[..] else { return Err(corrupt()) };
        let number = |value: &Option<_>| u64::try_from(whole(value.as_ref())).map_err(|_| corrupt());
        let version = Version { major: number(major)?, minor: number(minor)? };
        let latest = entry.as_ref().map_or(version, |entry| entry.version.max(version));
        if let Some(content) = bytes(content.as_ref()) {
            contents.push((
                bytes(target.as_ref()).unwrap_or_default().to_vec(),
                digest(content).ok_or_else(corrupt)?,
            ));
        }
        entry = Some(AppliedRow { version: latest, content: None });
    }
    Ok(entry.map(|entry| AppliedRow { content: together(&contents), ..entry }))
}

fn together(contents: &[(Vec<u8>, Digest)]) -> Option<Digest> {
    match contents {
        [] => None,
        [(_, one)] => Some(*one),
        several => {
            let mut all = DigestBuilder::new("dual-run rows 1");
            for (target, content) in several {
                all.part(target).part(content.as_bytes());
            }
            Some(all.finish())
        }
    }
}

fn digest(bytes: &[u8]) -> Option<Digest> {
    let bytes: &[u8; 32] = bytes.try_into().ok()?;
    Digest::parse(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
