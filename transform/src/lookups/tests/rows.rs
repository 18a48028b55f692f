//! Parents with periods, neighbours, numbers over tables and code lookups, as a mapping reads them.

use proptest::prelude::*;

use super::{some, texts_of};
use crate::fixture::{rejects, run, set, table, texts_table};

const TARGET: &str = "[[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n\
    text = { from = \"FROM_HERE\" }\n";

/// What `origin` gives in each row of a table, with these lookups.
fn read(
    lookups: &str,
    origin: &str,
    batch: &bron_mappings::Batch,
    others: &[(&str, &bron_mappings::Batch)],
) -> Vec<Option<String>> {
    texts_of(&set(&format!("{lookups}{}", TARGET.replace("FROM_HERE", origin))), batch, others)
}

fn handl(valid: &str) -> String {
    format!(
        "[[parent]]\nname = \"h\"\ntable = \"H\"\non = {{ A = \"ID\" }}\n\
         valid = {{ at = \"T\", from = \"F\", to = \"S\"{valid} }}\n"
    )
}

#[test]
fn of_the_rows_of_a_key_the_one_whose_period_holds_the_moment_is_the_parent() {
    let parents = table(
        "X ID F S",
        &[
            "tredje|a|2014-01-01|9999-12-31",
            "första|a|-|2012-12-31 00:00:00",
            "andra|a|2013-01-01|2013-06-30",
            "oläst|a|x|-",
            "oläst|a|2013-09-01|x",
            "ensam|b|2014-01-01 08:00|2014-01-01 16:00",
            "utan|-|2014-01-01|-",
        ],
    );
    let rows = [
        ("1|a|1950-01-01", "första"),
        ("2|a|2012-12-31 23:59:59.999", "första"),
        ("3|a|2013-01-01 00:00", "andra"),
        ("4|a|20130630", "andra"),
        ("5|a|2013-06-30T23:59", "andra"),
        ("6|a|2013-10-01", "-"),
        ("7|a|2030-01-01", "tredje"),
        ("8|a|-", "-"),
        ("9|a|", "-"),
        ("10|a|igår", "-"),
        ("11|b|2014-01-01 08:00", "ensam"),
        ("12|b|2014-01-01 16:00", "ensam"),
        ("13|b|2014-01-01 16:01", "-"),
        ("14|b|2014-01-01", "-"),
        ("15|c|2014-01-01", "-"),
        ("16|-|2014-01-01", "-"),
    ];
    let (batch, expected): (Vec<&str>, Vec<&str>) = rows.into_iter().unzip();
    let batch = table("ID A T", &batch);
    assert_eq!(read(&handl(""), "h.X", &batch, &[("H", &parents)]), some(&expected));
}

#[test]
fn slack_makes_a_period_wider_at_both_ends() {
    let parents = table("X ID F S", &["pass|a|2014-01-01 08:00|2014-01-01 16:00"]);
    let rows =
        ["1|a|2014-01-01 05:30", "2|a|2014-01-01 05:29", "3|a|2014-01-01 18:30", "4|a|2014-01-01 18:31"];
    let batch = table("ID A T", &rows);
    let found = read(&handl(", slack_minutes = 150"), "h.X", &batch, &[("H", &parents)]);
    assert_eq!(found, some(&["pass", "-", "pass", "-"]));
}

#[test]
fn of_periods_that_meet_the_one_that_began_last_counts_and_then_the_later_row() {
    let parents = table(
        "X ID F S",
        &["lång|a|2010-01-01|-", "kort|a|2012-01-01|2012-12-31", "ett|b|2012-01-01|-", "två|b|2012-01-01|-"],
    );
    let batch = table("ID A T", &["1|a|2011-01-01", "2|a|2012-05-01", "3|a|2013-01-01", "4|b|2013-01-01"]);
    let found = read(&handl(""), "h.X", &batch, &[("H", &parents)]);
    assert_eq!(found, some(&["lång", "kort", "lång", "två"]));
}

fn beside(direction: &str, rest: &str) -> String {
    format!(
        "[[neighbour]]\nname = \"n\"\ndirection = \"{direction}\"\ngroup = [\"p.G\", \"B\"]\norder = \"D\"\n{rest}\n\
         [[parent]]\nname = \"p\"\ntable = \"P\"\non = {{ A = \"ID\" }}\n"
    )
}

