//! Sign-offs: who answers for what, bound to the evidence by its digests, and whether that still holds.
//!
//! A sign-off is for one area of work, or for the whole city, and is made of events that are never rewritten: somebody
//! asks for it, one or two persons sign, somebody may revoke it. What is asked for and signed is a [`Bound`]: the
//! digests of all that the sign-off rests on. When any of it is something else today, the sign-off is void, and
//! [`changes`] says in words why. Dates are compared as texts: all of them are UTC in one form.

mod changes;
mod page;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bron_mappings::Artefact;
use serde::{Deserialize, Serialize};

use crate::audit::{Checkpoint, sha256};
use crate::error::{Error, ErrorKind};
use crate::summary::Verdict;

pub use changes::changes;
pub use page::{Board, page_digest, with_board};
pub use standing::{Rules, Standing, State, standing};

/// What the whole city is called where areas are named, such as in the settings.
pub const WHOLE_CITY: &str = "staden";

/// The digests of all that a sign-off rests on; each is the SHA-256 of a file unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// The run that was compared.
    pub run: String,
    /// What the comparison came to; `None` when the run was not compared.
    pub verdict: Option<Verdict>,
    /// The page of the report, as [`page_digest`] has it; `None` when there is none.
    pub report: Option<String>,
    /// The other forms of the report, by the name of the file beside the page: the workbook and the data. Left out of
    /// sign-offs that were made before they were bound.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub beside: BTreeMap<String, String>,
    /// The data of the report, `summary.json`; `None` when there is none.
    pub summary: Option<String>,
    /// `waivers.toml`, the deviations that were accepted; `None` when there is none.
    pub waivers: Option<String>,
    /// Every mapping file, by its path in the mapping folder: mappings, code lists, model, controls.
    pub files: BTreeMap<String, String>,
    /// Every staged table, by `system/TABLE`: the digest of its rows, as its manifest has it.
    pub staged: BTreeMap<String, String>,
}

impl Bound {
    /// One digest for all of it, for people to compare.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256(serde_json::to_string(self).expect("texts can always be written as JSON").as_bytes())
    }

    /// Whether everything that was compared was equal, so that it can be signed without more.
    #[must_use]
    pub const fn is_proven(&self) -> bool {
        matches!(self.verdict, Some(Verdict::Lika | Verdict::LikaMedKarantan | Verdict::GodkandaSkillnader))
    }
}

/// What somebody did about a sign-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Asked for it.
    Request,
    /// Signed.
    Sign,
    /// Took it back.
    Revoke,
}

impl Kind {
    /// The code, which is also part of the name of the file.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Sign => "sign",
            Self::Revoke => "revoke",
        }
    }
}

/// An event of a sign-off: the content of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The number of the format.
    pub format: u32,
    /// The number of the event in the project, from 1.
    pub number: u64,
    /// What was done.
    pub kind: Kind,
    /// The code of the area of work, or [`WHOLE_CITY`].
    pub area: String,
    /// When, in UTC.
    pub at: String,
    /// Until when a signature holds, in UTC; `None` for events that are none.
    pub valid_until: Option<String>,
    /// Who.
    pub person: String,
    /// In which role.
    pub role: String,
    /// The user of the operating system.
    pub user: String,
    /// The number of the request that is signed.
    pub request: Option<u64>,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// Whether it was signed although the comparison was not equal.
    #[serde(rename = "override")]
    pub is_override: bool,
    /// What is asked for or signed; `None` for a revocation.
    pub bound: Option<Bound>,
    /// How far the audit log had come before the event was announced in it.
    pub checkpoint: Checkpoint,
}

impl Event {
    /// The name of the file: `000003-sign.json`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{:06}-{}.json", self.number, self.kind.code())
    }

    /// The text of the file.
    #[must_use]
    pub fn to_json(&self) -> String {
        let text =
            serde_json::to_string_pretty(self).expect("texts and numbers can always be written as JSON");
        text + "\n"
    }

    /// Reads what [`Event::to_json`] wrote.
    ///
    /// # Errors
    /// [`ErrorKind::Report`] when the text is not an event, or one of a newer format.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let not_one = |error| Error::caused(ErrorKind::Report, "not an event of a sign-off", error);
        Artefact::SignOff
            .require_in_text(&"the text", text.as_bytes())
            .map_err(|unknown| Error::new(ErrorKind::Report, unknown.to_string()))?;
        serde_json::from_str(text).map_err(not_one)
    }

    /// The day of the event.
    #[must_use]
    pub fn day(&self) -> &str {
        day(&self.at)
    }
}

/// The day of a time.
pub(crate) fn day(time: &str) -> &str {
    time.split_once('T').map_or(time, |(day, _)| day)
}

/// Whether two names are one person's: blanks and capitals do not make another human.
#[must_use]
pub fn is_same_person(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    plain(one) == plain(other)
}
