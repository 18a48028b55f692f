//! The columns that every row ends with: who was responsible, and where the row comes from.

use bron_mappings::{Batch, BatchSchema, ColumnBuilder, ColumnType, SourceKey, Value};
use proptest::prelude::*;

use super::{id, rad};
use crate::fixture::{HEAD, only, rejects, rows, rules, run, set, set_of, table, texts, texts_table};

const TARGET: &str = "[[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n\
                      [[target]]\nentity = \"annan\"\n[target.fields]\nid = { id = [\"ID\"] }\n";

/// SHA-256 over 01 0000000000000001 31, 01 0000000000000004 c3857361, 00, 01 0000000000000000, computed
/// with another implementation from the description of the encoding.
const GOLDEN: &str = "e25274c72bbe21687f3035ced451ae194d1db3199532d56b03edbcab31f1a378";

#[test]
fn the_sum_of_a_row_is_that_of_its_encoding() {
    let done = run(&rules(""), &table("ID A B C", &["1|Åsa|-|"]), &[]);
    assert_eq!(rows(&done, "rad")[0]["src_row_sha256"], GOLDEN);
}

#[test]
fn columns_that_the_extraction_added_do_not_count_in_the_sum() {
    let done = run(&rules(""), &table("_file ID A _line B C", &["f1|1|Åsa|7|-|"]), &[]);
    assert_eq!(rows(&done, "rad")[0]["src_row_sha256"], GOLDEN);
}

#[test]
fn bytes_count_in_the_sum_as_text_does() {
    let kinds = [ColumnType::Text, ColumnType::Bytes, ColumnType::Bytes, ColumnType::Text];
    let values = [Some(Value::Text("1")), Some(Value::Bytes("Åsa".as_bytes())), None, Some(Value::Text(""))];
    let schema = BatchSchema::new(["ID", "A", "B", "C"].map(str::to_owned).into_iter().zip(kinds));
    let arrays = kinds.into_iter().zip(values).map(|(kind, value)| {
        let mut builder = ColumnBuilder::new(kind, 1);
        builder.push(value);
        builder.finish()
    });
    let batch = Batch::new(&schema, arrays.collect(), 1).unwrap();
    assert_eq!(rows(&run(&rules(""), &batch, &[]), "rad")[0]["src_row_sha256"], GOLDEN);
}

#[test]
fn a_row_says_where_it_comes_from_and_by_which_mapping() {
    let set = rules("");
    let row = &rows(&run(&set, &table("ID", &["1"]), &[]), "rad")[0];
    let version = set.version(only(&set), crate::REGISTRY_VERSION);
    for (column, text) in [
        ("src_system", "s"),
        ("src_table", "T"),
        ("src_key", "1"),
        ("mapping_id", "s/T"),
        ("mapping_version", &version),
        ("dq_flags", ""),
        ("sekretess_klass", "osl_26_1"),
    ] {
        assert_eq!(row[column], text, "{column}");
    }
    for column in ["verksamhetsomrade", "namnd", "namnd_id", "verbatim"] {
        assert_eq!(row.get(column), None, "{column}");
    }
}

#[test]
fn the_secrecy_is_the_entity_s_own_unless_the_mapping_says_another() {
    let secrecy = |set| {
        let done = run(&set, &table("ID", &["1"]), &[]);
        ["rad", "annan"].map(|entity| rows(&done, entity)[0]["sekretess_klass"].clone())
    };
    assert_eq!(secrecy(set(TARGET)), ["osl_26_1", "osl_25_1"]);
    assert_eq!(secrecy(set(&format!("[scope]\nsekretess = \"osl_25\"\n{TARGET}"))), ["osl_25", "osl_25"]);
}

