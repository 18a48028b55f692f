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
    /// What happened, line by line, where somebody wants to read it.
    story: Option<Vec<String>>,
}

impl Faults {
    /// No faults yet, drawn from a seed.
    #[must_use]
    pub(crate) const fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), lines: 0, kills: 0, dead: false, story: None }
    }

    /// Sets how often lines break and how often the bridge is killed, in a thousand calls.
    pub(crate) fn set(&mut self, lines: u64, kills: u64) {
        (self.lines, self.kills) = (lines, kills);
    }

    /// From now on what happens is written down.
    pub(crate) fn write_story(&mut self) {
        self.story = Some(Vec::new());
    }

    /// Whether what happens is written down.
    #[must_use]
    pub(crate) const fn has_story(&self) -> bool {
        self.story.is_some()
    }

    /// Writes a line of the story, if there is one.
    pub(crate) fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push(line());
        }
    }

    /// The story.
    pub(crate) fn take_story(&mut self) -> Vec<String> {
        self.story.take().unwrap_or_default()
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
        let kind = if self.random.happens(self.kills) {
            self.dead = true;
            ErrorKind::Storage
        } else if self.random.happens(self.lines) {
            ErrorKind::Connection
        } else {
            return Ok(effect());
        };
        let too_late = self.random.happens(500);
        self.tell(|| format!("the line to the {what} breaks ({kind:?}), with effect: {too_late}"));
        if too_late {
            effect();
        }
        broken(kind)
    }
}
