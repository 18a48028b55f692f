//! Values: as SQLite stores them, as they travel.

use crate::codepage;
use crate::kind::{Kind, exact_bytes, time_bytes};
use crate::moment::{self, Moment};
use crate::wire::{In, Malformed, Out, utf16, utf16_bytes};

/// A value as the database behind the server stores it.
///
/// Whole numbers and floats are stored as numbers, everything that SQLite has no type for as text: exact numbers
/// in decimal, `YYYY-MM-DD`, `HH:MM:SS.fffffff`, both with a blank between, an offset ` +HH:MM` after it. A blob
/// in a text column travels as it is, so that a test can send text that is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Whole(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A stored value that its type cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unfit;

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Whole(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    fn whole(&self) -> Result<i64, Unfit> {
        match self {
            Self::Whole(number) => Ok(*number),
            Self::Null | Self::Real(_) | Self::Text(_) | Self::Bytes(_) => {
                self.text().trim().parse().map_err(|_| Unfit)
            }
        }
    }

    fn real(&self) -> Result<f64, Unfit> {
        match self {
            Self::Real(number) => Ok(*number),
            Self::Null | Self::Whole(_) | Self::Text(_) | Self::Bytes(_) => {
                self.text().trim().parse().map_err(|_| Unfit)
            }
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Null | Self::Whole(_) | Self::Real(_) | Self::Text(_) => self.text().into_bytes(),
        }
    }

    fn in_codepage(&self) -> Vec<u8> {
        if let Self::Bytes(bytes) = self { bytes.clone() } else { codepage::encode(&self.text()) }
    }

    fn in_utf16(&self) -> Vec<u8> {
        if let Self::Bytes(bytes) = self { bytes.clone() } else { utf16_bytes(&self.text()) }
    }

    fn moment(&self) -> Result<Moment, Unfit> {
        Moment::parse(&self.text()).ok_or(Unfit)
    }
}

/// The digits of a decimal number as one whole number with `scale` digits after the point, and whether it is
/// negative. More digits than that are rounded, half away from zero.
pub(crate) fn scaled(text: &str, scale: u8) -> Option<(bool, u128)> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    let scale = usize::from(scale);
    let (kept, cut) = fraction.split_at(fraction.len().min(scale));
    let number: u128 = format!("0{whole}{kept:0<scale$}").parse().ok()?;
    Some((negative, number + u128::from(cut.as_bytes().first().is_some_and(|digit| *digit >= b'5'))))
}

