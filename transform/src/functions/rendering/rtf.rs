//! Just enough reading of RTF to get its words out.

use super::super::code_page::CodePage;

/// Groups inside each other that are told apart. Deeper ones are read as if they were this deep.
const DEEPEST: usize = 64;

/// Destinations whose text is no part of the document's words.
const DESTINATIONS: [&str; 25] = [
    "author",
    "colortbl",
    "company",
    "datastore",
    "doccomm",
    "filetbl",
    "fldinst",
    "fonttbl",
    "footer",
    "footerf",
    "footerl",
    "footerr",
    "generator",
    "header",
    "headerf",
    "headerl",
    "headerr",
    "info",
    "keywords",
    "listoverridetable",
    "listtable",
    "objdata",
    "pict",
    "stylesheet",
    "themedata",
];

/// Whether a text is kept as RTF.
pub(super) fn is_rtf(text: &str) -> bool {
    text.trim_start().starts_with(r"{\rtf")
}

/// The words of an RTF text. It never fails: what is not understood is left out.
pub(super) fn plain(text: &str) -> String {
    let mut reader = Reader {
        rest: text,
        words: String::with_capacity(text.len()),
        groups: vec![Group { silent: false, fallback: 1, fresh: true }],
        deeper: 0,
        page: Some(CodePage::Windows1252),
        replaced: 0,
        high: None,
    };
    while reader.step() {}
    reader.words
}

#[derive(Clone, Copy)]
struct Group {
    /// Its text is not for readers.
    silent: bool,
    /// How many characters follow a `\u` for readers that do not know it.
    fallback: usize,
    /// Nothing has been read of it yet.
    fresh: bool,
}

struct Reader<'t> {
    rest: &'t str,
    words: String,
    /// At least one.
    groups: Vec<Group>,
    /// Open groups beyond the deepest.
    deeper: usize,
    /// `None` for a page that is not known here.
    page: Option<CodePage>,
    /// Characters still to leave out, because a `\u` before them says the same.
    replaced: usize,
    /// The first half of a character that takes two `\u`.
    high: Option<u32>,
}

