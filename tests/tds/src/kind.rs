//! The types of SQL Server: how they are declared, what the catalog says of them, how they are announced.

use crate::wire::{In, Malformed, Out};

/// LCID 0x041D (Swedish and Finnish), ignoring case, kana and width, without a sort id: Finnish_Swedish_CI_AS.
pub(crate) const COLLATION: [u8; 5] = [0x1d, 0x04, 0xd0, 0x00, 0x00];

/// The most bytes of a type with a declared length; longer ones are `max`.
const LONGEST: u16 = 8000;

/// A type of SQL Server. Lengths are in characters or bytes as declared; `None` is `max`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bit,
    Tinyint,
    Smallint,
    Int,
    Bigint,
    Real,
    Float,
    Decimal(u8, u8),
    Numeric(u8, u8),
    Money,
    Smallmoney,
    Char(u16),
    Varchar(Option<u16>),
    Nchar(u16),
    Nvarchar(Option<u16>),
    Text,
    Ntext,
    Image,
    Binary(u16),
    Varbinary(Option<u16>),
    Uniqueidentifier,
    Date,
    Time(u8),
    Datetime,
    Smalldatetime,
    Datetime2(u8),
    Datetimeoffset(u8),
    Rowversion,
    SqlVariant,
    Xml,
    /// A CLR type of the server itself, such as `geography`.
    Clr(String),
}

/// What `sys.types` and `sys.columns` say of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) name: String,
    /// Bytes; -1 for `max`.
    pub(crate) max_length: i64,
    pub(crate) precision: u8,
    pub(crate) scale: u8,
}

impl Kind {
    /// Reads a declaration such as `decimal(19, 4)`.
    pub(crate) fn parse(declared: &str) -> Option<Self> {
        let declared = declared.trim().to_ascii_lowercase();
        let (name, arguments) = match declared.split_once('(') {
            Some((name, rest)) => {
                (name.trim_end(), rest.strip_suffix(')')?.split(',').map(str::trim).collect())
            }
            None => (declared.as_str(), Vec::new()),
        };
        if arguments.len() > 2 || (arguments.len() == 2 && !matches!(name, "decimal" | "numeric")) {
            return None;
        }
        Self::simple(name).filter(|_| arguments.is_empty()).or_else(|| Self::with_arguments(name, &arguments))
    }

    fn simple(name: &str) -> Option<Self> {
        Some(match name {
            "bit" => Self::Bit,
            "tinyint" => Self::Tinyint,
            "smallint" => Self::Smallint,
            "int" | "integer" => Self::Int,
            "bigint" => Self::Bigint,
            "real" => Self::Real,
            "money" => Self::Money,
            "smallmoney" => Self::Smallmoney,
            "text" => Self::Text,
            "ntext" => Self::Ntext,
            "image" => Self::Image,
            "uniqueidentifier" => Self::Uniqueidentifier,
            "date" => Self::Date,
            "datetime" => Self::Datetime,
            "smalldatetime" => Self::Smalldatetime,
            "rowversion" | "timestamp" => Self::Rowversion,
            "sql_variant" => Self::SqlVariant,
            "xml" => Self::Xml,
            "geography" | "geometry" | "hierarchyid" => Self::Clr(name.to_owned()),
            _ => return None,
        })
    }

    fn with_arguments(name: &str, arguments: &[&str]) -> Option<Self> {
        let at_most = |place: usize, default: u8, most: u8| match arguments.get(place) {
            None => Some(default),
            Some(given) => given.parse().ok().filter(|given| *given <= most),
        };
        let counted = |most: u16| match arguments.first() {
            None => Some(1),
            Some(given) => given.parse().ok().filter(|given| (1..=most).contains(given)),
        };
        let or_max = |most: u16| if arguments == ["max"] { Some(None) } else { counted(most).map(Some) };
        Some(match name {
            "decimal" | "dec" | "numeric" => {
                let precision = at_most(0, 18, 38).filter(|precision| *precision > 0)?;
                let scale = at_most(1, 0, precision)?;
                if name == "numeric" {
                    Self::Numeric(precision, scale)
                } else {
                    Self::Decimal(precision, scale)
                }
            }
            "float" => match at_most(0, 53, 53)? {
                0..=24 => Self::Real,
                _ => Self::Float,
            },
            "char" => Self::Char(counted(LONGEST)?),
            "varchar" => Self::Varchar(or_max(LONGEST)?),
            "nchar" => Self::Nchar(counted(LONGEST / 2)?),
            "sysname" if arguments.is_empty() => Self::Nvarchar(Some(128)),
            "nvarchar" => Self::Nvarchar(or_max(LONGEST / 2)?),
            "binary" => Self::Binary(counted(LONGEST)?),
            "varbinary" => Self::Varbinary(or_max(LONGEST)?),
            "time" => Self::Time(at_most(0, 7, 7)?),
            "datetime2" => Self::Datetime2(at_most(0, 7, 7)?),
            "datetimeoffset" => Self::Datetimeoffset(at_most(0, 7, 7)?),
            _ => return None,
        })
    }

