//! Findings from one reconciliation to the next, differences that people accept, and one record's whole story.

use std::fs;
use std::path::Path;

use bron_extract::{Manifest, PartOptions, PartWriter, Vault};
use bron_mappings::{Batch, BatchSchema, ColumnType};
use serde_json::{Value, json};

use crate::identity::project as small_project;
use crate::support::{Project, Ran, bron, copy_folder, only_run, run_project, sqlite, sqlite_rows};

/// A project whose target says what its sources say.
fn project() -> Project {
    let project = small_project();
    run_project("migrate", &project.dir).expect(&[0]);
    project
}

fn change(project: &Project, statement: &str) {
    sqlite(&project.dir.join("target.sqlite"), &[statement]);
}

fn one(project: &Project, query: &str) -> String {
    sqlite_rows(&project.dir.join("target.sqlite"), query).remove(0).remove(0).unwrap()
}

fn reconciled(project: &Project, code: i32) -> Value {
    run_project("reconcile", &project.dir).expect(&[code]).json()
}

fn explained(project: &Project, key: &str, output: &str) -> Ran {
    let mut command = bron();
    command.args(["reconcile", "explain", key, "--output", output, "--project"]).arg(&project.dir);
    command.output().unwrap().into()
}

/// New, persisting, resolved and accepted.
fn counts(document: &Value) -> [u64; 4] {
    let counts = &document["summary"]["findings"];
    ["new", "persisting", "resolved", "waived"].map(|name| counts[name].as_u64().unwrap_or_default())
}

fn states(document: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found = document["findings"].as_array().unwrap().iter();
    found.map(|one| (text(&one["entity"]), text(&one["state"]), text(&one["first_seen"]))).collect()
}

const OTHER_STATUS: &str = "UPDATE match_candidate SET status = 'bekraftad' WHERE src_key = '20|21'";
const RIGHT_STATUS: &str = "UPDATE match_candidate SET status = 'ny' WHERE src_key = '20|21'";
const OTHER_GROUND: &str = "UPDATE identity_link SET grund = 'x' WHERE src_key = '10|11'";
const RIGHT_GROUND: &str = "UPDATE identity_link SET grund = 'lika_identifierare' WHERE src_key = '10|11'";

fn waive(project: &Project, waivers: &str) {
    fs::write(project.dir.join("waivers.toml"), format!("format = 1\n{waivers}")).unwrap();
}

/// A waiver with days that begin so many days from today.
fn waiver(id: &str, about: &str, days: i32) -> String {
    let today = jiff::Timestamp::now().in_tz("Europe/Stockholm").unwrap().date();
    let approved = today.checked_add(jiff::Span::new().days(days)).unwrap();
    let expires = approved.checked_add(jiff::Span::new().days(300)).unwrap();
    format!(
        "[[waiver]]\nid = \"{id}\"\n{about}\nreason = \"Känt fel i provet\"\nowner = \"DSO\"\n\
         approved_by = \"Anna Attest\"\napproved_on = \"{approved}\"\nexpires = \"{expires}\"\n"
    )
}

