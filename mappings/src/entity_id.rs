//! Keyed ids: the same record gets the same id in every run, and nobody without the installation's
//! secret can find out which record an id belongs to.

use std::fmt;

use crate::key::{SourceKey, push_table, push_values};

const ENTITY_ID_PURPOSE: &[u8] = b"bron/entity-id/1";
const PSEUDONYM_PURPOSE: &[u8] = b"bron/pseudonym/1";

/// The secret of one installation: 32 bytes. An unkeyed hash of a person number can be enumerated
/// (there are about 4·10^7 candidates), so every id and pseudonym is keyed with this.
#[derive(Clone)]
pub struct InstallationSecret([u8; 32]);

/// The text given as a secret is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretError;

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the installation secret must be 64 hexadecimal digits")
    }
}

impl std::error::Error for SecretError {}

impl InstallationSecret {
    /// Wraps 32 secret bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the secret from 64 hexadecimal digits; surrounding white space is ignored.
    ///
    /// # Errors
    /// [`SecretError`], which does not repeat the text.
    pub fn from_hex(text: &str) -> Result<Self, SecretError> {
        blake3::Hash::from_hex(text.trim()).map(|hash| Self(*hash.as_bytes())).map_err(|_| SecretError)
    }

    /// A key for one purpose, which says nothing of the secret or of the keys for other purposes.
    #[must_use]
    pub fn key_for(&self, purpose: &str) -> [u8; 32] {
        self.keyed(b"key", &[purpose.as_bytes()])
    }

    fn keyed(&self, purpose: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let mut bytes = Vec::with_capacity(128);
        for part in std::iter::once(&purpose).chain(parts) {
            push_part(&mut bytes, part);
        }
        self.hash(&bytes)
    }

    /// Bytes at once: a hasher that is fed piece by piece takes longer to set up than a short key to hash.
    fn hash(&self, bytes: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(&self.0, bytes).as_bytes()
    }
}

fn push_part(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&length_of(part));
    bytes.extend_from_slice(part);
}

fn length_of(part: &[u8]) -> [u8; 4] {
    u32::try_from(part.len()).expect("a key part is shorter than 4 GiB").to_be_bytes()
}

impl fmt::Debug for InstallationSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstallationSecret([hemlig])")
    }
}

/// The id of one row of the information model: a UUID version 8 whose bits come from BLAKE3, keyed
/// with the installation's secret, over (entity, source key). It names a source record, not a human.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId([u8; 16]);

impl EntityId {
    /// Derives the id of the `entity` row that comes from the record `key`.
    #[must_use]
    pub fn derive(secret: &InstallationSecret, entity: &str, key: &SourceKey) -> Self {
        Self::of_hash(&secret.keyed(ENTITY_ID_PURPOSE, &[entity.as_bytes(), key.as_bytes()]))
    }

    fn of_hash(hash: &[u8; 32]) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        // RFC 9562: version 8 in the high bits of byte 6, variant 10 in the high bits of byte 8.
        bytes[6] = (bytes[6] & 0x0f) | 0x80;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }

    /// Wraps 16 bytes read back from a target.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes, in the order that the text form prints them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads the hyphenated text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 36 || [8, 13, 18, 23].iter().any(|&at| text[at] != b'-') {
            return None;
        }
        let mut digits = text.iter().filter(|&&byte| byte != b'-');
        let mut bytes = [0; 16];
        for byte in &mut bytes {
            *byte = (hex_value(*digits.next()?)? << 4) | hex_value(*digits.next()?)?;
        }
        digits.next().is_none().then_some(Self(bytes))
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The ids of the rows of one entity that come from one table. What all of them are hashed with is written once.
#[derive(Clone, Debug)]
pub struct IdSeries {
    secret: InstallationSecret,
    /// The purpose, the entity, room for the length of the key, and what every key of the table begins with.
    head: Vec<u8>,
    /// Where the key begins in `head`.
    key_at: usize,
}

impl IdSeries {
    /// The ids of the `entity` rows that come from this table of a source system.
    #[must_use]
    pub fn new(secret: &InstallationSecret, entity: &str, system: &str, table: &str) -> Self {
        let mut head = Vec::new();
        push_part(&mut head, ENTITY_ID_PURPOSE);
        push_part(&mut head, entity.as_bytes());
        head.extend_from_slice(&length_of(&[]));
        let key_at = head.len();
        push_table(&mut head, system, table);
        Self { secret: secret.clone(), head, key_at }
    }

