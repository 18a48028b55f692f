//! Which rows a row rests on, and which rest on it: what it takes to map a few rows as they would be mapped among all
//! others.
//!
//! A row *offers* a term for every way in which another can find it, and *asks* one for every way in which it finds
//! others. Rows that offer what a row asks are those that its rules may read: with all of them at hand, and no others,
//! a rule gives what it gives over the whole tables. Turned round, the rows that ask what a changed row offers, before
//! or after the change, are those that have to be mapped anew.
//!
//! What is asked may follow from what was found, so asking goes in rounds: each round knows the rows of the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bron_mappings::{
    Batch, Digest, DigestBuilder, EntityId, IdentityDecisions, InstallationSecret, MappingSet,
};

use super::persons::table::Told;
use super::{Lookups, Need, PersonTable, columns_of, needs, text_at};
use crate::apply::scope;
use crate::plan::{Plan, PlannedCheckKind, PlannedLookup, Source};
use crate::row::{BatchView, Row};

/// Names rows by what they say, without saying it: a digest keyed with the installation's secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(Digest);

impl Term {
    /// A term of the caller's own, of these parts.
    #[must_use]
    pub fn new(secret: &InstallationSecret, parts: &[&[u8]]) -> Self {
        Ties::key_of(secret).term("caller", parts.iter().copied())
    }

    /// The 32 bytes, which are all that a store needs to find the term again.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Term({})", self.0.short())
    }
}

/// What one row asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The terms of rows that its rules read by their columns alone.
    pub rows: BTreeSet<Term>,
    /// The terms of rows of its own table that are read as it is itself, by their rules. The row offers these too.
    pub beside: BTreeSet<Term>,
    /// The records of the persons that the row is, is about or joins; see [`Ties::of_record`].
    pub persons: Vec<EntityId>,
}

/// Key for [`Term`]s.
struct Keyed([u8; 32]);

impl Keyed {
    fn term<'p>(&self, kind: &str, parts: impl IntoIterator<Item = &'p [u8]>) -> Term {
        let mut digest = DigestBuilder::new("bron/term/1");
        digest.part(&self.0).part(kind.as_bytes());
        for part in parts {
            digest.part(part);
        }
        Term(digest.finish())
    }

    /// Rows of a table with these texts in these columns; nobody when one is NULL or empty, as for every lookup.
    fn key<'t>(
        &self,
        (system, table): (&str, &str),
        columns: &[String],
        texts: impl Iterator<Item = Option<&'t str>>,
    ) -> Option<Term> {
        let texts = texts.map(|text| text.filter(|text| !text.is_empty())).collect::<Option<Vec<&str>>>()?;
        let names = columns.iter().map(String::as_bytes);
        let count = columns.len().to_string();
        let head = [system.as_bytes(), table.as_bytes(), count.as_bytes()];
        Some(self.term("key", head.into_iter().chain(names).chain(texts.into_iter().map(str::as_bytes))))
    }
}

/// Which ways there are to find rows, by the mappings of a set.
pub struct Ties {
    keyed: Keyed,
    secret: InstallationSecret,
    /// The columns by which rows of a table are found, each combination once.
    keys: BTreeMap<(String, String), BTreeSet<Vec<String>>>,
    /// For each record that was decided to be one human with others, the places of these decisions.
    decided: BTreeMap<String, Vec<u64>>,
}

impl Ties {
    /// The ties of all mappings of a set, and of what named persons have decided about records.
    #[must_use]
    pub fn new(set: &MappingSet, secret: &InstallationSecret, decisions: &IdentityDecisions) -> Self {
        let mut keys: BTreeMap<(String, String), BTreeSet<Vec<String>>> = BTreeMap::new();
        for need in needs(&set.mappings, |_| true) {
            let (system, table) = need.source();
            let place = (system.to_owned(), table.to_owned());
            if let Need::Parent { key, .. } | Need::Aggregate { key, .. } = need {
                keys.entry(place).or_default().insert(key);
            }
        }
        let mut decided: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let pairs = decisions.pairs();
        let same = pairs.iter().filter(|(_, decision)| decision.is_same());
        for (place, ((a, b), _)) in (0..).zip(same) {
            decided.entry(a.clone()).or_default().push(place);
            decided.entry(b.clone()).or_default().push(place);
        }
        Self { keyed: Self::key_of(secret), secret: secret.clone(), keys, decided }
    }

