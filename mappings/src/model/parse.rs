//! Reads the model's files.

use crate::batch::BatchSchema;
use crate::diagnostic::Diagnostic;
use crate::document::{Placed, Reporter, Section, read_document};
use crate::model::validity::read_validity;
use crate::model::{Entity, Field, FieldType, Model, ProtectionClass, ResponsibleBody};

const TYPES: &[&str] =
    &["ref", "text", "code", "date", "time", "int", "ore", "minutes", "bool", "bytes", "decimal"];

impl Model {
    /// Reads the files of a model, each with its name. References between entities are checked over
    /// all files together.
    #[must_use]
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> (Self, Vec<Diagnostic>) {
        let mut model = Self::default();
        let mut found = Vec::new();
        let mut references = Vec::new();
        for (file, text) in files {
            let mut report = Reporter::new(file);
            read_document(text, &mut report, |root, report| {
                read_model(root, &mut model, &mut references, report);
            });
            found.append(&mut report.found);
        }
        for (file, target) in references {
            if !model.entities.contains_key(&target.text) {
                let mut report = Reporter::new(&file);
                report.unknown("BRON-M021", &target, "entity", model.entities.keys().map(String::as_str));
                found.append(&mut report.found);
            }
        }
        (model, found)
    }
}

type References = Vec<(String, Placed)>;

fn read_model(
    root: &mut Section<'_, '_>,
    model: &mut Model,
    references: &mut References,
    report: &mut Reporter<'_>,
) {
    if let Some(mut body) = root.section("responsible_body", report) {
        let entity = body.required_text("entity", report);
        let system = body.required_text("system", report);
        let table = body.required_text("table", report);
        body.finish(report);
        if let (Some(entity), Some(system), Some(table)) = (entity, system, table) {
            references.push((report.file.to_owned(), entity.clone()));
            model.responsible_body =
                Some(ResponsibleBody { entity: entity.text, system: system.text, table: table.text });
        }
    }
    for mut section in root.sections("entity", report) {
        if let Some(entity) = read_entity(&mut section, references, report) {
            if model.entities.contains_key(&entity.name) {
                report.error(
                    "BRON-M020",
                    &entity.span,
                    format!("entity `{}` is declared twice", entity.name),
                    "again",
                );
            }
            model.entities.insert(entity.name.clone(), entity);
        }
    }
}

fn read_entity(
    section: &mut Section<'_, '_>,
    references: &mut References,
    report: &mut Reporter<'_>,
) -> Option<Entity> {
    let span = section.span.clone();
    let name = section.required_text("name", report);
    let label = section.required_text("label", report);
    let about = section.required_text("about", report);
    let retention = section.required_text("retention", report);
    let sekretess = section.required_text("sekretess", report);
    let mut fields = vec![Field {
        name: "id".to_owned(),
        kind: FieldType::Id,
        required: true,
        label: "Id".to_owned(),
        about: "Radens id, härlett ur källans nyckel".to_owned(),
        protection: ProtectionClass::Open,
    }];
    for mut field in section.sections("fields", report) {
        if let Some(field) = read_field(&mut field, &fields, references, report) {
            fields.push(field);
        }
    }
    let validity = read_validity(section, &fields, report);
    let event = read_event(section, &fields, report);
    let akt = read_akt(section, &fields, report);
    section.finish(report);
    fields.extend(Entity::shared_fields());
    let schema = BatchSchema::new(fields.iter().map(|field| (field.name.clone(), field.kind.column())));
    Some(Entity {
        name: name?.text,
        label: label?.text,
        about: about?.text,
        retention: retention?.text,
        sekretess_klass: sekretess?.text,
        validity,
        event,
        akt,
        fields,
        schema,
        file: report.file.to_owned(),
        span,
    })
}

/// The fields that `event` names: dates or times of the entity's own.
fn read_event(section: &mut Section<'_, '_>, fields: &[Field], report: &mut Reporter<'_>) -> Vec<String> {
    let named = section.texts("event", report).unwrap_or_default();
    let known = |name: &Placed, report: &mut Reporter<'_>| {
        let kind = fields.iter().find(|field| field.name == name.text).map(|field| &field.kind);
        let moment = kind.is_some_and(|kind| matches!(kind, FieldType::Date | FieldType::Time));
        if kind.is_none() {
            report.unknown("BRON-M015", name, "field", fields.iter().map(|field| field.name.as_str()));
        } else if !moment {
            let message = format!("field `{}` is neither a date nor a time", name.text);
            report.error("BRON-M014", &name.span, message, "no moment");
        }
        moment
    };
    named.into_iter().filter_map(|name| known(&name, report).then_some(name.text)).collect()
}

/// The field that `akt` names: a reference of the entity's own.
fn read_akt(section: &mut Section<'_, '_>, fields: &[Field], report: &mut Reporter<'_>) -> Option<String> {
    let name = section.text("akt", report)?;
    let kind = fields.iter().find(|field| field.name == name.text).map(|field| &field.kind);
    if kind.is_some_and(|kind| matches!(kind, FieldType::Ref { .. })) {
        return Some(name.text);
    }
    let references = fields.iter().filter(|field| matches!(field.kind, FieldType::Ref { .. }));
    report.unknown("BRON-M015", &name, "reference", references.map(|field| field.name.as_str()));
    None
}

