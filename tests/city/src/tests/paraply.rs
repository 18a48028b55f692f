//! Every defect of Paraply, counted again by a query of its own over the database that was written.

pub(super) mod conditions;

use std::collections::BTreeSet;

use super::{City, cities};
use crate::Action::{Flag, Quarantine, Stop};
use conditions::{BATCH_ROWS, Check, NEXT_IN_FORCE, SHIELDED, checks};

/// Defects that are counted again in the module `databases`.
const ELSEWHERE: [(&str, &str); 16] = [
    ("D01", "PERSON"),
    ("D02", "PERSON"),
    ("D03", "PERSON"),
    ("D04", "PERSON"),
    ("D13", "PERSON"),
    ("D18", "ARENDE"),
    ("D18", "BESLUT"),
    ("D18", "INSATS"),
    ("D21", "BESLUT"),
    ("D21_unparsed", "BESLUT"),
    ("D23", "ADRESS"),
    ("D23", "BESLUT"),
    ("D23", "INSATS"),
    ("D24", "ADRESS"),
    ("D24", "BESLUT"),
    ("D24", "INSATS"),
];

fn found(city: &City, Check(_, table, _, key, condition): &Check) -> Vec<String> {
    let with = format!("WITH BATCHROWS AS ({BATCH_ROWS}) ");
    let with = if condition.contains("BATCHROWS") { with.as_str() } else { "" };
    city.query("paraply", &format!("{with}SELECT CAST({key} AS TEXT) FROM {table} WHERE {condition}"))
}

#[test]
fn every_defect_is_in_the_database_as_often_as_in_the_truth() {
    for city in cities() {
        for check in checks() {
            city.expect(check.0, check.1, check.2, found(city, check));
        }
    }
}

#[test]
fn decisions_without_end_and_decisions_that_meet_are_those_in_the_truth() {
    for city in cities() {
        let select = |condition: &str| {
            city.query("paraply", &format!("SELECT CAST(BESL_ID AS TEXT) {NEXT_IN_FORCE} WHERE {condition}"))
        };
        city.expect("D27", "BESLUT", Flag, select("ENDS IS NULL AND NEXT IS NOT NULL"));
        city.expect("D28", "BESLUT", Flag, select("ENDS >= GALL_FROM AND NEXT <= ENDS"));
    }
}

#[test]
fn members_of_two_paid_households_are_those_in_the_truth() {
    for city in cities() {
        let sql = "SELECT HUSH_ID || '|' || PERS_ID || '|' || \"FROM\" FROM (SELECT m.*, \
             LEAD(HUSH_ID) OVER w AS NH, LEAD(\"FROM\") OVER w AS NF, LEAD(VAXEL) OVER w AS NV FROM HUSHMED m \
             WINDOW w AS (PARTITION BY PERS_ID ORDER BY \"FROM\", HUSH_ID)) WHERE NH <> HUSH_ID \
             AND VAXEL <> 'J' AND NV <> 'J' AND (TOM IS NULL OR NF <= TOM) \
             AND EXISTS (SELECT 1 FROM UTBET u JOIN HUSHALL h USING (AR_ID) WHERE h.HUSH_ID = NH) \
             AND EXISTS (SELECT 1 FROM UTBET u JOIN HUSHALL h USING (AR_ID) WHERE h.HUSH_ID = x.HUSH_ID)";
        let sql = sql.replace(") WHERE NH", ") x WHERE NH").replace("NH <> HUSH_ID", "NH <> x.HUSH_ID");
        city.expect("D35", "HUSHMED", Flag, city.query("paraply", &sql));
        let alternating = "SELECT COUNT(*) FROM (SELECT PERS_ID FROM HUSHMED WHERE VAXEL = 'J' GROUP BY PERS_ID \
             HAVING COUNT(DISTINCT HUSH_ID) = 2)";
        assert!(city.number("paraply", alternating) > 0);
    }
}

