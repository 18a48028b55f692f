//! Two tables of the same shape, whoever filled them, row by row and cell by cell.
//!
//! Nothing is normalised: values are compared as the sources give them, texts letter by letter and bytes byte by byte.
//! NULL is not an empty text, a blank at the end counts, composed and decomposed letters differ. What cannot prove that
//! values are equal is named in the [`Plan`] before a row is read, and makes the [`Verdict`] "not proven": a column
//! that only one side has, columns of different types, keys that name no row or more than one.
//!
//! Both sides come sorted by the key, so memory stays flat. Rows with the same key are compared, whole columns at a
//! time. Without a key every row stands for itself, and both sides must hold each row equally often.

mod cursor;
mod key;
mod kind;
mod merge;
mod pairing;
mod sorted;

use std::collections::BTreeMap;

use bron_mappings::{BatchReader, ColumnType, ReadError, Sensitive};

use crate::error::{Error, ErrorKind};
pub use kind::Dialect;
pub use pairing::{Pairs, pairs};
pub use sorted::{Merged, merged, sorted};

/// One of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The one that is named first.
    Left,
    /// The other.
    Right,
}

impl Side {
    /// The name of the side, in texts and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

/// A table as its source describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The name, as the source spells it.
    pub name: String,
    /// In whose words the types are declared.
    pub dialect: Dialect,
    /// The columns in the order of the source.
    pub columns: Vec<ShapeColumn>,
    /// The columns of the declared primary key in key order; empty when there is none.
    pub key: Vec<String>,
}

/// A column as its source describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeColumn {
    /// The name, as the source spells it.
    pub name: String,
    /// The declared type, verbatim; empty when there is none.
    pub declared: String,
    /// How the values travel.
    pub carried: ColumnType,
    /// The character set in which texts are stored, where the source says it.
    pub letters: Option<String>,
}

/// What of two tables is to be compared, and by what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// The columns that name a row; the declared key when there are none.
    pub key: Vec<String>,
    /// Compare whole rows, whatever key is declared.
    pub whole_rows: bool,
    /// The columns to compare beside the key; all when there are none.
    pub columns: Vec<String>,
}

/// How the values of a column of the key are ordered on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrder {
    /// Decimal numbers by their size, before all other texts; those by their bytes.
    Number,
    /// By their bytes.
    Bytes,
}

/// How far equal texts of a column prove equal values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The columns have one kind of type: equal texts are equal values.
    Exact,
    /// They have not: their texts are compared, and prove nothing when they are equal.
    AsText,
}

/// A column that both sides have, and that is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedColumn {
    /// Its name on the left side, by which it is reported.
    pub left: String,
    /// Its name on the right side.
    pub right: String,
    /// Its declared type on the left side.
    pub left_type: String,
    /// Its declared type on the right side.
    pub right_type: String,
    /// What equal texts of it are worth.
    pub proof: Proof,
    /// The character sets of both sides, where they are known and not the same. Texts are compared as the letters that
    /// they are in them, so this takes nothing from the proof.
    pub letters: Option<(String, String)>,
}

/// What will be compared, made from the shapes of two tables before a row is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The name of the left table.
    pub left: String,
    /// The name of the right table.
    pub right: String,
    /// The compared columns. The readers of both sides give these columns in this order.
    pub columns: Vec<ComparedColumn>,
    /// The key: places in `columns`, in the order of the key, and what orders each. All columns for whole rows.
    pub key: Vec<(usize, KeyOrder)>,
    /// Whether whole rows are compared, each as often as it comes.
    pub whole_rows: bool,
    /// Columns that both sides have and that cannot be compared: one side gives bytes, the other text. By name, with
    /// the declared types of both sides.
    pub incomparable: Vec<(String, String, String)>,
    /// Columns that only the left side has.
    pub only_left: Vec<String>,
    /// Columns that only the right side has.
    pub only_right: Vec<String>,
    /// Columns that both sides have and that were not asked for.
    pub left_out: Vec<String>,
}

impl Plan {
    /// Makes the plan.
    ///
    /// # Errors
    /// [`ErrorKind::Columns`] when a column that was asked for is not on both sides, when the tables declare different
    /// keys and none was asked for, and when a column of the key cannot be compared.
    pub fn new(left: &Shape, right: &Shape, wish: &Wish) -> Result<Self, Error> {
        pairing::plan(left, right, wish)
    }

    /// Whether the plan itself keeps the tables from being proven equal.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        let as_text = self.columns.iter().any(|column| column.proof == Proof::AsText);
        as_text
            || self.columns.is_empty()
            || !(self.incomparable.is_empty() && self.only_left.is_empty() && self.only_right.is_empty())
    }

    fn key_columns(&self) -> Vec<key::KeyColumn> {
        self.key.clone()
    }

    fn columns_beside_key(&self) -> Vec<usize> {
        let in_key = |column: &usize| self.key.iter().any(|(key, _)| key == column);
        (0..self.columns.len()).filter(|column| !in_key(column)).collect()
    }

    fn name(&self, column: usize) -> &str {
        &self.columns[column].left
    }
}

