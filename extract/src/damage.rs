//! Values that came to harm on their way: which columns of which files have them, and of what kind.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::charset::Charset;
use crate::ledger::{SourceFile, TableLedger};

/// How many values of one column are damaged, by kind. A value may be damaged in several ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Damage {
    /// With a control character other than tab, line feed and carriage return.
    pub control: u64,
    /// With U+FFFD: a character was lost before the file was written.
    pub lost: u64,
    /// With characters of UTF-8 that were read as two characters each, such as `Ã¥` for `å` or `Â§` for `§`.
    pub misread: u64,
    /// With letters of another code page than the declared one: `†` or `Õ` where `å` was written.
    pub other_page: u64,
    /// With `{`, `|` or `}` between letters, as 7-bit machines wrote `ä`, `ö` and `å`; RTF and markup do not count.
    pub seven_bit: u64,
}

/// A kind of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DamageKind {
    /// [`Damage::control`].
    Control,
    /// [`Damage::lost`].
    Lost,
    /// [`Damage::misread`].
    Misread,
    /// [`Damage::other_page`].
    OtherPage,
    /// [`Damage::seven_bit`].
    SevenBit,
}

impl DamageKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Control, Self::Lost, Self::Misread, Self::OtherPage, Self::SevenBit];

    /// What such values have, for people.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Control => "control characters",
            Self::Lost => "lost characters (U+FFFD)",
            Self::Misread => "UTF-8 that was read as something else",
            Self::OtherPage => "letters of another code page",
            Self::SevenBit => "7-bit letters",
        }
    }
}

impl Serialize for DamageKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.phrase())
    }
}

impl Damage {
    /// Whether there is none.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        let Self { control, lost, misread, other_page, seven_bit } = self;
        *control == 0 && *lost == 0 && *misread == 0 && *other_page == 0 && *seven_bit == 0
    }

    /// The values with damage of this kind.
    #[must_use]
    pub const fn of(&self, kind: DamageKind) -> u64 {
        match kind {
            DamageKind::Control => self.control,
            DamageKind::Lost => self.lost,
            DamageKind::Misread => self.misread,
            DamageKind::OtherPage => self.other_page,
            DamageKind::SevenBit => self.seven_bit,
        }
    }

    /// Takes the counts of other values to these.
    pub(crate) const fn add(&mut self, other: Self) {
        let Self { control, lost, misread, other_page, seven_bit } = other;
        self.control += control;
        self.lost += lost;
        self.misread += misread;
        self.other_page += other_page;
        self.seven_bit += seven_bit;
    }

    /// Counts a value that was decoded from `bytes`.
    pub(crate) fn see(&mut self, bytes: &[u8], text: &str, charset: Charset) {
        if may_have_any(bytes) {
            self.add(Self::of_text(text, Some(charset)));
        }
    }

    /// The damage of one value: each kind counts 0 or 1. `charset` is the one that it was decoded from. What a
    /// database gives has none, and is judged as windows-1252, which most of them were written in.
    pub(crate) fn of_text(text: &str, charset: Option<Charset>) -> Self {
        let signs = text.bytes().fold(0, |signs, byte| signs | SIGNS[usize::from(byte)]);
        let has = |sign: u8| signs & sign != 0;
        let can_be_seven_bit = has(SEVEN_BIT) && charset.is_none_or(|charset| !charset.is_seven_bit());
        Self {
            control: u64::from(has(CONTROL)),
            seven_bit: u64::from(can_be_seven_bit && !is_markup(text) && has_seven_bit_letters(text)),
            lost: u64::from(has(LOST) && text.contains(char::REPLACEMENT_CHARACTER)),
            misread: u64::from(has(MISREAD) && is_misread(text)),
            other_page: u64::from(has(WIDE) && is_of_other_page(text, charset)),
        }
    }

    /// Whether letters are damaged: there is damage other than control characters.
    pub(crate) const fn is_of_letters(self) -> bool {
        !Self { control: 0, ..self }.is_none()
    }
}

