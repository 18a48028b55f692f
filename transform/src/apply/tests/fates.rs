//! What becomes of whole rows: exclusions, checks, repeated keys and marks.

use bron_mappings::ReasonCode;

use crate::fixture::{HEAD, rejects, rows, run, set, set_of, table};

const TARGETS: &str = "[[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n\
    datum = { from = \"A\", fn = \"date\" }\n\
                       [[target]]\nentity = \"annan\"\n[target.fields]\nid = { id = [\"ID\"] }\n";

fn with(rules: &str) -> bron_mappings::MappingSet {
    set(&format!("{rules}\n{TARGETS}"))
}

fn keys(done: &crate::Transformed, entity: &str) -> Vec<String> {
    rows(done, entity).into_iter().map(|row| row["src_key"].clone()).collect()
}

#[test]
fn a_row_outside_the_scope_is_excluded_with_the_first_reason_and_nothing_else() {
    let set = with(
        "[[exclude]]\nreason = \"utanfor_omfattning\"\nabout = \"x\"\nwhen = { column = \"B\", in = [\"ut\"] }\n\
                    [[exclude]]\nreason = \"D66\"\nabout = \"x\"\nwhen = { column = \"B\", is = \"present\" }",
    );
    let done = run(&set, &table("ID A B", &["1|igår|ut", "2|igår|in", "3|2014-10-31|-"]), &[]);
    assert_eq!(rejects(&done), ["1 exclude utanfor_omfattning", "2 exclude D66"]);
    assert_eq!(keys(&done, "rad"), ["3"]);
    let tally = done.balance.tallies.values().next().unwrap();
    assert_eq!((tally.read, tally.loaded, tally.fanout), (3, 1, 2));
    assert_eq!(tally.excluded[&ReasonCode::OutOfScope], 1);
    assert_eq!(tally.excluded[&ReasonCode::RepeatedFile], 1);
    assert!(tally.marked.is_empty());
}

#[test]
fn a_check_marks_the_rows_that_it_is_about() {
    let set = with(
        "[[check]]\nrule = \"D68\"\nfn = \"is_present\"\nfrom = [\"B\"]\nwhen = { column = \"A\", is = \"present\" }\n\
                    [[check]]\nrule = \"D48\"\nfn = \"is_present\"\nfrom = [\"B\"]\naction = \"fix\"",
    );
    let done = run(&set, &table("ID A B", &["1|2014-10-31|x", "2|-|x", "3|-|-"]), &[]);
    assert_eq!(rejects(&done), ["1 flag D68", "1 fix D48", "2 fix D48"]);
    let flags: Vec<String> = rows(&done, "annan").into_iter().map(|row| row["dq_flags"].clone()).collect();
    assert_eq!(flags, ["D48,D68", "D48", ""]);
}

#[test]
fn a_row_that_is_held_back_becomes_nothing_at_all() {
    let set = with(
        "[[check]]\nrule = \"D24\"\nfn = \"is_present\"\nfrom = [\"B\"]\naction = \"quarantine\"\n\
                    [[check]]\nrule = \"D68\"\nfn = \"is_present\"\nfrom = [\"B\"]",
    );
    let done = run(&set, &table("ID A B", &["1|igår|x", "2|2014-10-31|-"]), &[]);
    assert_eq!(rejects(&done), ["1 quarantine D24"]);
    assert_eq!((keys(&done, "rad"), keys(&done, "annan")), (vec!["2".to_owned()], vec!["2".to_owned()]));
    let tally = done.balance.tallies.values().next().unwrap();
    assert_eq!((tally.loaded, tally.quarantined[&ReasonCode::EndBeforeStart]), (1, 1));
    assert!(tally.marked.is_empty(), "the marks of a row that is held back are not those of loaded rows");
}

#[test]
fn a_repeated_key_is_held_back_except_for_the_first_row() {
    let done = run(&with(""), &table("ID A", &["1|-", "2|-", "1|2014-10-31", "-|-", "-|-"]), &[]);
    assert_eq!(rejects(&done), ["1 quarantine upprepad_nyckel", "\\N quarantine upprepad_nyckel"]);
    assert_eq!(keys(&done, "rad"), ["1", "2", "\\N"]);
    assert_eq!(rows(&done, "rad")[0].get("datum"), None, "the first row counts");
}

