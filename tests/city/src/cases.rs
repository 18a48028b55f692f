//! What a named case of several systems has in common: the human who is in all of them (H1).

use crate::calendar::Day;

/// The day of birth; the numbers follow from it.
pub(crate) const EVERYWHERE_BIRTH: Day = Day::of(1931, 2, 24);
/// Given and family name.
pub(crate) const EVERYWHERE_NAME: (&str, &str) = ("Astrid", "Falkenström");
/// The utförare that only the named cases have. It is a municipal one, whose `KundNr` is a number of its own.
pub(crate) const UTFORARE: &str = "U91";
/// The human's `KundNr` at that utförare.
pub(crate) const EVERYWHERE_KUND: &str = "K910001";
/// The first key of the cases in every system but Paraply.
pub(crate) const FIRST_KEY: i64 = 9_000_000;
