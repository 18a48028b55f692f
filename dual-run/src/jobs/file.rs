//! Reads `jobs.toml`.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use bron_mappings::{Artefact, Diagnostic, Severity, nearest};
use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::Spanned;

use super::cron::Cron;
use super::job::{Job, JobName, Misfire, Retry};
use super::work::Work;
use crate::scope::Scope;

/// The file is not of the form: syntax, an unknown key, a value of another type, a format of another time.
const FORM: &str = "BRON-J001";
/// A name that is none: of a job, a scope, a time zone, a policy.
const NAME: &str = "BRON-J002";
/// A cron expression that cannot be used.
const CRON: &str = "BRON-J003";
/// Something that a job does not run.
const WORK: &str = "BRON-J004";
/// A number that is too small or too large.
const NUMBER: &str = "BRON-J005";

/// The city's clocks.
const DEFAULT_ZONE: &str = "Europe/Stockholm";
const DEFAULT_TIMEOUT_MINUTES: u64 = 240;
const DEFAULT_RETRIES: u64 = 3;
const DEFAULT_RETRY_WAIT_SECONDS: u64 = 60;
const DEFAULT_RETRY_LONGEST_WAIT_SECONDS: u64 = 1800;
const DEFAULT_MOST_LATE_MINUTES: u64 = 15;
/// A week.
const MOST_MINUTES: u64 = 7 * 24 * 60;

/// The jobs of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jobs {
    /// The time zone that the cron expressions are read in.
    pub zone: TimeZone,
    /// Its name in the time zone database.
    pub zone_name: String,
    /// The most jobs that run at the same time.
    pub at_once: usize,
    /// The jobs, by name.
    pub jobs: BTreeMap<JobName, Job>,
}

/// The file, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "format")]
    _format: u64,
    time_zone: Option<Spanned<String>>,
    at_once: Option<Spanned<u64>>,
    #[serde(default)]
    job: BTreeMap<Spanned<String>, JobFile>,
}

/// A job, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JobFile {
    cron: Spanned<String>,
    run: Spanned<Vec<String>>,
    scope: Option<Spanned<String>>,
    timeout_minutes: Option<Spanned<u64>>,
    retries: Option<Spanned<u64>>,
    retry_wait_seconds: Option<Spanned<u64>>,
    retry_longest_wait_seconds: Option<Spanned<u64>>,
    misfire: Option<Spanned<String>>,
    max_lateness_minutes: Option<Spanned<u64>>,
}

/// Reads the text of a job file. `accepts` says of the words of a command line whether the program takes them, or why
/// not.
///
/// # Errors
/// Everything that is wrong with it, in the order of the text; `file` is how diagnostics call it.
pub fn parse(
    file: &str,
    text: &str,
    accepts: impl Fn(&[String]) -> Result<(), String>,
) -> Result<Jobs, Vec<Diagnostic>> {
    let mut reader = Reader { file, found: Vec::new() };
    // Before the rest: a newer format may have keys that are unknown here.
    if let Some(number) = format_of(text)
        && let Err(unknown) = Artefact::JobFile.require(&file, number)
    {
        reader.error(FORM, 0..0, unknown.to_string());
        return Err(reader.found);
    }
    let read: File = match toml::from_str(text) {
        Ok(read) => read,
        Err(error) => {
            reader.error(FORM, error.span().unwrap_or(0..0), error.message().to_owned());
            return Err(reader.found);
        }
    };
    let File { _format: _, time_zone, at_once, job } = read;
    let (zone_name, zone) = reader.zone(time_zone);
    let at_once = reader.number(at_once, 1, 1..=16);
    let jobs = job.into_iter().filter_map(|(name, job)| reader.job(&name, job, text, &accepts));
    let jobs: Vec<Job> = jobs.collect();
    match zone {
        Some(zone) if reader.found.is_empty() => Ok(Jobs {
            zone,
            zone_name,
            at_once: usize::try_from(at_once).expect("a number up to 16 fits"),
            jobs: jobs.into_iter().map(|job| (job.name.clone(), job)).collect(),
        }),
        Some(_) | None => {
            reader.found.sort_by_key(|found| found.span.start);
            Err(reader.found)
        }
    }
}

fn format_of(text: &str) -> Option<u64> {
    let table = text.parse::<toml::Table>().ok()?;
    Some(u64::try_from(table.get("format")?.as_integer()?).unwrap_or(0))
}

