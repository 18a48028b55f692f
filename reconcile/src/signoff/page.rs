//! The sign-offs in the page of the report, in a box that its digest leaves out.
//!
//! A report that showed who signed it would be another file after every signature, and what was signed would be gone
//! by being signed. So the page has a place for the box, between two marks. A run keeps its page with the place
//! empty; the copy that people open has the box filled in. [`page_digest`] is the same for both.

use std::collections::BTreeMap;

use askama::Template;

use super::{Event, Standing, State, WHOLE_CITY, day, sha256};
use crate::audit::Checkpoint;
use crate::error::{Error, ErrorKind};
use crate::summary::Verdict;

const OPENING: &str = "<!--underskrifter-->";
const CLOSING: &str = "<!--/underskrifter-->";

/// What the box shows.
#[derive(Clone, Copy, Debug)]
pub struct Board<'b> {
    /// The areas, in the order in which they are shown.
    pub standings: &'b [Standing<'b>],
    /// Every event of the project: what was once signed against the verdict is shown for ever.
    pub events: &'b [Event],
    /// What areas are called, by code.
    pub names: &'b BTreeMap<String, String>,
    /// The digest of the page.
    pub report: &'b str,
    /// How far the audit log has come.
    pub checkpoint: Option<&'b Checkpoint>,
    /// Why nothing can be said about the sign-offs, in Swedish; empty when something can.
    pub damage: &'b str,
    /// The time at which this is shown, in UTC.
    pub time: &'b str,
}

#[derive(Template)]
#[template(path = "signoff-board.html")]
struct BoardView<'b> {
    rows: Vec<Row>,
    overrides: Vec<String>,
    report: &'b str,
    checkpoint: Option<&'b Checkpoint>,
    damage: &'b str,
    time: &'b str,
}

struct Row {
    area: String,
    state: &'static str,
    class: &'static str,
    why: Vec<String>,
    signed: Vec<String>,
    until: String,
    digest: String,
}

impl Board<'_> {
    /// Every signature that was given although the comparison was not equal, as a sentence each. They stay when the
    /// sign-off is void, revoked or given anew.
    #[must_use]
    pub fn overrides(&self) -> Vec<String> {
        let given = self.events.iter().filter(|event| event.is_override);
        let sentence = |event: &Event| {
            let verdict = match event.bound.as_ref().and_then(|bound| bound.verdict) {
                Some(Verdict::Skillnader) => "SKILLNADER",
                Some(Verdict::EjBevisat) | None => "EJ BEVISAT",
                Some(Verdict::GodkandaSkillnader) => "GODKÄNDA SKILLNADER",
                Some(Verdict::Lika | Verdict::LikaMedKarantan) => "LIKA",
            };
            format!(
                "{}: undertecknat {} trots utfallet {verdict} av {} ({}): {}",
                self.name(&event.area),
                event.day(),
                event.person,
                event.role,
                event.reason.as_deref().unwrap_or_default(),
            )
        };
        given.map(sentence).collect()
    }

    /// What an area is called.
    #[must_use]
    pub fn name(&self, area: &str) -> String {
        match self.names.get(area) {
            Some(name) => name.clone(),
            None if area == WHOLE_CITY => "Hela staden".to_owned(),
            None => area.to_owned(),
        }
    }

    fn row(&self, standing: &Standing<'_>) -> Row {
        let class = match standing.state {
            State::Valid => "equal",
            State::Open => "waiting",
            State::None => "unproven",
            State::Void | State::Revoked => "unequal",
        };
        let signed = standing.signatures.iter().map(|event| {
            let Event { person, role, .. } = event;
            let against = if event.is_override { ", trots utfallet" } else { "" };
            format!("{person} ({role}) {}{against}", event.day())
        });
        let bound = standing.request.and_then(|request| request.bound.as_ref());
        Row {
            area: self.name(standing.area),
            state: standing.state.label(),
            class,
            why: if standing.state == State::None { Vec::new() } else { standing.why.clone() },
            signed: signed.collect(),
            until: standing.until.map(|until| day(until).to_owned()).unwrap_or_default(),
            digest: bound.map(super::Bound::digest).unwrap_or_default(),
        }
    }
}

/// The page with the box filled in; the page as it is when it has no place for one.
///
/// # Errors
/// [`ErrorKind::Report`] when the box cannot be written.
pub fn with_board(page: &str, board: &Board<'_>) -> Result<String, Error> {
    let Some((before, after)) = around(page) else { return Ok(page.to_owned()) };
    let view = BoardView {
        rows: board.standings.iter().map(|standing| board.row(standing)).collect(),
        overrides: board.overrides(),
        report: board.report,
        checkpoint: board.checkpoint,
        damage: board.damage,
        time: board.time,
    };
    let filled = view
        .render()
        .map_err(|error| Error::caused(ErrorKind::Report, "the sign-offs could not be written", error))?;
    Ok(format!("{before}{filled}{after}"))
}

/// The SHA-256 of a page with the place for the box empty: for the page that a run keeps, that of the file.
#[must_use]
pub fn page_digest(page: &str) -> String {
    match around(page) {
        Some((before, after)) => sha256(format!("{before}{after}").as_bytes()),
        None => sha256(page.as_bytes()),
    }
}

/// The page up to the place and from its end on, marks included. A page with several places has none: nothing of it
/// may hide from the digest.
fn around(page: &str) -> Option<(&str, &str)> {
    let only = |mark: &str| page.matches(mark).count() == 1;
    if !only(OPENING) || !only(CLOSING) {
        return None;
    }
    let (before, after) = (page.find(OPENING)? + OPENING.len(), page.find(CLOSING)?);
    (before <= after).then(|| (&page[..before], &page[after..]))
}
