//! H9, H13-H18 and worked example 2: households, and payments to the öre.

use super::case;

/// Paid per case and month.
const PAID: &str = "SELECT a.src_key, u.period, SUM(u.belopp_ore) FROM utbetalning u JOIN arende a ON \
a.id = u.arende_id \
     WHERE u.status = 'utbetald' AND a.src_key IN ";

#[test]
fn h9_a_case_that_is_split_and_joined_is_a_chain_with_equal_sums() {
    let case = case("h9");
    let chain = "SELECT n.src_key, o.src_key, n.oppnad, o.avslutad FROM arende n JOIN arende o ON o.id = \
         n.flytt_fran_arende_id WHERE n.src_key IN ({en}, {annan}, {ater}) ORDER BY n.src_key";
    let [whole, one, other, again] = ["hela", "en", "annan", "ater"].map(|part| case.key(part));
    let expected = [
        format!("{one} {whole} 2013-06-01 2013-05-31"),
        format!("{other} {whole} 2013-06-01 2013-05-31"),
        format!("{again} {one} 2014-02-01 2014-01-31"),
    ];
    assert_eq!(case.rows(chain), expected);
    let months = "SELECT u.period, SUM(u.belopp_ore), COUNT(DISTINCT h.id) FROM utbetalning u JOIN \
         arende a ON a.id = \
         u.arende_id JOIN hushall h ON h.arende_id = a.id WHERE u.status = 'utbetald' AND a.src_key IN \
         ({hela}, {en}, \
         {annan}, {ater}) GROUP BY u.period ORDER BY u.period";
    assert_eq!(case.rows(months), ["2013-05-01 900000 1", "2013-06-01 900000 2", "2014-02-01 900000 1"]);
    let members = "SELECT h.src_key, m.fran, m.till, m.roll FROM hushallsmedlem m JOIN hushall h ON h.id \
         = m.hushall_id \
         WHERE h.src_key IN ({hela}, {en}, {annan}, {ater}) ORDER BY h.src_key, m.roll";
    assert_eq!(case.rows(members).len(), 6);
    assert!(case.rows(members).iter().all(|row| !row.contains("D35")));
}

#[test]
fn h13_parts_to_the_ore_and_the_row_that_evens_them_out() {
    let case = case("h13");
    let rows = "SELECT u.belopp_ore, u.slag, u.kontering, u.dq_flags FROM utbetalning u JOIN beslut d ON \
         d.id = u.beslut_id \
         WHERE d.src_key = {beslut} ORDER BY u.src_key";
    let expected = [
        "425033 bistand 5710-410 ",
        "312534 bistand 5710-410 ",
        "262432 bistand 5710-410 ",
        "1 differens 5710-490 ",
    ];
    assert_eq!(case.rows(rows), expected);
    let batch = "SELECT b.antal, b.summa_ore, COUNT(u.id), SUM(u.belopp_ore) FROM bunt b JOIN \
         utbetalning u ON u.bunt_id = \
         b.id WHERE b.src_key = {bunt} GROUP BY b.id";
    assert_eq!(case.rows(batch), ["4 1000000 4 1000000"]);
    let granted = "SELECT belopp_ore FROM beslut WHERE src_key = {beslut} AND src_table = 'BESLUT'";
    assert_eq!(case.rows(granted), ["1000000"]);
}

#[test]
fn h14_a_voided_payment_and_the_new_one_are_a_pair() {
    let case = case("h14");
    let pairs = "SELECT m.src_key, n.src_key, p.grund, p.parning_osaker FROM makuleringspar p JOIN \
         utbetalning m ON m.id = \
         p.makulerad_id JOIN utbetalning n ON n.id = p.ny_id WHERE n.src_key IN ({ny}, {ny_utan}) ORDER BY n.src_key";
    let key = |part| case.key(part);
    let expected = [
        format!("{} {} hanvisning 0", key("makulerad"), key("ny")),
        format!("{} {} lika 1", key("makulerad_utan"), key("ny_utan")),
    ];
    assert_eq!(case.rows(pairs), expected);
    let net = "SELECT SUM(belopp_ore) FROM utbetalning WHERE status = 'utbetald' AND src_key IN ({makulerad}, {ny}, \
         {makulerad_utan}, {ny_utan})";
    assert_eq!(case.rows(net), ["600000"]);
    for part in ["makulerad", "ny", "makulerad_utan", "ny_utan"] {
        assert_eq!(case.marks("utbetalning", "UTBET", part), [""], "{part}");
    }
}

