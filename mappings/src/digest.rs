//! Content digests that do not depend on how the content was cut into pieces.

use std::fmt;

/// A 32-byte BLAKE3 digest. Prints as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of one run of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Reads the 64 hexadecimal digits that [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|hash| Self(*hash.as_bytes()))
    }

    /// The digest of these raw bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 12 hexadecimal digits: enough to name a mapping version or a run to a person.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(12);
        text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

/// Builds a digest from parts. Every part is length-prefixed, so ("ab", "c") and ("a", "bc") differ.
#[derive(Clone, Debug)]
pub struct DigestBuilder(blake3::Hasher);

impl DigestBuilder {
    /// Starts a digest for one purpose; the same parts under two purposes give two digests.
    #[must_use]
    pub fn new(purpose: &str) -> Self {
        let mut builder = Self(blake3::Hasher::new());
        builder.part(purpose.as_bytes());
        builder
    }

    /// Adds one part.
    pub fn part(&mut self, bytes: &[u8]) -> &mut Self {
        let length = u64::try_from(bytes.len()).expect("a slice is shorter than 2^64 bytes");
        self.0.update(&length.to_be_bytes());
        self.0.update(bytes);
        self
    }

    /// The digest of all parts so far.
    #[must_use]
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cut_between_parts_counts() {
        let one = DigestBuilder::new("test").part(b"ab").part(b"c").finish();
        let other = DigestBuilder::new("test").part(b"a").part(b"bc").finish();
        assert_ne!(one, other);
    }

    #[test]
    fn printing_and_parsing_are_inverse() {
        let digest = Digest::of("Åsa".as_bytes());
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        assert_eq!(digest.short().len(), 12);
        assert_eq!(Digest::parse("not a digest"), None);
        assert_eq!(Digest::from_bytes(*digest.as_bytes()), digest);
    }
}
