//! Who owns what, as data: the row that says most about a thing decides.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Ownership;
use crate::scope::Scope;

/// One row of the table. What is `None` stands for everything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnershipRow {
    /// The verksamhetsområde.
    pub area: String,
    /// The nämnd and side ([`Scope::unit`]).
    pub unit: Option<String>,
    /// The entity of the model.
    pub entity: Option<String>,
    /// The group of attributes.
    pub group: Option<String>,
    /// Who owns it, since which epoch.
    pub ownership: Ownership,
}

/// Why rows are no table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnershipError {
    /// An area has no row for all of it: something in it would have no owner.
    NotTotal {
        /// The area.
        area: String,
    },
    /// Two rows speak for the same things, and neither says more than the other; a row that names all that both name
    /// would decide.
    Ambiguous(Box<[OwnershipRow; 2]>),
}

impl fmt::Display for OwnershipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTotal { area } => write!(f, "the table of ownership has no row for all of area {area}"),
            Self::Ambiguous(rows) => {
                let [one, other] = rows.as_ref();
                write!(f, "the table of ownership is ambiguous: {one} and {other} speak for the same things")
            }
        }
    }
}

impl std::error::Error for OwnershipError {}

/// `ekonomiskt-bistand SDN03/myndighet person kontakt`, with `*` for everything.
impl fmt::Display for OwnershipRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.area)?;
        self.parts().into_iter().try_for_each(|part| write!(f, " {}", part.unwrap_or("*")))
    }
}

impl OwnershipRow {
    fn parts(&self) -> [Option<&str>; 3] {
        [self.unit.as_deref(), self.entity.as_deref(), self.group.as_deref()]
    }

    /// Whether the row speaks for a thing; a part of the thing that is `None` is any.
    fn speaks_for(&self, area: &str, thing: [Option<&str>; 3]) -> bool {
        let fits = |(named, asked): (Option<&str>, Option<&str>)| named.is_none() || named == asked;
        self.area == area && self.parts().into_iter().zip(thing).all(fits)
    }

    /// What both rows speak for; `None` when there is no such thing.
    fn overlap<'a>(&'a self, other: &'a Self) -> Option<[Option<&'a str>; 3]> {
        let mut both = [None; 3];
        for (place, (one, other)) in self.parts().into_iter().zip(other.parts()).enumerate() {
            if one.is_some() && other.is_some() && one != other {
                return None;
            }
            both[place] = one.or(other);
        }
        (self.area == other.area).then_some(both)
    }
}

/// The table of ownership: total over its areas, and without ambiguity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnershipTable {
    rows: Vec<OwnershipRow>,
}

