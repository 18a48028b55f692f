//! The signatures of the named functions that a mapping may call. The functions themselves belong to
//! the transform stage; a check needs only what is here.

use crate::batch::ColumnType;
use crate::model::FieldType;
use crate::reject::ReasonCode;

/// What a named function is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionKind {
    /// Gives the value of a field.
    Field(FieldFunction),
    /// Says whether a row breaks a rule.
    Check,
}

/// The type of value that a field function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldFunction {
    /// Text or a code.
    Text,
    /// Bytes.
    Bytes,
    /// True or false.
    Bool,
    /// A whole number, an amount in öre or minutes.
    Int,
    /// A decimal number with the field's scale.
    Decimal,
    /// A date.
    Date,
    /// A local wall time.
    Time,
}

impl FieldFunction {
    /// Whether a field of this type can take the function's value.
    #[must_use]
    pub const fn fits(self, field: &FieldType) -> bool {
        matches!(
            (self, field.column()),
            (Self::Text, ColumnType::Text)
                | (Self::Bytes, ColumnType::Bytes)
                | (Self::Bool, ColumnType::Bool)
                | (Self::Int, ColumnType::Int)
                | (Self::Decimal, ColumnType::Decimal { .. })
                | (Self::Date, ColumnType::Date)
                | (Self::Time, ColumnType::Time)
        )
    }
}

/// The signature and the documentation of one named function.
#[derive(Clone, Copy, Debug)]
pub struct FunctionSpec {
    /// The name in mapping files.
    pub name: &'static str,
    /// What it is for.
    pub kind: FunctionKind,
    /// The fewest and the most columns it reads.
    pub inputs: (usize, usize),
    /// The names of the arguments a rule may give, beside the columns.
    pub arguments: &'static [&'static str],
    /// What it does and when it refuses a value, in one line.
    pub about: &'static str,
    /// The same in Swedish, for people who know the records and not the program: what a value becomes, or when
    /// a row breaks the rule. `{1}` is the first column, `{*}` all columns, `{2*}` all from the second on,
    /// `{name}` an argument and `{name=30}` an argument with its default; what stands in brackets is left out
    /// where it needs a column or an argument that the rule does not give.
    pub phrase: &'static str,
    /// The marks it can set.
    pub marks: &'static [ReasonCode],
    /// Whether the source's text can be put back from the value, and how; or what is lost.
    pub inverse: &'static str,
}
