//! Each kind of difference, told from a small set of files with one thing changed.

use std::collections::BTreeMap;

use super::{Act, Change, Kind, Risk, Subject, Version, compare};
use crate::project::MappingSet;

const MODEL: &str = r#"format = 1
[responsible_body]
entity = "organisation"
system = "s"
table  = "NAMND"

[[entity]]
name = "rad"
label = "Rad"
about = "En rad"
retention = "sol-12-1"
sekretess = "osl_26_1"
fields = [
  { name = "annan_id", type = "ref", entity = "organisation", label = "Annan" },
  { name = "nummer", type = "text", label = "Nummer", protection = "person" },
  { name = "skydd", type = "code", label = "Skydd", protection = "kanslig" },
  { name = "kod", type = "code", label = "Kod" },
  { name = "datum", type = "date", label = "Datum" },
  { name = "belopp_ore", type = "ore", label = "Belopp" },
]

[[entity]]
name = "organisation"
label = "Organisation"
about = "En organisation"
retention = "bevaras"
sekretess = "offentlig"
"#;

const MAPPING: &str = r#"format = 1
mapping = "s/T"
owner = "ägaren"
decision = "mötet"
examples = 1
[source]
system = "s"
table = "T"
key = ["ID"]
[[parent]]
name = "p"
table = "P"
on = { PID = "ID" }
[[sum]]
name = "summa"
table = "DEL"
on = { ID = "TID" }
value = "BELOPP"
[scope]
namnd = { from = "p.NAMND" }
year = "DAT"
[[exclude]]
reason = "utanfor_omfattning"
about = "Provrader"
when = { column = "TYP", in = ["X"] }
[[check]]
rule = "D01"
fn = "identifier_check_digit"
from = ["PNR"]
[[check]]
rule = "D24"
fn = "ends_before_start"
from = ["DAT", "SLUT"]
[[check]]
rule = "D36"
fn = "differs"
from = ["BELOPP", "summa"]
[[target]]
entity = "rad"
[target.fields]
id = { id = ["ID"] }
annan_id = { ref = "organisation", from = ["NID"], table = "NAMND" }
nummer = { from = "PNR" }
skydd = { from = "SEKR", codes = "skydd", fallback = "hog" }
kod = { from = "TYP", codes = "typ" }
datum = { from = "DAT", fn = "date" }
belopp_ore = { from = "BELOPP", fn = "ore", on_bad = "quarantine" }
[ignore]
RV = "radversion"
[[example]]
about = "En rad"
source = { ID = 1, TYP = "A" }
rad = { kod = "alfa" }
"#;

const HEAD: &str = "system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n";

const CONTROLS: &str = r#"format = 1
[[control]]
name = "antal"
label = "Antal rader"
unit = "antal"
source = { system = "s", table = "T", key = ["ID"] }
"#;

