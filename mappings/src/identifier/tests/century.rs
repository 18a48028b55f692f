//! The century of ten-character values.

use std::ops::RangeInclusive;

use super::super::{CenturyEvidence, CenturyInference, classify, infer_century};

fn evidence(row_date: (i32, u8, u8)) -> CenturyEvidence<'static> {
    CenturyEvidence { row_date: Some(row_date), ..CenturyEvidence::default() }
}

fn aged(row_date: (i32, u8, u8), area_ages: RangeInclusive<u16>) -> CenturyEvidence<'static> {
    CenturyEvidence { area_ages: Some(area_ages), ..evidence(row_date) }
}

/// The inference in words: `1981-… RowDate`, `1905-… or 2005-…`, `none`.
fn inferred(verbatim: &str, evidence: &CenturyEvidence<'_>) -> String {
    match infer_century(&classify(verbatim), evidence) {
        CenturyInference::Certain(canonical, source) => {
            format!("{} {source:?}", canonical.as_str())
        }
        CenturyInference::Ambiguous([earlier, later]) => {
            format!("{} or {}", earlier.as_str(), later.as_str())
        }
        CenturyInference::None => "none".to_owned(),
    }
}

#[test]
fn twelve_characters_need_no_evidence() {
    assert_eq!(inferred("198112180008", &evidence((2150, 1, 1))), "198112180008 Explicit");
    assert_eq!(inferred("22810829AB12", &CenturyEvidence::default()), "22810829AB12 Explicit");
}

#[test]
fn values_without_a_century_have_none_to_infer() {
    for verbatim in ["", "0000000000", "991981000010", "212000-0142", "12-345678", "okänd", "198120450012"] {
        assert_eq!(inferred(verbatim, &evidence((2005, 1, 1))), "none", "{verbatim}");
    }
}

#[test]
fn without_evidence_both_centuries_of_the_register_are_kept() {
    assert_eq!(inferred("811218-0008", &CenturyEvidence::default()), "188112180008 or 198112180008");
    assert_eq!(inferred("030303-0001", &CenturyEvidence::default()), "190303030001 or 200303030001");
}

#[test]
fn a_plus_sign_goes_before_other_evidence() {
    assert_eq!(inferred("811218+0008", &CenturyEvidence::default()), "188112180008 Separator");
    assert_eq!(inferred("811218+0008", &evidence((1990, 5, 1))), "188112180008 Separator");
    let other_row =
        CenturyEvidence { twelve_digit_of_same_key: Some("200303030001"), ..evidence((2010, 1, 1)) };
    assert_eq!(inferred("030303+0001", &other_row), "190303030001 Separator");
}

#[test]
fn a_plus_sign_may_be_younger_than_its_row() {
    assert_eq!(inferred("100305+0000", &evidence((1998, 5, 1))), "191003050000 Separator");
}

#[test]
fn a_plus_sign_against_the_rows_date_decides_nothing() {
    assert_eq!(inferred("561218+0008", &evidence((2005, 5, 1))), "185612180008 or 195612180008");
    let other_row =
        CenturyEvidence { twelve_digit_of_same_key: Some("195612180008"), ..evidence((2005, 5, 1)) };
    assert_eq!(inferred("561218+0008", &other_row), "195612180008 SameKey");
}

#[test]
fn another_row_of_the_same_key_decides_when_its_birth_date_is_the_same() {
    let with = |other| CenturyEvidence { twelve_digit_of_same_key: Some(other), ..evidence((2010, 1, 1)) };
    assert_eq!(inferred("030303-0001", &with("19030303-0001")), "190303030001 SameKey");
    assert_eq!(inferred("030303-0001", &with("200303030001")), "200303030001 SameKey");
    assert_eq!(
        inferred("030363-0001", &with("200303030001")),
        "200303630001 SameKey",
        "it became a personnummer"
    );
    assert_eq!(inferred("030303T001", &with("23030303AB12")), "20030303T001 SameKey", "reservnummer of 2003");
    for no_help in ["030303-0001", "030303+0001", "190304030001", "250303030001", "191212121212", "", "okänd"]
    {
        let both = CenturyEvidence { twelve_digit_of_same_key: Some(no_help), ..CenturyEvidence::default() };
        assert_eq!(inferred("030303-0001", &both), "190303030001 or 200303030001", "{no_help}");
        assert_eq!(inferred("030303-0001", &with(no_help)), "190303030001 or 200303030001", "{no_help}");
    }
}

