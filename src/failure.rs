//! Why a verb did not do what it was asked, and the exit code that says so.

use std::fmt;

use bron_mappings::{Diagnostic, UnknownFormat};
use serde_json::Value;

/// What the process says when it ends. The numbers are a contract and are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and nothing to say.
    Clean,
    /// Failed.
    Failed,
    /// Differences were found.
    Differences,
    /// Done, with more rows in quarantine than the project allows, or with differences that people have accepted.
    Quarantine,
    /// A sign-off that is asked for is missing, void or against the rules.
    NotSigned,
    /// The source or the target is not the one that the project describes.
    Drift,
    /// An invariant would be broken; nothing was done.
    SafetyStop,
    /// Interrupted; running again goes on.
    Interrupted,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Failed => 1,
            Self::Differences => 2,
            Self::Quarantine => 3,
            Self::NotSigned => 4,
            Self::Drift => 5,
            Self::SafetyStop => 6,
            Self::Interrupted => 130,
        }
    }
}

/// Which kind of failure: what the operator can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Trying again may help.
    Retryable,
    /// Something in the sources' data or files.
    Data,
    /// Something in the project's settings or mapping files.
    Config,
    /// Going on could lose or mix up something.
    Safety,
}

impl Class {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Retryable => "retryable",
            Self::Data => "data",
            Self::Config => "config",
            Self::Safety => "safety",
        }
    }
}

/// A failure with its class, its exit code and a way out.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) class: Class,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// What is wrong in the mapping files, when that is the reason.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What the verb had done before it failed, where that cannot be undone.
    pub(crate) done: Option<Box<Done>>,
}

/// The result of a verb, in both its forms.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) document: Value,
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, Class::Config, message)
    }

    pub(crate) fn safety(message: impl Into<String>) -> Self {
        Self::new(Exit::SafetyStop, Class::Safety, message)
    }

    pub(crate) fn interrupted(again: &str) -> Self {
        Self::new(Exit::Interrupted, Class::Retryable, "interrupted").hint(format!("go on with: {again}"))
    }

    pub(crate) fn new(exit: Exit, class: Class, message: impl Into<String>) -> Self {
        Self { exit, class, message: message.into(), hint: None, diagnostics: Vec::new(), done: None }
    }

    /// Says in front what the failure is about.
    pub(crate) fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// A damaged part and a missing right have the same way out wherever they were found.
    fn hint_about(self, error: &bron_extract::Error) -> Self {
        if error.kind() == bron_extract::ErrorKind::Corrupt {
            self.hint(REBUILD)
        } else if error.kind() == bron_extract::ErrorKind::Permission {
            self.hint(RIGHTS)
        } else {
            self
        }
    }

    /// Tells what was done before it.
    pub(crate) fn having_done(mut self, done: Done) -> Self {
        self.done = Some(Box::new(done));
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The text of an error with everything behind it, outermost first.
pub(crate) fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}

impl Failure {
    /// A source that could not be read. `place` is the system, with the table when one was being read; `again` is the
    /// command that goes on.
    pub(crate) fn of_source(place: &str, error: bron_extract::Error, again: &str) -> Self {
        let way_out = way_out(error.kind());
        let failure = Self::from(error).about(place);
        match way_out {
            Some(first) => failure.hint(format!("{first}, then go on with: {again}")),
            None => failure,
        }
    }
}

/// What the operator does about a source that could not be read.
fn way_out(kind: bron_extract::ErrorKind) -> Option<&'static str> {
    use bron_extract::ErrorKind::{
        Busy, Connection, Corrupt, Database, Drift, Encoding, Format, Missing, Outdated, Permission,
        Settings, Storage, Truncated, Unreadable,
    };
    match kind {
        Busy => Some(
            "wait until nobody holds it, or allow more with lock_timeout_seconds or statement_timeout_seconds",
        ),
        Connection => Some("see that the server runs and can be reached from here"),
        Outdated => Some("wait until nobody changes the tables"),
        Permission => {
            Some("ask for the rights that `bron grants` prints (`bron doctor` names what may not be read)")
        }
        Drift => Some("bring the mapping files up to date until `bron check` is clean"),
        Corrupt | Database | Encoding | Format | Missing | Settings | Storage | Truncated | Unreadable
        | _ => None,
    }
}

