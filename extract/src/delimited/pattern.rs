//! Patterns of file names: literal text and captures in braces.

/// A pattern such as `besok_{period}_{utforare}.csv`. A capture stands for one or more characters other
/// than `_`, as few as the rest of the pattern allows.
#[derive(Clone)]
pub(super) struct Pattern {
    pieces: Vec<Piece>,
    names: Vec<String>,
}

#[derive(Clone)]
enum Piece {
    Literal(String),
    Capture,
}

impl Pattern {
    /// `None` when braces do not match, a capture has no name or a name stands twice.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut pattern = Self { pieces: Vec::new(), names: Vec::new() };
        let mut rest = text;
        while !rest.is_empty() {
            let (literal, capture) =
                rest.split_once('{').map_or((rest, None), |(left, right)| (left, Some(right)));
            if literal.contains('}') {
                return None;
            }
            if !literal.is_empty() {
                pattern.pieces.push(Piece::Literal(literal.to_owned()));
            }
            let Some(capture) = capture else { break };
            let (name, after) = capture.split_once('}')?;
            if name.is_empty() || name.contains('{') || pattern.names.iter().any(|known| known == name) {
                return None;
            }
            pattern.pieces.push(Piece::Capture);
            pattern.names.push(name.to_owned());
            rest = after;
        }
        (!pattern.pieces.is_empty()).then_some(pattern)
    }

    /// The file name that these captures make; the other captures stand as in the pattern.
    pub(super) fn name_of(&self, captures: &[(&str, &str)]) -> String {
        let mut names = self.names.iter();
        let piece = |piece: &Piece| match piece {
            Piece::Literal(literal) => literal.clone(),
            Piece::Capture => {
                let name = names.next().map(String::as_str).unwrap_or_default();
                let found = captures.iter().find(|(known, _)| *known == name);
                found.map_or_else(|| format!("{{{name}}}"), |(_, text)| (*text).to_owned())
            }
        };
        self.pieces.iter().map(piece).collect()
    }

    /// The names of the captures in order.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The captured texts of a file name that fits.
    pub(super) fn captures(&self, file: &str) -> Option<Vec<String>> {
        let mut found = Vec::new();
        fits(&self.pieces, file, &mut found).then(|| found.into_iter().map(str::to_owned).collect())
    }

    /// The capture of this name among `captures`.
    pub(super) fn capture<'a>(&self, name: &str, captures: &'a [String]) -> Option<&'a str> {
        let position = self.names.iter().position(|known| known == name)?;
        captures.get(position).map(String::as_str)
    }
}

fn fits<'a>(pieces: &[Piece], text: &'a str, found: &mut Vec<&'a str>) -> bool {
    match pieces.split_first() {
        None => text.is_empty(),
        Some((Piece::Literal(literal), rest)) => {
            text.strip_prefix(literal.as_str()).is_some_and(|after| fits(rest, after, found))
        }
        Some((Piece::Capture, rest)) => {
            let ends =
                text.char_indices().take_while(|(_, one)| *one != '_').map(|(at, one)| at + one.len_utf8());
            for end in ends {
                found.push(&text[..end]);
                if fits(rest, &text[end..], found) {
                    return true;
                }
                found.pop();
            }
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(pattern: &str, file: &str) -> Option<Vec<String>> {
        Pattern::parse(pattern).unwrap().captures(file)
    }

    #[test]
    fn captures_are_what_stands_between_the_literals() {
        let pattern = "besok_{period}_{utforare}.csv";
        assert_eq!(captured(pattern, "besok_201503_Åkes-vård.csv").unwrap(), ["201503", "Åkes-vård"]);
        assert_eq!(captured(pattern, "besok_201503_a.csv.csv").unwrap(), ["201503", "a.csv"]);
        for other in
            ["besok_201503.csv", "besok_201503_a_b.csv", "besok__a.csv", "kund_201503_a.csv", "besok_1_a.CSV"]
        {
            assert_eq!(captured(pattern, other), None, "{other}");
        }
        assert_eq!(captured("kund.csv", "kund.csv").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_pattern_that_makes_no_sense_is_refused() {
        for pattern in ["", "a_{period", "a}b", "a_{}", "{a}_{a}.csv", "{a{b}}"] {
            assert!(Pattern::parse(pattern).is_none(), "{pattern}");
        }
    }
}
