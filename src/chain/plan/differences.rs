//! What makes two plans two: each difference as words.

use std::collections::{BTreeMap, BTreeSet};

use bron_reconcile::summary::EntityChanges;

use super::document::{LoadPlan, PlannedEntity, Written};

/// The most differences that a message names.
const NAMED: usize = 10;

/// Differences as one text.
pub(super) fn listed(differences: &[String]) -> String {
    let named = differences.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match differences.len().checked_sub(NAMED) {
        Some(more @ 1..) => format!("{named}; and {more} more"),
        Some(0) | None => named,
    }
}

/// Entity and system.
type Place = (String, String);

impl LoadPlan {
    /// What else the same run would have to be made from.
    pub(super) fn inputs_differ(&self, now: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let lists = other_names(&self.code_lists, &now.code_lists);
        differences.extend(lists.into_iter().map(|name| format!("the code list {name} is another")));
        if self.mapping_digest != now.mapping_digest && differences.is_empty() {
            differences.push("the mapping files are others".to_owned());
        }
        let sources = other_names(&self.sources, &now.sources);
        differences.extend(sources.into_iter().map(|name| format!("the content of {name} is another")));
        if self.as_of != now.as_of {
            differences.push("the day of reading is another".to_owned());
        }
        if self.run != now.run && differences.is_empty() {
            differences.push(format!("the run is {}, and the plan is of {}", now.run, self.run));
        }
        differences
    }

    /// Everything in which a plan that is made now is another.
    pub(super) fn differences(&self, now: &Self) -> Vec<String> {
        let mut differences = self.inputs_differ(now);
        if self.target != now.target || self.already != now.already {
            differences.push("the target does not hold what it held".to_owned());
        }
        let [before, after] = [self, now].map(|plan| by_place(&plan.entities));
        for place in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            let none = PlannedEntity::default();
            let [one, other] = [&before, &after].map(|plan| plan.get(place).copied().unwrap_or(&none));
            let figures = [
                ("new", one.insert, other.insert),
                ("changed", one.update, other.update),
                ("unchanged", one.unchanged, other.unchanged),
                ("refused", one.refused, other.refused),
                ("retired", one.retire.values().sum(), other.retire.values().sum()),
            ];
            differences.extend(figures.into_iter().filter_map(|figure| unequal(place, figure)));
            if one.retire.keys().ne(other.retire.keys()) {
                differences.push(format!("{} of {}: rows are retired for other reasons", place.0, place.1));
            }
        }
        if self.tables != now.tables && differences.is_empty() {
            differences.push("other rows are held back, left out or merged".to_owned());
        }
        differences
    }

    /// In what the receipts of the run are not what was planned. Which rows the target refuses is not known before
    /// they are written: by those that it refused, and no others, less may have been done; and by those that it takes
    /// now and had refused before, more.
    pub(super) fn not_done(&self, done: &[Written]) -> Vec<String> {
        let planned = by_place(&self.entities);
        let [before, after] = [self.already.as_slice(), done].map(written_by_place);
        let mut differences = Vec::new();
        let places: BTreeSet<&Place> = planned.keys().chain(after.keys()).collect();
        for place in places {
            let none = (PlannedEntity::default(), EntityChanges::default());
            let plan = planned.get(place).copied().unwrap_or(&none.0);
            let [before, after] =
                [&before, &after].map(|written| written.get(place).copied().unwrap_or(&none.1));
            let since = |count: fn(&EntityChanges) -> u64| count(after).saturating_sub(count(before));
            // What was there already was found as it is when the plan was made.
            let there = before.inserted + before.updated + before.unchanged;
            let retired = ("retired", plan.retire.values().sum(), since(EntityChanges::all_retired));
            differences.extend(unequal(place, retired));
            let given = [
                ("new", plan.insert, since(|one| one.inserted)),
                ("changed", plan.update, since(|one| one.updated)),
                ("unchanged", plan.unchanged, since(|one| one.unchanged) + there),
            ];
            if !explained(&given, plan.refused, after.refused) {
                let refused = ("refused", plan.refused, after.refused);
                differences.extend(given.into_iter().chain([refused]).filter_map(|one| unequal(place, one)));
            }
        }
        differences
    }
}

