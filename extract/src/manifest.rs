//! What a directory of parts holds, in one canonical JSON file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bron_mappings::{Artefact, BatchSchema, ColumnType, Digest};
use serde::{Deserialize, Serialize};

use crate::atomic;
use crate::error::{Error, ErrorKind};
use crate::ledger::TableLedger;
use crate::parts::{PartEntry, PartReader, Written, read_part, read_parts};
use crate::vault::Vault;

/// The name of the manifest in a directory of parts. It is written last: a directory without it is not
/// finished.
pub const MANIFEST_FILE: &str = "manifest.json";

/// The first format, and still that of parts that are plain and hold all their values themselves: programs that know
/// no other read them.
const PLAIN_FORMAT: u32 = 1;

/// The description of a directory of parts: what the rows are, where they came from, where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The table or entity.
    pub table: String,
    /// What the rows were made from: names such as `system`, `source` or `mapping` with a name or a digest.
    /// Equal origin and schema mean that the parts need not be made again.
    pub origin: BTreeMap<String, String>,
    /// The columns.
    pub schema: BatchSchema,
    /// The number of rows in all parts.
    pub rows: u64,
    /// The parts in order.
    pub parts: Vec<PartEntry>,
    /// The digest of all rows in order, the same for every cut into parts.
    pub content: Digest,
    /// What became of every row of the source, for a staged table.
    pub ledger: Option<TableLedger>,
    /// The parts that keep what could not be read as rows.
    pub unreadable: Vec<PartEntry>,
    /// How the run keeps the rows.
    vault: Option<Vault>,
}

/// The file. Its fields are in alphabetical order, as every map in it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    columns: Vec<StoredColumn>,
    #[serde(with = "digest_text")]
    content: Digest,
    format: u32,
    ledger: Option<TableLedger>,
    origin: BTreeMap<String, String>,
    parts: Vec<PartEntry>,
    rows: u64,
    /// The keyed digest of the text without this field, when the parts are sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seal: Option<String>,
    table: String,
    unreadable: Vec<PartEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredColumn {
    kind: String,
    name: String,
}

impl Manifest {
    /// The manifest of finished parts, without a ledger.
    #[must_use]
    pub fn new(
        table: &str,
        origin: BTreeMap<String, String>,
        schema: &BatchSchema,
        written: Written,
    ) -> Self {
        Self {
            table: table.to_owned(),
            origin,
            schema: schema.clone(),
            rows: written.rows,
            parts: written.parts,
            content: written.content,
            ledger: None,
            unreadable: Vec::new(),
            vault: written.vault,
        }
    }

