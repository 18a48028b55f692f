//! The three databases: counts, references, sums, and each defect found by a query of its own.

use std::collections::BTreeSet;

use super::{City, cities};
use crate::Action::{Fix, Flag, Norm, Quarantine};
use crate::numbers::{SENTINELS, check_digit};

/// Öre of a money column.
fn ore(column: &str) -> String {
    format!("CAST(REPLACE({column}, '.', '') AS INTEGER) / 100")
}

const SENTINEL_DATES: &str = "('2079-06-06 00:00:00', '9999-12-31 00:00:00', '1900-01-01 00:00:00')";

fn keys(city: &City, key: &str, table: &str, condition: &str) -> Vec<String> {
    city.query("paraply", &format!("SELECT CAST({key} AS TEXT) FROM {table} WHERE {condition}"))
}

#[test]
fn every_table_has_the_rows_that_the_truth_says() {
    for city in cities() {
        for (name, rows) in &city.truth.rows {
            let (system, table) = name.split_once('/').unwrap();
            if !matches!(system, "paraga" | "agresso") {
                let found = city.number(system, &format!("SELECT COUNT(*) FROM \"{table}\""));
                assert_eq!(found, *rows, "{name}");
            }
        }
    }
}

/// A column of a table that names a row of another: table, column, table, key.
type Reference = (&'static str, &'static str, &'static str, &'static str);

const PARAPLY_REFERENCES: [Reference; 25] = [
    ("AKT", "PERS_ID", "PERSON", "PERS_ID"),
    ("AKT", "NAMND", "NAMND", "NAMND"),
    ("ARENDE", "AKT_ID", "AKT", "AKT_ID"),
    ("ARENDE", "FLYTT_FRAN", "ARENDE", "AR_ID"),
    ("ARENDE", "HANDL", "HANDL", "HANDL"),
    ("HANDL", "ENH_ID", "ENHET", "ENH_ID"),
    ("ENHET", "NAMND", "NAMND", "NAMND"),
    ("NAMND", "EFTERTR", "NAMND", "NAMND"),
    ("ADRESS", "PERS_ID", "PERSON", "PERS_ID"),
    ("PERSHANV", "PERS_ID", "PERSON", "PERS_ID"),
    ("PERSHANV", "TILL_ID", "PERSON", "PERS_ID"),
    ("AKTUAL", "AR_ID", "ARENDE", "AR_ID"),
    ("AKTUAL", "PERS_ID", "PERSON", "PERS_ID"),
    ("BESLUT", "AR_ID", "ARENDE", "AR_ID"),
    ("BESLUT", "ERS_BESL", "BESLUT", "BESL_ID"),
    ("INSATS", "BESL_ID", "BESLUT", "BESL_ID"),
    ("INSATS", "PERS_ID", "PERSON", "PERS_ID"),
    ("BERAK", "AR_ID", "ARENDE", "AR_ID"),
    ("BERAK", "BESL_ID", "BESLUT", "BESL_ID"),
    ("BERPOST", "BER_ID", "BERAK", "BER_ID"),
    ("BERPOST", "PERS_ID", "PERSON", "PERS_ID"),
    ("UTBET", "AR_ID", "ARENDE", "AR_ID"),
    ("UTBET", "ERS_UTB", "UTBET", "UTB_ID"),
    ("UTBET", "BUNT", "AGRUT", "BUNT"),
    ("JOURNAL", "AR_ID", "ARENDE", "AR_ID"),
];

const VODOK_REFERENCES: [Reference; 25] = [
    ("JRN_ANT", "PATID", "PATIENT", "PATID"),
    ("JRN_ANT", "VTID", "VARDTILLF", "VTID"),
    ("JRN_ANT", "SOKID", "SOKORD", "SOKID"),
    ("JRN_ANT", "PID", "PERSONAL", "PID"),
    ("PAT_IDBYTE", "PATID", "PATIENT", "PATID"),
    ("SOKORD", "OVER", "SOKORD", "SOKID"),
    ("VARDTILLF", "PATID", "PATIENT", "PATID"),
    ("VARDTILLF", "ENHID", "VARDENHET", "ENHID"),
    ("SIGNATUR", "ANTID", "JRN_ANT", "ANTID"),
    ("SIGNATUR", "PID", "PERSONAL", "PID"),
    ("KVA_ATG", "ANTID", "JRN_ANT", "ANTID"),
    ("KVA_ATG", "VTID", "VARDTILLF", "VTID"),
    ("ATGPLAN", "PATID", "PATIENT", "PATID"),
    ("HALSOPLAN", "PATID", "PATIENT", "PATID"),
    ("MATVARDE", "PATID", "PATIENT", "PATID"),
    ("ORDINATION", "PATID", "PATIENT", "PATID"),
    ("DELEGERING", "GIVARE", "PERSONAL", "PID"),
    ("DELEGERING", "MOTTAGARE", "PERSONAL", "PID"),
    ("VARNING", "PATID", "PATIENT", "PATID"),
    ("SPARR", "PATID", "PATIENT", "PATID"),
    ("SPARR", "ENHID", "VARDENHET", "ENHID"),
    ("SAMTYCKE", "PATID", "PATIENT", "PATID"),
    ("ATKOMSTLOGG", "PID", "PERSONAL", "PID"),
    ("ATKOMSTLOGG", "PATID", "PATIENT", "PATID"),
    ("ATKOMSTLOGG", "ENHID", "VARDENHET", "ENHID"),
];

