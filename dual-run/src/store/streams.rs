//! Where every stream has been read to, in which life of its source.

use jiff::Timestamp;

use super::connection::{Connection, Row, stored, strange, values};
use super::journal::CutHead;
use super::{Store, moment, sealed, unsealed};
use crate::capture::{Incarnation, Position};
use crate::change::{CutId, Stream};
use crate::error::{Error, ErrorKind, Result};
use crate::ownership::Owner;

const FIND: &str = "SELECT source, origin, incarnation, position, cut FROM bridge_stream \
     WHERE source = $1 AND origin = $2";
const LIST: &str =
    "SELECT source, origin, incarnation, position, cut FROM bridge_stream ORDER BY source, origin";
const BEGIN: &str = "INSERT INTO bridge_stream (source, origin, incarnation, position) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (source, origin) DO NOTHING";
const RESTART: &str =
    "UPDATE bridge_stream SET incarnation = $3, position = $4 WHERE source = $1 AND origin = $2";
const ADVANCE: &str = "UPDATE bridge_stream SET position = $3, cut = $4 WHERE source = $1 AND origin = $2";
const NOTE: &str = "INSERT INTO bridge_incarnation (source, origin, number, incarnation, position, after_cut, at, \
     decided_by) SELECT $1, $2, (SELECT count(*) + 1 FROM bridge_incarnation WHERE source = $1 AND origin = $2), \
     $3, $4, (SELECT cut FROM bridge_head WHERE one = 1), $5, $6";
const LIVES: &str = "SELECT incarnation, position, after_cut, at, decided_by FROM bridge_incarnation \
     WHERE source = $1 AND origin = $2 ORDER BY number";
const FIND_BOOKMARK: &str = "SELECT bookmark, at FROM bridge_bookmark WHERE source = $1";
const SET_BOOKMARK: &str = "INSERT INTO bridge_bookmark (source, bookmark, at) VALUES ($1, $2, $3) \
     ON CONFLICT (source) DO UPDATE SET bookmark = excluded.bookmark, at = excluded.at";
const FIND_CURSOR: &str = "SELECT value FROM bridge_cursor WHERE source = $1 AND origin = $2 AND name = $3";
const SET_CURSOR: &str = "INSERT INTO bridge_cursor (source, origin, name, value) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (source, origin, name) DO UPDATE SET value = excluded.value";
const CLEAR_CURSOR: &str = "DELETE FROM bridge_cursor WHERE source = $1 AND origin = $2 AND name = $3";

/// How far a stream has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// The stream.
    pub stream: Stream,
    /// The life of the source that the position belongs to.
    pub incarnation: Incarnation,
    /// Where it has been read to.
    pub position: Position,
    /// Its last cut; `None` before the first.
    pub cut: Option<CutId>,
}

/// The beginning of a stream, or its beginning anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncarnationEntry {
    /// The life of the source from here on.
    pub incarnation: Incarnation,
    /// Where reading began.
    pub position: Position,
    /// The last cut of the journal at the time.
    pub after: Option<CutId>,
    /// When.
    pub at: Timestamp,
    /// Who decided it.
    pub decided_by: String,
}

fn cut_id(number: u64) -> Option<CutId> {
    (number > 0).then_some(CutId(number))
}

fn read(row: &Row) -> Result<StreamState> {
    let from = Owner::named(&row.text(1)?).ok_or_else(strange)?;
    let cut = row.maybe_int(4)?.map(u64::try_from).transpose().map_err(|_| strange())?;
    Ok(StreamState {
        stream: Stream { source: row.text(0)?, from },
        incarnation: Incarnation(row.text(2)?),
        position: Position(row.text(3)?),
        cut: cut.and_then(cut_id),
    })
}

fn find(connection: &mut Connection, stream: &Stream) -> Result<Option<StreamState>> {
    let found = connection.row(FIND, values![stream.source.as_str(), stream.from.name()])?;
    found.as_ref().map(read).transpose()
}

/// Sees to it that a cut may begin at `from`; begins a stream that nobody began.
pub(super) fn require_place(
    connection: &mut Connection,
    stream: &Stream,
    incarnation: &Incarnation,
    from: &Position,
) -> Result<()> {
    let source = &stream.source;
    let Some(state) = find(connection, stream)? else {
        let values = values![source.as_str(), stream.from.name(), incarnation.0.as_str(), from.0.as_str()];
        return connection.execute(BEGIN, values).map(|_| ());
    };
    if state.incarnation != *incarnation {
        let text =
            format!("stream {source} is of another life of its source: begin it anew when that is right");
        return Err(Error::new(ErrorKind::Rewound, text));
    }
    if state.position != *from {
        let text =
            format!("a cut of stream {source} does not begin where the stream stands: it is not journaled");
        return Err(Error::new(ErrorKind::Fenced, text));
    }
    Ok(())
}

/// Moves a stream to the end of its newest cut.
pub(super) fn advance(connection: &mut Connection, cut: &CutHead) -> Result<()> {
    let (stream, next) = (&cut.stream, cut.next.0.as_str());
    let values = values![stream.source.as_str(), stream.from.name(), next, stored(cut.id.0)?];
    connection.execute(ADVANCE, values).map(|_| ())
}

