//! One visit: when it was planned, when it was made and what was done.

use crate::calendar::{Month, Stamp, TODAY};
use crate::rng::Rng;

/// How a visit's times are wrong (D58), if they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeDefect {
    /// It ended before it started.
    Backwards,
    /// It lasted longer than a day.
    TooLong,
}

/// One visit.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) plan_start: Stamp,
    pub(super) plan_end: Stamp,
    pub(super) made: Option<(Stamp, Stamp)>,
    pub(super) minutes: i32,
    pub(super) double: bool,
    /// `AvbOrsak` of a visit that was not made.
    pub(super) reason: &'static str,
}

/// The insatser of home help, with their weights.
const INSATSER: [&str; 5] = ["HTOM", "HTSE", "MATD", "LEDS", "AVLÖ"];
const WEIGHTS: [u32; 5] = [55, 30, 8, 4, 3];

/// The code of something done during a visit.
pub(super) fn draw_insats(rng: &mut Rng) -> &'static str {
    INSATSER[rng.weighted(&WEIGHTS)]
}

/// Draws the visit with this number out of the month's `count`: spread over the days, and within a day from
/// seven in the morning to ten at night.
pub(super) fn draw(
    month: Month,
    number: i32,
    count: i32,
    defect: Option<TimeDefect>,
    rng: &mut Rng,
) -> Visit {
    let days = month.days();
    let day_index = number * days / count;
    let first_of_day = (day_index * count + days - 1) / days;
    let per_day = count / days + 1;
    let slot = 840 / per_day;
    let start = 420 + (number - first_of_day) * slot + rng.between(0, slot / 2);
    let minutes = rng.between(3, 10) * 5;
    let plan_start = Stamp::at(month.day(day_index + 1), 0, 0).plus_minutes(start.min(1_320));
    let plan_end = plan_start.plus_minutes(minutes);
    let fact_start = plan_start.plus_minutes(rng.between(-9, 12));
    let fact_end = fact_start.plus_minutes((minutes + rng.between(-10, 9)).max(6));
    let cancelled = rng.chance(25, 1_000);
    // A visit that lasts into the third day would end after the city's last one.
    let room = month.day(day_index + 1).plus(2) <= TODAY;
    let made = match defect {
        Some(TimeDefect::TooLong) if room => {
            Some((fact_start, fact_start.plus_minutes(1_441 + rng.between(0, 900))))
        }
        Some(TimeDefect::Backwards | TimeDefect::TooLong) => {
            Some((fact_start, fact_start.plus_minutes(-rng.between(5, 90))))
        }
        None if cancelled => None,
        None => Some((fact_start, fact_end)),
    };
    let reason = rng.pick(&["kund ej hemma", "kund inlagd", "avbokat"]);
    Visit { plan_start, plan_end, made, minutes, double: rng.chance(60, 1_000), reason }
}

impl Visit {
    /// Moves the visit in time, plan and all.
    pub(super) fn shift(&mut self, minutes: i32) {
        self.plan_start = self.plan_start.plus_minutes(minutes);
        self.plan_end = self.plan_end.plus_minutes(minutes);
        self.made = self.made.map(|(start, end)| (start.plus_minutes(minutes), end.plus_minutes(minutes)));
    }

    /// Makes it a visit that did not come about.
    pub(super) fn cancel(&mut self, reason: &'static str) {
        self.made = None;
        self.reason = reason;
    }

    /// The time that the employee really was there, if the visit was made: of a visit whose times are wrong
    /// (D58) as long as planned.
    pub(super) fn presence(&self) -> Option<(Stamp, Stamp)> {
        let (start, end) = self.made?;
        let plausible = (1..=1_440).contains(&start.minutes_to(end));
        Some((start, if plausible { end } else { start.plus_minutes(self.minutes) }))
    }
}
