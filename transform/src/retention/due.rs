//! When a file may and must be destroyed, in days since 1970-01-01.

use bron_mappings::{RetentionFinish, RetentionRule, RetentionTrigger};

use crate::calendar::{civil, days_of};

/// The first day on which a record with this last event may be destroyed; `None` when the rule has no time.
pub(super) fn from(rule: &RetentionRule, last: i32) -> Option<i32> {
    let years = i32::from(rule.years?);
    let (year, month, day) = civil(last);
    match rule.trigger {
        // A year without the 29th of February counts to the 28th.
        RetentionTrigger::LastEvent => {
            date(year + years, month, day).or_else(|| date(year + years, month, day - 1))
        }
        RetentionTrigger::EndOfYear => date(year + years + 1, 1, 1),
    }
}

/// The last day on which destruction that became a duty on this day is in time; `None` when nobody has to.
pub(super) fn latest(rule: &RetentionRule, from: i32) -> Option<i32> {
    match rule.finish {
        RetentionFinish::EndOfNextYear => date(civil(from).0 + 1, 12, 31),
        RetentionFinish::Never => None,
    }
}

/// The day of the month.
pub(super) fn day_of_month(day: i32) -> u8 {
    civil(day).2
}

fn date(year: i32, month: u8, day: u8) -> Option<i32> {
    days_of(u16::try_from(year).ok()?, month, day)
}
