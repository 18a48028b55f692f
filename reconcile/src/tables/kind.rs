//! What a declared type says about the values of a column, in the words of each kind of source.

use bron_mappings::ColumnType;

/// The kind of source that a declared type comes from: the same word means different things in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// A folder of delimited files: everything is text.
    Files,
    /// SQLite, where a column's affinity says what it holds.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    /// SQL Server.
    Mssql,
    /// Whatever is behind an ODBC driver.
    Odbc,
}

/// What the values of a column are. Two columns of the same kind hold the same value exactly where the texts, or the
/// bytes, in which their values travel are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whole numbers, of any width.
    Whole,
    /// Decimal numbers with this many digits behind the point.
    Exact(u32),
    /// Decimal numbers, each with as many digits as it was stored with.
    AnyScale,
    /// Approximate numbers of 32 bits.
    Single,
    /// Approximate numbers of 64 bits.
    Double,
    Truth,
    Text,
    /// Texts that are filled up with blanks to this length.
    Padded(u32),
    /// Texts whose blanks at the end are cut off when they are read.
    Trimmed,
    Date,
    Time,
    /// Day and time without a zone.
    Moment,
    /// Day and time in UTC.
    MomentInUtc,
    /// Day and time, each with its own distance from UTC.
    MomentWithOffset,
    Bytes,
    Uuid,
    /// A type of one kind of source that no other has: only the same declaration there is the same kind.
    Own(Dialect, String),
    /// Nothing is declared, and one column may hold values of several types that look alike.
    Unknown,
}

impl Kind {
    /// The kind of a column by its declaration; `carried` is how its values travel.
    pub(super) fn of(dialect: Dialect, declared: &str, carried: ColumnType) -> Self {
        let declared = declared.trim().to_ascii_lowercase();
        let (base, sizes) = taken_apart(&declared);
        match dialect {
            Dialect::Files => Self::Text,
            Dialect::Sqlite => sqlite(&declared, &base),
            Dialect::Postgres | Dialect::Mysql | Dialect::Mssql | Dialect::Odbc => {
                let known = special(dialect, &base, &sizes).or_else(|| usual(&base, &sizes));
                match known {
                    Some(kind) => kind,
                    None if carried == ColumnType::Bytes => Self::Bytes,
                    None => Self::Own(dialect, declared),
                }
            }
        }
    }

    /// Whether equal values of two columns of these kinds are proven by equal texts.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        *self != Self::Unknown && self == other
    }

    /// Whether the values are numbers, by which rows are ordered by their size.
    pub(super) const fn is_number(&self) -> bool {
        match self {
            Self::Whole | Self::Exact(_) | Self::AnyScale | Self::Single | Self::Double | Self::Truth => true,
            Self::Text
            | Self::Padded(_)
            | Self::Trimmed
            | Self::Date
            | Self::Time
            | Self::Moment
            | Self::MomentInUtc
            | Self::MomentWithOffset
            | Self::Bytes
            | Self::Uuid
            | Self::Own(..)
            | Self::Unknown => false,
        }
    }
}

/// The name of a type without its sizes, and the sizes: `numeric(10,2)` is `numeric` and 10, 2;
/// `timestamp(3) with time zone` is `timestamp with time zone` and 3.
fn taken_apart(declared: &str) -> (String, Vec<u32>) {
    let Some((before, rest)) = declared.split_once('(') else { return (declared.to_owned(), Vec::new()) };
    let (inner, after) = rest.split_once(')').unwrap_or((rest, ""));
    let sizes = inner.split(',').map(|size| size.trim().parse()).collect::<Result<Vec<u32>, _>>();
    let Ok(sizes) = sizes else {
        // The values of an enumeration, and `max`, are no sizes.
        let keeps = if inner == "max" { before.trim() } else { declared };
        return (keeps.to_owned(), Vec::new());
    };
    (format!("{} {}", before.trim(), after.trim()).trim().to_owned(), sizes)
}

/// What only one kind of source means by a word.
fn special(dialect: Dialect, base: &str, sizes: &[u32]) -> Option<Kind> {
    match (dialect, base) {
        (Dialect::Postgres, "numeric") if sizes.is_empty() => Some(Kind::AnyScale),
        (Dialect::Postgres, "money") => Some(Kind::Exact(2)),
        (Dialect::Mssql, "money" | "smallmoney") => Some(Kind::Exact(4)),
        (Dialect::Mssql, "bit") => Some(Kind::Truth),
        (Dialect::Mssql, "timestamp") => Some(Kind::Bytes),
        (Dialect::Mssql, "float") => Some(Kind::Double),
        (Dialect::Mysql, "char") => Some(Kind::Trimmed),
        (Dialect::Mysql, "float") => Some(Kind::Single),
        (Dialect::Mysql, "timestamp") => Some(Kind::MomentInUtc),
        (Dialect::Mysql, _) if base.ends_with(" unsigned") => usual(base.strip_suffix(" unsigned")?, sizes),
        _ => None,
    }
}

