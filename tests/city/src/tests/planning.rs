//! SchemOS: the tables that no other system has, and what was put into them.

use super::cities;
use crate::Action::{Fix, Flag, Norm};

#[test]
fn names_that_were_encoded_twice_are_exactly_the_planted_ones() {
    for city in cities() {
        for (table, column) in [("employee", "last_name"), ("unit", "name")] {
            let sql = format!("SELECT CAST(id AS TEXT) FROM {table} WHERE {column} LIKE '%Ã%'");
            city.expect("D13", table, Fix, city.query("schemos", &sql));
        }
    }
}

#[test]
fn ends_that_nobody_typed_are_exactly_the_planted_ones() {
    for city in cities() {
        let sql = "SELECT CAST(id AS TEXT) FROM employment WHERE to_date = '0000-00-00'";
        city.expect("D23", "employment", Norm, city.query("schemos", sql));
    }
}

#[test]
fn rows_that_changed_while_they_were_read_are_exactly_the_planted_ones() {
    for city in cities() {
        let sql = "SELECT CAST(id AS TEXT) FROM planned_visit WHERE updated_at >= '2025'";
        city.expect("D71", "planned_visit", Fix, city.query("schemos", sql));
    }
}

#[test]
fn rows_that_are_gone_left_a_gap_and_a_trace() {
    for city in cities() {
        let gone = "tbl = 'planned_visit' AND field = '*' AND new IS NULL \
                    AND row_id NOT IN (SELECT id FROM planned_visit)";
        let sql = format!("SELECT CAST(id AS TEXT) FROM change_log WHERE {gone}");
        city.expect("D72", "change_log", Flag, city.query("schemos", &sql));
        let traces = city.number("schemos", &format!("SELECT COUNT(*) FROM change_log WHERE {gone}"));
        let gaps = "SELECT MAX(id) - COUNT(*) FROM planned_visit WHERE id < 9000000";
        assert!(city.number("schemos", gaps) <= traces, "a gap at the end does not show");
        let other = "SELECT COUNT(*) FROM change_log WHERE field = 'deleted_at' AND old IS NULL \
                     AND row_id IN (SELECT id FROM planned_visit WHERE deleted_at IS NOT NULL)";
        assert!(city.number("schemos", other) > 0);
    }
}

#[test]
fn the_server_told_utc_until_2016() {
    for city in cities() {
        let hours = |condition: &str| {
            let sql =
                format!("SELECT MIN(CAST(substr(start_at, 12, 2) AS INTEGER)) FROM shift WHERE {condition}");
            city.number("schemos", &sql)
        };
        assert_eq!(hours("start_at < '2016' AND substr(start_at, 6, 2) = '07'"), 5);
        assert_eq!(hours("start_at < '2016' AND substr(start_at, 6, 2) = '01'"), 6);
        assert_eq!(hours("start_at > '2016'"), 7);
    }
}

#[test]
fn details_of_planning_are_those_of_the_last_years() {
    for city in cities() {
        for table in ["visit_task", "visit_staff"] {
            let early = format!(
                "SELECT COUNT(*) FROM {table} d JOIN planned_visit v ON v.id = d.planned_visit_id \
                 WHERE v.start_at < '2022-12-31'"
            );
            assert_eq!(city.number("schemos", &early), 0, "{table}");
        }
        let breaks = "SELECT COUNT(*) FROM shift_break b JOIN shift s ON s.id = b.shift_id \
                      WHERE b.start_at < s.start_at OR b.end_at > s.end_at";
        assert_eq!(city.number("schemos", breaks), 0);
    }
}

#[test]
fn nobody_is_sent_who_has_left_or_is_away() {
    for city in cities() {
        let away = "SELECT COUNT(*) FROM visit_staff s JOIN planned_visit v ON v.id = s.planned_visit_id \
                    JOIN absence a ON a.employee_id = s.employee_id \
                    WHERE v.status = 'done' AND v.start_at BETWEEN a.from_at AND a.to_at";
        assert_eq!(city.number("schemos", away), 0);
        let left = "SELECT COUNT(*) FROM visit_staff s JOIN planned_visit v ON v.id = s.planned_visit_id \
                    JOIN employee e ON e.id = s.employee_id WHERE v.start_at > e.deleted_at";
        assert_eq!(city.number("schemos", left), 0);
    }
}

#[test]
fn protected_customers_have_a_code_name_and_no_address() {
    for city in cities() {
        let addresses = "SELECT COUNT(*) FROM address a JOIN customer c ON c.id = a.customer_id \
                         WHERE c.code_name IS NOT NULL";
        assert_eq!(city.number("schemos", addresses), 0);
        let twice = "SELECT COUNT(*) FROM customer c JOIN customer d ON d.paraga_kundnr = c.paraga_kundnr \
                     AND d.id > c.id AND d.deleted_at IS NOT NULL";
        assert!(city.truth.persons < 100 || city.number("schemos", twice) > 0);
    }
}
