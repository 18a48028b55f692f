//! The audit log: who did what, when, to what and with what result, each entry bound to the one before it.
//!
//! The log is a text of lines. A line is one entry as JSON without blanks, its members always in the same order, and
//! ends with the SHA-256 of itself: `{…}` with the member `hash` taken away again is what was digested, so that
//! whoever has `sed` and `sha256sum` can repeat it. `prev_hash` is the hash of the entry before, 64 zeros in the
//! first. An entry that is altered, missing, added or in another place therefore fits no longer, which
//! [`verify`](Verifier) tells by number. Entries that are missing at the end are found with a [`Checkpoint`] that was
//! kept elsewhere.
//!
//! An entry names the persons who act, and nobody else: what an act is about stands there as a digest or a keyed id.

mod sample;
#[cfg(test)]
mod tests;
mod verify;

use std::fmt::Write as _;

use bron_mappings::Artefact;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use sample::sample;
pub use verify::{Damage, Problem, Report, Verifier, torn};

/// What stands in the place of the hash of the entry before the first.
const NOTHING_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Between the content of a line and its hash.
const HASH_MEMBER: &str = ",\"hash\":\"";

/// How many bytes the hash takes at the end of a line: the member with its 64 digits and the closing brace.
const TAIL: usize = HASH_MEMBER.len() + 64 + 2;

/// The SHA-256 of bytes as 64 lower-case hexadecimal digits, as `sha256sum` prints it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

/// Who acts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Actor {
    /// The person who is named, or the user of the operating system where nobody is.
    pub sub: String,
    /// In which role the person acts; `None` where nobody is named.
    pub role: Option<String>,
    /// The user of the operating system.
    pub user: String,
}

/// What an act is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    /// The kind of thing: `table`, `item`, `key`, `signoff`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which one: a digest, a keyed id, or a name that is about nobody.
    pub id: String,
}

/// What came of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is about to be done; an entry about this one says what came of it. Without one the work was broken off.
    Begun,
    /// The entry is the act: nothing comes of it later.
    Noted,
    /// Done.
    Done,
    /// Done, and differences were found.
    Differences,
    /// Done, with more rows held back than the project allows.
    HeldBack,
    /// The source or the target is not as described.
    Drift,
    /// A sign-off is missing or void.
    NotSigned,
    /// Not done.
    Failed,
    /// Stopped because an invariant would have been broken.
    SafetyStop,
    /// Stopped by the operator.
    Interrupted,
}

impl Outcome {
    /// The code in the log.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Noted => "noted",
            Self::Done => "done",
            Self::Differences => "differences",
            Self::HeldBack => "held_back",
            Self::Drift => "drift",
            Self::NotSigned => "not_signed",
            Self::Failed => "failed",
            Self::SafetyStop => "safety_stop",
            Self::Interrupted => "interrupted",
        }
    }
}

/// An act, as it is to be noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Who acts.
    pub actor: Actor,
    /// What is done: the verb, such as `migrate` or `signoff.sign`.
    pub action: String,
    /// The area of work; `None` where the act is about none in particular.
    pub area: Option<String>,
    /// What it is done to.
    pub object: Option<Object>,
    /// The run.
    pub run: Option<String>,
    /// The SHA-256 of the plan that is carried out.
    pub plan_hash: Option<String>,
    /// The digest of the mapping files, as the run names it.
    pub mapping_hash: Option<String>,
    /// The SHA-256 of the report's page.
    pub report_hash: Option<String>,
    /// Why, in the words of whoever acts.
    pub reason: Option<String>,
    /// What came of it.
    pub result: Outcome,
    /// The number of the entry that this one ends.
    pub about: Option<u64>,
}

impl Act {
    /// An act that is about to be done.
    #[must_use]
    pub fn new(actor: Actor, action: &str) -> Self {
        Self {
            actor,
            action: action.to_owned(),
            area: None,
            object: None,
            run: None,
            plan_hash: None,
            mapping_hash: None,
            report_hash: None,
            reason: None,
            result: Outcome::Begun,
            about: None,
        }
    }

