//! How the values of a column are asked for, and what makes them the text that travels.

use std::iter::repeat_n;

use bron_mappings::ColumnType;
use odbc_api::buffers::BufferDesc;

use super::dialect::Dialect;
use crate::found::without_idle_fraction;

/// The longest value that a buffer has room for from the start. A longer one makes the table be read on value by
/// value.
const ROOMY: usize = 32 << 10;
/// The room for values that may be of any length.
const UNKNOWN_LENGTH: usize = 4 << 10;
/// The room for a number as text.
const NUMBER: usize = 400;
/// The room for a time, a moment, a duration or an address.
const MOMENT: usize = 48;
/// Three of SQL Server's own types.
const SQL_VARIANT: i16 = -150;
const OF_THE_CLR: i16 = -151;
const XML: i16 = -152;
/// A character of UTF-8 has at most four bytes.
const BYTES_PER_CHARACTER: usize = 4;

/// Types of PostgreSQL without an order, which its driver passes off as text.
const UNSORTABLE: [&str; 5] = ["json", "xml", "point", "polygon", "xid"];

/// What a driver is asked to give a value as. Text is narrow, which is UTF-8 with every driver of today: wide text
/// depends on the locale with some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Text, with room for so many bytes.
    Text(usize),
    /// Bytes, with room for so many.
    Bytes(usize),
    /// An approximate number of 32 bits.
    Real32,
    /// An approximate number of 64 bits.
    Real64,
}

/// What is done to text before it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// Nothing.
    AsIs,
    /// A time or moment, with a fraction only when it is not zero.
    Moment,
    /// A moment in UTC, which says so.
    MomentInUtc,
    /// An exact number, with so many digits after the point.
    Scale(usize),
    /// A day, a time or a duration of PostgreSQL's, which the server writes itself: its driver makes days up for those
    /// that ODBC does not know, such as `infinity` and days before Christ.
    Written,
    /// A moment in UTC of PostgreSQL's, likewise.
    WrittenInUtc,
    /// An amount of PostgreSQL's, which is read as an exact number: its driver makes an approximate one of it.
    Money,
    /// An approximate number of 32 bits that the driver gives as text, with the digits of one of 64.
    Real32,
    /// An approximate number of 64 bits that the driver gives as text.
    Real64,
    /// A truth value, which some drivers give as a byte.
    Bit,
    /// An identifier of hexadecimal digits, in lower case.
    LowerCase,
    /// The same in upper case, as SQL Server writes it.
    UpperCase,
}

/// How a column is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// What the driver is asked for.
    pub(super) asked: Asked,
    /// What is done to its answer.
    pub(super) finish: Finish,
    /// Whether every system can sort by the declared type.
    pub(super) sorts: bool,
}

/// Whether the values of a column can be read. There are types that only the system itself knows: what a driver makes
/// of their values differs from driver to driver, and even from value to value.
pub(super) fn is_readable(code: i16, dialect: Dialect) -> bool {
    dialect != Dialect::SqlServer || !matches!(code, SQL_VARIANT | OF_THE_CLR | XML)
}

/// A column's type as `SQLColumns` describes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared<'a> {
    /// The ODBC type.
    pub(super) code: i16,
    /// The name of the type at the source.
    pub(super) name: &'a str,
    /// Characters of text, bytes, or digits of a number, where they are known.
    pub(super) size: Option<usize>,
    /// The digits after the point of an exact number.
    pub(super) scale: Option<usize>,
}

