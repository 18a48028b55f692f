//! Who signs what off, and for how long that holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bron_reconcile::signoff::Rules;
use serde::Deserialize;

use super::project_file;
use crate::failure::Failure;

/// A month: after that somebody looks again.
const DEFAULT_VALID_DAYS: u32 = 30;

/// `[signoff]` of the project file, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignoffFile {
    valid_days: Option<u32>,
    #[serde(default)]
    four_eyes: BTreeSet<String>,
    #[serde(default)]
    not_by_requester: BTreeSet<String>,
    #[serde(default)]
    roles: BTreeMap<String, BTreeSet<String>>,
}

/// What whoever handles sign-offs needs to know of a project.
pub(crate) struct Signing {
    /// The mapping folder.
    pub(crate) mappings: PathBuf,
    pub(crate) rules: Rules,
}

impl Signing {
    /// The areas that the settings name.
    pub(crate) fn named_areas(&self) -> BTreeSet<&str> {
        let Rules { four_eyes, not_by_requester, roles, .. } = &self.rules;
        four_eyes.iter().chain(not_by_requester).chain(roles.keys()).map(String::as_str).collect()
    }
}

/// Reads what the project says about sign-offs. Needs no secret of it.
pub(crate) fn signing(project: &Path) -> Result<Signing, Failure> {
    let file = project_file(project)?;
    let SignoffFile { valid_days, four_eyes, not_by_requester, roles } = file.signoff;
    let valid_days = valid_days.unwrap_or(DEFAULT_VALID_DAYS);
    Ok(Signing {
        mappings: project.join(file.mappings.unwrap_or_else(|| PathBuf::from("mappings"))),
        rules: Rules { valid_days, four_eyes, not_by_requester, roles },
    })
}