#[test]
fn the_check_of_a_project_reads_what_it_accepts() {
    let project = project();
    let check = || -> Ran {
        let mut command = bron();
        command.args(["check", "--project"]).arg(&project.dir);
        command.output().unwrap().into()
    };
    waive(
        &project,
        &waiver(
            "lika",
            "entity = \"identity_link\"\nkind = \"differs\"\nfields = [\"grund\"]\nat_most = 1",
            0,
        ),
    );
    check().expect(&[0]);
    waive(
        &project,
        &waiver(
            "okand",
            "entity = \"identity_lank\"\nkind = \"differs\"\nfields = [\"grund\"]\nat_most = 1",
            0,
        ),
    );
    let refused = check().expect(&[1]);
    assert!(
        refused.stderr.contains("waivers.toml:4") && refused.stderr.contains("identity_link"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_finding_is_new_then_persists_and_is_resolved() {
    let project = project();
    let run = only_run(&project.dir);
    let id = run.file_name().unwrap().to_str().unwrap().to_owned();
    change(&project, OTHER_STATUS);
    let first = reconciled(&project, 2);
    assert_eq!(counts(&first), [1, 0, 0, 0]);
    let of = |entity: &str, state: &str| (entity.to_owned(), state.to_owned(), id.clone());
    assert_eq!(states(&first), [of("match_candidate", "new")]);
    assert_eq!(first["findings"][0]["cause"], json!({ "kind": "unexplained" }));
    assert_eq!(first["summary"]["findings_before"], json!({ "run": id }));

    change(&project, OTHER_GROUND);
    let second = reconciled(&project, 2);
    assert_eq!(counts(&second), [1, 1, 0, 0]);
    assert_eq!(states(&second), [of("identity_link", "new"), of("match_candidate", "persisting")]);
    assert_eq!(second["findings"][1]["id"], first["findings"][0]["id"]);

    change(&project, RIGHT_STATUS);
    let mut third = bron();
    third.args(["reconcile", "--project"]).arg(&project.dir);
    let third: Ran = third.output().unwrap().into();
    let told = format!("Fynd: 0 nya, 1 kvarstår, 1 åtgärdat jämfört med avstämningen av körning {id}\n");
    assert!(third.stdout.contains(&told), "{}", third.stdout);
    let vault = Vault::plain(&run, &id, [0; 32]);
    let resolved = Manifest::open(&run.join("findings/resolved"), &vault).unwrap();
    assert_eq!((resolved.rows, resolved.schema.columns().len()), (1, 15));

    change(&project, RIGHT_GROUND);
    assert_eq!(counts(&reconciled(&project, 0)), [0, 0, 1, 0]);
    let clean = reconciled(&project, 0);
    assert_eq!(
        (&clean["summary"]["findings"], &clean["summary"]["findings_before"]),
        (&Value::Null, &Value::Null)
    );
    let left = ["findings-before", "findings-before.json", "findings-unsorted"];
    assert!(left.iter().all(|name| !run.join(name).exists()) && run.join("findings.json").is_file());
}

#[test]
fn a_reconciliation_that_was_cut_short_leaves_no_trace() {
    let project = project();
    change(&project, OTHER_STATUS);
    reconciled(&project, 2);
    let undisturbed = reconciled(&project, 2);
    let run = only_run(&project.dir);
    // What was found is set aside, and nothing new is there yet.
    copy_folder(&run.join("findings"), &run.join("findings-before"));
    fs::rename(run.join("findings.json"), run.join("findings-before.json")).unwrap();
    fs::remove_dir_all(run.join("findings")).unwrap();
    assert_eq!(reconciled(&project, 2), undisturbed);
    // The new list is there, and the reconciliation was not done.
    copy_folder(&run.join("findings"), &run.join("findings-before"));
    fs::rename(run.join("findings.json"), run.join("findings-before.json")).unwrap();
    assert_eq!(reconciled(&project, 2), undisturbed);
}

/// Writes the list of findings as the first format has it.
fn to_the_first_format(run: &Path) {
    let (dir, vault) = (run.join("findings"), Vault::plain(run, "r", [0; 32]));
    let manifest = Manifest::open(&dir, &vault).unwrap();
    let names = manifest.schema.columns()[..9].iter().map(|column| column.name.clone());
    let schema = BatchSchema::new(names.map(|name| (name, ColumnType::Text)));
    let rows: Vec<Batch> = manifest.read(&dir, None, 100).unwrap().map(Result::unwrap).collect();
    fs::remove_dir_all(&dir).unwrap();
    let mut writer = PartWriter::new(&dir, &schema, PartOptions::default()).unwrap();
    for batch in rows {
        let columns = (0..9).map(|at| batch.record().column(at).clone()).collect();
        writer.push(&Batch::new(&schema, columns, batch.rows()).unwrap()).unwrap();
    }
    Manifest::new("findings", manifest.origin, &schema, writer.finish().unwrap()).save(&dir).unwrap();
    fs::remove_file(run.join("findings.json")).unwrap();
}

#[test]
fn a_list_of_the_first_format_is_the_reconciliation_before() {
    let project = project();
    change(&project, OTHER_STATUS);
    reconciled(&project, 2);
    let run = only_run(&project.dir);
    to_the_first_format(&run);
    let after = reconciled(&project, 2);
    assert_eq!(counts(&after), [0, 1, 0, 0]);
    assert_eq!(states(&after)[0].2, run.file_name().unwrap().to_str().unwrap());
}

#[test]
fn findings_persist_into_the_next_run_and_begin_anew_when_the_one_before_is_closed() {
    let project = small_project();
    let settings = fs::read_to_string(project.dir.join("bron.toml")).unwrap();
    let settings = settings + "[staging]\nkey = \"file:staging.key\"\nretention_days = 0\n";
    fs::write(project.dir.join("bron.toml"), settings).unwrap();
    fs::write(project.dir.join("staging.key"), "a".repeat(64)).unwrap();
    let first = run_project("migrate", &project.dir).expect(&[0]).json()["run"].as_str().unwrap().to_owned();
    // A row of the target that no source explains, of a run that the target does not know, stays there through every
    // run: two findings.
    let copied = sqlite_rows(
        &project.dir.join("target.sqlite"),
        "SELECT name FROM pragma_table_info('namn') WHERE name NOT IN ('id', 'load_run_id')",
    );
    let columns: Vec<String> = copied.into_iter().map(|mut row| row.remove(0).unwrap()).collect();
    let columns = columns.join(", ");
    change(
        &project,
        &format!(
            "INSERT INTO namn (id, load_run_id, {columns}) SELECT '00000000-0000-8000-8000-000000000001', 'hand', \
             {columns} FROM namn WHERE src_key = '1'"
        ),
    );
    assert_eq!(counts(&reconciled(&project, 2)), [2, 0, 0, 0]);
    let person = project.dir.join("alfa/PERSON.csv");
    let more = fs::read_to_string(&person).unwrap() + "80;;Ny;Post;;;2010-02-01\n";
    fs::write(&person, &more).unwrap();
    let second = run_project("migrate", &project.dir).expect(&[2]).json();
    assert_ne!(second["run"], first.as_str());
    assert_eq!(second["summary"]["findings_before"]["run"], first.as_str());
    assert_eq!((counts(&second), states(&second)[0].2.as_str()), ([0, 2, 0, 0], first.as_str()));

    let mut shred = bron();
    shred.args(["key", "shred", "--yes", second["run"].as_str().unwrap(), "--project"]).arg(&project.dir);
    let shred: Ran = shred.output().unwrap().into();
    shred.expect(&[0]);
    fs::write(&person, more + "81;;Ny;Post;;;2010-02-01\n").unwrap();
    let third = run_project("migrate", &project.dir).expect(&[2]).json();
    let told = &third["summary"]["findings_before"];
    assert_eq!(told["run"], second["run"]);
    assert_eq!(told["unreadable"], "körningens nyckel finns inte");
    assert_eq!(
        (counts(&third), states(&third)[0].2.as_str()),
        ([2, 0, 0, 0], third["run"].as_str().unwrap())
    );
}

#[test]
fn the_cause_of_a_finding_is_what_the_run_noted_about_its_row() {
    let project = project();
    change(&project, "UPDATE namn SET namn = 'Hemlig' WHERE src_key = '1' AND src_table = 'NOTIS'");
    change(&project, OTHER_STATUS);
    let found = reconciled(&project, 2);
    let causes: Vec<(&Value, &Value)> =
        found["findings"].as_array().unwrap().iter().map(|one| (&one["entity"], &one["cause"])).collect();
    let unmapped = json!({ "kind": "unmapped_code", "reason": "D18" });
    assert_eq!(
        causes,
        [(&json!("match_candidate"), &json!({ "kind": "unexplained" })), (&json!("namn"), &unmapped)]
    );
    let report = fs::read_to_string(project.dir.join("report/index.html")).unwrap();
    assert!(report.contains("Källraden har en kod utan motsvarighet (D18: Kod som saknas i kodlistan)"));
}

#[test]
fn accepted_differences_are_told_apart_from_equal_for_as_long_as_they_hold() {
    let project = project();
    change(&project, OTHER_GROUND);
    let about = "entity = \"identity_link\"\nkind = \"differs\"\nfields = [\"grund\"]\nat_most = 1";
    waive(&project, &(waiver("provet", about, -10) + &waiver("onödig", &about.replace("grund", "typ"), -10)));
    let accepted = reconciled(&project, 3);
    assert_eq!((&accepted["verdict"], counts(&accepted)), (&json!("godkanda_skillnader"), [1, 0, 0, 1]));
    assert_eq!(accepted["findings"][0]["waiver"], "provet");
    let lines = accepted["summary"]["waivers"].as_array().unwrap();
    assert_eq!((&lines[0]["state"], &lines[0]["rows"]), (&json!("in_force"), &json!(1)));
    assert_eq!((&lines[1]["state"], &lines[1]["rows"]), (&json!("unused"), &json!(0)));
    let report = fs::read_to_string(project.dir.join("report/index.html")).unwrap();
    assert!(
        report.contains("Inte lika: 1 skillnad, och alla är godkända.") && report.contains("Anna Attest")
    );

    let mut sample = bron();
    sample.args(["reconcile", "--sample", "100%", "--output", "json", "--project"]).arg(&project.dir);
    let sample: Ran = sample.output().unwrap().into();
    let sample = sample.expect(&[2]).json();
    assert_eq!((&sample["verdict"], counts(&sample)), (&json!("ej_bevisat"), [0, 1, 0, 1]));
    let lines = sample["summary"]["waivers"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["id"]), (1, &json!("provet")), "the rest may need the other one");

    change(&project, &OTHER_GROUND.replace("10|11", "alfa/PERSON/10|%").replace("src_key =", "src_key LIKE"));
    let exceeded = reconciled(&project, 2);
    assert_eq!((&exceeded["verdict"], counts(&exceeded)), (&json!("skillnader"), [1, 1, 0, 0]));
    assert_eq!(exceeded["summary"]["waivers"][0]["state"], "exceeded");

    waive(&project, &waiver("provet", &about.replace('1', "9"), -301));
    let expired = reconciled(&project, 2);
    assert_eq!((&expired["summary"]["waivers"][0]["state"], counts(&expired)[3]), (&json!("expired"), 0));
}

#[test]
fn a_missing_row_is_accepted_by_its_number_and_by_nothing_else() {
    let project = project();
    change(&project, "DELETE FROM match_candidate WHERE src_key = '20|21'");
    let found = reconciled(&project, 2);
    assert_eq!(counts(&found), [1, 0, 0, 0]);
    let number = found["findings"][0]["id"].as_str().unwrap();
    let about = "entity = \"match_candidate\"\nkind = \"missing\"\n";
    waive(&project, &waiver("borta", &format!("{about}at_most = 1"), -1));
    let refused = run_project("reconcile", &project.dir).expect(&[1]).json();
    assert_eq!(refused["diagnostics"][0]["code"], "BRON-W002");
    assert_eq!(
        (&refused["diagnostics"][0]["file"], &refused["diagnostics"][0]["line"]),
        (&json!("waivers.toml"), &json!(5))
    );
    waive(&project, &waiver("borta", &format!("{about}findings = [\"{number}\"]"), -1));
    let accepted = reconciled(&project, 3);
    assert_eq!((&accepted["verdict"], counts(&accepted)), (&json!("godkanda_skillnader"), [0, 1, 0, 1]));
    change(&project, "UPDATE person SET skyddad = NOT skyddad WHERE src_key = '51'");
    assert_eq!(reconciled(&project, 2)["verdict"], "skillnader", "protection is never accepted as different");
}

#[test]
fn one_record_tells_its_whole_story() {
    let project = project();
    let id = one(&project, "SELECT id FROM saknad_post WHERE src_key = '3'");
    let before = explained(&project, "alfa/NOTIS/3", "json").expect(&[0]).json();
    assert_eq!((&before["key"], &before["findings"]), (&json!("3"), &json!([])));
    assert_eq!(before["marks"][0]["reason"], "D18");
    let (person, code) = (&before["source"][0][1], &before["source"][0][2]);
    assert_eq!(
        *person,
        json!({ "name": "PERS_ID", "class": "digits", "length": 2 }),
        "it says who it is about"
    );
    assert_eq!(*code, json!({ "name": "TYP", "class": "letters", "length": 1 }), "it becomes a name");
    let rows = before["rows"].as_array().unwrap();
    let entities: Vec<&str> = rows.iter().map(|row| row["entity"].as_str().unwrap()).collect();
    assert_eq!(entities, ["namn", "saknad_post"]);
    assert!(rows.iter().all(|row| row["given"] == true && row["in_target"] == true));
    let by_id = explained(&project, &id, "json").expect(&[0]).json();
    assert_eq!(by_id, before);

    change(&project, "UPDATE saknad_post SET kalla_tabell = 'ANNAN' WHERE src_key = '3'");
    let finding = reconciled(&project, 2)["findings"][0]["id"].as_str().unwrap().to_owned();
    let after = explained(&project, &finding[..8], "text").expect(&[2]);
    for expected in [
        "SKILJER: källan ger PERSON, målet har ANNAN  [alltid ”PERSON”]",
        "flag D18 Kod som saknas i kodlistan, fält namn",
        "Skiljer i innehåll (kalla_tabell): nytt. Oförklarat: förlorat eller ändrat",
        "pekar på Person från",
    ] {
        assert!(after.stdout.contains(expected), "{expected}\n{}", after.stdout);
    }
    let nothing = explained(&project, "alfa/NOTIS/4711", "text").expect(&[1]);
    assert!(nothing.stderr.contains("no record"), "{}", nothing.stderr);
    explained(&project, "Eva", "text").expect(&[1]);
}

#[test]
fn nothing_of_a_person_is_shown_and_less_of_a_protected_one() {
    let project = project();
    let named = explained(&project, "alfa/PERSON/10", "text").expect(&[0]);
    for canary in ["Eva", "Prov", "197601010007", "1976-01-01"] {
        assert!(!named.stdout.contains(canary), "{canary}\n{}", named.stdout);
    }
    assert!(named.stdout.contains("FNAMN = ●●● (letters, 3 tecken)"), "{}", named.stdout);
    assert!(named.stdout.contains("identity_link.person_a"), "{}", named.stdout);
    assert!(named.stdout.contains("grund lika_identifierare"), "{}", named.stdout);

    let protected = explained(&project, "alfa/PERSON/51", "json").expect(&[0]).json();
    assert_eq!(protected["protected"], true);
    let columns = protected["source"][0].as_array().unwrap();
    assert!(columns.iter().all(|column| column.as_object().unwrap().len() == 1), "{columns:?}");
    let fields = protected["rows"][0]["fields"].as_array().unwrap();
    assert!(fields.iter().all(|field| field["held"].as_object().unwrap().len() == 1), "{fields:?}");

    // A customer is known by the pseudonym that reports show.
    let key =
        one(&project, "SELECT src_key FROM identity_link WHERE src_key LIKE 'alfa/PERSON/10|beta/KUND/%'");
    let pseudonym = key.rsplit_once('/').unwrap().1.to_owned();
    let customer = explained(&project, &pseudonym, "json").expect(&[0]).json();
    assert_eq!((&customer["mapping"], &customer["key"]), (&json!("beta/KUND"), &json!(pseudonym)));
    let whole = format!("beta/KUND/{pseudonym}");
    assert_eq!(explained(&project, &whole, "json").expect(&[0]).json(), customer);
}

#[test]
fn what_a_row_was_before_is_part_of_its_story() {
    let project = project();
    let notis = project.dir.join("alfa/NOTIS.csv");
    let changed = fs::read_to_string(&notis).unwrap().replace("3;99;X", "3;98;X");
    fs::write(&notis, changed).unwrap();
    run_project("migrate", &project.dir).expect(&[0]);
    let told = explained(&project, "alfa/NOTIS/3", "json").expect(&[0]).json();
    let of_stand_in =
        told["rows"].as_array().unwrap().iter().find(|row| row["entity"] == "saknad_post").unwrap();
    let history = of_stand_in["history"].as_array().unwrap();
    assert_eq!((history.len(), &history[0]["because"]), (1, &json!("replaced")));
    assert_eq!(of_stand_in["written_by"], told["run"]);
}
