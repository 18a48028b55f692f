//! One difference and its words.

use crate::codes::CodeEntry;
use crate::reject::ReasonCode;

/// What a change can do harm to, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// Who or what a record is, and which records belong together.
    Identity,
    /// What may be seen of whom.
    Protection,
    /// Amounts, and the controls that prove them.
    Money,
    /// What a value says, and which rows come over.
    Meaning,
    /// Texts for people; no row of the target changes.
    Form,
}

impl Risk {
    /// Every class, the gravest first.
    pub const ALL: [Self; 5] = [Self::Identity, Self::Protection, Self::Money, Self::Meaning, Self::Form];

    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Protection => "protection",
            Self::Money => "money",
            Self::Meaning => "meaning",
            Self::Form => "form",
        }
    }

    /// The name in Swedish.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Identity => "Identitet",
            Self::Protection => "Skydd",
            Self::Money => "Pengar",
            Self::Meaning => "Betydelse",
            Self::Form => "Form",
        }
    }

    /// The graver of two.
    #[must_use]
    pub fn graver(self, other: Self) -> Self {
        self.min(other)
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $label:literal;)+) => {
        /// Which part of the mapping files a change is in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($(#[doc = $doc])+ $name,)+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The name in Swedish.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }
        }
    };
}

kinds! {
    /// A whole mapping, or its name.
    Mapping = "mapping", "Mappning";
    /// The key of the records, and what a repeated key means.
    Key = "key", "Nyckel";
    /// Another table that rules read: a parent, a sum and the like.
    Lookup = "lookup", "Uppslag";
    /// What the rows say about persons.
    Person = "person", "Person";
    /// By what conservation is counted.
    Scope = "scope", "Redovisning";
    /// Rows that are not migrated.
    Exclusion = "exclusion", "Utelämnande";
    /// A rule that a row can break.
    Check = "check", "Kontrollregel";
    /// Texts that must not change between two extractions.
    Immutable = "immutable", "Oföränderlig text";
    /// What follows when a rule is broken or a value is missing.
    Policy = "policy", "Följd";
    /// A row of the model that source rows become.
    Target = "target", "Målrad";
    /// How a field's value comes to be.
    Rule = "rule", "Fältregel";
    /// A column that is not migrated.
    Ignored = "ignored", "Utelämnad kolumn";
    /// An example that every check runs.
    Example = "example", "Exempel";
    /// A meaning of a code.
    Codes = "codes", "Kod";
    /// An entity of the model.
    Entity = "entity", "Informationsobjekt";
    /// A field of the model.
    ModelField = "model_field", "Modellfält";
    /// By which rule rows are kept and removed.
    Retention = "retention", "Gallring";
    /// A class of secrecy or protection.
    Secrecy = "secrecy", "Sekretess och skydd";
    /// How a source system delivers.
    Source = "source", "Källsystem";
    /// A control of reconciliation.
    Control = "control", "Avstämningskontroll";
    /// A name or a description for people.
    Label = "label", "Benämning";
    /// Who answers for it.
    Owner = "owner", "Ägare";
    /// Where and when it was decided.
    Decision = "decision", "Beslut";
    /// Who read it, and how far they came.
    Review = "review", "Granskning";
}

/// What happened to the subject, or to one part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Only the later version has it.
    Added,
    /// Only the earlier version has it.
    Removed,
    /// Both have it, and it says something else.
    Changed,
}

impl Act {
    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }

    /// The name in Swedish.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Added => "tillagd",
            Self::Removed => "borttagen",
            Self::Changed => "ändrad",
        }
    }
}

/// What a change is about, so that its effect on rows can be traced back to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A mapping: its existence, its key, who answers for it.
    Mapping {
        /// `system/TABLE`.
        mapping: String,
    },
    /// A lookup of a mapping.
    Lookup {
        /// `system/TABLE`.
        mapping: String,
        /// The name that origins use.
        name: String,
    },
    /// What the rows of a mapping say about persons.
    Person {
        /// `system/TABLE`.
        mapping: String,
    },
    /// The texts of a mapping's table that must not change.
    Immutable {
        /// `system/TABLE`.
        mapping: String,
    },
    /// A dimension, or the secrecy, of every row of a mapping.
    Scope {
        /// `system/TABLE`.
        mapping: String,
        /// `area`, `namnd`, `year`, `sekretess` and so on.
        part: &'static str,
    },
    /// Rows that are left out.
    Exclusion {
        /// `system/TABLE`.
        mapping: String,
        /// The reason that is counted, in both versions.
        reasons: Vec<ReasonCode>,
    },
    /// A rule of rows.
    Check {
        /// `system/TABLE`.
        mapping: String,
        /// The rule, in both versions.
        reasons: Vec<ReasonCode>,
    },
    /// Rows of one entity.
    Target {
        /// `system/TABLE`.
        mapping: String,
        /// The entity.
        entity: String,
    },
    /// The rule of a field.
    Field {
        /// `system/TABLE`.
        mapping: String,
        /// The entity.
        entity: String,
        /// The field.
        field: String,
    },
    /// A column that is left out.
    Ignored {
        /// `system/TABLE`.
        mapping: String,
        /// The column.
        column: String,
    },
    /// An example.
    Example {
        /// `system/TABLE`.
        mapping: String,
        /// What it shows.
        about: String,
    },
    /// A whole code list.
    CodeList {
        /// The list.
        list: String,
    },
    /// One code of a list in one period.
    Code {
        /// The list.
        list: String,
        /// The system, empty for every system.
        system: String,
        /// The source's code.
        code: String,
        /// What it meant.
        before: Option<Box<CodeEntry>>,
        /// What it means.
        after: Option<Box<CodeEntry>>,
    },
    /// An entity of the model.
    Entity {
        /// The entity.
        entity: String,
    },
    /// A field of the model.
    ModelField {
        /// The entity.
        entity: String,
        /// The field.
        field: String,
    },
    /// Where the organisations that answer for rows come from.
    ResponsibleBody,
    /// A source system, its files or its tables.
    System {
        /// The system.
        system: String,
    },
    /// What a file lists by name: a control, a rule of retention, a policy of quality work; or a whole file that
    /// cannot be read.
    Listed {
        /// The folder of the file.
        folder: &'static str,
        /// The entry's name or the file.
        name: String,
    },
}

/// What one version says, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The file, by its path in the folder of mapping files.
    pub file: String,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// The statement in the form of the mapping language, in one canonical spelling.
    pub text: String,
}

/// One sentence in two languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// For the business side and the auditor.
    pub sv: String,
    /// For engineers.
    pub en: String,
}

impl Sentence {
    pub(super) fn new(sv: impl Into<String>, en: impl Into<String>) -> Self {
        Self { sv: sv.into(), en: en.into() }
    }
}

/// One difference in meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it can do harm to.
    pub risk: Risk,
    /// Which part of the files it is in.
    pub kind: Kind,
    /// What happened.
    pub act: Act,
    /// What it is about.
    pub subject: Subject,
    /// Which part of the subject, as its key in the files (`on_bad`); empty for all of it.
    pub aspect: &'static str,
    /// What the earlier version says; absent when it says nothing.
    pub before: Option<Excerpt>,
    /// What the later version says; absent when it says nothing.
    pub after: Option<Excerpt>,
    /// The difference in one line.
    pub sentence: Sentence,
    /// What it may be instead, such as a field that was renamed.
    pub hint: Option<Sentence>,
    /// For a change of the model: the mappings whose rules it leaves without their field or entity, or
    /// with a field of another type.
    pub orphans: Vec<String>,
}