    /// What the catalog says.
    pub(crate) fn described(&self) -> Described {
        let length = |length: &Option<u16>, width: i64| length.map_or(-1, |length| i64::from(length) * width);
        let (name, max_length, precision, scale) = match self {
            Self::Bit => ("bit", 1, 1, 0),
            Self::Tinyint => ("tinyint", 1, 3, 0),
            Self::Smallint => ("smallint", 2, 5, 0),
            Self::Int => ("int", 4, 10, 0),
            Self::Bigint => ("bigint", 8, 19, 0),
            Self::Real => ("real", 4, 24, 0),
            Self::Float => ("float", 8, 53, 0),
            Self::Decimal(precision, scale) => {
                ("decimal", i64::from(exact_bytes(*precision)), *precision, *scale)
            }
            Self::Numeric(precision, scale) => {
                ("numeric", i64::from(exact_bytes(*precision)), *precision, *scale)
            }
            Self::Money => ("money", 8, 19, 4),
            Self::Smallmoney => ("smallmoney", 4, 10, 4),
            Self::Char(size) => ("char", i64::from(*size), 0, 0),
            Self::Varchar(size) => ("varchar", length(size, 1), 0, 0),
            Self::Nchar(size) => ("nchar", i64::from(*size) * 2, 0, 0),
            Self::Nvarchar(size) => ("nvarchar", length(size, 2), 0, 0),
            Self::Text => ("text", 16, 0, 0),
            Self::Ntext => ("ntext", 16, 0, 0),
            Self::Image => ("image", 16, 0, 0),
            Self::Binary(size) => ("binary", i64::from(*size), 0, 0),
            Self::Varbinary(size) => ("varbinary", length(size, 1), 0, 0),
            Self::Uniqueidentifier => ("uniqueidentifier", 16, 0, 0),
            Self::Date => ("date", 3, 10, 0),
            Self::Time(scale) => ("time", i64::from(time_bytes(*scale)), 9 + scale, *scale),
            Self::Datetime => ("datetime", 8, 23, 3),
            Self::Smalldatetime => ("smalldatetime", 4, 16, 0),
            Self::Datetime2(scale) => ("datetime2", i64::from(time_bytes(*scale)) + 3, 20 + scale, *scale),
            Self::Datetimeoffset(scale) => {
                ("datetimeoffset", i64::from(time_bytes(*scale)) + 5, 27 + scale, *scale)
            }
            Self::Rowversion => ("timestamp", 8, 0, 0),
            Self::SqlVariant => ("sql_variant", 8016, 0, 0),
            Self::Xml => ("xml", -1, 0, 0),
            Self::Clr(name) => (name.as_str(), -1, 0, 0),
        };
        Described { name: name.to_owned(), max_length, precision, scale }
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(
            self,
            Self::Char(_)
                | Self::Varchar(_)
                | Self::Nchar(_)
                | Self::Nvarchar(_)
                | Self::Text
                | Self::Ntext
                | Self::Xml
        )
    }

    /// Whether a value can lie outside its row, which the answer then names the table of.
    pub(crate) fn is_old_large_object(&self) -> bool {
        matches!(self, Self::Text | Self::Ntext | Self::Image)
    }

