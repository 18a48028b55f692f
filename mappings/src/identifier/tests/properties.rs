//! What holds for every value. Generated numbers have the birth number 000, which is assigned to
//! nobody.

use proptest::prelude::*;

use super::super::{CenturyEvidence, CenturyInference, CheckOutcome, classify, infer_century};
use super::{canonical, numbered};

/// A personnummer or samordningsnummer of twelve digits with an existing date in 1832-2031.
fn national_number() -> impl Strategy<Value = String> {
    (1832_u16..=2031, 1_u8..=12, 1_u8..=28, any::<bool>()).prop_map(|(year, month, day, samordning)| {
        let day = if samordning { day + 60 } else { day };
        numbered(&format!("{year}{month:02}{day:02}000"))
    })
}

/// Characters that identifiers are made of, and some that they are not.
fn awkward_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[0-9]{10,12}", "[ 0-9A-Z+\u{2212}/-]{0,18}", "[0-9]{6,8}[-+]?[0-9A-Zåx]{4}"]
}

fn row_of(year: i32, month: u8) -> CenturyEvidence<'static> {
    CenturyEvidence { row_date: Some((year, month, 1)), ..CenturyEvidence::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn writing_and_classifying_is_the_identity(
        number in national_number(),
        turned in 0_i32..=115,
    ) {
        let identifier = classify(&number);
        prop_assert!(identifier.is_valid_national());
        let long = identifier.format_long().expect("the number is complete");
        prop_assert_eq!(classify(&long), identifier);
        let (birth_year, ..) = identifier.birth_date().expect("the date exists");
        let Some(short) = identifier.format_short(i32::from(birth_year) + turned) else {
            return Ok(());
        };
        let evidence = CenturyEvidence {
            twelve_digit_of_same_key: Some(&number),
            ..CenturyEvidence::default()
        };
        let CenturyInference::Certain(found, _) = infer_century(&classify(&short), &evidence) else {
            return Err(TestCaseError::fail("the number itself settles its century"));
        };
        prop_assert_eq!(found.as_str(), number.as_str());
    }

    #[test]
    fn the_rows_date_never_excludes_the_right_century(
        number in national_number(),
        age in 0_i32..=114,
        month in 1_u8..=12,
    ) {
        let birth_date = classify(&number).birth_date();
        let (birth_year, birth_month, _) = birth_date.expect("the date exists");
        let year = i32::from(birth_year) + age + i32::from(month < birth_month);
        let candidates = match infer_century(&classify(&number[2..]), &row_of(year, month)) {
            CenturyInference::Certain(only, _) => vec![only],
            CenturyInference::Ambiguous(both) => both.to_vec(),
            CenturyInference::None => vec![],
        };
        prop_assert!(candidates.iter().any(|candidate| candidate.as_str() == number));
    }

    #[test]
    fn one_wrong_digit_is_always_found(
        number in national_number(),
        at in 2_usize..12,
        by in 1_u8..10,
    ) {
        let mut digits = number.into_bytes();
        digits[at] = (digits[at] - b'0' + by) % 10 + b'0';
        let changed = String::from_utf8(digits).expect("digits are ASCII");
        prop_assert_ne!(classify(&changed).luhn, CheckOutcome::Ok);
        prop_assert_ne!(classify(&changed[2..]).luhn, CheckOutcome::Ok);
    }

    #[test]
    fn swapped_neighbours_are_found_but_for_nought_and_nine(
        number in national_number(),
        at in 2_usize..11,
    ) {
        let mut digits = number.into_bytes();
        let pair = (digits[at].min(digits[at + 1]), digits[at].max(digits[at + 1]));
        digits.swap(at, at + 1);
        let swapped = String::from_utf8(digits).expect("digits are ASCII");
        let undetectable = pair.0 == pair.1 || pair == (b'0', b'9');
        // The swap can make it a number of another series, with another check digit or none.
        for luhn in [classify(&swapped).luhn, classify(&swapped[2..]).luhn] {
            if luhn != CheckOutcome::NotApplicable {
                prop_assert_eq!(luhn == CheckOutcome::Ok, undetectable);
            }
        }
    }

    #[test]
    fn every_text_has_an_answer_that_stays_the_same(
        text in awkward_text(),
        year in 1900_i32..2100,
    ) {
        let identifier = classify(&text);
        prop_assert_eq!(classify(&text), identifier);
        prop_assert!(!identifier.kind.name().is_empty() && !identifier.target_code().is_empty());
        if let Some(long) = identifier.format_long() {
            let back = classify(&long);
            prop_assert_eq!(back.kind, identifier.kind);
            prop_assert_eq!(canonical(&back), canonical(&identifier));
            prop_assert_eq!((back.luhn, back.calendar), (identifier.luhn, identifier.calendar));
        }
        if let Some(short) = identifier.format_short(year) {
            prop_assert_eq!(classify(&short).kind, identifier.kind);
        }
        let inferred = infer_century(&identifier, &row_of(year, 6));
        if let CenturyInference::Certain(found, _) = inferred {
            prop_assert_eq!(classify(found.as_str()).kind, identifier.kind);
            prop_assert!(found.as_str().ends_with(identifier.compact()));
        }
    }
}
