//! The order in which a row's lookups are found, and what cannot be found in it.
//!
//! Parents are found in the order of the file. A lookup of one text is found when it is read, and reads
//! only lookups before it. Neighbours are found over the whole table before the first row is mapped, by
//! texts that do not rest on a neighbour themselves.

use std::collections::BTreeSet;

use crate::diagnostic::Span;
use crate::mapping::{Lookup, Mapping, Neighbour, Origin, PROTECTION, Parent, PersonRule};

/// More parents than any chain of records has.
pub(crate) const MOST_PARENTS: usize = 16;

/// A lookup that cannot be found as the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupProblem {
    /// The diagnostic, `BRON-M041` and on.
    pub code: &'static str,
    /// The place in the file.
    pub span: Span,
    /// What is wrong, in one line.
    pub message: String,
}

impl Mapping {
    /// The most parents that a mapping may have.
    pub const MOST_PARENTS: usize = MOST_PARENTS;

    /// Every lookup that cannot be found: names that stand for two things, and texts that are not known
    /// when they are read. Columns and tables are not looked at.
    #[must_use]
    pub fn lookup_problems(&self) -> Vec<LookupProblem> {
        let mut found = Vec::new();
        self.same_names(&mut found);
        if let Some(parent) = self.parents.get(MOST_PARENTS) {
            let message = format!("{} parents are more than {MOST_PARENTS}", self.parents.len());
            found.push(LookupProblem { code: "BRON-M045", span: parent.span.clone(), message });
        }
        let sequence = Sequence::of(self);
        let mut too_early = |what: &str, name: &str, origin: &Origin, why: &str| {
            let message = format!("{what} `{name}` is found by `{}`, {why}", origin.name);
            found.push(LookupProblem { code: "BRON-M044", span: origin.span.clone(), message });
        };
        for (index, parent) in self.parents.iter().enumerate() {
            for origin in parent.origins().filter(|origin| sequence.parents_before(origin) > index) {
                too_early("parent", &parent.name, origin, "which is not known before this parent is");
            }
        }
        for (index, lookup) in self.lookups.iter().enumerate() {
            let later = |origin: &&Origin| self.lookup(origin).is_some_and(|other| other >= index);
            for origin in lookup.origins().into_iter().filter(later) {
                too_early("lookup", lookup.name(), origin, "which does not stand before it");
            }
        }
        for neighbour in &self.neighbours {
            for origin in neighbour.origins().filter(|origin| sequence.rests_on_neighbour(origin)) {
                too_early("neighbour", &neighbour.name, origin, "which rests on a neighbour itself");
            }
        }
        found
    }

    fn same_names(&self, found: &mut Vec<LookupProblem>) {
        let mut known = BTreeSet::new();
        let parents = self.parents.iter().map(|Parent { name, span, .. }| (name.as_str(), span));
        let neighbours = self.neighbours.iter().map(|Neighbour { name, span, .. }| (name.as_str(), span));
        let lookups = self.lookups.iter().map(|lookup| (lookup.name(), lookup.span()));
        for (name, span) in parents.chain(neighbours).chain(lookups) {
            if !known.insert(name) {
                let message = format!("two parents, neighbours or lookups are called `{name}`");
                found.push(LookupProblem { code: "BRON-M041", span: span.clone(), message });
            }
        }
    }

    /// The position of the parent that an origin reads.
    #[must_use]
    pub fn parent(&self, origin: &Origin) -> Option<usize> {
        let (name, _) = origin.parent()?;
        self.parents.iter().position(|parent| parent.name == name)
    }

    /// The position of the neighbour that an origin reads.
    #[must_use]
    pub fn neighbour(&self, origin: &Origin) -> Option<usize> {
        let (name, _) = origin.parent()?;
        self.neighbours.iter().position(|neighbour| neighbour.name == name)
    }

    /// The position of the lookup that an origin names.
    #[must_use]
    pub fn lookup(&self, origin: &Origin) -> Option<usize> {
        self.lookups.iter().position(|lookup| lookup.name() == origin.name)
    }

    /// The columns of the table itself that have to be read to know these origins: their own, and those
    /// by which the parents and lookups that they read are found.
    #[must_use]
    pub fn own_columns<'m>(&'m self, origins: impl IntoIterator<Item = &'m Origin>) -> BTreeSet<&'m str> {
        let (mut columns, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut open: Vec<&Origin> = origins.into_iter().collect();
        while let Some(origin) = open.pop() {
            if !seen.insert(&origin.name) {
                continue;
            }
            if let Some(parent) = self.parent(origin) {
                open.extend(self.parents[parent].origins());
            } else if let Some(neighbour) = self.neighbour(origin) {
                open.extend(self.neighbours[neighbour].origins());
            } else if let Some(lookup) = self.lookup(origin) {
                open.extend(self.lookups[lookup].origins());
            } else if origin.name == PROTECTION {
                open.extend(self.person.iter().flat_map(PersonRule::whose));
            } else if !origin.name.starts_with('@') {
                columns.insert(origin.name.as_str());
            }
        }
        columns
    }
}

/// What has to be found before each lookup.
struct Sequence<'m> {
    mapping: &'m Mapping,
    /// For each lookup how many of the parents must be found before it.
    parents_before: Vec<usize>,
    /// The parents and the lookups that rest on a neighbour.
    on_neighbour: (Vec<bool>, Vec<bool>),
}

impl<'m> Sequence<'m> {
    fn of(mapping: &'m Mapping) -> Self {
        let on_neighbour = (vec![false; mapping.parents.len()], vec![false; mapping.lookups.len()]);
        let mut sequence = Self { mapping, parents_before: Vec::new(), on_neighbour };
        for lookup in &mapping.lookups {
            let before = lookup.origins().into_iter().map(|origin| sequence.parents_before(origin)).max();
            sequence.parents_before.push(before.unwrap_or(0));
        }
        while sequence.spread() {}
        sequence
    }

    /// Marks what rests on something that is marked; whether anything was new.
    fn spread(&mut self) -> bool {
        let rests = |lookup: &Lookup| lookup.origins().iter().any(|origin| self.rests_on_neighbour(origin));
        let parents = self.mapping.parents.iter();
        let parents =
            parents.map(|parent| parent.origins().any(|origin| self.rests_on_neighbour(origin))).collect();
        let next = (parents, self.mapping.lookups.iter().map(rests).collect());
        let new = next != self.on_neighbour;
        self.on_neighbour = next;
        new
    }

    /// How many parents must be found before an origin is known. The protection of a row's person is known
    /// when all of them are.
    fn parents_before(&self, origin: &Origin) -> usize {
        if origin.name == PROTECTION {
            return self.mapping.parents.len();
        }
        let of_parent = self.mapping.parent(origin).map(|parent| parent + 1);
        let lookup = self.mapping.lookup(origin);
        let of_lookup = lookup.and_then(|lookup| self.parents_before.get(lookup).copied());
        of_parent.or(of_lookup).unwrap_or(0)
    }

    fn rests_on_neighbour(&self, origin: &Origin) -> bool {
        let (parents, lookups) = &self.on_neighbour;
        self.mapping.neighbour(origin).is_some()
            || self.mapping.parent(origin).is_some_and(|parent| parents[parent])
            || self.mapping.lookup(origin).is_some_and(|lookup| lookups[lookup])
            || (origin.name == PROTECTION && self.whose().any(|origin| self.rests_on_neighbour(origin)))
    }

    fn whose(&self) -> impl Iterator<Item = &'m Origin> {
        self.mapping.person.iter().flat_map(PersonRule::whose)
    }
}
