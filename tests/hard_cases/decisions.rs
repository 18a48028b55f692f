//! H11, H12, H28, H29, H31, H35-H38 and worked example 1: decisions and what carries them out.

use super::{case, rejects};

#[test]
fn h11_what_was_known_on_a_day_is_answered_as_of_that_day() {
    let case = case("h11");
    let known = |day: &str| {
        case.rows(&format!(
            "SELECT d.belopp_ore, d.retroaktiv FROM beslut d JOIN arende a ON a.id = d.arende_id WHERE a.src_key = \
             {{arende}} AND d.registrerad_tid <= '{day}' AND (d.ersatt_tid IS NULL OR d.ersatt_tid > '{day}')"
        ))
    };
    assert_eq!(known("2014-10-01"), Vec::<String>::new());
    assert_eq!(known("2014-10-31"), ["612000 0"]);
    assert_eq!(known("2014-11-20"), ["732000 1"]);
    assert_eq!(known("2024-12-31"), ["732000 1"]);
    // The chain of replacements ends: the new one replaces the old one, which replaces none.
    let chain = "SELECT n.src_key, o.src_key, o.ersatter_beslut_id FROM beslut n JOIN beslut o ON o.id = \
         n.ersatter_beslut_id WHERE n.src_key = {nytt}";
    assert_eq!(case.rows(chain), [format!("{} {} -", case.key("nytt"), case.key("gammalt"))]);
}

#[test]
fn golden_1_a_retroactive_decision() {
    let case = case("h11");
    let query = "SELECT belopp_ore, utfall, status, beslutsdatum, giltig_fran, giltig_till, ersatt_tid, \
         dq_flags FROM \
         beslut WHERE src_table = 'BESLUT' AND src_key IN ({gammalt}, {nytt}) ORDER BY beslutsdatum";
    let expected = [
        "612000 delvis_bifall ersatt 2014-10-02 2014-10-01 2014-10-31 2014-11-20 ",
        "732000 bifall faststallt 2014-11-20 2014-10-01 2014-10-31 - ",
    ];
    assert_eq!(case.rows(query), expected);
    let paid = "SELECT u.belopp_ore, u.status, u.period FROM utbetalning u JOIN arende a ON a.id = u.arende_id WHERE \
         a.src_key = {arende} ORDER BY u.datum";
    assert_eq!(case.rows(paid), ["612000 utbetald 2014-10-01", "120000 utbetald 2014-10-01"]);
    let sum = "SELECT SUM(u.belopp_ore) FROM utbetalning u JOIN arende a ON a.id = u.arende_id JOIN hushall h ON \
         h.arende_id = a.id WHERE a.src_key = {arende} AND u.status = 'utbetald' GROUP BY h.id, u.period";
    assert_eq!(case.rows(sum), ["732000"]);
}

#[test]
fn h12_a_payment_stands_and_the_claim_stands_beside_it() {
    let case = case("h12");
    let paid = "SELECT u.belopp_ore, u.status, d.src_key FROM utbetalning u JOIN beslut d ON d.id = \
         u.beslut_id WHERE \
         u.src_key = {utbetalning}";
    assert_eq!(case.rows(paid), [format!("500000 utbetald {}", case.key("gammalt"))]);
    let claim = "SELECT k.belopp_ore, k.betalt_ore, k.lagrum, u.src_key FROM aterkrav k JOIN utbetalning u ON u.id = \
         k.utbetalning_id WHERE k.src_key = {aterkrav}";
    assert_eq!(case.rows(claim), [format!("150000 0 SoL 9:1 {}", case.key("utbetalning"))]);
    let net = "SELECT u.belopp_ore - k.belopp_ore FROM utbetalning u JOIN aterkrav k ON k.utbetalning_id \
         = u.id WHERE \
         u.src_key = {utbetalning}";
    assert_eq!(case.rows(net), ["350000"]);
    assert_eq!(
        case.rows("SELECT belopp_ore FROM beslut WHERE src_key = {nytt} AND src_table = 'BESLUT'"),
        ["350000"]
    );
}

#[test]
fn h28_neither_an_insats_without_decision_nor_the_other_way_round_is_an_error() {
    let case = case("h28");
    let insats = "SELECT typ, beslut_id, uppdrag_id, dq_flags FROM insats WHERE src_key = {insats} AND \
         src_table = 'INSATS'";
    assert_eq!(case.rows(insats), ["trygghetslarm - - D30"]);
    let beslut = "SELECT typ, utfall, dq_flags FROM beslut WHERE src_key = {beslut} AND src_table = 'BESLUT'";
    assert_eq!(case.rows(beslut), ["vard_och_omsorgsboende bifall D30"]);
    assert_eq!(rejects("INSATS", case.key("insats")), ["flag D30 - -"]);
    assert_eq!(rejects("BESLUT", case.key("beslut")), ["flag D30 714 -"]);
    // What is granted and not carried out can be listed for the inspectorate, with the day of decision.
    let list = "SELECT d.src_key, d.beslutsdatum FROM beslut d WHERE d.src_system = 'paraply' AND ',' || \
         d.dq_flags || \
         ',' LIKE '%,D30,%' AND NOT EXISTS (SELECT 1 FROM insats i WHERE i.beslut_id = d.id) AND \
         d.src_key = {beslut}";
    assert_eq!(case.rows(list), [format!("{} 2023-03-06", case.key("beslut"))]);
}

