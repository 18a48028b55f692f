//! The target of a project: one address, or a table that says which role does what.

use std::fmt;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Duration;

use bron_load::{Sink, Target, Terms, open_on, read_only_on};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::{in_project, referred};
use crate::failure::{Failure, whole};

/// More help hardly: the server and this machine share the work.
const USUAL_CONNECTIONS: std::ops::RangeInclusive<usize> = 2..=4;
const MOST_CONNECTIONS: usize = 32;

/// `target` of the project file, as written.
#[derive(Debug)]
pub(super) enum TargetFile {
    Address(String),
    Table(Box<TargetTable>),
}

/// `[target]`, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetTable {
    address: String,
    ddl_address: Option<String>,
    read_address: Option<String>,
    connections: Option<usize>,
    statement_timeout_seconds: Option<u32>,
    lock_timeout_seconds: Option<u32>,
    foreign_keys: Option<bool>,
}

impl<'de> Deserialize<'de> for TargetFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = TargetFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address, or a table with `address`")
            }

            fn visit_str<E>(self, address: &str) -> Result<TargetFile, E> {
                Ok(TargetFile::Address(address.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TargetFile, A::Error> {
                TargetTable::deserialize(MapAccessDeserializer::new(map)).map(Box::new).map(TargetFile::Table)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl TargetFile {
    /// The addresses with the keys that they stand under.
    pub(super) fn addresses(&self) -> Vec<(&'static str, &String)> {
        match self {
            Self::Address(address) => vec![("target", address)],
            Self::Table(table) => {
                let others = [("ddl_address", &table.ddl_address), ("read_address", &table.read_address)];
                let others = others.into_iter().filter_map(|(key, address)| Some((key, address.as_ref()?)));
                std::iter::once(("address", &table.address)).chain(others).collect()
            }
        }
    }

    /// The address under a key, where there is one.
    pub(super) fn at(&self, project: &Path, key: &str) -> Option<Result<Target, Failure>> {
        let (key, address) = self.addresses().into_iter().find(|(found, _)| *found == key)?;
        Some(located(project, key, address))
    }

    /// Where rows are written.
    pub(super) fn rows(&self, project: &Path) -> Result<Target, Failure> {
        let (key, address) = self.addresses().remove(0);
        located(project, key, address)
    }

    /// Who else works on the target, and how. Another target than the project's has one address only.
    pub(super) fn loading(&self, project: &Path, is_elsewhere: bool) -> Result<Loading, Failure> {
        let other = |key: &str| if is_elsewhere { None } else { self.at(project, key) }.transpose();
        let mut loading =
            Loading { definer: other("ddl_address")?, reader: other("read_address")?, ..Loading::default() };
        let Self::Table(table) = self else { return Ok(loading) };
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        loading.terms.statement_timeout = table.statement_timeout_seconds.map(seconds);
        if let Some(limit) = table.lock_timeout_seconds {
            loading.terms.lock_timeout = seconds(limit);
        }
        loading.terms.foreign_keys = table.foreign_keys.unwrap_or(loading.terms.foreign_keys);
        match table.connections {
            Some(connections) if (1..=MOST_CONNECTIONS).contains(&connections) => {
                loading.connections = connections;
            }
            Some(_) => {
                let text = format!("`connections` of `[target]` is a number from 1 to {MOST_CONNECTIONS}");
                return Err(Failure::config(text));
            }
            None => {}
        }
        Ok(loading)
    }
}

/// The target that an address, or what it names, says. A file lies in the project.
pub(super) fn located(project: &Path, key: &str, address: &str) -> Result<Target, Failure> {
    let text = if address.starts_with("env:") || address.starts_with("file:") {
        referred(project, key, address)?
    } else {
        address.to_owned()
    };
    Target::parse(&in_project(project, &text)?).map_err(|error| Failure::config(whole(&error)))
}

/// Who else works on the target than the role that writes rows, and how.
#[derive(Clone, Debug)]
pub(crate) struct Loading {
    /// Makes and alters tables; without it the role that writes rows does.
    pub(crate) definer: Option<Target>,
    /// Reads for the comparison; without it the role that writes rows does.
    pub(crate) reader: Option<Target>,
    /// The most connections that write rows at once.
    pub(crate) connections: usize,
    pub(crate) terms: Terms,
}

impl Default for Loading {
    fn default() -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
        Self {
            definer: None,
            reader: None,
            connections: threads.clamp(*USUAL_CONNECTIONS.start(), *USUAL_CONNECTIONS.end()),
            terms: Terms::default(),
        }
    }
}

impl super::Settings {
    /// A connection that may make and alter tables.
    pub(crate) fn definer(&self) -> Result<Box<dyn Sink>, Failure> {
        Ok(open_on(self.loading.definer.as_ref().unwrap_or(&self.target), &self.loading.terms)?)
    }

    /// A connection that writes rows.
    pub(crate) fn writer(&self) -> Result<Box<dyn Sink>, Failure> {
        Ok(open_on(&self.target, &self.loading.terms)?)
    }

    /// A connection that only reads.
    pub(crate) fn reader(&self) -> Result<Box<dyn Sink>, Failure> {
        Ok(read_only_on(self.loading.reader.as_ref().unwrap_or(&self.target), &self.loading.terms)?)
    }
}
