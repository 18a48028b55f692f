//! How often, and after which wait, a source is asked again that could not be read and may be able to later.

use std::fmt::Display;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bron_extract::Error;

/// No wait is longer, however often a system was tried.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long an operator who asks to stop waits for an answer.
const LOOK_UP: Duration = Duration::from_millis(50);

/// How long the project waits for a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// How often reading the system is tried again, in all, by one command.
    pub(crate) retries: u32,
    /// The wait before it is tried again; doubled with each further time in a row.
    pub(crate) first_wait: Duration,
}

impl Default for Patience {
    /// Three minutes in all: enough for a server that is started again.
    fn default() -> Self {
        Self { retries: 8, first_wait: Duration::from_secs(1) }
    }
}

/// The times that a system was tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tries {
    patience: Patience,
    made: u32,
    in_a_row: u32,
}

impl Tries {
    pub(crate) const fn new(patience: Patience) -> Self {
        Self { patience, made: 0, in_a_row: 0 }
    }

    /// Counts another one and gives the wait before it; `None` when there have been as many as allowed.
    pub(crate) fn another(&mut self) -> Option<Duration> {
        if self.made >= self.patience.retries {
            return None;
        }
        let wait = self.patience.first_wait.saturating_mul(2_u32.saturating_pow(self.in_a_row));
        self.made += 1;
        self.in_a_row += 1;
        Some(wait.min(LONGEST_WAIT))
    }

    /// Something came whole: the next wait is the first again.
    pub(crate) fn succeeded(&mut self) {
        self.in_a_row = 0;
    }

    /// How many there have been.
    pub(crate) const fn made(&self) -> u32 {
        self.made
    }

    /// What an operator is told of a failure after which `place` is tried again.
    pub(crate) fn told(&self, place: &impl Display, error: &Error, wait: Duration) -> String {
        let Self { patience, made, .. } = self;
        let seconds = wait.as_secs();
        format!("{place}: {error}; trying again in {seconds} s ({made} of {})", patience.retries)
    }
}

/// Waits, and looks up now and then whether there is anything left to wait for. Says whether the time is over.
pub(crate) fn wait(time: Duration, goes_on: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while goes_on() {
        let left = time.saturating_sub(began.elapsed());
        if left.is_zero() {
            return true;
        }
        sleep(left.min(LOOK_UP));
    }
    false
}

/// Does something with a source, and again for as long as that may help. `pause` gets what to tell and how long to
/// wait, and says whether to go on.
pub(crate) fn persist<T>(
    tries: &mut Tries,
    place: &str,
    pause: impl Fn(&str, Duration) -> bool,
    mut work: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    loop {
        let error = match work() {
            Err(error) if error.is_retryable() => error,
            done => return done,
        };
        let Some(time) = tries.another() else { return Err(error) };
        if !pause(&tries.told(&place, &error, time), time) {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use bron_extract::Locator;

    use super::*;

    fn patience(retries: u32) -> Tries {
        Tries::new(Patience { retries, first_wait: Duration::from_secs(1) })
    }

    /// An error that passes, and one that does not.
    fn errors() -> [Error; 2] {
        let nobody = bron_extract::Access::new(Locator::parse("postgres://127.0.0.1:1/x").unwrap());
        [nobody.open(None).err().unwrap(), Locator::parse("postgres").unwrap_err()]
    }

    #[test]
    fn waits_double_up_to_a_minute_and_end() {
        let mut tries = patience(8);
        let waits: Vec<u64> = std::iter::from_fn(|| tries.another()).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(waits.iter().sum::<u64>(), 183);
        assert_eq!((tries.made(), tries.another()), (8, None));
        let mut many = patience(u32::MAX);
        assert_eq!((0..100).filter_map(|_| many.another()).last(), Some(LONGEST_WAIT));
    }

    #[test]
    fn what_came_whole_makes_the_next_wait_short_and_not_the_number_larger() {
        let mut tries = patience(3);
        let waits = [tries.another(), tries.another()];
        tries.succeeded();
        assert_eq!([waits[0], waits[1], tries.another()].map(|wait| wait.unwrap().as_secs()), [1, 2, 1]);
        assert_eq!(tries.another(), None);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let told = RefCell::new(Vec::new());
        let pause = |line: &str, wait: Duration| {
            told.borrow_mut().push((line.to_owned(), wait.as_secs()));
            true
        };
        let times = Cell::new(0);
        let passing = || {
            times.set(times.get() + 1);
            let [passes, _] = errors();
            if times.get() < 3 { Err(passes) } else { Ok(times.get()) }
        };
        assert_eq!(persist(&mut patience(5), "paraply", pause, passing).unwrap(), 3);
        let waits: Vec<u64> = told.borrow().iter().map(|(_, wait)| *wait).collect();
        assert_eq!(waits, [1, 2]);
        let line = told.borrow()[1].0.clone();
        assert!(line.starts_with("paraply: postgres://127.0.0.1:1/x: "), "{line}");
        assert!(line.ends_with("; trying again in 2 s (2 of 5)"), "{line}");

        let [_, stays] = errors();
        let (mut stays, mut tries) = (Some(stays), patience(5));
        assert!(persist(&mut tries, "x", pause, || stays.take().map_or(Ok(()), Err)).is_err());
        assert_eq!(tries.made(), 0);
        let mut tries = patience(2);
        assert!(
            persist(&mut tries, "x", pause, || -> Result<(), Error> {
                Err(errors().into_iter().next().unwrap())
            })
            .is_err()
        );
        assert_eq!(tries.made(), 2);
        let mut stopped = patience(2);
        assert!(
            persist(
                &mut stopped,
                "x",
                |_, _| false,
                || -> Result<(), Error> { Err(errors().into_iter().next().unwrap()) }
            )
            .is_err()
        );
        assert_eq!(stopped.made(), 1);
    }

    #[test]
    fn whoever_waits_looks_up() {
        assert!(wait(Duration::ZERO, || true));
        let looks = Cell::new(0);
        let goes_on = || {
            looks.set(looks.get() + 1);
            looks.get() < 3
        };
        assert!(!wait(Duration::from_secs(3600), goes_on));
    }
}