/// Whether values with these bytes can have damage. Most have none, and this loop sees many bytes at once.
pub(crate) fn may_have_any(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, byte| found | (byte.wrapping_sub(b' ') > b'z' - b' '))
}

const CONTROL: u8 = 1;
const SEVEN_BIT: u8 = 2;
const LOST: u8 = 4;
const MISREAD: u8 = 8;
const WIDE: u8 = 16;

/// What each byte of a text in UTF-8 is a sign of. Without the sign there is no such damage.
const SIGNS: [u8; 256] = {
    let mut signs = [0; 256];
    let (mut place, mut byte) = (0, 0_u8);
    while place < signs.len() {
        signs[place] = match byte {
            b'\t' | b'\n' | b'\r' | b' '..=b'z' | b'~' => 0,
            0..b' ' | 0x7f => CONTROL,
            b'{' | b'|' | b'}' => SEVEN_BIT,
            // The second bytes of `Â`, `Ã` and `├`.
            0x82 | 0x83 | 0x94 => WIDE | MISREAD,
            // The first byte of U+FFFD.
            0xef => WIDE | LOST,
            0x80.. => WIDE,
        };
        place += 1;
        byte = byte.wrapping_add(1);
    }
    signs
};

/// RTF and markup, where braces stand between letters in earnest.
fn is_markup(text: &str) -> bool {
    text.starts_with("{\\rtf") || text.starts_with('<')
}

fn has_seven_bit_letters(text: &str) -> bool {
    around(text)
        .any(|(before, one, after)| matches!(one, '{' | '|' | '}') && is_letter(before) && is_letter(after))
}

fn is_letter(one: Option<char>) -> bool {
    one.is_some_and(char::is_alphabetic)
}

/// Every character with its neighbours.
fn around(text: &str) -> impl Iterator<Item = (Option<char>, char, Option<char>)> {
    let mut before = None;
    let mut rest = text.chars().peekable();
    std::iter::from_fn(move || {
        let one = rest.next()?;
        let found = (before, one, rest.peek().copied());
        before = Some(one);
        Some(found)
    })
}

/// Whether a character stands as the two that its UTF-8 is in windows-1252, ISO 8859-1 or cp850, or as the four that
/// come of doing so twice. After `Ã` and `Â`, which other languages write, only signs count that stand in no word.
fn is_misread(text: &str) -> bool {
    const WEB: &str = "…„–‰ƒ\u{85}\u{84}\u{96}\u{89}";
    const DOS: &str = "ÑñÂ®àäûÉ";
    let is_sign = |one| matches!(one, '\u{a1}'..='\u{bf}');
    around(text).any(|(before, one, _)| match before {
        Some('Ã') => is_sign(one) || WEB.contains(one),
        Some('Â') => is_sign(one),
        Some('├') => DOS.contains(one),
        Some(_) | None => false,
    })
}

/// Whether a Swedish letter stands as the character that its byte is in another code page: a byte of cp850 in
/// windows-1252 or ISO 8859-1, or the other way round. What people write in earnest does not count: a quotation mark
/// at the end of a word, a trade mark after one, the letters of other languages (`Ž`, though cp850 has `Ä` there).
fn is_of_other_page(text: &str, charset: Option<Charset>) -> bool {
    if charset.is_some_and(|charset| charset.is_utf8()) {
        return false;
    }
    let code_page = charset.is_some_and(|charset| charset.is_code_page());
    let small = |one: Option<char>| one.is_some_and(char::is_lowercase);
    let capital = |one: Option<char>| one.is_some_and(char::is_uppercase);
    around(text).any(|(before, one, after)| match one {
        '\u{80}'..='\u{9f}' => true,
        '†' | '„' | '”' => is_letter(before) && is_letter(after),
        '™' if is_letter(before) => capital(before) && capital(after),
        '™' => is_letter(after),
        'Õ' => code_page && small(before),
        '÷' => code_page && is_letter(before) && is_letter(after),
        '┼' | '─' => code_page && is_letter(after),
        _ => false,
    })
}

