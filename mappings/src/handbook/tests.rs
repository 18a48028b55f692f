use std::collections::BTreeMap;

use super::*;
use crate::function::{FieldFunction, FunctionKind};
use crate::reject::ReasonCode;

const MODEL_FILE: &str = r#"
format = 1
[[entity]]
name = "beslut"
label = "Beslut"
about = "Ett beslut"
retention = "sol-12-1"
sekretess = "osl_26_1"
validity = { from = "fran" }
fields = [
  { name = "fran", type = "date", label = "Från" },
  { name = "status", type = "code", label = "Status <ny>" },
  { name = "ersatter_id", type = "ref", entity = "beslut", label = "Ersätter" },
  { name = "tom", type = "text", label = "Fylls aldrig" },
]
"#;

const MAPPING_FILE: &str = r#"
format = 1
mapping = "alfa/BESLUT"
owner = "någon"
decision = "Mötet i april"
examples = 1
[source]
system = "alfa"
table = "BESLUT"
key = ["ID"]
[[parent]]
name = "akt"
table = "AKT"
on = { AKT_ID = "ID" }
[[check]]
rule = "D24"
fn = "ends_before_start"
from = ["FR", "akt.TILL"]
action = "quarantine"
when = { column = "ST", in = ["F"] }
[[target]]
entity = "beslut"
[target.fields]
id = { id = ["ID"] }
fran = { from = "FR", fn = "date", on_bad = "quarantine" }
status = { from = "ST", codes = "status" }
ersatter_id = { ref = "beslut", from = ["ERS"] }
[ignore]
RV = "radversion & sånt"
[[example]]
about = "ett beslut"
source = { ID = 1 }
beslut = { status = "ny" }
"#;

const CODES_FILE: &str = "system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n\
                          alfa,F,fast,Fastställt,equal,,,approved,,\n\
                          alfa,U,utkast,Utkast,equal,2015-01-01,,unchecked,,\n";

const fn function(name: &'static str, kind: FunctionKind, phrase: &'static str) -> FunctionSpec {
    let marks = &[ReasonCode::Malformed];
    FunctionSpec { name, kind, inputs: (1, 2), arguments: &[], about: "", phrase, marks, inverse: "" }
}

const FUNCTIONS: [FunctionSpec; 2] = [
    function("date", FunctionKind::Field(FieldFunction::Date), "läses som datum"),
    function("ends_before_start", FunctionKind::Check, "{2} ligger före {1}"),
];

fn book() -> BTreeMap<String, String> {
    let files = [
        ("model/arende.toml", MODEL_FILE),
        ("codes/status.csv", CODES_FILE),
        ("alfa/system.toml", "format = 1\nsystem = \"alfa\"\nlabel = \"Alfa\"\n"),
        ("alfa/BESLUT.toml", MAPPING_FILE),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    let (set, found) = MappingSet::parse(&files);
    assert_eq!(found, []);
    pages(&set, &FUNCTIONS, 1)
}

#[test]
fn there_is_a_page_for_everything() {
    let names: Vec<String> = book().into_keys().collect();
    let expected = [
        "index.html",
        "kodlista-status.html",
        "kodlistor.html",
        "modell-beslut.html",
        "modell.html",
        "oppna-fragor.html",
        "system-alfa.html",
    ];
    assert_eq!(names, expected);
    assert_eq!(book(), book());
    assert!(book().values().all(|page| page.contains(MARK)));
}

#[test]
fn a_table_is_told_in_words() {
    let page = &book()["system-alfa.html"];
    for wanted in [
        "Beslut: Från</a> – läses som datum; oläsligt värde sätter raden i karantän",
        "översätts med kodlistan <a href=\"kodlista-status.html\">status</a>; okänd kod lämnas tomt och flaggas",
        "Beslut: Status &lt;ny&gt;",
        "<strong>Flyttas inte:</strong> radversion &#38; sånt",
        "<code>akt.TILL</code> ligger före <code>FR</code>, när <code>ST</code> är F (Fastställt)",
        "Sätts i karantän",
        "raden i <code>AKT</code> vars <code>ID</code> är radens <code>AKT_ID</code>",
        "Fylls inte härifrån: Fylls aldrig.",
        "Beslutet bakom reglerna har inget datum: ”Mötet i april”",
        "har 1 rad för systemet som ingen har godkänt",
        "Stämmer det här för BESLUT?",
    ] {
        assert!(page.contains(wanted), "the page does not say {wanted}\n{page}");
    }
}

#[test]
fn an_entity_knows_its_sources_and_references() {
    let page = &book()["modell-beslut.html"];
    for wanted in [
        "<a href=\"system-alfa.html#t-BESLUT\">Alfa: BESLUT</a> <code>FR</code> – läses som datum",
        "Beslut</a> genom <a href=\"modell-beslut.html#f-ersatter_id\">Ersätter</a></li>",
        "kod ur kodlistan <a href=\"kodlista-status.html\">status</a>",
        "raden gäller från <a href=\"modell-beslut.html#f-fran\">Från</a>",
        "<span class=\"muted\">ingen källa</span>",
    ] {
        assert!(page.contains(wanted), "the page does not say {wanted}\n{page}");
    }
}

#[test]
fn names_become_file_names_one_to_one() {
    assert_eq!(slug("AKT_ID-1"), "AKT_ID-1");
    assert_eq!(slug("a b"), "a.20b");
    assert_ne!(slug("å"), slug("ä"));
}