#[test]
fn of_full_snapshots_the_last_row_counts_and_the_others_are_merged_with_their_marks() {
    let head = HEAD.replace("key = ", "repeats = \"latest\"\nkey = ");
    let done =
        run(&set_of(&format!("{head}{TARGETS}")), &table("ID A", &["1|igår", "2|-", "1|2014-10-31"]), &[]);
    assert_eq!(rejects(&done), ["1 merge ersatt_av_senare", "1 flag felformat datum"]);
    assert_eq!(keys(&done, "rad"), ["2", "1"]);
    assert_eq!(rows(&done, "rad")[1]["datum"], "2014-10-31", "the last row counts");
    let tally = done.balance.tallies.values().next().unwrap();
    assert_eq!((tally.read, tally.loaded, tally.merged, tally.fanout), (3, 2, 1, 4));
    assert_eq!(tally.marked[&ReasonCode::Malformed], 1);
}

#[test]
fn a_rule_over_several_rows_marks_the_later_ones() {
    let set = with(
        "[[check]]\nrule = \"D42\"\nfn = \"repeats_within\"\nfrom = [\"A\", \"B\"]\nwith = { days = 2 }\n\
                    when = { column = \"C\", in = [\"U\"] }",
    );
    let rows =
        ["1|2014-10-01|k|U", "2|2014-10-03|k|U", "3|2014-10-06|k|U", "4|2014-10-06|k|M", "5|2014-10-06|l|U"];
    let done = run(&set, &table("ID A B C", &rows), &[]);
    assert_eq!(rejects(&done), ["2 flag D42"]);
}

#[test]
fn one_mark_is_counted_once_a_row() {
    let set = with("[[check]]\nrule = \"felformat\"\nfn = \"is_present\"\nfrom = [\"A\"]");
    let done = run(&set, &table("ID A", &["1|igår"]), &[]);
    assert_eq!(rejects(&done), ["1 flag felformat", "1 flag felformat datum"]);
    let tally = done.balance.tallies.values().next().unwrap();
    assert_eq!(tally.marked[&ReasonCode::Malformed], 1);
    assert_eq!(rows(&done, "rad")[0]["dq_flags"], "felformat");
}

#[test]
fn a_row_that_stops_is_held_back_and_its_reject_says_so() {
    let check = |rule: &str, column: &str, action: &str| {
        format!(
            "[[check]]\nrule = \"{rule}\"\nfn = \"is_present\"\nfrom = [\"{column}\"]\naction = \"{action}\"\n"
        )
    };
    let set =
        with(&(check("D24", "B", "quarantine") + &check("D43", "C", "stop") + &check("D48", "B", "flag")));
    let done = run(&set, &table("ID A B C", &["1|-|x|x", "2|-|-|x", "3|-|x|-", "4|-|-|-"]), &[]);
    assert_eq!(rejects(&done), ["1 stop D43", "2 stop D43", "3 quarantine D24"]);
    assert_eq!(keys(&done, "rad"), ["4"]);
    let tally = done.balance.tallies.values().next().unwrap();
    assert_eq!(tally.quarantined.values().collect::<Vec<_>>(), [&1, &2], "both lie in the same bucket");
    assert_eq!(tally.stopped.iter().collect::<Vec<_>>(), [(&ReasonCode::BatchTotal, &2)]);
}

#[test]
fn every_condition_must_hold() {
    let set = with(
        "[[exclude]]\nreason = \"utanfor_omfattning\"\nabout = \"x\"\n\
         when = [{ column = \"B\", in = [\"ut\"] }, { column = \"A\", before = \"2010-01-01\" }]\n\
         [[check]]\nrule = \"D48\"\nfn = \"is_present\"\nfrom = [\"ID\"]\n\
         when = [{ column = \"A\", from = \"2010-01-01\", before = \"2011-01-01\" },\n\
         { column = \"@as_of\", is = \"present\" }]",
    );
    let rows = ["1|2009-12-31|ut", "2|2010-01-01|ut", "3|2009-12-31|in", "4|-|ut", "5|2010-12-31 23:59|in"];
    let done = run(&set, &table("ID A B", &rows), &[]);
    assert_eq!(rejects(&done), ["1 exclude utanfor_omfattning", "2 flag D48", "5 flag D48"]);
}

#[test]
fn a_target_may_be_for_some_rows_of_another_row() {
    let set = set("[[parent]]\nname = \"p\"\ntable = \"P\"\non = { A = \"ID\" }\n\
         [[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n\
         [[target]]\nentity = \"annan\"\n\
         when = [{ column = \"p.X\", in = [\"x\"] }, { column = \"B\", is = \"absent\" }]\n\
         [target.fields]\nid = { id = [\"ID\"] }\n");
    let p = table("ID X", &["a|x", "b|y"]);
    let done = run(&set, &table("ID A B", &["1|a|-", "2|b|-", "3|a|nej", "4|c|-"]), &[("P", &p)]);
    assert_eq!((keys(&done, "rad").len(), keys(&done, "annan")), (4, vec!["1".to_owned()]));
}
