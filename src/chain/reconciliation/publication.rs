//! What a reconciliation came to → the files that people read: pages, a workbook and data, in the run and where people
//! look.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bron_extract::atomic;
use bron_load::Sink;
use bron_mappings::{Mapping, Rule};
use bron_reconcile::conservation::Imbalance;
use bron_reconcile::controls;
use bron_reconcile::report::{
    self, Background, Labels, Language, Normalisation, Point, ReportFile, ShownFinding, Tier,
};
use bron_reconcile::sample::{Cases, Draw, of_all};
use bron_reconcile::summary::Summary;
use bron_transform::find;

use super::SUMMARY_FILE;
use super::looks::Ground;
use crate::chain::refused::Refused;
use crate::chain::{Chain, StagedTables};
use crate::failure::Failure;
use crate::signoffs::{self, Compared, REPORT};

/// Where the report lies, in a run and in the project.
const FOLDER: &str = "report";
/// Where the pages lie that show values of persons, within the report of the project.
const PROTECTED: &str = "protected";
/// The most reconciliations before this one that a report follows.
const MOST_POINTS: usize = 12;

/// What is wanted of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    /// Languages beside Swedish.
    pub(crate) language: Language,
    /// The cases drawn for the city, and for each area.
    pub(crate) testers: usize,
    /// The seed of the draw.
    pub(crate) seed: u64,
    /// Whether the pages that show values of persons are written as well.
    pub(crate) protected: bool,
}

impl Default for Publication {
    fn default() -> Self {
        const TESTERS: usize = 12;
        Self { language: Language::Sv, testers: TESTERS, seed: 1, protected: false }
    }
}

/// What a reconciliation came to, as far as a report tells it.
pub(super) struct Told<'a> {
    pub(super) summary: &'a Summary,
    pub(super) imbalances: &'a [Imbalance],
    /// What is not proven, as Swedish sentences.
    pub(super) unproven: &'a [String],
    /// The first of the findings.
    pub(super) findings: &'a [ShownFinding],
    pub(super) labels: &'a Labels,
}

