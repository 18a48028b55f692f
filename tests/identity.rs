//! Who is who: links, questions and protection through the whole chain, and what people decide about them.

use std::path::Path;

use crate::support::{Project, copy_folder, files, run_project, sqlite_rows};

const DECISIONS: &str = "identitet/beslut.csv";

/// The project of `tests/cases/identitet`, with the model that is shipped.
pub(crate) fn project() -> Project {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = Project::at(tempfile::tempdir().unwrap(), &root.join("tests/cases/identitet"));
    copy_folder(&root.join("mappings/model"), &project.dir.join("mappings/model"));
    std::fs::write(project.dir.join("secret.key"), "5".repeat(64)).unwrap();
    let settings = "format = 1\nsecret = \"file:secret.key\"\ntarget = \"target.sqlite\"\n\
                    [system.alfa]\nkind = \"csv\"\npath = \"alfa\"\n[system.beta]\nkind = \"csv\"\npath = \"beta\"\n";
    std::fs::write(project.dir.join("bron.toml"), settings).unwrap();
    project
}

fn decide(project: &Project, lines: &str) {
    let path = project.dir.join(DECISIONS);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("post_a,post_b,beslut,beslutad_av,tid,skal\n{lines}")).unwrap();
}

fn rows(project: &Project, query: &str) -> Vec<String> {
    let rows = sqlite_rows(&project.dir.join("target.sqlite"), query);
    let line = |row: Vec<Option<String>>| row.into_iter().flatten().collect::<Vec<_>>().join(" ");
    rows.into_iter().map(line).collect()
}

/// Links as `key grund`, and who undid them; a pseudonym is `*`.
fn links(project: &Project) -> Vec<String> {
    let query =
        "SELECT src_key, grund, upphavd_av FROM identity_link WHERE src_system = 'bron' ORDER BY src_key";
    let without_pseudonym = |row: String| {
        let (before, after) = row.split_once("/p-").unwrap_or((&row, ""));
        after.split_once(' ').map_or(row.clone(), |(_, after)| format!("{before}/* {after}"))
    };
    rows(project, query).into_iter().map(without_pseudonym).collect()
}

fn questions(project: &Project) -> Vec<String> {
    rows(project, "SELECT src_key, metod, status, dq_flags FROM match_candidate ORDER BY src_key")
}

const D06: &str = "20|21 samordning_till_personnummer ny D06";
const D07: &str = "30|31 namn_och_fodelsedatum ny D07";

#[test]
fn links_questions_and_protection_come_through_the_chain() {
    let project = project();
    let document = run_project("migrate", &project.dir).expect(&[0]).json();
    let expected = ["10|11", "alfa/PERSON/10|beta/KUND/*", "alfa/PERSON/11|beta/KUND/*"];
    assert_eq!(links(&project), expected.map(|pair| format!("{pair} lika_identifierare")));
    assert_eq!(questions(&project), [D06, D07]);
    let table = document["summary"]["tables"].as_array().unwrap();
    let table = table.iter().find(|one| one["system"] == "bron").unwrap();
    assert_eq!((table["table"].as_str(), table["read"].as_u64()), (Some("identitet"), Some(0)));
    assert_eq!(table["flagged"], serde_json::json!({ "D06": 1, "D07": 1 }));
    let protected = "SELECT src_key, skydd FROM person WHERE skyddad ORDER BY src_key";
    assert_eq!(rows(&project, protected), ["51 sekretessmarkering", "K5 sekretessmarkering"]);
    assert_eq!(rows(&project, "SELECT src_key FROM namn WHERE skyddad"), ["2"]);
}

#[test]
fn what_is_made_is_compared_and_made_once() {
    let project = project();
    run_project("migrate", &project.dir).expect(&[0]);
    let again = run_project("migrate", &project.dir).expect(&[0]).json();
    assert_eq!(again["no_op"], true);
    crate::support::sqlite(
        &project.dir.join("target.sqlite"),
        &["UPDATE match_candidate SET status = 'bekraftad' WHERE src_key = '20|21'"],
    );
    let found = run_project("reconcile", &project.dir).expect(&[2]);
    assert_eq!(found.json()["findings_total"], 1);
    assert!(found.stdout.contains("20|21"), "a pair of keys that name nobody is shown");
    crate::support::sqlite(&project.dir.join("target.sqlite"), &["DELETE FROM identity_link"]);
    run_project("reconcile", &project.dir).expect(&[2]);
}

#[test]
fn a_decision_is_another_run_with_its_effect_visible() {
    let project = project();
    let first = run_project("migrate", &project.dir).expect(&[0]).json();
    decide(
        &project,
        "alfa/PERSON/20,alfa/PERSON/21,lika,Eva,2024-11-05 14:30,samma\n\
         alfa/PERSON/11,alfa/PERSON/10,olika,Bo,2024-11-05 14:30,syskon\n\
         alfa/PERSON/30,alfa/PERSON/31,olika,Bo,2024-11-05 14:30,kusiner\n\
         alfa/PERSON/40,alfa/PERSON/98,lika,Bo,2024-11-05 14:30,finns inte\n",
    );
    std::fs::remove_file(project.dir.join("target.sqlite")).unwrap();
    let second = run_project("migrate", &project.dir).expect(&[0]);
    assert!(second.stderr.contains("1 decided pairs have no effect"), "{}", second.stderr);
    assert_ne!(first["summary"]["run"], second.json()["summary"]["run"]);
    let links = links(&project);
    assert!(links.contains(&"10|11 lika_identifierare Bo".to_owned()), "{links:?}");
    assert!(links.contains(&"20|21 manuell_beslutad".to_owned()), "{links:?}");
    assert_eq!(
        questions(&project),
        ["20|21 samordning_till_personnummer bekraftad ", "30|31 namn_och_fodelsedatum avvisad "]
    );
}

#[test]
fn a_wrong_line_of_the_decisions_stops_before_anything_is_read() {
    let project = project();
    decide(&project, "alfa/PERSON/20,hemlig,lika,Eva,2024-11-05 14:30,samma\n");
    let failed = run_project("migrate", &project.dir).expect(&[1]);
    assert_eq!(failed.json()["diagnostics"][0]["code"], "BRON-I003");
    let message = failed.json()["diagnostics"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("line 2: "), "{message}");
    assert!(
        !failed.stdout.contains("hemlig") && !failed.stderr.contains("hemlig"),
        "a line is named, not repeated"
    );
    assert!(!project.dir.join("runs").exists());
}

#[test]
fn no_row_about_a_pair_and_no_report_holds_a_name_or_a_number() {
    let project = project();
    let migrated = run_project("migrate", &project.dir).expect(&[0]);
    let target = project.dir.join("target.sqlite");
    let contents = crate::support::contents(&target);
    let mut texts: Vec<String> =
        ["identity_link", "match_candidate"].map(|entity| format!("{:?}", contents[entity])).into();
    texts.extend([migrated.stdout, migrated.stderr]);
    for (path, bytes) in files(&project.dir) {
        let is = |kind: &str| path.extension().is_some_and(|extension| extension == kind);
        if is("json") || is("html") {
            texts.push(String::from_utf8(bytes).unwrap());
        }
    }
    assert!(texts.len() > 6 && texts[1].contains("samma förnamn"), "the texts were found");
    for secret in ["197601010007", "19760101-0007", "198005050003", "Skog", "Berg", "Mia"] {
        assert!(texts.iter().all(|text| !text.contains(secret)), "{secret} was written");
    }
}
