//! The codes of one system in one list, found without reading the list again.

use bron_mappings::{CodeEntry, CodeList};

use crate::calendar::parse_date;
use crate::lookups::KeyIndex;

/// What a code means from one day to another, for some rows or for all.
struct Meaning {
    target: Box<str>,
    from: Option<i32>,
    to: Option<i32>,
    area: Box<str>,
    namnd: Box<str>,
    generality: u8,
}

/// The meanings of each code: those that the list gives for the system itself, and where it gives none,
/// those for every system. The meanings of a code stand most specific first.
pub(crate) struct CodeTable {
    codes: KeyIndex,
    meanings: Vec<Vec<Meaning>>,
}

/// What a list says of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meant<'a> {
    /// The target code, empty when the list says that there is none.
    Target(&'a str),
    /// The code is known, but not on that day.
    OutsidePeriod,
    /// The code is not known, or not for such a row.
    Unknown,
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
        for meanings in &mut table.meanings {
            meanings.sort_by(|a, b| a.rank().cmp(&b.rank()));
        }
        Ok(table)
    }

    /// What a code means for a row of this area and nämnd on a day. Without a day a code with one meaning
    /// is found. Of the meanings for the row and the day the most specific one counts.
    pub(crate) fn find(
        &self,
        code: &str,
        (area, namnd): (&str, &str),
        day: impl FnOnce() -> Option<i32>,
    ) -> Meant<'_> {
        let Some(code) = self.codes.find(code) else { return Meant::Unknown };
        let meanings = self.meanings[code].as_slice();
        if let [only] = meanings
            && only.is_always()
        {
            return Meant::Target(&only.target);
        }
        let day = day();
        let mut meant = Meant::Unknown;
        for alike in meanings.chunk_by(Meaning::has_scope_of).filter(|alike| alike[0].is_for(area, namnd)) {
            let found = match (day, alike) {
                (None, [only]) => Some(only),
                (None, _) => return Meant::OutsidePeriod,
                (Some(day), _) => alike.iter().find(|meaning| meaning.covers(day)),
            };
            match found {
                Some(meaning) => return Meant::Target(&meaning.target),
                None => meant = Meant::OutsidePeriod,
            }
        }
        meant
    }
}

impl Meaning {
    const fn is_always(&self) -> bool {
        self.from.is_none() && self.to.is_none() && self.area.is_empty() && self.namnd.is_empty()
    }

    fn has_scope_of(&self, other: &Self) -> bool {
        self.area == other.area && self.namnd == other.namnd
    }

    fn is_for(&self, area: &str, namnd: &str) -> bool {
        (self.area.is_empty() || *self.area == *area) && (self.namnd.is_empty() || *self.namnd == *namnd)
    }

    fn covers(&self, day: i32) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    /// The order in which meanings are asked.
    fn rank(&self) -> (u8, &str, &str) {
        (self.generality, &self.area, &self.namnd)
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
        area: entry.area.as_str().into(),
        namnd: entry.namnd.as_str().into(),
        generality: entry.generality(),
    })
}

#[cfg(test)]
mod tests {
    use bron_mappings::CodeAnswer;
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

    /// The target of a code for a row without area and nämnd, and `None` when it has none on that day.
    fn find<'t>(table: &'t CodeTable, code: &str, day: impl FnOnce() -> Option<i32>) -> Option<&'t str> {
        match table.find(code, ("", ""), day) {
            Meant::Target(target) => Some(target),
            Meant::OutsidePeriod | Meant::Unknown => None,
        }
    }

    #[test]
    fn a_code_that_changed_its_meaning_is_found_by_day() {
        let list = list(
            "s,A,old,,equal,,2009-12-31,approved,x,\ns,A,new,,equal,2010-01-01,,approved,x,\n\
                  s,B,only,,equal,2010-01-01,,approved,x,\ns,C,,,unmatched,,,approved,x,\n",
        );
        let table = CodeTable::new(&list, "s").unwrap();
        assert_eq!(find(&table, "A", day("2009-12-31")), Some("old"));
        assert_eq!(find(&table, "A", day("2010-01-01")), Some("new"));
        assert_eq!(find(&table, "A", || None), None);
        assert_eq!(find(&table, "B", || None), Some("only"));
        assert_eq!(find(&table, "B", day("2009-12-31")), None);
        assert_eq!(find(&table, "C", day("2009-12-31")), Some(""));
        assert_eq!(find(&table, "D", || None), None);
    }

    #[test]
    fn what_the_list_says_of_the_system_goes_before_what_it_says_of_all() {
        let list = list(
            ",A,of_all,,equal,,,approved,x,\ns,A,of_s,,equal,2010-01-01,,approved,x,\n,B,of_all,,equal,,,approved,x,\n",
        );
        let table = CodeTable::new(&list, "s").unwrap();
        assert_eq!(find(&table, "A", day("2010-01-01")), Some("of_s"));
        assert_eq!(find(&table, "A", day("2009-12-31")), None, "the meaning for all is not this system's");
        assert_eq!(find(&table, "B", day("2009-12-31")), Some("of_all"));
    }

    proptest! {
        /// The list itself says what is right.
        #[test]
        fn it_answers_as_the_list_does(
            code in "[A-D]",
            system in "[st]",
            area in "[ab]?",
            namnd in "[12]?",
            day in proptest::option::of(13_800_i32..15_300),
        ) {
            let head = HEAD.replacen("system,", "system,area,namnd,", 1);
            let lines = ",,,A,a,,equal,,,approved,x,\ns,,,A,b,,equal,,2009-06-30,approved,x,\n\
                s,,,A,c,,equal,2010-01-01,,approved,x,\ns,a,,A,e,,equal,2009-05-01,2010-02-01,approved,x,\n\
                s,,2,A,f,,equal,,2010-03-01,approved,x,\ns,a,2,A,g,,equal,2009-12-01,,approved,x,\n\
                t,b,,B,d,,equal,2009-01-01,2010-12-31,approved,x,\n,,,C,,,unmatched,,,approved,x,\n\
                ,,1,C,h,,equal,,,approved,x,\n,a,,B,i,,equal,,,approved,x,\n";
            let (list, found) = CodeList::parse("typ", "codes/typ.csv", &format!("{head}{lines}"));
            prop_assert_eq!(found, []);
            let text = day.map(iso_date);
            let expected = match list.find(&system, (&area, &namnd), &code, text.as_deref()) {
                CodeAnswer::Found(entry) => Meant::Target(&entry.target),
                CodeAnswer::OutsidePeriod => Meant::OutsidePeriod,
                CodeAnswer::Unknown => Meant::Unknown,
            };
            let table = CodeTable::new(&list, &system).unwrap();
            prop_assert_eq!(table.find(&code, (&area, &namnd), || day), expected);
        }
    }
}
