//! Cron expressions of five fields, and the moments that they name in a time zone.
//!
//! The fields are minute, hour, day of the month, month and day of the week. A field is `*`, or numbers, ranges `1-5`
//! and steps `*/15` or `8-16/2`, joined by commas; months and days of the week have English names of three letters as
//! well, and Sunday is 0 and 7. Nothing else is taken: an expression that one program reads otherwise than another is
//! worse than one that is longer.
//!
//! Where both days are given, either is enough, as cron has always had it; a field that begins with `*` counts as not
//! given, and both must fit then.
//!
//! Twice a year the clocks change. What runs at given hours runs once for each time that it names: at the end of the
//! gap when the clocks skipped its time, and the first time only when they show it twice. What runs every hour or
//! every few hours (an hour field that begins with `*`) runs as time goes by: in both of the hours that are shown
//! twice, and not in one that never was.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// A day that is named at all comes within these days: 29 February on a given day of the week takes up to 40 years.
const SEARCHED_DAYS: u32 = 41 * 366;

/// What a field may hold.
struct Kind {
    name: &'static str,
    first: i8,
    last: i8,
    /// The names of the numbers from `first` on.
    names: &'static [&'static str],
}

const MINUTE: Kind = Kind { name: "minute", first: 0, last: 59, names: &[] };
const HOUR: Kind = Kind { name: "hour", first: 0, last: 23, names: &[] };
const DAY: Kind = Kind { name: "day of the month", first: 1, last: 31, names: &[] };
const MONTH: Kind = Kind {
    name: "month",
    first: 1,
    last: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAY: Kind = Kind {
    name: "day of the week",
    first: 0,
    last: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/// The fields in the order in which they are written.
const KINDS: [Kind; 5] = [MINUTE, HOUR, DAY, MONTH, WEEKDAY];

/// One field, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The numbers; of the days of the week 0 to 6, from Sunday.
    pub(super) values: BTreeSet<i8>,
    /// Whether it begins with `*`.
    pub(super) is_open: bool,
}

/// A cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    pub(super) minutes: Field,
    pub(super) hours: Field,
    pub(super) days: Field,
    pub(super) months: Field,
    pub(super) weekdays: Field,
}

/// Why a text is no cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronError {
    /// The place in the text, in bytes.
    pub at: Range<usize>,
    /// What is wrong, in one line.
    pub message: String,
}

impl Cron {
    /// Reads an expression.
    ///
    /// # Errors
    /// When it is not of the form that the module describes, or names no day that ever comes.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let words = words(text);
        if words.len() != KINDS.len() {
            let message = format!("a cron expression has five fields, and this one has {}", words.len());
            return Err(CronError { at: 0..text.len(), message });
        }
        let fields = words.into_iter().zip(&KINDS).map(|(at, kind)| field(text, at, kind));
        let [minutes, hours, days, months, weekdays] =
            <[Field; 5]>::try_from(fields.collect::<Result<Vec<_>, _>>()?).expect("five words, five fields");
        let cron = Self { minutes, hours, days, months, weekdays };
        if !cron.ever_comes() {
            let message = "no year has such a day".to_owned();
            return Err(CronError { at: 0..text.len(), message });
        }
        Ok(cron)
    }

    /// The first moment after another that the expression names.
    ///
    /// `None` only at the end of the calendar.
    #[must_use]
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = zone.to_datetime(after).date();
        // A time of the day before may have been skipped by a gap that ends today.
        let mut day = today.yesterday().unwrap_or(today);
        for _ in 0..SEARCHED_DAYS {
            if self.names_day(day)
                && let Some(first) = self.first_on(day, after, zone)
            {
                return Some(first);
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    /// Whether the hours follow one another as time goes by, whatever the clocks show.
    pub(super) const fn follows_time(&self) -> bool {
        self.hours.is_open
    }

    /// Whether a day that fits either field of days is enough.
    pub(super) const fn takes_either_day(&self) -> bool {
        !self.days.is_open && !self.weekdays.is_open
    }

    fn names_day(&self, day: Date) -> bool {
        let of_month = self.days.values.contains(&day.day());
        let of_week = self.weekdays.values.contains(&day.weekday().to_sunday_zero_offset());
        let fits = if self.takes_either_day() { of_month || of_week } else { of_month && of_week };
        fits && self.months.values.contains(&day.month())
    }

    fn ever_comes(&self) -> bool {
        let longest = |month: &i8| match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let first = self.days.values.first().copied().unwrap_or(i8::MAX);
        let has_day = self.months.values.iter().any(|month| first <= longest(month));
        has_day || self.takes_either_day()
    }

    /// The times of a day, in their order.
    fn times(&self) -> impl Iterator<Item = Time> {
        let hours = self.hours.values.iter();
        hours.flat_map(|hour| {
            let minutes = self.minutes.values.iter();
            minutes.map(|minute| Time::constant(*hour, *minute, 0, 0))
        })
    }

    /// The first moment of a day after another.
    fn first_on(&self, day: Date, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let starts = [Some(day), day.tomorrow().ok()].map(|day| zone.to_timestamp(day?.at(0, 0, 0, 0)).ok());
        let offsets = starts.map(|start| start.map(|start| zone.to_offset(start)));
        if offsets[0].is_none() || offsets[0] != offsets[1] {
            let moments = self.times().flat_map(|time| self.moments(day.to_datetime(time), zone));
            return moments.filter(|moment| *moment > after).min();
        }
        let local = zone.to_datetime(after);
        let passed = (local.date() == day).then(|| local.time());
        if local.date() > day {
            return None;
        }
        let time = self.times().find(|time| passed.is_none_or(|passed| *time > passed))?;
        zone.to_timestamp(day.to_datetime(time)).ok()
    }

    /// The moments at which a local time is run.
    fn moments(&self, local: DateTime, zone: &TimeZone) -> Vec<Timestamp> {
        let at = |offset: jiff::tz::Offset| offset.to_timestamp(local).ok();
        let found = match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => vec![at(offset)],
            AmbiguousOffset::Fold { before, after } if self.follows_time() => vec![at(before), at(after)],
            AmbiguousOffset::Fold { before, .. } => vec![at(before)],
            AmbiguousOffset::Gap { .. } if self.follows_time() => Vec::new(),
            // Read by the later offset, the time lies before the change, which is where the gap ends.
            AmbiguousOffset::Gap { after, .. } => {
                let change = at(after).and_then(|moment| zone.following(moment).next());
                vec![change.map(|change| change.timestamp())]
            }
        };
        found.into_iter().flatten().collect()
    }
}

