//! Days on which no unit may switch.
//!
//! Payments, statistics and the turn of the year must not meet a switch: from two days before a window to one day after
//! it no unit changes its owner, unless a named person overrides it and says why. The windows are data.

use std::fmt;

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

/// Days that are frozen before a window.
const BEFORE: i64 = 2;
/// Days that are frozen after a window.
const AFTER: i64 = 1;

/// The windows of the city, as far as they are known; settings may bring others.
const CITY: &str = include_str!("freeze-calendar.json");

/// When a window comes round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Recurrence {
    /// Every month, from one day to another.
    Monthly {
        /// The first day of the window, from 1.
        from: i8,
        /// The last; a month that is shorter ends the window with its last day.
        to: i8,
    },
    /// The last day of every month.
    EndOfMonth,
    /// Every year, from one day to another, both written as month and day; not over the turn of the year.
    Yearly {
        /// The month and day of the first day.
        from: (i8, i8),
        /// The month and day of the last.
        to: (i8, i8),
    },
    /// The last Sunday of a month, when the clocks are turned.
    LastSunday {
        /// The month, from 1.
        month: i8,
    },
    /// Once.
    Once {
        /// The first day.
        #[serde(with = "day")]
        from: Date,
        /// The last day.
        #[serde(with = "day")]
        to: Date,
    },
}

/// Days as text: `2027-02-22`.
mod day {
    use jiff::civil::Date;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(day: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(day)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Its name for the business, in Swedish.
    pub name: String,
    /// When it comes round.
    pub when: Recurrence,
}

/// All windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FreezeCalendar {
    windows: Vec<Window>,
}

/// A window that keeps a day frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Its name.
    pub window: String,
    /// The first frozen day.
    pub from: Date,
    /// The last frozen day.
    pub to: Date,
}

/// A person's decision to switch on a frozen day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Who decided.
    pub person: String,
    /// Why.
    pub reason: String,
}

impl Override {
    /// The decision; `None` without a name or without a reason.
    #[must_use]
    pub fn new(person: &str, reason: &str) -> Option<Self> {
        let (person, reason) = (person.trim(), reason.trim());
        let is_whole = !person.is_empty() && !reason.is_empty();
        is_whole.then(|| Self { person: person.to_owned(), reason: reason.to_owned() })
    }
}

/// A window that is no window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeError {
    /// The name of the window, or what is wrong with the whole.
    pub context: String,
}

impl fmt::Display for FreezeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the freeze calendar cannot be used: {}", self.context)
    }
}

impl std::error::Error for FreezeError {}

impl FreezeCalendar {
    /// A calendar of these windows.
    ///
    /// # Errors
    /// When a window names a day that does not exist, or ends before it begins.
    pub fn new(windows: Vec<Window>) -> Result<Self, FreezeError> {
        match windows.iter().find(|window| !window.when.is_sound()) {
            Some(window) => Err(FreezeError { context: format!("window {:?}", window.name) }),
            None => Ok(Self { windows }),
        }
    }

    /// Reads a list of windows in JSON.
    ///
    /// # Errors
    /// When the text is not of that form, and as [`FreezeCalendar::new`].
    pub fn parse(json: &str) -> Result<Self, FreezeError> {
        let read: Self =
            serde_json::from_str(json).map_err(|error| FreezeError { context: error.to_string() })?;
        Self::new(read.windows)
    }

    /// The windows of the city.
    ///
    /// # Panics
    /// Never: the file is part of the program, and a test reads it.
    #[must_use]
    pub fn of_the_city() -> Self {
        Self::parse(CITY).expect("the calendar in the program is sound")
    }

    /// The windows.
    #[must_use]
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// The windows that keep a day frozen, in the order of the calendar; none when a unit may switch.
    #[must_use]
    pub fn freezes(&self, day: Date) -> Vec<Freeze> {
        self.windows.iter().filter_map(|window| window.freeze(day)).collect()
    }

    /// Whether a unit may switch on a day.
    ///
    /// # Errors
    /// The freezes that forbid it, when nobody overrides them.
    pub fn permits(&self, day: Date, overridden: Option<&Override>) -> Result<(), Vec<Freeze>> {
        let freezes = self.freezes(day);
        if freezes.is_empty() || overridden.is_some() { Ok(()) } else { Err(freezes) }
    }
}

impl Window {
    fn freeze(&self, day: Date) -> Option<Freeze> {
        let around = self.when.around(day).into_iter();
        let mut frozen = around.map(|(from, to)| (shifted(from, -BEFORE), shifted(to, AFTER)));
        let (from, to) = frozen.find(|(from, to)| (*from..=*to).contains(&day))?;
        Some(Freeze { window: self.name.clone(), from, to })
    }
}

impl Recurrence {
    fn is_sound(&self) -> bool {
        let is_day = |(month, day): (i8, i8)| Date::new(2024, month, day).is_ok();
        match self {
            Self::Monthly { from, to } => 1 <= *from && from <= to && *to <= 31,
            Self::EndOfMonth => true,
            Self::Yearly { from, to } => is_day(*from) && is_day(*to) && from <= to,
            Self::LastSunday { month } => (1..=12).contains(month),
            Self::Once { from, to } => from <= to,
        }
    }

