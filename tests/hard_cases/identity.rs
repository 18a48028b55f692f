//! H1-H7 and worked examples 3 and 7: who is who, who must not be found, and a name that was misread.

use crate::support::sqlite_rows;

use super::{case, city, rejects};

/// The numbers of a record: kind, value, why it came, and until when it was the one that counted.
const NUMBERS: &str = "SELECT i.typ, i.varde, i.orsak, i.giltig_till, substr(i.ersatt_tid, 1, 10) FROM \
     person_identifier i JOIN person p ON p.id = i.person_id WHERE p.src_table = 'PERSON' AND p.src_key = ";

/// Links and questions in which a record takes part.
const PAIRS: &str = "SELECT COUNT(*) FROM (SELECT person_a, person_b FROM identity_link UNION ALL SELECT person_a, \
     person_b FROM match_candidate) l JOIN person p ON p.id IN (l.person_a, l.person_b) \
     WHERE p.src_system = 'paraply' AND p.src_table = 'PERSON' AND p.src_key = ";

#[test]
fn h1_one_human_in_four_systems_is_linked_by_number_alone() {
    let case = case("h1");
    // The record with the same valid number is linked; a code name and a reservnummer link nobody.
    let links = "SELECT a.src_system, b.src_system, l.grund FROM identity_link l JOIN person a ON a.id = \
         l.person_a JOIN \
         person b ON b.id = l.person_b WHERE a.src_key IN ({paraply}, {vodok}, {paraga}, {schemos}) OR b.src_key IN \
         ({paraply}, {vodok}, {paraga}, {schemos})";
    assert_eq!(case.rows(links), ["paraply vodok lika_identifierare"]);
    // The reservnummer holds the day of birth and the name is the same: people are asked.
    let questions = "SELECT a.src_system, b.src_system, c.status, c.poang, c.dq_flags FROM match_candidate c \
         JOIN person a \
         ON a.id = c.person_a JOIN person b ON b.id = c.person_b WHERE a.src_key IN ({paraply}, {vodok}, {paraga}, \
         {schemos}) OR b.src_key IN ({paraply}, {vodok}, {paraga}, {schemos})";
    assert_eq!(case.rows(questions), ["paraga paraply ny 80 D07"]);
    // The planning system knows its customer by the kund number alone: a visit leads to one kund, and to nobody
    // else's record.
    let chain = "SELECT DISTINCT s.kundnr, s.kodnamn, p.src_key, g.utforare FROM planerat_besok v JOIN \
         brukarkoppling s ON \
         s.id = v.brukarkoppling_id JOIN person p ON p.id = v.person_id JOIN brukarkoppling g ON g.person_id = \
         p.id AND \
         g.kundnr = s.kundnr WHERE s.src_key = {schemos} AND v.besok_id IN (SELECT id FROM besok WHERE src_key \
         = {besok})";
    let kund = case.key("paraga").split_once('|').unwrap().1;
    assert_eq!(case.rows(chain), [format!("{kund} Kund 09100 {} U91", case.key("paraga"))]);
    let unlinked =
        "SELECT person_id FROM brukarkoppling WHERE src_system = 'schemos' AND src_key = {schemos}";
    assert_eq!(case.rows(unlinked), ["-"], "nothing is guessed");
}

#[test]
fn h2_both_numbers_stay_on_the_person_with_their_history() {
    let case = case("h2");
    let now = case.rows(&format!("{NUMBERS}{{personnummer}} ORDER BY i.typ"));
    assert_eq!(now.len(), 2, "{now:?}");
    assert!(now[0].starts_with("pnr 19310203000") && now[0].ends_with(" - - -"), "{now:?}");
    assert!(now[1].starts_with("samordning 19310263000"), "{now:?}");
    assert!(now[1].ends_with(" hanvisning 2012-05-07 2012-05-07"), "{now:?}");
    // Both are found by search, and lead to one human by an explicit reference.
    for (number, record) in [("19310203000%", "personnummer"), ("19310263000%", "samordning")] {
        let found = case.rows(&format!(
            "SELECT DISTINCT p.src_key FROM person_identifier i JOIN person p ON p.id = i.person_id \
            WHERE i.varde LIKE \
             '{number}' AND p.src_key = {{{record}}}"
        ));
        assert_eq!(found, [case.key(record)]);
    }
    let link = "SELECT l.grund, l.datum FROM identity_link l JOIN person a ON a.id = l.person_a JOIN \
         person b ON b.id = \
         l.person_b WHERE a.src_key = {samordning} AND b.src_key = {personnummer}";
    assert_eq!(case.rows(link), ["hanvisning_paraply 2012-05-07"]);
}

