//! What a run's reconciliation came to, as one file that people, pages and machines read.
//!
//! Maps are sorted and lists keep a fixed order, so the same run gives the same bytes.

mod changes;

use std::collections::BTreeMap;

use bron_mappings::Artefact;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::conservation::{Imbalance, Ledger};
use crate::controls::ControlRow;
use crate::error::{Error, ErrorKind};
use crate::findings::{FindingCounts, FindingsBefore};
use crate::quality::{Quality, RetentionLine};
use crate::quarantine::Quarantine;
use crate::references::ReferenceCounts;
use crate::round_trip::RoundTripSummary;
use crate::rows::RowCounts;
use crate::scope::Scope;
use crate::secrecy::Secrecy;
use crate::snapshot::Snapshot;
use crate::waivers::{Accepted, WaiverLine};
pub use changes::{EntityChanges, total};

/// How a system was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemReading {
    /// The system.
    pub system: String,
    /// How all its tables were read as they were at one moment; `None` when they were not.
    pub how: Option<String>,
    /// Which moment, in the source's own terms; empty where the content says it all.
    pub at: String,
    /// Why they were not read at one moment.
    pub why_not: Option<String>,
    /// How often reading it was tried again after a failure that passed.
    #[serde(default)]
    pub retries: u64,
}

/// What the reconciliation says. "Not proven" is never "equal".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was read is in the target or left out by rule, and every comparison is equal.
    Lika,
    /// Everything compared is equal, and rows in quarantine wait for a decision.
    LikaMedKarantan,
    /// Something differs.
    Skillnader,
    /// Something differs, and named people have accepted every difference. It is not equal.
    GodkandaSkillnader,
    /// Nothing is known to differ that nobody has accepted, but not everything was compared.
    EjBevisat,
}

impl Verdict {
    /// The exit code that stands for the verdict: 0 equal, 3 equal with rows that wait for people or different in
    /// what people have accepted, 2 not equal or not proven.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Lika => 0,
            Self::LikaMedKarantan | Self::GodkandaSkillnader => 3,
            Self::Skillnader | Self::EjBevisat => 2,
        }
    }
}

/// What became of the rows of one source table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSummary {
    /// The source system.
    pub system: String,
    /// The source table.
    pub table: String,
    /// Rows read.
    pub read: u64,
    /// Rows that gave rows of the target.
    pub loaded: u64,
    /// Rows folded into others.
    pub merged: u64,
    /// Rows left out, by reason code.
    pub excluded: BTreeMap<String, u64>,
    /// Rows in quarantine, by reason code.
    pub quarantined: BTreeMap<String, u64>,
    /// Those of the rows in quarantine whose rule guards the technical or legal integrity of the move, by
    /// reason code; left out of the file when there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stopped: BTreeMap<String, u64>,
    /// Quality marks on rows that came over, by reason code.
    pub flagged: BTreeMap<String, u64>,
}

/// How the rows of one entity compare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntitySummary {
    /// The entity.
    pub entity: String,
    /// Ids on both sides.
    pub compared: u64,
    /// Rows that the target lacks.
    pub missing: u64,
    /// Rows that only the target has.
    pub unexpected: u64,
    /// Compared rows that differ.
    pub differs: u64,
    /// Rows of the target without an id.
    #[serde(default)]
    pub nameless: u64,
    /// Rows of the target from source systems that are no part of the project.
    #[serde(default)]
    pub elsewhere: u64,
    /// Rows that the target refused: they are held back, and not among the missing ones.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refused: u64,
}

/// Whether a count is left out of the file.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Rows of one entity that the target refused for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedLine {
    /// The source system.
    pub system: String,
    /// The source table.
    pub table: String,
    /// The entity.
    pub entity: String,
    /// The reason code.
    pub reason: String,
    /// The constraint, or `bron:` and the finding made before the target was asked; empty when nobody names one.
    pub constraint: String,
    /// Rows of the target that are not there.
    pub rows: u64,
}