const WARNA_REFERENCES: [Reference; 6] = [
    ("UPPDRAG", "huvudman_id", "HUVUDMAN", "id"),
    ("UPPDRAG", "stf_id", "STALLFORETRADARE", "id"),
    ("REDOVISNING", "uppdrag_id", "UPPDRAG", "id"),
    ("BESLUT", "uppdrag_id", "UPPDRAG", "id"),
    ("HANDELSE", "uppdrag_id", "UPPDRAG", "id"),
    ("DOKUMENT", "uppdrag_id", "UPPDRAG", "id"),
];

const SCHEMOS_REFERENCES: [Reference; 13] = [
    ("planned_visit", "customer_id", "customer", "id"),
    ("planned_visit", "unit_id", "unit", "id"),
    ("shift", "employee_id", "employee", "id"),
    ("shift_break", "shift_id", "shift", "id"),
    ("employment", "employee_id", "employee", "id"),
    ("employment", "unit_id", "unit", "id"),
    ("address", "customer_id", "customer", "id"),
    ("visit_task", "planned_visit_id", "planned_visit", "id"),
    ("visit_staff", "planned_visit_id", "planned_visit", "id"),
    ("visit_staff", "employee_id", "employee", "id"),
    ("absence", "employee_id", "employee", "id"),
    ("skill", "employee_id", "employee", "id"),
    ("unit", "parent_id", "unit", "id"),
];

#[test]
fn every_reference_leads_somewhere() {
    for city in cities() {
        let systems = [
            ("paraply", &PARAPLY_REFERENCES[..]),
            ("vodok", &VODOK_REFERENCES[..]),
            ("warna", &WARNA_REFERENCES[..]),
            ("schemos", &SCHEMOS_REFERENCES[..]),
        ];
        for (system, references) in systems {
            for (child, column, parent, key) in references {
                let sql = format!(
                    "SELECT COUNT(*) FROM {child} WHERE {column} IS NOT NULL \
                     AND {column} NOT IN (SELECT {key} FROM {parent})"
                );
                assert_eq!(city.number(system, &sql), 0, "{child}.{column}");
            }
        }
    }
}

#[test]
fn ends_before_starts_are_exactly_the_planted_ones() {
    for city in cities() {
        let order =
            |from: &str, to: &str| format!("\"{to}\" < \"{from}\" AND \"{to}\" NOT IN {SENTINEL_DATES}");
        let gall = order("GALL_FROM", "GALL_TOM");
        let flagged = keys(city, "BESL_ID", "BESLUT", &format!("{gall} AND BELOPP IS NULL"));
        city.expect("D24", "BESLUT", Flag, flagged);
        let quarantined = keys(city, "BESL_ID", "BESLUT", &format!("{gall} AND BELOPP IS NOT NULL"));
        city.expect("D24", "BESLUT", Quarantine, quarantined);
        let plain = order("FROM", "TOM");
        city.expect("D24", "ADRESS", Flag, keys(city, "ADR_ID", "ADRESS", &plain));
        city.expect("D24", "INSATS", Flag, keys(city, "INS_ID", "INSATS", &plain));
        for (table, from, to) in [("AKT", "OPPDAT", "AVSLDAT"), ("ARENDE", "OPPDAT", "AVSLDAT")] {
            assert!(keys(city, "1", table, &order(from, to)).is_empty());
        }
    }
}

#[test]
fn open_ends_are_exactly_the_planted_ones() {
    for city in cities() {
        for (table, key, column) in
            [("ADRESS", "ADR_ID", "TOM"), ("BESLUT", "BESL_ID", "GALL_TOM"), ("INSATS", "INS_ID", "TOM")]
        {
            let found = keys(city, key, table, &format!("{column} IN {SENTINEL_DATES}"));
            city.expect("D23", table, Norm, found);
        }
    }
}