impl Form {
    /// How to read a column of a declared type.
    pub(super) fn of(declared: Declared<'_>, dialect: Dialect) -> Self {
        let known = match dialect {
            Dialect::Postgres => postgres(declared.name),
            Dialect::MariaDb | Dialect::MySql => mariadb(declared.name),
            Dialect::SqlServer | Dialect::Sqlite | Dialect::Other => None,
        };
        let (asked, finish, is_long) = known.unwrap_or_else(|| shape(declared));
        let sorts = !is_long && !UNSORTABLE.contains(&declared.name);
        let finish = match finish {
            Finish::Scale(_) if !dialect.declares_scale() => Finish::AsIs,
            Finish::LowerCase if dialect == Dialect::SqlServer => Finish::UpperCase,
            Finish::AsIs
            | Finish::Moment
            | Finish::MomentInUtc
            | Finish::Scale(_)
            | Finish::Written
            | Finish::WrittenInUtc
            | Finish::Money
            | Finish::Real32
            | Finish::Real64
            | Finish::Bit
            | Finish::LowerCase
            | Finish::UpperCase => finish,
        };
        let form = Self { asked, finish, sorts };
        if dialect.is_loosely_typed() {
            form.without_conversion()
        } else if dialect.gives_numbers() {
            form
        } else {
            form.with_numbers_as_text()
        }
    }

    fn with_numbers_as_text(self) -> Self {
        let (asked, finish) = match self.asked {
            Asked::Real32 => (Asked::Text(NUMBER), Finish::Real32),
            Asked::Real64 => (Asked::Text(NUMBER), Finish::Real64),
            Asked::Text(_) | Asked::Bytes(_) => (self.asked, self.finish),
        };
        Self { asked, finish, ..self }
    }

    /// The same without anything that would change a value of another type than the declared one.
    fn without_conversion(self) -> Self {
        let (asked, finish) = match self.asked {
            Asked::Real32 | Asked::Real64 => (Asked::Text(UNKNOWN_LENGTH), Finish::Real64),
            Asked::Text(_) => (Asked::Text(UNKNOWN_LENGTH), Finish::AsIs),
            Asked::Bytes(room) => (Asked::Bytes(room.max(UNKNOWN_LENGTH)), Finish::AsIs),
        };
        Self { asked, finish, ..self }
    }

    /// How the column's values travel.
    pub(super) fn kind(self) -> ColumnType {
        match self.asked {
            Asked::Bytes(_) => ColumnType::Bytes,
            Asked::Text(_) | Asked::Real32 | Asked::Real64 => ColumnType::Text,
        }
    }

    /// The buffer for one value of each row.
    pub(super) fn buffer(self) -> BufferDesc {
        match self.asked {
            Asked::Text(room) => BufferDesc::Text { max_str_len: room },
            Asked::Bytes(room) => BufferDesc::Binary { max_bytes: room },
            Asked::Real32 => BufferDesc::F32 { nullable: true },
            Asked::Real64 => BufferDesc::F64 { nullable: true },
        }
    }
}

/// Types of PostgreSQL that its driver does not give as they are.
fn postgres(name: &str) -> Option<(Asked, Finish, bool)> {
    Some(match name {
        "money" => (Asked::Text(NUMBER), Finish::Money, false),
        "date" | "time" | "timetz" | "timestamp" | "interval" => {
            (Asked::Text(MOMENT), Finish::Written, false)
        }
        "timestamptz" => (Asked::Text(MOMENT), Finish::WrittenInUtc, false),
        _ => return None,
    })
}

/// Types of MariaDB of which its driver does not say what they are: identifiers and addresses pass for bytes, moments
/// in UTC for those of no zone.
fn mariadb(name: &str) -> Option<(Asked, Finish, bool)> {
    Some(match name.to_ascii_lowercase().as_str() {
        "uuid" | "inet4" | "inet6" => (Asked::Text(MOMENT), Finish::AsIs, false),
        "timestamp" => (Asked::Text(MOMENT), Finish::MomentInUtc, false),
        _ => return None,
    })
}

