use super::*;

#[test]
fn equal_valid_national_numbers_are_linked_within_and_across_systems() {
    // H1 and worked example D07: two records of one system, and one with a dash in another.
    let a = persons(&["10 197601010007 Eva Prov", "11 197601010007 Eva Prov", "9 197601020006 Bo Prov"]);
    let b = persons(&["V1 19760101-0007 Eva Prov", "V2 991981000010 Bo Prov"]);
    let identity = identity(&[("a/P", &a), ("b/P", &b)], "");
    assert_eq!(
        links_of(&identity),
        ["10|11 lika_identifierare", "a/P/10|b/P/V1 lika_identifierare", "a/P/11|b/P/V1 lika_identifierare"]
    );
    let row = &rows_of(&identity, "identity_link")[0];
    let person = |key: &str| crate::lookups::person_id(&SECRET, "a", "P", [Some(key)]).to_string();
    for (column, expected) in [
        ("person_a", person("10")),
        ("person_b", person("11")),
        ("kalla_a", "a/P".to_owned()),
        ("src_system", "bron".to_owned()),
        ("src_table", "identitet".to_owned()),
        ("mapping_id", "bron/identitet".to_owned()),
        ("mapping_version", "v".to_owned()),
        ("skyddad", "false".to_owned()),
        ("dq_flags", String::new()),
        ("sekretess_klass", "begransad_identitet".to_owned()),
    ] {
        assert_eq!(row[column], expected, "{column}");
    }
    assert!(row.contains_key("src_row_sha256"));
}

#[test]
fn the_smaller_key_stands_first_as_numbers_go() {
    let a = persons(&["100 197601010007 E P", "9 197601010007 E P"]);
    assert_eq!(links_of(&identity(&[("a/P", &a)], "")), ["9|100 lika_identifierare"]);
}

