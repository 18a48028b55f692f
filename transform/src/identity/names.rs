//! Names in the form in which they are compared.

use std::collections::BTreeMap;

use bron_mappings::DigestBuilder;

use crate::functions::{Build, Cell, FieldFn, Outcome, Settings, find};

/// Stands for a whole name: equal names have equal keys. It lives in memory only.
pub(super) type NameKey = [u8; 16];

/// Reads names as the function `name` does, so a name that was read in the wrong code page is the same name.
pub(super) struct Names {
    repair: FieldFn,
}

impl Names {
    pub(super) fn new() -> Self {
        let function = find("name").expect("the registry has a function for names");
        let Build::Field(build) = function.build else { unreachable!("`name` gives a value") };
        let arguments = BTreeMap::new();
        let settings = Settings { arguments: &arguments, scale: None };
        Self { repair: build(&settings).expect("`name` takes no arguments") }
    }

    /// The key of a name in two columns; `None` when either is missing, which is too little to go by.
    pub(super) fn split(&self, given: Option<&str>, family: Option<&str>) -> Option<NameKey> {
        let (given, family) = (self.plain(given?), self.plain(family?));
        (!given.is_empty() && !family.is_empty()).then(|| key(&[given, family].concat()))
    }

    /// The key of a name in one column, `Förnamn Efternamn` or `Efternamn, Förnamn`; `None` for one word.
    pub(super) fn whole(&self, name: Option<&str>) -> Option<NameKey> {
        let name = name?;
        let words = match name.split_once(',') {
            Some((family, given)) => [self.plain(given), self.plain(family)].concat(),
            None => self.plain(name),
        };
        (words.len() > 1).then(|| key(&words))
    }

    /// The words of a name in small letters, without hyphens and other signs between them.
    fn plain(&self, name: &str) -> Vec<String> {
        let repaired = match (self.repair)(&[Some(name)]) {
            Outcome::Value(Cell::Text(text)) => text.into_owned(),
            Outcome::Marked { value: Some(Cell::Text(text)), .. } => text.into_owned(),
            Outcome::Value(_) | Outcome::Marked { .. } | Outcome::Null | Outcome::Bad(_) => name.to_owned(),
        };
        let words = repaired.split(|one: char| !one.is_alphanumeric() && one != char::REPLACEMENT_CHARACTER);
        words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    }
}

fn key(words: &[String]) -> NameKey {
    let mut digest = DigestBuilder::new("bron/name");
    for word in words {
        digest.part(word.as_bytes());
    }
    let mut key = [0; 16];
    key.copy_from_slice(&digest.finish().as_bytes()[..16]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_in_several_spellings_has_one_key() {
        let names = Names::new();
        let wanted = names.split(Some("Anna-Lena"), Some("Åkerström"));
        assert!(wanted.is_some());
        for (given, family) in
            [("ANNA LENA", "åkerström"), (" Anna  Lena ", "Ã…kerstrÃ¶m"), ("Anna-Lena", "Åkerström ")]
        {
            assert!(names.split(Some(given), Some(family)) == wanted, "{given} {family}");
        }
        assert!(names.whole(Some("Anna-Lena Åkerström")) == wanted);
        assert!(names.whole(Some("Åkerström, Anna-Lena")) == wanted);
    }

    #[test]
    fn other_names_and_half_names_do_not_match() {
        let names = Names::new();
        let wanted = names.split(Some("Anna"), Some("Åkerström"));
        assert!(names.split(Some("Anna"), Some("Akerstrom")) != wanted);
        assert!(names.split(Some("Anne"), Some("Åkerström")) != wanted);
        assert!(names.split(Some(""), Some("Åkerström")).is_none());
        assert!(names.split(None, Some("Åkerström")).is_none());
        assert!(names.whole(Some("Skyddad")).is_none());
        assert!(names.whole(Some(" - ")).is_none());
    }
}
