//! What a source itself says about rows that are gone.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{Batch, Condition, Mapping, MappingSet, Origin, ReasonCode, Rule};

use super::rows::{Short, short};
use crate::error::{Error, ErrorKind};

/// The field of the model that says when a source marked a row as deleted and kept it.
const DELETED_FIELD: &str = "borttagen_tid";

/// How rows of a log name rows of another table that are gone.
///
/// The rule is that of the mapping of the log: its check `D72` says that the parent which the log names is not
/// there, so a line of the log for which the check's conditions hold, and that no rule of scope leaves out, is the
/// source's word for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRule<'m> {
    /// The mapping of the log.
    pub log: &'m Mapping,
    /// The log's columns, each beside the column of the row that it names.
    on: Vec<(&'m str, &'m str)>,
    when: &'m [Condition],
}

impl<'m> LogRule<'m> {
    /// Every rule by which a log of the same system names rows of the table, in the order of the mappings.
    #[must_use]
    pub fn all(set: &'m MappingSet, of: &Mapping) -> Vec<Self> {
        let logs = set.mappings.iter().filter(|log| log.system == of.system);
        logs.flat_map(|log| log.checks.iter().filter_map(move |check| Self::new(log, check, &of.table)))
            .collect()
    }

    fn new(log: &'m Mapping, check: &'m bron_mappings::Check, table: &str) -> Option<Self> {
        let parents = check.inputs.iter().filter_map(|input| input.parent());
        let mut named = parents.filter_map(|(name, _)| log.parents.iter().find(|parent| parent.name == name));
        let deleted = check.rule == ReasonCode::DeletedRow;
        let parent = named
            .find(|parent| deleted && parent.other.table == table && parent.other.system == log.system)?;
        let own = parent.on.iter().all(|(line, _)| line.parent().is_none());
        let on = parent.on.iter().map(|(line, row)| (line.name.as_str(), row.name.as_str()));
        own.then(|| Self { log, on: on.collect(), when: &check.when })
    }

    /// The columns of the log that the rule reads.
    #[must_use]
    pub fn columns(&self) -> BTreeSet<&'m str> {
        let left_out = self.log.exclusions.iter().flat_map(|exclusion| &exclusion.when);
        let asked = self.when.iter().chain(left_out).map(|condition| &condition.origin);
        let own = asked.filter(|origin| is_own(origin)).map(|origin| origin.name.as_str());
        own.chain(self.on.iter().map(|(line, _)| *line)).collect()
    }

    /// The columns of the rows that the log names.
    pub(super) fn row_columns(&self) -> impl Iterator<Item = &'m str> {
        self.on.iter().map(|(_, row)| *row)
    }

    /// Whether a line says that the row which it names was deleted.
    fn tells(&self, batch: &Batch, line: usize) -> bool {
        // The row that the line names is gone, so whatever is asked of it is absent.
        let text = |origin: &Origin| {
            let column = is_own(origin).then(|| batch.cells_named(&origin.name)).flatten();
            column.and_then(|cells| cells.text(line))
        };
        let holds = |condition: &Condition| condition.holds(text(&condition.origin));
        let left_out = |conditions: &[Condition]| !conditions.is_empty() && conditions.iter().all(holds);
        self.when.iter().all(holds) && !self.log.exclusions.iter().any(|exclusion| left_out(&exclusion.when))
    }
}

fn is_own(origin: &Origin) -> bool {
    origin.parent().is_none() && !origin.name.starts_with('@')
}

/// The columns of a table that say, when they hold a text, that the source has marked the row as deleted: those
/// from which the model's time of deletion comes.
pub(super) fn deletion_marks(mapping: &Mapping) -> BTreeSet<&str> {
    let fields = mapping.targets.iter().flat_map(|target| &target.fields);
    let marks = fields.filter(|field| field.field == DELETED_FIELD).flat_map(|field| match &field.rule {
        Rule::Function { inputs, .. } => inputs.iter().filter(|origin| is_own(origin)).collect(),
        Rule::Id { .. } | Rule::Ref { .. } | Rule::Codes { .. } | Rule::Const(_) => Vec::new(),
    });
    marks.map(|origin| origin.name.as_str()).collect()
}

/// What the logs of a system say is gone. Holds a digest for each such line.
#[derive(Clone, Debug, Default)]
pub struct Logged {
    /// By the columns of the row.
    named: BTreeMap<Vec<String>, BTreeSet<Short>>,
}

impl Logged {
    /// Reads lines of a log.
    ///
    /// # Errors
    /// [`ErrorKind::Columns`] when a column of [`LogRule::columns`] is not there.
    pub fn add(&mut self, rule: &LogRule<'_>, batch: &Batch) -> Result<(), Error> {
        for column in rule.columns() {
            require(batch, &rule.log.id, column)?;
        }
        let found = self.named.entry(rule.row_columns().map(str::to_owned).collect()).or_default();
        for line in (0..batch.rows()).filter(|line| rule.tells(batch, *line)) {
            let columns = rule.on.iter().map(|(line, _)| *line);
            found.extend(named_by(batch, line, columns));
        }
        Ok(())
    }

    /// Whether a log says that this row was deleted.
    pub(super) fn names(&self, batch: &Batch, row: usize) -> bool {
        self.named.iter().any(|(columns, lines)| {
            named_by(batch, row, columns.iter().map(String::as_str)).is_some_and(|key| lines.contains(&key))
        })
    }
}

/// The digest of what names a row; none when one of its texts is missing.
fn named_by<'c>(batch: &Batch, row: usize, columns: impl Iterator<Item = &'c str>) -> Option<Short> {
    let texts = columns.map(|column| batch.cells_named(column)?.text(row));
    Some(short(texts.collect::<Option<Vec<_>>>()?.into_iter().map(str::as_bytes).map(Some)))
}

/// A column that is not there must not look like one without texts.
pub(super) fn require(batch: &Batch, table: &str, column: &str) -> Result<(), Error> {
    let missing = || Error::new(ErrorKind::Columns, format!("{table} was read without its column {column}"));
    batch.cells_named(column).map(drop).ok_or_else(missing)
}