impl Store {
    /// How far a stream has come; `None` when it was never begun.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn stream(&mut self, stream: &Stream) -> Result<Option<StreamState>> {
        find(&mut self.connection, stream)
    }

    /// All streams, by source and origin.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn streams(&mut self) -> Result<Vec<StreamState>> {
        self.connection.rows(LIST, Vec::new())?.iter().map(read).collect()
    }

    /// Notes where a stream begins, before the first row of a seed is read.
    ///
    /// # Errors
    /// Kind `Refused` when it was begun before.
    pub fn begin_stream(
        &mut self,
        stream: &Stream,
        incarnation: &Incarnation,
        position: &Position,
        (at, decided_by): (Timestamp, &str),
    ) -> Result<()> {
        let begun = "has begun: a person decides to begin it anew";
        self.write_life(BEGIN, stream, (incarnation, position), (at, decided_by), begun)
    }

    /// Begins a stream anew, in another life of the source or at another position: what lies between is read again by a
    /// seed, or lost. Only a person decides that.
    ///
    /// # Errors
    /// Kind `Refused` when it was never begun.
    pub fn restart_stream(
        &mut self,
        stream: &Stream,
        incarnation: &Incarnation,
        position: &Position,
        (at, decided_by): (Timestamp, &str),
    ) -> Result<()> {
        self.write_life(RESTART, stream, (incarnation, position), (at, decided_by), "was never begun")
    }

    fn write_life(
        &mut self,
        sql: &'static str,
        stream: &Stream,
        (incarnation, position): (&Incarnation, &Position),
        (at, decided_by): (Timestamp, &str),
        refusal: &str,
    ) -> Result<()> {
        let (source, origin) = (stream.source.as_str(), stream.from.name());
        let (incarnation, position) = (incarnation.0.as_str(), position.0.as_str());
        self.write_record(|connection, _| {
            if connection.execute(sql, values![source, origin, incarnation, position])? != 1 {
                return Err(Error::new(ErrorKind::Refused, format!("stream {source} {refusal}")));
            }
            let values = values![source, origin, incarnation, position, at.as_microsecond(), decided_by];
            connection.execute(NOTE, values).map(|_| ())
        })
    }

    /// When, where and by whom a stream was begun, oldest first. Empty for one that its first cut began.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn incarnations(&mut self, stream: &Stream) -> Result<Vec<IncarnationEntry>> {
        let rows = self.connection.rows(LIVES, values![stream.source.as_str(), stream.from.name()])?;
        let read = |row: &Row| {
            Ok(IncarnationEntry {
                incarnation: Incarnation(row.text(0)?),
                position: Position(row.text(1)?),
                after: cut_id(row.count(2)?),
                at: moment(row.int(3)?)?,
                decided_by: row.text(4)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// The bookmark that was written to a source last, and when. A source that has another was restored.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn bookmark(&mut self, source: &str) -> Result<Option<(String, Timestamp)>> {
        let found = self.connection.row(FIND_BOOKMARK, values![source])?;
        found.map(|row| Ok((row.text(0)?, moment(row.int(1)?)?))).transpose()
    }

    /// Notes the bookmark that is to be written to a source, before it is.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost.
    pub fn set_bookmark(&mut self, source: &str, bookmark: &str, at: Timestamp) -> Result<()> {
        let values = values![source, bookmark, at.as_microsecond()];
        self.write_record(|connection, _| connection.execute(SET_BOOKMARK, values).map(|_| ()))
    }

    /// What was kept under a name beside a stream, such as the last key of a table that a seed has read.
    ///
    /// # Errors
    /// When the store cannot be asked; kind `Corrupt` when it does not open.
    pub fn cursor(&mut self, stream: &Stream, name: &str) -> Result<Option<Vec<u8>>> {
        let values = values![stream.source.as_str(), stream.from.name(), name];
        let found = self.connection.row(FIND_CURSOR, values)?;
        found.map(|row| unsealed(&self.seal, &place_of_cursor(stream, name), &row.bytes(0)?)).transpose()
    }

    /// Keeps something under a name beside a stream, sealed; `None` forgets it.
    ///
    /// # Errors
    /// Kind `Fenced` when the lease is lost.
    pub fn set_cursor(&mut self, stream: &Stream, name: &str, value: Option<&[u8]>) -> Result<()> {
        let (source, origin) = (stream.source.as_str(), stream.from.name());
        self.write_record(|connection, seal| {
            let Some(value) = value else {
                return connection.execute(CLEAR_CURSOR, values![source, origin, name]).map(|_| ());
            };
            let sealed = sealed(seal, &place_of_cursor(stream, name), value)?;
            connection.execute(SET_CURSOR, values![source, origin, name, sealed]).map(|_| ())
        })
    }
}

fn place_of_cursor(stream: &Stream, name: &str) -> String {
    format!("cursor/{}/{}/{name}", stream.from.name(), stream.source)
}
