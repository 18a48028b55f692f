//! The page for the auditor.

use askama::Template;

use super::{
    Count, Difference, Effect, Entry, EntryEffect, Excerpt, FateEffect, FieldEffect, FileText, LineKind,
    MASK, Moves, NotMeasured, Piece, PlaceEffect, Side, Value, words,
};
use crate::controls::Unit;
use crate::error::{Error, ErrorKind};
use crate::report::number;

/// What each class of risk is about, by its name in documents; in the order of the page.
const RISKS: [(&str, &str, &str); 5] = [
    ("identity", "Identitet", "Vem eller vad en rad avser, och vilka rader som hör ihop."),
    ("protection", "Skydd", "Vad som får ses om vem: skyddade uppgifter, sekretess och skyddsklasser."),
    ("money", "Pengar", "Belopp, och de kontroller som visar att de stämmer."),
    ("meaning", "Betydelse", "Vad ett värde säger, och vilka rader som följer med."),
    ("form", "Form", "Texter för människor. Ingen rad i målet ändras."),
];

/// The page.
///
/// # Errors
/// [`ErrorKind::Report`] when it cannot be written.
pub fn html(difference: &Difference) -> Result<String, Error> {
    let entries = &difference.entries;
    let page = Page {
        headline: headline(entries.len()),
        explanation: explanation(entries),
        state: state(entries),
        sides: [("Före", &difference.before), ("Efter", &difference.after)],
        risks: RISKS.iter().map(|risk| RiskView::new(risk, entries)).collect(),
        effect: difference.effect.as_ref().map(|effect| EffectView::new(effect, entries)),
        texts: difference.texts.iter().map(TextView::new).collect(),
    };
    page.render().map_err(|error| Error::caused(ErrorKind::Report, "the page could not be written", error))
}

fn headline(entries: usize) -> String {
    match entries {
        0 => "Inget betyder något annat".to_owned(),
        1 => "1 ändring i betydelse".to_owned(),
        many => format!("{} ändringar i betydelse", number::count(many)),
    }
}

fn explanation(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "Filernas text kan skilja, men regler, koder och modell säger detsamma.".to_owned();
    }
    let parts = RISKS.iter().filter_map(|(name, label, _)| {
        let of_risk = entries.iter().filter(|entry| entry.risk.name == *name).count();
        (of_risk > 0).then(|| format!("{} {}", number::count(of_risk), label.to_lowercase()))
    });
    format!("Efter vad de kan skada: {}. De allvarligaste står först.", parts.collect::<Vec<_>>().join(", "))
}

fn state(entries: &[Entry]) -> &'static str {
    let grave = |entry: &Entry| matches!(entry.risk.name, "identity" | "protection" | "money");
    match entries {
        [] => "equal",
        some if some.iter().any(grave) => "unequal",
        _ => "waiting",
    }
}

#[derive(Template)]
#[template(path = "difference.html")]
struct Page<'a> {
    headline: String,
    explanation: String,
    state: &'static str,
    sides: [(&'static str, &'a Side); 2],
    risks: Vec<RiskView>,
    effect: Option<EffectView<'a>>,
    texts: Vec<TextView<'a>>,
}

struct RiskView {
    name: &'static str,
    label: &'static str,
    about: &'static str,
    count: String,
    added: String,
    removed: String,
    changed: String,
    with_effect: String,
    entries: Vec<EntryView>,
}

