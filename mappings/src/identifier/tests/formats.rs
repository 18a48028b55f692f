//! The written forms.

use super::super::{CenturySource, classify};
use super::canonical;

#[test]
fn the_long_form_has_four_digits_of_the_year() {
    for (verbatim, expected) in [
        ("198112180008", Some("19811218-0008")),
        ("811218+0008", Some("18811218-0008")),
        ("811218-0008", None),
        ("991981000010", Some("991981000010")),
        ("22810829-AB12", Some("22810829AB12")),
        ("19810829sf2b", Some("19810829-SF2B")),
        ("2120000142", Some("16212000-0142")),
        ("0000000000", None),
        ("okänd", None),
        ("", None),
    ] {
        assert_eq!(classify(verbatim).format_long().as_deref(), expected, "{verbatim}");
    }
}

#[test]
fn the_short_form_has_a_plus_sign_from_the_year_of_turning_a_hundred() {
    let short = |verbatim, year| classify(verbatim).format_short(year);
    assert_eq!(short("191003050000", 2009).as_deref(), Some("100305-0000"));
    assert_eq!(short("191003050000", 2010).as_deref(), Some("100305+0000"));
    assert_eq!(short("198112180008", 2025).as_deref(), Some("811218-0008"));
    assert_eq!(short("198112180008", 2081), None, "a plus sign would say 1881");
    assert_eq!(short("198112180008", i32::MIN).as_deref(), Some("811218-0008"));
    assert_eq!(short("162120000142", 2025).as_deref(), Some("212000-0142"));
    for without in
        ["991981000010", "22810829AB12", "8112180008", "12-345678", "", "168112180008", "181212121212"]
    {
        assert_eq!(short(without, 2025), None, "{without}");
    }
}

#[test]
fn what_a_spreadsheet_keeps_as_text_is_read_as_its_inside() {
    for (kept, inside) in [("=\"198112180008\"", "198112180008"), (" =\"811218-0008\" ", "811218-0008")] {
        assert_eq!(classify(kept), classify(inside), "{kept}");
    }
    for other in ["=198112180008", "\"198112180008\"", "=\"198112180008", "==\"198112180008\""] {
        assert_eq!(classify(other).kind, super::super::IdentifierKind::Invalid, "{other}");
    }
}

#[test]
fn the_sign_of_the_short_form_is_read_back() {
    let identifier = classify("191003050000");
    let back = classify(&identifier.format_short(2015).expect("the number is complete"));
    assert_eq!((canonical(&back), back.century), (canonical(&identifier), CenturySource::Separator));
}
