use super::*;
use crate::fixture::{set, shipped};

const RULES: &str = r#"
[[parent]]
name  = "p"
table = "P"
on    = { A = "ID" }

[[exclude]]
reason = "utanfor_omfattning"
about  = "x"
when   = { column = "A", in = ["ut"] }

[[check]]
rule   = "D24"
fn     = "is_present"
from   = ["B"]
action = "quarantine"

[[target]]
entity = "rad"

[target.fields]
id       = { id = ["ID"] }
annan_id = { ref = "annan", from = ["A"] }
text     = { from = "p.X" }
datum    = { from = "C", fn = "date" }
tid      = { from = "D", fn = "time" }
tal      = { from = "E", fn = "int" }
sant     = { from = "F", fn = "bool" }
byte     = { from = "G", fn = "bytes" }
decimal  = { from = "H", fn = "decimal" }

[[target]]
entity = "annan"
when   = { column = "C", is = "present" }

[target.fields]
id    = { id = ["ID"] }
datum = { from = "C", fn = "date" }

[[example]]
about = "provet"
"#;

const ROW: &str = "source = { ID = 1, A = \"a\", C = \"2014-10-31\", \
                   D = \"2014-10-31 08:15\", E = 7, F = 1, G = \"åb\", H = \"-0.5\" }\n\
                   given = { \"p.X\" = \"text\" }\n";

/// What is wrong with an example of these lines.
fn problems(lines: &str) -> Vec<String> {
    let found = run_examples(&set(&format!("{RULES}{lines}")));
    let head = "the example \"provet\" does not hold: ";
    assert!(
        found.iter().all(|one| one.code == "BRON-M050" && one.file == "s/T.toml" && !one.span.is_empty())
    );
    found.iter().map(|one| one.message.strip_prefix(head).unwrap().to_owned()).collect()
}

#[test]
fn an_example_that_holds_is_silent() {
    let rows = "marks = []\nannan = { id = \"*\", datum = \"2014-10-31\" }\n[example.rad]\nid = \"*\"\n\
                annan_id = \"*\"\n\
                text = \"text\"\ndatum = \"2014-10-31\"\ntid = \"2014-10-31 08:15:00\"\ntal = 7\nsant = true\n\
                byte = \"åb\"\ndecimal = \"-0.50\"\nkod = \"\"\n";
    assert_eq!(problems(&format!("{ROW}{rows}")), Vec::<String>::new());
    assert_eq!(problems("source = { ID = 1, B = \"x\" }\nquarantined = \"D24\""), Vec::<String>::new());
    assert_eq!(problems("source = { ID = 1, C = \"x\" }\nmarks = [\"felformat\"]"), Vec::<String>::new());
}

#[test]
fn every_value_is_compared() {
    for (field, found, expected) in [
        ("annan_id", "", ""),
        ("text", "text", "other"),
        ("datum", "2014-10-31", ""),
        ("tid", "2014-10-31 08:15:00", "2014-10-31 08:15"),
        ("tal", "7", "8"),
        ("sant", "true", "false"),
        ("byte", "åb", "ab"),
        ("decimal", "-0.50", "-0.5"),
        ("kod", "", "*"),
    ] {
        let told = problems(&format!("{ROW}rad = {{ {field} = \"{expected}\" }}"));
        assert_eq!(told.len(), 1, "{field}");
        assert!(told[0].starts_with(&format!("`rad.{field}` is \"{found}")), "{}", told[0]);
        assert!(told[0].ends_with(&format!("expected \"{expected}\"")), "{}", told[0]);
    }
}

#[test]
fn what_becomes_of_the_row_is_compared() {
    let held = "source = { ID = 1, B = \"x\" }\n";
    assert_eq!(
        problems(&format!("{held}rad = {{ text = \"\" }}")),
        ["the row is D24, expected not held back", "there is no row number 1 of `rad`"]
    );
    assert_eq!(problems(&format!("{held}quarantined = \"D38\"")), ["the row is D24, expected D38"]);
    assert_eq!(problems(&format!("{ROW}quarantined = \"D24\"")), ["the row is not held back, expected D24"]);
    let excluded = "source = { ID = 1, A = \"ut\" }\nrad = { text = \"\" }";
    assert_eq!(problems(excluded), ["there is no row number 1 of `rad`"]);
}