impl EntitySummary {
    /// The summary of an entity's comparison, where the target refused no row.
    #[must_use]
    pub fn new(entity: &str, counts: RowCounts) -> Self {
        let RowCounts { compared, missing, unexpected, differs, nameless, elsewhere } = counts;
        let entity = entity.to_owned();
        Self { entity, compared, missing, unexpected, differs, nameless, elsewhere, refused: 0 }
    }

    /// The same with the number of rows that the target refused.
    #[must_use]
    pub fn with_refused(mut self, refused: u64) -> Self {
        self.refused = refused;
        self
    }

    /// The counts without the name.
    #[must_use]
    pub const fn counts(&self) -> RowCounts {
        RowCounts {
            compared: self.compared,
            missing: self.missing,
            unexpected: self.unexpected,
            differs: self.differs,
            nameless: self.nameless,
            elsewhere: self.elsewhere,
        }
    }
}

/// The files of one table that were expected and not delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MissingDelivery {
    /// The source system.
    pub system: String,
    /// The source table.
    pub table: String,
    /// The names of the files, ordered.
    pub missing: Vec<String>,
    /// Those of the files that the project has decided to go without. What the others would have held is not
    /// proven.
    #[serde(default)]
    pub decided: Vec<String>,
}

impl MissingDelivery {
    /// What is not proven because the files never came, as a Swedish sentence; `None` when somebody has decided
    /// about every one of them. Rows that nobody has seen cannot be compared.
    #[must_use]
    pub fn unproven(&self) -> Option<String> {
        let open = self.missing.iter().filter(|file| !self.decided.contains(file)).count();
        let files = match open {
            0 => return None,
            1 => "En fil".to_owned(),
            many => format!("{many} filer"),
        };
        let Self { system, table, .. } = self;
        Some(format!(
            "{files} till {system}/{table} levererades aldrig, och det de innehöll är inte jämfört."
        ))
    }
}

/// A summary as it is written.
#[derive(Serialize)]
struct Numbered<'s> {
    format: u32,
    #[serde(flatten)]
    summary: &'s Summary,
}

/// The summary of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The run's name.
    pub run: String,
    /// The digest of the mappings, code lists and model that the run used.
    pub mapping_digest: String,
    /// Every source table, by system and table.
    pub tables: Vec<TableSummary>,
    /// Every row of every control, in the order of the control files.
    pub controls: Vec<ControlRow>,
    /// The row comparison over all entities.
    pub rows: RowCounts,
    /// The row comparison per entity, by name.
    pub entities: Vec<EntitySummary>,
    /// What loading the run did to the target per entity, by name.
    #[serde(default)]
    pub changes: Vec<EntityChanges>,
    /// What became of the references between rows of the target.
    #[serde(default)]
    pub references: ReferenceCounts,
    /// The files that a system ought to have delivered and did not (D67), by system and table. Rows that never
    /// came are in no balance, so they are named here.
    pub deliveries: Vec<MissingDelivery>,
    /// How each system was read, by name.
    pub readings: Vec<SystemReading>,
    /// Who may read what, before and after.
    #[serde(default)]
    pub secrecy: Secrecy,
    /// What became of the sources since the extraction before.
    #[serde(default)]
    pub snapshot: Snapshot,
    /// The work that is open on the lists of owners, and the trend since the run before.
    #[serde(default)]
    pub quality: Quality,
    /// The personal files by what is proposed for them, by exemption, and whether their time has passed.
    #[serde(default)]
    pub retention: Vec<RetentionLine>,
    /// What the target refused, by system, table, entity, reason and constraint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedLine>,
    /// What people have decided about the rows that were held back; `None` where the run is not in the target, so
    /// that the quarantine was left as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Quarantine>,
    /// The findings of rows by how they stand against the reconciliation before.
    #[serde(default, skip_serializing_if = "FindingCounts::is_empty")]
    pub findings: FindingCounts,
    /// The reconciliation that the findings are compared with; `None` for the first of a project, and where neither
    /// found anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings_before: Option<FindingsBefore>,
    /// The differences that people have accepted, in the order of the project's file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverLine>,
    /// How many differences waivers in force accept, over rows, references and controls.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub accepted: u64,
    /// The target put back into the columns of the sources; `None` in summaries of before that was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip: Option<RoundTripSummary>,
    /// What a partial comparison looked at; `None` when everything was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// What it comes to.
    pub verdict: Verdict,
}