    /// The canonical text, without a seal: the same manifest gives the same bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        text_of(&self.stored())
    }

    fn stored(&self) -> Stored {
        let columns = self
            .schema
            .columns()
            .iter()
            .map(|column| StoredColumn { kind: type_name(column.kind), name: column.name.clone() });
        let has_blobs = self.parts.iter().chain(&self.unreadable).any(|part| !part.blobs.is_empty());
        Stored {
            columns: columns.collect(),
            content: self.content,
            format: if has_blobs || self.is_sealed() { Artefact::Manifest.newest() } else { PLAIN_FORMAT },
            ledger: self.ledger.clone(),
            origin: self.origin.clone(),
            parts: self.parts.clone(),
            rows: self.rows,
            seal: None,
            table: self.table.clone(),
            unreadable: self.unreadable.clone(),
        }
    }

    fn is_sealed(&self) -> bool {
        self.vault.as_ref().is_some_and(Vault::is_sealed)
    }

    /// The digest of the canonical text, which covers the content of the parts. Sealing the same rows again gives
    /// other bytes; of sealed parts it is their rows that count, so that the digest is the same within the run. It is
    /// then keyed with the key of the run, and may stand in the clear.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut stored = self.stored();
        let Some(vault) = self.vault.as_ref().filter(|vault| vault.is_sealed()) else {
            return Digest::of(text_of(&stored).as_bytes());
        };
        for part in stored.parts.iter_mut().chain(&mut stored.unreadable) {
            part.stored = part.content;
        }
        vault.standing_for(Digest::of(text_of(&stored).as_bytes()))
    }

    /// Writes the manifest into the directory of its parts, atomically. With a key the file is proven by a keyed
    /// digest, and shows no digest of rows as it is: each is masked.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] when it cannot be written, [`ErrorKind::Settings`] when the directory is not one of the
    /// run that keeps the parts.
    pub fn save(&self, dir: &Path) -> Result<(), Error> {
        let mut shown = self.clone();
        if let Some(vault) = &self.vault {
            shown.mask(dir, vault)?;
        }
        let mut stored = shown.stored();
        stored.seal = shown.proof(dir)?.map(|proof| proof.to_string());
        atomic::write(&dir.join(MANIFEST_FILE), text_of(&stored).as_bytes())
    }

    /// Masks every digest of rows and of files of the source, or gives them back.
    fn mask(&mut self, dir: &Path, vault: &Vault) -> Result<(), Error> {
        let all: Vec<Digest> = self.parts.iter().chain(&self.unreadable).map(|part| part.stored).collect();
        for part in self.parts.iter_mut().chain(&mut self.unreadable) {
            part.content = vault.masked(dir, &part.file, part.content, &[part.stored])?;
        }
        // No part has an empty name, or one with a slash.
        self.content = vault.masked(dir, "", self.content, &all)?;
        for file in self.ledger.iter_mut().flat_map(|ledger| &mut ledger.files) {
            file.content = vault.masked(dir, &format!("source/{}", file.name), file.content, &all)?;
        }
        Ok(())
    }

    fn proof(&self, dir: &Path) -> Result<Option<Digest>, Error> {
        let vault = self.vault.as_ref().filter(|vault| vault.is_sealed());
        vault.map_or(Ok(None), |vault| vault.proof(dir, MANIFEST_FILE, &self.to_json()))
    }

    /// Reads a manifest as it stands: for columns, counts and names of files. The rows of sealed parts cannot be read
    /// through it, and their digests are masked; see [`Manifest::open`].
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] when there is none, [`ErrorKind::Format`] when it was written in a newer format,
    /// [`ErrorKind::Corrupt`] when it is not a manifest or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::load_stored(path).map(|(manifest, _)| manifest)
    }

    /// Reads the manifest of a directory of a run, and proves it where the run has a key.
    ///
    /// # Errors
    /// As [`Manifest::load`]; [`ErrorKind::Corrupt`] also when the run has a key and the manifest is not what the run
    /// wrote there, and [`ErrorKind::Settings`] when it is sealed and the run has none.
    pub fn open(dir: &Path, vault: &Vault) -> Result<Self, Error> {
        let path = dir.join(MANIFEST_FILE);
        let (mut manifest, seal) = Self::load_stored(&path)?;
        manifest.vault = Some(vault.clone());
        match (&seal, manifest.proof(dir)?) {
            (None, None) => Ok(manifest),
            (Some(_), None) => {
                let problem = format!("{} is sealed, and the key of the run is gone", path.display());
                Err(Error::new(ErrorKind::Settings, problem))
            }
            (Some(seal), Some(proof)) if *seal == proof.to_string() => {
                manifest.mask(dir, vault)?;
                Ok(manifest)
            }
            (_, Some(_)) => Err(Error::corrupt(&path, "is not what this run wrote there", None)),
        }
    }

    /// Reads a manifest as it stands, and what seals it.
    pub(crate) fn load_stored(path: &Path) -> Result<(Self, Option<String>), Error> {
        let text = fs::read(path).map_err(|error| Error::reading(path, error))?;
        Self::parse(path, &text)
    }

    /// Reads the text of the manifest at `path`, and what seals it.
    pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<(Self, Option<String>), Error> {
        let not_one =
            |error: serde_json::Error| Error::corrupt(path, "is not a manifest", Some(error.into()));
        Artefact::Manifest.require_in_text(&path.display(), text)?;
        let mut stored: Stored = serde_json::from_slice(text).map_err(not_one)?;
        let seal = stored.seal.take();
        let manifest = Self::from_stored(stored).map_err(|problem| Error::corrupt(path, problem, None))?;
        Ok((manifest, seal))
    }

    fn from_stored(stored: Stored) -> Result<Self, &'static str> {
        let columns =
            stored.columns.into_iter().map(|column| type_named(&column.kind).map(|kind| (column.name, kind)));
        let columns: Vec<_> = columns.collect::<Option<_>>().ok_or("names an unknown column type")?;
        let rows = stored.parts.iter().try_fold(0_u64, |rows, part| rows.checked_add(part.rows));
        if rows != Some(stored.rows) {
            return Err("has parts whose rows do not add up to its own");
        }
        if stored.parts.iter().chain(&stored.unreadable).any(|part| !is_plain_name(&part.file)) {
            return Err("names a part outside its directory");
        }
        Ok(Self {
            table: stored.table,
            origin: stored.origin,
            schema: BatchSchema::new(columns),
            rows: stored.rows,
            parts: stored.parts,
            content: stored.content,
            ledger: stored.ledger,
            unreadable: stored.unreadable,
            vault: None,
        })
    }

    /// Reads the rows, with the checks of [`read_parts`].
    ///
    /// # Errors
    /// As [`read_parts`].
    pub fn read(&self, dir: &Path, columns: Option<&[&str]>, batch_rows: usize) -> Result<PartReader, Error> {
        let reader = read_parts(dir, &self.schema, &self.parts, columns, batch_rows)?;
        Ok(reader.within(self.vault.as_ref()))
    }

    /// Reads the rows of one of the parts, as [`Manifest::read`].
    ///
    /// # Errors
    /// As [`read_parts`].
    pub fn read_part(
        &self,
        dir: &Path,
        part: &PartEntry,
        columns: Option<&[&str]>,
        batch_rows: usize,
    ) -> Result<PartReader, Error> {
        Ok(read_part(dir, &self.schema, part, columns, batch_rows)?.within(self.vault.as_ref()))
    }
}