/// The decimal notation of such a number.
pub(crate) fn unscaled(negative: bool, number: u128, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{number:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if negative && number != 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn exact(value: &Value, precision: u8, scale: u8) -> Result<(bool, u128), Unfit> {
    let (negative, number) = scaled(&value.text(), scale).ok_or(Unfit)?;
    let fits = number < 10u128.pow(u32::from(precision));
    if fits { Ok((negative, number)) } else { Err(Unfit) }
}

fn whole_of(value: &Value, low: i64, high: i64) -> Result<i64, Unfit> {
    value.whole().ok().filter(|number| (low..=high).contains(number)).ok_or(Unfit)
}

/// Money travels as ten-thousandths.
fn ten_thousandths(value: &Value) -> Result<i64, Unfit> {
    let (negative, number) = scaled(&value.text(), 4).ok_or(Unfit)?;
    let number = i128::try_from(number).map_err(|_| Unfit)?;
    i64::try_from(if negative { -number } else { number }).map_err(|_| Unfit)
}

/// A unique identifier's first three groups travel with their bytes reversed.
pub(crate) fn guid_bytes(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.trim_matches(['{', '}']).split('-').collect();
    if digits.len() != 32 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0; 16];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(guid_order(bytes))
}

fn guid_order(mut bytes: [u8; 16]) -> [u8; 16] {
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

/// The text of such bytes, in capitals.
pub(crate) fn guid_text(bytes: [u8; 16]) -> String {
    let hex: String = guid_order(bytes).iter().map(|byte| format!("{byte:02X}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The nearest `real` of a float, through its shortest notation.
fn narrow(number: f64) -> Result<f32, Unfit> {
    number.to_string().parse().map_err(|_| Unfit)
}

/// Writes a value of a column as it travels in a row.
pub(crate) fn write(out: &mut Out, kind: &Kind, value: &Value) -> Result<(), Unfit> {
    if *value == Value::Null {
        write_null(out, kind);
        return Ok(());
    }
    match kind {
        Kind::Bit => counted(out, &[u8::from(value.whole()? != 0)]),
        Kind::Tinyint => counted(out, &whole_of(value, 0, 255)?.to_le_bytes()[..1]),
        Kind::Smallint => {
            counted(out, &whole_of(value, i16::MIN.into(), i16::MAX.into())?.to_le_bytes()[..2]);
        }
        Kind::Int => counted(out, &whole_of(value, i32::MIN.into(), i32::MAX.into())?.to_le_bytes()[..4]),
        Kind::Bigint => counted(out, &value.whole()?.to_le_bytes()),
        Kind::Real => counted(out, &narrow(value.real()?)?.to_le_bytes()),
        Kind::Float => counted(out, &value.real()?.to_le_bytes()),
        Kind::Decimal(precision, scale) | Kind::Numeric(precision, scale) => {
            let (negative, number) = exact(value, *precision, *scale)?;
            let size = exact_bytes(*precision);
            out.bytes(&[size, u8::from(!negative)]);
            out.low(number, usize::from(size) - 1);
        }
        Kind::Money => {
            // The higher half comes first.
            let bytes = ten_thousandths(value)?.to_le_bytes();
            counted(out, &[&bytes[4..], &bytes[..4]].concat());
        }
        Kind::Smallmoney => {
            let number = i32::try_from(ten_thousandths(value)?).map_err(|_| Unfit)?;
            counted(out, &number.to_le_bytes());
        }
        Kind::Uniqueidentifier => counted(out, &guid_bytes(&value.text()).ok_or(Unfit)?),
        Kind::Date | Kind::Time(_) | Kind::Datetime | Kind::Smalldatetime => write_time(out, kind, value)?,
        Kind::Datetime2(_) | Kind::Datetimeoffset(_) => write_time(out, kind, value)?,
        Kind::Char(size) => sized(out, &padded(value.in_codepage(), (*size).into(), b" ")?),
        Kind::Nchar(size) => sized(out, &padded(value.in_utf16(), usize::from(*size) * 2, b" \0")?),
        Kind::Binary(size) => sized(out, &padded(value.bytes(), (*size).into(), b"\0")?),
        Kind::Rowversion => sized(out, &padded(value.bytes(), 8, b"\0")?),
        Kind::Varchar(size) => variable(out, &value.in_codepage(), size.map(usize::from))?,
        Kind::Nvarchar(size) => variable(out, &value.in_utf16(), size.map(|size| usize::from(size) * 2))?,
        Kind::Varbinary(size) => variable(out, &value.bytes(), size.map(usize::from))?,
        Kind::Xml => in_chunks(out, &value.in_utf16()),
        Kind::Clr(_) => in_chunks(out, &value.bytes()),
        Kind::Text => pointed_at(out, &value.in_codepage())?,
        Kind::Ntext => pointed_at(out, &value.in_utf16())?,
        Kind::Image => pointed_at(out, &value.bytes())?,
        Kind::SqlVariant => write_variant(out, value)?,
    }
    Ok(())
}

fn write_null(out: &mut Out, kind: &Kind) {
    match kind {
        Kind::Char(_) | Kind::Nchar(_) | Kind::Binary(_) | Kind::Rowversion => out.u16(u16::MAX),
        Kind::Varchar(size) | Kind::Nvarchar(size) | Kind::Varbinary(size) => match size {
            Some(_) => out.u16(u16::MAX),
            None => out.u64(u64::MAX),
        },
        Kind::Xml | Kind::Clr(_) => out.u64(u64::MAX),
        Kind::SqlVariant => out.u32(0),
        Kind::Bit
        | Kind::Tinyint
        | Kind::Smallint
        | Kind::Int
        | Kind::Bigint
        | Kind::Real
        | Kind::Float
        | Kind::Decimal(..)
        | Kind::Numeric(..)
        | Kind::Money
        | Kind::Smallmoney
        | Kind::Uniqueidentifier
        | Kind::Date
        | Kind::Time(_)
        | Kind::Datetime
        | Kind::Smalldatetime
        | Kind::Datetime2(_)
        | Kind::Datetimeoffset(_)
        | Kind::Text
        | Kind::Ntext
        | Kind::Image => out.u8(0),
    }
}

fn counted(out: &mut Out, bytes: &[u8]) {
    out.u8(u8::try_from(bytes.len()).expect("fixed types are shorter than 18 bytes"));
    out.bytes(bytes);
}

fn sized(out: &mut Out, bytes: &[u8]) {
    out.u16(u16::try_from(bytes.len()).expect("declared lengths are at most 8000 bytes"));
    out.bytes(bytes);
}

fn padded(mut bytes: Vec<u8>, size: usize, with: &[u8]) -> Result<Vec<u8>, Unfit> {
    if bytes.len() > size {
        return Err(Unfit);
    }
    while bytes.len() < size {
        bytes.extend_from_slice(with);
    }
    Ok(bytes)
}

fn variable(out: &mut Out, bytes: &[u8], most: Option<usize>) -> Result<(), Unfit> {
    match most {
        Some(most) if bytes.len() > most => return Err(Unfit),
        Some(_) => sized(out, bytes),
        None => in_chunks(out, bytes),
    }
    Ok(())
}

fn in_chunks(out: &mut Out, bytes: &[u8]) {
    out.u64(u64::try_from(bytes.len()).expect("a length fits 64 bits"));
    for chunk in bytes.chunks(8000) {
        out.u32(u32::try_from(chunk.len()).expect("a chunk has at most 8000 bytes"));
        out.bytes(chunk);
    }
    out.u32(0);
}

fn pointed_at(out: &mut Out, bytes: &[u8]) -> Result<(), Unfit> {
    counted(out, &[0x64; 16]);
    out.bytes(&[0; 8]);
    out.u32(u32::try_from(bytes.len()).map_err(|_| Unfit)?);
    out.bytes(bytes);
    Ok(())
}

fn write_variant(out: &mut Out, value: &Value) -> Result<(), Unfit> {
    let mut inner = Out::default();
    match value {
        Value::Null => {}
        Value::Whole(number) => {
            inner.bytes(&[0x7f, 0]);
            inner.bytes(&number.to_le_bytes());
        }
        Value::Real(number) => {
            inner.bytes(&[0x3e, 0]);
            inner.bytes(&number.to_le_bytes());
        }
        Value::Text(text) => {
            inner.bytes(&[0xe7, 7]);
            inner.bytes(&crate::kind::COLLATION);
            inner.u16(8000);
            inner.bytes(&utf16_bytes(text));
        }
        Value::Bytes(bytes) => {
            inner.bytes(&[0xa5, 2]);
            inner.u16(8000);
            inner.bytes(bytes);
        }
    }
    out.u32(u32::try_from(inner.0.len()).map_err(|_| Unfit)?);
    out.bytes(&inner.0);
    Ok(())
}

fn date_low(out: &mut Out, day: i64) -> Result<(), Unfit> {
    out.low(u128::try_from(day).map_err(|_| Unfit)?, 3);
    Ok(())
}

fn clock_low(out: &mut Out, ticks: u64, scale: u8) {
    out.low((ticks / 10u64.pow(u32::from(7 - scale))).into(), time_bytes(scale).into());
}

fn write_time(out: &mut Out, kind: &Kind, value: &Value) -> Result<(), Unfit> {
    let mut inner = Out::default();
    if *kind == Kind::Date {
        date_low(&mut inner, value.moment()?.day)?;
    } else if let Kind::Time(scale) = kind {
        let ticks = moment::time(&value.text()).ok_or(Unfit)?;
        clock_low(&mut inner, Moment { day: 0, ticks }.rounded(*scale).ticks, *scale);
    } else if let Kind::Datetime2(scale) = kind {
        let moment = value.moment()?.rounded(*scale);
        clock_low(&mut inner, moment.ticks, *scale);
        date_low(&mut inner, moment.day)?;
    } else if let Kind::Datetimeoffset(scale) = kind {
        let (moment, offset) = Moment::parse_with_offset(&value.text()).ok_or(Unfit)?;
        let moment = moment.rounded(*scale);
        clock_low(&mut inner, moment.ticks, *scale);
        date_low(&mut inner, moment.day)?;
        inner.bytes(&offset.to_le_bytes());
    } else if *kind == Kind::Smalldatetime {
        let (days, minutes) = value.moment()?.smalldatetime().ok_or(Unfit)?;
        inner.u16(days);
        inner.u16(minutes);
    } else {
        let (days, fragments) = value.moment()?.datetime();
        inner.bytes(&days.to_le_bytes());
        inner.u32(fragments);
    }
    counted(out, &inner.0);
    Ok(())
}

/// Reads the value of a parameter. `token` is the first byte of the announcement of its type.
pub(crate) fn read(input: &mut In<'_>, kind: &Kind, token: u8) -> Result<Value, Malformed> {
    if let Kind::Varchar(None) | Kind::Nvarchar(None) | Kind::Varbinary(None) = kind {
        return read_chunks(input)?.map_or(Ok(Value::Null), |bytes| of_bytes(kind, &bytes));
    }
    if kind.is_old_large_object() {
        return match input.u32()? {
            u32::MAX => Ok(Value::Null),
            size => of_bytes(kind, input.take(usize::try_from(size).map_err(|_| Malformed)?)?),
        };
    }
    if kind.is_text() || matches!(kind, Kind::Binary(_) | Kind::Varbinary(_)) {
        return read_sized(input, kind);
    }
    let size = if Kind::is_fixed_token(token) {
        usize::try_from(kind.described().max_length).map_err(|_| Malformed)?
    } else {
        usize::from(input.u8()?)
    };
    if size == 0 { Ok(Value::Null) } else { read_fixed(kind, input.take(size)?) }
}

/// The bytes that a text is stored as on the server.
pub(crate) fn text_bytes(value: &Value, kind: &Kind) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Whole(_) | Value::Real(_) | Value::Text(_) | Value::Bytes(_) => {
            Value::Bytes(if *kind == Kind::Ntext { value.in_utf16() } else { value.in_codepage() })
        }
    }
}

/// The value as a column of the type would give it back. What is too long for a text or for bytes is cut, as a
/// conversion of the server does it.
pub(crate) fn convert(value: &Value, kind: &Kind) -> Result<Value, Unfit> {
    let untouched = kind.is_old_large_object()
        || matches!(
            kind,
            Kind::Rowversion | Kind::SqlVariant | Kind::Xml | Kind::Clr(_) | Kind::Nvarchar(None)
        )
        || matches!(kind, Kind::Varbinary(_) | Kind::Binary(_));
    let bytes_in_text = kind.is_text() && matches!(value, Value::Bytes(_));
    if untouched || bytes_in_text || *value == Value::Null {
        return Ok(value.clone());
    }
    let mut announced = Out::default();
    kind.announce(&mut announced);
    let mut travelling = Out::default();
    write(&mut travelling, kind, &cut(value, kind))?;
    read(&mut In::new(&travelling.0), kind, announced.0[0]).map_err(|_| Unfit)
}

/// Whether a column of the type has no room for a value; blanks at the end of a text need none.
pub(crate) fn is_too_long(value: &Value, kind: &Kind) -> bool {
    match (kind, value) {
        (
            Kind::Char(size) | Kind::Nchar(size) | Kind::Varchar(Some(size)) | Kind::Nvarchar(Some(size)),
            Value::Text(text),
        ) => text.trim_end_matches(' ').chars().count() > usize::from(*size),
        (Kind::Binary(size) | Kind::Varbinary(Some(size)), Value::Bytes(bytes)) => {
            bytes.len() > usize::from(*size)
        }
        (_, _) => false,
    }
}

fn cut(value: &Value, kind: &Kind) -> Value {
    if let Kind::Char(size) | Kind::Nchar(size) | Kind::Varchar(Some(size)) | Kind::Nvarchar(Some(size)) =
        kind
    {
        return Value::Text(value.text().chars().take((*size).into()).collect());
    }
    value.clone()
}

fn of_bytes(kind: &Kind, bytes: &[u8]) -> Result<Value, Malformed> {
    if matches!(kind, Kind::Char(_) | Kind::Varchar(_) | Kind::Text) {
        return Ok(Value::Text(codepage::decode(bytes)));
    }
    if kind.is_text() { utf16(bytes).map(Value::Text) } else { Ok(Value::Bytes(bytes.to_vec())) }
}

fn read_sized(input: &mut In<'_>, kind: &Kind) -> Result<Value, Malformed> {
    match input.u16()? {
        u16::MAX => Ok(Value::Null),
        size => of_bytes(kind, input.take(size.into())?),
    }
}

fn read_chunks(input: &mut In<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    if input.u64()? == u64::MAX {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    loop {
        match input.length()? {
            0 => return Ok(Some(bytes)),
            size => bytes.extend_from_slice(input.take(size)?),
        }
    }
}

fn read_fixed(kind: &Kind, bytes: &[u8]) -> Result<Value, Malformed> {
    let mut input = In::new(bytes);
    Ok(match kind {
        Kind::Bit | Kind::Tinyint => Value::Whole(input.u8()?.into()),
        Kind::Smallint => Value::Whole(i16::from_le_bytes(input.array()?).into()),
        Kind::Int => Value::Whole(i32::from_le_bytes(input.array()?).into()),
        Kind::Bigint => Value::Whole(i64::from_le_bytes(input.array()?)),
        Kind::Real => Value::Real(f32::from_le_bytes(input.array()?).into()),
        Kind::Float => Value::Real(f64::from_le_bytes(input.array()?)),
        Kind::Decimal(_, scale) | Kind::Numeric(_, scale) => {
            let positive = input.u8()? == 1;
            let number = input.low(bytes.len() - 1)?;
            Value::Text(unscaled(!positive, number, *scale))
        }
        Kind::Money => {
            let halves: [u8; 8] = input.array()?;
            let [a, b, c, d, e, f, g, h] = halves;
            Value::Text(money_text(i64::from_le_bytes([e, f, g, h, a, b, c, d])))
        }
        Kind::Smallmoney => Value::Text(money_text(i32::from_le_bytes(input.array()?).into())),
        Kind::Uniqueidentifier => Value::Text(guid_text(input.array()?)),
        Kind::Date | Kind::Time(_) | Kind::Datetime | Kind::Smalldatetime => {
            Value::Text(read_time(kind, bytes)?)
        }
        Kind::Datetime2(_) | Kind::Datetimeoffset(_) => Value::Text(read_time(kind, bytes)?),
        Kind::Char(_) | Kind::Varchar(_) | Kind::Nchar(_) | Kind::Nvarchar(_) | Kind::Text | Kind::Ntext => {
            return Err(Malformed);
        }
        Kind::Image | Kind::Binary(_) | Kind::Varbinary(_) | Kind::Rowversion => return Err(Malformed),
        Kind::SqlVariant | Kind::Xml | Kind::Clr(_) => return Err(Malformed),
    })
}

fn money_text(ten_thousandths: i64) -> String {
    unscaled(ten_thousandths < 0, ten_thousandths.unsigned_abs().into(), 4)
}

fn read_time(kind: &Kind, bytes: &[u8]) -> Result<String, Malformed> {
    let mut input = In::new(bytes);
    let clock = |input: &mut In<'_>, scale: u8| -> Result<u64, Malformed> {
        let count = input.low(time_bytes(scale).into())?;
        Ok(u64::try_from(count).map_err(|_| Malformed)? * 10u64.pow(u32::from(7 - scale)))
    };
    let day = |input: &mut In<'_>| i64::try_from(input.low(3)?).map_err(|_| Malformed);
    if let Kind::Time(scale) = kind {
        return Ok(moment::time_text(clock(&mut input, *scale)?, *scale));
    }
    if let Kind::Datetime2(scale) = kind {
        let ticks = clock(&mut input, *scale)?;
        return Ok(Moment { day: day(&mut input)?, ticks }.text(*scale));
    }
    if let Kind::Datetimeoffset(scale) = kind {
        let ticks = clock(&mut input, *scale)?;
        let moment = Moment { day: day(&mut input)?, ticks };
        let offset = i16::from_le_bytes(input.array()?);
        let local = moment.shifted(offset.into()).text(*scale);
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
        return Ok(format!("{local} {sign}{:02}:{:02}", minutes / 60, minutes % 60));
    }
    if *kind == Kind::Smalldatetime {
        return Ok(Moment::from_smalldatetime(input.u16()?, input.u16()?).text(0));
    }
    if *kind == Kind::Datetime {
        return Ok(Moment::from_datetime(i32::from_le_bytes(input.array()?), input.u32()?).text(3));
    }
    Ok(moment::date_text(day(&mut input)?))
}

#[cfg(test)]
mod tests;
