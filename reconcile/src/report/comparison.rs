//! Old against new: entities, controls, rows.

use crate::controls::{ControlRow, Unit};
use crate::findings::FindingState;
use crate::summary::{EntityChanges, EntitySummary, Summary};

use super::number::{count, in_unit, signed, unit_name};
use super::suppress::{Shown, suppress};
use super::{DisplayKey, Input, LISTED_FINDINGS, Labels, ShownFinding};

/// The most equal keys of one control that the page lists; they say no more than their number does.
const LISTED_EQUAL: usize = 400;

/// An entity, old and new.
pub(super) struct EntityView {
    pub(super) label: String,
    pub(super) old: String,
    pub(super) new: String,
    pub(super) difference: String,
    /// The part of the difference that is explained: rows that the target refused.
    pub(super) explained: String,
    /// What is not: rows that are missing, that only the target has, and that differ.
    pub(super) unexplained: String,
    pub(super) missing: String,
    pub(super) unexpected: String,
    pub(super) differs: String,
    pub(super) is_equal: bool,
}

pub(super) fn entities(summary: &Summary, labels: &Labels) -> Vec<EntityView> {
    summary.entities.iter().map(|entity| entity_view(entity, labels)).collect()
}

/// An entity on the page of an area: how many rows the area has, and whether the entity is equal in the whole city.
pub(super) fn entity_of_area(entity: &EntitySummary, labels: &Labels, [old, new]: [String; 2]) -> EntityView {
    EntityView { old, new, ..entity_view(entity, labels) }
}

fn entity_view(entity: &EntitySummary, labels: &Labels) -> EntityView {
    let refused = i128::from(entity.refused);
    let old = i128::from(entity.compared) + i128::from(entity.missing) + refused;
    let new = i128::from(entity.compared) + i128::from(entity.unexpected);
    EntityView {
        label: Labels::name(&labels.entities, &entity.entity).to_owned(),
        old: count(old),
        new: count(new),
        difference: signed(Unit::Antal, old - new),
        explained: count(refused),
        unexplained: count(
            u128::from(entity.missing)
                + u128::from(entity.unexpected)
                + u128::from(entity.differs)
                + u128::from(entity.nameless),
        ),
        missing: count(entity.missing),
        unexpected: count(entity.unexpected),
        differs: count(entity.differs),
        is_equal: entity.counts().is_equal(),
    }
}

/// What loading did to the rows of an entity.
pub(super) struct LoadedView {
    pub(super) label: String,
    pub(super) inserted: String,
    pub(super) updated: String,
    pub(super) unchanged: String,
    pub(super) retired: String,
    pub(super) because: String,
    pub(super) refused: String,
}

/// One line for each entity in which something changed.
pub(super) fn loaded(summary: &Summary, labels: &Labels) -> Vec<LoadedView> {
    let changed = |one: &&EntityChanges| one.inserted + one.updated + one.all_retired() + one.refused > 0;
    let view = |one: &EntityChanges| LoadedView {
        label: Labels::name(&labels.entities, &one.entity).to_owned(),
        inserted: count(one.inserted),
        updated: count(one.updated),
        unchanged: count(one.unchanged),
        retired: count(one.all_retired()),
        because: one.retired_because(),
        refused: count(one.refused),
    };
    summary.changes.iter().filter(changed).map(view).collect()
}

/// The references between rows, and the rows that nobody judged. A text is empty where there is nothing to say.
pub(super) struct ReferencesView {
    pub(super) checked: String,
    pub(super) elsewhere: String,
    pub(super) explained: String,
    pub(super) dangling: String,
    pub(super) foreign_rows: String,
}

pub(super) fn references(summary: &Summary) -> ReferencesView {
    let maybe = |number: u64| if number == 0 { String::new() } else { count(number) };
    let found = summary.references;
    ReferencesView {
        checked: count(found.checked),
        elsewhere: maybe(found.elsewhere),
        explained: count(found.explained),
        dangling: count(found.dangling),
        foreign_rows: maybe(summary.rows.elsewhere),
    }
}

/// A control with its keys.
pub(super) struct ControlView {
    pub(super) label: String,
    pub(super) unit: &'static str,
    pub(super) dimension: String,
    pub(super) total: ControlLine,
    pub(super) unequal: Vec<ControlLine>,
    pub(super) equal: Vec<ControlLine>,
    pub(super) equal_count: String,
    /// Equal keys that are not listed; empty when all are.
    pub(super) not_listed: String,
}

/// One key of a control.
pub(super) struct ControlLine {
    pub(super) key: String,
    pub(super) source: String,
    pub(super) held: String,
    pub(super) target: String,
    pub(super) difference: String,
}

pub(super) fn controls(summary: &Summary) -> Vec<ControlView> {
    controls_of(summary, |_| true)
}

/// The controls whose name is wanted.
pub(super) fn controls_of(summary: &Summary, is_wanted: impl Fn(&str) -> bool) -> Vec<ControlView> {
    let controls = summary.controls.chunk_by(|one, other| one.name == other.name);
    controls.filter(|rows| is_wanted(&rows[0].name)).map(control_view).collect()
}

