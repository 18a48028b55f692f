//! Compares what decides about whole rows: exclusions, checks, ignored columns, examples.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Kind, Risk, Sentence, Subject};
use super::collector::{Aspect, Collector, Topic};
use super::mapping::{Both, Side};
use super::notation;
use super::pairing::{Name, pair};
use crate::diagnostic::Span;
use crate::mapping::{Check, Example, Exclusion};
use crate::reject::ReasonCode;

/// The reasons of both sides, each once.
fn reasons(sides: [Option<ReasonCode>; 2]) -> Vec<ReasonCode> {
    let reasons: BTreeSet<ReasonCode> = sides.into_iter().flatten().collect();
    reasons.into_iter().collect()
}

pub(super) fn exclusions(
    collector: &mut Collector<'_>,
    both: &Both<'_>,
    before: &[Exclusion],
    after: &[Exclusion],
) {
    let rows: Name<'_, Exclusion> = &|one| notation::when(&one.when);
    let reason: Name<'_, Exclusion> = &|one| one.reason.code().to_owned();
    for (old, new) in pair(before, after, &[&notation::exclusion, rows, reason]) {
        let shown = new.or(old).expect("a pair has a side");
        let when = [old, new].into_iter().flatten().flat_map(|one| &one.when);
        let origins = when.map(|condition| &condition.origin);
        let risk = both.ground.all(origins);
        let name = &both.name;
        let code = shown.reason.code();
        let topic = Topic {
            subject: Subject::Exclusion {
                mapping: name.clone(),
                reasons: reasons([old, new].map(|one| one.map(|one| one.reason))),
            },
            phrase: Sentence::new(
                format!("utelämnandet av rader ur {name} ({code})"),
                format!("the exclusion of rows of {name} ({code})"),
            ),
            kind: Kind::Exclusion,
            risk,
        };
        let item = |side: Side<'_>, one: &Exclusion| {
            let Exclusion { reason, about, when } = one;
            let aspects = vec![
                Aspect::new(
                    "reason",
                    Kind::Exclusion,
                    risk,
                    notation::text(reason.code()),
                    ("orsaken till", "the reason of"),
                ),
                Aspect::new(
                    "about",
                    Kind::Label,
                    Risk::Form,
                    notation::text(about),
                    ("beskrivningen av", "the description of"),
                ),
                Aspect::new(
                    "when",
                    Kind::Exclusion,
                    risk,
                    notation::when(when),
                    ("villkoret för", "the condition of"),
                ),
            ];
            side.item(when.first().map(|one| &one.origin.span), notation::exclusion(one), aspects)
        };
        let (old, new) = (old.map(|one| item(both.before, one)), new.map(|one| item(both.after, one)));
        collector.item(&topic, old.as_ref(), new.as_ref());
    }
}

pub(super) fn checks(collector: &mut Collector<'_>, both: &Both<'_>, before: &[Check], after: &[Check]) {
    let strong: Name<'_, Check> = &|one| format!("{} {}", one.rule.code(), notation::question(one));
    let same_rows: Name<'_, Check> =
        &|one| format!("{} {} {}", one.rule.code(), one.function, notation::when(&one.when));
    let rule: Name<'_, Check> = &|one| format!("{} {}", one.rule.code(), one.function);
    let question: Name<'_, Check> = &notation::question;
    let code: Name<'_, Check> = &|one| one.rule.code().to_owned();
    for (old, new) in pair(before, after, &[&notation::check, strong, same_rows, rule, question, code]) {
        let shown = new.or(old).expect("a pair has a side");
        let sides = || [old, new].into_iter().flatten();
        let origins = sides().flat_map(|one| &one.inputs);
        let when = sides().flat_map(|one| &one.when).map(|condition| &condition.origin);
        let risk = both.ground.all(origins.chain(when));
        let (name, code) = (&both.name, shown.rule.code());
        let topic = Topic {
            subject: Subject::Check {
                mapping: name.clone(),
                reasons: reasons([old, new].map(|one| one.map(|one| one.rule))),
            },
            phrase: Sentence::new(
                format!("kontrollregeln {code} ({}) i {name}", shown.function),
                format!("check {code} ({}) of {name}", shown.function),
            ),
            kind: Kind::Check,
            risk,
        };
        let old = old.map(|one| check_item(both.before, one, risk));
        let new = new.map(|one| check_item(both.after, one, risk));
        collector.item(&topic, old.as_ref(), new.as_ref());
    }
}

