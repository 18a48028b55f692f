//! The visits of ParaGå: each defect found again from the files alone, by another way than it was put in.

use std::collections::{BTreeMap, BTreeSet};

use super::exports::rows;
use super::{City, cities};
use crate::Action::{Fix, Flag};

/// A row of `besok` in a file that was not delivered a second time.
struct Visit {
    key: String,
    utforare: String,
    /// Whether it belongs to the third era.
    late: bool,
    besok: i64,
    kund: String,
    personal: String,
    plan_start: i64,
    start: Option<i64>,
    end: Option<i64>,
    texts: [String; 2],
    receipt: String,
    made: bool,
}

/// Minutes since some day, from `YYYY-MM-DD HH:MM` or `YYYY-MM-DDTHH:MM`.
fn minutes(text: &str) -> Option<i64> {
    let part = |from: usize, to: usize| text[from..to].parse::<i32>().unwrap();
    let time = || {
        let day = crate::calendar::Day::of(part(0, 4), part(5, 7), part(8, 10));
        i64::from(day.0) * 1_440 + i64::from(part(11, 13) * 60 + part(14, 16))
    };
    (!text.is_empty()).then(time)
}

fn visits(city: &City) -> Vec<Visit> {
    let rows = rows(city, "besok").into_iter().filter(|row| !row.file.contains("omsand"));
    rows.map(|row| {
        let field = |place: usize| row.fields[place].as_str();
        // Latitud and Longitud stand before these in the first era.
        let late = |place: usize| row.fields[row.fields.len() - place].as_str();
        Visit {
            key: row.key(),
            utforare: field(3).to_owned(),
            late: &row.file[6..12] >= "202001",
            besok: field(0).parse().unwrap(),
            kund: field(1).to_owned(),
            personal: field(4).to_owned(),
            plan_start: minutes(field(6)).unwrap(),
            start: minutes(field(8)),
            end: minutes(field(9)),
            texts: [field(8).to_owned(), field(9).to_owned()],
            receipt: field(10).to_owned(),
            made: late(5) == "UTF",
        }
    })
    .collect()
}

fn keys<'v>(visits: impl Iterator<Item = &'v Visit>) -> Vec<String> {
    visits.map(|visit| visit.key.clone()).collect()
}

#[test]
fn impossible_visit_times_are_exactly_the_planted_ones() {
    for city in cities() {
        let visits = visits(city);
        let wrong = visits.iter().filter(|visit| {
            assert_eq!(visit.start.is_some(), visit.end.is_some());
            assert_eq!(visit.start.is_some(), visit.made);
            visit.start.zip(visit.end).is_some_and(|(start, end)| !(0..=1_440).contains(&(end - start)))
        });
        city.expect("D58", "besok", Flag, keys(wrong));
    }
}

#[test]
fn overlapping_visits_are_exactly_the_planted_ones() {
    for city in cities() {
        let visits = visits(city);
        let mut by_employee: BTreeMap<(&str, &str), Vec<&Visit>> = BTreeMap::new();
        for visit in visits.iter().filter(|visit| visit.made) {
            by_employee.entry((&visit.utforare, &visit.personal)).or_default().push(visit);
        }
        let (mut overlapping, mut double) = (Vec::new(), Vec::new());
        for group in by_employee.values_mut() {
            group.sort_by_key(|visit| visit.start);
            for pair in group.windows(2) {
                let (start, end) = (pair[0].start.unwrap(), pair[0].end.unwrap());
                let (next, next_end) = (pair[1].start.unwrap(), pair[1].end.unwrap());
                if !(1..=1_440).contains(&(end - start)) || next >= end {
                    continue;
                }
                let shared = end.min(next_end) - next;
                let same = pair[0].kund == pair[1].kund && next_end > next;
                let one = same && shared * 100 >= (end - start).min(next_end - next) * 80;
                if one { &mut double } else { &mut overlapping }.push(pair[0].key.clone());
            }
        }
        city.expect("D59", "besok", Flag, overlapping);
        city.expect("D60", "besok", Flag, double);
    }
}

