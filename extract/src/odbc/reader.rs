//! The rows of one table.

use std::cmp::min;
use std::time::{Duration, Instant};

use odbc_api::buffers::{BoxColumnBuffer, ColumnarBuffer, ColumnarDynBuffer};
use odbc_api::handles::StatementImpl;
use odbc_api::{BlockCursor, Connection, Cursor, CursorImpl, Error as OdbcError};

use super::dialect::whole_seconds;
use super::form::Form;
use super::refusal::Place;
use super::row_set::{RowSet, RowsDigest};
use crate::access::Manners;
use crate::error::{Error, ErrorKind};
use crate::found::RowTaker;
use crate::intake::{Intake, Rows};
use crate::pace::Pace;

/// The memory that the buffers of one table may take, but for a single row that needs more.
const BUFFERS: usize = 8 << 20;
/// More rows at a time give nothing.
const ROWS_AT_A_TIME: usize = 2048;

/// The rows of a statement that was run.
pub(super) type Open<'a> = CursorImpl<StatementImpl<'a>>;
type Buffers = ColumnarBuffer<BoxColumnBuffer>;

/// Where the rows come from.
enum Reading<'a> {
    /// Many rows at a time, into buffers that were made for the declared types.
    Bulk(BlockCursor<Open<'a>, Buffers>),
    /// Value by value, each as long as it is.
    Single(Open<'a>),
    /// Nothing follows.
    Ended,
}

/// What is read.
pub(super) struct Query {
    /// The statement.
    pub(super) text: String,
    /// What it is about, for messages.
    pub(super) doing: String,
    /// How to read the columns that it gives.
    pub(super) forms: Vec<Form>,
    /// Which of their values the mark behind a row is made of.
    pub(super) key: Vec<usize>,
}

/// The rows of a statement.
///
/// They are read in bulk until a value comes that its buffer has no room for. Then the statement is run again and
/// read value by value. The rows that were given before must come again, the same in the same order: otherwise
/// somebody changed the table, and the reading fails.
pub(super) struct OdbcRows<'a> {
    connection: &'a Connection<'static>,
    place: Place,
    query: Query,
    manners: Manners,
    reading: Reading<'a>,
    began: Instant,
    rows: RowSet,
    scratch: Vec<u8>,
    taker: RowTaker,
    pace: Pace,
    /// The rows that were handed on, and what they said.
    given: u64,
    digest: RowsDigest,
}

impl<'a> OdbcRows<'a> {
    /// Runs the statement.
    pub(super) fn open(
        connection: &'a Connection<'static>,
        place: &Place,
        query: Query,
        taker: RowTaker,
        manners: Manners,
        pace: Pace,
    ) -> Result<Self, Error> {
        let refused = |error: OdbcError| place.refused(&query.doing, &error);
        let began = Instant::now();
        let cursor = cursor(connection, place, &query, manners)?;
        let buffers = buffers(&query.forms, manners.rows_per_second).map_err(refused)?;
        let bulk = cursor.bind_buffer(buffers).map_err(refused)?;
        Ok(Self {
            connection,
            place: place.clone(),
            query,
            manners,
            reading: Reading::Bulk(bulk),
            began,
            rows: RowSet::default(),
            scratch: Vec::new(),
            taker,
            pace,
            given: 0,
            digest: RowsDigest::new(),
        })
    }

    fn error(&self, kind: ErrorKind, problem: &str) -> Error {
        self.place.error(kind, &self.query.doing, problem)
    }

    /// Fetches the next rows; `false` at the end.
    fn fetch(&mut self) -> Result<bool, Error> {
        self.look_at_the_clock()?;
        match &mut self.reading {
            Reading::Ended => return Ok(false),
            Reading::Single(_) => return self.fetch_single(),
            Reading::Bulk(bulk) => {
                let (place, doing) = (&self.place, &self.query.doing);
                let fetched = bulk.fetch().map_err(|error| place.refused(doing, &error))?;
                let Some(buffers) = fetched else {
                    self.reading = Reading::Ended;
                    return Ok(false);
                };
                if self.rows.copy(buffers, &self.query.forms) {
                    self.pace.keep(u64::try_from(buffers.num_rows()).unwrap_or(u64::MAX));
                    return Ok(true);
                }
            }
        }
        self.start_again()?;
        self.fetch_single()
    }

