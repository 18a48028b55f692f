//! What a mapping may know beyond its own row: records of other tables, rows beside it, numbers over
//! tables, and code lists.

use crate::diagnostic::Span;
use crate::mapping::{Condition, Origin};

/// The table that a lookup reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherTable {
    /// The system; the mapping's own unless the file names another.
    pub system: String,
    /// The place of the system's name in the file, or of the lookup when it names none.
    pub system_span: Span,
    /// The table.
    pub table: String,
    /// The place of the table's name in the file.
    pub table_span: Span,
}

/// A record of some table, found by key and, when the table has several rows of a key, by time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The name that origins use before the dot.
    pub name: String,
    /// The place in the file.
    pub span: Span,
    /// The table.
    pub other: OtherTable,
    /// Which text of this row (or of an earlier parent) equals which column of the parent.
    pub on: Vec<(Origin, Origin)>,
    /// The rows of the parent's table that can be the parent, by its columns.
    pub when: Vec<Condition>,
    /// The period in which a row of the key is the parent; without it the first row of the key is.
    pub valid: Option<Period>,
}

/// The period in which a row of a parent's table is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// The moment of this row: a date or a time.
    pub at: Origin,
    /// The column of the parent's table where the period begins; a missing text is the beginning of time.
    pub from: Origin,
    /// The column where it ends. A missing text and a stand-in date mean no end; a text without a time of
    /// day means the end of that day.
    pub to: Origin,
    /// Minutes by which the period is wider at both ends.
    pub slack_minutes: u32,
}

/// On which side of a row its neighbour stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The row just before.
    Before,
    /// The row just after.
    After,
}

/// Another row of the same table: the one just before or after this in an order within a group. Rows are
/// ordered by (moment, place in the source), so rows of one moment are neighbours too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The name that origins use before the dot.
    pub name: String,
    /// The place in the file.
    pub span: Span,
    /// Which of the two.
    pub direction: Direction,
    /// The texts that rows of one group share; a row with a NULL or empty one takes no part.
    pub group: Vec<Origin>,
    /// The moment, a date or a time; a row without one takes no part.
    pub order: Origin,
    /// The rows that take part.
    pub when: Vec<Condition>,
}

/// One text about the rows of a table that belong to this row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// The name that origins use.
    pub name: String,
    /// The place in the file.
    pub span: Span,
    /// The table.
    pub other: OtherTable,
    /// Which text of this row equals which column of the other table.
    pub on: Vec<(Origin, Origin)>,
    /// The rows of the other table that count, by its columns.
    pub when: Vec<Condition>,
    /// What is made of the rows.
    pub kind: AggregateKind,
}

/// What is made of the rows that belong to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AggregateKind {
    /// Their number, as digits; `0` when there are none.
    Count {
        /// Counts the different texts of this column that are not empty, and not the rows.
        distinct: Option<Origin>,
    },
    /// Their sum in ten-thousandths, offered as text with four decimals; `0.0000` when there are none.
    Sum {
        /// The column that is summed.
        value: Origin,
        /// The column that tells the sign, and the values for which a part is subtracted.
        minus: Option<(Origin, Vec<String>)>,
    },
    /// The smallest text of this column by its bytes; NULL and empty texts do not count.
    Earliest(Origin),
    /// The greatest text of this column by its bytes; NULL and empty texts do not count.
    Latest(Origin),
    /// The whole minutes that the rows' periods last together, as digits; `0` when there are none.
    Minutes {
        /// The column where a period begins.
        from: Origin,
        /// The column where it ends.
        to: Origin,
    },
}

impl AggregateKind {
    /// The columns of the other table that are read for what is made.
    pub fn columns(&self) -> impl Iterator<Item = &Origin> {
        let (first, second) = match self {
            Self::Count { distinct } => (distinct.as_ref(), None),
            Self::Sum { value, minus } => (Some(value), minus.as_ref().map(|(column, _)| column)),
            Self::Earliest(value) | Self::Latest(value) => (Some(value), None),
            Self::Minutes { from, to } => (Some(from), Some(to)),
        };
        first.into_iter().chain(second)
    }
}

/// A code list as a table or a calendar for checks: the target code, NULL when there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeLookup {
    /// The name that origins use.
    pub name: String,
    /// The place in the file.
    pub span: Span,
    /// The list.
    pub list: String,
    /// The place of the list's name in the file.
    pub list_span: Span,
    /// The code that is looked up.
    pub code: CodeInput,
    /// The date or the month (its first day) at which the code was used.
    pub date: Option<Origin>,
}

/// The first of some texts that is there: what holds now, before what was said at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstPresent {
    /// The name that origins use.
    pub name: String,
    /// The place in the file.
    pub span: Span,
    /// The texts, in the order in which they are asked.
    pub from: Vec<Origin>,
}

/// The code that a [`CodeLookup`] looks up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeInput {
    /// A text of the row.
    Origin(Origin),
    /// The same code for every row.
    Const(String),
}

/// A lookup that origins name by one word, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// A text about rows of a table.
    Aggregate(Aggregate),
    /// A code of a list.
    Code(CodeLookup),
    /// The first text that is there.
    First(FirstPresent),
}

impl Lookup {
    /// The name that origins use.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Aggregate(Aggregate { name, .. })
            | Self::Code(CodeLookup { name, .. })
            | Self::First(FirstPresent { name, .. }) => name,
        }
    }

    /// The place in the file.
    #[must_use]
    pub const fn span(&self) -> &Span {
        match self {
            Self::Aggregate(Aggregate { span, .. })
            | Self::Code(CodeLookup { span, .. })
            | Self::First(FirstPresent { span, .. }) => span,
        }
    }

    /// The texts of this row that the lookup reads.
    #[must_use]
    pub fn origins(&self) -> Vec<&Origin> {
        match self {
            Self::Aggregate(aggregate) => aggregate.on.iter().map(|(own, _)| own).collect(),
            Self::Code(CodeLookup { code: CodeInput::Origin(code), date, .. }) => {
                std::iter::once(code).chain(date).collect()
            }
            Self::Code(CodeLookup { code: CodeInput::Const(_), date, .. }) => date.iter().collect(),
            Self::First(FirstPresent { from, .. }) => from.iter().collect(),
        }
    }
}

impl Parent {
    /// The texts of this row that the parent is found by.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.on.iter().map(|(own, _)| own).chain(self.valid.iter().map(|valid| &valid.at))
    }

    /// The columns of the parent's table that it is found by.
    pub fn columns(&self) -> impl Iterator<Item = &Origin> {
        let period = self.valid.iter().flat_map(|valid| [&valid.from, &valid.to]);
        let when = self.when.iter().map(|condition| &condition.origin);
        self.on.iter().map(|(_, other)| other).chain(period).chain(when)
    }
}

impl Neighbour {
    /// The texts of each row by which its neighbour is found.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        let when = self.when.iter().map(|condition| &condition.origin);
        self.group.iter().chain(std::iter::once(&self.order)).chain(when)
    }
}