#[test]
fn pairs_of_records_are_those_in_the_truth() {
    for city in cities() {
        let pairs = |condition: &str| {
            let shielded = &SHIELDED.replace("PERSON.", "p.");
            let open = |row: &str| {
                format!(
                    "{row}.SEKR = '' AND NOT EXISTS (SELECT 1 FROM PERSON p WHERE p.PERS_ID = {row}.PERS_ID AND \
                     {shielded})"
                )
            };
            let sql = format!(
                "SELECT a.PERS_ID || '|' || b.PERS_ID FROM PERSON a JOIN PERSON b ON a.PERS_ID < b.PERS_ID \
                 AND trim(a.FNAMN) = trim(b.FNAMN) AND trim(a.ENAMN) = trim(b.ENAMN) AND a.FODDAT = b.FODDAT \
                 WHERE {} AND {} AND {condition}",
                open("a"),
                open("b")
            )
            .replace("SEKR = '' AND EXISTS", "p.SEKR = '' AND EXISTS");
            city.query("paraply", &sql)
        };
        let mut same = pairs("(a.PNR IS NULL OR b.PNR IS NULL)");
        same.push(format!("paraga/kund/*|paraply/PERSON/{}", city.truth.cases["h1"]["paraply"]));
        city.expect("D07", "identitet", Flag, same);
        let became = "(a.PNRTYP = 'S' AND b.PNRTYP = 'P') AND a.PNR IS NOT NULL AND b.PNR IS NOT NULL \
             AND a.REGDAT < b.REGDAT AND NOT EXISTS (SELECT 1 FROM PERSHANV h WHERE h.PERS_ID IN (a.PERS_ID, \
             b.PERS_ID) \
             AND h.TILL_ID IN (a.PERS_ID, b.PERS_ID))";
        city.expect("D06", "identitet", Flag, pairs(became));
    }
}