    /// Writes how the type is announced. Numbers and times are always announced as nullable.
    pub(crate) fn announce(&self, out: &mut Out) {
        let one = |out: &mut Out, token: u8, size: u8| out.bytes(&[token, size]);
        let sized = |out: &mut Out, token: u8, size: u16| {
            out.u8(token);
            out.u16(size);
        };
        let collated = |out: &mut Out, token: u8, size: u16| {
            sized(out, token, size);
            out.bytes(&COLLATION);
        };
        match self {
            Self::Bit => one(out, 0x68, 1),
            Self::Tinyint => one(out, 0x26, 1),
            Self::Smallint => one(out, 0x26, 2),
            Self::Int => one(out, 0x26, 4),
            Self::Bigint => one(out, 0x26, 8),
            Self::Real => one(out, 0x6d, 4),
            Self::Float => one(out, 0x6d, 8),
            Self::Decimal(precision, scale) => {
                out.bytes(&[0x6a, exact_bytes(*precision), *precision, *scale]);
            }
            Self::Numeric(precision, scale) => {
                out.bytes(&[0x6c, exact_bytes(*precision), *precision, *scale]);
            }
            Self::Money => one(out, 0x6e, 8),
            Self::Smallmoney => one(out, 0x6e, 4),
            Self::Char(size) => collated(out, 0xaf, *size),
            Self::Varchar(size) => collated(out, 0xa7, size.unwrap_or(u16::MAX)),
            Self::Nchar(size) => collated(out, 0xef, *size * 2),
            Self::Nvarchar(size) => collated(out, 0xe7, size.map_or(u16::MAX, |size| size * 2)),
            Self::Text | Self::Ntext => {
                out.u8(if *self == Self::Text { 0x23 } else { 0x63 });
                out.u32(0x7fff_fffe);
                out.bytes(&COLLATION);
            }
            Self::Image => {
                out.u8(0x22);
                out.u32(0x7fff_ffff);
            }
            Self::Binary(size) => sized(out, 0xad, *size),
            Self::Rowversion => sized(out, 0xad, 8),
            Self::Varbinary(size) => sized(out, 0xa5, size.unwrap_or(u16::MAX)),
            Self::Uniqueidentifier => one(out, 0x24, 16),
            Self::Date => out.u8(0x28),
            Self::Time(scale) => one(out, 0x29, *scale),
            Self::Datetime2(scale) => one(out, 0x2a, *scale),
            Self::Datetimeoffset(scale) => one(out, 0x2b, *scale),
            Self::Datetime => one(out, 0x6f, 8),
            Self::Smalldatetime => one(out, 0x6f, 4),
            Self::SqlVariant => {
                out.u8(0x62);
                out.u32(8009);
            }
            Self::Xml => out.bytes(&[0xf1, 0]),
            Self::Clr(name) => {
                sized(out, 0xf0, u16::MAX);
                out.short_text("master");
                out.short_text("sys");
                out.short_text(name);
                out.long_text("Microsoft.SqlServer.Types");
            }
        }
    }

    /// Reads the announcement of a parameter.
    pub(crate) fn announced(input: &mut In<'_>) -> Result<Self, Malformed> {
        let token = input.u8()?;
        if let Some(fixed) = Self::announced_fixed(token) {
            return Ok(fixed);
        }
        Ok(match token {
            0x24 | 0x68 | 0x26 | 0x6d | 0x6e | 0x6f => Self::announced_nullable(token, input.u8()?)?,
            0x6a | 0x6c => {
                let [_, precision, scale] = input.array()?;
                if token == 0x6a { Self::Decimal(precision, scale) } else { Self::Numeric(precision, scale) }
            }
            0x28 => Self::Date,
            0x29 => Self::Time(input.u8()?),
            0x2a => Self::Datetime2(input.u8()?),
            0x2b => Self::Datetimeoffset(input.u8()?),
            0xa7 | 0xaf | 0xe7 | 0xef | 0xa5 | 0xad => {
                let size = input.u16()?;
                if matches!(token, 0xa7 | 0xaf | 0xe7 | 0xef) {
                    input.take(COLLATION.len())?;
                }
                Self::announced_sized(token, size)
            }
            0x23 | 0x63 => {
                input.take(4 + COLLATION.len())?;
                if token == 0x23 { Self::Text } else { Self::Ntext }
            }
            0x22 => {
                input.take(4)?;
                Self::Image
            }
            _ => return Err(Malformed),
        })
    }

