//! Parents, neighbours, lookups and conditions: what passes, and what each mistake is called.

use super::*;
use crate::diagnostic::Severity;
use crate::mapping::{Condition, ConditionTest, Day};

/// A mapping with everything that it may know beyond its own row.
const LOOKUPS: &str = r#"
[[parent]]
name  = "handl"
table = "HANDL"
on    = { HANDL = "HANDL" }
valid = { at = "GALL_TOM", from = "FROM", to = "TOM", slack_minutes = 150 }

[[parent]]
name   = "patient"
system = "vodok"
table  = "PATIENT"
on     = { "handl.ENH_ID" = "PATID" }

[[neighbour]]
name      = "nasta"
direction = "after"
group     = ["patient.PATID", "BTYP"]
order     = "GALL_TOM"
when      = [{ column = "BELOPP", is = "present" }, { column = "handl.TOM", is = "absent" }]

[[code]]
name  = "norm"
codes = "beslutstyp"
const = "EBMN"
date  = "GALL_TOM"

[[count]]
name     = "besok"
system   = "vodok"
table    = "PATIENT"
on       = { norm = "TYP", "nasta.HANDL" = "PATID" }
when     = { column = "FODD", from = "1950-01-01", before = "1960-01-01" }
distinct = "PATID"

[[latest]]
name  = "sista"
table = "HANDL"
on    = { besok = "HANDL" }
value = "TOM"

[scope]
unit = { from = "handl.ENH_ID" }

[immutable]
columns = ["BTYP"]
when    = { column = "GALL_TOM", is = "present" }

[[check]]
rule   = "D43"
fn     = "text_check"
from   = ["sista"]
action = "stop"
when   = [{ column = "besok", in = ["0"] }, { column = "GALL_TOM", before = "2010-01-01" }]

[[target]]
"#;

const CHECK: FunctionSpec =
    FunctionSpec { kind: FunctionKind::Check, ..function("text_check", FieldFunction::Text) };

fn text() -> String {
    MAPPING.replacen("[[target]]\n", LOOKUPS, 1)
}

fn check_text(text: String) -> Vec<Diagnostic> {
    let vodok =
        "format = 1\nsystem = \"vodok\"\nlabel = \"Vodok\"\n[ignored_tables]\nPATIENT = \"i ett prov\"\n";
    let paraply = format!("{SYSTEM}[ignored_tables]\nHANDL = \"i ett prov\"\n[code_lists]\nbeslutstyp = 1\n");
    let files: BTreeMap<String, String> = [
        ("model/beslut.toml", MODEL.to_owned()),
        ("paraply/system.toml", paraply),
        ("vodok/system.toml", vodok.to_owned()),
        ("codes/beslutstyp.csv", CODES.to_owned()),
        ("paraply/BESLUT.toml", text),
    ]
    .map(|(path, text)| (path.to_owned(), text))
    .into();
    let (set, mut found) = MappingSet::parse(&files);
    let functions: Vec<FunctionSpec> = FUNCTIONS.into_iter().chain([CHECK]).collect();
    let table = |name: &str, columns: &str| {
        (name.to_owned(), columns.split(' ').map(str::to_owned).collect::<Vec<_>>())
    };
    let paraply =
        [table("BESLUT", "BESL_ID BTYP GALL_TOM BELOPP RV HANDL"), table("HANDL", "HANDL ENH_ID FROM TOM")];
    let tables = BTreeMap::from([
        ("paraply".to_owned(), paraply.into()),
        ("vodok".to_owned(), BTreeMap::from([table("PATIENT", "PATID TYP FODD")])),
    ]);
    found.extend(check(&set, &functions, &tables).1);
    found
}

#[test]
fn everything_that_a_row_may_know_is_understood() {
    assert_eq!(check_text(text()), []);
    let (mapping, _) = Mapping::parse("paraply/BESLUT.toml", &text());
    let mapping = mapping.unwrap();
    assert_eq!(mapping.parents[0].valid.as_ref().unwrap().slack_minutes, 150);
    let names: Vec<&str> = mapping.lookups.iter().map(crate::mapping::Lookup::name).collect();
    assert_eq!(names, ["norm", "besok", "sista"], "in the order of the file");
    let own: Vec<&str> = mapping.own_columns(mapping.checks[0].inputs.iter()).into_iter().collect();
    assert_eq!(own, ["BELOPP", "BTYP", "GALL_TOM", "HANDL"], "whatever the neighbour is found by");
    let [_, Condition { origin, test }] = &mapping.checks[0].when[..] else { panic!("two conditions") };
    assert_eq!(origin.name, "GALL_TOM");
    assert_eq!(*test, ConditionTest::Dates { from: None, before: Day::read("2010-01-01") });
}

#[test]
fn a_column_that_only_another_row_is_asked_for_is_not_mapped() {
    let other =
        text().replacen("in = [\"0\"] }", "in = [\"0\"] }, { column = \"nasta.RV\", in = [\"1\"] }", 1);
    let found = check_text(other.replacen("RV = \"radversion\"\n", "", 1));
    assert_eq!(codes(&found), ["BRON-M040"]);
    assert!(found[0].message.contains("`RV`"));
}

