//! The check digit that personal and organisation numbers share.

/// Twice the digit, with the two digits of the product added together.
const DOUBLED: [u8; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];

/// The Luhn check digit (0-9) for `digits`, which are values 0-9 and not characters.
///
/// The digit nearest the check digit has weight 2, the one before it weight 1, and so on. For the
/// spans in use here, nine digits of a personnummer and seven of Region Stockholm's reservnummer,
/// the first digit has weight 2 as well. The function is total: a value above 9 counts as its last
/// digit.
///
/// ```
/// // Region Stockholm's 991981000010: the last character is computed over the 5th to the 11th.
/// assert_eq!(bron_mappings::luhn_check_digit(&[8, 1, 0, 0, 0, 0, 1]), 0);
/// ```
pub fn luhn_check_digit(digits: &[u8]) -> u8 {
    let mut sum = 0_u64;
    let mut doubled = true;
    for digit in digits.iter().rev().map(|value| value % 10) {
        let term = if doubled { DOUBLED[usize::from(digit)] } else { digit };
        sum += u64::from(term);
        doubled = !doubled;
    }
    u8::try_from((10 - sum % 10) % 10).expect("a remainder of ten is a digit")
}

#[cfg(test)]
mod tests {
    use proptest::array::uniform9;
    use proptest::prelude::*;

    use super::luhn_check_digit;

    /// All ten digits of a number: the nine given and their check digit.
    fn with_check_digit(nine: [u8; 9]) -> [u8; 10] {
        let mut ten = [0; 10];
        ten[..9].copy_from_slice(&nine);
        ten[9] = luhn_check_digit(&nine);
        ten
    }

    fn holds(ten: [u8; 10]) -> bool {
        luhn_check_digit(&ten[..9]) == ten[9]
    }

    #[test]
    fn known_numbers_have_their_check_digit() {
        // Stockholms stad 212000-0142 and Region Stockholm 232100-0016.
        assert_eq!(luhn_check_digit(&[2, 1, 2, 0, 0, 0, 0, 1, 4]), 2);
        assert_eq!(luhn_check_digit(&[2, 3, 2, 1, 0, 0, 0, 0, 1]), 6);
        assert_eq!(luhn_check_digit(&[]), 0);
    }

    #[test]
    fn values_above_nine_count_as_their_last_digit() {
        assert_eq!(luhn_check_digit(&[18, 251]), luhn_check_digit(&[8, 1]));
    }

    proptest! {
        #[test]
        fn every_single_digit_error_is_detected(
            nine in uniform9(0_u8..10),
            at in 0_usize..10,
            by in 1_u8..10,
        ) {
            let mut ten = with_check_digit(nine);
            prop_assert!(holds(ten));
            ten[at] = (ten[at] + by) % 10;
            prop_assert!(!holds(ten));
        }

        #[test]
        fn adjacent_transpositions_are_detected_but_for_nought_and_nine(
            nine in uniform9(0_u8..10),
            at in 0_usize..9,
        ) {
            let mut ten = with_check_digit(nine);
            let pair = (ten[at].min(ten[at + 1]), ten[at].max(ten[at + 1]));
            ten.swap(at, at + 1);
            prop_assert_eq!(holds(ten), pair.0 == pair.1 || pair == (0, 9));
        }
    }
}