#[test]
fn calculations_that_do_not_add_up_are_exactly_the_planted_ones() {
    for city in cities() {
        let signed = format!(
            "SUM(CASE TYP WHEN 'I' THEN -1 ELSE 1 END * {}) FROM BERPOST p WHERE p.BER_ID = BERAK.BER_ID",
            ore("GODK")
        );
        let wrong = format!("{} <> (SELECT {signed})", ore("RESULTAT"));
        city.expect("D36", "BERAK", Flag, keys(city, "BER_ID", "BERAK", &wrong));
        for (column, kinds) in [("SUMIN", "'I'"), ("SUMUT", "'U', 'X'"), ("SUMNORM", "'N'")] {
            let posts = format!(
                "SELECT SUM({}) FROM BERPOST p WHERE p.BER_ID = BERAK.BER_ID AND TYP IN ({kinds})",
                ore("GODK")
            );
            let condition = format!("{} <> ({posts})", ore(column));
            assert!(keys(city, "BER_ID", "BERAK", &condition).is_empty(), "{column}");
        }
    }
}

#[test]
fn payments_made_twice_are_exactly_the_planted_ones() {
    for city in cities() {
        let twice = "STATUS = 'U' AND EXISTS (SELECT 1 FROM UTBET e WHERE e.STATUS = 'U' AND e.UTB_ID < UTBET.UTB_ID \
             AND e.AR_ID = UTBET.AR_ID AND e.MANAD = UTBET.MANAD AND e.BELOPP = UTBET.BELOPP AND e.KONTO = UTBET.KONTO \
             AND ABS(julianday(UTBET.UTBDAT) - julianday(e.UTBDAT)) <= 7)";
        city.expect("D42", "UTBET", Flag, keys(city, "UTB_ID", "UTBET", twice));
    }
}

#[test]
fn voided_payments_and_replaced_decisions_come_in_pairs() {
    for city in cities() {
        let pairs = "SELECT COUNT(*) FROM UTBET n JOIN UTBET o ON o.AR_ID = n.AR_ID AND o.BELOPP = n.BELOPP \
             AND o.UTBDAT = n.UTBDAT WHERE o.STATUS = 'M' AND n.STATUS = 'U' \
             AND COALESCE(n.ERS_UTB, o.UTB_ID) = o.UTB_ID";
        let told = city.number("paraply", "SELECT COUNT(*) FROM UTBET WHERE ERS_UTB IS NOT NULL");
        let voided = city.number("paraply", "SELECT COUNT(*) FROM UTBET WHERE STATUS = 'M'");
        let alone = u64::try_from(city.keys("D41", "UTBET", Flag).len()).unwrap();
        assert!(voided > alone);
        assert_eq!(city.number("paraply", pairs), voided - alone);
        assert_eq!(told, (voided - alone).div_ceil(2), "every second pair is told");
        let raised = format!(
            "SELECT COUNT(*) FROM BESLUT n JOIN BESLUT o ON o.BESL_ID = n.ERS_BESL \
             WHERE n.RETRO = 1 AND o.STATUS = 'M' AND n.BDAT > o.BDAT AND o.BESL_ID < 9000000 \
             AND {} - {} = 120000",
            ore("n.BELOPP"),
            ore("o.BELOPP")
        );
        let held = u64::try_from(city.keys("D33", "BESLUT", Quarantine).len()).unwrap();
        let replaced =
            city.number("paraply", "SELECT COUNT(*) FROM BESLUT WHERE STATUS = 'M' AND BESL_ID < 9000000");
        let replaced = replaced - held;
        assert!(replaced > 0);
        assert_eq!(city.number("paraply", &raised), replaced);
    }
}

#[test]
fn unsigned_notes_are_exactly_the_planted_ones() {
    for city in cities() {
        let found = keys(city, "JRN_ID", "JOURNAL", "SIGNDAT IS NULL AND SKRIVDAT < '2024-12-01'");
        city.expect("D48", "JOURNAL", Flag, found);
        assert!(
            keys(city, "1", "JOURNAL", "SKRIVDAT < HANDDAT OR SIGNDAT < SKRIVDAT OR TEXT = ''").is_empty()
        );
        assert!(keys(city, "1", "JOURNAL", "SIGNDAT >= '2025' OR SKRIVDAT >= '2025'").is_empty());
    }
}