#[test]
fn each_mistake_in_a_lookup_is_said_at_its_place() {
    let cases = [
        ("table = \"HANDL\"\non    = { HANDL", "table = \"HNDL\"\non    = { HANDL", "BRON-M034", "\"HNDL\""),
        (
            "system = \"vodok\"\ntable  = \"PATIENT\"\non     =",
            "system = \"vodokk\"\ntable  = \"PATIENT\"\non     =",
            "BRON-M032",
            "\"vodokk\"",
        ),
        ("\"handl.ENH_ID\" = \"PATID\"", "\"handl.ENH_ID\" = \"PATIDD\"", "BRON-M010", "\"PATIDD\""),
        ("\"handl.ENH_ID\" =", "\"handl.ENHET\" =", "BRON-M010", "\"handl.ENHET\""),
        ("\"handl.ENH_ID\" =", "\"nasta.HANDL\" =", "BRON-M044", "\"patient.PATID\""),
        ("\"handl.ENH_ID\" =", "\"patient.TYP\" =", "BRON-M044", "\"patient.TYP\""),
        ("\"handl.ENH_ID\" =", "\"besok\" =", "BRON-M044", "\"patient.PATID\""),
        ("from = \"FROM\"", "from = \"FRAN\"", "BRON-M010", "\"FRAN\""),
        ("at = \"GALL_TOM\"", "at = \"patient.FODD\"", "BRON-M044", "\"patient.FODD\""),
        ("at = \"GALL_TOM\", ", "", "BRON-M004", "{ from"),
        ("slack_minutes = 150", "slack_minutes = -1", "BRON-M005", "-1"),
        ("slack_minutes = 150", "slack = 150", "BRON-M003", "slack"),
        ("direction = \"after\"", "direction = \"next\"", "BRON-M042", "\"next\""),
        ("order     = \"GALL_TOM\"\n", "", "BRON-M004", "[[neighbour]]"),
        ("order     = \"GALL_TOM\"", "order     = \"nasta.GALL_TOM\"", "BRON-M044", "\"nasta.GALL_TOM\""),
        ("\"handl.TOM\", is", "\"sista\", is", "BRON-M044", "\"sista\""),
        ("const = \"EBMN\"\n", "", "BRON-M043", "[[code]]"),
        ("const = \"EBMN\"\n", "const = \"EBMN\"\nfrom = \"BTYP\"\n", "BRON-M043", "[[code]]"),
        ("codes = \"beslutstyp\"\nconst", "codes = \"beslutstype\"\nconst", "BRON-M018", "\"beslutstype\""),
        ("distinct = \"PATID\"", "distinct = \"PATTID\"", "BRON-M010", "\"PATTID\""),
        ("{ norm = \"TYP\"", "{ sista = \"TYP\"", "BRON-M044", "sista"),
        ("on    = { besok = \"HANDL\" }", "on = {}", "BRON-M004", "{}"),
        ("column = \"FODD\"", "column = \"FOD\"", "BRON-M010", "\"FOD\""),
        ("before = \"1960-01-01\"", "before = \"1960-02-30\"", "BRON-M005", "\"1960-02-30\""),
        ("before = \"1960-01-01\"", "is = \"present\"", "BRON-M028", "{ column"),
        ("name  = \"sista\"", "name  = \"besok\"", "BRON-M041", "[[latest]]"),
        ("name  = \"sista\"", "name  = \"RV\"", "BRON-M041", "[[latest]]"),
        ("name      = \"nasta\"", "name      = \"handl\"", "BRON-M041", "[[neighbour]]"),
        ("name  = \"sista\"", "name  = \"s.ista\"", "BRON-M041", "\"s.ista\""),
        ("value = \"TOM\"", "value = \"TOM\"\ndistinct = \"TOM\"", "BRON-M003", "distinct"),
        ("columns = [\"BTYP\"]", "columns = [\"handl.TOM\"]", "BRON-M010", "\"handl.TOM\""),
        ("from   = [\"sista\"]", "from   = [\"sist\"]", "BRON-M010", "\"sist\""),
        ("from   = [\"sista\"]", "from   = [\"nesta.BTYP\"]", "BRON-M035", "\"nesta.BTYP\""),
        ("[scope]\n", "[scope]\nenhet = { from = \"BTYP\" }\n", "BRON-M003", "enhet"),
        ("fn = \"ore\" }", "fn = \"ore\", on_bad = \"stop\" }", "BRON-M027", "{ from = \"BELOPP\""),
    ];
    for (from, to, code, place) in cases {
        assert!(text().contains(from), "the change must change something: {from}");
        assert_said(&text().replacen(from, to, 1), from, code, place);
    }
}

#[track_caller]
fn assert_said(text: &str, from: &str, code: &str, place: &str) {
    let found = check_text(text.to_owned());
    let at = |one: &&Diagnostic| one.code == code && text[one.span.clone()].starts_with(place);
    let said: Vec<(&str, &str)> = found.iter().map(|one| (one.code, &text[one.span.clone()])).collect();
    assert!(found.iter().any(|one| at(&one)), "{from:?}: {code} at {place:?} is not in {said:?}");
}

#[test]
fn a_system_that_the_project_does_not_have_is_a_warning() {
    let files = BTreeMap::from([("paraply/BESLUT.toml".to_owned(), text())]);
    let (set, _) = MappingSet::parse(&files);
    let absent =
        |present: &[&str]| check_systems(&set, &present.iter().map(|one| (*one).to_owned()).collect());
    assert_eq!(absent(&["paraply", "vodok"]), []);
    assert_eq!(absent(&["vodok"]), [], "mappings of a system that is not there are not run");
    let found = absent(&["paraply"]);
    let said: Vec<&str> = found.iter().map(|one| one.message.split('`').nth(1).unwrap()).collect();
    assert_eq!(said, ["patient", "besok"]);
    assert!(found.iter().all(|one| one.severity == Severity::Warning && one.code == "BRON-M046"));
    assert_eq!(&text()[found[0].span.clone()], "\"vodok\"");
}
