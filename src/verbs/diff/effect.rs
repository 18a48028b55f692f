//! The effect of a comparison as part of the document: names for people, keys as pseudonyms where they can
//! name a person, and small counts hidden.

use std::collections::BTreeMap;

use bron_mappings::{Entity, Field, FieldType, MappingSet, ProtectionClass, Pseudonym, Sensitive, SourceKey};
use bron_reconcile::difference::{
    self, Count, Difference, Effect, EntryEffect, FateEffect, NotMeasured, PlaceEffect, Sums, Value,
    ValueCount, counts,
};
use bron_transform::{CauseEffect, Fate, Shown, ValueCounts};

use crate::chain::Measured;
use crate::settings::Settings;

/// The most pairs of values that a distribution lists.
const LISTED: usize = 10;

/// Adds what was measured.
pub(super) fn add(
    document: &mut Difference,
    measured: &Measured,
    settings: &Settings,
    sets: [&MappingSet; 2],
) {
    let naming = Naming { settings, sets };
    let mut causes: BTreeMap<usize, CauseEffect> = BTreeMap::new();
    let mut unexplained = CauseEffect::default();
    for table in measured.tables.values() {
        unexplained.merge(table.unexplained);
        for (cause, effect) in &table.causes {
            causes.entry(*cause).or_default().merge(*effect);
        }
    }
    for (entry, at) in document.entries.iter_mut().zip(0..) {
        entry.effect = Some(entry_effect(&causes.get(&at).copied().unwrap_or_default()));
    }
    let mut tables: Vec<_> =
        measured.tables.iter().map(|(mapping, effect)| naming.table(mapping, effect)).collect();
    tables.sort_by_key(|table| table.touched == 0);
    let not_measured = measured
        .not_measured
        .iter()
        .map(|(mapping, reason)| NotMeasured { mapping: mapping.clone(), reason: reason.clone() });
    document.effect = Some(Effect {
        run: measured.run.clone(),
        as_of: settings.as_of.clone().unwrap_or_default(),
        tables,
        not_measured: not_measured.collect(),
        places: places(measured),
        unexplained: entry_effect(&unexplained),
    });
}

fn entry_effect(effect: &CauseEffect) -> EntryEffect {
    let CauseEffect { source_rows, moves: rows, fields } = *effect;
    EntryEffect { source_rows, moves: moves(rows), fields }
}

const fn moves(moves: bron_transform::Moves) -> difference::Moves {
    let bron_transform::Moves { appeared, disappeared, changed } = moves;
    difference::Moves { appear: appeared, disappear: disappeared, change: changed }
}

/// Target rows by area and nämnd over all tables. Each column is a breakdown of its own.
fn places(measured: &Measured) -> Vec<PlaceEffect> {
    let mut places: BTreeMap<&(String, String), bron_transform::Moves> = BTreeMap::new();
    for (place, rows) in measured.tables.values().flat_map(|table| &table.places) {
        places.entry(place).or_default().merge(*rows);
    }
    let column =
        |part: fn(&bron_transform::Moves) -> u64| counts(&places.values().map(part).collect::<Vec<_>>());
    let (appear, disappear, change) =
        (column(|rows| rows.appeared), column(|rows| rows.disappeared), column(|rows| rows.changed));
    let cells = appear.into_iter().zip(disappear).zip(change);
    places
        .keys()
        .zip(cells)
        .map(|((area, namnd), ((appear, disappear), change))| PlaceEffect {
            area: area.clone(),
            namnd: namnd.clone(),
            appear,
            disappear,
            change,
        })
        .collect()
}

/// What became of a source row, in documents and in Swedish.
fn fate(fate: Option<Fate>) -> (String, String) {
    match fate {
        None => ("no mapping".to_owned(), "ingen mappning".to_owned()),
        Some(Fate::Loaded) => ("loaded".to_owned(), "inläst".to_owned()),
        Some(Fate::Merged(reason)) => (format!("merge {reason}"), format!("sammanslagen ({reason})")),
        Some(Fate::Excluded(reason)) => (format!("exclude {reason}"), format!("utelämnad ({reason})")),
        Some(Fate::Quarantined(reason)) => (format!("quarantine {reason}"), format!("i karantän ({reason})")),
        Some(Fate::Stopped(reason)) => (format!("stop {reason}"), format!("stoppad ({reason})")),
    }
}

struct Naming<'n> {
    settings: &'n Settings,
    sets: [&'n MappingSet; 2],
}

