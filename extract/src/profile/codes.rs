//! Codes: which values of a column may be shown, and how the rare ones are hidden so that they stay hidden.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::FEWEST_SHOWN;
use serde::Serialize;

use super::shape::Shape;

/// A column with more different codes than this is no column of codes.
const MOST_CODES: usize = 64;
/// The longest code, in bytes.
const LONGEST_CODE: usize = 12;
/// The most digits of a code with letters: more of them number persons, cases or users.
const MOST_DIGITS: usize = 3;

/// A code with the number of its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeCount {
    /// The code, verbatim.
    pub code: String,
    /// Its rows. `None` for a code with five rows or more whose number would give away that of a rarer one, as the
    /// rest of the column's total.
    pub rows: Option<u64>,
}

/// Codes whose number of rows is not told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Suppressed {
    /// How many different codes: those seen too seldom to be shown, and those that are shown without a number.
    pub codes: u64,
    /// Their rows together.
    pub rows: u64,
}

/// The frequencies of a column's codes.
pub(super) struct Frequencies {
    pub(super) shown: Vec<CodeCount>,
    pub(super) suppressed: Suppressed,
    /// Every code, the rare ones too; never written anywhere.
    pub(super) seen: BTreeSet<String>,
}

/// The codes of a column while it is read; nothing once a value was seen that is no code.
pub(super) struct CodeCounter(Option<BTreeMap<String, u64>>);

impl CodeCounter {
    /// For a column of this name. A name that says that people or what they said stand in the column settles it.
    pub(super) fn of_column(name: &str) -> Self {
        Self((!tells_of_people(name)).then(BTreeMap::new))
    }

    /// The column holds no codes.
    pub(super) fn give_up(&mut self) {
        self.0 = None;
    }

    pub(super) fn see(&mut self, text: &str, shape: Shape) {
        let Some(codes) = &mut self.0 else { return };
        if !is_code(text, shape) {
            return self.give_up();
        }
        if let Some(rows) = codes.get_mut(text) {
            *rows += 1;
        } else {
            codes.insert(text.to_owned(), 1);
        }
        if codes.len() > MOST_CODES {
            self.give_up();
        }
    }

    /// The frequencies, when the column holds codes and one of them may be shown.
    pub(super) fn finish(self) -> Option<Frequencies> {
        let codes = self.0.filter(|codes| !codes.is_empty())?;
        let seen = codes.keys().cloned().collect();
        let (mut shown, mut rare) = (Vec::new(), Suppressed::default());
        for (code, rows) in codes {
            if rows >= FEWEST_SHOWN {
                shown.push((code, rows));
            } else {
                rare.codes += 1;
                rare.rows += rows;
            }
        }
        shown.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let rows: Vec<u64> = shown.iter().map(|(_, rows)| *rows).collect();
        let told = told(&rows, rare);
        let untold = &rows[told..];
        let suppressed = Suppressed {
            codes: rare.codes + u64::try_from(untold.len()).unwrap_or(u64::MAX),
            rows: rare.rows + untold.iter().sum::<u64>(),
        };
        let shown = shown.into_iter().enumerate();
        let shown = shown.map(|(at, (code, rows))| CodeCount { code, rows: (at < told).then_some(rows) });
        let shown: Vec<CodeCount> = shown.collect();
        (!shown.is_empty()).then_some(Frequencies { shown, suppressed, seen })
    }
}

/// How many of the frequencies, the largest first, can be told without giving away those of the rare codes.
///
/// The total of a column is known, so what is not told is known together. As long as every number that is told
/// leaves one answer only for the sum of the rare codes, the next smallest is not told either.
fn told(rows: &[u64], rare: Suppressed) -> usize {
    if rare.codes == 0 {
        return rows.len();
    }
    let mut told = rows.len();
    while told > 0 {
        told -= 1;
        let untold = &rows[told..];
        let together = rare.rows + untold.iter().sum::<u64>();
        let count = u64::try_from(untold.len()).unwrap_or(u64::MAX);
        // Each number that is not told lies between the least that is shown and the smallest that is told.
        let largest = told.checked_sub(1).map_or(together, |last| rows[last]);
        let least = together.saturating_sub(count * largest).max(rare.codes);
        let most = together.saturating_sub(count * FEWEST_SHOWN).min(rare.codes * (FEWEST_SHOWN - 1));
        if least < most {
            break;
        }
    }
    told
}

/// Whether a value can be a code: short, one word, and neither written like a name nor like what says who or
/// when.
fn is_code(text: &str, shape: Shape) -> bool {
    let fits = match shape {
        Shape::WholeNumber | Shape::DecimalPoint | Shape::DecimalComma => text.len() <= 5,
        Shape::Word => {
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            text.len() <= LONGEST_CODE && digits <= MOST_DIGITS && !is_name_like(text)
        }
        Shape::Blank
        | Shape::SentinelDate
        | Shape::Date
        | Shape::CompactDate
        | Shape::Moment
        | Shape::Time
        | Shape::Personnummer
        | Shape::Samordningsnummer
        | Shape::OtherIdentifier
        | Shape::Organisationsnummer
        | Shape::Markup
        | Shape::Text
        | Shape::Bytes => false,
    };
    fits && !text.contains('@')
}

/// Whether a word has lower-case letters after a capital, as names have.
fn is_name_like(text: &str) -> bool {
    text.chars().any(char::is_uppercase) && text.chars().any(char::is_lowercase)
}

