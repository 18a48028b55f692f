//! Not faster than the source is to be read.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Holds readers to a number of rows per second: all together that share it, as clones do.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    per_second: Option<u32>,
    /// When the rows so far should have been read.
    due: Arc<Mutex<Instant>>,
}

impl Pace {
    /// A pace; without a number, everything goes as fast as it comes.
    pub(crate) fn new(per_second: Option<u32>) -> Self {
        let per_second = per_second.filter(|rows| *rows > 0);
        Self { per_second, due: Arc::new(Mutex::new(Instant::now())) }
    }

    /// The same pace for one more reader, who begins now: what nobody read before cannot be made up for.
    pub(crate) fn begin(&self) -> Self {
        self.move_due(0, Instant::now());
        self.clone()
    }

    /// Counts rows that were read, and waits until their time is up. Blocks the thread: to be called between
    /// batches.
    pub(crate) fn keep(&self, rows: u64) {
        let now = Instant::now();
        if let Some(due) = self.move_due(rows, now) {
            sleep(due.saturating_duration_since(now));
        }
    }

    /// When so many rows more should have been read, and not before `now`.
    fn move_due(&self, rows: u64, now: Instant) -> Option<Instant> {
        let per_second = u64::from(self.per_second?);
        let (seconds, rest) = (rows / per_second, rows % per_second);
        let time = Duration::from_secs(seconds) + Duration::from_nanos(rest * 1_000_000_000 / per_second);
        // An instant is always whole: a reader that panicked left a usable one.
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        *due = due.checked_add(time).unwrap_or(*due).max(now);
        Some(*due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_take_their_time() {
        let pace = Pace::new(Some(400));
        let now = Instant::now();
        let due = pace.move_due(0, now).unwrap();
        assert_eq!(pace.move_due(1_000, now), Some(due + Duration::from_millis(2_500)));
        assert_eq!(Pace::new(None).move_due(1, now), None);
        assert_eq!(Pace::new(Some(0)).move_due(1, now), None);
    }

    #[test]
    fn readers_share_a_pace_and_idle_time_is_lost() {
        let pace = Pace::new(Some(100));
        let now = Instant::now() + Duration::from_secs(9);
        let other = pace.begin();
        assert_eq!(pace.move_due(0, now), Some(now), "nine seconds without a reader are no credit");
        assert_eq!(pace.move_due(10, now), Some(now + Duration::from_millis(100)));
        assert_eq!(other.move_due(10, now), Some(now + Duration::from_millis(200)));
    }

    #[test]
    fn a_fast_reader_waits() {
        let pace = Pace::new(Some(100));
        let began = Instant::now();
        pace.keep(5);
        assert!(began.elapsed() >= Duration::from_millis(40));
    }
}