/// What the directions found. `None` means that a direction was not examined, which is never the
/// same as that it found nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'a> {
    /// The equations of conservation that do not hold.
    pub imbalances: Option<&'a [Imbalance]>,
    /// The rows of all controls.
    pub controls: Option<&'a [ControlRow]>,
    /// The row comparison per entity.
    pub entities: Option<&'a [EntitySummary]>,
    /// The references between the rows of the target.
    pub references: Option<ReferenceCounts>,
    /// The balance of who may read what.
    pub secrecy: Option<&'a Secrecy>,
    /// The target put back into the columns of the sources.
    pub round_trip: Option<&'a RoundTripSummary>,
    /// What the target refused. Those rows are in quarantine.
    pub refused: &'a [RefusedLine],
    /// What waivers in force accept; `None` where there are none.
    pub accepted: Option<&'a Accepted>,
    /// What else is not proven, in Swedish, one sentence each: a control whose table is not in the run,
    /// an entity whose comparison broke off, a target that changed meanwhile.
    pub unproven: &'a [String],
}

impl Summary {
    /// Puts a run's evidence together and draws the conclusion.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`] when a count leaves 64 bits.
    pub fn new(
        run: &str,
        mapping_digest: &str,
        ledger: &Ledger,
        evidence: &Evidence<'_>,
    ) -> Result<Self, Error> {
        let tables = ledger.tables()?.into_iter().map(|(name, balance)| TableSummary {
            system: name.system,
            table: name.table,
            read: balance.read,
            loaded: balance.loaded,
            merged: balance.merged,
            excluded: balance.excluded,
            quarantined: balance.quarantined,
            stopped: balance.stopped,
            flagged: balance.flagged,
        });
        let mut entities = evidence.entities.unwrap_or_default().to_vec();
        entities.sort_by(|one, other| one.entity.cmp(&other.entity));
        let mut rows = RowCounts::default();
        entities.iter().try_for_each(|entity| rows.add(&entity.counts()))?;
        let mut summary = Self {
            run: run.to_owned(),
            mapping_digest: mapping_digest.to_owned(),
            tables: tables.collect(),
            controls: evidence.controls.unwrap_or_default().to_vec(),
            rows,
            entities,
            changes: Vec::new(),
            references: evidence.references.unwrap_or_default(),
            deliveries: Vec::new(),
            readings: Vec::new(),
            secrecy: evidence.secrecy.cloned().unwrap_or_default(),
            snapshot: Snapshot::default(),
            quality: Quality::default(),
            retention: Vec::new(),
            refused: evidence.refused.to_vec(),
            quarantine: None,
            findings: FindingCounts::default(),
            findings_before: None,
            waivers: Vec::new(),
            accepted: evidence.accepted.map_or(0, Accepted::total),
            round_trip: evidence.round_trip.cloned(),
            scope: None,
            verdict: Verdict::EjBevisat,
        };
        summary.verdict = verdict(&summary, evidence);
        Ok(summary)
    }

    /// The rows in quarantine.
    #[must_use]
    pub fn quarantined(&self) -> u128 {
        self.tables.iter().flat_map(|table| table.quarantined.values()).copied().map(u128::from).sum()
    }

    /// The rows that wait for people: those in quarantine, and those that the bridge made itself, which no source
    /// table counts, and that the target refused.
    #[must_use]
    pub fn waiting(&self) -> u128 {
        let is_read = |line: &RefusedLine| {
            self.tables
                .iter()
                .any(|table| (&table.system, &table.table) == (&line.system, &line.table) && table.read > 0)
        };
        let own = self.refused.iter().filter(|line| !is_read(line)).map(|line| u128::from(line.rows));
        self.quarantined() + own.sum::<u128>()
    }

    /// The control rows with a difference.
    pub fn unequal_controls(&self) -> impl Iterator<Item = &ControlRow> {
        self.controls.iter().filter(|row| row.difference != 0)
    }

