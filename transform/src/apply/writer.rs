//! Decides what becomes of each row of a batch and writes it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bron_mappings::{Action, EntityId, ReasonCode, Repeats, Sensitive, SourceKey};

use super::value::{Verbatim, dimension, scope, value};
use super::{Place, Trace, Transformed};
use crate::balance::{BalanceBuilder, Dimension, Fate};
use crate::functions::Cell;
use crate::lookups::{Lookups, RowSet};
use crate::output::{EntityBuilder, Mark, RejectBuilder, RejectPlace, SharedValues};
use crate::plan::{Plan, PlannedCheckKind, PlannedTarget};
use crate::row::Row;

pub(super) struct Writer<'a> {
    plan: &'a Plan,
    builders: Vec<EntityBuilder<'a>>,
    rejects: RejectBuilder,
    balance: BalanceBuilder,
    repeated: Option<&'a RowSet>,
    across: Vec<Option<&'a RowSet>>,
    /// The ids of the nämnder of the dimensions seen so far, by the place of the dimension in the balance.
    bodies: Vec<Option<[u8; 16]>>,
    trace: Trace,
    // Room to work in, kept from row to row.
    draft: Draft<'a>,
    buffer: Vec<u8>,
    reasons: Vec<ReasonCode>,
    codes: Vec<&'static str>,
    flags: String,
}

/// What the rules made of one row, before it is known whether the row is held back.
#[derive(Default)]
struct Draft<'a> {
    marks: Vec<Mark<'a>>,
    /// Texts that the rules of the dimensions could not read; every target row keeps them.
    verbatim: Verbatim<'a>,
    /// The rows that were drafted, and after them room from earlier rows.
    rows: Vec<DraftRow<'a>>,
    drafted: usize,
}

