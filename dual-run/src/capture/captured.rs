//! What is captured of a table, and what its rows are called.

use std::collections::BTreeMap;

use bron_extract::ImageText;
use bron_mappings::{ColumnType, Entity, SourceKey};
use bron_transform::{SourceText, SourceTexts};

use crate::change::{Image, MODEL_SYSTEM};
use crate::error::{Error, ErrorKind, Result};

/// A table whose changes are captured, and how its rows are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedTable {
    /// The name, as the database spells it.
    pub name: String,
    /// The system and the table that the keys of its rows carry.
    system: String,
    key_table: String,
    /// The columns that make the key, in its order.
    pub key: Vec<String>,
    /// The columns that are captured with their types in the model; `None` for all, as the database has them.
    fields: Option<BTreeMap<String, ColumnType>>,
}

impl CapturedTable {
    /// A table of a legacy system: keys carry the system's name in the mappings and that of the table, and all columns
    /// are captured.
    #[must_use]
    pub fn legacy(system: &str, table: &str, key: &[&str]) -> Self {
        Self {
            name: table.to_owned(),
            system: system.to_owned(),
            key_table: table.to_owned(),
            key: key.iter().map(|&column| column.to_owned()).collect(),
            fields: None,
        }
    }

    /// The table of an entity: keys carry [`MODEL_SYSTEM`], the entity and the id, and the fields of the entity are
    /// captured. What a load notes beside them is left out.
    #[must_use]
    pub fn of_entity(entity: &Entity) -> Self {
        let fields = entity.fields.iter().map(|field| (field.name.clone(), field.kind.column()));
        let id: Vec<&str> = entity.fields.first().map(|field| field.name.as_str()).into_iter().collect();
        let fields = Some(fields.collect());
        Self { fields, ..Self::legacy(MODEL_SYSTEM, &entity.name, &id) }
    }

    /// The same for a table of these fields, whose first is the id.
    #[cfg(test)]
    pub(super) fn of_fields(entity: &str, fields: &[(&str, ColumnType)]) -> Self {
        let id: Vec<&str> = fields.first().map(|(name, _)| *name).into_iter().collect();
        let fields = fields.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        Self { fields: Some(fields), ..Self::legacy(MODEL_SYSTEM, entity, &id) }
    }

    /// The columns to capture, where they are not all.
    pub(super) fn columns(&self) -> Option<Vec<String>> {
        self.fields.as_ref().map(|fields| fields.keys().cloned().collect())
    }

    /// The row of these texts.
    pub(super) fn image(&self, texts: BTreeMap<String, ImageText>) -> Image {
        let columns: SourceTexts = texts
            .into_iter()
            .map(|(column, value)| {
                let value = match value {
                    ImageText::Bytes(bytes) => SourceText::Bytes(bytes),
                    ImageText::Text(text) => SourceText::Text(self.in_words_of_the_model(&column, text)),
                };
                (column, value)
            })
            .collect();
        Image::new(columns)
    }

    /// Databases write truth and moments in ways of their own; rows of the model have one.
    fn in_words_of_the_model(&self, column: &str, text: String) -> String {
        let kind = self.fields.as_ref().and_then(|fields| fields.get(column));
        match kind {
            Some(ColumnType::Bool) => match text.as_str() {
                "0" => "false".to_owned(),
                "1" => "true".to_owned(),
                _ => text,
            },
            Some(ColumnType::Time) => text.replacen(' ', "T", 1),
            Some(
                ColumnType::Text
                | ColumnType::Bytes
                | ColumnType::Int
                | ColumnType::Decimal { .. }
                | ColumnType::Date
                | ColumnType::Id,
            )
            | None => text,
        }
    }

    /// The key of a row.
    ///
    /// # Errors
    /// [`ErrorKind::Drift`] when a column of the key holds bytes: such a row has no name.
    pub(super) fn key_of(&self, image: &Image) -> Result<SourceKey> {
        let value = |column: &String| match image.columns().get(column) {
            None => Ok(None),
            Some(SourceText::Text(text)) => Ok(Some(text.as_str())),
            Some(SourceText::Bytes(_)) => {
                let problem =
                    format!("table {}: key column {column} holds bytes that are no text", self.name);
                Err(Error::new(ErrorKind::Drift, problem))
            }
        };
        let values = self.key.iter().map(value).collect::<Result<Vec<_>>>()?;
        Ok(SourceKey::new(&self.system, &self.key_table, values))
    }

    /// The values of a key of this table, in the order of its columns.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is not a key of this table.
    pub(super) fn values_of(&self, key: &SourceKey) -> Result<Vec<Option<String>>> {
        let values = SourceKey::values_of(key.text().expose()).filter(|values| {
            let again = values.iter().map(Option::as_deref);
            SourceKey::new(&self.system, &self.key_table, again) == *key && values.len() == self.key.len()
        });
        let problem = || Error::new(ErrorKind::Config, format!("the key is not one of table {}", self.name));
        values.ok_or_else(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(columns: &[(&str, &str)]) -> Image {
        let text = |text: &str| SourceText::Text(text.to_owned());
        Image::new(columns.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect())
    }

    #[test]
    fn a_key_is_made_of_the_columns_in_their_order() {
        let table = CapturedTable::legacy("paraply", "BERPOST", &["BER_ID", "RAD"]);
        let key = table.key_of(&image(&[("RAD", "3"), ("BER_ID", "a|b"), ("BELOPP", "1")])).unwrap();
        assert_eq!(key, SourceKey::new("paraply", "BERPOST", [Some("a|b"), Some("3")]));
        assert_eq!(table.values_of(&key).unwrap(), [Some("a|b".to_owned()), Some("3".to_owned())]);
        let other = SourceKey::new("paraply", "ANNAN", [Some("1"), Some("3")]);
        assert_eq!(table.values_of(&other).unwrap_err().kind(), ErrorKind::Config);
    }

    #[test]
    fn a_key_of_bytes_is_refused_and_not_shown() {
        let table = CapturedTable::legacy("paraply", "T", &["ID"]);
        let image = Image::new([("ID".to_owned(), SourceText::Bytes(b"hemligt".to_vec()))].into());
        let error = table.key_of(&image).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Drift);
        assert!(!error.to_string().contains("hemligt"));
    }

    #[test]
    fn rows_of_the_model_are_in_its_words() {
        let fields = [("id", ColumnType::Id), ("aktiv", ColumnType::Bool), ("nar", ColumnType::Time)];
        let table = CapturedTable::of_fields("person", &fields);
        let text = |text: &str| ImageText::Text(text.to_owned());
        let found = [("aktiv".to_owned(), text("1")), ("nar".to_owned(), text("2024-01-31 08:00:00"))];
        assert_eq!(table.image(found.into()), image(&[("aktiv", "true"), ("nar", "2024-01-31T08:00:00")]));
    }
}
