//! The health-care record: each defect found by a query of its own, and what must be so beside them.

use super::databases::{numbers, right_check_digit};
use super::paraply::conditions::SHIELDED;
use super::{City, cities};
use crate::Action::{Fix, Flag, Norm, Quarantine};

fn keys(city: &City, key: &str, table: &str, condition: &str) -> Vec<String> {
    city.query("vodok", &format!("SELECT CAST({key} AS TEXT) FROM {table} WHERE {condition}"))
}

#[test]
fn wrong_numbers_in_vodok_are_exactly_the_planted_ones() {
    for city in cities() {
        let sql = "SELECT PATID || '|' || REPLACE(PERSNR, '-', '') || '|' FROM PATIENT";
        let all = numbers(city, "vodok", sql);
        let day = |number: &str| number[number.len() - 6..number.len() - 4].parse::<u32>().unwrap();
        let reserve = |number: &str| {
            number.starts_with("99") || number.contains('K') || (32..60).contains(&day(number))
        };
        let keys = |test: &dyn Fn(&str) -> bool| {
            let hits = all.iter().filter(|(_, number, _)| test(number));
            hits.map(|(key, _, _)| key.clone()).collect::<Vec<_>>()
        };
        city.expect("D05", "PATIENT", Norm, keys(&reserve));
        city.expect("D01", "PATIENT", Flag, keys(&|number| !right_check_digit(number)));
    }
}

#[test]
fn persons_whom_health_care_alone_protects_are_exactly_the_planted_ones() {
    for city in cities() {
        let digits = "SELECT REPLACE(PERSNR, '-', '') FROM PATIENT WHERE SKYDD = 'J'";
        let protected = city.query("vodok", digits);
        let open = "SELECT PERS_ID || '|' || PNR || '|' FROM PERSON WHERE SEKR = '' AND PNRTYP = 'P'";
        let hits = numbers(city, "paraply", open).into_iter();
        let hits = hits.filter(|(_, number, _)| protected.iter().any(|other| other.ends_with(&number[2..])));
        // Others are protected by another record in Paraply itself.
        let own =
            city.query("paraply", &format!("SELECT CAST(PERS_ID AS TEXT) FROM PERSON WHERE {SHIELDED}"));
        assert!(!own.is_empty());
        city.expect("D11", "PERSON", Fix, hits.map(|(key, _, _)| key).chain(own).collect());
        // Nobody is protected in Paraply and open here.
        let closed = "SELECT PERS_ID || '|' || PNR || '|' FROM PERSON WHERE SEKR <> '' AND length(PNR) = 12";
        let patients = city.query("vodok", "SELECT REPLACE(PERSNR, '-', '') FROM PATIENT WHERE SKYDD = ''");
        for (key, number, _) in numbers(city, "paraply", closed) {
            assert!(!patients.contains(&number), "{key}");
        }
    }
}

#[test]
fn terms_change_on_the_day_and_equal_words_keep_their_number() {
    for city in cities() {
        let term = "JOIN SOKORD s ON s.SOKID = a.SOKID AND s.\"FROM\" <= a.HTID \
             AND (s.TOM IS NULL OR s.TOM || ' 23:59:59.999' >= a.HTID)";
        let wrong = format!(
            "SELECT COUNT(*) FROM JRN_ANT a {term} WHERE (s.MODELL = 'VIPS') <> (a.HTID < '2015-01-26')"
        );
        assert_eq!(city.number("vodok", &wrong), 0);
        let found = city.number("vodok", &format!("SELECT COUNT(*) FROM JRN_ANT a {term}"));
        assert_eq!(found, city.truth.rows["vodok/JRN_ANT"], "every note has one term");
        let sides = format!(
            "SELECT s.MODELL || ' ' || s.KOD FROM JRN_ANT a {term} WHERE a.PATID = 'V0000001' \
             AND s.TEXT = 'Kommunikation' AND substr(a.HTID, 1, 10) IN ('2015-01-25', '2015-01-27') ORDER BY a.HTID"
        );
        let sides = city.query("vodok", &sides);
        assert!(sides.contains(&"VIPS V1".to_owned()) && sides.contains(&"ICF d3".to_owned()), "{sides:?}");
    }
}

#[test]
fn every_version_but_the_last_is_marked_wrong_and_originals_are_missing_as_planted() {
    for city in cities() {
        let orphan = "ERSATTER IS NOT NULL AND ERSATTER NOT IN (SELECT ANTID FROM JRN_ANT)";
        city.expect("D52", "JRN_ANT", Quarantine, keys(city, "ANTID", "JRN_ANT", orphan));
        let replaced = "ANTID IN (SELECT ERSATTER FROM JRN_ANT)";
        let differs = format!("({replaced}) <> (FELTID IS NOT NULL)");
        assert!(keys(city, "ANTID", "JRN_ANT", &differs).is_empty());
        let order = "SELECT COUNT(*) FROM JRN_ANT n JOIN JRN_ANT o ON o.ANTID = n.ERSATTER \
             WHERE n.VERSION <> o.VERSION + 1 OR n.REGTID < o.REGTID OR n.PATID <> o.PATID";
        assert_eq!(city.number("vodok", order), 0);
        assert!(city.number("vodok", "SELECT COUNT(*) FROM JRN_ANT WHERE VERSION = 3") > 0);
    }
}