struct DraftRow<'a> {
    target: &'a PlannedTarget,
    cells: Vec<Option<Cell<'a>>>,
    verbatim: Verbatim<'a>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(plan: &'a Plan, lookups: &'a Lookups, rows: usize) -> Self {
        let across = plan.checks.iter().map(|check| match &check.kind {
            PlannedCheckKind::Across { need, .. } => lookups.rows(need),
            PlannedCheckKind::Row(..) => None,
        });
        let builders = plan.entities().into_iter().map(|entity| EntityBuilder::new(plan, entity, rows));
        Self {
            plan,
            builders: builders.collect(),
            rejects: RejectBuilder::new(),
            balance: BalanceBuilder::default(),
            repeated: lookups.rows(&plan.census),
            across: across.collect(),
            bodies: Vec::new(),
            trace: Trace::default(),
            draft: Draft::default(),
            buffer: Vec::new(),
            reasons: Vec::new(),
            codes: Vec::new(),
            flags: String::new(),
        }
    }

    /// Writes a row; gives its key, the place of its dimension in the balance, and what became of it.
    pub(super) fn row(&mut self, mut row: Row<'a>) -> (Sensitive<Cow<'a, str>>, usize, Fate) {
        let key = Sensitive::new(key_text(&row));
        let mut draft = std::mem::take(&mut self.draft);
        draft.clear();
        let (at, unit) = self.dimension(&mut row, &mut draft);
        let fate = self.fate(&row, &mut draft);
        let (dimension, protected) = (self.balance.dimension(at), row.is_protected());
        let place = RejectPlace { key: &key, dimension, unit: &unit, protected };
        if let Some(mark) = draft.dropped_by(fate) {
            self.rejects.push(self.plan, &place, mark);
        }
        // A row that a later snapshot replaced keeps its marks: its faults were in the source as well.
        self.reasons.clear();
        if matches!(fate, Fate::Loaded | Fate::Merged(_)) {
            for mark in draft.marks.iter().filter(|mark| !mark.action.holds_back()) {
                self.rejects.push(self.plan, &place, *mark);
                self.reasons.push(mark.reason);
            }
        }
        self.reasons.sort_unstable();
        self.reasons.dedup();
        let written = if fate == Fate::Loaded { draft.rows() } else { &[] };
        if !written.is_empty() {
            self.write(&row, &key, &draft, at);
        }
        self.trace.add(fate, protected, self.rejects.rows(), written.iter().map(|one| one.target.builder));
        let fanout = u64::try_from(written.len()).expect("a row becomes few rows");
        self.balance.add(at, fate, self.reasons.iter().copied(), fanout);
        self.draft = draft;
        (key, at, fate)
    }

    /// Where a row belongs, when it is loaded.
    pub(super) fn place(&mut self, mut row: Row<'a>) -> Option<Place> {
        let key = Sensitive::new(key_text(&row).into_owned());
        let mut draft = Draft::default();
        let (at, unit) = self.dimension(&mut row, &mut draft);
        let dimension = self.dimension_at(at);
        (self.fate(&row, &mut draft) == Fate::Loaded).then(|| Place {
            key,
            dimension,
            unit: unit.into_owned(),
        })
    }

    /// The dimension at a place of the balance.
    pub(super) fn dimension_at(&self, at: usize) -> Dimension {
        self.balance.dimension(at).clone()
    }

    /// The place of the row's dimension in the balance, and the unit on whose work list it stands. From here
    /// on the row knows where it belongs.
    fn dimension(&mut self, row: &mut Row<'a>, draft: &mut Draft<'a>) -> (usize, Cow<'a, str>) {
        let plan = row.plan();
        let scope = scope(row, &mut draft.marks, &mut draft.verbatim);
        row.belongs_to(scope);
        let unit = dimension(row, &plan.unit, &mut draft.marks, &mut draft.verbatim);
        let year = plan.year.as_ref().and_then(|source| row.text(source)).and_then(|text| text.get(..4));
        let year = year.filter(|year| year.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or("");
        let (area, namnd) = row.scope();
        (self.balance.place(area, namnd, year), unit.unwrap_or_default())
    }

    /// Decides what becomes of the row. The target rows are drafted on the way.
    fn fate(&self, row: &Row<'a>, draft: &mut Draft<'a>) -> Fate {
        let plan = row.plan();
        let repeated = self.repeated.is_some_and(|rows| rows.contains(row.place()));
        if repeated && plan.repeats == Repeats::Quarantine {
            return Fate::Quarantined(ReasonCode::RepeatedKey);
        }
        for (reason, when) in &plan.exclusions {
            if row.holds(when) {
                return Fate::Excluded(*reason);
            }
        }
        self.checks(row, draft);
        for target in plan.targets.iter().filter(|target| row.holds(&target.when)) {
            draft.target(row, target);
        }
        if repeated {
            return Fate::Merged(ReasonCode::Superseded);
        }
        match draft.held_by() {
            None => Fate::Loaded,
            Some(mark) if mark.action == Action::Stop => Fate::Stopped(mark.reason),
            Some(mark) => Fate::Quarantined(mark.reason),
        }
    }

    fn checks(&self, row: &Row<'a>, draft: &mut Draft<'a>) {
        for (check, across) in row.plan().checks.iter().zip(&self.across) {
            if !row.holds(&check.when) {
                continue;
            }
            let broken = match &check.kind {
                PlannedCheckKind::Row(call, inputs) => row.with_texts(inputs, |texts| call(texts)),
                PlannedCheckKind::Across { .. } => across.is_some_and(|rows| rows.contains(row.place())),
            };
            if broken {
                draft.marks.push(Mark { action: check.action, reason: check.rule, field: "" });
            }
        }
    }

    fn write(&mut self, row: &Row<'_>, key: &Sensitive<Cow<'_, str>>, draft: &Draft<'_>, at: usize) {
        self.join_flags(&draft.marks);
        let namnd_id = self.namnd_id(at);
        let shared = SharedValues {
            dimension: self.balance.dimension(at),
            namnd_id,
            protected: row.is_protected(),
            flags: &self.flags,
            key,
            sha256: row.sha256(&mut self.buffer),
        };
        for drafted in draft.rows() {
            let verbatim = drafted.verbatim_json(&draft.verbatim);
            self.builders[drafted.target.builder].push(&drafted.cells, &shared, verbatim.as_deref());
        }
    }

    /// The codes of the marks, each once and in order, with commas between.
    fn join_flags(&mut self, marks: &[Mark<'_>]) {
        self.codes.clear();
        self.codes.extend(marks.iter().map(|mark| mark.reason.code()));
        self.codes.sort_unstable();
        self.codes.dedup();
        self.flags.clear();
        for (index, code) in self.codes.iter().enumerate() {
            self.flags.push_str(if index == 0 { "" } else { "," });
            self.flags.push_str(code);
        }
    }

    /// The id of the nämnd of the dimension at this place.
    fn namnd_id(&mut self, at: usize) -> Option<[u8; 16]> {
        while self.bodies.len() <= at {
            let namnd = &self.balance.dimension(self.bodies.len()).namnd;
            self.bodies.push(namnd_id(self.plan, namnd));
        }
        self.bodies[at]
    }

    pub(super) fn finish(self) -> Transformed {
        Transformed {
            entities: self.builders.into_iter().map(EntityBuilder::finish).collect(),
            rejects: self.rejects.finish(),
            balance: self.balance.finish(),
            trace: self.trace,
        }
    }
}

impl<'a> Draft<'a> {
    /// The mark that holds the row back: the first that stops, and without one the first that quarantines.
    fn held_by(&self) -> Option<Mark<'a>> {
        let first = |action| self.marks.iter().find(|mark| mark.action == action).copied();
        first(Action::Stop).or_else(|| first(Action::Quarantine))
    }

    /// Why the row becomes nothing, when it does.
    fn dropped_by(&self, fate: Fate) -> Option<Mark<'a>> {
        let whole_row = |action, reason| Mark { action, reason, field: "" };
        match fate {
            Fate::Loaded => None,
            Fate::Merged(reason) => Some(whole_row(Action::Merge, reason)),
            Fate::Excluded(reason) => Some(whole_row(Action::Exclude, reason)),
            Fate::Quarantined(reason) | Fate::Stopped(reason) => {
                self.held_by().or_else(|| Some(whole_row(Action::Quarantine, reason)))
            }
        }
    }

    /// The rows that were drafted.
    fn rows(&self) -> &[DraftRow<'a>] {
        &self.rows[..self.drafted]
    }

    /// Forgets everything but the room.
    fn clear(&mut self) {
        self.marks.clear();
        self.verbatim.clear();
        self.drafted = 0;
    }

    fn target(&mut self, row: &Row<'a>, target: &'a PlannedTarget) {
        if self.rows.len() == self.drafted {
            self.rows.push(DraftRow { target, cells: Vec::new(), verbatim: Verbatim::new() });
        }
        let drafted = &mut self.rows[self.drafted];
        self.drafted += 1;
        drafted.target = target;
        drafted.verbatim.clear();
        drafted.cells.clear();
        drafted.cells.resize(target.shared_from, None);
        for field in &target.fields {
            drafted.cells[field.column] = value(row, field, &mut self.marks, &mut drafted.verbatim);
        }
    }
}