/// The numbers are those of `sql.h` and `sqlext.h`, and two of SQL Server's own.
fn shape(declared: Declared<'_>) -> (Asked, Finish, bool) {
    let digits = || Asked::Text(declared.size.unwrap_or(0).clamp(40, 200) + 4);
    match declared.code {
        -7 => (Asked::Text(8), Finish::Bit, false),
        // Whole numbers of any size.
        -6 | -5 | 4 | 5 => (Asked::Text(24), Finish::AsIs, false),
        2 | 3 => (digits(), Finish::Scale(declared.scale.unwrap_or(0)), false),
        7 => (Asked::Real32, Finish::AsIs, false),
        6 | 8 => (Asked::Real64, Finish::AsIs, false),
        // Days, times and moments, of ODBC 2 as well.
        9..=11 | 91..=93 | -155 | -154 => (Asked::Text(MOMENT), Finish::Moment, false),
        -2 | -3 => (Asked::Bytes(room(declared.size, 1)), Finish::AsIs, false),
        -4 => (Asked::Bytes(UNKNOWN_LENGTH), Finish::AsIs, true),
        -11 => (Asked::Text(48), Finish::LowerCase, false),
        1 | 12 | -8 | -9 => (Asked::Text(room(declared.size, BYTES_PER_CHARACTER)), Finish::AsIs, false),
        _ => (Asked::Text(UNKNOWN_LENGTH), Finish::AsIs, true),
    }
}

/// The room for a value of at most `size` units. There is one byte more than the longest value needs, so that a
/// value that fills its buffer has been cut off, whatever the driver says.
fn room(size: Option<usize>, bytes_per_unit: usize) -> usize {
    let declared = size.filter(|size| *size > 0).and_then(|size| size.checked_mul(bytes_per_unit));
    declared.map_or(UNKNOWN_LENGTH, |bytes| bytes.saturating_add(1).min(ROOMY))
}

impl Finish {
    /// Appends the text that travels to `out`.
    pub(super) fn write(self, text: &str, out: &mut String) {
        match self {
            Self::AsIs | Self::Written | Self::Money | Self::Real64 => out.push_str(text),
            Self::Moment => write_moment(text, out),
            Self::MomentInUtc => {
                write_moment(text, out);
                // A moment that never was has no offset either.
                out.push_str(if text.starts_with("0000") { "" } else { " +00:00" });
            }
            Self::WrittenInUtc => {
                let moment = text.strip_suffix("+00");
                out.push_str(moment.unwrap_or(text));
                out.push_str(if moment.is_some() { " +00:00" } else { "" });
            }
            Self::Scale(digits) => write_exact(text, digits, out),
            Self::Real32 => match text.parse::<f32>() {
                Ok(number) if number.is_finite() => out.push_str(&number.to_string()),
                Ok(_) | Err(_) => out.push_str(text),
            },
            Self::Bit => out.push_str(match text {
                "\0" => "0",
                "\u{1}" => "1",
                other => other,
            }),
            Self::LowerCase => out.push_str(&text.to_ascii_lowercase()),
            Self::UpperCase => out.push_str(&text.to_ascii_uppercase()),
        }
    }
}

fn write_moment(text: &str, out: &mut String) {
    // FreeTDS writes the year with as few digits as it has.
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    if (1..4).contains(&year) && text[year..].starts_with('-') {
        out.extend(repeat_n('0', 4 - year));
    }
    let offset = text.find(" +").or_else(|| text.find(" -")).unwrap_or(text.len());
    out.push_str(without_idle_fraction(&text[..offset]));
    out.push_str(&text[offset..]);
}