#[test]
fn the_neighbour_is_the_row_before_or_after_in_its_group() {
    let p = table("ID G", &["a|g", "b|g", "c|h", "d|-"]);
    let batch = table(
        "ID A B D S",
        &[
            "1|a|x|2014-03-01|F",
            "2|b|x|2014-01-01 08:00|F",
            "3|c|x|2014-02-01|F",
            "4|a|x|2014-01-01|F",
            "5|a|y|2014-04-01|F",
            "6|a|x|2014-03-01|M",
            "7|b|x|okänt|F",
            "8|b|x|-|F",
            "9|d|x|2014-03-02|F",
            "10|a||2014-03-02|F",
            "11|a|x|2014-03-01|F",
        ],
    );
    let others: [(&str, &bron_mappings::Batch); 1] = [("P", &p)];
    let after = read(&beside("after", ""), "n.ID", &batch, &others);
    assert_eq!(after, some(&["6", "1", "-", "2", "-", "11", "-", "-", "-", "-", "-"]));
    let before = read(&beside("before", ""), "n.ID", &batch, &others);
    assert_eq!(before, some(&["2", "4", "-", "-", "-", "1", "-", "-", "-", "-", "6"]));
    let when = "when = [{ column = \"S\", in = [\"F\"] }, { column = \"p.G\", is = \"present\" }]";
    let only = read(&beside("after", when), "n.ID", &batch, &others);
    assert_eq!(only, some(&["11", "1", "-", "2", "-", "-", "-", "-", "-", "-", "-"]), "others take no part");
}

#[test]
fn what_is_known_of_a_neighbour_leads_to_other_rows() {
    let lookups = "[[neighbour]]\nname = \"n\"\ndirection = \"after\"\ngroup = [\"A\"]\norder = \"D\"\n\
                   [[neighbour]]\nname = \"f\"\ndirection = \"before\"\ngroup = [\"A\"]\norder = \"D\"\n\
                   [[parent]]\nname = \"p\"\ntable = \"P\"\non = { \"n.B\" = \"ID\" }\n\
                   [[count]]\nname = \"antal\"\ntable = \"P\"\non = { \"p.G\" = \"G\", \"f.B\" = \"ID\" }\n";
    let p = table("ID G", &["a|g", "b|h", "c|h"]);
    let batch = table("ID A B D", &["1|x|a|2014-01-01", "2|x|b|2014-01-02", "3|x|c|2014-01-03"]);
    assert_eq!(read(lookups, "p.G", &batch, &[("P", &p)]), some(&["h", "h", "-"]));
    assert_eq!(read(lookups, "antal", &batch, &[("P", &p)]), some(&["-", "0", "-"]));
    assert_eq!(read(lookups, "f.ID", &batch, &[("P", &p)]), some(&["-", "1", "2"]));
}

#[test]
fn rows_of_another_table_are_counted_by_what_holds_of_them() {
    let d = table(
        "T S X D",
        &[
            "1|U|a|2014-01-01",
            "1|U|b|2014-06-01",
            "1|M|c|2014-06-01",
            "1|U|a|2015-01-01",
            "2|U||x",
            "2|U|-|-",
            "-|U|a|2014-01-01",
        ],
    );
    let batch = table("ID", &["1", "2", "3", "-", ""]);
    let counted = |rest: &str| {
        let count = format!("[[count]]\nname = \"m\"\ntable = \"D\"\non = {{ ID = \"T\" }}\n{rest}\n");
        read(&count, "m", &batch, &[("D", &d)])
    };
    assert_eq!(counted(""), some(&["4", "2", "0", "-", "-"]));
    assert_eq!(counted("when = { column = \"S\", in = [\"U\"] }"), some(&["3", "2", "0", "-", "-"]));
    assert_eq!(counted("distinct = \"X\""), some(&["3", "0", "0", "-", "-"]));
    let range = "when = [{ column = \"S\", not_in = [\"M\"] }, \
                 { column = \"D\", from = \"2014-06-01\", before = \"2015-01-02\" }]";
    assert_eq!(counted(range), some(&["2", "0", "0", "-", "-"]));
    let both = format!("{range}\ndistinct = \"X\"");
    assert_eq!(counted(&both), some(&["2", "0", "0", "-", "-"]));
}

#[test]
fn the_smallest_and_the_greatest_text_are_those_by_their_bytes() {
    let d = table("T V", &["1|2014-06-01", "1|2014-01-01", "1|", "1|2015-01-01 08:00", "2|-", "3|b", "3|å"]);
    let batch = table("ID", &["1", "2", "3", "4"]);
    let of = |kind: &str| {
        let lookup =
            format!("[[{kind}]]\nname = \"m\"\ntable = \"D\"\non = {{ ID = \"T\" }}\nvalue = \"V\"\n");
        read(&lookup, "m", &batch, &[("D", &d)])
    };
    assert_eq!(of("earliest"), some(&["2014-01-01", "-", "b", "-"]));
    assert_eq!(of("latest"), some(&["2015-01-01 08:00", "-", "å", "-"]));
}

#[test]
fn a_sum_takes_the_rows_that_its_conditions_choose() {
    let d = table("T S V", &["1|U|1.5", "1|M|2", "1|I|0.25"]);
    let lookups = "[[sum]]\nname = \"m\"\nsystem = \"z\"\ntable = \"D\"\non = { ID = \"T\" }\nvalue = \"V\"\n\
                   minus = { column = \"S\", in = [\"I\"] }\nwhen = { column = \"S\", not_in = [\"M\"] }\n";
    assert_eq!(read(lookups, "m", &table("ID", &["1", "2"]), &[("D", &d)]), some(&["1.2500", "0.0000"]));
}