fn files() -> BTreeMap<String, String> {
    let typ = format!(
        "{HEAD}s,A,alfa,Alfa,equal,,,approved,x,\ns,P,forr,Förr,equal,,2009-12-31,approved,x,\n\
         s,P,sedan,Sedan,equal,2010-01-01,,approved,x,\n"
    );
    let skydd = format!("{HEAD}s,J,markerad,Markerad,equal,,,approved,x,\n");
    let system = "format = 1\nsystem = \"s\"\nlabel = \"S\"\n[ignored_tables]\nLOGG = \"loggen stannar\"\n\
        [[table]]\nname = \"f\"\nfiles = \"f_{period}.csv\"\ncolumns = [\"A\"]\n\
        [[dialect]]\nname = \"v1\"\nencoding = \"utf-8\"\nseparator = \";\"\n";
    let files = [
        ("model/m.toml", MODEL),
        ("codes/typ.csv", &typ),
        ("codes/skydd.csv", &skydd),
        ("s/system.toml", system),
        ("s/T.toml", MAPPING),
        ("controls/s.toml", CONTROLS),
    ];
    files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

fn changes_between(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Change> {
    let (old, found) = MappingSet::parse(before);
    assert_eq!(found, []);
    let (new, found) = MappingSet::parse(after);
    assert_eq!(found, []);
    compare(Version { set: &old, files: before }, Version { set: &new, files: after })
}

/// What changes when texts are replaced, each once, in whichever file holds them.
fn changes(edits: &[(&str, &str)]) -> Vec<Change> {
    let before = files();
    let mut after = before.clone();
    for (old, new) in edits {
        let held = after.values_mut().find(|text| text.contains(old));
        let text = held.unwrap_or_else(|| panic!("no file holds {old}"));
        *text = text.replacen(old, new, 1);
    }
    changes_between(&before, &after)
}

#[track_caller]
fn one(edits: &[(&str, &str)]) -> Change {
    let changes = changes(edits);
    let told: Vec<&str> = changes.iter().map(|change| change.sentence.en.as_str()).collect();
    assert_eq!(changes.len(), 1, "{told:#?}");
    changes.into_iter().next().unwrap()
}

#[track_caller]
fn assert_one(edits: &[(&str, &str)], risk: Risk, kind: Kind, aspect: &str) {
    let change = one(edits);
    assert_eq!((change.risk, change.kind, change.aspect), (risk, kind, aspect), "{}", change.sentence.en);
}

#[test]
fn equal_versions_differ_in_nothing() {
    assert_eq!(changes(&[]), []);
}

#[test]
fn formatting_comments_and_the_order_of_tables_mean_nothing() {
    let before = files();
    let mut after = before.clone();
    let (first, rest) = MAPPING.split_once("[[check]]").unwrap();
    let (check, rest) = rest.split_once("[[check]]").unwrap();
    let moved = format!("# a remark\n{first}[[check]]{}\n[[check]]{check}", rest.replace(" = ", "   =  "));
    after.insert("s/T.toml".to_owned(), moved);
    let typ = after.get_mut("codes/typ.csv").unwrap();
    *typ = typ.replace("s,A,alfa,Alfa,equal,,,approved,x,\n", "") + "s,A,alfa,\"Alfa\",equal,,,approved,x,\n";
    let (head, fields) = CONTROLS.split_once("unit = \"antal\"\n").unwrap();
    after.insert("controls/s.toml".to_owned(), format!("# more\n{head}\n\n{fields}unit =   \"antal\"\n"));
    let system = after.get_mut("s/system.toml").unwrap();
    *system =
        system.replace("encoding = \"utf-8\"\nseparator = \";\"", "separator = \";\"\nencoding = \"utf-8\"");
    assert_eq!(changes_between(&before, &after), []);
}

#[test]
fn the_rule_of_a_field_has_the_risk_of_its_type_and_columns() {
    use Kind::Rule;
    assert_one(&[("datum = { from = \"DAT\"", "datum = { from = \"TID\"")], Risk::Meaning, Rule, "rule");
    assert_one(&[("{ from = \"BELOPP\", fn", "{ from = \"NETTO\", fn")], Risk::Money, Rule, "rule");
    assert_one(&[("from = [\"NID\"]", "from = [\"NNID\"]")], Risk::Identity, Rule, "rule");
    assert_one(&[("nummer = { from = \"PNR\"", "nummer = { from = \"NR\"")], Risk::Identity, Rule, "rule");
    assert_one(&[("fallback = \"hog\"", "fallback = \"lag\"")], Risk::Protection, Rule, "rule");
    let change = one(&[("{ from = \"DAT\", fn = \"date\" }", "{ from = \"DAT\", fn = \"open_end_date\" }")]);
    assert_eq!(change.before.unwrap().text, "{ from = \"DAT\", fn = \"date\" }");
    let after = change.after.unwrap();
    assert_eq!((after.file.as_str(), after.line), ("s/T.toml", Some(46)));
    assert_eq!(
        change.sentence.sv,
        "Regeln för fältet datum i rad (s/T) har ändrats från ”{ from = \"DAT\", fn = \
        \"date\" }” till ”{ from = \"DAT\", fn = \"open_end_date\" }”."
    );
}

#[test]
fn policies_are_told_apart_from_rules() {
    assert_one(&[(", on_bad = \"quarantine\"", "")], Risk::Money, Kind::Policy, "on_bad");
    assert_one(
        &[(
            "kod = { from = \"TYP\", codes = \"typ\" }",
            "kod = { from = \"TYP\", codes = \"typ\", required = true }",
        )],
        Risk::Meaning,
        Kind::Policy,
        "required",
    );
    let change = one(&[("codes = \"typ\" }", "codes = \"typ\", default = \"alfa\" }")]);
    assert_eq!((change.act, change.aspect), (Act::Added, "default"));
    assert_eq!(change.sentence.sv, "Standardvärdet för fältet kod i rad (s/T) har lagts till: ”alfa”.");
    let action = [("from = [\"DAT\", \"SLUT\"]\n", "from = [\"DAT\", \"SLUT\"]\naction = \"quarantine\"\n")];
    assert_one(&action, Risk::Meaning, Kind::Policy, "action");
}

#[test]
fn a_rule_for_some_rows_is_told_from_one_for_all() {
    let when = "datum = { from = \"DAT\", fn = \"date\", when = { column = \"TYP\", in = [\"A\"] } }";
    let change = one(&[("datum = { from = \"DAT\", fn = \"date\" }", when)]);
    assert_eq!((change.act, change.kind, change.aspect), (Act::Added, Kind::Rule, "when"));
}

#[test]
fn checks_have_the_risk_of_what_they_read() {
    assert_one(&[("fn = \"ends_before_start\"", "fn = \"outside\"")], Risk::Meaning, Kind::Check, "fn");
    assert_one(&[("from = [\"BELOPP\", \"summa\"]", "from = [\"BELOPP\"]")], Risk::Money, Kind::Check, "fn");
    assert_one(&[("fn = \"identifier_check_digit\"", "fn = \"other\"")], Risk::Identity, Kind::Check, "fn");
    let when = [(
        "from = [\"DAT\", \"SLUT\"]\n",
        "from = [\"DAT\", \"SLUT\"]\nwhen = { column = \"BELOPP\", is = \"present\" }\n",
    )];
    assert_one(&when, Risk::Money, Kind::Check, "when");
    let gone = one(&[("[[check]]\nrule = \"D36\"\nfn = \"differs\"\nfrom = [\"BELOPP\", \"summa\"]\n", "")]);
    assert_eq!((gone.act, gone.kind, gone.risk), (Act::Removed, Kind::Check, Risk::Money));
    let coded = one(&[("rule = \"D24\"", "rule = \"D36\"")]);
    assert_eq!(coded.aspect, "rule");
    assert!(matches!(&coded.subject, Subject::Check { reasons, .. } if reasons.len() == 2));
}

#[test]
fn two_checks_of_one_rule_are_not_mistaken_for_each_other() {
    let second = "[[check]]\nrule = \"D24\"\nfn = \"ends_before_start\"\nfrom = [\"DAT\", \"SLUT\"]\n\
        action = \"quarantine\"\nwhen = { column = \"TYP\", is = \"present\" }\n";
    let mut before = files();
    let text = before["s/T.toml"].replacen("[[check]]", &format!("{second}[[check]]"), 1);
    before.insert("s/T.toml".to_owned(), text);
    let mut after = before.clone();
    let text = after["s/T.toml"].replace("is = \"present\"", "is = \"absent\"");
    after.insert("s/T.toml".to_owned(), text);
    let changes = changes_between(&before, &after);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].aspect, "when");
}

