//! A place in a sorted stream of rows.

use std::collections::VecDeque;

use bron_mappings::{Batch, BatchReader, BatchSchema, Cells, UNREADABLE};

use crate::error::{Error, ErrorKind};

/// The bytes of an id, in the order that both sides are sorted by.
pub(super) type RowId = [u8; 16];

/// The side that the sources give.
const EXPECTED: &str = "expected";

/// One reader and the row it stands at. Holds one batch at a time.
pub(super) struct Cursor<'r> {
    entity: String,
    side: &'static str,
    reader: Box<dyn BatchReader + 'r>,
    batch: Option<Batch>,
    ids: Vec<RowId>,
    row: usize,
    id_column: usize,
    /// Rows that were read.
    read: u64,
    /// What is left of a batch that was cut where a row has no id.
    pieces: VecDeque<Batch>,
    /// Rows of the target without an id, each as a batch of its own, with its place from 1.
    nameless: Vec<(u64, Batch)>,
}

impl<'r> Cursor<'r> {
    pub(super) fn expected(
        entity: &str,
        schema: &BatchSchema,
        reader: Box<dyn BatchReader + 'r>,
    ) -> Result<Self, Error> {
        if reader.schema() != schema {
            return Err(wrong_columns(entity, "expected", schema, reader.schema()));
        }
        Self::open(entity, EXPECTED, schema, reader)
    }

    pub(super) fn actual(
        entity: &str,
        schema: &BatchSchema,
        reader: Box<dyn BatchReader + 'r>,
    ) -> Result<Self, Error> {
        let fits = match reader.schema().columns().split_last() {
            Some((last, rest)) => last.name == UNREADABLE && rest == schema.columns(),
            None => false,
        };
        if !fits {
            return Err(wrong_columns(entity, "actual", schema, reader.schema()));
        }
        Self::open(entity, "actual", schema, reader)
    }

    fn open(
        entity: &str,
        side: &'static str,
        schema: &BatchSchema,
        reader: Box<dyn BatchReader + 'r>,
    ) -> Result<Self, Error> {
        let id_column = schema
            .index_of("id")
            .ok_or_else(|| Error::new(ErrorKind::Columns, format!("entity {entity} has no column id")))?;
        let mut cursor = Self {
            entity: entity.to_owned(),
            side,
            reader,
            batch: None,
            ids: Vec::new(),
            row: 0,
            id_column,
            read: 0,
            pieces: VecDeque::new(),
            nameless: Vec::new(),
        };
        cursor.fill()?;
        Ok(cursor)
    }

    /// Lets the batch go and reads on until one has a row; at the end there is none.
    pub(super) fn fill(&mut self) -> Result<(), Error> {
        let last = self.ids.last().copied();
        self.row = 0;
        self.ids.clear();
        self.batch = None;
        while let Some(batch) = self.next_piece()? {
            if batch.rows() > 0 {
                self.ids = sorted_ids(batch.cells(self.id_column), last)
                    .map_err(|problem| self.order_error(problem))?;
                self.batch = Some(batch);
                break;
            }
        }
        Ok(())
    }

    /// The next batch, without rows of the target that have no id.
    fn next_piece(&mut self) -> Result<Option<Batch>, Error> {
        if let Some(piece) = self.pieces.pop_front() {
            return Ok(Some(piece));
        }
        let Some(batch) = self.reader.next() else { return Ok(None) };
        let batch = batch.map_err(|error| {
            let context = format!("the {} rows of {} could not be read", self.side, self.entity);
            Error::caused(ErrorKind::Reader, context, error)
        })?;
        let before = self.read;
        self.read += u64::try_from(batch.rows()).expect("a batch has fewer than 2^64 rows");
        let cells = batch.cells(self.id_column);
        let nameless: Vec<usize> = (0..batch.rows()).filter(|row| cells.is_null(*row)).collect();
        if nameless.is_empty() || self.side == EXPECTED {
            return Ok(Some(batch));
        }
        let mut from = 0;
        for row in nameless {
            let place = before + u64::try_from(row).expect("a batch has fewer than 2^64 rows") + 1;
            self.nameless.push((place, batch.slice(row, 1)));
            self.pieces.push_back(batch.slice(from, row - from));
            from = row + 1;
        }
        self.pieces.push_back(batch.slice(from, batch.rows() - from));
        Ok(self.pieces.pop_front())
    }

    /// The rows without an id that were met since the last call.
    pub(super) fn take_nameless(&mut self) -> Vec<(u64, Batch)> {
        std::mem::take(&mut self.nameless)
    }

    fn order_error(&self, problem: &str) -> Error {
        Error::new(ErrorKind::Order, format!("the {} rows of {} {problem}", self.side, self.entity))
    }

    /// The row of the batch that the cursor stands at.
    pub(super) const fn row(&self) -> usize {
        self.row
    }

    /// The id at the cursor, `None` at the end.
    pub(super) fn id(&self) -> Option<RowId> {
        self.id_at(self.row)
    }

    /// The id of a row of the batch.
    pub(super) fn id_at(&self, row: usize) -> Option<RowId> {
        self.ids.get(row).copied()
    }

    /// The batch, `None` at the end.
    pub(super) const fn batch(&self) -> Option<&Batch> {
        self.batch.as_ref()
    }

    /// How many rows from here have the same ids as `other` has, each once and below `limit`. The first
    /// row of both is known to be the same.
    pub(super) fn run_with(&self, other: &Self, limit: Option<RowId>) -> usize {
        let (mine, theirs) = (&self.ids[self.row..], &other.ids[other.row..]);
        let rising = |index: usize| index == 0 || mine[index - 1] < mine[index];
        let below = |id: &RowId| limit.is_none_or(|limit| *id < limit);
        let pairs = mine.iter().zip(theirs).enumerate();
        let same = pairs.take_while(|(index, (a, b))| *index == 0 || (a == b && rising(*index) && below(a)));
        same.count()
    }

    /// Moves on within the batch. True when it is used up and [`Cursor::fill`] has to be called; until then
    /// its rows can still be looked at.
    pub(super) const fn advance(&mut self, rows: usize) -> bool {
        self.row += rows;
        self.row >= self.ids.len()
    }
}

fn sorted_ids(cells: Cells<'_>, last: Option<RowId>) -> Result<Vec<RowId>, &'static str> {
    let mut before = last;
    let mut ids = Vec::with_capacity(cells.len());
    for row in 0..cells.len() {
        let id = cells.id(row).ok_or("hold a row without an id")?;
        if before.is_some_and(|before| before > id) {
            return Err("are not sorted by id");
        }
        before = Some(id);
        ids.push(id);
    }
    Ok(ids)
}

fn wrong_columns(entity: &str, side: &str, wanted: &BatchSchema, found: &BatchSchema) -> Error {
    let odd = wanted.columns().iter().zip(found.columns()).find(|(wanted, found)| wanted != found);
    let detail = odd.map_or_else(
        || format!("{} columns instead of {}", found.columns().len(), wanted.columns().len()),
        |(wanted, found)| {
            format!("{} ({:?}) instead of {} ({:?})", found.name, found.kind, wanted.name, wanted.kind)
        },
    );
    let note =
        if side == "actual" { format!("; the last column must be {UNREADABLE}") } else { String::new() };
    Error::new(ErrorKind::Columns, format!("the {side} rows of {entity} have other columns: {detail}{note}"))
}
