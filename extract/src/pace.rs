//! Not faster than the source is to be read.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Holds a reader to a number of rows per second.
pub(crate) struct Pace {
    per_second: Option<u32>,
    began: Instant,
    rows: u64,
}

impl Pace {
    /// A pace that begins now; without a number, everything goes as fast as it comes.
    pub(crate) fn new(per_second: Option<u32>) -> Self {
        Self { per_second: per_second.filter(|rows| *rows > 0), began: Instant::now(), rows: 0 }
    }

    /// Counts rows that were read, and waits until their time is up. Blocks the thread: to be called between
    /// batches.
    pub(crate) fn keep(&mut self, rows: u64) {
        self.rows += rows;
        if let Some(due) = self.due() {
            sleep(due.saturating_sub(self.began.elapsed()));
        }
    }

    /// The time that the rows so far should have taken.
    fn due(&self) -> Option<Duration> {
        let per_second = u64::from(self.per_second?);
        let (seconds, rest) = (self.rows / per_second, self.rows % per_second);
        Some(Duration::from_secs(seconds) + Duration::from_nanos(rest * 1_000_000_000 / per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_take_their_time() {
        let mut pace = Pace::new(Some(400));
        pace.rows = 1_000;
        assert_eq!(pace.due(), Some(Duration::from_millis(2_500)));
        assert_eq!(Pace::new(None).due(), None);
        assert_eq!(Pace::new(Some(0)).due(), None);
    }

    #[test]
    fn a_fast_reader_waits() {
        let mut pace = Pace::new(Some(100));
        pace.keep(5);
        assert!(pace.began.elapsed() >= Duration::from_millis(50));
    }
}