/// A word for rows, how many were planned, and how many there are.
type Figure = (&'static str, u64, u64);

/// Whether the rows that the target refused, before and now, are all that there is between what was planned and what
/// was done.
fn explained(given: &[Figure], refused_before: u64, refused: u64) -> bool {
    let planned: u64 = given.iter().map(|(_, planned, _)| planned).sum();
    let done: u64 = given.iter().map(|(_, _, done)| done).sum();
    let (fewer, more) = (refused > refused_before, refused < refused_before);
    planned + refused_before == done + refused
        && given.iter().all(|(_, planned, done)| planned == done || if planned > done { fewer } else { more })
}

fn unequal(place: &Place, (what, planned, found): Figure) -> Option<String> {
    let (entity, system) = place;
    (planned != found)
        .then(|| format!("{entity} of {system}: {planned} {what} were planned, and it is {found}"))
}

fn by_place(entities: &[PlannedEntity]) -> BTreeMap<Place, &PlannedEntity> {
    entities.iter().map(|one| ((one.entity.clone(), one.system.clone()), one)).collect()
}

fn written_by_place(written: &[Written]) -> BTreeMap<Place, &EntityChanges> {
    written.iter().map(|one| ((one.entity.clone(), one.system.clone()), &one.changes)).collect()
}

/// The names whose digests are not the same on both sides.
fn other_names(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(insert: u64, update: u64, unchanged: u64, gone: u64) -> PlannedEntity {
        let retire = [("gone".to_owned(), gone)].into_iter().filter(|(_, rows)| *rows > 0).collect();
        let (entity, system) = ("besok".to_owned(), "paraga".to_owned());
        PlannedEntity { entity, system, insert, update, unchanged, retire, refused: 0, kept: 0 }
    }

    fn written(inserted: u64, updated: u64, unchanged: u64, gone: u64) -> Written {
        let retired = [("gone".to_owned(), gone)].into_iter().filter(|(_, rows)| *rows > 0).collect();
        let (entity, system) = ("besok".to_owned(), "paraga".to_owned());
        let changes = EntityChanges { inserted, updated, unchanged, retired, ..EntityChanges::default() };
        Written { entity, system, changes }
    }

    #[test]
    fn the_same_plan_has_no_differences_and_another_names_them() {
        let plan = LoadPlan { entities: vec![entity(1, 2, 3, 4)], ..LoadPlan::default() };
        assert!(plan.differences(&plan.clone()).is_empty());
        let other = LoadPlan { entities: vec![entity(1, 5, 3, 0)], target: "x".to_owned(), ..plan.clone() };
        let told = listed(&plan.differences(&other));
        for part in
            ["the target does not hold", "2 changed were planned, and it is 5", "4 retired", "other reasons"]
        {
            assert!(told.contains(part), "{told}");
        }
        let lists = BTreeMap::from([("kon".to_owned(), "d".to_owned())]);
        let other = LoadPlan { code_lists: lists, mapping_digest: "m".to_owned(), ..plan.clone() };
        assert_eq!(plan.inputs_differ(&other), ["the code list kon is another"]);
    }

    #[test]
    fn what_was_done_is_counted_from_when_the_plan_was_made() {
        let plan = LoadPlan {
            entities: vec![entity(1, 2, 13, 4)],
            already: vec![written(10, 0, 0, 0)],
            ..LoadPlan::default()
        };
        assert!(plan.not_done(&[written(11, 2, 3, 4)]).is_empty());
        assert_eq!(plan.not_done(&[written(11, 2, 3, 3)]).len(), 1);
        assert_eq!(plan.not_done(&[]).len(), 4, "new, changed, unchanged and retired");
    }

    #[test]
    fn refused_rows_explain_what_is_missing_and_no_more() {
        let plan = LoadPlan { entities: vec![entity(10, 5, 0, 0)], ..LoadPlan::default() };
        let refusing = |inserted, updated, refused| {
            let mut written = written(inserted, updated, 0, 0);
            written.changes.refused = refused;
            plan.not_done(&[written])
        };
        assert!(refusing(8, 4, 3).is_empty());
        assert_eq!(refusing(8, 4, 2).len(), 3, "a row is lost: new, changed and refused");
        assert_eq!(refusing(11, 1, 3).len(), 3, "more than planned is not for a refusal");
        let again = PlannedEntity { refused: 3, ..entity(0, 0, 12, 0) };
        let again = LoadPlan {
            entities: vec![again],
            already: vec![{
                let mut before = written(8, 4, 0, 0);
                before.changes.refused = 3;
                before
            }],
            ..LoadPlan::default()
        };
        assert!(again.not_done(&[written(11, 4, 0, 0)]).is_empty(), "all of them were taken now");
        assert_eq!(again.not_done(&[written(8, 4, 0, 0)]).len(), 1, "they are nowhere");
    }

    #[test]
    fn only_the_first_differences_are_named() {
        let many: Vec<String> = (0..13).map(|number| number.to_string()).collect();
        assert!(listed(&many).ends_with("9; and 3 more"));
    }
}
