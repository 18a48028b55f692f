mod rows;

use std::collections::BTreeMap;

use proptest::prelude::*;

use bron_mappings::MappingSet;

use super::census::{CensusGather, CensusSlice};
use super::*;
use crate::fixture::{lookups, rows, run, set, table, texts_table};

const TARGET: &str = "[[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n";

fn texts_of(set: &MappingSet, batch: &Batch, others: &[(&str, &Batch)]) -> Vec<Option<String>> {
    rows(&run(set, batch, others), "rad").into_iter().map(|row| row.get("text").cloned()).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| (*text != "-").then(|| (*text).to_owned())).collect()
}

#[test]
fn a_parent_is_found_by_key_and_the_first_of_two_counts() {
    let set = set(&format!(
        "[[parent]]\nname = \"p\"\ntable = \"P\"\non = {{ A = \"ID\" }}\n{TARGET}text = {{ from = \"p.X\" }}\n"
    ));
    let parents = table("X Y ID", &["ett|-|a", "två|-|a", "tre|-|b", "fel|-|-", "fel|-|", "-|-|n"]);
    let batch = table("ID A", &["1|a", "2|b", "3|c", "4|-", "5|", "6|n"]);
    assert_eq!(texts_of(&set, &batch, &[("P", &parents)]), some(&["ett", "tre", "-", "-", "-", "-"]));
}

#[test]
fn only_some_rows_of_a_table_can_be_parents() {
    let set = set(&format!(
        "[[parent]]\nname = \"p\"\ntable = \"P\"\non = {{ A = \"ID\" }}\n\
         when = [{{ column = \"Y\", in = [\"ja\"] }}, {{ column = \"F\", is = \"present\" }}]\n\
         valid = {{ at = \"T\", from = \"F\", to = \"F\" }}\n{TARGET}text = {{ from = \"p.X\" }}\n"
    ));
    let parents = table("ID Y F X", &["a|nej|2020-01-01 08:00|x", "a|ja||y", "a|ja|2020-01-01T08:00|z"]);
    let batch = table("ID A T", &["1|a|2020-01-01 08:00", "2|a|2020-01-01 08:01", "3|b|2020-01-01 08:00"]);
    assert_eq!(texts_of(&set, &batch, &[("P", &parents)]), some(&["z", "-", "-"]));
}

#[test]
fn a_parent_of_a_parent_is_found_through_it() {
    let set = set(&format!(
        "[[parent]]\nname = \"p\"\ntable = \"P\"\non = {{ A = \"ID\" }}\n\
         [[parent]]\nname = \"q\"\ntable = \"Q\"\non = {{ \"p.R\" = \"ID\", B = \"B\" }}\n\
         {TARGET}text = {{ from = \"q.X\" }}\n"
    ));
    let p = table("ID R", &["a|r1", "b|r2", "c|-"]);
    let q = table("ID B X", &["r1|k|ett", "r2|k|två", "r1|l|tre"]);
    let batch = table("ID A B", &["1|a|k", "2|b|k", "3|a|l", "4|b|l", "5|c|k", "6|d|k", "7|a|-"]);
    let expected = some(&["ett", "två", "tre", "-", "-", "-", "-"]);
    assert_eq!(texts_of(&set, &batch, &[("P", &p), ("Q", &q)]), expected);
}

#[test]
fn a_row_of_the_same_table_can_be_a_parent() {
    let set = set(&format!(
        "[[parent]]\nname = \"p\"\ntable = \"T\"\non = {{ ID = \"A\" }}\n{TARGET}text = {{ from = \"p.ID\" }}\n"
    ));
    assert_eq!(texts_of(&set, &table("ID A", &["1|-", "2|1"]), &[]), some(&["2", "-"]));
}

#[test]
fn a_key_of_several_texts_does_not_depend_on_where_they_meet() {
    assert_ne!(join_key([Some("a"), Some("bc")]), join_key([Some("ab"), Some("c")]));
    assert_ne!(join_key([Some("1:a"), Some("b")]), join_key([Some("a"), Some("1:b")]));
    let three = |second, third| join_key([Some("a"), Some(second), Some(third)]);
    assert_ne!(three("bc", "d"), three("b", "cd"));
    assert_eq!(join_key([Some("a"), None]), None);
    assert_eq!(join_key([Some("a"), Some("")]), None);
    assert!(matches!(join_key([Some("a")]), Some(Cow::Borrowed("a"))));
}

#[test]
fn the_minutes_of_periods_are_added_up() {
    let set = set(&format!(
        "[[minutes]]\nname = \"m\"\ntable = \"D\"\non = {{ ID = \"T_ID\" }}\nfrom = \"F\"\nto = \"T\"\n\
         {TARGET}text = {{ from = \"m\" }}\n"
    ));
    let periods = table(
        "T_ID F T",
        &[
            "1|2019-10-01 23:30|2019-10-02T00:15",
            "1|2019-10-02 08:00:00|2019-10-02 08:30:59",
            "2|2019-10-01 08:00|",
            "3|2019-10-01 08:30|2019-10-01 08:00",
        ],
    );
    let batch = table("ID", &["1", "2", "3", "4", "-"]);
    assert_eq!(texts_of(&set, &batch, &[("D", &periods)]), some(&["75", "-", "-30", "0", "-"]));
}

