//! Faults on demand.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Something that goes wrong on purpose: once, at the first statement of any connection, unless it is told
/// otherwise.
///
/// ```
/// # use bron_tds::Fault;
/// let fault = Fault::error(1205).after_rows(10).on("KLIENT").skip(1);
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    effect: Effect,
    statement: Option<String>,
    connection: Option<u64>,
    skip: u32,
    times: Option<u32>,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Delay(Duration),
    Error { number: u32, after_rows: u64 },
    CutAfterBytes(usize),
    CutAfterRows(u64),
    RefuseLogin(u32),
    StallAfterRows(u64, Duration),
    DropTable(String),
    Meanwhile(String),
    Forget(String, i64),
}

impl Fault {
    fn new(effect: Effect) -> Self {
        Self { effect, statement: None, connection: None, skip: 0, times: Some(1) }
    }

    /// The server waits before it answers.
    #[must_use]
    pub fn delay(time: Duration) -> Self {
        Self::new(Effect::Delay(time))
    }

    /// The statement ends with this error, before its first row.
    #[must_use]
    pub fn error(number: u32) -> Self {
        Self::new(Effect::Error { number, after_rows: 0 })
    }

    /// The statement waited for a lock for too long: error 1222.
    #[must_use]
    pub fn lock_timeout() -> Self {
        Self::error(1222)
    }

    /// The statement was chosen as the victim of a deadlock: error 1205, which ends the transaction.
    #[must_use]
    pub fn deadlock() -> Self {
        Self::error(1205)
    }

    /// The connection breaks after so many bytes of the answer.
    #[must_use]
    pub fn cut_after_bytes(count: usize) -> Self {
        Self::new(Effect::CutAfterBytes(count))
    }

    /// The connection breaks after so many rows of the answer.
    #[must_use]
    pub fn cut_after_rows(count: u64) -> Self {
        Self::new(Effect::CutAfterRows(count))
    }

    /// The login is refused with this error: 18456 for a wrong password, 40613 for a database that is away.
    #[must_use]
    pub fn refuse_login(number: u32) -> Self {
        Self::new(Effect::RefuseLogin(number))
    }

    /// The table is dropped before the statement is carried out.
    #[must_use]
    pub fn drop_table(name: &str) -> Self {
        Self::new(Effect::DropTable(name.to_owned()))
    }

    /// The server sends so many rows of the answer, and the rest of it only after this time.
    #[must_use]
    pub fn stall_after_rows(count: u64, time: Duration) -> Self {
        Self::new(Effect::StallAfterRows(count, time))
    }

    /// Somebody else carries out these statements, and commits them, right before the statement.
    #[must_use]
    pub fn meanwhile(sql: &str) -> Self {
        Self::new(Effect::Meanwhile(sql.to_owned()))
    }

    /// The changes of a table up to and including a version are forgotten right before the statement, as the clean-up
    /// of change tracking does it; see [`Server::forget_changes`](crate::Server::forget_changes).
    #[must_use]
    pub fn forget_changes(table: &str, version: i64) -> Self {
        Self::new(Effect::Forget(table.to_owned(), version))
    }

    /// An error comes only after so many rows. No effect on other faults.
    #[must_use]
    pub fn after_rows(mut self, count: u64) -> Self {
        if let Effect::Error { after_rows, .. } = &mut self.effect {
            *after_rows = count;
        }
        self
    }

    /// Only at statements that hold this text, in any case and with any blanks and brackets. Requests to the
    /// transaction manager read `BEGIN TRANSACTION`, `COMMIT TRANSACTION`, `ROLLBACK TRANSACTION` and
    /// `SAVE TRANSACTION`.
    #[must_use]
    pub fn on(mut self, part: &str) -> Self {
        self.statement = Some(bare(part));
        self
    }

    /// Only in this connection, counted from 1 since the server was started.
    #[must_use]
    pub fn connection(mut self, number: u64) -> Self {
        self.connection = Some(number);
        self
    }

    /// Not at the first so many statements that it would meet.
    #[must_use]
    pub fn skip(mut self, count: u32) -> Self {
        self.skip = count;
        self
    }

    /// So many times.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.times = Some(count);
        self
    }

    /// Every time.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    fn meets(&self, connection: u64, statement: Option<&str>) -> bool {
        let at_login = matches!(self.effect, Effect::RefuseLogin(_));
        let stated = match (&self.statement, statement) {
            (Some(part), Some(statement)) => bare(statement).contains(part),
            (Some(_), None) => false,
            (None, _) => true,
        };
        at_login == statement.is_none() && stated && self.connection.is_none_or(|number| number == connection)
    }

    /// Counts a meeting and says whether the fault happens now.
    fn strikes(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// A text without what does not matter when statements are compared.
fn bare(text: &str) -> String {
    let kept = text.chars().filter(|one| !one.is_whitespace() && !matches!(one, '[' | ']'));
    kept.flat_map(char::to_lowercase).collect()
}

/// The faults of a server.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// What happens at a statement, or at a login when there is none.
    pub(crate) fn strike(&self, connection: u64, statement: Option<&str>) -> Vec<Effect> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let met = faults.iter_mut().filter(|fault| fault.meets(connection, statement));
        met.filter_map(|fault| fault.strikes().then(|| fault.effect.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_where_and_as_often_as_told() {
        let faults = Faults::default();
        faults.add(Fault::deadlock().on("klient").skip(1).times(2));
        let struck = |statement| faults.strike(1, Some(statement)).len();
        assert_eq!([struck("SELECT 1"), struck("FROM KLIENT"), struck("FROM [Klient]")], [0, 0, 1]);
        assert_eq!([struck("FROM klient"), struck("FROM klient")], [1, 0]);
    }

    #[test]
    fn connections_and_logins_are_told_apart() {
        let faults = Faults::default();
        faults.add(Fault::lock_timeout().connection(2).always());
        faults.add(Fault::refuse_login(18456));
        assert_eq!(faults.strike(1, Some("SELECT 1")), []);
        assert_eq!(faults.strike(2, Some("SELECT 1")), [Effect::Error { number: 1222, after_rows: 0 }]);
        assert_eq!(faults.strike(1, None), [Effect::RefuseLogin(18456)]);
        assert_eq!(faults.strike(1, None), []);
    }
}