impl Chain<'_> {
    /// Gathers what the pages tell beside the result, and writes summary and report.
    pub(super) fn tell(
        &self,
        ground: &Ground<'_>,
        sink: &mut dyn Sink,
        told: &Told<'_>,
    ) -> Result<(PathBuf, Compared), Failure> {
        let background = self.background(sink, ground.staged, ground.refused)?;
        let input = report::Input {
            title: "Avstämning av flytten till den nya informationsmodellen",
            as_of: self.settings.as_of.as_deref().unwrap_or_default(),
            summary: told.summary,
            ledger: ground.ledger,
            imbalances: told.imbalances,
            unproven: told.unproven,
            findings: told.findings,
            findings_file: "findings",
            labels: told.labels,
            background: &background,
        };
        self.publish(told.summary, &input)
    }

    /// What the pages tell beside the result of the comparison.
    fn background(
        &self,
        sink: &mut dyn Sink,
        staged: &StagedTables,
        refused: &Refused,
    ) -> Result<Background, Failure> {
        let Publication { testers, seed, .. } = self.publication;
        let mut draw = Draw::new(seed);
        let areas = self.look_at_areas(sink, (staged, refused), &mut draw)?;
        let drawn = draw.finish(testers);
        let city = of_all(&drawn, testers);
        let mut cases = Cases { seed, city: self.cases(&city, sink, staged)?, areas: BTreeMap::new() };
        for (area, drawn) in drawn {
            cases.areas.insert(area, self.cases(&drawn, sink, staged)?);
        }
        let (control_tables, normalisations) = (self.control_tables()?, self.normalisations());
        Ok(Background { areas, cases, control_tables, normalisations, history: self.history() })
    }

    /// The source tables that each control reads.
    fn control_tables(&self) -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
        let all = controls::parse(self.controls.iter().map(|(file, text)| (file.as_str(), text.as_str())))?;
        let tables = |control: &controls::Control| {
            let tables = control.source_tables().into_iter();
            tables.map(|(system, table)| format!("{system}/{table}")).collect()
        };
        Ok(all.iter().map(|control| (control.name.clone(), tables(control))).collect())
    }

    /// Every function by which the mappings of the project make a field, and what it does.
    fn normalisations(&self) -> Vec<Normalisation> {
        let mut used: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for mapping in self.mappings() {
            for name in functions_of(mapping) {
                used.entry(name).or_default().push(&mapping.id);
            }
        }
        let line = |(name, fields): (&str, Vec<&str>)| {
            let found = find(name)?;
            let mappings: BTreeSet<&&str> = fields.iter().collect();
            let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
            Some(Normalisation {
                name: name.to_owned(),
                phrase: bron_mappings::handbook::general_phrase(&found.spec),
                fields: count(fields.len()),
                mappings: count(mappings.len()),
            })
        };
        used.into_iter().filter_map(line).collect()
    }

    /// The reconciliations before this one, oldest first; one whose summary cannot be read is passed over.
    fn history(&self) -> Vec<Point> {
        let dirs = self.run.reconciled_before(&self.settings.runs());
        let latest = dirs.into_iter().rev().take(MOST_POINTS).collect::<Vec<_>>();
        let read = |dir: PathBuf| {
            let text = std::fs::read_to_string(dir.join(SUMMARY_FILE)).ok()?;
            Summary::from_json(&text).ok().map(|summary| Point::of(&summary))
        };
        latest.into_iter().rev().filter_map(read).collect()
    }

    /// Writes the summary and the report into the run, and the report once more where people look. What shows values of
    /// persons is in the project only, and is gone when the next report is written.
    fn publish(&self, summary: &Summary, input: &report::Input<'_>) -> Result<(PathBuf, Compared), Failure> {
        let project = &self.settings.project;
        let json = summary.to_json()?;
        atomic::write(&self.run.dir.join(SUMMARY_FILE), json.as_bytes())?;
        let languages = match self.publication.language {
            Language::Sv => &[Language::Sv][..],
            Language::En => &[Language::Sv, Language::En],
        };
        let files = report::files(input, languages, Tier::Shareable)?;
        for base in [&self.run.dir, project] {
            let dir = base.join(FOLDER);
            atomic::create_directory(&dir)?;
            for ReportFile { name, bytes } in &files {
                atomic::write(&dir.join(name), bytes)?;
            }
            remove_others(&dir, &files)?;
        }
        if self.publication.protected {
            let dir = project.join(FOLDER).join(PROTECTED);
            write_protected(&dir, &report::files(input, languages, Tier::Protected)?)?;
        }
        signoffs::refresh(project, Some(&self.run.id))?;
        let page = project.join(REPORT);
        let of_city =
            files.iter().find(|file| page.ends_with(&file.name)).map_or(&[][..], |file| &file.bytes);
        let compared = Compared::of(project, &String::from_utf8_lossy(of_city), &json)?;
        Ok((page, compared))
    }
}

/// The functions that make fields, once for each field.
fn functions_of(mapping: &Mapping) -> impl Iterator<Item = &str> {
    let rules = mapping.targets.iter().flat_map(|target| &target.fields).chain(mapping.scope.rules());
    rules.filter_map(|rule| match &rule.rule {
        Rule::Function { name, .. } => Some(name.as_str()),
        Rule::Codes { .. } | Rule::Const(_) | Rule::Id { .. } | Rule::Ref { .. } => None,
    })
}

/// Removes what an earlier report left: pages of areas that have none any more, and what shows values.
fn remove_others(dir: &Path, files: &[ReportFile]) -> Result<(), Failure> {
    let cannot = |error| Failure::config(format!("cannot tidy {}: {error}", dir.display()));
    for entry in std::fs::read_dir(dir).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let is_ours = files.iter().any(|file| entry.file_name().to_str() == Some(&file.name));
        let is_page = entry.path().extension().is_some_and(|kind| kind == "html");
        if entry.file_name().to_str() == Some(PROTECTED) {
            std::fs::remove_dir_all(entry.path()).map_err(cannot)?;
        } else if is_page && !is_ours {
            std::fs::remove_file(entry.path()).map_err(cannot)?;
        }
    }
    Ok(())
}

/// Writes files that only their owner may read, into a folder that only its owner may enter.
fn write_protected(dir: &Path, files: &[ReportFile]) -> Result<(), Failure> {
    atomic::create_directory(dir)?;
    std::fs::set_permissions(dir, Permissions::from_mode(0o700))
        .map_err(|error| Failure::config(format!("cannot close {} to others: {error}", dir.display())))?;
    for ReportFile { name, bytes } in files {
        atomic::write_private(&dir.join(name), bytes)?;
    }
    Ok(())
}
