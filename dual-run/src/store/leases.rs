//! Leases: who may write, told apart by tokens that only grow.

use jiff::Timestamp;

use super::connection::{Connection, stored, strange, values};
use super::{Access, Store, moment};
use crate::error::{Error, ErrorKind, Result};

/// The name of the lease that the bridge itself works under.
pub const BRIDGE_LEASE: &str = "bridge";

const FIND: &str = "SELECT name, holder, token, until FROM bridge_lease WHERE name = $1";
const FIND_HELD: &str = "SELECT token FROM bridge_lease WHERE name = $1";
/// Nobody takes the lease over before the transaction that relies on it has ended.
const FIND_HELD_ON_SERVER: &str = "SELECT token FROM bridge_lease WHERE name = $1 FOR SHARE";
const LIST: &str = "SELECT name, holder, token, until FROM bridge_lease ORDER BY name";
const TAKE: &str = "INSERT INTO bridge_lease (name, holder, token, until) VALUES ($1, $2, 1, $3) \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = bridge_lease.token + 1, \
     until = excluded.until WHERE bridge_lease.until <= $4 OR bridge_lease.holder = excluded.holder OR $5 = 1";
const RENEW: &str = "UPDATE bridge_lease SET until = $1 WHERE name = $2 AND token = $3";

/// The right to write, until somebody else gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What it is for: [`BRIDGE_LEASE`], or the name of a job.
    pub name: String,
    /// Who has it, such as a machine and a process.
    pub holder: String,
    /// Grows with every lease of the name that is given out. Of two processes that believe to have it, the one with the
    /// lower token is refused.
    pub token: u64,
    /// When it may be taken over, if it is not renewed. It stays good until that is done.
    pub until: Timestamp,
}

/// Whether the lease is still in force, in the transaction that relies on it.
pub(super) fn require(connection: &mut Connection, lease: &Lease) -> Result<()> {
    let sql = if connection.is_server() { FIND_HELD_ON_SERVER } else { FIND_HELD };
    let found = connection.row(sql, values![lease.name.as_str()])?;
    let token = found.map(|row| row.count(0)).transpose()?;
    if token == Some(lease.token) { Ok(()) } else { Err(lost(lease)) }
}

fn lost(lease: &Lease) -> Error {
    let text = format!("the lease {} was taken over: this process may no longer write", lease.name);
    Error::new(ErrorKind::Fenced, text)
}

fn read(row: &super::connection::Row) -> Result<Lease> {
    let (name, holder, token) = (row.text(0)?, row.text(1)?, row.count(2)?);
    Ok(Lease { name, holder, token, until: moment(row.int(3)?)? })
}

impl Store {
    /// Takes a lease when nobody has it, when it has run out, or when `holder` has it: also then with a new token.
    /// Everything that this store writes from here on is written under it, and refused when it is lost.
    ///
    /// The lease of the bridge is taken at once by whoever has the store open as [`Access::Bridge`]: the lock proves
    /// that its last holder is gone.
    ///
    /// # Errors
    /// Kind `Fenced` when somebody else has it, naming the holder and until when.
    pub fn acquire(&mut self, name: &str, holder: &str, now: Timestamp, until: Timestamp) -> Result<Lease> {
        let is_alone = self.access == Access::Bridge && name == BRIDGE_LEASE;
        let values = values![name, holder, until.as_microsecond(), now.as_microsecond(), is_alone];
        let taken = self.connection.together(|connection| {
            let changed = connection.execute(TAKE, values)?;
            let row = connection.row(FIND, values![name])?.ok_or_else(strange)?;
            let lease = read(&row)?;
            if changed == 1 {
                return Ok(lease);
            }
            let text = format!("{} has the lease {name} until {}", lease.holder, lease.until);
            Err(Error::new(ErrorKind::Fenced, text))
        })?;
        self.lease = Some(taken.clone());
        self.at(now);
        Ok(taken)
    }

    /// Keeps the lease for longer.
    ///
    /// # Errors
    /// Kind `Fenced` when it was taken over.
    pub fn renew(&mut self, now: Timestamp, until: Timestamp) -> Result<()> {
        self.write_lease(until)?;
        self.at(now);
        Ok(())
    }

    /// Gives the lease back: anybody may take it at once. This store writes no more.
    ///
    /// # Errors
    /// Kind `Fenced` when it was taken over.
    pub fn release(&mut self, now: Timestamp) -> Result<()> {
        self.write_lease(now)?;
        self.lease = None;
        Ok(())
    }

    fn write_lease(&mut self, until: Timestamp) -> Result<()> {
        let text = "no lease was acquired";
        let lease = self.lease.clone().ok_or_else(|| Error::new(ErrorKind::Fenced, text))?;
        let values = values![until.as_microsecond(), lease.name.as_str(), stored(lease.token)?];
        if self.connection.execute(RENEW, values)? == 1 { Ok(()) } else { Err(lost(&lease)) }
    }

    /// All leases that were ever given out, by name; those that have run out too.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn leases(&mut self) -> Result<Vec<Lease>> {
        self.connection.rows(LIST, Vec::new())?.iter().map(read).collect()
    }
}