    fn announced_fixed(token: u8) -> Option<Self> {
        Some(match token {
            0x30 => Self::Tinyint,
            0x32 => Self::Bit,
            0x34 => Self::Smallint,
            0x38 => Self::Int,
            0x7f => Self::Bigint,
            0x3a => Self::Smalldatetime,
            0x3b => Self::Real,
            0x3c => Self::Money,
            0x3d => Self::Datetime,
            0x3e => Self::Float,
            0x7a => Self::Smallmoney,
            _ => return None,
        })
    }

    fn announced_nullable(token: u8, size: u8) -> Result<Self, Malformed> {
        Ok(match (token, size) {
            (0x24, 16) => Self::Uniqueidentifier,
            (0x68, 1) => Self::Bit,
            (0x26, 1) => Self::Tinyint,
            (0x26, 2) => Self::Smallint,
            (0x26, 4) => Self::Int,
            (0x26, 8) => Self::Bigint,
            (0x6d, 4) => Self::Real,
            (0x6d, 8) => Self::Float,
            (0x6e, 4) => Self::Smallmoney,
            (0x6e, 8) => Self::Money,
            (0x6f, 4) => Self::Smalldatetime,
            (0x6f, 8) => Self::Datetime,
            _ => return Err(Malformed),
        })
    }

    fn announced_sized(token: u8, size: u16) -> Self {
        let limited = (size <= LONGEST).then_some(size);
        match token {
            0xa7 => Self::Varchar(limited),
            0xaf => Self::Char(size),
            0xe7 => Self::Nvarchar(limited.map(|size| size / 2)),
            0xef => Self::Nchar(size / 2),
            0xa5 => Self::Varbinary(limited),
            _ => Self::Binary(size),
        }
    }

    /// Whether a parameter of the type is announced by a token that has no room for NULL.
    pub(crate) fn is_fixed_token(token: u8) -> bool {
        Self::announced_fixed(token).is_some()
    }
}

/// Bytes of an exact number of so many digits, its sign included.
pub(crate) fn exact_bytes(precision: u8) -> u8 {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

/// Bytes of a time of the day with so many digits of the second.
pub(crate) fn time_bytes(scale: u8) -> u8 {
    match scale {
        0..=2 => 3,
        3 | 4 => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_read() {
        for (declared, kind) in [
            ("INT", Kind::Int),
            ("decimal(19, 4)", Kind::Decimal(19, 4)),
            ("numeric", Kind::Numeric(18, 0)),
            ("nvarchar(max)", Kind::Nvarchar(None)),
            ("varchar(30)", Kind::Varchar(Some(30))),
            ("char", Kind::Char(1)),
            ("sysname", Kind::Nvarchar(Some(128))),
            ("float(24)", Kind::Real),
            ("datetime2", Kind::Datetime2(7)),
            ("timestamp", Kind::Rowversion),
        ] {
            assert_eq!(Kind::parse(declared), Some(kind), "{declared}");
        }
        for wrong in
            ["int(4)", "decimal(39)", "decimal(5,6)", "nvarchar(4001)", "text2", "varchar(0)", "time(8)"]
        {
            assert_eq!(Kind::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_catalog_counts_bytes() {
        let length = |declared: &str| Kind::parse(declared).unwrap().described().max_length;
        assert_eq!(
            ["nvarchar(50)", "varchar(50)", "nvarchar(max)", "decimal(38,2)"].map(length),
            [100, 50, -1, 17]
        );
    }

    #[test]
    fn announcements_are_understood() {
        for declared in [
            "bit",
            "tinyint",
            "smallint",
            "int",
            "bigint",
            "real",
            "float",
            "decimal(9,2)",
            "numeric(38,10)",
            "money",
            "smallmoney",
            "char(3)",
            "varchar(8000)",
            "varchar(max)",
            "nchar(7)",
            "nvarchar(4000)",
            "nvarchar(max)",
            "text",
            "ntext",
            "image",
            "binary(4)",
            "varbinary(9)",
            "varbinary(max)",
            "uniqueidentifier",
            "date",
            "time(3)",
            "datetime",
            "smalldatetime",
            "datetime2(0)",
            "datetimeoffset(7)",
        ] {
            let kind = Kind::parse(declared).unwrap();
            let mut out = Out::default();
            kind.announce(&mut out);
            let mut input = In::new(&out.0);
            assert_eq!(Kind::announced(&mut input), Ok(kind));
            assert!(input.is_empty(), "{declared}");
        }
    }
}
