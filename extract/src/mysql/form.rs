//! From what the server sends to what travels.

use crate::charset::Charset;
use crate::found::without_idle_fraction;

/// What the bytes of a column are, and so what has to be done to them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// Text in UTF-8, to be given on as it is.
    Text,
    /// Text in another character set, as it is stored.
    Encoded(Charset),
    /// An approximate number of single precision, written with the digits of a double.
    Single,
    /// An approximate number, which the server may have written with an exponent.
    Double,
    /// A time or a moment with a fraction.
    Time,
    /// A moment in UTC.
    MomentInUtc,
    /// Bytes.
    Bytes,
}

/// A value that has got its form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Formed<'r> {
    /// As the server sent it.
    Same(&'r [u8]),
    /// Text that was made here.
    Made(String),
    /// Bytes.
    Bytes(&'r [u8]),
    /// An approximate number.
    Real(f64),
}

impl Form {
    /// The value of these bytes; bytes that are not what the form says come back as bytes, which a text column
    /// does not take.
    pub(crate) fn of<'r>(&self, sent: &'r [u8]) -> Formed<'r> {
        let text = || std::str::from_utf8(sent).ok();
        let made = match self {
            Self::Text => return Formed::Same(sent),
            Self::Bytes => return Formed::Bytes(sent),
            Self::Double => {
                return text().and_then(|text| text.parse().ok()).map_or(Formed::Bytes(sent), Formed::Real);
            }
            Self::Encoded(charset) => charset.decode(sent).map(std::borrow::Cow::into_owned),
            // The shortest digits that read back as the same single.
            Self::Single => text().and_then(|text| text.parse::<f32>().ok()).map(|number| number.to_string()),
            Self::Time => text().map(|text| without_idle_fraction(text).to_owned()),
            Self::MomentInUtc => text().map(|text| {
                let moment = without_idle_fraction(text);
                // A moment that never was has no offset either.
                if moment.starts_with("0000") { moment.to_owned() } else { format!("{moment} +00:00") }
            }),
        };
        made.map_or(Formed::Bytes(sent), Formed::Made)
    }
}

/// The encoding behind the name of a character set; `None` for those in which the server's own conversion is
/// asked for, and for UTF-8.
pub(super) fn encoding(character_set: &str) -> Option<Charset> {
    Charset::named(match character_set {
        // What MySQL calls latin1 is the code page.
        "latin1" => "windows-1252",
        "latin2" => "iso-8859-2",
        "swe7" => "iso646-se",
        "cp850" => "cp850",
        "cp1250" => "windows-1250",
        "cp1251" => "windows-1251",
        "cp1257" => "windows-1257",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> Formed<'static> {
        Formed::Made(text.to_owned())
    }

    #[test]
    fn values_get_the_form_that_every_connector_gives() {
        assert_eq!(Form::Single.of(b"0.10000000149011612"), made("0.1"));
        assert_eq!(Form::Double.of(b"1e21"), Formed::Real(1e21));
        assert_eq!(Form::Time.of(b"07:05:00.250000"), made("07:05:00.25"));
        assert_eq!(Form::MomentInUtc.of(b"2024-03-31 01:30:00"), made("2024-03-31 01:30:00 +00:00"));
        assert_eq!(Form::MomentInUtc.of(b"0000-00-00 00:00:00"), made("0000-00-00 00:00:00"));
    }

    #[test]
    fn stored_text_is_decoded_by_what_its_column_claims() {
        let latin1 = Form::Encoded(encoding("latin1").unwrap());
        assert_eq!(latin1.of(b"\xe5\x80"), made("å€"));
        // UTF-8 in a latin1 column: the damage shows as it would to anybody who reads the column.
        assert_eq!(latin1.of("å".as_bytes()), made("Ã¥"));
        assert_eq!(Form::Double.of(b"x"), Formed::Bytes(b"x"));
    }
}
