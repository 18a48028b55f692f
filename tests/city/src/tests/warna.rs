//! Guardians, their accounts and fees.

use super::{City, cities};
use crate::Action::{Fix, Norm};

fn keys(city: &City, table: &str, condition: &str) -> Vec<String> {
    city.query("warna", &format!("SELECT CAST(id AS TEXT) FROM {table} WHERE {condition}"))
}

#[test]
fn defects_are_exactly_the_planted_ones() {
    for city in cities() {
        city.expect("D13", "STALLFORETRADARE", Fix, keys(city, "STALLFORETRADARE", "namn LIKE '%Ã%'"));
        let free = "lagrum NOT GLOB '1[01] kap. [347] § FB'";
        city.expect("D21", "UPPDRAG", Norm, keys(city, "UPPDRAG", free));
        city.expect("D23", "UPPDRAG", Norm, keys(city, "UPPDRAG", "\"to\" = '9999-12-31'"));
        assert!(keys(city, "HUVUDMAN", "namn LIKE '%Ã%'").is_empty());
        assert!(keys(city, "BESLUT", "lagrum NOT GLOB '1[0-9] kap. * § FB'").is_empty());
    }
}

#[test]
fn some_wards_and_some_guardians_are_persons_of_paraply() {
    for city in cities() {
        let persons = city.query("paraply", "SELECT PNR FROM PERSON WHERE length(PNR) >= 10");
        let known = |table: &str| {
            let numbers = city.query("warna", &format!("SELECT pnr FROM {table} WHERE pnr IS NOT NULL"));
            let all = numbers.len();
            let hits = numbers.iter().filter(|number| {
                persons.iter().any(|person| person == *number || person.as_str() == &number[2..])
            });
            (hits.count(), all)
        };
        for table in ["HUVUDMAN", "STALLFORETRADARE"] {
            let (hits, all) = known(table);
            assert!(hits > 0 && hits < all, "{table}: {hits} of {all}");
        }
        let protected = city.query("paraply", "SELECT PNR FROM PERSON WHERE SEKR <> '' AND PERS_ID = 4");
        let wards = city.query("warna", "SELECT pnr FROM HUVUDMAN WHERE adress LIKE 'Box 1, %'");
        assert!(wards.iter().any(|ward| ward.ends_with(&protected[0])), "a ward is protected elsewhere");
    }
}

#[test]
fn duties_follow_each_other_and_reports_lie_in_them() {
    for city in cities() {
        let both = "SELECT COUNT(*) FROM UPPDRAG a JOIN UPPDRAG b ON a.huvudman_id = b.huvudman_id AND a.id < b.id \
             WHERE a.\"to\" IS NULL OR a.\"to\" >= b.\"from\"";
        assert_eq!(city.number("warna", both), 0);
        assert!(keys(city, "UPPDRAG", "\"to\" < \"from\"").is_empty());
        let early = "SELECT COUNT(*) FROM REDOVISNING r JOIN UPPDRAG u ON u.id = r.uppdrag_id \
             WHERE r.inkommen < u.\"from\" OR r.granskad < r.inkommen \
             OR (r.arvode IS NOT NULL) > (r.granskad IS NOT NULL)";
        assert_eq!(city.number("warna", early), 0);
        let outside = "SELECT COUNT(*) FROM HANDELSE h JOIN UPPDRAG u ON u.id = h.uppdrag_id \
             WHERE h.datum < u.\"from\" OR substr(h.datum, 1, 10) > u.\"to\"";
        assert_eq!(city.number("warna", outside), 0);
        let kinds = "SELECT COUNT(DISTINCT typ) FROM UPPDRAG";
        assert!(city.number("warna", kinds) >= 2);
    }
}

#[test]
fn documents_are_bytes_and_no_two_are_alike() {
    for city in cities() {
        let rows = city.truth.rows["warna/DOKUMENT"];
        assert_eq!(city.number("warna", "SELECT COUNT(DISTINCT hex(innehall)) FROM DOKUMENT"), rows);
        let short = "typeof(innehall) <> 'blob' OR length(innehall) < 300";
        assert!(keys(city, "DOKUMENT", short).is_empty());
        assert_eq!(rows, city.truth.rows["warna/REDOVISNING"]);
    }
}
