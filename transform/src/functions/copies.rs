//! Functions that keep the source's text whole: as text, as bytes and as a digest of the bytes.

use std::borrow::Cow;

use bron_mappings::{FieldFunction, FunctionKind, FunctionSpec};
use sha2::{Digest, Sha256};

use super::{Build, Cell, Function, Outcome, field};

pub(super) const TEXT: Function = Function {
    spec: FunctionSpec {
        name: "text",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 1),
        arguments: &[],
        about: "The text as found, blanks and all; an empty text stays empty.",
        phrase: "kopieras som det står",
        marks: &[],
        inverse: "The value is the source's text.",
    },
    build: Build::Field(|_| field(text)),
    invert: Some(|_, value| invert_text(value)),
    with: &[],
    examples: &[
        (&[Some("Åkerström")], "Åkerström"),
        (&[Some("  two blanks  ")], "  two blanks  "),
        (&[Some("")], ""),
        (&[None], "null"),
    ],
};

pub(super) const BYTES: Function = Function {
    spec: FunctionSpec {
        name: "bytes",
        kind: FunctionKind::Field(FieldFunction::Bytes),
        inputs: (1, 1),
        arguments: &[],
        about: "The bytes of the text in UTF-8, none altered; an empty text gives no bytes, not NULL.",
        phrase: "kopieras byte för byte",
        marks: &[],
        inverse: "The value is the source's text in UTF-8.",
    },
    build: Build::Field(|_| field(bytes)),
    invert: Some(|_, value| invert_bytes(value)),
    with: &[],
    examples: &[
        (&[Some("abc")], "616263"),
        (&[Some("Å\r\n")], "c3850d0a"),
        (&[Some("")], ""),
        (&[None], "null"),
    ],
};

pub(super) const SHA256: Function = Function {
    spec: FunctionSpec {
        name: "sha256",
        kind: FunctionKind::Field(FieldFunction::Text),
        inputs: (1, 1),
        arguments: &[],
        about: "SHA-256 over the bytes of the text in UTF-8, as 64 lower-case hexadecimal digits.",
        phrase: "blir en kontrollsumma av texten (SHA-256)",
        marks: &[],
        inverse: "None: the digest proves a text and does not hold it.",
    },
    build: Build::Field(|_| field(sha256)),
    invert: None,
    with: &[],
    examples: &[
        (&[Some("abc")], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (&[Some("")], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (&[Some("Å")], "0a94dc9d420d1142d6b71de60f9bf7e2f345a4d62c9f141b091539769ddf3075"),
        (&[None], "null"),
    ],
};

fn text<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    source_text(inputs).map_or(Outcome::Null, Outcome::text)
}

fn bytes<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    source_text(inputs)
        .map_or(Outcome::Null, |text| Outcome::Value(Cell::Bytes(Cow::Borrowed(text.as_bytes()))))
}

fn sha256<'a>(inputs: &[Option<&'a str>]) -> Outcome<'a> {
    source_text(inputs).map_or(Outcome::Null, |text| Outcome::text(sha256_text(text.as_bytes())))
}

/// SHA-256 over bytes, as lower-case hexadecimal digits.
pub(crate) fn sha256_text(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn invert_text(value: &Cell<'_>) -> Option<String> {
    if let Cell::Text(text) = value { Some(text.to_string()) } else { None }
}

fn invert_bytes(value: &Cell<'_>) -> Option<String> {
    if let Cell::Bytes(bytes) = value { String::from_utf8(bytes.to_vec()).ok() } else { None }
}

/// The text also when it is empty, which is something else than NULL here.
fn source_text<'a>(inputs: &[Option<&'a str>]) -> Option<&'a str> {
    inputs.first().copied().flatten()
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.map(|half| DIGITS[usize::from(half)]).collect()
}
