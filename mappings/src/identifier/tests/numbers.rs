//! One test for each number series.

use super::super::{CenturySource, CheckOutcome, IdentifierKind, classify};
use super::{assert_classified, canonical, numbered};

#[test]
#[expect(clippy::disallowed_methods, reason = "the published list is too long to be part of a test")]
fn personnummer_published_for_tests_are_personnummer() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/skatteverket-testpersonnummer.txt");
    let Ok(list) = std::fs::read_to_string(path) else {
        eprintln!("Skatteverket's list of test numbers is not here: nothing was compared");
        return;
    };
    let mut lines = 0;
    for line in list.lines() {
        let identifier = classify(line);
        assert_eq!(identifier.kind, IdentifierKind::Personnummer, "{line}");
        assert_eq!((identifier.luhn, identifier.calendar), (CheckOutcome::Ok, CheckOutcome::Ok), "{line}");
        assert_eq!(canonical(&identifier).as_deref(), Some(line));
        assert!(identifier.is_valid_national(), "{line}");
        let long = identifier.format_long().expect("a full number has a long form");
        assert_eq!(canonical(&classify(&long)).as_deref(), Some(line));
        lines += 1;
    }
    assert!(lines > 40_000, "only {lines} numbers in the list");
}

#[test]
fn samordningsnummer_have_sixty_added_to_the_day() {
    assert_classified(&[
        ("198112780005", IdentifierKind::Samordningsnummer, CheckOutcome::Ok, CheckOutcome::Ok),
        ("811278-0005", IdentifierKind::Samordningsnummer, CheckOutcome::Ok, CheckOutcome::Ok),
        (&numbered("19810161000"), IdentifierKind::Samordningsnummer, CheckOutcome::Ok, CheckOutcome::Ok),
        (&numbered("19810191000"), IdentifierKind::Samordningsnummer, CheckOutcome::Ok, CheckOutcome::Ok),
        (&numbered("19810491000"), IdentifierKind::Samordningsnummer, CheckOutcome::Ok, CheckOutcome::Fail),
    ]);
    assert_eq!(classify("198112780005").target_code(), "samordning");
    assert!(classify("198112780005").is_valid_national());
}

#[test]
fn samordningsnummer_with_an_unknown_day_or_month_have_no_date_to_check() {
    for (verbatim, what) in [
        ("198100600009", "neither month nor day"),
        ("198108600001", "no day"),
        ("198100750002", "no month"),
        ("810060-0009", "neither, and no century"),
    ] {
        let identifier = classify(verbatim);
        assert_eq!(identifier.kind, IdentifierKind::Samordningsnummer, "{what}");
        assert_eq!(
            (identifier.luhn, identifier.calendar),
            (CheckOutcome::Ok, CheckOutcome::NotApplicable),
            "{what}"
        );
        assert_eq!((identifier.target_code(), identifier.birth_date()), ("samordning", None), "{what}");
    }
}

#[test]
fn region_stockholm_checks_characters_five_to_eleven() {
    for verbatim in ["991981000010", "991945000023", "991993000032", "99198100-0010"] {
        let identifier = classify(verbatim);
        assert_eq!(
            (identifier.kind, identifier.luhn),
            (IdentifierKind::ReservSthlm, CheckOutcome::Ok),
            "{verbatim}"
        );
        assert_eq!(identifier.century, CenturySource::NotApplicable, "99 is no century");
        assert_eq!(canonical(&identifier), Some(verbatim.replace('-', "")));
        assert_eq!(identifier.target_code(), "reserv_sthlm");
        let other_check_digit = numbered(&verbatim.replace('-', "")[..11]);
        assert_eq!(
            classify(&other_check_digit).luhn,
            CheckOutcome::Fail,
            "a personnummer's span is another one"
        );
    }
    assert_eq!(classify("9911180005").kind, IdentifierKind::Personnummer, "ten digits, born in 99");
}