#[test]
fn keys_lookups_and_scope_are_compared() {
    assert_one(
        &[("key = [\"ID\"]\n[[parent", "key = [\"ID\", \"NR\"]\n[[parent")],
        Risk::Identity,
        Kind::Key,
        "key",
    );
    assert_one(
        &[("[[parent]]", "personal_key = true\n[[parent]]")],
        Risk::Protection,
        Kind::Secrecy,
        "personal_key",
    );
    assert_one(&[("[[parent]]", "repeats = \"latest\"\n[[parent]]")], Risk::Identity, Kind::Key, "repeats");
    assert_one(&[("table = \"P\"", "table = \"Q\"")], Risk::Identity, Kind::Lookup, "");
    assert_one(&[("value = \"BELOPP\"", "value = \"ANTAL\"")], Risk::Money, Kind::Lookup, "");
    assert_one(&[("year = \"DAT\"", "year = \"TID\"")], Risk::Meaning, Kind::Scope, "year");
    assert_one(
        &[("namnd = { from = \"p.NAMND\"", "namnd = { from = \"p.N\"")],
        Risk::Identity,
        Kind::Scope,
        "namnd",
    );
    assert_one(
        &[("year = \"DAT\"", "year = \"DAT\"\nsekretess = \"osl_25_1\"")],
        Risk::Protection,
        Kind::Secrecy,
        "sekretess",
    );
}

