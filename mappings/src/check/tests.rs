mod lookups;

use super::*;
use crate::function::FieldFunction;
use crate::reject::ReasonCode;

const MODEL: &str = r#"
format = 1
[[entity]]
name = "beslut"
label = "Beslut"
about = "Ett beslut"
retention = "sol-12-1"
sekretess = "osl_26_1"
fields = [
  { name = "typ", type = "code", label = "Typ" },
  { name = "giltig_till", type = "date", label = "Giltig till" },
  { name = "belopp_ore", type = "ore", label = "Belopp" },
]
"#;

const SYSTEM: &str = "format = 1\nsystem = \"paraply\"\nlabel = \"Paraply\"\n";

const CODES: &str = "system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n\
    paraply,EBMN,manad,Månad,equal,,,approved,x,\n";

const MAPPING: &str = r#"format = 1
mapping = "paraply/BESLUT"
owner = "huvudprocessledare"
decision = "2026-03-02"
examples = 1

[source]
system = "paraply"
table = "BESLUT"
key = ["BESL_ID"]

[[target]]
entity = "beslut"
[target.fields]
id = { id = ["BESL_ID"] }
typ = { from = "BTYP", codes = "beslutstyp" }
giltig_till = { from = "GALL_TOM", fn = "open_end_date" }
belopp_ore = { from = "BELOPP", fn = "ore" }

[ignore]
RV = "radversion"

[[example]]
about = "ett beslut"
source = { BESL_ID = 1 }
"#;

const fn function(name: &'static str, gives: FieldFunction) -> FunctionSpec {
    FunctionSpec {
        name,
        kind: FunctionKind::Field(gives),
        inputs: (1, 1),
        arguments: &[],
        about: "",
        phrase: "",
        marks: &[ReasonCode::Malformed],
        inverse: "",
    }
}

const FUNCTIONS: [FunctionSpec; 3] = [
    function("open_end_date", FieldFunction::Date),
    function("ore", FieldFunction::Int),
    function("text", FieldFunction::Text),
];