/// The places of the words of a text.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut is_inside = false;
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        match words.last_mut() {
            _ if character.is_ascii_whitespace() => is_inside = false,
            Some(word) if is_inside => word.end = end,
            _ => {
                words.push(at..end);
                is_inside = true;
            }
        }
    }
    words
}

fn field(text: &str, at: Range<usize>, kind: &Kind) -> Result<Field, CronError> {
    let word = &text[at.clone()];
    let mut values = BTreeSet::new();
    let mut start = at.start;
    for part in word.split(',') {
        let found = numbers(part, kind);
        values.extend(found.map_err(|message| CronError { at: start..start + part.len(), message })?);
        start += part.len() + 1;
    }
    if kind.name == WEEKDAY.name && values.remove(&WEEKDAY.last) {
        values.insert(WEEKDAY.first);
    }
    Ok(Field { values, is_open: word.starts_with('*') })
}

/// The numbers that one part of a field names.
fn numbers(part: &str, kind: &Kind) -> Result<Vec<i8>, String> {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (part, None),
    };
    let (first, last) = match range.split_once('-') {
        _ if range == "*" => (kind.first, kind.last.min(if kind.name == WEEKDAY.name { 6 } else { i8::MAX })),
        Some((first, last)) => (number(first, kind)?, number(last, kind)?),
        None if step.is_some() => {
            let step = step.unwrap_or_default();
            return Err(format!("a step needs a range: `*/{step}` or `{range}-{}/{step}`", kind.last));
        }
        None => {
            let only = number(range, kind)?;
            (only, only)
        }
    };
    if first > last {
        return Err(format!("the range of the {} ends before it begins", kind.name));
    }
    let step = match step.map(str::parse::<i8>) {
        None => 1,
        Some(Ok(step)) if step > 0 && step <= last - first => step,
        Some(_) => {
            return Err(format!("a step of the {} here is a number from 1 to {}", kind.name, last - first));
        }
    };
    let step = usize::try_from(step).expect("a step is above zero");
    Ok((first..=last).step_by(step).collect())
}

fn number(word: &str, kind: &Kind) -> Result<i8, String> {
    let named = kind.names.iter().zip(kind.first..).find(|(name, _)| name.eq_ignore_ascii_case(word));
    let is_plain = word.bytes().all(|byte| byte.is_ascii_digit());
    let number = named.map(|(_, number)| number).or_else(|| word.parse().ok().filter(|_| is_plain));
    number.filter(|number| (kind.first..=kind.last).contains(number)).ok_or_else(|| {
        let names = match kind.names {
            [first, .., last] => format!(", or a name from {first} to {last}"),
            _ => String::new(),
        };
        format!("`{word}` is no {}: that is a number from {} to {}{names}", kind.name, kind.first, kind.last)
    })
}
