//! Writes one source row back.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::{Condition, EntityId, SourceKey};

use super::writer::{Scene, Writer};
use super::{EntityRow, Inverter, Kept, KeyOf, Put, Refusal, SourceText, WayBack, Written};
use crate::functions::Cell;

/// A row of the model with the target that it belongs to, and the row that it was.
struct Matched<'p> {
    row: &'p EntityRow,
    target: usize,
    was: Option<&'p EntityRow>,
    /// The texts that the row keeps beside its values, by field.
    verbatim: BTreeMap<String, String>,
}

/// A field that has something to say about a column.
struct Statement<'p, 'a> {
    writer: &'p Writer<'a>,
    of: &'p Matched<'p>,
    value: Option<&'p Cell<'static>>,
}

impl Statement<'_, '_> {
    /// The texts that this field would write, best first, and what choosing among them loses.
    fn texts(&self, scene: &Scene<'_>) -> (Vec<SourceText>, Option<String>) {
        let kept = self.of.verbatim.get(&self.writer.rule.field).cloned().map(SourceText::Text);
        if let Some(kept) = kept.filter(|kept| self.accepts(Some(kept), scene)) {
            return (vec![kept], None);
        }
        let Some(value) = self.value else { return (Vec::new(), None) };
        let (texts, lost) = self.writer.texts(value, self.of.row, scene);
        let also_empty = self.writer.default.as_ref() == Some(value);
        (texts, lost.or_else(|| self.writer.loss.clone().filter(|_| also_empty)))
    }

    fn accepts(&self, text: Option<&SourceText>, scene: &Scene<'_>) -> bool {
        self.writer.accepts(text, self.value, self.of.row, scene)
    }

    fn refusal(&self, reason: &str) -> Refusal {
        refusal(self.of.row, &self.writer.rule.field, reason)
    }
}

fn refusal(row: &EntityRow, field: &str, reason: &str) -> Refusal {
    Refusal { entity: row.entity.clone(), field: field.to_owned(), reason: reason.to_owned() }
}

impl<'a> Inverter<'a> {
    /// Writes the rows that one source row became back into its columns.
    ///
    /// With what was `kept`, a column is only written when a field that writes it was changed, and a change that
    /// cannot be written is refused. Without it, every field speaks that has a value. `keys` finds the rows that
    /// references name.
    #[must_use]
    pub fn put(&self, rows: &[EntityRow], kept: Option<Kept<'_>>, keys: &KeyOf<'_>) -> Put {
        let mut put = Put::default();
        let matched = self.matched(rows, kept, &mut put);
        let texts = kept.map(|kept| kept.texts);
        let mut scene = Scene { secret: &self.secret, keys, decided: BTreeMap::new(), kept: texts };
        self.key(&matched, &mut scene, &mut put);
        for column in self.in_order() {
            let statements = self.statements(column, &matched, &scene);
            if let Some(Written::Exact(text)) = put.columns.get(column) {
                let agree =
                    |one: &&Statement<'_, '_>| one.value.is_none() || one.accepts(text.as_ref(), &scene);
                let others = statements.iter().filter(|one| !agree(one));
                put.refused.extend(others.map(|one| one.refusal("the key of a record never changes")));
                continue;
            }
            let written = written(column, &statements, &scene, &mut put.refused);
            if let Written::Exact(text) | Written::Lossy(text, _) = &written {
                scene.decided.insert(column, text.clone());
            }
            put.columns.insert(column.to_owned(), written);
        }
        for way in &self.columns {
            if let WayBack::NotWritable(reason) = &way.way {
                let written = Written::NotWritable(reason.clone());
                put.columns.entry(way.column.clone()).or_insert(written);
            }
        }
        self.fixed(&matched, &mut put.refused);
        self.conditions(&matched, &scene, &mut put.refused);
        put.refused.sort();
        put.refused.dedup();
        put
    }