/// The value of one column of a key as text, bytes as `\x` and hexadecimal digits; `None` for NULL.
pub type KeyCell = Option<String>;

/// What is different at one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// Only the left side has the row.
    OnlyLeft,
    /// Only the right side has the row.
    OnlyRight,
    /// Both have the row, and these columns differ, in the order of the plan.
    Differs {
        /// The names of the columns on the left side.
        columns: Vec<String>,
    },
    /// More than one row has the key, on one side or on both: which belongs to which is not known, so none is
    /// compared.
    Repeated {
        /// The rows of the left side.
        left: u64,
        /// The rows of the right side.
        right: u64,
    },
    /// The key holds NULL, which names no row: none is compared.
    NullKey {
        /// The rows of the left side.
        left: u64,
        /// The rows of the right side.
        right: u64,
    },
    /// Whole rows are compared, and the sides do not have the row equally often.
    Times {
        /// How often the left side has it.
        left: u64,
        /// How often the right side has it.
        right: u64,
    },
}

impl DifferenceKind {
    /// The name of the kind in files.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OnlyLeft => "only_left",
            Self::OnlyRight => "only_right",
            Self::Differs { .. } => "differs",
            Self::Repeated { .. } => "repeated",
            Self::NullKey { .. } => "null_key",
            Self::Times { .. } => "times",
        }
    }

    /// The columns that differ; none for the other kinds.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        match self {
            Self::Differs { columns } => columns,
            Self::OnlyLeft
            | Self::OnlyRight
            | Self::Repeated { .. }
            | Self::NullKey { .. }
            | Self::Times { .. } => &[],
        }
    }

    /// How many rows of each side it is about.
    #[must_use]
    pub const fn rows(&self) -> (u64, u64) {
        match self {
            Self::OnlyLeft => (1, 0),
            Self::OnlyRight => (0, 1),
            Self::Differs { .. } => (1, 1),
            Self::Repeated { left, right } | Self::NullKey { left, right } | Self::Times { left, right } => {
                (*left, *right)
            }
        }
    }
}

/// One key at which the tables are not the same, or not known to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What is different.
    pub kind: DifferenceKind,
    /// The key in the order of its columns; may be personal data.
    pub key: Sensitive<Vec<KeyCell>>,
    /// The number of the row, from 1, in the order of the key on the left side; of the first when there are several.
    pub left_row: Option<u64>,
    /// The same on the right side.
    pub right_row: Option<u64>,
}

/// How many rows were compared and what came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableCounts {
    /// The rows of the left side.
    pub left: u64,
    /// The rows of the right side.
    pub right: u64,
    /// The pairs of rows whose every column was compared.
    pub compared: u64,
    /// Those of them with at least one column that differs.
    pub differing: u64,
    /// Rows that only the left side has; of rows that share their key or have none, those that it has more of.
    pub only_left: u64,
    /// The same of the right side.
    pub only_right: u64,
    /// Rows of the left side that share their key.
    pub repeated_left: u64,
    /// Rows of the right side that share their key.
    pub repeated_right: u64,
    /// Rows of the left side whose key holds NULL.
    pub null_key_left: u64,
    /// Rows of the right side whose key holds NULL.
    pub null_key_right: u64,
    /// In how many rows each compared column differs, by its name on the left side; the columns of the key are not
    /// among them.
    pub columns: BTreeMap<String, u64>,
}

impl TableCounts {
    fn new(plan: &Plan) -> Self {
        let columns = plan.columns_beside_key().into_iter().map(|column| (plan.name(column).to_owned(), 0));
        Self { columns: columns.collect(), ..Self::default() }
    }

    fn pairs(&mut self, rows: usize) {
        let rows = u64::try_from(rows).expect("a batch has fewer than 2^64 rows");
        self.left += rows;
        self.right += rows;
        self.compared += rows;
    }

    fn differing(&mut self, columns: Vec<String>) -> DifferenceKind {
        self.differing += 1;
        for column in &columns {
            *self.columns.entry(column.clone()).or_default() += 1;
        }
        DifferenceKind::Differs { columns }
    }

