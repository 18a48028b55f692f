//! Which change of the files a difference between two rows comes from.

use std::collections::{BTreeMap, BTreeSet};

use bron_mappings::comparison::{Change, Subject};
use bron_mappings::{
    CodeEntry, FieldRule, Lookup, Mapping, Neighbour, Origin, Parent, PersonRule, ReasonCode, Rule,
};

use super::{ComparisonSide, FLAGS_FIELD};
use crate::balance::Fate;
use crate::plan::{Plan, PlannedField, PlannedRule, Source};
use crate::row::Row;

/// The marks of one source row: action, reason, field.
pub(super) type Marks = BTreeSet<(String, String, String)>;

/// What is known of a source row when a cause is looked for.
pub(super) struct RowContext<'r> {
    pub(super) rows: [Option<Row<'r>>; 2],
    pub(super) fates: [Option<Fate>; 2],
    pub(super) marks: &'r [Marks; 2],
}

/// A change that can make a field differ.
#[derive(Clone, Debug)]
struct Cause {
    change: usize,
    /// For a code: the rows that it is about.
    code: Option<CodeCause>,
}

#[derive(Clone, Debug)]
struct CodeCause {
    /// The source's code.
    code: String,
    /// Where each version's rule reads the code.
    inputs: [Option<Source>; 2],
    /// What the code meant and means; `None` where the list did not have it.
    targets: [Option<String>; 2],
}

impl CodeCause {
    fn is_used(&self, context: &RowContext<'_>) -> bool {
        self.inputs.iter().zip(&context.rows).any(|(input, row)| {
            let text = input.as_ref().zip(row.as_ref()).and_then(|(input, row)| row.text(input));
            text == Some(self.code.as_str())
        })
    }

    /// Whether the values are those that the entry gives: tells one period of a code from another.
    fn gives(&self, values: &[Option<String>; 2]) -> bool {
        let same = |side: usize| self.targets[side].is_some() && self.targets[side] == values[side];
        same(0) || same(1)
    }
}

/// The changes that bear on one mapping, by what they can make differ.
#[derive(Debug, Default)]
pub(super) struct Causes {
    /// By entity and field.
    fields: BTreeMap<(String, String), Vec<Cause>>,
    /// By field that every entity has.
    shared: BTreeMap<&'static str, Vec<Cause>>,
    /// By name of the dimension's rule, which is also the field of its marks.
    dimensions: BTreeMap<String, Vec<Cause>>,
    checks: Vec<(ReasonCode, usize)>,
    exclusions: Vec<(ReasonCode, usize)>,
    /// By entity.
    targets: BTreeMap<String, Vec<usize>>,
    /// The key, and what a repeated key means.
    keys: Vec<usize>,
    /// The existence of the mapping.
    whole: Vec<usize>,
}

