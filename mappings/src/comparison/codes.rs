//! Compares the code lists of two versions, code by code and period by period.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Act, Change, Excerpt, Kind, Risk, Sentence, Subject};
use super::collector::{Aspect, Collector, Item, Topic, sentence};
use super::ground::{Ground, list_of};
use super::notation::{self, Inline};
use super::pairing::{Name, pair};
use crate::codes::{CodeEntry, CodeList, EQUIVALENCES, STATUSES};
use crate::mapping::{Lookup, Mapping};

pub(super) fn compare(collector: &mut Collector<'_>, protective: &BTreeSet<String>) {
    let (before, after) = (&collector.before.set.codes, &collector.after.set.codes);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let risk = risk(collector, protective, name);
        match (before.get(name), after.get(name)) {
            (Some(old), Some(new)) => codes(collector, risk, old, new),
            (old, new) => list(collector, risk, name, old, new),
        }
    }
}

/// The gravest risk of a rule that looks codes up in the list.
fn risk(collector: &Collector<'_>, protective: &BTreeSet<String>, list: &str) -> Risk {
    let sets = [collector.before.set, collector.after.set];
    let models = [&sets[0].model, &sets[1].model];
    let of = |mapping: &Mapping| {
        let ground = Ground::new(models, protective, [Some(mapping), None]);
        let uses = |rule: &&crate::mapping::FieldRule| list_of(rule) == Some(list);
        let fields = mapping.targets.iter().flat_map(|target| {
            target.fields.iter().filter(uses).map(|rule| ground.field(&target.entity, rule))
        });
        let scope = mapping.scope.rules().filter(uses).map(|rule| ground.dimension(rule));
        let lookups = mapping.lookups.iter().filter_map(|lookup| match lookup {
            Lookup::Code(code) => (code.list == list).then(|| ground.lookup(&code.name)),
            Lookup::Aggregate(_) | Lookup::First(_) => None,
        });
        fields.chain(scope).chain(lookups).fold(Risk::Meaning, Risk::graver)
    };
    sets.iter().flat_map(|set| &set.mappings).map(of).fold(Risk::Meaning, Risk::graver)
}

/// A list that only one version has.
fn list(
    collector: &mut Collector<'_>,
    risk: Risk,
    name: &str,
    before: Option<&CodeList>,
    after: Option<&CodeList>,
) {
    let topic = Topic {
        subject: Subject::CodeList { list: name.to_owned() },
        phrase: Sentence::new(format!("kodlistan {name}"), format!("code list {name}")),
        kind: Kind::Codes,
        risk,
    };
    let item = |list: &CodeList| Item {
        file: file(name),
        line: Some(1),
        whole: list
            .entries()
            .map(|(system, code, entry)| line(system, code, entry))
            .collect::<Vec<_>>()
            .join("\n"),
        aspects: Vec::<Aspect>::new(),
    };
    let (old, new) = (before.map(item), after.map(item));
    collector.item(&topic, old.as_ref(), new.as_ref());
}

fn file(list: &str) -> String {
    format!("codes/{list}.csv")
}

fn name_of<T: Copy + PartialEq>(names: &'static [(&'static str, T)], value: T) -> &'static str {
    names.iter().find(|(_, known)| *known == value).map_or("", |(name, _)| name)
}

/// One line of a list, as an inline table.
fn line(system: &str, code: &str, entry: &CodeEntry) -> String {
    let CodeEntry {
        area,
        namnd,
        target,
        term,
        equivalence,
        valid_from,
        valid_to,
        status,
        reviewer,
        note,
        line: _,
        span: _,
    } = entry;
    let given = |text: &str| (!text.is_empty()).then(|| notation::text(text));
    Inline::default()
        .maybe("system", given(system))
        .maybe("area", given(area))
        .maybe("namnd", given(namnd))
        .with("code", notation::text(code))
        .with("target", notation::text(target))
        .with("term", notation::text(term))
        .with("equivalence", notation::text(name_of(EQUIVALENCES, *equivalence)))
        .maybe("valid_from", valid_from.as_deref().map(notation::text))
        .maybe("valid_to", valid_to.as_deref().map(notation::text))
        .with("status", notation::text(name_of(STATUSES, *status)))
        .maybe("reviewer", given(reviewer))
        .maybe("note", given(note))
        .finish()
}

/// By system, area, nämnd and code.
type Meanings = BTreeMap<[String; 4], Vec<CodeEntry>>;

fn by_code(list: &CodeList) -> Meanings {
    let mut meanings = Meanings::new();
    for (system, code, entry) in list.entries() {
        let name = [system, &entry.area, &entry.namnd, code].map(str::to_owned);
        meanings.entry(name).or_default().push(entry.clone());
    }
    meanings
}

fn codes(collector: &mut Collector<'_>, risk: Risk, before: &CodeList, after: &CodeList) {
    let (old, new) = (by_code(before), by_code(after));
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let none = Vec::new();
    let period: Name<'_, CodeEntry> = &|one| format!("{:?} {:?}", one.valid_from, one.valid_to);
    let from: Name<'_, CodeEntry> = &|one| format!("{:?}", one.valid_from);
    let to: Name<'_, CodeEntry> = &|one| format!("{:?}", one.valid_to);
    let target: Name<'_, CodeEntry> = &|one| one.target.clone();
    for name in names {
        let entries = |meanings: &'_ Meanings| meanings.get(name).cloned().unwrap_or_else(|| none.clone());
        let (old, new) = (entries(&old), entries(&new));
        for (old, new) in pair(&old, &new, &[period, from, to, target]) {
            let [system, area, namnd, code] = name;
            let code = Code { list: &after.name, system, scope: [area, namnd], code };
            collector.changes.extend(code.change(risk, old, new));
        }
    }
}