#[test]
fn rows_and_columns_that_are_left_out_are_compared() {
    assert_one(&[("in = [\"X\"]", "in = [\"X\", \"Y\"]")], Risk::Meaning, Kind::Exclusion, "when");
    assert_one(&[("Provrader", "Rader för prov")], Risk::Form, Kind::Label, "about");
    assert_one(&[("radversion", "läses inte")], Risk::Form, Kind::Label, "");
    let ignored = one(&[("RV = \"radversion\"", "RV = \"radversion\"\nPNR2 = \"dubblett\"")]);
    assert_eq!((ignored.act, ignored.kind), (Act::Added, Kind::Ignored));
}

#[test]
fn examples_owners_and_decisions_are_compared() {
    assert_one(&[("rad = { kod = \"alfa\" }", "rad = { kod = \"beta\" }")], Risk::Meaning, Kind::Example, "");
    let added = one(&[
        ("examples = 1", "examples = 2"),
        ("[[example]]", "[[example]]\nabout = \"En till\"\nsource = { ID = 2 }\n[[example]]"),
    ]);
    assert_eq!((added.act, added.kind), (Act::Added, Kind::Example), "the number is no entry of its own");
    assert_one(&[("ägaren", "någon annan")], Risk::Form, Kind::Owner, "owner");
    assert_one(&[("mötet", "ett annat möte")], Risk::Form, Kind::Decision, "decision");
}

#[test]
fn a_code_is_one_entry_for_each_period() {
    let change = one(&[("s,P,sedan,Sedan,equal,2010", "s,P,nu,Nu,wider,2010")]);
    assert_eq!((change.risk, change.kind, change.act), (Risk::Meaning, Kind::Codes, Act::Changed));
    assert_eq!(
        change.sentence.sv,
        "Koden P i kodlistan typ, s, från 2010-01-01 betyder ”nu” i stället för ”sedan”."
    );
    assert_eq!(change.after.as_ref().unwrap().line, Some(4));
    let protective = one(&[("s,J,markerad,Markerad,equal", "s,J,inget,Inget,equal")]);
    assert_eq!(protective.risk, Risk::Protection);
    assert_one(&[("s,A,alfa,Alfa,", "s,A,alfa,ALFA,")], Risk::Form, Kind::Label, "");
    assert_one(&[("Alfa,equal,,,approved,x", "Alfa,equal,,,flagged,y")], Risk::Form, Kind::Review, "");
    assert_one(&[("Förr,equal,,2009-12-31", "Förr,equal,,2008-12-31")], Risk::Meaning, Kind::Codes, "");
    let added = one(&[("s,A,alfa", "s,B,beta,Beta,equal,,,approved,x,\ns,A,alfa")]);
    assert_eq!(
        (added.act, added.sentence.en.as_str()),
        (Act::Added, "Code B of list typ, s was added: “beta”.")
    );
}

