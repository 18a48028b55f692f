//! What is sealed, as bytes: rows, keys and changes. Numbers are 32 bits, big-endian; every text and run of bytes has
//! its length in front.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{Digest, SourceKey};
use bron_transform::{SourceText, SourceTexts};

use super::connection::strange;
use crate::change::{Change, Image, Mark, Version};
use crate::error::Result;

const NOTHING: u8 = 0;
const TEXT: u8 = 1;
const BYTES: u8 = 2;

/// Bytes that are being written.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn number(&mut self, number: usize) {
        let number = u32::try_from(number).expect("what a row holds is shorter than 4 GiB");
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    fn run(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn key(&mut self, key: &SourceKey) {
        self.run(key.as_bytes());
    }

    pub(super) fn string(&mut self, text: &str) {
        self.run(text.as_bytes());
    }

    pub(super) fn digests(&mut self, digests: &BTreeSet<Digest>) {
        self.number(digests.len());
        for digest in digests {
            self.0.extend_from_slice(digest.as_bytes());
        }
    }

    pub(super) fn version(&mut self, version: Version) {
        self.0.extend_from_slice(&version.major.to_be_bytes());
        self.0.extend_from_slice(&version.minor.to_be_bytes());
    }

    fn text(&mut self, text: Option<&str>) {
        match text {
            None => self.0.push(NOTHING),
            Some(text) => {
                self.0.push(TEXT);
                self.run(text.as_bytes());
            }
        }
    }

    pub(super) fn image(&mut self, image: Option<&Image>) {
        let Some(image) = image else { return self.0.push(NOTHING) };
        self.0.push(TEXT);
        self.number(image.columns().len());
        for (column, value) in image.columns() {
            self.run(column.as_bytes());
            let (tag, bytes) = match value {
                SourceText::Text(text) => (TEXT, text.as_bytes()),
                SourceText::Bytes(bytes) => (BYTES, bytes.as_slice()),
            };
            self.0.push(tag);
            self.run(bytes);
        }
    }

    pub(super) fn images(&mut self, rows: &BTreeMap<SourceKey, Image>) {
        self.number(rows.len());
        for (key, image) in rows {
            self.key(key);
            self.image(Some(image));
        }
    }
}

/// Bytes that are being read. Whatever does not fit is damage.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(strange()) }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(strange)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        self.take(1)?.first().copied().ok_or_else(strange)
    }

    fn number(&mut self) -> Result<usize> {
        let bytes = self.take(4)?.try_into().map_err(|_| strange())?;
        usize::try_from(u32::from_be_bytes(bytes)).map_err(|_| strange())
    }

    fn run(&mut self) -> Result<&'a [u8]> {
        let length = self.number()?;
        self.take(length)
    }

    pub(super) fn digests(&mut self) -> Result<BTreeSet<Digest>> {
        let digest = |bytes: &[u8]| bytes.try_into().map(Digest::from_bytes).map_err(|_| strange());
        (0..self.number()?).map(|_| self.take(32).and_then(digest)).collect()
    }

    pub(super) fn version(&mut self) -> Result<Version> {
        let mut number = || self.take(8)?.try_into().map(u64::from_be_bytes).map_err(|_| strange());
        Ok(Version { major: number()?, minor: number()? })
    }

    pub(super) fn string(&mut self) -> Result<String> {
        String::from_utf8(self.run()?.to_vec()).map_err(|_| strange())
    }

    pub(super) fn key(&mut self) -> Result<SourceKey> {
        SourceKey::from_bytes(self.run()?).map_err(|_| strange())
    }

    fn text(&mut self) -> Result<Option<String>> {
        match self.byte()? {
            NOTHING => Ok(None),
            TEXT => self.string().map(Some),
            _ => Err(strange()),
        }
    }

    pub(super) fn image(&mut self) -> Result<Option<Image>> {
        match self.byte()? {
            NOTHING => return Ok(None),
            TEXT => {}
            _ => return Err(strange()),
        }
        let mut columns = SourceTexts::new();
        for _ in 0..self.number()? {
            let column = self.string()?;
            let value = match self.byte()? {
                TEXT => SourceText::Text(self.string()?),
                BYTES => SourceText::Bytes(self.run()?.to_vec()),
                _ => return Err(strange()),
            };
            columns.insert(column, value);
        }
        Ok(Some(Image::new(columns)))
    }

    pub(super) fn images(&mut self) -> Result<BTreeMap<SourceKey, Image>> {
        let mut rows = BTreeMap::new();
        for _ in 0..self.number()? {
            let key = self.key()?;
            rows.insert(key, self.image()?.ok_or_else(strange)?);
        }
        Ok(rows)
    }
}

/// What of a change is personal data: the key, the row after and before, the words of the mark.
pub(super) fn of_change(change: &Change) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.key(&change.key);
    writer.image(change.after.as_ref());
    writer.image(change.before.as_ref());
    writer.text(match &change.mark {
        Mark::None => None,
        Mark::Bridge(text) => Some(text),
    });
    writer.finish()
}

/// The change that [`of_change`] wrote.
pub(super) fn change(bytes: &[u8], version: Version) -> Result<Change> {
    let mut reader = Reader::new(bytes);
    let (key, after, before) = (reader.key()?, reader.image()?, reader.image()?);
    let mark = reader.text()?.map_or(Mark::None, Mark::Bridge);
    reader.finish()?;
    Ok(Change { key, version, after, before, mark })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_comes_back_and_a_shortened_one_is_damage() {
        let columns = SourceTexts::from([
            ("NAMN".to_owned(), SourceText::Text("Åsa".to_owned())),
            ("TOM".to_owned(), SourceText::Text(String::new())),
            ("FIL".to_owned(), SourceText::Bytes(vec![0, 255])),
        ]);
        let written = Change {
            key: SourceKey::new("s", "T", [Some("1"), None]),
            version: Version { major: 7, minor: 1 },
            after: Some(Image::new(columns)),
            before: None,
            mark: Mark::Bridge("17".to_owned()),
        };
        let bytes = of_change(&written);
        assert_eq!(change(&bytes, written.version).unwrap(), written);
        for length in 0..bytes.len() {
            assert!(change(&bytes[..length], written.version).is_err(), "{length}");
        }
        assert!(change(&[bytes.as_slice(), &[0]].concat(), written.version).is_err());
    }
}
