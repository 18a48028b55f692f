//! Which fields of an entity say when a row holds in the world, and when it was known.

use crate::document::{Reporter, Section};
use crate::model::{Field, FieldType};

/// The fields that place a row in time, by name.
///
/// A statement has two times: when it holds (`from`, `to`), and when it was known (`recorded`, `replaced`).
/// What was known on a day are the rows recorded by then and not yet replaced, so an earlier answer can be
/// given again after a later decision. Every field is one of the entity's own, and a date or a time; a
/// missing `to` or `replaced` in a row means that it still holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first day or moment on which the row holds.
    pub from: String,
    /// The last day or moment on which it holds; an entity of moments or of whole months has none.
    pub to: Option<String>,
    /// When the row was recorded, where the source says so.
    pub recorded: Option<String>,
    /// When another row replaced it, where the source says so. Only with `recorded`.
    pub replaced: Option<String>,
}

/// Reads `validity` of an entity whose own fields are `fields`.
pub(super) fn read_validity(
    entity: &mut Section<'_, '_>,
    fields: &[Field],
    report: &mut Reporter<'_>,
) -> Option<Validity> {
    let mut section = entity.section("validity", report)?;
    section.required_text("from", report);
    let mut role = |key: &str, report: &mut Reporter<'_>| {
        let name = section.text(key, report)?;
        let Some(field) = fields.iter().find(|field| field.name == name.text) else {
            report.unknown("BRON-M015", &name, "field", fields.iter().map(|field| field.name.as_str()));
            return None;
        };
        if !matches!(field.kind, FieldType::Date | FieldType::Time) {
            let message = format!("field `{}` is neither a date nor a time", field.name);
            report.error("BRON-M014", &name.span, message, "no moment");
            return None;
        }
        Some(name.text)
    };
    let from = role("from", report);
    let [to, recorded, replaced] = ["to", "recorded", "replaced"].map(|key| role(key, report));
    if section.has("replaced") && !section.has("recorded") {
        let message = "`replaced` says nothing without `recorded`";
        report.error("BRON-M004", &section.span, message, "incomplete");
    }
    section.finish(report);
    Some(Validity { from: from?, to, recorded, replaced })
}

#[cfg(test)]
mod tests {
    use crate::model::{Model, Validity};

    fn parsed(validity: &str) -> (Option<Validity>, Vec<&'static str>) {
        let text = format!(
            r#"
format = 1
[[entity]]
name = "beslut"
label = "Beslut"
about = "Ett beslut"
retention = "sol-12-1"
sekretess = "osl_26_1"
validity = {validity}
fields = [
  {{ name = "fran", type = "date", label = "Från" }},
  {{ name = "till", type = "date", label = "Till" }},
  {{ name = "registrerad_tid", type = "time", label = "Registrerad" }},
  {{ name = "antal", type = "int", label = "Antal" }},
]
"#
        );
        let (mut model, found) = Model::parse([("m.toml", text.as_str())]);
        let validity = model.entities.remove("beslut").and_then(|entity| entity.validity);
        (validity, found.iter().map(|one| one.code).collect())
    }

    #[test]
    fn the_fields_in_time_are_read_by_their_roles() {
        let (validity, found) = parsed("{ from = \"fran\", to = \"till\", recorded = \"registrerad_tid\" }");
        assert_eq!(found, [""; 0]);
        let validity = validity.unwrap();
        assert_eq!((validity.from.as_str(), validity.to.as_deref()), ("fran", Some("till")));
        assert_eq!((validity.recorded.as_deref(), validity.replaced), (Some("registrerad_tid"), None));
        assert!(parsed("{ from = \"fran\" }").0.is_some(), "only `from` is required");
    }

    #[test]
    fn what_is_no_moment_or_no_field_or_half_a_pair_is_reported() {
        assert_eq!(parsed("{ to = \"till\" }").1, ["BRON-M004"]);
        assert_eq!(parsed("{ from = \"frn\" }").1, ["BRON-M015"]);
        assert_eq!(parsed("{ from = \"antal\" }").1, ["BRON-M014"]);
        assert_eq!(parsed("{ from = \"fran\", replaced = \"till\" }").1, ["BRON-M004"]);
        assert_eq!(parsed("{ from = \"fran\", until = \"till\" }").1, ["BRON-M003"]);
    }
}
