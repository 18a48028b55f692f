//! From what the driver gives to what travels.

use tiberius::ColumnData;
use tiberius::numeric::Numeric;

use super::moment;
use crate::found::Found;

/// What the values of a column are, beyond what the driver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As the driver gives it.
    Plain,
    /// The bytes of a text in UTF-16, as it is stored.
    Utf16,
}

/// A value that has got its form.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Formed {
    /// NULL.
    Null,
    /// A whole number or a truth value.
    Whole(i64),
    /// An approximate number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes, or text in broken UTF-16.
    Bytes(Vec<u8>),
}

/// A value of a type that nothing was asked for in, or that no such type can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unexpected;

impl Form {
    /// The value that came.
    pub(super) fn of(self, sent: ColumnData<'static>) -> Result<Formed, Unexpected> {
        let made = match sent {
            ColumnData::U8(value) => value.map(|value| Formed::Whole(value.into())),
            ColumnData::I16(value) => value.map(|value| Formed::Whole(value.into())),
            ColumnData::I32(value) => value.map(|value| Formed::Whole(value.into())),
            ColumnData::I64(value) => value.map(Formed::Whole),
            ColumnData::Bit(value) => value.map(|value| Formed::Whole(value.into())),
            // The shortest digits that read back as the same single.
            ColumnData::F32(value) => value.map(|value| Formed::Text(value.to_string())),
            ColumnData::F64(value) => value.map(Formed::Real),
            ColumnData::String(value) => value.map(|value| Formed::Text(value.into_owned())),
            ColumnData::Guid(value) => value.map(|value| Formed::Text(value.to_string().to_uppercase())),
            ColumnData::Binary(value) => value.map(|value| self.of_bytes(value.into_owned())),
            ColumnData::Numeric(value) => value.map(|value| Formed::Text(exact(value))),
            ColumnData::DateTime(value) => value.map(|value| Formed::Text(moment::datetime(value))),
            ColumnData::SmallDateTime(value) => value.map(|value| Formed::Text(moment::smalldatetime(value))),
            ColumnData::Date(value) => value.map(|value| Formed::Text(moment::date(value))),
            ColumnData::Time(value) => text(value, moment::time)?,
            ColumnData::DateTime2(value) => text(value, moment::datetime2)?,
            ColumnData::DateTimeOffset(value) => text(value, moment::datetimeoffset)?,
            ColumnData::Xml(_) => return Err(Unexpected),
        };
        Ok(made.unwrap_or(Formed::Null))
    }

    fn of_bytes(self, bytes: Vec<u8>) -> Formed {
        match self {
            Self::Plain => Formed::Bytes(bytes),
            Self::Utf16 => utf16(&bytes).map_or(Formed::Bytes(bytes), Formed::Text),
        }
    }
}

fn text<T>(value: Option<T>, shown: fn(T) -> Option<String>) -> Result<Option<Formed>, Unexpected> {
    value.map(|value| shown(value).map(Formed::Text).ok_or(Unexpected)).transpose()
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let (units, odd) = bytes.as_chunks::<2>();
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
    if odd.is_empty() { char::decode_utf16(units).collect::<Result<_, _>>().ok() } else { None }
}

/// The decimal notation with the digits of the declared scale.
fn exact(number: Numeric) -> String {
    let scale = usize::from(number.scale());
    let sign = if number.value() < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", number.value().unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

impl Formed {
    /// The value as the intake takes it.
    pub(super) fn found(&self) -> Found<'_> {
        match self {
            Self::Null => Found::Null,
            Self::Whole(number) => Found::Whole(*number),
            Self::Real(number) => Found::Real(*number),
            Self::Text(text) => Found::Text(text),
            Self::Bytes(bytes) => Found::Bytes(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formed(sent: ColumnData<'static>) -> Formed {
        Form::Plain.of(sent).unwrap()
    }

    #[test]
    fn numbers_keep_every_digit() {
        let shown = |value, scale| exact(Numeric::new_with_scale(value, scale));
        assert_eq!(shown(-5, 4), "-0.0005");
        assert_eq!(shown(-12_500, 4), "-1.2500");
        assert_eq!(shown(7, 0), "7");
        assert_eq!(shown(0, 2), "0.00");
        assert_eq!(formed(ColumnData::F32(Some(0.1))), Formed::Text("0.1".to_owned()));
        assert_eq!(formed(ColumnData::Bit(Some(true))), Formed::Whole(1));
        assert_eq!(formed(ColumnData::I32(None)), Formed::Null);
    }

    #[test]
    fn broken_utf16_stays_bytes() {
        let of = |bytes: &[u8]| Form::Utf16.of(ColumnData::Binary(Some(bytes.to_vec().into()))).unwrap();
        assert_eq!(of(&[0xe5, 0]), Formed::Text("å".to_owned()));
        assert_eq!(of(&[]), Formed::Text(String::new()));
        assert_eq!(of(&[0x3d, 0xd8, 0x00, 0xde]), Formed::Text("\u{1f600}".to_owned()));
        assert_eq!(of(&[0x3d, 0xd8]), Formed::Bytes(vec![0x3d, 0xd8]));
        assert_eq!(of(&[0xe5]), Formed::Bytes(vec![0xe5]));
    }

    #[test]
    fn what_was_not_asked_for_is_refused() {
        assert_eq!(Form::Plain.of(ColumnData::Xml(None)), Err(Unexpected));
    }
}