impl RiskView {
    fn new((name, label, about): &(&'static str, &'static str, &'static str), entries: &[Entry]) -> Self {
        let of_risk: Vec<&Entry> = entries.iter().filter(|entry| entry.risk.name == *name).collect();
        let acts = |act: &str| number::count(of_risk.iter().filter(|entry| entry.act.name == act).count());
        let with_effect =
            of_risk.iter().filter(|entry| entry.effect.is_some_and(|effect| effect.source_rows > 0));
        Self {
            name,
            label,
            about,
            count: number::count(of_risk.len()),
            added: acts("added"),
            removed: acts("removed"),
            changed: acts("changed"),
            with_effect: number::count(with_effect.count()),
            entries: of_risk.into_iter().map(EntryView::new).collect(),
        }
    }
}

/// One of the two statements of an entry.
struct StatementView {
    title: &'static str,
    place: String,
    /// The element that marks what differs.
    old: bool,
    pieces: Vec<Piece>,
    none: &'static str,
}

struct EntryView {
    number: usize,
    sentence: String,
    kind: &'static str,
    act: &'static str,
    statements: [StatementView; 2],
    hint: String,
    orphans: String,
    effect: String,
}

impl EntryView {
    fn new(entry: &Entry) -> Self {
        let text = |excerpt: &'_ Option<Excerpt>| {
            excerpt.as_ref().map(|excerpt| excerpt.text.clone()).unwrap_or_default()
        };
        let (old, new) = match (&entry.before, &entry.after) {
            (Some(old), Some(new)) => words(&old.text, &new.text),
            _ => (plain(text(&entry.before)), plain(text(&entry.after))),
        };
        Self {
            number: entry.number,
            sentence: entry.sv.clone(),
            kind: entry.kind.label,
            act: entry.act.label,
            statements: [
                StatementView::new("Före", true, entry.before.as_ref(), old),
                StatementView::new("Efter", false, entry.after.as_ref(), new),
            ],
            hint: entry.hint.as_ref().map(|(sv, _)| sv.clone()).unwrap_or_default(),
            orphans: entry.orphans.join(", "),
            effect: entry.effect.as_ref().map(effect_line).unwrap_or_default(),
        }
    }
}

fn plain(text: String) -> Vec<Piece> {
    if text.is_empty() { Vec::new() } else { vec![Piece { text, marked: false }] }
}

impl StatementView {
    fn new(title: &'static str, old: bool, excerpt: Option<&Excerpt>, pieces: Vec<Piece>) -> Self {
        let place = excerpt.map(|excerpt| match excerpt.line {
            Some(line) => format!("{}, rad {line}", excerpt.file),
            None => excerpt.file.clone(),
        });
        let none = if old { "Fanns inte." } else { "Finns inte längre." };
        Self { title, place: place.unwrap_or_default(), old, pieces, none }
    }
}

fn effect_line(effect: &EntryEffect) -> String {
    let EntryEffect { source_rows, moves, fields } = effect;
    if *source_rows == 0 {
        return "Ingen rad påverkas.".to_owned();
    }
    let Moves { appear, disappear, change } = moves;
    let parts = [(*change, "ändras"), (*appear, "tillkommer"), (*disappear, "försvinner")];
    let parts = parts.iter().filter(|(rows, _)| *rows > 0);
    let parts: Vec<String> =
        parts.map(|(rows, what)| format!("{} {what}", plural(*rows, "målrad", "målrader"))).collect();
    let moves = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let fields = if *fields > 0 { plural(*fields, "fältvärde", "fältvärden") } else { String::new() };
    let fields = if fields.is_empty() { fields } else { format!(", {fields}") };
    format!("Påverkar {}{moves}{fields}.", plural(*source_rows, "källrad", "källrader"))
}

fn plural(rows: u64, one: &str, many: &str) -> String {
    number::plural(u128::from(rows), one, many)
}

struct CauseView {
    number: usize,
    sentence: String,
    source_rows: String,
    appear: String,
    disappear: String,
    change: String,
    fields: String,
}

impl CauseView {
    fn new(number: usize, sentence: String, effect: &EntryEffect) -> Self {
        let EntryEffect { source_rows, moves: Moves { appear, disappear, change }, fields } = effect;
        Self {
            number,
            sentence,
            source_rows: number::count(*source_rows),
            appear: number::count(*appear),
            disappear: number::count(*disappear),
            change: number::count(*change),
            fields: number::count(*fields),
        }
    }
}

struct EntityView {
    mapping: String,
    label: String,
    entity: String,
    appear: String,
    disappear: String,
    change: String,
    unchanged: String,
}

struct ExampleView {
    key: String,
    before: String,
    after: String,
}

