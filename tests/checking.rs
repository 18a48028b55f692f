//! `bron check`: every mistake at once, each with its place, and nothing is read.

use crate::support::{Project, fresh_city, run, run_project};

fn edit(project: &Project, file: &str, from: &str, to: &str) {
    let path = project.dir.join("mappings").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// The mapping files that come with the program: every file of a folder with a system in it.
fn mapped_tables() -> usize {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/mappings"));
    let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let systems = folders.filter(|folder| folder.join("system.toml").exists());
    systems.map(|system| std::fs::read_dir(system).unwrap().count() - 1).sum()
}

#[test]
fn the_shipped_mappings_are_whole() {
    let document = run_project("check", &fresh_city().dir).expect(&[0]).json();
    assert_eq!(document["diagnostics"].as_array().unwrap().len(), 0);
    let coverage = document["coverage"].as_array().unwrap();
    assert_eq!(coverage.len(), mapped_tables(), "every table that has a mapping");
    for table in coverage {
        assert_eq!(table["unmapped"], 0, "{}/{}", table["system"], table["table"]);
        assert!(table["mapped"].as_u64().unwrap() > 0);
    }
    assert!(document["examples"].as_u64().unwrap() >= 60);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/mappings");
    run(["check", "--mappings", folder]).expect(&[0]);
}

#[test]
fn one_run_reports_every_mistake_and_reads_nothing() {
    let project = fresh_city();
    edit(&project, "paraply/BESLUT.toml", "\"GALL_TOM\", fn", "\"GALL_TON\", fn");
    edit(&project, "paraply/UTBET.toml", "fn = \"ore\"", "fn = \"örre\"");
    edit(&project, "paraply/BESLUT.toml", "RV = \"radversion, läses bara av ändringsfångsten\"\n", "");
    let list = project.dir.join("mappings/codes/beslutstyp.csv");
    let text = std::fs::read_to_string(&list).unwrap();
    let line = text.lines().nth(1).unwrap();
    std::fs::write(&list, format!("{text}{line}\n")).unwrap();

    for verb in ["check", "migrate"] {
        let failed = run_project(verb, &project.dir).expect(&[1]);
        let document = failed.json();
        let found = document["diagnostics"].as_array().unwrap();
        let at = |code: &str, file: &str| found.iter().find(|one| one["code"] == code && one["file"] == file);
        let unknown = at("BRON-M010", "paraply/BESLUT.toml").expect("the unknown column");
        assert_eq!(unknown["help"], "did you mean `GALL_TOM`?");
        assert!(unknown["line"].as_u64().unwrap() > 1 && unknown["column"].as_u64().unwrap() > 1);
        assert!(
            at("BRON-M011", "paraply/UTBET.toml").expect("the misspelt function")["help"]
                .as_str()
                .unwrap()
                .contains("ore")
        );
        assert!(at("BRON-K006", "codes/beslutstyp.csv").is_some(), "the duplicate code");
        assert!(found.iter().any(|one| one["code"] == "BRON-M040"), "the column that is no longer mapped");
        assert!(!project.dir.join("runs").exists(), "{verb} has read nothing");
    }
    let drawn = run(["check", "--project", project.dir.to_str().unwrap()]).expect(&[1]).stderr;
    for part in ["paraply/BESLUT.toml:", "^^^", "did you mean `GALL_TOM`?", "BRON-K006"] {
        assert!(drawn.contains(part), "{part:?} is not in:\n{drawn}");
    }
}

#[test]
fn a_control_that_names_what_is_not_there_fails_the_check() {
    let project = fresh_city();
    edit(&project, "controls/paraply.toml", "sum = \"BELOPP\"", "sum = \"BELOP\"");
    edit(&project, "controls/paraga.toml", "entity = \"besok\"", "entity = \"besoket\"");
    let document = run_project("check", &project.dir).expect(&[1]).json();
    let found = document["diagnostics"].as_array().unwrap();
    let files: Vec<&str> = found.iter().map(|one| one["file"].as_str().unwrap()).collect();
    assert!(found.iter().all(|one| one["code"] == "BRON-C001"), "{found:?}");
    assert!(files.contains(&"controls/paraply.toml") && files.contains(&"controls/paraga.toml"), "{files:?}");
}

#[test]
fn a_rule_that_needs_the_day_of_reading_fails_without_it() {
    let project = fresh_city();
    let settings = project.dir.join("bron.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(
        &settings,
        text.lines().filter(|line| !line.starts_with("as_of")).collect::<Vec<_>>().join("\n"),
    )
    .unwrap();
    for verb in ["check", "migrate"] {
        let message = run_project(verb, &project.dir).expect(&[1]).json()["error"]["message"].clone();
        assert!(message.as_str().unwrap().contains("as_of"), "{message}");
    }
}

#[test]
fn an_example_that_does_not_hold_fails_the_check() {
    let project = fresh_city();
    edit(&project, "paraply/BESLUT.toml", "= 612000", "= 612001");
    let document = run_project("check", &project.dir).expect(&[1]).json();
    let found = &document["diagnostics"][0];
    assert_eq!(found["code"], "BRON-M050");
    assert!(found["message"].as_str().unwrap().contains("612000"));
}

#[test]
fn a_changed_mapping_shows_in_the_target() {
    let project = fresh_city();
    run_project("migrate", &project.dir).expect(&[0, 3]);
    edit(&project, "codes/kon.csv", ",M,man,", ",M,man_ny,");
    run_project("migrate", &project.dir).expect(&[0, 3]);
    let target = project.dir.join("target.sqlite");
    let changed = crate::support::sqlite_count(&target, "SELECT count(*) FROM person WHERE kon = 'man_ny'");
    assert!(changed > 0);
}

/// Looks from the visits of ParaGå into the plans of SchemOS, for plans that no visit has.
const PLANS: &str = "[[count]]\nname   = \"utan_status\"\nsystem = \"schemos\"\ntable  = \"planned_visit\"\n\
    on     = { BesokId = \"paraga_besok_id\" }\nwhen   = { column = \"status\", in = [\"okänd\"] }\n\n\
    [[neighbour]]\nname      = \"granne\"\ndirection = \"after\"\ngroup     = [\"_utforare\", \"PersonalId\"]\n\
    order     = \"FaktStart\"\nwhen      = { column = \"utan_status\", not_in = [\"0\"] }\n\n\
    [[check]]\nrule = \"D80\"\nfn   = \"is_present\"\nfrom = [\"BesokId\"]\n\
    when = [{ column = \"utan_status\", in = [\"0\"] }, { column = \"PlanStart\", from = \"2000-01-01\" }]\n\n\
    [[check]]\nrule = \"D84\"\nfn   = \"is_present\"\nfrom = [\"granne.BesokId\"]\n\n[scope]\n";

#[test]
fn a_lookup_reads_another_system_and_is_null_without_it() {
    let project = fresh_city();
    edit(&project, "paraga/besok.toml", "[scope]\n", PLANS);
    let marked = |reason: &str| {
        run_project("migrate", &project.dir).expect(&[0, 2, 3]);
        let query = format!("SELECT count(*) FROM besok WHERE ',' || dq_flags || ',' LIKE '%,{reason},%'");
        let target = project.dir.join("target.sqlite");
        (crate::support::sqlite_count(&target, &query), std::fs::remove_file(&target).unwrap()).0
    };
    let (unplanned, followed) = (marked("D80"), marked("D84"));
    assert!(unplanned > 0, "no visit has such a plan");
    assert_eq!(followed, 0, "only planned visits follow each other");

    let settings = project.dir.join("bron.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let (before, rest) = text.split_once("[system.schemos]").unwrap();
    let after = rest.split_once("[system.").map_or(String::new(), |(_, after)| format!("[system.{after}"));
    std::fs::write(&settings, format!("{before}{after}")).unwrap();
    let document = run_project("check", &project.dir).expect(&[0]).json();
    let warning = document["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["code"] == "BRON-M046" && one["file"] == "paraga/besok.toml")
        .expect("the warning");
    assert_eq!(warning["severity"], "warning");
    assert!(warning["line"].as_u64().unwrap() > 1);
    let drawn = run(["check", "--project", project.dir.to_str().unwrap()]).expect(&[0]).stderr;
    assert!(drawn.contains("the project has no system `schemos`"), "{drawn}");
    assert_eq!(marked("D80"), 0, "what is not known is not nought");
    assert!(marked("D84") > 0, "a visit that is not known to be unplanned takes part");
}

#[test]
fn the_shipped_mapping_files_are_canonical() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/mappings");
    run(["mapping", "fmt", "--check", "--mappings", folder]).expect(&[0]);
}

#[test]
fn a_file_is_written_in_its_canonical_form_and_means_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("s/T.toml");
    std::fs::create_dir(dir.path().join("s")).unwrap();
    let loose = "mapping='s/T'\n[source]\n  system = 's' # why\ntable   = 'T'\n";
    std::fs::write(&file, loose).unwrap();
    let folder = dir.path().to_str().unwrap();
    let refused = run(["mapping", "fmt", "--check", "--mappings", folder]).expect(&[1]);
    assert!(refused.stderr.contains("s/T.toml"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), loose, "a check writes nothing");
    run(["mapping", "fmt", "--mappings", folder]).expect(&[0]);
    let canonical = "mapping = 's/T'\n\n[source]\nsystem = 's' # why\ntable  = 'T'\n";
    assert_eq!(std::fs::read_to_string(&file).unwrap(), canonical);
}

/// The files of the shipped mappings, by path and text.
fn shipped_mappings(project: &Project) -> Vec<(std::path::PathBuf, String)> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(project.dir.join("mappings")).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            if text.contains("\nmapping ") {
                found.push((path, text));
            }
        }
    }
    assert_eq!(found.len(), mapped_tables());
    found
}