#[test]
fn h3_a_decision_keeps_the_number_that_counted_when_it_was_made() {
    let case = case("h3");
    let then = case.rows(
        "SELECT substr(i.varde, 1, 8) FROM beslut d JOIN arende a ON a.id = d.arende_id JOIN personakt k ON k.id = \
         a.personakt_id JOIN person_identifier i ON i.person_id = k.person_id WHERE d.src_key = {beslut} \
         AND date(i.registrerad_tid) <= d.beslutsdatum AND (i.ersatt_tid IS NULL OR date(i.ersatt_tid) > \
         d.beslutsdatum)",
    );
    assert_eq!(then, ["19690203"]);
    let numbers = case.rows(&format!("{NUMBERS}{{ratt}} ORDER BY i.varde"));
    assert_eq!(numbers.len(), 2);
    assert!(
        numbers[0].starts_with("pnr 19690203") && numbers[0].ends_with("2013-09-02 2013-09-02"),
        "{numbers:?}"
    );
    assert!(numbers[1].starts_with("pnr 19690213") && numbers[1].ends_with(" - - -"), "{numbers:?}");
}

#[test]
fn h4_nothing_leads_from_an_old_identity_to_a_new_one() {
    let case = case("h4");
    for part in ["gammal", "ny", "lik"] {
        assert_eq!(case.rows(&format!("{PAIRS}{{{part}}}")), ["0"], "{part}");
    }
    for part in ["gammal", "ny"] {
        assert_eq!(case.rows(&format!("{NUMBERS}{{{part}}}")).len(), 1, "only its own number");
        let hidden =
            format!("SELECT skydd, skyddad FROM person WHERE src_table = 'PERSON' AND src_key = {{{part}}}");
        assert_eq!(case.rows(&hidden), ["okand_hog 1"]);
    }
    // The reference is left out, and what says so is kept from everybody's lists.
    let reference = format!("{}|{}|HV", case.key("gammal"), case.key("ny"));
    assert_eq!(rejects("PERSHANV", &reference), ["exclude utanfor_omfattning - 1"]);
    // No row of any kind has both keys.
    let both = format!("{}|{}", case.key("gammal"), case.key("ny"));
    let tables = crate::support::contents(&super::target());
    for (table, rows) in tables {
        let found = rows.iter().flatten().flatten().any(|text| text.contains(&both));
        assert!(!found, "{table} names both identities");
    }
    let report = std::fs::read_to_string(city().project.dir.join("report/index.html")).unwrap();
    for part in ["gammal", "ny"] {
        assert!(!report.contains(case.key(part)), "the report names a hidden record");
    }
}

#[test]
fn h5_the_highest_protection_counts_from_the_first_row_on() {
    let case = case("h5");
    let query =
        "SELECT skydd, skydd_hogsta, skyddad FROM person WHERE src_table = 'PERSON' AND src_key = {nu}";
    assert_eq!(case.rows(query), ["inget sekretessmarkering 1"]);
    assert_eq!(case.marks("person", "PERSON", "nu"), ["D11"]);
    for (entity, table, part) in
        [("adress", "ADRESS", "adress"), ("journalanteckning", "JOURNAL", "anteckning")]
    {
        let query =
            format!("SELECT skyddad FROM {entity} WHERE src_table = '{table}' AND src_key = {{{part}}}");
        assert_eq!(case.rows(&query), ["1"], "{entity}");
    }
    assert_eq!(rejects("PERSON", case.key("nu")), ["fix D11 - 1"]);
    let open = "SELECT COUNT(*) FROM (SELECT person_id, skyddad FROM personakt UNION ALL SELECT \
         person_id, skyddad FROM \
         namn UNION ALL SELECT person_id, skyddad FROM person_identifier UNION ALL SELECT person_id, skyddad FROM \
         adress) r JOIN person p ON p.id = r.person_id WHERE p.src_key IN ({nu}, {gammal}) AND NOT r.skyddad";
    assert_eq!(case.rows(open), ["0"], "a row about a protected person is not marked as such");
    let report = std::fs::read_to_string(city().project.dir.join("report/index.html")).unwrap();
    assert!(!report.contains("Skuggstigen") && !report.contains(case.key("nu")));
}