#[test]
fn the_rows_date_excludes_the_unborn_and_those_above_115() {
    for (verbatim, row_date, expected) in [
        ("811218-0008", (2010, 6, 1), "198112180008 RowDate"),
        ("950615-0000", (2005, 1, 1), "189506150000 or 199506150000"),
        ("880615-0000", (2005, 1, 1), "198806150000 RowDate"),
        ("060615-0000", (2005, 1, 1), "190606150000 RowDate"),
        ("050615-0000", (2005, 3, 1), "190506150000 RowDate"),
        ("050615-0000", (2005, 7, 1), "190506150000 or 200506150000"),
        ("890615-0000", (2005, 3, 1), "188906150000 or 198906150000"),
        ("890615-0000", (2005, 7, 1), "198906150000 RowDate"),
        ("320615-0000", (2040, 1, 1), "193206150000 or 203206150000"),
        ("320615-0000", (1790, 1, 1), "none"),
        ("320615-0000", (i32::MIN, 1, 1), "none"),
        ("320615-0000", (i32::MAX, 0, 0), "none"),
    ] {
        assert_eq!(inferred(verbatim, &evidence(row_date)), expected, "{verbatim} {row_date:?}");
    }
}

#[test]
fn the_day_of_a_personnummer_may_lie_after_the_day_of_the_row() {
    let same_month = "190503290000 or 200503290000";
    assert_eq!(inferred("050329-0000", &evidence((2005, 3, 2))), same_month);
}

#[test]
fn the_areas_ages_choose_between_two() {
    let row = (2010, 5, 1);
    assert_eq!(inferred("030303-0001", &aged(row, 0..=20)), "200303030001 RowDate");
    assert_eq!(inferred("030303-0001", &aged(row, 65..=115)), "190303030001 RowDate");
    assert_eq!(inferred("030303-0001", &aged(row, 0..=115)), "190303030001 or 200303030001");
    assert_eq!(inferred("030303-0001", &aged(row, 21..=64)), "190303030001 or 200303030001", "fits neither");
}

#[test]
fn the_areas_ages_do_not_make_anybody_older_than_115() {
    let row = (2020, 1, 1);
    assert_eq!(inferred("060615-0000", &aged(row, 65..=u16::MAX)), "190606150000 RowDate");
    assert_eq!(inferred("030303-0001", &aged(row, 65..=u16::MAX)), "200303030001 RowDate");
}

#[test]
fn the_areas_ages_never_exclude_the_last_candidate() {
    assert_eq!(inferred("561218-0008", &aged((2005, 5, 1), 65..=115)), "195612180008 RowDate");
}

#[test]
fn a_leap_day_needs_a_leap_year() {
    assert_eq!(inferred("000229-0005", &evidence((2010, 1, 1))), "200002290005 RowDate");
    assert_eq!(
        inferred("000230-0005", &evidence((2010, 1, 1))),
        "190002300005 or 200002300005",
        "no date at all"
    );
}

#[test]
fn an_unknown_month_gives_both_ages_their_chance() {
    assert_eq!(inferred("050060-0000", &evidence((2005, 1, 1))), "190500600000 or 200500600000");
    assert_eq!(inferred("060060-0000", &evidence((2005, 1, 1))), "190600600000 RowDate");
}

#[test]
fn letters_and_replaced_days_do_not_matter() {
    assert_eq!(inferred("810832-0014", &evidence((2010, 6, 1))), "198108320014 RowDate");
    assert_eq!(inferred("810829T001", &evidence((2010, 6, 1))), "19810829T001 RowDate");
    assert_eq!(inferred("810829-TF10", &evidence((2010, 6, 1))), "19810829TF10 RowDate");
}

#[test]
fn debug_of_evidence_and_answer_shows_no_number() {
    let with_number =
        CenturyEvidence { twelve_digit_of_same_key: Some("198112180008"), ..evidence((1995, 6, 1)) };
    let answer = infer_century(&classify("8112180008"), &with_number);
    assert_eq!(format!("{answer:?}"), "Certain(Canonical12(redacted), SameKey)");
    assert!(!format!("{with_number:?}").contains("1218"));
}
