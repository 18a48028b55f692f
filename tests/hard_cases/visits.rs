//! H19-H21 and worked example 4: visits that overlap, are corrected later, and last through a change of clocks.

use std::fs;

use crate::support::{fresh_city, run_project, sqlite_rows};

use super::case;

/// Minutes and marks of the part's visit.
const MINUTES: &str = "SELECT minuter, dq_flags FROM besok WHERE src_table = 'besok' AND src_key = ";

#[test]
fn h19_two_who_went_are_no_duplicate_and_a_duplicate_is_counted_once() {
    let case = case("h19");
    let hands = "SELECT b.dubbelbemanning, b.minuter, COUNT(p.id), b.dq_flags FROM besok b JOIN besok_personal p ON \
         p.besok_id = b.id WHERE b.src_key = {dubbel} GROUP BY b.id";
    assert_eq!(case.rows(hands), ["1 40 2 "], "two employees, one visit, its minutes once");
    let marks = |part: &str| case.rows(&format!("{MINUTES}{{{part}}}"));
    assert_eq!(marks("forst"), ["30 D60"], "the same visit by two means");
    assert_eq!(marks("igen"), ["29 D61"]);
    assert_eq!(marks("har"), ["30 D59"], "in two homes at once, half of the time");
    assert_eq!(marks("dar"), ["30 "]);
    // The visit of the planning system and the one of the receipts are one visit with a plan.
    let both = "SELECT COUNT(*), COUNT(DISTINCT b.id) FROM besok b JOIN planerat_besok p ON p.besok_id = b.id AND \
         b.planerat_besok_id = p.id WHERE b.src_key IN ({dubbel}, {forst}, {igen}, {har}, {dar})";
    assert_eq!(case.rows(both), ["4 4"], "the second report of a visit has no plan");
    let debited = "SELECT SUM(minuter) FROM besok WHERE src_key IN ({dubbel}, {forst}, {igen}) AND ',' || \
         dq_flags || \
         ',' NOT LIKE '%,D60,%'";
    assert_eq!(case.rows(debited), ["69"], "what is checked against debits counts one report of each visit");
}

#[test]
fn h20_a_correction_that_comes_later_changes_the_visit_once() {
    let project = fresh_city();
    let truth = fs::read_to_string(project.dir.join("truth.json")).unwrap();
    let truth: bron_city::Truth = serde_json::from_str(&truth).unwrap();
    let (case, target) = (&truth.cases["h20"], project.dir.join("target.sqlite"));
    let file = project.dir.join("legacy").join(&case["fil"]);
    let late = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let visit = || {
        let query = format!(
            "SELECT id, slut, slut_rapporterat, CAST(korrigerat AS TEXT), CAST(minuter AS TEXT), load_run_id \
            FROM besok \
             WHERE src_key = '{}'",
            case["besok"]
        );
        sqlite_rows(&target, &query).remove(0).into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()
    };
    let corrections = || {
        let query = format!(
            "SELECT k.till FROM besok_korrigering k JOIN besok b ON b.id = k.besok_id WHERE k.src_key = '{}'",
            case["korrigering"]
        );
        sqlite_rows(&target, &query)
    };
    run_project("migrate", &project.dir).expect(&[0, 3]);
    let before = visit();
    assert_eq!(before[1..5], ["2019-10-08 11:30:00", "2019-10-08 11:30:00", "0", "30"]);
    assert!(corrections().is_empty());

    fs::write(&file, late).unwrap();
    let second = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    assert_eq!(second["findings_total"], 0);
    let after = visit();
    assert_eq!(after[1..5], ["2019-10-08 11:45:00", "2019-10-08 11:30:00", "1", "45"]);
    assert_eq!(after[0], before[0], "the same visit");
    assert_ne!(after[5], before[5], "in a version of its own run");
    assert_eq!(corrections(), [[Some("2019-10-08 11:45".to_owned())]]);
    let history = || {
        let query =
            "SELECT id, slut, ended_because, load_run_id, ended_by_run FROM bron_history_besok WHERE src_key";
        sqlite_rows(&target, &format!("{query} = '{}'", case["besok"]))
    };
    let known = [&before[0], "2019-10-08 11:30:00", "replaced", &before[5], &after[5]];
    assert_eq!(history(), [known.map(|text| Some(text.to_owned()))], "what the first run knew is kept");

    let third = run_project("migrate", &project.dir).expect(&[0, 3]).json();
    assert_eq!(third["no_op"], true);
    assert_eq!((visit(), corrections().len(), history().len()), (after, 1, 1));
}

#[test]
fn h21_a_night_has_as_many_minutes_as_passed() {
    let case = case("h21");
    let night = |part: &str| {
        case.rows(&format!(
            "SELECT start_utc, slut_utc, minuter, dq_flags FROM besok WHERE src_key = {{{part}}}"
        ))
    };
    assert_eq!(night("var"), ["2018-03-24 22:30:00 2018-03-25 04:30:00 360 "], "a day of 23 hours");
    assert_eq!(night("host"), ["2019-10-26 21:30:00 2019-10-27 05:30:00 480 "], "a day of 25 hours");
    let midnight = "SELECT slut, slut_utc, minuter, dq_flags FROM besok WHERE src_key = {midnatt}";
    assert_eq!(case.rows(midnight), ["2019-10-09 00:00:00 2019-10-08 22:00:00 60 D64"], "24:00 is 00:00");
}

#[test]
fn golden_4_the_hour_that_comes_twice() {
    let case = case("exempel4");
    let visit = |part: &str| {
        case.rows(&format!(
            "SELECT start_utc, slut_utc, fold, minuter, dq_flags FROM besok WHERE src_key = {{{part}}}"
        ))
    };
    // The employee's visit before had ended at 02:50, so 02:30 is in the second pass: 60 minutes, not 120.
    assert_eq!(visit("avgjort"), ["2019-10-27 01:30:00 2019-10-27 02:30:00 1 60 "]);
    // Nothing tells the pass: marked, and the minutes are those of the tasks.
    assert_eq!(visit("oavgjort"), ["2019-10-27 00:30:00 2019-10-27 02:30:00 0 55 D64"]);
}
