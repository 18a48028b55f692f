//! Cron expressions as systemd writes moments, for timers.

use std::ops::RangeInclusive;

use super::cron::{Cron, Field};

/// The days of the week as systemd names them, from Sunday.
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// The values of `OnCalendar=` that together name the moments of an expression in a time zone, given by its name in
/// the time zone database.
///
/// They are two where a day fits by either of its fields, and one otherwise. When the clocks change, systemd goes its
/// own way: a time that the clocks skip is not run, and one that they show twice is run once.
#[must_use]
pub fn on_calendar(cron: &Cron, zone: &str) -> Vec<String> {
    let time = format!("{}:{}:00 {zone}", part(&cron.hours, 0..=23), part(&cron.minutes, 0..=59));
    let months = part(&cron.months, 1..=12);
    let weekdays = match cron.weekdays.values.len() {
        7 => String::new(),
        _ => {
            let names =
                cron.weekdays.values.iter().filter_map(|day| WEEKDAYS.get(usize::try_from(*day).ok()?));
            format!("{} ", names.copied().collect::<Vec<_>>().join(","))
        }
    };
    let days = part(&cron.days, 1..=31);
    if cron.takes_either_day() {
        vec![format!("*-{months}-{days} {time}"), format!("{weekdays}*-{months}-* {time}")]
    } else {
        vec![format!("{weekdays}*-{months}-{days} {time}")]
    }
}

/// The numbers of a field, in the shortest form: `*` for all that there are, `00/05` for every fifth from the first to
/// the last that there is, `01..05` for a range, and else a list.
fn part(field: &Field, all: RangeInclusive<i8>) -> String {
    let values: Vec<i8> = field.values.iter().copied().collect();
    if let [first, second, .., last] = values[..] {
        let step = second - first;
        if values.windows(2).all(|pair| pair[1] - pair[0] == step) {
            return match step {
                1 if (first, last) == (*all.start(), *all.end()) => "*".to_owned(),
                1 => format!("{first:02}..{last:02}"),
                _ if last > all.end() - step => format!("{first:02}/{step:02}"),
                _ => list(&values),
            };
        }
    }
    list(&values)
}

fn list(values: &[i8]) -> String {
    values.iter().map(|value| format!("{value:02}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_expression_has_its_moments() {
        for (cron, wanted) in [
            ("15 2 * * *", &["*-*-* 02:15:00 Europe/Stockholm"][..]),
            ("*/20 * * * *", &["*-*-* *:00/20:00 Europe/Stockholm"]),
            ("0 6-8 * * mon-fri", &["Mon,Tue,Wed,Thu,Fri *-*-* 06..08:00:00 Europe/Stockholm"]),
            ("0 0 1 1,7 *", &["*-01,07-01 00:00:00 Europe/Stockholm"]),
            ("30 4 13 * 5", &["*-*-13 04:30:00 Europe/Stockholm", "Fri *-*-* 04:30:00 Europe/Stockholm"]),
        ] {
            assert_eq!(on_calendar(&Cron::parse(cron).unwrap(), "Europe/Stockholm"), wanted, "{cron}");
        }
    }
}