    /// The rows, each with its target. A row that no target makes is refused, and so is one that is gone.
    fn matched<'p>(&self, rows: &'p [EntityRow], kept: Option<Kept<'p>>, put: &mut Put) -> Vec<Matched<'p>> {
        let known = kept.map_or(&[][..], |kept| kept.rows);
        let same = |one: &EntityRow, other: &EntityRow| {
            one.entity == other.entity && one.fields.get("id") == other.fields.get("id")
        };
        for gone in known.iter().filter(|was| !rows.iter().any(|row| same(row, was))) {
            put.refused.push(refusal(gone, "", "the row is gone, and its source row is not"));
        }
        let mut matched = Vec::new();
        for row in rows {
            match self.target_of(row) {
                None => put.refused.push(refusal(row, "", "no target of the mapping makes such a row")),
                Some(target) => {
                    let was = known.iter().find(|was| same(row, was));
                    let verbatim = serde_json::from_str(row.text("verbatim")).unwrap_or_default();
                    matched.push(Matched { row, target, was, verbatim });
                }
            }
        }
        matched
    }

    /// The target that makes a row: of several for its entity the one whose part its id has.
    pub(super) fn target_of(&self, row: &EntityRow) -> Option<usize> {
        let of_entity = |at: &usize| self.targets[*at].target.entity == row.entity;
        let candidates: Vec<usize> = (0..self.targets.len()).filter(of_entity).collect();
        if let [only] = candidates[..] {
            return Some(only);
        }
        let key = SourceKey::values_of(row.text("src_key"))?;
        let Some(Cell::Id(id)) = row.fields.get("id") else { return None };
        candidates.into_iter().find(|at| {
            let Some((places, part)) = &self.targets[*at].id else { return false };
            let texts = places.iter().map(|place| key.get(*place).and_then(Option::as_deref));
            let key = SourceKey::new(&self.mapping.system, &self.mapping.table, texts.chain(part.map(Some)));
            EntityId::derive(&self.secret, &row.entity, &key).as_bytes() == id
        })
    }

    /// The texts of the record's own key, which every row carries. They are the record's name and never change.
    fn key<'p>(&'p self, matched: &[Matched<'_>], scene: &mut Scene<'p>, put: &mut Put) {
        let Some(values) = matched.first().and_then(|one| SourceKey::values_of(one.row.text("src_key")))
        else {
            return;
        };
        for (origin, value) in self.mapping.key.iter().zip(values) {
            let text = value.map(SourceText::Text);
            if !origin.name.starts_with('_') {
                put.columns.insert(origin.name.clone(), Written::Exact(text.clone()));
            }
            scene.decided.insert(&origin.name, text);
        }
    }