impl<'t> Reader<'t> {
    /// Reads one piece; false at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        match first {
            '{' => self.open(),
            '}' => self.close(),
            '\\' => self.control(),
            '\r' | '\n' => self.skip(1),
            _ => self.text(),
        }
        true
    }

    fn group(&mut self) -> &mut Group {
        self.groups.last_mut().expect("the outermost group is never closed")
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn open(&mut self) {
        self.skip(1);
        self.replaced = 0;
        let inner = Group { fresh: true, ..*self.group() };
        if self.groups.len() < DEEPEST {
            self.groups.push(inner);
        } else {
            self.deeper += 1;
        }
    }

    fn close(&mut self) {
        self.skip(1);
        self.replaced = 0;
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if self.groups.len() > 1 {
            self.groups.pop();
        }
    }

    fn text(&mut self) {
        let end = self.rest.find(['{', '}', '\\', '\r', '\n']).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.group().fresh = false;
        if self.replaced == 0 {
            self.push_str(run);
        } else {
            for character in run.chars() {
                self.emit(character);
            }
        }
    }

    fn push_str(&mut self, text: &str) {
        self.high = None;
        if !self.group().silent {
            self.words.push_str(text);
        }
    }

    /// A character of the text, unless a `\u` stands for it.
    fn emit(&mut self, character: char) {
        if self.replaced > 0 {
            self.replaced -= 1;
        } else {
            self.push_str(character.encode_utf8(&mut [0; 4]));
        }
    }

    fn control(&mut self) {
        self.skip(1);
        let letters = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        if letters > 0 {
            let (word, rest) = self.rest.split_at(letters);
            self.rest = rest;
            let number = self.number();
            self.word(word, number);
        } else {
            self.symbol();
        }
    }

    /// The number of a control word, and the one blank that ends it.
    fn number(&mut self) -> Option<i32> {
        let sign = usize::from(self.rest.starts_with('-'));
        let digits = self.rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
        let number = if digits > 0 { self.rest[..sign + digits].parse().ok() } else { None };
        if digits > 0 {
            self.skip(sign + digits);
        }
        if self.rest.starts_with(' ') {
            self.skip(1);
        }
        number
    }

    fn symbol(&mut self) {
        let Some(symbol) = self.rest.chars().next() else { return };
        self.skip(symbol.len_utf8());
        match symbol {
            '*' => {
                let group = self.group();
                group.silent |= group.fresh;
                return;
            }
            '\'' => self.byte(),
            '~' => self.emit('\u{a0}'),
            '_' => self.emit('-'),
            '\r' | '\n' => self.emit('\n'),
            '\\' | '{' | '}' => self.emit(symbol),
            _ if symbol.is_ascii() => {}
            _ => self.emit(symbol),
        }
        self.group().fresh = false;
    }

    /// `\'hh`: one byte of the document's code page.
    fn byte(&mut self) {
        let digits = self.rest.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else { return };
        self.skip(2);
        let character = self.page.and_then(|page| page.character(byte));
        self.emit(character.or_else(|| byte.is_ascii().then(|| char::from(byte))).unwrap_or('\u{fffd}'));
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        if self.group().fresh && DESTINATIONS.contains(&word) {
            self.group().silent = true;
        }
        self.group().fresh = false;
        match (word, number) {
            ("u", Some(number)) => self.unicode(number),
            ("uc", Some(number)) => self.group().fallback = usize::try_from(number).unwrap_or(1),
            ("bin", Some(number)) => self.binary(number),
            ("ansicpg", Some(number)) => self.page = CodePage::numbered(number),
            ("ansi", _) => self.page = Some(CodePage::Windows1252),
            ("pc", _) => self.page = Some(CodePage::Dos437),
            ("pca", _) => self.page = Some(CodePage::Dos850),
            ("mac", _) => self.page = Some(CodePage::MacRoman),
            _ => {
                if let Some(character) = character_of(word) {
                    self.emit(character);
                }
            }
        }
    }

    /// `\uN`, and what stands after it for readers that do not know it.
    fn unicode(&mut self, number: i32) {
        // Numbers from 32768 on are written as negative ones.
        let unit = u32::from(u16::try_from(number.rem_euclid(1 << 16)).unwrap_or_default());
        self.replaced = 0;
        match (self.high.take(), unit) {
            (_, 0xd800..=0xdbff) => self.high = Some(unit),
            (Some(high), 0xdc00..=0xdfff) => {
                self.emit(
                    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (unit - 0xdc00))
                        .unwrap_or('\u{fffd}'),
                );
            }
            (_, unit) => self.emit(char::from_u32(unit).unwrap_or('\u{fffd}')),
        }
        self.replaced = self.group().fallback;
    }

    /// `\binN`: so many bytes that are no text.
    fn binary(&mut self, number: i32) {
        let bytes = usize::try_from(number).unwrap_or(0).min(self.rest.len());
        let end = (bytes..=self.rest.len()).find(|end| self.rest.is_char_boundary(*end));
        self.skip(end.unwrap_or(self.rest.len()));
    }
}

