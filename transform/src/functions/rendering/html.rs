//! Just enough reading of HTML to get its words out.

use super::entity::entity;

/// A tag is not longer; what looks like a longer one is text.
const LONGEST_TAG: usize = 1024;

/// What a tag does to the words around it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Nothing: the words go on.
    Inline,
    /// A new line.
    Line,
    /// A new line, unless one has begun.
    Block,
    /// A tab, unless a line has begun.
    Cell,
    /// What is inside is not for readers.
    Silent,
}

/// The tags that are known. A `<` before any other word means itself.
const TAGS: [(&str, Effect); 49] = [
    ("a", Effect::Inline),
    ("abbr", Effect::Inline),
    ("b", Effect::Inline),
    ("big", Effect::Inline),
    ("blockquote", Effect::Block),
    ("body", Effect::Block),
    ("br", Effect::Line),
    ("center", Effect::Block),
    ("code", Effect::Inline),
    ("dd", Effect::Block),
    ("del", Effect::Inline),
    ("div", Effect::Block),
    ("dl", Effect::Block),
    ("dt", Effect::Block),
    ("em", Effect::Inline),
    ("font", Effect::Inline),
    ("h1", Effect::Block),
    ("h2", Effect::Block),
    ("h3", Effect::Block),
    ("h4", Effect::Block),
    ("h5", Effect::Block),
    ("h6", Effect::Block),
    ("head", Effect::Silent),
    ("hr", Effect::Block),
    ("html", Effect::Block),
    ("i", Effect::Inline),
    ("img", Effect::Inline),
    ("ins", Effect::Inline),
    ("li", Effect::Block),
    ("meta", Effect::Inline),
    ("ol", Effect::Block),
    ("p", Effect::Block),
    ("pre", Effect::Block),
    ("s", Effect::Inline),
    ("script", Effect::Silent),
    ("small", Effect::Inline),
    ("span", Effect::Inline),
    ("strong", Effect::Inline),
    ("style", Effect::Silent),
    ("sub", Effect::Inline),
    ("sup", Effect::Inline),
    ("table", Effect::Block),
    ("tbody", Effect::Block),
    ("td", Effect::Cell),
    ("th", Effect::Cell),
    ("thead", Effect::Block),
    ("tr", Effect::Block),
    ("u", Effect::Inline),
    ("ul", Effect::Block),
];

/// A tag at the front of a text.
#[derive(Clone, Copy)]
struct Tag {
    name: &'static str,
    effect: Effect,
    closing: bool,
    /// In bytes, with both angle brackets.
    length: usize,
}

impl Tag {
    fn read(text: &str) -> Option<Self> {
        let inside = text.strip_prefix('<')?;
        let (closing, inside) = inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside));
        let end = inside.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let (name, effect) = *TAGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&inside[..end]))?;
        let after = &inside.as_bytes()[end..];
        if !matches!(after.first(), Some(b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n')) {
            return None;
        }
        let close = after.iter().take(LONGEST_TAG).position(|byte| *byte == b'>')?;
        let length = text.len() - inside.len() + end + close + 1;
        Some(Self { name, effect, closing, length })
    }
}

/// Whether a text is kept as HTML: it holds a known tag.
pub(super) fn is_html(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| Tag::read(&text[at..]).is_some())
}

/// The words of an HTML text. It never fails: what is not understood is text.
pub(super) fn plain(text: &str) -> String {
    let mut reader =
        Reader { rest: text, words: String::with_capacity(text.len()), verbatim: 0, missing: Vec::new() };
    while reader.step() {}
    reader.words
}

struct Reader<'t> {
    rest: &'t str,
    words: String,
    /// Open tags inside which blanks count.
    verbatim: usize,
    /// Ends that were looked for in vain: there is none of them further on.
    missing: Vec<&'static str>,
}