    /// Counts the rows of one key, of which one is not enough to compare; `None` when they are the same all the same.
    fn group(&mut self, whole_rows: bool, null: bool, left: u64, right: u64) -> Option<DifferenceKind> {
        self.left += left;
        self.right += right;
        let both = left.min(right);
        self.only_left += left - both;
        self.only_right += right - both;
        if whole_rows {
            self.compared += both;
            return (left != right).then_some(DifferenceKind::Times { left, right });
        }
        if null {
            self.null_key_left += left;
            self.null_key_right += right;
            return Some(DifferenceKind::NullKey { left, right });
        }
        match (left, right) {
            (1, 0) => Some(DifferenceKind::OnlyLeft),
            (0, 1) => Some(DifferenceKind::OnlyRight),
            _ => {
                self.repeated_left += left;
                self.repeated_right += right;
                Some(DifferenceKind::Repeated { left, right })
            }
        }
    }

    /// Whether a side has a row that the other lacks, or has it more often.
    #[must_use]
    pub const fn lacks_rows(&self) -> bool {
        self.only_left > 0 || self.only_right > 0
    }

    /// Whether a cell differs or a row has no counterpart.
    #[must_use]
    pub const fn is_different(&self) -> bool {
        self.differing > 0 || self.lacks_rows()
    }

    /// Whether rows could not be compared because their key names none or several.
    #[must_use]
    pub const fn is_doubtful(&self) -> bool {
        self.repeated_left > 0 || self.repeated_right > 0 || self.null_key_left > 0 || self.null_key_right > 0
    }

    /// Compared columns without a difference, those of the key included, of a comparison by this plan.
    #[must_use]
    pub fn equal_columns(&self, plan: &Plan) -> usize {
        plan.columns.len() - self.columns.values().filter(|rows| **rows > 0).count()
    }
}

/// What a comparison comes to. The worst one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every row and every column was compared, and none differs.
    Equal,
    /// No difference was found, and something was not compared or could not be proven.
    NotProven,
    /// Something differs.
    Differs,
}

impl Verdict {
    /// The verdict on two tables. `unread` says that a side had rows that could not be read: they explain rows that
    /// the side seems to lack, and no cell that differs.
    #[must_use]
    pub fn of(plan: &Plan, counts: &TableCounts, unread: bool) -> Self {
        let is_exact = |column: &ComparedColumn| column.proof == Proof::Exact;
        let differs =
            |column: &ComparedColumn| counts.columns.get(&column.left).is_some_and(|rows| *rows > 0);
        let keys_are_exact = plan.key.iter().all(|(column, _)| is_exact(&plan.columns[*column]));
        let cells = plan.columns.iter().any(|column| is_exact(column) && differs(column));
        let rows = counts.lacks_rows() && !unread && (keys_are_exact || counts.left != counts.right);
        if cells || rows {
            Self::Differs
        } else if plan.is_doubtful() || counts.is_doubtful() || counts.is_different() || unread {
            Self::NotProven
        } else {
            Self::Equal
        }
    }

    /// The name of the verdict in documents.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::NotProven => "not_proven",
            Self::Differs => "differs",
        }
    }
}

/// Compares two tables by a plan. Each reader gives the columns of the plan, in its order and in that side's names,
/// sorted by the key. Differences go to `sink` in the order of their keys, all of them.
///
/// # Errors
/// [`ErrorKind::Order`] when a side is not sorted by the key: [`Error::unsorted_side`] says which, and [`sorted`] and
/// [`merged`] sort it. [`ErrorKind::Columns`] when a reader has other columns, [`ErrorKind::Reader`] when one fails,
/// [`ErrorKind::Report`] when the sink does. What went to `sink` by then proves nothing.
pub fn compare<'r>(
    plan: &Plan,
    left: Box<dyn BatchReader + 'r>,
    right: Box<dyn BatchReader + 'r>,
    sink: &mut dyn FnMut(Difference) -> Result<(), ReadError>,
) -> Result<TableCounts, Error> {
    let names = |name: fn(&ComparedColumn) -> &str| plan.columns.iter().map(name).collect::<Vec<_>>();
    expect_columns(Side::Left, &plan.left, &names(|column| &column.left), left.as_ref())?;
    expect_columns(Side::Right, &plan.right, &names(|column| &column.right), right.as_ref())?;
    let carried = |reader: &dyn BatchReader| -> Vec<ColumnType> {
        reader.schema().columns().iter().map(|column| column.kind).collect()
    };
    if carried(left.as_ref()) != carried(right.as_ref()) {
        let problem = format!("the columns of {} and {} travel in different forms", plan.left, plan.right);
        return Err(Error::new(ErrorKind::Columns, problem));
    }
    merge::compare(plan, left, right, sink)
}

fn expect_columns(side: Side, table: &str, wanted: &[&str], reader: &dyn BatchReader) -> Result<(), Error> {
    let found: Vec<&str> = reader.schema().columns().iter().map(|column| column.name.as_str()).collect();
    if found == wanted {
        return Ok(());
    }
    let problem = format!("the {} rows of {table} have other columns than the plan", side.name());
    Err(Error::new(ErrorKind::Columns, problem))
}

#[cfg(test)]
mod tests;
