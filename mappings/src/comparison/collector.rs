//! Gathers changes: what both sides say about one subject, part by part.

use super::Version;
use super::change::{Act, Change, Excerpt, Kind, Risk, Sentence, Subject};
use crate::diagnostic::Span;

/// The longest statement that a sentence repeats.
const SHORT: usize = 48;

/// One part of a subject that can change on its own.
pub(super) struct Aspect {
    /// The key in the files.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) risk: Risk,
    /// What stands there, empty when nothing does.
    pub(super) text: String,
    /// The words before the subject's own: "regeln för" / "the rule of".
    pub(super) words: (&'static str, &'static str),
}

impl Aspect {
    pub(super) fn new(
        name: &'static str,
        kind: Kind,
        risk: Risk,
        text: impl Into<String>,
        words: (&'static str, &'static str),
    ) -> Self {
        Self { name, kind, risk, text: text.into(), words }
    }
}

/// What one version says about a subject.
pub(super) struct Item {
    pub(super) file: String,
    pub(super) line: Option<usize>,
    /// The whole statement.
    pub(super) whole: String,
    pub(super) aspects: Vec<Aspect>,
}

impl Item {
    fn excerpt(&self, text: &str) -> Excerpt {
        Excerpt { file: self.file.clone(), line: self.line, text: text.to_owned() }
    }
}

/// The subject of items, and what it is when it is only there in one version.
pub(super) struct Topic {
    pub(super) subject: Subject,
    /// "fältet x i y" / "field x of y".
    pub(super) phrase: Sentence,
    pub(super) kind: Kind,
    pub(super) risk: Risk,
}

pub(super) struct Collector<'a> {
    pub(super) before: Version<'a>,
    pub(super) after: Version<'a>,
    pub(super) changes: Vec<Change>,
}

impl<'a> Collector<'a> {
    pub(super) const fn new(before: Version<'a>, after: Version<'a>) -> Self {
        Self { before, after, changes: Vec::new() }
    }

    /// Notes what differs between the two sides of a subject: all of it, or each part that changed.
    pub(super) fn item(&mut self, topic: &Topic, before: Option<&Item>, after: Option<&Item>) {
        match (before, after) {
            (None, None) => {}
            (Some(before), Some(after)) => self.aspects(topic, before, after),
            (Some(gone), None) => self.whole(topic, Act::Removed, gone),
            (None, Some(new)) => self.whole(topic, Act::Added, new),
        }
    }

    fn whole(&mut self, topic: &Topic, act: Act, item: &Item) {
        let excerpt = Some(item.excerpt(&item.whole));
        let (before, after) = if act == Act::Removed { (excerpt, None) } else { (None, excerpt) };
        let (sv, en) = match act {
            Act::Added => ("har lagts till", "was added"),
            Act::Removed => ("har tagits bort", "was removed"),
            Act::Changed => ("har ändrats", "changed"),
        };
        let Sentence { sv: phrase_sv, en: phrase_en } = &topic.phrase;
        self.changes.push(Change {
            risk: topic.risk,
            kind: topic.kind,
            act,
            subject: topic.subject.clone(),
            aspect: "",
            before,
            after,
            sentence: sentence(format!("{phrase_sv} {sv}."), format!("{phrase_en} {en}.")),
            hint: None,
            orphans: Vec::new(),
        });
    }

    fn aspects(&mut self, topic: &Topic, before: &Item, after: &Item) {
        for old in &before.aspects {
            let Some(new) = after.aspects.iter().find(|new| new.name == old.name) else { continue };
            if old.text == new.text {
                continue;
            }
            let act = match (old.text.is_empty(), new.text.is_empty()) {
                (true, _) => Act::Added,
                (_, true) => Act::Removed,
                _ => Act::Changed,
            };
            let given = |item: &Item, text: &str| (!text.is_empty()).then(|| item.excerpt(text));
            self.changes.push(Change {
                risk: old.risk.graver(new.risk),
                kind: new.kind,
                act,
                subject: topic.subject.clone(),
                aspect: new.name,
                before: given(before, &old.text),
                after: given(after, &new.text),
                sentence: changed(topic, new.words, &old.text, &new.text),
                hint: None,
                orphans: Vec::new(),
            });
        }
    }

    /// The changes, the gravest first, then by file and place.
    pub(super) fn finish(mut self) -> Vec<Change> {
        let place = |change: &Change| {
            let excerpt = change.after.as_ref().or(change.before.as_ref());
            excerpt.map(|excerpt| (excerpt.file.clone(), excerpt.line))
        };
        self.changes.sort_by_cached_key(|change| (change.risk, place(change)));
        self.changes
    }
}

/// The sentence of a part that changed; short statements are repeated in it.
fn changed(topic: &Topic, words: (&str, &str), old: &str, new: &str) -> Sentence {
    let short = |text: &str| text.chars().count() <= SHORT && !text.contains('\n');
    let bare = |text: &str| text.trim_matches('"').to_owned();
    let (what, was, is) = ((words, &topic.phrase), bare(old), bare(new));
    let ((sv, en), phrase) = what;
    let (sv, en) = (format!("{sv} {}", phrase.sv), format!("{en} {}", phrase.en));
    match (old.is_empty(), new.is_empty()) {
        (true, _) if short(new) => {
            sentence(format!("{sv} har lagts till: ”{is}”."), format!("{en} was added: “{is}”."))
        }
        (true, _) => sentence(format!("{sv} har lagts till."), format!("{en} was added.")),
        (_, true) if short(old) => {
            sentence(format!("{sv} har tagits bort: ”{was}”."), format!("{en} was removed: “{was}”."))
        }
        (_, true) => sentence(format!("{sv} har tagits bort."), format!("{en} was removed.")),
        _ if short(old) && short(new) => sentence(
            format!("{sv} har ändrats från ”{was}” till ”{is}”."),
            format!("{en} changed from “{was}” to “{is}”."),
        ),
        _ => sentence(format!("{sv} har ändrats."), format!("{en} changed.")),
    }
}

/// Two texts as sentences: they begin with a capital letter.
pub(super) fn sentence(sv: String, en: String) -> Sentence {
    let capital = |text: String| {
        let mut letters = text.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        format!("{first}{}", letters.as_str())
    };
    Sentence { sv: capital(sv), en: capital(en) }
}

/// The line of a place in a file of this version, counted from 1.
pub(super) fn line_at(version: Version<'_>, file: &str, span: &Span) -> Option<usize> {
    let before = version.files.get(file)?.get(..span.start)?;
    Some(before.matches('\n').count() + 1)
}

/// The line where `key = "value"` first stands at or after an offset, whatever blanks lie around `=`.
pub(super) fn line_of(
    version: Version<'_>,
    file: &str,
    from: usize,
    key: &str,
    value: &str,
) -> Option<usize> {
    let text = version.files.get(file)?;
    let quoted = format!("\"{value}\"");
    let stands = |at: usize| {
        let left = text.get(..at).unwrap_or_default().trim_end();
        left.strip_suffix('=').is_some_and(|left| left.trim_end().ends_with(key))
    };
    let rest = text.get(from..)?;
    let at = rest.match_indices(&quoted).map(|(at, _)| from + at).find(|at| stands(*at))?;
    line_at(version, file, &(at..at))
}
