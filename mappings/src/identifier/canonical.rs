//! Normalised forms of an identifier. They hold personal data, so their `Debug` shows none of it.

use std::fmt;

/// An identifier in its twelve-character form: four-digit year (or the issuer's prefix), no
/// separator, upper-case letters, ASCII only. `YYYYMMDDNNNC` for a personnummer, `16` and ten
/// digits for an organisationsnummer.
///
/// The value is personal data: there is no `Display`, and `Debug` prints a placeholder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Canonical12([u8; 12]);

impl Canonical12 {
    /// Puts the two characters of the century before the ten that follow it. Every byte must be
    /// ASCII.
    pub(super) fn new(century: [u8; 2], tail: &[u8; 10]) -> Self {
        let mut bytes = [0; 12];
        bytes[..2].copy_from_slice(&century);
        bytes[2..].copy_from_slice(tail);
        Self(bytes)
    }

    /// The twelve characters. Personal data: only for columns and keys that are meant to hold it.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII is ever stored")
    }

    pub(super) fn bytes(&self) -> &[u8; 12] {
        &self.0
    }
}

impl fmt::Debug for Canonical12 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Canonical12(redacted)")
    }
}

/// The most characters an identifier can have once blanks and separators are gone; longer text is
/// no identifier.
pub(super) const COMPACT_CAPACITY: usize = 16;

/// The letters and digits of a value, in upper case and without blanks and separators.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Compact {
    bytes: [u8; COMPACT_CAPACITY],
    length: usize,
}

impl Compact {
    /// Appends an ASCII character; false when there is no room for it.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        let Some(slot) = self.bytes.get_mut(self.length) else {
            return false;
        };
        *slot = byte;
        self.length += 1;
        true
    }

    /// Keeps the first `length` characters.
    pub(super) fn truncated(self, length: usize) -> Self {
        let length = self.length.min(length);
        let mut bytes = [0; COMPACT_CAPACITY];
        bytes[..length].copy_from_slice(&self.bytes[..length]);
        Self { bytes, length }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(self.bytes()).expect("only ASCII is ever stored")
    }
}