struct FieldView<'a> {
    mapping: &'a str,
    entity: &'a str,
    field: &'a FieldEffect,
    changed: String,
    values: Vec<(String, String, String)>,
    sums: String,
    examples: Vec<ExampleView>,
}

struct MovedView<'a> {
    mapping: &'a str,
    entity: &'a str,
    examples: Vec<(String, &'static str, String, String)>,
}

struct FateView {
    mapping: String,
    before: String,
    after: String,
    rows: String,
}

struct PlaceView {
    area: String,
    namnd: String,
    cells: [String; 3],
}

struct EffectView<'a> {
    run: &'a str,
    as_of: &'a str,
    facts: Vec<(String, &'static str)>,
    causes: Vec<CauseView>,
    unexplained: Option<CauseView>,
    entities: Vec<EntityView>,
    fates: Vec<FateView>,
    fields: Vec<FieldView<'a>>,
    moved: Vec<MovedView<'a>>,
    places: Vec<PlaceView>,
    not_measured: &'a [NotMeasured],
}

impl<'a> EffectView<'a> {
    fn new(effect: &'a Effect, entries: &[Entry]) -> Self {
        let Effect { run, as_of, tables, not_measured, places, unexplained } = effect;
        let measured = entries.iter().filter_map(|entry| Some((entry, entry.effect.as_ref()?)));
        let measured = measured.filter(|(_, effect)| effect.source_rows > 0);
        let causes = measured.map(|(entry, effect)| CauseView::new(entry.number, entry.sv.clone(), effect));
        let no_cause = *unexplained != EntryEffect::default();
        let entities = tables.iter().flat_map(|table| table.entities.iter().map(move |one| (table, one)));
        let touched = entities.clone().filter(|(_, one)| one.moves != Moves::default());
        let fields = touched.clone().flat_map(|(table, entity)| {
            entity.fields.iter().map(move |field| field_view(&table.mapping, &entity.entity, field))
        });
        let moved = touched.clone().filter(|(_, entity)| !entity.examples.is_empty());
        Self {
            run,
            as_of,
            facts: facts(effect),
            causes: causes.collect(),
            unexplained: no_cause
                .then(|| CauseView::new(0, "Utan känd orsak i listan".to_owned(), unexplained)),
            entities: touched.map(|(table, one)| entity_view(&table.mapping, one)).collect(),
            fates: tables
                .iter()
                .flat_map(|table| table.fates.iter().map(|fate| fate_view(&table.mapping, fate)))
                .collect(),
            fields: fields.collect(),
            moved: moved.map(|(table, entity)| moved_view(&table.mapping, entity)).collect(),
            places: places.iter().map(place_view).collect(),
            not_measured,
        }
    }
}

fn facts(effect: &Effect) -> Vec<(String, &'static str)> {
    let sum = |part: &dyn Fn(&super::TableEffect) -> u64| -> String {
        number::count(effect.tables.iter().map(part).sum::<u64>())
    };
    let moves = |part: &dyn Fn(&Moves) -> u64| {
        sum(&|table| table.entities.iter().map(|entity| part(&entity.moves)).sum())
    };
    vec![
        (sum(&|table| table.source_rows), "källrader mappade två gånger"),
        (sum(&|table| table.touched), "källrader påverkas"),
        (moves(&|moves| moves.change), "målrader ändras"),
        (moves(&|moves| moves.appear), "målrader tillkommer"),
        (moves(&|moves| moves.disappear), "målrader försvinner"),
    ]
}

fn entity_view(mapping: &str, effect: &super::EntityEffect) -> EntityView {
    let Moves { appear, disappear, change } = effect.moves;
    EntityView {
        mapping: mapping.to_owned(),
        label: effect.label.clone(),
        entity: effect.entity.clone(),
        appear: number::count(appear),
        disappear: number::count(disappear),
        change: number::count(change),
        unchanged: number::count(effect.unchanged),
    }
}

fn fate_view(mapping: &str, fate: &FateEffect) -> FateView {
    let (before, after) = fate.sv.clone();
    FateView { mapping: mapping.to_owned(), before, after, rows: number::count(fate.rows) }
}