#[test]
fn the_model_is_compared_and_names_who_loses() {
    assert_one(
        &[("retention = \"sol-12-1\"", "retention = \"bevaras\"")],
        Risk::Meaning,
        Kind::Retention,
        "retention",
    );
    assert_one(
        &[("sekretess = \"osl_26_1\"", "sekretess = \"offentlig\"")],
        Risk::Protection,
        Kind::Secrecy,
        "sekretess",
    );
    assert_one(&[("label = \"Belopp\"", "label = \"Summa\"")], Risk::Form, Kind::Label, "label");
    assert_one(
        &[("protection = \"person\"", "protection = \"oppen\"")],
        Risk::Protection,
        Kind::Secrecy,
        "protection",
    );
    assert_one(&[("table  = \"NAMND\"", "table  = \"ORG\"")], Risk::Identity, Kind::Entity, "");
    let typed = one(&[("type = \"date\"", "type = \"time\"")]);
    assert_eq!((typed.kind, typed.orphans), (Kind::ModelField, vec!["s/T".to_owned()]));
    let timed = one(&[(
        "about = \"En rad\"\nretention",
        "about = \"En rad\"\nvalidity = { from = \"datum\" }\nretention",
    )]);
    assert_eq!((timed.act, timed.kind, timed.aspect), (Act::Added, Kind::Entity, "validity"));
    let line = "  { name = \"datum\", type = \"date\", label = \"Datum\" },\n";
    let gone = one(&[(line, "")]);
    assert_eq!((gone.act, gone.orphans), (Act::Removed, vec!["s/T".to_owned()]));
    assert_eq!(gone.before.unwrap().line, Some(18));
}

#[test]
fn a_renamed_field_is_two_changes_with_a_hint() {
    let edits = [("name = \"datum\"", "name = \"dag\""), ("datum = { from", "dag = { from")];
    let changes = changes(&edits);
    assert_eq!(changes.len(), 4);
    assert!(changes.iter().all(|change| change.hint.is_some()), "{changes:#?}");
    let unlike = super::tests::changes(&[
        ("name = \"datum\", type = \"date\"", "name = \"dag\", type = \"time\""),
        ("datum = { from = \"DAT\", fn = \"date\"", "dag = { from = \"DAT\", fn = \"time\""),
    ]);
    assert!(unlike.iter().all(|change| change.hint.is_none()));
}

#[test]
fn sources_and_controls_are_compared() {
    assert_one(&[("label = \"S\"", "label = \"T\"")], Risk::Form, Kind::Label, "label");
    assert_one(&[("separator = \";\"", "separator = \",\"")], Risk::Meaning, Kind::Source, "separator");
    assert_one(&[("columns = [\"A\"]", "columns = [\"A\", \"B\"]")], Risk::Meaning, Kind::Source, "columns");
    assert_one(
        &[("label = \"S\"\n", "label = \"S\"\nload_first = [\"f\"]\n")],
        Risk::Protection,
        Kind::Source,
        "load_first",
    );
    assert_one(&[("loggen stannar", "bevaras i källan")], Risk::Form, Kind::Source, "");
    assert_one(&[("label = \"Antal rader\"", "label = \"Rader\"")], Risk::Form, Kind::Label, "label");
    assert_one(&[("unit = \"antal\"", "unit = \"ore\"")], Risk::Money, Kind::Control, "unit");
    let gone = one(&[(CONTROLS, "format = 1\n")]);
    assert_eq!((gone.act, gone.kind, gone.risk), (Act::Removed, Kind::Control, Risk::Money));
}