#[test]
fn the_first_text_that_is_there_may_stand_in_another_row() {
    let set = set(&format!(
        "[[parent]]\nname = \"p\"\ntable = \"P\"\non = {{ ID = \"ID\" }}\n\
         [[first]]\nname = \"f\"\nfrom = [\"p.X\", \"A\"]\n\
         [[first]]\nname = \"g\"\nfrom = [\"f\", \"B\"]\n{TARGET}text = {{ from = \"g\" }}\n"
    ));
    let parents = table("ID X", &["1|nytt", "2|", "3|-"]);
    let batch = table("ID A B", &["1|a|b", "2|a|b", "3||b", "4|-|-"]);
    assert_eq!(texts_of(&set, &batch, &[("P", &parents)]), some(&["nytt", "a", "b", "-"]));
}

#[test]
fn parts_are_summed_and_some_subtracted() {
    let set = set(&format!(
        "[[sum]]\nname = \"m\"\ntable = \"D\"\non = {{ ID = \"T_ID\" }}\nvalue = \"V\"\n\
         minus = {{ column = \"S\", in = [\"I\", \"J\"] }}\n\
         {TARGET}text = {{ from = \"m\" }}\n"
    ));
    let parts = table(
        "T_ID V S",
        &[
            "1|10.5000|U",
            "1|0.0001|I",
            "1|2|J",
            "1|-|U",
            "1||U",
            "2|1,5|U",
            "2|1|U",
            "3|1|I",
            "-|9|U",
            "5|0.1|-",
        ],
    );
    let batch = table("ID", &["1", "2", "3", "4", "5", "-"]);
    let expected = some(&["8.4999", "-", "-1.0000", "0.0000", "0.1000", "-"]);
    assert_eq!(texts_of(&set, &batch, &[("D", &parts)]), expected);
}

#[test]
fn a_sum_too_large_to_hold_is_none() {
    let nines = "9".repeat(34);
    let parts: Vec<Vec<Option<String>>> = vec![vec![Some("1".to_owned()), Some(nines)]; 5];
    let set = set(&format!(
        "[[sum]]\nname = \"m\"\ntable = \"D\"\non = {{ ID = \"T_ID\" }}\nvalue = \"V\"\n{TARGET}"
    ));
    let found = gathered(&set, |need| matches!(need, Need::Aggregate { .. }), &["T_ID", "V"], &parts, 1);
    assert_eq!(found[0].1.aggregate(&found[0].0).unwrap().text([Some("1")]), None);
}

#[test]
fn lookups_show_nothing_of_what_they_hold() {
    let set = set(&format!(
        "[[parent]]\nname = \"p\"\ntable = \"P\"\non = {{ A = \"ID\" }}\n\
         [[sum]]\nname = \"m\"\ntable = \"P\"\non = {{ ID = \"ID\" }}\nvalue = \"X\"\n\
         {TARGET}text = {{ from = \"p.X\" }}\n"
    ));
    let found = lookups(&set, &[("P", &table("ID X", &["hemlig|4711"])), ("T", &table("ID A", &["1|-"]))]);
    let shown = format!("{found:?}");
    assert!(!shown.contains("hemlig") && !shown.contains("4711"), "{shown}");
}

#[test]
fn the_needs_of_a_mapping_are_those_of_its_rules() {
    let set = set(&format!(
        "[[parent]]\nname = \"p\"\ntable = \"P\"\non = {{ A = \"ID\" }}\n\
         [[sum]]\nname = \"m\"\ntable = \"D\"\non = {{ ID = \"T\" }}\nvalue = \"V\"\n\
         minus = {{ column = \"S\", in = [\"I\"] }}\n\
         [[check]]\nrule = \"D42\"\nfn = \"repeats_within\"\nfrom = [\"A\", \"B\"]\n\
         when = {{ column = \"C\", is = \"present\" }}\n\
         {TARGET}text = {{ from = \"p.X\" }}\nkod = {{ from = \"p.W\" }}\n"
    ));
    let columns = |unique: bool| -> Vec<(String, Vec<String>)> {
        let needs = needs(&set.mappings, |_| unique);
        needs.iter().map(|need| (need.source().1.to_owned(), need.columns(&set))).collect()
    };
    let expected = [("P", "ID W X"), ("D", "S T V"), ("T", "ID"), ("T", "A B C")].map(|(table, columns)| {
        (table.to_owned(), columns.split(' ').map(str::to_owned).collect::<Vec<_>>())
    });
    assert_eq!(columns(false), expected);
    assert_eq!(columns(true), [&expected[..2], &expected[3..]].concat());
}

