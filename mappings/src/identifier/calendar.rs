//! Whether the date inside an identifier exists.

/// The centuries that a birth date can have in a register of persons: 1800 to 2099.
pub(super) const BIRTH_CENTURIES: [u8; 3] = [18, 19, 20];

/// True when the day exists in the Gregorian calendar.
pub(super) fn date_exists(year: u16, month: u8, day: u8) -> bool {
    (1..=days_in_month(year, month)).contains(&day)
}

/// True when the day exists in at least one century that a birth date can have.
pub(super) fn date_exists_in_some_century(year_of_century: u8, month: u8, day: u8) -> bool {
    BIRTH_CENTURIES.iter().any(|century| date_exists(full_year(*century, year_of_century), month, day))
}

/// The year from its century (`19`) and its year within that (`76`).
pub(super) fn full_year(century: u8, year_of_century: u8) -> u16 {
    u16::from(century) * 100 + u16::from(year_of_century)
}

fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 0,
    }
}

fn is_leap(year: u16) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

#[cfg(test)]
mod tests {
    use super::{date_exists, date_exists_in_some_century};

    #[test]
    fn months_end_where_they_end() {
        let last: Vec<u8> = (0..=13)
            .map(|month| (0..=40).filter(|day| date_exists(1999, month, *day)).count())
            .map(|count| u8::try_from(count).expect("a month is short"))
            .collect();
        assert_eq!(last, [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0]);
    }

    #[test]
    fn leap_years_follow_the_gregorian_rule() {
        let leap = |year| date_exists(year, 2, 29);
        assert!(leap(1996) && leap(2000) && leap(2024));
        assert!(!leap(1800) && !leap(1900) && !leap(1999));
    }

    #[test]
    fn without_a_century_one_that_fits_is_enough() {
        assert!(date_exists_in_some_century(0, 2, 29), "2000 was a leap year");
        assert!(!date_exists_in_some_century(1, 2, 29));
        assert!(!date_exists_in_some_century(0, 2, 30));
    }
}
