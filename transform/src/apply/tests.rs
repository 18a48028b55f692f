//! What each kind of rule makes of a row; fates and provenance have files of their own.

mod fates;
mod provenance;

use bron_mappings::{Batch, BatchSchema, ColumnBuilder, ColumnType, EntityId, SourceKey, Value};

use crate::fixture::{SECRET, Texts, only, rejects, rows, rules, run, set, table};

/// The only `rad` that one row of the columns ID, A and B becomes by these rules.
fn rad(fields: &str, row: &str) -> Texts {
    let mut found = rows(&run(&rules(fields), &table("ID A B", &[row]), &[]), "rad");
    assert_eq!(found.len(), 1);
    found.remove(0)
}

fn id(entity: &str, system: &str, table: &str, key: &[&str]) -> String {
    let key = SourceKey::new(system, table, key.iter().map(|text| Some(*text)));
    EntityId::derive(&SECRET, entity, &key).to_string()
}

#[test]
fn an_id_is_made_of_entity_table_key_and_part() {
    assert_eq!(rad("", "1|-|-")["id"], id("rad", "s", "T", &["1"]));
    let parts = set("[[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"], part = \"1\" }\n\
                     [[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"], part = \"2\" }\n");
    let found = rows(&run(&parts, &table("ID", &["7"]), &[]), "rad");
    let ids: Vec<&str> = found.iter().map(|row| row["id"].as_str()).collect();
    assert_eq!(ids, [id("rad", "s", "T", &["7", "1"]), id("rad", "s", "T", &["7", "2"])]);
}

#[test]
fn a_reference_is_the_id_of_the_row_that_it_names() {
    let here = "annan_id = { ref = \"annan\", from = [\"A\", \"B\"] }";
    assert_eq!(rad(here, "1|x|y")["annan_id"], id("annan", "s", "T", &["x", "y"]));
    let other = "annan_id = { ref = \"annan\", from = [\"A\"], system = \"z\", table = \"U\", part = \"p\" }";
    assert_eq!(rad(other, "1|x|y")["annan_id"], id("annan", "z", "U", &["x", "p"]));
}

#[test]
fn a_reference_with_a_missing_text_is_null() {
    let rule = "annan_id = { ref = \"annan\", from = [\"A\", \"B\"] }";
    for row in ["1|x|-", "1|-|y", "1|x|", "1||y"] {
        assert_eq!(rad(rule, row).get("annan_id"), None, "{row}");
    }
}

#[test]
fn a_function_reads_its_columns_with_its_arguments() {
    assert_eq!(rad("text = { from = \"A\" }", "1| as found |-")["text"], " as found ");
    let yes = "sant = { from = \"A\", fn = \"bool\", with = { yes = \"J\", no = \"N\" } }";
    assert_eq!(rad(yes, "1|J|-")["sant"], "true");
    assert_eq!(rad("decimal = { from = \"A\", fn = \"decimal\" }", "1|12.5|-")["decimal"], "1250");
    assert_eq!(rad("text = { from = [\"A\", \"B\"], fn = \"first_present\" }", "1||b|")["text"], "b");
}