#[test]
fn vastra_gotaland_puts_the_sex_letter_first() {
    assert_classified(&[
        ("19810829M071", IdentifierKind::ReservVgr, CheckOutcome::Ok, CheckOutcome::Ok),
        ("19450829K088", IdentifierKind::ReservVgr, CheckOutcome::Ok, CheckOutcome::Ok),
        ("19930829X802", IdentifierKind::ReservVgr, CheckOutcome::Ok, CheckOutcome::Ok),
        ("19930829-x802", IdentifierKind::ReservVgr, CheckOutcome::Ok, CheckOutcome::Ok),
        ("19930230X802", IdentifierKind::ReservVgr, CheckOutcome::Fail, CheckOutcome::Fail),
    ]);
    assert_eq!(classify("19810829M071").target_code(), "reserv_vgr");
    for (verbatim, kind) in [
        ("19810829K061", IdentifierKind::ReservVgr),
        ("19810829K891", IdentifierKind::ReservVgr),
        ("19810829K051", IdentifierKind::Interim),
        ("19810829K901", IdentifierKind::Interim),
        ("810829K061", IdentifierKind::ReservVgr),
    ] {
        assert_eq!(classify(verbatim).kind, kind, "{verbatim}");
    }
}

#[test]
fn carelink_and_halland_replace_the_day() {
    assert_classified(&[
        ("198108320014", IdentifierKind::ReservCarelink, CheckOutcome::Ok, CheckOutcome::NotApplicable),
        (
            &numbered("19811259000"),
            IdentifierKind::ReservCarelink,
            CheckOutcome::Ok,
            CheckOutcome::NotApplicable,
        ),
        ("810832-0014", IdentifierKind::ReservCarelink, CheckOutcome::Ok, CheckOutcome::NotApplicable),
    ]);
    assert_eq!(classify("198108320014").target_code(), "reserv_ovrig");
}

#[test]
fn varmland_begins_with_s_and_the_type_of_number() {
    for verbatim in ["19810829SU3A", "19450829SF2B", "19930829SX0C", "19930829SP19", "19930829-SL2Z"] {
        let identifier = classify(verbatim);
        assert_eq!(identifier.kind, IdentifierKind::ReservVarmland, "{verbatim}");
        assert_eq!(
            (identifier.luhn, identifier.calendar),
            (CheckOutcome::NotApplicable, CheckOutcome::Ok),
            "{verbatim}"
        );
        assert_eq!(identifier.target_code(), "reserv_ovrig");
    }
    assert_eq!(classify("19810829SF20").kind, IdentifierKind::ReservOvrig, "no serial 0");
    assert_eq!(classify("19810829SA21").kind, IdentifierKind::ReservOvrig, "no type A");
    assert_eq!(
        classify("22810829SF21").kind,
        IdentifierKind::Nrid,
        "the prefix is a national reservnummer's"
    );
}

#[test]
fn vasterbotten_shares_two_of_its_letters_with_interim_numbers() {
    for (verbatim, kind) in [
        ("19810829E123", IdentifierKind::ReservVasterbotten),
        ("19810829A123", IdentifierKind::ReservVasterbotten),
        ("19810829R123", IdentifierKind::Interim),
        ("810829E123", IdentifierKind::ReservVasterbotten),
    ] {
        let identifier = classify(verbatim);
        assert_eq!(identifier.kind, kind, "{verbatim}");
        assert_eq!(identifier.target_code(), "reserv_ovrig", "{verbatim}");
    }
}

#[test]
fn national_reservnummer_move_the_century() {
    for (verbatim, calendar, century) in [
        ("22810829AB12", CheckOutcome::Ok, CenturySource::Explicit),
        ("23050829-ABC1", CheckOutcome::Ok, CenturySource::Explicit),
        ("25810829AB12", CheckOutcome::Ok, CenturySource::Explicit),
        ("97810829YZ12", CheckOutcome::Ok, CenturySource::Explicit),
        ("22810230AB12", CheckOutcome::Fail, CenturySource::Explicit),
        ("22000229AB12", CheckOutcome::Fail, CenturySource::Explicit),
        ("23000229AB12", CheckOutcome::Ok, CenturySource::Explicit),
        ("00812045AB12", CheckOutcome::NotApplicable, CenturySource::NotApplicable),
        ("198120450012", CheckOutcome::NotApplicable, CenturySource::NotApplicable),
        ("198199990012", CheckOutcome::NotApplicable, CenturySource::NotApplicable),
    ] {
        let identifier = classify(verbatim);
        assert_eq!(identifier.kind, IdentifierKind::Nrid, "{verbatim}");
        assert_eq!(
            (identifier.luhn, identifier.calendar),
            (CheckOutcome::NotApplicable, calendar),
            "{verbatim}"
        );
        assert_eq!((identifier.century, identifier.canonical.is_some()), (century, true), "{verbatim}");
    }
    assert_eq!(classify("22810829AB12").target_code(), "nrid");
    for (verbatim, kind) in [
        ("22810829AO12", IdentifierKind::Invalid),
        ("22810829ABQ1", IdentifierKind::Invalid),
        ("22810829ABCD", IdentifierKind::Invalid),
        ("19810829AB12", IdentifierKind::ReservOvrig),
        ("810829AB12", IdentifierKind::ReservOvrig),
    ] {
        assert_eq!(classify(verbatim).kind, kind, "{verbatim}");
    }
}

