//! `bron signoff show`: who signed what, and whether it still holds.

use bron_reconcile::signoff::{Bound, Event, Standing, State, WHOLE_CITY, page_digest};
use serde_json::{Value, json};

use crate::args::SignoffShowArguments;
use crate::failure::{Exit, Failure};
use crate::printer::Printer;
use crate::signoffs::Desk;

/// The signs that make a terminal write in red, and in its own colour again.
const RED: [&str; 2] = ["\u{1b}[31m", "\u{1b}[0m"];

/// Tells where the sign-offs stand.
pub(super) fn run(arguments: &SignoffShowArguments, printer: &Printer) -> Result<Exit, Failure> {
    let SignoffShowArguments { area, require, report, project } = arguments;
    let desk = Desk::open(project, None)?;
    let page = report.as_ref().map(|file| {
        let cannot = |error| Failure::config(format!("cannot read {}: {error}", file.display()));
        std::fs::read(file).map(|bytes| page_digest(&String::from_utf8_lossy(&bytes))).map_err(cannot)
    });
    let page = page.transpose()?;
    let named = desk.area(area.as_ref())?;
    let areas = if area.is_some() { vec![named.as_str()] } else { desk.areas() };
    let standings: Vec<Standing<'_>> = areas.into_iter().map(|area| desk.standing(area)).collect();
    let told = Told { desk: &desk, standings: &standings, page: page.as_deref() };
    printer.result(&told.document(), &told.text());
    let holds = desk.standing(&named).state == State::Valid;
    Ok(if *require && !holds { Exit::NotSigned } else { Exit::Clean })
}

struct Told<'t> {
    desk: &'t Desk,
    standings: &'t [Standing<'t>],
    /// The digest of the page that was handed in.
    page: Option<&'t str>,
}

impl Told<'_> {
    fn document(&self) -> Value {
        let Bound { run, verdict, report, summary, waivers, .. } = &self.desk.evidence.bound;
        let mut document = json!({
            "time": self.desk.time,
            "areas": self.standings.iter().map(|standing| self.standing_json(standing)).collect::<Vec<_>>(),
            "overrides": self.desk.board(self.standings).overrides(),
            "now": {
                "run": run,
                "verdict": verdict,
                "report": report,
                "summary": summary,
                "waivers": waivers,
                "evidence": self.desk.evidence.bound.digest(),
            },
            "checkpoint": self.desk.checkpoint,
        });
        if let Some(page) = self.page {
            document["page"] = json!({
                "report": page,
                "is_current": report.as_deref() == Some(page),
                "requested_for": self.of_page(page).map(|event| event.area.as_str()).collect::<Vec<_>>(),
            });
        }
        document
    }

    fn standing_json(&self, standing: &Standing<'_>) -> Value {
        let bound = standing.request.and_then(|request| request.bound.as_ref());
        json!({
            "area": standing.area,
            "name": self.desk.board(&[]).name(standing.area),
            "state": standing.state.code(),
            "why": standing.why,
            "requested": standing.request.map(event_json),
            "signatures": standing.signatures.iter().map(|event| event_json(event)).collect::<Vec<_>>(),
            "valid_until": standing.until,
            "being_renewed": standing.is_being_renewed,
            "run": bound.map(|bound| &bound.run),
            "verdict": bound.map(|bound| bound.verdict),
            "report": bound.map(|bound| &bound.report),
            "evidence": bound.map(Bound::digest),
        })
    }

    /// The requests that are for a page.
    fn of_page(&self, page: &str) -> impl Iterator<Item = &Event> {
        let is_for = move |event: &&Event| {
            event.bound.as_ref().and_then(|bound| bound.report.as_deref()) == Some(page)
                && event.request.is_none()
        };
        self.desk.events.iter().filter(is_for)
    }

    fn text(&self) -> String {
        let mut lines: Vec<String> =
            self.standings.iter().flat_map(|standing| self.standing_lines(standing)).collect();
        let overrides = self.desk.board(self.standings).overrides();
        lines.extend(overrides.iter().map(|sentence| {
            let [red, plain] = RED;
            format!("{red}MOT UTFALLET – {sentence}{plain}")
        }));
        if let Some(page) = self.page {
            lines.push(self.page_line(page));
        }
        lines.join("\n")
    }

    fn standing_lines(&self, standing: &Standing<'_>) -> Vec<String> {
        let name = self.desk.board(&[]).name(standing.area);
        let code = if standing.area == WHOLE_CITY { String::new() } else { format!("{} ", standing.area) };
        let why = match standing.why.as_slice() {
            [] => String::new(),
            why => format!(": {}", why.join("; ")),
        };
        let state = standing.state.label();
        let mut lines = vec![match standing.state {
            State::None => format!("{code}{name}: {state}"),
            State::Open | State::Valid | State::Void | State::Revoked => {
                format!("{code}{name}: {state}{why}")
            }
        }];
        if let Some(Event { person, role, .. }) = standing.request {
            let day = standing.request.map(Event::day).unwrap_or_default();
            lines.push(format!("  begärd av {person} ({role}) {day}"));
        }
        for signature in &standing.signatures {
            let against = if signature.is_override { ", trots utfallet" } else { "" };
            let (person, role, day) = (&signature.person, &signature.role, signature.day());
            lines.push(format!("  undertecknad av {person} ({role}) {day}{against}"));
        }
        if let Some(until) = standing.until.filter(|_| standing.state == State::Valid) {
            lines.push(format!("  gäller till {until}"));
        }
        if let Some(bound) = standing.request.and_then(|request| request.bound.as_ref()) {
            let report = bound.report.as_deref().unwrap_or_default();
            lines.push(format!("  körning {}, rapport {report}", bound.run));
            lines.push(format!("  underlag {}", bound.digest()));
        }
        if standing.is_being_renewed {
            lines.push("  en ny underskrift är begärd".to_owned());
        }
        lines
    }

    fn page_line(&self, page: &str) -> String {
        let areas: Vec<&str> = self.of_page(page).map(|event| event.area.as_str()).collect();
        let about = match areas.as_slice() {
            [] => "ingen underskrift har begärts för den".to_owned(),
            areas => format!("underskrift har begärts för {}", areas.join(", ")),
        };
        let now = if self.desk.evidence.bound.report.as_deref() == Some(page) {
            "är projektets rapport nu"
        } else {
            "är inte projektets rapport nu"
        };
        format!("sidan {page} {now}; {about}")
    }
}

fn event_json(event: &Event) -> Value {
    json!({
        "number": event.number,
        "person": event.person,
        "role": event.role,
        "user": event.user,
        "at": event.at,
        "valid_until": event.valid_until,
        "override": event.is_override,
        "reason": event.reason,
    })
}
