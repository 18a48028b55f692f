//! The vocabulary and the contracts of the bridge.
//!
//! Everything that more than one stage has to agree on lives here and nothing else does: the
//! information model and the mappings as data ([`Model`], [`Mapping`], [`CodeList`]), the names of
//! things ([`SourceKey`], [`EntityId`]), what can be wrong with a row ([`Reject`], [`ReasonCode`]),
//! what must not be shown ([`Sensitive`]) and the columns that travel between stages ([`Batch`]).
//!
//! Invariants:
//! - No input or output beyond parsing text that the caller hands over.
//! - Parsing never fails: it returns what could be understood and every [`Diagnostic`].
//! - The same text gives the same value and the same [`Digest`], on any machine.

mod artefact;
mod batch;
mod check;
mod codes;
mod column;
pub mod comparison;
mod decisions;
mod diagnostic;
mod digest;
mod document;
mod entity_id;
mod format;
mod function;
pub mod handbook;
mod identifier;
mod key;
mod mapping;
mod model;
mod owner;
mod personal;
mod project;
mod protection;
mod quality;
mod reject;
mod restored;
mod retention;
pub mod schema;
mod sensitive;
mod system;
mod waiver;

pub use artefact::{Artefact, UnknownFormat};
pub use batch::{
    Batch, BatchError, BatchReader, BatchSchema, Batches, Column, ColumnType, ReadError, UNREADABLE,
};
pub use check::{Coverage, Tables, check, check_systems};
pub use codes::{CodeAnswer, CodeEntry, CodeList, CodeStatus, Equivalence};
pub use column::{Cells, ColumnBuilder, Value};
pub use decisions::{IdentityDecision, IdentityDecisions, IdentityVerdict, PairDecision};
pub use diagnostic::{Diagnostic, Severity, Span, nearest};
pub use digest::{Digest, DigestBuilder};
pub use entity_id::{EntityId, IdSeries, InstallationSecret, Pseudonym, SecretError};
pub use format::format_toml;
pub use function::{FieldFunction, FunctionKind, FunctionSpec};
pub use identifier::{
    Canonical12, CenturyEvidence, CenturyInference, CenturySource, CheckOutcome, HsaId, Identifier,
    IdentifierKind, SENTINELS, Sentinel, SentinelPattern, classify, infer_century, luhn_check_digit,
};
pub use key::{SourceKey, SourceKeyError, key_values};
pub use mapping::{
    Action, Aggregate, AggregateKind, ApprovedExamples, Check, CodeInput, CodeLookup, Condition,
    ConditionTest, Day, Direction, Example, Exclusion, FieldRule, FirstPresent, Immutable, Lookup,
    LookupProblem, Mapping, Neighbour, Origin, OtherTable, PERSON_ENTITY, PROTECTION, Parent, Period,
    PersonKey, PersonLink, PersonName, PersonNumber, PersonProtection, PersonRecord, PersonReference,
    PersonRule, Repeats, Rule, Scope, Target,
};
pub use model::{Entity, Field, FieldType, Model, ProtectionClass, ResponsibleBody, Validity};
pub use owner::Owner;
pub use personal::may_name_a_person;
pub use project::MappingSet;
pub use protection::Protection;
pub use quality::{QualityPolicy, RulePolicy, Weight};
pub use reject::{ReasonCode, Reject};
pub use restored::{Restored, RestoredField, RestoredForm, TextForm};
pub use retention::{
    Disposition, Exemption, ExemptionGround, LegalStatus, Retention, RetentionFinish, RetentionRule,
    RetentionTrigger,
};
pub use sensitive::{FEWEST_SHOWN, Sensitive};
pub use system::{
    ApprovedLines, ControlField, ControlLine, CsvDialect, CsvTable, Expectation, LinePlace, Says, System,
};
pub use waiver::{NEVER_WAIVED, WaivedKind, WaivedRows, Waiver, WaiverLimit, WaiverSubject, Waivers};