#[test]
fn a_system_that_is_not_there_gives_null_everywhere() {
    let other = "system = \"z\"\ntable = \"Z\"\non = { ID = \"T\" }\n";
    let lookups = format!(
        "[[parent]]\nname = \"p\"\n{other}[[count]]\nname = \"c\"\n{other}[[sum]]\nname = \"m\"\n{other}value = \"V\"\n"
    );
    for origin in ["p.X", "c", "m"] {
        assert_eq!(read(&lookups, origin, &table("ID", &["1"]), &[]), some(&["-"]), "{origin}");
    }
}

#[test]
fn a_list_is_a_table_for_other_rules() {
    let code = |rest: &str| format!("[[code]]\nname = \"k\"\ncodes = \"typ\"\n{rest}\n");
    let batch = table(
        "ID A B",
        &["1|A|-", "2|P|200912", "3|P|2010-01", "4|P|2010-01-01 08:00", "5|U|-", "6|Q|-", "7|-|-"],
    );
    let found = read(&code("from = \"A\"\ndate = \"B\""), "k", &batch, &[]);
    assert_eq!(found, some(&["alfa", "forr", "sedan", "sedan", "-", "-", "-"]));
    let found = read(&code("const = \"P\"\ndate = \"B\""), "k", &batch, &[]);
    assert_eq!(found, some(&["-", "forr", "sedan", "sedan", "-", "-", "-"]));
}

#[test]
fn rows_in_a_circle_are_found_through_their_parents() {
    let set = set(&format!(
        "[[parent]]\nname = \"p\"\ntable = \"P\"\non = {{ A = \"ID\" }}\n\
         [[check]]\nrule = \"D33\"\nfn = \"refers_in_a_circle\"\nfrom = [\"ID\", \"p.R\"]\naction = \"quarantine\"\n\
         when = {{ column = \"p.S\", in = [\"F\"] }}\n{}",
        TARGET.replace("FROM_HERE", "A")
    ));
    let p = table("ID R S", &["a|2|F", "b|1|F", "c|3|F", "d|1|F", "e|5|M"]);
    let done = run(&set, &table("ID A", &["1|a", "2|b", "3|c", "4|d", "5|e", "6|-"]), &[("P", &p)]);
    assert_eq!(rejects(&done), ["1 quarantine D33", "2 quarantine D33", "3 quarantine D33"]);
}

proptest! {
    /// A parent with periods and both neighbours, against the definitions said plainly.
    #[test]
    fn lookups_in_time_answer_as_their_definitions_do(
        rows in proptest::collection::vec(("[ab]", 0_i32..12), 0..20),
        periods in proptest::collection::vec(("[ab]", 0_i32..12, 0_i32..6), 0..12),
    ) {
        let text = |day: i32| crate::iso_date(16_000 + day);
        let texts: Vec<Vec<Option<String>>> = (0..)
            .zip(&rows)
            .map(|(id, (group, day)): (usize, _)| vec![Some(id.to_string()), Some(group.clone()), Some(text(*day))])
            .collect();
        let batch = texts_table(&["ID", "A", "T"], &texts);
        let spans: Vec<Vec<Option<String>>> = (0..)
            .zip(&periods)
            .map(|(id, (key, from, length)): (usize, _)| {
                [id.to_string(), key.clone(), text(*from), text(from + length)].map(Some).to_vec()
            })
            .collect();
        let spans = texts_table(&["X", "ID", "F", "S"], &spans);
        let found = read(&handl(""), "h.X", &batch, &[("H", &spans)]);
        for ((group, day), found) in rows.iter().zip(found) {
            let holds = periods.iter().zip(0..).filter(|((key, from, length), _)| {
                key == group && from <= day && *day <= from + length
            });
            let last = holds.max_by_key(|((_, from, _), id): &(_, usize)| (*from, *id));
            let expected = last.map(|(_, id)| id.to_string());
            prop_assert_eq!(found, expected);
        }
        for (direction, back) in [("before", true), ("after", false)] {
            let lookups = format!(
                "[[neighbour]]\nname = \"n\"\ndirection = \"{direction}\"\ngroup = [\"A\"]\norder = \"T\"\n"
            );
            let found = read(&lookups, "n.ID", &batch, &[]);
            for ((group, day), (id, found)) in rows.iter().zip((0_usize..).zip(found)) {
                let others = rows.iter().zip(0_usize..).filter(|((other, _), at)| other == group && *at != id);
                let others = others.map(|((_, day), at)| (*day, at));
                let beside = if back {
                    others.filter(|other| *other < (*day, id)).max()
                } else {
                    others.filter(|other| *other > (*day, id)).min()
                };
                prop_assert_eq!(found, beside.map(|(_, at)| at.to_string()));
            }
        }
    }
}
