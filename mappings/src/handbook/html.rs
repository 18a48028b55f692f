//! Text of a page, escaped where it is made.

use std::fmt;

/// A piece of a page that is HTML already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Html(String);

impl askama::filters::HtmlSafe for Html {}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Html {
    /// Plain text.
    pub(super) fn of(text: &str) -> Self {
        Self::default().text(text)
    }

    /// A name of the source or of the model.
    pub(super) fn named(name: &str) -> Self {
        Self::default().name(name)
    }

    /// The piece and plain text after it.
    pub(super) fn text(mut self, text: &str) -> Self {
        for one in text.chars() {
            match one {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                other => self.0.push(other),
            }
        }
        self
    }

    /// The piece and a name after it.
    pub(super) fn name(mut self, name: &str) -> Self {
        self.0.push_str("<code>");
        let mut named = self.text(name);
        named.0.push_str("</code>");
        named
    }

    /// The piece and a link after it.
    pub(super) fn link(mut self, href: &str, text: &str) -> Self {
        self.0.push_str("<a href=\"");
        let mut link = self.text(href);
        link.0.push_str("\">");
        let mut link = link.text(text);
        link.0.push_str("</a>");
        link
    }

    /// The piece and another after it.
    pub(super) fn add(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }

    /// Pieces with `between` between them, and `last` before the last.
    pub(super) fn join(pieces: &[Self], between: &str, last: &str) -> Self {
        let mut joined = Self::default();
        for (index, piece) in pieces.iter().enumerate() {
            joined = match index {
                0 => joined,
                _ if index + 1 == pieces.len() => joined.text(last),
                _ => joined.text(between),
            };
            joined = joined.add(piece);
        }
        joined
    }

    /// Pieces as a list in a sentence.
    pub(super) fn list(pieces: &[Self]) -> Self {
        Self::join(pieces, ", ", " och ")
    }

    /// Pieces on a line each.
    pub(super) fn lines(pieces: &[Self]) -> Self {
        let lines: Vec<&str> = pieces.iter().map(|piece| piece.0.as_str()).collect();
        Self(lines.join("<br>"))
    }

    /// The words alone, for where there are no pages.
    pub(super) fn words(&self) -> String {
        let mut words = String::new();
        let mut rest = self.0.as_str();
        while let Some((before, tag)) = rest.split_once('<') {
            words.push_str(before);
            rest = tag.split_once('>').map_or("", |(_, after)| after);
        }
        words.push_str(rest);
        words.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    }

    /// Whether there is nothing.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
