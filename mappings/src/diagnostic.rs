//! Findings about a text that a person wrote: where, what, and how to mend it.

/// A byte range in a text.
pub type Span = std::ops::Range<usize>;

/// How serious a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The text cannot be used.
    Error,
    /// The text can be used; a person should look.
    Warning,
}

/// One finding in one file. A parse or a check returns all of them, never only the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code, `BRON-M001` and on.
    pub code: &'static str,
    /// How serious it is.
    pub severity: Severity,
    /// The file, as the caller named it.
    pub file: String,
    /// The place in the file, in bytes.
    pub span: Span,
    /// What is wrong, in one line.
    pub message: String,
    /// What the marked place is, shown under the caret.
    pub label: String,
    /// How to mend it, often with the nearest valid name.
    pub help: Option<String>,
}

/// The candidate most like `word`, when one is near enough to be a likely slip of the pen.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let limit = 1 + word.chars().count() / 3;
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_does_not() {
        let words = ["GALL_FROM", "GALL_TOM", "BDAT"];
        assert_eq!(nearest("GALL_TON", words), Some("GALL_TOM"));
        assert_eq!(nearest("bdat", words), Some("BDAT"));
        assert_eq!(nearest("PERSONNUMMER", words), None);
    }
}
