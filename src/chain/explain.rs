//! One record's whole story, out of everything that a run and its target know about it. Only looks: no source is
//! opened, nothing is written, and nothing is read into memory but what is about the record.
//!
//! Values are shown only where the model says that the field says nothing about a person. About a protected person no
//! value is shown at all.

mod find;
mod masked;
mod references;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use bron_extract::{MANIFEST_FILE, Manifest, table_dir};
use bron_load::Sink;
use bron_load::quarantine::{Event, Item, Store, record_id};
use bron_mappings::{EntityId, FunctionSpec, Mapping, MappingSet, Sensitive};
use bron_reconcile::findings::KeyMark;
use bron_transform::{REGISTRY_VERSION, registry};

use self::find::Found;
pub(crate) use self::masked::Shown;
use self::references::{Reference, Referring};
use self::rows::RowStory;
use super::formats::require_known_formats;
use super::quarantine::QUARANTINE_FILE;
use super::reconciliation::{StoredFinding, last_reconciled};
use super::{Chain, Identities, Run, StagedTable, effect, retention};
use crate::failure::Failure;
use crate::printer::Printer;
use crate::project::mapping_files;
use crate::settings::Settings;

/// The most source rows of one key that are shown.
const MOST_ROWS: usize = 20;

/// A source record: its mapping and its key as target rows have it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordName {
    pub(crate) system: String,
    pub(crate) table: String,
    pub(crate) key: Sensitive<String>,
}

/// Everything that is known about a record. No value of it is there in the clear that may not be shown.
pub(crate) struct Story {
    pub(crate) run: String,
    /// Whether the mapping files are those that the run was made with; else the rules told are not the ones applied.
    pub(crate) same_rules: bool,
    pub(crate) mapping: String,
    /// The key as reports show it.
    pub(crate) key: String,
    pub(crate) protected: bool,
    /// The source rows with this key, column by column; none where the table was not staged.
    pub(crate) source: Vec<Vec<Shown>>,
    pub(crate) marks: Vec<KeyMark>,
    pub(crate) rows: Vec<RowStory>,
    pub(crate) references: Vec<Reference>,
    pub(crate) referring: Vec<Referring>,
    /// The findings of the last reconciliation, and those that it no longer had.
    pub(crate) findings: Vec<StoredFinding>,
    pub(crate) quarantine: Vec<(Item, Vec<Event>)>,
}

/// What looking a key up came to.
pub(crate) enum Explained {
    One(Box<Story>),
    /// Several records fit: their systems and tables, and their keys as reports show them.
    Several(Vec<(String, String)>),
    Nothing,
}

impl<'a> Chain<'a> {
    /// The run of the project that was reconciled last, and before the first reconciliation the one that was worked on
    /// last, for who only looks. No source is opened.
    pub(crate) fn over_latest(settings: &'a Settings, printer: &'a Printer) -> Result<Self, Failure> {
        require_known_formats(&settings.runs())?;
        let run = match last_reconciled(&settings.runs()) {
            Some(dir) => Run::at(settings, dir)?,
            None => Run::latest(settings)?,
        };
        let Some(run) = run else {
            return Err(Failure::config("the project has no run").hint("run `bron migrate` first"));
        };
        let (set, found) = MappingSet::parse(&mapping_files(&settings.mappings)?);
        if found.iter().any(|one| one.severity == bron_mappings::Severity::Error) {
            return Err(Failure::config("the mapping files have mistakes").hint("`bron check` shows them"));
        }
        let mut chain = effect::chain(settings, printer, BTreeMap::new(), BTreeMap::new(), run);
        let here = || set.mappings.iter().filter(|mapping| settings.systems.contains_key(&mapping.system));
        chain.identities = Identities::open(&settings.project, here())?.map(|(identities, _)| identities);
        chain.retention = retention::open(&set, settings.as_of.as_deref(), here());
        chain.set = set;
        Ok(chain)
    }

    /// The mappings of the project, without its sources being open.
    fn mappings_here(&self) -> impl Iterator<Item = &Mapping> {
        let own = self.set.mappings.iter();
        let own = own.filter(|mapping| self.settings.systems.contains_key(&mapping.system));
        own.chain(self.identities.iter().map(|identities| &identities.mapping)).chain(&self.retention)
    }

    fn mapping_here(&self, system: &str, table: &str) -> Option<&Mapping> {
        self.mappings_here().find(|mapping| mapping.system == system && mapping.table == table)
    }

    /// Tells the story of the record that is named by its source key, by the id of one of its rows, by the pseudonym
    /// of its key or by the number of a finding, or so much of it that no other fits.
    pub(crate) fn explain(&self, name: &str) -> Result<Explained, Failure> {
        let mut sink = self.settings.reader()?;
        sink.claim(&self.installation_mark())?;
        let Found { records, ids } = self.find_records(name, sink.as_mut())?;
        let records: Vec<RecordName> = records.into_iter().collect();
        match records.as_slice() {
            [] => Ok(Explained::Nothing),
            [one] => Ok(match self.story(one, &ids, sink.as_mut())? {
                Some(story) => Explained::One(Box::new(story)),
                None => Explained::Nothing,
            }),
            several => Ok(Explained::Several(several.iter().map(|one| self.shown_name(one)).collect())),
        }
    }