/// Edits every mapping file, checks once, and gives the files that were not accused of `code`.
fn not_accused(project: &Project, code: &str, edited: impl Fn(&str) -> String) -> Vec<String> {
    let mappings = shipped_mappings(project);
    for (path, text) in &mappings {
        std::fs::write(path, edited(text)).unwrap();
    }
    let document = run_project("check", &project.dir).expect(&[1]).json();
    let accused: Vec<&str> = document["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["code"] == code && one["line"].as_u64().unwrap() > 0)
        .map(|one| one["file"].as_str().unwrap())
        .collect();
    for (path, text) in &mappings {
        std::fs::write(path, text).unwrap();
    }
    let names = mappings.iter().map(|(path, _)| {
        let name = path.strip_prefix(project.dir.join("mappings")).unwrap();
        name.to_str().unwrap().to_owned()
    });
    names.filter(|name| !accused.contains(&name.as_str())).collect()
}

#[test]
fn an_unknown_key_or_no_example_is_reported_in_every_file() {
    let project = fresh_city();
    let with_key = |text: &str| text.replacen("\nowner ", "\nowmer    = \"x\"\nowner ", 1);
    assert_eq!(not_accused(&project, "BRON-M003", with_key), Vec::<String>::new());
    let without_examples = |text: &str| text.split("\n[[example]]").next().unwrap().to_owned() + "\n";
    assert_eq!(not_accused(&project, "BRON-M033", without_examples), Vec::<String>::new());
}