/// What the needs of a kind find in a table of these rows, given in two batches.
fn gathered(
    set: &MappingSet,
    kind: fn(&Need) -> bool,
    columns: &[&str],
    rows: &[Vec<Option<String>>],
    cut: usize,
) -> Vec<(Need, Lookups)> {
    let (first, second) = rows.split_at(cut);
    let needs = needs(&set.mappings, |_| false).into_iter().filter(kind);
    let gather = |need: Need| {
        let (before, mut lookups) = (Lookups::default(), Lookups::default());
        let mut gathering = need.gather(set, &before, need.passes(0)[0]).unwrap();
        gathering.add(&texts_table(columns, first));
        gathering.add(&texts_table(columns, second));
        lookups.add(need.clone(), gathering.finish());
        (need, lookups)
    };
    needs.map(gather).collect()
}

fn across(days: &str, rows: &[Vec<Option<String>>], cut: usize) -> RowSet {
    let set = set(&format!(
        "[[check]]\nrule = \"D42\"\nfn = \"repeats_within\"\nfrom = [\"D\", \"G\"]\n{days}\n{TARGET}"
    ));
    let found = gathered(&set, |need| matches!(need, Need::Across { .. }), &["D", "G"], rows, cut);
    found[0].1.rows(&found[0].0).unwrap().clone()
}

#[test]
fn a_repeat_is_counted_from_the_row_just_before() {
    let row = |day: &str, group: &str| vec![Some(day.to_owned()), Some(group.to_owned())];
    let rows = [
        row("2014-10-15", "g"),
        row("2014-10-08", "g"),
        row("2014-10-01 12:00:00", "g"),
        row("2014-10-23", "g"),
        row("2014-10-08", "h"),
        row("2014-10-08", "h"),
        row("2014-10-08", ""),
        row("okänt", "g"),
        vec![None, Some("g".to_owned())],
    ];
    assert_eq!(across("", &rows, 3), RowSet::new(vec![0, 1, 5]), "seven days unless told");
    assert_eq!(across("with = { days = 0 }", &rows, 3), RowSet::new(vec![5]));
    assert_eq!(across("with = { days = 8 }", &rows, 3), RowSet::new(vec![0, 1, 3, 5]));
}

fn census(latest: bool, keys: &[Vec<Option<String>>], of: u16, cut: usize) -> RowSet {
    let mut found = RowSet::default();
    for slice in CensusSlice::in_parts(of) {
        let mut builder = Box::new(CensusGather::new(vec!["A".to_owned(), "B".to_owned()], latest, slice));
        let (first, second) = keys.split_at(cut);
        builder.add(&texts_table(&["A", "B"], first));
        builder.add(&texts_table(&["A", "B"], second));
        let Answer::Rows(rows) = builder.finish() else { unreachable!("a census finds rows") };
        found.merge(rows);
    }
    found
}

#[test]
fn a_large_table_is_counted_in_slices() {
    for (rows, slices) in [(0, 1), (1_999_999, 1), (2_000_000, 2), (100_000_000, 51)] {
        assert_eq!(CensusSlice::of_table(rows).count(), slices, "{rows}");
    }
}

#[test]
fn a_set_of_rows_is_ordered_and_knows_its_rows() {
    let mut set = RowSet::new(vec![5, 1, 5]);
    set.merge(RowSet::new(vec![3, 1]));
    assert_eq!(set, RowSet::new(vec![1, 3, 5]));
    assert_eq!((set.len(), set.is_empty(), set.contains(3), set.contains(4)), (3, false, true, false));
}

proptest! {
    #[test]
    fn repeated_keys_are_found_in_any_number_of_slices(
        keys in proptest::collection::vec(proptest::collection::vec(proptest::option::of("[ab]{0,1}"), 2), 0..40),
        latest: bool,
        of in 1_u16..9,
        cut in any::<proptest::sample::Index>(),
    ) {
        let cut = cut.index(keys.len() + 1);
        let mut counts: BTreeMap<&Vec<Option<String>>, Vec<u64>> = BTreeMap::new();
        for (place, key) in (0..).zip(&keys) {
            counts.entry(key).or_default().push(place);
        }
        let repeats = counts.values().flat_map(|places| {
            if latest { places[..places.len() - 1].to_vec() } else { places[1..].to_vec() }
        });
        prop_assert_eq!(census(latest, &keys, of, cut), RowSet::new(repeats.collect()));
    }

    #[test]
    fn repeats_do_not_depend_on_batches_and_leave_the_first_of_each_group(
        rows in proptest::collection::vec((0_i32..20, "[gh]"), 0..30),
        cut in any::<proptest::sample::Index>(),
    ) {
        let texts: Vec<Vec<Option<String>>> = rows
            .iter()
            .map(|(day, group)| vec![Some(crate::iso_date(16_000 + day)), Some(group.clone())])
            .collect();
        let found = across("", &texts, cut.index(texts.len() + 1));
        prop_assert_eq!(&found, &across("", &texts, texts.len()));
        for (place, (day, group)) in (0_u64..).zip(&rows) {
            let earlier = (0_u64..).zip(&rows).filter(|(at, row)| (row.0, *at) < (*day, place) && row.1 == *group);
            prop_assert_eq!(found.contains(place), earlier.into_iter().any(|(_, row)| day - row.0 <= 7));
        }
    }
}