/// A column with damage of one kind, in files of several periods on end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DamagedColumn {
    /// The column.
    pub column: String,
    /// What its damaged values have; in JSON the words of [`DamageKind::phrase`].
    pub damage: DamageKind,
    /// The first period; the name of a file when the files have no period.
    pub from: String,
    /// The last period or file.
    pub to: String,
    /// The damaged values.
    pub values: u64,
    /// The rows of all files from the first to the last.
    pub rows: u64,
}

impl fmt::Display for DamagedColumn {
    /// The column, when, how many values of how many rows, and what they have: one line for people, without the table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, damage, from, to, values, rows } = self;
        write!(f, "{column}, {from}")?;
        if from != to {
            write!(f, " to {to}")?;
        }
        write!(f, ": {values} of {rows} values have {}", damage.phrase())
    }
}

/// The damaged columns of a table, by column, kind and period; periods that follow each other and are both damaged
/// are one entry.
#[must_use]
pub fn damaged_columns(ledger: &TableLedger) -> Vec<DamagedColumn> {
    let mut periods: BTreeMap<&str, Vec<&SourceFile>> = BTreeMap::new();
    for file in ledger.files.iter().filter(|file| file.same_as.is_none()) {
        periods.entry(file.period.as_deref().unwrap_or(&file.name)).or_default().push(file);
    }
    let mut columns: Vec<&String> = ledger.files.iter().flat_map(|file| file.damaged.keys()).collect();
    columns.sort_unstable();
    columns.dedup();
    let mut found = Vec::new();
    for (column, kind) in columns.iter().flat_map(|column| DamageKind::ALL.map(|kind| (*column, kind))) {
        let mut run: Option<DamagedColumn> = None;
        for (period, files) in &periods {
            let damaged = files.iter().filter_map(|file| file.damaged.get(column));
            let values: u64 = damaged.map(|damage| damage.of(kind)).sum();
            if values == 0 {
                found.extend(run.take());
                continue;
            }
            let run = run.get_or_insert_with(|| DamagedColumn {
                column: column.clone(),
                damage: kind,
                from: (*period).to_owned(),
                to: String::new(),
                values: 0,
                rows: 0,
            });
            (*period).clone_into(&mut run.to);
            run.values += values;
            run.rows += files.iter().map(|file| file.rows).sum::<u64>();
        }
        found.extend(run);
    }
    found
}

#[cfg(test)]
mod tests {
    use bron_mappings::Digest;

    use super::*;

    fn kinds(encoding: &str, bytes: &[u8]) -> Vec<DamageKind> {
        let charset = Charset::named(encoding).unwrap();
        let mut damage = Damage::default();
        damage.see(bytes, &charset.decode(bytes).unwrap(), charset);
        assert_eq!(damage.is_none(), DamageKind::ALL.iter().all(|kind| damage.of(*kind) == 0));
        DamageKind::ALL.into_iter().filter(|kind| damage.of(*kind) > 0).collect()
    }

    #[test]
    fn letters_of_another_page_are_known_by_where_they_stand() {
        for bytes in
            [&b"g\x86rd"[..], b"n\x84ra", b"K\x94ping", b"\x99rebro", b"\x99REBRO", b"K\x99PING", b"\x8fre"]
        {
            assert_eq!(kinds("windows-1252", bytes), [DamageKind::OtherPage], "{bytes:?}");
            assert_eq!(kinds("cp850", bytes), []);
        }
        for bytes in [&b"g\xe5rd"[..], b"k\xf6p", b"\xc5ker", b"\xc4lv"] {
            assert_eq!(kinds("cp850", bytes), [DamageKind::OtherPage], "{bytes:?}");
            assert_eq!(kinds("windows-1252", bytes), []);
        }
    }

