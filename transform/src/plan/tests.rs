use bron_mappings::{BatchSchema, ColumnType, MappingSet};

use super::*;
use crate::fixture::{HEAD, SECRET, only, rules, set, set_of};

const TARGET: &str = "[[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n";
const COLUMNS: [&str; 4] = ["ID", "A", "B", "C"];

fn problem_with(set: &MappingSet, kinds: [ColumnType; 4]) -> String {
    let schema = BatchSchema::new(COLUMNS.map(str::to_owned).into_iter().zip(kinds));
    Plan::new(set, only(set), &schema, &SECRET).map_or_else(|error| error.to_string(), |_| String::new())
}

/// Why the mapping cannot be used; empty when it can.
fn problem(set: &MappingSet) -> String {
    problem_with(set, [ColumnType::Text; 4])
}

fn assert_refused(set: &MappingSet, part: &str) {
    let problem = problem(set);
    assert!(
        problem.starts_with("mapping s/T cannot be used: ") && problem.contains(part),
        "{part}: {problem}"
    );
}

fn parents(count: usize) -> String {
    let parent = |number| format!("[[parent]]\nname = \"p{number}\"\ntable = \"P\"\non = {{ A = \"ID\" }}\n");
    (0..count).map(parent).collect::<String>() + TARGET
}

#[test]
fn as_many_parents_as_there_is_room_for_and_not_one_more() {
    assert_eq!(problem(&set(&parents(Mapping::MOST_PARENTS))), "");
    assert_refused(&set(&parents(Mapping::MOST_PARENTS + 1)), "17 parents are more than 16");
}

#[test]
fn a_parent_is_found_by_columns_and_by_earlier_parents_only() {
    let parent =
        |name: &str, on: &str| format!("[[parent]]\nname = \"{name}\"\ntable = \"P\"\non = {{ {on} }}\n");
    let chain = parent("p", "A = \"ID\"") + &parent("q", "\"p.X\" = \"ID\"") + TARGET;
    assert_eq!(problem(&set(&chain)), "");
    for (parents, part) in [
        (parent("p", "\"q.X\" = \"ID\"") + &parent("q", "A = \"ID\""), "parent `p` is found by `q.X`"),
        (parent("p", "\"p.X\" = \"ID\""), "parent `p` is found by `p.X`"),
        (parent("p", "A = \"ID\"") + &parent("p", "B = \"ID\""), "are called `p`"),
    ] {
        assert_refused(&set(&(parents + TARGET)), part);
    }
}

#[test]
fn a_sum_is_found_by_what_stands_before_it() {
    let sum = |name: &str, on: &str| {
        format!("[[sum]]\nname = \"{name}\"\ntable = \"D\"\non = {{ {on} }}\nvalue = \"V\"\n")
    };
    assert_eq!(problem(&set(&(sum("m", "ID = \"ID\"") + TARGET))), "");
    assert_refused(&set(&(sum("m", "m = \"ID\"") + TARGET)), "lookup `m` is found by `m`");
    assert_eq!(problem(&set(&(sum("n", "ID = \"ID\"") + &sum("m", "n = \"ID\"") + TARGET))), "");
    assert_refused(
        &set(&(sum("m", "n = \"ID\"") + &sum("n", "ID = \"ID\"") + TARGET)),
        "lookup `m` is found by `n`, which does not stand before it",
    );
}

#[test]
fn a_key_is_made_of_columns() {
    for key in ["p.X", "@as_of"] {
        let head = HEAD.replace("\"ID\"", &format!("\"{key}\""));
        let parent = "[[parent]]\nname = \"p\"\ntable = \"P\"\non = { A = \"ID\" }\n";
        assert_refused(
            &set_of(&format!("{head}{parent}{TARGET}")),
            &format!("`{key}`, no column of the table"),
        );
    }
}

#[test]
fn a_rule_over_several_rows_has_readable_days_and_reads_what_every_rule_does() {
    let check = |from: &str, rest: &str| {
        set(&format!(
            "[[parent]]\nname = \"p\"\ntable = \"P\"\non = {{ A = \"ID\" }}\n\
             [[check]]\nrule = \"D42\"\nfn = \"repeats_within\"\nfrom = {from}\n{rest}\n{TARGET}"
        ))
    };
    let columns = "[\"A\", \"B\"]";
    for days in ["", "with = { days = 0 }", "with = { days = \"30\" }"] {
        assert_eq!(problem(&check(columns, days)), "");
    }
    for days in ["\"sju\"", "-1", "\"\"", "\"7 \"", "99999999999"] {
        assert_refused(
            &check(columns, &format!("with = {{ days = {days} }}")),
            "`days` is not a whole number",
        );
    }
    assert_eq!(problem(&check("[\"A\", \"p.X\"]", "when = { column = \"p.Y\", is = \"present\" }")), "");
}

#[test]
fn a_constant_or_default_that_is_no_value_of_its_field_is_refused() {
    for rule in [
        "sant = { const = \"ja\" }",
        "tal = { const = \"x\" }",
        "ore = { from = \"A\", fn = \"ore\", default = \"1,50\" }",
        "datum = { from = \"A\", fn = \"date\", default = \"2014-02-30\" }",
        "decimal = { const = \"0.001\" }",
        "annan_id = { const = \"1\" }",
    ] {
        assert_refused(&rules(rule), "is no value of type");
    }
}

#[test]
fn a_rule_gives_the_type_of_its_field() {
    for rule in [
        "text = { id = [\"ID\"] }",
        "text = { ref = \"annan\", from = [\"A\"] }",
        "datum = { from = \"A\", codes = \"typ\" }",
        "datum = { from = \"A\" }",
        "annan_id = { from = \"A\" }",
    ] {
        assert_refused(&rules(rule), "gives no value of type");
    }
}

#[test]
fn every_name_is_known() {
    for (rule, part) in [
        ("text = { from = \"X\" }", "no column `X`"),
        ("text = { from = \"p.X\" }", "no parent `p`"),
        ("kod = { from = \"A\", codes = \"x\" }", "no code list `x`"),
        ("text = { from = \"A\", fn = \"x\" }", "no function `x`"),
        ("text = { from = \"A\", fn = \"is_present\" }", "`is_present` gives no value"),
        ("saknas = { from = \"A\" }", "`rad` has no field `saknas`"),
        ("dq_flags = { from = \"A\" }", "`rad` has no field `dq_flags` for a rule to fill"),
    ] {
        assert_refused(&rules(rule), part);
    }
    assert_refused(&set(&TARGET.replace("rad", "x")), "no entity `x`");
    let check =
        |name: &str| set(&format!("[[check]]\nrule = \"D24\"\nfn = \"{name}\"\nfrom = [\"A\"]\n{TARGET}"));
    assert_refused(&check("x"), "no function `x`");
    assert_refused(&check("date"), "`date` is not a check");
}

#[test]
fn a_rule_reads_text_and_nothing_else() {
    let bytes = [ColumnType::Text, ColumnType::Bytes, ColumnType::Text, ColumnType::Text];
    assert_eq!(problem_with(&rules("text = { from = \"B\" }"), bytes), "");
    assert!(problem_with(&rules("text = { from = \"A\" }"), bytes).contains("column `A` is not text"));
    let typed = [ColumnType::Text, ColumnType::Int, ColumnType::Text, ColumnType::Text];
    assert!(problem_with(&rules(""), typed).contains("column `A` is neither text nor bytes"));
}
