//! The formats of what outlives the version of the program that wrote it, and the one judgement of them.
//!
//! Every artefact and every set of control tables carries the number of its format. Older formats are read; a newer
//! one is refused, because what an older program leaves out of it, or does again, nobody would notice.

use std::error::Error;
use std::fmt;

use serde_json::Value;

/// A kind of artefact with a format of its own.
///
/// What has no number is kept by something that has: parts, blobs and marks by the manifest or the journal that names
/// them, sealed files by the key of their run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Artefact {
    /// `bron.toml`, the settings of a project.
    ProjectFile,
    /// A file of the mapping folder.
    MappingFile,
    /// `run.json`: what a run is made from, and when it was worked on.
    RunDescription,
    /// `schema.json`: the tables and columns of the sources as they were read.
    SourceSchema,
    /// `snapshot.json`: what became of the sources since the reading before.
    Snapshot,
    /// `readings.json`: how each system was read. Format 1 is a bare list.
    Readings,
    /// `deliveries.json`: the files that were not delivered. Format 1 is a bare list.
    Deliveries,
    /// `progress-00000.json`: how far the staging of a table has come. Format 1 had neither number nor digest:
    /// such a journal counts for nothing, and the table is read from its beginning.
    Journal,
    /// `manifest.json`: what a directory of parts holds. Format 2 is sealed or names large values apart.
    Manifest,
    /// `transformed/….json`: what a source table became.
    TableRecord,
    /// `refused.json`: what the rows that the target refused were made of.
    RefusedRecord,
    /// The plan of a load, in the file that the operator names.
    LoadPlan,
    /// `quarantine.db`: the rows that did not come over, and what people decided about them.
    Quarantine,
    /// `findings.json`: the list of findings of a reconciliation, which is whole where this stands. Format 1 was the
    /// list alone, without what became of each finding and why.
    Findings,
    /// `summary.json`: what a reconciliation came to. Format 1 had no number.
    Summary,
    /// `report/report.json`: what the pages of a report tell, for machines.
    Report,
    /// `key.json`: the wrapped key of a run.
    RunKey,
    /// `key-destroyed.json`: what is left of a key that was destroyed.
    KeyReceipt,
    /// `audit/log.jsonl`: who did what in a project, each entry bound to the one before; and the checkpoints of it.
    AuditLog,
    /// A file of `signoffs/`: a sign-off that was asked for, given or revoked.
    SignOff,
    /// The tables `bron_…` of a target. Format 1 had no number.
    ControlTables,
    /// The tables `bridge_…`: the journal of the bridge between both worlds, and what it knows.
    BridgeStore,
    /// `jobs.toml`: what is run at which times.
    JobFile,
    /// A file of `jobs/`: how far the schedule of a job was decided about, and what its runs came to.
    JobRecord,
}

