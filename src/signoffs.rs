//! The sign-offs of a project: the files of `signoffs/`, held against the audit log and the evidence as it is.

mod evidence;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use bron_extract::atomic;
use bron_mappings::Artefact;
use bron_reconcile::audit::{Act, Checkpoint, Entry, Outcome, sha256};
use bron_reconcile::signoff::{Board, Event, Standing, WHOLE_CITY, page_digest, standing, with_board};

use crate::audit;
use crate::chain::now;
use crate::failure::{Exit, Failure, whole};
use crate::printer::Printer;
use crate::settings::{Signing, signing};

pub(crate) use evidence::{COMPARISON, Compared, Evidence};

/// The folder of the events, below the project.
pub(crate) const SIGNOFFS: &str = "signoffs";

/// The page that people open, below the project.
pub(crate) const REPORT: &str = "report/index.html";

/// How far the audit log had come when the page was made, beside it.
pub(crate) const REPORT_CHECKPOINT: &str = "report/checkpoint.json";

/// What the audit log calls a sign-off.
const OBJECT: &str = "signoff";

/// Everything that is known about the sign-offs of a project.
pub(crate) struct Desk {
    project: PathBuf,
    pub(crate) signing: Signing,
    pub(crate) events: Vec<Event>,
    /// What there is to be signed now.
    pub(crate) evidence: Evidence,
    /// How far the audit log has come.
    pub(crate) checkpoint: Checkpoint,
    /// How many events were ever announced in the audit log.
    announced: u64,
    /// The time of looking.
    pub(crate) time: String,
}

impl Desk {
    /// Reads events and evidence, and refuses them when they are not what the audit log says. `run` is the run that
    /// is being worked on, where the log does not know that yet.
    pub(crate) fn open(project: &Path, run: Option<&str>) -> Result<Self, Failure> {
        let signing = signing(project)?;
        let stored = stored(project)?;
        let witnesses = stored.iter().map(|one| (one.name.clone(), one.event.checkpoint.clone()));
        let log = audit::read(project, witnesses)?.require_sound(project)?;
        if let Some(problem) = contradictions(&stored, &log.entries).into_iter().next() {
            return Err(Failure::safety(problem).hint("`bron audit verify` names everything that is wrong"));
        }
        let evidence = Evidence::gather(project, &signing.mappings, &log.entries, run)?;
        let announced = log.entries.iter().filter(|entry| announces(entry)).count();
        let desk = Self {
            project: project.to_owned(),
            signing,
            events: stored.into_iter().map(|one| one.event).collect(),
            evidence,
            checkpoint: log.report.reached,
            announced: u64::try_from(announced).expect("a length fits 64 bits"),
            time: now(),
        };
        desk.require_known_areas()?;
        Ok(desk)
    }

    fn require_known_areas(&self) -> Result<(), Failure> {
        match self.signing.named_areas().into_iter().find(|area| !self.knows(area)) {
            Some(area) => Err(Failure::config(format!("[signoff] names {area}, which is no area of work"))
                .hint(format!("areas are {}", self.areas().join(", ")))),
            None => Ok(()),
        }
    }

    fn knows(&self, area: &str) -> bool {
        area == WHOLE_CITY || self.evidence.areas.contains_key(area)
    }

    /// The whole city and every area, in the order in which they are shown.
    pub(crate) fn areas(&self) -> Vec<&str> {
        [WHOLE_CITY].into_iter().chain(self.evidence.areas.keys().map(String::as_str)).collect()
    }

    /// The area that an argument means.
    pub(crate) fn area(&self, named: Option<&String>) -> Result<String, Failure> {
        match named {
            None => Ok(WHOLE_CITY.to_owned()),
            Some(area) if self.knows(area) => Ok(area.clone()),
            Some(area) => Err(Failure::config(format!("there is no area of work {area}"))
                .hint(format!("areas are {}", self.areas().join(", ")))),
        }
    }

    /// Where the sign-off of an area stands.
    pub(crate) fn standing<'d>(&'d self, area: &'d str) -> Standing<'d> {
        standing(area, &self.events, &self.evidence.bound, &self.signing.rules, &self.time)
    }

    /// What people are shown, with these areas.
    pub(crate) fn board<'d>(&'d self, standings: &'d [Standing<'d>]) -> Board<'d> {
        Board {
            standings,
            events: &self.events,
            names: &self.evidence.areas,
            report: self.evidence.bound.report.as_deref().unwrap_or_default(),
            checkpoint: Some(&self.checkpoint),
            damage: "",
            time: &self.time,
        }
    }

    /// Announces an event in the audit log, writes it, and shows it in the report. The caller holds the [`lock`].
    pub(crate) fn keep(&self, event: Event, printer: &Printer) -> Result<Event, Failure> {
        let event = Event {
            format: Artefact::SignOff.newest(),
            number: self.announced + 1,
            at: self.time.clone(),
            user: audit::user(),
            checkpoint: self.checkpoint.clone(),
            ..event
        };
        let text = event.to_json();
        let act = Act {
            area: Some(event.area.clone()),
            object: audit::object(OBJECT, sha256(text.as_bytes())),
            run: event.bound.as_ref().map(|bound| bound.run.clone()),
            report_hash: event.bound.as_ref().and_then(|bound| bound.report.clone()),
            mapping_hash: self.evidence.mapping_digest.clone(),
            reason: event.reason.clone(),
            ..audit::act_of(&event.person, &event.role, &format!("signoff.{}", event.kind.code()))
        };
        audit::during(&self.project, act, printer, |_| {
            let path = self.project.join(SIGNOFFS).join(event.file_name());
            atomic::write(&path, text.as_bytes())?;
            Ok(Exit::Clean)
        })?;
        refresh(&self.project, None)?;
        Ok(event)
    }
}

