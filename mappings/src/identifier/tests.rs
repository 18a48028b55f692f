mod century;
mod formats;
mod numbers;
mod properties;

use super::{CenturySource, CheckOutcome, Identifier, IdentifierKind, SENTINELS, SentinelPattern, classify};

/// `digits` and the check digit over its last nine.
fn numbered(digits: &str) -> String {
    let nine: Vec<u8> = digits.bytes().skip(digits.len() - 9).map(|byte| byte - b'0').collect();
    format!("{digits}{}", super::luhn_check_digit(&nine))
}

fn canonical(identifier: &Identifier) -> Option<String> {
    identifier.canonical.map(|canonical| canonical.as_str().to_owned())
}

/// Kind, check digit and calendar of every value must be as in the row.
fn assert_classified(rows: &[(&str, IdentifierKind, CheckOutcome, CheckOutcome)]) {
    for (verbatim, kind, luhn, calendar) in rows {
        let identifier = classify(verbatim);
        assert_eq!(
            (identifier.kind, identifier.luhn, identifier.calendar),
            (*kind, *luhn, *calendar),
            "{verbatim:?}"
        );
    }
}

#[test]
fn blanks_and_hyphens_of_every_sort_are_normalised() {
    for verbatim in [
        "198112180008",
        "19811218-0008",
        " 19811218-0008\t",
        "19811218\u{2212}0008",
        "19811218\u{2010}0008",
        "19811218\u{2013}0008",
        "19811218\u{2015}0008",
        "1981 12 18 - 0008",
        "19811218\u{a0}0008",
        "\u{a0}19811218\u{202f}0008\r\n",
        "19811218+0008",
    ] {
        let identifier = classify(verbatim);
        assert_eq!(identifier.kind, IdentifierKind::Personnummer, "{verbatim:?}");
        assert_eq!(canonical(&identifier).as_deref(), Some("198112180008"), "{verbatim:?}");
        assert_eq!(identifier.century, CenturySource::Explicit, "{verbatim:?}");
        assert_eq!(identifier.compact(), "198112180008", "{verbatim:?}");
        assert!(identifier.is_valid_national(), "{verbatim:?}");
    }
}

#[test]
fn a_number_with_ten_digits_waits_for_its_century() {
    for verbatim in ["8112180008", "811218-0008", "811218\u{2212}0008", "811218 0008"] {
        let identifier = classify(verbatim);
        assert_eq!(identifier.kind, IdentifierKind::Personnummer, "{verbatim:?}");
        assert_eq!(
            (identifier.canonical, identifier.century),
            (None, CenturySource::Unknown),
            "{verbatim:?}"
        );
        assert_eq!(
            (identifier.luhn, identifier.calendar),
            (CheckOutcome::Ok, CheckOutcome::Ok),
            "{verbatim:?}"
        );
        assert_eq!(identifier.compact(), "8112180008", "{verbatim:?}");
        assert!(!identifier.is_valid_national(), "{verbatim:?}");
        assert_eq!(identifier.birth_date(), None, "{verbatim:?}");
    }
}

#[test]
fn a_plus_sign_means_the_earlier_century() {
    for (verbatim, expected) in [
        ("811218+0008", "188112180008"),
        ("100305+0000", "191003050000"),
        ("310101+0001", "193101010001"),
        ("320101+0000", "183201010000"),
    ] {
        let identifier = classify(verbatim);
        assert_eq!(identifier.century, CenturySource::Separator, "{verbatim}");
        assert!(!identifier.is_valid_national(), "its row may contradict it: {verbatim}");
        assert_eq!(canonical(&identifier).as_deref(), Some(expected));
        assert_eq!(
            (identifier.luhn, identifier.calendar),
            (CheckOutcome::Ok, CheckOutcome::Ok),
            "{verbatim}"
        );
    }
    assert_eq!(classify("000229-0005").calendar, CheckOutcome::Ok, "29 February 2000");
    assert_eq!(classify("000229+0005").calendar, CheckOutcome::Fail, "1900 was no leap year");
}

#[test]
fn nothing_is_empty_and_a_placeholder_is_a_sentinel() {
    for verbatim in ["", " ", "\t\r\n", "\u{a0}\u{202f}"] {
        assert_eq!(classify(verbatim).kind, IdentifierKind::Empty, "{verbatim:?}");
    }
    for verbatim in [
        "-",
        "--",
        "\u{2013}",
        "/",
        "0",
        "0000",
        "9999",
        "0000000000",
        "000000-0000",
        "00000000-0000",
        "9999999999",
        "999999999999",
        "X",
        "xxxxxx-xxxx",
        "XXXXXXXXXXXX",
        "19450102-XXXX",
        "450102-xxxx",
        "191212121212",
        "19121212-1212",
        "121212-1212",
        "121212+1212",
        "19000101",
        "1900-01-01",
        "19000101-0000",
        "19000101-9999",
        "000101-0000",
        "000101-9999",
    ] {
        let identifier = classify(verbatim);
        assert_eq!(identifier.kind, IdentifierKind::Sentinel, "{verbatim:?}");
        assert_eq!(
            (identifier.canonical, identifier.century),
            (None, CenturySource::NotApplicable),
            "{verbatim:?}"
        );
        assert_eq!(identifier.target_code(), "lokal", "{verbatim:?}");
        assert!(!identifier.is_valid_national(), "{verbatim:?}");
    }
}