/// The character that a control word stands for.
fn character_of(word: &str) -> Option<char> {
    Some(match word {
        "par" | "line" | "sect" | "page" | "row" | "column" => '\n',
        "tab" | "cell" | "nestcell" => '\t',
        "emdash" => '—',
        "endash" => '–',
        "emspace" | "enspace" | "qmspace" => ' ',
        "bullet" => '•',
        "lquote" => '‘',
        "rquote" => '’',
        "ldblquote" => '“',
        "rdblquote" => '”',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_come_out_of_an_ordinary_document() {
        let text = concat!(
            r"{\rtf1\ansi\ansicpg1252\deff0\nouicompat{\fonttbl{\f0\fnil\fcharset0 Arial;}{\f1 Symbol;}}",
            "\r\n",
            r"{\colortbl ;\red255\green0\blue0;}{\*\generator Riched20 10.0;}{\info{\author Anna}}",
            "\r\n",
            r"\viewkind4\uc1\pard\sa200\f0\fs22 Hembes\'f6k hos \b kunden\b0 .\par",
            "\r\n",
            r"N\u228?sta m\'f6te\tab fredag\line kl. 10{\i  prick}\par}",
        );
        assert_eq!(plain(text), "Hembesök hos kunden.\nNästa möte\tfredag\nkl. 10 prick\n");
    }

    #[test]
    fn bytes_are_read_in_the_page_of_the_document() {
        assert_eq!(plain(r"{\rtf1\ansi \'e5\'e4\'f6\'80}"), "åäö€");
        assert_eq!(plain(r"{\rtf1\pca \'86\'84\'94}"), "åäö");
        assert_eq!(plain(r"{\rtf1\pc \'86\'84\'94}"), "åäö");
        assert_eq!(plain(r"{\rtf1\ansi\ansicpg850 \'86}"), "å");
        assert_eq!(plain(r"{\rtf1\ansi\ansicpg1251 \'e5\'41}"), "\u{fffd}A");
        assert_eq!(plain(r"{\rtf1\ansi Sj\'81n}"), "Sj\u{fffd}n");
    }

    #[test]
    fn what_stands_for_a_character_that_is_known_is_left_out() {
        assert_eq!(plain(r"{\rtf1\uc1 \u229?a}"), "åa");
        assert_eq!(plain(r"{\rtf1\uc2 \u229\'e5\'20b}"), "åb");
        assert_eq!(plain(r"{\rtf1\uc0 \u229 ?}"), "å?");
        assert_eq!(plain(r"{\rtf1 {\uc0 \u229 }\u228?c}"), "åäc");
        assert_eq!(plain(r"{\rtf1 \u229{x}}"), "åx");
        assert_eq!(plain(r"{\rtf1\uc1 \u-10179?\u-8704?!}"), "😀!");
        assert_eq!(plain(r"{\rtf1 \u-10179?x}"), "x");
        assert_eq!(plain(r"{\rtf1 \u-8704?x}"), "\u{fffd}x");
    }

    #[test]
    fn signs_are_read() {
        assert_eq!(plain(r"{\rtf1 a\~b\_c\-d\\e\{f\}}"), "a\u{a0}b-cd\\e{f}");
        assert_eq!(plain("{\\rtf1 a\\\nb\nc}"), "a\nbc");
        assert_eq!(plain(r"{\rtf1 \ldblquote a\rdblquote \endash  b}"), "“a”– b");
    }

    #[test]
    fn bad_markup_gives_what_can_be_read() {
        assert_eq!(plain(r"{\rtf1 a"), "a");
        assert_eq!(plain(r"{\rtf1 a}}} b"), "a b");
        assert_eq!(plain(r"{\rtf1 a\'zzb\"), "azzb");
        assert_eq!(plain(r"{\rtf1 \u99999999999 a\fs99999999999999 b}"), "ab");
        assert_eq!(plain(r"{\rtf1 text \info mer}"), "text mer");
        assert_eq!(plain(r"{\rtf1 a\bin3 xyåb\bin9 c}"), "ab");
        assert_eq!(plain(r"{\rtf1 \å}"), "å");
        assert_eq!(plain(r"{\rtf"), "");
    }

    #[test]
    fn groups_of_any_depth_are_read() {
        let deep = format!(r"{{\rtf1 {}a{}b}}", "{".repeat(100_000), "}".repeat(100_000));
        assert_eq!(plain(&deep), "ab");
        let silent = format!(r"{{\rtf1 {{\*\x {}a{}}}b}}", "{".repeat(500), "}".repeat(500));
        assert_eq!(plain(&silent), "b");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_failure(
            text in "\\PC*|([{}\\\\'*~ \nåa-z0-9-]|\\\\u|\\\\'|\\\\bin|\\\\par){0,60}"
        ) {
            let words = plain(&format!("{{\\rtf1 {text}"));
            prop_assert!(words.len() <= 3 * text.len());
        }

        #[test]
        fn words_without_signs_are_kept(text in "[a-zåäö ,.:;!?0-9]{0,40}") {
            prop_assert_eq!(plain(&format!("{{\\rtf1\\ansi {text}}}")), text);
        }

        #[test]
        fn words_in_bytes_are_kept(text in "[a-zåäöÅÄÖé ]{0,40}") {
            let coded = text.chars().map(|character| match character {
                'a'..='z' | ' ' => character.to_string(),
                _ => format!("\\'{:02x}", u32::from(character)),
            });
            let coded: String = coded.collect();
            prop_assert_eq!(plain(&format!("{{\\rtf1\\ansi {coded}}}")), text);
        }
    }
}
