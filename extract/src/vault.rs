//! How one run keeps its rows: under which key, and where its large values lie.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bron_mappings::Digest;
use parquet::encryption::decrypt::FileDecryptionProperties;
use parquet::encryption::encrypt::FileEncryptionProperties;

use crate::cipher::{self, Key};
use crate::error::{Error, ErrorKind};
use crate::keys::RunKey;

/// What a run needs to know to write and to read its parts.
///
/// With a key every part is sealed with Parquet's modular encryption, footer and columns, with AES-256-GCM. Each file
/// has a key of its own, derived from the key of the run and from its place: the run, the directory within the run,
/// the name of the file. The place is also bound into every block as additional data and is not stored, so that a
/// file opens nowhere but where it was written. Manifests carry a keyed digest of themselves over the same place.
///
/// With and without a key, values that are large are kept once each under a keyed name.
#[derive(Clone)]
pub struct Vault(Arc<Keeping>);

struct Keeping {
    root: PathBuf,
    run: String,
    key: Option<RunKey>,
    /// Keys the names of large values: an unkeyed digest of a document could be compared with documents.
    naming: Key,
    /// The large values that are known to lie whole in the run, by name. Held while one is proven or written: two parts
    /// may want to write the same one.
    blobs: Mutex<BTreeSet<Digest>>,
}

/// What opens and seals one part.
pub(crate) struct PartSeal {
    key: Vec<u8>,
    place: Vec<u8>,
}

impl Vault {
    /// The vault of a run without a key, whose directory is `root`. `naming` keys the names of large values.
    #[must_use]
    pub fn plain(root: &Path, run: &str, naming: [u8; 32]) -> Self {
        Self::new(root, run, None, naming)
    }

    /// The vault of a run with a key, whose directory is `root`.
    #[must_use]
    pub fn sealed(root: &Path, run: &str, key: RunKey) -> Self {
        let naming = key.derived(&cipher::context("bron/blob-names/1", &[]));
        Self::new(root, run, Some(key), naming)
    }

    fn new(root: &Path, run: &str, key: Option<RunKey>, naming: Key) -> Self {
        let (root, run, blobs) = (root.to_owned(), run.to_owned(), Mutex::default());
        Self(Arc::new(Keeping { root, run, key, naming, blobs }))
    }

    /// Whether the run has a key.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.0.key.is_some()
    }

    pub(crate) fn root(&self) -> &Path {
        &self.0.root
    }

    pub(crate) fn whole_blobs(&self) -> &Mutex<BTreeSet<Digest>> {
        &self.0.blobs
    }

    /// The name of a large value: nobody without the key can tell whether the run holds a document that they have.
    pub(crate) fn name_of(&self, value: &[u8]) -> Digest {
        Digest::from_bytes(cipher::derived(&self.0.naming, value))
    }

    /// What seals the part `file` of `dir`; `None` without a key.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when the directory is not one of the run.
    pub(crate) fn part(&self, dir: &Path, file: &str) -> Result<Option<PartSeal>, Error> {
        let Some(key) = &self.0.key else { return Ok(None) };
        let place = self.context("bron/part/1", dir, file)?;
        Ok(Some(PartSeal { key: key.derived(&place).to_vec(), place }))
    }

    /// A keyed digest of the text of the file `file` of `dir`; `None` without a key.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when the directory is not one of the run.
    pub(crate) fn proof(&self, dir: &Path, file: &str, text: &str) -> Result<Option<Digest>, Error> {
        let Some(key) = &self.0.key else { return Ok(None) };
        let key = key.derived(&self.context("bron/manifest/1", dir, file)?);
        Ok(Some(Digest::from_bytes(cipher::derived(&key, text.as_bytes()))))
    }

    /// The bytes as they are written to the file `file` of `dir`: sealed, or as they are without a key.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when the directory is not one of the run, [`ErrorKind::Unreadable`] when the operating
    /// system gives no random numbers.
    pub(crate) fn seal(&self, dir: &Path, file: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
        let Some(key) = &self.0.key else { return Ok(bytes) };
        let place = self.context("bron/file/1", dir, file)?;
        cipher::seal(&key.derived(&place), &place, &bytes)
    }

    /// The bytes that [`Vault::seal`] made a file of.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when the directory is not one of the run, [`ErrorKind::Corrupt`] when the file is not
    /// what was written there.
    pub(crate) fn open(&self, dir: &Path, file: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
        let Some(key) = &self.0.key else { return Ok(bytes) };
        let place = self.context("bron/file/1", dir, file)?;
        cipher::open(&key.derived(&place), &place, &bytes)
            .ok_or_else(|| Error::corrupt(&dir.join(file), "is not what this run sealed here", None))
    }

    /// The digest `content` of rows or of a file, as a file in the clear of `dir` may show it; given what it shows, the
    /// digest. A digest of few rows could be compared with rows that somebody guesses. `of` says what it is a digest
    /// of. `stored` are the digests of the sealed parts beside it: sealing draws nonces, so that they are others each
    /// time, and no mask is used twice. Without a key the digest stays as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when the directory is not one of the run.
    pub(crate) fn masked(
        &self,
        dir: &Path,
        of: &str,
        content: Digest,
        stored: &[Digest],
    ) -> Result<Digest, Error> {
        let Some(key) = &self.0.key else { return Ok(content) };
        let mut place = self.context("bron/content/1", dir, of)?;
        for one in stored {
            place.extend_from_slice(one.as_bytes());
        }
        let mask = key.derived(&place);
        Ok(Digest::from_bytes(std::array::from_fn(|at| content.as_bytes()[at] ^ mask[at])))
    }

    /// What stands for a digest that covers rows where it is only ever compared with itself: keyed, so that nobody can
    /// compare it with rows that they guess. Without a key it is the digest.
    pub(crate) fn standing_for(&self, content: Digest) -> Digest {
        let Some(key) = &self.0.key else { return content };
        let key = key.derived(&cipher::context("bron/manifest-digest/1", &[]));
        Digest::from_bytes(cipher::derived(&key, content.as_bytes()))
    }

    fn context(&self, purpose: &str, dir: &Path, file: &str) -> Result<Vec<u8>, Error> {
        let within = dir.strip_prefix(&self.0.root).ok().and_then(Path::to_str).ok_or_else(|| {
            let problem = format!("{} is no directory of run {}", dir.display(), self.0.run);
            Error::new(ErrorKind::Settings, problem)
        })?;
        Ok(cipher::context(purpose, &[&self.0.run, within, file]))
    }
}

impl PartSeal {
    pub(crate) fn sealing(&self) -> Arc<FileEncryptionProperties> {
        FileEncryptionProperties::builder(self.key.clone())
            .with_aad_prefix(self.place.clone())
            .with_aad_prefix_storage(false)
            .build()
            .expect("one key for footer and columns is a complete choice")
    }

    pub(crate) fn opening(&self) -> Arc<FileDecryptionProperties> {
        FileDecryptionProperties::builder(self.key.clone())
            .with_aad_prefix(self.place.clone())
            .build()
            .expect("one key for footer and columns is a complete choice")
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("run", &self.0.run)
            .field("sealed", &self.is_sealed())
            .finish_non_exhaustive()
    }
}

/// Vaults are the same when the same run keeps its rows in the same way.
impl PartialEq for Vault {
    fn eq(&self, other: &Self) -> bool {
        (&self.0.run, &self.0.root, self.is_sealed()) == (&other.0.run, &other.0.root, other.is_sealed())
    }
}

impl Eq for Vault {}
