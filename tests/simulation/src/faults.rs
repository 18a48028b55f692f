//! What can go wrong between the bridge and everything it talks to.

use bron_dual_run::{Error, ErrorKind, Result};

use crate::random::Random;

/// Draws what goes wrong, call by call.
#[derive(Debug)]
pub(crate) struct Faults {
    random: Random,
    /// How often in a thousand calls the line breaks, before or after the call had its effect.
    lines: u64,
    /// How often in a thousand calls the bridge is killed, before or after the call had its effect.
    kills: u64,
    /// Whether the bridge is dead: every call fails, and nothing has an effect, until it is started anew.
    dead: bool,
}

impl Faults {
    /// No faults yet, drawn from a seed.
    #[must_use]
    pub(crate) const fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), lines: 0, kills: 0, dead: false }
    }

    /// Sets how often lines break and how often the bridge is killed, in a thousand calls.
    pub(crate) fn set(&mut self, lines: u64, kills: u64) {
        (self.lines, self.kills) = (lines, kills);
    }

    /// Starts the bridge anew; tells whether it was dead.
    pub(crate) fn revive(&mut self) -> bool {
        std::mem::take(&mut self.dead)
    }

    /// Whether the bridge was killed.
    #[must_use]
    pub(crate) const fn is_dead(&self) -> bool {
        self.dead
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    /// Whether something happens that happens so often in a thousand.
    pub(crate) fn happens(&mut self, in_a_thousand: u64) -> bool {
        self.random.happens(in_a_thousand)
    }

    /// A call over a line.
    ///
    /// # Errors
    /// When the line breaks ([`ErrorKind::Connection`]) or the bridge is killed ([`ErrorKind::Storage`], which it
    /// cannot get over): before the effect or after it.
    pub(crate) fn call<T>(&mut self, what: &str, effect: impl FnOnce() -> T) -> Result<T> {
        let broken = |kind| Err(Error::new(kind, format!("{what}: the line broke")));
        if self.dead {
            return broken(ErrorKind::Storage);
        }
        if self.random.happens(self.kills) {
            self.dead = true;
            if self.random.happens(500) {
                effect();
            }
            return broken(ErrorKind::Storage);
        }
        if self.random.happens(self.lines) {
            if self.random.happens(500) {
                effect();
            }
            return broken(ErrorKind::Connection);
        }
        Ok(effect())
    }
}
