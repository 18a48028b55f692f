//! The first step of classification: the verbatim value without the ways in which people type it and
//! spreadsheets keep it.

use super::canonical::Compact;

/// What stands between the birth date and the last four characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Separator {
    Absent,
    Hyphen,
    /// Written from the year in which the person turns 100.
    Plus,
}

/// One separator and how many letters and digits come before it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Mark {
    position: usize,
    character: u8,
}

/// Digits in the number of an asylum seeker's case at Migrationsverket.
const DOSSIER_LENGTH: usize = 8;

/// A value without blanks, with every kind of hyphen as `-`, in upper case; separators are kept
/// apart.
pub(super) struct WorkCopy {
    pub(super) compact: Compact,
    /// The first two separators; no form has more.
    marks: [Mark; 2],
    mark_count: usize,
}

/// The layouts in which an identifier can be written.
pub(super) enum Layout {
    /// Century, birth date, last four.
    Twelve([u8; 2], [u8; 10]),
    /// Birth date and last four; the century is left out.
    Ten([u8; 10], Separator),
    /// Migrationsverket's `NN-NNNNNN`. The running number of the card, after `/`, changes with
    /// every new card and is not part of it.
    Dossier(Compact),
    Other,
}

/// The inside of `="…"`, which a spreadsheet writes around digits that it was told to keep as text.
fn without_formula(value: &str) -> &str {
    value.strip_prefix("=\"").and_then(|inside| inside.strip_suffix('"')).unwrap_or(value)
}

impl WorkCopy {
    /// Reads a value; `None` when a character can stand in no identifier, or there are too many of
    /// them.
    pub(super) fn read(verbatim: &str) -> Option<Self> {
        let mut copy = Self { compact: Compact::default(), marks: [Mark::default(); 2], mark_count: 0 };
        for character in without_formula(verbatim.trim()).chars() {
            let readable = match character {
                '0'..='9' | 'A'..='Z' | 'a'..='z' => {
                    copy.compact.push(u8::try_from(character).ok()?.to_ascii_uppercase())
                }
                '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' => copy.mark(b'-'),
                '+' => copy.mark(b'+'),
                '/' => copy.mark(b'/'),
                ' ' | '\u{a0}' | '\u{2007}' | '\u{202f}' => true,
                _ => false,
            };
            if !readable {
                return None;
            }
        }
        Some(copy)
    }

    fn mark(&mut self, character: u8) -> bool {
        if let Some(slot) = self.marks.get_mut(self.mark_count) {
            *slot = Mark { position: self.compact.bytes().len(), character };
        }
        self.mark_count += 1;
        true
    }

    /// True when nothing was written at all.
    pub(super) fn is_empty(&self) -> bool {
        self.compact.bytes().is_empty() && self.mark_count == 0
    }

    /// True for a lone hyphen and the like: somebody wrote that there is no number.
    pub(super) fn has_separators_only(&self) -> bool {
        self.compact.bytes().is_empty() && self.mark_count > 0
    }

    /// The layout by length and by where the separators stand. Letters are allowed here in the last
    /// four only.
    pub(super) fn layout(&self) -> Layout {
        let bytes = self.compact.bytes();
        if self.is_dossier() {
            return Layout::Dossier(self.compact.truncated(DOSSIER_LENGTH));
        }
        let Some(separator) = self.separator() else {
            return Layout::Other;
        };
        let Some((date, last_four)) = bytes.split_last_chunk::<4>() else {
            return Layout::Other;
        };
        if !date.iter().all(u8::is_ascii_digit) || !last_four.iter().all(u8::is_ascii_alphanumeric) {
            return Layout::Other;
        }
        if let Ok(ten) = <[u8; 10]>::try_from(bytes) {
            return Layout::Ten(ten, separator);
        }
        match (bytes.len(), bytes.split_first_chunk::<2>()) {
            (12, Some((century, tail))) => {
                <[u8; 10]>::try_from(tail).map_or(Layout::Other, |tail| Layout::Twelve(*century, tail))
            }
            _ => Layout::Other,
        }
    }

    /// The separator before the last four; `None` when separators stand anywhere else.
    fn separator(&self) -> Option<Separator> {
        match (self.mark_count, self.marks[0].character) {
            (0, _) => Some(Separator::Absent),
            (1, character) if self.marks[0].position + 4 == self.compact.bytes().len() => match character {
                b'-' => Some(Separator::Hyphen),
                b'+' => Some(Separator::Plus),
                _ => None,
            },
            _ => None,
        }
    }

    fn is_dossier(&self) -> bool {
        let bytes = self.compact.bytes();
        let hyphen_after_two = self.marks[0] == Mark { position: 2, character: b'-' };
        let running_number = match self.mark_count {
            1 => bytes.len() == DOSSIER_LENGTH,
            2 => {
                self.marks[1] == Mark { position: DOSSIER_LENGTH, character: b'/' }
                    && (DOSSIER_LENGTH + 1..=DOSSIER_LENGTH + 3).contains(&bytes.len())
            }
            _ => false,
        };
        hyphen_after_two && running_number && bytes.iter().all(u8::is_ascii_digit)
    }
}