fn count(count: Count) -> String {
    match count {
        Count::Number(rows) => number::count(rows),
        Count::Few => "<5".to_owned(),
        Count::Hidden => "dold".to_owned(),
    }
}

fn place_view(place: &PlaceEffect) -> PlaceView {
    let named = |code: &str| if code.is_empty() { "inte angivet".to_owned() } else { code.to_owned() };
    PlaceView {
        area: named(&place.area),
        namnd: named(&place.namnd),
        cells: [place.change, place.appear, place.disappear].map(count),
    }
}

fn or_none(text: Option<&String>) -> String {
    text.map_or_else(|| "(inget)".to_owned(), |text| format!("”{text}”"))
}

fn field_view<'a>(mapping: &'a str, entity: &'a str, field: &'a FieldEffect) -> FieldView<'a> {
    let value = |value: &Value| match value {
        Value::Empty => "(inget)".to_owned(),
        Value::Plain(text) => text.clone(),
        Value::Masked => MASK.to_owned(),
    };
    let listed = field
        .values
        .iter()
        .map(|pair| (or_none(pair.before.as_ref()), or_none(pair.after.as_ref()), count(pair.rows)));
    let mut values: Vec<(String, String, String)> = listed.collect();
    if field.other_values != Count::Number(0) {
        values.push(("andra värden".to_owned(), String::new(), count(field.other_values)));
    }
    let sums = field.sums.map(|sums| {
        let unit = if sums.unit == "ore" { Unit::Ore } else { Unit::Minuter };
        let (before, after) = (i128::from(sums.before), i128::from(sums.after));
        format!(
            "Summan över de rader som ändras går från {} till {} {}, skillnad {}.",
            number::in_unit(unit, before),
            number::in_unit(unit, after),
            number::unit_name(unit),
            number::signed(unit, after - before),
        )
    });
    let examples = field.examples.iter().map(|example| ExampleView {
        key: example.key.clone(),
        before: value(&example.before),
        after: value(&example.after),
    });
    FieldView {
        mapping,
        entity,
        field,
        changed: plural(field.changed, "rad", "rader"),
        values,
        sums: sums.unwrap_or_default(),
        examples: examples.collect(),
    }
}

fn moved_view<'a>(mapping: &'a str, entity: &'a super::EntityEffect) -> MovedView<'a> {
    let examples = entity.examples.iter().map(|example| {
        let what = if example.appears { "tillkommer" } else { "försvinner" };
        (example.key.clone(), what, example.before.clone(), example.after.clone())
    });
    MovedView { mapping, entity: &entity.entity, examples: examples.collect() }
}

struct LineView<'a> {
    class: &'static str,
    sign: &'static str,
    told: &'static str,
    old: String,
    new: String,
    pieces: &'a [Piece],
}

struct TextView<'a> {
    file: &'a str,
    what: &'static str,
    hunks: Vec<(String, Vec<LineView<'a>>)>,
}

impl<'a> TextView<'a> {
    fn new(text: &'a FileText) -> Self {
        let what = match text.kind {
            LineKind::Same => "ändrad",
            LineKind::Old => "borttagen",
            LineKind::New => "ny",
        };
        let hunks = text.hunks.iter().map(|hunk| {
            let range = |(first, lines): (usize, usize)| match lines {
                0 => "inga rader".to_owned(),
                1 => format!("rad {first}"),
                many => format!("rad {first}–{}", first + many - 1),
            };
            let head = format!("Före: {}. Efter: {}.", range(hunk.old), range(hunk.new));
            (head, hunk.lines.iter().map(line_view).collect())
        });
        Self { file: &text.file, what, hunks: hunks.collect() }
    }
}

fn line_view(line: &super::Line) -> LineView<'_> {
    let (class, sign, told) = match line.kind {
        LineKind::Same => ("same", " ", ""),
        LineKind::Old => ("old", "−", "borttagen rad: "),
        LineKind::New => ("new", "+", "tillagd rad: "),
    };
    let place = |at: Option<usize>| at.map(|at| at.to_string()).unwrap_or_default();
    LineView { class, sign, told, old: place(line.old), new: place(line.new), pieces: &line.pieces }
}