    /// The texts that people wrote.
    pub fn written(&self) -> impl Iterator<Item = &str> {
        let Self { actor, area, reason, .. } = self;
        [Some(&actor.sub), actor.role.as_ref(), area.as_ref(), reason.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}

/// How far a log has come: whoever keeps this apart from the log knows later that nothing up to there was changed or
/// taken away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Checkpoint {
    /// How many entries there are.
    pub entries: u64,
    /// The hash of the last one; 64 zeros when there is none.
    pub last_hash: String,
}

impl Checkpoint {
    /// That of a log without entries.
    #[must_use]
    pub fn start() -> Self {
        Self { entries: 0, last_hash: NOTHING_BEFORE.to_owned() }
    }

    /// Reads a checkpoint: the line `ENTRIES HASH` that people keep, or a JSON document that is one or has one as
    /// `checkpoint`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(mut document) = serde_json::from_str::<serde_json::Value>(text)
            && document.is_object()
        {
            let inner = document.get_mut("checkpoint").map(serde_json::Value::take);
            return serde_json::from_value(inner.unwrap_or(document)).ok().filter(Self::is_sound);
        }
        let mut words = text.split_whitespace();
        let found = Self { entries: words.next()?.parse().ok()?, last_hash: words.next()?.to_owned() };
        (words.next().is_none() && found.is_sound()).then_some(found)
    }

    fn is_sound(&self) -> bool {
        self.last_hash.len() == 64 && self.last_hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number, from 1.
    pub seq: u64,
    /// When it was noted, in UTC: `2024-12-31T12:00:00Z`.
    pub ts_utc: String,
    /// The hash of the entry before.
    pub prev_hash: String,
    /// What was noted.
    pub act: Act,
    /// The program that noted it, with its version.
    pub bin_version: String,
    /// The SHA-256 of all of this.
    pub hash: String,
}

/// A line without its hash. The order of the fields is that of the text.
#[derive(Serialize, Deserialize)]
struct Content {
    format: u32,
    seq: u64,
    ts_utc: String,
    prev_hash: String,
    #[serde(flatten)]
    act: Act,
    bin_version: String,
}

impl Content {
    fn text(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers can always be written as JSON")
    }
}

impl Entry {
    /// The entry that follows on a state of the log.
    #[must_use]
    pub fn after(before: &Checkpoint, ts_utc: &str, bin_version: &str, act: Act) -> Self {
        let mut entry = Self {
            seq: before.entries + 1,
            ts_utc: ts_utc.to_owned(),
            prev_hash: before.last_hash.clone(),
            act,
            bin_version: bin_version.to_owned(),
            hash: String::new(),
        };
        entry.hash = sha256(entry.content().as_bytes());
        entry
    }

    /// The line of the log, with the line break at its end.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.content();
        line.pop();
        write!(line, "{HASH_MEMBER}{}\"}}", self.hash).expect("writing to a String cannot fail");
        line.push('\n');
        line
    }

    /// Reads a line, without its line break.
    ///
    /// # Errors
    /// [`Damage`] when it is not, byte for byte, what [`Entry::line`] writes.
    pub fn parse(line: &[u8]) -> Result<Self, Damage> {
        let text = str::from_utf8(line).map_err(|_| Damage::NoEntry)?;
        let (content, tail) =
            text.len().checked_sub(TAIL).and_then(|at| text.split_at_checked(at)).ok_or(Damage::NoEntry)?;
        let hash = tail.strip_prefix(HASH_MEMBER).and_then(|rest| rest.strip_suffix("\"}"));
        let hash = hash.ok_or(Damage::NoEntry)?;
        let content = format!("{content}}}");
        let value: serde_json::Value = serde_json::from_str(&content).map_err(|_| Damage::NoEntry)?;
        Artefact::AuditLog.require_in(&"the entry", &value).map_err(|_| Damage::Format)?;
        let found: Content = serde_json::from_str(&content).map_err(|_| Damage::NoEntry)?;
        if sha256(content.as_bytes()) != hash || found.text() != content {
            return Err(Damage::Altered);
        }
        let Content { seq, ts_utc, prev_hash, act, bin_version, .. } = found;
        Ok(Self { seq, ts_utc, prev_hash, act, bin_version, hash: hash.to_owned() })
    }

    /// The state of the log that ends with this entry.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { entries: self.seq, last_hash: self.hash.clone() }
    }

    fn content(&self) -> String {
        let Self { seq, ts_utc, prev_hash, act, bin_version, .. } = self.clone();
        Content { format: Artefact::AuditLog.newest(), seq, ts_utc, prev_hash, act, bin_version }.text()
    }
}