impl From<UnknownFormat> for Failure {
    fn from(unknown: UnknownFormat) -> Self {
        Self::config(unknown.to_string())
    }
}

impl From<bron_extract::Error> for Failure {
    fn from(error: bron_extract::Error) -> Self {
        let (exit, class) = extract_class(&error);
        Self::new(exit, class, whole(&error)).hint_about(&error)
    }
}

/// Rights are given by somebody else, who wants to know which.
const RIGHTS: &str = "`bron doctor` names what may not be read, `bron grants` prints the rights to ask for";

/// A part of a run that is damaged is made again from the sources, never repaired.
const REBUILD: &str = "if the file lies under runs/, remove that run's directory and migrate again";

fn extract_class(error: &bron_extract::Error) -> (Exit, Class) {
    use bron_extract::ErrorKind::{
        Busy, Connection, Corrupt, Database, Drift, Encoding, Format, Missing, Outdated, Permission,
        Settings, Storage, Truncated, Unreadable,
    };
    match error.kind() {
        Busy | Connection | Outdated => (Exit::Failed, Class::Retryable),
        Drift => (Exit::Drift, Class::Data),
        Corrupt => (Exit::SafetyStop, Class::Safety),
        Storage => (Exit::SafetyStop, Class::Retryable),
        Settings | Permission | Format => (Exit::Failed, Class::Config),
        Missing | Unreadable | Encoding | Truncated | Database | _ => (Exit::Failed, Class::Data),
    }
}

impl From<bron_load::Error> for Failure {
    fn from(error: bron_load::Error) -> Self {
        let (exit, class) = load_class(&error);
        Self::new(exit, class, whole(&error))
    }
}

fn load_class(error: &bron_load::Error) -> (Exit, Class) {
    use bron_load::ErrorKind::{
        Busy, Config, Connection, Corrupt, Data, Database, Drift, Format, Permission, Storage,
    };
    match error.kind() {
        Busy | Connection => (Exit::Failed, Class::Retryable),
        Drift => (Exit::Drift, Class::Data),
        Corrupt => (Exit::SafetyStop, Class::Safety),
        Storage => (Exit::SafetyStop, Class::Retryable),
        Config | Permission | Format => (Exit::Failed, Class::Config),
        Data | Database | _ => (Exit::Failed, Class::Data),
    }
}

impl From<bron_dual_run::Error> for Failure {
    fn from(error: bron_dual_run::Error) -> Self {
        use bron_dual_run::ErrorKind::{
            Config, Connection, Corrupt, Database, Drift, Expired, Fenced, Refused, Rewound, Storage,
        };
        let (exit, class) = match error.kind() {
            Connection => (Exit::Failed, Class::Retryable),
            Storage => (Exit::SafetyStop, Class::Retryable),
            Expired | Rewound | Fenced | Corrupt => (Exit::SafetyStop, Class::Safety),
            Drift => (Exit::Drift, Class::Data),
            Config | Refused => (Exit::Failed, Class::Config),
            Database | _ => (Exit::Failed, Class::Data),
        };
        Self::new(exit, class, whole(&error))
    }
}

impl From<bron_reconcile::Error> for Failure {
    /// The class is that of the reader behind the comparison, where one failed.
    fn from(error: bron_reconcile::Error) -> Self {
        let sources = std::iter::successors(std::error::Error::source(&error), |inner| inner.source());
        let extract = sources.clone().find_map(|inner| inner.downcast_ref::<bron_extract::Error>());
        let load = || sources.clone().find_map(|inner| inner.downcast_ref::<bron_load::Error>());
        let class = extract.map(extract_class).or_else(|| load().map(load_class));
        let (exit, class) = class.unwrap_or((Exit::Failed, Class::Data));
        let failure = Self::new(exit, class, whole(&error));
        match extract {
            Some(behind) => failure.hint_about(behind),
            None => failure,
        }
    }
}

impl From<bron_mappings::ReadError> for Failure {
    /// A reader hands over the error of whatever stands behind it; its class must survive the way.
    fn from(error: bron_mappings::ReadError) -> Self {
        match error.downcast::<bron_extract::Error>() {
            Ok(error) => (*error).into(),
            Err(error) => match error.downcast::<bron_load::Error>() {
                Ok(error) => (*error).into(),
                Err(error) => Self::new(Exit::Failed, Class::Data, whole(error.as_ref())),
            },
        }
    }
}
