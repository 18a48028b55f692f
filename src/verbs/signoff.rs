//! `bron signoff`: who answers for what was compared, and whether that still holds.

mod show;

use bron_reconcile::audit::Checkpoint;
use bron_reconcile::signoff::{Bound, Event, Kind, Standing, State, changes, is_same_person};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::args::{
    Signatory, SignoffRequestArguments, SignoffRevokeArguments, SignoffSignArguments, SignoffVerb,
};
use crate::audit::require_writable;
use crate::chain::noted;
use crate::failure::{Class, Exit, Failure};
use crate::printer::Printer;
use crate::signoffs::{Desk, lock};

const HOURS_PER_DAY: i64 = 24;

/// Does what was asked.
pub(super) fn run(verb: &SignoffVerb, printer: &Printer) -> Result<Exit, Failure> {
    match verb {
        SignoffVerb::Request(arguments) => request(arguments, printer),
        SignoffVerb::Sign(arguments) => sign(arguments, printer),
        SignoffVerb::Revoke(arguments) => revoke(arguments, printer),
        SignoffVerb::Show(arguments) => show::run(arguments, printer),
    }
}

/// Asks for the sign-off of what was compared last.
fn request(arguments: &SignoffRequestArguments, printer: &Printer) -> Result<Exit, Failure> {
    let SignoffRequestArguments { by, reason } = arguments;
    let _lock = begin(by)?;
    let desk = Desk::open(&by.project, None)?;
    let area = desk.area(by.area.as_ref())?;
    desk.evidence.require_whole(&by.project)?;
    let bound = desk.evidence.bound.clone();
    let event =
        Event { reason: written(reason.as_ref()), bound: Some(bound), ..draft(Kind::Request, &area, by) };
    tell(&desk, &desk.keep(event, printer)?, printer);
    Ok(Exit::Clean)
}

/// Signs what was asked for.
fn sign(arguments: &SignoffSignArguments, printer: &Printer) -> Result<Exit, Failure> {
    let SignoffSignArguments { by, is_override, reason } = arguments;
    let _lock = begin(by)?;
    let desk = Desk::open(&by.project, None)?;
    let area = desk.area(by.area.as_ref())?;
    let request = asked(&desk, &area)?;
    require_allowed(&desk, &area, request, by)?;
    let bound = &desk.evidence.bound;
    require_override(bound, *is_override)?;
    let event = Event {
        valid_until: Some(until(&desk)?),
        request: Some(request.number),
        reason: written(reason.as_ref()),
        is_override: *is_override,
        bound: Some(bound.clone()),
        ..draft(Kind::Sign, &area, by)
    };
    tell(&desk, &desk.keep(event, printer)?, printer);
    Ok(Exit::Clean)
}

/// Takes back a sign-off, or the question for one.
fn revoke(arguments: &SignoffRevokeArguments, printer: &Printer) -> Result<Exit, Failure> {
    let SignoffRevokeArguments { by, reason } = arguments;
    let _lock = begin(by)?;
    let desk = Desk::open(&by.project, None)?;
    let area = desk.area(by.area.as_ref())?;
    match desk.standing(&area).state {
        State::None | State::Revoked => {
            return Err(Failure::config(format!("{area} has no sign-off to revoke")));
        }
        State::Open | State::Valid | State::Void => {}
    }
    let event = Event { reason: written(Some(reason)), ..draft(Kind::Revoke, &area, by) };
    tell(&desk, &desk.keep(event, printer)?, printer);
    Ok(Exit::Clean)
}

/// Looks at what whoever acts wrote, before anything is read, and keeps others from acting meanwhile.
fn begin(by: &Signatory) -> Result<std::fs::File, Failure> {
    for (name, text) in [("--person", &by.person), ("--role", &by.role)] {
        if text.trim().is_empty() {
            return Err(Failure::config(format!("{name} is empty")));
        }
        require_writable(text).map_err(|failure| failure.about(name))?;
    }
    // A project that is none is said before a folder is made in it.
    crate::settings::signing(&by.project)?;
    lock(&by.project)
}

