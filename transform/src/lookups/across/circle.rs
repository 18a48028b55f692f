//! Rows that refer to each other in a circle.

use crate::functions::{AcrossRows, BeginAcross, SettingError, Settings};
use crate::lookups::index::KeyIndex;
use crate::lookups::{RowSet, slot};

/// Makes ready what finds the rows on a circle of references: those from which one can go from reference to
/// reference and come back. The first text names a row, the second the row that it refers to.
#[expect(clippy::unnecessary_wraps, reason = "every function is made ready in the same way")]
pub(crate) fn refers_in_a_circle(_: &Settings<'_>) -> Result<BeginAcross, SettingError> {
    Ok(Box::new(|| Box::new(Circle::default())))
}

#[derive(Default)]
struct Circle {
    names: KeyIndex,
    /// The name of a row, the name that it refers to, and the row's place.
    references: Vec<(u32, u32, u64)>,
}

impl AcrossRows for Circle {
    fn add(&mut self, place: u64, texts: &[Option<&str>]) {
        let given = |index: usize| texts.get(index).copied().flatten().filter(|text| !text.is_empty());
        if let (Some(name), Some(other)) = (given(0), given(1)) {
            let (name, other) = (self.names.insert(name).0, self.names.insert(other).0);
            self.references.push((slot(name), slot(other), place));
        }
    }

    /// A row is tied to those it names, and to those that name it.
    fn ties(&self, texts: &[Option<&str>]) -> Vec<String> {
        texts.iter().flatten().filter(|text| !text.is_empty()).map(|text| (*text).to_owned()).collect()
    }

    fn finish(mut self: Box<Self>) -> RowSet {
        self.references.sort_unstable();
        let circles = Graph::new(self.names.len(), &self.references).circles();
        let at = |name: u32| circles[usize::try_from(name).expect("32 bits fit a usize")];
        // A reference from one circle to another lies on neither.
        let on_circle = |(from, to, _): &&(u32, u32, u64)| from == to || at(*from) == at(*to);
        RowSet::new(self.references.iter().filter(on_circle).map(|(.., place)| *place).collect())
    }
}

/// Names and the references between them.
struct Graph {
    /// For each name the place of its first reference in `to`, and after the last name their number.
    starts: Vec<usize>,
    to: Vec<usize>,
}

/// A name that has not been visited.
const NEW: usize = usize::MAX;

impl Graph {
    /// The graph of references that stand in the order of the names they come from.
    fn new(names: usize, references: &[(u32, u32, u64)]) -> Self {
        let index = |name: u32| usize::try_from(name).expect("32 bits fit a usize");
        let mut starts = vec![0; names + 1];
        for (from, ..) in references {
            starts[index(*from) + 1] += 1;
        }
        for name in 0..names {
            starts[name + 1] += starts[name];
        }
        Self { starts, to: references.iter().map(|(_, to, _)| index(*to)).collect() }
    }

    /// For each name a number that it shares exactly with the names on a circle with it: the strongly
    /// connected components, found by one walk without recursion.
    fn circles(&self) -> Vec<usize> {
        let names = self.starts.len() - 1;
        let (mut visit, mut low, mut circle) = (vec![NEW; names], vec![NEW; names], vec![NEW; names]);
        let (mut path, mut waiting) = (Vec::new(), Vec::new());
        let mut visits = 0;
        for first in 0..names {
            if visit[first] == NEW {
                path.push((first, self.starts[first]));
            }
            while let Some((name, next)) = path.pop() {
                if visit[name] == NEW {
                    (visit[name], low[name]) = (visits, visits);
                    visits += 1;
                    waiting.push(name);
                }
                if next > self.starts[name] {
                    // Back from the name that the last reference leads to, or past one that was known.
                    let seen = self.to[next - 1];
                    if circle[seen] == NEW {
                        low[name] = low[name].min(low[seen]);
                    }
                }
                if next < self.starts[name + 1] {
                    path.push((name, next + 1));
                    let other = self.to[next];
                    if visit[other] == NEW {
                        path.push((other, self.starts[other]));
                    }
                } else if low[name] == visit[name] {
                    while let Some(member) = waiting.pop() {
                        circle[member] = name;
                        if member == name {
                            break;
                        }
                    }
                }
            }
        }
        circle
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn on_circles(rows: &[(&str, &str)]) -> Vec<u64> {
        let mut circle = Box::new(Circle::default());
        for (place, (name, other)) in (0..).zip(rows) {
            circle.add(place, &[Some(*name), Some(*other)]);
        }
        let found = circle.finish();
        (0..).zip(rows).map(|(place, _)| place).filter(|place| found.contains(*place)).collect()
    }

    #[test]
    fn a_row_on_a_circle_is_found_and_one_that_leads_to_it_is_not() {
        assert!(on_circles(&[("1", "2"), ("2", "3"), ("3", "")]).is_empty());
        assert_eq!(on_circles(&[("1", "2"), ("2", "3"), ("3", "1"), ("4", "1")]), [0, 1, 2]);
        assert_eq!(on_circles(&[("1", "1"), ("2", "1")]), [0]);
        assert_eq!(on_circles(&[("1", "2"), ("2", "1"), ("2", "3"), ("3", "4"), ("4", "3")]), [0, 1, 3, 4]);
    }

    #[test]
    fn a_chain_of_any_length_is_walked() {
        let names: Vec<String> = (0..100_000).map(|number| number.to_string()).collect();
        let chain: Vec<(&str, &str)> = names.windows(2).map(|pair| (&*pair[0], &*pair[1])).collect();
        assert!(on_circles(&chain).is_empty());
        let closed = [&chain[..], &[(&*names[99_999], "0")]].concat();
        assert_eq!(on_circles(&closed).len(), 100_000);
    }

    proptest! {
        /// A reference lies on a circle exactly when its row can be reached from the other.
        #[test]
        fn it_answers_as_reachability_does(rows in proptest::collection::vec((0_u8..8, 0_u8..8), 0..24)) {
            let names: Vec<(String, String)> = rows.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
            let rows: Vec<(&str, &str)> = names.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for (from, to) in &rows {
                next.entry(from).or_default().insert(to);
            }
            let reaches = |from: &str, to: &str| {
                let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
                while let Some(name) = open.pop() {
                    if seen.insert(name.to_owned()) {
                        open.extend(next.get(name).into_iter().flatten().copied());
                    }
                }
                seen.contains(to)
            };
            let expected: Vec<u64> =
                (0..).zip(&rows).filter(|(_, (from, to))| reaches(to, from)).map(|(place, _)| place).collect();
            prop_assert_eq!(on_circles(&rows), expected);
        }
    }
}
