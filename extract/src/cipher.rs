//! Sealing of bytes: AES-256-GCM, with keys of their own for every purpose.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::{Error, ErrorKind};

/// A key of 256 bits.
pub(crate) type Key = [u8; 32];

/// Bytes that nobody can foretell, from the operating system.
///
/// # Errors
/// [`ErrorKind::Unreadable`] when the system has none to give.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    let drawn = SystemRandom::new().fill(&mut bytes);
    drawn.map_err(|_| Error::new(ErrorKind::Unreadable, "the operating system gives no random numbers"))?;
    Ok(bytes)
}

/// What a key is used for and on, as bytes: the purpose and each part with its length (32 bits, big-endian) in
/// front, so that no two contexts run into each other.
pub(crate) fn context(purpose: &str, parts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in [purpose].iter().chain(parts) {
        let length = u32::try_from(part.len()).expect("a name is shorter than 4 GiB");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// The key for one context: BLAKE3 of the context, keyed. It says nothing of the key that it comes from.
pub(crate) fn derived(key: &Key, context: &[u8]) -> Key {
    *blake3::keyed_hash(key, context).as_bytes()
}

/// Seals bytes: 12 bytes of nonce, drawn anew each time, then the sealed bytes, then 16 bytes that prove key, context
/// and content.
///
/// # Errors
/// As [`random`].
pub(crate) fn seal(key: &Key, context: &[u8], bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let nonce: [u8; NONCE_LEN] = random()?;
    let mut sealed = bytes.to_vec();
    algorithm(key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed)
        .expect("what fits in memory is shorter than the 64 GiB that can be sealed at once");
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Gives sealed bytes back; `None` when key or context are others, or when a single bit is.
pub(crate) fn open(key: &Key, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut bytes = rest.to_vec();
    let length = algorithm(key).open_in_place(nonce, Aad::from(context), &mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

fn algorithm(key: &Key) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("the key has the 256 bits of the algorithm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_context_open_what_was_sealed() {
        let (key, other) = ([1; 32], [2; 32]);
        let here = context("test", &["a", "b"]);
        let sealed = seal(&key, &here, b"hemligt").unwrap();
        assert_eq!(open(&key, &here, &sealed).unwrap(), b"hemligt");
        assert!(open(&other, &here, &sealed).is_none());
        assert!(open(&key, &context("test", &["ab", ""]), &sealed).is_none());
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert!(open(&key, &here, &flipped).is_none(), "byte {at}");
        }
        for length in 0..sealed.len() {
            assert!(open(&key, &here, &sealed[..length]).is_none());
        }
        assert_ne!(seal(&key, &here, b"hemligt").unwrap(), sealed, "no nonce is used twice");
    }

    #[test]
    fn a_key_for_one_purpose_is_none_for_another() {
        let key = [7; 32];
        assert_ne!(derived(&key, &context("a", &[])), derived(&key, &context("b", &[])));
    }
}