impl Causes {
    pub(super) fn new(sides: &[Option<ComparisonSide<'_>>; 2], changes: &[Change]) -> Self {
        let mut causes = Self::default();
        let mut lookups: Vec<(String, usize)> = Vec::new();
        let mut protection: Vec<usize> = Vec::new();
        for (at, change) in changes.iter().enumerate() {
            causes.add(sides, at, change, &mut lookups);
            lookups.extend(lookups_of_list(sides, change).into_iter().map(|name| (name, at)));
            if moves_protection(sides, change) {
                protection.push(at);
            }
        }
        for side in sides.iter().flatten() {
            causes.add_origins(side.mapping, &lookups, &protection);
        }
        for at in protection {
            causes.share("skyddad", at);
        }
        causes
    }

    fn share(&mut self, field: &'static str, change: usize) {
        self.shared.entry(field).or_default().push(Cause { change, code: None });
    }

    fn add(
        &mut self,
        sides: &[Option<ComparisonSide<'_>>; 2],
        at: usize,
        change: &Change,
        lookups: &mut Vec<(String, usize)>,
    ) {
        let side = sides.iter().flatten().next();
        let name =
            side.map(|side| format!("{}/{}", side.mapping.system, side.mapping.table)).unwrap_or_default();
        let always = Cause { change: at, code: None };
        match &change.subject {
            Subject::Mapping { mapping } if *mapping == name => match change.aspect {
                "" => self.whole.push(at),
                "key" => {
                    self.keys.push(at);
                    self.share("src_key", at);
                }
                "repeats" => self.keys.push(at),
                "mapping" => self.share("mapping_id", at),
                _ => {}
            },
            Subject::Lookup { mapping, name: lookup } if *mapping == name => {
                lookups.push((lookup.clone(), at));
            }
            Subject::Scope { mapping, part } if *mapping == name => self.scope(part, at),
            Subject::Exclusion { mapping, reasons } if *mapping == name => {
                self.exclusions.extend(reasons.iter().map(|reason| (*reason, at)));
            }
            Subject::Check { mapping, reasons } if *mapping == name => {
                self.checks.extend(reasons.iter().map(|reason| (*reason, at)));
            }
            Subject::Target { mapping, entity } if *mapping == name => {
                self.targets.entry(entity.clone()).or_default().push(at);
            }
            Subject::Field { mapping, entity, field } if *mapping == name => {
                self.fields.entry((entity.clone(), field.clone())).or_default().push(always);
            }
            Subject::ModelField { entity, field } => {
                self.fields.entry((entity.clone(), field.clone())).or_default().push(always);
            }
            Subject::Entity { entity } => match change.aspect {
                "" => self.targets.entry(entity.clone()).or_default().push(at),
                "sekretess" => {
                    let field = (entity.clone(), "sekretess_klass".to_owned());
                    self.fields.entry(field).or_default().push(always);
                }
                _ => {}
            },
            Subject::ResponsibleBody => self.share("namnd_id", at),
            Subject::CodeList { list } => self.codes(sides, at, list, None),
            Subject::Code { list, system, code, before, after } => {
                let of = |side: &ComparisonSide<'_>| system.is_empty() || side.mapping.system == *system;
                if sides.iter().flatten().any(of) {
                    self.codes(sides, at, list, Some((code, [before.as_deref(), after.as_deref()])));
                }
            }
            Subject::Mapping { .. }
            | Subject::Lookup { .. }
            | Subject::Person { .. }
            | Subject::Immutable { .. }
            | Subject::Scope { .. }
            | Subject::Exclusion { .. }
            | Subject::Check { .. }
            | Subject::Target { .. }
            | Subject::Field { .. }
            | Subject::Ignored { .. }
            | Subject::Example { .. }
            | Subject::System { .. }
            | Subject::Listed { .. } => {}
        }
    }

    fn scope(&mut self, part: &str, at: usize) {
        let always = Cause { change: at, code: None };
        match part {
            "area" => {
                self.share("verksamhetsomrade", at);
                self.dimensions.entry(part.to_owned()).or_default().push(always);
            }
            "namnd" => {
                self.share("namnd", at);
                self.share("namnd_id", at);
                self.dimensions.entry(part.to_owned()).or_default().push(always);
            }
            "sekretess" => self.share("sekretess_klass", at),
            _ => {}
        }
    }

    /// Every rule that looks codes up in the list, in either version.
    fn codes(
        &mut self,
        sides: &[Option<ComparisonSide<'_>>; 2],
        change: usize,
        list: &str,
        entry: Option<(&str, [Option<&CodeEntry>; 2])>,
    ) {
        let cause = |inputs: [Option<Source>; 2]| Cause {
            change,
            code: entry.map(|(code, entries)| CodeCause {
                code: code.to_owned(),
                inputs,
                targets: entries.map(|entry| entry.map(|entry| entry.target.clone())),
            }),
        };
        for (side, place) in sides.iter().zip(0..) {
            let Some(side) = side else { continue };
            let at = |input| if place == 0 { [Some(input), None] } else { [None, Some(input)] };
            for (target, planned) in side.mapping.targets.iter().zip(&side.plan.targets) {
                for (rule, field) in target.fields.iter().zip(&planned.fields) {
                    if let Some(input) = looks_up(rule, field, list) {
                        let name = (target.entity.clone(), rule.field.clone());
                        self.fields.entry(name).or_default().push(cause(at(input)));
                    }
                }
            }
            for (rule, field, shared) in dimensions(side.mapping, side.plan) {
                let Some(input) = looks_up(rule, field, list) else { continue };
                self.dimensions.entry(rule.field.clone()).or_default().push(cause(at(input)));
                for field in shared {
                    self.shared.entry(field).or_default().push(cause(at(input)));
                }
            }
        }
    }

    /// Rules that read a lookup or the protection of the person follow when these change.
    fn add_origins(&mut self, mapping: &Mapping, lookups: &[(String, usize)], protection: &[usize]) {
        let follow = |origins: &[&Origin]| -> Vec<usize> {
            let mut read = BTreeSet::new();
            origins.iter().for_each(|origin| reach(mapping, &origin.name, &mut read));
            let of_lookups = lookups.iter().filter(|(name, _)| read.contains(name)).map(|(_, at)| *at);
            let of_persons = protection.iter().copied().filter(|_| read.contains("@skydd"));
            of_lookups.chain(of_persons).collect()
        };
        for target in &mapping.targets {
            let when: Vec<&Origin> = target.when.iter().map(|one| &one.origin).collect();
            self.targets.entry(target.entity.clone()).or_default().extend(follow(&when));
            for rule in &target.fields {
                let causes = follow(&rule.origins()).into_iter().map(|change| Cause { change, code: None });
                let name = (target.entity.clone(), rule.field.clone());
                self.fields.entry(name).or_default().extend(causes);
            }
        }
        for rule in mapping.scope.rules() {
            for at in follow(&rule.origins()) {
                self.scope(&rule.field, at);
            }
        }
        for check in &mapping.checks {
            let origins = check.inputs.iter().chain(check.when.iter().map(|when| &when.origin));
            let causes = follow(&origins.collect::<Vec<_>>());
            self.checks.extend(causes.into_iter().map(|at| (check.rule, at)));
        }
        for exclusion in &mapping.exclusions {
            let causes = follow(&exclusion.when.iter().map(|one| &one.origin).collect::<Vec<_>>());
            self.exclusions.extend(causes.into_iter().map(|at| (exclusion.reason, at)));
        }
    }

    /// The changes behind a field that differs.
    pub(super) fn of_field(
        &self,
        entity: &str,
        field: &str,
        values: &[Option<String>; 2],
        context: &RowContext<'_>,
    ) -> BTreeSet<usize> {
        if field == FLAGS_FIELD || field == "verbatim" {
            let causes = self.of_marks(context);
            if !causes.is_empty() {
                return causes;
            }
        }
        let own = self.fields.get(&(entity.to_owned(), field.to_owned())).into_iter().flatten();
        let shared = self.shared.get(field).into_iter().flatten();
        let mut causes = chosen(own.chain(shared), Some(values), context);
        if causes.is_empty() && field == "verbatim" {
            // The kept texts follow the rules of the row's own fields.
            let own = self.fields.iter().filter(|((of, _), _)| of == entity).flat_map(|(_, causes)| causes);
            causes = chosen(own, None, context);
        }
        causes
    }

    /// The changes behind a target row that only one version makes.
    pub(super) fn of_row(&self, entity: &str, context: &RowContext<'_>) -> BTreeSet<usize> {
        let mut causes: BTreeSet<usize> = self.whole.iter().copied().collect();
        if context.fates[0] != context.fates[1] {
            causes.extend(self.of_fate(context));
        }
        if causes.is_empty() {
            causes.extend(self.targets.get(entity).into_iter().flatten());
            let id = self.fields.get(&(entity.to_owned(), "id".to_owned())).into_iter().flatten();
            causes.extend(chosen(id, None, context));
        }
        if causes.is_empty() {
            causes.extend(&self.keys);
        }
        causes
    }

    /// The changes behind a source row of which something else becomes.
    pub(super) fn of_fate(&self, context: &RowContext<'_>) -> BTreeSet<usize> {
        let mut causes: BTreeSet<usize> = self.whole.iter().copied().collect();
        for fate in context.fates.iter().flatten() {
            match fate {
                Fate::Excluded(reason) => causes.extend(of_reason(&self.exclusions, *reason)),
                Fate::Merged(_) | Fate::Quarantined(ReasonCode::RepeatedKey) => causes.extend(&self.keys),
                Fate::Loaded | Fate::Quarantined(_) | Fate::Stopped(_) => {}
            }
        }
        causes.extend(self.of_marks(context));
        causes
    }

    /// The changes behind marks that only one version sets.
    fn of_marks(&self, context: &RowContext<'_>) -> BTreeSet<usize> {
        let [before, after] = context.marks;
        let mut causes = BTreeSet::new();
        for (_, reason, field) in before.symmetric_difference(after) {
            if field.is_empty() {
                let reason = ReasonCode::parse(reason);
                causes.extend(reason.into_iter().flat_map(|reason| of_reason(&self.checks, reason)));
                continue;
            }
            let of_fields =
                self.fields.iter().filter(|((_, name), _)| name == field).flat_map(|(_, all)| all);
            let of_dimensions = self.dimensions.get(field).into_iter().flatten();
            causes.extend(chosen(of_fields.chain(of_dimensions), None, context));
        }
        causes
    }
}

fn of_reason(changes: &[(ReasonCode, usize)], reason: ReasonCode) -> impl Iterator<Item = usize> {
    changes.iter().filter(move |(of, _)| *of == reason).map(|(_, at)| *at)
}

/// The causes that bear on this row. Of several entries of the row's code those count that give one of the
/// values, where some do.
fn chosen<'c>(
    causes: impl Iterator<Item = &'c Cause>,
    values: Option<&[Option<String>; 2]>,
    context: &RowContext<'_>,
) -> BTreeSet<usize> {
    let (codes, always): (Vec<&Cause>, Vec<&Cause>) = causes.partition(|cause| cause.code.is_some());
    let used = |cause: &&&Cause| cause.code.as_ref().is_some_and(|code| code.is_used(context));
    let used: Vec<&Cause> = codes.iter().filter(used).copied().collect();
    let gives = |cause: &&&Cause| {
        values.is_none_or(|values| cause.code.as_ref().is_some_and(|code| code.gives(values)))
    };
    let exact: Vec<&Cause> = used.iter().filter(gives).copied().collect();
    let codes = if exact.is_empty() { used } else { exact };
    always.into_iter().chain(codes).map(|cause| cause.change).collect()
}

/// Where a rule that looks codes up in the list reads the code.
fn looks_up(rule: &FieldRule, planned: &PlannedField, list: &str) -> Option<Source> {
    match (&rule.rule, &planned.rule) {
        (Rule::Codes { list: of, .. }, PlannedRule::Codes { input, .. }) if of == list => Some(*input),
        _ => None,
    }
}

type DimensionFields = &'static [&'static str];

fn dimensions<'s>(
    mapping: &'s Mapping,
    plan: &'s Plan,
) -> impl Iterator<Item = (&'s FieldRule, &'s PlannedField, DimensionFields)> {
    let area = mapping.scope.area.as_ref().zip(plan.area.as_ref());
    let namnd = mapping.scope.namnd.as_ref().zip(plan.namnd.as_ref());
    let area = area.map(|(rule, field)| (rule, field, &["verksamhetsomrade"][..]));
    let namnd = namnd.map(|(rule, field)| (rule, field, &["namnd", "namnd_id"][..]));
    area.into_iter().chain(namnd)
}