#[test]
fn unknown_codes_are_exactly_the_planted_ones() {
    for city in cities() {
        let unknown = |list: &str, code: &str, date: &str| {
            format!(
                "{code} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM KODTAB k WHERE k.TAB = '{list}' AND k.KOD = {code} \
                 AND k.\"FROM\" <= {date} AND COALESCE(k.TOM, '9999') >= {date})"
            )
        };
        let beslut = format!("BTYP <> 'EBSB' AND {}", unknown("BTYP", "BTYP", "BDAT"));
        city.expect("D18", "BESLUT", Flag, keys(city, "BESL_ID", "BESLUT", &beslut));
        let arende = unknown("AVSL", "AVSLORS", "AVSLDAT");
        city.expect("D18", "ARENDE", Flag, keys(city, "AR_ID", "ARENDE", &arende));
        let insats = unknown("INSK", "INSATS.KOD", "INSATS.\"FROM\"");
        city.expect("D18", "INSATS", Flag, keys(city, "INS_ID", "INSATS", &insats));
        for (table, list, code) in
            [("BERPOST", "POST", "BERPOST.KOD"), ("UTBET", "BETS", "BETSATT"), ("ARENDE", "VO", "VO")]
        {
            let condition = unknown(list, code, "'2015-01-01'");
            assert!(keys(city, "1", table, &condition).is_empty(), "{table}");
        }
        assert!(keys(city, "1", "INSATS", &unknown("AVSL", "AVSLORS", "INSATS.TOM")).is_empty());
    }
}

#[test]
fn spellings_of_law_are_exactly_the_planted_ones() {
    for city in cities() {
        let unreadable = "LAGRUM IN ('se utr', '-', 'SoL')";
        city.expect("D21_unparsed", "BESLUT", Flag, keys(city, "BESL_ID", "BESLUT", unreadable));
        let free = format!(
            "NOT {unreadable} AND LAGRUM NOT GLOB '4 kap. [1-3] § SoL' AND LAGRUM NOT GLOB '9 § [0-9] LSS' \
             AND LAGRUM NOT GLOB '9 § 10 LSS' AND LAGRUM NOT GLOB '[2-4] § LV[UM]'"
        );
        city.expect("D21", "BESLUT", Norm, keys(city, "BESL_ID", "BESLUT", &free));
    }
}

/// (key, number, date) of a query that gives them joined with `|`.
pub(super) fn numbers(city: &City, system: &str, sql: &str) -> Vec<(String, String, String)> {
    let split = |line: String| {
        let parts: Vec<&str> = line.split('|').collect();
        (parts[0].to_owned(), parts[1].to_owned(), parts[2].to_owned())
    };
    city.query(system, sql).into_iter().map(split).collect()
}

pub(super) fn right_check_digit(number: &str) -> bool {
    let value = |letter: char| letter.to_digit(10).unwrap_or(5);
    let (body, last) = number.split_at(number.len() - 1);
    let start = if number.starts_with("99") && number.len() == 12 { 4 } else { body.len() - 9 };
    check_digit(body[start..].chars().map(value)) == value(last.chars().next().unwrap())
}

#[test]
fn wrong_numbers_in_paraply_are_exactly_the_planted_ones() {
    for city in cities() {
        let sql = "SELECT PERS_ID || '|' || PNR || '|' || REGDAT FROM PERSON WHERE PNR IS NOT NULL";
        let all = numbers(city, "paraply", sql);
        let (sentinels, rest): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, number, _)| SENTINELS.contains(&number.as_str()));
        let keys = |rows: &[(String, String, String)], test: &dyn Fn(&str, &str) -> bool| {
            let hits = rows.iter().filter(|(_, number, date)| test(number, date));
            hits.map(|(key, _, _)| key.clone()).collect::<Vec<_>>()
        };
        city.expect("D04", "PERSON", Flag, keys(&sentinels, &|_, _| true));
        city.expect("D01", "PERSON", Flag, keys(&rest, &|number, _| !right_check_digit(number)));
        let february = |number: &str| &number[number.len() - 8..number.len() - 4] == "0230";
        city.expect("D03", "PERSON", Flag, keys(&rest, &|number, _| february(number)));
        let ambiguous = |number: &str, date: &str| {
            let born =
                |century: &str| format!("{century}{}-{}-{}", &number[..2], &number[2..4], &number[4..6]);
            let year = |text: &str| text[..4].parse::<i32>().unwrap();
            let possible = |century| {
                let birth = born(century);
                birth.as_str() <= &date[..10] && year(date) - year(&birth) <= 115
            };
            number.len() == 10 && possible("19") && possible("20")
        };
        city.expect("D02", "PERSON", Flag, keys(&rest, &ambiguous));
        // Seven persons of a named case share one reservnummer.
        let own = |number: &str| !february(number) && !number.starts_with("992012");
        let real: Vec<_> = rest.iter().filter(|(_, number, _)| own(number)).collect();
        let unique: BTreeSet<&String> = real.iter().map(|(_, number, _)| number).collect();
        let shared = city.keys("D07", "PERSON", Flag).len();
        assert_eq!(unique.len() + shared / 2, real.len());
    }
}

