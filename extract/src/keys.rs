//! The keys of runs: drawn, wrapped, told apart and destroyed.
//!
//! A run that is sealed has a key of its own. It lies in the directory of the run, wrapped by the master key of the
//! installation, which lies elsewhere. Destroying the wrapped key makes every sealed part of the run unreadable
//! for good, wherever copies of the parts are; other runs are not touched.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use bron_mappings::Artefact;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::atomic;
use crate::cipher::{self, Key};
use crate::error::{Error, ErrorKind};
use crate::selection::bytes_of_digits;

/// The wrapped key of a run, in the directory of the run.
pub const KEY_FILE: &str = "key.json";
/// What stands in the place of a key that was destroyed.
pub const RECEIPT_FILE: &str = "key-destroyed.json";
/// Stands in a receipt where the key that was destroyed could not be read.
pub const UNKNOWN_KEY: &str = "unknown";

const WRAPPING: &str = "bron/run-key/1";
const FINGERPRINT: &str = "bron/key-fingerprint/1";

/// The key of an installation, which wraps the keys of its runs.
#[derive(Clone)]
pub struct MasterKey(Key);

/// The key of one run.
#[derive(Clone)]
pub struct RunKey(Key);

impl MasterKey {
    /// Reads a key from 64 hexadecimal digits; surrounding white space is ignored.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`], without the text, when it is not one.
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        let hash = blake3::Hash::from_hex(text.trim());
        hash.map(|hash| Self(*hash.as_bytes())).map_err(|_| {
            Error::new(ErrorKind::Settings, "the key of the staging must be 64 hexadecimal digits")
        })
    }

    /// Draws a new key.
    ///
    /// # Errors
    /// [`ErrorKind::Unreadable`] when the operating system gives no random numbers.
    pub fn draw() -> Result<Self, Error> {
        cipher::random().map(Self)
    }

    /// What the key is called in messages and files, 16 hexadecimal digits: tells keys apart and says nothing of
    /// them.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digits =
            blake3::Hash::from(cipher::derived(&self.0, &cipher::context(FINGERPRINT, &[]))).to_hex();
        digits[..16].to_owned()
    }

    /// Writes the key to a file that only its owner may read. A file that is there is left alone.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when the file exists, [`ErrorKind::Storage`] when it cannot be written.
    pub fn write_new(&self, path: &Path) -> Result<(), Error> {
        let refused = |error: io::Error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                let problem = format!("{} exists; a key is never written over", path.display());
                Error::new(ErrorKind::Settings, problem)
            } else {
                Error::writing(path, error)
            }
        };
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut file = file.map_err(refused)?;
        let text = format!("{}\n", blake3::Hash::from(self.0).to_hex());
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| Error::writing(path, error))?;
        // Runs are sealed with it from now on: its name must outlive a power cut as well.
        atomic::sync_parent(path)
    }
}

impl RunKey {
    pub(crate) const fn new(key: Key) -> Self {
        Self(key)
    }

    /// The key for one purpose.
    pub(crate) fn derived(&self, context: &[u8]) -> Key {
        cipher::derived(&self.0, context)
    }
}

/// How it stands with the key of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The run has none: its parts are plain.
    Absent,
    /// The run is sealed.
    Wrapped(WrappedKey),
    /// The run was sealed, and its key was destroyed.
    Destroyed(Receipt),
}

/// The key of a run, as it lies on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrappedKey {
    format: u32,
    /// The fingerprint of the master key that it was wrapped by.
    pub sealed_by: String,
    /// The wrapped key in hexadecimal digits.
    wrapped: String,
}

/// What is left of a key that was destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    format: u32,
    /// When, as the caller told.
    pub destroyed: String,
    /// The fingerprint of the master key that it was wrapped by, or [`UNKNOWN_KEY`].
    pub sealed_by: String,
}

/// How it stands with the key of the run whose directory this is. A receipt counts for more than a key beside it:
/// the destruction was begun, and is completed by destroying once more.
///
/// # Errors
/// [`ErrorKind::Corrupt`] when a file is not what was written, [`ErrorKind::Unreadable`] when it cannot be read,
/// [`ErrorKind::Format`] when it is of a newer format.
pub fn key_state(dir: &Path) -> Result<KeyState, Error> {
    if let Some(receipt) = stored::<Receipt>(&dir.join(RECEIPT_FILE), Artefact::KeyReceipt)? {
        return Ok(KeyState::Destroyed(receipt));
    }
    let key = stored(&dir.join(KEY_FILE), Artefact::RunKey)?;
    Ok(key.map_or(KeyState::Absent, KeyState::Wrapped))
}