/// Some drivers leave out the zero before the point, and zeros at the end.
fn write_exact(text: &str, digits: usize, out: &mut String) {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let nothing = whole.is_empty() && fraction.is_empty();
    if nothing || !is_number(whole) || !is_number(fraction) {
        return out.push_str(text);
    }
    if unsigned.len() < text.len() {
        out.push('-');
    }
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if digits == 0 && fraction.is_empty() {
        return;
    }
    out.push('.');
    out.push_str(fraction);
    out.extend(repeat_n('0', digits.saturating_sub(fraction.len())));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(finish: Finish, text: &str) -> String {
        let mut out = String::new();
        finish.write(text, &mut out);
        out
    }

    fn form(code: i16, size: usize, dialect: Dialect) -> Form {
        Form::of(Declared { code, name: "", size: Some(size), scale: Some(2) }, dialect)
    }

    #[test]
    fn exact_numbers_have_the_digits_of_their_scale() {
        for (digits, found, expected) in [
            (2, ".5", "0.50"),
            (2, "-.5", "-0.50"),
            (2, "-12", "-12.00"),
            (2, "1.555", "1.555"),
            (0, "7", "7"),
            (0, "7.5", "7.5"),
            (2, "1,5", "1,5"),
            (2, "1e3", "1e3"),
            (2, "NaN", "NaN"),
            (2, "", ""),
            (2, "-", "-"),
        ] {
            assert_eq!(finished(Finish::Scale(digits), found), expected);
        }
    }

    #[test]
    fn moments_lose_only_an_idle_fraction() {
        assert_eq!(finished(Finish::Moment, "2024-01-31 08:00:00.000"), "2024-01-31 08:00:00");
        assert_eq!(finished(Finish::Moment, "08:00:00.500"), "08:00:00.5");
        assert_eq!(finished(Finish::Moment, "2024-01-31"), "2024-01-31");
        assert_eq!(finished(Finish::Moment, "2024-01-31 08:00:00.0000 -01:00"), "2024-01-31 08:00:00 -01:00");
        assert_eq!(finished(Finish::Moment, "1-01-01 08:00:00"), "0001-01-01 08:00:00");
        assert_eq!(finished(Finish::Moment, "912-01-01"), "0912-01-01");
        assert_eq!(finished(Finish::Moment, "8:00"), "8:00");
        assert_eq!(finished(Finish::MomentInUtc, "2024-01-31 08:00:00"), "2024-01-31 08:00:00 +00:00");
        assert_eq!(finished(Finish::WrittenInUtc, "2024-01-31 08:00:00+00"), "2024-01-31 08:00:00 +00:00");
        assert_eq!(finished(Finish::WrittenInUtc, "-infinity"), "-infinity");
    }

    #[test]
    fn bits_are_digits_and_numbers_short() {
        for (found, expected) in [("\0", "0"), ("\u{1}", "1"), ("0", "0"), ("1", "1")] {
            assert_eq!(finished(Finish::Bit, found), expected);
        }
        assert_eq!(finished(Finish::Real32, "1e10"), "10000000000");
        assert_eq!(finished(Finish::Real32, "0.100000001"), "0.1");
        assert_eq!(finished(Finish::LowerCase, "6F96-AB"), "6f96-ab");
    }

    #[test]
    fn a_full_buffer_cannot_hold_a_declared_value() {
        assert_eq!(form(12, 20, Dialect::MariaDb).asked, Asked::Text(81));
        assert_eq!(form(-9, 4000, Dialect::SqlServer).asked, Asked::Text(16_001));
        assert_eq!(form(12, usize::MAX, Dialect::Other).asked, Asked::Text(UNKNOWN_LENGTH));
        assert_eq!(form(12, 0, Dialect::Other).asked, Asked::Text(UNKNOWN_LENGTH));
        assert_eq!(form(-3, 1 << 30, Dialect::Other).asked, Asked::Bytes(ROOMY));
    }

    #[test]
    fn nothing_is_converted_where_types_are_loose() {
        for code in [-7, 3, 6, 7, 8, 12, 91, 93] {
            let form = form(code, 10, Dialect::Sqlite);
            assert_eq!(form.asked, Asked::Text(UNKNOWN_LENGTH), "{code}");
            assert!(matches!(form.finish, Finish::AsIs | Finish::Real64), "{code}");
        }
        assert_eq!(form(-2, 0, Dialect::Sqlite).kind(), ColumnType::Bytes);
    }
}