/// Adds the lookup that an origin names, and those that it is found by.
fn reach(mapping: &Mapping, origin: &str, read: &mut BTreeSet<String>) {
    let name = origin.split_once('.').map_or(origin, |(name, _)| name);
    if !read.insert(name.to_owned()) {
        return;
    }
    let parents = mapping.parents.iter().filter(|one| one.name == name).flat_map(Parent::origins);
    let neighbours = mapping.neighbours.iter().filter(|one| one.name == name).flat_map(Neighbour::origins);
    let others = mapping.lookups.iter().filter(|one| one.name() == name).flat_map(Lookup::origins);
    for own in parents.chain(neighbours).chain(others) {
        reach(mapping, &own.name, read);
    }
}

/// The lookups in the list that a change is in.
fn lookups_of_list(sides: &[Option<ComparisonSide<'_>>; 2], change: &Change) -> Vec<String> {
    let (Subject::CodeList { list: changed } | Subject::Code { list: changed, .. }) = &change.subject else {
        return Vec::new();
    };
    let lookups = sides.iter().flatten().flat_map(|side| &side.mapping.lookups);
    let of_list = lookups.filter_map(|lookup| match lookup {
        Lookup::Code(code) => (code.list == *changed).then(|| code.name.clone()),
        Lookup::Aggregate(_) | Lookup::First(_) => None,
    });
    of_list.collect()
}

/// Whether a change can raise or lower the protection of persons, in any table.
fn moves_protection(sides: &[Option<ComparisonSide<'_>>; 2], change: &Change) -> bool {
    let list = match &change.subject {
        Subject::Person { .. } => return true,
        Subject::CodeList { list } | Subject::Code { list, .. } => list,
        Subject::Mapping { .. }
        | Subject::Lookup { .. }
        | Subject::Immutable { .. }
        | Subject::Scope { .. }
        | Subject::Exclusion { .. }
        | Subject::Check { .. }
        | Subject::Target { .. }
        | Subject::Field { .. }
        | Subject::Ignored { .. }
        | Subject::Example { .. }
        | Subject::Entity { .. }
        | Subject::ModelField { .. }
        | Subject::ResponsibleBody
        | Subject::System { .. }
        | Subject::Listed { .. } => return false,
    };
    sides.iter().flatten().flat_map(|side| &side.set.mappings).any(|mapping| {
        let record = mapping.person.as_ref().and_then(PersonRule::record);
        record.and_then(|record| record.protection.as_ref()).is_some_and(|of| of.list == *list)
    })
}
