use proptest::prelude::*;

use super::*;
use crate::conservation::Dimension;

fn ledger(rows: &[(&str, &str, u64, u64)]) -> Ledger {
    let mut ledger = Ledger::new();
    for (area, namnd, loaded, held) in rows {
        let at = Dimension {
            system: "paraply".into(),
            table: "BESLUT".into(),
            area: (*area).into(),
            namnd: (*namnd).into(),
            year: "2016".into(),
        };
        let quarantined =
            if *held > 0 { BTreeMap::from([("D24".to_owned(), *held)]) } else { BTreeMap::new() };
        let balance = Balance { read: loaded + held, loaded: *loaded, quarantined, ..Balance::default() };
        ledger.add(at, &balance).unwrap();
    }
    ledger
}

fn told(figures: &Figures, area: Option<&str>, part: &'static str) -> String {
    figures.told(area, "", "", part).text()
}

#[test]
fn parts_are_rounded_and_the_city_is_exact() {
    let ledger = ledger(&[("eb", "701", 102, 3), ("bou", "701", 48, 0), ("aldre", "702", 1, 0)]);
    let figures = Figures::new(&ledger, &RowsOfAreas::new());
    assert_eq!(told(&figures, None, "loaded"), "151");
    assert_eq!(told(&figures, Some("eb"), "loaded"), "100");
    assert_eq!(told(&figures, Some("eb"), QUARANTINED), "<5");
    assert_eq!(told(&figures, Some("bou"), QUARANTINED), "<5", "none and few look the same");
    assert_eq!(told(&figures, Some("bou"), "loaded"), "50");
    assert_eq!(figures.told(None, NAMND, "702", "loaded"), Told::Few);
    assert_eq!(figures.names(Some("aldre"), NAMND), ["701", "702"]);
    assert_eq!(figures.told(Some("aldre"), NAMND, "701", "loaded"), Told::Few);
}

#[test]
fn one_row_more_in_the_next_run_is_seen_at_the_edge_of_a_range_and_never_as_one() {
    let page = |loaded| {
        Figures::new(&ledger(&[("eb", "701", loaded, 0), ("bou", "702", 60, 0)]), &RowsOfAreas::new())
    };
    let steps =
        (5..60).map(|loaded| [loaded, loaded + 1].map(|rows| page(rows).told(Some("eb"), "", "", "loaded")));
    for [before, after] in steps {
        let step = after.number().abs_diff(before.number());
        assert!(step == 0 || step == BASE, "{before:?} {after:?}");
    }
}

#[test]
fn where_the_sum_says_it_all_another_count_is_hidden() {
    // Seven and four are the most that "5" and "<5" can be, and together they are the exact eleven.
    let figures = Figures::new(&ledger(&[("eb", "701", 7, 0), ("bou", "701", 4, 0)]), &RowsOfAreas::new());
    assert_eq!(told(&figures, Some("bou"), "loaded"), "<5");
    assert_eq!(told(&figures, Some("eb"), "loaded"), "dold");
}

/// What a reader can work out by taking told counts from told sums, as numbers and not as ranges: the rows of a
/// system of equations with the untold counts as unknowns, brought to their reduced form modulo a prime.
fn solved(sums: &[Sum], told: &[Told]) -> BTreeSet<usize> {
    const PRIME: i64 = 1_000_003;
    let inverse = |number: i64| {
        let (mut result, mut base, mut power) = (1_i64, number.rem_euclid(PRIME), PRIME - 2);
        while power > 0 {
            if power % 2 == 1 {
                result = result * base % PRIME;
            }
            base = base * base % PRIME;
            power /= 2;
        }
        result
    };
    let unknown = |at: usize| !matches!(told[at], Told::Exact(_));
    let mut reduced: BTreeMap<usize, BTreeMap<usize, i64>> = BTreeMap::new();
    let subtract = |row: &mut BTreeMap<usize, i64>, other: &BTreeMap<usize, i64>, pivot: usize| {
        let Some(factor) = row.get(&pivot).copied() else { return };
        for (at, number) in other {
            let entry = row.entry(*at).or_default();
            *entry = (*entry - factor * number).rem_euclid(PRIME);
        }
        row.retain(|_, number| *number != 0);
    };
    for sum in sums {
        let mut row: BTreeMap<usize, i64> =
            sum.parts.iter().filter(|at| unknown(**at)).map(|at| (*at, 1)).collect();
        if unknown(sum.total) {
            row.insert(sum.total, PRIME - 1);
        }
        for (pivot, other) in &reduced {
            subtract(&mut row, other, *pivot);
        }
        let Some((&pivot, &lead)) = row.iter().next() else { continue };
        row.values_mut().for_each(|number| *number = *number * inverse(lead) % PRIME);
        reduced.values_mut().for_each(|other| subtract(other, &row, pivot));
        reduced.insert(pivot, row);
    }
    reduced.into_iter().filter(|(_, row)| row.len() == 1).map(|(pivot, _)| pivot).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn no_small_count_of_any_page_can_be_worked_out(
        rows in proptest::collection::vec((0_usize..4, 0_usize..3, 0_u64..14, 0_u64..6), 1..14),
        usual in (5_u64..14, 0_u64..9, 5_u64..14, 0_u64..9),
    ) {
        let (areas, namnder) = (["", "eb", "bou", "aldre"], ["701", "702", "703"]);
        let rows: Vec<_> =
            rows.iter().map(|(area, namnd, loaded, held)| (areas[*area], namnder[*namnd], *loaded, *held)).collect();
        // Where a count of the whole city is small itself, its parts are told with it.
        let usual = [("eb", "701", usual.0, usual.1), ("bou", "702", usual.2, usual.3)];
        let rows = [rows, usual.to_vec()].concat();
        let ledger = ledger(&rows);
        let numbers: Vec<u64> = numbers(&ledger, &RowsOfAreas::new()).into_values().collect();
        let figures = Figures::new(&ledger, &RowsOfAreas::new());
        let sums = sums(&figures.places);
        let ranges = known(&sums, &figures.told);
        let wholes = wholes(&sums, &figures.told);
        let by_subtraction = solved(&sums, &figures.told);
        for (place, &at) in &figures.places {
            prop_assert!(ranges[at].0 <= numbers[at] && numbers[at] <= ranges[at].1, "a page says what is not so");
            if wholes.contains(&at) {
                continue;
            }
            if figures.told[at] == Told::Few && (1..BASE).contains(&numbers[at]) {
                prop_assert!(ranges[at].0 < ranges[at].1, "{place:?} is {}", numbers[at]);
                prop_assert!(!by_subtraction.contains(&at) , "{place:?} is {}", numbers[at]);
            }
        }
    }
}
