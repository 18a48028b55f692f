//! The format of the control tables: judged before a target is used, and brought to the newest by whoever may write.

use bron_mappings::Artefact;

use crate::error::Result;
use crate::layout::Dialect;

const TABLE: &str = "bron_schema";

/// The format that a target's control tables have, by what they say of themselves. The first said nothing.
///
/// # Errors
/// Of kind `Format`, naming the table and what to do, when a newer program made them.
pub(crate) fn judged(stored: Option<&str>) -> Result<u32> {
    let found = stored.map_or(1, |text| text.parse().unwrap_or(0));
    Artefact::ControlTables.require(&TABLE, found.into())?;
    Ok(found)
}

/// What the control tables say of themselves once they have the newest format.
pub(crate) fn newest() -> String {
    Artefact::ControlTables.newest().to_string()
}

/// The statements that bring control tables of an older format to the newest, run in the transaction that prepares
/// the target.
///
/// Format 1 had `bron_receipt` and `bron_schema` alone, without a number. Format 2 also has `bron_refused`, `bron_run`
/// and a history table for each entity. Whoever prepares a target makes what it lacks of these, and no table of format
/// 1 has another form in format 2, so nothing is left to be done.
pub(crate) const fn upgrade(_from: u32, _dialect: Dialect) -> Vec<String> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_target_without_a_number_is_of_the_first_format() {
        assert_eq!(judged(None).unwrap(), 1);
        assert_eq!(judged(Some(&newest())).unwrap(), Artefact::ControlTables.newest());
        for unknown in ["99", "0", "x", ""] {
            let error = judged(Some(unknown)).unwrap_err();
            assert!(
                error.kind() == ErrorKind::Format && error.to_string().contains("bron_schema"),
                "{error}"
            );
        }
    }
}