/// The vouchers in the files of Agresso: (number, batch, amount in öre, day, status).
fn vouchers(city: &City) -> Vec<[String; 5]> {
    let mut names: Vec<_> = std::fs::read_dir(city.legacy().join("agresso"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    let mut vouchers = Vec::new();
    for path in names {
        let period =
            path.file_stem().unwrap().to_str().unwrap().strip_prefix("verifikat_").unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.split_terminator("\r\n");
        assert_eq!(lines.next(), Some("Verifikat;Bunt;Belopp;Datum;Status"));
        for line in lines {
            let fields: Vec<String> = line.split(';').map(str::to_owned).collect();
            assert_eq!(fields[3][..7].replace('-', ""), period);
            vouchers.push(fields.try_into().unwrap());
        }
    }
    vouchers
}

#[test]
fn the_accounts_hold_every_payment_that_was_sent() {
    for city in cities() {
        let vouchers = vouchers(city);
        assert_eq!(u64::try_from(vouchers.len()).unwrap(), city.truth.rows["agresso/verifikat"]);
        let held: BTreeSet<String> = vouchers.iter().map(|fields| fields.join("|")).collect();
        let sent = "SELECT AGRVER || '|' || BUNT || '|' || substr(BELOPP, 1, length(BELOPP) - 2) || '|' || \
        date(UTBDAT) \
             || '|' || CASE STATUS WHEN 'M' THEN 'A' ELSE 'B' END FROM UTBET WHERE AGRVER IS NOT NULL";
        let sent: BTreeSet<String> = city.query("paraply", sent).into_iter().collect();
        // One is known to the accounts alone, and two have another status here than there.
        let disagreed = &city.truth.cases["h15"];
        assert_eq!(held.difference(&sent).count(), disagreed.len());
        let ours = held
            .symmetric_difference(&sent)
            .all(|line| disagreed.values().any(|key| line.contains(key.trim_start_matches("AV"))));
        assert!(ours, "the accounts hold something else than what was sent");
        let paid: BTreeSet<&str> =
            vouchers.iter().filter(|fields| fields[4] == "B").map(|fields| fields[0].as_str()).collect();
        let planned = "SELECT UTB_ID || '|' || COALESCE(AGRVER, '') FROM UTBET WHERE STATUS IN ('P', 'M')";
        let planned: Vec<String> = city.query("paraply", planned);
        let split = planned.iter().map(|row| row.split_once('|').unwrap());
        let found = split.filter(|(_, number)| paid.contains(number)).map(|(id, _)| id.to_owned());
        let refused = "SELECT UTB_ID || '|' || AGRVER FROM UTBET WHERE STATUS = 'U' AND AGRVER IS NOT NULL";
        let refused = city.query("paraply", refused);
        let split = refused.iter().map(|row| row.split_once('|').unwrap());
        let also = split.filter(|(_, number)| !paid.contains(number)).map(|(id, _)| id.to_owned());
        city.expect("D40", "UTBET", Flag, found.chain(also).collect());
        let known: BTreeSet<String> = city.query("paraply", "SELECT AGRVER FROM UTBET").into_iter().collect();
        let alone = vouchers.iter().map(|fields| fields[0].clone()).filter(|number| !known.contains(number));
        city.expect("D40", "verifikat", Flag, alone.collect());
    }
}

#[test]
fn every_defect_of_paraply_is_counted_again_somewhere() {
    let mut known: BTreeSet<(&str, &str)> = checks().map(|check| (check.0, check.1)).collect();
    known.extend(ELSEWHERE);
    known.extend([("D27", "BESLUT"), ("D28", "BESLUT"), ("D35", "HUSHMED"), ("D40", "UTBET")]);
    known.extend([("D06", "identitet"), ("D07", "identitet"), ("D11", "PERSON")]);
    known.extend([("D73", "gallring"), ("D74", "gallring")]);
    known.extend([("D36", "BERAK"), ("D42", "UTBET"), ("D48", "JOURNAL")]);
    for city in cities() {
        let ours = city.truth.defects.iter().filter(|one| matches!(one.system.as_str(), "paraply" | "bron"));
        let planted: BTreeSet<(&str, &str)> =
            ours.map(|defect| (defect.id.as_str(), defect.table.as_str())).collect();
        assert_eq!(planted, known);
    }
}

#[test]
fn sixty_persons_have_every_table_and_every_defect() {
    let known: BTreeSet<(&str, &str)> = checks().map(|check| (check.0, check.1)).chain(ELSEWHERE).collect();
    for seed in 2..6 {
        let city = City::new(60, seed);
        for (table, rows) in city.truth.rows.iter().filter(|(name, _)| name.starts_with("paraply/")) {
            assert!(*rows > 0, "{table} is empty with seed {seed}");
        }
        for (id, table) in known.iter().chain(&[
            ("D06", "identitet"),
            ("D07", "identitet"),
            ("D11", "PERSON"),
            ("D27", "BESLUT"),
            ("D28", "BESLUT"),
            ("D35", "HUSHMED"),
            ("D40", "UTBET"),
            ("D73", "gallring"),
            ("D74", "gallring"),
        ]) {
            let there = city.truth.defects.iter().any(|one| one.id == *id && one.table == *table);
            assert!(there, "{id} in {table} with seed {seed}");
        }
        for check in checks() {
            city.expect(check.0, check.1, check.2, found(&city, check));
        }
    }
}

#[test]
fn a_row_that_is_held_back_has_no_other_defect() {
    for city in cities() {
        let ours: Vec<_> = city.truth.defects.iter().filter(|one| one.system == "paraply").collect();
        for held in ours.iter().filter(|one| matches!(one.action, Quarantine | Stop)) {
            let keys: BTreeSet<&String> = held.keys.iter().collect();
            assert_eq!(keys.len(), held.keys.len());
            for other in ours.iter().filter(|other| other.table == held.table && **other != *held) {
                let both = other.keys.iter().find(|key| keys.contains(key));
                assert_eq!(both, None, "{} and {} in {}", held.id, other.id, held.table);
            }
        }
    }
}

#[test]
fn a_person_held_back_has_nothing_hanging_on_the_row() {
    for city in cities() {
        for key in city.keys("D08", "PERSON", Quarantine) {
            for (table, column) in [
                ("ADRESS", "PERS_ID"),
                ("AKT", "PERS_ID"),
                ("RELATION", "PERS_ID"),
                ("PERSHANV", "PERS_ID"),
                ("HUSHMED", "PERS_ID"),
                ("LOGG", "PERS_ID"),
            ] {
                let sql = format!("SELECT COUNT(*) FROM {table} WHERE {column} = {key}");
                assert_eq!(city.number("paraply", &sql), 0, "{table}");
            }
        }
    }
}

#[test]
fn references_of_the_other_tables_lead_somewhere() {
    let references = [
        ("RELATION", "PERS_ID", "PERSON", "PERS_ID"),
        ("RELATION", "REL_ID", "PERSON", "PERS_ID"),
        ("ARENDE", "HUSH_ID", "HUSHALL", "HUSH_ID"),
        ("UTREDN", "AR_ID", "ARENDE", "AR_ID"),
        ("UTREDN", "AKTU_ID", "AKTUAL", "AKTU_ID"),
        ("BESLUT", "UTR_ID", "UTREDN", "UTR_ID"),
        ("BESTALL", "BESL_ID", "BESLUT", "BESL_ID"),
        ("BESTALL", "UTF_ENH", "ENHET", "ENH_ID"),
        ("INSATS", "BEST_ID", "BESTALL", "BEST_ID"),
        ("GENPLAN", "INS_ID", "INSATS", "INS_ID"),
        ("GENPLAN", "UPPR", "HANDL", "HANDL"),
        ("UPPFOLJ", "BESL_ID", "BESLUT", "BESL_ID"),
        ("PLACER", "INS_ID", "INSATS", "INS_ID"),
        ("PLACER", "HEM_ID", "ENHET", "ENH_ID"),
        ("HUSHALL", "AR_ID", "ARENDE", "AR_ID"),
        ("HUSHMED", "HUSH_ID", "HUSHALL", "HUSH_ID"),
        ("HUSHMED", "PERS_ID", "PERSON", "PERS_ID"),
        ("BERAK", "HUSH_ID", "HUSHALL", "HUSH_ID"),
        ("ATERKRAV", "UTB_ID", "UTBET", "UTB_ID"),
        ("ATERKRAV", "AR_ID", "ARENDE", "AR_ID"),
        ("AVGIFT", "PERS_ID", "PERSON", "PERS_ID"),
        ("FAKTUND", "AVG_ID", "AVGIFT", "AVG_ID"),
        ("FAKTUND", "BUNT", "AGRUT", "BUNT"),
        ("INTDEB", "BEST_ID", "BESTALL", "BEST_ID"),
        ("INTDEB", "UTF_ENH", "ENHET", "ENH_ID"),
        ("INTDEB", "KORR_AV", "INTDEB", "ID_ID"),
        ("INTDEB", "BUNT", "AGRUT", "BUNT"),
        ("DOKUMENT", "AKT_ID", "AKT", "AKT_ID"),
        ("DOKUMENT", "AR_ID", "ARENDE", "AR_ID"),
        ("BEHOR", "HANDL", "HANDL", "HANDL"),
        ("BEHOR", "ENH_ID", "ENHET", "ENH_ID"),
        ("LOGG", "PERS_ID", "PERSON", "PERS_ID"),
        ("LOGG", "AKT_ID", "AKT", "AKT_ID"),
        ("JOURNAL", "SKRIVAV", "HANDL", "HANDL"),
        ("UTBET", "ATTEST", "HANDL", "HANDL"),
    ];
    for city in cities() {
        for (child, column, parent, key) in references {
            let sql = format!(
                "SELECT COUNT(*) FROM {child} WHERE {column} IS NOT NULL AND {column} NOT IN (SELECT {key} FROM \
                 {parent})"
            );
            assert_eq!(city.number("paraply", &sql), 0, "{child}.{column}");
            let some = format!("SELECT COUNT(*) FROM {child} WHERE {column} IS NOT NULL");
            assert!(city.number("paraply", &some) > 0, "{child}.{column} is empty");
        }
    }
}

/// What must not be anywhere in Paraply.
const IMPOSSIBLE: [(&str, &str); 12] = [
    ("UTREDN", "SLUT < START OR START > '2025'"),
    ("BESTALL", "(NIVA IS NULL) = (TIM IS NULL) OR NIVA NOT BETWEEN 1 AND 17"),
    ("BESTALL", "(NIVA IS NULL) <> (\"FROM\" >= '2014-01-01') OR TOM < \"FROM\""),
    ("PLACER", "TOM < \"FROM\""),
    ("HUSHALL", "TOM < \"FROM\""),
    ("HUSHMED", "TOM < \"FROM\""),
    ("RELATION", "TOM < \"FROM\" OR PERS_ID = REL_ID"),
    ("AVGIFT", "CAST(BELOPP AS REAL) < 0 OR MANAD > '202412'"),
    ("FAKTUND", "(KREDIT = 1 AND BELOPP NOT LIKE '-%' AND BELOPP <> '0.0000') OR MANAD > '202412'"),
    ("INTDEB", "MANAD > '202412' OR (KORR_AV IS NULL AND BELOPP LIKE '-%')"),
    ("DOKUMENT", "typeof(INNEH) <> 'blob' OR length(INNEH) < 100 OR SKAPAD >= '2025'"),
    ("UTBET", "STATUS NOT IN ('U', 'P', 'M') OR (STATUS = 'U' AND BUNT IS NULL)"),
];

#[test]
fn nothing_impossible_is_written() {
    for city in cities() {
        for (table, condition) in IMPOSSIBLE {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE {condition}");
            assert_eq!(city.number("paraply", &sql), 0, "{table}: {condition}");
        }
    }
}

#[test]
fn statistics_are_what_was_paid_for_the_month() {
    for city in cities() {
        let lines = city.query("paraply", "SELECT RAD FROM STATUT WHERE REGISTER = 'EB'");
        let kronor = |line: &String| line.split('\t').nth(5).unwrap().parse::<u64>().unwrap();
        let sum: u64 = lines.iter().map(kronor).sum();
        let months = "(SELECT SUM(REPLACE(BELOPP, '.', '') / 100) / 100 AS KR FROM UTBET WHERE STATUS = 'U' \
             GROUP BY AR_ID, MANAD)";
        assert_eq!(
            city.number("paraply", &format!("SELECT COUNT(*) FROM {months}")),
            u64::try_from(lines.len()).unwrap()
        );
        assert_eq!(city.number("paraply", &format!("SELECT SUM(KR) FROM {months}")), sum);
    }
}

#[test]
fn boards_have_five_maps_and_successors_since_2007() {
    for city in cities() {
        for (day, boards) in [
            ("1998-01-01", 24),
            ("2000-01-01", 18),
            ("2007-01-01", 14),
            ("2020-07-01", 13),
            ("2023-07-01", 11),
        ] {
            let sql = format!(
                "SELECT COUNT(*) FROM NAMND WHERE NAMND LIKE '7%' AND date(\"FROM\") <= '{day}' \
                 AND COALESCE(date(TOM), '9999') >= '{day}'"
            );
            assert_eq!(city.number("paraply", &sql), boards, "{day}");
        }
        let early = "SELECT COUNT(*) FROM NAMND WHERE EFTERTR IS NOT NULL AND TOM < '2006-12-31'";
        assert_eq!(city.number("paraply", early), 0);
    }
}

#[test]
fn the_size_of_paraply_stays_sane() {
    let city = &cities()[1];
    let rows: u64 =
        city.truth.rows.iter().filter(|(name, _)| name.starts_with("paraply/")).map(|(_, rows)| *rows).sum();
    assert!(rows < u64::from(city.truth.persons) * 430, "{rows} rows");
}