#[test]
fn golden_2_a_payment_that_was_voided_and_made_again() {
    let case = case("h14");
    let rows = "SELECT u.status, u.belopp_ore, o.src_key FROM utbetalning u LEFT JOIN utbetalning o ON \
         o.id = u.ersatter_id \
         WHERE u.src_key IN ({makulerad}, {ny}) ORDER BY u.src_key";
    assert_eq!(
        case.rows(rows),
        ["makulerad 300000 -".to_owned(), format!("utbetald 300000 {}", case.key("makulerad"))]
    );
    let batch = "SELECT b.antal, b.summa_ore, b.dq_flags FROM bunt b WHERE b.src_key = {bunt}";
    assert_eq!(case.rows(batch), ["2 300000 "]);
}

#[test]
fn h15_what_only_one_side_knows_is_marked_and_neither_is_changed() {
    let case = case("h15");
    let sides = |part: &str| {
        case.rows(&format!(
            "SELECT u.status, v.status, u.belopp_ore, v.belopp_ore, u.dq_flags FROM utbetalning u JOIN \
            agresso_verifikat v \
             ON v.utbetalning_id = u.id WHERE u.src_key = {{{part}}}"
        ))
    };
    assert_eq!(sides("bara_agresso"), ["makulerad betald 250000 250000 D40,D41"]);
    assert_eq!(sides("avvisad"), ["utbetald avvisad 250000 250000 D40"]);
    let alone = "SELECT status, belopp_ore, utbetalning_id, dq_flags FROM agresso_verifikat WHERE \
         verifikat = {okand}";
    assert_eq!(case.rows(alone), ["betald 87500 - D40"]);
}

#[test]
fn h16_a_result_that_is_not_the_sum_stands_beside_the_difference() {
    let case = case("h16");
    let row = "SELECT resultat_ore, diff_mot_poster_ore, dq_flags FROM berakning WHERE src_key = {berakning}";
    assert_eq!(case.rows(row), ["812000 2000 D36"]);
    let posts = "SELECT SUM(CASE p.typ WHEN 'inkomst' THEN -p.godkand_ore ELSE p.godkand_ore END) FROM \
         berakningspost p JOIN \
         berakning b ON b.id = p.berakning_id WHERE b.src_key = {berakning}";
    assert_eq!(case.rows(posts), ["810000"]);
}

#[test]
fn h17_a_person_who_changes_household_is_one_person_in_two_household_months() {
    let case = case("h17");
    let member = "SELECT h.src_key, m.fran, m.till, m.dq_flags FROM hushallsmedlem m JOIN hushall h ON \
         h.id = m.hushall_id \
         JOIN person p ON p.id = m.person_id WHERE p.src_key = {person} ORDER BY m.fran";
    let [first, second] = ["forsta", "andra"].map(|part| case.key(part));
    let expected = [format!("{first} 2013-01-01 2013-04-15 "), format!("{second} 2013-04-16 - ")];
    assert_eq!(case.rows(member), expected);
    // April 2013: every person once, every paid household once.
    let april = "SELECT COUNT(DISTINCT m.person_id), COUNT(DISTINCT m.hushall_id), COUNT(*) FROM \
         hushallsmedlem m JOIN \
         hushall h ON h.id = m.hushall_id JOIN utbetalning u ON u.arende_id = h.arende_id AND u.period = \
         '2013-04-01' WHERE \
         h.src_key IN ({forsta}, {andra}) AND m.fran <= '2013-04-30' AND (m.till IS NULL OR m.till >= '2013-04-01')";
    assert_eq!(case.rows(april), ["3 2 4"]);
    let paid =
        case.rows(&format!("{PAID}({{forsta}}, {{andra}}) GROUP BY a.id, u.period ORDER BY a.src_key"));
    assert_eq!(paid, [format!("{first} 2013-04-01 650000"), format!("{second} 2013-04-01 700000")]);
}

#[test]
fn h18_a_child_who_lives_with_both_parents_is_one_person_in_two_households() {
    let case = case("h18");
    let child = "SELECT h.src_key, m.roll, m.vaxelvis, m.dq_flags FROM hushallsmedlem m JOIN hushall h ON h.id = \
         m.hushall_id JOIN person p ON p.id = m.person_id WHERE p.src_key = {barn} ORDER BY h.src_key";
    let [first, second] = ["forsta", "andra"].map(|part| case.key(part));
    assert_eq!(case.rows(child), [format!("{first} barn 1 "), format!("{second} barn 1 ")]);
    let persons = "SELECT COUNT(*) FROM person WHERE src_table = 'PERSON' AND src_key = {barn}";
    assert_eq!(case.rows(persons), ["1"]);
}