/// A code of a list.
struct Code<'a> {
    list: &'a str,
    system: &'a str,
    /// The area and the nämnd whose rows it is about, empty for every one.
    scope: [&'a String; 2],
    code: &'a str,
}

impl Code<'_> {
    fn change(&self, risk: Risk, before: Option<&CodeEntry>, after: Option<&CodeEntry>) -> Option<Change> {
        let (risk, kind) = match (before, after) {
            (Some(old), Some(new)) => gravest(risk, old, new)?,
            _ => (risk, Kind::Codes),
        };
        let excerpt = |entry: Option<&CodeEntry>| {
            let entry = entry?;
            let line = usize::try_from(entry.line).ok();
            Some(Excerpt { file: file(self.list), line, text: self::line(self.system, self.code, entry) })
        };
        Some(Change {
            risk,
            kind,
            act: match (before, after) {
                (None, _) => Act::Added,
                (_, None) => Act::Removed,
                (Some(_), Some(_)) => Act::Changed,
            },
            subject: Subject::Code {
                list: self.list.to_owned(),
                system: self.system.to_owned(),
                code: self.code.to_owned(),
                before: before.cloned().map(Box::new),
                after: after.cloned().map(Box::new),
            },
            aspect: "",
            before: excerpt(before),
            after: excerpt(after),
            sentence: self.sentence(before, after),
            hint: None,
            orphans: Vec::new(),
        })
    }

    fn sentence(&self, before: Option<&CodeEntry>, after: Option<&CodeEntry>) -> Sentence {
        let Self { list, system, scope, code } = self;
        let named = [*system].into_iter().chain(scope.iter().map(|part| part.as_str()));
        let of: String = named.filter(|part| !part.is_empty()).map(|part| format!(", {part}")).collect();
        let (when_sv, when_en) = after.or(before).map(period).unwrap_or_default();
        let sv = format!("koden {code} i kodlistan {list}{of}{when_sv}");
        let en = format!("code {code} of list {list}{of}{when_en}");
        let meaning = |entry: &CodeEntry, none: &str| {
            if entry.target.is_empty() { none.to_owned() } else { entry.target.clone() }
        };
        let (none_sv, none_en) = ("utan motsvarighet", "without a target");
        match (before, after) {
            (None, Some(new)) => sentence(
                format!("{sv} har lagts till: ”{}”.", meaning(new, none_sv)),
                format!("{en} was added: “{}”.", meaning(new, none_en)),
            ),
            (Some(old), None) => sentence(
                format!("{sv} har tagits bort: ”{}”.", meaning(old, none_sv)),
                format!("{en} was removed: “{}”.", meaning(old, none_en)),
            ),
            (Some(old), Some(new)) if old.target != new.target => sentence(
                format!(
                    "{sv} betyder ”{}” i stället för ”{}”.",
                    meaning(new, none_sv),
                    meaning(old, none_sv)
                ),
                format!("{en} means “{}” instead of “{}”.", meaning(new, none_en), meaning(old, none_en)),
            ),
            _ => {
                let (parts_sv, parts_en) = changed_parts(before, after);
                sentence(
                    format!("{sv} har fått ny {}.", parts_sv.join(", ")),
                    format!("{en} has a new {}.", parts_en.join(", ")),
                )
            }
        }
    }
}

/// The words for a period, with a comma before them.
fn period(entry: &CodeEntry) -> (String, String) {
    match (entry.valid_from.as_deref(), entry.valid_to.as_deref()) {
        (None, None) => (String::new(), String::new()),
        (Some(from), None) => (format!(", från {from}"), format!(", from {from}")),
        (None, Some(to)) => (format!(", till {to}"), format!(", to {to}")),
        (Some(from), Some(to)) => (format!(", {from}–{to}"), format!(", {from}–{to}")),
    }
}

/// The parts of an entry as text, with their names; those before `term` decide about rows.
fn parts(entry: &CodeEntry) -> [(&'static str, &'static str, Kind, String); 8] {
    let CodeEntry {
        area: _,
        namnd: _,
        target,
        term,
        equivalence,
        valid_from,
        valid_to,
        status,
        reviewer,
        note,
        line: _,
        span: _,
    } = entry;
    let day = |day: &Option<String>| day.clone().unwrap_or_default();
    [
        ("betydelse", "target", Kind::Codes, target.clone()),
        ("överensstämmelse", "equivalence", Kind::Codes, name_of(EQUIVALENCES, *equivalence).to_owned()),
        ("första dag", "first day", Kind::Codes, day(valid_from)),
        ("sista dag", "last day", Kind::Codes, day(valid_to)),
        ("benämning", "term", Kind::Label, term.clone()),
        ("granskningsstatus", "status", Kind::Review, name_of(STATUSES, *status).to_owned()),
        ("granskare", "reviewer", Kind::Review, reviewer.clone()),
        ("anmärkning", "note", Kind::Label, note.clone()),
    ]
}

/// The risk and the kind of the gravest part that differs.
fn gravest(risk: Risk, before: &CodeEntry, after: &CodeEntry) -> Option<(Risk, Kind)> {
    let differing = parts(before).into_iter().zip(parts(after)).find(|(old, new)| old.3 != new.3);
    differing.map(|((_, _, kind, _), _)| (if kind == Kind::Codes { risk } else { Risk::Form }, kind))
}

fn changed_parts(
    before: Option<&CodeEntry>,
    after: Option<&CodeEntry>,
) -> (Vec<&'static str>, Vec<&'static str>) {
    let (Some(before), Some(after)) = (before, after) else { return (Vec::new(), Vec::new()) };
    let both = parts(before).into_iter().zip(parts(after));
    both.filter(|(old, new)| old.3 != new.3).map(|((sv, en, ..), _)| (sv, en)).unzip()
}
