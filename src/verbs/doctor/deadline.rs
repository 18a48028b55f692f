//! How long is waited for those who are asked.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::chain::STOP;

/// How often is looked whether the operator wants to stop.
const GLANCE: Duration = Duration::from_millis(100);

/// The time that is left for all answers together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    until: Instant,
}

impl Deadline {
    /// A time that begins now.
    pub(super) fn after(time: Duration) -> Self {
        Self { until: Instant::now() + time }
    }

    /// The next answer; `None` when it does not come in time, or when the operator wants to stop.
    pub(super) fn hear<T>(self, answers: &Receiver<T>) -> Option<T> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            match answers.recv_timeout(left.min(GLANCE)) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if left.is_zero() || STOP.load(Ordering::SeqCst) => {
                    return None;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn what_was_said_is_heard_even_when_the_time_is_up() {
        let (said, answers) = channel();
        said.send(1).unwrap();
        let over = Deadline::after(Duration::ZERO);
        assert_eq!(over.hear(&answers), Some(1));
        assert_eq!(over.hear(&answers), None);
    }

    #[test]
    fn nobody_waits_for_one_who_is_gone() {
        let (said, answers) = channel::<u8>();
        drop(said);
        assert_eq!(Deadline::after(Duration::from_secs(3600)).hear(&answers), None);
    }
}
