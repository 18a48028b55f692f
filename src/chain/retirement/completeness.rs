//! What may be said of a row that the run does not give: only where everything was read is it gone.

use std::collections::BTreeSet;

use bron_load::Ended;

use super::Origin;
use crate::chain::{Chain, StagedTables};
use crate::failure::Failure;

/// How far the reading of a run can be trusted to be all there is.
pub(super) struct Completeness {
    /// Tables of which something may be missing: a row that is not read of them may still be there.
    partial: BTreeSet<Origin>,
    /// Whether something is missing that nobody has decided about: a rule that holds a row back or leaves it out may
    /// have looked for it.
    undecided: bool,
}

impl Completeness {
    /// A file that never came (D67), control lines that say something else than the rows (D69), and lines that could
    /// not be read leave a table partial. All but the lines, and files that the project has decided to go without,
    /// are undecided.
    pub(super) fn of(chain: &Chain<'_>, staged: &StagedTables) -> Result<Self, Failure> {
        let (mut partial, mut undecided) = (BTreeSet::new(), false);
        for files in chain.missing_deliveries()? {
            if !files.missing.is_empty() {
                undecided |= files.missing.iter().any(|file| !files.decided.contains(file));
                partial.insert((files.system, files.table));
            }
        }
        for (origin, table) in staged {
            let Some(ledger) = &table.manifest.ledger else { continue };
            let contradicted = ledger.files.iter().any(|file| !file.controls.is_empty());
            undecided |= contradicted;
            if contradicted || !ledger.quarantined.is_empty() {
                partial.insert(origin.clone());
            }
        }
        Ok(Self { partial, undecided })
    }

    /// Whether rows of a table may be retired for this reason.
    pub(super) fn allows(&self, origin: &Origin, because: Ended) -> bool {
        match because {
            Ended::Gone => !self.partial.contains(origin),
            Ended::Replaced | Ended::HeldBack | Ended::LeftOut | Ended::Merged | Ended::NotGiven => {
                !self.undecided
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_gone_only_of_a_table_that_was_read_whole() {
        let [whole, partial] = ["a", "b"].map(|table| ("s".to_owned(), table.to_owned()));
        let decided = Completeness { partial: BTreeSet::from([partial.clone()]), undecided: false };
        assert!(decided.allows(&whole, Ended::Gone) && !decided.allows(&partial, Ended::Gone));
        assert!(decided.allows(&partial, Ended::HeldBack) && decided.allows(&whole, Ended::Merged));
        let open = Completeness { undecided: true, ..decided };
        assert!(open.allows(&whole, Ended::Gone) && !open.allows(&whole, Ended::LeftOut));
    }
}