    /// The windows whose freeze may hold a day: those of its month and of the months beside it.
    fn around(&self, day: Date) -> Vec<(Date, Date)> {
        let months = (-1..=1).filter_map(|months| day.first_of_month().checked_add(months.months()).ok());
        match self {
            Self::Once { from, to } => vec![(*from, *to)],
            Self::Monthly { from, to } => months
                .filter(|month| *from <= month.days_in_month())
                .map(|month| span(month, *from, *to))
                .collect(),
            Self::EndOfMonth => months.map(|month| (month.last_of_month(), month.last_of_month())).collect(),
            Self::LastSunday { month } => months
                .filter(|first| first.month() == *month)
                .filter_map(|first| first.nth_weekday_of_month(-1, Weekday::Sunday).ok())
                .map(|sunday| (sunday, sunday))
                .collect(),
            Self::Yearly { from, to } => {
                let years = [day.year() - 1, day.year(), day.year() + 1].into_iter();
                let of = |year, (month, day): (i8, i8)| {
                    let first = Date::new(year, month, 1).ok()?;
                    Some(span(first, day, day).0)
                };
                years.filter_map(|year| Some((of(year, *from)?, of(year, *to)?))).collect()
            }
        }
    }
}

/// Days of a month, as far as the month has them.
fn span(first: Date, from: i8, to: i8) -> (Date, Date) {
    let on = |day: i8| first.with().day(day.min(first.days_in_month())).build().unwrap_or(first);
    (on(from), on(to))
}

fn shifted(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frozen(calendar: &FreezeCalendar, day: &str) -> Vec<String> {
        calendar.freezes(day.parse().unwrap()).into_iter().map(|freeze| freeze.window).collect()
    }

    fn one(when: Recurrence) -> FreezeCalendar {
        FreezeCalendar::new(vec![Window { name: "w".to_owned(), when }]).unwrap()
    }

    fn frozen_days(calendar: &FreezeCalendar, from: &str, days: usize) -> Vec<String> {
        let from: Date = from.parse().unwrap();
        let series = from.series(1.day()).take(days);
        series.filter(|day| !calendar.freezes(*day).is_empty()).map(|day| day.to_string()).collect()
    }

    #[test]
    fn a_freeze_begins_two_days_before_and_ends_one_day_after() {
        let monthly = one(Recurrence::Monthly { from: 6, to: 6 });
        assert_eq!(
            frozen_days(&monthly, "2027-03-01", 31),
            ["2027-03-04", "2027-03-05", "2027-03-06", "2027-03-07"]
        );
    }

    #[test]
    fn windows_reach_over_the_turn_of_months_and_years() {
        let new_year = one(Recurrence::Yearly { from: (1, 1), to: (1, 1) });
        assert_eq!(
            frozen_days(&new_year, "2026-12-20", 30),
            ["2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02"]
        );
        let end = one(Recurrence::EndOfMonth);
        assert_eq!(
            frozen_days(&end, "2027-02-10", 25),
            ["2027-02-26", "2027-02-27", "2027-02-28", "2027-03-01"]
        );
        let long = one(Recurrence::Monthly { from: 31, to: 31 });
        assert_eq!(frozen_days(&long, "2027-02-10", 40).first().map(String::as_str), None);
        let leap = one(Recurrence::Yearly { from: (2, 29), to: (2, 29) });
        assert!(!leap.freezes("2027-02-28".parse().unwrap()).is_empty());
    }

    #[test]
    fn the_clocks_are_turned_on_the_last_sunday() {
        let turned = one(Recurrence::LastSunday { month: 3 });
        assert_eq!(
            frozen_days(&turned, "2027-03-01", 40),
            ["2027-03-26", "2027-03-27", "2027-03-28", "2027-03-29"]
        );
    }

    #[test]
    fn the_citys_calendar_leaves_days_to_switch_on() {
        let city = FreezeCalendar::of_the_city();
        assert_eq!(frozen(&city, "2027-02-10"), Vec::<String>::new());
        assert_eq!(frozen(&city, "2027-02-22"), ["Huvudutbetalning av ekonomiskt bistånd"]);
        assert!(frozen(&city, "2026-12-30").len() > 1);
        assert!(frozen(&city, "2027-04-12").iter().any(|name| name.contains("årsfil")));
    }

    #[test]
    fn only_a_named_person_with_a_reason_switches_on_a_frozen_day() {
        let city = FreezeCalendar::of_the_city();
        let day = "2027-02-22".parse().unwrap();
        assert_eq!(city.permits(day, None).unwrap_err().len(), 1);
        assert!(Override::new("", "brådskande").is_none() && Override::new("A. Chef", " ").is_none());
        assert_eq!(city.permits(day, Override::new("A. Chef", "beslut 7").as_ref()), Ok(()));
    }

    #[test]
    fn a_window_reads_as_it_is_written() {
        let text = r#"[{"name":"w","when":{"once":{"from":"2027-05-03","to":"2027-05-04"}}}]"#;
        let calendar = FreezeCalendar::parse(text).unwrap();
        assert_eq!(serde_json::to_string(&calendar).unwrap(), text);
        assert_eq!(frozen_days(&calendar, "2027-04-20", 30).len(), 5);
    }

    #[test]
    fn windows_that_are_none_are_refused() {
        for when in [
            Recurrence::Monthly { from: 0, to: 3 },
            Recurrence::Monthly { from: 9, to: 3 },
            Recurrence::Yearly { from: (2, 30), to: (3, 1) },
            Recurrence::LastSunday { month: 13 },
        ] {
            assert!(FreezeCalendar::new(vec![Window { name: "w".to_owned(), when }]).is_err());
        }
        assert!(FreezeCalendar::parse(r#"[{"name":"w","when":{"weekly":1}}]"#).is_err());
    }
}
