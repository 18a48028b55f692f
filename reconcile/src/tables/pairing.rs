//! Which table, and which column, of one side belongs to which of the other.

use super::kind::Kind;
use super::{ComparedColumn, KeyOrder, Plan, Proof, Shape, ShapeColumn, Wish};
use crate::error::{Error, ErrorKind};

/// Names of both sides, paired.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Places on the left and on the right side, in the order of the left.
    pub both: Vec<(usize, usize)>,
    /// Places that only the left side has.
    pub only_left: Vec<usize>,
    /// Places that only the right side has.
    pub only_right: Vec<usize>,
}

/// Pairs names that are the same; of the rest, those that are the same but for large and small letters, where each side
/// has one such name only. A name is paired once.
#[must_use]
pub fn pairs(left: &[&str], right: &[&str]) -> Pairs {
    let mut of_left: Vec<Option<usize>> =
        left.iter().map(|name| right.iter().position(|other| other == name)).collect();
    let rest: Vec<usize> = (0..right.len()).filter(|place| !of_left.contains(&Some(*place))).collect();
    for place in 0..left.len() {
        let is_like = |other: &str| other.to_lowercase() == left[place].to_lowercase();
        let rivals =
            (0..left.len()).filter(|rival| of_left[*rival].is_none() && is_like(left[*rival])).count();
        let like: Vec<usize> = rest.iter().copied().filter(|other| is_like(right[*other])).collect();
        if let ([only], 1, None) = (like.as_slice(), rivals, of_left[place]) {
            of_left[place] = Some(*only);
        }
    }
    let both = of_left.iter().enumerate().filter_map(|(left, right)| Some((left, (*right)?)));
    Pairs {
        both: both.collect(),
        only_left: (0..left.len()).filter(|place| of_left[*place].is_none()).collect(),
        only_right: (0..right.len()).filter(|place| !of_left.contains(&Some(*place))).collect(),
    }
}

/// Makes the plan of a comparison.
pub(super) fn plan(left: &Shape, right: &Shape, wish: &Wish) -> Result<Plan, Error> {
    let names = |shape: &'_ Shape| shape.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    let (left_names, right_names) = (names(left), names(right));
    let found = pairs(&texts(&left_names), &texts(&right_names));
    let pairing = Pairing { left, right, both: found.both };
    let key = pairing.key(wish)?;
    let wanted = pairing.wanted(wish, &key)?;
    let mut plan = Plan {
        left: left.name.clone(),
        right: right.name.clone(),
        columns: Vec::new(),
        key: Vec::new(),
        whole_rows: key.is_empty(),
        incomparable: Vec::new(),
        only_left: found.only_left.iter().map(|place| left_names[*place].clone()).collect(),
        only_right: found.only_right.iter().map(|place| right_names[*place].clone()).collect(),
        left_out: Vec::new(),
    };
    if !wish.columns.is_empty() {
        // Somebody said which columns matter: those that one side has alone are not among them.
        plan.left_out.extend(plan.only_left.drain(..).chain(plan.only_right.drain(..)));
    }
    for pair in 0..pairing.both.len() {
        let (mine, theirs) = pairing.columns(pair);
        if !wanted.contains(&pair) {
            plan.left_out.push(mine.name.clone());
        } else if mine.carried != theirs.carried {
            plan.incomparable.push((mine.name.clone(), mine.declared.clone(), theirs.declared.clone()));
        } else {
            plan.columns.push(pairing.compared(pair));
        }
    }
    plan.key = pairing.ordered(&plan, &key)?;
    Ok(plan)
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

struct Pairing<'s> {
    left: &'s Shape,
    right: &'s Shape,
    /// Places of the columns that both have.
    both: Vec<(usize, usize)>,
}

