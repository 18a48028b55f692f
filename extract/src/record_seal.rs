//! Sealing of single records, for stores that keep rows outside the staging.

use std::fmt;

use bron_mappings::{Artefact, Digest};

use crate::cipher;
use crate::error::{Error, ErrorKind};
use crate::keys::{MasterKey, RunKey, WrappedKey};

const SEALING: &str = "bron/record/1";
const DIGEST: &str = "bron/record-digest/1";

/// Seals the records of one store, each to its place, and makes the digests that its records are found by.
///
/// The store has a key of its own, which lies in it wrapped by the master key of the installation. Every place has a
/// key derived from it, so that a record which was moved, or of which a bit was changed, does not open.
pub struct RecordSeal(RunKey);

impl RecordSeal {
    /// Draws the key of a new store. `of` names the store for good. Gives also the text to keep in the store: the
    /// wrapped key, of which nothing can be read without the master key.
    ///
    /// # Errors
    /// [`ErrorKind::Unreadable`] when the operating system gives no random numbers.
    pub fn draw(of: &str, master: &MasterKey) -> Result<(Self, String), Error> {
        let (key, wrapped) = WrappedKey::draw(of, master)?;
        let text = serde_json::to_string(&wrapped).expect("texts and numbers can be written as JSON");
        Ok((Self(key), text))
    }

    /// The seal of a store, from the text that it keeps.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when it was wrapped by another master key, [`ErrorKind::Corrupt`] when it is damaged or
    /// belongs to another store, [`ErrorKind::Format`] when it is of a newer format.
    pub fn open(kept: &str, of: &str, master: &MasterKey) -> Result<Self, Error> {
        Artefact::RunKey.require_in_text(&format!("the key of {of}"), kept.as_bytes())?;
        let corrupt =
            || Error::new(ErrorKind::Corrupt, format!("the key of {of} is damaged, or another store's"));
        let wrapped: WrappedKey = serde_json::from_str(kept).map_err(|_| corrupt())?;
        wrapped.require_master(of, master)?;
        wrapped.unwrapped(of, master).map(Self).ok_or_else(corrupt)
    }

    /// Seals a record to its place, such as the table and the number of its row.
    ///
    /// # Errors
    /// [`ErrorKind::Unreadable`] when the operating system gives no random numbers.
    pub fn seal(&self, place: &str, record: &[u8]) -> Result<Vec<u8>, Error> {
        let context = cipher::context(SEALING, &[place]);
        cipher::seal(&self.0.derived(&context), &context, record)
    }

    /// The record that was sealed to this place; `None` when it is another's or a bit of it was changed.
    #[must_use]
    pub fn unseal(&self, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let context = cipher::context(SEALING, &[place]);
        cipher::open(&self.0.derived(&context), &context, sealed)
    }

    /// What stands for bytes where records are found by them: nobody without the key can tell whether it stands for
    /// bytes that they guess. Digests for two purposes cannot be compared.
    #[must_use]
    pub fn digest(&self, purpose: &str, bytes: &[u8]) -> Digest {
        let key = self.0.derived(&cipher::context(DIGEST, &[purpose]));
        Digest::from_bytes(cipher::derived(&key, bytes))
    }
}

impl fmt::Debug for RecordSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordSeal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(digits: &str) -> MasterKey {
        MasterKey::from_hex(&digits.repeat(32)).unwrap()
    }

    #[test]
    fn a_record_opens_in_its_place_and_with_the_key_of_its_store() {
        let (seal, kept) = RecordSeal::draw("bridge 1", &master("0a")).unwrap();
        let sealed = seal.seal("row/1", b"hemligt").unwrap();
        let again = RecordSeal::open(&kept, "bridge 1", &master("0a")).unwrap();
        assert_eq!(again.unseal("row/1", &sealed).unwrap(), b"hemligt");
        assert!(again.unseal("row/2", &sealed).is_none());
        let (other, _) = RecordSeal::draw("bridge 1", &master("0a")).unwrap();
        assert!(other.unseal("row/1", &sealed).is_none());
        assert_eq!(seal.digest("key", b"a"), again.digest("key", b"a"));
        assert_ne!(seal.digest("key", b"a"), seal.digest("row", b"a"));
        assert_ne!(seal.digest("key", b"a"), other.digest("key", b"a"));
    }

    #[test]
    fn the_key_of_another_master_or_store_is_refused() {
        let (_, kept) = RecordSeal::draw("bridge 1", &master("0a")).unwrap();
        let kind = |of: &str, key: &str| RecordSeal::open(&kept, of, &master(key)).unwrap_err().kind();
        assert_eq!(kind("bridge 1", "0b"), ErrorKind::Settings);
        assert_eq!(kind("bridge 2", "0a"), ErrorKind::Corrupt);
        let damaged = RecordSeal::open("{}", "bridge 1", &master("0a")).unwrap_err();
        assert_eq!(damaged.kind(), ErrorKind::Corrupt);
        let newer = kept.replace("\"format\":1", "\"format\":9");
        let newer = RecordSeal::open(&newer, "bridge 1", &master("0a")).unwrap_err();
        assert_eq!(newer.kind(), ErrorKind::Format);
    }
}