    fn look_at_the_clock(&self) -> Result<(), Error> {
        if self.manners.statement_timeout.is_some_and(|limit| self.began.elapsed() > limit) {
            return Err(self.error(ErrorKind::Busy, "it took longer than the settings allow"));
        }
        Ok(())
    }

    fn fetch_single(&mut self) -> Result<bool, Error> {
        let Reading::Single(cursor) = &mut self.reading else { return Ok(false) };
        let (place, doing) = (&self.place, &self.query.doing);
        let refused = |error: OdbcError| place.refused(doing, &error);
        self.rows.clear();
        let Some(mut row) = cursor.next_row().map_err(refused)? else {
            self.reading = Reading::Ended;
            return Ok(false);
        };
        self.rows.get(&mut row, &self.query.forms, &mut self.scratch).map_err(refused)?;
        self.pace.keep(1);
        Ok(true)
    }

    /// Runs the statement once more, to read it value by value behind the rows that were given.
    fn start_again(&mut self) -> Result<(), Error> {
        // Not before the first statement is closed: some drivers read one at a time.
        self.reading = Reading::Ended;
        self.began = Instant::now();
        self.reading = Reading::Single(cursor(self.connection, &self.place, &self.query, self.manners)?);
        let mut again = RowsDigest::new();
        for _ in 0..self.given {
            self.look_at_the_clock()?;
            if !self.fetch_single()? {
                break;
            }
            self.rows.pass(&mut again);
        }
        if again.value() == self.digest.value() {
            return Ok(());
        }
        Err(self
            .error(ErrorKind::Busy, "its rows changed while it was read, and a long value had to be fetched"))
    }
}

impl Rows for OdbcRows<'_> {
    fn fill(&mut self, intake: &mut Intake) -> Result<bool, Error> {
        while !intake.is_full() {
            if self.rows.is_empty() && !self.fetch()? {
                return Ok(false);
            }
            let width = self.query.forms.len();
            self.given += self.rows.take(width, &mut self.taker, intake, &mut self.digest);
        }
        Ok(true)
    }
}

/// Runs a statement. A driver that knows no time limit runs it without one: readers look at the clock themselves.
pub(super) fn run<'a>(
    connection: &'a Connection<'static>,
    statement: &str,
    limit: Option<Duration>,
) -> Result<Option<Open<'a>>, OdbcError> {
    let mut prepared = connection.preallocate()?;
    if let Some(seconds) = limit.and_then(|limit| usize::try_from(whole_seconds(limit)).ok()) {
        let _ = prepared.set_query_timeout_sec(seconds);
    }
    prepared.into_cursor(statement, ())
}

fn cursor<'a>(
    connection: &'a Connection<'static>,
    place: &Place,
    query: &Query,
    manners: Manners,
) -> Result<Open<'a>, Error> {
    let cursor = run(connection, &query.text, manners.statement_timeout);
    let cursor = cursor.map_err(|error| place.refused(&query.doing, &error))?;
    cursor.ok_or_else(|| place.error(ErrorKind::Database, &query.doing, "the driver gave no rows"))
}

fn buffers(forms: &[Form], rows_per_second: Option<u32>) -> Result<Buffers, OdbcError> {
    let row: usize = forms.iter().map(|form| form.buffer().bytes_per_row()).sum();
    let wanted = rows_per_second.and_then(|rows| usize::try_from(rows).ok()).unwrap_or(usize::MAX);
    let rows = min(BUFFERS / row.max(1), min(ROWS_AT_A_TIME, wanted)).max(1);
    ColumnarDynBuffer::try_from_descs(rows, forms.iter().map(|form| form.buffer()))
}
