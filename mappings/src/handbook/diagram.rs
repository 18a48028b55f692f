//! The references between the entities of one part of the model as a drawing: rows of boxes, with a line from
//! each entity up to what it refers to. Where boxes stand follows from the references alone. References to
//! other parts stand as names in the box: as lines they would hide everything else.

use std::collections::{BTreeMap, BTreeSet};

use super::entity_page;
use crate::model::{Entity, Model};

/// The width of the boxes of one row, in the drawing's own units.
const WIDTH: usize = 760;
const BOX_HEIGHT: usize = 48;
const ROW_HEIGHT: usize = 92;
const GAP: usize = 16;
/// The distance of lines that go round from boxes and from each other.
const LANE: usize = 12;
/// The room that a letter of a label takes, and one of the smaller note below it.
const LETTER: usize = 8;
const SMALL_LETTER: usize = 6;

/// A drawing of a part of the model.
pub(super) struct Diagram {
    /// What it shows, for those who do not see it.
    pub(super) title: String,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) boxes: Vec<Node>,
    pub(super) lines: Vec<String>,
}

/// An entity.
pub(super) struct Node {
    pub(super) label: String,
    /// The entities of other parts that it refers to; may be empty.
    pub(super) note: String,
    pub(super) href: String,
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) text_x: usize,
    pub(super) text_y: usize,
    pub(super) note_y: usize,
}

/// The drawing of the entities of one part.
pub(super) fn diagram(model: &Model, part: &str, entities: &[&Entity]) -> Diagram {
    let own: BTreeSet<&str> = entities.iter().map(|entity| entity.name.as_str()).collect();
    let all: BTreeSet<(&str, &str)> = entities.iter().flat_map(|entity| references(entity)).collect();
    let (inner, outer): (BTreeSet<_>, BTreeSet<_>) = all.into_iter().partition(|(_, to)| own.contains(to));
    let mut notes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in &outer {
        let label = model.entity(to).map_or(*to, |entity| entity.label.as_str());
        notes.entry(from).or_default().push(label);
    }
    let boxes = boxes(&levels(&own, &inner), &|name| {
        let entity = model.entity(name);
        let label = entity.map_or(name, |entity| entity.label.as_str()).to_owned();
        let note = notes.get(name).map_or_else(String::new, |names| format!("→ {}", names.join(", ")));
        (label, note)
    });
    let (lines, right) = lines(&boxes, &inner);
    let bottom = boxes.values().map(|node| node.y + node.height).max().unwrap_or_default();
    let references = inner.len() + outer.len();
    Diagram {
        title: format!("{part}: {} tabeller och {references} hänvisningar", own.len()),
        width: right.max(WIDTH) + GAP,
        height: bottom + GAP,
        boxes: boxes.into_values().collect(),
        lines,
    }
}

/// The references of an entity to others, without the nämnd that every row has.
fn references(entity: &Entity) -> Vec<(&str, &str)> {
    let own = entity.fields.iter().filter(|field| field.name != "namnd_id");
    let referred = own.filter_map(|field| entity.referred(&field.name));
    referred.map(|to| (entity.name.as_str(), to)).filter(|(from, to)| from != to).collect()
}

/// The entities in levels: each refers only to levels above its own, as far as references go in no circle.
fn levels<'n>(own: &BTreeSet<&'n str>, references: &BTreeSet<(&'n str, &'n str)>) -> Vec<Vec<&'n str>> {
    let mut levels: Vec<Vec<&str>> = Vec::new();
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    let mut waiting: Vec<&str> = own.iter().copied().collect();
    while let Some(first) = waiting.first().copied() {
        let ready = |name: &&str| references.iter().all(|(from, to)| from != name || placed.contains(to));
        let mut level: Vec<&str> = waiting.iter().copied().filter(ready).collect();
        if level.is_empty() {
            level.push(first);
        }
        waiting.retain(|name| !level.contains(name));
        placed.extend(&level);
        levels.push(level);
    }
    levels
}

/// A box for each name, in rows; `texts` gives its label and its note.
fn boxes<'n>(levels: &[Vec<&'n str>], texts: &dyn Fn(&str) -> (String, String)) -> BTreeMap<&'n str, Node> {
    let mut boxes = BTreeMap::new();
    let mut y = GAP;
    for row in levels.iter().flat_map(|level| rows(level, texts)) {
        let total: usize = row.iter().map(|name| box_width(&texts(name)) + GAP).sum();
        let mut x = WIDTH.saturating_sub(total - GAP) / 2;
        for name in row {
            let width = box_width(&texts(name));
            let (label, note) = texts(name);
            let text_y = if note.is_empty() { y + 29 } else { y + 21 };
            let (height, text_x, note_y) = (BOX_HEIGHT, x + width / 2, y + 38);
            let href = entity_page(name);
            boxes.insert(name, Node { label, note, href, x, y, width, height, text_x, text_y, note_y });
            x += width + GAP;
        }
        y += ROW_HEIGHT;
    }
    boxes
}

fn box_width((label, note): &(String, String)) -> usize {
    (label.chars().count() * LETTER).max(note.chars().count() * SMALL_LETTER) + 24
}

/// The boxes of a level in as many rows as they need.
fn rows<'n>(level: &[&'n str], texts: &dyn Fn(&str) -> (String, String)) -> Vec<Vec<&'n str>> {
    let mut rows: Vec<Vec<&str>> = Vec::new();
    let mut used = 0;
    for name in level {
        let width = box_width(&texts(name)) + GAP;
        match rows.last_mut().filter(|_| used + width <= WIDTH) {
            Some(row) => {
                row.push(name);
                used += width;
            }
            None => {
                rows.push(vec![name]);
                used = width;
            }
        }
    }
    rows
}

/// A line for each reference, and how far to the right they reach. A line to a box in the row above goes
/// straight there; any other goes between the rows and round the side of the boxes, so that none is crossed.
fn lines(boxes: &BTreeMap<&str, Node>, references: &BTreeSet<(&str, &str)>) -> (Vec<String>, usize) {
    let edge = boxes.values().map(|node| node.x + node.width).max().unwrap_or_default();
    let (mut lines, mut out) = (Vec::new(), edge);
    for (from, to) in references {
        let (Some(from), Some(to)) = (boxes.get(from), boxes.get(to)) else { continue };
        let (top, bottom) = (from.y, to.y + to.height);
        if from.y == to.y + ROW_HEIGHT {
            let (x1, x2, middle) = (from.text_x, to.text_x, (top + bottom) / 2);
            lines.push(format!("M{x1} {top}C{x1} {middle} {x2} {middle} {x2} {bottom}"));
            continue;
        }
        out += LANE;
        let (x1, x2) = (from.x + from.width * 3 / 4, to.x + to.width * 3 / 4);
        let (below, above) = (top.saturating_sub(LANE), bottom + LANE);
        lines.push(format!("M{x1} {top}V{below}H{out}V{above}H{x2}V{bottom}"));
    }
    (lines, out)
}