impl Pairing<'_> {
    fn columns(&self, pair: usize) -> (&ShapeColumn, &ShapeColumn) {
        let (left, right) = self.both[pair];
        (&self.left.columns[left], &self.right.columns[right])
    }

    fn kinds(&self, pair: usize) -> (Kind, Kind) {
        let (left, right) = self.columns(pair);
        (
            Kind::of(self.left.dialect, &left.declared, left.carried),
            Kind::of(self.right.dialect, &right.declared, right.carried),
        )
    }

    fn compared(&self, pair: usize) -> ComparedColumn {
        let (left, right) = self.columns(pair);
        let (mine, theirs) = self.kinds(pair);
        ComparedColumn {
            left: left.name.clone(),
            right: right.name.clone(),
            left_type: left.declared.clone(),
            right_type: right.declared.clone(),
            proof: if mine.is_same(&theirs) { Proof::Exact } else { Proof::AsText },
            letters: different_letters(left, right),
        }
    }

    /// The pair of a column by its name on either side.
    fn pair(&self, name: &str) -> Result<usize, Error> {
        let named = |pair: &usize| {
            let (left, right) = self.columns(*pair);
            left.name == name || right.name == name
        };
        (0..self.both.len()).find(named).ok_or_else(|| {
            let problem =
                format!("{} and {} do not both have a column {name}", self.left.name, self.right.name);
            Error::new(ErrorKind::Columns, problem)
        })
    }

    /// The pairs of the key in its order; none for whole rows.
    fn key(&self, wish: &Wish) -> Result<Vec<usize>, Error> {
        if wish.whole_rows {
            return Ok(Vec::new());
        }
        if !wish.key.is_empty() {
            return wish.key.iter().map(|name| self.pair(name)).collect();
        }
        let declared = |key: &[String]| key.iter().map(|name| self.pair(name)).collect::<Result<Vec<_>, _>>();
        match (self.left.key.as_slice(), self.right.key.as_slice()) {
            ([], []) => Ok(Vec::new()),
            (key, []) | ([], key) => declared(key),
            (left, right) => match (declared(left), declared(right)) {
                (Ok(mine), Ok(theirs)) if mine == theirs => Ok(mine),
                _ => {
                    let problem = format!(
                        "{} has the key {} and {} has the key {}: say which columns name a row",
                        self.left.name,
                        left.join(", "),
                        self.right.name,
                        right.join(", ")
                    );
                    Err(Error::new(ErrorKind::Columns, problem))
                }
            },
        }
    }

    /// The pairs that are to be compared: those that were asked for and those of the key, or all.
    fn wanted(&self, wish: &Wish, key: &[usize]) -> Result<Vec<usize>, Error> {
        if wish.columns.is_empty() {
            return Ok((0..self.both.len()).collect());
        }
        let asked = wish.columns.iter().map(|name| self.pair(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(asked.into_iter().chain(key.iter().copied()).collect())
    }

    /// The key as places in the plan, with the order of each column; all columns for whole rows.
    fn ordered(&self, plan: &Plan, key: &[usize]) -> Result<Vec<(usize, KeyOrder)>, Error> {
        if plan.whole_rows {
            return Ok((0..plan.columns.len()).map(|place| (place, KeyOrder::Bytes)).collect());
        }
        let place = |pair: &usize| {
            let name = &self.columns(*pair).0.name;
            let place = plan.columns.iter().position(|column| column.left == *name);
            place.map(|place| (place, self.order(*pair))).ok_or_else(|| {
                let problem =
                    format!("column {name} names rows and is bytes on one side and text on the other");
                Error::new(ErrorKind::Columns, problem)
            })
        };
        key.iter().map(place).collect()
    }

    /// By which order a source most likely gives its rows. Where it gives them in another, they are sorted.
    fn order(&self, pair: usize) -> KeyOrder {
        let (left, right) = self.kinds(pair);
        // Files do not say what they hold, and most keys are numbers.
        let untyped =
            self.left.dialect == super::Dialect::Files && self.right.dialect == super::Dialect::Files;
        if left.is_number() || right.is_number() || untyped { KeyOrder::Number } else { KeyOrder::Bytes }
    }
}

/// The character sets of two columns, where both are known and have different names for it.
fn different_letters(left: &ShapeColumn, right: &ShapeColumn) -> Option<(String, String)> {
    let usual = |name: &str| {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        match name.to_ascii_lowercase().as_str() {
            "utf8mb3" | "utf8mb4" => "utf8".to_owned(),
            other => other.to_owned(),
        }
    };
    let (left, right) = (left.letters.as_ref()?, right.letters.as_ref()?);
    (usual(left) != usual(right)).then(|| (left.clone(), right.clone()))
}