#[test]
fn visits_without_a_plan_are_exactly_the_planted_ones() {
    for city in cities() {
        let plans = city.query(
            "schemos",
            "SELECT u.code || '|' || v.paraga_besok_id || '|' || v.start_at FROM planned_visit v \
             JOIN unit u ON u.id = v.unit_id WHERE v.paraga_besok_id IS NOT NULL",
        );
        let mut by_visit: BTreeMap<(String, i64), Vec<i64>> = BTreeMap::new();
        for plan in &plans {
            let parts: Vec<&str> = plan.split('|').collect();
            let visit = (parts[0].to_owned(), parts[1].parse().unwrap());
            by_visit.entry(visit).or_default().push(minutes(parts[2]).unwrap());
        }
        let visits = visits(city);
        let unplanned = visits.iter().filter(|visit| visit.made).filter(|visit| {
            let starts = by_visit.get(&(visit.utforare.clone(), visit.besok));
            // Until 2016 the plan is in UTC, one hour or two behind.
            !starts.is_some_and(|starts| {
                starts.iter().any(|start| (0..=120).contains(&(visit.plan_start - start)))
            })
        });
        city.expect("D61", "besok", Flag, keys(unplanned));
    }
}

#[test]
fn plans_without_a_visit_are_exactly_the_planted_ones() {
    for city in cities() {
        let visits = visits(city);
        let there: BTreeMap<(&str, i64), Vec<i64>> = visits.iter().fold(BTreeMap::new(), |mut all, visit| {
            let starts: &mut Vec<i64> = all.entry((visit.utforare.as_str(), visit.besok)).or_default();
            starts.push(visit.plan_start);
            all
        });
        let plans = city.query(
            "schemos",
            "SELECT v.id || '|' || u.code || '|' || COALESCE(v.paraga_besok_id, 0) || '|' || v.start_at \
             FROM planned_visit v JOIN unit u ON u.id = v.unit_id \
             WHERE v.deleted_at IS NULL AND v.start_at < '2024-12-31'",
        );
        let missed = plans.iter().filter_map(|plan| {
            let parts: Vec<&str> = plan.split('|').collect();
            let start = minutes(parts[3]).unwrap();
            let starts = there.get(&(parts[1], parts[2].parse().unwrap()));
            let made =
                starts.is_some_and(|starts| starts.iter().any(|one| (0..=120).contains(&(one - start))));
            (!made).then(|| parts[0].to_owned())
        });
        city.expect("D61", "planned_visit", Flag, missed.collect());
    }
}

#[test]
fn receipts_by_hand_that_are_too_many_are_exactly_the_planted_ones() {
    for city in cities() {
        let visits = visits(city);
        let mut counts: BTreeMap<(&str, &str), (u32, u32)> = BTreeMap::new();
        for visit in &visits {
            let count = counts.entry((&visit.utforare, &visit.personal)).or_default();
            count.0 += u32::from(visit.receipt == "M");
            count.1 += 1;
        }
        let often = visits.iter().filter(|visit| {
            let (by_hand, all) = counts[&(visit.utforare.as_str(), visit.personal.as_str())];
            visit.receipt == "M" && all >= 30 && by_hand * 100 > all * 50
        });
        city.expect("D62", "besok", Flag, keys(often));
        let by_hand = visits.iter().filter(|visit| visit.receipt == "M").count();
        assert!(by_hand > city.keys("D62", "besok", Flag).len(), "others do it too, but less often");
    }
}

#[test]
fn visits_to_kunder_who_were_away_are_exactly_the_planted_ones() {
    for city in cities() {
        let mut away: BTreeSet<(String, String, i64)> = BTreeSet::new();
        for row in rows(city, "franvaro") {
            let day = |text: &str| minutes(&format!("{text} 00:00")).unwrap() / 1_440;
            let days = day(&row.fields[3])..=day(&row.fields[4]);
            away.extend(days.map(|day| (row.fields[1].clone(), row.fields[0].clone(), day)));
        }
        let visits = visits(city);
        let during = visits.iter().filter(|visit| {
            let day = |start: i64| start / 1_440;
            let place = |start| (visit.utforare.clone(), visit.kund.clone(), day(start));
            visit.start.is_some_and(|start| away.contains(&place(start)))
        });
        city.expect("D63", "besok", Flag, keys(during));
    }
}

