//! One rule read backwards: from the value of a field to the text of one column.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bron_mappings::{EntityId, FieldRule, InstallationSecret, Origin, SourceKey};

use super::codes::CodesBack;
use super::{EntityRow, KeyOf, SourceText, SourceTexts};
use crate::functions::{Cell, FieldFn, InvertFn, Outcome, Settings};
use crate::lookups::day_of_code;
use crate::plan::Meant;

/// How the rule of a field is read backwards.
pub(super) enum Back<'a> {
    /// The function's first text is written; the others are read.
    Function {
        invert: InvertFn,
        call: FieldFn,
        arguments: &'a BTreeMap<String, String>,
        scale: Option<i8>,
        others: &'a [Origin],
    },
    /// The bytes of the column as they are.
    Bytes,
    Codes {
        list: CodesBack,
        date: Option<&'a Origin>,
        fallback: Option<&'a str>,
    },
    Ref(Reference<'a>),
}

/// One text of the key of another record.
pub(super) struct Reference<'a> {
    pub(super) entity: &'a str,
    pub(super) system: &'a str,
    pub(super) table: &'a str,
    pub(super) part: Option<&'a str>,
    /// Where the texts of the reference stand in the other record's `src_key`, in the order of the reference.
    pub(super) places: Vec<usize>,
    /// Which of them is written.
    pub(super) at: usize,
    /// The columns that the extraction added, with their place among the texts: they have to agree.
    pub(super) added: Vec<(usize, &'a str)>,
}

/// A field of a target that writes a column.
pub(super) struct Writer<'a> {
    pub(super) target: usize,
    pub(super) rule: &'a FieldRule,
    pub(super) column: &'a str,
    pub(super) back: Back<'a>,
    pub(super) default: Option<Cell<'static>>,
    /// What is lost whatever the value.
    pub(super) loss: Option<String>,
}

/// What is known while one source row is written back.
pub(super) struct Scene<'p> {
    pub(super) secret: &'p InstallationSecret,
    pub(super) keys: &'p KeyOf<'p>,
    /// The columns that are decided.
    pub(super) decided: BTreeMap<&'p str, Option<SourceText>>,
    /// The source row as it was.
    pub(super) kept: Option<&'p SourceTexts>,
}

impl Scene<'_> {
    /// The text of an origin, as it will be; `None` when it is NULL or not known.
    pub(super) fn text(&self, origin: &str) -> Option<&str> {
        let found = match self.decided.get(origin) {
            Some(decided) => decided.as_ref(),
            None => self.kept.and_then(|kept| kept.get(origin)),
        };
        if let Some(SourceText::Text(text)) = found { Some(text) } else { None }
    }

    /// The texts of the `src_key` of another row.
    fn key_of(&self, entity: &str, id: [u8; 16]) -> Option<Vec<Option<String>>> {
        SourceKey::values_of(&(self.keys)(entity, id)?)
    }
}