#[test]
fn h29_a_level_stays_a_level() {
    let case = case("h29");
    let order = |part: &str| {
        case.rows(&format!(
            "SELECT niva, timmar, dq_flags FROM uppdrag WHERE src_key = {{{part}}} AND src_table = 'BESTALL'"
        ))
    };
    assert_eq!(order("niva"), ["9 - "]);
    assert_eq!(order("timmar"), ["- 24.50 "]);
    let granted = "SELECT antal, enhet_verbatim FROM beslut WHERE src_key IN ({niva}, {timmar}) AND \
         src_table = 'BESLUT' \
         ORDER BY beslutsdatum";
    assert_eq!(case.rows(granted), ["9.00 NI", "24.50 TI"]);
    let debits = "SELECT timmar, belopp_ore FROM utforardebitering WHERE src_key IN ({niva}, {timmar}) \
         ORDER BY period";
    assert_eq!(case.rows(debits), ["- 1260000", "24.50 980000"]);
}

#[test]
fn h31_sections_of_two_laws_stand_side_by_side() {
    let case = case("h31");
    let law = |part: &str| {
        case.rows(&format!(
            "SELECT lagrum, lagrum_verbatim, dq_flags FROM beslut WHERE src_key = {{{part}}} AND src_table = 'BESLUT'"
        ))
    };
    assert_eq!(law("gammal_lag"), ["SoL(2001:453) 4:1 SoL (2001:453) 4:1 D21"]);
    assert_eq!(law("ny_lag"), ["SoL(2025:400) 11:1 SoL (2025:400) 11:1 D21"]);
}

#[test]
fn h35_a_reused_code_means_what_it_meant_on_the_day() {
    let case = case("h35");
    let kind = |part: &str| {
        case.rows(&format!(
            "SELECT typ, typ_verbatim, dq_flags FROM insats WHERE src_key = {{{part}}} AND src_table = 'INSATS'"
        ))
    };
    assert_eq!(kind("fore"), ["ledsagning LEDS "]);
    assert_eq!(kind("efter"), ["ledsagning_och_promenad LEDS "]);
    let meanings = "SELECT fran, till, malkod FROM kodmappning WHERE kalla_tabell = 'INSK' AND kalla_kod \
         = 'LEDS' ORDER BY \
         fran";
    assert_eq!(
        case.rows(meanings),
        ["1998-01-01 2009-12-31 ledsagning", "2010-01-01 - ledsagning_och_promenad"]
    );
}

#[test]
fn h36_two_homes_at_once_are_no_error() {
    let case = case("h36");
    let homes = "SELECT p.fran, p.till, p.lagrum, p.dq_flags FROM placering p WHERE p.src_key IN \
         ({forsta}, {andra}) ORDER \
         BY p.fran";
    assert_eq!(case.rows(homes), ["2010-02-01 2010-08-31 LVU 2 ", "2010-08-15 2010-12-31 LVU 2 "]);
    let apart = "SELECT COUNT(DISTINCT p.hem_org_id) FROM placering p WHERE p.src_key IN ({forsta}, {andra})";
    assert_eq!(case.rows(apart), ["2"]);
}

#[test]
fn h37_a_section_is_never_translated_into_another_law() {
    let case = case("h37");
    let law = |part: &str| {
        case.rows(&format!(
            "SELECT lagrum, lagrum_verbatim FROM beslut WHERE src_key = {{{part}}} AND src_table = 'BESLUT'"
        ))
    };
    assert_eq!(law("tva_lagrum"), ["SoL 4:1; SoL 4:2 SoL 4:1+4:2"]);
    assert_eq!(law("andra_stycket"), ["SoL 4:1 st2 4 kap 1 § 2 st SoL"]);
    // A section of the new law stands only where the source itself wrote it.
    let guessed = "SELECT COUNT(*) FROM beslut WHERE lagrum LIKE '%2025:400%' AND lagrum_verbatim NOT \
         LIKE '%2025:400%'";
    assert_eq!(case.rows(guessed), ["0"]);
}

#[test]
fn h38_old_debits_keep_the_organisation_that_was_paid() {
    let case = case("h38");
    let debits = "SELECT d.period, o.orgnr FROM utforardebitering d JOIN organisation o ON o.id = \
         d.utforare_id WHERE \
         d.src_key IN ({fore}, {efter}) ORDER BY d.period";
    let (old, new) = (case.rows(&orgnr("enhet_fore")).remove(0), case.rows(&orgnr("enhet_efter")).remove(0));
    assert_ne!(old, new);
    assert_eq!(case.rows(debits), [format!("2016-05-01 {old}"), format!("2016-08-01 {new}")]);
    let link = "SELECT s.typ, s.grund, s.datum FROM org_samband s JOIN organisation f ON f.id = \
         s.fran_id JOIN organisation \
         t ON t.id = s.till_id WHERE f.src_key = {enhet_fore} AND t.src_key = {enhet_efter}";
    assert_eq!(case.rows(link), ["foretradare samma_namn 2016-06-30"]);
}

fn orgnr(part: &str) -> String {
    format!("SELECT orgnr FROM organisation WHERE src_table = 'ENHET' AND src_key = {{{part}}}")
}