#[test]
fn the_nights_in_which_the_clocks_change_are_as_planted() {
    const CHANGES: [(&str, bool); 4] =
        [("2014-10-26", true), ("2018-03-25", false), ("2019-10-27", true), ("2015-03-29", false)];
    for city in cities() {
        let visits = visits(city);
        let (mut fixed, mut flagged) = (Vec::new(), Vec::new());
        for visit in &visits {
            let [start, end] = &visit.texts;
            let at_two = |text: &str, autumn: bool| {
                CHANGES.contains(&(text.get(..10).unwrap_or_default(), autumn)) && &text[11..13] == "02"
            };
            if end.ends_with("24:00") || at_two(start, false) {
                fixed.push(visit.key.clone());
            }
            // The second visit of an employee who had been in another home until later is the second pass.
            let twice = at_two(start, true);
            let before = twice
                && visits.iter().any(|other| {
                    let same = (&other.utforare, &other.personal) == (&visit.utforare, &visit.personal);
                    same && at_two(&other.texts[1], true)
                        && other.start < visit.start
                        && other.end > visit.start
                });
            if at_two(end, true) || (twice && !before) {
                flagged.push(visit.key.clone());
            }
        }
        assert!(visits.iter().any(|visit| visit.texts[0].ends_with("02:10")), "a pass that can be told");
        city.expect("D64", "besok", Fix, fixed);
        city.expect("D64", "besok", Flag, flagged);
    }
}

#[test]
fn numbers_that_came_again_are_exactly_the_planted_ones() {
    for city in cities() {
        let visits = visits(city);
        let early: BTreeSet<(&str, i64)> = visits
            .iter()
            .filter(|visit| !visit.late)
            .map(|visit| (visit.utforare.as_str(), visit.besok))
            .collect();
        let again: Vec<&Visit> = visits
            .iter()
            .filter(|visit| visit.late && early.contains(&(visit.utforare.as_str(), visit.besok)))
            .collect();
        assert!(again.len() >= 10, "about five for each utförare");
        city.expect("D65", "besok", Fix, keys(again.into_iter()));
        let unique: BTreeSet<(&str, bool, i64)> =
            visits.iter().map(|visit| (visit.utforare.as_str(), visit.late, visit.besok)).collect();
        assert_eq!(unique.len(), visits.len(), "within an era a number is given once");
    }
}

#[test]
fn corrections_lead_to_one_visit_each_and_some_come_after_the_change_of_format() {
    for city in cities() {
        let visits = visits(city);
        let (mut late, mut across) = (0, 0);
        let mut corrected: BTreeMap<(String, i64, String), i64> = BTreeMap::new();
        for row in rows(city, "korr").iter().filter(|row| row.fields[2].starts_with("Fakt")) {
            let utforare = row.file[14..17].to_owned();
            let besok: i64 = row.fields[1].parse().unwrap();
            let (from, to) = (minutes(&row.fields[3]).unwrap(), minutes(&row.fields[4]).unwrap());
            let chained = corrected.get(&(utforare.clone(), besok, row.fields[2].clone())) == Some(&from);
            let found = visits.iter().filter(|visit| {
                let time = if row.fields[2] == "FaktStart" { visit.start } else { visit.end };
                (&visit.utforare, visit.besok) == (&utforare, besok) && (time == Some(from) || chained)
            });
            let found: Vec<&Visit> = found.collect();
            assert!(found.len() == 1 || chained, "{}", row.key());
            late += usize::from(row.file[5..11] > found[0].key[6..12]);
            across += usize::from(!found[0].late && &row.file[5..11] >= "202001");
            assert!(to != from && (to - from).abs() <= 60);
            corrected.insert((utforare, besok, row.fields[2].clone()), to);
        }
        assert!(late > 0 && across >= 2, "{late} late, {across} across");
    }
}
