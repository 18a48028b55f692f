//! All mapping files of a project together.

use std::collections::BTreeMap;

use crate::codes::CodeList;
use crate::diagnostic::{Diagnostic, Severity};
use crate::digest::{Digest, DigestBuilder};
use crate::mapping::Mapping;
use crate::model::Model;
use crate::quality::QualityPolicy;
use crate::retention::Retention;
use crate::system::System;

/// The model, the systems, the code lists and the mappings of a project.
#[derive(Clone, Debug, Default)]
pub struct MappingSet {
    /// The information model.
    pub model: Model,
    /// The source systems by name.
    pub systems: BTreeMap<String, System>,
    /// The code lists by name.
    pub codes: BTreeMap<String, CodeList>,
    /// The policy for quality work.
    pub quality: QualityPolicy,
    /// The rules of retention.
    pub retention: Retention,
    /// The mappings, ordered by system and table.
    pub mappings: Vec<Mapping>,
    code_digests: BTreeMap<String, Digest>,
    digest: Option<Digest>,
}

impl MappingSet {
    /// Reads a folder of mapping files, given as path (relative, with `/`) to text:
    /// `model/*.toml`, `codes/*.csv`, `retention/*.toml`, `quality/*.toml`, `<system>/system.toml` and
    /// `<system>/<table>.toml`.
    /// `controls/` belongs to reconciliation and is passed over.
    #[must_use]
    pub fn parse(files: &BTreeMap<String, String>) -> (Self, Vec<Diagnostic>) {
        let mut set = Self::default();
        let in_model = files.iter().filter(|(path, _)| path.starts_with("model/"));
        let (model, mut found) = Model::parse(in_model.map(|(path, text)| (path.as_str(), text.as_str())));
        set.model = model;
        for (path, text) in files {
            found.append(&mut set.add(path, text));
        }
        found.append(&mut set.retention.check(&set.model));
        set.mappings.sort_by(|a, b| (&a.system, &a.table).cmp(&(&b.system, &b.table)));
        for pair in set.mappings.windows(2) {
            if (&pair[0].system, &pair[0].table) == (&pair[1].system, &pair[1].table) {
                let message = format!("{}/{} is mapped in two files", pair[1].system, pair[1].table);
                found.push(whole_file(&pair[1].file, message));
            }
        }
        let mut digest = DigestBuilder::new("bron/mapping-set/1");
        for (path, text) in files {
            digest.part(path.as_bytes()).part(text.as_bytes());
        }
        set.digest = Some(digest.finish());
        (set, found)
    }

    fn add(&mut self, path: &str, text: &str) -> Vec<Diagnostic> {
        match path.rsplit_once('/') {
            Some(("model" | "controls", _)) => Vec::new(),
            Some(("quality", _)) => self.quality.add(path, text),
            Some(("retention", _)) => self.retention.add(path, text),
            Some(("codes", file)) => {
                let name = file.strip_suffix(".csv").unwrap_or(file);
                let (list, found) = CodeList::parse(name, path, text);
                self.codes.insert(name.to_owned(), list);
                self.code_digests.insert(name.to_owned(), Digest::of(text.as_bytes()));
                found
            }
            Some((_, "system.toml")) => {
                let (system, found) = System::parse(path, text);
                if let Some(system) = system {
                    self.systems.insert(system.name.clone(), system);
                }
                found
            }
            Some(_) => {
                let (mapping, found) = Mapping::parse(path, text);
                self.mappings.extend(mapping);
                found
            }
            None => vec![whole_file(path, "a mapping file lies in the folder of its system".to_owned())],
        }
    }

    /// The mapping of a source table.
    #[must_use]
    pub fn mapping(&self, system: &str, table: &str) -> Option<&Mapping> {
        self.mappings.iter().find(|mapping| mapping.system == system && mapping.table == table)
    }

    /// The digest of every file together with the version of the function registry: what a run names as
    /// its mapping.
    #[must_use]
    pub fn digest(&self, registry_version: u32) -> Digest {
        let files = self.digest.map_or([0; 32], |digest| *digest.as_bytes());
        DigestBuilder::new("bron/mapping/1").part(&files).part(&registry_version.to_be_bytes()).finish()
    }

    /// The digest of each code list's text, by name.
    #[must_use]
    pub const fn code_digests(&self) -> &BTreeMap<String, Digest> {
        &self.code_digests
    }

    /// The version that target rows carry as `mapping_version`: it changes when the mapping, a code list
    /// that it uses or the function registry changes, and not when some other mapping does.
    #[must_use]
    pub fn version(&self, mapping: &Mapping, registry_version: u32) -> String {
        let mut digest = DigestBuilder::new("bron/mapping-version/1");
        digest.part(mapping.digest.as_bytes()).part(&registry_version.to_be_bytes());
        for (list, ..) in mapping.code_lists() {
            let of_list = self.code_digests.get(list).map_or([0; 32], |digest| *digest.as_bytes());
            digest.part(&of_list);
        }
        digest.finish().short()
    }
}

fn whole_file(file: &str, message: String) -> Diagnostic {
    Diagnostic {
        code: "BRON-M006",
        severity: Severity::Error,
        file: file.to_owned(),
        span: 0..0,
        message,
        label: "this file".to_owned(),
        help: None,
    }
}
