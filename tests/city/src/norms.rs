//! The calendars of the city: the cap on fees for home help, and the versions of the national norm.
//!
//! The product has calendars of its own below `mappings/codes` (`maxtaxa`, `riksnorm`); nothing is shared, so
//! that a mistake in one of them shows.

use crate::calendar::Month;

/// The most that home help may cost in a month, in öre. An invented straight line from 1530 kronor in 2005,
/// 40 kronor more each year, except 2019 (2089 kronor) and 2024 (2575 kronor), which are public facts.
pub(crate) fn maxtaxa_ore(month: Month) -> i64 {
    let kronor = match month.year() {
        2019 => 2_089,
        2024.. => 2_575,
        year => 1_530 + 40 * (year - 2005),
    };
    i64::from(kronor) * 100
}

/// The version of the national norm that applies to a month: the year and `01`.
pub(crate) fn norm_version(month: Month) -> String {
    format!("{}01", month.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendars_have_the_years_of_the_city() {
        let kronor = |year| maxtaxa_ore(Month::of(year, 6)) / 100;
        assert_eq!(
            [2005, 2018, 2019, 2020, 2023, 2024].map(kronor),
            [1_530, 2_050, 2_089, 2_130, 2_250, 2_575]
        );
        assert_eq!(norm_version(Month::of(2014, 10)), "201401");
    }
}