impl Writer<'_> {
    /// Whether the column's text reads as this value, in a row of this scope.
    pub(super) fn accepts(
        &self,
        text: Option<&SourceText>,
        value: Option<&Cell<'_>>,
        row: &EntityRow,
        scene: &Scene<'_>,
    ) -> bool {
        if let Back::Ref(reference) = &self.back {
            return reference.accepts(plain(text), value, scene);
        }
        self.read(text, row, scene).as_ref() == value
    }

    /// What the rule gives for a text, as `apply` does.
    fn read<'t>(
        &'t self,
        text: Option<&'t SourceText>,
        row: &EntityRow,
        scene: &'t Scene<'_>,
    ) -> Option<Cell<'t>> {
        let outcome = match &self.back {
            Back::Bytes => return text.map(bytes),
            Back::Function { call, others, .. } => {
                let others = others.iter().map(|other| scene.text(&other.name));
                let texts: Vec<Option<&str>> = std::iter::once(plain(text)).chain(others).collect();
                call(&texts)
            }
            Back::Codes { list, date, fallback } => match plain(text).filter(|text| !text.is_empty()) {
                None => Outcome::Null,
                Some(code) => match list.read(code, scope(row), day(*date, scene)) {
                    Meant::Target("") => Outcome::Null,
                    Meant::Target(target) => Outcome::text(target),
                    Meant::Unknown | Meant::OutsidePeriod => {
                        return fallback.map(|text| Cell::Text(text.into()));
                    }
                },
            },
            Back::Ref(_) => Outcome::Null,
        };
        match outcome {
            Outcome::Null => self.default.clone(),
            Outcome::Value(value) => Some(value),
            Outcome::Marked { value, .. } => value,
            Outcome::Bad(_) => None,
        }
    }

    /// The texts that may stand for the value, best first, and what choosing among them loses.
    pub(super) fn texts(
        &self,
        value: &Cell<'_>,
        row: &EntityRow,
        scene: &Scene<'_>,
    ) -> (Vec<SourceText>, Option<String>) {
        let text = |text: Option<String>| (text.map(SourceText::Text).into_iter().collect(), None);
        match (&self.back, value) {
            (Back::Function { invert, arguments, scale, .. }, _) => {
                text(invert(&Settings { arguments, scale: *scale }, value))
            }
            (Back::Bytes, Cell::Bytes(bytes)) => (vec![self.text_or_bytes(bytes, scene)], None),
            (Back::Codes { list, date, fallback }, Cell::Text(target)) => {
                let codes = list.codes(target, scope(row), day(*date, scene));
                let several = codes.len() > 1 || *fallback == Some(target.as_ref());
                let unknown = fallback.filter(|fallback| *fallback == target).map(|_| "an unknown code");
                let named: Vec<&str> = codes.iter().copied().chain(unknown).collect();
                let lost = several.then(|| format!("`{target}` is {}", named.join(" or ")));
                (codes.into_iter().map(|code| SourceText::Text(code.to_owned())).collect(), lost)
            }
            (Back::Ref(reference), Cell::Id(id)) => text(reference.text(*id, scene)),
            (Back::Bytes | Back::Codes { .. } | Back::Ref(_), _) => (Vec::new(), None),
        }
    }

    /// Bytes for a column of bytes, and text for one of text: where nothing was kept, the caller knows which.
    fn text_or_bytes(&self, bytes: &[u8], scene: &Scene<'_>) -> SourceText {
        let was_text = scene.kept.and_then(|kept| kept.get(self.column));
        let text = matches!(was_text, Some(SourceText::Text(_))).then(|| String::from_utf8(bytes.to_vec()));
        match text {
            Some(Ok(text)) => SourceText::Text(text),
            Some(Err(_)) | None => SourceText::Bytes(bytes.to_vec()),
        }
    }

    /// The origins that have to be known before the column is written.
    pub(super) fn reads(&self) -> Vec<&str> {
        match &self.back {
            Back::Function { others, .. } => others.iter().map(|other| other.name.as_str()).collect(),
            Back::Codes { date, .. } => date.iter().map(|date| date.name.as_str()).collect(),
            Back::Bytes | Back::Ref(_) => Vec::new(),
        }
    }
}

impl Reference<'_> {
    /// The text of the column that makes the reference name the row with this id.
    fn text(&self, id: [u8; 16], scene: &Scene<'_>) -> Option<String> {
        let values = scene.key_of(self.entity, id)?;
        let value = |at: usize| values.get(*self.places.get(at)?)?.as_deref();
        let agrees =
            |(at, column): &(usize, &str)| scene.text(column).is_none_or(|known| value(*at) == Some(known));
        if !self.added.iter().all(agrees) {
            return None;
        }
        value(self.at).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    fn accepts(&self, text: Option<&str>, value: Option<&Cell<'_>>, scene: &Scene<'_>) -> bool {
        let text = text.filter(|text| !text.is_empty());
        match (text, value) {
            (text, None) => text.is_none() || self.places.len() > 1,
            (Some(text), Some(Cell::Id(id))) if self.places.len() == 1 => {
                let texts = [Some(text)].into_iter().chain(self.part.map(Some));
                let key = SourceKey::new(self.system, self.table, texts);
                EntityId::derive(scene.secret, self.entity, &key).as_bytes() == id
            }
            (Some(text), Some(Cell::Id(id))) => self.text(*id, scene).as_deref() == Some(text),
            (_, Some(_)) => false,
        }
    }
}

/// The area of work and the nämnd of a row, by which code lists are read.
fn scope(row: &EntityRow) -> (&str, &str) {
    (row.text("verksamhetsomrade"), row.text("namnd"))
}

fn day(date: Option<&Origin>, scene: &Scene<'_>) -> Option<i32> {
    day_of_code(scene.text(&date?.name)?)
}

fn plain(text: Option<&SourceText>) -> Option<&str> {
    match text {
        Some(SourceText::Text(text)) => Some(text),
        Some(SourceText::Bytes(_)) | None => None,
    }
}

fn bytes(text: &SourceText) -> Cell<'_> {
    match text {
        SourceText::Text(text) => Cell::Bytes(Cow::Borrowed(text.as_bytes())),
        SourceText::Bytes(bytes) => Cell::Bytes(Cow::Borrowed(bytes)),
    }
}
