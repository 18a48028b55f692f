//! What there is to be signed: the digests of everything that a sign-off rests on.

use std::collections::BTreeMap;
use std::path::Path;

use bron_extract::MANIFEST_FILE;
use bron_mappings::MappingSet;
use bron_reconcile::audit::{Entry, Outcome, sha256};
use bron_reconcile::signoff::{Bound, page_digest};
use bron_reconcile::summary::Summary;
use bron_transform::REGISTRY_VERSION;

use super::REPORT;
use crate::chain::{SUMMARY_FILE, WAIVERS_FILE, sound_manifest};
use crate::failure::{Class, Exit, Failure, whole};
use crate::project::mapping_files;
use crate::settings::runs;

/// The other forms of the report, beside the page that people open.
const BESIDE: [&str; 2] = ["report.json", "report.xlsx"];

/// What the audit log calls the summary and the accepted deviations of a comparison.
pub(crate) const COMPARISON: &str = "comparison";

/// The code list that says what areas of work are called.
const AREAS: &str = "verksamhetsomrade";

/// The verbs that work on a run.
const WORK: [&str; 6] = ["migrate", "extract", "transform", "load", "reconcile", "quarantine.replay"];

/// What there is to be signed.
pub(crate) struct Evidence {
    pub(crate) bound: Bound,
    /// The areas of work by code, with what they are called.
    pub(crate) areas: BTreeMap<String, String>,
    /// The digest of the mapping files, as a run names it.
    pub(crate) mapping_digest: Option<String>,
    /// The digest that the summary names.
    compared_mapping: Option<String>,
    /// The page with which the comparison of the run ended last, and what [`comparison`] says of it.
    made: Option<(String, String)>,
}

impl Evidence {
    /// Reads the files, and the digest of every staged table of the run that was worked on last.
    pub(super) fn gather(
        project: &Path,
        mappings: &Path,
        entries: &[Entry],
        run: Option<&str>,
    ) -> Result<Self, Failure> {
        let files = mapping_files(mappings)?;
        let (set, _) = MappingSet::parse(&files);
        let terms = set.codes.get(AREAS).into_iter().flat_map(|list| list.entries());
        let areas = terms.map(|(_, _, entry)| (entry.target.clone(), entry.term.clone())).collect();
        let ended = || entries.iter().rev().filter(|entry| entry.act.result != Outcome::Begun);
        let works = |entry: &&Entry| WORK.contains(&entry.act.action.as_str());
        let last = ended().filter(works).find_map(|entry| entry.act.run.clone());
        let run = run.map(str::to_owned).or(last).unwrap_or_default();
        let dir = runs(project).join(&run);
        let summary = (!run.is_empty()).then(|| bytes(&dir.join(SUMMARY_FILE))).transpose()?.flatten();
        let read = summary.as_deref().map(|bytes| {
            Summary::from_json(&String::from_utf8_lossy(bytes)).map_err(|error| {
                Failure::safety(whole(&error)).about(&dir.join(SUMMARY_FILE).display().to_string())
            })
        });
        let read = read.transpose()?;
        let page = bytes(&project.join(REPORT))?;
        let mut of_run = ended().filter(works).filter(|entry| entry.act.run.as_ref() == Some(&run));
        let made = of_run.find_map(|entry| {
            let compared = entry.act.object.as_ref().filter(|object| object.kind == COMPARISON)?;
            Some((entry.act.report_hash.clone()?, compared.id.clone()))
        });
        let bound = Bound {
            verdict: read.as_ref().map(|summary| summary.verdict),
            report: page.map(|page| page_digest(&String::from_utf8_lossy(&page))),
            beside: beside(project)?,
            summary: summary.as_deref().map(sha256),
            waivers: waivers(project)?,
            files: files.iter().map(|(path, text)| (path.clone(), sha256(text.as_bytes()))).collect(),
            staged: if run.is_empty() { BTreeMap::new() } else { staged(&dir)? },
            run,
        };
        let mapping_digest = Some(set.digest(REGISTRY_VERSION).to_string());
        let compared_mapping = read.map(|summary| summary.mapping_digest);
        Ok(Self { bound, areas, mapping_digest, compared_mapping, made })
    }