#[test]
fn whole_files_come_and_go() {
    let before = files();
    let mut after = before.clone();
    after.remove("s/T.toml");
    let changes = changes_between(&before, &after);
    // The list of protection is looked up by nobody any more; its codes are the same.
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].kind, changes[0].act, changes[0].risk),
        (Kind::Mapping, Act::Removed, Risk::Identity)
    );
    let back = changes_between(&after, &before);
    assert_eq!((back[0].kind, back[0].act), (Kind::Mapping, Act::Added));
    let mut without = before.clone();
    without.remove("codes/skydd.csv");
    assert_eq!(changes_between(&before, &without)[0].risk, Risk::Protection);
}

#[test]
fn the_gravest_come_first() {
    let edits = [
        ("label = \"Belopp\"", "label = \"Summa\""),
        ("s,A,alfa", "s,A,beta"),
        (", on_bad = \"quarantine\"", ""),
    ];
    let risks: Vec<Risk> = changes(&edits).iter().map(|change| change.risk).collect();
    assert_eq!(risks, [Risk::Money, Risk::Meaning, Risk::Form]);
    let targets = changes(&[(
        "[[target]]",
        "[[target]]\nentity = \"organisation\"\n[target.fields]\nid = { id = [\"NID\"] }\n[[target]]",
    )]);
    assert_eq!((targets[0].kind, targets[0].act, targets[0].risk), (Kind::Target, Act::Added, Risk::Meaning));
}

#[test]
fn what_is_said_about_persons_is_compared() {
    let section = "[person]\nrecord = [\"ID\"]\nnumber = { from = \"NR\", date = \"DAT\" }\n\
        protection = { from = \"SKYDD\", codes = \"typ\" }\nbirth = \"FODD\"\n";
    let added = one(&[("[scope]\n", &format!("{section}[scope]\n"))]);
    assert_eq!((added.risk, added.kind, added.act), (Risk::Identity, Kind::Person, Act::Added));
    let mut before = files();
    let text = before["s/T.toml"].replace("[scope]\n", &format!("{section}[scope]\n"));
    before.insert("s/T.toml".to_owned(), text);
    for (old, new, risk, aspect) in [
        ("date = \"DAT\"", "date = \"TID\"", Risk::Identity, "number"),
        ("\"SKYDD\", codes", "\"SEKR\", codes", Risk::Protection, "protection"),
        ("birth = \"FODD\"\n", "", Risk::Identity, "birth"),
    ] {
        let mut after = before.clone();
        after.insert("s/T.toml".to_owned(), before["s/T.toml"].replace(old, new));
        let changes = changes_between(&before, &after);
        let told: Vec<_> = changes.iter().map(|one| (one.risk, one.kind, one.aspect)).collect();
        assert_eq!(told, [(risk, Kind::Person, aspect)], "{old}");
    }
    // A list that says how persons are protected makes every code of it a matter of protection.
    let mut after = before.clone();
    after.insert("codes/typ.csv".to_owned(), before["codes/typ.csv"].replace("s,A,alfa", "s,A,beta"));
    assert_eq!(changes_between(&before, &after)[0].risk, Risk::Protection);
}

/// What changes between two versions of the mapping, both with these sections before the scope.
fn with_section(section: &str, old: &str, new: &str) -> Vec<Change> {
    let mut before = files();
    let text = before["s/T.toml"].replace("[scope]\n", &format!("{section}[scope]\n"));
    before.insert("s/T.toml".to_owned(), text);
    let mut after = before.clone();
    assert!(section.contains(old), "{old}");
    after.insert("s/T.toml".to_owned(), before["s/T.toml"].replace(old, new));
    changes_between(&before, &after)
}

