//! A mapping as data: what one source table becomes. It can rename, type, look up, split and join by
//! named functions; it holds no expressions and no SQL.

mod parse;

use std::collections::BTreeMap;

use crate::diagnostic::Span;
use crate::digest::Digest;
use crate::reject::ReasonCode;

/// What the quality policy does with a row or a field. Ordered by how much it takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Lossless normal form; the source's text is kept beside it.
    Norm,
    /// The correct value follows from the data itself; the source's text is kept beside it.
    Fix,
    /// Loaded with a quality mark and put on the owner's work list.
    Flag,
    /// Folded into another row.
    Merge,
    /// Not migrated, by a rule of scope; counted.
    Exclude,
    /// Held back until a named owner decides.
    Quarantine,
}

impl Action {
    /// Every action with its name in mapping files and artefacts.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("norm", Self::Norm),
        ("fix", Self::Fix),
        ("flag", Self::Flag),
        ("merge", Self::Merge),
        ("exclude", Self::Exclude),
        ("quarantine", Self::Quarantine),
    ];

    /// The name in mapping files and artefacts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Norm => "norm",
            Self::Fix => "fix",
            Self::Flag => "flag",
            Self::Merge => "merge",
            Self::Exclude => "exclude",
            Self::Quarantine => "quarantine",
        }
    }

    /// The action with this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, action)| *action)
    }
}

/// Where a rule takes a text from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `COLUMN` of the row itself, `parent.COLUMN`, the name of a sum, or `@as_of` (the day the source
    /// was read, which the project states).
    pub name: String,
    /// The place in the file.
    pub span: Span,
}

impl Origin {
    /// The parent's name and its column, when the text comes from a parent.
    #[must_use]
    pub fn parent(&self) -> Option<(&str, &str)> {
        self.name.split_once('.')
    }
}

/// What a repeated key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// A mistake of the source: every row but the first is held back.
    Quarantine,
    /// A later full snapshot of the same record: the last row counts, earlier ones are merged into it.
    Latest,
}

/// A record of another table of the same system, found by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The name that origins use before the dot.
    pub name: String,
    /// The table.
    pub table: String,
    /// The place of the table's name in the file.
    pub table_span: Span,
    /// Which text of this row (or of an earlier parent) equals which column of the parent.
    pub on: Vec<(Origin, Origin)>,
}

/// A sum over the rows of another table that belong to this row, in ten-thousandths, offered as text
/// with four decimals. A row without parts has the sum 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// The name that origins use.
    pub name: String,
    /// The table of the parts.
    pub table: String,
    /// The place of the table's name in the file.
    pub table_span: Span,
    /// Which column of this row equals which column of the parts.
    pub on: Vec<(Origin, Origin)>,
    /// The column that is summed.
    pub value: Origin,
    /// The column that tells the sign, and the values for which a part is subtracted.
    pub minus: Option<(Origin, Vec<String>)>,
}

/// What a condition asks of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConditionTest {
    /// Neither NULL nor empty.
    Present,
    /// NULL or empty.
    Absent,
    /// One of these texts.
    In(Vec<String>),
    /// None of these texts; NULL is none of them.
    NotIn(Vec<String>),
}

/// A simple predicate over one text of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The text.
    pub origin: Origin,
    /// The question.
    pub test: ConditionTest,
}

/// A rule of scope: rows that are not migrated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// The reason that is counted.
    pub reason: ReasonCode,
    /// Why, for people.
    pub about: String,
    /// Which rows.
    pub when: Condition,
}

/// A rule that a row can break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The rule.
    pub rule: ReasonCode,
    /// The named function that decides.
    pub function: String,
    /// The place of the function's name in the file.
    pub function_span: Span,
    /// What the function reads.
    pub inputs: Vec<Origin>,
    /// What the function is told beside the columns.
    pub arguments: BTreeMap<String, String>,
    /// What is done with a row that breaks the rule.
    pub action: Action,
    /// The rows that the rule is about; all of them when absent.
    pub when: Option<Condition>,
    /// For a rule over several rows: the columns that make a group.
    pub span: Span,
}

/// How one value comes to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The id of this row of the entity.
    Id {
        /// The texts of the key, in order.
        key: Vec<Origin>,
        /// Tells rows of one entity apart that come from one source row.
        part: Option<String>,
    },
    /// The id of a row of another entity; NULL when a text of the key is NULL or empty.
    Ref {
        /// The entity.
        entity: String,
        /// The place of the entity's name in the file.
        entity_span: Span,
        /// The source system of the other row, when it is not this one.
        system: Option<String>,
        /// The source table of the other row.
        table: String,
        /// The texts of the other row's key, in order.
        key: Vec<Origin>,
        /// The part, as in [`Rule::Id`].
        part: Option<String>,
    },
    /// The value of a named function.
    Function {
        /// The function.
        name: String,
        /// The place of the name in the file.
        name_span: Span,
        /// What it reads.
        inputs: Vec<Origin>,
        /// What it is told beside the columns.
        arguments: BTreeMap<String, String>,
    },
    /// A code of the new model, looked up in a list.
    Codes {
        /// The list.
        list: String,
        /// The place of the list's name in the file.
        list_span: Span,
        /// The source's code.
        input: Origin,
        /// The date at which the code was used, when the list has periods.
        date: Option<Origin>,
        /// The code of the new model that stands in for one that the list does not know: where an unknown
        /// code must not mean less than the strictest known one.
        fallback: Option<String>,
    },
    /// The same text for every row.
    Const(String),
}