/// Runs the check over the standard files with some of them replaced.
fn run(changed: &[(&str, String)]) -> (Vec<Coverage>, Vec<Diagnostic>) {
    let mut files: BTreeMap<String, String> = [
        ("model/beslut.toml", MODEL),
        ("paraply/system.toml", SYSTEM),
        ("codes/beslutstyp.csv", CODES),
        ("paraply/BESLUT.toml", MAPPING),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .into();
    files.extend(changed.iter().map(|(path, text)| ((*path).to_owned(), text.clone())));
    let columns = ["BESL_ID", "BTYP", "GALL_TOM", "BELOPP", "RV"].map(str::to_owned).to_vec();
    let tables = BTreeMap::from([("paraply".to_owned(), BTreeMap::from([("BESLUT".to_owned(), columns)]))]);
    let lines = files["codes/beslutstyp.csv"].lines().count() - 1;
    let system = files.get_mut("paraply/system.toml").unwrap();
    if !system.contains("[code_lists]") {
        *system += &format!("[code_lists]\nbeslutstyp = {lines}\n");
    }
    let (set, mut found) = MappingSet::parse(&files);
    let (coverage, more) = check(&set, &FUNCTIONS, &tables);
    found.extend(more);
    (coverage, found)
}

fn mapping(from: &str, to: &str) -> (Vec<Coverage>, Vec<Diagnostic>) {
    assert!(MAPPING.contains(from), "the change must change something: {from}");
    run(&[("paraply/BESLUT.toml", MAPPING.replacen(from, to, 1))])
}

fn codes(found: &[Diagnostic]) -> Vec<&str> {
    found.iter().map(|one| one.code).collect()
}

#[test]
fn a_whole_mapping_passes_and_every_column_is_accounted_for() {
    let (coverage, found) = run(&[]);
    assert_eq!(found, []);
    let (system, table) = ("paraply".to_owned(), "BESLUT".to_owned());
    assert_eq!(coverage, [Coverage { system, table, mapped: 4, ignored: 1, unmapped: 0 }]);
}

#[test]
fn one_run_reports_every_mistake_with_its_place_and_the_nearest_name() {
    let text = MAPPING
        .replace("GALL_TOM", "GALL_TON")
        .replace("fn = \"ore\"", "fn = \"oree\"")
        .replace("RV = \"radversion\"\n", "");
    let twice = format!("{CODES}paraply,EBMN,annat,Annat,equal,,,approved,x,\n");
    let (_, found) = run(&[("paraply/BESLUT.toml", text.clone()), ("codes/beslutstyp.csv", twice)]);
    let by_code = |code: &str| found.iter().filter(|one| one.code == code).collect::<Vec<_>>();
    let unknown_column = by_code("BRON-M010");
    assert_eq!(unknown_column.len(), 1);
    assert_eq!(&text[unknown_column[0].span.clone()], "\"GALL_TON\"");
    assert_eq!(unknown_column[0].help.as_deref(), Some("did you mean `GALL_TOM`?"));
    assert_eq!(by_code("BRON-M011")[0].help.as_deref(), Some("did you mean `ore`?"));
    let unmapped: Vec<&str> = by_code("BRON-M040").iter().map(|one| one.message.as_str()).collect();
    assert_eq!(unmapped.len(), 2, "RV and the column behind the misspelt name: {unmapped:?}");
    assert_eq!(by_code("BRON-K006").len(), 1);
    assert_eq!(found.len(), 5, "{found:#?}");
}

#[test]
fn each_mistake_has_its_own_code() {
    let cases = [
        ("owner = \"huvudprocessledare\"\n", "", "BRON-M004"),
        ("owner =", "ovner =", "BRON-M003"),
        ("fn = \"ore\" }", "fn = \"ore\", on_bda = \"flag\" }", "BRON-M003"),
        ("\"paraply/BESLUT\"", "\"paraply/BESLUTT\"", "BRON-M031"),
        ("entity = \"beslut\"", "entity = \"besult\"", "BRON-M021"),
        ("belopp_ore =", "belop_ore =", "BRON-M015"),
        ("codes = \"beslutstyp\"", "codes = \"beslutstype\"", "BRON-M018"),
        ("fn = \"ore\"", "fn = \"open_end_date\"", "BRON-M014"),
        ("from = \"BELOPP\"", "from = [\"BELOPP\", \"BTYP\"]", "BRON-M012"),
        ("fn = \"ore\" }", "fn = \"ore\", with = { days = 3 } }", "BRON-M013"),
        ("RV = \"radversion\"", "RV = \"\"", "BRON-M039"),
        ("RV = \"radversion\"", "RV = \"radversion\"\nBTYP = \"x\"", "BRON-M038"),
        ("id = { id = [\"BESL_ID\"] }\n", "", "BRON-M016"),
        ("[[target]]\n", "[[target]]\nwhen = { column = \"BTYP\", is = \"present\" }\n", "BRON-M037"),
        ("from = \"BTYP\"", "from = \"arende.VO\"", "BRON-M035"),
        ("[[example]]\nabout = \"ett beslut\"\nsource = { BESL_ID = 1 }\n", "", "BRON-M033"),
        ("examples = 1\n", "", "BRON-M004"),
        ("examples = 1", "examples = -1", "BRON-M005"),
        ("examples = 1", "examples = \"en\"", "BRON-M005"),
        ("key = [\"BESL_ID\"]", "key = [\"BESL_ID\"]\nrepeats = \"last\"", "BRON-M025"),
        ("[ignore]", "[[exclude]]\nreason = \"D79\"\nabout = \"x\"\n[ignore]", "BRON-M004"),
        ("table = \"BESLUT\"", "table = \"BESLUTEN\"", "BRON-M034"),
        ("format = 1", "format = 2", "BRON-M002"),
        ("entity = \"beslut\"\n", "entity = \"beslut\n", "BRON-M001"),
    ];
    for (from, to, code) in cases {
        let (_, found) = mapping(from, to);
        assert!(codes(&found).contains(&code), "{from:?} -> {to:?}: {:?}", codes(&found));
    }
}

#[test]
fn an_example_more_or_less_than_approved_is_named_at_the_number() {
    let of_number = |text: &str| {
        let (_, found) = run(&[("paraply/BESLUT.toml", text.to_owned())]);
        let place = |one: &Diagnostic| (one.code, text[one.span.clone()].to_owned(), one.message.clone());
        found.iter().map(place).collect::<Vec<_>>()
    };
    let more = format!("{MAPPING}[[example]]\nabout = \"ett till\"\nsource = {{ BESL_ID = 2 }}\n");
    let message = "the mapping has 2 [[example]], approved are 1".to_owned();
    assert_eq!(of_number(&more), [("BRON-M056", "1".to_owned(), message)]);
    assert_eq!(of_number(&more.replace("examples = 1", "examples = 2")), []);
    let fewer = MAPPING.replace("examples = 1", "examples = 4");
    let message = "the mapping has 1 [[example]], approved are 4".to_owned();
    assert_eq!(of_number(&fewer), [("BRON-M056", "4".to_owned(), message)]);
}

#[test]
fn a_code_list_has_as_many_lines_as_are_approved() {
    let line = "paraply,EBLF,livsforing,Livsföring,equal,,,approved,x,\n";
    let of = |lists: &str, lines: &str| {
        let text = format!("{SYSTEM}[code_lists]\n{lists}");
        let (_, found) = run(&[
            ("paraply/system.toml", text.clone()),
            ("codes/beslutstyp.csv", format!("{CODES}{lines}")),
        ]);
        let place = |one: &Diagnostic| {
            assert_eq!(one.file, "paraply/system.toml");
            format!("{} {}: {}", one.code, &text[one.span.clone()], one.message)
        };
        found.iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(of("beslutstyp = 1", ""), [""; 0]);
    assert_eq!(of("beslutstyp = 2", line), [""; 0]);
    assert_eq!(
        of("beslutstyp = 2", &line.replace("paraply", "")),
        [""; 0],
        "a line about every system counts"
    );
    assert_eq!(
        of("beslutstyp = 2", ""),
        ["BRON-K007 2: codes/beslutstyp.csv has 1 lines about the system, approved are 2"]
    );
    assert_eq!(
        of("beslutstyp = 1", line),
        ["BRON-K007 1: codes/beslutstyp.csv has 2 lines about the system, approved are 1"]
    );
    assert_eq!(
        of("", ""),
        ["BRON-K008 : mappings read code list `beslutstyp`, and nobody says how many lines it has"]
    );
    assert_eq!(of("beslutstyp = 1\nbeslutstp = 7", ""), ["BRON-M018 7: unknown code list `beslutstp`"]);
}

#[test]
fn numbers_of_lines_are_whole_numbers() {
    for wrong in ["-1", "\"1\"", "4294967296"] {
        let text = format!("{SYSTEM}[code_lists]\nbeslutstyp = {wrong}\n");
        let (_, found) = run(&[("paraply/system.toml", text)]);
        assert_eq!(found[0].code, "BRON-M005", "{wrong}");
    }
}

#[test]
fn a_field_that_the_model_requires_cannot_be_flagged_away() {
    let model = MODEL.replace("label = \"Belopp\" }", "label = \"Belopp\", required = true }");
    let (_, found) = run(&[("model/beslut.toml", model.clone())]);
    assert_eq!(codes(&found), ["BRON-M017"]);
    let held = MAPPING.replace("fn = \"ore\" }", "fn = \"ore\", required = true, on_bad = \"quarantine\" }");
    assert_eq!(run(&[("model/beslut.toml", model), ("paraply/BESLUT.toml", held)]).1, []);
}

#[test]
fn a_code_whose_meaning_changes_needs_a_day() {
    let list = format!(
        "{}paraply,EBMN,ny,Ny,equal,2015-01-01,,approved,x,\n",
        CODES.replace("equal,,,", "equal,,2014-12-31,")
    );
    let (_, found) = run(&[("codes/beslutstyp.csv", list.clone())]);
    assert_eq!(codes(&found), ["BRON-M019"]);
    let dated = MAPPING.replace("codes = \"beslutstyp\"", "codes = \"beslutstyp\", date = \"GALL_TOM\"");
    assert_eq!(run(&[("codes/beslutstyp.csv", list), ("paraply/BESLUT.toml", dated)]).1, []);
}

#[test]
fn a_table_that_is_loaded_first_is_mapped() {
    let first = |table: &str| format!("{SYSTEM}load_first = [\"{table}\"]\n");
    assert_eq!(run(&[("paraply/system.toml", first("BESLUT"))]).1, []);
    assert_eq!(codes(&run(&[("paraply/system.toml", first("SPARR"))]).1), ["BRON-M030"]);
}

#[test]
fn a_table_that_nobody_maps_must_be_listed() {
    let (_, found) = run(&[("paraply/BESLUT.toml", MAPPING.replace("BESLUT", "BESLUTEN"))]);
    assert!(codes(&found).contains(&"BRON-M030"), "{:?}", codes(&found));
    let listed = format!("{SYSTEM}[ignored_tables]\nBESLUT = \"arkiveras\"\n");
    let (_, found) = run(&[
        ("paraply/BESLUT.toml", MAPPING.replace("BESLUT", "BESLUTEN")),
        ("paraply/system.toml", listed),
    ]);
    assert!(!codes(&found).contains(&"BRON-M030"), "{:?}", codes(&found));
}