#[test]
fn codes_that_say_too_little_are_exactly_the_planted_ones() {
    for city in cities() {
        city.expect("D53", "KVA_ATG", Flag, keys(city, "ATGID", "KVA_ATG", "KVA LIKE '%000'"));
        let old = "MODELL = 'VIPS' AND KOD IN ('V9', 'V10')";
        city.expect("D53", "SOKORD", Flag, keys(city, "SOKID || '|' || VERS", "SOKORD", old));
        assert!(!keys(city, "ATGID", "KVA_ATG", "KVA LIKE 'XS9%'").is_empty());
    }
}

#[test]
fn odd_measurements_are_exactly_the_planted_ones() {
    for city in cities() {
        let plain = "VARDE NOT GLOB '*[^0-9.]*' AND VARDE NOT LIKE '%.%.%'";
        city.expect("D54", "MATVARDE", Norm, keys(city, "MVID", "MATVARDE", &format!("NOT ({plain})")));
        let value = "CAST(VARDE AS REAL)";
        let outside = format!(
            "ENHET IS NULL OR ({plain} AND CASE TYP WHEN 'TEMP' THEN {value} NOT BETWEEN 30 AND 44 \
             WHEN 'VIKT' THEN {value} NOT BETWEEN 20 AND 400 WHEN 'LANGD' THEN {value} NOT BETWEEN 50 AND 230 \
             WHEN 'PULS' THEN {value} NOT BETWEEN 20 AND 250 WHEN 'BGLUK' THEN {value} NOT BETWEEN 0.5 AND 60 \
             WHEN 'SAT' THEN {value} NOT BETWEEN 50 AND 100 ELSE 1 END)"
        );
        city.expect("D55", "MATVARDE", Flag, keys(city, "MVID", "MATVARDE", &outside));
    }
}

#[test]
fn staff_without_an_identity_are_exactly_the_planted_ones() {
    for city in cities() {
        city.expect("D56", "PERSONAL", Flag, keys(city, "PID", "PERSONAL", "HSAID IS NULL"));
        let gone = "SELECT COUNT(*) FROM JRN_ANT a JOIN PERSONAL p USING (PID) \
             WHERE p.\"FROM\" > a.HTID OR substr(a.HTID, 1, 10) > p.TOM";
        assert_eq!(city.number("vodok", gone), 0, "nobody writes before or after working here");
    }
}

#[test]
fn blocks_left_open_are_exactly_the_planted_ones() {
    for city in cities() {
        let open = "HAVD IS NULL AND TOM IS NULL AND NOT EXISTS (SELECT 1 FROM VARDTILLF v \
             WHERE v.PATID = SPARR.PATID AND v.ENHID = SPARR.ENHID AND v.UTSKR IS NULL)";
        let key = "PATID || '|' || ENHID || '|' || TYP || '|' || \"FROM\"";
        city.expect("D57", "SPARR", Flag, keys(city, key, "SPARR", open));
    }
}

#[test]
fn stays_follow_each_other_and_hold_the_notes() {
    for city in cities() {
        let both = "SELECT COUNT(*) FROM VARDTILLF a JOIN VARDTILLF b ON a.PATID = b.PATID AND a.VTID < b.VTID \
             WHERE a.UTSKR IS NULL OR a.UTSKR >= b.INSKR OR a.ENHID = b.ENHID AND a.VTID + 1 = b.VTID";
        assert_eq!(city.number("vodok", both), 0);
        let outside = "SELECT COUNT(*) FROM JRN_ANT a JOIN VARDTILLF v USING (VTID) WHERE a.PATID <> v.PATID \
             OR substr(a.HTID, 1, 10) < v.INSKR OR substr(a.HTID, 1, 10) > COALESCE(v.UTSKR, '9999')";
        assert_eq!(city.number("vodok", outside), 0);
    }
}

#[test]
fn plans_from_before_the_change_have_no_code() {
    for city in cities() {
        let coded = "(ICF IS NOT NULL) <> (\"FROM\" >= '2015-01-26') OR (ICF IS NULL) <> (KVAL IS NULL)";
        assert!(keys(city, "HPID", "HALSOPLAN", coded).is_empty());
        assert!(!keys(city, "HPID", "HALSOPLAN", "ICF IS NULL").is_empty());
    }
}

#[test]
fn the_log_repeats_nothing() {
    for city in cities() {
        let rows = "SELECT COUNT(*) - COUNT(DISTINCT TID || PID || PATID || FUNK) FROM ATKOMSTLOGG";
        assert_eq!(city.number("vodok", rows), 0);
    }
}