impl Reader<'_> {
    /// Reads one piece; false at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        match first {
            '<' => self.angle(),
            '&' => match entity(self.rest) {
                Some((character, length)) => self.take(length, character),
                None => self.take(1, '&'),
            },
            _ if first.is_whitespace() && first != '\u{a0}' && self.verbatim == 0 => self.blank(first),
            _ => self.take(first.len_utf8(), first),
        }
        true
    }

    /// Goes on so many bytes further, with a character in their place.
    fn take(&mut self, length: usize, character: char) {
        self.words.push(character);
        self.rest = &self.rest[length..];
    }

    fn blank(&mut self, blank: char) {
        if !self.words.is_empty() && !self.words.ends_with([' ', '\n', '\t']) {
            self.words.push(' ');
        }
        self.rest = &self.rest[blank.len_utf8()..];
    }

    fn angle(&mut self) {
        if self.rest.starts_with("<!--") {
            return self.skip_to("-->");
        }
        if self.rest.starts_with("<!") || self.rest.starts_with("<?") {
            return self.skip_to(">");
        }
        let Some(tag) = Tag::read(self.rest) else { return self.take(1, '<') };
        let empty = self.rest[..tag.length].ends_with("/>");
        self.rest = &self.rest[tag.length..];
        self.follow(tag, empty);
    }

    /// Leaves out everything up to and with an end; without one, only the angle bracket is text.
    fn skip_to(&mut self, end: &'static str) {
        let found = if self.missing.contains(&end) { None } else { self.rest.find(end) };
        match found {
            Some(at) => self.rest = &self.rest[at + end.len()..],
            None => {
                if !self.missing.contains(&end) {
                    self.missing.push(end);
                }
                self.take(1, '<');
            }
        }
    }

    fn follow(&mut self, tag: Tag, empty: bool) {
        match tag.effect {
            Effect::Inline => {}
            Effect::Line => self.line(),
            Effect::Block => {
                if !self.words.is_empty() && !self.words.ends_with('\n') {
                    self.line();
                }
                if tag.name == "pre" {
                    self.verbatim =
                        if tag.closing { self.verbatim.saturating_sub(1) } else { self.verbatim + 1 };
                }
            }
            Effect::Cell => {
                if !tag.closing && !self.words.is_empty() && !self.words.ends_with('\n') {
                    self.trim_blank();
                    self.words.push('\t');
                }
            }
            Effect::Silent => {
                if !tag.closing && !empty {
                    self.skip_silent(tag.name);
                }
            }
        }
    }

    fn line(&mut self) {
        self.trim_blank();
        self.words.push('\n');
    }

    fn trim_blank(&mut self) {
        if self.verbatim == 0 {
            self.words.truncate(self.words.trim_end_matches(' ').len());
        }
    }

    /// Leaves out what is inside a tag that is not for readers. Without its end nothing is left out.
    fn skip_silent(&mut self, name: &'static str) {
        if self.missing.contains(&name) {
            return;
        }
        let closes =
            |at: &usize| Tag::read(&self.rest[*at..]).is_some_and(|tag| tag.closing && tag.name == name);
        let end = self.rest.match_indices("</").map(|(at, _)| at).find(closes);
        match end {
            Some(at) => self.rest = &self.rest[at..],
            None => self.missing.push(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_come_out_of_an_ordinary_page() {
        let text = "<!DOCTYPE html>\n<HTML><head><title>x</title><style>p {}</style></head>\n\
                    <body><!-- dold --><p class=\"a\">Hembes&ouml;k  hos\n <b>kunden</b>.</p>\n\
                    <ul><li>ett<li>två</ul><table><tr><td>a</td> <td>b</td></tr></table>rad<br/>ny</body></html>";
        assert_eq!(plain(text).trim(), "Hembesök hos kunden.\nett\ntvå\na\tb\nrad\nny");
    }

    #[test]
    fn blanks_count_only_where_they_are_meant() {
        assert_eq!(plain("<p>a  \n b</p>"), "a b\n");
        assert_eq!(plain("<pre>a  b\nc</pre>"), "a  b\nc\n");
        assert_eq!(plain("a&nbsp;&nbsp;b<br>"), "a\u{a0}\u{a0}b\n");
    }

    #[test]
    fn only_known_tags_are_markup() {
        for text in ["a <b>c</b>", "rad<br>", "<P>", "<div\nid=1>", "</span>", "<br/>"] {
            assert!(is_html(text), "{text}");
        }
        for text in ["", "2 < 3", "<5", "x<y>z", "<anna@example.org>", "<p", "<bok>", "a < b > c", "<b c"] {
            assert!(!is_html(text), "{text}");
        }
    }

    #[test]
    fn bad_markup_gives_what_can_be_read() {
        assert_eq!(plain("<b>a < b & c"), "a < b & c");
        assert_eq!(plain("<p>a<script>b"), "ab");
        assert_eq!(plain("<p>a<!-- b"), "a<!-- b");
        assert_eq!(plain("<p>a</p></p></div>b<p"), "a\nb<p");
        assert_eq!(plain("<head/>a</head>"), "a");
    }

    #[test]
    fn markup_without_end_takes_no_more_time_than_its_length() {
        for piece in ["<!--", "<script>", "<!", "<p ", "<", "&"] {
            let text = piece.repeat(200_000 / piece.len());
            assert!(plain(&text).len() <= text.len(), "{piece}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_failure(text in "\\PC*|(<|>|/|&|;|!|-|b|p|br|td|pre|script|#1| |å|\n){0,60}") {
            prop_assert!(plain(&text).len() <= text.len() + 1);
            let _ = is_html(&text);
        }
    }
}