/// The rule of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRule {
    /// The field of the entity, or the name of a dimension.
    pub field: String,
    /// The place of the field's name in the file.
    pub span: Span,
    /// How the value comes to be.
    pub rule: Rule,
    /// Whether a missing value breaks the rule.
    pub required: bool,
    /// What is done when the rule is broken.
    pub on_bad: Action,
    /// The value that stands in for NULL.
    pub default: Option<String>,
}

/// One row of the model that a source row becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The entity.
    pub entity: String,
    /// The place of the entity's name in the file.
    pub entity_span: Span,
    /// The rows that become such a row; all of them when absent.
    pub when: Option<Condition>,
    /// The rules by field.
    pub fields: Vec<FieldRule>,
}

/// The dimensions by which conservation is printed, and which target rows carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The verksamhetsområde.
    pub area: Option<FieldRule>,
    /// The nämnd that was responsible then.
    pub namnd: Option<FieldRule>,
    /// The text whose first four characters are the year.
    pub year: Option<Origin>,
    /// The secrecy class of every row, where it is not the entity's own: a person known from health care
    /// stays behind the wall of health care.
    pub sekretess: Option<String>,
}

/// A source row and what it must become: documentation that is run by every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// What the example shows.
    pub about: String,
    /// The row's columns; a column that is not named is NULL.
    pub source: BTreeMap<String, String>,
    /// Texts of parents and sums, by origin.
    pub given: BTreeMap<String, String>,
    /// The marks the row must get; `None` when the example does not say.
    pub marks: Option<Vec<ReasonCode>>,
    /// The reason for which the row must be held back, when it must.
    pub quarantined: Option<ReasonCode>,
    /// For each entity the rows expected, each as field to text; a field that is not named is not compared.
    pub expected: Vec<(String, BTreeMap<String, String>)>,
    /// The place in the file.
    pub span: Span,
}

/// The mapping of one source table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The file, as the caller named it.
    pub file: String,
    /// The name, `system/TABLE`.
    pub id: String,
    /// Who answers for the mapping.
    pub owner: String,
    /// Where and when it was decided.
    pub decision: String,
    /// The source system.
    pub system: String,
    /// The source table.
    pub table: String,
    /// The columns of the record's key, in order.
    pub key: Vec<Origin>,
    /// Whether the key is or may be a person number, so that reports show a pseudonym instead.
    pub personal_key: bool,
    /// What a repeated key means.
    pub repeats: Repeats,
    /// Records of other tables.
    pub parents: Vec<Parent>,
    /// Sums over other tables.
    pub sums: Vec<Sum>,
    /// The dimensions.
    pub scope: Scope,
    /// Rows that are not migrated.
    pub exclusions: Vec<Exclusion>,
    /// Rules that a row can break.
    pub checks: Vec<Check>,
    /// What a row becomes.
    pub targets: Vec<Target>,
    /// Columns that are not migrated, each with the reason.
    pub ignored: BTreeMap<String, (String, Span)>,
    /// Examples that every check runs.
    pub examples: Vec<Example>,
    /// The digest of the file's text.
    pub digest: Digest,
}

impl Mapping {
    /// Every origin that some rule reads from the row itself or from a parent, sum or `@as_of`.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        let scope = [&self.scope.area, &self.scope.namnd].into_iter().flatten().flat_map(FieldRule::origins);
        let checks =
            self.checks.iter().flat_map(|check| check.inputs.iter().chain(when_origin(check.when.as_ref())));
        let targets = self.targets.iter().flat_map(|target| {
            target.fields.iter().flat_map(FieldRule::origins).chain(when_origin(target.when.as_ref()))
        });
        let joins =
            self.parents.iter().flat_map(|parent| &parent.on).chain(self.sums.iter().flat_map(|sum| &sum.on));
        self.key
            .iter()
            .chain(&self.scope.year)
            .chain(scope)
            .chain(self.exclusions.iter().map(|exclusion| &exclusion.when.origin))
            .chain(checks)
            .chain(targets)
            .chain(joins.map(|(own, _)| own))
    }
}

impl Condition {
    /// Whether the condition holds for the text that its origin gave; an empty text counts as absent.
    #[must_use]
    pub fn holds(&self, text: Option<&str>) -> bool {
        use ConditionTest::{Absent, In, NotIn, Present};
        let is = |values: &[String]| text.is_some_and(|text| values.iter().any(|value| value == text));
        match &self.test {
            Present => text.is_some_and(|text| !text.is_empty()),
            Absent => text.is_none_or(str::is_empty),
            In(values) => is(values),
            NotIn(values) => !is(values),
        }
    }
}

fn when_origin(when: Option<&Condition>) -> impl Iterator<Item = &Origin> {
    when.into_iter().map(|condition| &condition.origin)
}

impl FieldRule {
    /// Every origin that the rule reads.
    #[must_use]
    pub fn origins(&self) -> Vec<&Origin> {
        match &self.rule {
            Rule::Id { key, .. } | Rule::Ref { key, .. } => key.iter().collect(),
            Rule::Function { inputs, .. } => inputs.iter().collect(),
            Rule::Codes { input, date, .. } => std::iter::once(input).chain(date).collect(),
            Rule::Const(_) => Vec::new(),
        }
    }
}