#[test]
fn a_text_that_cannot_be_read_is_null_with_a_mark_and_kept() {
    let row =
        rad("datum = { from = \"A\", fn = \"date\" }\ntal = { from = \"B\", fn = \"int\" }", "1|igår|4\"x");
    assert_eq!((row.get("datum"), row.get("tal")), (None, None));
    assert_eq!(row["dq_flags"], "felformat");
    assert_eq!(row["verbatim"], r#"{"datum":"igår","tal":"4\"x"}"#);
}

#[test]
fn a_code_is_looked_up_and_an_unknown_one_is_marked() {
    let rule = "kod = { from = \"A\", codes = \"typ\", date = \"B\" }";
    assert_eq!(rad(rule, "1|A|-")["kod"], "alfa");
    let unknown = rad(rule, "1|Q|-");
    assert_eq!((unknown.get("kod"), unknown["dq_flags"].as_str()), (None, "D18"));
    assert_eq!(unknown["verbatim"], r#"{"kod":"Q"}"#);
    for (row, flags) in [("1|U|-", ""), ("1|-|-", ""), ("1||-", "")] {
        let row = rad(rule, row);
        assert_eq!((row.get("kod"), row["dq_flags"].as_str(), row.get("verbatim")), (None, flags, None));
    }
}

#[test]
fn a_code_with_periods_is_looked_up_by_day() {
    let rule = "kod = { from = \"A\", codes = \"typ\", date = \"B\" }";
    assert_eq!(rad(rule, "1|P|2009-12-31 23:59:59.999")["kod"], "forr");
    assert_eq!(rad(rule, "1|P|20100101")["kod"], "sedan");
    for day in ["-", "", "2009-02-30", "okänt"] {
        let row = rad(rule, &format!("1|P|{day}"));
        assert_eq!((row.get("kod"), row["dq_flags"].as_str()), (None, "D20"), "{day}");
    }
}

#[test]
fn a_constant_is_the_same_in_every_row() {
    let row = rad(
        "text = { const = \"t\" }\nkod = { const = \"k\" }\ndatum = { const = \"2014-10-31\" }\n\
         tid = { const = \"2014-10-31 08:15\" }\ntal = { const = \"-7\" }\nore = { const = 612000 }\n\
         minuter = { const = 15 }\nsant = { const = true }\nbyte = { const = \"ab\" }\ndecimal = { const = \"12.5\" }",
        "1|-|-",
    );
    let expected = [
        ("text", "t"),
        ("kod", "k"),
        ("datum", "2014-10-31"),
        ("tid", "2014-10-31 08:15:00"),
        ("tal", "-7"),
        ("ore", "612000"),
        ("minuter", "15"),
        ("sant", "true"),
        ("byte", "6162"),
        ("decimal", "1250"),
    ];
    for (field, text) in expected {
        assert_eq!(row[field], text, "{field}");
    }
}

#[test]
fn a_default_stands_in_where_the_source_says_nothing() {
    let rule = "kod = { from = \"A\", codes = \"typ\", default = \"inget\" }";
    assert_eq!(rad(rule, "1|-|-")["kod"], "inget");
    assert_eq!(rad(rule, "1||-")["kod"], "inget");
    assert_eq!(rad("tal = { from = \"A\", fn = \"int\", default = \"3\" }", "1|-|-")["tal"], "3");
}

#[test]
fn a_default_stands_in_for_nothing_that_the_source_says() {
    assert_eq!(rad("kod = { from = \"A\", codes = \"typ\", default = \"inget\" }", "1|Q|-").get("kod"), None);
    let open =
        rad("datum = { from = \"A\", fn = \"open_end_date\", default = \"2014-10-31\" }", "1|9999-12-31|-");
    assert_eq!((open.get("datum"), open["dq_flags"].as_str()), (None, "D23"));
}

#[test]
fn a_required_value_that_is_missing_is_held_back_or_flagged() {
    let table = table("ID A", &["1|-", "2|x", "3|"]);
    let rule = |on_bad: &str| {
        rules(&format!("datum = {{ from = \"A\", fn = \"date\", required = true, on_bad = \"{on_bad}\" }}"))
    };
    let held = run(&rule("quarantine"), &table, &[]);
    assert_eq!(
        rejects(&held),
        ["1 quarantine saknas datum", "2 quarantine felformat datum", "3 quarantine saknas datum"]
    );
    assert_eq!(rows(&held, "rad"), []);
    let flagged = run(&rule("flag"), &table, &[]);
    assert_eq!(rejects(&flagged), ["1 flag saknas datum", "2 flag felformat datum", "3 flag saknas datum"]);
    assert_eq!(rows(&flagged, "rad").len(), 3);
}

#[test]
fn a_required_value_that_a_function_reads_as_nothing_is_missing_too() {
    let set =
        rules("datum = { from = \"A\", fn = \"open_end_date\", required = true, on_bad = \"quarantine\" }");
    let done = run(&set, &table("ID A", &["1|9999-12-31"]), &[]);
    assert_eq!(rejects(&done), ["1 quarantine saknas datum"]);
}

#[test]
fn a_target_is_made_when_its_condition_holds() {
    let tests: [(&str, &[&str]); 4] = [
        ("is = \"present\"", &["1", "2"]),
        ("is = \"absent\"", &["3", "4"]),
        ("in = [\"a\", \"\"]", &["1", "4"]),
        ("not_in = [\"a\"]", &["2", "3", "4"]),
    ];
    for (test, expected) in tests {
        let set = set(&format!(
            "[[target]]\nentity = \"rad\"\n[target.fields]\nid = {{ id = [\"ID\"] }}\n\
             [[target]]\nentity = \"annan\"\nwhen = {{ column = \"A\", {test} }}\n[target.fields]\n\
                 id = {{ id = [\"ID\"] }}"
        ));
        let done = run(&set, &table("ID A", &["1|a", "2|b", "3|-", "4|"]), &[]);
        let keys: Vec<String> = rows(&done, "annan").into_iter().map(|row| row["src_key"].clone()).collect();
        assert_eq!(keys, expected, "{test}");
        assert_eq!(rows(&done, "rad").len(), 4);
        let fanout: u64 = done.balance.tallies.values().map(|tally| tally.fanout).sum();
        assert_eq!(fanout, 4 + u64::try_from(expected.len()).unwrap());
    }
}

#[test]
fn the_day_of_the_source_is_a_text_like_any_other() {
    assert_eq!(rad("datum = { from = \"@as_of\", fn = \"date\" }", "1|-|-")["datum"], "2024-12-31");
}

#[test]
fn texts_of_two_targets_with_the_same_field_are_kept_apart() {
    let set = set("[[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n\
        datum = { from = \"A\", fn = \"date\" }\n\
                   [[target]]\nentity = \"annan\"\n[target.fields]\nid = { id = [\"ID\"] }\n\
                       datum = { from = \"B\", fn = \"date\" }");
    let done = run(&set, &table("ID A B", &["1|ett|två", "2|2014-10-31|två"]), &[]);
    let kept = |entity| -> Vec<Option<String>> {
        rows(&done, entity).into_iter().map(|row| row.get("verbatim").cloned()).collect()
    };
    assert_eq!(kept("rad"), [Some(r#"{"datum":"ett"}"#.to_owned()), None]);
    assert_eq!(kept("annan"), vec![Some(r#"{"datum":"två"}"#.to_owned()); 2]);
}

#[test]
#[should_panic(expected = "was planned for these columns")]
fn a_batch_of_other_columns_is_refused() {
    let set = rules("");
    let plan = crate::fixture::plan(&set, &table("ID A", &[])).unwrap();
    let _ = crate::apply(&plan, &crate::Lookups::new(None), &table("A ID", &["1|2"]), 0);
}

#[test]
fn the_entities_of_a_plan_are_those_of_the_mapping_once_each() {
    let set = set("[[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n\
                   [[target]]\nentity = \"annan\"\n[target.fields]\nid = { id = [\"ID\"] }\n\
                   [[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"], part = \"2\" }");
    let done = run(&set, &table("ID", &["1"]), &[]);
    let found: Vec<(&str, usize)> =
        done.entities.iter().map(|(entity, batch)| (entity.as_str(), batch.rows())).collect();
    assert_eq!(found, [("rad", 2), ("annan", 1)]);
    assert_eq!(only(&set).targets.len(), 3);
}

#[test]
fn a_rule_is_about_the_rows_that_its_conditions_choose() {
    let rule = "sant = { const = false, when = [{ column = \"A\", in = [\"OA\"] }, \
                { column = \"B\", not_in = [\"IU\"] }], default = \"true\" }";
    for (row, value) in [("1|OA|EU", "false"), ("1|OA|-", "false"), ("1|OA|IU", "true"), ("1|AN|-", "true")] {
        assert_eq!(rad(rule, row)["sant"], value, "{row}");
    }
    let text = "text = { from = \"A\", when = { column = \"B\", is = \"present\" } }";
    assert_eq!(rad(text, "1|a|b")["text"], "a");
    assert_eq!(rad(text, "1|a|-").get("text"), None);
    let required = format!("{text}\n").replace("} }", "}, required = true }");
    assert_eq!(rad(&required, "1|a|-")["dq_flags"], "saknas");
}

#[test]
fn a_column_of_bytes_is_kept_and_added_up_as_it_is() {
    let fields = "byte = { from = \"A\", fn = \"bytes\" }\ntext = { from = \"A\", fn = \"sha256\" }";
    let kinds = [ColumnType::Text, ColumnType::Bytes];
    let schema = BatchSchema::new(["ID", "A"].map(str::to_owned).into_iter().zip(kinds));
    let given = [[Some(Value::Text("1")), Some(Value::Bytes(&[0xff, 0]))], [Some(Value::Text("2")), None]];
    let columns = kinds.into_iter().enumerate().map(|(column, kind)| {
        let mut builder = ColumnBuilder::new(kind, 2);
        given.iter().for_each(|row| builder.push(row[column]));
        builder.finish()
    });
    let batch = Batch::new(&schema, columns.collect(), 2).unwrap();
    let found = rows(&run(&rules(fields), &batch, &[]), "rad");
    let kept: Vec<_> = found.iter().map(|row| (row.get("byte"), row.get("text"))).collect();
    let digest = "ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f".to_owned();
    assert!(kept.contains(&(Some(&"ff00".to_owned()), Some(&digest))), "{kept:?}");
    assert!(kept.contains(&(None, None)), "{kept:?}");
}
