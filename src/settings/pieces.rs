//! The settings of a project piece by piece, so that one mistake does not hide the next.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bron_extract::MasterKey;
use bron_load::Target;
use bron_mappings::InstallationSecret;

use super::{ProjectFile, SystemSettings, project_file, referred, runs, staging_key, system_settings};
use crate::failure::{Failure, whole};

/// What `bron.toml` says, each piece with its own failure.
pub(crate) struct Pieces {
    pub(crate) mappings: PathBuf,
    pub(crate) runs: PathBuf,
    /// Whether the project states a day of reading.
    pub(crate) has_as_of: bool,
    pub(crate) target: Result<Target, Failure>,
    /// The addresses of the target for the other roles, by the key that they stand under.
    pub(crate) other_roles: BTreeMap<&'static str, Result<Target, Failure>>,
    pub(crate) secret: Result<InstallationSecret, Failure>,
    /// The key that seals what runs keep; `None` where the project has none.
    pub(crate) staging_key: Result<Option<MasterKey>, Failure>,
    pub(crate) systems: BTreeMap<String, Result<SystemSettings, Failure>>,
    /// The files that hold secrets, by what they are for.
    pub(crate) secret_files: BTreeMap<String, PathBuf>,
}

impl Pieces {
    /// Reads the project file.
    ///
    /// A password that is named and not there is the failure of its system alone. `with_passwords` says whether
    /// passwords are looked for at all.
    pub(crate) fn read(project: &Path, with_passwords: bool) -> Result<Self, Failure> {
        let file = project_file(project)?;
        let secret_files = secret_files(project, &file);
        let secret = referred(project, "secret", &file.secret).and_then(|text| {
            InstallationSecret::from_hex(&text).map_err(|error| Failure::config(error.to_string()))
        });
        let staging_key = staging_key(project, &file);
        let elsewhere = std::env::var("BRON_TARGET").ok();
        let other_roles = ["ddl_address", "read_address"].into_iter().filter(|_| elsewhere.is_none());
        let other_roles = other_roles.filter_map(|key| Some((key, file.target.at(project, key)?))).collect();
        let target = match elsewhere {
            Some(text) => Target::parse(&text).map_err(|error| Failure::config(whole(&error))),
            None => file.target.rows(project),
        };
        let systems = file.system.into_iter().map(|(name, mut system)| {
            if !with_passwords {
                system.password = None;
            }
            (name, system_settings(project, system))
        });
        Ok(Self {
            systems: systems.collect(),
            mappings: project.join(file.mappings.unwrap_or_else(|| PathBuf::from("mappings"))),
            runs: runs(project),
            has_as_of: file.as_of.is_some(),
            target,
            other_roles,
            secret,
            staging_key,
            secret_files,
        })
    }
}

/// The files that the project's references name, by what they are for.
fn secret_files(project: &Path, file: &ProjectFile) -> BTreeMap<String, PathBuf> {
    let mut references = vec![
        ("secret".to_owned(), Some(&file.secret)),
        ("staging key".to_owned(), file.staging.key.as_ref()),
    ];
    let targets = file.target.addresses().into_iter();
    references.extend(targets.map(|(key, address)| (format!("{key} of the target"), Some(address))));
    for (name, system) in &file.system {
        references.push((format!("password of {name}"), system.password.as_ref()));
        references.push((format!("address of {name}"), system.address.as_ref()));
    }
    let file = |reference: &String| reference.strip_prefix("file:").map(|path| project.join(path));
    references.into_iter().filter_map(|(purpose, named)| Some((purpose, named.and_then(file)?))).collect()
}