#[test]
fn h6_persons_under_one_number_stay_apart() {
    let case = case("h6");
    let parts: Vec<String> = (1..=7)
        .map(|at| format!("reserv{at}"))
        .chain((1..=3).map(|at| format!("platshallare{at}")))
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for part in &parts {
        ids.extend(case.rows(&format!(
            "SELECT hex(id) FROM person WHERE src_table = 'PERSON' AND src_key = {{{part}}}"
        )));
        assert_eq!(case.rows(&format!("{PAIRS}{{{part}}}")), ["0"], "{part}");
    }
    assert_eq!(ids.len(), 10);
    let kinds = |part: &str| {
        case.rows(&format!("SELECT typ, varde_verbatim FROM person_identifier WHERE src_key = {{{part}}}"))
    };
    assert!(kinds("reserv1")[0].starts_with("reserv_sthlm "));
    assert_eq!(kinds("reserv1"), kinds("reserv7"));
    assert_eq!(case.marks("person", "PERSON", "platshallare1"), ["D04"]);
}

#[test]
fn h7_likeness_of_numbers_proposes_nothing() {
    let case = case("h7");
    for part in ["flicka", "pojke", "en", "annan"] {
        assert_eq!(case.rows(&format!("{PAIRS}{{{part}}}")), ["0"], "{part}");
    }
}

#[test]
fn golden_3_two_records_with_one_number_are_linked_and_not_merged() {
    let case = case("exempel3");
    let persons = "SELECT src_key, dq_flags FROM person WHERE src_table = 'PERSON' AND src_key IN ({en}, \
         {annan}) ORDER \
         BY src_key";
    assert_eq!(case.rows(persons), [format!("{} D07", case.key("en")), format!("{} D07", case.key("annan"))]);
    let links = "SELECT l.grund FROM identity_link l JOIN person a ON a.id = l.person_a JOIN person b ON b.id = \
         l.person_b WHERE a.src_key IN ({en}, {annan}) AND b.src_key IN ({en}, {annan})";
    assert_eq!(case.rows(links), ["lika_identifierare"]);
    // Each file and its decision stay with their own record and their own board.
    let files = "SELECT p.src_key, k.namnd, COUNT(d.id) FROM personakt k JOIN person p ON p.id = \
         k.person_id JOIN arende a \
         ON a.personakt_id = k.id JOIN beslut d ON d.arende_id = a.id WHERE p.src_key IN ({en}, {annan}) \
         GROUP BY 1, 2 \
         ORDER BY p.src_key";
    assert_eq!(
        case.rows(files),
        [format!("{} 714 1", case.key("en")), format!("{} 718 1", case.key("annan"))]
    );
    let distinct = "SELECT COUNT(DISTINCT i.varde) FROM person_identifier i JOIN person p ON p.id = \
         i.person_id WHERE \
         p.src_key IN ({en}, {annan}) AND i.luhn_ok";
    assert_eq!(case.rows(distinct), ["1"]);
}

#[test]
fn golden_7_a_name_in_the_wrong_code_page_is_put_right_beside_the_source() {
    let case = case("exempel7");
    let name = "SELECT n.efternamn, n.efternamn_teckenkod, n.verbatim, n.dq_flags FROM namn n WHERE n.src_table = \
         'PERSON' AND n.src_key = {person}";
    let verbatim = "{\"efternamn\":\"\u{8f}kerstr\u{201d}m\"}";
    assert_eq!(case.rows(name), [format!("Åkerström cp850→cp1252 {verbatim} D13")]);
    let legacy = city().project.dir.join("legacy/paraply.sqlite");
    let found = format!("SELECT ENAMN FROM PERSON WHERE PERS_ID = {}", case.key("person"));
    assert_eq!(
        sqlite_rows(&legacy, &found),
        [[Some("\u{8f}kerstr\u{201d}m".to_owned())]],
        "the source is unchanged"
    );
}
