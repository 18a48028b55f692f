//! What one table says about persons, row by row.

use bron_mappings::{
    Batch, Canonical12, Cells, EntityId, Identifier, InstallationSecret, Mapping, MappingSet, Origin,
    PersonKey, PersonLink, PersonRecord, PersonRule, Protection, Pseudonym, Repeats, SourceKey,
};

use super::person_id;
use crate::functions::valid_national;
use crate::lookups::text_at;
use crate::plan::PlanError;
use crate::plan::{CodeTable, Meant};

/// The entity whose rows say that two records are one human.
pub(crate) const LINK_ENTITY: &str = "identity_link";

/// The part of a mapping that says who its rows are, with its code list at hand.
pub struct PersonTable {
    pub(crate) system: String,
    pub(crate) table: String,
    /// Whether the key can be a person number, so that it is shown as a pseudonym.
    personal_key: bool,
    /// Whether the last of several rows of a record counts, and not the first.
    pub(crate) latest: bool,
    /// Whether the mapping itself makes `identity_link` rows of what the rows say.
    pub(crate) makes_links: bool,
    pub(crate) rule: Kind,
    /// The first and the last day on which a row can have been written, when both are known.
    written: Option<(String, String)>,
}

pub(crate) enum Kind {
    Record { record: Box<PersonRecord>, codes: Option<CodeTable>, fallback: Protection },
    Link(PersonLink),
}

/// What a row says.
pub(in crate::lookups) enum Told {
    /// There is this record; with the name by which people know it, when that was asked for.
    Record { id: EntityId, number: Option<u64>, level: Protection, name: Option<String> },
    /// Two records are one human.
    Same { a: EntityId, b: EntityId },
}

impl std::fmt::Debug for PersonTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersonTable({}/{})", self.system, self.table)
    }
}

impl PersonTable {
    /// What a mapping says about persons before rows are mapped; `None` when its rows are neither records
    /// nor links.
    ///
    /// # Errors
    /// [`PlanError`] when the code list for protection is not there or has a day that does not exist.
    pub fn new(set: &MappingSet, mapping: &Mapping) -> Result<Option<Self>, PlanError> {
        let rule = match &mapping.person {
            Some(PersonRule::Record(record)) => {
                let (codes, fallback) = protection(set, mapping, record)?;
                Kind::Record { record: record.clone(), codes, fallback }
            }
            Some(PersonRule::Link(link)) => Kind::Link(link.clone()),
            Some(PersonRule::About(_)) | None => return Ok(None),
        };
        let mut targets = mapping.targets.iter();
        Ok(Some(Self {
            system: mapping.system.clone(),
            table: mapping.table.clone(),
            personal_key: mapping.personal_key,
            latest: mapping.repeats == Repeats::Latest,
            makes_links: targets.any(|target| target.entity == LINK_ENTITY),
            rule,
            written: None,
        }))
    }

    /// The same, with the day on which the sources were read: the last on which a row can have been written.
    #[must_use]
    pub fn read_on(mut self, as_of: Option<&str>) -> Self {
        let since = match &self.rule {
            Kind::Record { record, .. } => record.number.as_ref().and_then(|number| number.since.clone()),
            Kind::Link(_) => None,
        };
        self.written = since.zip(as_of.map(str::to_owned));
        self
    }

    /// The valid national number of a row. The century of ten digits follows from the row's own date, or when the
    /// number names the same year of birth on the first and on the last day on which the row can have been written.
    pub(crate) fn national(&self, number: Option<&str>, date: Option<&str>) -> Option<Identifier> {
        let on = |day: Option<&str>| valid_national(&[number, day]);
        on(date).or_else(|| {
            let (since, as_of) = self.written.as_ref()?;
            on(Some(since))
                .filter(|first| on(Some(as_of)).is_some_and(|last| last.canonical == first.canonical))
        })
    }