#[test]
fn damaged_names_are_exactly_the_planted_ones() {
    for city in cities() {
        let damaged = "ENAMN LIKE '%Ã%' OR FNAMN LIKE '%Ã%' OR ENAMN LIKE '%”%'";
        city.expect("D13", "PERSON", Fix, keys(city, "PERS_ID", "PERSON", damaged));
        let patients = city.query("vodok", &format!("SELECT PATID FROM PATIENT WHERE {damaged}"));
        city.expect("D13", "PATIENT", Fix, patients);
    }
}

#[test]
fn one_in_a_hundred_has_a_fifth_of_the_notes() {
    let city = &cities()[1];
    let heavy = "SELECT COUNT(*) FROM JOURNAL JOIN AKT USING (AKT_ID) WHERE PERS_ID % 100 = 8";
    let all = city.number("paraply", "SELECT COUNT(*) FROM JOURNAL");
    let share = city.number("paraply", heavy) * 100 / all;
    assert!((14..=26).contains(&share), "{share} %");
    let average = city.number("paraply", "SELECT CAST(AVG(LENGTH(TEXT)) AS INTEGER) FROM JOURNAL");
    assert!((530..=670).contains(&average), "{average} characters");
}

#[test]
fn protected_customers_have_no_number_in_schemos() {
    for city in cities() {
        let open = "SELECT COUNT(*) FROM customer WHERE (pnr IS NULL) <> (code_name IS NOT NULL)";
        assert_eq!(city.number("schemos", open), 0);
        assert!(city.number("schemos", "SELECT COUNT(*) FROM customer WHERE code_name IS NOT NULL") > 0);
    }
}

#[test]
fn nothing_has_happened_after_the_last_day() {
    let happened = [
        ("paraply", "PERSON", "ANDDAT"),
        ("paraply", "PERSON", "AVLDAT"),
        ("paraply", "ADRESS", "FROM"),
        ("paraply", "AKT", "AVSLDAT"),
        ("paraply", "ARENDE", "AVSLDAT"),
        ("paraply", "AKTUAL", "FHB_DAT"),
        ("paraply", "BESLUT", "ANDDAT"),
        ("paraply", "INSATS", "VERKST"),
        ("paraply", "UTBET", "UTBDAT"),
        ("paraply", "AGRUT", "SKAPAD"),
        ("paraply", "JOURNAL", "SIGNDAT"),
        ("vodok", "JRN_ANT", "REGTID"),
        ("vodok", "JRN_ANT", "FELTID"),
        ("vodok", "SIGNATUR", "TID"),
        ("vodok", "KVA_ATG", "TID"),
        ("vodok", "MATVARDE", "TID"),
        ("vodok", "HALSOPLAN", "TOM"),
        ("vodok", "SPARR", "HAVD"),
        ("vodok", "SAMTYCKE", "ATERK"),
        ("vodok", "DELEGERING", "ATER"),
        ("vodok", "ATKOMSTLOGG", "TID"),
        ("warna", "UPPDRAG", "from"),
        ("warna", "REDOVISNING", "granskad"),
        ("warna", "BESLUT", "datum"),
        ("warna", "HANDELSE", "datum"),
        ("warna", "DOKUMENT", "skapad"),
        ("schemos", "planned_visit", "deleted_at"),
        ("schemos", "employee", "deleted_at"),
    ];
    for city in cities() {
        for (system, table, column) in happened {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE \"{column}\" >= '2025'");
            assert_eq!(city.number(system, &sql), 0, "{table}.{column}");
        }
    }
}

#[test]
fn payments_are_made_late_in_the_month() {
    for city in cities() {
        let late = "SELECT COUNT(*) FROM UTBET WHERE substr(UTBDAT, 9, 2) BETWEEN '20' AND '27'";
        let all = city.truth.rows["paraply/UTBET"];
        assert!(city.number("paraply", late) * 100 >= all * 97);
    }
}