/// Parts of the names of columns in which people are named, reached or written about, in Swedish and English.
const OF_PEOPLE: [&str; 29] = [
    "person",
    "kontakt",
    "ansvar",
    "tolk",
    "lakare",
    "godman",
    "vardnad",
    "fattare",
    "anhorig",
    "foralder",
    "barn",
    "namn",
    "name",
    "gata",
    "adress",
    "street",
    "post",
    "mail",
    "phone",
    "mobil",
    "persn",
    "personn",
    "text",
    "note",
    "kommentar",
    "comment",
    "sign",
    "user",
    "anvand",
];
/// The same, where the name begins or ends so: these letters stand in the middle of other words too.
const OF_PEOPLE_AT_AN_END: [&str; 13] =
    ["chef", "adr", "ort", "city", "zip", "tel", "pnr", "ssn", "anm", "besk", "av", "_by", "handl"];

/// Whether the name of a column says that its values can name, reach or describe somebody. A nämnd is nobody, and so
/// is the type of a number; `…AV` is who did it: REGAV, SKAPAD_AV.
pub(super) fn tells_of_people(column: &str) -> bool {
    let name = folded(column).replace("namnd", "");
    if name.ends_with("typ") || name.ends_with("type") {
        return false;
    }
    let at_an_end = |part: &&str| name.ends_with(*part) || (part.len() > 2 && name.starts_with(*part));
    OF_PEOPLE.iter().any(|part| name.contains(part)) || OF_PEOPLE_AT_AN_END.iter().any(at_an_end)
}

/// The name of a column in small letters without dots and rings: systems spell them or not.
fn folded(column: &str) -> String {
    let letter = |letter| match letter {
        'å' | 'ä' => 'a',
        'ö' => 'o',
        other => other,
    };
    column.to_lowercase().chars().map(letter).collect()
}

/// Whether the name of a column says that the names of people stand in it; those of codes and units do not count.
pub(super) fn names_people(column: &str) -> bool {
    let name = folded(column);
    let of_things = ["benamn", "enhet", "kod", "typ", "unit", "type"];
    (name.ends_with("namn") || name.ends_with("name")) && !of_things.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frequencies(rows: &[(&str, u64)]) -> Frequencies {
        let mut counter = CodeCounter::of_column("KOD");
        for (code, rows) in rows {
            (0..*rows).for_each(|_| counter.see(code, Shape::Word));
        }
        counter.finish().unwrap()
    }

    #[test]
    fn a_rare_code_cannot_be_worked_out_from_the_total() {
        let found = frequencies(&[("K", 48), ("M", 49), ("X", 3)]);
        let shown: Vec<_> = found.shown.iter().map(|one| (one.code.as_str(), one.rows)).collect();
        assert_eq!(shown, [("M", Some(49)), ("K", None)]);
        assert_eq!(found.suppressed, Suppressed { codes: 2, rows: 51 });
        // Five is the least that is shown: six together with nothing larger leaves one answer.
        let found = frequencies(&[("A", 9), ("B", 5), ("C", 5), ("X", 1)]);
        assert_eq!(found.shown.iter().filter(|one| one.rows.is_none()).count(), 3);
        let all = frequencies(&[("A", 9), ("B", 5)]);
        assert_eq!((all.suppressed.codes, all.shown.iter().all(|one| one.rows.is_some())), (0, true));
    }

    /// Every way to fill what is not told: the sums of the rare codes that a reader has to think possible.
    fn possible(shown: &[Option<u64>], suppressed: Suppressed) -> BTreeSet<u64> {
        let told: Vec<u64> = shown.iter().copied().flatten().collect();
        let untold = u64::try_from(shown.len() - told.len()).unwrap();
        let rare = suppressed.codes - untold;
        let largest = told.last().copied().unwrap_or(suppressed.rows);
        (rare..=rare * (FEWEST_SHOWN - 1))
            .filter(|sum| {
                let rest = suppressed.rows.checked_sub(*sum);
                rest.is_some_and(|rest| (untold * FEWEST_SHOWN..=untold * largest).contains(&rest))
            })
            .collect()
    }

    #[test]
    fn whatever_the_frequencies_a_reader_has_two_answers_or_sees_nothing() {
        for a in 5..12 {
            for b in 5..=a {
                for x in 1..5 {
                    for y in 0..5 {
                        let mut rows = vec![("A", a), ("B", b), ("X", x)];
                        if y > 0 {
                            rows.push(("Y", y));
                        }
                        let found = frequencies(&rows);
                        let shown: Vec<_> = found.shown.iter().map(|one| one.rows).collect();
                        let hidden_all = shown.iter().all(Option::is_none);
                        let answers = possible(&shown, found.suppressed);
                        assert!(hidden_all || answers.len() > 1, "{rows:?}: {answers:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_names_people_is_no_code_whatever_it_looks_like() {
        for name in ["FNAMN", "last_name", "REGAV", "Postort", "skapad_av", "EPOST"] {
            assert!(tells_of_people(name), "{name}");
        }
        for name in ["STATUS", "BTYP", "KON", "enhet", "AR", "NAMND", "AVSLORS", "PNRTYP"] {
            assert!(!tells_of_people(name), "{name}");
        }
        let mut counter = CodeCounter::of_column("FNAMN");
        (0..9).for_each(|_| counter.see("ANNA", Shape::Word));
        assert!(counter.finish().is_none());
    }
}