    fn shown_name(&self, record: &RecordName) -> (String, String) {
        let mapping = self.mapping_here(&record.system, &record.table);
        let key = mapping.map(|mapping| self.shown_key(mapping, record.key.expose())).unwrap_or_default();
        (format!("{}/{}", record.system, record.table), key)
    }

    /// The story of a record; `None` when nobody knows anything of it. `ids` are rows that are known to be its.
    fn story(
        &self,
        record: &RecordName,
        ids: &BTreeSet<(String, EntityId)>,
        sink: &mut dyn Sink,
    ) -> Result<Option<Story>, Failure> {
        let Some(mapping) = self.mapping_here(&record.system, &record.table) else { return Ok(None) };
        let key = record.key.expose();
        let findings = self.findings_of(record)?;
        let mut marks = BTreeSet::new();
        let protected_by_marks = self.marks_of(mapping, key, &mut marks)?;
        let given = self.given_rows(mapping, key)?;
        let of_findings =
            findings.iter().filter_map(|one| Some((one.entity.clone(), EntityId::parse(&one.row)?)));
        let ids: BTreeSet<(String, EntityId)> =
            given.keys().cloned().chain(of_findings).chain(ids.iter().cloned()).collect();
        let held = self.held_rows(&ids, sink)?;
        let quarantine = self.quarantine_of(record)?;
        let protected = protected_by_marks
            || given.values().chain(held.values()).any(rows::is_protected)
            || quarantine.iter().any(|(item, _)| item.finding.protected);
        let source = self.source_rows(mapping, key, protected)?;
        if source.is_empty()
            && ids.is_empty()
            && marks.is_empty()
            && quarantine.is_empty()
            && findings.is_empty()
        {
            return Ok(None);
        }
        let functions: Vec<FunctionSpec> = registry().iter().map(|function| function.spec).collect();
        let rows = self.row_stories(mapping, &ids, (&given, &held), (protected, &functions), sink)?;
        Ok(Some(Story {
            run: self.run.id.clone(),
            same_rules: self.set.digest(REGISTRY_VERSION).to_string() == self.run.mapping_digest,
            mapping: mapping.id.clone(),
            key: self.shown_key(mapping, key),
            protected,
            source,
            marks: marks.into_iter().collect(),
            references: self.references_of(&given, &held, sink)?,
            referring: self.referring_to(&ids)?,
            rows,
            findings,
            quarantine,
        }))
    }

    /// What the run noted about a key. Says whether one of the marks is about a protected person.
    fn marks_of(&self, mapping: &Mapping, key: &str, marks: &mut BTreeSet<KeyMark>) -> Result<bool, Failure> {
        self.marks_on(mapping, &mut |of, mark| {
            if of == key {
                marks.insert(mark.clone());
            }
        })?;
        if marks.is_empty() { Ok(false) } else { self.is_protected_by_marks(mapping, key) }
    }

    fn is_protected_by_marks(&self, mapping: &Mapping, key: &str) -> Result<bool, Failure> {
        for dir in [self.rejects_dir(mapping), self.refused_dir(mapping)] {
            if !dir.join(MANIFEST_FILE).is_file() {
                continue;
            }
            let columns = ["src_key", "skyddad"];
            for batch in self.manifest(&dir)?.read(&dir, Some(&columns), self.settings.batch_rows)? {
                let batch = batch?;
                let [keys, protected] = columns.map(|name| batch.cells_named(name));
                let is = |cells: &Option<bron_mappings::Cells<'_>>, row, text: &str| {
                    cells.as_ref().and_then(|cells| cells.text(row)) == Some(text)
                };
                if (0..batch.rows()).any(|row| is(&keys, row, key) && is(&protected, row, "1")) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn findings_of(&self, record: &RecordName) -> Result<Vec<StoredFinding>, Failure> {
        let mut found = Vec::new();
        self.each_finding(&mut |one| {
            if one.system == record.system && one.table == record.table && one.key == record.key {
                found.push(one);
            }
        })?;
        Ok(found)
    }

    /// The items of the quarantine about a record, each with its log.
    fn quarantine_of(&self, record: &RecordName) -> Result<Vec<(Item, Vec<Event>)>, Failure> {
        let path = self.settings.project.join(QUARANTINE_FILE);
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let mut store = Store::open_existing(&path, &self.installation_mark())?;
        let RecordName { system, table, key } = record;
        let wanted = record_id(&self.settings.secret, system, table, key.expose());
        let items = store.items(|item| item.finding.record == wanted)?;
        let with_log = items.into_iter().map(|item| {
            let events = store.events(&item.finding.id)?;
            Ok((item, events))
        });
        with_log.collect()
    }

    /// A table as it lies staged in the run; `None` when it does not.
    fn staged_here(&self, mapping: &Mapping) -> Result<Option<StagedTable>, Failure> {
        let dir = table_dir(&self.run.dir, &mapping.system, &mapping.table);
        if !dir.join(MANIFEST_FILE).is_file() {
            return Ok(None);
        }
        let manifest = Manifest::open(&dir, &self.run.vault)?;
        Ok(Some(StagedTable { dir, manifest }))
    }
}
