//! Texts that could name a person.

/// Whether a text holds something that has the form of a person number, with or without a mark before its
/// last four.
#[must_use]
pub fn may_name_a_person(text: &str) -> bool {
    const DIGITS: usize = 10;
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    (0..bytes.len()).filter(|at| digit(*at) && (*at == 0 || !digit(*at - 1))).any(|start| {
        let run = (start..bytes.len()).take_while(|at| digit(*at)).count();
        let mark = matches!(bytes.get(start + run), Some(b'-' | b'+'));
        let last = bytes.iter().skip(start + run + 1).take_while(|one| one.is_ascii_alphanumeric()).count();
        run >= DIGITS || (mark && run >= 6 && last >= 4)
    })
}

#[cfg(test)]
mod tests {
    use super::may_name_a_person;

    #[test]
    fn what_has_the_form_of_a_person_number_is_no_key() {
        for number in ["19121212-0000", "121212+0000", "191212120000", "1212120000", "kund 121212-00TF"] {
            assert!(may_name_a_person(number), "{number}");
        }
        for key in ["8", "12|34|2016-01-01 00:00:00", "besok_201401_U02.csv:12", "20141201", "7-1"] {
            assert!(!may_name_a_person(key), "{key}");
        }
    }
}
