//! The same work on many files, several at once.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::error::Error;

/// The most files that are worked on at once.
const AT_ONCE: usize = 4;

/// Works on every file and gives the outcomes in the order of the files.
///
/// # Errors
/// That of the first file with one, however many are worked on at once. Those behind it need not be worked on then.
pub(super) fn each_at_once<F: Sync, T: Send>(
    files: &[F],
    work: impl Fn(&F) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let next = AtomicUsize::new(0);
    let work_on_some = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(at) else { return done };
            let outcome = work(file);
            if outcome.is_err() {
                // All files before this one are taken already.
                next.store(files.len(), Ordering::Relaxed);
            }
            done.push((at, outcome));
        }
    };
    let mut done = thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(AT_ONCE).min(files.len());
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work_on_some)).collect();
        let mut done = work_on_some();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn outcomes_come_in_the_order_of_the_files() {
        for files in 0..20_u32 {
            let numbers: Vec<u32> = (0..files).collect();
            let doubled = each_at_once(&numbers, |number| Ok(number * 2)).unwrap();
            assert_eq!(doubled, numbers.iter().map(|number| number * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_error_is_the_one_that_counts() {
        let numbers: Vec<u32> = (0..200).collect();
        for _ in 0..50 {
            let failed = each_at_once(&numbers, |number| {
                let wrong = || Err(Error::new(ErrorKind::Encoding, number.to_string()));
                if *number >= 7 { wrong() } else { Ok(()) }
            });
            assert_eq!(failed.unwrap_err().to_string(), "7");
        }
    }
}
