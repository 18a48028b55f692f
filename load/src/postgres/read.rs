//! Reading rows back as one stream.

use bron_mappings::{Batch, BatchReader, BatchSchema, ReadError};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use sqlx::postgres::PgConnection;
use tokio::runtime::Runtime;

use super::Session;
use super::decode::{Decoder, Malformed, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use crate::sink::{IdRange, READ_ROWS};
use crate::sql;
use crate::unreadable::Collector;

/// What the stream gives: owned bytes of whatever size the server sends.
type Stream<'a> = BoxStream<'a, std::result::Result<Vec<u8>, sqlx::Error>>;

/// The rows of a COPY as batches. One statement is one consistent picture of the table.
pub(super) struct PostgresReader<'a> {
    runtime: &'a Runtime,
    stream: Option<Stream<'a>>,
    /// Set again when the stream was read to its end.
    usable: &'a mut bool,
    decoder: Decoder,
    collector: Collector,
    place: &'a str,
}

impl<'a> PostgresReader<'a> {
    pub(super) fn open(
        runtime: &'a Runtime,
        session: &'a mut Session,
        layout: Layout,
        range: Option<IdRange>,
    ) -> Result<Self> {
        let range = range.unwrap_or_default();
        let text = sql::postgres::copy_out(&layout, range.from, range.to);
        runtime.block_on(session.connection())?;
        let Session { connection, usable, place, .. } = session;
        let connection = connection.as_mut().expect("the connection was made just before");
        *usable = false;
        let stream = runtime
            .block_on(begin(connection, &text))
            .map_err(|error| Error::of(&error, format!("{place}: table {}", layout.table)))?;
        let collector = Collector::new(layout);
        Ok(Self { runtime, stream: Some(stream), usable, decoder: Decoder::default(), collector, place })
    }

    fn fill(&mut self) -> Result<Option<Batch>> {
        let Self { runtime, stream: open, decoder, collector, .. } = self;
        let Some(stream) = open.as_mut() else {
            return Ok(None);
        };
        match runtime.block_on(gather(stream, decoder, collector)) {
            Ok(Gathered::Full) => {}
            Ok(Gathered::Last) => {
                *open = None;
                *self.usable = true;
            }
            Err(failure) => {
                *open = None;
                let text = format!("{}: table {}", self.place, self.collector.table());
                return Err(match failure {
                    Failure::Driver(error) => Error::of(&error, text),
                    Failure::Malformed => Error::new(
                        ErrorKind::Connection,
                        format!("{text}: the rows did not arrive as COPY data"),
                    ),
                });
            }
        }
        Ok(self.collector.finish())
    }
}

/// Why a batch is complete.
enum Gathered {
    /// It has as many rows as a batch may have.
    Full,
    /// There are no more, and the connection is free again.
    Last,
}

enum Failure {
    Driver(sqlx::Error),
    Malformed,
}

async fn gather(
    stream: &mut Stream<'_>,
    decoder: &mut Decoder,
    collector: &mut Collector,
) -> std::result::Result<Gathered, Failure> {
    while collector.rows() < READ_ROWS {
        match decoder.step(collector) {
            Ok(Step::Row) => {}
            Ok(Step::More) => match stream.next().await {
                Some(bytes) => decoder.feed(&bytes.map_err(Failure::Driver)?),
                None => return Err(Failure::Malformed),
            },
            Ok(Step::End) => {
                // The server has more to say before the connection can be used again.
                while let Some(bytes) = stream.next().await {
                    bytes.map_err(Failure::Driver)?;
                }
                return Ok(Gathered::Last);
            }
            Err(Malformed) => return Err(Failure::Malformed),
        }
    }
    Ok(Gathered::Full)
}

async fn begin<'a>(
    connection: &'a mut PgConnection,
    text: &str,
) -> std::result::Result<Stream<'a>, sqlx::Error> {
    let stream = connection.copy_out_raw(text).await?;
    Ok(stream.map(|bytes| bytes.map(|bytes| bytes.to_vec())).boxed())
}

impl Iterator for PostgresReader<'_> {
    type Item = std::result::Result<Batch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.fill().map_err(ReadError::from).transpose()
    }
}

impl BatchReader for PostgresReader<'_> {
    fn schema(&self) -> &BatchSchema {
        self.collector.schema()
    }
}