fn stored<T: DeserializeOwned>(path: &Path, artefact: Artefact) -> Result<Option<T>, Error> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::reading(path, error)),
    };
    artefact.require_in_text(&path.display(), &bytes)?;
    let found = serde_json::from_slice(&bytes)
        .map_err(|error| Error::corrupt(path, "is not what was written", Some(error.into())))?;
    Ok(Some(found))
}

fn write(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(value).expect("texts and numbers can be written as JSON");
    atomic::write(path, format!("{text}\n").as_bytes())
}

/// Draws the key of a new run and writes it, wrapped, into the directory of the run.
///
/// # Errors
/// [`ErrorKind::Unreadable`] when the operating system gives no random numbers, [`ErrorKind::Storage`] when the key
/// cannot be written.
pub fn draw_run_key(dir: &Path, run: &str, master: &MasterKey) -> Result<RunKey, Error> {
    let (key, wrapped) = WrappedKey::draw(run, master)?;
    write(&dir.join(KEY_FILE), &wrapped)?;
    Ok(key)
}

impl WrappedKey {
    /// Draws a key for what `of` names, and wraps it.
    ///
    /// # Errors
    /// As [`cipher::random`].
    pub(crate) fn draw(of: &str, master: &MasterKey) -> Result<(RunKey, Self), Error> {
        let key: Key = cipher::random()?;
        let wrapped = hex(&cipher::seal(&master.0, &cipher::context(WRAPPING, &[of]), &key)?);
        let format = Artefact::RunKey.newest();
        Ok((RunKey::new(key), Self { format, sealed_by: master.fingerprint(), wrapped }))
    }

    /// Gives the key of the run whose directory this is.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when it was wrapped by another master key, [`ErrorKind::Corrupt`] when it is damaged or
    /// belongs to another run.
    pub fn open(&self, dir: &Path, run: &str, master: &MasterKey) -> Result<RunKey, Error> {
        self.require_master(&format!("run {run}"), master)?;
        let path = dir.join(KEY_FILE);
        self.unwrapped(run, master)
            .ok_or_else(|| Error::corrupt(&path, "is damaged, or the key of another run", None))
    }

    /// Whether this master key wrapped it.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] naming what was sealed, and both keys by their fingerprints.
    pub(crate) fn require_master(&self, what: &str, master: &MasterKey) -> Result<(), Error> {
        let given = master.fingerprint();
        if given == self.sealed_by {
            return Ok(());
        }
        let problem =
            format!("{what} was sealed with key {}, and the project names key {given}", self.sealed_by);
        Err(Error::new(ErrorKind::Settings, problem))
    }

    /// The key; `None` when it is damaged or was drawn for something else than `of` names.
    pub(crate) fn unwrapped(&self, of: &str, master: &MasterKey) -> Option<RunKey> {
        let wrapped = bytes_of_digits(self.wrapped.as_bytes())?;
        let key = cipher::open(&master.0, &cipher::context(WRAPPING, &[of]), &wrapped)?;
        Key::try_from(key).ok().map(RunKey)
    }
}

/// Destroys the key of the run whose directory this is, and leaves a receipt. The receipt is written first, so that
/// nobody works on the run from here on; then the key is written over, synced and removed. A key that cannot be read
/// is destroyed all the same: the receipt then names [`UNKNOWN_KEY`].
///
/// # Errors
/// [`ErrorKind::Missing`] when the run has no key, [`ErrorKind::Storage`] when something cannot be written.
pub fn destroy_run_key(dir: &Path, when: &str) -> Result<Receipt, Error> {
    let path = dir.join(KEY_FILE);
    let begun = |sealed_by: String| {
        let receipt =
            Receipt { format: Artefact::KeyReceipt.newest(), destroyed: when.to_owned(), sealed_by };
        write(&dir.join(RECEIPT_FILE), &receipt).map(|()| receipt)
    };
    let receipt = match key_state(dir) {
        Ok(KeyState::Absent) => {
            let problem = format!("{} does not exist: there is no key to destroy", path.display());
            return Err(Error::new(ErrorKind::Missing, problem));
        }
        Ok(KeyState::Destroyed(receipt)) => receipt,
        Ok(KeyState::Wrapped(WrappedKey { sealed_by, .. })) => begun(sealed_by)?,
        Err(_) => {
            let key = stored::<WrappedKey>(&path, Artefact::RunKey).ok().flatten();
            begun(key.map_or_else(|| UNKNOWN_KEY.to_owned(), |key| key.sealed_by))?
        }
    };
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(receipt),
        found => found
            .and_then(|found| overwrite(&path, found.len()))
            .map_err(|error| Error::writing(&path, error))?,
    }
    atomic::remove_named(dir, |name| name == KEY_FILE)?;
    Ok(receipt)
}

fn overwrite(path: &Path, length: u64) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).open(path)?;
    io::copy(&mut io::Read::take(io::repeat(0), length), &mut file)?;
    file.sync_all()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("four bits are a hexadecimal digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests;