    /// The columns that some field writes, those first by which others are read.
    fn in_order(&self) -> Vec<&'a str> {
        let mut open: BTreeSet<&'a str> = self.writers.iter().map(|writer| writer.column).collect();
        let mut ordered = Vec::new();
        while !open.is_empty() {
            let waits = |column: &&&'a str| {
                let of_column = self.writers.iter().filter(|writer| writer.column == **column);
                of_column.flat_map(Writer::reads).any(|read| read != **column && open.contains(read))
            };
            // Two columns that are read by each other have no order: then the first goes first.
            let next = open.iter().find(|column| !waits(column)).or_else(|| open.first()).copied();
            let Some(next) = next else { break };
            open.remove(next);
            ordered.push(next);
        }
        ordered
    }

    /// The fields that have something to say about a column: with what was kept, those that were changed.
    fn statements<'p>(
        &'p self,
        column: &str,
        matched: &'p [Matched<'p>],
        scene: &Scene<'_>,
    ) -> Vec<Statement<'p, 'a>> {
        let mut statements: Vec<Statement<'_, '_>> = Vec::new();
        for of in matched {
            let writers = self.writers.iter();
            let writers = writers.filter(|writer| writer.target == of.target && writer.column == column);
            statements.extend(writers.map(|writer| {
                let value = of.row.fields.get(&writer.rule.field);
                Statement { writer, of, value }
            }));
        }
        if scene.kept.is_some() {
            statements.retain(|one| match one.of.was {
                Some(was) => was.fields.get(&one.writer.rule.field) != one.value,
                None => true,
            });
        }
        statements
    }

    /// What must not have changed.
    fn fixed(&self, matched: &[Matched<'_>], refused: &mut Vec<Refusal>) {
        for of in matched {
            let target = &self.targets[of.target];
            for (field, value) in &target.constants {
                if of.row.fields.get(*field) != Some(value) {
                    refused.push(refusal(of.row, field, "a constant"));
                }
            }
            let Some(was) = of.was else { continue };
            for (field, reason) in &target.fixed {
                if of.row.fields.get(*field) != was.fields.get(*field) {
                    refused.push(refusal(of.row, field, reason));
                }
            }
        }
    }

    /// The conditions under which rows and fields are made must hold for what was written.
    fn conditions(&self, matched: &[Matched<'_>], scene: &Scene<'_>, refused: &mut Vec<Refusal>) {
        let broken = |when: &[Condition]| {
            let known = |name: &str| {
                scene.decided.contains_key(name) || scene.kept.is_some_and(|kept| kept.contains_key(name))
            };
            let mut known = when.iter().filter(|condition| known(&condition.origin.name));
            known.any(|condition| !condition.holds(scene.text(&condition.origin.name)))
        };
        for of in matched {
            if broken(&self.targets[of.target].target.when) {
                refused.push(refusal(
                    of.row,
                    "",
                    "the condition of its target does not hold for what is written",
                ));
            }
            for writer in self.writers.iter().filter(|writer| writer.target == of.target) {
                let value = of.row.fields.get(&writer.rule.field);
                if value.is_some() && value != writer.default.as_ref() && broken(&writer.rule.when) {
                    let reason = "the condition of its rule does not hold for what is written";
                    refused.push(refusal(of.row, &writer.rule.field, reason));
                }
            }
        }
    }
}

/// What the fields write into a column. Where all were kept as they are, so is the text.
fn written(
    column: &str,
    statements: &[Statement<'_, '_>],
    scene: &Scene<'_>,
    refused: &mut Vec<Refusal>,
) -> Written {
    if statements.is_empty() {
        return match scene.kept {
            Some(texts) => Written::Exact(texts.get(column).cloned()),
            None => Written::NotWritable("no row has a field that is made of it".to_owned()),
        };
    }
    decide(statements, scene).unwrap_or_else(|| {
        let several = statements.iter().filter(|one| one.value.is_some()).count() > 1;
        let reason = if several { DISAGREE } else { UNREADABLE };
        refused.extend(statements.iter().map(|one| one.refusal(reason)));
        Written::NotWritable(reason.to_owned())
    })
}

/// The text that every field that speaks reads as its value. A field without a value and without a kept text
/// says nothing, unless all are so: then the column is empty.
fn decide(statements: &[Statement<'_, '_>], scene: &Scene<'_>) -> Option<Written> {
    let mut proposals = Vec::new();
    let mut speaking = Vec::new();
    for one in statements {
        let (texts, lost) = one.texts(scene);
        if one.value.is_some() || !texts.is_empty() {
            speaking.push(one);
        }
        proposals.extend(texts.into_iter().map(|text| (lost.clone(), text)));
    }
    if speaking.is_empty() {
        let empty = statements.iter().all(|one| one.accepts(None, scene));
        let lost = statements.iter().map(|one| one.writer.loss.clone()).collect::<Option<Vec<_>>>();
        let lost = lost.and_then(|lost| lost.into_iter().next());
        return empty.then(|| lost.map_or(Written::Exact(None), |lost| Written::Lossy(None, lost)));
    }
    // What loses nothing goes first; of those alike the order of the mapping counts.
    proposals.sort_by_key(|(lost, _)| lost.is_some());
    let fits = |text: &SourceText| speaking.iter().all(|one| one.accepts(Some(text), scene));
    let (lost, text) = proposals.into_iter().find(|(_, text)| fits(text))?;
    Some(match lost {
        None => Written::Exact(Some(text)),
        Some(lost) => Written::Lossy(Some(text), lost),
    })
}

const DISAGREE: &str = "the fields that are made of the column do not agree on a text";
const UNREADABLE: &str = "no text of the column reads as the value";
