//! Health care and the guardians: each behind its own secrecy, nothing lost, nothing readable too early.

use std::collections::BTreeSet;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::support::{migrated_city, only_run, run_project, sqlite, sqlite_count, sqlite_rows, walk};

/// What says who may read.
const FIRST: [&str; 2] = ["samtycke", "sparr"];

fn tables(target: &Path) -> Vec<String> {
    let query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'bron%'";
    sqlite_rows(target, query).into_iter().filter_map(|mut row| row.remove(0)).collect()
}

#[test]
fn h25_blocks_and_consents_are_in_the_target_before_what_they_protect() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    let tables = tables(&target);
    let mut statements = vec!["DELETE FROM bron_receipt".to_owned()];
    for table in &tables {
        statements.push(format!("DELETE FROM {table}"));
        if !FIRST.contains(&table.as_str()) {
            statements.push(format!(
                "CREATE TRIGGER no_{table} BEFORE INSERT ON {table} BEGIN INSERT INTO stops_here VALUES (1); END"
            ));
        }
    }
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    sqlite(&target, &statements);
    let ran = run_project("load", &project.dir);
    assert_ne!(ran.code, Some(0), "the load stops at the first other table");
    let filled =
        tables.iter().filter(|table| sqlite_count(&target, &format!("SELECT COUNT(*) FROM {table}")) > 0);
    assert_eq!(filled.map(String::as_str).collect::<BTreeSet<_>>(), FIRST.into_iter().collect());
}

#[test]
fn every_row_about_a_patient_or_a_ward_carries_its_own_secrecy() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    // Units, terms and their periods are nobody's secret.
    let open = ["organisation", "kod", "kodsystem"];
    for table in tables(&target).iter().filter(|table| !open.contains(&table.as_str())) {
        for (system, class) in [("vodok", "osl_25_1"), ("warna", "osl_32_4")] {
            let other = format!(
                "SELECT COUNT(*) FROM {table} WHERE src_system = '{system}' AND sekretess_klass <> '{class}'"
            );
            assert_eq!(sqlite_count(&target, &other), 0, "{table} of {system}");
        }
    }
    let namnd = "SELECT COUNT(*) FROM stallforetradarskap WHERE namnd <> 'ÖFN' OR namnd_id IS NULL";
    assert_eq!(sqlite_count(&target, namnd), 0);
}

#[test]
fn a_ward_is_protected_when_any_other_system_says_so() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    for table in ["person", "namn", "adress", "personakt", "stallforetradarskap", "redovisning", "dokument"] {
        let query = format!("SELECT COUNT(*) FROM {table} WHERE src_system = 'warna' AND skyddad = 1");
        assert!(sqlite_count(&target, &query) > 0, "{table}");
    }
}

#[test]
fn h22_every_version_of_a_note_is_there_in_its_order() {
    let project = migrated_city();
    let (legacy, target) = (project.dir.join("legacy/vodok.sqlite"), project.dir.join("target.sqlite"));
    let held = "SELECT COUNT(*) FROM JRN_ANT WHERE ERSATTER NOT IN (SELECT ANTID FROM JRN_ANT)";
    let all = sqlite_count(&legacy, "SELECT COUNT(*) FROM JRN_ANT") - sqlite_count(&legacy, held);
    assert_eq!(sqlite_count(&target, "SELECT COUNT(*) FROM hsl_anteckning WHERE src_system = 'vodok'"), all);
    let wrong = "SELECT COUNT(*) FROM JRN_ANT WHERE FELTID IS NOT NULL";
    let marked = "SELECT COUNT(*) FROM hsl_anteckning WHERE felmarkerad_tid IS NOT NULL AND length(text_bytes) > 0 \
         AND ersatt_tid IS NOT NULL";
    assert_eq!(sqlite_count(&target, marked), sqlite_count(&legacy, wrong));
    let chain = "SELECT COUNT(*) FROM hsl_anteckning n JOIN hsl_anteckning o ON o.id = n.ersatter_id \
         WHERE n.version <> o.version + 1 OR o.ersatt_tid <> n.registrerad_tid OR n.person_id <> o.person_id";
    assert_eq!(sqlite_count(&target, chain), 0);
    assert!(sqlite_count(&target, "SELECT COUNT(*) FROM hsl_anteckning WHERE version > 1") > 0);
}