    #[test]
    fn what_people_write_is_no_damage() {
        for text in [
            "Åsa & Örjan",
            "sa „hej” till",
            "Tena™ kopp",
            "Žarko Jõgi",
            "a {b} | c",
            "12 ÷ 3",
            "tab\tny\nrad",
        ] {
            assert_eq!(kinds("utf-8", text.as_bytes()), [], "{text}");
        }
        for bytes in [
            &b"sa \x84hej\x94 till, Tena\x99 kopp, Tena\x99Kopp, \x8earko Bo\x8eovi\xe6 BO\x8eO"[..],
            b"IRM\xc3, AM\xc2NCIO, \xc2 \xc3 ",
            b"{\\rtf1 a}b",
            b"<p>a|b</p>",
        ] {
            assert_eq!(kinds("windows-1252", bytes), [], "{bytes:?}");
        }
    }

    #[test]
    fn the_text_of_a_database_is_judged_as_windows_1252() {
        let charset = Charset::named("windows-1252");
        for text in
            ["g†rd", "Bl†sjön", "Sj”berg", "Õ 3 ÷ 4", "påÕ", "a┼b", "Sj|berg", "11 kap. 1 Â§", "a\0", "Åsa"]
        {
            assert_eq!(Damage::of_text(text, None), Damage::of_text(text, charset), "{text}");
        }
        assert_eq!(Damage::of_text("g†rd", None), Damage { other_page: 1, ..Damage::default() });
        assert_eq!(Damage::of_text("g†rd", Charset::named("utf-8")), Damage::default());
    }

    #[test]
    fn every_kind_is_found() {
        assert_eq!(kinds("utf-8", "Ã¥ker".as_bytes()), [DamageKind::Misread]);
        assert_eq!(kinds("utf-8", "├Ñker".as_bytes()), [DamageKind::Misread]);
        assert_eq!(kinds("windows-1252", "åker".as_bytes()), [DamageKind::Misread]);
        assert_eq!(kinds("cp850", "öra".as_bytes()), [DamageKind::Misread]);
        for text in ["Ã…sa", "MÃ¼ller", "AndrÃ©", "11 kap. 1 Â§", "20 Â°"] {
            assert_eq!(kinds("utf-8", text.as_bytes()), [DamageKind::Misread], "{text}");
        }
        assert_eq!(kinds("utf-8", "g\u{fffd}rd".as_bytes()), [DamageKind::Lost]);
        assert_eq!(kinds("utf-8", b"h}kan"), [DamageKind::SevenBit]);
        assert_eq!(kinds("iso646-se", b"h}kan"), []);
        assert_eq!(kinds("utf-8", b"a\0b\x7f"), [DamageKind::Control]);
    }

    #[test]
    fn periods_on_end_are_one_entry() {
        let file = |period: &str, sender: &str, other_page: u64| SourceFile {
            bytes: 1,
            content: Digest::of(b"x"),
            controls: Vec::new(),
            damaged: BTreeMap::from([("Orsak".to_owned(), Damage { other_page, ..Damage::default() })]),
            dialect: "v1".to_owned(),
            name: format!("insats_{period}_{sender}.csv"),
            period: Some(period.to_owned()),
            rows: 10,
            same_as: None,
            sniffed: None,
        };
        let files = vec![
            file("201402", "a", 0),
            file("201403", "a", 3),
            file("201403", "b", 0),
            file("201404", "a", 2),
            file("201405", "a", 0),
            file("201406", "a", 1),
        ];
        let found = damaged_columns(&TableLedger { files, ..TableLedger::default() });
        let facts: Vec<_> =
            found.iter().map(|one| (one.from.as_str(), one.to.as_str(), one.values, one.rows)).collect();
        assert_eq!(facts, [("201403", "201404", 5, 30), ("201406", "201406", 1, 10)]);
        let said: Vec<String> = found.iter().map(DamagedColumn::to_string).collect();
        assert_eq!(
            said,
            [
                "Orsak, 201403 to 201404: 5 of 30 values have letters of another code page",
                "Orsak, 201406: 1 of 10 values have letters of another code page",
            ]
        );
    }
}