fn read_field(
    section: &mut Section<'_, '_>,
    before: &[Field],
    references: &mut References,
    report: &mut Reporter<'_>,
) -> Option<Field> {
    let name = section.required_text("name", report);
    let kind = read_type(section, references, report);
    let label = section.required_text("label", report);
    let about = section.text("about", report);
    let required = section.bool("required", report).unwrap_or(false);
    let protection = read_protection(section, report);
    section.finish(report);
    let name = name?;
    let taken = before.iter().map(|field| &field.name);
    if taken.chain(Entity::shared_fields().iter().map(|field| &field.name)).any(|other| *other == name.text) {
        report.error("BRON-M020", &name.span, format!("field `{}` is declared twice", name.text), "again");
        return None;
    }
    if !is_column_name(&name.text) {
        report.error(
            "BRON-M022",
            &name.span,
            "a name has small letters a–z, digits and _ only",
            "not a column name",
        );
    }
    let label = label?.text;
    let about = about.map_or_else(|| label.clone(), |about| about.text);
    Some(Field { name: name.text, kind: kind?, required, label, about, protection })
}

fn is_column_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_')
}

fn read_protection(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> ProtectionClass {
    let Some(name) = section.text("protection", report) else {
        return ProtectionClass::Open;
    };
    let known = ProtectionClass::ALL.iter().find(|(known, _)| *known == name.text);
    known.map_or_else(
        || {
            let names = ProtectionClass::ALL.iter().map(|(known, _)| *known);
            report.unknown("BRON-M023", &name, "protection class", names);
            ProtectionClass::Secret
        },
        |(_, class)| *class,
    )
}

fn read_type(
    section: &mut Section<'_, '_>,
    references: &mut References,
    report: &mut Reporter<'_>,
) -> Option<FieldType> {
    let name = section.required_text("type", report)?;
    let entity = section.text("entity", report);
    let scale = section.int("scale", report);
    match (name.text.as_str(), entity, scale) {
        ("ref", Some(entity), None) => {
            references.push((report.file.to_owned(), entity.clone()));
            Some(FieldType::Ref { entity: entity.text })
        }
        ("decimal", None, Some(scale)) => {
            let scale = i8::try_from(scale).ok().filter(|scale| (0..=18).contains(scale));
            if scale.is_none() {
                report.error("BRON-M005", &name.span, "`scale` goes from 0 to 18", "out of range");
            }
            scale.map(|scale| FieldType::Decimal { scale })
        }
        ("text", None, None) => Some(FieldType::Text),
        ("code", None, None) => Some(FieldType::Code),
        ("date", None, None) => Some(FieldType::Date),
        ("time", None, None) => Some(FieldType::Time),
        ("int", None, None) => Some(FieldType::Int),
        ("ore", None, None) => Some(FieldType::Ore),
        ("minutes", None, None) => Some(FieldType::Minutes),
        ("bool", None, None) => Some(FieldType::Bool),
        ("bytes", None, None) => Some(FieldType::Bytes),
        (known, _, _) if TYPES.contains(&known) => {
            let message = "`ref` takes `entity`, `decimal` takes `scale`, other types take neither";
            report.error("BRON-M024", &name.span, message, "incomplete type");
            None
        }
        _ => {
            report.unknown("BRON-M024", &name, "type", TYPES.iter().copied());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BESLUT: &str = r#"
format = 1
[[entity]]
name = "beslut"
label = "Beslut"
about = "Ett beslut"
retention = "sol-12-1"
sekretess = "osl_26"
fields = [
  { name = "arende_id", type = "ref", entity = "arende", label = "Ärende", required = true },
  { name = "antal", type = "decimal", scale = 2, label = "Antal" },
]
[[entity]]
name = "arende"
label = "Ärende"
about = "Ett ärende"
retention = "sol-12-1"
sekretess = "osl_26"
"#;

    #[test]
    fn entities_get_an_id_and_the_shared_fields() {
        let (model, found) = Model::parse([("m.toml", BESLUT)]);
        assert_eq!(found, []);
        let names: Vec<&str> =
            model.entities["beslut"].fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names[..3], ["id", "arende_id", "antal"]);
        assert_eq!(names.len(), 3 + Entity::shared_fields().len());
        assert_eq!(model.entities["beslut"].schema().columns().len(), names.len());
    }

    #[test]
    fn events_and_the_way_to_the_file_are_fields_of_their_kind() {
        let with = |more: &str| {
            let text = BESLUT.replacen("fields = [", &format!("{more}\nfields = ["), 1);
            let text = text.replacen(
                "{ name = \"antal\"",
                "{ name = \"datum\", type = \"date\", label = \"Datum\" },\n  { name = \"antal\"",
                1,
            );
            let (model, found) = Model::parse([("m.toml", text.as_str())]);
            let codes: Vec<&str> = found.iter().map(|one| one.code).collect();
            (model.entities["beslut"].clone(), codes)
        };
        let (beslut, found) = with("event = [\"datum\"]\nakt = \"arende_id\"");
        assert_eq!(found, [""; 0]);
        assert_eq!((beslut.event, beslut.akt.as_deref()), (vec!["datum".to_owned()], Some("arende_id")));
        assert_eq!(with("event = [\"antal\"]").1, ["BRON-M014"]);
        assert_eq!(with("event = [\"dat\"]").1, ["BRON-M015"]);
        assert_eq!(with("akt = \"antal\"").1, ["BRON-M015"]);
    }

    #[test]
    fn all_mistakes_of_a_file_are_reported_together() {
        let text = BESLUT
            .replace("entity = \"arende\"", "entity = \"arrende\"")
            .replace("scale = 2, ", "")
            .replace("retention = \"sol-12-1\"\nsekretess = \"osl_26\"\nfields", "fields");
        let (_, found) = Model::parse([("m.toml", text.as_str())]);
        let codes: Vec<&str> = found.iter().map(|one| one.code).collect();
        assert_eq!(codes, ["BRON-M004", "BRON-M004", "BRON-M024", "BRON-M021"]);
        assert_eq!(found[3].help.as_deref(), Some("did you mean `arende`?"));
        assert_eq!(&text[found[3].span.clone()], "\"arrende\"");
    }
}
