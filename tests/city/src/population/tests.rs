use std::collections::BTreeSet;

use super::*;
use crate::numbers::{SENTINELS, is_allowed};

#[test]
fn the_largest_city_has_unique_and_allowed_numbers() {
    let city = plan(60_000, 3);
    let mut seen = BTreeSet::new();
    let employees = city.employees.iter().map(|(_, number)| number);
    let clean = city.persons.iter().filter_map(|person| person.clean.as_ref());
    for number in clean.chain(employees) {
        assert!(is_allowed(number), "a number that may be somebody's");
        assert!(seen.insert(number.clone()), "a number given twice");
    }
    for person in &city.persons {
        let Some(pnr) = person.pnr.as_deref() else {
            continue;
        };
        let sentinel = SENTINELS.contains(&pnr);
        assert_eq!(sentinel, person.defect == Some(NumberDefect::Sentinel));
        assert!(sentinel || pnr.len() == 12 || pnr.len() == 10);
    }
    let reserve = city.persons.iter().filter(|person| person.pnr_type == "R").count();
    assert!(reserve < 1_500, "the pools of days are not exhausted: {reserve}");
}

#[test]
fn sex_agrees_with_the_number() {
    for person in plan(3_000, 1).persons {
        if let (Some(clean), "P") = (&person.clean, person.pnr_type) {
            assert_eq!(person.man, clean.as_bytes()[10] % 2 == 1);
        }
    }
}

#[test]
fn shares_are_near_the_plan() {
    let persons = plan(20_000, 9).persons;
    let share = |test: &dyn Fn(&Person) -> bool| {
        persons.iter().filter(|person| test(person)).count() * 1_000 / persons.len()
    };
    assert!((3..=5).contains(&share(&|person| person.is_protected())));
    assert!((85..=115).contains(&share(&|person| person.patient)));
    assert!((270..=340).contains(&share(&|person| person.area == Area::Eb)));
    assert!((40..=60).contains(&share(&|person| person.second_area.is_some())));
    let eb: Vec<_> = persons.iter().filter(|person| person.area == Area::Eb).collect();
    let outside = eb.iter().filter(|person| person.district.is_none()).count();
    assert!((190..=230).contains(&(outside * 1_000 / eb.len())));
}

#[test]
fn a_city_of_twenty_has_every_defect_of_numbers() {
    let persons = plan(20, 5).persons;
    for defect in
        [NumberDefect::CheckDigit, NumberDefect::Century, NumberDefect::Calendar, NumberDefect::Sentinel]
    {
        assert!(persons.iter().any(|person| person.defect == Some(defect)));
    }
    assert!(persons.iter().any(|person| person.mojibake));
    assert!(persons.iter().any(|person| person.refers_to.is_some()));
}