fn written(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// An event without what is known when it is kept.
fn draft(kind: Kind, area: &str, by: &Signatory) -> Event {
    Event {
        format: 0,
        number: 0,
        kind,
        area: area.to_owned(),
        at: String::new(),
        valid_until: None,
        person: by.person.trim().to_owned(),
        role: by.role.trim().to_owned(),
        user: String::new(),
        request: None,
        reason: None,
        is_override: false,
        bound: None,
        checkpoint: Checkpoint::start(),
    }
}

fn refused(problem: String) -> Failure {
    Failure::new(Exit::NotSigned, Class::Config, problem)
}

/// The request that waits for a signature, when what was asked for is what there is.
fn asked<'d>(desk: &'d Desk, area: &'d str) -> Result<&'d Event, Failure> {
    let again = format!("ask for it: bron signoff request{} --person NAME --role ROLE", option(area));
    let Standing { state, request, is_being_renewed, .. } = desk.standing(area);
    let latest = desk.events.iter().rev().find(|event| event.area == area && event.kind == Kind::Request);
    let request = match (state, request.and(latest)) {
        (State::Valid, Some(latest)) if is_being_renewed => latest,
        (State::Valid, _) => return Err(refused(format!("the sign-off of {area} holds already"))),
        (State::Open, Some(request)) => request,
        (State::None | State::Revoked | State::Void | State::Open, _) => {
            return Err(refused(format!("nobody has asked for the sign-off of {area}")).hint(again));
        }
    };
    let changed = request.bound.as_ref().map(|then| changes(then, &desk.evidence.bound)).unwrap_or_default();
    if !changed.is_empty() {
        let problem = format!("what was asked for is not what there is: {}", changed.join("; "));
        return Err(refused(problem).hint(format!("look at the report again, then {again}")));
    }
    Ok(request)
}

fn option(area: &str) -> String {
    if area == bron_reconcile::signoff::WHOLE_CITY { String::new() } else { format!(" --area {area}") }
}

/// Holds whoever signs to the rules of the area.
fn require_allowed(desk: &Desk, area: &str, request: &Event, by: &Signatory) -> Result<(), Failure> {
    let rules = &desk.signing.rules;
    let role = by.role.trim();
    if let Some(roles) = rules.roles.get(area).filter(|roles| !roles.contains(role)) {
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        return Err(refused(format!("{role} may not sign {area}: the roles are {}", roles.join(", "))));
    }
    if rules.not_by_requester.contains(area) && is_same_person(&request.person, &by.person) {
        return Err(refused(format!("whoever asks for the sign-off of {area} may not sign it")));
    }
    let given = desk.events.iter().filter(|event| event.request == Some(request.number));
    for other in given {
        if is_same_person(&other.person, &by.person) {
            return Err(refused(format!("{} has signed already; another person has to", by.person.trim())));
        }
        if other.role == role {
            return Err(refused(format!("somebody signed as {role} already; another role has to")));
        }
    }
    Ok(())
}

/// What differs or is not proven is signed knowingly or not at all.
fn require_override(bound: &Bound, is_override: bool) -> Result<(), Failure> {
    match (bound.is_proven(), is_override) {
        (true, false) | (false, true) => Ok(()),
        (true, true) => Err(Failure::config("there is nothing to override: the comparison is equal")),
        (false, false) => Err(refused(
            "the comparison is not equal, or not proven: it cannot be signed".to_owned(),
        )
        .hint("a named person can sign it with --override --reason TEXT, which is shown in red for ever")),
    }
}

/// Until when a signature of now holds.
fn until(desk: &Desk) -> Result<String, Failure> {
    let hours = HOURS_PER_DAY * i64::from(desk.signing.rules.valid_days);
    let until =
        desk.time.parse::<Timestamp>().and_then(|now| now.checked_add(SignedDuration::from_hours(hours)));
    until.map(noted).map_err(|_| Failure::config("`valid_days` of [signoff] is too large"))
}

/// Says what was done, and where the sign-off stands after it.
fn tell(before: &Desk, event: &Event, printer: &Printer) {
    let document = json!({
        "number": event.number,
        "kind": event.kind,
        "area": event.area,
        "person": event.person,
        "role": event.role,
        "at": event.at,
        "valid_until": event.valid_until,
        "override": event.is_override,
        "run": event.bound.as_ref().map(|bound| &bound.run),
        "report": event.bound.as_ref().map(|bound| &bound.report),
        "evidence": event.bound.as_ref().map(Bound::digest),
    });
    let what = match event.kind {
        Kind::Request => "asked for",
        Kind::Sign if event.is_override => "signed against the verdict",
        Kind::Sign => "signed",
        Kind::Revoke => "revoked",
    };
    let mut lines = vec![format!("{}: {what} by {} ({})", event.area, event.person, event.role)];
    if let Some(bound) = &event.bound {
        lines.push(format!("run {}, report {}", bound.run, bound.report.as_deref().unwrap_or_default()));
        lines.push(format!("evidence {}", bound.digest()));
    }
    let signed =
        before.events.iter().filter(|other| other.request.is_some() && other.request == event.request);
    let given = signed.count() + usize::from(event.kind == Kind::Sign);
    if event.kind != Kind::Revoke && given < before.signing.rules.needed(&event.area) {
        let missing = before.signing.rules.needed(&event.area) - given;
        lines.push(format!("{missing} more to sign"));
    }
    printer.result(&document, &lines.join("\n"));
}
