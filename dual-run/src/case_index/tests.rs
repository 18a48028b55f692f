use proptest::prelude::*;

use super::*;

fn secret() -> InstallationSecret {
    InstallationSecret::new([7; 32])
}

fn person() -> PersonKey {
    PersonKey::of(&secret(), "20000101-0008").unwrap()
}

fn scope(area: &str) -> Scope {
    Scope::parse(&format!("{area}/SDN03/myndighet")).unwrap()
}

fn row(case: &str, area: &str, world: Owner, day: i8) -> CaseRow {
    CaseRow {
        case: case.to_owned(),
        scope: scope(area),
        world,
        system: if world == Owner::New { "bron-model" } else { "paraply" }.to_owned(),
        status: "OPPEN".to_owned(),
        contact: Some("Enhet 3".to_owned()),
        last_event: Some(Date::constant(2026, 11, day)),
    }
}

/// An index in which EB has been handed over to the new model and BU has not.
fn index() -> CaseIndex {
    CaseIndex::new(BTreeMap::from([(scope("EB"), Ownership::original().handed_over())]))
}

fn told(index: &CaseIndex, sight: Sight) -> Vec<(String, Owner, bool)> {
    let found = index.find(&person(), sight).into_iter();
    found.map(|found| (found.row.case.clone(), found.row.world, found.is_copy_alone)).collect()
}

#[test]
fn a_person_is_the_same_however_the_number_is_written() {
    let keys =
        ["200001010008", "20000101-0008", " 20000101-0008 "].map(|text| PersonKey::of(&secret(), text));
    assert!(keys.iter().all(|key| *key == Some(person())));
    let elsewhere = InstallationSecret::new([8; 32]);
    assert_ne!(
        PersonKey::of(&elsewhere, "200001010008"),
        Some(person()),
        "nobody tries numbers without the key"
    );
    for open in ["000101-0008", "", "abc", "2000-01-01"] {
        assert_eq!(PersonKey::of(&secret(), open), None, "{open}");
    }
}

#[test]
fn a_case_is_told_once_by_the_world_that_owns_it_the_latest_first() {
    let mut index = index();
    for case in [
        row("a", "EB", Owner::Legacy, 20),
        row("a", "EB", Owner::New, 12),
        row("b", "BU", Owner::Legacy, 15),
        row("b", "BU", Owner::New, 22),
        row("c", "BU", Owner::New, 18),
    ] {
        index.add(person(), case);
    }
    let wanted = [("c", Owner::New, true), ("b", Owner::Legacy, false), ("a", Owner::New, false)];
    let wanted = wanted.map(|(case, world, is_copy_alone)| (case.to_owned(), world, is_copy_alone));
    assert_eq!(told(&index, Sight::Open), wanted);
}

#[test]
fn a_protected_person_is_not_there_for_whoever_did_not_ask_for_one() {
    let mut index = index();
    index.add(person(), row("a", "EB", Owner::New, 12));
    index.protect(person());
    index.add(person(), row("b", "BU", Owner::Legacy, 12));
    let nobody = PersonKey::of(&secret(), "20000102-0007").unwrap();
    assert_eq!(index.find(&person(), Sight::Open), index.find(&nobody, Sight::Protected));
    assert_eq!(told(&index, Sight::Protected).len(), 2);
}

#[test]
fn nothing_of_the_number_is_in_the_index() {
    let mut index = index();
    index.add(person(), row("a", "EB", Owner::New, 12));
    let shown = format!("{index:?} {}", person().short());
    assert!(!shown.contains("20000101") && !shown.contains("0008"), "{shown}");
}

proptest! {
    /// Whatever order the rows of both worlds come in, the answer is the same.
    #[test]
    fn the_order_of_rows_is_of_no_consequence(order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let rows: Vec<CaseRow> = ["a", "b"]
            .iter()
            .flat_map(|case| [Owner::Legacy, Owner::New].map(|world| (case, world)))
            .flat_map(|(case, world)| [11, 12].map(|day| row(case, "EB", world, day)))
            .collect();
        let answer = |order: &[usize]| {
            let mut index = index();
            order.iter().for_each(|at| index.add(person(), rows[*at].clone()));
            index.find(&person(), Sight::Open).into_iter().cloned().collect::<Vec<_>>()
        };
        prop_assert_eq!(answer(&order), answer(&[0, 1, 2, 3, 4, 5, 6, 7]));
    }
}