fn text_of(stored: &Stored) -> String {
    let mut text = serde_json::to_string_pretty(stored).expect("every key of a manifest is text");
    text.push('\n');
    text
}

fn is_plain_name(file: &str) -> bool {
    !file.is_empty() && !file.starts_with('.') && !file.contains(['/', '\\'])
}

/// The name of a column type in manifests.
pub(crate) fn type_name(kind: ColumnType) -> String {
    match kind {
        ColumnType::Text => "text".to_owned(),
        ColumnType::Bytes => "bytes".to_owned(),
        ColumnType::Bool => "bool".to_owned(),
        ColumnType::Int => "int".to_owned(),
        ColumnType::Decimal { scale } => format!("decimal({scale})"),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Time => "time".to_owned(),
        ColumnType::Id => "id".to_owned(),
    }
}

fn type_named(name: &str) -> Option<ColumnType> {
    Some(match name {
        "text" => ColumnType::Text,
        "bytes" => ColumnType::Bytes,
        "bool" => ColumnType::Bool,
        "int" => ColumnType::Int,
        "date" => ColumnType::Date,
        "time" => ColumnType::Time,
        "id" => ColumnType::Id,
        decimal => {
            let scale = decimal.strip_prefix("decimal(")?.strip_suffix(')')?.parse().ok()?;
            ColumnType::Decimal { scale }
        }
    })
}

/// Digests as their 64 hexadecimal digits.
pub(crate) mod digest_text {
    use bron_mappings::Digest;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(digest)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        Digest::parse(&text).ok_or_else(|| serde::de::Error::custom("not a digest"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        use ColumnType::{Bool, Bytes, Date, Decimal, Id, Int, Text, Time};
        let kinds = [Text, Bytes, Bool, Int, Decimal { scale: 4 }, Date, Time, Id];
        let schema =
            BatchSchema::new(kinds.into_iter().enumerate().map(|(at, kind)| (format!("c{at}"), kind)));
        let content = Digest::of(b"x");
        let (file, stored) = ("part-00000.parquet".to_owned(), Digest::of(b"y"));
        let part = PartEntry { blobs: Vec::new(), content, file, rows: 3, stored };
        let written = Written { parts: vec![part], rows: 3, content, vault: None };
        let origin = BTreeMap::from([("system".to_owned(), "paraply".to_owned())]);
        let mut manifest = Manifest::new("BESLUT", origin, &schema, written);
        let mut ledger = TableLedger::default();
        ledger.quarantine("a.csv", 7, "D68");
        manifest.ledger = Some(ledger);
        manifest
    }

    #[test]
    fn a_manifest_survives_its_file() {
        let dir = tempfile::tempdir().unwrap();
        manifest().save(dir.path()).unwrap();
        let loaded = Manifest::load(&dir.path().join(MANIFEST_FILE)).unwrap();
        assert_eq!(loaded, manifest());
        assert_eq!(loaded.digest(), manifest().digest());
    }

    #[test]
    fn the_text_is_canonical() {
        let text = manifest().to_json();
        assert!(text.ends_with("}\n"));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut sorted = serde_json::to_string_pretty(&value).unwrap();
        sorted.push('\n');
        assert_eq!(text, sorted, "the fields of every structure are in alphabetical order");
    }

    #[test]
    fn what_is_not_a_good_manifest_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(MANIFEST_FILE);
        let good = manifest().to_json();
        assert_eq!(Manifest::load(&path).unwrap_err().kind(), ErrorKind::Missing);
        let cases = [
            (good.replace("\"format\": 1", "\"format\": 3"), ErrorKind::Format),
            (good.replace("\"table\"", "\"tabell\""), ErrorKind::Corrupt),
            (good.replace("decimal(4)", "float"), ErrorKind::Corrupt),
            (good.replacen("\"rows\": 3", "\"rows\": 4", 1), ErrorKind::Corrupt),
            (good.replace("part-00000", "../part-00000"), ErrorKind::Corrupt),
            (good[..good.len() / 2].to_owned(), ErrorKind::Corrupt),
        ];
        for (text, kind) in cases {
            assert_ne!(text, good);
            fs::write(&path, text).unwrap();
            assert_eq!(Manifest::load(&path).unwrap_err().kind(), kind);
        }
    }
}
