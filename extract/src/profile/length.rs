//! How long the values of a column are, and whether they look cut off.

use std::collections::BTreeMap;

use bron_mappings::FEWEST_SHOWN;
use serde::Serialize;

/// The lengths up to a limit that are told, and looked at to say whether texts were cut there.
const BEFORE: u64 = 8;
/// Longer values than this are counted as this long, so that memory stays small.
const COUNTED: u64 = 1 << 16;
/// Shorter texts end at a round length by themselves.
const CUT_FROM: u64 = 10;

/// How long values are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lengths {
    /// The shortest.
    pub shortest: u64,
    /// The longest.
    pub longest: u64,
    /// The most that the declared type has room for, where it says so.
    pub declared: Option<u64>,
    /// How many values have the longest lengths: nine lengths in a row, the last of them the one at which values
    /// look cut, or the longest.
    pub ends: Vec<LengthCount>,
    /// The length at which values look cut off: at least three times as many values end there as at the eight
    /// lengths before on average.
    pub cut_at: Option<u64>,
}

/// How many values have a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LengthCount {
    /// The length.
    pub length: u64,
    /// The values; `None` for one to four.
    pub values: Option<u64>,
}

/// The lengths of a column while it is read.
#[derive(Default)]
pub(super) struct LengthCounter(BTreeMap<u64, u64>);

impl LengthCounter {
    pub(super) fn see(&mut self, length: usize) {
        let length = u64::try_from(length).unwrap_or(u64::MAX).min(COUNTED);
        *self.0.entry(length).or_default() += 1;
    }

    /// `free` says whether the values are texts whose length is anybody's: numbers, dates and codes end where they
    /// must.
    pub(super) fn finish(self, declared_type: &str, free: bool) -> Option<Lengths> {
        let (shortest, longest) = (*self.0.keys().next()?, *self.0.keys().next_back()?);
        let declared = room(declared_type);
        let cut_at = [declared, Some(longest)].into_iter().flatten().find(|at| free && self.is_cut(*at));
        let end = cut_at.unwrap_or(longest);
        let shown = end.saturating_sub(BEFORE).max(1)..=end;
        let are_all = shown.contains(&shortest) && shown.contains(&longest);
        let ends = shown.map(|length| {
            let values = self.0.get(&length).copied().unwrap_or(0);
            LengthCount { length, values: (values == 0 || values >= FEWEST_SHOWN).then_some(values) }
        });
        let mut ends: Vec<LengthCount> = ends.collect();
        if are_all {
            hide_beside_one(&mut ends);
        }
        Some(Lengths { shortest, longest, declared, ends, cut_at })
    }

    fn is_cut(&self, at: u64) -> bool {
        let there = self.0.get(&at).copied().unwrap_or(0);
        let before: u64 = self.0.range(at.saturating_sub(BEFORE)..at).map(|(_, values)| values).sum();
        at >= CUT_FROM && self.0.len() > 2 && there >= FEWEST_SHOWN && there * BEFORE >= before * 3
    }
}

/// Of all values one number that is not told is the rest: takes the smallest other away beside it.
fn hide_beside_one(ends: &mut [LengthCount]) {
    if ends.iter().filter(|one| one.values.is_none()).count() == 1 {
        let told = ends.iter_mut().filter(|one| one.values.is_some_and(|values| values > 0));
        if let Some(least) = told.min_by_key(|one| one.values) {
            least.values = None;
        }
    }
}

/// The room of a declared type of text: the number in `varchar(40)`.
fn room(declared_type: &str) -> Option<u64> {
    let declared = declared_type.to_lowercase();
    let (kind, rest) = declared.split_once('(')?;
    let textual = ["char", "text", "string", "clob"].iter().any(|name| kind.contains(name));
    let digits = rest.split(')').next().filter(|_| textual)?;
    digits.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(of: &[(usize, u64)], declared: &str) -> Lengths {
        let mut counter = LengthCounter::default();
        for (length, values) in of {
            (0..*values).for_each(|_| counter.see(*length));
        }
        counter.finish(declared, true).unwrap()
    }

    #[test]
    fn texts_that_pile_up_at_the_end_look_cut() {
        let even: Vec<(usize, u64)> = (20..41).map(|length| (length, 10)).collect();
        assert_eq!(lengths(&even, "varchar(40)").cut_at, None);
        let mut piled = even;
        piled.push((40, 60));
        let found = lengths(&piled, "varchar(40)");
        assert_eq!((found.cut_at, found.declared), (Some(40), Some(40)));
        assert_eq!(found.ends.last(), Some(&LengthCount { length: 40, values: Some(70) }));
        assert_eq!(lengths(&piled, "").cut_at, Some(40), "the longest that is seen is a limit too");
        // Cut by a system before: some texts are longer, and most that are long end at the declared room.
        piled.push((55, 2));
        let found = lengths(&piled, "varchar(40)");
        assert_eq!((found.cut_at, found.longest), (Some(40), 55));
    }

    #[test]
    fn a_fixed_length_is_no_cut_and_few_values_are_not_told() {
        assert_eq!(lengths(&[(12, 900)], "char(12)").cut_at, None);
        let found = lengths(&[(11, 3), (12, 9), (14, 1)], "");
        assert_eq!(
            found.ends.iter().map(|one| one.values).collect::<Vec<_>>()[5..],
            [None, Some(9), Some(0), None]
        );
    }

    #[test]
    fn a_number_that_is_not_told_is_not_the_rest_of_the_others() {
        let told = |of: &[(usize, u64)]| -> Vec<u64> {
            lengths(of, "").ends.iter().filter_map(|one| one.values.filter(|values| *values > 0)).collect()
        };
        assert_eq!(told(&[(11, 3), (12, 9), (14, 20)]), [20]);
        assert_eq!(told(&[(11, 3), (12, 9), (14, 1)]), [9], "one of two cannot be told");
        assert_eq!(told(&[(2, 40), (11, 3), (12, 9), (14, 20)]), [9, 20], "others lie outside");
    }

    #[test]
    fn the_room_of_a_type_is_that_of_texts_only() {
        assert_eq!(room("character varying(40)"), Some(40));
        assert_eq!(room("NVARCHAR(50)"), Some(50));
        for other in ["decimal(19,4)", "varchar(max)", "int", "datetime2(7)"] {
            assert_eq!(room(other), None, "{other}");
        }
    }
}