impl DraftRow<'_> {
    /// The texts that this row keeps, its own before those of the dimensions, as a JSON object.
    fn verbatim_json(&self, of_dimensions: &Verbatim<'_>) -> Option<String> {
        if self.verbatim.is_empty() && of_dimensions.is_empty() {
            return None;
        }
        let texts: BTreeMap<&str, &str> = of_dimensions.iter().chain(&self.verbatim).copied().collect();
        Some(serde_json::to_string(&texts).expect("a map of texts can always be written as JSON"))
    }
}

/// The id of the nämnd with this code.
fn namnd_id(plan: &Plan, code: &str) -> Option<[u8; 16]> {
    let body = plan.responsible_body.as_ref().filter(|_| !code.is_empty())?;
    let key = SourceKey::new(&body.system, &body.table, [Some(code)]);
    Some(*EntityId::derive(&plan.secret, &body.entity, &key).as_bytes())
}

/// The readable form of the row's key, as [`SourceKey::text`] writes it.
pub(crate) fn key_text<'a>(row: &Row<'a>) -> Cow<'a, str> {
    let plan = row.plan();
    if let [source] = &plan.key[..] {
        // The usual key is one text, which is its own readable form.
        if let Some(text) = row.text(source).filter(|text| !text.contains(['\\', '|'])) {
            return Cow::Borrowed(text);
        }
    }
    let key = SourceKey::new(&plan.system, &plan.table, plan.key.iter().map(|source| row.text(source)));
    Cow::Owned(key.text().into_inner())
}
