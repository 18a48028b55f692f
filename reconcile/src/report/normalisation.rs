//! What the mappings do to values on their way.

use super::number::count;

/// A function that mappings use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Normalisation {
    /// Its name in mapping files.
    pub name: String,
    /// What a value becomes, in Swedish.
    pub phrase: String,
    /// The fields that come to be by it, over all mappings.
    pub fields: u64,
    /// The mappings that use it.
    pub mappings: u64,
}

pub(super) struct NormalisationView {
    pub(super) name: String,
    pub(super) phrase: String,
    pub(super) fields: String,
    pub(super) mappings: String,
}

pub(super) fn lines(all: &[Normalisation]) -> Vec<NormalisationView> {
    let view = |one: &Normalisation| NormalisationView {
        name: one.name.clone(),
        phrase: one.phrase.clone(),
        fields: count(one.fields),
        mappings: count(one.mappings),
    };
    all.iter().map(view).collect()
}
