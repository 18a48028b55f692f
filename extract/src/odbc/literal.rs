//! Values of keys as SQL text, in the words of each system.
//!
//! A literal is compared with its column by the column's own type and collation, as the rows are ordered. Where it is
//! not certain that a system does so, there is none, and a table with such a key is not read from its middle.

use super::dialect::Dialect;
use super::form::Declared;
use crate::selection::{has_zero_day, hexadecimal, is_exact_number};

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    /// An exact number, as its digits.
    Number,
    /// A whole number of at most 64 bits, as its digits.
    Whole,
    /// Text between single quotation marks, which are doubled in it.
    Quoted,
    /// The same, said to be in Unicode.
    National,
    /// The bytes of its UTF-8, said to be that.
    Utf8,
    /// A day, a time or a moment of MySQL's or MariaDB's, between single quotation marks.
    Calendar,
    /// A moment of SQL Server's, in the notation that no setting of a language reads otherwise.
    Moment,
    /// Not at all.
    None,
}

impl Literal {
    /// How values of a column of this declared type are written.
    pub(super) fn of_column(declared: Declared<'_>, dialect: Dialect) -> Self {
        if dialect == Dialect::Sqlite {
            return Self::of_loose_column(declared.name);
        }
        match declared.code {
            -6 | -5 | 4 | 5 => Self::Number,
            2 | 3 if declared.name != "money" => Self::Number,
            // In the code page of its column, as it is ordered.
            1 | 12 if dialect == Dialect::SqlServer => Self::Quoted,
            1 | 12 | -8 | -9 => Self::of_text(dialect),
            // Days, times and moments, of ODBC 2 as well.
            9..=11 | 91..=93 => match dialect {
                // It travels with its offset from UTC, which a literal cannot have there.
                Dialect::MariaDb | Dialect::MySql if declared.name.eq_ignore_ascii_case("timestamp") => {
                    Self::None
                }
                Dialect::MariaDb | Dialect::MySql => Self::Calendar,
                Dialect::Postgres => Self::Quoted,
                Dialect::SqlServer => Self::Moment,
                Dialect::Sqlite | Dialect::Other => Self::None,
            },
            -11 if matches!(dialect, Dialect::Postgres | Dialect::SqlServer) => Self::Quoted,
            _ => Self::None,
        }
    }

    /// SQLite orders by the type of each value. Only two kinds of declaration make sure of that type.
    fn of_loose_column(declared: &str) -> Self {
        let declared = declared.to_ascii_uppercase();
        if declared.contains("INT") {
            Self::Whole
        } else if ["CHAR", "CLOB", "TEXT"].iter().any(|text| declared.contains(text)) {
            Self::Quoted
        } else {
            Self::None
        }
    }

    fn of_text(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Postgres | Dialect::Sqlite => Self::Quoted,
            Dialect::SqlServer => Self::National,
            // A backslash may mean something there.
            Dialect::MariaDb | Dialect::MySql => Self::Utf8,
            Dialect::Other => Self::None,
        }
    }

    /// The text of a value as SQL; `None` for what is no value of such a column.
    pub(super) fn of(self, text: &str) -> Option<String> {
        let doubled = || text.replace('\'', "''");
        match self {
            Self::Number => is_exact_number(text).then(|| text.to_owned()),
            Self::Whole => text.parse::<i64>().ok().map(|number| number.to_string()),
            Self::Quoted => (!text.contains('\0')).then(|| format!("'{}'", doubled())),
            Self::Calendar => (!has_zero_day(text)).then(|| format!("'{}'", doubled())),
            Self::National => (!text.contains('\0')).then(|| format!("N'{}'", doubled())),
            Self::Utf8 => Some(format!("_utf8mb4 x'{}'", hexadecimal(text.as_bytes()))),
            Self::Moment => Some(format!("'{}'", doubled().replacen(' ', "T", 1))),
            Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(code: i16, name: &str, dialect: Dialect, text: &str) -> Option<String> {
        Literal::of_column(Declared { code, name, size: None, scale: None }, dialect).of(text)
    }

    #[test]
    fn each_system_reads_its_literals() {
        for (code, name, dialect, text, expected) in [
            (4, "int", Dialect::Other, "-7", Some("-7")),
            (3, "decimal", Dialect::MariaDb, "7.50", Some("7.50")),
            (12, "varchar", Dialect::Postgres, "o'å ", Some("'o''å '")),
            (12, "varchar", Dialect::Postgres, "a\\", Some("'a\\'")),
            (-9, "nvarchar", Dialect::SqlServer, "o'å", Some("N'o''å'")),
            (12, "varchar", Dialect::SqlServer, "o'å", Some("'o''å'")),
            (12, "varchar", Dialect::MariaDb, "å\\", Some("_utf8mb4 x'C3A55C'")),
            (12, "varchar", Dialect::Other, "a", None),
            (93, "datetime", Dialect::SqlServer, "2024-01-31 08:00:00.5", Some("'2024-01-31T08:00:00.5'")),
            (93, "datetime", Dialect::MariaDb, "2024-01-31 08:00:00", Some("'2024-01-31 08:00:00'")),
            (93, "datetime", Dialect::MariaDb, "0000-00-00 00:00:00", None),
            (91, "date", Dialect::MySql, "2024-00-10", None),
            (91, "date", Dialect::MySql, "2024-10-00", None),
            (92, "time", Dialect::MariaDb, "-00:30:00", Some("'-00:30:00'")),
            (93, "TIMESTAMP", Dialect::MariaDb, "2024-01-31 08:00:00 +00:00", None),
            (8, "float", Dialect::Postgres, "0.5", None),
            (4, "int", Dialect::Other, "7; DROP", None),
        ] {
            assert_eq!(literal(code, name, dialect, text).as_deref(), expected, "{name} {text}");
        }
    }

    #[test]
    fn sqlite_is_asked_only_where_the_declaration_makes_the_type() {
        for (name, text, expected) in [
            ("integer", "7", Some("7")),
            ("integer", "7.5", None),
            ("integer", "99999999999999999999", None),
            ("varchar(20)", "7", Some("'7'")),
            ("", "7", None),
            ("numeric", "7", None),
        ] {
            assert_eq!(literal(12, name, Dialect::Sqlite, text).as_deref(), expected, "{name} {text}");
        }
    }
}