    /// Refuses evidence that does not belong together: a sign-off is for one comparison, with everything that went
    /// into it as it was then.
    pub(crate) fn require_whole(&self, project: &Path) -> Result<(), Failure> {
        let Bound { run, summary, report, waivers, .. } = &self.bound;
        let verb = |verb: &str| format!("bron {verb} --project {}", project.display());
        let refuse = |problem: String, verb: String| {
            Err(Failure::new(Exit::NotSigned, Class::Config, problem).hint(format!("first: {verb}")))
        };
        if run.is_empty() {
            return refuse("there is nothing to sign: nothing was migrated yet".to_owned(), verb("migrate"));
        }
        if summary.is_none() || report.is_none() {
            return refuse(format!("run {run} was not compared with the target yet"), verb("reconcile"));
        }
        if self.mapping_digest != self.compared_mapping {
            let problem = format!("the mapping files are not those of run {run}, which was compared");
            return refuse(problem, verb("migrate"));
        }
        let made = self.made.as_ref();
        if made.map(|(page, _)| page) != report.as_ref() {
            let problem = format!("{REPORT} is not the page that the comparison of run {run} made");
            return refuse(problem, verb("reconcile"));
        }
        let now = comparison(summary.as_deref().unwrap_or_default(), waivers.as_deref());
        let then = made.map_or("", |(_, compared)| compared);
        if then != now {
            let summary = |text: &str| text.split_once(WAIVERS).map(|(summary, _)| summary.to_owned());
            let name = if summary(&now) == summary(then) { WAIVERS_FILE } else { SUMMARY_FILE };
            let problem = format!("{name} is not what it was when run {run} was compared");
            return refuse(problem, verb("reconcile"));
        }
        Ok(())
    }
}

const WAIVERS: &str = " waivers ";

/// What a comparison made, as the audit log notes it.
pub(crate) struct Compared {
    /// The digest of the page.
    pub(crate) report: String,
    /// The digest of the summary and that of the accepted deviations that were known.
    pub(crate) comparison: String,
}

impl Compared {
    /// That of a page and a summary that were made now.
    pub(crate) fn of(project: &Path, page: &str, summary: &str) -> Result<Self, Failure> {
        let comparison = comparison(&sha256(summary.as_bytes()), waivers(project)?.as_deref());
        Ok(Self { report: page_digest(page), comparison })
    }
}

fn comparison(summary: &str, waivers: Option<&str>) -> String {
    format!("summary {summary}{WAIVERS}{}", waivers.unwrap_or("none"))
}

/// The digest of the deviations that were accepted; `None` where there are none.
fn waivers(project: &Path) -> Result<Option<String>, Failure> {
    Ok(bytes(&project.join(WAIVERS_FILE))?.as_deref().map(sha256))
}

/// The digests of the other forms of the report that lie beside the page.
fn beside(project: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let mut found = BTreeMap::new();
    for name in BESIDE {
        if let Some(bytes) = bytes(&project.join(REPORT).with_file_name(name))? {
            found.insert(name.to_owned(), sha256(&bytes));
        }
    }
    Ok(found)
}

/// The bytes of a file; `None` when it is not there.
fn bytes(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::config(format!("cannot read {}: {error}", path.display()))),
    }
}

/// The digest of the rows of every staged table of a run, by `system/TABLE`.
fn staged(run: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let folders = |dir: &Path| {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir())
    };
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut tables = BTreeMap::new();
    for system in folders(&run.join("staged")) {
        for table in folders(&system) {
            let (Some(system), Some(table_name)) = (name(&system), name(&table)) else { continue };
            let content = match sound_manifest(&table)? {
                Some(manifest) => manifest.content.to_string(),
                // A manifest that cannot be used is not what was signed either.
                None => bytes(&table.join(MANIFEST_FILE))?.as_deref().map(sha256).unwrap_or_default(),
            };
            tables.insert(format!("{system}/{table_name}"), content);
        }
    }
    Ok(tables)
}