    /// The id of the row that comes from the record with these key values: what [`EntityId::derive`] gives for
    /// their [`SourceKey`].
    pub fn derive<'a>(&self, values: impl IntoIterator<Item = Option<&'a str>>) -> EntityId {
        let mut bytes = Vec::with_capacity(self.head.len() + 64);
        bytes.extend_from_slice(&self.head);
        push_values(&mut bytes, values);
        let length = length_of(&bytes[self.key_at..]);
        bytes[self.key_at - length.len()..self.key_at].copy_from_slice(&length);
        EntityId::of_hash(&self.secret.hash(&bytes))
    }
}

/// A stand-in for a legacy key in a report that leaves the database: the same key gives the same
/// pseudonym within one installation, and only there. Prints as `p-` and 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pseudonym([u8; 8]);

impl Pseudonym {
    /// Derives the pseudonym of a record.
    #[must_use]
    pub fn derive(secret: &InstallationSecret, key: &SourceKey) -> Self {
        let hash = secret.keyed(PSEUDONYM_PURPOSE, &[key.as_bytes()]);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash[..8]);
        Self(bytes)
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("p-")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret(fill: u8) -> InstallationSecret {
        InstallationSecret::new([fill; 32])
    }

    #[test]
    fn golden_vectors() {
        let key = SourceKey::new("paraply", "BESLUT", [Some("771")]);
        let id = EntityId::derive(&secret(7), "beslut", &key);
        assert_eq!(id.to_string(), GOLDEN_BESLUT);
        assert_eq!(EntityId::parse(&id.to_string()), Some(id));
        assert_eq!(Pseudonym::derive(&secret(7), &key).to_string(), GOLDEN_PSEUDONYM);
    }

    // Computed with another implementation of BLAKE3, from the description of the encoding alone.
    const GOLDEN_BESLUT: &str = "a4fef77c-b9e1-81c1-974d-a84e904e4948";
    const GOLDEN_PSEUDONYM: &str = "p-e87829827fb4d411";

    proptest! {
        #[test]
        fn a_series_gives_the_ids_of_its_keys(
            [entity, system, table] in proptest::array::uniform3("\\PC{0,9}"),
            values in proptest::collection::vec(proptest::option::of("\\PC{0,90}"), 0..4),
            fill in any::<u8>(),
        ) {
            let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
            let key = SourceKey::new(&system, &table, values.iter().copied());
            let series = IdSeries::new(&secret(fill), &entity, &system, &table);
            prop_assert_eq!(series.derive(values), EntityId::derive(&secret(fill), &entity, &key));
        }
    }

    #[test]
    fn entity_secret_and_key_all_count() {
        let key = SourceKey::new("paraply", "AKTUAL", [Some("1")]);
        let base = EntityId::derive(&secret(1), "aktualisering", &key);
        assert_ne!(base, EntityId::derive(&secret(1), "forhandsbedomning", &key));
        assert_ne!(base, EntityId::derive(&secret(2), "aktualisering", &key));
        let other = SourceKey::new("paraply", "AKTUAL", [Some("2")]);
        assert_ne!(base, EntityId::derive(&secret(1), "aktualisering", &other));
    }

    #[test]
    fn version_and_variant_bits_are_set() {
        for number in 0..64 {
            let key = SourceKey::new("s", "t", [Some(number.to_string().as_str())]);
            let text = EntityId::derive(&secret(3), "e", &key).to_string();
            assert_eq!(&text[14..15], "8");
            assert!(matches!(&text[19..20], "8" | "9" | "a" | "b"));
        }
    }

    #[test]
    fn the_secret_is_never_printed() {
        assert!(!format!("{:?}", secret(0xab)).contains("171"));
        assert_eq!(InstallationSecret::from_hex("12").unwrap_err(), SecretError);
    }

    #[test]
    fn malformed_ids_are_refused() {
        for text in ["", "00000000-0000-8000-8000-00000000000", "00000000x0000-8000-8000-000000000000", "zz"]
        {
            assert_eq!(EntityId::parse(text), None);
        }
    }
}