#[test]
fn a_reserve_number_or_a_stand_in_never_collapses_people() {
    // H6: seven people share a value.
    for number in ["991981000010", "191212121212", "9999999999", "197601010004", "197602300001"] {
        let rows: Vec<String> = (1..=7).map(|id| format!("{id} {number} F{id} Prov")).collect();
        let batch = persons(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        let identity = identity(&[("a/P", &batch)], "");
        assert_eq!((links_of(&identity), questions_of(&identity)), (vec![], vec![]), "{number}");
    }
}

#[test]
fn a_number_that_many_records_have_stands_for_nobody() {
    let rows: Vec<String> = (1..=7).map(|id| format!("{id} 197601010007 F{id} Prov")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    assert_eq!(links_of(&identity(&[("a/P", &persons(&rows))], "")), [""; 0]);
    assert_eq!(links_of(&identity(&[("a/P", &persons(&rows[..6]))], "")).len(), 15);
}

#[test]
fn numbers_whose_periods_do_not_meet_are_not_linked() {
    let rows = ["1 197601010007 E P TOM=2010-12-31", "2 197601010007 E P FRAN=2011-01-01"];
    assert_eq!(links_of(&identity(&[("a/P", &persons(&rows))], "")), [""; 0]);
    let rows = [rows[0], "2 197601010007 E P FRAN=2010-12-31 TOM=9999-12-31"];
    assert_eq!(links_of(&identity(&[("a/P", &persons(&rows))], "")).len(), 1);
}

#[test]
fn an_uncertain_century_links_nobody() {
    let rows = ["1 1001010006 E P DAG=2015-05-01", "2 1001010006 E P DAG=2015-05-01"];
    assert_eq!(links_of(&identity(&[("a/P", &persons(&rows))], "")), [""; 0]);
    let rows = ["1 7601010007 E P DAG=1995-05-01", "2 197601010007 E P"];
    assert_eq!(links_of(&identity(&[("a/P", &persons(&rows))], "")).len(), 1);
}

#[test]
fn a_protected_human_is_never_linked_by_a_number() {
    // The mark stands on one of three records only, in another system than the two that are alike.
    let a = persons(&["1 197601010007 E P", "2 197601010007 E P"]);
    let b = persons(&["1 197601010007 E P SEKR=J"]);
    assert_eq!(links_of(&identity(&[("a/P", &a), ("b/P", &b)], "")), [""; 0]);
    let b = persons(&["1 - E P SEKR=J TILL=2"]);
    let identity = identity(&[("a/P", &a), ("b/P", &b)], "");
    assert_eq!(links_of(&identity), ["a/P/2|b/P/1 hanvisning_b"], "a source said so itself");
    assert_eq!(rows_of(&identity, "identity_link")[0]["skyddad"], "true");
}

#[test]
fn the_highest_protection_has_no_row_at_all() {
    let a = persons(&["1 197601010007 E P SEKR=F", "2 197601020006 E P"]);
    let b = persons(&["1 - E P TILL=1"]);
    let decided = "a/P/1,a/P/2,lika,Eva,2024-01-01 10:00,x\n";
    let identity = identity(&[("a/P", &a), ("b/P", &b)], decided);
    assert_eq!((links_of(&identity), identity.idle_decisions()), (vec![], 1));
}

#[test]
fn references_become_links_unless_a_mapping_makes_them() {
    let a = persons(&["1 - E P", "2 - E P", "3 197601010007 E P", "4 197601010007 E P"]);
    let b = persons(&["1 - E P TILL=1", "2 - E P TILL=9"]);
    let own = table("ID A B", &["1|4|3"]);
    let other = table("ID A B", &["1|2|1", "2|2|2"]);
    let made = identity(&[("a/P", &a), ("b/P", &b), ("a/H", &other)], "");
    let expected = ["1|2 hanvisning_a", "3|4 lika_identifierare", "a/P/1|b/P/1 hanvisning_b"];
    assert_eq!(links_of(&made), expected);
    let row = &rows_of(&made, "identity_link")[2];
    assert_eq!(
        (row["kalla_a"].as_str(), row["kalla_b"].as_str()),
        ("b/P", "a/P"),
        "the one that refers first"
    );
    let made = identity(&[("a/P", &a), ("b/P", &b), ("a/R", &own)], "");
    assert_eq!(links_of(&made), ["a/P/1|b/P/1 hanvisning_b"], "3 and 4 are linked by the mapping of a/R");
}

#[test]
fn a_record_that_is_held_back_is_linked_to_nobody() {
    let a = persons(&["1 197601010007 E P", "2 197601010007 E P", "3 197601010007 E P"]);
    let none = decisions("");
    let identity = identity_with(&[("a/P", &a)], &["2"], &none, &mut candidates::compare);
    assert_eq!(links_of(&identity), ["1|3 lika_identifierare"]);
}

#[test]
fn a_decision_links_and_undoes_and_both_stay_visible() {
    let a =
        persons(&["1 197601010007 E P", "2 197601010007 E P", "3 197601020006 E P", "4 - E P", "5 - E P"]);
    let own = table("ID A B", &["1|5|4"]);
    let lines = "a/P/2,a/P/1,olika,Bo,2024-02-01 08:00,Tvillingar\na/P/1,a/P/3,lika,Eva,2024-01-01 10:00,Byte\n\
                 a/P/4,a/P/5,olika,Bo,2024-03-01 08:00,Fel\na/P/1,a/P/4,olika,Bo,2024-03-01 08:00,Inget\n\
                 a/P/2,a/P/9,lika,Bo,2024-03-01 08:00,Finns-inte\n";
    let identity = identity(&[("a/P", &a), ("a/R", &own)], lines);
    assert_eq!(
        links_of(&identity),
        [
            "1|2 lika_identifierare upphavd_av=Bo",
            "1|3 manuell_beslutad beslutad_av=Eva",
            "4|5 manuell_beslutad upphavd_av=Bo"
        ]
    );
    assert_eq!(identity.idle_decisions(), 2, "nothing to undo, and a record that nobody has");
    let rows = rows_of(&identity, "identity_link");
    assert_eq!(
        (rows[0]["upphavd_tid"].as_str(), rows[0]["skal"].as_str()),
        ("2024-02-01 08:00:00", "Tvillingar")
    );
    assert_eq!((rows[1]["tid"].as_str(), rows[1].get("upphavd_tid")), ("2024-01-01 10:00:00", None));
    assert_eq!(rows[2]["typ"], "delning");
}

#[test]
fn a_decided_link_that_was_undone_keeps_who_made_it() {
    let a = persons(&["1 197601010007 E P", "3 197601020006 E P"]);
    let lines = "a/P/1,a/P/3,lika,Eva,2024-01-01 10:00,x\na/P/1,a/P/3,olika,Bo,2024-02-01 10:00,y\n";
    let made = identity(&[("a/P", &a)], lines);
    assert_eq!(links_of(&made), ["1|3 manuell_beslutad beslutad_av=Eva upphavd_av=Bo"]);
    let again = format!("{lines}a/P/1,a/P/3,lika,Eva,2024-03-01 10:00,z\n");
    assert_eq!(links_of(&identity(&[("a/P", &a)], &again)), ["1|3 manuell_beslutad beslutad_av=Eva"]);
}

#[test]
fn a_key_that_can_be_a_number_shows_as_a_pseudonym() {
    let c = persons(&["197601010007 197601010007 E P"]);
    let a = persons(&["1 197601010007 E P"]);
    let made = identity(&[("a/P", &a), ("c/P", &c)], "");
    let links = links_of(&made);
    let shown = links[0].strip_prefix("a/P/1|c/P/").unwrap().split(' ').next().unwrap().to_owned();
    assert!(shown.starts_with("p-") && links.len() == 1, "{links:?}");
    let text = format!("{:?}", rows_of(&made, "identity_link"));
    assert!(!text.contains("197601010007"), "{text}");
    let undone =
        identity(&[("a/P", &a), ("c/P", &c)], &format!("c/P/{shown},a/P/1,olika,Bo,2024-02-01 10:00,y\n"));
    assert_eq!(links_of(&undone), [format!("a/P/1|c/P/{shown} lika_identifierare upphavd_av=Bo")]);
}

#[test]
fn the_latest_snapshot_of_a_record_counts_for_links() {
    let a = persons(&["1 197601010007 E P", "2 197601020006 E P"]);
    let c = persons(&["K1 197601010007 E P", "K1 197601020006 E P"]);
    let identity = identity(&[("a/P", &a), ("c/P", &c)], "");
    let links = links_of(&identity);
    assert_eq!(links.len(), 1);
    assert!(links[0].starts_with("a/P/2|c/P/"), "{links:?}");
}

#[test]
fn ids_do_not_depend_on_the_order_of_tables() {
    let a = persons(&["1 197601010007 E P", "2 197601010007 E P"]);
    let b = persons(&["1 197601010007 E P"]);
    let ids = |tables: &[(&str, &Batch)]| -> Vec<String> {
        rows_of(&identity(tables, ""), "identity_link").iter().map(|row| row["id"].clone()).collect()
    };
    let one = ids(&[("a/P", &a), ("b/P", &b)]);
    assert_eq!(one, ids(&[("b/P", &b), ("a/P", &a)]));
    assert_eq!(one.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
}
