//! Years and months as keys.

use bron_mappings::Value;

use super::Slice;

/// The key of rows that no valid year or month can be read from, on either side.
pub(super) const NO_PERIOD: &str = "(utan giltig period)";
/// The key of rows without a value to group by.
pub(super) const NO_VALUE: &str = "(saknas)";
/// The key of rows whose parent is not there.
pub(super) const NO_PARENT: &str = "(utan överordnad post)";

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The key that the slice of a value gives.
pub(super) fn key_of(slice: Slice, value: Option<Value<'_>>) -> String {
    match slice {
        Slice::Whole => value.map_or_else(|| NO_VALUE.to_owned(), text_of),
        Slice::Year => year_month(value).map_or_else(|| NO_PERIOD.to_owned(), |(year, _)| year),
        Slice::Month => match year_month(value) {
            Some((year, Some(month))) => format!("{year}-{month:02}"),
            Some((_, None)) | None => NO_PERIOD.to_owned(),
        },
    }
}

/// A value as text: ids and bytes in hexadecimal, dates by their day number.
pub(super) fn text_of(value: Value<'_>) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match value {
        Value::Text(text) => text.to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) | Value::Time(number) => number.to_string(),
        Value::Decimal(number) => number.to_string(),
        Value::Date(days) => days.to_string(),
        Value::Bytes(bytes) => hex(bytes),
        Value::Id(id) => hex(&id),
    }
}

fn year_month(value: Option<Value<'_>>) -> Option<(String, Option<u32>)> {
    match value? {
        Value::Text(text) => text_year_month(text),
        Value::Date(days) => civil_year_month(i64::from(days)),
        Value::Time(micros) => civil_year_month(micros.div_euclid(MICROS_PER_DAY)),
        Value::Bytes(_) | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Id(_) => None,
    }
}

fn text_year_month(text: &str) -> Option<(String, Option<u32>)> {
    let year =
        text.get(..4).filter(|year| year.bytes().all(|byte| byte.is_ascii_digit()) && *year != "0000")?;
    let rest = &text[4..];
    let month = rest.strip_prefix('-').unwrap_or(rest).get(..2);
    let month = month.filter(|month| month.bytes().all(|byte| byte.is_ascii_digit()));
    let month = month.and_then(|month| month.parse().ok()).filter(|month| (1..=12).contains(month));
    Some((year.to_owned(), month))
}

/// Year and month of a day number, in the Gregorian calendar. Counts years from 1 March, so that the leap
/// day is the last day of a year, and in cycles of 400 years, which all have the same length.
fn civil_year_month(days_since_1970: i64) -> Option<(String, Option<u32>)> {
    const DAYS_PER_400_YEARS: i64 = 146_097;
    const FROM_0000_03_01: i64 = 719_468;
    let days = days_since_1970 + FROM_0000_03_01;
    let cycle = days.div_euclid(DAYS_PER_400_YEARS);
    let day = days.rem_euclid(DAYS_PER_400_YEARS);
    let year_of_cycle = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let months_from_march = (5 * day_of_year + 2) / 153;
    let month = (months_from_march + 2) % 12 + 1;
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    let year = Some(year).filter(|year| (1..=9999).contains(year))?;
    Some((format!("{year:04}"), u32::try_from(month).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_dates_and_times_of_one_month_have_one_key() {
        let values = [
            Value::Text("201703"),
            Value::Text("2017-03"),
            Value::Text("2017-03-31 23:59:59.997"),
            Value::Text("20170301"),
            Value::Date(17_226),
            Value::Date(17_256),
            Value::Time(17_256 * MICROS_PER_DAY + 86_399_999_999),
        ];
        for value in values {
            assert_eq!(key_of(Slice::Month, Some(value)), "2017-03");
            assert_eq!(key_of(Slice::Year, Some(value)), "2017");
        }
    }

    #[test]
    fn the_calendar_knows_leap_years_and_the_ends_of_time() {
        let cases = [
            (0, "1970-01"),
            (-1, "1969-12"),
            (11_016, "2000-02"),
            (11_017, "2000-03"),
            (-25_509, "1900-02"),
            (-25_508, "1900-03"),
            (2_932_896, "9999-12"),
            (-719_162, "0001-01"),
        ];
        for (days, month) in cases {
            assert_eq!(key_of(Slice::Month, Some(Value::Date(days))), month, "day {days}");
        }
        assert_eq!(key_of(Slice::Year, Some(Value::Date(2_932_897))), NO_PERIOD);
    }

    #[test]
    fn what_is_no_period_has_one_key() {
        for text in ["", "20", "0000-00-00", "jan-15", "åååå", "201713"] {
            assert_eq!(key_of(Slice::Month, Some(Value::Text(text))), NO_PERIOD, "{text}");
        }
        assert_eq!(key_of(Slice::Month, None), NO_PERIOD);
        assert_eq!(key_of(Slice::Whole, None), NO_VALUE);
        assert_eq!(key_of(Slice::Whole, Some(Value::Text(""))), "");
    }
}