fn control_view(rows: &[ControlRow]) -> ControlView {
    let first = &rows[0];
    let (equal, unequal): (Vec<&ControlRow>, Vec<&ControlRow>) =
        rows.iter().partition(|row| row.difference == 0);
    let listed = equal.len().min(LISTED_EQUAL);
    // Amounts that could not be read are counted beside the sums and not in them.
    let same: Vec<&ControlRow> = rows.iter().filter(|row| row.dimension == first.dimension).collect();
    let sum = |part: fn(&ControlRow) -> i64| same.iter().map(|row| i128::from(part(row))).sum();
    let parts =
        [sum(|row| row.source), sum(|row| row.held), sum(|row| row.target), sum(|row| row.difference)];
    let hidden = small_counts(&equal);
    ControlView {
        label: first.label.clone(),
        unit: unit_name(first.unit),
        dimension: first.dimension.clone(),
        total: line("Summa", first.unit, parts),
        unequal: unequal.into_iter().map(|row| line_of(row, first)).collect(),
        equal_count: count(equal.len()),
        not_listed: if equal.len() == listed { String::new() } else { count(equal.len() - listed) },
        equal: equal
            .into_iter()
            .zip(hidden)
            .take(listed)
            .map(|(row, told)| equal_line(row, first, told))
            .collect(),
    }
}

/// How the equal lines of a control are told: counts from one to four as that, and another one not at all where the sum
/// of all would give a single one away. Sums of money and time are told as they are.
fn small_counts(equal: &[&ControlRow]) -> Vec<Shown> {
    let counted: Vec<usize> = (0..equal.len()).filter(|at| equal[*at].unit == Unit::Antal).collect();
    let number = |row: &ControlRow| u64::try_from(row.source.min(row.target)).unwrap_or_default();
    let table: Vec<[u64; 1]> = counted.iter().map(|at| [number(equal[*at])]).collect();
    let mut told = vec![Shown::Number(0); equal.len()];
    for (at, [shown]) in counted.into_iter().zip(suppress(&table)) {
        told[at] = shown;
    }
    told
}

/// An equal line, of which a small count is told as that.
fn equal_line(row: &ControlRow, first: &ControlRow, told: Shown) -> ControlLine {
    let text = match told {
        Shown::Number(_) => return line_of(row, first),
        Shown::Few => "<5",
        Shown::Hidden => "dold",
    };
    let said = || text.to_owned();
    ControlLine { source: said(), held: said(), target: said(), ..line_of(row, first) }
}

fn line_of(row: &ControlRow, first: &ControlRow) -> ControlLine {
    let key = if row.dimension == first.dimension {
        row.key.clone()
    } else {
        format!("{}: {} (antal)", row.dimension, row.key)
    };
    let parts = [row.source, row.held, row.target, row.difference].map(i128::from);
    line(&key, row.unit, parts)
}

fn line(key: &str, unit: Unit, [source, held, target, difference]: [i128; 4]) -> ControlLine {
    ControlLine {
        key: key.to_owned(),
        source: in_unit(unit, source),
        held: in_unit(unit, held),
        target: in_unit(unit, target),
        difference: signed(unit, difference),
    }
}

/// A row that is not as it should be.
pub(super) struct FindingView {
    pub(super) kind: &'static str,
    pub(super) entity: String,
    pub(super) fields: String,
    pub(super) place: String,
    pub(super) key: String,
    pub(super) rule: String,
    /// Whether it is new, and else the run in which it was seen first.
    pub(super) state: String,
    pub(super) cause: String,
    /// The waiver that accepts it; empty for none.
    pub(super) waiver: String,
    pub(super) id: String,
}

pub(super) fn findings(input: &Input<'_>) -> Vec<FindingView> {
    input.findings.iter().take(LISTED_FINDINGS).map(|shown| finding_view(shown, input.labels)).collect()
}

/// How many findings there are according to the counts.
pub(super) fn findings_total(summary: &Summary) -> u128 {
    let rows = summary.rows;
    let row_findings =
        [rows.missing, rows.unexpected, rows.differs, rows.nameless, summary.references.dangling];
    let put_back = summary.round_trip.as_ref().map_or(0, |round_trip| u128::from(round_trip.alone));
    row_findings.map(u128::from).iter().sum::<u128>() + put_back
}

fn finding_view(shown: &ShownFinding, labels: &Labels) -> FindingView {
    let finding = &shown.finding;
    FindingView {
        kind: finding.kind.label(),
        entity: Labels::name(&labels.entities, &finding.entity).to_owned(),
        fields: finding.kind.fields().join(", "),
        place: format!("{}/{}", finding.src_system, finding.src_table),
        key: match &shown.key {
            DisplayKey::Plain(key) => key.clone(),
            DisplayKey::Pseudonym(pseudonym) => pseudonym.to_string(),
            DisplayKey::Hidden => "dold".to_owned(),
        },
        rule: finding.rule.clone(),
        state: state(shown),
        cause: shown.cause.to_string(),
        waiver: shown.waiver.clone().unwrap_or_default(),
        id: finding.id.short(),
    }
}

/// Whether a finding is new, or since which run it is there.
pub(super) fn state(shown: &ShownFinding) -> String {
    match shown.state {
        FindingState::New => shown.state.label().to_owned(),
        FindingState::Persisting => format!("{} sedan körning {}", shown.state.label(), shown.first_seen),
    }
}