/// Keeps every other process from changing sign-offs until the file is dropped.
pub(crate) fn lock(project: &Path) -> Result<File, Failure> {
    let dir = project.join(SIGNOFFS);
    atomic::create_directory(&dir)?;
    atomic::clean(&dir)?;
    let path = dir.join("lock");
    let cannot = |error: std::io::Error| Failure::config(format!("{}: {error}", path.display()));
    let file = File::create(&path).map_err(cannot)?;
    file.lock().map_err(cannot)?;
    Ok(file)
}

/// An event as it lies.
struct Stored {
    /// The file, below the project.
    name: String,
    digest: String,
    event: Event,
}

/// The events in the order of their numbers.
fn stored(project: &Path) -> Result<Vec<Stored>, Failure> {
    let dir = project.join(SIGNOFFS);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.starts_with('.') || !name.ends_with(".json") {
            continue;
        }
        let cannot = |why: &str| Failure::safety(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|error| cannot(&error.to_string()))?;
        Artefact::SignOff.require_in_text(&path.display(), text.as_bytes())?;
        let event = Event::from_json(&text).map_err(|error| cannot(&whole(&error)))?;
        let digest = sha256(text.as_bytes());
        found.push(Stored { name: format!("{SIGNOFFS}/{name}"), digest, event });
    }
    found.sort_by_key(|one| one.event.number);
    Ok(found)
}

/// Whether an entry says that an event is about to be written.
fn announces(entry: &Entry) -> bool {
    entry.act.result == Outcome::Begun && is_about_event(entry)
}

fn is_about_event(entry: &Entry) -> bool {
    entry.act.object.as_ref().is_some_and(|object| object.kind == OBJECT)
}

/// What the files of the events and the audit log say differently. Each event was announced with its digest before it
/// was written, and what was written is there.
fn contradictions(stored: &[Stored], entries: &[Entry]) -> Vec<String> {
    let digest = |entry: &Entry| entry.act.object.as_ref().map(|object| object.id.clone());
    let announced: BTreeSet<String> =
        entries.iter().filter(|entry| announces(entry)).filter_map(digest).collect();
    let there: BTreeSet<&str> = stored.iter().map(|one| one.digest.as_str()).collect();
    let unknown = stored.iter().filter(|one| !announced.contains(&one.digest));
    let unknown = unknown.map(|one| format!("{} is not what the audit log announced", one.name));
    let written = entries.iter().filter(|entry| is_about_event(entry) && entry.act.result == Outcome::Done);
    let lost = written.filter(|entry| digest(entry).is_none_or(|digest| !there.contains(digest.as_str())));
    let lost = lost
        .map(|entry| format!("the event of entry {} of the audit log is missing in {SIGNOFFS}/", entry.seq));
    unknown.chain(lost).collect()
}

/// Everything that the events and the audit log say differently, and the checkpoints of the events.
pub(crate) fn audited(
    project: &Path,
    entries: &[Entry],
) -> Result<(Vec<String>, BTreeMap<String, Checkpoint>), Failure> {
    let stored = stored(project)?;
    let checkpoints = stored.iter().map(|one| (one.name.clone(), one.event.checkpoint.clone())).collect();
    Ok((contradictions(&stored, entries), checkpoints))
}

/// Shows the sign-offs as they stand in the page that people open, where there is one.
pub(crate) fn refresh(project: &Path, run: Option<&str>) -> Result<(), Failure> {
    let path = project.join(REPORT);
    let Ok(page) = std::fs::read_to_string(&path) else { return Ok(()) };
    let checkpoint = audit::checkpoint(project)?;
    let filled = match Desk::open(project, run) {
        Ok(desk) => {
            let standings: Vec<Standing<'_>> =
                desk.areas().into_iter().map(|area| desk.standing(area)).collect();
            with_board(&page, &desk.board(&standings))?
        }
        Err(_) => with_board(&page, &unknown(&page_digest(&page), &now()))?,
    };
    atomic::write(&path, filled.as_bytes())?;
    audit::write_checkpoint(&project.join(REPORT_CHECKPOINT), &checkpoint)
}

/// What is shown where nothing can be said: a page is there in any case, and says so.
fn unknown<'b>(report: &'b str, time: &'b str) -> Board<'b> {
    static NONE: BTreeMap<String, String> = BTreeMap::new();
    Board {
        standings: &[],
        events: &[],
        names: &NONE,
        report,
        checkpoint: None,
        damage: "Underskrifterna kan inte visas: de, granskningsloggen eller inställningarna är inte som de ska. Kör \
                 bron signoff show, som säger varför.",
        time,
    }
}