impl Naming<'_> {
    fn entity(&self, name: &str) -> Option<&Entity> {
        let [before, after] = self.sets;
        after.model.entity(name).or_else(|| before.model.entity(name))
    }

    /// The key of a record, or a pseudonym when either version says that it can name a person.
    fn key(&self, mapping: &str, key: &Sensitive<String>) -> String {
        let key = key.expose();
        let (system, table) = mapping.split_once('/').unwrap_or((mapping, ""));
        let known = self.sets.iter().filter_map(|set| set.mapping(system, table));
        if known.clone().any(|mapping| mapping.personal_key) {
            let source = SourceKey::new(system, table, [Some(key.as_str())]);
            return Pseudonym::derive(&self.settings.secret, &source).to_string();
        }
        key.clone()
    }

    fn table(&self, mapping: &str, effect: &bron_transform::TableEffect) -> difference::TableEffect {
        let fates = effect.fates.iter().map(|((before, after), rows)| {
            let ((before, before_sv), (after, after_sv)) = (fate(*before), fate(*after));
            FateEffect { before, after, sv: (before_sv, after_sv), rows: *rows }
        });
        let entities = effect.entities.iter().map(|(name, effect)| self.rows(mapping, name, effect));
        difference::TableEffect {
            mapping: mapping.to_owned(),
            source_rows: effect.source_rows,
            touched: effect.touched,
            fates: fates.collect(),
            entities: entities.collect(),
        }
    }

    fn rows(
        &self,
        mapping: &str,
        name: &str,
        effect: &bron_transform::EntityEffect,
    ) -> difference::EntityEffect {
        let fields = effect.fields.iter().map(|(field, effect)| self.field(mapping, name, field, effect));
        let examples = effect.examples.iter().map(|example| difference::RowExample {
            key: self.key(mapping, &example.key),
            appears: example.appears,
            before: fate(example.before).1,
            after: fate(example.after).1,
        });
        difference::EntityEffect {
            entity: name.to_owned(),
            label: self.entity(name).map_or_else(|| name.to_owned(), |entity| entity.label.clone()),
            moves: moves(effect.moves),
            unchanged: effect.unchanged,
            fields: fields.collect(),
            examples: examples.collect(),
        }
    }

    /// The stricter of the versions decides whether a field is protected.
    fn field(
        &self,
        mapping: &str,
        entity: &str,
        name: &str,
        effect: &bron_transform::FieldEffect,
    ) -> difference::FieldEffect {
        let versions: Vec<&Field> =
            self.sets.iter().filter_map(|set| set.model.entity(entity)?.field(name)).collect();
        let known = versions.last();
        let (values, other_values) = effect.values.as_ref().map_or_else(Default::default, distribution);
        let unit = known.map(|field| if field.kind == FieldType::Ore { "ore" } else { "minutes" });
        let sums = effect.sums.zip(unit).and_then(|((before, after), unit)| {
            Some(Sums { unit, before: before.try_into().ok()?, after: after.try_into().ok()? })
        });
        let examples = effect.examples.iter().map(|example| difference::FieldExample {
            key: self.key(mapping, &example.key),
            before: value(&example.before),
            after: value(&example.after),
        });
        difference::FieldEffect {
            field: name.to_owned(),
            label: known.map_or_else(|| name.to_owned(), |field| field.label.clone()),
            protected: versions.iter().any(|field| field.protection != ProtectionClass::Open),
            changed: effect.changed,
            values,
            other_values,
            sums,
            examples: examples.collect(),
        }
    }
}

fn value(shown: &Shown) -> Value {
    match shown {
        Shown::Empty => Value::Empty,
        Shown::Value(text) => Value::Plain(text.clone()),
        Shown::Masked => Value::Masked,
    }
}

/// The most usual pairs, and how many rows have others.
fn distribution(values: &ValueCounts) -> (Vec<ValueCount>, Count) {
    let mut ordered: Vec<_> = values.iter().map(|(pair, rows)| (pair, *rows)).collect();
    ordered.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let rest = ordered.split_off(LISTED.min(ordered.len()));
    let mut parts: Vec<u64> = ordered.iter().map(|(_, rows)| *rows).collect();
    parts.push(rest.iter().map(|(_, rows)| *rows).sum());
    let mut shown = counts(&parts);
    let other = shown.pop().unwrap_or_default();
    let listed = ordered.into_iter().zip(shown).map(|((pair, _), rows)| {
        let (before, after) = pair.clone();
        ValueCount { before, after, rows }
    });
    (listed.collect(), other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_most_usual_pairs_are_listed_and_small_counts_are_hidden() {
        let pair = |number: u64| (Some(format!("{number:02}")), None);
        let values = (1..=12).map(|number| (pair(number), number)).collect();
        let (listed, other) = distribution(&values);
        assert_eq!(listed.len(), LISTED);
        assert_eq!((&listed[0].before, listed[0].rows), (&Some("12".to_owned()), Count::Number(12)));
        assert_eq!((listed[8].rows, listed[9].rows, other), (Count::Few, Count::Few, Count::Few));
        let (listed, other) = distribution(&BTreeMap::from([(pair(1), 7)]));
        assert_eq!((listed[0].rows, other), (Count::Number(7), Count::Number(0)));
    }

    #[test]
    fn fates_have_words_in_both_languages() {
        let held = Fate::Quarantined(bron_mappings::ReasonCode::EndBeforeStart);
        assert_eq!(fate(Some(held)), ("quarantine D24".to_owned(), "i karantän (D24)".to_owned()));
        assert_eq!(fate(None).0, "no mapping");
    }
}