    /// The record's key as people may see it: as `src_key` has it, or a pseudonym.
    pub(crate) fn shown_key<'t>(
        &self,
        secret: &InstallationSecret,
        key: impl IntoIterator<Item = Option<&'t str>>,
    ) -> String {
        let key = SourceKey::new(&self.system, &self.table, key).text();
        if self.personal_key {
            let key = SourceKey::new(&self.system, &self.table, [Some(key.expose().as_str())]);
            return Pseudonym::derive(secret, &key).to_string();
        }
        key.into_inner()
    }

    /// The name of a record across all systems, from its shown key.
    pub(crate) fn name_of(&self, shown_key: &str) -> String {
        format!("{}/{}/{shown_key}", self.system, self.table)
    }

    /// The columns that have to be read.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let rule = match &self.rule {
            Kind::Record { record, .. } => PersonRule::Record(record.clone()),
            Kind::Link(link) => PersonRule::Link(link.clone()),
        };
        let mut columns: Vec<String> = rule.origins().iter().map(|origin| origin.name.clone()).collect();
        columns.sort();
        columns.dedup();
        columns
    }

    /// Tells what each row of a batch says, and what a record is called when `named`.
    pub(in crate::lookups) fn read(
        &self,
        secret: &InstallationSecret,
        batch: &Batch,
        named: bool,
        mut tell: impl FnMut(Told),
    ) {
        match &self.rule {
            Kind::Record { record, codes, fallback } => {
                let columns = RecordColumns::new(batch, record);
                for row in 0..batch.rows() {
                    let key = || columns.key.iter().map(|cells| text_at(cells.as_ref(), row));
                    let id = person_id(secret, &self.system, &self.table, key());
                    let level = columns.level(row, codes.as_ref(), *fallback);
                    let name = named.then(|| self.name_of(&self.shown_key(secret, key())));
                    let [number, date] = columns.number(row);
                    let number = self.national(number, date).and_then(|number| digits(&number.canonical?));
                    tell(Told::Record { id, number, level, name });
                    for (to, cells) in &columns.references {
                        if let Some(other) = self.referred(secret, to, cells, row) {
                            tell(Told::Same { a: id, b: other });
                        }
                    }
                }
            }
            Kind::Link(link) => self.each_link(secret, link, batch, |a, b| tell(Told::Same { a, b })),
        }
    }

    /// Tells the two records of each row that is a link.
    pub(crate) fn each_link(
        &self,
        secret: &InstallationSecret,
        link: &PersonLink,
        batch: &Batch,
        mut tell: impl FnMut(EntityId, EntityId),
    ) {
        let [a, b] = [&link.a, &link.b].map(|key| cells_of(batch, key));
        let asked = link.when.iter().map(|when| (when, batch.cells_named(&when.origin.name)));
        let asked: Vec<_> = asked.collect();
        let system = link.system.as_ref().unwrap_or(&self.system);
        for row in 0..batch.rows() {
            if !asked.iter().all(|(when, cells)| when.holds(text_at(cells.as_ref(), row))) {
                continue;
            }
            let [a, b] = [&a, &b].map(|cells| present_id(secret, (system, &link.table), cells, row));
            if let (Some(a), Some(b)) = (a, b) {
                tell(a, b);
            }
        }
    }

    fn referred(
        &self,
        secret: &InstallationSecret,
        to: &PersonKey,
        cells: &[Option<Cells<'_>>],
        row: usize,
    ) -> Option<EntityId> {
        let system = to.system.as_ref().unwrap_or(&self.system);
        present_id(secret, (system, &to.table), cells, row)
    }
}

/// The columns of a table of records, found once per batch.
struct RecordColumns<'b> {
    key: Vec<Option<Cells<'b>>>,
    number: Option<[Option<Cells<'b>>; 2]>,
    protection: Option<Cells<'b>>,
    references: Vec<(&'b PersonKey, Vec<Option<Cells<'b>>>)>,
}

impl<'b> RecordColumns<'b> {
    fn new(batch: &'b Batch, record: &'b PersonRecord) -> Self {
        let cells = |origin: &Origin| batch.cells_named(&origin.name);
        let references = record.refers_to.iter().map(|reference| &reference.person);
        Self {
            key: cells_of(batch, &record.key),
            number: record
                .number
                .as_ref()
                .map(|number| [cells(&number.from), number.date.as_ref().and_then(cells)]),
            protection: record.protection.as_ref().and_then(|protection| cells(&protection.from)),
            references: references.map(|person| (person, cells_of(batch, &person.from))).collect(),
        }
    }

    /// The text of the number and of the row's own date.
    fn number(&self, row: usize) -> [Option<&str>; 2] {
        self.number
            .as_ref()
            .map_or([None; 2], |cells| cells.each_ref().map(|cells| text_at(cells.as_ref(), row)))
    }

    /// NULL and an empty text are no mark; a code that the list does not know is never less than the
    /// fallback.
    fn level(&self, row: usize, codes: Option<&CodeTable>, fallback: Protection) -> Protection {
        let code = text_at(self.protection.as_ref(), row).filter(|code| !code.is_empty());
        let Some((codes, code)) = codes.zip(code) else { return Protection::Inget };
        match codes.find(code, ("", ""), || None) {
            Meant::Target(target) => Protection::parse(target).unwrap_or(fallback),
            Meant::OutsidePeriod | Meant::Unknown => fallback,
        }
    }
}

/// The twelve digits of a number as a number.
pub(crate) fn digits(number: &Canonical12) -> Option<u64> {
    number.as_str().parse().ok()
}

fn protection(
    set: &MappingSet,
    mapping: &Mapping,
    record: &PersonRecord,
) -> Result<(Option<CodeTable>, Protection), PlanError> {
    let Some(protection) = &record.protection else { return Ok((None, Protection::OkandHog)) };
    let error = |problem: String| PlanError::new(mapping, problem);
    let list = set.codes.get(&protection.list);
    let list = list.ok_or_else(|| error(format!("there is no code list `{}`", protection.list)))?;
    let codes = CodeTable::new(list, &mapping.system).map_err(error)?;
    let fallback = protection.fallback.as_deref().and_then(Protection::parse);
    Ok((Some(codes), fallback.unwrap_or(Protection::OkandHog)))
}

pub(crate) fn cells_of<'b>(batch: &'b Batch, origins: &[Origin]) -> Vec<Option<Cells<'b>>> {
    origins.iter().map(|origin| batch.cells_named(&origin.name)).collect()
}

/// The id of the record that these texts name; nobody when one is NULL or empty.
pub(crate) fn present_id(
    secret: &InstallationSecret,
    (system, table): (&str, &str),
    cells: &[Option<Cells<'_>>],
    row: usize,
) -> Option<EntityId> {
    let texts = || cells.iter().map(|cells| text_at(cells.as_ref(), row));
    if texts().any(|text| text.is_none_or(str::is_empty)) {
        return None;
    }
    Some(person_id(secret, system, table, texts()))
}