/// A note that was marked as wrong and corrected twice: each version proves its own text and the one before.
#[test]
fn h22_a_note_that_was_corrected_twice_is_a_chain_that_verifies() {
    let project = migrated_city();
    let (legacy, target) = (project.dir.join("legacy/vodok.sqlite"), project.dir.join("target.sqlite"));
    let twice = "SELECT CAST(a.ANTID AS TEXT), a.TEXT, b.TEXT, c.TEXT FROM JRN_ANT a \
         JOIN JRN_ANT b ON b.ERSATTER = a.ANTID JOIN JRN_ANT c ON c.ERSATTER = b.ANTID \
         WHERE a.FELTID IS NOT NULL AND b.FELTID IS NOT NULL";
    let digest = |text: &Option<String>| {
        let digest = Sha256::digest(text.as_deref().unwrap().as_bytes());
        Some(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    };
    let chains = sqlite_rows(&legacy, twice);
    assert!(!chains.is_empty(), "no note was corrected twice");
    for chain in chains {
        let versions = format!(
            "WITH RECURSIVE kedja AS (SELECT * FROM hsl_anteckning WHERE src_system = 'vodok' AND src_key = '{}' \
             UNION ALL SELECT n.* FROM hsl_anteckning n JOIN kedja k ON n.ersatter_id = k.id) \
             SELECT CAST(version AS TEXT), text_sha256, foregaende_sha256 FROM kedja",
            chain[0].as_deref().unwrap()
        );
        let texts: Vec<Option<String>> = chain[1..].iter().map(digest).collect();
        let before = [None].into_iter().chain(texts.clone());
        let expected: Vec<Vec<Option<String>>> = texts
            .iter()
            .zip(before)
            .zip(1..)
            .map(|((own, before), version)| vec![Some(i32::to_string(&version)), own.clone(), before])
            .collect();
        assert_eq!(sqlite_rows(&target, &versions), expected);
    }
}

/// What is blocked is counted for people and shown to nobody; who has given no consent is not left behind.
#[test]
fn h25_a_report_counts_blocks_and_shows_none_of_them() {
    let project = migrated_city();
    let (legacy, target) = (project.dir.join("legacy/vodok.sqlite"), project.dir.join("target.sqlite"));
    let blocks = sqlite_count(&legacy, "SELECT COUNT(*) FROM SPARR");
    let run = only_run(&project.dir);
    let summary = std::fs::read_to_string(run.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let tables = summary["tables"].as_array().unwrap();
    let counted = tables.iter().find(|table| table["table"] == "SPARR").unwrap();
    assert_eq!(counted["read"], blocks);
    let report = std::fs::read_to_string(project.dir.join("report/index.html")).unwrap();
    assert!(report.contains("SPARR"));
    for patient in sqlite_rows(&legacy, "SELECT DISTINCT PATID FROM SPARR") {
        assert!(!report.contains(patient[0].as_deref().unwrap()), "the report names a patient with a block");
    }
    let without = "SELECT COUNT(*) FROM JRN_ANT WHERE PATID NOT IN (SELECT PATID FROM SAMTYCKE) \
         AND (ERSATTER IS NULL OR ERSATTER IN (SELECT ANTID FROM JRN_ANT))";
    let came = "SELECT COUNT(*) FROM hsl_anteckning WHERE person_id NOT IN \
         (SELECT person_id FROM samtycke WHERE person_id IS NOT NULL)";
    assert!(sqlite_count(&legacy, without) > 0, "everybody has consented");
    assert_eq!(sqlite_count(&target, came), sqlite_count(&legacy, without));
}

#[test]
fn h30_the_same_word_before_and_after_the_change_of_terms_is_two_codes() {
    let project = migrated_city();
    let target = project.dir.join("target.sqlite");
    let terms = sqlite_rows(
        &target,
        "SELECT DISTINCT n.modell, n.sokord_kod, k.kodsystem, k.kod, n.sokord_nr, n.sokord_id \
         FROM hsl_anteckning n JOIN kod k ON k.id = n.sokord_id \
         WHERE n.sokord_term = 'Kommunikation' ORDER BY n.handelse_tid < '2015-01-26' DESC",
    );
    assert_eq!(terms.len(), 2, "{terms:?}");
    let said = |row: usize| [0, 1].map(|column| terms[row][column].as_deref().unwrap_or_default());
    assert_eq!((said(0), said(1)), (["VIPS", "V1"], ["ICF", "d3"]));
    for row in &terms {
        assert_eq!(
            (&row[0], &row[1]),
            (&row[2], &row[3]),
            "the reference leads to the code that the note names"
        );
    }
    assert_eq!(terms[0][4], terms[1][4], "one number in the source");
    assert_ne!(terms[0][5], terms[1][5], "two codes in the target");
}

/// The fifth system came with mapping files alone.
#[test]
fn no_line_of_the_program_names_the_guardians_system() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders =
        ["src", "mappings/src", "extract/src", "transform/src", "load/src", "reconcile/src", "dual-run/src"];
    let mut read = 0;
    // Tests are no lines of the program: they may drive it over the system's own tables.
    let is_test = |path: &Path| {
        let within = path.strip_prefix(root).unwrap();
        within.ends_with("tests.rs") || within.components().any(|part| part.as_os_str() == "tests")
    };
    for path in folders.iter().flat_map(|folder| walk(&root.join(folder))).filter(|path| !is_test(path)) {
        let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
        assert!(!text.contains("warna") && !text.contains("wärna"), "{}", path.display());
        read += 1;
    }
    assert!(read > 100, "the sources were found");
    let project = migrated_city();
    let rows = "SELECT COUNT(*) FROM arvode WHERE belopp_ore > 0";
    assert!(sqlite_count(&project.dir.join("target.sqlite"), rows) > 0);
}