#[test]
fn every_entry_of_the_sentinel_list_is_found_and_reasoned() {
    for sentinel in SENTINELS {
        let example = match sentinel.pattern {
            SentinelPattern::Exact(text) => text.to_owned(),
            SentinelPattern::Filled(character) => String::from(character).repeat(10),
            SentinelPattern::Ending(text) => format!("450102{text}"),
        };
        assert_eq!(classify(&example).kind, IdentifierKind::Sentinel, "{example}");
        assert!(!sentinel.reason.is_empty(), "{example}");
    }
}

#[test]
fn what_looks_like_a_sentinel_at_one_end_only_is_none() {
    assert_eq!(classify("00000000-0001").kind, IdentifierKind::Invalid);
    assert_eq!(classify("19000101-0007").kind, IdentifierKind::Personnummer, "a person born that day");
    assert_eq!(classify("19811218X001").kind, IdentifierKind::Interim);
    assert_eq!(classify("99999999-9991").kind, IdentifierKind::ReservSthlm);
}

#[test]
fn the_check_digit_has_no_part_in_the_kind() {
    assert_classified(&[
        ("198112180009", IdentifierKind::Personnummer, CheckOutcome::Fail, CheckOutcome::Ok),
        ("198112780008", IdentifierKind::Samordningsnummer, CheckOutcome::Fail, CheckOutcome::Ok),
        ("991981000011", IdentifierKind::ReservSthlm, CheckOutcome::Fail, CheckOutcome::NotApplicable),
        ("198108320015", IdentifierKind::ReservCarelink, CheckOutcome::Fail, CheckOutcome::NotApplicable),
        ("2120000143", IdentifierKind::Organisationsnummer, CheckOutcome::Fail, CheckOutcome::NotApplicable),
        ("19810829M072", IdentifierKind::ReservVgr, CheckOutcome::Fail, CheckOutcome::Ok),
    ]);
    assert_eq!(classify("198112180009").target_code(), "pnr");
}

#[test]
fn an_impossible_date_keeps_its_kind_and_loses_its_code() {
    let rows =
        ["198102300004", "19810230-0004", "8102300004", "19010229-0004", "19000229-0005", "181002300008"];
    for verbatim in rows {
        let identifier = classify(verbatim);
        assert_eq!(
            (identifier.kind, identifier.calendar),
            (IdentifierKind::Personnummer, CheckOutcome::Fail),
            "{verbatim}"
        );
        assert_eq!(identifier.target_code(), "okand", "{verbatim}");
        assert!(!identifier.is_valid_national() && identifier.birth_date().is_none(), "{verbatim}");
    }
    assert_eq!(classify("198102300004").luhn, CheckOutcome::Ok, "the check digit knows no calendar");
    assert_eq!(classify("230112180008").calendar, CheckOutcome::Fail, "nobody is born in that century yet");
    assert_eq!(classify("19810290-0004").kind, IdentifierKind::Samordningsnummer, "30 February and 60");
    assert_eq!(classify("19810290-0004").target_code(), "okand");
}

#[test]
fn texts_that_are_no_identifier_are_invalid() {
    for verbatim in [
        "19450102",
        "450102",
        "12345",
        "811218000",
        "81121800081",
        "1981121800081",
        "19811318-0008",
        "198100180008",
        "198112000008",
        "198112920008",
        "198100310008",
        "81121-80008",
        "1981-12-18-0008",
        "811218--0008",
        "811218/0008",
        "811318-0000",
        "812018+0008",
        "1981121A0008",
        "A98112180008",
        "811218-000å",
        "Tolvan",
        "okänd",
        "1,9E+11",
        "=\"0180\"",
        "19811218_0008",
        "19811218\n0008",
        "٠٠٠٠٠٠٠٠٠٠",
        "198112180008198112180008",
        "XXXXXXXXXXXXXXXXXXXXXXXX",
        "25810829AB12X",
        "25811399Q112",
        "17810829AB1C",
        "\u{feff}198112180008",
    ] {
        let identifier = classify(verbatim);
        assert_eq!(identifier.kind, IdentifierKind::Invalid, "{verbatim:?}");
        assert_eq!((identifier.canonical, identifier.target_code()), (None, "okand"), "{verbatim:?}");
    }
}

#[test]
fn nothing_of_the_number_is_shown_by_debug() {
    for verbatim in ["198112180008", "811218+0008", "991981000010", "19810829SF2B"] {
        let identifier = classify(verbatim);
        let shown = format!("{identifier:?} {:?}", identifier.canonical);
        for length in 3..=verbatim.len() {
            let shows = verbatim
                .as_bytes()
                .windows(length)
                .any(|part| shown.as_bytes().windows(length).any(|text| text.eq_ignore_ascii_case(part)));
            assert!(!shows, "{length} characters of {verbatim} in {shown}");
        }
    }
}

#[test]
fn date_and_sex_digit_come_out_of_the_number() {
    let facts = |verbatim| {
        let identifier = classify(verbatim);
        (identifier.birth_date(), identifier.sex_digit())
    };
    assert_eq!(facts("198112180008"), (Some((1981, 12, 18)), Some(0)));
    assert_eq!(facts("198112780005"), (Some((1981, 12, 18)), Some(0)));
    assert_eq!(facts("100305+0000"), (Some((1910, 3, 5)), Some(0)));
    assert_eq!(facts("8112180008"), (None, Some(0)));
    assert_eq!(facts("22450829AB12"), (Some((1945, 8, 29)), None));
    assert_eq!(facts("24450829AB12"), (Some((1845, 8, 29)), None));
    assert_eq!(facts("25450829AB12"), (Some((1945, 8, 29)), None));
    assert_eq!(facts("991981000010"), (None, None));
    assert_eq!(facts(""), (None, None));
}
