//! Parts that are made while the rows of the next are collected.

use std::mem;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use arrow_array::RecordBatch;

use super::{PartEntry, PartMaker, Written};
use crate::error::{Error, ErrorKind};

type Rows = Vec<RecordBatch>;

/// A maker of parts that gets a thread of its own with the first part that is not the last, so that a small table
/// needs none.
pub(super) enum Background {
    Idle(Box<PartMaker>),
    Running(Running),
    /// A part could not be made; its error was given.
    Failed,
}

impl Background {
    pub(super) const fn new(maker: Box<PartMaker>) -> Self {
        Self::Idle(maker)
    }

    /// Hands the rows of a part over, when the part before them is done.
    pub(super) fn make(&mut self, rows: Rows) -> Result<(), Error> {
        let running = match mem::replace(self, Self::Failed) {
            Self::Idle(maker) => Running::start(*maker)?,
            Self::Running(running) => running,
            Self::Failed => return Err(failed_before()),
        };
        *self = Self::Running(running.make(rows)?);
        Ok(())
    }

    /// Waits until every part is made.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        *self = match mem::replace(self, Self::Failed) {
            Self::Running(running) => Self::Idle(Box::new(running.end()?)),
            other @ (Self::Idle(_) | Self::Failed) => other,
        };
        Ok(())
    }

    /// The parts that are whole by now: all, or all but the last while the thread is at it.
    pub(super) fn parts(&mut self) -> &[PartEntry] {
        match self {
            Self::Idle(maker) => &maker.parts,
            Self::Running(running) => running.whole(),
            Self::Failed => &[],
        }
    }

    /// Makes the last part, of no rows when there is none, and waits for all.
    pub(super) fn finish(self, last: Rows) -> Result<Written, Error> {
        let maker = match self {
            Self::Idle(mut maker) => {
                if !last.is_empty() {
                    maker.make(&last)?;
                }
                *maker
            }
            Self::Running(running) if last.is_empty() => running.end()?,
            Self::Running(running) => running.make(last)?.end()?,
            Self::Failed => return Err(failed_before()),
        };
        Ok(maker.written())
    }
}

fn failed_before() -> Error {
    Error::new(ErrorKind::Storage, "an earlier part could not be written")
}

/// The thread. It has ended when this is dropped, whatever happened: nobody writes parts that nobody waits for.
pub(super) struct Running {
    parts: Option<SyncSender<Rows>>,
    made: Receiver<PartEntry>,
    whole: Vec<PartEntry>,
    thread: Option<JoinHandle<Result<PartMaker, Error>>>,
}

impl Running {
    fn start(maker: PartMaker) -> Result<Self, Error> {
        // Without room for a part that waits, no more than two are in memory.
        let (sender, receiver) = sync_channel(0);
        let (tell, made) = channel();
        let whole = maker.parts.clone();
        let thread = Builder::new().name("parts".to_owned()).spawn(move || make_all(maker, &receiver, &tell));
        let thread = thread.map_err(|error| {
            Error::because(ErrorKind::Storage, "cannot start the thread that writes parts".to_owned(), error)
        })?;
        Ok(Self { parts: Some(sender), made, whole, thread: Some(thread) })
    }

    fn make(self, rows: Rows) -> Result<Self, Error> {
        if self.parts.as_ref().is_some_and(|parts| parts.send(rows).is_ok()) {
            return Ok(self);
        }
        // It takes no more: what it ended with says why.
        self.end().and(Err(failed_before()))
    }

    /// The thread says of a part that it is whole before it takes the rows of the next.
    fn whole(&mut self) -> &[PartEntry] {
        self.whole.extend(self.made.try_iter());
        &self.whole
    }

    fn end(mut self) -> Result<PartMaker, Error> {
        self.parts = None;
        let thread = self.thread.take().expect("a thread is ended once");
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.parts = None;
        if let Some(thread) = self.thread.take() {
            // Somebody gave up for another reason, and that is reported.
            drop(thread.join());
        }
    }
}

fn make_all(
    mut maker: PartMaker,
    parts: &Receiver<Rows>,
    made: &Sender<PartEntry>,
) -> Result<PartMaker, Error> {
    while let Ok(rows) = parts.recv() {
        let part = maker.make(&rows)?;
        // Who waits for parts knows all of them in the end.
        let _ = made.send(part);
    }
    Ok(maker)
}