/// What every kind of source means by a word.
fn usual(base: &str, sizes: &[u32]) -> Option<Kind> {
    Some(match base {
        "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "int2" | "int4" | "int8" => {
            Kind::Whole
        }
        "numeric" | "decimal" => match sizes {
            [_, scale] => Kind::Exact(*scale),
            [_] => Kind::Exact(0),
            _ => return None,
        },
        "real" | "float4" => Kind::Single,
        "double" | "double precision" | "float8" => Kind::Double,
        "boolean" | "bool" => Kind::Truth,
        "char" | "character" | "nchar" | "bpchar" => Kind::Padded(sizes.first().copied().unwrap_or(1)),
        "varchar" | "character varying" | "nvarchar" | "text" | "ntext" | "tinytext" | "mediumtext"
        | "longtext" | "clob" => Kind::Text,
        "date" => Kind::Date,
        "time" | "time without time zone" => Kind::Time,
        "timestamp without time zone" | "datetime" | "datetime2" | "smalldatetime" => Kind::Moment,
        "timestamp with time zone" | "timestamptz" => Kind::MomentInUtc,
        "datetimeoffset" => Kind::MomentWithOffset,
        "uuid" | "uniqueidentifier" => Kind::Uuid,
        "bytea" => Kind::Bytes,
        _ => return None,
    })
}

/// SQLite goes by parts of the word. A number with a scale is no promise there: the values keep their own.
fn sqlite(declared: &str, base: &str) -> Kind {
    match base {
        "" | "any" => return Kind::Unknown,
        "date" => return Kind::Date,
        "time" => return Kind::Time,
        "datetime" | "timestamp" => return Kind::Moment,
        "boolean" | "bool" => return Kind::Truth,
        _ => {}
    }
    let holds = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    if holds(&["int"]) {
        Kind::Whole
    } else if holds(&["char", "clob", "text"]) {
        Kind::Text
    } else if holds(&["blob"]) {
        Kind::Bytes
    } else if holds(&["real", "floa", "doub"]) {
        Kind::Double
    } else {
        Kind::Own(Dialect::Sqlite, "numeric".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(dialect: Dialect, declared: &str) -> Kind {
        Kind::of(dialect, declared, ColumnType::Text)
    }

    #[test]
    fn columns_that_hold_the_same_values_are_of_one_kind() {
        use Dialect::{Mssql, Mysql, Odbc, Postgres, Sqlite};
        let same = [
            [(Postgres, "integer"), (Mysql, "int(11) unsigned"), (Mssql, "bigint"), (Sqlite, "INTEGER")],
            [(Postgres, "text"), (Mysql, "varchar(40)"), (Mssql, "nvarchar(max)"), (Sqlite, "VARCHAR(3)")],
            [
                (Postgres, "numeric(10,2)"),
                (Mysql, "decimal(12,2)"),
                (Mssql, "decimal(9,2)"),
                (Odbc, "numeric(9,2)"),
            ],
            [
                (Postgres, "timestamp(3) without time zone"),
                (Mysql, "datetime(6)"),
                (Mssql, "datetime2(7)"),
                (Sqlite, "DATETIME"),
            ],
            [
                (Postgres, "timestamp with time zone"),
                (Mysql, "timestamp"),
                (Postgres, "timestamp(0) with time zone"),
                (Mysql, "timestamp(6)"),
            ],
            [(Postgres, "real"), (Mysql, "float"), (Mssql, "real"), (Mssql, "real")],
            [(Postgres, "double precision"), (Mysql, "double"), (Mssql, "float"), (Sqlite, "REAL")],
            [(Postgres, "boolean"), (Mssql, "bit"), (Sqlite, "BOOLEAN"), (Odbc, "bool")],
        ];
        for columns in same {
            let kinds = columns.map(|(dialect, declared)| kind(dialect, declared));
            assert!(kinds.iter().all(|one| one.is_same(&kinds[0])), "{columns:?}: {kinds:?}");
        }
    }

    #[test]
    fn columns_that_may_hold_different_values_are_of_different_kinds() {
        use Dialect::{Files, Mssql, Mysql, Postgres, Sqlite};
        let different = [
            ((Postgres, "numeric(10,2)"), (Postgres, "double precision")),
            ((Postgres, "numeric(10,2)"), (Postgres, "numeric(10,4)")),
            ((Postgres, "numeric"), (Postgres, "numeric(10,2)")),
            ((Postgres, "real"), (Postgres, "double precision")),
            ((Postgres, "character(10)"), (Postgres, "character varying(10)")),
            ((Postgres, "character(10)"), (Postgres, "character(12)")),
            ((Postgres, "character(10)"), (Mysql, "char(10)")),
            ((Postgres, "timestamp without time zone"), (Postgres, "timestamp with time zone")),
            ((Mssql, "timestamp"), (Mysql, "timestamp")),
            ((Mssql, "datetimeoffset(7)"), (Postgres, "timestamp with time zone")),
            ((Mysql, "tinyint(1)"), (Postgres, "boolean")),
            ((Mysql, "enum('a','b')"), (Postgres, "text")),
            ((Postgres, "json"), (Postgres, "jsonb")),
            ((Files, ""), (Postgres, "integer")),
            ((Sqlite, "DECIMAL(10,2)"), (Postgres, "numeric(10,2)")),
            ((Sqlite, ""), (Sqlite, "")),
        ];
        for ((one, first), (other, second)) in different {
            assert!(!kind(one, first).is_same(&kind(other, second)), "{first} and {second}");
        }
    }
}
