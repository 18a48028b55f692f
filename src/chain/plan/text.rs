//! The plan for people, in Swedish.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bron_reconcile::summary::EntityChanges;

use super::document::{LoadPlan, PlannedEntity};

/// The most entities that the text names; the file has all.
const NAMED: usize = 20;

impl LoadPlan {
    /// What will be done, the largest changes first.
    pub(crate) fn text(&self, labels: &dyn Fn(&str) -> String) -> String {
        let mut sum = PlannedEntity::default();
        for one in &self.entities {
            sum.insert += one.insert;
            sum.update += one.update;
            sum.unchanged += one.unchanged;
            sum.refused += one.refused;
            sum.kept += one.kept;
            for (reason, rows) in &one.retire {
                *sum.retire.entry(reason.clone()).or_default() += rows;
            }
        }
        let mut out = format!("Plan för körning {}\n", self.run);
        push(&mut out, &format!("Målet: {}", line(&sum)));
        let mut changed: Vec<&PlannedEntity> = self.entities.iter().filter(|one| one.changes() > 0).collect();
        changed.sort_by_key(|one| (u64::MAX - one.changes(), &one.entity, &one.system));
        for one in changed.iter().take(NAMED) {
            push(&mut out, &format!("  {} ur {}: {}", labels(&one.entity), one.system, line(one)));
        }
        if changed.len() > NAMED {
            push(&mut out, &format!("  och {} till, se planen", changed.len() - NAMED));
        }
        if changed.is_empty() {
            push(&mut out, "  Ingenting ändras: målet håller redan det som körningen ger.");
        }
        let [held, left_out] = [true, false].map(|held| {
            let tables =
                self.tables.iter().map(|table| if held { &table.held_back } else { &table.left_out });
            tables.flat_map(BTreeMap::values).sum::<u64>()
        });
        push(&mut out, &format!("Källorna: {held} rader i karantän, {left_out} utelämnade enligt regel"));
        out
    }
}

fn push(out: &mut String, line: &str) {
    writeln!(out, "{line}").expect("writing to a string cannot fail");
}

fn line(one: &PlannedEntity) -> String {
    let retired = EntityChanges { retired: one.retire.clone(), ..EntityChanges::default() };
    let mut text = format!("{} nya, {} ändras, {} oförändrade", one.insert, one.update, one.unchanged);
    let because = retired.retired_because();
    let _ = write!(text, ", {} dras tillbaka", retired.all_retired());
    if !because.is_empty() {
        let _ = write!(text, " ({because})");
    }
    if one.refused > 0 {
        let _ = write!(text, ", {} som målet inte tog emot förut prövas igen", one.refused);
    }
    if one.kept > 0 {
        let _ = write!(text, ", {} ges inte men står kvar, eftersom inte allt har lästs", one.kept);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_changes_come_first() {
        let entity = |name: &str, update, gone| PlannedEntity {
            entity: name.to_owned(),
            system: "paraga".to_owned(),
            update,
            retire: BTreeMap::from([("gone".to_owned(), gone)]),
            ..PlannedEntity::default()
        };
        let plan = LoadPlan {
            entities: vec![entity("a", 1, 1), entity("b", 3, 2), PlannedEntity::default()],
            ..LoadPlan::default()
        };
        let text = plan.text(&str::to_owned);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1]
                .contains("0 nya, 4 ändras, 0 oförändrade, 3 dras tillbaka (3 finns inte längre i källan)"),
            "{text}"
        );
        assert!(lines[2].contains("b ur paraga") && lines[3].contains("a ur paraga"), "{text}");
        assert!(LoadPlan::default().text(&str::to_owned).contains("Ingenting ändras"));
    }
}