#[test]
fn interim_letters_count_as_one() {
    for letter in "TRSUWXJKLMN".chars() {
        // The check digit over 810829 1 00, as though the letter were 1.
        let check_digit = numbered("19810829100").pop().expect("a number has characters");
        for form in [format!("19810829-{letter}00{check_digit}"), format!("810829{letter}00{check_digit}")] {
            let identifier = classify(&form);
            assert_eq!(identifier.kind, IdentifierKind::Interim, "{letter}");
            assert_eq!(
                (identifier.luhn, identifier.calendar),
                (CheckOutcome::Ok, CheckOutcome::Ok),
                "{letter}"
            );
            assert_eq!(identifier.target_code(), "reserv_ovrig");
            assert_eq!(classify(&form.to_lowercase()), identifier, "{letter}");
        }
    }
    assert_eq!(classify("19811399T001").target_code(), "okand", "letters do not excuse the date");
}

#[test]
fn tf_nummer_are_the_municipalitys_own() {
    for verbatim in ["19810829-TF10", "19810829tf10", "810829-TF10"] {
        let identifier = classify(verbatim);
        assert_eq!(identifier.kind, IdentifierKind::TfNummer, "{verbatim}");
        assert_eq!(
            (identifier.target_code(), identifier.luhn),
            ("lokal", CheckOutcome::NotApplicable),
            "{verbatim}"
        );
    }
}

#[test]
fn other_letters_after_a_date_are_a_reservnummer_of_somebody() {
    for verbatim in
        ["19810829DA0B", "810829EF1C", "19810829TA1B", "19810829001R", "19810829-12K3", "19810230AA1A"]
    {
        assert_eq!(classify(verbatim).kind, IdentifierKind::ReservOvrig, "{verbatim}");
    }
    assert_eq!(classify("19810829DA0B").target_code(), "reserv_ovrig");
    assert_eq!(classify("19810230AA1A").target_code(), "okand");
}

#[test]
fn organisationsnummer_have_two_or_more_as_the_third_digit() {
    for verbatim in ["212000-0142", "2120000142", "162120000142", "16212000-0142"] {
        let identifier = classify(verbatim);
        assert_eq!(
            (identifier.kind, identifier.luhn),
            (IdentifierKind::Organisationsnummer, CheckOutcome::Ok),
            "{verbatim}"
        );
        assert_eq!(canonical(&identifier).as_deref(), Some("162120000142"), "{verbatim}");
        assert_eq!(identifier.century, CenturySource::NotApplicable, "{verbatim}");
        assert_eq!(identifier.target_code(), "okand", "no identifier of a person");
    }
    assert_eq!(classify("232100-0016").luhn, CheckOutcome::Ok);
    assert_eq!(classify("16811218-0008").kind, IdentifierKind::Organisationsnummer, "sole trader, prefixed");
    assert_eq!(classify("811218-0008").kind, IdentifierKind::Personnummer, "third digit 1");
}

#[test]
fn lma_nummer_have_the_hyphen_after_two_digits() {
    for verbatim in ["12-345678", "12\u{2212}345678", "12-345678/1", "12-345678/12"] {
        let identifier = classify(verbatim);
        assert_eq!((identifier.kind, identifier.compact()), (IdentifierKind::Lma, "12345678"), "{verbatim}");
        assert_eq!(identifier.target_code(), "lma");
        assert_eq!(identifier.format_long().as_deref(), Some("12-345678"));
    }
    for verbatim in ["12345678", "12-345678/", "12-34567/1", "12/345678", "12-3456789", "12-345678/1234"] {
        assert_eq!(classify(verbatim).kind, IdentifierKind::Invalid, "{verbatim}");
    }
}