    /// The summary as JSON with two blanks of indentation and a line break at the end.
    ///
    /// # Errors
    /// [`ErrorKind::Report`].
    pub fn to_json(&self) -> Result<String, Error> {
        let format = Artefact::Summary.newest();
        serde_json::to_string_pretty(&Numbered { format, summary: self })
            .map(|text| text + "\n")
            .map_err(|error| Error::caused(ErrorKind::Report, "the summary cannot be written as JSON", error))
    }

    /// Reads what [`Summary::to_json`] wrote, also in the first format, which had no number.
    ///
    /// # Errors
    /// [`ErrorKind::Report`] when the text is not a summary, or one of a newer format.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let not_one = |error| Error::caused(ErrorKind::Report, "not a summary", error);
        let mut document: Value = serde_json::from_str(text).map_err(not_one)?;
        Artefact::Summary
            .require_in(&"the text", &document)
            .map_err(|unknown| Error::new(ErrorKind::Report, unknown.to_string()))?;
        document.as_object_mut().and_then(|fields| fields.remove("format"));
        serde_json::from_value(document).map_err(not_one)
    }
}

/// The conclusion. A difference that nobody has accepted outweighs everything; then whatever is not proven; then what
/// was accepted; then quarantine.
#[must_use]
pub fn verdict(summary: &Summary, evidence: &Evidence<'_>) -> Verdict {
    let nothing = Accepted::default();
    if differs_beyond(summary, evidence, evidence.accepted.unwrap_or(&nothing)) {
        Verdict::Skillnader
    } else if !unproven(summary, evidence).is_empty() {
        Verdict::EjBevisat
    } else if differs_beyond(summary, evidence, &nothing) {
        Verdict::GodkandaSkillnader
    } else if summary.waiting() > 0 {
        Verdict::LikaMedKarantan
    } else {
        Verdict::Lika
    }
}

/// Whether something differs that is not accepted. Who may read what never is.
fn differs_beyond(summary: &Summary, evidence: &Evidence<'_>, accepted: &Accepted) -> bool {
    let imbalances = evidence.imbalances.unwrap_or_default();
    !imbalances.iter().all(|one| accepted.covers_balance(one))
        || !summary.unequal_controls().all(|row| accepted.covers_control(row))
        || !accepted.covers_rows(&summary.rows)
        || !accepted.covers_references(&summary.references)
        || !summary.round_trip.as_ref().is_none_or(|found| accepted.covers_round_trip(found))
        || !summary.secrecy.is_equal()
}

/// Everything that is not proven, as Swedish sentences; empty when all of it is.
#[must_use]
pub fn unproven(summary: &Summary, evidence: &Evidence<'_>) -> Vec<String> {
    let loaded = summary.tables.iter().any(|table| table.loaded > 0);
    let known = [
        (evidence.imbalances.is_none(), "Radbalansen har inte kontrollerats."),
        (evidence.controls.is_none(), "Summor och antal per period har inte kontrollerats."),
        (
            evidence.controls.is_some_and(<[_]>::is_empty) && loaded,
            "Ingen summa och inget antal per period har kunnat kontrolleras.",
        ),
        (evidence.entities.is_none(), "Raderna i målet har inte jämförts med källan."),
        (evidence.references.is_none(), "Hänvisningarna mellan raderna i målet har inte kontrollerats."),
        (evidence.round_trip.is_none(), "Det som står i målet har inte ställts tillbaka mot källan."),
        (evidence.secrecy.is_none(), "Nämnd, sekretess och skydd har inte kontrollerats."),
        (summary.tables.is_empty(), "Ingen källtabell har lästs."),
        (
            evidence.entities.is_some() && loaded && summary.rows.compared == 0,
            "Rader har lästs in, men ingen rad i målet har kunnat jämföras.",
        ),
    ];
    let known = known.into_iter().filter(|(applies, _)| *applies).map(|(_, sentence)| sentence.to_owned());
    known.chain(evidence.unproven.iter().cloned()).collect()
}

#[cfg(test)]
mod tests;
