//! A mapping as data: what one source table becomes. It can rename, type, look up, split and join by
//! named functions; it holds no expressions and no SQL.

mod condition;
mod example;
mod lookup;
mod parse;
mod person;
mod sequence;

use std::collections::BTreeMap;

use crate::diagnostic::Span;
use crate::digest::Digest;
use crate::reject::ReasonCode;

pub use condition::{Condition, ConditionTest, Day};
pub use example::{ApprovedExamples, Example};
pub use lookup::{
    Aggregate, AggregateKind, CodeInput, CodeLookup, Direction, FirstPresent, Lookup, Neighbour, OtherTable,
    Parent, Period,
};
pub use person::{
    PERSON_ENTITY, PROTECTION, PersonKey, PersonLink, PersonName, PersonNumber, PersonProtection,
    PersonRecord, PersonReference, PersonRule,
};
pub use sequence::LookupProblem;

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
    /// Held back because the technical or legal integrity of the move is at stake; the run names it.
    Stop,
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
        ("stop", Self::Stop),
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
            Self::Stop => "stop",
        }
    }

    /// Whether a row with this mark is held back.
    #[must_use]
    pub const fn holds_back(self) -> bool {
        matches!(self, Self::Quarantine | Self::Stop)
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
    /// `COLUMN` of the row itself, `name.COLUMN` of a parent or a neighbour, the name of a lookup,
    /// `@as_of` (the day the source was read, which the project states), or `@skydd` (the protection of the
    /// person that the row is about).
    pub name: String,
    /// The place in the file.
    pub span: Span,
}

impl Origin {
    /// The name of the parent or neighbour and its column, when the text comes from another row.
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

/// A rule of scope: rows that are not migrated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// The reason that is counted.
    pub reason: ReasonCode,
    /// Why, for people.
    pub about: String,
    /// Which rows: those for which every condition holds.
    pub when: Vec<Condition>,
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
    /// The rows that the rule is about: those for which every condition holds.
    pub when: Vec<Condition>,
    /// The place in the file.
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
    /// The rows that the rule is about: those for which every condition holds. For every other row it gives
    /// nothing, and the default stands in.
    pub when: Vec<Condition>,
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
    /// The rows that become such a row: those for which every condition holds.
    pub when: Vec<Condition>,
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
    /// The organisational unit on whose work list the row stands; goes to the rejects.
    pub unit: Option<FieldRule>,
    /// The text whose first four characters are the year.
    pub year: Option<Origin>,
    /// The secrecy class of every row, where it is not the entity's own: a person known from health care
    /// stays behind the wall of health care.
    pub sekretess: Option<String>,
}

impl Scope {
    /// The rules of the dimensions.
    pub fn rules(&self) -> impl Iterator<Item = &FieldRule> {
        [&self.area, &self.namnd, &self.unit].into_iter().flatten()
    }
}

/// Texts that must not change between two extractions once a condition held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Immutable {
    /// The columns of the table.
    pub columns: Vec<Origin>,
    /// The rows whose texts may no longer change: those for which every condition holds.
    pub when: Vec<Condition>,
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
    /// How many examples were approved with the decision; `None` only where the file does not say.
    pub approved_examples: Option<ApprovedExamples>,
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
    /// Records found by key, in the order in which they are found.
    pub parents: Vec<Parent>,
    /// Rows beside this one.
    pub neighbours: Vec<Neighbour>,
    /// Texts about rows of tables and codes of lists, in the order of the file.
    pub lookups: Vec<Lookup>,
    /// What the rows say about persons.
    pub person: Option<PersonRule>,
    /// Texts that must not change once a condition held.
    pub immutable: Option<Immutable>,
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
    /// Every origin that some rule or lookup reads, in no particular order and with repetitions.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        let checks =
            self.checks.iter().flat_map(|check| check.inputs.iter().chain(when_origins(&check.when)));
        let targets = self.targets.iter().flat_map(|target| {
            target.fields.iter().flat_map(FieldRule::origins).chain(when_origins(&target.when))
        });
        self.key
            .iter()
            .chain(&self.scope.year)
            .chain(self.scope.rules().flat_map(FieldRule::origins))
            .chain(self.exclusions.iter().flat_map(|exclusion| when_origins(&exclusion.when)))
            .chain(checks)
            .chain(targets)
            .chain(self.parents.iter().flat_map(Parent::origins))
            .chain(self.neighbours.iter().flat_map(Neighbour::origins))
            .chain(self.lookups.iter().flat_map(Lookup::origins))
            .chain(self.person.iter().flat_map(PersonRule::origins))
    }

    /// The lookups over rows of tables, in the order of the file.
    pub fn aggregates(&self) -> impl Iterator<Item = &Aggregate> {
        self.lookups.iter().filter_map(|lookup| match lookup {
            Lookup::Aggregate(aggregate) => Some(aggregate),
            Lookup::Code(_) | Lookup::First(_) => None,
        })
    }

    /// Every rule that looks a code up, with the place of the list's name: the list, and whether the rule
    /// says on which day.
    pub fn code_lists(&self) -> impl Iterator<Item = (&str, &Span, bool)> {
        let fields = self.targets.iter().flat_map(|target| &target.fields);
        let of_rules = self.scope.rules().chain(fields).filter_map(|field| match &field.rule {
            Rule::Codes { list, list_span, date, .. } => Some((list.as_str(), list_span, date.is_some())),
            Rule::Id { .. } | Rule::Ref { .. } | Rule::Function { .. } | Rule::Const(_) => None,
        });
        let of_lookups = self.lookups.iter().filter_map(|lookup| match lookup {
            Lookup::Code(code) => Some((code.list.as_str(), &code.list_span, code.date.is_some())),
            Lookup::Aggregate(_) | Lookup::First(_) => None,
        });
        let protection = self.person.as_ref().and_then(|person| person.record()?.protection.as_ref());
        let of_protection =
            protection.map(|protection| (protection.list.as_str(), &protection.list_span, false));
        of_rules.chain(of_lookups).chain(of_protection)
    }
}

fn when_origins(when: &[Condition]) -> impl Iterator<Item = &Origin> {
    when.iter().map(|condition| &condition.origin)
}

impl FieldRule {
    /// Every origin that the rule reads.
    #[must_use]
    pub fn origins(&self) -> Vec<&Origin> {
        let mut read: Vec<&Origin> = match &self.rule {
            Rule::Id { key, .. } | Rule::Ref { key, .. } => key.iter().collect(),
            Rule::Function { inputs, .. } => inputs.iter().collect(),
            Rule::Codes { input, date, .. } => std::iter::once(input).chain(date).collect(),
            Rule::Const(_) => Vec::new(),
        };
        read.extend(when_origins(&self.when));
        read
    }
}
