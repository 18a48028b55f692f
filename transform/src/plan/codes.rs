//! The codes of one system in one list, found without reading the list again.

use bron_mappings::{CodeEntry, CodeList};

use crate::calendar::parse_date;
use crate::lookups::KeyIndex;

/// What a code means from one day to another.
struct Meaning {
    target: Box<str>,
    from: Option<i32>,
    to: Option<i32>,
}

/// The meanings of each code: those that the list gives for the system itself, and where it gives none,
/// those for every system.
pub(crate) struct CodeTable {
    codes: KeyIndex,
    meanings: Vec<Vec<Meaning>>,
}

impl CodeTable {
    /// The codes of `system`; an error names a list with a day that does not exist.
    pub(crate) fn new(list: &CodeList, system: &str) -> Result<Self, String> {
        let mut table = Self { codes: KeyIndex::default(), meanings: Vec::new() };
        for of in [system, ""] {
            let first = table.meanings.len();
            for (_, code, entry) in list.entries().filter(|(other, ..)| *other == of) {
                let meaning = meaning(entry)
                    .ok_or_else(|| format!("code list `{}` has a day that does not exist", list.name))?;
                match table.codes.insert(code) {
                    (_, true) => table.meanings.push(vec![meaning]),
                    (place, false) if place >= first => table.meanings[place].push(meaning),
                    (_, false) => {}
                }
            }
        }
        Ok(table)
    }

    /// The target code on a day, empty when the list says that there is none. Without a day a code with
    /// one meaning is found; `None` when the code means nothing then.
    pub(crate) fn find(&self, code: &str, day: impl FnOnce() -> Option<i32>) -> Option<&str> {
        let found = match self.meanings[self.codes.find(code)?].as_slice() {
            [only] if only.from.is_none() && only.to.is_none() => Some(only),
            meanings => match (day(), meanings) {
                (None, [only]) => Some(only),
                (None, _) => None,
                (Some(day), _) => meanings.iter().find(|meaning| meaning.covers(day)),
            },
        };
        found.map(|meaning| &*meaning.target)
    }
}

impl Meaning {
    fn covers(&self, day: i32) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

fn meaning(entry: &CodeEntry) -> Option<Meaning> {
    let day = |text: &Option<String>| match text {
        None => Some(None),
        Some(text) => parse_date(text).map(Some),
    };
    Some(Meaning {
        target: entry.target.as_str().into(),
        from: day(&entry.valid_from)?,
        to: day(&entry.valid_to)?,
    })
}

#[cfg(test)]
mod tests {
    use bron_mappings::Lookup;
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::iso_date;

    const HEAD: &str = "system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n";

    fn list(lines: &str) -> CodeList {
        let (list, found) = CodeList::parse("typ", "codes/typ.csv", &format!("{HEAD}{lines}"));
        assert_eq!(found, []);
        list
    }

    fn day(text: &str) -> impl FnOnce() -> Option<i32> {
        move || parse_date(text)
    }

    #[test]
    fn a_code_that_changed_its_meaning_is_found_by_day() {
        let list = list(
            "s,A,old,,equal,,2009-12-31,approved,x,\ns,A,new,,equal,2010-01-01,,approved,x,\n\
                  s,B,only,,equal,2010-01-01,,approved,x,\ns,C,,,unmatched,,,approved,x,\n",
        );
        let table = CodeTable::new(&list, "s").unwrap();
        assert_eq!(table.find("A", day("2009-12-31")), Some("old"));
        assert_eq!(table.find("A", day("2010-01-01")), Some("new"));
        assert_eq!(table.find("A", || None), None);
        assert_eq!(table.find("B", || None), Some("only"));
        assert_eq!(table.find("B", day("2009-12-31")), None);
        assert_eq!(table.find("C", day("2009-12-31")), Some(""));
        assert_eq!(table.find("D", || None), None);
    }

    #[test]
    fn what_the_list_says_of_the_system_goes_before_what_it_says_of_all() {
        let list = list(
            ",A,of_all,,equal,,,approved,x,\ns,A,of_s,,equal,2010-01-01,,approved,x,\n,B,of_all,,equal,,,approved,x,\n",
        );
        let table = CodeTable::new(&list, "s").unwrap();
        assert_eq!(table.find("A", day("2010-01-01")), Some("of_s"));
        assert_eq!(table.find("A", day("2009-12-31")), None, "the meaning for all is not this system's");
        assert_eq!(table.find("B", day("2009-12-31")), Some("of_all"));
    }

    proptest! {
        /// The list itself says what is right.
        #[test]
        fn it_answers_as_the_list_does(
            code in "[A-D]",
            system in "[st]",
            day in proptest::option::of(13_800_i32..15_300),
        ) {
            let list = list(
                ",A,a,,equal,,,approved,x,\ns,A,b,,equal,,2009-06-30,approved,x,\n\
                s,A,c,,equal,2010-01-01,,approved,x,\n\
                 t,B,d,,equal,2009-01-01,2010-12-31,approved,x,\n,C,,,unmatched,,,approved,x,\n",
            );
            let text = day.map(iso_date);
            let expected = match list.find(&system, &code, text.as_deref()) {
                Lookup::Found(entry) => Some(entry.target.as_str()),
                Lookup::OutsidePeriod | Lookup::Unknown => None,
            };
            let table = CodeTable::new(&list, &system).unwrap();
            prop_assert_eq!(table.find(&code, || day), expected);
        }
    }
}