/// Collects what is wrong.
struct Reader<'a> {
    file: &'a str,
    found: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn error(&mut self, code: &'static str, span: Range<usize>, message: String) {
        self.push(code, span, message, None);
    }

    fn push(&mut self, code: &'static str, span: Range<usize>, message: String, help: Option<String>) {
        let (file, severity, label) = (self.file.to_owned(), Severity::Error, "here".to_owned());
        self.found.push(Diagnostic { code, severity, file, span, message, label, help });
    }

    fn zone(&mut self, named: Option<Spanned<String>>) -> (String, Option<TimeZone>) {
        let (span, name) =
            named.map_or((0..0, DEFAULT_ZONE.to_owned()), |name| (name.span(), name.into_inner()));
        let zone = TimeZone::get(&name).ok();
        if zone.is_none() {
            let help = "write the name of the time zone database, such as \"Europe/Stockholm\"".to_owned();
            self.push(NAME, span, format!("there is no time zone `{name}`"), Some(help));
        }
        (name, zone)
    }

    fn number(
        &mut self,
        written: Option<Spanned<u64>>,
        usual: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> u64 {
        let Some(written) = written else { return usual };
        let number = *written.get_ref();
        if !range.contains(&number) {
            let (least, most) = (range.start(), range.end());
            self.error(
                NUMBER,
                written.span(),
                format!("this is a number from {least} to {most}, not {number}"),
            );
        }
        number
    }

    fn job(
        &mut self,
        name: &Spanned<String>,
        job: JobFile,
        text: &str,
        accepts: impl Fn(&[String]) -> Result<(), String>,
    ) -> Option<Job> {
        let parsed = JobName::parse(name.get_ref());
        if parsed.is_none() {
            let message = "this is no name of a job".to_owned();
            let help = "write lower-case letters, digits and hyphens, a letter first, at most 40";
            self.push(NAME, name.span(), message, Some(help.to_owned()));
        }
        let cron = self.cron(&job.cron, text);
        let work = self.work(&job.run, accepts);
        let scope = job.scope.map(|scope| self.scope(&scope));
        let misfire = job.misfire.map_or(Some(Misfire::RunOnce), |misfire| self.misfire(&misfire));
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let timeout = self.number(job.timeout_minutes, DEFAULT_TIMEOUT_MINUTES, 1..=MOST_MINUTES);
        let times = self.number(job.retries, DEFAULT_RETRIES, 0..=100);
        let first_wait = self.number(job.retry_wait_seconds, DEFAULT_RETRY_WAIT_SECONDS, 1..=86_400);
        let usual_longest = DEFAULT_RETRY_LONGEST_WAIT_SECONDS.max(first_wait);
        let longest_wait = self.number(job.retry_longest_wait_seconds, usual_longest, first_wait..=604_800);
        let late = self.number(job.max_lateness_minutes, DEFAULT_MOST_LATE_MINUTES, 1..=MOST_MINUTES);
        Some(Job {
            name: parsed?,
            cron_text: job.cron.into_inner(),
            cron: cron?,
            work: work?,
            scope: scope.map_or(Some(None), |scope| scope.map(Some))?,
            timeout: minutes(timeout),
            retry: Retry {
                times: u32::try_from(times).unwrap_or(0),
                first_wait: Duration::from_secs(first_wait),
                longest_wait: Duration::from_secs(longest_wait),
            },
            misfire: misfire?,
            most_late: minutes(late),
        })
    }

    fn cron(&mut self, written: &Spanned<String>, text: &str) -> Option<Cron> {
        let error = match Cron::parse(written.get_ref()) {
            Ok(cron) => return Some(cron),
            Err(error) => error,
        };
        let whole = written.span();
        let begin = whole.start + 1;
        let part = begin + error.at.start..begin + error.at.end;
        // Only where the text stands as it is, and nothing in it is written with an escape.
        let is_plain = text.get(begin..begin + written.get_ref().len()) == Some(written.get_ref());
        let help = "write minute, hour, day of the month, month and day of the week, such as \"15 2 * * *\"";
        self.push(CRON, if is_plain { part } else { whole }, error.message, Some(help.to_owned()));
        None
    }

    fn work(
        &mut self,
        written: &Spanned<Vec<String>>,
        accepts: impl Fn(&[String]) -> Result<(), String>,
    ) -> Option<Work> {
        let work = Work::new(written.get_ref().clone()).and_then(|work| {
            accepts(work.words())?;
            Ok(work)
        });
        work.map_err(|message| self.error(WORK, written.span(), message)).ok()
    }

    fn scope(&mut self, written: &Spanned<String>) -> Option<Scope> {
        let scope = Scope::parse(written.get_ref());
        if scope.is_none() {
            let help = "write area, nämnd and side, such as \"EB/SDN03/myndighet\"".to_owned();
            self.push(NAME, written.span(), "this is no scope".to_owned(), Some(help));
        }
        scope
    }

    fn misfire(&mut self, written: &Spanned<String>) -> Option<Misfire> {
        let name = written.get_ref();
        let found = Misfire::ALL.into_iter().find(|(known, _)| known == name);
        if found.is_none() {
            let known = Misfire::ALL.map(|(known, _)| known);
            let help = nearest(name, known)
                .map_or_else(|| known.join(" or "), |near| format!("did you mean `{near}`?"));
            self.push(
                NAME,
                written.span(),
                "this is no way to treat a time that passed".to_owned(),
                Some(help),
            );
        }
        found.map(|(_, misfire)| misfire)
    }
}