#[test]
fn the_dimensions_stand_on_rows_rejects_and_balance() {
    let scope = "[scope]\narea = { from = \"A\", codes = \"typ\" }\nnamnd = { from = \"B\" }\nyear = \"C\"\n";
    let rows_in = ["1|A|714|2014-10-31", "2|Q|714|okänt", "3|-|-|-", "4|A||åäöx", "5|A|714|20141"];
    let done = run(&set(&format!("{scope}{TARGET}")), &table("ID A B C", &rows_in), &[]);
    let at: Vec<[&str; 3]> = done
        .balance
        .tallies
        .keys()
        .map(|at| [at.area.as_str(), at.namnd.as_str(), at.year.as_str()])
        .collect();
    assert_eq!(at, [["", "", ""], ["", "714", ""], ["alfa", "", ""], ["alfa", "714", "2014"]]);
    assert_eq!(rejects(&done), ["2 flag D18 area"]);
    assert_eq!(texts(&done.rejects)[0]["namnd"], "714");
    let found = rows(&done, "annan");
    assert_eq!((found[0]["verksamhetsomrade"].as_str(), found[0]["namnd"].as_str()), ("alfa", "714"));
    assert_eq!(found[0]["namnd_id"], id("organisation", "s", "NAMND", &["714"]));
    assert_eq!(found[4]["namnd_id"], found[0]["namnd_id"]);
    assert_eq!(found[1]["verbatim"], r#"{"area":"Q"}"#, "every row keeps the code that no list knows");
    assert_eq!((found[2].get("namnd"), found[2].get("namnd_id")), (None, None));
    assert_eq!((found[3].get("namnd"), found[3].get("namnd_id")), (None, None));
}

#[test]
fn the_unit_of_a_work_list_stands_on_rejects_and_not_in_the_balance() {
    let scope = "[[parent]]\nname = \"h\"\ntable = \"H\"\non = { A = \"ID\" }\n\
                 [scope]\nnamnd = { from = \"B\" }\nunit = { from = \"h.E\", codes = \"typ\" }\n\
                 [[check]]\nrule = \"D48\"\nfn = \"is_present\"\nfrom = [\"ID\"]\n";
    let h = table("ID E", &["a|A", "b|Q"]);
    let rows_in = ["1|a|714", "2|b|714", "3|-|714"];
    let done = run(&set(&format!("{scope}{TARGET}")), &table("ID A B", &rows_in), &[("H", &h)]);
    let units: Vec<String> = texts(&done.rejects).into_iter().map(|row| row["unit"].clone()).collect();
    assert_eq!(rejects(&done), ["1 flag D48", "2 flag D18 unit", "2 flag D48", "3 flag D48"]);
    assert_eq!(units, ["alfa", "", "", ""]);
    assert_eq!(done.balance.tallies.len(), 1);
}

#[test]
fn a_code_means_what_it_means_where_the_row_belongs() {
    let lines = "s,,,A,alla,,equal,,,approved,x,\ns,alfa,,A,omrade,,equal,,,approved,x,\n\
                 s,,714,A,namnd,,equal,2010-01-01,,approved,x,\n";
    let head = "system,area,namnd,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n";
    let mapping = "[[code]]\nname = \"k\"\ncodes = \"lokal\"\nconst = \"A\"\ndate = \"D\"\n\
         [scope]\narea = { from = \"B\", codes = \"typ\" }\nnamnd = { from = \"C\" }\n\
         [[check]]\nrule = \"D42\"\nfn = \"repeats_within\"\nfrom = [\"D\", \"k\"]\n\
         [[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n\
         kod = { from = \"A\", codes = \"lokal\", date = \"D\" }\ntext = { from = \"k\" }\n";
    let set = crate::fixture::set_with(mapping, &[("codes/lokal.csv", &format!("{head}{lines}"))]);
    let rows_in = [
        "1|A|-|-|2014-01-01",
        "2|A|A|715|2014-01-01",
        "3|A|-|714|2014-01-01",
        "4|A|A|714|2014-01-01",
        "5|A|-|714|2009-01-01",
    ];
    let done = run(&set, &table("ID A B C D", &rows_in), &[]);
    let found: Vec<String> = rows(&done, "rad")
        .iter()
        .map(|row| format!("{} {} {}", row["kod"], row["text"], row["dq_flags"]))
        .collect();
    assert_eq!(
        found,
        ["alla alla ", "omrade omrade ", "namnd namnd ", "omrade omrade D42", "alla alla "],
        "the rule across rows reads the list as the row does"
    );
}

#[test]
fn a_key_of_several_columns_is_written_with_bars_between() {
    let set = set_of(&format!("{}{TARGET}", HEAD.replace("[\"ID\"]", "[\"ID\", \"A\"]")));
    let done = run(&set, &table("ID A", &["1|-", "2|x"]), &[]);
    let keys: Vec<String> = rows(&done, "rad").into_iter().map(|row| row["src_key"].clone()).collect();
    assert_eq!(keys, ["1|\\N", "2|x"]);
}

proptest! {
    #[test]
    fn a_key_is_written_as_every_source_key_is(text in proptest::option::of("[|\\\\N]{0,3}|\\PC{0,5}")) {
        let done = run(&rules(""), &texts_table(&["ID"], &[vec![text.clone()]]), &[]);
        let key = SourceKey::new("s", "T", [text.as_deref()]);
        prop_assert_eq!(&rows(&done, "rad")[0]["src_key"], &key.text().into_inner());
    }

    #[test]
    fn what_a_row_keeps_is_readable_json(text in "\\PC{1,12}") {
        prop_assume!(crate::calendar::parse_date(&text).is_none() && text != "-" && !text.contains('|'));
        let row = rad("datum = { from = \"A\", fn = \"date\" }", &format!("1|{text}|-"));
        let kept: serde_json::Value = serde_json::from_str(&row["verbatim"]).unwrap();
        prop_assert_eq!(kept["datum"].as_str(), Some(text.as_str()));
    }
}