impl Artefact {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 24] = [
        Self::ProjectFile,
        Self::MappingFile,
        Self::RunDescription,
        Self::SourceSchema,
        Self::Snapshot,
        Self::Readings,
        Self::Deliveries,
        Self::Journal,
        Self::Manifest,
        Self::TableRecord,
        Self::RefusedRecord,
        Self::LoadPlan,
        Self::Quarantine,
        Self::Findings,
        Self::Summary,
        Self::Report,
        Self::RunKey,
        Self::KeyReceipt,
        Self::AuditLog,
        Self::SignOff,
        Self::ControlTables,
        Self::BridgeStore,
        Self::JobFile,
        Self::JobRecord,
    ];

    /// What messages call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProjectFile => "project file",
            Self::MappingFile => "mapping file",
            Self::RunDescription => "description of a run",
            Self::SourceSchema => "schema of the sources",
            Self::Snapshot => "comparison with the reading before",
            Self::Readings => "list of readings",
            Self::Deliveries => "list of missing deliveries",
            Self::Journal => "journal of a staging",
            Self::Manifest => "manifest",
            Self::TableRecord => "record of a mapped table",
            Self::RefusedRecord => "record of refused rows",
            Self::LoadPlan => "plan of a load",
            Self::Quarantine => "quarantine",
            Self::Findings => "list of findings",
            Self::Summary => "summary",
            Self::Report => "data of a report",
            Self::RunKey => "key of a run",
            Self::KeyReceipt => "receipt of a destroyed key",
            Self::AuditLog => "audit log",
            Self::SignOff => "sign-off",
            Self::ControlTables => "set of control tables",
            Self::BridgeStore => "store of the bridge",
            Self::JobFile => "job file",
            Self::JobRecord => "record of a job",
        }
    }

    /// The newest format: the one that this program writes.
    #[must_use]
    pub const fn newest(self) -> u32 {
        match self {
            Self::Readings | Self::Deliveries | Self::Journal | Self::Manifest => 2,
            Self::Findings | Self::Summary | Self::ControlTables => 2,
            Self::ProjectFile
            | Self::MappingFile
            | Self::RunDescription
            | Self::SourceSchema
            | Self::Snapshot
            | Self::TableRecord
            | Self::RefusedRecord
            | Self::LoadPlan
            | Self::Quarantine
            | Self::Report
            | Self::RunKey
            | Self::KeyReceipt
            | Self::AuditLog
            | Self::SignOff
            | Self::BridgeStore
            | Self::JobFile
            | Self::JobRecord => 1,
        }
    }

    /// The oldest format that this program reads.
    #[must_use]
    pub const fn oldest(self) -> u32 {
        1
    }

    /// Judges the number that `place`, a file or a table, carries.
    ///
    /// # Errors
    /// When the number is not one of those between [`Artefact::oldest`] and [`Artefact::newest`].
    pub fn require(self, place: &dyn fmt::Display, found: u64) -> Result<(), UnknownFormat> {
        if (u64::from(self.oldest())..=u64::from(self.newest())).contains(&found) {
            return Ok(());
        }
        Err(UnknownFormat { artefact: self, place: place.to_string(), found })
    }

    /// Judges the number in a JSON document; one without a number is of format 1.
    ///
    /// # Errors
    /// As [`Artefact::require`].
    pub fn require_in(self, place: &dyn fmt::Display, document: &Value) -> Result<(), UnknownFormat> {
        self.require(place, document.get("format").map_or(Some(1), Value::as_u64).unwrap_or(0))
    }

    /// Judges the number in the text of a JSON document. What is not JSON passes: whoever reads it says so.
    ///
    /// # Errors
    /// As [`Artefact::require`].
    pub fn require_in_text(self, place: &dyn fmt::Display, text: &[u8]) -> Result<(), UnknownFormat> {
        serde_json::from_slice(text).map_or(Ok(()), |document| self.require_in(place, &document))
    }
}

/// An artefact of a format that this program does not understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFormat {
    artefact: Artefact,
    place: String,
    found: u64,
}

impl UnknownFormat {
    /// The kind of artefact.
    #[must_use]
    pub const fn artefact(&self) -> Artefact {
        self.artefact
    }

    /// Whether a later version of the program wrote it.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        self.found > u64::from(self.artefact.newest())
    }
}

impl fmt::Display for UnknownFormat {
    /// Names the place, the number found, the numbers understood and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { artefact, place, found } = self;
        let (oldest, newest) = (artefact.oldest(), artefact.newest());
        write!(f, "{place} is a {} of format {found}, and this program understands ", artefact.name())?;
        if oldest == newest {
            write!(f, "format {newest} only")?;
        } else {
            write!(f, "formats {oldest} to {newest}")?;
        }
        if self.is_newer() {
            write!(f, "; a newer program wrote it: use that one, or a later one")
        } else {
            write!(f, "; no program of this name wrote it")
        }
    }
}

impl Error for UnknownFormat {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_between_the_oldest_and_the_newest_is_read() {
        for artefact in Artefact::ALL {
            for format in artefact.oldest()..=artefact.newest() {
                assert_eq!(artefact.require(&"x", format.into()), Ok(()));
            }
            let newer = artefact.require(&"x", u64::from(artefact.newest()) + 1).unwrap_err();
            assert!(newer.is_newer() && newer.artefact() == artefact);
            assert!(!artefact.require(&"x", 0).unwrap_err().is_newer());
        }
    }

    #[test]
    fn a_refusal_names_place_number_range_and_remedy() {
        let text = Artefact::Manifest.require(&"runs/1/manifest.json", 7).unwrap_err().to_string();
        for part in ["runs/1/manifest.json", "manifest of format 7", "formats 1 to 2", "use that one"] {
            assert!(text.contains(part), "{text}");
        }
        let text = Artefact::RunKey.require(&"key.json", 0).unwrap_err().to_string();
        assert!(text.contains("format 1 only") && !text.contains("newer"), "{text}");
    }

    #[test]
    fn a_document_without_a_number_is_of_the_first_format() {
        let judged = |text: &str| Artefact::Journal.require_in_text(&"x", text.as_bytes());
        for good in ["{}", "[]", "{\"format\": 2}", "not JSON", "{\"format\": 1, \"more\": [1]}"] {
            assert_eq!(judged(good), Ok(()), "{good}");
        }
        for bad in ["{\"format\": 3}", "{\"format\": \"2\"}", "{\"format\": -1}", "{\"format\": 99999999999}"]
        {
            assert!(judged(bad).is_err(), "{bad}");
        }
    }
}
