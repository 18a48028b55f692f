//! The kinds of damage.

mod days;
mod notes;
mod numbers;
mod origins;
mod readers;
mod references;
mod rows;
mod texts;

use std::io::Result;

use bron_outside::Kind;

use crate::plan::Plan;
use crate::scene::Scene;

/// A kind of damage that a target can come to.
#[derive(Clone, Copy, Debug)]
pub struct Damage {
    /// Its name on the command line and in figures.
    pub name: &'static str,
    /// What it is, in English, for a table.
    pub label: &'static str,
    /// Whether only a SQLite file can come to it: a server checks the types of values.
    pub files_only: bool,
    pub(crate) plant: fn(&mut Scene<'_>) -> Result<Option<Plan>>,
}

impl Damage {
    /// Every kind, in the order of tables.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        let families = [
            rows::DAMAGES,
            references::DAMAGES,
            texts::DAMAGES,
            numbers::DAMAGES,
            days::DAMAGES,
            readers::DAMAGES,
            origins::DAMAGES,
            notes::DAMAGES,
        ];
        families.into_iter().flatten()
    }

    /// The kind with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|damage| damage.name == name)
    }

    /// Whether a target of this kind can come to it.
    #[must_use]
    pub const fn strikes(&self, kind: Kind) -> bool {
        match kind {
            Kind::Sqlite => true,
            Kind::Postgres => !self.files_only,
        }
    }
}

const fn damage(
    name: &'static str,
    label: &'static str,
    plant: fn(&mut Scene<'_>) -> Result<Option<Plan>>,
) -> Damage {
    Damage { name, label, files_only: false, plant }
}

const fn in_files(
    name: &'static str,
    label: &'static str,
    plant: fn(&mut Scene<'_>) -> Result<Option<Plan>>,
) -> Damage {
    Damage { name, label, files_only: true, plant }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_name_and_a_label_of_its_own() {
        let names: BTreeSet<&str> = Damage::all().map(|damage| damage.name).collect();
        let labels: BTreeSet<&str> = Damage::all().map(|damage| damage.label).collect();
        assert_eq!(names.len(), Damage::all().count());
        assert_eq!(labels.len(), names.len());
        assert!(names.len() >= 30, "{} kinds", names.len());
        assert!(names.iter().all(|name| Damage::named(name).is_some_and(|damage| damage.name == *name)));
        assert!(labels.iter().all(|label| !label.contains('|')), "a cell of a table");
    }
}