impl OwnershipTable {
    /// Checks the rows, of which every area in `areas` needs one for all of it.
    ///
    /// # Errors
    /// When something would have no owner, or two.
    pub fn new<'a>(
        rows: Vec<OwnershipRow>,
        areas: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, OwnershipError> {
        let whole: BTreeSet<&str> =
            rows.iter().filter(|row| row.parts() == [None; 3]).map(|row| row.area.as_str()).collect();
        let asked = areas.into_iter().find(|area| !whole.contains(area));
        let named = rows.iter().map(|row| row.area.as_str()).find(|area| !whole.contains(area));
        if let Some(area) = asked.or(named) {
            return Err(OwnershipError::NotTotal { area: area.to_owned() });
        }
        let parts: BTreeMap<(&str, [Option<&str>; 3]), usize> =
            rows.iter().enumerate().map(|(at, row)| ((row.area.as_str(), row.parts()), at)).collect();
        for (at, one) in rows.iter().enumerate() {
            for other in &rows[at + 1..] {
                let is_decided = one.overlap(other).is_none_or(|both| {
                    one.parts() != other.parts() && parts.contains_key(&(one.area.as_str(), both))
                });
                if !is_decided {
                    return Err(OwnershipError::Ambiguous(Box::new([one.clone(), other.clone()])));
                }
            }
        }
        Ok(Self { rows })
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[OwnershipRow] {
        &self.rows
    }

    /// Who owns a scope as a whole; `None` when its area is not in the table: then nobody may write.
    #[must_use]
    pub fn of(&self, scope: &Scope) -> Option<Ownership> {
        self.resolve(scope, None, None)
    }

    /// Who owns an entity of a scope, or a group of its attributes: the row that names most decides.
    #[must_use]
    pub fn resolve(&self, scope: &Scope, entity: Option<&str>, group: Option<&str>) -> Option<Ownership> {
        let unit = scope.unit();
        let thing = [Some(unit.as_str()), entity, group];
        let speaking = self.rows.iter().filter(|row| row.speaks_for(&scope.area, thing));
        let named = |row: &&OwnershipRow| row.parts().into_iter().flatten().count();
        speaking.max_by_key(named).map(|row| row.ownership)
    }

    /// Sets who owns a scope: changes its row, or adds one that takes the scope out of its area. Rows that name more
    /// keep their own schedule.
    ///
    /// # Errors
    /// When a row of the area that names an entity or a group, and no unit, would then be ambiguous with it.
    pub fn set(&mut self, scope: &Scope, ownership: Ownership) -> Result<(), OwnershipError> {
        let unit = Some(scope.unit());
        let is_it = |row: &&mut OwnershipRow| {
            row.area == scope.area && row.unit == unit && row.entity.is_none() && row.group.is_none()
        };
        if let Some(row) = self.rows.iter_mut().find(is_it) {
            row.ownership = ownership;
            return Ok(());
        }
        let mut rows = self.rows.clone();
        rows.push(OwnershipRow { area: scope.area.clone(), unit, entity: None, group: None, ownership });
        *self = Self::new(rows, [])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ownership::Owner;

    const EB: &str = "ekonomiskt-bistand";

    fn row(unit: Option<&str>, entity: Option<&str>, group: Option<&str>, moved: bool) -> OwnershipRow {
        let ownership = Ownership::original();
        OwnershipRow {
            area: EB.to_owned(),
            unit: unit.map(str::to_owned),
            entity: entity.map(str::to_owned),
            group: group.map(str::to_owned),
            ownership: if moved { ownership.handed_over() } else { ownership },
        }
    }

    fn scope() -> Scope {
        Scope::parse("ekonomiskt-bistand/SDN03/myndighet").unwrap()
    }

    #[test]
    fn the_row_that_names_most_decides() {
        let rows = vec![
            row(None, None, None, false),
            row(Some("SDN03/myndighet"), None, None, true),
            row(Some("SDN03/myndighet"), Some("person"), None, false),
            row(Some("SDN03/myndighet"), Some("person"), Some("kontakt"), true),
        ];
        let table = OwnershipTable::new(rows, [EB]).unwrap();
        let owner = |entity, group| table.resolve(&scope(), entity, group).map(|found| found.owner);
        assert_eq!(table.of(&scope()).map(|found| found.owner), Some(Owner::New));
        assert_eq!(owner(Some("person"), None), Some(Owner::Legacy));
        assert_eq!(owner(Some("person"), Some("kontakt")), Some(Owner::New));
        assert_eq!(owner(Some("beslut"), Some("kontakt")), Some(Owner::New));
        let elsewhere = Scope::parse("ekonomiskt-bistand/SDN04/myndighet").unwrap();
        assert_eq!(table.of(&elsewhere).map(|found| found.owner), Some(Owner::Legacy));
        assert_eq!(table.of(&Scope::parse("vuxen/SDN03/myndighet").unwrap()), None);
    }

    #[test]
    fn what_would_have_no_owner_or_two_is_refused() {
        let not_total = OwnershipTable::new(vec![row(Some("a/myndighet"), None, None, false)], []);
        assert_eq!(not_total, Err(OwnershipError::NotTotal { area: EB.to_owned() }));
        assert!(OwnershipTable::new(Vec::new(), [EB]).is_err());
        let twice = vec![row(None, None, None, false), row(None, None, None, true)];
        assert!(matches!(OwnershipTable::new(twice, []), Err(OwnershipError::Ambiguous(_))));
        let crossing = vec![
            row(None, None, None, false),
            row(Some("a/myndighet"), None, None, true),
            row(None, Some("person"), None, false),
        ];
        let refused = OwnershipTable::new(crossing.clone(), []).unwrap_err();
        assert!(refused.to_string().contains("ekonomiskt-bistand a/myndighet * *"), "{refused}");
        let decided = [crossing, vec![row(Some("a/myndighet"), Some("person"), None, false)]].concat();
        assert!(OwnershipTable::new(decided, []).is_ok());
    }

    #[test]
    fn setting_a_scope_takes_it_out_of_its_area() {
        let mut table = OwnershipTable::new(vec![row(None, None, None, false)], [EB]).unwrap();
        let moved = Ownership::original().handed_over();
        table.set(&scope(), moved).unwrap();
        assert_eq!(table.of(&scope()), Some(moved));
        table.set(&scope(), moved.handed_over()).unwrap();
        assert_eq!((table.of(&scope()), table.rows().len()), (Some(moved.handed_over()), 2));
    }
}