fn check_item(side: Side<'_>, check: &Check, risk: Risk) -> super::collector::Item {
    let Check { rule, function: _, function_span, inputs: _, arguments: _, action, when, span: _ } = check;
    let aspects = vec![
        Aspect::new("rule", Kind::Check, risk, notation::text(rule.code()), ("koden för", "the code of")),
        Aspect::new("fn", Kind::Check, risk, notation::question(check), ("frågan i", "the question of")),
        Aspect::new(
            "action",
            Kind::Policy,
            risk,
            notation::text(action.name()),
            ("följden av", "what follows from"),
        ),
        Aspect::new("when", Kind::Check, risk, notation::when(when), ("urvalet av rader för", "the rows of")),
    ];
    side.item(Some(function_span), notation::check(check), aspects)
}

pub(super) fn ignored(
    collector: &mut Collector<'_>,
    both: &Both<'_>,
    before: &BTreeMap<String, (String, Span)>,
    after: &BTreeMap<String, (String, Span)>,
) {
    let columns: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for column in columns {
        let name = &both.name;
        let topic = Topic {
            subject: Subject::Ignored { mapping: name.clone(), column: column.clone() },
            phrase: Sentence::new(
                format!("utelämnandet av kolumnen {column} i {name}"),
                format!("leaving out column {column} of {name}"),
            ),
            kind: Kind::Ignored,
            risk: both.ground.origin(column),
        };
        let item = |side: Side<'_>, (reason, span): &(String, Span)| {
            let why = Aspect::new(
                "",
                Kind::Label,
                Risk::Form,
                notation::text(reason),
                ("skälet till", "the reason for"),
            );
            side.item(
                Some(span),
                format!("{} = {}", notation::key(column), notation::text(reason)),
                vec![why],
            )
        };
        let old = before.get(column).map(|one| item(both.before, one));
        let new = after.get(column).map(|one| item(both.after, one));
        collector.item(&topic, old.as_ref(), new.as_ref());
    }
}

pub(super) fn examples(
    collector: &mut Collector<'_>,
    both: &Both<'_>,
    before: &[Example],
    after: &[Example],
) {
    let whole: Name<'_, Example> = &|one| format!("{} {}", one.about, notation::example(one));
    let about: Name<'_, Example> = &|one| one.about.clone();
    let same_row: Name<'_, Example> = &|one| notation::table(&one.source);
    for (old, new) in pair(before, after, &[whole, about, same_row]) {
        let shown = new.or(old).expect("a pair has a side");
        let name = &both.name;
        let topic = Topic {
            subject: Subject::Example { mapping: name.clone(), about: shown.about.clone() },
            phrase: Sentence::new(
                format!("exemplet ”{}” i {name}", shown.about),
                format!("example “{}” of {name}", shown.about),
            ),
            kind: Kind::Example,
            risk: Risk::Meaning,
        };
        let item = |side: Side<'_>, one: &Example| {
            let about = notation::text(&one.about);
            let shows = notation::example(one);
            let whole = format!("about = {about}\n{shows}");
            let aspects = vec![
                Aspect::new(
                    "about",
                    Kind::Label,
                    Risk::Form,
                    about,
                    ("beskrivningen av", "the description of"),
                ),
                Aspect::new("", Kind::Example, Risk::Meaning, shows, ("raden i", "the row of")),
            ];
            side.item(Some(&one.span), whole, aspects)
        };
        let (old, new) = (old.map(|one| item(both.before, one)), new.map(|one| item(both.after, one)));
        collector.item(&topic, old.as_ref(), new.as_ref());
    }
}
