//! Constants and defaults of a mapping, read once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bron_mappings::FieldType;

use crate::calendar::{parse_date, parse_time};
use crate::functions::{Build, Cell, Outcome, Settings, find};

/// The value that a text of a mapping file stands for; `None` when no value of the type is written so,
/// and for ids, which no mapping can write.
pub(crate) fn constant(kind: &FieldType, text: &str) -> Option<Cell<'static>> {
    match kind {
        FieldType::Bool => match text {
            "true" => Some(Cell::Bool(true)),
            "false" => Some(Cell::Bool(false)),
            _ => None,
        },
        FieldType::Int | FieldType::Ore | FieldType::Minutes => text.parse().ok().map(Cell::Int),
        FieldType::Date => parse_date(text).map(Cell::Date),
        FieldType::Time => parse_time(text).map(Cell::Time),
        FieldType::Text | FieldType::Code => Some(Cell::Text(Cow::Owned(text.to_owned()))),
        FieldType::Bytes => Some(Cell::Bytes(Cow::Owned(text.as_bytes().to_vec()))),
        FieldType::Decimal { scale } => decimal(text, *scale),
        FieldType::Id | FieldType::Ref { .. } => None,
    }
}

/// A decimal number as the function `decimal` reads it.
fn decimal(text: &str, scale: i8) -> Option<Cell<'static>> {
    let Build::Field(build) = find("decimal")?.build else { return None };
    let read = build(&Settings { arguments: &BTreeMap::new(), scale: Some(scale) }).ok()?;
    match read(&[Some(text)]) {
        Outcome::Value(Cell::Decimal(number)) => Some(Cell::Decimal(number)),
        Outcome::Value(_) | Outcome::Null | Outcome::Marked { .. } | Outcome::Bad(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &FieldType, text: &str) -> Option<String> {
        constant(kind, text).map(|cell| cell.describe())
    }

    #[test]
    fn every_type_but_an_id_has_constants() {
        let reference = FieldType::Ref { entity: "person".to_owned() };
        for (kind, text, expected) in [
            (FieldType::Bool, "true", Some("true")),
            (FieldType::Bool, "false", Some("false")),
            (FieldType::Int, "-7", Some("-7")),
            (FieldType::Ore, "612000", Some("612000")),
            (FieldType::Minutes, "15", Some("15")),
            (FieldType::Date, "2014-10-31", Some("2014-10-31")),
            (FieldType::Time, "2014-10-31 08:15", Some("2014-10-31 08:15:00")),
            (FieldType::Text, "Åsa", Some("Åsa")),
            (FieldType::Code, "", Some("")),
            (FieldType::Bytes, "ab", Some("6162")),
            (FieldType::Decimal { scale: 2 }, "12.5", Some("1250")),
            (FieldType::Id, "1", None),
            (reference, "1", None),
        ] {
            assert_eq!(read(&kind, text).as_deref(), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_text_that_is_no_value_of_the_type_is_no_constant() {
        for (kind, text) in [
            (FieldType::Bool, "ja"),
            (FieldType::Bool, ""),
            (FieldType::Int, "1.5"),
            (FieldType::Ore, "6 120"),
            (FieldType::Date, "2014-02-30"),
            (FieldType::Time, "2014-10-31 25:00"),
            (FieldType::Decimal { scale: 2 }, "0.001"),
            (FieldType::Decimal { scale: 2 }, ""),
        ] {
            assert_eq!(read(&kind, text), None, "{kind:?} {text}");
        }
    }
}