#[test]
fn every_kind_of_lookup_is_compared() {
    let neighbour =
        "[[neighbour]]\nname = \"n\"\ndirection = \"after\"\ngroup = [\"PNR\"]\norder = \"DAT\"\n";
    let count = "[[count]]\nname = \"c\"\ntable = \"DEL\"\non = { ID = \"TID\" }\n\
        when = { column = \"ST\", in = [\"U\"] }\n";
    let latest = "[[latest]]\nname = \"l\"\ntable = \"ALT\"\non = { ID = \"TID\" }\nvalue = \"DAG\"\n";
    let code = "[[code]]\nname = \"k\"\ncodes = \"typ\"\nfrom = \"TYP\"\ndate = \"DAT\"\n";
    let first = "[[first]]\nname = \"f\"\nfrom = [\"A\", \"B\"]\n";
    let minutes = "[[minutes]]\nname = \"m\"\ntable = \"DEL\"\non = { ID = \"TID\" }\n\
        from = \"START\"\nto = \"SLUT\"\n";
    let valid = "[[parent]]\nname = \"q\"\ntable = \"Q\"\non = { QID = \"ID\" }\n\
        valid = { at = \"DAT\", from = \"FROM\", to = \"TOM\" }\n";
    for (section, old, new) in [
        (neighbour, "\"after\"", "\"before\""),
        (neighbour, "order = \"DAT\"\n", "order = \"DAT\"\nwhen = { column = \"ST\", is = \"present\" }\n"),
        (count, "in = [\"U\"]", "not_in = [\"U\"]"),
        (count, "name = \"c\"\n", "name = \"c\"\ndistinct = \"AR\"\n"),
        (latest, "latest", "earliest"),
        (latest, "table = \"ALT\"", "system = \"t\"\ntable = \"ALT\""),
        (first, "[\"A\", \"B\"]", "[\"B\", \"A\"]"),
        (minutes, "to = \"SLUT\"", "to = \"TILL\""),
        (code, "from = \"TYP\"\ndate", "const = \"norm\"\ndate"),
        (valid, "to = \"TOM\"", "to = \"TOM\", slack_minutes = 150"),
    ] {
        let changes = with_section(section, old, new);
        let told: Vec<_> = changes.iter().map(|one| (one.kind, one.act)).collect();
        assert_eq!(told, [(Kind::Lookup, Act::Changed)], "{section}{changes:#?}");
    }
    assert_eq!(with_section(latest, "table = \"ALT\"", "system = \"s\"\ntable = \"ALT\""), []);
}

#[test]
fn units_ranges_of_dates_and_texts_that_must_not_change_are_compared() {
    let section = "[immutable]\ncolumns = [\"TEXT\"]\nwhen = [{ column = \"DAT\", from = \"2015-01-26\" }, \
        { column = \"SIGN\", is = \"present\" }]\n";
    let changes = with_section(section, "2015-01-26", "2015-01-27");
    assert_eq!((changes.len(), changes[0].kind), (1, Kind::Immutable));
    assert!(changes[0].before.as_ref().unwrap().text.contains("from = \"2015-01-26\""));
    let other_order =
        "[{ column = \"SIGN\", is = \"present\" }, { column = \"DAT\", from = \"2015-01-26\" }]";
    let (_, when) = section.split_once("when = ").unwrap();
    assert_eq!(with_section(section, when.trim_end(), other_order), []);
    let unit = one(&[("year = \"DAT\"", "year = \"DAT\"\nunit = { from = \"ENH\" }")]);
    assert_eq!((unit.kind, unit.act, unit.aspect), (Kind::Scope, Act::Added, "unit"));
}

#[test]
fn a_code_of_one_area_is_an_entry_of_its_own() {
    let scoped = "system,area,namnd,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n";
    let mut before = files();
    let lines = "s,,,A,alfa,Alfa,equal,,,approved,x,\ns,EB,,A,beta,Beta,equal,,,approved,x,\n";
    before.insert("codes/typ.csv".to_owned(), format!("{scoped}{lines}"));
    let mut after = before.clone();
    after
        .insert("codes/typ.csv".to_owned(), format!("{scoped}{}", lines.replace("beta,Beta", "gamma,Gamma")));
    let changes = changes_between(&before, &after);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].sentence.en, "Code A of list typ, s, EB means “gamma” instead of “beta”.");
}
