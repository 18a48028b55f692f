//! The same thing again within some days.

use crate::calendar::parse_date_part;
use crate::functions::{AcrossRows, BeginAcross, SettingError, Settings};
use crate::lookups::{RowSet, join_key};

const DEFAULT_DAYS: i32 = 7;

/// Makes ready what finds the rows that repeat an earlier row of the same group within a number of days.
/// The first text is the date, the others make the group; a row without a date or with an empty part of
/// the group repeats nothing.
pub(crate) fn repeats_within(settings: &Settings<'_>) -> Result<BeginAcross, SettingError> {
    let days = settings.argument("days").map_or(Some(DEFAULT_DAYS), |days| days.parse().ok());
    let days = days.filter(|days| *days >= 0);
    let days = days.ok_or_else(|| "`days` is not a whole number of days from 0 on".to_owned())?;
    Ok(Box::new(move || Box::new(Repeats { days, seen: Vec::new() })))
}

struct Repeats {
    days: i32,
    /// The group, the day and the place of each row.
    seen: Vec<(Box<str>, i32, u64)>,
}

impl AcrossRows for Repeats {
    fn add(&mut self, place: u64, texts: &[Option<&str>]) {
        let Some((date, group)) = texts.split_first() else { return };
        let Some(date) = date.and_then(parse_date_part) else { return };
        if let Some(key) = join_key(group.iter().copied()) {
            self.seen.push((key.into_owned().into_boxed_str(), date, place));
        }
    }

    /// A row is tied to its group.
    fn ties(&self, texts: &[Option<&str>]) -> Vec<String> {
        let group = texts.split_first().and_then(|(_, group)| join_key(group.iter().copied()));
        group.into_iter().map(std::borrow::Cow::into_owned).collect()
    }

    fn finish(mut self: Box<Self>) -> RowSet {
        self.seen.sort_unstable();
        let again = |pair: &&[(Box<str>, i32, u64)]| {
            pair[0].0 == pair[1].0 && pair[1].1.saturating_sub(pair[0].1) <= self.days
        };
        RowSet::new(self.seen.windows(2).filter(again).map(|pair| pair[1].2).collect())
    }
}
