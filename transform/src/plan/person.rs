//! Whose rows these are, resolved.

use bron_mappings::{EntityId, IdSeries, Origin, PERSON_ENTITY, PROTECTION, PersonRule, Protection};

use super::{PlanError, Planner, Source};
use crate::lookups::Persons;
use crate::row::Row;

/// How the person of a row is found.
pub(crate) struct PlannedPerson {
    /// A column that tells the protection, as examples hand it over; it goes before everything else.
    given: Option<usize>,
    /// The records that the row is, is about, or joins.
    records: Vec<PlannedRecord>,
}

struct PlannedRecord {
    ids: IdSeries,
    key: Vec<Source>,
    /// Whether a NULL or empty text of the key names nobody. It does in a reference; a record of its own
    /// has the id that its texts give, whatever they are.
    refers: bool,
}

impl PlannedPerson {
    /// The highest protection of any record of the humans that the row is about; `None` when no record of
    /// them is known.
    pub(crate) fn protection(&self, row: &Row<'_>, persons: Option<&Persons>) -> Option<Protection> {
        if let Some(column) = self.given {
            return row.text(&Source::Own(column)).and_then(Protection::parse);
        }
        let persons = persons?;
        self.records.iter().filter_map(|record| persons.protection(&record.id(row)?)).max()
    }
}

impl PlannedPerson {
    /// The records that a row is, is about or joins.
    pub(crate) fn records(&self, row: &Row<'_>) -> Vec<EntityId> {
        self.records.iter().filter_map(|record| record.id(row)).collect()
    }
}

impl PlannedRecord {
    fn id(&self, row: &Row<'_>) -> Option<EntityId> {
        if self.refers && self.key.iter().any(|source| row.present(source).is_none()) {
            return None;
        }
        Some(self.ids.derive(self.key.iter().map(|source| row.text(source))))
    }
}

impl Planner<'_> {
    pub(super) fn person(&self) -> Result<Option<PlannedPerson>, PlanError> {
        let Some(rule) = &self.mapping.person else { return Ok(None) };
        let records = match rule {
            PersonRule::Record(record) => {
                vec![self.record((None, &self.mapping.table), &record.key, false)?]
            }
            PersonRule::About(person) => {
                vec![self.record((person.system.as_ref(), &person.table), &person.from, true)?]
            }
            PersonRule::Link(link) => {
                let of = (link.system.as_ref(), link.table.as_str());
                vec![self.record(of, &link.a, true)?, self.record(of, &link.b, true)?]
            }
        };
        Ok(Some(PlannedPerson { given: self.schema.index_of(PROTECTION), records }))
    }

    fn record(
        &self,
        (system, table): (Option<&String>, &str),
        key: &[Origin],
        refers: bool,
    ) -> Result<PlannedRecord, PlanError> {
        Ok(PlannedRecord { ids: self.ids(PERSON_ENTITY, system, table), key: self.sources(key)?, refers })
    }
}
