//! Just enough reading of Rust to tell code from comments and from raw strings, line by line.

/// One line of a Rust source.
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    /// The whole line, without its end.
    pub(super) text: &'a str,
    /// The line up to its comment. Strings belong to the code.
    pub(super) code: &'a str,
    /// From the comment's start to the end of the line.
    pub(super) comment: &'a str,
    /// Whether any part of the line lies in a raw string.
    pub(super) raw: bool,
}

/// What the reader is inside of at the end of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    Quoted,
    /// Raw string, with the number of `#` that close it.
    Raw(usize),
    /// Block comment, with its depth.
    Block(usize),
}

/// The lines of `text`, in order.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut state = State::Code;
    let mut number = 0;
    let read = |text| {
        number += 1;
        let mut scan = Scan::new(text, state);
        while scan.at < scan.bytes.len() {
            scan.step();
        }
        state = scan.state;
        let (code, comment) = text.split_at(scan.comment_at.unwrap_or(text.len()));
        Line { number, text, code, comment, raw: scan.raw }
    };
    text.split('\n').map(read).collect()
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    state: State,
    raw: bool,
    comment_at: Option<usize>,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, state: State) -> Self {
        let comment_at = matches!(state, State::Block(_)).then_some(0);
        Self { bytes: text.as_bytes(), at: 0, state, raw: matches!(state, State::Raw(_)), comment_at }
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    fn step(&mut self) {
        match self.state {
            State::Code => self.step_code(),
            State::Quoted => match self.bytes[self.at] {
                b'\\' => self.at += 2,
                b'"' => self.enter(State::Code, 1),
                _ => self.at += 1,
            },
            State::Raw(hashes) => {
                let closes = self.rest().starts_with(b"\"") && hashes_after(&self.rest()[1..]) >= hashes;
                if closes {
                    self.enter(State::Code, 1 + hashes);
                } else {
                    self.at += 1;
                }
            }
            State::Block(depth) => match self.rest() {
                [b'*', b'/', ..] if depth == 1 => self.enter(State::Code, 2),
                [b'*', b'/', ..] => self.enter(State::Block(depth - 1), 2),
                [b'/', b'*', ..] => self.enter(State::Block(depth + 1), 2),
                _ => self.at += 1,
            },
        }
    }

    fn step_code(&mut self) {
        match self.rest() {
            [b'/', b'/', ..] => {
                self.comment_at.get_or_insert(self.at);
                self.at = self.bytes.len();
            }
            [b'/', b'*', ..] => {
                self.comment_at.get_or_insert(self.at);
                self.enter(State::Block(1), 2);
            }
            [b'"', ..] => self.enter(State::Quoted, 1),
            [b'r', after @ ..] if after.get(hashes_after(after)) == Some(&b'"') && !self.inside_word() => {
                self.raw = true;
                self.enter(State::Raw(hashes_after(after)), 2 + hashes_after(after));
            }
            [b'\'', b'\\', after @ ..] => {
                self.at += 3 + position(after.get(1..).unwrap_or_default(), b'\'');
            }
            [b'\'', after @ ..] => {
                self.at += character_length(after).map_or(1, |length| length + 2);
            }
            _ => self.at += 1,
        }
    }

    fn enter(&mut self, state: State, width: usize) {
        self.state = state;
        self.at += width;
    }

    /// Whether the `r` at hand belongs to a name such as `for`: only `b` and `c` may stand before a
    /// raw string's `r`.
    fn inside_word(&self) -> bool {
        let before = &self.bytes[..self.at];
        let word = before.rsplit(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').next();
        !matches!(word, None | Some(b"" | b"b" | b"c"))
    }
}

fn hashes_after(bytes: &[u8]) -> usize {
    position_where(bytes, |byte| byte != b'#')
}

fn position(bytes: &[u8], wanted: u8) -> usize {
    position_where(bytes, |byte| byte == wanted) + 1
}

fn position_where(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| wanted(*byte)).unwrap_or(bytes.len())
}

/// The length of the character when `after` an apostrophe stand one character and an apostrophe,
/// otherwise nothing: then the apostrophe opens a lifetime.
fn character_length(after: &[u8]) -> Option<usize> {
    (1..=4).find(|length| after.get(*length) == Some(&b'\'')).filter(|length| {
        let character = std::str::from_utf8(&after[..*length]).unwrap_or_default();
        character.chars().count() == 1
    })
}

#[test]
fn comments_are_told_from_strings() {
    let line = |text| {
        let line = lines(text).remove(0);
        (line.code.to_owned(), line.comment.to_owned())
    };
    assert_eq!(line("let a = \"// no\"; // yes"), ("let a = \"// no\"; ".into(), "// yes".into()));
    assert_eq!(line("let q = '\"'; // yes"), ("let q = '\"'; ".into(), "// yes".into()));
    assert_eq!(line(r"let q = '\''; // yes"), (r"let q = '\''; ".into(), "// yes".into()));
    assert_eq!(line("fn f<'a>(x: &'a str) {} // yes"), ("fn f<'a>(x: &'a str) {} ".into(), "// yes".into()));
    assert_eq!(line("let å = 'å'; // yes"), ("let å = 'å'; ".into(), "// yes".into()));
    assert_eq!(line("a /* b */ + c"), ("a ".into(), "/* b */ + c".into()));
}

#[test]
fn raw_strings_and_blocks_reach_over_lines() {
    let text = "let a = br##\"one\n\"# two // \"##; // end\nfor\"x\" /* open\n // inside */ code\n";
    let seen: Vec<_> =
        lines(text).iter().map(|line| (line.number, line.raw, line.comment.to_owned())).collect();
    let expected = [
        (1, true, ""),
        (2, true, "// end"),
        (3, false, "/* open"),
        (4, false, " // inside */ code"),
        (5, false, ""),
    ];
    assert_eq!(seen, expected.map(|(number, raw, comment)| (number, raw, comment.to_owned())));
    assert_eq!(lines(text)[0].text, "let a = br##\"one");
}