#[test]
fn marks_rows_and_names_are_compared() {
    assert_eq!(problems(&format!("{ROW}marks = [\"D24\"]")), ["the marks are [], expected [D24]"]);
    let unread = "source = { ID = 1, C = \"x\" }\nmarks = []";
    assert_eq!(problems(unread), ["the marks are [felformat], expected []"]);
    let two = format!("{ROW}annan = [{{ id = \"*\" }}, {{ id = \"*\" }}]");
    assert_eq!(problems(&two), ["there is no row number 2 of `annan`"]);
    assert_eq!(problems(&format!("{ROW}rad = {{ okand = \"\" }}")), ["`rad` has no field `okand`"]);
    assert_eq!(
        problems("source = { ID = 1 }\ngiven = { \"p.Y\" = \"x\" }"),
        ["no rule reads the given `p.Y`"]
    );
}

#[test]
fn an_example_gives_what_stands_in_other_rows_and_lists_answer_themselves() {
    let rules = "[[parent]]\nname = \"p\"\ntable = \"P\"\non = { A = \"ID\" }\n\
         valid = { at = \"D\", from = \"F\", to = \"S\" }\n\
         [[neighbour]]\nname = \"n\"\ndirection = \"after\"\ngroup = [\"p.G\"]\norder = \"D\"\n\
         [[count]]\nname = \"c\"\nsystem = \"z\"\ntable = \"Z\"\non = { \"n.B\" = \"ID\" }\n\
         [[code]]\nname = \"k\"\ncodes = \"typ\"\nfrom = \"p.G\"\ndate = \"D\"\n\
         [[check]]\nrule = \"D48\"\nfn = \"is_present\"\nfrom = [\"n.B\"]\n\
         when = [{ column = \"c\", in = [\"2\"] }, { column = \"@as_of\", is = \"present\" }]\n\
         [[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n\
         kod = { from = \"k\" }\ntext = { from = \"c\" }\n\
         [[example]]\nabout = \"provet\"\nsource = { ID = 1, D = \"2009-12-31\" }\n";
    let problems = |lines: &str| -> Vec<String> {
        let found = run_examples(&set(&format!("{rules}{lines}")));
        found.into_iter().map(|one| one.message).collect()
    };
    let given = "given = { \"p.G\" = \"P\", \"n.B\" = \"b\", c = 2, \"@as_of\" = \"2024-12-31\" }\n";
    let expected = "marks = [\"D48\"]\nrad = { kod = \"forr\", text = \"2\" }\n";
    assert_eq!(problems(&format!("{given}{expected}")), Vec::<String>::new());
    let known = given.replace("c = 2", "c = 2, k = \"annan\"");
    assert_eq!(problems(&format!("{known}rad = {{ kod = \"annan\" }}")), Vec::<String>::new());
    assert_eq!(problems("marks = []\nrad = { kod = \"\", text = \"\" }"), Vec::<String>::new());
    let unread = problems("given = { \"n.C\" = \"x\" }");
    assert!(unread.len() == 1 && unread[0].contains("no rule reads the given `n.C`"), "{unread:?}");
}

#[test]
fn a_mapping_that_cannot_be_made_ready_is_reported_once() {
    let rules = RULES.replace("fn = \"date\" }\ntid", "fn = \"date\", default = \"x\" }\ntid");
    let found = run_examples(&set(&format!(
        "{rules}source = {{ ID = 1 }}\n[[example]]\nabout = \"två\"\nsource = {{ ID = 2 }}\n"
    )));
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("mapping s/T cannot be used"), "{}", found[0].message);
}

#[test]
fn the_examples_of_the_shipped_mappings_hold() {
    let (set, found) = shipped();
    assert_eq!(found, []);
    assert!(set.mappings.len() > 20 && set.mappings.iter().all(|mapping| !mapping.examples.is_empty()));
    assert_eq!(run_examples(&set), []);
}
