//! A small city: what is true of its persons, and how either world writes it down.
//!
//! The legacy side keeps a person in two tables (`PERSON` and, when there is a telephone, `KONTAKT`) with the name in
//! one column, a note that the model does not hold, and a balance that its own trigger sets. Cases (`ARENDE`) hold an
//! amount in kronor. The model keeps one row for a person, with the name in two fields and a derived initial, and cases
//! with the amount in öre and the family name of their person.

use std::collections::BTreeMap;

use bron_dual_run::{Image, MODEL_SYSTEM, Scope, Side};
use bron_mappings::SourceKey;
use bron_transform::{SourceText, SourceTexts};

/// The system name of the legacy side.
pub(crate) const LEGACY_SYSTEM: &str = "toy";
/// The units whose scopes change their owners.
pub(crate) const UNITS: [&str; 2] = ["A", "B"];

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// The amount in öre.
    pub(crate) ore: u64,
    /// Its status.
    pub(crate) status: String,
}

/// What is true of a person, whichever world says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// The given name.
    pub(crate) given: String,
    /// The family name.
    pub(crate) family: String,
    /// The unit that handles the person: it decides the scope of everything of the person.
    pub(crate) unit: String,
    /// The telephone.
    pub(crate) phone: Option<String>,
    /// What only the legacy side knows.
    pub(crate) note: String,
    /// The cases.
    pub(crate) cases: BTreeMap<u64, Case>,
}

/// Everybody.
pub(crate) type City = BTreeMap<u64, Person>;

/// The rows of a world.
pub(crate) type Rows = BTreeMap<SourceKey, Image>;

/// The key of a row.
#[must_use]
pub(crate) fn key(system: &str, table: &str, id: u64) -> SourceKey {
    SourceKey::new(system, table, [Some(id.to_string().as_str())])
}

/// The key of a legacy row.
#[must_use]
pub(crate) fn legacy(table: &str, id: u64) -> SourceKey {
    key(LEGACY_SYSTEM, table, id)
}

/// The key of a row of the model.
#[must_use]
pub(crate) fn model(entity: &str, id: u64) -> SourceKey {
    key(MODEL_SYSTEM, entity, id)
}

/// The number in a key.
#[must_use]
pub(crate) fn id(key: &SourceKey) -> u64 {
    key.values().first().copied().flatten().and_then(|value| value.parse().ok()).unwrap_or_default()
}

/// The scope of a unit.
#[must_use]
pub(crate) fn scope(unit: &str) -> Scope {
    Scope { area: "toy".to_owned(), namnd: unit.to_owned(), side: Side::Myndighet }
}

/// A row of these columns.
#[must_use]
pub(crate) fn image<const N: usize>(columns: [(&str, &str); N]) -> Image {
    let text = |(column, value): (&str, &str)| (column.to_owned(), SourceText::Text(value.to_owned()));
    Image::new(columns.into_iter().map(text).collect())
}

/// A column of a row; empty when it is NULL.
#[must_use]
pub(crate) fn text<'a>(image: &'a Image, column: &str) -> &'a str {
    match image.columns().get(column) {
        Some(SourceText::Text(text)) => text,
        Some(SourceText::Bytes(_)) | None => "",
    }
}

/// A row with another value in a column.
#[must_use]
pub(crate) fn with(image: &Image, column: &str, value: &str) -> Image {
    let mut columns: SourceTexts = image.columns().clone();
    columns.insert(column.to_owned(), SourceText::Text(value.to_owned()));
    Image::new(columns)
}

/// A row of `PERSON`.
#[must_use]
pub(crate) fn person_row(person: &Person) -> Image {
    let name = format!("{}, {}", person.family, person.given);
    image([("NAMN", &name), ("ENHET", &person.unit), ("NOTE", &person.note), ("SALDO", "0")])
}

/// A row of `ARENDE`.
#[must_use]
pub(crate) fn case_row(person: u64, case: &Case) -> Image {
    let amount = format!("{},{:02}", case.ore / 100, case.ore % 100);
    image([("PID", &person.to_string()), ("BELOPP", &amount), ("STATUS", &case.status)])
}

/// How the model writes the city down.
#[must_use]
pub(crate) fn in_the_model(city: &City) -> Rows {
    let mut rows = Rows::new();
    for (id, person) in city {
        let initial: String = person.given.chars().take(1).collect();
        let mut row = image([
            ("given", &person.given),
            ("family", &person.family),
            ("initial", &initial),
            ("unit", &person.unit),
        ]);
        if let Some(phone) = &person.phone {
            row = with(&row, "phone", phone);
        }
        rows.insert(model("person", *id), row);
        for (number, case) in &person.cases {
            let (person_id, ore) = (id.to_string(), case.ore.to_string());
            let columns = [
                ("person", person_id.as_str()),
                ("family", &person.family),
                ("ore", &ore),
                ("status", &case.status),
            ];
            rows.insert(model("arende", *number), image(columns));
        }
    }
    rows
}

/// How the legacy side writes the city down, the balances and the source of telephones aside.
#[must_use]
pub(crate) fn in_legacy(city: &City) -> Rows {
    let mut rows = Rows::new();
    for (id, person) in city {
        rows.insert(legacy("PERSON", *id), person_row(person));
        if let Some(phone) = &person.phone {
            rows.insert(legacy("KONTAKT", *id), image([("TEL", phone)]));
        }
        for (number, case) in &person.cases {
            rows.insert(legacy("ARENDE", *number), case_row(*id, case));
        }
    }
    rows
}

/// The rows of a legacy side without what it derives by itself.
#[must_use]
pub(crate) fn without_derived(rows: &Rows) -> Rows {
    let plain = |(key, row): (&SourceKey, &Image)| {
        let row = if key.table() == "PERSON" { with(row, "SALDO", "0") } else { row.clone() };
        (key.clone(), row)
    };
    rows.iter().map(plain).collect()
}
