//! Compares what rules know beyond their own row: parents, neighbours, numbers over tables, code lists.

use std::collections::BTreeSet;

use super::change::{Kind, Risk, Sentence, Subject};
use super::collector::{Aspect, Collector, Topic};
use super::mapping::{Both, Side};
use super::notation::{self, Inline};
use crate::diagnostic::Span;
use crate::mapping::{
    Aggregate, AggregateKind, CodeInput, CodeLookup, Direction, FirstPresent, Lookup, Neighbour, OtherTable,
    Parent, Period,
};

/// A lookup as text, with its place and the risk that it has whatever reads it.
struct Told<'a> {
    span: &'a Span,
    text: String,
    least: Risk,
}

pub(super) fn parents(collector: &mut Collector<'_>, both: &Both<'_>, before: &[Parent], after: &[Parent]) {
    let told = |system: &str, one: &'_ Parent| parent(system, one);
    compare(
        collector,
        both,
        [before, after],
        |one| &one.name,
        |side, one| Told { span: &one.span, text: told(&side.mapping.system, one), least: Risk::Meaning },
    );
}

pub(super) fn neighbours(
    collector: &mut Collector<'_>,
    both: &Both<'_>,
    before: &[Neighbour],
    after: &[Neighbour],
) {
    compare(
        collector,
        both,
        [before, after],
        |one| &one.name,
        |_, one| Told { span: &one.span, text: neighbour(one), least: Risk::Meaning },
    );
}

pub(super) fn others(collector: &mut Collector<'_>, both: &Both<'_>, before: &[Lookup], after: &[Lookup]) {
    compare(
        collector,
        both,
        [before, after],
        |one| one.name(),
        |side, one| match one {
            Lookup::Aggregate(one) => Told {
                span: &one.span,
                text: aggregate(&side.mapping.system, one),
                least: if matches!(one.kind, AggregateKind::Sum { .. }) {
                    Risk::Money
                } else {
                    Risk::Meaning
                },
            },
            Lookup::Code(one) => Told { span: &one.span, text: code(one), least: Risk::Meaning },
            Lookup::First(one) => Told { span: &one.span, text: first(one), least: Risk::Meaning },
        },
    );
}

fn compare<'a, T>(
    collector: &mut Collector<'_>,
    both: &Both<'_>,
    sides: [&'a [T]; 2],
    name_of: impl Fn(&T) -> &str,
    tell: impl Fn(Side<'_>, &'a T) -> Told<'a>,
) {
    let names: BTreeSet<&str> = sides.iter().flat_map(|side| side.iter()).map(&name_of).collect();
    for name in names {
        let told = |at: usize, side: Side<'_>| {
            sides[at].iter().find(|one| name_of(one) == name).map(|one| tell(side, one))
        };
        let (old, new) = (told(0, both.before), told(1, both.after));
        let least = [&old, &new].into_iter().flatten().map(|told| told.least);
        let risk = least.fold(both.ground.lookup(name), Risk::graver);
        let topic = Topic {
            subject: Subject::Lookup { mapping: both.name.clone(), name: name.to_owned() },
            phrase: Sentence::new(
                format!("uppslaget {name} i {}", both.name),
                format!("lookup {name} of {}", both.name),
            ),
            kind: Kind::Lookup,
            risk,
        };
        let item = |side: Side<'_>, told: Told<'_>| {
            let words = ("sättet att hitta", "how to find");
            let whole = Aspect::new("", Kind::Lookup, risk, told.text.clone(), words);
            side.item(Some(told.span), told.text, vec![whole])
        };
        let (old, new) = (old.map(|told| item(both.before, told)), new.map(|told| item(both.after, told)));
        collector.item(&topic, old.as_ref(), new.as_ref());
    }
}

/// The table, with its system when it is not the mapping's own.
fn table(inline: Inline, own: &str, other: &OtherTable) -> Inline {
    let OtherTable { system, system_span: _, table, table_span: _ } = other;
    let named = (system != own).then(|| notation::text(system));
    inline.maybe("system", named).with("table", notation::text(table))
}

fn parent(own: &str, parent: &Parent) -> String {
    let Parent { name, span: _, other, on, valid, when } = parent;
    let valid = valid.as_ref().map(|valid| {
        let Period { at, from, to, slack_minutes } = valid;
        Inline::default()
            .with("at", notation::origin(at))
            .with("from", notation::origin(from))
            .with("to", notation::origin(to))
            .with("slack_minutes", slack_minutes.to_string())
            .finish()
    });
    table(Inline::default().with("name", notation::text(name)), own, other)
        .with("on", notation::on(on))
        .maybe("valid", valid)
        .maybe("when", notation::filled(notation::when(when)))
        .lines()
}

fn neighbour(neighbour: &Neighbour) -> String {
    let Neighbour { name, span: _, direction, group, order, when } = neighbour;
    let direction = match direction {
        Direction::Before => "before",
        Direction::After => "after",
    };
    Inline::default()
        .with("name", notation::text(name))
        .with("direction", notation::text(direction))
        .with("group", notation::origins(group))
        .with("order", notation::origin(order))
        .maybe("when", notation::filled(notation::when(when)))
        .lines()
}

/// The kind of a lookup is the name of its table in the file.
fn aggregate(own: &str, aggregate: &Aggregate) -> String {
    let Aggregate { name, span: _, other, on, when, kind } = aggregate;
    let head = Inline::default().with("name", notation::text(name));
    let inline = table(head, own, other)
        .with("on", notation::on(on))
        .maybe("when", notation::filled(notation::when(when)));
    let (kind, inline) = match kind {
        AggregateKind::Count { distinct } => {
            ("count", inline.maybe("distinct", distinct.as_ref().map(notation::origin)))
        }
        AggregateKind::Sum { value, minus } => {
            let minus = minus.as_ref().map(|(column, values)| {
                let values = notation::texts(values.iter().map(String::as_str));
                Inline::default().with("column", notation::origin(column)).with("in", values).finish()
            });
            ("sum", inline.with("value", notation::origin(value)).maybe("minus", minus))
        }
        AggregateKind::Minutes { from, to } => {
            ("minutes", inline.with("from", notation::origin(from)).with("to", notation::origin(to)))
        }
        AggregateKind::Earliest(value) => ("earliest", inline.with("value", notation::origin(value))),
        AggregateKind::Latest(value) => ("latest", inline.with("value", notation::origin(value))),
    };
    format!("[[{kind}]]\n{}", inline.lines())
}

fn first(lookup: &FirstPresent) -> String {
    let FirstPresent { name, span: _, from } = lookup;
    let inline = Inline::default().with("name", notation::text(name)).with("from", notation::origins(from));
    format!("[[first]]\n{}", inline.lines())
}

fn code(lookup: &CodeLookup) -> String {
    let CodeLookup { name, span: _, list, list_span: _, code, date } = lookup;
    let inline = Inline::default().with("name", notation::text(name)).with("codes", notation::text(list));
    let inline = match code {
        CodeInput::Origin(origin) => inline.with("from", notation::origin(origin)),
        CodeInput::Const(text) => inline.with("const", notation::text(text)),
    };
    format!("[[code]]\n{}", inline.maybe("date", date.as_ref().map(notation::origin)).lines())
}
