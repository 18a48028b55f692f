//! The row behind an item: sealed to people's keys, and what may be said of it without them.

use std::fmt;
use std::io::Write;

use age::x25519;
use bron_mappings::{EntityId, Sensitive};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The public keys of those who may read rows.
#[derive(Clone, Default)]
pub struct Recipients(Vec<x25519::Recipient>);

impl Recipients {
    /// Reads keys of the form `age1…`, one a line; empty lines and lines that begin with `#` are left out.
    ///
    /// # Errors
    /// Kind `Config` naming the line that is no such key. A line that could be a secret key is not repeated.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().map(str::trim).zip(1_u32..);
        let keys = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
        let parsed = keys.map(|(line, number)| {
            line.parse().map_err(|_| {
                let text = format!("line {number} is no public key of age: such a key begins with age1");
                Error::new(ErrorKind::Config, text)
            })
        });
        Ok(Self(parsed.collect::<Result<_>>()?))
    }

    /// Whether nobody may read rows, so that none are kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the keys of another list.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Seals a row. `None` when nobody may read it.
    ///
    /// # Errors
    /// Kind `Database` when the row cannot be sealed.
    pub fn seal(&self, payload: &Payload) -> Result<Option<Vec<u8>>> {
        if self.is_empty() {
            return Ok(None);
        }
        let refused = || Error::new(ErrorKind::Database, "a row could not be sealed to the recipients");
        let text = serde_json::to_vec(&payload.0).map_err(|_| refused())?;
        let keys = self.0.iter().map(|key| -> &dyn age::Recipient { key });
        let seal = age::Encryptor::with_recipients(keys).map_err(|_| refused())?;
        let mut sealed = Vec::new();
        let mut writer = seal.wrap_output(&mut sealed).map_err(|_| refused())?;
        writer.write_all(&text).and_then(|()| writer.finish()).map_err(|_| refused())?;
        Ok(Some(sealed))
    }
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipients({})", self.0.len())
    }
}

/// The secret keys of a person who may read rows.
pub struct Identities(Vec<x25519::Identity>);

impl Identities {
    /// Reads keys of the form `AGE-SECRET-KEY-1…`, one a line, as `age-keygen` writes them.
    ///
    /// # Errors
    /// Kind `Config` when a line is none, or when there is none. Nothing of the text is repeated.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().map(str::trim).zip(1_u32..);
        let keys = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
        let parsed = keys.map(|(line, number)| {
            line.parse().map_err(|_| {
                Error::new(ErrorKind::Config, format!("line {number} is no secret key of age for a person"))
            })
        });
        let keys: Vec<x25519::Identity> = parsed.collect::<Result<_>>()?;
        if keys.is_empty() {
            return Err(Error::new(ErrorKind::Config, "the file holds no secret key of age"));
        }
        Ok(Self(keys))
    }

    /// Opens the row of the item `id`.
    ///
    /// # Errors
    /// Kind `Permission` when it is not sealed to any of these keys, `Corrupt` when it is damaged or another item's.
    pub(crate) fn open(&self, id: &EntityId, sealed: &[u8]) -> Result<Payload> {
        let corrupt = || Error::new(ErrorKind::Corrupt, format!("the sealed row of item {id} is damaged"));
        let file = age::Decryptor::new_buffered(sealed).map_err(|_| corrupt())?;
        let keys = self.0.iter().map(|key| -> &dyn age::Identity { key });
        let mut reader = file.decrypt(keys).map_err(|error| {
            if matches!(error, age::DecryptError::NoMatchingKeys) {
                let text = format!("the row of item {id} is not sealed to this identity");
                Error::new(ErrorKind::Permission, text)
            } else {
                corrupt()
            }
        })?;
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut text).map_err(|_| corrupt())?;
        let row: Row = serde_json::from_slice(&text).map_err(|_| corrupt())?;
        if row.item == id.to_string() { Ok(Payload(row)) } else { Err(corrupt()) }
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identities({})", self.0.len())
    }
}

/// A row as it was staged.
pub struct Payload(Row);

/// The item's id is sealed with the row: a row that was moved to another item does not open.
#[derive(Serialize, Deserialize)]
struct Row {
    item: String,
    columns: Vec<(String, Option<String>)>,
}

impl Payload {
    /// The row of the item `id`: its columns with their texts, `None` for NULL.
    #[must_use]
    pub fn new(id: &EntityId, columns: Vec<(String, Option<String>)>) -> Self {
        Self(Row { item: id.to_string(), columns })
    }

    /// The columns with their texts.
    #[must_use]
    pub fn into_columns(self) -> Vec<(String, Sensitive<Option<String>>)> {
        self.0.columns.into_iter().map(|(name, text)| (name, Sensitive::new(text))).collect()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} columns)", self.0.columns.len())
    }
}

/// What may be said of a value to people who may not read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskedColumn {
    /// The column.
    pub column: String,
    /// What the value is made of: `missing`, `empty`, `digits`, `number`, `letters`, `date`, `text` or `lines`;
    /// `mixed` where the rows of the key differ.
    pub class: String,
    /// Its length in characters; 40 stands for every longer one too, because a length could tell one text from all
    /// others.
    pub length: u64,
}

/// The longest length that is told as it is.
const MOST_TOLD: usize = 40;

/// What may be said of a row's values.
#[must_use]
pub fn mask_of(columns: &[(String, Option<String>)]) -> Vec<MaskedColumn> {
    let masked = columns.iter().map(|(column, text)| {
        let length = text.as_deref().unwrap_or_default().chars().count().min(MOST_TOLD);
        let length = u64::try_from(length).unwrap_or_default();
        MaskedColumn { column: column.clone(), class: class(text.as_deref()).to_owned(), length }
    });
    masked.collect()
}

/// What may be said of the values of several rows: what is made of different things is `mixed`, and the longest
/// length stands for all.
pub(super) fn merged(mut mask: Vec<MaskedColumn>, other: &[MaskedColumn]) -> Vec<MaskedColumn> {
    for (one, other) in mask.iter_mut().zip(other) {
        if one.class != other.class {
            "mixed".clone_into(&mut one.class);
        }
        one.length = one.length.max(other.length);
    }
    mask
}

fn class(text: Option<&str>) -> &'static str {
    let Some(text) = text else { return "missing" };
    let all = |fits: fn(char) -> bool| text.chars().all(fits);
    if text.is_empty() {
        "empty"
    } else if all(|one| one.is_ascii_digit()) {
        "digits"
    } else if all(|one| one.is_ascii_digit() || matches!(one, ',' | '.' | '+')) {
        "number"
    } else if all(|one| one.is_ascii_digit() || matches!(one, '-' | ':' | 'T' | ' ')) {
        "date"
    } else if all(char::is_alphabetic) {
        "letters"
    } else if text.contains('\n') {
        "lines"
    } else {
        "text"
    }
}