    fn key_of(secret: &InstallationSecret) -> Keyed {
        Keyed(secret.key_for("bron/term/1"))
    }

    /// What each row of a batch of a table offers by its columns alone.
    #[must_use]
    pub fn offered(&self, system: &str, table: &str, batch: &Batch) -> Vec<BTreeSet<Term>> {
        let mut offered = vec![BTreeSet::new(); batch.rows()];
        let keys = self.keys.get(&(system.to_owned(), table.to_owned()));
        for columns in keys.into_iter().flatten() {
            let cells = columns_of(batch, columns);
            for (row, terms) in offered.iter_mut().enumerate() {
                let texts = cells.iter().map(|cells| text_at(cells.as_ref(), row));
                terms.extend(self.keyed.key((system, table), columns, texts));
            }
        }
        offered
    }

    /// What each row of a batch asks, as far as it follows from what `lookups` hold. The batch has the columns that
    /// the plan was made for, and its first row stands at `first_row` of what the lookups were gathered over.
    #[must_use]
    pub fn asked(&self, plan: &Plan, lookups: &Lookups, batch: &Batch, first_row: u64) -> Vec<Asked> {
        let view = BatchView::new(plan, lookups, batch, first_row);
        (0..batch.rows()).map(|index| self.of_row(plan, view.row(index))).collect()
    }

    fn of_row(&self, plan: &Plan, mut row: Row<'_>) -> Asked {
        let scope = scope(&row, &mut Vec::new(), &mut Vec::new());
        row.belongs_to(scope);
        let mut asked = Asked::default();
        let of_parents = plan.parents.iter().map(|parent| (&parent.need, &parent.on));
        let of_lookups = plan.lookups.iter().filter_map(|lookup| match lookup {
            PlannedLookup::Aggregate { need, on } => Some((need, on)),
            PlannedLookup::Code { .. } | PlannedLookup::First(_) => None,
        });
        for (need, on) in of_parents.chain(of_lookups) {
            if let Need::Parent { key, .. } | Need::Aggregate { key, .. } = need {
                let texts = on.iter().map(|source| row.text(source));
                asked.rows.extend(self.keyed.key(need.source(), key, texts));
            }
        }
        for neighbour in &plan.neighbours {
            asked.beside.extend(self.group(&neighbour.need, &neighbour.group, &row));
        }
        for check in &plan.checks {
            if let PlannedCheckKind::Across { need, begin, inputs } = &check.kind {
                let ties = row.with_texts(inputs, |texts| begin().ties(texts));
                asked.beside.extend(ties.iter().map(|tie| self.across(need, tie)));
            }
        }
        asked.persons = plan.person.as_ref().map(|person| person.records(&row)).unwrap_or_default();
        asked
    }

    /// The rows that stand in one order with this one.
    fn group(&self, need: &Need, group: &[Source], row: &Row<'_>) -> Option<Term> {
        let Need::Neighbour { system, table, group: names, .. } = need else { return None };
        let texts = group.iter().map(|source| row.present(source)).collect::<Option<Vec<&str>>>()?;
        let count = names.len().to_string();
        let head = [system.as_bytes(), table.as_bytes(), count.as_bytes()].into_iter();
        let names = names.iter().map(String::as_bytes);
        Some(self.keyed.term("group", head.chain(names).chain(texts.into_iter().map(str::as_bytes))))
    }

    fn across(&self, need: &Need, tie: &str) -> Term {
        let (system, table) = need.source();
        let check = if let Need::Across { check, .. } = need { check.to_string() } else { String::new() };
        let parts = [system.as_bytes(), table.as_bytes(), check.as_bytes(), tie.as_bytes()];
        self.keyed.term("across", parts)
    }

