//! Rows of the model as images, and back.
//!
//! Each field has one text: ids as lower-case UUID, dates `YYYY-MM-DD`, moments `YYYY-MM-DD HH:MM:SS` with a fraction
//! only when it says something, truth as `true` and `false`, numbers in plain decimal with the digits of their scale.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bron_mappings::{Batch, Entity, EntityId, FieldType, Value};
use bron_transform::{Cell, EntityRow, SourceText, SourceTexts, text_of};
use jiff::civil::{Date, DateTime, date};

use crate::change::Image;

/// A row of a batch that carries all columns of an entity. `named` gives the id that stands for another.
#[must_use]
pub fn model_image(
    entity: &Entity,
    batch: &Batch,
    row: usize,
    named: &dyn Fn(EntityId) -> EntityId,
) -> Image {
    let texts = entity.fields.iter().enumerate().filter_map(|(at, field)| {
        let text = match batch.cells(at).value(row)? {
            Value::Bytes(bytes) => SourceText::Bytes(bytes.to_vec()),
            Value::Id(id) => SourceText::Text(named(EntityId::from_bytes(id)).to_string()),
            value @ Value::Time(_) => SourceText::Text(without_idle_zeros(text_of(&field.kind, value))),
            value
            @ (Value::Text(_) | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Date(_)) => {
                SourceText::Text(text_of(&field.kind, value))
            }
        };
        Some((field.name.clone(), text))
    });
    Image::new(texts.collect())
}

fn without_idle_zeros(mut time: String) -> String {
    if time.contains('.') {
        time.truncate(time.trim_end_matches('0').trim_end_matches('.').len());
    }
    time
}

/// The row that an image shows, or the first field whose text is none of its type.
///
/// # Errors
/// The name of the field.
pub fn model_row(
    entity: &Entity,
    image: &Image,
    named: &dyn Fn(EntityId) -> EntityId,
) -> Result<EntityRow, String> {
    let mut fields = BTreeMap::new();
    for field in &entity.fields {
        let Some(found) = image.columns().get(&field.name) else { continue };
        let cell = cell(&field.kind, found, named).ok_or_else(|| field.name.clone())?;
        fields.insert(field.name.clone(), cell);
    }
    Ok(EntityRow { entity: entity.name.clone(), fields })
}

/// Whether two texts are one value of a type.
pub(super) fn reads_same(kind: &FieldType, one: Option<&SourceText>, other: Option<&SourceText>) -> bool {
    let read = |text: Option<&SourceText>| text.map(|text| cell(kind, text, &|id| id));
    match (read(one), read(other)) {
        (Some(Some(one)), Some(Some(other))) => one == other,
        (None, None) => true,
        _ => false,
    }
}

fn cell(kind: &FieldType, found: &SourceText, named: &dyn Fn(EntityId) -> EntityId) -> Option<Cell<'static>> {
    let text = match found {
        SourceText::Text(text) => text,
        SourceText::Bytes(bytes) => {
            return (*kind == FieldType::Bytes).then(|| Cell::Bytes(Cow::Owned(bytes.clone())));
        }
    };
    Some(match kind {
        FieldType::Id | FieldType::Ref { .. } => Cell::Id(*named(EntityId::parse(text)?).as_bytes()),
        FieldType::Text | FieldType::Code => Cell::Text(Cow::Owned(text.clone())),
        FieldType::Date => Cell::Date(days(text.parse().ok()?)?),
        FieldType::Time => Cell::Time(micros(text.parse().ok()?)?),
        FieldType::Int | FieldType::Ore | FieldType::Minutes => Cell::Int(text.parse().ok()?),
        FieldType::Bool => Cell::Bool(text.parse().ok()?),
        FieldType::Bytes => Cell::Bytes(Cow::Owned(text.clone().into_bytes())),
        FieldType::Decimal { scale } => Cell::Decimal(unscaled(text, usize::try_from(*scale).ok()?)?),
    })
}

const EPOCH: Date = date(1970, 1, 1);

fn days(day: Date) -> Option<i32> {
    i32::try_from(day.duration_since(EPOCH).as_hours() / 24).ok()
}

fn micros(time: DateTime) -> Option<i64> {
    i64::try_from(time.duration_since(EPOCH.at(0, 0, 0, 0)).as_micros()).ok()
}

/// The number without its point.
fn unscaled(text: &str, scale: usize) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > scale {
        return None;
    }
    format!("{whole}{fraction:0<scale$}").parse().ok()
}

/// The texts of a legacy row that a put decided.
pub(super) fn with(mut texts: SourceTexts, column: &str, text: Option<SourceText>) -> SourceTexts {
    match text {
        Some(text) => drop(texts.insert(column.to_owned(), text)),
        None => drop(texts.remove(column)),
    }
    texts
}