    /// The term that ties rows to a record of a person: the record offers it, and so does whatever names the record.
    #[must_use]
    pub fn of_record(&self, id: &EntityId) -> Term {
        self.keyed.term("record", [id.as_bytes().as_slice()])
    }

    /// What each row of a batch of a table of persons or of links offers to those who ask about a person: its record,
    /// its valid national number, the records that it names, and the decisions about it. Rows that share one of these
    /// are of one human, and so are rows between which others do.
    #[must_use]
    pub fn of_persons(&self, table: &PersonTable, batch: &Batch) -> Vec<BTreeSet<Term>> {
        let of_row = |row: usize| {
            let mut terms = BTreeSet::new();
            table.read(&self.secret, &batch.slice(row, 1), !self.decided.is_empty(), |told| match told {
                Told::Record { id, number, level: _, name } => {
                    terms.insert(self.of_record(&id));
                    let number = number.map(|number| number.to_string());
                    terms.extend(number.map(|number| self.keyed.term("number", [number.as_bytes()])));
                    let decisions = name.and_then(|name| self.decided.get(&name)).into_iter().flatten();
                    terms.extend(
                        decisions.map(|place| self.keyed.term("decision", [&place.to_be_bytes()[..]])),
                    );
                }
                Told::Same { a, b } => terms.extend([self.of_record(&a), self.of_record(&b)]),
            });
            terms
        };
        (0..batch.rows()).map(of_row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{SECRET, only, set, table};

    fn ties(lines: &str) -> (MappingSet, Ties) {
        let set = set(lines);
        let ties = Ties::new(&set, &SECRET, &IdentityDecisions::default());
        (set, ties)
    }

    fn asked(set: &MappingSet, ties: &Ties, batch: &Batch) -> Vec<Asked> {
        let plan = Plan::new(set, only(set), batch.schema(), &SECRET).unwrap();
        ties.asked(&plan, &Lookups::default(), batch, 0)
    }

    const TARGET: &str = "[[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n\
        text = { from = \"p.X\" }\n";

    #[test]
    fn a_row_asks_for_the_parent_that_offers_itself() {
        let (set, ties) =
            ties(&format!("[[parent]]\nname = \"p\"\ntable = \"T\"\non = {{ A = \"ID\" }}\n{TARGET}"));
        let batch = table("ID A X", &["1|2|", "2||x", "3|4|"]);
        let offered = ties.offered("s", "T", &batch);
        let asked = asked(&set, &ties, &batch);
        assert!(asked[0].rows.is_subset(&offered[1]) && asked[0].rows.len() == 1);
        assert!(asked[1].rows.is_empty(), "an empty text names nobody");
        assert!(
            !offered.iter().any(|terms| asked[2].rows.is_subset(terms)),
            "a parent that is not there is asked for"
        );
        assert_eq!(format!("{:?}", offered[0]).matches("Term(").count(), 1);
    }

    #[test]
    fn another_secret_gives_other_terms() {
        let other = InstallationSecret::new([8; 32]);
        assert_ne!(Term::new(&SECRET, &[b"a"]), Term::new(&other, &[b"a"]));
        assert_ne!(Term::new(&SECRET, &[b"ab", b"c"]), Term::new(&SECRET, &[b"a", b"bc"]));
    }

    #[test]
    fn rows_of_one_group_are_read_together() {
        let (set, ties) = ties(&format!(
            "[[neighbour]]\nname = \"p\"\ndirection = \"before\"\ngroup = [\"A\"]\norder = \"B\"\n{TARGET}"
        ));
        let rows = asked(&set, &ties, &table("ID A B X", &["1|a|2020-01-01|", "2|a||", "3|b|2020-01-01|"]));
        assert_eq!(rows[0].beside, rows[1].beside);
        assert!(rows[0].beside.is_disjoint(&rows[2].beside));
    }
}
